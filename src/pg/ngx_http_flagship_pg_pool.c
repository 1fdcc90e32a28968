
/*
 * Copyright (C) Flagship
 */


/*
 * The places of the pool: connections made, handed to calls, taken back and
 * closed (ngx_http_flagship_pg_pool_local.h has the states and invariants).
 *
 * Runs in a worker's event loop.
 */


#include "ngx_http_flagship_pg_pool_local.h"


#define NGX_HTTP_FLAGSHIP_PG_MARGIN  1000    /* ms that we wait longer than
                                                the server does */


static ngx_http_flagship_pg_place_t *ngx_http_flagship_pg_pool_take(
    ngx_http_flagship_pg_pool_t *pool, ngx_uint_t write);
static void ngx_http_flagship_pg_pool_send(
    ngx_http_flagship_pg_place_t *place, ngx_http_flagship_pg_call_t *call);
static void ngx_http_flagship_pg_pool_connect(
    ngx_http_flagship_pg_pool_t *pool, ngx_uint_t write);
static void ngx_http_flagship_pg_pool_ready(ngx_http_flagship_pg_t *pg,
    void *data);
static void ngx_http_flagship_pg_pool_error(ngx_http_flagship_pg_t *pg,
    void *data, ngx_str_t *why);
static void ngx_http_flagship_pg_pool_result(ngx_http_flagship_pg_t *pg,
    void *data, PGresult *result);
static ngx_uint_t ngx_http_flagship_pg_pool_withhold(
    ngx_http_flagship_pg_place_t *place, PGresult *result);
static void ngx_http_flagship_pg_pool_demoted(
    ngx_http_flagship_pg_place_t *place);
static void ngx_http_flagship_pg_pool_rest(
    ngx_http_flagship_pg_place_t *place);
static void ngx_http_flagship_pg_pool_rest_handler(ngx_event_t *ev);
static void ngx_http_flagship_pg_pool_failed(
    ngx_http_flagship_pg_pool_t *pool, ngx_uint_t write, ngx_str_t *why);


static ngx_inline ngx_uint_t
ngx_http_flagship_pg_pool_past(ngx_msec_t at)
{
    return (ngx_msec_int_t) (ngx_current_msec - at) >= 0;
}


ngx_http_flagship_pg_pool_t *
ngx_http_flagship_pg_pool_create(ngx_http_flagship_pg_pool_options_t *options)
{
    ngx_uint_t                            i;
    ngx_pool_t                           *memory;
    ngx_http_flagship_pg_pool_t          *pool;
    ngx_http_flagship_pg_pool_options_t  *o;

    memory = ngx_create_pool(4096, options->log);
    if (memory == NULL) {
        return NULL;
    }

    pool = ngx_pcalloc(memory, sizeof(ngx_http_flagship_pg_pool_t));
    if (pool == NULL) {
        ngx_destroy_pool(memory);
        return NULL;
    }

    pool->places = ngx_pcalloc(memory, options->size
                               * sizeof(ngx_http_flagship_pg_place_t));
    if (pool->places == NULL) {
        ngx_destroy_pool(memory);
        return NULL;
    }

    for (i = 0; i < options->size; i++) {
        pool->places[i].pool = pool;
    }

    pool->pool = memory;
    pool->log = options->log;
    pool->options = *options;

    o = &pool->options;

    if (o->query_timeout == 0) {
        o->query_timeout = NGX_HTTP_FLAGSHIP_PG_POOL_TIMEOUT;
    }

    if (o->queue == 0) {
        o->queue = NGX_HTTP_FLAGSHIP_PG_POOL_QUEUE;
    }

    if (o->queue_timeout == 0) {
        o->queue_timeout = NGX_HTTP_FLAGSHIP_PG_POOL_TIMEOUT;
    }

    if (o->idle_timeout == 0) {
        o->idle_timeout = NGX_HTTP_FLAGSHIP_PG_POOL_IDLE;
    }

    ngx_queue_init(&pool->idle);
    ngx_queue_init(&pool->waiting);
    ngx_queue_init(&pool->refused);

    pool->dummy.fd = (ngx_socket_t) -1;
    pool->dummy.data = pool;

    pool->tell.handler = ngx_http_flagship_pg_pool_tell_handler;
    pool->tell.data = &pool->dummy;
    pool->tell.log = pool->log;

    /* not cancelable: a worker waits for calls that wait */

    pool->patience.handler = ngx_http_flagship_pg_pool_patience_handler;
    pool->patience.data = &pool->dummy;
    pool->patience.log = pool->log;

    pool->rest.handler = ngx_http_flagship_pg_pool_rest_handler;
    pool->rest.data = &pool->dummy;
    pool->rest.log = pool->log;
    pool->rest.cancelable = 1;

    return pool;
}


