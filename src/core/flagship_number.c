
/*
 * Copyright (C) Flagship
 */


/*
 * Numbers: text -> double, correctly rounded, and double -> the shortest text
 * that reads back, as ECMA-262 prints it.
 *
 * No locale is asked and nothing allocates; any thread may call.  The usual
 * numbers (up to 15 digits, small exponents) take exact double arithmetic,
 * most others 128-bit integers, the rest flagship_bigint.c.
 */


#include "flagship_json.h"
#include "flagship_number.h"

#include <math.h>
#include <string.h>


#define FLAGSHIP_HEAD_DIGITS  19             /* of a decimal's head */
#define FLAGSHIP_MAX_INTEGER  9007199254740992.0     /* 2^53 */
#define FLAGSHIP_EXPONENT     1000000000     /* beyond any text's length */


/* Powers of ten that are exact as doubles. */

static const double  flagship_pow10[] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
};

/* Powers of five that 64 bits hold. */

static const uint64_t  flagship_pow5[] = {
    1ull, 5ull, 25ull, 125ull, 625ull, 3125ull, 15625ull, 78125ull, 390625ull,
    1953125ull, 9765625ull, 48828125ull, 244140625ull, 1220703125ull,
    6103515625ull, 30517578125ull, 152587890625ull, 762939453125ull,
    3814697265625ull, 19073486328125ull, 95367431640625ull,
    476837158203125ull, 2384185791015625ull, 11920928955078125ull,
    59604644775390625ull, 298023223876953125ull, 1490116119384765625ull,
    7450580596923828125ull
};

#define FLAGSHIP_POW5  27


static const char *flagship_decimal_exponent(const char *p, const char *last,
    int64_t *exponent);
static void flagship_decimal_head(flagship_decimal_t *d);
static double flagship_decimal_scale(const flagship_decimal_t *d, int64_t e);
static double flagship_decimal_round(const flagship_decimal_t *d, uint64_t f,
    int e2, unsigned error, unsigned inexact);
static int flagship_double_read_back(double number, uint64_t bits,
    unsigned n, uint64_t *digits, int *point);
static int flagship_double_round(uint64_t mantissa, int exponent, unsigned n,
    uint64_t *digits);
static unsigned flagship_count_digits(uint64_t digits);
static size_t flagship_number_format(uint64_t digits, int point, char *buf);
static unsigned flagship_print_digits(uint64_t digits, char *buf);


#define flagship_is_digit(c)  ((unsigned) (c) - '0' < 10)


const char *
flagship_decimal_scan(flagship_decimal_t *d, const char *p, const char *last)
{
    size_t       integers, fractions, zeros;
    int64_t      exponent;
    uint64_t     head;
    const char  *start, *fraction;

    d->negative = 0;

    if (p < last && *p == '-') {
        d->negative = 1;
        p++;
    }

    head = 0;

    for (start = p; p < last && flagship_is_digit(*p); p++) {
        head = head * 10 + (uint64_t) (*p - '0');
    }

    integers = (size_t) (p - start);

    if (integers == 0 || (integers > 1 && *start == '0')) {
        return NULL;
    }

    fractions = 0;

    if (p < last && *p == '.') {

        for (fraction = ++p; p < last && flagship_is_digit(*p); p++) {
            head = head * 10 + (uint64_t) (*p - '0');
        }

        fractions = (size_t) (p - fraction);

        if (fractions == 0) {
            return NULL;
        }
    }

    d->end = p;
    exponent = 0;

    if (p < last && (*p == 'e' || *p == 'E')) {
        p = flagship_decimal_exponent(p + 1, last, &exponent);

        if (p == NULL) {
            return NULL;
        }
    }

    if (*start == '0') {
        start++;
        integers = 0;

        if (fractions) {
            start++;

            for (zeros = 0; zeros < fractions && *start == '0'; zeros++) {
                start++;
            }

            fractions -= zeros;
            exponent -= (int64_t) zeros;
        }
    }

    d->digits = start;
    d->ndigits = integers + fractions;
    d->point = (int64_t) integers + exponent;
    d->head = head;
    d->more = 0;

    if (d->ndigits > FLAGSHIP_HEAD_DIGITS) {
        flagship_decimal_head(d);
    }

    return p;
}


