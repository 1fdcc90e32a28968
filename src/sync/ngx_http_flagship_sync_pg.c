
/*
 * Copyright (C) Flagship
 */


/*
 * PostgreSQL as the source: one connection of the leader, on which it listens
 * and asks.
 *
 *   connect -> LISTEN -> round -> idle -> round -> ...
 *
 * LISTEN comes before the first round (ngx_http_flagship_sync_delta.c), so no
 * change falls in between.  A notification begins a round at once; the poll is
 * what is relied on.  What a poll finds and nothing notified is counted, and
 * the second in a row leads to a new connection and a new LISTEN.
 *
 * Any trouble ends the connection: what serves goes on serving, one line is
 * logged, and the next try comes after 0.25 to 1 s.  That moment and the
 * number of failures are in the zone, so a worker that is born again and again
 * does not hammer the database.  A query that took too long may be a large
 * reload, so the next connection has more patience.
 *
 * Runs in the event loop of the leader.
 */


#include "ngx_http_flagship_sync_leader.h"


#define NGX_HTTP_FLAGSHIP_PG_PATIENCE   60000   /* the longest query */
#define NGX_HTTP_FLAGSHIP_PG_MISSED     2
#define NGX_HTTP_FLAGSHIP_PG_QUIET      30000


static void ngx_http_flagship_sync_pg_start(ngx_http_flagship_sync_t *sync);
static void ngx_http_flagship_sync_pg_tick(ngx_http_flagship_sync_t *sync);
static void ngx_http_flagship_sync_pg_stop(ngx_http_flagship_sync_t *sync);
static void ngx_http_flagship_sync_pg_connect(ngx_http_flagship_sync_t *sync);
static void ngx_http_flagship_sync_pg_ready(ngx_http_flagship_pg_t *pg,
    void *data);
static void ngx_http_flagship_sync_pg_listened(ngx_http_flagship_pg_t *pg,
    void *data, PGresult *result);
static void ngx_http_flagship_sync_pg_notify(ngx_http_flagship_pg_t *pg,
    void *data, ngx_str_t *channel, ngx_str_t *payload);
static void ngx_http_flagship_sync_pg_error(ngx_http_flagship_pg_t *pg,
    void *data, ngx_str_t *why);
static void ngx_http_flagship_sync_pg_say(ngx_http_flagship_sync_t *sync,
    ngx_str_t *why);
static void ngx_http_flagship_sync_pg_close(ngx_http_flagship_sync_t *sync);


const ngx_http_flagship_source_t  ngx_http_flagship_source_pg = {
    ngx_http_flagship_sync_pg_start,
    ngx_http_flagship_sync_pg_tick,
    ngx_http_flagship_sync_pg_stop,
    ngx_http_flagship_sync_pg_done
};


static void
ngx_http_flagship_sync_pg_start(ngx_http_flagship_sync_t *sync)
{
    ngx_memzero(&sync->pg, sizeof(ngx_http_flagship_sync_pg_t));
}


static void
ngx_http_flagship_sync_pg_stop(ngx_http_flagship_sync_t *sync)
{
    ngx_http_flagship_sync_pg_close(sync);
}


static void
ngx_http_flagship_sync_pg_tick(ngx_http_flagship_sync_t *sync)
{
    uint64_t                      wanted;
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    if (p->pg == NULL) {

        if (ngx_http_flagship_sync_past(sync->shared->not_before)) {
            ngx_http_flagship_sync_pg_connect(sync);
        }

        return;
    }

    wanted = sync->shared->wanted;

    if (wanted != p->wanted) {
        ngx_http_flagship_sync_pg_tell(sync, wanted);
    }

    ngx_http_flagship_sync_pg_next(sync);
}


void
ngx_http_flagship_sync_pg_tell(ngx_http_flagship_sync_t *sync,
    uint64_t revision)
{
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    /* a round that brings it may be under way */

    if (revision > p->found && revision > p->told) {
        p->told = revision;
    }
}


/*
 * The moment of the next try is set before this one, so that it also holds
 * for the worker that comes after one that died of what it read.
 */

