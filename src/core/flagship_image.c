
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
    char    c;
    size_t  i;

    for (i = 0; i < key.len && i < FLAGSHIP_MAX_KEY; i++) {
        c = key.data[i];

        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;

        } else if (c == '-' || c == '.') {
            c = '_';
        }

        folded[i] = c;
    }

    return i;
}


/*
 * Four lanes of multiply and xor-shift over 8-byte words, the first of which
 * leave out the digest itself.  It finds torn writes and bit rot, no
 * adversary: the file that keeps an image has a cryptographic digest of its
 * own.
 */

uint64_t
flagship_image_digest(const flagship_image_t *image)
{
    size_t       i, n;
    uint64_t     digest, lane[4], w[4];
    const char  *p;

    p = (const char *) image;
    n = image->len / sizeof(w);

    lane[0] = 0x9e3779b97f4a7c15ull;
    lane[1] = 0xc2b2ae3d27d4eb4full;
    lane[2] = 0x165667b19e3779f9ull;
    lane[3] = 0xd6e8feb86659fd93ull;

    for (i = 0; i < n; i++) {
        memcpy(w, p + i * sizeof(w), sizeof(w));

        if (i == 0) {
            w[offsetof(flagship_image_t, digest) / sizeof(uint64_t)] = 0;
        }

        lane[0] = (lane[0] ^ w[0]) * 0xff51afd7ed558ccdull;
        lane[1] = (lane[1] ^ w[1]) * 0xff51afd7ed558ccdull;
        lane[2] = (lane[2] ^ w[2]) * 0xff51afd7ed558ccdull;
        lane[3] = (lane[3] ^ w[3]) * 0xff51afd7ed558ccdull;

        lane[0] ^= lane[0] >> 32;
        lane[1] ^= lane[1] >> 32;
        lane[2] ^= lane[2] >> 32;
        lane[3] ^= lane[3] >> 32;
    }

    digest = image->len;

    for (i = 0; i < 4; i++) {
        digest = (digest ^ lane[i]) * 0xc4ceb9fe1a85ec53ull;
        digest ^= digest >> 29;
    }

    return digest;
}
