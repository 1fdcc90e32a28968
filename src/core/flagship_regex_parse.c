
/*
 * Copyright (C) Flagship
 */


/*
 * The syntax of regular expressions: what RE2 and PCRE agree on.  Where they
 * do not (\v, \Z, octal digits), and where a search in linear time cannot
 * follow (back-references, look-around, atomic groups), a pattern is refused
 * with its place.
 */


#include <string.h>

#include "flagship_regex_parser.h"


static flagship_regex_node_t *flagship_regex_alternatives(
    flagship_regex_parser_t *parser);
static flagship_regex_node_t *flagship_regex_sequence(
    flagship_regex_parser_t *parser);
static flagship_regex_node_t *flagship_regex_repeated(
    flagship_regex_parser_t *parser, flagship_regex_node_t *node);
static int flagship_regex_counts(flagship_regex_parser_t *parser,
    unsigned *min, unsigned *max);
static flagship_regex_node_t *flagship_regex_atom(
    flagship_regex_parser_t *parser);
static flagship_regex_node_t *flagship_regex_group(
    flagship_regex_parser_t *parser);
static int flagship_regex_group_kind(flagship_regex_parser_t *parser);
static int flagship_regex_group_name(flagship_regex_parser_t *parser,
    const char *p);
static flagship_regex_node_t *flagship_regex_escape(
    flagship_regex_parser_t *parser);
static flagship_regex_node_t *flagship_regex_asserted(
    flagship_regex_parser_t *parser, unsigned assert);
static flagship_regex_node_t *flagship_regex_literal(
    flagship_regex_parser_t *parser, uint32_t c);


flagship_regex_node_t *
flagship_regex_parse(flagship_regex_parser_t *parser)
{
    flagship_regex_node_t  *tree;

    tree = flagship_regex_alternatives(parser);

    if (tree && parser->p < parser->last) {
        return flagship_regex_refuse(parser, parser->p,
                                     "there is no group to close");
    }

    return tree;
}


void *
flagship_regex_refuse(flagship_regex_parser_t *parser, const char *place,
    const char *error)
{
    if (parser->error == NULL && !parser->nomem) {
        parser->error = error;
        parser->place = place;
    }

    return NULL;
}


void *
flagship_regex_alloc(flagship_regex_parser_t *parser, size_t size)
{
    void  *p;

    p = flagship_arena_alloc(parser->arena, size);

    if (p == NULL) {
        parser->nomem = 1;
    }

    return p;
}


static flagship_regex_node_t *
flagship_regex_alternatives(flagship_regex_parser_t *parser)
{
    flagship_regex_node_t  *node, *either;

    node = flagship_regex_sequence(parser);

    while (node && flagship_regex_at(parser, '|')) {
        parser->p++;

        either = flagship_regex_node(parser, FLAGSHIP_REGEX_NODE_ALT);
        if (either == NULL) {
            return NULL;
        }

        either->left = node;
        either->right = flagship_regex_sequence(parser);

        if (either->right == NULL) {
            return NULL;
        }

        node = either;
    }

    return node;
}


static flagship_regex_node_t *
flagship_regex_sequence(flagship_regex_parser_t *parser)
{
    flagship_regex_node_t  *node, *next, *both;

    node = flagship_regex_node(parser, FLAGSHIP_REGEX_NODE_EMPTY);

    while (node && parser->p < parser->last
           && *parser->p != '|' && *parser->p != ')')
    {
        next = flagship_regex_atom(parser);
        if (next == NULL) {
            return NULL;
        }

        next = flagship_regex_repeated(parser, next);
        if (next == NULL) {
            return NULL;
        }

        if (next->type == FLAGSHIP_REGEX_NODE_EMPTY) {
            continue;
        }

        if (node->type == FLAGSHIP_REGEX_NODE_EMPTY) {
            node = next;
            continue;
        }

        both = flagship_regex_node(parser, FLAGSHIP_REGEX_NODE_CAT);
        if (both == NULL) {
            return NULL;
        }

        both->left = node;
        both->right = next;
        node = both;
    }

    return node;
}


