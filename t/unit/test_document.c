
/*
 * Copyright (C) Flagship
 */


/*
 * Documents of many flags, taken apart into flag sets.
 */


#include "engine.h"


#define SETS  8


typedef struct {
    unsigned           n;
    unsigned           fail;         /* the handler's call that fails, 1... */
    char               name[SETS][64];
    flagship_unit_t   *unit[SETS];
    flagship_errors_t  errors;
} document_t;


static int
keep(void *data, flagship_str_t tenant, flagship_str_t environment,
    flagship_unit_t *unit)
{
    document_t  *d = data;

    assert_true(d->n < SETS);

    snprintf(d->name[d->n], sizeof(d->name[0]), "%.*s/%.*s",
             (int) tenant.len, tenant.data, (int) environment.len,
             environment.data);

    d->unit[d->n++] = unit;

    return (d->n == d->fail) ? FLAGSHIP_ERROR : FLAGSHIP_OK;
}


static int
open_document(document_t *d, const char *text, unsigned fail)
{
    int              rc;
    char            *copy;
    flagship_json_t  json;

    memset(d, 0, sizeof(document_t));
    flagship_errors_init(&d->errors);
    d->fail = fail;

    copy = engine_parse(&json, text);

    rc = flagship_document_compile(json.nodes, unit_str("acme"),
                                   unit_str("prod"), keep, d, &d->errors);

    flagship_json_free(&json);
    free(copy);

    return rc;
}


static void
close_document(document_t *d)
{
    while (d->n) {
        flagship_unit_destroy(d->unit[--d->n]);
    }
}


/* The reason that a flag of the set gives, by its first letter and error. */

static void
expect(document_t *d, const char *set, const char *key, const char *variant,
    const char *error)
{
    unsigned         i;
    engine_t         engine;
    engine_result_t  got;

    for (i = 0; i < d->n; i++) {
        if (strcmp(d->name[i], set) == 0) {
            break;
        }
    }

    if (i == d->n) {
        fail_msg("there is no set %s", set);
    }

    flagship_errors_init(&engine.errors);
    assert_int_equal(flagship_link(d->unit[i], NULL, 1, &engine.image,
                                   &engine.len, &engine.errors),
                     FLAGSHIP_OK);

    engine_decide(&engine, key, "{}", &got);
    assert_string_equal(got.variant, variant);
    assert_string_equal(got.error, error);

    engine_close(&engine);
}


static void
what_is_no_document_is_declined(void **state)
{
    size_t      i;
    document_t  d;

    static const char  *texts[] = {
        "null", "5", "\"flags\"", "[]", "[{\"key\": \"a\"}]", "{}",
        "{\"Flags\": []}", "{\"flags\": null}", "{\"flags\": 5}",
        "{\"flags\": \"a\"}"
    };

    for (i = 0; i < unit_n(texts); i++) {

        if (open_document(&d, texts[i], 0) != FLAGSHIP_DECLINED) {
            fail_msg("taken: %s", texts[i]);
        }

        assert_int_equal(d.n, 0);
        assert_int_equal(d.errors.errors, 1);
    }
}


static void
an_empty_document_is_one_empty_set(void **state)
{
    document_t  d;

    assert_int_equal(open_document(&d, "{\"flags\": []}", 0), FLAGSHIP_OK);
    assert_int_equal(d.n, 1);
    assert_string_equal(d.name[0], "acme/prod");
    expect(&d, "acme/prod", "a", "", "FLAG_NOT_FOUND");
    close_document(&d);

    assert_int_equal(open_document(&d, "{\"flags\": {}}", 0), FLAGSHIP_OK);
    assert_int_equal(d.n, 1);
    close_document(&d);
}


static void
flags_go_to_the_sets_that_they_name(void **state)
{
    document_t  d;

    assert_int_equal(open_document(&d, "{\"flags\": ["
        "{\"key\": \"a\", \"enabled\": true},"
        "{\"key\": \"a\", \"environment\": \"dev\"},"
        "{\"key\": \"a\", \"tenant\": \"other\", \"enabled\": true},"
        "{\"key\": \"b\", \"environment\": \"dev\", \"enabled\": true},"
        "{\"key\": \"b\"}]}", 0), FLAGSHIP_OK);

    assert_int_equal(d.errors.errors, 0);
    assert_int_equal(d.n, 3);

    expect(&d, "acme/prod", "a", "on", "");
    expect(&d, "acme/prod", "b", "off", "");
    expect(&d, "acme/dev", "a", "off", "");
    expect(&d, "acme/dev", "b", "on", "");
    expect(&d, "other/prod", "a", "on", "");
    expect(&d, "other/prod", "b", "", "FLAG_NOT_FOUND");

    close_document(&d);
}


