
/*
 * Copyright (C) Flagship
 */


/*
 * in_cidr: constant ranges become one literal that is searched by halves; of
 * any other the text is read at each evaluation.
 */


#include <stdlib.h>
#include <string.h>

#include "flagship_net.h"
#include "flagship_rule.h"


static int flagship_net_constant(const flagship_json_node_t *ranges);
static uint32_t flagship_net_literal(flagship_compiler_t *c,
    const flagship_json_node_t *ranges);
static uint32_t flagship_net_merge(flagship_range_t *list, uint32_t n);
static uint32_t flagship_net_emit(flagship_compiler_t *c,
    const flagship_range_t *list, uint32_t n);
static int flagship_net_order(const void *one, const void *two);


/* in_cidr [ip, [range, ...]]; one range may stand without its array. */

void
flagship_operator_in_cidr(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no)
{
    size_t                       len;
    unsigned                     reg;
    uint32_t                     imm, operand;
    flagship_code_t             *code;
    const flagship_json_node_t  *ranges;

    (void) op;

    reg = c->reg;
    ranges = flagship_rule_arg(args, 1);

    operand = flagship_rule_arg_operand(c, args, 0);

    if (flagship_net_constant(ranges)) {

        len = flagship_rule_enter(c, args, 1);
        imm = flagship_net_literal(c, ranges);
        flagship_compiler_leave(c, len);

        code = flagship_emit_test(c, FLAGSHIP_OP_IN_CIDR, yes, no);
        code->imm = imm;

    } else {
        imm = flagship_rule_arg_operand(c, args, 1);

        code = flagship_emit_test(c, FLAGSHIP_OP_IN_RANGES, yes, no);
        code->imm = imm;

        if (!(imm & FLAGSHIP_REGISTER)) {
            flagship_emit_reloc(c, FLAGSHIP_RELOC_IMM);
        }
    }

    flagship_emit_operand(c, code, operand);

    c->reg = reg;
}


static int
flagship_net_constant(const flagship_json_node_t *ranges)
{
    uint32_t                     i;
    flagship_args_t              args;
    const flagship_json_node_t  *node;

    if (ranges->type != FLAGSHIP_JSON_ARRAY) {
        return !flagship_rule_read(ranges, &args);
    }

    node = ranges + 1;

    for (i = 0; i < ranges->len; i++) {

        if (flagship_rule_read(node, &args)) {
            return 0;
        }

        node += node->next;
    }

    return 1;
}


/* What is no range is left out, and said. */

static uint32_t
flagship_net_literal(flagship_compiler_t *c,
    const flagship_json_node_t *ranges)
{
    size_t                       len;
    uint32_t                     i, n, elements;
    unsigned                     array;
    flagship_str_t               text;
    flagship_range_t            *list;
    const flagship_json_node_t  *node;

    array = (ranges->type == FLAGSHIP_JSON_ARRAY);
    elements = array ? ranges->len : 1;
    node = array ? ranges + 1 : ranges;

    list = flagship_arena_alloc(&c->unit->arena,
                                (elements + 1) * sizeof(flagship_range_t));
    if (list == NULL) {
        c->nomem = 1;
        return 0;
    }

    n = 0;

    for (i = 0; i < elements; i++) {

        text = node->type == FLAGSHIP_JSON_STRING ? flagship_json_str(node)
                                                  : flagship_str("", 0);

        if (flagship_range_parse(&list[n], text) == FLAGSHIP_OK) {
            n++;

        } else {
            len = array ? flagship_compiler_enter_index(c, i) : c->nsteps;

            flagship_compiler_warn(c, "cidr-range",
                                   "\"%.*s\" is no range of addresses",
                                   (int) (text.len < 64 ? text.len : 64),
                                   text.data);

            flagship_compiler_leave(c, len);
        }

        node += node->next;
    }

    return flagship_net_emit(c, list, flagship_net_merge(list, n));
}


/* In order; those that overlap become one. */

static uint32_t
flagship_net_merge(flagship_range_t *list, uint32_t n)
{
    uint32_t           i, k;
    flagship_range_t  *last;

    if (n == 0) {
        return 0;
    }

    qsort(list, n, sizeof(flagship_range_t), flagship_net_order);

    for (i = 1, k = 0; i < n; i++) {
        last = &list[k];

        if (last->last.v4 == list[i].first.v4
            && flagship_address_order(&last->last, &list[i].first) >= 0)
        {
            if (flagship_address_order(&last->last, &list[i].last) < 0) {
                last->last = list[i].last;
            }

        } else {
            list[++k] = list[i];
        }
    }

    return k + 1;
}


static uint32_t
flagship_net_emit(flagship_compiler_t *c, const flagship_range_t *list,
    uint32_t n)
{
    uint32_t           i, offset;
    flagship_range4_t  v4;
    flagship_range6_t  v6;
    flagship_ranges_t  ranges;

    for (i = 0; i < n && !list[i].first.v4; i++) { /* void */ }

    ranges.nv6 = i;
    ranges.nv4 = n - i;

    offset = flagship_emit_data(c, &ranges, sizeof(ranges), 8);

    for (i = 0; i < n; i++) {

        if (list[i].first.v4) {
            v4.first = (uint32_t) list[i].first.low;
            v4.last = (uint32_t) list[i].last.low;

            (void) flagship_emit_data(c, &v4, sizeof(v4), 4);

        } else {
            v6.first[0] = list[i].first.high;
            v6.first[1] = list[i].first.low;
            v6.last[0] = list[i].last.high;
            v6.last[1] = list[i].last.low;

            (void) flagship_emit_data(c, &v6, sizeof(v6), 8);
        }
    }

    return offset;
}


static int
flagship_net_order(const void *one, const void *two)
{
    const flagship_range_t  *a = one, *b = two;

    return flagship_address_order(&a->first, &b->first);
}
