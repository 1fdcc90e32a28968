
/*
 * Copyright (C) Flagship
 */


/*
 * An established connection: queries out, results and notifications in, and
 * notices to the log.  libpq's connection is in non-blocking mode here, and
 * only such functions of it are called as never wait.
 *
 * After every call of a handler the connection may be closed or failed, or
 * have another query under way.
 */


#include "ngx_http_flagship_pg_local.h"


#define NGX_HTTP_FLAGSHIP_PG_READS    16    /* of one event */
#define NGX_HTTP_FLAGSHIP_PG_NOTICES  16    /* logged of one query */
#define NGX_HTTP_FLAGSHIP_PG_LINE     512   /* bytes of a logged one */


static ngx_int_t ngx_http_flagship_pg_read(ngx_http_flagship_pg_t *pg);
static ngx_int_t ngx_http_flagship_pg_flush(ngx_http_flagship_pg_t *pg);
static void ngx_http_flagship_pg_results(ngx_http_flagship_pg_t *pg);
static void ngx_http_flagship_pg_notifications(ngx_http_flagship_pg_t *pg);


static ngx_inline ngx_uint_t
ngx_http_flagship_pg_gone(ngx_http_flagship_pg_t *pg)
{
    return pg->closed || pg->conn == NULL;
}


ngx_int_t
ngx_http_flagship_pg_send(ngx_http_flagship_pg_t *pg, const char *sql,
    ngx_uint_t nparams, const char *const *params, ngx_uint_t single)
{
    int  sent;

    pg->notices = 0;

    if (nparams) {
        sent = PQsendQueryParams(pg->conn, sql, (int) nparams, NULL, params,
                                 NULL, NULL, 0);
    } else {
        sent = PQsendQuery(pg->conn, sql);
    }

    if (!sent || (single && !PQsetSingleRowMode(pg->conn))) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_pg_flush(pg);
}


ngx_int_t
ngx_http_flagship_pg_query(ngx_http_flagship_pg_t *pg, const char *sql,
    ngx_uint_t nparams, const char *const *params, ngx_uint_t single,
    ngx_http_flagship_pg_result_pt on_result, void *data)
{
    if (pg->closed || pg->state != NGX_HTTP_FLAGSHIP_PG_IDLE || pg->broken) {
        return NGX_ERROR;
    }

    ngx_http_flagship_pg_busy(pg, 1);

    pg->state = NGX_HTTP_FLAGSHIP_PG_QUERY;
    pg->on_result = on_result;
    pg->result_data = data;

    if (ngx_http_flagship_pg_send(pg, sql, nparams, params, single)
        != NGX_OK)
    {
        /* on_error is not called from here */
        pg->broken = 1;
        ngx_http_flagship_pg_timer(&pg->wake, 0);
        return NGX_OK;
    }

    ngx_http_flagship_pg_timer(&pg->deadline, pg->options.query_timeout);

    return NGX_OK;
}


void
ngx_http_flagship_pg_suspend(ngx_http_flagship_pg_t *pg)
{
    if (pg->state == NGX_HTTP_FLAGSHIP_PG_QUERY && !pg->broken) {
        pg->suspended = 1;
        (void) ngx_http_flagship_pg_want(pg, 0, pg->connection->write->active);
    }
}


/* What was read already makes no event. */

void
ngx_http_flagship_pg_resume(ngx_http_flagship_pg_t *pg)
{
    if (pg->suspended) {
        pg->suspended = 0;
        ngx_http_flagship_pg_timer(&pg->wake, 0);
    }
}


ngx_uint_t
ngx_http_flagship_pg_idle(ngx_http_flagship_pg_t *pg)
{
    return !pg->closed && !pg->broken
           && pg->state == NGX_HTTP_FLAGSHIP_PG_IDLE
           && PQtransactionStatus(pg->conn) == PQTRANS_IDLE
           && ngx_http_flagship_pg_silent(pg);
}


void
ngx_http_flagship_pg_io(ngx_http_flagship_pg_t *pg)
{
    if ((!pg->suspended && ngx_http_flagship_pg_read(pg) != NGX_OK)
        || ngx_http_flagship_pg_flush(pg) != NGX_OK)
    {
        ngx_http_flagship_pg_lost(pg, NULL);
        return;
    }

    ngx_http_flagship_pg_results(pg);

    if (!ngx_http_flagship_pg_gone(pg) && !pg->suspended) {
        ngx_http_flagship_pg_notifications(pg);
    }
}


/*
 * One read is enough, the rest makes another event; but what OpenSSL has
 * decrypted already makes none.
 */

