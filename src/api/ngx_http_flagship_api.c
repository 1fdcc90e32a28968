
/*
 * Copyright (C) Flagship
 */


/*
 * A request's way through the API: route, arguments, principal, body, scope,
 * handler.  The first step that finds something wrong answers.  A worker's
 * event loop.
 *
 * From the content handler to the answer the call holds one reference of the
 * request (r->count), which the answer gives back by finalizing it.
 */


#include "ngx_http_flagship_api_query.h"


/* NGX_OK: go on; NGX_DONE: answered; NGX_ERROR: no memory. */

typedef ngx_int_t (*ngx_http_flagship_api_step_pt)(
    ngx_http_flagship_call_t *call);


static void ngx_http_flagship_api_view(ngx_http_flagship_call_t *call);
static ngx_int_t ngx_http_flagship_api_route(ngx_http_flagship_call_t *call);
static ngx_uint_t ngx_http_flagship_api_preflight(ngx_http_request_t *r,
    ngx_str_t *path, ngx_uint_t methods);
static ngx_int_t ngx_http_flagship_api_path(ngx_http_flagship_call_t *call,
    ngx_str_t *path);
static ngx_int_t ngx_http_flagship_api_allow(ngx_http_flagship_call_t *call,
    ngx_uint_t methods);
static ngx_int_t ngx_http_flagship_api_params(ngx_http_flagship_call_t *call);
static void ngx_http_flagship_api_read_body(ngx_http_flagship_call_t *call);
static void ngx_http_flagship_api_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_flagship_api_run(ngx_http_flagship_call_t *call);
static void ngx_http_flagship_api_cleanup(void *data);


static const ngx_http_flagship_api_step_pt  ngx_http_flagship_api_before[] = {
    ngx_http_flagship_api_route,
    ngx_http_flagship_api_params,
    ngx_http_flagship_call_args,
    ngx_http_flagship_call_principal,
    ngx_http_flagship_call_body,
    NULL
};

static const ngx_http_flagship_api_step_pt  ngx_http_flagship_api_after[] = {
    ngx_http_flagship_call_body_parse,
    ngx_http_flagship_call_scope,
    ngx_http_flagship_api_run,
    NULL
};


static ngx_int_t
ngx_http_flagship_api_steps(ngx_http_flagship_call_t *call,
    const ngx_http_flagship_api_step_pt *step)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = call->request;

    for ( /* void */ ; *step; step++) {
        rc = (*step)(call);

        if (rc == NGX_OK) {
            continue;
        }

        if (rc == NGX_ERROR) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        }

        return NGX_DONE;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_flagship_api_handler(ngx_http_request_t *r)
{
    ngx_http_flagship_call_t  *call;

    call = ngx_http_flagship_call_get(r);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->main->count++;

    ngx_http_flagship_api_view(call);

    if (ngx_http_flagship_api_steps(call, ngx_http_flagship_api_before)
        == NGX_OK)
    {
        ngx_http_flagship_api_read_body(call);
    }

    return NGX_DONE;
}


/* A view is never older than a revision that was read before it. */

static void
ngx_http_flagship_api_view(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_main_conf_t  *fmcf;

    fmcf = ngx_http_flagship_get_main_conf(call->request);

    call->revision = ngx_http_flagship_zone_shared(fmcf->zone)->revision;
    call->view = ngx_http_flagship_zone_acquire(fmcf->zone);

    if (call->view && call->view->revision > call->revision) {
        call->revision = call->view->revision;
    }
}


static ngx_int_t
ngx_http_flagship_api_route(ngx_http_flagship_call_t *call)
{
    ngx_int_t            rc;
    ngx_str_t            path;
    ngx_uint_t           methods;
    ngx_http_request_t  *r;

    r = call->request;

    rc = ngx_http_flagship_api_path(call, &path);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_route_find(&path, r->method, &call->route,
                                          call->params, &methods);
    }

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    if (rc == NGX_DECLINED) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND,
                                       "there is nothing at this path");
        return NGX_DONE;
    }

    if (ngx_http_flagship_api_allow(call, methods) != NGX_OK) {
        return NGX_ERROR;
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        call->methods = ngx_http_flagship_api_preflight(r, &path, methods);
        ngx_http_flagship_call_answer(call, NGX_HTTP_NO_CONTENT, NULL);

    } else {
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_ALLOWED,
                                       "%V is no method of this path",
                                       &r->method_name);
    }

    return NGX_DONE;
}


/* Methods of the path that pages of other origins may use; none is
   NGX_HTTP_UNKNOWN. */

