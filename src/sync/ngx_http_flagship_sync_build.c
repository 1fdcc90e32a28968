
/*
 * Copyright (C) Flagship
 */


/*
 * A build: what one round of the source brings, and the images that come of
 * it.
 *
 * A build knows what is live and names only the sets that differ from it, so
 * a reload in full of an unchanged source costs the zone nothing, and a flag
 * whose new document is refused keeps the form that serves.
 *
 * Created and destroyed in the leader's event loop, run in a thread.
 */


#include "ngx_http_flagship_sync_build.h"


#define NGX_HTTP_FLAGSHIP_BUILD_PATIENCE  50    /* ms, doubled each time */


ngx_http_flagship_build_t *
ngx_http_flagship_build_create(void)
{
    ngx_http_flagship_build_t  *b;

    b = calloc(1, sizeof(ngx_http_flagship_build_t));
    if (b == NULL) {
        return NULL;
    }

    b->last_report = &b->reports;
    b->patience = NGX_HTTP_FLAGSHIP_BUILD_PATIENCE;
    flagship_arena_init(&b->arena);

    return b;
}


void
ngx_http_flagship_build_destroy(ngx_http_flagship_build_t *b)
{
    size_t                       i;
    ngx_http_flagship_report_t  *report, *next;

    for (i = 0; i < b->nsets; i++) {
        free((void *) b->sets[i].data);
    }

    for (report = b->reports; report; report = next) {
        next = report->next;
        free(report);
    }

    flagship_arena_free(&b->arena);
    free(b->sets);
    free(b->rows);
    free(b->live);
    free(b->idsets);
    free(b);
}


int
ngx_http_flagship_build_add_row(ngx_http_flagship_build_t *b,
    ngx_http_flagship_row_e kind, flagship_str_t tenant,
    flagship_str_t environment, flagship_str_t key, flagship_str_t document)
{
    char                     *p;
    size_t                    n, len;
    ngx_uint_t                i;
    ngx_http_flagship_row_t  *row;
    flagship_str_t           *str[4];

    if (b->nrows == b->arows) {
        n = b->arows ? b->arows * 2 : 64;

        row = realloc(b->rows, n * sizeof(ngx_http_flagship_row_t));
        if (row == NULL) {
            return FLAGSHIP_ERROR;
        }

        b->rows = row;
        b->arows = n;
    }

    row = &b->rows[b->nrows];

    row->tenant = tenant;
    row->environment = environment;
    row->key = key;
    row->document = document;
    row->kind = kind;
    row->order = b->nrows;

    str[0] = &row->tenant;
    str[1] = &row->environment;
    str[2] = &row->key;
    str[3] = &row->document;

    for (len = 0, i = 0; i < 4; i++) {
        len += str[i]->len;
    }

    p = flagship_arena_alloc(&b->arena, len + 1);
    if (p == NULL) {
        return FLAGSHIP_ERROR;
    }

    for (i = 0; i < 4; i++) {

        if (str[i]->data == NULL) {
            str[i]->len = 0;
            continue;
        }

        memcpy(p, str[i]->data, str[i]->len);
        str[i]->data = p;
        p += str[i]->len;
    }

    b->nrows++;

    return FLAGSHIP_OK;
}


void
ngx_http_flagship_build_run(ngx_http_flagship_build_t *b)
{
    int     rc;
    size_t  i;

    b->status = NGX_HTTP_FLAGSHIP_BUILD_OK;

    ngx_http_flagship_report_begin(b);

    rc = ngx_http_flagship_sets_begin(b);

    if (rc == FLAGSHIP_OK) {
        rc = b->path ? ngx_http_flagship_build_file(b)
                     : ngx_http_flagship_build_rows(b);
    }

    if (rc == FLAGSHIP_OK && b->path) {
        rc = ngx_http_flagship_build_no_keys(b);
    }

    if (rc == FLAGSHIP_OK && b->whole) {

        for (i = 0; i < b->nlive && rc == FLAGSHIP_OK; i++) {
            if (!b->live[i].named) {
                rc = ngx_http_flagship_build_drop(b, &b->live[i]);
            }
        }
    }

    if (rc == FLAGSHIP_OK) {
        rc = ngx_http_flagship_sets_end(b);
    }

    if (rc == FLAGSHIP_OK) {
        ngx_http_flagship_report_end(b);
        return;
    }

    if (b->status == NGX_HTTP_FLAGSHIP_BUILD_OK) {
        b->status = NGX_HTTP_FLAGSHIP_BUILD_NOMEM;
    }
}


/* The order of the zone's catalog: bytes, then length. */

int
ngx_http_flagship_build_cmp(flagship_str_t a, flagship_str_t b)
{
    int     rc;
    size_t  n;

    n = ngx_min(a.len, b.len);

    rc = n ? memcmp(a.data, b.data, n) : 0;
    if (rc) {
        return rc;
    }

    return a.len < b.len ? -1 : a.len > b.len;
}