void
ngx_http_flagship_pg_pool_destroy(ngx_http_flagship_pg_pool_t *pool)
{
    ngx_uint_t    i, n;
    ngx_queue_t  *q, *queues[2];

    queues[0] = &pool->waiting;
    queues[1] = &pool->refused;

    for (n = 0; n < 2; n++) {

        while (!ngx_queue_empty(queues[n])) {
            q = ngx_queue_head(queues[n]);
            ngx_queue_remove(q);
            ngx_free(ngx_queue_data(q, ngx_http_flagship_pg_call_t, queue));
        }
    }

    for (i = 0; i < pool->options.size; i++) {

        if (pool->places[i].call) {
            ngx_free(pool->places[i].call);
        }

        if (pool->places[i].pg) {
            ngx_http_flagship_pg_close(pool->places[i].pg);
        }
    }

    if (pool->tell.posted) {
        ngx_delete_posted_event(&pool->tell);
    }

    if (pool->patience.timer_set) {
        ngx_del_timer(&pool->patience);
    }

    if (pool->rest.timer_set) {
        ngx_del_timer(&pool->rest);
    }

    ngx_destroy_pool(pool->pool);
}


void
ngx_http_flagship_pg_pool_stat(ngx_http_flagship_pg_pool_t *pool,
    ngx_http_flagship_pg_pool_stat_t *stat)
{
    ngx_uint_t                     i;
    ngx_http_flagship_pg_place_t  *place;

    ngx_memzero(stat, sizeof(ngx_http_flagship_pg_pool_stat_t));

    for (i = 0; i < pool->options.size; i++) {
        place = &pool->places[i];

        if (place->pg == NULL) {
            continue;
        }

        if (!place->ready) {
            stat->connecting++;

        } else if (place->call) {
            stat->busy++;

        } else {
            stat->idle++;
        }
    }

    stat->waiting = pool->nwaiting;
    stat->refused = pool->nrefused;
    stat->unknown = pool->nunknown;
}


ngx_uint_t
ngx_http_flagship_pg_pool_retry_after(ngx_http_flagship_pg_pool_t *pool)
{
    ngx_uint_t      i;
    ngx_msec_int_t  left, most;

    most = 1;

    for (i = 0; i < 2; i++) {

        if (pool->sides[i].failed) {
            left = (ngx_msec_int_t) (pool->sides[i].rest - ngx_current_msec);
            most = ngx_max(most, left);
        }
    }

    return (most + 999) / 1000;
}


void
ngx_http_flagship_pg_pool_settle(ngx_http_flagship_pg_pool_t *pool)
{
    ngx_uint_t                     write, soon[2];
    ngx_queue_t                   *q, *next;
    ngx_http_flagship_pg_call_t   *call;
    ngx_http_flagship_pg_place_t  *place;

    /* connections on their way, each for one call */

    soon[0] = pool->sides[0].connecting;
    soon[1] = pool->sides[1].connecting;

    for (q = ngx_queue_head(&pool->waiting);
         q != ngx_queue_sentinel(&pool->waiting);
         q = next)
    {
        if (ngx_queue_empty(&pool->idle)
            && pool->used == pool->options.size)
        {
            break;
        }

        next = ngx_queue_next(q);
        call = ngx_queue_data(q, ngx_http_flagship_pg_call_t, queue);
        write = call->options.write;

        place = ngx_http_flagship_pg_pool_take(pool, write);

        if (place) {
            ngx_http_flagship_pg_pool_send(place, call);

        } else if (soon[write]) {
            soon[write]--;

        } else if (!write && soon[1]) {
            soon[1]--;

        } else {
            ngx_http_flagship_pg_pool_connect(pool, write);
        }
    }

    for (write = 0; write < 2; write++) {

        if (pool->sides[write].failed
            && !ngx_http_flagship_pg_pool_serves(pool, write, 1))
        {
            ngx_http_flagship_pg_pool_refuse_all(pool, write);
        }
    }

    while (ngx_exiting && !ngx_queue_empty(&pool->idle)) {
        q = ngx_queue_head(&pool->idle);
        ngx_http_flagship_pg_pool_close(ngx_queue_data(q,
                                       ngx_http_flagship_pg_place_t, queue));
    }
}


