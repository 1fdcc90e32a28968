
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


typedef struct {
    flagship_json_t              json;
    const flagship_json_node_t  *root;   /* NULL: everything is absent */

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
 * The same of what is parsed already.  The node may be of any type, as what
 * JsonLogic calls data.
 */

void flagship_context_set(flagship_context_t *context,
    const flagship_json_node_t *root);

/* A flagship_fetch_pt; "data" is the context.  Does not allocate. */

void flagship_context_fetch(void *data, flagship_str_t path, uint32_t hash,
    flagship_value_t *value);

/*
 * Fills the slots of an evaluation, one walk for all attributes of its image:
 * for those who ask for many flags, where looking for each attribute would
 * take attributes times members.  Does not allocate.
 */

void flagship_context_fill(const flagship_context_t *context,
    flagship_eval_t *ev);


#endif /* _FLAGSHIP_CONTEXT_H_INCLUDED_ */
