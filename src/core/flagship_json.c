
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
#include "flagship_json_names.h"
#include "flagship_number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if (__SSE2__)
#include <emmintrin.h>
#endif


typedef struct {
    uint32_t               node;     /* the container */
    uint32_t               object;
    uint64_t               seen;     /* a bit for each name, or for several */
} flagship_json_frame_t;


typedef struct {
    const char            *p;
    const char            *text;
    const char            *last;
    flagship_json_t       *json;
    unsigned               depth;
    flagship_json_frame_t  frames[FLAGSHIP_MAX_DEPTH];
} flagship_json_parser_t;


static int flagship_json_text(flagship_json_parser_t *parser);
static int flagship_json_scalar(flagship_json_parser_t *parser);
static int flagship_json_open(flagship_json_parser_t *parser);
static int flagship_json_close(flagship_json_parser_t *parser);
static int flagship_json_name(flagship_json_parser_t *parser);
static int flagship_json_literal(flagship_json_parser_t *parser,
    flagship_json_node_t *node);
static int flagship_json_number(flagship_json_parser_t *parser,
    flagship_json_node_t *node);
static int flagship_json_string(flagship_json_parser_t *parser,
    flagship_json_node_t *node);
static const char *flagship_json_string_end(flagship_json_parser_t *parser,
    const char *p);
static int flagship_json_unescape(flagship_json_parser_t *parser,
    const char *p, const char *end, flagship_json_node_t *node);
static const char *flagship_json_escape(flagship_json_parser_t *parser,
    const char *p, const char *end, char **out);
static int flagship_json_hex4(const char *p, const char *end);
static int flagship_json_grow(flagship_json_t *json, size_t hint);


#define flagship_json_is_blank(c)                                             \
    ((c) == ' ' || (c) == '\n' || (c) == '\r' || (c) == '\t')


static inline uint64_t
flagship_read64(const char *p)
{
    uint64_t  v;

    memcpy(&v, p, sizeof(v));

    return v;
}


/*
 * The first byte that ends a run of plain ones: a quote, a backslash, a
 * control byte or one that is not ASCII.
 */

static inline const char *
flagship_json_plain(const char *p, const char *last)
{
    uint64_t  v, hit;

#if (__SSE2__)

    int       mask;
    __m128i   x;

    while (last - p >= 16) {
        x = _mm_loadu_si128((const __m128i *) p);

        /* as signed bytes, what is not ASCII is below a blank, too */

        mask = _mm_movemask_epi8(
                   _mm_or_si128(
                       _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')),
                                    _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))),
                       _mm_cmplt_epi8(x, _mm_set1_epi8(' '))));
        if (mask) {
            return p + __builtin_ctz((unsigned) mask);
        }

        p += 16;
    }

#endif

#define flagship_each(c)  (0x0101010101010101ull * (unsigned char) (c))

    while (last - p >= 8) {
        v = flagship_read64(p);

        /* a borrow may mark a byte above a hit, never one below */

        hit = (v | (v - flagship_each(' '))
               | ((v ^ flagship_each('"')) - flagship_each(1))
               | ((v ^ flagship_each('\\')) - flagship_each(1)))
              & flagship_each(0x80);

        if (hit) {
            return p + __builtin_ctzll(hit) / 8;
        }

        p += 8;
    }

    while (p < last && *p >= ' ' && (unsigned char) *p < 0x80
           && *p != '"' && *p != '\\')
    {
        p++;
    }

    return p;
}


static inline const char *
flagship_json_blank(const char *p, const char *last)
{
    if (p < last && *p > ' ') {
        return p;
    }

    while (p < last && flagship_json_is_blank(*p)) {

        while (last - p >= 8 && flagship_read64(p) == flagship_each(' ')) {
            p += 8;
        }

        if (p < last && flagship_json_is_blank(*p)) {
            p++;
        }
    }

    return p;
}


static int
flagship_json_refuse(flagship_json_parser_t *parser, const char *p,
    const char *error)
{
    parser->json->offset = (size_t) (p - parser->text);
    parser->json->error = (p >= parser->last) ? "the text ends too early"
                                              : error;

    return FLAGSHIP_DECLINED;
}


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
    node->len = 0;
    node->next = 1;
    node->offset = (uint32_t) (p - parser->text);
    node->str = p;
    node->number = 0;

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
        && flagship_json_grow(json, len / 16) != FLAGSHIP_OK)
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
                                        + json->nodes[duplicate].offset,
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
        return flagship_json_refuse(parser, parser->text + node->offset,
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
        return flagship_json_number(parser, node);
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


static int
flagship_json_number(flagship_json_parser_t *parser,
    flagship_json_node_t *node)
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
        node->number = (start > parser->p) ? -(double) value : (double) value;
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

    node->number = flagship_decimal_double(&decimal);

    if (isinf(node->number)) {
        return flagship_json_refuse(parser, parser->p,
                                    "the number is out of range");
    }

    node->exact = (uint8_t) flagship_decimal_exact(&decimal, node->number);
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

    p = flagship_json_string_end(parser, p);
    if (p == NULL) {
        return FLAGSHIP_DECLINED;
    }

    parser->p = p + 1;
    node->len = (uint32_t) (p - start);

    if (memchr(start, '\\', node->len) == NULL) {
        return FLAGSHIP_OK;
    }

    return flagship_json_unescape(parser, start, p, node);
}


/* Bytes of the UTF-8 sequence at p, or 0 where it is none. */

