
/*
 * Copyright (C) Flagship
 */


/*
 * One expression in every place where the engine may meet it: as what a rule
 * serves, as its condition, negated, among others, in a segment, compared.
 * The engine compiles these in different ways, and all of them must agree with
 * the oracle.
 */


#ifndef _FLAGSHIP_FORMS_H_INCLUDED_
#define _FLAGSHIP_FORMS_H_INCLUDED_


#include "oracle.h"


#define FORMS_CONTEXTS  16


/* "%s" is the expression; "on" where the expectation holds, else "off". */

typedef enum {
    FORMS_TRUTH = 0,
    FORMS_UNTRUTH,
    FORMS_ALWAYS,
    FORMS_NULL
} forms_expect_e;


typedef struct {
    const char          *key;
    const char          *rules;
    forms_expect_e       expect;
} forms_t;


static const forms_t  forms[] = {
    { "when", "[{\"when\": {\"or\": [%s]}, \"serve\": \"on\"}]", FORMS_TRUTH },
    { "when-list", "[{\"when\": false, \"serve\": \"off\"},"
                   " {\"when\": {\"if\": [%s, 1]}, \"serve\": \"on\"},"
                   " {\"serve\": \"off\"}]", FORMS_TRUTH },
    { "if", "[{\"serve\": {\"if\": [%s, \"on\", \"off\"]}}]", FORMS_TRUTH },
    { "if-else", "[{\"serve\": {\"if\": [false, \"off\", %s, \"on\"]}}]",
      FORMS_TRUTH },
    { "not", "[{\"when\": {\"!\": [%s]}, \"serve\": \"on\"}]",
      FORMS_UNTRUTH },
    { "not-not", "[{\"when\": {\"!\": {\"!\": [%s]}}, \"serve\": \"on\"}]",
      FORMS_TRUTH },
    { "double", "[{\"when\": {\"!!\": [%s]}, \"serve\": \"on\"}]",
      FORMS_TRUTH },
    { "and", "[{\"when\": {\"and\": [true, %s, 1]}, \"serve\": \"on\"}]",
      FORMS_TRUTH },
    { "or", "[{\"when\": {\"or\": [false, %s, 0]}, \"serve\": \"on\"}]",
      FORMS_TRUTH },
    { "not-and", "[{\"when\": {\"!\": {\"and\": [%s, \"x\"]}},"
                 " \"serve\": \"on\"}]", FORMS_UNTRUTH },
    { "not-or", "[{\"when\": {\"!\": {\"or\": [%s, \"\"]}},"
                " \"serve\": \"on\"}]", FORMS_UNTRUTH },
    { "and-value", "[{\"serve\": {\"or\": [{\"and\": [%s, \"on\"]},"
                   " \"off\"]}}]", FORMS_TRUTH },
    { "compared", "[{\"when\": {\"===\": [{\"!!\": [%s]}, true]},"
                  " \"serve\": \"on\"}]", FORMS_TRUTH },
    { "is-null", "[{\"when\": {\"==\": [%s, null]}, \"serve\": \"on\"}]",
      FORMS_NULL },
    { "null-is", "[{\"when\": {\"===\": [null, %s]}, \"serve\": \"on\"}]",
      FORMS_NULL },
    { "nested", "[{\"when\": {\"if\": [{\"!\": [%s]}, false, true]},"
                " \"serve\": \"on\"}]", FORMS_TRUTH },
    { "in-list", "[{\"when\": {\"in\": [true, [0, {\"!!\": [%s]}, null]]},"
                 " \"serve\": \"on\"}]", FORMS_TRUTH },
    { "segment", "[{\"when\": {\"segment\": \"expression\"},"
                 " \"serve\": \"on\"}]", FORMS_TRUTH },
    { "no-segment", "[{\"when\": {\"!\": {\"segment\": \"expression\"}},"
                    " \"serve\": \"on\"}]", FORMS_UNTRUTH }
};


/* Segments that any expression may ask for. */

#define FORMS_SEGMENTS                                                        \
    "{\"pro\": {\"==\": [{\"var\": \"plan\"}, \"pro\"]},"                     \
    " \"young\": {\"<\": [{\"var\": \"age\"}, 30]},"                          \
    " \"both\": {\"and\": [{\"segment\": \"pro\"},"                           \
    "                      {\"segment\": \"young\"}]},"                       \
    " \"half\": {\"rollout\": [50]}}"


