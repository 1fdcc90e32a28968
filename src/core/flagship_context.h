
/*
 * Copyright (C) Flagship
 */


/*
 * An evaluation context, from JSON text to attributes.
 *
 * A context is a JSON object; an attribute is a path into it: names of
 * members and indices of elements, joined by dots.  A member whose own name
 * has a dot in it is no attribute.
 *
 * A context belongs to one thread at a time.  Its memory is kept from one text
 * to the next, so that a thread that reads many allocates for the largest.
 */


#ifndef _FLAGSHIP_CONTEXT_H_INCLUDED_
#define _FLAGSHIP_CONTEXT_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_eval.h"
#include "flagship_json.h"
#include "flagship_value.h"


/*
 * What an image asks for: a tree of the steps of its attributes' paths, found
 * by the step before and the name.  It belongs to the context and is made
 * anew for another image.
 */

typedef struct {
    uint64_t                     head;   /* the name's first 16 bytes, zeros */
    uint64_t                     tail;   /* behind a shorter one */
    uint64_t                     hash;
    uint32_t                     len;
    uint32_t                     parent; /* a step, 0: the root */
    uint32_t                     name;   /* in the image's strings */
    uint32_t                     slot;   /* FLAGSHIP_NONE: no attribute */
    uint32_t                     inner;  /* others come after it */
} flagship_context_step_t;

/*
 * Those who send contexts write the same names in the same order: the names of
 * one text are what those after it are held against first.  Another order is
 * learnt when so many texts in a row had names that were not in this one.
 */

#define FLAGSHIP_CONTEXT_ORDER  64
#define FLAGSHIP_CONTEXT_LEARN  8

typedef struct {
    uint64_t                     head;
    uint64_t                     tail;
    uint64_t                     keep[2];    /* bits of both that count */
    uint64_t                     hash;
    uint32_t                     len;        /* less than 16 */
    uint32_t                     step;
} flagship_context_order_t;

typedef struct {
    uint64_t                     digest; /* of the image */
    flagship_context_step_t     *steps;  /* the first is the root */
    uint32_t                     n;
    uint32_t                     size;
    uint32_t                    *table;  /* of steps; 0: empty */
    uint32_t                     mask;
    unsigned                     whole;  /* more than attributes is asked for:
                                            texts must be parsed */
    uint32_t                     strangers;  /* texts in a row */
    uint32_t                     nknown;
    flagship_context_order_t     known[FLAGSHIP_CONTEXT_ORDER];
} flagship_context_plan_t;


typedef struct {
    flagship_json_t              json;
    const flagship_json_node_t  *root;   /* NULL: everything that is in no slot
                                            is absent */
    flagship_context_plan_t      plan;
    uint64_t                    *names;  /* of the text that is read */
    uint64_t                     turn;   /* texts that were read */

    /* set when the text is refused */
    size_t                       offset; /* byte of the text */
    const char                  *error;  /* a static sentence */
} flagship_context_t;


void flagship_context_init(flagship_context_t *context);
void flagship_context_free(flagship_context_t *context);

/*
 * FLAGSHIP_OK; FLAGSHIP_DECLINED: the text is not strict JSON, or no object:
 * INVALID_CONTEXT, with "offset" and "error"; FLAGSHIP_ERROR: no memory.
 * The text must live as long as the context is asked.
 */

int flagship_context_parse(flagship_context_t *context, const char *text,
    size_t len);

/*
 * The same, but what the image of an evaluation asks for goes from the text
 * into its slots, in one pass, and the rest is only checked.  "ev" is new, and
 * made with flagship_context_fetch() and this context.  Where "member" is not
 * NULL the text is an object whose member of that name is the context, as in
 * the body of an OFREP request; without it the context is empty.
 *
 * What no slot can take (arrays and objects that are asked for, paths that
 * rules compute), and a text that is refused, is parsed as above.
 */

int flagship_context_read(flagship_context_t *context, flagship_eval_t *ev,
    const char *text, size_t len, const char *member);

/*
 * The same of what is parsed already.  The node may be of any type, as what
 * JsonLogic calls data.
 */

void flagship_context_set(flagship_context_t *context,
    const flagship_json_node_t *root);

/* A flagship_fetch_pt; "data" is the context.  Does not allocate. */

void flagship_context_fetch(void *data, flagship_str_t path, uint32_t hash,
    flagship_value_t *value);

/*
 * Fills the slots of an evaluation that are not filled, one walk for all
 * attributes of its image: for those who ask for many flags, where looking for
 * each attribute would take attributes times members.  Does not allocate.
 */

void flagship_context_fill(const flagship_context_t *context,
    flagship_eval_t *ev);


#endif /* _FLAGSHIP_CONTEXT_H_INCLUDED_ */
