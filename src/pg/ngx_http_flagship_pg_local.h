
/*
 * Copyright (C) Flagship
 */


/*
 * What the files of this room share: a conninfo taken apart, one connection's
 * state, and the few calls between them.  No other room includes this.
 *
 *   ngx_http_flagship_pg_conninfo.c  text -> parameters
 *   ngx_http_flagship_pg_hosts.c     ... and hosts
 *   ngx_http_flagship_pg.c           life: hosts in turn, ready, failed, closed
 *   ngx_http_flagship_pg_resolve.c   host name -> addresses
 *   ngx_http_flagship_pg_connect.c   one attempt at one address
 *   ngx_http_flagship_pg_socket.c    libpq's socket among nginx's events
 *   ngx_http_flagship_pg_query.c     queries, results, notifications
 *
 * States: NEXT -> RESOLVE -> CONNECT -> PROBE -> IDLE <-> QUERY, and FAILED.
 * A failure before IDLE goes on to the next address (NEXT); one after it, or
 * of the last address, is FAILED.
 */


#ifndef _NGX_HTTP_FLAGSHIP_PG_LOCAL_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_PG_LOCAL_H_INCLUDED_


#include "ngx_http_flagship_pg.h"


#define NGX_HTTP_FLAGSHIP_PG_ADDRS     16    /* tried of one name */
#define NGX_HTTP_FLAGSHIP_PG_ADDR_LEN  64    /* an IPv6 address, its scope */
#define NGX_HTTP_FLAGSHIP_PG_WHY       1024  /* bytes of an error's text */


typedef enum {
    NGX_HTTP_FLAGSHIP_PG_ANY = 0,
    NGX_HTTP_FLAGSHIP_PG_READ_WRITE,
    NGX_HTTP_FLAGSHIP_PG_READ_ONLY,
    NGX_HTTP_FLAGSHIP_PG_PRIMARY,
    NGX_HTTP_FLAGSHIP_PG_STANDBY,
    NGX_HTTP_FLAGSHIP_PG_PREFER_STANDBY
} ngx_http_flagship_pg_role_e;


/* All strings of a conninfo end with a zero, as libpq wants them. */

typedef struct {
    ngx_str_t                         host;      /* "": libpq's own socket */
    ngx_str_t                         hostaddr;  /* "": find it out */
    char                             *port;
    ngx_str_t                         peer;      /* "host:port" */

    unsigned                          local:1;   /* a socket */
    unsigned                          loopback:1; /* "localhost" */
    unsigned                          name:1;    /* has to be resolved */
} ngx_http_flagship_pg_host_t;


struct ngx_http_flagship_pg_conninfo_s {
    ngx_http_flagship_pg_host_t      *hosts;
    ngx_uint_t                        nhosts;

    /* all but host, hostaddr, port and what this room does itself */
    const char                      **keywords;
    const char                      **values;
    ngx_uint_t                        nparams;

    ngx_http_flagship_pg_role_e       role;
    ngx_msec_t                        timeout;   /* connect_timeout; 0: none */
};


typedef enum {
    NGX_HTTP_FLAGSHIP_PG_NEXT = 0,
    NGX_HTTP_FLAGSHIP_PG_RESOLVE,
    NGX_HTTP_FLAGSHIP_PG_CONNECT,
    NGX_HTTP_FLAGSHIP_PG_PROBE,
    NGX_HTTP_FLAGSHIP_PG_IDLE,
    NGX_HTTP_FLAGSHIP_PG_QUERY,
    NGX_HTTP_FLAGSHIP_PG_FAILED
} ngx_http_flagship_pg_state_e;


struct ngx_http_flagship_pg_s {
    ngx_http_flagship_pg_options_t    options;
    ngx_pool_t                       *pool;      /* this structure too */
    ngx_log_t                        *log;
    ngx_http_flagship_pg_state_e      state;

    /* the address that is tried, or connected to */
    ngx_uint_t                        next;      /* host after this one */
    ngx_uint_t                        host;
    ngx_uint_t                        addr;
    ngx_uint_t                        naddrs;
    char                              addrs[NGX_HTTP_FLAGSHIP_PG_ADDRS]
                                           [NGX_HTTP_FLAGSHIP_PG_ADDR_LEN];
    ngx_str_t                         peer;

    /* a name's lookup under way: one of the two, or none */
    ngx_resolver_ctx_t               *resolving;
    void                             *lookup;
    ngx_queue_t                       waiting;   /* in the lookup's queue */

    PGconn                           *conn;
    ngx_connection_t                 *connection;
    ino_t                             ino;       /* of the socket */

    ngx_http_flagship_pg_result_pt    on_result;
    void                             *result_data;

    ngx_event_t                       deadline;
    ngx_event_t                       wake;      /* go on from the loop */
    ngx_connection_t                  dummy;     /* the timers' "data" */

