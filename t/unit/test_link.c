
/*
 * Copyright (C) Flagship
 */


/*
 * Linking: what one change makes of the last image.
 */


#include "engine.h"


#define FLAG(key, serve)                                                      \
    "{\"key\": \"" key "\", \"type\": \"string\", \"enabled\": true,"         \
    " \"variants\": {\"a\": \"1\", \"b\": \"2\", \"c\": \"3\"},"              \
    " \"default_variant\": null, \"rules\": [{\"serve\": " serve "}]}"

#define BROKEN(key)                                                           \
    "{\"key\": \"" key "\", \"rules\": [{\"serve\": {\"frob\": 1}}]}"

#define SEGMENT(key, when)                                                    \
    "{\"key\": \"" key "\", \"when\": " when "}"


static void
expect(const engine_t *engine, const char *key, const char *context,
    const char *variant, const char *reason, const char *error)
{
    engine_result_t  got;

    engine_decide(engine, key, context, &got);

    if (strcmp(got.variant, variant) != 0
        || strcmp(got.reason, reason) != 0
        || strcmp(got.error, error) != 0)
    {
        fail_msg("%s: \"%s\" (%s %s), not \"%s\" (%s %s)", key, got.variant,
                 got.reason, got.error, variant, reason, error);
    }
}


static void
expect_serves(const engine_t *engine, const char *key, const char *variant)
{
    expect(engine, key, "{}", variant, "TARGETING_MATCH", "");
}


static void
expect_unknown(const engine_t *engine, const char *key)
{
    expect(engine, key, "{}", "", "ERROR", "FLAG_NOT_FOUND");
}


static const flagship_flag_t *
record(const engine_t *engine, const char *key)
{
    uint32_t  flag;

    flag = flagship_image_find(engine->image, unit_str(key));
    assert_int_not_equal(flag, FLAGSHIP_NONE);

    return flagship_flags(engine->image) + flag;
}


/* Links a unit that takes keys away. */

static void
take_away(engine_t *engine, const char *flag, const char *segment)
{
    size_t             len;
    flagship_unit_t   *unit;
    flagship_image_t  *image;

    unit = flagship_unit_create(2);
    assert_non_null(unit);

    if (flag) {
        assert_int_equal(flagship_unit_remove(unit, unit_str(flag), 0),
                         FLAGSHIP_OK);
    }

    if (segment) {
        assert_int_equal(flagship_unit_remove(unit, unit_str(segment), 1),
                         FLAGSHIP_OK);
    }

    flagship_errors_init(&engine->errors);
    assert_int_equal(flagship_link(unit, engine->image, 0, &image, &len,
                                   &engine->errors), FLAGSHIP_OK);
    flagship_unit_destroy(unit);

    free(engine->image);
    engine->image = image;
    engine->len = len;
}


static void
verify(const engine_t *engine)
{
    const char  *error;

    if (flagship_image_verify(engine->image, engine->len, &error)
        != FLAGSHIP_OK)
    {
        fail_msg("%s", error);
    }
}


static void
a_change_replaces_adds_and_removes(void **state)
{
    engine_t  engine;

    engine_open(&engine, "{\"flags\": [" FLAG("one", "\"a\"") ","
                FLAG("two", "{\"var\": \"x\"}") ","
                FLAG("three", "{\"if\": [{\"==\": [{\"var\": \"y\"},"
                     " \"literal\"]}, \"c\", \"b\"]}") "]}");

    engine_link(&engine, "{\"flags\": [" FLAG("one", "\"b\"") ","
                FLAG("four", "{\"var\": \"z\"}") "]}", 0);
    verify(&engine);

    expect_serves(&engine, "one", "b");
    expect(&engine, "two", "{\"x\": \"c\"}", "c", "TARGETING_MATCH", "");
    expect(&engine, "three", "{\"y\": \"literal\"}", "c", "TARGETING_MATCH",
           "");
    expect(&engine, "four", "{\"z\": \"a\", \"x\": \"b\"}", "a",
           "TARGETING_MATCH", "");

    take_away(&engine, "two", NULL);
    verify(&engine);

    expect_unknown(&engine, "two");
    expect_serves(&engine, "one", "b");
    expect(&engine, "three", "{\"y\": \"literal\"}", "c", "TARGETING_MATCH",
           "");
    expect(&engine, "four", "{\"z\": \"a\"}", "a", "TARGETING_MATCH", "");

    /* what is not there may be taken away, too */
    take_away(&engine, "never", "never");
    expect_serves(&engine, "one", "b");

    /* what nobody uses any more is gone: "x" of "two" */
    assert_int_equal(engine.image->attrs.n, 2);

    engine_close(&engine);
}


