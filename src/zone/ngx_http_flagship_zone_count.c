
/*
 * Copyright (C) Flagship
 */


/*
 * The counters' part of the zone, between the root and the heap:
 *
 *     head | columns: who writes each | series: whose count a row is
 *          | table of series by name, open addressing
 *          | cells: columns x series | strings
 *
 * A series is only ever added, without a lock: its place is taken by a compare
 * and swap of a counter, its record written, and then it is linked into the
 * table by a compare and swap of an empty place.  Who dies in between, or
 * loses the place to another with the same name, leaves a record that nobody
 * finds.  The first series is that of everything for which there is no room.
 *
 * A column belongs to one process; a worker that starts takes one that has no
 * owner or a dead one's.  The first column has no owner: those for which no
 * column is left add to it atomically.  There are two columns a worker, as a
 * reload has two generations of workers at once.
 */


#include "ngx_http_flagship_zone_root.h"
#include "ngx_http_flagship_zone_count.h"


/* bytes of names that a series has room for, on average */
#define NGX_HTTP_FLAGSHIP_COUNT_NAMES    48

#define NGX_HTTP_FLAGSHIP_COUNT_COLUMNS  257     /* at most */


typedef struct {
    uint32_t                   columns;
    uint32_t                   series;     /* room for so many */
    uint32_t                   stride;     /* cells of a column */
    uint32_t                   mask;       /* places of the table, less 1 */
    uint32_t                   bytes;      /* room for names */
    uint32_t                   reserved;
    uint32_t                   nseries;    /* taken */
    uint32_t                   nbytes;
    uint64_t                   full;       /* said so */
    uint64_t                   padding[3];
} ngx_http_flagship_counts_t;

typedef struct {
    uint64_t                   owner;      /* pid, or 0 */
    ngx_http_flagship_calls_t  calls;
    uint64_t                   reserved[2];
} ngx_http_flagship_column_t;

typedef struct {
    uint32_t                   hash;
    uint32_t                   names;      /* tenant, environment, flag,
                                              variant: offset in the strings */
    uint16_t                   len[4];
    uint32_t                   reason;
    uint32_t                   reserved;
} ngx_http_flagship_series_t;


#define ngx_http_flagship_counts_columns(c)                                   \
    ((ngx_http_flagship_column_t *) ((c) + 1))

#define ngx_http_flagship_counts_series(c)                                    \
    ((ngx_http_flagship_series_t *)                                           \
         (ngx_http_flagship_counts_columns(c) + (c)->columns))

#define ngx_http_flagship_counts_cells(c)                                     \
    ((uint64_t *) (ngx_http_flagship_counts_series(c) + (c)->stride))

#define ngx_http_flagship_counts_table(c)                                     \
    ((uint32_t *) (ngx_http_flagship_counts_cells(c)                          \
                   + (size_t) (c)->columns * (c)->stride))

#define ngx_http_flagship_counts_strings(c)                                   \
    ((u_char *) (ngx_http_flagship_counts_table(c) + (c)->mask + 1))


static ngx_http_flagship_counts_t *ngx_http_flagship_counts(
    ngx_http_flagship_root_t *root);
static uint32_t ngx_http_flagship_series_find(
    ngx_http_flagship_counts_t *counts, ngx_http_flagship_series_name_t *name);
static uint32_t ngx_http_flagship_series_add(
    ngx_http_flagship_counts_t *counts, ngx_http_flagship_series_name_t *name,
    uint32_t hash);
static ngx_uint_t ngx_http_flagship_series_is(
    ngx_http_flagship_counts_t *counts, uint32_t i,
    ngx_http_flagship_series_name_t *name, uint32_t hash);
static uint32_t ngx_http_flagship_series_hash(
    ngx_http_flagship_series_name_t *name);
static ngx_uint_t ngx_http_flagship_series_take(uint32_t *used, uint32_t n,
    uint32_t room, uint32_t *first);
static void ngx_http_flagship_counts_get(ngx_http_flagship_counts_t *counts,
    uint32_t i, ngx_http_flagship_counted_t *counted);


/* The part's size for a zone of "size" bytes: nothing for one that is small. */

size_t
ngx_http_flagship_counts_size(size_t size)
{
    return ngx_align(size / 16, NGX_HTTP_FLAGSHIP_ZONE_ALIGN);
}


/*
 * Lays the part out, which is zeroed: as many series as there is room for with
 * the columns of so many workers.  Without room for any, nothing is counted.
 */

