
/*
 * Copyright (C) Flagship
 */


/*
 * The one table of routes, and who matches.  Paths are what nginx made of the
 * request line: decoded, without dots and doubled slashes, so a parameter is
 * the bytes between two slashes and never empty.
 *
 * Rows of one path stand together.
 */


#include "ngx_http_flagship_api_routes.h"


static const ngx_http_flagship_route_t  ngx_http_flagship_routes[] = {

    { "/flags", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_VIEWER,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_flags_list },

    { "/flags", NGX_HTTP_POST, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_OPTIONAL,
      NGX_HTTP_FLAGSHIP_ROUTE_BODY_ENVIRONMENT,
      ngx_http_flagship_flag_create },

    { "/flags/{key}", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_VIEWER,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_flag_get },

    { "/flags/{key}", NGX_HTTP_PUT, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_JSON, NGX_HTTP_FLAGSHIP_ROUTE_BODY_ENVIRONMENT,
      ngx_http_flagship_flag_change },

    { "/flags/{key}", NGX_HTTP_PATCH, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_JSON, NGX_HTTP_FLAGSHIP_ROUTE_BODY_ENVIRONMENT,
      ngx_http_flagship_flag_change },

    { "/flags/{key}", NGX_HTTP_DELETE, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_flag_delete },

    { "/flags/{id}/restore", NGX_HTTP_POST, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_flag_restore },

    { "/flags/{key}/audit", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_VIEWER,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_flag_audit },

    { "/audit", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_VIEWER,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_audit },

    { "/evaluate/{flag}", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_CLIENT,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_evaluate_flag },

    { "/evaluate/{flag}", NGX_HTTP_POST, NGX_HTTP_FLAGSHIP_ROLE_CLIENT,
      NGX_HTTP_FLAGSHIP_BODY_CONTEXT,
      NGX_HTTP_FLAGSHIP_ROUTE_BODY_ENVIRONMENT,
      ngx_http_flagship_evaluate_flag },

    { "/evaluate", NGX_HTTP_POST, NGX_HTTP_FLAGSHIP_ROLE_CLIENT,
      NGX_HTTP_FLAGSHIP_BODY_CONTEXT,
      NGX_HTTP_FLAGSHIP_ROUTE_BODY_ENVIRONMENT,
      ngx_http_flagship_evaluate },

    { "/users/{user_id}/flags", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_CLIENT,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_user_flags },

    { "/users/{user_id}/flags/{flag}", NGX_HTTP_GET,
      NGX_HTTP_FLAGSHIP_ROLE_CLIENT,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_user_flag },

    { "/segments", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_VIEWER,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_segments_list },

    { "/segments", NGX_HTTP_POST, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_JSON, 0,
      ngx_http_flagship_segment_create },

    { "/segments/{key}", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_VIEWER,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_segment_get },

    { "/segments/{key}", NGX_HTTP_PUT, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_JSON, 0,
      ngx_http_flagship_segment_change },

    { "/segments/{key}", NGX_HTTP_PATCH, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_JSON, 0,
      ngx_http_flagship_segment_change },

    { "/segments/{key}", NGX_HTTP_DELETE, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_segment_delete },

    { "/segments/{id}/restore", NGX_HTTP_POST, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_segment_restore },

    { "/sets", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_VIEWER,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_sets_list },

    { "/sets", NGX_HTTP_POST, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_JSON, 0,
      ngx_http_flagship_set_create },

    { "/sets/{key}", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_VIEWER,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_set_get },

    { "/sets/{key}", NGX_HTTP_PUT, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_JSON, 0,
      ngx_http_flagship_set_change },

    { "/sets/{key}", NGX_HTTP_PATCH, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_JSON, 0,
      ngx_http_flagship_set_change },

    { "/sets/{key}", NGX_HTTP_DELETE, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_set_delete },

    { "/sets/{key}/members", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_VIEWER,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_members_get },

    { "/sets/{key}/members", NGX_HTTP_PUT, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_LIST, 0,
      ngx_http_flagship_members_replace },

    { "/sets/{key}/members", NGX_HTTP_POST, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_LIST, 0,
      ngx_http_flagship_members_add },

    { "/sets/{key}/members", NGX_HTTP_DELETE, NGX_HTTP_FLAGSHIP_ROLE_EDITOR,
      NGX_HTTP_FLAGSHIP_BODY_LIST, 0,
      ngx_http_flagship_members_remove },

    { "/api-keys", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_ADMIN,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_api_keys_list },

    { "/api-keys", NGX_HTTP_POST, NGX_HTTP_FLAGSHIP_ROLE_ADMIN,
      NGX_HTTP_FLAGSHIP_BODY_JSON, 0,
      ngx_http_flagship_api_key_create },

    { "/api-keys/{id}", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_ADMIN,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_api_key_get },

    { "/api-keys/{id}", NGX_HTTP_DELETE, NGX_HTTP_FLAGSHIP_ROLE_ADMIN,
      NGX_HTTP_FLAGSHIP_BODY_NONE, 0,
      ngx_http_flagship_api_key_revoke },

    { "/live", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_NONE,
      NGX_HTTP_FLAGSHIP_BODY_NONE, NGX_HTTP_FLAGSHIP_ROUTE_OPEN,
      ngx_http_flagship_live },

    { "/ready", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_NONE,
      NGX_HTTP_FLAGSHIP_BODY_NONE, NGX_HTTP_FLAGSHIP_ROUTE_OPEN,
      ngx_http_flagship_ready },

    { "/health", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_NONE,
      NGX_HTTP_FLAGSHIP_BODY_NONE, NGX_HTTP_FLAGSHIP_ROUTE_OPEN,
      ngx_http_flagship_health },

    { "/openapi.json", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_NONE,
      NGX_HTTP_FLAGSHIP_BODY_NONE, NGX_HTTP_FLAGSHIP_ROUTE_OPEN,
      ngx_http_flagship_openapi },

    { "/docs", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_NONE,
      NGX_HTTP_FLAGSHIP_BODY_NONE, NGX_HTTP_FLAGSHIP_ROUTE_OPEN,
      ngx_http_flagship_docs },

    { "/docs/{file}", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_NONE,
      NGX_HTTP_FLAGSHIP_BODY_NONE, NGX_HTTP_FLAGSHIP_ROUTE_OPEN,
      ngx_http_flagship_docs_file },

    { "/redoc", NGX_HTTP_GET, NGX_HTTP_FLAGSHIP_ROLE_NONE,
      NGX_HTTP_FLAGSHIP_BODY_NONE, NGX_HTTP_FLAGSHIP_ROUTE_OPEN,
      ngx_http_flagship_redoc }
};


