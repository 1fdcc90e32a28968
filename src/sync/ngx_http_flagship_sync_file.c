
/*
 * Copyright (C) Flagship
 */


/*
 * A file as the source: the leader looks at it and has it read when it is
 * another one than before.
 *
 * A look is one stat() through all symbolic links: device, inode, size and
 * the times in nanoseconds, so an edit that keeps size and second, a rename
 * and a swapped link are all seen.  The kernel's clock is coarser than the
 * nanoseconds it writes: a file that was changed a moment before it was read
 * is read once more, as a second change of the same moment would not show.
 *
 * A file that is refused as a whole leaves what serves.  It may just be being
 * written, so the log hears of it when it is still so a second later.
 */


#include "ngx_http_flagship_sync_leader.h"


#define NGX_HTTP_FLAGSHIP_FILE_LOOK    250
#define NGX_HTTP_FLAGSHIP_FILE_GRACE   1000

/* How recent is too recent; of a file system that keeps whole seconds. */
#define NGX_HTTP_FLAGSHIP_FILE_FRESH   100
#define NGX_HTTP_FLAGSHIP_FILE_COARSE  2000

/* The epoch of all files: their revision goes on from the zone's. */
#define NGX_HTTP_FLAGSHIP_FILE_EPOCH   "f1a95419-0000-8000-8000-66696c650000"


static void ngx_http_flagship_sync_file_start(ngx_http_flagship_sync_t *sync);
static void ngx_http_flagship_sync_file_tick(ngx_http_flagship_sync_t *sync);
static void ngx_http_flagship_sync_file_stop(ngx_http_flagship_sync_t *sync);
static void ngx_http_flagship_sync_file_done(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b, ngx_http_flagship_sync_e how);
static ngx_uint_t ngx_http_flagship_sync_file_fresh(
    ngx_http_flagship_stamp_t *stamp);
static void ngx_http_flagship_sync_file_refused(
    ngx_http_flagship_sync_t *sync, const char *reason, ngx_err_t err);
static void ngx_http_flagship_sync_file_say(ngx_http_flagship_sync_t *sync);


const ngx_http_flagship_source_t  ngx_http_flagship_source_file = {
    ngx_http_flagship_sync_file_start,
    ngx_http_flagship_sync_file_tick,
    ngx_http_flagship_sync_file_stop,
    ngx_http_flagship_sync_file_done
};


/*
 * What the master read before the workers started is known here, as it is the
 * same memory; a leader of a later day compares its own last look.
 */

static void
ngx_http_flagship_sync_file_start(ngx_http_flagship_sync_t *sync)
{
    sync->file.due = ngx_current_msec;
}


static void
ngx_http_flagship_sync_file_stop(ngx_http_flagship_sync_t *sync)
{
    /* another worker may publish from now on */

    sync->file.read = 0;
}


static void
ngx_http_flagship_sync_file_tick(ngx_http_flagship_sync_t *sync)
{
    ngx_file_info_t                 fi;
    ngx_http_flagship_build_t      *b;
    ngx_http_flagship_stamp_t       stamp;
    ngx_http_flagship_sync_file_t  *f;

    f = &sync->file;

    if (sync->running || !ngx_http_flagship_sync_past(f->due)) {
        return;
    }

    f->due = ngx_current_msec + NGX_HTTP_FLAGSHIP_FILE_LOOK;

    if (ngx_file_info(sync->conf->file.data, &fi) == NGX_FILE_ERROR) {
        f->read = 0;
        ngx_http_flagship_sync_file_refused(sync, "cannot be read",
                                            ngx_errno);
        return;
    }

    ngx_http_flagship_stamp_set(&stamp, &fi);

    if (f->read && !f->again
        && ngx_http_flagship_stamp_eq(&stamp, &f->stamp))
    {
        if (f->refused) {
            ngx_http_flagship_sync_file_say(sync);

        } else if (sync->build == NULL) {
            ngx_http_flagship_sync_checked(sync);
        }

        return;
    }

    b = ngx_http_flagship_sync_file_build(sync);
    if (b == NULL) {
        return;
    }

    /* what waits for room in the zone is of an older file */

    ngx_http_flagship_sync_forget(sync);

    ngx_http_flagship_sync_run(sync, b);
}


