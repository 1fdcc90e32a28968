
/*
 * Copyright (C) Flagship
 */


/*
 * The builder of id sets.
 *
 * Ids are ordered by their hashes, by radix, and those of one hash by their
 * bytes: that makes the same members the same bytes, finds duplicates, and
 * fills the buckets one after the other.  A bucket that is full runs over into
 * the next; since homes come in ascending order, what runs over never has to
 * be looked for anywhere but in a row.
 *
 * With five ids a bucket of ten, one in thirty runs over.
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                      /* qsort_r() */
#endif

#include <stdlib.h>
#include <string.h>

#include "flagship_hash.h"
#include "flagship_idset.h"
#include "flagship_unit.h"


#define FLAGSHIP_IDSET_FILL    5         /* ids a home, on average */
#define FLAGSHIP_IDSET_DIGIT   11        /* bits of the radix */
#define FLAGSHIP_IDSET_DIGITS  3
#define FLAGSHIP_IDSET_AHEAD   16        /* ids fetched ahead */


/* An id: its hash above its offset in the builder's strings, so that order is
   that of hashes. */

typedef uint64_t  flagship_idset_entry_t;

#define flagship_idset_hash(entry)  ((uint32_t) ((entry) >> 32))


struct flagship_idset_builder_s {
    flagship_buf_t       strings;    /* two bytes of length, then the id */
    flagship_buf_t       entries;
};


/* The way through the buckets. */

typedef struct {
    uint32_t             bucket;
    uint32_t             used;       /* places of it */
} flagship_idset_walk_t;


static flagship_idset_entry_t *flagship_idset_order(
    flagship_idset_entry_t *list, flagship_idset_entry_t *spare, uint32_t n);
static uint32_t flagship_idset_unique(flagship_idset_entry_t *list, uint32_t n,
    const char *strings, uint32_t *len);
static int flagship_idset_cmp(const void *one, const void *two, void *data);
static flagship_idset_t *flagship_idset_write(
    const flagship_idset_entry_t *list, uint32_t n, const char *strings,
    uint32_t len);
static void flagship_idset_head(flagship_idset_t *set,
    const flagship_idset_entry_t *list, uint32_t n, uint32_t len);
static uint16_t flagship_idset_length(const char *entry);


flagship_idset_builder_t *
flagship_idset_create(void)
{
    return calloc(1, sizeof(flagship_idset_builder_t));
}


void
flagship_idset_destroy(flagship_idset_builder_t *builder)
{
    if (builder) {
        free(builder->strings.data);
        free(builder->entries.data);
        free(builder);
    }
}


int
flagship_idset_add(flagship_idset_builder_t *builder, flagship_str_t id)
{
    char                    *p;
    size_t                   size;
    uint16_t                 len;
    flagship_idset_entry_t   entry;

    size = builder->strings.len
           + builder->entries.len / sizeof(entry)
             * (sizeof(flagship_idset_bucket_t) / FLAGSHIP_IDSET_FILL + 8);

    if (id.len == 0 || id.len > FLAGSHIP_IDSET_MAX_ID || size > INT32_MAX) {
        return FLAGSHIP_DECLINED;
    }

    len = id.len;
    entry = (uint64_t) flagship_hash32(id.data, id.len) << 32
            | builder->strings.len;

    p = flagship_buf_add(&builder->strings, NULL, sizeof(len) + len);

    if (p == NULL
        || flagship_buf_add(&builder->entries, &entry, sizeof(entry)) == NULL)
    {
        return FLAGSHIP_ERROR;
    }

    memcpy(p, &len, sizeof(len));
    memcpy(p + sizeof(len), id.data, len);

    return FLAGSHIP_OK;
}


int
flagship_idset_build(flagship_idset_builder_t *builder, flagship_idset_t **set)
{
    uint32_t                 len, n;
    flagship_idset_entry_t  *list, *spare;

    *set = NULL;

    n = builder->entries.len / sizeof(flagship_idset_entry_t);

    spare = malloc(builder->entries.len + 1);
    if (spare == NULL) {
        return FLAGSHIP_ERROR;
    }

    list = flagship_idset_order((flagship_idset_entry_t *)
                                builder->entries.data, spare, n);

    len = builder->strings.len;
    n = flagship_idset_unique(list, n, builder->strings.data, &len);

    *set = flagship_idset_write(list, n, builder->strings.data, len);

    free(spare);

    builder->entries.len = 0;
    builder->strings.len = 0;

    return *set ? FLAGSHIP_OK : FLAGSHIP_ERROR;
}


/* By hash, from one list into the other and back; the one that has it. */

static flagship_idset_entry_t *
flagship_idset_order(flagship_idset_entry_t *list,
    flagship_idset_entry_t *spare, uint32_t n)
{
    uint32_t                 i, k, sum, total;
    unsigned                 digit, shift;
    flagship_idset_entry_t  *swap;
    uint32_t                 first[1 << FLAGSHIP_IDSET_DIGIT];

    for (digit = 0; digit < FLAGSHIP_IDSET_DIGITS; digit++) {
        shift = 32 + digit * FLAGSHIP_IDSET_DIGIT;

        memset(first, 0, sizeof(first));

        for (i = 0; i < n; i++) {
            first[list[i] >> shift & ((1 << FLAGSHIP_IDSET_DIGIT) - 1)]++;
        }

        for (k = 0, total = 0; k < 1 << FLAGSHIP_IDSET_DIGIT; k++) {
            sum = first[k];
            first[k] = total;
            total += sum;
        }

        for (i = 0; i < n; i++) {
            k = list[i] >> shift & ((1 << FLAGSHIP_IDSET_DIGIT) - 1);
            spare[first[k]++] = list[i];
        }

        swap = list;
        list = spare;
        spare = swap;
    }

    return list;
}


