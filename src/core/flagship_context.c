
/*
 * Copyright (C) Flagship
 */


/*
 * Evaluation contexts that are parsed: an attribute is looked for in the nodes
 * when a rule asks for it, or all of them in one walk.
 */


#include <stdlib.h>

#include "flagship_code.h"
#include "flagship_context_plan.h"
#include "flagship_hash.h"


/* An attribute of a longer path is looked for when it is asked for. */

#define FLAGSHIP_CONTEXT_PATH  256


typedef struct {
    flagship_eval_t             *ev;
    const flagship_json_node_t  *root;
    char                         path[FLAGSHIP_CONTEXT_PATH];
} flagship_context_walk_t;


static void flagship_context_walk(flagship_context_walk_t *w,
    const flagship_json_node_t *node, size_t len);
static void flagship_context_keep(flagship_context_walk_t *w,
    const flagship_json_node_t *node, size_t len);


void
flagship_context_init(flagship_context_t *context)
{
    memset(context, 0, sizeof(flagship_context_t));

    flagship_json_init(&context->json);
}


void
flagship_context_free(flagship_context_t *context)
{
    flagship_json_free(&context->json);
    flagship_context_plan_free(&context->plan);
    free(context->names);

    flagship_context_init(context);
}


int
flagship_context_parse(flagship_context_t *context, const char *text,
    size_t len)
{
    int  rc;

    context->root = NULL;
    context->offset = 0;
    context->error = NULL;

    rc = flagship_json_parse(&context->json, text, len);

    if (rc != FLAGSHIP_OK) {
        context->offset = context->json.offset;
        context->error = context->json.error;
        return rc;
    }

    if (context->json.nodes->type != FLAGSHIP_JSON_OBJECT) {
        context->offset = flagship_json_offset(text, context->json.nodes);
        context->error = "a context must be an object";
        return FLAGSHIP_DECLINED;
    }

    context->root = context->json.nodes;

    return FLAGSHIP_OK;
}


void
flagship_context_set(flagship_context_t *context,
    const flagship_json_node_t *root)
{
    context->root = root;
    context->offset = 0;
    context->error = NULL;
}


void
flagship_context_fetch(void *data, flagship_str_t path, uint32_t hash,
    flagship_value_t *value)
{
    flagship_context_t          *context = data;
    const flagship_json_node_t  *node;

    node = context->root ? flagship_json_path(context->root, path) : NULL;

    if (node) {
        flagship_value_node(value, node);

    } else {
        value->type = FLAGSHIP_NULL;
        value->len = 0;
    }
}


void
flagship_context_fill(const flagship_context_t *context, flagship_eval_t *ev)
{
    uint32_t                  i;
    flagship_str_t            path;
    flagship_slot_t          *slot;
    flagship_context_walk_t   w;

    for (i = 0; i < ev->image->attrs.n; i++) {
        path = flagship_symbol_str(ev->image,
                                   flagship_symbols(ev->image, attrs) + i);

        /* the evaluator's own is no attribute */

        if (ev->filled[i] || path.len > FLAGSHIP_CONTEXT_PATH
            || flagship_str_is(path, "$flagd.timestamp"))
        {
            continue;
        }

        slot = &ev->slots[i];

        slot->resolved = 0;
        slot->value.type = FLAGSHIP_NULL;
        slot->value.len = 0;
        ev->filled[i] = 1;
    }

    if (context->root) {
        w.ev = ev;
        w.root = context->root;

        flagship_context_keep(&w, context->root, 0);
        flagship_context_walk(&w, context->root, 0);
    }
}


/*
 * What lies in a container, whose own path is in w->path.  Recursion is
 * bounded by the depth that JSON is read with.
 */

static void
flagship_context_walk(flagship_context_walk_t *w,
    const flagship_json_node_t *node, size_t len)
{
    char                         digits[FLAGSHIP_NUMBER_LEN];
    size_t                       start;
    uint32_t                     i, n;
    flagship_str_t               name;
    const flagship_json_node_t  *child;

    if (node->type != FLAGSHIP_JSON_OBJECT
        && node->type != FLAGSHIP_JSON_ARRAY)
    {
        return;
    }

    child = node + 1;
    n = node->len;
    start = len;

    /* nothing but the root has no step before it */

    if (node != w->root) {

        if (len == FLAGSHIP_CONTEXT_PATH) {
            return;
        }

        w->path[start++] = '.';
    }

    for (i = 0; i < n; i++, child += child->next) {

        if (node->type == FLAGSHIP_JSON_OBJECT) {
            name = flagship_json_str(child);
            child++;

        } else {
            name = flagship_str(digits, flagship_number_print(i, digits));
        }

        if (name.len > FLAGSHIP_CONTEXT_PATH - start
            || (name.len && memchr(name.data, '.', name.len)))
        {
            continue;
        }

        if (name.len) {
            memcpy(w->path + start, name.data, name.len);
        }

        /* an empty name in the root is at no path: the empty one is the
           root's own */

        if (start + name.len) {
            flagship_context_keep(w, child, start + name.len);
        }

        flagship_context_walk(w, child, start + name.len);
    }
}


/* Where the image names the path in w->path, its slot gets the value. */

static void
flagship_context_keep(flagship_context_walk_t *w,
    const flagship_json_node_t *node, size_t len)
{
    uint32_t                  hash, i, mask;
    flagship_str_t            path;
    const uint32_t           *table;
    const flagship_symbol_t  *attr;

    path = flagship_str(w->path, len);
    hash = flagship_hash32(path.data, path.len);

    table = flagship_table(w->ev->image, attr_table);
    mask = w->ev->image->attr_table.n - 1;

    for (i = hash & mask; table[i] != FLAGSHIP_NONE; i = (i + 1) & mask) {

        attr = flagship_symbols(w->ev->image, attrs) + table[i];

        if (attr->hash != hash
            || !flagship_str_eq(flagship_symbol_str(w->ev->image, attr), path))
        {
            continue;
        }

        if (!flagship_str_is(path, "$flagd.timestamp")) {
            flagship_value_node(&w->ev->slots[table[i]].value, node);
        }

        return;
    }
}
