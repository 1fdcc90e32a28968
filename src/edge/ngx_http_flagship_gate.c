
/*
 * Copyright (C) Flagship
 */


/*
 * Gates: a request passes where flags let it, or is turned away.
 *
 * They are asked in PRECONTENT, after access control, which "satisfy any"
 * cannot skip; early ones also in the rewrite phase, where our handler runs
 * before the rewrite module's.  A flag is evaluated once a request, so both
 * give the same answer.
 *
 * Whoever was turned away meets no inherited gate again: its error page, named
 * location or URI can be reached.  A gate that is written in that very
 * location counts, and one that turns the same request away a second time
 * answers with a plain status, so that nothing loops.
 */


#include "ngx_http_flagship_edge.h"


static ngx_int_t ngx_http_flagship_gate_ask(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_gate_t *gate);
static ngx_int_t ngx_http_flagship_gate_turn(ngx_http_request_t *r,
    ngx_http_flagship_ctx_t *ctx, ngx_http_flagship_gate_t *gate);
static ngx_int_t ngx_http_flagship_gate_redirect(ngx_http_request_t *r,
    ngx_http_flagship_gate_t *gate);


ngx_int_t
ngx_http_flagship_gates(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf, ngx_uint_t early)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    ngx_http_flagship_ctx_t     *ctx;
    ngx_http_flagship_gate_t   **gate;
    ngx_http_flagship_turned_t  *turned;

    ctx = ngx_http_flagship_ctx_get(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!conf->own) {
        for (turned = ctx->turned; turned; turned = turned->next) {
            if (turned->request == r) {
                return NGX_DECLINED;
            }
        }
    }

    gate = conf->gates->elts;

    for (i = 0; i < conf->gates->nelts; i++) {

        if (early && !gate[i]->early) {
            continue;
        }

        rc = ngx_http_flagship_gate_ask(ctx, gate[i]);

        if (rc == NGX_DECLINED) {
            return ngx_http_flagship_gate_turn(r, ctx, gate[i]);
        }

        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    return NGX_DECLINED;
}


/* NGX_OK: open, NGX_DECLINED: closed. */

static ngx_int_t
ngx_http_flagship_gate_ask(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_gate_t *gate)
{
    uint32_t                     flag;
    ngx_int_t                    rc;
    ngx_http_flagship_answer_t  *answer;

    rc = ngx_http_flagship_bind(ctx);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    flag = (rc == NGX_OK) ? ngx_http_flagship_index(&gate->index, ctx->image,
                                                    &gate->key, 0)
                          : FLAGSHIP_NONE;

    if (flag == FLAGSHIP_NONE) {
        return gate->open ? NGX_OK : NGX_DECLINED;
    }

    answer = ngx_http_flagship_answer(ctx, flag);
    if (answer == NULL) {
        return NGX_ERROR;
    }

    if (answer->decision.reason == FLAGSHIP_REASON_ERROR) {
        return gate->open ? NGX_OK : NGX_DECLINED;
    }

    if (gate->variant_set) {
        return (answer->decision.variant != FLAGSHIP_NO_VARIANT
                && answer->variant.len == gate->variant.len
                && ngx_memcmp(answer->variant.data, gate->variant.data,
                              gate->variant.len) == 0)
               ? NGX_OK : NGX_DECLINED;
    }

    return ngx_http_flagship_enabled(ctx, answer) ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_flagship_gate_turn(ngx_http_request_t *r,
    ngx_http_flagship_ctx_t *ctx, ngx_http_flagship_gate_t *gate)
{
    ngx_http_flagship_turned_t  *turned;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "flagship: gate of flag \"%V\" is closed", &gate->key);

    for (turned = ctx->turned; turned; turned = turned->next) {
        if (turned->request == r && turned->gate == gate) {
            return gate->status;
        }
    }

    turned = ngx_palloc(ctx->request->pool,
                        sizeof(ngx_http_flagship_turned_t));
    if (turned == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    turned->request = r;
    turned->gate = gate;
    turned->next = ctx->turned;

    ctx->turned = turned;

    if (gate->named.len == 0 && gate->uri == NULL) {
        return gate->status;
    }

    return ngx_http_flagship_gate_redirect(r, gate);
}


static ngx_int_t
ngx_http_flagship_gate_redirect(ngx_http_request_t *r,
    ngx_http_flagship_gate_t *gate)
{
    ngx_str_t  uri, args;

    if (gate->uri == NULL) {
        (void) ngx_http_named_location(r, &gate->named);
        ngx_http_finalize_request(r, NGX_DONE);
        return NGX_DONE;
    }

    if (ngx_http_complex_value(r, gate->uri, &uri) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (uri.len && uri.data[0] == '@') {
        (void) ngx_http_named_location(r, &uri);
        ngx_http_finalize_request(r, NGX_DONE);
        return NGX_DONE;
    }

    if (uri.len == 0 || uri.data[0] != '/') {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "flagship: \"otherwise\" of the gate of flag \"%V\" "
                      "gave \"%V\", which is no URI", &gate->key, &uri);
        return gate->status;
    }

    ngx_http_split_args(r, &uri, &args);

    (void) ngx_http_internal_redirect(r, &uri, &args);
    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}
