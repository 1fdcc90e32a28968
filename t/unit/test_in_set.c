
/*
 * Copyright (C) Flagship
 */


/*
 * in_set: rules that look into id sets, which are apart from the image and are
 * bound to it by name.
 */


#include "engine.h"
#include "flagship_code.h"


#define FLAG(key, when)                                                       \
    "{\"key\": \"" key "\", \"enabled\": true, \"type\": \"string\","         \
    " \"variants\": {\"yes\": \"y\", \"no\": \"n\"},"                         \
    " \"default_variant\": \"no\", \"rules\": [{\"when\": " when ","          \
    " \"serve\": \"yes\"}]}"


typedef struct {
    char                 name[FLAGSHIP_MAX_KEY + 1];
    flagship_idset_t    *set;
} named_t;

typedef struct {
    named_t              list[8];
    unsigned             n;
} sets_t;


static int
keep_set(void *data, flagship_str_t name, flagship_idset_t *set)
{
    sets_t  *sets = data;

    assert_true(sets->n < unit_n(sets->list));

    engine_copy(sets->list[sets->n].name, sizeof(sets->list[0].name), name);
    sets->list[sets->n++].set = set;

    return FLAGSHIP_OK;
}


static void
open_sets(sets_t *sets, const char *text)
{
    char             *copy;
    flagship_json_t   json;

    copy = engine_parse(&json, text);

    sets->n = 0;
    assert_int_equal(flagship_document_idsets(json.nodes, keep_set, sets),
                     FLAGSHIP_OK);

    flagship_json_free(&json);
    free(copy);
}


static void
close_sets(sets_t *sets)
{
    unsigned  i;

    for (i = 0; i < sets->n; i++) {
        free(sets->list[i].set);
    }
}


static void
ask(const engine_t *engine, const sets_t *sets, const char *key,
    const char *context, engine_result_t *result)
{
    unsigned                 i, k;
    engine_request_t         r;
    const flagship_idset_t  *bound[8];

    engine_begin(&r, engine, context, ENGINE_NOW);

    assert_true(engine->image->sets.n <= unit_n(bound));

    for (i = 0; i < engine->image->sets.n; i++) {
        bound[i] = NULL;

        for (k = 0; k < sets->n; k++) {
            if (flagship_str_eq(flagship_image_set(engine->image, i),
                                unit_str(sets->list[k].name)))
            {
                bound[i] = sets->list[k].set;
            }
        }
    }

    flagship_eval_bind_sets(r.ev, bound);
    engine_ask(&r, key, result);
    engine_end(&r);
}


static void
expect(const engine_t *engine, const sets_t *sets, const char *key,
    const char *context, const char *variant)
{
    engine_result_t  result;

    ask(engine, sets, key, context, &result);

    if (strcmp(result.variant, variant) != 0) {
        fail_msg("%s with %s is \"%s\" %s %s, not \"%s\"", key, context,
                 result.variant, result.reason, result.error, variant);
    }
}


static void
expect_error(const engine_t *engine, const sets_t *sets, const char *key)
{
    engine_result_t  result;

    ask(engine, sets, key, "{}", &result);
    assert_string_equal(result.error, "PARSE_ERROR");
}


static const char  document[] =
    "{\"sets\": {\"staff\": [\"alice\", \"bob\", \"5\", \"1.5\", \"bob\","
    "  \"true\", \"null\"], \"none\": [], \"beta\": [\"carol\"]},"
    " \"segments\": [{\"key\": \"insiders\", \"when\":"
    "  {\"in_set\": [{\"var\": \"u\"}, \"staff\"]}}],"
    " \"flags\": ["
    FLAG("jump", "{\"in_set\": [{\"var\": \"u\"}, \"staff\"]}") ","
    FLAG("value", "{\"==\": [{\"if\": [true, {\"in_set\":"
         " [{\"var\": \"u\"}, \"staff\"]}]}, true]}") ","
    FLAG("not", "{\"!\": {\"in_set\": [{\"var\": \"u\"}, \"staff\"]}}") ","
    FLAG("empty", "{\"in_set\": [{\"var\": \"u\"}, \"none\"]}") ","
    FLAG("segment", "{\"segment\": \"insiders\"}") ","
    FLAG("computed", "{\"in_set\": [{\"cat\": [\"a\", {\"var\": \"u\"}]},"
         " \"staff\"]}") ","
    FLAG("loop", "{\"some\": [{\"var\": \"u\"}, {\"in_set\":"
         " [{\"var\": \"\"}, \"beta\"]}]}") ","
    FLAG("constant", "{\"in_set\": [\"carol\", \"beta\"]}")
    "]}";


