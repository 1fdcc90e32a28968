
/*
 * Copyright (C) Flagship
 */


/*
 * Export: what a rule serves.
 *
 * A split of ours becomes a fractional.  Of a flag that is written into another
 * flag's rules only the name of the variant is served, with the fallback in the
 * place of null, and the key that it is split by is a constant.
 */


#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flagship_exporter.h"


/* Of a split of ours. */

typedef struct {
    flagship_str_t               name;
    uint64_t                     millionths;
} flagship_export_weight_t;


static void flagship_export_parts(flagship_exporter_t *x,
    const flagship_json_node_t *split, const flagship_args_t *args);
static void flagship_export_implicit(flagship_exporter_t *x,
    const flagship_json_node_t *split, const flagship_args_t *args);
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


void
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
    double                       number;
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

        number = node->type == FLAGSHIP_JSON_NUMBER
                 ? flagship_json_double(node) : 0;

        if (number > 0 && number <= INT32_MAX) {
            weights[i].millionths = (uint64_t) round(number * 1e6);
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
