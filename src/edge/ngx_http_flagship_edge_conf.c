
/*
 * Copyright (C) Flagship
 */


/*
 * Directives of the edge: parse, inherit, check.  Runs while a configuration
 * is read, in the master or under "nginx -t".
 *
 * Arrays (attributes, lists of headers, gates) are inherited where a level has
 * none of its own, as nginx does with proxy_set_header.
 */


#include "ngx_http_flagship_edge.h"


static char *ngx_http_flagship_check_value(ngx_conf_t *cf,
    ngx_http_complex_value_t *value);
static char *ngx_http_flagship_check_attribute(ngx_conf_t *cf,
    ngx_array_t *attributes, ngx_str_t *name);
static char *ngx_http_flagship_set_headers(ngx_conf_t *cf,
    ngx_http_flagship_headers_t **headers, ngx_uint_t exposed);
static char *ngx_http_flagship_gate_otherwise(ngx_conf_t *cf,
    ngx_http_flagship_gate_t *gate, ngx_str_t *value);
static char *ngx_http_flagship_identity_parse(ngx_conf_t *cf,
    ngx_http_flagship_identity_t *identity);
static ngx_int_t ngx_http_flagship_fold_prefix(ngx_conf_t *cf,
    ngx_http_flagship_edge_conf_t *prev, ngx_http_flagship_edge_conf_t *conf);


static ngx_str_t  ngx_http_flagship_whats[] = {
    ngx_string("value"),
    ngx_string("variant"),
    ngx_string("reason"),
    ngx_string("enabled")
};


static ngx_str_t  ngx_http_flagship_types[] = {
    ngx_string("string"),
    ngx_string("number"),
    ngx_string("boolean"),
    ngx_string("json")
};


#define ngx_http_flagship_is(s, literal)                                      \
    ((s)->len == sizeof(literal) - 1                                          \
     && ngx_strncmp((s)->data, literal, sizeof(literal) - 1) == 0)

