
/*
 * Copyright (C) Flagship
 */


/*
 * OFREP's bodies: of every decision as a slower way writes it, in buffers that
 * are just large enough, and in pieces of every size.
 */


#include "engine.h"

#include "flagship_code.h"
#include "flagship_ofrep.h"


#define MOST  16384


static const char  *flags =
    "\"flags\": ["
    "{\"key\": \"a\", \"enabled\": true, \"default_value\": true},"
    "{\"key\": \"a-key.of_thirty-two_bytes.000000\", \"enabled\": true},"
    "{\"key\": \"a-key.of_thirty-three_bytes.00000\", \"enabled\": true},"
    "{\"key\": \"off\", \"enabled\": false},"
    "{\"key\": \"none\", \"enabled\": false, \"type\": \"string\","
    " \"variants\": {\"x\": \"y\"}, \"default_variant\": \"x\","
    " \"off_variant\": null},"
    "{\"key\": \"names\", \"enabled\": true, \"type\": \"string\","
    " \"variants\": {\"\": \"empty\", \"sixteen_letters_\": \"\","
    " \"seventeen_letters\": \"\", \"\\\"\": \"a quote\","
    " \"\\u0001\\u20ac\": \"escapes\", \"\xc3\xbc\": \"\xf0\x9f\x98\x80\\n\","
    " \"json\": \"sixteen_letters_\", \"json2\": \"fourteen_bytes\","
    " \"json3\": \"thirteen_byte\"},"
    " \"default_variant\": \"json\", \"off_variant\": null,"
    " \"rules\": [{\"serve\": {\"var\": \"name\"}}]},"
    "{\"key\": \"ruled\", \"enabled\": true, \"type\": \"json\","
    " \"variants\": {\"on\": {\"a\": [1, 1e21, {\"b\": null}], \"c\": \"\"},"
    " \"off\": 0.10}, \"default_variant\": \"off\", \"off_variant\": \"off\","
    " \"rules\": [{\"when\": {\"==\": [{\"var\": \"name\"}, \"json\"]},"
    " \"serve\": \"on\"}]},"
    "{\"key\": \"split\", \"enabled\": true, \"rollout\": 50},"
    "{\"key\": \"own\", \"enabled\": true, \"metadata\": {\"owner\": \"me\"}},"
    "{\"key\": \"over\", \"enabled\": true, \"metadata\": {\"own\\\"er\\\\\":"
    " true, \"b,}\": 2, \"more\": \"\\u00fc,\\\"}\"}},"
    "{\"key\": \"all\", \"enabled\": true, \"metadata\": {\"own\\\"er\\\\\":"
    " 1, \"b,}\": \"x\", \"n\": -1.5}}"
    "]";

static const char  *metadata[] = {
    "{}",
    "{\"n\": 1}",
    "{\"own\\\"er\\\\\": \"us, \\\"and\\\" }\\\\\", \"n\": 9007199254740993,"
    " \"b,}\": false}"
};

static const char  *contexts[] = {
    "{\"name\": \"\", \"targetingKey\": \"user1\"}",
    "{\"name\": \"sixteen_letters_\", \"targetingKey\": \"user3\"}",
    "{\"name\": \"seventeen_letters\"}",
    "{\"name\": \"\\\"\"}",
    "{\"name\": \"\\u0001\\u20ac\"}",
    "{\"name\": \"\xc3\xbc\"}",
    "{\"name\": \"json\"}",
    "{\"name\": \"json2\"}",
    "{\"name\": \"json3\"}",
    "{\"name\": \"a stranger\"}",
    "{}"
};


static char *
put(char *p, const char *text)
{
    return p + sprintf(p, "%s", text);
}


static char *
put_string(char *p, flagship_str_t s)
{
    return p + flagship_json_print_string(s, p, MOST);
}


static char *
put_members(char *p, const flagship_json_node_t *object,
    const flagship_json_node_t *but, unsigned *n)
{
    uint32_t                     i;
    const flagship_json_node_t  *name, *value;

    name = object + 1;

    for (i = 0; object && i < object->len; i++, name = value + value->next) {
        value = name + 1;

        if (but == NULL
            || flagship_json_member(but, name->str, name->len) == NULL)
        {
            p = put(p, (*n)++ ? "," : ",\"metadata\":{");
            p = put_string(p, flagship_json_str(name));
            p = put(p, ":");
            p += flagship_json_print(value, p, MOST);
        }
    }

    return p;
}


/* By nodes: the set's members that the flag has not, and its own. */

