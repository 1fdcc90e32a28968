
/*
 * Copyright (C) Flagship
 */


/*
 * What is shared: the root, its slots and holds, the heap; and every atomic
 * operation on them, with the proof that they are enough.
 *
 *     shared memory of the zone
 *     +------------+--------------------------------------------------+
 *     | nginx slab | root | counters | block | block | block ...      |
 *     +------------+--------------------------------------------------+
 *
 * Only offsets are shared, counted from the root's first byte; no pointer, no
 * event, no function.  The root and its heap are one allocation of the slab,
 * all of its pages: a blob needs no page of its own, and, other than the
 * slab's, the heap's lists cannot be left half-linked by a process that is
 * killed (ngx_http_flagship_zone_heap.c).  Of the slab we use the mutex.
 *
 *
 * Catalogs.  A catalog is immutable and lists the blobs of one generation.
 * It belongs to a slot.  "live" is generation << 8 | slot of the catalog that
 * is served, 0 before the first one.  Generations only grow.
 *
 *     slot     FREE --reserve--> WRITING --seal--> SEALED --> GARBAGE --> FREE
 *                                   |                            ^
 *                                   +----- abort, owner gone ----+
 *
 * A WRITING slot's content may be read by its owner only.  A SEALED slot's is
 * complete and never changes.  A slot leaves FREE under the mutex, and GARBAGE
 * when a sweep under the mutex has freed its memory.  It becomes GARBAGE by its
 * owner (an owner that failed to publish), or under the mutex by whoever
 * reclaims, when all of these hold, looked at in this order:
 *
 *     (1) it has no owner, or the owner's process is gone
 *     (2) "live" does not name it
 *     (3) no process that exists holds it
 *
 *
 * Holds.  A process owns one word: its pid and a bit a slot.  To read:
 *
 *     R1  h = live
 *     R2  set the bit of h's slot in my word
 *     R3  if live != h: clear the bit, begin again
 *     ... read as long as wanted, then clear the bit
 *
 * and to publish slot s, which is SEALED, as generation g:
 *
 *     W1  compare and swap: live = (g - 1, base) -> (g, s)
 *     W2  s has no owner any more
 *
 * R2, R3, W1 and the loads of (2) and (3) are sequentially consistent.
 *
 *   - Who passed R3 reads memory that is not reused.  Say slot s of
 *     generation g was freed.  By (1) W1 of s is over or will never happen: the
 *     owner clears itself only after W1 (W2), or is dead, or gave up.  If it
 *     never happens, nobody passes R3 with (g, s).  If it is over, then as
 *     generations only grow, a load of (2) that does not see s sees a later
 *     generation, and so does every later load of "live".  (3) comes after
 *     (2), so a bit that (3) did not see was set after (2), and R3, which is
 *     later still, sees a later generation too, and fails.
 *   - Reading (2) before (1) would be wrong: W1 and W2 could both fall between
 *     the two, and the live slot be freed.
 *   - A bit stands for one generation of its process: while it is set by a
 *     reader that passed R3, the slot is not reused.  A reader that fails R3
 *     therefore never clears a bit that one of its own views needs: the h of
 *     R1 is either a view's own, and then the process has no need for R2, or
 *     names a slot that none of its views has.
 *   - A bit set in vain between R2 and R3, also on a slot that is by now
 *     WRITING for another generation, delays a reclaim and spoils nothing:
 *     only "live" compared as a whole, generation and slot, lets a reader in.
 *   - Two publishers cannot both win: both would start from the same live.
 *   - What is read after R3 was written before W1 (a release) and R3 is an
 *     acquire.
 *
 * Death.  SIGKILL may come between any two stores.
 *
 *   - A dead reader's bits do not count: its pid answers ESRCH, or its word
 *     has by now another pid (a respawned worker takes the slot of the dead one
 *     and starts with an empty word: pid and bits are one word so that clearing
 *     a dead one's bits can never hit its successor's).
 *   - A dead publisher: before W1 the slot is garbage by (1); after W1 it is
 *     live and (2) protects it; W2 is then not needed, the owner is gone.
 *   - A dead reclaimer leaves GARBAGE, and with it the reason for a sweep.
 *   - A pid that another process got by chance makes a reclaim wait, no more,
 *     and until the worker's successor writes its word at the longest.
 *   - The mutex of a dead process is taken from it, by nginx's master or by who
 *     wants it next.  What it guards is consistent between any two stores.
 *
 * The mutex guards slots leaving FREE, and the heap.  It is never waited for:
 * who does not get it soon (its owner may be stopped) tries again later.
 *
 *
 * Memory.  A block of the heap is in use while
 *
 *     - a SEALED slot's catalog lists it, or
 *     - the reservation that took it still has its slot.
 *
 * There is no reference count that a death could leave wrong: a sweep marks
 * what the SEALED catalogs list and frees the rest.  A publication holds the
 * catalog that it starts from, and W1 succeeds from that one only, so blobs
 * which it takes over are listed by a held catalog until they are listed by
 * the live one.
 */


