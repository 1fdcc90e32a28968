
/*
 * Copyright (C) Flagship
 */


/*
 * Id sets: the look-up and the proof that it is safe.
 *
 * A tag is eight bits of an id's hash, so of the four ids of a full enough
 * home a wrong one is compared once in sixty look-ups.  Nothing that depends
 * on where in a home an id is makes a branch.
 */


#include <stddef.h>
#include <string.h>

#include "flagship_hash.h"
#include "flagship_idset.h"


/* The same in each of eight lanes of eight bits. */
#define FLAGSHIP_IDSET_LANES  0x0101010101010101ull


/* The upper bit of each lane that is 0, and now and then of one above it that
   is 1. */

static inline uint64_t
flagship_idset_zeros(uint64_t w)
{
    return (w - FLAGSHIP_IDSET_LANES) & ~w & FLAGSHIP_IDSET_LANES << 7;
}


/* The id k of a group; without bytes: none. */

static inline flagship_str_t
flagship_idset_id(const char *group, unsigned k)
{
    uint16_t  bound[2];

    memcpy(bound, group + k * sizeof(bound[0]), sizeof(bound));

    return flagship_str(group + bound[0], bound[1] - bound[0]);
}


/* What an entry goes on in. */

static inline uint32_t
flagship_idset_more(const char *group)
{
    uint32_t  more;

    memcpy(&more, group + sizeof(flagship_idset_group_t), sizeof(more));

    return more;
}


static inline uint64_t
flagship_idset_word(const char *p)
{
    uint64_t  word;

    memcpy(&word, p, sizeof(word));

    return word;
}


/* Whether n bytes are the same; none are not.  Ids are short: a call would
   take longer than this. */

static inline int
flagship_idset_same(const char *a, const char *b, size_t n)
{
    size_t  i;

    if (n >= 8) {
        for (i = 0; i < n - 8; i += 8) {
            if (flagship_idset_word(a + i) != flagship_idset_word(b + i)) {
                return 0;
            }
        }

        return flagship_idset_word(a + n - 8) == flagship_idset_word(b + n - 8);
    }

    for (i = 0; i < n; i++) {
        if (a[i] != b[i]) {
            return 0;
        }
    }

    return n != 0;
}


int
flagship_idset_has(const flagship_idset_t *set, flagship_str_t id,
    uint32_t hash)
{
    uint64_t                       match, tags;
    const char                    *group;
    flagship_str_t                 one;
    const flagship_idset_home_t  *entry;

    entry = flagship_idset_homes(set)
            + flagship_idset_home(hash, set->nhomes);

    tags = flagship_idset_tag(hash) * FLAGSHIP_IDSET_LANES;

    for ( ;; ) {
        match = flagship_idset_word((const char *) entry->tag) ^ tags;
        match = flagship_idset_zeros(match);

        if (match == 0 && !(entry->group & FLAGSHIP_IDSET_MORE)) {
            return 0;
        }

        group = flagship_idset_group(set, entry);

        /* most groups end in the next line: it need not wait for this one */

        __builtin_prefetch(group + FLAGSHIP_IDSET_ALIGN);

        for ( /* void */ ; match; match &= match - 1) {
            one = flagship_idset_id(group,
                                    (unsigned) __builtin_ctzll(match) / 8);

            if (one.len == id.len
                && flagship_idset_same(one.data, id.data, id.len))
            {
                return 1;
            }
        }

        if (!(entry->group & FLAGSHIP_IDSET_MORE)) {
            return 0;
        }

        entry = flagship_idset_homes(set) + flagship_idset_more(group);
    }
}


/* *at is a place of all entries. */

int
flagship_idset_next(const flagship_idset_t *set, uint64_t *at,
    flagship_str_t *id)
{
    const flagship_idset_home_t  *entry;

    while (*at < (uint64_t) set->nentries * FLAGSHIP_IDSET_SLOTS) {
        entry = flagship_idset_homes(set) + *at / FLAGSHIP_IDSET_SLOTS;
        *id = flagship_idset_id(flagship_idset_group(set, entry),
                                *at % FLAGSHIP_IDSET_SLOTS);

        if (id->len) {
            *at += 1;
            return 1;
        }

        *at += FLAGSHIP_IDSET_SLOTS - *at % FLAGSHIP_IDSET_SLOTS;
    }

    return 0;
}


