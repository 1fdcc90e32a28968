
/*
 * Copyright (C) Flagship
 */


/* What every unit test needs: cmocka in its order, texts of known length. */


#ifndef _FLAGSHIP_UNIT_TEST_H_INCLUDED_
#define _FLAGSHIP_UNIT_TEST_H_INCLUDED_


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flagship_core.h"


#define unit_n(list)  (sizeof(list) / sizeof((list)[0]))


static inline flagship_str_t
unit_str(const char *text)
{
    return flagship_str(text, strlen(text));
}


/* A copy without a byte behind it, so that a sanitizer sees reads beyond. */

static inline char *
unit_copy(const char *data, size_t len)
{
    char  *copy;

    copy = malloc(len ? len : 1);
    assert_non_null(copy);

    memcpy(copy, data, len);

    return copy;
}


/* A sequence that is the same in every run: xorshift64*. */

static inline uint64_t
unit_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;

    return *state * 0x2545f4914f6cdd1dull;
}


#endif /* _FLAGSHIP_UNIT_TEST_H_INCLUDED_ */
