
/*
 * Copyright (C) Flagship
 */


/*
 * Export: documents of whole flag sets.
 */


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flagship_exporter.h"


static void flagship_export_flag(flagship_exporter_t *x, uint32_t flag,
    unsigned form);
static void flagship_export_own(flagship_exporter_t *x, uint32_t flag,
    const flagship_json_node_t *document);
static void flagship_export_converted(flagship_exporter_t *x, uint32_t flag,
    const flagship_json_node_t *document);
static int flagship_export_boolean(flagship_exporter_t *x, uint32_t flag,
    const flagship_json_node_t *targeting);
static void flagship_export_segments(flagship_exporter_t *x);
static void flagship_export_sets(flagship_exporter_t *x);
static int flagship_export_order(const void *one, const void *two);
static void flagship_export_settings(flagship_exporter_t *x, unsigned form,
    flagship_str_t environment);


int
flagship_export(const flagship_image_t *image, unsigned form,
    flagship_str_t environment, const flagship_idset_t *const *sets,
    char **text, size_t *len, flagship_errors_t *errors)
{
    uint32_t             i;
    flagship_exporter_t  x;

    memset(&x, 0, sizeof(x));

    x.image = image;
    x.sets = sets;
    x.errors = errors;
    x.lower = (form == FLAGSHIP_EXPORT_FLAGD);

    flagship_export_text(&x, form == FLAGSHIP_EXPORT_FLAGD ? "{\"flags\":{"
                                                           : "{\"flags\":[");

    for (i = 0; i < image->flags.n; i++) {
        flagship_export_flag(&x, i, form);
    }

    flagship_export_text(&x, form == FLAGSHIP_EXPORT_FLAGD ? "}" : "]");

    if (form == FLAGSHIP_EXPORT_FLAGSHIP) {
        flagship_export_segments(&x);
        flagship_export_sets(&x);
    }

    flagship_export_settings(&x, form, environment);
    flagship_export_text(&x, "}");

    free(x.evaluators.data);
    free(x.texts.data);

    if (x.nomem) {
        free(x.out.data);
        return FLAGSHIP_ERROR;
    }

    *text = x.out.data;
    *len = x.out.len;

    return FLAGSHIP_OK;
}


static void
flagship_export_flag(flagship_exporter_t *x, uint32_t flag, unsigned form)
{
    int              rc;
    unsigned         flagd;
    flagship_str_t   source;
    flagship_json_t  json;

    x->key = flagship_flag_key(x->image, flag);
    x->start = x->out.len;
    x->failed = 0;

    flagship_json_init(&json);

    rc = flagship_export_document(x, flag, 0, &json);

    if (rc == FLAGSHIP_DECLINED) {
        flagship_export_fail(x, "the flag never compiled: it has no document");
    }

    if (rc == FLAGSHIP_OK) {
        source = flagship_source(x->image, flag, 0);
        flagd = ((const flagship_source_t *) source.data)->flagd;

        memset(&x->scope, 0, sizeof(x->scope));
        x->scope.flag = flag;
        x->scope.evaluators = flagd ? flagship_export_evaluators(json.nodes)
                                    : NULL;

        if (form == FLAGSHIP_EXPORT_FLAGD) {
            flagship_export_next(x, "");
            flagship_export_string(x, x->key);
            flagship_export_text(x, ":");
            flagship_export_flagd(x, flag, json.nodes, flagd);

        } else if (flagd) {
            flagship_export_converted(x, flag, json.nodes);

        } else {
            flagship_export_own(x, flag, json.nodes);
        }
    }

    flagship_json_free(&json);

    if (x->failed) {
        x->out.len = x->start;
    }
}


/* As it came. */

static void
flagship_export_own(flagship_exporter_t *x, uint32_t flag,
    const flagship_json_node_t *document)
{
    static const flagship_str_t  but[] = {
        flagship_string("key"), flagship_string("")
    };

    flagship_export_next(x, "{\"key\":");
    flagship_export_string(x, x->key);
    flagship_export_members(x, document, but);
    flagship_export_text(x, "}");
}


