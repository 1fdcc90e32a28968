
/*
 * Copyright (C) Flagship
 */


/*
 * What the two files of the pool share.
 *
 *   ngx_http_flagship_pg_pool.c       places: connect, hand out, take back
 *   ngx_http_flagship_pg_pool_call.c  calls: wait, cancel, refuse, finish
 *
 * A place is free, connecting, idle or busy.  There are two sides, reads and
 * writes; a place of writes serves both.  A call waits, is sent (and has a
 * place) or is refused.
 *
 * Invariants: whatever changes places or calls settles the pool, which calls
 * no handler of a caller; a caller's handler is called last in a function,
 * with the pool settled.
 */


#ifndef _NGX_HTTP_FLAGSHIP_PG_POOL_LOCAL_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_PG_POOL_LOCAL_H_INCLUDED_


#include "ngx_http_flagship_pg_pool.h"


typedef struct {
    ngx_queue_t                           queue;     /* of idle ones */
    ngx_http_flagship_pg_pool_t          *pool;
    ngx_http_flagship_pg_t               *pg;        /* NULL: free */
    ngx_http_flagship_pg_call_t          *call;      /* NULL: not busy */
    ngx_msec_t                            since;     /* idle */

    unsigned                              write:1;   /* its side */
    unsigned                              ready:1;   /* connected */
    unsigned                              idle:1;    /* in the queue */
    unsigned                              standby:1; /* refuses writes */
} ngx_http_flagship_pg_place_t;


struct ngx_http_flagship_pg_call_s {
    ngx_queue_t                           queue;     /* waiting or refused */
    ngx_http_flagship_pg_pool_t          *pool;
    ngx_http_flagship_pg_place_t         *place;     /* NULL: not sent */
    ngx_http_flagship_pg_call_options_t   options;
    ngx_http_flagship_pg_outcome_e        outcome;   /* of a refused one */
    ngx_msec_t                            expires;   /* in the queue */

    unsigned                              refused:1;
    unsigned                              cancelled:1;
    unsigned                              handed:1;  /* some result */
    unsigned                              spoilt:1;  /* some was withheld */
    unsigned                              again:1;   /* sent a second time */
};


typedef struct {
    ngx_uint_t                            connecting;
    ngx_msec_t                            rest;      /* no attempt before */
    unsigned                              failed:1;  /* the last attempt */
    unsigned                              away:1;    /* ... and that is said */
} ngx_http_flagship_pg_side_t;


struct ngx_http_flagship_pg_pool_s {
    ngx_http_flagship_pg_pool_options_t   options;
    ngx_pool_t                           *pool;      /* this structure too */
    ngx_log_t                            *log;

    ngx_http_flagship_pg_place_t         *places;
    ngx_uint_t                            used;
    ngx_http_flagship_pg_side_t           sides[2];  /* reads, writes */

    ngx_queue_t                           idle;      /* the latest first */
    ngx_queue_t                           waiting;   /* the oldest first */
    ngx_uint_t                            nwaiting;
    ngx_queue_t                           refused;

    ngx_uint_t                            nrefused;
    ngx_uint_t                            nunknown;

    ngx_event_t                           tell;      /* what is refused */
    ngx_event_t                           patience;  /* of the oldest call */
    ngx_event_t                           rest;      /* of idle places */
    ngx_connection_t                      dummy;     /* the events' "data" */
};


/*
 * Waiting calls, the oldest first, get idle places; where there are none
 * connections are made; where none could be and none is left to serve them,
 * they are refused.
 */
void ngx_http_flagship_pg_pool_settle(ngx_http_flagship_pg_pool_t *pool);

/* Whether some connection serves a side; or will, should it come about. */
ngx_uint_t ngx_http_flagship_pg_pool_serves(ngx_http_flagship_pg_pool_t *pool,
    ngx_uint_t write, ngx_uint_t soon);

/* From whatever state; its call is the caller's to end. */
void ngx_http_flagship_pg_pool_close(ngx_http_flagship_pg_place_t *place);


/* Into the queue and out of it. */
void ngx_http_flagship_pg_pool_wait(ngx_http_flagship_pg_call_t *call);
void ngx_http_flagship_pg_pool_unwait(ngx_http_flagship_pg_call_t *call);

/* All of a side that wait; they are told from an event of its own. */
void ngx_http_flagship_pg_pool_refuse_all(ngx_http_flagship_pg_pool_t *pool,
    ngx_uint_t write);

/* Frees the call, and tells the caller if that is still there. */
void ngx_http_flagship_pg_pool_finish(ngx_http_flagship_pg_call_t *call,
    ngx_http_flagship_pg_outcome_e outcome);

void ngx_http_flagship_pg_pool_tell_handler(ngx_event_t *ev);
void ngx_http_flagship_pg_pool_patience_handler(ngx_event_t *ev);


#endif /* _NGX_HTTP_FLAGSHIP_PG_POOL_LOCAL_H_INCLUDED_ */