static const char *
flagship_idset_verify_head(const flagship_idset_t *set, size_t len)
{
    uint64_t  groups;

    if (len < sizeof(flagship_idset_t) || ((uintptr_t) set & 7)) {
        return "too short, or not aligned";
    }

    if (set->magic != FLAGSHIP_IDSET_MAGIC
        || set->format != FLAGSHIP_IDSET_FORMAT)
    {
        return "not an id set of this format";
    }

    if (set->len != len || len % FLAGSHIP_IDSET_ALIGN || len > INT32_MAX) {
        return "its length is wrong";
    }

    if (set->digest != flagship_digest(set, len)) {
        return "its digest is wrong";
    }

    groups = sizeof(flagship_idset_t)
             + (uint64_t) set->nentries * sizeof(flagship_idset_home_t);

    if (set->nhomes == 0 || set->nentries < set->nhomes || groups > set->end
        || set->end > len)
    {
        return "a section is out of bounds";
    }

    return NULL;
}


/* How many ids an entry has, whose group begins at *at, which becomes where
   it ends; -1: it is not right. */

static int
flagship_idset_verify_group(const flagship_idset_t *set,
    const flagship_idset_home_t *entry, uint32_t *at)
{
    int                     n;
    unsigned                k, head, end;
    flagship_idset_group_t  group;

    head = sizeof(group);

    if (entry->group & FLAGSHIP_IDSET_MORE) {
        head += sizeof(uint32_t);
    }

    if ((entry->group & ~FLAGSHIP_IDSET_MORE) != *at || set->end - *at < head) {
        return -1;
    }

    memcpy(&group, flagship_idset_group(set, entry), sizeof(group));

    if (group.bound[0] != head) {
        return -1;
    }

    end = head;

    for (k = 0; k < FLAGSHIP_IDSET_SLOTS && group.bound[k + 1] != end; k++) {

        if (group.bound[k + 1] < end
            || group.bound[k + 1] - end > FLAGSHIP_IDSET_MAX_ID)
        {
            return -1;
        }

        end = group.bound[k + 1];
    }

    for (n = k; k < FLAGSHIP_IDSET_SLOTS; k++) {
        if (entry->tag[k] || group.bound[k + 1] != end) {
            return -1;
        }
    }

    if (set->end - *at < end) {
        return -1;
    }

    *at += end;

    return n;
}


/* The groups follow one another without a gap, and so do the entries that
   homes go on in: that leaves one right value for each offset and number. */

static const char *
flagship_idset_verify_groups(const flagship_idset_t *set)
{
    int                            n;
    uint32_t                       i, at, more, total;
    const char                    *group;
    const flagship_idset_home_t  *entry;

    at = sizeof(flagship_idset_t)
         + set->nentries * sizeof(flagship_idset_home_t);
    more = set->nhomes;
    total = 0;

    for (i = 0; i < set->nhomes; i++) {

        entry = flagship_idset_homes(set) + i;

        for ( ;; ) {
            group = (const char *) set + at;
            n = flagship_idset_verify_group(set, entry, &at);

            if (n < 0) {
                return "a group is out of bounds";
            }

            if (n == 0 && entry != flagship_idset_homes(set) + i) {
                return "an entry is empty";
            }

            total += n;

            if (!(entry->group & FLAGSHIP_IDSET_MORE)) {
                break;
            }

            if (n < FLAGSHIP_IDSET_SLOTS || more == set->nentries
                || flagship_idset_more(group) != more)
            {
                return "an entry is out of order";
            }

            entry = flagship_idset_homes(set) + more++;
        }
    }

    if (more != set->nentries || at != set->end) {
        return "a section is longer than what is in it";
    }

    return total == set->n ? NULL : "its number of ids is wrong";
}


int
flagship_idset_verify(const void *data, size_t len, const char **error)
{
    const flagship_idset_t  *set = data;

    *error = flagship_idset_verify_head(set, len);

    if (*error == NULL) {
        *error = flagship_idset_verify_groups(set);
    }

    return *error ? FLAGSHIP_DECLINED : FLAGSHIP_OK;
}
