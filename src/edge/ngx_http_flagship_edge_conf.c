
/*
 * Copyright (C) Flagship
 */


/*
 * Configuration of the edge: what is inherited and how, which flag set, which
 * context.  Runs while a configuration is read, in the master or under
 * "nginx -t".
 *
 * Arrays (attributes, lists of headers, gates) are inherited where a level has
 * none of its own, as nginx does with proxy_set_header.
 */


#include "ngx_http_flagship_edge.h"


static char *ngx_http_flagship_check_value(ngx_conf_t *cf,
    ngx_http_complex_value_t *value);
static char *ngx_http_flagship_compile(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_flagship_source_t *source);
static char *ngx_http_flagship_check_attribute(ngx_conf_t *cf,
    ngx_array_t *attributes, ngx_str_t *name);
static ngx_int_t ngx_http_flagship_fold_prefix(ngx_conf_t *cf,
    ngx_http_flagship_edge_conf_t *prev, ngx_http_flagship_edge_conf_t *conf);


static ngx_str_t  ngx_http_flagship_types[] = {
    ngx_string("string"),
    ngx_string("number"),
    ngx_string("boolean"),
    ngx_string("json")
};


ngx_http_flagship_edge_main_t *
ngx_http_flagship_edge_create_main(ngx_conf_t *cf)
{
    ngx_http_flagship_edge_main_t  *main;

    main = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_edge_main_t));
    if (main == NULL) {
        return NULL;
    }

    if (ngx_array_init(&main->variables, cf->pool, 4,
                       sizeof(ngx_http_flagship_variable_t *))
        != NGX_OK)
    {
        return NULL;
    }

    return main;
}


ngx_http_flagship_edge_conf_t *
ngx_http_flagship_edge_create_conf(ngx_conf_t *cf)
{
    ngx_http_flagship_edge_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_edge_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->strip = NGX_CONF_UNSET;
    conf->limit = NGX_CONF_UNSET_UINT;
    conf->targeting_key = NGX_CONF_UNSET_PTR;
    conf->attributes = NGX_CONF_UNSET_PTR;
    conf->request = NGX_CONF_UNSET_PTR;
    conf->response = NGX_CONF_UNSET_PTR;
    conf->gates = NGX_CONF_UNSET_PTR;
    conf->identity = NGX_CONF_UNSET_PTR;

    return conf;
}


