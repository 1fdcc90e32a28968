
/*
 * Copyright (C) Flagship
 */


/*
 * Operators of texts: what joins, compares, folds and hashes them.
 */


#include <string.h>

#include "flagship_rule.h"
#include "flagship_semver.h"


static void flagship_operator_join(flagship_compiler_t *c,
    const flagship_args_t *args, unsigned i, uint32_t reg);
static unsigned flagship_operator_cat_piece(flagship_compiler_t *c,
    const flagship_json_node_t *node);


void
flagship_operator_cat(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, uint32_t reg)
{
    (void) op;

    flagship_operator_join(c, args, 0, reg);
}


/* The arguments from this one on, as one text. */

static void
flagship_operator_join(flagship_compiler_t *c, const flagship_args_t *args,
    unsigned i, uint32_t reg)
{
    size_t            len;
    unsigned          n, start;
    flagship_code_t  *code;

    start = c->reg;
    n = 0;

    for ( /* void */ ; i < args->n; i++) {
        len = flagship_rule_enter(c, args, i);
        n += flagship_operator_cat_piece(c, flagship_rule_arg(args, i));
        flagship_compiler_leave(c, len);
    }

    code = flagship_emit(c, FLAGSHIP_OP_CAT);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->a = FLAGSHIP_REGISTER | start;
    code->imm = n;
    code->aux = args->wrapped;
}


/* A piece in the next register; an array literal's elements with commas
   between them in as many as it takes. */

static unsigned
flagship_operator_cat_piece(flagship_compiler_t *c,
    const flagship_json_node_t *node)
{
    unsigned                     i, n;
    flagship_value_t             comma;
    const flagship_json_node_t  *element;

    if (node->type != FLAGSHIP_JSON_ARRAY) {
        flagship_rule_value(c, node, flagship_emit_register(c));
        return 1;
    }

    comma.type = FLAGSHIP_STRING;
    comma.len = 1;
    comma.u.str = ",";

    n = 0;
    element = node + 1;

    for (i = 0; i < node->len; i++) {

        if (i) {
            flagship_rule_load(c, &comma, flagship_emit_register(c));
            n++;
        }

        n += flagship_operator_cat_piece(c, element);
        element += element->next;
    }

    return n;
}


/* starts_with (option 0), ends_with (option 1). */

void
flagship_operator_affix(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, flagship_label_t yes, flagship_label_t no)
{
    uint32_t                     literal, operand;
    unsigned                     reg;
    flagship_code_t             *code;
    const flagship_json_node_t  *affix;

    reg = c->reg;
    affix = flagship_rule_arg(args, 1);

    if (affix->type == FLAGSHIP_JSON_STRING) {
        operand = flagship_rule_arg_operand(c, args, 0);
        literal = flagship_emit_literal(c, flagship_json_str(affix));

        code = flagship_emit_test(c, op->option ? FLAGSHIP_OP_ENDS
                                                : FLAGSHIP_OP_STARTS, yes, no);
        code->imm = literal;
        flagship_emit_operand(c, code, operand);

    } else {
        operand = flagship_emit_register(c);
        flagship_operator_affix_value(c, op, args, operand);

        code = flagship_emit_test(c, FLAGSHIP_OP_TRUE, yes, no);
        flagship_emit_operand(c, code, operand);
    }

    c->reg = reg;
}


void
flagship_operator_affix_value(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg)
{
    uint32_t          a;
    flagship_code_t  *code;

    a = flagship_rule_values(c, args, 2);

    code = flagship_emit(c, FLAGSHIP_OP_AFFIX);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->a = a;
    code->imm = op->option;
}


/* A version or an operator that is known to be invalid gives null. */

