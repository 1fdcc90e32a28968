
/*
 * Copyright (C) Flagship
 */


/*
 * Probes: flagship_status, and /live, /ready and /health of the API.  "live"
 * says that this worker answers; "ready" that the flag set of this location is
 * here; "health" how it came and how old it is.  Runs in a worker's event loop
 * and reads the zone only.
 */


#include "ngx_http_flagship_api_request.h"
#include "ngx_http_flagship_sync.h"


/* rounds of the source that may fail before somebody should know, and the
   least time that takes */

#define NGX_HTTP_FLAGSHIP_STALE_ROUNDS   3
#define NGX_HTTP_FLAGSHIP_STALE_SECONDS  15


static ngx_int_t ngx_http_flagship_status_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_flagship_status_live(ngx_http_flagship_out_t *out);
static ngx_uint_t ngx_http_flagship_status_ready(
    ngx_http_flagship_main_conf_t *fmcf, ngx_str_t *tenant,
    ngx_str_t *environment, ngx_http_flagship_out_t *out);
static ngx_int_t ngx_http_flagship_status_found(
    ngx_http_flagship_main_conf_t *fmcf, ngx_str_t *tenant,
    ngx_str_t *environment);
static const char *ngx_http_flagship_status_name(
    ngx_http_flagship_main_conf_t *fmcf, time_t age);
static ngx_int_t ngx_http_flagship_status_send(ngx_http_request_t *r,
    ngx_uint_t status, ngx_http_flagship_out_t *out);


