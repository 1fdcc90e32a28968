
/*
 * Copyright (C) Flagship
 */


/*
 * Who asks, whether they may, and which tenant and environment it is about.
 * A worker's event loop.
 *
 * The tenant is the credential's alone; an operator, who has none, may name
 * one.  The environment is the one that the request names, in its query or
 * body, else the credential's, else the location's.  A credential that is bound
 * to an environment is refused for another, never led to its own.
 */


#include "ngx_http_flagship_api_request.h"


static const char *ngx_http_flagship_scope_role(ngx_uint_t role);
static ngx_int_t ngx_http_flagship_scope_tenant(
    ngx_http_flagship_call_t *call);
static ngx_int_t ngx_http_flagship_scope_environment(
    ngx_http_flagship_call_t *call);
static void ngx_http_flagship_scope_member(ngx_http_flagship_call_t *call,
    const char *name, const char *pointer);
static void ngx_http_flagship_scope_name(ngx_http_flagship_call_t *call,
    ngx_str_t *name, const char *pointer);


ngx_int_t
ngx_http_flagship_call_principal(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_principal_t  *p;

    if (call->route->bits & NGX_HTTP_FLAGSHIP_ROUTE_OPEN) {
        return NGX_OK;
    }

    p = &call->principal;

    switch (ngx_http_flagship_authenticate(call->request, call->view, p)) {

    case NGX_OK:
        break;

    case NGX_HTTP_UNAUTHORIZED:
        ngx_http_flagship_call_problem(call, NGX_HTTP_UNAUTHORIZED,
                                       "the credential is not valid");
        return NGX_DONE;

    case NGX_HTTP_SERVICE_UNAVAILABLE:
        call->error_code = "PROVIDER_NOT_READY";
        ngx_http_flagship_call_problem(call, NGX_HTTP_SERVICE_UNAVAILABLE,
                                       call->view
                                       ? "the API keys have not been loaded yet"
                                       : "no flag set has been loaded yet");
        return NGX_DONE;

    default:
        return NGX_ERROR;
    }

    if (p->role >= call->route->role) {
        return NGX_OK;
    }

    if (p->anonymous) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_UNAUTHORIZED,
                                "a credential of the role \"%s\" is needed "
                                "(X-API-Key or Authorization: Bearer)",
                                ngx_http_flagship_scope_role(
                                                        call->route->role));
        return NGX_DONE;
    }

    ngx_http_flagship_call_problem(call, NGX_HTTP_FORBIDDEN,
                                "the role \"%s\" is needed, the credential "
                                "has \"%s\"",
                                ngx_http_flagship_scope_role(
                                                        call->route->role),
                                ngx_http_flagship_scope_role(p->role));
    return NGX_DONE;
}


static const char *
ngx_http_flagship_scope_role(ngx_uint_t role)
{
    switch (role) {

    case NGX_HTTP_FLAGSHIP_ROLE_CLIENT:
        return "client";

    case NGX_HTTP_FLAGSHIP_ROLE_VIEWER:
        return "viewer";

    case NGX_HTTP_FLAGSHIP_ROLE_EDITOR:
        return "editor";

    case NGX_HTTP_FLAGSHIP_ROLE_ADMIN:
        return "admin";

    case NGX_HTTP_FLAGSHIP_ROLE_OPERATOR:
        return "operator";

    default:
        return "none";
    }
}