#ifndef _NGX_HTTP_FLAGSHIP_ZONE_ROOT_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_ZONE_ROOT_H_INCLUDED_


#include "ngx_http_flagship_zone.h"
#include "ngx_http_flagship_zone_count.h"


#define NGX_HTTP_FLAGSHIP_ZONE_MAGIC   0x31454e4f5a474c46ull  /* "FLGZONE1" */
#define NGX_HTTP_FLAGSHIP_ZONE_LAYOUT  3

#define NGX_HTTP_FLAGSHIP_ZONE_ALIGN   64   /* as FLAGSHIP_IMAGE_ALIGN */
#define NGX_HTTP_FLAGSHIP_ZONE_SLOTS   32   /* bits of a hold */

/*
 * A worker's word is that of its ngx_process_slot, which a reload's old and
 * new workers never share.  The master, and the only process of "master_process
 * off", has no slot (ngx_process_slot is there whatever was spawned last): the
 * last word is its.
 */

#define NGX_HTTP_FLAGSHIP_ZONE_HOLDS   (NGX_MAX_PROCESSES + 1)
#define NGX_HTTP_FLAGSHIP_ZONE_MASTER  NGX_MAX_PROCESSES


typedef enum {
    NGX_HTTP_FLAGSHIP_SLOT_FREE = 0,
    NGX_HTTP_FLAGSHIP_SLOT_WRITING,
    NGX_HTTP_FLAGSHIP_SLOT_SEALED,
    NGX_HTTP_FLAGSHIP_SLOT_GARBAGE
} ngx_http_flagship_slot_e;


typedef struct {
    uint32_t                   state;      /* ngx_http_flagship_slot_e */
    uint32_t                   owner;      /* pid; 0: none (W2) */
    uint64_t                   word;       /* index of the owner's hold */
    uint64_t                   ticket;     /* number of the reservation */
    uint64_t                   catalog;    /* offset */
    uint64_t                   revision;
    uint64_t                   touched;    /* the source had nothing newer for
                                              any set up to this revision */
    uint64_t                   reserved[2];
} ngx_http_flagship_slot_t;


/* The head of a block; what it holds follows, aligned to 64 bytes. */

typedef struct {
    uint64_t                   size;       /* with the head, multiple of 64 */
    uint64_t                   ticket;     /* of who took it; 0: free */
    uint64_t                   mark;       /* the last sweep that found it */
    uint32_t                   slot;       /* of who took it */
    uint32_t                   blob;       /* 1; 0: a catalog */
    uint64_t                   reserved[4];
} ngx_http_flagship_block_t;


typedef enum {
    NGX_HTTP_FLAGSHIP_FULL_NO = 0,
    NGX_HTTP_FLAGSHIP_FULL_MEMORY,
    NGX_HTTP_FLAGSHIP_FULL_SLOTS,
    NGX_HTTP_FLAGSHIP_FULL_LOCKED
} ngx_http_flagship_full_e;


#define ngx_http_flagship_line  __attribute__((aligned(64)))

