
/*
 * Copyright (C) Flagship
 */


/*
 * What a configuration says that is allowed and rarely meant.  Runs while a
 * configuration is read, when all other modules of nginx have merged theirs
 * (dynamic modules come last).  It only warns, and only where it is sure.
 *
 *   - a gated location that answers in the rewrite phase: a gate that is not
 *     early is never asked.  The rewrite module's program of a location is the
 *     first member of its configuration; its instructions begin with the
 *     addresses of functions that nginx exports.
 *
 *   - a location that caches answers and injects headers, and has none of our
 *     variables in its cache key.  Where a module keeps its key is not known
 *     to others, so it is asked: its own directive sets a key in a
 *     configuration made for that purpose, and where the text turns up is
 *     where the key lies.  A key with variables that may be derived from ours
 *     (map, set, scripts) is left alone.
 */


#include "ngx_http_flagship_edge.h"


typedef struct {
    const char  *module;
    const char  *key;              /* directive of the cache key */
    const char  *lock;             /* tells where the upstream part lies */
} ngx_http_flagship_cache_t;


static ngx_module_t *ngx_http_flagship_lint_module(ngx_conf_t *cf,
    const char *name);
static ngx_command_t *ngx_http_flagship_lint_command(ngx_module_t *module,
    const char *name);
static ngx_uint_t ngx_http_flagship_lint_leaves(ngx_conf_t *cf);
static void ngx_http_flagship_lint_gate(ngx_conf_t *cf,
    ngx_http_flagship_edge_conf_t *conf);

#if (NGX_HTTP_CACHE)
static ngx_int_t ngx_http_flagship_lint_cache(ngx_conf_t *cf, ngx_uint_t n);
static ngx_int_t ngx_http_flagship_lint_find(ngx_conf_t *cf,
    ngx_module_t *module, ngx_command_t *cmd);
static ngx_uint_t ngx_http_flagship_lint_plain(ngx_conf_t *cf,
    ngx_http_complex_value_t *key);


static ngx_http_flagship_cache_t  ngx_http_flagship_caches[] = {
    { "ngx_http_proxy_module", "proxy_cache_key", "proxy_cache_lock" },
    { "ngx_http_fastcgi_module", "fastcgi_cache_key", "fastcgi_cache_lock" },
    { "ngx_http_uwsgi_module", "uwsgi_cache_key", "uwsgi_cache_lock" },
    { "ngx_http_scgi_module", "scgi_cache_key", "scgi_cache_lock" }
};


/* Variables of nginx that flags have no part in. */

static ngx_str_t  ngx_http_flagship_plain[] = {
    ngx_string("scheme"),
    ngx_string("proxy_host"),
    ngx_string("proxy_port"),
    ngx_string("host"),
    ngx_string("http_host"),
    ngx_string("server_name"),
    ngx_string("server_port"),
    ngx_string("uri"),
    ngx_string("document_uri"),
    ngx_string("request_uri"),
    ngx_string("request_method"),
    ngx_string("args"),
    ngx_string("is_args"),
    ngx_string("query_string"),
    ngx_string("remote_user"),
    ngx_string("slice_range"),
    ngx_null_string
};
#endif


