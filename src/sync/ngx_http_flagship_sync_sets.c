
/*
 * Copyright (C) Flagship
 */


/*
 * The id sets of a build.
 *
 * A set is a blob of its own: when its members change it is published and no
 * image is touched; when a flag changes no set is.  Only that a set comes or
 * goes concerns the flags of its tenant:
 *
 *   it goes    images that look into it are linked anew and say that it is
 *              lost; its members are kept as long as one of them does, since
 *              they belong to the last good form of its flags
 *   it comes   a flag or a segment that was refused may have lacked it, which
 *              the rows of a delta do not hold: the build asks for everything
 *
 * So what is live and lost in no image of its tenant is what the source has.
 *
 * Runs where a build runs.
 */


#include "ngx_http_flagship_sync_build.h"
#include "flagship_code.h"


static ngx_http_flagship_idset_t *ngx_http_flagship_sets_new(
    ngx_http_flagship_build_t *b);
static ngx_http_flagship_idset_t *ngx_http_flagship_sets_find(
    ngx_http_flagship_build_t *b, flagship_str_t tenant, flagship_str_t key);
static int ngx_http_flagship_sets_group(ngx_http_flagship_build_t *b,
    flagship_json_t *json, ngx_http_flagship_row_t *row, size_t n);
static int ngx_http_flagship_sets_chunk(ngx_http_flagship_build_t *b,
    flagship_json_t *json, ngx_http_flagship_row_t *row,
    flagship_idset_builder_t *builder);
static ngx_uint_t ngx_http_flagship_sets_used(ngx_http_flagship_build_t *b,
    ngx_http_flagship_idset_t *s);
static ngx_uint_t ngx_http_flagship_sets_named(const flagship_image_t *image,
    flagship_str_t key);


/* What is live.  In a delta it is known as long as no image has lost it. */

int
ngx_http_flagship_sets_begin(ngx_http_flagship_build_t *b)
{
    size_t                      i;
    uint32_t                    k;
    ngx_http_flagship_blob_t    blob;
    const flagship_image_t     *image;
    ngx_http_flagship_idset_t  *s;

    if (b->view == NULL) {
        return FLAGSHIP_OK;
    }

    for (i = b->view->nsets; i < b->view->nblobs; i++) {

        ngx_http_flagship_view_entry(b->view, i, &blob);

        if (blob.kind != NGX_HTTP_FLAGSHIP_BLOB_SET) {
            continue;
        }

        s = ngx_http_flagship_sets_new(b);
        if (s == NULL) {
            return FLAGSHIP_ERROR;
        }

        s->tenant = flagship_str((char *) blob.tenant.data, blob.tenant.len);
        s->key = flagship_str((char *) blob.name.data, blob.name.len);
        s->live = blob.data;
        s->known = !b->whole;

        b->nlive_idsets = b->nidsets;
    }

    for (i = 0; i < b->nlive && !b->whole; i++) {
        image = b->live[i].image;

        for (k = 0; k < image->sets.n; k++) {

            if (!flagship_image_set_lost(image, k)) {
                continue;
            }

            s = ngx_http_flagship_sets_find(b, b->live[i].tenant,
                                            flagship_image_set(image, k));
            if (s) {
                s->known = 0;
            }
        }
    }

    return FLAGSHIP_OK;
}


static ngx_http_flagship_idset_t *
ngx_http_flagship_sets_new(ngx_http_flagship_build_t *b)
{
    size_t                      n;
    ngx_http_flagship_idset_t  *s;

    if (b->nidsets == b->aidsets) {
        n = b->aidsets ? b->aidsets * 2 : 8;

        s = realloc(b->idsets, n * sizeof(ngx_http_flagship_idset_t));
        if (s == NULL) {
            return NULL;
        }

        b->idsets = s;
        b->aidsets = n;
    }

    s = &b->idsets[b->nidsets++];

    memset(s, 0, sizeof(ngx_http_flagship_idset_t));

    return s;
}


/* Of those that are live, which are in order. */

static ngx_http_flagship_idset_t *
ngx_http_flagship_sets_find(ngx_http_flagship_build_t *b,
    flagship_str_t tenant, flagship_str_t key)
{
    int                         rc;
    size_t                      low, high, mid;
    ngx_http_flagship_idset_t  *s;

    low = 0;
    high = b->nlive_idsets;

    while (low < high) {
        mid = low + (high - low) / 2;
        s = &b->idsets[mid];

        rc = ngx_http_flagship_build_cmp(tenant, s->tenant);
        if (rc == 0) {
            rc = ngx_http_flagship_build_cmp(key, s->key);
        }

        if (rc == 0) {
            return s;
        }

        if (rc < 0) {
            high = mid;

        } else {
            low = mid + 1;
        }
    }

    return NULL;
}


/* The rows of one tenant's sets, by their keys; a set has one row or more. */

