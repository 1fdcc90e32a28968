
/*
 * Copyright (C) Flagship
 */


/*
 * Lets tests drive src/pg inside a real nginx, without any flags.
 *
 *   pg_probe "conninfo" [timeout=ms] [query_timeout=ms] [writable]
 *            [resolver];
 *
 * makes a location answer in JSON.  Arguments of a request:
 *
 *   op=parse  &text=              what becomes of a conninfo
 *   op=open   &id= [&close=when] [&wait=0]
 *   op=query  &id= &sql= [&p1=..&p8=] [&single=1] [&pad=bytes]
 *   op=close  &id=
 *   op=state  &id=                does not wait
 *
 * "pad" adds a parameter of so many bytes; "close" names a handler that closes the connection:
 * ready, row, done, notify.  A connection is a slot of the worker, so that it
 * outlives the request; on_error closes always.  One worker only.
 */


#include "ngx_http_flagship_pg_local.h"
#include "ngx_http_flagship_thread.h"

#include <netdb.h>

#if (FLAGSHIP_SANITIZE)
#include <sanitizer/lsan_interface.h>
#endif


#define PROBE_SLOTS  128
#define PROBE_TEXT   8192


typedef struct {
    ngx_str_t                         text;
    ngx_http_flagship_pg_conninfo_t  *conninfo;
    ngx_msec_t                        timeout;
    ngx_msec_t                        query_timeout;
    ngx_flag_t                        writable;
    ngx_flag_t                        resolver;
} probe_conf_t;

typedef struct {
    ngx_http_flagship_pg_t           *pg;
    ngx_http_request_t               *request;    /* waits for an answer */
    ngx_str_t                         close;
    u_char                            close_data[16];

    ngx_uint_t                        ready;      /* calls of each handler */
    ngx_uint_t                        errors;
    ngx_uint_t                        notified;
    ngx_uint_t                        done;
    ngx_uint_t                        results;

    ngx_uint_t                        rows;
    size_t                            bytes;
    u_char                            first[256];
    u_char                            error[1100];
    u_char                            payload[256];
    u_char                            peer[256];
} probe_slot_t;


/* The linker puts the first in the place of the C library's. */
int __wrap_getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res);
int __real_getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res);

static char *probe_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static void *probe_create_conf(ngx_conf_t *cf);
static void probe_exit(ngx_cycle_t *cycle);


