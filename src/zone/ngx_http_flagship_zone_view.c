
/*
 * Copyright (C) Flagship
 */


/*
 * Reading: views of the live catalog, and the tick that keeps them fresh.
 *
 * A process keeps its newest view, so that a request costs one atomic load and
 * a plain counter.  An older view lives while somebody refers to it.  There is
 * no list of views: each is either zone->view or referred to.
 *
 * A process that does not tick (the master; any before init_process) keeps no
 * view that nobody refers to, as nothing would ever drop it.
 *
 * Views are of malloc(): they outlive any pool, and to fail is no emergency.
 *
 * Runs in the event loop of any process; takes no lock.  view_set(),
 * view_entry() and view_blob() only read what a view holds, so a thread may
 * call them as long as the loop keeps its reference.
 */


#include "ngx_http_flagship_zone_root.h"


#define NGX_HTTP_FLAGSHIP_ZONE_TICK  200    /* ms */


static void ngx_http_flagship_view_drop(ngx_http_flagship_view_t *view);
static ngx_uint_t ngx_http_flagship_entry_is(
    const ngx_http_flagship_catalog_t *catalog,
    const ngx_http_flagship_entry_t *entry, ngx_str_t *tenant,
    ngx_str_t *name);
static const ngx_http_flagship_entry_t *ngx_http_flagship_catalog_find(
    const ngx_http_flagship_catalog_t *catalog, ngx_uint_t kind,
    ngx_str_t *tenant, ngx_str_t *name);
static void ngx_http_flagship_zone_tick(ngx_event_t *ev);


ngx_http_flagship_view_t *
ngx_http_flagship_zone_acquire(ngx_http_flagship_zone_t *zone)
{
    if (zone->view == NULL
        || zone->view->live != ngx_http_flagship_live_peek(zone->root))
    {
        ngx_http_flagship_view_update(zone);

        if (zone->view == NULL) {
            return NULL;
        }
    }

    zone->view->refs++;

    return zone->view;
}


void
ngx_http_flagship_view_release(ngx_http_flagship_view_t *view)
{
    ngx_http_flagship_zone_t  *zone;

    if (--view->refs) {
        return;
    }

    zone = view->zone;

    if (view == zone->view) {

        if (zone->keep) {
            return;
        }

        zone->view = NULL;
    }

    ngx_http_flagship_view_drop(view);
}


/* Makes the live catalog the newest view.  Without memory the view stays what
   it was. */

void
ngx_http_flagship_view_update(ngx_http_flagship_zone_t *zone)
{
    uint64_t                            live;
    ngx_http_flagship_root_t           *root;
    ngx_http_flagship_slot_t           *slot;
    ngx_http_flagship_view_t           *view, *old;
    const ngx_http_flagship_catalog_t  *catalog;

    root = zone->root;

    if (zone->pid != ngx_pid) {
        ngx_http_flagship_zone_enter(zone);
    }

    if (ngx_http_flagship_live_peek(root) == 0) {
        return;
    }

    view = malloc(sizeof(ngx_http_flagship_view_t));
    if (view == NULL) {
        return;
    }

    live = ngx_http_flagship_hold(root, zone->word);
    slot = &root->slots[ngx_http_flagship_slot(live)];
    catalog = ngx_http_flagship_at(root, slot->catalog);

    view->generation = catalog->generation;
    view->revision = catalog->revision;
    view->nsets = catalog->nsets;
    view->nblobs = catalog->nblobs;
    view->refs = 0;
    view->catalog = catalog;
    view->zone = zone;
    view->live = live;
    view->last = 0;
    view->bindings = NULL;

    old = zone->view;
    zone->view = view;

    if (old && old->refs == 0) {
        ngx_http_flagship_view_drop(old);
    }
}


static void
ngx_http_flagship_view_drop(ngx_http_flagship_view_t *view)
{
    ngx_http_flagship_zone_t  *zone;

    zone = view->zone;

    if (zone->pid == ngx_pid) {
        ngx_http_flagship_hold_drop(zone->root, zone->word,
                                    ngx_http_flagship_slot(view->live));
    }

    ngx_http_flagship_view_unbind(view);

    free(view);
}


uint32_t
ngx_http_flagship_catalog_hash(ngx_uint_t kind, u_char *tenant,
    size_t tenant_len, u_char *name, size_t name_len)
{
    size_t    i;
    uint32_t  hash;

    /* FNV-1a: the names are short, and the table is private to a host */

    hash = 2166136261u ^ (uint32_t) kind;

    for (i = 0; i < tenant_len; i++) {
        hash = (hash ^ tenant[i]) * 16777619u;
    }

    /* between the two, so that "a", "bc" is not "ab", "c" */
    hash = hash * 16777619u;

    for (i = 0; i < name_len; i++) {
        hash = (hash ^ name[i]) * 16777619u;
    }

    return hash ^ hash >> 15;
}


