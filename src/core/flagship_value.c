
/*
 * Copyright (C) Flagship
 */


/*
 * JsonLogic's coercions.  Pure functions; they allocate nothing.
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE  /* memmem() */
#endif

#include <math.h>
#include <string.h>

#include "flagship_value.h"


static int flagship_value_bytes(const flagship_value_t *a,
    const flagship_value_t *b);
static int flagship_value_join(const flagship_json_node_t *array, char *buf,
    size_t size, size_t *used);


double
flagship_value_number(const flagship_value_t *v)
{
    switch (v->type) {

    case FLAGSHIP_NULL:
    case FLAGSHIP_FALSE:
        return 0;

    case FLAGSHIP_TRUE:
        return 1;

    case FLAGSHIP_NUMBER:
        return v->u.number;

    case FLAGSHIP_STRING:
        return flagship_number_parse(v->u.str, v->len, 1);

    default:
        return NAN;
    }
}


int
flagship_value_truth(const flagship_value_t *v)
{
    switch (v->type) {

    case FLAGSHIP_NULL:
    case FLAGSHIP_FALSE:
        return 0;

    case FLAGSHIP_NUMBER:
        return v->u.number != 0;

    case FLAGSHIP_STRING:
        return v->len != 0;

    case FLAGSHIP_JSON:
        return v->u.node->type == FLAGSHIP_JSON_OBJECT || v->u.node->len != 0;

    default:
        return 1;
    }
}


int
flagship_value_equal(const flagship_value_t *a, const flagship_value_t *b)
{
    if (a->type == FLAGSHIP_STRING && b->type == FLAGSHIP_STRING) {
        return a->len == b->len && memcmp(a->u.str, b->u.str, a->len) == 0;
    }

    if (a->type == FLAGSHIP_NULL || b->type == FLAGSHIP_NULL) {
        return a->type == b->type;
    }

    if (a->type == FLAGSHIP_JSON || b->type == FLAGSHIP_JSON) {
        return 0;
    }

    return flagship_value_number(a) == flagship_value_number(b);
}


int
flagship_value_same(const flagship_value_t *a, const flagship_value_t *b)
{
    if (a->type != b->type) {
        return 0;
    }

    switch (a->type) {

    case FLAGSHIP_NUMBER:
        return a->u.number == b->u.number;

    case FLAGSHIP_STRING:
        return a->len == b->len && memcmp(a->u.str, b->u.str, a->len) == 0;

    case FLAGSHIP_JSON:
        return 0;

    default:
        return 1;
    }
}


int
flagship_value_order(const flagship_value_t *a, unsigned order,
    const flagship_value_t *b)
{
    double  x, y;

    if (a->type == FLAGSHIP_STRING && b->type == FLAGSHIP_STRING) {
        x = flagship_value_bytes(a, b);
        y = 0;

    } else {
        x = flagship_value_number(a);
        y = flagship_value_number(b);
    }

    switch (order) {

    case FLAGSHIP_LT:
        return x < y;

    case FLAGSHIP_LE:
        return x <= y;

    case FLAGSHIP_GT:
        return x > y;

    default: /* FLAGSHIP_GE */
        return x >= y;
    }
}


static int
flagship_value_bytes(const flagship_value_t *a, const flagship_value_t *b)
{
    int     rc;
    size_t  n;

    n = a->len < b->len ? a->len : b->len;

    rc = memcmp(a->u.str, b->u.str, n);

    if (rc != 0) {
        return rc;
    }

    return (a->len > b->len) - (a->len < b->len);
}


int
flagship_value_in(const flagship_value_t *needle,
    const flagship_value_t *haystack)
{
    char                         buf[FLAGSHIP_NUMBER_LEN];
    uint32_t                     i;
    flagship_str_t               text;
    flagship_value_t             element;
    const flagship_json_node_t  *node;

    if (haystack->type == FLAGSHIP_STRING) {

        if (needle->type == FLAGSHIP_NULL || needle->type == FLAGSHIP_JSON) {
            return 0;
        }

        (void) flagship_value_text(needle, buf, sizeof(buf), &text);

        return text.len == 0
               || memmem(haystack->u.str, haystack->len, text.data, text.len)
                  != NULL;
    }

    if (haystack->type != FLAGSHIP_JSON
        || haystack->u.node->type != FLAGSHIP_JSON_ARRAY)
    {
        return 0;
    }

    node = haystack->u.node + 1;

    for (i = 0; i < haystack->u.node->len; i++) {
        flagship_value_node(&element, node);

        if (flagship_value_same(needle, &element)) {
            return 1;
        }

        node += node->next;
    }

    return 0;
}


