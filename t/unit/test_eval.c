
/*
 * Copyright (C) Flagship
 */


/*
 * What a flag evaluates to: the order in which a flag is decided, its reasons
 * and errors, flags that ask for others, and what an evaluation promises.
 */


#include "engine.h"

#include <math.h>


typedef struct {
    const char  *flag;       /* the members behind key and type */
    const char  *context;
    const char  *variant;    /* "" where there is no value */
    const char  *reason;
    const char  *error;      /* "" where there is none */
    int          enabled;
} eval_case_t;


#define ON_OFF  "\"enabled\": true, \"variants\": {\"on\": true,"             \
                " \"off\": false}, \"default_variant\": \"off\","             \
                " \"off_variant\": \"off\""

#define COLOURS  "\"enabled\": true, \"variants\": {\"red\": \"r\","          \
                 " \"green\": \"g\", \"blue\": \"b\"},"                       \
                 " \"default_variant\": \"green\", \"off_variant\": \"blue\""


static void
expect(const engine_result_t *got, const char *what, const char *context,
    const char *variant, const char *reason, const char *error)
{
    if (strcmp(got->variant, variant) != 0
        || strcmp(got->reason, reason) != 0
        || strcmp(got->error, error) != 0)
    {
        fail_msg("%s\n%s\ngave \"%s\" (%s %s), not \"%s\" (%s %s)", what,
                 context, got->variant, got->reason, got->error, variant,
                 reason, error);
    }
}


static void
check(const char *type, const eval_case_t *cases, size_t n)
{
    char              text[4000];
    size_t            i;
    engine_t          engine;
    const char       *context;
    engine_result_t   got;

    for (i = 0; i < n; i++) {
        snprintf(text, sizeof(text),
                 "{\"flags\": [{\"key\": \"f\", \"type\": \"%s\", %s},"
                 " {\"key\": \"yes\", \"type\": \"boolean\", " ON_OFF ","
                 "  \"rollout\": 100},"
                 " {\"key\": \"no\", \"type\": \"boolean\", " ON_OFF "},"
                 " {\"key\": \"sleeping\", \"type\": \"boolean\","
                 "  \"enabled\": false}]}", type, cases[i].flag);

        engine_open(&engine, text);

        context = cases[i].context ? cases[i].context
                                   : "{\"targetingKey\": \"u\"}";
        engine_decide(&engine, "f", context, &got);

        expect(&got, cases[i].flag, context, cases[i].variant,
               cases[i].reason, cases[i].error);

        if (got.enabled != cases[i].enabled) {
            fail_msg("%s\n%s\nenabled is %d", cases[i].flag, context,
                     got.enabled);
        }

        engine_close(&engine);
    }
}


static void
an_unknown_flag_is_not_found(void **state)
{
    engine_t         engine;
    engine_result_t  got;

    engine_open(&engine, "{\"flags\": [{\"key\": \"flag\"}]}");

    engine_decide(&engine, "fla", "{}", &got);
    expect(&got, "fla", "{}", "", "ERROR", "FLAG_NOT_FOUND");
    engine_decide(&engine, "flags", "{}", &got);
    expect(&got, "flags", "{}", "", "ERROR", "FLAG_NOT_FOUND");
    engine_decide(&engine, "", "{}", &got);
    expect(&got, "", "{}", "", "ERROR", "FLAG_NOT_FOUND");
    engine_decide(&engine, "Flag", "{}", &got);
    expect(&got, "Flag", "{}", "", "ERROR", "FLAG_NOT_FOUND");

    engine_close(&engine);

    engine_open(&engine, "{\"flags\": []}");
    engine_decide(&engine, "flag", "{}", &got);
    expect(&got, "flag", "{}", "", "ERROR", "FLAG_NOT_FOUND");
    engine_close(&engine);
}


