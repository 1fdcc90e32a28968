
/*
 * Copyright (C) Flagship
 */


/*
 * Publishing: reserve, copy, commit; and what the zone says of itself.
 *
 * A publication starts from the catalog that is live (its base), which it
 * holds to its end, and becomes the next generation or nothing.
 *
 * reserve() takes a slot and the memory, and is the only one that needs the
 * mutex.  copy() runs in a thread (ngx_http_flagship_zone_catalog.c).  commit()
 * is a compare and swap.
 *
 * Runs in the event loop of the worker that leads, or in the master.
 */


#include "ngx_http_flagship_zone_root.h"


#define NGX_HTTP_FLAGSHIP_LOCK_TRIES  32


static ngx_int_t ngx_http_flagship_publication_check(
    ngx_http_flagship_zone_t *zone, ngx_http_flagship_pub_t *p);
static ngx_int_t ngx_http_flagship_publication_take(
    ngx_http_flagship_root_t *root, ngx_http_flagship_pub_t *p, size_t size);
static void ngx_http_flagship_publication_done(ngx_http_flagship_pub_t *p);
static ngx_uint_t ngx_http_flagship_publication_ours(
    ngx_http_flagship_zone_t *zone, ngx_http_flagship_pub_t *p);
static void ngx_http_flagship_zone_full(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_full_e full, ngx_http_flagship_pub_t *p);


/*
 * The revision up to which the live catalog is known to be what the source
 * has.  A slot may be reused between the loads: the answer is then of no
 * generation, and who shows it looks again.
 */

uint64_t
ngx_http_flagship_zone_served(ngx_http_flagship_root_t *root)
{
    uint64_t                   live, revision, touched;
    ngx_http_flagship_slot_t  *slot;

    live = ngx_http_flagship_load(&root->live);

    if (live == 0) {
        return 0;
    }

    slot = &root->slots[ngx_http_flagship_slot(live)];

    revision = ngx_http_flagship_load(&slot->revision);
    touched = ngx_http_flagship_load(&slot->touched);

    return ngx_max(revision, touched);
}


/* Of two that do this at once, the one that wrote the older number sees the
   newer and writes again. */

void
ngx_http_flagship_zone_show_revision(ngx_http_flagship_root_t *root)
{
    uint64_t  revision;

    do {
        revision = ngx_http_flagship_zone_served(root);
        ngx_http_flagship_store(&root->shared.revision, revision);

    } while (ngx_http_flagship_zone_served(root) != revision);
}


ngx_int_t
ngx_http_flagship_zone_reserve(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_publication_t *p)
{
    size_t                           size;
    ngx_int_t                        rc;
    ngx_http_flagship_zone_stat_t    stat;

    p->needed = 0;
    p->available = 0;
    p->catalog = NULL;
    p->order = NULL;
    p->base = ngx_http_flagship_zone_acquire(zone);

    if (zone->pid != ngx_pid) {
        ngx_http_flagship_zone_enter(zone);
    }

    rc = ngx_http_flagship_publication_check(zone, p);
    if (rc != NGX_OK) {
        goto failed;
    }

    rc = NGX_AGAIN;

    p->order = malloc((p->nsets + 1) * sizeof(*p->order));
    if (p->order == NULL) {
        goto failed;
    }

    size = ngx_http_flagship_publication_size(p, &p->needed);

    if (!ngx_http_flagship_zone_lock(zone->shpool,
                                     NGX_HTTP_FLAGSHIP_LOCK_TRIES))
    {
        p->needed = 0;
        ngx_http_flagship_zone_full(zone, NGX_HTTP_FLAGSHIP_FULL_LOCKED, p);
        goto failed;
    }

    ngx_http_flagship_zone_reclaim(zone->root);

    rc = ngx_http_flagship_publication_take(zone->root, p, size);

    if (rc != NGX_OK) {
        ngx_http_flagship_heap_stat(zone->root, &stat);
        p->available = zone->root->size - stat.used;
    }

    ngx_http_flagship_zone_unlock(zone->shpool);

    switch (rc) {

    case NGX_OK:
        ngx_http_flagship_zone_full(zone, NGX_HTTP_FLAGSHIP_FULL_NO, p);
        return NGX_OK;

    case NGX_BUSY:
        ngx_http_flagship_zone_full(zone, NGX_HTTP_FLAGSHIP_FULL_SLOTS, p);
        break;

    default: /* NGX_AGAIN */
        ngx_http_flagship_zone_full(zone, NGX_HTTP_FLAGSHIP_FULL_MEMORY, p);
    }

    rc = NGX_AGAIN;

failed:

    ngx_http_flagship_publication_done(p);

    return rc;
}


