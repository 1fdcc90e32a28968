
/*
 * Copyright (C) Flagship
 */


/*
 * JsonLogic -> code.
 *
 * An expression stands in one of three places, and compiles differently in
 * each: as a condition only its truth matters, and it becomes tests that jump;
 * as a value it is left in a register; as what a rule serves it becomes
 * returns.  A form that a place has no better way for is compiled as a value.
 *
 * Recursion is bounded by the depth that JSON is read with, the work by
 * FLAGSHIP_MAX_NODES.
 */


#include <math.h>
#include <string.h>

#include "flagship_compiler.h"
#include "flagship_fold.h"
#include "flagship_rule.h"
#include "flagship_time.h"


static const flagship_operator_t *flagship_rule_operator(
    flagship_compiler_t *c, const flagship_args_t *args);
static int flagship_rule_uses(flagship_compiler_t *c,
    const flagship_json_node_t *name);
static void flagship_rule_lower(flagship_compiler_t *c, flagship_value_t *v);


/* A rule is an object with exactly one member. */

int
flagship_rule_read(const flagship_json_node_t *node, flagship_args_t *args)
{
    const flagship_json_node_t  *value;

    if (node->type != FLAGSHIP_JSON_OBJECT || node->len != 1) {
        return 0;
    }

    args->name = flagship_json_str(node + 1);

    value = node + 1 + (node + 1)->next;

    if (value->type == FLAGSHIP_JSON_ARRAY) {
        args->first = value + 1;
        args->n = value->len;
        args->wrapped = 0;

    } else {
        args->first = value;
        args->n = 1;
        args->wrapped = 1;
    }

    args->node = args->first;
    args->i = 0;

    return 1;
}


const flagship_json_node_t *
flagship_rule_arg(const flagship_args_t *args, unsigned i)
{
    flagship_args_t  *cursor = (flagship_args_t *) args;

    if (i < cursor->i) {
        cursor->node = args->first;
        cursor->i = 0;
    }

    for ( /* void */ ; cursor->i < i; cursor->i++) {
        cursor->node += cursor->node->next;
    }

    return cursor->node;
}


size_t
flagship_rule_enter(flagship_compiler_t *c, const flagship_args_t *args,
    unsigned i)
{
    size_t  len;

    len = flagship_compiler_enter(c, args->name);

    if (!args->wrapped) {
        (void) flagship_compiler_enter_index(c, i);
    }

    return len;
}


void
flagship_rule_arg_condition(flagship_compiler_t *c,
    const flagship_args_t *args, unsigned i, flagship_label_t yes,
    flagship_label_t no)
{
    size_t  len;

    len = flagship_rule_enter(c, args, i);
    flagship_rule_condition(c, flagship_rule_arg(args, i), yes, no);
    flagship_compiler_leave(c, len);
}


void
flagship_rule_arg_value(flagship_compiler_t *c, const flagship_args_t *args,
    unsigned i, uint32_t reg)
{
    size_t  len;

    len = flagship_rule_enter(c, args, i);
    flagship_rule_value(c, flagship_rule_arg(args, i), reg);
    flagship_compiler_leave(c, len);
}


uint32_t
flagship_rule_arg_operand(flagship_compiler_t *c, const flagship_args_t *args,
    unsigned i)
{
    size_t    len;
    uint32_t  operand;

    len = flagship_rule_enter(c, args, i);
    operand = flagship_rule_operand(c, flagship_rule_arg(args, i));
    flagship_compiler_leave(c, len);

    return operand;
}


void
flagship_rule_condition(flagship_compiler_t *c,
    const flagship_json_node_t *node, flagship_label_t yes,
    flagship_label_t no)
{
    unsigned                     reg;
    uint32_t                     operand;
    flagship_args_t              args;
    flagship_value_t             v;
    const flagship_operator_t   *op;
    const flagship_json_node_t  *target;

    if (flagship_rule_constant(c, node, &v)) {
        flagship_emit_jump(c, flagship_value_truth(&v) ? yes : no);
        return;
    }

    if (!flagship_rule_read(node, &args)) {
        /* an array of anything, or an object that is data */
        flagship_emit_jump(c, (node->type == FLAGSHIP_JSON_OBJECT || node->len)
                              ? yes : no);
        return;
    }

    if (flagship_rule_reference(c, &args, &target)) {

        if (target) {
            flagship_rule_condition(c, target, yes, no);
            c->depth--;
        }

        return;
    }

    op = flagship_rule_operator(c, &args);

    if (op == NULL) {
        return;
    }

    if (args.n < op->least) {
        flagship_emit_jump(c, no);
        return;
    }

    if (op->condition) {
        op->condition(c, op, &args, yes, no);
        return;
    }

    reg = c->reg;

    c->nodes--;
    operand = flagship_rule_operand(c, node);

    flagship_emit_operand(c, flagship_emit_test(c, FLAGSHIP_OP_TRUE, yes, no),
                          operand);

    c->reg = reg;
}


