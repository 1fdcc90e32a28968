
/*
 * Copyright (C) Flagship
 */


/*
 * What the probe's files share.  ngx_http_flagship_zone_probe_module.c has its
 * directives and what a worker does by itself; _blob.c what is published;
 * _request.c what is asked for.
 */


#ifndef _NGX_HTTP_FLAGSHIP_ZONE_PROBE_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_ZONE_PROBE_H_INCLUDED_


#include "ngx_http_flagship_zone_root.h"


#define PROBE_SETS  256


typedef struct {
    flagship_image_t           image;
    uint64_t                   revision;
    char                       name[64];
    uint64_t                   word[];
} probe_image_t;

typedef struct {
    ngx_http_flagship_publication_t      p;
    ngx_http_flagship_publication_set_t  sets[PROBE_SETS];
    probe_image_t                       *images[PROBE_SETS];
    char                                 names[PROBE_SETS][64];
    ngx_http_flagship_zone_t            *zone;
    ngx_http_flagship_view_t            *view;
    char                                 epoch[40];
} probe_publication_t;

typedef struct {
    ngx_http_flagship_zone_t  *zone;
    ngx_thread_pool_t         *threads;
    ngx_uint_t                 master_revision;
    ngx_str_t                  master_sets;
    ngx_msec_t                 every;
    size_t                     size;
    ngx_uint_t                 nsets;
} probe_main_conf_t;

typedef struct {
    ngx_event_t                tick;
    ngx_connection_t           dummy;
    ngx_thread_task_t         *task;       /* one at a time */
    ngx_pool_t                *pool;
    probe_main_conf_t         *conf;
    probe_publication_t       *parked;
    ngx_uint_t                 busy;
    uint64_t                   seed;
} probe_worker_t;


extern const char      *probe_kinds[];     /* by NGX_HTTP_FLAGSHIP_BLOB_... */
extern probe_worker_t   probe_worker;


/* ngx_http_flagship_zone_probe_blob.c */

uint64_t probe_random(uint64_t *state);

/* How many blobs of a view are not what their names say. */
ngx_uint_t probe_check(ngx_http_flagship_view_t *view);

probe_publication_t *probe_publication(ngx_http_flagship_zone_t *zone,
    uint64_t revision, const char *epoch);
/* A blob of so many bytes, 0: dropped; or the live one once more. */
void probe_add(probe_publication_t *pub, const char *name, size_t len,
    ngx_uint_t live);
/* NAME:BYTES,... */
void probe_parse(probe_publication_t *pub, ngx_str_t *sets);
void probe_free(probe_publication_t *pub);


/* ngx_http_flagship_zone_probe_request.c */

ngx_int_t probe_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_FLAGSHIP_ZONE_PROBE_H_INCLUDED_ */
