
/*
 * Copyright (C) Flagship
 */


/*
 * The file of flagship_file -> units -> images.
 *
 * The file is the whole content, but only an explicit empty "flags" empties
 * anything: a file that is empty, no JSON or no flag document is refused as a
 * whole, and what is live stays.  The stamp is taken before and after reading:
 * a file that changed meanwhile is torn and will be read again.
 *
 * Runs where a build runs; before the workers exist, in the master.
 */


#include "ngx_http_flagship_sync_build.h"
#include "flagship_document.h"


typedef struct {
    ngx_http_flagship_build_t  *build;
    flagship_errors_t           errors;
    unsigned                    reported;
} ngx_http_flagship_read_t;


static int ngx_http_flagship_read_text(ngx_http_flagship_build_t *b,
    char **text, size_t *len);
static int ngx_http_flagship_read_all(ngx_http_flagship_build_t *b, int fd,
    char **text, size_t *len);
static int ngx_http_flagship_read_refuse(ngx_http_flagship_build_t *b,
    const char *what, int err);
static int ngx_http_flagship_read_idset(void *data, flagship_str_t name,
    flagship_idset_t *set);
static int ngx_http_flagship_read_set(void *data, flagship_str_t tenant,
    flagship_str_t environment, flagship_unit_t *unit);


int
ngx_http_flagship_build_file(ngx_http_flagship_build_t *b)
{
    int                        rc;
    char                      *text, why[224];
    size_t                     len;
    flagship_json_t            json;
    ngx_http_flagship_read_t  *ctx;

    rc = ngx_http_flagship_read_text(b, &text, &len);
    if (rc != FLAGSHIP_OK) {
        return rc;
    }

    ctx = malloc(sizeof(ngx_http_flagship_read_t));
    if (ctx == NULL) {
        free(text);
        return FLAGSHIP_ERROR;
    }

    ctx->build = b;
    ctx->reported = 0;
    flagship_errors_init(&ctx->errors);

    flagship_json_init(&json);

    rc = flagship_json_parse(&json, text, len);

    if (rc == FLAGSHIP_DECLINED) {
        snprintf(why, sizeof(why), "is no valid JSON at byte %zu: %s",
                 json.offset, json.error);
        rc = ngx_http_flagship_read_refuse(b, why, 0);

    } else if (rc == FLAGSHIP_OK) {
        rc = flagship_document_idsets(json.nodes, ngx_http_flagship_read_idset,
                                      b);
    }

    if (rc == FLAGSHIP_OK) {
        rc = flagship_document_compile(json.nodes, b->tenant, b->environment,
                                       ngx_http_flagship_read_set, ctx,
                                       &ctx->errors);

        if (rc == FLAGSHIP_DECLINED) {
            snprintf(why, sizeof(why), "is no flag document: %s",
                     ctx->errors.n ? ctx->errors.list[0].message
                                   : "it has no \"flags\"");
            rc = ngx_http_flagship_read_refuse(b, why, 0);

        } else if (rc == FLAGSHIP_OK) {

            /* what was said of no set in particular */

            ngx_http_flagship_report_errors(b, b->tenant, b->environment,
                                            "flag", flagship_str("", 0),
                                            &ctx->errors, ctx->reported);
        }
    }

    flagship_json_free(&json);
    free(ctx);
    free(text);

    return rc;
}


static int
ngx_http_flagship_read_idset(void *data, flagship_str_t name,
    flagship_idset_t *set)
{
    ngx_http_flagship_build_t  *b = data;

    char  *p;

    /* the name must outlive the text */

    p = flagship_arena_alloc(&b->arena, name.len + 1);

    if (p == NULL) {
        free(set);
        return FLAGSHIP_ERROR;
    }

    memcpy(p, name.data, name.len);

    return ngx_http_flagship_sets_put(b, b->tenant, flagship_str(p, name.len),
                                      set);
}


