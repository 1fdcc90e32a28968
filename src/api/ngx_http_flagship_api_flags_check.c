
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
    ngx_http_flagship_flag_t *fl);
static ngx_int_t ngx_http_flagship_flag_judge(
    ngx_http_flagship_flag_t *fl, const char *text, size_t len);
static ngx_int_t ngx_http_flagship_flag_compile(
    ngx_http_flagship_flag_t *fl, const flagship_image_t *image,
    flagship_str_t key);
static void ngx_http_flagship_flag_unsent(ngx_http_flagship_flag_t *fl,
    unsigned from);
static flagship_str_t ngx_http_flagship_flag_key(
    ngx_http_flagship_flag_t *fl);
static void ngx_http_flagship_flag_own(ngx_http_flagship_flag_t *fl);
static flagship_str_t ngx_http_flagship_flag_current(
    ngx_http_flagship_flag_t *fl, const char *name, ngx_str_t *otherwise);
static char *ngx_http_flagship_flag_print(ngx_http_flagship_flag_t *fl,
    int merged, size_t *len);
static void ngx_http_flagship_flag_free(void *data);


ngx_http_flagship_flag_t *
ngx_http_flagship_flag(ngx_http_flagship_entity_t *e)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_flagship_flag_t  *fl;

    cln = ngx_pool_cleanup_add(e->call->request->pool,
                               sizeof(ngx_http_flagship_flag_t));
    if (cln == NULL) {
        return NULL;
    }

    fl = cln->data;

    ngx_memzero(fl, sizeof(ngx_http_flagship_flag_t));

    fl->e = e;
    e->data = fl;

    flagship_json_init(&fl->json);
    flagship_json_init(&fl->before);
    flagship_json_init(&fl->judged);
    flagship_errors_init(&fl->errors);
    flagship_errors_init(&fl->found);

    cln->handler = ngx_http_flagship_flag_free;

    return fl;
}


ngx_int_t
ngx_http_flagship_flag_read(ngx_http_flagship_flag_t *fl)
{
    ngx_http_flagship_call_t    *call;
    const flagship_json_node_t  *root;

    call = fl->e->call;

    root = call->body;
    fl->text = (const char *) call->text.data;

    if (root == NULL) {

        if (ngx_http_flagship_flag_query(fl) != NGX_OK) {
            return NGX_ERROR;
        }

        root = fl->json.nodes;
    }

    (void) flagship_fields_read(&fl->fields.fields, &flagship_resource_flag,
                                fl->text, root, fl->create, &fl->errors);

    fl->sent = flagship_fields_sent(&fl->fields.fields);

    return NGX_OK;
}


/* The arguments of the query, as a document. */

static ngx_int_t
ngx_http_flagship_flag_query(ngx_http_flagship_flag_t *fl)
{
    char                      *text;
    size_t                     len;
    ngx_uint_t                 i, n;
    ngx_pool_t                *pool;
    flagship_argument_t       *args;
    ngx_http_flagship_arg_t   *arg;
    ngx_http_flagship_call_t  *call;

    call = fl->e->call;
    pool = call->request->pool;

    fl->query = 1;

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

    text = ngx_pnalloc(pool, len);
    if (text == NULL) {
        return NGX_ERROR;
    }

    (void) flagship_fields_query(&flagship_resource_flag, args, n, text, len);

    fl->text = text;

    switch (flagship_json_parse(&fl->json, text, len)) {

    case FLAGSHIP_OK:
        return NGX_OK;

    case FLAGSHIP_ERROR:
        return NGX_ERROR;

    default:

        /* what is no list is there twice */

        flagship_errors_add(&fl->errors, 0, flagship_str("", 0), "",
                            "an argument is given twice");

        return flagship_json_parse(&fl->json, "{}", 2) == FLAGSHIP_OK
               ? NGX_OK : NGX_ERROR;
    }
}


ngx_uint_t
ngx_http_flagship_flag_simple(ngx_http_flagship_flag_t *fl)
{
    char        *text;
    size_t       len;
    ngx_uint_t   simple;

    if ((fl->sent & ~NGX_HTTP_FLAGSHIP_FLAG_SIMPLE) || fl->errors.errors) {
        return 0;
    }

    (void) flagship_flag_fields(&fl->fields, NULL, NULL);

    /* as those of a flag in its simple form */

    text = ngx_http_flagship_flag_print(fl, 1, &len);

    simple = (text && ngx_http_flagship_flag_judge(fl, text, len) == NGX_OK
              && fl->found.errors == 0);

    flagship_errors_init(&fl->found);

    return simple;
}


