
/*
 * Copyright (C) Flagship
 */


/*
 * The verifier: whatever it lets pass is safe to search, to evaluate and to
 * link onto.  Images are damaged in every byte, with the digest repaired, as
 * no accident could; the sanitizers are the judges of what happens then.
 */


#include "sample.h"
#include "flagship_code.h"
#include "flagship_export.h"
#include "flagship_ofrep.h"


#define LARGE  13        /* times the sample's flags: 64 KiB */


typedef struct {
    engine_context_t     context[8];
    flagship_scratch_t  *scratch;
    flagship_errors_t   *errors;
    flagship_idset_t    *set;
    size_t               sources;    /* where what is not evaluated begins */
    size_t               damaged;    /* the byte, where it is one */
    size_t               asked;      /* the only context that is asked */
    unsigned             passed;
    unsigned             refused;
} verify_t;


static void
open_contexts(verify_t *v)
{
    size_t                     i;
    flagship_idset_builder_t  *builder;

    memset(v, 0, sizeof(verify_t));

    builder = flagship_idset_create();
    assert_non_null(builder);
    flagship_idset_add(builder, unit_str("1.2.3"));
    assert_int_equal(flagship_idset_build(builder, &v->set), FLAGSHIP_OK);
    flagship_idset_destroy(builder);

    for (i = 0; i < unit_n(contexts); i++) {
        v->context[i].text = engine_parse(&v->context[i].read.json,
                                          contexts[i]);
        flagship_context_set(&v->context[i].read,
                             v->context[i].read.json.nodes);
    }

    v->scratch = malloc(sizeof(flagship_scratch_t));
    v->errors = malloc(sizeof(flagship_errors_t));
    assert_non_null(v->scratch);
    assert_non_null(v->errors);
    v->sources = SIZE_MAX;
    v->asked = SIZE_MAX;
}


static void
close_contexts(verify_t *v)
{
    size_t  i;

    for (i = 0; i < unit_n(contexts); i++) {
        flagship_context_free(&v->context[i].read);
        free(v->context[i].text);
    }

    free(v->set);
    free(v->scratch);
    free(v->errors);
}


/* Every byte of a text is read. */

static void
touch(flagship_str_t s)
{
    size_t                  i;
    static volatile size_t  sum;

    for (i = 0; i < s.len; i++) {
        sum += (unsigned char) s.data[i];
    }
}


/* What is written out of what an image keeps. */

static void
read_back(verify_t *v, const flagship_image_t *image)
{
    char      *text;
    size_t     len;
    unsigned   form;

    for (form = 0; form < 2; form++) {
        flagship_errors_init(v->errors);
        assert_int_equal(flagship_export(image, form, unit_str("prod"), NULL,
                                         &text, &len, v->errors),
                         FLAGSHIP_OK);
        touch(flagship_str(text, len));
        free(text);
    }
}


static void
use(verify_t *v, const flagship_image_t *image)
{
    char                     *body;
    void                     *memory;
    size_t                    i, size;
    uint32_t                  flag, set;
    flagship_eval_t          *ev;
    flagship_decision_t       d;
    flagship_explanation_t    trace;
    const flagship_idset_t  **sets;

    memory = malloc(flagship_eval_size(image));
    assert_non_null(memory);

    memset(&trace, 0, sizeof(trace));

    sets = malloc((image->sets.n + 1) * sizeof(flagship_idset_t *));
    assert_non_null(sets);

    for (set = 0; set < image->sets.n; set++) {
        touch(flagship_image_set(image, set));
        (void) flagship_image_set_lost(image, set);
        sets[set] = v->set;
    }

    for (i = 0; i < unit_n(contexts); i++) {

        if (v->asked != SIZE_MAX && v->asked != i) {
            continue;
        }

        v->scratch->used = 0;
        ev = flagship_eval_init(memory, image, v->scratch, ENGINE_NOW,
                                flagship_context_fetch, &v->context[i].read);
        flagship_eval_bind_sets(ev, sets);

        for (flag = 0; flag < image->flags.n; flag++) {
            flagship_eval(ev, flag, &d);

            touch(flagship_flag_key(image, flag));
            touch(flagship_reason_name(d.reason));
            touch(flagship_error_name(d.error));
            (void) flagship_decision_enabled(image, &d);

            if (d.variant != FLAGSHIP_NO_VARIANT) {
                touch(flagship_variant_name(image, flag, d.variant));
                touch(flagship_variant_text(image, flag, d.variant));
                touch(flagship_variant_json(image, flag, d.variant));
            }

            size = flagship_ofrep_size(image, &d);
            body = malloc(size);
            assert_non_null(body);
            touch(flagship_str(body, flagship_ofrep_answer(image, &d, body)));
            free(body);

            trace.len = 0;
            assert_int_equal(flagship_explain(ev, flag, &d, &trace),
                             FLAGSHIP_OK);
        }
    }

    free(trace.data);
    free(sets);
    free(memory);

    (void) flagship_image_find(image, unit_str("values"));
    (void) flagship_image_find(image, unit_str("none"));
    (void) flagship_image_find_folded(image, unit_str("new_ui"));
    (void) flagship_image_find_folded(image, unit_str("none"));

    touch(flagship_str(flagship_at(image, image->metadata.offset),
                       image->metadata.n));
}


