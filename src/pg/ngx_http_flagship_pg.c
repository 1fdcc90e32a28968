
/*
 * Copyright (C) Flagship
 */


/*
 * A connection's life, in a worker's event loop: hosts in their order, each
 * address of each one with a deadline, until one logs us in and has the role
 * that is asked for; then idle and queries; then failed or closed.
 *
 * Invariants: pg->connection is NULL or the socket of pg->conn; a handler of
 * the owner's is called last in a function, and what follows it looks at
 * pg->closed first; memory goes when the outermost handler has returned.
 */


#include "ngx_http_flagship_pg_local.h"

#include <openssl/err.h>


static void ngx_http_flagship_pg_wake_handler(ngx_event_t *ev);
static void ngx_http_flagship_pg_deadline_handler(ngx_event_t *ev);
static void ngx_http_flagship_pg_next(ngx_http_flagship_pg_t *pg);
static void ngx_http_flagship_pg_reason(ngx_http_flagship_pg_t *pg,
    const char *why);
static void ngx_http_flagship_pg_report(ngx_http_flagship_pg_t *pg);
static void ngx_http_flagship_pg_drop(ngx_http_flagship_pg_t *pg);


ngx_http_flagship_pg_t *
ngx_http_flagship_pg_open(ngx_http_flagship_pg_options_t *options)
{
    ngx_pool_t              *pool;
    ngx_http_flagship_pg_t  *pg;

    pool = ngx_create_pool(sizeof(ngx_http_flagship_pg_t) + 1024,
                           options->log);
    if (pool == NULL) {
        return NULL;
    }

    pg = ngx_pcalloc(pool, sizeof(ngx_http_flagship_pg_t));
    if (pg == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    pg->pool = pool;
    pg->log = options->log;
    pg->options = *options;
    pg->peer = options->conninfo->hosts[0].peer;

    if (options->conninfo->timeout) {
        pg->options.timeout = options->conninfo->timeout;
    }

    pg->dummy.fd = (ngx_socket_t) -1;
    pg->dummy.data = pg;

    pg->wake.handler = ngx_http_flagship_pg_wake_handler;
    pg->wake.data = &pg->dummy;
    pg->wake.log = pg->log;
    pg->wake.cancelable = !options->finish;

    pg->deadline.handler = ngx_http_flagship_pg_deadline_handler;
    pg->deadline.data = &pg->dummy;
    pg->deadline.log = pg->log;
    pg->deadline.cancelable = !options->finish;

    /* a timer, since events posted before the loop runs would wait in it */

    ngx_http_flagship_pg_timer(&pg->wake, 0);

    return pg;
}


void
ngx_http_flagship_pg_close(ngx_http_flagship_pg_t *pg)
{
    if (pg->closed) {
        return;
    }

    pg->closed = 1;

    ngx_http_flagship_pg_drop(pg);

    if (pg->depth == 0) {
        ngx_destroy_pool(pg->pool);
    }
}


ngx_str_t *
ngx_http_flagship_pg_peer(ngx_http_flagship_pg_t *pg)
{
    return &pg->peer;
}


void
ngx_http_flagship_pg_leave(ngx_http_flagship_pg_t *pg)
{
    if (--pg->depth) {
        return;
    }

    /* nginx would report libpq's leftovers as errors of its own clients */
    ERR_clear_error();

    if (pg->closed) {
        ngx_destroy_pool(pg->pool);
    }
}


void
ngx_http_flagship_pg_timer(ngx_event_t *ev, ngx_msec_t timeout)
{
    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, timeout);
}


void
ngx_http_flagship_pg_event_handler(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_http_flagship_pg_t  *pg;

    c = ev->data;
    pg = c->data;

    ngx_http_flagship_pg_enter(pg);

    if (c->close) {
        /* nginx closes idle connections when a worker exits */
        ngx_http_flagship_pg_fail(pg, "the worker is exiting");

    } else if (pg->state == NGX_HTTP_FLAGSHIP_PG_CONNECT) {
        ngx_http_flagship_pg_poll(pg);

    } else {
        ngx_http_flagship_pg_io(pg);
    }

    ngx_http_flagship_pg_leave(pg);
}


static void
ngx_http_flagship_pg_wake_handler(ngx_event_t *ev)
{
    ngx_connection_t        *dummy;
    ngx_http_flagship_pg_t  *pg;

    dummy = ev->data;
    pg = dummy->data;

    ngx_http_flagship_pg_enter(pg);

    if (pg->broken) {
        ngx_http_flagship_pg_lost(pg, NULL);

    } else if (pg->state == NGX_HTTP_FLAGSHIP_PG_NEXT) {
        ngx_http_flagship_pg_next(pg);

    } else if (pg->state == NGX_HTTP_FLAGSHIP_PG_CONNECT) {
        ngx_http_flagship_pg_poll(pg);

    } else {
        ngx_http_flagship_pg_io(pg);
    }

    ngx_http_flagship_pg_leave(pg);
}


static void
ngx_http_flagship_pg_deadline_handler(ngx_event_t *ev)
{
    u_char                   text[NGX_HTTP_FLAGSHIP_PG_ADDR_LEN], *p;
    const char              *what;
    ngx_msec_t               timeout;
    ngx_connection_t        *dummy;
    ngx_http_flagship_pg_t  *pg;

    dummy = ev->data;
    pg = dummy->data;

    ngx_http_flagship_pg_enter(pg);

    timeout = pg->options.timeout;

    switch (pg->state) {

    case NGX_HTTP_FLAGSHIP_PG_RESOLVE:
        what = "its name was not resolved";
        break;

    case NGX_HTTP_FLAGSHIP_PG_CONNECT:
        what = "no connection";
        break;

    case NGX_HTTP_FLAGSHIP_PG_PROBE:
        what = "no answer about its role";
        break;

    default:
        what = "no answer to a query";
        timeout = pg->options.query_timeout;
    }

    p = ngx_snprintf(text, sizeof(text) - 1, "%s within %M ms", what, timeout);
    *p = '\0';

    ngx_http_flagship_pg_lost(pg, (char *) text);

    ngx_http_flagship_pg_leave(pg);
}


