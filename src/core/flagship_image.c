
/*
 * Copyright (C) Flagship
 */


/*
 * Look-ups in an image and its digest.
 */


#include <string.h>

#include "flagship_code.h"


uint32_t
flagship_image_find(const flagship_image_t *image, flagship_str_t key)
{
    uint32_t                hash, i, mask;
    const uint32_t         *table;
    const flagship_flag_t  *flags;

    hash = flagship_hash32(key.data, key.len);
    mask = image->flag_table.n - 1;
    table = flagship_table(image, flag_table);
    flags = flagship_flags(image);

    for (i = hash & mask; table[i] != FLAGSHIP_NONE; i = (i + 1) & mask) {

        if (flags[table[i]].hash == hash
            && flagship_str_eq(flagship_flag_key(image, table[i]), key))
        {
            return table[i];
        }
    }

    return FLAGSHIP_NONE;
}


uint32_t
flagship_image_find_folded(const flagship_image_t *image, flagship_str_t name)
{
    char             folded[FLAGSHIP_MAX_KEY];
    uint32_t         flag, i, mask;
    const uint32_t  *table;
    flagship_str_t   key;

    flag = flagship_image_find(image, name);

    if (flag != FLAGSHIP_NONE) {
        return flag;
    }

    mask = image->name_table.n - 1;
    table = flagship_table(image, name_table);
    i = flagship_hash32(name.data, name.len) & mask;

    for ( /* void */ ; table[i] != FLAGSHIP_NONE; i = (i + 1) & mask) {

        key = flagship_flag_key(image, table[i]);

        if (key.len == name.len
            && flagship_fold_key(key, folded) == name.len
            && memcmp(folded, name.data, name.len) == 0)
        {
            return table[i];
        }
    }

    return FLAGSHIP_NONE;
}


size_t
flagship_fold_key(flagship_str_t key, char *folded)
{
    size_t         i, n;
    unsigned char  c;

    n = key.len < FLAGSHIP_MAX_KEY ? key.len : FLAGSHIP_MAX_KEY;

    for (i = 0; i < n; i++) {
        c = key.data[i];

        /* no branch: letters and marks are mixed in keys */

        c |= (unsigned char) (c - 'A') < 26 ? 0x20 : 0;
        folded[i] = (c == '-' || c == '.') ? '_' : c;
    }

    return n;
}


uint64_t
flagship_image_digest(const flagship_image_t *image)
{
    return flagship_digest(image, image->len);
}


flagship_str_t
flagship_portability_name(unsigned portability)
{
    static const flagship_str_t  names[] = {
        flagship_string("portable"),
        flagship_string("lowered"),
        flagship_string("extended")
    };

    return names[portability];
}
