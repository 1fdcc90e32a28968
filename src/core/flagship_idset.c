
/*
 * Copyright (C) Flagship
 */


/*
 * Id sets: the look-up and the proof that it is safe.
 *
 * A tag is eight bits of an id's hash, so of the four ids of a full enough
 * group a wrong one is compared once in sixty look-ups.
 */


#include <string.h>

#include "flagship_hash.h"
#include "flagship_idset.h"


/* The same in each of eight lanes of eight bits. */
#define FLAGSHIP_IDSET_LANES  0x0101010101010101ull
#define FLAGSHIP_IDSET_LOW    (0x7f * FLAGSHIP_IDSET_LANES)


/* The upper bit of each lane that is 0, and no other. */

static inline uint64_t
flagship_idset_zeros(uint64_t w)
{
    return ~(((w & FLAGSHIP_IDSET_LOW) + FLAGSHIP_IDSET_LOW) | w
             | FLAGSHIP_IDSET_LOW);
}


/* Where the place k of a group begins: the first behind the group's head. */

static inline unsigned
flagship_idset_start(const flagship_idset_group_t *group, unsigned k)
{
    return k ? group->end[k - 1] : sizeof(flagship_idset_group_t);
}


int
flagship_idset_has(const flagship_idset_t *set, flagship_str_t id,
    uint32_t hash)
{
    unsigned                 k, start;
    uint32_t                 home;
    uint64_t                 match, tags;
    const char              *p, *last;
    const uint32_t          *index;
    flagship_idset_group_t   group;

    home = flagship_idset_home(hash, set->nhomes);
    index = flagship_idset_index(set) + home;

    p = flagship_idset_groups(set) + index[0];
    last = flagship_idset_groups(set) + index[1];

    /* the tags decide which id is looked at: it need not wait for them */

    __builtin_prefetch(last - 1);

    for ( /* void */ ; p != last; p += group.end[FLAGSHIP_IDSET_SLOTS - 1]) {

        memcpy(&group, p, sizeof(group));
        memcpy(&tags, group.tag, sizeof(tags));

        match = flagship_idset_zeros(tags ^ flagship_idset_tag(hash)
                                            * FLAGSHIP_IDSET_LANES);

        for ( /* void */ ; match; match &= match - 1) {
            k = __builtin_ctzll(match) / 8;
            start = flagship_idset_start(&group, k);

            if (group.end[k] - start == id.len
                && memcmp(p + start, id.data, id.len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


/* *at is the offset of a group, and the place in it. */

int
flagship_idset_next(const flagship_idset_t *set, uint64_t *at,
    flagship_str_t *id)
{
    unsigned                 k, start;
    const char              *p;
    flagship_idset_group_t   group;

    if (*at / FLAGSHIP_IDSET_SLOTS == set->groups_len) {
        return 0;
    }

    p = flagship_idset_groups(set) + *at / FLAGSHIP_IDSET_SLOTS;
    k = *at % FLAGSHIP_IDSET_SLOTS;

    memcpy(&group, p, sizeof(group));

    start = flagship_idset_start(&group, k);
    *id = flagship_str(p + start, group.end[k] - start);

    if (k + 1 < FLAGSHIP_IDSET_SLOTS && group.tag[k + 1]) {
        *at += 1;

    } else {
        *at += (uint64_t) group.end[k] * FLAGSHIP_IDSET_SLOTS - k;
    }

    return 1;
}


static const char *
flagship_idset_verify_head(const flagship_idset_t *set, size_t len)
{
    uint64_t  end;

    if (len < sizeof(flagship_idset_t) || ((uintptr_t) set & 7)) {
        return "too short, or not aligned";
    }

    if (set->magic != FLAGSHIP_IDSET_MAGIC
        || set->format != FLAGSHIP_IDSET_FORMAT)
    {
        return "not an id set of this format";
    }

    if (set->len != len || len % FLAGSHIP_IDSET_ALIGN) {
        return "its length is wrong";
    }

    if (set->digest != flagship_digest(set, len)) {
        return "its digest is wrong";
    }

    end = sizeof(flagship_idset_t)
          + ((uint64_t) set->nhomes + 1) * sizeof(uint32_t);

    if (set->nhomes == 0 || end != set->groups
        || end + set->groups_len > len)
    {
        return "a section is out of bounds";
    }

    return NULL;
}


/* How many ids the groups of a home have, which take len bytes; -1: they do
   not fill them. */

static int64_t
flagship_idset_verify_home(const char *p, uint32_t len)
{
    int64_t                  n;
    unsigned                 k, start;
    flagship_idset_group_t   group;

    for (n = 0; len; p += start, len -= start) {

        if (len < sizeof(group)) {
            return -1;
        }

        memcpy(&group, p, sizeof(group));
        start = sizeof(group);

        for (k = 0; k < FLAGSHIP_IDSET_SLOTS && group.tag[k]; k++) {

            if (group.end[k] <= start
                || group.end[k] - start > FLAGSHIP_IDSET_MAX_ID)
            {
                return -1;
            }

            start = group.end[k];
        }

        if (k == 0 || start > len) {
            return -1;
        }

        for (n += k; k < FLAGSHIP_IDSET_SLOTS; k++) {
            if (group.tag[k] || group.end[k] != start) {
                return -1;
            }
        }
    }

    return n;
}


/* The homes follow one another without a gap: that leaves one right value for
   each offset. */

static const char *
flagship_idset_verify_ids(const flagship_idset_t *set)
{
    int64_t          n, total;
    uint32_t         i;
    const uint32_t  *index;

    index = flagship_idset_index(set);

    if (index[0] != 0 || index[set->nhomes] != set->groups_len) {
        return "the index is not of all groups";
    }

    total = 0;

    for (i = 0; i < set->nhomes; i++) {

        if (index[i + 1] < index[i] || index[i + 1] > set->groups_len) {
            return "the index is out of order";
        }

        n = flagship_idset_verify_home(flagship_idset_groups(set) + index[i],
                                       index[i + 1] - index[i]);

        if (n < 0) {
            return "an id is out of bounds";
        }

        total += n;
    }

    return total == set->n ? NULL : "its number of ids is wrong";
}


int
flagship_idset_verify(const void *data, size_t len, const char **error)
{
    const flagship_idset_t  *set = data;

    *error = flagship_idset_verify_head(set, len);

    if (*error == NULL) {
        *error = flagship_idset_verify_ids(set);
    }

    return *error ? FLAGSHIP_DECLINED : FLAGSHIP_OK;
}