ngx_http_flagship_build_t *
ngx_http_flagship_sync_file_build(ngx_http_flagship_sync_t *sync)
{
    ngx_http_flagship_build_t      *b;
    ngx_http_flagship_sync_conf_t  *conf;

    conf = sync->conf;

    b = ngx_http_flagship_build_create();
    if (b == NULL) {
        return NULL;
    }

    b->path = (char *) conf->file.data;
    b->tenant = flagship_str((char *) conf->tenant.data, conf->tenant.len);
    b->environment = flagship_str((char *) conf->environment.data,
                                  conf->environment.len);
    b->whole = 1;

    b->epoch_len = NGX_HTTP_FLAGSHIP_EPOCH_LEN;
    ngx_memcpy(b->epoch, NGX_HTTP_FLAGSHIP_FILE_EPOCH, b->epoch_len);
    b->revision = sync->shared->revision + 1;

    return b;
}


static void
ngx_http_flagship_sync_file_done(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b, ngx_http_flagship_sync_e how)
{
    ngx_http_flagship_sync_file_t  *f;

    f = &sync->file;

    switch (how) {

    case NGX_HTTP_FLAGSHIP_SYNC_OVERTAKEN:
    case NGX_HTTP_FLAGSHIP_SYNC_FAILED:
    case NGX_HTTP_FLAGSHIP_SYNC_FULL:

        f->read = 0;
        f->due = ngx_current_msec + NGX_HTTP_FLAGSHIP_FILE_LOOK;
        return;

    default:
        break;
    }

    f->stamp = b->stamp;
    f->read = 1;
    f->again = b->torn || ngx_http_flagship_sync_file_fresh(&f->stamp);

    if (how == NGX_HTTP_FLAGSHIP_SYNC_REFUSED) {
        ngx_http_flagship_sync_file_refused(sync, b->reason, b->err);
        return;
    }

    if (f->refused) {
        f->refused = 0;

        if (f->logged) {
            ngx_log_error(NGX_LOG_NOTICE, sync->log, 0,
                          "flagship: file \"%V\" is good again",
                          &sync->conf->file);
        }
    }
}


static ngx_uint_t
ngx_http_flagship_sync_file_fresh(ngx_http_flagship_stamp_t *stamp)
{
    int64_t          age;
    struct timespec  now;

    (void) clock_gettime(CLOCK_REALTIME, &now);

    age = (int64_t) (now.tv_sec - stamp->ctime.tv_sec) * 1000
          + (now.tv_nsec - stamp->ctime.tv_nsec) / 1000000;

    /* a time that is still to come says nothing */

    return age >= 0
           && age < (stamp->ctime.tv_nsec ? NGX_HTTP_FLAGSHIP_FILE_FRESH
                                          : NGX_HTTP_FLAGSHIP_FILE_COARSE);
}


static void
ngx_http_flagship_sync_file_refused(ngx_http_flagship_sync_t *sync,
    const char *reason, ngx_err_t err)
{
    ngx_http_flagship_sync_file_t  *f;

    f = &sync->file;

    if (!f->refused || f->err != err
        || ngx_strncmp(f->reason, reason, sizeof(f->reason) - 1) != 0)
    {
        f->refused = 1;
        f->logged = 0;
        f->refused_at = ngx_current_msec;
        f->err = err;

        (void) ngx_cpystrn((u_char *) f->reason, (u_char *) reason,
                           sizeof(f->reason));
    }

    ngx_http_flagship_sync_file_say(sync);
}


static void
ngx_http_flagship_sync_file_say(ngx_http_flagship_sync_t *sync)
{
    ngx_http_flagship_sync_file_t  *f;

    f = &sync->file;

    /* before the workers start there is nothing to wait for */

    if (f->logged
        || (sync->leads
            && !ngx_http_flagship_sync_past(f->refused_at
                                            + NGX_HTTP_FLAGSHIP_FILE_GRACE)))
    {
        return;
    }

    f->logged = 1;

    (void) ngx_atomic_fetch_add(&sync->shared->file_refused, 1);

    ngx_log_error(NGX_LOG_ERR, sync->log, f->err,
                  "flagship: file \"%V\" %s; %s", &sync->conf->file, f->reason,
                  sync->shared->revision ? "the last flags go on serving"
                                         : "no flags are loaded yet");
}