static const char *
flagship_decimal_exponent(const char *p, const char *last, int64_t *exponent)
{
    int          negative;
    int64_t      value;
    const char  *start;

    negative = 0;

    if (p < last && (*p == '+' || *p == '-')) {
        negative = (*p == '-');
        p++;
    }

    value = 0;

    for (start = p; p < last && flagship_is_digit(*p); p++) {
        if (value < FLAGSHIP_EXPONENT) {
            value = value * 10 + (*p - '0');
        }
    }

    *exponent = negative ? -value : value;

    return (p == start) ? NULL : p;
}


/* The head of a text that is longer than it. */

static void
flagship_decimal_head(flagship_decimal_t *d)
{
    unsigned     n;
    const char  *p;

    d->head = 0;

    for (p = d->digits, n = 0; n < FLAGSHIP_HEAD_DIGITS; p++) {
        if (*p != '.') {
            d->head = d->head * 10 + (uint64_t) (*p - '0');
            n++;
        }
    }

    for ( /* void */ ; p < d->end; p++) {
        if (*p != '.' && *p != '0') {
            d->more = 1;
            break;
        }
    }
}


double
flagship_decimal_double(const flagship_decimal_t *d)
{
    double   number;
    int64_t  e;

    if (d->head == 0) {
        return d->negative ? -0.0 : 0.0;
    }

    e = d->point - (int64_t) (d->ndigits < FLAGSHIP_HEAD_DIGITS
                              ? d->ndigits : FLAGSHIP_HEAD_DIGITS);

    if (!d->more && d->head <= (uint64_t) FLAGSHIP_MAX_INTEGER
        && e >= -22 && e <= 22)
    {
        /* both are exact, so there is one rounding */

        number = (double) d->head;

        if (e < 0) {
            number /= flagship_pow10[-e];

        } else {
            number *= flagship_pow10[e];
        }

    } else if (d->point > 309) {
        number = INFINITY;

    } else if (d->point < -323) {
        number = 0;

    } else {
        number = flagship_decimal_scale(d, e);
    }

    return d->negative ? -number : number;
}


/*
 * Scales the head by powers of five: f * 2^e2 is the value, or less than it
 * by an error that is counted in units of 2^-63 of it.
 */

static double
flagship_decimal_scale(const flagship_decimal_t *d, int64_t e)
{
    int                e2, k, shift;
    uint64_t           f, divisor;
    unsigned           error, inexact;
    unsigned __int128  t, q;

    shift = __builtin_clzll(d->head);
    f = d->head << shift;
    e2 = -shift;

    inexact = d->more;
    error = inexact ? 10 : 0;    /* 10^-18 at most */

    while (e > 0) {
        k = (e < FLAGSHIP_POW5) ? (int) e : FLAGSHIP_POW5;
        e -= k;

        t = (unsigned __int128) f * flagship_pow5[k];

        shift = (t >> 64) ? __builtin_clzll((uint64_t) (t >> 64)) : 64;
        t <<= shift;

        f = (uint64_t) (t >> 64);
        e2 += 64 - shift + k;

        if ((uint64_t) t) {
            inexact = 1;
            error++;
        }
    }

    while (e < 0) {
        k = (e > -FLAGSHIP_POW5) ? (int) -e : FLAGSHIP_POW5;
        e += k;

        shift = __builtin_clzll(flagship_pow5[k]);
        divisor = flagship_pow5[k] << shift;

        e2 += shift - k - 63;
        t = (unsigned __int128) f << 63;

        if (f < divisor) {
            t <<= 1;
            e2--;
        }

        q = t / divisor;
        f = (uint64_t) q;

        if (t != q * divisor) {
            inexact = 1;
            error++;
        }
    }

    /* a single step errs by less than one unit of f, more by twice that */

    if (error > 1) {
        error = 2 * error + 2;
    }

    return flagship_decimal_round(d, f, e2, error, inexact);
}


/*
 * Rounds to the 53 bits of a double, or the fewer of a subnormal one.  The
 * value is in [f, f + error) * 2^e2, above f where it is inexact.
 */

