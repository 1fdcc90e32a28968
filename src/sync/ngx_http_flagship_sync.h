
/*
 * Copyright (C) Flagship
 */


/*
 * The source of flags -> images -> the zone.
 *
 * One worker a host leads (the zone's lease).  It alone talks to the source:
 * PostgreSQL (ngx_http_flagship_sync_pg.c: listen, poll, delta) or a file
 * (ngx_http_flagship_sync_file.c: watch), both of which fill a batch of
 * documents that a thread of its own compiles and links against the live
 * images (ngx_http_flagship_sync_build.c); the leader publishes the result.
 */


#ifndef _NGX_HTTP_FLAGSHIP_SYNC_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_SYNC_H_INCLUDED_


#include "ngx_http_flagship.h"
#include "ngx_http_flagship_zone.h"
#include "ngx_http_flagship_pg.h"


typedef struct ngx_http_flagship_sync_conf_s {
    ngx_str_t                         file;      /* flagship_file, full path */
    ngx_http_flagship_pg_conninfo_t  *pg;        /* flagship_postgres */
    ngx_http_flagship_pg_conninfo_t  *listen;    /* listen=; else pg */
    ngx_uint_t                        pool;      /* pool=: REST connections a
                                                    worker (for the API) */
    ngx_msec_t                        timeout;   /* timeout= */
    ngx_msec_t                        refresh;   /* flagship_refresh */
    ngx_flag_t                        notify;    /* notify=off: 0 */
    ngx_str_t                         tenant;    /* of file documents that name
                                                    none: http level */
    ngx_str_t                         environment;
    ngx_resolver_t                   *resolver;
    ngx_msec_t                        resolver_timeout;
    struct ngx_http_flagship_sync_s  *worker;    /* this process's part */
    ngx_event_t                      *served;    /* posted in the leader when
                                                    it has brought what is
                                                    served up to date; NULL:
                                                    nobody waits for that */
} ngx_http_flagship_sync_conf_t;


/* Directive handlers of flagship_postgres, flagship_file, flagship_refresh;
   "conf" is the module's main configuration. */
char *ngx_http_flagship_sync_postgres(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_sync_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_sync_refresh(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

ngx_http_flagship_sync_conf_t *ngx_http_flagship_sync_create_conf(
    ngx_conf_t *cf);
/* Defaults, and "one source a zone". */
char *ngx_http_flagship_sync_init_conf(ngx_conf_t *cf,
    ngx_http_flagship_main_conf_t *fmcf);

/*
 * Before the workers accept: with a file source whose zone is empty, reads,
 * compiles and publishes it in the master, so that the first request is
 * decided.  Does nothing under "nginx -t".  Never fails a start.
 */
void ngx_http_flagship_sync_init_module(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf);

/*
 * Somebody in this worker waits until the revision is served: whoever leads
 * sees that, and at once where this worker does.  Calls no handler.
 */
void ngx_http_flagship_sync_want(ngx_http_flagship_main_conf_t *fmcf,
    uint64_t revision);

ngx_int_t ngx_http_flagship_sync_init_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf);
void ngx_http_flagship_sync_exit_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf);


#endif /* _NGX_HTTP_FLAGSHIP_SYNC_H_INCLUDED_ */
