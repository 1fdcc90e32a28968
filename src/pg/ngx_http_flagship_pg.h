
/*
 * Copyright (C) Flagship
 */


/*
 * libpq on nginx's event loop: one connection, its hosts, its queries.
 *
 * Knows libpq and nginx's events, and nothing of flags.  Nothing here blocks:
 * names are resolved beforehand (nginx's resolver where the configuration has
 * one, else getaddrinfo() in a thread), sockets are level-triggered,
 * each host and each query has a deadline of our own.
 *
 * All functions run in a worker's event loop.  Handlers may call any function
 * of the connection they are called for, close() included.
 */


#ifndef _NGX_HTTP_FLAGSHIP_PG_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_PG_H_INCLUDED_


#include "ngx_http_flagship.h"
#include <libpq-fe.h>


/*
 * A conninfo taken apart at configuration time: hosts (name, address or socket
 * folder, port) and all other keywords.  Immutable; lives in cf->pool.
 */

typedef struct ngx_http_flagship_pg_conninfo_s
    ngx_http_flagship_pg_conninfo_t;


/*
 * Key=value pairs or a URI; also postgresql+driver://.  Checks what
 * PQconninfoParse() lets through: ports, equal counts of hosts and ports,
 * enumerated values, unknown keywords.  Resolves and connects to nothing.
 * Returns NGX_CONF_OK, or a message (in cf->pool, no password in it).
 */

char *ngx_http_flagship_pg_parse(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_flagship_pg_conninfo_t **conninfo);

/* Whether some host is a name, which has to be resolved. */
ngx_uint_t ngx_http_flagship_pg_has_names(
    ngx_http_flagship_pg_conninfo_t *conninfo);


typedef struct ngx_http_flagship_pg_s  ngx_http_flagship_pg_t;

typedef struct {
    ngx_http_flagship_pg_conninfo_t  *conninfo;
    ngx_msec_t                        timeout;    /* of resolving a host, and
                                                     of one address: connect,
                                                     log in, probe; the
                                                     conninfo's
                                                     connect_timeout wins */
    ngx_msec_t                        query_timeout;
                                                  /* send to last result; the
                                                     server gives up a second
                                                     later, except behind a
                                                     pooler that refuses
                                                     "options" */
    ngx_msec_t                        statement_timeout;
                                                  /* when the server gives up,
                                                     0: as said above */
    ngx_resolver_t                   *resolver;   /* NULL: the system's */
    ngx_msec_t                        resolver_timeout;
    unsigned                          writable:1; /* pass over hosts that are
                                                     in recovery */
    unsigned                          finish:1;   /* a worker that exits waits
                                                     for the attempt or the
                                                     query under way */
    const char                       *application_name;

    /* Connected, idle and ready for a query. */
    void                            (*on_ready)(ngx_http_flagship_pg_t *pg,
                                          void *data);
    /* The connection is gone, or no host could be reached; "why" is a line
       for the log.  Called once; then only close() may be called. */
    void                            (*on_error)(ngx_http_flagship_pg_t *pg,
                                          void *data, ngx_str_t *why);
    /* NULL: notifications are dropped. */
    void                            (*on_notify)(ngx_http_flagship_pg_t *pg,
                                          void *data, ngx_str_t *channel,
                                          ngx_str_t *payload);
    void                             *data;
    ngx_log_t                        *log;
} ngx_http_flagship_pg_options_t;


/*
 * Starts to connect: hosts in their order (target_session_attrs and "writable"
 * honoured), each bounded by the timeout.  Returns NULL when there is no
 * memory; every later failure comes through on_error, never from inside this
 * call.
 */

ngx_http_flagship_pg_t *ngx_http_flagship_pg_open(
    ngx_http_flagship_pg_options_t *options);


/*
 * One query at a time, sent with parameters as text (a NULL value is SQL's
 * null); without parameters it may be several statements, which PostgreSQL
 * then runs as one transaction.  on_result is called for each result: with
 * PGRES_SINGLE_TUPLE where "single" is set, row by row as they come; the
 * handler does not clear it.  It is called last with NULL: the connection is
 * idle again.  An error of the server comes as a result of PGRES_FATAL_ERROR.
 * When the connection breaks or the deadline passes, on_error is called
 * instead, and no NULL.
 * NGX_OK, or NGX_ERROR when the connection is not idle.
 */

typedef void (*ngx_http_flagship_pg_result_pt)(ngx_http_flagship_pg_t *pg,
    void *data, PGresult *result);

ngx_int_t ngx_http_flagship_pg_query(ngx_http_flagship_pg_t *pg,
    const char *sql, ngx_uint_t nparams, const char *const *params,
    ngx_uint_t single, ngx_http_flagship_pg_result_pt on_result, void *data);

/*
 * Back-pressure: while suspended nothing is read and no handler is called, but
 * the deadline goes on.
 */
void ngx_http_flagship_pg_suspend(ngx_http_flagship_pg_t *pg);
void ngx_http_flagship_pg_resume(ngx_http_flagship_pg_t *pg);

/* Ready for a query, no transaction was left open, and nothing has come from
   the server meanwhile, such as its farewell: fit for a pool. */
ngx_uint_t ngx_http_flagship_pg_idle(ngx_http_flagship_pg_t *pg);

/* Closes at once, from whatever state, and frees. */
void ngx_http_flagship_pg_close(ngx_http_flagship_pg_t *pg);

/* "host:port" of the connection, for logs. */
ngx_str_t *ngx_http_flagship_pg_peer(ngx_http_flagship_pg_t *pg);


#endif /* _NGX_HTTP_FLAGSHIP_PG_H_INCLUDED_ */
