
/*
 * Copyright (C) Flagship
 */


/*
 * The audit: of a tenant, newest first, and of one flag.  A worker's event
 * loop.
 */


#include "ngx_http_flagship_api_list.h"


static ngx_int_t ngx_http_flagship_audit_list(ngx_http_flagship_call_t *call,
    const ngx_http_flagship_list_options_t *options, ngx_uint_t flag);
static void ngx_http_flagship_audit_flag(ngx_http_flagship_list_t *list);


static const ngx_http_flagship_list_sort_t  ngx_http_flagship_audit_sorts[] = {
    { "id", "a.id", "a.id", "bigint", 1 },
    { NULL, NULL, NULL, NULL, 0 }
};

static const ngx_http_flagship_list_options_t  ngx_http_flagship_audit_all = {
    "audit", "flagship.audit_document(a)", "flagship.audit a", "a.id",
    "bigint", ngx_http_flagship_audit_sorts, "-id", NULL
};

/* A flag that ever was has an entry. */

static const ngx_http_flagship_list_options_t  ngx_http_flagship_audit_one = {
    "audit", "flagship.audit_document(a)", "flagship.audit a", "a.id",
    "bigint", ngx_http_flagship_audit_sorts, "-id", "there is no such flag"
};


ngx_int_t
ngx_http_flagship_audit(ngx_http_flagship_call_t *call)
{
    return ngx_http_flagship_audit_list(call, &ngx_http_flagship_audit_all, 0);
}


ngx_int_t
ngx_http_flagship_flag_audit(ngx_http_flagship_call_t *call)
{
    return ngx_http_flagship_audit_list(call, &ngx_http_flagship_audit_one, 1);
}


static ngx_int_t
ngx_http_flagship_audit_list(ngx_http_flagship_call_t *call,
    const ngx_http_flagship_list_options_t *options, ngx_uint_t flag)
{
    ngx_int_t                  rc;
    ngx_http_flagship_list_t  *list;

    rc = ngx_http_flagship_list_create(call, options, &list);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    ngx_http_flagship_list_sql(list, " AND a.tenant = ");
    ngx_http_flagship_list_param(list, &call->tenant);

    /* a credential that is bound to an environment sees no other's */

    if (call->environment_named || call->principal.environment.len) {
        ngx_http_flagship_list_sql(list, " AND a.environment = ");
        ngx_http_flagship_list_param(list, &call->environment);
    }

    if (flag) {
        ngx_http_flagship_audit_flag(list);

    } else {
        ngx_http_flagship_list_filter(list, "entity", "a.entity = ");
        ngx_http_flagship_list_filter(list, "key", "a.entity_key = ");
    }

    ngx_http_flagship_list_filter(list, "actor", "a.actor = ");
    ngx_http_flagship_list_filter(list, "action", "a.action = ");

    if (ngx_http_flagship_list_filter_time(list, "since", "a.ts >= ")
        != NGX_OK
        || ngx_http_flagship_list_filter_time(list, "until", "a.ts < ")
           != NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_http_flagship_list_run(list);
}


/* By id also one that was purged, by key the live one, or the last archived. */

static void
ngx_http_flagship_audit_flag(ngx_http_flagship_list_t *list)
{
    ngx_str_t                  archived;
    ngx_http_flagship_call_t  *call;

    call = list->call;

    ngx_http_flagship_list_sql(list, " AND a.entity = 'flag'"
                                     " AND a.entity_id = ");

    if (ngx_http_flagship_ref_is_id(&call->params[0])) {
        ngx_http_flagship_list_sql(list, "lower(");
        ngx_http_flagship_list_param(list, &call->params[0]);
        ngx_http_flagship_list_sql(list, ")");
        return;
    }

    if (ngx_http_flagship_call_arg(call, "archived", &archived) != NGX_OK) {
        ngx_str_set(&archived, "false");
    }

    ngx_http_flagship_list_sql(list, "(SELECT (flagship.find_flag(");
    ngx_http_flagship_list_param(list, &call->tenant);
    ngx_http_flagship_list_sql(list, ", ");
    ngx_http_flagship_list_param(list, &call->environment);
    ngx_http_flagship_list_sql(list, ", ");
    ngx_http_flagship_list_param(list, &call->params[0]);
    ngx_http_flagship_list_sql(list, ", ");
    ngx_http_flagship_list_param(list, &archived);
    ngx_http_flagship_list_sql(list, ")).id::text)");
}
