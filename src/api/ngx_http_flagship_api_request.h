
/*
 * Copyright (C) Flagship
 */


/*
 * A request of the API, as its handlers see it.
 *
 * A handler runs when the request is understood: the route is known and may
 * be used by this principal, the body is read and parsed, tenant and
 * environment are decided.  It ends in exactly one answer, at once or later,
 * by one of ngx_http_flagship_call_answer(), _entity(), _problem() or the last
 * step of a stream; the call must not be touched after that.  It returns
 * NGX_OK, or NGX_ERROR when it could do neither (no memory): 500.
 *
 * Everything is of a worker's event loop and lives in r->pool.  When the
 * request goes away before it was answered (a client that closes), its
 * cleanup cancels what runs for it and no handler is called any more.
 */


#ifndef _NGX_HTTP_FLAGSHIP_API_REQUEST_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_API_REQUEST_H_INCLUDED_


#include "ngx_http_flagship_api.h"
#include "ngx_http_flagship_api_out.h"
#include "ngx_http_flagship_api_routes.h"
#include "ngx_http_flagship_auth.h"
#include "ngx_http_flagship_zone.h"
#include "flagship_json.h"


#define NGX_HTTP_FLAGSHIP_UNPROCESSABLE  422


/* An argument of the query, decoded: UTF-8 without NUL. */

typedef struct {
    ngx_str_t                        name;
    ngx_str_t                        value;
} ngx_http_flagship_arg_t;


typedef void (*ngx_http_flagship_call_pt)(ngx_http_flagship_call_t *call);


struct ngx_http_flagship_call_s {
    ngx_http_request_t              *request;
    const ngx_http_flagship_route_t *route;      /* NULL: none was found */
    ngx_http_flagship_view_t        *view;       /* held; NULL before the
                                                    first catalog */
    uint64_t                         revision;   /* that it serves */

    ngx_http_flagship_principal_t    principal;
    ngx_str_t                        tenant;     /* decided and allowed */
    ngx_str_t                        environment;
    unsigned                         environment_named:1;    /* by the
                                                    request itself */

    ngx_str_t                        params[NGX_HTTP_FLAGSHIP_PARAMS];
                                                 /* of the path, decoded */
    ngx_http_flagship_arg_t         *args;       /* of the query, in order */
    ngx_uint_t                       nargs;

    ngx_str_t                        text;       /* the body as it came */
    unsigned                         plain:1;    /* it is text/plain */
    flagship_json_t                  json;
    const flagship_json_node_t      *body;       /* its root; NULL: no body */

    unsigned                         no_store:1; /* Cache-Control; else the
                                                    client asks each time */
    flagship_errors_t               *errors;     /* NULL: none yet */
    const char                      *error_code; /* of a problem; NULL: none */
    ngx_str_t                        extension;  /* members of a problem, as
                                                    JSON: "name": value */

    ngx_uint_t                       retry_after;    /* seconds, of a 503 */

    void                            *data;       /* the handler's own */

    /* the frame's own */

    struct ngx_http_flagship_pg_call_s       *pg;    /* under way */
    struct ngx_http_flagship_query_s         *query;
    struct ngx_http_flagship_query_error_s   *query_error;
    struct ngx_http_flagship_written_s       *written;   /* waits */

    ngx_http_flagship_out_t         *stream;
    ngx_http_flagship_call_pt        more;       /* a stream goes on */
    ngx_chain_t                     *replacement;    /* of nginx's error */
    ngx_uint_t                       methods;    /* of a preflight */
    unsigned                         answered:1;
    unsigned                         replaced:1;
};


/* The call of a request, made where there is none.  NULL: no memory. */
ngx_http_flagship_call_t *ngx_http_flagship_call_get(ngx_http_request_t *r);
ngx_http_flagship_call_t *ngx_http_flagship_call_find(ngx_http_request_t *r);


/* The first argument of that name.  NGX_OK or NGX_DECLINED. */
ngx_int_t ngx_http_flagship_call_arg_get(ngx_http_flagship_call_t *call,
    const char *name, size_t len, ngx_str_t *value);

#define ngx_http_flagship_call_arg(call, name, value)                         \
    ngx_http_flagship_call_arg_get(call, name, sizeof(name) - 1, value)


/* An argument that is true or false; without it the value stays.  NGX_OK, or
   NGX_DONE: it is neither, which was answered. */

ngx_int_t ngx_http_flagship_call_switch(ngx_http_flagship_call_t *call,
    const char *name, ngx_uint_t *value);

/* Whether a part of a path is an id: no key is shaped like one. */
ngx_uint_t ngx_http_flagship_ref_is_id(ngx_str_t *ref);