/* The table has an empty place: it is at most half full. */

static const ngx_http_flagship_entry_t *
ngx_http_flagship_catalog_find(const ngx_http_flagship_catalog_t *catalog,
    ngx_uint_t kind, ngx_str_t *tenant, ngx_str_t *name)
{
    uint32_t                          i, n;
    const uint32_t                   *table;
    const ngx_http_flagship_entry_t  *entry;

    table = ngx_http_flagship_catalog_table(catalog);

    i = ngx_http_flagship_catalog_hash(kind, tenant->data, tenant->len,
                                       name->data, name->len);

    for ( ;; i++) {
        n = table[i & catalog->mask];

        if (n == NGX_HTTP_FLAGSHIP_TABLE_EMPTY) {
            return NULL;
        }

        entry = ngx_http_flagship_catalog_entries(catalog) + n;

        if (entry->kind == kind
            && ngx_http_flagship_entry_is(catalog, entry, tenant, name))
        {
            return entry;
        }
    }
}


/* Most hosts ask for one set again and again: it is tried before the table. */

const flagship_image_t *
ngx_http_flagship_view_find(ngx_http_flagship_view_t *view, ngx_str_t *tenant,
    ngx_str_t *environment)
{
    const ngx_http_flagship_entry_t    *entry;
    const ngx_http_flagship_catalog_t  *catalog;

    catalog = view->catalog;
    entry = ngx_http_flagship_catalog_entries(catalog) + view->last;

    if (view->last >= catalog->nsets
        || !ngx_http_flagship_entry_is(catalog, entry, tenant, environment))
    {
        entry = ngx_http_flagship_catalog_find(catalog,
                                               NGX_HTTP_FLAGSHIP_BLOB_IMAGE,
                                               tenant, environment);
        if (entry == NULL) {
            return NULL;
        }

        view->last = entry - ngx_http_flagship_catalog_entries(catalog);
    }

    return ngx_http_flagship_at(ngx_http_flagship_catalog_root(catalog),
                                entry->blob);
}


const void *
ngx_http_flagship_view_blob(ngx_http_flagship_view_t *view, ngx_uint_t kind,
    ngx_str_t *tenant, ngx_str_t *name, size_t *len)
{
    const ngx_http_flagship_entry_t    *entry;
    const ngx_http_flagship_catalog_t  *catalog;

    catalog = view->catalog;

    entry = ngx_http_flagship_catalog_find(catalog, kind, tenant, name);
    if (entry == NULL) {
        return NULL;
    }

    *len = entry->len;

    return ngx_http_flagship_at(ngx_http_flagship_catalog_root(catalog),
                                entry->blob);
}


static ngx_uint_t
ngx_http_flagship_entry_is(const ngx_http_flagship_catalog_t *catalog,
    const ngx_http_flagship_entry_t *entry, ngx_str_t *tenant,
    ngx_str_t *name)
{
    u_char  *p;

    if (entry->tenant != tenant->len || entry->name != name->len) {
        return 0;
    }

    p = (u_char *) catalog + entry->names;

    return ngx_memcmp(p, tenant->data, tenant->len) == 0
           && ngx_memcmp(p + tenant->len, name->data, name->len) == 0;
}


const flagship_image_t *
ngx_http_flagship_view_set(ngx_http_flagship_view_t *view, ngx_uint_t i,
    ngx_str_t *tenant, ngx_str_t *environment)
{
    ngx_http_flagship_blob_t  blob;

    ngx_http_flagship_view_entry(view, i, &blob);

    *tenant = blob.tenant;
    *environment = blob.name;

    return blob.data;
}


void
ngx_http_flagship_view_entry(ngx_http_flagship_view_t *view, ngx_uint_t i,
    ngx_http_flagship_blob_t *blob)
{
    const ngx_http_flagship_entry_t    *entry;
    const ngx_http_flagship_catalog_t  *catalog;

    catalog = view->catalog;
    entry = ngx_http_flagship_catalog_entries(catalog) + i;

    blob->kind = entry->kind;

    blob->tenant.data = (u_char *) catalog + entry->names;
    blob->tenant.len = entry->tenant;

    blob->name.data = blob->tenant.data + entry->tenant;
    blob->name.len = entry->name;

    blob->data = ngx_http_flagship_at(ngx_http_flagship_catalog_root(catalog),
                                      entry->blob);
    blob->len = entry->len;
}


ngx_str_t
ngx_http_flagship_view_epoch(ngx_http_flagship_view_t *view)
{
    ngx_str_t                           epoch;
    const ngx_http_flagship_catalog_t  *catalog;

    catalog = view->catalog;

    epoch.data = (u_char *) catalog->epoch;
    epoch.len = catalog->epoch_len;

    return epoch;
}


/* The index of this process's hold. */

