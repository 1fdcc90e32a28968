
/*
 * Copyright (C) Flagship
 */


/*
 * Values of the second reading of the language: what they are made of, and how
 * they are taken for another type, compared and written.
 */


#ifndef _FLAGSHIP_ORACLE_VALUE_H_INCLUDED_
#define _FLAGSHIP_ORACLE_VALUE_H_INCLUDED_


#include "engine.h"

#include <math.h>


typedef enum {
    ORACLE_NULL = 0,
    ORACLE_BOOL,
    ORACLE_NUMBER,
    ORACLE_STRING,
    ORACLE_ARRAY,
    ORACLE_OBJECT
} oracle_type_e;


typedef struct oracle_value_s  oracle_value_t;

struct oracle_value_s {
    oracle_type_e                type;
    double                       number;     /* of a boolean: 0 or 1 */
    flagship_str_t               str;
    size_t                       n;          /* of an array */
    oracle_value_t              *items;
};


typedef struct {
    flagship_arena_t             arena;
    const flagship_json_node_t  *context;
    const flagship_json_node_t  *segments;   /* name: condition */
    flagship_str_t               key;
    int64_t                      now;
} oracle_t;


static inline oracle_value_t
oracle_null(void)
{
    return (oracle_value_t) { .type = ORACLE_NULL };
}


static inline oracle_value_t
oracle_bool(int b)
{
    return (oracle_value_t) { .type = ORACLE_BOOL, .number = b ? 1 : 0 };
}


static inline oracle_value_t
oracle_number(double number)
{
    return (oracle_value_t) { .type = ORACLE_NUMBER, .number = number };
}


static inline oracle_value_t
oracle_string(flagship_str_t s)
{
    return (oracle_value_t) { .type = ORACLE_STRING, .str = s };
}


static inline oracle_value_t
oracle_data(oracle_t *o, const flagship_json_node_t *node)
{
    uint32_t                     i;
    oracle_value_t               v;
    const flagship_json_node_t  *child;

    v = oracle_null();

    switch (node->type) {

    case FLAGSHIP_JSON_NULL:
        return v;

    case FLAGSHIP_JSON_FALSE:
    case FLAGSHIP_JSON_TRUE:
        return oracle_bool(node->type == FLAGSHIP_JSON_TRUE);

    case FLAGSHIP_JSON_NUMBER:
        return oracle_number(flagship_json_double(node));

    case FLAGSHIP_JSON_STRING:
        return oracle_string(flagship_json_str(node));

    case FLAGSHIP_JSON_OBJECT:
        v.type = ORACLE_OBJECT;
        return v;
    }

    v.type = ORACLE_ARRAY;
    v.n = node->len;
    v.items = flagship_arena_alloc(&o->arena, v.n * sizeof(v) + 1);
    assert_non_null(v.items);

    for (child = node + 1, i = 0; i < node->len; i++) {
        v.items[i] = oracle_data(o, child);
        child += child->next;
    }

    return v;
}


static inline int
oracle_truth(oracle_value_t v)
{
    switch (v.type) {

    case ORACLE_NULL:
        return 0;

    case ORACLE_BOOL:
        return v.number != 0;

    case ORACLE_NUMBER:
        return v.number != 0 && !isnan(v.number);

    case ORACLE_STRING:
        return v.str.len != 0;

    case ORACLE_ARRAY:
        return v.n != 0;

    default:
        return 1;
    }
}


static inline double
oracle_to_number(oracle_value_t v)
{
    switch (v.type) {

    case ORACLE_NULL:
        return 0;

    case ORACLE_BOOL:
    case ORACLE_NUMBER:
        return v.number;

    case ORACLE_STRING:
        return flagship_number_parse(v.str.data, v.str.len, 1);

    default:
        return NAN;
    }
}


static inline int
oracle_strictly(oracle_value_t a, oracle_value_t b)
{
    if (a.type != b.type || a.type >= ORACLE_ARRAY) {
        return 0;
    }

    if (a.type == ORACLE_STRING) {
        return flagship_str_eq(a.str, b.str);
    }

    return a.number == b.number;
}


