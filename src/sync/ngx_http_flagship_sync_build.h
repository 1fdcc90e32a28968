
/*
 * Copyright (C) Flagship
 */


/*
 * A batch of documents -> images, off the loop.
 *
 * The leader fills a build (rows, or the path of a file; the live images),
 * a thread runs it, the leader takes the result.  It belongs to one thread at
 * a time and owns its memory by malloc(): nothing of it lies in a pool.  The
 * live images belong to the view that the leader holds meanwhile.
 *
 * ngx_http_flagship_build_run() logs nothing and calls nothing of nginx; what
 * is to be said about documents it leaves as reports.
 */


#ifndef _NGX_HTTP_FLAGSHIP_SYNC_BUILD_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_SYNC_BUILD_H_INCLUDED_


#include "ngx_http_flagship_thread.h"
#include "ngx_http_flagship.h"
#include "ngx_http_flagship_zone.h"
#include "flagship_compile.h"
#include "flagship_idset.h"


/*
 * What was said about documents already, so that a reload in full does not
 * say it again.  It lives as long as the worker leads; a build that runs
 * uses it alone.
 */

#define NGX_HTTP_FLAGSHIP_SAID_MAX  1024

typedef struct {
    uint64_t                         owner;     /* tenant, set and key */
    uint64_t                         text;
    unsigned                         again:1;   /* found by this build too */
} ngx_http_flagship_said_entry_t;

typedef struct {
    ngx_uint_t                       n;
    ngx_http_flagship_said_entry_t   entries[NGX_HTTP_FLAGSHIP_SAID_MAX];
} ngx_http_flagship_said_t;


/* In the order in which the rows of one flag set are taken; then the keys,
   which belong to none. */

typedef enum {
    NGX_HTTP_FLAGSHIP_ROW_SET = 0,          /* environment is empty; document:
                                               some of its members */
    NGX_HTTP_FLAGSHIP_ROW_SEGMENT,          /* environment is empty */
    NGX_HTTP_FLAGSHIP_ROW_ENVIRONMENT,      /* document: its settings */
    NGX_HTTP_FLAGSHIP_ROW_FLAG,
    NGX_HTTP_FLAGSHIP_ROW_KEY               /* key: the id of an API key */
} ngx_http_flagship_row_e;

typedef struct {
    flagship_str_t                   tenant;
    flagship_str_t                   environment;
    flagship_str_t                   key;
    flagship_str_t                   document;  /* data NULL: gone */
    uint32_t                         kind;
    uint32_t                         order;     /* of arrival */
} ngx_http_flagship_row_t;


typedef struct {
    flagship_str_t                   tenant;
    flagship_str_t                   environment;
    const flagship_image_t          *image;
    unsigned                         named:1;   /* the build decided on it */
} ngx_http_flagship_live_t;


/* An id set, of what is live or of the build. */

typedef struct {
    flagship_str_t                   tenant;
    flagship_str_t                   key;
    const flagship_idset_t          *live;      /* NULL: a new one */
    unsigned                         known:1;   /* the source has it */
} ngx_http_flagship_idset_t;


/* A file as it was read: it changed when any of these did. */

typedef struct {
    dev_t                            dev;
    ino_t                            ino;
    off_t                            size;
    struct timespec                  mtime;
    struct timespec                  ctime;
} ngx_http_flagship_stamp_t;


typedef struct ngx_http_flagship_report_s  ngx_http_flagship_report_t;

struct ngx_http_flagship_report_s {
    ngx_http_flagship_report_t      *next;
    unsigned                         warning:1;
    size_t                           len;
    char                             text[];
};


typedef enum {
    NGX_HTTP_FLAGSHIP_BUILD_OK = 0,
    NGX_HTTP_FLAGSHIP_BUILD_FULL,       /* the rows do not suffice: ask for
                                           everything */
    NGX_HTTP_FLAGSHIP_BUILD_REFUSED,    /* the file as a whole: "reason" */
    NGX_HTTP_FLAGSHIP_BUILD_CANCELLED,
    NGX_HTTP_FLAGSHIP_BUILD_NOMEM
} ngx_http_flagship_build_e;


typedef struct ngx_http_flagship_build_s {

    /* from the source */

    flagship_arena_t                 arena;     /* strings of the rows */
    ngx_http_flagship_row_t         *rows;
    size_t                           nrows;
    size_t                           arows;
    const char                      *path;      /* of a file; NULL: rows */
    flagship_str_t                   tenant;    /* of flags in the file that */
    flagship_str_t                   environment;            /* name none */
    unsigned                         whole:1;   /* what is not here is gone */
    char                             epoch[NGX_HTTP_FLAGSHIP_EPOCH_LEN];
    size_t                           epoch_len;
    uint64_t                         revision;

    /* from the leader */

    ngx_http_flagship_view_t        *view;      /* NULL: nothing is live */
    ngx_http_flagship_live_t        *live;      /* by tenant, environment */
    size_t                           nlive;
    ngx_http_flagship_idset_t       *idsets;    /* first those that are live,
                                                   by tenant, key */
    size_t                           nidsets;
    size_t                           aidsets;
    size_t                           nlive_idsets;
    ngx_http_flagship_said_t        *said;
    volatile sig_atomic_t            cancel;

    /* the result */

    ngx_http_flagship_build_e        status;
    ngx_http_flagship_publication_set_t  *sets; /* only what differs from what
                                                   is live; data malloc()ed */
    size_t                           nsets;
    size_t                           asets;
    ngx_http_flagship_stamp_t        stamp;     /* of the file */
    unsigned                         torn:1;    /* it changed meanwhile */
    char                             reason[256];
    ngx_err_t                        err;       /* errno, or 0 */
    ngx_http_flagship_report_t      *reports;
    ngx_http_flagship_report_t     **last_report;
    size_t                           nreports;
    size_t                           unsaid;    /* reports too many */

    /* the leader's own */

    ngx_http_flagship_publication_t  publication;
    ngx_http_flagship_task_t         task;
    ngx_msec_t                       patience;  /* until the next reserve */
    unsigned                         reserved:1;
    unsigned                         back:1;
} ngx_http_flagship_build_t;


