
/*
 * Copyright (C) Flagship
 */


/*
 * What a document names, looked for in the image that serves.
 */


#include "engine.h"

#include "flagship_check.h"


static const char  *served =
    "{\"flags\": ["
        "{\"key\": \"plain\", \"enabled\": true},"
        "{\"key\": \"next\", \"prerequisites\": "
            "[{\"flag\": \"self\", \"variant\": \"on\"}]},"
        "{\"key\": \"far\", \"rules\": [{\"when\": "
            "{\"==\": [{\"flag\": \"next\"}, \"on\"]}, \"serve\": \"on\"}]},"
        "{\"key\": \"asks\", \"rules\": [{\"when\": "
            "{\"segment\": \"outer\"}, \"serve\": \"on\"}]}"
    "], \"segments\": ["
        "{\"key\": \"inner\", \"when\": {\"var\": \"a\"}},"
        "{\"key\": \"outer\", \"when\": {\"segment\": \"inner\"}},"
        "{\"key\": \"by-flag\", \"when\": {\"flag\": \"far\"}}"
    "]}";


static int
keep(void *data, flagship_str_t tenant, flagship_str_t environment,
    flagship_unit_t *unit)
{
    *(flagship_unit_t **) data = unit;

    return FLAGSHIP_OK;
}


static flagship_image_t *
serve(void)
{
    size_t             len;
    char              *copy;
    flagship_json_t    json;
    flagship_unit_t   *unit;
    flagship_image_t  *image;
    flagship_errors_t  errors;

    flagship_errors_init(&errors);
    copy = engine_parse(&json, served);
    unit = NULL;

    assert_int_equal(flagship_document_compile(json.nodes, unit_str("t"),
                                               unit_str("e"), keep, &unit,
                                               &errors), FLAGSHIP_OK);
    assert_int_equal(flagship_link(unit, NULL, 1, &image, &len, &errors),
                     FLAGSHIP_OK);
    assert_int_equal(errors.errors, 0);

    flagship_unit_destroy(unit);
    flagship_json_free(&json);
    free(copy);

    return image;
}


static void
expect(const flagship_image_t *image, int segment, const char *text,
    const char *expected)
{
    int                rc;
    char              *copy, said[2048];
    size_t             len;
    unsigned           i;
    flagship_json_t    json;
    flagship_check_t   check;
    flagship_errors_t  errors;

    flagship_errors_init(&errors);
    copy = engine_parse(&json, text);

    check.image = image;
    check.key = segment ? unit_str("inner") : unit_str("self");
    check.segment = segment ? 1 : 0;
    check.errors = &errors;

    rc = flagship_check(&check, json.nodes);
    assert_int_equal(rc, errors.errors ? FLAGSHIP_DECLINED : FLAGSHIP_OK);

    len = 0;
    said[0] = '\0';

    for (i = 0; i < errors.n; i++) {
        len += (size_t) snprintf(said + len, sizeof(said) - len, "%s%s%s: %s",
                                 i ? "\n" : "",
                                 errors.list[i].warning ? "(" : "",
                                 errors.list[i].pointer,
                                 errors.list[i].message);
    }

    if (strcmp(said, expected) != 0) {
        fail_msg("%s\ngot:\n%s\nexpected:\n%s", text, said, expected);
    }

    flagship_json_free(&json);
    free(copy);
}


#define RULE(when)  "{\"rules\": [{\"when\": " when ", \"serve\": \"on\"}]}"


