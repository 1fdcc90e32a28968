
/*
 * Copyright (C) Flagship
 */


/*
 * Answers and problems (RFC 9457).  A worker's event loop.
 *
 * No answer leaves a body unread on a connection that is kept, and none is
 * changed by nginx's own conditional requests: a write that succeeded must not
 * become a 412 because the entity has a new tag now.
 */


#include "ngx_http_flagship_api_request.h"


#define NGX_HTTP_FLAGSHIP_DETAIL_MAX    1024
#define NGX_HTTP_FLAGSHIP_INSTANCE_MAX  1024


static const char *ngx_http_flagship_problem_title(ngx_uint_t status);
static void ngx_http_flagship_answer_problem(ngx_http_flagship_call_t *call,
    ngx_uint_t status, ngx_http_flagship_out_t *out);
static void ngx_http_flagship_answer_send(ngx_http_flagship_call_t *call,
    ngx_uint_t status, ngx_http_flagship_out_t *out);


static const struct {
    ngx_uint_t   status;
    const char  *title;
} ngx_http_flagship_titles[] = {
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 422, "Unprocessable Content" },
    { 429, "Too Many Requests" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 507, "Insufficient Storage" },
    { 0, NULL }
};


static const char *
ngx_http_flagship_problem_title(ngx_uint_t status)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_flagship_titles[i].status; i++) {
        if (ngx_http_flagship_titles[i].status == status) {
            return ngx_http_flagship_titles[i].title;
        }
    }

    return "Error";
}


ngx_int_t
ngx_http_flagship_call_header(ngx_http_flagship_call_t *call,
    const char *name, ngx_str_t *value)
{
    size_t            len;
    u_char           *lowcase;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);

    lowcase = ngx_pnalloc(call->request->pool, len);
    if (lowcase == NULL) {
        return NGX_ERROR;
    }

    h = ngx_list_push(&call->request->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.len = len;
    h->key.data = (u_char *) name;
    h->value = *value;
    h->lowcase_key = lowcase;
    ngx_http_flagship_header_next(h, NULL);

    ngx_strlow(lowcase, (u_char *) name, len);

    return NGX_OK;
}


ngx_int_t
ngx_http_flagship_header_in(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);
    part = &r->headers_in.headers.part;

    for ( ;; ) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == len
                && ngx_strncmp(h[i].lowcase_key, name, len) == 0)
            {
                *value = h[i].value;
                return NGX_OK;
            }
        }

        if (part->next == NULL) {
            return NGX_DECLINED;
        }

        part = part->next;
    }
}


void
ngx_http_flagship_call_discard(ngx_http_flagship_call_t *call)
{
    ngx_http_request_t  *r;

    r = call->request;

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        r->keepalive = 0;
    }
}


/* What every answer has, nginx's own errors included. */

