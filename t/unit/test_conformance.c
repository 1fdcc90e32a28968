
/*
 * Copyright (C) Flagship
 */


/*
 * What other projects publish: flagd's evaluator test bed and those of
 * JsonLogic's compatibility suites whose operators the engine has.  The data
 * lie beside the sources, in ../shared/conformance, or where
 * FLAGSHIP_CONFORMANCE says; where they are not, nothing is tested.
 */


#include "engine.h"

#include <dirent.h>
#include <math.h>


static const char  *folder;


static char *
read_file(const char *path, size_t *len)
{
    char  *text;
    long   size;
    FILE  *f;

    f = fopen(path, "rb");

    if (f == NULL) {
        return NULL;
    }

    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size = ftell(f);
    rewind(f);

    text = malloc((size_t) size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t) size, f), size);
    text[size] = '\0';
    fclose(f);

    *len = (size_t) size;

    return text;
}


static char *
read_json(const char *name, flagship_json_t *json)
{
    char    path[1024], *text;
    size_t  len;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    text = read_file(path, &len);

    if (text == NULL) {
        print_message("%s is not there: skipped\n", path);
        skip();
    }

    flagship_json_init(json);

    if (flagship_json_parse(json, text, len) != FLAGSHIP_OK) {
        fail_msg("%s is no JSON at %zu: %s", path, json->offset,
                 json->error);
    }

    return text;
}


static char *
print_node(const flagship_json_node_t *node)
{
    char    *text;
    size_t   len;

    len = flagship_json_print(node, NULL, 0);
    text = malloc(len + 1);
    assert_non_null(text);

    flagship_json_print(node, text, len);
    text[len] = '\0';

    return text;
}


/* Of the same value, whatever the order of members. */

static int
same_json(const flagship_json_node_t *a, const flagship_json_node_t *b)
{
    uint32_t                     i;
    const flagship_json_node_t  *x, *y;

    if (a->type != b->type) {
        return 0;
    }

    switch (a->type) {

    case FLAGSHIP_JSON_NUMBER:
        return flagship_json_double(a) == flagship_json_double(b);

    case FLAGSHIP_JSON_STRING:
        return flagship_str_eq(flagship_json_str(a), flagship_json_str(b));

    case FLAGSHIP_JSON_ARRAY:
    case FLAGSHIP_JSON_OBJECT:

        if (a->len != b->len) {
            return 0;
        }

        for (x = a + 1, y = b + 1, i = 0; i < a->len; i++) {

            if (a->type == FLAGSHIP_JSON_ARRAY) {

                if (!same_json(x, y)) {
                    return 0;
                }

                y += y->next;

            } else {
                y = flagship_json_member(b, x->str, x->len);
                x++;

                if (y == NULL || !same_json(x, y)) {
                    return 0;
                }
            }

            x += x->next;
        }

        return 1;

    default:
        return 1;
    }
}


/* A client that asks for another type than the flag's sees its own error. */

static int
is_typed(const char *type, const flagship_json_node_t *value)
{
    switch (value->type) {

    case FLAGSHIP_JSON_FALSE:
    case FLAGSHIP_JSON_TRUE:
        return strcmp(type, "Boolean") == 0;

    case FLAGSHIP_JSON_STRING:
        return strcmp(type, "String") == 0;

    case FLAGSHIP_JSON_NUMBER:
        return strcmp(type, "Float") == 0
               || (strcmp(type, "Integer") == 0
                   && flagship_json_double(value)
                      == floor(flagship_json_double(value)));

    default:
        return strcmp(type, "Object") == 0;
    }
}


static int
flagd_case(const engine_t *engine, const flagship_json_node_t *test)
{
    int                          right;
    char                        *context, *copy, key[256], type[32], name[64];
    flagship_json_t              value;
    engine_result_t              got;
    const flagship_json_node_t  *expect, *want, *answer;

    engine_copy(key, sizeof(key),
                flagship_json_str(flagship_json_get(test, "key")));
    engine_copy(type, sizeof(type),
                flagship_json_str(flagship_json_get(test, "type")));

    context = print_node(flagship_json_get(test, "context"));
    expect = flagship_json_get(test, "expect");

    engine_decide(engine, key, context, &got);

    copy = engine_parse(&value, got.value[0] ? got.value : "null");
    answer = got.value[0] ? value.nodes
                          : flagship_json_get(test, "fallback");
    right = 1;

    want = flagship_json_get(expect, "error");

    if (want && flagship_str_is(flagship_json_str(want), "TYPE_MISMATCH")) {
        right = got.error[0] == '\0' && !is_typed(type, answer);

    } else if (want) {
        engine_copy(name, sizeof(name), flagship_json_str(want));
        right = strcmp(got.error, name) == 0;

    } else {
        want = flagship_json_get(expect, "value");

        if (want && !same_json(answer, want)) {
            right = 0;
        }

        want = flagship_json_get(expect, "reason");

        if (want) {
            engine_copy(name, sizeof(name), flagship_json_str(want));
            right &= (strcmp(got.reason, name) == 0);
        }
    }

    if (!right) {
        char  *text = print_node(test);

        print_error("%s\ngave \"%s\" %s (%s %s)\n\n", text, got.variant,
                    got.value, got.reason, got.error);
        free(text);
    }

    flagship_json_free(&value);
    free(copy);
    free(context);

    return right;
}