static void
what_is_there_is_found(void **state)
{
    size_t             i;
    flagship_image_t  *image;

    static const char  *texts[] = {
        "{}", "{\"rules\": [], \"prerequisites\": []}",
        RULE("{\"segment\": \"outer\"}"),
        RULE("{\"segment\": [\"inner\"]}"),
        RULE("{\"and\": [{\"!\": {\"segment\": \"inner\"}}, "
             "{\"==\": [{\"flag\": \"plain\"}, \"on\"]}]}"),
        "{\"prerequisites\": [{\"flag\": \"plain\", \"variant\": \"off\"}]}",

        /* data, not operators */

        RULE("{\"==\": [{\"var\": \"a\"}, {\"segment\": \"x\", \"b\": 1}]}"),
        "{\"rules\": [{\"serve\": {\"split\": {\"segment\": 1}}},"
            "{\"serve\": {\"split\": {\"flag\": 1}, "
            "\"by\": {\"var\": \"id\"}}}]}"
    };

    image = serve();

    for (i = 0; i < unit_n(texts); i++) {
        expect(image, 0, texts[i], "");
    }

    /* a segment of the flag's name is not the flag */

    expect(image, 0, RULE("{\"segment\": \"self\"}"),
           "/rules/0/when/segment: there is no segment \"self\"");

    free(image);
}


static void
what_is_not_there_is_named_where_it_is(void **state)
{
    size_t             i;
    flagship_image_t  *image;

    static const char  *forms[][2] = {
        { RULE("{\"or\": [false, {\"!\": [{\"segment\": \"beta\"}]}]}"),
          "/rules/0/when/or/1/!/0/segment: there is no segment \"beta\"" },
        { "{\"rules\": [{\"serve\": \"on\"}, {\"serve\": {\"if\": "
          "[{\"segment\": \"x\"}, \"a\", {\"segment\": \"y\"}, \"b\"]}}]}",
          "/rules/1/serve/if/0/segment: there is no segment \"x\"\n"
          "/rules/1/serve/if/2/segment: there is no segment \"y\"" },
        { "{\"rules\": [{\"serve\": {\"split\": {\"on\": 1}, \"by\": "
          "{\"cat\": [{\"flag\": \"z\"}]}}}]}",
          "(/rules/0/serve/by/cat/0/flag: there is no flag \"z\"" },
        { "{\"prerequisites\": [{\"flag\": \"plain\", \"variant\": \"on\"},"
          "{\"flag\": \"none\", \"variant\": \"on\"},"
          "{\"flag\": \"plain\", \"variant\": \"blue\"}]}",
          "/prerequisites/1/flag: there is no flag \"none\"\n"
          "/prerequisites/2/variant: that flag has no variant \"blue\"" },
    };

    image = serve();

    for (i = 0; i < unit_n(forms); i++) {
        expect(image, 0, forms[i][0], forms[i][1]);
    }

    expect(NULL, 0, RULE("{\"segment\": \"inner\"}"),
           "/rules/0/when/segment: there is no segment \"inner\"");

    free(image);
}


static void
ways_back_are_found(void **state)
{
    size_t             i;
    flagship_image_t  *image;

    static const char  *forms[][2] = {
        { RULE("{\"flag\": \"self\"}"),
          "/rules/0/when/flag: \"self\" asks for itself" },
        { RULE("{\"flag\": \"next\"}"),
          "/rules/0/when/flag: \"next\" asks for what asks for it" },
        { RULE("{\"flag\": \"far\"}"),
          "/rules/0/when/flag: \"far\" asks for what asks for it" },
        { RULE("{\"segment\": \"by-flag\"}"),
          "/rules/0/when/segment: \"by-flag\" asks for what asks for it" },
        { "{\"prerequisites\": [{\"flag\": \"far\", \"variant\": \"on\"}]}",
          "/prerequisites/0/flag: \"far\" asks for what asks for it" },
    };

    image = serve();

    for (i = 0; i < unit_n(forms); i++) {
        expect(image, 0, forms[i][0], forms[i][1]);
    }

    expect(image, 1, "{\"segment\": \"outer\"}",
           "/when/segment: \"outer\" asks for what asks for it");
    expect(image, 1, "{\"segment\": \"inner\"}",
           "/when/segment: \"inner\" asks for itself");
    expect(image, 1, "{\"flag\": \"asks\"}",
           "/when/flag: \"asks\" asks for what asks for it");
    expect(image, 1, "{\"flag\": \"plain\"}", "");

    free(image);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(what_is_there_is_found),
        cmocka_unit_test(what_is_not_there_is_named_where_it_is),
        cmocka_unit_test(ways_back_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