/* A flag of flagd's form in ours. */

static void
flagship_export_converted(flagship_exporter_t *x, uint32_t flag,
    const flagship_json_node_t *document)
{
    int                          wrap;
    const flagship_flag_t       *f;
    const flagship_json_node_t  *targeting, *name;

    static const char *const     types[] = { "boolean", "string", "number",
                                             "json" };
    static const flagship_str_t  but[] = {
        flagship_string("key"), flagship_string("state"),
        flagship_string("defaultVariant"), flagship_string("targeting"),
        flagship_string("$evaluators"), flagship_string("$schema"),
        flagship_string("")
    };

    f = flagship_flags(x->image) + flag;

    flagship_export_next(x, "{\"key\":");
    flagship_export_string(x, x->key);
    flagship_export_text(x, ",\"type\":\"");
    flagship_export_text(x, types[f->type]);
    flagship_export_text(x, f->bits & FLAGSHIP_FLAG_ENABLED
                            ? "\",\"enabled\":true" : "\",\"enabled\":false");

    name = flagship_json_get(document, "defaultVariant");

    if (name) {
        flagship_export_text(x, ",\"default_variant\":");
        flagship_export_node(x, name);
    }

    targeting = flagship_json_get(document, "targeting");

    if (targeting && targeting->type != FLAGSHIP_JSON_NULL
        && (targeting->type != FLAGSHIP_JSON_OBJECT || targeting->len))
    {
        wrap = flagship_export_boolean(x, flag, targeting);

        flagship_export_text(x, wrap ? ",\"rules\":[{\"serve\":{\"if\":[true,"
                                     : ",\"rules\":[{\"serve\":");
        x->whole = 1;
        flagship_export_rule(x, targeting, 0);
        x->whole = 0;
        flagship_export_text(x, wrap ? "]}}]" : "}]");
    }

    flagship_export_members(x, document, but);
    flagship_export_text(x, "}");
}


/* Whether a rule of ours must not serve it as it stands: it can only be
   boolean, and the flag has no such variants. */

static int
flagship_export_boolean(flagship_exporter_t *x, uint32_t flag,
    const flagship_json_node_t *targeting)
{
    uint32_t                    i;
    flagship_str_t              name;
    flagship_args_t             args;
    const flagship_operator_t  *op;

    if (!flagship_rule_read(targeting, &args)) {
        return 0;
    }

    for (i = 0; i < flagship_flags(x->image)[flag].nvariants; i++) {
        name = flagship_variant_name(x->image, flag, i);

        if (flagship_str_is(name, "true") || flagship_str_is(name, "false")) {
            return 0;
        }
    }

    for (op = flagship_operators; op->name.len; op++) {
        if (flagship_str_eq(op->name, args.name)) {
            return op->value == NULL;
        }
    }

    /* "$ref" may stand for one */

    return 1;
}


static void
flagship_export_segments(flagship_exporter_t *x)
{
    int                     rc;
    uint32_t                i;
    flagship_json_t         json;
    const flagship_flag_t  *s;

    if (x->image->segments.n == 0) {
        return;
    }

    flagship_export_text(x, ",\"segments\":[");

    for (i = 0; i < x->image->segments.n; i++) {
        s = flagship_segments(x->image) + i;

        flagship_json_init(&json);

        rc = flagship_export_document(x, i, 1, &json);

        if (rc == FLAGSHIP_OK) {
            flagship_export_next(x, "{\"key\":");
            flagship_export_string(x, flagship_str(flagship_at(x->image,
                                                               s->chunk
                                                               + s->key),
                                                   s->key_len));
            flagship_export_text(x, ",\"when\":");
            flagship_export_node(x, json.nodes);
            flagship_export_text(x, "}");
        }

        flagship_json_free(&json);
    }

    flagship_export_text(x, "]");
}


/* The members in byte order: the same set gives the same text. */

