
/*
 * Copyright (C) Flagship
 */


/*
 * The zone's life: made when a configuration wants it, taken over by the next
 * configuration, or filled from the old one when its size changed; and the
 * leader's lease.
 *
 * Configuration and init run in the master, with the old workers reading and
 * publishing all the while, and a reload may yet fail after them.  So nothing
 * of an old zone is ever changed but the master's own hold.
 */


#include "ngx_http_flagship_zone_root.h"


#define NGX_HTTP_FLAGSHIP_LEASE_MAX  86400000    /* ms */


static ngx_int_t ngx_http_flagship_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_flagship_zone_create(ngx_shm_zone_t *shm_zone,
    ngx_http_flagship_zone_t *zone);
static ngx_http_flagship_root_t *ngx_http_flagship_zone_old(ngx_str_t *name);
static ngx_http_flagship_root_t *ngx_http_flagship_zone_root(
    ngx_shm_t *shm);
static ngx_int_t ngx_http_flagship_zone_migrate(ngx_shm_zone_t *shm_zone,
    ngx_http_flagship_zone_t *zone, ngx_http_flagship_root_t *old);
static ngx_int_t ngx_http_flagship_zone_take_over(
    ngx_http_flagship_zone_t *zone, ngx_http_flagship_root_t *old,
    ngx_http_flagship_view_t *view, size_t *needed);


ngx_http_flagship_zone_t *
ngx_http_flagship_zone_add(ngx_conf_t *cf, ngx_str_t *name, size_t size)
{
    ngx_shm_zone_t            *shm_zone;
    ngx_http_flagship_zone_t  *zone;

    shm_zone = ngx_shared_memory_add(cf, name, size,
                                     &ngx_http_flagship_module);
    if (shm_zone == NULL) {
        return NULL;
    }

    if (shm_zone->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate zone \"%V\"",
                           name);
        return NULL;
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_zone_t));
    if (zone == NULL) {
        return NULL;
    }

    zone->name = shm_zone->shm.name;
    zone->cycle = cf->cycle;

    shm_zone->init = ngx_http_flagship_zone_init;
    shm_zone->data = zone;

    return zone;
}


static ngx_int_t
ngx_http_flagship_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_flagship_zone_t  *old = data;

    ngx_http_flagship_root_t  *root;
    ngx_http_flagship_zone_t  *zone;

    zone = shm_zone->data;
    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (old) {
        zone->root = old->root;
        return NGX_OK;
    }

    if (shm_zone->shm.exists) {
        zone->root = ngx_http_flagship_zone_root(&shm_zone->shm);

        if (zone->root == NULL) {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "flagship: zone \"%V\" is not one of this version",
                          &shm_zone->shm.name);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (ngx_http_flagship_zone_create(shm_zone, zone) != NGX_OK) {
        return NGX_ERROR;
    }

    root = ngx_http_flagship_zone_old(&shm_zone->shm.name);

    if (root == NULL) {
        return NGX_OK;
    }

    return ngx_http_flagship_zone_migrate(shm_zone, zone, root);
}


/* All free pages of the slab are one run, as nobody allocated yet. */

static ngx_int_t
ngx_http_flagship_zone_create(ngx_shm_zone_t *shm_zone,
    ngx_http_flagship_zone_t *zone)
{
    size_t                     size, counts;
    ngx_core_conf_t           *ccf;
    ngx_slab_pool_t           *shpool;
    ngx_http_flagship_root_t  *root;

    shpool = zone->shpool;
    shpool->log_nomem = 0;

    size = shpool->pfree * ngx_pagesize;
    counts = ngx_http_flagship_counts_size(size);

    if (size < sizeof(ngx_http_flagship_root_t) + ngx_pagesize) {
        root = NULL;

    } else {
        root = ngx_slab_alloc(shpool, size);
    }

    if (root == NULL) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "flagship: zone \"%V\" is too small",
                      &shm_zone->shm.name);
        return NGX_ERROR;
    }

    ngx_memzero(root, sizeof(ngx_http_flagship_root_t));

    root->layout = NGX_HTTP_FLAGSHIP_ZONE_LAYOUT;
    ngx_http_flagship_heap_init(root, size, counts);

    ccf = (ngx_core_conf_t *) ngx_get_conf(zone->cycle->conf_ctx,
                                           ngx_core_module);

    ngx_memzero(ngx_http_flagship_at(root, root->counts), counts);
    ngx_http_flagship_counts_init(root, counts, ccf->worker_processes);

    ngx_http_flagship_link(&root->magic, NGX_HTTP_FLAGSHIP_ZONE_MAGIC);

    shpool->data = root;

    zone->root = root;

    return NGX_OK;
}


