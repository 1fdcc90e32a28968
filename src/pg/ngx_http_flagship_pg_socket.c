
/*
 * Copyright (C) Flagship
 */


/*
 * libpq's socket among nginx's events.
 *
 * The socket is libpq's: it opens it, may close it and open another with the
 * same number inside PQconnectPoll() (sslmode=prefer does), and closes it in
 * PQfinish().  An ngx_connection_t is lent to it for the events, and is given
 * back, never closed.  Whether it is still the same socket is told by its
 * inode, since the number says nothing and epoll forgets a closed one.
 *
 * Events are level-triggered: libpq reads some 16 KB a call and leaves the
 * rest, and does not read in every state, so that an edge would be lost.
 */


#include "ngx_http_flagship_pg_local.h"

#include <openssl/ssl.h>


static void ngx_http_flagship_pg_release(ngx_http_flagship_pg_t *pg,
    ngx_uint_t flags);


ngx_int_t
ngx_http_flagship_pg_attach(ngx_http_flagship_pg_t *pg)
{
    int                fd;
    struct stat        st;
    ngx_connection_t  *c;

    fd = PQsocket(pg->conn);

    if (fd < 0 || fstat(fd, &st) == -1) {
        return NGX_ERROR;
    }

    c = pg->connection;

    if (c) {
        if (c->fd == fd && pg->ino == st.st_ino) {
            return NGX_OK;
        }

        ngx_http_flagship_pg_release(pg, NGX_CLOSE_EVENT);
    }

    /* nginx would log an alert */

    if (ngx_cycle->free_connection_n == 0
        && ngx_cycle->reusable_connections_n == 0)
    {
        return NGX_DECLINED;
    }

    c = ngx_get_connection(fd, pg->log);
    if (c == NULL) {
        return NGX_DECLINED;
    }

    c->data = pg;
    c->log = pg->log;
    c->idle = !pg->options.finish;
    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);

    c->read->handler = ngx_http_flagship_pg_event_handler;
    c->read->log = pg->log;
    c->write->handler = ngx_http_flagship_pg_event_handler;
    c->write->log = pg->log;

    pg->connection = c;
    pg->ino = st.st_ino;

    return NGX_OK;
}


/* Before PQfinish(), while the socket is open if libpq has not closed it. */

void
ngx_http_flagship_pg_detach(ngx_http_flagship_pg_t *pg)
{
    int          fd;
    struct stat  st;

    if (pg->connection == NULL) {
        return;
    }

    fd = PQsocket(pg->conn);

    if (fd == pg->connection->fd && fstat(fd, &st) == 0
        && st.st_ino == pg->ino)
    {
        ngx_http_flagship_pg_release(pg, 0);

    } else {
        ngx_http_flagship_pg_release(pg, NGX_CLOSE_EVENT);
    }
}


static void
ngx_http_flagship_pg_release(ngx_http_flagship_pg_t *pg, ngx_uint_t flags)
{
    ngx_connection_t  *c;

    c = pg->connection;
    pg->connection = NULL;

    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, flags);
    }

    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, flags);
    }

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }

    ngx_free_connection(c);

    /* makes what epoll still reports of it stale */
    c->fd = (ngx_socket_t) -1;
}


ngx_int_t
ngx_http_flagship_pg_want(ngx_http_flagship_pg_t *pg, ngx_uint_t read,
    ngx_uint_t write)
{
    ngx_int_t     rc;
    ngx_event_t  *rev, *wev;

    rev = pg->connection->read;
    wev = pg->connection->write;
    rc = NGX_OK;

    if (read && !rev->active) {
        rc = ngx_add_event(rev, NGX_READ_EVENT, NGX_LEVEL_EVENT);

    } else if (!read && rev->active) {
        rc = ngx_del_event(rev, NGX_READ_EVENT, 0);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (write && !wev->active) {
        rc = ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);

    } else if (!write && wev->active) {
        rc = ngx_del_event(wev, NGX_WRITE_EVENT, 0);
    }

    return rc;
}


ngx_uint_t
ngx_http_flagship_pg_pending(ngx_http_flagship_pg_t *pg)
{
    void  *ssl;

    ssl = PQsslInUse(pg->conn) ? PQsslStruct(pg->conn, "OpenSSL") : NULL;

    return ssl && SSL_pending(ssl) > 0;
}


ngx_uint_t
ngx_http_flagship_pg_silent(ngx_http_flagship_pg_t *pg)
{
    char  byte;

    return recv(pg->connection->fd, &byte, 1, MSG_PEEK|MSG_DONTWAIT) == -1
           && ngx_socket_errno == NGX_EAGAIN;
}


/* nginx closes what is idle when a worker begins to exit. */

void
ngx_http_flagship_pg_busy(ngx_http_flagship_pg_t *pg, ngx_uint_t busy)
{
    pg->connection->idle = !(busy && pg->options.finish);
}
