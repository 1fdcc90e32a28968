
/*
 * Copyright (C) Flagship
 */


/*
 * flagship_cors: which pages of other origins may read answers.
 *
 * An origin is allowed because it is listed, never because it asks, and never
 * with credentials of the browser's: keys are headers that a page sends
 * itself.  Routes that write are left out unless "writes" is said.
 */


#include "ngx_http_flagship_api_request.h"


struct ngx_http_flagship_cors_s {
    ngx_array_t                origins;      /* of ngx_str_t */
    unsigned                   any:1;        /* "*" */
    unsigned                   writes:1;
};


static ngx_int_t ngx_http_flagship_cors_origin(ngx_str_t *origin);
static ngx_uint_t ngx_http_flagship_cors_listed(
    ngx_http_flagship_cors_t *cors, ngx_str_t *origin);


char *
ngx_http_flagship_api_cors(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    ngx_str_t                 *value, *origin;
    ngx_uint_t                 i;
    ngx_http_flagship_cors_t  *cors;

    if (flcf->api->cors != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        flcf->api->cors = NULL;
        return NGX_CONF_OK;
    }

    cors = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_cors_t));

    if (cors == NULL
        || ngx_array_init(&cors->origins, cf->pool, 4, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "writes") == 0) {
            cors->writes = 1;
            continue;
        }

        if (ngx_strcmp(value[i].data, "*") == 0) {
            cors->any = 1;
            continue;
        }

        if (ngx_http_flagship_cors_origin(&value[i]) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid origin \"%V\" in \"%V\" directive, it "
                               "must be as browsers send it: "
                               "\"https://example.com\"",
                               &value[i], &cmd->name);
            return NGX_CONF_ERROR;
        }

        origin = ngx_array_push(&cors->origins);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        *origin = value[i];
    }

    if (cors->any == (cors->origins.nelts != 0)) {
        return "needs either origins or \"*\"";
    }

    flcf->api->cors = cors;

    return NGX_CONF_OK;
}


/* scheme://host[:port], in lower case, and nothing behind it */

static ngx_int_t
ngx_http_flagship_cors_origin(ngx_str_t *origin)
{
    u_char  *p, *last;

    p = origin->data;
    last = p + origin->len;

    while (p < last && *p >= 'a' && *p <= 'z') {
        p++;
    }

    if (p == origin->data || last - p < 4 || ngx_strncmp(p, "://", 3) != 0) {
        return NGX_ERROR;
    }

    for (p += 3; p < last; p++) {
        if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9')
            || ngx_strchr(".-:[]_", *p))
        {
            continue;
        }

        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Whether pages of another origin may use this route. */

ngx_uint_t
ngx_http_flagship_cors_route(ngx_http_request_t *r,
    const ngx_http_flagship_route_t *route)
{
    ngx_http_flagship_cors_t  *cors;

    cors = ngx_http_flagship_get_loc_conf(r)->api->cors;

    return cors && (cors->writes
                    || route->role <= NGX_HTTP_FLAGSHIP_ROLE_VIEWER);
}


/*
 * Headers of an answer to a page.  "methods" is 0 but for a preflight: those
 * of the path that may be used.
 */

ngx_int_t
ngx_http_flagship_cors_headers(ngx_http_flagship_call_t *call,
    ngx_uint_t methods)
{
    ngx_str_t                  origin, allow;
    ngx_http_request_t        *r;
    ngx_http_flagship_cors_t  *cors;

    r = call->request;
    cors = ngx_http_flagship_get_loc_conf(r)->api->cors;

    if (cors == NULL || methods == NGX_HTTP_UNKNOWN
        || (call->route && !ngx_http_flagship_cors_route(r, call->route))
        || ngx_http_flagship_header_in(r, "origin", &origin) != NGX_OK
        || !ngx_http_flagship_cors_listed(cors, &origin))
    {
        return NGX_OK;
    }

    if (cors->any) {
        ngx_str_set(&origin, "*");
    }

    if (ngx_http_flagship_call_header(call, "Access-Control-Allow-Origin",
                                      &origin)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (methods == 0) {
        return ngx_http_flagship_call_header_literal(call,
                                    "Access-Control-Expose-Headers",
                                    "ETag, Flagship-Applied, "
                                    "Flagship-Revision, Location, "
                                    "Retry-After");
    }

    allow.data = ngx_pnalloc(r->pool, NGX_HTTP_FLAGSHIP_ALLOW_LEN);
    if (allow.data == NULL) {
        return NGX_ERROR;
    }

    allow.len = ngx_http_flagship_route_allow(methods, allow.data);

    if (ngx_http_flagship_call_header(call, "Access-Control-Allow-Methods",
                                      &allow)
        != NGX_OK
        || ngx_http_flagship_call_header_literal(call,
                                     "Access-Control-Allow-Headers",
                                     "Authorization, Content-Type, If-Match, "
                                     "If-None-Match, X-API-Key")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_flagship_call_header_literal(call,
                                                 "Access-Control-Max-Age",
                                                 "600");
}


static ngx_uint_t
ngx_http_flagship_cors_listed(ngx_http_flagship_cors_t *cors,
    ngx_str_t *origin)
{
    ngx_str_t   *listed;
    ngx_uint_t   i;

    if (cors->any) {
        return 1;
    }

    listed = cors->origins.elts;

    for (i = 0; i < cors->origins.nelts; i++) {
        if (listed[i].len == origin->len
            && ngx_memcmp(listed[i].data, origin->data, origin->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
