
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


#include "ngx_http_flagship_api_flags.h"


#define NGX_HTTP_FLAGSHIP_FLAG_TRIES  50


static ngx_int_t ngx_http_flagship_flag_start(ngx_http_flagship_call_t *call,
    ngx_http_flagship_entity_t **e);
static ngx_int_t ngx_http_flagship_flag_find(ngx_http_flagship_flag_t *fl);
static void ngx_http_flagship_flag_to_change(ngx_http_flagship_call_t *call);
static ngx_int_t ngx_http_flagship_flag_write(ngx_http_flagship_flag_t *fl);
static void ngx_http_flagship_flag_written(ngx_http_flagship_call_t *call);
static ngx_uint_t ngx_http_flagship_flag_matches(
    ngx_http_flagship_entity_t *e);


static const ngx_http_flagship_entity_kind_t  ngx_http_flagship_flag_kind = {
    "flag",
    "/flags/",
    &flagship_resource_flag,
    0,
    NULL,
    "flags_environment_fkey",
    1,
    ngx_http_flagship_flag_refused,
    ngx_http_flagship_flag_lint
};


ngx_int_t
ngx_http_flagship_flag_get(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_flag_kind,
                                        &e);
    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    e->params[0] = e->tenant;
    e->params[1] = e->environment;
    e->params[2] = e->ref;
    e->params[3] = e->archived ? "true" : "false";

    return ngx_http_flagship_entity_query(e,
                      "SELECT * FROM flagship.read_flag($1, $2, $3, $4, NULL)",
                      4, 0, ngx_http_flagship_entity_found);
}


ngx_int_t
ngx_http_flagship_flag_create(ngx_http_flagship_call_t *call)
{
    ngx_int_t                     rc;
    const flagship_json_node_t   *node;
    ngx_http_flagship_flag_t     *fl;
    ngx_http_flagship_entity_t   *e;

    rc = ngx_http_flagship_flag_start(call, &e);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    fl = e->data;
    fl->create = 1;

    if (ngx_http_flagship_flag_read(fl) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_flagship_flag_check(fl);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_OK : rc;
    }

    node = fl->fields.fields.list[FLAGSHIP_FIELD_KEY].node;

    e->ref = ngx_http_flagship_entity_cstr(e, node->str, node->len);

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[2] = e->environment;
    e->params[3] = e->ref;
    e->params[4] = ngx_http_flagship_flag_patch(fl);
    e->params[5] = e->dry_run ? "true" : "false";

    if (e->params[3] == NULL || e->params[4] == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_entity_query(e,
                 "SELECT * FROM flagship.create_flag($1, $2, $3, $4, $5, $6)",
                 6, 1, ngx_http_flagship_entity_created);
}


ngx_int_t
ngx_http_flagship_flag_change(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_flag_t    *fl;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_flag_start(call, &e);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    fl = e->data;

    if (ngx_http_flagship_flag_read(fl) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_flag_simple(fl) ? ngx_http_flagship_flag_write(fl)
                                             : ngx_http_flagship_flag_find(fl);
}


ngx_int_t
ngx_http_flagship_flag_delete(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_flag_start(call, &e);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[2] = e->environment;
    e->params[3] = e->ref;
    e->params[4] = e->match;
    e->params[5] = e->dry_run ? "true" : "false";

    if (!e->purge) {
        return ngx_http_flagship_entity_query(e,
                "SELECT * FROM flagship.archive_flag($1, $2, $3, $4, $5, $6)",
                6, 1, ngx_http_flagship_entity_removed);
    }

    if (call->principal.role < NGX_HTTP_FLAGSHIP_ROLE_ADMIN) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_FORBIDDEN,
                                       "the role \"admin\" is needed to purge "
                                       "a flag");
        return NGX_OK;
    }

    e->params[6] = e->archived ? "true" : "false";

    return ngx_http_flagship_entity_query(e,
              "SELECT * FROM flagship.purge_flag($1, $2, $3, $4, $7, $5, $6)",
              7, 1, ngx_http_flagship_entity_removed);
}


ngx_int_t
ngx_http_flagship_flag_restore(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_flag_start(call, &e);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    if (!e->id) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND,
                                       "an archived flag is restored by its "
                                       "id, which \"%s\" is not", e->ref);
        return NGX_OK;
    }

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[2] = e->environment;
    e->params[3] = e->ref;
    e->params[4] = e->match;
    e->params[5] = e->dry_run ? "true" : "false";

    return ngx_http_flagship_entity_query(e,
                "SELECT * FROM flagship.restore_flag($1, $2, $3, $4, $5, $6)",
                6, 1, ngx_http_flagship_entity_changed);
}


