
/*
 * Copyright (C) Flagship
 */


/*
 * Conditional requests (RFC 9110, 13).  A worker's event loop.
 *
 * A tag that a client forgot to quote counts as if it had.
 */


#include "ngx_http_flagship_api_request.h"


static u_char *ngx_http_flagship_etag_next(u_char *p, u_char *last,
    ngx_str_t *tag, ngx_uint_t *weak);


void
ngx_http_flagship_call_entity(ngx_http_flagship_call_t *call,
    ngx_uint_t status, ngx_str_t *tag, ngx_http_flagship_out_t *out)
{
    ngx_str_t            header;
    ngx_http_request_t  *r;

    r = call->request;

    header.len = tag->len + 2;
    header.data = ngx_pnalloc(r->pool, header.len);

    if (header.data == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    (void) ngx_sprintf(header.data, "\"%V\"", tag);

    if (ngx_http_flagship_call_header(call, "ETag", &header) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (status == NGX_HTTP_OK && (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))
        && ngx_http_flagship_etag_known(r, tag))
    {
        ngx_http_flagship_call_answer(call, NGX_HTTP_NOT_MODIFIED, NULL);
        return;
    }

    ngx_http_flagship_call_answer(call, status, out);
}


/* The next tag of a list, or NULL at its end.  "*" is a tag of its own. */

static u_char *
ngx_http_flagship_etag_next(u_char *p, u_char *last, ngx_str_t *tag,
    ngx_uint_t *weak)
{
    while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) {
        p++;
    }

    if (p == last) {
        return NULL;
    }

    *weak = 0;

    if (last - p > 2 && p[0] == 'W' && p[1] == '/') {
        *weak = 1;
        p += 2;
    }

    if (*p != '"') {
        tag->data = p;

        while (p < last && *p != ',' && *p != ' ' && *p != '\t') {
            p++;
        }

        tag->len = p - tag->data;

        return p;
    }

    tag->data = ++p;

    while (p < last && *p != '"') {
        p++;
    }

    tag->len = p - tag->data;

    return (p < last) ? p + 1 : p;
}


ngx_uint_t
ngx_http_flagship_etag_known(ngx_http_request_t *r, ngx_str_t *tag)
{
    u_char      *p, *last;
    ngx_str_t    one, *value;
    ngx_uint_t   weak;

    if (r->headers_in.if_none_match == NULL) {
        return 0;
    }

    value = &r->headers_in.if_none_match->value;

    p = value->data;
    last = p + value->len;

    for ( ;; ) {
        p = ngx_http_flagship_etag_next(p, last, &one, &weak);

        if (p == NULL) {
            return 0;
        }

        if ((one.len == 1 && one.data[0] == '*')
            || (one.len == tag->len
                && ngx_memcmp(one.data, tag->data, tag->len) == 0))
        {
            return 1;
        }
    }
}


ngx_int_t
ngx_http_flagship_call_if_match(ngx_http_flagship_call_t *call,
    ngx_str_t *tags)
{
    u_char              *p, *q, *last;
    ngx_str_t            one, *value;
    ngx_uint_t           weak;
    ngx_http_request_t  *r;

    r = call->request;

    if (r->headers_in.if_match == NULL) {
        return NGX_DECLINED;
    }

    value = &r->headers_in.if_match->value;

    tags->data = ngx_pnalloc(r->pool, value->len + 1);
    if (tags->data == NULL) {
        return NGX_ERROR;
    }

    p = value->data;
    last = p + value->len;
    q = tags->data;

    for ( ;; ) {
        p = ngx_http_flagship_etag_next(p, last, &one, &weak);

        if (p == NULL) {
            break;
        }

        /* a weak tag is not strong enough to write by */

        if (weak || one.len == 0
            || ngx_strlchr(one.data, one.data + one.len, ',') != NULL)
        {
            continue;
        }

        if (q != tags->data) {
            *q++ = ',';
        }

        q = ngx_cpymem(q, one.data, one.len);
    }

    *q = '\0';
    tags->len = q - tags->data;

    return NGX_OK;
}