#define ngx_http_flagship_has(s, literal)                                     \
    ((s)->len >= sizeof(literal) - 1                                          \
     && ngx_strncmp((s)->data, literal, sizeof(literal) - 1) == 0)


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
    ngx_uint_t                  i;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_flagship_gate_t  **gate;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

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
    ngx_uint_t                 *index;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    if (value->flushes == NULL) {
        return NGX_CONF_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    v = cmcf->variables.elts;

    for (index = value->flushes; *index != (ngx_uint_t) -1; index++) {

        if (ngx_http_flagship_has(&v[*index].name, "flagship_")
            && !ngx_http_flagship_is(&v[*index].name, "flagship_identity"))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "flags cannot be decided by flags: variable "
                               "\"$%V\" is not allowed here",
                               &v[*index].name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_flagship_edge_targeting_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    char  *rv;

    rv = ngx_http_set_complex_value_slot(cf, cmd, flcf->edge);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_flagship_check_value(cf, flcf->edge->targeting_key);
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

    char                              *rv;
    ngx_str_t                         *value;
    ngx_uint_t                         type;
    ngx_http_flagship_attribute_t     *a;
    ngx_http_flagship_edge_conf_t     *ecf;
    ngx_http_compile_complex_value_t   ccv;

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

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[2];
    ccv.complex_value = &a->value;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_flagship_check_value(cf, &a->value);
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


char *
ngx_http_flagship_edge_headers(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    return ngx_http_flagship_set_headers(cf, &flcf->edge->request, 0);
}


char *
ngx_http_flagship_edge_response_headers(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    return ngx_http_flagship_set_headers(cf, &flcf->edge->response, 1);
}


static char *
ngx_http_flagship_set_headers(ngx_conf_t *cf,
    ngx_http_flagship_headers_t **headers, ngx_uint_t exposed)
{
    ngx_str_t                    *value, *key, *keys;
    ngx_uint_t                    i, j;
    ngx_http_flagship_headers_t  *h;

    if (*headers != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_http_flagship_is(&value[1], "off")) {
        *headers = NULL;
        return NGX_CONF_OK;
    }

    ngx_http_flagship_edge_needs_zone(cf);

    h = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_headers_t));
    if (h == NULL) {
        return NGX_CONF_ERROR;
    }

    *headers = h;

    h->exposed = exposed;

    if (cf->args->nelts == 2 && ngx_http_flagship_is(&value[1], "on")) {
        h->all = 1;
        return NGX_CONF_OK;
    }

    if (ngx_array_init(&h->keys, cf->pool, cf->args->nelts - 1,
                       sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_flagship_is(&value[i], "on")
            || ngx_http_flagship_is(&value[i], "off"))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" cannot be combined with flags",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        if (!ngx_http_flagship_key_valid(&value[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid flag key \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        keys = h->keys.elts;

        for (j = 0; j < h->keys.nelts; j++) {
            if (keys[j].len == value[i].len
                && ngx_memcmp(keys[j].data, value[i].data, value[i].len) == 0)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "duplicate flag \"%V\"", &value[i]);
                return NGX_CONF_ERROR;
            }
        }

        key = ngx_array_push(&h->keys);
        if (key == NULL) {
            return NGX_CONF_ERROR;
        }

        *key = value[i];
    }

    return NGX_CONF_OK;
}


char *
ngx_http_flagship_edge_gate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    char                            *rv;
    ngx_str_t                       *value;
    ngx_uint_t                       i, otherwise;
    ngx_http_flagship_gate_t        *gate, **slot;
    ngx_http_flagship_edge_conf_t   *ecf;

    ecf = flcf->edge;
    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_http_flagship_is(&value[1], "off")) {

        if (ecf->gates != NGX_CONF_UNSET_PTR) {
            return ecf->gates ? "\"off\" cannot be combined with gates"
                              : "is duplicate";
        }

        ecf->gates = NULL;
        return NGX_CONF_OK;
    }

    if (ecf->gates == NULL) {
        return "\"off\" cannot be combined with gates";
    }

    ngx_http_flagship_edge_needs_zone(cf);

    if (!ngx_http_flagship_key_valid(&value[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid flag key \"%V\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ecf->gates == NGX_CONF_UNSET_PTR) {
        ecf->gates = ngx_array_create(cf->pool, 2,
                                      sizeof(ngx_http_flagship_gate_t *));
        if (ecf->gates == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    slot = ngx_array_push(ecf->gates);
    gate = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_gate_t));

    if (slot == NULL || gate == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = gate;

    gate->key = value[1];
    gate->status = NGX_HTTP_NOT_FOUND;

    if (cf->conf_file) {
        gate->file = cf->conf_file->file.name.data;
        gate->line = cf->conf_file->line;
    }

    otherwise = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_flagship_has(&value[i], "variant=")) {
            gate->variant.data = value[i].data + 8;
            gate->variant.len = value[i].len - 8;

            if (gate->variant.len == 0 || gate->variant_set) {
                goto invalid;
            }

            gate->variant_set = 1;
            continue;
        }

        if (ngx_http_flagship_has(&value[i], "otherwise=")) {

            if (otherwise++) {
                goto invalid;
            }

            rv = ngx_http_flagship_gate_otherwise(cf, gate, &value[i]);
            if (rv != NGX_CONF_OK) {
                return rv;
            }

            continue;
        }

        if (ngx_http_flagship_is(&value[i], "default=open") && !gate->open) {
            gate->open = 1;
            continue;
        }

        if (ngx_http_flagship_is(&value[i], "early") && !gate->early) {
            gate->early = 1;
            continue;
        }

        goto invalid;
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       &value[i]);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_flagship_gate_otherwise(ngx_conf_t *cf,
    ngx_http_flagship_gate_t *gate, ngx_str_t *value)
{
    ngx_int_t                          status;
    ngx_str_t                          s;
    ngx_http_compile_complex_value_t   ccv;

    s.data = value->data + sizeof("otherwise=") - 1;
    s.len = value->len - (sizeof("otherwise=") - 1);

    if (s.len > 1 && s.data[0] == '@') {
        gate->named = s;
        return NGX_CONF_OK;
    }

    if (s.len && (s.data[0] == '/' || (s.len > 1 && s.data[0] == '$'))) {

        gate->uri = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
        if (gate->uri == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

        ccv.cf = cf;
        ccv.value = &s;
        ccv.complex_value = gate->uri;

        if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    status = ngx_atoi(s.data, s.len);

    if (status == NGX_ERROR || status < 400 || status > 599) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\": it must be a status of "
                           "400 to 599, a named location or a URI", value);
        return NGX_CONF_ERROR;
    }

    gate->status = status;

    return NGX_CONF_OK;
}


char *
ngx_http_flagship_edge_identity(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_flagship_loc_conf_t *flcf = conf;

    ngx_str_t                      *value;
    ngx_http_flagship_identity_t   *identity;
    ngx_http_flagship_edge_conf_t  *ecf;

    ecf = flcf->edge;

    if (ecf->identity != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_http_flagship_is(&value[1], "off")) {
        ecf->identity = NULL;
        return NGX_CONF_OK;
    }

    ngx_http_flagship_edge_needs_zone(cf);

    identity = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_identity_t));
    if (identity == NULL) {
        return NGX_CONF_ERROR;
    }

    ecf->identity = identity;

    return ngx_http_flagship_identity_parse(cf, identity);
}