static void
flagd_test_bed_holds(void **state)
{
    char                        *flags, *cases, *document;
    uint32_t                     i, n, wrong;
    engine_t                     engine;
    flagship_json_t              set, list;
    const flagship_json_node_t  *test;

    flags = read_json("flagd/flags.json", &set);
    cases = read_json("flagd/cases.json", &list);

    document = print_node(set.nodes);
    engine_open(&engine, document);

    n = list.nodes->len;
    wrong = 0;

    for (test = list.nodes + 1, i = 0; i < n; i++) {
        wrong += !flagd_case(&engine, test);
        test += test->next;
    }

    print_message("flagd: %u cases, %u wrong\n", n, wrong);

    engine_close(&engine);
    flagship_json_free(&list);
    flagship_json_free(&set);
    free(document);
    free(cases);
    free(flags);

    assert_true(n > 50);
    assert_int_equal(wrong, 0);
}


/*
 * One case: the value of a rule, printed as JSON.  Where the reference throws,
 * ours is null or what a plain reading gives, which other tests fix: here it
 * must only be answered.  Returns 0: wrong, 1: right, 2: an operator of others
 * ("throw", "val"), refused by its name.
 */

static int
jsonlogic_case(const flagship_json_node_t *rule,
    const flagship_json_node_t *data, const flagship_json_node_t *result)
{
    int                rc;
    char              *expr, *want, *got, *context;
    size_t             len;
    engine_t           engine;
    flagship_unit_t   *unit;
    flagship_value_t   value;
    engine_request_t   request;

    memset(&engine, 0, sizeof(engine));
    flagship_errors_init(&engine.errors);

    expr = print_node(rule);
    unit = flagship_unit_create(2);

    rc = flagship_unit_add_logic(unit, unit_str("logic"), rule,
                                 &engine.errors);

    if (rc == FLAGSHIP_DECLINED
        && strstr(engine.errors.list[0].message, "unknown operator"))
    {
        flagship_unit_destroy(unit);
        free(expr);
        return 2;
    }

    assert_int_equal(rc, FLAGSHIP_OK);
    assert_int_equal(flagship_link(unit, NULL, 1, &engine.image, &engine.len,
                                   &engine.errors), FLAGSHIP_OK);
    flagship_unit_destroy(unit);

    context = data ? print_node(data) : strdup("null");
    want = result ? print_node(result) : NULL;

    engine_begin(&request, &engine, context, ENGINE_NOW);
    flagship_eval_logic(request.ev, 0, &value);

    len = flagship_value_print(&value, NULL, 0);
    got = malloc(len + 1);
    assert_non_null(got);
    (void) flagship_value_print(&value, got, len);
    got[len] = '\0';

    rc = (want == NULL || strcmp(got, want) == 0);

    if (!rc) {
        print_error("%s\n%s\ngave %s instead of %s\n\n", expr, context, got,
                    want);
    }

    engine_end(&request);
    engine_close(&engine);

    free(got);
    free(want);
    free(context);
    free(expr);

    return rc;
}


static void
jsonlogic_suites_hold(void **state)
{
    char                         path[1024], *text;
    DIR                         *dir;
    uint32_t                     i, count[3];
    struct dirent               *entry;
    flagship_json_t              json;
    const flagship_json_node_t  *test, *rule, *data, *result;

    snprintf(path, sizeof(path), "%s/jsonlogic", folder);
    dir = opendir(path);

    if (dir == NULL) {
        print_message("%s is not there: skipped\n", path);
        skip();
    }

    memset(count, 0, sizeof(count));

    while ((entry = readdir(dir))) {

        if (strstr(entry->d_name, ".json") == NULL) {
            continue;
        }

        snprintf(path, sizeof(path), "jsonlogic/%.200s", entry->d_name);
        text = read_json(path, &json);

        for (test = json.nodes + 1, i = json.nodes->len; i; i--) {

            rule = NULL;
            data = NULL;
            result = NULL;

            if (test->type == FLAGSHIP_JSON_OBJECT) {
                rule = flagship_json_get(test, "rule");
                data = flagship_json_get(test, "data");
                result = flagship_json_get(test, "result");

            } else if (test->type == FLAGSHIP_JSON_ARRAY && test->len == 3) {
                rule = test + 1;
                data = rule + rule->next;
                result = data + data->next;
            }

            if (rule
                && (result || (test->type == FLAGSHIP_JSON_OBJECT
                               && flagship_json_get(test, "error"))))
            {
                count[jsonlogic_case(rule, data, result)]++;
            }

            test += test->next;
        }

        flagship_json_free(&json);
        free(text);
    }

    closedir(dir);

    print_message("jsonlogic: %u right, %u wrong, %u of operators that are not"
                  " JsonLogic's\n", count[1], count[0], count[2]);

    assert_true(count[1] > 450);
    assert_int_equal(count[0], 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(flagd_test_bed_holds),
        cmocka_unit_test(jsonlogic_suites_hold)
    };

    folder = getenv("FLAGSHIP_CONFORMANCE");

    if (folder == NULL) {
        folder = "../shared/conformance";
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
