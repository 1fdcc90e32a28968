
/*
 * Copyright (C) Flagship
 */


/*
 * The table of operators, and those that read the context, decide between
 * operands or name other records.
 */


#include <string.h>

#include "flagship_rule.h"


static void flagship_operator_var(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg);
static void flagship_operator_default(flagship_compiler_t *c,
    const flagship_args_t *args, uint32_t reg);
static void flagship_operator_log(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg);
static void flagship_operator_junction(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);
static void flagship_operator_junction_value(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg);
static void flagship_operator_not(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);
static void flagship_operator_if(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);
static void flagship_operator_if_value(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg);
static int flagship_operator_if_serve(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t none);
static void flagship_operator_segment(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);
static void flagship_operator_in_set(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);
static void flagship_operator_flag(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg);
static void flagship_operator_time(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg);
static int flagship_operator_name(flagship_compiler_t *c,
    const flagship_args_t *args, flagship_str_t *name);


const flagship_operator_t  flagship_operators[] = {

    { flagship_string("var"), 0, 0,
      NULL, flagship_operator_var, NULL },

    { flagship_string("=="), 2, 0,
      flagship_operator_equal, NULL, NULL },

    { flagship_string("==="), 2, 1,
      flagship_operator_equal, NULL, NULL },

    { flagship_string("!="), 2, 2,
      flagship_operator_equal, NULL, NULL },

    { flagship_string("!=="), 2, 3,
      flagship_operator_equal, NULL, NULL },

    { flagship_string("<"), 2, FLAGSHIP_LT,
      flagship_operator_order, NULL, NULL },

    { flagship_string("<="), 2, FLAGSHIP_LE,
      flagship_operator_order, NULL, NULL },

    { flagship_string(">"), 2, FLAGSHIP_GT,
      flagship_operator_order, NULL, NULL },

    { flagship_string(">="), 2, FLAGSHIP_GE,
      flagship_operator_order, NULL, NULL },

    { flagship_string("in"), 2, 0,
      flagship_operator_in, NULL, NULL },

    { flagship_string("and"), 0, 1,
      flagship_operator_junction, flagship_operator_junction_value, NULL },

    { flagship_string("or"), 0, 0,
      flagship_operator_junction, flagship_operator_junction_value, NULL },

    { flagship_string("!"), 0, 1,
      flagship_operator_not, NULL, NULL },

    { flagship_string("!!"), 0, 0,
      flagship_operator_not, NULL, NULL },

    { flagship_string("if"), 0, 0,
      flagship_operator_if, flagship_operator_if_value,
      flagship_operator_if_serve },

    { flagship_string("?:"), 0, 0,
      flagship_operator_if, flagship_operator_if_value,
      flagship_operator_if_serve },

    { flagship_string("cat"), 0, 0,
      NULL, flagship_operator_cat, NULL },

    { flagship_string("starts_with"), 2, 0,
      flagship_operator_affix, flagship_operator_affix_value, NULL },

    { flagship_string("ends_with"), 2, 1,
      flagship_operator_affix, flagship_operator_affix_value, NULL },

    { flagship_string("sem_ver"), 3, 0,
      flagship_operator_semver, flagship_operator_semver_value, NULL },

    { flagship_string("fractional"), 0, 0,
      NULL, flagship_operator_fractional,
      flagship_operator_fractional_serve },

    { flagship_string("in_cidr"), 2, 0,
      flagship_operator_in_cidr, NULL, NULL },

    { flagship_string("in_set"), 2, 0,
      flagship_operator_in_set, NULL, NULL },

    { flagship_string("matches"), 2, 0,
      flagship_operator_matches, flagship_operator_matches_value, NULL },

    { flagship_string("lower"), 1, 0,
      NULL, flagship_operator_lower, NULL },

    { flagship_string("bucket"), 0, 0,
      NULL, flagship_operator_bucket, NULL },

    { flagship_string("segment"), 0, 0,
      flagship_operator_segment, NULL, NULL },

    { flagship_string("flag"), 0, 0,
      NULL, flagship_operator_flag, NULL },

    { flagship_string("rollout"), 0, 0,
      flagship_operator_rollout, NULL, NULL },

    { flagship_string("time"), 1, 0,
      NULL, flagship_operator_time, NULL },

    { flagship_string("missing"), 0, 0,
      NULL, flagship_operator_missing, NULL },

    { flagship_string("missing_some"), 2, 0,
      NULL, flagship_operator_missing_some, NULL },

    { flagship_string("+"), 0, FLAGSHIP_MATH_ADD,
      NULL, flagship_operator_math, NULL },

    { flagship_string("-"), 0, FLAGSHIP_MATH_SUBTRACT,
      NULL, flagship_operator_math, NULL },

    { flagship_string("*"), 0, FLAGSHIP_MATH_MULTIPLY,
      NULL, flagship_operator_math, NULL },

    { flagship_string("/"), 0, FLAGSHIP_MATH_DIVIDE,
      NULL, flagship_operator_math, NULL },

    { flagship_string("%"), 0, FLAGSHIP_MATH_MODULO,
      NULL, flagship_operator_math, NULL },

    { flagship_string("min"), 0, FLAGSHIP_MATH_MIN,
      NULL, flagship_operator_math, NULL },

    { flagship_string("max"), 0, FLAGSHIP_MATH_MAX,
      NULL, flagship_operator_math, NULL },

    { flagship_string("substr"), 2, 0,
      NULL, flagship_operator_substr, NULL },

    { flagship_string("merge"), 0, 0,
      NULL, flagship_operator_merge, NULL },

    { flagship_string("map"), 2, FLAGSHIP_OP_MAP,
      NULL, flagship_operator_loop, NULL },

    { flagship_string("filter"), 2, FLAGSHIP_OP_FILTER,
      NULL, flagship_operator_loop, NULL },

    { flagship_string("reduce"), 2, FLAGSHIP_OP_REDUCE,
      NULL, flagship_operator_loop, NULL },

    { flagship_string("all"), 2, FLAGSHIP_OP_ALL,
      NULL, flagship_operator_loop, NULL },

    { flagship_string("some"), 2, FLAGSHIP_OP_SOME,
      NULL, flagship_operator_loop, NULL },

    { flagship_string("none"), 2, FLAGSHIP_OP_NONE,
      NULL, flagship_operator_loop, NULL },

    { flagship_string("log"), 1, 0,
      NULL, flagship_operator_log, NULL },

    { flagship_string(""), 0, 0, NULL, NULL, NULL }
};