int
ngx_http_flagship_sets_rows(ngx_http_flagship_build_t *b,
    ngx_http_flagship_row_t *row, size_t n)
{
    int              rc;
    size_t           i, k;
    flagship_json_t  json;

    flagship_json_init(&json);

    rc = FLAGSHIP_OK;

    for (i = 0; i < n && rc == FLAGSHIP_OK; i += k) {

        for (k = 1; i + k < n; k++) {
            if (!flagship_str_eq(row[i].key, row[i + k].key)) {
                break;
            }
        }

        rc = ngx_http_flagship_sets_group(b, &json, &row[i], k);
    }

    flagship_json_free(&json);

    return rc;
}


static int
ngx_http_flagship_sets_group(ngx_http_flagship_build_t *b,
    flagship_json_t *json, ngx_http_flagship_row_t *row, size_t n)
{
    int                         rc;
    size_t                      i;
    flagship_idset_t           *set;
    flagship_idset_builder_t   *builder;
    ngx_http_flagship_idset_t  *s;

    s = ngx_http_flagship_sets_find(b, row->tenant, row->key);

    if (row->document.data == NULL && n == 1) {

        if (s) {
            s->known = 0;
        }

        return FLAGSHIP_OK;
    }

    builder = flagship_idset_create();
    if (builder == NULL) {
        return FLAGSHIP_ERROR;
    }

    rc = FLAGSHIP_OK;

    for (i = 0; i < n && rc == FLAGSHIP_OK; i++) {
        rc = ngx_http_flagship_sets_chunk(b, json, &row[i], builder);
    }

    if (rc == FLAGSHIP_OK) {
        rc = flagship_idset_build(builder, &set);
    }

    flagship_idset_destroy(builder);

    if (rc == FLAGSHIP_DECLINED) {

        /* the last good form goes on serving, if there is one */

        if (s && b->whole) {
            s->known = 1;
        }

        return FLAGSHIP_OK;
    }

    return rc == FLAGSHIP_OK ? ngx_http_flagship_sets_put(b, row->tenant,
                                                          row->key, set)
           : FLAGSHIP_ERROR;
}


/* Some of a set's members: ["id", ...]. */

static int
ngx_http_flagship_sets_chunk(ngx_http_flagship_build_t *b,
    flagship_json_t *json, ngx_http_flagship_row_t *row,
    flagship_idset_builder_t *builder)
{
    int                          rc;
    uint32_t                     i;
    const char                  *why;
    const flagship_json_node_t  *root, *id;

    if (ngx_http_flagship_build_cancelled(b)) {
        b->status = NGX_HTTP_FLAGSHIP_BUILD_CANCELLED;
        return FLAGSHIP_ERROR;
    }

    if (row->document.data == NULL) {
        return FLAGSHIP_OK;
    }

    why = NULL;

    if (row->key.len == 0 || row->key.len > FLAGSHIP_MAX_KEY) {
        why = "its key must have 1 to 128 bytes";
        goto refused;
    }

    rc = flagship_json_parse(json, row->document.data, row->document.len);

    if (rc == FLAGSHIP_ERROR) {
        return rc;
    }

    root = json->nodes;

    if (rc != FLAGSHIP_OK || root->type != FLAGSHIP_JSON_ARRAY) {
        why = "its members are no array";
        goto refused;
    }

    id = root + 1;

    for (i = 0; i < root->len; i++, id += id->next) {

        if (id->type != FLAGSHIP_JSON_STRING) {
            why = "a member is no string";
            goto refused;
        }

        rc = flagship_idset_add(builder, flagship_json_str(id));

        if (rc == FLAGSHIP_ERROR) {
            return rc;
        }

        if (rc == FLAGSHIP_DECLINED) {
            why = id->len == 0 || id->len > FLAGSHIP_IDSET_MAX_ID
                  ? "a member must have 1 to 1024 bytes"
                  : "it is larger than 2 GiB";
            goto refused;
        }
    }

    return FLAGSHIP_OK;

refused:

    ngx_http_flagship_report(b, row->tenant, flagship_str("", 0), "set",
                             row->key, "", why, 0);

    return FLAGSHIP_DECLINED;
}


