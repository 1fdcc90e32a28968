
/*
 * Copyright (C) Flagship
 */


/*
 * The engine as a test sees it: the text of a document goes in, and a context's
 * text gives decisions.  Whatever the engine gets lies in memory of its own,
 * so that a sanitizer sees reads beyond.
 */


#ifndef _FLAGSHIP_ENGINE_H_INCLUDED_
#define _FLAGSHIP_ENGINE_H_INCLUDED_


#include "unit.h"

#include "flagship_compile.h"
#include "flagship_context.h"
#include "flagship_document.h"
#include "flagship_eval.h"
#include "flagship_explain.h"
#include "flagship_hash.h"


#define ENGINE_NOW  1700000000


typedef struct {
    flagship_image_t    *image;
    size_t               len;
    flagship_errors_t    errors;
} engine_t;


/* What a context hands on points into its text. */

typedef struct {
    char                *text;
    size_t               len;
    flagship_context_t   read;
    unsigned             fetched;    /* calls */
} engine_context_t;


/* An evaluation: one request on one image. */

typedef struct {
    flagship_eval_t     *ev;
    flagship_scratch_t  *scratch;
    engine_context_t     context;
    const engine_t      *engine;
} engine_request_t;


typedef struct {
    flagship_decision_t  decision;
    char                 variant[160];   /* "" where there is none */
    char                 value[1024];    /* JSON, "" where there is none */
    char                 reason[32];
    char                 error[32];      /* "" where there is none */
    int                  enabled;
} engine_result_t;


/*
 * The promise that an evaluation allocates nothing is kept in every test: the
 * sanitizer counts.
 */

int __sanitizer_install_malloc_and_free_hooks(
    void (*malloc_hook)(const volatile void *p, size_t size),
    void (*free_hook)(const volatile void *p)) __attribute__((weak));

static unsigned  engine_allocations;


static inline void
engine_malloc(const volatile void *p, size_t size)
{
    engine_allocations++;
}


static inline void
engine_free(const volatile void *p)
{
    /* void */
}


static inline void
engine_count_allocations(void)
{
    static int  counts;

    if (!counts && __sanitizer_install_malloc_and_free_hooks) {
        counts = __sanitizer_install_malloc_and_free_hooks(engine_malloc,
                                                           engine_free);
        assert_int_not_equal(counts, 0);
    }
}


/* Takes the copy and the document of a text that must be JSON. */

static inline char *
engine_parse(flagship_json_t *json, const char *text)
{
    char    *copy;
    size_t   len;

    len = strlen(text);
    copy = unit_copy(text, len);

    flagship_json_init(json);

    if (flagship_json_parse(json, copy, len) != FLAGSHIP_OK) {
        fail_msg("no JSON at %zu: %s\n%s", json->offset, json->error, text);
    }

    return copy;
}


static inline int
engine_keep_unit(void *data, flagship_str_t tenant,
    flagship_str_t environment, flagship_unit_t *unit)
{
    flagship_unit_t  **kept = data;

    if (*kept) {
        flagship_unit_destroy(*kept);
    }

    *kept = unit;

    return FLAGSHIP_OK;
}


/* The unit of a document of one flag set; the text is gone when it returns. */

static inline flagship_unit_t *
engine_unit(const char *text, flagship_errors_t *errors)
{
    char             *copy;
    flagship_json_t   json;
    flagship_unit_t  *unit;

    unit = NULL;
    copy = engine_parse(&json, text);

    if (flagship_document_compile(json.nodes, unit_str("default"),
                                  unit_str("prod"), engine_keep_unit, &unit,
                                  errors)
        != FLAGSHIP_OK)
    {
        fail_msg("the document is refused: %s\n%s", errors->n
                 ? errors->list[0].message : "no error", text);
    }

    assert_non_null(unit);

    flagship_json_free(&json);
    memset(copy, 'x', strlen(text));
    free(copy);

    return unit;
}


/* Links a document onto the image that the engine has, if any. */

static inline void
engine_link(engine_t *engine, const char *text, int whole)
{
    int                rc;
    size_t             len;
    flagship_unit_t   *unit;
    flagship_image_t  *image;

    flagship_errors_init(&engine->errors);

    unit = engine_unit(text, &engine->errors);

    rc = flagship_link(unit, engine->image, whole, &image, &len,
                       &engine->errors);

    if (rc != FLAGSHIP_OK) {
        fail_msg("linking gives %d: %s\n%s", rc, engine->errors.n
                 ? engine->errors.list[0].message : "no error", text);
    }

    flagship_unit_destroy(unit);

    free(engine->image);

    engine->image = image;
    engine->len = len;

    assert_int_equal(image->len, len);
}


static inline void
engine_open(engine_t *engine, const char *text)
{
    engine->image = NULL;
    engine_link(engine, text, 1);
}


static inline void
engine_close(engine_t *engine)
{
    free(engine->image);
    engine->image = NULL;
}


static inline void
engine_fetch(void *data, flagship_str_t path, uint32_t hash,
    flagship_value_t *value)
{
    engine_context_t  *context = data;

    assert_int_equal(hash, flagship_hash32(path.data, path.len));

    context->fetched++;
    flagship_context_fetch(&context->read, path, hash, value);
}


