
/*
 * Copyright (C) Flagship
 */


/*
 * Id sets: list, read, create, change, delete.  Their members are in
 * ngx_http_flagship_api_members.c.  A set that some flag or segment looks into
 * is not deleted.  A worker's event loop.
 */


#include "ngx_http_flagship_api_list.h"
#include "ngx_http_flagship_api_sets.h"


static void ngx_http_flagship_set_own(ngx_http_flagship_entity_t *e);
static void ngx_http_flagship_set_to_change(ngx_http_flagship_call_t *call);


const ngx_http_flagship_entity_kind_t  ngx_http_flagship_set = {
    "set",
    "/sets/",
    &flagship_resource_set,
    flagship_field_bit(FLAGSHIP_SET_NAME)
        | flagship_field_bit(FLAGSHIP_SET_DESCRIPTION),
    "sets_tenant_fkey",
    NULL,
    0,
    NULL,
    NULL
};


static const ngx_http_flagship_list_sort_t  ngx_http_flagship_sets_sorts[] = {
    { "key", "s.key", "s.key", "text", 1 },
    { "name", "s.name", "s.name", "text", 0 },
    { "created_at", "s.created_at", "flagship.time_text(s.created_at)",
      "timestamptz", 0 },
    { "updated_at", "s.updated_at", "flagship.time_text(s.updated_at)",
      "timestamptz", 0 },
    { NULL, NULL, NULL, NULL, 0 }
};

static const ngx_http_flagship_list_options_t
    ngx_http_flagship_sets_options =
{
    "sets", "flagship.set_document(s)", "flagship.sets s", "s.id", "uuid",
    ngx_http_flagship_sets_sorts, "key", NULL
};


ngx_int_t
ngx_http_flagship_sets_list(ngx_http_flagship_call_t *call)
{
    ngx_int_t                  rc;
    ngx_http_flagship_list_t  *list;

    rc = ngx_http_flagship_list_create(call, &ngx_http_flagship_sets_options,
                                       &list);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    ngx_http_flagship_list_sql(list, " AND s.tenant = ");
    ngx_http_flagship_list_param(list, &call->tenant);

    ngx_http_flagship_list_filter_search(list,
                            "((s.key || ' ' || s.name || ' ' || s.description)"
                            " COLLATE \"default\")");

    return ngx_http_flagship_list_run(list);
}


ngx_int_t
ngx_http_flagship_set_get(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_set, &e);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    e->params[0] = e->tenant;
    e->params[1] = e->ref;

    return ngx_http_flagship_entity_query(e,
                                  "SELECT * FROM flagship.read_set($1, $2)",
                                  2, 0, ngx_http_flagship_entity_found);
}


ngx_int_t
ngx_http_flagship_set_create(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    flagship_field_t            *members;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_set, &e);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_entity_unbound(e);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    if (ngx_http_flagship_entity_read(e, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    members = &e->fields.list[FLAGSHIP_SET_MEMBERS];

    if (members->node) {
        ngx_http_flagship_members_check(e, members->node, "/members");
    }

    ngx_http_flagship_set_own(e);

    if (ngx_http_flagship_entity_refused(e)) {
        return NGX_OK;
    }

    e->ref = ngx_http_flagship_entity_key(e);

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[2] = e->ref;
    e->params[3] = ngx_http_flagship_entity_patch(e);
    e->params[4] = members->node
                   ? ngx_http_flagship_members_json(e, members->node) : "[]";
    e->params[5] = e->dry_run ? "true" : "false";

    if (e->ref == NULL || e->params[3] == NULL || e->params[4] == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_entity_query(e,
                  "SELECT * FROM flagship.create_set($1, $2, $3, $4, $5, $6)",
                  6, 1, ngx_http_flagship_entity_created);
}


/* The set is read first where the request says what it is. */

ngx_int_t
ngx_http_flagship_set_change(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_set, &e);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_entity_unbound(e);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    if (ngx_http_flagship_entity_read(e, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    if (e->fields.list[FLAGSHIP_SET_MEMBERS].spelling) {
        flagship_fields_error(&e->fields, FLAGSHIP_SET_MEMBERS,
                              "are changed at /sets/%s/members", e->ref);
    }

    e->params[0] = e->tenant;
    e->params[1] = e->ref;

    return ngx_http_flagship_entity_query(e,
                                  "SELECT * FROM flagship.read_set($1, $2)",
                                  2, 0, ngx_http_flagship_set_to_change);
}


static void
ngx_http_flagship_set_to_change(ngx_http_flagship_call_t *call)
{
    flagship_json_t              json;
    ngx_http_flagship_entity_t  *e;

    e = call->data;

    if (e->tag.len == 0) {
        ngx_http_flagship_entity_changed(call);
        return;
    }

    flagship_json_init(&json);

    if (flagship_json_parse(&json, (char *) e->document.data,
                            e->document.len)
        != FLAGSHIP_OK)
    {
        flagship_json_free(&json);
        ngx_http_flagship_entity_fail(call);
        return;
    }

    ngx_http_flagship_entity_own(e, FLAGSHIP_SET_KEY,
                        flagship_json_str(flagship_json_get(json.nodes,
                                                            "key")));
    ngx_http_flagship_entity_own(e, FLAGSHIP_SET_ID,
                        flagship_json_str(flagship_json_get(json.nodes,
                                                            "id")));
    ngx_http_flagship_set_own(e);

    flagship_json_free(&json);

    if (ngx_http_flagship_entity_refused(e)) {
        return;
    }

    ngx_str_null(&e->tag);
    ngx_str_null(&e->document);

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[2] = e->ref;
    e->params[3] = ngx_http_flagship_entity_patch(e);
    e->params[4] = e->match;
    e->params[5] = e->dry_run ? "true" : "false";

    if (e->params[3] == NULL
        || ngx_http_flagship_entity_query(e,
                  "SELECT * FROM flagship.change_set($1, $2, $3, $4, $5, $6)",
                  6, 1, ngx_http_flagship_entity_changed)
           != NGX_OK)
    {
        ngx_http_flagship_entity_fail(call);
    }
}


ngx_int_t
ngx_http_flagship_set_delete(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_set, &e);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_entity_unbound(e);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[2] = e->ref;
    e->params[3] = e->match;
    e->params[4] = e->dry_run ? "true" : "false";

    return ngx_http_flagship_entity_query(e,
                      "SELECT * FROM flagship.remove_set($1, $2, $3, $4, $5)",
                      5, 1, ngx_http_flagship_entity_removed);
}


static void
ngx_http_flagship_set_own(ngx_http_flagship_entity_t *e)
{
    ngx_str_t  *tenant;

    tenant = &e->call->tenant;

    ngx_http_flagship_entity_own(e, FLAGSHIP_SET_TENANT,
                                 flagship_str((char *) tenant->data,
                                              tenant->len));
}