ngx_int_t
ngx_http_flagship_flag_check(ngx_http_flagship_flag_t *fl)
{
    char                       *text, pointer[192];
    size_t                      len;
    unsigned                    i;
    ngx_uint_t                  n;
    flagship_error_t           *e;

    flagship_errors_init(&fl->found);

    (void) flagship_flag_fields(&fl->fields,
                                fl->current ? fl->before.nodes : NULL,
                                (const char *) fl->e->document.data);

    ngx_http_flagship_flag_own(fl);

    text = ngx_http_flagship_flag_print(fl, 1, &len);

    if (text == NULL || ngx_http_flagship_flag_judge(fl, text, len) != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = fl->errors.errors + fl->found.errors;

    if (n == 0) {
        return NGX_OK;
    }

    for (i = 0; i < fl->errors.n; i++) {
        e = &fl->errors.list[i];
        ngx_http_flagship_flag_tell(fl, e->pointer, e->message);
    }

    for (i = 0; i < fl->found.n; i++) {
        e = &fl->found.list[i];

        if (!e->warning) {
            flagship_flag_fields_pointer(&fl->fields, e->pointer, pointer,
                                         sizeof(pointer));
            ngx_http_flagship_flag_tell(fl, pointer, e->message);
        }
    }

    ngx_http_flagship_call_problem(fl->e->call, NGX_HTTP_FLAGSHIP_UNPROCESSABLE,
                                   "the flag has %ui error%s", n,
                                   n == 1 ? "" : "s");

    return NGX_DECLINED;
}


void
ngx_http_flagship_flag_tell(ngx_http_flagship_flag_t *fl,
    const char *pointer, const char *detail)
{
    char  query[200];

    if (fl->query) {
        (void) snprintf(query, sizeof(query), "#/query%s", pointer);
        pointer = query;
    }

    ngx_http_flagship_call_error(fl->e->call, pointer, "%s", detail);
}


ngx_int_t
ngx_http_flagship_flag_lint(ngx_http_flagship_entity_t *e)
{
    ngx_http_flagship_flag_t  *fl;

    fl = e->data;
    e->found = &fl->found;

    flagship_errors_init(&fl->found);

    fl->found.lint = 1;
    fl->sent = FLAGSHIP_FIELDS_ALL;

    return ngx_http_flagship_flag_judge(fl, (char *) e->document.data,
                                        e->document.len);
}


/* By the compiler and, where it has nothing against it, by what is there. */

static ngx_int_t
ngx_http_flagship_flag_judge(ngx_http_flagship_flag_t *fl,
    const char *text, size_t len)
{
    int                        rc;
    unsigned                   n;
    flagship_str_t             key;
    flagship_check_t           check;
    const flagship_image_t    *image;
    ngx_http_flagship_call_t  *call;

    call = fl->e->call;

    rc = flagship_json_parse(&fl->judged, text, len);

    if (rc == FLAGSHIP_DECLINED) {
        flagship_errors_add(&fl->found, 0, flagship_str("", 0), "", "%s",
                            fl->judged.error);
        return NGX_OK;
    }

    if (rc != FLAGSHIP_OK) {
        return NGX_ERROR;
    }

    key = ngx_http_flagship_flag_key(fl);
    image = ngx_http_flagship_view_find(call->view, &call->tenant,
                                        &call->environment);

    if (ngx_http_flagship_flag_compile(fl, image, key) != NGX_OK) {
        return NGX_ERROR;
    }

    if (fl->found.errors) {
        return NGX_OK;
    }

    check.image = image;
    check.key = key;
    check.segment = 0;
    check.errors = &fl->found;

    n = fl->found.n;

    if (flagship_check(&check, fl->judged.nodes) == FLAGSHIP_ERROR) {
        return NGX_ERROR;
    }

    ngx_http_flagship_flag_unsent(fl, n);

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_flag_compile(ngx_http_flagship_flag_t *fl,
    const flagship_image_t *image, flagship_str_t key)
{
    int               rc;
    flagship_unit_t  *unit;

    unit = ngx_http_flagship_entity_unit(fl->e->call, image);
    if (unit == NULL) {
        return NGX_ERROR;
    }

    rc = flagship_unit_add_flag(unit, key, fl->judged.nodes, &fl->found);

    flagship_unit_destroy(unit);

    return (rc == FLAGSHIP_ERROR) ? NGX_ERROR : NGX_OK;
}


/* What is no longer there, of a field that the client leaves as it is, is for
   another change to put right. */

static void
ngx_http_flagship_flag_unsent(ngx_http_flagship_flag_t *fl,
    unsigned from)
{
    uint32_t           bit;
    unsigned           i;
    flagship_error_t  *e;

    if (fl->create) {
        return;
    }

    for (i = from; i < fl->found.n; i++) {
        e = &fl->found.list[i];

        bit = ngx_strncmp(e->pointer, "/rules", 6) == 0
              ? flagship_field_bit(FLAGSHIP_FIELD_RULES)
              : flagship_field_bit(FLAGSHIP_FIELD_PREREQUISITES);

        if (!e->warning && !(fl->sent & bit)) {
            e->warning = 1;
            fl->found.errors--;
            fl->found.warnings++;
        }
    }
}


/* Of a flag whose own is wrong, any. */

static flagship_str_t
ngx_http_flagship_flag_key(ngx_http_flagship_flag_t *fl)
{
    ngx_str_t                    any;
    const flagship_json_node_t  *node;

    ngx_str_set(&any, "flag");

    if (fl->current) {
        return ngx_http_flagship_flag_current(fl, "key", &any);
    }

    node = fl->create ? fl->fields.fields.list[FLAGSHIP_FIELD_KEY].node
                      : flagship_json_get(fl->judged.nodes, "key");

    return (node && node->type == FLAGSHIP_JSON_STRING)
           ? flagship_json_str(node)
           : flagship_str((char *) any.data, any.len);
}


/* Fields that are the flag's for good. */

static void
ngx_http_flagship_flag_own(ngx_http_flagship_flag_t *fl)
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

    call = fl->e->call;
    fields = &fl->fields.fields;

    ngx_str_null(&none);

    for (i = 0; i < 4; i++) {
        node = fields->list[list[i].field].node;

        if (node == NULL) {
            continue;
        }

        own = ngx_http_flagship_flag_current(fl, list[i].name,
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
ngx_http_flagship_flag_current(ngx_http_flagship_flag_t *fl,
    const char *name, ngx_str_t *otherwise)
{
    const flagship_json_node_t  *node;

    if (fl->current) {
        node = flagship_json_member(fl->before.nodes, name, ngx_strlen(name));

        if (node && node->type == FLAGSHIP_JSON_STRING) {
            return flagship_json_str(node);
        }
    }

    return flagship_str((char *) otherwise->data, otherwise->len);
}


const char *
ngx_http_flagship_flag_patch(ngx_http_flagship_flag_t *fl)
{
    size_t  len;

    return ngx_http_flagship_flag_print(fl, 0, &len);
}


static char *
ngx_http_flagship_flag_print(ngx_http_flagship_flag_t *fl, int merged,
    size_t *len)
{
    char  *text;

    *len = flagship_flag_fields_print(&fl->fields, merged, NULL, 0);

    text = ngx_pnalloc(fl->e->call->request->pool, *len + 1);
    if (text == NULL) {
        return NULL;
    }

    (void) flagship_flag_fields_print(&fl->fields, merged, text, *len);
    text[*len] = '\0';

    return text;
}


/* What is derived from others stays among what must not change meanwhile. */

const char *
ngx_http_flagship_flag_names(ngx_http_flagship_flag_t *fl)
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

    text = ngx_pnalloc(fl->e->call->request->pool, 128);
    if (text == NULL) {
        return NULL;
    }

    p = text;
    *p++ = '{';

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (fl->sent & flagship_field_bit(list[i].field)) {
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
    ngx_http_flagship_flag_t *fl = data;

    flagship_json_free(&fl->json);
    flagship_json_free(&fl->before);
    flagship_json_free(&fl->judged);
}