/* Greedy or lazy: whether there is a match is the same. */

static flagship_regex_node_t *
flagship_regex_repeated(flagship_regex_parser_t *parser,
    flagship_regex_node_t *node)
{
    unsigned                n, m, min, max;
    const char             *place;
    flagship_regex_node_t  *repeat;

    place = parser->p;

    if (!flagship_regex_counts(parser, &min, &max)) {
        return parser->error ? NULL : node;
    }

    if (flagship_regex_at(parser, '?')) {
        parser->p++;

    } else if (flagship_regex_at(parser, '+')) {
        return flagship_regex_refuse(parser, place, "possessive repetitions "
                                     "are not supported");
    }

    place = parser->p;

    if (flagship_regex_counts(parser, &n, &m)) {
        return flagship_regex_refuse(parser, place, "a repetition of a "
                                     "repetition needs a group");
    }

    if (parser->error) {
        return NULL;
    }

    /* so every repetition of something is of at least an instruction */

    if (node->type == FLAGSHIP_REGEX_NODE_EMPTY || max == 0) {
        return flagship_regex_node(parser, FLAGSHIP_REGEX_NODE_EMPTY);
    }

    repeat = flagship_regex_node(parser, FLAGSHIP_REGEX_NODE_REPEAT);
    if (repeat == NULL) {
        return NULL;
    }

    repeat->left = node;
    repeat->min = (uint16_t) min;
    repeat->max = (uint16_t) max;

    return repeat;
}


/* 0: here is no repetition.  A brace that begins none is an ordinary one. */

static int
flagship_regex_counts(flagship_regex_parser_t *parser, unsigned *min,
    unsigned *max)
{
    unsigned     *n;
    const char   *p;

    if (parser->p == parser->last) {
        return 0;
    }

    *min = (*parser->p == '+');
    *max = (*parser->p == '?') ? 1 : FLAGSHIP_REGEX_FOREVER;

    switch (*parser->p) {

    case '*':
    case '+':
    case '?':
        parser->p++;
        return 1;

    case '{':
        break;

    default:
        return 0;
    }

    *min = 0;
    n = min;

    for (p = parser->p + 1; p < parser->last; p++) {

        if (*p >= '0' && *p <= '9') {
            *n = (*n > 9999) ? *n : *n * 10 + (unsigned) (*p - '0');
            continue;
        }

        if (p[-1] == '{') {
            return 0;
        }

        if (*p == ',' && n == min) {
            *max = 0;
            n = max;
            continue;
        }

        break;
    }

    if (p == parser->last || *p != '}') {
        return 0;
    }

    if (n == min) {
        *max = *min;

    } else if (p[-1] == ',') {
        *max = FLAGSHIP_REGEX_FOREVER;
    }

    if (*min > FLAGSHIP_REGEX_REPEAT
        || (*max > FLAGSHIP_REGEX_REPEAT && *max != FLAGSHIP_REGEX_FOREVER))
    {
        (void) flagship_regex_refuse(parser, parser->p, "more than 1000 "
                                     "repetitions are not supported");
        return 0;
    }

    if (*min > *max) {
        (void) flagship_regex_refuse(parser, parser->p, "the repetition's "
                                     "numbers are out of order");
        return 0;
    }

    parser->p = p + 1;

    return 1;
}


