
/*
 * Copyright (C) Flagship
 */


/*
 * Arrays: made of registers and literals, looked into, looped over.
 *
 * What is made lies in the scratch block as nodes of flagship_json.h, so that
 * it is like what a context brings.  A loop runs its body as code of the same
 * frame; loops nest as deep as the verifier allows, and all of them together
 * take at most FLAGSHIP_MAX_STEPS turns in an evaluation.
 */


#include <string.h>

#include "flagship_frame.h"


static void flagship_array_of(flagship_eval_t *ev,
    const flagship_value_t *list, uint32_t n, int merge,
    flagship_value_t *dst);
static uint32_t flagship_array_nodes(const flagship_value_t *v);
static flagship_json_node_t *flagship_array_put(flagship_json_node_t *node,
    const flagship_value_t *v);
static void flagship_array_literal(flagship_eval_t *ev, const char *chunk,
    uint32_t offset, flagship_value_t *dst);
static void flagship_array_element(const flagship_value_t *v,
    const flagship_value_t *path, flagship_value_t *dst);
static void flagship_array_pair(flagship_eval_t *ev,
    const flagship_value_t *current, const flagship_value_t *accumulator,
    flagship_value_t *dst);
static void flagship_array_missing(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst);
static void flagship_array_enough(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst);


static inline int
flagship_array_is(const flagship_value_t *v)
{
    return v->type == FLAGSHIP_JSON
           && v->u.node->type == FLAGSHIP_JSON_ARRAY;
}


void
flagship_eval_array(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst)
{
    flagship_value_t  a, b;

    switch (code->op) {

    case FLAGSHIP_OP_ARRAY:
    case FLAGSHIP_OP_MERGE:
        flagship_array_of(ev, &fr->reg[code->a & ~FLAGSHIP_REGISTER],
                          code->imm, code->op == FLAGSHIP_OP_MERGE, dst);
        return;

    case FLAGSHIP_OP_ITEMS:
        flagship_array_literal(ev, fr->chunk, code->imm, dst);
        return;

    case FLAGSHIP_OP_ELEMENT:
    case FLAGSHIP_OP_PAIR:

        /* dst may be one of them */

        a = *flagship_eval_operand(ev, fr, code->a);
        b = *flagship_eval_operand(ev, fr, code->imm);

        if (code->op == FLAGSHIP_OP_ELEMENT) {
            flagship_array_element(&a, &b, dst);

        } else {
            flagship_array_pair(ev, &a, &b, dst);
        }

        return;

    case FLAGSHIP_OP_MISSING:
        flagship_array_missing(ev, fr, code, dst);
        return;

    default: /* FLAGSHIP_OP_ENOUGH */
        flagship_array_enough(ev, fr, code, dst);
    }
}


/* An array of values; where "merge" is set, arrays among them stand for their
   elements. */

static void
flagship_array_of(flagship_eval_t *ev, const flagship_value_t *list,
    uint32_t n, int merge, flagship_value_t *dst)
{
    uint32_t               i, len, nodes;
    flagship_json_node_t  *array, *next;

    nodes = 1;

    for (i = 0; i < n; i++) {
        nodes += flagship_array_nodes(&list[i]);
    }

    array = flagship_scratch_alloc(ev->scratch,
                                   nodes * sizeof(flagship_json_node_t));
    if (array == NULL) {
        flagship_value_null(dst);
        return;
    }

    next = array + 1;
    len = 0;

    for (i = 0; i < n; i++) {

        if (merge && flagship_array_is(&list[i])) {
            memcpy(next, list[i].u.node + 1, (list[i].u.node->next - 1)
                                             * sizeof(flagship_json_node_t));
            next += list[i].u.node->next - 1;
            len += list[i].u.node->len;

        } else {
            next = flagship_array_put(next, &list[i]);
            len++;
        }
    }

    memset(array, 0, sizeof(flagship_json_node_t));

    array->type = FLAGSHIP_JSON_ARRAY;
    array->len = len;
    array->next = next - array;

    dst->type = FLAGSHIP_JSON;
    dst->u.node = array;
}


static uint32_t
flagship_array_nodes(const flagship_value_t *v)
{
    return v->type == FLAGSHIP_JSON ? v->u.node->next : 1;
}


