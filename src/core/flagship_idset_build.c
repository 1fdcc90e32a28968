
/*
 * Copyright (C) Flagship
 */


/*
 * The builder of id sets.
 *
 * Ids are ordered by their hashes, by radix, and those of one hash by their
 * bytes: that makes the same members the same bytes, finds duplicates, and
 * fills the homes one after the other.  They are kept in parts, by the hash's
 * first bits, from the beginning: what is looked at in the order of hashes is
 * near then, and not all over the memory that a million ids take.
 *
 * With four ids a home, one in fifty goes on in another entry.
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                      /* qsort_r() */
#endif

#include <stdlib.h>
#include <string.h>

#include "flagship_hash.h"
#include "flagship_idset.h"
#include "flagship_unit.h"


#define FLAGSHIP_IDSET_FILL    4         /* ids a home, on average */
#define FLAGSHIP_IDSET_MOST    14        /* bytes an id beside its own */
#define FLAGSHIP_IDSET_PARTS   32
#define FLAGSHIP_IDSET_FEW     64        /* ids that need no radix */
#define FLAGSHIP_IDSET_AHEAD   16        /* ids that are asked of memory before
                                            it is their turn */
#define FLAGSHIP_IDSET_DIGIT   9         /* bits of the radix: 3 digits are
                                            what a part leaves of a hash */


/* An id: its hash above its offset in its part's strings, so that order is
   that of hashes. */

typedef uint64_t  flagship_idset_entry_t;

#define flagship_idset_hash(entry)  ((uint32_t) ((entry) >> 32))


typedef struct {
    flagship_buf_t           strings;    /* two bytes of length, then the id */
    flagship_buf_t           entries;
} flagship_idset_part_t;

#define flagship_idset_n(part)                                                \
    ((uint32_t) ((part)->entries.len / sizeof(flagship_idset_entry_t)))


struct flagship_idset_builder_s {
    flagship_idset_part_t    part[FLAGSHIP_IDSET_PARTS];
    uint32_t                 n;          /* ids, and bytes of their own */
    size_t                   len;
};


/* The way through the ids. */

typedef struct {
    flagship_idset_t        *set;
    flagship_idset_home_t   *homes;
    uint32_t                 home;
    uint32_t                 more;       /* the next entry that is no home */
    flagship_idset_home_t   *entry;
    flagship_idset_group_t   group;      /* its own */
    unsigned                 n;          /* its ids */
    uint32_t                 begin;      /* where its group begins, */
    uint32_t                 at;         /* and where its next id: from the
                                            set's first byte */
} flagship_idset_fill_t;


static void flagship_idset_order(flagship_idset_entry_t *list,
    flagship_idset_entry_t *spare, uint32_t n);
static void flagship_idset_digit(flagship_idset_entry_t *to,
    const flagship_idset_entry_t *from, uint32_t n, unsigned shift);
static void flagship_idset_unique(flagship_idset_builder_t *builder,
    flagship_idset_part_t *part);
static int flagship_idset_cmp(const void *one, const void *two, void *data);
static flagship_str_t flagship_idset_str(const flagship_idset_part_t *part,
    flagship_idset_entry_t entry);
static flagship_idset_t *flagship_idset_write(
    const flagship_idset_builder_t *builder);
static uint32_t flagship_idset_rest(const flagship_idset_builder_t *builder,
    uint32_t nhomes);
static void flagship_idset_fill(const flagship_idset_builder_t *builder,
    flagship_idset_t *set);
static void flagship_idset_open(flagship_idset_fill_t *f, uint32_t entry);
static void flagship_idset_close(flagship_idset_fill_t *f, uint32_t more);


flagship_idset_builder_t *
flagship_idset_create(void)
{
    return calloc(1, sizeof(flagship_idset_builder_t));
}


void
flagship_idset_destroy(flagship_idset_builder_t *builder)
{
    unsigned  i;

    if (builder == NULL) {
        return;
    }

    for (i = 0; i < FLAGSHIP_IDSET_PARTS; i++) {
        free(builder->part[i].strings.data);
        free(builder->part[i].entries.data);
    }

    free(builder);
}


