
/*
 * Copyright (C) Flagship
 */


/*
 * The routes: one row a path and method, in ngx_http_flagship_api_routes.c.
 * What follows from them is derived: 404, 405, Allow, OPTIONS, HEAD, who may,
 * and the tests' matrix of rights.
 */


#ifndef _NGX_HTTP_FLAGSHIP_API_ROUTES_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_API_ROUTES_H_INCLUDED_


#include "ngx_http_flagship_auth.h"


#define NGX_HTTP_FLAGSHIP_PARAMS  2


typedef struct ngx_http_flagship_call_s  ngx_http_flagship_call_t;

typedef ngx_int_t (*ngx_http_flagship_call_handler_pt)(
    ngx_http_flagship_call_t *call);


typedef enum {
    NGX_HTTP_FLAGSHIP_BODY_NONE = 0,     /* one that comes is discarded */
    NGX_HTTP_FLAGSHIP_BODY_JSON,         /* wanted */
    NGX_HTTP_FLAGSHIP_BODY_OPTIONAL,     /* JSON, or nothing */
    NGX_HTTP_FLAGSHIP_BODY_LIST,         /* JSON, or text/plain: then the
                                            call is "plain" and has no
                                            JSON; one of them is there */
    NGX_HTTP_FLAGSHIP_BODY_CONTEXT       /* JSON of an evaluation */
} ngx_http_flagship_body_e;


/* bits of a route */

#define NGX_HTTP_FLAGSHIP_ROUTE_OPEN  0x01   /* anyone: no credential is
                                                looked at */
#define NGX_HTTP_FLAGSHIP_ROUTE_BODY_ENVIRONMENT                              \
                                      0x02   /* members "environment" and
                                                "env" of the body name the
                                                request's */


typedef struct {
    const char                         *pattern;     /* "/flags/{key}" */
    ngx_uint_t                          method;      /* one; GET: HEAD too */
    ngx_uint_t                          role;        /* the least that may */
    ngx_http_flagship_body_e            body;
    ngx_uint_t                          bits;
    ngx_http_flagship_call_handler_pt   handler;
} ngx_http_flagship_route_t;


/*
 * The route of a path (relative to the location) and a method, with the
 * parameters of the path.  NGX_OK; NGX_DECLINED: no such path; NGX_ERROR: not
 * this method.  *allow is the path's methods, HEAD and OPTIONS included.
 */

ngx_int_t ngx_http_flagship_route_find(ngx_str_t *path, ngx_uint_t method,
    const ngx_http_flagship_route_t **route, ngx_str_t *params,
    ngx_uint_t *allow);

/* "GET, HEAD, OPTIONS" of such bits; at most NGX_HTTP_FLAGSHIP_ALLOW_LEN
   bytes. */

#define NGX_HTTP_FLAGSHIP_ALLOW_LEN  64

size_t ngx_http_flagship_route_allow(ngx_uint_t methods, u_char *buf);


/* Handlers, by resource. */

ngx_int_t ngx_http_flagship_live(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_ready(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_health(ngx_http_flagship_call_t *call);

ngx_int_t ngx_http_flagship_openapi(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_docs(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_docs_file(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_redoc(ngx_http_flagship_call_t *call);

ngx_int_t ngx_http_flagship_flags_list(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_flag_create(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_flag_get(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_flag_change(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_flag_delete(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_flag_restore(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_flag_audit(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_audit(ngx_http_flagship_call_t *call);

ngx_int_t ngx_http_flagship_segments_list(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_segment_create(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_segment_get(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_segment_change(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_segment_delete(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_segment_restore(ngx_http_flagship_call_t *call);

ngx_int_t ngx_http_flagship_sets_list(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_set_create(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_set_get(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_set_change(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_set_delete(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_members_get(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_members_replace(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_members_add(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_members_remove(ngx_http_flagship_call_t *call);

ngx_int_t ngx_http_flagship_api_keys_list(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_api_key_create(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_api_key_get(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_api_key_revoke(ngx_http_flagship_call_t *call);

ngx_int_t ngx_http_flagship_evaluate(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_evaluate_flag(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_user_flags(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_user_flag(ngx_http_flagship_call_t *call);


#endif /* _NGX_HTTP_FLAGSHIP_API_ROUTES_H_INCLUDED_ */
