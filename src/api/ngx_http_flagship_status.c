
/*
 * Copyright (C) Flagship
 */


/*
 * flagship_status: "live" says that this worker answers; "ready" that the
 * flag set of this location is here.  Runs in a worker's event loop and reads
 * the zone only.
 */


#include "ngx_http_flagship_api.h"
#include "ngx_http_flagship_zone.h"
#include "flagship_json.h"


static ngx_int_t ngx_http_flagship_status_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_flagship_status_ready(ngx_http_request_t *r,
    ngx_http_flagship_loc_conf_t *flcf, ngx_str_t *body);
static ngx_int_t ngx_http_flagship_status_missing(ngx_http_request_t *r,
    ngx_str_t *tenant, ngx_str_t *environment, ngx_str_t *body);
static ngx_int_t ngx_http_flagship_status_send(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *body);


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
    ngx_str_t                      body;
    ngx_http_flagship_loc_conf_t  *flcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    flcf = ngx_http_flagship_get_loc_conf(r);

    if (flcf->api->status == NGX_HTTP_FLAGSHIP_STATUS_LIVE) {
        ngx_str_set(&body, "{\"status\":\"live\"}\n");
        return ngx_http_flagship_status_send(r, NGX_HTTP_OK, &body);
    }

    rc = ngx_http_flagship_status_ready(r, flcf, &body);

    switch (rc) {

    case NGX_OK:
        return ngx_http_flagship_status_send(r, NGX_HTTP_OK, &body);

    case NGX_DECLINED:
        return ngx_http_flagship_status_send(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                             &body);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


static ngx_int_t
ngx_http_flagship_status_ready(ngx_http_request_t *r,
    ngx_http_flagship_loc_conf_t *flcf, ngx_str_t *body)
{
    ngx_str_t                       tenant, environment;
    const flagship_image_t         *image;
    ngx_http_flagship_view_t       *view;
    ngx_http_flagship_main_conf_t  *fmcf;

    fmcf = ngx_http_flagship_get_main_conf(r);

    if (ngx_http_complex_value(r, flcf->tenant, &tenant) != NGX_OK
        || ngx_http_complex_value(r, flcf->environment, &environment)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    view = ngx_http_flagship_zone_acquire(fmcf->zone);

    if (view == NULL) {
        ngx_str_set(body, "{\"status\":\"not ready\",\"detail\":\"no flag set "
                          "has been loaded yet\"}\n");
        return NGX_DECLINED;
    }

    image = ngx_http_flagship_view_find(view, &tenant, &environment);

    ngx_http_flagship_view_release(view);

    if (image == NULL) {
        return ngx_http_flagship_status_missing(r, &tenant, &environment,
                                                body);
    }

    body->data = ngx_pnalloc(r->pool, sizeof("{\"status\":\"ready\","
                                             "\"revision\":}\n") - 1
                                      + NGX_ATOMIC_T_LEN);
    if (body->data == NULL) {
        return NGX_ERROR;
    }

    body->len = ngx_sprintf(body->data,
                       "{\"status\":\"ready\",\"revision\":%uA}\n",
                       ngx_http_flagship_zone_shared(fmcf->zone)->revision)
                - body->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_status_missing(ngx_http_request_t *r, ngx_str_t *tenant,
    ngx_str_t *environment, ngx_str_t *body)
{
    char            none[1], *p;
    size_t          tlen, elen;
    flagship_str_t  t, e;

    static const char  before[] = "{\"status\":\"not ready\",\"tenant\":";
    static const char  between[] = ",\"environment\":";
    static const char  after[] = ",\"detail\":\"no such flag set\"}\n";

    t = flagship_str((char *) tenant->data, tenant->len);
    e = flagship_str((char *) environment->data, environment->len);

    tlen = flagship_json_print_string(t, none, 0);
    elen = flagship_json_print_string(e, none, 0);

    body->len = sizeof(before) - 1 + tlen + sizeof(between) - 1 + elen
                + sizeof(after) - 1;

    body->data = ngx_pnalloc(r->pool, body->len);
    if (body->data == NULL) {
        return NGX_ERROR;
    }

    p = (char *) body->data;

    p = (char *) ngx_cpymem(p, before, sizeof(before) - 1);
    p += flagship_json_print_string(t, p, tlen);
    p = (char *) ngx_cpymem(p, between, sizeof(between) - 1);
    p += flagship_json_print_string(e, p, elen);
    ngx_memcpy(p, after, sizeof(after) - 1);

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_flagship_status_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body)
{
    ngx_int_t         rc;
    ngx_buf_t        *b;
    ngx_chain_t       out;
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
    r->headers_out.content_length_n = body->len;
    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = 1;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
