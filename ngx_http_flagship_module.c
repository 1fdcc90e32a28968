
/*
 * Copyright (C) Flagship
 */


/*
 * The face: directives, configuration, phases, worker life.  Wiring only;
 * what a directive does is in its room.
 *
 * Dynamic modules come after nginx's own and after filter modules, whatever
 * the order of load_module, so in each phase our handlers run first, and our
 * header filter is on top of the others.
 *
 * Without flagship_zone nothing is installed: no phase, no filter, no timer.
 */


#include "ngx_http_flagship.h"
#include "ngx_http_flagship_thread.h"
#include "ngx_http_flagship_zone.h"
#include "ngx_http_flagship_sync.h"
#include "ngx_http_flagship_edge.h"
#include "ngx_http_flagship_api.h"
#include "ngx_http_flagship_auth.h"


#define NGX_HTTP_FLAGSHIP_ZONE_MIN  (256 * 1024)


static char *ngx_http_flagship_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_flagship_postgres(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_flagship_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_flagship_status_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_flagship_api_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_flagship_metrics_slot(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);

static ngx_int_t ngx_http_flagship_post_read_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_flagship_rewrite_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_flagship_precontent_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_flagship_header_filter(ngx_http_request_t *r);

static ngx_int_t ngx_http_flagship_preconfiguration(ngx_conf_t *cf);
static void *ngx_http_flagship_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_flagship_init_main_conf(ngx_conf_t *cf, void *conf);
static ngx_str_t ngx_http_flagship_constant(ngx_http_complex_value_t *value,
    ngx_str_t *none);
static void *ngx_http_flagship_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_flagship_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_flagship_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_flagship_add_handler(ngx_conf_t *cf,
    ngx_http_phases phase, ngx_http_handler_pt handler);

static ngx_int_t ngx_http_flagship_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_flagship_init_process(ngx_cycle_t *cycle);
static void ngx_http_flagship_exit_process(ngx_cycle_t *cycle);


static ngx_conf_num_bounds_t  ngx_http_flagship_limit_bounds = {
    ngx_conf_check_num_bounds, 1, 1000
};


static ngx_http_complex_value_t  ngx_http_flagship_default_tenant = {
    ngx_string("default"), NULL, NULL, NULL, { 0 }
};

static ngx_http_complex_value_t  ngx_http_flagship_default_environment = {
    ngx_string("prod"), NULL, NULL, NULL, { 0 }
};


static ngx_command_t  ngx_http_flagship_commands[] = {

    { ngx_string("flagship_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_flagship_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_postgres"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_flagship_postgres,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_file"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_flagship_file,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_refresh"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_flagship_sync_refresh,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_variable"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2|NGX_CONF_TAKE3|NGX_CONF_TAKE4,
      ngx_http_flagship_edge_variable,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_header_prefix"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_http_flagship_edge_prefix,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_strip"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_FLAG,
      ngx_http_flagship_edge_strip,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_flagship_edge_conf_t, strip),
      NULL },

    { ngx_string("flagship_tenant"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_flagship_edge_scope,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_flagship_loc_conf_t, tenant),
      NULL },

    { ngx_string("flagship_environment"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_flagship_edge_scope,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_flagship_loc_conf_t, environment),
      NULL },

    { ngx_string("flagship_targeting_key"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_flagship_edge_targeting_key,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_attribute"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE23,
      ngx_http_flagship_edge_attribute,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_headers"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_flagship_edge_headers,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_headers_limit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_flagship_edge_limit,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_flagship_edge_conf_t, limit),
      &ngx_http_flagship_limit_bounds },

    { ngx_string("flagship_response_headers"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_flagship_edge_response_headers,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_gate"),
      NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_flagship_edge_gate,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_identity"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_flagship_edge_identity,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_anonymous"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_flagship_auth_anonymous,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_flagship_status_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_flagship_metrics_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_flagship_api_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_cors"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_flagship_api_cors,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("flagship_write_wait"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_flagship_api_write_wait,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_flagship_api_conf_t, write_wait),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_flagship_module_ctx = {
    ngx_http_flagship_preconfiguration,    /* preconfiguration */
    ngx_http_flagship_init,                /* postconfiguration */

    ngx_http_flagship_create_main_conf,    /* create main configuration */
    ngx_http_flagship_init_main_conf,      /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_flagship_create_loc_conf,     /* create location configuration */
    ngx_http_flagship_merge_loc_conf       /* merge location configuration */
};


ngx_module_t  ngx_http_flagship_module = {
    NGX_MODULE_V1,
    &ngx_http_flagship_module_ctx,         /* module context */
    ngx_http_flagship_commands,            /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_flagship_init_module,         /* init module */
    ngx_http_flagship_init_process,        /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_flagship_exit_process,        /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


/* A client's headers of our prefix go before anything can read them. */

static ngx_int_t
ngx_http_flagship_post_read_handler(ngx_http_request_t *r)
{
    ngx_http_flagship_edge_conf_t  *conf;

    conf = ngx_http_flagship_edge_conf(r);

    if (conf->strip && ngx_http_flagship_strip(r, conf) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_flagship_rewrite_handler(ngx_http_request_t *r)
{
    ngx_http_flagship_edge_conf_t  *conf;

    conf = ngx_http_flagship_edge_conf(r);

    if (!conf->early) {
        return NGX_DECLINED;
    }

    return ngx_http_flagship_gates(r, conf, 1);
}


static ngx_int_t
ngx_http_flagship_precontent_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_http_flagship_edge_conf_t  *conf;

    conf = ngx_http_flagship_edge_conf(r);

    if (conf->gates) {
        rc = ngx_http_flagship_gates(r, conf, 0);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    if (r == r->main && ngx_http_flagship_inject(r, conf) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DECLINED;
}


/*
 * Variables in what later filters add (add_header) still see the pinned
 * generation; once the header is sent it is released.
 */

static ngx_int_t
ngx_http_flagship_header_filter(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_http_flagship_ctx_t        *ctx;
    ngx_http_flagship_edge_conf_t  *conf;

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    conf = ngx_http_flagship_edge_conf(r);

    if (conf->response && ngx_http_flagship_respond(r, conf) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx = ngx_http_flagship_ctx_find(r);

    if ((conf->identity || (ctx && ctx->identity_conf))
        && ngx_http_flagship_identity_send(r, conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_next_header_filter(r);

    if (r->header_sent) {
        ctx = ngx_http_flagship_ctx_find(r);

        if (ctx) {
            ngx_http_flagship_leave(ctx);
        }
    }

    return rc;
}


static char *
ngx_http_flagship_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_main_conf_t *fmcf = conf;

    ssize_t     size;
    ngx_str_t  *value, name;

    if (fmcf->zone) {
        return "is duplicate";
    }

    value = cf->args->elts;

    size = ngx_parse_size(&value[1]);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid zone size \"%V\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (size < NGX_HTTP_FLAGSHIP_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone size \"%V\" is too small: it must be at "
                           "least 256k", &value[1]);
        return NGX_CONF_ERROR;
    }

    ngx_str_set(&name, "flagship");

    fmcf->zone = ngx_http_flagship_zone_add(cf, &name, size);

    return fmcf->zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_flagship_postgres(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_edge_needs_zone(cf);

    return ngx_http_flagship_sync_postgres(cf, cmd, conf);
}


static char *
ngx_http_flagship_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_edge_needs_zone(cf);

    return ngx_http_flagship_sync_file(cf, cmd, conf);
}


static char *
ngx_http_flagship_status_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_edge_needs_zone(cf);

    return ngx_http_flagship_status(cf, cmd, conf);
}


static char *
ngx_http_flagship_api_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_edge_needs_zone(cf);

    return ngx_http_flagship_api(cf, cmd, conf);
}


static char *
ngx_http_flagship_metrics_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_flagship_edge_needs_zone(cf);

    return ngx_http_flagship_metrics(cf, cmd, conf);
}


static ngx_int_t
ngx_http_flagship_preconfiguration(ngx_conf_t *cf)
{
    if (ngx_http_flagship_auth_add_variables(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_add_variables(cf);
}


static void *
ngx_http_flagship_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_flagship_main_conf_t  *fmcf;

    fmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_main_conf_t));
    if (fmcf == NULL) {
        return NULL;
    }

    fmcf->sync = ngx_http_flagship_sync_create_conf(cf);
    fmcf->edge = ngx_http_flagship_edge_create_main(cf);
    fmcf->api = ngx_http_flagship_api_create_main(cf);
    fmcf->auth = ngx_http_flagship_auth_create_main(cf);

    if (fmcf->sync == NULL || fmcf->edge == NULL || fmcf->api == NULL
        || fmcf->auth == NULL)
    {
        return NULL;
    }

    return fmcf;
}


static char *
ngx_http_flagship_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_flagship_main_conf_t *fmcf = conf;

    ngx_http_flagship_loc_conf_t  *flcf;

    if (fmcf->zone == NULL) {
        return NGX_CONF_OK;
    }

    /* documents that name none belong to the http level's flag set */

    flcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_flagship_module);

    fmcf->sync->tenant = ngx_http_flagship_constant(flcf->tenant,
                                    &ngx_http_flagship_default_tenant.value);
    fmcf->sync->environment = ngx_http_flagship_constant(flcf->environment,
                               &ngx_http_flagship_default_environment.value);

    fmcf->auth->keys = (fmcf->sync->pg != NULL);

    return ngx_http_flagship_sync_init_conf(cf, fmcf);
}


static ngx_str_t
ngx_http_flagship_constant(ngx_http_complex_value_t *value, ngx_str_t *none)
{
    if (value == NGX_CONF_UNSET_PTR || value->lengths) {
        return *none;
    }

    return value->value;
}


static void *
ngx_http_flagship_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_flagship_loc_conf_t  *flcf;

    flcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_loc_conf_t));
    if (flcf == NULL) {
        return NULL;
    }

    flcf->tenant = NGX_CONF_UNSET_PTR;
    flcf->environment = NGX_CONF_UNSET_PTR;

    flcf->edge = ngx_http_flagship_edge_create_conf(cf);
    flcf->api = ngx_http_flagship_api_create_conf(cf);
    flcf->auth = ngx_http_flagship_auth_create_conf(cf);

    if (flcf->edge == NULL || flcf->api == NULL || flcf->auth == NULL) {
        return NULL;
    }

    return flcf;
}


