
/*
 * Copyright (C) Flagship
 */


/*
 * Bodies: whether one may come, of which type, read whole (also when nginx
 * has written it to a file) and parsed strictly.  A worker's event loop.
 */


#include "ngx_http_flagship_api_request.h"


#define NGX_HTTP_FLAGSHIP_CONTEXT_MAX  65536    /* bytes of an evaluation's */


typedef enum {
    NGX_HTTP_FLAGSHIP_MEDIA_NONE = 0,    /* no Content-Type */
    NGX_HTTP_FLAGSHIP_MEDIA_JSON,
    NGX_HTTP_FLAGSHIP_MEDIA_TEXT,
    NGX_HTTP_FLAGSHIP_MEDIA_OTHER
} ngx_http_flagship_media_e;


static ngx_http_flagship_media_e ngx_http_flagship_body_media(
    ngx_http_request_t *r);
static ngx_uint_t ngx_http_flagship_body_charset(u_char *p, u_char *last);
static ngx_int_t ngx_http_flagship_body_large(ngx_http_flagship_call_t *call);
static ngx_int_t ngx_http_flagship_body_text(ngx_http_flagship_call_t *call);
static ngx_int_t ngx_http_flagship_body_read(ngx_http_request_t *r,
    ngx_buf_t *b, u_char *p);
static ngx_int_t ngx_http_flagship_body_absent(
    ngx_http_flagship_call_t *call);
static void ngx_http_flagship_body_refuse(ngx_http_flagship_call_t *call);


/* What the head of the request says of its body. */

ngx_int_t
ngx_http_flagship_call_body(ngx_http_flagship_call_t *call)
{
    ngx_http_request_t         *r;
    ngx_http_flagship_body_e    kind;
    ngx_http_flagship_media_e   media;

    r = call->request;
    kind = call->route->body;

    if (kind == NGX_HTTP_FLAGSHIP_BODY_NONE) {
        ngx_http_flagship_call_discard(call);
        return NGX_OK;
    }

    media = ngx_http_flagship_body_media(r);

    if (r->headers_in.content_length_n <= 0 && !r->headers_in.chunked) {

        /* a text without a line is a list without a member */

        call->plain = (kind == NGX_HTTP_FLAGSHIP_BODY_LIST
                       && media == NGX_HTTP_FLAGSHIP_MEDIA_TEXT);
        return NGX_OK;
    }

    switch (media) {

    case NGX_HTTP_FLAGSHIP_MEDIA_NONE:
    case NGX_HTTP_FLAGSHIP_MEDIA_JSON:
        break;

    case NGX_HTTP_FLAGSHIP_MEDIA_TEXT:
        if (kind == NGX_HTTP_FLAGSHIP_BODY_LIST) {
            call->plain = 1;
            break;
        }

        /* fall through */

    default:
        ngx_http_flagship_call_problem(call,
                                 NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                 "the body must be JSON in UTF-8 "
                                 "(Content-Type: application/json)%s",
                                 kind == NGX_HTTP_FLAGSHIP_BODY_LIST
                                 ? ", or text/plain" : "");
        return NGX_DONE;
    }

    if (kind == NGX_HTTP_FLAGSHIP_BODY_CONTEXT
        && r->headers_in.content_length_n > NGX_HTTP_FLAGSHIP_CONTEXT_MAX)
    {
        return ngx_http_flagship_body_large(call);
    }

    return NGX_OK;
}


static ngx_http_flagship_media_e
ngx_http_flagship_body_media(ngx_http_request_t *r)
{
    u_char                     *p, *last;
    size_t                      len;
    ngx_str_t                   type, encoding;
    ngx_uint_t                  i;
    ngx_http_flagship_media_e   media;

    static const struct {
        ngx_str_t                  name;
        ngx_http_flagship_media_e  media;
    } types[] = {
        { ngx_string("application/json"), NGX_HTTP_FLAGSHIP_MEDIA_JSON },
        { ngx_string("application/merge-patch+json"),
          NGX_HTTP_FLAGSHIP_MEDIA_JSON },
        { ngx_string("text/plain"), NGX_HTTP_FLAGSHIP_MEDIA_TEXT },
        { ngx_null_string, NGX_HTTP_FLAGSHIP_MEDIA_OTHER }
    };

    if (ngx_http_flagship_header_in(r, "content-encoding", &encoding) == NGX_OK
        && (encoding.len != 8
            || ngx_strncasecmp(encoding.data, (u_char *) "identity", 8) != 0))
    {
        return NGX_HTTP_FLAGSHIP_MEDIA_OTHER;
    }

    if (r->headers_in.content_type == NULL) {
        return NGX_HTTP_FLAGSHIP_MEDIA_NONE;
    }

    type = r->headers_in.content_type->value;

    p = type.data;
    last = p + type.len;

    while (p < last && *p != ';' && *p != ' ' && *p != '\t') {
        p++;
    }

    len = p - type.data;
    media = NGX_HTTP_FLAGSHIP_MEDIA_OTHER;

    for (i = 0; types[i].name.len; i++) {
        if (types[i].name.len == len
            && ngx_strncasecmp(type.data, types[i].name.data, len) == 0)
        {
            media = types[i].media;
        }
    }

    if (!ngx_http_flagship_body_charset(p, last)) {
        return NGX_HTTP_FLAGSHIP_MEDIA_OTHER;
    }

    return media;
}


/* Of "; charset=UTF-8; ...": another encoding than UTF-8 is not read. */

