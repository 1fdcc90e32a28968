
/*
 * Copyright (C) Flagship
 */


/*
 * Array literals, merge, missing, missing_some, and the loops.
 *
 * Inside a loop "var" sees the element alone, or in reduce an object of
 * "current" and "accumulator"; both are registers, so a path that begins with
 * one of these names makes no object.
 */


#include <string.h>

#include "flagship_rule.h"


static int flagship_array_constant(const flagship_json_node_t *node);
static uint32_t flagship_array_emit(flagship_compiler_t *c,
    const flagship_json_node_t *node);
static void flagship_array_registers(flagship_compiler_t *c,
    const flagship_json_node_t *node, uint32_t reg);
static uint32_t flagship_array_path(flagship_compiler_t *c,
    flagship_str_t path, uint32_t *rest);
static uint32_t flagship_array_scope(flagship_compiler_t *c);
static int flagship_array_read(flagship_compiler_t *c,
    const flagship_json_node_t *keys);
static void flagship_array_lacking(flagship_compiler_t *c, uint32_t keys,
    int known, uint32_t reg);


void
flagship_rule_items(flagship_compiler_t *c, const flagship_json_node_t *node,
    uint32_t reg)
{
    uint32_t          offset;
    flagship_code_t  *code;

    if (!flagship_array_constant(node)) {
        flagship_array_registers(c, node, reg);
        return;
    }

    offset = flagship_array_emit(c, node);

    code = flagship_emit(c, FLAGSHIP_OP_ITEMS);
    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->imm = offset;
}


/* Nothing of it is to be evaluated: an object is a rule only where it has one
   member, any other is data with all that is in it. */

static int
flagship_array_constant(const flagship_json_node_t *node)
{
    uint32_t                     i;
    const flagship_json_node_t  *element;

    if (node->type == FLAGSHIP_JSON_OBJECT) {
        return node->len != 1;
    }

    if (node->type != FLAGSHIP_JSON_ARRAY) {
        return 1;
    }

    element = node + 1;

    for (i = 0; i < node->len; i++) {
        if (!flagship_array_constant(element)) {
            return 0;
        }

        element += element->next;
    }

    return 1;
}


static uint32_t
flagship_array_emit(flagship_compiler_t *c, const flagship_json_node_t *node)
{
    uint32_t                   i, offset;
    flagship_item_node_t      *item;
    flagship_items_literal_t   head;

    memset(&head, 0, sizeof(head));

    head.n = node->next;

    item = flagship_arena_alloc(&c->unit->arena,
                                head.n * sizeof(flagship_item_node_t));
    if (item == NULL) {
        c->nomem = 1;
        return 0;
    }

    memset(item, 0, head.n * sizeof(flagship_item_node_t));

    for (i = 0; i < head.n; i++) {
        item[i].type = node[i].type;
        item[i].len = node[i].len;
        item[i].next = node[i].next;

        if (node[i].type == FLAGSHIP_JSON_STRING) {
            item[i].str = flagship_emit_data(c, node[i].str, node[i].len, 1);

        } else if (node[i].type == FLAGSHIP_JSON_NUMBER) {
            item[i].number = flagship_json_double(&node[i]);
            item[i].len = 0;
        }
    }

    offset = flagship_emit_data(c, &head, sizeof(head), 8);

    (void) flagship_emit_data(c, item,
                              head.n * sizeof(flagship_item_node_t), 8);

    return offset;
}


static void
flagship_array_registers(flagship_compiler_t *c,
    const flagship_json_node_t *node, uint32_t reg)
{
    size_t                       len;
    uint32_t                     i, to;
    unsigned                     first;
    flagship_code_t             *code;
    const flagship_json_node_t  *element;

    first = c->reg;
    element = node + 1;

    for (i = 0; i < node->len && !c->failed; i++) {
        len = flagship_compiler_enter_index(c, i);

        to = flagship_emit_register(c);
        flagship_rule_value(c, element, to);

        flagship_compiler_leave(c, len);

        element += element->next;
    }

    code = flagship_emit(c, FLAGSHIP_OP_ARRAY);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->a = FLAGSHIP_REGISTER | first;
    code->imm = node->len;

    c->reg = first;
}