static double
flagship_decimal_round(const flagship_decimal_t *d, uint64_t f, int e2,
    unsigned error, unsigned inexact)
{
    int                rc, shift;
    double             number;
    uint64_t           bits;
    unsigned __int128  low, half;

    shift = 11;

    if (e2 + 63 < -1022) {
        shift += -1022 - (e2 + 63);
    }

    if (shift > 66) {
        return 0;
    }

    bits = (shift > 63) ? 0 : f >> shift;
    half = (unsigned __int128) 1 << (shift - 1);
    low = f & (half + half - 1);

    if (low > half || (low == half && inexact)) {
        bits++;

    } else if (low == half) {
        bits += bits & 1;

    } else if (inexact && low + error > half) {

        rc = flagship_decimal_compare(d, 2 * bits + 1, e2 + shift - 1);

        if (rc > 0 || (rc == 0 && (bits & 1))) {
            bits++;
        }
    }

    /* a carry goes into the exponent by itself */

    bits += (uint64_t) (e2 + shift + 1074) << 52;

    if (bits >= (uint64_t) 0x7ff << 52) {
        return INFINITY;
    }

    memcpy(&number, &bits, sizeof(number));

    return number;
}


double
flagship_number_parse(const char *text, size_t len, int loose)
{
    double               number;
    const char          *p, *last;
    flagship_decimal_t   d;

    p = text;
    last = text + len;

    if (loose) {
        while (p < last && (*p == ' ' || (*p >= '\t' && *p <= '\r'))) {
            p++;
        }

        while (p < last
               && (last[-1] == ' ' || (last[-1] >= '\t' && last[-1] <= '\r')))
        {
            last--;
        }

        if (p == last) {
            return 0;
        }

        if (*p == '+') {
            p++;

            if (p == last || *p == '-') {
                return NAN;
            }
        }
    }

    if (flagship_decimal_scan(&d, p, last) != last) {
        return NAN;
    }

    number = flagship_decimal_double(&d);

    return isinf(number) ? NAN : number;
}


int
flagship_decimal_exact(const flagship_decimal_t *d, double number)
{
    int       point;
    uint64_t  head, digits;
    unsigned  n;

    if (d->head == 0) {
        return 1;
    }

    if (d->more || number == 0) {
        return 0;
    }

    number = fabs(number);

    /*
     * No two decimals of 15 digits are one normal double, so the shortest
     * text of it is this one.
     */

    if (d->ndigits <= 15 && number >= 0x1p-1022) {
        return 1;
    }

    head = d->head;

    while (head % 10 == 0) {
        head /= 10;
    }

    n = flagship_count_digits(head);

    if (n > 17) {
        return 0;
    }

    if (n <= 15 && number >= 0x1p-1022) {
        return 1;
    }

    point = flagship_double_shortest(number, &digits);

    return digits == head && point == d->point;
}


int
flagship_double_shortest(double number, uint64_t *digits)
{
    int       point;
    double    scaled;
    uint64_t  bits, m;
    unsigned  k, n;

    m = 0;
    k = 0;

    if (number < FLAGSHIP_MAX_INTEGER
        && number == (double) (uint64_t) number)
    {
        m = (uint64_t) number;

    } else if (number >= 1e-7 && number < 1e14) {

        /* a decimal of 15 digits that reads back is the shortest */

        for (k = 1; k <= 22; k++) {
            scaled = number * flagship_pow10[k];

            if (scaled >= 1e15) {
                break;
            }

            m = (uint64_t) (scaled + 0.5);

            if ((double) m / flagship_pow10[k] == number) {
                break;
            }

            m = 0;
        }
    }

    if (m) {
        point = (int) flagship_count_digits(m) - (int) k;

    } else {
        memcpy(&bits, &number, sizeof(bits));

        /* subnormal doubles have as few as one digit */

        for (n = (bits >> 52) ? 15 : 1; n < 17; n++) {
            if (flagship_double_read_back(number, bits, n, &m, &point)) {
                break;
            }
        }

        if (n == 17) {
            (void) flagship_double_read_back(number, bits, n, &m, &point);
        }
    }

    while (m % 10 == 0) {
        m /= 10;
    }

    *digits = m;

    return point;
}


/*
 * Whether some "n" digits read back as the double: those nearest to it, or at
 * a power of two, where the doubles above are twice as far apart as those
 * below, the next ones above.
 */

