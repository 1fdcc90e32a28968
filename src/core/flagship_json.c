
/*
 * Copyright (C) Flagship
 */


/*
 * The strict parser: text -> preorder array of nodes.
 *
 * It never recurses, reads no byte outside the text, and allocates the array,
 * the arena of strings with escapes and the table for large objects only, all
 * of which a document keeps when it is parsed into again.  A document belongs
 * to one thread at a time.
 *
 * Its time is linear in the text, also against texts made to be slow: see
 * flagship_json_names.c for the one part where this is not obvious.
 */


#include "flagship_json.h"
#include "flagship_json_parser.h"
#include "flagship_number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>


_Static_assert(FLAGSHIP_MAX_DOCUMENT <= 1 << 26, "a length fits into a node");


static int flagship_json_text(flagship_json_parser_t *parser);
static int flagship_json_scalar(flagship_json_parser_t *parser);
static int flagship_json_open(flagship_json_parser_t *parser);
static int flagship_json_close(flagship_json_parser_t *parser);
static int flagship_json_name(flagship_json_parser_t *parser);
static int flagship_json_literal(flagship_json_parser_t *parser,
    flagship_json_node_t *node);
static int flagship_json_string(flagship_json_parser_t *parser,
    flagship_json_node_t *node);
static int flagship_json_grow(flagship_json_t *json, size_t hint);
static const flagship_json_node_t *flagship_json_step(
    const flagship_json_node_t *node, flagship_str_t name);


/* A node for what starts at p; NULL when there is no memory. */

static inline flagship_json_node_t *
flagship_json_node(flagship_json_parser_t *parser, const char *p)
{
    flagship_json_t       *json;
    flagship_json_node_t  *node;

    json = parser->json;

    if (json->n == json->size
        && flagship_json_grow(json, 0) != FLAGSHIP_OK)
    {
        return NULL;
    }

    node = &json->nodes[json->n++];

    node->type = FLAGSHIP_JSON_NULL;
    node->exact = 0;
    node->made = 0;
    node->decoded = 0;
    node->len = 0;
    node->next = 1;
    node->str = p;

    return node;
}


void
flagship_json_init(flagship_json_t *json)
{
    memset(json, 0, sizeof(flagship_json_t));

    flagship_arena_init(&json->arena);
}


void
flagship_json_free(flagship_json_t *json)
{
    free(json->nodes);
    free(json->table);
    flagship_arena_free(&json->arena);

    flagship_json_init(json);
}


int
flagship_json_refuse(flagship_json_parser_t *parser, const char *p,
    const char *error)
{
    parser->json->offset = (size_t) (p - parser->text);
    parser->json->error = (p >= parser->last) ? "the text ends too early"
                                              : error;

    return FLAGSHIP_DECLINED;
}


int
flagship_json_parse(flagship_json_t *json, const char *text, size_t len)
{
    int                     rc;
    flagship_json_parser_t  parser;

    flagship_arena_reset(&json->arena);

    json->n = 0;
    json->offset = 0;
    json->error = NULL;

    if (len > FLAGSHIP_MAX_DOCUMENT) {
        json->error = "the text is too long";
        return FLAGSHIP_DECLINED;
    }

    if (json->size == 0
        && flagship_json_grow(json, len / 6) != FLAGSHIP_OK)
    {
        return FLAGSHIP_ERROR;
    }

    parser.p = text;
    parser.text = text;
    parser.last = text + len;
    parser.json = json;
    parser.depth = 0;

    rc = flagship_json_text(&parser);

    if (rc == FLAGSHIP_OK) {
        parser.p = flagship_json_blank(parser.p, parser.last);

        if (parser.p == parser.last) {
            return FLAGSHIP_OK;
        }

        rc = flagship_json_refuse(&parser, parser.p,
                                  "something follows the end of the value");
    }

    json->n = 0;

    return rc;
}


/* One value with all that is in it. */

