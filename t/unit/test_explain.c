
/*
 * Copyright (C) Flagship
 */


/*
 * What explaining writes down.  That it decides as the evaluator does is held
 * by every test that asks a flag (engine.h), here it is what it says.
 */


#include "engine.h"
#include "flagship_tracer.h"


typedef struct {
    char                    *text;   /* terminated */
    flagship_json_t          json;
    flagship_explanation_t   out;
    flagship_decision_t      decision;
} explained_t;


static void
explain(explained_t *e, const char *document, const char *key,
    const char *context)
{
    engine_t          engine;
    engine_request_t  r;

    memset(e, 0, sizeof(explained_t));

    engine_open(&engine, document);
    engine_begin(&r, &engine, context, ENGINE_NOW);

    assert_int_equal(flagship_explain(r.ev, flagship_image_find(engine.image,
                                                            unit_str(key)),
                                      &e->decision, &e->out),
                     FLAGSHIP_OK);

    engine_end(&r);
    engine_close(&engine);

    e->text = malloc(e->out.len + 1);
    assert_non_null(e->text);
    memcpy(e->text, e->out.data, e->out.len);
    e->text[e->out.len] = '\0';

    flagship_json_init(&e->json);
    assert_int_equal(flagship_json_parse(&e->json, e->text, e->out.len),
                     FLAGSHIP_OK);
}


static void
explain_end(explained_t *e)
{
    flagship_json_free(&e->json);
    free(e->out.data);
    free(e->text);
}


/* A flag of these members with variants on, off and c; "p" and segments. */

static void
expect(const char *members, const char *context, const char *trace)
{
    char         document[4000], wanted[4000];
    explained_t  e;

    assert_true(snprintf(document, sizeof(document),
        "{\"segments\": ["
        " {\"key\": \"eu\", \"when\": {\"in\": [{\"var\": \"country\"},"
        "  [\"de\", \"at\", 1, null]]}},"
        " {\"key\": \"half\", \"when\": {\"and\": [{\"segment\": \"eu\"},"
        "  {\"rollout\": [50]}]}}],"
        " \"sets\": {\"staff\": []}, \"flags\": ["
        " {\"key\": \"p\", \"enabled\": true, \"rollout\": 0,"
        "  \"user_ids\": [\"zed\"]},"
        " {\"key\": \"broken\", \"rules\": 1},"
        " {\"key\": \"f\", \"enabled\": true, \"type\": \"string\","
        "  \"variants\": {\"on\": \"1\", \"off\": \"2\", \"c\": \"3\"},"
        "  \"default_variant\": \"off\", \"off_variant\": \"c\", %s}]}",
        members) < (int) sizeof(document));

    assert_true(snprintf(wanted, sizeof(wanted),
                         "{\"flag\":\"f\",%s}", trace)
                < (int) sizeof(wanted));

    explain(&e, document, "f", context);
    assert_string_equal(e.text, wanted);
    explain_end(&e);
}


