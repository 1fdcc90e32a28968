
/*
 * Copyright (C) Flagship
 */


/*
 * Our own ways to divide people: the split of a rule's serve and the simple
 * rollout, both in decimals that are exact.
 */


#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flagship_rule.h"


/* Of the split of a rule's serve. */

typedef struct {
    flagship_str_t       name;
    uint64_t             weight;     /* millionths */
} flagship_weight_t;


static uint64_t flagship_split_weights(flagship_compiler_t *c,
    const flagship_json_node_t *split, flagship_weight_t *weights);
static unsigned flagship_split_decimals(const flagship_json_node_t *node,
    uint64_t *millionths);
static int flagship_split_name(const void *one, const void *two);


static const flagship_str_t  flagship_targeting_key =
    flagship_string("targetingKey");


/*
 * {"split": {"on": 25, "off": 75}, "by": <expression>}: parts in byte order
 * of the variants' names, weights of up to six decimals.
 */

void
flagship_rule_split(flagship_compiler_t *c, const flagship_json_node_t *node,
    flagship_label_t none)
{
    size_t                       len, member;
    unsigned                     reg;
    uint32_t                     by, i, offset;
    uint64_t                     divisor, end;
    flagship_code_t             *code;
    flagship_split_t             table;
    flagship_weight_t           *weights;
    flagship_split_part_t       *parts;
    const flagship_json_node_t  *split, *by_node;

    split = flagship_json_get(node, "split");
    by_node = flagship_json_get(node, "by");

    if (by_node && by_node->type == FLAGSHIP_JSON_NULL) {
        by_node = NULL;
    }

    if (node->len > (by_node || flagship_json_get(node, "by") ? 2u : 1u)) {
        flagship_compiler_error(c, "a split has \"split\" and \"by\" only");
        return;
    }

    len = flagship_compiler_enter(c, flagship_str("split", 5));

    if (split->type != FLAGSHIP_JSON_OBJECT || split->len == 0) {
        flagship_compiler_error(c, "must be an object of variants and "
                                "weights");
        flagship_compiler_leave(c, len);
        return;
    }

    weights = flagship_arena_alloc(&c->unit->arena,
                                   split->len * sizeof(flagship_weight_t));
    parts = flagship_arena_alloc(&c->unit->arena,
                                 split->len * sizeof(flagship_split_part_t));

    if (weights == NULL || parts == NULL) {
        c->nomem = 1;
        return;
    }

    divisor = flagship_split_weights(c, split, weights);

    if (divisor == 0) {
        flagship_compiler_leave(c, len);
        return;
    }

    end = 0;

    for (i = 0; i < split->len; i++) {
        end += weights[i].weight / divisor;

        if (end > INT32_MAX) {
            break;
        }

        parts[i].end = end;
        parts[i].variant = flagship_rule_variant(c, weights[i].name);
        parts[i].name = flagship_emit_literal(c, weights[i].name);
        parts[i].reserved = 0;

        if (parts[i].variant == FLAGSHIP_NO_VARIANT) {
            member = flagship_compiler_enter(c, weights[i].name);
            flagship_rule_no_variant(c, weights[i].name);
            flagship_compiler_leave(c, member);
        }
    }

    if (end == 0 || end > INT32_MAX) {
        flagship_compiler_error(c, "the weights must add up to more than 0 "
                                "and at most 2147483647");
        flagship_compiler_leave(c, len);
        return;
    }

    flagship_compiler_leave(c, len);

    reg = c->reg;

    len = flagship_compiler_enter(c, flagship_str("by", 2));
    by = flagship_split_by(c, by_node, &table);
    flagship_compiler_leave(c, len);

    table.total = end;
    table.n = split->len;

    offset = flagship_emit_data(c, &table, sizeof(flagship_split_t), 8);
    (void) flagship_emit_data(c, parts,
                              split->len * sizeof(flagship_split_part_t), 8);

    code = flagship_emit(c, FLAGSHIP_OP_RETURN_SPLIT);

    flagship_split_finish(c, code, &table, by, offset);
    flagship_emit_else(c, none);

    c->reg = reg;
}


