
/*
 * Copyright (C) Flagship
 */


/*
 * What the linter's files share.  flagship_lint.c looks at flags and walks
 * their expressions; flagship_lint_compare.c knows comparisons,
 * flagship_lint_split.c what divides people.
 */


#ifndef _FLAGSHIP_LINT_H_INCLUDED_
#define _FLAGSHIP_LINT_H_INCLUDED_


#include "flagship_rule.h"


#define FLAGSHIP_LINT_GUARDS  64
#define FLAGSHIP_LINT_KEYS    16
#define FLAGSHIP_LINT_ATTRS   64


/* What an attribute is compared with. */

typedef enum {
    FLAGSHIP_LINT_BOOLEAN = 0,
    FLAGSHIP_LINT_NUMBER,
    FLAGSHIP_LINT_TEXT,
    FLAGSHIP_LINT_ANY
} flagship_lint_type_e;


typedef struct {
    flagship_str_t               path;
    unsigned                     type;   /* FLAGSHIP_LINT_ANY: it was said */
} flagship_lint_attr_t;


/* Lists that are full leave out what comes after: a warning less. */

typedef struct {
    flagship_compiler_t         *c;

    /* attributes that the rule asks for by themselves */
    unsigned                     nguards;
    flagship_str_t               guards[FLAGSHIP_LINT_GUARDS];

    /* what splits are by, those around or that led here first; NULL: flag
       key and targeting key */
    unsigned                     nkeys;
    unsigned                     nactive;
    const flagship_json_node_t  *keys[FLAGSHIP_LINT_KEYS];

    unsigned                     nattrs;
    flagship_lint_attr_t         attrs[FLAGSHIP_LINT_ATTRS];

    unsigned                     loops;  /* "var" is of an element */
} flagship_lint_t;


/* An expression, and an argument of one, with what is in it. */
void flagship_lint_expression(flagship_lint_t *l,
    const flagship_json_node_t *node);
void flagship_lint_arg(flagship_lint_t *l, const flagship_args_t *args,
    unsigned i);

/* {"var": path} with nothing else. */
int flagship_lint_path(const flagship_lint_t *l,
    const flagship_json_node_t *node, flagship_str_t *path);

/* An attribute that is used as a type, at the place where it is. */
void flagship_lint_attr(flagship_lint_t *l, const flagship_json_node_t *node,
    unsigned type);

/* The type that a constant shows: a text that reads as a number shows none. */
unsigned flagship_lint_type(const flagship_value_t *v);


/* flagship_lint_compare.c */

/* Adds the attributes whose absence an expression decides by itself. */
void flagship_lint_guards(flagship_lint_t *l,
    const flagship_json_node_t *node);

void flagship_lint_equal(flagship_lint_t *l, const flagship_args_t *args);
void flagship_lint_order(flagship_lint_t *l, const flagship_args_t *args,
    unsigned order);
void flagship_lint_in(flagship_lint_t *l, const flagship_args_t *args);

/* Elements of an array of constants that it has already. */
void flagship_lint_duplicates(flagship_lint_t *l,
    const flagship_json_node_t *array);


/* flagship_lint_split.c */

void flagship_lint_fractional(flagship_lint_t *l,
    const flagship_args_t *args);
/* A rule's {"split": ..., "by": ...}; "by" may be NULL. */
void flagship_lint_split(flagship_lint_t *l,
    const flagship_json_node_t *split, const flagship_json_node_t *by);


#endif /* _FLAGSHIP_LINT_H_INCLUDED_ */
