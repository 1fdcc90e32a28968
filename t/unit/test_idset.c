
/*
 * Copyright (C) Flagship
 */


/*
 * Id sets: built, asked, proved.  Sets lie in memory of their own, and damaged
 * ones are asked with the digest repaired: the sanitizers are the judges.
 */


#include "unit.h"
#include "flagship_hash.h"
#include "flagship_idset.h"


static flagship_idset_t *
build(flagship_str_t *ids, size_t n)
{
    size_t                     i;
    const char                *error;
    flagship_idset_t          *set;
    flagship_idset_builder_t  *builder;

    builder = flagship_idset_create();
    assert_non_null(builder);

    for (i = 0; i < n; i++) {
        assert_int_equal(flagship_idset_add(builder, ids[i]), FLAGSHIP_OK);
    }

    assert_int_equal(flagship_idset_build(builder, &set), FLAGSHIP_OK);
    flagship_idset_destroy(builder);

    if (flagship_idset_verify(set, set->len, &error) != FLAGSHIP_OK) {
        fail_msg("a set of %zu ids is refused: %s", n, error);
    }

    return set;
}


static int
has(const flagship_idset_t *set, flagship_str_t id)
{
    return flagship_idset_has(set, id, flagship_hash32(id.data, id.len));
}


static int
has_text(const flagship_idset_t *set, const char *text)
{
    return has(set, unit_str(text));
}


static void
an_empty_set_has_nothing(void **state)
{
    uint64_t           at;
    flagship_str_t     id;
    flagship_idset_t  *set;

    set = build(NULL, 0);

    assert_int_equal(set->n, 0);
    assert_false(has_text(set, ""));
    assert_false(has_text(set, "a"));

    at = 0;
    assert_false(flagship_idset_next(set, &at, &id));

    free(set);
}


static void
it_has_its_ids_and_no_other(void **state)
{
    char               text[64];
    size_t             i, n;
    uint32_t           count;
    uint64_t           at;
    flagship_str_t     id, *ids;
    flagship_idset_t  *set;

    static const size_t  sizes[] = { 1, 2, 5, 10, 11, 100, 1000, 30000 };

    for (n = 0; n < unit_n(sizes); n++) {

        ids = malloc(sizes[n] * sizeof(flagship_str_t));
        assert_non_null(ids);

        for (i = 0; i < sizes[n]; i++) {
            snprintf(text, sizeof(text), "user-%zu", i);
            ids[i] = flagship_str(unit_copy(text, strlen(text)),
                                  strlen(text));
        }

        set = build(ids, sizes[n]);
        assert_int_equal(set->n, sizes[n]);

        for (i = 0; i < sizes[n]; i++) {
            assert_true(has(set, ids[i]));

            snprintf(text, sizeof(text), "User-%zu", i);
            assert_false(has_text(set, text));

            id = flagship_str(ids[i].data, ids[i].len - 1);
            assert_int_equal(has(set, id), i >= 10 && i / 10 < sizes[n]);
        }

        assert_false(has_text(set, ""));

        at = 0;
        count = 0;

        while (flagship_idset_next(set, &at, &id)) {
            assert_true(has(set, id));
            count++;
        }

        assert_int_equal(count, sizes[n]);

        for (i = 0; i < sizes[n]; i++) {
            free((char *) ids[i].data);
        }

        free(ids);
        free(set);
    }
}


static void
the_same_members_give_the_same_bytes(void **state)
{
    char               texts[1000][16];
    size_t             i, k;
    uint64_t           seed;
    flagship_str_t     ids[1500], swap;
    flagship_idset_t  *one, *two;

    for (i = 0; i < 1000; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%zu", i * 7);
        ids[i] = unit_str(texts[i]);
    }

    one = build(ids, 1000);

    /* in another order, and half of them twice */

    for (i = 1000; i < 1500; i++) {
        ids[i] = ids[i - 1000];
    }

    seed = 42;

    for (i = 1499; i; i--) {
        k = unit_random(&seed) % (i + 1);
        swap = ids[i];
        ids[i] = ids[k];
        ids[k] = swap;
    }

    two = build(ids, 1500);

    assert_int_equal(one->len, two->len);
    assert_memory_equal(one, two, one->len);
    assert_int_equal(two->n, 1000);

    free(two);

    two = build(ids, 1400);
    assert_true(one->digest != two->digest || one->len == two->len);

    free(one);
    free(two);
}


