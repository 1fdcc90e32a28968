
/*
 * Copyright (C) Flagship
 */


/*
 * The ground of every room above core: version, the module's symbol, where a
 * room finds its configuration, and all differences between nginx versions.
 */


#ifndef _NGX_HTTP_FLAGSHIP_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_flagship_compat.h"


#define NGX_HTTP_FLAGSHIP_VERSION  "0.1.0"


extern ngx_module_t  ngx_http_flagship_module;


/*
 * One pointer a room, so that a room reaches its own configuration without
 * knowing the others'.  The face creates and merges them.
 *
 * A location's flag set is no room's alone: both values are always set after
 * the merge ("default" and "prod" unless said), and an empty result names no
 * flag set.
 */

typedef struct {
    struct ngx_http_flagship_zone_s         *zone;    /* NULL: no
                                                         flagship_zone */
    struct ngx_http_flagship_sync_conf_s    *sync;
    struct ngx_http_flagship_edge_main_s    *edge;
    struct ngx_http_flagship_api_main_s     *api;
    struct ngx_http_flagship_auth_main_s    *auth;
} ngx_http_flagship_main_conf_t;

typedef struct {
    struct ngx_http_flagship_edge_conf_s    *edge;
    struct ngx_http_flagship_api_conf_s     *api;
    struct ngx_http_flagship_auth_conf_s    *auth;
    ngx_http_complex_value_t                *tenant;
    ngx_http_complex_value_t                *environment;
} ngx_http_flagship_loc_conf_t;


#define ngx_http_flagship_get_main_conf(r)                                    \
    ((ngx_http_flagship_main_conf_t *)                                        \
        ngx_http_get_module_main_conf(r, ngx_http_flagship_module))

#define ngx_http_flagship_get_loc_conf(r)                                     \
    ((ngx_http_flagship_loc_conf_t *)                                         \
        ngx_http_get_module_loc_conf(r, ngx_http_flagship_module))


#endif /* _NGX_HTTP_FLAGSHIP_H_INCLUDED_ */