static void
each_row_of_the_table_of_reasons_holds(void **state)
{
    static const eval_case_t  booleans[] = {

        /* disabled */
        { "\"enabled\": false, \"variants\": {\"on\": true, \"off\": false},"
          " \"default_variant\": \"on\", \"off_variant\": \"off\"",
          NULL, "off", "DISABLED", "", 0 },
        { "\"enabled\": false, \"variants\": {\"on\": true, \"off\": false},"
          " \"default_variant\": \"on\", \"off_variant\": \"on\"",
          NULL, "on", "DISABLED", "", 1 },
        { "\"enabled\": false, \"variants\": {\"on\": true, \"off\": false},"
          " \"default_variant\": \"on\", \"off_variant\": null",
          NULL, "", "DISABLED", "", 0 },

        /* no rules at all */
        { ON_OFF, NULL, "off", "STATIC", "", 0 },
        { ON_OFF ", \"rules\": []", NULL, "off", "STATIC", "", 0 },
        { "\"enabled\": true, \"variants\": {\"on\": true, \"off\": false},"
          " \"default_variant\": \"on\"", NULL, "on", "STATIC", "", 1 },

        /* default needed, and none there */
        { "\"enabled\": true, \"variants\": {\"on\": true},"
          " \"default_variant\": null", NULL, "", "DEFAULT", "", 0 },
        { "\"enabled\": true, \"variants\": {\"on\": true},"
          " \"default_variant\": null, \"rules\": [{\"serve\": null}]",
          NULL, "", "DEFAULT", "", 0 },

        /* rules give null */
        { ON_OFF ", \"rules\": [{\"serve\": null}]", NULL, "off", "DEFAULT",
          "", 0 },
        { ON_OFF ", \"rules\": [{\"when\": false, \"serve\": \"on\"}]", NULL,
          "off", "DEFAULT", "", 0 },
        { ON_OFF ", \"rules\": [{\"serve\": {\"var\": \"missing\"}}]", NULL,
          "off", "DEFAULT", "", 0 },

        /* rules name a variant, also the default one */
        { ON_OFF ", \"rules\": [{\"serve\": \"on\"}]", NULL, "on",
          "TARGETING_MATCH", "", 1 },
        { ON_OFF ", \"rules\": [{\"serve\": \"off\"}]", NULL, "off",
          "TARGETING_MATCH", "", 0 },
        { ON_OFF ", \"rules\": [{\"serve\": {\"split\": {\"on\": 1}}}]",
          NULL, "on", "TARGETING_MATCH", "", 1 },

        /* the simple rollout */
        { ON_OFF ", \"rollout\": 100", NULL, "on", "STATIC", "", 1 },
        { ON_OFF ", \"rollout\": 100", "{}", "on", "STATIC", "", 1 },
        { ON_OFF ", \"rollout\": 0", NULL, "off", "DEFAULT", "", 0 },
        { ON_OFF ", \"rollout\": null", NULL, "off", "STATIC", "", 0 },
        { ON_OFF ", \"rollout\": 99.999999", "{}", "off", "DEFAULT", "", 0 },
        { ON_OFF ", \"rollout\": 100, \"rules\": [{\"serve\": null}]", "{}",
          "on", "SPLIT", "", 1 },
        { ON_OFF ", \"rollout\": 100, \"user_ids\": [\"x\"]", "{}",
          "on", "SPLIT", "", 1 },

        /* rules give a boolean or a number */
        { "\"enabled\": true, \"variants\": {\"true\": true,"
          " \"false\": false}, \"default_variant\": null,"
          " \"rules\": [{\"serve\": true}]", NULL, "true",
          "TARGETING_MATCH", "", 1 },
        { "\"enabled\": true, \"variants\": {\"true\": true,"
          " \"false\": false}, \"default_variant\": null,"
          " \"rules\": [{\"serve\": {\"==\": [{\"var\": \"a\"}, 1]}}]", NULL,
          "false", "TARGETING_MATCH", "", 0 },
        { "\"enabled\": true, \"variants\": {\"1\": true, \"0\": false},"
          " \"default_variant\": null, \"rules\": [{\"serve\": 1.0}]", NULL,
          "1", "TARGETING_MATCH", "", 1 },
        { "\"enabled\": true, \"variants\": {\"1.5\": true},"
          " \"default_variant\": null,"
          " \"rules\": [{\"serve\": {\"var\": \"a\"}}]", "{\"a\": 1.50}",
          "1.5", "TARGETING_MATCH", "", 1 },

        /* rules name no variant */
        { ON_OFF ", \"rules\": [{\"serve\": \"neither\"}]", NULL, "",
          "ERROR", "GENERAL", 0 },
        { ON_OFF ", \"rules\": [{\"serve\": \"\"}]", NULL, "", "ERROR",
          "GENERAL", 0 },
        { ON_OFF ", \"rules\": [{\"serve\": true}]", NULL, "", "ERROR",
          "GENERAL", 0 },
        { ON_OFF ", \"rules\": [{\"serve\": \"On\"}]", NULL, "", "ERROR",
          "GENERAL", 0 },
        { ON_OFF ", \"rules\": [{\"serve\": {\"var\": \"a\"}}]",
          "{\"a\": \"x\"}", "", "ERROR", "GENERAL", 0 },
        { ON_OFF ", \"rules\": [{\"serve\": {\"var\": \"a\"}}]",
          "{\"a\": [\"on\"]}", "", "ERROR", "GENERAL", 0 },
        { ON_OFF ", \"rules\": [{\"serve\": {\"split\": {\"up\": 1}}}]",
          NULL, "", "ERROR", "GENERAL", 0 },
        { ON_OFF ", \"rules\": [{\"when\": false, \"serve\": \"neither\"}]",
          NULL, "off", "DEFAULT", "", 0 },

        /* what does not compile */
        { ON_OFF ", \"rules\": [{\"serve\": {\"frobnicate\": 1}}]", NULL, "",
          "ERROR", "PARSE_ERROR", 0 },
        { ON_OFF ", \"rules\": [{\"when\": {\"in_set\": [1, \"s\"]},"
          " \"serve\": \"on\"}]", NULL, "", "ERROR", "PARSE_ERROR", 0 },
        { ON_OFF ", \"rules\": [{\"when\": {\"segment\": \"nobody\"},"
          " \"serve\": \"on\"}]", NULL, "", "ERROR", "PARSE_ERROR", 0 },
        { ON_OFF ", \"rules\": {\"serve\": \"on\"}", NULL, "", "ERROR",
          "PARSE_ERROR", 0 },
        { ON_OFF ", \"rules\": [\"on\"]", NULL, "", "ERROR", "PARSE_ERROR",
          0 },
        { "\"enabled\": true, \"variants\": {\"on\": true},"
          " \"default_variant\": \"up\"", NULL, "", "ERROR", "PARSE_ERROR",
          0 },
        { "\"enabled\": true, \"variants\": {\"on\": true},"
          " \"default_variant\": \"on\", \"off_variant\": \"up\"", NULL, "",
          "ERROR", "PARSE_ERROR", 0 },
        { ON_OFF ", \"rules\": [{\"when\": {\"<\": [1,"
          " {\"time\": \"tomorrow\"}]}, \"serve\": \"on\"}]", NULL, "",
          "ERROR", "PARSE_ERROR", 0 },
        { ON_OFF ", \"rules\": [{\"when\": {\"==\": [{\"flag\": \"f\"},"
          " \"on\"]}, \"serve\": \"on\"}]", NULL, "", "ERROR",
          "PARSE_ERROR", 0 },
        { ON_OFF ", \"rules\": [{\"serve\": {\"split\": {\"on\": -1}}}]",
          NULL, "", "ERROR", "PARSE_ERROR", 0 },
        { ON_OFF ", \"rules\": [{\"serve\": {\"split\": {\"on\": 0,"
          " \"off\": 0}}}]", NULL, "", "ERROR", "PARSE_ERROR", 0 },
        { ON_OFF ", \"rollout\": 101", NULL, "", "ERROR", "PARSE_ERROR", 0 },
        { ON_OFF ", \"rollout\": -1", NULL, "", "ERROR", "PARSE_ERROR", 0 },
        { ON_OFF ", \"rollout\": \"50\"", NULL, "", "ERROR", "PARSE_ERROR",
          0 },
        { "\"enabled\": true, \"variants\": {\"yes\": true},"
          " \"default_variant\": null, \"rollout\": 50", NULL, "", "ERROR",
          "PARSE_ERROR", 0 },
        { "\"enabled\": true, \"variants\": {\"on\": \"yes\"},"
          " \"default_variant\": null", NULL, "", "ERROR", "PARSE_ERROR",
          0 },
        { "\"enabled\": \"true\"", NULL, "", "ERROR", "PARSE_ERROR", 0 }
    };

    check("boolean", booleans, unit_n(booleans));
}