/* NGX_OK: e->data is the flag's. */

static ngx_int_t
ngx_http_flagship_flag_start(ngx_http_flagship_call_t *call,
    ngx_http_flagship_entity_t **e)
{
    ngx_int_t  rc;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_flag_kind, e);

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_flagship_flag(*e) ? NGX_OK : NGX_ERROR;
}


/* Asks for the flag that is to be changed, where it is newest. */

static ngx_int_t
ngx_http_flagship_flag_find(ngx_http_flagship_flag_t *fl)
{
    ngx_http_flagship_entity_t  *e;

    e = fl->e;

    e->params[0] = e->tenant;
    e->params[1] = e->environment;
    e->params[2] = e->ref;
    e->params[3] = ngx_http_flagship_flag_names(fl);

    if (e->params[3] == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_entity_query(e,
                     "SELECT * FROM flagship.read_flag($1, $2, $3, false, $4)",
                     4, 1, ngx_http_flagship_flag_to_change);
}


/* The current flag is there: judges what the change makes of it. */

static void
ngx_http_flagship_flag_to_change(ngx_http_flagship_call_t *call)
{
    ngx_int_t                     rc;
    const flagship_json_node_t   *node;
    ngx_http_flagship_flag_t     *fl;
    ngx_http_flagship_entity_t   *e;

    e = call->data;
    fl = e->data;

    if (ngx_http_flagship_entity_undone(e)) {
        return;
    }

    if (flagship_json_parse(&fl->before, (char *) e->document.data,
                            e->document.len)
        != FLAGSHIP_OK)
    {
        ngx_http_flagship_entity_fail(call);
        return;
    }

    fl->current = 1;

    node = flagship_json_get(fl->before.nodes, "archived_at");

    if (node && node->type != FLAGSHIP_JSON_NULL) {
        ngx_http_flagship_entity_missing(e);
        return;
    }

    if (!ngx_http_flagship_flag_matches(e)) {
        ngx_http_flagship_entity_mismatch(e);
        return;
    }

    rc = ngx_http_flagship_flag_check(fl);

    if (rc == NGX_ERROR
        || (rc == NGX_OK && ngx_http_flagship_flag_write(fl) != NGX_OK))
    {
        ngx_http_flagship_entity_fail(call);
    }
}


static ngx_int_t
ngx_http_flagship_flag_write(ngx_http_flagship_flag_t *fl)
{
    ngx_http_flagship_entity_t  *e;

    e = fl->e;

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[2] = e->environment;
    e->params[3] = e->ref;
    e->params[4] = ngx_http_flagship_flag_patch(fl);
    e->params[5] = e->match;
    e->params[6] = ngx_http_flagship_flag_names(fl);
    e->params[7] = fl->current ? (const char *) e->form.data : NULL;
    e->params[8] = e->dry_run ? "true" : "false";

    if (e->params[4] == NULL || e->params[6] == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_entity_query(e,
                       "SELECT * FROM flagship.change_flag($1, $2, $3, $4, $5,"
                       " $6, $7, $8, $9)", 9, 1,
                       ngx_http_flagship_flag_written);
}


static void
ngx_http_flagship_flag_written(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_flag_t    *fl;
    ngx_http_flagship_entity_t  *e;

    e = call->data;
    fl = e->data;

    if (!ngx_http_flagship_entity_said(e, "stale")) {
        ngx_http_flagship_entity_changed(call);
        return;
    }

    if (++fl->tries > NGX_HTTP_FLAGSHIP_FLAG_TRIES) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_SERVICE_UNAVAILABLE,
                                       "the flag changes too fast: nothing "
                                       "was done");
        return;
    }

    if (ngx_http_flagship_flag_find(fl) != NGX_OK) {
        ngx_http_flagship_entity_fail(call);
    }
}


/* The current flag is one that the client may change. */

static ngx_uint_t
ngx_http_flagship_flag_matches(ngx_http_flagship_entity_t *e)
{
    size_t       len;
    const char  *p, *comma;

    if (e->match == NULL || ngx_strcmp(e->match, "*") == 0) {
        return 1;
    }

    for (p = e->match; /* void */ ; p = comma + 1) {
        comma = strchr(p, ',');
        len = comma ? (size_t) (comma - p) : ngx_strlen(p);

        if (len == e->tag.len && ngx_memcmp(p, e->tag.data, len) == 0) {
            return 1;
        }

        if (comma == NULL) {
            return 0;
        }
    }
}