static void
a_whole_set_drops_what_it_does_not_name(void **state)
{
    engine_t  engine;

    engine_open(&engine, "{\"flags\": [" FLAG("one", "\"a\"") ","
                FLAG("two", "\"b\"") "]}");

    engine_link(&engine, "{\"flags\": [" FLAG("three", "\"c\"") "]}", 1);
    verify(&engine);

    expect_unknown(&engine, "one");
    expect_unknown(&engine, "two");
    expect_serves(&engine, "three", "c");
    assert_int_equal(engine.image->flags.n, 1);

    engine_link(&engine, "{\"flags\": []}", 1);
    verify(&engine);
    assert_int_equal(engine.image->flags.n, 0);

    engine_close(&engine);
}


static void
a_later_document_of_a_key_wins(void **state)
{
    engine_t  engine;

    engine_open(&engine, "{\"flags\": [" FLAG("one", "\"a\"") ","
                FLAG("two", "\"a\"") "," FLAG("one", "\"b\"") "]}");

    expect_serves(&engine, "one", "b");
    expect_serves(&engine, "two", "a");
    assert_int_equal(engine.image->flags.n, 2);

    engine_close(&engine);
}


static void
a_refused_flag_keeps_its_last_good_form(void **state)
{
    unsigned  whole;
    engine_t  engine;

    for (whole = 0; whole < 2; whole++) {

        engine_open(&engine, "{\"flags\": [" FLAG("one", "\"a\"") ","
                    FLAG("two", "\"b\"") "]}");
        assert_false(record(&engine, "one")->bits & FLAGSHIP_FLAG_STALE);

        engine_link(&engine, "{\"flags\": [" BROKEN("one") ","
                    FLAG("two", "\"c\"") "]}", (int) whole);
        verify(&engine);

        assert_int_equal(engine.errors.errors, 1);
        assert_string_equal(engine.errors.list[0].key, "one");

        expect_serves(&engine, "one", "a");
        expect_serves(&engine, "two", "c");
        assert_true(record(&engine, "one")->bits & FLAGSHIP_FLAG_STALE);
        assert_int_equal(engine.image->broken, 0);

        /* a change of another flag does not forget it */

        engine_link(&engine, "{\"flags\": [" FLAG("two", "\"b\"") "]}", 0);
        assert_true(record(&engine, "one")->bits & FLAGSHIP_FLAG_STALE);

        /* and again, from the image that holds the old form */

        engine_link(&engine, "{\"flags\": [" BROKEN("one") ","
                    FLAG("two", "\"c\"") "]}", (int) whole);
        expect_serves(&engine, "one", "a");

        engine_link(&engine, "{\"flags\": [" FLAG("one", "\"c\"") ","
                    FLAG("two", "\"c\"") "]}", (int) whole);
        expect_serves(&engine, "one", "c");
        assert_false(record(&engine, "one")->bits & FLAGSHIP_FLAG_STALE);

        engine_close(&engine);
    }
}


static void
a_flag_without_a_good_form_is_a_parse_error(void **state)
{
    engine_t  engine;

    engine_open(&engine, "{\"flags\": [" BROKEN("one") ","
                FLAG("two", "\"b\"") "]}");
    verify(&engine);

    expect(&engine, "one", "{}", "", "ERROR", "PARSE_ERROR");
    expect_serves(&engine, "two", "b");
    assert_int_equal(engine.image->broken, 1);
    assert_true(record(&engine, "one")->bits & FLAGSHIP_FLAG_BROKEN);

    /* a change of another flag keeps it so */
    engine_link(&engine, "{\"flags\": [" FLAG("two", "\"c\"") "]}", 0);
    expect(&engine, "one", "{}", "", "ERROR", "PARSE_ERROR");

    engine_link(&engine, "{\"flags\": [" FLAG("one", "\"a\"") "]}", 0);
    expect_serves(&engine, "one", "a");
    assert_int_equal(engine.image->broken, 0);

    engine_close(&engine);
}


