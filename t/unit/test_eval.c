
/*
 * Copyright (C) Flagship
 */


/*
 * What a flag evaluates to: the order in which a flag is decided, its reasons
 * and errors, flags that ask for others, and what an evaluation promises.
 */


#include "eval.h"


typedef struct {
    const char  *flag;       /* the members behind key and type */
    const char  *context;
    const char  *variant;    /* "" where there is no value */
    const char  *reason;
    const char  *error;      /* "" where there is none */
    int          enabled;
} eval_case_t;


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
        cmocka_unit_test(flags_ask_for_flags),
        cmocka_unit_test(attributes_are_asked_for_once_and_late),
        cmocka_unit_test(any_bytes_are_a_value),
        cmocka_unit_test(a_text_that_is_too_long_is_null),
        cmocka_unit_test(a_search_that_takes_too_long_is_null)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
