
/*
 * Copyright (C) Flagship
 */


/*
 * Lints of comparisons: what is absent, what cannot be equal, what is there
 * twice.
 */


#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flagship_lint.h"


/* An element of an array. */

typedef struct {
    const flagship_json_node_t  *node;
    uint32_t                     index;
} flagship_lint_element_t;


static void flagship_lint_guard(flagship_lint_t *l, flagship_str_t path);
static int flagship_lint_guarded(const flagship_lint_t *l,
    flagship_str_t path);
static void flagship_lint_guards_equal(flagship_lint_t *l,
    const flagship_args_t *args);
static void flagship_lint_guards_order(flagship_lint_t *l,
    const flagship_args_t *args, unsigned order);
static void flagship_lint_guards_missing(flagship_lint_t *l,
    const flagship_json_node_t *keys);
static int flagship_lint_null(flagship_lint_t *l, const flagship_args_t *args,
    unsigned i, unsigned order);
static int flagship_lint_numeric(flagship_lint_t *l,
    const flagship_json_node_t *node);
static int flagship_lint_element_order(const void *one, const void *two);
static int flagship_lint_node_order(const flagship_json_node_t *a,
    const flagship_json_node_t *b);


static void
flagship_lint_guard(flagship_lint_t *l, flagship_str_t path)
{
    if (l->nguards < FLAGSHIP_LINT_GUARDS) {
        l->guards[l->nguards++] = path;
    }
}


static int
flagship_lint_guarded(const flagship_lint_t *l, flagship_str_t path)
{
    unsigned  i;

    for (i = 0; i < l->nguards; i++) {
        if (flagship_str_eq(l->guards[i], path)) {
            return 1;
        }
    }

    return 0;
}


/*
 * Whoever asks for an attribute's truth, compares it with null or with
 * something that null is not equal to, or not in order with, has thought of
 * it.
 */

void
flagship_lint_guards(flagship_lint_t *l, const flagship_json_node_t *node)
{
    unsigned                    i;
    flagship_str_t              path;
    flagship_args_t             args;
    const flagship_operator_t  *op;

    static const flagship_str_t  deep[] = {
        flagship_string("and"), flagship_string("or"), flagship_string("!"),
        flagship_string("!!"), flagship_string("if"), flagship_string("?:")
    };
    static const flagship_str_t  first[] = {
        flagship_string("in"), flagship_string("starts_with"),
        flagship_string("ends_with"), flagship_string("sem_ver"),
        flagship_string("in_cidr"), flagship_string("matches"),
        flagship_string("in_set")
    };

    if (flagship_lint_path(l, node, &path)) {
        flagship_lint_guard(l, path);
        return;
    }

    if (!flagship_rule_read(node, &args) || args.n == 0) {
        return;
    }

    for (i = 0; i < sizeof(deep) / sizeof(deep[0]); i++) {
        if (flagship_str_eq(args.name, deep[i])) {
            for (i = 0; i < args.n; i++) {
                flagship_lint_guards(l, flagship_rule_arg(&args, i));
            }

            return;
        }
    }

    for (i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        if (flagship_str_eq(args.name, first[i])) {
            if (flagship_lint_path(l, args.first, &path)) {
                flagship_lint_guard(l, path);
            }

            return;
        }
    }

    if (flagship_str_is(args.name, "missing")) {
        for (i = 0; i < args.n; i++) {
            flagship_lint_guards_missing(l, flagship_rule_arg(&args, i));
        }

        return;
    }

    if (flagship_str_is(args.name, "missing_some") && args.n > 1) {
        flagship_lint_guards_missing(l, flagship_rule_arg(&args, 1));
        return;
    }

    for (op = flagship_operators; op->name.len; op++) {

        if (!flagship_str_eq(op->name, args.name) || args.n < op->least) {
            continue;
        }

        if (op->condition == flagship_operator_equal) {
            flagship_lint_guards_equal(l, &args);

        } else if (op->condition == flagship_operator_order) {
            flagship_lint_guards_order(l, &args, op->option);
        }

        return;
    }
}


static void
flagship_lint_guards_equal(flagship_lint_t *l, const flagship_args_t *args)
{
    unsigned        i;
    flagship_str_t  path;

    for (i = 0; i < args->n; i++) {
        if (flagship_lint_path(l, flagship_rule_arg(args, i), &path)) {
            flagship_lint_guard(l, path);
        }
    }

    /* {"==": [{"missing": ...}, ...]} and the like */

    for (i = 0; i < args->n; i++) {
        if (flagship_rule_arg(args, i)->type == FLAGSHIP_JSON_OBJECT) {
            flagship_lint_guards(l, flagship_rule_arg(args, i));
        }
    }
}