/* A text that is not even JSON, by the unit's own function. */

static void
a_broken_text_keeps_the_last_good_form(void **state)
{
    size_t             len;
    engine_t           engine;
    flagship_unit_t   *unit;
    flagship_image_t  *image;

    engine_open(&engine, "{\"flags\": [" FLAG("one", "\"a\"") "]}");

    unit = flagship_unit_create(2);
    assert_non_null(unit);
    flagship_unit_add_broken(unit, unit_str("one"), 0);
    flagship_unit_add_broken(unit, unit_str("other"), 0);
    flagship_unit_add_broken(unit, unit_str("segment"), 1);

    flagship_errors_init(&engine.errors);
    assert_int_equal(flagship_link(unit, engine.image, 1, &image, &len,
                                   &engine.errors), FLAGSHIP_OK);
    flagship_unit_destroy(unit);
    free(engine.image);
    engine.image = image;
    engine.len = len;

    expect_serves(&engine, "one", "a");
    expect(&engine, "other", "{}", "", "ERROR", "PARSE_ERROR");

    engine_close(&engine);
}


static void
segments_are_linked_by_name(void **state)
{
    engine_t  engine;

    engine_open(&engine, "{\"segments\": ["
                SEGMENT("s", "{\"==\": [{\"var\": \"p\"}, 1]}") "],"
                " \"flags\": ["
                FLAG("one", "{\"if\": [{\"segment\": \"s\"}, \"a\", \"b\"]}")
                "," FLAG("two", "\"c\"") "]}");

    expect(&engine, "one", "{\"p\": 1}", "a", "TARGETING_MATCH", "");
    expect(&engine, "one", "{\"p\": 2}", "b", "TARGETING_MATCH", "");

    /* the segment alone changes */
    engine_link(&engine, "{\"flags\": [], \"segments\": ["
                SEGMENT("s", "{\"==\": [{\"var\": \"q\"}, 2]}") "]}", 0);
    verify(&engine);

    expect(&engine, "one", "{\"p\": 1}", "b", "TARGETING_MATCH", "");
    expect(&engine, "one", "{\"q\": 2}", "a", "TARGETING_MATCH", "");

    /* a form of it that does not compile */
    engine_link(&engine, "{\"flags\": [], \"segments\": ["
                SEGMENT("s", "{\"frob\": 2}") "]}", 0);
    assert_int_equal(engine.errors.errors, 1);
    expect(&engine, "one", "{\"q\": 2}", "a", "TARGETING_MATCH", "");

    /* it goes, but what needs it has no other form */
    take_away(&engine, NULL, "s");
    verify(&engine);
    expect(&engine, "one", "{\"q\": 2}", "a", "TARGETING_MATCH", "");

    engine_close(&engine);
}


static void
a_flag_that_asks_for_no_segment_is_refused(void **state)
{
    engine_t  engine;

    engine_open(&engine, "{\"flags\": [" FLAG("one", "\"a\"") ","
                FLAG("two", "{\"if\": [{\"segment\": \"none\"}, \"a\"]}")
                "]}");
    verify(&engine);

    assert_true(engine.errors.errors > 0);
    assert_string_equal(engine.errors.list[0].key, "two");
    assert_non_null(strstr(engine.errors.list[0].message, "none"));

    expect_serves(&engine, "one", "a");
    expect(&engine, "two", "{}", "", "ERROR", "PARSE_ERROR");

    engine_link(&engine, "{\"flags\": ["
                FLAG("one", "{\"if\": [{\"segment\": \"none\"}, \"b\"]}")
                "]}", 0);
    expect_serves(&engine, "one", "a");

    /* together with its segment it is taken */
    engine_link(&engine, "{\"segments\": [" SEGMENT("none", "true") "],"
                " \"flags\": ["
                FLAG("one", "{\"if\": [{\"segment\": \"none\"}, \"b\"]}")
                "]}", 0);
    assert_int_equal(engine.errors.errors, 0);
    expect_serves(&engine, "one", "b");

    engine_close(&engine);
}