char *
ngx_http_flagship_edge_merge_conf(ngx_conf_t *cf,
    ngx_http_flagship_edge_conf_t *prev, ngx_http_flagship_edge_conf_t *conf)
{
    ngx_uint_t                      i;
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_flagship_gate_t      **gate;
    ngx_http_flagship_main_conf_t  *fmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_flagship_module);

    ngx_conf_merge_str_value(conf->prefix, prev->prefix, "X-Feature-");
    ngx_conf_merge_value(conf->strip, prev->strip, 1);
    ngx_conf_merge_uint_value(conf->limit, prev->limit,
                              NGX_HTTP_FLAGSHIP_LIMIT);
    ngx_conf_merge_ptr_value(conf->targeting_key, prev->targeting_key, NULL);
    ngx_conf_merge_ptr_value(conf->attributes, prev->attributes, NULL);
    ngx_conf_merge_ptr_value(conf->request, prev->request, NULL);
    ngx_conf_merge_ptr_value(conf->response, prev->response, NULL);
    ngx_conf_merge_ptr_value(conf->identity, prev->identity, NULL);

    /* an "if" or "limit_except" is no location of its own */

    if (conf->gates != NGX_CONF_UNSET_PTR) {
        conf->own = 1;

    } else if (clcf->noname) {
        conf->own = prev->own;
    }

    ngx_conf_merge_ptr_value(conf->gates, prev->gates, NULL);

    if (conf->gates) {
        gate = conf->gates->elts;

        for (i = 0; i < conf->gates->nelts; i++) {
            if (gate[i]->early) {
                conf->early = 1;
                fmcf->edge->early = 1;
            }
        }
    }

    if (ngx_http_flagship_fold_prefix(cf, prev, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (conf->request) {
        conf->request = ngx_http_flagship_headers_make(cf, conf->request,
                                                       &conf->prefix,
                                                       conf->limit);
        if (conf->request == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (conf->response) {
        conf->response = ngx_http_flagship_headers_make(cf, conf->response,
                                                        &conf->prefix,
                                                        conf->limit);
        if (conf->response == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (!clcf->noname && ngx_http_flagship_lint(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_flagship_fold_prefix(ngx_conf_t *cf,
    ngx_http_flagship_edge_conf_t *prev, ngx_http_flagship_edge_conf_t *conf)
{
    size_t  i;

    if (prev->fold && prev->prefix.data == conf->prefix.data) {
        conf->fold = prev->fold;
        return NGX_OK;
    }

    conf->fold = ngx_pnalloc(cf->pool, conf->prefix.len);
    if (conf->fold == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < conf->prefix.len; i++) {
        conf->fold[i] = ngx_http_flagship_fold(conf->prefix.data[i]);
    }

    return NGX_OK;
}


/* Remembers the directive that is being read. */

void
ngx_http_flagship_edge_needs_zone(ngx_conf_t *cf)
{
    ngx_str_t                      *value;
    ngx_http_flagship_main_conf_t  *fmcf;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_flagship_module);

    if (fmcf->edge->needs.len) {
        return;
    }

    value = cf->args->elts;

    fmcf->edge->needs = value[0];

    if (cf->conf_file) {
        fmcf->edge->needs_file = cf->conf_file->file.name.data;
        fmcf->edge->needs_line = cf->conf_file->line;
    }
}


ngx_int_t
ngx_http_flagship_edge_check_zone(ngx_conf_t *cf,
    ngx_http_flagship_main_conf_t *fmcf)
{
    ngx_uint_t                      i;
    ngx_http_variable_t            *v;
    ngx_http_core_main_conf_t      *cmcf;
    ngx_http_flagship_edge_main_t  *main;

    main = fmcf->edge;

    if (fmcf->zone) {
        main->scratch = ngx_palloc(cf->pool, sizeof(flagship_scratch_t));
        return main->scratch ? NGX_OK : NGX_ERROR;
    }

    if (main->needs.len) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%V\" directive needs \"flagship_zone\" in %s:%ui",
                      &main->needs,
                      main->needs_file ? main->needs_file
                                       : (u_char *) "the command line",
                      main->needs_line);
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {
        if (ngx_http_flagship_has(&v[i].name, "flagship_")) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"$%V\" variable needs \"flagship_zone\"",
                          &v[i].name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_flagship_edge_init_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf)
{
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_core_module);

    ngx_http_flagship_leave_init(fmcf->edge, cycle->log);

    fmcf->edge->indices = ngx_pcalloc(cycle->pool,
                                      (cmcf->variables.nelts + 1)
                                      * sizeof(ngx_http_flagship_index_t));

    return fmcf->edge->indices ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_flagship_key_valid(ngx_str_t *key)
{
    u_char  ch;
    size_t  i;

    if (key->len == 0 || key->len > FLAGSHIP_MAX_KEY) {
        return 0;
    }

    for (i = 0; i < key->len; i++) {
        ch = key->data[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9')
              || (i && (ch == '.' || ch == '_' || ch == '-'))))
        {
            return 0;
        }
    }

    return 1;
}


char *
ngx_http_flagship_edge_scope(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                      *rv, *p = conf;
    ngx_str_t                 *value;
    ngx_http_complex_value_t  *cv;

    rv = ngx_http_set_complex_value_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "must not be empty";
    }

    cv = *(ngx_http_complex_value_t **) (p + cmd->offset);

    return ngx_http_flagship_check_value(cf, cv);
}


/* A flag cannot be part of what it is decided by. */

static char *
ngx_http_flagship_check_value(ngx_conf_t *cf, ngx_http_complex_value_t *value)
{
    ngx_str_t                   name;
    ngx_uint_t                 *index;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    if (value->flushes == NULL) {
        return NGX_CONF_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    v = cmcf->variables.elts;

    for (index = value->flushes; *index != (ngx_uint_t) -1; index++) {

        name = v[*index].name;

        if (ngx_http_flagship_has(&name, "flagship_value_")
            || ngx_http_flagship_has(&name, "flagship_variant_")
            || ngx_http_flagship_has(&name, "flagship_reason_")
            || ngx_http_flagship_has(&name, "flagship_enabled_")
            || ngx_http_flagship_is(&name, "flagship_flags")
            || ngx_http_flagship_is(&name, "flagship_cache_key")
            || ngx_http_flagship_is(&name, "flagship_revision"))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "flags cannot be decided by flags: variable "
                               "\"$%V\" is not allowed here", &name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_flagship_compile(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_flagship_source_t *source)
{
    ngx_str_t                         *name, s;
    ngx_http_variable_t               *v;
    ngx_http_core_main_conf_t         *cmcf;
    ngx_http_compile_complex_value_t   ccv;

    s = *text;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = text;
    ccv.complex_value = &source->complex;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    source->index = NGX_ERROR;

    if (source->complex.flushes
        && source->complex.flushes[0] != (ngx_uint_t) -1)
    {
        cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
        v = cmcf->variables.elts;
        name = &v[source->complex.flushes[0]].name;

        if (s.len == name->len + 1
            || (s.len == name->len + 3 && s.data[1] == '{'))
        {
            source->index = source->complex.flushes[0];
        }
    }

    return ngx_http_flagship_check_value(cf, &source->complex);
}


char *
ngx_http_flagship_edge_targeting_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    ngx_str_t                   *value;
    ngx_http_flagship_source_t  *source;

    if (flcf->edge->targeting_key != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    source = ngx_palloc(cf->pool, sizeof(ngx_http_flagship_source_t));
    if (source == NULL) {
        return NGX_CONF_ERROR;
    }

    flcf->edge->targeting_key = source;

    value = cf->args->elts;

    return ngx_http_flagship_compile(cf, &value[1], source);
}


char *
ngx_http_flagship_edge_strip(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    return ngx_conf_set_flag_slot(cf, cmd, flcf->edge);
}


char *
ngx_http_flagship_edge_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    return ngx_conf_set_num_slot(cf, cmd, flcf->edge);
}


char *
ngx_http_flagship_edge_prefix(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    u_char              ch;
    size_t              i;
    ngx_str_t          *value;
    ngx_http_header_t  *header;

    if (flcf->edge->prefix.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "must not be empty";
    }

    for (i = 0; i < value[1].len; i++) {
        ch = value[1].data[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (i && ((ch >= '0' && ch <= '9') || ch == '-'))))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid header prefix \"%V\": letters, digits "
                               "and \"-\" are allowed", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    if (value[1].len > 64) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "header prefix \"%V\" is longer than 64 bytes",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    for (header = ngx_http_headers_in; header->name.len; header++) {

        if (header->name.len >= value[1].len
            && ngx_strncasecmp(header->name.data, value[1].data, value[1].len)
               == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "header prefix \"%V\" would remove \"%V\" from "
                               "requests", &value[1], &header->name);
            return NGX_CONF_ERROR;
        }
    }

    flcf->edge->prefix = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_flagship_edge_attribute(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    char                           *rv;
    ngx_str_t                      *value;
    ngx_uint_t                      type;
    ngx_http_flagship_attribute_t  *a;
    ngx_http_flagship_edge_conf_t  *ecf;

    ecf = flcf->edge;

    if (ecf->attributes == NGX_CONF_UNSET_PTR) {
        ecf->attributes = ngx_array_create(cf->pool, 4,
                                       sizeof(ngx_http_flagship_attribute_t));
        if (ecf->attributes == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;
    type = NGX_HTTP_FLAGSHIP_STRING;

    if (cf->args->nelts == 4) {

        for (type = 0; type < 4; type++) {
            if (value[3].len == ngx_http_flagship_types[type].len
                && ngx_strcmp(value[3].data,
                              ngx_http_flagship_types[type].data) == 0)
            {
                break;
            }
        }

        if (type == 4) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid type \"%V\" of attribute \"%V\": it "
                               "must be \"string\", \"number\", \"boolean\" "
                               "or \"json\"", &value[3], &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    rv = ngx_http_flagship_check_attribute(cf, ecf->attributes, &value[1]);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    a = ngx_array_push(ecf->attributes);
    if (a == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(a, sizeof(ngx_http_flagship_attribute_t));

    a->name = value[1];
    a->hash = flagship_hash32((char *) value[1].data, value[1].len);
    a->type = type;

    return ngx_http_flagship_compile(cf, &value[2], &a->value);
}


/* Names neither repeat nor go below each other. */

static char *
ngx_http_flagship_check_attribute(ngx_conf_t *cf, ngx_array_t *attributes,
    ngx_str_t *name)
{
    u_char                         *p;
    size_t                          i, len;
    ngx_str_t                      *longer;
    ngx_uint_t                      n;
    ngx_http_flagship_attribute_t  *a;

    p = name->data;

    for (i = 0; i < name->len; i++) {
        if (p[i] <= ' ' || p[i] >= 0x7f || p[i] == '"' || p[i] == '\\'
            || (p[i] == '.' && (i == 0 || i == name->len - 1
                                || p[i - 1] == '.')))
        {
            break;
        }
    }

    if (i < name->len || name->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid attribute name \"%V\"", name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_flagship_is(name, "targetingKey")
        || ngx_http_flagship_has(name, "targetingKey.")
        || ngx_http_flagship_is(name, "$flagd")
        || ngx_http_flagship_has(name, "$flagd."))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "attribute name \"%V\" is reserved; the targeting "
                           "key is set by \"flagship_targeting_key\"", name);
        return NGX_CONF_ERROR;
    }

    a = attributes->elts;

    for (n = 0; n < attributes->nelts; n++) {

        len = ngx_min(a[n].name.len, name->len);

        if (ngx_memcmp(a[n].name.data, p, len) != 0) {
            continue;
        }

        if (a[n].name.len == name->len) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate attribute \"%V\"", name);
            return NGX_CONF_ERROR;
        }

        longer = (a[n].name.len > len) ? &a[n].name : name;

        if (longer->data[len] == '.') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "attribute \"%V\" conflicts with \"%V\"",
                               name, &a[n].name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
