
/*
 * Copyright (C) Flagship
 */


/*
 * The zone's memory: blocks that tile the heap from its first byte to its
 * last, each beginning with its own size.  There are no lists: who looks for
 * space walks from block to block, first fit, which is short work for the few
 * thousand blobs of a host.
 *
 * Invariant, between any two stores: starting at root->heap and adding sizes
 * one ends at root->size exactly, and every block in use is one of those
 * visited.  Splitting writes the second block's head before it shrinks the
 * first one, merging is a single store of a size, taking and freeing a single
 * store of a ticket.  So a process may be killed anywhere in here, and who
 * takes its mutex goes on.
 *
 * Runs in workers and in the master, with the mutex of the slab.
 */


#include "ngx_http_flagship_zone_root.h"


#define NGX_HTTP_FLAGSHIP_LOCK_SPIN  64


static uint32_t ngx_http_flagship_zone_held(ngx_http_flagship_root_t *root,
    uint32_t slots);
static ngx_uint_t ngx_http_flagship_block_used(
    ngx_http_flagship_root_t *root, ngx_http_flagship_block_t *block);
static void ngx_http_flagship_heap_mark(ngx_http_flagship_root_t *root,
    ngx_uint_t slot);


#define ngx_http_flagship_block(root, offset)                                 \
    ((ngx_http_flagship_block_t *) ngx_http_flagship_at(root, offset))

/* the block of what an offset in a catalog names */
#define ngx_http_flagship_block_of(root, offset)                              \
    ngx_http_flagship_block(root,                                             \
                            (offset) - sizeof(ngx_http_flagship_block_t))


/* EPERM: it exists, and belongs to somebody else by now; not ours to judge. */

ngx_uint_t
ngx_http_flagship_zone_gone(ngx_pid_t pid)
{
    return pid != ngx_pid && kill(pid, 0) == -1 && ngx_errno == ESRCH;
}


/*
 * Never waits for long: whoever has the mutex may have been stopped.  If it is
 * dead, the mutex is taken from it: nginx's master does that only for zones of
 * its newest configuration, and late.
 */

ngx_uint_t
ngx_http_flagship_zone_lock(ngx_slab_pool_t *shpool, ngx_uint_t tries)
{
    ngx_pid_t   pid;
    ngx_uint_t  i;

    for ( ;; ) {

        for (i = 0; i < NGX_HTTP_FLAGSHIP_LOCK_SPIN; i++) {
            if (ngx_shmtx_trylock(&shpool->mutex)) {
                return 1;
            }

            ngx_cpu_pause();
        }

        if (--tries == 0) {
            break;
        }

        ngx_sched_yield();
    }

    pid = (ngx_pid_t) shpool->lock.lock;

    if (pid && ngx_http_flagship_zone_gone(pid)) {
        (void) ngx_shmtx_force_unlock(&shpool->mutex, pid);
        return ngx_shmtx_trylock(&shpool->mutex);
    }

    return 0;
}


void
ngx_http_flagship_zone_unlock(ngx_slab_pool_t *shpool)
{
    ngx_shmtx_unlock(&shpool->mutex);
}


/* The bytes that a block for "size" bytes takes. */

uint64_t
ngx_http_flagship_heap_size(size_t size)
{
    return ngx_align((uint64_t) size, NGX_HTTP_FLAGSHIP_ZONE_ALIGN)
           + sizeof(ngx_http_flagship_block_t);
}


/* With so many bytes of counters, a multiple of 64, before it. */

void
ngx_http_flagship_heap_init(ngx_http_flagship_root_t *root, size_t size,
    size_t counts)
{
    ngx_http_flagship_block_t  *block;

    root->heap = ngx_align((uint64_t) sizeof(ngx_http_flagship_root_t),
                           NGX_HTTP_FLAGSHIP_ZONE_ALIGN);
    root->counts = counts ? root->heap : 0;
    root->heap += counts;
    root->size = size & ~((uint64_t) NGX_HTTP_FLAGSHIP_ZONE_ALIGN - 1);

    block = ngx_http_flagship_block(root, root->heap);
    ngx_memzero(block, sizeof(ngx_http_flagship_block_t));
    block->size = root->size - root->heap;
}