ngx_int_t
ngx_http_flagship_answer_headers(ngx_http_flagship_call_t *call)
{
    ngx_str_t            vary;
    ngx_uint_t           open;
    ngx_http_request_t  *r;

    r = call->request;

    r->disable_not_modified = 1;

    if (call->no_store) {
        if (ngx_http_flagship_call_header_literal(call, "Cache-Control",
                                                  "no-store")
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (ngx_http_flagship_call_header_literal(call, "Cache-Control",
                                                     "private, no-cache")
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    open = (call->route == NULL
            || (call->route->bits & NGX_HTTP_FLAGSHIP_ROUTE_OPEN));

    if (ngx_http_flagship_get_loc_conf(r)->api->cors) {
        if (open) {
            ngx_str_set(&vary, "Origin");

        } else {
            ngx_str_set(&vary, "Authorization, X-API-Key, Origin");
        }

    } else if (!open) {
        ngx_str_set(&vary, "Authorization, X-API-Key");

    } else {
        vary.len = 0;
    }

    if (vary.len
        && ngx_http_flagship_call_header(call, "Vary", &vary) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_flagship_cors_headers(call, call->methods);
}


void
ngx_http_flagship_call_answer(ngx_http_flagship_call_t *call,
    ngx_uint_t status, ngx_http_flagship_out_t *out)
{
    ngx_http_request_t  *r;

    r = call->request;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    ngx_http_flagship_answer_send(call, status, out);
}


static void
ngx_http_flagship_answer_send(ngx_http_flagship_call_t *call,
    ngx_uint_t status, ngx_http_flagship_out_t *out)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = call->request;

    ngx_http_flagship_call_discard(call);

    if ((out && out->failed)
        || ngx_http_flagship_answer_headers(call) != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    call->answered = 1;

    r->headers_out.status = status;
    r->headers_out.content_length_n = out ? out->len : 0;

    if (out == NULL) {
        r->headers_out.content_type.len = 0;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    if (out == NULL || out->len == 0) {
        rc = ngx_http_send_special(r, NGX_HTTP_LAST);
        ngx_http_finalize_request(r, rc);
        return;
    }

    out->buf->last_buf = (r == r->main) ? 1 : 0;
    out->buf->last_in_chain = 1;

    rc = ngx_http_output_filter(r, out->first);

    ngx_http_finalize_request(r, rc);
}


flagship_errors_t *
ngx_http_flagship_call_errors(ngx_http_flagship_call_t *call)
{
    if (call->errors == NULL) {
        call->errors = ngx_palloc(call->request->pool,
                                  sizeof(flagship_errors_t));

        if (call->errors) {
            flagship_errors_init(call->errors);
        }
    }

    return call->errors;
}


void
ngx_http_flagship_call_error(ngx_http_flagship_call_t *call,
    const char *pointer, const char *fmt, ...)
{
    char                message[192];
    va_list             args;
    flagship_errors_t  *errors;

    errors = ngx_http_flagship_call_errors(call);
    if (errors == NULL) {
        return;
    }

    va_start(args, fmt);
    (void) vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);

    flagship_errors_add(errors, 0, flagship_str("", 0), pointer, "%s",
                        message);
}


void
ngx_http_flagship_call_problem(ngx_http_flagship_call_t *call,
    ngx_uint_t status, const char *fmt, ...)
{
    u_char                   *p, detail[NGX_HTTP_FLAGSHIP_DETAIL_MAX];
    va_list                   args;
    ngx_http_flagship_out_t   out;

    va_start(args, fmt);
    p = ngx_vslprintf(detail, detail + sizeof(detail), fmt, args);
    va_end(args);

    ngx_http_flagship_out_init(&out, call->request->pool, 0);

    ngx_http_flagship_problem_write(call, &out, status, detail, p - detail);

    ngx_http_flagship_answer_problem(call, status, &out);
}


void
ngx_http_flagship_problem_write(ngx_http_flagship_call_t *call,
    ngx_http_flagship_out_t *out, ngx_uint_t status, u_char *detail,
    size_t len)
{
    ngx_str_t            path;
    ngx_uint_t           i, n;
    flagship_error_t    *e;
    ngx_http_request_t  *r;

    r = call->request;

    ngx_http_flagship_out_literal(out, "{\"type\":\"about:blank\","
                                       "\"title\":\"");
    ngx_http_flagship_out_text(out, ngx_http_flagship_problem_title(status));
    ngx_http_flagship_out_literal(out, "\",\"status\":");
    ngx_http_flagship_out_uint(out, status);
    ngx_http_flagship_out_literal(out, ",\"detail\":");
    ngx_http_flagship_out_json(out, detail, len);

    /* the path alone: a query may carry what is nobody else's */

    path = r->unparsed_uri;

    for (n = 0; n < path.len && path.data[n] != '?'; n++) { /* void */ }

    ngx_http_flagship_out_literal(out, ",\"instance\":");
    ngx_http_flagship_out_json(out, path.data,
                               ngx_min(n, NGX_HTTP_FLAGSHIP_INSTANCE_MAX));

    if (call->error_code) {
        ngx_http_flagship_out_literal(out, ",\"error_code\":\"");
        ngx_http_flagship_out_text(out, call->error_code);
        ngx_http_flagship_out_literal(out, "\"");
    }

    n = 0;

    for (i = 0; call->errors && i < call->errors->n; i++) {
        e = &call->errors->list[i];

        if (e->warning) {
            continue;
        }

        ngx_http_flagship_out_text(out, n++ ? "," : ",\"errors\":[");
        ngx_http_flagship_out_literal(out, "{\"pointer\":");
        ngx_http_flagship_out_json(out, e->pointer, ngx_strlen(e->pointer));
        ngx_http_flagship_out_literal(out, ",\"detail\":");
        ngx_http_flagship_out_json(out, e->message, ngx_strlen(e->message));
        ngx_http_flagship_out_literal(out, "}");
    }

    if (n) {
        ngx_http_flagship_out_literal(out, "]");
    }

    if (call->extension.len) {
        ngx_http_flagship_out_literal(out, ",");
        ngx_http_flagship_out_str(out, &call->extension);
    }

    ngx_http_flagship_out_literal(out, "}\n");
}


static void
ngx_http_flagship_answer_problem(ngx_http_flagship_call_t *call,
    ngx_uint_t status, ngx_http_flagship_out_t *out)
{
    ngx_http_request_t  *r;

    r = call->request;

    if (ngx_http_flagship_problem_headers(call, status) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_flagship_answer_send(call, status, out);
}


/* The type, and what a status asks for. */

ngx_int_t
ngx_http_flagship_problem_headers(ngx_http_flagship_call_t *call,
    ngx_uint_t status)
{
    ngx_str_t            after;
    ngx_http_request_t  *r;

    r = call->request;

    ngx_str_set(&r->headers_out.content_type, "application/problem+json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_str_null(&r->headers_out.charset);

    call->no_store = 1;

    switch (status) {

    case NGX_HTTP_UNAUTHORIZED:
        return ngx_http_flagship_call_header_literal(call, "WWW-Authenticate",
                                               "Bearer realm=\"flagship\"");

    case NGX_HTTP_TOO_MANY_REQUESTS:
    case NGX_HTTP_SERVICE_UNAVAILABLE:

        after.data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
        if (after.data == NULL) {
            return NGX_ERROR;
        }

        after.len = ngx_sprintf(after.data, "%ui",
                                ngx_max(call->retry_after, 1))
                    - after.data;

        return ngx_http_flagship_call_header(call, "Retry-After", &after);

    default:
        return NGX_OK;
    }
}