typedef struct {
    uint64_t                   magic;
    uint32_t                   layout;
    uint32_t                   reserved;
    uint64_t                   size;       /* of root and heap */
    uint64_t                   counts;     /* offset of the counters, or 0 */
    uint64_t                   heap;       /* offset of the first block */
    uint64_t                   first;      /* the generation that the first
                                              publication follows */

    /* read by each request, written by each publication */
    uint64_t                   live        ngx_http_flagship_line;

    /* deadline in ms << 24 | pid */
    uint64_t                   lease       ngx_http_flagship_line;

    uint64_t                   tickets;    /* guarded by the mutex */
    uint64_t                   sweeps;     /* guarded by the mutex */
    uint64_t                   full;       /* ngx_http_flagship_full_e */
    uint64_t                   needed;     /* bytes, while full */

    ngx_http_flagship_zone_stat_t  stat;   /* as it was when last asked */

    ngx_http_flagship_zone_shared_t  shared  ngx_http_flagship_line;

    ngx_http_flagship_slot_t   slots[NGX_HTTP_FLAGSHIP_ZONE_SLOTS]
                                   ngx_http_flagship_line;

    /* pid << 32 | a bit a slot; a word is written by its process only, and
       cleared by nobody else */
    uint64_t                   holds[NGX_HTTP_FLAGSHIP_ZONE_HOLDS]
                                   ngx_http_flagship_line;
} ngx_http_flagship_root_t;


/*
 *     catalog | entries, in byte order of (kind, tenant, name)
 *             | table of entries, open addressing | names
 */

typedef struct {
    uint64_t                   blob;       /* offset from the root */
    uint64_t                   len;        /* of the blob, bytes */
    uint32_t                   names;      /* tenant, then name, without
                                              anything between: offset from the
                                              catalog */
    uint16_t                   tenant;     /* lengths */
    uint16_t                   name;
    uint32_t                   kind;
    uint32_t                   reserved;
} ngx_http_flagship_entry_t;

typedef struct {
    uint64_t                   self;       /* offset from the root */
    uint64_t                   generation;
    uint64_t                   revision;
    uint32_t                   nsets;      /* the entries that are images */
    uint32_t                   nblobs;     /* all entries */
    uint32_t                   mask;       /* elements of the table, less 1 */
    uint32_t                   table;      /* offset from the catalog */
    uint32_t                   names;      /* bytes */
    uint32_t                   epoch_len;
    u_char                     epoch[NGX_HTTP_FLAGSHIP_EPOCH_LEN + 4];
} ngx_http_flagship_catalog_t;

#define NGX_HTTP_FLAGSHIP_TABLE_EMPTY  0xffffffffu

#define ngx_http_flagship_catalog_entries(c)                                  \
    ((ngx_http_flagship_entry_t *) ((u_char *) (c)                            \
                                    + sizeof(ngx_http_flagship_catalog_t)))

#define ngx_http_flagship_catalog_table(c)                                    \
    ((uint32_t *) ((u_char *) (c) + (c)->table))

#define ngx_http_flagship_catalog_root(c)                                     \
    ((ngx_http_flagship_root_t *) ((u_char *) (c) - (c)->self))


/*
 * A worker's counters: its column (ngx_http_flagship_zone_count.c), and what it
 * knows of the images that it counts for (ngx_http_flagship_zone_count_map.c).
 */

typedef struct {
    const flagship_image_t    *image;      /* NULL: a free place */
    uint64_t                   generation; /* that had it under these names */
    uint64_t                   digest;
    ngx_str_t                  tenant;
    ngx_str_t                  environment;
    uint32_t                  *first;      /* of each flag: its first series,
                                              or 0 */
    uint32_t                  *series;     /* by variant and reason */
    uint32_t                   n;
    uint32_t                   size;
} ngx_http_flagship_count_map_t;

typedef struct {
    uint64_t                  *cells;      /* NULL: nothing is counted */
    uint64_t                  *owner;      /* NULL: the cells are others' too */
    ngx_http_flagship_calls_t  *calls;     /* likewise */
    ngx_http_flagship_calls_t  shown;      /* of this worker, the last time */
    ngx_http_flagship_count_map_t  *last;
    ngx_http_flagship_count_map_t  *maps;  /* by the image's address */
    ngx_uint_t                 size;       /* 0, or a power of two */
    ngx_uint_t                 nmaps;
} ngx_http_flagship_count_t;


/* A series, as it is asked for. */

typedef struct {
    ngx_str_t                  names[4];   /* tenant, environment, flag,
                                              variant */
    uint32_t                   reason;
} ngx_http_flagship_series_name_t;