static void
flagship_export_sets(flagship_exporter_t *x)
{
    uint32_t         i, k, n;
    uint64_t         at;
    flagship_str_t   id, *ids;

    if (x->image->sets.n == 0 || x->sets == NULL) {
        return;
    }

    flagship_export_text(x, ",\"sets\":{");

    for (i = 0; i < x->image->sets.n; i++) {
        flagship_export_next(x, "");
        flagship_export_string(x, flagship_image_set(x->image, i));
        flagship_export_text(x, ":[");

        n = x->sets[i] ? x->sets[i]->n : 0;

        ids = malloc(((size_t) n + 1) * sizeof(flagship_str_t));
        if (ids == NULL) {
            x->nomem = 1;
            return;
        }

        at = 0;

        for (k = 0; k < n && flagship_idset_next(x->sets[i], &at, &id); k++) {
            ids[k] = id;
        }

        n = k;
        qsort(ids, n, sizeof(flagship_str_t), flagship_export_order);

        for (k = 0; k < n; k++) {
            flagship_export_next(x, "");
            flagship_export_string(x, ids[k]);
        }

        free(ids);

        flagship_export_text(x, "]");
    }

    flagship_export_text(x, "}");
}


static int
flagship_export_order(const void *one, const void *two)
{
    int                    rc;
    const flagship_str_t  *a = one, *b = two;

    rc = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);

    return rc ? rc : (a->len > b->len) - (a->len < b->len);
}


/* Of the flag set: its generation of fractional, its metadata, evaluators. */

static void
flagship_export_settings(flagship_exporter_t *x, unsigned form,
    flagship_str_t environment)
{
    char                   number[32];
    uint32_t               i, n;
    flagship_str_t         metadata;
    flagship_evaluator_t  *e;

    metadata = flagship_str(flagship_at(x->image, x->image->metadata.offset),
                            x->image->metadata.n);

    if (form == FLAGSHIP_EXPORT_FLAGSHIP) {

        if (metadata.len == 0 && x->image->fractional == 2) {
            return;
        }

        flagship_export_text(x, ",\"environments\":[{\"key\":");
        flagship_export_string(x, environment);
        (void) snprintf(number, sizeof(number), ",\"fractional\":%u",
                        x->image->fractional);
        flagship_export_text(x, number);

    } else {

        if (x->image->fractional != 2) {
            flagship_errors_warn(x->errors, "generation",
                                 flagship_str("", 0), "", "flagd's form does "
                                 "not say that fractional is of generation "
                                 "%u here", x->image->fractional);
        }

        e = (flagship_evaluator_t *) x->evaluators.data;
        n = x->evaluators.len / sizeof(flagship_evaluator_t);

        for (i = 0; i < n; i++) {
            flagship_export_text(x, i ? "," : ",\"$evaluators\":{");
            flagship_export_string(x, flagship_str(x->texts.data + e[i].name,
                                                   e[i].name_len));
            flagship_export_text(x, ":");

            if (flagship_buf_add(&x->out, x->texts.data + e[i].text,
                                 e[i].len) == NULL)
            {
                x->nomem = 1;
            }
        }

        flagship_export_text(x, n ? "}" : "");
    }

    if (metadata.len) {
        flagship_export_text(x, ",\"metadata\":");

        if (flagship_buf_add(&x->out, metadata.data, metadata.len) == NULL) {
            x->nomem = 1;
        }
    }

    flagship_export_text(x, form == FLAGSHIP_EXPORT_FLAGSHIP ? "}]" : "");
}


int
flagship_export_document(flagship_exporter_t *x, uint32_t record, int segment,
    flagship_json_t *json)
{
    int             rc;
    flagship_str_t  source, text;

    source = flagship_source(x->image, record, segment);

    if (source.len == 0) {
        return FLAGSHIP_DECLINED;
    }

    text = flagship_source_document(source);

    rc = flagship_json_parse(json, text.data, text.len);

    if (rc == FLAGSHIP_ERROR) {
        x->nomem = 1;
        return rc;
    }

    if (rc == FLAGSHIP_OK && !segment
        && json->nodes->type != FLAGSHIP_JSON_OBJECT)
    {
        return FLAGSHIP_DECLINED;
    }

    return rc;
}


