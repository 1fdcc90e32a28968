
/*
 * Copyright (C) Flagship
 */


/*
 * "in" with a list of literals, of every length and in every order: searched,
 * so each of its members must be found, and nothing between them.
 */


#include "engine.h"


#define MOST  3000


/* A list, of which every number is a member that "member" says is one. */

static char *
document(unsigned n, uint64_t seed, const char *format)
{
    char      *text, *p;
    unsigned   i, k, swap, order[MOST];

    for (i = 0; i < n; i++) {
        order[i] = i;
    }

    for (i = n; i > 1; i--) {
        k = unit_random(&seed) % i;
        swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }

    text = malloc(512 + n * 64);
    assert_non_null(text);

    p = text + sprintf(text, "{\"flags\": [{\"key\": \"f\", \"enabled\": true,"
                       " \"rules\": [{\"when\": {\"in\": [{\"var\": \"v\"},"
                       " [");

    for (i = 0; i < n; i++) {
        p += sprintf(p, i ? ", " : "");
        p += sprintf(p, format, (int) (order[i] * 3) - 300);

        /* some of them twice */

        if (order[i] % 7 == 0) {
            p += sprintf(p, ", ");
            p += sprintf(p, format, (int) (order[i] * 3) - 300);
        }
    }

    strcpy(p, "]]}, \"serve\": \"on\"}]}]}");

    return text;
}


static void
every_member_and_no_other(const char *format, const char *other)
{
    int                      i;
    char                     context[80], value[40], *text;
    engine_t                 engine;
    unsigned                 n;
    engine_result_t          result;

    static const unsigned  sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 100, MOST };

    for (n = 0; n < unit_n(sizes); n++) {

        text = document(sizes[n], n + 1, format);
        engine_open(&engine, text);
        free(text);

        for (i = -310; i < (int) sizes[n] * 3 - 290; i++) {

            if (sizes[n] == MOST && i % 10 > 2) {
                continue;
            }

            snprintf(value, sizeof(value), format, i);
            snprintf(context, sizeof(context), "{\"v\": %s}", value);
            engine_decide(&engine, "f", context, &result);

            assert_int_equal(result.enabled,
                             i >= -300 && i % 3 == 0
                             && i < (int) sizes[n] * 3 - 300);
        }

        /* of another type it is none, nor is what is not there */

        snprintf(value, sizeof(value), other, -300);
        snprintf(context, sizeof(context), "{\"v\": %s}", value);
        engine_decide(&engine, "f", context, &result);
        assert_false(result.enabled);

        engine_decide(&engine, "f", "{\"v\": null}", &result);
        assert_false(result.enabled);

        engine_decide(&engine, "f", "{}", &result);
        assert_false(result.enabled);

        engine_close(&engine);
    }
}


static void
numbers_are_found(void **state)
{
    every_member_and_no_other("%d", "\"%d\"");
}


static void
decimals_are_found(void **state)
{
    every_member_and_no_other("%d.25", "\"%d.25\"");
}


static void
texts_are_found(void **state)
{
    every_member_and_no_other("\"%d\"", "%d");
}


/* Zeros are one number, and the largest have neighbours. */

static void
numbers_at_the_edges(void **state)
{
    size_t           i;
    engine_t         engine;
    engine_result_t  result;

    static const char  text[] =
        "{\"flags\": [{\"key\": \"f\", \"enabled\": true, \"rules\": [{"
        "\"when\": {\"in\": [{\"var\": \"v\"}, [9007199254740992, 0, -1e308,"
        " \"a\", 1e308, null, 5e-324, true]]}, \"serve\": \"on\"}]}]}";

    static const struct { const char *context; int in; }  cases[] = {
        { "{\"v\": 0}", 1 }, { "{\"v\": -0}", 1 }, { "{\"v\": -0.0}", 1 },
        { "{\"v\": 5e-324}", 1 }, { "{\"v\": -5e-324}", 0 },
        { "{\"v\": 1e308}", 1 }, { "{\"v\": -1e308}", 1 },
        { "{\"v\": 1.1e308}", 0 }, { "{\"v\": -1.1e308}", 0 },
        { "{\"v\": 9007199254740992}", 1 },
        { "{\"v\": 9007199254740994}", 0 },
        { "{\"v\": 9007199254740991}", 0 },
        { "{\"v\": \"a\"}", 1 }, { "{\"v\": null}", 1 }, { "{}", 1 },
        { "{\"v\": true}", 1 }, { "{\"v\": false}", 0 }, { "{\"v\": 1}", 0 },
        { "{\"v\": [0]}", 0 }, { "{\"v\": \"0\"}", 0 }
    };

    engine_open(&engine, text);

    for (i = 0; i < unit_n(cases); i++) {
        engine_decide(&engine, "f", cases[i].context, &result);

        if (result.enabled != cases[i].in) {
            fail_msg("%s is %d", cases[i].context, result.enabled);
        }
    }

    engine_close(&engine);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(numbers_are_found),
        cmocka_unit_test(decimals_are_found),
        cmocka_unit_test(texts_are_found),
        cmocka_unit_test(numbers_at_the_edges)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
