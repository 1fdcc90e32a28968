
/*
 * Copyright (C) Flagship
 */


/*
 * Flags: read, create, change, archive, purge, restore.
 *
 * A write is one call of a function of PostgreSQL.  A change of which the
 * compiler must see the whole flag reads it first; what it was judged by goes
 * along, and where that has changed meanwhile, it is judged anew.
 *
 * A worker's event loop.
 */


#include "ngx_http_flagship_api_entity.h"
#include "ngx_http_flagship_api_flags.h"


#define NGX_HTTP_FLAGSHIP_FLAG_TRIES  50


static ngx_int_t ngx_http_flagship_flag_start(ngx_http_flagship_call_t *call,
    ngx_uint_t named, ngx_http_flagship_flag_call_t **fcp);
static const char *ngx_http_flagship_flag_cstr(ngx_pool_t *pool,
    ngx_str_t *text);
static ngx_int_t ngx_http_flagship_flag_find(
    ngx_http_flagship_flag_call_t *fc, const char *names,
    void (*on_done)(ngx_http_flagship_call_t *call));
static ngx_int_t ngx_http_flagship_flag_query_send(
    ngx_http_flagship_flag_call_t *fc, const char *sql, ngx_uint_t n,
    ngx_uint_t write, void (*on_done)(ngx_http_flagship_call_t *call));
static void ngx_http_flagship_flag_result(ngx_http_flagship_call_t *call,
    PGresult *result);
static ngx_int_t ngx_http_flagship_flag_column(
    ngx_http_flagship_flag_call_t *fc, PGresult *result, const char *name,
    ngx_str_t *value);
static void ngx_http_flagship_flag_found(ngx_http_flagship_call_t *call);
static void ngx_http_flagship_flag_created(ngx_http_flagship_call_t *call);
static ngx_int_t ngx_http_flagship_flag_location(
    ngx_http_flagship_flag_call_t *fc);
static void ngx_http_flagship_flag_to_change(ngx_http_flagship_call_t *call);
static ngx_int_t ngx_http_flagship_flag_write(
    ngx_http_flagship_flag_call_t *fc);
static void ngx_http_flagship_flag_changed(ngx_http_flagship_call_t *call);
static void ngx_http_flagship_flag_deleted(ngx_http_flagship_call_t *call);
static void ngx_http_flagship_flag_restored(ngx_http_flagship_call_t *call);
static ngx_uint_t ngx_http_flagship_flag_said(
    ngx_http_flagship_flag_call_t *fc, const char *outcome);
static ngx_uint_t ngx_http_flagship_flag_undone(
    ngx_http_flagship_flag_call_t *fc);
static ngx_uint_t ngx_http_flagship_flag_matches(
    ngx_http_flagship_flag_call_t *fc);
static void ngx_http_flagship_flag_mismatch(
    ngx_http_flagship_flag_call_t *fc);
static void ngx_http_flagship_flag_answer(ngx_http_flagship_flag_call_t *fc,
    ngx_uint_t status);
static void ngx_http_flagship_flag_fail(ngx_http_flagship_call_t *call);


static const char  ngx_http_flagship_flag_read_sql[] =
    "SELECT * FROM flagship.read_flag($1, $2, $3, $4, $5)";

static const char  ngx_http_flagship_flag_create_sql[] =
    "SELECT * FROM flagship.create_flag($1, $2, $3, $4, $5, $6)";

static const char  ngx_http_flagship_flag_change_sql[] =
    "SELECT * FROM flagship.change_flag($1, $2, $3, $4, $5, $6, $7, $8, $9)";

static const char  ngx_http_flagship_flag_archive_sql[] =
    "SELECT * FROM flagship.archive_flag($1, $2, $3, $4, $5, $6)";

static const char  ngx_http_flagship_flag_purge_sql[] =
    "SELECT * FROM flagship.purge_flag($1, $2, $3, $4, $5, $6, $7)";

static const char  ngx_http_flagship_flag_restore_sql[] =
    "SELECT * FROM flagship.restore_flag($1, $2, $3, $4, $5, $6)";


ngx_int_t
ngx_http_flagship_flag_get(ngx_http_flagship_call_t *call)
{
    ngx_int_t                       rc;
    ngx_http_flagship_flag_call_t  *fc;

    rc = ngx_http_flagship_flag_start(call, 1, &fc);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    return ngx_http_flagship_flag_find(fc, NULL,
                                       ngx_http_flagship_flag_found);
}


