
/*
 * Copyright (C) Flagship
 */


/*
 * Long answers: written in pieces, and no faster than the client takes them.
 * What it has not taken lies in the buffers of one text, which are used again
 * once they are sent, so a long answer needs no more memory than a short one.
 * A worker's event loop.
 */


#include "ngx_http_flagship_api_query.h"


#define NGX_HTTP_FLAGSHIP_STREAM_SIZE  16384


static ngx_int_t ngx_http_flagship_stream_pass(ngx_http_flagship_call_t *call,
    ngx_uint_t end);
static void ngx_http_flagship_stream_writer(ngx_http_request_t *r);
static ngx_int_t ngx_http_flagship_stream_wait(ngx_http_request_t *r);


ngx_http_flagship_out_t *
ngx_http_flagship_call_begin(ngx_http_flagship_call_t *call,
    ngx_uint_t status)
{
    ngx_int_t                 rc;
    ngx_http_request_t       *r;
    ngx_http_flagship_out_t  *out;

    r = call->request;

    out = ngx_palloc(r->pool, sizeof(ngx_http_flagship_out_t));

    if (out == NULL || ngx_http_flagship_answer_headers(call) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return NULL;
    }

    ngx_http_flagship_out_init(out, r->pool, NGX_HTTP_FLAGSHIP_STREAM_SIZE);

    ngx_http_flagship_call_discard(call);

    call->answered = 1;
    call->stream = out;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    r->headers_out.status = status;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_finalize_request(r, rc);
        return NULL;
    }

    return out;
}


ngx_int_t
ngx_http_flagship_call_send(ngx_http_flagship_call_t *call)
{
    ngx_http_request_t  *r;

    r = call->request;

    if (ngx_http_flagship_stream_pass(call, 0) != NGX_OK) {
        ngx_http_flagship_call_abort(call);
        return NGX_ERROR;
    }

    if (!r->buffered && !r->connection->buffered && !r->postponed) {
        return NGX_OK;
    }

    r->write_event_handler = ngx_http_flagship_stream_writer;

    if (ngx_http_flagship_stream_wait(r) != NGX_OK) {
        ngx_http_flagship_call_abort(call);
        return NGX_ERROR;
    }

    if (call->pg) {
        ngx_http_flagship_query_pause(call);
    }

    return NGX_AGAIN;
}


void
ngx_http_flagship_call_end(ngx_http_flagship_call_t *call)
{
    ngx_http_request_t  *r;

    r = call->request;

    call->more = NULL;

    if (ngx_http_flagship_stream_pass(call, 1) != NGX_OK) {
        ngx_http_flagship_call_abort(call);
        return;
    }

    /* what the client has not taken yet nginx sends by itself */

    ngx_http_finalize_request(r, NGX_OK);
}


void
ngx_http_flagship_call_abort(ngx_http_flagship_call_t *call)
{
    ngx_http_finalize_request(call->request, NGX_ERROR);
}


static ngx_int_t
ngx_http_flagship_stream_pass(ngx_http_flagship_call_t *call, ngx_uint_t end)
{
    ngx_int_t                 rc;
    ngx_buf_t                *b;
    ngx_chain_t              *cl;
    ngx_http_request_t       *r;
    ngx_http_flagship_out_t  *out;

    r = call->request;
    out = call->stream;

    if (out->failed) {
        return NGX_ERROR;
    }

    if (end) {
        b = ngx_calloc_buf(r->pool);
        cl = ngx_alloc_chain_link(r->pool);

        if (b == NULL || cl == NULL) {
            return NGX_ERROR;
        }

        b->last_buf = (r == r->main) ? 1 : 0;
        b->last_in_chain = 1;
        b->sync = !b->last_buf;

        cl->buf = b;
        cl->next = NULL;
        *out->last = cl;
        out->last = &cl->next;

    } else if (out->first == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_output_filter(r, out->first);

    ngx_chain_update_chains(r->pool, &out->free, &out->busy, &out->first,
                            (ngx_buf_tag_t) &ngx_http_flagship_module);

    out->last = &out->first;
    out->buf = NULL;
    out->len = 0;

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


static void
ngx_http_flagship_stream_writer(ngx_http_request_t *r)
{
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_flagship_call_t  *call;
    ngx_http_flagship_out_t   *out;

    c = r->connection;
    wev = c->write;

    call = ngx_http_flagship_call_find(r);
    out = call->stream;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "client timed out");
        c->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (ngx_http_output_filter(r, NULL) == NGX_ERROR) {
        ngx_http_flagship_call_abort(call);
        return;
    }

    ngx_chain_update_chains(r->pool, &out->free, &out->busy, &out->first,
                            (ngx_buf_tag_t) &ngx_http_flagship_module);

    if (r->buffered || c->buffered || r->postponed) {
        if (ngx_http_flagship_stream_wait(r) != NGX_OK) {
            ngx_http_flagship_call_abort(call);
        }

        return;
    }

    if (wev->timer_set) {
        ngx_del_timer(wev);
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    call->more(call);
}


static ngx_int_t
ngx_http_flagship_stream_wait(ngx_http_request_t *r)
{
    ngx_event_t               *wev;
    ngx_http_core_loc_conf_t  *clcf;

    wev = r->connection->write;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    return ngx_handle_write_event(wev, clcf->send_lowat);
}