static char *
ngx_http_flagship_identity_parse(ngx_conf_t *cf,
    ngx_http_flagship_identity_t *identity)
{
    u_char      *p, ch;
    size_t       j;
    ngx_int_t    ttl;
    ngx_str_t   *value, s, domain, path, samesite;
    ngx_uint_t   i;

    ttl = 365 * 24 * 60 * 60;

    ngx_str_null(&domain);
    ngx_str_set(&path, "/");
    ngx_str_set(&samesite, "Lax");

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        s.data = (u_char *) ngx_strchr(value[i].data, '=');

        if (s.data == NULL) {
            goto invalid;
        }

        s.data++;
        s.len = value[i].data + value[i].len - s.data;

        if (s.len == 0) {
            goto invalid;
        }

        for (j = 0; j < s.len; j++) {
            ch = s.data[j];

            if (ch <= ' ' || ch >= 0x7f || ch == ';' || ch == ',') {
                goto invalid;
            }
        }

        if (ngx_http_flagship_has(&value[i], "cookie=")) {

            for (j = 0; j < s.len; j++) {
                ch = s.data[j];

                if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
                      || (ch >= '0' && ch <= '9')
                      || ch == '.' || ch == '_' || ch == '-'))
                {
                    goto invalid;
                }
            }

            identity->name = s;

        } else if (ngx_http_flagship_has(&value[i], "ttl=")) {
            ttl = ngx_parse_time(&s, 1);

            if (ttl == (ngx_int_t) NGX_ERROR || ttl == 0) {
                goto invalid;
            }

        } else if (ngx_http_flagship_has(&value[i], "domain=")) {
            domain = s;

        } else if (ngx_http_flagship_has(&value[i], "path=")
                   && s.data[0] == '/')
        {
            path = s;

        } else if (ngx_http_flagship_has(&value[i], "samesite=")) {

            if (ngx_strcasecmp(s.data, (u_char *) "lax") == 0) {
                ngx_str_set(&samesite, "Lax");

            } else if (ngx_strcasecmp(s.data, (u_char *) "strict") == 0) {
                ngx_str_set(&samesite, "Strict");

            } else if (ngx_strcasecmp(s.data, (u_char *) "none") == 0) {
                ngx_str_set(&samesite, "None");
                identity->secure = 1;

            } else {
                goto invalid;
            }

        } else {
            goto invalid;
        }
    }

    if (identity->name.len == 0) {
        return "must name a cookie: \"cookie=NAME\"";
    }

    identity->variable.len = sizeof("cookie_") - 1 + identity->name.len;
    identity->variable.data = ngx_pnalloc(cf->pool, identity->variable.len);
    identity->attributes.data = ngx_pnalloc(cf->pool,
                               sizeof("; Path=; Max-Age=; Domain=; HttpOnly"
                                      "; SameSite=Strict") - 1
                               + path.len + NGX_TIME_T_LEN + domain.len);

    if (identity->variable.data == NULL || identity->attributes.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_sprintf(identity->variable.data, "cookie_%V", &identity->name);
    identity->hash = ngx_hash_key(identity->variable.data,
                                  identity->variable.len);

    p = ngx_sprintf(identity->attributes.data, "; Path=%V; Max-Age=%i", &path,
                    ttl);

    if (domain.len) {
        p = ngx_sprintf(p, "; Domain=%V", &domain);
    }

    p = ngx_sprintf(p, "; HttpOnly; SameSite=%V", &samesite);

    identity->attributes.len = p - identity->attributes.data;

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       &value[i]);

    return NGX_CONF_ERROR;
}


char *
ngx_http_flagship_edge_variable(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_flagship_main_conf_t *fmcf = conf;

    ngx_str_t                      *value, name;
    ngx_uint_t                      i, what, set;
    ngx_http_variable_t            *v;
    ngx_http_flagship_variable_t   *var, **slot;

    ngx_http_flagship_edge_needs_zone(cf);

    value = cf->args->elts;
    name = value[1];

    if (name.len < 2 || name.data[0] != '$') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid variable name \"%V\"", &name);
        return NGX_CONF_ERROR;
    }

    name.len--;
    name.data++;

    if (!ngx_http_flagship_key_valid(&value[2])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid flag key \"%V\"",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    var = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_variable_t));
    slot = ngx_array_push(&fmcf->edge->variables);

    if (var == NULL || slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = var;
    var->key = value[2];
    set = 0;

    for (i = 3; i < cf->args->nelts; i++) {

        if (ngx_http_flagship_has(&value[i], "default=") && !var->text_set) {
            var->text.data = value[i].data + 8;
            var->text.len = value[i].len - 8;
            var->text_set = 1;
            continue;
        }

        for (what = 0; what < 4; what++) {
            if (value[i].len == ngx_http_flagship_whats[what].len
                && ngx_strcmp(value[i].data,
                              ngx_http_flagship_whats[what].data) == 0)
            {
                break;
            }
        }

        if (what == 4 || set++) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        var->what = what;
    }

    v = ngx_http_add_variable(cf, &name, 0);
    if (v == NULL) {
        return NGX_CONF_ERROR;
    }

    if (v->get_handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the duplicate \"%V\" variable", &name);
        return NGX_CONF_ERROR;
    }

    v->get_handler = ngx_http_flagship_get_defined;
    v->data = (uintptr_t) var;

    var->name = v->name;

    return NGX_CONF_OK;
}