static int
flagship_json_text(flagship_json_parser_t *parser)
{
    int                     rc;
    char                    c;
    flagship_json_frame_t  *frame;

    for ( ;; ) {

        parser->p = flagship_json_blank(parser->p, parser->last);
        c = (parser->p < parser->last) ? *parser->p : '\0';

        if (c == '{' || c == '[') {

            rc = flagship_json_open(parser);

            if (rc == FLAGSHIP_OK) {
                continue;
            }

            if (rc != FLAGSHIP_DECLINED || parser->json->error) {
                return rc;
            }

            /* it was empty, so it is a value already */

        } else {
            rc = flagship_json_scalar(parser);

            if (rc != FLAGSHIP_OK) {
                return rc;
            }
        }

        for ( ;; ) {

            if (parser->depth == 0) {
                return FLAGSHIP_OK;
            }

            frame = &parser->frames[parser->depth - 1];
            parser->json->nodes[frame->node].len++;

            parser->p = flagship_json_blank(parser->p, parser->last);
            c = (parser->p < parser->last) ? *parser->p : '\0';

            if (c == ',') {
                parser->p++;

                if (frame->object) {
                    rc = flagship_json_name(parser);

                    if (rc != FLAGSHIP_OK) {
                        return rc;
                    }
                }

                break;
            }

            if (c != (frame->object ? '}' : ']')) {
                return flagship_json_refuse(parser, parser->p,
                                            frame->object
                                            ? "',' or '}' is expected"
                                            : "',' or ']' is expected");
            }

            parser->p++;

            rc = flagship_json_close(parser);

            if (rc != FLAGSHIP_OK) {
                return rc;
            }
        }
    }
}


/*
 * FLAGSHIP_OK: a value of the container follows; FLAGSHIP_DECLINED without an
 * error: the container is empty and done.
 */

static int
flagship_json_open(flagship_json_parser_t *parser)
{
    int                     object;
    flagship_json_node_t   *node;
    flagship_json_frame_t  *frame;

    if (parser->depth == FLAGSHIP_MAX_DEPTH) {
        return flagship_json_refuse(parser, parser->p,
                                    "the nesting is too deep");
    }

    node = flagship_json_node(parser, parser->p);
    if (node == NULL) {
        return FLAGSHIP_ERROR;
    }

    object = (*parser->p == '{');
    node->type = object ? FLAGSHIP_JSON_OBJECT : FLAGSHIP_JSON_ARRAY;

    parser->p = flagship_json_blank(parser->p + 1, parser->last);

    if (parser->p < parser->last && *parser->p == (object ? '}' : ']')) {
        parser->p++;
        return FLAGSHIP_DECLINED;
    }

    frame = &parser->frames[parser->depth++];

    frame->node = parser->json->n - 1;
    frame->object = (uint32_t) object;
    frame->seen = 0;

    return object ? flagship_json_name(parser) : FLAGSHIP_OK;
}


static int
flagship_json_close(flagship_json_parser_t *parser)
{
    int                     rc;
    uint32_t                duplicate;
    flagship_json_t        *json;
    flagship_json_node_t   *node;
    flagship_json_frame_t  *frame;

    json = parser->json;
    frame = &parser->frames[--parser->depth];

    node = &json->nodes[frame->node];
    node->next = json->n - frame->node;

    if (frame->object && node->len > FLAGSHIP_JSON_FEW_NAMES) {

        rc = flagship_json_unique(json, node, &duplicate);

        if (rc == FLAGSHIP_DECLINED) {
            return flagship_json_refuse(parser, parser->text
                                        + flagship_json_offset(parser->text,
                                              &json->nodes[duplicate]),
                                        "the object has this name twice");
        }

        return rc;
    }

    return FLAGSHIP_OK;
}


/*
 * A member's name and the colon.  As long as an object is small, its names
 * are compared at once, and only with those before that "seen" does not rule
 * out.
 */

