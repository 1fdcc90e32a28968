
/*
 * Copyright (C) Flagship
 */


/*
 * Flags over HTTP: what a request for one has besides what all entities have.
 * Private to _api_flags*.c.
 *
 *   _api_flags.c          handlers of one flag, and of those to be made
 *   _api_flags_check.c    what a client sent -> a document that may be written
 *   _api_flags_refused.c  what PostgreSQL refuses, as what is wrong with a
 *                         field
 *   _api_flags_list.c     the list
 */


#ifndef _NGX_HTTP_FLAGSHIP_API_FLAGS_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_API_FLAGS_H_INCLUDED_


#include "ngx_http_flagship_api_entity.h"


typedef struct {
    ngx_http_flagship_entity_t  *e;

    /* what the client sent, and what is wrong with it */

    const char                  *text;
    flagship_flag_fields_t       fields;
    uint32_t                     sent;       /* bits of fields */
    flagship_json_t              json;       /* of the query's document */
    flagship_json_t              before;     /* of the current flag */
    flagship_json_t              judged;     /* of what is compiled */
    flagship_errors_t            errors;     /* by the decoder */
    flagship_errors_t            found;      /* by the compiler; warnings */
    unsigned                     query:1;    /* it is the query's */
    unsigned                     current:1;  /* the current flag was read */
    unsigned                     create:1;
    ngx_uint_t                   tries;
} ngx_http_flagship_flag_t;


/* The state of a request, which is e->data.  NULL: no memory. */
ngx_http_flagship_flag_t *ngx_http_flagship_flag(
    ngx_http_flagship_entity_t *e);

/*
 * Reads what the client sent.  NGX_OK (fl->errors may have errors, which are
 * not answered yet) or NGX_ERROR.
 */

ngx_int_t ngx_http_flagship_flag_read(ngx_http_flagship_flag_t *fl);

/* Whether a change touches only fields that may be judged without the rest of
   the flag, and nothing is wrong with them. */

ngx_uint_t ngx_http_flagship_flag_simple(ngx_http_flagship_flag_t *fl);

/*
 * Judges the whole document that comes of it, with the current flag, which is
 * e->document, where there is one.  NGX_OK: it may be written; NGX_DECLINED:
 * a problem with all errors was answered; NGX_ERROR.
 */

ngx_int_t ngx_http_flagship_flag_check(ngx_http_flagship_flag_t *fl);

/* What is to be written, as JSON; the names of its fields that the compiler
   reads, as an array of PostgreSQL's.  NULL: no memory. */

const char *ngx_http_flagship_flag_patch(ngx_http_flagship_flag_t *fl);
const char *ngx_http_flagship_flag_names(ngx_http_flagship_flag_t *fl);

/* An error about something that the client sent: into call->errors. */
void ngx_http_flagship_flag_tell(ngx_http_flagship_flag_t *fl,
    const char *pointer, const char *detail);

/* Of the kind. */
ngx_uint_t ngx_http_flagship_flag_refused(ngx_http_flagship_entity_t *e,
    ngx_http_flagship_query_error_t *error);
ngx_int_t ngx_http_flagship_flag_lint(ngx_http_flagship_entity_t *e);


#endif /* _NGX_HTTP_FLAGSHIP_API_FLAGS_H_INCLUDED_ */