static void
a_builder_is_used_again(void **state)
{
    flagship_idset_t          *set;
    flagship_idset_builder_t  *builder;

    builder = flagship_idset_create();
    assert_non_null(builder);

    flagship_idset_add(builder, unit_str("a"));
    assert_int_equal(flagship_idset_build(builder, &set), FLAGSHIP_OK);
    free(set);

    flagship_idset_add(builder, unit_str("b"));
    assert_int_equal(flagship_idset_build(builder, &set), FLAGSHIP_OK);

    assert_int_equal(set->n, 1);
    assert_true(has_text(set, "b"));
    assert_false(has_text(set, "a"));

    free(set);
    flagship_idset_destroy(builder);
}


static void
long_ids_and_those_that_are_none(void **state)
{
    char                      *text;
    unsigned                   i;
    flagship_str_t             ids[3];
    flagship_idset_t          *set;
    flagship_idset_builder_t  *builder;

    text = malloc(FLAGSHIP_IDSET_MAX_ID + 1);
    assert_non_null(text);

    for (i = 0; i <= FLAGSHIP_IDSET_MAX_ID; i++) {
        text[i] = 'a' + i % 23;
    }

    ids[0] = flagship_str(text, FLAGSHIP_IDSET_MAX_ID);
    ids[1] = flagship_str(text + 1, FLAGSHIP_IDSET_MAX_ID);
    ids[2] = flagship_str("\0\xff", 2);

    set = build(ids, 3);

    for (i = 0; i < 3; i++) {
        assert_true(has(set, ids[i]));
    }

    assert_false(has(set, flagship_str(text, FLAGSHIP_IDSET_MAX_ID + 1)));
    assert_false(has(set, flagship_str(text, FLAGSHIP_IDSET_MAX_ID - 1)));
    assert_false(has(set, flagship_str("\0", 1)));
    assert_false(has(set, flagship_str("", 0)));

    free(set);

    builder = flagship_idset_create();
    assert_non_null(builder);

    assert_int_equal(flagship_idset_add(builder, flagship_str("", 0)),
                     FLAGSHIP_DECLINED);
    assert_int_equal(flagship_idset_add(builder,
                         flagship_str(text, FLAGSHIP_IDSET_MAX_ID + 1)),
                     FLAGSHIP_DECLINED);

    flagship_idset_destroy(builder);
    free(text);
}


/* Ids of one tag and one home: found by a search of two million texts. */

static void
ids_whose_hashes_collide(void **state)
{
    char                            text[24];
    size_t                          n;
    unsigned                        i;
    uint32_t                        hash;
    flagship_str_t                  ids[64];
    flagship_idset_t               *set;
    const flagship_idset_home_t    *home;

    n = 0;

    for (i = 0; n < unit_n(ids); i++) {
        snprintf(text, sizeof(text), "%u", i);
        hash = flagship_hash32(text, strlen(text));

        /* any number of homes below four thousand takes them as one */

        if (hash >> 20 == 0x7ff && (hash & 0xf) == 3) {
            ids[n++] = flagship_str(unit_copy(text, strlen(text)),
                                    strlen(text));
        }
    }

    set = build(ids, n);

    /* all of them have one home, which goes on in seven other entries */

    assert_int_equal(set->nentries - set->nhomes,
                     n / FLAGSHIP_IDSET_SLOTS - 1);

    hash = flagship_hash32(ids[0].data, ids[0].len);
    home = flagship_idset_homes(set) + flagship_idset_home(hash, set->nhomes);
    assert_true(home->group & FLAGSHIP_IDSET_MORE);

    for (i = 0; i < n; i++) {
        assert_true(has(set, ids[i]));
    }

    /* what is asked with a hash that is not its own must not be found, and
       must not be looked for beyond the set */

    for (i = 0; i < 1000000; i++) {
        (void) flagship_idset_has(set, flagship_str("x", 1), i * 4001);
    }

    for (i = 0; i < n; i++) {
        free((char *) ids[i].data);
    }

    free(set);
}


