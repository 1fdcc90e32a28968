
/*
 * Copyright (C) Flagship
 */


/*
 * fractional, flagd's way to divide people, and what every split shares.
 *
 * A split whose names and weights are constants becomes one table: running
 * sums of weights, and the states of the hash after the constant prefix of
 * what it hashes.  Any other is computed from registers.
 */


#include <math.h>
#include <string.h>

#include "flagship_rule.h"


/* A split that is being read. */

typedef struct {
    const flagship_json_node_t  *by;         /* NULL: flag and targeting key */
    const flagship_json_node_t  *first;      /* pairs */
    unsigned                     n;
    unsigned                     constant;   /* all names and weights are */
    unsigned                     null;       /* it can only give null */
    uint64_t                     total;
} flagship_fractional_t;


static void flagship_split_read(flagship_compiler_t *c,
    const flagship_args_t *args, flagship_fractional_t *f);
static int flagship_split_weight(const flagship_json_node_t *node,
    uint64_t *weight);
static void flagship_split_variants(flagship_compiler_t *c,
    const flagship_args_t *args, const flagship_fractional_t *f);
static uint32_t flagship_split_table(flagship_compiler_t *c,
    const flagship_fractional_t *f, flagship_split_t *split);
static int flagship_split_prefix(flagship_compiler_t *c,
    const flagship_args_t *cat, flagship_split_t *split);
static void flagship_split_computed(flagship_compiler_t *c,
    const flagship_args_t *args, const flagship_fractional_t *f,
    uint32_t reg);


static const flagship_str_t  flagship_targeting_key =
    flagship_string("targetingKey");


void
flagship_operator_fractional(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg)
{
    uint32_t               by, table;
    flagship_code_t       *code;
    flagship_split_t       split;
    flagship_fractional_t  f;

    (void) op;

    flagship_split_read(c, args, &f);

    if (f.null) {
        flagship_rule_load_null(c, reg);
        return;
    }

    if (!f.constant) {
        flagship_split_computed(c, args, &f, reg);
        return;
    }

    by = flagship_split_by(c, f.by, &split);
    table = flagship_split_table(c, &f, &split);

    code = flagship_emit(c, FLAGSHIP_OP_SPLIT);
    code->dst = reg & ~FLAGSHIP_REGISTER;

    flagship_split_finish(c, code, &split, by, table);
}


int
flagship_operator_fractional_serve(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t none)
{
    uint32_t               by, table;
    flagship_code_t       *code;
    flagship_split_t       split;
    flagship_fractional_t  f;

    (void) op;

    flagship_split_read(c, args, &f);

    if (f.null) {
        flagship_emit_jump(c, none);
        return 1;
    }

    if (!f.constant) {
        return 0;
    }

    flagship_split_variants(c, args, &f);

    by = flagship_split_by(c, f.by, &split);
    table = flagship_split_table(c, &f, &split);

    code = flagship_emit(c, FLAGSHIP_OP_RETURN_SPLIT);

    flagship_split_finish(c, code, &split, by, table);
    flagship_emit_else(c, none);

    return 1;
}


/* The first argument is "by" unless it is a pair; so an explicit null is
   none, as in flagd, but in generation 3 gives null. */

static void
flagship_split_read(flagship_compiler_t *c, const flagship_args_t *args,
    flagship_fractional_t *f)
{
    unsigned                     i;
    uint64_t                     weight;
    const flagship_json_node_t  *node;

    memset(f, 0, sizeof(flagship_fractional_t));

    f->constant = 1;
    f->first = args->first;
    f->n = args->n;

    if (f->n && f->first->type != FLAGSHIP_JSON_ARRAY) {

        if (f->first->type != FLAGSHIP_JSON_NULL) {
            f->by = f->first;

        } else if (c->unit->fractional == 3) {
            flagship_compiler_warn(c, "fractional", "a fractional by null "
                                   "gives null");
            f->null = 1;
            return;
        }

        f->first += f->first->next;
        f->n--;
    }

    node = f->first;

    for (i = 0; i < f->n; i++) {

        if (node->type != FLAGSHIP_JSON_ARRAY || node->len == 0) {
            flagship_compiler_warn(c, "fractional", "a part of fractional "
                                   "must be an array of a variant and a "
                                   "weight");
            f->null = 1;
            return;
        }

        if (node[1].type != FLAGSHIP_JSON_STRING) {
            f->constant = 0;
        }

        weight = 1;

        if (node->len > 1) {

            switch (flagship_split_weight(node + 1 + node[1].next, &weight)) {

            case 0:
                flagship_compiler_warn(c, "fractional", "a weight of "
                                       "fractional must be an integer up to "
                                       "2147483647");
                f->null = 1;
                return;

            case -1:
                f->constant = 0;
                weight = 0;
            }
        }

        f->total += weight;

        node += node->next;
    }

    if (f->total > INT32_MAX || f->n == 0 || (f->total == 0 && f->constant)) {
        flagship_compiler_warn(c, "fractional", "the weights of fractional "
                               "must add up to 1 ... 2147483647");
        f->null = 1;
    }
}


