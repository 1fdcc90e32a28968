
/*
 * Copyright (C) Flagship
 */


/*
 * The id sets of a document: "sets": {"name": ["id", ...]}.
 */


#include <stdio.h>
#include <string.h>

#include "flagship_document.h"


static uint32_t flagship_document_idset_bad(const flagship_json_node_t *ids);
static int flagship_document_idset(flagship_idset_builder_t *builder,
    const flagship_json_node_t *ids, flagship_idset_t **set);


int
flagship_document_idset_check(const flagship_json_node_t *name,
    flagship_errors_t *errors)
{
    char                         pointer[FLAGSHIP_MAX_KEY * 2 + 32];
    size_t                       i, n;
    uint32_t                     bad;
    const flagship_json_node_t  *ids;

    ids = name + 1;

    n = snprintf(pointer, sizeof(pointer), "/sets/");

    for (i = 0; i < name->len && i < FLAGSHIP_MAX_KEY; i++) {

        if (name->str[i] == '~' || name->str[i] == '/') {
            pointer[n++] = '~';
            pointer[n++] = name->str[i] == '~' ? '0' : '1';

        } else {
            pointer[n++] = name->str[i];
        }
    }

    pointer[n] = '\0';

    if (name->len == 0 || name->len > FLAGSHIP_MAX_KEY) {
        flagship_errors_add(errors, 0, flagship_str("", 0), pointer,
                            "the key of a set has 1 to %d bytes",
                            FLAGSHIP_MAX_KEY);
        return 0;
    }

    if (ids->type != FLAGSHIP_JSON_ARRAY) {
        flagship_errors_add(errors, 0, flagship_str("", 0), pointer,
                            "must be an array of ids");
        return 0;
    }

    bad = flagship_document_idset_bad(ids);

    if (bad != ids->len) {
        (void) snprintf(pointer + n, sizeof(pointer) - n, "/%u", bad);

        flagship_errors_add(errors, 0, flagship_str("", 0), pointer,
                            "an id is a string of 1 to %d bytes",
                            FLAGSHIP_IDSET_MAX_ID);
        return 0;
    }

    return 1;
}


/* The first that is no id; their number: all are. */

static uint32_t
flagship_document_idset_bad(const flagship_json_node_t *ids)
{
    uint32_t                     i;
    const flagship_json_node_t  *id;

    id = ids + 1;

    for (i = 0; i < ids->len; i++, id += id->next) {
        if (id->type != FLAGSHIP_JSON_STRING
            || id->len == 0 || id->len > FLAGSHIP_IDSET_MAX_ID)
        {
            break;
        }
    }

    return i;
}


int
flagship_document_idsets(const flagship_json_node_t *root,
    flagship_document_idset_pt handler, void *data)
{
    int                          rc;
    uint32_t                     i;
    flagship_idset_t            *set;
    flagship_idset_builder_t    *builder;
    const flagship_json_node_t  *sets, *name, *ids;

    sets = flagship_document_sets_of(root);

    if (sets == NULL) {
        return FLAGSHIP_OK;
    }

    builder = flagship_idset_create();
    if (builder == NULL) {
        return FLAGSHIP_ERROR;
    }

    rc = FLAGSHIP_OK;
    name = sets + 1;

    for (i = 0; i < sets->len && rc == FLAGSHIP_OK; i++) {
        ids = name + 1;

        if (name->len && name->len <= FLAGSHIP_MAX_KEY
            && ids->type == FLAGSHIP_JSON_ARRAY
            && flagship_document_idset_bad(ids) == ids->len)
        {
            rc = flagship_document_idset(builder, ids, &set);

            if (rc == FLAGSHIP_OK) {
                rc = handler(data, flagship_json_str(name), set);
            }
        }

        name = ids + ids->next;
    }

    flagship_idset_destroy(builder);

    return rc;
}


static int
flagship_document_idset(flagship_idset_builder_t *builder,
    const flagship_json_node_t *ids, flagship_idset_t **set)
{
    uint32_t                     i;
    const flagship_json_node_t  *id;

    id = ids + 1;

    for (i = 0; i < ids->len; i++, id += id->next) {

        /* what a document holds is never too much */

        if (flagship_idset_add(builder, flagship_json_str(id))
            != FLAGSHIP_OK)
        {
            return FLAGSHIP_ERROR;
        }
    }

    return flagship_idset_build(builder, set);
}
