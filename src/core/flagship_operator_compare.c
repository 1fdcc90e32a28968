
/*
 * Copyright (C) Flagship
 */


/*
 * == != === !== < <= > >= in.
 *
 * A comparison with a constant becomes one test; of two computed operands
 * the general one.  Of more than two arguments the neighbouring pairs are
 * compared, each argument computed once.
 */


#include <stdlib.h>
#include <string.h>

#include "flagship_rule.h"


/* One side of a comparison. */

typedef struct {
    const flagship_json_node_t  *node;
    flagship_value_t             v;
    unsigned                     constant:1;
    unsigned                     computed:1;     /* operand is there */
    uint32_t                     operand;
} flagship_side_t;


static void flagship_compare_side(flagship_compiler_t *c,
    const flagship_args_t *args, unsigned i, flagship_side_t *side);
static uint32_t flagship_compare_operand(flagship_compiler_t *c,
    const flagship_args_t *args, unsigned i, flagship_side_t *side);
static void flagship_compare_equal(flagship_compiler_t *c,
    const flagship_args_t *args, unsigned i, flagship_side_t *a,
    flagship_side_t *b, unsigned strict, flagship_label_t yes,
    flagship_label_t no);
static int flagship_compare_flag(flagship_compiler_t *c,
    const flagship_json_node_t *node, flagship_str_t variant,
    flagship_label_t yes, flagship_label_t no);
static void flagship_compare_constant(flagship_compiler_t *c,
    uint32_t operand, const flagship_value_t *v, unsigned strict,
    flagship_label_t yes, flagship_label_t no);
static void flagship_compare_order(flagship_compiler_t *c,
    const flagship_args_t *args, unsigned i, flagship_side_t *a,
    flagship_side_t *b, unsigned order, flagship_label_t yes,
    flagship_label_t no);
static void flagship_compare_any(flagship_compiler_t *c,
    const flagship_json_node_t *array, uint32_t operand,
    flagship_label_t yes, flagship_label_t no);
static int flagship_compare_number(const void *one, const void *two);
static int flagship_compare_atom(const void *one, const void *two);


/* Option bit 0: strictly; bit 1: negated. */

void
flagship_operator_equal(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, flagship_label_t yes, flagship_label_t no)
{
    unsigned          i, reg, strict;
    flagship_side_t   a, b;
    flagship_label_t  next;

    reg = c->reg;
    strict = op->option & 1;

    flagship_compare_side(c, args, 0, &a);

    for (i = 1; i < args->n; i++) {
        flagship_compare_side(c, args, i, &b);

        next = (i < args->n - 1) ? flagship_emit_label(c) : yes;

        /* every pair must differ, which is more than that not all are equal */

        if (op->option & 2) {
            flagship_compare_equal(c, args, i, &a, &b, strict, no, next);

        } else {
            flagship_compare_equal(c, args, i, &a, &b, strict, next, no);
        }

        if (i < args->n - 1) {
            flagship_emit_bind(c, next);
        }

        a = b;
    }

    c->reg = reg;
}


void
flagship_operator_order(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, flagship_label_t yes, flagship_label_t no)
{
    unsigned          i, reg;
    flagship_side_t   a, b;
    flagship_label_t  next;

    reg = c->reg;

    flagship_compare_side(c, args, 0, &a);

    for (i = 1; i < args->n; i++) {
        flagship_compare_side(c, args, i, &b);

        next = (i < args->n - 1) ? flagship_emit_label(c) : yes;

        flagship_compare_order(c, args, i, &a, &b, op->option, next, no);

        if (i < args->n - 1) {
            flagship_emit_bind(c, next);
        }

        a = b;
    }

    c->reg = reg;
}


static void
flagship_compare_side(flagship_compiler_t *c, const flagship_args_t *args,
    unsigned i, flagship_side_t *side)
{
    size_t  len;

    side->node = flagship_rule_arg(args, i);
    side->computed = 0;

    len = flagship_rule_enter(c, args, i);
    side->constant = flagship_rule_constant(c, side->node, &side->v);
    flagship_compiler_leave(c, len);
}


static uint32_t
flagship_compare_operand(flagship_compiler_t *c, const flagship_args_t *args,
    unsigned i, flagship_side_t *side)
{
    if (!side->computed) {
        side->computed = 1;

        if (side->constant) {
            side->operand = flagship_emit_register(c);
            flagship_rule_load(c, &side->v, side->operand);

        } else {
            side->operand = flagship_rule_arg_operand(c, args, i);
        }
    }

    return side->operand;
}


