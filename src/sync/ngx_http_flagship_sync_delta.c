
/*
 * Copyright (C) Flagship
 */


/*
 * A round: asks flagship.delta() what is newer than what is served, and has it
 * built and published.
 *
 * One round at a time; whatever comes meanwhile makes one more (dirty).  A
 * round begins at once when a notification names a revision that is not served
 * yet, or a writer of this worker waits for one; soon when another worker's
 * does ("wanted" in the zone); and every flagship_refresh in any case.  What is
 * asked is told by what is served (epoch and revision in the zone), so a new
 * leader needs nothing of the last one.
 *
 * The first row says what the others are:
 *
 *   none    nothing is newer
 *   delta   what changed since
 *   full    everything: the reader is too far behind, holds nothing, or the
 *           database is another one than before (a restored backup, a replica
 *           that was promoted too early), which is logged
 *
 * Runs in the event loop of the leader.  Rows are copied as they come into
 * the build, which a thread takes over.
 */


#include "ngx_http_flagship_sync_leader.h"


#define NGX_HTTP_FLAGSHIP_PG_CALM       100     /* after a round for nothing */
#define NGX_HTTP_FLAGSHIP_PG_HEAVY      100     /* a round that wants a rest */
#define NGX_HTTP_FLAGSHIP_PG_REST       1000


static void ngx_http_flagship_sync_pg_round(ngx_http_flagship_sync_t *sync);
static void ngx_http_flagship_sync_pg_result(ngx_http_flagship_pg_t *pg,
    void *data, PGresult *result);
static ngx_int_t ngx_http_flagship_sync_pg_head(ngx_http_flagship_sync_t *sync,
    PGresult *result);
static ngx_int_t ngx_http_flagship_sync_pg_row(ngx_http_flagship_sync_t *sync,
    PGresult *result, int row);
static flagship_str_t ngx_http_flagship_sync_pg_value(PGresult *result,
    int row, int column);
static void ngx_http_flagship_sync_pg_end(ngx_http_flagship_sync_t *sync);
static void ngx_http_flagship_sync_pg_compare(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b);
static void ngx_http_flagship_sync_pg_settled(ngx_http_flagship_sync_t *sync);


/* The columns of flagship.delta(). */

enum {
    ENTITY = 0,
    TENANT,
    ENVIRONMENT,
    KEY,
    DOCUMENT,
    COLUMNS
};


static const char  ngx_http_flagship_sync_pg_delta[] =
    "SELECT entity, tenant, environment, key, document"
    " FROM flagship.delta($1::uuid, $2::bigint)";


void
ngx_http_flagship_sync_pg_next(ngx_http_flagship_sync_t *sync)
{
    ngx_uint_t                    again;
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    if (!p->ready || p->busy || sync->running) {
        return;
    }

    /* the last round may have brought it already */

    again = p->dirty || p->told > sync->shared->revision;

    if (!ngx_http_flagship_sync_past(p->calm)) {

        if (again) {
            ngx_http_flagship_sync_wake(sync, p->calm - ngx_current_msec);
        }

        return;
    }

    p->poll = 0;

    if (!again) {

        if (!ngx_http_flagship_sync_past(p->due)) {
            return;
        }

        p->poll = 1;

        if (!ngx_http_flagship_sync_pg_hears(sync)) {
            return;
        }
    }

    ngx_http_flagship_sync_pg_round(sync);
}


static void
ngx_http_flagship_sync_pg_round(ngx_http_flagship_sync_t *sync)
{
    u_char                        epoch[NGX_HTTP_FLAGSHIP_EPOCH_LEN + 1];
    u_char                        revision[NGX_INT64_LEN + 1];
    ngx_str_t                     why, text;
    const char                   *params[2];
    ngx_http_flagship_view_t     *view;
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    /* what waits for room in the zone is older than what will be asked for */

    ngx_http_flagship_sync_forget(sync);

    p->build = ngx_http_flagship_build_create();
    if (p->build == NULL) {
        ngx_str_set(&why, "no memory to read flags");
        ngx_http_flagship_sync_pg_failed(sync, &why);
        return;
    }

    p->asked = sync->shared->revision;
    p->wanted = sync->shared->wanted;
    p->began = ngx_current_msec;
    p->due = ngx_current_msec + sync->conf->refresh;
    p->busy = 1;
    p->dirty = 0;
    p->told = 0;
    p->head = 0;
    p->none = 0;
    p->error[0] = '\0';

    params[0] = NULL;
    params[1] = NULL;

    view = ngx_http_flagship_zone_acquire(sync->zone);

    if (view) {
        text = ngx_http_flagship_view_epoch(view);

        if (text.len == NGX_HTTP_FLAGSHIP_EPOCH_LEN && !p->whole) {
            *ngx_cpymem(epoch, text.data, text.len) = '\0';
            *ngx_sprintf(revision, "%uL", p->asked) = '\0';

            params[0] = (char *) epoch;
            params[1] = (char *) revision;
        }

        ngx_http_flagship_view_release(view);
    }

    if (ngx_http_flagship_pg_query(p->pg, ngx_http_flagship_sync_pg_delta, 2,
                                   params, 1, ngx_http_flagship_sync_pg_result,
                                   sync)
        != NGX_OK)
    {
        ngx_str_set(&why, "a query could not be sent");
        ngx_http_flagship_sync_pg_failed(sync, &why);
    }
}


