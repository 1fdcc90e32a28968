
/*
 * Copyright (C) Flagship
 */


/*
 * The directives that name a source of flags: flagship_postgres,
 * flagship_file, flagship_refresh.
 *
 * Runs at configuration time, in the master.  Nothing is resolved, connected
 * to or written, so "nginx -t" needs no database.  A conninfo may stand in a
 * variable of the environment or in a file, which the master alone reads: no
 * password has to stand in a configuration that others may read, and none is
 * ever part of a message.
 */


#include "ngx_http_flagship_sync.h"


/* a conninfo's file */
#define NGX_HTTP_FLAGSHIP_CONNINFO_MAX  4096


static char *ngx_http_flagship_sync_conninfo(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_flagship_pg_conninfo_t **conninfo);
static ngx_int_t ngx_http_flagship_sync_quoted(ngx_conf_t *cf, ngx_uint_t *n,
    ngx_str_t *text);
static char *ngx_http_flagship_sync_env(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *text);
static char *ngx_http_flagship_sync_text(ngx_conf_t *cf, ngx_str_t *path,
    ngx_str_t *text);
static void ngx_http_flagship_sync_trim(ngx_str_t *text);


char *
ngx_http_flagship_sync_postgres(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_main_conf_t  *fmcf = conf;

    char                           *rv;
    ngx_int_t                       pool;
    ngx_str_t                      *value, s;
    ngx_uint_t                      i;
    ngx_http_flagship_sync_conf_t  *scf;

    scf = fmcf->sync;

    if (scf->pg) {
        return "is duplicate";
    }

    value = cf->args->elts;

    rv = ngx_http_flagship_sync_conninfo(cf, &value[1], &scf->pg);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "listen=", 7) == 0) {

            s.data = value[i].data + 7;
            s.len = value[i].len - 7;

            if (s.len && s.data[0] == '"'
                && ngx_http_flagship_sync_quoted(cf, &i, &s) != NGX_OK)
            {
                goto invalid;
            }

            rv = ngx_http_flagship_sync_conninfo(cf, &s, &scf->listen);
            if (rv != NGX_CONF_OK) {
                return rv;
            }

            continue;
        }

        if (ngx_strncmp(value[i].data, "pool=", 5) == 0) {

            pool = ngx_atoi(value[i].data + 5, value[i].len - 5);

            if (pool == NGX_ERROR || pool == 0) {
                goto invalid;
            }

            scf->pool = pool;

            continue;
        }

        if (ngx_strncmp(value[i].data, "timeout=", 8) == 0) {

            s.data = value[i].data + 8;
            s.len = value[i].len - 8;

            scf->timeout = ngx_parse_time(&s, 0);

            if (scf->timeout == (ngx_msec_t) NGX_ERROR || scf->timeout == 0) {
                goto invalid;
            }

            continue;
        }

        goto invalid;
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" of \"flagship_postgres\"",
                       &value[i]);

    return NGX_CONF_ERROR;
}