static char *
ngx_http_flagship_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_flagship_loc_conf_t *prev = parent;
    ngx_http_flagship_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->tenant, prev->tenant,
                             &ngx_http_flagship_default_tenant);
    ngx_conf_merge_ptr_value(conf->environment, prev->environment,
                             &ngx_http_flagship_default_environment);

    if (ngx_http_flagship_api_merge_conf(cf, prev->api, conf->api)
        != NGX_CONF_OK
        || ngx_http_flagship_auth_merge_conf(cf, prev->auth, conf->auth)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_flagship_edge_merge_conf(cf, prev->edge, conf->edge);
}


static ngx_int_t
ngx_http_flagship_init(ngx_conf_t *cf)
{
    ngx_http_flagship_main_conf_t  *fmcf;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_flagship_module);

    if (ngx_http_flagship_edge_check_zone(cf, fmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (fmcf->zone == NULL) {
        return NGX_OK;
    }

    if (ngx_http_flagship_add_handler(cf, NGX_HTTP_POST_READ_PHASE,
                                      ngx_http_flagship_post_read_handler)
        != NGX_OK
        || (fmcf->edge->early
            && ngx_http_flagship_add_handler(cf, NGX_HTTP_REWRITE_PHASE,
                                             ngx_http_flagship_rewrite_handler)
               != NGX_OK)
        || ngx_http_flagship_add_handler(cf, NGX_HTTP_PRECONTENT_PHASE,
                                         ngx_http_flagship_precontent_handler)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_flagship_api_init(cf, fmcf->api) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_flagship_header_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_add_handler(ngx_conf_t *cf, ngx_http_phases phase,
    ngx_http_handler_pt handler)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[phase].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = handler;

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_init_module(ngx_cycle_t *cycle)
{
    ngx_http_flagship_main_conf_t  *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_flagship_module);

    if (fmcf && fmcf->zone) {
        ngx_http_flagship_sync_init_module(cycle, fmcf);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_init_process(ngx_cycle_t *cycle)
{
    ngx_http_flagship_main_conf_t  *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_flagship_module);

    if (fmcf == NULL || fmcf->zone == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    if (ngx_http_flagship_zone_init_process(fmcf->zone, cycle) != NGX_OK
        || ngx_http_flagship_edge_init_process(cycle, fmcf) != NGX_OK
        || ngx_http_flagship_api_init_process(cycle, fmcf) != NGX_OK
        || ngx_http_flagship_auth_init_process(cycle, fmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_flagship_sync_init_process(cycle, fmcf);
}


static void
ngx_http_flagship_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_flagship_main_conf_t  *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_flagship_module);

    if (fmcf == NULL || fmcf->zone == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return;
    }

    ngx_http_flagship_thread_exit_process();
    ngx_http_flagship_api_exit_process(cycle, fmcf);
    ngx_http_flagship_sync_exit_process(cycle, fmcf);
    ngx_http_flagship_auth_exit_process(cycle, fmcf);
    ngx_http_flagship_zone_exit_process(fmcf->zone);
}