void
ngx_http_flagship_counts_init(ngx_http_flagship_root_t *root, size_t size,
    ngx_uint_t workers)
{
    size_t                       fixed, each, columns, n, table;
    uint32_t                    *place;
    ngx_http_flagship_counts_t  *counts;

    columns = ngx_min(1 + 2 * ngx_max(workers, 1),
                      NGX_HTTP_FLAGSHIP_COUNT_COLUMNS);

    fixed = sizeof(ngx_http_flagship_counts_t)
            + columns * sizeof(ngx_http_flagship_column_t);

    /* the table is a power of two, at most half full */

    each = sizeof(ngx_http_flagship_series_t) + columns * sizeof(uint64_t)
           + 4 * sizeof(uint32_t) + NGX_HTTP_FLAGSHIP_COUNT_NAMES;

    if (size < fixed + 8 * each) {
        return;
    }

    n = ngx_min((size - fixed) / each, 0x10000000) & ~((size_t) 7);

    for (table = 16; table < 2 * n; table *= 2) { /* void */ }

    counts = ngx_http_flagship_at(root, root->counts);

    counts->columns = columns;
    counts->series = n;
    counts->stride = n;
    counts->mask = table - 1;
    counts->nseries = 1;

    place = ngx_http_flagship_counts_table(counts);

    ngx_memset(place, 0xff, table * sizeof(uint32_t));

    counts->bytes = (u_char *) counts + size
                    - ngx_http_flagship_counts_strings(counts);
}


static ngx_http_flagship_counts_t *
ngx_http_flagship_counts(ngx_http_flagship_root_t *root)
{
    ngx_http_flagship_counts_t  *counts;

    if (root->counts == 0) {
        return NULL;
    }

    counts = ngx_http_flagship_at(root, root->counts);

    return counts->series ? counts : NULL;
}


/* A worker begins: a column. */

void
ngx_http_flagship_count_enter(ngx_http_flagship_zone_t *zone)
{
    uint32_t                     i;
    uint64_t                     owner, *cells;
    ngx_http_flagship_counts_t  *counts;
    ngx_http_flagship_column_t  *column;

    ngx_memzero(&zone->count, sizeof(ngx_http_flagship_count_t));

    counts = ngx_http_flagship_counts(zone->root);
    if (counts == NULL) {
        return;
    }

    cells = ngx_http_flagship_counts_cells(counts);

    for (i = 1; i < counts->columns; i++) {
        column = &ngx_http_flagship_counts_columns(counts)[i];
        owner = ngx_http_flagship_load(&column->owner);

        if ((owner == 0 || owner == (uint64_t) ngx_pid
             || ngx_http_flagship_zone_gone((ngx_pid_t) owner))
            && __atomic_compare_exchange_n(&column->owner, &owner,
                                           (uint64_t) ngx_pid, 0,
                                           __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST))
        {
            zone->count.owner = &column->owner;
            zone->count.calls = &column->calls;

            column->calls.idle = 0;
            column->calls.busy = 0;
            column->calls.waiting = 0;

            zone->count.cells = cells + (size_t) i * counts->stride;
            return;
        }
    }

    zone->count.cells = cells;
}


void
ngx_http_flagship_count_leave(ngx_http_flagship_zone_t *zone)
{
    ngx_http_flagship_count_forget(&zone->count);

    if (zone->count.owner) {
        ngx_http_flagship_store(zone->count.owner, 0);
    }

    ngx_memzero(&zone->count, sizeof(ngx_http_flagship_count_t));
}


uint32_t
ngx_http_flagship_count_series(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_series_name_t *name)
{
    uint32_t                     series;
    ngx_http_flagship_counts_t  *counts;

    counts = ngx_http_flagship_counts(zone->root);
    series = ngx_http_flagship_series_find(counts, name);

    if (series == NGX_HTTP_FLAGSHIP_COUNT_OTHER
        && __atomic_exchange_n(&counts->full, 1, __ATOMIC_SEQ_CST) == 0)
    {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "flagship: zone \"%V\" counts %uD combinations of flag, "
                      "variant and reason and has no room for more: others "
                      "are counted as one", &zone->name, counts->nseries);
    }

    return series;
}


static uint32_t
ngx_http_flagship_series_find(ngx_http_flagship_counts_t *counts,
    ngx_http_flagship_series_name_t *name)
{
    uint32_t   hash, i, made, *place, series;

    hash = ngx_http_flagship_series_hash(name);
    made = NGX_HTTP_FLAGSHIP_COUNT_OTHER;

    for (i = hash; /* void */ ; i++) {
        place = &ngx_http_flagship_counts_table(counts)[i & counts->mask];

        series = __atomic_load_n(place, __ATOMIC_ACQUIRE);

        if (series == NGX_HTTP_FLAGSHIP_TABLE_EMPTY) {

            if (made == NGX_HTTP_FLAGSHIP_COUNT_OTHER) {
                made = ngx_http_flagship_series_add(counts, name, hash);

                if (made == NGX_HTTP_FLAGSHIP_COUNT_OTHER) {
                    return made;
                }
            }

            if (__atomic_compare_exchange_n(place, &series, made, 0,
                                            __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE))
            {
                return made;
            }

            /* it is another's by now, maybe of the same name */
        }

        if (ngx_http_flagship_series_is(counts, series, name, hash)) {
            return series;
        }
    }
}


