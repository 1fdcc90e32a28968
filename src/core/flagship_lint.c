
/*
 * Copyright (C) Flagship
 */


/*
 * Lints: what compiles, and is hardly meant.
 *
 * A second walk over the expressions of a document that has compiled, made
 * only where it is asked for.  It knows nothing of code; it must not warn of
 * what is meant, so where it cannot tell it is silent.  Recursion is bounded
 * by the depth that JSON is read with.
 */


#include <math.h>
#include <string.h>

#include "flagship_lint.h"


static void flagship_lint_rules(flagship_lint_t *l,
    const flagship_document_t *d, const flagship_flag_t *record);
static void flagship_lint_rule(flagship_lint_t *l,
    const flagship_json_node_t *rule);
static int flagship_lint_serves(flagship_lint_t *l,
    const flagship_json_node_t *rule, uint32_t variant);
static int flagship_lint_truth(flagship_lint_t *l,
    const flagship_json_node_t *node);
static void flagship_lint_operator(flagship_lint_t *l,
    const flagship_args_t *args);
static void flagship_lint_args(flagship_lint_t *l,
    const flagship_args_t *args);
static void flagship_lint_var(flagship_lint_t *l, const flagship_args_t *args);
static void flagship_lint_if(flagship_lint_t *l, const flagship_args_t *args);
static void flagship_lint_branch(flagship_lint_t *l,
    const flagship_args_t *args, unsigned i);


void
flagship_lint_flag(flagship_compiler_t *c, const flagship_document_t *d,
    const flagship_flag_t *record)
{
    size_t           pointer;
    flagship_lint_t  l;

    l.c = c;
    l.nguards = 0;
    l.nkeys = 0;
    l.nactive = 0;
    l.nattrs = 0;
    l.loops = 0;

    if (d->user_ids) {
        pointer = flagship_compiler_enter(c, flagship_str("user_ids", 8));
        flagship_lint_duplicates(&l, d->user_ids);
        flagship_compiler_leave(c, pointer);
    }

    if (d->rules) {
        pointer = flagship_compiler_enter(c, flagship_str("rules", 5));
        flagship_lint_rules(&l, d, record);
        flagship_compiler_leave(c, pointer);
    }

    if (d->targeting) {
        pointer = flagship_compiler_enter(c, flagship_str("targeting", 9));
        flagship_lint_expression(&l, d->targeting);
        flagship_compiler_leave(c, pointer);
    }
}


void
flagship_lint_segment(flagship_compiler_t *c,
    const flagship_json_node_t *when)
{
    flagship_lint_t  l;

    l.c = c;
    l.nguards = 0;
    l.nkeys = 0;
    l.nactive = 0;
    l.nattrs = 0;
    l.loops = 0;

    flagship_lint_expression(&l, when);
}


static void
flagship_lint_rules(flagship_lint_t *l, const flagship_document_t *d,
    const flagship_flag_t *record)
{
    int                          truth;
    size_t                       element, pointer;
    uint32_t                     i, last;
    unsigned                     always;
    const flagship_json_node_t  *rule, *when;

    always = 0;
    last = 0;
    rule = d->rules + 1;

    for (i = 0; i < d->rules->len; i++, rule += rule->next) {
        element = flagship_compiler_enter_index(l->c, i);

        if (always == 1) {
            flagship_compiler_warn(l->c, "unreachable-rule", "the rule is "
                                   "never asked: one before it always holds");
            always = 2;
        }

        when = flagship_json_get(rule, "when");
        truth = when ? flagship_lint_truth(l, when) : 1;

        if (truth == 0) {
            pointer = flagship_compiler_enter(l->c, flagship_str("when", 4));
            flagship_compiler_warn(l->c, "unreachable-rule",
                                   "the condition never holds");
            flagship_compiler_leave(l->c, pointer);

        } else if (truth == 1 && !always) {
            always = 1;
        }

        flagship_lint_rule(l, rule);

        if (!flagship_lint_serves(l, rule, record->default_variant)) {
            last = i + 1;
        }

        flagship_compiler_leave(l->c, element);
    }

    if (d->percentage > 0) {
        /* what is not decided goes on to the rollout */
        return;
    }

    for (i = last; i < d->rules->len; i++) {
        element = flagship_compiler_enter_index(l->c, i);
        (void) flagship_compiler_enter(l->c, flagship_str("serve", 5));

        flagship_compiler_warn(l->c, "default-rule", "the rule serves what "
                               "the default is, and no rule follows that "
                               "serves another");

        flagship_compiler_leave(l->c, element);
    }
}


static void
flagship_lint_rule(flagship_lint_t *l, const flagship_json_node_t *rule)
{
    size_t                       pointer;
    const flagship_json_node_t  *when, *serve, *split;

    l->nguards = 0;
    l->nkeys = 0;
    l->nactive = 0;

    when = flagship_json_get(rule, "when");
    serve = flagship_json_get(rule, "serve");

    if (when) {
        pointer = flagship_compiler_enter(l->c, flagship_str("when", 4));
        flagship_lint_expression(l, when);
        flagship_compiler_leave(l->c, pointer);

        flagship_lint_guards(l, when);
        l->nactive = l->nkeys;
    }

    pointer = flagship_compiler_enter(l->c, flagship_str("serve", 5));

    split = serve->type == FLAGSHIP_JSON_OBJECT
            ? flagship_json_get(serve, "split") : NULL;

    if (split) {
        flagship_lint_split(l, split, flagship_json_get(serve, "by"));

    } else {
        flagship_lint_expression(l, serve);
    }

    flagship_compiler_leave(l->c, pointer);
}


