
/*
 * Copyright (C) Flagship
 */


/*
 * $flagship_value_KEY and its like, flagship_variable's, and the collective
 * ones.  All are cacheable: nginx asks twice, for the length and for the
 * bytes, and both answers must agree.  What a value points to lies in the
 * request's pool, for nginx keeps it longer than we keep the image.
 *
 * nginx hands over a variable that the configuration names by the address of
 * its entry, which is the same each time: where it was found last is kept
 * beside it.  A look-up by name (SSI, njs, Lua) hands over a passing string
 * and searches.
 */


#include "ngx_http_flagship_edge.h"
#include <ngx_md5.h>


static ngx_int_t ngx_http_flagship_get_value(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_flagship_get_variant(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_flagship_get_reason(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_flagship_get_enabled(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_flagship_get_prefixed(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_str_t *name, size_t prefix,
    ngx_http_flagship_what_e what);
static ngx_int_t ngx_http_flagship_get_answer(ngx_http_request_t *r,
    ngx_http_flagship_index_t *index, ngx_str_t *key, ngx_uint_t folded,
    ngx_http_flagship_answer_t **answer);
static ngx_http_flagship_index_t *ngx_http_flagship_variable_index(
    ngx_http_request_t *r, ngx_http_flagship_ctx_t *ctx, ngx_str_t *name);
static void ngx_http_flagship_set_what(ngx_http_variable_value_t *v,
    ngx_http_flagship_answer_t *answer, ngx_http_flagship_what_e what);
static void ngx_http_flagship_set(ngx_http_variable_value_t *v,
    const void *data, size_t len);
static ngx_int_t ngx_http_flagship_get_revision(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_flagship_get_flags(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static int ngx_libc_cdecl ngx_http_flagship_compare(const void *one,
    const void *two);
static ngx_int_t ngx_http_flagship_get_cache_key(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_flagship_digest(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_md5_t *md5);
static ngx_int_t ngx_http_flagship_digest_flag(ngx_http_flagship_ctx_t *ctx,
    uint32_t flag, ngx_md5_t *md5);
static ngx_int_t ngx_http_flagship_get_identity(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_http_flagship_variables[] = {

    { ngx_string("flagship_value_"), NULL, ngx_http_flagship_get_value,
      0, NGX_HTTP_VAR_PREFIX, 0 },

    { ngx_string("flagship_variant_"), NULL, ngx_http_flagship_get_variant,
      0, NGX_HTTP_VAR_PREFIX, 0 },

    { ngx_string("flagship_reason_"), NULL, ngx_http_flagship_get_reason,
      0, NGX_HTTP_VAR_PREFIX, 0 },

    { ngx_string("flagship_enabled_"), NULL, ngx_http_flagship_get_enabled,
      0, NGX_HTTP_VAR_PREFIX, 0 },

    { ngx_string("flagship_revision"), NULL, ngx_http_flagship_get_revision,
      0, 0, 0 },

    { ngx_string("flagship_flags"), NULL, ngx_http_flagship_get_flags,
      0, 0, 0 },

    { ngx_string("flagship_cache_key"), NULL, ngx_http_flagship_get_cache_key,
      0, 0, 0 },

    { ngx_string("flagship_identity"), NULL, ngx_http_flagship_get_identity,
      0, 0, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_flagship_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_flagship_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_get_value(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    return ngx_http_flagship_get_prefixed(r, v, (ngx_str_t *) data,
                                          sizeof("flagship_value_") - 1,
                                          NGX_HTTP_FLAGSHIP_VALUE);
}


static ngx_int_t
ngx_http_flagship_get_variant(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    return ngx_http_flagship_get_prefixed(r, v, (ngx_str_t *) data,
                                          sizeof("flagship_variant_") - 1,
                                          NGX_HTTP_FLAGSHIP_VARIANT);
}


static ngx_int_t
ngx_http_flagship_get_reason(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    return ngx_http_flagship_get_prefixed(r, v, (ngx_str_t *) data,
                                          sizeof("flagship_reason_") - 1,
                                          NGX_HTTP_FLAGSHIP_REASON);
}


static ngx_int_t
ngx_http_flagship_get_enabled(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    return ngx_http_flagship_get_prefixed(r, v, (ngx_str_t *) data,
                                          sizeof("flagship_enabled_") - 1,
                                          NGX_HTTP_FLAGSHIP_ENABLED);
}


static ngx_int_t
ngx_http_flagship_get_prefixed(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_str_t *name, size_t prefix,
    ngx_http_flagship_what_e what)
{
    ngx_str_t                    key;
    ngx_http_flagship_ctx_t     *ctx;
    ngx_http_flagship_answer_t  *answer;

    if (ngx_http_flagship_get_main_conf(r)->zone == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ctx = ngx_http_flagship_ctx_get(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    key.len = name->len - prefix;
    key.data = name->data + prefix;

    if (ngx_http_flagship_get_answer(r,
                          ngx_http_flagship_variable_index(r, ctx, name),
                          &key, 1, &answer)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_flagship_set_what(v, answer, what);

    return NGX_OK;
}


ngx_int_t
ngx_http_flagship_get_defined(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_flagship_variable_t *var = (ngx_http_flagship_variable_t *) data;

    ngx_http_flagship_answer_t  *answer;

    if (ngx_http_flagship_get_answer(r, &var->index, &var->key, 0, &answer)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (var->text_set
        && (answer == NULL || answer->decision.reason == FLAGSHIP_REASON_ERROR
            || (var->what == NGX_HTTP_FLAGSHIP_VALUE && !answer->value)
            || (var->what == NGX_HTTP_FLAGSHIP_VARIANT
                && answer->decision.variant == FLAGSHIP_NO_VARIANT)))
    {
        ngx_http_flagship_set(v, var->text.data, var->text.len);
        return NGX_OK;
    }

    ngx_http_flagship_set_what(v, answer, var->what);

    return NGX_OK;
}


/* *answer is NULL where there is no such flag or no flag set. */

static ngx_int_t
ngx_http_flagship_get_answer(ngx_http_request_t *r,
    ngx_http_flagship_index_t *index, ngx_str_t *key, ngx_uint_t folded,
    ngx_http_flagship_answer_t **answer)
{
    uint32_t                    flag;
    ngx_int_t                   rc;
    ngx_http_flagship_ctx_t    *ctx;
    ngx_http_flagship_index_t   passing;

    *answer = NULL;

    ctx = ngx_http_flagship_ctx_get(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_flagship_bind(ctx);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
    }

    if (index == NULL) {
        passing.image = NULL;
        index = &passing;
    }

    flag = ngx_http_flagship_index(index, ctx->image, key, folded);

    if (flag == FLAGSHIP_NONE) {
        return NGX_OK;
    }

    *answer = ngx_http_flagship_answer(ctx, flag);

    if (*answer == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_keep(ctx, *answer);
}


static ngx_http_flagship_index_t *
ngx_http_flagship_variable_index(ngx_http_request_t *r,
    ngx_http_flagship_ctx_t *ctx, ngx_str_t *name)
{
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    v = cmcf->variables.elts;

    if ((u_char *) name < (u_char *) v
        || (u_char *) name >= (u_char *) (v + cmcf->variables.nelts)
        || ctx->main->indices == NULL)
    {
        return NULL;
    }

    return &ctx->main->indices[((u_char *) name - (u_char *) v)
                               / sizeof(ngx_http_variable_t)];
}


static void
ngx_http_flagship_set_what(ngx_http_variable_value_t *v,
    ngx_http_flagship_answer_t *answer, ngx_http_flagship_what_e what)
{
    flagship_str_t  name;

    switch (what) {

    case NGX_HTTP_FLAGSHIP_VALUE:
        if (answer && answer->value) {
            ngx_http_flagship_set(v, answer->text.data, answer->text.len);

        } else {
            ngx_http_flagship_set(v, "", 0);
        }

        break;

    case NGX_HTTP_FLAGSHIP_VARIANT:
        if (answer) {
            ngx_http_flagship_set(v, answer->variant.data,
                                  answer->variant.len);

        } else {
            ngx_http_flagship_set(v, "", 0);
        }

        break;

    case NGX_HTTP_FLAGSHIP_REASON:
        name = flagship_reason_name(answer ? answer->decision.reason
                                           : FLAGSHIP_REASON_ERROR);
        ngx_http_flagship_set(v, name.data, name.len);
        break;

    case NGX_HTTP_FLAGSHIP_ENABLED:
        ngx_http_flagship_set(v, (answer && answer->enabled) ? "1" : "0", 1);
        break;
    }
}


static void
ngx_http_flagship_set(ngx_http_variable_value_t *v, const void *data,
    size_t len)
{
    v->len = len;
    v->data = (u_char *) data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}


static ngx_int_t
ngx_http_flagship_get_revision(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                   *p;
    ngx_http_flagship_ctx_t  *ctx;

    v->not_found = 1;

    if (ngx_http_flagship_get_main_conf(r)->zone == NULL) {
        return NGX_OK;
    }

    ctx = ngx_http_flagship_ctx_get(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (!ctx->pinned && ngx_http_flagship_bind(ctx) == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (ctx->revision == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_flagship_set(v, p, ngx_sprintf(p, "%uL", ctx->revision) - p);

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_get_flags(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                       *p, *start;
    size_t                        len;
    ngx_uint_t                    i;
    ngx_http_flagship_ctx_t      *ctx;
    ngx_http_flagship_answer_t   *a, **sorted;

    ctx = ngx_http_flagship_ctx_find(r);

    if (ctx && ngx_http_flagship_settle(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx == NULL || ctx->n == 0) {
        ngx_http_flagship_set(v, "", 0);
        return NGX_OK;
    }

    sorted = ngx_palloc(r->pool,
                        ctx->n * sizeof(ngx_http_flagship_answer_t *));
    if (sorted == NULL) {
        return NGX_ERROR;
    }

    len = 0;
    i = 0;

    for (a = ctx->answers; a; a = a->next) {
        len += a->key.len + 1 + a->variant.len + 1;
        sorted[i++] = a;
    }

    ngx_qsort(sorted, ctx->n, sizeof(ngx_http_flagship_answer_t *),
              ngx_http_flagship_compare);

    start = ngx_pnalloc(r->pool, len);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = start;

    for (i = 0; i < ctx->n; i++) {
        if (i) {
            *p++ = ';';
        }

        p = ngx_sprintf(p, "%V=%V", &sorted[i]->key, &sorted[i]->variant);
    }

    ngx_http_flagship_set(v, start, p - start);

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_flagship_compare(const void *one, const void *two)
{
    ngx_http_flagship_answer_t *a, *b;

    a = *(ngx_http_flagship_answer_t **) one;
    b = *(ngx_http_flagship_answer_t **) two;

    return (int) ngx_memn2cmp(a->key.data, b->key.data, a->key.len,
                              b->key.len);
}


static ngx_int_t
ngx_http_flagship_get_cache_key(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                         *p, digest[16];
    ngx_int_t                       rc;
    ngx_md5_t                       md5;
    ngx_http_flagship_ctx_t        *ctx;
    ngx_http_flagship_edge_conf_t  *conf;

    if (ngx_http_flagship_get_main_conf(r)->zone == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ctx = ngx_http_flagship_ctx_get(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    conf = ngx_http_flagship_edge_conf(r);

    ngx_md5_init(&md5);

    rc = ngx_http_flagship_bind(ctx);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_digest(ctx, conf->request, &md5);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_md5_final(digest, &md5);

    p = ngx_pnalloc(r->pool, 2 * sizeof(digest));
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(p, digest, sizeof(digest));

    ngx_http_flagship_set(v, p, 2 * sizeof(digest));

    return NGX_OK;
}


/* The flags that the location injects, or all exposed ones. */

static ngx_int_t
ngx_http_flagship_digest(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_md5_t *md5)
{
    uint32_t                   i;
    const flagship_image_t    *image;
    ngx_http_flagship_plan_t  *plan;

    image = ctx->image;

    if (headers == NULL) {
        for (i = 0; i < image->flags.n; i++) {
            if (!(flagship_flags(image)[i].bits & FLAGSHIP_FLAG_EXPOSE)) {
                continue;
            }

            if (ngx_http_flagship_digest_flag(ctx, i, md5) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        return NGX_OK;
    }

    plan = ngx_http_flagship_plan(headers, image,
                                  ctx->request->connection->log);
    if (plan == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < plan->n; i++) {
        if (ngx_http_flagship_digest_flag(ctx, plan->headers[i].flag, md5)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_digest_flag(ngx_http_flagship_ctx_t *ctx, uint32_t flag,
    ngx_md5_t *md5)
{
    ngx_http_flagship_answer_t  *answer;

    answer = ngx_http_flagship_answer(ctx, flag);
    if (answer == NULL) {
        return NGX_ERROR;
    }

    ngx_md5_update(md5, answer->key.data, answer->key.len);
    ngx_md5_update(md5, "=", 1);
    ngx_md5_update(md5, answer->variant.data, answer->variant.len);
    ngx_md5_update(md5, "\n", 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_get_identity(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_int_t  rc;
    ngx_str_t  id;

    v->not_found = 1;

    if (ngx_http_flagship_get_main_conf(r)->zone == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_flagship_identify(r, &id);

    if (rc == NGX_OK) {
        ngx_http_flagship_set(v, id.data, id.len);
    }

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}
