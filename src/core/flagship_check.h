
/*
 * Copyright (C) Flagship
 */


/*
 * Whether what a document names is there, and whether it comes back to
 * itself: what a compiled document is asked before it is written, against the
 * image that serves.  The linker asks the same of what is loaded; here a
 * change costs what it reaches and not the whole image, and an error says
 * where in the document it is.
 */


#ifndef _FLAGSHIP_CHECK_H_INCLUDED_
#define _FLAGSHIP_CHECK_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_image.h"
#include "flagship_json.h"


typedef struct {
    const flagship_image_t  *image;      /* NULL: nothing is there */
    flagship_str_t           key;        /* of the document */
    unsigned                 segment:1;  /* it is a segment's condition */
    flagship_errors_t       *errors;
} flagship_check_t;


/*
 * The document of a flag, or the condition of a segment, that compiles.
 *
 * Errors: a segment or a prerequisite that is not there, a prerequisite
 * without the variant, a way back to the document itself.  Warnings: another
 * flag that is not there, which gives null.
 *
 * FLAGSHIP_OK, FLAGSHIP_DECLINED (errors were added) or FLAGSHIP_ERROR (no
 * memory).
 */

int flagship_check(const flagship_check_t *check,
    const flagship_json_node_t *document);


#endif /* _FLAGSHIP_CHECK_H_INCLUDED_ */