/* An array, or an object that is no rule: equal to nothing. */

static int
flagship_compare_opaque(const flagship_side_t *side)
{
    flagship_args_t  args;

    return !side->constant && !flagship_rule_read(side->node, &args);
}


/* Arguments i - 1 and i. */

static void
flagship_compare_equal(flagship_compiler_t *c, const flagship_args_t *args,
    unsigned i, flagship_side_t *a, flagship_side_t *b, unsigned strict,
    flagship_label_t yes, flagship_label_t no)
{
    uint32_t          one, two;
    flagship_code_t  *code;

    if (flagship_compare_opaque(a) || flagship_compare_opaque(b)) {
        flagship_emit_jump(c, no);
        return;
    }

    if (b->constant) {

        if (b->v.type == FLAGSHIP_STRING && !a->computed
            && flagship_compare_flag(c, a->node,
                                     flagship_str(b->v.u.str, b->v.len),
                                     yes, no))
        {
            return;
        }

        one = flagship_compare_operand(c, args, i - 1, a);
        flagship_compare_constant(c, one, &b->v, strict, yes, no);
        return;
    }

    if (a->constant) {

        if (a->v.type == FLAGSHIP_STRING
            && flagship_compare_flag(c, b->node,
                                     flagship_str(a->v.u.str, a->v.len),
                                     yes, no))
        {
            return;
        }

        two = flagship_compare_operand(c, args, i, b);
        flagship_compare_constant(c, two, &a->v, strict, yes, no);
        return;
    }

    one = flagship_compare_operand(c, args, i - 1, a);
    two = flagship_compare_operand(c, args, i, b);

    code = flagship_emit_test(c, FLAGSHIP_OP_EQ, yes, no);
    code->dst = strict;
    code->imm = two;

    if (!(two & FLAGSHIP_REGISTER)) {
        flagship_emit_reloc(c, FLAGSHIP_RELOC_IMM);
    }

    flagship_emit_operand(c, code, one);
}


/* {"==": [{"flag": "key"}, "variant"]}: no name is made and compared. */

static int
flagship_compare_flag(flagship_compiler_t *c, const flagship_json_node_t *node,
    flagship_str_t variant, flagship_label_t yes, flagship_label_t no)
{
    uint32_t          literal;
    flagship_args_t   args;
    flagship_code_t  *code;

    if (!flagship_rule_read(node, &args)
        || !flagship_str_is(args.name, "flag")
        || args.n != 1
        || args.first->type != FLAGSHIP_JSON_STRING
        || args.first->len == 0
        || args.first->len > FLAGSHIP_MAX_KEY)
    {
        return 0;
    }

    literal = flagship_emit_literal(c, variant);

    code = flagship_emit_test(c, FLAGSHIP_OP_FLAG_IS, yes, no);
    code->imm = FLAGSHIP_NONE;
    code->aux = literal;

    flagship_emit_reloc_name(c, FLAGSHIP_RELOC_FLAG,
                             flagship_json_str(args.first));

    return 1;
}


static void
flagship_compare_constant(flagship_compiler_t *c, uint32_t operand,
    const flagship_value_t *v, unsigned strict, flagship_label_t yes,
    flagship_label_t no)
{
    uint32_t          imm;
    flagship_code_t  *code;

    switch (v->type) {

    case FLAGSHIP_NULL:
        code = flagship_emit_test(c, FLAGSHIP_OP_NULL, yes, no);
        break;

    case FLAGSHIP_STRING:
        imm = flagship_symbols_add(&c->unit->atoms,
                                   flagship_str(v->u.str, v->len));
        if (imm == FLAGSHIP_NONE) {
            c->nomem = 1;
            imm = 0;
        }

        code = flagship_emit_test(c, FLAGSHIP_OP_EQ_ATOM, yes, no);
        code->imm = imm;
        code->dst = strict;
        flagship_emit_reloc(c, FLAGSHIP_RELOC_ATOM);
        break;

    default:

        if (strict && v->type != FLAGSHIP_NUMBER) {
            code = flagship_emit_test(c, FLAGSHIP_OP_BOOL, yes, no);
            code->imm = (v->type == FLAGSHIP_TRUE);
            break;
        }

        /* a boolean compares as 0 or 1 */

        imm = flagship_emit_number(c, flagship_value_number(v));

        code = flagship_emit_test(c, FLAGSHIP_OP_EQ_NUM, yes, no);
        code->imm = imm;
        code->dst = strict;
    }

    flagship_emit_operand(c, code, operand);
}


