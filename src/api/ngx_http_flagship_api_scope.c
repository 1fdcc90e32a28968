
/*
 * Copyright (C) Flagship
 */


/*
 * Which tenant and environment a request is about.  A worker's event loop.
 */


#include "ngx_http_flagship_api_request.h"


ngx_int_t
ngx_http_flagship_call_scope(ngx_http_flagship_call_t *call)
{
    ngx_http_request_t            *r;
    ngx_http_flagship_loc_conf_t  *flcf;

    r = call->request;
    flcf = ngx_http_flagship_get_loc_conf(r);

    if (ngx_http_complex_value(r, flcf->tenant, &call->tenant) != NGX_OK
        || ngx_http_complex_value(r, flcf->environment, &call->environment)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}
