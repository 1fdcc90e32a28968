
/*
 * Copyright (C) Flagship
 */


/*
 * One entity of a tenant over HTTP, whatever it is: what a request says of it,
 * the call of a function of PostgreSQL, and the answers that all have in
 * common.  Flags, segments, sets and keys of the API are made of this.
 *
 * A function answers with one row of these columns, as far as it has them:
 * outcome, revision, tag, form, document.  Without a tag there is no such
 * entity.
 */


#ifndef _NGX_HTTP_FLAGSHIP_API_ENTITY_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_API_ENTITY_H_INCLUDED_


#include "ngx_http_flagship_api_query.h"
#include "flagship_compile.h"
#include "flagship_fields.h"


#define NGX_HTTP_FLAGSHIP_ENTITY_PARAMS  9


typedef struct ngx_http_flagship_entity_s  ngx_http_flagship_entity_t;


typedef struct {
    const char                *noun;         /* "segment" */
    const char                *path;         /* "/segments/" */
    const flagship_resource_t *resource;
    uint32_t                   written;      /* bits of fields to be written */
    const char                *tenant_fkey;  /* constraints */
    const char                *environment_fkey;     /* NULL: has none */

    ngx_uint_t                 environment;  /* it is one environment's */

    /* NULL: there is nothing of the kind.  Errors of other constraints: 1
       where it has answered; what there is to say of e->document, into
       e->found. */
    ngx_uint_t               (*refused)(ngx_http_flagship_entity_t *e,
                                 ngx_http_flagship_query_error_t *error);
    ngx_int_t                (*lint)(ngx_http_flagship_entity_t *e);
} ngx_http_flagship_entity_kind_t;


struct ngx_http_flagship_entity_s {
    ngx_http_flagship_call_t  *call;
    const ngx_http_flagship_entity_kind_t  *kind;

    /* of the path, the query and headers, null-terminated */

    const char                *actor;
    const char                *tenant;
    const char                *environment;  /* NULL: whichever an id's is */
    const char                *ref;          /* NULL: of none yet */
    const char                *match;        /* If-Match; NULL: none */
    unsigned                   id:1;         /* ref is an id */
    unsigned                   archived:1;
    unsigned                   purge:1;
    unsigned                   dry_run:1;
    unsigned                   failed:1;     /* a result without memory */

    flagship_fields_t          fields;       /* of the body */
    flagship_errors_t         *errors;       /* the call's: of the body */
    flagship_errors_t         *found;        /* by the compiler; warnings of
                                                the answer; NULL: none */

    /* what the database says; null-terminated */

    void                      *data;         /* the handler's own */

    const char                *params[NGX_HTTP_FLAGSHIP_ENTITY_PARAMS];
    ngx_str_t                  outcome;
    ngx_str_t                  revision;
    ngx_str_t                  tag;
    ngx_str_t                  form;
    ngx_str_t                  document;
    ngx_http_flagship_out_t    out;
};


/* NGX_OK: call->data is the entity.  NGX_DONE: answered; NGX_ERROR. */
ngx_int_t ngx_http_flagship_entity_start(ngx_http_flagship_call_t *call,
    const ngx_http_flagship_entity_kind_t *kind,
    ngx_http_flagship_entity_t **entity);

/* What is of the whole tenant is not for a credential that is bound to an
   environment to change.  NGX_OK or NGX_DONE. */
ngx_int_t ngx_http_flagship_entity_unbound(ngx_http_flagship_entity_t *e);

/* The body.  NGX_OK: e->errors is there, and may have errors; NGX_ERROR. */
ngx_int_t ngx_http_flagship_entity_read(ngx_http_flagship_entity_t *e,
    ngx_uint_t create);

/* A field that is the entity's for good must be what it is, if it is sent. */
void ngx_http_flagship_entity_own(ngx_http_flagship_entity_t *e,
    unsigned field, flagship_str_t own);

/* Where there are errors they are answered: 1. */
ngx_uint_t ngx_http_flagship_entity_refused(ngx_http_flagship_entity_t *e);

/* Null-terminated, NULL: no memory: a text; the fields to be written as JSON;
   the key of a new one. */
const char *ngx_http_flagship_entity_cstr(ngx_http_flagship_entity_t *e,
    const void *data, size_t len);
const char *ngx_http_flagship_entity_patch(ngx_http_flagship_entity_t *e);
const char *ngx_http_flagship_entity_key(ngx_http_flagship_entity_t *e);

/* The function with e->params; a parameter that must not be null and is was
   not to be had.  The result is a handler's. */
ngx_int_t ngx_http_flagship_entity_query(ngx_http_flagship_entity_t *e,
    const char *sql, ngx_uint_t nparams, ngx_uint_t write,
    void (*on_done)(ngx_http_flagship_call_t *call));

ngx_uint_t ngx_http_flagship_entity_said(ngx_http_flagship_entity_t *e,
    const char *outcome);

/* Where it was not done, that is answered: 1. */
ngx_uint_t ngx_http_flagship_entity_undone(ngx_http_flagship_entity_t *e);
void ngx_http_flagship_entity_missing(ngx_http_flagship_entity_t *e);
void ngx_http_flagship_entity_mismatch(ngx_http_flagship_entity_t *e);

/* Handlers of what was done: they answer, also where it was not. */

void ngx_http_flagship_entity_found(ngx_http_flagship_call_t *call);
void ngx_http_flagship_entity_created(ngx_http_flagship_call_t *call);
void ngx_http_flagship_entity_changed(ngx_http_flagship_call_t *call);
void ngx_http_flagship_entity_removed(ngx_http_flagship_call_t *call);

/* To compile a document of the tenant with: it knows the tenant's sets; of the
   image that serves, or NULL, the dialect.  NULL: no memory. */
flagship_unit_t *ngx_http_flagship_entity_unit(
    ngx_http_flagship_call_t *call, const flagship_image_t *image);

/* Another member of an object: warnings, of which there is one at least. */
void ngx_http_flagship_entity_warnings(ngx_http_flagship_out_t *out,
    flagship_errors_t *errors);

ngx_uint_t ngx_http_flagship_entity_is(ngx_str_t *text, const char *name);

/* 500, where a handler has no memory. */
void ngx_http_flagship_entity_fail(ngx_http_flagship_call_t *call);


#endif /* _NGX_HTTP_FLAGSHIP_API_ENTITY_H_INCLUDED_ */
