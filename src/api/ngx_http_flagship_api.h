
/*
 * Copyright (C) Flagship
 */


/*
 * What nginx answers itself.
 */


#ifndef _NGX_HTTP_FLAGSHIP_API_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_API_H_INCLUDED_


#include "ngx_http_flagship.h"


typedef enum {
    NGX_HTTP_FLAGSHIP_STATUS_NONE = 0,
    NGX_HTTP_FLAGSHIP_STATUS_LIVE,
    NGX_HTTP_FLAGSHIP_STATUS_READY
} ngx_http_flagship_status_e;


typedef struct ngx_http_flagship_api_conf_s {
    ngx_http_flagship_status_e  status;    /* flagship_status */
} ngx_http_flagship_api_conf_t;


/* The directive's handler; "conf" is the module's location configuration. */
char *ngx_http_flagship_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_HTTP_FLAGSHIP_API_H_INCLUDED_ */