void
flagship_operator_merge(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, uint32_t reg)
{
    uint32_t          first;
    flagship_code_t  *code;

    (void) op;

    first = flagship_rule_values(c, args, args->n);

    code = flagship_emit(c, FLAGSHIP_OP_MERGE);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->a = first;
    code->imm = args->n;
}


void
flagship_operator_loop(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, uint32_t reg)
{
    uint32_t          array, element, accumulator, result;
    unsigned          outer_element, outer_accumulator;
    flagship_code_t  *code;
    flagship_label_t  end;

    if (c->loops == FLAGSHIP_MAX_LOOPS) {
        flagship_compiler_error(c, "loops nest deeper than %u",
                                FLAGSHIP_MAX_LOOPS);
        return;
    }

    array = flagship_rule_arg_operand(c, args, 0);
    accumulator = 0;

    if (op->option == FLAGSHIP_OP_REDUCE) {
        accumulator = flagship_emit_register(c);

        if (args->n > 2) {
            flagship_rule_arg_value(c, args, 2, accumulator);

        } else {
            flagship_rule_load_null(c, accumulator);
        }
    }

    element = flagship_emit_register(c);
    end = flagship_emit_label(c);

    code = flagship_emit(c, op->option);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->imm = element;
    code->aux = accumulator;

    flagship_emit_operand(c, code, array);
    flagship_emit_then(c, end);

    outer_element = c->element;
    outer_accumulator = c->accumulator;

    c->loops++;
    c->element = element;
    c->accumulator = accumulator;

    result = flagship_emit_register(c);
    flagship_rule_arg_value(c, args, 1, result);

    flagship_emit_operand(c, flagship_emit(c, FLAGSHIP_OP_YIELD), result);
    flagship_emit_bind(c, end);

    c->loops--;
    c->element = outer_element;
    c->accumulator = outer_accumulator;
}


/* var in a loop. */

void
flagship_operator_element(flagship_compiler_t *c, const flagship_args_t *args,
    uint32_t reg)
{
    char               buf[FLAGSHIP_NUMBER_LEN];
    uint32_t           of, path;
    flagship_str_t     name;
    flagship_code_t   *code;
    flagship_value_t   v;

    name = flagship_str("", 0);

    if (args->n == 0 || args->first->type < FLAGSHIP_JSON_ARRAY) {

        if (args->n) {
            flagship_value_node(&v, args->first);
            (void) flagship_value_text(&v, buf, sizeof(buf), &name);
        }

        of = flagship_array_path(c, name, &path);

    } else {
        path = flagship_rule_arg_operand(c, args, 0);
        of = flagship_array_scope(c);
    }

    if (path == FLAGSHIP_NONE) {
        code = flagship_emit(c, FLAGSHIP_OP_LOAD);

    } else {
        code = flagship_emit(c, FLAGSHIP_OP_ELEMENT);
        code->imm = path;
    }

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->a = of;
}


/* The register that a path begins in, and a register with what is left of the
   path; FLAGSHIP_NONE: nothing. */

static uint32_t
flagship_array_path(flagship_compiler_t *c, flagship_str_t path,
    uint32_t *rest)
{
    uint32_t          of;
    flagship_str_t    name;
    flagship_value_t  v;

    if (c->accumulator) {
        name = path;

        if (path.len >= 7 && memcmp(path.data, "current", 7) == 0) {
            of = c->element;
            name.len = 7;

        } else if (path.len >= 11
                   && memcmp(path.data, "accumulator", 11) == 0)
        {
            of = c->accumulator;
            name.len = 11;

        } else {
            of = 0;
        }

        if (of && (path.len == name.len || path.data[name.len] == '.')) {
            path.data += name.len;
            path.len -= name.len;

            if (path.len) {
                path.data++;
                path.len--;
            }

        } else {
            of = flagship_array_scope(c);
        }

    } else {
        of = c->element;
    }

    if (path.len == 0) {
        *rest = FLAGSHIP_NONE;
        return of;
    }

    v.type = FLAGSHIP_STRING;
    v.len = path.len;
    v.u.str = path.data;

    *rest = flagship_emit_register(c);
    flagship_rule_load(c, &v, *rest);

    return of;
}


