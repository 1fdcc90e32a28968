
/*
 * Copyright (C) Flagship
 */


/*
 * CBOR.  Pure functions that allocate nothing; any thread may call.  The
 * bytes decide who is in, so they never change.
 *
 * The depth of JSON bounds the recursion.
 */


#include <math.h>
#include <string.h>

#include "flagship_cbor.h"


#define FLAGSHIP_CBOR_UINT    0u
#define FLAGSHIP_CBOR_NEGINT  1u
#define FLAGSHIP_CBOR_TEXT    3u
#define FLAGSHIP_CBOR_ARRAY   4u
#define FLAGSHIP_CBOR_MAP     5u
#define FLAGSHIP_CBOR_SIMPLE  7u


typedef struct {
    char                *pos;
    char                *end;        /* behind it: members being sorted */
} flagship_cbor_t;


static int flagship_cbor_value(flagship_cbor_t *out,
    const flagship_value_t *v, unsigned depth);
static int flagship_cbor_map(flagship_cbor_t *out,
    const flagship_json_node_t *map, unsigned depth);
static void flagship_cbor_sort(const flagship_json_node_t **list, uint32_t n);
static int flagship_cbor_number(flagship_cbor_t *out, double number);
static int flagship_cbor_half(float number, uint16_t *half);
static int flagship_cbor_text(flagship_cbor_t *out, flagship_str_t s);
static int flagship_cbor_head(flagship_cbor_t *out, unsigned major,
    uint64_t n);
static int flagship_cbor_bytes(flagship_cbor_t *out, unsigned first,
    uint64_t n, unsigned size);


size_t
flagship_cbor(const flagship_value_t *v, char *buf, size_t size)
{
    flagship_cbor_t  out;

    out.pos = buf;
    out.end = buf + size;

    return flagship_cbor_value(&out, v, 0) ? (size_t) (out.pos - buf) : 0;
}


size_t
flagship_cbor_pair(flagship_str_t a, flagship_str_t b, char *buf, size_t size)
{
    flagship_cbor_t  out;

    out.pos = buf;
    out.end = buf + size;

    return flagship_cbor_head(&out, FLAGSHIP_CBOR_ARRAY, 2)
           && flagship_cbor_text(&out, a)
           && flagship_cbor_text(&out, b) ? (size_t) (out.pos - buf) : 0;
}


/* Returns 0 where it does not fit. */

static int
flagship_cbor_value(flagship_cbor_t *out, const flagship_value_t *v,
    unsigned depth)
{
    uint32_t                     i;
    flagship_value_t             element;
    const flagship_json_node_t  *node;

    switch (v->type) {

    case FLAGSHIP_NULL:
        return flagship_cbor_head(out, FLAGSHIP_CBOR_SIMPLE, 22);

    case FLAGSHIP_FALSE:
        return flagship_cbor_head(out, FLAGSHIP_CBOR_SIMPLE, 20);

    case FLAGSHIP_TRUE:
        return flagship_cbor_head(out, FLAGSHIP_CBOR_SIMPLE, 21);

    case FLAGSHIP_NUMBER:
        return flagship_cbor_number(out, v->u.number);

    case FLAGSHIP_STRING:
        return flagship_cbor_text(out, flagship_str(v->u.str, v->len));
    }

    /* loops nest values a little deeper than JSON is */

    if (depth > 2 * FLAGSHIP_MAX_DEPTH) {
        return 0;
    }

    node = v->u.node;

    if (node->type == FLAGSHIP_JSON_OBJECT) {
        return flagship_cbor_map(out, node, depth);
    }

    if (!flagship_cbor_head(out, FLAGSHIP_CBOR_ARRAY, node->len)) {
        return 0;
    }

    for (i = node->len, node++; i; i--, node += node->next) {
        flagship_value_node(&element, node);

        if (!flagship_cbor_value(out, &element, depth + 1)) {
            return 0;
        }
    }

    return 1;
}


static int
flagship_cbor_map(flagship_cbor_t *out, const flagship_json_node_t *map,
    unsigned depth)
{
    char                         *end;
    uint32_t                      i, n;
    flagship_value_t              value;
    const flagship_json_node_t   *node, **list;

    n = map->len;
    end = out->end;

    if ((size_t) (end - out->pos) / sizeof(list[0]) <= n) {
        return 0;
    }

    out->end -= n * sizeof(list[0]);
    list = (const flagship_json_node_t **) (void *) out->end;

    for (i = 0, node = map + 1; i < n; i++) {
        list[i] = node;
        node += node->next;
        node += node->next;
    }

    flagship_cbor_sort(list, n);

    if (!flagship_cbor_head(out, FLAGSHIP_CBOR_MAP, n)) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        flagship_value_node(&value, list[i] + list[i]->next);

        if (!flagship_cbor_text(out, flagship_json_str(list[i]))
            || !flagship_cbor_value(out, &value, depth + 1))
        {
            return 0;
        }
    }

    out->end = end;

    return 1;
}


