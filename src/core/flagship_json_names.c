
/*
 * Copyright (C) Flagship
 */


/*
 * Duplicate names of an object.
 *
 * The names of a large object go through a hash table.  Its hash is no secret,
 * so names may be made to collide; therefore the steps in the table have a
 * budget, and where it is exhausted the names are sorted instead, which takes
 * n log n comparisons whatever they are.
 *
 * Runs as a part of the parser, in its thread.
 */


#include "flagship_json_parser.h"
#include "flagship_hash.h"

#include <stdlib.h>
#include <string.h>


static int flagship_json_unique_hashed(flagship_json_t *json,
    const flagship_json_node_t *object, size_t mask, uint32_t *duplicate);
static int flagship_json_unique_sorted(flagship_json_t *json,
    const flagship_json_node_t *object, uint32_t *duplicate);
static void flagship_json_sift(const flagship_json_node_t *nodes,
    uint64_t *heap, size_t i, size_t n);
static int flagship_json_compare_names(const flagship_json_node_t *a,
    const flagship_json_node_t *b);


int
flagship_json_has_name(const flagship_json_node_t *object, uint32_t n,
    const flagship_json_node_t *name)
{
    const flagship_json_node_t  *node;

    for (node = object + 1; n; n--) {

        if (node->len == name->len
            && memcmp(node->str, name->str, name->len) == 0)
        {
            return 1;
        }

        node++;
        node += node->next;
    }

    return 0;
}


int
flagship_json_unique(flagship_json_t *json,
    const flagship_json_node_t *object, uint32_t *duplicate)
{
    int        rc;
    size_t     size;
    uint64_t  *table;

    for (size = 64; size < (size_t) object->len * 2; size *= 2) {
        /* void */
    }

    if (size > json->ntable) {
        table = realloc(json->table, size * sizeof(uint64_t));
        if (table == NULL) {
            return FLAGSHIP_ERROR;
        }

        json->table = table;
        json->ntable = size;
    }

    rc = flagship_json_unique_hashed(json, object, size - 1, duplicate);

    if (rc == FLAGSHIP_ERROR) {
        return flagship_json_unique_sorted(json, object, duplicate);
    }

    return rc;
}


/*
 * An entry is a hash above an index, 0 where it is empty: no name is the
 * document's first node.  FLAGSHIP_ERROR: the budget is exhausted.
 */

static int
flagship_json_unique_hashed(flagship_json_t *json,
    const flagship_json_node_t *object, size_t mask, uint32_t *duplicate)
{
    size_t                       i, budget;
    uint32_t                     n, hash;
    uint64_t                    *table;
    const flagship_json_node_t  *name, *other;

    table = json->table;
    budget = (size_t) object->len * 4 + 64;

    memset(table, 0, (mask + 1) * sizeof(uint64_t));

    name = object + 1;

    for (n = object->len; n; n--) {

        hash = flagship_hash32(name->str, name->len);

        for (i = hash & mask; table[i]; i = (i + 1) & mask) {

            if (budget-- == 0) {
                return FLAGSHIP_ERROR;
            }

            if (table[i] >> 32 != hash) {
                continue;
            }

            other = &json->nodes[(uint32_t) table[i]];

            if (flagship_json_compare_names(name, other) == 0) {
                *duplicate = (uint32_t) (name - json->nodes);
                return FLAGSHIP_DECLINED;
            }
        }

        table[i] = (uint64_t) hash << 32 | (uint64_t) (name - json->nodes);

        name++;
        name += name->next;
    }

    return FLAGSHIP_OK;
}


/* A heap sort, in the table's memory. */

static int
flagship_json_unique_sorted(flagship_json_t *json,
    const flagship_json_node_t *object, uint32_t *duplicate)
{
    size_t                       i, n;
    uint64_t                    *heap, t;
    const flagship_json_node_t  *name, *nodes;

    nodes = json->nodes;
    heap = json->table;
    n = object->len;

    for (name = object + 1, i = 0; i < n; i++) {
        heap[i] = (uint64_t) (name - nodes);
        name++;
        name += name->next;
    }

    for (i = n / 2; i--; /* void */ ) {
        flagship_json_sift(nodes, heap, i, n);
    }

    for (i = n; i-- > 1; /* void */ ) {
        t = heap[0];
        heap[0] = heap[i];
        heap[i] = t;

        flagship_json_sift(nodes, heap, 0, i);

        /* what was taken off before is the neighbour in order */

        if (i + 1 < n
            && flagship_json_compare_names(&nodes[t], &nodes[heap[i + 1]])
               == 0)
        {
            *duplicate = (uint32_t) (t > heap[i + 1] ? t : heap[i + 1]);
            return FLAGSHIP_DECLINED;
        }
    }

    if (flagship_json_compare_names(&nodes[heap[0]], &nodes[heap[1]]) == 0) {
        *duplicate = (uint32_t) (heap[0] > heap[1] ? heap[0] : heap[1]);
        return FLAGSHIP_DECLINED;
    }

    return FLAGSHIP_OK;
}


static void
flagship_json_sift(const flagship_json_node_t *nodes, uint64_t *heap,
    size_t i, size_t n)
{
    size_t    child;
    uint64_t  t;

    t = heap[i];

    for ( ;; ) {
        child = 2 * i + 1;

        if (child >= n) {
            break;
        }

        if (child + 1 < n
            && flagship_json_compare_names(&nodes[heap[child + 1]],
                                           &nodes[heap[child]])
               > 0)
        {
            child++;
        }

        if (flagship_json_compare_names(&nodes[heap[child]], &nodes[t]) <= 0) {
            break;
        }

        heap[i] = heap[child];
        i = child;
    }

    heap[i] = t;
}


/* Some order: by length, then by bytes. */

static int
flagship_json_compare_names(const flagship_json_node_t *a,
    const flagship_json_node_t *b)
{
    if (a->len != b->len) {
        return (a->len < b->len) ? -1 : 1;
    }

    return memcmp(a->str, b->str, a->len);
}