static void
an_archived_flag_is_not_there(void **state)
{
    document_t  d;

    assert_int_equal(open_document(&d, "{\"flags\": ["
        "{\"key\": \"a\", \"enabled\": true,"
        " \"archived_at\": \"2024-01-01T00:00:00Z\"},"
        "{\"key\": \"b\", \"enabled\": true, \"archived_at\": null}]}", 0),
        FLAGSHIP_OK);

    assert_int_equal(d.errors.errors, 0);
    expect(&d, "acme/prod", "a", "", "FLAG_NOT_FOUND");
    expect(&d, "acme/prod", "b", "on", "");
    close_document(&d);

    /* and takes nothing from a live one of its key, wherever it stands */

    assert_int_equal(open_document(&d, "{\"flags\": ["
        "{\"key\": \"a\", \"archived_at\": \"2024-01-01T00:00:00Z\"},"
        "{\"key\": \"a\", \"enabled\": true},"
        "{\"key\": \"a\", \"archived_at\": \"2024-02-01T00:00:00Z\"}]}", 0),
        FLAGSHIP_OK);

    expect(&d, "acme/prod", "a", "on", "");
    close_document(&d);
}


static void
a_bad_flag_spoils_no_other(void **state)
{
    document_t  d;

    assert_int_equal(open_document(&d, "{\"flags\": ["
        "5, null, \"a\", [], {}, {\"key\": 5}, {\"key\": \"\"},"
        "{\"key\": \"bad\", \"rules\": {}},"
        "{\"key\": \"good\", \"enabled\": true}], \"segments\":"
        " [5, {}, {\"key\": \"s\"}, {\"key\": \"t\", \"when\": 5}]}", 0),
        FLAGSHIP_OK);

    assert_int_equal(d.errors.errors, 12);
    expect(&d, "acme/prod", "good", "on", "");
    expect(&d, "acme/prod", "bad", "", "PARSE_ERROR");
    close_document(&d);

    assert_int_equal(open_document(&d, "{\"segments\": 5, \"environments\":"
        " {}, \"flags\": [{\"key\": \"good\", \"enabled\": true}]}", 0),
        FLAGSHIP_OK);

    assert_int_equal(d.errors.errors, 2);
    expect(&d, "acme/prod", "good", "on", "");
    close_document(&d);
}


static void
flagds_form_is_known_by_its_members(void **state)
{
    size_t      i;
    document_t  d;

    static const char  *texts[] = {
        "{\"flags\": {\"a\": {\"state\": \"ENABLED\", \"variants\":"
            " {\"x\": 1}, \"defaultVariant\": \"x\"}}}",
        "{\"flags\": [{\"key\": \"a\", \"state\": \"ENABLED\", \"variants\":"
            " {\"x\": 1}, \"defaultVariant\": \"x\"}]}",
        "{\"$evaluators\": {\"e\": {\"==\": [1, 1]}}, \"metadata\":"
            " {\"m\": 1}, \"flags\": {\"a\": {\"state\": \"ENABLED\","
            " \"variants\": {\"x\": 1, \"y\": 2}, \"defaultVariant\": \"y\","
            " \"targeting\": {\"if\": [{\"$ref\": \"e\"}, \"x\"]}}}}",
        "{\"flags\": {\"a\": {\"state\": \"ENABLED\", \"variants\":"
            " {\"x\": 1}, \"targeting\": \"x\"}}}"
    };

    for (i = 0; i < unit_n(texts); i++) {
        assert_int_equal(open_document(&d, texts[i], 0), FLAGSHIP_OK);
        assert_int_equal(d.errors.errors, 0);
        expect(&d, "acme/prod", "a", "x", "");
        close_document(&d);
    }

    assert_int_equal(open_document(&d, "{\"$evaluators\": {\"e\": {\"!\":"
        " [{\"$ref\": \"e\"}]}}, \"flags\": {\"a\": {\"state\": \"ENABLED\","
        " \"variants\": {\"x\": 1}, \"targeting\": {\"if\": [{\"$ref\":"
        " \"e\"}, \"x\"]}}, \"b\": {\"state\": \"ENABLED\", \"variants\":"
        " {\"x\": 1}, \"defaultVariant\": \"x\", \"targeting\": {}},"
        " \"c\": {\"state\": \"on\", \"variants\": {\"x\": 1}},"
        " \"d\": {\"state\": \"ENABLED\", \"variants\": {\"x\": 1},"
        " \"targeting\": {\"if\": [{\"$ref\": \"none\"}, \"x\"]}}}}", 0),
        FLAGSHIP_OK);

    expect(&d, "acme/prod", "a", "", "PARSE_ERROR");
    expect(&d, "acme/prod", "b", "x", "");
    expect(&d, "acme/prod", "c", "", "PARSE_ERROR");
    expect(&d, "acme/prod", "d", "", "PARSE_ERROR");
    close_document(&d);
}


static void
a_handler_that_fails_ends_it(void **state)
{
    document_t  d;

    assert_int_equal(open_document(&d, "{\"flags\": [{\"key\": \"a\"},"
        " {\"key\": \"a\", \"tenant\": \"b\"},"
        " {\"key\": \"a\", \"tenant\": \"c\"}]}", 2), FLAGSHIP_ERROR);
    assert_int_equal(d.n, 2);
    close_document(&d);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(what_is_no_document_is_declined),
        cmocka_unit_test(an_empty_document_is_one_empty_set),
        cmocka_unit_test(flags_go_to_the_sets_that_they_name),
        cmocka_unit_test(an_archived_flag_is_not_there),
        cmocka_unit_test(a_bad_flag_spoils_no_other),
        cmocka_unit_test(flagds_form_is_known_by_its_members),
        cmocka_unit_test(a_handler_that_fails_ends_it)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