static void
ngx_http_flagship_sync_pg_connect(ngx_http_flagship_sync_t *sync)
{
    ngx_str_t                        why;
    ngx_http_flagship_view_t        *view;
    ngx_http_flagship_sync_pg_t     *p;
    ngx_http_flagship_sync_conf_t   *conf;
    ngx_http_flagship_pg_options_t   options;

    p = &sync->pg;
    conf = sync->conf;

    sync->shared->not_before = ngx_current_msec + 250 + ngx_random() % 750;

    view = ngx_http_flagship_zone_acquire(sync->zone);

    if (view) {
        ngx_http_flagship_view_release(view);

    } else if (p->patience < 2) {
        /* everything will be read */
        p->patience = 2;
    }

    p->deadline = ngx_min((conf->timeout * 2) << ngx_min(p->patience, 10),
                          NGX_HTTP_FLAGSHIP_PG_PATIENCE);
    p->deadline = ngx_max(p->deadline, conf->timeout);

    ngx_memzero(&options, sizeof(ngx_http_flagship_pg_options_t));

    options.conninfo = (conf->listen && conf->notify) ? conf->listen
                                                      : conf->pg;
    options.timeout = conf->timeout;
    options.query_timeout = p->deadline;
    options.resolver = conf->resolver;
    options.resolver_timeout = conf->resolver_timeout;
    options.writable = conf->notify;
    options.application_name = "flagship";
    options.on_ready = ngx_http_flagship_sync_pg_ready;
    options.on_error = ngx_http_flagship_sync_pg_error;
    options.on_notify = ngx_http_flagship_sync_pg_notify;
    options.data = sync;
    options.log = sync->log;

    p->pg = ngx_http_flagship_pg_open(&options);

    if (p->pg == NULL) {
        ngx_str_set(&why, "no memory for a connection");
        ngx_http_flagship_sync_pg_failed(sync, &why);
    }
}


static void
ngx_http_flagship_sync_pg_ready(ngx_http_flagship_pg_t *pg, void *data)
{
    ngx_http_flagship_sync_t  *sync = data;

    ngx_str_t                     why;
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    p->dirty = 1;
    p->calm = ngx_current_msec;
    p->unheard = 0;

    if (!sync->conf->notify) {
        p->ready = 1;
        ngx_http_flagship_sync_pg_next(sync);
        return;
    }

    p->busy = 1;
    p->began = ngx_current_msec;
    p->error[0] = '\0';

    if (ngx_http_flagship_pg_query(pg, "LISTEN flagship", 0, NULL, 0,
                                   ngx_http_flagship_sync_pg_listened, sync)
        != NGX_OK)
    {
        ngx_str_set(&why, "LISTEN could not be sent");
        ngx_http_flagship_sync_pg_failed(sync, &why);
    }
}


/*
 * A server that knows no LISTEN, or not here, is polled: that is said once,
 * as "notify=off" is what the configuration wants then.
 */

static void
ngx_http_flagship_sync_pg_listened(ngx_http_flagship_pg_t *pg, void *data,
    PGresult *result)
{
    ngx_http_flagship_sync_t  *sync = data;

    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    if (result) {

        if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
            ngx_http_flagship_sync_pg_refused(sync, result);
        }

        return;
    }

    p->busy = 0;
    p->ready = 1;

    if (p->error[0] && !p->deaf) {
        p->deaf = 1;

        ngx_log_error(NGX_LOG_WARN, sync->log, 0,
                      "flagship: %V refuses LISTEN: %s: asking every %M ms "
                      "instead", ngx_http_flagship_pg_peer(pg), p->error,
                      sync->conf->refresh);

    } else if (p->error[0] == '\0') {
        p->deaf = 0;
    }

    ngx_http_flagship_sync_pg_next(sync);
}