static void
parts_of_a_flag(void **state)
{
    /* nothing asks */

    expect("\"expose\": true", "{}", "\"enabled\":true,\"variant\":\"off\","
           "\"reason\":\"STATIC\"");

    /* off, and by the clock; rules are named but not asked */

    expect("\"disable_at\": \"2000-01-01T00:00:00Z\","
           " \"rules\": [{\"name\": \"a \\\"b\\\"\","
           " \"serve\": \"on\"}]", "{}",
           "\"enabled\":true,\"schedule\":{\"disable_at\":946684800,"
           "\"now\":1700000000,\"holds\":false},\"rules\":[{\"index\":0,"
           "\"name\":\"a \\\"b\\\"\",\"asked\":false}],\"variant\":\"c\","
           "\"reason\":\"DISABLED\"");

    expect("\"enable_at\": \"2000-01-01T00:00:00Z\","
           " \"disable_at\": \"2001-01-01T00:00:00Z\"", "{}",
           "\"enabled\":true,\"schedule\":{\"enable_at\":946684800,"
           "\"disable_at\":978307200,\"now\":1700000000,\"holds\":false},"
           "\"variant\":\"c\",\"reason\":\"DISABLED\"");

    expect("\"disable_at\": \"2100-01-01T00:00:00Z\"", "{}",
           "\"enabled\":true,\"schedule\":{\"disable_at\":4102444800,"
           "\"now\":1700000000,\"holds\":true},"
           "\"variant\":\"off\",\"reason\":\"STATIC\"");

    /* user_ids, the rollout */

    expect("\"user_ids\": [\"a\", \"b\"], \"rollout\": 25",
           "{\"targetingKey\": \"b\"}",
           "\"enabled\":true,\"user_ids\":{\"steps\":[{\"op\":\"in\","
           "\"attribute\":\"targetingKey\",\"value\":\"b\",\"among\":2,"
           "\"holds\":true}],\"holds\":true},\"variant\":\"on\","
           "\"reason\":\"TARGETING_MATCH\"");

    expect("\"rollout\": 25.5", "{\"targetingKey\": \"user3\"}",
           "\"enabled\":true,\"rollout\":{\"steps\":[{\"op\":\"rollout\","
           "\"attribute\":\"targetingKey\",\"value\":\"user3\","
           "\"bucket\":81.074903,\"percentage\":25.5,\"holds\":false}],"
           "\"holds\":false},\"variant\":\"off\",\"reason\":\"DEFAULT\"");

    expect("\"rollout\": 25.5, \"user_ids\": []", "{}",
           "\"enabled\":true,\"rollout\":{\"steps\":[{\"op\":\"rollout\","
           "\"attribute\":\"targetingKey\",\"absent\":true,\"value\":null,"
           "\"percentage\":25.5,\"holds\":false}],"
           "\"holds\":false},\"variant\":\"off\",\"reason\":\"DEFAULT\"");

    expect("\"rollout\": 100, \"rules\": [{\"when\": {\"var\": \"x\"},"
           " \"serve\": \"c\"}]", "{\"x\": 0}",
           "\"enabled\":true,\"rules\":[{\"index\":0,\"asked\":true,"
           "\"steps\":[{\"op\":\"!!\",\"attribute\":\"x\",\"value\":0,"
           "\"holds\":false}],\"holds\":false}],\"rollout\":{\"steps\":[],"
           "\"holds\":true},\"variant\":\"on\",\"reason\":\"SPLIT\"");

    /* prerequisites: the flag that is asked for is explained in its place */

    expect("\"prerequisites\": [{\"flag\": \"p\", \"variant\": \"off\"},"
           " {\"flag\": \"gone\", \"variant\": \"off\"}],"
           " \"rules\": [{\"serve\": \"on\"}]", "{\"targetingKey\": \"a\"}",
           "\"enabled\":true,\"prerequisites\":{\"steps\":["
           "{\"op\":\"flag\",\"flag\":\"p\",\"variant\":\"off\",\"trace\":"
           "{\"flag\":\"p\",\"enabled\":true,\"user_ids\":{\"steps\":["
           "{\"op\":\"in\",\"attribute\":\"targetingKey\",\"value\":\"a\","
           "\"among\":1,\"holds\":false}],\"holds\":false},"
           "\"variant\":\"off\",\"reason\":\"DEFAULT\"},"
           "\"served\":\"off\",\"reason\":\"DEFAULT\",\"holds\":true},"
           "{\"op\":\"flag\",\"flag\":\"gone\",\"variant\":\"off\","
           "\"served\":null,\"error\":\"FLAG_NOT_FOUND\",\"holds\":false}],"
           "\"holds\":false},\"rules\":[{\"index\":0,\"asked\":false}],"
           "\"variant\":\"off\",\"reason\":\"DEFAULT\"");

    expect("\"prerequisites\": [{\"flag\": \"broken\", \"variant\": \"on\"}]",
           "{}",
           "\"enabled\":true,\"prerequisites\":{\"steps\":["
           "{\"op\":\"flag\",\"flag\":\"broken\",\"variant\":\"on\","
           "\"trace\":{\"flag\":\"broken\",\"variant\":null,"
           "\"reason\":\"ERROR\",\"error\":\"PARSE_ERROR\"},\"served\":null,"
           "\"reason\":\"ERROR\",\"holds\":false}],"
           "\"holds\":false},\"variant\":\"off\",\"reason\":\"DEFAULT\"");
}


