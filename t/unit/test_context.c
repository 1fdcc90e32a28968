
/*
 * Copyright (C) Flagship
 */


/*
 * The context reader: what a path finds, what is refused, what is kept from
 * one context to the next.
 */


#include "engine.h"
#include "flagship_frame.h"


static char *
read_context(flagship_context_t *context, const char *text, int rc)
{
    char  *copy;
    int    got;

    copy = unit_copy(text, strlen(text));
    got = flagship_context_parse(context, copy, strlen(text));

    if (got != rc) {
        fail_msg("%s gives %d: %s", text, got,
                 context->error ? context->error : "no error");
    }

    return copy;
}


static void
expect_at(flagship_context_t *context, const char *path, const char *json,
    int present)
{
    char              text[256];
    size_t            len;
    flagship_value_t  value;

    memset(&value, 0xa5, sizeof(value));

    flagship_context_fetch(context, unit_str(path),
                           flagship_hash32(path, strlen(path)), &value);

    len = flagship_value_print(&value, text, sizeof(text));
    assert_true(len < sizeof(text));
    text[len] = '\0';

    if (strcmp(text, json) != 0) {
        fail_msg("%s gives %s instead of %s", path, text, json);
    }

    if (value.type == FLAGSHIP_NULL) {
        assert_int_equal(value.len, present);
    }
}


static void
a_path_leads_through_objects_and_arrays(void **state)
{
    size_t               i;
    char                *text;
    flagship_context_t   context;

    static const char  *cases[][2] = {
        { "s", "\"text\"" },
        { "n", "-1.5" },
        { "t", "true" },
        { "f", "false" },
        { "e", "\"a\\\"b\\n\\u00fc\\ud83d\\ude00\"" },
        { "o", "{\"p\":{\"q\":7},\"\":8}" },
        { "o.p", "{\"q\":7}" },
        { "o.p.q", "7" },
        { "o.", "8" },
        { "l", "[10,[20,21],{\"x\":\"y\"}]" },
        { "l.0", "10" },
        { "l.1.1", "21" },
        { "l.2.x", "\"y\"" },
        { "0", "\"zero\"" },
        { "\xc3\xbc", "\"umlaut\"" },
        { "q\"", "\"quote\"" },
        { "", "{\"s\":\"text\",\"n\":-1.5,\"t\":true,\"f\":false,\"z\":null,"
          "\"e\":\"a\\\"b\\n\\u00fc\\ud83d\\ude00\",\"o\":{\"p\":{\"q\":7},"
          "\"\":8},\"l\":[10,[20,21],{\"x\":\"y\"}],\"0\":\"zero\","
          "\"\\u00fc\":\"umlaut\",\"q\\\"\":\"quote\",\"a.b\":1}" }
    };

    static const char  *absent[] = {
        "S", "s.x", "s.0", "n.0", "z.z", "o.x", "o.p.q.r", "o..p", ".", ".o",
        "l.3", "l.-1", "l.00", "l.01", "l.", "l.1.", "l.4294967296",
        "l.18446744073709551616", "l.1e0", "l.+1", "l.x", "a.b", "a",
        "targetingKey"
    };

    flagship_context_init(&context);

    text = read_context(&context,
        " {\"s\": \"text\", \"n\": -1.5, \"t\": true, \"f\": false, "
        "\"z\": null, \"e\": \"a\\\"b\\n\\u00fc\\uD83D\\uDE00\", "
        "\"o\": {\"p\": {\"q\": 7}, \"\": 8}, "
        "\"l\": [10, [20, 21], {\"x\": \"y\"}], \"0\": \"zero\", "
        "\"\xc3\xbc\": \"umlaut\", \"q\\\"\": \"quote\", \"a.b\": 1} ",
        FLAGSHIP_OK);

    for (i = 0; i < unit_n(cases); i++) {
        expect_at(&context, cases[i][0], cases[i][1], 1);
    }

    for (i = 0; i < unit_n(absent); i++) {
        expect_at(&context, absent[i], "null", 0);
    }

    expect_at(&context, "z", "null", 1);

    flagship_context_free(&context);
    free(text);
}


