
/*
 * Copyright (C) Flagship
 */


/*
 * No memory.  Whatever core does is done again and again: with the first
 * allocation failing, the second, and so on, alone and together with all that
 * follow.  Each time it says so or does without, with the very same result,
 * and keeps nothing.
 *
 * The linker leads malloc() and its like here.
 */


#include <limits.h>

#include "sample.h"

#include "flagship_check.h"
#include "flagship_export.h"
#include "flagship_keys.h"


static unsigned  count;              /* allocations since the step began */
static unsigned  failing = UINT_MAX; /* the one that fails */
static int       onwards;            /* ... and all that follow */
static int       failed;             /* one did */
static long      blocks;             /* that are in use */


void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);


static int
fails(void)
{
    unsigned  number = count++;

    if (number == failing || (onwards && number > failing)) {
        failed = 1;
        return 1;
    }

    return 0;
}


void *
__wrap_malloc(size_t size)
{
    if (fails()) {
        return NULL;
    }

    blocks++;

    return __real_malloc(size);
}


void *
__wrap_calloc(size_t n, size_t size)
{
    if (fails()) {
        return NULL;
    }

    blocks++;

    return __real_calloc(n, size);
}


void *
__wrap_realloc(void *p, size_t size)
{
    if (fails()) {
        return NULL;
    }

    blocks += p == NULL;

    return __real_realloc(p, size);
}


void
__wrap_free(void *p)
{
    blocks -= p != NULL;

    __real_free(p);
}


/* What a step is given, made while there was memory. */

typedef struct {
    const char               *text;
    flagship_json_t           json;
    flagship_image_t         *image;
    size_t                    len;
    const flagship_idset_t  **sets;
    flagship_unit_t          *unit;      /* to be linked */
    flagship_image_t         *last;
    int                       whole;
    const char               *context;
    uint32_t                  flag;
    uint64_t                  result;    /* of what the step made */
    flagship_errors_t         errors;
} work_t;

typedef int (*step_pt)(work_t *w);


static void
result(work_t *w, const void *data, size_t len)
{
    w->result = w->result * 0x9e3779b97f4a7c15ull
                + flagship_hash32(data, len) + len;
}


static int
parse(work_t *w)
{
    int              rc;
    flagship_json_t  json;

    flagship_json_init(&json);
    rc = flagship_json_parse(&json, w->text, strlen(w->text));

    if (rc == FLAGSHIP_OK) {
        result(w, &json.n, sizeof(json.n));
    }

    flagship_json_free(&json);

    return rc;
}


static int
keep(void *data, flagship_str_t tenant, flagship_str_t environment,
    flagship_unit_t *unit)
{
    flagship_unit_t  **kept = data;

    flagship_unit_destroy(*kept);
    *kept = unit;

    return FLAGSHIP_OK;
}


static int
compile(work_t *w)
{
    int               rc;
    flagship_unit_t  *unit;

    unit = NULL;
    flagship_errors_init(&w->errors);
    w->errors.lint = 1;

    rc = flagship_document_compile(w->json.nodes, unit_str("t"),
                                   unit_str("e"), keep, &unit, &w->errors);

    if (rc == FLAGSHIP_OK) {
        result(w, &w->errors.n, sizeof(w->errors.n));
        assert_non_null(unit);
    }

    flagship_unit_destroy(unit);

    return rc;
}


static int
link_unit(work_t *w)
{
    int                rc;
    size_t             len;
    flagship_image_t  *image;

    flagship_errors_init(&w->errors);
    w->errors.lint = 1;

    rc = flagship_link(w->unit, w->last, w->whole, &image, &len, &w->errors);

    if (rc == FLAGSHIP_OK) {
        result(w, image, len);
        free(image);
    }

    return rc;
}


static int
export(work_t *w)
{
    int     rc;
    char   *text;
    size_t  len;

    flagship_errors_init(&w->errors);

    rc = flagship_export(w->image, w->whole ? FLAGSHIP_EXPORT_FLAGSHIP
                         : FLAGSHIP_EXPORT_FLAGD, unit_str("e"), w->sets,
                         &text, &len, &w->errors);

    if (rc == FLAGSHIP_OK) {
        result(w, text, len);
        free(text);
    }

    return rc;
}