static void
flagship_compare_order(flagship_compiler_t *c, const flagship_args_t *args,
    unsigned i, flagship_side_t *a, flagship_side_t *b, unsigned order,
    flagship_label_t yes, flagship_label_t no)
{
    static const unsigned  flipped[] = {
        FLAGSHIP_GT, FLAGSHIP_GE, FLAGSHIP_LT, FLAGSHIP_LE
    };

    uint32_t                 one, two, imm;
    flagship_code_t         *code;
    const flagship_value_t  *v;

    if (flagship_compare_opaque(a) || flagship_compare_opaque(b)) {
        /* NaN */
        flagship_emit_jump(c, no);
        return;
    }

    if (b->constant && !a->constant
        && (b->v.type == FLAGSHIP_NUMBER || b->v.type == FLAGSHIP_STRING))
    {
        v = &b->v;
        one = flagship_compare_operand(c, args, i - 1, a);

    } else if (a->constant && !b->constant
               && (a->v.type == FLAGSHIP_NUMBER
                   || a->v.type == FLAGSHIP_STRING))
    {
        v = &a->v;
        one = flagship_compare_operand(c, args, i, b);
        order = flipped[order];

    } else {
        one = flagship_compare_operand(c, args, i - 1, a);
        two = flagship_compare_operand(c, args, i, b);

        code = flagship_emit_test(c, FLAGSHIP_OP_CMP, yes, no);
        code->dst = order;
        code->imm = two;

        if (!(two & FLAGSHIP_REGISTER)) {
            flagship_emit_reloc(c, FLAGSHIP_RELOC_IMM);
        }

        flagship_emit_operand(c, code, one);
        return;
    }

    if (v->type == FLAGSHIP_NUMBER) {
        imm = flagship_emit_number(c, v->u.number);
        code = flagship_emit_test(c, FLAGSHIP_OP_CMP_NUM, yes, no);

    } else {
        imm = flagship_emit_literal(c, flagship_str(v->u.str, v->len));
        code = flagship_emit_test(c, FLAGSHIP_OP_CMP_STR, yes, no);
    }

    code->dst = order;
    code->imm = imm;

    flagship_emit_operand(c, code, one);
}


void
flagship_operator_in(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, flagship_label_t yes, flagship_label_t no)
{
    size_t                       len;
    uint32_t                     imm, operand;
    unsigned                     reg;
    flagship_code_t             *code;
    const flagship_json_node_t  *needle, *haystack;

    (void) op;

    reg = c->reg;

    needle = args->first;
    haystack = flagship_rule_arg(args, 1);

    if (haystack->type == FLAGSHIP_JSON_ARRAY) {

        if (needle->type == FLAGSHIP_JSON_ARRAY) {
            flagship_emit_jump(c, no);
            return;
        }

        operand = flagship_rule_arg_operand(c, args, 0);

        len = flagship_rule_enter(c, args, 1);
        flagship_rule_in_list(c, haystack, operand, yes, no);
        flagship_compiler_leave(c, len);

    } else if (needle->type == FLAGSHIP_JSON_STRING) {
        operand = flagship_rule_arg_operand(c, args, 1);
        imm = flagship_emit_literal(c, flagship_json_str(needle));

        code = flagship_emit_test(c, FLAGSHIP_OP_HAS, yes, no);
        code->imm = imm;
        flagship_emit_operand(c, code, operand);

    } else if (needle->type == FLAGSHIP_JSON_ARRAY) {
        flagship_emit_jump(c, no);

    } else {
        operand = flagship_rule_arg_operand(c, args, 0);
        imm = flagship_rule_arg_operand(c, args, 1);

        code = flagship_emit_test(c, FLAGSHIP_OP_IN, yes, no);
        code->imm = imm;

        if (!(imm & FLAGSHIP_REGISTER)) {
            flagship_emit_reloc(c, FLAGSHIP_RELOC_IMM);
        }

        flagship_emit_operand(c, code, operand);
    }

    c->reg = reg;
}