/* 1: a weight; 0: none; -1: an expression. */

static int
flagship_split_weight(const flagship_json_node_t *node, uint64_t *weight)
{
    double           number;
    flagship_args_t  args;

    switch (node->type) {

    case FLAGSHIP_JSON_NULL:
        *weight = 1;
        return 1;

    case FLAGSHIP_JSON_NUMBER:
        number = flagship_json_double(node);

        if (number != floor(number) || number > INT32_MAX) {
            return 0;
        }

        *weight = number < 0 ? 0 : (uint64_t) number;
        return 1;

    default:
        return flagship_rule_read(node, &args) ? -1 : 0;
    }
}


/* Warns of parts that name no variant. */

static void
flagship_split_variants(flagship_compiler_t *c, const flagship_args_t *args,
    const flagship_fractional_t *f)
{
    size_t                       len;
    unsigned                     i;
    const flagship_json_node_t  *node;

    node = f->first;

    for (i = 0; i < f->n; i++, node += node->next) {

        if (flagship_rule_variant(c, flagship_json_str(node + 1))
            != FLAGSHIP_NO_VARIANT)
        {
            continue;
        }

        len = flagship_rule_enter(c, args, args->n - f->n + i);
        (void) flagship_compiler_enter_index(c, 0);

        flagship_rule_no_variant(c, flagship_json_str(node + 1));

        flagship_compiler_leave(c, len);
    }
}


static uint32_t
flagship_split_table(flagship_compiler_t *c, const flagship_fractional_t *f,
    flagship_split_t *split)
{
    uint32_t                     i, offset;
    uint64_t                     end, weight;
    flagship_split_part_t       *parts;
    const flagship_json_node_t  *node;

    parts = flagship_arena_alloc(&c->unit->arena,
                                 f->n * sizeof(flagship_split_part_t));
    if (parts == NULL) {
        c->nomem = 1;
        return 0;
    }

    end = 0;
    node = f->first;

    for (i = 0; i < f->n; i++) {
        weight = 1;

        if (node->len > 1) {
            (void) flagship_split_weight(node + 1 + node[1].next, &weight);
        }

        end += weight;

        parts[i].end = end;
        parts[i].variant = flagship_rule_variant(c,
                                                 flagship_json_str(node + 1));
        parts[i].name = flagship_emit_literal(c, flagship_json_str(node + 1));
        parts[i].reserved = 0;

        node += node->next;
    }

    split->total = end;
    split->n = f->n;

    offset = flagship_emit_data(c, split, sizeof(flagship_split_t), 8);

    (void) flagship_emit_data(c, parts,
                              f->n * sizeof(flagship_split_part_t), 8);

    return offset;
}


/*
 * What is hashed: the operand that is left after a constant prefix.  A flag's
 * key is constant; in a segment it is that of the flag which asks.
 */

uint32_t
flagship_split_by(flagship_compiler_t *c, const flagship_json_node_t *by,
    flagship_split_t *split)
{
    flagship_args_t              args;
    const flagship_json_node_t  *last;

    memset(split, 0, sizeof(flagship_split_t));

    flagship_murmur3_prefix(&split->key, c->key.data, c->key.len);

    if (c->segment) {
        c->keyed = 1;
    }

    if (by == NULL) {
        split->mode = c->unit->fractional == 3 ? FLAGSHIP_SPLIT_CBOR_KEY
                                               : FLAGSHIP_SPLIT_IMPLICIT;
        return FLAGSHIP_REGISTER;
    }

    if (c->unit->fractional == 3) {
        split->mode = FLAGSHIP_SPLIT_CBOR;
        return flagship_rule_operand(c, by);
    }

    split->mode = FLAGSHIP_SPLIT_BY;

    if (flagship_rule_read(by, &args)
        && flagship_str_is(args.name, "cat")
        && args.n > 1
        && flagship_split_prefix(c, &args, split))
    {
        split->mode = FLAGSHIP_SPLIT_PREFIX;

        last = flagship_rule_arg(&args, args.n - 1);

        return flagship_rule_operand(c, last);
    }

    return flagship_rule_operand(c, by);
}


