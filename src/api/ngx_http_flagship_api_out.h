
/*
 * Copyright (C) Flagship
 */


/*
 * A text that grows, buffer by buffer, and becomes a response: nobody counts
 * beforehand how long it will be.
 *
 * Writing never fails where it is done: without memory "failed" is set, what
 * follows is dropped, and whoever sends the text looks.
 */


#ifndef _NGX_HTTP_FLAGSHIP_API_OUT_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_API_OUT_H_INCLUDED_


#include "ngx_http_flagship.h"
#include "flagship_json.h"


typedef struct {
    ngx_pool_t                *pool;
    size_t                     size;     /* of a buffer, at least */
    size_t                     len;      /* bytes that wait to be sent */
    ngx_chain_t               *first;    /* they */
    ngx_chain_t              **last;
    ngx_buf_t                 *buf;      /* the newest of them */
    ngx_chain_t               *busy;     /* sent, still nginx's */
    ngx_chain_t               *free;
    unsigned                   failed:1;
} ngx_http_flagship_out_t;


/* Memory is the pool's; "size" 0: as much as most answers take. */
void ngx_http_flagship_out_init(ngx_http_flagship_out_t *out,
    ngx_pool_t *pool, size_t size);

void ngx_http_flagship_out_data(ngx_http_flagship_out_t *out,
    const void *data, size_t len);

#define ngx_http_flagship_out_literal(out, s)                                 \
    ngx_http_flagship_out_data(out, s, sizeof(s) - 1)

#define ngx_http_flagship_out_str(out, s)                                     \
    ngx_http_flagship_out_data(out, (s)->data, (s)->len)

/* A terminated text. */
void ngx_http_flagship_out_text(ngx_http_flagship_out_t *out, const char *s);

/* A JSON string with its quotes, of any bytes. */
void ngx_http_flagship_out_json(ngx_http_flagship_out_t *out,
    const void *data, size_t len);

#define ngx_http_flagship_out_json_str(out, s)                                \
    ngx_http_flagship_out_json(out, (s)->data, (s)->len)

/* The same, or null where data is NULL. */
void ngx_http_flagship_out_json_or_null(ngx_http_flagship_out_t *out,
    const void *data, size_t len);

/* A subtree as compact JSON. */
void ngx_http_flagship_out_node(ngx_http_flagship_out_t *out,
    const flagship_json_node_t *node);

void ngx_http_flagship_out_uint(ngx_http_flagship_out_t *out, uint64_t n);

/* As JavaScript prints it. */
void ngx_http_flagship_out_double(ngx_http_flagship_out_t *out, double n);


#endif /* _NGX_HTTP_FLAGSHIP_API_OUT_H_INCLUDED_ */