static void
cycles_are_refused(void **state)
{
    size_t           i;
    engine_t         engine;
    engine_result_t  got;

    /* each closes one among a, b, c and the segments s, t */

    static const char  *documents[] = {
        "{\"flags\": [" FLAG("a", "{\"flag\": \"a\"}") "]}",
        "{\"flags\": [" FLAG("a", "{\"flag\": \"b\"}") ","
            FLAG("b", "{\"flag\": \"a\"}") "]}",
        "{\"flags\": [" FLAG("a", "{\"flag\": \"b\"}") ","
            FLAG("b", "{\"flag\": \"c\"}") ","
            FLAG("c", "{\"flag\": \"a\"}") "]}",
        "{\"flags\": [{\"key\": \"a\", \"prerequisites\":"
            " [{\"flag\": \"a\", \"variant\": \"on\"}]}]}",
        "{\"flags\": [{\"key\": \"a\", \"prerequisites\":"
            " [{\"flag\": \"b\", \"variant\": \"on\"}]}, {\"key\": \"b\","
            " \"rules\": [{\"when\": {\"==\": [{\"flag\": \"a\"}, \"on\"]},"
            " \"serve\": \"on\"}]}]}",
        "{\"segments\": [" SEGMENT("s", "{\"segment\": \"s\"}") "],"
            " \"flags\": []}",
        "{\"segments\": [" SEGMENT("s", "{\"!\": {\"segment\": \"t\"}}") ","
            SEGMENT("t", "{\"segment\": \"s\"}") "], \"flags\": []}",
        "{\"segments\": [" SEGMENT("s", "{\"==\": [{\"flag\": \"a\"},"
            " \"a\"]}") "], \"flags\": [" FLAG("a", "{\"if\": [{\"segment\":"
            " \"s\"}, \"a\"]}") "]}"
    };

    for (i = 0; i < unit_n(documents); i++) {

        engine_open(&engine, documents[i]);
        verify(&engine);

        if (engine.errors.errors == 0) {
            fail_msg("taken: %s", documents[i]);
        }

        /* whatever is left, nothing runs in circles */
        engine_decide(&engine, "a", "{}", &got);
        engine_decide(&engine, "b", "{}", &got);
        engine_close(&engine);
    }
}


static void
a_change_that_closes_a_cycle_is_refused(void **state)
{
    engine_t  engine;

    engine_open(&engine, "{\"flags\": ["
                FLAG("one", "{\"flag\": \"two\"}") ","
                FLAG("two", "{\"flag\": \"three\"}") ","
                FLAG("three", "\"c\"") "," FLAG("four", "\"a\"") "]}");

    expect_serves(&engine, "one", "c");

    engine_link(&engine, "{\"flags\": ["
                FLAG("three", "{\"flag\": \"one\"}") ","
                FLAG("four", "\"b\"") "]}", 0);
    verify(&engine);

    assert_true(engine.errors.errors > 0);
    assert_string_equal(engine.errors.list[0].key, "three");

    expect_serves(&engine, "one", "c");
    expect_serves(&engine, "three", "c");
    expect_serves(&engine, "four", "b");

    /* broken up in the same change, it is none */
    engine_link(&engine, "{\"flags\": ["
                FLAG("three", "{\"flag\": \"one\"}") ","
                FLAG("one", "\"b\"") "]}", 0);
    assert_int_equal(engine.errors.errors, 0);
    expect_serves(&engine, "two", "b");

    engine_close(&engine);
}


static void
flags_are_linked_by_name(void **state)
{
    engine_t  engine;

    engine_open(&engine, "{\"flags\": ["
                FLAG("mm", "{\"if\": [{\"==\": [{\"flag\": \"later\"},"
                     " \"a\"]}, \"a\", \"b\"]}") "]}");
    expect_serves(&engine, "mm", "b");

    /* comes, before and behind it in order */
    engine_link(&engine, "{\"flags\": [" FLAG("later", "\"a\"") ","
                FLAG("zz", "{\"flag\": \"mm\"}") "]}", 0);
    verify(&engine);
    expect_serves(&engine, "mm", "a");
    expect_serves(&engine, "zz", "a");

    /* and goes */
    take_away(&engine, "later", NULL);
    verify(&engine);
    expect_serves(&engine, "mm", "b");
    expect_serves(&engine, "zz", "b");

    /* as does what is asked for by another */
    take_away(&engine, "mm", NULL);
    verify(&engine);
    expect(&engine, "zz", "{}", "", "DEFAULT", "");

    engine_close(&engine);
}