static char *
put_metadata(char *p, flagship_str_t set, flagship_str_t own)
{
    unsigned          n;
    flagship_json_t   a, b;

    flagship_json_init(&a);
    flagship_json_init(&b);
    n = 0;

    if (set.len) {
        assert_int_equal(flagship_json_parse(&a, set.data, set.len),
                         FLAGSHIP_OK);
    }

    if (own.len) {
        assert_int_equal(flagship_json_parse(&b, own.data, own.len),
                         FLAGSHIP_OK);
    }

    p = put_members(p, set.len ? a.nodes : NULL, own.len ? b.nodes : NULL,
                    &n);
    p = put_members(p, own.len ? b.nodes : NULL, NULL, &n);

    flagship_json_free(&a);
    flagship_json_free(&b);

    return n ? put(p, "}") : p;
}


static char *
expected(char *p, const flagship_image_t *image, const flagship_decision_t *d)
{
    const char             *details;
    flagship_str_t          json, set;
    const flagship_flag_t  *f;

    f = flagship_flags(image) + d->flag;
    set = flagship_str(flagship_at(image, image->metadata.offset),
                       image->metadata.n);

    p = put(p, "{\"key\":");
    p = put_string(p, flagship_flag_key(image, d->flag));

    if (d->error) {
        details = d->error == FLAGSHIP_ERROR_PARSE_ERROR
                  ? "the flag does not compile"
                  : "the rules name no variant of the flag";

        return p + sprintf(p, ",\"errorCode\":\"%s\",\"errorDetails\":\"%s\"}",
                           flagship_error_name(d->error).data, details);
    }

    if (d->variant != FLAGSHIP_NO_VARIANT) {
        json = flagship_variant_json(image, d->flag, d->variant);

        p += sprintf(p, ",\"value\":%.*s,\"variant\":", (int) json.len,
                     json.data);
        p = put_string(p, flagship_variant_name(image, d->flag, d->variant));
    }

    p += sprintf(p, ",\"reason\":\"%s\"", flagship_reason_name(d->reason).data);
    p = put_metadata(p, set, flagship_str(flagship_at(image, f->chunk
                                                             + f->metadata),
                                          f->metadata_len));

    return put(p, "}");
}


/* Memory of just the size that is asked for, so that none is left over. */

static void
answers_are_those(const engine_t *engine, const char *context, char *all)
{
    char                 *want, *got, *end;
    size_t                len, size;
    uint32_t              i;
    engine_request_t      r;
    flagship_decision_t   d;

    want = malloc(MOST);
    assert_non_null(want);

    engine_begin(&r, engine, context, ENGINE_NOW);

    end = put(all, "{\"flags\":[");

    for (i = 0; i < engine->image->flags.n; i++) {
        flagship_eval(r.ev, i, &d);

        len = (size_t) (expected(want, engine->image, &d) - want);
        size = flagship_ofrep_size(engine->image, &d);
        assert_true(len <= size);

        got = malloc(size);
        assert_non_null(got);

        assert_int_equal(flagship_ofrep_answer(engine->image, &d, got), len);
        assert_memory_equal(got, want, len);
        free(got);

        end += sprintf(end, "%s%.*s", i ? "," : "", (int) len, want);
    }

    end = put(end, "]");
    end = put_metadata(end, flagship_str(flagship_at(engine->image,
                                             engine->image->metadata.offset),
                                         engine->image->metadata.n),
                       flagship_str("", 0));
    (void) put(end, "}");

    engine_end(&r);
    free(want);
}


/* In one piece, and in as many as a buffer of that size makes it. */

static void
pieces_are_the_whole(const engine_t *engine, const char *context,
    const char *all, size_t size)
{
    char              *piece;
    size_t             len, n;
    uint32_t           flag;
    engine_request_t   r;

    engine_begin(&r, engine, context, ENGINE_NOW);

    len = 0;
    flag = 0;

    do {
        piece = malloc(size);
        assert_non_null(piece);

        n = flagship_ofrep_answers(r.ev, &flag, piece, size);

        assert_true(n <= size && len + n <= strlen(all));
        assert_memory_equal(piece, all + len, n);

        free(piece);
        len += n;

    } while (flag != FLAGSHIP_NONE && n);

    if (flag == FLAGSHIP_NONE) {
        assert_int_equal(len, strlen(all));

    } else {
        /* the next one finds no room: it has to be a small buffer */
        assert_true(size < 1024);
    }

    engine_end(&r);
}


