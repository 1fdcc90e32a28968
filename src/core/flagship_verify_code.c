
/*
 * Copyright (C) Flagship
 */


/*
 * The proof of code: known instructions, operands and literals in bounds,
 * jumps forward and inside, registers written on every way before they are
 * read.
 */


#include <math.h>
#include <string.h>

#include "flagship_eval.h"
#include "flagship_json.h"
#include "flagship_net.h"
#include "flagship_regex.h"
#include "flagship_semver.h"
#include "flagship_value.h"
#include "flagship_verify.h"


static int flagship_verify_loop(flagship_verify_t *v, uint32_t i,
    const flagship_code_t *code, uint64_t *mask);
static inline int flagship_verify_operand(flagship_verify_t *v,
    uint32_t operand, uint64_t mask);
static int flagship_verify_instruction(flagship_verify_t *v, uint32_t i,
    const flagship_code_t *code, uint64_t *mask);
static int flagship_verify_special(flagship_verify_t *v,
    const flagship_code_t *code, uint64_t mask);
static int flagship_verify_literals(flagship_verify_t *v,
    const flagship_code_t *code, unsigned shape);
static int flagship_verify_version(flagship_verify_t *v, uint32_t offset);
static int flagship_verify_ranges(flagship_verify_t *v, uint32_t offset);
static int flagship_verify_split(flagship_verify_t *v, uint32_t offset);
static int flagship_verify_items(flagship_verify_t *v, uint32_t offset);
static int flagship_verify_item(flagship_verify_t *v,
    const flagship_item_node_t *item, uint32_t n, unsigned depth);


const uint32_t  flagship_verify_shapes[FLAGSHIP_OP_MAX] = {
    [FLAGSHIP_OP_TRUE] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_ABSENT] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_NULL] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_BOOL] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_EQ_ATOM] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_ATOM
                            |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_EQ_NUM] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_NUMBER
                           |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_CMP_NUM] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_NUMBER
                            |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_CMP_STR] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_STRING
                            |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_EQ] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_IMM
                       |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_CMP] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_IMM
                        |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_IN_LIST] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_LIST
                            |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_IN] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_IMM
                       |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_HAS] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_STRING
                        |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_STARTS] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_STRING
                           |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_ENDS] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_STRING
                         |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_SEMVER] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_VERSION
                           |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_IN_CIDR] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_RANGES
                            |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_IN_RANGES] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_IMM
                              |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_IN_SET] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_SET
                           |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_MATCHES] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_REGEX
                            |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_ROLLOUT] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_SEGMENT] = FLAGSHIP_SHAPE_SEGMENT|FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_FLAG_IS] = FLAGSHIP_SHAPE_FLAG|FLAGSHIP_SHAPE_TEST,

    [FLAGSHIP_OP_LOAD] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_CONST] = FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_CONST_NUM] = FLAGSHIP_SHAPE_NUMBER|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_CONST_STR] = FLAGSHIP_SHAPE_STRING|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_KEY] = FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_VAR] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_IMM|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_CAT] = FLAGSHIP_SHAPE_REGS|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_AFFIX] = FLAGSHIP_SHAPE_REGS|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_MATCH] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_REGEX
                          |FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_VERSION] = FLAGSHIP_SHAPE_REGS|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_TIME] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_LOWER] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_BUCKET] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_FLAG] = FLAGSHIP_SHAPE_FLAG|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_SPLIT] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_AUX
                          |FLAGSHIP_SHAPE_SPLIT|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_FRACTIONAL] = FLAGSHIP_SHAPE_REGS|FLAGSHIP_SHAPE_AUX
                               |FLAGSHIP_SHAPE_DST,

    [FLAGSHIP_OP_MATH] = FLAGSHIP_SHAPE_REGS|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_SUBSTR] = FLAGSHIP_SHAPE_REGS|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_ARRAY] = FLAGSHIP_SHAPE_REGS|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_MERGE] = FLAGSHIP_SHAPE_REGS|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_ITEMS] = FLAGSHIP_SHAPE_ITEMS|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_ELEMENT] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_IMM
                            |FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_PAIR] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_IMM
                         |FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_MISSING] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_ENOUGH] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_IMM
                           |FLAGSHIP_SHAPE_DST,

    [FLAGSHIP_OP_MAP] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_LOOP,
    [FLAGSHIP_OP_FILTER] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_LOOP,
    [FLAGSHIP_OP_ALL] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_LOOP,
    [FLAGSHIP_OP_SOME] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_LOOP,
    [FLAGSHIP_OP_NONE] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_LOOP,
    [FLAGSHIP_OP_REDUCE] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_LOOP,

    [FLAGSHIP_OP_JUMP] = FLAGSHIP_SHAPE_JT|FLAGSHIP_SHAPE_END,
    [FLAGSHIP_OP_RETURN] = FLAGSHIP_SHAPE_END,
    [FLAGSHIP_OP_RETURN_SPLIT] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_AUX
                                 |FLAGSHIP_SHAPE_SPLIT|FLAGSHIP_SHAPE_JF
                                 |FLAGSHIP_SHAPE_END,
    [FLAGSHIP_OP_RETURN_NAME] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_JF
                                |FLAGSHIP_SHAPE_END,
    [FLAGSHIP_OP_FAIL] = FLAGSHIP_SHAPE_END,
    [FLAGSHIP_OP_HOLDS] = FLAGSHIP_SHAPE_END,
    [FLAGSHIP_OP_RESULT] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_END,
    [FLAGSHIP_OP_YIELD] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_END
};