/* The weights in order of their names; returns what they are to be divided by
   so that they are as small as integers can be, 0: they are none (said). */

static uint64_t
flagship_split_weights(flagship_compiler_t *c,
    const flagship_json_node_t *split, flagship_weight_t *weights)
{
    size_t                       len;
    uint32_t                     i;
    uint64_t                     divisor;
    unsigned                     bad, decimals, most;
    const flagship_json_node_t  *member;

    bad = 0;
    most = 0;
    member = split + 1;

    for (i = 0; i < split->len; i++) {
        weights[i].name = flagship_json_str(member);
        member++;

        decimals = flagship_split_decimals(member, &weights[i].weight);

        if (decimals > 6) {
            len = flagship_compiler_enter(c, weights[i].name);
            flagship_compiler_error(c, "a weight must be a number of "
                                    "0 ... 2147483647 with up to six "
                                    "decimals");
            flagship_compiler_leave(c, len);

            bad = 1;
            decimals = 0;
        }

        most = decimals > most ? decimals : most;

        member += member->next;
    }

    if (bad) {
        return 0;
    }

    qsort(weights, split->len, sizeof(flagship_weight_t), flagship_split_name);

    for (divisor = 1000000; most; most--) {
        divisor /= 10;
    }

    return divisor;
}


/*
 * A weight or percentage in millionths, and how many decimals it has; 7 where
 * it is no such number.  Its text decides, not a double near it.
 */

static unsigned
flagship_split_decimals(const flagship_json_node_t *node, uint64_t *millionths)
{
    double    number;
    uint64_t  n;
    unsigned  decimals;

    *millionths = 0;

    if (node->type != FLAGSHIP_JSON_NUMBER) {
        return 7;
    }

    number = flagship_json_double(node);

    if (number < 0 || number > INT32_MAX) {
        return 7;
    }

    n = (uint64_t) round(number * 1e6);

    /* the double nearest to that many millionths must be this one */

    if ((double) n / 1e6 != number) {
        return 7;
    }

    *millionths = n;

    for (decimals = 6; decimals && n % 10 == 0; decimals--) {
        n /= 10;
    }

    return decimals;
}


static int
flagship_split_name(const void *one, const void *two)
{
    int                       rc;
    const flagship_weight_t  *a = one, *b = two;

    rc = memcmp(a->name.data, b->name.data,
                a->name.len < b->name.len ? a->name.len : b->name.len);

    return rc ? rc : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}


int64_t
flagship_rule_percentage(flagship_compiler_t *c,
    const flagship_json_node_t *node)
{
    uint64_t  n;

    if (flagship_split_decimals(node, &n) > 6 || n > 100000000) {
        flagship_compiler_error(c, "must be a number of 0 ... 100 with up to "
                                "six decimals");
        return -1;
    }

    return n;
}


/* rollout [percentage, user?]. */

void
flagship_operator_rollout(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no)
{
    size_t            len;
    int64_t           n;
    unsigned          reg;
    uint32_t          operand;
    flagship_code_t  *code;

    (void) op;

    if (args->n == 0) {
        flagship_compiler_error(c, "rollout needs a percentage");
        return;
    }

    len = flagship_rule_enter(c, args, 0);
    n = flagship_rule_percentage(c, args->first);
    flagship_compiler_leave(c, len);

    if (n < 0) {
        return;
    }

    if (n == 0 || n == 100000000) {
        flagship_emit_jump(c, n ? yes : no);
        return;
    }

    if (c->segment) {
        c->keyed = 1;
    }

    reg = c->reg;

    operand = args->n > 1 ? flagship_rule_arg_operand(c, args, 1)
                          : flagship_emit_slot(c, flagship_targeting_key);

    code = flagship_emit_test(c, FLAGSHIP_OP_ROLLOUT, yes, no);
    code->imm = n;
    flagship_emit_operand(c, code, operand);

    c->reg = reg;
}