/* Links a change onto it; the result is verified by the linker itself. */

static void
link_onto(const flagship_image_t *image)
{
    int                 rc;
    size_t              len;
    flagship_unit_t    *unit;
    flagship_image_t   *next;
    flagship_errors_t  *errors;

    errors = malloc(sizeof(flagship_errors_t));
    assert_non_null(errors);
    flagship_errors_init(errors);

    unit = flagship_unit_create(image->fractional);
    assert_non_null(unit);
    flagship_unit_add_broken(unit, unit_str("values"), 0);
    flagship_unit_remove(unit, unit_str("simple"), 0);

    rc = flagship_link(unit, image, 0, &next, &len, errors);

    if (rc == FLAGSHIP_OK) {
        free(next);
    }

    flagship_unit_destroy(unit);
    free(errors);
}


static void
try_image(verify_t *v, flagship_image_t *image, size_t len)
{
    const char  *error;

    image->digest = flagship_image_digest(image);
    error = NULL;

    if (flagship_image_verify(image, len, &error) != FLAGSHIP_OK) {
        assert_non_null(error);
        v->refused++;
        return;
    }

    v->passed++;

    /* documents are not evaluated, nor is code read back; of marks and names,
       which stand between documents, a part will do */

    if (v->damaged < v->sources || v->passed % 8 == 0) {
        use(v, image);
    }

    if (v->damaged >= v->sources || v->passed % 8 == 0) {
        read_back(v, image);
    }

    if (v->passed % 4 == 0) {
        link_onto(image);
    }
}


static void
a_damaged_byte_is_refused_without_the_digest(void **state)
{
    char        *copy;
    size_t       i;
    engine_t     engine;
    const char  *error;

    engine_open(&engine, sample);
    copy = (char *) engine.image;

    assert_int_equal(flagship_image_verify(engine.image, engine.len, &error),
                     FLAGSHIP_OK);

    for (i = 0; i < engine.len; i++) {
        copy[i] ^= 1 << (i % 8);
        assert_int_equal(flagship_image_verify(engine.image, engine.len,
                                               &error),
                         FLAGSHIP_DECLINED);
        copy[i] ^= 1 << (i % 8);
    }

    engine_close(&engine);
}


static void
a_cut_image_is_refused(void **state)
{
    char        *copy;
    size_t       len;
    engine_t     engine;
    const char  *error;

    engine_open(&engine, sample);

    for (len = 0; len < engine.len; len++) {
        copy = unit_copy((char *) engine.image, len);
        assert_int_equal(flagship_image_verify(copy, len, &error),
                         FLAGSHIP_DECLINED);

        /* one that says itself that it is so short */

        if (len >= sizeof(flagship_image_t)) {
            flagship_image_t  *image = (flagship_image_t *) copy;
            verify_t           v;

            image->len = (uint32_t) len;
            open_contexts(&v);
            try_image(&v, image, len);
            close_contexts(&v);
        }

        free(copy);
    }

    engine_close(&engine);
}


/* Behind the references to sources: they are many bytes of text. */

static size_t
documents(const flagship_image_t *image)
{
    return image->sources.offset + image->sources.n * 8;
}


static void
any_byte_is_refused_or_safe(void **state)
{
    size_t           i, k;
    unsigned char   *p, was;
    engine_t         engine;
    verify_t         v;

    static const unsigned char  other[] = {
        0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff
    };

    engine_open(&engine, sample);
    open_contexts(&v);

    p = (unsigned char *) engine.image;
    v.sources = documents(engine.image);

    for (i = 0; i < engine.len; i++) {
        was = p[i];
        v.damaged = i;

        /* the length is the caller's, too */

        if (i >= offsetof(flagship_image_t, len)
            && i < offsetof(flagship_image_t, len) + sizeof(uint32_t))
        {
            continue;
        }

        for (k = 0; k < unit_n(other); k++) {
            p[i] = was ^ other[k];
            try_image(&v, engine.image, engine.len);
        }

        p[i] = was;
    }

    print_message("bytes: %u refused, %u safe\n", v.refused, v.passed);
    assert_true(v.refused > 1000);

    close_contexts(&v);
    engine_close(&engine);
}