/* Names, and whether the publication is newer than its base. */

static ngx_int_t
ngx_http_flagship_publication_check(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_pub_t *p)
{
    uint64_t                      served;
    ngx_str_t                     epoch;
    ngx_uint_t                    i;
    ngx_http_flagship_slot_t     *slot;
    ngx_http_flagship_pub_set_t  *set;

    if (p->epoch.len > NGX_HTTP_FLAGSHIP_EPOCH_LEN) {
        goto invalid;
    }

    for (i = 0; i < p->nsets; i++) {
        set = &p->sets[i];

        if (set->tenant.len > 0xffff || set->name.len > 0xffff) {
            goto invalid;
        }
    }

    if (p->base == NULL) {

        /* no process memory for a view of what there is */

        return ngx_http_flagship_live_peek(zone->root) ? NGX_AGAIN : NGX_OK;
    }

    epoch = ngx_http_flagship_view_epoch(p->base);

    if (epoch.len != p->epoch.len
        || ngx_memcmp(epoch.data, p->epoch.data, epoch.len) != 0)
    {
        return (p->force || p->back) ? NGX_OK : NGX_DECLINED;
    }

    if (p->back) {
        return NGX_OK;
    }

    slot = &zone->root->slots[ngx_http_flagship_slot(p->base->live)];

    served = ngx_http_flagship_load(&slot->touched);
    served = ngx_max(served, p->base->revision);

    if (p->revision < served || (p->revision == served && !p->force)) {
        return NGX_DECLINED;
    }

    return NGX_OK;

invalid:

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "flagship: a publication with a name that is too long");

    return NGX_ERROR;
}


/* A slot and all memory, or nothing: NGX_BUSY without a slot, NGX_AGAIN without
   memory.  Under the mutex. */

static ngx_int_t
ngx_http_flagship_publication_take(ngx_http_flagship_root_t *root,
    ngx_http_flagship_pub_t *p, size_t size)
{
    uint64_t                         cursor;
    ngx_uint_t                       i;
    ngx_http_flagship_slot_t        *slot;
    ngx_http_flagship_pub_set_t     *set;

    for (i = 0; i < NGX_HTTP_FLAGSHIP_ZONE_SLOTS; i++) {
        if (ngx_http_flagship_load(&root->slots[i].state)
            == NGX_HTTP_FLAGSHIP_SLOT_FREE)
        {
            break;
        }
    }

    if (i == NGX_HTTP_FLAGSHIP_ZONE_SLOTS) {
        return NGX_BUSY;
    }

    p->slot = i;
    p->ticket = ++root->tickets;

    slot = &root->slots[i];

    slot->ticket = p->ticket;
    slot->word = ngx_http_flagship_zone_word();
    ngx_http_flagship_store(&slot->owner, (uint32_t) ngx_pid);
    ngx_http_flagship_store(&slot->state, NGX_HTTP_FLAGSHIP_SLOT_WRITING);

    cursor = root->heap;

    for (i = 0; i < p->nsets; i++) {
        set = &p->sets[i];

        if (set->data == NULL || set->copy) {
            continue;
        }

        set->copy = ngx_http_flagship_heap_alloc(root, set->len, p->slot, 1,
                                                 &cursor);
        if (set->copy == NULL) {
            goto nomem;
        }
    }

    p->catalog = ngx_http_flagship_heap_alloc(root, size, p->slot, 0, &cursor);

    if (p->catalog) {
        slot->catalog = ngx_http_flagship_offset(root, p->catalog);
        return NGX_OK;
    }

nomem:

    ngx_http_flagship_slot_discard(root, p->slot);
    ngx_http_flagship_heap_sweep(root);

    return NGX_AGAIN;
}


ngx_int_t
ngx_http_flagship_zone_commit(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_publication_t *p)
{
    uint64_t                         base, live;
    ngx_http_flagship_root_t        *root;
    ngx_http_flagship_slot_t        *slot;
    ngx_http_flagship_catalog_t     *catalog;

    root = zone->root;

    if (!ngx_http_flagship_publication_ours(zone, p)) {
        ngx_http_flagship_publication_done(p);
        return NGX_DECLINED;
    }

    catalog = p->catalog;
    slot = &root->slots[p->slot];

    ngx_http_flagship_store(&slot->revision, p->revision);
    ngx_http_flagship_store(&slot->touched, 0);
    ngx_http_flagship_store(&slot->state, NGX_HTTP_FLAGSHIP_SLOT_SEALED);

    base = p->base ? p->base->live : 0;
    live = ngx_http_flagship_live(catalog->generation, p->slot);

    if (!ngx_http_flagship_publish(root, base, live)) {
        ngx_http_flagship_slot_discard(root, p->slot);
        ngx_http_flagship_publication_done(p);
        return NGX_DECLINED;
    }

    (void) ngx_atomic_fetch_add(&root->shared.publications, 1);

    ngx_http_flagship_zone_show_revision(root);
    ngx_http_flagship_publication_done(p);

    return NGX_OK;
}