static void
it_looks_ids_up(void **state)
{
    size_t    i;
    sets_t    sets;
    engine_t  engine;

    static const struct {
        const char  *key;
        const char  *context;
        const char  *variant;
    } cases[] = {
        { "jump", "{\"u\": \"alice\"}", "yes" },
        { "jump", "{\"u\": \"Alice\"}", "no" },
        { "jump", "{\"u\": \"\"}", "no" },
        { "jump", "{}", "no" },
        { "jump", "{\"u\": 5}", "yes" },
        { "jump", "{\"u\": 5.0}", "yes" },
        { "jump", "{\"u\": 1.5}", "yes" },
        { "jump", "{\"u\": 6}", "no" },
        { "jump", "{\"u\": true}", "no" },
        { "jump", "{\"u\": null}", "no" },
        { "jump", "{\"u\": [\"alice\"]}", "no" },
        { "jump", "{\"u\": {\"alice\": 1}}", "no" },
        { "value", "{\"u\": \"bob\"}", "yes" },
        { "value", "{\"u\": \"carol\"}", "no" },
        { "not", "{\"u\": \"bob\"}", "no" },
        { "not", "{\"u\": \"carol\"}", "yes" },
        { "empty", "{\"u\": \"bob\"}", "no" },
        { "segment", "{\"u\": \"bob\"}", "yes" },
        { "segment", "{\"u\": \"carol\"}", "no" },
        { "computed", "{\"u\": \"lice\"}", "yes" },
        { "computed", "{\"u\": \"lic\"}", "no" },
        { "loop", "{\"u\": [\"x\", \"carol\"]}", "yes" },
        { "loop", "{\"u\": [\"x\", \"bob\"]}", "no" },
        { "constant", "{}", "yes" }
    };

    engine_open(&engine, document);
    assert_int_equal(engine.errors.errors, 0);
    open_sets(&sets, document);
    assert_int_equal(sets.n, 3);

    for (i = 0; i < unit_n(cases); i++) {
        expect(&engine, &sets, cases[i].key, cases[i].context,
               cases[i].variant);
    }

    close_sets(&sets);
    engine_close(&engine);
}


static void
a_set_that_is_not_bound_is_empty(void **state)
{
    sets_t            sets;
    engine_t          engine;
    engine_result_t   result;

    engine_open(&engine, document);

    sets.n = 0;
    expect(&engine, &sets, "jump", "{\"u\": \"alice\"}", "no");
    expect(&engine, &sets, "not", "{\"u\": \"alice\"}", "yes");

    /* nothing bound at all */

    engine_decide(&engine, "jump", "{\"u\": \"alice\"}", &result);
    assert_string_equal(result.variant, "no");

    engine_close(&engine);
}


/* The image is the same, whatever its sets hold. */

static void
members_are_no_part_of_the_image(void **state)
{
    sets_t    sets;
    engine_t  one, two;

    static const char  other[] =
        "{\"sets\": {\"staff\": [\"zoe\"]}, \"flags\": ["
        FLAG("f", "{\"in_set\": [{\"var\": \"u\"}, \"staff\"]}") "]}";

    engine_open(&one, "{\"sets\": {\"staff\": [\"alice\"]}, \"flags\": ["
                FLAG("f", "{\"in_set\": [{\"var\": \"u\"}, \"staff\"]}")
                "]}");
    engine_open(&two, other);

    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.image, two.image, one.len);

    open_sets(&sets, other);
    expect(&one, &sets, "f", "{\"u\": \"zoe\"}", "yes");
    expect(&one, &sets, "f", "{\"u\": \"alice\"}", "no");

    close_sets(&sets);
    engine_close(&one);
    engine_close(&two);
}


static void
names_are_renumbered_when_linking(void **state)
{
    sets_t    sets;
    engine_t  engine;

    engine_open(&engine, document);
    open_sets(&sets, document);

    /* what comes anew names them in another order; "none" is named no more */

    engine_link(&engine, "{\"sets\": {\"beta\": [], \"staff\": [],"
                " \"none\": []}, \"flags\": ["
                FLAG("empty", "{\"in_set\": [{\"var\": \"u\"}, \"beta\"]}")
                "," FLAG("jump", "{\"in_set\": [{\"var\": \"u\"},"
                         " \"staff\"]}") "]}", 0);

    assert_int_equal(engine.image->sets.n, 2);
    assert_int_equal(engine.image->lost_sets, 0);

    expect(&engine, &sets, "empty", "{\"u\": \"carol\"}", "yes");
    expect(&engine, &sets, "empty", "{\"u\": \"bob\"}", "no");
    expect(&engine, &sets, "jump", "{\"u\": \"bob\"}", "yes");
    expect(&engine, &sets, "value", "{\"u\": \"bob\"}", "yes");
    expect(&engine, &sets, "loop", "{\"u\": [\"carol\"]}", "yes");

    close_sets(&sets);
    engine_close(&engine);
}


static const flagship_flag_t *
record(const engine_t *engine, const char *key)
{
    uint32_t  flag;

