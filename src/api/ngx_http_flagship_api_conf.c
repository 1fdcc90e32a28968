
/*
 * Copyright (C) Flagship
 */


/*
 * Directives of the API, and what a worker keeps for it.
 */


#include "ngx_http_flagship_api_query.h"


char *
ngx_http_flagship_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    ngx_str_t                      *value;
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_flagship_api_conf_t   *acf;
    ngx_http_flagship_main_conf_t  *fmcf;

    acf = flcf->api;

    if (acf->api) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->named || clcf->exact_match
#if (NGX_PCRE)
        || clcf->regex
#endif
        )
    {
        return "must be in a location that is a prefix: its routes are "
               "the paths below it";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2) {

        if (value[1].len <= 5
            || ngx_strncmp(value[1].data, "docs=", 5) != 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in \"%V\" "
                               "directive, \"docs=path\" is the only one",
                               &value[1], &cmd->name);
            return NGX_CONF_ERROR;
        }

        acf->docs.data = value[1].data + 5;
        acf->docs.len = value[1].len - 5;

        if (ngx_conf_full_name(cf->cycle, &acf->docs, 0) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    acf->api = 1;
    acf->prefix = clcf->name;

    while (acf->prefix.len
           && acf->prefix.data[acf->prefix.len - 1] == '/')
    {
        acf->prefix.len--;
    }

    clcf->handler = ngx_http_flagship_api_handler;

    /* pages of an upper level would make errors HTML */

    if (clcf->error_pages == NULL) {
        clcf->error_pages = ngx_array_create(cf->pool, 1,
                                             sizeof(ngx_http_err_page_t));
        if (clcf->error_pages == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_flagship_module);
    fmcf->api->used = 1;

    return NGX_CONF_OK;
}


ngx_http_flagship_api_main_t *
ngx_http_flagship_api_create_main(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_api_main_t));
}


ngx_http_flagship_api_conf_t *
ngx_http_flagship_api_create_conf(ngx_conf_t *cf)
{
    ngx_http_flagship_api_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_api_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->write_wait = NGX_CONF_UNSET_MSEC;
    conf->cors = NGX_CONF_UNSET_PTR;

    return conf;
}


char *
ngx_http_flagship_api_write_wait(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    return ngx_conf_set_msec_slot(cf, cmd, flcf->api);
}


/* "if" and "limit_except" blocks are locations of their own. */

char *
ngx_http_flagship_api_merge_conf(ngx_conf_t *cf,
    ngx_http_flagship_api_conf_t *prev, ngx_http_flagship_api_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    ngx_conf_merge_msec_value(conf->write_wait, prev->write_wait, 1000);
    ngx_conf_merge_ptr_value(conf->cors, prev->cors, NULL);

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname && clcf->handler == NULL && prev->api) {
        conf->api = 1;
        conf->prefix = prev->prefix;
        conf->docs = prev->docs;
        clcf->handler = ngx_http_flagship_api_handler;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_flagship_api_init(ngx_conf_t *cf, ngx_http_flagship_api_main_t *main)
{
    if (!main->used) {
        return NGX_OK;
    }

    main->scratch = ngx_palloc(cf->pool, sizeof(flagship_scratch_t));
    if (main->scratch == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_api_error_init(cf);
}


ngx_int_t
ngx_http_flagship_api_init_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf)
{
    flagship_context_init(&fmcf->api->context);
    ngx_http_flagship_written_init_process(cycle, fmcf);

    return ngx_http_flagship_query_init_process(cycle, fmcf);
}


void
ngx_http_flagship_api_exit_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf)
{
    ngx_http_flagship_query_exit_process(fmcf);
    flagship_context_free(&fmcf->api->context);
}