static void
flagship_operator_var(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, uint32_t reg)
{
    char                         buf[FLAGSHIP_NUMBER_LEN];
    uint32_t                     operand, whole;
    flagship_str_t               path;
    flagship_code_t             *code;
    flagship_value_t             v;
    const flagship_json_node_t  *node;

    (void) op;

    if (c->loops) {
        flagship_operator_element(c, args, reg);
        flagship_operator_default(c, args, reg);
        return;
    }

    node = args->n ? args->first : NULL;

    if (node == NULL
        || node->type == FLAGSHIP_JSON_STRING
        || node->type == FLAGSHIP_JSON_NULL
        || node->type == FLAGSHIP_JSON_NUMBER)
    {
        if (node) {
            flagship_value_node(&v, node);
            (void) flagship_value_text(&v, buf, sizeof(buf), &path);

        } else {
            path = flagship_str("", 0);
        }

        if (flagship_str_is(path, "$flagd.flagKey")) {
            c->keyed = c->segment;

            code = flagship_emit(c, FLAGSHIP_OP_KEY);
            code->dst = reg & ~FLAGSHIP_REGISTER;
            return;
        }

        operand = flagship_emit_slot(c, path);

        code = flagship_emit(c, FLAGSHIP_OP_LOAD);
        code->dst = reg & ~FLAGSHIP_REGISTER;
        flagship_emit_operand(c, code, operand);

    } else {
        operand = flagship_rule_arg_operand(c, args, 0);

        /* the path may turn out to be the flag's key */
        c->keyed = c->segment;

        whole = flagship_emit_slot(c, flagship_str("", 0));

        code = flagship_emit(c, FLAGSHIP_OP_VAR);
        code->dst = reg & ~FLAGSHIP_REGISTER;
        code->imm = whole;
        flagship_emit_reloc(c, FLAGSHIP_RELOC_IMM);
        flagship_emit_operand(c, code, operand);
    }

    flagship_operator_default(c, args, reg);
}


/* The second argument of var, where what the first names is absent. */

