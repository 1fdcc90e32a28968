
/*
 * Copyright (C) Flagship
 */


/*
 * What the JSON parser shares with the conversions of numbers: the text of a
 * number taken apart.  Not for others: see flagship_json.h.
 */


#ifndef _FLAGSHIP_NUMBER_H_INCLUDED_
#define _FLAGSHIP_NUMBER_H_INCLUDED_


#include "flagship_core.h"


/*
 * The value is 0.d1d2d3... * 10^point, with the significant digits of the
 * text from its first that is not 0.
 */

typedef struct {
    const char          *digits;     /* the first significant, in the text */
    const char          *end;        /* behind the last digit; a '.' may lie
                                        between */
    uint64_t             head;       /* the first 19 significant digits, or
                                        fewer where there are fewer */
    int64_t              point;      /* 0: no digit before the point */
    size_t               ndigits;    /* significant, zeros at the end too */
    unsigned             negative:1;
    unsigned             more:1;     /* digits behind the head, not all 0;
                                        else "digits" and "end" are not
                                        needed to know the value */
} flagship_decimal_t;


/*
 * Reads a JSON number at the beginning of a text.  Returns its first byte that
 * is not of the number, or NULL where there is none.
 */

const char *flagship_decimal_scan(flagship_decimal_t *decimal, const char *p,
    const char *last);

/* Correctly rounded; an infinity where no finite double is near. */
double flagship_decimal_double(const flagship_decimal_t *decimal);

/* Whether flagship_number_print() of the double gives the same value. */
int flagship_decimal_exact(const flagship_decimal_t *decimal, double number);


/*
 * The shortest digits that read back as the positive finite double, without
 * zeros at their end, and of those the closest; returns the point's place.
 */

int flagship_double_shortest(double number, uint64_t *digits);


/*
 * flagship_bigint.c: exactly, for what 128 bits do not decide.  Numbers are
 * mantissa * 2^exponent within the range of doubles.
 */

/* The sign of decimal - mantissa * 2^exponent. */
int flagship_decimal_compare(const flagship_decimal_t *decimal,
    uint64_t mantissa, int exponent);

/* The first "n" (at most 17) digits, rounded; returns the point's place. */
int flagship_binary_digits(uint64_t mantissa, int exponent, unsigned n,
    uint64_t *digits);


#endif /* _FLAGSHIP_NUMBER_H_INCLUDED_ */