const flagship_json_node_t *
flagship_export_evaluators(const flagship_json_node_t *document)
{
    const flagship_json_node_t  *node;

    node = flagship_json_get(document, "$evaluators");

    return node && node->type == FLAGSHIP_JSON_OBJECT ? node : NULL;
}


int
flagship_export_enter(flagship_exporter_t *x)
{
    if (x->depth == FLAGSHIP_MAX_NESTING) {
        flagship_export_fail(x, "what it refers to nests too deep");
        return 0;
    }

    x->depth++;

    return 1;
}


void
flagship_export_fail(flagship_exporter_t *x, const char *fmt, ...)
{
    char     message[192];
    va_list  args;

    if (x->failed) {
        return;
    }

    x->failed = 1;

    va_start(args, fmt);
    (void) vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);

    flagship_errors_add(x->errors, 0, x->key, "", "%s", message);
}


void
flagship_export_text(flagship_exporter_t *x, const char *text)
{
    if (flagship_buf_add(&x->out, text, strlen(text)) == NULL) {
        x->nomem = 1;
    }
}


void
flagship_export_next(flagship_exporter_t *x, const char *text)
{
    if (x->out.len && strchr("[{:", x->out.data[x->out.len - 1]) == NULL) {
        flagship_export_text(x, ",");
    }

    flagship_export_text(x, text);
}


void
flagship_export_string(flagship_exporter_t *x, flagship_str_t s)
{
    char    *p;
    size_t   n;

    /* an escaped byte takes six */

    p = flagship_buf_add(&x->out, NULL, 6 * s.len + 2);
    if (p == NULL) {
        x->nomem = 1;
        return;
    }

    n = flagship_json_print_string(s, p, 6 * s.len + 2);

    x->out.len = (size_t) (p - x->out.data) + n;
}


void
flagship_export_number(flagship_exporter_t *x, double number)
{
    char    buf[FLAGSHIP_NUMBER_LEN];
    size_t  n;

    n = flagship_number_print(number, buf);

    if (flagship_buf_add(&x->out, buf, n) == NULL) {
        x->nomem = 1;
    }
}


void
flagship_export_node(flagship_exporter_t *x, const flagship_json_node_t *node)
{
    if (flagship_buf_print(&x->out, node) != FLAGSHIP_OK) {
        x->nomem = 1;
    }
}


void
flagship_export_members(flagship_exporter_t *x,
    const flagship_json_node_t *object, const flagship_str_t *but)
{
    uint32_t                     i;
    const flagship_str_t        *b;
    const flagship_json_node_t  *name;

    name = object + 1;

    for (i = 0; i < object->len; i++) {

        for (b = but; b->len; b++) {
            if (flagship_str_eq(*b, flagship_json_str(name))) {
                break;
            }
        }

        if (b->len == 0) {
            flagship_export_next(x, "");
            flagship_export_node(x, name);
            flagship_export_text(x, ":");
            flagship_export_node(x, name + 1);
        }

        name++;
        name += name->next;
    }
}


int
flagship_export_evaluator(flagship_exporter_t *x, flagship_str_t name,
    const char *text, size_t len)
{
    uint32_t              i, n;
    flagship_evaluator_t  e, *list;

    list = (flagship_evaluator_t *) x->evaluators.data;
    n = x->evaluators.len / sizeof(flagship_evaluator_t);

    for (i = 0; i < n; i++) {
        if (flagship_str_eq(flagship_str(x->texts.data + list[i].name,
                                         list[i].name_len), name))
        {
            return list[i].len == len
                   && memcmp(x->texts.data + list[i].text, text, len) == 0;
        }
    }

    e.name = x->texts.len;
    e.name_len = name.len;
    e.text = x->texts.len + name.len;
    e.len = len;

    if (flagship_buf_add(&x->texts, name.data, name.len) == NULL
        || flagship_buf_add(&x->texts, text, len) == NULL
        || flagship_buf_add(&x->evaluators, &e, sizeof(e)) == NULL)
    {
        x->nomem = 1;
    }

    return 1;
}