static void
any_word_is_refused_or_safe(void **state)
{
    size_t      i, k;
    uint32_t   *p, was;
    engine_t    engine;
    verify_t    v;

    engine_open(&engine, sample);
    open_contexts(&v);

    p = (uint32_t *) engine.image;
    v.sources = documents(engine.image);

    for (i = 0; i < engine.len / sizeof(uint32_t); i++) {
        was = p[i];
        v.damaged = i * sizeof(uint32_t);

        if (i == offsetof(flagship_image_t, len) / sizeof(uint32_t)) {
            continue;
        }

        for (k = 0; k < 12; k++) {

            const uint32_t  values[] = {
                0, 1, 7, 8, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff,
                (uint32_t) engine.len, (uint32_t) engine.len - 8, was + 8,
                was - 8
            };

            p[i] = values[k];
            try_image(&v, engine.image, engine.len);
        }

        p[i] = was;
    }

    print_message("words: %u refused, %u safe\n", v.refused, v.passed);

    close_contexts(&v);
    engine_close(&engine);
}


/* One of many flags, which is more than the tables of few can tell. */

static void
a_large_image_is_refused_or_safe(void **state)
{
    char           *text, *copy, *p;
    size_t          i, n, at[4];
    uint64_t        seed;
    unsigned        round;
    engine_t        engine;
    verify_t        v;

    text = sample_large(LARGE);
    engine_open(&engine, text);
    free(text);

    assert_in_range(engine.len, 60 * 1024, 72 * 1024);

    open_contexts(&v);

    copy = unit_copy((char *) engine.image, engine.len);
    p = (char *) engine.image;
    v.sources = documents(engine.image);
    seed = 11;

    for (round = 0; round < 20000; round++) {

        n = 1 + unit_random(&seed) % unit_n(at);

        for (i = 0; i < n; i++) {
            at[i] = unit_random(&seed) % engine.len;

            /* its length is the caller's, too */

            if (at[i] >= offsetof(flagship_image_t, len)
                && at[i] < offsetof(flagship_image_t, len)
                           + sizeof(uint32_t))
            {
                at[i] = 0;
            }

            p[at[i]] = (unit_random(&seed) & 1)
                       ? p[unit_random(&seed) % engine.len]
                       : (char) (p[at[i]] ^ 1 << unit_random(&seed) % 8);
        }

        v.damaged = at[0];
        v.asked = round % unit_n(contexts);
        try_image(&v, engine.image, engine.len);

        for (i = 0; i < n; i++) {
            p[at[i]] = copy[at[i]];
        }
    }

    print_message("large: %u refused, %u safe\n", v.refused, v.passed);
    assert_true(v.refused > 1000 && v.passed > 1000);

    free(copy);
    close_contexts(&v);
    engine_close(&engine);
}


/* Several at once: one alone may be caught where it disagrees with others. */

static void
many_bytes_are_refused_or_safe(void **state)
{
    size_t          i, n;
    uint64_t        seed;
    unsigned        round;
    engine_t        engine;
    verify_t        v;
    unsigned char  *p, *copy;

    engine_open(&engine, sample);
    open_contexts(&v);

    copy = malloc(engine.len);
    assert_non_null(copy);
    memcpy(copy, engine.image, engine.len);

    p = (unsigned char *) engine.image;
    seed = 5;

    for (round = 0; round < 20000; round++) {
        n = 2 + unit_random(&seed) % 6;

        while (n--) {
            i = sizeof(flagship_image_t) + unit_random(&seed)
                % (engine.len - sizeof(flagship_image_t));
            p[i] = (unit_random(&seed) & 1)
                   ? p[unit_random(&seed) % engine.len]
                   : (unsigned char) (p[i] ^ 1 << unit_random(&seed) % 8);
        }

        try_image(&v, engine.image, engine.len);

        memcpy(engine.image, copy, engine.len);
    }

    print_message("several: %u refused, %u safe\n", v.refused, v.passed);

    free(copy);
    close_contexts(&v);
    engine_close(&engine);
}


static void
what_is_not_aligned_is_refused(void **state)
{
    char        *copy;
    engine_t     engine;
    const char  *error;

    engine_open(&engine, sample);

    copy = malloc(engine.len + 8);
    assert_non_null(copy);
    memcpy(copy + 4, engine.image, engine.len);

    assert_int_equal(flagship_image_verify(copy + 4, engine.len, &error),
                     FLAGSHIP_DECLINED);

    free(copy);
    engine_close(&engine);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_damaged_byte_is_refused_without_the_digest),
        cmocka_unit_test(a_cut_image_is_refused),
        cmocka_unit_test(any_byte_is_refused_or_safe),
        cmocka_unit_test(any_word_is_refused_or_safe),
        cmocka_unit_test(a_large_image_is_refused_or_safe),
        cmocka_unit_test(many_bytes_are_refused_or_safe),
        cmocka_unit_test(what_is_not_aligned_is_refused)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