/* Texts of one and the same hash, by the hundred: they are told apart by their
   bytes, and the second of each is dropped. */

static void
ids_of_one_hash(void **state)
{
    char                       text[8];
    unsigned                   i, k;
    uint32_t                  *seen, hash;
    flagship_str_t             id, pair[2];
    flagship_idset_t          *set;
    flagship_idset_builder_t  *builder;

    /* by the birthday's paradox there is one among some 80 000 texts */

    seen = calloc(1 << 22, sizeof(uint32_t));
    assert_non_null(seen);

    pair[0].data = NULL;

    for (i = 1; i < 4000000 && pair[0].data == NULL; i++) {
        snprintf(text, sizeof(text), "%u", i);
        hash = flagship_hash32(text, strlen(text));
        k = hash & ((1 << 22) - 1);

        if (seen[k]) {
            id = flagship_str(text, strlen(text));
            pair[1] = flagship_str(unit_copy(id.data, id.len), id.len);

            snprintf(text, sizeof(text), "%u", seen[k]);

            if (flagship_hash32(text, strlen(text)) == hash) {
                pair[0] = flagship_str(unit_copy(text, strlen(text)),
                                       strlen(text));
                break;
            }

            free((char *) pair[1].data);
        }

        seen[k] = i;
    }

    free(seen);
    assert_non_null(pair[0].data);

    builder = flagship_idset_create();
    assert_non_null(builder);

    for (i = 0; i < 6; i++) {
        flagship_idset_add(builder, pair[i & 1]);
    }

    assert_int_equal(flagship_idset_build(builder, &set), FLAGSHIP_OK);
    assert_int_equal(set->n, 2);
    assert_true(has(set, pair[0]));
    assert_true(has(set, pair[1]));
    free(set);

    flagship_idset_add(builder, pair[0]);
    assert_int_equal(flagship_idset_build(builder, &set), FLAGSHIP_OK);
    assert_true(has(set, pair[0]));
    assert_false(has(set, pair[1]));
    free(set);

    flagship_idset_destroy(builder);
    free((char *) pair[0].data);
    free((char *) pair[1].data);
}


static void
a_million_ids(void **state)
{
    char                       text[24];
    size_t                     len;
    unsigned                   i;
    const char                *error;
    flagship_idset_t          *set;
    flagship_idset_builder_t  *builder;

    builder = flagship_idset_create();
    assert_non_null(builder);

    for (i = 0; i < 1000000; i++) {
        len = snprintf(text, sizeof(text), "user-%08u", i * 3);
        assert_int_equal(flagship_idset_add(builder, flagship_str(text, len)),
                         FLAGSHIP_OK);
    }

    assert_int_equal(flagship_idset_build(builder, &set), FLAGSHIP_OK);
    flagship_idset_destroy(builder);

    assert_int_equal(flagship_idset_verify(set, set->len, &error),
                     FLAGSHIP_OK);

    assert_int_equal(set->n, 1000000);

    /* 13 bytes each, and at most 8.5 beside */
    assert_in_range(set->len, 13000000, 13000000 + 8500000);

    for (i = 0; i < 3000000; i++) {
        len = snprintf(text, sizeof(text), "user-%08u", i);
        assert_int_equal(has(set, flagship_str(text, len)), i % 3 == 0);
    }

    free(set);
}


/* Everything that may be asked of a set that was let pass. */

static void
use(const flagship_idset_t *set)
{
    uint32_t                i;
    uint64_t                at;
    flagship_str_t          id;
    static volatile size_t  sum;

    for (i = 0; i < 200; i++) {
        sum += flagship_idset_has(set, flagship_str("user-1", 6),
                                  i * 0x01474b1du);
    }

    at = 0;

    while (flagship_idset_next(set, &at, &id)) {
        for (i = 0; i < id.len; i++) {
            sum += (unsigned char) id.data[i];
        }

        sum += has(set, id);
    }
}


static flagship_idset_t *
sample(void)
{
    char            texts[24][16];
    size_t          i;
    flagship_str_t  ids[24];

    for (i = 0; i < unit_n(ids); i++) {
        snprintf(texts[i], sizeof(texts[i]), "user-%zu", i);
        ids[i] = unit_str(texts[i]);
    }

    return build(ids, unit_n(ids));
}


