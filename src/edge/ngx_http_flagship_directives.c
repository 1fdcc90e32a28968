
/*
 * Copyright (C) Flagship
 */


/*
 * Directives of the edge that take lists of parameters: which headers, which
 * gates, whose cookie, which variables.  Runs while a configuration is read,
 * in the master or under "nginx -t".
 */


#include "ngx_http_flagship_edge.h"


#define NGX_HTTP_FLAGSHIP_IDENTITY_TTL  (365 * 24 * 60 * 60)


/* Parameters of flagship_identity that become the cookie's attributes. */

typedef struct {
    ngx_int_t                  ttl;           /* seconds */
    ngx_str_t                  domain;
    ngx_str_t                  path;
    ngx_str_t                  samesite;
} ngx_http_flagship_cookie_t;


static char *ngx_http_flagship_set_headers(ngx_conf_t *cf,
    ngx_http_flagship_headers_t **headers, ngx_uint_t exposed);
static char *ngx_http_flagship_add_keys(ngx_conf_t *cf, ngx_array_t *keys);
static char *ngx_http_flagship_gate_parse(ngx_conf_t *cf,
    ngx_http_flagship_gate_t *gate);
static char *ngx_http_flagship_gate_otherwise(ngx_conf_t *cf,
    ngx_http_flagship_gate_t *gate, ngx_str_t *value);
static char *ngx_http_flagship_identity_parse(ngx_conf_t *cf,
    ngx_http_flagship_identity_t *identity,
    ngx_http_flagship_cookie_t *cookie);
static ngx_uint_t ngx_http_flagship_identity_set(
    ngx_http_flagship_identity_t *identity,
    ngx_http_flagship_cookie_t *cookie, ngx_str_t *param, ngx_str_t *value);
static char *ngx_http_flagship_identity_compile(ngx_conf_t *cf,
    ngx_http_flagship_identity_t *identity,
    ngx_http_flagship_cookie_t *cookie);


static ngx_str_t  ngx_http_flagship_whats[] = {
    ngx_string("value"),
    ngx_string("variant"),
    ngx_string("reason"),
    ngx_string("enabled")
};


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
    ngx_str_t                    *value;
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

    return ngx_http_flagship_add_keys(cf, &h->keys);
}


static char *
ngx_http_flagship_add_keys(ngx_conf_t *cf, ngx_array_t *list)
{
    ngx_str_t   *value, *key, *keys;
    ngx_uint_t   i, j;

    value = cf->args->elts;

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

        keys = list->elts;

        for (j = 0; j < list->nelts; j++) {
            if (keys[j].len == value[i].len
                && ngx_memcmp(keys[j].data, value[i].data, value[i].len) == 0)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "duplicate flag \"%V\"", &value[i]);
                return NGX_CONF_ERROR;
            }
        }

        key = ngx_array_push(list);
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

    ngx_str_t                      *value;
    ngx_http_flagship_gate_t       *gate, **slot;
    ngx_http_flagship_edge_conf_t  *ecf;

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

    return ngx_http_flagship_gate_parse(cf, gate);
}


static char *
ngx_http_flagship_gate_parse(ngx_conf_t *cf, ngx_http_flagship_gate_t *gate)
{
    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i, otherwise;

    value = cf->args->elts;
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
    ngx_http_flagship_cookie_t      cookie;
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

    return ngx_http_flagship_identity_parse(cf, identity, &cookie);
}