static ngx_command_t  probe_commands[] = {

    { ngx_string("pg_probe"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      probe_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  probe_ctx = {
    NULL, NULL, NULL, NULL, NULL, NULL,
    probe_create_conf,
    NULL
};


ngx_module_t  ngx_http_flagship_pg_probe_module = {
    NGX_MODULE_V1,
    &probe_ctx,
    probe_commands,
    NGX_HTTP_MODULE,
    NULL, NULL, NULL, NULL, NULL,
    probe_exit,
    NULL,
    NGX_MODULE_V1_PADDING
};


/* What nginx's own build writes for a dynamic module. */

extern ngx_module_t  ngx_http_flagship_pool_probe_module;

ngx_module_t *ngx_modules[] = {
    &ngx_http_flagship_pg_probe_module,
    &ngx_http_flagship_pool_probe_module,
    NULL
};

char *ngx_module_names[] = {
    "ngx_http_flagship_pg_probe_module",
    "ngx_http_flagship_pool_probe_module",
    NULL
};

char *ngx_module_order[] = { NULL };


static probe_slot_t  probe_slots[PROBE_SLOTS];
static ngx_atomic_t  probe_lookups;
static ngx_atomic_t  probe_threads;     /* that looked names up in turn */


/* In a thread.  "a.hang" has an answer when the file "hang" is gone. */

int
__wrap_getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
    char          file[NGX_MAX_PATH];
    static pid_t  last;

    (void) ngx_atomic_fetch_add(&probe_lookups, 1);

    if (__sync_lock_test_and_set(&last, gettid()) != gettid()) {
        (void) ngx_atomic_fetch_add(&probe_threads, 1);
    }

    if (ngx_strcmp(node, "nobody.hang") == 0) {
        return EAI_NONAME;
    }

    if (ngx_strcmp(node, "a.hang") == 0) {
        (void) ngx_snprintf((u_char *) file, sizeof(file), "%Vhang%Z",
                            &ngx_cycle->prefix);

        while (access(file, F_OK) == 0) {
            ngx_msleep(5);
        }

        node = "127.0.0.1";
    }

    return __real_getaddrinfo(node, service, hints, res);
}


static void
probe_string(u_char *to, size_t size, const char *data, size_t len)
{
    len = ngx_min(len, size - 1);

    ngx_memcpy(to, data, len);
    to[len] = '\0';
}


static u_char *
probe_json(u_char *p, u_char *last, const char *name, u_char *text,
    size_t len)
{
    p = ngx_slprintf(p, last, ",\"%s\":\"", name);

    if ((size_t) (last - p) > 6 * len + 2) {
        p = (u_char *) ngx_escape_json(p, text, len);
    }

    return ngx_slprintf(p, last, "\"");
}


static ngx_int_t
probe_send(ngx_http_request_t *r, u_char *text, size_t len)
{
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t   out;

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_cpymem(b->pos, text, len);
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = len;
    ngx_str_set(&r->headers_out.content_type, "application/json");

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, &out);
}


static ngx_int_t
probe_answer(ngx_http_request_t *r, probe_slot_t *slot)
{
    u_char  text[PROBE_TEXT], *p, *last;

    last = text + sizeof(text);

    p = ngx_slprintf(text, last,
                     "{\"open\":%ui,\"idle\":%ui,\"ready\":%ui,\"errors\":%ui,"
                     "\"notified\":%ui,\"done\":%ui,\"results\":%ui,"
                     "\"rows\":%ui,\"bytes\":%uz,\"lookups\":%uA,"
                     "\"threads\":%uA",
                     (ngx_uint_t) (slot->pg != NULL),
                     slot->pg ? ngx_http_flagship_pg_idle(slot->pg) : 0,
                     slot->ready, slot->errors, slot->notified, slot->done,
                     slot->results, slot->rows, slot->bytes,
                     probe_lookups, probe_threads);

    p = probe_json(p, last, "first", slot->first, ngx_strlen(slot->first));
    p = probe_json(p, last, "error", slot->error, ngx_strlen(slot->error));
    p = probe_json(p, last, "peer", slot->peer, ngx_strlen(slot->peer));
    p = probe_json(p, last, "payload", slot->payload,
                   ngx_strlen(slot->payload));
    p = ngx_slprintf(p, last, "}");

    return probe_send(r, text, p - text);
}


/* The request that waits for this slot gets its answer. */

static void
probe_finish(probe_slot_t *slot)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = slot->request;

    if (r == NULL) {
        return;
    }

    slot->request = NULL;
    c = r->connection;

    ngx_http_finalize_request(r, probe_answer(r, slot));
    ngx_http_run_posted_requests(c);
}


static void
probe_abandon(void *data)
{
    probe_slot_t  *slot = data;

    slot->request = NULL;
}


/* Handlers come in the state that they close in, and the rest goes on. */

static ngx_uint_t
probe_close_in(probe_slot_t *slot, const char *when)
{
    if (slot->pg == NULL || slot->close.len != ngx_strlen(when)
        || ngx_strncmp(slot->close.data, when, slot->close.len) != 0)
    {
        return 0;
    }

    ngx_http_flagship_pg_close(slot->pg);
    slot->pg = NULL;

    return 1;
}


static void
probe_ready(ngx_http_flagship_pg_t *pg, void *data)
{
    ngx_str_t     *peer;
    probe_slot_t  *slot = data;

    slot->ready++;

    peer = ngx_http_flagship_pg_peer(pg);
    probe_string(slot->peer, sizeof(slot->peer), (char *) peer->data,
                 peer->len);

    (void) probe_close_in(slot, "ready");

    probe_finish(slot);
}


static void
probe_error(ngx_http_flagship_pg_t *pg, void *data, ngx_str_t *why)
{
    probe_slot_t  *slot = data;

    slot->errors++;
    probe_string(slot->error, sizeof(slot->error), (char *) why->data,
                 why->len);

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0, "probe: error: %V", why);

    ngx_http_flagship_pg_close(pg);
    slot->pg = NULL;

    probe_finish(slot);
}


static void
probe_notify(ngx_http_flagship_pg_t *pg, void *data, ngx_str_t *channel,
    ngx_str_t *payload)
{
    probe_slot_t  *slot = data;

    slot->notified++;
    probe_string(slot->payload, sizeof(slot->payload), (char *) payload->data,
                 payload->len);

    (void) probe_close_in(slot, "notify");
}