static void
ngx_http_flagship_sync_pg_result(ngx_http_flagship_pg_t *pg, void *data,
    PGresult *result)
{
    ngx_http_flagship_sync_t  *sync = data;

    int                           i;
    ngx_int_t                     rc;
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    if (result == NULL) {
        p->busy = 0;
        ngx_http_flagship_sync_pg_end(sync);
        return;
    }

    if (p->error[0]) {
        return;
    }

    switch (PQresultStatus(result)) {

    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
        break;

    default:
        ngx_http_flagship_sync_pg_refused(sync, result);
        return;
    }

    if (PQnfields(result) != COLUMNS) {
        (void) ngx_cpystrn((u_char *) p->error,
                           (u_char *) "flagship.delta() is not of this version",
                           sizeof(p->error));
        return;
    }

    for (i = 0; i < PQntuples(result); i++) {

        if (p->head) {
            rc = ngx_http_flagship_sync_pg_row(sync, result, i);

        } else {
            rc = ngx_http_flagship_sync_pg_head(sync, result);
        }

        if (rc != NGX_OK) {
            return;
        }
    }
}


void
ngx_http_flagship_sync_pg_refused(ngx_http_flagship_sync_t *sync,
    PGresult *result)
{
    char  *message, *state;

    state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    ngx_snprintf((u_char *) sync->pg.error, sizeof(sync->pg.error) - 1,
                 "%s (%s)%Z", message ? message : "unknown error",
                 state ? state : "no SQLSTATE");
}


/* The first row: epoch, revision, and what the others are. */

static ngx_int_t
ngx_http_flagship_sync_pg_head(ngx_http_flagship_sync_t *sync,
    PGresult *result)
{
    off_t                         revision;
    flagship_str_t                entity, epoch, key, document;
    ngx_http_flagship_build_t    *b;
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;
    b = p->build;

    entity = ngx_http_flagship_sync_pg_value(result, 0, ENTITY);
    epoch = ngx_http_flagship_sync_pg_value(result, 0, TENANT);
    key = ngx_http_flagship_sync_pg_value(result, 0, KEY);
    document = ngx_http_flagship_sync_pg_value(result, 0, DOCUMENT);

    revision = ngx_atoof((u_char *) key.data, key.len);

    if (!flagship_str_is(entity, "revision")
        || epoch.len != NGX_HTTP_FLAGSHIP_EPOCH_LEN
        || revision == (off_t) NGX_ERROR)
    {
        (void) ngx_cpystrn((u_char *) p->error,
                           (u_char *) "the database has no revision",
                           sizeof(p->error));
        return NGX_ERROR;
    }

    ngx_memcpy(b->epoch, epoch.data, epoch.len);
    b->epoch_len = epoch.len;
    b->revision = (uint64_t) revision;
    b->whole = flagship_str_is(document, "full") ? 1 : 0;

    p->found = b->revision;
    p->none = flagship_str_is(document, "none") ? 1 : 0;
    p->head = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_sync_pg_row(ngx_http_flagship_sync_t *sync, PGresult *result,
    int row)
{
    flagship_str_t                entity;
    ngx_http_flagship_row_e       kind;
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    entity = ngx_http_flagship_sync_pg_value(result, row, ENTITY);

    if (flagship_str_is(entity, "flag")) {
        kind = NGX_HTTP_FLAGSHIP_ROW_FLAG;

    } else if (flagship_str_is(entity, "segment")) {
        kind = NGX_HTTP_FLAGSHIP_ROW_SEGMENT;

    } else if (flagship_str_is(entity, "set")) {
        kind = NGX_HTTP_FLAGSHIP_ROW_SET;

    } else if (flagship_str_is(entity, "environment")) {
        kind = NGX_HTTP_FLAGSHIP_ROW_ENVIRONMENT;

    } else if (flagship_str_is(entity, "api_key")) {
        kind = NGX_HTTP_FLAGSHIP_ROW_KEY;

    } else {
        /* of a later version of the schema */
        return NGX_OK;
    }

    if (ngx_http_flagship_build_add_row(p->build, kind,
            ngx_http_flagship_sync_pg_value(result, row, TENANT),
            ngx_http_flagship_sync_pg_value(result, row, ENVIRONMENT),
            ngx_http_flagship_sync_pg_value(result, row, KEY),
            ngx_http_flagship_sync_pg_value(result, row, DOCUMENT))
        != FLAGSHIP_OK)
    {
        (void) ngx_cpystrn((u_char *) p->error,
                           (u_char *) "no memory to read flags",
                           sizeof(p->error));
        return NGX_ERROR;
    }

    return NGX_OK;
}


static flagship_str_t
ngx_http_flagship_sync_pg_value(PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column)) {
        return flagship_str(NULL, 0);
    }

    return flagship_str(PQgetvalue(result, row, column),
                        PQgetlength(result, row, column));
}


