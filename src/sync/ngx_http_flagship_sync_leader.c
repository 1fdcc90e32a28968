
/*
 * Copyright (C) Flagship
 */


/*
 * The worker's life: who leads, and the tick that everything hangs on.
 *
 * Every worker asks for the lease now and then; the one that has it starts
 * its source and renews it well before it runs out.  A leader that was held
 * up for longer than the lease (a debugger, a frozen machine) finds that
 * another leads and lets go.  A worker that shuts down resigns at its next
 * tick, however long its last requests take.
 *
 * There is one cancelable timer.  What is urgent does not wait for it: a
 * notification and a finished build act at once.
 */


#include "ngx_http_flagship_sync_leader.h"


#define NGX_HTTP_FLAGSHIP_SYNC_LEASE   3000
#define NGX_HTTP_FLAGSHIP_SYNC_RENEW   500
#define NGX_HTTP_FLAGSHIP_SYNC_FOLLOW  250


static ngx_http_flagship_sync_t *ngx_http_flagship_sync_create(
    ngx_cycle_t *cycle, ngx_http_flagship_main_conf_t *fmcf);
static void ngx_http_flagship_sync_first(ngx_http_flagship_sync_t *sync,
    ngx_cycle_t *cycle);
static void ngx_http_flagship_sync_tick(ngx_event_t *ev);
static void ngx_http_flagship_sync_step_down(ngx_http_flagship_sync_t *sync);


void
ngx_http_flagship_sync_init_module(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf)
{
    ngx_http_flagship_sync_t  *sync;

    if (ngx_test_config || fmcf->zone == NULL || fmcf->sync == NULL) {
        return;
    }

    sync = ngx_http_flagship_sync_create(cycle, fmcf);
    if (sync == NULL) {
        return;
    }

    fmcf->sync->worker = sync;

    if (sync->source == &ngx_http_flagship_source_file) {
        ngx_http_flagship_sync_first(sync, cycle);
    }
}


ngx_int_t
ngx_http_flagship_sync_init_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf)
{
    ngx_http_flagship_sync_t  *sync;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    if (fmcf->sync == NULL || fmcf->sync->worker == NULL) {
        return NGX_OK;
    }

    sync = fmcf->sync->worker;

    sync->log = cycle->log;

    sync->dummy.fd = (ngx_socket_t) -1;
    sync->dummy.data = sync;

    sync->tick.handler = ngx_http_flagship_sync_tick;
    sync->tick.data = &sync->dummy;
    sync->tick.log = cycle->log;
    sync->tick.cancelable = 1;

    ngx_add_timer(&sync->tick, 1);

    return NGX_OK;
}


void
ngx_http_flagship_sync_exit_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf)
{
    ngx_http_flagship_sync_t  *sync;

    if (fmcf->sync == NULL || fmcf->sync->worker == NULL) {
        return;
    }

    sync = fmcf->sync->worker;

    if (sync->tick.timer_set) {
        ngx_del_timer(&sync->tick);
    }

    /*
     * The worker has waited for its threads.  One that had stepped down before
     * left its build to a handler that will not be called any more.
     */

    sync->running = 0;

    ngx_http_flagship_sync_step_down(sync);
    ngx_http_flagship_sync_forget(sync);
}


static ngx_http_flagship_sync_t *
ngx_http_flagship_sync_create(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf)
{
    ngx_http_flagship_sync_t  *sync;

    sync = ngx_pcalloc(cycle->pool, sizeof(ngx_http_flagship_sync_t));
    if (sync == NULL) {
        return NULL;
    }

    sync->said = ngx_pcalloc(cycle->pool, sizeof(ngx_http_flagship_said_t));
    if (sync->said == NULL) {
        return NULL;
    }

    sync->conf = fmcf->sync;
    sync->zone = fmcf->zone;
    sync->shared = ngx_http_flagship_zone_shared(fmcf->zone);
    sync->source = fmcf->sync->file.len ? &ngx_http_flagship_source_file
                                        : &ngx_http_flagship_source_pg;
    sync->log = cycle->log;

    return sync;
}


/*
 * In the master, before the workers are started: a file is there at once, so
 * the first request can be decided.
 */