static void
probe_result(ngx_http_flagship_pg_t *pg, void *data, PGresult *result)
{
    int            i, j;
    char          *value;
    probe_slot_t  *slot = data;

    if (result == NULL) {
        slot->done++;
        (void) probe_close_in(slot, "done");
        probe_finish(slot);
        return;
    }

    slot->results++;

    if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
        value = PQresultErrorMessage(result);
        probe_string(slot->error, sizeof(slot->error), value,
                     ngx_strlen(value));
    }

    for (i = 0; i < PQntuples(result); i++) {

        for (j = 0; j < PQnfields(result); j++) {
            slot->bytes += PQgetlength(result, i, j);

            if (slot->rows == 0 && j == 0) {
                probe_string(slot->first, sizeof(slot->first),
                             PQgetisnull(result, i, j)
                             ? "(null)" : PQgetvalue(result, i, j),
                             PQgetisnull(result, i, j)
                             ? 6 : PQgetlength(result, i, j));
            }
        }

        slot->rows++;
    }

    if (probe_close_in(slot, "row")) {
        probe_finish(slot);
    }
}


/* An argument, decoded and ended with a zero; NULL where it is absent. */

static char *
probe_arg(ngx_http_request_t *r, const char *name, ngx_str_t *value)
{
    u_char     *src, *dst;
    ngx_str_t   raw;

    if (ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &raw) != NGX_OK) {
        return NULL;
    }

    src = raw.data;
    dst = ngx_pnalloc(r->pool, raw.len + 1);
    if (dst == NULL) {
        return NULL;
    }

    value->data = dst;
    ngx_unescape_uri(&dst, &src, raw.len, 0);
    value->len = dst - value->data;
    *dst = '\0';

    return (char *) value->data;
}