static flagship_regex_node_t *
flagship_regex_atom(flagship_regex_parser_t *parser)
{
    uint32_t                c;
    unsigned                min, max;
    const char             *place;
    flagship_regex_node_t  *node;

    place = parser->p;

    switch (*parser->p) {

    case '(':
        return flagship_regex_group(parser);

    case '[':
        return flagship_regex_class(parser);

    case '\\':
        return flagship_regex_escape(parser);

    case '^':
        parser->p++;
        return flagship_regex_asserted(parser,
                                       parser->flags & FLAGSHIP_REGEX_FLAG_M
                                       ? FLAGSHIP_REGEX_LINE_BEGIN
                                       : FLAGSHIP_REGEX_TEXT_BEGIN);

    case '$':
        parser->p++;
        return flagship_regex_asserted(parser,
                                       parser->flags & FLAGSHIP_REGEX_FLAG_M
                                       ? FLAGSHIP_REGEX_LINE_END
                                       : FLAGSHIP_REGEX_TEXT_END);

    case '.':
        parser->p++;

        node = flagship_regex_node(parser, FLAGSHIP_REGEX_NODE_SET);
        if (node == NULL) {
            return NULL;
        }

        if (!(parser->flags & FLAGSHIP_REGEX_FLAG_S)) {
            flagship_regex_set_add(parser, &node->set, '\n', '\n');
        }

        flagship_regex_set_negate(parser, &node->set);

        return node;
    }

    if (flagship_regex_counts(parser, &min, &max)) {
        return flagship_regex_refuse(parser, place, "there is nothing to "
                                     "repeat");
    }

    if (parser->error || !flagship_regex_point(parser, &c)) {
        return NULL;
    }

    return flagship_regex_literal(parser, c);
}


/* The settings of a group end with it. */

static flagship_regex_node_t *
flagship_regex_group(flagship_regex_parser_t *parser)
{
    int                     kind;
    unsigned                flags, min, max;
    const char             *place;
    flagship_regex_node_t  *node;

    place = parser->p;
    flags = parser->flags;

    kind = flagship_regex_group_kind(parser);

    if (kind < 0) {
        return NULL;
    }

    if (kind == 0) {
        place = parser->p;

        if (flagship_regex_counts(parser, &min, &max)) {
            return flagship_regex_refuse(parser, place, "there is nothing to "
                                         "repeat");
        }

        return flagship_regex_node(parser, FLAGSHIP_REGEX_NODE_EMPTY);
    }

    if (parser->depth == FLAGSHIP_REGEX_DEPTH) {
        return flagship_regex_refuse(parser, place, "groups nest deeper than "
                                     "100");
    }

    parser->depth++;

    node = flagship_regex_alternatives(parser);

    parser->depth--;
    parser->flags = flags;

    if (node == NULL) {
        return NULL;
    }

    if (!flagship_regex_at(parser, ')')) {
        return flagship_regex_refuse(parser, place, "the group is not closed");
    }

    parser->p++;

    return node;
}


/* Reads up to the group's contents: 1; settings by themselves: 0; refused:
   -1. */

static int
flagship_regex_group_kind(flagship_regex_parser_t *parser)
{
    size_t       left;
    unsigned     flag, off;
    const char  *p;

    p = parser->p + 1;
    left = parser->last - p;

    if (left == 0 || *p != '?') {
        parser->p = p;
        return 1;
    }

    if (left > 1 && (p[1] == '=' || p[1] == '!')) {
        goto around;
    }

    if (left > 2 && p[1] == '<' && (p[2] == '=' || p[2] == '!')) {
        goto around;
    }

    if (left > 1 && p[1] == '<') {
        return flagship_regex_group_name(parser, p + 2);
    }

    if (left > 2 && p[1] == 'P' && p[2] == '<') {
        return flagship_regex_group_name(parser, p + 3);
    }

    off = 0;

    for (p++; p < parser->last; p++) {

        switch (*p) {

        case 'i':
            flag = FLAGSHIP_REGEX_FLAG_I;
            break;

        case 's':
            flag = FLAGSHIP_REGEX_FLAG_S;
            break;

        case 'm':
            flag = FLAGSHIP_REGEX_FLAG_M;
            break;

        case '-':

            if (off) {
                goto unknown;
            }

            off = 1;
            continue;

        case ':':
        case ')':

            if (p[-1] == '-' || (*p == ')' && p[-1] == '?')) {
                goto unknown;
            }

            parser->p = p + 1;

            return *p == ':';

        default:
            goto unknown;
        }

        parser->flags = off ? parser->flags & ~flag : parser->flags | flag;
    }

unknown:

    (void) flagship_regex_refuse(parser, parser->p,
                                 "groups of this kind are not supported");
    return -1;

around:

    (void) flagship_regex_refuse(parser, parser->p,
                                 "look-around is not supported");
    return -1;
}


