
/*
 * Copyright (C) Flagship
 */


/*
 * A build's way to the zone:
 *
 *   run      (thread)   documents -> images that differ from what is live
 *   reserve  (loop)     space and slots; none: kept, tried again each second
 *   copy     (thread, or the loop where it is little)
 *   commit   (loop)
 *
 * The build was compared with the sets that were live when it began, and
 * names only those that differ.  So between reserve and commit the live
 * generation must still be that one: the zone refuses a commit that was
 * overtaken since reserve, and what came before reserve is seen by looking at
 * the generation once more behind it.
 *
 * A worker that exits waits for the thread, which ends at the next flag;
 * its result is then nobody's.  Runs in the event loop of the leader, except
 * for the two that say so.
 */


#include "ngx_http_flagship_sync_leader.h"


#define NGX_HTTP_FLAGSHIP_SYNC_SMALL  262144  /* bytes, some 20 us */
#define NGX_HTTP_FLAGSHIP_SYNC_ENTRY  128     /* of a catalog, about */


static ngx_int_t ngx_http_flagship_sync_begin(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b);
static ngx_int_t ngx_http_flagship_sync_post(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b);
static void ngx_http_flagship_sync_compile(void *data);
static void ngx_http_flagship_sync_copy(void *data);
static void ngx_http_flagship_sync_posted(void *data);
static void ngx_http_flagship_sync_built(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b);
static void ngx_http_flagship_sync_copied(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b);
static ngx_uint_t ngx_http_flagship_sync_result(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b, ngx_http_flagship_sync_e *how);
static ngx_int_t ngx_http_flagship_sync_reserve(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b);
static ngx_uint_t ngx_http_flagship_sync_small(
    const ngx_http_flagship_publication_t *p);
static ngx_http_flagship_sync_e ngx_http_flagship_sync_commit(
    ngx_http_flagship_sync_t *sync, ngx_http_flagship_build_t *b);
static void ngx_http_flagship_sync_end(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_sync_e how);
static void ngx_http_flagship_sync_reports(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b);


void
ngx_http_flagship_sync_run(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b)
{
    sync->build = b;

    if (ngx_http_flagship_sync_begin(sync, b) != NGX_OK
        || ngx_http_flagship_sync_post(sync, b) != NGX_OK)
    {
        ngx_http_flagship_sync_end(sync, NGX_HTTP_FLAGSHIP_SYNC_FAILED);
    }
}


ngx_http_flagship_sync_e
ngx_http_flagship_sync_now(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b)
{
    ngx_http_flagship_sync_e  how;

    if (ngx_http_flagship_sync_begin(sync, b) != NGX_OK) {
        return NGX_HTTP_FLAGSHIP_SYNC_FAILED;
    }

    ngx_http_flagship_build_run(b);
    ngx_http_flagship_sync_reports(sync, b);

    if (!ngx_http_flagship_sync_result(sync, b, &how)) {
        return how;
    }

    switch (ngx_http_flagship_sync_reserve(sync, b)) {

    case NGX_OK:
        ngx_http_flagship_zone_copy(sync->zone, &b->publication);
        return ngx_http_flagship_sync_commit(sync, b);

    case NGX_AGAIN:
        return NGX_HTTP_FLAGSHIP_SYNC_WAITING;

    default:
        return NGX_HTTP_FLAGSHIP_SYNC_OVERTAKEN;
    }
}


/* What is live, so that the thread asks the zone for nothing. */

