
/*
 * Copyright (C) Flagship
 */


/*
 * Documents -> a unit -> an image.
 *
 * A unit is what one change brings: the compiled form of some flags and
 * segments with symbols of their own.  Linking puts an image together from
 * the records of the last image and those of a unit, as a linker does with
 * object files: chunks are copied, symbols renumbered, tables built anew.
 * So one change in 10 000 flags costs a copy and an index, and a flag that
 * does not compile keeps the form that the last image has of it.
 *
 * Threads: a unit belongs to one thread at a time; any thread will do.
 */


#ifndef _FLAGSHIP_COMPILE_H_INCLUDED_
#define _FLAGSHIP_COMPILE_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_json.h"
#include "flagship_image.h"


typedef struct flagship_unit_s  flagship_unit_t;


/* Whether a text may be the key of a flag, a segment, a set; and how that is
   said of one that may not, to be printed with FLAGSHIP_MAX_KEY. */

int flagship_key_valid(flagship_str_t key);

#define FLAGSHIP_KEY_RULE                                                     \
    "a key has 1 to %d of A-Z a-z 0-9 . _ -, begins with a letter or digit, " \
    "and is no UUID"


/* "fractional" is the flag set's generation: 1, 2 or 3.  NULL: no memory. */
flagship_unit_t *flagship_unit_create(unsigned fractional);
void flagship_unit_destroy(flagship_unit_t *unit);

/*
 * Names an id set that the tenant has; all of them are named before anything
 * else is added, since rules that look into another are refused.
 */

int flagship_unit_add_set(flagship_unit_t *unit, flagship_str_t name);

/*
 * One flag, a document of SEMANTICS' form.  "key" is given apart because it is
 * the identity, whatever else is wrong with the document.  A later document
 * of the same key replaces an earlier.
 *
 * FLAGSHIP_OK; FLAGSHIP_DECLINED: the document is refused, "errors" says why,
 * and the unit remembers that this key has no valid new form: linking keeps
 * the last image's, or makes a flag that evaluates to PARSE_ERROR;
 * FLAGSHIP_ERROR: no memory.  The node may be freed afterwards.
 */

int flagship_unit_add_flag(flagship_unit_t *unit, flagship_str_t key,
    const flagship_json_node_t *document, flagship_errors_t *errors);

/* The same of flagd's form: "state", "defaultVariant", "targeting". */
int flagship_unit_add_flagd(flagship_unit_t *unit, flagship_str_t key,
    const flagship_json_node_t *document, flagship_errors_t *errors);

/* A segment: its condition. */
int flagship_unit_add_segment(flagship_unit_t *unit, flagship_str_t key,
    const flagship_json_node_t *when, flagship_errors_t *errors);

/* An expression by itself, kept among the segments: flagship_eval_logic(). */
int flagship_unit_add_logic(flagship_unit_t *unit, flagship_str_t key,
    const flagship_json_node_t *rule, flagship_errors_t *errors);

/* A text that is not even JSON: refused under its key. */
int flagship_unit_add_broken(flagship_unit_t *unit, flagship_str_t key,
    int segment);

/* The flag, or the segment, is gone: linking drops the last image's. */
int flagship_unit_remove(flagship_unit_t *unit, flagship_str_t key,
    int segment);

/* Flag-set metadata: an object node, or NULL for none.  Unless called, the
   last image's stays. */
int flagship_unit_set_metadata(flagship_unit_t *unit,
    const flagship_json_node_t *metadata);


/*
 * Links the records of "last" (NULL: none) and of the unit, whose records go
 * before those of the same key.  Where "whole" is set, the unit is the whole
 * set: a record of "last" stays only as the last good form of a key whose
 * new form was refused.
 *
 * Cycles through prerequisites, flag and segment: every record of the unit
 * that closes one is refused as above.  What asks for a segment that does not
 * exist is refused in the same way.  A record of "last" may look into an id
 * set that is gone by now: it stays as its last good form, and the image says
 * that the set is lost, so that its members are kept for it.
 *
 * On FLAGSHIP_OK *image is malloc()ed memory of *len bytes (a verified image)
 * that the caller free()s.  FLAGSHIP_ERROR: no memory.  FLAGSHIP_DECLINED:
 * the set passes a limit of the format ("errors").
 */

int flagship_link(flagship_unit_t *unit, const flagship_image_t *last,
    int whole, flagship_image_t **image, size_t *len,
    flagship_errors_t *errors);


#endif /* _FLAGSHIP_COMPILE_H_INCLUDED_ */
