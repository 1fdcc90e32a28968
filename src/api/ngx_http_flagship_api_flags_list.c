
/*
 * Copyright (C) Flagship
 */


/*
 * The list of flags: every filter and order has its index.  A worker's event
 * loop.
 */


#include "ngx_http_flagship_api_list.h"


#define NGX_HTTP_FLAGSHIP_FLAGS_TIMES                                         \
    { "name", "f.name", "f.name", "text", 0 },                                \
    { "created_at", "f.created_at", "flagship.time_text(f.created_at)",       \
      "timestamptz", 0 },                                                     \
    { "updated_at", "f.updated_at", "flagship.time_text(f.updated_at)",       \
      "timestamptz", 0 },                                                     \
    { NULL, NULL, NULL, NULL, 0 }


/* Of the archived, many may have had one key. */

static const ngx_http_flagship_list_sort_t  ngx_http_flagship_flags_live[] = {
    { "key", "f.key", "f.key", "text", 1 },
    NGX_HTTP_FLAGSHIP_FLAGS_TIMES
};

static const ngx_http_flagship_list_sort_t
    ngx_http_flagship_flags_archived[] =
{
    { "key", "f.key", "f.key", "text", 0 },
    NGX_HTTP_FLAGSHIP_FLAGS_TIMES
};


#define NGX_HTTP_FLAGSHIP_FLAGS_LIST(sorts)                                   \
    {                                                                         \
        "flags", "f.document", "flagship.flags f", "f.id", "uuid", sorts,     \
        "key", NULL                                                           \
    }

static const ngx_http_flagship_list_options_t
    ngx_http_flagship_flags_options[] =
{
    NGX_HTTP_FLAGSHIP_FLAGS_LIST(ngx_http_flagship_flags_live),
    NGX_HTTP_FLAGSHIP_FLAGS_LIST(ngx_http_flagship_flags_archived)
};


ngx_int_t
ngx_http_flagship_flags_list(ngx_http_flagship_call_t *call)
{
    ngx_int_t                  rc;
    ngx_str_t                  tag;
    ngx_uint_t                 archived;
    ngx_http_flagship_list_t  *list;

    archived = 0;

    rc = ngx_http_flagship_call_switch(call, "archived", &archived);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_list_create(call,
                                  &ngx_http_flagship_flags_options[archived],
                                  &list);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    ngx_http_flagship_list_sql(list, archived
                                     ? " AND f.archived_at IS NOT NULL"
                                     : " AND f.archived_at IS NULL");
    ngx_http_flagship_list_sql(list, " AND f.tenant = ");
    ngx_http_flagship_list_param(list, &call->tenant);
    ngx_http_flagship_list_sql(list, " AND f.environment = ");
    ngx_http_flagship_list_param(list, &call->environment);

    if (ngx_http_flagship_list_filter_switch(list, "enabled", "f.enabled = ")
        != NGX_OK)
    {
        return NGX_OK;
    }

    if (ngx_http_flagship_call_arg(call, "tag", &tag) == NGX_OK) {
        ngx_http_flagship_list_sql(list, " AND f.tags::jsonb ? ");
        ngx_http_flagship_list_param(list, &tag);
    }

    ngx_http_flagship_list_filter_search(list,
                            "((f.key || ' ' || f.name || ' ' || f.description)"
                            " COLLATE \"default\")");

    return ngx_http_flagship_list_run(list);
}
