
/*
 * Copyright (C) Flagship
 */


/*
 * Simple case folding, character by character (Unicode's CaseFolding.txt,
 * status C and S): what "lower" gives.  It knows no locale.
 */


#ifndef _FLAGSHIP_FOLD_H_INCLUDED_
#define _FLAGSHIP_FOLD_H_INCLUDED_


#include "flagship_core.h"


uint32_t flagship_fold_point(uint32_t c);


/* Code points first, first + step, ... last fold to the one "by" away. */

typedef struct {
    uint32_t             first;
    uint32_t             last;
    int32_t              step;
    int32_t              by;
} flagship_fold_run_t;

/* The i-th run of all that fold, in ascending order; 0: there is none. */
int flagship_fold_run(size_t i, flagship_fold_run_t *run);


/*
 * Writes the folded text, at most half as long again, to buf of "size" bytes,
 * which must have four to spare; bytes that are no UTF-8 stay as they are.
 * FLAGSHIP_OK, or FLAGSHIP_DECLINED: it does not fit.
 */

#define flagship_fold_size(len)  ((len) + (len) / 2 + 4)

int flagship_fold(flagship_str_t s, char *buf, size_t size,
    flagship_str_t *folded);


#endif /* _FLAGSHIP_FOLD_H_INCLUDED_ */