/* off, prerequisites, ids, the first rule that holds, rollout, default */

static void
flags_are_decided_in_order(void **state)
{
    static const eval_case_t  cases[] = {

        /* off before all else */
        { "\"enabled\": false, \"variants\": {\"on\": true, \"off\": false},"
          " \"default_variant\": \"on\", \"off_variant\": \"off\","
          " \"user_ids\": [\"u\"], \"rollout\": 100,"
          " \"prerequisites\": [{\"flag\": \"no\", \"variant\": \"on\"}],"
          " \"rules\": [{\"serve\": \"on\"}]", NULL, "off", "DISABLED", "",
          0 },

        /* a prerequisite that fails before ids */
        { ON_OFF ", \"user_ids\": [\"u\"], \"prerequisites\":"
          " [{\"flag\": \"no\", \"variant\": \"on\"}]", NULL, "off",
          "DEFAULT", "", 0 },
        { ON_OFF ", \"user_ids\": [\"u\"], \"prerequisites\":"
          " [{\"flag\": \"yes\", \"variant\": \"on\"},"
          "  {\"flag\": \"no\", \"variant\": \"off\"}]", NULL, "on",
          "TARGETING_MATCH", "", 1 },
        { ON_OFF ", \"rollout\": 100, \"prerequisites\":"
          " [{\"flag\": \"yes\", \"variant\": \"on\"},"
          "  {\"flag\": \"no\", \"variant\": \"on\"}]", NULL, "off",
          "DEFAULT", "", 0 },
        { ON_OFF ", \"rollout\": 100, \"prerequisites\":"
          " [{\"flag\": \"unknown\", \"variant\": \"on\"}]", NULL, "off",
          "DEFAULT", "", 0 },
        { ON_OFF ", \"rollout\": 100, \"prerequisites\":"
          " [{\"flag\": \"yes\", \"variant\": \"neither\"}]", NULL, "off",
          "DEFAULT", "", 0 },
        /* whatever its reason, also disabled */
        { ON_OFF ", \"rollout\": 100, \"prerequisites\":"
          " [{\"flag\": \"sleeping\", \"variant\": \"off\"}]", NULL, "on",
          "SPLIT", "", 1 },
        /* nothing decides but the prerequisite holds: never STATIC */
        { ON_OFF ", \"prerequisites\":"
          " [{\"flag\": \"yes\", \"variant\": \"on\"}]", NULL, "off",
          "DEFAULT", "", 0 },

        /* ids before rules */
        { ON_OFF ", \"user_ids\": [\"a\", \"u\"],"
          " \"rules\": [{\"serve\": \"off\"}]", NULL, "on",
          "TARGETING_MATCH", "", 1 },
        { ON_OFF ", \"user_ids\": [\"a\", \"u\"],"
          " \"rules\": [{\"serve\": \"off\"}]", "{\"targetingKey\": \"U\"}",
          "off", "TARGETING_MATCH", "", 0 },
        { ON_OFF ", \"user_ids\": [\"a\", \"u\"]", "{}", "off", "DEFAULT",
          "", 0 },
        { ON_OFF ", \"user_ids\": [\"1\"]", "{\"targetingKey\": 1}", "off",
          "DEFAULT", "", 0 },
        { ON_OFF ", \"user_ids\": []", NULL, "off", "STATIC", "", 0 },

        /* the first rule that holds is the only one asked */
        { ON_OFF ", \"rules\": [{\"when\": false, \"serve\": \"off\"},"
          " {\"when\": true, \"serve\": \"on\"}, {\"serve\": \"off\"}]",
          NULL, "on", "TARGETING_MATCH", "", 1 },
        { ON_OFF ", \"rules\": [{\"serve\": null}, {\"serve\": \"on\"}]",
          NULL, "off", "DEFAULT", "", 0 },
        { ON_OFF ", \"rollout\": 100, \"rules\": [{\"when\": true,"
          " \"serve\": {\"if\": [false, \"off\"]}}, {\"serve\": \"off\"}]",
          NULL, "on", "SPLIT", "", 1 },

        /* rules before the rollout */
        { ON_OFF ", \"rollout\": 100, \"rules\": [{\"serve\": \"off\"}]",
          NULL, "off", "TARGETING_MATCH", "", 0 },
        { ON_OFF ", \"rollout\": 0, \"rules\": [{\"serve\": null}]", NULL,
          "off", "DEFAULT", "", 0 },
        { ON_OFF ", \"rollout\": 100, \"rules\": [{\"serve\": \"x\"}]", NULL,
          "", "ERROR", "GENERAL", 0 }
    };

    check("boolean", cases, unit_n(cases));
}


