
/*
 * Copyright (C) Flagship
 */


/*
 * The id sets of an evaluation.
 *
 * An image names its sets; a view's catalog has their members.  They are
 * looked up once a view and image, when a request first needs them, and kept
 * beside the view in a table by the image's address: at most one pointer a
 * name of an image of the catalog, and gone with the view.
 *
 * Runs in the event loop of a worker.
 */


#include "ngx_http_flagship_zone_root.h"


typedef struct {
    const flagship_image_t    *image;      /* NULL: a free place */
    const flagship_idset_t   **sets;
} ngx_http_flagship_bound_t;

struct ngx_http_flagship_bindings_s {
    ngx_uint_t                 mask;       /* twice as many as images */
    ngx_http_flagship_bound_t  bound[];
};


static ngx_uint_t ngx_http_flagship_view_lost(ngx_http_flagship_view_t *view,
    ngx_str_t *tenant, ngx_str_t *name);
static ngx_int_t ngx_http_flagship_view_bind(ngx_http_flagship_view_t *view,
    ngx_http_flagship_bound_t *bound, const flagship_image_t *image);


ngx_int_t
ngx_http_flagship_view_bind_sets(ngx_http_flagship_view_t *view,
    const flagship_image_t *image, flagship_eval_t *ev)
{
    ngx_uint_t                       i, size;
    ngx_http_flagship_bindings_t    *bindings;

    if (image->sets.n == 0) {
        return NGX_OK;
    }

    bindings = view->bindings;

    if (bindings == NULL) {

        for (size = 2; size < 2 * view->nsets; size *= 2) { /* void */ }

        bindings = calloc(1, sizeof(ngx_http_flagship_bindings_t)
                             + size * sizeof(ngx_http_flagship_bound_t));
        if (bindings == NULL) {
            return NGX_ERROR;
        }

        bindings->mask = size - 1;
        view->bindings = bindings;
    }

    /* images lie at multiples of 64 bytes at least */

    i = ((uintptr_t) image >> 6) & bindings->mask;

    while (bindings->bound[i].image != image) {

        if (bindings->bound[i].image == NULL) {

            if (ngx_http_flagship_view_bind(view, &bindings->bound[i], image)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            break;
        }

        i = (i + 1) & bindings->mask;
    }

    flagship_eval_bind_sets(ev, bindings->bound[i].sets);

    return NGX_OK;
}


/* A set that the catalog does not have is empty. */

static ngx_int_t
ngx_http_flagship_view_bind(ngx_http_flagship_view_t *view,
    ngx_http_flagship_bound_t *bound, const flagship_image_t *image)
{
    size_t                     len;
    uint32_t                   k;
    ngx_str_t                  tenant, name;
    ngx_uint_t                 i;
    flagship_str_t             key;
    const flagship_idset_t   **sets;

    ngx_str_null(&tenant);

    for (i = 0; i < view->nsets; i++) {
        if (ngx_http_flagship_view_set(view, i, &tenant, &name) == image) {
            break;
        }
    }

    if (i == view->nsets) {
        return NGX_ERROR;
    }

    sets = malloc(image->sets.n * sizeof(flagship_idset_t *));
    if (sets == NULL) {
        return NGX_ERROR;
    }

    for (k = 0; k < image->sets.n; k++) {
        key = flagship_image_set(image, k);

        name.data = (u_char *) key.data;
        name.len = key.len;

        sets[k] = ngx_http_flagship_view_blob(view,
                                              NGX_HTTP_FLAGSHIP_BLOB_SET,
                                              &tenant, &name, &len);
    }

    bound->image = image;
    bound->sets = sets;

    return NGX_OK;
}


void
ngx_http_flagship_view_unbind(ngx_http_flagship_view_t *view)
{
    ngx_uint_t                     i;
    ngx_http_flagship_bindings_t  *bindings;

    bindings = view->bindings;

    if (bindings == NULL) {
        return;
    }

    for (i = 0; i <= bindings->mask; i++) {
        free(bindings->bound[i].sets);
    }

    free(bindings);
}


ngx_uint_t
ngx_http_flagship_view_next_set(ngx_http_flagship_view_t *view,
    ngx_str_t *tenant, ngx_uint_t *i, ngx_str_t *name)
{
    ngx_http_flagship_blob_t  blob;

    if (*i < view->nsets) {
        *i = view->nsets;
    }

    while (*i < view->nblobs) {

        ngx_http_flagship_view_entry(view, (*i)++, &blob);

        if (blob.kind == NGX_HTTP_FLAGSHIP_BLOB_SET
            && blob.tenant.len == tenant->len
            && ngx_memcmp(blob.tenant.data, tenant->data, tenant->len) == 0
            && !ngx_http_flagship_view_lost(view, tenant, &blob.name))
        {
            *name = blob.name;
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_flagship_view_lost(ngx_http_flagship_view_t *view,
    ngx_str_t *tenant, ngx_str_t *name)
{
    uint32_t                 k;
    ngx_str_t                owner, environment;
    ngx_uint_t               i;
    const flagship_image_t  *image;

    for (i = 0; i < view->nsets; i++) {

        image = ngx_http_flagship_view_set(view, i, &owner, &environment);

        if (image->lost_sets == 0
            || owner.len != tenant->len
            || ngx_memcmp(owner.data, tenant->data, tenant->len) != 0)
        {
            continue;
        }

        for (k = image->sets.n - image->lost_sets; k < image->sets.n; k++) {
            if (flagship_str_eq(flagship_image_set(image, k),
                                flagship_str((char *) name->data, name->len)))
            {
                return 1;
            }
        }
    }

    return 0;
}