static int
check(work_t *w)
{
    int               rc;
    flagship_check_t  check;

    flagship_errors_init(&w->errors);

    check.image = w->image;
    check.key = unit_str("New-ui");
    check.segment = 0;
    check.errors = &w->errors;

    rc = flagship_check(&check, w->json.nodes);

    if (rc == FLAGSHIP_DECLINED) {
        result(w, &w->errors.n, sizeof(w->errors.n));
        rc = FLAGSHIP_OK;
    }

    return rc;
}


/* A context read, and all flags of it explained. */

static int
explain(work_t *w)
{
    int                     rc;
    uint32_t                flag;
    flagship_eval_t        *ev;
    flagship_context_t      context;
    flagship_decision_t     d;
    flagship_explanation_t  trace;

    static char                memory[65536] __attribute__((aligned(8)));
    static flagship_scratch_t  scratch;

    assert_in_range(flagship_eval_size(w->image), 1, sizeof(memory));

    memset(&trace, 0, sizeof(trace));
    flagship_context_init(&context);

    ev = flagship_eval_init(memory, w->image, &scratch, ENGINE_NOW,
                            flagship_context_fetch, &context);

    rc = flagship_context_read(&context, ev, w->context, strlen(w->context),
                               NULL);

    for (flag = 0; rc == FLAGSHIP_OK && flag < w->image->flags.n; flag++) {
        rc = flagship_explain(ev, flag, &d, &trace);
    }

    if (rc == FLAGSHIP_OK) {
        result(w, trace.data, trace.len);
    }

    free(trace.data);
    flagship_context_free(&context);

    return rc;
}


/* The verifier has one word for all that it does not vouch for. */

static int
verify(work_t *w)
{
    const char  *error;

    if (flagship_image_verify(w->image, w->len, &error) == FLAGSHIP_OK) {
        return FLAGSHIP_OK;
    }

    assert_string_equal(error, "no memory");

    return FLAGSHIP_ERROR;
}


static int
keep_set(void *data, flagship_str_t name, flagship_idset_t *set)
{
    result(data, set, set->len);
    free(set);

    return FLAGSHIP_OK;
}


static int
idsets(work_t *w)
{
    return flagship_document_idsets(w->json.nodes, keep_set, w);
}


static int
keys(work_t *w)
{
    int             rc;
    void           *blob;
    size_t          len;
    flagship_key_t  key;

    static const unsigned char  hash[FLAGSHIP_KEY_HASH];

    memset(&key, 0, sizeof(key));
    key.id = unit_str("a-key-of-tests");
    key.hash = hash;
    key.role = FLAGSHIP_ROLE_OPERATOR;
    key.expires = FLAGSHIP_KEY_FOREVER;

    rc = flagship_keys_build(&key, 1, &blob, &len);

    if (rc == FLAGSHIP_OK) {
        result(w, blob, len);
        free(blob);
    }

    return rc;
}


static void
run(const char *name, step_pt step, work_t *w)
{
    int       rc;
    long      before;
    unsigned  n, all;
    uint64_t  expected;

    w->result = 0;
    all = count;
    assert_int_equal(step(w), FLAGSHIP_OK);
    all = count - all;
    expected = w->result;

    for (n = 0; n < 2 * all; n++) {
        before = blocks;

        w->result = 0;
        count = 0;
        failed = 0;
        failing = n / 2;
        onwards = n & 1;

        rc = step(w);

        failing = UINT_MAX;
        onwards = 0;

        if (!failed) {
            fail_msg("%s: allocation %u of %u did not happen", name, n / 2,
                     all);
        }

        if (rc != FLAGSHIP_ERROR
            && (rc != FLAGSHIP_OK || w->result != expected))
        {
            fail_msg("%s: without allocation %u of %u: %d", name, n / 2, all,
                     rc);
        }

        if (blocks != before) {
            fail_msg("%s: without allocation %u of %u: %ld blocks are kept",
                     name, n / 2, all, blocks - before);
        }
    }

    print_message("%s: %u allocations\n", name, all);
}


