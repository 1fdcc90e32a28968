
/*
 * Copyright (C) Flagship
 */


/*
 * What reading a flag's fields and writing its document share.  Private to
 * flagship_fields_flag*.c.
 *
 * Nodes belong to the documents that were sent or are current, and live as
 * long as those.
 */


#ifndef _FLAGSHIP_FIELDS_FLAG_H_INCLUDED_
#define _FLAGSHIP_FIELDS_FLAG_H_INCLUDED_


#include "flagship_fields_out.h"
#include "flagship_image.h"


#define FLAGSHIP_TYPE_NONE  4    /* of flagship_type_e there are so many */


/* The names of types. */
extern const flagship_str_t  flagship_flag_types[FLAGSHIP_TYPE_NONE];


/* The type that a value has by itself. */
unsigned flagship_flag_type_of(const flagship_json_node_t *value);

/* What the flag has now; NULL: nothing, or there is no flag yet. */
const flagship_json_node_t *flagship_flag_current(
    const flagship_flag_fields_t *f, unsigned field);

/* The name of a variant in a list; NULL: it has none. */
const flagship_json_node_t *flagship_flag_item_key(
    const flagship_json_node_t *item);

/* Whether an item before this one has the name. */
int flagship_flag_item_again(const flagship_json_node_t *list,
    const flagship_json_node_t *item, const flagship_json_node_t *key);

/* The rules that the split of weights is the last of, or NULL; "text" is what
   their nodes point into. */
const flagship_json_node_t *flagship_flag_rules_before(
    const flagship_flag_fields_t *f, const char **text);


#endif /* _FLAGSHIP_FIELDS_FLAG_H_INCLUDED_ */
