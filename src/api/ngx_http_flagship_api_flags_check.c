
/*
 * Copyright (C) Flagship
 */


/*
 * What a client sent of a flag -> a document that may be written.
 *
 * Three look at it: the decoder, field by field; core's own compiler, at the
 * whole document that comes of it; and the check of what it names, in the
 * image that this node serves.  All that they find is answered at once, at the
 * places where the client wrote it.  A worker's event loop.
 */


#include "ngx_http_flagship_api_entity.h"
#include "ngx_http_flagship_api_flags.h"
#include "flagship_check.h"
#include "flagship_compile.h"


/* Fields that say nothing about each other, but for what constraints of the
   database know. */

#define NGX_HTTP_FLAGSHIP_FLAG_SIMPLE                                         \
    (flagship_field_bit(FLAGSHIP_FIELD_NAME)                                  \
     | flagship_field_bit(FLAGSHIP_FIELD_DESCRIPTION)                         \
     | flagship_field_bit(FLAGSHIP_FIELD_TAGS)                                \
     | flagship_field_bit(FLAGSHIP_FIELD_METADATA)                            \
     | flagship_field_bit(FLAGSHIP_FIELD_ENABLED)                             \
     | flagship_field_bit(FLAGSHIP_FIELD_USER_IDS)                            \
     | flagship_field_bit(FLAGSHIP_FIELD_ROLLOUT)                             \
     | flagship_field_bit(FLAGSHIP_FIELD_ENABLE_AT)                           \
     | flagship_field_bit(FLAGSHIP_FIELD_DISABLE_AT)                          \
     | flagship_field_bit(FLAGSHIP_FIELD_EXPOSE))


static ngx_int_t ngx_http_flagship_flag_query(
    ngx_http_flagship_flag_call_t *fc);
static ngx_int_t ngx_http_flagship_flag_judge(
    ngx_http_flagship_flag_call_t *fc, const char *text, size_t len);
static ngx_int_t ngx_http_flagship_flag_compile(
    ngx_http_flagship_flag_call_t *fc, const flagship_image_t *image,
    flagship_str_t key);
static void ngx_http_flagship_flag_unsent(ngx_http_flagship_flag_call_t *fc,
    unsigned from);
static flagship_str_t ngx_http_flagship_flag_key(
    ngx_http_flagship_flag_call_t *fc);
static void ngx_http_flagship_flag_own(ngx_http_flagship_flag_call_t *fc);
static flagship_str_t ngx_http_flagship_flag_current(
    ngx_http_flagship_flag_call_t *fc, const char *name, ngx_str_t *otherwise);
static char *ngx_http_flagship_flag_print(ngx_http_flagship_flag_call_t *fc,
    int merged, size_t *len);
static void ngx_http_flagship_flag_free(void *data);


ngx_http_flagship_flag_call_t *
ngx_http_flagship_flag_call(ngx_http_flagship_call_t *call)
{
    ngx_pool_cleanup_t             *cln;
    ngx_http_flagship_flag_call_t  *fc;

    cln = ngx_pool_cleanup_add(call->request->pool,
                               sizeof(ngx_http_flagship_flag_call_t));
    if (cln == NULL) {
        return NULL;
    }

    fc = cln->data;

    ngx_memzero(fc, sizeof(ngx_http_flagship_flag_call_t));

    fc->call = call;
    call->data = fc;

    flagship_json_init(&fc->json);
    flagship_json_init(&fc->before);
    flagship_json_init(&fc->judged);
    flagship_errors_init(&fc->errors);
    flagship_errors_init(&fc->found);

    cln->handler = ngx_http_flagship_flag_free;

    return fc;
}


ngx_int_t
ngx_http_flagship_flag_read(ngx_http_flagship_flag_call_t *fc)
{
    const char                  *text;
    ngx_http_flagship_call_t    *call;
    const flagship_json_node_t  *root;

    call = fc->call;

    root = call->body;
    text = (const char *) call->text.data;

    if (root == NULL) {

        if (ngx_http_flagship_flag_query(fc) != NGX_OK) {
            return NGX_ERROR;
        }

        root = fc->json.nodes;
        text = (const char *) fc->document.data;
    }

    (void) flagship_fields_read(&fc->fields.fields, &flagship_resource_flag,
                                text, root, fc->create, &fc->errors);

    fc->sent = flagship_fields_sent(&fc->fields.fields);

    return NGX_OK;
}