static void
rules_in_order(void **state)
{
    const char  *rules;

    rules = "\"rules\": ["
            " {\"name\": \"never\", \"when\": false, \"serve\": \"on\"},"
            " {\"name\": \"eu\", \"when\": {\"segment\": \"eu\"},"
            "  \"serve\": \"c\"},"
            " {\"name\": \"none\", \"when\": {\"==\": [{\"var\": \"x\"}, 1]},"
            "  \"serve\": null},"
            " {\"name\": \"always\", \"when\": true, \"serve\": \"on\"},"
            " {\"serve\": \"off\"}]";

    expect(rules, "{\"country\": \"at\"}",
           "\"enabled\":true,\"rules\":["
           "{\"index\":0,\"name\":\"never\",\"asked\":true,\"steps\":[],"
           "\"holds\":false},"
           "{\"index\":1,\"name\":\"eu\",\"asked\":true,\"steps\":["
           "{\"op\":\"segment\",\"segment\":\"eu\",\"steps\":["
           "{\"op\":\"in\",\"attribute\":\"country\",\"value\":\"at\","
           "\"among\":4,\"holds\":true}],\"holds\":true}],\"holds\":true,"
           "\"serves\":\"c\"},"
           "{\"index\":2,\"name\":\"none\",\"asked\":false},"
           "{\"index\":3,\"name\":\"always\",\"asked\":false},"
           "{\"index\":4,\"asked\":false}],"
           "\"variant\":\"c\",\"reason\":\"TARGETING_MATCH\"");

    /* a rule that holds and serves null is the only one asked */

    expect(rules, "{\"country\": \"us\", \"x\": 1}",
           "\"enabled\":true,\"rules\":["
           "{\"index\":0,\"name\":\"never\",\"asked\":true,\"steps\":[],"
           "\"holds\":false},"
           "{\"index\":1,\"name\":\"eu\",\"asked\":true,\"steps\":["
           "{\"op\":\"segment\",\"segment\":\"eu\",\"steps\":["
           "{\"op\":\"in\",\"attribute\":\"country\",\"value\":\"us\","
           "\"among\":4,\"holds\":false}],\"holds\":false}],\"holds\":false},"
           "{\"index\":2,\"name\":\"none\",\"asked\":true,\"steps\":["
           "{\"op\":\"==\",\"attribute\":\"x\",\"value\":1,\"with\":1,"
           "\"holds\":true}],\"holds\":true,\"serves\":null},"
           "{\"index\":3,\"name\":\"always\",\"asked\":false},"
           "{\"index\":4,\"asked\":false}],"
           "\"variant\":\"off\",\"reason\":\"DEFAULT\"");

    expect("\"rules\": [{\"when\": {\"!=\": [{\"var\": \"x\"}, \"1\"]},"
           " \"serve\": null}]", "{\"x\": \"2\"}",
           "\"enabled\":true,\"rules\":[{\"index\":0,\"asked\":true,"
           "\"steps\":[{\"op\":\"==\",\"attribute\":\"x\",\"value\":\"2\","
           "\"with\":\"1\",\"holds\":false}],\"holds\":true,\"serves\":null}],"
           "\"variant\":\"off\",\"reason\":\"DEFAULT\"");

    expect("\"rules\": [{\"when\": {\"!=\": [{\"var\": \"x\"}, \"1\"]},"
           " \"serve\": null}]", "{\"x\": \"1\"}",
           "\"enabled\":true,\"rules\":[{\"index\":0,\"asked\":true,"
           "\"steps\":[{\"op\":\"==\",\"attribute\":\"x\",\"value\":\"1\","
           "\"with\":\"1\",\"holds\":true}],\"holds\":false}],"
           "\"variant\":\"off\",\"reason\":\"DEFAULT\"");

    /* none that could hold */

    expect("\"rules\": [{\"when\": false, \"serve\": \"on\"},"
           " {\"when\": 0, \"serve\": \"on\"}]", "{}",
           "\"enabled\":true,\"rules\":[{\"index\":0,\"asked\":true,"
           "\"steps\":[],\"holds\":false},{\"index\":1,\"asked\":true,"
           "\"steps\":[],\"holds\":false}],\"variant\":\"off\","
           "\"reason\":\"DEFAULT\"");

    /* it names no variant */

    expect("\"rules\": [{\"serve\": {\"cat\": [\"o\", {\"var\": \"x\"}]}}]",
           "{\"x\": \"h\"}",
           "\"enabled\":true,\"rules\":[{\"index\":0,\"asked\":true,"
           "\"steps\":[{\"op\":\"var\",\"attribute\":\"x\",\"result\":\"h\"},"
           "{\"op\":\"cat\",\"values\":[\"o\",\"h\"],\"result\":\"oh\"}],"
           "\"holds\":true}],\"variant\":null,\"reason\":\"ERROR\","
           "\"error\":\"GENERAL\"");
}