typedef struct {
    oracle_value_t       value;
    flagship_str_t       name;       /* of the variant that it names */
    char                 json[1024]; /* it as a literal, "" for others */
} forms_result_t;


static inline void
forms_oracle(oracle_t *o, const char *key, const flagship_json_node_t *expr,
    forms_result_t *result)
{
    size_t  len;

    memset(result, 0, sizeof(forms_result_t));

    o->key = unit_str(key);
    result->value = oracle_eval(o, expr);

    if (result->value.type >= ORACLE_ARRAY) {
        return;
    }

    result->name = oracle_text(o, result->value);

    if (result->value.type == ORACLE_STRING) {
        len = flagship_json_print_string(result->name, result->json,
                                         sizeof(result->json));
        assert_true(len < sizeof(result->json));

    } else if (result->value.type == ORACLE_NULL) {
        strcpy(result->json, "null");

    } else {
        memcpy(result->json, result->name.data, result->name.len);
    }
}


static inline void
forms_flag(FILE *out, const char *key, const char *variants,
    const char *rules, const char *expr)
{
    fprintf(out, ",\n{\"key\": \"%s\", \"type\": \"string\", \"enabled\": true,"
            " \"variants\": {%s}, \"default_variant\": null,"
            " \"off_variant\": null, \"rules\": ", key, variants);
    fprintf(out, rules, expr);
    fputs("}", out);
}


/*
 * "want": the literal that the expression gives in the first context, as a
 * person reads the language; NULL: the oracle is trusted.  Returns how many
 * answers were wrong.
 */