/* The arguments of the query, as a document. */

static ngx_int_t
ngx_http_flagship_flag_query(ngx_http_flagship_flag_call_t *fc)
{
    size_t                     len;
    ngx_uint_t                 i, n;
    ngx_pool_t                *pool;
    flagship_argument_t       *args;
    ngx_http_flagship_arg_t   *arg;
    ngx_http_flagship_call_t  *call;

    call = fc->call;
    pool = call->request->pool;

    fc->query = 1;

    args = ngx_palloc(pool, (call->nargs + 1) * sizeof(flagship_argument_t));
    if (args == NULL) {
        return NGX_ERROR;
    }

    n = 0;

    for (i = 0; i < call->nargs; i++) {
        arg = &call->args[i];

        if (arg->name.len == 7
            && ngx_strncmp(arg->name.data, "dry_run", 7) == 0)
        {
            continue;
        }

        args[n].name = flagship_str((char *) arg->name.data, arg->name.len);
        args[n].value = flagship_str((char *) arg->value.data,
                                     arg->value.len);
        n++;
    }

    len = flagship_fields_query(&flagship_resource_flag, args, n, NULL, 0);

    fc->document.len = len;
    fc->document.data = ngx_pnalloc(pool, len);

    if (fc->document.data == NULL) {
        return NGX_ERROR;
    }

    (void) flagship_fields_query(&flagship_resource_flag, args, n,
                                 (char *) fc->document.data, len);

    switch (flagship_json_parse(&fc->json, (char *) fc->document.data, len)) {

    case FLAGSHIP_OK:
        return NGX_OK;

    case FLAGSHIP_ERROR:
        return NGX_ERROR;

    default:

        /* what is no list is there twice */

        flagship_errors_add(&fc->errors, 0, flagship_str("", 0), "",
                            "an argument is given twice");

        return flagship_json_parse(&fc->json, "{}", 2) == FLAGSHIP_OK
               ? NGX_OK : NGX_ERROR;
    }
}


ngx_uint_t
ngx_http_flagship_flag_simple(ngx_http_flagship_flag_call_t *fc)
{
    char        *text;
    size_t       len;
    ngx_uint_t   simple;

    if ((fc->sent & ~NGX_HTTP_FLAGSHIP_FLAG_SIMPLE) || fc->errors.errors) {
        return 0;
    }

    (void) flagship_flag_fields(&fc->fields, NULL, NULL);

    /* as those of a flag in its simple form */

    text = ngx_http_flagship_flag_print(fc, 1, &len);

    simple = (text && ngx_http_flagship_flag_judge(fc, text, len) == NGX_OK
              && fc->found.errors == 0);

    flagship_errors_init(&fc->found);

    return simple;
}


