
/*
 * Copyright (C) Flagship
 */


/*
 * Keys of the API: list, read, create, revoke.
 *
 * A key is flagship_<id>_<secret>.  The secret is made here, goes to the client
 * in the one answer, and to PostgreSQL as its SHA-256.
 *
 * Nobody makes, or revokes, a key that may do more than his own: not of a role
 * above, of another tenant, or beyond the environment that his own is bound
 * to.  A worker's event loop.
 */


#include "ngx_http_flagship_api_entity.h"
#include "ngx_http_flagship_api_list.h"
#include "flagship_time.h"

#include <openssl/evp.h>
#include <openssl/rand.h>


#define NGX_HTTP_FLAGSHIP_KEY_ID      16    /* letters and digits */
#define NGX_HTTP_FLAGSHIP_KEY_SECRET  43    /* 256 bits of them */
#define NGX_HTTP_FLAGSHIP_KEY_LEN                                             \
    (sizeof("flagship__") - 1 + NGX_HTTP_FLAGSHIP_KEY_ID                      \
     + NGX_HTTP_FLAGSHIP_KEY_SECRET)


typedef struct {
    ngx_http_flagship_entity_t  *e;
    const char                  *tenant;       /* of the key; NULL: all */
    const char                  *environment;  /* NULL: all of the tenant */
    const char                  *role;
    u_char                       id[NGX_HTTP_FLAGSHIP_KEY_ID + 1];
    u_char                       secret[NGX_HTTP_FLAGSHIP_KEY_SECRET + 1];
    u_char                       hash[2 * EVP_MAX_MD_SIZE + 1];
} ngx_http_flagship_new_key_t;


static ngx_int_t ngx_http_flagship_api_key_start(
    ngx_http_flagship_call_t *call, ngx_http_flagship_entity_t **entity);
static ngx_uint_t ngx_http_flagship_api_key_all(
    ngx_http_flagship_call_t *call);
static ngx_int_t ngx_http_flagship_api_key_judge(
    ngx_http_flagship_new_key_t *k);
static ngx_int_t ngx_http_flagship_api_key_role(
    ngx_http_flagship_new_key_t *k);
static ngx_int_t ngx_http_flagship_api_key_tenant(
    ngx_http_flagship_new_key_t *k);
static ngx_int_t ngx_http_flagship_api_key_environment(
    ngx_http_flagship_new_key_t *k);
static void ngx_http_flagship_api_key_expiry(ngx_http_flagship_entity_t *e);
static ngx_int_t ngx_http_flagship_api_key_make(
    ngx_http_flagship_new_key_t *k);
static ngx_int_t ngx_http_flagship_api_key_letters(u_char *text, size_t len);
static void ngx_http_flagship_api_key_created(ngx_http_flagship_call_t *call);
static void ngx_http_flagship_api_key_revoked(ngx_http_flagship_call_t *call);


static const ngx_http_flagship_entity_kind_t  ngx_http_flagship_api_key = {
    "API key",
    "/api-keys/",
    &flagship_resource_api_key,
    flagship_field_bit(FLAGSHIP_API_KEY_NAME)
        | flagship_field_bit(FLAGSHIP_API_KEY_SEE_UNEXPOSED)
        | flagship_field_bit(FLAGSHIP_API_KEY_EXPIRES_AT),
    "api_keys_tenant_fkey",
    "api_keys_environment_fkey",
    0,
    NULL,
    NULL
};


static const ngx_http_flagship_list_sort_t
    ngx_http_flagship_api_keys_sorts[] =
{
    { "id", "k.id", "k.id", "text", 1 },
    { "created_at", "k.created_at", "flagship.time_text(k.created_at)",
      "timestamptz", 0 },
    { NULL, NULL, NULL, NULL, 0 }
};

static const ngx_http_flagship_list_options_t
    ngx_http_flagship_api_keys_options =
{
    "api_keys", "flagship.api_key_document(k)", "flagship.api_keys k", "k.id",
    "text", ngx_http_flagship_api_keys_sorts, "id", NULL
};


/* Each may make those up to his own. */

static const char  *ngx_http_flagship_api_key_roles[] = {
    "",
    "client",
    "client,viewer",
    "client,viewer,editor",
    "client,viewer,editor,admin",
    "client,viewer,editor,admin,operator"
};