static void
an_answer_says_what_was_decided(void **state)
{
    char       *document, *all;
    size_t      size;
    unsigned    i, k;
    engine_t    engine;

    document = malloc(MOST);
    all = malloc(MOST);
    assert_non_null(document);
    assert_non_null(all);

    for (k = 0; k < unit_n(metadata); k++) {
        (void) sprintf(document, "{%s, \"environments\": [{\"key\": \"prod\", "
                       "\"metadata\": %s}]}", flags, metadata[k]);
        engine_open(&engine, document);

        for (i = 0; i < unit_n(contexts); i++) {
            answers_are_those(&engine, contexts[i], all);
            pieces_are_the_whole(&engine, contexts[i], all, MOST);
        }

        for (size = 0; size < 2500; size += 7) {
            pieces_are_the_whole(&engine, contexts[size % unit_n(contexts)],
                                 (answers_are_those(&engine,
                                      contexts[size % unit_n(contexts)], all),
                                  all), size);
        }

        engine_close(&engine);
    }

    free(all);
    free(document);
}


/* What is copied as blocks must lie in the image, and be what it is said. */

static void
a_variant_is_as_brief_as_it_says(void **state)
{
    int                        valid;
    char                      *document;
    uint32_t                   i, k;
    unsigned                   brief, refused, kept;
    engine_t                   engine;
    const char                *error;
    flagship_str_t             name, json;
    const flagship_flag_t     *f;
    flagship_variant_t        *v;

    document = malloc(MOST);
    assert_non_null(document);
    (void) sprintf(document, "{%s}", flags);

    engine_open(&engine, document);
    refused = 0;

    for (i = 0; i < engine.image->flags.n; i++) {
        f = flagship_flags(engine.image) + i;

        for (k = 0; k < f->nvariants; k++) {
            v = (flagship_variant_t *) ((char *) engine.image + f->chunk) + k;
            name = flagship_variant_name(engine.image, i, k);
            json = flagship_variant_json(engine.image, i, k);
            kept = v->brief;

            for (brief = 0; brief < 6; brief++) {
                v->brief = brief;
                engine.image->digest = flagship_image_digest(engine.image);

                valid = brief == FLAGSHIP_BRIEF_NO
                        || (brief <= FLAGSHIP_BRIEF_OFF && f->key_len <= 32
                            && name.len <= 16 && json.len <= 16
                            && (brief != FLAGSHIP_BRIEF_ON
                                || (flagship_str_is(name, "on")
                                    && flagship_str_is(json, "true")))
                            && (brief != FLAGSHIP_BRIEF_OFF
                                || (flagship_str_is(name, "off")
                                    && flagship_str_is(json, "false"))));

                assert_int_equal(flagship_image_verify(engine.image,
                                                       engine.len, &error),
                                 valid ? FLAGSHIP_OK : FLAGSHIP_DECLINED);
                refused += !valid;
            }

            v->brief = kept;
        }
    }

    assert_true(refused > 50);

    engine_close(&engine);
    free(document);
}


static void
a_set_without_flags_has_an_answer(void **state)
{
    engine_t  engine;

    engine_open(&engine, "{\"flags\": []}");
    pieces_are_the_whole(&engine, "{}", "{\"flags\":[]}", 192);
    engine_close(&engine);
}


static void
an_error_is_cut_at_the_size(void **state)
{
    char            buf[128];
    size_t          size, len;
    flagship_str_t  details;

    static const char  *want[] = {
        "{\"key\":\"a\\\"\",\"errorCode\":\"FLAG_NOT_FOUND\","
        "\"errorDetails\":\"there is none\"}",
        "{\"errorCode\":\"FLAG_NOT_FOUND\",\"errorDetails\":\"there is none\"}"
    };

    details = unit_str("there is none");

    for (size = 0; size < sizeof(buf); size++) {
        memset(buf, '-', sizeof(buf));

        len = flagship_ofrep_error(unit_str("a\""),
                                   FLAGSHIP_ERROR_FLAG_NOT_FOUND, details,
                                   buf, size);
        assert_int_equal(len, strlen(want[0]));
        assert_memory_equal(buf, want[0], size < len ? size : len);
        assert_int_equal(buf[size < len ? size : len], '-');
    }

    len = flagship_ofrep_error(flagship_str(NULL, 0),
                               FLAGSHIP_ERROR_FLAG_NOT_FOUND, details, buf,
                               sizeof(buf));
    assert_int_equal(len, strlen(want[1]));
    assert_memory_equal(buf, want[1], len);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(an_answer_says_what_was_decided),
        cmocka_unit_test(a_variant_is_as_brief_as_it_says),
        cmocka_unit_test(a_set_without_flags_has_an_answer),
        cmocka_unit_test(an_error_is_cut_at_the_size)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
