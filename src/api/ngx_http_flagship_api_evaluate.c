
/*
 * Copyright (C) Flagship
 */


/*
 * /evaluate and /users: flags decided from the view that the request holds,
 * without the database.  A worker's event loop; a handler answers at once.
 */


#include "ngx_http_flagship_api_evaluate.h"
#include "ngx_http_flagship_zone_count.h"
#include "flagship_explain.h"


static ngx_int_t ngx_http_flagship_evaluate_begin(
    ngx_http_flagship_evaluation_t *e, ngx_http_flagship_call_t *call,
    ngx_str_t *user_id);
static ngx_int_t ngx_http_flagship_evaluate_one(
    ngx_http_flagship_call_t *call, ngx_str_t *key, ngx_str_t *user_id);
static ngx_int_t ngx_http_flagship_evaluate_all(
    ngx_http_flagship_call_t *call, ngx_str_t *user_id);
static ngx_uint_t ngx_http_flagship_evaluate_visible(
    ngx_http_flagship_evaluation_t *e, uint32_t flag);
static ngx_int_t ngx_http_flagship_evaluate_write(
    ngx_http_flagship_evaluation_t *e, uint32_t flag,
    ngx_http_flagship_out_t *out);
static ngx_int_t ngx_http_flagship_evaluate_explain(
    ngx_http_flagship_evaluation_t *e);
static ngx_int_t ngx_http_flagship_evaluate_metadata(
    ngx_http_flagship_evaluation_t *e, uint32_t flag,
    ngx_http_flagship_out_t *out);
static ngx_int_t ngx_http_flagship_evaluate_merge(ngx_str_t *set,
    ngx_str_t *own, ngx_http_flagship_out_t *out);
static void ngx_http_flagship_evaluate_members(
    const flagship_json_node_t *object, const flagship_json_node_t *over,
    ngx_http_flagship_out_t *out, ngx_uint_t *n);


/* /evaluate/{flag} */

ngx_int_t
ngx_http_flagship_evaluate_flag(ngx_http_flagship_call_t *call)
{
    return ngx_http_flagship_evaluate_one(call, &call->params[0], NULL);
}


/* /evaluate */

ngx_int_t
ngx_http_flagship_evaluate(ngx_http_flagship_call_t *call)
{
    return ngx_http_flagship_evaluate_all(call, NULL);
}


/* /users/{user_id}/flags/{flag} */

ngx_int_t
ngx_http_flagship_user_flag(ngx_http_flagship_call_t *call)
{
    return ngx_http_flagship_evaluate_one(call, &call->params[1],
                                          &call->params[0]);
}


/* /users/{user_id}/flags */

ngx_int_t
ngx_http_flagship_user_flags(ngx_http_flagship_call_t *call)
{
    return ngx_http_flagship_evaluate_all(call, &call->params[0]);
}


static ngx_int_t
ngx_http_flagship_evaluate_begin(ngx_http_flagship_evaluation_t *e,
    ngx_http_flagship_call_t *call, ngx_str_t *user_id)
{
    void                           *memory;
    ngx_int_t                       rc;
    ngx_http_request_t             *r;
    ngx_http_flagship_main_conf_t  *fmcf;

    r = call->request;
    fmcf = ngx_http_flagship_get_main_conf(r);

    call->no_store = 1;

    e->call = call;
    e->user_id = user_id;
    e->image = ngx_http_flagship_view_find(call->view, &call->tenant,
                                           &call->environment);

    if (e->image == NULL) {
        call->error_code = "FLAG_NOT_FOUND";
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND,
                                       "there is no environment \"%V\"",
                                       &call->environment);
        return NGX_DONE;
    }

    rc = ngx_http_flagship_evaluate_explain(e);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_context_read(call, user_id);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    memory = ngx_palloc(r->pool, flagship_eval_size(e->image));
    if (memory == NULL) {
        return NGX_ERROR;
    }

    e->ev = flagship_eval_init(memory, e->image, fmcf->api->scratch,
                               r->start_sec, flagship_context_fetch,
                               &fmcf->api->context);

    return ngx_http_flagship_view_bind_sets(call->view, e->image, e->ev);
}


/* Rules never leave the server for those who may only evaluate. */

