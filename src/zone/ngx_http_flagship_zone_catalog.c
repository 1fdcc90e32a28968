
/*
 * Copyright (C) Flagship
 */


/*
 * The catalog of a publication: how large it will be, and how it is written.
 *
 * It takes over the blobs of the sets that did not change: they are listed
 * twice, not copied.  What it lists is in the order of its kinds, tenants and
 * names, and found by a hash table of them.
 *
 * Written in a thread, into the memory that was reserved: that reads the base,
 * the caller's blobs and the publication, and nothing else of the zone.
 */


#include "ngx_http_flagship_zone_root.h"


static ngx_uint_t ngx_http_flagship_publication_sort(
    ngx_http_flagship_pub_t *p);
static int ngx_libc_cdecl ngx_http_flagship_set_compare(const void *one,
    const void *two);
static int ngx_http_flagship_name_compare(ngx_http_flagship_pub_set_t *one,
    ngx_http_flagship_pub_set_t *two);
static uint32_t ngx_http_flagship_table_size(size_t n);
static void ngx_http_flagship_catalog_build(ngx_http_flagship_root_t *root,
    ngx_http_flagship_pub_t *p, ngx_uint_t nsets);
static void ngx_http_flagship_catalog_add(ngx_http_flagship_catalog_t *catalog,
    uint64_t blob, ngx_http_flagship_pub_set_t *set);
static void ngx_http_flagship_catalog_index(
    ngx_http_flagship_catalog_t *catalog);


size_t
ngx_http_flagship_publication_size(ngx_http_flagship_pub_t *p, size_t *needed)
{
    size_t                              names, size, len, n;
    ngx_uint_t                          i;
    ngx_http_flagship_pub_set_t        *set;
    const ngx_http_flagship_catalog_t  *base;

    n = p->nsets;
    names = 0;
    *needed = 0;

    if (p->base && !p->whole) {
        base = p->base->catalog;
        n += base->nblobs;
        names += base->names;
    }

    for (i = 0; i < p->nsets; i++) {
        set = &p->sets[i];
        set->copy = NULL;

        if (set->data == NULL) {
            continue;
        }

        names += set->tenant.len + set->name.len;

        if (p->base
            && ngx_http_flagship_view_blob(p->base, set->kind, &set->tenant,
                                           &set->name, &len)
               == set->data)
        {
            set->copy = (void *) set->data;
            continue;
        }

        *needed += ngx_http_flagship_heap_size(set->len);
    }

    size = sizeof(ngx_http_flagship_catalog_t)
           + n * sizeof(ngx_http_flagship_entry_t)
           + ngx_http_flagship_table_size(n) * sizeof(uint32_t)
           + names;

    *needed += ngx_http_flagship_heap_size(size);

    return size;
}


void
ngx_http_flagship_zone_copy(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_publication_t *p)
{
    ngx_uint_t                    i;
    ngx_http_flagship_pub_set_t  *set;

    for (i = 0; i < p->nsets; i++) {
        set = &p->sets[i];

        if (set->copy && set->copy != set->data) {
            ngx_memcpy(set->copy, set->data, set->len);
        }
    }

    ngx_http_flagship_catalog_build(zone->root, p,
                                    ngx_http_flagship_publication_sort(p));
}


/* In the catalog's order; of two with one name the later remains. */

static ngx_uint_t
ngx_http_flagship_publication_sort(ngx_http_flagship_pub_t *p)
{
    ngx_uint_t                    i, n;
    ngx_http_flagship_pub_set_t  *set, *last;

    for (i = 0; i < p->nsets; i++) {
        p->order[i] = &p->sets[i];
    }

    qsort(p->order, p->nsets, sizeof(*p->order),
          ngx_http_flagship_set_compare);

    n = 0;
    last = NULL;

    for (i = 0; i < p->nsets; i++) {
        set = p->order[i];

        if (last && ngx_http_flagship_name_compare(last, set) == 0) {
            n--;
        }

        p->order[n++] = set;
        last = set;
    }

    return n;
}


static int ngx_libc_cdecl
ngx_http_flagship_set_compare(const void *one, const void *two)
{
    int                           rc;
    ngx_http_flagship_pub_set_t  *first, *second;

    first = *(ngx_http_flagship_pub_set_t **) one;
    second = *(ngx_http_flagship_pub_set_t **) two;

    rc = ngx_http_flagship_name_compare(first, second);
    if (rc) {
        return rc;
    }

    return (first > second) - (first < second);
}


static int
ngx_http_flagship_name_compare(ngx_http_flagship_pub_set_t *one,
    ngx_http_flagship_pub_set_t *two)
{
    ngx_int_t  rc;

    if (one->kind != two->kind) {
        return one->kind < two->kind ? -1 : 1;
    }

    rc = ngx_memn2cmp(one->tenant.data, two->tenant.data, one->tenant.len,
                      two->tenant.len);
    if (rc == 0) {
        rc = ngx_memn2cmp(one->name.data, two->name.data, one->name.len,
                          two->name.len);
    }

    return (rc > 0) - (rc < 0);
}