static void
segments_and_flags(void **state)
{
    /* what was asked before is not explained again; "half" is asked for its
       own flag, so it is */

    expect("\"rules\": [{\"when\": {\"and\": [{\"segment\": \"eu\"},"
           " {\"!\": {\"segment\": \"half\"}}, {\"segment\": \"half\"}]},"
           " \"serve\": \"on\"}]",
           "{\"country\": 1, \"targetingKey\": \"u\"}",
           "\"enabled\":true,\"rules\":[{\"index\":0,\"asked\":true,"
           "\"steps\":[{\"op\":\"segment\",\"segment\":\"eu\",\"steps\":["
           "{\"op\":\"in\",\"attribute\":\"country\",\"value\":1,"
           "\"among\":4,\"holds\":true}],\"holds\":true},"
           "{\"op\":\"segment\",\"segment\":\"half\",\"steps\":["
           "{\"op\":\"segment\",\"segment\":\"eu\",\"holds\":true},"
           "{\"op\":\"rollout\",\"attribute\":\"targetingKey\","
           "\"value\":\"u\",\"bucket\":45.436876,\"percentage\":50,"
           "\"holds\":true}],\"holds\":true}],\"holds\":false}],"
           "\"variant\":\"off\",\"reason\":\"DEFAULT\"");

    expect("\"rules\": [{\"when\": {\"==\": [{\"flag\": \"p\"}, \"on\"]},"
           " \"serve\": {\"flag\": \"p\"}}]", "{\"targetingKey\": \"zed\"}",
           "\"enabled\":true,\"rules\":[{\"index\":0,\"asked\":true,"
           "\"steps\":[{\"op\":\"flag\",\"flag\":\"p\",\"variant\":\"on\","
           "\"trace\":{\"flag\":\"p\",\"enabled\":true,\"user_ids\":"
           "{\"steps\":[{\"op\":\"in\",\"attribute\":\"targetingKey\","
           "\"value\":\"zed\",\"among\":1,\"holds\":true}],\"holds\":true},"
           "\"variant\":\"on\",\"reason\":\"TARGETING_MATCH\"},"
           "\"served\":\"on\",\"reason\":\"TARGETING_MATCH\",\"holds\":true},"
           "{\"op\":\"flag\",\"flag\":\"p\",\"served\":\"on\","
           "\"reason\":\"TARGETING_MATCH\",\"result\":\"on\"}],"
           "\"holds\":true,\"serves\":\"on\"}],\"variant\":\"on\","
           "\"reason\":\"TARGETING_MATCH\"");
}


static void
splits(void **state)
{
    /* the weights in order of the names, as they serve */

    expect("\"rules\": [{\"serve\": {\"split\": {\"on\": 12.5, \"off\": 80,"
           " \"c\": 7.5}}}]", "{\"targetingKey\": \"user1\"}",
           "\"enabled\":true,\"rules\":[{\"index\":0,\"asked\":true,"
           "\"steps\":[{\"op\":\"split\",\"attribute\":\"targetingKey\","
           "\"value\":\"user1\",\"hash\":3366622134,\"bucket\":783,"
           "\"total\":1000,\"parts\":["
           "{\"variant\":\"c\",\"from\":0,\"to\":75},"
           "{\"variant\":\"off\",\"from\":75,\"to\":875},"
           "{\"variant\":\"on\",\"from\":875,\"to\":1000}],"
           "\"result\":\"off\"}],\"holds\":true,\"serves\":\"off\"}],"
           "\"variant\":\"off\",\"reason\":\"TARGETING_MATCH\"");

    /* nobody to hash */

    expect("\"rules\": [{\"serve\": {\"split\": {\"on\": 1}}}]", "{}",
           "\"enabled\":true,\"rules\":[{\"index\":0,\"asked\":true,"
           "\"steps\":[{\"op\":\"split\",\"attribute\":\"targetingKey\","
           "\"absent\":true,\"value\":null,\"bucket\":null}],"
           "\"holds\":true,\"serves\":null}],"
           "\"variant\":\"off\",\"reason\":\"DEFAULT\"");

    /* computed, by an attribute that is null */

    expect("\"rules\": [{\"serve\": {\"fractional\": [{\"var\": \"x\"},"
           " [\"on\", {\"var\": \"w\"}], [\"c\", 3]]}}]",
           "{\"targetingKey\": \"user1\", \"w\": 1}",
           "\"enabled\":true,\"rules\":[{\"index\":0,\"asked\":true,"
           "\"steps\":[{\"op\":\"var\",\"attribute\":\"x\",\"result\":null},"
           "{\"op\":\"var\",\"attribute\":\"w\",\"result\":1},"
           "{\"op\":\"split\",\"value\":null,\"targetingKey\":\"user1\","
           "\"hash\":3366622134,\"bucket\":3,\"total\":4,\"parts\":["
           "{\"variant\":\"on\",\"from\":0,\"to\":1},"
           "{\"variant\":\"c\",\"from\":1,\"to\":4}],\"result\":\"c\"}],"
           "\"holds\":true,\"serves\":\"c\"}],"
           "\"variant\":\"c\",\"reason\":\"TARGETING_MATCH\"");
}


