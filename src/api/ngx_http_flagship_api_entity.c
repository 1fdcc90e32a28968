
/*
 * Copyright (C) Flagship
 */


/*
 * What requests for one entity have in common.  A worker's event loop.
 */


#include "ngx_http_flagship_api_entity.h"


static void ngx_http_flagship_entity_result(ngx_http_flagship_call_t *call,
    PGresult *result);
static ngx_int_t ngx_http_flagship_entity_column(
    ngx_http_flagship_entity_t *e, PGresult *result, const char *name,
    ngx_str_t *value);
static ngx_uint_t ngx_http_flagship_entity_error(
    ngx_http_flagship_call_t *call, ngx_http_flagship_query_error_t *error);


ngx_int_t
ngx_http_flagship_entity_start(ngx_http_flagship_call_t *call,
    const ngx_http_flagship_entity_kind_t *kind,
    ngx_http_flagship_entity_t **entity)
{
    ngx_int_t                    rc;
    ngx_str_t                    tags;
    ngx_uint_t                   archived, purge, dry_run;
    ngx_http_flagship_entity_t  *e;

    archived = 0;
    purge = 0;
    dry_run = 0;

    if (ngx_http_flagship_call_switch(call, "archived", &archived) != NGX_OK
        || ngx_http_flagship_call_switch(call, "purge", &purge) != NGX_OK
        || ngx_http_flagship_call_switch(call, "dry_run", &dry_run) != NGX_OK)
    {
        return NGX_DONE;
    }

    e = ngx_pcalloc(call->request->pool, sizeof(ngx_http_flagship_entity_t));
    if (e == NULL) {
        return NGX_ERROR;
    }

    e->call = call;
    e->kind = kind;
    e->archived = archived;
    e->purge = purge;
    e->dry_run = dry_run;

    e->actor = ngx_http_flagship_entity_cstr(e, call->principal.actor.data,
                                             call->principal.actor.len);
    e->tenant = ngx_http_flagship_entity_cstr(e, call->tenant.data,
                                              call->tenant.len);

    e->environment = ngx_http_flagship_entity_cstr(e, call->environment.data,
                                                   call->environment.len);

    if (e->actor == NULL || e->tenant == NULL || e->environment == NULL) {
        return NGX_ERROR;
    }

    call->data = e;
    *entity = e;

    if (call->params[0].len == 0) {
        return NGX_OK;
    }

    e->ref = ngx_http_flagship_entity_cstr(e, call->params[0].data,
                                           call->params[0].len);
    if (e->ref == NULL) {
        return NGX_ERROR;
    }

    e->id = ngx_http_flagship_ref_is_id(&call->params[0]);

    if (e->id && !call->environment_named
        && call->principal.environment.len == 0)
    {
        e->environment = NULL;
    }

    rc = ngx_http_flagship_call_if_match(call, &tags);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK) {
        e->match = ngx_http_flagship_entity_cstr(e, tags.data, tags.len);

        if (e->match == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_flagship_entity_unbound(ngx_http_flagship_entity_t *e)
{
    if (e->call->principal.environment.len == 0) {
        return NGX_OK;
    }

    ngx_http_flagship_call_problem(e->call, NGX_HTTP_FORBIDDEN,
                                   "the credential is bound to an "
                                   "environment, a %s is of all of them",
                                   e->kind->noun);
    return NGX_DONE;
}


ngx_int_t
ngx_http_flagship_entity_read(ngx_http_flagship_entity_t *e,
    ngx_uint_t create)
{
    ngx_http_flagship_call_t  *call;

    call = e->call;

    e->errors = ngx_http_flagship_call_errors(call);
    if (e->errors == NULL) {
        return NGX_ERROR;
    }

    (void) flagship_fields_read(&e->fields, e->kind->resource,
                                (char *) call->text.data, call->body, create,
                                e->errors);

    return NGX_OK;
}


void
ngx_http_flagship_entity_own(ngx_http_flagship_entity_t *e, unsigned field,
    flagship_str_t own)
{
    const flagship_json_node_t  *node;

    node = e->fields.list[field].node;

    if (node && !flagship_str_eq(flagship_json_str(node), own)) {
        flagship_fields_error(&e->fields, field,
                              "must be the %s's own, \"%.*s\"",
                              e->kind->noun, (int) own.len, own.data);
    }
}


ngx_uint_t
ngx_http_flagship_entity_refused(ngx_http_flagship_entity_t *e)
{
    char               pointer[192];
    unsigned           i, n;
    flagship_error_t  *error;

    n = e->errors->errors + (e->found ? e->found->errors : 0);

    if (n == 0) {
        return 0;
    }

    for (i = 0; e->found && i < e->found->n; i++) {
        error = &e->found->list[i];

        if (!error->warning) {
            flagship_fields_pointer(&e->fields, error->pointer, pointer,
                                    sizeof(pointer));
            ngx_http_flagship_call_error(e->call, pointer, "%s",
                                         error->message);
        }
    }

    ngx_http_flagship_call_problem(e->call, NGX_HTTP_FLAGSHIP_UNPROCESSABLE,
                                   "the %s has %ui error%s", e->kind->noun,
                                   (ngx_uint_t) n, n == 1 ? "" : "s");
    return 1;
}


const char *
ngx_http_flagship_entity_cstr(ngx_http_flagship_entity_t *e,
    const void *data, size_t len)
{
    u_char  *p;

    p = ngx_pnalloc(e->call->request->pool, len + 1);
    if (p == NULL) {
        return NULL;
    }

    *ngx_cpymem(p, data, len) = '\0';

    return (const char *) p;
}


const char *
ngx_http_flagship_entity_patch(ngx_http_flagship_entity_t *e)
{
    char    *text;
    size_t   len;

    len = flagship_fields_print(&e->fields, e->kind->written, NULL, 0);

    text = ngx_pnalloc(e->call->request->pool, len + 1);
    if (text == NULL) {
        return NULL;
    }

    (void) flagship_fields_print(&e->fields, e->kind->written, text, len);
    text[len] = '\0';

    return text;
}


const char *
ngx_http_flagship_entity_key(ngx_http_flagship_entity_t *e)
{
    const flagship_json_node_t  *node;

    node = e->fields.list[e->kind->resource->key].node;

    return ngx_http_flagship_entity_cstr(e, node->str, node->len);
}


ngx_int_t
ngx_http_flagship_entity_query(ngx_http_flagship_entity_t *e,
    const char *sql, ngx_uint_t nparams, ngx_uint_t write,
    void (*on_done)(ngx_http_flagship_call_t *call))
{
    ngx_http_flagship_query_t  query;

    ngx_memzero(&query, sizeof(ngx_http_flagship_query_t));

    query.sql = sql;
    query.nparams = nparams;
    query.params = e->params;
    query.write = write ? 1 : 0;
    query.on_result = ngx_http_flagship_entity_result;
    query.on_done = on_done;
    query.on_error = ngx_http_flagship_entity_error;

    ngx_str_null(&e->outcome);
    ngx_str_null(&e->tag);

    return ngx_http_flagship_call_query(e->call, &query);
}


static void
ngx_http_flagship_entity_result(ngx_http_flagship_call_t *call,
    PGresult *result)
{
    ngx_http_flagship_entity_t  *e;

    e = call->data;

    if (PQntuples(result) != 1) {
        return;
    }

    if (ngx_http_flagship_entity_column(e, result, "document", &e->document)
        != NGX_OK
        || ngx_http_flagship_entity_column(e, result, "revision",
                                           &e->revision)
           != NGX_OK
        || ngx_http_flagship_entity_column(e, result, "tag", &e->tag)
           != NGX_OK
        || ngx_http_flagship_entity_column(e, result, "form", &e->form)
           != NGX_OK
        || ngx_http_flagship_entity_column(e, result, "outcome", &e->outcome)
           != NGX_OK)
    {
        e->failed = 1;
    }
}


/* One that is null, or that the function does not have, stays empty. */

static ngx_int_t
ngx_http_flagship_entity_column(ngx_http_flagship_entity_t *e,
    PGresult *result, const char *name, ngx_str_t *value)
{
    int  column;

    column = PQfnumber(result, name);

    if (column == -1 || PQgetisnull(result, 0, column)) {
        return NGX_OK;
    }

    value->len = PQgetlength(result, 0, column);
    value->data = (u_char *) ngx_http_flagship_entity_cstr(e,
                                              PQgetvalue(result, 0, column),
                                              value->len);

    return value->data ? NGX_OK : NGX_ERROR;
}


static ngx_uint_t
ngx_http_flagship_entity_error(ngx_http_flagship_call_t *call,
    ngx_http_flagship_query_error_t *error)
{
    ngx_http_flagship_entity_t             *e;
    const ngx_http_flagship_entity_kind_t  *kind;

    e = call->data;
    kind = e->kind;

    if (ngx_http_flagship_entity_is(&error->constraint, kind->tenant_fkey)) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND,
                                       "there is no such tenant");
        return 1;
    }

    if (ngx_http_flagship_entity_is(&error->constraint,
                                    kind->environment_fkey))
    {
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND,
                                       "there is no environment \"%V\"",
                                       &call->environment);
        return 1;
    }

    return kind->refused ? kind->refused(e, error) : 0;
}


ngx_uint_t
ngx_http_flagship_entity_is(ngx_str_t *text, const char *name)
{
    return name && text->len == ngx_strlen(name)
           && ngx_strncmp(text->data, name, text->len) == 0;
}


ngx_uint_t
ngx_http_flagship_entity_said(ngx_http_flagship_entity_t *e,
    const char *outcome)
{
    return ngx_http_flagship_entity_is(&e->outcome, outcome);
}


flagship_unit_t *
ngx_http_flagship_entity_unit(ngx_http_flagship_call_t *call,
    const flagship_image_t *image)
{
    ngx_str_t         name;
    ngx_uint_t        i;
    flagship_unit_t  *unit;

    unit = flagship_unit_create(image ? image->fractional : 2);
    if (unit == NULL) {
        return NULL;
    }

    i = 0;

    while (ngx_http_flagship_view_next_set(call->view, &call->tenant, &i,
                                           &name))
    {
        if (flagship_unit_add_set(unit, flagship_str((char *) name.data,
                                                     name.len))
            != FLAGSHIP_OK)
        {
            flagship_unit_destroy(unit);
            return NULL;
        }
    }

    return unit;
}
