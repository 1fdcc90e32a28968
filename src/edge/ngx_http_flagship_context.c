
/*
 * Copyright (C) Flagship
 */


/*
 * The evaluation context: attributes of a request, read when a flag first
 * needs them and kept from then on.
 *
 * A path of a rule is an attribute's name; else it goes into an attribute of
 * type json ("user" holds what "user.plan" asks for); else it is an object of
 * the attributes below it ("user.plan" and "user.age" make "user").  Names are
 * checked not to contradict each other when the configuration is read.
 *
 * The values are those of the main request and of the location that it is in
 * when the attribute is first needed, whichever subrequest asks.
 *
 * What an evaluation has in its slots is kept by it: most requests end with
 * their first one, and copy nothing.
 */


#include "ngx_http_flagship_edge.h"


static ngx_int_t ngx_http_flagship_fetch_slot(ngx_http_flagship_ctx_t *ctx,
    flagship_str_t path, uint32_t hash, flagship_value_t *value);
static void ngx_http_flagship_fetch_add(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_fetched_t *f, u_char *p, flagship_str_t path,
    uint32_t hash, flagship_value_t *value);
static ngx_int_t ngx_http_flagship_fetch_path(ngx_http_flagship_ctx_t *ctx,
    ngx_str_t *path, uint32_t hash, flagship_value_t *value);
static ngx_int_t ngx_http_flagship_read(ngx_http_request_t *r,
    ngx_http_flagship_source_t *source, ngx_str_t *text);
static ngx_int_t ngx_http_flagship_fetch_attribute(
    ngx_http_flagship_ctx_t *ctx, ngx_http_flagship_attribute_t *attribute,
    flagship_value_t *value);
static ngx_int_t ngx_http_flagship_parse(ngx_http_flagship_ctx_t *ctx,
    ngx_str_t *text, flagship_value_t *value);
static void ngx_http_flagship_node_value(const flagship_json_node_t *node,
    flagship_value_t *value);
static void ngx_http_flagship_descend(flagship_value_t *value, u_char *p,
    u_char *last);
static ngx_int_t ngx_http_flagship_fetch_object(ngx_http_flagship_ctx_t *ctx,
    ngx_str_t *path, flagship_value_t *value);
static ngx_int_t ngx_http_flagship_write_object(ngx_http_flagship_ctx_t *ctx,
    ngx_array_t *text, ngx_str_t *path);
static ngx_int_t ngx_http_flagship_write_value(ngx_http_flagship_ctx_t *ctx,
    ngx_array_t *text, flagship_value_t *value);
static ngx_int_t ngx_http_flagship_write(ngx_array_t *text, const char *data,
    size_t len);


static ngx_str_t  ngx_http_flagship_targeting_key =
    ngx_string("targetingKey");


void
ngx_http_flagship_fetch(void *data, flagship_str_t path, uint32_t hash,
    flagship_value_t *value)
{
    ngx_http_flagship_ctx_t *ctx = data;

    ngx_str_t                     name;
    ngx_uint_t                    own;
    flagship_slot_t              *slots;
    ngx_http_flagship_fetched_t  *f;

    name.len = path.len;
    name.data = (u_char *) path.data;

    for (f = ctx->fetched; f; f = f->next) {
        if (f->hash == hash && f->path.len == name.len
            && ngx_memcmp(f->path.data, name.data, name.len) == 0)
        {
            *value = f->value;
            return;
        }
    }

    slots = ctx->ev->slots;

    /* else it is a member of an object, or a path that a rule computed */

    own = (void *) value >= (void *) slots
          && (void *) value < (void *) (slots + ctx->image->attrs.n);

    if (!own && ngx_http_flagship_fetch_slot(ctx, path, hash, value)
                == NGX_OK)
    {
        return;
    }

    if (ngx_http_flagship_fetch_path(ctx, &name, hash, value) != NGX_OK) {
        value->type = FLAGSHIP_NULL;
        return;
    }

    if (own) {
        return;
    }

    f = ngx_palloc(ctx->request->pool,
                   sizeof(ngx_http_flagship_fetched_t) + name.len);
    if (f == NULL) {
        return;
    }

    ngx_http_flagship_fetch_add(ctx, f, (u_char *) (f + 1), path, hash, value);
}


/* What a slot has already.  NGX_DECLINED: none has it. */

