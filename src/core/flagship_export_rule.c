
/*
 * Copyright (C) Flagship
 */


/*
 * Export: expressions.
 *
 * Operators of ours become what flagd has, or fail the flag by their name.  In
 * an expression that is written into another flag's, what depends on the
 * flag's key has that key as a constant.
 */


#include <stdlib.h>

#include "flagship_exporter.h"
#include "flagship_fold.h"
#include "flagship_time.h"


static void flagship_export_args(flagship_exporter_t *x,
    const flagship_json_node_t *node, const flagship_args_t *args, int truth);
static int flagship_export_ours(flagship_exporter_t *x,
    const flagship_json_node_t *node, const flagship_args_t *args, int truth);
static int flagship_export_folded(flagship_exporter_t *x,
    const flagship_args_t *args);
static void flagship_export_reference(flagship_exporter_t *x,
    const flagship_json_node_t *node, const flagship_args_t *args, int truth);
static void flagship_export_segment(flagship_exporter_t *x,
    flagship_str_t name, int truth);
static void flagship_export_in_set(flagship_exporter_t *x,
    const flagship_args_t *args);
static void flagship_export_fractional(flagship_exporter_t *x,
    const flagship_args_t *args);


void
flagship_export_rule(flagship_exporter_t *x, const flagship_json_node_t *node,
    int truth)
{
    uint32_t                     i;
    flagship_args_t              args;
    const flagship_json_node_t  *element;

    if (x->failed) {
        return;
    }

    if (x->out.len - x->start > FLAGSHIP_MAX_FLAG) {
        flagship_export_fail(x, "it is larger than %d bytes with all that it "
                             "refers to", FLAGSHIP_MAX_FLAG);
        return;
    }

    if (node->type == FLAGSHIP_JSON_ARRAY) {
        flagship_export_text(x, "[");

        element = node + 1;

        for (i = 0; i < node->len; i++, element += element->next) {
            flagship_export_next(x, "");
            flagship_export_rule(x, element, 0);
        }

        flagship_export_text(x, "]");
        return;
    }

    if (!flagship_rule_read(node, &args)) {
        flagship_export_node(x, node);
        return;
    }

    if (flagship_str_is(args.name, "$ref")) {
        flagship_export_reference(x, node, &args, truth);
        return;
    }

    if (x->lower && flagship_export_ours(x, node, &args, truth)) {
        return;
    }

    flagship_export_args(x, node, &args, truth);
}


/* The operator as it is, its arguments rewritten. */

static void
flagship_export_args(flagship_exporter_t *x, const flagship_json_node_t *node,
    const flagship_args_t *args, int truth)
{
    int       inner;
    unsigned  i, branches;

    branches = flagship_str_is(args->name, "if")
               || flagship_str_is(args->name, "?:");

    flagship_export_text(x, "{");
    flagship_export_node(x, node + 1);
    flagship_export_text(x, args->wrapped ? ":" : ":[");

    for (i = 0; i < args->n; i++) {

        inner = flagship_str_is(args->name, "!")
                || flagship_str_is(args->name, "!!")
                || (branches && i % 2 == 0 && i + 1 < args->n)
                || (truth && (branches || flagship_str_is(args->name, "and")
                              || flagship_str_is(args->name, "or")));

        flagship_export_next(x, "");
        flagship_export_rule(x, flagship_rule_arg(args, i), inner);
    }

    flagship_export_text(x, args->wrapped ? "}" : "]}");
}


/* What flagd has another form for, or none; 0: it is neither. */

static int
flagship_export_ours(flagship_exporter_t *x, const flagship_json_node_t *node,
    const flagship_args_t *args, int truth)
{
    uint32_t        flag;
    flagship_str_t  name;

    name = args->name;

    if (flagship_str_is(name, "var")) {

        if (!x->scope.inlined || args->n == 0
            || args->first->type != FLAGSHIP_JSON_STRING
            || !flagship_str_is(flagship_json_str(args->first),
                                "$flagd.flagKey"))
        {
            return 0;
        }

        flagship_export_string(x, flagship_flag_key(x->image, x->scope.flag));
        return 1;
    }

    if (flagship_str_is(name, "fractional")) {

        if (!x->scope.inlined) {
            return 0;
        }

        flagship_export_fractional(x, args);
        return 1;
    }

    if (flagship_str_is(name, "segment") && args->n == 1
        && args->first->type == FLAGSHIP_JSON_STRING)
    {
        flagship_export_segment(x, flagship_json_str(args->first), truth);
        return 1;
    }

    if (flagship_str_is(name, "flag") && args->n == 1
        && args->first->type == FLAGSHIP_JSON_STRING)
    {
        flag = flagship_image_find(x->image, flagship_json_str(args->first));

        if (flag == FLAGSHIP_NONE) {
            flagship_export_text(x, "null");

        } else {
            flagship_export_served(x, flag);
        }

        return 1;
    }

    if (flagship_str_is(name, "in_set") && args->n > 1
        && flagship_rule_arg(args, 1)->type == FLAGSHIP_JSON_STRING)
    {
        flagship_export_in_set(x, args);
        return 1;
    }

    if (flagship_export_folded(x, args)) {
        return 1;
    }

    if (flagship_rule_class(name) != FLAGSHIP_PORTABLE) {
        flagship_export_fail(x, "flagd has no \"%.*s\"", (int) name.len,
                             name.data);
        return 1;
    }

    return 0;
}


/* time and lower of constants. */

