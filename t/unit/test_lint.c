
/*
 * Copyright (C) Flagship
 */


/*
 * Warnings: each kind where it belongs, at its place, and none where what
 * looks alike is meant; and errors, all of them at once.
 */


#include "engine.h"


/* What a document is told, "name pointer" a line, or "error pointer". */

static void
told(const char *document, int lint, char *buf, size_t size)
{
    char               *text;
    size_t              len, n;
    unsigned            i;
    flagship_json_t     json;
    flagship_unit_t    *unit;
    flagship_image_t   *image;
    flagship_errors_t   errors;

    unit = NULL;
    text = engine_parse(&json, document);

    flagship_errors_init(&errors);
    errors.lint = lint;

    assert_int_equal(flagship_document_compile(json.nodes,
                                               unit_str("default"),
                                               unit_str("prod"),
                                               engine_keep_unit, &unit,
                                               &errors),
                     FLAGSHIP_OK);
    assert_int_equal(flagship_link(unit, NULL, 1, &image, &len, &errors),
                     FLAGSHIP_OK);

    assert_int_equal(errors.n, errors.errors + errors.warnings);

    buf[0] = '\0';
    n = 0;

    for (i = 0; i < errors.n; i++) {
        assert_int_equal(errors.list[i].warning,
                         errors.list[i].lint[0] != '\0');
        assert_true(strlen(errors.list[i].message) > 10);

        n += snprintf(buf + n, size - n, "%s%s %s", i ? "\n" : "",
                      errors.list[i].warning ? errors.list[i].lint : "error",
                      errors.list[i].pointer);
        assert_true(n < size);
    }

    free(image);
    flagship_unit_destroy(unit);
    flagship_json_free(&json);
    free(text);
}


/* A flag with these members. */

static void
expect(const char *members, const char *lints)
{
    char  document[4000], got[2000];

    assert_true(snprintf(document, sizeof(document),
        "{\"segments\": [{\"key\": \"s\", \"when\": true}], \"flags\": ["
        " {\"key\": \"p\"}, {\"key\": \"f\", \"enabled\": true,"
        " \"type\": \"string\", \"variants\": {\"on\": \"1\", \"off\": \"2\","
        " \"c\": \"3\"}, \"default_variant\": \"off\", %s}]}", members)
        < (int) sizeof(document));

    told(document, 1, got, sizeof(got));

    if (strcmp(got, lints) != 0) {
        fail_msg("%s\ngives\n%s\ninstead of\n%s", members, got, lints);
    }
}


/* ... with this condition of a rule. */

static void
expect_when(const char *when, const char *lints)
{
    char  members[2000];

    assert_true(snprintf(members, sizeof(members), "\"rules\": [{\"when\": %s,"
                         " \"serve\": \"on\"}]", when)
                < (int) sizeof(members));

    expect(members, lints);
}