/* that of everything for which there is no room */
#define NGX_HTTP_FLAGSHIP_COUNT_OTHER  0


/* A cycle's handle.  What a worker keeps in it is its own after the fork. */

struct ngx_http_flagship_zone_s {
    ngx_http_flagship_root_t  *root;
    ngx_slab_pool_t           *shpool;

    ngx_http_flagship_view_t  *view;       /* the newest, or NULL */
    ngx_pid_t                  pid;        /* whose these are; a fork differs */
    ngx_uint_t                 word;       /* index of its hold */
    ngx_uint_t                 keep;       /* 1: ticks, and keeps the view
                                              when nobody refers to it */
    ngx_cycle_t               *cycle;
    ngx_event_t                tick;
    ngx_connection_t           dummy;      /* of the tick: see there */
    ngx_http_flagship_tick_pt  on_tick;    /* NULL: nothing more to do */
    void                      *on_tick_data;

    ngx_http_flagship_count_t  count;

    ngx_str_t                  name;
};


#define ngx_http_flagship_load(p)     __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define ngx_http_flagship_store(p, v)                                         \
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST)

/* A store before which everything else was stored: what a process that is
   killed leaves behind is a prefix of its stores. */
#define ngx_http_flagship_link(p, v)  __atomic_store_n(p, v, __ATOMIC_RELEASE)

#define ngx_http_flagship_at(root, offset)                                    \
    ((void *) ((u_char *) (root) + (offset)))

#define ngx_http_flagship_offset(root, p)                                     \
    ((uint64_t) ((u_char *) (p) - (u_char *) (root)))

#define ngx_http_flagship_live(generation, slot)                              \
    ((uint64_t) (generation) << 8 | (slot))

#define ngx_http_flagship_generation(live)  ((live) >> 8)
#define ngx_http_flagship_slot(live)        ((ngx_uint_t) ((live) & 0xff))


/* On a request's way: whether the view that the process has is still the
   newest.  Nothing is read through the value, so any order will do. */

static ngx_inline uint64_t
ngx_http_flagship_live_peek(ngx_http_flagship_root_t *root)
{
    return __atomic_load_n(&root->live, __ATOMIC_RELAXED);
}


/* The word is this process's from now on; its own bits stay. */

static ngx_inline void
ngx_http_flagship_hold_enter(ngx_http_flagship_root_t *root, ngx_uint_t word,
    ngx_pid_t pid)
{
    if (ngx_http_flagship_load(&root->holds[word]) >> 32 != (uint64_t) pid) {
        ngx_http_flagship_store(&root->holds[word], (uint64_t) pid << 32);
    }
}


static ngx_inline void
ngx_http_flagship_slot_discard(ngx_http_flagship_root_t *root, ngx_uint_t slot)
{
    ngx_http_flagship_store(&root->slots[slot].state,
                            NGX_HTTP_FLAGSHIP_SLOT_GARBAGE);
}


static ngx_inline void
ngx_http_flagship_hold_leave(ngx_http_flagship_root_t *root, ngx_uint_t word)
{
    ngx_http_flagship_store(&root->holds[word], 0);
}


static ngx_inline void
ngx_http_flagship_hold_drop(ngx_http_flagship_root_t *root, ngx_uint_t word,
    ngx_uint_t slot)
{
    (void) __atomic_fetch_and(&root->holds[word], ~((uint64_t) 1 << slot),
                              __ATOMIC_SEQ_CST);
}


/* R1 to R3.  The live catalog, held; or 0: nothing was ever published. */

static ngx_inline uint64_t
ngx_http_flagship_hold(ngx_http_flagship_root_t *root, ngx_uint_t word)
{
    uint64_t    live;
    ngx_uint_t  slot;

    live = ngx_http_flagship_load(&root->live);

    while (live) {
        slot = ngx_http_flagship_slot(live);

        (void) __atomic_fetch_or(&root->holds[word], (uint64_t) 1 << slot,
                                 __ATOMIC_SEQ_CST);

        if (ngx_http_flagship_load(&root->live) == live) {
            break;
        }

        ngx_http_flagship_hold_drop(root, word, slot);

        live = ngx_http_flagship_load(&root->live);
    }

    return live;
}