ngx_int_t
ngx_http_flagship_lint(ngx_conf_t *cf, ngx_http_flagship_edge_conf_t *conf)
{
#if (NGX_HTTP_CACHE)
    ngx_uint_t                 n;
    ngx_http_core_loc_conf_t  *clcf;
#endif

    if (conf->gates) {
        ngx_http_flagship_lint_gate(cf, conf);
    }

#if (NGX_HTTP_CACHE)

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->request && clcf->handler) {
        for (n = 0; n < NGX_HTTP_FLAGSHIP_CACHES; n++) {
            if (ngx_http_flagship_lint_cache(cf, n) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

#endif

    return NGX_OK;
}


static void
ngx_http_flagship_lint_gate(ngx_conf_t *cf,
    ngx_http_flagship_edge_conf_t *conf)
{
    ngx_uint_t                  i;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_flagship_gate_t  **gate;

    gate = conf->gates->elts;

    for (i = 0; i < conf->gates->nelts; i++) {
        if (!gate[i]->early) {
            break;
        }
    }

    if (i == conf->gates->nelts || !ngx_http_flagship_lint_leaves(cf)) {
        return;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->name.len == 0) {
        /* a server's own: they always come first, which is documented */
        return;
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "flagship: location \"%V\" returns or rewrites before its "
                  "gate of flag \"%V\" in %s:%ui is asked; "
                  "\"early\" would ask it first",
                  &clcf->name, &gate[i]->key,
                  gate[i]->file ? gate[i]->file : (u_char *) "-",
                  gate[i]->line);
}


/* Whether a rewrite directive of the location can end its processing. */

static ngx_uint_t
ngx_http_flagship_lint_leaves(ngx_conf_t *cf)
{
    void                          **lcf;
    uintptr_t                      *code;
    ngx_uint_t                      i, n;
    ngx_array_t                    *codes;
    ngx_module_t                   *module;
#if (NGX_PCRE)
    ngx_http_script_regex_code_t   *regex;
#endif

    module = ngx_http_flagship_lint_module(cf, "ngx_http_rewrite_module");
    if (module == NULL) {
        return 0;
    }

    lcf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf[module->ctx_index];

    if (lcf == NULL || *lcf == NULL) {
        return 0;
    }

    codes = *lcf;

    if (codes->size != 1) {
        return 0;
    }

    code = codes->elts;
    n = codes->nelts / sizeof(uintptr_t);

    for (i = 0; i < n; i++) {

        if (code[i] == (uintptr_t) ngx_http_script_return_code) {
            return 1;
        }

#if (NGX_PCRE)
        if (code[i] == (uintptr_t) ngx_http_script_regex_start_code
            && n - i >= sizeof(ngx_http_script_regex_code_t)
                        / sizeof(uintptr_t))
        {
            regex = (ngx_http_script_regex_code_t *) &code[i];

            if (regex->uri && !regex->break_cycle) {
                return 1;
            }
        }
#endif
    }

    return 0;
}


static ngx_module_t *
ngx_http_flagship_lint_module(ngx_conf_t *cf, const char *name)
{
    ngx_uint_t      i;
    ngx_module_t  **modules;

    modules = cf->cycle->modules;

    for (i = 0; modules[i]; i++) {
        if (ngx_strcmp(modules[i]->name, name) == 0) {
            return modules[i];
        }
    }

    return NULL;
}


static ngx_command_t *
ngx_http_flagship_lint_command(ngx_module_t *module, const char *name)
{
    ngx_command_t  *cmd;

    for (cmd = module->commands; cmd && cmd->name.len; cmd++) {
        if (cmd->name.len == ngx_strlen(name)
            && ngx_strncmp(cmd->name.data, name, cmd->name.len) == 0)
        {
            return cmd;
        }
    }

    return NULL;
}


#if (NGX_HTTP_CACHE)

static ngx_int_t
ngx_http_flagship_lint_cache(ngx_conf_t *cf, ngx_uint_t n)
{
    char                           *lcf;
    ngx_int_t                       offset;
    ngx_module_t                   *module;
    ngx_command_t                  *key, *lock;
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_upstream_conf_t       *ucf;
    ngx_http_flagship_main_conf_t  *fmcf;

    module = ngx_http_flagship_lint_module(cf,
                                         ngx_http_flagship_caches[n].module);
    if (module == NULL) {
        return NGX_OK;
    }

    key = ngx_http_flagship_lint_command(module,
                                         ngx_http_flagship_caches[n].key);
    lock = ngx_http_flagship_lint_command(module,
                                          ngx_http_flagship_caches[n].lock);
    lcf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf[module->ctx_index];

    if (key == NULL || lock == NULL || lcf == NULL
        || lock->offset < offsetof(ngx_http_upstream_conf_t, cache_lock))
    {
        return NGX_OK;
    }

    ucf = (ngx_http_upstream_conf_t *)
              (lcf + lock->offset
               - offsetof(ngx_http_upstream_conf_t, cache_lock));

    if (ucf->cache != 1) {
        return NGX_OK;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_flagship_module);

    if (fmcf->edge->keys[n] == 0) {
        fmcf->edge->keys[n] = ngx_http_flagship_lint_find(cf, module, key);
    }

    offset = fmcf->edge->keys[n];

    if (offset == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (offset == NGX_DECLINED
        || !ngx_http_flagship_lint_plain(cf, (ngx_http_complex_value_t *)
                                             (lcf + offset)))
    {
        return NGX_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "flagship: location \"%V\" caches answers to requests that "
                  "it injects flags into, and its \"%s\" does not depend on "
                  "them; it should contain $flagship_cache_key",
                  &clcf->name, ngx_http_flagship_caches[n].key);

    return NGX_OK;
}


/* The offset of the key in the module's configuration; it is never 0. */

static ngx_int_t
ngx_http_flagship_lint_find(ngx_conf_t *cf, ngx_module_t *module,
    ngx_command_t *cmd)
{
    u_char                    *conf, *end;
    ngx_int_t                  offset;
    ngx_str_t                 *value;
    ngx_conf_t                 probe;
    ngx_pool_t                *pool;
    ngx_array_t                args;
    ngx_http_module_t         *http;
    ngx_http_complex_value_t  *cv;

    http = module->ctx;

    if (http->create_loc_conf == NULL) {
        return NGX_DECLINED;
    }

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, cf->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    offset = NGX_ERROR;

    if (ngx_array_init(&args, pool, 2, sizeof(ngx_str_t)) != NGX_OK) {
        goto done;
    }

    value = ngx_array_push_n(&args, 2);
    value[0] = cmd->name;
    ngx_str_set(&value[1], "flagship");

    probe = *cf;
    probe.pool = pool;
    probe.args = &args;

    conf = http->create_loc_conf(&probe);
    if (conf == NULL) {
        goto done;
    }

    offset = NGX_DECLINED;
    end = pool->d.last;

    if (conf < (u_char *) pool || conf >= end
        || cmd->set(&probe, cmd, conf) != NGX_CONF_OK)
    {
        goto done;
    }

    for (cv = (ngx_http_complex_value_t *) (conf + sizeof(void *));
         (u_char *) (cv + 1) <= end;
         cv = (ngx_http_complex_value_t *) ((u_char *) cv + sizeof(void *)))
    {
        if (cv->value.data == value[1].data && cv->value.len == value[1].len) {
            offset = (u_char *) cv - conf;
            break;
        }
    }

done:

    ngx_destroy_pool(pool);

    return offset;
}


static ngx_uint_t
ngx_http_flagship_lint_plain(ngx_conf_t *cf, ngx_http_complex_value_t *key)
{
    ngx_str_t                  *name, *plain;
    ngx_uint_t                 *index;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    if (key->value.data == NULL || key->flushes == NULL) {
        return 1;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    v = cmcf->variables.elts;

    for (index = key->flushes; *index != (ngx_uint_t) -1; index++) {

        name = &v[*index].name;

        for (plain = ngx_http_flagship_plain; plain->len; plain++) {
            if (plain->len == name->len
                && ngx_strncmp(plain->data, name->data, name->len) == 0)
            {
                break;
            }
        }

        if (plain->len == 0) {
            return 0;
        }
    }

    return 1;
}

#endif
