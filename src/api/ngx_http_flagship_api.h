
/*
 * Copyright (C) Flagship
 */


/*
 * What nginx answers itself: the API and the probes.  This header is what the
 * face needs; handlers of the API include ngx_http_flagship_api_request.h.
 *
 *   _api.c            the content handler: a request's way through the API
 *   _routes.c         the one table of routes, and who matches
 *   _api_conf.c       directives
 *   _api_args.c       arguments of the query
 *   _api_body.c       bodies: read, of a type, strict JSON
 *   _api_scope.c      who asks, and which tenant and environment
 *   _api_out.c        a text that grows
 *   _api_answer.c     answers and problems
 *   _api_etag.c       conditional requests
 *   _api_stream.c     long answers, no faster than the client takes them
 *   _api_cors.c       what pages of other origins may read
 *   _api_error.c      nginx's own errors as problems
 *   _api_query.c      calls of PostgreSQL
 *   _api_written.c    writes wait until they are served
 *   _api_context.c    evaluation contexts
 *   _api_evaluate.c   /evaluate, /users
 *   _api_docs.c       /openapi.json, /docs, /redoc
 *   _status.c         probes
 *   _metrics.c        numbers for Prometheus
 */


#ifndef _NGX_HTTP_FLAGSHIP_API_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_API_H_INCLUDED_


#include "ngx_http_flagship.h"
#include "flagship_context.h"


typedef enum {
    NGX_HTTP_FLAGSHIP_STATUS_NONE = 0,
    NGX_HTTP_FLAGSHIP_STATUS_LIVE,
    NGX_HTTP_FLAGSHIP_STATUS_READY
} ngx_http_flagship_status_e;


typedef struct ngx_http_flagship_api_main_s {
    ngx_uint_t                  used;      /* some location is an API */
    flagship_context_t          context;   /* a worker's, between its turns */
    flagship_scratch_t         *scratch;

    struct ngx_http_flagship_pg_pool_s  *pool;   /* NULL: no database */
    ngx_queue_t                 waiting;   /* writes, until they are served */
    ngx_event_t                 look;
    ngx_connection_t            dummy;
} ngx_http_flagship_api_main_t;


typedef struct ngx_http_flagship_cors_s  ngx_http_flagship_cors_t;

typedef struct ngx_http_flagship_api_conf_s {
    ngx_http_flagship_status_e  status;    /* flagship_status */
    ngx_uint_t                  api;       /* flagship_api */
    ngx_str_t                   prefix;    /* of the paths of its routes: the
                                              location's, without a slash at
                                              its end */
    ngx_str_t                   docs;      /* docs=, full path; empty: none */
    ngx_msec_t                  write_wait;    /* flagship_write_wait */
    ngx_http_flagship_cors_t   *cors;      /* flagship_cors; NULL: off */
} ngx_http_flagship_api_conf_t;


/* Handlers of directives; "conf" is the module's location configuration. */
char *ngx_http_flagship_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_flagship_api_cors(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_api_write_wait(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_metrics(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

ngx_http_flagship_api_main_t *ngx_http_flagship_api_create_main(
    ngx_conf_t *cf);
ngx_http_flagship_api_conf_t *ngx_http_flagship_api_create_conf(
    ngx_conf_t *cf);
char *ngx_http_flagship_api_merge_conf(ngx_conf_t *cf,
    ngx_http_flagship_api_conf_t *prev, ngx_http_flagship_api_conf_t *conf);

/* Postconfiguration: filters, where there is an API. */
ngx_int_t ngx_http_flagship_api_init(ngx_conf_t *cf,
    ngx_http_flagship_api_main_t *main);

/* Workers. */
ngx_int_t ngx_http_flagship_api_init_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf);
void ngx_http_flagship_api_exit_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf);


#endif /* _NGX_HTTP_FLAGSHIP_API_H_INCLUDED_ */
