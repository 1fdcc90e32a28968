
/*
 * Copyright (C) Flagship
 */


/*
 * An id set: a list of texts that is asked whether it has one, in constant
 * time, up to tens of millions of them.  Like an image it is one block of
 * bytes with offsets instead of pointers, immutable, and apart from every
 * image: a change of a flag leaves it alone, and a change of its members
 * leaves every image alone.
 *
 *     header | index | groups
 *
 *   index     where each home's groups begin, and behind the last where all of
 *             them end.  An id's hash names its home
 *   groups    eight tags and eight ends, then the ids themselves; a home has
 *             one group, or none, or, where it has more ids, some in a row
 *
 * A million ids are in no cache that is near, so a look-up is as fast as it
 * touches few places.  The index is small enough to stay near, a group is one
 * place: its ids lie beside their tags, and with no step between them that
 * waits for the one before.
 *
 * The same members give the same bytes, in whatever order they were added, so
 * two sets are compared as bytes.  An id takes 7 bytes beside its own.
 *
 * Threads: any number may read one set; a builder belongs to one at a time.
 */


#ifndef _FLAGSHIP_IDSET_H_INCLUDED_
#define _FLAGSHIP_IDSET_H_INCLUDED_


#include "flagship_core.h"


#define FLAGSHIP_IDSET_MAGIC    0x3154455347414C46ull    /* "FLAGSET1" */
#define FLAGSHIP_IDSET_FORMAT   2
#define FLAGSHIP_IDSET_ALIGN    64
#define FLAGSHIP_IDSET_SLOTS    8
#define FLAGSHIP_IDSET_MAX_ID   1024                     /* bytes of an id */


typedef struct {
    uint64_t             magic;
    uint32_t             format;
    uint32_t             len;        /* of the whole set, bytes */
    uint64_t             digest;     /* of all but itself */
    uint32_t             n;          /* ids */
    uint32_t             nhomes;     /* what a hash may name */
    uint32_t             groups;     /* offset, from the first byte */
    uint32_t             groups_len; /* bytes */
    uint32_t             reserved[6];
} flagship_idset_t;


/*
 * The places that are used come first; the others have no tag, and the end of
 * the last that is used.  The ids follow without a gap.
 */

typedef struct {
    uint8_t              tag[FLAGSHIP_IDSET_SLOTS];  /* 0: free */
    uint16_t             end[FLAGSHIP_IDSET_SLOTS];  /* of the id, from the
                                                        group's first byte */
} flagship_idset_group_t;


typedef struct flagship_idset_builder_s  flagship_idset_builder_t;


/* NULL: no memory. */
flagship_idset_builder_t *flagship_idset_create(void);
void flagship_idset_destroy(flagship_idset_builder_t *builder);

/*
 * Copies an id.  One that was added before counts once.  FLAGSHIP_DECLINED:
 * it is empty, longer than FLAGSHIP_IDSET_MAX_ID, or the set would be larger
 * than 2 GiB; FLAGSHIP_ERROR: no memory.
 */
int flagship_idset_add(flagship_idset_builder_t *builder, flagship_str_t id);

/*
 * The set of what was added, malloc()ed memory of (*set)->len bytes that the
 * caller free()s.  The builder is empty afterwards.  FLAGSHIP_OK, or
 * FLAGSHIP_ERROR: no memory.
 */
int flagship_idset_build(flagship_idset_builder_t *builder,
    flagship_idset_t **set);


/*
 * FLAGSHIP_OK, or FLAGSHIP_DECLINED with a static sentence in *error.  Proves
 * that a look-up stays in bounds and ends.  "data" must be aligned to 8 bytes.
 * Allocates nothing.
 */
int flagship_idset_verify(const void *data, size_t len, const char **error);

/* 1: it has the id, whose flagship_hash32() is "hash".  Of a verified set. */
int flagship_idset_has(const flagship_idset_t *set, flagship_str_t id,
    uint32_t hash);

/*
 * The ids of a verified set, one after the other, in no order that means
 * anything: *at is 0 at first, and 0 is returned behind the last.
 */
int flagship_idset_next(const flagship_idset_t *set, uint64_t *at,
    flagship_str_t *id);


/* Where ids stand; the builder's and the look-up's. */

#define flagship_idset_index(set)  ((const uint32_t *) ((set) + 1))

#define flagship_idset_groups(set)                                            \
    ((const char *) (set) + (set)->groups)


static inline uint32_t
flagship_idset_home(uint32_t hash, uint32_t nhomes)
{
    return (uint64_t) hash * nhomes >> 32;
}


static inline uint8_t
flagship_idset_tag(uint32_t hash)
{
    uint8_t  tag = hash & 0xff;

    return tag ? tag : 1;
}


#endif /* _FLAGSHIP_IDSET_H_INCLUDED_ */
