
/*
 * Copyright (C) Flagship
 */


/*
 * An image -> the document that it was compiled from, or flagd's form of it.
 *
 * The image keeps each flag's document, so that no other store is needed.
 * What came in Flagship's form goes out as it came, what came in flagd's form
 * likewise; what has to change its form is rewritten so that every context is
 * decided as before:
 *
 *     rules           the branches of an "if"
 *     user_ids        a branch before them
 *     prerequisites   the other flag's rules, written into a condition; so
 *                     "flag"
 *     schedules       comparisons with $flagd.timestamp
 *     splits          fractional, its parts in the order they serve in
 *     segments        "$evaluators"
 *     in_set          "in" with all the members
 *     time, lower     of constants: what they give
 *
 * The value and the variant stay; the reason may be another.  Of a flag that
 * is off flagd serves the caller's default, whatever its off variant: that is
 * warned of.
 */


#ifndef _FLAGSHIP_EXPORT_H_INCLUDED_
#define _FLAGSHIP_EXPORT_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_idset.h"
#include "flagship_image.h"


typedef enum {
    FLAGSHIP_EXPORT_FLAGSHIP = 0,
    FLAGSHIP_EXPORT_FLAGD
} flagship_export_form_e;


/*
 * "environment" is what the flag set's own settings are named by, where it has
 * any: the name that flags without one will get.  "sets" are the members of
 * the image's id sets, in the order of their names in the image; NULL: they
 * are not known.
 *
 * A flag that has no such form, or no document (it never compiled), is left
 * out, with an error that says why; what is lost is warned of.
 *
 * FLAGSHIP_OK: *text is malloc()ed JSON of *len bytes that the caller free()s;
 * FLAGSHIP_ERROR: no memory.
 */

int flagship_export(const flagship_image_t *image, unsigned form,
    flagship_str_t environment, const flagship_idset_t *const *sets,
    char **text, size_t *len, flagship_errors_t *errors);


#endif /* _FLAGSHIP_EXPORT_H_INCLUDED_ */
