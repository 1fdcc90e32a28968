
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


#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flagship_exporter.h"
#include "flagship_fold.h"
#include "flagship_time.h"


/* Of a split of ours. */

typedef struct {
    flagship_str_t               name;
    uint64_t                     millionths;
} flagship_export_weight_t;


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
static void flagship_export_parts(flagship_exporter_t *x,
    const flagship_json_node_t *split, const flagship_args_t *args);
static void flagship_export_implicit(flagship_exporter_t *x,
    const flagship_json_node_t *split, const flagship_args_t *args);
static void flagship_export_divided(flagship_exporter_t *x,
    const flagship_json_node_t *by, const flagship_json_node_t *split,
    const flagship_args_t *args);
static void flagship_export_weights(flagship_exporter_t *x,
    const flagship_json_node_t *split);
static const flagship_json_node_t *flagship_export_split(
    const flagship_json_node_t *node);
static int flagship_export_weight_order(const void *one, const void *two);
static void flagship_export_name(flagship_exporter_t *x,
    const flagship_json_node_t *node);
static void flagship_export_branches(flagship_exporter_t *x,
    const flagship_args_t *args);
static void flagship_export_fallback(flagship_exporter_t *x);
static int flagship_export_variant(flagship_exporter_t *x,
    flagship_str_t name);


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


/* Parts of a split of ours ("split"), or of a fractional ("args"). */

static void
flagship_export_parts(flagship_exporter_t *x,
    const flagship_json_node_t *split, const flagship_args_t *args)
{
    unsigned                     i;
    const flagship_json_node_t  *node;

    if (split) {
        flagship_export_weights(x, split);
        return;
    }

    for (i = 0; i < args->n; i++) {
        node = flagship_rule_arg(args, i);

        if (i || node->type == FLAGSHIP_JSON_ARRAY) {
            flagship_export_next(x, "");
            flagship_export_rule(x, node, 0);
        }
    }
}


/*
 * A split by an expression, or (NULL) by flag and targeting key.  Where it is
 * written into another flag's, the key of its own is a constant, and a
 * targeting key that is none gives null as it does there.
 */

static void
flagship_export_divided(flagship_exporter_t *x,
    const flagship_json_node_t *by, const flagship_json_node_t *split,
    const flagship_args_t *args)
{
    if (!x->scope.inlined) {
        flagship_export_text(x, "{\"fractional\":[");

        if (by) {
            flagship_export_rule(x, by, 0);
        }

        flagship_export_parts(x, split, args);
        flagship_export_text(x, "]}");
        return;
    }

    if (by == NULL) {
        flagship_export_implicit(x, split, args);
        return;
    }

    if (x->image->fractional != 3) {
        flagship_export_text(x, "{\"if\":[{\"===\":[");
        flagship_export_rule(x, by, 0);
        flagship_export_text(x, ",null]},");
        flagship_export_implicit(x, split, args);
        flagship_export_text(x, ",");
    }

    flagship_export_text(x, "{\"fractional\":[");
    flagship_export_rule(x, by, 0);
    flagship_export_parts(x, split, args);
    flagship_export_text(x, x->image->fractional == 3 ? "]}" : "]}]}");
}


static void
flagship_export_implicit(flagship_exporter_t *x,
    const flagship_json_node_t *split, const flagship_args_t *args)
{
    if (x->image->fractional == 3) {
        flagship_export_fail(x, "a split by flag and targeting key cannot be "
                             "written into another flag's rules in "
                             "generation 3");
        return;
    }

    /* a text that is not empty */

    flagship_export_text(x, "{\"if\":[{\"and\":[{\"starts_with\":["
                         "{\"var\":\"targetingKey\"},\"\"]},"
                         "{\"var\":\"targetingKey\"}]},"
                         "{\"fractional\":[{\"cat\":[");
    flagship_export_string(x, flagship_flag_key(x->image, x->scope.flag));
    flagship_export_text(x, ",{\"var\":\"targetingKey\"}]}");
    flagship_export_parts(x, split, args);
    flagship_export_text(x, "]},null]}");
}


