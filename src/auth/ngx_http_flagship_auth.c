
/*
 * Copyright (C) Flagship
 */


/*
 * A request's credential -> who asks.
 *
 * Only X-API-Key and Authorization: Bearer are ours.  Another scheme is
 * somebody else's (auth_basic) and says nothing here, unless it carries one of
 * our keys.  Sending both headers is right where both say the same.
 *
 * A secret has 256 random bits, so one round of SHA-256 is all that is needed
 * to keep what the database holds worthless.  The digests are compared in
 * constant time; that an id exists is no secret.
 *
 * The digest context is made once a worker: OpenSSL 3 looks the algorithm up
 * anew at each one-shot call, which costs more than the hash.
 */


#include "ngx_http_flagship_auth.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>


#define NGX_HTTP_FLAGSHIP_KEY_PREFIX  "flagship_"

/* What the database takes for an id; and more than any secret is long. */
#define NGX_HTTP_FLAGSHIP_KEY_ID_MIN  8
#define NGX_HTTP_FLAGSHIP_KEY_ID_MAX  32
#define NGX_HTTP_FLAGSHIP_SECRET_MAX  256


typedef struct {
    ngx_str_t  id;
    ngx_str_t  secret;
} ngx_http_flagship_credential_t;


static ngx_int_t ngx_http_flagship_auth_credential(ngx_http_request_t *r,
    ngx_str_t *credential);
static ngx_int_t ngx_http_flagship_auth_header(ngx_http_request_t *r,
    const char *name, size_t len, ngx_str_t *value);
static ngx_int_t ngx_http_flagship_auth_bearer(ngx_str_t *value,
    ngx_str_t *credential);
static ngx_int_t ngx_http_flagship_auth_split(ngx_str_t *text,
    ngx_http_flagship_credential_t *c);
static ngx_int_t ngx_http_flagship_auth_check(ngx_http_request_t *r,
    ngx_http_flagship_view_t *view, ngx_http_flagship_credential_t *c,
    flagship_key_t *key);
static ngx_int_t ngx_http_flagship_auth_digest(ngx_http_request_t *r,
    ngx_str_t *secret, u_char *digest);
static ngx_int_t ngx_http_flagship_auth_refuse(ngx_http_request_t *r,
    ngx_str_t *id, const char *why);
static void ngx_http_flagship_auth_nobody(ngx_http_request_t *r,
    ngx_http_flagship_principal_t *p);