int
flagship_value_text(const flagship_value_t *v, char *buf, size_t size,
    flagship_str_t *text)
{
    size_t  used;

    switch (v->type) {

    case FLAGSHIP_NULL:
        *text = flagship_str("", 0);
        return FLAGSHIP_OK;

    case FLAGSHIP_FALSE:
        *text = flagship_str("false", 5);
        return FLAGSHIP_OK;

    case FLAGSHIP_TRUE:
        *text = flagship_str("true", 4);
        return FLAGSHIP_OK;

    case FLAGSHIP_NUMBER:
        *text = flagship_str(buf, flagship_number_print(v->u.number, buf));
        return FLAGSHIP_OK;

    case FLAGSHIP_STRING:
        *text = flagship_str(v->u.str, v->len);
        return FLAGSHIP_OK;
    }

    if (v->u.node->type == FLAGSHIP_JSON_OBJECT) {
        /* as JavaScript, which every JsonLogic follows here */
        *text = flagship_str("[object Object]", 15);
        return FLAGSHIP_OK;
    }

    used = 0;

    if (flagship_value_join(v->u.node, buf, size, &used) != FLAGSHIP_OK) {
        return FLAGSHIP_DECLINED;
    }

    *text = flagship_str(buf, used);

    return FLAGSHIP_OK;
}


/* Recursion is bounded by the depth that JSON is read with. */

static int
flagship_value_join(const flagship_json_node_t *array, char *buf, size_t size,
    size_t *used)
{
    char                         number[FLAGSHIP_NUMBER_LEN];
    uint32_t                     i;
    flagship_str_t               text;
    flagship_value_t             v;
    const flagship_json_node_t  *node;

    node = array + 1;

    for (i = 0; i < array->len; i++) {

        if (i) {
            if (*used == size) {
                return FLAGSHIP_DECLINED;
            }

            buf[(*used)++] = ',';
        }

        if (node->type == FLAGSHIP_JSON_ARRAY) {
            if (flagship_value_join(node, buf, size, used) != FLAGSHIP_OK) {
                return FLAGSHIP_DECLINED;
            }

        } else {
            flagship_value_node(&v, node);
            (void) flagship_value_text(&v, number, sizeof(number), &text);

            if (text.len > size - *used) {
                return FLAGSHIP_DECLINED;
            }

            memcpy(buf + *used, text.data, text.len);
            *used += text.len;
        }

        node += node->next;
    }

    return FLAGSHIP_OK;
}


size_t
flagship_value_print(const flagship_value_t *v, char *buf, size_t size)
{
    char            number[FLAGSHIP_NUMBER_LEN];
    flagship_str_t  text;

    switch (v->type) {

    case FLAGSHIP_NULL:
        text = flagship_str("null", 4);
        break;

    case FLAGSHIP_STRING:
        return flagship_json_print_string(flagship_str(v->u.str, v->len), buf,
                                          size);

    case FLAGSHIP_JSON:
        return flagship_json_print(v->u.node, buf, size);

    default:
        (void) flagship_value_text(v, number, sizeof(number), &text);
    }

    if (size) {
        memcpy(buf, text.data, text.len < size ? text.len : size);
    }

    return text.len;
}


void
flagship_value_node(flagship_value_t *v, const flagship_json_node_t *node)
{
    v->len = 0;

    switch (node->type) {

    case FLAGSHIP_JSON_NULL:
        v->type = FLAGSHIP_NULL;
        v->len = 1;
        break;

    case FLAGSHIP_JSON_FALSE:
        v->type = FLAGSHIP_FALSE;
        break;

    case FLAGSHIP_JSON_TRUE:
        v->type = FLAGSHIP_TRUE;
        break;

    case FLAGSHIP_JSON_NUMBER:
        v->type = FLAGSHIP_NUMBER;
        v->u.number = flagship_json_double(node);
        break;

    case FLAGSHIP_JSON_STRING:
        v->type = FLAGSHIP_STRING;
        v->len = node->len;
        v->u.str = node->str;
        break;

    default:
        v->type = FLAGSHIP_JSON;
        v->u.node = node;
    }
}