ngx_int_t
ngx_http_flagship_flag_create(ngx_http_flagship_call_t *call)
{
    ngx_int_t                       rc;
    ngx_str_t                       key;
    const flagship_json_node_t     *node;
    ngx_http_flagship_flag_call_t  *fc;

    rc = ngx_http_flagship_flag_start(call, 0, &fc);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    fc->create = 1;

    if (ngx_http_flagship_flag_read(fc) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_flagship_flag_check(fc);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_OK : rc;
    }

    node = fc->fields.fields.list[FLAGSHIP_FIELD_KEY].node;

    key.data = (u_char *) node->str;
    key.len = node->len;

    fc->params[0] = ngx_http_flagship_flag_cstr(call->request->pool,
                                                &call->principal.actor);
    fc->params[1] = fc->tenant;
    fc->params[2] = fc->environment;
    fc->params[3] = ngx_http_flagship_flag_cstr(call->request->pool, &key);
    fc->params[4] = ngx_http_flagship_flag_patch(fc);
    fc->params[5] = fc->dry_run ? "true" : "false";

    if (fc->params[0] == NULL || fc->params[3] == NULL
        || fc->params[4] == NULL)
    {
        return NGX_ERROR;
    }

    return ngx_http_flagship_flag_query_send(fc,
                                             ngx_http_flagship_flag_create_sql,
                                             6, 1,
                                             ngx_http_flagship_flag_created);
}


ngx_int_t
ngx_http_flagship_flag_change(ngx_http_flagship_call_t *call)
{
    ngx_int_t                       rc;
    ngx_http_flagship_flag_call_t  *fc;

    rc = ngx_http_flagship_flag_start(call, 1, &fc);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    if (ngx_http_flagship_flag_read(fc) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_flagship_flag_simple(fc)) {
        return ngx_http_flagship_flag_write(fc);
    }

    return ngx_http_flagship_flag_find(fc, ngx_http_flagship_flag_names(fc),
                                       ngx_http_flagship_flag_to_change);
}


ngx_int_t
ngx_http_flagship_flag_delete(ngx_http_flagship_call_t *call)
{
    ngx_int_t                       rc;
    ngx_uint_t                      n;
    const char                     *sql;
    ngx_http_flagship_flag_call_t  *fc;

    rc = ngx_http_flagship_flag_start(call, 1, &fc);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    n = 0;

    fc->params[n++] = ngx_http_flagship_flag_cstr(call->request->pool,
                                                  &call->principal.actor);
    fc->params[n++] = fc->tenant;
    fc->params[n++] = fc->environment;
    fc->params[n++] = fc->ref;

    if (fc->purge) {

        if (call->principal.role < NGX_HTTP_FLAGSHIP_ROLE_ADMIN) {
            ngx_http_flagship_call_problem(call, NGX_HTTP_FORBIDDEN,
                                           "the role \"admin\" is needed to "
                                           "purge a flag");
            return NGX_OK;
        }

        fc->params[n++] = fc->archived ? "true" : "false";
        sql = ngx_http_flagship_flag_purge_sql;

    } else {
        sql = ngx_http_flagship_flag_archive_sql;
    }

    fc->params[n++] = fc->match;
    fc->params[n++] = fc->dry_run ? "true" : "false";

    if (fc->params[0] == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_flag_query_send(fc, sql, n, 1,
                                             ngx_http_flagship_flag_deleted);
}


ngx_int_t
ngx_http_flagship_flag_restore(ngx_http_flagship_call_t *call)
{
    ngx_int_t                       rc;
    ngx_http_flagship_flag_call_t  *fc;

    rc = ngx_http_flagship_flag_start(call, 1, &fc);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    if (!fc->id) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND,
                                       "an archived flag is restored by its "
                                       "id, which \"%V\" is not",
                                       &call->params[0]);
        return NGX_OK;
    }

    fc->params[0] = ngx_http_flagship_flag_cstr(call->request->pool,
                                                &call->principal.actor);
    fc->params[1] = fc->tenant;
    fc->params[2] = fc->environment;
    fc->params[3] = fc->ref;
    fc->params[4] = fc->match;
    fc->params[5] = fc->dry_run ? "true" : "false";

    if (fc->params[0] == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_flag_query_send(fc,
                                           ngx_http_flagship_flag_restore_sql,
                                           6, 1,
                                           ngx_http_flagship_flag_restored);
}