static void
flags_are_on_between_two_times(void **state)
{
    size_t            i;
    char              text[1000];
    engine_t          engine;
    engine_result_t   got;
    engine_request_t  r;

    static const struct {
        const char  *members;
        int64_t      now;
        const char  *reason;
    } cases[] = {
        { "\"enable_at\": \"2023-11-14T22:13:20Z\"", 1699999999,
          "DISABLED" },
        { "\"enable_at\": \"2023-11-14T22:13:20Z\"", 1700000000, "STATIC" },
        { "\"enable_at\": \"2023-11-14T23:13:20+01:00\"", 1700000000,
          "STATIC" },
        { "\"disable_at\": \"2023-11-14T22:13:20Z\"", 1699999999, "STATIC" },
        { "\"disable_at\": \"2023-11-14T22:13:20Z\"", 1700000000,
          "DISABLED" },
        { "\"enable_at\": \"2023-11-14T22:13:20Z\","
          " \"disable_at\": \"2023-11-14T22:13:21Z\"", 1700000000,
          "STATIC" },
        { "\"enable_at\": \"2023-11-14T22:13:20Z\","
          " \"disable_at\": \"2023-11-14T22:13:21Z\"", 1700000001,
          "DISABLED" },
        { "\"enable_at\": null, \"disable_at\": null", 0, "STATIC" },
        { "\"enabled\": false, \"enable_at\": \"2023-11-14T22:13:20Z\"",
          1700000001, "DISABLED" }
    };

    for (i = 0; i < unit_n(cases); i++) {
        snprintf(text, sizeof(text), "{\"flags\": [{\"key\": \"f\", %s%s}]}",
                 strncmp(cases[i].members, "\"enabled", 8)
                 ? "\"enabled\": true, " : "", cases[i].members);

        engine_open(&engine, text);
        engine_begin(&r, &engine, "{}", cases[i].now);
        engine_ask(&r, "f", &got);

        expect(&got, cases[i].members, "", strcmp(cases[i].reason, "STATIC")
                                           ? "off" : "on",
               cases[i].reason, "");

        engine_end(&r);
        engine_close(&engine);
    }
}


static void
other_types_have_other_values(void **state)
{
    static const eval_case_t  strings[] = {
        { COLOURS, NULL, "green", "STATIC", "", 1 },
        { "\"enabled\": false, \"variants\": {\"a\": \"\"},"
          " \"default_variant\": \"a\", \"off_variant\": \"a\"", NULL, "a",
          "DISABLED", "", 0 },
        { COLOURS ", \"rules\": [{\"serve\": \"blue\"}]", NULL, "blue",
          "TARGETING_MATCH", "", 0 },
        { COLOURS ", \"rules\": [{\"serve\": \"red\"}]", NULL, "red",
          "TARGETING_MATCH", "", 1 },
        { COLOURS ", \"rules\": [{\"serve\": \"none\"}]", NULL, "", "ERROR",
          "GENERAL", 0 },
        { "\"enabled\": true, \"variants\": {\"a\": 1},"
          " \"default_variant\": \"a\"", NULL, "", "ERROR", "PARSE_ERROR",
          0 }
    };

    check("string", strings, unit_n(strings));
}