static int
flagship_json_name(flagship_json_parser_t *parser)
{
    int                     rc;
    uint64_t                bit;
    flagship_json_t        *json;
    flagship_json_node_t   *node, *object;
    flagship_json_frame_t  *frame;

    parser->p = flagship_json_blank(parser->p, parser->last);

    if (parser->p == parser->last || *parser->p != '"') {
        return flagship_json_refuse(parser, parser->p,
                                    "a name in quotes is expected");
    }

    node = flagship_json_node(parser, parser->p);
    if (node == NULL) {
        return FLAGSHIP_ERROR;
    }

    rc = flagship_json_string(parser, node);
    if (rc != FLAGSHIP_OK) {
        return rc;
    }

    json = parser->json;
    frame = &parser->frames[parser->depth - 1];
    object = &json->nodes[frame->node];

    bit = (uint64_t) 1 << flagship_json_name_bit(node);

    if ((frame->seen & bit) && object->len < FLAGSHIP_JSON_FEW_NAMES
        && flagship_json_has_name(object, object->len, node))
    {
        return flagship_json_refuse(parser, parser->text
                                    + flagship_json_offset(parser->text, node),
                                    "the object has this name twice");
    }

    frame->seen |= bit;

    parser->p = flagship_json_blank(parser->p, parser->last);

    if (parser->p == parser->last || *parser->p != ':') {
        return flagship_json_refuse(parser, parser->p, "':' is expected");
    }

    parser->p++;

    return FLAGSHIP_OK;
}


static int
flagship_json_scalar(flagship_json_parser_t *parser)
{
    double                 number;
    flagship_json_node_t  *node;

    if (parser->p == parser->last) {
        return flagship_json_refuse(parser, parser->p, NULL);
    }

    node = flagship_json_node(parser, parser->p);
    if (node == NULL) {
        return FLAGSHIP_ERROR;
    }

    switch (*parser->p) {

    case '"':
        return flagship_json_string(parser, node);

    case 't':
    case 'f':
    case 'n':
        return flagship_json_literal(parser, node);

    default:
        return flagship_json_number(parser, node, &number);
    }
}


static int
flagship_json_literal(flagship_json_parser_t *parser,
    flagship_json_node_t *node)
{
    size_t       rest;
    const char  *p;

    p = parser->p;
    rest = (size_t) (parser->last - p);

    if (rest >= 4 && memcmp(p, "true", 4) == 0) {
        node->type = FLAGSHIP_JSON_TRUE;
        parser->p += 4;

    } else if (rest >= 5 && memcmp(p, "false", 5) == 0) {
        node->type = FLAGSHIP_JSON_FALSE;
        parser->p += 5;

    } else if (rest >= 4 && memcmp(p, "null", 4) == 0) {
        parser->p += 4;

    } else {
        return flagship_json_refuse(parser, p, "a value is expected");
    }

    return FLAGSHIP_OK;
}


int
flagship_json_number(flagship_json_parser_t *parser,
    flagship_json_node_t *node, double *number)
{
    uint64_t             value;
    const char          *p, *end, *start;
    flagship_decimal_t   decimal;

    p = parser->p;
    node->type = FLAGSHIP_JSON_NUMBER;

    /* most numbers are small integers */

    value = 0;
    start = p + (*p == '-');
    end = (parser->last - start > 15) ? start + 15 : parser->last;

    for (p = start; p < end && *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (uint64_t) (*p - '0');
    }

    if (p > start && p < end && (*start != '0' || p == start + 1)
        && *p != '.' && *p != 'e' && *p != 'E')
    {
        *number = (start > parser->p) ? -(double) value : (double) value;
        node->exact = 1;
        node->len = (uint32_t) (p - parser->p);
        parser->p = p;

        return FLAGSHIP_OK;
    }

    p = flagship_decimal_scan(&decimal, parser->p, parser->last);

    if (p == NULL) {
        start += (start < parser->last && *start >= '0' && *start <= '9');

        return flagship_json_refuse(parser, parser->p,
                                    start == parser->p
                                    ? "a value is expected"
                                    : "the number is not of JSON's form");
    }

    *number = flagship_decimal_double(&decimal);

    if (isinf(*number)) {
        return flagship_json_refuse(parser, parser->p,
                                    "the number is out of range");
    }

    node->exact = flagship_decimal_exact(&decimal, *number) != 0;
    node->len = (uint32_t) (p - parser->p);
    parser->p = p;

    return FLAGSHIP_OK;
}