int
flagship_idset_add(flagship_idset_builder_t *builder, flagship_str_t id)
{
    char                    *p;
    size_t                   size;
    uint16_t                 len;
    uint32_t                 hash;
    flagship_idset_part_t   *part;
    flagship_idset_entry_t   entry;

    size = builder->len + (size_t) builder->n * FLAGSHIP_IDSET_MOST;

    if (id.len == 0 || id.len > FLAGSHIP_IDSET_MAX_ID || size > INT32_MAX) {
        return FLAGSHIP_DECLINED;
    }

    hash = flagship_hash32(id.data, id.len);
    part = &builder->part[hash / (UINT32_MAX / FLAGSHIP_IDSET_PARTS + 1)];

    len = id.len;
    entry = (uint64_t) hash << 32 | part->strings.len;

    p = flagship_buf_add(&part->strings, NULL, sizeof(len) + len);

    if (p == NULL
        || flagship_buf_add(&part->entries, &entry, sizeof(entry)) == NULL)
    {
        return FLAGSHIP_ERROR;
    }

    memcpy(p, &len, sizeof(len));
    memcpy(p + sizeof(len), id.data, len);

    builder->len += len;
    builder->n++;

    return FLAGSHIP_OK;
}


int
flagship_idset_build(flagship_idset_builder_t *builder, flagship_idset_t **set)
{
    size_t                   most;
    unsigned                 i;
    flagship_idset_part_t   *part;
    flagship_idset_entry_t  *spare;

    *set = NULL;
    most = 1;

    for (i = 0; i < FLAGSHIP_IDSET_PARTS; i++) {
        part = &builder->part[i];
        most = part->entries.len > most ? part->entries.len : most;
    }

    spare = malloc(most);
    if (spare == NULL) {
        return FLAGSHIP_ERROR;
    }

    for (i = 0; i < FLAGSHIP_IDSET_PARTS; i++) {
        part = &builder->part[i];

        if (part->entries.len) {
            flagship_idset_order((flagship_idset_entry_t *)
                                 part->entries.data, spare,
                                 flagship_idset_n(part));
            flagship_idset_unique(builder, part);
        }
    }

    free(spare);

    *set = flagship_idset_write(builder);

    for (i = 0; i < FLAGSHIP_IDSET_PARTS; i++) {
        builder->part[i].entries.len = 0;
        builder->part[i].strings.len = 0;
    }

    builder->n = 0;
    builder->len = 0;

    return *set ? FLAGSHIP_OK : FLAGSHIP_ERROR;
}


static void
flagship_idset_order(flagship_idset_entry_t *list,
    flagship_idset_entry_t *spare, uint32_t n)
{
    uint32_t                i, k;
    flagship_idset_entry_t  entry;

    if (n > FLAGSHIP_IDSET_FEW) {
        flagship_idset_digit(spare, list, n, 32);
        flagship_idset_digit(list, spare, n, 32 + FLAGSHIP_IDSET_DIGIT);
        flagship_idset_digit(spare, list, n, 32 + 2 * FLAGSHIP_IDSET_DIGIT);

        memcpy(list, spare, n * sizeof(flagship_idset_entry_t));
        return;
    }

    for (i = 1; i < n; i++) {
        entry = list[i];

        for (k = i; k && list[k - 1] > entry; k--) {
            list[k] = list[k - 1];
        }

        list[k] = entry;
    }
}


static void
flagship_idset_digit(flagship_idset_entry_t *to,
    const flagship_idset_entry_t *from, uint32_t n, unsigned shift)
{
    uint32_t  i, k, sum, total;
    uint32_t  first[1 << FLAGSHIP_IDSET_DIGIT];

    memset(first, 0, sizeof(first));

    for (i = 0; i < n; i++) {
        first[from[i] >> shift & ((1 << FLAGSHIP_IDSET_DIGIT) - 1)]++;
    }

    for (k = 0, total = 0; k < 1 << FLAGSHIP_IDSET_DIGIT; k++) {
        sum = first[k];
        first[k] = total;
        total += sum;
    }

    for (i = 0; i < n; i++) {
        k = from[i] >> shift & ((1 << FLAGSHIP_IDSET_DIGIT) - 1);
        to[first[k]++] = from[i];
    }
}