#define NGX_HTTP_FLAGSHIP_NROUTES                                             \
    (sizeof(ngx_http_flagship_routes) / sizeof(ngx_http_flagship_route_t))


static const struct {
    ngx_uint_t   bit;
    const char  *name;
} ngx_http_flagship_methods[] = {
    { NGX_HTTP_GET, "GET" },
    { NGX_HTTP_HEAD, "HEAD" },
    { NGX_HTTP_POST, "POST" },
    { NGX_HTTP_PUT, "PUT" },
    { NGX_HTTP_PATCH, "PATCH" },
    { NGX_HTTP_DELETE, "DELETE" },
    { NGX_HTTP_OPTIONS, "OPTIONS" },
    { 0, NULL }
};


static ngx_uint_t ngx_http_flagship_route_match(const char *pattern,
    ngx_str_t *path, ngx_str_t *params);


ngx_int_t
ngx_http_flagship_route_find(ngx_str_t *path, ngx_uint_t method,
    const ngx_http_flagship_route_t **route, ngx_str_t *params,
    ngx_uint_t *allow)
{
    ngx_str_t                         found[NGX_HTTP_FLAGSHIP_PARAMS];
    ngx_uint_t                        i;
    const char                       *pattern;
    const ngx_http_flagship_route_t  *rt;

    *route = NULL;
    *allow = 0;

    if (method == NGX_HTTP_HEAD) {
        method = NGX_HTTP_GET;
    }

    pattern = NULL;

    for (i = 0; i < NGX_HTTP_FLAGSHIP_NROUTES; i++) {
        rt = &ngx_http_flagship_routes[i];

        if (pattern == NULL || ngx_strcmp(rt->pattern, pattern) != 0) {

            if (pattern) {
                break;
            }

            if (!ngx_http_flagship_route_match(rt->pattern, path, found)) {
                continue;
            }

            pattern = rt->pattern;
            ngx_memcpy(params, found, sizeof(found));
        }

        *allow |= rt->method;

        if (rt->method == method) {
            *route = rt;
        }
    }

    if (pattern == NULL) {
        return NGX_DECLINED;
    }

    if (*allow & NGX_HTTP_GET) {
        *allow |= NGX_HTTP_HEAD;
    }

    *allow |= NGX_HTTP_OPTIONS;

    return *route ? NGX_OK : NGX_ERROR;
}


static ngx_uint_t
ngx_http_flagship_route_match(const char *pattern, ngx_str_t *path,
    ngx_str_t *params)
{
    u_char      *p, *last;
    ngx_uint_t   n;

    p = path->data;
    last = p + path->len;

    ngx_memzero(params, NGX_HTTP_FLAGSHIP_PARAMS * sizeof(ngx_str_t));

    for (n = 0; *pattern; /* void */) {

        if (*pattern != '{') {
            if (p == last || *p != (u_char) *pattern) {
                return 0;
            }

            p++;
            pattern++;
            continue;
        }

        params[n].data = p;

        while (p < last && *p != '/') {
            p++;
        }

        params[n].len = p - params[n].data;

        if (params[n].len == 0) {
            return 0;
        }

        n++;

        pattern = strchr(pattern, '}') + 1;
    }

    return p == last;
}


size_t
ngx_http_flagship_route_allow(ngx_uint_t methods, u_char *buf)
{
    u_char      *p;
    ngx_uint_t   i;

    p = buf;

    for (i = 0; ngx_http_flagship_methods[i].name; i++) {
        if (methods & ngx_http_flagship_methods[i].bit) {
            p = ngx_sprintf(p, "%s%s", p == buf ? "" : ", ",
                            ngx_http_flagship_methods[i].name);
        }
    }

    return p - buf;
}


ngx_uint_t
ngx_http_flagship_ref_is_id(ngx_str_t *ref)
{
    u_char      ch;
    ngx_uint_t  i;

    if (ref->len != sizeof("00000000-0000-0000-0000-000000000000") - 1) {
        return 0;
    }

    for (i = 0; i < ref->len; i++) {
        ch = ref->data[i];

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (ch != '-') {
                return 0;
            }

        } else if (!((ch >= '0' && ch <= '9')
                     || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'f')))
        {
            return 0;
        }
    }

    return 1;
}
