
/*
 * Copyright (C) Flagship
 */


/*
 * Counting, on an evaluation's way: a worker's map of an image leads from a
 * decision to its series.
 *
 * A flag that was decided has a row in the map, of a series for each variant
 * and reason.  A map was compared with the view of the generations that it
 * names: the same address may be another set's later on.
 *
 * Maps are a worker's own and of malloc(): they outlive any pool.
 */


#include "ngx_http_flagship_zone_root.h"
#include "ngx_http_flagship_zone_count.h"


#define NGX_HTTP_FLAGSHIP_COUNT_MAPS     16      /* to begin with */
#define NGX_HTTP_FLAGSHIP_COUNT_UNKNOWN  0xffffffffu
#define NGX_HTTP_FLAGSHIP_COUNT_REASONS  (FLAGSHIP_REASON_ERROR + 1)


/* in a flag's row, whose first variant is FLAGSHIP_NO_VARIANT */
#define ngx_http_flagship_count_place(decision)                               \
    ((uint32_t) (uint16_t) ((decision)->variant + 1)                          \
     * NGX_HTTP_FLAGSHIP_COUNT_REASONS + (decision)->reason)


static void ngx_http_flagship_count_first(ngx_http_flagship_view_t *view,
    const flagship_image_t *image, const flagship_decision_t *decision)
    __attribute__((noinline));
static ngx_http_flagship_count_map_t *ngx_http_flagship_count_map(
    ngx_http_flagship_view_t *view, const flagship_image_t *image);
static ngx_http_flagship_count_map_t *ngx_http_flagship_count_find(
    ngx_http_flagship_count_t *count, const flagship_image_t *image);
static ngx_int_t ngx_http_flagship_count_room(ngx_http_flagship_count_t *count,
    ngx_uint_t nsets);
static ngx_int_t ngx_http_flagship_count_map_init(
    ngx_http_flagship_count_map_t *map, const flagship_image_t *image,
    ngx_http_flagship_blob_t *set);
static void ngx_http_flagship_count_map_free(
    ngx_http_flagship_count_map_t *map);
static ngx_inline const flagship_decision_t *ngx_http_flagship_count_known(
    ngx_http_flagship_count_t *count, ngx_http_flagship_count_map_t *map,
    const flagship_decision_t *d, const flagship_decision_t *end);
static ngx_inline void ngx_http_flagship_count_add(uint64_t *cell,
    ngx_uint_t owner);
static uint32_t ngx_http_flagship_count_map_series(
    ngx_http_flagship_zone_t *zone, ngx_http_flagship_count_map_t *map,
    const flagship_image_t *image, const flagship_decision_t *decision);
static ngx_int_t ngx_http_flagship_count_row(
    ngx_http_flagship_count_map_t *map, const flagship_image_t *image,
    uint32_t flag);


void
ngx_http_flagship_count(ngx_http_flagship_view_t *view,
    const flagship_image_t *image, const flagship_decision_t *decisions,
    ngx_uint_t n)
{
    ngx_http_flagship_count_t      *count;
    ngx_http_flagship_count_map_t  *map;
    const flagship_decision_t      *d, *end;

    count = &view->zone->count;
    end = decisions + n;

    for (d = decisions; d < end; d++) {

        map = count->last;

        if (map && map->image == image && map->generation == view->generation)
        {
            d = ngx_http_flagship_count_known(count, map, d, end);

            if (d == end) {
                break;
            }
        }

        ngx_http_flagship_count_first(view, image, d);
    }
}


/* Up to the first that the map does not know, or the end. */

static ngx_inline const flagship_decision_t *
ngx_http_flagship_count_known(ngx_http_flagship_count_t *count,
    ngx_http_flagship_count_map_t *map, const flagship_decision_t *d,
    const flagship_decision_t *end)
{
    uint32_t         row, s;
    uint64_t        *cells;
    ngx_uint_t       owner;
    const uint32_t  *first, *series;

    /* nothing here writes what these were read from */

    first = map->first;
    series = map->series;
    cells = count->cells;
    owner = (count->owner != NULL);

    for ( /* void */ ; d < end; d++) {
        row = (d->flag == FLAGSHIP_NONE) ? 0 : first[d->flag];

        if (row == 0) {
            break;
        }

        s = series[row + ngx_http_flagship_count_place(d)];

        if (s == NGX_HTTP_FLAGSHIP_COUNT_UNKNOWN) {
            break;
        }

        ngx_http_flagship_count_add(&cells[s], owner);
    }

    return d;
}


