
/*
 * Copyright (C) Flagship
 */


/*
 * matches: a pattern that is no more than a text becomes an instruction that
 * compares texts; any other becomes data in the chunk.
 */


#include "flagship_regex.h"
#include "flagship_rule.h"


#define FLAGSHIP_REGEX_BYTES  (4 << 20)   /* of all patterns of a record */


static int flagship_regex_constant(flagship_compiler_t *c,
    const flagship_args_t *args, flagship_arena_t *arena,
    flagship_str_t *pattern, flagship_regex_compiled_t *compiled);
static int flagship_regex_fold(flagship_compiler_t *c,
    const flagship_args_t *args, unsigned *fold);
static uint32_t flagship_regex_literal(flagship_compiler_t *c,
    const flagship_args_t *args, const flagship_regex_compiled_t *compiled);
static flagship_code_t *flagship_regex_test(flagship_compiler_t *c,
    const flagship_regex_compiled_t *compiled, flagship_label_t yes,
    flagship_label_t no);


/* matches [text, pattern, "i"?] */

void
flagship_operator_matches(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no)
{
    unsigned                    reg;
    uint32_t                    imm, aux, operand;
    flagship_str_t              pattern;
    flagship_code_t            *code;
    flagship_arena_t            arena;
    flagship_regex_compiled_t   compiled;

    (void) op;

    reg = c->reg;
    operand = flagship_rule_arg_operand(c, args, 0);

    flagship_arena_init(&arena);

    if (flagship_regex_constant(c, args, &arena, &pattern, &compiled)
        == FLAGSHIP_OK)
    {

        if (compiled.plain) {
            code = flagship_regex_test(c, &compiled, yes, no);

        } else {
            imm = flagship_regex_literal(c, args, &compiled);
            aux = flagship_emit_literal(c, pattern);

            code = flagship_emit_test(c, FLAGSHIP_OP_MATCHES, yes, no);
            code->imm = imm;
            code->aux = aux;
        }

        flagship_emit_operand(c, code, operand);
    }

    flagship_arena_free(&arena);

    c->reg = reg;
}


/* Null of what is no text, so there is a need for the whole expression. */

void
flagship_operator_matches_value(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg)
{
    uint32_t                    imm, aux, operand;
    flagship_str_t              pattern;
    flagship_code_t            *code;
    flagship_arena_t            arena;
    flagship_regex_compiled_t   compiled;

    (void) op;

    operand = flagship_rule_arg_operand(c, args, 0);

    flagship_arena_init(&arena);

    if (flagship_regex_constant(c, args, &arena, &pattern, &compiled)
        == FLAGSHIP_OK)
    {
        imm = flagship_regex_literal(c, args, &compiled);
        aux = flagship_emit_literal(c, pattern);

        code = flagship_emit(c, FLAGSHIP_OP_MATCH);
        code->dst = reg & ~FLAGSHIP_REGISTER;
        code->imm = imm;
        code->aux = aux;
        flagship_emit_operand(c, code, operand);
    }

    flagship_arena_free(&arena);
}


/* The pattern is compiled now, or the rule is refused (said). */

static int
flagship_regex_constant(flagship_compiler_t *c, const flagship_args_t *args,
    flagship_arena_t *arena, flagship_str_t *pattern,
    flagship_regex_compiled_t *compiled)
{
    int                rc;
    size_t             len;
    unsigned           fold;
    flagship_value_t   v;

    if (flagship_regex_fold(c, args, &fold) != FLAGSHIP_OK) {
        return FLAGSHIP_DECLINED;
    }

    len = flagship_rule_enter(c, args, 1);

    if (!flagship_rule_constant(c, flagship_rule_arg(args, 1), &v)
        || v.type != FLAGSHIP_STRING)
    {
        flagship_compiler_error(c, "the pattern of matches must be a constant "
                                "string");
        flagship_compiler_leave(c, len);

        return FLAGSHIP_DECLINED;
    }

    *pattern = flagship_str(v.u.str, v.len);

    rc = flagship_regex_compile(arena, *pattern, fold, &c->regex_work,
                                compiled);

    if (rc == FLAGSHIP_ERROR) {
        c->nomem = 1;

    } else if (rc == FLAGSHIP_DECLINED) {
        flagship_compiler_error(c, "the pattern at byte %zu: %s",
                                compiled->offset, compiled->error);

    } else if (c->errors->lint && !compiled->plain
               && compiled->regex->kind == FLAGSHIP_REGEX_IS_PROGRAM)
    {
        flagship_compiler_warn(c, "costly-pattern", "the pattern has too many "
                               "states for a table: a text takes it time by "
                               "its own length times the pattern's");
    }

    flagship_compiler_leave(c, len);

    return rc;
}


static int
flagship_regex_fold(flagship_compiler_t *c, const flagship_args_t *args,
    unsigned *fold)
{
    size_t                       len;
    const flagship_json_node_t  *flags;

    *fold = 0;

    if (args->n < 3) {
        return FLAGSHIP_OK;
    }

    flags = flagship_rule_arg(args, 2);

    if (flags->type == FLAGSHIP_JSON_STRING
        && (flags->len == 0 || (flags->len == 1 && flags->str[0] == 'i')))
    {
        *fold = flags->len;
        return FLAGSHIP_OK;
    }

    len = flagship_rule_enter(c, args, 2);
    flagship_compiler_error(c, "the third argument of matches must be \"i\", "
                            "regardless of case, or \"\"");
    flagship_compiler_leave(c, len);

    return FLAGSHIP_DECLINED;
}


static uint32_t
flagship_regex_literal(flagship_compiler_t *c, const flagship_args_t *args,
    const flagship_regex_compiled_t *compiled)
{
    size_t  len;

    if (compiled->len > FLAGSHIP_REGEX_BYTES - c->regex_bytes) {

        len = flagship_rule_enter(c, args, 1);
        flagship_compiler_error(c, "the patterns of the rules compile to more "
                                "than 4 MiB");
        flagship_compiler_leave(c, len);

        return 0;
    }

    c->regex_bytes += compiled->len;

    return flagship_emit_data(c, compiled->regex, compiled->len, 8);
}


static flagship_code_t *
flagship_regex_test(flagship_compiler_t *c,
    const flagship_regex_compiled_t *compiled, flagship_label_t yes,
    flagship_label_t no)
{
    uint32_t          imm;
    unsigned          op;
    flagship_code_t  *code;

    if (compiled->begins && compiled->ends) {

        imm = flagship_symbols_add(&c->unit->atoms, compiled->text);
        if (imm == FLAGSHIP_NONE) {
            c->nomem = 1;
            imm = 0;
        }

        code = flagship_emit_test(c, FLAGSHIP_OP_EQ_ATOM, yes, no);
        code->imm = imm;
        code->dst = 1;
        flagship_emit_reloc(c, FLAGSHIP_RELOC_ATOM);

        return code;
    }

    op = compiled->ends ? FLAGSHIP_OP_ENDS
         : compiled->begins ? FLAGSHIP_OP_STARTS : FLAGSHIP_OP_HAS;

    imm = flagship_emit_literal(c, compiled->text);

    code = flagship_emit_test(c, op, yes, no);
    code->imm = imm;
    code->dst = (op == FLAGSHIP_OP_HAS);

    return code;
}