/* Every test and value that has something to say. */

static void
operators(void **state)
{
    size_t       i;
    char         members[400], trace[600];

    static const struct {
        const char  *when;
        const char  *steps;
    } forms[] = {
        { "{\"<\": [1, {\"var\": \"n\"}]}",
          "{\"op\":\">\",\"attribute\":\"n\",\"value\":5,\"with\":1,"
          "\"holds\":true}" },
        { "{\"<=\": [\"a\", {\"var\": \"s\"}]}",
          "{\"op\":\">=\",\"attribute\":\"s\",\"value\":\"1.2.4\","
          "\"with\":\"a\",\"holds\":false}" },
        { "{\"===\": [{\"var\": \"n\"}, {\"var\": \"s\"}]}",
          "{\"op\":\"===\",\"attribute\":\"n\",\"value\":5,"
          "\"with\":\"1.2.4\",\"holds\":false}" },
        { "{\"===\": [{\"var\": \"n\"}, true]}",
          "{\"op\":\"===\",\"attribute\":\"n\",\"value\":5,"
          "\"with\":true,\"holds\":false}" },
        { "{\"==\": [{\"var\": \"gone\"}, null]}",
          "{\"op\":\"==\",\"attribute\":\"gone\",\"absent\":true,"
          "\"value\":null,\"with\":null,\"holds\":true}" },
        { "{\"in\": [\".2\", {\"var\": \"s\"}]}",
          "{\"op\":\"in\",\"attribute\":\"s\",\"value\":\"1.2.4\","
          "\"with\":\".2\",\"holds\":true}" },
        { "{\"in\": [{\"var\": \"n\"}, {\"var\": \"l\"}]}",
          "{\"op\":\"in\",\"attribute\":\"n\",\"value\":5,"
          "\"with\":[5,6],\"holds\":true}" },
        { "{\"starts_with\": [{\"var\": \"s\"}, \"1.\"]}",
          "{\"op\":\"starts_with\",\"attribute\":\"s\",\"value\":\"1.2.4\","
          "\"with\":\"1.\",\"holds\":true}" },
        { "{\"ends_with\": [{\"var\": \"s\"}, {\"var\": \"n\"}]}",
          "{\"op\":\"var\",\"attribute\":\"s\",\"result\":\"1.2.4\"},"
          "{\"op\":\"var\",\"attribute\":\"n\",\"result\":5},"
          "{\"op\":\"ends_with\",\"values\":[\"1.2.4\",5],\"result\":null},"
          "{\"op\":\"!!\",\"value\":null,\"holds\":false}" },
        { "{\"sem_ver\": [{\"var\": \"s\"}, \"^\", \"v1.2.3-rc.1\"]}",
          "{\"op\":\"sem_ver\",\"attribute\":\"s\",\"value\":\"1.2.4\","
          "\"order\":\"^\",\"with\":\"1.2.3-rc.1\",\"holds\":true}" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"10.0.0.0/8\", \"::1\"]]}",
          "{\"op\":\"in_cidr\",\"attribute\":\"ip\",\"value\":\"10.1.1.1\","
          "\"among\":2,\"holds\":true}" },
        { "{\"in_set\": [{\"var\": \"s\"}, \"staff\"]}",
          "{\"op\":\"in_set\",\"attribute\":\"s\",\"value\":\"1.2.4\","
          "\"with\":\"staff\",\"holds\":false}" },
        { "{\"matches\": [{\"var\": \"s\"}, \"^[0-9.]+$\"]}",
          "{\"op\":\"matches\",\"attribute\":\"s\",\"value\":\"1.2.4\","
          "\"with\":\"^[0-9.]+$\",\"holds\":true}" },
        { "{\"matches\": [{\"var\": \"n\"}, \"5\"]}",
          "{\"op\":\"matches\",\"attribute\":\"n\",\"value\":5,"
          "\"with\":\"5\",\"holds\":false}" },
        { "{\"==\": [{\"matches\": [{\"var\": \"n\"}, \"5\"]}, null]}",
          "{\"op\":\"matches\",\"attribute\":\"n\",\"value\":5,"
          "\"with\":\"5\",\"result\":null},"
          "{\"op\":\"==\",\"value\":null,\"with\":null,\"holds\":true}" },
        { "{\"some\": [{\"var\": \"l\"}, {\">\": [{\"var\": \"\"}, 5]}]}",
          "{\"op\":\"some\",\"attribute\":\"l\",\"value\":[5,6],"
          "\"result\":true},{\"op\":\"!!\",\"value\":true,\"holds\":true}" },
        { "{\"+\": [{\"var\": \"n\"}, 1]}",
          "{\"op\":\"var\",\"attribute\":\"n\",\"result\":5},"
          "{\"op\":\"+\",\"values\":[5,1],\"result\":6},"
          "{\"op\":\"!!\",\"value\":6,\"holds\":true}" },
        { "{\"==\": [{\"bucket\": [\"crc32\", 7, {\"var\": \"s\"}]}, 1]}",
          "{\"op\":\"var\",\"attribute\":\"s\",\"result\":\"1.2.4\"},"
          "{\"op\":\"cat\",\"values\":[\"1.2.4\"],"
          "\"result\":\"1.2.4\"},"
          "{\"op\":\"bucket\",\"value\":\"1.2.4\",\"result\":5},"
          "{\"op\":\"==\",\"value\":5,\"with\":1,\"holds\":false}" },
        { "{\"==\": [{\"var\": \"$flagd.flagKey\"}, \"f\"]}",
          "{\"op\":\"var\",\"attribute\":\"$flagd.flagKey\","
          "\"result\":\"f\"},{\"op\":\"==\",\"value\":\"f\",\"with\":\"f\","
          "\"holds\":true}" },
        { "{\"<\": [{\"var\": \"$flagd.timestamp\"}, 1]}",
          "{\"op\":\"<\",\"attribute\":\"$flagd.timestamp\","
          "\"value\":1700000000,\"with\":1,\"holds\":false}" }
    };

    for (i = 0; i < unit_n(forms); i++) {
        snprintf(members, sizeof(members), "\"rules\": [{\"when\": %s,"
                 " \"serve\": \"off\"}, {\"serve\": \"off\"}]",
                 forms[i].when);
        snprintf(trace, sizeof(trace), "\"enabled\":true,\"rules\":["
                 "{\"index\":0,\"asked\":true,\"steps\":[%s],%s}],"
                 "\"variant\":\"off\",\"reason\":\"TARGETING_MATCH\"",
                 forms[i].steps,
                 memcmp(forms[i].steps + strlen(forms[i].steps) - 5, "true}",
                        5) == 0
                 ? "\"holds\":true,\"serves\":\"off\"},"
                   "{\"index\":1,\"asked\":false"
                 : "\"holds\":false},{\"index\":1,\"asked\":true,"
                   "\"steps\":[],\"holds\":true,\"serves\":\"off\"");

        expect(members, "{\"n\": 5, \"s\": \"1.2.4\", \"l\": [5, 6],"
               " \"ip\": \"10.1.1.1\"}", trace);
    }
}