static int
flagship_double_read_back(double number, uint64_t bits, unsigned n,
    uint64_t *digits, int *point)
{
    int                 exponent;
    uint64_t            mantissa;
    unsigned            i;
    flagship_decimal_t  d;

    mantissa = bits & (((uint64_t) 1 << 52) - 1);
    exponent = (int) (bits >> 52) - 1075;

    if (bits >> 52) {
        mantissa |= (uint64_t) 1 << 52;

    } else {
        exponent++;
    }

    *point = flagship_double_round(mantissa, exponent, n, digits);

    memset(&d, 0, sizeof(flagship_decimal_t));

    for (i = 0; i < 2; i++) {

        if (flagship_count_digits(*digits) > n) {
            *digits /= 10;
            *point += 1;
        }

        d.head = *digits;
        d.ndigits = n;
        d.point = *point;

        if (flagship_decimal_double(&d) == number) {
            return 1;
        }

        *digits += 1;
    }

    return 0;
}


/* The nearest "n" digits, by 128 bits where they suffice. */

static int
flagship_double_round(uint64_t mantissa, int exponent, unsigned n,
    uint64_t *digits)
{
    int                point, scale, shift;
    uint64_t           value;
    unsigned           top;
    unsigned __int128  t, half, low;

    top = 63 - (unsigned) __builtin_clzll(mantissa);
    point = (int) (((int64_t) (exponent + (int) top) * 78913) >> 18) + 1;

    for (scale = (int) n - point; scale >= 0; scale--, point++) {
        shift = -(exponent + scale);

        if (scale > FLAGSHIP_POW5 || shift <= 0 || shift > 127) {
            break;
        }

        t = (unsigned __int128) mantissa * flagship_pow5[scale];

        half = (unsigned __int128) 1 << (shift - 1);
        low = t & (half + half - 1);
        value = (uint64_t) (t >> shift);

        if (flagship_count_digits(value) > n) {
            continue;
        }

        if (low > half || (low == half && (value & 1))) {
            value++;
        }

        *digits = value;

        return point;
    }

    return flagship_binary_digits(mantissa, exponent, n, digits);
}


size_t
flagship_number_print(double number, char *buf)
{
    int       point;
    char     *p;
    uint64_t  digits;

    p = buf;

    if (number == 0) {
        *p = '0';
        return 1;
    }

    if (number < 0) {
        *p++ = '-';
        number = -number;
    }

    if (number < FLAGSHIP_MAX_INTEGER
        && number == (double) (uint64_t) number)
    {
        p += flagship_print_digits((uint64_t) number, p);
        return (size_t) (p - buf);
    }

    point = flagship_double_shortest(number, &digits);

    return (size_t) (p - buf) + flagship_number_format(digits, point, p);
}


/* ECMA-262, Number::toString: "n" there is the point's place. */

static size_t
flagship_number_format(uint64_t digits, int point, char *buf)
{
    int       n, e;
    char     *p, text[20];

    n = (int) flagship_print_digits(digits, text);
    p = buf;

    if (point > 21 || point <= -6) {

        *p++ = text[0];

        if (n > 1) {
            *p++ = '.';
            memcpy(p, text + 1, (size_t) n - 1);
            p += n - 1;
        }

        e = point - 1;

        *p++ = 'e';
        *p++ = (e < 0) ? '-' : '+';
        p += flagship_print_digits((uint64_t) (e < 0 ? -e : e), p);

    } else if (point <= 0) {

        memcpy(p, "0.00000", 7);
        p += 2 - point;
        memcpy(p, text, (size_t) n);
        p += n;

    } else if (point >= n) {

        memcpy(p, text, (size_t) n);
        memset(p + n, '0', (size_t) (point - n));
        p += point;

    } else {

        memcpy(p, text, (size_t) point);
        p[point] = '.';
        memcpy(p + point + 1, text + point, (size_t) (n - point));
        p += n + 1;
    }

    return (size_t) (p - buf);
}


static unsigned
flagship_print_digits(uint64_t digits, char *buf)
{
    unsigned  n, i;

    n = flagship_count_digits(digits);

    for (i = n; i--; digits /= 10) {
        buf[i] = (char) ('0' + digits % 10);
    }

    return n;
}


/* At least 1; below 10^19. */

static unsigned
flagship_count_digits(uint64_t digits)
{
    unsigned  n;
    uint64_t  limit;

    n = 1;

    for (limit = 10; digits >= limit && n < 19; limit *= 10) {
        n++;
    }

    return n;
}