/* flagd's form, with evaluators; names enough for a table; what is refused. */

static char *
flagd(void)
{
    char      *text, *p;
    unsigned   i;

    text = malloc(40000);
    assert_non_null(text);

    p = text + sprintf(text, "{\"$evaluators\": {\"staff\": {\"ends_with\":"
                       " [{\"var\": \"email\"}, \"@example.com\"]}},"
                       " \"metadata\": {\"team\": \"web\"}, \"flags\": {");

    for (i = 0; i < 80; i++) {
        p += sprintf(p, "%s\"flag\\u002d%u\": {\"state\": \"ENABLED\","
                     " \"variants\": {\"on\": \"\\u00e9%u\", \"off\": \"\"},"
                     " \"defaultVariant\": \"off\", \"targeting\": {\"if\":"
                     " [{\"and\": [{\"$ref\": \"%s\"}, {\"in\":"
                     " [{\"var\": \"a%u\"}, [\"x%u\", \"y\", %u]]}]},"
                     " \"on\", {\"fractional\": [[\"on\", %u],"
                     " [\"off\", 1]]}]}}", i ? ", " : "", i, i,
                     i % 9 ? "staff" : "none", i, i, i, i);
    }

    strcpy(p, "}}");

    return text;
}


static void
open_work(work_t *w, const char *text)
{
    char  *copy;

    memset(w, 0, sizeof(work_t));

    w->text = text;
    copy = engine_parse(&w->json, text);
    free(copy);

    flagship_json_free(&w->json);
    flagship_json_init(&w->json);
    assert_int_equal(flagship_json_parse(&w->json, text, strlen(text)),
                     FLAGSHIP_OK);

    w->unit = engine_unit(text, &w->errors);
    w->whole = 1;

    assert_int_equal(flagship_link(w->unit, NULL, 1, &w->image, &w->len,
                                   &w->errors), FLAGSHIP_OK);
}


static void
close_work(work_t *w)
{
    free(w->image);
    flagship_unit_destroy(w->unit);
    flagship_json_free(&w->json);
}


static void
all_of(const char *text)
{
    size_t                   i;
    work_t                   w;
    const flagship_idset_t  *sets[8] = { NULL };

    open_work(&w, text);

    run("parse", parse, &w);
    run("compile", compile, &w);
    run("id sets", idsets, &w);
    run("link", link_unit, &w);
    run("verify", verify, &w);

    /* onto what there is, whose flags stay */

    w.last = w.image;
    w.whole = 0;
    run("link onto another", link_unit, &w);

    assert_in_range(w.image->sets.n, 0, unit_n(sets));
    w.sets = sets;
    run("export to flagd", export, &w);
    w.whole = 1;
    run("export", export, &w);

    for (i = 0; i < unit_n(contexts); i++) {
        w.context = contexts[i];
        run("explain", explain, &w);
    }

    close_work(&w);
}


static void
our_form_without_memory(void **state)
{
    all_of(sample);
}


static void
flagds_form_without_memory(void **state)
{
    char  *text;

    text = flagd();
    all_of(text);
    free(text);
}


static void
what_is_looked_up_without_memory(void **state)
{
    work_t  w;

    static const char  text[] =
        "{\"prerequisites\": [{\"flag\": \"simple\", \"variant\": \"on\"}],"
        " \"rules\": [{\"when\": {\"segment\": \"keyed\"},"
        "  \"serve\": \"on\"}, {\"when\": {\"flag\": \"none\"},"
        "  \"serve\": \"on\"}]}";

    open_work(&w, sample);

    flagship_json_free(&w.json);
    assert_int_equal(flagship_json_parse(&w.json, text, strlen(text)),
                     FLAGSHIP_OK);

    run("check", check, &w);
    run("keys", keys, &w);

    close_work(&w);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(our_form_without_memory),
        cmocka_unit_test(flagds_form_without_memory),
        cmocka_unit_test(what_is_looked_up_without_memory)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
