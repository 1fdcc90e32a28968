
/*
 * Copyright (C) Flagship
 */


/*
 * The errors that nginx makes itself in a location of the API (a limit, a
 * body that is too large, an access rule) as problems, in place of its HTML:
 * a filter of headers gives them our head, a filter of bodies our text.  A
 * worker's event loop.
 */


#include "ngx_http_flagship_api_request.h"


static ngx_int_t ngx_http_flagship_error_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_flagship_error_make(ngx_http_request_t *r);
static ngx_int_t ngx_http_flagship_error_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static const struct {
    ngx_uint_t   status;
    const char  *detail;
} ngx_http_flagship_errors[] = {
    { 400, "the request is malformed" },
    { 401, "a credential is needed" },
    { 403, "access is denied by the server's configuration" },
    { 404, "there is nothing at this path" },
    { 405, "this is no method of this path" },
    { 408, "the request did not arrive in time" },
    { 413, "the body is larger than the server accepts" },
    { 414, "the URI is longer than the server accepts" },
    { 416, "the range cannot be satisfied" },
    { 429, "there are too many requests" },
    { 500, "the server met an internal error" },
    { 503, "the server takes no more requests at the moment" },
    { 0, NULL }
};


ngx_int_t
ngx_http_flagship_api_error_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_flagship_error_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_flagship_error_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_error_header_filter(ngx_http_request_t *r)
{
    ngx_http_flagship_call_t  *call;

    if (r->headers_out.status < NGX_HTTP_BAD_REQUEST
        || !ngx_http_flagship_get_loc_conf(r)->api->api)
    {
        return ngx_http_next_header_filter(r);
    }

    call = ngx_http_flagship_call_find(r);

    if (call == NULL || !call->answered) {
        if (ngx_http_flagship_error_make(r) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_flagship_error_make(ngx_http_request_t *r)
{
    ngx_uint_t                 i, status;
    const char                *detail;
    ngx_http_flagship_out_t    out;
    ngx_http_flagship_call_t  *call;

    call = ngx_http_flagship_call_get(r);
    if (call == NULL) {
        return NGX_ERROR;
    }

    status = r->headers_out.status;
    detail = "the request failed";

    for (i = 0; ngx_http_flagship_errors[i].status; i++) {
        if (ngx_http_flagship_errors[i].status == status) {
            detail = ngx_http_flagship_errors[i].detail;
        }
    }

    ngx_http_flagship_out_init(&out, r->pool, 0);

    ngx_http_flagship_problem_write(call, &out, status, (u_char *) detail,
                                    ngx_strlen(detail));

    if (out.failed
        || ngx_http_flagship_problem_headers(call, status) != NGX_OK
        || ngx_http_flagship_answer_headers(call) != NGX_OK)
    {
        return NGX_ERROR;
    }

    out.buf->last_buf = (r == r->main) ? 1 : 0;
    out.buf->last_in_chain = 1;

    call->answered = 1;
    call->replacement = out.first;

    ngx_http_clear_content_length(r);
    r->headers_out.content_length_n = out.len;

    return NGX_OK;
}


/* What nginx has written is taken and dropped. */

static ngx_int_t
ngx_http_flagship_error_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t               *cl;
    ngx_http_flagship_call_t  *call;

    if (in == NULL || r->headers_out.status < NGX_HTTP_BAD_REQUEST
        || !ngx_http_flagship_get_loc_conf(r)->api->api)
    {
        return ngx_http_next_body_filter(r, in);
    }

    call = ngx_http_flagship_call_find(r);

    if (call == NULL || call->replacement == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }

    if (call->replaced) {
        return ngx_http_next_body_filter(r, NULL);
    }

    call->replaced = 1;

    return ngx_http_next_body_filter(r, call->replacement);
}