/* A record that is not linked yet; OTHER: no room.  The table has place for
   twice as many as there are records. */

static uint32_t
ngx_http_flagship_series_add(ngx_http_flagship_counts_t *counts,
    ngx_http_flagship_series_name_t *name, uint32_t hash)
{
    u_char                      *p;
    size_t                       len;
    uint32_t                     i, n, names;
    ngx_http_flagship_series_t  *series;

    for (len = 0, i = 0; i < 4; i++) {
        len += name->names[i].len;
    }

    if (len > counts->bytes
        || !ngx_http_flagship_series_take(&counts->nseries, 1, counts->series,
                                          &n)
        || !ngx_http_flagship_series_take(&counts->nbytes, len, counts->bytes,
                                          &names))
    {
        return NGX_HTTP_FLAGSHIP_COUNT_OTHER;
    }

    series = &ngx_http_flagship_counts_series(counts)[n];

    series->hash = hash;
    series->names = names;
    series->reason = name->reason;

    p = ngx_http_flagship_counts_strings(counts) + names;

    for (i = 0; i < 4; i++) {
        series->len[i] = name->names[i].len;
        p = ngx_cpymem(p, name->names[i].data, name->names[i].len);
    }

    return n;
}


static ngx_uint_t
ngx_http_flagship_series_take(uint32_t *used, uint32_t n, uint32_t room,
    uint32_t *first)
{
    *first = __atomic_load_n(used, __ATOMIC_SEQ_CST);

    do {
        if (room - *first < n) {
            return 0;
        }

    } while (!__atomic_compare_exchange_n(used, first, *first + n, 0,
                                          __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));

    return 1;
}


static ngx_uint_t
ngx_http_flagship_series_is(ngx_http_flagship_counts_t *counts, uint32_t i,
    ngx_http_flagship_series_name_t *name, uint32_t hash)
{
    u_char                      *p;
    ngx_uint_t                   k;
    ngx_http_flagship_series_t  *series;

    series = &ngx_http_flagship_counts_series(counts)[i];

    if (series->hash != hash || series->reason != name->reason) {
        return 0;
    }

    p = ngx_http_flagship_counts_strings(counts) + series->names;

    for (k = 0; k < 4; k++) {
        if (series->len[k] != name->names[k].len
            || ngx_memcmp(p, name->names[k].data, series->len[k]) != 0)
        {
            return 0;
        }

        p += series->len[k];
    }

    return 1;
}


/* FNV-1a, with each length before its text. */

static uint32_t
ngx_http_flagship_series_hash(ngx_http_flagship_series_name_t *name)
{
    size_t      n;
    uint32_t    hash;
    ngx_uint_t  i;

    hash = 2166136261u ^ name->reason;

    for (i = 0; i < 4; i++) {
        hash = (hash ^ (uint32_t) name->names[i].len) * 16777619u;

        for (n = 0; n < name->names[i].len; n++) {
            hash = (hash ^ name->names[i].data[n]) * 16777619u;
        }
    }

    return hash ^ hash >> 15;
}


/*
 * Into a zone of another size: all totals of the old one go to the new one's
 * column without an owner.  What old workers count from now on stays behind.
 * In the master, before the zone has any worker.
 */

void
ngx_http_flagship_counts_take_over(ngx_http_flagship_root_t *root,
    ngx_http_flagship_root_t *old)
{
    uint32_t                          i, series;
    ngx_http_flagship_calls_t        *calls;
    ngx_http_flagship_counted_t       counted;
    ngx_http_flagship_counts_t       *to, *from;
    ngx_http_flagship_series_name_t   name;

    to = ngx_http_flagship_counts(root);
    from = ngx_http_flagship_counts(old);

    if (to == NULL || from == NULL) {
        return;
    }

    calls = &ngx_http_flagship_counts_columns(to)->calls;

    for (i = 0; i < from->columns; i++) {
        calls->refused += ngx_http_flagship_load(
                &ngx_http_flagship_counts_columns(from)[i].calls.refused);
        calls->unknown += ngx_http_flagship_load(
                &ngx_http_flagship_counts_columns(from)[i].calls.unknown);
    }

    ngx_http_flagship_counts_get(from, NGX_HTTP_FLAGSHIP_COUNT_OTHER,
                                 &counted);

    ngx_http_flagship_counts_cells(to)[NGX_HTTP_FLAGSHIP_COUNT_OTHER]
        += counted.n;

    for (i = 0; i <= from->mask; i++) {
        series = ngx_http_flagship_load(
                     &ngx_http_flagship_counts_table(from)[i]);

        if (series == NGX_HTTP_FLAGSHIP_TABLE_EMPTY) {
            continue;
        }

        ngx_http_flagship_counts_get(from, series, &counted);

        name.names[0] = counted.tenant;
        name.names[1] = counted.environment;
        name.names[2] = counted.flag;
        name.names[3] = counted.variant;
        name.reason = counted.reason;

        series = ngx_http_flagship_series_find(to, &name);
        ngx_http_flagship_counts_cells(to)[series] += counted.n;
    }
}