    flag = flagship_image_find(engine->image, unit_str(key));
    assert_int_not_equal(flag, FLAGSHIP_NONE);

    return flagship_flags(engine->image) + flag;
}


static void
a_set_that_goes_is_kept_for_what_needs_it(void **state)
{
    unsigned  i;
    sets_t    sets;
    engine_t  engine;

    engine_open(&engine, document);
    open_sets(&sets, document);

    /* "beta" alone is left; "jump" has a new form, of the set that is gone */

    engine_link(&engine, "{\"sets\": {\"beta\": []}, \"flags\": ["
                FLAG("jump", "{\"in_set\": [{\"var\": \"other\"},"
                     " \"staff\"]}") ","
                FLAG("new", "{\"in_set\": [{\"var\": \"u\"}, \"staff\"]}")
                "]}", 0);

    /* the last good forms, and the segment's */

    expect(&engine, &sets, "jump", "{\"u\": \"bob\"}", "yes");
    expect(&engine, &sets, "value", "{\"u\": \"bob\"}", "yes");
    expect(&engine, &sets, "segment", "{\"u\": \"bob\"}", "yes");
    expect(&engine, &sets, "constant", "{}", "yes");
    expect_error(&engine, &sets, "new");

    assert_true(record(&engine, "jump")->bits & FLAGSHIP_FLAG_STALE);
    assert_true(record(&engine, "value")->bits & FLAGSHIP_FLAG_STALE);
    assert_false(record(&engine, "constant")->bits & FLAGSHIP_FLAG_STALE);
    assert_true(record(&engine, "new")->bits & FLAGSHIP_FLAG_BROKEN);

    assert_int_equal(engine.image->sets.n, 3);
    assert_int_equal(engine.image->lost_sets, 2);

    for (i = 0; i < 3; i++) {
        assert_int_equal(flagship_image_set_lost(engine.image, i),
                         !flagship_str_is(flagship_image_set(engine.image, i),
                                          "beta"));
    }

    /* it comes again, and everything is compiled */

    engine_link(&engine, document, 1);
    assert_int_equal(engine.errors.errors, 0);
    assert_int_equal(engine.image->lost_sets, 0);
    assert_false(record(&engine, "jump")->bits & FLAGSHIP_FLAG_STALE);

    close_sets(&sets);
    engine_close(&engine);
}


static void
sets_of_a_document_that_are_none(void **state)
{
    sets_t             sets;
    size_t             i;
    char               text[512];
    engine_t           engine;
    flagship_error_t  *error;

    static const struct {
        const char  *set;
        const char  *pointer;
        const char  *word;
    } cases[] = {
        { "\"s~/\": {}", "/sets/s~0~1", "array" },
        { "\"s\": [\"a\", 5]", "/sets/s/1", "1024" },
        { "\"s\": [\"\"]", "/sets/s/0", "1024" },
        { "\"\": [\"a\"]", "/sets/", "128" },
        { "\"s\": null", "/sets/s", "array" }
    };

    for (i = 0; i < unit_n(cases); i++) {
        snprintf(text, sizeof(text), "{\"sets\": {%s, \"good\": [\"x\"]},"
                 " \"flags\": [" FLAG("a", "{\"in_set\": [{\"var\": \"u\"},"
                                      " \"good\"]}") ","
                 FLAG("b", "{\"in_set\": [{\"var\": \"u\"}, \"s\"]}") "]}",
                 cases[i].set);

        engine_open(&engine, text);
        open_sets(&sets, text);

        assert_int_equal(sets.n, 1);
        assert_string_equal(sets.list[0].name, "good");

        error = &engine.errors.list[0];
        assert_string_equal(error->pointer, cases[i].pointer);
        assert_string_equal(error->key, "");
        assert_non_null(strstr(error->message, cases[i].word));

        /* and what needs it is refused */

        assert_int_equal(engine.errors.errors, 2);
        assert_string_equal(engine.errors.list[1].pointer,
                            "/rules/0/when/in_set/1");
        expect(&engine, &sets, "a", "{\"u\": \"x\"}", "yes");
        expect_error(&engine, &sets, "b");

        close_sets(&sets);
        engine_close(&engine);
    }

    engine_open(&engine, "{\"sets\": [], \"flags\": []}");
    assert_string_equal(engine.errors.list[0].pointer, "/sets");
    engine_close(&engine);

    /* those of a document belong to its tenant */

    open_sets(&sets, "{\"flags\": {}, \"sets\": {\"a\": []}}");
    assert_int_equal(sets.n, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(it_looks_ids_up),
        cmocka_unit_test(a_set_that_is_not_bound_is_empty),
        cmocka_unit_test(members_are_no_part_of_the_image),
        cmocka_unit_test(names_are_renumbered_when_linking),
        cmocka_unit_test(a_set_that_goes_is_kept_for_what_needs_it),
        cmocka_unit_test(sets_of_a_document_that_are_none)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
