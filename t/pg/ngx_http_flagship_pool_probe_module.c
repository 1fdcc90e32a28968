
/*
 * Copyright (C) Flagship
 */


/*
 * Lets tests drive the pool of src/pg inside a real nginx.
 *
 *   pool_probe "conninfo" [size=n] [timeout=ms] [query_timeout=ms] [queue=n]
 *              [queue_timeout=ms] [idle_timeout=ms];
 *
 * gives a location a pool of its own in each worker.  Arguments of a request:
 *
 *   op=call &sql= [&p1=..&p8=] [&write=1] [&single=1] [&suspend=n] [&cancel=n]
 *           [&calls=n]
 *   op=resume, op=cancel, op=stat
 *
 * "suspend" and "cancel" name the number of a row; "resume" and "cancel" go on
 * with, and give up, the last call that was suspended.  "calls" makes so many
 * of the same; the answer, in JSON, comes after the last.  A client that goes
 * away cancels.
 */


#include "ngx_http_flagship_pg_pool.h"


#define PROBE_CALLS  2000


typedef struct {
    ngx_http_flagship_pg_pool_options_t   options;
    ngx_http_flagship_pg_pool_t          *pool;       /* of this worker */
    struct probe_s                       *suspended;
} probe_conf_t;

typedef struct probe_s  probe_t;

typedef struct {
    probe_t                              *probe;
    ngx_http_flagship_pg_call_t          *call;       /* NULL: done */
} probe_call_t;

struct probe_s {
    ngx_http_request_t                   *request;
    probe_conf_t                         *conf;
    probe_call_t                         *calls;
    ngx_uint_t                            ncalls;
    ngx_uint_t                            left;
    ngx_uint_t                            inside;     /* of pool_call() */
    ngx_uint_t                            early;      /* handlers inside */

    ngx_uint_t                            suspend;
    ngx_uint_t                            cancel;
    ngx_uint_t                            outcomes[4];
    ngx_uint_t                            results;
    ngx_uint_t                            rows;
    size_t                                bytes;
    u_char                                first[256];
    u_char                                state[8];
};


static char *probe_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static void *probe_create_conf(ngx_conf_t *cf);
static void probe_exit(ngx_cycle_t *cycle);


