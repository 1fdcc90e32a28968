
/*
 * Copyright (C) Flagship
 */


/*
 * A document of many flags: ours ({"flags": [...], "segments": [...],
 * "environments": [...], ...}) or flagd's ({"flags": {...}, "$evaluators":
 * {...}}), taken apart into flag sets.
 *
 * A document is flagd's where "flags" is an object, or an array of flags with
 * "state", "defaultVariant" or "targeting".
 */


#ifndef _FLAGSHIP_DOCUMENT_H_INCLUDED_
#define _FLAGSHIP_DOCUMENT_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_json.h"
#include "flagship_compile.h"


/*
 * Compiles every flag set of a document, one after the other: for each the
 * handler is called with the set's names and its unit, which is the handler's
 * from then on.  "tenant" and "environment" are those of flags that name
 * none.  Flags that are refused are in the errors and in their units; they
 * hold up no other.  A document with an explicit empty "flags" gives one
 * empty set of the default names.
 *
 * FLAGSHIP_OK; FLAGSHIP_DECLINED: the document as a whole is none: not an
 * object, no "flags", or "flags" of a wrong type; no handler was called;
 * FLAGSHIP_ERROR: no memory, or the handler said so.
 */

typedef int (*flagship_document_pt)(void *data, flagship_str_t tenant,
    flagship_str_t environment, flagship_unit_t *unit);

int flagship_document_compile(const flagship_json_node_t *root,
    flagship_str_t tenant, flagship_str_t environment,
    flagship_document_pt handler, void *data, flagship_errors_t *errors);

/* The same with one generation of fractional for every set, whatever the
   document says; 0: what it says. */

int flagship_document_compile_as(const flagship_json_node_t *root,
    flagship_str_t tenant, flagship_str_t environment, unsigned fractional,
    flagship_document_pt handler, void *data, flagship_errors_t *errors);


#endif /* _FLAGSHIP_DOCUMENT_H_INCLUDED_ */
