
/*
 * Copyright (C) Flagship
 */


/*
 * flagship_anonymous; and who asks, as variables, for what nginx decides
 * itself: limit_req a key, access logs.
 *
 *     $flagship_actor    "key:<id>", "anonymous"; empty where the credential
 *                        is refused, or nobody is known yet
 *     $flagship_role     likewise
 *
 * Both are computed where they are first used and stay for the request.
 */


#include "ngx_http_flagship_auth.h"


static ngx_int_t ngx_http_flagship_auth_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_str_t  ngx_http_flagship_role_names[] = {
    ngx_string("none"),
    ngx_string("client"),
    ngx_string("viewer"),
    ngx_string("editor"),
    ngx_string("admin"),
    ngx_string("operator")
};


/* data: whether it is the role */

static ngx_http_variable_t  ngx_http_flagship_auth_variables[] = {

    { ngx_string("flagship_actor"), NULL, ngx_http_flagship_auth_variable, 0,
      0, 0 },

    { ngx_string("flagship_role"), NULL, ngx_http_flagship_auth_variable, 1,
      0, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_flagship_auth_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_flagship_auth_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_auth_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_int_t                       rc;
    ngx_str_t                       text;
    ngx_http_flagship_view_t       *view;
    ngx_http_flagship_principal_t   p;
    ngx_http_flagship_main_conf_t  *fmcf;

    fmcf = ngx_http_flagship_get_main_conf(r);

    view = fmcf->zone ? ngx_http_flagship_zone_acquire(fmcf->zone) : NULL;

    rc = ngx_http_flagship_authenticate(r, view, &p);

    /* what is used of the principal does not lie in the view */

    if (view) {
        ngx_http_flagship_view_release(view);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    if (rc != NGX_OK) {
        v->data = (u_char *) "";
        v->len = 0;
        return NGX_OK;
    }

    text = data ? ngx_http_flagship_role_names[p.role] : p.actor;

    v->data = text.data;
    v->len = text.len;

    return NGX_OK;
}


ngx_http_flagship_auth_main_t *
ngx_http_flagship_auth_create_main(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_auth_main_t));
}


ngx_http_flagship_auth_conf_t *
ngx_http_flagship_auth_create_conf(ngx_conf_t *cf)
{
    ngx_http_flagship_auth_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_auth_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->anonymous = NGX_CONF_UNSET_UINT;

    return conf;
}


char *
ngx_http_flagship_auth_merge_conf(ngx_conf_t *cf,
    ngx_http_flagship_auth_conf_t *prev, ngx_http_flagship_auth_conf_t *conf)
{
    ngx_conf_merge_uint_value(conf->anonymous, prev->anonymous,
                              NGX_HTTP_FLAGSHIP_ROLE_NONE);

    return NGX_CONF_OK;
}


/* Nobody is an operator without a credential. */

char *
ngx_http_flagship_auth_anonymous(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    if (flcf->auth->anonymous != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; i < NGX_HTTP_FLAGSHIP_ROLE_OPERATOR; i++) {
        if (value[1].len == ngx_http_flagship_role_names[i].len
            && ngx_strncmp(value[1].data, ngx_http_flagship_role_names[i].data,
                           value[1].len)
               == 0)
        {
            flcf->auth->anonymous = i;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid role \"%V\" in \"%V\" directive, it must be "
                       "\"none\", \"client\", \"viewer\", \"editor\" or "
                       "\"admin\"", &value[1], &cmd->name);

    return NGX_CONF_ERROR;
}
