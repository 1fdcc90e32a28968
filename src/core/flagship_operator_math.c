
/*
 * Copyright (C) Flagship
 */


/*
 * + - * / % min max substr.
 */


#include "flagship_rule.h"


void
flagship_operator_math(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, uint32_t reg)
{
    uint32_t          first;
    flagship_code_t  *code;

    first = flagship_rule_values(c, args, args->n);

    code = flagship_emit(c, FLAGSHIP_OP_MATH);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->a = first;
    code->imm = args->n;
    code->aux = op->option | (args->wrapped ? FLAGSHIP_SPREAD : 0);
}


void
flagship_operator_substr(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, uint32_t reg)
{
    uint32_t          first;
    flagship_code_t  *code;

    (void) op;

    first = flagship_rule_values(c, args, 3);

    code = flagship_emit(c, FLAGSHIP_OP_SUBSTR);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->a = first;
}