static void
every_instruction_has_a_name(void **state)
{
    unsigned  op;

    for (op = 0; op < FLAGSHIP_OP_MAX; op++) {
        assert_non_null(flagship_explain_ops[op]);
    }
}


/* It ends, and is JSON all the same. */

static void
long_ones_are_cut(void **state)
{
    char         *text, *context;
    size_t        i, len, size;
    explained_t   e;

    size = 4000000;
    text = malloc(size);
    context = malloc(20000);
    assert_non_null(text);
    assert_non_null(context);

    /* a value is cut at a whole character, an array as its text */

    len = sprintf(context, "{\"a\": \"x");

    for (i = 0; i < 300; i++) {
        len += sprintf(context + len, "\303\251");
    }

    len += sprintf(context + len, "\", \"b\": [");

    for (i = 0; i < 300; i++) {
        len += sprintf(context + len, "%s7", i ? "," : "");
    }

    sprintf(context + len, "]}");

    len = sprintf(text, "{\"flags\": [{\"key\": \"f\", \"enabled\": true,"
                  "\"default_variant\": \"off\", \"variants\":"
                  "{\"on\": true, \"off\": false}, \"rules\": ["
                  "{\"when\": {\"==\": [{\"var\": \"b\"}, 1]},"
                  " \"serve\": \"on\"}");

    for (i = 0; i < 6000; i++) {
        len += sprintf(text + len, ", {\"name\": \"rule %zu\", \"when\":"
                       "{\"==\": [{\"var\": \"a\"}, \"%zu\"]},"
                       "\"serve\": \"on\"}", i, i);
        assert_true(len < size - 200);
    }

    sprintf(text + len, "]}]}");

    explain(&e, text, "f", context);

    assert_int_equal(e.decision.reason, FLAGSHIP_REASON_DEFAULT);
    assert_in_range(e.out.len, FLAGSHIP_EXPLAIN_MAX,
                    FLAGSHIP_EXPLAIN_MAX + 4096);
    assert_int_equal(flagship_json_get(e.json.nodes, "cut")->type,
                     FLAGSHIP_JSON_TRUE);
    assert_non_null(flagship_json_get(e.json.nodes, "variant"));
    assert_non_null(strstr(e.text, "\\u00e9...\",\"with\":\"0\""));
    assert_null(strstr(e.text, "\\ufffd"));
    assert_non_null(strstr(e.text, ",7,7...\",\"with\":1"));

    explain_end(&e);
    free(context);
    free(text);
}