static ngx_inline void
ngx_http_flagship_count_add(uint64_t *cell, ngx_uint_t owner)
{
    if (owner) {
        __atomic_store_n(cell, *cell + 1, __ATOMIC_RELAXED);

    } else {
        (void) __atomic_fetch_add(cell, 1, __ATOMIC_RELAXED);
    }
}


/* Another image, generation, or the flag's first decision of this kind. */

static void
ngx_http_flagship_count_first(ngx_http_flagship_view_t *view,
    const flagship_image_t *image, const flagship_decision_t *decision)
{
    uint32_t                        series;
    ngx_http_flagship_count_t      *count;
    ngx_http_flagship_count_map_t  *map;

    count = &view->zone->count;

    if (count->cells == NULL || decision->flag == FLAGSHIP_NONE) {
        return;
    }

    series = NGX_HTTP_FLAGSHIP_COUNT_OTHER;
    map = ngx_http_flagship_count_map(view, image);

    if (map) {
        series = ngx_http_flagship_count_map_series(view->zone, map, image,
                                                    decision);
    }

    ngx_http_flagship_count_add(&count->cells[series], count->owner != NULL);
}


/* The image's map, which is the last one from now on; NULL: no memory. */

static ngx_http_flagship_count_map_t *
ngx_http_flagship_count_map(ngx_http_flagship_view_t *view,
    const flagship_image_t *image)
{
    ngx_uint_t                      i;
    ngx_http_flagship_blob_t        set;
    ngx_http_flagship_count_t      *count;
    ngx_http_flagship_count_map_t  *map;

    count = &view->zone->count;
    count->last = NULL;

    if (ngx_http_flagship_count_room(count, view->nsets) != NGX_OK) {
        return NULL;
    }

    map = ngx_http_flagship_count_find(count, image);

    if (map->image == NULL || map->generation != view->generation) {

        for (i = 0; i < view->nsets; i++) {
            ngx_http_flagship_view_entry(view, i, &set);

            if (set.data == image) {
                break;
            }
        }

        if (i == view->nsets) {
            return NULL;
        }

        if (map->image == NULL) {
            count->nmaps++;

        } else if (map->digest != image->digest
                   || map->tenant.len != set.tenant.len
                   || map->environment.len != set.name.len
                   || ngx_memcmp(map->tenant.data, set.tenant.data,
                                 set.tenant.len) != 0
                   || ngx_memcmp(map->environment.data, set.name.data,
                                 set.name.len) != 0)
        {
            ngx_http_flagship_count_map_free(map);
        }

        if (map->first == NULL
            && ngx_http_flagship_count_map_init(map, image, &set) != NGX_OK)
        {
            /* the place stays taken, so that those behind it are found */
            map->image = image;
            map->generation = 0;
            return NULL;
        }

        map->generation = view->generation;
    }

    count->last = map;

    return map;
}


static ngx_http_flagship_count_map_t *
ngx_http_flagship_count_find(ngx_http_flagship_count_t *count,
    const flagship_image_t *image)
{
    ngx_uint_t                      i;
    ngx_http_flagship_count_map_t  *map;

    i = (uintptr_t) image / NGX_HTTP_FLAGSHIP_ZONE_ALIGN;

    for (i = i ^ i >> 12; /* void */ ; i++) {
        map = &count->maps[i & (count->size - 1)];

        if (map->image == NULL || map->image == image) {
            return map;
        }
    }
}


/* Half full of maps, most of them of images that are gone: all begin anew. */