static void
flagship_operator_default(flagship_compiler_t *c, const flagship_args_t *args,
    uint32_t reg)
{
    flagship_label_t  absent, end;

    if (args->n < 2) {
        return;
    }

    absent = flagship_emit_label(c);
    end = flagship_emit_label(c);

    flagship_emit_operand(c, flagship_emit_test(c, FLAGSHIP_OP_ABSENT, absent,
                                                end),
                          reg);
    flagship_emit_bind(c, absent);
    flagship_rule_arg_value(c, args, 1, reg);
    flagship_emit_bind(c, end);
}


/* and (option 1), or (option 0): where only their truth matters. */

static void
flagship_operator_junction(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no)
{
    unsigned          i;
    flagship_label_t  next;

    if (args->n == 0) {
        flagship_emit_jump(c, no);
        return;
    }

    for (i = 0; i < args->n - 1; i++) {
        next = flagship_emit_label(c);

        if (op->option) {
            flagship_rule_arg_condition(c, args, i, next, no);

        } else {
            flagship_rule_arg_condition(c, args, i, yes, next);
        }

        flagship_emit_bind(c, next);
    }

    flagship_rule_arg_condition(c, args, i, yes, no);
}


/* The operand that decides. */

static void
flagship_operator_junction_value(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg)
{
    unsigned          i;
    flagship_code_t  *code;
    flagship_label_t  next, end;
    flagship_value_t  v;

    if (args->n == 0) {
        v.type = FLAGSHIP_FALSE;
        flagship_rule_load(c, &v, reg);
        return;
    }

    end = flagship_emit_label(c);

    for (i = 0; i < args->n - 1; i++) {
        flagship_rule_arg_value(c, args, i, reg);

        next = flagship_emit_label(c);

        if (op->option) {
            code = flagship_emit_test(c, FLAGSHIP_OP_TRUE, next, end);

        } else {
            code = flagship_emit_test(c, FLAGSHIP_OP_TRUE, end, next);
        }

        flagship_emit_operand(c, code, reg);
        flagship_emit_bind(c, next);
    }

    flagship_rule_arg_value(c, args, i, reg);
    flagship_emit_bind(c, end);
}


/* ! (option 1) and !! (option 0). */

static void
flagship_operator_not(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, flagship_label_t yes, flagship_label_t no)
{
    if (args->n == 0) {
        flagship_emit_jump(c, op->option ? yes : no);

    } else if (op->option) {
        flagship_rule_arg_condition(c, args, 0, no, yes);

    } else {
        flagship_rule_arg_condition(c, args, 0, yes, no);
    }
}


static void
flagship_operator_if(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, flagship_label_t yes, flagship_label_t no)
{
    unsigned          i;
    flagship_label_t  then, next;

    (void) op;

    for (i = 0; i + 1 < args->n; i += 2) {
        then = flagship_emit_label(c);
        next = flagship_emit_label(c);

        flagship_rule_arg_condition(c, args, i, then, next);
        flagship_emit_bind(c, then);
        flagship_rule_arg_condition(c, args, i + 1, yes, no);
        flagship_emit_bind(c, next);
    }

    if (i < args->n) {
        flagship_rule_arg_condition(c, args, i, yes, no);

    } else {
        flagship_emit_jump(c, no);
    }
}


static void
flagship_operator_if_value(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg)
{
    unsigned          i;
    flagship_label_t  then, next, end;

    (void) op;

    end = flagship_emit_label(c);

    for (i = 0; i + 1 < args->n; i += 2) {
        then = flagship_emit_label(c);
        next = flagship_emit_label(c);

        flagship_rule_arg_condition(c, args, i, then, next);
        flagship_emit_bind(c, then);
        flagship_rule_arg_value(c, args, i + 1, reg);
        flagship_emit_jump(c, end);
        flagship_emit_bind(c, next);
    }

    if (i < args->n) {
        flagship_rule_arg_value(c, args, i, reg);

    } else {
        flagship_rule_load_null(c, reg);
    }

    flagship_emit_bind(c, end);
}


static int
flagship_operator_if_serve(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t none)
{
    size_t            len;
    unsigned          i;
    flagship_label_t  then, next;

    (void) op;

    for (i = 0; i + 1 < args->n; i += 2) {
        then = flagship_emit_label(c);
        next = flagship_emit_label(c);

        flagship_rule_arg_condition(c, args, i, then, next);
        flagship_emit_bind(c, then);

        len = flagship_rule_enter(c, args, i + 1);
        flagship_rule_serve(c, flagship_rule_arg(args, i + 1), none);
        flagship_compiler_leave(c, len);

        flagship_emit_bind(c, next);
    }

    if (i < args->n) {
        len = flagship_rule_enter(c, args, i);
        flagship_rule_serve(c, flagship_rule_arg(args, i), none);
        flagship_compiler_leave(c, len);

    } else {
        flagship_emit_jump(c, none);
    }

    return 1;
}


