
/*
 * Copyright (C) Flagship
 */


/*
 * The simple rollout's bucket.  Nothing here is left to chance: the ids are
 * always the same, so each result is, too.
 */


#include "unit.h"
#include "flagship_hash.h"

#include <math.h>


#define USERS  100000


typedef struct {
    const char  *user;
    const char  *flag;
    uint32_t     bucket;     /* with six decimals, or with none */
    uint32_t     unit;
} rollout_case_t;


static uint32_t
bucket(const char *user, const char *flag)
{
    return flagship_rollout_bucket(unit_str(user), unit_str(flag));
}


static uint32_t *
buckets(const char *flag)
{
    char       user[32];
    unsigned   i;
    uint32_t  *list;

    list = malloc(USERS * sizeof(uint32_t));
    assert_non_null(list);

    for (i = 0; i < USERS; i++) {
        snprintf(user, sizeof(user), "user%u", i);
        list[i] = bucket(user, flag);
        assert_true(list[i] < 100000000);
    }

    return list;
}


static void
vectors_of_the_language_hold(void **state)
{
    size_t  i;

    static const rollout_case_t  cases[] = {
        { "alice123", "beta_search", 75, 1000000 },
        { "bob456", "beta_search", 80, 1000000 },
        { "user1", "beta_search", 71, 1000000 },
        { "user2", "beta_search", 61, 1000000 },
        { "user3", "beta_search", 13, 1000000 },
        { "user4", "beta_search", 51, 1000000 },
        { "user5", "beta_search", 91, 1000000 },
        { "user123", "new_feature", 69252121, 1 },
        { "123", "new_checkout_flow", 40041011, 1 },
        { "alice", "new_checkout_flow", 33262746, 1 }
    };

    for (i = 0; i < unit_n(cases); i++) {
        assert_int_equal(bucket(cases[i].user, cases[i].flag) / cases[i].unit,
                         cases[i].bucket);
    }
}


static void
long_and_empty_names_are_hashed_whole(void **state)
{
    char  user[300], flag[129];

    /* sha256sum and a calculator of any precision say so */

    memset(user, 'u', sizeof(user));
    memset(flag, 'f', sizeof(flag));

    assert_int_equal(flagship_rollout_bucket(flagship_str(user, 300),
                                             flagship_str(flag, 128)),
                     38440337);
    assert_int_equal(flagship_rollout_bucket(flagship_str(NULL, 0),
                                             flagship_str(NULL, 0)),
                     35052089);
    assert_int_equal(flagship_rollout_bucket(flagship_str("a\0b", 3),
                                             unit_str("f")),
                     85932737);
}


static void
every_percentage_lets_in_its_share(void **state)
{
    double     expected, sigma;
    size_t     f;
    unsigned   i, percent, in;
    uint32_t  *list;

    static const char  *flags[] = { "beta_search", "new_checkout_flow", "a" };

    for (f = 0; f < unit_n(flags); f++) {
        list = buckets(flags[f]);

        for (percent = 0; percent <= 100; percent++) {

            for (i = 0, in = 0; i < USERS; i++) {
                in += (list[i] < percent * 1000000);
            }

            expected = USERS * (percent / 100.0);
            sigma = sqrt(expected * (1 - percent / 100.0));

            if (fabs(in - expected) > 4 * sigma) {
                fail_msg("\"%s\": %u%% let in %u of %u",
                         flags[f], percent, in, USERS);
            }
        }

        free(list);
    }
}


/*
 * Buckets of two flags in a table of n by n: chi-squared with (n - 1)^2
 * degrees of freedom.  The bound is its 0.999 quantile, by the approximation
 * of Wilson and Hilferty.
 */

static void
independent(const uint32_t *a, const uint32_t *b, unsigned n)
{
    double     chi2, bound, k, d, expected;
    unsigned   i, j, *cell, *row, *column;

    cell = calloc(n * n + 2 * n, sizeof(unsigned));
    assert_non_null(cell);

    row = cell + n * n;
    column = row + n;

    for (i = 0; i < USERS; i++) {
        unsigned  x = a[i] / (100000000 / n);
        unsigned  y = b[i] / (100000000 / n);

        cell[x * n + y]++;
        row[x]++;
        column[y]++;
    }

    chi2 = 0;

    for (i = 0; i < n; i++) {
        for (j = 0; j < n; j++) {
            expected = (double) row[i] * column[j] / USERS;
            d = cell[i * n + j] - expected;
            chi2 += d * d / expected;
        }
    }

    free(cell);

    k = (n - 1.0) * (n - 1.0);
    d = 2 / (9 * k);
    bound = k * pow(1 - d + 3.0902 * sqrt(d), 3);

    if (chi2 > bound) {
        fail_msg("%u x %u: chi-squared is %.1f, above %.1f",
                 n, n, chi2, bound);
    }
}


static void
two_flags_are_independent(void **state)
{
    uint32_t  *a, *b, *c;

    a = buckets("beta_search");
    b = buckets("new_checkout_flow");
    c = buckets("beta_search2");

    independent(a, b, 2);
    independent(a, b, 10);
    independent(a, b, 50);
    independent(a, c, 10);
    independent(b, c, 10);

    free(a);
    free(b);
    free(c);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(vectors_of_the_language_hold),
        cmocka_unit_test(long_and_empty_names_are_hashed_whole),
        cmocka_unit_test(every_percentage_lets_in_its_share),
        cmocka_unit_test(two_flags_are_independent)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