/* An idle place that will do; those whose server has said farewell go. */

static ngx_http_flagship_pg_place_t *
ngx_http_flagship_pg_pool_take(ngx_http_flagship_pg_pool_t *pool,
    ngx_uint_t write)
{
    ngx_queue_t                   *q, *next;
    ngx_http_flagship_pg_place_t  *place;

    for (q = ngx_queue_head(&pool->idle);
         q != ngx_queue_sentinel(&pool->idle);
         q = next)
    {
        next = ngx_queue_next(q);
        place = ngx_queue_data(q, ngx_http_flagship_pg_place_t, queue);

        if (write && !place->write) {
            continue;
        }

        if (ngx_http_flagship_pg_idle(place->pg)) {
            return place;
        }

        ngx_http_flagship_pg_pool_close(place);
    }

    return NULL;
}


static void
ngx_http_flagship_pg_pool_send(ngx_http_flagship_pg_place_t *place,
    ngx_http_flagship_pg_call_t *call)
{
    ngx_http_flagship_pg_call_options_t  *o;

    ngx_http_flagship_pg_pool_unwait(call);
    ngx_queue_remove(&place->queue);

    place->idle = 0;
    place->call = call;
    call->place = place;

    o = &call->options;

    /* it is idle: what breaks now comes through on_error */

    (void) ngx_http_flagship_pg_query(place->pg, o->sql, o->nparams, o->params,
                                      o->single,
                                      ngx_http_flagship_pg_pool_result, place);
}


/*
 * One more connection for a side, as far as that may be.  In a full pool an
 * idle one for reads makes room for one for writes, which serves both; so a
 * busy pool ends up with those.
 */

static void
ngx_http_flagship_pg_pool_connect(ngx_http_flagship_pg_pool_t *pool,
    ngx_uint_t write)
{
    ngx_str_t                              why;
    ngx_queue_t                           *q;
    ngx_http_flagship_pg_side_t           *side;
    ngx_http_flagship_pg_place_t          *place;
    ngx_http_flagship_pg_options_t         options;
    ngx_http_flagship_pg_pool_options_t   *o;

    o = &pool->options;
    side = &pool->sides[write];

    if (side->failed
        && (side->connecting || !ngx_http_flagship_pg_pool_past(side->rest)))
    {
        return;
    }

    if (pool->used == o->size) {

        if (!write || ngx_queue_empty(&pool->idle)) {
            return;
        }

        q = ngx_queue_last(&pool->idle);
        ngx_http_flagship_pg_pool_close(ngx_queue_data(q,
                                       ngx_http_flagship_pg_place_t, queue));
    }

    for (place = pool->places; place->pg; place++) { /* void */ }

    ngx_memzero(&options, sizeof(ngx_http_flagship_pg_options_t));

    options.conninfo = o->conninfo;
    options.timeout = o->timeout;
    options.query_timeout = o->query_timeout + NGX_HTTP_FLAGSHIP_PG_MARGIN;
    options.statement_timeout = o->query_timeout;
    options.resolver = o->resolver;
    options.resolver_timeout = o->resolver_timeout;
    options.writable = write;
    options.finish = 1;
    options.application_name = o->application_name;
    options.on_ready = ngx_http_flagship_pg_pool_ready;
    options.on_error = ngx_http_flagship_pg_pool_error;
    options.data = place;
    options.log = pool->log;

    place->pg = ngx_http_flagship_pg_open(&options);

    if (place->pg == NULL) {
        ngx_str_set(&why, "no memory for a connection");
        ngx_http_flagship_pg_pool_failed(pool, write, &why);
        return;
    }

    place->write = write;
    place->ready = 0;
    place->standby = 0;

    pool->used++;
    side->connecting++;
}