static void
values_are_kept_as_they_were_written(void **state)
{
    size_t           i;
    char             text[1000];
    engine_t         engine;
    engine_result_t  got;

    static const struct {
        const char  *type;
        const char  *value;
        const char  *json;
        const char  *text;
    } cases[] = {
        { "boolean", "true", "true", "true" },
        { "boolean", "false", "false", "false" },
        { "string", "\"\"", "\"\"", "" },
        { "string", "\"a \\u00e9\\n\"", "\"a \\u00e9\\n\"",
          "a \xc3\xa9\n" },
        { "string", "\"<b>\"", "\"<b>\"", "<b>" },
        { "number", "10", "10", "10" },
        { "number", "1.50", "1.5", "1.5" },
        { "number", "-0.0", "0", "0" },
        { "number", "9007199254740993", "9007199254740993",
          "9007199254740993" },
        { "number", "1e21", "1e+21", "1e+21" },
        { "json", "{\"b\": [1, 2.0], \"a\": null}",
          "{\"b\":[1,2],\"a\":null}", "{\"b\":[1,2],\"a\":null}" },
        { "json", "[]", "[]", "[]" },
        { "json", "{}", "{}", "{}" }
    };

    for (i = 0; i < unit_n(cases); i++) {
        flagship_str_t  value;

        snprintf(text, sizeof(text), "{\"flags\": [{\"key\": \"f\","
                 " \"type\": \"%s\", \"enabled\": true, \"variants\":"
                 " {\"v\": %s}, \"default_variant\": \"v\"}]}",
                 cases[i].type, cases[i].value);

        engine_open(&engine, text);
        engine_decide(&engine, "f", "{}", &got);

        expect(&got, text, "", "v", "STATIC", "");
        assert_string_equal(got.value, cases[i].json);

        value = flagship_variant_text(engine.image, 0, got.decision.variant);
        assert_int_equal(value.len, strlen(cases[i].text));
        assert_memory_equal(value.data, cases[i].text, value.len);

        engine_close(&engine);
    }
}


static void
the_simple_form_is_filled_in(void **state)
{
    size_t           i;
    char             text[1000];
    engine_t         engine;
    engine_result_t  got;

    static const struct {
        const char  *members;
        const char  *variant;
        const char  *reason;
    } cases[] = {
        { "", "off", "DISABLED" },
        { ", \"enabled\": true", "on", "STATIC" },
        { ", \"enabled\": true, \"rollout\": 0", "off", "DEFAULT" },
        { ", \"enabled\": true, \"rollout\": null", "on", "STATIC" },
        { ", \"enabled\": true, \"user_ids\": [\"x\"]", "off", "DEFAULT" },
        { ", \"enabled\": true, \"user_ids\": [\"u\"]", "on",
          "TARGETING_MATCH" },
        { ", \"enabled\": true, \"rules\": [{\"when\": false,"
          " \"serve\": \"on\"}]", "off", "DEFAULT" }
    };

    for (i = 0; i < unit_n(cases); i++) {
        snprintf(text, sizeof(text), "{\"flags\": [{\"key\": \"f\"%s}]}",
                 cases[i].members);

        engine_open(&engine, text);
        engine_decide(&engine, "f", "{\"targetingKey\": \"u\"}", &got);
        expect(&got, text, "", cases[i].variant, cases[i].reason, "");
        engine_close(&engine);
    }
}


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


static void
flags_ask_for_flags(void **state)
{
    engine_t          engine;
    engine_result_t   got;
    engine_request_t  r;

    engine_open(&engine, "{\"flags\": ["
        "{\"key\": \"base\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"when\": {\"var\": \"vip\"}, \"serve\": \"red\"}]},"
        "{\"key\": \"same\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"serve\": {\"flag\": \"base\"}}]},"
        "{\"key\": \"is\", \"type\": \"boolean\", " ON_OFF ","
        " \"rules\": [{\"when\": {\"==\": [{\"flag\": [\"base\"]},"
        " \"red\"]}, \"serve\": \"on\"}]},"
        "{\"key\": \"unknown\", \"type\": \"boolean\", " ON_OFF ","
        " \"rules\": [{\"when\": {\"==\": [{\"flag\": \"nothing\"}, null]},"
        " \"serve\": \"on\"}]},"
        "{\"key\": \"chain\", \"type\": \"boolean\", " ON_OFF ","
        " \"rollout\": 100, \"prerequisites\":"
        " [{\"flag\": \"is\", \"variant\": \"on\"}]},"
        "{\"key\": \"broken\", \"type\": \"boolean\", " ON_OFF ","
        " \"rules\": 5},"
        "{\"key\": \"on-broken\", \"type\": \"boolean\", " ON_OFF ","
        " \"rollout\": 100, \"prerequisites\":"
        " [{\"flag\": \"broken\", \"variant\": \"on\"}]}]}");

    engine_begin(&r, &engine, "{\"vip\": true}", ENGINE_NOW);
    engine_ask(&r, "chain", &got);
    expect(&got, "chain", "vip", "on", "SPLIT", "");
    engine_ask(&r, "same", &got);
    expect(&got, "same", "vip", "red", "TARGETING_MATCH", "");
    engine_ask(&r, "is", &got);
    expect(&got, "is", "vip", "on", "TARGETING_MATCH", "");
    engine_ask(&r, "unknown", &got);
    expect(&got, "unknown", "vip", "on", "TARGETING_MATCH", "");
    engine_ask(&r, "on-broken", &got);
    expect(&got, "on-broken", "vip", "off", "DEFAULT", "");

    /* each attribute once, however many ask */
    assert_true(r.context.fetched <= 1);
    engine_end(&r);

    engine_begin(&r, &engine, "{}", ENGINE_NOW);
    engine_ask(&r, "base", &got);
    expect(&got, "base", "", "green", "DEFAULT", "");
    engine_ask(&r, "same", &got);
    expect(&got, "same", "", "green", "TARGETING_MATCH", "");
    engine_ask(&r, "chain", &got);
    expect(&got, "chain", "", "off", "DEFAULT", "");
    engine_end(&r);

    engine_close(&engine);
}