static ngx_command_t  probe_commands[] = {

    { ngx_string("pool_probe"),
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


ngx_module_t  ngx_http_flagship_pool_probe_module = {
    NGX_MODULE_V1,
    &probe_ctx,
    probe_commands,
    NGX_HTTP_MODULE,
    NULL, NULL, NULL, NULL, NULL,
    probe_exit,
    NULL,
    NGX_MODULE_V1_PADDING
};


static ngx_array_t  *probe_confs;


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
probe_stat(ngx_http_request_t *r, probe_conf_t *conf)
{
    u_char                            text[512], *p;
    ngx_http_flagship_pg_pool_stat_t  stat;

    ngx_memzero(&stat, sizeof(stat));

    if (conf->pool) {
        ngx_http_flagship_pg_pool_stat(conf->pool, &stat);
    }

    p = ngx_snprintf(text, sizeof(text),
                     "{\"idle\":%ui,\"busy\":%ui,\"connecting\":%ui,"
                     "\"waiting\":%ui,\"refused\":%ui,\"unknown\":%ui}",
                     stat.idle, stat.busy, stat.connecting, stat.waiting,
                     stat.refused, stat.unknown);

    return probe_send(r, text, p - text);
}


static ngx_int_t
probe_answer(probe_t *probe)
{
    u_char  text[4096], *p, *last;

    last = text + sizeof(text);

    p = ngx_slprintf(text, last,
                     "{\"done\":%ui,\"away\":%ui,\"busy\":%ui,"
                     "\"unknown\":%ui,\"early\":%ui,\"results\":%ui,"
                     "\"rows\":%ui,\"bytes\":%uz,\"state\":\"%s\","
                     "\"retry\":%ui,\"first\":\"",
                     probe->outcomes[NGX_HTTP_FLAGSHIP_PG_DONE],
                     probe->outcomes[NGX_HTTP_FLAGSHIP_PG_AWAY],
                     probe->outcomes[NGX_HTTP_FLAGSHIP_PG_BUSY],
                     probe->outcomes[NGX_HTTP_FLAGSHIP_PG_UNKNOWN],
                     probe->early, probe->results, probe->rows, probe->bytes,
                     probe->state,
                     ngx_http_flagship_pg_pool_retry_after(probe->conf->pool));

    p = (u_char *) ngx_escape_json(p, probe->first, ngx_strlen(probe->first));
    p = ngx_slprintf(p, last, "\"}");

    return probe_send(probe->request, text, p - text);
}


static void
probe_give_up(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_http_finalize_request(r, NGX_HTTP_CLOSE);
    ngx_http_run_posted_requests(c);
}


static void
probe_result(void *data, PGresult *result)
{
    probe_call_t *call = data;

    int       i, j;
    char     *state;
    probe_t  *probe;

    probe = call->probe;

    probe->early += probe->inside;
    probe->results++;

    state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (state) {
        (void) ngx_cpystrn(probe->state, (u_char *) state,
                           sizeof(probe->state));
    }

    for (i = 0; i < PQntuples(result); i++) {

        for (j = 0; j < PQnfields(result); j++) {
            probe->bytes += PQgetlength(result, i, j);
        }

        if (probe->rows++ == 0 && PQnfields(result)) {
            (void) ngx_cpystrn(probe->first,
                               (u_char *) PQgetvalue(result, i, 0),
                               sizeof(probe->first));
        }
    }

    if (probe->suspend && probe->rows == probe->suspend) {
        probe->conf->suspended = probe;
        ngx_http_flagship_pg_pool_suspend(call->call);
    }

    if (probe->cancel && probe->rows == probe->cancel) {
        probe_give_up(probe->request);
    }
}


static void
probe_done(void *data, ngx_http_flagship_pg_outcome_e outcome)
{
    probe_call_t *call = data;

    probe_t           *probe;
    ngx_connection_t  *c;

    probe = call->probe;
    call->call = NULL;

    probe->early += probe->inside;
    probe->outcomes[outcome]++;

    if (--probe->left == 0) {
        c = probe->request->connection;

        ngx_http_finalize_request(probe->request, probe_answer(probe));
        ngx_http_run_posted_requests(c);
    }
}


static void
probe_abandon(void *data)
{
    probe_t *probe = data;

    ngx_uint_t  i;

    if (probe->conf->suspended == probe) {
        probe->conf->suspended = NULL;
    }

    for (i = 0; i < probe->ncalls; i++) {

        if (probe->calls[i].call) {
            ngx_http_flagship_pg_pool_cancel(probe->calls[i].call);
            probe->calls[i].call = NULL;
        }
    }
}


/* An argument, decoded and ended with a zero; NULL where it is absent. */

static char *
probe_arg(ngx_http_request_t *r, const char *name)
{
    u_char     *src, *dst, *value;
    ngx_str_t   raw;

    if (ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &raw) != NGX_OK) {
        return NULL;
    }

    src = raw.data;
    dst = ngx_pnalloc(r->pool, raw.len + 1);
    if (dst == NULL) {
        return NULL;
    }

    value = dst;
    ngx_unescape_uri(&dst, &src, raw.len, 0);
    *dst = '\0';

    return (char *) value;
}


static ngx_uint_t
probe_number(ngx_http_request_t *r, const char *name)
{
    char  *value;

    value = probe_arg(r, name);

    return value ? (ngx_uint_t) ngx_atoi((u_char *) value, ngx_strlen(value))
                 : 0;
}


static ngx_int_t
probe_call(ngx_http_request_t *r, probe_conf_t *conf)
{
    char                                  name[3] = "p1";
    probe_t                              *probe;
    ngx_uint_t                            i;
    const char                          **params;
    ngx_pool_cleanup_t                   *cln;
    ngx_http_flagship_pg_call_options_t   options;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(probe_t));
    params = ngx_pcalloc(r->pool, 8 * sizeof(char *));

    if (cln == NULL || params == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    probe = cln->data;
    ngx_memzero(probe, sizeof(probe_t));

    probe->request = r;
    probe->conf = conf;
    probe->suspend = probe_number(r, "suspend");
    probe->cancel = probe_number(r, "cancel");
    probe->ncalls = ngx_max(probe_number(r, "calls"), 1);
    probe->left = probe->ncalls;

    if (probe->ncalls > PROBE_CALLS) {
        return NGX_HTTP_BAD_REQUEST;
    }

    probe->calls = ngx_pcalloc(r->pool, probe->ncalls * sizeof(probe_call_t));
    if (probe->calls == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&options, sizeof(options));

    options.sql = probe_arg(r, "sql");
    options.params = params;
    options.write = probe_number(r, "write");
    options.single = probe_number(r, "single");
    options.on_result = probe_result;
    options.on_done = probe_done;

    for (i = 0; i < 8; i++) {
        name[1] = '1' + i;
        params[i] = probe_arg(r, name);

        if (params[i] == NULL) {
            break;
        }
    }

    options.nparams = i;

    r->main->count++;
    r->read_event_handler = ngx_http_test_reading;
    cln->handler = probe_abandon;

    if (r->connection->read->ready) {
        /* an end that came with the request makes no event of its own */
        ngx_post_event(r->connection->read, &ngx_posted_events);
    }

    probe->inside = 1;

    for (i = 0; i < probe->ncalls; i++) {
        probe->calls[i].probe = probe;
        options.data = &probe->calls[i];
        probe->calls[i].call = ngx_http_flagship_pg_pool_call(conf->pool,
                                                              &options);
    }

    probe->inside = 0;

    return NGX_DONE;
}


static ngx_int_t
probe_handler(ngx_http_request_t *r)
{
    char          *op;
    ngx_int_t      rc;
    ngx_uint_t     i;
    probe_t       *probe;
    probe_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r,
                                        ngx_http_flagship_pool_probe_module);

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    op = probe_arg(r, "op");
    if (op == NULL) {
        return NGX_HTTP_BAD_REQUEST;
    }

    if (conf->pool == NULL) {
        conf->options.log = ngx_cycle->log;
        conf->pool = ngx_http_flagship_pg_pool_create(&conf->options);

        if (conf->pool == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (ngx_strcmp(op, "stat") == 0) {
        return probe_stat(r, conf);
    }

    if (ngx_strcmp(op, "call") == 0) {
        return probe_call(r, conf);
    }

    probe = conf->suspended;

    if (probe == NULL) {
        return NGX_HTTP_CONFLICT;
    }

    if (ngx_strcmp(op, "resume") == 0) {

        for (i = 0; i < probe->ncalls; i++) {

            if (probe->calls[i].call) {
                ngx_http_flagship_pg_pool_resume(probe->calls[i].call);
            }
        }

    } else {
        probe_give_up(probe->request);
    }

    return probe_stat(r, conf);
}


static void
probe_exit(ngx_cycle_t *cycle)
{
    ngx_uint_t      i;
    probe_conf_t  **confs;

    if (probe_confs == NULL) {
        return;
    }

    confs = probe_confs->elts;

    for (i = 0; i < probe_confs->nelts; i++) {

        if (confs[i]->pool) {
            ngx_http_flagship_pg_pool_destroy(confs[i]->pool);
        }
    }
}


static void *
probe_create_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(probe_conf_t));
}


