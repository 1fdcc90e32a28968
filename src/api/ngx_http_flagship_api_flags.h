
/*
 * Copyright (C) Flagship
 */


/*
 * Flags over HTTP: one request's state.  Private to _api_flags*.c.
 *
 *   _api_flags.c          handlers of one flag, and of those to be made
 *   _api_flags_check.c    what a client sent -> a document that may be written
 *   _api_flags_refused.c  what PostgreSQL refuses, as what is wrong with a
 *                         field
 *   _api_flags_list.c     the list
 */


#ifndef _NGX_HTTP_FLAGSHIP_API_FLAGS_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_API_FLAGS_H_INCLUDED_


#include "ngx_http_flagship_api_query.h"
#include "flagship_fields.h"


#define NGX_HTTP_FLAGSHIP_FLAG_PARAMS  9


typedef struct {
    ngx_http_flagship_call_t  *call;

    /* of the path and the query, null-terminated */

    const char                *tenant;
    const char                *environment;  /* NULL: whichever the id's is */
    const char                *ref;          /* key or id */
    const char                *match;        /* If-Match; NULL: none */
    unsigned                   id:1;         /* ref is an id */
    unsigned                   archived:1;
    unsigned                   purge:1;
    unsigned                   dry_run:1;

    /* what the client sent, and what is wrong with it */

    flagship_flag_fields_t     fields;
    uint32_t                   sent;         /* bits of fields */
    flagship_json_t            json;         /* of the query's document */
    flagship_json_t            before;       /* of the current flag */
    flagship_json_t            judged;       /* of what is compiled */
    flagship_errors_t          errors;       /* by the decoder */
    flagship_errors_t          found;        /* by the compiler; warnings */
    unsigned                   query:1;      /* it is the query's */
    unsigned                   current:1;    /* the current flag was read */
    unsigned                   create:1;
    ngx_uint_t                 tries;

    /* what the database says; null-terminated */

    const char                *params[NGX_HTTP_FLAGSHIP_FLAG_PARAMS];
    ngx_str_t                  outcome;
    ngx_str_t                  revision;
    ngx_str_t                  form;
    ngx_str_t                  tag;
    ngx_str_t                  document;
    ngx_http_flagship_out_t    out;
} ngx_http_flagship_flag_call_t;


/* The state of a call, which is call->data.  NULL: no memory. */
ngx_http_flagship_flag_call_t *ngx_http_flagship_flag_call(
    ngx_http_flagship_call_t *call);

/*
 * Reads what the client sent.  NGX_OK (fc->errors may have errors, which are
 * not answered yet) or NGX_ERROR.
 */

ngx_int_t ngx_http_flagship_flag_read(ngx_http_flagship_flag_call_t *fc);

/* Whether a change touches only fields that may be judged without the rest of
   the flag, and nothing is wrong with them. */

ngx_uint_t ngx_http_flagship_flag_simple(ngx_http_flagship_flag_call_t *fc);

/*
 * Judges the whole document that comes of it, with the current flag, which is
 * fc->document, where there is one.  NGX_OK: it may be written; NGX_DECLINED:
 * a problem with all errors was answered; NGX_ERROR.
 */

ngx_int_t ngx_http_flagship_flag_check(ngx_http_flagship_flag_call_t *fc);

/* What is to be written, as JSON; the names of its fields that the compiler
   reads, as an array of PostgreSQL's.  NULL: no memory. */

const char *ngx_http_flagship_flag_patch(ngx_http_flagship_flag_call_t *fc);
const char *ngx_http_flagship_flag_names(ngx_http_flagship_flag_call_t *fc);

/* What there is to say about fc->document, into fc->found. */
ngx_int_t ngx_http_flagship_flag_lint(ngx_http_flagship_flag_call_t *fc);

/* An error about something that the client sent: into call->errors. */
void ngx_http_flagship_flag_tell(ngx_http_flagship_flag_call_t *fc,
    const char *pointer, const char *detail);

/* The handler of errors of PostgreSQL. */
ngx_uint_t ngx_http_flagship_flag_refused(ngx_http_flagship_call_t *call,
    ngx_http_flagship_query_error_t *error);


#endif /* _NGX_HTTP_FLAGSHIP_API_FLAGS_H_INCLUDED_ */