/* Of one hash by bytes; of the same id one.  Returns how many are left, whose
   strings take *len bytes. */

static uint32_t
flagship_idset_unique(flagship_idset_entry_t *list, uint32_t n,
    const char *strings, uint32_t *len)
{
    uint32_t  i, k, left, run;

    left = 0;

    for (i = 0; i < n; i += run) {

        for (run = 1; i + run < n; run++) {
            if (flagship_idset_hash(list[i + run])
                != flagship_idset_hash(list[i]))
            {
                break;
            }
        }

        if (run == 1) {
            list[left++] = list[i];
            continue;
        }

        qsort_r(&list[i], run, sizeof(flagship_idset_entry_t),
                flagship_idset_cmp, (void *) strings);

        list[left++] = list[i];

        for (k = 1; k < run; k++) {
            if (flagship_idset_cmp(&list[left - 1], &list[i + k],
                                   (void *) strings))
            {
                list[left++] = list[i + k];

            } else {
                *len -= sizeof(uint16_t)
                        + flagship_idset_length(strings
                                                + (uint32_t) list[i + k]);
            }
        }
    }

    return left;
}


static int
flagship_idset_cmp(const void *one, const void *two, void *data)
{
    int          rc;
    uint16_t     n, m;
    const char  *a, *b, *strings = data;

    a = strings + (uint32_t) *(const flagship_idset_entry_t *) one;
    b = strings + (uint32_t) *(const flagship_idset_entry_t *) two;

    n = flagship_idset_length(a);
    m = flagship_idset_length(b);

    rc = memcmp(a + sizeof(n), b + sizeof(m), n < m ? n : m);

    return rc ? rc : n - m;
}


static uint16_t
flagship_idset_length(const char *entry)
{
    uint16_t  len;

    memcpy(&len, entry, sizeof(len));

    return len;
}


/* The next place for an id of this home. */

static inline void
flagship_idset_step(flagship_idset_walk_t *walk, uint32_t home)
{
    if (walk->bucket < home) {
        walk->bucket = home;
        walk->used = 0;

    } else if (walk->used == FLAGSHIP_IDSET_SLOTS) {
        walk->bucket++;
        walk->used = 0;
    }

    walk->used++;
}


static flagship_idset_t *
flagship_idset_write(const flagship_idset_entry_t *list, uint32_t n,
    const char *strings, uint32_t len)
{
    char                     *p;
    uint32_t                  i, at, hash, home, size;
    const char               *entry;
    flagship_idset_t          head, *set;
    flagship_idset_walk_t     walk;
    flagship_idset_bucket_t  *bucket, *to;

    flagship_idset_head(&head, list, n, len);

    set = calloc(1, head.len);
    if (set == NULL) {
        return NULL;
    }

    *set = head;

    bucket = (flagship_idset_bucket_t *) (set + 1);
    p = (char *) set + set->strings;
    at = 0;

    walk.bucket = 0;
    walk.used = 0;

    for (i = 0; i < n; i++) {

        if (i + FLAGSHIP_IDSET_AHEAD < n) {
            __builtin_prefetch(strings
                               + (uint32_t) list[i + FLAGSHIP_IDSET_AHEAD]);
        }

        hash = flagship_idset_hash(list[i]);
        home = flagship_idset_home(hash, set->nhomes);

        flagship_idset_step(&walk, home);

        to = &bucket[walk.bucket];
        to->tag[walk.used - 1] = flagship_idset_tag(hash);
        to->offset[walk.used - 1] = at;
        bucket[home].more = walk.bucket - home;

        entry = strings + (uint32_t) list[i];
        size = sizeof(uint16_t) + flagship_idset_length(entry);

        memcpy(p + at, entry, size);
        at += size;
    }

    set->digest = flagship_digest(set, set->len);

    return set;
}


/* How large it becomes: the same way through the buckets, only counted. */

static void
flagship_idset_head(flagship_idset_t *set, const flagship_idset_entry_t *list,
    uint32_t n, uint32_t len)
{
    uint32_t               i;
    flagship_idset_walk_t  walk;

    memset(set, 0, sizeof(flagship_idset_t));

    set->magic = FLAGSHIP_IDSET_MAGIC;
    set->format = FLAGSHIP_IDSET_FORMAT;
    set->n = n;
    set->nhomes = n / FLAGSHIP_IDSET_FILL + 1;

    walk.bucket = 0;
    walk.used = 0;

    for (i = 0; i < n; i++) {
        flagship_idset_step(&walk,
                            flagship_idset_home(flagship_idset_hash(list[i]),
                                                set->nhomes));
    }

    set->nbuckets = walk.bucket < set->nhomes ? set->nhomes : walk.bucket + 1;
    set->strings = sizeof(flagship_idset_t)
                   + set->nbuckets * sizeof(flagship_idset_bucket_t);
    set->strings_len = len;

    set->len = (set->strings + len + FLAGSHIP_IDSET_ALIGN - 1)
               & ~(FLAGSHIP_IDSET_ALIGN - 1u);
}