/*
 * Memory for the reservation of a slot, or NULL.  The search starts at the
 * cursor, which follows what was taken, so that the many blobs of a whole
 * load do not walk over each other; then once more from the start.
 */

void *
ngx_http_flagship_heap_alloc(ngx_http_flagship_root_t *root, size_t size,
    ngx_uint_t slot, ngx_uint_t blob, uint64_t *cursor)
{
    uint64_t                    need, offset, end;
    ngx_uint_t                  again;
    ngx_http_flagship_block_t  *block, *rest;

    need = ngx_http_flagship_heap_size(size);
    offset = *cursor;
    end = root->size;

    for (again = 0; again < 2; again++) {

        while (offset < end) {
            block = ngx_http_flagship_block(root, offset);

            if (block->ticket == 0 && block->size >= need) {
                goto found;
            }

            offset += block->size;
        }

        end = *cursor;
        offset = root->heap;
    }

    return NULL;

found:

    if (block->size > need) {
        rest = ngx_http_flagship_block(root, offset + need);
        ngx_memzero(rest, sizeof(ngx_http_flagship_block_t));
        rest->size = block->size - need;

        ngx_http_flagship_link(&block->size, need);
    }

    block->mark = 0;
    block->slot = slot;
    block->blob = blob;

    ngx_http_flagship_link(&block->ticket, root->slots[slot].ticket);

    *cursor = offset + need;

    return block + 1;
}


/*
 * Frees what nobody lists, merges neighbours that are free, and gives back the
 * slots that were garbage when it began.
 */

void
ngx_http_flagship_heap_sweep(ngx_http_flagship_root_t *root)
{
    uint64_t                    offset;
    uint32_t                    state;
    ngx_uint_t                  i, garbage;
    ngx_http_flagship_block_t  *block, *previous;

    garbage = 0;

    root->sweeps++;

    for (i = 0; i < NGX_HTTP_FLAGSHIP_ZONE_SLOTS; i++) {
        state = ngx_http_flagship_load(&root->slots[i].state);

        if (state == NGX_HTTP_FLAGSHIP_SLOT_SEALED) {
            ngx_http_flagship_heap_mark(root, i);

        } else if (state == NGX_HTTP_FLAGSHIP_SLOT_GARBAGE) {
            garbage |= (ngx_uint_t) 1 << i;
        }
    }

    previous = NULL;

    for (offset = root->heap; offset < root->size; /* void */) {
        block = ngx_http_flagship_block(root, offset);
        offset += block->size;

        if (block->ticket && !ngx_http_flagship_block_used(root, block)) {
            ngx_http_flagship_link(&block->ticket, 0);
        }

        if (block->ticket) {
            previous = NULL;
            continue;
        }

        if (previous) {
            ngx_http_flagship_link(&previous->size,
                                   previous->size + block->size);
            continue;
        }

        previous = block;
    }

    for (i = 0; i < NGX_HTTP_FLAGSHIP_ZONE_SLOTS; i++) {
        if (garbage & (ngx_uint_t) 1 << i) {
            ngx_http_flagship_store(&root->slots[i].state,
                                    NGX_HTTP_FLAGSHIP_SLOT_FREE);
        }
    }
}


static ngx_uint_t
ngx_http_flagship_block_used(ngx_http_flagship_root_t *root,
    ngx_http_flagship_block_t *block)
{
    uint32_t                   state;
    ngx_http_flagship_slot_t  *slot;

    if (block->mark == root->sweeps) {
        return 1;
    }

    slot = &root->slots[block->slot];
    state = ngx_http_flagship_load(&slot->state);

    return (state == NGX_HTTP_FLAGSHIP_SLOT_WRITING
            || state == NGX_HTTP_FLAGSHIP_SLOT_SEALED)
           && slot->ticket == block->ticket;
}


/* The catalog of a sealed slot is not freed meanwhile: freeing is what a sweep
   does, and the mutex is ours. */

