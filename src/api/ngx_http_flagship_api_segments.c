
/*
 * Copyright (C) Flagship
 */


/*
 * Segments: list, read, create, change, archive, purge, restore.
 *
 * A condition is judged by core's own compiler and, since segments are of the
 * whole tenant, against what each of its environments serves.  One that some
 * flag or segment asks for is not removed.  A worker's event loop.
 */


#include "ngx_http_flagship_api_entity.h"
#include "ngx_http_flagship_api_list.h"
#include "flagship_check.h"


static ngx_int_t ngx_http_flagship_segment_judge(
    ngx_http_flagship_entity_t *e, const char *key);
static ngx_int_t ngx_http_flagship_segment_compile(
    ngx_http_flagship_entity_t *e, flagship_str_t key,
    const flagship_json_node_t *when);
static ngx_int_t ngx_http_flagship_segment_check(
    ngx_http_flagship_entity_t *e, flagship_str_t key,
    const flagship_json_node_t *when);
static void ngx_http_flagship_segment_own(ngx_http_flagship_entity_t *e);
static void ngx_http_flagship_segment_to_change(
    ngx_http_flagship_call_t *call);
static ngx_int_t ngx_http_flagship_segment_write(
    ngx_http_flagship_entity_t *e);


static const ngx_http_flagship_entity_kind_t  ngx_http_flagship_segment = {
    "segment",
    "/segments/",
    &flagship_resource_segment,
    flagship_field_bit(FLAGSHIP_SEGMENT_NAME)
        | flagship_field_bit(FLAGSHIP_SEGMENT_DESCRIPTION)
        | flagship_field_bit(FLAGSHIP_SEGMENT_WHEN),
    "segments_tenant_fkey",
    NULL,
    0,
    NULL,
    NULL
};


#define NGX_HTTP_FLAGSHIP_SEGMENTS_SORTS(unique)                              \
    { "key", "s.key", "s.key", "text", unique },                              \
    { "name", "s.name", "s.name", "text", 0 },                                \
    { "created_at", "s.created_at", "flagship.time_text(s.created_at)",       \
      "timestamptz", 0 },                                                     \
    { "updated_at", "s.updated_at", "flagship.time_text(s.updated_at)",       \
      "timestamptz", 0 },                                                     \
    { NULL, NULL, NULL, NULL, 0 }

/* Of the archived, many may have had one key. */

static const ngx_http_flagship_list_sort_t  ngx_http_flagship_segments_live[] =
{
    NGX_HTTP_FLAGSHIP_SEGMENTS_SORTS(1)
};

static const ngx_http_flagship_list_sort_t
    ngx_http_flagship_segments_archived[] =
{
    NGX_HTTP_FLAGSHIP_SEGMENTS_SORTS(0)
};

#define NGX_HTTP_FLAGSHIP_SEGMENTS_LIST(sorts)                                \
    {                                                                         \
        "segments", "flagship.segment_document(s)", "flagship.segments s",    \
        "s.id", "uuid", sorts, "key", NULL                                    \
    }

static const ngx_http_flagship_list_options_t
    ngx_http_flagship_segments_options[] =
{
    NGX_HTTP_FLAGSHIP_SEGMENTS_LIST(ngx_http_flagship_segments_live),
    NGX_HTTP_FLAGSHIP_SEGMENTS_LIST(ngx_http_flagship_segments_archived)
};


ngx_int_t
ngx_http_flagship_segments_list(ngx_http_flagship_call_t *call)
{
    ngx_int_t                  rc;
    ngx_uint_t                 archived;
    ngx_http_flagship_list_t  *list;

    archived = 0;

    rc = ngx_http_flagship_call_switch(call, "archived", &archived);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_list_create(call,
                               &ngx_http_flagship_segments_options[archived],
                               &list);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    ngx_http_flagship_list_sql(list, archived
                                     ? " AND s.archived_at IS NOT NULL"
                                     : " AND s.archived_at IS NULL");
    ngx_http_flagship_list_sql(list, " AND s.tenant = ");
    ngx_http_flagship_list_param(list, &call->tenant);

    ngx_http_flagship_list_filter_search(list,
                            "((s.key || ' ' || s.name || ' ' || s.description)"
                            " COLLATE \"default\")");

    return ngx_http_flagship_list_run(list);
}


