
/*
 * Copyright (C) Flagship
 */


/*
 * What is answered to requests for one entity: it, as it is or has become, or
 * why nothing was done.  A worker's event loop.
 */


#include "ngx_http_flagship_api_entity.h"
#include "ngx_http_flagship_sync.h"


static void ngx_http_flagship_entity_used(ngx_http_flagship_entity_t *e);
static ngx_int_t ngx_http_flagship_entity_location(
    ngx_http_flagship_entity_t *e);
static void ngx_http_flagship_entity_answer(ngx_http_flagship_entity_t *e,
    ngx_uint_t status);


/* Answered: there is none, or not as it was meant. */

ngx_uint_t
ngx_http_flagship_entity_undone(ngx_http_flagship_entity_t *e)
{
    if (e->failed) {
        ngx_http_flagship_entity_fail(e->call);
        return 1;
    }

    if (e->tag.len == 0) {
        ngx_http_flagship_entity_missing(e);
        return 1;
    }

    if (ngx_http_flagship_entity_said(e, "mismatch")) {
        ngx_http_flagship_entity_mismatch(e);
        return 1;
    }

    if (ngx_http_flagship_entity_said(e, "used")) {
        ngx_http_flagship_entity_used(e);
        return 1;
    }

    if (ngx_http_flagship_entity_said(e, "exists")
        || ngx_http_flagship_entity_said(e, "taken"))
    {
        ngx_http_flagship_call_problem(e->call, NGX_HTTP_CONFLICT,
                                       "there is a %s of this key already",
                                       e->kind->noun);
        return 1;
    }

    return 0;
}


void
ngx_http_flagship_entity_missing(ngx_http_flagship_entity_t *e)
{
    const char  *archived;

    archived = e->archived ? "archived " : "";

    if (e->kind->environment && e->environment) {
        ngx_http_flagship_call_problem(e->call, NGX_HTTP_NOT_FOUND,
                                       "there is no %s%s \"%s\" in the "
                                       "environment \"%s\"",
                                       archived, e->kind->noun, e->ref,
                                       e->environment);
        return;
    }

    ngx_http_flagship_call_problem(e->call, NGX_HTTP_NOT_FOUND,
                                   "there is no %s%s \"%s\"", archived,
                                   e->kind->noun, e->ref);
}


void
ngx_http_flagship_entity_mismatch(ngx_http_flagship_entity_t *e)
{
    u_char                    *p;
    ngx_str_t                  etag;
    ngx_http_flagship_call_t  *call;

    call = e->call;

    p = ngx_pnalloc(call->request->pool,
                    e->document.len + e->tag.len + sizeof("\"current\":\"\""));
    if (p == NULL) {
        ngx_http_flagship_entity_fail(call);
        return;
    }

    call->extension.data = p;
    p = ngx_sprintf(p, "\"current\":%V", &e->document);
    call->extension.len = p - call->extension.data;

    etag.data = p;
    etag.len = ngx_sprintf(p, "\"%V\"", &e->tag) - p;

    if (ngx_http_flagship_call_header(call, "ETag", &etag) != NGX_OK) {
        ngx_http_flagship_entity_fail(call);
        return;
    }

    ngx_http_flagship_call_problem(call, NGX_HTTP_PRECONDITION_FAILED,
                                   "the %s is of another version",
                                   e->kind->noun);
}


/* The document is the list of those who name it. */

static void
ngx_http_flagship_entity_used(ngx_http_flagship_entity_t *e)
{
    u_char                    *p;
    ngx_http_flagship_call_t  *call;

    call = e->call;

    p = ngx_pnalloc(call->request->pool,
                    e->document.len + sizeof("\"users\":"));
    if (p == NULL) {
        ngx_http_flagship_entity_fail(call);
        return;
    }

    call->extension.data = p;
    call->extension.len = ngx_sprintf(p, "\"users\":%V", &e->document) - p;

    ngx_http_flagship_call_problem(call, NGX_HTTP_CONFLICT,
                                   "the %s is in use", e->kind->noun);
}


void
ngx_http_flagship_entity_found(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_entity_t  *e;

    e = call->data;

    if (ngx_http_flagship_entity_undone(e)) {
        return;
    }

    ngx_http_flagship_out_init(&e->out, call->request->pool, e->document.len);
    ngx_http_flagship_out_str(&e->out, &e->document);

    ngx_http_flagship_call_entity(call, NGX_HTTP_OK, &e->tag, &e->out);
}


void
ngx_http_flagship_entity_created(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_entity_t  *e;

    e = call->data;

    if (ngx_http_flagship_entity_undone(e)) {
        return;
    }

    if (e->dry_run) {
        ngx_http_flagship_entity_answer(e, NGX_HTTP_OK);
        return;
    }

    if (ngx_http_flagship_entity_location(e) != NGX_OK) {
        ngx_http_flagship_entity_fail(call);
        return;
    }

    ngx_http_flagship_entity_answer(e, NGX_HTTP_CREATED);
}