static void
what_is_no_object_is_refused(void **state)
{
    size_t               i;
    char                *text;
    flagship_context_t   context;

    static const struct {
        const char      *text;
        size_t           offset;
    } cases[] = {
        { "", 0 },
        { " ", 1 },
        { "null", 0 },
        { "  [{}]", 2 },
        { "\"{}\"", 0 },
        { "1", 0 },
        { "{", 1 },
        { "{}{}", 2 },
        { "{} x", 3 },
        { "{\"a\":1,}", 7 },
        { "{\"a\":1 \"b\":2}", 7 },
        { "{'a':1}", 1 },
        { "{a:1}", 1 },
        { "{\"a\":01}", 5 },
        { "{\"a\":1e999}", 5 },
        { "{\"a\":NaN}", 5 },
        { "{\"a\":\"\\u0000\"}", 6 },
        { "{\"a\":\"\\ud800\"}", 6 },
        { "{\"a\":\"\xff\"}", 6 },
        { "{\"a\":\"\n\"}", 6 },
        { "{\"a\":1,\"b\":2,\"a\":3}", 13 },
        { "{\"a\":1,\"\\u0061\":3}", 7 },
        { "{\"o\":{\"a\":1,\"a\":1}}", 12 }
    };

    flagship_context_init(&context);

    for (i = 0; i < unit_n(cases); i++) {
        text = read_context(&context, cases[i].text, FLAGSHIP_DECLINED);

        assert_non_null(context.error);

        if (context.offset != cases[i].offset) {
            fail_msg("%s: refused at %zu", cases[i].text, context.offset);
        }

        /* what was refused has no attributes */

        expect_at(&context, "a", "null", 0);
        expect_at(&context, "", "null", 0);

        free(text);
    }

    flagship_context_free(&context);
}


static void
every_cut_of_a_text_is_refused(void **state)
{
    char                *text;
    size_t               i;
    flagship_context_t   context;

    static const char  whole[] =
        "{\"a\":[1,-2.5e3,true,null],\"b\":{\"c\":\"\\u00fc\xc3\xbc\"}}";

    flagship_context_init(&context);

    for (i = 0; i < sizeof(whole) - 1; i++) {
        text = unit_copy(whole, i);
        assert_int_equal(flagship_context_parse(&context, text, i),
                         FLAGSHIP_DECLINED);
        assert_true(context.offset <= i);
        free(text);
    }

    text = read_context(&context, whole, FLAGSHIP_OK);
    expect_at(&context, "b.c", "\"\\u00fc\\u00fc\"", 1);
    free(text);

    flagship_context_free(&context);
}


static void
nesting_has_a_bound(void **state)
{
    char                *text, path[2 * FLAGSHIP_MAX_DEPTH + 8];
    size_t               depth, i, n;
    flagship_context_t   context;

    flagship_context_init(&context);

    for (depth = FLAGSHIP_MAX_DEPTH; depth <= 100000; depth += 99936) {

        text = malloc(depth * 6 + 1);
        assert_non_null(text);

        for (i = 0, n = 0; i < depth; i++) {
            memcpy(text + n, "{\"a\":", 5);
            n += 5;
        }

        text[n++] = '1';
        memset(text + n, '}', depth);
        n += depth;

        for (i = 0; i < FLAGSHIP_MAX_DEPTH; i++) {
            memcpy(path + 2 * i, "a.", 2);
        }

        path[2 * FLAGSHIP_MAX_DEPTH - 1] = '\0';

        if (depth == FLAGSHIP_MAX_DEPTH) {
            assert_int_equal(flagship_context_parse(&context, text, n),
                             FLAGSHIP_OK);
            expect_at(&context, path, "1", 1);

        } else {
            assert_int_equal(flagship_context_parse(&context, text, n),
                             FLAGSHIP_DECLINED);
        }

        free(text);
    }

    flagship_context_free(&context);
}