void
ngx_http_flagship_zone_abort(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_publication_t *p)
{

    if (ngx_http_flagship_publication_ours(zone, p)) {
        ngx_http_flagship_slot_discard(zone->root, p->slot);
    }

    ngx_http_flagship_publication_done(p);
}


/* After exit_process() the slot may be somebody else's. */

static ngx_uint_t
ngx_http_flagship_publication_ours(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_pub_t *p)
{
    return p->catalog && zone->pid == ngx_pid
           && zone->root->slots[p->slot].ticket == p->ticket;
}


static void
ngx_http_flagship_publication_done(ngx_http_flagship_pub_t *p)
{
    if (p->order) {
        free(p->order);
        p->order = NULL;
    }

    if (p->base) {
        ngx_http_flagship_view_release(p->base);
        p->base = NULL;
    }

    p->catalog = NULL;
}


/* A line a change of state; what is served stays as it is. */

static void
ngx_http_flagship_zone_full(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_full_e full, ngx_http_flagship_pub_t *p)
{
    uint64_t                   before;
    ngx_http_flagship_root_t  *root;

    root = zone->root;

    ngx_http_flagship_store(&root->needed, full ? p->needed : 0);

    before = __atomic_exchange_n(&root->full, full, __ATOMIC_SEQ_CST);

    if (before == (uint64_t) full) {
        return;
    }

    switch (full) {

    case NGX_HTTP_FLAGSHIP_FULL_MEMORY:
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "flagship: zone \"%V\" is full: %uz bytes are needed, "
                      "%uz are free of %uL; the flags stay as they are",
                      &zone->name, p->needed, p->available,
                      root->size - root->heap);
        break;

    case NGX_HTTP_FLAGSHIP_FULL_SLOTS:
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "flagship: zone \"%V\": requests hold all %d older "
                      "generations, %uz bytes are needed, %uz are free; "
                      "the flags stay as they are", &zone->name,
                      NGX_HTTP_FLAGSHIP_ZONE_SLOTS, p->needed, p->available);
        break;

    case NGX_HTTP_FLAGSHIP_FULL_LOCKED:
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "flagship: zone \"%V\" is locked by process %P; "
                      "the flags stay as they are", &zone->name,
                      (ngx_pid_t) zone->shpool->lock.lock);
        break;

    default: /* NGX_HTTP_FLAGSHIP_FULL_NO */
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "flagship: zone \"%V\" takes publications again",
                      &zone->name);
        return;
    }

    (void) ngx_atomic_fetch_add(&root->shared.publish_failed, 1);
}


void
ngx_http_flagship_zone_touch(ngx_http_flagship_zone_t *zone, uint64_t revision)
{
    uint64_t                   touched;
    ngx_http_flagship_root_t  *root;
    ngx_http_flagship_slot_t  *slot;
    ngx_http_flagship_view_t  *view;

    root = zone->root;

    /* One that led, and was stopped for long, may speak of another epoch. */

    if (!ngx_http_flagship_zone_leads(root)) {
        return;
    }

    view = ngx_http_flagship_zone_acquire(zone);
    if (view == NULL) {
        return;
    }

    /* the view's hold keeps the slot */

    slot = &root->slots[ngx_http_flagship_slot(view->live)];
    touched = ngx_http_flagship_load(&slot->touched);

    while (revision > touched
           && !__atomic_compare_exchange_n(&slot->touched, &touched, revision,
                                           0, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST))
    {
        /* void */
    }

    ngx_http_flagship_view_release(view);

    ngx_http_flagship_zone_show_revision(root);
}


void
ngx_http_flagship_zone_stat(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_zone_stat_t *stat)
{
    ngx_http_flagship_root_t        *root;

    root = zone->root;

    if (ngx_http_flagship_zone_lock(zone->shpool,
                                    NGX_HTTP_FLAGSHIP_LOCK_TRIES))
    {
        ngx_http_flagship_zone_reclaim(root);
        ngx_http_flagship_heap_stat(root, &root->stat);
        ngx_http_flagship_zone_unlock(zone->shpool);
    }

    /* without the lock: as it was when somebody asked last */

    *stat = root->stat;

    stat->full = ngx_http_flagship_load(&root->full) ? 1 : 0;
    stat->needed = ngx_http_flagship_load(&root->needed);
}