void
ngx_http_flagship_entity_changed(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_entity_t  *e;

    e = call->data;

    if (!ngx_http_flagship_entity_undone(e)) {
        ngx_http_flagship_entity_answer(e, NGX_HTTP_OK);
    }
}


void
ngx_http_flagship_entity_removed(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_entity_t  *e;

    e = call->data;

    if (ngx_http_flagship_entity_undone(e)) {
        return;
    }

    if (e->dry_run) {
        ngx_http_flagship_entity_answer(e, NGX_HTTP_OK);
        return;
    }

    ngx_http_flagship_sync_want(ngx_http_flagship_get_main_conf(call->request),
                                ngx_atoi(e->revision.data, e->revision.len));

    ngx_http_flagship_call_written(call, ngx_atoi(e->revision.data,
                                                  e->revision.len),
                                   NGX_HTTP_NO_CONTENT, NULL, NULL);
}


/* A way to the new one that the same client may go. */

static ngx_int_t
ngx_http_flagship_entity_location(ngx_http_flagship_entity_t *e)
{
    u_char                    *p, mark;
    ngx_str_t                  location, *prefix;
    const char                *key;
    ngx_http_request_t        *r;
    ngx_http_flagship_call_t  *call;

    call = e->call;
    r = call->request;
    prefix = &ngx_http_flagship_get_loc_conf(r)->api->prefix;
    key = e->ref;

    p = ngx_pnalloc(r->pool, prefix->len + ngx_strlen(e->kind->path)
                             + ngx_strlen(key) + call->tenant.len
                             + call->environment.len
                             + sizeof("?environment=&tenant="));
    if (p == NULL) {
        return NGX_ERROR;
    }

    location.data = p;

    p = ngx_sprintf(p, "%V%s%s", prefix, e->kind->path, key);
    mark = '?';

    if (e->kind->environment && call->environment_named) {
        p = ngx_sprintf(p, "?environment=%V", &call->environment);
        mark = '&';
    }

    if (call->principal.role == NGX_HTTP_FLAGSHIP_ROLE_OPERATOR
        && call->principal.tenant.len == 0)
    {
        p = ngx_sprintf(p, "%ctenant=%V", mark, &call->tenant);
    }

    location.len = p - location.data;

    return ngx_http_flagship_call_header(call, "Location", &location);
}


/* The entity as it is now, with what there is to say about it. */

static void
ngx_http_flagship_entity_answer(ngx_http_flagship_entity_t *e,
    ngx_uint_t status)
{
    ngx_http_flagship_out_t   *out;
    ngx_http_flagship_call_t  *call;

    call = e->call;
    out = &e->out;

    ngx_http_flagship_sync_want(ngx_http_flagship_get_main_conf(call->request),
                                ngx_atoi(e->revision.data, e->revision.len));

    if (e->kind->lint && e->kind->lint(e) != NGX_OK) {
        ngx_http_flagship_entity_fail(call);
        return;
    }

    ngx_http_flagship_out_init(out, call->request->pool,
                               e->document.len + 64);

    ngx_http_flagship_out_data(out, e->document.data, e->document.len - 1);

    if (e->found && e->found->n) {
        ngx_http_flagship_entity_warnings(out, e->found);
    }

    ngx_http_flagship_out_literal(out, "}");

    ngx_http_flagship_call_written(call, ngx_atoi(e->revision.data,
                                                  e->revision.len),
                                   status, &e->tag, out);
}


void
ngx_http_flagship_entity_warnings(ngx_http_flagship_out_t *out,
    flagship_errors_t *errors)
{
    unsigned           i;
    flagship_error_t  *error;

    for (i = 0; i < errors->n; i++) {
        error = &errors->list[i];

        ngx_http_flagship_out_text(out, i ? "," : ",\"warnings\":[");
        ngx_http_flagship_out_literal(out, "{\"pointer\":");
        ngx_http_flagship_out_json(out, error->pointer,
                                   ngx_strlen(error->pointer));
        ngx_http_flagship_out_literal(out, ",\"detail\":");
        ngx_http_flagship_out_json(out, error->message,
                                   ngx_strlen(error->message));

        if (error->lint[0]) {
            ngx_http_flagship_out_literal(out, ",\"lint\":\"");
            ngx_http_flagship_out_text(out, error->lint);
            ngx_http_flagship_out_literal(out, "\"");
        }

        ngx_http_flagship_out_literal(out, "}");
    }

    ngx_http_flagship_out_literal(out, "]");
}


void
ngx_http_flagship_entity_fail(ngx_http_flagship_call_t *call)
{
    ngx_http_finalize_request(call->request, NGX_HTTP_INTERNAL_SERVER_ERROR);
}