static unsigned
flagship_json_utf8(const char *p, const char *last)
{
    size_t                rest;
    const unsigned char  *s;

    s = (const unsigned char *) p;
    rest = (size_t) (last - p);

    if (s[0] < 0x80) {
        return 1;
    }

    if (rest < 2 || s[0] < 0xc2 || (s[1] & 0xc0) != 0x80) {
        return 0;
    }

    if (s[0] < 0xe0) {
        return 2;
    }

    if (rest < 3 || (s[2] & 0xc0) != 0x80) {
        return 0;
    }

    if (s[0] < 0xf0) {

        /* longer than needed, or a surrogate */

        return ((s[0] == 0xe0 && s[1] < 0xa0)
                || (s[0] == 0xed && s[1] > 0x9f)) ? 0 : 3;
    }

    if (rest < 4 || (s[3] & 0xc0) != 0x80 || s[0] > 0xf4
        || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
    {
        return 0;
    }

    return 4;
}


/* Looks for the closing quote; what is before it is UTF-8 then. */

static const char *
flagship_json_string_end(flagship_json_parser_t *parser, const char *p)
{
    unsigned     n;
    const char  *last;

    last = parser->last;

    for ( ;; ) {
        p = flagship_json_plain(p, last);

        if (p == last) {
            (void) flagship_json_refuse(parser, p, NULL);
            return NULL;
        }

        if (*p == '"') {
            return p;
        }

        if (*p == '\\') {

            if (last - p < 2) {
                (void) flagship_json_refuse(parser, last, NULL);
                return NULL;
            }

            /* whatever is escaped, a quote among it, is looked at later */

            p += ((unsigned char) p[1] < 0x80) ? 2 : 1;
            continue;
        }

        if ((unsigned char) *p < ' ') {
            (void) flagship_json_refuse(parser, p,
                                       "a control character is not escaped");
            return NULL;
        }

        n = flagship_json_utf8(p, last);

        if (n == 0) {
            (void) flagship_json_refuse(parser, p, "this is not UTF-8");
            return NULL;
        }

        p += n;
    }
}


/* No text grows when it is decoded. */

static int
flagship_json_unescape(flagship_json_parser_t *parser, const char *p,
    const char *end, flagship_json_node_t *node)
{
    char        *out, *buf;
    size_t       n;
    const char  *escape;

    buf = flagship_arena_alloc(&parser->json->arena, (size_t) (end - p));
    if (buf == NULL) {
        return FLAGSHIP_ERROR;
    }

    out = buf;

    while (p < end) {
        escape = memchr(p, '\\', (size_t) (end - p));
        n = (size_t) ((escape ? escape : end) - p);

        memcpy(out, p, n);
        out += n;
        p += n;

        if (escape) {
            p = flagship_json_escape(parser, p, end, &out);

            if (p == NULL) {
                return FLAGSHIP_DECLINED;
            }
        }
    }

    node->str = buf;
    node->len = (uint32_t) (out - buf);

    return FLAGSHIP_OK;
}


static const char *
flagship_json_escape(flagship_json_parser_t *parser, const char *p,
    const char *end, char **out)
{
    int          code, low;
    char        *o;
    const char  *found;

    static const char  from[] = "\"\\/bfnrt";
    static const char  to[] = "\"\\/\b\f\n\r\t";

    o = *out;

    if (p[1] != 'u') {
        found = p[1] ? strchr(from, p[1]) : NULL;

        if (found == NULL) {
            (void) flagship_json_refuse(parser, p, "there is no such escape");
            return NULL;
        }

        *o = to[found - from];
        *out = o + 1;

        return p + 2;
    }

    code = flagship_json_hex4(p + 2, end);

    if (code <= 0) {
        (void) flagship_json_refuse(parser, p,
                                    code ? "\\u needs four hex digits"
                                         : "a NUL is not allowed");
        return NULL;
    }

    if (code >= 0xd800 && code <= 0xdfff) {
        low = -1;

        if (code < 0xdc00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
            low = flagship_json_hex4(p + 8, end);
        }

        if (low < 0xdc00 || low > 0xdfff) {
            (void) flagship_json_refuse(parser, p,
                                        "a surrogate is not one of a pair");
            return NULL;
        }

        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        p += 6;

        *o++ = (char) (0xf0 | code >> 18);
        *o++ = (char) (0x80 | (code >> 12 & 0x3f));
        *o++ = (char) (0x80 | (code >> 6 & 0x3f));
        *o++ = (char) (0x80 | (code & 0x3f));

    } else if (code >= 0x800) {
        *o++ = (char) (0xe0 | code >> 12);
        *o++ = (char) (0x80 | (code >> 6 & 0x3f));
        *o++ = (char) (0x80 | (code & 0x3f));

    } else if (code >= 0x80) {
        *o++ = (char) (0xc0 | code >> 6);
        *o++ = (char) (0x80 | (code & 0x3f));

    } else {
        *o++ = (char) code;
    }

    *out = o;

    return p + 6;
}


static int
flagship_json_hex4(const char *p, const char *end)
{
    int       code;
    char      c;
    unsigned  i;

    if (end - p < 4) {
        return -1;
    }

    code = 0;

    for (i = 0; i < 4; i++) {
        c = (char) (p[i] | 0x20);

        if (p[i] >= '0' && p[i] <= '9') {
            code = code << 4 | (p[i] - '0');

        } else if (c >= 'a' && c <= 'f') {
            code = code << 4 | (c - 'a' + 10);

        } else {
            return -1;
        }
    }

    return code;
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