static void
memory_is_kept_between_contexts(void **state)
{
    char                *big, *small;
    unsigned             i, allocations;
    flagship_context_t   context;

    static const char  large[] =
        "{\"a\":\"x\\ny\",\"b\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17],"
        "\"c\":{\"d\":\"\\t\"},\"e\":1,\"f\":2,\"g\":3,\"h\":4,\"i\":5,"
        "\"j\":6,\"k\":7,\"l\":8,\"m\":9,\"n\":10,\"o\":11,\"p\":12,"
        "\"q\":13}";

    flagship_context_init(&context);
    engine_count_allocations();

    big = read_context(&context, large, FLAGSHIP_OK);
    small = unit_copy("{\"a\":\"\\\\\"}", 10);

    allocations = engine_allocations;

    for (i = 0; i < 10; i++) {
        assert_int_equal(flagship_context_parse(&context, small, 10),
                         FLAGSHIP_OK);
        assert_int_equal(flagship_context_parse(&context, big,
                                                sizeof(large) - 1),
                         FLAGSHIP_OK);
    }

    assert_int_equal(engine_allocations, allocations);

    expect_at(&context, "c.d", "\"\\t\"", 1);
    expect_at(&context, "b.16", "17", 1);

    flagship_context_free(&context);
    free(small);
    free(big);
}


/* An image that asks for these attributes, and for computed ones. */

static const char  *asked[] = {
    "a", "b", "c", "a.b", "a.a", "b.0", "b.1", "b.10", "a.b.c", "a.0.a", "",
    "a.", ".a", "c.c.c.c", "abcdefghijklmnop", "$flagd.timestamp", "$a"
};


static void
open_asking(engine_t *engine, size_t first, size_t n)
{
    char    text[4096];
    size_t  i, len;

    len = (size_t) snprintf(text, sizeof(text),
                            "{\"flags\": {\"f\": {\"state\": \"ENABLED\", "
                            "\"variants\": {\"yes\": 1}, \"defaultVariant\": "
                            "\"yes\", \"targeting\": {\"missing\": [");

    for (i = 0; i < n; i++) {
        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s\"%s\"",
                                 i ? ", " : "", asked[first + i]);
    }

    (void) snprintf(text + len, sizeof(text) - len, "]}}}}");

    engine_open(engine, text);
}


static size_t
random_value(uint64_t *state, char *p, unsigned depth)
{
    size_t    len;
    unsigned  i, n;

    static const char  *names[] = {
        "a", "b", "c", "0", "1", "", "a.b", "abcdefghijklmnop", "$a",
        "\\u0061", "\xc3\xbc", "$flagd"
    };

    static const char  *scalars[] = {
        "0", "-0", "1", "-17", "1.5", "1e3", "123456789012345678", "1e400",
        "01", "true", "false", "null", "nul", "\"\"", "\"text\"", "\"a\\nb\"",
        "\"\xe2\x82\xac\"", "\"\xff\"", "\"a string of some length, indeed\"",
        "\"\x01\"", "4e-400"
    };

    /* mostly what is common */

    n = (unsigned) (unit_random(state) % 100);

    if (depth == 12 || n < 55 - 3 * (depth == 0) * 18) {
        i = (unsigned) unit_random(state);
        i = n % 16 ? (i & 1 ? 14 : 2) : i % unit_n(scalars);

        return (size_t) sprintf(p, "%s", scalars[i]);
    }

    len = 0;
    p[len++] = (n & 3) ? '{' : '[';

    for (i = (unsigned) (unit_random(state) % 5); i; i--) {

        if (n & 3) {
            len += (size_t) sprintf(p + len, "\"%s\":%s",
                                    names[unit_random(state)
                                          % (unit_random(state) % 8
                                             ? 8 : unit_n(names))],
                                    unit_random(state) % 4 ? "" : " ");
        }

        len += random_value(state, p + len, depth + 1);

        if (i > 1 || unit_random(state) % 200 == 0) {
            p[len++] = ',';
        }
    }

    p[len++] = (n & 3) ? '}' : ']';

    return len;
}


