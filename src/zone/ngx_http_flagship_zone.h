
/*
 * Copyright (C) Flagship
 */


/*
 * Shared memory: publish, pin, reclaim.
 *
 * The zone holds blobs (immutable bytes: flag sets' images, id sets, API
 * keys) and catalogs.  A catalog is immutable and lists the blobs of one
 * generation; "current" in the root names the live one.  A worker reads
 * through a view: a catalog that it holds.  The protocol, its proof and all
 * atomics are in ngx_http_flagship_zone_root.h.
 *
 *   reading      no lock ever; on a request's way one atomic load
 *   publishing   reserve (lock) -> copy (any thread, no lock) -> commit (lock)
 *   dying        at any point costs nothing but memory that the next
 *                publication or tick reclaims
 *
 * The lock is never waited for: its holder may have been stopped.
 *
 * Unless said otherwise functions are called from a worker's event loop, or
 * from the master before it starts workers (init_module).
 */


#ifndef _NGX_HTTP_FLAGSHIP_ZONE_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_ZONE_H_INCLUDED_


#include "ngx_http_flagship.h"
#include "flagship_eval.h"
#include "flagship_image.h"


/* A cycle's handle of the zone; what is shared is behind it. */
typedef struct ngx_http_flagship_zone_s  ngx_http_flagship_zone_t;

#define NGX_HTTP_FLAGSHIP_EPOCH_LEN  36     /* a UUID's text */


/* What a blob is, and what it is named after; the order of a catalog. */

typedef enum {
    NGX_HTTP_FLAGSHIP_BLOB_IMAGE = 0,      /* tenant, environment: flag set */
    NGX_HTTP_FLAGSHIP_BLOB_SET,            /* tenant, key: an id set */
    NGX_HTTP_FLAGSHIP_BLOB_KEYS            /* "", "": all API keys */
} ngx_http_flagship_blob_e;

typedef struct {
    ngx_uint_t                 kind;       /* ngx_http_flagship_blob_e */
    ngx_str_t                  tenant;
    ngx_str_t                  name;
    const void                *data;       /* aligned as an image is */
    size_t                     len;
} ngx_http_flagship_blob_t;


/* What an image's id sets are bound to; the zone's own. */
typedef struct ngx_http_flagship_bindings_s  ngx_http_flagship_bindings_t;


/*
 * A catalog that this worker holds.  Plain counters: a view never leaves its
 * process.  generation and revision do not change while it lives.
 */

typedef struct {
    uint64_t                   generation;  /* counts publications */
    uint64_t                   revision;    /* the source's */
    ngx_uint_t                 refs;
    ngx_uint_t                 nsets;       /* flag sets listed: images */
    ngx_uint_t                 nblobs;      /* of all kinds */
    const void                *catalog;     /* the zone's own, to the end */
    ngx_http_flagship_zone_t  *zone;
    uint64_t                   live;
    ngx_uint_t                 last;        /* the set found last */
    ngx_http_flagship_bindings_t  *bindings;
} ngx_http_flagship_view_t;


/*
 * Configuration time.  zone_add() registers the shared memory zone
 * (ngx_shared_memory_add) with its init handler, which takes over the old
 * cycle's zone, or migrates the live catalog from an old zone of another
 * size.  NULL on error, logged.
 */

ngx_http_flagship_zone_t *ngx_http_flagship_zone_add(ngx_conf_t *cf,
    ngx_str_t *name, size_t size);

/* What a worker's tick calls, five times a second. */
typedef void (*ngx_http_flagship_tick_pt)(void *data);

void ngx_http_flagship_zone_on_tick(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_tick_pt handler, void *data);

/* init_process and exit_process of workers; in other processes they do
   nothing.  init starts the tick (200 ms, cancelable) that drops an old view
   and reclaims. */

ngx_int_t ngx_http_flagship_zone_init_process(ngx_http_flagship_zone_t *zone,
    ngx_cycle_t *cycle);
