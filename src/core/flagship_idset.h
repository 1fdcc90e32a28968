
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
 *     header | entries | groups
 *
 *   entries   an id's hash names its home, an entry: eight tags of hashes, and
 *             where their group is
 *   groups    of each entry where its ids begin and end, and the ids
 *
 * A home that has more ids goes on in another entry, behind all homes, whose
 * group follows its own.
 *
 * A million ids are in no cache that is near, and the page table that leads to
 * them is not either; their entries are an eighth of them.  So a text that is
 * no member touches one line of its entry, and once in sixty times a group; a
 * member touches a group as well, which is one place.
 *
 * The same members give the same bytes, in whatever order they were added, so
 * two sets are compared as bytes.  An id takes 8 bytes beside its own.
 *
 * Threads: any number may read one set; a builder belongs to one at a time.
 */


#ifndef _FLAGSHIP_IDSET_H_INCLUDED_
#define _FLAGSHIP_IDSET_H_INCLUDED_


#include "flagship_core.h"


#define FLAGSHIP_IDSET_MAGIC    0x3154455347414C46ull    /* "FLAGSET1" */
#define FLAGSHIP_IDSET_FORMAT   3
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
    uint32_t             nentries;   /* homes, and what they go on in */
    uint32_t             end;        /* of the groups, from the first byte */
    uint32_t             reserved[6];
} flagship_idset_t;


/*
 * A place is used if it has bytes.  Those that are come first; the others have
 * the tag 0.  An entry that is no home has an id, and the one that goes on in
 * it has no place left.
 */

typedef struct {
    uint32_t             group;      /* from the set's first byte on, and
                                        FLAGSHIP_IDSET_MORE */
    uint8_t              tag[FLAGSHIP_IDSET_SLOTS];
} flagship_idset_home_t;

#define FLAGSHIP_IDSET_MORE     0x80000000u          /* it goes on in another */


/*
 * Lies where it may, not aligned.  Where the entry goes on, the number of the
 * other one comes next, in four bytes; then the ids, without a gap.
 */

typedef struct {
    uint16_t             bound[FLAGSHIP_IDSET_SLOTS + 1];   /* of the id k: its
                                        beginning, from the group's first byte,
                                        and its end, the beginning of k + 1 */
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

#define flagship_idset_homes(set)                                           \
    ((const flagship_idset_home_t *) ((set) + 1))

#define flagship_idset_group(set, entry)                                      \
    ((const char *) (set) + ((entry)->group & ~FLAGSHIP_IDSET_MORE))


static inline uint32_t
flagship_idset_home(uint32_t hash, uint32_t nhomes)
{
    return (uint64_t) hash * nhomes >> 32;
}


static inline uint8_t
flagship_idset_tag(uint32_t hash)
{
    return hash & 0xff;
}


#endif /* _FLAGSHIP_IDSET_H_INCLUDED_ */
