
/*
 * Copyright (C) Flagship
 */


/*
 * Headers: a client's are stripped before anything reads them, those of the
 * location that proxies are injected once access is decided, and the response
 * gets its own.
 *
 * A request evaluates the flags of its location's plan and writes all elements
 * into one allocation.  Everything an element points to lies in the request's
 * pool or in a plan that the request refers to, never in an image: a mirror
 * subrequest may outlive that.
 *
 * Only a main request injects: subrequests share its list.
 */


#include "ngx_http_flagship_edge.h"


typedef struct {
    ngx_table_elt_t           *elts;
    ngx_uint_t                 n;
} ngx_http_flagship_range_t;


static ngx_int_t ngx_http_flagship_take_back(ngx_http_request_t *r,
    ngx_http_flagship_ctx_t *ctx);
static ngx_int_t ngx_http_flagship_fill(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_list_part_t **ppart,
    ngx_uint_t spare);
static ngx_int_t ngx_http_flagship_write_headers(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_http_flagship_plan_t *plan,
    ngx_list_part_t *part);
static ngx_int_t ngx_http_flagship_value(ngx_http_flagship_ctx_t *ctx,
    const flagship_decision_t *decision, ngx_str_t *value)
    __attribute__((noinline));
static void ngx_http_flagship_dropped(ngx_http_flagship_ctx_t *ctx,
    ngx_uint_t n);
static void ngx_http_flagship_over(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_uint_t n);
static ngx_uint_t ngx_http_flagship_any_prefixed(ngx_list_t *list,
    ngx_http_flagship_edge_conf_t *conf);
static ngx_uint_t ngx_http_flagship_match_prefix(ngx_table_elt_t *h,
    void *data);
static ngx_uint_t ngx_http_flagship_match_range(ngx_table_elt_t *h,
    void *data);
static ngx_uint_t ngx_http_flagship_match_names(ngx_table_elt_t *h,
    void *data);


ngx_int_t
ngx_http_flagship_strip(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf)
{
    if (!ngx_http_flagship_any_prefixed(&r->headers_in.headers, conf)) {
        return NGX_OK;
    }

    return ngx_http_flagship_list_remove(&r->headers_in.headers, r->pool,
                                         ngx_http_flagship_match_prefix,
                                         conf);
}