/*
 * One pass will do, since jumps run forward: when an instruction is reached,
 * all ways to it have been seen.  masks[i] is the set of registers that all of
 * them have written; of an instruction that no way leads to it stays full,
 * which is no matter.
 */

int
flagship_verify_code(flagship_verify_t *v)
{
    uint32_t                i, n;
    uint64_t                mask;
    unsigned                shape;
    const flagship_code_t  *code;

    n = v->record->ncode;

    if (n == 0) {
        return 1;
    }

    memset(v->masks, 0xff, n * sizeof(uint64_t));
    v->masks[0] = 0;
    v->loops = 0;

    for (i = 0; i < n; i++) {
        code = &v->code[i];

        while (v->loops && v->ends[v->loops - 1] == i) {
            v->loops--;
        }

        if (code->op >= FLAGSHIP_OP_MAX) {
            return flagship_verify_fail(v, "an unknown instruction");
        }

        shape = flagship_verify_shapes[code->op];
        mask = v->masks[i];

        if (!flagship_verify_instruction(v, i, code, &mask)
            || !flagship_verify_literals(v, code, shape)
            || !flagship_verify_special(v, code, v->masks[i]))
        {
            return 0;
        }

        if ((shape & FLAGSHIP_SHAPE_LOOP)
            && !flagship_verify_loop(v, i, code, &mask))
        {
            return 0;
        }

        if (shape & FLAGSHIP_SHAPE_JT) {
            v->masks[code->jt] &= mask;
        }

        if (shape & FLAGSHIP_SHAPE_JF) {
            v->masks[code->jf] &= mask;
        }

        if (!(shape & FLAGSHIP_SHAPE_END)) {

            if (i + 1 == (v->loops ? v->ends[v->loops - 1] : n)) {
                return flagship_verify_fail(v, "code runs out of its end");
            }

            v->masks[i + 1] &= mask;
        }
    }

    return 1;
}


/*
 * A loop's body is closed: no way leads out of it but YIELD, so that loops
 * nest as they stand.  The result is written behind the body only.
 */

static int
flagship_verify_loop(flagship_verify_t *v, uint32_t i,
    const flagship_code_t *code, uint64_t *mask)
{
    uint32_t  element, end;

    end = v->loops ? v->ends[v->loops - 1] : v->record->ncode;

    if (v->loops == FLAGSHIP_MAX_LOOPS
        || code->jt <= i + 1 || code->jt >= end)
    {
        return flagship_verify_fail(v, "a loop is out of bounds");
    }

    element = code->imm & ~FLAGSHIP_REGISTER;

    if (code->imm >> 16 || !(code->imm & FLAGSHIP_REGISTER)
        || element >= FLAGSHIP_MAX_REGISTERS
        || code->dst >= FLAGSHIP_MAX_REGISTERS)
    {
        return flagship_verify_fail(v, "a register is out of bounds");
    }

    if (code->op == FLAGSHIP_OP_REDUCE
        && (!(code->aux & FLAGSHIP_REGISTER)
            || !flagship_verify_operand(v, code->aux, *mask)))
    {
        return flagship_verify_fail(v, "an operand is out of bounds");
    }

    v->masks[code->jt] &= *mask | (uint64_t) 1 << code->dst;
    v->ends[v->loops++] = code->jt;

    *mask |= (uint64_t) 1 << element;

    return 1;
}


static inline int
flagship_verify_operand(flagship_verify_t *v, uint32_t operand, uint64_t mask)
{
    if (operand & FLAGSHIP_REGISTER) {
        operand &= ~FLAGSHIP_REGISTER;

        return operand < FLAGSHIP_MAX_REGISTERS && (mask >> operand) & 1;
    }

    return operand < v->image->attrs.n;
}


/* An array in the first register stands for its elements. */

static inline int
flagship_verify_spreads(const flagship_code_t *code)
{
    return code->op == FLAGSHIP_OP_CAT ? code->aux != 0
                                       : (code->aux & FLAGSHIP_SPREAD) != 0;
}