/*
 * What is wrong with the request, collected: a later problem lists it.
 * "pointer" is a JSON Pointer into the body, or "#/query/NAME" for an
 * argument.  A printf() format.
 */

void ngx_http_flagship_call_error(ngx_http_flagship_call_t *call,
    const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* To collect by core's own functions; NULL: no memory. */
flagship_errors_t *ngx_http_flagship_call_errors(
    ngx_http_flagship_call_t *call);


/*
 * Answers.  "out" may be NULL: no body.  HEAD sends no body, but its length.
 * Texts given to _header() must live as long as the request.
 */

ngx_int_t ngx_http_flagship_call_header(ngx_http_flagship_call_t *call,
    const char *name, ngx_str_t *value);

#define ngx_http_flagship_call_header_literal(call, name, s)                  \
    ngx_http_flagship_call_header(call, name, &(ngx_str_t) ngx_string(s))

void ngx_http_flagship_call_answer(ngx_http_flagship_call_t *call,
    ngx_uint_t status, ngx_http_flagship_out_t *out);

/*
 * application/problem+json with call->errors, ->error_code and ->extension.
 * "fmt" is nginx's (%V, %ui); what it makes is the detail.  401 gets
 * WWW-Authenticate, 405 Allow, 429 and 503 Retry-After.
 */

void ngx_http_flagship_call_problem(ngx_http_flagship_call_t *call,
    ngx_uint_t status, const char *fmt, ...);


/*
 * Conditional requests.  An entity's tag is <id>-<version>, without quotes.
 *
 * _entity() answers with the tag; where If-None-Match names it, a GET or HEAD
 * is answered 304 instead.  _if_match() gives what If-Match asks for as
 * "tag,tag" without quotes, or "*"; NGX_DECLINED: there is no such header.
 */

void ngx_http_flagship_call_entity(ngx_http_flagship_call_t *call,
    ngx_uint_t status, ngx_str_t *tag, ngx_http_flagship_out_t *out);
ngx_int_t ngx_http_flagship_call_if_match(ngx_http_flagship_call_t *call,
    ngx_str_t *tags);

/* Whether If-None-Match names it: for what is streamed. */
ngx_uint_t ngx_http_flagship_etag_known(ngx_http_request_t *r,
    ngx_str_t *tag);


/*
 * A long answer.  _begin() makes the text to write to and sends the header.
 * _send() sends what was written: NGX_OK: go on writing; NGX_AGAIN: the
 * client is slow, call->more is called when it has taken enough; NGX_ERROR:
 * the request has ended.  _end() sends the rest and ends the request.
 */

ngx_http_flagship_out_t *ngx_http_flagship_call_begin(
    ngx_http_flagship_call_t *call, ngx_uint_t status);
ngx_int_t ngx_http_flagship_call_send(ngx_http_flagship_call_t *call);
void ngx_http_flagship_call_end(ngx_http_flagship_call_t *call);

/* After an answer was begun that cannot be completed: closes the connection,
   so that nobody takes a part for the whole. */
void ngx_http_flagship_call_abort(ngx_http_flagship_call_t *call);


/* The frame's steps: NGX_OK: go on; NGX_DONE: it has answered; NGX_ERROR. */

ngx_int_t ngx_http_flagship_call_args(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_call_principal(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_call_body(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_call_body_parse(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_call_scope(ngx_http_flagship_call_t *call);


/* Parts of the frame for each other. */

ngx_int_t ngx_http_flagship_api_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_flagship_api_error_init(ngx_conf_t *cf);

/* May pages of other origins use this route?  And the headers for them:
   "methods" 0, or those of the path in a preflight. */
ngx_uint_t ngx_http_flagship_cors_route(ngx_http_request_t *r,
    const ngx_http_flagship_route_t *route);
ngx_int_t ngx_http_flagship_cors_headers(ngx_http_flagship_call_t *call,
    ngx_uint_t methods);

/* Text that must be UTF-8 without NUL: 1 where it is. */
ngx_uint_t ngx_http_flagship_call_utf8(ngx_str_t *text);

/* A request header of any name, given in lower case. */
ngx_int_t ngx_http_flagship_header_in(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);

void ngx_http_flagship_call_discard(ngx_http_flagship_call_t *call);
ngx_int_t ngx_http_flagship_answer_headers(ngx_http_flagship_call_t *call);

ngx_int_t ngx_http_flagship_problem_headers(ngx_http_flagship_call_t *call,
    ngx_uint_t status);
void ngx_http_flagship_problem_write(ngx_http_flagship_call_t *call,
    ngx_http_flagship_out_t *out, ngx_uint_t status, u_char *detail,
    size_t len);


#endif /* _NGX_HTTP_FLAGSHIP_API_REQUEST_H_INCLUDED_ */