static void
flagship_lint_guards_order(flagship_lint_t *l, const flagship_args_t *args,
    unsigned order)
{
    unsigned        i;
    flagship_str_t  path;

    for (i = 0; i < args->n; i++) {
        if (flagship_lint_path(l, flagship_rule_arg(args, i), &path)
            && flagship_lint_null(l, args, i, order) == 0)
        {
            flagship_lint_guard(l, path);
        }
    }
}


static void
flagship_lint_guards_missing(flagship_lint_t *l,
    const flagship_json_node_t *keys)
{
    uint32_t                     i, n;
    const flagship_json_node_t  *node;

    node = keys;
    n = 1;

    if (keys->type == FLAGSHIP_JSON_ARRAY) {
        node = keys + 1;
        n = keys->len;
    }

    for (i = 0; i < n; i++, node += node->next) {
        if (node->type == FLAGSHIP_JSON_STRING) {
            flagship_lint_guard(l, flagship_json_str(node));
        }
    }
}


/*
 * What the comparisons of argument i with constants beside it give when it is
 * null: 1: all hold; 0: one does not; -1: there is none.
 */

static int
flagship_lint_null(flagship_lint_t *l, const flagship_args_t *args, unsigned i,
    unsigned order)
{
    int               holds;
    unsigned          k;
    flagship_value_t  null, v;

    null.type = FLAGSHIP_NULL;
    null.len = 0;
    holds = -1;

    for (k = i ? i - 1 : 1; k <= i + 1 && k < args->n; k += 2) {

        if (!flagship_rule_constant(l->c, flagship_rule_arg(args, k), &v)) {
            continue;
        }

        if (!(k < i ? flagship_value_order(&v, order, &null)
                    : flagship_value_order(&null, order, &v)))
        {
            return 0;
        }

        holds = 1;
    }

    return holds;
}


void
flagship_lint_order(flagship_lint_t *l, const flagship_args_t *args,
    unsigned order)
{
    size_t                       pointer;
    unsigned                     i, k;
    flagship_str_t               path;
    flagship_value_t             v;
    const flagship_json_node_t  *node;

    for (i = 0; i < args->n; i++) {
        node = flagship_rule_arg(args, i);

        if (!flagship_lint_path(l, node, &path)) {
            continue;
        }

        pointer = flagship_rule_enter(l->c, args, i);

        for (k = i ? i - 1 : 1; k <= i + 1 && k < args->n; k += 2) {
            if (flagship_rule_constant(l->c, flagship_rule_arg(args, k), &v)) {
                flagship_lint_attr(l, flagship_rule_arg(args, i),
                                   flagship_lint_type(&v));
            }
        }

        if (flagship_lint_null(l, args, i, order) == 1
            && !flagship_lint_guarded(l, path))
        {
            flagship_compiler_warn(l->c, "unguarded-order", "it also holds "
                                   "for everyone without \"%.*s\": null "
                                   "counts as 0 here; ask for {\"!=\": "
                                   "[{\"var\": ...}, null]} too",
                                   (int) (path.len < 40 ? path.len : 40),
                                   path.data);
        }

        flagship_compiler_leave(l->c, pointer);
    }
}


/* An expression that can only be a number, or null. */

static int
flagship_lint_numeric(flagship_lint_t *l, const flagship_json_node_t *node)
{
    flagship_args_t             args;
    const flagship_operator_t  *op;

    if (node->type == FLAGSHIP_JSON_NUMBER) {
        return 1;
    }

    if (!flagship_rule_read(node, &args)) {
        return 0;
    }

    if (flagship_str_is(args.name, "bucket")
        || flagship_str_is(args.name, "time"))
    {
        return 1;
    }

    if (flagship_str_is(args.name, "var")) {
        return l->loops == 0 && args.n == 1
               && args.first->type == FLAGSHIP_JSON_STRING
               && flagship_str_is(flagship_json_str(args.first),
                                  "$flagd.timestamp");
    }

    for (op = flagship_operators; op->name.len; op++) {
        if (flagship_str_eq(op->name, args.name)) {
            return op->value == flagship_operator_math;
        }
    }

    return 0;
}


