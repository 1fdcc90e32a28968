
/*
 * Copyright (C) Flagship
 */


/*
 * One attempt at one address, in a worker's event loop: connect, log in, and
 * ask the server for its role where that matters.  It ends in on_ready or in
 * ngx_http_flagship_pg_lost().
 *
 * libpq is given one address at a time, because its asynchronous connect stays
 * with a hung one for ever, and resolves names in a blocking way.
 */


#include "ngx_http_flagship_pg_local.h"


#define NGX_HTTP_FLAGSHIP_PG_POLLS   16      /* of libpq in one event */
#define NGX_HTTP_FLAGSHIP_PG_MARGIN  1000    /* ms that the server is given
                                               over a query's deadline */


static ngx_int_t ngx_http_flagship_pg_start(ngx_http_flagship_pg_t *pg);
static const char *ngx_http_flagship_pg_limit(ngx_http_flagship_pg_t *pg,
    ngx_pool_t *pool);
static void ngx_http_flagship_pg_default_peer(ngx_http_flagship_pg_t *pg);
static ngx_int_t ngx_http_flagship_pg_watch(ngx_http_flagship_pg_t *pg,
    ngx_uint_t read, ngx_uint_t write);
static void ngx_http_flagship_pg_connected(ngx_http_flagship_pg_t *pg);
static void ngx_http_flagship_pg_probe_result(ngx_http_flagship_pg_t *pg,
    void *data, PGresult *result);
static const char *ngx_http_flagship_pg_role(ngx_http_flagship_pg_t *pg,
    ngx_uint_t standby, ngx_uint_t read_only);
static void ngx_http_flagship_pg_ready(ngx_http_flagship_pg_t *pg);
static char **ngx_http_flagship_pg_environ(void);


extern char  **environ;


void
ngx_http_flagship_pg_connect(ngx_http_flagship_pg_t *pg)
{
    ngx_http_flagship_pg_host_t  *host;

    pg->state = NGX_HTTP_FLAGSHIP_PG_CONNECT;
    pg->notices = 0;
    pg->last[0] = '\0';

    ngx_http_flagship_pg_timer(&pg->deadline, pg->options.timeout);

    if (ngx_http_flagship_pg_start(pg) != NGX_OK) {
        ngx_http_flagship_pg_lost(pg, "no memory");
        return;
    }

    host = &pg->options.conninfo->hosts[pg->host];

    if (host->local && host->host.len == 0) {
        ngx_http_flagship_pg_default_peer(pg);
    }

    if (PQstatus(pg->conn) == CONNECTION_BAD) {
        ngx_http_flagship_pg_lost(pg, NULL);
        return;
    }

    (void) PQsetNoticeReceiver(pg->conn, ngx_http_flagship_pg_notice, pg);

    /* libpq's first step waits for the socket to be writable */

    (void) ngx_http_flagship_pg_watch(pg, 0, 1);
}


/*
 * libpq would take what is not given from PG* variables of the environment,
 * hostaddr among them; nginx's configuration is to say it all.
 */