static flagship_json_node_t *
flagship_array_put(flagship_json_node_t *node, const flagship_value_t *v)
{
    static const uint8_t  types[] = {
        [FLAGSHIP_NULL] = FLAGSHIP_JSON_NULL,
        [FLAGSHIP_FALSE] = FLAGSHIP_JSON_FALSE,
        [FLAGSHIP_TRUE] = FLAGSHIP_JSON_TRUE,
        [FLAGSHIP_NUMBER] = FLAGSHIP_JSON_NUMBER,
        [FLAGSHIP_STRING] = FLAGSHIP_JSON_STRING
    };

    if (v->type == FLAGSHIP_JSON) {
        memcpy(node, v->u.node, v->u.node->next
                                * sizeof(flagship_json_node_t));
        return node + v->u.node->next;
    }

    memset(node, 0, sizeof(flagship_json_node_t));

    node->type = types[v->type];
    node->exact = 1;
    node->next = 1;

    if (v->type == FLAGSHIP_NUMBER) {
        node->made = 1;
        node->value = v->u.number;

    } else if (v->type == FLAGSHIP_STRING) {
        node->str = v->u.str;
        node->len = v->len;
    }

    return node + 1;
}


static void
flagship_array_literal(flagship_eval_t *ev, const char *chunk,
    uint32_t offset, flagship_value_t *dst)
{
    uint32_t                         i;
    flagship_json_node_t            *node;
    const flagship_item_node_t      *item;
    const flagship_items_literal_t  *items;

    items = (const flagship_items_literal_t *) (chunk + offset);
    item = (const flagship_item_node_t *) (items + 1);

    node = flagship_scratch_alloc(ev->scratch,
                                  items->n * sizeof(flagship_json_node_t));
    if (node == NULL) {
        flagship_value_null(dst);
        return;
    }

    for (i = 0; i < items->n; i++) {
        memset(&node[i], 0, sizeof(flagship_json_node_t));

        node[i].type = item[i].type;
        node[i].exact = 1;
        node[i].len = item[i].len;
        node[i].next = item[i].next;

        if (item[i].type == FLAGSHIP_JSON_NUMBER) {
            node[i].made = 1;
            node[i].value = item[i].number;

        } else {
            node[i].str = chunk + item[i].str;
        }
    }

    dst->type = FLAGSHIP_JSON;
    dst->u.node = node;
}


/* What "var" sees inside a loop. */

static void
flagship_array_element(const flagship_value_t *v,
    const flagship_value_t *path, flagship_value_t *dst)
{
    char                         buf[FLAGSHIP_NUMBER_LEN];
    flagship_str_t               name;
    const flagship_json_node_t  *node;

    if (path->type == FLAGSHIP_JSON) {
        name = flagship_str("", 0);

    } else {
        (void) flagship_value_text(path, buf, sizeof(buf), &name);
    }

    if (name.len == 0) {
        *dst = *v;
        return;
    }

    node = v->type == FLAGSHIP_JSON ? flagship_json_path(v->u.node, name)
                                    : NULL;

    if (node) {
        flagship_value_node(dst, node);

    } else {
        flagship_value_null(dst);
    }
}


static void
flagship_array_pair(flagship_eval_t *ev, const flagship_value_t *current,
    const flagship_value_t *accumulator, flagship_value_t *dst)
{
    uint32_t               n;
    flagship_value_t       name;
    flagship_json_node_t  *object, *next;

    n = 3 + flagship_array_nodes(current) + flagship_array_nodes(accumulator);

    object = flagship_scratch_alloc(ev->scratch,
                                    n * sizeof(flagship_json_node_t));
    if (object == NULL) {
        flagship_value_null(dst);
        return;
    }

    memset(object, 0, sizeof(flagship_json_node_t));

    object->type = FLAGSHIP_JSON_OBJECT;
    object->len = 2;
    object->next = n;

    flagship_value_string(&name, flagship_str("current", 7));
    next = flagship_array_put(object + 1, &name);
    next = flagship_array_put(next, current);

    flagship_value_string(&name, flagship_str("accumulator", 11));
    next = flagship_array_put(next, &name);
    (void) flagship_array_put(next, accumulator);

    dst->type = FLAGSHIP_JSON;
    dst->u.node = object;
}


/* A first key that is an array is the list of keys. */

