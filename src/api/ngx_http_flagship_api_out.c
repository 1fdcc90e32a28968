
/*
 * Copyright (C) Flagship
 */


/*
 * A text that grows.  A worker's event loop.
 */


#include "ngx_http_flagship_api_out.h"


#define NGX_HTTP_FLAGSHIP_OUT_SIZE  2048


static u_char *ngx_http_flagship_out_room(ngx_http_flagship_out_t *out,
    size_t len);
static void ngx_http_flagship_out_used(ngx_http_flagship_out_t *out,
    size_t len);


void
ngx_http_flagship_out_init(ngx_http_flagship_out_t *out, ngx_pool_t *pool,
    size_t size)
{
    ngx_memzero(out, sizeof(ngx_http_flagship_out_t));

    out->pool = pool;
    out->size = size ? size : NGX_HTTP_FLAGSHIP_OUT_SIZE;
    out->last = &out->first;
}


/* Room for "len" bytes in one piece, or NULL. */

static u_char *
ngx_http_flagship_out_room(ngx_http_flagship_out_t *out, size_t len)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (out->failed) {
        return NULL;
    }

    b = out->buf;

    if (b && (size_t) (b->end - b->last) >= len) {
        return b->last;
    }

    cl = out->free;

    if (cl && (size_t) (cl->buf->end - cl->buf->start) >= len) {
        out->free = cl->next;
        b = cl->buf;

        b->pos = b->start;
        b->last = b->start;
        b->flush = 0;
        b->last_buf = 0;
        b->last_in_chain = 0;

    } else {
        cl = ngx_alloc_chain_link(out->pool);
        b = ngx_create_temp_buf(out->pool, ngx_max(out->size, len));

        if (cl == NULL || b == NULL) {
            out->failed = 1;
            return NULL;
        }

        b->tag = (ngx_buf_tag_t) &ngx_http_flagship_module;
        cl->buf = b;
    }

    cl->next = NULL;
    *out->last = cl;
    out->last = &cl->next;
    out->buf = b;

    return b->last;
}


static void
ngx_http_flagship_out_used(ngx_http_flagship_out_t *out, size_t len)
{
    out->buf->last += len;
    out->len += len;
}


void
ngx_http_flagship_out_data(ngx_http_flagship_out_t *out, const void *data,
    size_t len)
{
    size_t         n;
    u_char        *p;
    const u_char  *from;

    from = data;

    if (out->buf && out->buf->end > out->buf->last) {
        n = ngx_min(len, (size_t) (out->buf->end - out->buf->last));

    } else {
        n = 0;
    }

    while (len) {
        if (n == 0) {
            n = len;
        }

        p = ngx_http_flagship_out_room(out, n);
        if (p == NULL) {
            return;
        }

        ngx_memcpy(p, from, n);
        ngx_http_flagship_out_used(out, n);

        from += n;
        len -= n;
        n = 0;
    }
}


void
ngx_http_flagship_out_text(ngx_http_flagship_out_t *out, const char *s)
{
    ngx_http_flagship_out_data(out, s, ngx_strlen(s));
}


void
ngx_http_flagship_out_json(ngx_http_flagship_out_t *out, const void *data,
    size_t len)
{
    u_char          *p;
    size_t           need, room;
    flagship_str_t   s;

    s = flagship_str(data, len);

    /* most strings fit where they are, at the first attempt */

    p = ngx_http_flagship_out_room(out, 1);
    if (p == NULL) {
        return;
    }

    room = out->buf->end - p;
    need = flagship_json_print_string(s, (char *) p, room);

    if (need > room) {
        p = ngx_http_flagship_out_room(out, need);
        if (p == NULL) {
            return;
        }

        (void) flagship_json_print_string(s, (char *) p, need);
    }

    ngx_http_flagship_out_used(out, need);
}


void
ngx_http_flagship_out_json_or_null(ngx_http_flagship_out_t *out,
    const void *data, size_t len)
{
    if (data == NULL) {
        ngx_http_flagship_out_literal(out, "null");
        return;
    }

    ngx_http_flagship_out_json(out, data, len);
}


void
ngx_http_flagship_out_node(ngx_http_flagship_out_t *out,
    const flagship_json_node_t *node)
{
    char     none[1];
    u_char  *p;
    size_t   len;

    len = flagship_json_print(node, none, 0);

    p = ngx_http_flagship_out_room(out, len);
    if (p == NULL) {
        return;
    }

    (void) flagship_json_print(node, (char *) p, len);
    ngx_http_flagship_out_used(out, len);
}


void
ngx_http_flagship_out_uint(ngx_http_flagship_out_t *out, uint64_t n)
{
    u_char  buf[NGX_INT64_LEN];

    ngx_http_flagship_out_data(out, buf, ngx_sprintf(buf, "%uL", n) - buf);
}


void
ngx_http_flagship_out_double(ngx_http_flagship_out_t *out, double n)
{
    char  buf[FLAGSHIP_NUMBER_LEN];

    ngx_http_flagship_out_data(out, buf, flagship_number_print(n, buf));
}