ngx_int_t
ngx_http_flagship_segment_get(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_segment, &e);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    e->params[0] = e->tenant;
    e->params[1] = e->ref;
    e->params[2] = e->archived ? "true" : "false";

    return ngx_http_flagship_entity_query(e,
                          "SELECT * FROM flagship.read_segment($1, $2, $3)",
                          3, 0, ngx_http_flagship_entity_found);
}


ngx_int_t
ngx_http_flagship_segment_create(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    flagship_field_t            *list;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_segment, &e);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_entity_unbound(e);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    if (ngx_http_flagship_entity_read(e, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    list = e->fields.list;

    if (call->body->type == FLAGSHIP_JSON_OBJECT
        && list[FLAGSHIP_SEGMENT_WHEN].spelling == NULL)
    {
        flagship_fields_error(&e->fields, FLAGSHIP_SEGMENT_WHEN, "is needed");
    }

    ngx_http_flagship_segment_own(e);

    /* of a segment whose key is wrong, any */

    e->ref = list[FLAGSHIP_SEGMENT_KEY].node
             ? ngx_http_flagship_entity_key(e) : "segment";

    if (e->ref == NULL
        || ngx_http_flagship_segment_judge(e, e->ref) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_flagship_entity_refused(e)) {
        return NGX_OK;
    }

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[2] = e->ref;
    e->params[3] = ngx_http_flagship_entity_patch(e);
    e->params[4] = e->dry_run ? "true" : "false";

    if (e->params[3] == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_entity_query(e,
                  "SELECT * FROM flagship.create_segment($1, $2, $3, $4, $5)",
                  5, 1, ngx_http_flagship_entity_created);
}


/* The key is needed to judge a condition, and to compare it. */

ngx_int_t
ngx_http_flagship_segment_change(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_segment, &e);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_entity_unbound(e);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    if (ngx_http_flagship_entity_read(e, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    e->params[0] = e->tenant;
    e->params[1] = e->ref;
    e->params[2] = "false";

    return ngx_http_flagship_entity_query(e,
                          "SELECT * FROM flagship.read_segment($1, $2, $3)",
                          3, 0, ngx_http_flagship_segment_to_change);
}


static void
ngx_http_flagship_segment_to_change(ngx_http_flagship_call_t *call)
{
    flagship_json_t              json;
    const flagship_json_node_t  *key, *id;
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

    key = flagship_json_get(json.nodes, "key");
    id = flagship_json_get(json.nodes, "id");

    ngx_http_flagship_entity_own(e, FLAGSHIP_SEGMENT_KEY,
                                 flagship_json_str(key));
    ngx_http_flagship_entity_own(e, FLAGSHIP_SEGMENT_ID,
                                 flagship_json_str(id));
    ngx_http_flagship_segment_own(e);

    e->params[0] = ngx_http_flagship_entity_cstr(e, key->str, key->len);

    flagship_json_free(&json);

    if (e->params[0] == NULL
        || ngx_http_flagship_segment_judge(e, e->params[0]) != NGX_OK)
    {
        ngx_http_flagship_entity_fail(call);
        return;
    }

    if (ngx_http_flagship_entity_refused(e)) {
        return;
    }

    if (ngx_http_flagship_segment_write(e) != NGX_OK) {
        ngx_http_flagship_entity_fail(call);
    }
}


static ngx_int_t
ngx_http_flagship_segment_write(ngx_http_flagship_entity_t *e)
{
    ngx_str_null(&e->tag);
    ngx_str_null(&e->document);

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[2] = e->ref;
    e->params[3] = ngx_http_flagship_entity_patch(e);
    e->params[4] = e->match;
    e->params[5] = e->dry_run ? "true" : "false";

    if (e->params[3] == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_flagship_entity_query(e,
              "SELECT * FROM flagship.change_segment($1, $2, $3, $4, $5, $6)",
              6, 1, ngx_http_flagship_entity_changed);
}


ngx_int_t
ngx_http_flagship_segment_delete(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_segment, &e);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_entity_unbound(e);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    if (e->purge && call->principal.role < NGX_HTTP_FLAGSHIP_ROLE_ADMIN) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_FORBIDDEN,
                                       "the role \"admin\" is needed to purge "
                                       "a segment");
        return NGX_OK;
    }

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[2] = e->ref;
    e->params[3] = e->purge ? "true" : "false";
    e->params[4] = e->archived ? "true" : "false";
    e->params[5] = e->match;
    e->params[6] = e->dry_run ? "true" : "false";

    return ngx_http_flagship_entity_query(e,
          "SELECT * FROM flagship.remove_segment($1, $2, $3, $4, $5, $6, $7)",
          7, 1, ngx_http_flagship_entity_removed);
}


ngx_int_t
ngx_http_flagship_segment_restore(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_segment, &e);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_entity_unbound(e);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    if (!e->id) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND,
                                       "an archived segment is restored by "
                                       "its id, which \"%s\" is not", e->ref);
        return NGX_OK;
    }

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[2] = e->ref;
    e->params[3] = e->match;
    e->params[4] = e->dry_run ? "true" : "false";

    return ngx_http_flagship_entity_query(e,
                 "SELECT * FROM flagship.restore_segment($1, $2, $3, $4, $5)",
                 5, 1, ngx_http_flagship_entity_changed);
}


