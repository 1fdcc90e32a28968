
/*
 * Copyright (C) Flagship
 */


/*
 * Who asks: API keys and anonymous requests.
 *
 * A key is flagship_<id>_<secret>, sent as X-API-Key or as a bearer token.  It
 * is looked up in the catalog that the request sees, so there is no query on
 * the way; of the secret only the SHA-256 is known, and no secret is ever
 * logged.
 *
 * Runs in a worker's event loop.
 */


#ifndef _NGX_HTTP_FLAGSHIP_AUTH_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_AUTH_H_INCLUDED_


#include "ngx_http_flagship.h"
#include "ngx_http_flagship_zone.h"
#include "flagship_keys.h"


/* Each may do what those before it may. */

typedef enum {
    NGX_HTTP_FLAGSHIP_ROLE_NONE = FLAGSHIP_ROLE_NONE,
    NGX_HTTP_FLAGSHIP_ROLE_CLIENT = FLAGSHIP_ROLE_CLIENT,
    NGX_HTTP_FLAGSHIP_ROLE_VIEWER = FLAGSHIP_ROLE_VIEWER,
    NGX_HTTP_FLAGSHIP_ROLE_EDITOR = FLAGSHIP_ROLE_EDITOR,
    NGX_HTTP_FLAGSHIP_ROLE_ADMIN = FLAGSHIP_ROLE_ADMIN,
    NGX_HTTP_FLAGSHIP_ROLE_OPERATOR = FLAGSHIP_ROLE_OPERATOR
} ngx_http_flagship_role_e;


/*
 * The strings lie in the request's pool or in the view that was asked, and
 * live as long as both.
 */

typedef struct {
    ngx_uint_t                 role;
    ngx_str_t                  tenant;        /* of the credential; empty: an
                                                 operator of all tenants, or
                                                 anonymous: the directives' */
    ngx_str_t                  environment;   /* it is bound to; empty: none */
    ngx_str_t                  key_id;        /* public; empty: anonymous */
    ngx_str_t                  actor;         /* for the audit: "key:<id>",
                                                 "anonymous" */
    unsigned                   anonymous:1;
    unsigned                   see_unexposed:1;
} ngx_http_flagship_principal_t;


/* A worker's */

typedef struct ngx_http_flagship_auth_main_s {
    void                      *digest;        /* EVP_MD_CTX */
    void                      *sha256;        /* EVP_MD */
    ngx_uint_t                 keys;          /* the source brings them; what
                                                 another one left may be
                                                 without them until it did */
} ngx_http_flagship_auth_main_t;

typedef struct ngx_http_flagship_auth_conf_s {
    ngx_uint_t                 anonymous;     /* flagship_anonymous: a role */
} ngx_http_flagship_auth_conf_t;


ngx_http_flagship_auth_main_t *ngx_http_flagship_auth_create_main(
    ngx_conf_t *cf);
ngx_http_flagship_auth_conf_t *ngx_http_flagship_auth_create_conf(
    ngx_conf_t *cf);
char *ngx_http_flagship_auth_merge_conf(ngx_conf_t *cf,
    ngx_http_flagship_auth_conf_t *prev, ngx_http_flagship_auth_conf_t *conf);

/* The directive's handler; "conf" is the module's location configuration. */
char *ngx_http_flagship_auth_anonymous(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* $flagship_actor and $flagship_role */
ngx_int_t ngx_http_flagship_auth_add_variables(ngx_conf_t *cf);

/* What a worker keeps ready to hash with.  NGX_ERROR: logged. */
ngx_int_t ngx_http_flagship_auth_init_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf);
void ngx_http_flagship_auth_exit_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf);


/*
 * NGX_OK: the principal is filled in.
 *
 * NGX_HTTP_UNAUTHORIZED: a credential that is none: malformed, unknown,
 * expired or revoked; two that differ, or a header sent twice.  It is never
 * taken for an anonymous request.  Logged at info, with the key's id at most.
 *
 * NGX_HTTP_SERVICE_UNAVAILABLE: view is NULL, nobody is known yet; or its
 * source's keys are yet to come, and the credential may be one of them.
 *
 * NGX_ERROR: no memory, or OpenSSL failed.
 */

ngx_int_t ngx_http_flagship_authenticate(ngx_http_request_t *r,
    ngx_http_flagship_view_t *view, ngx_http_flagship_principal_t *p);


#endif /* _NGX_HTTP_FLAGSHIP_AUTH_H_INCLUDED_ */