ngx_int_t
ngx_http_flagship_api_keys_list(ngx_http_flagship_call_t *call)
{
    ngx_int_t                       rc;
    ngx_http_flagship_list_t       *list;
    ngx_http_flagship_principal_t  *p;

    p = &call->principal;

    rc = ngx_http_flagship_list_create(call,
                                       &ngx_http_flagship_api_keys_options,
                                       &list);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    ngx_http_flagship_list_sql(list, " AND (k.tenant = ");
    ngx_http_flagship_list_param(list, &call->tenant);
    ngx_http_flagship_list_sql(list, ngx_http_flagship_api_key_all(call)
                                     ? " OR k.tenant IS NULL)" : ")");

    if (call->environment_named || p->environment.len) {
        ngx_http_flagship_list_sql(list, " AND k.environment = ");
        ngx_http_flagship_list_param(list, &call->environment);
    }

    ngx_http_flagship_list_filter(list, "role", "k.role = ");

    rc = ngx_http_flagship_list_filter_switch(list, "revoked",
                                              "(k.revoked_at IS NOT NULL) = ");

    return (rc == NGX_OK) ? ngx_http_flagship_list_run(list) : NGX_OK;
}


ngx_int_t
ngx_http_flagship_api_key_get(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_api_key_start(call, &e);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    e->params[0] = e->params[1];
    e->params[1] = e->params[2];
    e->params[2] = e->params[3];
    e->params[3] = e->ref;

    return ngx_http_flagship_entity_query(e,
                     "SELECT * FROM flagship.read_api_key($1, $2, $3, $4)",
                     4, 0, ngx_http_flagship_entity_found);
}


ngx_int_t
ngx_http_flagship_api_key_revoke(ngx_http_flagship_call_t *call)
{
    ngx_int_t                    rc;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_api_key_start(call, &e);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    e->params[4] = e->ref;
    e->params[5] = ngx_http_flagship_api_key_roles[call->principal.role];
    e->params[6] = e->match;
    e->params[7] = e->dry_run ? "true" : "false";

    return ngx_http_flagship_entity_query(e,
                       "SELECT * FROM flagship.revoke_api_key($1, $2, $3, $4,"
                       " $5, $6, $7, $8)",
                       8, 1, ngx_http_flagship_api_key_revoked);
}


/* The parameters that say which keys are to be seen: actor, tenant,
   environment or null, and whether those of no tenant. */

static ngx_int_t
ngx_http_flagship_api_key_start(ngx_http_flagship_call_t *call,
    ngx_http_flagship_entity_t **entity)
{
    ngx_int_t                       rc;
    ngx_http_flagship_entity_t     *e;
    ngx_http_flagship_principal_t  *p;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_api_key, &e);

    if (rc != NGX_OK) {
        return rc;
    }

    p = &call->principal;

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[3] = ngx_http_flagship_api_key_all(call) ? "true" : "false";

    if (call->environment_named || p->environment.len) {
        e->params[2] = ngx_http_flagship_entity_cstr(e, call->environment.data,
                                                     call->environment.len);
        if (e->params[2] == NULL) {
            return NGX_ERROR;
        }
    }

    *entity = e;

    return NGX_OK;
}


/* An operator of all tenants sees the keys that are of none. */

static ngx_uint_t
ngx_http_flagship_api_key_all(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_principal_t  *p;

    p = &call->principal;

    return p->role == NGX_HTTP_FLAGSHIP_ROLE_OPERATOR && !p->anonymous
           && p->tenant.len == 0;
}


ngx_int_t
ngx_http_flagship_api_key_create(ngx_http_flagship_call_t *call)
{
    ngx_int_t                     rc;
    ngx_http_flagship_entity_t   *e;
    ngx_http_flagship_new_key_t  *k;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_api_key, &e);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    k = ngx_pcalloc(call->request->pool, sizeof(ngx_http_flagship_new_key_t));

    if (k == NULL || ngx_http_flagship_entity_read(e, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    k->e = e;

    rc = ngx_http_flagship_api_key_judge(k);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    if (ngx_http_flagship_entity_refused(e)) {
        return NGX_OK;
    }

    if (ngx_http_flagship_api_key_make(k) != NGX_OK) {
        return NGX_ERROR;
    }

    e->ref = (char *) k->id;

    e->params[0] = e->actor;
    e->params[1] = k->tenant;
    e->params[2] = k->environment;
    e->params[3] = k->role;
    e->params[4] = (char *) k->id;
    e->params[5] = (char *) k->hash;
    e->params[6] = ngx_http_flagship_entity_patch(e);
    e->params[7] = e->dry_run ? "true" : "false";

    if (e->params[6] == NULL) {
        return NGX_ERROR;
    }

    /* the answer has the secret */

    call->no_store = 1;
    e->data = k;

    return ngx_http_flagship_entity_query(e,
                       "SELECT * FROM flagship.issue_api_key($1, $2, $3, $4,"
                       " $5, $6, $7, $8)",
                       8, 1, ngx_http_flagship_api_key_created);
}


/* NGX_OK: as far as e->errors has none; NGX_DONE: 403 was answered. */

static ngx_int_t
ngx_http_flagship_api_key_judge(ngx_http_flagship_new_key_t *k)
{
    ngx_int_t  rc;

    rc = ngx_http_flagship_api_key_role(k);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_api_key_tenant(k);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_api_key_environment(k);
    }

    ngx_http_flagship_api_key_expiry(k->e);

    return rc;
}