/* The tenant, if it is said, is the one that it is. */

static void
ngx_http_flagship_segment_own(ngx_http_flagship_entity_t *e)
{
    ngx_str_t  *tenant;

    tenant = &e->call->tenant;

    ngx_http_flagship_entity_own(e, FLAGSHIP_SEGMENT_TENANT,
                                 flagship_str((char *) tenant->data,
                                              tenant->len));
}


/* The condition, where one was sent; what is wrong with it goes to e->found.
   NGX_ERROR: no memory. */

static ngx_int_t
ngx_http_flagship_segment_judge(ngx_http_flagship_entity_t *e,
    const char *key)
{
    flagship_str_t               name;
    const flagship_json_node_t  *when;

    when = e->fields.list[FLAGSHIP_SEGMENT_WHEN].node;

    if (when == NULL) {
        return NGX_OK;
    }

    e->found = ngx_palloc(e->call->request->pool, sizeof(flagship_errors_t));
    if (e->found == NULL) {
        return NGX_ERROR;
    }

    flagship_errors_init(e->found);
    e->found->lint = 1;

    name = flagship_str(key, ngx_strlen(key));

    if (ngx_http_flagship_segment_compile(e, name, when) != NGX_OK) {
        return NGX_ERROR;
    }

    return e->found->errors ? NGX_OK
                            : ngx_http_flagship_segment_check(e, name, when);
}


static ngx_int_t
ngx_http_flagship_segment_compile(ngx_http_flagship_entity_t *e,
    flagship_str_t key, const flagship_json_node_t *when)
{
    int                        rc;
    flagship_unit_t           *unit;
    const flagship_image_t    *image;
    ngx_http_flagship_call_t  *call;

    call = e->call;

    image = ngx_http_flagship_view_find(call->view, &call->tenant,
                                        &call->environment);

    unit = ngx_http_flagship_entity_unit(call, image);
    if (unit == NULL) {
        return NGX_ERROR;
    }

    rc = flagship_unit_add_segment(unit, key, when, e->found);

    flagship_unit_destroy(unit);

    return (rc == FLAGSHIP_ERROR) ? NGX_ERROR : NGX_OK;
}


/*
 * In each environment; warnings are those of the request's own.  The first
 * environment that has something against it is enough.
 */

static ngx_int_t
ngx_http_flagship_segment_check(ngx_http_flagship_entity_t *e,
    flagship_str_t key, const flagship_json_node_t *when)
{
    int                        own;
    ngx_str_t                  tenant, environment;
    ngx_uint_t                 i;
    flagship_check_t           check;
    flagship_errors_t         *other;
    ngx_http_flagship_call_t  *call;

    call = e->call;

    other = ngx_palloc(call->request->pool, sizeof(flagship_errors_t));
    if (other == NULL) {
        return NGX_ERROR;
    }

    check.key = key;
    check.segment = 1;

    for (i = 0; i < call->view->nsets && e->found->errors == 0; i++) {
        check.image = ngx_http_flagship_view_set(call->view, i, &tenant,
                                                 &environment);

        if (tenant.len != call->tenant.len
            || ngx_memcmp(tenant.data, call->tenant.data, tenant.len) != 0)
        {
            continue;
        }

        own = (environment.len == call->environment.len
               && ngx_memcmp(environment.data, call->environment.data,
                             environment.len) == 0);

        check.errors = own ? e->found : other;

        if (!own) {
            flagship_errors_init(other);
        }

        if (flagship_check(&check, when) == FLAGSHIP_ERROR) {
            return NGX_ERROR;
        }

        if (!own && other->errors) {
            e->found = other;
        }
    }

    return NGX_OK;
}
