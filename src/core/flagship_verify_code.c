
/*
 * Copyright (C) Flagship
 */


/*
 * The proof of code: known instructions, operands in bounds, jumps forward and
 * inside, registers written on every way before they are read.
 */


#include <string.h>

#include "flagship_eval.h"
#include "flagship_semver.h"
#include "flagship_verify.h"


static int flagship_verify_loop(flagship_verify_t *v, uint32_t i,
    const flagship_code_t *code, uint64_t *mask);
static inline int flagship_verify_operand(flagship_verify_t *v,
    uint32_t operand, uint64_t mask);
static int flagship_verify_instruction(flagship_verify_t *v, uint32_t i,
    const flagship_code_t *code, uint64_t *mask);
static int flagship_verify_special(flagship_verify_t *v,
    const flagship_code_t *code, uint64_t mask);


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
