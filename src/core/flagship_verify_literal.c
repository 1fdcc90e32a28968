
/*
 * Copyright (C) Flagship
 */


/*
 * The proof of literals: what an instruction refers to, in its chunk or in the
 * image, lies within bounds and is what the instruction takes it for.
 */


#include <math.h>
#include <string.h>

#include "flagship_json.h"
#include "flagship_net.h"
#include "flagship_regex.h"
#include "flagship_value.h"
#include "flagship_verify.h"


static int flagship_verify_version(flagship_verify_t *v, uint32_t offset);
static int flagship_verify_ranges(flagship_verify_t *v, uint32_t offset);
static int flagship_verify_split(flagship_verify_t *v, uint32_t offset);
static int flagship_verify_items(flagship_verify_t *v, uint32_t offset);
static int flagship_verify_item(flagship_verify_t *v,
    const flagship_item_node_t *item, uint32_t n, unsigned depth);


int
flagship_verify_literals(flagship_verify_t *v, const flagship_code_t *code,
    unsigned shape)
{
    double  number;

    if (shape & FLAGSHIP_SHAPE_NUMBER) {

        if (!flagship_verify_bytes(v, code->imm, sizeof(double))) {
            return flagship_verify_fail(v, "a number is out of bounds");
        }

        memcpy(&number, v->chunk + code->imm, sizeof(double));

        if (!isfinite(number)) {
            return flagship_verify_fail(v, "a number is not finite");
        }
    }

    if ((shape & FLAGSHIP_SHAPE_STRING)
        && !flagship_verify_string(v, code->imm))
    {
        return 0;
    }

    if ((shape & FLAGSHIP_SHAPE_ATOM) && code->imm >= v->image->atoms.n) {
        return flagship_verify_fail(v, "an atom is out of bounds");
    }

    if ((shape & FLAGSHIP_SHAPE_LIST) && !flagship_verify_list(v, code->imm)) {
        return 0;
    }

    if ((shape & FLAGSHIP_SHAPE_VERSION)
        && !flagship_verify_version(v, code->imm))
    {
        return 0;
    }

    if ((shape & FLAGSHIP_SHAPE_RANGES)
        && !flagship_verify_ranges(v, code->imm))
    {
        return 0;
    }

    if ((shape & FLAGSHIP_SHAPE_REGEX)
        && ((code->imm & 7) || code->imm > v->record->chunk_len
            || !flagship_regex_verify(v->chunk + code->imm,
                                      v->record->chunk_len - code->imm)))
    {
        return flagship_verify_fail(v, "a regular expression is wrong");
    }

    if ((shape & FLAGSHIP_SHAPE_SPLIT)
        && !flagship_verify_split(v, code->imm))
    {
        return 0;
    }

    if ((shape & FLAGSHIP_SHAPE_SET) && code->imm >= v->image->sets.n) {
        return flagship_verify_fail(v, "an id set is out of bounds");
    }

    if ((shape & FLAGSHIP_SHAPE_FLAG)
        && code->imm != FLAGSHIP_NONE && code->imm >= v->image->flags.n)
    {
        return flagship_verify_fail(v, "a flag is out of bounds");
    }

    if ((shape & FLAGSHIP_SHAPE_SEGMENT)
        && code->imm != FLAGSHIP_NONE && code->imm >= v->image->segments.n)
    {
        return flagship_verify_fail(v, "a segment is out of bounds");
    }

    if ((shape & FLAGSHIP_SHAPE_ITEMS)
        && !flagship_verify_items(v, code->imm))
    {
        return 0;
    }

    return (code->op != FLAGSHIP_OP_FLAG_IS
            && !(shape & FLAGSHIP_SHAPE_REGEX))
           || flagship_verify_string(v, code->aux);
}


int
flagship_verify_string(flagship_verify_t *v, uint32_t offset)
{
    const flagship_literal_t  *literal;

    if ((offset & 7) || !flagship_verify_bytes(v, offset, sizeof(uint32_t))) {
        return flagship_verify_fail(v, "a literal is out of bounds");
    }

    literal = (const flagship_literal_t *) (v->chunk + offset);

    if (!flagship_verify_bytes(v, (uint64_t) offset + sizeof(uint32_t),
                               literal->len))
    {
        return flagship_verify_fail(v, "a literal is out of bounds");
    }

    return 1;
}


int
flagship_verify_list(flagship_verify_t *v, uint64_t offset)
{
    uint32_t                i;
    const uint32_t         *atom;
    const flagship_list_t  *list;

    if ((offset & 7)
        || !flagship_verify_bytes(v, offset, sizeof(flagship_list_t)))
    {
        return flagship_verify_fail(v, "a list is out of bounds");
    }

    list = (const flagship_list_t *) (v->chunk + offset);

    if (!flagship_verify_bytes(v, offset + sizeof(flagship_list_t),
                               (uint64_t) list->nnumbers * sizeof(double)
                               + (uint64_t) list->natoms * sizeof(uint32_t)))
    {
        return flagship_verify_fail(v, "a list is out of bounds");
    }

    atom = (const uint32_t *) ((const double *) (list + 1) + list->nnumbers);

    for (i = 0; i < list->natoms; i++) {
        if (atom[i] >= v->image->atoms.n) {
            return flagship_verify_fail(v, "an atom is out of bounds");
        }
    }

    return 1;
}