static void
any_flipped_bit_is_refused_or_safe(void **state)
{
    char              *copy;
    size_t             i, bit, passed;
    const char        *error;
    flagship_idset_t  *set;

    set = sample();
    passed = 0;

    for (i = 0; i < set->len; i++) {
        for (bit = 0; bit < 8; bit++) {

            copy = unit_copy((char *) set, set->len);
            copy[i] ^= 1 << bit;

            /* found by the digest */

            assert_int_equal(flagship_idset_verify(copy, set->len, &error),
                             FLAGSHIP_DECLINED);
            assert_non_null(error);

            ((flagship_idset_t *) copy)->digest = flagship_digest(copy,
                                                                  set->len);

            if (flagship_idset_verify(copy, set->len, &error)
                == FLAGSHIP_OK)
            {
                passed++;
                use((flagship_idset_t *) copy);
            }

            free(copy);
        }
    }

    /* bytes of ids, tags */
    assert_in_range(passed, 1, set->len * 8 - 1);

    free(set);
}


static void
any_byte_of_any_value(void **state)
{
    char              *copy;
    size_t             i;
    unsigned           value;
    const char        *error;
    flagship_idset_t  *set;

    set = sample();
    copy = unit_copy((char *) set, set->len);

    for (i = 0; i < set->len; i++) {
        for (value = 0; value < 256; value++) {

            copy[i] = value;
            ((flagship_idset_t *) copy)->digest = flagship_digest(copy,
                                                                  set->len);

            if (flagship_idset_verify(copy, set->len, &error)
                == FLAGSHIP_OK)
            {
                use((flagship_idset_t *) copy);
            }

            memcpy(copy, set, set->len);
        }
    }

    free(copy);
    free(set);
}


static void
any_cut_is_refused(void **state)
{
    char              *copy;
    size_t             len;
    const char        *error;
    flagship_idset_t  *set;

    set = sample();

    for (len = 0; len < set->len; len++) {
        copy = unit_copy((char *) set, len);

        assert_int_equal(flagship_idset_verify(copy, len, &error),
                         FLAGSHIP_DECLINED);

        /* one that says that it is so short */

        if (len >= sizeof(flagship_idset_t)
            && len % FLAGSHIP_IDSET_ALIGN == 0)
        {
            ((flagship_idset_t *) copy)->len = len;
            ((flagship_idset_t *) copy)->digest = flagship_digest(copy, len);

            assert_int_equal(flagship_idset_verify(copy, len, &error),
                             FLAGSHIP_DECLINED);
        }

        free(copy);
    }

    free(set);
}


static void
random_damage_is_refused_or_safe(void **state)
{
    char              *copy;
    size_t             len;
    unsigned           i, k;
    uint64_t           seed;
    const char        *error;
    flagship_idset_t  *set;

    set = sample();
    seed = 7;

    for (i = 0; i < 20000; i++) {
        copy = unit_copy((char *) set, set->len);

        for (k = 1 + unit_random(&seed) % 4; k; k--) {
            copy[unit_random(&seed) % set->len] = unit_random(&seed);
        }

        len = set->len;
        ((flagship_idset_t *) copy)->digest = flagship_digest(copy, len);

        if (flagship_idset_verify(copy, len, &error) == FLAGSHIP_OK) {
            use((flagship_idset_t *) copy);
        }

        free(copy);
    }

    free(set);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(an_empty_set_has_nothing),
        cmocka_unit_test(it_has_its_ids_and_no_other),
        cmocka_unit_test(the_same_members_give_the_same_bytes),
        cmocka_unit_test(a_builder_is_used_again),
        cmocka_unit_test(long_ids_and_those_that_are_none),
        cmocka_unit_test(ids_whose_hashes_collide),
        cmocka_unit_test(ids_of_one_hash),
        cmocka_unit_test(a_million_ids),
        cmocka_unit_test(any_flipped_bit_is_refused_or_safe),
        cmocka_unit_test(any_byte_of_any_value),
        cmocka_unit_test(any_cut_is_refused),
        cmocka_unit_test(random_damage_is_refused_or_safe)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
