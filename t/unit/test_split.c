
/*
 * Copyright (C) Flagship
 */


/*
 * Splits: their order, their shares, and the three generations of fractional.
 */


#include "eval.h"

#include <math.h>


static void
a_split_goes_by_names_in_byte_order(void **state)
{
    char              context[100];
    engine_t          engine;
    unsigned          i;
    engine_request_t  r;
    engine_result_t   a, b, c, d;

    engine_open(&engine, "{\"flags\": ["
        "{\"key\": \"a\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"split\": {\"red\": 20, \"blue\": 50,"
        " \"green\": 30}, \"by\": {\"var\": \"id\"}}}]},"
        "{\"key\": \"b\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"split\": {\"blue\": 50, \"green\": 30,"
        " \"red\": 20}, \"by\": {\"var\": \"id\"}}}]},"
        "{\"key\": \"c\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"fractional\": [{\"var\": \"id\"},"
        " [\"blue\", 50], [\"green\", 30], [\"red\", 20]]}}]},"
        "{\"key\": \"d\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"split\": {\"green\": 0.3, \"red\": 0.2,"
        " \"blue\": 0.5}, \"by\": {\"var\": \"id\"}}}]}]}");

    assert_int_equal(engine.errors.errors, 0);

    for (i = 0; i < 1000; i++) {
        snprintf(context, sizeof(context), "{\"id\": \"u%u\"}", i);

        engine_begin(&r, &engine, context, ENGINE_NOW);
        engine_ask(&r, "a", &a);
        engine_ask(&r, "b", &b);
        engine_ask(&r, "c", &c);
        engine_ask(&r, "d", &d);
        engine_end(&r);

        assert_string_equal(a.reason, "TARGETING_MATCH");
        assert_string_equal(a.variant, b.variant);
        assert_string_equal(a.variant, c.variant);

        /* 3, 2 and 5: another sum, so other bounds, but the same order */
        assert_string_equal(d.reason, "TARGETING_MATCH");
    }

    engine_close(&engine);
}


static void
a_split_gives_shares(void **state)
{
    char              context[100];
    engine_t          engine;
    unsigned          i, on, whole;
    engine_result_t   got;

    engine_open(&engine, "{\"flags\": ["
        "{\"key\": \"a\", \"type\": \"boolean\", " ON_OFF ","
        " \"rules\": [{\"serve\": {\"split\": {\"on\": 12.5,"
        " \"off\": 87.5}}}]},"
        "{\"key\": \"b\", \"type\": \"boolean\", " ON_OFF ","
        " \"rollout\": 30}]}");

    on = 0;
    whole = 0;

    for (i = 0; i < 10000; i++) {
        snprintf(context, sizeof(context), "{\"targetingKey\": \"u%u\"}", i);

        engine_decide(&engine, "a", context, &got);
        on += (strcmp(got.variant, "on") == 0);

        engine_decide(&engine, "b", context, &got);
        whole += (strcmp(got.reason, "SPLIT") == 0);

        assert_string_equal(got.reason, strcmp(got.variant, "on")
                                        ? "DEFAULT" : "SPLIT");
    }

    /* four standard deviations */
    assert_in_range(on, 1250 - 132, 1250 + 132);
    assert_in_range(whole, 3000 - 183, 3000 + 183);

    /* no key: the split gives null */
    engine_decide(&engine, "a", "{}", &got);
    expect(&got, "a", "{}", "off", "DEFAULT", "");

    engine_close(&engine);
}


/*
 * The form that flagd had before: the hash as a signed number over 2^31 - 1
 * against percentages.  A set keeps it as long as it says so.
 */

static void
the_older_fractional_keeps_its_people(void **state)
{
    char              context[100], name[20];
    double            bucket;
    int32_t           hash;
    engine_t          engine;
    unsigned          i, moved;
    const char       *want;
    engine_request_t  r;
    engine_result_t   got, now;

    static const char  flags[] =
        "\"flags\": [{\"key\": \"f\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"fractional\": [{\"var\": \"id\"},"
        " [\"red\", 1], [\"blue\", 3], [\"green\", 4]]}}]},"
        " {\"key\": \"computed\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"fractional\": [{\"var\": \"id\"},"
        " [\"red\", {\"var\": \"one\"}], [\"blue\", 3],"
        " [\"green\", 4]]}}]}]}";

    char      text[sizeof(flags) + 100];
    engine_t  current;

    snprintf(text, sizeof(text), "{\"environments\": [{\"key\": \"prod\","
             " \"fractional\": 1}], %s", flags);
    engine_open(&engine, text);
    assert_int_equal(engine.image->fractional, 1);

    snprintf(text, sizeof(text), "{%s", flags);
    engine_open(&current, text);
    assert_int_equal(current.image->fractional, 2);

    moved = 0;

    for (i = 0; i < 2000; i++) {
        snprintf(name, sizeof(name), "id%u", i);
        snprintf(context, sizeof(context), "{\"id\": \"%s\", \"one\": 1}",
                 name);

        hash = (int32_t) flagship_murmur3(name, strlen(name));
        bucket = fabs((double) hash) / 2147483647 * 100;
        want = bucket < 12.5 ? "red" : bucket < 50 ? "blue" : "green";

        engine_begin(&r, &engine, context, ENGINE_NOW);
        engine_ask(&r, "f", &got);
        assert_string_equal(got.variant, want);
        engine_ask(&r, "computed", &got);
        assert_string_equal(got.variant, want);
        engine_end(&r);

        engine_decide(&current, "f", context, &now);
        moved += (strcmp(now.variant, want) != 0);
    }

    /* which is why it is never switched silently */
    assert_true(moved > 100);

    engine_close(&current);
    engine_close(&engine);
}