static void
attributes_are_asked_for_once_and_late(void **state)
{
    engine_t          engine;
    engine_result_t   got;
    engine_request_t  r;

    engine_open(&engine, "{\"segments\": [{\"key\": \"s\", \"when\":"
        " {\"==\": [{\"var\": \"plan\"}, \"pro\"]}}], \"flags\": ["
        "{\"key\": \"a\", \"type\": \"boolean\", " ON_OFF ","
        " \"rules\": [{\"when\": {\"and\": [{\"==\": [{\"var\": \"x\"}, 1]},"
        " {\"==\": [{\"var\": \"y\"}, 1]}]}, \"serve\": \"on\"},"
        " {\"when\": {\"segment\": \"s\"}, \"serve\": \"on\"}]},"
        "{\"key\": \"b\", \"type\": \"boolean\", " ON_OFF ","
        " \"rules\": [{\"when\": {\"or\": [{\"segment\": \"s\"},"
        " {\"var\": \"z\"}]}, \"serve\": \"on\"}]},"
        "{\"key\": \"c\", \"type\": \"boolean\", " ON_OFF "}]}");

    engine_begin(&r, &engine, "{\"x\": 2, \"plan\": \"pro\"}", ENGINE_NOW);
    assert_int_equal(r.context.fetched, 0);

    engine_ask(&r, "c", &got);
    assert_int_equal(r.context.fetched, 0);

    engine_ask(&r, "a", &got);
    expect(&got, "a", "", "on", "TARGETING_MATCH", "");
    assert_int_equal(r.context.fetched, 2);

    engine_ask(&r, "b", &got);
    expect(&got, "b", "", "on", "TARGETING_MATCH", "");
    engine_ask(&r, "a", &got);
    assert_int_equal(r.context.fetched, 2);

    engine_end(&r);
    engine_close(&engine);
}


/* nginx hands on any bytes; none of them may hurt. */

static void
any_bytes_are_a_value(void **state)
{
    engine_t         engine;
    engine_result_t  got;

    engine_open(&engine, "{\"flags\": ["
        "{\"key\": \"f\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"when\": {\"starts_with\": [{\"cat\":"
        " [{\"var\": \"a\"}, \"|\"]}, \"\\u00e9\"]}, \"serve\": \"red\"},"
        " {\"when\": {\"sem_ver\": [{\"var\": \"a\"}, \"=\", \"1.0.0\"]},"
        " \"serve\": \"blue\"}]}]}");

    engine_decide(&engine, "f", "{\"a\": \"\\u00e9\\ud83d\\ude00\"}", &got);
    expect(&got, "f", "", "red", "TARGETING_MATCH", "");

    engine_close(&engine);
}


/* What does not fit the scratch block is null, and counted. */

static void
a_text_that_is_too_long_is_null(void **state)
{
    char              *context;
    engine_t           engine;
    engine_result_t    got;
    engine_request_t   r;

    engine_open(&engine, "{\"flags\": ["
        "{\"key\": \"f\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"when\": {\"==\": [{\"cat\": [{\"var\": \"a\"},"
        " {\"var\": \"a\"}]}, null]}, \"serve\": \"red\"}]}]}");

    context = malloc(10000);
    assert_non_null(context);

    memset(context, 'x', 10000);
    memcpy(context, "{\"a\": \"", 7);
    strcpy(context + 9000, "\"}");

    engine_begin(&r, &engine, context, ENGINE_NOW);
    engine_ask(&r, "f", &got);
    expect(&got, "f", "", "red", "TARGETING_MATCH", "");
    assert_int_not_equal(r.scratch->spilled, 0);
    engine_end(&r);

    strcpy(context + 1000, "\"}");

    engine_begin(&r, &engine, context, ENGINE_NOW);
    engine_ask(&r, "f", &got);
    expect(&got, "f", "", "green", "DEFAULT", "");
    assert_int_equal(r.scratch->spilled, 0);
    engine_end(&r);

    free(context);
    engine_close(&engine);
}


/* So is what would take a regular expression too many steps. */

static void
a_search_that_takes_too_long_is_null(void **state)
{
    char              *context;
    engine_t           engine;
    engine_result_t    got;
    engine_request_t   r;

    engine_open(&engine, "{\"flags\": ["
        "{\"key\": \"f\", \"type\": \"string\", " COLOURS ","
        " \"rules\": [{\"when\": {\"matches\": [{\"var\": \"a\"},"
        " \"(a|b)*a(a|b){100}c\"]}, \"serve\": \"blue\"},"
        " {\"when\": {\"==\": [{\"matches\": [{\"var\": \"a\"},"
        " \"(a|b)*a(a|b){100}c\"]}, null]}, \"serve\": \"red\"}]}]}");
    assert_int_equal(engine.errors.errors, 0);

    context = malloc(40000);
    assert_non_null(context);

    memset(context, 'a', 40000);
    memcpy(context, "{\"a\": \"", 7);
    strcpy(context + 39000, "\"}");

    engine_begin(&r, &engine, context, ENGINE_NOW);
    engine_ask(&r, "f", &got);
    expect(&got, "f", "", "red", "TARGETING_MATCH", "");
    assert_int_not_equal(r.scratch->spilled, 0);
    engine_end(&r);

    strcpy(context + 1000, "\"}");

    engine_begin(&r, &engine, context, ENGINE_NOW);
    engine_ask(&r, "f", &got);
    expect(&got, "f", "", "green", "DEFAULT", "");
    assert_int_equal(r.scratch->spilled, 0);
    engine_end(&r);

    strcpy(context + 1000, "c\"}");

    engine_begin(&r, &engine, context, ENGINE_NOW);
    engine_ask(&r, "f", &got);
    expect(&got, "f", "", "blue", "TARGETING_MATCH", "");
    engine_end(&r);

    free(context);
    engine_close(&engine);
}