static void
ngx_http_flagship_sync_pg_notify(ngx_http_flagship_pg_t *pg, void *data,
    ngx_str_t *channel, ngx_str_t *payload)
{
    ngx_http_flagship_sync_t  *sync = data;

    off_t                         revision;
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    revision = ngx_atoof(payload->data, payload->len);

    if (revision == (off_t) NGX_ERROR) {
        /* by hand: at least something happened */
        p->dirty = 1;

    } else {
        p->notified = ngx_max(p->notified, (uint64_t) revision);

        ngx_http_flagship_sync_pg_tell(sync, (uint64_t) revision);
    }

    p->missed = 0;

    if (p->silent) {
        p->silent = 0;

        ngx_log_error(NGX_LOG_NOTICE, sync->log, 0,
                      "flagship: notifications come again");
    }

    ngx_http_flagship_sync_pg_next(sync);
}


/*
 * What the last poll found must have been notified by now.  Returns 0 where
 * that failed too often, and a new connection is on its way.
 */

ngx_uint_t
ngx_http_flagship_sync_pg_hears(ngx_http_flagship_sync_t *sync)
{
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    if (!sync->conf->notify || p->deaf || p->unheard <= p->notified) {
        p->unheard = 0;
        return 1;
    }

    p->unheard = 0;
    p->missed++;

    (void) ngx_atomic_fetch_add(&sync->shared->notify_missed, 1);

    if (p->missed < NGX_HTTP_FLAGSHIP_PG_MISSED) {
        return 1;
    }

    p->missed = 0;

    if (!p->silent) {
        p->silent = 1;

        ngx_log_error(NGX_LOG_WARN, sync->log, 0,
                      "flagship: changes come without a notification: "
                      "listening on a new connection");
    }

    ngx_http_flagship_sync_pg_close(sync);
    ngx_http_flagship_sync_pg_connect(sync);

    return 0;
}


static void
ngx_http_flagship_sync_pg_error(ngx_http_flagship_pg_t *pg, void *data,
    ngx_str_t *why)
{
    ngx_http_flagship_sync_t  *sync = data;

    ngx_http_flagship_sync_pg_failed(sync, why);
}


void
ngx_http_flagship_sync_pg_failed(ngx_http_flagship_sync_t *sync,
    ngx_str_t *why)
{
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    if (ngx_exiting || ngx_quit || ngx_terminate) {
        /* nginx has closed it; the next leader begins without a delay */
        ngx_http_flagship_sync_pg_close(sync);
        return;
    }

    if (p->busy
        && ngx_http_flagship_sync_past(p->began + p->deadline)
        && p->patience < 10)
    {
        p->patience++;
    }

    ngx_http_flagship_sync_pg_say(sync, why);

    sync->shared->not_before = ngx_current_msec + 250 + ngx_random() % 750;

    ngx_http_flagship_sync_pg_close(sync);
}


/* The first failure, and another cause of those that follow it. */

static void
ngx_http_flagship_sync_pg_say(ngx_http_flagship_sync_t *sync, ngx_str_t *why)
{
    uint32_t                      cause;
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    cause = ngx_crc32_short(why->data, why->len);

    if (ngx_atomic_fetch_add(&sync->shared->failures, 1) != 0
        && (cause == p->cause || !ngx_http_flagship_sync_past(p->quiet)))
    {
        return;
    }

    p->cause = cause;
    p->quiet = ngx_current_msec + NGX_HTTP_FLAGSHIP_PG_QUIET;

    if (sync->shared->revision) {
        ngx_log_error(NGX_LOG_ERR, sync->log, 0,
                      "flagship: %V; revision %uL goes on serving", why,
                      (uint64_t) sync->shared->revision);

    } else {
        ngx_log_error(NGX_LOG_ERR, sync->log, 0,
                      "flagship: %V; no flags are loaded yet", why);
    }
}


static void
ngx_http_flagship_sync_pg_close(ngx_http_flagship_sync_t *sync)
{
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    if (p->pg) {
        ngx_http_flagship_pg_close(p->pg);
        p->pg = NULL;
    }

    if (p->build) {
        ngx_http_flagship_build_destroy(p->build);
        p->build = NULL;
    }

    p->found = 0;
    p->ready = 0;
    p->busy = 0;
}