static ngx_int_t
ngx_http_flagship_pg_start(ngx_http_flagship_pg_t *pg)
{
    char                            **saved;
    ngx_pool_t                       *pool;
    ngx_uint_t                        n;
    const char                      **keywords, **values;
    ngx_http_flagship_pg_host_t      *host;
    ngx_http_flagship_pg_conninfo_t  *info;

    info = pg->options.conninfo;
    host = &info->hosts[pg->host];

    pool = ngx_create_pool(2048, pg->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    n = info->nparams + 6;

    keywords = ngx_pcalloc(pool, 2 * n * sizeof(char *));
    if (keywords == NULL) {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    values = keywords + n;

    ngx_memcpy(keywords, info->keywords, info->nparams * sizeof(char *));
    ngx_memcpy(values, info->values, info->nparams * sizeof(char *));

    n = info->nparams;

    /* libpq passes over empty values, and takes the last of equal keywords */

    keywords[n] = "host";
    values[n++] = (char *) host->host.data;

    keywords[n] = "hostaddr";
    values[n++] = pg->addrs[pg->addr];

    keywords[n] = "port";
    values[n++] = host->port;

    keywords[n] = "fallback_application_name";
    values[n++] = pg->options.application_name;

    if (!pg->pooled) {
        keywords[n] = "options";
        values[n] = ngx_http_flagship_pg_limit(pg, pool);

        if (values[n] == NULL) {
            ngx_destroy_pool(pool);
            return NGX_ERROR;
        }
    }

    saved = environ;
    environ = ngx_http_flagship_pg_environ();

    pg->conn = PQconnectStartParams(keywords, values, 0);

    environ = saved;

    ngx_destroy_pool(pool);

    return pg->conn ? NGX_OK : NGX_ERROR;
}


/*
 * A query that we gave up would go on in the server, and wait for its lock
 * with one more of its kind from every new connection: the server ends it too,
 * a second later.  "options" of the conninfo come after that and win.
 */

static const char *
ngx_http_flagship_pg_limit(ngx_http_flagship_pg_t *pg, ngx_pool_t *pool)
{
    u_char                           *text;
    size_t                            len;
    ngx_uint_t                        i;
    ngx_msec_t                        limit;
    const char                       *options;
    ngx_http_flagship_pg_conninfo_t  *info;

    info = pg->options.conninfo;
    limit = pg->options.statement_timeout;
    options = "";

    if (limit == 0) {
        limit = pg->options.query_timeout + NGX_HTTP_FLAGSHIP_PG_MARGIN;
    }

    for (i = 0; i < info->nparams; i++) {

        if (ngx_strcmp(info->keywords[i], "options") == 0) {
            options = info->values[i];
        }
    }

    len = sizeof("-c statement_timeout= ") + NGX_INT32_LEN
          + ngx_strlen(options);

    text = ngx_pnalloc(pool, len);

    if (text) {
        (void) ngx_snprintf(text, len, "-c statement_timeout=%M %s%Z",
                            ngx_min(limit, NGX_MAX_INT32_VALUE), options);
    }

    return (char *) text;
}


/* Neither host nor address is given: the folder that libpq was built with. */

static void
ngx_http_flagship_pg_default_peer(ngx_http_flagship_pg_t *pg)
{
    char    *folder;
    u_char  *peer;
    size_t   len;

    folder = PQhost(pg->conn);
    len = folder ? ngx_strlen(folder) : 0;

    peer = ngx_pnalloc(pg->pool, len + pg->peer.len);

    if (peer && len) {
        ngx_memcpy(peer, folder, len);
        ngx_memcpy(peer + len, pg->peer.data, pg->peer.len);

        pg->peer.data = peer;
        pg->peer.len += len;
    }
}


/* NGX_ERROR: the attempt is over. */

static ngx_int_t
ngx_http_flagship_pg_watch(ngx_http_flagship_pg_t *pg, ngx_uint_t read,
    ngx_uint_t write)
{
    ngx_int_t  rc;

    rc = ngx_http_flagship_pg_attach(pg);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_pg_want(pg, read, write);
    }

    if (rc != NGX_OK) {
        ngx_http_flagship_pg_lost(pg, rc == NGX_DECLINED
                                  ? "worker_connections are not enough"
                                  : "its socket cannot be watched");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_flagship_pg_poll(ngx_http_flagship_pg_t *pg)
{
    char                      **saved;
    ngx_uint_t                  n;
    PostgresPollingStatusType   status;

    for (n = 0; n < NGX_HTTP_FLAGSHIP_PG_POLLS; n++) {

        saved = environ;
        environ = ngx_http_flagship_pg_environ();

        status = PQconnectPoll(pg->conn);

        environ = saved;

        if (status == PGRES_POLLING_FAILED) {

            if (!pg->pooled && ngx_strstr(PQerrorMessage(pg->conn),
                                          "startup parameter"))
            {
                /* PgBouncer lets no "options" through */
                pg->pooled = 1;
                ngx_http_flagship_pg_again(pg);

            } else {
                ngx_http_flagship_pg_lost(pg, NULL);
            }

            return;
        }

        /* it may be another socket now */

        if (ngx_http_flagship_pg_watch(pg, status != PGRES_POLLING_WRITING,
                                       status == PGRES_POLLING_WRITING)
            != NGX_OK)
        {
            return;
        }

        if (status == PGRES_POLLING_OK) {
            ngx_http_flagship_pg_connected(pg);
            return;
        }

        if (status == PGRES_POLLING_WRITING
            || !ngx_http_flagship_pg_pending(pg))
        {
            return;
        }
    }

    ngx_http_flagship_pg_timer(&pg->wake, 0);
}


static void
ngx_http_flagship_pg_connected(ngx_http_flagship_pg_t *pg)
{
    /* nothing waits to be sent, so that this does not block */

    if (PQsetnonblocking(pg->conn, 1) != 0) {
        ngx_http_flagship_pg_lost(pg, NULL);
        return;
    }

    if (ngx_http_flagship_pg_pending(pg)) {
        ngx_http_flagship_pg_timer(&pg->wake, 0);
    }

    if (!pg->options.writable
        && (pg->anyhow
            || pg->options.conninfo->role == NGX_HTTP_FLAGSHIP_PG_ANY))
    {
        ngx_http_flagship_pg_ready(pg);
        return;
    }

    /* within the host's deadline */

    pg->state = NGX_HTTP_FLAGSHIP_PG_PROBE;
    pg->on_result = ngx_http_flagship_pg_probe_result;
    pg->result_data = NULL;
    pg->accepted = 0;

    if (ngx_http_flagship_pg_send(pg,
            "SELECT pg_catalog.pg_is_in_recovery(),"
            " pg_catalog.current_setting('transaction_read_only')",
            0, NULL, 0)
        != NGX_OK)
    {
        ngx_http_flagship_pg_lost(pg, NULL);
    }
}


static void
ngx_http_flagship_pg_probe_result(ngx_http_flagship_pg_t *pg, void *data,
    PGresult *result)
{
    u_char      *p;
    const char  *text;

    if (result == NULL) {

        if (pg->accepted) {
            pg->last[0] = '\0';
            ngx_http_flagship_pg_ready(pg);

        } else {
            ngx_http_flagship_pg_lost(pg, (char *) pg->last);
        }

        return;
    }

    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        text = PQresultErrorMessage(result);

    } else if (PQntuples(result) != 1 || PQnfields(result) != 2) {
        text = "its answer about its role makes no sense";

    } else {
        text = ngx_http_flagship_pg_role(pg,
                          PQgetvalue(result, 0, 0)[0] == 't',
                          ngx_strcmp(PQgetvalue(result, 0, 1), "on") == 0);

        if (text == NULL) {
            pg->accepted = 1;
            return;
        }

        pg->passed = 1;
    }

    p = ngx_http_flagship_pg_line(pg->last, pg->last + sizeof(pg->last) - 1,
                                  text);
    *p = '\0';
}


/* What is wrong with a server's role; NULL: nothing. */

static const char *
ngx_http_flagship_pg_role(ngx_http_flagship_pg_t *pg, ngx_uint_t standby,
    ngx_uint_t read_only)
{
    ngx_http_flagship_pg_role_e  role;

    role = pg->options.conninfo->role;

    if (pg->options.writable && standby) {
        return "it is a standby";
    }

    if (pg->anyhow
        || (pg->options.writable
            && role == NGX_HTTP_FLAGSHIP_PG_PREFER_STANDBY))
    {
        return NULL;
    }

    switch (role) {

    case NGX_HTTP_FLAGSHIP_PG_READ_WRITE:
        return (standby || read_only) ? "it is read-only" : NULL;

    case NGX_HTTP_FLAGSHIP_PG_READ_ONLY:
        return (standby || read_only) ? NULL : "it is not read-only";

    case NGX_HTTP_FLAGSHIP_PG_PRIMARY:
        return standby ? "it is a standby" : NULL;

    case NGX_HTTP_FLAGSHIP_PG_STANDBY:
    case NGX_HTTP_FLAGSHIP_PG_PREFER_STANDBY:
        return standby ? NULL : "it is not a standby";

    default:
        return NULL;
    }
}


static void
ngx_http_flagship_pg_ready(ngx_http_flagship_pg_t *pg)
{
    if (pg->deadline.timer_set) {
        ngx_del_timer(&pg->deadline);
    }

    pg->state = NGX_HTTP_FLAGSHIP_PG_IDLE;
    pg->why_len = 0;

    ngx_http_flagship_pg_busy(pg, 0);

    pg->options.on_ready(pg, pg->options.data);
}


/*
 * The environment without PG*.  It is a copy that lives as long as the
 * process, since a thread of the pool may be reading it; made anew should
 * the environment ever be another one.
 */

static char **
ngx_http_flagship_pg_environ(void)
{
    char         **copy;
    ngx_uint_t     i, n;

    static char  **source, **without;

    for (i = 0, n = 0; environ && environ[i]; i++) {
        n += (ngx_strncmp(environ[i], "PG", 2) == 0);
    }

    if (n == 0) {
        return environ;
    }

    if (source == environ) {
        return without;
    }

    copy = ngx_alloc((i - n + 1) * sizeof(char *), ngx_cycle->log);
    if (copy == NULL) {
        return environ;
    }

    for (i = 0, n = 0; environ[i]; i++) {

        if (ngx_strncmp(environ[i], "PG", 2) != 0) {
            copy[n++] = environ[i];
        }
    }

    copy[n] = NULL;

    source = environ;
    without = copy;

    return without;
}