/* Encoded names begin with their length, so a shorter one comes first.
   Shell's sort: qsort() may allocate. */

static void
flagship_cbor_sort(const flagship_json_node_t **list, uint32_t n)
{
    uint32_t                     gap, i, k;
    const flagship_json_node_t  *node;

    for (gap = 1; gap < n / 3; gap = 3 * gap + 1) { /* void */ }

    for ( /* void */ ; gap; gap /= 3) {

        for (i = gap; i < n; i++) {
            node = list[i];

            for (k = i; k >= gap; k -= gap) {

                if (list[k - gap]->len < node->len
                    || (list[k - gap]->len == node->len
                        && memcmp(list[k - gap]->str, node->str, node->len)
                           <= 0))
                {
                    break;
                }

                list[k] = list[k - gap];
            }

            list[k] = node;
        }
    }
}


static int
flagship_cbor_number(flagship_cbor_t *out, double number)
{
    float     single;
    uint16_t  half;
    uint32_t  bits;
    uint64_t  wide;

    if (number == floor(number)) {

        if (number >= 0 && number < 18446744073709551616.0) {
            return flagship_cbor_head(out, FLAGSHIP_CBOR_UINT,
                                      (uint64_t) number);
        }

        if (number < 0 && number >= -9223372036854775808.0) {
            return flagship_cbor_head(out, FLAGSHIP_CBOR_NEGINT,
                                      (uint64_t) -((int64_t) number + 1));
        }
    }

    if (fabs(number) <= 3.4028234663852886e38) {
        single = (float) number;

        if (single == number) {

            if (flagship_cbor_half(single, &half)) {
                return flagship_cbor_bytes(out, 0xf9, half, 2);
            }

            memcpy(&bits, &single, sizeof(bits));
            return flagship_cbor_bytes(out, 0xfa, bits, 4);
        }
    }

    memcpy(&wide, &number, sizeof(wide));

    return flagship_cbor_bytes(out, 0xfb, wide, 8);
}


/* A finite number that is not 0, if 16 bits hold it. */

static int
flagship_cbor_half(float number, uint16_t *half)
{
    int       exponent, shift;
    uint32_t  bits, fraction, sign;

    memcpy(&bits, &number, sizeof(bits));

    sign = bits >> 16 & 0x8000;
    exponent = (int) (bits >> 23 & 0xff) - 127;
    fraction = bits & 0x7fffff;

    if (exponent > 15 || exponent < -24) {
        return 0;
    }

    if (exponent >= -14) {
        *half = sign | (uint32_t) (exponent + 15) << 10 | fraction >> 13;
        return (fraction & 0x1fff) == 0;
    }

    fraction |= 0x800000;
    shift = -1 - exponent;
    *half = sign | fraction >> shift;

    return (fraction & ((1u << shift) - 1)) == 0;
}


static int
flagship_cbor_text(flagship_cbor_t *out, flagship_str_t s)
{
    if (!flagship_cbor_head(out, FLAGSHIP_CBOR_TEXT, s.len)
        || (size_t) (out->end - out->pos) < s.len)
    {
        return 0;
    }

    if (s.len) {
        memcpy(out->pos, s.data, s.len);
        out->pos += s.len;
    }

    return 1;
}


static int
flagship_cbor_head(flagship_cbor_t *out, unsigned major, uint64_t n)
{
    major <<= 5;

    if (n < 24) {
        return flagship_cbor_bytes(out, major | (unsigned) n, 0, 0);
    }

    if (n <= 0xff) {
        return flagship_cbor_bytes(out, major | 24, n, 1);
    }

    if (n <= 0xffff) {
        return flagship_cbor_bytes(out, major | 25, n, 2);
    }

    if (n <= 0xffffffff) {
        return flagship_cbor_bytes(out, major | 26, n, 4);
    }

    return flagship_cbor_bytes(out, major | 27, n, 8);
}


/* The first byte, and n in "size" bytes, the upper one first. */

static int
flagship_cbor_bytes(flagship_cbor_t *out, unsigned first, uint64_t n,
    unsigned size)
{
    if ((size_t) (out->end - out->pos) < 1 + size) {
        return 0;
    }

    *out->pos++ = (char) first;

    while (size) {
        *out->pos++ = (char) (n >> (8 * --size));
    }

    return 1;
}