/* In byte order of the names, as integers. */

static void
flagship_export_weights(flagship_exporter_t *x,
    const flagship_json_node_t *split)
{
    uint32_t                     i;
    uint64_t                     divisor;
    const flagship_json_node_t  *node;
    flagship_export_weight_t    *weights;

    weights = malloc((size_t) split->len * sizeof(*weights));
    if (weights == NULL) {
        x->nomem = 1;
        return;
    }

    divisor = 1000000;
    node = split + 1;

    for (i = 0; i < split->len; i++) {
        weights[i].name = flagship_json_str(node);
        node++;

        weights[i].millionths = 0;

        if (node->type == FLAGSHIP_JSON_NUMBER && node->number > 0
            && node->number <= INT32_MAX)
        {
            weights[i].millionths = (uint64_t) round(node->number * 1e6);
        }

        while (weights[i].millionths % divisor) {
            divisor /= 10;
        }

        node += node->next;
    }

    qsort(weights, split->len, sizeof(*weights), flagship_export_weight_order);

    for (i = 0; i < split->len; i++) {
        flagship_export_next(x, "[");
        flagship_export_string(x, weights[i].name);
        flagship_export_text(x, ",");
        flagship_export_number(x, weights[i].millionths / divisor);
        flagship_export_text(x, "]");
    }

    free(weights);
}


static int
flagship_export_weight_order(const void *one, const void *two)
{
    int                              rc;
    const flagship_export_weight_t  *a = one, *b = two;

    rc = memcmp(a->name.data, b->name.data,
                a->name.len < b->name.len ? a->name.len : b->name.len);

    return rc ? rc : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}


/* The weights of a rule's split, NULL: it is none. */

static const flagship_json_node_t *
flagship_export_split(const flagship_json_node_t *node)
{
    const flagship_json_node_t  *split;

    if (node->type != FLAGSHIP_JSON_OBJECT) {
        return NULL;
    }

    split = flagship_json_get(node, "split");

    return split && split->type == FLAGSHIP_JSON_OBJECT ? split : NULL;
}


void
flagship_export_serve(flagship_exporter_t *x, const flagship_json_node_t *node)
{
    const flagship_json_node_t  *by, *split;

    if (x->scope.inlined) {
        flagship_export_name(x, node);
        return;
    }

    split = flagship_export_split(node);

    if (split) {
        by = flagship_json_get(node, "by");

        flagship_export_divided(x, by && by->type != FLAGSHIP_JSON_NULL
                                   ? by : NULL, split, NULL);
        return;
    }

    flagship_export_rule(x, node, 0);
}


/*
 * What a flag serves, in another flag's rules: always the name of a variant,
 * with the fallback in the place of null.  Only what is seen to name variants
 * can be written there.
 */