static void
ngx_http_flagship_heap_mark(ngx_http_flagship_root_t *root, ngx_uint_t slot)
{
    uint32_t                      i;
    uint64_t                      offset;
    ngx_http_flagship_entry_t    *entry;
    ngx_http_flagship_catalog_t  *catalog;

    offset = root->slots[slot].catalog;
    ngx_http_flagship_block_of(root, offset)->mark = root->sweeps;

    catalog = ngx_http_flagship_at(root, offset);
    entry = ngx_http_flagship_catalog_entries(catalog);

    for (i = 0; i < catalog->nblobs; i++) {
        ngx_http_flagship_block_of(root, entry[i].blob)->mark = root->sweeps;
    }
}


void
ngx_http_flagship_heap_stat(ngx_http_flagship_root_t *root,
    ngx_http_flagship_zone_stat_t *stat)
{
    uint64_t                    offset, available;
    ngx_http_flagship_block_t  *block;

    stat->images = 0;
    stat->catalogs = 0;
    stat->largest = 0;
    available = 0;

    for (offset = root->heap; offset < root->size; offset += block->size) {
        block = ngx_http_flagship_block(root, offset);

        if (block->ticket == 0) {
            available += block->size;

            if (block->size > stat->largest) {
                stat->largest = block->size;
            }

        } else if (block->blob) {
            stat->images++;

        } else {
            stat->catalogs++;
        }
    }

    stat->size = root->size;
    stat->used = root->size - available;
}


/* Something may be there to reclaim: more slots than the live one are not free.
   Without the mutex: a hint. */

ngx_uint_t
ngx_http_flagship_zone_garbage(ngx_http_flagship_root_t *root)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < NGX_HTTP_FLAGSHIP_ZONE_SLOTS; i++) {
        if (ngx_http_flagship_load(&root->slots[i].state)
            != NGX_HTTP_FLAGSHIP_SLOT_FREE)
        {
            n++;
        }
    }

    return n > 1;
}


/* The order of the three looks is part of the proof. */

void
ngx_http_flagship_zone_reclaim(ngx_http_flagship_root_t *root)
{
    uint32_t                   state, garbage, unused;
    uint64_t                   live;
    ngx_pid_t                  pid;
    ngx_uint_t                 i;
    ngx_http_flagship_slot_t  *slot;

    garbage = 0;
    unused = 0;

    for (i = 0; i < NGX_HTTP_FLAGSHIP_ZONE_SLOTS; i++) {
        slot = &root->slots[i];
        state = ngx_http_flagship_load(&slot->state);

        if (state == NGX_HTTP_FLAGSHIP_SLOT_FREE) {
            continue;
        }

        if (state == NGX_HTTP_FLAGSHIP_SLOT_GARBAGE) {
            garbage = 1;
            continue;
        }

        pid = (ngx_pid_t) ngx_http_flagship_load(&slot->owner);

        if (pid
            && ngx_http_flagship_load(&root->holds[slot->word]) >> 32
               == (uint64_t) pid
            && !ngx_http_flagship_zone_gone(pid))
        {
            continue;
        }

        live = ngx_http_flagship_load(&root->live);

        if (live == 0 || ngx_http_flagship_slot(live) != i) {
            unused |= (uint32_t) 1 << i;
        }
    }

    if (unused) {
        unused &= ~ngx_http_flagship_zone_held(root, unused);
    }

    for (i = 0; i < NGX_HTTP_FLAGSHIP_ZONE_SLOTS; i++) {
        if (unused & (uint32_t) 1 << i) {
            ngx_http_flagship_slot_discard(root, i);
        }
    }

    if (unused || garbage) {
        ngx_http_flagship_heap_sweep(root);
    }
}


/* Those of the slots that some process holds. */

static uint32_t
ngx_http_flagship_zone_held(ngx_http_flagship_root_t *root, uint32_t slots)
{
    uint32_t    held;
    uint64_t    word;
    ngx_uint_t  i;

    held = 0;

    for (i = 0; i < NGX_HTTP_FLAGSHIP_ZONE_HOLDS; i++) {
        word = ngx_http_flagship_load(&root->holds[i]);

        if ((uint32_t) word & slots & ~held
            && !ngx_http_flagship_zone_gone((ngx_pid_t) (word >> 32)))
        {
            held |= (uint32_t) word & slots;
        }
    }

    return held;
}