/* What is kept for people comes along when an image is linked onto. */

static void
names_outlive_a_change(void **state)
{
    engine_t                engine;
    engine_request_t        r;
    flagship_decision_t     d;
    flagship_explanation_t  trace;

    engine_open(&engine, "{\"flags\": [{\"key\": \"b\", \"enabled\": true,"
                " \"rules\": [{\"name\": \"one of b\", \"serve\": \"on\"}]},"
                " {\"key\": \"d\", \"rules\": [{\"name\": \"one of d\","
                " \"serve\": \"on\"}]}]}");
    engine_link(&engine, "{\"flags\": [{\"key\": \"a\", \"rules\":"
                " [{\"name\": \"one of a\", \"serve\": \"on\"}]},"
                " {\"key\": \"c\"}, {\"key\": \"d\", \"rules\": 1}]}", 0);
    engine_link(&engine, "{\"flags\": [{\"key\": \"a\"}]}", 0);

    memset(&trace, 0, sizeof(trace));
    engine_begin(&r, &engine, "{}", ENGINE_NOW);

    assert_int_equal(flagship_explain(r.ev, 1, &d, &trace), FLAGSHIP_OK);
    assert_non_null(memmem(trace.data, trace.len, "\"one of b\"", 10));

    trace.len = 0;
    assert_int_equal(flagship_explain(r.ev, 3, &d, &trace), FLAGSHIP_OK);
    assert_non_null(memmem(trace.data, trace.len, "\"one of d\"", 10));

    trace.len = 0;
    assert_int_equal(flagship_explain(r.ev, 0, &d, &trace), FLAGSHIP_OK);
    assert_null(memmem(trace.data, trace.len, "one of", 6));

    engine_end(&r);
    engine_close(&engine);
    free(trace.data);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(parts_of_a_flag),
        cmocka_unit_test(rules_in_order),
        cmocka_unit_test(segments_and_flags),
        cmocka_unit_test(splits),
        cmocka_unit_test(operators),
        cmocka_unit_test(every_instruction_has_a_name),
        cmocka_unit_test(long_ones_are_cut),
        cmocka_unit_test(names_outlive_a_change)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
