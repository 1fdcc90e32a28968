
/*
 * Copyright (C) Flagship
 */


/*
 * From a tree to a program: of code points, which can run, or of bytes, from
 * which a table is made.  Both are built from the end to the beginning, so
 * that where an instruction goes on is known when it is made; only the ways
 * back of a repetition are filled in afterwards.
 */


#include <string.h>

#include "flagship_regex_parser.h"


#define FLAGSHIP_REGEX_BYTES  16384     /* instructions of a program of bytes */
#define FLAGSHIP_REGEX_CACHE  256       /* a power of two */


typedef struct {
    flagship_regex_parser_t  *parser;
    flagship_regex_byte_t    *code;
    uint32_t                  n;
    uint32_t                  size;
    unsigned                  bytes:1;
    unsigned                  failed:1;  /* larger than size, or nomem */
    flagship_regex_set_t      ranges;    /* of the sets of all nodes */
    uint32_t                  cache[FLAGSHIP_REGEX_CACHE];
} flagship_regex_build_t;


static int flagship_regex_build(flagship_regex_build_t *b,
    flagship_regex_node_t *tree, uint32_t *start);
static uint32_t flagship_regex_build_node(flagship_regex_build_t *b,
    flagship_regex_node_t *node, uint32_t next);
static uint32_t flagship_regex_build_either(flagship_regex_build_t *b,
    flagship_regex_node_t *node, uint32_t next);
static uint32_t flagship_regex_build_repeat(flagship_regex_build_t *b,
    flagship_regex_node_t *node, uint32_t next);
static uint32_t flagship_regex_build_set(flagship_regex_build_t *b,
    flagship_regex_node_t *node, uint32_t next);
static uint32_t flagship_regex_build_range(flagship_regex_build_t *b,
    uint32_t first, uint32_t last, uint32_t next, uint32_t other);
static uint32_t flagship_regex_build_length(flagship_regex_build_t *b,
    unsigned len, uint32_t first, uint32_t last, uint32_t next,
    uint32_t other);
static uint32_t flagship_regex_build_bytes(flagship_regex_build_t *b,
    unsigned len, uint32_t first, uint32_t last, uint32_t next);
static uint32_t flagship_regex_emit(flagship_regex_build_t *b, unsigned op,
    uint32_t next, uint32_t arg);
static int flagship_regex_plain(flagship_regex_parser_t *parser,
    const flagship_regex_node_t *tree, flagship_regex_compiled_t *compiled);
static unsigned flagship_regex_write(char *p, uint32_t c);