ngx_uint_t
ngx_http_flagship_zone_word(void)
{
    if (ngx_process == NGX_PROCESS_WORKER || ngx_process == NGX_PROCESS_HELPER)
    {
        return ngx_process_slot;
    }

    return NGX_HTTP_FLAGSHIP_ZONE_MASTER;
}


/*
 * The first use of the zone in this process.  What a fork copied belongs to the
 * parent.  The word may be that of a worker that died: its bits go.
 */

void
ngx_http_flagship_zone_enter(ngx_http_flagship_zone_t *zone)
{
    zone->pid = ngx_pid;
    zone->view = NULL;
    zone->keep = 0;
    zone->word = ngx_http_flagship_zone_word();

    ngx_http_flagship_hold_enter(zone->root, zone->word, ngx_pid);
}


void
ngx_http_flagship_zone_on_tick(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_tick_pt handler, void *data)
{
    zone->on_tick = handler;
    zone->on_tick_data = data;
}


ngx_uint_t
ngx_http_flagship_zone_workers(ngx_http_flagship_zone_t *zone)
{
    uint64_t    word;
    ngx_uint_t  i, n;

    n = (ngx_process == NGX_PROCESS_SINGLE) ? 1 : 0;

    for (i = 0; i < NGX_HTTP_FLAGSHIP_ZONE_MASTER; i++) {
        word = ngx_http_flagship_load(&zone->root->holds[i]);

        if (word && !ngx_http_flagship_zone_gone((ngx_pid_t) (word >> 32))) {
            n++;
        }
    }

    return n;
}


ngx_int_t
ngx_http_flagship_zone_init_process(ngx_http_flagship_zone_t *zone,
    ngx_cycle_t *cycle)
{
    /* the cache manager and loader decide nothing */

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    ngx_http_flagship_zone_enter(zone);

    zone->keep = 1;
    zone->cycle = cycle;

    ngx_http_flagship_view_update(zone);
    ngx_http_flagship_count_enter(zone);

    /* ngx_add_timer() of a debugging nginx logs data->fd */

    ngx_memzero(&zone->dummy, sizeof(ngx_connection_t));
    zone->dummy.fd = (ngx_socket_t) -1;
    zone->dummy.data = zone;

    ngx_memzero(&zone->tick, sizeof(ngx_event_t));
    zone->tick.handler = ngx_http_flagship_zone_tick;
    zone->tick.data = &zone->dummy;
    zone->tick.log = cycle->log;
    zone->tick.cancelable = 1;

    ngx_add_timer(&zone->tick, NGX_HTTP_FLAGSHIP_ZONE_TICK);

    return NGX_OK;
}


void
ngx_http_flagship_zone_exit_process(ngx_http_flagship_zone_t *zone)
{
    if (zone->pid != ngx_pid) {
        return;
    }

    if (zone->tick.timer_set) {
        ngx_del_timer(&zone->tick);
    }

    ngx_http_flagship_zone_resign(zone);
    ngx_http_flagship_count_leave(zone);

    ngx_http_flagship_hold_leave(zone->root, zone->word);

    if (zone->view && zone->view->refs == 0) {
        ngx_http_flagship_view_unbind(zone->view);
        free(zone->view);
        zone->view = NULL;
    }

    zone->pid = 0;
}


/*
 * An idle worker would hold the catalog of its last request for ever.  A worker
 * that is exiting keeps ticking (a cancelable timer fires, but does not keep a
 * process alive) and keeps no view that no request refers to.
 */

static void
ngx_http_flagship_zone_tick(ngx_event_t *ev)
{
    ngx_connection_t          *c;
    ngx_http_flagship_root_t  *root;
    ngx_http_flagship_view_t  *view;
    ngx_http_flagship_zone_t  *zone;

    c = ev->data;
    zone = c->data;
    root = zone->root;

    /* reloading without a master leaves nginx itself without connections, and
       may unmap the zone */

    if (zone->cycle != ngx_cycle) {
        return;
    }

    view = zone->view;

    if (ngx_exiting) {
        zone->keep = 0;

        if (view && view->refs == 0) {
            zone->view = NULL;
            ngx_http_flagship_view_drop(view);
        }

    } else if (view == NULL || view->live != ngx_http_flagship_live_peek(root))
    {
        ngx_http_flagship_view_update(zone);
    }

    /* a publisher may have died between the catalog and its number */

    if (ngx_http_flagship_zone_served(root)
        != ngx_http_flagship_load(&root->shared.revision))
    {
        ngx_http_flagship_zone_show_revision(root);
    }

    if (ngx_http_flagship_zone_garbage(root)
        && ngx_http_flagship_zone_lock(zone->shpool, 1))
    {
        ngx_http_flagship_zone_reclaim(root);
        ngx_http_flagship_zone_unlock(zone->shpool);
    }

    if (zone->on_tick) {
        zone->on_tick(zone->on_tick_data);
    }

    ngx_add_timer(ev, NGX_HTTP_FLAGSHIP_ZONE_TICK);
}
