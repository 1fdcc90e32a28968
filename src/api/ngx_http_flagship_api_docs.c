
/*
 * Copyright (C) Flagship
 */


/*
 * The API's own description: /openapi.json, and the pages that show it,
 * /docs (Swagger UI) and /redoc, with what they load.  Files of a folder that
 * "make" fills; only those listed here are ever served.  Nothing that a page
 * loads is another origin's, and no script is inline.  A worker's event loop.
 */


#include "ngx_http_flagship_api_request.h"


static ngx_int_t ngx_http_flagship_docs_send(ngx_http_flagship_call_t *call,
    const char *name);
static ngx_int_t ngx_http_flagship_docs_open(ngx_http_flagship_call_t *call,
    ngx_str_t *path, ngx_open_file_info_t *of);
static void ngx_http_flagship_docs_pass(ngx_http_flagship_call_t *call,
    ngx_str_t *path, ngx_open_file_info_t *of);


static const struct {
    const char  *name;
    ngx_str_t    type;
} ngx_http_flagship_docs_files[] = {
    { "swagger-ui.css", ngx_string("text/css") },
    { "swagger-ui-bundle.js", ngx_string("text/javascript") },
    { "swagger.js", ngx_string("text/javascript") },
    { "redoc.standalone.js", ngx_string("text/javascript") },
    { "redoc.js", ngx_string("text/javascript") },
    { "icon.png", ngx_string("image/png") },

    /* by routes of their own */

    { "docs.html", ngx_string("text/html") },
    { "redoc.html", ngx_string("text/html") },
    { "openapi.json", ngx_string("application/json") },
    { NULL, ngx_null_string }
};

#define NGX_HTTP_FLAGSHIP_DOCS_PARTS  6


ngx_int_t
ngx_http_flagship_docs(ngx_http_flagship_call_t *call)
{
    return ngx_http_flagship_docs_send(call, "docs.html");
}


ngx_int_t
ngx_http_flagship_redoc(ngx_http_flagship_call_t *call)
{
    return ngx_http_flagship_docs_send(call, "redoc.html");
}


ngx_int_t
ngx_http_flagship_openapi(ngx_http_flagship_call_t *call)
{
    return ngx_http_flagship_docs_send(call, "openapi.json");
}


/* /docs/{file} */

ngx_int_t
ngx_http_flagship_docs_file(ngx_http_flagship_call_t *call)
{
    ngx_str_t   *file;
    ngx_uint_t   i;
    const char  *name;

    file = &call->params[0];

    for (i = 0; i < NGX_HTTP_FLAGSHIP_DOCS_PARTS; i++) {
        name = ngx_http_flagship_docs_files[i].name;

        if (file->len == ngx_strlen(name)
            && ngx_strncmp(file->data, name, file->len) == 0)
        {
            return ngx_http_flagship_docs_send(call, name);
        }
    }

    ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND,
                                   "there is nothing at this path");
    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_docs_send(ngx_http_flagship_call_t *call, const char *name)
{
    u_char                        *p;
    ngx_int_t                      rc;
    ngx_str_t                      path;
    ngx_uint_t                     i;
    ngx_http_request_t            *r;
    ngx_open_file_info_t           of;
    ngx_http_flagship_api_conf_t  *conf;

    r = call->request;
    conf = ngx_http_flagship_get_loc_conf(r)->api;

    rc = NGX_DECLINED;

    if (conf->docs.len) {
        path.len = conf->docs.len + 1 + ngx_strlen(name);
        path.data = ngx_pnalloc(r->pool, path.len + 1);

        if (path.data == NULL) {
            return NGX_ERROR;
        }

        p = ngx_sprintf(path.data, "%V/%s", &conf->docs, name);
        *p = '\0';

        rc = ngx_http_flagship_docs_open(call, &path, &of);
    }

    if (rc == NGX_DECLINED) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND,
                                       "the documentation is not installed "
                                       "on this server");
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; ngx_strcmp(ngx_http_flagship_docs_files[i].name, name) != 0;
         i++)
    {
        /* void */
    }

    r->headers_out.content_type = ngx_http_flagship_docs_files[i].type;
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    /* styles are made by the pages' own scripts */

    if (ngx_http_flagship_call_header_literal(call, "Content-Security-Policy",
                                  "default-src 'none'; script-src 'self'; "
                                  "style-src 'self' 'unsafe-inline'; "
                                  "img-src 'self' data:; connect-src 'self'; "
                                  "base-uri 'none'; form-action 'none'; "
                                  "frame-ancestors 'none'")
        != NGX_OK
        || ngx_http_flagship_call_header_literal(call,
                                                 "X-Content-Type-Options",
                                                 "nosniff")
           != NGX_OK
        || ngx_http_flagship_answer_headers(call) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_flagship_docs_pass(call, &path, &of);

    return NGX_OK;
}


/* NGX_DECLINED: there is no such file. */

static ngx_int_t
ngx_http_flagship_docs_open(ngx_http_flagship_call_t *call, ngx_str_t *path,
    ngx_open_file_info_t *of)
{
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = call->request;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_memzero(of, sizeof(ngx_open_file_info_t));

    of->read_ahead = clcf->read_ahead;
    of->directio = clcf->directio;
    of->valid = clcf->open_file_cache_valid;
    of->min_uses = clcf->open_file_cache_min_uses;
    of->errors = clcf->open_file_cache_errors;
    of->events = clcf->open_file_cache_events;

    if (ngx_open_cached_file(clcf->open_file_cache, path, of, r->pool)
        != NGX_OK)
    {
        if (of->err == 0) {
            return NGX_ERROR;
        }

        ngx_log_error(NGX_LOG_INFO, r->connection->log, of->err,
                      "flagship: %s \"%V\" failed", of->failed, path);
        return NGX_DECLINED;
    }

    return of->is_file ? NGX_OK : NGX_DECLINED;
}


static void
ngx_http_flagship_docs_pass(ngx_http_flagship_call_t *call, ngx_str_t *path,
    ngx_open_file_info_t *of)
{
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    r = call->request;

    b = ngx_calloc_buf(r->pool);

    if (b == NULL) {
        goto failed;
    }

    b->file = ngx_pcalloc(r->pool, sizeof(ngx_file_t));

    if (b->file == NULL) {
        goto failed;
    }

    /* a file's own tag and time: nginx compares them */

    r->disable_not_modified = 0;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = of->size;
    r->headers_out.last_modified_time = of->mtime;

    if (ngx_http_set_etag(r) != NGX_OK) {
        goto failed;
    }

    call->answered = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    b->file_pos = 0;
    b->file_last = of->size;
    b->in_file = b->file_last ? 1 : 0;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    b->file->fd = of->fd;
    b->file->name = *path;
    b->file->log = r->connection->log;
    b->file->directio = of->is_directio;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    ngx_http_finalize_request(r, rc);
    return;

failed:

    ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
}
