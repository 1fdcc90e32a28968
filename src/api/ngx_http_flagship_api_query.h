
/*
 * Copyright (C) Flagship
 */


/*
 * A request's calls of PostgreSQL, and the wait for what they wrote.
 *
 * One call at a time.  What it may meet besides its result is answered here:
 * PostgreSQL away or busy (503 with Retry-After, nothing was done), a write
 * whose outcome nobody knows (503 that says so), an error of the server (by
 * its SQLSTATE).  A client that goes away frees the place in the pool.
 */


#ifndef _NGX_HTTP_FLAGSHIP_API_QUERY_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_API_QUERY_H_INCLUDED_


#include "ngx_http_flagship_api_request.h"
#include "ngx_http_flagship_pg_pool.h"


/*
 * "sql" and the parameters (text; NULL is null) must live as long as the
 * request.  on_result gets each successful result, or each row where "single"
 * is set; the result is only lent.  on_done is called once, after the last
 * result, and only when there was no error: then the handler answers.
 * Handlers never run from inside _query().
 *
 * Rows that a stream writes wait while its client is slow: a handler sends
 * with ngx_http_flagship_call_send() and returns on anything but NGX_OK.
 *
 * An error of the server goes to on_error first, where it is set: it returns
 * 1 when it has answered, 0 for the answer by SQLSTATE.
 */

typedef struct ngx_http_flagship_query_error_s {
    char                      state[6];      /* SQLSTATE */
    ngx_str_t                 constraint;    /* its name; empty: none */
    ngx_str_t                 message;
} ngx_http_flagship_query_error_t;

typedef struct ngx_http_flagship_query_s {
    const char               *sql;
    ngx_uint_t                nparams;
    const char *const        *params;
    unsigned                  write:1;
    unsigned                  single:1;
    void                    (*on_result)(ngx_http_flagship_call_t *call,
                                         PGresult *result);
    void                    (*on_done)(ngx_http_flagship_call_t *call);
    ngx_uint_t              (*on_error)(ngx_http_flagship_call_t *call,
                                   ngx_http_flagship_query_error_t *error);
} ngx_http_flagship_query_t;

/* NGX_OK: a handler or an answer will follow; NGX_ERROR: no memory. */
ngx_int_t ngx_http_flagship_call_query(ngx_http_flagship_call_t *call,
    const ngx_http_flagship_query_t *query);


/*
 * Answers a write when this node serves its revision, at the latest after
 * flagship_write_wait: then Flagship-Applied: pending says that it does not
 * yet.  "tag" may be NULL (no ETag), as may "out"; both are kept.  The caller
 * has called ngx_http_flagship_sync_want(), before it made the answer.
 */

void ngx_http_flagship_call_written(ngx_http_flagship_call_t *call,
    uint64_t revision, ngx_uint_t status, ngx_str_t *tag,
    ngx_http_flagship_out_t *out);


/* The frame's own. */

void ngx_http_flagship_query_cancel(ngx_http_flagship_call_t *call);
void ngx_http_flagship_query_pause(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_query_init_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf);
void ngx_http_flagship_query_exit_process(
    ngx_http_flagship_main_conf_t *fmcf);

void ngx_http_flagship_written_cancel(ngx_http_flagship_call_t *call);
void ngx_http_flagship_written_init_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf);


#endif /* _NGX_HTTP_FLAGSHIP_API_QUERY_H_INCLUDED_ */