/* While a configuration is read, the global cycle is still the one before.  The
   zone may also be that of another build of this module. */

static ngx_http_flagship_root_t *
ngx_http_flagship_zone_old(ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_shm_zone_t   *shm_zone;
    ngx_list_part_t  *part;

    if (ngx_cycle == NULL || ngx_is_init_cycle(ngx_cycle)) {
        return NULL;
    }

    part = (ngx_list_part_t *) &ngx_cycle->shared_memory.part;
    shm_zone = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            shm_zone = part->elts;
            i = 0;
        }

        if (shm_zone[i].shm.name.len == name->len
            && ngx_strncmp(shm_zone[i].shm.name.data, name->data, name->len)
               == 0)
        {
            return ngx_http_flagship_zone_root(&shm_zone[i].shm);
        }
    }
}


/* NULL: it is not ours, or of another layout. */

static ngx_http_flagship_root_t *
ngx_http_flagship_zone_root(ngx_shm_t *shm)
{
    size_t                     offset;
    ngx_slab_pool_t           *shpool;
    ngx_http_flagship_root_t  *root;

    if (shm->addr == NULL) {
        return NULL;
    }

    shpool = (ngx_slab_pool_t *) shm->addr;
    root = shpool->data;
    offset = (u_char *) root - shm->addr;

    if ((u_char *) root < shm->addr
        || offset % NGX_HTTP_FLAGSHIP_ZONE_ALIGN
        || offset > shm->size
        || shm->size - offset < sizeof(ngx_http_flagship_root_t)
        || root->magic != NGX_HTTP_FLAGSHIP_ZONE_MAGIC
        || root->layout != NGX_HTTP_FLAGSHIP_ZONE_LAYOUT
        || shm->size - offset < root->size)
    {
        return NULL;
    }

    return root;
}


/*
 * The old zone's live catalog becomes the first one of the new zone, under its
 * old generation, so there is no moment without flags.  The old workers go on
 * publishing to their zone; the new leader asks the source.
 *
 * A zone that cannot hold what is live is refused, with the whole reload: the
 * old configuration goes on with all its flags.
 */

static ngx_int_t
ngx_http_flagship_zone_migrate(ngx_shm_zone_t *shm_zone,
    ngx_http_flagship_zone_t *zone, ngx_http_flagship_root_t *old)
{
    size_t                        needed;
    uint64_t                      live;
    ngx_int_t                     rc;
    ngx_uint_t                    slot;
    ngx_http_flagship_view_t      view;
    ngx_http_flagship_catalog_t  *catalog;

    ngx_http_flagship_counts_take_over(zone->root, old);

    ngx_http_flagship_hold_enter(old, NGX_HTTP_FLAGSHIP_ZONE_MASTER, ngx_pid);

    live = ngx_http_flagship_hold(old, NGX_HTTP_FLAGSHIP_ZONE_MASTER);

    if (live == 0) {
        zone->root->shared = old->shared;
        return NGX_OK;
    }

    slot = ngx_http_flagship_slot(live);
    catalog = ngx_http_flagship_at(old, old->slots[slot].catalog);

    ngx_memzero(&view, sizeof(ngx_http_flagship_view_t));
    view.generation = catalog->generation;
    view.revision = catalog->revision;
    view.nsets = catalog->nsets;
    view.nblobs = catalog->nblobs;
    view.catalog = catalog;
    view.live = live;

    rc = ngx_http_flagship_zone_take_over(zone, old, &view, &needed);

    ngx_http_flagship_hold_drop(old, NGX_HTTP_FLAGSHIP_ZONE_MASTER, slot);

    if (rc == NGX_OK) {
        ngx_log_error(NGX_LOG_NOTICE, shm_zone->shm.log, 0,
                      "flagship: zone \"%V\" takes over %ui flag sets of "
                      "revision %uL", &shm_zone->shm.name, view.nsets,
                      view.revision);
        return NGX_OK;
    }

    if (needed) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "flagship: zone \"%V\" is too small for the flags that "
                      "are served: %uz bytes are needed, it has %uL",
                      &shm_zone->shm.name, needed,
                      zone->root->size - zone->root->heap);
    }

    return NGX_ERROR;
}