static char *
ngx_http_flagship_identity_parse(ngx_conf_t *cf,
    ngx_http_flagship_identity_t *identity,
    ngx_http_flagship_cookie_t *cookie)
{
    u_char       ch;
    size_t       j;
    ngx_str_t   *value, s;
    ngx_uint_t   i;

    cookie->ttl = NGX_HTTP_FLAGSHIP_IDENTITY_TTL;

    ngx_str_null(&cookie->domain);
    ngx_str_set(&cookie->path, "/");
    ngx_str_set(&cookie->samesite, "Lax");

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        s.data = (u_char *) ngx_strchr(value[i].data, '=');
        s.data = s.data ? s.data + 1 : value[i].data + value[i].len;
        s.len = value[i].data + value[i].len - s.data;

        for (j = 0; j < s.len; j++) {
            ch = s.data[j];

            if (ch <= ' ' || ch >= 0x7f || ch == ';' || ch == ',') {
                break;
            }
        }

        if (s.len == 0 || j < s.len
            || !ngx_http_flagship_identity_set(identity, cookie, &value[i],
                                               &s))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    if (identity->name.len == 0) {
        return "must name a cookie: \"cookie=NAME\"";
    }

    return ngx_http_flagship_identity_compile(cf, identity, cookie);
}


static ngx_uint_t
ngx_http_flagship_identity_set(ngx_http_flagship_identity_t *identity,
    ngx_http_flagship_cookie_t *cookie, ngx_str_t *param, ngx_str_t *value)
{
    u_char  ch;
    size_t  i;

    if (ngx_http_flagship_has(param, "cookie=")) {

        for (i = 0; i < value->len; i++) {
            ch = value->data[i];

            if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
                  || (ch >= '0' && ch <= '9')
                  || ch == '.' || ch == '_' || ch == '-'))
            {
                return 0;
            }
        }

        identity->name = *value;
        return 1;
    }

    if (ngx_http_flagship_has(param, "ttl=")) {
        cookie->ttl = ngx_parse_time(value, 1);
        return cookie->ttl != (ngx_int_t) NGX_ERROR && cookie->ttl != 0;
    }

    if (ngx_http_flagship_has(param, "domain=")) {
        cookie->domain = *value;
        return 1;
    }

    if (ngx_http_flagship_has(param, "path=")) {
        cookie->path = *value;
        return value->data[0] == '/';
    }

    if (!ngx_http_flagship_has(param, "samesite=")) {
        return 0;
    }

    if (ngx_strcasecmp(value->data, (u_char *) "lax") == 0) {
        ngx_str_set(&cookie->samesite, "Lax");
        return 1;
    }

    if (ngx_strcasecmp(value->data, (u_char *) "strict") == 0) {
        ngx_str_set(&cookie->samesite, "Strict");
        return 1;
    }

    if (ngx_strcasecmp(value->data, (u_char *) "none") == 0) {
        ngx_str_set(&cookie->samesite, "None");

        /* browsers take no other */
        identity->secure = 1;
        return 1;
    }

    return 0;
}


static char *
ngx_http_flagship_identity_compile(ngx_conf_t *cf,
    ngx_http_flagship_identity_t *identity,
    ngx_http_flagship_cookie_t *cookie)
{
    u_char  *p;

    identity->variable.len = sizeof("cookie_") - 1 + identity->name.len;
    identity->variable.data = ngx_pnalloc(cf->pool, identity->variable.len);
    identity->attributes.data = ngx_pnalloc(cf->pool,
                               sizeof("; Path=; Max-Age=; Domain=; HttpOnly"
                                      "; SameSite=Strict") - 1
                               + cookie->path.len + NGX_TIME_T_LEN
                               + cookie->domain.len);

    if (identity->variable.data == NULL || identity->attributes.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_sprintf(identity->variable.data, "cookie_%V", &identity->name);
    identity->hash = ngx_hash_key(identity->variable.data,
                                  identity->variable.len);

    p = ngx_sprintf(identity->attributes.data, "; Path=%V; Max-Age=%i",
                    &cookie->path, cookie->ttl);

    if (cookie->domain.len) {
        p = ngx_sprintf(p, "; Domain=%V", &cookie->domain);
    }

    p = ngx_sprintf(p, "; HttpOnly; SameSite=%V", &cookie->samesite);

    identity->attributes.len = p - identity->attributes.data;

    return NGX_CONF_OK;
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