ngx_int_t
ngx_http_flagship_authenticate(ngx_http_request_t *r,
    ngx_http_flagship_view_t *view, ngx_http_flagship_principal_t *p)
{
    u_char                          *last;
    ngx_int_t                        rc;
    ngx_str_t                        text;
    flagship_key_t                   key;
    ngx_http_flagship_credential_t   c;

    ngx_memzero(p, sizeof(ngx_http_flagship_principal_t));

    if (view == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    rc = ngx_http_flagship_auth_credential(r, &text);

    if (rc == NGX_DECLINED) {
        ngx_http_flagship_auth_nobody(r, p);
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_flagship_auth_split(&text, &c) != NGX_OK) {
        return ngx_http_flagship_auth_refuse(r, NULL, "is malformed");
    }

    rc = ngx_http_flagship_auth_check(r, view, &c, &key);
    if (rc != NGX_OK) {
        return rc;
    }

    p->role = key.role;
    p->see_unexposed = key.see_unexposed;

    p->tenant.data = (u_char *) key.tenant.data;
    p->tenant.len = key.tenant.len;
    p->environment.data = (u_char *) key.environment.data;
    p->environment.len = key.environment.len;
    p->key_id.data = (u_char *) key.id.data;
    p->key_id.len = key.id.len;

    p->actor.data = ngx_pnalloc(r->pool, sizeof("key:") - 1 + key.id.len);
    if (p->actor.data == NULL) {
        return NGX_ERROR;
    }

    last = ngx_cpymem(p->actor.data, "key:", sizeof("key:") - 1);
    last = ngx_cpymem(last, key.id.data, key.id.len);
    p->actor.len = last - p->actor.data;

    return NGX_OK;
}


/* NGX_DECLINED: the request has none. */

static ngx_int_t
ngx_http_flagship_auth_credential(ngx_http_request_t *r, ngx_str_t *credential)
{
    ngx_int_t  keys, bearers;
    ngx_str_t  key, authorization, bearer;

    ngx_str_null(&bearer);

    keys = ngx_http_flagship_auth_header(r, "x-api-key",
                                         sizeof("x-api-key") - 1, &key);

    bearers = ngx_http_flagship_auth_header(r, "authorization",
                                            sizeof("authorization") - 1,
                                            &authorization);

    if (keys == NGX_ERROR || bearers == NGX_ERROR) {
        return ngx_http_flagship_auth_refuse(r, NULL, "is sent twice");
    }

    if (bearers == NGX_OK) {
        bearers = ngx_http_flagship_auth_bearer(&authorization, &bearer);

        if (bearers == NGX_ERROR) {
            return ngx_http_flagship_auth_refuse(r, NULL, "is malformed");
        }
    }

    if (keys == NGX_OK && bearers == NGX_OK
        && (key.len != bearer.len
            || CRYPTO_memcmp(key.data, bearer.data, key.len) != 0))
    {
        return ngx_http_flagship_auth_refuse(r, NULL, "is another one in the "
                                             "other header");
    }

    if (keys == NGX_OK) {
        *credential = key;
        return NGX_OK;
    }

    *credential = bearer;

    return bearers;
}


/* NGX_DECLINED: it is not there; NGX_ERROR: more than once.  Of some headers
   nginx itself knows the first or the last one only. */

static ngx_int_t
ngx_http_flagship_auth_header(ngx_http_request_t *r, const char *name,
    size_t len, ngx_str_t *value)
{
    ngx_int_t         rc;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    rc = NGX_DECLINED;
    ngx_str_null(value);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (header[i].key.len != len
                || ngx_strncasecmp(header[i].key.data, (u_char *) name, len)
                   != 0)
            {
                continue;
            }

            if (rc == NGX_OK) {
                return NGX_ERROR;
            }

            *value = header[i].value;
            rc = NGX_OK;
        }
    }

    return rc;
}


/* NGX_DECLINED: of a scheme that is not ours; NGX_ERROR: none at all, or one
   of our keys that is not said to be a bearer's. */

static ngx_int_t
ngx_http_flagship_auth_bearer(ngx_str_t *value, ngx_str_t *credential)
{
    u_char  *p, *last, *blank;

    p = value->data;
    last = p + value->len;

    blank = ngx_strlchr(p, last, ' ');
    if (blank == NULL) {
        return NGX_ERROR;
    }

    for (last = blank; *blank == ' '; blank++) { /* void */ }

    credential->data = blank;
    credential->len = value->data + value->len - blank;

    if (last - p == sizeof("Bearer") - 1
        && ngx_strncasecmp(p, (u_char *) "Bearer", sizeof("Bearer") - 1) == 0)
    {
        return NGX_OK;
    }

    if (ngx_strncasecmp(blank, (u_char *) NGX_HTTP_FLAGSHIP_KEY_PREFIX,
                        sizeof(NGX_HTTP_FLAGSHIP_KEY_PREFIX) - 1)
        == 0)
    {
        return NGX_ERROR;
    }

    return NGX_DECLINED;
}


/* flagship_<id>_<secret> */