static void
ngx_http_flagship_pg_pool_ready(ngx_http_flagship_pg_t *pg, void *data)
{
    ngx_http_flagship_pg_place_t *place = data;

    ngx_uint_t                    write;
    ngx_http_flagship_pg_pool_t  *pool;
    ngx_http_flagship_pg_side_t  *side;

    pool = place->pool;

    place->ready = 1;
    pool->sides[place->write].connecting--;

    for (write = 0; write <= place->write; write++) {
        side = &pool->sides[write];

        /* what failed beside this one would do so again */

        if (side->connecting == 0
            && ngx_http_flagship_pg_pool_past(side->rest))
        {
            side->failed = 0;
        }

        if (side->away) {
            side->away = 0;

            ngx_log_error(NGX_LOG_NOTICE, pool->log, 0,
                          "flagship: %V takes %s again",
                          ngx_http_flagship_pg_peer(pg),
                          write ? "writes" : "reads");
        }
    }

    ngx_http_flagship_pg_pool_rest(place);
    ngx_http_flagship_pg_pool_settle(pool);
}


static void
ngx_http_flagship_pg_pool_error(ngx_http_flagship_pg_t *pg, void *data,
    ngx_str_t *why)
{
    ngx_http_flagship_pg_place_t *place = data;

    ngx_http_flagship_pg_call_t  *call;
    ngx_http_flagship_pg_pool_t  *pool;

    pool = place->pool;
    call = place->call;

    if (!place->ready) {
        ngx_http_flagship_pg_pool_failed(pool, place->write, why);

    } else if (call) {
        pool->nunknown++;

        ngx_log_error(NGX_LOG_WARN, pool->log, 0,
                      "flagship: %V; whether a %s under way was done is not "
                      "known", why, call->options.write ? "write" : "read");
    }

    ngx_http_flagship_pg_pool_close(place);
    ngx_http_flagship_pg_pool_settle(pool);

    if (call) {
        ngx_http_flagship_pg_pool_finish(call, NGX_HTTP_FLAGSHIP_PG_UNKNOWN);
    }
}


static void
ngx_http_flagship_pg_pool_result(ngx_http_flagship_pg_t *pg, void *data,
    PGresult *result)
{
    ngx_http_flagship_pg_place_t *place = data;

    ngx_http_flagship_pg_call_t  *call;
    ngx_http_flagship_pg_pool_t  *pool;

    pool = place->pool;
    call = place->call;

    if (result) {

        if (call->cancelled
            || ngx_http_flagship_pg_pool_withhold(place, result))
        {
            return;
        }

        call->handed = 1;
        call->options.on_result(call->options.data, result);

        return;
    }

    if (place->standby) {
        ngx_http_flagship_pg_pool_demoted(place);
        return;
    }

    place->call = NULL;

    if (ngx_http_flagship_pg_idle(pg)) {
        ngx_http_flagship_pg_pool_rest(place);

    } else {
        ngx_http_flagship_pg_pool_close(place);
    }

    ngx_http_flagship_pg_pool_settle(pool);

    ngx_http_flagship_pg_pool_finish(call, call->spoilt
                                           ? NGX_HTTP_FLAGSHIP_PG_UNKNOWN
                                           : NGX_HTTP_FLAGSHIP_PG_DONE);
}


/*
 * Errors that are not an answer: the server ends the session, libpq has no
 * connection or no memory, or the server takes no writes.
 */

static ngx_uint_t
ngx_http_flagship_pg_pool_withhold(ngx_http_flagship_pg_place_t *place,
    PGresult *result)
{
    const char  *severity, *state;

    if (PQresultStatus(result) != PGRES_FATAL_ERROR) {
        return 0;
    }

    severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (state == NULL || severity == NULL || severity[0] != 'E') {
        place->call->spoilt = 1;
        return 1;
    }

    /* read_only_sql_transaction */

    if (place->call->options.write && ngx_strcmp(state, "25006") == 0) {
        place->standby = 1;
        return 1;
    }

    return 0;
}


/*
 * What was a primary is one no more.  Nothing has happened, so the call looks
 * for the new one, once.
 */