char *
ngx_http_flagship_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    if (flcf->api->status != NGX_HTTP_FLAGSHIP_STATUS_NONE) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "live") == 0) {
        flcf->api->status = NGX_HTTP_FLAGSHIP_STATUS_LIVE;

    } else if (ngx_strcmp(value[1].data, "ready") == 0) {
        flcf->api->status = NGX_HTTP_FLAGSHIP_STATUS_READY;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\" directive, it must "
                           "be \"live\" or \"ready\"", &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_flagship_status_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_flagship_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    ngx_str_t                      tenant, environment;
    ngx_uint_t                     status;
    ngx_http_flagship_out_t        out;
    ngx_http_flagship_loc_conf_t  *flcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    flcf = ngx_http_flagship_get_loc_conf(r);

    ngx_http_flagship_out_init(&out, r->pool, 0);

    if (flcf->api->status == NGX_HTTP_FLAGSHIP_STATUS_LIVE) {
        status = ngx_http_flagship_status_live(&out);

    } else {
        if (ngx_http_complex_value(r, flcf->tenant, &tenant) != NGX_OK
            || ngx_http_complex_value(r, flcf->environment, &environment)
               != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        status = ngx_http_flagship_status_ready(
                                          ngx_http_flagship_get_main_conf(r),
                                          &tenant, &environment, &out);
    }

    if (out.failed) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_flagship_status_send(r, status, &out);
}


ngx_int_t
ngx_http_flagship_live(ngx_http_flagship_call_t *call)
{
    ngx_uint_t               status;
    ngx_http_flagship_out_t  out;

    ngx_http_flagship_out_init(&out, call->request->pool, 0);

    status = ngx_http_flagship_status_live(&out);

    call->no_store = 1;
    ngx_http_flagship_call_answer(call, status, &out);

    return NGX_OK;
}


ngx_int_t
ngx_http_flagship_ready(ngx_http_flagship_call_t *call)
{
    ngx_uint_t               status;
    ngx_http_flagship_out_t  out;

    ngx_http_flagship_out_init(&out, call->request->pool, 0);

    status = ngx_http_flagship_status_ready(
                              ngx_http_flagship_get_main_conf(call->request),
                              &call->tenant, &call->environment, &out);

    call->no_store = 1;
    ngx_http_flagship_call_answer(call, status, &out);

    return NGX_OK;
}


ngx_int_t
ngx_http_flagship_health(ngx_http_flagship_call_t *call)
{
    time_t                            age;
    ngx_uint_t                        status;
    const char                       *name;
    ngx_http_flagship_out_t           out;
    ngx_http_flagship_main_conf_t    *fmcf;
    ngx_http_flagship_zone_shared_t  *shared;

    fmcf = ngx_http_flagship_get_main_conf(call->request);
    shared = ngx_http_flagship_zone_shared(fmcf->zone);

    age = shared->checked ? ngx_time() - (time_t) shared->checked : -1;

    if (ngx_http_flagship_status_found(fmcf, &call->tenant,
                                       &call->environment)
        == NGX_OK)
    {
        status = NGX_HTTP_OK;
        name = ngx_http_flagship_status_name(fmcf, age);

    } else {
        status = NGX_HTTP_SERVICE_UNAVAILABLE;
        name = "unavailable";
    }

    ngx_http_flagship_out_init(&out, call->request->pool, 0);

    ngx_http_flagship_out_literal(&out, "{\"status\":\"");
    ngx_http_flagship_out_text(&out, name);
    ngx_http_flagship_out_literal(&out, "\",\"revision\":");
    ngx_http_flagship_out_uint(&out, call->revision);
    ngx_http_flagship_out_literal(&out, ",\"age\":");

    if (age >= 0) {
        ngx_http_flagship_out_uint(&out, age);

    } else {
        ngx_http_flagship_out_literal(&out, "null");
    }

    ngx_http_flagship_out_literal(&out, ",\"source\":");
    ngx_http_flagship_out_text(&out, fmcf->sync->pg ? "\"postgres\""
                                     : fmcf->sync->file.len ? "\"file\""
                                     : "null");
    ngx_http_flagship_out_literal(&out, ",\"database\":");
    ngx_http_flagship_out_text(&out, fmcf->sync->pg == NULL ? "null"
                                     : shared->failures ? "\"away\""
                                     : shared->checked ? "\"connected\""
                                     : "\"connecting\"");
    ngx_http_flagship_out_literal(&out, "}\n");

    call->no_store = 1;
    ngx_http_flagship_call_answer(call, status, &out);

    return NGX_OK;
}


static const char *
ngx_http_flagship_status_name(ngx_http_flagship_main_conf_t *fmcf, time_t age)
{
    time_t                            stale;
    ngx_http_flagship_zone_stat_t     stat;
    ngx_http_flagship_zone_shared_t  *shared;

    shared = ngx_http_flagship_zone_shared(fmcf->zone);

    stale = NGX_HTTP_FLAGSHIP_STALE_ROUNDS
            * (time_t) (fmcf->sync->refresh / 1000);

    if (stale < NGX_HTTP_FLAGSHIP_STALE_SECONDS) {
        stale = NGX_HTTP_FLAGSHIP_STALE_SECONDS;
    }

    ngx_http_flagship_zone_stat(fmcf->zone, &stat);

    if (age < 0 || age > stale || shared->failures || stat.full) {
        return "degraded";
    }

    return "healthy";
}


static ngx_uint_t
ngx_http_flagship_status_live(ngx_http_flagship_out_t *out)
{
    ngx_http_flagship_out_literal(out, "{\"status\":\"live\"}\n");

    return NGX_HTTP_OK;
}


static ngx_uint_t
ngx_http_flagship_status_ready(ngx_http_flagship_main_conf_t *fmcf,
    ngx_str_t *tenant, ngx_str_t *environment, ngx_http_flagship_out_t *out)
{
    switch (ngx_http_flagship_status_found(fmcf, tenant, environment)) {

    case NGX_OK:
        ngx_http_flagship_out_literal(out,
                                      "{\"status\":\"ready\",\"revision\":");
        ngx_http_flagship_out_uint(out,
                          ngx_http_flagship_zone_shared(fmcf->zone)->revision);
        ngx_http_flagship_out_literal(out, "}\n");

        return NGX_HTTP_OK;

    case NGX_AGAIN:
        ngx_http_flagship_out_literal(out,
                                      "{\"status\":\"not ready\",\"detail\":"
                                      "\"no flag set has been loaded yet\"}\n");
        break;

    default:
        ngx_http_flagship_out_literal(out,
                                      "{\"status\":\"not ready\",\"tenant\":");
        ngx_http_flagship_out_json_str(out, tenant);
        ngx_http_flagship_out_literal(out, ",\"environment\":");
        ngx_http_flagship_out_json_str(out, environment);
        ngx_http_flagship_out_literal(out,
                                      ",\"detail\":\"no such flag set\"}\n");
    }

    return NGX_HTTP_SERVICE_UNAVAILABLE;
}


/* NGX_OK; NGX_AGAIN: nothing was ever loaded; NGX_DECLINED: not this set. */

static ngx_int_t
ngx_http_flagship_status_found(ngx_http_flagship_main_conf_t *fmcf,
    ngx_str_t *tenant, ngx_str_t *environment)
{
    const flagship_image_t    *image;
    ngx_http_flagship_view_t  *view;

    view = ngx_http_flagship_zone_acquire(fmcf->zone);

    if (view == NULL) {
        return NGX_AGAIN;
    }

    image = ngx_http_flagship_view_find(view, tenant, environment);

    ngx_http_flagship_view_release(view);

    return image ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_flagship_status_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_http_flagship_out_t *out)
{
    ngx_int_t         rc;
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    h->hash = 1;
    ngx_str_set(&h->key, "Cache-Control");
    ngx_str_set(&h->value, "no-store");
    h->lowcase_key = (u_char *) "cache-control";
    ngx_http_flagship_header_next(h, NULL);

    r->headers_out.status = status;
    r->headers_out.content_length_n = out->len;
    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out->buf->last_buf = (r == r->main) ? 1 : 0;
    out->buf->last_in_chain = 1;

    return ngx_http_output_filter(r, out->first);
}
