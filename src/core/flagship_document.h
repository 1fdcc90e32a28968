
/*
 * Copyright (C) Flagship
 */


/*
 * A document of many flags: ours ({"flags": [...], "segments": [...],
 * "sets": {...}, "environments": [...]}) or flagd's ({"flags": {...},
 * "$evaluators": {...}}), taken apart into flag sets.
 *
 * A document is flagd's where "flags" is an object, or an array of flags with
 * "state", "defaultVariant" or "targeting".
 */


#ifndef _FLAGSHIP_DOCUMENT_H_INCLUDED_
#define _FLAGSHIP_DOCUMENT_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_json.h"
#include "flagship_compile.h"
#include "flagship_idset.h"


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

/*
 * The id sets of a document of ours, each with its members: "sets":
 * {"name": ["id", ...]}.  They belong to "tenant", the one of flags that name
 * none.  One that is refused is not handed on: flagship_document_compile()
 * says why, and refuses rules that look into it, as into one that is not
 * there.  The handler takes the malloc()ed set over; "name" lies in the
 * document.
 *
 * FLAGSHIP_OK; FLAGSHIP_ERROR: no memory, or the handler said so.
 */

typedef int (*flagship_document_idset_pt)(void *data, flagship_str_t name,
    flagship_idset_t *set);

int flagship_document_idsets(const flagship_json_node_t *root,
    flagship_document_idset_pt handler, void *data);

/* The same with one generation of fractional for every set, whatever the
   document says; 0: what it says. */

int flagship_document_compile_as(const flagship_json_node_t *root,
    flagship_str_t tenant, flagship_str_t environment, unsigned fractional,
    flagship_document_pt handler, void *data, flagship_errors_t *errors);


/* Among the document's files: the object of its sets, or NULL; whether a
   member of it, by its name, is a set (says so where it is none). */

const flagship_json_node_t *flagship_document_sets_of(
    const flagship_json_node_t *root);
int flagship_document_idset_check(const flagship_json_node_t *name,
    flagship_errors_t *errors);


#endif /* _FLAGSHIP_DOCUMENT_H_INCLUDED_ */