static inline int
oracle_loosely(oracle_value_t a, oracle_value_t b)
{
    if (a.type == ORACLE_NULL || b.type == ORACLE_NULL) {
        return a.type == b.type;
    }

    if (a.type >= ORACLE_ARRAY || b.type >= ORACLE_ARRAY) {
        return 0;
    }

    if (a.type == ORACLE_STRING && b.type == ORACLE_STRING) {
        return flagship_str_eq(a.str, b.str);
    }

    return oracle_to_number(a) == oracle_to_number(b);
}


/* -1, 0, 1, or 2 where they have no order */

static inline int
oracle_order(oracle_value_t a, oracle_value_t b)
{
    int     rc;
    double  x, y;
    size_t  n;

    if (a.type == ORACLE_STRING && b.type == ORACLE_STRING) {
        n = (a.str.len < b.str.len) ? a.str.len : b.str.len;
        rc = n ? memcmp(a.str.data, b.str.data, n) : 0;

        if (rc == 0) {
            rc = (a.str.len > b.str.len) - (a.str.len < b.str.len);
        }

        return (rc > 0) - (rc < 0);
    }

    x = oracle_to_number(a);
    y = oracle_to_number(b);

    if (isnan(x) || isnan(y)) {
        return 2;
    }

    return (x > y) - (x < y);
}


static inline int
oracle_compares(flagship_str_t op, oracle_value_t a, oracle_value_t b)
{
    if (flagship_str_is(op, "==")) {
        return oracle_loosely(a, b);
    }

    if (flagship_str_is(op, "!=")) {
        return !oracle_loosely(a, b);
    }

    if (flagship_str_is(op, "===")) {
        return oracle_strictly(a, b);
    }

    if (flagship_str_is(op, "!==")) {
        return !oracle_strictly(a, b);
    }

    if (flagship_str_is(op, "<")) {
        return oracle_order(a, b) == -1;
    }

    if (flagship_str_is(op, ">")) {
        return oracle_order(a, b) == 1;
    }

    if (flagship_str_is(op, "<=")) {
        return oracle_order(a, b) == -1 || oracle_order(a, b) == 0;
    }

    return oracle_order(a, b) == 1 || oracle_order(a, b) == 0;
}


/* As "cat" writes it. */

static inline flagship_str_t
oracle_text(oracle_t *o, oracle_value_t v)
{
    char            *buf, *p;
    size_t           i, len;
    flagship_str_t   s, *parts;

    switch (v.type) {

    case ORACLE_NULL:
        return unit_str("");

    case ORACLE_BOOL:
        return unit_str(v.number ? "true" : "false");

    case ORACLE_STRING:
        return v.str;

    case ORACLE_NUMBER:
        buf = flagship_arena_alloc(&o->arena, FLAGSHIP_NUMBER_LEN);
        assert_non_null(buf);
        return flagship_str(buf, flagship_number_print(v.number, buf));

    case ORACLE_OBJECT:
        fail_msg("the text of an object is not defined");

    default:
        break;
    }

    parts = flagship_arena_alloc(&o->arena, v.n * sizeof(s) + 1);
    assert_non_null(parts);

    for (i = 0, len = 0; i < v.n; i++) {
        parts[i] = oracle_text(o, v.items[i]);
        len += parts[i].len + (i > 0);
    }

    buf = flagship_arena_alloc(&o->arena, len + 1);
    assert_non_null(buf);

    for (i = 0, p = buf; i < v.n; i++) {
        if (i) {
            *p++ = ',';
        }

        memcpy(p, parts[i].data, parts[i].len);
        p += parts[i].len;
    }

    return flagship_str(buf, len);
}


static inline flagship_str_t
oracle_join(oracle_t *o, flagship_str_t a, flagship_str_t b)
{
    char  *buf;

    buf = flagship_arena_alloc(&o->arena, a.len + b.len + 1);
    assert_non_null(buf);

    memcpy(buf, a.data, a.len);
    memcpy(buf + a.len, b.data, b.len);

    return flagship_str(buf, a.len + b.len);
}


#endif /* _FLAGSHIP_ORACLE_VALUE_H_INCLUDED_ */
