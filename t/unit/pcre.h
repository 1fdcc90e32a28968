
/*
 * Copyright (C) Flagship
 */


/*
 * What a regular expression finds, by PCRE2: set so that it reads a pattern as
 * we do ($ is the very end of the text, a line may begin behind its last
 * newline).
 */


#ifndef _FLAGSHIP_PCRE_H_INCLUDED_
#define _FLAGSHIP_PCRE_H_INCLUDED_


#define PCRE2_CODE_UNIT_WIDTH  8

#include <pcre2.h>

#include "unit.h"


/* NULL: refused.  Its shortcuts are off: of 10.42, one misses matches of a
   pattern with a group that is repeated 0 times. */

static inline pcre2_code *
pcre_open(flagship_str_t pattern, unsigned fold)
{
    int                     error;
    size_t                  place;
    pcre2_code             *code;
    pcre2_compile_context  *context;

    context = pcre2_compile_context_create(NULL);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);

    code = pcre2_compile((PCRE2_SPTR) pattern.data, pattern.len,
                         PCRE2_UTF | PCRE2_DOLLAR_ENDONLY
                         | PCRE2_ALT_CIRCUMFLEX | PCRE2_DUPNAMES
                         | PCRE2_NO_START_OPTIMIZE
                         | (fold ? PCRE2_CASELESS : 0),
                         &error, &place, context);

    pcre2_compile_context_free(context);

    return code;
}


/* 1, 0; -1: it gives up. */

static inline int
pcre_match(pcre2_code *code, flagship_str_t text)
{
    int                   rc;
    pcre2_match_data     *data;
    pcre2_match_context  *context;

    context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(context, 100000);

    data = pcre2_match_data_create_from_pattern(code, NULL);

    rc = pcre2_match(code, (PCRE2_SPTR) text.data, text.len, 0, 0, data,
                     context);

    pcre2_match_data_free(data);
    pcre2_match_context_free(context);

    return rc >= 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : -1;
}


#endif /* _FLAGSHIP_PCRE_H_INCLUDED_ */