/* However many patterns a flag has, what they compile to has a bound. */

static void
patterns_of_a_flag_have_a_bound(void **state)
{
    char      *text;
    FILE      *out;
    size_t     len;
    unsigned   i, n;
    engine_t   engine;

    for (n = 20; n <= 420; n += 400) {
        out = open_memstream(&text, &len);
        assert_non_null(out);

        fputs("{\"flags\": [{\"key\": \"f\", \"rules\": [{\"when\":"
              " {\"or\": [", out);

        for (i = 0; i < n; i++) {
            fprintf(out, "%s{\"matches\": [{\"var\": \"a\"},"
                    " \"^[^\u00e9]{1,990}%u$\"]}", i ? "," : "", i);
        }

        fputs("]}, \"serve\": \"on\"}]}]}", out);
        fclose(out);

        engine_open(&engine, text);

        if (n == 20) {
            assert_int_equal(engine.errors.errors, 0);

        } else {
            assert_int_not_equal(engine.errors.errors, 0);
            assert_non_null(strstr(engine.errors.list[0].message, "4 MiB"));
        }

        engine_close(&engine);
        free(text);
    }
}


static void
names_are_found_as_a_variable_spells_them(void **state)
{
    uint32_t    flag;
    engine_t    engine;
    size_t      i;

    static const char  *names[][2] = {
        { "new_search", "new-search" }, { "a_b", "a_b" },
        { "page_size", "page.size" }, { "upper", "UPPER" },
        { "x_y", "X.y" }
    };

    engine_open(&engine, "{\"flags\": [{\"key\": \"new-search\"},"
                " {\"key\": \"a-b\"}, {\"key\": \"a_b\"}, {\"key\": \"a.b\"},"
                " {\"key\": \"page.size\"}, {\"key\": \"UPPER\"},"
                " {\"key\": \"x-y\"}, {\"key\": \"X.y\"}]}");

    for (i = 0; i < unit_n(names); i++) {
        flag = flagship_image_find_folded(engine.image,
                                          unit_str(names[i][0]));
        assert_int_not_equal(flag, FLAGSHIP_NONE);
        assert_true(flagship_str_eq(flagship_flag_key(engine.image, flag),
                                    unit_str(names[i][1])));
    }

    assert_int_equal(flagship_image_find_folded(engine.image,
                                                unit_str("none")),
                     FLAGSHIP_NONE);
    assert_int_equal(flagship_image_find_folded(engine.image,
                                                flagship_str("", 0)),
                     FLAGSHIP_NONE);

    /* a-b, a.b and x-y: another has the name */
    assert_int_equal(engine.image->shadowed, 3);

    engine_close(&engine);
}


static void
keys_have_a_form(void **state)
{
    size_t           i;
    char             text[600], key[200];
    engine_t         engine;
    engine_result_t  got;

    static const char  *bad[] = {
        "", "-a", ".a", "_a", "a b", "a/b", "\\u00e9", "a\\n", "a:b",
        "0b2c1f5e-8a34-4c1e-9d0f-2b7f3f6d1a11",
        "0B2C1F5E-8A34-4C1E-9D0F-2B7F3F6D1A11"
    };
    static const char  *good[] = {
        "a", "0", "A.b_c-d", "9-9", "0b2c1f5e-8a34-4c1e-9d0f-2b7f3f6d1a1g"
    };

    for (i = 0; i < unit_n(bad); i++) {
        snprintf(text, sizeof(text), "{\"flags\": [{\"key\": \"%s\"},"
                 " {\"key\": \"ok\"}]}", bad[i]);

        engine_open(&engine, text);

        if (engine.errors.errors == 0) {
            fail_msg("\"%s\" is taken", bad[i]);
        }

        engine_decide(&engine, "ok", "{}", &got);
        expect(&got, bad[i], "", "off", "DISABLED", "");
        engine_close(&engine);
    }

    for (i = 0; i < unit_n(good); i++) {
        snprintf(text, sizeof(text), "{\"flags\": [{\"key\": \"%s\"}]}",
                 good[i]);
        engine_open(&engine, text);
        assert_int_equal(engine.errors.errors, 0);
        engine_decide(&engine, good[i], "{}", &got);
        expect(&got, good[i], "", "off", "DISABLED", "");
        engine_close(&engine);
    }

    for (i = 128; i <= 129; i++) {
        memset(key, 'k', i);
        key[i] = '\0';
        snprintf(text, sizeof(text), "{\"flags\": [{\"key\": \"%s\"}]}", key);
        engine_open(&engine, text);
        assert_int_equal(engine.errors.errors, i - 128);
        engine_close(&engine);
    }
}