static int
flagship_verify_version(flagship_verify_t *v, uint32_t offset)
{
    unsigned                   i;
    const flagship_version_t  *version;

    if ((offset & 7)
        || !flagship_verify_bytes(v, offset, sizeof(flagship_version_t)))
    {
        return flagship_verify_fail(v, "a version is out of bounds");
    }

    version = (const flagship_version_t *) (v->chunk + offset);

    for (i = 0; i < 4; i++) {
        if (!flagship_verify_bytes(v, version->offset[i], version->len[i])) {
            return flagship_verify_fail(v, "a version is out of bounds");
        }
    }

    return 1;
}


/* Ranges in any order are safe to search. */

static int
flagship_verify_ranges(flagship_verify_t *v, uint32_t offset)
{
    const flagship_ranges_t  *ranges;

    if ((offset & 7)
        || !flagship_verify_bytes(v, offset, sizeof(flagship_ranges_t)))
    {
        return flagship_verify_fail(v, "ranges are out of bounds");
    }

    ranges = (const flagship_ranges_t *) (v->chunk + offset);

    if (!flagship_verify_bytes(v, (uint64_t) offset
                                  + sizeof(flagship_ranges_t),
                               (uint64_t) ranges->nv6
                               * sizeof(flagship_range6_t)
                               + (uint64_t) ranges->nv4
                                 * sizeof(flagship_range4_t)))
    {
        return flagship_verify_fail(v, "ranges are out of bounds");
    }

    return 1;
}


static int
flagship_verify_split(flagship_verify_t *v, uint32_t offset)
{
    uint32_t                      i, last;
    const flagship_split_t       *split;
    const flagship_split_part_t  *part;

    if ((offset & 7)
        || !flagship_verify_bytes(v, offset, sizeof(flagship_split_t)))
    {
        return flagship_verify_fail(v, "a split is out of bounds");
    }

    split = (const flagship_split_t *) (v->chunk + offset);

    if (split->n == 0 || split->total == 0
        || split->mode > FLAGSHIP_SPLIT_CBOR_KEY
        || split->key.ntail > 3 || split->prefix.ntail > 3
        || !flagship_verify_bytes(v, (uint64_t) offset
                                     + sizeof(flagship_split_t),
                                  (uint64_t) split->n
                                  * sizeof(flagship_split_part_t)))
    {
        return flagship_verify_fail(v, "a split is out of bounds");
    }

    part = (const flagship_split_part_t *) (split + 1);
    last = 0;

    for (i = 0; i < split->n; i++) {

        if (part[i].end < last
            || (part[i].variant != FLAGSHIP_NO_VARIANT
                && part[i].variant >= v->record->nvariants))
        {
            return flagship_verify_fail(v, "a part of a split is out of "
                                        "bounds");
        }

        if (part[i].name != FLAGSHIP_NONE
            && !flagship_verify_string(v, part[i].name))
        {
            return 0;
        }

        last = part[i].end;
    }

    return last == split->total ? 1
           : flagship_verify_fail(v, "a split does not add up");
}


static int
flagship_verify_items(flagship_verify_t *v, uint32_t offset)
{
    const flagship_item_node_t      *item;
    const flagship_items_literal_t  *items;

    if ((offset & 7)
        || !flagship_verify_bytes(v, offset,
                                  sizeof(flagship_items_literal_t)))
    {
        return flagship_verify_fail(v, "a JSON literal is out of bounds");
    }

    items = (const flagship_items_literal_t *) (v->chunk + offset);
    item = (const flagship_item_node_t *) (items + 1);

    if (items->n == 0
        || !flagship_verify_bytes(v, (uint64_t) offset
                                     + sizeof(flagship_items_literal_t),
                                  (uint64_t) items->n
                                  * sizeof(flagship_item_node_t))
        || item[0].next != items->n)
    {
        return flagship_verify_fail(v, "a JSON literal is out of bounds");
    }

    return flagship_verify_item(v, item, items->n, 0);
}


/* A subtree of n nodes; the depth bounds the recursion. */

static int
flagship_verify_item(flagship_verify_t *v, const flagship_item_node_t *item,
    uint32_t n, unsigned depth)
{
    uint32_t  i, k, children;

    if (depth > FLAGSHIP_MAX_DEPTH) {
        return flagship_verify_fail(v, "a JSON literal nests too deep");
    }

    switch (item->type) {

    case FLAGSHIP_JSON_NULL:
    case FLAGSHIP_JSON_FALSE:
    case FLAGSHIP_JSON_TRUE:
        return n == 1 ? 1 : flagship_verify_fail(v, "a JSON literal is wrong");

    case FLAGSHIP_JSON_NUMBER:

        if (n == 1 && isfinite(item->number)) {
            return 1;
        }

        return flagship_verify_fail(v, "a JSON literal is wrong");

    case FLAGSHIP_JSON_STRING:

        if (n == 1 && flagship_verify_bytes(v, item->str, item->len)) {
            return 1;
        }

        return flagship_verify_fail(v, "a JSON literal is wrong");

    case FLAGSHIP_JSON_ARRAY:
    case FLAGSHIP_JSON_OBJECT:
        break;

    default:
        return flagship_verify_fail(v, "a JSON literal is wrong");
    }

    children = 0;

    for (i = 1; i < n; i += k) {
        k = item[i].next;

        if (k == 0 || k > n - i
            || (item->type == FLAGSHIP_JSON_OBJECT && !(children & 1)
                && item[i].type != FLAGSHIP_JSON_STRING))
        {
            return flagship_verify_fail(v, "a JSON literal is wrong");
        }

        if (!flagship_verify_item(v, &item[i], k, depth + 1)) {
            return 0;
        }

        children++;
    }

    if (children != item->len * (item->type == FLAGSHIP_JSON_OBJECT ? 2 : 1)) {
        return flagship_verify_fail(v, "a JSON literal is wrong");
    }

    return 1;
}