static ngx_int_t
ngx_http_flagship_count_room(ngx_http_flagship_count_t *count,
    ngx_uint_t nsets)
{
    ngx_uint_t  size;

    if (2 * count->nmaps < count->size) {
        return NGX_OK;
    }

    ngx_http_flagship_count_forget(count);

    for (size = NGX_HTTP_FLAGSHIP_COUNT_MAPS; size < 8 * nsets; size *= 2) {
        /* void */
    }

    count->maps = calloc(size, sizeof(ngx_http_flagship_count_map_t));
    if (count->maps == NULL) {
        return NGX_ERROR;
    }

    count->size = size;

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_count_map_init(ngx_http_flagship_count_map_t *map,
    const flagship_image_t *image, ngx_http_flagship_blob_t *set)
{
    u_char  *p;
    size_t   size;

    /* an image without flags has none that could be counted */

    size = ((size_t) image->flags.n + 1) * sizeof(uint32_t);

    map->first = calloc(1, size + set->tenant.len + set->name.len);
    if (map->first == NULL) {
        return NGX_ERROR;
    }

    p = (u_char *) map->first + size;

    map->tenant.data = p;
    map->tenant.len = set->tenant.len;
    p = ngx_cpymem(p, set->tenant.data, set->tenant.len);

    map->environment.data = p;
    map->environment.len = set->name.len;
    ngx_memcpy(p, set->name.data, set->name.len);

    map->image = image;
    map->digest = image->digest;

    return NGX_OK;
}


static void
ngx_http_flagship_count_map_free(ngx_http_flagship_count_map_t *map)
{
    free(map->first);
    free(map->series);

    map->first = NULL;
    map->series = NULL;
    map->n = 0;
    map->size = 0;
}


void
ngx_http_flagship_count_forget(ngx_http_flagship_count_t *count)
{
    ngx_uint_t  i;

    for (i = 0; i < count->size; i++) {
        ngx_http_flagship_count_map_free(&count->maps[i]);
    }

    free(count->maps);

    count->maps = NULL;
    count->last = NULL;
    count->size = 0;
    count->nmaps = 0;
}


/* What the map has, or has from now on. */

static uint32_t
ngx_http_flagship_count_map_series(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_count_map_t *map, const flagship_image_t *image,
    const flagship_decision_t *decision)
{
    uint32_t                         *series;
    flagship_str_t                    text;
    ngx_http_flagship_series_name_t   name;

    if (map->first[decision->flag] == 0
        && ngx_http_flagship_count_row(map, image, decision->flag) != NGX_OK)
    {
        return NGX_HTTP_FLAGSHIP_COUNT_OTHER;
    }

    series = &map->series[map->first[decision->flag]
                          + ngx_http_flagship_count_place(decision)];

    if (*series != NGX_HTTP_FLAGSHIP_COUNT_UNKNOWN) {
        return *series;
    }

    name.names[0] = map->tenant;
    name.names[1] = map->environment;

    text = flagship_flag_key(image, decision->flag);
    name.names[2].data = (u_char *) text.data;
    name.names[2].len = text.len;

    if (decision->variant == FLAGSHIP_NO_VARIANT) {
        ngx_str_set(&name.names[3], "");

    } else {
        text = flagship_variant_name(image, decision->flag,
                                     decision->variant);
        name.names[3].data = (u_char *) text.data;
        name.names[3].len = text.len;
    }

    name.reason = decision->reason;

    *series = ngx_http_flagship_count_series(zone, &name);

    return *series;
}


/* Series of nothing yet.  There is none before the first row: 0 is no row. */

static ngx_int_t
ngx_http_flagship_count_row(ngx_http_flagship_count_map_t *map,
    const flagship_image_t *image, uint32_t flag)
{
    size_t     n, size;
    uint32_t  *series;

    n = ((size_t) flagship_flags(image)[flag].nvariants + 1)
        * NGX_HTTP_FLAGSHIP_COUNT_REASONS;

    if (map->n == 0) {
        map->n = 1;
    }

    if (map->n + n > map->size) {

        size = ngx_max(2 * (size_t) map->size, map->n + n);

        if (size > NGX_MAX_UINT32_VALUE) {
            return NGX_ERROR;
        }

        series = realloc(map->series, size * sizeof(uint32_t));
        if (series == NULL) {
            return NGX_ERROR;
        }

        map->series = series;
        map->size = size;
    }

    ngx_memset(map->series + map->n, 0xff, n * sizeof(uint32_t));

    map->first[flag] = map->n;
    map->n += n;

    return NGX_OK;
}