/* What path, query and headers say.  NGX_DONE: answered. */

static ngx_int_t
ngx_http_flagship_flag_start(ngx_http_flagship_call_t *call, ngx_uint_t named,
    ngx_http_flagship_flag_call_t **fcp)
{
    ngx_int_t                       rc;
    ngx_str_t                       tags;
    ngx_pool_t                     *pool;
    ngx_uint_t                      archived, purge, dry_run;
    ngx_http_flagship_flag_call_t  *fc;

    pool = call->request->pool;

    archived = 0;
    purge = 0;
    dry_run = 0;

    if (ngx_http_flagship_call_switch(call, "archived", &archived) != NGX_OK
        || ngx_http_flagship_call_switch(call, "purge", &purge) != NGX_OK
        || ngx_http_flagship_call_switch(call, "dry_run", &dry_run) != NGX_OK)
    {
        return NGX_DONE;
    }

    fc = ngx_http_flagship_flag_call(call);
    if (fc == NULL) {
        return NGX_ERROR;
    }

    fc->archived = archived;
    fc->purge = purge;
    fc->dry_run = dry_run;

    fc->tenant = ngx_http_flagship_flag_cstr(pool, &call->tenant);
    fc->environment = ngx_http_flagship_flag_cstr(pool, &call->environment);

    if (fc->tenant == NULL || fc->environment == NULL) {
        return NGX_ERROR;
    }

    *fcp = fc;

    if (!named) {
        return NGX_OK;
    }

    fc->ref = ngx_http_flagship_flag_cstr(pool, &call->params[0]);
    if (fc->ref == NULL) {
        return NGX_ERROR;
    }

    fc->id = ngx_http_flagship_ref_is_id(&call->params[0]);

    if (fc->id && !call->environment_named
        && call->principal.environment.len == 0)
    {
        fc->environment = NULL;
    }

    rc = ngx_http_flagship_call_if_match(call, &tags);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK) {
        fc->match = (const char *) tags.data;
    }

    return NGX_OK;
}


static const char *
ngx_http_flagship_flag_cstr(ngx_pool_t *pool, ngx_str_t *text)
{
    u_char  *p;

    p = ngx_pnalloc(pool, text->len + 1);
    if (p == NULL) {
        return NULL;
    }

    *ngx_cpymem(p, text->data, text->len) = '\0';

    return (const char *) p;
}


/* Asks for the flag.  "names" are those of ngx_http_flagship_flag_names(). */

static ngx_int_t
ngx_http_flagship_flag_find(ngx_http_flagship_flag_call_t *fc,
    const char *names, void (*on_done)(ngx_http_flagship_call_t *call))
{
    fc->params[0] = fc->tenant;
    fc->params[1] = fc->environment;
    fc->params[2] = fc->ref;
    fc->params[3] = fc->archived ? "true" : "false";
    fc->params[4] = names;

    return ngx_http_flagship_flag_query_send(fc,
                                             ngx_http_flagship_flag_read_sql,
                                             5, names != NULL, on_done);
}


static ngx_int_t
ngx_http_flagship_flag_query_send(ngx_http_flagship_flag_call_t *fc,
    const char *sql, ngx_uint_t n, ngx_uint_t write,
    void (*on_done)(ngx_http_flagship_call_t *call))
{
    ngx_http_flagship_query_t  query;

    ngx_memzero(&query, sizeof(ngx_http_flagship_query_t));

    ngx_str_null(&fc->outcome);
    ngx_str_null(&fc->tag);

    query.sql = sql;
    query.nparams = n;
    query.params = fc->params;
    query.write = write ? 1 : 0;
    query.on_result = ngx_http_flagship_flag_result;
    query.on_done = on_done;
    query.on_error = ngx_http_flagship_flag_refused;

    return ngx_http_flagship_call_query(fc->call, &query);
}


/* Columns that a function does not have, or that are null, stay empty. */