static void
metadata_stays_unless_it_is_given(void **state)
{
    engine_t  engine;

    engine_open(&engine, "{\"environments\": [{\"key\": \"prod\","
                " \"metadata\": {\"team\": \"x\", \"n\": 1.0}}],"
                " \"flags\": [" FLAG("one", "\"a\"") "]}");

    assert_int_equal(engine.image->metadata.n, 18);
    assert_memory_equal(flagship_at(engine.image,
                                    engine.image->metadata.offset),
                        "{\"team\":\"x\",\"n\":1}", 18);

    take_away(&engine, "one", NULL);
    assert_int_equal(engine.image->metadata.n, 18);

    /* a document says all of a set, also that it has none */

    engine_link(&engine, "{\"flags\": [" FLAG("two", "\"a\"") "]}", 1);
    assert_int_equal(engine.image->metadata.n, 0);

    engine_close(&engine);
}


/* The same set by one document and by changes: the same answers. */

static void
ten_thousand_flags_and_a_hundred_changes(void **state)
{
    char              *text, *p, one[1000], context[100], key[32];
    size_t             size;
    engine_t           engine;
    unsigned           i, round;
    engine_result_t    got;

    static char  serves[10000];

    size = 10000 * 400;
    text = malloc(size);
    assert_non_null(text);

    p = text + sprintf(text, "{\"segments\": ["
                       SEGMENT("s", "{\"in\": [{\"var\": \"country\"},"
                               " [\"de\", \"fr\"]]}") "], \"flags\": [");

    for (i = 0; i < 10000; i++) {
        serves[i] = (char) ('a' + i % 3);

        p += sprintf(p, "%s{\"key\": \"flag-%u\", \"type\": \"string\","
                     " \"enabled\": true, \"variants\": {\"a\": \"value %u\","
                     " \"b\": \"2\", \"c\": \"3\"}, \"default_variant\": null,"
                     " \"rules\": [{\"when\": {\"and\": [{\"segment\": \"s\"},"
                     " {\"==\": [{\"var\": \"attr%u\"}, \"v%u\"]}]},"
                     " \"serve\": \"%c\"}]}", i ? "," : "", i, i, i % 50,
                     i % 700, serves[i]);
    }

    strcpy(p, "]}");
    assert_true((size_t) (p - text) < size - 100);

    engine_open(&engine, text);
    assert_int_equal(engine.errors.errors, 0);
    assert_int_equal(engine.image->flags.n, 10000);
    free(text);

    for (round = 0; round < 100; round++) {

        i = round * 97 % 10000;
        serves[i] = (char) ('a' + round % 3);

        snprintf(one, sizeof(one), "{\"flags\": [{\"key\": \"flag-%u\","
                 " \"type\": \"string\", \"enabled\": true, \"variants\":"
                 " {\"a\": \"value %u\", \"b\": \"2\", \"c\": \"3\"},"
                 " \"default_variant\": null, \"rules\": [{\"when\":"
                 " {\"and\": [{\"segment\": \"s\"}, {\"==\": [{\"var\":"
                 " \"attr%u\"}, \"v%u\"]}]}, \"serve\": \"%c\"}]}]}",
                 i, i, i % 50, i % 700, serves[i]);

        engine_link(&engine, one, 0);
        assert_int_equal(engine.errors.errors, 0);
    }

    verify(&engine);
    assert_int_equal(engine.image->flags.n, 10000);
    assert_int_equal(engine.image->attrs.n, 51);

    for (i = 0; i < 10000; i += 7) {
        snprintf(key, sizeof(key), "flag-%u", i);
        snprintf(context, sizeof(context), "{\"country\": \"fr\","
                 " \"attr%u\": \"v%u\"}", i % 50, i % 700);

        engine_decide(&engine, key, context, &got);
        assert_int_equal(got.variant[0], serves[i]);

        context[14] = 'x';
        engine_decide(&engine, key, context, &got);
        assert_string_equal(got.reason, "DEFAULT");
    }

    engine_close(&engine);
}


