
/*
 * Copyright (C) Flagship
 */


/*
 * Id sets: the look-up and the proof that it is safe.
 *
 * A tag is 16 bits of an id's hash, so of the five ids of a full enough bucket
 * a wrong one is compared once in ten thousand look-ups: a miss costs the
 * bucket's line of cache, a hit the id's as well.
 */


#include <string.h>

#include "flagship_hash.h"
#include "flagship_idset.h"


/* The same in each of four lanes of 16 bits. */
#define FLAGSHIP_IDSET_LANES  0x0001000100010001ull
#define FLAGSHIP_IDSET_LOW    (0x7fff * FLAGSHIP_IDSET_LANES)


/* The upper bit of each lane that is 0, and no other. */

static inline uint64_t
flagship_idset_zeros(uint64_t w)
{
    return ~(((w & FLAGSHIP_IDSET_LOW) + FLAGSHIP_IDSET_LOW) | w
             | FLAGSHIP_IDSET_LOW);
}


static inline int
flagship_idset_is(const char *entry, flagship_str_t id)
{
    uint16_t  len;

    memcpy(&len, entry, sizeof(len));

    return len == id.len && memcmp(entry + sizeof(len), id.data, len) == 0;
}


/*
 * The tags of a bucket that are the same as "tags": of the lane l of the word
 * w the bit 16 l + w, so that a search branches once, not once a word.
 */

static inline uint64_t
flagship_idset_match(const flagship_idset_bucket_t *bucket, uint64_t tags)
{
    uint64_t  w[3];

    memcpy(w, bucket->tag, sizeof(w));

    /* behind the last two tags is what is no tag */

    return flagship_idset_zeros(w[0] ^ tags) >> 15
           | flagship_idset_zeros(w[1] ^ tags) >> 14
           | (flagship_idset_zeros(w[2] ^ tags) & 0x80008000u) >> 13;
}


int
flagship_idset_has(const flagship_idset_t *set, flagship_str_t id,
    uint32_t hash)
{
    unsigned                        bit;
    uint64_t                        match, tags;
    const char                     *strings;
    const flagship_idset_bucket_t  *bucket, *last;

    strings = (const char *) set + set->strings;
    tags = flagship_idset_tag(hash) * FLAGSHIP_IDSET_LANES;

    bucket = flagship_idset_buckets(set)
             + flagship_idset_home(hash, set->nhomes);
    last = bucket + bucket->more;

    for ( ;; ) {
        match = flagship_idset_match(bucket, tags);

        for ( /* void */ ; match; match &= match - 1) {
            bit = __builtin_ctzll(match);

            if (flagship_idset_is(strings
                                  + bucket->offset[(bit & 15) * 4 + bit / 16],
                                  id))
            {
                return 1;
            }
        }

        if (bucket == last) {
            return 0;
        }

        bucket++;
    }
}


int
flagship_idset_next(const flagship_idset_t *set, uint32_t *at,
    flagship_str_t *id)
{
    uint16_t     len;
    const char  *p;

    if (*at == set->strings_len) {
        return 0;
    }

    p = (const char *) set + set->strings + *at;
    memcpy(&len, p, sizeof(len));

    *id = flagship_str(p + sizeof(len), len);
    *at += sizeof(len) + len;

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
          + (uint64_t) set->nbuckets * sizeof(flagship_idset_bucket_t);

    if (set->nhomes == 0 || set->nhomes > set->nbuckets
        || end != set->strings || end + set->strings_len > len)
    {
        return "a section is out of bounds";
    }

    return NULL;
}


/*
 * The strings lie in the order of the places that name them, which leaves one
 * right value for each offset and proves that all of them are named.
 */

static const char *
flagship_idset_verify_ids(const flagship_idset_t *set)
{
    uint16_t                        len;
    uint32_t                        i, k, n, at, rest;
    const char                     *strings;
    const flagship_idset_bucket_t  *bucket;

    strings = (const char *) set + set->strings;
    bucket = flagship_idset_buckets(set);
    n = 0;
    at = 0;

    for (i = 0; i < set->nbuckets; i++, bucket++) {

        if (bucket->more >= set->nbuckets - i) {
            return "a bucket runs over the last";
        }

        for (k = 0; k < FLAGSHIP_IDSET_SLOTS; k++) {

            if (bucket->tag[k] == 0) {
                continue;
            }

            rest = set->strings_len - at;

            if (bucket->offset[k] != at || rest < sizeof(len)) {
                return "an id is out of its place";
            }

            memcpy(&len, strings + at, sizeof(len));

            if (len == 0 || len > FLAGSHIP_IDSET_MAX_ID
                || len > rest - sizeof(len))
            {
                return "an id is out of bounds";
            }

            at += sizeof(len) + len;
            n++;
        }
    }

    return n == set->n && at == set->strings_len ? NULL
           : "its number of ids is wrong";
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
