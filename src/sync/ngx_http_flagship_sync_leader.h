
/*
 * Copyright (C) Flagship
 */


/*
 * A worker's part in syncing: the lease, the source that the leader asks, and
 * the one build that is under way.  Everything here is of one worker and runs
 * in its event loop.
 */


#ifndef _NGX_HTTP_FLAGSHIP_SYNC_LEADER_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_SYNC_LEADER_H_INCLUDED_


#include "ngx_http_flagship_sync.h"
#include "ngx_http_flagship_sync_build.h"


typedef struct ngx_http_flagship_sync_s  ngx_http_flagship_sync_t;


/* How a build ended. */

typedef enum {
    NGX_HTTP_FLAGSHIP_SYNC_DONE = 0,    /* served, or nothing changed */
    NGX_HTTP_FLAGSHIP_SYNC_OVERTAKEN,   /* another published: look again */
    NGX_HTTP_FLAGSHIP_SYNC_WAITING,     /* no room in the zone: the build is
                                           kept and tried again */
    NGX_HTTP_FLAGSHIP_SYNC_FULL,        /* ask for everything */
    NGX_HTTP_FLAGSHIP_SYNC_REFUSED,     /* the build says why */
    NGX_HTTP_FLAGSHIP_SYNC_FAILED       /* no memory */
} ngx_http_flagship_sync_e;


typedef struct {
    /* The worker leads from now on. */
    void                          (*start)(ngx_http_flagship_sync_t *sync);
    /* Every NGX_HTTP_FLAGSHIP_SYNC_TICK while it leads. */
    void                          (*tick)(ngx_http_flagship_sync_t *sync);
    /* It leads no more. */
    void                          (*stop)(ngx_http_flagship_sync_t *sync);
    /* A build ended; it is destroyed after this call, unless it waits. */
    void                          (*done)(ngx_http_flagship_sync_t *sync,
                                        ngx_http_flagship_build_t *b,
                                        ngx_http_flagship_sync_e how);
} ngx_http_flagship_source_t;


extern const ngx_http_flagship_source_t  ngx_http_flagship_source_pg;
extern const ngx_http_flagship_source_t  ngx_http_flagship_source_file;


typedef struct {
    ngx_http_flagship_pg_t           *pg;        /* NULL: not connected */
    ngx_http_flagship_build_t        *build;     /* rows that come in */
    ngx_msec_t                        due;       /* next poll */
    ngx_msec_t                        calm;      /* no round before this */
    ngx_msec_t                        began;     /* the round */
    ngx_msec_t                        deadline;  /* of a query, length */
    uint64_t                          asked;     /* what this round knew */
    uint64_t                          found;     /* what it brings, or 0 */
    uint64_t                          notified;  /* newest notification */
    uint64_t                          told;      /* newest that the database is
                                                    known to have, of what was
                                                    said since the round began
                                                    */
    uint64_t                          unheard;   /* found by a poll, without
                                                    a notification so far */
    uint64_t                          wanted;    /* looked for already */
    ngx_uint_t                        missed;    /* notifications in a row */
    ngx_uint_t                        patience;  /* queries that took too
                                                    long, in a row */
    char                              error[256];    /* of the server */
    uint32_t                          cause;     /* of failures, as logged */
    ngx_msec_t                        quiet;     /* no other before this */
    unsigned                          ready:1;   /* connected, listening */
    unsigned                          busy:1;    /* a query runs */
    unsigned                          poll:1;    /* this round is a poll */
    unsigned                          head:1;    /* its first row came */
    unsigned                          none:1;    /* there is nothing new */
    unsigned                          dirty:1;   /* one more round */
    unsigned                          whole:1;   /* ask for everything */
    unsigned                          warned:1;  /* of a step back */
    unsigned                          deaf:1;    /* LISTEN was refused */
    unsigned                          silent:1;  /* missed ones were logged */
} ngx_http_flagship_sync_pg_t;


typedef struct {
    ngx_http_flagship_stamp_t         stamp;     /* of what was read last */
    ngx_msec_t                        due;       /* next look */
    ngx_msec_t                        refused_at;
    char                              reason[256];
    ngx_err_t                         err;
    unsigned                          read:1;    /* the stamp is set */
    unsigned                          again:1;   /* read it once more */
    unsigned                          refused:1;
    unsigned                          logged:1;
} ngx_http_flagship_sync_file_t;


