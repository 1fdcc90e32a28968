
/*
 * Copyright (C) Flagship
 */


/*
 * A request's calls of PostgreSQL, on the worker's pool.  A worker's event
 * loop.
 *
 * Handlers of the pool belong to no connection of nginx, so what they posted
 * for the request is run by them.  A request that ends in a handler is freed
 * there, which cancels its call.
 */


#include "ngx_http_flagship_api_query.h"
#include "ngx_http_flagship_sync.h"
#include "ngx_http_flagship_zone_count.h"


static void ngx_http_flagship_query_tick(void *data);
static void ngx_http_flagship_query_watch(ngx_http_request_t *r);
static void ngx_http_flagship_query_result(void *data, PGresult *result);
static void ngx_http_flagship_query_done(void *data,
    ngx_http_flagship_pg_outcome_e outcome);
static void ngx_http_flagship_query_keep(ngx_http_flagship_call_t *call,
    PGresult *result);
static void ngx_http_flagship_query_field(ngx_pool_t *pool, PGresult *result,
    int code, ngx_str_t *field);
static void ngx_http_flagship_query_lost(ngx_http_flagship_call_t *call,
    ngx_http_flagship_pg_outcome_e outcome);
static void ngx_http_flagship_query_refused(ngx_http_flagship_call_t *call);
static void ngx_http_flagship_query_more(ngx_http_flagship_call_t *call);


static ngx_http_flagship_query_error_t  ngx_http_flagship_query_nomem;


/* By SQLSTATE; a shorter one is a class.  The first that fits counts. */

static const struct {
    const char  *state;
    ngx_uint_t   status;
    const char  *detail;
} ngx_http_flagship_states[] = {
    { "23505", 409, "it exists already" },
    { "23503", 409, "something that it refers to does not exist, or "
                    "something refers to it" },
    { "23514", 422, "a field has a value that is not allowed" },
    { "23502", 422, "a field that is needed is missing" },
    { "23", 409, "it contradicts something that is there" },
    { "22", 422, "a field has a value that is not allowed" },
    { "25006", 503, "the database takes no writes at the moment" },
    { "40", 503, "the database met a conflict: nothing was done" },
    { "53", 503, "the database has no resources left: nothing was done" },
    { "55P03", 503, "the database is busy: nothing was done" },
    { "57", 503, "the database ended the query: nothing was done" },
    { NULL, 0, NULL }
};


ngx_int_t
ngx_http_flagship_query_init_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf)
{
    ngx_http_flagship_sync_conf_t          *scf;
    ngx_http_flagship_pg_pool_options_t     options;

    scf = fmcf->sync;

    if (!fmcf->api->used || scf->pg == NULL) {
        return NGX_OK;
    }

    ngx_memzero(&options, sizeof(ngx_http_flagship_pg_pool_options_t));

    options.conninfo = scf->pg;
    options.size = scf->pool;
    options.timeout = scf->timeout;
    options.resolver = scf->resolver;
    options.resolver_timeout = scf->resolver_timeout;
    options.application_name = "flagship api";
    options.log = cycle->log;

    fmcf->api->pool = ngx_http_flagship_pg_pool_create(&options);

    if (fmcf->api->pool == NULL) {
        return NGX_ERROR;
    }

    ngx_http_flagship_zone_on_tick(fmcf->zone, ngx_http_flagship_query_tick,
                                   fmcf);

    return NGX_OK;
}


/* What the pool does, for the metrics, whichever worker is asked for them. */

static void
ngx_http_flagship_query_tick(void *data)
{
    ngx_http_flagship_main_conf_t *fmcf = data;

    ngx_http_flagship_calls_t         calls;
    ngx_http_flagship_pg_pool_stat_t  stat;

    ngx_http_flagship_pg_pool_stat(fmcf->api->pool, &stat);

    calls.idle = stat.idle;
    calls.busy = stat.busy;
    calls.waiting = stat.waiting;
    calls.refused = stat.refused;
    calls.unknown = stat.unknown;

    ngx_http_flagship_calls_show(fmcf->zone, &calls);
}


