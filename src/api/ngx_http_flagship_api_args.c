
/*
 * Copyright (C) Flagship
 */


/*
 * Arguments of the query, decoded as forms write them: "+" is a blank, "%XX"
 * a byte.  What is no UTF-8, has a NUL or a broken "%" is refused.
 */


#include "ngx_http_flagship_api_request.h"


#define NGX_HTTP_FLAGSHIP_ARGS_MAX  256


static ngx_int_t ngx_http_flagship_args_decode(u_char **out, u_char *p,
    u_char *last, ngx_str_t *text);


ngx_int_t
ngx_http_flagship_call_args(ngx_http_flagship_call_t *call)
{
    u_char                   *p, *end, *eq, *last, *out;
    ngx_uint_t                n;
    ngx_http_request_t       *r;
    ngx_http_flagship_arg_t  *arg;

    r = call->request;

    if (r->args.len == 0) {
        return NGX_OK;
    }

    p = r->args.data;
    last = p + r->args.len;

    for (n = 1; p < last; p++) {
        n += (*p == '&');
    }

    if (n > NGX_HTTP_FLAGSHIP_ARGS_MAX) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_BAD_REQUEST,
                                       "the query has more than %d arguments",
                                       NGX_HTTP_FLAGSHIP_ARGS_MAX);
        return NGX_DONE;
    }

    call->args = ngx_palloc(r->pool, n * sizeof(ngx_http_flagship_arg_t));
    out = ngx_pnalloc(r->pool, r->args.len);

    if (call->args == NULL || out == NULL) {
        return NGX_ERROR;
    }

    for (p = r->args.data; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        if (end == p) {
            continue;
        }

        eq = ngx_strlchr(p, end, '=');
        if (eq == NULL) {
            eq = end;
        }

        arg = &call->args[call->nargs++];

        if (ngx_http_flagship_args_decode(&out, p, eq, &arg->name) != NGX_OK
            || ngx_http_flagship_args_decode(&out, ngx_min(eq + 1, end), end,
                                             &arg->value)
               != NGX_OK)
        {
            ngx_http_flagship_call_problem(call, NGX_HTTP_BAD_REQUEST,
                                           "the query is not percent-encoded "
                                           "UTF-8");
            return NGX_DONE;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_args_decode(u_char **out, u_char *p, u_char *last,
    ngx_str_t *text)
{
    u_char     *d;
    ngx_int_t   c;

    d = *out;
    text->data = d;

    while (p < last) {

        if (*p == '%') {
            if (last - p < 3) {
                return NGX_ERROR;
            }

            c = ngx_hextoi(p + 1, 2);
            if (c == NGX_ERROR) {
                return NGX_ERROR;
            }

            *d++ = (u_char) c;
            p += 3;
            continue;
        }

        *d++ = (*p == '+') ? ' ' : *p;
        p++;
    }

    *out = d;
    text->len = d - text->data;

    return ngx_http_flagship_call_utf8(text) ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_flagship_call_arg_get(ngx_http_flagship_call_t *call,
    const char *name, size_t len, ngx_str_t *value)
{
    ngx_uint_t                i;
    ngx_http_flagship_arg_t  *arg;

    for (i = 0; i < call->nargs; i++) {
        arg = &call->args[i];

        if (arg->name.len == len
            && ngx_strncmp(arg->name.data, name, len) == 0)
        {
            *value = arg->value;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_flagship_call_switch(ngx_http_flagship_call_t *call,
    const char *name, ngx_uint_t *value)
{
    char       pointer[64];
    ngx_str_t  text;

    if (ngx_http_flagship_call_arg_get(call, name, ngx_strlen(name), &text)
        != NGX_OK)
    {
        return NGX_OK;
    }

    if (text.len == 4 && ngx_strncmp(text.data, "true", 4) == 0) {
        *value = 1;
        return NGX_OK;
    }

    if (text.len == 5 && ngx_strncmp(text.data, "false", 5) == 0) {
        *value = 0;
        return NGX_OK;
    }

    (void) ngx_snprintf((u_char *) pointer, sizeof(pointer), "#/query/%s%Z",
                        name);

    ngx_http_flagship_call_error(call, pointer, "must be true or false");
    ngx_http_flagship_call_problem(call, NGX_HTTP_FLAGSHIP_UNPROCESSABLE,
                                   "an argument of the query is wrong");

    return NGX_DONE;
}


ngx_uint_t
ngx_http_flagship_call_utf8(ngx_str_t *text)
{
    u_char    *p, *last;
    uint32_t   c;

    p = text->data;
    last = p + text->len;

    while (p < last) {

        if (*p < 0x80) {
            if (*p++ == '\0') {
                return 0;
            }

            continue;
        }

        c = ngx_utf8_decode(&p, last - p);

        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
            return 0;
        }
    }

    return 1;
}