void
flagship_lint_equal(flagship_lint_t *l, const flagship_args_t *args)
{
    size_t                       pointer;
    unsigned                     i, other, k;
    flagship_value_t             v;
    const flagship_json_node_t  *node;

    for (i = 1; i < args->n; i++) {
        for (k = 0; k < 2; k++) {

            /* each of the two as the constant */

            node = flagship_rule_arg(args, i - k);
            other = i - !k;

            if (!flagship_rule_constant(l->c, node, &v)) {
                continue;
            }

            if (v.type == FLAGSHIP_STRING
                && flagship_lint_type(&v) == FLAGSHIP_LINT_TEXT
                && flagship_lint_numeric(l, flagship_rule_arg(args, other)))
            {
                pointer = flagship_rule_enter(l->c, args, i - k);
                flagship_compiler_warn(l->c, "never-equal", "\"%.*s\" is "
                                       "compared with a number, which it "
                                       "never equals",
                                       (int) (v.len < 64 ? v.len : 64),
                                       v.u.str);
                flagship_compiler_leave(l->c, pointer);
            }

            pointer = flagship_rule_enter(l->c, args, other);
            flagship_lint_attr(l, flagship_rule_arg(args, other),
                               flagship_lint_type(&v));
            flagship_compiler_leave(l->c, pointer);
        }
    }
}


void
flagship_lint_in(flagship_lint_t *l, const flagship_args_t *args)
{
    size_t                       pointer;
    uint32_t                     i;
    unsigned                     type;
    flagship_value_t             v;
    const flagship_json_node_t  *list, *node;

    list = flagship_rule_arg(args, 1);

    if (list->type != FLAGSHIP_JSON_ARRAY) {
        return;
    }

    pointer = flagship_rule_enter(l->c, args, 1);
    flagship_lint_duplicates(l, list);
    flagship_compiler_leave(l->c, pointer);

    /* one type for all, else none */

    type = FLAGSHIP_LINT_ANY;
    node = list + 1;

    for (i = 0; i < list->len; i++, node += node->next) {

        if (node->type >= FLAGSHIP_JSON_ARRAY) {
            return;
        }

        flagship_value_node(&v, node);

        if (i && flagship_lint_type(&v) != type) {
            return;
        }

        type = flagship_lint_type(&v);
    }

    pointer = flagship_rule_enter(l->c, args, 0);
    flagship_lint_attr(l, args->first, type);
    flagship_compiler_leave(l->c, pointer);
}


void
flagship_lint_duplicates(flagship_lint_t *l, const flagship_json_node_t *array)
{
    size_t                       pointer;
    uint32_t                     i, n;
    flagship_str_t               text;
    flagship_arena_t             arena;
    flagship_lint_element_t     *list;
    const flagship_json_node_t  *node;

    flagship_arena_init(&arena);

    list = flagship_arena_alloc(&arena, (array->len + 1) * sizeof(*list));
    if (list == NULL) {
        l->c->nomem = 1;
        return;
    }

    n = 0;
    node = array + 1;

    for (i = 0; i < array->len; i++, node += node->next) {
        if (node->type == FLAGSHIP_JSON_STRING
            || node->type == FLAGSHIP_JSON_NUMBER)
        {
            list[n].node = node;
            list[n++].index = i;
        }
    }

    qsort(list, n, sizeof(*list), flagship_lint_element_order);

    for (i = 1; i < n; i++) {

        if (flagship_lint_node_order(list[i - 1].node, list[i].node) != 0) {
            continue;
        }

        text = flagship_json_str(list[i].node);

        pointer = flagship_compiler_enter_index(l->c, list[i].index);
        flagship_compiler_warn(l->c, "duplicate", "\"%.*s\" is in the list "
                               "already",
                               (int) (text.len < 64 ? text.len : 64),
                               text.data);
        flagship_compiler_leave(l->c, pointer);
    }

    flagship_arena_free(&arena);
}


/* Equal ones in the order of the text. */

static int
flagship_lint_element_order(const void *one, const void *two)
{
    int                             rc;
    const flagship_lint_element_t  *a = one, *b = two;

    rc = flagship_lint_node_order(a->node, b->node);

    return rc ? rc : (a->index > b->index) - (a->index < b->index);
}


static int
flagship_lint_node_order(const flagship_json_node_t *a,
    const flagship_json_node_t *b)
{
    int     rc;
    double  x, y;

    if (a->type != b->type) {
        return (int) a->type - (int) b->type;
    }

    if (a->type == FLAGSHIP_JSON_NUMBER) {
        x = flagship_json_double(a);
        y = flagship_json_double(b);

        return (x > y) - (x < y);
    }

    rc = memcmp(a->str, b->str, a->len < b->len ? a->len : b->len);

    return rc ? rc : (a->len > b->len) - (a->len < b->len);
}
