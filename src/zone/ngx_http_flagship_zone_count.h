
/*
 * Copyright (C) Flagship
 */


/*
 * Counters of evaluations in the zone: by flag set, flag, variant and reason.
 *
 * A worker counts in a column of cells that nobody else writes, so counting
 * is neither atomic nor locked; a total is the sum of all columns.  Workers
 * come and go, columns stay: nothing is lost by a reload or a crash.  Memory
 * is a fixed part of the zone; what finds no room is counted as one.
 *
 * Beside them each worker's numbers that another one is to show.
 *
 * Functions are called from a worker's event loop.
 */


#ifndef _NGX_HTTP_FLAGSHIP_ZONE_COUNT_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_ZONE_COUNT_H_INCLUDED_


#include "ngx_http_flagship_zone.h"
#include "flagship_eval.h"


/*
 * Evaluations of the image's flags (FLAGSHIP_NONE is not counted).  The image
 * is one of the view's, which is held.  A few loads and an increment for each,
 * but for the first time in a worker and generation.
 */

void ngx_http_flagship_count(ngx_http_flagship_view_t *view,
    const flagship_image_t *image, const flagship_decision_t *decisions,
    ngx_uint_t n);


/* A total.  The strings lie in the zone and stay; all are empty where it is
   that of the evaluations for which there was no room. */

typedef struct {
    ngx_str_t                  tenant;
    ngx_str_t                  environment;
    ngx_str_t                  flag;
    ngx_str_t                  variant;     /* empty: no value */
    ngx_uint_t                 reason;      /* flagship_reason_e */
    uint64_t                   n;
    unsigned                   other:1;
} ngx_http_flagship_counted_t;

/* The next total; *next is 0 for the first one.  Returns 0 behind the last. */
ngx_uint_t ngx_http_flagship_counted(ngx_http_flagship_zone_t *zone,
    ngx_uint_t *next, ngx_http_flagship_counted_t *counted);


/*
 * The calls to the database of a worker, and of all of them.  The first three
 * are of now, the last two count since the worker began.
 */

typedef struct {
    uint64_t                   idle;        /* connections */
    uint64_t                   busy;
    uint64_t                   waiting;     /* calls without one */
    uint64_t                   refused;     /* calls */
    uint64_t                   unknown;     /* calls that may have happened */
} ngx_http_flagship_calls_t;

/* What this worker's are now. */
void ngx_http_flagship_calls_show(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_calls_t *calls);
/* The sum: what is now of the workers that live, what counts of all there
   ever were. */
void ngx_http_flagship_calls_sum(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_calls_t *sum);


#endif /* _NGX_HTTP_FLAGSHIP_ZONE_COUNT_H_INCLUDED_ */