static void
orders_without_a_guard(void **state)
{
    size_t  i;

    static const char  *guarded[] = {
        "{\"and\": [{\"!=\": [{\"var\": \"age\"}, null]},"
        " {\"<\": [{\"var\": \"age\"}, 18]}]}",
        "{\"and\": [{\"<\": [{\"var\": \"age\"}, 18]}, {\"var\": \"age\"}]}",
        "{\"and\": [{\"!\": {\"missing\": [\"age\"]}},"
        " {\"<\": [{\"var\": \"age\"}, 18]}]}",
        "{\"or\": [{\"==\": [{\"var\": \"age\"}, null]},"
        " {\"<\": [{\"var\": \"age\"}, 18]}]}",
        "{\"and\": [{\">\": [{\"var\": \"age\"}, 6]},"
        " {\"<\": [{\"var\": \"age\"}, 18]}]}",
        "{\"<\": [6, {\"var\": \"age\"}, 18]}",
        "{\"<\": [{\"var\": [\"age\", 99]}, 18]}",
        "{\">\": [{\"var\": \"age\"}, 18]}",
        "{\"<\": [{\"var\": \"age\"}, -1]}",
        "{\"<\": [{\"var\": \"name\"}, \"m\"]}",
        "{\"<\": [{\"var\": \"$flagd.timestamp\"}, 1800000000]}",
        "{\"if\": [{\"!\": {\"var\": \"age\"}}, false,"
        " {\"<\": [{\"var\": \"age\"}, 18]}]}",
        "{\"some\": [{\"var\": \"list\"}, {\"<\": [{\"var\": \"\"}, 5]}]}",
        "{\"some\": [{\"var\": \"list\"}, {\"<\": [{\"var\": \"n\"}, 5]}]}"
    };

    expect_when("{\"<\": [{\"var\": \"age\"}, 18]}",
                "unguarded-order /rules/0/when/</0");
    expect_when("{\">=\": [18, {\"var\": \"age\"}]}",
                "unguarded-order /rules/0/when/>=/1");
    expect_when("{\"<=\": [{\"var\": \"age\"}, 0]}",
                "unguarded-order /rules/0/when/<=/0");
    expect_when("{\">\": [{\"var\": \"age\"}, -1]}",
                "unguarded-order /rules/0/when/>/0");
    expect_when("{\"<\": [{\"var\": \"age\"}, \"18\"]}",
                "unguarded-order /rules/0/when/</0");
    expect_when("{\"and\": [{\"==\": [{\"var\": \"plan\"}, \"pro\"]},"
                " {\"<\": [{\"var\": \"age\"}, 18]}]}",
                "unguarded-order /rules/0/when/and/1/</0");
    expect_when("{\"and\": [{\"or\": [{\"var\": \"a\"},"
                " {\"<\": [{\"var\": \"n\"}, 5]}]}, {\"var\": \"b\"}]}",
                "unguarded-order /rules/0/when/and/0/or/1/</0");

    for (i = 0; i < unit_n(guarded); i++) {
        expect_when(guarded[i], "");
    }

    /* a guard of one rule is none of another's */

    expect("\"rules\": [{\"when\": {\"!=\": [{\"var\": \"age\"}, null]},"
           " \"serve\": \"on\"}, {\"when\": {\"<\": [{\"var\": \"age\"}, 9]},"
           " \"serve\": \"c\"}]",
           "unguarded-order /rules/1/when/</0");

    /* what the condition asks guards what the rule serves */

    expect("\"rules\": [{\"when\": {\"var\": \"n\"}, \"serve\": {\"if\": ["
           "{\"<\": [{\"var\": \"n\"}, 5]}, \"on\", \"c\"]}}]", "");
}


static void
comparisons_that_cannot_hold(void **state)
{
    expect_when("{\"==\": [{\"+\": [{\"var\": \"n\"}, 1]}, \"one\"]}",
                "never-equal /rules/0/when/==/1");
    expect_when("{\"===\": [\"x\", {\"var\": \"$flagd.timestamp\"}]}",
                "never-equal /rules/0/when/===/0");
    expect_when("{\"!=\": [5, \"five\"]}", "never-equal /rules/0/when/!=/1");
    expect_when("{\"==\": [{\"bucket\": [\"crc32\", 9, \"x\"]}, \"a\"]}",
                "never-equal /rules/0/when/==/1");
    expect_when("{\"==\": [{\"+\": [{\"var\": \"n\"}, 1]}, \"1\"]}", "");
    expect_when("{\"==\": [{\"cat\": [{\"var\": \"n\"}, 1]}, \"one\"]}", "");

    /* one attribute, two types */

    expect_when("{\"or\": [{\"==\": [{\"var\": \"a\"}, \"x\"]},"
                " {\"==\": [{\"var\": \"a\"}, 5]},"
                " {\"==\": [{\"var\": \"a\"}, 6]}]}",
                "two-types /rules/0/when/or/1/==/0");
    expect_when("{\"or\": [{\"starts_with\": [{\"var\": \"a\"}, \"x\"]},"
                " {\"==\": [true, {\"var\": \"a\"}]}]}",
                "two-types /rules/0/when/or/1/==/1");
    expect_when("{\"or\": [{\"in\": [{\"var\": \"a\"}, [1, 2]]},"
                " {\"in\": [{\"var\": \"a\"}, [\"x\", \"y\"]]}]}",
                "two-types /rules/0/when/or/1/in/0");
    expect_when("{\"or\": [{\"==\": [{\"var\": \"a\"}, \"5\"]},"
                " {\"==\": [{\"var\": \"a\"}, 5]},"
                " {\"in\": [{\"var\": \"a\"}, [\"x\", 2]]}]}", "");

    /* the same twice */

    expect_when("{\"in\": [{\"var\": \"a\"}, [\"x\", \"y\", [\"x\"], \"x\","
                " 1, 2, 1.0, \"1\"]]}",
                "duplicate /rules/0/when/in/1/6\n"
                "duplicate /rules/0/when/in/1/3");
    expect("\"user_ids\": [\"b\", \"a\", \"b\"]", "duplicate /user_ids/2");
}