static ngx_int_t
ngx_http_flagship_pg_read(ngx_http_flagship_pg_t *pg)
{
    ngx_uint_t  n;

    for (n = 0; n < NGX_HTTP_FLAGSHIP_PG_READS; n++) {

        if (!PQconsumeInput(pg->conn)) {
            return NGX_ERROR;
        }

        if (!ngx_http_flagship_pg_pending(pg)) {
            return NGX_OK;
        }
    }

    ngx_http_flagship_pg_timer(&pg->wake, 0);

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_pg_flush(ngx_http_flagship_pg_t *pg)
{
    int  rc;

    rc = PQflush(pg->conn);

    if (rc == -1) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_pg_want(pg, !pg->suspended, rc == 1);
}


static void
ngx_http_flagship_pg_results(ngx_http_flagship_pg_t *pg)
{
    PGresult        *result;
    ExecStatusType   status;

    while (pg->state == NGX_HTTP_FLAGSHIP_PG_PROBE
           || pg->state == NGX_HTTP_FLAGSHIP_PG_QUERY)
    {
        if (pg->suspended || PQisBusy(pg->conn)) {
            return;
        }

        result = PQgetResult(pg->conn);

        if (result == NULL) {

            if (PQstatus(pg->conn) == CONNECTION_BAD) {
                ngx_http_flagship_pg_lost(pg, NULL);
                return;
            }

            if (pg->state == NGX_HTTP_FLAGSHIP_PG_QUERY) {
                pg->state = NGX_HTTP_FLAGSHIP_PG_IDLE;
                ngx_http_flagship_pg_busy(pg, 0);

                if (pg->deadline.timer_set) {
                    ngx_del_timer(&pg->deadline);
                }
            }

            pg->on_result(pg, pg->result_data, NULL);

        } else {
            status = PQresultStatus(result);

            if (status == PGRES_COPY_OUT || status == PGRES_COPY_IN
                || status == PGRES_COPY_BOTH)
            {
                /* PQgetResult() would return it for ever */
                PQclear(result);
                ngx_http_flagship_pg_lost(pg, "COPY is not supported");
                return;
            }

            pg->on_result(pg, pg->result_data, result);

            PQclear(result);
        }

        if (ngx_http_flagship_pg_gone(pg)) {
            return;
        }
    }
}


static void
ngx_http_flagship_pg_notifications(ngx_http_flagship_pg_t *pg)
{
    PGnotify   *notify;
    ngx_str_t   channel, payload;

    for ( ;; ) {

        notify = PQnotifies(pg->conn);

        if (notify == NULL) {
            return;
        }

        if (pg->options.on_notify
            && pg->state >= NGX_HTTP_FLAGSHIP_PG_IDLE)
        {
            channel.data = (u_char *) notify->relname;
            channel.len = ngx_strlen(notify->relname);

            payload.data = (u_char *) notify->extra;
            payload.len = ngx_strlen(notify->extra);

            pg->options.on_notify(pg, pg->options.data, &channel, &payload);
        }

        PQfreemem(notify);

        if (ngx_http_flagship_pg_gone(pg)) {
            return;
        }
    }
}


/*
 * Notices are the server's to send, as many as it likes: the log gets a line
 * of each and a few of them.  A FATAL comes as a notice while the connection
 * is idle, and tells why it is closed a moment later.
 */

void
ngx_http_flagship_pg_notice(void *data, const PGresult *result)
{
    ngx_http_flagship_pg_t *pg = data;

    u_char      *p, line[NGX_HTTP_FLAGSHIP_PG_LINE];
    const char  *severity, *text;

    severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (text == NULL) {
        severity = NULL;
        text = PQresultErrorMessage(result);
    }

    if (severity && (ngx_strcmp(severity, "FATAL") == 0
                     || ngx_strcmp(severity, "PANIC") == 0))
    {
        p = ngx_http_flagship_pg_line(pg->last,
                                      pg->last + sizeof(pg->last) - 1, text);
        *p = '\0';
        return;
    }

    if (++pg->notices > NGX_HTTP_FLAGSHIP_PG_NOTICES) {
        return;
    }

    p = ngx_http_flagship_pg_line(line, line + sizeof(line), text);

    ngx_log_error(NGX_LOG_INFO, pg->log, 0, "flagship: %V: %s: %*s%s",
                  &pg->peer, severity ? severity : "NOTICE",
                  (size_t) (p - line), line,
                  pg->notices == NGX_HTTP_FLAGSHIP_PG_NOTICES
                  ? " (more are not logged)" : "");
}


u_char *
ngx_http_flagship_pg_line(u_char *p, u_char *last, const char *text)
{
    u_char  c, *start;

    start = p;

    while (*text && p < last) {

        c = (u_char) *text++;

        if (c == '\n' && *text == '\t') {
            /* libpq's advice: "Is the server running on ..." */
            text += strcspn(text, "\n");
            continue;
        }

        if (c < 0x20 || c == 0x7f) {
            c = ' ';
        }

        *p++ = c;
    }

    while (p > start && p[-1] == ' ') {
        p--;
    }

    return p;
}
