
/*
 * Copyright (C) Flagship
 */


/*
 * The database's rows -> units -> images.
 *
 * Rows are sorted by tenant and environment.  A segment belongs to a tenant
 * and goes into the unit of each of its flag sets, so a change of one
 * concerns them all; a flag set that is not live yet, or whose generation of
 * "fractional" changed, needs what the rows of a delta do not hold, and the
 * build asks for everything.
 *
 * The API keys come last and go their own way.
 *
 * Whatever is wrong with a row is that row's trouble alone.  Runs where a
 * build runs.
 */


#include "ngx_http_flagship_sync_build.h"


typedef struct {
    ngx_http_flagship_build_t  *build;
    flagship_json_t             json;       /* parsed into again and again */
    flagship_errors_t           errors;
    flagship_unit_t            *unit;
    flagship_str_t              tenant;
    flagship_str_t              environment;
} ngx_http_flagship_rows_t;


static int ngx_http_flagship_rows_cmp(const void *one, const void *two);
static int ngx_http_flagship_rows_tenant(ngx_http_flagship_rows_t *ctx,
    ngx_http_flagship_row_t *row, size_t n);
static int ngx_http_flagship_rows_set(ngx_http_flagship_rows_t *ctx,
    ngx_http_flagship_row_t *segment, size_t nsegments,
    ngx_http_flagship_row_t *row, size_t n);
static int ngx_http_flagship_rows_settings(ngx_http_flagship_rows_t *ctx,
    ngx_http_flagship_row_t *row, unsigned *fractional,
    const flagship_json_node_t **metadata);
static int ngx_http_flagship_rows_add(ngx_http_flagship_rows_t *ctx,
    ngx_http_flagship_row_t *row);
static int ngx_http_flagship_rows_parse(ngx_http_flagship_rows_t *ctx,
    ngx_http_flagship_row_t *row, const char *kind);


int
ngx_http_flagship_build_rows(ngx_http_flagship_build_t *b)
{
    int                       rc;
    size_t                    i, n, nrows;
    ngx_http_flagship_row_t  *row;
    ngx_http_flagship_rows_t  ctx;

    if (b->nrows) {
        qsort(b->rows, b->nrows, sizeof(ngx_http_flagship_row_t),
              ngx_http_flagship_rows_cmp);
    }

    nrows = b->nrows;

    while (nrows && b->rows[nrows - 1].kind == NGX_HTTP_FLAGSHIP_ROW_KEY) {
        nrows--;
    }

    ctx.build = b;
    ctx.unit = NULL;
    flagship_json_init(&ctx.json);

    rc = FLAGSHIP_OK;

    for (i = 0; i < nrows && rc == FLAGSHIP_OK; i += n) {
        row = &b->rows[i];

        for (n = 1; i + n < nrows; n++) {
            if (!flagship_str_eq(row->tenant, row[n].tenant)) {
                break;
            }
        }

        rc = ngx_http_flagship_rows_tenant(&ctx, row, n);
    }

    if (ctx.unit) {
        flagship_unit_destroy(ctx.unit);
    }

    flagship_json_free(&ctx.json);

    if (rc != FLAGSHIP_OK || (nrows == b->nrows && !b->whole)) {
        return rc;
    }

    return ngx_http_flagship_build_keys(b, b->rows + nrows, b->nrows - nrows);
}


static int
ngx_http_flagship_rows_cmp(const void *one, const void *two)
{
    int                             rc;
    const ngx_http_flagship_row_t  *a = one;
    const ngx_http_flagship_row_t  *b = two;

    if (a->kind == NGX_HTTP_FLAGSHIP_ROW_KEY
        || b->kind == NGX_HTTP_FLAGSHIP_ROW_KEY)
    {
        if (a->kind != b->kind) {
            return a->kind == NGX_HTTP_FLAGSHIP_ROW_KEY ? 1 : -1;
        }

        rc = ngx_http_flagship_build_cmp(a->key, b->key);

        return rc ? rc : a->order < b->order ? -1 : a->order > b->order;
    }

    rc = ngx_http_flagship_build_cmp(a->tenant, b->tenant);
    if (rc) {
        return rc;
    }

    /* before any environment, also one without a name */

    if (a->kind <= NGX_HTTP_FLAGSHIP_ROW_SEGMENT
        || b->kind <= NGX_HTTP_FLAGSHIP_ROW_SEGMENT)
    {
        if (a->kind != b->kind) {
            return a->kind < b->kind ? -1 : 1;
        }

        if (a->kind == NGX_HTTP_FLAGSHIP_ROW_SET) {
            rc = ngx_http_flagship_build_cmp(a->key, b->key);
            if (rc) {
                return rc;
            }
        }

    } else {
        rc = ngx_http_flagship_build_cmp(a->environment, b->environment);
        if (rc) {
            return rc;
        }

        if (a->kind != b->kind) {
            return a->kind < b->kind ? -1 : 1;
        }
    }

    return a->order < b->order ? -1 : a->order > b->order;
}