static void
ngx_http_flagship_pg_pool_demoted(ngx_http_flagship_pg_place_t *place)
{
    ngx_str_t                     why;
    ngx_queue_t                  *q, *next;
    ngx_http_flagship_pg_call_t  *call;
    ngx_http_flagship_pg_pool_t  *pool;

    pool = place->pool;
    call = place->call;

    ngx_http_flagship_pg_pool_close(place);

    for (q = ngx_queue_head(&pool->idle);
         q != ngx_queue_sentinel(&pool->idle);
         q = next)
    {
        next = ngx_queue_next(q);
        place = ngx_queue_data(q, ngx_http_flagship_pg_place_t, queue);

        if (place->write) {
            ngx_http_flagship_pg_pool_close(place);
        }
    }

    if (!call->again && !call->handed && !call->cancelled) {
        call->again = 1;
        call->place = NULL;
        ngx_http_flagship_pg_pool_wait(call);
        ngx_http_flagship_pg_pool_settle(pool);
        return;
    }

    if (!call->cancelled) {
        ngx_str_set(&why, "the primary is read-only");
        ngx_http_flagship_pg_pool_failed(pool, 1, &why);
        pool->nrefused++;
    }

    ngx_http_flagship_pg_pool_settle(pool);
    ngx_http_flagship_pg_pool_finish(call, NGX_HTTP_FLAGSHIP_PG_AWAY);
}


static void
ngx_http_flagship_pg_pool_rest(ngx_http_flagship_pg_place_t *place)
{
    ngx_http_flagship_pg_pool_t  *pool;

    pool = place->pool;

    place->idle = 1;
    place->since = ngx_current_msec;

    ngx_queue_insert_head(&pool->idle, &place->queue);

    if (!pool->rest.timer_set) {
        ngx_add_timer(&pool->rest, pool->options.idle_timeout);
    }
}


static void
ngx_http_flagship_pg_pool_rest_handler(ngx_event_t *ev)
{
    ngx_msec_t                     until;
    ngx_queue_t                   *q;
    ngx_connection_t              *dummy;
    ngx_http_flagship_pg_pool_t   *pool;
    ngx_http_flagship_pg_place_t  *place;

    dummy = ev->data;
    pool = dummy->data;

    while (!ngx_queue_empty(&pool->idle)) {

        q = ngx_queue_last(&pool->idle);
        place = ngx_queue_data(q, ngx_http_flagship_pg_place_t, queue);
        until = place->since + pool->options.idle_timeout;

        if (!ngx_http_flagship_pg_pool_past(until)) {
            ngx_add_timer(&pool->rest, until - ngx_current_msec);
            return;
        }

        ngx_http_flagship_pg_pool_close(place);
    }
}


void
ngx_http_flagship_pg_pool_close(ngx_http_flagship_pg_place_t *place)
{
    ngx_http_flagship_pg_pool_t  *pool;

    pool = place->pool;

    if (!place->ready) {
        pool->sides[place->write].connecting--;

    } else if (place->idle) {
        ngx_queue_remove(&place->queue);
    }

    ngx_http_flagship_pg_close(place->pg);

    place->pg = NULL;
    place->call = NULL;
    place->idle = 0;

    pool->used--;
}


/* No host that will do for a side; what can go on does. */

static void
ngx_http_flagship_pg_pool_failed(ngx_http_flagship_pg_pool_t *pool,
    ngx_uint_t write, ngx_str_t *why)
{
    ngx_uint_t                    served;
    ngx_http_flagship_pg_side_t  *side;

    side = &pool->sides[write];
    served = ngx_http_flagship_pg_pool_serves(pool, write, 0);

    if (!served && !side->away) {
        side->away = 1;

        ngx_log_error(NGX_LOG_ERR, pool->log, 0,
                      "flagship: %V; %s are refused until a host is found",
                      why, write ? "writes" : "reads");

    } else if (served && !side->failed) {
        ngx_log_error(NGX_LOG_WARN, pool->log, 0,
                      "flagship: %V; %s share the connections that are there",
                      why, write ? "writes" : "reads");
    }

    side->failed = 1;
    side->rest = ngx_current_msec + 250 + ngx_random() % 750;
}


ngx_uint_t
ngx_http_flagship_pg_pool_serves(ngx_http_flagship_pg_pool_t *pool,
    ngx_uint_t write, ngx_uint_t soon)
{
    ngx_uint_t                     i;
    ngx_http_flagship_pg_place_t  *place;

    for (i = 0; i < pool->options.size; i++) {
        place = &pool->places[i];

        if (place->pg && (place->ready || soon) && (place->write || !write)) {
            return 1;
        }
    }

    return 0;
}