static void
flagship_array_missing(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst)
{
    char                         buf[FLAGSHIP_NUMBER_LEN];
    uint32_t                     i, len, n;
    flagship_str_t               name;
    flagship_value_t             key, keys, v, *list;
    const flagship_json_node_t  *node;

    keys = *flagship_eval_operand(ev, fr, code->a);

    flagship_value_null(dst);

    if (!flagship_array_is(&keys)) {
        return;
    }

    node = keys.u.node + 1;
    len = keys.u.node->len;

    if (len && node->type == FLAGSHIP_JSON_ARRAY) {
        len = node->len;
        node++;
    }

    list = flagship_scratch_alloc(ev->scratch,
                                  len * sizeof(flagship_value_t));
    if (list == NULL) {
        return;
    }

    n = 0;

    for (i = 0; i < len; i++, node += node->next) {
        flagship_value_node(&key, node);

        if (code->imm != FLAGSHIP_NONE) {
            flagship_array_element(flagship_eval_operand(ev, fr, code->imm),
                                   &key, &v);

        } else if (key.type == FLAGSHIP_JSON) {
            flagship_value_null(&v);

        } else {
            (void) flagship_value_text(&key, buf, sizeof(buf), &name);
            flagship_eval_lookup(ev, name, &v);
        }

        if (v.type == FLAGSHIP_NULL) {
            list[n++] = key;
        }
    }

    flagship_array_of(ev, list, n, 0, dst);
}


static void
flagship_array_enough(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst)
{
    double            need;
    flagship_value_t  keys, missing;

    need = flagship_value_number(flagship_eval_operand(ev, fr, code->a));
    keys = *flagship_eval_operand(ev, fr, code->imm);
    missing = *flagship_eval_operand(ev, fr, code->aux);

    if (!flagship_array_is(&keys) || !flagship_array_is(&missing)) {
        flagship_array_of(ev, NULL, 0, 0, dst);

    } else if ((double) (keys.u.node->len - missing.u.node->len) >= need) {
        flagship_array_of(ev, NULL, 0, 0, dst);

    } else {
        *dst = missing;
    }
}


/*
 * map, filter, all, some, none, reduce.  Of what is no array: [], [], false,
 * false, true, and the accumulator as it is.
 */

void
flagship_eval_loop(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst)
{
    int                          truth;
    uint32_t                     i, n, kept, used;
    flagship_value_t             array, *element, *list;
    flagship_scratch_t          *s;
    const flagship_json_node_t  *node;

    s = ev->scratch;
    array = *flagship_eval_operand(ev, fr, code->a);
    element = &fr->reg[code->imm & ~FLAGSHIP_REGISTER];

    node = NULL;
    n = 0;

    if (flagship_array_is(&array)) {
        node = array.u.node + 1;
        n = array.u.node->len;
    }

    list = NULL;
    kept = 0;

    if (code->op == FLAGSHIP_OP_MAP || code->op == FLAGSHIP_OP_FILTER) {
        list = flagship_scratch_alloc(s, n * sizeof(flagship_value_t));
        if (list == NULL) {
            flagship_value_null(dst);
            return;
        }
    }

    for (i = 0; i < n; i++, node += node->next) {
        flagship_value_node(element, node);

        used = s->used;

        if (s->steps == 0 || !flagship_eval_body(ev, fr, code + 1)) {
            s->spilled++;
            flagship_value_null(dst);
            return;
        }

        s->steps--;

        if (code->op == FLAGSHIP_OP_MAP) {
            list[kept++] = fr->yield;
            continue;
        }

        if (code->op == FLAGSHIP_OP_REDUCE) {
            fr->reg[code->aux & ~FLAGSHIP_REGISTER] = fr->yield;
            continue;
        }

        truth = flagship_value_truth(&fr->yield);

        /* of the body nothing but its truth is left */
        s->used = used;

        if (code->op == FLAGSHIP_OP_FILTER) {

            if (truth) {
                flagship_value_node(&list[kept++], node);
            }

        } else if (truth != (code->op == FLAGSHIP_OP_ALL)) {
            flagship_value_bool(dst, code->op == FLAGSHIP_OP_SOME);
            return;
        }
    }

    switch (code->op) {

    case FLAGSHIP_OP_MAP:
    case FLAGSHIP_OP_FILTER:
        flagship_array_of(ev, list, kept, 0, dst);
        return;

    case FLAGSHIP_OP_REDUCE:
        *dst = fr->reg[code->aux & ~FLAGSHIP_REGISTER];
        return;

    default:
        flagship_value_bool(dst, code->op == FLAGSHIP_OP_NONE
                                 || (code->op == FLAGSHIP_OP_ALL && n));
    }
}