static ngx_int_t
ngx_http_flagship_sync_begin(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b)
{
    ngx_uint_t                 i;
    ngx_str_t                  tenant, environment;
    ngx_http_flagship_view_t  *view;
    ngx_http_flagship_live_t  *live;

    b->said = sync->said;

    view = ngx_http_flagship_zone_acquire(sync->zone);
    b->view = view;

    if (view == NULL || view->nsets == 0) {
        return NGX_OK;
    }

    b->live = calloc(view->nsets, sizeof(ngx_http_flagship_live_t));
    if (b->live == NULL) {
        return NGX_ERROR;
    }

    b->nlive = view->nsets;

    for (i = 0; i < view->nsets; i++) {
        live = &b->live[i];

        live->image = ngx_http_flagship_view_set(view, i, &tenant,
                                                 &environment);
        live->tenant = flagship_str((char *) tenant.data, tenant.len);
        live->environment = flagship_str((char *) environment.data,
                                         environment.len);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_sync_post(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b)
{
    b->task.run = b->reserved ? ngx_http_flagship_sync_copy
                              : ngx_http_flagship_sync_compile;
    b->task.done = ngx_http_flagship_sync_posted;
    b->task.data = sync;

    if (ngx_http_flagship_thread_start(&b->task) != NGX_OK) {
        return NGX_ERROR;
    }

    sync->running = 1;

    return NGX_OK;
}


/* In a thread; the loop leaves sync->build alone meanwhile. */

static void
ngx_http_flagship_sync_compile(void *data)
{
    ngx_http_flagship_sync_t *sync = data;

    ngx_http_flagship_build_run(sync->build);
}


/* In a thread, too. */

static void
ngx_http_flagship_sync_copy(void *data)
{
    ngx_http_flagship_sync_t *sync = data;

    ngx_http_flagship_zone_copy(sync->zone, &sync->build->publication);
}


static void
ngx_http_flagship_sync_posted(void *data)
{
    ngx_http_flagship_sync_t *sync = data;

    sync->running = 0;

    if (sync->build->reserved) {
        ngx_http_flagship_sync_copied(sync, sync->build);

    } else {
        ngx_http_flagship_sync_built(sync, sync->build);
    }
}


static void
ngx_http_flagship_sync_built(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b)
{
    ngx_http_flagship_sync_e  how;

    how = NGX_HTTP_FLAGSHIP_SYNC_FAILED;

    ngx_http_flagship_sync_reports(sync, b);

    if (!sync->leads || !ngx_http_flagship_sync_result(sync, b, &how)) {
        ngx_http_flagship_sync_end(sync, how);
        return;
    }

    ngx_http_flagship_sync_retry(sync);
}


/*
 * What the build alone decides: returns 0 and how it ended, or 1 where there
 * is something to publish.
 */

static ngx_uint_t
ngx_http_flagship_sync_result(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b, ngx_http_flagship_sync_e *how)
{
    ngx_str_t  epoch;

    switch (b->status) {

    case NGX_HTTP_FLAGSHIP_BUILD_OK:
        break;

    case NGX_HTTP_FLAGSHIP_BUILD_FULL:
        *how = NGX_HTTP_FLAGSHIP_SYNC_FULL;
        return 0;

    case NGX_HTTP_FLAGSHIP_BUILD_REFUSED:
        *how = NGX_HTTP_FLAGSHIP_SYNC_REFUSED;
        return 0;

    default:
        *how = NGX_HTTP_FLAGSHIP_SYNC_FAILED;
        return 0;
    }

    if (b->nsets || b->view == NULL || b->back) {
        return 1;
    }

    epoch = ngx_http_flagship_view_epoch(b->view);

    if (epoch.len != b->epoch_len
        || ngx_memcmp(epoch.data, b->epoch, epoch.len) != 0)
    {
        return 1;
    }

    if (b->path == NULL) {
        /* a file has no revisions of its own to move on with */
        ngx_http_flagship_zone_touch(sync->zone, b->revision);
    }

    ngx_http_flagship_sync_checked(sync);

    *how = NGX_HTTP_FLAGSHIP_SYNC_DONE;

    return 0;
}


void
ngx_http_flagship_sync_retry(ngx_http_flagship_sync_t *sync)
{
    ngx_http_flagship_build_t  *b;

    b = sync->build;

    switch (ngx_http_flagship_sync_reserve(sync, b)) {

    case NGX_OK:

        if (ngx_http_flagship_sync_small(&b->publication)) {
            ngx_http_flagship_zone_copy(sync->zone, &b->publication);
            ngx_http_flagship_sync_end(sync,
                                       ngx_http_flagship_sync_commit(sync, b));
            return;
        }

        b->reserved = 1;

        if (ngx_http_flagship_sync_post(sync, b) != NGX_OK) {
            ngx_http_flagship_zone_abort(sync->zone, &b->publication);
            b->reserved = 0;
            ngx_http_flagship_sync_end(sync, NGX_HTTP_FLAGSHIP_SYNC_FAILED);
        }

        return;

    case NGX_AGAIN:

        /* a generation that is still held, or a lock, is free soon */

        sync->retry = ngx_current_msec + b->patience;
        b->patience = ngx_min(b->patience * 2, NGX_HTTP_FLAGSHIP_SYNC_RETRY);

        sync->source->done(sync, b, NGX_HTTP_FLAGSHIP_SYNC_WAITING);
        return;

    default:
        ngx_http_flagship_sync_end(sync, NGX_HTTP_FLAGSHIP_SYNC_OVERTAKEN);
    }
}


/* NGX_OK, NGX_AGAIN, or NGX_DECLINED where the live sets are others by now. */

static ngx_int_t
ngx_http_flagship_sync_reserve(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b)
{
    ngx_int_t                         rc;
    uint64_t                          generation;
    ngx_http_flagship_view_t         *view;
    ngx_http_flagship_publication_t  *p;

    p = &b->publication;

    ngx_memzero(p, sizeof(ngx_http_flagship_publication_t));

    p->epoch.data = (u_char *) b->epoch;
    p->epoch.len = b->epoch_len;
    p->revision = b->revision;
    p->force = (b->path != NULL);
    p->back = b->back;
    p->sets = b->sets;
    p->nsets = b->nsets;

    rc = ngx_http_flagship_zone_reserve(sync->zone, p);

    if (rc != NGX_OK) {
        return rc == NGX_AGAIN ? NGX_AGAIN : NGX_DECLINED;
    }

    view = ngx_http_flagship_zone_acquire(sync->zone);
    generation = view ? view->generation : 0;

    if (view) {
        ngx_http_flagship_view_release(view);
    }

    if (generation != (b->view ? b->view->generation : 0)) {
        ngx_http_flagship_zone_abort(sync->zone, p);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* Copied in the loop: a thread's start would take longer. */

static ngx_uint_t
ngx_http_flagship_sync_small(const ngx_http_flagship_publication_t *p)
{
    size_t      len;
    ngx_uint_t  i;

    len = p->base ? p->base->nblobs * NGX_HTTP_FLAGSHIP_SYNC_ENTRY : 0;

    for (i = 0; i < p->nsets; i++) {
        len += NGX_HTTP_FLAGSHIP_SYNC_ENTRY;

        if (p->sets[i].data) {
            len += p->sets[i].len;
        }
    }

    return len <= NGX_HTTP_FLAGSHIP_SYNC_SMALL;
}


static void
ngx_http_flagship_sync_copied(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b)
{
    b->reserved = 0;

    if (!sync->leads) {
        ngx_http_flagship_zone_abort(sync->zone, &b->publication);
        ngx_http_flagship_sync_end(sync, NGX_HTTP_FLAGSHIP_SYNC_FAILED);
        return;
    }

    ngx_http_flagship_sync_end(sync, ngx_http_flagship_sync_commit(sync, b));
}


static ngx_http_flagship_sync_e
ngx_http_flagship_sync_commit(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b)
{
    size_t      i;
    ngx_uint_t  n;

    if (ngx_http_flagship_zone_commit(sync->zone, &b->publication) != NGX_OK) {
        return NGX_HTTP_FLAGSHIP_SYNC_OVERTAKEN;
    }

    ngx_http_flagship_sync_checked(sync);

    for (i = 0, n = 0; i < b->nsets; i++) {
        if (b->sets[i].kind == NGX_HTTP_FLAGSHIP_BLOB_IMAGE) {
            n++;
        }
    }

    ngx_log_error(NGX_LOG_INFO, sync->log, 0,
                  "flagship: revision %uL is live, %ui flag sets changed",
                  b->revision, n);

    return NGX_HTTP_FLAGSHIP_SYNC_DONE;
}


void
ngx_http_flagship_sync_checked(ngx_http_flagship_sync_t *sync)
{
    sync->shared->checked = ngx_time();

    if (sync->conf->served) {
        ngx_post_event(sync->conf->served, &ngx_posted_events);
    }
}


void
ngx_http_flagship_sync_forget(ngx_http_flagship_sync_t *sync)
{
    ngx_http_flagship_build_t  *b;

    b = sync->build;

    if (b == NULL) {
        return;
    }

    if (sync->running) {
        /* the handler will find that this worker leads no more */
        b->cancel = 1;
        return;
    }

    sync->build = NULL;

    if (b->reserved) {
        ngx_http_flagship_zone_abort(sync->zone, &b->publication);
    }

    if (b->view) {
        ngx_http_flagship_view_release(b->view);
    }

    ngx_http_flagship_build_destroy(b);
}


static void
ngx_http_flagship_sync_end(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_sync_e how)
{
    ngx_http_flagship_build_t  *b;

    b = sync->build;
    sync->build = NULL;

    if (b->view) {
        ngx_http_flagship_view_release(b->view);
        b->view = NULL;
    }

    if (b->status != NGX_HTTP_FLAGSHIP_BUILD_NOMEM) {
        sync->nomem = 0;

    } else if (!sync->nomem) {
        sync->nomem = 1;

        ngx_log_error(NGX_LOG_ERR, sync->log, 0,
                      "flagship: no memory to compile revision %uL",
                      b->revision);
    }

    if (sync->leads) {
        sync->source->done(sync, b, how);
    }

    ngx_http_flagship_build_destroy(b);
}


/* Takes over what the build has to say. */

static void
ngx_http_flagship_sync_reports(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b)
{
    ngx_http_flagship_report_t  **last;

    for (last = &sync->reports; *last; last = &(*last)->next) { /* void */ }

    *last = b->reports;
    sync->unsaid += b->unsaid;

    b->reports = NULL;
    b->last_report = &b->reports;
    b->unsaid = 0;

    ngx_http_flagship_sync_say(sync, NGX_HTTP_FLAGSHIP_SYNC_SAY);
}


void
ngx_http_flagship_sync_say(ngx_http_flagship_sync_t *sync, ngx_uint_t n)
{
    ngx_str_t                    text;
    ngx_uint_t                   level;
    ngx_http_flagship_report_t  *report;

    while (sync->reports && n--) {

        report = sync->reports;
        sync->reports = report->next;

        text.data = (u_char *) report->text;
        text.len = report->len;

        level = report->warning ? NGX_LOG_WARN : NGX_LOG_ERR;

        ngx_log_error(level, sync->log, 0, "flagship: %V", &text);

        free(report);
    }

    if (sync->reports == NULL && sync->unsaid) {
        ngx_log_error(NGX_LOG_ERR, sync->log, 0,
                      "flagship: %uz more errors in flags and segments",
                      sync->unsaid);
        sync->unsaid = 0;
    }
}