void
flagship_rule_value(flagship_compiler_t *c, const flagship_json_node_t *node,
    uint32_t reg)
{
    unsigned                     saved;
    flagship_args_t              args;
    flagship_label_t             yes, no, end;
    flagship_value_t             v;
    const flagship_operator_t   *op;
    const flagship_json_node_t  *target;

    if (flagship_rule_constant(c, node, &v)) {
        flagship_rule_load(c, &v, reg);
        return;
    }

    if (!flagship_rule_read(node, &args)) {
        flagship_rule_items(c, node, reg);
        return;
    }

    if (flagship_rule_reference(c, &args, &target)) {

        if (target) {
            flagship_rule_value(c, target, reg);
            c->depth--;
        }

        return;
    }

    op = flagship_rule_operator(c, &args);

    if (op == NULL) {
        return;
    }

    if (args.n < op->least) {
        flagship_rule_load_null(c, reg);
        return;
    }

    saved = c->reg;

    if (op->value) {
        op->value(c, op, &args, reg);
        c->reg = saved;
        return;
    }

    yes = flagship_emit_label(c);
    no = flagship_emit_label(c);
    end = flagship_emit_label(c);

    op->condition(c, op, &args, yes, no);

    v.type = FLAGSHIP_TRUE;
    flagship_emit_bind(c, yes);
    flagship_rule_load(c, &v, reg);
    flagship_emit_jump(c, end);

    v.type = FLAGSHIP_FALSE;
    flagship_emit_bind(c, no);
    flagship_rule_load(c, &v, reg);

    flagship_emit_bind(c, end);

    c->reg = saved;
}


/*
 * An operand: the attribute's own slot where the expression is no more than
 * that, else a new register.
 */

uint32_t
flagship_rule_operand(flagship_compiler_t *c, const flagship_json_node_t *node)
{
    uint32_t        reg;
    flagship_str_t  path;

    if (flagship_rule_path(c, node, &path)) {
        c->nodes++;
        return flagship_emit_slot(c, path);
    }

    reg = flagship_emit_register(c);

    flagship_rule_value(c, node, reg);

    return reg;
}


/* {"var": "path"}: an attribute by a constant path, without a default.  In a
   loop it is no attribute. */

int
flagship_rule_path(flagship_compiler_t *c, const flagship_json_node_t *node,
    flagship_str_t *path)
{
    flagship_args_t  args;

    if (c->loops
        || !flagship_rule_read(node, &args)
        || !flagship_str_is(args.name, "var")
        || args.n != 1
        || args.first->type != FLAGSHIP_JSON_STRING
        || args.first->len == 0)
    {
        return 0;
    }

    *path = flagship_json_str(args.first);

    return !flagship_str_is(*path, "$flagd.flagKey");
}


/*
 * The value of an expression that is known now: a primitive, the time of a
 * constant text, or it in lower case.
 */

int
flagship_rule_constant(flagship_compiler_t *c,
    const flagship_json_node_t *node, flagship_value_t *v)
{
    size_t           len;
    int64_t          seconds;
    flagship_args_t  args;

    if (node->type < FLAGSHIP_JSON_ARRAY) {
        flagship_value_node(v, node);
        return 1;
    }

    if (!flagship_rule_read(node, &args)
        || args.n == 0
        || args.first->type >= FLAGSHIP_JSON_ARRAY)
    {
        return 0;
    }

    flagship_value_node(v, args.first);

    if (flagship_str_is(args.name, "lower")) {
        flagship_compiler_class(c, FLAGSHIP_LOWERED);
        flagship_rule_lower(c, v);
        return 1;
    }

    if (!flagship_str_is(args.name, "time")) {
        return 0;
    }

    flagship_compiler_class(c, FLAGSHIP_LOWERED);

    if (v->type == FLAGSHIP_NUMBER) {
        return 1;
    }

    if (v->type != FLAGSHIP_STRING
        || flagship_time_parse(flagship_str(v->u.str, v->len), &seconds)
           != FLAGSHIP_OK)
    {
        /* null would be in order with everything: it opens the window */

        len = flagship_rule_enter(c, &args, 0);
        flagship_compiler_error(c, "\"%.*s\" is not an RFC 3339 time",
                                v->type == FLAGSHIP_STRING
                                ? (int) v->len : 0,
                                v->type == FLAGSHIP_STRING ? v->u.str : "");
        flagship_compiler_leave(c, len);

        seconds = 0;
    }

    v->type = FLAGSHIP_NUMBER;
    v->u.number = seconds;

    return 1;
}