struct ngx_http_flagship_sync_s {
    ngx_http_flagship_sync_conf_t    *conf;
    ngx_http_flagship_zone_t         *zone;
    ngx_http_flagship_zone_shared_t  *shared;
    const ngx_http_flagship_source_t *source;
    ngx_log_t                        *log;

    ngx_event_t                       tick;
    ngx_connection_t                  dummy;     /* the tick's ident */
    ngx_msec_t                        renew;     /* the lease, next */
    ngx_http_flagship_build_t        *build;     /* under way, or waiting */
    ngx_msec_t                        retry;     /* of what waits */
    ngx_http_flagship_said_t         *said;
    ngx_http_flagship_report_t       *reports;   /* to be logged, in order */
    size_t                            unsaid;    /* too many, counted */

    ngx_http_flagship_sync_pg_t       pg;
    ngx_http_flagship_sync_file_t     file;

    unsigned                          leads:1;
    unsigned                          running:1; /* a thread has the build */
    unsigned                          nomem:1;   /* was logged */
};


#define NGX_HTTP_FLAGSHIP_SYNC_TICK    50
#define NGX_HTTP_FLAGSHIP_SYNC_RETRY   1000     /* of a zone that is full */
#define NGX_HTTP_FLAGSHIP_SYNC_SAY     100      /* reports logged at a time */


/* a moment of ngx_current_msec has come */
#define ngx_http_flagship_sync_past(t)                                        \
    ((ngx_msec_int_t) (ngx_current_msec - (t)) >= 0)


/*
 * ngx_http_flagship_sync_publish.c: runs a build in a thread and publishes
 * what comes of it.  The build is the callee's from then on; source->done()
 * follows, maybe from inside this call.  One at a time.
 */
void ngx_http_flagship_sync_run(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b);

/* What waits for room in the zone: tries again, or gives it up. */
void ngx_http_flagship_sync_retry(ngx_http_flagship_sync_t *sync);
void ngx_http_flagship_sync_forget(ngx_http_flagship_sync_t *sync);

/* The same at once, without threads, in the master. */
ngx_http_flagship_sync_e ngx_http_flagship_sync_now(
    ngx_http_flagship_sync_t *sync, ngx_http_flagship_build_t *b);

/* Logs up to so many of the reports that are left. */
void ngx_http_flagship_sync_say(ngx_http_flagship_sync_t *sync,
    ngx_uint_t n);

/* The next tick comes in so many milliseconds, or sooner. */
void ngx_http_flagship_sync_wake(ngx_http_flagship_sync_t *sync,
    ngx_msec_t wait);

/* The source was found to agree with what is served. */
void ngx_http_flagship_sync_checked(ngx_http_flagship_sync_t *sync);


/* ngx_http_flagship_sync_delta.c: a round, if there is reason for one and none
   is under way; and what follows a build. */
void ngx_http_flagship_sync_pg_next(ngx_http_flagship_sync_t *sync);
void ngx_http_flagship_sync_pg_done(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b, ngx_http_flagship_sync_e how);
/* Keeps the server's error of a query. */
void ngx_http_flagship_sync_pg_refused(ngx_http_flagship_sync_t *sync,
    PGresult *result);

/* ngx_http_flagship_sync_pg.c: closes the connection, tries again later. */
void ngx_http_flagship_sync_pg_failed(ngx_http_flagship_sync_t *sync,
    ngx_str_t *why);
/* The database has the revision. */
void ngx_http_flagship_sync_pg_tell(ngx_http_flagship_sync_t *sync,
    uint64_t revision);
/* 0: notifications were missed, and a new connection is being made. */
ngx_uint_t ngx_http_flagship_sync_pg_hears(ngx_http_flagship_sync_t *sync);

/* ngx_http_flagship_sync_file.c, for the first load in the master. */
ngx_http_flagship_build_t *ngx_http_flagship_sync_file_build(
    ngx_http_flagship_sync_t *sync);


#endif /* _NGX_HTTP_FLAGSHIP_SYNC_LEADER_H_INCLUDED_ */