static ngx_uint_t
ngx_http_flagship_api_preflight(ngx_http_request_t *r, ngx_str_t *path,
    ngx_uint_t methods)
{
    ngx_str_t                         params[NGX_HTTP_FLAGSHIP_PARAMS];
    ngx_uint_t                        method, all, allowed;
    const ngx_http_flagship_route_t  *route;

    allowed = 0;

    for (method = NGX_HTTP_GET; method <= NGX_HTTP_PATCH; method <<= 1) {
        if ((methods & method)
            && ngx_http_flagship_route_find(path, method, &route, params, &all)
               == NGX_OK
            && ngx_http_flagship_cors_route(r, route))
        {
            allowed |= method;
        }
    }

    return allowed ? allowed : NGX_HTTP_UNKNOWN;
}


/* The path below the location: "/flags" in "location /api/" is /api/flags. */

static ngx_int_t
ngx_http_flagship_api_path(ngx_http_flagship_call_t *call, ngx_str_t *path)
{
    ngx_http_request_t            *r;
    ngx_http_flagship_api_conf_t  *conf;

    r = call->request;
    conf = ngx_http_flagship_get_loc_conf(r)->api;

    if (r->uri.len <= conf->prefix.len
        || r->uri.data[conf->prefix.len] != '/'
        || ngx_memcmp(r->uri.data, conf->prefix.data, conf->prefix.len) != 0)
    {
        return NGX_DECLINED;
    }

    path->data = r->uri.data + conf->prefix.len;
    path->len = r->uri.len - conf->prefix.len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_api_allow(ngx_http_flagship_call_t *call,
    ngx_uint_t methods)
{
    ngx_str_t  allow;

    allow.data = ngx_pnalloc(call->request->pool,
                             NGX_HTTP_FLAGSHIP_ALLOW_LEN);
    if (allow.data == NULL) {
        return NGX_ERROR;
    }

    allow.len = ngx_http_flagship_route_allow(methods, allow.data);

    return ngx_http_flagship_call_header(call, "Allow", &allow);
}


static ngx_int_t
ngx_http_flagship_api_params(ngx_http_flagship_call_t *call)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_FLAGSHIP_PARAMS; i++) {
        if (!ngx_http_flagship_call_utf8(&call->params[i])) {
            ngx_http_flagship_call_problem(call, NGX_HTTP_BAD_REQUEST,
                                           "the path is not UTF-8");
            return NGX_DONE;
        }
    }

    return NGX_OK;
}


/* Reading has a reference of its own, which is ours from then on. */

static void
ngx_http_flagship_api_read_body(ngx_http_flagship_call_t *call)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = call->request;

    if (call->route->body == NGX_HTTP_FLAGSHIP_BODY_NONE) {
        (void) ngx_http_flagship_api_steps(call, ngx_http_flagship_api_after);
        return;
    }

    r->request_body_in_single_buf = 1;

    r->main->count--;

    rc = ngx_http_read_client_request_body(r,
                                         ngx_http_flagship_api_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        r->main->count++;
        ngx_http_finalize_request(r, rc);
    }
}


static void
ngx_http_flagship_api_body_handler(ngx_http_request_t *r)
{
    ngx_http_flagship_call_t  *call;

    call = ngx_http_flagship_call_find(r);

    (void) ngx_http_flagship_api_steps(call, ngx_http_flagship_api_after);
}


static ngx_int_t
ngx_http_flagship_api_run(ngx_http_flagship_call_t *call)
{
    return call->route->handler(call);
}


ngx_http_flagship_call_t *
ngx_http_flagship_call_find(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_flagship_call_t  *call;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_flagship_api_cleanup) {
            call = cln->data;

            if (call->request == r) {
                return call;
            }
        }
    }

    return NULL;
}


ngx_http_flagship_call_t *
ngx_http_flagship_call_get(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_flagship_call_t  *call;

    call = ngx_http_flagship_call_find(r);
    if (call) {
        return call;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_flagship_call_t));
    if (cln == NULL) {
        return NULL;
    }

    call = cln->data;

    ngx_memzero(call, sizeof(ngx_http_flagship_call_t));

    call->request = r;
    flagship_json_init(&call->json);

    cln->handler = ngx_http_flagship_api_cleanup;

    return call;
}


static void
ngx_http_flagship_api_cleanup(void *data)
{
    ngx_http_flagship_call_t  *call = data;

    ngx_http_flagship_query_cancel(call);
    ngx_http_flagship_written_cancel(call);

    flagship_json_free(&call->json);

    if (call->view) {
        ngx_http_flagship_view_release(call->view);
    }
}