static void
flagship_rule_lower(flagship_compiler_t *c, flagship_value_t *v)
{
    char            *buf;
    flagship_str_t   folded;

    if (v->type != FLAGSHIP_STRING) {
        v->type = FLAGSHIP_NULL;
        v->len = 1;
        return;
    }

    buf = flagship_arena_alloc(&c->unit->arena, flagship_fold_size(v->len));
    if (buf == NULL) {
        c->nomem = 1;
        return;
    }

    if (flagship_fold(flagship_str(v->u.str, v->len), buf,
                      flagship_fold_size(v->len), &folded)
        == FLAGSHIP_OK)
    {
        v->u.str = folded.data;
        v->len = folded.len;
    }
}


void
flagship_rule_load(flagship_compiler_t *c, const flagship_value_t *v,
    uint32_t reg)
{
    uint32_t          offset;
    flagship_code_t  *code;

    switch (v->type) {

    case FLAGSHIP_NUMBER:
        offset = flagship_emit_number(c, v->u.number);
        code = flagship_emit(c, FLAGSHIP_OP_CONST_NUM);
        code->imm = offset;
        break;

    case FLAGSHIP_STRING:
        offset = flagship_emit_literal(c, flagship_str(v->u.str, v->len));
        code = flagship_emit(c, FLAGSHIP_OP_CONST_STR);
        code->imm = offset;
        break;

    default:
        code = flagship_emit(c, FLAGSHIP_OP_CONST);
        code->imm = v->type;
    }

    code->dst = reg & ~FLAGSHIP_REGISTER;
}


uint32_t
flagship_rule_values(flagship_compiler_t *c, const flagship_args_t *args,
    unsigned n)
{
    unsigned  i;
    uint32_t  first, reg;

    first = FLAGSHIP_REGISTER | c->reg;

    for (i = 0; i < n; i++) {
        reg = flagship_emit_register(c);

        if (i < args->n) {
            flagship_rule_arg_value(c, args, i, reg);

        } else {
            flagship_rule_load_null(c, reg);
        }
    }

    return first;
}


void
flagship_rule_load_null(flagship_compiler_t *c, uint32_t reg)
{
    flagship_value_t  v;

    v.type = FLAGSHIP_NULL;

    flagship_rule_load(c, &v, reg);
}


unsigned
flagship_rule_class(flagship_str_t name)
{
    size_t  i;

    static const struct {
        flagship_str_t  name;
        unsigned        portability;
    } ours[] = {
        { flagship_string("segment"), FLAGSHIP_LOWERED },
        { flagship_string("flag"), FLAGSHIP_LOWERED },
        { flagship_string("in_set"), FLAGSHIP_LOWERED },
        { flagship_string("time"), FLAGSHIP_EXTENDED },
        { flagship_string("lower"), FLAGSHIP_EXTENDED },
        { flagship_string("matches"), FLAGSHIP_EXTENDED },
        { flagship_string("in_cidr"), FLAGSHIP_EXTENDED },
        { flagship_string("bucket"), FLAGSHIP_EXTENDED },
        { flagship_string("rollout"), FLAGSHIP_EXTENDED }
    };

    for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (flagship_str_eq(ours[i].name, name)) {
            return ours[i].portability;
        }
    }

    return FLAGSHIP_PORTABLE;
}


/* The operator of a rule, NULL where there is none (said). */

static const flagship_operator_t *
flagship_rule_operator(flagship_compiler_t *c, const flagship_args_t *args)
{
    unsigned                    i, reg;
    const flagship_operator_t  *op;

    if (c->nodes++ == FLAGSHIP_MAX_NODES) {
        flagship_compiler_error(c, "there are more than %d expressions",
                                FLAGSHIP_MAX_NODES);
    }

    if (c->nodes > FLAGSHIP_MAX_NODES) {
        return NULL;
    }

    for (op = flagship_operators; op->name.len; op++) {
        if (flagship_str_eq(op->name, args->name)) {
            flagship_compiler_class(c, flagship_rule_class(op->name));
            return op;
        }
    }

    flagship_compiler_error(c, "unknown operator \"%.*s\"",
                            (int) (args->name.len < 64 ? args->name.len : 64),
                            args->name.data);

    /* what else is wrong in it */

    reg = c->reg;

    for (i = 0; i < args->n; i++) {
        (void) flagship_rule_arg_operand(c, args, i);
        c->reg = reg;
    }

    return NULL;
}


/*
 * {"$ref": "name"}, flagd's way to use an expression of "$evaluators": it
 * stands for that text.  Returns 0 where the node is none; *target is NULL
 * where it cannot be resolved (said), else c->depth was counted up.
 */