static int
flagship_json_string(flagship_json_parser_t *parser,
    flagship_json_node_t *node)
{
    const char  *p, *start;

    start = parser->p + 1;
    p = flagship_json_plain(start, parser->last);

    node->type = FLAGSHIP_JSON_STRING;
    node->str = start;

    if (p < parser->last && *p == '"') {
        node->len = (uint32_t) (p - start);
        parser->p = p + 1;

        return FLAGSHIP_OK;
    }

    return flagship_json_string_slow(parser, p, node);
}


static int
flagship_json_grow(flagship_json_t *json, size_t hint)
{
    size_t                 size;
    flagship_json_node_t  *nodes;

    size = json->size ? (size_t) json->size * 2 : hint + 16;

    /* a node takes a byte of the text at least */

    if (size > FLAGSHIP_MAX_DOCUMENT) {
        size = FLAGSHIP_MAX_DOCUMENT;
    }

    nodes = realloc(json->nodes, size * sizeof(flagship_json_node_t));
    if (nodes == NULL) {
        return FLAGSHIP_ERROR;
    }

    json->nodes = nodes;
    json->size = (uint32_t) size;

    return FLAGSHIP_OK;
}


size_t
flagship_json_offset(const char *text, const flagship_json_node_t *node)
{
    uint32_t  offset;

    if (node->decoded) {
        memcpy(&offset, node->str - sizeof(offset), sizeof(offset));
        return offset;
    }

    return (size_t) (node->str - text) - (node->type == FLAGSHIP_JSON_STRING);
}


double
flagship_json_double(const flagship_json_node_t *node)
{
    uint32_t  i;
    uint64_t  value;

    if (node->made) {
        return node->value;
    }

    /* most numbers are small integers */

    value = 0;

    for (i = 0; i < node->len && i < 15; i++) {

        if (node->str[i] < '0' || node->str[i] > '9') {
            break;
        }

        value = value * 10 + (uint64_t) (node->str[i] - '0');
    }

    return i == node->len ? (double) value
                          : flagship_number_parse(node->str, node->len, 0);
}


const flagship_json_node_t *
flagship_json_member(const flagship_json_node_t *object, const char *name,
    size_t len)
{
    uint32_t                     i;
    const flagship_json_node_t  *node;

    if (object->type != FLAGSHIP_JSON_OBJECT) {
        return NULL;
    }

    node = object + 1;

    for (i = 0; i < object->len; i++) {

        if (node->len == len && memcmp(node->str, name, len) == 0) {
            return node + 1;
        }

        node++;
        node += node->next;
    }

    return NULL;
}


const flagship_json_node_t *
flagship_json_path(const flagship_json_node_t *node, flagship_str_t path)
{
    size_t  i, start;

    if (path.len == 0) {
        return node;
    }

    for (start = 0; node && start <= path.len; start = i + 1) {

        for (i = start; i < path.len && path.data[i] != '.'; i++) {
            /* void */
        }

        node = flagship_json_step(node, flagship_str(path.data + start,
                                                     i - start));
    }

    return node;
}


/* A member, or an element by its index; NULL: absent. */

static const flagship_json_node_t *
flagship_json_step(const flagship_json_node_t *node, flagship_str_t name)
{
    size_t    i;
    uint32_t  n;

    if (node->type == FLAGSHIP_JSON_OBJECT) {
        return flagship_json_member(node, name.data, name.len);
    }

    if (node->type != FLAGSHIP_JSON_ARRAY
        || name.len == 0 || name.len > 9
        || (name.data[0] == '0' && name.len > 1))
    {
        return NULL;
    }

    for (i = 0, n = 0; i < name.len; i++) {

        if (name.data[i] < '0' || name.data[i] > '9') {
            return NULL;
        }

        n = n * 10 + (name.data[i] - '0');
    }

    if (n >= node->len) {
        return NULL;
    }

    for (node++; n; n--) {
        node += node->next;
    }

    return node;
}
