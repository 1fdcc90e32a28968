
/*
 * Copyright (C) Flagship
 */


/*
 * An evaluation over HTTP: a request's flag set, its context, and the flags
 * that may be seen.
 */


#ifndef _NGX_HTTP_FLAGSHIP_API_EVALUATE_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_API_EVALUATE_H_INCLUDED_


#include "ngx_http_flagship_api_request.h"
#include "flagship_eval.h"


typedef struct {
    ngx_http_flagship_call_t     *call;
    const flagship_image_t       *image;    /* of the view that is held */
    flagship_eval_t              *ev;
    ngx_str_t                    *user_id;  /* of the path; NULL: none */
    ngx_uint_t                    explain;  /* with the trace */
} ngx_http_flagship_evaluation_t;


/*
 * The worker's context, from the query (GET, with the path's user where
 * "user_id" is set) or from the body's member "context".  The steps of a call:
 * NGX_OK, NGX_DONE (refused), NGX_ERROR.  It holds until the handler returns.
 */

ngx_int_t ngx_http_flagship_context_read(ngx_http_flagship_call_t *call,
    ngx_str_t *user_id);


#endif /* _NGX_HTTP_FLAGSHIP_API_EVALUATE_H_INCLUDED_ */