ngx_http_flagship_live_t *
ngx_http_flagship_build_live(ngx_http_flagship_build_t *b,
    flagship_str_t tenant, flagship_str_t environment)
{
    int                        rc;
    size_t                     low, high, mid;
    ngx_http_flagship_live_t  *live;

    low = 0;
    high = b->nlive;

    while (low < high) {
        mid = low + (high - low) / 2;
        live = &b->live[mid];

        rc = ngx_http_flagship_build_cmp(tenant, live->tenant);
        if (rc == 0) {
            rc = ngx_http_flagship_build_cmp(environment, live->environment);
        }

        if (rc == 0) {
            return live;
        }

        if (rc < 0) {
            high = mid;

        } else {
            low = mid + 1;
        }
    }

    return NULL;
}


int
ngx_http_flagship_build_blob(ngx_http_flagship_build_t *b,
    ngx_http_flagship_blob_e kind, flagship_str_t tenant, flagship_str_t name,
    const void *data, size_t len)
{
    size_t                                n;
    ngx_http_flagship_publication_set_t  *set;

    if (b->nsets == b->asets) {
        n = b->asets ? b->asets * 2 : 8;

        set = realloc(b->sets, n * sizeof(ngx_http_flagship_publication_set_t));
        if (set == NULL) {
            return FLAGSHIP_ERROR;
        }

        b->sets = set;
        b->asets = n;
    }

    set = &b->sets[b->nsets++];

    set->kind = kind;
    set->tenant.data = (u_char *) tenant.data;
    set->tenant.len = tenant.len;
    set->name.data = (u_char *) name.data;
    set->name.len = name.len;
    set->data = data;
    set->len = len;
    set->copy = NULL;

    return FLAGSHIP_OK;
}


int
ngx_http_flagship_build_drop(ngx_http_flagship_build_t *b,
    ngx_http_flagship_live_t *live)
{
    live->named = 1;

    return ngx_http_flagship_build_blob(b, NGX_HTTP_FLAGSHIP_BLOB_IMAGE,
                                        live->tenant, live->environment, NULL,
                                        0);
}


/* Linking names a key; whether it is a flag's or a segment's, the rows know. */

static void
ngx_http_flagship_build_refused(ngx_http_flagship_build_t *b,
    flagship_str_t tenant, flagship_str_t environment,
    flagship_errors_t *errors)
{
    size_t                    r;
    unsigned                  i;
    const char               *kind;
    flagship_str_t            key;
    flagship_error_t         *e;
    ngx_http_flagship_row_t  *row;

    for (i = 0; i < errors->n; i++) {

        e = &errors->list[i];
        key = flagship_str(e->key, strlen(e->key));
        kind = key.len ? "flag" : "";

        for (r = 0; r < b->nrows; r++) {
            row = &b->rows[r];

            if (flagship_str_eq(row->key, key)
                && flagship_str_eq(row->tenant, tenant))
            {
                if (row->kind == NGX_HTTP_FLAGSHIP_ROW_FLAG) {
                    kind = "flag";
                    break;
                }

                if (row->kind == NGX_HTTP_FLAGSHIP_ROW_SEGMENT) {
                    kind = "segment";
                }
            }
        }

        ngx_http_flagship_report(b, tenant, environment, kind, key, e->pointer,
                                 e->message, e->warning);
    }
}


int
ngx_http_flagship_build_link(ngx_http_flagship_build_t *b,
    flagship_str_t tenant, flagship_str_t environment, flagship_unit_t *unit,
    int whole)
{
    int                        rc;
    size_t                     len;
    flagship_image_t          *image;
    flagship_errors_t          errors;
    ngx_http_flagship_live_t  *live;

    live = ngx_http_flagship_build_live(b, tenant, environment);

    if (live) {
        live->named = 1;
    }

    flagship_errors_init(&errors);
    image = NULL;
    len = 0;

    rc = flagship_link(unit, live ? live->image : NULL, whole, &image, &len,
                       &errors);

    ngx_http_flagship_build_refused(b, tenant, environment, &errors);

    if (rc == FLAGSHIP_DECLINED) {
        /* too much for one image: what is live stays */
        return FLAGSHIP_OK;
    }

    if (rc != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    if (live && live->image->len == len
        && memcmp(live->image, image, len) == 0)
    {
        free(image);
        return FLAGSHIP_OK;
    }

    if (ngx_http_flagship_build_blob(b, NGX_HTTP_FLAGSHIP_BLOB_IMAGE, tenant,
                                     environment, image, len)
        != FLAGSHIP_OK)
    {
        free(image);
        return FLAGSHIP_ERROR;
    }

    return FLAGSHIP_OK;
}
