
/*
 * Copyright (C) Flagship
 */


/*
 * What the compiler takes of a flag, by which names the image finds it, and
 * what errors say.
 */


#include "eval.h"


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
        cmocka_unit_test(patterns_of_a_flag_have_a_bound),
        cmocka_unit_test(names_are_found_as_a_variable_spells_them),
        cmocka_unit_test(keys_have_a_form),
        cmocka_unit_test(errors_name_their_place)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