static ngx_int_t
probe_open(ngx_http_request_t *r, probe_conf_t *conf, probe_slot_t *slot)
{
    ngx_str_t                        value;
    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_flagship_pg_options_t   options;

    if (slot->pg) {
        ngx_http_flagship_pg_close(slot->pg);
    }

    ngx_memzero(slot, sizeof(probe_slot_t));

    if (probe_arg(r, "close", &value)) {
        slot->close.data = slot->close_data;
        slot->close.len = ngx_min(value.len, sizeof(slot->close_data));
        ngx_memcpy(slot->close_data, value.data, slot->close.len);
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_memzero(&options, sizeof(options));

    options.conninfo = conf->conninfo;
    options.timeout = conf->timeout;
    options.query_timeout = conf->query_timeout;
    options.resolver = conf->resolver ? clcf->resolver : NULL;
    options.resolver_timeout = clcf->resolver_timeout;
    options.writable = conf->writable;
    options.application_name = "flagship probe";
    options.on_ready = probe_ready;
    options.on_error = probe_error;
    options.on_notify = probe_notify;
    options.data = slot;
    options.log = ngx_cycle->log;

    slot->pg = ngx_http_flagship_pg_open(&options);

    return slot->pg ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
probe_query(ngx_http_request_t *r, probe_slot_t *slot)
{
    char         name[3] = "p1";
    char        *pad;
    size_t       len;
    ngx_str_t    value;
    ngx_uint_t   n;
    const char  *sql, *params[9];

    slot->rows = 0;
    slot->bytes = 0;
    slot->first[0] = '\0';
    slot->error[0] = '\0';

    sql = probe_arg(r, "sql", &value);

    for (n = 0; n < 8; n++) {
        name[1] = '1' + n;
        params[n] = probe_arg(r, name, &value);

        if (params[n] == NULL) {
            break;
        }

        if (ngx_strcmp(params[n], "NULL") == 0) {
            params[n] = NULL;
        }
    }

    if (probe_arg(r, "pad", &value)) {
        len = ngx_atoi(value.data, value.len);
        pad = ngx_pnalloc(r->pool, len + 1);

        if (pad == NULL) {
            return NGX_ERROR;
        }

        ngx_memset(pad, 'x', len);
        pad[len] = '\0';
        params[n++] = pad;
    }

    if (slot->pg == NULL || sql == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_pg_query(slot->pg, sql, n, params,
                                      probe_arg(r, "single", &value) != NULL,
                                      probe_result, slot);
}


static ngx_int_t
probe_parse(ngx_http_request_t *r)
{
    char                             *error;
    u_char                            text[PROBE_TEXT], *p, *last;
    ngx_str_t                         value;
    ngx_uint_t                        i;
    ngx_conf_t                        cf;
    ngx_http_flagship_pg_host_t      *host;
    ngx_http_flagship_pg_conninfo_t  *info;

    if (probe_arg(r, "text", &value) == NULL) {
        return NGX_HTTP_BAD_REQUEST;
    }

    ngx_memzero(&cf, sizeof(cf));
    cf.pool = r->pool;
    cf.cycle = (ngx_cycle_t *) ngx_cycle;
    cf.log = r->connection->log;

    error = ngx_http_flagship_pg_parse(&cf, &value, &info);

    last = text + sizeof(text);
    p = ngx_slprintf(text, last, "{\"v\":1");

    if (error) {
        p = probe_json(p, last, "error", (u_char *) error, ngx_strlen(error));
        p = ngx_slprintf(p, last, "}");
        return probe_send(r, text, p - text);
    }

    p = ngx_slprintf(p, last, ",\"role\":%d,\"timeout\":%M,\"names\":%ui,"
                     "\"hosts\":[", (int) info->role, info->timeout,
                     ngx_http_flagship_pg_has_names(info));

    for (i = 0; i < info->nhosts; i++) {
        host = &info->hosts[i];
        p = ngx_slprintf(p, last, "%s\"%V|%V|%s|%V%s%s\"", i ? "," : "",
                         &host->host, &host->hostaddr, host->port,
                         &host->peer, host->local ? "|local" : "",
                         host->name ? "|name" : "");
    }

    p = ngx_slprintf(p, last, "],\"params\":{\"v\":\"1\"");

    for (i = 0; i < info->nparams; i++) {
        p = probe_json(p, last, info->keywords[i], (u_char *) info->values[i],
                       ngx_strlen(info->values[i]));
    }

    p = ngx_slprintf(p, last, "}}");

    return probe_send(r, text, p - text);
}


static ngx_int_t
probe_handler(ngx_http_request_t *r)
{
    ngx_int_t            n, rc;
    ngx_str_t            op, value;
    probe_conf_t        *conf;
    probe_slot_t        *slot;
    ngx_pool_cleanup_t  *cln;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_flagship_pg_probe_module);

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (probe_arg(r, "op", &op) == NULL) {
        return NGX_HTTP_BAD_REQUEST;
    }

    if (ngx_strcmp(op.data, "parse") == 0) {
        return probe_parse(r);
    }

    n = probe_arg(r, "id", &value) ? ngx_atoi(value.data, value.len) : 0;

    if (n < 0 || n >= PROBE_SLOTS) {
        return NGX_HTTP_BAD_REQUEST;
    }

    slot = &probe_slots[n];

    if (ngx_strcmp(op.data, "state") == 0) {
        return probe_answer(r, slot);
    }

    if (ngx_strcmp(op.data, "close") == 0) {

        if (slot->pg) {
            ngx_http_flagship_pg_close(slot->pg);
            slot->pg = NULL;
        }

        return probe_answer(r, slot);
    }

    if (slot->request) {
        return NGX_HTTP_CONFLICT;
    }

    rc = ngx_strcmp(op.data, "open") == 0 ? probe_open(r, conf, slot)
                                          : probe_query(r, slot);
    if (rc != NGX_OK) {
        return NGX_HTTP_CONFLICT;
    }

    if (probe_arg(r, "wait", &value)) {
        return probe_answer(r, slot);
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = probe_abandon;
    cln->data = slot;

    slot->request = r;
    r->main->count++;

    return NGX_DONE;
}


static void
probe_exit(ngx_cycle_t *cycle)
{
    ngx_uint_t  i;

    ngx_http_flagship_thread_exit_process();

    for (i = 0; i < PROBE_SLOTS; i++) {

        if (probe_slots[i].pg) {
            ngx_http_flagship_pg_close(probe_slots[i].pg);
            probe_slots[i].pg = NULL;
        }
    }

#if (FLAGSHIP_SANITIZE)
    /* later, what this module and libpq hold for good would be unreachable,
       since both are unloaded first */
    __lsan_do_leak_check();
#endif
}


static void *
probe_create_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(probe_conf_t));
}


static char *
probe_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    probe_conf_t  *pcf = conf;

    char                      *error;
    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_core_loc_conf_t  *clcf;

    value = cf->args->elts;

    error = ngx_http_flagship_pg_parse(cf, &value[1], &pcf->conninfo);

    if (error != NGX_CONF_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "pg_probe: %s", error);
        return NGX_CONF_ERROR;
    }

    pcf->timeout = 2000;
    pcf->query_timeout = 5000;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "timeout=", 8) == 0) {
            pcf->timeout = ngx_atoi(value[i].data + 8, value[i].len - 8);

        } else if (ngx_strncmp(value[i].data, "query_timeout=", 14) == 0) {
            pcf->query_timeout = ngx_atoi(value[i].data + 14,
                                          value[i].len - 14);

        } else if (ngx_strcmp(value[i].data, "writable") == 0) {
            pcf->writable = 1;

        } else if (ngx_strcmp(value[i].data, "resolver") == 0) {
            pcf->resolver = 1;

        } else {
            return "has an unknown parameter";
        }
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = probe_handler;

    return NGX_CONF_OK;
}
