
/*
 * Copyright (C) Flagship
 */


/*
 * A value that an evaluation computes with, and how JsonLogic coerces it.
 *
 * Values do not own what they point to: strings lie in the image, in the
 * request's memory or in the evaluation's scratch block.
 */


#ifndef _FLAGSHIP_VALUE_H_INCLUDED_
#define _FLAGSHIP_VALUE_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_json.h"


typedef enum {
    FLAGSHIP_NULL = 0,               /* len 0: absent; 1: there, and null */
    FLAGSHIP_FALSE,
    FLAGSHIP_TRUE,
    FLAGSHIP_NUMBER,                 /* finite */
    FLAGSHIP_STRING,                 /* UTF-8 where the source was; any bytes
                                        where nginx handed them on */
    FLAGSHIP_JSON                    /* an array or an object */
} flagship_type_e;


typedef struct {
    uint32_t                         type;    /* flagship_type_e */
    uint32_t                         len;     /* bytes of str */
    union {
        double                       number;
        const char                  *str;
        const flagship_json_node_t  *node;
    } u;
} flagship_value_t;


/*
 * A number by JsonLogic's rules, NaN where there is none: null is 0, booleans
 * are 0 and 1, a text is what flagship_number_parse() reads loosely.
 */

double flagship_value_number(const flagship_value_t *v);

/* Falsy: null, false, 0, NaN, "" and []. */
int flagship_value_truth(const flagship_value_t *v);

/* "==" and "===". */
int flagship_value_equal(const flagship_value_t *a,
    const flagship_value_t *b);
int flagship_value_same(const flagship_value_t *a, const flagship_value_t *b);


typedef enum {
    FLAGSHIP_LT = 0,
    FLAGSHIP_LE,
    FLAGSHIP_GT,
    FLAGSHIP_GE
} flagship_order_e;

/* Two strings by their bytes, all else as numbers; NaN is in no order. */
int flagship_value_order(const flagship_value_t *a, unsigned order,
    const flagship_value_t *b);

/* "in": strict membership in an array, a part of a string. */
int flagship_value_in(const flagship_value_t *needle,
    const flagship_value_t *haystack);

/*
 * The text that "cat" makes of a value.  A string is its own text; another is
 * written to buf, which holds "size" bytes, at least FLAGSHIP_NUMBER_LEN.
 * FLAGSHIP_OK, or FLAGSHIP_DECLINED when the text of an array is longer.
 */

int flagship_value_text(const flagship_value_t *v, char *buf, size_t size,
    flagship_str_t *text);

/* A value as JSON, by flagship_json_print()'s rules. */
size_t flagship_value_print(const flagship_value_t *v, char *buf,
    size_t size);

/* The value that a JSON node stands for. */
void flagship_value_node(flagship_value_t *v,
    const flagship_json_node_t *node);


#endif /* _FLAGSHIP_VALUE_H_INCLUDED_ */