static ngx_int_t
ngx_http_flagship_api_key_role(ngx_http_flagship_new_key_t *k)
{
    unsigned                     role;
    ngx_http_flagship_entity_t  *e;
    const flagship_json_node_t  *node;

    e = k->e;
    node = e->fields.list[FLAGSHIP_API_KEY_ROLE].node;

    if (node == NULL) {
        return NGX_OK;
    }

    role = flagship_role(flagship_json_str(node));

    if (role == FLAGSHIP_ROLE_NONE) {
        flagship_fields_error(&e->fields, FLAGSHIP_API_KEY_ROLE,
                              "must be \"client\", \"viewer\", \"editor\", "
                              "\"admin\" or \"operator\"");
        return NGX_OK;
    }

    if (role > e->call->principal.role) {
        ngx_http_flagship_call_problem(e->call, NGX_HTTP_FORBIDDEN,
                                       "a key of a role above one's own is "
                                       "not one's to make");
        return NGX_DONE;
    }

    k->role = ngx_http_flagship_entity_cstr(e, node->str, node->len);

    return k->role ? NGX_OK : NGX_ERROR;
}


/* An operator of all tenants says which, or null: all, for an operator. */

static ngx_int_t
ngx_http_flagship_api_key_tenant(ngx_http_flagship_new_key_t *k)
{
    ngx_str_t                    named;
    ngx_http_flagship_call_t    *call;
    ngx_http_flagship_entity_t  *e;
    const flagship_json_node_t  *node, *null;

    e = k->e;
    call = e->call;

    k->tenant = e->tenant;

    node = e->fields.list[FLAGSHIP_API_KEY_TENANT].node;

    if (!ngx_http_flagship_api_key_all(call)) {

        if (node && (node->len != call->tenant.len
                     || ngx_memcmp(node->str, call->tenant.data, node->len)
                        != 0))
        {
            ngx_http_flagship_call_problem(call, NGX_HTTP_FORBIDDEN,
                                           "a key of another tenant is not "
                                           "one's to make");
            return NGX_DONE;
        }

        return NGX_OK;
    }

    null = (call->body->type == FLAGSHIP_JSON_OBJECT)
           ? flagship_json_get(call->body, "tenant") : NULL;

    if (null && null->type == FLAGSHIP_JSON_NULL) {

        if (k->role && ngx_strcmp(k->role, "operator") != 0) {
            flagship_errors_add(e->errors, 0, flagship_str("", 0), "/tenant",
                                "only an operator's key is of all tenants");
        }

        k->tenant = NULL;

        return NGX_OK;
    }

    if (node == NULL) {
        return NGX_OK;
    }

    if (ngx_http_flagship_call_arg(call, "tenant", &named) == NGX_OK
        && (node->len != named.len
            || ngx_memcmp(node->str, named.data, node->len) != 0))
    {
        flagship_fields_error(&e->fields, FLAGSHIP_API_KEY_TENANT,
                              "is not the tenant that the query names");
        return NGX_OK;
    }

    k->tenant = ngx_http_flagship_entity_cstr(e, node->str, node->len);

    return k->tenant ? NGX_OK : NGX_ERROR;
}


/* Bound to what the request names, or to what its own credential is. */