static void
flagship_export_name(flagship_exporter_t *x, const flagship_json_node_t *node)
{
    char                         buf[FLAGSHIP_NUMBER_LEN];
    uint32_t                     i;
    flagship_str_t               name;
    flagship_args_t              args;
    flagship_value_t             v;
    const flagship_json_node_t  *split, *by, *part;

    if (node->type == FLAGSHIP_JSON_NULL) {
        flagship_export_fallback(x);
        return;
    }

    if (node->type < FLAGSHIP_JSON_ARRAY) {
        flagship_value_node(&v, node);
        (void) flagship_value_text(&v, buf, sizeof(buf), &name);

        if (flagship_export_variant(x, name)) {
            flagship_export_string(x, name);
        }

        return;
    }

    memset(&args, 0, sizeof(args));
    split = flagship_export_split(node);
    by = NULL;

    if (split) {
        by = flagship_json_get(node, "by");
        part = split + 1;

        for (i = 0; i < split->len; i++) {
            if (!flagship_export_variant(x, flagship_json_str(part))) {
                return;
            }

            part++;
            part += part->next;
        }

    } else if (!flagship_rule_read(node, &args)) {
        (void) flagship_export_variant(x, flagship_str("", 0));
        return;

    } else if (flagship_str_is(args.name, "$ref") && x->scope.evaluators) {
        part = NULL;

        if (args.n == 1 && args.first->type == FLAGSHIP_JSON_STRING) {
            part = flagship_json_member(x->scope.evaluators, args.first->str,
                                        args.first->len);
        }

        if (part == NULL) {
            flagship_export_fail(x, "an evaluator is missing");

        } else if (flagship_export_enter(x)) {
            flagship_export_name(x, part);
            x->depth--;
        }

        return;

    } else if (flagship_str_is(args.name, "if")
               || flagship_str_is(args.name, "?:"))
    {
        flagship_export_branches(x, &args);
        return;

    } else if (flagship_str_is(args.name, "fractional")) {

        for (i = 0; i < args.n; i++) {
            part = flagship_rule_arg(&args, i);

            if (i == 0 && part->type != FLAGSHIP_JSON_ARRAY) {
                by = part;
                continue;
            }

            if (part->type != FLAGSHIP_JSON_ARRAY || part->len == 0
                || part[1].type != FLAGSHIP_JSON_STRING)
            {
                (void) flagship_export_variant(x, flagship_str("", 0));
                return;
            }

            if (!flagship_export_variant(x, flagship_json_str(part + 1))) {
                return;
            }
        }

    } else {
        flagship_export_fail(x, "what \"%.*s\" serves by \"%.*s\" cannot be "
                             "written into another flag's rules",
                             (int) flagship_flag_key(x->image,
                                                     x->scope.flag).len,
                             flagship_flag_key(x->image, x->scope.flag).data,
                             (int) (args.name.len < 40 ? args.name.len : 40),
                             args.name.data);
        return;
    }

    if (by && by->type == FLAGSHIP_JSON_NULL) {
        by = NULL;
    }

    if (x->image->fractional == 1) {
        /* a bucket may lie behind the last part, which is an error */
        flagship_export_fail(x, "a split cannot be written into another "
                             "flag's rules in generation 1");
        return;
    }

    /* a name is truthy, and null is not */

    flagship_export_text(x, "{\"or\":[");
    flagship_export_divided(x, by, split, &args);
    flagship_export_text(x, ",");
    flagship_export_fallback(x);
    flagship_export_text(x, "]}");
}


static void
flagship_export_branches(flagship_exporter_t *x, const flagship_args_t *args)
{
    unsigned  i;

    flagship_export_text(x, "{\"if\":[");

    for (i = 0; i + 1 < args->n; i += 2) {
        flagship_export_next(x, "");
        flagship_export_rule(x, flagship_rule_arg(args, i), 1);
        flagship_export_text(x, ",");
        flagship_export_name(x, flagship_rule_arg(args, i + 1));
    }

    flagship_export_next(x, "");

    if (i < args->n) {
        flagship_export_name(x, flagship_rule_arg(args, i));

    } else {
        flagship_export_fallback(x);
    }

    flagship_export_text(x, "]}");
}


static void
flagship_export_fallback(flagship_exporter_t *x)
{
    if (x->scope.fallback.data) {
        flagship_export_string(x, x->scope.fallback);

    } else {
        flagship_export_text(x, "null");
    }
}


/* Whether the flag has a variant of this name; fails it where it has not:
   asking it would be an error, which gives null. */

static int
flagship_export_variant(flagship_exporter_t *x, flagship_str_t name)
{
    uint32_t        i;
    flagship_str_t  key;

    for (i = 0; i < flagship_flags(x->image)[x->scope.flag].nvariants; i++) {
        if (name.len
            && flagship_str_eq(flagship_variant_name(x->image, x->scope.flag,
                                                     i), name))
        {
            return 1;
        }
    }

    key = flagship_flag_key(x->image, x->scope.flag);

    flagship_export_fail(x, "\"%.*s\" may serve no variant, which cannot be "
                         "written into another flag's rules", (int) key.len,
                         key.data);

    return 0;
}