char *
ngx_http_flagship_sync_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_main_conf_t  *fmcf = conf;

    ngx_str_t  *value;

    if (fmcf->sync->file.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "has an empty path";
    }

    fmcf->sync->file = value[1];

    /* null-terminated, as every argument */

    if (ngx_conf_full_name(cf->cycle, &fmcf->sync->file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_flagship_sync_refresh(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_flagship_main_conf_t  *fmcf = conf;

    ngx_str_t                      *value;
    ngx_http_flagship_sync_conf_t  *scf;

    scf = fmcf->sync;

    if (scf->refresh != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    scf->refresh = ngx_parse_time(&value[1], 0);

    if (scf->refresh == (ngx_msec_t) NGX_ERROR || scf->refresh == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid time \"%V\" of \"flagship_refresh\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 3) {

        if (ngx_strcmp(value[2].data, "notify=off") == 0) {
            scf->notify = 0;

        } else if (ngx_strcmp(value[2].data, "notify=on") == 0) {
            scf->notify = 1;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" of "
                               "\"flagship_refresh\"", &value[2]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


ngx_http_flagship_sync_conf_t *
ngx_http_flagship_sync_create_conf(ngx_conf_t *cf)
{
    ngx_http_flagship_sync_conf_t  *scf;

    scf = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_sync_conf_t));
    if (scf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     scf->file = { 0, NULL };
     *     scf->pg = NULL;
     *     scf->listen = NULL;
     *     scf->tenant = { 0, NULL };
     *     scf->environment = { 0, NULL };
     *     scf->resolver = NULL;
     *     scf->worker = NULL;
     */

    scf->pool = NGX_CONF_UNSET_UINT;
    scf->timeout = NGX_CONF_UNSET_MSEC;
    scf->refresh = NGX_CONF_UNSET_MSEC;
    scf->notify = NGX_CONF_UNSET;

    return scf;
}


char *
ngx_http_flagship_sync_init_conf(ngx_conf_t *cf,
    ngx_http_flagship_main_conf_t *fmcf)
{
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_flagship_sync_conf_t  *scf;

    scf = fmcf->sync;

    if (scf->pg && scf->file.data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"flagship_postgres\" and \"flagship_file\" are "
                           "both given, but a zone has one source");
        return NGX_CONF_ERROR;
    }

    if (fmcf->zone == NULL) {

        if (scf->pg || scf->file.data) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%s\" needs a \"flagship_zone\"",
                               scf->pg ? "flagship_postgres"
                                       : "flagship_file");
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    if (scf->pg == NULL && scf->file.data == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"flagship_zone\" has no source: neither "
                           "\"flagship_postgres\" nor \"flagship_file\" is "
                           "given");
        return NGX_CONF_ERROR;
    }

    ngx_conf_init_uint_value(scf->pool, 4);
    ngx_conf_init_msec_value(scf->timeout, 2000);
    ngx_conf_init_msec_value(scf->refresh, 5000);

    if (scf->notify == NGX_CONF_UNSET) {
        scf->notify = 1;
    }

    if (scf->tenant.len == 0) {
        ngx_str_set(&scf->tenant, "default");
    }

    if (scf->environment.len == 0) {
        ngx_str_set(&scf->environment, "prod");
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->resolver && clcf->resolver->connections.nelts) {
        scf->resolver = clcf->resolver;
        scf->resolver_timeout = clcf->resolver_timeout;
        ngx_conf_init_msec_value(scf->resolver_timeout, 30000);
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_flagship_sync_conninfo(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_flagship_pg_conninfo_t **conninfo)
{
    char       *rv;
    ngx_str_t   s;

    if (*conninfo) {
        return "has a duplicate parameter \"listen\"";
    }

    if (ngx_process == NGX_PROCESS_SIGNALLER) {

        /* who signals the master may lack its environment and its rights */

        ngx_str_set(&s, "host=/");

    } else if (ngx_strncmp(text->data, "env=", 4) == 0) {

        s.data = text->data + 4;
        s.len = text->len - 4;

        rv = ngx_http_flagship_sync_env(cf, &s, &s);
        if (rv != NGX_CONF_OK) {
            return rv;
        }

    } else if (ngx_strncmp(text->data, "file=", 5) == 0) {

        s.data = text->data + 5;
        s.len = text->len - 5;

        rv = ngx_http_flagship_sync_text(cf, &s, &s);
        if (rv != NGX_CONF_OK) {
            return rv;
        }

    } else {
        s = *text;
    }

    return ngx_http_flagship_pg_parse(cf, &s, conninfo);
}


/*
 * nginx knows quotes at the beginning of an argument only, so that
 * listen="host=a dbname=b" comes in pieces, from args[*n] on.
 */

static ngx_int_t
ngx_http_flagship_sync_quoted(ngx_conf_t *cf, ngx_uint_t *n, ngx_str_t *text)
{
    u_char      *p;
    size_t       len;
    ngx_str_t   *value, piece;
    ngx_uint_t   i;

    value = cf->args->elts;
    piece = *text;

    for (len = 0, i = *n; i < cf->args->nelts; i++) {
        len += value[i].len + 1;
    }

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    piece.data++;
    piece.len--;
    text->data = p;

    for (i = *n; /* void */ ; piece = value[i]) {

        p = ngx_cpymem(p, piece.data, piece.len);

        if (piece.len && p[-1] == '"') {
            *--p = '\0';
            text->len = p - text->data;
            *n = i;

            return NGX_OK;
        }

        if (++i == cf->args->nelts) {
            return NGX_ERROR;
        }

        *p++ = ' ';
    }
}


static char *
ngx_http_flagship_sync_env(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *text)
{
    char    *value;
    size_t   len;

    /* null-terminated: it is the end of an argument */

    value = getenv((char *) name->data);

    if (value == NULL || value[0] == '\0') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the environment has no \"%V\" for "
                           "\"flagship_postgres\"", name);
        return NGX_CONF_ERROR;
    }

    len = ngx_strlen(value);

    text->data = ngx_pnalloc(cf->pool, len + 1);
    if (text->data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(text->data, value, len + 1);
    text->len = len;

    ngx_http_flagship_sync_trim(text);

    return NGX_CONF_OK;
}


static char *
ngx_http_flagship_sync_text(ngx_conf_t *cf, ngx_str_t *path, ngx_str_t *text)
{
    u_char    *buf;
    ssize_t    n;
    ngx_fd_t   fd;
    ngx_str_t  name;

    name = *path;

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    buf = ngx_pnalloc(cf->pool, NGX_HTTP_FLAGSHIP_CONNINFO_MAX + 1);
    if (buf == NULL) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(name.data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", &name);
        return NGX_CONF_ERROR;
    }

    n = ngx_read_fd(fd, buf, NGX_HTTP_FLAGSHIP_CONNINFO_MAX + 1);

    if (n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_fd_n " \"%V\" failed", &name);
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &name);
    }

    if (n == -1) {
        return NGX_CONF_ERROR;
    }

    if (n > NGX_HTTP_FLAGSHIP_CONNINFO_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is too long for a conninfo", &name);
        return NGX_CONF_ERROR;
    }

    text->data = buf;
    text->len = n;
    buf[n] = '\0';

    ngx_http_flagship_sync_trim(text);

    if (text->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" is empty", &name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void
ngx_http_flagship_sync_trim(ngx_str_t *text)
{
    while (text->len && text->data[text->len - 1] <= ' ') {
        text->data[--text->len] = '\0';
    }
}
