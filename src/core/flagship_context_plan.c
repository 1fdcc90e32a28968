
/*
 * Copyright (C) Flagship
 */


/*
 * The plan of an image's attributes.  It is kept until a text is read for
 * another image: requests of one flag set come one after the other.
 */


#include <stdlib.h>

#include "flagship_code.h"
#include "flagship_context_plan.h"


static int flagship_context_plan_path(flagship_context_plan_t *plan,
    const flagship_image_t *image, uint32_t slot);
static int flagship_context_plan_step(flagship_context_plan_t *plan,
    const flagship_image_t *image, uint32_t *parent, uint32_t name,
    uint32_t len);
static int flagship_context_plan_grow(flagship_context_plan_t *plan);
static void flagship_context_plan_insert(flagship_context_plan_t *plan,
    uint32_t step);


int
flagship_context_plan(flagship_context_plan_t *plan,
    const flagship_image_t *image)
{
    uint32_t  i;

    plan->digest = 0;
    plan->whole = 0;
    plan->n = 0;
    plan->nknown = 0;
    plan->strangers = FLAGSHIP_CONTEXT_LEARN;

    if (plan->size == 0 && flagship_context_plan_grow(plan) != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    memset(plan->table, 0, ((size_t) plan->mask + 1) * sizeof(uint32_t));
    memset(&plan->steps[0], 0, sizeof(flagship_context_step_t));

    plan->steps[0].slot = FLAGSHIP_NONE;
    plan->steps[0].inner = 1;
    plan->n = 1;

    for (i = 0; i < image->attrs.n && !plan->whole; i++) {
        if (flagship_context_plan_path(plan, image, i) != FLAGSHIP_OK) {
            return FLAGSHIP_ERROR;
        }
    }

    plan->digest = image->digest;

    return FLAGSHIP_OK;
}


void
flagship_context_plan_free(flagship_context_plan_t *plan)
{
    free(plan->steps);
    free(plan->table);

    memset(plan, 0, sizeof(flagship_context_plan_t));
}


static int
flagship_context_plan_path(flagship_context_plan_t *plan,
    const flagship_image_t *image, uint32_t slot)
{
    uint32_t                  i, start, parent;
    flagship_str_t            path;
    const flagship_symbol_t  *attr;

    attr = flagship_symbols(image, attrs) + slot;
    path = flagship_symbol_str(image, attr);

    if (path.len == 0) {
        plan->whole = 1;
        return FLAGSHIP_OK;
    }

    /* the evaluator's own is no attribute */

    if (flagship_str_is(path, "$flagd.timestamp")) {
        return FLAGSHIP_OK;
    }

    parent = 0;

    for (start = 0; start <= path.len; start = i + 1) {

        for (i = start; i < path.len && path.data[i] != '.'; i++) {
            /* void */
        }

        if (plan->n == FLAGSHIP_CONTEXT_STEPS) {
            plan->whole = 1;
            return FLAGSHIP_OK;
        }

        plan->steps[parent].inner = 1;

        if (flagship_context_plan_step(plan, image, &parent,
                                       attr->offset + start, i - start)
            != FLAGSHIP_OK)
        {
            return FLAGSHIP_ERROR;
        }
    }

    plan->steps[parent].slot = slot;

    return FLAGSHIP_OK;
}


/* Behind *parent; becomes *parent. */

static int
flagship_context_plan_step(flagship_context_plan_t *plan,
    const flagship_image_t *image, uint32_t *parent, uint32_t name,
    uint32_t len)
{
    uint32_t                  found;
    flagship_context_name_t   words;
    flagship_context_step_t  *step;

    flagship_context_name(&words, flagship_at(image, image->strings.offset
                                                     + name), len);

    found = flagship_context_step(plan, image, *parent, &words);

    if (found) {
        *parent = found;
        return FLAGSHIP_OK;
    }

    if (plan->n == plan->size
        && flagship_context_plan_grow(plan) != FLAGSHIP_OK)
    {
        return FLAGSHIP_ERROR;
    }

    step = &plan->steps[plan->n];

    step->head = words.head;
    step->tail = words.tail;
    step->hash = words.hash;
    step->len = len;
    step->parent = *parent;
    step->name = name;
    step->slot = FLAGSHIP_NONE;
    step->inner = 0;

    flagship_context_plan_insert(plan, plan->n);

    *parent = plan->n++;

    return FLAGSHIP_OK;
}


/* Twice the steps, and a table of which at most half is used. */

static int
flagship_context_plan_grow(flagship_context_plan_t *plan)
{
    uint32_t                  i, size, *table;
    flagship_context_step_t  *steps;

    size = plan->size ? plan->size * 2 : 32;

    table = calloc((size_t) size * 2, sizeof(uint32_t));
    if (table == NULL) {
        return FLAGSHIP_ERROR;
    }

    steps = realloc(plan->steps, size * sizeof(flagship_context_step_t));
    if (steps == NULL) {
        free(table);
        return FLAGSHIP_ERROR;
    }

    free(plan->table);

    plan->steps = steps;
    plan->size = size;
    plan->table = table;
    plan->mask = size * 2 - 1;

    for (i = 1; i < plan->n; i++) {
        flagship_context_plan_insert(plan, i);
    }

    return FLAGSHIP_OK;
}


static void
flagship_context_plan_insert(flagship_context_plan_t *plan, uint32_t step)
{
    uint32_t  i;

    i = flagship_context_place(plan->steps[step].hash,
                               plan->steps[step].parent);

    while (plan->table[i & plan->mask]) {
        i++;
    }

    plan->table[i & plan->mask] = step;
}