static ngx_int_t
ngx_http_flagship_api_key_environment(ngx_http_flagship_new_key_t *k)
{
    ngx_str_t                    name, *bound;
    ngx_http_flagship_call_t    *call;
    ngx_http_flagship_entity_t  *e;
    const flagship_json_node_t  *node;

    e = k->e;
    call = e->call;
    bound = &call->principal.environment;

    ngx_str_null(&name);

    if (call->environment_named || bound->len) {
        name = call->environment;
    }

    node = e->fields.list[FLAGSHIP_API_KEY_ENVIRONMENT].node;

    if (node) {

        if (call->environment_named
            && (node->len != name.len
                || ngx_memcmp(node->str, name.data, name.len) != 0))
        {
            flagship_fields_error(&e->fields, FLAGSHIP_API_KEY_ENVIRONMENT,
                                  "is not the environment that the query "
                                  "names");
            return NGX_OK;
        }

        name.data = (u_char *) node->str;
        name.len = node->len;
    }

    if (bound->len && (name.len != bound->len
                       || ngx_memcmp(name.data, bound->data, name.len) != 0))
    {
        ngx_http_flagship_call_problem(call, NGX_HTTP_FORBIDDEN,
                                       "the credential is bound to another "
                                       "environment");
        return NGX_DONE;
    }

    if (name.len == 0) {
        return NGX_OK;
    }

    if (k->tenant == NULL) {
        flagship_errors_add(e->errors, 0, flagship_str("", 0), "/environment",
                            "is of a tenant, and the key of none");
        return NGX_OK;
    }

    k->environment = ngx_http_flagship_entity_cstr(e, name.data, name.len);

    return k->environment ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_flagship_api_key_expiry(ngx_http_flagship_entity_t *e)
{
    int64_t                      seconds;
    const flagship_json_node_t  *node;

    node = e->fields.list[FLAGSHIP_API_KEY_EXPIRES_AT].node;

    if (node == NULL) {
        return;
    }

    if (flagship_time_parse(flagship_json_str(node), &seconds)
        != FLAGSHIP_OK)
    {
        flagship_fields_error(&e->fields, FLAGSHIP_API_KEY_EXPIRES_AT,
                              "must be a time such as "
                              "\"2030-01-31T12:00:00Z\"");

    } else if (seconds <= (int64_t) ngx_time()) {
        flagship_fields_error(&e->fields, FLAGSHIP_API_KEY_EXPIRES_AT,
                              "is in the past");
    }
}


static ngx_int_t
ngx_http_flagship_api_key_make(ngx_http_flagship_new_key_t *k)
{
    u_char    hash[EVP_MAX_MD_SIZE], *p;
    unsigned  len;

    if (ngx_http_flagship_api_key_letters(k->id, NGX_HTTP_FLAGSHIP_KEY_ID)
        != NGX_OK
        || ngx_http_flagship_api_key_letters(k->secret,
                                             NGX_HTTP_FLAGSHIP_KEY_SECRET)
           != NGX_OK
        || !EVP_Digest(k->secret, NGX_HTTP_FLAGSHIP_KEY_SECRET, hash, &len,
                       EVP_sha256(), NULL))
    {
        ngx_ssl_error(NGX_LOG_ERR, k->e->call->request->connection->log, 0,
                      "flagship: no random bytes for a key");
        return NGX_ERROR;
    }

    p = ngx_hex_dump(k->hash, hash, len);
    *p = '\0';

    return NGX_OK;
}


/* Of equal likelihood: bytes that would favour some are drawn anew. */

static ngx_int_t
ngx_http_flagship_api_key_letters(u_char *text, size_t len)
{
    u_char  bytes[64], *p, *last;
    size_t  i;

    static const u_char  letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "abcdefghijklmnopqrstuvwxyz0123456789";

    p = text;
    last = text + len;

    while (p < last) {

        if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
            return NGX_ERROR;
        }

        for (i = 0; i < sizeof(bytes) && p < last; i++) {

            if (bytes[i] < 4 * 62) {
                *p++ = letters[bytes[i] % 62];
            }
        }
    }

    *p = '\0';

    return NGX_OK;
}


static void
ngx_http_flagship_api_key_created(ngx_http_flagship_call_t *call)
{
    u_char                       *p, *text;
    ngx_http_flagship_entity_t   *e;
    ngx_http_flagship_new_key_t  *k;

    e = call->data;
    k = e->data;

    /* the document gets one member more, which is nowhere else */

    if (e->document.len && !e->dry_run) {

        text = ngx_pnalloc(call->request->pool, e->document.len
                           + sizeof(",\"key\":\"\"}")
                           + NGX_HTTP_FLAGSHIP_KEY_LEN);
        if (text == NULL) {
            ngx_http_flagship_entity_fail(call);
            return;
        }

        p = ngx_cpymem(text, e->document.data, e->document.len - 1);
        p = ngx_sprintf(p, ",\"key\":\"flagship_%s_%s\"}", k->id, k->secret);

        e->document.data = text;
        e->document.len = p - text;
    }

    ngx_http_flagship_entity_created(call);
}


static void
ngx_http_flagship_api_key_revoked(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_entity_t  *e;

    e = call->data;

    if (ngx_http_flagship_entity_said(e, "above")) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_FORBIDDEN,
                                       "a key of a role above one's own is "
                                       "not one's to revoke");
        return;
    }

    ngx_http_flagship_entity_removed(call);
}