static inline unsigned
forms_check(const char *expr, const char *const *contexts, size_t n,
    const char *want)
{
    int                           truth, on;
    unsigned                      failed;
    FILE                         *out;
    char                         *text, *copy, *names, *ctx[FORMS_CONTEXTS];
    char                          key[32], rules[1200];
    size_t                        i, j, len;
    oracle_t                      o;
    engine_t                      engine;
    engine_result_t               got;
    forms_result_t               *values, result;
    flagship_json_t               json, segments, documents[FORMS_CONTEXTS];
    engine_request_t              request;

    assert_true(n && n <= FORMS_CONTEXTS);

    copy = engine_parse(&json, expr);
    names = engine_parse(&segments, FORMS_SEGMENTS);

    flagship_arena_init(&o.arena);
    o.segments = segments.nodes;
    o.now = ENGINE_NOW;

    values = calloc(n, sizeof(forms_result_t));
    assert_non_null(values);

    for (i = 0; i < n; i++) {
        ctx[i] = engine_parse(&documents[i], contexts[i]);
        o.context = documents[i].nodes;
        forms_oracle(&o, "value", json.nodes, &values[i]);
    }

    failed = 0;

    if (want && strcmp(values[0].json, want) != 0) {
        failed++;
        print_error("the oracle gives %s, not %s\n%s\n%s\n\n",
                    values[0].json, want, expr, contexts[0]);
    }

    /* the document: a variant for each result, a flag for each form */

    out = open_memstream(&text, &len);
    assert_non_null(out);

    fputs("{\"segments\": [{\"key\": \"expression\", \"when\": ", out);
    fprintf(out, "{\"and\": [%s]}}", expr);

    for (i = 0; i < segments.nodes->len; i++) {
        static const char  *known[] = { "pro", "young", "both", "half" };
        const flagship_json_node_t  *when;

        when = flagship_json_member(segments.nodes, known[i],
                                    strlen(known[i]));
        j = flagship_json_print(when, rules, sizeof(rules));
        fprintf(out, ", {\"key\": \"%s\", \"when\": %.*s}", known[i],
                (int) j, rules);
    }

    fputs("],\n\"flags\": [{\"key\": \"none\"}", out);

    fputs(",\n{\"key\": \"value\", \"type\": \"string\", \"enabled\": true,"
          " \"variants\": {\"true\": \"t\", \"false\": \"f\"", out);

    for (i = 0; i < n; i++) {

        if (values[i].value.type == ORACLE_NULL
            || values[i].value.type == ORACLE_BOOL
            || values[i].value.type >= ORACLE_ARRAY
            || values[i].name.len == 0
            || flagship_str_is(values[i].name, "true")
            || flagship_str_is(values[i].name, "false"))
        {
            continue;
        }

        for (j = 0; j < i; j++) {
            if (values[j].value.type != ORACLE_NULL
                && values[j].value.type < ORACLE_ARRAY
                && flagship_str_eq(values[i].name, values[j].name))
            {
                break;
            }
        }

        if (j == i) {
            char    name[1024];
            size_t  size;

            size = flagship_json_print_string(values[i].name, name,
                                              sizeof(name));
            assert_true(size < sizeof(name));
            fprintf(out, ", %.*s: \"v\"", (int) size, name);
        }
    }

    fprintf(out, "}, \"default_variant\": null, \"off_variant\": null,"
            " \"rules\": [{\"serve\": %s}]}", expr);

    for (i = 0; i < unit_n(forms); i++) {
        forms_flag(out, forms[i].key, "\"on\": \"1\", \"off\": \"0\"",
                   forms[i].rules, expr);
    }

    /* is it the very value, and no other one */

    for (i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "same%zu", i);
        o.context = documents[i].nodes;
        forms_oracle(&o, key, json.nodes, &result);

        snprintf(rules, sizeof(rules), "[{\"when\": {\"===\": [%%s, %s]},"
                 " \"serve\": \"on\"}]", result.json[0] ? result.json : "{}");

        for (j = 0; rules[j]; j++) {
            assert_true(rules[j] != '%' || rules[j + 1] == 's');
        }

        forms_flag(out, key, "\"on\": \"1\", \"off\": \"0\"", rules, expr);
    }

    fputs("]}", out);
    fclose(out);

    engine_open(&engine, text);

    for (i = 0; i < engine.errors.n; i++) {
        if (!engine.errors.list[i].warning) {
            failed++;
            print_error("\"%s\" is refused at %s: %s\n%s\n\n",
                        engine.errors.list[i].key,
                        engine.errors.list[i].pointer,
                        engine.errors.list[i].message, expr);
        }
    }

    for (i = 0; i < n; i++) {

        o.context = documents[i].nodes;
        engine_begin(&request, &engine, contexts[i], ENGINE_NOW);

        engine_ask(&request, "value", &got);

        if (values[i].value.type == ORACLE_NULL) {
            on = strcmp(got.reason, "DEFAULT") == 0 && got.variant[0] == '\0';

        } else if (values[i].value.type >= ORACLE_ARRAY
                   || values[i].name.len == 0)
        {
            on = strcmp(got.error, "GENERAL") == 0;

        } else {
            on = strcmp(got.reason, "TARGETING_MATCH") == 0
                 && flagship_str_eq(unit_str(got.variant), values[i].name);
        }

        if (!on) {
            failed++;
            print_error("value: \"%s\" (%s %s) instead of %s\n%s\n%s\n\n",
                     got.variant, got.reason, got.error,
                     values[i].json[0] ? values[i].json : "a list",
                     expr, contexts[i]);
        }

        for (j = 0; j < unit_n(forms); j++) {

            forms_oracle(&o, forms[j].key, json.nodes, &result);
            truth = oracle_truth(result.value);

            switch (forms[j].expect) {

            case FORMS_UNTRUTH:
                truth = !truth;
                break;

            case FORMS_NULL:
                truth = (result.value.type == ORACLE_NULL);
                break;

            default:
                break;
            }

            engine_ask(&request, forms[j].key, &got);
            on = (strcmp(got.variant, "on") == 0);

            if (on != truth || got.error[0]) {
                failed++;
                print_error("%s: \"%s\" (%s %s) with %s\n%s\n%s\n\n",
                         forms[j].key,
                         got.variant, got.reason, got.error,
                         result.json[0] ? result.json : "a list", expr,
                         contexts[i]);
            }
        }

        snprintf(key, sizeof(key), "same%zu", i);
        forms_oracle(&o, key, json.nodes, &result);

        engine_ask(&request, key, &got);
        on = (strcmp(got.variant, "on") == 0);

        if (on != (result.json[0] != '\0')) {
            failed++;
            print_error("%s: \"%s\" (%s %s): not %s itself\n%s\n%s\n\n", key,
                     got.variant, got.reason, got.error, result.json,
                     expr, contexts[i]);
        }

        engine_end(&request);
    }

    engine_close(&engine);

    for (i = 0; i < n; i++) {
        flagship_json_free(&documents[i]);
        free(ctx[i]);
    }

    flagship_arena_free(&o.arena);
    flagship_json_free(&segments);
    flagship_json_free(&json);
    free(values);
    free(names);
    free(copy);
    free(text);

    return failed;
}


#endif /* _FLAGSHIP_FORMS_H_INCLUDED_ */
