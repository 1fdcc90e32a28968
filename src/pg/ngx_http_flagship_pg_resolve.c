
/*
 * Copyright (C) Flagship
 */


/*
 * The addresses of a host, without blocking the worker: libpq would call
 * getaddrinfo() itself, which waits for a dead name server for seconds.
 *
 * An address or a socket needs nothing.  "localhost" is the loopback and is
 * asked of nobody.  Any other name goes to nginx's resolver where there is
 * one, else to getaddrinfo() in a thread.
 *
 * A lookup in a thread cannot be cancelled, so its memory is its own (malloc),
 * a connection that closes just leaves its queue, and connections that want
 * the same name share one: however often they try, a dead name server holds
 * one thread a name, for a few seconds.  The thread writes "naddrs", "addrs"
 * and "error" alone, before the event loop hears of it.
 */


#include "ngx_http_flagship_pg_local.h"

#include "ngx_http_flagship_thread.h"

#include <netdb.h>
#include <resolv.h>


#define NGX_HTTP_FLAGSHIP_PG_LOOKUP  5    /* seconds at most */


static ngx_int_t ngx_http_flagship_pg_resolve_nginx(ngx_http_flagship_pg_t *pg,
    ngx_http_flagship_pg_host_t *host, const char **why);
static void ngx_http_flagship_pg_resolve_handler(ngx_resolver_ctx_t *ctx);

typedef struct {
    ngx_http_flagship_task_t  task;
    ngx_queue_t               queue;      /* of all that run in this worker */
    ngx_queue_t               waiting;    /* connections */
    ngx_uint_t                seconds;    /* to wait for a name server */

    int                       error;      /* of getaddrinfo() */
    ngx_uint_t                naddrs;
    char                      addrs[NGX_HTTP_FLAGSHIP_PG_ADDRS]
                                   [NGX_HTTP_FLAGSHIP_PG_ADDR_LEN];

    char                      name[256];
} ngx_http_flagship_pg_lookup_t;


static ngx_int_t ngx_http_flagship_pg_lookup(ngx_http_flagship_pg_t *pg,
    ngx_http_flagship_pg_host_t *host, const char **why);
static void ngx_http_flagship_pg_lookup_thread(void *data);
static void ngx_http_flagship_pg_lookup_handler(void *data);


/* Lookups that run in this worker.  The master starts none, so that a forked
   worker begins with an empty one. */

static ngx_queue_t  ngx_http_flagship_pg_lookups = {
    &ngx_http_flagship_pg_lookups, &ngx_http_flagship_pg_lookups
};


static void
ngx_http_flagship_pg_add_addr(ngx_http_flagship_pg_t *pg, const char *addr)
{
    (void) ngx_cpystrn((u_char *) pg->addrs[pg->naddrs++], (u_char *) addr,
                       NGX_HTTP_FLAGSHIP_PG_ADDR_LEN);
}


ngx_int_t
ngx_http_flagship_pg_resolve(ngx_http_flagship_pg_t *pg, const char **why)
{
    ngx_http_flagship_pg_host_t  *host;

    host = &pg->options.conninfo->hosts[pg->host];

    pg->addr = 0;
    pg->naddrs = 0;

    if (host->loopback) {
        ngx_http_flagship_pg_add_addr(pg, "127.0.0.1");
        ngx_http_flagship_pg_add_addr(pg, "::1");
        return NGX_OK;
    }

    if (!host->name) {
        ngx_http_flagship_pg_add_addr(pg, (char *) host->hostaddr.data);
        return NGX_OK;
    }

    if (pg->options.resolver) {
        return ngx_http_flagship_pg_resolve_nginx(pg, host, why);
    }

    return ngx_http_flagship_pg_lookup(pg, host, why);
}


void
ngx_http_flagship_pg_resolve_cancel(ngx_http_flagship_pg_t *pg)
{
    if (pg->resolving) {
        ngx_resolve_name_done(pg->resolving);
        pg->resolving = NULL;
    }

    if (pg->lookup) {
        ngx_queue_remove(&pg->waiting);
        pg->lookup = NULL;
    }
}


