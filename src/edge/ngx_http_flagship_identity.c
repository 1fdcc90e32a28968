
/*
 * Copyright (C) Flagship
 */


/*
 * flagship_identity: a lasting anonymous id for visitors without one.
 *
 * The id is that of the cookie where it has the form of one; else 128 random
 * bits, which the answer sets.  It is fixed at its first use in a main
 * request, so flags, variables and the cookie agree.  An answer that sets the
 * cookie must not be stored: whoever got it from a cache would become the
 * same visitor.
 */


#include "ngx_http_flagship_edge.h"
#include <openssl/rand.h>


#define NGX_HTTP_FLAGSHIP_ID_BITS  128
#define NGX_HTTP_FLAGSHIP_ID_LEN   22     /* base64url of them */
#define NGX_HTTP_FLAGSHIP_ID_MIN   16
#define NGX_HTTP_FLAGSHIP_ID_MAX   64


static ngx_int_t ngx_http_flagship_identity_make(ngx_http_request_t *r,
    ngx_str_t *id);
static ngx_uint_t ngx_http_flagship_identity_valid(
    ngx_http_variable_value_t *v);
static ngx_int_t ngx_http_flagship_identity_push(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);
static void ngx_http_flagship_identity_uncache(ngx_http_request_t *r);


ngx_int_t
ngx_http_flagship_identify(ngx_http_request_t *r, ngx_str_t *id)
{
    ngx_http_flagship_ctx_t        *ctx;
    ngx_http_variable_value_t      *v;
    ngx_http_flagship_edge_conf_t  *conf;
    ngx_http_flagship_identity_t   *identity;

    r = r->main;

    ctx = ngx_http_flagship_ctx_get(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (ctx->identity.len) {
        *id = ctx->identity;
        return NGX_OK;
    }

    conf = ngx_http_flagship_edge_conf(r);
    identity = conf->identity;

    if (identity == NULL) {
        return NGX_DECLINED;
    }

    v = ngx_http_get_variable(r, &identity->variable, identity->hash);
    if (v == NULL) {
        return NGX_ERROR;
    }

    if (!v->not_found && ngx_http_flagship_identity_valid(v)) {

        /* it may point into a header that others replace */

        id->data = ngx_pnalloc(r->pool, v->len);
        if (id->data == NULL) {
            return NGX_ERROR;
        }

        id->len = v->len;
        ngx_memcpy(id->data, v->data, v->len);

    } else {
        if (ngx_http_flagship_identity_make(r, id) != NGX_OK) {
            return NGX_ERROR;
        }

        ctx->identity_conf = identity;
    }

    ctx->identity = *id;

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_identity_make(ngx_http_request_t *r, ngx_str_t *id)
{
    u_char     bits[NGX_HTTP_FLAGSHIP_ID_BITS / 8];
    u_char    *p;
    ngx_str_t  src, dst;

    if (RAND_bytes(bits, sizeof(bits)) != 1) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "flagship: no random bytes for a visitor's id");
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool, ngx_base64_encoded_length(sizeof(bits)));
    if (p == NULL) {
        return NGX_ERROR;
    }

    src.len = sizeof(bits);
    src.data = bits;
    dst.data = p;

    ngx_encode_base64url(&dst, &src);

    *id = dst;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_flagship_identity_valid(ngx_http_variable_value_t *v)
{
    u_char  ch;
    size_t  i;

    if (v->len < NGX_HTTP_FLAGSHIP_ID_MIN
        || v->len > NGX_HTTP_FLAGSHIP_ID_MAX)
    {
        return 0;
    }

    for (i = 0; i < v->len; i++) {
        ch = v->data[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9')
              || ch == '.' || ch == '_' || ch == '-'))
        {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_http_flagship_identity_send(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf)
{
    u_char                        *p;
    ngx_str_t                      id, value;
    ngx_uint_t                     secure;
    ngx_http_flagship_ctx_t       *ctx;
    ngx_http_flagship_identity_t  *identity;

    if (conf->identity
        && ngx_http_flagship_identify(r, &id) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    ctx = ngx_http_flagship_ctx_find(r);

    if (ctx == NULL || ctx->identity_conf == NULL) {
        return NGX_OK;
    }

    identity = ctx->identity_conf;
    secure = identity->secure;

#if (NGX_HTTP_SSL)
    if (r->connection->ssl) {
        secure = 1;
    }
#endif

    value.data = ngx_pnalloc(r->pool, identity->name.len + 1
                                      + ctx->identity.len
                                      + identity->attributes.len
                                      + sizeof("; Secure") - 1);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(value.data, "%V=%V%V", &identity->name, &ctx->identity,
                    &identity->attributes);

    if (secure) {
        p = ngx_cpymem(p, "; Secure", sizeof("; Secure") - 1);
    }

    value.len = p - value.data;

    if (ngx_http_flagship_identity_push(r, "Set-Cookie", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_flagship_identity_uncache(r);

    ngx_str_set(&value, "no-store");

    return ngx_http_flagship_identity_push(r, "Cache-Control", &value);
}


static ngx_int_t
ngx_http_flagship_identity_push(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.len = ngx_strlen(name);
    h->key.data = (u_char *) name;
    h->value = *value;
    h->lowcase_key = NULL;
    ngx_http_flagship_header_next(h, NULL);

    return NGX_OK;
}


/* Whatever the upstream says of storing the answer. */

static void
ngx_http_flagship_identity_uncache(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if ((h[i].key.len == 7
                 && ngx_strncasecmp(h[i].key.data, (u_char *) "expires", 7)
                    == 0)
                || (h[i].key.len == 13
                    && ngx_strncasecmp(h[i].key.data,
                                       (u_char *) "cache-control", 13) == 0))
            {
                h[i].hash = 0;
            }
        }
    }
}