ngx_int_t
ngx_http_flagship_flag_check(ngx_http_flagship_flag_call_t *fc)
{
    char                       *text, pointer[192];
    size_t                      len;
    unsigned                    i;
    ngx_uint_t                  n;
    flagship_error_t           *e;

    flagship_errors_init(&fc->found);

    (void) flagship_flag_fields(&fc->fields,
                                fc->current ? fc->before.nodes : NULL,
                                (const char *) fc->document.data);

    ngx_http_flagship_flag_own(fc);

    text = ngx_http_flagship_flag_print(fc, 1, &len);

    if (text == NULL || ngx_http_flagship_flag_judge(fc, text, len) != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = fc->errors.errors + fc->found.errors;

    if (n == 0) {
        return NGX_OK;
    }

    for (i = 0; i < fc->errors.n; i++) {
        e = &fc->errors.list[i];
        ngx_http_flagship_flag_tell(fc, e->pointer, e->message);
    }

    for (i = 0; i < fc->found.n; i++) {
        e = &fc->found.list[i];

        if (!e->warning) {
            flagship_flag_fields_pointer(&fc->fields, e->pointer, pointer,
                                         sizeof(pointer));
            ngx_http_flagship_flag_tell(fc, pointer, e->message);
        }
    }

    ngx_http_flagship_call_problem(fc->call, NGX_HTTP_FLAGSHIP_UNPROCESSABLE,
                                   "the flag has %ui error%s", n,
                                   n == 1 ? "" : "s");

    return NGX_DECLINED;
}


void
ngx_http_flagship_flag_tell(ngx_http_flagship_flag_call_t *fc,
    const char *pointer, const char *detail)
{
    char  query[200];

    if (fc->query) {
        (void) snprintf(query, sizeof(query), "#/query%s", pointer);
        pointer = query;
    }

    ngx_http_flagship_call_error(fc->call, pointer, "%s", detail);
}


ngx_int_t
ngx_http_flagship_flag_lint(ngx_http_flagship_flag_call_t *fc)
{
    flagship_errors_init(&fc->found);

    fc->found.lint = 1;
    fc->sent = FLAGSHIP_FIELDS_ALL;

    return ngx_http_flagship_flag_judge(fc, (char *) fc->document.data,
                                        fc->document.len);
}


/* By the compiler and, where it has nothing against it, by what is there. */

static ngx_int_t
ngx_http_flagship_flag_judge(ngx_http_flagship_flag_call_t *fc,
    const char *text, size_t len)
{
    int                        rc;
    unsigned                   n;
    flagship_str_t             key;
    flagship_check_t           check;
    const flagship_image_t    *image;
    ngx_http_flagship_call_t  *call;

    call = fc->call;

    rc = flagship_json_parse(&fc->judged, text, len);

    if (rc == FLAGSHIP_DECLINED) {
        flagship_errors_add(&fc->found, 0, flagship_str("", 0), "", "%s",
                            fc->judged.error);
        return NGX_OK;
    }

    if (rc != FLAGSHIP_OK) {
        return NGX_ERROR;
    }

    key = ngx_http_flagship_flag_key(fc);
    image = ngx_http_flagship_view_find(call->view, &call->tenant,
                                        &call->environment);

    if (ngx_http_flagship_flag_compile(fc, image, key) != NGX_OK) {
        return NGX_ERROR;
    }

    if (fc->found.errors) {
        return NGX_OK;
    }

    check.image = image;
    check.key = key;
    check.segment = 0;
    check.errors = &fc->found;

    n = fc->found.n;

    if (flagship_check(&check, fc->judged.nodes) == FLAGSHIP_ERROR) {
        return NGX_ERROR;
    }

    ngx_http_flagship_flag_unsent(fc, n);

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_flag_compile(ngx_http_flagship_flag_call_t *fc,
    const flagship_image_t *image, flagship_str_t key)
{
    int               rc;
    flagship_unit_t  *unit;

    unit = ngx_http_flagship_entity_unit(fc->call, image);
    if (unit == NULL) {
        return NGX_ERROR;
    }

    rc = flagship_unit_add_flag(unit, key, fc->judged.nodes, &fc->found);

    flagship_unit_destroy(unit);

    return (rc == FLAGSHIP_ERROR) ? NGX_ERROR : NGX_OK;
}


/* What is no longer there, of a field that the client leaves as it is, is for
   another change to put right. */

static void
ngx_http_flagship_flag_unsent(ngx_http_flagship_flag_call_t *fc,
    unsigned from)
{
    uint32_t           bit;
    unsigned           i;
    flagship_error_t  *e;

    if (fc->create) {
        return;
    }

    for (i = from; i < fc->found.n; i++) {
        e = &fc->found.list[i];

        bit = ngx_strncmp(e->pointer, "/rules", 6) == 0
              ? flagship_field_bit(FLAGSHIP_FIELD_RULES)
              : flagship_field_bit(FLAGSHIP_FIELD_PREREQUISITES);

        if (!e->warning && !(fc->sent & bit)) {
            e->warning = 1;
            fc->found.errors--;
            fc->found.warnings++;
        }
    }
}


/* Of a flag whose own is wrong, any. */

static flagship_str_t
ngx_http_flagship_flag_key(ngx_http_flagship_flag_call_t *fc)
{
    ngx_str_t                    any;
    const flagship_json_node_t  *node;

    ngx_str_set(&any, "flag");

    if (fc->current) {
        return ngx_http_flagship_flag_current(fc, "key", &any);
    }

    node = fc->create ? fc->fields.fields.list[FLAGSHIP_FIELD_KEY].node
                      : flagship_json_get(fc->judged.nodes, "key");

    return (node && node->type == FLAGSHIP_JSON_STRING)
           ? flagship_json_str(node)
           : flagship_str((char *) any.data, any.len);
}


/* Fields that are the flag's for good. */

static void
ngx_http_flagship_flag_own(ngx_http_flagship_flag_call_t *fc)
{
    unsigned                     i;
    ngx_str_t                    none;
    flagship_str_t               own;
    flagship_fields_t           *fields;
    ngx_http_flagship_call_t    *call;
    const flagship_json_node_t  *node;

    static const struct {
        unsigned                 field;
        const char              *name;
    } list[] = {
        { FLAGSHIP_FIELD_ID, "id" },
        { FLAGSHIP_FIELD_TENANT, "tenant" },
        { FLAGSHIP_FIELD_ENVIRONMENT, "environment" },
        { FLAGSHIP_FIELD_KEY, "key" }
    };

    call = fc->call;
    fields = &fc->fields.fields;

    ngx_str_null(&none);

    for (i = 0; i < 4; i++) {
        node = fields->list[list[i].field].node;

        if (node == NULL) {
            continue;
        }

        own = ngx_http_flagship_flag_current(fc, list[i].name,
                  list[i].field == FLAGSHIP_FIELD_TENANT ? &call->tenant
                  : list[i].field == FLAGSHIP_FIELD_ENVIRONMENT
                    ? &call->environment : &none);

        if (own.len && !flagship_str_eq(own, flagship_json_str(node))) {
            flagship_fields_error(fields, list[i].field,
                                  "must be the flag's own, \"%.*s\"",
                                  (int) own.len, own.data);
        }
    }
}


/* A text of the current flag. */

static flagship_str_t
ngx_http_flagship_flag_current(ngx_http_flagship_flag_call_t *fc,
    const char *name, ngx_str_t *otherwise)
{
    const flagship_json_node_t  *node;

    if (fc->current) {
        node = flagship_json_member(fc->before.nodes, name, ngx_strlen(name));

        if (node && node->type == FLAGSHIP_JSON_STRING) {
            return flagship_json_str(node);
        }
    }

    return flagship_str((char *) otherwise->data, otherwise->len);
}


const char *
ngx_http_flagship_flag_patch(ngx_http_flagship_flag_call_t *fc)
{
    size_t  len;

    return ngx_http_flagship_flag_print(fc, 0, &len);
}


static char *
ngx_http_flagship_flag_print(ngx_http_flagship_flag_call_t *fc, int merged,
    size_t *len)
{
    char  *text;

    *len = flagship_flag_fields_print(&fc->fields, merged, NULL, 0);

    text = ngx_pnalloc(fc->call->request->pool, *len + 1);
    if (text == NULL) {
        return NULL;
    }

    (void) flagship_flag_fields_print(&fc->fields, merged, text, *len);
    text[*len] = '\0';

    return text;
}


/* What is derived from others stays among what must not change meanwhile. */

const char *
ngx_http_flagship_flag_names(ngx_http_flagship_flag_call_t *fc)
{
    u_char      *p, *text;
    ngx_uint_t   i;

    static const struct {
        unsigned     field;
        const char  *name;
    } list[] = {
        { FLAGSHIP_FIELD_TYPE, "type" },
        { FLAGSHIP_FIELD_VARIANTS, "variants" },
        { FLAGSHIP_FIELD_DEFAULT_VARIANT, "default_variant" },
        { FLAGSHIP_FIELD_OFF_VARIANT, "off_variant" },
        { FLAGSHIP_FIELD_RULES, "rules" },
        { FLAGSHIP_FIELD_USER_IDS, "user_ids" },
        { FLAGSHIP_FIELD_ROLLOUT, "rollout" },
        { FLAGSHIP_FIELD_PREREQUISITES, "prerequisites" }
    };

    text = ngx_pnalloc(fc->call->request->pool, 128);
    if (text == NULL) {
        return NULL;
    }

    p = text;
    *p++ = '{';

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (fc->sent & flagship_field_bit(list[i].field)) {
            p = ngx_sprintf(p, "%s%s", p == text + 1 ? "" : ",",
                            list[i].name);
        }
    }

    *p++ = '}';
    *p = '\0';

    return (const char *) text;
}


static void
ngx_http_flagship_flag_free(void *data)
{
    ngx_http_flagship_flag_call_t *fc = data;

    flagship_json_free(&fc->json);
    flagship_json_free(&fc->before);
    flagship_json_free(&fc->judged);
}
