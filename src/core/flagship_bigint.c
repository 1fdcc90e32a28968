
/*
 * Copyright (C) Flagship
 */


/*
 * Exact arithmetic for the few numbers whose decimal or binary neighbour is
 * too close for 128 bits.  Big integers of a fixed size on the stack: nothing
 * allocates, any thread may call.
 *
 * The largest number that comes up is a text of FLAGSHIP_BIGINT_DIGITS + 1
 * digits, or five to as many and the 324 places of the least double: below
 * 2800 bits.  Halfway between two doubles lie numbers of at most 767 digits,
 * so of a longer text it only matters whether anything follows.
 */


#include "flagship_number.h"

#include <string.h>


#define FLAGSHIP_BIGINT_DIGITS  780
#define FLAGSHIP_BIGINT_LIMBS   64


typedef struct {
    unsigned             n;          /* limbs used, the last one is not 0 */
    uint64_t             limb[FLAGSHIP_BIGINT_LIMBS];
} flagship_bigint_t;


static void flagship_bigint_set(flagship_bigint_t *big, uint64_t value);
static void flagship_bigint_muladd(flagship_bigint_t *big, uint64_t factor,
    uint64_t add);
static void flagship_bigint_pow5(flagship_bigint_t *big, unsigned exponent);
static void flagship_bigint_shift(flagship_bigint_t *big, unsigned bits);
static void flagship_bigint_sub(flagship_bigint_t *a,
    const flagship_bigint_t *b);
static int flagship_bigint_compare(const flagship_bigint_t *a,
    const flagship_bigint_t *b);
static int64_t flagship_bigint_decimal(flagship_bigint_t *big,
    const flagship_decimal_t *decimal);


int
flagship_decimal_compare(const flagship_decimal_t *decimal,
    uint64_t mantissa, int exponent)
{
    int64_t            scale;
    flagship_bigint_t  a, b;

    /* a * 10^scale against b * 2^exponent */

    scale = flagship_bigint_decimal(&a, decimal);
    flagship_bigint_set(&b, mantissa);

    if (scale > 0) {
        flagship_bigint_pow5(&a, (unsigned) scale);

    } else {
        flagship_bigint_pow5(&b, (unsigned) -scale);
    }

    exponent -= (int) scale;

    if (exponent > 0) {
        flagship_bigint_shift(&b, (unsigned) exponent);

    } else {
        flagship_bigint_shift(&a, (unsigned) -exponent);
    }

    return flagship_bigint_compare(&a, &b);
}


/* The digits as an integer; returns the power of ten that it lacks. */

static int64_t
flagship_bigint_decimal(flagship_bigint_t *big,
    const flagship_decimal_t *decimal)
{
    size_t       n;
    uint64_t     part, unit;
    const char  *p;

    if (!decimal->more) {
        flagship_bigint_set(big, decimal->head);
        return decimal->point
               - (int64_t) (decimal->ndigits < 19 ? decimal->ndigits : 19);
    }

    flagship_bigint_set(big, 0);

    part = 0;
    unit = 1;
    p = decimal->digits;

    for (n = 0; n < decimal->ndigits && n < FLAGSHIP_BIGINT_DIGITS; p++) {

        if (*p == '.') {
            continue;
        }

        part = part * 10 + (uint64_t) (*p - '0');
        unit *= 10;
        n++;

        if (unit == 1000000000000000000ull) {
            flagship_bigint_muladd(big, unit, part);
            part = 0;
            unit = 1;
        }
    }

    flagship_bigint_muladd(big, unit, part);

    for ( /* void */ ; p < decimal->end; p++) {
        if (*p != '.' && *p != '0') {
            flagship_bigint_muladd(big, 10, 1);
            n++;
            break;
        }
    }

    return decimal->point - (int64_t) n;
}


