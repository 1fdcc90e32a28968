
/*
 * Copyright (C) Flagship
 */


/*
 * The rows of API keys -> the blob of all keys.
 *
 * A delta brings the keys that changed; the others are those of the blob that
 * is live.  Whoever loaded in full has one, be it of no keys, and where there
 * is none the build asks for everything.
 *
 * A key of which anything is wrong is worth nothing: other than a flag it has
 * no last good form to go on with.  Runs where a build runs.
 */


#include "ngx_http_flagship_sync_build.h"
#include "flagship_keys.h"
#include "flagship_time.h"


typedef struct {
    ngx_http_flagship_build_t  *build;
    flagship_json_t             json;       /* parsed into again and again */
    flagship_key_t             *keys;
    size_t                      n;
} ngx_http_flagship_keys_t;


static const void *ngx_http_flagship_keys_live(ngx_http_flagship_build_t *b,
    size_t *len);
static int ngx_http_flagship_keys_add(ngx_http_flagship_keys_t *ctx,
    ngx_http_flagship_row_t *row);
static const char *ngx_http_flagship_keys_read(ngx_http_flagship_keys_t *ctx,
    flagship_key_t *key);
static int ngx_http_flagship_keys_hash(flagship_str_t text,
    unsigned char *hash);
static void ngx_http_flagship_keys_keep(ngx_http_flagship_keys_t *ctx,
    const void *live, ngx_http_flagship_row_t *row, size_t n);
static int ngx_http_flagship_keys_publish(ngx_http_flagship_keys_t *ctx,
    const void *live, size_t live_len);


int
ngx_http_flagship_build_keys(ngx_http_flagship_build_t *b,
    ngx_http_flagship_row_t *row, size_t n)
{
    int                       rc;
    size_t                    i, len, nlive;
    const void               *live;
    ngx_http_flagship_keys_t  ctx;

    live = ngx_http_flagship_keys_live(b, &len);

    if (live == NULL && !b->whole) {
        b->status = NGX_HTTP_FLAGSHIP_BUILD_FULL;
        return FLAGSHIP_DECLINED;
    }

    nlive = b->whole ? 0 : flagship_keys_n(live);

    ctx.build = b;
    ctx.n = 0;
    ctx.keys = malloc((n + nlive + 1) * sizeof(flagship_key_t));

    if (ctx.keys == NULL) {
        return FLAGSHIP_ERROR;
    }

    flagship_json_init(&ctx.json);

    rc = FLAGSHIP_OK;

    for (i = 0; i < n && rc == FLAGSHIP_OK; i++) {

        /* of two rows with one id, which only a missing constraint lets in,
           the later one */

        if (i + 1 < n && flagship_str_eq(row[i].key, row[i + 1].key)) {
            continue;
        }

        if (row[i].document.data) {
            rc = ngx_http_flagship_keys_add(&ctx, &row[i]);
        }
    }

    if (rc == FLAGSHIP_OK && nlive) {
        ngx_http_flagship_keys_keep(&ctx, live, row, n);
    }

    if (rc == FLAGSHIP_OK) {
        rc = ngx_http_flagship_keys_publish(&ctx, live, len);
    }

    flagship_json_free(&ctx.json);
    free(ctx.keys);

    return rc;
}


int
ngx_http_flagship_build_no_keys(ngx_http_flagship_build_t *b)
{
    size_t  len;

    if (ngx_http_flagship_keys_live(b, &len) == NULL) {
        return FLAGSHIP_OK;
    }

    return ngx_http_flagship_build_blob(b, NGX_HTTP_FLAGSHIP_BLOB_KEYS,
                                        flagship_str("", 0),
                                        flagship_str("", 0), NULL, 0);
}


static const void *
ngx_http_flagship_keys_live(ngx_http_flagship_build_t *b, size_t *len)
{
    ngx_str_t  none;

    *len = 0;

    if (b->view == NULL) {
        return NULL;
    }

    ngx_str_set(&none, "");

    return ngx_http_flagship_view_blob(b->view, NGX_HTTP_FLAGSHIP_BLOB_KEYS,
                                       &none, &none, len);
}