static void
ngx_http_flagship_flag_result(ngx_http_flagship_call_t *call,
    PGresult *result)
{
    ngx_http_flagship_flag_call_t  *fc;

    fc = call->data;

    if (PQntuples(result) != 1
        || ngx_http_flagship_flag_column(fc, result, "tag", &fc->tag)
           != NGX_OK
        || ngx_http_flagship_flag_column(fc, result, "document",
                                         &fc->document)
           != NGX_OK
        || ngx_http_flagship_flag_column(fc, result, "revision",
                                         &fc->revision)
           != NGX_OK
        || ngx_http_flagship_flag_column(fc, result, "form", &fc->form)
           != NGX_OK
        || ngx_http_flagship_flag_column(fc, result, "outcome", &fc->outcome)
           != NGX_OK)
    {
        ngx_str_null(&fc->outcome);
        ngx_str_null(&fc->tag);
    }
}


static ngx_int_t
ngx_http_flagship_flag_column(ngx_http_flagship_flag_call_t *fc,
    PGresult *result, const char *name, ngx_str_t *value)
{
    int      column;
    size_t   len;
    u_char  *p;

    column = PQfnumber(result, name);

    if (column == -1 || PQgetisnull(result, 0, column)) {
        return NGX_OK;
    }

    len = PQgetlength(result, 0, column);

    p = ngx_pnalloc(fc->call->request->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, PQgetvalue(result, 0, column), len);
    p[len] = '\0';

    value->data = p;
    value->len = len;

    return NGX_OK;
}


static void
ngx_http_flagship_flag_found(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_flag_call_t  *fc;

    fc = call->data;

    if (ngx_http_flagship_flag_undone(fc)) {
        return;
    }

    ngx_http_flagship_out_init(&fc->out, call->request->pool,
                               fc->document.len);
    ngx_http_flagship_out_str(&fc->out, &fc->document);

    ngx_http_flagship_call_entity(call, NGX_HTTP_OK, &fc->tag, &fc->out);
}


static void
ngx_http_flagship_flag_created(ngx_http_flagship_call_t *call)
{
    const flagship_json_node_t     *key;
    ngx_http_flagship_flag_call_t  *fc;

    fc = call->data;

    if (ngx_http_flagship_flag_said(fc, "exists")) {
        key = fc->fields.fields.list[FLAGSHIP_FIELD_KEY].node;

        ngx_http_flagship_call_problem(call, NGX_HTTP_CONFLICT,
                                       "there is a flag \"%*s\" already",
                                       (size_t) key->len, key->str);
        return;
    }

    if (ngx_http_flagship_flag_undone(fc)) {
        return;
    }

    if (fc->dry_run) {
        ngx_http_flagship_flag_answer(fc, NGX_HTTP_OK);
        return;
    }

    if (ngx_http_flagship_flag_location(fc) != NGX_OK) {
        ngx_http_flagship_flag_fail(call);
        return;
    }

    ngx_http_flagship_flag_answer(fc, NGX_HTTP_CREATED);
}


/* A way to the flag that the same client may go. */

static ngx_int_t
ngx_http_flagship_flag_location(ngx_http_flagship_flag_call_t *fc)
{
    u_char                        *p;
    ngx_str_t                      location, *prefix;
    ngx_http_request_t            *r;
    ngx_http_flagship_call_t      *call;
    const flagship_json_node_t    *key;

    call = fc->call;
    r = call->request;
    prefix = &ngx_http_flagship_get_loc_conf(r)->api->prefix;
    key = fc->fields.fields.list[FLAGSHIP_FIELD_KEY].node;

    p = ngx_pnalloc(r->pool, prefix->len + key->len + call->tenant.len
                             + call->environment.len
                             + sizeof("/flags/?environment=&tenant="));
    if (p == NULL) {
        return NGX_ERROR;
    }

    location.data = p;

    p = ngx_sprintf(p, "%V/flags/%*s", prefix, (size_t) key->len, key->str);

    if (call->environment_named) {
        p = ngx_sprintf(p, "?environment=%V", &call->environment);
    }

    if (call->principal.role == NGX_HTTP_FLAGSHIP_ROLE_OPERATOR
        && call->principal.tenant.len == 0)
    {
        p = ngx_sprintf(p, "%stenant=%V",
                        call->environment_named ? "&" : "?", &call->tenant);
    }

    location.len = p - location.data;

    return ngx_http_flagship_call_header(call, "Location", &location);
}


