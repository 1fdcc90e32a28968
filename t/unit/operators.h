
/*
 * Copyright (C) Flagship
 */


/* Tables of what operators give: each row is tried in every place where an
   expression may stand (forms.h). */


#ifndef _FLAGSHIP_OPERATORS_TEST_H_INCLUDED_
#define _FLAGSHIP_OPERATORS_TEST_H_INCLUDED_


#include "forms.h"


typedef struct {
    const char  *expr;
    const char  *context;
    const char  *want;
} operator_case_t;


static inline void
operators_check(const operator_case_t *cases, size_t n)
{
    size_t       i;
    unsigned     failed;
    const char  *contexts[2];

    failed = 0;

    for (i = 0; i < n; i++) {
        contexts[0] = cases[i].context ? cases[i].context : "{}";
        contexts[1] = "{}";

        failed += forms_check(cases[i].expr, contexts, 2, cases[i].want);
    }

    assert_int_equal(failed, 0);
}


#endif /* _FLAGSHIP_OPERATORS_TEST_H_INCLUDED_ */
