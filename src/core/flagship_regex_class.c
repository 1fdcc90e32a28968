
/*
 * Copyright (C) Flagship
 */


/*
 * Classes of a regular expression's pattern: [...].
 *
 * Case is that of the characters and ranges that are written; what stands for
 * more, \w or [:punct:], is the same regardless of it.
 */


#include <string.h>

#include "flagship_regex_parser.h"


static int flagship_regex_class_item(flagship_regex_parser_t *parser,
    flagship_regex_set_t *same);
static int flagship_regex_class_named(flagship_regex_parser_t *parser,
    flagship_regex_set_t *same);
static const char *flagship_regex_class_name(
    const flagship_regex_parser_t *parser);
static int flagship_regex_class_point(flagship_regex_parser_t *parser,
    uint32_t *c);


flagship_regex_node_t *
flagship_regex_class(flagship_regex_parser_t *parser)
{
    uint32_t                i;
    unsigned                negated;
    const char             *place, *first;
    flagship_regex_set_t    same;
    flagship_regex_node_t  *node;

    place = parser->p;

    if (flagship_regex_class_name(parser)) {
        return flagship_regex_refuse(parser, place, "a named class belongs "
                                     "into another: [[:name:]]");
    }

    memset(&same, 0, sizeof(flagship_regex_set_t));

    node = flagship_regex_node(parser, FLAGSHIP_REGEX_NODE_SET);
    if (node == NULL) {
        return NULL;
    }

    parser->set.n = 0;
    parser->p++;

    negated = flagship_regex_at(parser, '^');
    parser->p += negated;

    first = parser->p;

    while (!flagship_regex_at(parser, ']') || parser->p == first) {

        if (parser->p == parser->last) {
            return flagship_regex_refuse(parser, place, "the class is not "
                                         "closed");
        }

        if (!flagship_regex_class_item(parser, &same)) {
            return NULL;
        }
    }

    parser->p++;

    if (parser->flags & FLAGSHIP_REGEX_FLAG_I) {
        flagship_regex_set_fold(parser, &parser->set);
    }

    for (i = 0; i < parser->set.n; i++) {
        flagship_regex_set_add(parser, &node->set, parser->set.list[i].first,
                               parser->set.list[i].last);
    }

    for (i = 0; i < same.n; i++) {
        flagship_regex_set_add(parser, &node->set, same.list[i].first,
                               same.list[i].last);
    }

    if (negated) {
        flagship_regex_set_negate(parser, &node->set);
    }

    flagship_regex_set_order(&node->set);

    return node;
}


static int
flagship_regex_class_item(flagship_regex_parser_t *parser,
    flagship_regex_set_t *same)
{
    int          rc;
    uint32_t     first, last;
    const char  *place;

    place = parser->p;

    rc = flagship_regex_class_named(parser, same);

    if (rc < 0 || (rc == 0 && !flagship_regex_class_point(parser, &first))) {
        return 0;
    }

    if (!flagship_regex_at(parser, '-')
        || parser->last - parser->p < 2 || parser->p[1] == ']')
    {
        if (rc == 0) {
            flagship_regex_set_add(parser, &parser->set, first, first);
        }

        return 1;
    }

    parser->p++;

    if (rc > 0 || flagship_regex_class_named(parser, same) != 0) {
        (void) flagship_regex_refuse(parser, place, "a range's ends must be "
                                     "characters");
        return 0;
    }

    if (!flagship_regex_class_point(parser, &last)) {
        return 0;
    }

    if (last < first) {
        (void) flagship_regex_refuse(parser, place, "the range is out of "
                                     "order");
        return 0;
    }

    flagship_regex_set_add(parser, &parser->set, first, last);

    return 1;
}


/* \d and its like, [:name:]: 1; -1: refused; 0: here is none. */

static int
flagship_regex_class_named(flagship_regex_parser_t *parser,
    flagship_regex_set_t *same)
{
    int              opposite;
    const char      *p;
    flagship_str_t   name;

    p = parser->p;

    if (parser->last - p < 2) {
        return 0;
    }

    if (*p == '\\') {

        if (strchr("dDsSwW", p[1]) == NULL || p[1] == '\0') {
            return 0;
        }

        flagship_regex_set_escape(parser, same, p[1]);
        parser->p += 2;

        return 1;
    }

    p = flagship_regex_class_name(parser);

    if (p == NULL) {
        return 0;
    }

    opposite = (parser->p[2] == '^');

    name.data = parser->p + 2 + opposite;
    name.len = (size_t) (p > name.data ? p - name.data : 0);

    /* both cases of a letter are in both classes then */

    if ((parser->flags & FLAGSHIP_REGEX_FLAG_I)
        && (flagship_str_is(name, "upper") || flagship_str_is(name, "lower")))
    {
        name = flagship_str("alpha", 5);
    }

    if (parser->p[1] != ':'
        || !flagship_regex_set_posix(parser, same, name, opposite))
    {
        (void) flagship_regex_refuse(parser, parser->p, "there is no class "
                                     "of this name");
        return -1;
    }

    parser->p = p + 2;

    return 1;
}


/* The end of [:name:], or of what PCRE takes for one. */

static const char *
flagship_regex_class_name(const flagship_regex_parser_t *parser)
{
    const char  *p;

    p = parser->p;

    if (parser->last - p < 4
        || *p != '[' || (p[1] != ':' && p[1] != '.' && p[1] != '='))
    {
        return NULL;
    }

    for (p += 2; parser->last - p > 1 && *p != ']'; p++) {

        if (*p == parser->p[1] && p[1] == ']') {
            return p;
        }

        if (*p == '[' && p[1] == parser->p[1]) {
            break;
        }

        p += (*p == '\\' && (p[1] == ']' || p[1] == '\\'));
    }

    return NULL;
}


static int
flagship_regex_class_point(flagship_regex_parser_t *parser, uint32_t *c)
{
    return flagship_regex_at(parser, '\\') ? flagship_regex_escaped(parser, c)
                                           : flagship_regex_point(parser, c);
}