ngx_int_t
ngx_http_flagship_inject(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf)
{
    ngx_int_t                 rc;
    ngx_list_part_t          *ours;
    ngx_http_flagship_ctx_t  *ctx;

    if (conf->request == NULL) {
        ctx = ngx_http_flagship_ctx_find(r);

        if (ctx == NULL || ctx->injected == NULL) {
            return NGX_OK;
        }

        return ngx_http_flagship_take_back(r, ctx);
    }

    ctx = ngx_http_flagship_ctx_get(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (ctx->injected == conf->request) {
        return NGX_OK;
    }

    if (ctx->injected && ngx_http_flagship_take_back(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_flagship_fill(ctx, conf->request, &ours, 0);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
    }

    /*
     * What has one of our names by now came from a hop that was trusted, or
     * from another module
     */

    if (ngx_http_flagship_any_prefixed(&r->headers_in.headers, conf)
        && ngx_http_flagship_list_remove(&r->headers_in.headers, r->pool,
                                         ngx_http_flagship_match_names, ours)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->injected = conf->request;
    ctx->elts = ours->elts;
    ctx->nelts = ours->nelts;

    ngx_http_flagship_list_append(&r->headers_in.headers, ours, ours->nelts);

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_take_back(ngx_http_request_t *r,
    ngx_http_flagship_ctx_t *ctx)
{
    ngx_http_flagship_range_t  range;

    range.elts = ctx->elts;
    range.n = ctx->nelts;

    if (ngx_http_flagship_list_remove(&r->headers_in.headers, r->pool,
                                      ngx_http_flagship_match_range, &range)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->injected = NULL;

    return NGX_OK;
}


ngx_int_t
ngx_http_flagship_respond(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf)
{
    ngx_int_t                 rc;
    ngx_uint_t                i;
    ngx_list_part_t          *part, *ours;
    ngx_table_elt_t          *h;
    ngx_http_flagship_ctx_t  *ctx;

    ctx = ngx_http_flagship_ctx_get(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    /* room for what later filters push */

    rc = ngx_http_flagship_fill(ctx, conf->response, &ours, 8);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
    }

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].hash && ngx_http_flagship_match_prefix(&h[i], conf)
                && ngx_http_flagship_match_names(&h[i], ours))
            {
                h[i].hash = 0;
            }
        }
    }

    ngx_http_flagship_list_append(&r->headers_out.headers, ours,
                                  ours->nelts + 8);

    return NGX_OK;
}


/*
 * The part of a list that holds our headers: part, elements and decisions are
 * one allocation.  NGX_DECLINED: there are none.
 */

static ngx_int_t
ngx_http_flagship_fill(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_list_part_t **ppart,
    ngx_uint_t spare)
{
    size_t                     size;
    ngx_int_t                  rc;
    ngx_list_part_t           *part;
    flagship_decision_t       *decided;
    ngx_http_flagship_plan_t  *plan;
    ngx_http_flagship_used_t  *used;

    rc = ngx_http_flagship_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    plan = ngx_http_flagship_plan(headers, ctx->image,
                                  ctx->request->connection->log);
    if (plan == NULL || ngx_http_flagship_settle(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (plan->n == 0) {
        return NGX_DECLINED;
    }

    size = sizeof(ngx_list_part_t)
           + (plan->n + spare) * sizeof(ngx_table_elt_t)
           + sizeof(ngx_http_flagship_used_t)
           + plan->n * sizeof(flagship_decision_t);

    part = ngx_http_flagship_alloc(ctx, size);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->elts = part + 1;
    part->nelts = 0;

    used = (ngx_http_flagship_used_t *) ((ngx_table_elt_t *) part->elts
                                         + plan->n + spare);
    decided = (flagship_decision_t *) (used + 1);

    if (ngx_http_flagship_decide_begin(ctx, decided) != NGX_OK) {
        return NGX_ERROR;
    }

    used->plan = plan;
    used->next = ctx->used;

    ctx->used = used;
    plan->refs++;

    rc = ngx_http_flagship_write_headers(ctx, headers, plan, part);

    ngx_http_flagship_decide_end(ctx);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    *ppart = part;

    return part->nelts ? NGX_OK : NGX_DECLINED;
}


/* Decides what the plan names and writes it down. */

static ngx_int_t
ngx_http_flagship_write_headers(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_http_flagship_plan_t *plan,
    ngx_list_part_t *part)
{
    size_t                       sent, most;
    ngx_int_t                    rc;
    ngx_str_t                    value;
    ngx_uint_t                   v, dropped, over;
    ngx_table_elt_t             *h, *elt;
    const flagship_decision_t   *decision;
    ngx_http_flagship_header_t  *header, *end;

    h = part->elts;
    elt = plan->elts;
    sent = 0;
    most = headers->all ? NGX_HTTP_FLAGSHIP_HEADERS_MAX : NGX_MAX_SIZE_T_VALUE;
    dropped = 0;
    over = plan->over;

    header = plan->headers;
    end = header + plan->n;

    for ( /* void */ ; header < end; header++, elt++) {

        decision = ngx_http_flagship_decide(ctx, header->flag);

        /* FLAGSHIP_NO_VARIANT comes to 0 */

        v = (uint16_t) (decision->variant + 1);

        if (v < header->n && header->values[v].data) {
            value = header->values[v];

        } else {
            if (v == 0) {
                continue;
            }

            rc = ngx_http_flagship_value(ctx, decision, &value);

            if (rc == NGX_DECLINED) {
                dropped++;
                continue;
            }

            if (rc != NGX_OK) {
                return NGX_ERROR;
            }
        }

        sent += elt->key.len + value.len + 4;

        if (sent > most) {
            over += end - header;
            break;
        }

        *h = *elt;
        h->value = value;

        h++;
    }

    part->nelts = h - (ngx_table_elt_t *) part->elts;

    if (over) {
        ngx_http_flagship_over(ctx, headers, over);
    }

    if (dropped) {
        ngx_http_flagship_dropped(ctx, dropped);
    }

    return NGX_OK;
}


/* A text that the plan has not.  NGX_DECLINED: it must not be sent. */

static ngx_int_t
ngx_http_flagship_value(ngx_http_flagship_ctx_t *ctx,
    const flagship_decision_t *decision, ngx_str_t *value)
{
    u_char                    *p;
    flagship_str_t             text;
    const flagship_variant_t  *variant;

    variant = flagship_flag_variant(ctx->image, decision->flag,
                                    decision->variant);

    if (variant->unsendable) {
        return NGX_DECLINED;
    }

    text = flagship_variant_text(ctx->image, decision->flag,
                                 decision->variant);

    p = ngx_pnalloc(ctx->request->pool, text.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, text.data, text.len);

    value->len = text.len;
    value->data = p;

    return NGX_OK;
}


static void
ngx_http_flagship_dropped(ngx_http_flagship_ctx_t *ctx, ngx_uint_t n)
{
    ngx_http_flagship_main_conf_t    *fmcf;
    ngx_http_flagship_zone_shared_t  *shared;

    fmcf = ngx_http_flagship_get_main_conf(ctx->request);
    shared = ngx_http_flagship_zone_shared(fmcf->zone);

    (void) ngx_atomic_fetch_add(&shared->headers_dropped, n);
}


static void
ngx_http_flagship_over(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_uint_t n)
{
    ngx_http_flagship_main_conf_t    *fmcf;
    ngx_http_flagship_zone_shared_t  *shared;

    fmcf = ngx_http_flagship_get_main_conf(ctx->request);
    shared = ngx_http_flagship_zone_shared(fmcf->zone);

    (void) ngx_atomic_fetch_add(&shared->headers_over, n);

    if (headers->logged) {
        return;
    }

    headers->logged = 1;

    ngx_log_error(NGX_LOG_WARN, ctx->request->connection->log, 0,
                  "flagship: %ui exposed flags of tenant \"%V\", environment "
                  "\"%V\" are not sent: the headers are limited to %ui and "
                  "%d bytes; name the flags that are needed",
                  n, &ctx->tenant, &ctx->environment, headers->limit,
                  NGX_HTTP_FLAGSHIP_HEADERS_MAX);
}


/* Most headers are shorter than the prefix, or begin with another byte. */

static ngx_uint_t
ngx_http_flagship_any_prefixed(ngx_list_t *list,
    ngx_http_flagship_edge_conf_t *conf)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &list->part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len >= conf->prefix.len
                && ngx_http_flagship_fold(h[i].key.data[0]) == conf->fold[0]
                && ngx_http_flagship_match_prefix(&h[i], conf))
            {
                return 1;
            }
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_flagship_match_prefix(ngx_table_elt_t *h, void *data)
{
    ngx_http_flagship_edge_conf_t *conf = data;

    size_t  i;

    if (h->key.len < conf->prefix.len) {
        return 0;
    }

    for (i = 0; i < conf->prefix.len; i++) {
        if (ngx_http_flagship_fold(h->key.data[i]) != conf->fold[i]) {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_http_flagship_match_range(ngx_table_elt_t *h, void *data)
{
    ngx_http_flagship_range_t *range = data;

    return h >= range->elts && h < range->elts + range->n;
}


static ngx_uint_t
ngx_http_flagship_match_names(ngx_table_elt_t *h, void *data)
{
    ngx_list_part_t *part = data;

    ngx_uint_t        i;
    ngx_table_elt_t  *ours;

    ours = part->elts;

    for (i = 0; i < part->nelts; i++) {
        if (ngx_http_flagship_same(&h->key, &ours[i].key)) {
            return 1;
        }
    }

    return 0;
}