/* The current flag is there: judges what the change makes of it. */

static void
ngx_http_flagship_flag_to_change(ngx_http_flagship_call_t *call)
{
    ngx_int_t                       rc;
    const flagship_json_node_t     *node;
    ngx_http_flagship_flag_call_t  *fc;

    fc = call->data;

    if (ngx_http_flagship_flag_undone(fc)) {
        return;
    }

    if (flagship_json_parse(&fc->before, (char *) fc->document.data,
                            fc->document.len)
        != FLAGSHIP_OK)
    {
        ngx_http_flagship_flag_fail(call);
        return;
    }

    fc->current = 1;

    node = flagship_json_get(fc->before.nodes, "archived_at");

    if (node && node->type != FLAGSHIP_JSON_NULL) {
        ngx_str_null(&fc->tag);
        (void) ngx_http_flagship_flag_undone(fc);
        return;
    }

    if (!ngx_http_flagship_flag_matches(fc)) {
        ngx_http_flagship_flag_mismatch(fc);
        return;
    }

    rc = ngx_http_flagship_flag_check(fc);

    if (rc == NGX_ERROR
        || (rc == NGX_OK && ngx_http_flagship_flag_write(fc) != NGX_OK))
    {
        ngx_http_flagship_flag_fail(call);
    }
}


static ngx_int_t
ngx_http_flagship_flag_write(ngx_http_flagship_flag_call_t *fc)
{
    ngx_pool_t                *pool;
    ngx_http_flagship_call_t  *call;

    call = fc->call;
    pool = call->request->pool;

    fc->params[0] = ngx_http_flagship_flag_cstr(pool, &call->principal.actor);
    fc->params[1] = fc->tenant;
    fc->params[2] = fc->environment;
    fc->params[3] = fc->ref;
    fc->params[4] = ngx_http_flagship_flag_patch(fc);
    fc->params[5] = fc->match;
    fc->params[6] = fc->current ? ngx_http_flagship_flag_names(fc) : NULL;
    fc->params[7] = fc->current ? (const char *) fc->form.data : NULL;
    fc->params[8] = fc->dry_run ? "true" : "false";

    if (fc->params[0] == NULL || fc->params[4] == NULL
        || (fc->current && fc->params[6] == NULL))
    {
        return NGX_ERROR;
    }

    return ngx_http_flagship_flag_query_send(fc,
                                             ngx_http_flagship_flag_change_sql,
                                             9, 1,
                                             ngx_http_flagship_flag_changed);
}


static void
ngx_http_flagship_flag_changed(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_flag_call_t  *fc;

    fc = call->data;

    if (ngx_http_flagship_flag_said(fc, "stale")) {

        if (++fc->tries > NGX_HTTP_FLAGSHIP_FLAG_TRIES) {
            ngx_http_flagship_call_problem(call, NGX_HTTP_SERVICE_UNAVAILABLE,
                                           "the flag changes too fast: "
                                           "nothing was done");

        } else if (ngx_http_flagship_flag_find(fc,
                                           ngx_http_flagship_flag_names(fc),
                                           ngx_http_flagship_flag_to_change)
                   != NGX_OK)
        {
            ngx_http_flagship_flag_fail(call);
        }

        return;
    }

    if (!ngx_http_flagship_flag_undone(fc)) {
        ngx_http_flagship_flag_answer(fc, NGX_HTTP_OK);
    }
}


static void
ngx_http_flagship_flag_deleted(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_flag_call_t  *fc;

    fc = call->data;

    if (ngx_http_flagship_flag_undone(fc)) {
        return;
    }

    if (fc->dry_run) {
        ngx_http_flagship_flag_answer(fc, NGX_HTTP_OK);
        return;
    }

    ngx_http_flagship_call_written(call, ngx_atoi(fc->revision.data,
                                                  fc->revision.len),
                                   NGX_HTTP_NO_CONTENT, NULL, NULL);
}


static void
ngx_http_flagship_flag_restored(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_flag_call_t  *fc;

    fc = call->data;

    if (ngx_http_flagship_flag_said(fc, "taken")) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_CONFLICT,
                                       "its key is another flag's now");
        return;
    }

    if (!ngx_http_flagship_flag_undone(fc)) {
        ngx_http_flagship_flag_answer(fc, NGX_HTTP_OK);
    }
}