/*
 * The rows of one tenant: its id sets and segments, then each flag set's.  In a
 * delta with a segment the tenant's other live flag sets take part without a
 * row of their own; where an id set went, those that look into it.
 */

static int
ngx_http_flagship_rows_tenant(ngx_http_flagship_rows_t *ctx,
    ngx_http_flagship_row_t *row, size_t n)
{
    int                         rc;
    size_t                      i, nidsets, nsegments, nset;
    ngx_http_flagship_row_t    *segment, *end;
    ngx_http_flagship_build_t  *b;

    b = ctx->build;
    end = row + n;

    ctx->tenant = row->tenant;

    for (nidsets = 0; nidsets < n; nidsets++) {
        if (row[nidsets].kind != NGX_HTTP_FLAGSHIP_ROW_SET) {
            break;
        }
    }

    if (nidsets) {
        rc = ngx_http_flagship_sets_rows(b, row, nidsets);
        if (rc != FLAGSHIP_OK) {
            return rc;
        }

        row += nidsets;
    }

    segment = row;

    while (row < end && row->kind == NGX_HTTP_FLAGSHIP_ROW_SEGMENT) {

        if (!b->whole && row->document.data
            && ngx_http_flagship_build_lacks(b, ctx->tenant))
        {
            b->status = NGX_HTTP_FLAGSHIP_BUILD_FULL;
            return FLAGSHIP_DECLINED;
        }

        row++;
    }

    nsegments = row - segment;

    while (row < end) {

        for (nset = 1; row + nset < end; nset++) {
            if (!flagship_str_eq(row->environment, row[nset].environment)) {
                break;
            }
        }

        ctx->environment = row->environment;

        rc = ngx_http_flagship_rows_set(ctx, segment, nsegments, row, nset);
        if (rc != FLAGSHIP_OK) {
            return rc;
        }

        row += nset;
    }

    if (b->whole || nsegments + nidsets == 0) {
        return FLAGSHIP_OK;
    }

    for (i = 0; i < b->nlive; i++) {

        if (b->live[i].named
            || !flagship_str_eq(b->live[i].tenant, ctx->tenant)
            || (nsegments == 0
                && !ngx_http_flagship_sets_gone(b, &b->live[i])))
        {
            continue;
        }

        ctx->environment = b->live[i].environment;

        rc = ngx_http_flagship_rows_set(ctx, segment, nsegments, NULL, 0);
        if (rc != FLAGSHIP_OK) {
            return rc;
        }
    }

    return FLAGSHIP_OK;
}


static int
ngx_http_flagship_rows_set(ngx_http_flagship_rows_t *ctx,
    ngx_http_flagship_row_t *segment, size_t nsegments,
    ngx_http_flagship_row_t *row, size_t n)
{
    int                          rc;
    size_t                       i;
    unsigned                     fractional;
    ngx_http_flagship_row_t     *settings;
    ngx_http_flagship_live_t    *live;
    ngx_http_flagship_build_t   *b;
    const flagship_json_node_t  *metadata;

    b = ctx->build;
    settings = NULL;
    metadata = NULL;

    live = ngx_http_flagship_build_live(b, ctx->tenant, ctx->environment);

    while (n && row->kind == NGX_HTTP_FLAGSHIP_ROW_ENVIRONMENT) {
        settings = row++;
        n--;
    }

    if (settings && settings->document.data == NULL) {
        return live ? ngx_http_flagship_build_drop(b, live) : FLAGSHIP_OK;
    }

    if (b->whole && settings == NULL) {
        ngx_http_flagship_report(b, ctx->tenant, ctx->environment, "flag",
                                 row->key, "",
                                 "its environment does not exist", 0);
        return FLAGSHIP_OK;
    }

    if (live == NULL && !b->whole) {
        b->status = NGX_HTTP_FLAGSHIP_BUILD_FULL;
        return FLAGSHIP_DECLINED;
    }

    fractional = live ? live->image->fractional : 2;

    if (settings
        && ngx_http_flagship_rows_settings(ctx, settings, &fractional,
                                           &metadata)
           != FLAGSHIP_OK)
    {
        return FLAGSHIP_ERROR;
    }

    if (!b->whole && fractional != live->image->fractional) {
        b->status = NGX_HTTP_FLAGSHIP_BUILD_FULL;
        return FLAGSHIP_DECLINED;
    }

    ctx->unit = flagship_unit_create(fractional);
    if (ctx->unit == NULL) {
        return FLAGSHIP_ERROR;
    }

    rc = ngx_http_flagship_sets_name(b, ctx->tenant, ctx->unit);

    if (settings && rc != FLAGSHIP_ERROR) {
        rc = flagship_unit_set_metadata(ctx->unit, metadata);
    }

    for (i = 0; i < nsegments && rc != FLAGSHIP_ERROR; i++) {
        rc = ngx_http_flagship_rows_add(ctx, &segment[i]);
    }

    for (i = 0; i < n && rc != FLAGSHIP_ERROR; i++) {
        rc = ngx_http_flagship_rows_add(ctx, &row[i]);
    }

    if (rc != FLAGSHIP_ERROR) {
        rc = ngx_http_flagship_build_link(b, ctx->tenant, ctx->environment,
                                          ctx->unit, b->whole);
    }

    flagship_unit_destroy(ctx->unit);
    ctx->unit = NULL;

    return rc;
}