/* Of one hash by bytes; of the same id one. */

static void
flagship_idset_unique(flagship_idset_builder_t *builder,
    flagship_idset_part_t *part)
{
    uint32_t                 i, k, n, left, run;
    flagship_idset_entry_t  *list;

    list = (flagship_idset_entry_t *) part->entries.data;
    n = flagship_idset_n(part);
    left = 0;

    for (i = 0; i < n; i += run) {

        for (run = 1; i + run < n; run++) {
            if (flagship_idset_hash(list[i + run])
                != flagship_idset_hash(list[i]))
            {
                break;
            }
        }

        if (run > 1) {
            qsort_r(&list[i], run, sizeof(flagship_idset_entry_t),
                    flagship_idset_cmp, part);
        }

        list[left++] = list[i];

        for (k = 1; k < run; k++) {
            if (flagship_idset_cmp(&list[left - 1], &list[i + k], part)) {
                list[left++] = list[i + k];

            } else {
                builder->len -= flagship_idset_str(part, list[i + k]).len;
                builder->n--;
            }
        }
    }

    part->entries.len = left * sizeof(flagship_idset_entry_t);
}


static int
flagship_idset_cmp(const void *one, const void *two, void *data)
{
    int                     rc;
    flagship_str_t          a, b;
    flagship_idset_part_t  *part = data;

    a = flagship_idset_str(part, *(const flagship_idset_entry_t *) one);
    b = flagship_idset_str(part, *(const flagship_idset_entry_t *) two);

    rc = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return rc ? rc : (int) a.len - (int) b.len;
}


static flagship_str_t
flagship_idset_str(const flagship_idset_part_t *part,
    flagship_idset_entry_t entry)
{
    uint16_t     len;
    const char  *p;

    p = part->strings.data + (uint32_t) entry;
    memcpy(&len, p, sizeof(len));

    return flagship_str(p + sizeof(len), len);
}


static flagship_idset_t *
flagship_idset_write(const flagship_idset_builder_t *builder)
{
    uint32_t           nhomes, rest, end, len;
    flagship_idset_t  *set;

    nhomes = builder->n / FLAGSHIP_IDSET_FILL + 1;
    rest = flagship_idset_rest(builder, nhomes);

    /* what goes on in another entry has the number of that */

    end = sizeof(flagship_idset_t)
          + (nhomes + rest) * (sizeof(flagship_idset_home_t)
                               + sizeof(flagship_idset_group_t))
          + rest * sizeof(uint32_t) + builder->len;

    len = (end + FLAGSHIP_IDSET_ALIGN - 1) & ~(FLAGSHIP_IDSET_ALIGN - 1u);

    set = malloc(len);
    if (set == NULL) {
        return NULL;
    }

    memset(set, 0, sizeof(flagship_idset_t));

    set->magic = FLAGSHIP_IDSET_MAGIC;
    set->format = FLAGSHIP_IDSET_FORMAT;
    set->len = len;
    set->n = builder->n;
    set->nhomes = nhomes;
    set->nentries = nhomes + rest;
    set->end = end;

    flagship_idset_fill(builder, set);

    memset((char *) set + end, 0, len - end);

    set->digest = flagship_digest(set, len);

    return set;
}


/* How many entries homes go on in. */