int
flagship_rule_reference(flagship_compiler_t *c, const flagship_args_t *args,
    const flagship_json_node_t **target)
{
    if (!flagship_str_is(args->name, "$ref")) {
        return 0;
    }

    *target = NULL;

    if (!args->wrapped || args->first->type != FLAGSHIP_JSON_STRING) {
        flagship_compiler_error(c, "\"$ref\" must be a string");
        return 1;
    }

    if (c->unit->evaluators) {
        *target = flagship_json_member(c->unit->evaluators, args->first->str,
                                       args->first->len);
    }

    if (*target == NULL) {
        flagship_compiler_error(c, "there is no evaluator \"%.*s\"",
                                (int) args->first->len, args->first->str);
        return 1;
    }

    if (c->depth == 16) {
        *target = NULL;
        flagship_compiler_error(c, "evaluator \"%.*s\" refers to itself, or "
                                "evaluators nest deeper than 16",
                                (int) args->first->len, args->first->str);
        return 1;
    }

    if (flagship_rule_uses(c, *target - 1) != FLAGSHIP_OK) {
        c->nomem = 1;
    }

    if (c->depth++ == 0) {
        c->shown = c->nsteps;
    }

    return 1;
}


/* What a rule serves. */

void
flagship_rule_serve(flagship_compiler_t *c, const flagship_json_node_t *node,
    flagship_label_t none)
{
    char                         buf[FLAGSHIP_NUMBER_LEN];
    uint32_t                     operand, saved, variant;
    flagship_str_t               name;
    flagship_args_t              args;
    flagship_code_t             *code;
    flagship_value_t             v;
    const flagship_operator_t   *op;
    const flagship_json_node_t  *target;

    if (flagship_rule_constant(c, node, &v)) {

        if (v.type == FLAGSHIP_NULL) {
            flagship_emit_jump(c, none);
            return;
        }

        (void) flagship_value_text(&v, buf, sizeof(buf), &name);

        variant = flagship_rule_variant(c, name);

        if (variant == FLAGSHIP_NO_VARIANT) {
            flagship_rule_no_variant(c, name);
            (void) flagship_emit(c, FLAGSHIP_OP_FAIL);
            return;
        }

        code = flagship_emit(c, FLAGSHIP_OP_RETURN);
        code->imm = variant;
        code->dst = FLAGSHIP_REASON_TARGETING_MATCH;
        return;
    }

    if (!flagship_rule_read(node, &args)) {
        flagship_compiler_warn(c, "no-variant", "%s names no variant",
                               node->type == FLAGSHIP_JSON_ARRAY
                               ? "an array" : "an object");
        (void) flagship_emit(c, FLAGSHIP_OP_FAIL);
        return;
    }

    if (flagship_rule_reference(c, &args, &target)) {

        if (target) {
            flagship_rule_serve(c, target, none);
            c->depth--;
        }

        return;
    }

    op = flagship_rule_operator(c, &args);

    if (op == NULL) {
        return;
    }

    if (args.n < op->least) {
        flagship_emit_jump(c, none);
        return;
    }

    saved = c->reg;

    if (op->serve == NULL || !op->serve(c, op, &args, none)) {

        c->nodes--;
        operand = flagship_rule_operand(c, node);

        flagship_emit_operand(c, flagship_emit(c, FLAGSHIP_OP_RETURN_NAME),
                              operand);
        flagship_emit_else(c, none);
    }

    c->reg = saved;
}


void
flagship_rule_no_variant(flagship_compiler_t *c, flagship_str_t name)
{
    flagship_compiler_warn(c, "no-variant", "\"%.*s\" is none of the "
                           "variants", (int) (name.len < 64 ? name.len : 64),
                           name.data);
}


uint32_t
flagship_rule_variant(flagship_compiler_t *c, flagship_str_t name)
{
    uint32_t             i, base;
    const char          *data;
    flagship_variant_t  *v;

    if (c->nomem) {
        /* the names may be missing */
        return FLAGSHIP_NO_VARIANT;
    }

    v = (flagship_variant_t *) c->unit->variants.data;
    base = c->nvariants * sizeof(flagship_variant_t);
    data = c->unit->data.data;

    for (i = 0; i < c->nvariants; i++) {
        if (v[i].name_len == name.len
            && memcmp(data + v[i].name - base, name.data, name.len) == 0)
        {
            return i;
        }
    }

    return FLAGSHIP_NO_VARIANT;
}


/* The name of an evaluator, which stands before its expression, is kept once
   for the flag's document. */

static int
flagship_rule_uses(flagship_compiler_t *c, const flagship_json_node_t *name)
{
    uint32_t                     i, n;
    const flagship_json_node_t  **refs;

    refs = (const flagship_json_node_t **) c->unit->refs.data;
    n = c->unit->refs.len / sizeof(*refs);

    for (i = 0; i < n; i++) {
        if (refs[i] == name) {
            return FLAGSHIP_OK;
        }
    }

    return flagship_buf_add(&c->unit->refs, &name, sizeof(name))
           ? FLAGSHIP_OK : FLAGSHIP_ERROR;
}