static void
same_value(const char *path, const flagship_value_t *a,
    const flagship_value_t *b, const char *text, size_t len)
{
    char    one[1024], two[1024];
    size_t  n;

    if (a->type == b->type
        && (a->type != FLAGSHIP_NULL || a->len == b->len)
        && (a->type != FLAGSHIP_NUMBER || a->u.number == b->u.number)
        && (a->type != FLAGSHIP_STRING
            || flagship_str_eq(flagship_str(a->u.str, a->len),
                               flagship_str(b->u.str, b->len))))
    {
        if (a->type != FLAGSHIP_JSON) {
            return;
        }

        n = flagship_value_print(a, one, sizeof(one));

        if (n == flagship_value_print(b, two, sizeof(two))
            && memcmp(one, two, n < sizeof(one) ? n : sizeof(one)) == 0)
        {
            return;
        }
    }

    fail_msg("\"%s\" differs: %u, %u: %.*s", path, a->type, b->type,
             (int) len, text);
}


/* What one walk fills in, and what the reader does, is what is found one by
   one. */

static void
compare_ways(const engine_t *engine, flagship_context_t *context,
    flagship_context_t *read, char *memory, const char *text, size_t len,
    unsigned *quick)
{
    int                  rc;
    char                *copy, *body, *given;
    size_t               i;
    uint32_t             hash;
    unsigned             allocations, wrapped;
    flagship_str_t       path;
    flagship_eval_t     *ev;
    flagship_value_t     a, b;
    flagship_scratch_t   scratch;

    copy = unit_copy(text, len);

    rc = flagship_context_parse(context, copy, len);

    if (rc != FLAGSHIP_OK) {
        assert_non_null(context->error);
    }

    allocations = engine_allocations;

    ev = flagship_eval_init(memory, engine->image, &scratch, ENGINE_NOW,
                            flagship_context_fetch, context);
    flagship_context_fill(context, ev);

    for (i = 0; i < unit_n(asked); i++) {
        path = unit_str(asked[i]);
        hash = flagship_hash32(path.data, path.len);

        flagship_context_fetch(context, path, hash, &b);

        if (flagship_str_is(path, "$flagd.timestamp")) {
            b.type = FLAGSHIP_NUMBER;
            b.u.number = ENGINE_NOW;
        }

        flagship_eval_lookup(ev, path, &a);
        same_value(asked[i], &a, &b, text, len);

        if (a.type == FLAGSHIP_JSON) {
            assert_ptr_equal(a.u.node, b.u.node);
        }
    }

    assert_int_equal(engine_allocations, allocations);

    for (wrapped = 0; wrapped < 2; wrapped++) {

        if (wrapped) {
            body = malloc(len + 64);
            assert_non_null(body);
            i = (size_t) sprintf(body, "{\"context\"%s:", len % 2 ? " " : "");
            memcpy(body + i, text, len);
            i += len;
            i += (size_t) sprintf(body + i, " , \"a\": {} }");

            given = unit_copy(body, i);
            free(body);

        } else {
            i = len;
            given = unit_copy(text, i);
        }

        ev = flagship_eval_init(memory, engine->image, &scratch, ENGINE_NOW,
                                flagship_context_fetch, read);

        assert_int_equal(flagship_context_read(read, ev, given, i,
                                               wrapped ? "context" : NULL),
                         rc);

        if (rc != FLAGSHIP_OK) {
            assert_non_null(read->error);

            if (!wrapped) {
                assert_int_equal(read->offset, context->offset);
                assert_string_equal(read->error, context->error);
            }

            free(given);
            continue;
        }

        *quick += read->root == NULL;
        allocations = engine_allocations;

        for (i = 0; i < engine->image->attrs.n; i++) {
            path = flagship_symbol_str(engine->image,
                                       flagship_symbols(engine->image, attrs)
                                       + i);

            flagship_eval_lookup(ev, path, &a);

            if (flagship_str_is(path, "$flagd.timestamp")) {
                continue;
            }

            flagship_context_fetch(context, path,
                                   flagship_hash32(path.data, path.len), &b);
            same_value(path.data, &a, &b, text, len);
        }

        assert_int_equal(engine_allocations, allocations);

        free(given);
    }

    free(copy);
}


