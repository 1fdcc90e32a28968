
/*
 * Copyright (C) Flagship
 */


#include "unit.h"
#include "flagship_json.h"


typedef struct {
    const char  *text;
    const char  *pointer;
} locate_case_t;


static void
where_a_text_is_refused_is_told(void **state)
{
    char             pointer[192], *text;
    size_t           i, len;
    flagship_json_t  json;

    static const locate_case_t  cases[] = {
        { "", "" },
        { "nul", "" },
        { "{\"a\": 1e999}", "/a" },
        { "{\"a\": {\"b\": [1, [], {\"c\": \"\\ud800\"}]}}", "/a/b/2/c" },
        { "{\"a\": 1, \"b\": [true, false, nil]}", "/b/2" },
        { "{\"x\": \"{[,\\\"\", \"y\": 1e999}", "/y" },
        { "[[1, 2], [3, 4, 5, 1e999]]", "/1/3" },
        { "{\"a/b~c\": [1e999]}", "/a~1b~0c/0" },
        { "{\"a\": {\"b\": 1, \"b\": 2}}", "/a" }
    };

    flagship_json_init(&json);

    for (i = 0; i < unit_n(cases); i++) {
        len = strlen(cases[i].text);
        text = unit_copy(cases[i].text, len);

        assert_int_equal(flagship_json_parse(&json, text, len),
                         FLAGSHIP_DECLINED);

        flagship_json_locate(text, json.offset, pointer, sizeof(pointer));

        /* the byte may be the name's that is there twice, or behind it */
        if (strncmp(pointer, cases[i].pointer, strlen(cases[i].pointer))
            != 0)
        {
            assert_string_equal(pointer, cases[i].pointer);
        }

        free(text);
    }

    flagship_json_free(&json);
}


static void
any_text_and_any_byte_of_it_will_do(void **state)
{
    char      pointer[32], *text;
    size_t    i, len, offset;
    uint64_t  random;

    static const char  bytes[] = "{}[],:\"\\a/~1";

    random = 4;

    for (i = 0; i < 20000; i++) {
        len = unit_random(&random) % 200;
        text = malloc(len ? len : 1);
        assert_non_null(text);

        for (offset = 0; offset < len; offset++) {
            text[offset] = bytes[unit_random(&random) % (sizeof(bytes) - 1)];
        }

        flagship_json_locate(text, len, pointer,
                             1 + unit_random(&random) % sizeof(pointer));

        assert_true(strlen(pointer) < sizeof(pointer));

        free(text);
    }
}


static void
a_deep_text_is_located_as_far_as_levels_go(void **state)
{
    char  text[1000], pointer[192];

    memset(text, '[', sizeof(text));

    flagship_json_locate(text, sizeof(text), pointer, sizeof(pointer));

    assert_int_equal(strncmp(pointer, "/0/0/0", 6), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(where_a_text_is_refused_is_told),
        cmocka_unit_test(any_text_and_any_byte_of_it_will_do),
        cmocka_unit_test(a_deep_text_is_located_as_far_as_levels_go)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