    ngx_uint_t                        notices;   /* logged since the last
                                                    query */
    ngx_uint_t                        depth;     /* of handlers that run */
    size_t                            why_len;
    u_char                            why[NGX_HTTP_FLAGSHIP_PG_WHY];
    u_char                            last[256]; /* what the server said last:
                                                    a FATAL while idle, or why
                                                    the probe failed */

    unsigned                          accepted:1; /* the probe's verdict */
    unsigned                          passed:1;  /* a sound host had another
                                                    role */
    unsigned                          anyhow:1;  /* prefer-standby's second
                                                    round */
    unsigned                          pooled:1;  /* the host takes no
                                                    "options" */
    unsigned                          broken:1;  /* reported by "wake" */
    unsigned                          suspended:1; /* nothing is read */
    unsigned                          closed:1;  /* freed by the outermost
                                                    handler */
};


/* Parts of the parser.  Messages are in cf->pool. */
char *ngx_http_flagship_pg_hosts(ngx_conf_t *cf,
    ngx_http_flagship_pg_conninfo_t *info, PQconninfoOption *options);
char *ngx_http_flagship_pg_message(ngx_conf_t *cf, const char *fmt, ...);
/* Ends with a zero. */
char *ngx_http_flagship_pg_copy(ngx_pool_t *pool, const char *data,
    size_t len);
/* An option's value, NULL where it is absent or empty, as libpq reads it. */
const char *ngx_http_flagship_pg_option(PQconninfoOption *options,
    const char *name);


/* Every entry from the event loop stands between these two. */
#define ngx_http_flagship_pg_enter(pg)  (pg)->depth++
void ngx_http_flagship_pg_leave(ngx_http_flagship_pg_t *pg);

/* The connection failed: the next address, or on_error.  With "why" NULL the
   reason is libpq's. */
void ngx_http_flagship_pg_lost(ngx_http_flagship_pg_t *pg, const char *why);

/* The same address once more, or the one that is next. */
void ngx_http_flagship_pg_again(ngx_http_flagship_pg_t *pg);

/* on_error, without another attempt. */
void ngx_http_flagship_pg_fail(ngx_http_flagship_pg_t *pg, const char *why);

void ngx_http_flagship_pg_timer(ngx_event_t *ev, ngx_msec_t timeout);
void ngx_http_flagship_pg_event_handler(ngx_event_t *ev);


/* The attempt at pg->addr begins, and goes on when its socket is ready. */
void ngx_http_flagship_pg_connect(ngx_http_flagship_pg_t *pg);
void ngx_http_flagship_pg_poll(ngx_http_flagship_pg_t *pg);


/*
 * The addresses of the current host.  NGX_OK: pg->addrs is filled in;
 * NGX_AGAIN: ngx_http_flagship_pg_resolved() is, or already was, called;
 * NGX_ERROR: *why says it.  Cancelling is allowed at any time.
 */
ngx_int_t ngx_http_flagship_pg_resolve(ngx_http_flagship_pg_t *pg,
    const char **why);
void ngx_http_flagship_pg_resolved(ngx_http_flagship_pg_t *pg,
    const char *why);
void ngx_http_flagship_pg_resolve_cancel(ngx_http_flagship_pg_t *pg);


/* The socket that libpq has now becomes, or stays, a connection of nginx.
   NGX_DECLINED: nginx has none left. */
ngx_int_t ngx_http_flagship_pg_attach(ngx_http_flagship_pg_t *pg);
void ngx_http_flagship_pg_detach(ngx_http_flagship_pg_t *pg);
ngx_int_t ngx_http_flagship_pg_want(ngx_http_flagship_pg_t *pg,
    ngx_uint_t read, ngx_uint_t write);
/* Bytes that OpenSSL has read and libpq has not: no event tells of them. */
ngx_uint_t ngx_http_flagship_pg_pending(ngx_http_flagship_pg_t *pg);
/* Neither bytes nor an end wait in the socket. */
ngx_uint_t ngx_http_flagship_pg_silent(ngx_http_flagship_pg_t *pg);


/* Sends in whatever state and without a deadline; NGX_ERROR: it is broken. */
ngx_int_t ngx_http_flagship_pg_send(ngx_http_flagship_pg_t *pg,
    const char *sql, ngx_uint_t nparams, const char *const *params,
    ngx_uint_t single);
/* With "finish", a worker that exits waits for a busy one. */
void ngx_http_flagship_pg_busy(ngx_http_flagship_pg_t *pg, ngx_uint_t busy);
/* The socket of an established connection can be read or written. */
void ngx_http_flagship_pg_io(ngx_http_flagship_pg_t *pg);
void ngx_http_flagship_pg_notice(void *data, const PGresult *result);
/* One line of printable text out of libpq's; returns its end. */
u_char *ngx_http_flagship_pg_line(u_char *p, u_char *last, const char *text);


#endif /* _NGX_HTTP_FLAGSHIP_PG_LOCAL_H_INCLUDED_ */