int
ngx_http_flagship_sets_put(ngx_http_flagship_build_t *b,
    flagship_str_t tenant, flagship_str_t key, flagship_idset_t *set)
{
    const char                 *error;
    ngx_http_flagship_idset_t  *s;

    if (flagship_idset_verify(set, set->len, &error) != FLAGSHIP_OK) {
        free(set);
        return FLAGSHIP_ERROR;
    }

    s = ngx_http_flagship_sets_find(b, tenant, key);

    if (!b->whole && (s == NULL || !s->known)
        && ngx_http_flagship_build_lacks(b, tenant))
    {
        free(set);
        b->status = NGX_HTTP_FLAGSHIP_BUILD_FULL;
        return FLAGSHIP_DECLINED;
    }

    if (s == NULL) {
        s = ngx_http_flagship_sets_new(b);

        if (s == NULL) {
            free(set);
            return FLAGSHIP_ERROR;
        }

        s->tenant = tenant;
        s->key = key;
    }

    s->known = 1;

    if (s->live && s->live->len == set->len
        && memcmp(s->live, set, set->len) == 0)
    {
        free(set);
        return FLAGSHIP_OK;
    }

    if (ngx_http_flagship_build_blob(b, NGX_HTTP_FLAGSHIP_BLOB_SET, tenant,
                                     key, set, set->len)
        != FLAGSHIP_OK)
    {
        free(set);
        return FLAGSHIP_ERROR;
    }

    return FLAGSHIP_OK;
}


int
ngx_http_flagship_sets_name(ngx_http_flagship_build_t *b,
    flagship_str_t tenant, flagship_unit_t *unit)
{
    size_t                      i;
    ngx_http_flagship_idset_t  *s;

    for (i = 0; i < b->nidsets; i++) {
        s = &b->idsets[i];

        if (s->known && flagship_str_eq(s->tenant, tenant)
            && flagship_unit_add_set(unit, s->key) != FLAGSHIP_OK)
        {
            return FLAGSHIP_ERROR;
        }
    }

    return FLAGSHIP_OK;
}


ngx_uint_t
ngx_http_flagship_sets_gone(ngx_http_flagship_build_t *b,
    ngx_http_flagship_live_t *live)
{
    uint32_t                    i;
    ngx_http_flagship_idset_t  *s;

    for (i = 0; i < live->image->sets.n; i++) {

        if (flagship_image_set_lost(live->image, i)) {
            continue;
        }

        s = ngx_http_flagship_sets_find(b, live->tenant,
                                        flagship_image_set(live->image, i));

        if (s && !s->known) {
            return 1;
        }
    }

    return 0;
}


/* Drops what the source has no more and no image needs. */

int
ngx_http_flagship_sets_end(ngx_http_flagship_build_t *b)
{
    size_t                      i;
    ngx_http_flagship_idset_t  *s;

    for (i = 0; i < b->nlive_idsets; i++) {
        s = &b->idsets[i];

        if (!s->known && !ngx_http_flagship_sets_used(b, s)
            && ngx_http_flagship_build_blob(b, NGX_HTTP_FLAGSHIP_BLOB_SET,
                                            s->tenant, s->key, NULL, 0)
               != FLAGSHIP_OK)
        {
            return FLAGSHIP_ERROR;
        }
    }

    return FLAGSHIP_OK;
}


/* Whether an image of its tenant will look into it. */

static ngx_uint_t
ngx_http_flagship_sets_used(ngx_http_flagship_build_t *b,
    ngx_http_flagship_idset_t *s)
{
    size_t                                i, k;
    const flagship_image_t               *image;
    ngx_http_flagship_live_t             *live;
    ngx_http_flagship_publication_set_t  *set;

    for (i = 0; i < b->nlive; i++) {
        live = &b->live[i];

        if (!flagship_str_eq(live->tenant, s->tenant)) {
            continue;
        }

        image = live->image;

        for (k = 0; k < b->nsets; k++) {
            set = &b->sets[k];

            if (set->kind == NGX_HTTP_FLAGSHIP_BLOB_IMAGE
                && flagship_str_eq(flagship_str((char *) set->tenant.data,
                                                set->tenant.len),
                                   live->tenant)
                && flagship_str_eq(flagship_str((char *) set->name.data,
                                                set->name.len),
                                   live->environment))
            {
                image = set->data;
            }
        }

        if (image && ngx_http_flagship_sets_named(image, s->key)) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_flagship_sets_named(const flagship_image_t *image, flagship_str_t key)
{
    uint32_t  i;

    for (i = 0; i < image->sets.n; i++) {
        if (flagship_str_eq(flagship_image_set(image, i), key)) {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_flagship_build_lacks(ngx_http_flagship_build_t *b,
    flagship_str_t tenant)
{
    size_t                   i;
    uint32_t                 k;
    const flagship_flag_t   *flags, *segments;
    const flagship_image_t  *image;

    for (i = 0; i < b->nlive; i++) {

        if (!flagship_str_eq(b->live[i].tenant, tenant)) {
            continue;
        }

        image = b->live[i].image;

        if (image->broken || image->refused) {
            return 1;
        }

        flags = flagship_flags(image);

        for (k = 0; k < image->flags.n; k++) {
            if (flags[k].bits & FLAGSHIP_FLAG_STALE) {
                return 1;
            }
        }

        segments = flagship_segments(image);

        for (k = 0; k < image->segments.n; k++) {
            if (segments[k].bits & FLAGSHIP_FLAG_STALE) {
                return 1;
            }
        }
    }

    return 0;
}