static ngx_int_t
ngx_http_flagship_pg_resolve_nginx(ngx_http_flagship_pg_t *pg,
    ngx_http_flagship_pg_host_t *host, const char **why)
{
    ngx_resolver_ctx_t  *ctx;

    ctx = ngx_resolve_start(pg->options.resolver, NULL);

    if (ctx == NULL) {
        *why = "no memory";
        return NGX_ERROR;
    }

    if (ctx == NGX_NO_RESOLVER) {
        *why = "no resolver defined for its name";
        return NGX_ERROR;
    }

    ctx->name = host->host;
    ctx->handler = ngx_http_flagship_pg_resolve_handler;
    ctx->data = pg;
    ctx->timeout = pg->options.resolver_timeout;
    ctx->cancelable = 1;

    pg->resolving = ctx;

    /* calls the handler at once where the answer is known */

    if (ngx_resolve_name(ctx) != NGX_OK) {
        pg->resolving = NULL;
        *why = "its name could not be asked for";
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


static void
ngx_http_flagship_pg_resolve_handler(ngx_resolver_ctx_t *ctx)
{
    u_char                  *p;
    size_t                   len;
    ngx_uint_t               i;
    const char              *why;
    ngx_http_flagship_pg_t  *pg;

    pg = ctx->data;
    why = NULL;

    ngx_http_flagship_pg_enter(pg);

    if (ctx->state) {
        /* a static text */
        why = ngx_resolver_strerror(ctx->state);

    } else {

        for (i = 0; i < ctx->naddrs && i < NGX_HTTP_FLAGSHIP_PG_ADDRS; i++) {

            p = (u_char *) pg->addrs[i];
            len = ngx_sock_ntop(ctx->addrs[i].sockaddr, ctx->addrs[i].socklen,
                                p, NGX_HTTP_FLAGSHIP_PG_ADDR_LEN - 1, 0);
            p[len] = '\0';
        }

        pg->naddrs = i;
    }

    pg->resolving = NULL;
    ngx_resolve_name_done(ctx);

    ngx_http_flagship_pg_resolved(pg, why);

    ngx_http_flagship_pg_leave(pg);
}


static ngx_int_t
ngx_http_flagship_pg_lookup(ngx_http_flagship_pg_t *pg,
    ngx_http_flagship_pg_host_t *host, const char **why)
{
    ngx_queue_t                    *q, *all;
    ngx_http_flagship_pg_lookup_t  *lookup;

    all = &ngx_http_flagship_pg_lookups;

    for (q = ngx_queue_head(all); q != all; q = ngx_queue_next(q)) {
        lookup = ngx_queue_data(q, ngx_http_flagship_pg_lookup_t, queue);

        if (ngx_strcasecmp((u_char *) lookup->name, host->host.data) == 0) {
            goto found;
        }
    }

    lookup = ngx_calloc(sizeof(ngx_http_flagship_pg_lookup_t), pg->log);
    if (lookup == NULL) {
        *why = "no memory";
        return NGX_ERROR;
    }

    (void) ngx_cpystrn((u_char *) lookup->name, host->host.data,
                       sizeof(lookup->name));

    lookup->seconds = ngx_min(pg->options.timeout / 1000,
                              NGX_HTTP_FLAGSHIP_PG_LOOKUP);

    lookup->task.run = ngx_http_flagship_pg_lookup_thread;
    lookup->task.done = ngx_http_flagship_pg_lookup_handler;
    lookup->task.data = lookup;

    if (ngx_http_flagship_thread_start(&lookup->task) != NGX_OK) {
        ngx_free(lookup);
        *why = "its name could not be asked for, no thread is free";
        return NGX_ERROR;
    }

    ngx_queue_init(&lookup->waiting);
    ngx_queue_insert_tail(all, &lookup->queue);

found:

    ngx_queue_insert_tail(&lookup->waiting, &pg->waiting);
    pg->lookup = lookup;

    return NGX_AGAIN;
}


/*
 * In a thread.  The C library asks each name server of resolv.conf twice for
 * five seconds; here all of them together have about the host's timeout,
 * because an exiting worker waits for its threads.  The settings belong to the
 * thread and are read anew each time.
 */

static void
ngx_http_flagship_pg_lookup_thread(void *data)
{
    ngx_http_flagship_pg_lookup_t  *lookup = data;

    ngx_uint_t        n;
    struct addrinfo   hints, *res, *ai;

    if (res_init() == 0) {
        n = (_res.nscount > 0) ? _res.nscount : 1;

        _res.retry = (lookup->seconds >= 2 * n) ? 2 : 1;
        n *= _res.retry;
        _res.retrans = (lookup->seconds > n) ? lookup->seconds / n : 1;
    }

    ngx_memzero(&hints, sizeof(struct addrinfo));
    hints.ai_socktype = SOCK_STREAM;

    lookup->error = getaddrinfo(lookup->name, NULL, &hints, &res);

    if (lookup->error) {
        return;
    }

    for (ai = res; ai && lookup->naddrs < NGX_HTTP_FLAGSHIP_PG_ADDRS;
         ai = ai->ai_next)
    {
        if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6) {
            continue;
        }

        if (getnameinfo(ai->ai_addr, ai->ai_addrlen,
                        lookup->addrs[lookup->naddrs],
                        NGX_HTTP_FLAGSHIP_PG_ADDR_LEN, NULL, 0,
                        NI_NUMERICHOST)
            == 0)
        {
            lookup->naddrs++;
        }
    }

    freeaddrinfo(res);
}


static void
ngx_http_flagship_pg_lookup_handler(void *data)
{
    ngx_http_flagship_pg_lookup_t *lookup = data;

    const char              *why;
    ngx_queue_t             *q;
    ngx_http_flagship_pg_t  *pg;

    why = lookup->error ? gai_strerror(lookup->error) : NULL;

    ngx_queue_remove(&lookup->queue);

    /* a handler may close others that wait */

    while (!ngx_queue_empty(&lookup->waiting)) {

        q = ngx_queue_head(&lookup->waiting);
        ngx_queue_remove(q);

        pg = ngx_queue_data(q, ngx_http_flagship_pg_t, waiting);

        ngx_http_flagship_pg_enter(pg);

        pg->lookup = NULL;
        pg->naddrs = lookup->naddrs;
        ngx_memcpy(pg->addrs, lookup->addrs, sizeof(pg->addrs));

        ngx_http_flagship_pg_resolved(pg, why);

        ngx_http_flagship_pg_leave(pg);
    }

    ngx_free(lookup);
}