void
ngx_http_flagship_query_exit_process(ngx_http_flagship_main_conf_t *fmcf)
{
    if (fmcf->api->pool) {
        ngx_http_flagship_zone_on_tick(fmcf->zone, NULL, NULL);
        ngx_http_flagship_pg_pool_destroy(fmcf->api->pool);
        fmcf->api->pool = NULL;
    }
}


ngx_int_t
ngx_http_flagship_call_query(ngx_http_flagship_call_t *call,
    const ngx_http_flagship_query_t *query)
{
    ngx_http_flagship_query_t            *q;
    ngx_http_flagship_main_conf_t        *fmcf;
    ngx_http_flagship_pg_call_options_t   options;

    fmcf = ngx_http_flagship_get_main_conf(call->request);

    if (fmcf->api->pool == NULL) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_SERVICE_UNAVAILABLE,
                                       "there is no database: this server "
                                       "has its flags from a file");
        return NGX_OK;
    }

    q = ngx_palloc(call->request->pool, sizeof(ngx_http_flagship_query_t));
    if (q == NULL) {
        return NGX_ERROR;
    }

    *q = *query;
    call->query = q;

    ngx_memzero(&options, sizeof(ngx_http_flagship_pg_call_options_t));

    options.sql = q->sql;
    options.nparams = q->nparams;
    options.params = q->params;
    options.write = q->write;
    options.single = q->single;
    options.on_result = ngx_http_flagship_query_result;
    options.on_done = ngx_http_flagship_query_done;
    options.data = call;

    call->pg = ngx_http_flagship_pg_pool_call(fmcf->api->pool, &options);

    if (call->pg == NULL) {
        return NGX_ERROR;
    }

    ngx_http_flagship_query_watch(call->request);

    return NGX_OK;
}


/* A client that closes while the query runs is noticed, also one that had
   closed before: of that there is no second event. */

static void
ngx_http_flagship_query_watch(ngx_http_request_t *r)
{
    ngx_event_t  *rev;

    if (r != r->main || r->discard_body) {
        return;
    }

    r->read_event_handler = ngx_http_test_reading;

    rev = r->connection->read;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);
    }
}


void
ngx_http_flagship_query_cancel(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_pg_call_t  *pg;

    pg = call->pg;

    if (pg) {
        call->pg = NULL;
        ngx_http_flagship_pg_pool_cancel(pg);
    }
}


static void
ngx_http_flagship_query_result(void *data, PGresult *result)
{
    ngx_http_flagship_call_t *call = data;

    ngx_connection_t  *c;

    switch (PQresultStatus(result)) {

    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
        break;

    default:
        ngx_http_flagship_query_keep(call, result);
        return;
    }

    if (call->query->on_result && call->query_error == NULL) {
        c = call->request->connection;

        call->query->on_result(call, result);

        ngx_http_run_posted_requests(c);
    }
}


/* An error, until the call is done: only then it is known what happened. */

static void
ngx_http_flagship_query_keep(ngx_http_flagship_call_t *call,
    PGresult *result)
{
    ngx_pool_t                       *pool;
    ngx_http_flagship_query_error_t  *error;

    pool = call->request->pool;

    error = ngx_pcalloc(pool, sizeof(ngx_http_flagship_query_error_t));

    if (error == NULL) {
        call->query_error = &ngx_http_flagship_query_nomem;
        return;
    }

    call->query_error = error;

    ngx_http_flagship_query_field(pool, result, PG_DIAG_CONSTRAINT_NAME,
                                  &error->constraint);
    ngx_http_flagship_query_field(pool, result, PG_DIAG_MESSAGE_PRIMARY,
                                  &error->message);

    if (PQresultErrorField(result, PG_DIAG_SQLSTATE)) {
        (void) ngx_cpystrn((u_char *) error->state,
                           (u_char *) PQresultErrorField(result,
                                                         PG_DIAG_SQLSTATE),
                           sizeof(error->state));
    }
}