/* Whether a rule can only serve this variant. */

static int
flagship_lint_serves(flagship_lint_t *l, const flagship_json_node_t *rule,
    uint32_t variant)
{
    char                         buf[FLAGSHIP_NUMBER_LEN];
    flagship_str_t               name;
    flagship_value_t             v;
    const flagship_json_node_t  *serve;

    serve = flagship_json_get(rule, "serve");

    if (serve->type == FLAGSHIP_JSON_NULL
        || serve->type >= FLAGSHIP_JSON_ARRAY)
    {
        return 0;
    }

    flagship_value_node(&v, serve);
    (void) flagship_value_text(&v, buf, sizeof(buf), &name);

    return variant != FLAGSHIP_NO_VARIANT
           && flagship_rule_variant(l->c, name) == variant;
}


/* The truth of a condition that is the same for everyone; -1: it is not. */

static int
flagship_lint_truth(flagship_lint_t *l, const flagship_json_node_t *node)
{
    flagship_args_t   args;
    flagship_value_t  v;

    if (flagship_rule_constant(l->c, node, &v)) {
        return flagship_value_truth(&v);
    }

    if (!flagship_rule_read(node, &args)) {
        return node->type == FLAGSHIP_JSON_OBJECT || node->len != 0;
    }

    return -1;
}


void
flagship_lint_expression(flagship_lint_t *l, const flagship_json_node_t *node)
{
    size_t                       pointer;
    uint32_t                     i;
    flagship_args_t              args;
    const flagship_json_node_t  *element, *target;

    if (node->type == FLAGSHIP_JSON_ARRAY) {
        element = node + 1;

        for (i = 0; i < node->len; i++, element += element->next) {
            pointer = flagship_compiler_enter_index(l->c, i);
            flagship_lint_expression(l, element);
            flagship_compiler_leave(l->c, pointer);
        }

        return;
    }

    if (!flagship_rule_read(node, &args)) {
        return;
    }

    if (flagship_rule_reference(l->c, &args, &target)) {

        if (target) {
            flagship_lint_expression(l, target);
            l->c->depth--;
        }

        return;
    }

    flagship_lint_operator(l, &args);
}


static void
flagship_lint_operator(flagship_lint_t *l, const flagship_args_t *args)
{
    unsigned                    i, guards;
    flagship_str_t              name;
    const flagship_operator_t  *op;

    static const flagship_str_t  texts[] = {
        flagship_string("starts_with"), flagship_string("ends_with"),
        flagship_string("sem_ver"), flagship_string("lower"),
        flagship_string("matches"), flagship_string("in_cidr")
    };

    name = args->name;

    for (op = flagship_operators; op->name.len; op++) {
        if (flagship_str_eq(op->name, name)) {
            break;
        }
    }

    if (args->n < op->least) {
        return;
    }

    if (flagship_str_is(name, "var")) {
        flagship_lint_var(l, args);
        return;
    }

    if (op->condition == flagship_operator_equal) {
        flagship_lint_equal(l, args);

    } else if (op->condition == flagship_operator_order) {
        flagship_lint_order(l, args, op->option);

    } else if (flagship_str_is(name, "in")) {
        flagship_lint_in(l, args);

    } else if (flagship_str_is(name, "if") || flagship_str_is(name, "?:")) {
        flagship_lint_if(l, args);
        return;

    } else if (flagship_str_is(name, "fractional")) {
        flagship_lint_fractional(l, args);
        return;

    } else if (flagship_str_is(name, "and") || flagship_str_is(name, "or")) {
        guards = l->nguards;

        for (i = 0; i < args->n; i++) {
            flagship_lint_guards(l, flagship_rule_arg(args, i));
        }

        flagship_lint_args(l, args);

        l->nguards = guards;
        return;

    } else if (op->value == flagship_operator_loop) {

        flagship_lint_arg(l, args, 0);

        l->loops++;

        for (i = 1; i < args->n; i++) {
            flagship_lint_arg(l, args, i);
        }

        l->loops--;
        return;

    } else if (op->value == flagship_operator_math) {
        for (i = 0; i < args->n; i++) {
            flagship_lint_attr(l, flagship_rule_arg(args, i),
                               FLAGSHIP_LINT_NUMBER);
        }
    }

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]) && args->n; i++) {
        if (flagship_str_eq(name, texts[i])) {
            flagship_lint_attr(l, args->first, FLAGSHIP_LINT_TEXT);
        }
    }

    flagship_lint_args(l, args);
}