void
flagship_rule_in_list(flagship_compiler_t *c,
    const flagship_json_node_t *array, uint32_t operand, flagship_label_t yes,
    flagship_label_t no)
{
    double                      *numbers;
    uint32_t                     atom, i, k, m, n, offset, *atoms;
    flagship_code_t             *code;
    flagship_list_t              list;
    const flagship_json_node_t  *node;

    memset(&list, 0, sizeof(list));

    node = array + 1;

    for (i = 0; i < array->len; i++) {

        switch (node->type) {

        case FLAGSHIP_JSON_NULL:
            list.bits |= FLAGSHIP_LIST_NULL;
            break;

        case FLAGSHIP_JSON_FALSE:
            list.bits |= FLAGSHIP_LIST_FALSE;
            break;

        case FLAGSHIP_JSON_TRUE:
            list.bits |= FLAGSHIP_LIST_TRUE;
            break;

        case FLAGSHIP_JSON_NUMBER:
            list.nnumbers++;
            break;

        case FLAGSHIP_JSON_STRING:
            list.natoms++;
            break;

        default:
            flagship_compare_any(c, array, operand, yes, no);
            return;
        }

        node += node->next;
    }

    atoms = flagship_arena_alloc(&c->unit->arena,
                                 (list.natoms + 1) * sizeof(uint32_t));
    numbers = flagship_arena_alloc(&c->unit->arena,
                                   (list.nnumbers + 1) * sizeof(double));

    if (atoms == NULL || numbers == NULL) {
        c->nomem = 1;
        return;
    }

    m = 0;
    n = 0;
    node = array + 1;

    for (i = 0; i < array->len; i++) {

        if (node->type == FLAGSHIP_JSON_NUMBER) {
            numbers[m++] = flagship_json_double(node);

        } else if (node->type == FLAGSHIP_JSON_STRING) {
            atom = flagship_symbols_add(&c->unit->atoms,
                                        flagship_json_str(node));
            if (atom == FLAGSHIP_NONE) {
                c->nomem = 1;
                return;
            }

            atoms[n++] = atom;
        }

        node += node->next;
    }

    qsort(atoms, n, sizeof(uint32_t), flagship_compare_atom);

    for (i = 0, k = 0; i < n; i++) {
        if (i == 0 || atoms[i] != atoms[k - 1]) {
            atoms[k++] = atoms[i];
        }
    }

    list.natoms = k;

    qsort(numbers, m, sizeof(double), flagship_compare_number);

    offset = flagship_emit_data(c, &list, sizeof(list), 8);

    (void) flagship_emit_data(c, numbers, m * sizeof(double), 8);
    (void) flagship_emit_data(c, atoms, k * sizeof(uint32_t), 8);

    code = flagship_emit_test(c, FLAGSHIP_OP_IN_LIST, yes, no);
    code->imm = offset;

    flagship_emit_reloc_list(c, offset);
    flagship_emit_operand(c, code, operand);
}


/* An array with expressions among its elements: one test for each. */

static void
flagship_compare_any(flagship_compiler_t *c, const flagship_json_node_t *array,
    uint32_t operand, flagship_label_t yes, flagship_label_t no)
{
    size_t                       len;
    uint32_t                     i, two;
    unsigned                     reg;
    flagship_args_t              args;
    flagship_code_t             *code;
    flagship_label_t             next;
    flagship_value_t             v;
    const flagship_json_node_t  *node;

    node = array + 1;

    for (i = 0; i < array->len; i++, node += node->next) {

        len = flagship_compiler_enter_index(c, i);

        next = flagship_emit_label(c);
        reg = c->reg;

        if (flagship_rule_constant(c, node, &v)) {
            flagship_compare_constant(c, operand, &v, 1, yes, next);

        } else if (flagship_rule_read(node, &args)) {
            two = flagship_rule_operand(c, node);

            code = flagship_emit_test(c, FLAGSHIP_OP_EQ, yes, next);
            code->dst = 1;
            code->imm = two;

            if (!(two & FLAGSHIP_REGISTER)) {
                flagship_emit_reloc(c, FLAGSHIP_RELOC_IMM);
            }

            flagship_emit_operand(c, code, operand);
        }

        c->reg = reg;

        flagship_emit_bind(c, next);
        flagship_compiler_leave(c, len);
    }

    flagship_emit_jump(c, no);
}


static int
flagship_compare_atom(const void *one, const void *two)
{
    const uint32_t  a = *(const uint32_t *) one;
    const uint32_t  b = *(const uint32_t *) two;

    return (a > b) - (a < b);
}


static int
flagship_compare_number(const void *one, const void *two)
{
    const double  a = *(const double *) one;
    const double  b = *(const double *) two;

    return (a > b) - (a < b);
}