int
flagship_regex_compile(flagship_arena_t *arena, flagship_str_t pattern,
    unsigned fold, uint32_t *work, flagship_regex_compiled_t *compiled)
{
    int                       rc;
    uint32_t                  n, start;
    flagship_regex_byte_t    *code;
    flagship_regex_node_t    *tree;
    flagship_regex_parser_t   parser;

    memset(&parser, 0, sizeof(flagship_regex_parser_t));
    memset(compiled, 0, sizeof(flagship_regex_compiled_t));

    parser.arena = arena;
    parser.pattern = pattern.data;
    parser.p = pattern.data;
    parser.last = pattern.data + pattern.len;
    parser.flags = fold ? FLAGSHIP_REGEX_FLAG_I : 0;
    parser.work = work;

    if (pattern.len > FLAGSHIP_REGEX_PATTERN) {
        compiled->error = "patterns of more than 8192 bytes are not supported";
        return FLAGSHIP_DECLINED;
    }

    tree = flagship_regex_parse(&parser);

    if (parser.nomem) {
        return FLAGSHIP_ERROR;
    }

    if (tree == NULL) {
        compiled->error = parser.error;
        compiled->offset = (size_t) (parser.place - pattern.data);
        return FLAGSHIP_DECLINED;
    }

    rc = FLAGSHIP_DECLINED;

    if (*work < FLAGSHIP_REGEX_WORK * 10) {
        rc = flagship_regex_program_build(&parser, tree, compiled);
    }

    if (rc == FLAGSHIP_DECLINED) {
        compiled->error = "the pattern is too large: repetitions, or all "
                          "patterns of the rules together";
    }

    if (rc != FLAGSHIP_OK) {
        return rc;
    }

    if (flagship_regex_plain(&parser, tree, compiled) != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    if (*work >= FLAGSHIP_REGEX_WORK) {
        return FLAGSHIP_OK;
    }

    rc = flagship_regex_bytes_build(&parser, tree, &code, &n, &start);

    if (rc == FLAGSHIP_OK) {
        rc = flagship_regex_table_build(&parser, code, n, start, compiled);
    }

    return rc == FLAGSHIP_ERROR ? FLAGSHIP_ERROR : FLAGSHIP_OK;
}


int
flagship_regex_program_build(flagship_regex_parser_t *parser,
    flagship_regex_node_t *tree, flagship_regex_compiled_t *compiled)
{
    int                      rc;
    size_t                   len;
    uint32_t                 i, start;
    flagship_regex_t        *regex;
    flagship_regex_code_t   *code;
    flagship_regex_build_t   b;

    memset(&b, 0, sizeof(flagship_regex_build_t));

    b.parser = parser;
    b.size = FLAGSHIP_REGEX_PROGRAM;

    rc = flagship_regex_build(&b, tree, &start);

    if (rc != FLAGSHIP_OK || b.ranges.n > UINT16_MAX) {
        return rc == FLAGSHIP_OK ? FLAGSHIP_DECLINED : rc;
    }

    len = sizeof(flagship_regex_t) + b.n * sizeof(flagship_regex_code_t)
          + b.ranges.n * sizeof(flagship_regex_range_t);

    regex = flagship_regex_alloc(parser, len);
    if (regex == NULL) {
        return FLAGSHIP_ERROR;
    }

    regex->kind = FLAGSHIP_REGEX_IS_PROGRAM;
    regex->n = b.n;
    regex->start = start;
    regex->extra = b.ranges.n;

    code = (flagship_regex_code_t *) (regex + 1);

    for (i = 0; i < b.n; i++) {
        code[i].op = b.code[i].op;
        code[i].next = (uint16_t) b.code[i].next;
        code[i].arg = (uint16_t) b.code[i].arg;
        code[i].n = 0;

        if (code[i].op == FLAGSHIP_REGEX_SET) {
            code[i].n = (uint16_t) (b.code[i].arg >> 16);
        }
    }

    if (b.ranges.n) {
        memcpy(code + b.n, b.ranges.list,
               b.ranges.n * sizeof(flagship_regex_range_t));
    }

    compiled->regex = regex;
    compiled->len = len;

    return FLAGSHIP_OK;
}


int
flagship_regex_bytes_build(flagship_regex_parser_t *parser,
    flagship_regex_node_t *tree, flagship_regex_byte_t **code, uint32_t *n,
    uint32_t *start)
{
    int                     rc;
    flagship_regex_build_t  b;

    memset(&b, 0, sizeof(flagship_regex_build_t));

    b.parser = parser;
    b.size = FLAGSHIP_REGEX_BYTES;
    b.bytes = 1;

    rc = flagship_regex_build(&b, tree, start);

    *code = b.code;
    *n = b.n;

    return rc;
}


static int
flagship_regex_build(flagship_regex_build_t *b, flagship_regex_node_t *tree,
    uint32_t *start)
{
    b->code = flagship_regex_alloc(b->parser,
                                   b->size * sizeof(flagship_regex_byte_t));

    if (b->code == NULL) {
        return FLAGSHIP_ERROR;
    }

    *start = flagship_regex_build_node(b, tree,
                                       flagship_regex_emit(b,
                                                      FLAGSHIP_REGEX_MATCH,
                                                      0, 0));

    if (b->parser->nomem) {
        return FLAGSHIP_ERROR;
    }

    return b->failed ? FLAGSHIP_DECLINED : FLAGSHIP_OK;
}


/* Sequences lean to the left, so they take no recursion. */

static uint32_t
flagship_regex_build_node(flagship_regex_build_t *b,
    flagship_regex_node_t *node, uint32_t next)
{
    while (node->type == FLAGSHIP_REGEX_NODE_CAT && !b->failed) {
        next = flagship_regex_build_node(b, node->right, next);
        node = node->left;
    }

    if (b->failed) {
        return 0;
    }

    switch (node->type) {

    case FLAGSHIP_REGEX_NODE_SET:
        return flagship_regex_build_set(b, node, next);

    case FLAGSHIP_REGEX_NODE_ASSERT:
        return flagship_regex_emit(b, FLAGSHIP_REGEX_ASSERT, next,
                                   node->assert);

    case FLAGSHIP_REGEX_NODE_ALT:
        return flagship_regex_build_either(b, node, next);

    case FLAGSHIP_REGEX_NODE_REPEAT:
        return flagship_regex_build_repeat(b, node, next);

    default: /* FLAGSHIP_REGEX_NODE_EMPTY */
        return next;
    }
}


static uint32_t
flagship_regex_build_either(flagship_regex_build_t *b,
    flagship_regex_node_t *node, uint32_t next)
{
    uint32_t  one, other;

    other = flagship_regex_build_node(b, node->right, next);

    for (node = node->left; !b->failed; node = node->left) {

        if (node->type != FLAGSHIP_REGEX_NODE_ALT) {
            one = flagship_regex_build_node(b, node, next);
            return flagship_regex_emit(b, FLAGSHIP_REGEX_SPLIT, one, other);
        }

        one = flagship_regex_build_node(b, node->right, next);
        other = flagship_regex_emit(b, FLAGSHIP_REGEX_SPLIT, one, other);
    }

    return 0;
}


static uint32_t
flagship_regex_build_repeat(flagship_regex_build_t *b,
    flagship_regex_node_t *node, uint32_t next)
{
    unsigned  i;
    uint32_t  entry, loop, first;

    entry = next;
    i = 0;

    if (node->max == FLAGSHIP_REGEX_FOREVER) {

        loop = flagship_regex_emit(b, FLAGSHIP_REGEX_SPLIT, 0, next);
        first = flagship_regex_build_node(b, node->left, loop);

        if (b->failed) {
            return 0;
        }

        b->code[loop].next = first;

        /* of at least one, the last begins the loop */

        entry = node->min ? first : loop;
        i = node->min ? 1 : 0;

    } else {

        for ( /* void */ ; i < (unsigned) node->max - node->min; i++) {
            first = flagship_regex_build_node(b, node->left, entry);
            entry = flagship_regex_emit(b, FLAGSHIP_REGEX_SPLIT, first, next);
        }

        i = 0;
    }

    for ( /* void */ ; i < node->min && !b->failed; i++) {
        entry = flagship_regex_build_node(b, node->left, entry);
    }

    return entry;
}


static uint32_t
flagship_regex_build_set(flagship_regex_build_t *b,
    flagship_regex_node_t *node, uint32_t next)
{
    uint32_t               i, entry;
    flagship_regex_set_t  *set;

    set = &node->set;

    if (!b->bytes) {

        if (node->first == FLAGSHIP_REGEX_NOWHERE) {
            node->first = b->ranges.n;

            for (i = 0; i < set->n && !b->parser->nomem; i++) {
                flagship_regex_set_add(b->parser, &b->ranges,
                                       set->list[i].first, set->list[i].last);
            }
        }

        if (set->n > UINT16_MAX || b->ranges.n > UINT16_MAX) {
            b->failed = 1;
            return 0;
        }

        return flagship_regex_emit(b, FLAGSHIP_REGEX_SET, next,
                                   node->first | set->n << 16);
    }

    entry = FLAGSHIP_REGEX_NOWHERE;

    for (i = 0; i < set->n && !b->failed; i++) {
        entry = flagship_regex_build_range(b, set->list[i].first,
                                           set->list[i].last, next, entry);
    }

    if (entry == FLAGSHIP_REGEX_NOWHERE) {
        /* no byte is from 1 to 0 */
        entry = flagship_regex_emit(b, FLAGSHIP_REGEX_SET, next, 0x0001);
    }

    return entry;
}


/*
 * A range of code points as sequences of ranges of bytes.  What no UTF-8 has,
 * longer forms and code points past the last, is let in where that makes
 * fewer of them.
 */

static uint32_t
flagship_regex_build_range(flagship_regex_build_t *b, uint32_t first,
    uint32_t last, uint32_t next, uint32_t other)
{
    unsigned  len;
    uint32_t  lo, hi;

    static const uint32_t  ends[] = { 0, 0x80, 0x800, 0x10000, 0x110000 };

    for (len = 1; len < 5; len++) {

        lo = first > ends[len - 1] ? first : ends[len - 1];
        hi = last < ends[len] ? last : ends[len] - 1;

        if (lo > hi) {
            continue;
        }

        if (len > 2 && lo == ends[len - 1]) {
            lo = 0;
        }

        if (hi == FLAGSHIP_REGEX_LAST_POINT) {
            hi = 0x13ffff;
        }

        other = flagship_regex_build_length(b, len, lo, hi, next, other);
    }

    return other;
}


/* The same of characters of so many bytes: cut until each byte's range goes
   with all of the others'. */

static uint32_t
flagship_regex_build_length(flagship_regex_build_t *b, unsigned len,
    uint32_t first, uint32_t last, uint32_t next, uint32_t other)
{
    uint32_t  mask, cut;
    unsigned  i;

    for (i = 1; i < len; i++) {
        mask = ((uint32_t) 1 << (6 * i)) - 1;

        if ((first & ~mask) == (last & ~mask)) {
            continue;
        }

        if (first & mask) {
            cut = (first | mask) + 1;

        } else if ((last & mask) != mask) {
            cut = last & ~mask;

        } else {
            continue;
        }

        other = flagship_regex_build_length(b, len, first, cut - 1, next,
                                            other);

        return flagship_regex_build_length(b, len, cut, last, next, other);
    }

    next = flagship_regex_build_bytes(b, len, first, last, next);

    if (other == FLAGSHIP_REGEX_NOWHERE) {
        return next;
    }

    return flagship_regex_emit(b, FLAGSHIP_REGEX_SPLIT, next, other);
}


/* One sequence; those with the same end share it. */

static uint32_t
flagship_regex_build_bytes(flagship_regex_build_t *b, unsigned len,
    uint32_t first, uint32_t last, uint32_t next)
{
    uint32_t                *cache;
    unsigned                 i;
    uint8_t                  lo, hi;
    flagship_regex_byte_t   *code;

    static const uint8_t  lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    for (i = 0; i < len && !b->failed; i++) {

        lo = (uint8_t) (i + 1 < len ? 0x80 | (first & 0x3f)
                                    : lead[len] | first);
        hi = (uint8_t) (i + 1 < len ? 0x80 | (last & 0x3f)
                                    : lead[len] | last);
        first >>= 6;
        last >>= 6;

        cache = &b->cache[(next * 31 + lo * 7u + hi)
                          & (FLAGSHIP_REGEX_CACHE - 1)];
        code = &b->code[*cache];

        if (*cache && code->next == next && code->lo == lo && code->hi == hi) {
            next = *cache;
            continue;
        }

        next = flagship_regex_emit(b, FLAGSHIP_REGEX_SET, next,
                                   lo | (uint32_t) hi << 8);
        *cache = next;
    }

    return next;
}


static uint32_t
flagship_regex_emit(flagship_regex_build_t *b, unsigned op, uint32_t next,
    uint32_t arg)
{
    flagship_regex_byte_t  *code;

    if (b->n == b->size || b->parser->nomem) {
        b->failed = 1;
    }

    if (b->failed) {
        return 0;
    }

    *b->parser->work += 1;

    code = &b->code[b->n];

    code->op = (uint8_t) op;
    code->lo = (uint8_t) arg;
    code->hi = (uint8_t) (arg >> 8);
    code->next = next;
    code->arg = arg;

    return b->n++;
}


/* Whether the pattern is a text, perhaps with a beginning and an end. */

static int
flagship_regex_plain(flagship_regex_parser_t *parser,
    const flagship_regex_node_t *tree, flagship_regex_compiled_t *compiled)
{
    char                         *p, *end;
    unsigned                      n;
    const flagship_regex_node_t  *node, *rest;

    /* no character takes fewer bytes in the pattern than in UTF-8 */

    p = flagship_regex_alloc(parser, parser->last - parser->pattern + 1);
    if (p == NULL) {
        return FLAGSHIP_ERROR;
    }

    end = p + (parser->last - parser->pattern);
    p = end;

    for (rest = tree; rest; rest = node == rest ? NULL : rest->left) {

        node = rest->type == FLAGSHIP_REGEX_NODE_CAT ? rest->right : rest;

        switch (node->type) {

        case FLAGSHIP_REGEX_NODE_EMPTY:
            break;

        case FLAGSHIP_REGEX_NODE_ASSERT:

            if (node->assert == FLAGSHIP_REGEX_TEXT_END && p == end
                && !compiled->begins)
            {
                compiled->ends = 1;
                break;
            }

            if (node->assert != FLAGSHIP_REGEX_TEXT_BEGIN || node != rest) {
                return FLAGSHIP_OK;
            }

            compiled->begins = 1;
            break;

        case FLAGSHIP_REGEX_NODE_SET:

            if (node->set.n != 1
                || node->set.list[0].first != node->set.list[0].last)
            {
                return FLAGSHIP_OK;
            }

            n = flagship_regex_write(NULL, node->set.list[0].first);
            p -= n;
            (void) flagship_regex_write(p, node->set.list[0].first);
            break;

        default:
            return FLAGSHIP_OK;
        }
    }

    compiled->plain = 1;
    compiled->text = flagship_str(p, (size_t) (end - p));

    return FLAGSHIP_OK;
}


/* The bytes of a code point, written where there is a place for them. */

static unsigned
flagship_regex_write(char *p, uint32_t c)
{
    unsigned  i, n;

    static const uint8_t  lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    n = (c < 0x80) ? 1 : (c < 0x800) ? 2 : (c < 0x10000) ? 3 : 4;

    if (p) {
        for (i = n - 1; i; i--) {
            p[i] = (char) (0x80 | (c & 0x3f));
            c >>= 6;
        }

        p[0] = (char) (lead[n] | c);
    }

    return n;
}