void ngx_http_flagship_zone_exit_process(ngx_http_flagship_zone_t *zone);


/*
 * The current view, with one more reference; NULL while nothing was ever
 * published.  Each acquire wants one release, in the same worker.
 */

ngx_http_flagship_view_t *ngx_http_flagship_zone_acquire(
    ngx_http_flagship_zone_t *zone);
void ngx_http_flagship_view_release(ngx_http_flagship_view_t *view);

/* The flag set's image, or NULL; valid as long as the view is held. */
const flagship_image_t *ngx_http_flagship_view_find(
    ngx_http_flagship_view_t *view, ngx_str_t *tenant,
    ngx_str_t *environment);

/* The i-th flag set (i < view->nsets), in byte order of (tenant,
   environment). */
const flagship_image_t *ngx_http_flagship_view_set(
    ngx_http_flagship_view_t *view, ngx_uint_t i, ngx_str_t *tenant,
    ngx_str_t *environment);

/* The blob's bytes and their number, or NULL; valid as long as the view is
   held. */
const void *ngx_http_flagship_view_blob(ngx_http_flagship_view_t *view,
    ngx_uint_t kind, ngx_str_t *tenant, ngx_str_t *name, size_t *len);

/* The i-th blob (i < view->nblobs), in byte order of (kind, tenant, name);
   the first nsets of them are the flag sets. */
void ngx_http_flagship_view_entry(ngx_http_flagship_view_t *view,
    ngx_uint_t i, ngx_http_flagship_blob_t *blob);

/*
 * Binds the members of the id sets that an image of the view looks into; to be
 * called behind flagship_eval_init(), by everybody who evaluates.  The view
 * must be held as long as the evaluation is used.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_flagship_view_bind_sets(ngx_http_flagship_view_t *view,
    const flagship_image_t *image, flagship_eval_t *ev);

/*
 * The id sets that a tenant has, one after the other: *i is 0 at first, and 0
 * is returned behind the last.  One that is kept for last good forms alone is
 * none.  They are what a unit is to be told (flagship_unit_add_set()), so that
 * a document compiles as it will when it was written.
 */
ngx_uint_t ngx_http_flagship_view_next_set(ngx_http_flagship_view_t *view,
    ngx_str_t *tenant, ngx_uint_t *i, ngx_str_t *name);

/* The text of the catalog's epoch, 0 to 36 bytes. */
ngx_str_t ngx_http_flagship_view_epoch(ngx_http_flagship_view_t *view);


/*
 * Publishing.  Fill in what is marked (in), then
 *
 *   reserve   NGX_OK: space and slots are this publication's;
 *             NGX_AGAIN: no memory or no slot: try again later (needed and
 *             available are set; the zone logs one line a change of state and
 *             keeps a gauge);
 *             NGX_DECLINED: not newer than what is live (same epoch, a lower
 *             revision without "back", or the same one without "force")
 *             NGX_ERROR: a name or the epoch is too long: logged
 *   copy      from any thread; takes no lock, logs nothing
 *   commit    NGX_OK: live; NGX_DECLINED: overtaken by another publication
 *             since reserve (its memory is returned; start again)
 *   abort     instead of commit
 *
 * Only after NGX_OK of reserve are the others called.  The memory that a
 * publication points to is the caller's and must live until copy has returned.
 * Sets, which are blobs of any kind, may come in any order; of two with one
 * kind and name the later counts.  A set whose data is that of the live
 * catalog itself (found in a view that is held) costs no memory and no copy.
 * NGX_AGAIN may also mean that the lock was not free, or no process memory
 * was; needed is 0 then.
 */

typedef struct {
    ngx_uint_t                 kind;        /* ngx_http_flagship_blob_e */
    ngx_str_t                  tenant;
    ngx_str_t                  name;
    const void                *data;        /* NULL: the set is dropped */
    size_t                     len;         /* of data, bytes */
    void                      *copy;        /* the zone's own */
} ngx_http_flagship_publication_set_t;