static void
flagship_operator_segment(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no)
{
    flagship_str_t    name;
    flagship_code_t  *code;

    (void) op;

    if (flagship_operator_name(c, args, &name)) {
        code = flagship_emit_test(c, FLAGSHIP_OP_SEGMENT, yes, no);
        code->imm = FLAGSHIP_NONE;
        flagship_emit_reloc_name(c, FLAGSHIP_RELOC_SEGMENT, name);
    }
}


/* in_set [value, "set"]: what the set holds is asked for at each evaluation,
   that there is one now. */

static void
flagship_operator_in_set(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no)
{
    size_t                       len;
    unsigned                     reg;
    uint32_t                     operand, set;
    flagship_str_t               name;
    flagship_code_t             *code;
    const flagship_json_node_t  *node;

    (void) op;

    reg = c->reg;
    node = flagship_rule_arg(args, 1);

    operand = flagship_rule_arg_operand(c, args, 0);

    if (node->type != FLAGSHIP_JSON_STRING
        || node->len == 0
        || node->len > FLAGSHIP_MAX_KEY)
    {
        len = flagship_rule_enter(c, args, 1);
        flagship_compiler_error(c, "the key of a set must be a constant "
                                "string of 1 to %d bytes", FLAGSHIP_MAX_KEY);
        flagship_compiler_leave(c, len);
        return;
    }

    name = flagship_json_str(node);

    if (!flagship_unit_knows(c->unit, name)) {
        len = flagship_rule_enter(c, args, 1);
        flagship_compiler_error(c, "there is no set \"%.*s\"",
                                (int) name.len, name.data);
        flagship_compiler_leave(c, len);
        return;
    }

    set = flagship_symbols_add(&c->unit->sets, name);
    if (set == FLAGSHIP_NONE) {
        c->nomem = 1;
        return;
    }

    code = flagship_emit_test(c, FLAGSHIP_OP_IN_SET, yes, no);
    code->imm = set;
    flagship_emit_reloc(c, FLAGSHIP_RELOC_SET);
    flagship_emit_operand(c, code, operand);

    c->reg = reg;
}


static void
flagship_operator_flag(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, uint32_t reg)
{
    flagship_str_t    name;
    flagship_code_t  *code;

    (void) op;

    if (flagship_operator_name(c, args, &name)) {
        code = flagship_emit(c, FLAGSHIP_OP_FLAG);
        code->dst = reg & ~FLAGSHIP_REGISTER;
        code->imm = FLAGSHIP_NONE;
        flagship_emit_reloc_name(c, FLAGSHIP_RELOC_FLAG, name);
    }
}


/* What other records are called must be known now: cycles are looked for
   through these names. */

static int
flagship_operator_name(flagship_compiler_t *c, const flagship_args_t *args,
    flagship_str_t *name)
{
    size_t  len;

    if (args->n == 1
        && args->first->type == FLAGSHIP_JSON_STRING
        && args->first->len != 0
        && args->first->len <= FLAGSHIP_MAX_KEY)
    {
        *name = flagship_json_str(args->first);
        return 1;
    }

    len = flagship_compiler_enter(c, args->name);
    flagship_compiler_error(c, "the key of a %.*s must be a constant string "
                            "of 1 to %d bytes", (int) args->name.len,
                            args->name.data, FLAGSHIP_MAX_KEY);
    flagship_compiler_leave(c, len);

    return 0;
}


/* Of what is not known until it is evaluated. */

static void
flagship_operator_time(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, uint32_t reg)
{
    uint32_t          operand;
    flagship_code_t  *code;

    (void) op;

    operand = flagship_rule_arg_operand(c, args, 0);

    code = flagship_emit(c, FLAGSHIP_OP_TIME);
    code->dst = reg & ~FLAGSHIP_REGISTER;
    flagship_emit_operand(c, code, operand);
}


/* Nobody listens: it is its first argument. */

static void
flagship_operator_log(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, uint32_t reg)
{
    (void) op;

    flagship_rule_arg_value(c, args, 0, reg);
}
