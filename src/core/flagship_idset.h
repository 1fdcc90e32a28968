
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
 *     header | buckets of 64 bytes | strings
 *
 *   buckets   one line of a cache each: ten tags, ten offsets.  An id's hash
 *             names its bucket; where that is full the id stands in one of
 *             the next, and its bucket says how far to look
 *   strings   two bytes of length, then the id; in the order of the buckets
 *
 * The same members give the same bytes, in whatever order they were added, so
 * two sets are compared as bytes.  A million ids take 15 bytes an id beside
 * their own.
 *
 * Threads: any number may read one set; a builder belongs to one at a time.
 */


#ifndef _FLAGSHIP_IDSET_H_INCLUDED_
#define _FLAGSHIP_IDSET_H_INCLUDED_


#include "flagship_core.h"


#define FLAGSHIP_IDSET_MAGIC    0x3154455347414C46ull    /* "FLAGSET1" */
#define FLAGSHIP_IDSET_FORMAT   1
#define FLAGSHIP_IDSET_ALIGN    64
#define FLAGSHIP_IDSET_SLOTS    10
#define FLAGSHIP_IDSET_MAX_ID   1024                     /* bytes of an id */


typedef struct {
    uint64_t             magic;
    uint32_t             format;
    uint32_t             len;        /* of the whole set, bytes */
    uint64_t             digest;     /* of all but itself */
    uint32_t             n;          /* ids */
    uint32_t             nhomes;     /* buckets that a hash may name */
    uint32_t             nbuckets;   /* those and what the last run over to */
    uint32_t             strings;    /* offset, from the first byte */
    uint32_t             strings_len;
    uint32_t             reserved[5];
} flagship_idset_t;


typedef struct {
    uint16_t             tag[FLAGSHIP_IDSET_SLOTS];      /* 0: free */
    uint32_t             more;       /* further buckets to look into */
    uint32_t             offset[FLAGSHIP_IDSET_SLOTS];   /* in the strings */
} flagship_idset_bucket_t;


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
int flagship_idset_next(const flagship_idset_t *set, uint32_t *at,
    flagship_str_t *id);


/* Where ids stand; the builder's and the look-up's. */

#define flagship_idset_buckets(set)                                           \
    ((const flagship_idset_bucket_t *) ((set) + 1))


static inline uint32_t
flagship_idset_home(uint32_t hash, uint32_t nhomes)
{
    return (uint64_t) hash * nhomes >> 32;
}


static inline uint16_t
flagship_idset_tag(uint32_t hash)
{
    uint16_t  tag = hash & 0xffff;

    return tag ? tag : 1;
}


#endif /* _FLAGSHIP_IDSET_H_INCLUDED_ */
