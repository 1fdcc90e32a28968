
/*
 * Copyright (C) Flagship
 */


/*
 * How the JSON parser finds duplicate names.  Not for others: see
 * flagship_json.h.
 */


#ifndef _FLAGSHIP_JSON_NAMES_H_INCLUDED_
#define _FLAGSHIP_JSON_NAMES_H_INCLUDED_


#include "flagship_json.h"


/* Up to so many names are compared one by one. */
#define FLAGSHIP_JSON_FEW_NAMES  16


/* One of 64, cheap, and different for names that people give to members. */

static inline unsigned
flagship_json_name_bit(const flagship_json_node_t *name)
{
    unsigned  bit;

    bit = name->len * 7;

    if (name->len) {
        bit += (unsigned char) name->str[0] * 3u
               + (unsigned char) name->str[name->len - 1] * 13u;
    }

    return bit & 63;
}


/* Whether one of the first "n" members of the object has this name. */
int flagship_json_has_name(const flagship_json_node_t *object, uint32_t n,
    const flagship_json_node_t *name);

/*
 * FLAGSHIP_OK; FLAGSHIP_DECLINED: *duplicate is the index of a name that the
 * object has before; FLAGSHIP_ERROR: no memory.
 */

int flagship_json_unique(flagship_json_t *json,
    const flagship_json_node_t *object, uint32_t *duplicate);


#endif /* _FLAGSHIP_JSON_NAMES_H_INCLUDED_ */