static ngx_int_t
ngx_http_flagship_auth_split(ngx_str_t *text,
    ngx_http_flagship_credential_t *c)
{
    u_char  *p, *last, ch;

    p = text->data;
    last = p + text->len;

    if (text->len < sizeof(NGX_HTTP_FLAGSHIP_KEY_PREFIX) - 1
        || ngx_memcmp(p, NGX_HTTP_FLAGSHIP_KEY_PREFIX,
                      sizeof(NGX_HTTP_FLAGSHIP_KEY_PREFIX) - 1)
           != 0)
    {
        return NGX_ERROR;
    }

    p += sizeof(NGX_HTTP_FLAGSHIP_KEY_PREFIX) - 1;
    c->id.data = p;

    for ( /* void */ ; p < last && *p != '_'; p++) {
        ch = (u_char) (*p | 0x20);

        if ((ch < 'a' || ch > 'z') && (*p < '0' || *p > '9')) {
            return NGX_ERROR;
        }
    }

    c->id.len = p - c->id.data;

    if (p == last
        || c->id.len < NGX_HTTP_FLAGSHIP_KEY_ID_MIN
        || c->id.len > NGX_HTTP_FLAGSHIP_KEY_ID_MAX)
    {
        return NGX_ERROR;
    }

    c->secret.data = ++p;
    c->secret.len = last - p;

    if (c->secret.len == 0 || c->secret.len > NGX_HTTP_FLAGSHIP_SECRET_MAX) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_auth_check(ngx_http_request_t *r,
    ngx_http_flagship_view_t *view, ngx_http_flagship_credential_t *c,
    flagship_key_t *key)
{
    size_t       len;
    u_char       digest[FLAGSHIP_KEY_HASH];
    ngx_str_t    none;
    const void  *keys;

    ngx_str_set(&none, "");

    keys = ngx_http_flagship_view_blob(view, NGX_HTTP_FLAGSHIP_BLOB_KEYS,
                                       &none, &none, &len);

    if (keys == NULL && ngx_http_flagship_get_main_conf(r)->auth->keys) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (keys == NULL
        || flagship_keys_find(keys, flagship_str((char *) c->id.data,
                                                 c->id.len), key)
           != FLAGSHIP_OK)
    {
        return ngx_http_flagship_auth_refuse(r, &c->id, "is not known");
    }

    if (ngx_http_flagship_auth_digest(r, &c->secret, digest) != NGX_OK) {
        return NGX_ERROR;
    }

    if (CRYPTO_memcmp(digest, key->hash, FLAGSHIP_KEY_HASH) != 0) {
        return ngx_http_flagship_auth_refuse(r, &c->id,
                                             "has another secret");
    }

    if (key->expires <= (int64_t) ngx_time()) {
        return ngx_http_flagship_auth_refuse(r, &c->id, "has expired");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_auth_digest(ngx_http_request_t *r, ngx_str_t *secret,
    u_char *digest)
{
    ngx_http_flagship_auth_main_t  *auth;

    auth = ngx_http_flagship_get_main_conf(r)->auth;

    if (EVP_DigestInit_ex(auth->digest, auth->sha256, NULL)
        && EVP_DigestUpdate(auth->digest, secret->data, secret->len)
        && EVP_DigestFinal_ex(auth->digest, digest, NULL))
    {
        return NGX_OK;
    }

    ERR_clear_error();

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "flagship: OpenSSL failed to hash an API key");

    return NGX_ERROR;
}


/* The id is checked by then, and public; never anything else of the key. */

static ngx_int_t
ngx_http_flagship_auth_refuse(ngx_http_request_t *r, ngx_str_t *id,
    const char *why)
{
    ngx_http_flagship_zone_shared_t  *shared;

    shared = ngx_http_flagship_zone_shared(
                                  ngx_http_flagship_get_main_conf(r)->zone);

    (void) ngx_atomic_fetch_add(&shared->auth_refused, 1);

    if (id) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "flagship: the API key \"%V\" %s", id, why);

    } else {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "flagship: the request's credential %s", why);
    }

    return NGX_HTTP_UNAUTHORIZED;
}


static void
ngx_http_flagship_auth_nobody(ngx_http_request_t *r,
    ngx_http_flagship_principal_t *p)
{
    p->role = ngx_http_flagship_get_loc_conf(r)->auth->anonymous;
    p->anonymous = 1;

    ngx_str_set(&p->actor, "anonymous");
}


ngx_int_t
ngx_http_flagship_auth_init_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf)
{
    ngx_http_flagship_auth_main_t  *auth;

    auth = fmcf->auth;

    auth->digest = EVP_MD_CTX_new();
    auth->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);

    if (auth->digest && auth->sha256) {
        return NGX_OK;
    }

    ERR_clear_error();

    ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                  "flagship: OpenSSL has no SHA-256");

    return NGX_ERROR;
}


void
ngx_http_flagship_auth_exit_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf)
{
    EVP_MD_CTX_free(fmcf->auth->digest);
    EVP_MD_free(fmcf->auth->sha256);

    fmcf->auth->digest = NULL;
    fmcf->auth->sha256 = NULL;
}