static int
ngx_http_flagship_keys_add(ngx_http_flagship_keys_t *ctx,
    ngx_http_flagship_row_t *row)
{
    int              rc;
    const char      *why;
    flagship_key_t  *key;

    key = &ctx->keys[ctx->n];

    key->id = row->key;
    key->tenant = row->tenant;
    key->environment = row->environment;

    rc = flagship_json_parse(&ctx->json, row->document.data,
                             row->document.len);
    if (rc == FLAGSHIP_ERROR) {
        return rc;
    }

    key->hash = flagship_arena_alloc(&ctx->build->arena, FLAGSHIP_KEY_HASH);
    if (key->hash == NULL) {
        return FLAGSHIP_ERROR;
    }

    why = rc == FLAGSHIP_OK ? ngx_http_flagship_keys_read(ctx, key)
                            : ctx->json.error;
    if (why == NULL) {
        ctx->n++;
        return FLAGSHIP_OK;
    }

    ngx_http_flagship_report(ctx->build, row->tenant, row->environment,
                             "API key", row->key, "", why, 0);

    return FLAGSHIP_OK;
}


/* {"role": ..., "hash": hexadecimal, "see_unexposed"?, "expires_at"?}.  NULL,
   or what is wrong with it. */

static const char *
ngx_http_flagship_keys_read(ngx_http_flagship_keys_t *ctx, flagship_key_t *key)
{
    const flagship_json_node_t  *root, *role, *hash, *unexposed, *expires;

    root = ctx->json.nodes;

    if (root->type != FLAGSHIP_JSON_OBJECT) {
        return "the document is no object";
    }

    role = flagship_json_get(root, "role");
    hash = flagship_json_get(root, "hash");
    unexposed = flagship_json_get(root, "see_unexposed");
    expires = flagship_json_get(root, "expires_at");

    key->role = role && role->type == FLAGSHIP_JSON_STRING
                    ? flagship_role(flagship_json_str(role))
                    : FLAGSHIP_ROLE_NONE;
    key->see_unexposed = unexposed && unexposed->type == FLAGSHIP_JSON_TRUE;
    key->expires = FLAGSHIP_KEY_FOREVER;

    if (hash == NULL || hash->type != FLAGSHIP_JSON_STRING
        || ngx_http_flagship_keys_hash(flagship_json_str(hash),
                                       (unsigned char *) key->hash)
           != FLAGSHIP_OK)
    {
        return "the hash is no SHA-256";
    }

    if (expires
        && (expires->type != FLAGSHIP_JSON_STRING
            || flagship_time_parse(flagship_json_str(expires), &key->expires)
               != FLAGSHIP_OK))
    {
        return "\"expires_at\" is no time";
    }

    return flagship_key_refused(key);
}


static int
ngx_http_flagship_keys_hash(flagship_str_t text, unsigned char *hash)
{
    size_t     i;
    ngx_int_t  n;

    if (text.len != 2 * FLAGSHIP_KEY_HASH) {
        return FLAGSHIP_DECLINED;
    }

    for (i = 0; i < FLAGSHIP_KEY_HASH; i++) {
        n = ngx_hextoi((u_char *) text.data + 2 * i, 2);

        if (n == NGX_ERROR) {
            return FLAGSHIP_DECLINED;
        }

        hash[i] = (unsigned char) n;
    }

    return FLAGSHIP_OK;
}


/* The live keys that no row names; both are in order of their ids. */

static void
ngx_http_flagship_keys_keep(ngx_http_flagship_keys_t *ctx, const void *live,
    ngx_http_flagship_row_t *row, size_t n)
{
    int              rc;
    size_t           i, r;
    flagship_key_t  *key;

    for (i = 0, r = 0; i < flagship_keys_n(live); i++) {
        key = &ctx->keys[ctx->n];
        flagship_keys_get(live, i, key);

        rc = 1;

        while (r < n) {
            rc = ngx_http_flagship_build_cmp(row[r].key, key->id);

            if (rc >= 0) {
                break;
            }

            r++;
        }

        if (r == n || rc) {
            ctx->n++;
        }
    }
}


static int
ngx_http_flagship_keys_publish(ngx_http_flagship_keys_t *ctx, const void *live,
    size_t live_len)
{
    int     rc;
    void   *blob;
    size_t  len;

    rc = flagship_keys_build(ctx->keys, ctx->n, &blob, &len);

    if (rc == FLAGSHIP_OK && flagship_keys_verify(blob, len) != FLAGSHIP_OK) {
        free(blob);
        rc = FLAGSHIP_DECLINED;
    }

    if (rc != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    if (live && live_len == len && memcmp(live, blob, len) == 0) {
        free(blob);
        return FLAGSHIP_OK;
    }

    rc = ngx_http_flagship_build_blob(ctx->build, NGX_HTTP_FLAGSHIP_BLOB_KEYS,
                                      flagship_str("", 0),
                                      flagship_str("", 0), blob, len);
    if (rc != FLAGSHIP_OK) {
        free(blob);
    }

    return rc;
}
