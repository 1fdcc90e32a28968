
/*
 * Copyright (C) Flagship
 */


/*
 * Semantic versions (semver.org 2.0.0) as flagd's sem_ver reads them: one
 * leading "v" or "V" is dropped, "1" and "1.2" are padded with zeros, numbers
 * have any length, build metadata is ignored.  Invalid: blanks, leading zeros
 * where semver.org forbids them, build metadata on a padded version, an empty
 * identifier.
 */


#ifndef _FLAGSHIP_SEMVER_H_INCLUDED_
#define _FLAGSHIP_SEMVER_H_INCLUDED_


#include "flagship_core.h"


/* Points into the text that was parsed. */

typedef struct {
    flagship_str_t       number[3];  /* digits without leading zeros; "0" */
    flagship_str_t       pre;        /* without the '-'; len 0: a release */
} flagship_semver_t;


typedef enum {
    FLAGSHIP_SEMVER_EQ = 0,          /* =  */
    FLAGSHIP_SEMVER_NE,              /* != */
    FLAGSHIP_SEMVER_LT,              /* <  */
    FLAGSHIP_SEMVER_LE,              /* <= */
    FLAGSHIP_SEMVER_GT,              /* >  */
    FLAGSHIP_SEMVER_GE,              /* >= */
    FLAGSHIP_SEMVER_CARET,           /* ^  same major */
    FLAGSHIP_SEMVER_TILDE,           /* ~  same major and minor */
    FLAGSHIP_SEMVER_BAD
} flagship_semver_op_e;


/* FLAGSHIP_OK or FLAGSHIP_DECLINED.  Does not allocate. */
int flagship_semver_parse(flagship_semver_t *v, flagship_str_t text);

/* < 0, 0, > 0 by semver.org's precedence. */
int flagship_semver_compare(const flagship_semver_t *a,
    const flagship_semver_t *b);

flagship_semver_op_e flagship_semver_op(flagship_str_t op);
int flagship_semver_test(const flagship_semver_t *a, flagship_semver_op_e op,
    const flagship_semver_t *b);


#endif /* _FLAGSHIP_SEMVER_H_INCLUDED_ */