static ngx_uint_t
ngx_http_flagship_body_charset(u_char *p, u_char *last)
{
    u_char     *value;
    ngx_str_t   name;

    static u_char  charset[] = "charset=";

    value = ngx_strlcasestrn(p, last, charset, sizeof(charset) - 3);

    if (value == NULL) {
        return 1;
    }

    value += sizeof(charset) - 1;

    if (value < last && *value == '"') {
        value++;
    }

    name.data = value;

    while (value < last && *value != '"' && *value != ';' && *value != ' ') {
        value++;
    }

    name.len = value - name.data;

    return (name.len == 5
            && ngx_strncasecmp(name.data, (u_char *) "utf-8", 5) == 0)
           || (name.len == 8
               && ngx_strncasecmp(name.data, (u_char *) "us-ascii", 8) == 0);
}


static ngx_int_t
ngx_http_flagship_body_large(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_call_problem(call, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                   "an evaluation context has at most %d "
                                   "bytes", NGX_HTTP_FLAGSHIP_CONTEXT_MAX);
    return NGX_DONE;
}


ngx_int_t
ngx_http_flagship_call_body_parse(ngx_http_flagship_call_t *call)
{
    ngx_int_t                  rc;
    ngx_http_flagship_body_e   kind;

    kind = call->route->body;

    if (kind == NGX_HTTP_FLAGSHIP_BODY_NONE) {
        return NGX_OK;
    }

    rc = ngx_http_flagship_body_text(call);
    if (rc != NGX_OK) {
        return rc;
    }

    if (call->text.len == 0) {
        return ngx_http_flagship_body_absent(call);
    }

    if (kind == NGX_HTTP_FLAGSHIP_BODY_CONTEXT
        && call->text.len > NGX_HTTP_FLAGSHIP_CONTEXT_MAX)
    {
        return ngx_http_flagship_body_large(call);
    }

    if (call->plain) {
        if (!ngx_http_flagship_call_utf8(&call->text)) {
            ngx_http_flagship_call_problem(call, NGX_HTTP_BAD_REQUEST,
                                           "the body is not UTF-8 text");
            return NGX_DONE;
        }

        return NGX_OK;
    }

    switch (flagship_json_parse(&call->json, (char *) call->text.data,
                                call->text.len))
    {
    case FLAGSHIP_OK:
        call->body = call->json.nodes;
        break;

    case FLAGSHIP_DECLINED:
        ngx_http_flagship_body_refuse(call);
        return NGX_DONE;

    default:
        return NGX_ERROR;
    }

    if (kind != NGX_HTTP_FLAGSHIP_BODY_LIST
        && call->body->type != FLAGSHIP_JSON_OBJECT)
    {
        if (kind == NGX_HTTP_FLAGSHIP_BODY_CONTEXT) {
            call->error_code = "INVALID_CONTEXT";
        }

        ngx_http_flagship_call_problem(call, NGX_HTTP_BAD_REQUEST,
                                       "the body is no JSON object");
        return NGX_DONE;
    }

    return NGX_OK;
}


/* In one piece: nginx may have it in several, some of them in a file. */

static ngx_int_t
ngx_http_flagship_body_text(ngx_http_flagship_call_t *call)
{
    off_t                len;
    u_char              *p;
    ngx_buf_t           *b;
    ngx_chain_t         *cl, *bufs;
    ngx_http_request_t  *r;

    r = call->request;

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    bufs = r->request_body->bufs;

    if (bufs->next == NULL && ngx_buf_in_memory(bufs->buf)) {
        call->text.data = bufs->buf->pos;
        call->text.len = bufs->buf->last - bufs->buf->pos;
        return NGX_OK;
    }

    len = 0;

    for (cl = bufs; cl; cl = cl->next) {
        len += ngx_buf_size(cl->buf);
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    call->text.data = p;
    call->text.len = len;

    for (cl = bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        if (ngx_http_flagship_body_read(r, b, p) != NGX_OK) {
            return NGX_ERROR;
        }

        p += b->file_last - b->file_pos;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_body_read(ngx_http_request_t *r, ngx_buf_t *b, u_char *p)
{
    off_t    offset;
    ssize_t  n;

    for (offset = b->file_pos; offset < b->file_last; offset += n) {

        n = ngx_read_file(b->file, p + (offset - b->file_pos),
                          b->file_last - offset, offset);

        if (n == NGX_ERROR || n == 0) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_body_absent(ngx_http_flagship_call_t *call)
{
    const char  *what;

    what = "a JSON object";

    switch (call->route->body) {

    case NGX_HTTP_FLAGSHIP_BODY_OPTIONAL:
        return NGX_OK;

    case NGX_HTTP_FLAGSHIP_BODY_LIST:

        if (call->plain) {
            ngx_str_set(&call->text, "");
            return NGX_OK;
        }

        what = "a list";
        break;

    case NGX_HTTP_FLAGSHIP_BODY_CONTEXT:
        call->error_code = "INVALID_CONTEXT";
        break;

    default: /* NGX_HTTP_FLAGSHIP_BODY_JSON */
        break;
    }

    ngx_http_flagship_call_problem(call, NGX_HTTP_BAD_REQUEST,
                                   "%s is expected as the body", what);
    return NGX_DONE;
}


static void
ngx_http_flagship_body_refuse(ngx_http_flagship_call_t *call)
{
    char              pointer[192];
    flagship_json_t  *json;

    json = &call->json;

    flagship_json_locate((char *) call->text.data, json->offset, pointer,
                         sizeof(pointer));

    ngx_http_flagship_call_error(call, pointer, "%s at byte %zu",
                                 json->error, json->offset);

    if (call->route->body == NGX_HTTP_FLAGSHIP_BODY_CONTEXT) {
        call->error_code = "INVALID_CONTEXT";
    }

    ngx_http_flagship_call_problem(call, NGX_HTTP_BAD_REQUEST,
                                   "the body is not JSON: %s at byte %uz",
                                   json->error, json->offset);
}