static void
the_coming_fractional_hashes_cbor(void **state)
{
    size_t            i, k;
    uint32_t          point;
    engine_t          engine;
    const char       *want;
    engine_result_t   got;

    static const char  *flags[] = {
        "constant", "sugar", "computed"
    };

    static const char  text[] =
        "{\"environments\": [{\"key\": \"prod\", \"fractional\": 3}],"
        " \"flags\": ["
        " {\"key\": \"constant\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"fractional\": [{\"var\": \"id\"},"
        " [\"blue\", 3], [\"green\", 4], [\"red\", 1]]}}]},"
        " {\"key\": \"sugar\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"split\": {\"blue\": 3, \"green\": 4,"
        " \"red\": 1}, \"by\": {\"var\": \"id\"}}}]},"
        " {\"key\": \"computed\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"fractional\": [{\"var\": \"id\"},"
        " [\"blue\", 3], [\"green\", {\"var\": \"four\"}], [\"red\", 1]]}}]},"
        " {\"key\": \"key\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"fractional\": [[\"blue\", 3],"
        " [\"green\", 4], [\"red\", 1]]}}]},"
        " {\"key\": \"key2\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"fractional\": [[\"blue\", 3],"
        " [\"green\", {\"var\": \"four\"}], [\"red\", 1]]}}]},"
        " {\"key\": \"null\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"fractional\": [null, [\"blue\", 3],"
        " [\"green\", 4]]}}]}]}";

    /* the CBOR by hand; "": null, which goes on to the default */

    static const struct {
        const char  *context;
        const char  *cbor;
        size_t       len;
    } cases[] = {
        { "\"id\": \"a\"", "\x61" "a", 2 },
        { "\"id\": \"user3\"", "\x65user3", 6 },
        { "\"id\": \"\"", "\x60", 1 },
        { "\"id\": true", "\xf5", 1 },
        { "\"id\": false", "\xf4", 1 },
        { "\"id\": 0", "\x00", 1 },
        { "\"id\": -1", "\x20", 1 },
        { "\"id\": 1000000.0", "\x1a\x00\x0f\x42\x40", 5 },
        { "\"id\": 1.5", "\xf9\x3e\x00", 3 },
        { "\"id\": {}", "\xa0", 1 },
        { "\"id\": {\"bb\": [1, null], \"c\": {\"z\": 2}}",
          "\xa2\x61" "c\xa1\x61z\x02\x62" "bb\x82\x01\xf6", 13 },
        { "\"id\": null", "", 0 },
        { "\"id\": [1]", "", 0 },
        { "\"x\": 1", "", 0 }
    };

    engine_open(&engine, text);
    assert_int_equal(engine.errors.errors, 0);

    for (i = 0; i < unit_n(cases); i++) {
        char  context[200];

        snprintf(context, sizeof(context), "{\"four\": 4,"
                 " \"targetingKey\": \"u1\", %s}", cases[i].context);

        point = ((uint64_t) flagship_murmur3(cases[i].cbor, cases[i].len)
                 * 8) >> 32;
        want = point < 3 ? "blue" : point < 7 ? "green" : "red";

        for (k = 0; k < unit_n(flags); k++) {
            engine_decide(&engine, flags[k], context, &got);

            if (cases[i].len == 0) {
                assert_string_equal(got.reason, "DEFAULT");

            } else {
                assert_string_equal(got.reason, "TARGETING_MATCH");
                assert_string_equal(got.variant, want);
            }
        }
    }

    point = ((uint64_t) flagship_murmur3("\x82\x63key\x62u1", 8) * 8) >> 32;
    want = point < 3 ? "blue" : point < 7 ? "green" : "red";
    engine_decide(&engine, "key", "{\"targetingKey\": \"u1\"}", &got);
    assert_string_equal(got.variant, want);

    point = ((uint64_t) flagship_murmur3("\x82\x64key2\x62u1", 9) * 8) >> 32;
    want = point < 3 ? "blue" : point < 7 ? "green" : "red";
    engine_decide(&engine, "key2", "{\"targetingKey\": \"u1\", \"four\": 4}",
                  &got);
    assert_string_equal(got.variant, want);

    engine_decide(&engine, "key", "{}", &got);
    assert_string_equal(got.reason, "DEFAULT");
    engine_decide(&engine, "null", "{\"targetingKey\": \"u1\"}", &got);
    assert_string_equal(got.reason, "DEFAULT");

    engine_close(&engine);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_split_goes_by_names_in_byte_order),
        cmocka_unit_test(a_split_gives_shares),
        cmocka_unit_test(the_older_fractional_keeps_its_people),
        cmocka_unit_test(the_coming_fractional_hashes_cbor)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