/* A power of two, at most half full. */

static uint32_t
ngx_http_flagship_table_size(size_t n)
{
    uint32_t  size;

    for (size = 4; size < 2 * n; size *= 2) { /* void */ }

    return size;
}


/* Merges the base's entries and the publication's sets, both in order. */

static void
ngx_http_flagship_catalog_build(ngx_http_flagship_root_t *root,
    ngx_http_flagship_pub_t *p, ngx_uint_t nsets)
{
    int                           rc;
    ngx_uint_t                    b, nbase, s;
    ngx_http_flagship_blob_t      blob;
    ngx_http_flagship_pub_set_t  *set, old;
    ngx_http_flagship_catalog_t  *catalog;

    nbase = (p->base && !p->whole) ? p->base->nblobs : 0;

    catalog = p->catalog;
    ngx_memzero(catalog, sizeof(ngx_http_flagship_catalog_t));

    catalog->self = ngx_http_flagship_offset(root, catalog);
    catalog->generation = 1 + (p->base ? p->base->generation : root->first);
    catalog->revision = p->revision;
    catalog->epoch_len = p->epoch.len;
    ngx_memcpy(catalog->epoch, p->epoch.data, p->epoch.len);

    /* as publication_size() counted */

    catalog->mask = ngx_http_flagship_table_size(nbase + p->nsets) - 1;
    catalog->table = sizeof(ngx_http_flagship_catalog_t)
                     + (nbase + p->nsets) * sizeof(ngx_http_flagship_entry_t);

    b = 0;
    s = 0;

    while (b < nbase || s < nsets) {
        rc = 0;
        set = NULL;

        if (s < nsets) {
            set = p->order[s];
            rc = 1;
        }

        if (b < nbase) {
            ngx_http_flagship_view_entry(p->base, b, &blob);

            old.kind = blob.kind;
            old.tenant = blob.tenant;
            old.name = blob.name;
            old.len = blob.len;

            rc = set ? ngx_http_flagship_name_compare(&old, set) : -1;
        }

        if (rc < 0) {
            ngx_http_flagship_catalog_add(catalog,
                                   ngx_http_flagship_offset(root, blob.data),
                                   &old);

        } else if (set->copy) {
            ngx_http_flagship_catalog_add(catalog,
                                   ngx_http_flagship_offset(root, set->copy),
                                   set);
        }

        if (rc <= 0) {
            b++;
        }

        if (rc >= 0) {
            s++;
        }
    }

    ngx_http_flagship_catalog_index(catalog);
}


static void
ngx_http_flagship_catalog_add(ngx_http_flagship_catalog_t *catalog,
    uint64_t blob, ngx_http_flagship_pub_set_t *set)
{
    u_char                     *p;
    ngx_http_flagship_entry_t  *entry;

    entry = ngx_http_flagship_catalog_entries(catalog) + catalog->nblobs++;

    if (set->kind == NGX_HTTP_FLAGSHIP_BLOB_IMAGE) {
        catalog->nsets++;
    }

    ngx_memzero(entry, sizeof(ngx_http_flagship_entry_t));

    entry->blob = blob;
    entry->len = set->len;
    entry->kind = set->kind;
    entry->tenant = set->tenant.len;
    entry->name = set->name.len;
    entry->names = catalog->table + (catalog->mask + 1) * sizeof(uint32_t)
                   + catalog->names;

    p = (u_char *) catalog + entry->names;
    p = ngx_cpymem(p, set->tenant.data, set->tenant.len);
    ngx_memcpy(p, set->name.data, set->name.len);

    catalog->names += set->tenant.len + set->name.len;
}


static void
ngx_http_flagship_catalog_index(ngx_http_flagship_catalog_t *catalog)
{
    u_char                     *names;
    uint32_t                   *table, hash, i;
    ngx_http_flagship_entry_t  *entry;

    table = ngx_http_flagship_catalog_table(catalog);
    entry = ngx_http_flagship_catalog_entries(catalog);

    for (i = 0; i <= catalog->mask; i++) {
        table[i] = NGX_HTTP_FLAGSHIP_TABLE_EMPTY;
    }

    for (i = 0; i < catalog->nblobs; i++) {
        names = (u_char *) catalog + entry[i].names;

        hash = ngx_http_flagship_catalog_hash(entry[i].kind, names,
                                              entry[i].tenant,
                                              names + entry[i].tenant,
                                              entry[i].name);

        while (table[hash & catalog->mask] != NGX_HTTP_FLAGSHIP_TABLE_EMPTY) {
            hash++;
        }

        table[hash & catalog->mask] = i;
    }
}