ngx_int_t
ngx_http_flagship_call_scope(ngx_http_flagship_call_t *call)
{
    ngx_int_t                      rc;
    ngx_http_request_t            *r;
    ngx_http_flagship_loc_conf_t  *flcf;

    r = call->request;
    flcf = ngx_http_flagship_get_loc_conf(r);

    if (ngx_http_complex_value(r, flcf->tenant, &call->tenant) != NGX_OK
        || ngx_http_complex_value(r, flcf->environment, &call->environment)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (call->route->bits & NGX_HTTP_FLAGSHIP_ROUTE_OPEN) {
        return NGX_OK;
    }

    rc = ngx_http_flagship_scope_tenant(call);

    return (rc == NGX_OK) ? ngx_http_flagship_scope_environment(call) : rc;
}


static ngx_int_t
ngx_http_flagship_scope_tenant(ngx_http_flagship_call_t *call)
{
    ngx_str_t                       tenant;
    ngx_http_flagship_principal_t  *p;

    p = &call->principal;

    if (p->tenant.len) {
        call->tenant = p->tenant;
    }

    if (ngx_http_flagship_call_arg(call, "tenant", &tenant) != NGX_OK) {
        return NGX_OK;
    }

    if (p->role != NGX_HTTP_FLAGSHIP_ROLE_OPERATOR) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_FORBIDDEN,
                                       "only an operator names a tenant: it "
                                       "is the credential's");
        return NGX_DONE;
    }

    call->tenant = tenant;

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_scope_environment(ngx_http_flagship_call_t *call)
{
    ngx_uint_t                      i;
    ngx_http_flagship_arg_t        *arg;
    ngx_http_flagship_principal_t  *p;

    p = &call->principal;

    for (i = 0; i < call->nargs; i++) {
        arg = &call->args[i];

        if (arg->name.len == 11
            && ngx_strncmp(arg->name.data, "environment", 11) == 0)
        {
            ngx_http_flagship_scope_name(call, &arg->value,
                                         "#/query/environment");

        } else if (arg->name.len == 3
                   && ngx_strncmp(arg->name.data, "env", 3) == 0)
        {
            ngx_http_flagship_scope_name(call, &arg->value, "#/query/env");
        }
    }

    if (call->body && call->body->type == FLAGSHIP_JSON_OBJECT
        && (call->route->bits & NGX_HTTP_FLAGSHIP_ROUTE_BODY_ENVIRONMENT))
    {
        ngx_http_flagship_scope_member(call, "environment", "/environment");
        ngx_http_flagship_scope_member(call, "env", "/env");
    }

    if (call->errors) {
        ngx_http_flagship_call_problem(call,
                                       NGX_HTTP_FLAGSHIP_UNPROCESSABLE,
                                       "the environment is not clear");
        return NGX_DONE;
    }

    if (p->environment.len == 0) {
        return NGX_OK;
    }

    if (!call->environment_named) {
        call->environment = p->environment;
        return NGX_OK;
    }

    if (call->environment.len != p->environment.len
        || ngx_memcmp(call->environment.data, p->environment.data,
                      p->environment.len)
           != 0)
    {
        ngx_http_flagship_call_problem(call, NGX_HTTP_FORBIDDEN,
                                       "the credential is bound to another "
                                       "environment");
        return NGX_DONE;
    }

    return NGX_OK;
}


static void
ngx_http_flagship_scope_member(ngx_http_flagship_call_t *call,
    const char *name, const char *pointer)
{
    ngx_str_t                    value;
    const flagship_json_node_t  *node;

    node = flagship_json_member(call->body, name, ngx_strlen(name));

    if (node == NULL) {
        return;
    }

    if (node->type != FLAGSHIP_JSON_STRING) {
        ngx_http_flagship_call_error(call, pointer, "must be a string");
        return;
    }

    value.data = (u_char *) node->str;
    value.len = node->len;

    ngx_http_flagship_scope_name(call, &value, pointer);
}


static void
ngx_http_flagship_scope_name(ngx_http_flagship_call_t *call, ngx_str_t *name,
    const char *pointer)
{
    if (name->len == 0) {
        ngx_http_flagship_call_error(call, pointer, "is empty");
        return;
    }

    if (call->environment_named
        && (name->len != call->environment.len
            || ngx_memcmp(name->data, call->environment.data, name->len) != 0))
    {
        ngx_http_flagship_call_error(call, pointer,
                                     "is \"%.*s\", but the request also names "
                                     "\"%.*s\"",
                                     (int) ngx_min(name->len, 64), name->data,
                                     (int) ngx_min(call->environment.len, 64),
                                     call->environment.data);
        return;
    }

    call->environment = *name;
    call->environment_named = 1;
}