static int
ngx_http_flagship_read_set(void *data, flagship_str_t tenant,
    flagship_str_t environment, flagship_unit_t *unit)
{
    int                         rc;
    char                       *p;
    ngx_http_flagship_read_t   *ctx = data;
    ngx_http_flagship_build_t  *b;

    b = ctx->build;

    if (ngx_http_flagship_build_cancelled(b)) {
        b->status = NGX_HTTP_FLAGSHIP_BUILD_CANCELLED;
        flagship_unit_destroy(unit);
        return FLAGSHIP_ERROR;
    }

    ngx_http_flagship_report_errors(b, tenant, environment, "flag",
                                    flagship_str("", 0), &ctx->errors,
                                    ctx->reported);
    ctx->reported = ctx->errors.n;

    /* the names must outlive the text */

    p = flagship_arena_alloc(&b->arena, tenant.len + environment.len + 1);

    if (p == NULL) {
        flagship_unit_destroy(unit);
        return FLAGSHIP_ERROR;
    }

    memcpy(p, tenant.data, tenant.len);
    memcpy(p + tenant.len, environment.data, environment.len);

    rc = ngx_http_flagship_build_link(b, flagship_str(p, tenant.len),
                                      flagship_str(p + tenant.len,
                                                   environment.len),
                                      unit, 1);

    flagship_unit_destroy(unit);

    return rc;
}


static int
ngx_http_flagship_read_text(ngx_http_flagship_build_t *b, char **text,
    size_t *len)
{
    int                        fd, rc;
    struct stat                st;
    ngx_http_flagship_stamp_t  after;

    /* not to wait for the other end of what turns out to be a pipe */

    fd = open(b->path, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

    if (fd == -1) {
        return ngx_http_flagship_read_refuse(b, "cannot be read", errno);
    }

    if (fstat(fd, &st) == -1) {
        rc = ngx_http_flagship_read_refuse(b, "cannot be read", errno);
        close(fd);
        return rc;
    }

    ngx_http_flagship_stamp_set(&b->stamp, &st);

    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return ngx_http_flagship_read_refuse(b, "is no regular file", 0);
    }

    rc = ngx_http_flagship_read_all(b, fd, text, len);

    if (rc == FLAGSHIP_OK && fstat(fd, &st) == 0) {
        ngx_http_flagship_stamp_set(&after, &st);
        b->torn = !ngx_http_flagship_stamp_eq(&b->stamp, &after);
    }

    close(fd);

    return rc;
}


static int
ngx_http_flagship_read_all(ngx_http_flagship_build_t *b, int fd, char **text,
    size_t *len)
{
    int      rc;
    char    *buf;
    size_t   size, n;
    ssize_t  got;

    if (b->stamp.size > FLAGSHIP_MAX_DOCUMENT) {
        return ngx_http_flagship_read_refuse(b, "is larger than 64 MiB", 0);
    }

    size = (size_t) b->stamp.size;

    buf = malloc(size + 1);
    if (buf == NULL) {
        return FLAGSHIP_ERROR;
    }

    for (n = 0; n < size; n += (size_t) got) {

        do {
            got = read(fd, buf + n, size - n);
        } while (got == -1 && errno == EINTR);

        if (got == -1) {
            rc = ngx_http_flagship_read_refuse(b, "cannot be read", errno);
            free(buf);
            return rc;
        }

        if (got == 0) {
            break;
        }
    }

    if (n == 0) {
        free(buf);
        return ngx_http_flagship_read_refuse(b, "is empty", 0);
    }

    *text = buf;
    *len = n;

    return FLAGSHIP_OK;
}


static int
ngx_http_flagship_read_refuse(ngx_http_flagship_build_t *b, const char *what,
    int err)
{
    b->status = NGX_HTTP_FLAGSHIP_BUILD_REFUSED;
    b->err = err;

    snprintf(b->reason, sizeof(b->reason), "%s", what);

    return FLAGSHIP_DECLINED;
}


void
ngx_http_flagship_stamp_set(ngx_http_flagship_stamp_t *stamp,
    const struct stat *st)
{
    ngx_memzero(stamp, sizeof(ngx_http_flagship_stamp_t));

    stamp->dev = st->st_dev;
    stamp->ino = st->st_ino;
    stamp->size = st->st_size;
    stamp->mtime = st->st_mtim;
    stamp->ctime = st->st_ctim;
}


int
ngx_http_flagship_stamp_eq(const ngx_http_flagship_stamp_t *a,
    const ngx_http_flagship_stamp_t *b)
{
    return a->dev == b->dev
           && a->ino == b->ino
           && a->size == b->size
           && a->mtime.tv_sec == b->mtime.tv_sec
           && a->mtime.tv_nsec == b->mtime.tv_nsec
           && a->ctime.tv_sec == b->ctime.tv_sec
           && a->ctime.tv_nsec == b->ctime.tv_nsec;
}