static ngx_int_t
ngx_http_flagship_fetch_slot(ngx_http_flagship_ctx_t *ctx,
    flagship_str_t path, uint32_t hash, flagship_value_t *value)
{
    uint32_t        i, other;
    flagship_str_t  s;

    for (i = 0; i < ctx->image->attrs.n; i++) {
        s = flagship_image_attr(ctx->image, i, &other);

        if (ctx->ev->filled[i] && other == hash && flagship_str_eq(s, path)) {
            *value = ctx->ev->slots[i].value;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static void
ngx_http_flagship_fetch_add(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_fetched_t *f, u_char *p, flagship_str_t path,
    uint32_t hash, flagship_value_t *value)
{
    f->hash = hash;
    f->path.len = path.len;
    f->path.data = p;
    f->value = *value;
    f->next = ctx->fetched;

    ngx_memcpy(p, path.data, path.len);

    ctx->fetched = f;
}


ngx_int_t
ngx_http_flagship_fetch_keep(ngx_http_flagship_ctx_t *ctx)
{
    u_char                       *p;
    size_t                        len;
    uint32_t                      i, hash;
    ngx_uint_t                    n;
    flagship_str_t                path;
    ngx_http_flagship_fetched_t  *f;

    len = 0;
    n = 0;

    for (i = 0; i < ctx->image->attrs.n; i++) {
        if (ctx->ev->filled[i]) {
            len += flagship_image_attr(ctx->image, i, &hash).len;
            n++;
        }
    }

    if (n == 0) {
        return NGX_OK;
    }

    f = ngx_palloc(ctx->request->pool,
                   n * sizeof(ngx_http_flagship_fetched_t) + len);
    if (f == NULL) {
        return NGX_ERROR;
    }

    p = (u_char *) (f + n);

    for (i = 0; i < ctx->image->attrs.n; i++) {
        if (ctx->ev->filled[i]) {
            path = flagship_image_attr(ctx->image, i, &hash);

            ngx_http_flagship_fetch_add(ctx, f, p, path, hash,
                                        &ctx->ev->slots[i].value);
            p += path.len;
            f++;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_fetch_path(ngx_http_flagship_ctx_t *ctx, ngx_str_t *path,
    uint32_t hash, flagship_value_t *value)
{
    ngx_str_t                       text;
    ngx_uint_t                      i, below;
    ngx_http_flagship_edge_conf_t  *conf;
    ngx_http_flagship_attribute_t  *a;

    value->type = FLAGSHIP_NULL;

    conf = ngx_http_flagship_edge_conf(ctx->request);

    if (path->len == ngx_http_flagship_targeting_key.len
        && ngx_memcmp(path->data, ngx_http_flagship_targeting_key.data,
                      path->len) == 0)
    {
        if (conf->targeting_key == NULL) {
            return NGX_OK;
        }

        if (ngx_http_flagship_read(ctx->request, conf->targeting_key, &text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (text.len) {
            value->type = FLAGSHIP_STRING;
            value->len = text.len;
            value->u.str = (char *) text.data;
        }

        return NGX_OK;
    }

    if (conf->attributes == NULL && path->len) {
        return NGX_OK;
    }

    a = conf->attributes ? conf->attributes->elts : NULL;
    below = (path->len == 0);

    for (i = 0; conf->attributes && i < conf->attributes->nelts; i++) {

        if (a[i].hash == hash && a[i].name.len == path->len
            && ngx_memcmp(a[i].name.data, path->data, path->len) == 0)
        {
            return ngx_http_flagship_fetch_attribute(ctx, &a[i], value);
        }

        if (a[i].name.len < path->len) {

            if (a[i].type == NGX_HTTP_FLAGSHIP_JSON
                && path->data[a[i].name.len] == '.'
                && ngx_memcmp(a[i].name.data, path->data, a[i].name.len) == 0)
            {
                if (ngx_http_flagship_fetch_attribute(ctx, &a[i], value)
                    != NGX_OK)
                {
                    return NGX_ERROR;
                }

                ngx_http_flagship_descend(value,
                                          path->data + a[i].name.len + 1,
                                          path->data + path->len);
                return NGX_OK;
            }

        } else if (a[i].name.len > path->len && path->len
                   && a[i].name.data[path->len] == '.'
                   && ngx_memcmp(a[i].name.data, path->data, path->len) == 0)
        {
            below = 1;
        }
    }

    if (below) {
        return ngx_http_flagship_fetch_object(ctx, path, value);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_read(ngx_http_request_t *r,
    ngx_http_flagship_source_t *source, ngx_str_t *text)
{
    ngx_http_variable_value_t  *v;

    if (source->index == NGX_ERROR) {
        return ngx_http_complex_value(r, &source->complex, text);
    }

    v = ngx_http_get_flushed_variable(r, source->index);

    if (v == NULL || v->not_found) {
        text->len = 0;
        return NGX_OK;
    }

    text->len = v->len;
    text->data = v->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_fetch_attribute(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_attribute_t *attribute, flagship_value_t *value)
{
    double     number;
    ngx_str_t  text;

    if (ngx_http_flagship_read(ctx->request, &attribute->value, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (text.len == 0) {
        return NGX_OK;
    }

    switch (attribute->type) {

    case NGX_HTTP_FLAGSHIP_STRING:
        value->type = FLAGSHIP_STRING;
        value->len = text.len;
        value->u.str = (char *) text.data;
        break;

    case NGX_HTTP_FLAGSHIP_NUMBER:
        number = flagship_number_parse((char *) text.data, text.len, 0);

        if (number == number) {                          /* not a NaN */
            value->type = FLAGSHIP_NUMBER;
            value->u.number = number;
        }

        break;

    case NGX_HTTP_FLAGSHIP_BOOLEAN:
        if ((text.len == 4 && ngx_memcmp(text.data, "true", 4) == 0)
            || (text.len == 1 && text.data[0] == '1'))
        {
            value->type = FLAGSHIP_TRUE;

        } else if ((text.len == 5 && ngx_memcmp(text.data, "false", 5) == 0)
                   || (text.len == 1 && text.data[0] == '0'))
        {
            value->type = FLAGSHIP_FALSE;
        }

        break;

    case NGX_HTTP_FLAGSHIP_JSON:
        return ngx_http_flagship_parse(ctx, &text, value);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_parse(ngx_http_flagship_ctx_t *ctx, ngx_str_t *text,
    flagship_value_t *value)
{
    ngx_http_flagship_text_t  *t;

    t = ngx_palloc(ctx->request->pool, sizeof(ngx_http_flagship_text_t));
    if (t == NULL) {
        return NGX_ERROR;
    }

    flagship_json_init(&t->json);

    t->next = ctx->texts;
    ctx->texts = t;                                 /* the cleanup frees it */

    switch (flagship_json_parse(&t->json, (char *) text->data, text->len)) {

    case FLAGSHIP_OK:
        ngx_http_flagship_node_value(t->json.nodes, value);
        return NGX_OK;

    case FLAGSHIP_DECLINED:
        ngx_log_debug2(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                       "flagship: attribute is not JSON: %s at byte %uz",
                       t->json.error, t->json.offset);
        return NGX_OK;

    default:
        return NGX_ERROR;
    }
}


static void
ngx_http_flagship_node_value(const flagship_json_node_t *node,
    flagship_value_t *value)
{
    switch (node->type) {

    case FLAGSHIP_JSON_FALSE:
        value->type = FLAGSHIP_FALSE;
        break;

    case FLAGSHIP_JSON_TRUE:
        value->type = FLAGSHIP_TRUE;
        break;

    case FLAGSHIP_JSON_NUMBER:
        value->type = FLAGSHIP_NUMBER;
        value->u.number = flagship_json_double(node);
        break;

    case FLAGSHIP_JSON_STRING:
        value->type = FLAGSHIP_STRING;
        value->len = node->len;
        value->u.str = node->str;
        break;

    case FLAGSHIP_JSON_ARRAY:
    case FLAGSHIP_JSON_OBJECT:
        value->type = FLAGSHIP_JSON;
        value->u.node = node;
        break;

    default: /* FLAGSHIP_JSON_NULL */
        value->type = FLAGSHIP_NULL;
        break;
    }
}


/* As "var" does: members of objects, elements of arrays by their number. */

static void
ngx_http_flagship_descend(flagship_value_t *value, u_char *p, u_char *last)
{
    u_char                      *end;
    ngx_int_t                    n;
    const flagship_json_node_t  *node;

    for ( ;; ) {

        if (value->type != FLAGSHIP_JSON) {
            value->type = FLAGSHIP_NULL;
            return;
        }

        end = ngx_strlchr(p, last, '.');
        if (end == NULL) {
            end = last;
        }

        node = value->u.node;

        if (node->type == FLAGSHIP_JSON_OBJECT) {
            node = flagship_json_member(node, (char *) p, end - p);

        } else {
            n = ngx_atoi(p, end - p);

            if (n == NGX_ERROR || (ngx_uint_t) n >= node->len) {
                node = NULL;

            } else {
                for (node++; n; n--) {
                    node += node->next;
                }
            }
        }

        if (node == NULL) {
            value->type = FLAGSHIP_NULL;
            return;
        }

        ngx_http_flagship_node_value(node, value);

        if (end == last) {
            return;
        }

        p = end + 1;
    }
}


/*
 * An object of attributes is written as text and parsed: rare, and so the
 * same strictness holds for it as for every other JSON.
 */

static ngx_int_t
ngx_http_flagship_fetch_object(ngx_http_flagship_ctx_t *ctx, ngx_str_t *path,
    flagship_value_t *value)
{
    ngx_str_t    s;
    ngx_array_t  text;

    if (ngx_array_init(&text, ctx->request->pool, 256, 1) != NGX_OK
        || ngx_http_flagship_write_object(ctx, &text, path) != NGX_OK)
    {
        return NGX_ERROR;
    }

    s.len = text.nelts;
    s.data = text.elts;

    return ngx_http_flagship_parse(ctx, &s, value);
}


static ngx_int_t
ngx_http_flagship_write_object(ngx_http_flagship_ctx_t *ctx,
    ngx_array_t *text, ngx_str_t *path)
{
    u_char                         *p, *end, *last;
    size_t                          skip;
    ngx_str_t                       name;
    ngx_uint_t                      i, j, n;
    flagship_value_t                value;
    ngx_http_flagship_edge_conf_t  *conf;
    ngx_http_flagship_attribute_t  *a;

    conf = ngx_http_flagship_edge_conf(ctx->request);

    a = conf->attributes ? conf->attributes->elts : NULL;
    n = conf->attributes ? conf->attributes->nelts : 0;
    skip = path->len ? path->len + 1 : 0;

    if (ngx_http_flagship_write(text, "{", 1) != NGX_OK) {
        return NGX_ERROR;
    }

    /* the whole context has the targeting key among its members */

    for (i = 0; i < n + (path->len == 0); i++) {

        name = (i < n) ? a[i].name : ngx_http_flagship_targeting_key;

        if (name.len <= skip
            || (skip && (name.data[skip - 1] != '.'
                         || ngx_memcmp(name.data, path->data, path->len)
                            != 0)))
        {
            continue;
        }

        p = name.data + skip;
        last = name.data + name.len;
        end = ngx_strlchr(p, last, '.');

        /* of several attributes below one member the first stands for all */

        for (j = 0; end && j < i; j++) {
            if (a[j].name.len > (size_t) (end - name.data)
                && ngx_memcmp(a[j].name.data, name.data, end + 1 - name.data)
                   == 0)
            {
                break;
            }
        }

        if (end && j < i) {
            continue;
        }

        name.len = (end ? end : last) - name.data;

        value.type = FLAGSHIP_NULL;

        if (end == NULL) {
            ngx_http_flagship_fetch(ctx, flagship_str((char *) name.data,
                                                      name.len),
                           flagship_hash32((char *) name.data, name.len),
                           &value);

            if (value.type == FLAGSHIP_NULL) {
                continue;
            }
        }

        if (((u_char *) text->elts)[text->nelts - 1] != '{'
            && ngx_http_flagship_write(text, ",", 1) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (ngx_http_flagship_write(text, "\"", 1) != NGX_OK
            || ngx_http_flagship_write(text, (char *) p,
                                       name.data + name.len - p) != NGX_OK
            || ngx_http_flagship_write(text, "\":", 2) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (end) {
            if (ngx_http_flagship_write_object(ctx, text, &name) != NGX_OK) {
                return NGX_ERROR;
            }

        } else if (ngx_http_flagship_write_value(ctx, text, &value) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_flagship_write(text, "}", 1);
}


static ngx_int_t
ngx_http_flagship_write_value(ngx_http_flagship_ctx_t *ctx,
    ngx_array_t *text, flagship_value_t *value)
{
    char            number[FLAGSHIP_NUMBER_LEN], *p;
    size_t          len;
    flagship_str_t  s;

    switch (value->type) {

    case FLAGSHIP_FALSE:
        return ngx_http_flagship_write(text, "false", 5);

    case FLAGSHIP_TRUE:
        return ngx_http_flagship_write(text, "true", 4);

    case FLAGSHIP_NUMBER:
        len = flagship_number_print(value->u.number, number);
        return ngx_http_flagship_write(text, number, len);

    case FLAGSHIP_STRING:
        s = flagship_str(value->u.str, value->len);
        len = flagship_json_print_string(s, number, 0);

        p = ngx_array_push_n(text, len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        (void) flagship_json_print_string(s, p, len);
        return NGX_OK;

    case FLAGSHIP_JSON:
        len = flagship_json_print(value->u.node, number, 0);

        p = ngx_array_push_n(text, len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        (void) flagship_json_print(value->u.node, p, len);
        return NGX_OK;

    default:
        return ngx_http_flagship_write(text, "null", 4);
    }
}


static ngx_int_t
ngx_http_flagship_write(ngx_array_t *text, const char *data, size_t len)
{
    char  *p;

    p = ngx_array_push_n(text, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, data, len);

    return NGX_OK;
}
