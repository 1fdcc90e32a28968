
/*
 * Copyright (C) Flagship
 */


/*
 * Lints of what divides people: splits that are not independent, weights of
 * which none can be changed alone.
 *
 * The ranges of a split are shares of the sum of its weights.  Where the sum
 * is one that people keep, a power of ten, a change of a weight is paid for by
 * another weight, and only those between the two move.  Where it is just what
 * the weights happen to add up to, every range moves with it.  Equal weights
 * are meant as such, whatever their sum.
 */


#include <math.h>
#include <string.h>

#include "flagship_lint.h"


/* The constant weights of a split. */

typedef struct {
    double               sum;
    double               first;
    unsigned             n;
    unsigned             unequal;    /* two are not the same */
} flagship_lint_weights_t;


static void flagship_lint_parts(flagship_lint_t *l,
    const flagship_args_t *args, unsigned i);
static void flagship_lint_weight(flagship_lint_weights_t *weights,
    double weight);
static void flagship_lint_sum(flagship_lint_t *l,
    const flagship_lint_weights_t *weights);
static void flagship_lint_key(flagship_lint_t *l,
    const flagship_json_node_t *by);
static int flagship_lint_same(const flagship_json_node_t *a,
    const flagship_json_node_t *b);


void
flagship_lint_fractional(flagship_lint_t *l, const flagship_args_t *args)
{
    unsigned                     active, i, keys;
    const flagship_json_node_t  *by;

    by = NULL;
    i = 0;

    if (args->n && args->first->type != FLAGSHIP_JSON_ARRAY) {
        by = args->first;
        i = 1;

        flagship_lint_arg(l, args, 0);
    }

    flagship_lint_key(l, by);
    flagship_lint_parts(l, args, i);

    active = l->nactive;
    keys = l->nkeys;
    l->nactive = keys;

    for ( /* void */ ; i < args->n; i++) {
        flagship_lint_arg(l, args, i);
    }

    l->nactive = active;
    l->nkeys = keys;
}


void
flagship_lint_split(flagship_lint_t *l, const flagship_json_node_t *split,
    const flagship_json_node_t *by)
{
    size_t                       pointer;
    uint32_t                     i;
    const flagship_json_node_t  *node;
    flagship_lint_weights_t      weights;

    flagship_lint_key(l, by);

    memset(&weights, 0, sizeof(flagship_lint_weights_t));
    node = split + 1;

    for (i = 0; i < split->len; i++) {
        /* behind its name; up to six decimals */
        node++;
        flagship_lint_weight(&weights,
                             round(flagship_json_double(node) * 1e6));
        node += node->next;
    }

    flagship_lint_sum(l, &weights);

    if (by) {
        pointer = flagship_compiler_enter(l->c, flagship_str("by", 2));
        flagship_lint_expression(l, by);
        flagship_compiler_leave(l->c, pointer);
    }
}


/* The pairs of fractional from argument i on; a weight that is computed may
   well keep the sum. */

static void
flagship_lint_parts(flagship_lint_t *l, const flagship_args_t *args,
    unsigned i)
{
    const flagship_json_node_t  *part, *weight;
    flagship_lint_weights_t      weights;

    memset(&weights, 0, sizeof(flagship_lint_weights_t));

    for ( /* void */ ; i < args->n; i++) {
        part = flagship_rule_arg(args, i);

        if (part->type != FLAGSHIP_JSON_ARRAY || part->len == 0) {
            return;
        }

        weight = part->len > 1 ? part + 1 + part[1].next : NULL;

        if (weight == NULL || weight->type == FLAGSHIP_JSON_NULL) {
            flagship_lint_weight(&weights, 1);

        } else if (weight->type == FLAGSHIP_JSON_NUMBER) {
            flagship_lint_weight(&weights,
                                 fmax(flagship_json_double(weight), 0));

        } else {
            return;
        }
    }

    flagship_lint_sum(l, &weights);
}


static void
flagship_lint_weight(flagship_lint_weights_t *weights, double weight)
{
    if (weights->n++ == 0) {
        weights->first = weight;
    }

    weights->unequal |= (weight != weights->first);
    weights->sum += weight;
}


static void
flagship_lint_sum(flagship_lint_t *l, const flagship_lint_weights_t *weights)
{
    double  power;

    if (!weights->unequal) {
        return;
    }

    for (power = 1; power < weights->sum; power *= 10) { /* void */ }

    if (power > weights->sum) {
        flagship_compiler_warn(l->c, "split-sum", "the weights add up to no "
                               "power of ten: who changes one of them alone "
                               "moves users between all variants");
    }
}


/* A split by this expression.  Where a split around it is by the same, or the
   condition that led to it, all who come here have the same bucket. */

static void
flagship_lint_key(flagship_lint_t *l, const flagship_json_node_t *by)
{
    unsigned  i;

    if (by && by->type == FLAGSHIP_JSON_NULL) {
        by = NULL;
    }

    for (i = 0; i < l->nactive; i++) {
        if (flagship_lint_same(l->keys[i], by)) {
            flagship_compiler_warn(l->c, "shared-split", "it splits by the "
                                   "same key as the split that leads to it, "
                                   "so the two are not independent: salt the "
                                   "key with \"cat\"");
            return;
        }
    }

    if (l->nkeys < FLAGSHIP_LINT_KEYS) {
        l->keys[l->nkeys++] = by;
    }
}


static int
flagship_lint_same(const flagship_json_node_t *a,
    const flagship_json_node_t *b)
{
    uint32_t  i;

    if (a == NULL || b == NULL || a->next != b->next) {
        return a == b;
    }

    for (i = 0; i < a->next; i++) {

        if (a[i].type != b[i].type || a[i].len != b[i].len
            || (a[i].type == FLAGSHIP_JSON_STRING
                && memcmp(a[i].str, b[i].str, a[i].len) != 0)
            || (a[i].type == FLAGSHIP_JSON_NUMBER
                && flagship_json_double(&a[i])
                   != flagship_json_double(&b[i])))
        {
            return 0;
        }
    }

    return 1;
}