static char *
probe_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    probe_conf_t *pcf = conf;

    char                                 *error;
    ngx_str_t                            *value;
    ngx_uint_t                            i, n;
    probe_conf_t                        **slot;
    ngx_http_core_loc_conf_t             *clcf;
    ngx_http_flagship_pg_pool_options_t  *o;

    static ngx_cycle_t  *cycle;

    value = cf->args->elts;
    o = &pcf->options;

    error = ngx_http_flagship_pg_parse(cf, &value[1], &o->conninfo);

    if (error != NGX_CONF_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "pool_probe: %s", error);
        return NGX_CONF_ERROR;
    }

    o->size = 4;
    o->timeout = 2000;
    o->application_name = "flagship pool";

    for (i = 2; i < cf->args->nelts; i++) {

        n = strtoul(strchr((char *) value[i].data, '=') + 1, NULL, 10);

        if (ngx_strncmp(value[i].data, "size=", 5) == 0) {
            o->size = n;

        } else if (ngx_strncmp(value[i].data, "timeout=", 8) == 0) {
            o->timeout = n;

        } else if (ngx_strncmp(value[i].data, "query_timeout=", 14) == 0) {
            o->query_timeout = n;

        } else if (ngx_strncmp(value[i].data, "queue=", 6) == 0) {
            o->queue = n;

        } else if (ngx_strncmp(value[i].data, "queue_timeout=", 14) == 0) {
            o->queue_timeout = n;

        } else if (ngx_strncmp(value[i].data, "idle_timeout=", 13) == 0) {
            o->idle_timeout = n;

        } else {
            return "has an unknown parameter";
        }
    }

    if (cycle != cf->cycle) {
        cycle = cf->cycle;
        probe_confs = ngx_array_create(cf->pool, 4, sizeof(probe_conf_t *));

        if (probe_confs == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    slot = ngx_array_push(probe_confs);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = pcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = probe_handler;

    return NGX_CONF_OK;
}