/* W1 and W2; 0: another publication came first. */

static ngx_inline ngx_uint_t
ngx_http_flagship_publish(ngx_http_flagship_root_t *root, uint64_t base,
    uint64_t live)
{
    if (!__atomic_compare_exchange_n(&root->live, &base, live, 0,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    {
        return 0;
    }

    ngx_http_flagship_store(&root->slots[ngx_http_flagship_slot(live)].owner,
                            0);
    return 1;
}


/* Short for what every file that publishes has much of. */

typedef ngx_http_flagship_publication_t      ngx_http_flagship_pub_t;
typedef ngx_http_flagship_publication_set_t  ngx_http_flagship_pub_set_t;


/* Heap and reclaim: ngx_http_flagship_zone_heap.c; the mutex is held, but for
   gone(), lock(), unlock() and garbage(). */

ngx_uint_t ngx_http_flagship_zone_gone(ngx_pid_t pid);
ngx_uint_t ngx_http_flagship_zone_lock(ngx_slab_pool_t *shpool,
    ngx_uint_t tries);
void ngx_http_flagship_zone_unlock(ngx_slab_pool_t *shpool);

void ngx_http_flagship_heap_init(ngx_http_flagship_root_t *root, size_t size,
    size_t counts);
uint64_t ngx_http_flagship_heap_size(size_t size);
void *ngx_http_flagship_heap_alloc(ngx_http_flagship_root_t *root, size_t size,
    ngx_uint_t slot, ngx_uint_t blob, uint64_t *cursor);
void ngx_http_flagship_heap_sweep(ngx_http_flagship_root_t *root);
void ngx_http_flagship_heap_stat(ngx_http_flagship_root_t *root,
    ngx_http_flagship_zone_stat_t *stat);

ngx_uint_t ngx_http_flagship_zone_garbage(ngx_http_flagship_root_t *root);
void ngx_http_flagship_zone_reclaim(ngx_http_flagship_root_t *root);

/* ngx_http_flagship_zone_view.c */

ngx_uint_t ngx_http_flagship_zone_word(void);
void ngx_http_flagship_zone_enter(ngx_http_flagship_zone_t *zone);
void ngx_http_flagship_view_update(ngx_http_flagship_zone_t *zone);
uint32_t ngx_http_flagship_catalog_hash(ngx_uint_t kind, u_char *tenant,
    size_t tenant_len, u_char *name, size_t name_len);

/* ngx_http_flagship_zone_count.c */

size_t ngx_http_flagship_counts_size(size_t size);
void ngx_http_flagship_counts_init(ngx_http_flagship_root_t *root, size_t size,
    ngx_uint_t workers);
void ngx_http_flagship_counts_take_over(ngx_http_flagship_root_t *root,
    ngx_http_flagship_root_t *old);
void ngx_http_flagship_count_enter(ngx_http_flagship_zone_t *zone);
void ngx_http_flagship_count_leave(ngx_http_flagship_zone_t *zone);
uint32_t ngx_http_flagship_count_series(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_series_name_t *name);

/* ngx_http_flagship_zone_count_map.c */

void ngx_http_flagship_count_forget(ngx_http_flagship_count_t *count);

/* ngx_http_flagship_zone_sets.c */

void ngx_http_flagship_view_unbind(ngx_http_flagship_view_t *view);

/* ngx_http_flagship_zone.c */

ngx_uint_t ngx_http_flagship_zone_leads(ngx_http_flagship_root_t *root);

/* ngx_http_flagship_zone_catalog.c */

/*
 * The catalog's size, as if no name of the base was named again; and the sum of
 * all blocks.  Finds out which blobs are the base's own.
 */
size_t ngx_http_flagship_publication_size(ngx_http_flagship_pub_t *p,
    size_t *needed);

/* ngx_http_flagship_zone_publish.c */

uint64_t ngx_http_flagship_zone_served(ngx_http_flagship_root_t *root);
void ngx_http_flagship_zone_show_revision(ngx_http_flagship_root_t *root);


#endif /* _NGX_HTTP_FLAGSHIP_ZONE_ROOT_H_INCLUDED_ */