static ngx_uint_t
ngx_http_flagship_flag_said(ngx_http_flagship_flag_call_t *fc,
    const char *outcome)
{
    return fc->outcome.len == ngx_strlen(outcome)
           && ngx_strncmp(fc->outcome.data, outcome, fc->outcome.len) == 0;
}


/* There is no such flag, or it is not the one that was meant: answered. */

static ngx_uint_t
ngx_http_flagship_flag_undone(ngx_http_flagship_flag_call_t *fc)
{
    if (ngx_http_flagship_flag_said(fc, "mismatch")) {
        ngx_http_flagship_flag_mismatch(fc);
        return 1;
    }

    if (fc->tag.len) {
        return 0;
    }

    ngx_http_flagship_call_problem(fc->call, NGX_HTTP_NOT_FOUND,
                                   "there is no %sflag \"%V\"%s%V%s",
                                   fc->archived ? "archived " : "",
                                   &fc->call->params[0],
                                   fc->environment ? " in the environment \""
                                                   : "",
                                   fc->environment ? &fc->call->environment
                                                   : &fc->tag,
                                   fc->environment ? "\"" : "");
    return 1;
}


/* The current flag is one that the client may change. */

static ngx_uint_t
ngx_http_flagship_flag_matches(ngx_http_flagship_flag_call_t *fc)
{
    size_t       len;
    const char  *p, *comma;

    if (fc->match == NULL || ngx_strcmp(fc->match, "*") == 0) {
        return 1;
    }

    for (p = fc->match; /* void */ ; p = comma + 1) {
        comma = strchr(p, ',');
        len = comma ? (size_t) (comma - p) : ngx_strlen(p);

        if (len == fc->tag.len && ngx_memcmp(p, fc->tag.data, len) == 0) {
            return 1;
        }

        if (comma == NULL) {
            return 0;
        }
    }
}


static void
ngx_http_flagship_flag_mismatch(ngx_http_flagship_flag_call_t *fc)
{
    u_char                    *p;
    ngx_str_t                  etag;
    ngx_http_flagship_call_t  *call;

    call = fc->call;

    p = ngx_pnalloc(call->request->pool,
                    fc->document.len + fc->tag.len + sizeof("\"current\":"));
    etag.data = ngx_pnalloc(call->request->pool, fc->tag.len + 2);

    if (p == NULL || etag.data == NULL) {
        ngx_http_flagship_flag_fail(call);
        return;
    }

    call->extension.data = p;
    call->extension.len = ngx_sprintf(p, "\"current\":%V", &fc->document) - p;

    etag.len = ngx_sprintf(etag.data, "\"%V\"", &fc->tag) - etag.data;

    if (ngx_http_flagship_call_header(call, "ETag", &etag) != NGX_OK) {
        ngx_http_flagship_flag_fail(call);
        return;
    }

    ngx_http_flagship_call_problem(call, NGX_HTTP_PRECONDITION_FAILED,
                                   "the flag is of another version");
}


/* The flag as it is now, and what there is to say about it. */

static void
ngx_http_flagship_flag_answer(ngx_http_flagship_flag_call_t *fc,
    ngx_uint_t status)
{
    ngx_http_flagship_out_t   *out;
    ngx_http_flagship_call_t  *call;

    call = fc->call;
    out = &fc->out;

    if (ngx_http_flagship_flag_lint(fc) != NGX_OK) {
        ngx_http_flagship_flag_fail(call);
        return;
    }

    ngx_http_flagship_out_init(out, call->request->pool,
                               fc->document.len + 64);

    if (fc->found.n) {
        fc->document.len--;
        ngx_http_flagship_out_str(out, &fc->document);
        ngx_http_flagship_entity_warnings(out, &fc->found);
        ngx_http_flagship_out_literal(out, "}");

    } else {
        ngx_http_flagship_out_str(out, &fc->document);
    }

    ngx_http_flagship_call_written(call, ngx_atoi(fc->revision.data,
                                                  fc->revision.len),
                                   status, &fc->tag, out);
}


static void
ngx_http_flagship_flag_fail(ngx_http_flagship_call_t *call)
{
    ngx_http_finalize_request(call->request, NGX_HTTP_INTERNAL_SERVER_ERROR);
}