static void
both_ways_agree_on_random_texts(void **state)
{
    char                *memory, text[65536];
    size_t               len;
    uint64_t             seed;
    unsigned             i, k;
    unsigned             quick;
    engine_t             engine;
    flagship_context_t   context, read;

    seed = 20240229;
    quick = 0;

    flagship_context_init(&context);
    flagship_context_init(&read);
    engine_count_allocations();

    for (k = 0; k < 4; k++) {

        /* with and without the attribute that is the whole context */

        open_asking(&engine, k, k ? 10 - k : unit_n(asked));
        memory = malloc(flagship_eval_size(engine.image));
        assert_non_null(memory);

        for (i = 0; i < 20000; i++) {
            len = random_value(&seed, text, 0);

            if (len > sizeof(text) / 2) {
                continue;
            }

            if (unit_random(&seed) % 8 == 0) {
                text[unit_random(&seed) % len] =
                    "{}[]\",:.\\0 \n1et"[unit_random(&seed) % 15];
            }

            compare_ways(&engine, &context, &read, memory, text, len,
                         &quick);
        }

        free(memory);
        engine_close(&engine);
    }

    assert_true(quick > 20000);

    flagship_context_free(&read);
    flagship_context_free(&context);
}


/*
 * An object with names in an order that most texts have: some leave one out,
 * add one, spell one with an escape, change two, or have one twice.
 */

static size_t
ordered_text(uint64_t *seed, char *text)
{
    size_t    len;
    unsigned  i, n, swap, out, twice;

    static const char  *names[] = {
        "a", "first", "b", "attribute", "c", "fifteen_letters", "\\u0061x",
        "sixteen__letters", "last", "d"
    };

    swap = (unsigned) (unit_random(seed) % 40);
    out = (unsigned) (unit_random(seed) % 40);
    twice = (unsigned) (unit_random(seed) % 80);
    len = 0;

    for (n = 0; n < unit_n(names); n++) {
        i = (n == swap) ? (n + 1) % unit_n(names) : n;

        if (i == out || (i > 5 && i < 8 && unit_random(seed) % 64)) {
            continue;
        }

        len += (size_t) sprintf(text + len, "%s\"%s\":",
                                len ? (twice & 16 ? ", " : ",") : "{",
                                names[n == twice ? twice / 2 : i]);

        len += random_value(seed, text + len, unit_random(seed) % 16 ? 12 : 3);

        if (n == swap) {
            len += (size_t) sprintf(text + len, ",\"%s\":1", names[n]);
            n++;
        }
    }

    len += (size_t) sprintf(text + len, len ? "}" : "{}");

    return len;
}


static void
both_ways_agree_on_orders_of_names(void **state)
{
    char                *memory, *text;
    size_t               len;
    uint64_t             seed;
    unsigned             i, quick, refused;
    engine_t             engine;
    flagship_json_t      json;
    flagship_context_t   context, read;

    seed = 19991231;
    quick = 0;
    refused = 0;

    text = malloc(1 << 20);
    assert_non_null(text);

    flagship_context_init(&context);
    flagship_context_init(&read);
    flagship_json_init(&json);
    engine_count_allocations();

    open_asking(&engine, 1, 9);
    memory = malloc(flagship_eval_size(engine.image));
    assert_non_null(memory);

    for (i = 0; i < 20000; i++) {
        len = ordered_text(&seed, text);
        refused += flagship_json_parse(&json, text, len) != FLAGSHIP_OK;

        compare_ways(&engine, &context, &read, memory, text, len, &quick);
    }

    assert_true(quick > 10000);
    assert_true(refused > 500);
    assert_true(read.plan.nknown >= 4);

    free(memory);
    free(text);
    engine_close(&engine);

    flagship_json_free(&json);
    flagship_context_free(&read);
    flagship_context_free(&context);
}


