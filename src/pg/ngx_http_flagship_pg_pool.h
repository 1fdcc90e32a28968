
/*
 * Copyright (C) Flagship
 */


/*
 * A worker's bounded pool of connections, and a queue of calls before it.
 *
 * Connections are made when calls need them, closed when they were idle for
 * long, and go back into the pool only when no transaction was left open on
 * them.  Those for writes are made to a primary, those for reads to whichever
 * host the conninfo prefers; a read takes either.  Nothing that a call sets
 * may outlive its transaction: the next one on that connection is another
 * user's.
 *
 * While PostgreSQL is away one attempt at a time looks for it, with a jittered
 * rest of 0.25 to 1 s after each; other calls are told at once.  The log gets
 * a line when that state changes.
 *
 * A worker that exits first ends what is under way; each call is bounded by
 * the queue's and the query's deadline.
 *
 * All functions run in a worker's event loop and may be called from any
 * handler.
 */


#ifndef _NGX_HTTP_FLAGSHIP_PG_POOL_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_PG_POOL_H_INCLUDED_


#include "ngx_http_flagship_pg.h"


#define NGX_HTTP_FLAGSHIP_PG_POOL_QUEUE    512     /* calls that wait */
#define NGX_HTTP_FLAGSHIP_PG_POOL_TIMEOUT  5000    /* ms, of a query, and of
                                                      waiting for a place */
#define NGX_HTTP_FLAGSHIP_PG_POOL_IDLE     60000   /* ms */


typedef enum {
    NGX_HTTP_FLAGSHIP_PG_DONE = 0,  /* answered: results were handed over,
                                       the server's errors among them */
    NGX_HTTP_FLAGSHIP_PG_AWAY,      /* nothing has happened: no host that will
                                       do could be reached */
    NGX_HTTP_FLAGSHIP_PG_BUSY,      /* nothing was sent: the queue is full, or
                                       the call waited too long in it */
    NGX_HTTP_FLAGSHIP_PG_UNKNOWN    /* it was sent, and the connection broke
                                       or the deadline passed: it may have
                                       happened; results handed over before
                                       that are worth nothing */
} ngx_http_flagship_pg_outcome_e;


typedef struct ngx_http_flagship_pg_pool_s  ngx_http_flagship_pg_pool_t;
typedef struct ngx_http_flagship_pg_call_s  ngx_http_flagship_pg_call_t;


typedef struct {
    ngx_http_flagship_pg_conninfo_t  *conninfo;
    ngx_uint_t                        size;       /* connections at most */
    ngx_msec_t                        timeout;    /* of connecting: see
                                                     ngx_http_flagship_pg.h */
    ngx_resolver_t                   *resolver;
    ngx_msec_t                        resolver_timeout;
    const char                       *application_name;
    ngx_log_t                        *log;

    /* 0: as defined above */
    ngx_msec_t                        query_timeout;
                                                  /* then the server ends it,
                                                     as an error; a second
                                                     later we do */
    ngx_uint_t                        queue;
    ngx_msec_t                        queue_timeout;
    ngx_msec_t                        idle_timeout;
} ngx_http_flagship_pg_pool_options_t;


/* Connects to nothing yet.  NULL: no memory. */
ngx_http_flagship_pg_pool_t *ngx_http_flagship_pg_pool_create(
    ngx_http_flagship_pg_pool_options_t *options);

/* Closes all and frees; handlers of calls under way are not called. */
void ngx_http_flagship_pg_pool_destroy(ngx_http_flagship_pg_pool_t *pool);


/*
 * SQL and parameters as of ngx_http_flagship_pg_query(); they must live until
 * the call is done or cancelled, and so must "data".  A write may be sent a
 * second time where the server has refused it as read-only.
 */

typedef struct {
    const char                       *sql;
    ngx_uint_t                        nparams;
    const char *const                *params;
    unsigned                          write:1;    /* needs a primary */
    unsigned                          single:1;   /* row by row */

    /* Each result; not to be cleared by the handler. */
    void                            (*on_result)(void *data,
                                                 PGresult *result);
    /* Once, and last: the call is gone then. */
    void                            (*on_done)(void *data,
                                        ngx_http_flagship_pg_outcome_e outcome);
    void                             *data;
} ngx_http_flagship_pg_call_options_t;


/* Handlers never run from inside this.  NULL: no memory. */
ngx_http_flagship_pg_call_t *ngx_http_flagship_pg_pool_call(
    ngx_http_flagship_pg_pool_t *pool,
    ngx_http_flagship_pg_call_options_t *options);

/*
 * The caller goes away: no handler is called any more.  What waits is
 * forgotten.  Of what was sent the result is read and dropped, but for rows
 * that come one by one: their connection is closed.
 */
void ngx_http_flagship_pg_pool_cancel(ngx_http_flagship_pg_call_t *call);

/* Back-pressure for rows that come one by one; the deadline goes on. */
void ngx_http_flagship_pg_pool_suspend(ngx_http_flagship_pg_call_t *call);
void ngx_http_flagship_pg_pool_resume(ngx_http_flagship_pg_call_t *call);


typedef struct {
    ngx_uint_t                        idle;       /* connections */
    ngx_uint_t                        busy;
    ngx_uint_t                        connecting;
    ngx_uint_t                        waiting;    /* calls */
    ngx_uint_t                        refused;    /* AWAY and BUSY so far */
    ngx_uint_t                        unknown;    /* UNKNOWN so far */
} ngx_http_flagship_pg_pool_stat_t;

void ngx_http_flagship_pg_pool_stat(ngx_http_flagship_pg_pool_t *pool,
    ngx_http_flagship_pg_pool_stat_t *stat);

/* Seconds, at least one: when a call that was refused is worth another try. */
ngx_uint_t ngx_http_flagship_pg_pool_retry_after(
    ngx_http_flagship_pg_pool_t *pool);


#endif /* _NGX_HTTP_FLAGSHIP_PG_POOL_H_INCLUDED_ */