static void
names(void **state)
{
    expect_when("{\"==\": [{\"var\": \"$flagd.flagkey\"}, \"f\"]}",
                "flagd-name /rules/0/when/==/0/var");
    expect_when("{\"<\": [{\"var\": [\"$flag.timestamp\"]}, 5]}",
                "flagd-name /rules/0/when/</0/var/0");
    expect_when("{\"==\": [{\"var\": \"$flagd.flagKey\"}, \"f\"]}", "");

    expect("\"rules\": [{\"serve\": {\"split\": {\"on\": 1, \"of\": 1}}}]",
           "no-variant /rules/0/serve/split/of");
    expect("\"rules\": [{\"serve\": \"onn\"}]",
           "no-variant /rules/0/serve");
    expect("\"rules\": [{\"serve\": {\"if\": [{\"var\": \"a\"}, \"x\","
           " [\"on\"]]}}]",
           "no-variant /rules/0/serve/if/1\nno-variant /rules/0/serve/if/2");
    expect("\"rules\": [{\"serve\": {\"fractional\": [{\"var\": \"a\"},"
           " [\"on\", 1], [\"x\", 1]]}}]",
           "no-variant /rules/0/serve/fractional/2/0");

    expect("\"prerequisites\": [{\"flag\": \"q\", \"variant\": \"on\"},"
           " {\"flag\": \"p\", \"variant\": \"on\"}],"
           " \"rules\": [{\"serve\": {\"flag\": \"r\"}}]",
           "no-flag /prerequisites\nno-flag /rules/0/serve");

    expect("\"enabled_\": 1", "unknown-member ");
}


static void
rules_that_do_nothing(void **state)
{
    expect("\"rules\": [{\"serve\": \"on\"}, {\"serve\": \"c\"},"
           " {\"serve\": \"c\"}]",
           "unreachable-rule /rules/1");
    expect("\"rules\": [{\"when\": 1, \"serve\": null},"
           " {\"when\": {\"var\": \"a\"}, \"serve\": \"c\"}]",
           "unreachable-rule /rules/1");
    expect("\"rules\": [{\"when\": false, \"serve\": \"on\"},"
           " {\"when\": {\"var\": \"a\"}, \"serve\": \"c\"}]",
           "unreachable-rule /rules/0/when");
    expect("\"rules\": [{\"serve\": {\"if\": [true, \"on\", \"c\"]}}]",
           "unreachable-rule /rules/0/serve/if/2");
    expect("\"rules\": [{\"serve\": {\"if\": [{\"var\": \"a\"}, \"on\","
           " 0, \"c\", \"off\"]}}]",
           "unreachable-rule /rules/0/serve/if/2");

    /* the default by a rule: what comes after it may need it */

    expect("\"rules\": [{\"when\": {\"var\": \"a\"}, \"serve\": \"on\"},"
           " {\"when\": {\"var\": \"b\"}, \"serve\": \"off\"},"
           " {\"serve\": \"off\"}]",
           "default-rule /rules/1/serve\ndefault-rule /rules/2/serve");
    expect("\"rules\": [{\"when\": {\"var\": \"b\"}, \"serve\": \"off\"},"
           " {\"serve\": \"on\"}]", "");
    expect("\"rules\": [{\"when\": {\"var\": \"b\"}, \"serve\": \"off\"}],"
           " \"rollout\": 5", "");
    expect("\"rules\": [{\"when\": {\"var\": \"b\"}, \"serve\": \"off\"}],"
           " \"rollout\": 0", "default-rule /rules/0/serve");
}


static void
splits_that_are_not_independent(void **state)
{
    expect("\"rules\": [{\"serve\": {\"fractional\": [{\"var\": \"id\"},"
           " [{\"if\": [{\"var\": \"a\"}, {\"fractional\": ["
           "{\"var\": \"id\"}, [\"on\", 1], [\"c\", 1]]}, \"on\"]}, 50],"
           " [\"off\", 50]]}}]",
           "shared-split /rules/0/serve/fractional/1/0/if/1");
    expect("\"rules\": [{\"when\": {\"==\": [{\"fractional\": [[\"a\", 1],"
           " [\"b\", 9]]}, \"a\"]}, \"serve\": {\"split\": {\"on\": 1,"
           " \"off\": 1}}}]",
           "shared-split /rules/0/serve");
    expect("\"rules\": [{\"serve\": {\"if\": [{\"==\": [{\"fractional\":"
           " [null, [\"a\", 1], [\"b\", 9]]}, \"a\"]}, {\"fractional\": ["
           "[\"on\", 1], [\"off\", 1]]}, \"on\"]}}]",
           "shared-split /rules/0/serve/if/1");

    /* salted, or side by side */

    expect("\"rules\": [{\"when\": {\"==\": [{\"fractional\": [{\"cat\":"
           " [\"salt\", {\"var\": \"id\"}]}, [\"a\", 1], [\"b\", 9]]},"
           " \"a\"]}, \"serve\": {\"split\": {\"on\": 1, \"off\": 1}}},"
           " {\"when\": {\"var\": \"a\"}, \"serve\": {\"split\":"
           " {\"on\": 1, \"off\": 1}}}, {\"serve\": {\"if\":"
           " [{\"var\": \"a\"}, {\"fractional\": [[\"on\", 1],"
           " [\"off\", 1]]}, {\"fractional\": [[\"on\", 1], [\"off\", 9]]}]}}]",
           "");
}