static void
errors_name_their_place(void **state)
{
    size_t              i;
    char                text[1000];
    engine_t            engine;
    flagship_error_t   *error;

    static const struct {
        const char  *members;
        const char  *pointer;
        const char  *word;
    } cases[] = {
        { "\"rules\": [{\"when\": {\"and\": [true, {\"in_set\":"
          " [1, \"staff\"]}]}, \"serve\": \"on\"}]",
          "/rules/0/when/and/1/in_set/1", "staff" },
        { "\"rules\": [{\"when\": {\"in_set\": [1, {\"var\": \"s\"}]},"
          " \"serve\": \"on\"}]", "/rules/0/when/in_set/1", "constant" },
        { "\"rules\": [{\"when\": {\"in_set\": [1, \"\"]},"
          " \"serve\": \"on\"}]", "/rules/0/when/in_set/1", "128" },
        { "\"rules\": [{\"serve\": \"on\"}, {\"when\": {\"frob\": 1},"
          " \"serve\": \"on\"}]", "/rules/1/when", "frob" },
        { "\"rules\": [{\"when\": {\"bucket\": [\"sha3\", 9, 1]},"
          " \"serve\": \"on\"}]", "/rules/0/when/bucket/0", "sha256" },
        { "\"rules\": [{\"when\": {\"bucket\": [\"md5\", 4294967296, 1]},"
          " \"serve\": \"on\"}]", "/rules/0/when/bucket/1", "modulus" },
        { "\"rules\": [{\"when\": {\"or\": [false, {\"matches\":"
          " [{\"var\": \"u\"}, \"a(?=b)\"]}]}, \"serve\": \"on\"}]",
          "/rules/0/when/or/1/matches/1", "at byte 1: look-around" },
        { "\"rules\": [{\"when\": {\"matches\": [\"u\", {\"var\": \"p\"}]},"
          " \"serve\": \"on\"}]", "/rules/0/when/matches/1", "constant" },
        { "\"rules\": [{\"when\": {\"matches\": [\"u\", 5]},"
          " \"serve\": \"on\"}]", "/rules/0/when/matches/1", "constant" },
        { "\"rules\": [{\"when\": {\"matches\": [\"u\", \"a\", \"g\"]},"
          " \"serve\": \"on\"}]", "/rules/0/when/matches/2", "third" },
        { "\"rules\": [{\"when\": {\"==\": [true, {\"matches\":"
          " [\"u\", \"[b-a]\"]}]}, \"serve\": \"on\"}]",
          "/rules/0/when/==/1/matches/1", "at byte 1: the range" },
        { "\"rollout\": 100.5", "/rollout", "100" },
        { "\"enabled\": 1", "/enabled", "" },
        { "\"rules\": 1", "/rules", "" },
        { "\"user_ids\": [\"a\", 5]", "/user_ids/1", "" },
        { "\"prerequisites\": [{\"flag\": 5}]", "/prerequisites/0", "" },
        { "\"enable_at\": \"soon\"", "/enable_at", "soon" },
        { "\"variants\": {\"a\": 1}, \"default_variant\": \"b\"",
          "/default_variant", "b" }
    };

    for (i = 0; i < unit_n(cases); i++) {
        snprintf(text, sizeof(text), "{\"flags\": [{\"key\": \"f\", %s}]}",
                 cases[i].members);
        engine_open(&engine, text);

        assert_true(engine.errors.errors > 0);
        error = &engine.errors.list[0];

        if (strcmp(error->key, "f") != 0
            || strstr(error->pointer, cases[i].pointer) == NULL
            || strstr(error->message, cases[i].word) == NULL)
        {
            print_error("%s\n%s: %s: %s\n", cases[i].members, error->key,
                        error->pointer, error->message);
        }

        assert_string_equal(error->key, "f");
        assert_non_null(strstr(error->pointer, cases[i].pointer));
        assert_non_null(strstr(error->message, cases[i].word));

        engine_close(&engine);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(an_unknown_flag_is_not_found),
        cmocka_unit_test(each_row_of_the_table_of_reasons_holds),
        cmocka_unit_test(flags_are_decided_in_order),
        cmocka_unit_test(flags_are_on_between_two_times),
        cmocka_unit_test(other_types_have_other_values),
        cmocka_unit_test(values_are_kept_as_they_were_written),
        cmocka_unit_test(the_simple_form_is_filled_in),
        cmocka_unit_test(a_split_goes_by_names_in_byte_order),
        cmocka_unit_test(a_split_gives_shares),
        cmocka_unit_test(the_older_fractional_keeps_its_people),
        cmocka_unit_test(the_coming_fractional_hashes_cbor),
        cmocka_unit_test(flags_ask_for_flags),
        cmocka_unit_test(attributes_are_asked_for_once_and_late),
        cmocka_unit_test(any_bytes_are_a_value),
        cmocka_unit_test(a_text_that_is_too_long_is_null),
        cmocka_unit_test(a_search_that_takes_too_long_is_null),
        cmocka_unit_test(patterns_of_a_flag_have_a_bound),
        cmocka_unit_test(names_are_found_as_a_variable_spells_them),
        cmocka_unit_test(keys_have_a_form),
        cmocka_unit_test(errors_name_their_place)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
