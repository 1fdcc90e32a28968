
/*
 * Copyright (C) Flagship
 */


/*
 * The operators.  Private to flagship_rule.c, which knows the places where an
 * expression stands, and the files that know the operators: flagship_operator.c
 * (their table and the plain ones) and flagship_operator_*.c.
 */


#ifndef _FLAGSHIP_RULE_H_INCLUDED_
#define _FLAGSHIP_RULE_H_INCLUDED_


#include "flagship_compiler.h"
#include "flagship_eval.h"


/* The arguments of a rule; one that is no array was wrapped in one. */

typedef struct {
    flagship_str_t               name;       /* the operator's */
    const flagship_json_node_t  *first;
    unsigned                     n;
    unsigned                     wrapped;

    /* where the last one asked for was: they are asked for in order */
    const flagship_json_node_t  *node;
    unsigned                     i;
} flagship_args_t;


typedef struct flagship_operator_s  flagship_operator_t;

struct flagship_operator_s {
    flagship_str_t               name;
    unsigned                     least;      /* of fewer arguments: null */
    unsigned                     option;     /* the handlers' own */

    /* At least one of the first two is there.  serve returns 0 where it has
       no better way than the value, and then has emitted nothing. */

    void                       (*condition)(flagship_compiler_t *c,
                                    const flagship_operator_t *op,
                                    const flagship_args_t *args,
                                    flagship_label_t yes,
                                    flagship_label_t no);
    void                       (*value)(flagship_compiler_t *c,
                                    const flagship_operator_t *op,
                                    const flagship_args_t *args,
                                    uint32_t reg);
    int                        (*serve)(flagship_compiler_t *c,
                                    const flagship_operator_t *op,
                                    const flagship_args_t *args,
                                    flagship_label_t none);
};


/* Ends with an empty name. */
extern const flagship_operator_t  flagship_operators[];


int flagship_rule_read(const flagship_json_node_t *node,
    flagship_args_t *args);
const flagship_json_node_t *flagship_rule_arg(const flagship_args_t *args,
    unsigned i);
size_t flagship_rule_enter(flagship_compiler_t *c,
    const flagship_args_t *args, unsigned i);

void flagship_rule_arg_condition(flagship_compiler_t *c,
    const flagship_args_t *args, unsigned i, flagship_label_t yes,
    flagship_label_t no);
void flagship_rule_arg_value(flagship_compiler_t *c,
    const flagship_args_t *args, unsigned i, uint32_t reg);
uint32_t flagship_rule_arg_operand(flagship_compiler_t *c,
    const flagship_args_t *args, unsigned i);

uint32_t flagship_rule_operand(flagship_compiler_t *c,
    const flagship_json_node_t *node);
int flagship_rule_path(flagship_compiler_t *c,
    const flagship_json_node_t *node, flagship_str_t *path);
int flagship_rule_constant(flagship_compiler_t *c,
    const flagship_json_node_t *node, flagship_value_t *v);
void flagship_rule_load(flagship_compiler_t *c, const flagship_value_t *v,
    uint32_t reg);
void flagship_rule_load_null(flagship_compiler_t *c, uint32_t reg);
int flagship_rule_reference(flagship_compiler_t *c,
    const flagship_args_t *args, const flagship_json_node_t **target);


/* The class of an operator, where it is not folded into a constant. */
unsigned flagship_rule_class(flagship_str_t name);

/* The first n arguments in consecutive registers, null where there are fewer:
   the first of them. */
uint32_t flagship_rule_values(flagship_compiler_t *c,
    const flagship_args_t *args, unsigned n);


/* flagship_operator_math.c */

void flagship_operator_math(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    uint32_t reg);
void flagship_operator_substr(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    uint32_t reg);

/* flagship_operator_text.c */

void flagship_operator_cat(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg);
void flagship_operator_affix(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);
void flagship_operator_semver(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);
void flagship_operator_lower(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg);
void flagship_operator_bucket(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg);
void flagship_operator_affix_value(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg);
void flagship_operator_semver_value(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg);

/* flagship_operator_array.c */

/* An array or an object literal. */
void flagship_rule_items(flagship_compiler_t *c,
    const flagship_json_node_t *node, uint32_t reg);

void flagship_operator_merge(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    uint32_t reg);
void flagship_operator_loop(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    uint32_t reg);
void flagship_operator_element(flagship_compiler_t *c,
    const flagship_args_t *args, uint32_t reg);
void flagship_operator_missing(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    uint32_t reg);
void flagship_operator_missing_some(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    uint32_t reg);

/* flagship_operator_compare.c */

void flagship_operator_equal(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);
void flagship_operator_order(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);
void flagship_operator_in(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);

/* flagship_operator_net.c */

void flagship_operator_in_cidr(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);

/* flagship_operator_regex.c */

void flagship_operator_matches(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);
void flagship_operator_matches_value(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args, uint32_t reg);

/* flagship_operator_split.c */

void flagship_operator_fractional(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    uint32_t reg);
int flagship_operator_fractional_serve(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t none);

/* What "by" (NULL: the flag's key and the targeting key) says is hashed: fills
   in the split but for its parts; the operand that is left to hash. */
uint32_t flagship_split_by(flagship_compiler_t *c,
    const flagship_json_node_t *by, flagship_split_t *split);

/* The operands of an instruction that takes the split at "table". */
void flagship_split_finish(flagship_compiler_t *c, flagship_code_t *code,
    const flagship_split_t *split, uint32_t by, uint32_t table);

/* flagship_rule_split.c */

void flagship_operator_rollout(flagship_compiler_t *c,
    const flagship_operator_t *op, const flagship_args_t *args,
    flagship_label_t yes, flagship_label_t no);


#endif /* _FLAGSHIP_RULE_H_INCLUDED_ */