static void
weights_of_an_odd_sum(void **state)
{
    size_t  i;

    static const char  *kept[] = {
        "{\"split\": {\"on\": 10, \"off\": 90}}",
        "{\"split\": {\"on\": 0.5, \"off\": 99.5}}",
        "{\"split\": {\"on\": 33.3, \"off\": 33.3, \"c\": 33.4}}",
        "{\"split\": {\"on\": 0.000001, \"off\": 0.999999}}",
        "{\"split\": {\"on\": 7, \"off\": 7, \"c\": 7}}",
        "{\"split\": {\"on\": 3}}",
        "{\"fractional\": [[\"on\", 1], [\"off\", 999]]}",
        "{\"fractional\": [[\"on\", -5], [\"off\", 10]]}",
        "{\"fractional\": [[\"on\"], [\"off\", null], [\"c\", 1]]}",
        "{\"fractional\": [[\"on\", {\"var\": \"w\"}], [\"off\", 30]]}"
    };

    expect("\"rules\": [{\"serve\": {\"split\": {\"on\": 10, \"off\": 80}}}]",
           "split-sum /rules/0/serve");
    expect("\"rules\": [{\"serve\": {\"split\": {\"on\": 33.3,"
           " \"off\": 33.3, \"c\": 33.3000001}}}]",
           "error /rules/0/serve/split/c");
    expect("\"rules\": [{\"serve\": {\"split\": {\"on\": 0.1,"
           " \"off\": 0.8}, \"by\": {\"var\": \"$flagd.x\"}}}]",
           "split-sum /rules/0/serve\nflagd-name /rules/0/serve/by/var");
    expect("\"rules\": [{\"serve\": {\"fractional\": [{\"var\": \"id\"},"
           " [\"on\", 1], [\"off\", 2]]}}]",
           "split-sum /rules/0/serve");
    expect("\"rules\": [{\"serve\": {\"fractional\": [[\"on\"],"
           " [\"off\", 100]]}}]",
           "split-sum /rules/0/serve");

    for (i = 0; i < unit_n(kept); i++) {
        char  members[400];

        sprintf(members, "\"rules\": [{\"serve\": %s}]", kept[i]);
        expect(members, "");
    }
}


/* A table has a state for each set of places where the pattern may be: of an
   a and sixteen letters behind it, some 100 000. */

static void
patterns_that_are_costly(void **state)
{
    char  got[400];

    static const char  document[] =
        "{\"segments\": [{\"key\": \"s\", \"when\": {\"matches\": ["
        "{\"var\": \"x\"}, \"[ab]*a[ab]{16}c\"]}}],"
        " \"flags\": [{\"key\": \"f\"}]}";

    expect_when("{\"matches\": [{\"var\": \"x\"}, \"[ab]*a[ab]{16}c\"]}",
                "costly-pattern /rules/0/when/matches/1");
    expect_when("{\"==\": [{\"matches\": [{\"var\": \"x\"},"
                " \"[ab]*a[ab]{16}c\", \"i\"]}, null]}",
                "costly-pattern /rules/0/when/==/0/matches/1");
    expect_when("{\"matches\": [{\"var\": \"x\"}, \"^(a+)+$\"]}", "");
    expect_when("{\"matches\": [{\"var\": \"x\"}, \"plain\"]}", "");
    expect_when("{\"matches\": [{\"var\": \"x\"},"
                " \"^[\\\\w.]+@(\\\\w+\\\\.)+[a-z]{2,9}$\", \"i\"]}", "");

    told(document, 1, got, sizeof(got));
    assert_string_equal(got, "costly-pattern /when/matches/1");

    told(document, 0, got, sizeof(got));
    assert_string_equal(got, "");
}