static void
ngx_http_flagship_query_field(ngx_pool_t *pool, PGresult *result, int code,
    ngx_str_t *field)
{
    char    *value;
    u_char  *p;
    size_t   len;

    value = PQresultErrorField(result, code);

    if (value == NULL) {
        return;
    }

    len = ngx_strlen(value);

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return;
    }

    ngx_memcpy(p, value, len);

    field->data = p;
    field->len = len;
}


static void
ngx_http_flagship_query_done(void *data,
    ngx_http_flagship_pg_outcome_e outcome)
{
    ngx_http_flagship_call_t *call = data;

    ngx_connection_t  *c;

    c = call->request->connection;
    call->pg = NULL;

    if (outcome != NGX_HTTP_FLAGSHIP_PG_DONE) {
        ngx_http_flagship_query_lost(call, outcome);

    } else if (call->query_error == NULL) {
        call->query->on_done(call);

    } else {
        ngx_http_flagship_query_refused(call);
    }

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_flagship_query_lost(ngx_http_flagship_call_t *call,
    ngx_http_flagship_pg_outcome_e outcome)
{
    const char                     *detail;
    ngx_http_flagship_main_conf_t  *fmcf;

    if (call->answered) {
        ngx_http_flagship_call_abort(call);
        return;
    }

    fmcf = ngx_http_flagship_get_main_conf(call->request);

    call->retry_after = ngx_http_flagship_pg_pool_retry_after(
                                                           fmcf->api->pool);

    switch (outcome) {

    case NGX_HTTP_FLAGSHIP_PG_AWAY:
        detail = "the database cannot be reached: nothing was done";
        break;

    case NGX_HTTP_FLAGSHIP_PG_BUSY:
        detail = "the database has too much to do: nothing was done";
        break;

    default:
        detail = call->query->write
                 ? "the connection to the database was lost: whether this was "
                   "done is not known, please look before you try again"
                 : "the connection to the database was lost";
        break;
    }

    ngx_http_flagship_call_problem(call, NGX_HTTP_SERVICE_UNAVAILABLE, "%s",
                                   detail);
}


static void
ngx_http_flagship_query_refused(ngx_http_flagship_call_t *call)
{
    ngx_uint_t                        i;
    const char                       *state;
    ngx_http_flagship_query_error_t  *error;

    error = call->query_error;

    if (!call->answered && call->query->on_error
        && call->query->on_error(call, error))
    {
        return;
    }

    for (i = 0; ngx_http_flagship_states[i].state; i++) {
        state = ngx_http_flagship_states[i].state;

        if (ngx_strncmp(error->state, state, ngx_strlen(state)) == 0) {
            break;
        }
    }

    if (ngx_http_flagship_states[i].state == NULL) {

        /* nothing that a request could cause */

        ngx_log_error(NGX_LOG_ERR, call->request->connection->log, 0,
                      "flagship: PostgreSQL refused a query: %V (%s)",
                      &error->message, error->state);
    }

    if (call->answered) {
        ngx_http_flagship_call_abort(call);

    } else if (ngx_http_flagship_states[i].state) {
        ngx_http_flagship_call_problem(call,
                                       ngx_http_flagship_states[i].status,
                                       "%s",
                                       ngx_http_flagship_states[i].detail);

    } else {
        ngx_http_flagship_call_problem(call,
                                       NGX_HTTP_INTERNAL_SERVER_ERROR,
                                       "the database refused a query");
    }
}


/* The client is slow: rows wait until it has taken what was sent. */

void
ngx_http_flagship_query_pause(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_pg_pool_suspend(call->pg);

    call->more = ngx_http_flagship_query_more;
}


static void
ngx_http_flagship_query_more(ngx_http_flagship_call_t *call)
{
    if (call->pg) {
        ngx_http_flagship_pg_pool_resume(call->pg);
    }
}