int
flagship_binary_digits(uint64_t mantissa, int exponent, unsigned n,
    uint64_t *digits)
{
    int                rc, point, power;
    uint64_t           value;
    unsigned           digit, i;
    flagship_bigint_t  num, den;

    /* the decimal exponent from the binary one: right, or one too low */

    power = exponent + 63 - __builtin_clzll(mantissa);
    point = (int) (((int64_t) power * 78913) >> 18) + 1;

    flagship_bigint_set(&num, mantissa);
    flagship_bigint_set(&den, 1);

    if (point > 0) {
        flagship_bigint_pow5(&den, (unsigned) point);

    } else {
        flagship_bigint_pow5(&num, (unsigned) -point);
    }

    if (exponent > point) {
        flagship_bigint_shift(&num, (unsigned) (exponent - point));

    } else {
        flagship_bigint_shift(&den, (unsigned) (point - exponent));
    }

    if (flagship_bigint_compare(&num, &den) >= 0) {
        flagship_bigint_muladd(&den, 10, 0);
        point++;
    }

    value = 0;

    for (i = 0; i < n; i++) {
        flagship_bigint_muladd(&num, 10, 0);

        for (digit = 0; flagship_bigint_compare(&num, &den) >= 0; digit++) {
            flagship_bigint_sub(&num, &den);
        }

        value = value * 10 + digit;
    }

    /* to the nearest, a tie to even */

    flagship_bigint_muladd(&num, 2, 0);
    rc = flagship_bigint_compare(&num, &den);

    if (rc > 0 || (rc == 0 && (value & 1))) {
        value++;
    }

    *digits = value;

    return point;
}


static void
flagship_bigint_set(flagship_bigint_t *big, uint64_t value)
{
    big->limb[0] = value;
    big->n = (value != 0);
}


static void
flagship_bigint_muladd(flagship_bigint_t *big, uint64_t factor, uint64_t add)
{
    unsigned           i;
    unsigned __int128  t;

    t = add;

    for (i = 0; i < big->n; i++) {
        t += (unsigned __int128) big->limb[i] * factor;
        big->limb[i] = (uint64_t) t;
        t >>= 64;
    }

    if (t && big->n < FLAGSHIP_BIGINT_LIMBS) {
        big->limb[big->n++] = (uint64_t) t;
    }
}


static void
flagship_bigint_pow5(flagship_bigint_t *big, unsigned exponent)
{
    uint64_t  factor;

    /* 5^27 is the largest power that a limb holds */

    for ( /* void */ ; exponent >= 27; exponent -= 27) {
        flagship_bigint_muladd(big, 7450580596923828125ull, 0);
    }

    for (factor = 1; exponent; exponent--) {
        factor *= 5;
    }

    flagship_bigint_muladd(big, factor, 0);
}


static void
flagship_bigint_shift(flagship_bigint_t *big, unsigned bits)
{
    unsigned  limbs;

    limbs = bits / 64;

    if (big->n == 0 || big->n + limbs > FLAGSHIP_BIGINT_LIMBS) {
        return;
    }

    if (limbs) {
        memmove(big->limb + limbs, big->limb, big->n * sizeof(uint64_t));
        memset(big->limb, 0, limbs * sizeof(uint64_t));
        big->n += limbs;
    }

    flagship_bigint_muladd(big, (uint64_t) 1 << bits % 64, 0);
}


/* a >= b */

static void
flagship_bigint_sub(flagship_bigint_t *a, const flagship_bigint_t *b)
{
    uint64_t  x, y, borrow;
    unsigned  i;

    borrow = 0;

    for (i = 0; i < a->n; i++) {
        x = a->limb[i];
        y = (i < b->n) ? b->limb[i] : 0;

        a->limb[i] = x - y - borrow;
        borrow = (x < y) || (x == y && borrow);
    }

    while (a->n && a->limb[a->n - 1] == 0) {
        a->n--;
    }
}


static int
flagship_bigint_compare(const flagship_bigint_t *a,
    const flagship_bigint_t *b)
{
    unsigned  i;

    if (a->n != b->n) {
        return (a->n < b->n) ? -1 : 1;
    }

    for (i = a->n; i--; /* void */ ) {
        if (a->limb[i] != b->limb[i]) {
            return (a->limb[i] < b->limb[i]) ? -1 : 1;
        }
    }

    return 0;
}