/* An ordinary publication, of the old blobs. */

static ngx_int_t
ngx_http_flagship_zone_take_over(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_root_t *old, ngx_http_flagship_view_t *view,
    size_t *needed)
{
    uint64_t                              live, touched;
    ngx_int_t                             rc;
    ngx_uint_t                            i;
    ngx_http_flagship_blob_t              blob;
    ngx_http_flagship_root_t             *root;
    ngx_http_flagship_publication_t       p;
    ngx_http_flagship_publication_set_t  *set;

    *needed = 0;

    root = zone->root;
    root->first = view->generation - 1;

    ngx_memzero(&p, sizeof(ngx_http_flagship_publication_t));

    set = malloc((view->nblobs + 1)
                 * sizeof(ngx_http_flagship_publication_set_t));
    if (set == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < view->nblobs; i++) {
        ngx_http_flagship_view_entry(view, i, &blob);

        set[i].kind = blob.kind;
        set[i].tenant = blob.tenant;
        set[i].name = blob.name;
        set[i].data = blob.data;
        set[i].len = blob.len;
    }

    p.epoch = ngx_http_flagship_view_epoch(view);
    p.revision = view->revision;
    p.whole = 1;
    p.nsets = view->nblobs;
    p.sets = set;

    rc = ngx_http_flagship_zone_reserve(zone, &p);

    if (rc == NGX_OK) {
        ngx_http_flagship_zone_copy(zone, &p);
        rc = ngx_http_flagship_zone_commit(zone, &p);

    } else {
        *needed = p.needed;
    }

    free(set);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    live = ngx_http_flagship_load(&root->live);
    touched = ngx_http_flagship_load(
                  &old->slots[ngx_http_flagship_slot(view->live)].touched);

    ngx_http_flagship_store(&root->slots[ngx_http_flagship_slot(live)].touched,
                            touched);

    root->shared = old->shared;
    ngx_http_flagship_zone_show_revision(root);

    return NGX_OK;
}


/*
 * The lease: a deadline of the monotonic clock and a pid in one word.  pids end
 * at 2^22, and 40 bits of milliseconds at 34 years of uptime.  A deadline
 * farther away than a lease can be belongs to another clock.
 */

ngx_uint_t
ngx_http_flagship_zone_lead(ngx_http_flagship_zone_t *zone, ngx_msec_t ms)
{
    uint64_t                   lease, now, until, next;
    ngx_pid_t                  pid;
    ngx_http_flagship_root_t  *root;

    root = zone->root;

    now = (uint64_t) ngx_current_msec & 0xffffffffffull;
    lease = ngx_http_flagship_load(&root->lease);

    pid = (ngx_pid_t) (lease & 0xffffff);
    until = lease >> 24;

    if (pid && pid != ngx_pid
        && until > now && until - now < NGX_HTTP_FLAGSHIP_LEASE_MAX
        && !ngx_http_flagship_zone_gone(pid))
    {
        return 0;
    }

    next = (now + ngx_min(ms, NGX_HTTP_FLAGSHIP_LEASE_MAX / 2)) << 24
           | (uint64_t) ngx_pid;

    return __atomic_compare_exchange_n(&root->lease, &lease, next, 0,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}


void
ngx_http_flagship_zone_resign(ngx_http_flagship_zone_t *zone)
{
    uint64_t                   lease;
    ngx_http_flagship_root_t  *root;

    root = zone->root;
    lease = ngx_http_flagship_load(&root->lease);

    if ((ngx_pid_t) (lease & 0xffffff) == ngx_pid) {
        (void) __atomic_compare_exchange_n(&root->lease, &lease, 0, 0,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
}


ngx_uint_t
ngx_http_flagship_zone_leads(ngx_http_flagship_root_t *root)
{
    return (ngx_pid_t) (ngx_http_flagship_load(&root->lease) & 0xffffff)
           == ngx_pid;
}


ngx_http_flagship_zone_shared_t *
ngx_http_flagship_zone_shared(ngx_http_flagship_zone_t *zone)
{
    return &zone->root->shared;
}
