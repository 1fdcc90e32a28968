
/*
 * Copyright (C) Flagship
 */


/*
 * What the reader of contexts and its plan share; not for others.
 */


#ifndef _FLAGSHIP_CONTEXT_PLAN_H_INCLUDED_
#define _FLAGSHIP_CONTEXT_PLAN_H_INCLUDED_


#include <string.h>

#include "flagship_context.h"
#include "flagship_json_parser.h"


#define FLAGSHIP_CONTEXT_STEPS  65536u   /* more: texts are parsed */


/* A name; head and tail are its first 16 bytes, zeros behind a shorter one. */

typedef struct {
    const char          *data;
    size_t               len;
    uint64_t             head;
    uint64_t             tail;
    uint64_t             hash;
} flagship_context_name_t;


/* FLAGSHIP_OK, or FLAGSHIP_ERROR: no memory. */
int flagship_context_plan(flagship_context_plan_t *plan,
    const flagship_image_t *image);
void flagship_context_plan_free(flagship_context_plan_t *plan);


static inline uint64_t
flagship_context_mix(uint64_t a, uint64_t b)
{
    unsigned __int128  product;

    product = (unsigned __int128) (a ^ 0x9e3779b97f4a7c15ull)
              * (b ^ 0xd6e8feb86659fd93ull);

    return (uint64_t) product ^ (uint64_t) (product >> 64);
}


/* The hash is no secret: names may be made to collide, and cost their text no
   more than being parsed. */

static inline void
flagship_context_hash(flagship_context_name_t *name)
{
    size_t    i;
    uint64_t  word;

    name->hash = flagship_context_mix(name->head ^ name->len << 56,
                                      name->tail);

    for (i = 16; i < name->len; i += 8) {
        memcpy(&word, name->data + (i + 8 < name->len ? i : name->len - 8), 8);
        name->hash = flagship_context_mix(name->hash, word);
    }
}


static inline void
flagship_context_name(flagship_context_name_t *name, const char *data,
    size_t len)
{
    uint64_t  words[2];

    words[0] = 0;
    words[1] = 0;

    if (len) {
        memcpy(words, data, len < 16 ? len : 16);
    }

    name->data = data;
    name->len = len;
    name->head = words[0];
    name->tail = words[1];

    flagship_context_hash(name);
}


/* As much of 8 bytes as belongs to the first "len" ones, from "from" on. */

static inline uint64_t
flagship_context_keep_bytes(size_t len, size_t from)
{
    static const char  keep[32] = {
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
    };

    return flagship_read64(keep + 16 - len + from);
}


/* Of less than 16 bytes, where 16 may be read. */

static inline void
flagship_context_short_name(flagship_context_name_t *name, const char *data,
    size_t len)
{
    name->data = data;
    name->len = len;
    name->head = flagship_read64(data) & flagship_context_keep_bytes(len, 0);
    name->tail = flagship_read64(data + 8)
                 & flagship_context_keep_bytes(len, 8);
    name->hash = flagship_context_mix(name->head ^ name->len << 56,
                                      name->tail);
}


/* Where in the table a search begins. */

static inline uint32_t
flagship_context_place(uint64_t hash, uint32_t parent)
{
    return (uint32_t) (hash >> 32) + parent * 0x9e3779b1u;
}


/* The step of this name behind a step; 0: there is none. */

static inline uint32_t
flagship_context_step(const flagship_context_plan_t *plan,
    const flagship_image_t *image, uint32_t parent,
    const flagship_context_name_t *name)
{
    uint32_t                        i;
    const flagship_context_step_t  *step;

    for (i = flagship_context_place(name->hash, parent);
         plan->table[i & plan->mask]; i++)
    {
        step = &plan->steps[plan->table[i & plan->mask]];

        if (step->head == name->head && step->tail == name->tail
            && step->len == name->len && step->parent == parent
            && (name->len <= 16
                || memcmp(flagship_at(image, image->strings.offset
                                             + step->name),
                          name->data, name->len) == 0))
        {
            return plan->table[i & plan->mask];
        }
    }

    return 0;
}


#endif /* _FLAGSHIP_CONTEXT_PLAN_H_INCLUDED_ */