void
flagship_lint_arg(flagship_lint_t *l, const flagship_args_t *args, unsigned i)
{
    size_t  pointer;

    pointer = flagship_rule_enter(l->c, args, i);
    flagship_lint_expression(l, flagship_rule_arg(args, i));
    flagship_compiler_leave(l->c, pointer);
}


static void
flagship_lint_args(flagship_lint_t *l, const flagship_args_t *args)
{
    unsigned  i;

    for (i = 0; i < args->n; i++) {
        flagship_lint_arg(l, args, i);
    }
}


static void
flagship_lint_var(flagship_lint_t *l, const flagship_args_t *args)
{
    size_t          pointer;
    flagship_str_t  path;

    if (l->loops == 0 && args->n
        && args->first->type == FLAGSHIP_JSON_STRING)
    {
        path = flagship_json_str(args->first);

        if (path.len && path.data[0] == '$'
            && !flagship_str_is(path, "$flagd.flagKey")
            && !flagship_str_is(path, "$flagd.timestamp"))
        {
            pointer = flagship_rule_enter(l->c, args, 0);
            flagship_compiler_warn(l->c, "flagd-name", "\"%.*s\" is neither "
                                   "$flagd.flagKey nor $flagd.timestamp",
                                   (int) (path.len < 64 ? path.len : 64),
                                   path.data);
            flagship_compiler_leave(l->c, pointer);
        }
    }

    flagship_lint_args(l, args);
}


/* What a condition asks for holds for what comes after it. */

static void
flagship_lint_if(flagship_lint_t *l, const flagship_args_t *args)
{
    unsigned  active, guards, i, keys;

    guards = l->nguards;
    active = l->nactive;

    for (i = 0; i + 1 < args->n; i += 2) {
        flagship_lint_branch(l, args, i);

        flagship_lint_guards(l, flagship_rule_arg(args, i));
        flagship_lint_arg(l, args, i);

        keys = l->nkeys;
        l->nactive = keys;

        flagship_lint_arg(l, args, i + 1);

        l->nkeys = keys;
    }

    if (i < args->n) {
        flagship_lint_arg(l, args, i);
    }

    l->nguards = guards;
    l->nactive = active;
}


/* A condition that is the same for everyone. */

static void
flagship_lint_branch(flagship_lint_t *l, const flagship_args_t *args,
    unsigned i)
{
    int     truth;
    size_t  pointer;

    truth = flagship_lint_truth(l, flagship_rule_arg(args, i));

    if (truth == 0) {
        pointer = flagship_rule_enter(l->c, args, i);
        flagship_compiler_warn(l->c, "unreachable-rule",
                               "the condition never holds");
        flagship_compiler_leave(l->c, pointer);

    } else if (truth == 1 && i + 2 < args->n) {
        pointer = flagship_rule_enter(l->c, args, i + 2);
        flagship_compiler_warn(l->c, "unreachable-rule", "it is never asked: "
                               "the condition before it always holds");
        flagship_compiler_leave(l->c, pointer);
    }
}


int
flagship_lint_path(const flagship_lint_t *l, const flagship_json_node_t *node,
    flagship_str_t *path)
{
    flagship_args_t  args;

    if (l->loops
        || !flagship_rule_read(node, &args)
        || !flagship_str_is(args.name, "var")
        || args.n != 1
        || args.first->type != FLAGSHIP_JSON_STRING
        || args.first->len == 0)
    {
        return 0;
    }

    *path = flagship_json_str(args.first);

    return path->data[0] != '$';
}


void
flagship_lint_attr(flagship_lint_t *l, const flagship_json_node_t *node,
    unsigned type)
{
    unsigned               i;
    flagship_str_t         path;
    flagship_lint_attr_t  *attr;

    static const char *const  names[] = { "a boolean", "a number", "a text" };

    if (type == FLAGSHIP_LINT_ANY || !flagship_lint_path(l, node, &path)) {
        return;
    }

    for (i = 0; i < l->nattrs; i++) {
        attr = &l->attrs[i];

        if (!flagship_str_eq(attr->path, path)) {
            continue;
        }

        if (attr->type != type && attr->type != FLAGSHIP_LINT_ANY) {
            flagship_compiler_warn(l->c, "two-types", "\"%.*s\" is used as %s "
                                   "here, as %s before",
                                   (int) (path.len < 64 ? path.len : 64),
                                   path.data, names[type], names[attr->type]);
            attr->type = FLAGSHIP_LINT_ANY;
        }

        return;
    }

    if (l->nattrs < FLAGSHIP_LINT_ATTRS) {
        l->attrs[l->nattrs].path = path;
        l->attrs[l->nattrs++].type = type;
    }
}


unsigned
flagship_lint_type(const flagship_value_t *v)
{
    switch (v->type) {

    case FLAGSHIP_FALSE:
    case FLAGSHIP_TRUE:
        return FLAGSHIP_LINT_BOOLEAN;

    case FLAGSHIP_NUMBER:
        return FLAGSHIP_LINT_NUMBER;

    case FLAGSHIP_STRING:
        return isnan(flagship_value_number(v)) ? FLAGSHIP_LINT_TEXT
                                               : FLAGSHIP_LINT_ANY;

    default:
        return FLAGSHIP_LINT_ANY;
    }
}