static void
other_places(void **state)
{
    char  got[400];

    /* segments; header names; the simple form; flagd's */

    told("{\"segments\": [{\"key\": \"s\","
         " \"when\": {\"<\": [{\"var\": \"n\"}, 5]}}],"
         " \"flags\": [{\"key\": \"a-b\"}, {\"key\": \"a.b\"},"
         " {\"key\": \"a_b\", \"expose\": false},"
         " {\"key\": \"x\", \"enable_at\": \"2030-01-01T00:00:00Z\"}]}",
         1, got, sizeof(got));
    assert_string_equal(got, "unguarded-order /when/</0\n"
                        "never-on /enable_at\nheader-name ");

    told("{\"$evaluators\": {\"e\": {\"and\": [{\"<\": [{\"var\": \"n\"},"
         " 5]}, true]}}, \"flags\": {\"a\": {\"state\": \"ENABLED\","
         " \"defaultVariant\": \"x\", \"variants\": {\"x\": 1},"
         " \"targeting\": {\"if\": [{\"$ref\": \"e\"}, \"y\"]}}}}",
         1, got, sizeof(got));
    assert_string_equal(got, "no-variant /targeting/if/1\n"
                        "unguarded-order /targeting/if/0");

    /* not where they were not asked for, and then only what compiling sees */

    told("{\"flags\": {\"a\": {\"state\": \"ENABLED\","
         " \"defaultVariant\": \"x\", \"variants\": {\"x\": 1},"
         " \"targeting\": {\"if\": [{\"<\": [{\"var\": \"n\"}, 5]},"
         " \"y\"]}}}}",
         0, got, sizeof(got));
    assert_string_equal(got, "no-variant /targeting/if/1");
}


static void
all_errors_at_once(void **state)
{
    char  got[2000];

    told("{\"flags\": [{\"key\": \"f\", \"type\": \"text\", \"enabled\": 1,"
         " \"variants\": {\"on\": 1}, \"default_variant\": \"of\","
         " \"user_ids\": [1, \"a\", 2], \"rollout\": 101,"
         " \"prerequisites\": [1, {\"flag\": \"p\"}],"
         " \"rules\": [{\"when\": {\"and\": [{\"nope\": [{\"nada\": 1}]},"
         " {\"time\": \"x\"}]}, \"srv\": 1},"
         " {\"serve\": {\"split\": {\"a\": -1, \"b\": \"x\"}}}, 5]}]}",
         1, got, sizeof(got));

    assert_string_equal(got,
        "error /type\n"
        "error /default_variant\n"
        "error /enabled\n"
        "error /rollout\n"
        "error /prerequisites/0\n"
        "error /prerequisites/1\n"
        "error /user_ids/0\n"
        "error /user_ids/2\n"
        "error /rules/0\n"
        "error /rules/0\n"
        "error /rules/0/when/and/0\n"
        "error /rules/0/when/and/0/nope/0\n"
        "error /rules/0/when/and/1/time\n"
        "error /rules/1/serve/split/a\n"
        "error /rules/1/serve/split/b\n"
        "error /rules/2");

    /* a key that is none, and what is wrong behind it */

    told("{\"flags\": [{\"key\": \"-f\", \"rules\": 1}]}", 1, got,
         sizeof(got));
    assert_string_equal(got, "error \nerror /rules");

    /* segments that are not there, each where it is named */

    told("{\"segments\": [{\"key\": \"s\", \"when\": {\"segment\": \"x\"}}],"
         " \"flags\": [{\"key\": \"f\", \"rules\": [{\"when\":"
         " {\"segment\": \"y\"}, \"serve\": {\"if\": [{\"segment\": \"z\"},"
         " \"on\", \"off\"]}}]}]}", 1, got, sizeof(got));
    assert_string_equal(got, "error /when\nerror /rules/0/when\n"
                        "error /rules/0/serve");

    told("{\"flags\": {\"f\": {\"state\": \"ENABLED\", \"variants\":"
         " {\"x\": 1}, \"targeting\": {\"if\": [{\"segment\": \"y\"},"
         " \"x\"]}}}}", 0, got, sizeof(got));
    assert_string_equal(got, "error /targeting");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(orders_without_a_guard),
        cmocka_unit_test(comparisons_that_cannot_hold),
        cmocka_unit_test(names),
        cmocka_unit_test(rules_that_do_nothing),
        cmocka_unit_test(splits_that_are_not_independent),
        cmocka_unit_test(weights_of_an_odd_sum),
        cmocka_unit_test(patterns_that_are_costly),
        cmocka_unit_test(other_places),
        cmocka_unit_test(all_errors_at_once)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