static void
ngx_http_flagship_sync_pg_end(ngx_http_flagship_sync_t *sync)
{
    ngx_str_t                     why;
    ngx_http_flagship_build_t    *b;
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    if (p->error[0] == '\0' && !p->head) {
        (void) ngx_cpystrn((u_char *) p->error,
                           (u_char *) "flagship.delta() returned nothing",
                           sizeof(p->error));
    }

    if (p->error[0]) {
        why.data = (u_char *) p->error;
        why.len = ngx_strlen(p->error);

        ngx_http_flagship_sync_pg_failed(sync, &why);
        return;
    }

    b = p->build;
    p->build = NULL;
    p->whole = 0;
    p->patience = 0;

    if (p->none) {
        ngx_http_flagship_build_destroy(b);
        ngx_http_flagship_sync_checked(sync);

        if (!p->poll) {
            /* a notification of nothing: not too often */
            p->calm = ngx_current_msec + NGX_HTTP_FLAGSHIP_PG_CALM;
        }

        ngx_http_flagship_sync_pg_settled(sync);
        return;
    }

    ngx_http_flagship_sync_pg_compare(sync, b);

    if (p->poll && b->revision > p->notified) {
        p->unheard = b->revision;
    }

    ngx_http_flagship_sync_run(sync, b);
}


/*
 * The database may have become another one (restored, failed over to a replica
 * that was behind): its content goes in, whatever its number says.
 */

static void
ngx_http_flagship_sync_pg_compare(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b)
{
    ngx_str_t                     epoch;
    ngx_uint_t                    same;
    ngx_http_flagship_view_t     *view;
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    if (!b->whole) {
        return;
    }

    view = ngx_http_flagship_zone_acquire(sync->zone);
    if (view == NULL) {
        return;
    }

    epoch = ngx_http_flagship_view_epoch(view);
    same = (epoch.len == b->epoch_len
            && ngx_memcmp(epoch.data, b->epoch, epoch.len) == 0);

    ngx_http_flagship_view_release(view);

    if (same && b->revision > p->asked) {
        return;
    }

    b->back = 1;
    p->notified = b->revision;

    if (p->warned || (same && b->revision == p->asked)) {
        return;
    }

    p->warned = 1;

    if (same) {
        ngx_log_error(NGX_LOG_WARN, sync->log, 0,
                      "flagship: the database went back from revision %uL to "
                      "%uL: loading everything", p->asked, b->revision);

    } else {
        ngx_log_error(NGX_LOG_WARN, sync->log, 0,
                      "flagship: the epoch of the database is another one, at "
                      "revision %uL: loading everything", b->revision);
    }
}


void
ngx_http_flagship_sync_pg_done(ngx_http_flagship_sync_t *sync,
    ngx_http_flagship_build_t *b, ngx_http_flagship_sync_e how)
{
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    p->found = 0;

    switch (how) {

    case NGX_HTTP_FLAGSHIP_SYNC_DONE:
        p->warned = 0;
        ngx_http_flagship_sync_pg_settled(sync);
        return;

    case NGX_HTTP_FLAGSHIP_SYNC_FULL:
        p->whole = 1;
        p->dirty = 1;
        break;

    case NGX_HTTP_FLAGSHIP_SYNC_OVERTAKEN:
        p->dirty = 1;
        p->calm = ngx_current_msec + NGX_HTTP_FLAGSHIP_PG_CALM;
        break;

    case NGX_HTTP_FLAGSHIP_SYNC_WAITING:

        /* what is newer may need less room: looked for, but not too often */

        p->calm = ngx_current_msec + NGX_HTTP_FLAGSHIP_SYNC_RETRY;
        return;

    default:
        p->dirty = 1;
        p->calm = ngx_current_msec + NGX_HTTP_FLAGSHIP_SYNC_RETRY;
    }

    ngx_http_flagship_sync_pg_next(sync);
}


/* A round has ended well. */

static void
ngx_http_flagship_sync_pg_settled(ngx_http_flagship_sync_t *sync)
{
    ngx_msec_t                    took;
    ngx_atomic_uint_t             failures;
    ngx_http_flagship_sync_pg_t  *p;

    p = &sync->pg;

    took = ngx_current_msec - p->began;

    if (took > NGX_HTTP_FLAGSHIP_PG_HEAVY) {
        p->calm = ngx_current_msec + ngx_min(took, NGX_HTTP_FLAGSHIP_PG_REST);
    }

    failures = sync->shared->failures;

    if (failures) {
        sync->shared->failures = 0;

        ngx_log_error(NGX_LOG_NOTICE, sync->log, 0,
                      "flagship: PostgreSQL answers again after %uA failures, "
                      "revision %uL", failures,
                      (uint64_t) sync->shared->revision);
    }

    ngx_http_flagship_sync_pg_next(sync);
}