static inline void
engine_begin(engine_request_t *r, const engine_t *engine, const char *context,
    int64_t now)
{
    void  *memory;

    memory = malloc(flagship_eval_size(engine->image));
    r->scratch = malloc(sizeof(flagship_scratch_t));
    assert_non_null(memory);
    assert_non_null(r->scratch);

    memset(memory, 0xa5, flagship_eval_size(engine->image));
    memset(r->scratch, 0xa5, sizeof(flagship_scratch_t));
    r->scratch->used = 0;
    r->scratch->spilled = 0;

    r->engine = engine;
    r->context.fetched = 0;
    flagship_context_init(&r->context.read);
    r->context.len = strlen(context);
    r->context.text = engine_parse(&r->context.read.json, context);
    flagship_context_set(&r->context.read, r->context.read.json.nodes);

    r->ev = flagship_eval_init(memory, engine->image, r->scratch, now,
                               engine_fetch, &r->context);
    assert_ptr_equal(r->ev, memory);
}


static inline void
engine_end(engine_request_t *r)
{
    free(r->ev);
    free(r->scratch);
    flagship_context_free(&r->context.read);
    free(r->context.text);
}


static inline void
engine_copy(char *buf, size_t size, flagship_str_t s)
{
    assert_true(s.len < size);
    memcpy(buf, s.data, s.len);
    buf[s.len] = '\0';
}


/* Whatever is asked is explained too: by the same code, so with the same
   decision, and as JSON that says so.  A context that was parsed is read here,
   straight into slots. */

static inline void
engine_explain(engine_request_t *r, uint32_t flag, flagship_decision_t *d)
{
    void                        *memory;
    flagship_eval_t             *ev;
    flagship_json_t              json;
    flagship_context_t           read;
    flagship_scratch_t          *scratch;
    flagship_decision_t          explained;
    const flagship_image_t      *image;
    flagship_explanation_t       trace;
    const flagship_json_node_t  *variant;

    image = r->engine->image;
    memory = malloc(flagship_eval_size(image));
    scratch = calloc(1, sizeof(flagship_scratch_t));
    assert_non_null(memory);
    assert_non_null(scratch);

    memset(&trace, 0, sizeof(trace));
    memset(&explained, 0xa5, sizeof(explained));

    flagship_context_init(&read);

    ev = flagship_eval_init(memory, image, scratch, r->ev->now,
                            flagship_context_fetch, &read);

    if (r->context.read.root->type == FLAGSHIP_JSON_OBJECT) {
        assert_int_equal(flagship_context_read(&read, ev, r->context.text,
                                               r->context.len, NULL),
                         FLAGSHIP_OK);

    } else {
        flagship_context_set(&read, r->context.read.root);
    }

    flagship_eval_bind_sets(ev, r->ev->sets);

    assert_int_equal(flagship_explain(ev, flag, &explained, &trace),
                     FLAGSHIP_OK);

    assert_int_equal(explained.flag, d->flag);
    assert_int_equal(explained.variant, d->variant);
    assert_int_equal(explained.reason, d->reason);
    assert_int_equal(explained.error, d->error);

    flagship_json_init(&json);

    if (flagship_json_parse(&json, trace.data, trace.len) != FLAGSHIP_OK) {
        fail_msg("%s at %zu: %.*s", json.error, json.offset, (int) trace.len,
                 trace.data);
    }

    variant = flagship_json_get(json.nodes, "variant");
    assert_non_null(variant);

    if (d->variant == FLAGSHIP_NO_VARIANT) {
        assert_int_equal(variant->type, FLAGSHIP_JSON_NULL);

    } else {
        assert_true(flagship_str_eq(flagship_json_str(variant),
                                    flagship_variant_name(image, flag,
                                                          d->variant)));
    }

    flagship_json_free(&json);
    flagship_context_free(&read);
    free(trace.data);
    free(scratch);
    free(memory);
}


static inline void
engine_ask(engine_request_t *r, const char *key, engine_result_t *result)
{
    uint32_t                 flag;
    unsigned                 allocations;
    flagship_decision_t     *d;
    const flagship_image_t  *image;

    memset(result, 0, sizeof(engine_result_t));

    image = r->engine->image;
    d = &result->decision;

    flag = flagship_image_find(image, unit_str(key));

    if (flag == FLAGSHIP_NONE) {
        strcpy(result->reason, "ERROR");
        strcpy(result->error, "FLAG_NOT_FOUND");
        return;
    }

    memset(d, 0xa5, sizeof(flagship_decision_t));

    engine_count_allocations();
    allocations = engine_allocations;

    flagship_eval(r->ev, flag, d);

    assert_int_equal(engine_allocations, allocations);
    assert_int_equal(d->flag, flag);

    engine_explain(r, flag, d);

    engine_copy(result->reason, sizeof(result->reason),
                flagship_reason_name(d->reason));

    if (d->error != FLAGSHIP_ERROR_NONE) {
        engine_copy(result->error, sizeof(result->error),
                    flagship_error_name(d->error));
        assert_int_equal(d->reason, FLAGSHIP_REASON_ERROR);
        assert_int_equal(d->variant, FLAGSHIP_NO_VARIANT);
    }

    if (d->variant != FLAGSHIP_NO_VARIANT) {
        engine_copy(result->variant, sizeof(result->variant),
                    flagship_variant_name(image, flag, d->variant));
        engine_copy(result->value, sizeof(result->value),
                    flagship_variant_json(image, flag, d->variant));
    }

    result->enabled = flagship_decision_enabled(image, d);
}


static inline void
engine_decide(const engine_t *engine, const char *key, const char *context,
    engine_result_t *result)
{
    engine_request_t  r;

    engine_begin(&r, engine, context, ENGINE_NOW);
    engine_ask(&r, key, result);
    engine_end(&r);
}


#endif /* _FLAGSHIP_ENGINE_H_INCLUDED_ */