/* A worker without a column of its own shows nothing. */

void
ngx_http_flagship_calls_show(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_calls_t *calls)
{
    ngx_http_flagship_calls_t  *to, *last;

    to = zone->count.calls;
    last = &zone->count.shown;

    if (to == NULL) {
        return;
    }

    ngx_http_flagship_store(&to->idle, calls->idle);
    ngx_http_flagship_store(&to->busy, calls->busy);
    ngx_http_flagship_store(&to->waiting, calls->waiting);
    ngx_http_flagship_store(&to->refused,
                            to->refused + calls->refused - last->refused);
    ngx_http_flagship_store(&to->unknown,
                            to->unknown + calls->unknown - last->unknown);

    *last = *calls;
}


void
ngx_http_flagship_calls_sum(ngx_http_flagship_zone_t *zone,
    ngx_http_flagship_calls_t *sum)
{
    uint32_t                     i;
    uint64_t                     owner;
    ngx_http_flagship_calls_t   *calls;
    ngx_http_flagship_counts_t  *counts;
    ngx_http_flagship_column_t  *column;

    ngx_memzero(sum, sizeof(ngx_http_flagship_calls_t));

    counts = ngx_http_flagship_counts(zone->root);

    if (counts == NULL) {
        return;
    }

    for (i = 0; i < counts->columns; i++) {
        column = &ngx_http_flagship_counts_columns(counts)[i];
        calls = &column->calls;

        sum->refused += ngx_http_flagship_load(&calls->refused);
        sum->unknown += ngx_http_flagship_load(&calls->unknown);

        owner = ngx_http_flagship_load(&column->owner);

        if (owner && !ngx_http_flagship_zone_gone((ngx_pid_t) owner)) {
            sum->idle += ngx_http_flagship_load(&calls->idle);
            sum->busy += ngx_http_flagship_load(&calls->busy);
            sum->waiting += ngx_http_flagship_load(&calls->waiting);
        }
    }
}


ngx_uint_t
ngx_http_flagship_counted(ngx_http_flagship_zone_t *zone, ngx_uint_t *next,
    ngx_http_flagship_counted_t *counted)
{
    uint32_t                     series;
    ngx_http_flagship_counts_t  *counts;

    counts = ngx_http_flagship_counts(zone->root);

    if (counts == NULL) {
        return 0;
    }

    if (*next == 0) {
        *next = 1;
        ngx_http_flagship_counts_get(counts, NGX_HTTP_FLAGSHIP_COUNT_OTHER,
                                     counted);
        return 1;
    }

    while (*next <= counts->mask + 1) {
        series = ngx_http_flagship_load(
                     &ngx_http_flagship_counts_table(counts)[*next - 1]);

        (*next)++;

        if (series != NGX_HTTP_FLAGSHIP_TABLE_EMPTY) {
            ngx_http_flagship_counts_get(counts, series, counted);
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_flagship_counts_get(ngx_http_flagship_counts_t *counts, uint32_t i,
    ngx_http_flagship_counted_t *counted)
{
    u_char                      *p;
    uint64_t                    *cell;
    ngx_uint_t                   k;
    ngx_str_t                   *names[4];
    ngx_http_flagship_series_t  *series;

    series = &ngx_http_flagship_counts_series(counts)[i];

    names[0] = &counted->tenant;
    names[1] = &counted->environment;
    names[2] = &counted->flag;
    names[3] = &counted->variant;

    p = ngx_http_flagship_counts_strings(counts) + series->names;

    for (k = 0; k < 4; k++) {
        names[k]->data = p;
        names[k]->len = series->len[k];
        p += series->len[k];
    }

    counted->reason = series->reason;
    counted->other = (i == NGX_HTTP_FLAGSHIP_COUNT_OTHER);
    counted->n = 0;

    cell = ngx_http_flagship_counts_cells(counts) + i;

    for (k = 0; k < counts->columns; k++) {
        counted->n += __atomic_load_n(cell, __ATOMIC_RELAXED);
        cell += counts->stride;
    }
}