static void
long_paths_are_found(void **state)
{
    char                *memory, *text, name[600], flags[2048];
    size_t               n;
    uint32_t             i;
    engine_t             engine;
    flagship_eval_t     *ev;
    flagship_value_t     value;
    flagship_scratch_t   scratch;
    flagship_context_t   context;

    flagship_context_init(&context);

    for (n = 240; n < 280; n++) {
        memset(name, 'n', n);
        name[n] = '\0';

        (void) snprintf(flags, sizeof(flags), "{\"flags\": {\"f\": {"
                        "\"state\": \"ENABLED\", \"variants\": {\"x\": 1}, "
                        "\"defaultVariant\": \"x\", \"targeting\": "
                        "{\"cat\": [{\"var\": \"%s\"}, "
                        "{\"var\": \"a.%s\"}]}}}}", name, name);
        engine_open(&engine, flags);

        (void) snprintf(flags, sizeof(flags),
                        "{\"%s\": 5, \"a\": {\"%s\": 5}}", name, name);
        text = read_context(&context, flags, FLAGSHIP_OK);

        memory = malloc(flagship_eval_size(engine.image));
        assert_non_null(memory);

        ev = flagship_eval_init(memory, engine.image, &scratch, ENGINE_NOW,
                                flagship_context_fetch, &context);
        flagship_context_fill(&context, ev);

        for (i = 0; i < 2; i++) {
            (void) snprintf(flags, sizeof(flags), "%s%s", i ? "a." : "", name);
            flagship_eval_lookup(ev, unit_str(flags), &value);
            assert_int_equal(value.type, FLAGSHIP_NUMBER);
        }

        free(memory);
        free(text);
        engine_close(&engine);
    }

    flagship_context_free(&context);
}


/* Rules that compute paths ask for what no attribute of the image names. */

static void
rules_find_what_they_compute(void **state)
{
    engine_t         engine;
    engine_result_t  got;

    engine_open(&engine,
        "{\"flags\": {\"f\": {\"state\": \"ENABLED\", \"defaultVariant\": "
        "\"no\", \"variants\": {\"yes\": 1, \"no\": 0}, \"targeting\": "
        "{\"if\": [{\"==\": [{\"var\": {\"cat\": [\"a.\", {\"var\": \"n\"}]}},"
        " \"x\"]}, \"yes\", null]}}}}");

    engine_decide(&engine, "f", "{\"n\":1,\"a\":[\"y\",\"x\"]}", &got);
    assert_string_equal(got.variant, "yes");

    engine_decide(&engine, "f", "{\"n\":\"b\",\"a\":{\"b\":\"x\"}}", &got);
    assert_string_equal(got.variant, "yes");

    engine_decide(&engine, "f", "{\"n\":\"b\",\"a.b\":\"x\"}", &got);
    assert_string_equal(got.variant, "no");

    engine_close(&engine);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_path_leads_through_objects_and_arrays),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(every_cut_of_a_text_is_refused),
        cmocka_unit_test(nesting_has_a_bound),
        cmocka_unit_test(memory_is_kept_between_contexts),
        cmocka_unit_test(rules_find_what_they_compute),
        cmocka_unit_test(both_ways_agree_on_random_texts),
        cmocka_unit_test(both_ways_agree_on_orders_of_names),
        cmocka_unit_test(long_paths_are_found)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