/* An environment's document: {"fractional": 2, "metadata": {...}}. */

static int
ngx_http_flagship_rows_settings(ngx_http_flagship_rows_t *ctx,
    ngx_http_flagship_row_t *row, unsigned *fractional,
    const flagship_json_node_t **metadata)
{
    int                          rc;
    double                       number;
    const flagship_json_node_t  *root, *node;

    rc = ngx_http_flagship_rows_parse(ctx, row, "");
    if (rc != FLAGSHIP_OK) {
        return rc == FLAGSHIP_ERROR ? FLAGSHIP_ERROR : FLAGSHIP_OK;
    }

    root = ctx->json.nodes;

    if (root->type != FLAGSHIP_JSON_OBJECT) {
        ngx_http_flagship_report(ctx->build, ctx->tenant, ctx->environment,
                                 "", row->key, "",
                                 "the settings are no object", 0);
        return FLAGSHIP_OK;
    }

    node = flagship_json_get(root, "fractional");

    if (node && node->type != FLAGSHIP_JSON_NULL) {

        number = node->type == FLAGSHIP_JSON_NUMBER
                 ? flagship_json_double(node) : 0;

        if (number == 1 || number == 2 || number == 3) {
            *fractional = (unsigned) number;

        } else {
            ngx_http_flagship_report(ctx->build, ctx->tenant,
                                     ctx->environment, "", row->key,
                                     "/fractional", "must be 1, 2 or 3", 0);
        }
    }

    node = flagship_json_get(root, "metadata");

    if (node && node->type == FLAGSHIP_JSON_OBJECT) {
        *metadata = node;

    } else if (node && node->type != FLAGSHIP_JSON_NULL) {
        ngx_http_flagship_report(ctx->build, ctx->tenant, ctx->environment,
                                 "", row->key, "/metadata",
                                 "must be an object", 0);
    }

    return FLAGSHIP_OK;
}


static int
ngx_http_flagship_rows_add(ngx_http_flagship_rows_t *ctx,
    ngx_http_flagship_row_t *row)
{
    int          rc, segment;
    const char  *kind;

    if (ngx_http_flagship_build_cancelled(ctx->build)) {
        ctx->build->status = NGX_HTTP_FLAGSHIP_BUILD_CANCELLED;
        return FLAGSHIP_ERROR;
    }

    segment = (row->kind == NGX_HTTP_FLAGSHIP_ROW_SEGMENT);
    kind = segment ? "segment" : "flag";

    if (row->key.len == 0 || row->key.len > FLAGSHIP_MAX_KEY) {

        /* no constraint let this in; a flag that cannot be asked for */

        ngx_http_flagship_report(ctx->build, ctx->tenant, ctx->environment,
                                 kind, row->key, "/key",
                                 "must have 1 to 128 bytes", 0);
        return FLAGSHIP_OK;
    }

    if (row->document.data == NULL) {
        return flagship_unit_remove(ctx->unit, row->key, segment);
    }

    rc = ngx_http_flagship_rows_parse(ctx, row, kind);

    if (rc == FLAGSHIP_DECLINED) {
        return flagship_unit_add_broken(ctx->unit, row->key, segment);
    }

    if (rc != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    flagship_errors_init(&ctx->errors);

    rc = segment ? flagship_unit_add_segment(ctx->unit, row->key,
                                             ctx->json.nodes, &ctx->errors)
                 : flagship_unit_add_flag(ctx->unit, row->key,
                                          ctx->json.nodes, &ctx->errors);

    ngx_http_flagship_report_errors(ctx->build, ctx->tenant, ctx->environment,
                                    kind, row->key, &ctx->errors, 0);

    return rc == FLAGSHIP_ERROR ? FLAGSHIP_ERROR : FLAGSHIP_OK;
}


/* The row's document into ctx->json; says what is wrong with it. */

static int
ngx_http_flagship_rows_parse(ngx_http_flagship_rows_t *ctx,
    ngx_http_flagship_row_t *row, const char *kind)
{
    int   rc;
    char  message[160], pointer[192];

    if (row->document.len > FLAGSHIP_MAX_FLAG) {
        ngx_http_flagship_report(ctx->build, ctx->tenant, ctx->environment,
                                 kind, row->key, "",
                                 "the document is larger than 1 MiB", 0);
        return FLAGSHIP_DECLINED;
    }

    rc = flagship_json_parse(&ctx->json, row->document.data,
                             row->document.len);

    if (rc == FLAGSHIP_DECLINED) {
        snprintf(message, sizeof(message), "no valid JSON at byte %zu: %s",
                 ctx->json.offset, ctx->json.error);

        flagship_json_locate(row->document.data, ctx->json.offset, pointer,
                             sizeof(pointer));

        ngx_http_flagship_report(ctx->build, ctx->tenant, ctx->environment,
                                 kind, row->key, pointer, message, 0);
    }

    return rc;
}
