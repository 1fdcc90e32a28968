
/*
 * Copyright (C) Flagship
 */


/*
 * Sets of code points.  \d \w \s and the named classes are ASCII's, as in RE2
 * and in PCRE; only case is Unicode's.
 */


#include <stdlib.h>
#include <string.h>

#include "flagship_fold.h"
#include "flagship_regex_parser.h"


typedef struct {
    const char              *name;
    flagship_regex_range_t   range[4];   /* those that are not 0 ... 0 */
} flagship_regex_class_t;


static void flagship_regex_set_class(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set, const flagship_regex_class_t *class,
    int opposite);
static void flagship_regex_set_fold_run(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set, const flagship_regex_set_t *old,
    const flagship_fold_run_t *run);
static int flagship_regex_set_meets(const flagship_regex_set_t *set,
    uint32_t first, uint32_t last);
static int flagship_regex_set_compare(const void *one, const void *two);


/* The first three are what \d, \s and \w stand for. */

static const flagship_regex_class_t  flagship_regex_classes[] = {
    { "digit", { { '0', '9' } } },
    { "space", { { '\t', '\r' }, { ' ', ' ' } } },
    { "word", { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } } },
    { "alnum", { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } } },
    { "alpha", { { 'A', 'Z' }, { 'a', 'z' } } },
    { "ascii", { { 0, 0x7f } } },
    { "blank", { { '\t', '\t' }, { ' ', ' ' } } },
    { "cntrl", { { 0, 0x1f }, { 0x7f, 0x7f } } },
    { "graph", { { '!', '~' } } },
    { "lower", { { 'a', 'z' } } },
    { "print", { { ' ', '~' } } },
    { "punct", { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } } },
    { "upper", { { 'A', 'Z' } } },
    { "xdigit", { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } } }
};


void
flagship_regex_set_add(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set, uint32_t first, uint32_t last)
{
    uint32_t                 size;
    flagship_regex_range_t  *list;

    if (set->n == set->size) {
        size = set->size ? set->size * 2 : 16;

        list = flagship_regex_alloc(parser,
                                    size * sizeof(flagship_regex_range_t));
        if (list == NULL) {
            return;
        }

        if (set->n) {
            memcpy(list, set->list, set->n * sizeof(flagship_regex_range_t));
        }

        set->list = list;
        set->size = size;
    }

    set->list[set->n].first = first;
    set->list[set->n].last = last;
    set->n++;

    *parser->work += 1;
}


void
flagship_regex_set_escape(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set, char c)
{
    unsigned  i;

    i = (c | 0x20) == 'd' ? 0 : (c | 0x20) == 's' ? 1 : 2;

    flagship_regex_set_class(parser, set, &flagship_regex_classes[i],
                             c < 'a');
}


int
flagship_regex_set_posix(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set, flagship_str_t name, int opposite)
{
    size_t                         i;
    const flagship_regex_class_t  *class;

    for (i = 0; i < sizeof(flagship_regex_classes)
                    / sizeof(flagship_regex_classes[0]); i++)
    {
        class = &flagship_regex_classes[i];

        if (strlen(class->name) == name.len
            && memcmp(class->name, name.data, name.len) == 0)
        {
            flagship_regex_set_class(parser, set, class, opposite);
            return 1;
        }
    }

    return 0;
}


static void
flagship_regex_set_class(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set, const flagship_regex_class_t *class,
    int opposite)
{
    unsigned  i;
    uint32_t  next;

    next = 0;

    for (i = 0; i < 4 && class->range[i].last; i++) {

        if (!opposite) {
            flagship_regex_set_add(parser, set, class->range[i].first,
                                   class->range[i].last);

        } else if (class->range[i].first > next) {
            flagship_regex_set_add(parser, set, next,
                                   class->range[i].first - 1);
        }

        next = class->range[i].last + 1;
    }

    if (opposite) {
        flagship_regex_set_add(parser, set, next, FLAGSHIP_REGEX_LAST_POINT);
    }
}


/*
 * The first pass adds what members fold to and what folds to members, the
 * second what folds to the same.
 */

void
flagship_regex_set_fold(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set)
{
    size_t                i;
    unsigned              pass;
    flagship_fold_run_t   run;
    flagship_regex_set_t  old;

    for (pass = 0; pass < 2 && !parser->nomem; pass++) {

        flagship_regex_set_order(set);
        old = *set;

        /* members that are added stand behind these */

        for (i = 0; flagship_fold_run(i, &run); i++) {

            if (flagship_regex_set_meets(&old, run.first, run.last)
                || flagship_regex_set_meets(&old, run.first + run.by,
                                            run.last + run.by))
            {
                flagship_regex_set_fold_run(parser, set, &old, &run);
            }
        }

        *parser->work += 16;

        if (set->n == old.n) {
            return;
        }
    }

    flagship_regex_set_order(set);
}


static void
flagship_regex_set_fold_run(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set, const flagship_regex_set_t *old,
    const flagship_fold_run_t *run)
{
    int       member;
    uint32_t  c, to;

    for (c = run->first; c <= run->last; c += run->step) {
        to = c + run->by;
        member = flagship_regex_set_meets(old, c, c);

        if (member != flagship_regex_set_meets(old, to, to)) {
            to = member ? to : c;
            flagship_regex_set_add(parser, set, to, to);
        }

        *parser->work += 1;
    }
}


void
flagship_regex_set_negate(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set)
{
    uint32_t              i, next;
    flagship_regex_set_t  old;

    flagship_regex_set_order(set);

    old = *set;
    memset(set, 0, sizeof(flagship_regex_set_t));

    next = 0;

    for (i = 0; i < old.n; i++) {

        if (old.list[i].first > next) {
            flagship_regex_set_add(parser, set, next, old.list[i].first - 1);
        }

        next = old.list[i].last + 1;
    }

    if (next <= FLAGSHIP_REGEX_LAST_POINT) {
        flagship_regex_set_add(parser, set, next, FLAGSHIP_REGEX_LAST_POINT);
    }
}


void
flagship_regex_set_order(flagship_regex_set_t *set)
{
    uint32_t                 i, k;
    flagship_regex_range_t  *list;

    if (set->n < 2) {
        return;
    }

    list = set->list;

    qsort(list, set->n, sizeof(flagship_regex_range_t),
          flagship_regex_set_compare);

    for (i = 1, k = 0; i < set->n; i++) {

        if (list[i].first <= list[k].last + 1
            || (list[k].last >= 0xd7ff && list[i].first <= 0xe000))
        {
            if (list[i].last > list[k].last) {
                list[k].last = list[i].last;
            }

        } else {
            list[++k] = list[i];
        }
    }

    set->n = k + 1;
}


/* Whether one of first ... last is in the set, whose ranges are in order. */

static int
flagship_regex_set_meets(const flagship_regex_set_t *set, uint32_t first,
    uint32_t last)
{
    uint32_t                       n, half;
    const flagship_regex_range_t  *range;

    range = set->list;

    for (n = set->n; n > 1; n -= half) {
        half = n / 2;
        range += (range[half].first <= last) ? half : 0;
    }

    return n && range->first <= last && first <= range->last;
}


static int
flagship_regex_set_compare(const void *one, const void *two)
{
    const flagship_regex_range_t  *a = one, *b = two;

    return (a->first > b->first) - (a->first < b->first);
}