static int
flagship_verify_instruction(flagship_verify_t *v, uint32_t i,
    const flagship_code_t *code, uint64_t *mask)
{
    uint32_t  end;
    uint64_t  k, first, n;
    unsigned  shape;

    shape = flagship_verify_shapes[code->op];
    end = v->loops ? v->ends[v->loops - 1] : v->record->ncode;

    if ((shape & FLAGSHIP_SHAPE_JT) && (code->jt <= i || code->jt >= end)) {
        return flagship_verify_fail(v, "a jump does not run forward");
    }

    if ((shape & FLAGSHIP_SHAPE_JF) && (code->jf <= i || code->jf >= end)) {
        return flagship_verify_fail(v, "a jump does not run forward");
    }

    if (((shape & FLAGSHIP_SHAPE_A)
         && !flagship_verify_operand(v, code->a, *mask))
        || ((shape & FLAGSHIP_SHAPE_IMM)
            && !flagship_verify_operand(v, code->imm, *mask))
        || ((shape & FLAGSHIP_SHAPE_AUX) && code->aux >= v->image->attrs.n))
    {
        return flagship_verify_fail(v, "an operand is out of bounds");
    }

    if (shape & FLAGSHIP_SHAPE_REGS) {

        switch (code->op) {

        case FLAGSHIP_OP_AFFIX:
            n = 2;
            break;

        case FLAGSHIP_OP_VERSION:
        case FLAGSHIP_OP_SUBSTR:
            n = 3;
            break;

        case FLAGSHIP_OP_ARRAY:
        case FLAGSHIP_OP_MERGE:
            n = code->imm;
            break;

        case FLAGSHIP_OP_FRACTIONAL:
            n = 2 * (uint64_t) code->imm + 1;
            break;

        default: /* CAT and MATH: the first may be looked at alone */
            n = code->imm ? code->imm : 1;

            if (code->imm == 0 && !flagship_verify_spreads(code)) {
                n = 0;
            }

        }

        first = code->a & ~FLAGSHIP_REGISTER;

        if (!(code->a & FLAGSHIP_REGISTER)
            || first + n > FLAGSHIP_MAX_REGISTERS)
        {
            return flagship_verify_fail(v, "registers are out of bounds");
        }

        for (k = first; k < first + n; k++) {
            if (!((*mask >> k) & 1)) {
                return flagship_verify_fail(v, "a register is not written");
            }
        }
    }

    if (shape & FLAGSHIP_SHAPE_DST) {

        if (code->dst >= FLAGSHIP_MAX_REGISTERS) {
            return flagship_verify_fail(v, "a register is out of bounds");
        }

        *mask |= (uint64_t) 1 << code->dst;
    }

    return 1;
}


/* What is no register, operand or literal. */

static int
flagship_verify_special(flagship_verify_t *v, const flagship_code_t *code,
    uint64_t mask)
{
    switch (code->op) {

    case FLAGSHIP_OP_CONST:

        if (code->imm > FLAGSHIP_TRUE) {
            return flagship_verify_fail(v, "an unknown constant");
        }

        break;

    case FLAGSHIP_OP_SEMVER:

        if (code->dst >= FLAGSHIP_SEMVER_BAD) {
            return flagship_verify_fail(v, "an unknown order");
        }

        break;

    case FLAGSHIP_OP_CMP:
    case FLAGSHIP_OP_CMP_NUM:
    case FLAGSHIP_OP_CMP_STR:

        if (code->dst > FLAGSHIP_GE) {
            return flagship_verify_fail(v, "an unknown order");
        }

        break;

    case FLAGSHIP_OP_MATH:

        if ((code->aux & ~FLAGSHIP_SPREAD) >= FLAGSHIP_MATH_LAST) {
            return flagship_verify_fail(v, "an unknown operation");
        }

        break;

    case FLAGSHIP_OP_BUCKET:

        if (code->imm == 0 || code->aux >= FLAGSHIP_BUCKET_BAD) {
            return flagship_verify_fail(v, "an unknown bucket");
        }

        break;

    case FLAGSHIP_OP_MISSING:

        if (code->imm != FLAGSHIP_NONE
            && !flagship_verify_operand(v, code->imm, mask))
        {
            return flagship_verify_fail(v, "an operand is out of bounds");
        }

        break;

    case FLAGSHIP_OP_ENOUGH:

        if (!flagship_verify_operand(v, code->aux, mask)) {
            return flagship_verify_fail(v, "an operand is out of bounds");
        }

        break;

    case FLAGSHIP_OP_YIELD:

        if (v->loops == 0) {
            return flagship_verify_fail(v, "a yield outside of a loop");
        }

        break;

    case FLAGSHIP_OP_FRACTIONAL:

        if (code->imm == 0 || code->imm > FLAGSHIP_MAX_REGISTERS / 2) {
            return flagship_verify_fail(v, "a split is out of bounds");
        }

        break;

    case FLAGSHIP_OP_RETURN:

        if (v->segment
            || (code->imm != FLAGSHIP_NO_VARIANT
                && code->imm >= v->record->nvariants)
            || code->dst > FLAGSHIP_REASON_SPLIT)
        {
            return flagship_verify_fail(v, "a return is out of bounds");
        }

        break;

    case FLAGSHIP_OP_RETURN_NAME:
    case FLAGSHIP_OP_RETURN_SPLIT:
    case FLAGSHIP_OP_FAIL:

        if (v->segment) {
            return flagship_verify_fail(v, "a segment returns a variant");
        }

        break;

    case FLAGSHIP_OP_RESULT:
    case FLAGSHIP_OP_HOLDS:

        if (!v->segment || code->imm > 1) {
            return flagship_verify_fail(v, "a flag returns a truth");
        }

        break;
    }

    return 1;
}


static int
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