static int
flagship_export_folded(flagship_exporter_t *x, const flagship_args_t *args)
{
    char            *buf;
    size_t           size;
    int64_t          seconds;
    flagship_str_t   text;

    if (args->n == 0 || args->first->type >= FLAGSHIP_JSON_ARRAY) {
        return 0;
    }

    text = flagship_json_str(args->first);

    if (flagship_str_is(args->name, "time")) {

        if (args->first->type == FLAGSHIP_JSON_NUMBER) {
            flagship_export_node(x, args->first);
            return 1;
        }

        if (args->first->type != FLAGSHIP_JSON_STRING
            || flagship_time_parse(text, &seconds) != FLAGSHIP_OK)
        {
            return 0;
        }

        flagship_export_number(x, seconds);
        return 1;
    }

    if (!flagship_str_is(args->name, "lower")) {
        return 0;
    }

    if (args->first->type != FLAGSHIP_JSON_STRING) {
        flagship_export_text(x, "null");
        return 1;
    }

    size = flagship_fold_size(text.len);

    buf = malloc(size + 1);
    if (buf == NULL) {
        x->nomem = 1;
        return 1;
    }

    if (flagship_fold(text, buf, size, &text) == FLAGSHIP_OK) {
        flagship_export_string(x, text);
    }

    free(buf);

    return 1;
}


static void
flagship_export_reference(flagship_exporter_t *x,
    const flagship_json_node_t *node, const flagship_args_t *args, int truth)
{
    const flagship_json_node_t  *target;

    if (!x->whole) {
        flagship_export_node(x, node);
        return;
    }

    target = NULL;

    if (x->scope.evaluators && args->n == 1
        && args->first->type == FLAGSHIP_JSON_STRING)
    {
        target = flagship_json_member(x->scope.evaluators, args->first->str,
                                      args->first->len);
    }

    if (target == NULL) {
        flagship_export_fail(x, "an evaluator is missing");

    } else if (flagship_export_enter(x)) {
        flagship_export_rule(x, target, truth);
        x->depth--;
    }
}


/*
 * A segment is an expression that stands for its text.  Its value may be any,
 * where a segment's is boolean.
 */

static void
flagship_export_segment(flagship_exporter_t *x, flagship_str_t name,
    int truth)
{
    char                   *text;
    size_t                  start, len;
    uint32_t                i;
    unsigned                whole;
    flagship_str_t          key;
    flagship_json_t         json;
    const flagship_flag_t  *s;

    s = flagship_segments(x->image);

    for (i = 0; i < x->image->segments.n; i++) {
        key = flagship_str(flagship_at(x->image, s[i].chunk + s[i].key),
                           s[i].key_len);

        if (flagship_str_eq(key, name)) {
            break;
        }
    }

    flagship_json_init(&json);

    if (i == x->image->segments.n
        || flagship_export_document(x, i, 1, &json) != FLAGSHIP_OK)
    {
        flagship_export_fail(x, "there is no segment \"%.*s\"",
                             (int) name.len, name.data);
        flagship_json_free(&json);
        return;
    }

    flagship_export_text(x, truth ? "" : "{\"!!\":[");

    whole = x->whole;
    x->whole = 1;
    start = x->out.len;

    if (flagship_export_enter(x)) {
        flagship_export_rule(x, json.nodes, 1);
        x->depth--;
    }

    x->whole = whole;

    if (!whole && !x->scope.inlined && !x->failed && !x->nomem) {

        text = x->out.data + start;
        len = x->out.len - start;

        if (flagship_export_evaluator(x, name, text, len)) {
            x->out.len = start;
            flagship_export_text(x, "{\"$ref\":");
            flagship_export_string(x, name);
            flagship_export_text(x, "}");
        }
    }

    flagship_export_text(x, truth ? "" : "]}");

    flagship_json_free(&json);
}


static void
flagship_export_in_set(flagship_exporter_t *x, const flagship_args_t *args)
{
    uint32_t        i;
    uint64_t        at;
    flagship_str_t  name, id;

    name = flagship_json_str(flagship_rule_arg(args, 1));

    for (i = 0; i < x->image->sets.n; i++) {
        if (flagship_str_eq(flagship_image_set(x->image, i), name)) {
            break;
        }
    }

    if (x->sets == NULL || i == x->image->sets.n) {
        flagship_export_fail(x, "the members of the set \"%.*s\" are not known",
                             (int) name.len, name.data);
        return;
    }

    flagship_export_text(x, "{\"in\":[");
    flagship_export_rule(x, args->first, 0);
    flagship_export_text(x, ",[");

    at = 0;

    while (x->sets[i] && flagship_idset_next(x->sets[i], &at, &id)) {
        flagship_export_next(x, "");
        flagship_export_string(x, id);

        if (x->out.len - x->start > FLAGSHIP_MAX_FLAG) {
            flagship_export_fail(x, "the set \"%.*s\" is too large for a list",
                                 (int) name.len, name.data);
            return;
        }
    }

    flagship_export_text(x, "]]}");
}


/* fractional of a flag that is written into another's. */

static void
flagship_export_fractional(flagship_exporter_t *x, const flagship_args_t *args)
{
    const flagship_json_node_t  *by;

    by = NULL;

    if (args->n && args->first->type != FLAGSHIP_JSON_ARRAY
        && args->first->type != FLAGSHIP_JSON_NULL)
    {
        by = args->first;
    }

    flagship_export_divided(x, by, NULL, args);
}
