
/*
 * Copyright (C) Flagship
 */


/*
 * Evaluation contexts of the API.  A worker's event loop.
 *
 * Arguments of the query are attributes with a string each, or a list where
 * one is repeated; they are written as JSON, which core reads like any other.
 * "user_id" is the targeting key of a context that names none, and stays what
 * it is.
 */


#include "ngx_http_flagship_api_evaluate.h"


static ngx_int_t ngx_http_flagship_context_query(
    ngx_http_flagship_call_t *call, ngx_str_t *user_id, ngx_str_t *text);
static u_char *ngx_http_flagship_context_arg(ngx_http_flagship_call_t *call,
    ngx_uint_t i, u_char *p);
static ngx_uint_t ngx_http_flagship_context_skip(
    ngx_http_flagship_call_t *call, ngx_uint_t i, ngx_uint_t user);
static u_char *ngx_http_flagship_context_string(u_char *p, ngx_str_t *s);
static ngx_int_t ngx_http_flagship_context_body(
    ngx_http_flagship_call_t *call, const flagship_json_node_t **node);
static ngx_int_t ngx_http_flagship_context_keyed(
    ngx_http_flagship_call_t *call, const flagship_json_node_t *node,
    ngx_str_t *text);
static ngx_int_t ngx_http_flagship_context_parse(
    ngx_http_flagship_call_t *call, ngx_str_t *text);


static const ngx_str_t  ngx_http_flagship_reserved[] = {
    ngx_string("tenant"),
    ngx_string("environment"),
    ngx_string("env"),
    ngx_string("explain"),
    ngx_null_string
};