void
flagship_operator_semver(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, flagship_label_t yes, flagship_label_t no)
{
    char                         buf[FLAGSHIP_NUMBER_LEN];
    unsigned                     i, reg, test;
    uint32_t                     offset, operand;
    flagship_str_t               text;
    flagship_code_t             *code;
    flagship_value_t             v;
    flagship_semver_t            version;
    flagship_version_t           literal;
    const flagship_json_node_t  *symbol, *right;

    symbol = flagship_rule_arg(args, 1);
    right = flagship_rule_arg(args, 2);

    reg = c->reg;

    if (symbol->type != FLAGSHIP_JSON_STRING
        || (right->type != FLAGSHIP_JSON_STRING
            && right->type != FLAGSHIP_JSON_NUMBER))
    {
        operand = flagship_emit_register(c);
        flagship_operator_semver_value(c, op, args, operand);

        code = flagship_emit_test(c, FLAGSHIP_OP_TRUE, yes, no);
        flagship_emit_operand(c, code, operand);

        c->reg = reg;
        return;
    }

    test = flagship_semver_op(flagship_json_str(symbol));

    flagship_value_node(&v, right);
    (void) flagship_value_text(&v, buf, sizeof(buf), &text);

    if (test == FLAGSHIP_SEMVER_BAD
        || flagship_semver_parse(&version, text) != FLAGSHIP_OK)
    {
        flagship_compiler_warn(c, "sem-ver", test == FLAGSHIP_SEMVER_BAD
                               ? "\"%.*s\" is no operator of sem_ver"
                               : "\"%.*s\" is no version",
                               (int) (test == FLAGSHIP_SEMVER_BAD
                                      ? symbol->len : text.len),
                               test == FLAGSHIP_SEMVER_BAD
                               ? symbol->str : text.data);
        flagship_emit_jump(c, no);
        return;
    }

    operand = flagship_rule_arg_operand(c, args, 0);

    memset(&literal, 0, sizeof(literal));

    for (i = 0; i < 4; i++) {
        text = (i < 3) ? version.number[i] : version.pre;

        literal.offset[i] = flagship_emit_data(c, text.data, text.len, 1);
        literal.len[i] = text.len;
    }

    offset = flagship_emit_data(c, &literal, sizeof(literal), 8);

    code = flagship_emit_test(c, FLAGSHIP_OP_SEMVER, yes, no);
    code->dst = test;
    code->imm = offset;
    flagship_emit_operand(c, code, operand);

    c->reg = reg;
}


void
flagship_operator_semver_value(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg)
{
    uint32_t          a;
    flagship_code_t  *code;

    (void) op;

    a = flagship_rule_values(c, args, 3);

    code = flagship_emit(c, FLAGSHIP_OP_VERSION);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->a = a;
}


/* Of what is not known until it is evaluated. */

void
flagship_operator_lower(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, uint32_t reg)
{
    uint32_t          operand;
    flagship_code_t  *code;

    (void) op;

    operand = flagship_rule_arg_operand(c, args, 0);

    code = flagship_emit(c, FLAGSHIP_OP_LOWER);
    code->dst = reg & ~FLAGSHIP_REGISTER;
    flagship_emit_operand(c, code, operand);
}


/* bucket [algorithm, modulus, part, ...]: of the parts as cat joins them. */

void
flagship_operator_bucket(flagship_compiler_t *c, const flagship_operator_t *op,
    const flagship_args_t *args, uint32_t reg)
{
    size_t            len;
    double            modulus;
    unsigned          algorithm;
    uint32_t          text;
    flagship_code_t  *code;

    (void) op;

    algorithm = FLAGSHIP_BUCKET_BAD;
    modulus = 0;

    if (args->n && args->first->type == FLAGSHIP_JSON_STRING) {
        algorithm = flagship_bucket_algorithm(flagship_json_str(args->first));
    }

    if (args->n > 1
        && flagship_rule_arg(args, 1)->type == FLAGSHIP_JSON_NUMBER)
    {
        modulus = flagship_json_double(flagship_rule_arg(args, 1));
    }

    if (algorithm == FLAGSHIP_BUCKET_BAD) {
        len = flagship_rule_enter(c, args, 0);
        flagship_compiler_error(c, "the algorithm of a bucket must be "
                                "\"sha256\", \"sha1\", \"md5\", "
                                "\"murmur3\", \"fnv1a\" or \"crc32\"");
        flagship_compiler_leave(c, len);
        return;
    }

    if (!(modulus >= 1 && modulus <= UINT32_MAX)
        || modulus != (uint32_t) modulus)
    {
        len = flagship_rule_enter(c, args, 1);
        flagship_compiler_error(c, "the modulus of a bucket must be a "
                                "constant integer of 1 ... 4294967295");
        flagship_compiler_leave(c, len);
        return;
    }

    text = flagship_emit_register(c);
    flagship_operator_join(c, args, 2, text);

    code = flagship_emit(c, FLAGSHIP_OP_BUCKET);

    code->dst = reg & ~FLAGSHIP_REGISTER;
    code->imm = (uint32_t) modulus;
    code->aux = algorithm;
    flagship_emit_operand(c, code, text);
}