/* What "var" sees as a whole. */

static uint32_t
flagship_array_scope(flagship_compiler_t *c)
{
    uint32_t          reg;
    flagship_code_t  *code;

    if (c->accumulator == 0) {
        return c->element;
    }

    reg = flagship_emit_register(c);

    code = flagship_emit(c, FLAGSHIP_OP_PAIR);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->a = c->element;
    code->imm = c->accumulator;

    return reg;
}


void
flagship_operator_missing(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg)
{
    int                          known;
    uint32_t                     first, i, keys;
    flagship_code_t             *code;
    const flagship_json_node_t  *node;

    (void) op;

    node = args->first;
    known = 1;

    for (i = 0; i < args->n; i++) {
        known &= flagship_array_read(c, node);
        node += node->next;
    }

    keys = flagship_emit_register(c);
    first = flagship_rule_values(c, args, args->n);

    code = flagship_emit(c, FLAGSHIP_OP_ARRAY);

    code->dst = keys & ~FLAGSHIP_REGISTER;
    code->a = first;
    code->imm = args->n;

    flagship_array_lacking(c, keys, known, reg);
}


void
flagship_operator_missing_some(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg)
{
    int               known;
    uint32_t          need, keys, missing;
    flagship_code_t  *code;

    (void) op;

    known = flagship_array_read(c, flagship_rule_arg(args, 1));

    need = flagship_rule_arg_operand(c, args, 0);
    keys = flagship_rule_arg_operand(c, args, 1);
    missing = flagship_emit_register(c);

    flagship_array_lacking(c, keys, known, missing);

    code = flagship_emit(c, FLAGSHIP_OP_ENOUGH);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->imm = keys;
    code->aux = missing;

    if (!(keys & FLAGSHIP_REGISTER)) {
        flagship_emit_reloc(c, FLAGSHIP_RELOC_IMM);
    }

    flagship_emit_operand(c, code, need);
}


/* Keys that are known now become attributes with slots, which the look-up by
   name will find; 0: not all are. */

static int
flagship_array_read(flagship_compiler_t *c, const flagship_json_node_t *keys)
{
    int                          known;
    uint32_t                     i, slot;
    unsigned                     reg;
    flagship_code_t             *code;
    const flagship_json_node_t  *node;

    if (c->loops) {
        return 1;
    }

    if (keys->type == FLAGSHIP_JSON_ARRAY) {
        node = keys + 1;
        known = 1;

        for (i = 0; i < keys->len; i++) {
            known &= flagship_array_read(c, node);
            node += node->next;
        }

        return known;
    }

    if (keys->type == FLAGSHIP_JSON_STRING && keys->len
        && !flagship_str_is(flagship_json_str(keys), "$flagd.flagKey"))
    {
        reg = c->reg;
        slot = flagship_emit_slot(c, flagship_json_str(keys));

        code = flagship_emit(c, FLAGSHIP_OP_LOAD);
        code->dst = flagship_emit_register(c) & ~FLAGSHIP_REGISTER;
        flagship_emit_operand(c, code, slot);

        c->reg = reg;

        return 1;
    }

    return 0;
}


/* Keys that are worked out may be any of the context. */

static void
flagship_array_lacking(flagship_compiler_t *c, uint32_t keys, int known,
    uint32_t reg)
{
    uint32_t          scope, whole;
    flagship_code_t  *code;

    scope = c->loops ? flagship_array_scope(c) : FLAGSHIP_NONE;
    whole = known ? 0 : flagship_emit_slot(c, flagship_str("", 0));

    code = flagship_emit(c, FLAGSHIP_OP_MISSING);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->imm = scope;

    if (!known) {
        code->aux = whole;
        flagship_emit_reloc(c, FLAGSHIP_RELOC_AUX);
    }

    flagship_emit_operand(c, code, keys);
}