ngx_int_t
ngx_http_flagship_context_read(ngx_http_flagship_call_t *call,
    ngx_str_t *user_id)
{
    ngx_int_t                       rc;
    ngx_str_t                       text;
    const flagship_json_node_t     *node;
    ngx_http_flagship_main_conf_t  *fmcf;

    if (call->route->body == NGX_HTTP_FLAGSHIP_BODY_NONE) {
        rc = ngx_http_flagship_context_query(call, user_id, &text);

        return (rc == NGX_OK) ? ngx_http_flagship_context_parse(call, &text)
                              : rc;
    }

    rc = ngx_http_flagship_context_body(call, &node);
    if (rc != NGX_OK) {
        return rc;
    }

    if (node) {
        rc = ngx_http_flagship_context_keyed(call, node, &text);

        if (rc != NGX_DECLINED) {
            return (rc == NGX_OK)
                   ? ngx_http_flagship_context_parse(call, &text) : rc;
        }
    }

    fmcf = ngx_http_flagship_get_main_conf(call->request);
    flagship_context_set(&fmcf->api->context, node);

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_context_query(ngx_http_flagship_call_t *call,
    ngx_str_t *user_id, ngx_str_t *text)
{
    u_char      *p;
    size_t       len;
    ngx_str_t    key;
    ngx_uint_t   i, n, users;

    static ngx_str_t  user = ngx_string("user_id");
    static ngx_str_t  targeting = ngx_string("targetingKey");

    key.len = 0;
    key.data = NULL;
    users = 0;

    if (user_id) {
        key = *user_id;

    } else if (ngx_http_flagship_call_arg(call, "targetingKey", &key)
               != NGX_OK)
    {
        for (i = 0; i < call->nargs; i++) {
            if (call->args[i].name.len == user.len
                && ngx_memcmp(call->args[i].name.data, user.data, user.len)
                   == 0)
            {
                key = call->args[i].value;
                users++;
            }
        }

        /* a list of users is nobody's key */

        if (users > 1) {
            key.len = 0;
        }

    } else {
        key.len = 0;
    }

    /* a byte takes at most six, as \u00XX */

    len = sizeof("{\"targetingKey\":\"\",\"user_id\":\"\"}") + 12 * key.len;

    for (i = 0; i < call->nargs; i++) {
        len += sizeof("\"\":[\"\"],") + 6 * (call->args[i].name.len
                                             + call->args[i].value.len);
    }

    p = ngx_pnalloc(call->request->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    *p++ = '{';
    n = 0;

    if (key.len) {
        p = ngx_http_flagship_context_string(p, &targeting);
        *p++ = ':';
        p = ngx_http_flagship_context_string(p, &key);
        n++;
    }

    if (user_id) {
        *p++ = ',';
        p = ngx_http_flagship_context_string(p, &user);
        *p++ = ':';
        p = ngx_http_flagship_context_string(p, user_id);
        n++;
    }

    for (i = 0; i < call->nargs; i++) {
        if (ngx_http_flagship_context_skip(call, i, user_id != NULL)) {
            continue;
        }

        if (n++) {
            *p++ = ',';
        }

        p = ngx_http_flagship_context_arg(call, i, p);
    }

    *p++ = '}';
    text->len = p - text->data;

    return NGX_OK;
}


/* The i-th argument and those of its name behind it. */

static u_char *
ngx_http_flagship_context_arg(ngx_http_flagship_call_t *call, ngx_uint_t i,
    u_char *p)
{
    u_char                   *list;
    ngx_uint_t                j;
    ngx_http_flagship_arg_t  *args;

    args = call->args;

    p = ngx_http_flagship_context_string(p, &args[i].name);
    *p++ = ':';

    list = p++;
    *list = ' ';

    p = ngx_http_flagship_context_string(p, &args[i].value);

    for (j = i + 1; j < call->nargs; j++) {
        if (args[j].name.len == args[i].name.len
            && ngx_memcmp(args[j].name.data, args[i].name.data,
                          args[i].name.len)
               == 0)
        {
            *list = '[';
            *p++ = ',';
            p = ngx_http_flagship_context_string(p, &args[j].value);
        }
    }

    if (*list == '[') {
        *p++ = ']';
    }

    return p;
}


/* Reserved, said by the path, or written with one of its name before. */

static ngx_uint_t
ngx_http_flagship_context_skip(ngx_http_flagship_call_t *call, ngx_uint_t i,
    ngx_uint_t user)
{
    ngx_str_t  *name;
    ngx_uint_t  j;

    name = &call->args[i].name;

    if (name->len == 0) {
        return 1;
    }

    for (j = 0; ngx_http_flagship_reserved[j].len; j++) {
        if (name->len == ngx_http_flagship_reserved[j].len
            && ngx_memcmp(name->data, ngx_http_flagship_reserved[j].data,
                          name->len)
               == 0)
        {
            return 1;
        }
    }

    if (user
        && ((name->len == 7 && ngx_memcmp(name->data, "user_id", 7) == 0)
            || (name->len == 12
                && ngx_memcmp(name->data, "targetingKey", 12) == 0)))
    {
        return 1;
    }

    for (j = 0; j < i; j++) {
        if (call->args[j].name.len == name->len
            && ngx_memcmp(call->args[j].name.data, name->data, name->len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static u_char *
ngx_http_flagship_context_string(u_char *p, ngx_str_t *s)
{
    return p + flagship_json_print_string(flagship_str((char *) s->data,
                                                       s->len),
                                          (char *) p, 2 + 6 * s->len);
}


/* *node is NULL where the body has no context. */

static ngx_int_t
ngx_http_flagship_context_body(ngx_http_flagship_call_t *call,
    const flagship_json_node_t **node)
{
    uint32_t                     i;
    flagship_str_t               name;
    const flagship_json_node_t  *member;

    *node = NULL;

    member = call->body + 1;

    for (i = 0; i < call->body->len; i++) {
        name = flagship_json_str(member);
        member++;

        if (flagship_str_is(name, "context")) {
            *node = member;

        } else if (!flagship_str_is(name, "environment")
                   && !flagship_str_is(name, "env"))
        {
            ngx_http_flagship_call_error(call, "",
                                         "\"%.*s\" is no field of an "
                                         "evaluation: \"context\" and "
                                         "\"environment\" are",
                                         (int) ngx_min(name.len, 64),
                                         name.data);
        }

        member += member->next;
    }

    if (call->errors) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_FLAGSHIP_UNPROCESSABLE,
                                       "the body has a field that is not "
                                       "known");
        return NGX_DONE;
    }

    if (*node && (*node)->type != FLAGSHIP_JSON_OBJECT) {
        call->error_code = "INVALID_CONTEXT";
        ngx_http_flagship_call_error(call, "/context", "must be an object");
        ngx_http_flagship_call_problem(call, NGX_HTTP_BAD_REQUEST,
                                       "the context is no JSON object");
        return NGX_DONE;
    }

    return NGX_OK;
}


/*
 * The same context with the user as its targeting key, where it has none.
 * NGX_DECLINED: it can stay as it is.
 */

static ngx_int_t
ngx_http_flagship_context_keyed(ngx_http_flagship_call_t *call,
    const flagship_json_node_t *node, ngx_str_t *text)
{
    char                        *p, number[FLAGSHIP_NUMBER_LEN];
    size_t                       len, size;
    flagship_str_t               key;
    const flagship_json_node_t  *user;

    static const char  before[] = "{\"targetingKey\":";

    user = flagship_json_get(node, "user_id");

    if (user == NULL || flagship_json_get(node, "targetingKey") != NULL) {
        return NGX_DECLINED;
    }

    switch (user->type) {

    case FLAGSHIP_JSON_STRING:
        key = flagship_json_str(user);
        break;

    case FLAGSHIP_JSON_NUMBER:
        key = flagship_str(number,
                           flagship_json_print(user, number, sizeof(number)));

        if (key.len > sizeof(number)) {
            key = flagship_json_str(user);
        }

        break;

    default:
        return NGX_DECLINED;
    }

    /* the object's own text follows, its brace as a comma */

    len = flagship_json_print_string(key, number, 0);
    size = flagship_json_print(node, number, 0);

    text->len = sizeof(before) - 1 + len + size;
    text->data = ngx_pnalloc(call->request->pool, text->len);

    if (text->data == NULL) {
        return NGX_ERROR;
    }

    p = (char *) ngx_cpymem(text->data, before, sizeof(before) - 1);
    p += flagship_json_print_string(key, p, len);

    (void) flagship_json_print(node, p, size);
    *p = ',';

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_context_parse(ngx_http_flagship_call_t *call,
    ngx_str_t *text)
{
    flagship_context_t             *context;
    ngx_http_flagship_main_conf_t  *fmcf;

    fmcf = ngx_http_flagship_get_main_conf(call->request);
    context = &fmcf->api->context;

    switch (flagship_context_parse(context, (char *) text->data, text->len)) {

    case FLAGSHIP_OK:
        return NGX_OK;

    case FLAGSHIP_DECLINED:
        call->error_code = "INVALID_CONTEXT";
        ngx_http_flagship_call_problem(call, NGX_HTTP_BAD_REQUEST,
                                       "the context is refused: %s",
                                       context->error);
        return NGX_DONE;

    default:
        return NGX_ERROR;
    }
}