ngx_http_flagship_build_t *ngx_http_flagship_build_create(void);
void ngx_http_flagship_build_destroy(ngx_http_flagship_build_t *b);

/* Copies the strings; FLAGSHIP_OK or FLAGSHIP_ERROR.  A document with NULL
   data is SQL's null. */
int ngx_http_flagship_build_add_row(ngx_http_flagship_build_t *b,
    ngx_http_flagship_row_e kind, flagship_str_t tenant,
    flagship_str_t environment, flagship_str_t key, flagship_str_t document);

/* Sets status and the rest of the result.  Any thread. */
void ngx_http_flagship_build_run(ngx_http_flagship_build_t *b);


/* Among the files of the build. */

/* The worker goes, or the leader gave this build up. */
#define ngx_http_flagship_build_cancelled(b)                                  \
    ((b)->cancel || ngx_terminate || ngx_exiting)

int ngx_http_flagship_build_rows(ngx_http_flagship_build_t *b);
int ngx_http_flagship_build_file(ngx_http_flagship_build_t *b);

int ngx_http_flagship_build_cmp(flagship_str_t a, flagship_str_t b);
ngx_http_flagship_live_t *ngx_http_flagship_build_live(
    ngx_http_flagship_build_t *b, flagship_str_t tenant,
    flagship_str_t environment);
/* The set's new image from the unit, unless it is what is live. */
int ngx_http_flagship_build_link(ngx_http_flagship_build_t *b,
    flagship_str_t tenant, flagship_str_t environment, flagship_unit_t *unit,
    int whole);
/* The live set is dropped. */
int ngx_http_flagship_build_drop(ngx_http_flagship_build_t *b,
    ngx_http_flagship_live_t *live);
/* A blob of any kind, of malloc(), is published; data NULL: dropped.  The
   names must outlive the build; on FLAGSHIP_ERROR the data is the caller's. */
int ngx_http_flagship_build_blob(ngx_http_flagship_build_t *b,
    ngx_http_flagship_blob_e kind, flagship_str_t tenant, flagship_str_t name,
    const void *data, size_t len);

/* Whether a flag or a segment of the tenant was refused, so that a segment or
   a set that comes may be what it lacked. */
ngx_uint_t ngx_http_flagship_build_lacks(ngx_http_flagship_build_t *b,
    flagship_str_t tenant);

/* The id sets: first those that are live, then those of the source, one by
   one or by rows; then images are linked; then what nobody needs is dropped.
   put() takes the malloc()ed set over; FLAGSHIP_DECLINED: status says why. */
int ngx_http_flagship_sets_begin(ngx_http_flagship_build_t *b);
int ngx_http_flagship_sets_rows(ngx_http_flagship_build_t *b,
    ngx_http_flagship_row_t *row, size_t n);
int ngx_http_flagship_sets_put(ngx_http_flagship_build_t *b,
    flagship_str_t tenant, flagship_str_t key, flagship_idset_t *set);
int ngx_http_flagship_sets_end(ngx_http_flagship_build_t *b);
/* Tells a unit which sets its tenant has. */
int ngx_http_flagship_sets_name(ngx_http_flagship_build_t *b,
    flagship_str_t tenant, flagship_unit_t *unit);
/* Whether an image that is live looks into a set that went in this build. */
ngx_uint_t ngx_http_flagship_sets_gone(ngx_http_flagship_build_t *b,
    ngx_http_flagship_live_t *live);

/* The API keys of the rows of that kind, which are sorted by their ids. */
int ngx_http_flagship_build_keys(ngx_http_flagship_build_t *b,
    ngx_http_flagship_row_t *row, size_t n);
/* A source without keys. */
int ngx_http_flagship_build_no_keys(ngx_http_flagship_build_t *b);

void ngx_http_flagship_stamp_set(ngx_http_flagship_stamp_t *stamp,
    const struct stat *st);
int ngx_http_flagship_stamp_eq(const ngx_http_flagship_stamp_t *a,
    const ngx_http_flagship_stamp_t *b);


/*
 * What is said about a document.  "kind" is "flag", "segment", "set", "API
 * key" or "" (the flag set itself).  Bytes that do not belong in a log are
 * replaced.
 */

void ngx_http_flagship_report_begin(ngx_http_flagship_build_t *b);
void ngx_http_flagship_report(ngx_http_flagship_build_t *b,
    flagship_str_t tenant, flagship_str_t environment, const char *kind,
    flagship_str_t key, const char *pointer, const char *message,
    int warning);
/* All of a list from its "from"-th on; "key" where an error has none. */
void ngx_http_flagship_report_errors(ngx_http_flagship_build_t *b,
    flagship_str_t tenant, flagship_str_t environment, const char *kind,
    flagship_str_t key, const flagship_errors_t *errors, unsigned from);
/* Forgets what is no longer true. */
void ngx_http_flagship_report_end(ngx_http_flagship_build_t *b);


#endif /* _NGX_HTTP_FLAGSHIP_SYNC_BUILD_H_INCLUDED_ */