static void
ngx_http_flagship_sync_first(ngx_http_flagship_sync_t *sync,
    ngx_cycle_t *cycle)
{
    ngx_http_flagship_build_t      *b;
    ngx_http_flagship_zone_stat_t   stat;

    ngx_http_flagship_zone_stat(sync->zone, &stat);

    if (stat.catalogs) {
        return;
    }

    b = ngx_http_flagship_sync_file_build(sync);
    if (b == NULL) {
        return;
    }

    sync->source->done(sync, b, ngx_http_flagship_sync_now(sync, b));

    ngx_http_flagship_sync_say(sync, NGX_HTTP_FLAGSHIP_SAID_MAX);

    if (b->view) {
        ngx_http_flagship_view_release(b->view);
    }

    ngx_http_flagship_build_destroy(b);
}


static void
ngx_http_flagship_sync_tick(ngx_event_t *ev)
{
    ngx_uint_t                 leads;
    ngx_connection_t          *c;
    ngx_http_flagship_sync_t  *sync;

    c = ev->data;
    sync = c->data;

    if (ngx_exiting || ngx_terminate || ngx_quit) {
        ngx_http_flagship_sync_step_down(sync);
        return;
    }

    if (!sync->leads || ngx_http_flagship_sync_past(sync->renew)) {

        leads = ngx_http_flagship_zone_lead(sync->zone,
                                            NGX_HTTP_FLAGSHIP_SYNC_LEASE);
        sync->renew = ngx_current_msec + NGX_HTTP_FLAGSHIP_SYNC_RENEW;

        if (leads && !sync->leads) {
            sync->leads = 1;
            sync->source->start(sync);

        } else if (!leads && sync->leads) {
            ngx_log_error(NGX_LOG_WARN, sync->log, 0,
                          "flagship: this worker was held up, "
                          "another one leads");

            ngx_http_flagship_sync_step_down(sync);
        }
    }

    if (!sync->leads) {
        ngx_add_timer(&sync->tick, NGX_HTTP_FLAGSHIP_SYNC_FOLLOW);
        return;
    }

    ngx_http_flagship_sync_say(sync, NGX_HTTP_FLAGSHIP_SYNC_SAY);

    sync->source->tick(sync);

    /* what waits, unless the source has just begun something newer */

    if (sync->build && !sync->running
        && ngx_http_flagship_sync_past(sync->retry))
    {
        ngx_http_flagship_sync_retry(sync);
    }

    ngx_http_flagship_sync_wake(sync, NGX_HTTP_FLAGSHIP_SYNC_TICK);
}


/* Never less than another worker wants. */

void
ngx_http_flagship_sync_want(ngx_http_flagship_main_conf_t *fmcf,
    uint64_t revision)
{
    ngx_atomic_uint_t          wanted;
    ngx_http_flagship_sync_t  *sync;

    sync = fmcf->sync->worker;

    if (sync == NULL || sync->shared->revision >= revision) {
        return;
    }

    do {
        wanted = sync->shared->wanted;

    } while (wanted < revision
             && !ngx_atomic_cmp_set(&sync->shared->wanted, wanted, revision));

    /* without notifications the source may be a replica, which has it later:
       left to the tick */

    if (sync->leads && sync->conf->notify) {
        ngx_http_flagship_sync_pg_tell(sync, revision);
        ngx_http_flagship_sync_pg_next(sync);
    }
}


void
ngx_http_flagship_sync_wake(ngx_http_flagship_sync_t *sync, ngx_msec_t wait)
{
    ngx_event_t  *tick;

    tick = &sync->tick;

    if (tick->timer_set) {

        if ((ngx_msec_int_t) (tick->timer.key - ngx_current_msec)
            <= (ngx_msec_int_t) wait)
        {
            return;
        }

        /* to be a little earlier would not move it */

        ngx_del_timer(tick);
    }

    ngx_add_timer(tick, wait);
}


static void
ngx_http_flagship_sync_step_down(ngx_http_flagship_sync_t *sync)
{
    if (!sync->leads) {
        return;
    }

    sync->leads = 0;

    ngx_http_flagship_sync_say(sync, NGX_HTTP_FLAGSHIP_SAID_MAX);

    sync->source->stop(sync);
    ngx_http_flagship_sync_forget(sync);
    ngx_http_flagship_zone_resign(sync->zone);
}