/* cat of constant texts and, last, one expression. */

static int
flagship_split_prefix(flagship_compiler_t *c, const flagship_args_t *cat,
    flagship_split_t *split)
{
    char                         buf[256], number[FLAGSHIP_NUMBER_LEN];
    size_t                       len;
    unsigned                     i;
    flagship_str_t               text;
    flagship_args_t              var;
    flagship_value_t             v;
    const flagship_json_node_t  *node;

    len = 0;
    node = cat->first;

    for (i = 0; i < cat->n - 1; i++) {

        if (node->type < FLAGSHIP_JSON_ARRAY) {
            flagship_value_node(&v, node);
            (void) flagship_value_text(&v, number, sizeof(number), &text);

        } else if (!c->segment && !c->loops
                   && flagship_rule_read(node, &var)
                   && flagship_str_is(var.name, "var")
                   && var.n == 1
                   && var.first->type == FLAGSHIP_JSON_STRING
                   && flagship_str_is(flagship_json_str(var.first),
                                      "$flagd.flagKey"))
        {
            text = c->key;

        } else {
            return 0;
        }

        if (text.len > sizeof(buf) - len) {
            return 0;
        }

        memcpy(buf + len, text.data, text.len);
        len += text.len;

        node += node->next;
    }

    if (node->type == FLAGSHIP_JSON_ARRAY) {
        return 0;
    }

    flagship_murmur3_prefix(&split->prefix, buf, len);

    return 1;
}


void
flagship_split_finish(flagship_compiler_t *c, flagship_code_t *code,
    const flagship_split_t *split, uint32_t by, uint32_t table)
{
    code->imm = table;
    code->aux = flagship_emit_slot(c, flagship_targeting_key);

    flagship_emit_reloc(c, FLAGSHIP_RELOC_AUX);

    if (split->mode == FLAGSHIP_SPLIT_IMPLICIT
        || split->mode == FLAGSHIP_SPLIT_CBOR_KEY)
    {
        /* operand a is not looked at: it names what is there anyway */
        by = code->aux;
    }

    flagship_emit_operand(c, code, by);
}


static void
flagship_split_computed(flagship_compiler_t *c, const flagship_args_t *args,
    const flagship_fractional_t *f, uint32_t reg)
{
    size_t                       len, pair;
    unsigned                     first, i, k, n;
    uint32_t                     to;
    flagship_code_t             *code;
    flagship_value_t             v;
    const flagship_json_node_t  *node, *part;

    if (c->segment) {
        c->keyed = 1;
    }

    first = c->reg;
    to = flagship_emit_register(c);

    if (f->by) {
        flagship_rule_arg_value(c, args, 0, to);

    } else {
        flagship_rule_load_null(c, to);
    }

    node = f->first;

    for (i = 0; i < f->n; i++) {
        len = flagship_rule_enter(c, args, args->n - f->n + i);

        part = node + 1;
        n = node->len;

        for (k = 0; k < 2; k++) {
            to = flagship_emit_register(c);

            if (k < n) {
                pair = flagship_compiler_enter_index(c, k);
                flagship_rule_value(c, part, to);
                flagship_compiler_leave(c, pair);

                part += part->next;

            } else {
                v.type = FLAGSHIP_NUMBER;
                v.u.number = 1;
                flagship_rule_load(c, &v, to);
            }
        }

        flagship_compiler_leave(c, len);

        node += node->next;
    }

    code = flagship_emit(c, FLAGSHIP_OP_FRACTIONAL);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->a = FLAGSHIP_REGISTER | first;
    code->imm = f->n;
    code->jt = f->by != NULL;
    code->aux = flagship_emit_slot(c, flagship_targeting_key);

    flagship_emit_reloc(c, FLAGSHIP_RELOC_AUX);
}