static uint32_t
flagship_idset_rest(const flagship_idset_builder_t *builder, uint32_t nhomes)
{
    uint32_t                       k, n, home, last, rest, run;
    unsigned                       i;
    const flagship_idset_part_t   *part;
    const flagship_idset_entry_t  *list;

    rest = 0;
    run = 0;
    last = 0;

    for (i = 0; i < FLAGSHIP_IDSET_PARTS; i++) {
        part = &builder->part[i];
        list = (const flagship_idset_entry_t *) part->entries.data;
        n = flagship_idset_n(part);

        for (k = 0; k < n; k++) {
            home = flagship_idset_home(flagship_idset_hash(list[k]), nhomes);

            run = (home == last) ? run + 1 : 1;
            last = home;

            rest += (run > 1 && run % FLAGSHIP_IDSET_SLOTS == 1);
        }
    }

    return rest;
}


static void
flagship_idset_fill(const flagship_idset_builder_t *builder,
    flagship_idset_t *set)
{
    uint32_t                       k, n, hash, home;
    unsigned                       i;
    flagship_str_t                 id;
    flagship_idset_fill_t          f;
    const flagship_idset_part_t   *part;
    const flagship_idset_entry_t  *list;

    f.set = set;
    f.homes = (flagship_idset_home_t *) (set + 1);
    f.home = 0;
    f.more = set->nhomes;
    f.at = sizeof(flagship_idset_t)
           + set->nentries * sizeof(flagship_idset_home_t);

    flagship_idset_open(&f, 0);

    for (i = 0; i < FLAGSHIP_IDSET_PARTS; i++) {
        part = &builder->part[i];
        list = (const flagship_idset_entry_t *) part->entries.data;
        n = flagship_idset_n(part);

        for (k = 0; k < n; k++) {

            if (k + FLAGSHIP_IDSET_AHEAD < n) {
                __builtin_prefetch(part->strings.data
                                   + (uint32_t) list[k
                                                     + FLAGSHIP_IDSET_AHEAD]);
            }

            hash = flagship_idset_hash(list[k]);
            home = flagship_idset_home(hash, set->nhomes);

            while (f.home != home) {
                flagship_idset_close(&f, 0);
                flagship_idset_open(&f, ++f.home);
            }

            if (f.n == FLAGSHIP_IDSET_SLOTS) {
                flagship_idset_close(&f, f.more);
                flagship_idset_open(&f, f.more++);
            }

            id = flagship_idset_str(part, list[k]);
            memcpy((char *) set + f.at, id.data, id.len);

            f.at += id.len;
            f.entry->tag[f.n] = flagship_idset_tag(hash);
            f.group.bound[++f.n] = f.at - f.begin;
        }
    }

    for ( ;; ) {
        flagship_idset_close(&f, 0);

        if (++f.home == set->nhomes) {
            break;
        }

        flagship_idset_open(&f, f.home);
    }
}


static void
flagship_idset_open(flagship_idset_fill_t *f, uint32_t entry)
{
    f->entry = &f->homes[entry];
    f->entry->group = f->at;
    memset(f->entry->tag, 0, sizeof(f->entry->tag));

    f->n = 0;
    f->begin = f->at;
    f->at += sizeof(flagship_idset_group_t);
    f->group.bound[0] = sizeof(flagship_idset_group_t);
}


/* "more": the entry that it goes on in, or 0. */

static void
flagship_idset_close(flagship_idset_fill_t *f, uint32_t more)
{
    char      *group, *ids;
    unsigned   k;

    group = (char *) f->set + f->begin;

    for (k = f->n; k < FLAGSHIP_IDSET_SLOTS; k++) {
        f->group.bound[k + 1] = f->group.bound[k];
    }

    if (more) {

        /* seldom: its number goes before the ids, which make room for it */

        ids = group + sizeof(flagship_idset_group_t);
        memmove(ids + sizeof(more), ids, (char *) f->set + f->at - ids);
        memcpy(ids, &more, sizeof(more));

        for (k = 0; k <= FLAGSHIP_IDSET_SLOTS; k++) {
            f->group.bound[k] += sizeof(more);
        }

        f->at += sizeof(more);
        f->entry->group |= FLAGSHIP_IDSET_MORE;
    }

    memcpy(group, &f->group, sizeof(flagship_idset_group_t));
}
