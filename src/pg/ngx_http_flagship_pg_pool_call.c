
/*
 * Copyright (C) Flagship
 */


/*
 * The calls of the pool: they wait in a queue with a bound and a deadline, are
 * cancelled, refused and finished.  What is refused is told from an event of
 * its own, since that may be found inside ngx_http_flagship_pg_pool_call().
 *
 * Runs in a worker's event loop.
 */


#include "ngx_http_flagship_pg_pool_local.h"


static void ngx_http_flagship_pg_pool_refuse(
    ngx_http_flagship_pg_call_t *call, ngx_http_flagship_pg_outcome_e outcome);


ngx_http_flagship_pg_call_t *
ngx_http_flagship_pg_pool_call(ngx_http_flagship_pg_pool_t *pool,
    ngx_http_flagship_pg_call_options_t *options)
{
    ngx_http_flagship_pg_call_t  *call;
    ngx_http_flagship_pg_side_t  *side;

    call = ngx_calloc(sizeof(ngx_http_flagship_pg_call_t), pool->log);
    if (call == NULL) {
        return NULL;
    }

    call->pool = pool;
    call->options = *options;
    call->expires = ngx_current_msec + pool->options.queue_timeout;

    ngx_http_flagship_pg_pool_wait(call);

    side = &pool->sides[options->write];

    if (side->failed && side->connecting
        && !ngx_http_flagship_pg_pool_serves(pool, options->write, 0))
    {
        /* somebody looks for a host already */
        ngx_http_flagship_pg_pool_refuse(call, NGX_HTTP_FLAGSHIP_PG_AWAY);
        return call;
    }

    ngx_http_flagship_pg_pool_settle(pool);

    if (call->place == NULL && !call->refused
        && pool->nwaiting > pool->options.queue)
    {
        ngx_http_flagship_pg_pool_refuse(call, NGX_HTTP_FLAGSHIP_PG_BUSY);
    }

    return call;
}


void
ngx_http_flagship_pg_pool_cancel(ngx_http_flagship_pg_call_t *call)
{
    ngx_http_flagship_pg_pool_t  *pool;

    pool = call->pool;

    if (call->place && !call->options.single) {
        call->cancelled = 1;
        ngx_http_flagship_pg_pool_resume(call);
        return;
    }

    if (call->place) {
        ngx_http_flagship_pg_pool_close(call->place);

    } else if (call->refused) {
        ngx_queue_remove(&call->queue);

    } else {
        ngx_http_flagship_pg_pool_unwait(call);
    }

    ngx_free(call);

    ngx_http_flagship_pg_pool_settle(pool);
}


void
ngx_http_flagship_pg_pool_suspend(ngx_http_flagship_pg_call_t *call)
{
    if (call->place) {
        ngx_http_flagship_pg_suspend(call->place->pg);
    }
}


void
ngx_http_flagship_pg_pool_resume(ngx_http_flagship_pg_call_t *call)
{
    if (call->place) {
        ngx_http_flagship_pg_resume(call->place->pg);
    }
}


/* The one that tries again is the oldest. */

void
ngx_http_flagship_pg_pool_wait(ngx_http_flagship_pg_call_t *call)
{
    ngx_msec_int_t                left;
    ngx_http_flagship_pg_pool_t  *pool;

    pool = call->pool;

    if (call->again) {
        ngx_queue_insert_head(&pool->waiting, &call->queue);

    } else {
        ngx_queue_insert_tail(&pool->waiting, &call->queue);
    }

    pool->nwaiting++;

    if (call->again || !pool->patience.timer_set) {

        left = (ngx_msec_int_t) (call->expires - ngx_current_msec);

        ngx_add_timer(&pool->patience, (ngx_msec_t) ngx_max(left, 1));
    }
}


void
ngx_http_flagship_pg_pool_unwait(ngx_http_flagship_pg_call_t *call)
{
    ngx_http_flagship_pg_pool_t  *pool;

    pool = call->pool;

    ngx_queue_remove(&call->queue);

    if (--pool->nwaiting == 0 && pool->patience.timer_set) {
        ngx_del_timer(&pool->patience);
    }
}


static void
ngx_http_flagship_pg_pool_refuse(ngx_http_flagship_pg_call_t *call,
    ngx_http_flagship_pg_outcome_e outcome)
{
    ngx_http_flagship_pg_pool_t  *pool;

    pool = call->pool;

    ngx_http_flagship_pg_pool_unwait(call);

    call->refused = 1;
    call->outcome = outcome;

    ngx_queue_insert_tail(&pool->refused, &call->queue);
    pool->nrefused++;

    ngx_post_event(&pool->tell, &ngx_posted_events);
}


void
ngx_http_flagship_pg_pool_refuse_all(ngx_http_flagship_pg_pool_t *pool,
    ngx_uint_t write)
{
    ngx_queue_t                  *q, *next;
    ngx_http_flagship_pg_call_t  *call;

    for (q = ngx_queue_head(&pool->waiting);
         q != ngx_queue_sentinel(&pool->waiting);
         q = next)
    {
        next = ngx_queue_next(q);
        call = ngx_queue_data(q, ngx_http_flagship_pg_call_t, queue);

        if (call->options.write == write) {
            ngx_http_flagship_pg_pool_refuse(call, NGX_HTTP_FLAGSHIP_PG_AWAY);
        }
    }
}


void
ngx_http_flagship_pg_pool_finish(ngx_http_flagship_pg_call_t *call,
    ngx_http_flagship_pg_outcome_e outcome)
{
    ngx_uint_t                           cancelled;
    ngx_http_flagship_pg_call_options_t  options;

    cancelled = call->cancelled;
    options = call->options;

    ngx_free(call);

    if (!cancelled) {
        options.on_done(options.data, outcome);
    }
}


void
ngx_http_flagship_pg_pool_tell_handler(ngx_event_t *ev)
{
    ngx_queue_t                   *q;
    ngx_connection_t              *dummy;
    ngx_http_flagship_pg_call_t   *call;
    ngx_http_flagship_pg_pool_t   *pool;

    dummy = ev->data;
    pool = dummy->data;

    if (ngx_queue_empty(&pool->refused)) {
        return;
    }

    q = ngx_queue_head(&pool->refused);
    ngx_queue_remove(q);

    /* one at a time: handlers refuse and cancel others */

    if (!ngx_queue_empty(&pool->refused)) {
        ngx_post_event(&pool->tell, &ngx_posted_events);
    }

    call = ngx_queue_data(q, ngx_http_flagship_pg_call_t, queue);

    ngx_http_flagship_pg_pool_finish(call, call->outcome);
}


void
ngx_http_flagship_pg_pool_patience_handler(ngx_event_t *ev)
{
    ngx_queue_t                   *q;
    ngx_msec_int_t                 left;
    ngx_connection_t              *dummy;
    ngx_http_flagship_pg_call_t   *call;
    ngx_http_flagship_pg_pool_t   *pool;

    dummy = ev->data;
    pool = dummy->data;

    while (!ngx_queue_empty(&pool->waiting)) {

        q = ngx_queue_head(&pool->waiting);
        call = ngx_queue_data(q, ngx_http_flagship_pg_call_t, queue);

        left = (ngx_msec_int_t) (call->expires - ngx_current_msec);

        if (left > 0) {
            ngx_add_timer(&pool->patience, (ngx_msec_t) left);
            return;
        }

        ngx_http_flagship_pg_pool_refuse(call, NGX_HTTP_FLAGSHIP_PG_BUSY);
    }
}