/* A name is good for nothing in a search, but people write them. */

static int
flagship_regex_group_name(flagship_regex_parser_t *parser, const char *p)
{
    const char  *name;

    for (name = p; p < parser->last && *p != '>'; p++) {

        if (*p != '_' && !((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')
            && !(p > name && *p >= '0' && *p <= '9'))
        {
            break;
        }
    }

    if (p == parser->last || *p != '>' || p == name || p - name > 32) {
        (void) flagship_regex_refuse(parser, parser->p, "the group's name is "
                                     "not 1 to 32 of A-Z a-z 0-9 _, a digit "
                                     "never first");
        return -1;
    }

    parser->p = p + 1;

    return 1;
}


static flagship_regex_node_t *
flagship_regex_escape(flagship_regex_parser_t *parser)
{
    char                    what;
    uint32_t                c;
    flagship_regex_node_t  *node;

    what = (parser->last - parser->p > 1) ? parser->p[1] : '\0';

    switch (what) {

    case 'd':
    case 'D':
    case 's':
    case 'S':
    case 'w':
    case 'W':
        parser->p += 2;

        node = flagship_regex_node(parser, FLAGSHIP_REGEX_NODE_SET);
        if (node) {
            flagship_regex_set_escape(parser, &node->set, what);
            flagship_regex_set_order(&node->set);
        }

        return node;

    case 'b':
        parser->p += 2;
        return flagship_regex_asserted(parser, FLAGSHIP_REGEX_WORD);

    case 'B':
        parser->p += 2;
        return flagship_regex_asserted(parser, FLAGSHIP_REGEX_NOT_WORD);

    case 'A':
        parser->p += 2;
        return flagship_regex_asserted(parser, FLAGSHIP_REGEX_TEXT_BEGIN);

    case 'z':
        parser->p += 2;
        return flagship_regex_asserted(parser, FLAGSHIP_REGEX_TEXT_END);
    }

    if (!flagship_regex_escaped(parser, &c)) {
        return NULL;
    }

    return flagship_regex_literal(parser, c);
}


flagship_regex_node_t *
flagship_regex_node(flagship_regex_parser_t *parser, unsigned type)
{
    flagship_regex_node_t  *node;

    node = flagship_regex_alloc(parser, sizeof(flagship_regex_node_t));

    if (node) {
        memset(node, 0, sizeof(flagship_regex_node_t));
        node->type = (uint8_t) type;
        node->first = FLAGSHIP_REGEX_NOWHERE;
    }

    return node;
}


static flagship_regex_node_t *
flagship_regex_asserted(flagship_regex_parser_t *parser, unsigned assert)
{
    unsigned                min, max;
    const char             *place;
    flagship_regex_node_t  *node;

    place = parser->p;

    if (flagship_regex_counts(parser, &min, &max)) {
        return flagship_regex_refuse(parser, place, "there is nothing to "
                                     "repeat");
    }

    if (parser->error) {
        return NULL;
    }

    node = flagship_regex_node(parser, FLAGSHIP_REGEX_NODE_ASSERT);

    if (node) {
        node->assert = (uint8_t) assert;
    }

    return node;
}


static flagship_regex_node_t *
flagship_regex_literal(flagship_regex_parser_t *parser, uint32_t c)
{
    flagship_regex_node_t  *node;

    node = flagship_regex_node(parser, FLAGSHIP_REGEX_NODE_SET);
    if (node == NULL) {
        return NULL;
    }

    flagship_regex_set_add(parser, &node->set, c, c);

    if ((parser->flags & FLAGSHIP_REGEX_FLAG_I) && node->set.n) {
        flagship_regex_set_fold(parser, &node->set);
    }

    return node;
}