static ngx_int_t
ngx_http_flagship_evaluate_explain(ngx_http_flagship_evaluation_t *e)
{
    ngx_str_t                  value;
    ngx_http_flagship_call_t  *call;

    call = e->call;
    e->explain = 0;

    if (ngx_http_flagship_call_arg(call, "explain", &value) != NGX_OK) {
        return NGX_OK;
    }

    if (value.len == 5 && ngx_strncmp(value.data, "false", 5) == 0) {
        return NGX_OK;
    }

    if (value.len != 4 || ngx_strncmp(value.data, "true", 4) != 0) {
        ngx_http_flagship_call_error(call, "#/query/explain",
                                     "must be true or false");
        ngx_http_flagship_call_problem(call, NGX_HTTP_FLAGSHIP_UNPROCESSABLE,
                                       "\"explain\" must be true or false");
        return NGX_DONE;
    }

    if (call->principal.role < NGX_HTTP_FLAGSHIP_ROLE_VIEWER) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_FORBIDDEN,
                                       "an explanation shows rules: the role "
                                       "\"viewer\" is needed for it");
        return NGX_DONE;
    }

    e->explain = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_evaluate_one(ngx_http_flagship_call_t *call,
    ngx_str_t *key, ngx_str_t *user_id)
{
    uint32_t                         flag;
    ngx_int_t                        rc;
    ngx_http_flagship_out_t          out;
    ngx_http_flagship_evaluation_t   e;

    rc = ngx_http_flagship_evaluate_begin(&e, call, user_id);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    flag = flagship_image_find(e.image, flagship_str((char *) key->data,
                                                     key->len));

    if (flag == FLAGSHIP_NONE
        || !ngx_http_flagship_evaluate_visible(&e, flag))
    {
        call->error_code = "FLAG_NOT_FOUND";
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND,
                                       "there is no flag \"%V\"", key);
        return NGX_OK;
    }

    ngx_http_flagship_out_init(&out, call->request->pool, 0);

    if (ngx_http_flagship_evaluate_write(&e, flag, &out) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_flagship_out_literal(&out, "\n");

    ngx_http_flagship_call_answer(call, NGX_HTTP_OK, &out);

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_evaluate_all(ngx_http_flagship_call_t *call,
    ngx_str_t *user_id)
{
    uint32_t                         i;
    ngx_int_t                        rc;
    ngx_uint_t                       n;
    ngx_http_flagship_out_t          out;
    ngx_http_flagship_main_conf_t   *fmcf;
    ngx_http_flagship_evaluation_t   e;

    rc = ngx_http_flagship_evaluate_begin(&e, call, user_id);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    fmcf = ngx_http_flagship_get_main_conf(call->request);
    flagship_context_fill(&fmcf->api->context, e.ev);

    ngx_http_flagship_out_init(&out, call->request->pool, 0);

    ngx_http_flagship_out_literal(&out, "{");

    if (user_id) {
        ngx_http_flagship_out_literal(&out, "\"user_id\":");
        ngx_http_flagship_out_json_str(&out, user_id);
        ngx_http_flagship_out_literal(&out, ",");
    }

    ngx_http_flagship_out_literal(&out, "\"flags\":[");

    e.user_id = NULL;

    for (i = 0, n = 0; i < e.image->flags.n; i++) {
        if (!ngx_http_flagship_evaluate_visible(&e, i)) {
            continue;
        }

        if (n++) {
            ngx_http_flagship_out_literal(&out, ",");
        }

        if (ngx_http_flagship_evaluate_write(&e, i, &out) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_http_flagship_out_literal(&out, "],\"revision\":");
    ngx_http_flagship_out_uint(&out, call->revision);
    ngx_http_flagship_out_literal(&out, "}\n");

    ngx_http_flagship_call_answer(call, NGX_HTTP_OK, &out);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_flagship_evaluate_visible(ngx_http_flagship_evaluation_t *e,
    uint32_t flag)
{
    ngx_http_flagship_principal_t  *p;

    p = &e->call->principal;

    return p->role > NGX_HTTP_FLAGSHIP_ROLE_CLIENT || p->see_unexposed
           || (flagship_flags(e->image)[flag].bits & FLAGSHIP_FLAG_EXPOSE);
}


static ngx_int_t
ngx_http_flagship_evaluate_write(ngx_http_flagship_evaluation_t *e,
    uint32_t flag, ngx_http_flagship_out_t *out)
{
    flagship_str_t          s;
    flagship_decision_t     decision;
    flagship_explanation_t  why;

    ngx_memzero(&why, sizeof(flagship_explanation_t));

    if (!e->explain) {
        flagship_eval(e->ev, flag, &decision);

    } else if (flagship_explain(e->ev, flag, &decision, &why)
               != FLAGSHIP_OK)
    {
        free(why.data);
        return NGX_ERROR;
    }

    ngx_http_flagship_count(e->call->view, e->image, &decision, 1);

    s = flagship_flag_key(e->image, flag);

    ngx_http_flagship_out_literal(out, "{\"key\":");
    ngx_http_flagship_out_json(out, s.data, s.len);

    if (e->user_id) {
        ngx_http_flagship_out_literal(out, ",\"user_id\":");
        ngx_http_flagship_out_json_str(out, e->user_id);
    }

    ngx_http_flagship_out_text(out,
                               flagship_decision_enabled(e->image, &decision)
                               ? ",\"enabled\":true" : ",\"enabled\":false");

    if (decision.variant == FLAGSHIP_NO_VARIANT) {
        ngx_http_flagship_out_literal(out, ",\"value\":null,\"variant\":null");

    } else {
        s = flagship_variant_json(e->image, flag, decision.variant);

        ngx_http_flagship_out_literal(out, ",\"value\":");
        ngx_http_flagship_out_data(out, s.data, s.len);

        s = flagship_variant_name(e->image, flag, decision.variant);

        ngx_http_flagship_out_literal(out, ",\"variant\":");
        ngx_http_flagship_out_json(out, s.data, s.len);
    }

    s = flagship_reason_name(decision.reason);

    ngx_http_flagship_out_literal(out, ",\"reason\":\"");
    ngx_http_flagship_out_data(out, s.data, s.len);
    ngx_http_flagship_out_literal(out, "\"");

    if (ngx_http_flagship_evaluate_metadata(e, flag, out) != NGX_OK) {
        free(why.data);
        return NGX_ERROR;
    }

    if (decision.error != FLAGSHIP_ERROR_NONE) {
        s = flagship_error_name(decision.error);

        ngx_http_flagship_out_literal(out, ",\"error_code\":\"");
        ngx_http_flagship_out_data(out, s.data, s.len);
        ngx_http_flagship_out_literal(out, "\"");
    }

    if (why.len) {
        ngx_http_flagship_out_literal(out, ",\"trace\":");
        ngx_http_flagship_out_data(out, why.data, why.len);
        free(why.data);
    }

    ngx_http_flagship_out_literal(out, "}");

    return NGX_OK;
}


/* The flag set's under the flag's own. */

static ngx_int_t
ngx_http_flagship_evaluate_metadata(ngx_http_flagship_evaluation_t *e,
    uint32_t flag, ngx_http_flagship_out_t *out)
{
    ngx_str_t               set, own;
    const flagship_flag_t  *f;

    f = flagship_flags(e->image) + flag;

    own.len = f->metadata_len;
    own.data = (u_char *) flagship_at(e->image, f->chunk + f->metadata);

    set.len = e->image->metadata.n;
    set.data = (u_char *) flagship_at(e->image, e->image->metadata.offset);

    /* an object with nothing in it is none */

    if (own.len <= 2 && set.len <= 2) {
        return NGX_OK;
    }

    ngx_http_flagship_out_literal(out, ",\"metadata\":");

    if (own.len > 2 && set.len > 2) {
        return ngx_http_flagship_evaluate_merge(&set, &own, out);
    }

    ngx_http_flagship_out_str(out, own.len > 2 ? &own : &set);

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_evaluate_merge(ngx_str_t *set, ngx_str_t *own,
    ngx_http_flagship_out_t *out)
{
    ngx_int_t        rc;
    ngx_uint_t       n;
    flagship_json_t  a, b;

    rc = NGX_ERROR;
    n = 0;

    flagship_json_init(&a);
    flagship_json_init(&b);

    if (flagship_json_parse(&a, (char *) set->data, set->len) == FLAGSHIP_OK
        && flagship_json_parse(&b, (char *) own->data, own->len)
           == FLAGSHIP_OK)
    {
        ngx_http_flagship_out_literal(out, "{");
        ngx_http_flagship_evaluate_members(a.nodes, b.nodes, out, &n);
        ngx_http_flagship_evaluate_members(b.nodes, NULL, out, &n);
        ngx_http_flagship_out_literal(out, "}");

        rc = NGX_OK;
    }

    flagship_json_free(&a);
    flagship_json_free(&b);

    return rc;
}


/* An object's members but for those that "over" has too. */

static void
ngx_http_flagship_evaluate_members(const flagship_json_node_t *object,
    const flagship_json_node_t *over, ngx_http_flagship_out_t *out,
    ngx_uint_t *n)
{
    uint32_t                     i;
    const flagship_json_node_t  *name, *value;

    name = object + 1;

    for (i = 0; i < object->len; i++) {
        value = name + 1;

        if (over == NULL
            || flagship_json_member(over, name->str, name->len) == NULL)
        {
            if ((*n)++) {
                ngx_http_flagship_out_literal(out, ",");
            }

            ngx_http_flagship_out_json(out, name->str, name->len);
            ngx_http_flagship_out_literal(out, ":");
            ngx_http_flagship_out_node(out, value);
        }

        name = value + value->next;
    }
}