/* Random changes; a map of what was said last is the witness. */

#define KEYS  40

static void
any_sequence_of_changes_is_remembered(void **state)
{
    char             one[600], key[16];
    int              good[KEYS], stands[KEYS];
    engine_t         engine;
    unsigned         round, k, what, v;
    uint64_t         seed;
    engine_result_t  got;

    seed = 31;
    memset(stands, 0, sizeof(stands));
    memset(good, 0, sizeof(good));

    engine_open(&engine, "{\"flags\": []}");

    for (round = 0; round < 600; round++) {

        k = (unsigned) (unit_random(&seed) >> 40) % KEYS;
        what = (unsigned) (unit_random(&seed) >> 40) % 6;
        v = (unsigned) (unit_random(&seed) >> 40) % 3;

        snprintf(key, sizeof(key), "k%u", k);

        if (what == 0) {
            take_away(&engine, key, NULL);
            stands[k] = 0;
            good[k] = 0;

        } else if (what == 1) {
            snprintf(one, sizeof(one), "{\"flags\": [{\"key\": \"%s\","
                     " \"rules\": %u}]}", key, v);
            engine_link(&engine, one, 0);
            stands[k] = 1;

        } else {
            snprintf(one, sizeof(one), "{\"flags\": [{\"key\": \"%s\","
                     " \"type\": \"string\", \"enabled\": true,"
                     " \"variants\": {\"a\": \"%u\", \"b\": \"x\", \"c\":"
                     " \"\"}, \"default_variant\": \"a\", \"rules\":"
                     " [{\"when\": {\"in\": [{\"var\": \"x%u\"}, [\"n%u\","
                     " \"m\", %u]]}, \"serve\": \"%c\"}]}]}", key, round,
                     round % 9, round % 5, round % 4, 'a' + v);
            engine_link(&engine, one, 0);
            stands[k] = 1;
            good[k] = 'a' + (int) v;
        }

        if (round % 10) {
            continue;
        }

        verify(&engine);

        for (k = 0; k < KEYS; k++) {
            snprintf(key, sizeof(key), "k%u", k);
            engine_decide(&engine, key, "{\"x0\": \"m\", \"x1\": \"m\","
                          " \"x2\": \"m\", \"x3\": \"m\", \"x4\": \"m\","
                          " \"x5\": \"m\", \"x6\": \"m\", \"x7\": \"m\","
                          " \"x8\": \"m\"}", &got);

            if (!stands[k]) {
                assert_string_equal(got.error, "FLAG_NOT_FOUND");

            } else if (!good[k]) {
                assert_string_equal(got.error, "PARSE_ERROR");

            } else {
                assert_string_equal(got.reason, "TARGETING_MATCH");
                assert_int_equal(got.variant[0], good[k]);
            }
        }
    }

    engine_close(&engine);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_change_replaces_adds_and_removes),
        cmocka_unit_test(a_whole_set_drops_what_it_does_not_name),
        cmocka_unit_test(a_later_document_of_a_key_wins),
        cmocka_unit_test(a_refused_flag_keeps_its_last_good_form),
        cmocka_unit_test(a_flag_without_a_good_form_is_a_parse_error),
        cmocka_unit_test(a_broken_text_keeps_the_last_good_form),
        cmocka_unit_test(segments_are_linked_by_name),
        cmocka_unit_test(a_flag_that_asks_for_no_segment_is_refused),
        cmocka_unit_test(cycles_are_refused),
        cmocka_unit_test(a_change_that_closes_a_cycle_is_refused),
        cmocka_unit_test(flags_are_linked_by_name),
        cmocka_unit_test(metadata_stays_unless_it_is_given),
        cmocka_unit_test(ten_thousand_flags_and_a_hundred_changes),
        cmocka_unit_test(any_sequence_of_changes_is_remembered)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