/* The next address; its name's first, where that is a new one. */

static void
ngx_http_flagship_pg_next(ngx_http_flagship_pg_t *pg)
{
    ngx_int_t                         rc;
    const char                       *why;
    ngx_http_flagship_pg_conninfo_t  *info;

    if (ngx_terminate
        || ((ngx_exiting || ngx_quit) && !pg->options.finish))
    {
        ngx_http_flagship_pg_fail(pg, "the worker is exiting");
        return;
    }

    if (pg->addr < pg->naddrs) {
        ngx_http_flagship_pg_connect(pg);
        return;
    }

    info = pg->options.conninfo;

    if (pg->next == info->nhosts) {

        if (info->role != NGX_HTTP_FLAGSHIP_PG_PREFER_STANDBY
            || !pg->passed || pg->anyhow)
        {
            ngx_http_flagship_pg_report(pg);
            return;
        }

        /* prefer-standby: none is there, any other is welcome */

        pg->anyhow = 1;
        pg->next = 0;
        pg->why_len = 0;
    }

    pg->host = pg->next++;
    pg->pooled = 0;
    pg->peer = info->hosts[pg->host].peer;
    pg->state = NGX_HTTP_FLAGSHIP_PG_RESOLVE;

    ngx_http_flagship_pg_timer(&pg->deadline, pg->options.timeout);

    why = NULL;
    rc = ngx_http_flagship_pg_resolve(pg, &why);

    if (rc == NGX_OK) {
        ngx_http_flagship_pg_connect(pg);

    } else if (rc == NGX_ERROR) {
        ngx_http_flagship_pg_lost(pg, why);
    }
}


void
ngx_http_flagship_pg_resolved(ngx_http_flagship_pg_t *pg, const char *why)
{
    if (why == NULL && pg->naddrs == 0) {
        why = "its name has no address";
    }

    if (why) {
        ngx_http_flagship_pg_lost(pg, why);
        return;
    }

    ngx_http_flagship_pg_connect(pg);
}


void
ngx_http_flagship_pg_lost(ngx_http_flagship_pg_t *pg, const char *why)
{
    if (pg->state >= NGX_HTTP_FLAGSHIP_PG_IDLE) {

        if (why == NULL && pg->last[0]) {
            why = (char *) pg->last;
        }

        ngx_http_flagship_pg_reason(pg, why);
        ngx_http_flagship_pg_drop(pg);
        ngx_http_flagship_pg_report(pg);

        return;
    }

    ngx_http_flagship_pg_reason(pg, why);

    pg->addr++;

    ngx_http_flagship_pg_again(pg);
}


void
ngx_http_flagship_pg_again(ngx_http_flagship_pg_t *pg)
{
    ngx_http_flagship_pg_drop(pg);

    pg->state = NGX_HTTP_FLAGSHIP_PG_NEXT;

    ngx_http_flagship_pg_timer(&pg->wake, 0);
}


void
ngx_http_flagship_pg_fail(ngx_http_flagship_pg_t *pg, const char *why)
{
    pg->why_len = 0;

    ngx_http_flagship_pg_reason(pg, why);
    ngx_http_flagship_pg_drop(pg);
    ngx_http_flagship_pg_report(pg);
}


/* Adds to the reasons of earlier hosts.  libpq often names the server. */

static void
ngx_http_flagship_pg_reason(ngx_http_flagship_pg_t *pg, const char *why)
{
    u_char                       *p, *last;
    const char                   *text;
    ngx_http_flagship_pg_host_t  *host;

    p = pg->why + pg->why_len;
    last = pg->why + NGX_HTTP_FLAGSHIP_PG_WHY;

    text = why ? why : PQerrorMessage(pg->conn);

    if (pg->why_len) {
        p = ngx_slprintf(p, last, "; ");
    }

    if (why || ngx_strncmp(text, "connection to server ", 21) != 0) {

        host = &pg->options.conninfo->hosts[pg->host];

        p = ngx_slprintf(p, last, "%V", &pg->peer);

        if ((host->name || host->loopback) && pg->addr < pg->naddrs) {
            p = ngx_slprintf(p, last, " (%s)", pg->addrs[pg->addr]);
        }

        p = ngx_slprintf(p, last, ": ");
    }

    p = ngx_http_flagship_pg_line(p, last, text);

    pg->why_len = p - pg->why;
}


static void
ngx_http_flagship_pg_report(ngx_http_flagship_pg_t *pg)
{
    ngx_str_t  why;

    pg->state = NGX_HTTP_FLAGSHIP_PG_FAILED;

    why.len = pg->why_len;
    why.data = pg->why;

    pg->options.on_error(pg, pg->options.data, &why);
}


/* Lets go of all that is under way; nginx's side before libpq closes. */

static void
ngx_http_flagship_pg_drop(ngx_http_flagship_pg_t *pg)
{
    ngx_http_flagship_pg_resolve_cancel(pg);

    if (pg->wake.timer_set) {
        ngx_del_timer(&pg->wake);
    }

    if (pg->deadline.timer_set) {
        ngx_del_timer(&pg->deadline);
    }

    ngx_http_flagship_pg_detach(pg);

    if (pg->conn) {
        PQfinish(pg->conn);
        pg->conn = NULL;
        ERR_clear_error();
    }

    pg->broken = 0;
    pg->suspended = 0;
}