typedef struct {
    ngx_str_t                  epoch;       /* in */
    uint64_t                   revision;    /* in */
    ngx_uint_t                 whole;       /* in: sets not named are dropped;
                                               else they stay as they are */
    ngx_uint_t                 force;       /* in: also at the same revision,
                                               or after the epoch changed */
    ngx_uint_t                 back;        /* in: at any revision: the source
                                               itself went back */
    ngx_uint_t                 nsets;       /* in */
    ngx_http_flagship_publication_set_t  *sets;     /* in */

    size_t                     needed;      /* bytes, on NGX_AGAIN */
    size_t                     available;

    ngx_http_flagship_view_t  *base;        /* the zone's own, to the end */
    ngx_uint_t                 slot;
    uint64_t                   ticket;
    void                      *catalog;
    ngx_http_flagship_publication_set_t  **order;
} ngx_http_flagship_publication_t;

ngx_int_t ngx_http_flagship_zone_reserve(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_publication_t *p);
void ngx_http_flagship_zone_copy(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_publication_t *p);
ngx_int_t ngx_http_flagship_zone_commit(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_publication_t *p);
void ngx_http_flagship_zone_abort(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_publication_t *p);

/* The source was found at this revision without a change for any set: the
   served revision moves on without a publication.  Only the leader's counts. */
void ngx_http_flagship_zone_touch(ngx_http_flagship_zone_t *zone,
    uint64_t revision);


/*
 * The leader lease: one worker a host syncs.  lead() takes or renews it and
 * returns 1 to the one worker that leads for the next "ms" milliseconds; a
 * lease whose process is gone, or which ran out, is free.  resign() gives it
 * up at once.
 */

ngx_uint_t ngx_http_flagship_zone_lead(ngx_http_flagship_zone_t *zone,
    ngx_msec_t ms);
void ngx_http_flagship_zone_resign(ngx_http_flagship_zone_t *zone);


/*
 * What survives the leader: kept in the zone so that a respawned worker does
 * not begin again from nothing.  Atomics; a writer is the leader alone unless
 * said otherwise.
 */

typedef struct {
    ngx_atomic_t               revision;      /* served; newest published or
                                                 touched */
    ngx_atomic_t               checked;       /* Unix seconds: the source was
                                                 last found to agree */
    ngx_atomic_t               not_before;    /* ngx_time() ms of monotonic
                                                 clock: next connect */
    ngx_atomic_t               failures;      /* of connecting, in a row */
    ngx_atomic_t               wanted;        /* a revision that some worker
                                                 waits for (any writer) */
    ngx_atomic_t               publications;  /* the zone counts them */
    ngx_atomic_t               publish_failed;    /* times that reserve() began
                                                     to fail; likewise */
    ngx_atomic_t               notify_missed;
    ngx_atomic_t               file_refused;
    ngx_atomic_t               headers_dropped;   /* any writer */
    ngx_atomic_t               headers_over;      /* any writer */
    ngx_atomic_t               auth_refused;      /* any writer */
} ngx_http_flagship_zone_shared_t;

ngx_http_flagship_zone_shared_t *ngx_http_flagship_zone_shared(
    ngx_http_flagship_zone_t *zone);

typedef struct {
    size_t                     size;          /* of the zone, bytes */
    size_t                     used;          /* bytes, all overhead too */
    size_t                     largest;       /* free piece, bytes */
    ngx_uint_t                 images;        /* blobs alive */
    ngx_uint_t                 catalogs;
    ngx_uint_t                 full;          /* the last reserve failed */
    size_t                     needed;        /* by it, bytes */
} ngx_http_flagship_zone_stat_t;

void ngx_http_flagship_zone_stat(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_zone_stat_t *stat);

/* The workers that use the zone, those of an older configuration too. */
ngx_uint_t ngx_http_flagship_zone_workers(ngx_http_flagship_zone_t *zone);


#endif /* _NGX_HTTP_FLAGSHIP_ZONE_H_INCLUDED_ */
