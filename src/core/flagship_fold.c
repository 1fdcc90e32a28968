
/*
 * Copyright (C) Flagship
 */


/*
 * Case folding.  Pure functions that allocate nothing; any thread may call.
 */


#include <string.h>

#include "flagship_fold.h"


#include "flagship_fold_table.h"


#define FLAGSHIP_FOLDS                                                        \
    (sizeof(flagship_fold_table) / sizeof(flagship_fold_table[0]))


static unsigned flagship_fold_read(const unsigned char *p, size_t len,
    uint32_t *c);
static unsigned flagship_fold_write(unsigned char *p, uint32_t c);


uint32_t
flagship_fold_point(uint32_t c)
{
    size_t                      n, half;
    const flagship_fold_run_t  *run;

    if (c < 0x80) {
        return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    }

    run = flagship_fold_table;

    for (n = FLAGSHIP_FOLDS; n > 1; n -= half) {
        half = n / 2;
        run += (run[half].first <= c) ? half : 0;
    }

    if (c < run->first || c > run->last || (c - run->first) % run->step) {
        return c;
    }

    return c + run->by;
}


int
flagship_fold_run(size_t i, flagship_fold_run_t *run)
{
    if (i >= FLAGSHIP_FOLDS) {
        return 0;
    }

    *run = flagship_fold_table[i];

    return 1;
}


int
flagship_fold(flagship_str_t s, char *buf, size_t size,
    flagship_str_t *folded)
{
    size_t                i, k, n;
    uint32_t              c;
    unsigned char        *out;
    const unsigned char  *p;

    p = (const unsigned char *) s.data;
    out = (unsigned char *) buf;

    for (i = 0, k = 0; i < s.len; i += n) {

        if (size - k < 4) {
            /* room for any character */
            return FLAGSHIP_DECLINED;
        }

        if (p[i] < 0x80) {
            out[k++] = p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20 : p[i];
            n = 1;
            continue;
        }

        n = flagship_fold_read(p + i, s.len - i, &c);

        if (n == 0) {
            out[k++] = p[i];
            n = 1;
            continue;
        }

        k += flagship_fold_write(out + k, flagship_fold_point(c));
    }

    *folded = flagship_str(buf, k);

    return FLAGSHIP_OK;
}


/* A character of two bytes or more; 0: it is none. */

static unsigned
flagship_fold_read(const unsigned char *p, size_t len, uint32_t *c)
{
    unsigned  i, n;

    static const uint32_t  least[5] = { 0, 0, 0x80, 0x800, 0x10000 };

    if (p[0] >= 0xf0) {
        n = 4;

    } else {
        n = p[0] >= 0xe0 ? 3 : 2;
    }

    if (p[0] < 0xc2 || p[0] > 0xf4 || n > len) {
        return 0;
    }

    *c = p[0] & (0x7f >> n);

    for (i = 1; i < n; i++) {

        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }

        *c = *c << 6 | (p[i] & 0x3f);
    }

    if (*c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000)) {
        return 0;
    }

    return n;
}


static unsigned
flagship_fold_write(unsigned char *p, uint32_t c)
{
    if (c < 0x80) {
        p[0] = (unsigned char) c;
        return 1;
    }

    if (c < 0x800) {
        p[0] = 0xc0 | c >> 6;
        p[1] = 0x80 | (c & 0x3f);
        return 2;
    }

    if (c < 0x10000) {
        p[0] = 0xe0 | c >> 12;
        p[1] = 0x80 | (c >> 6 & 0x3f);
        p[2] = 0x80 | (c & 0x3f);
        return 3;
    }

    p[0] = 0xf0 | c >> 18;
    p[1] = 0x80 | (c >> 12 & 0x3f);
    p[2] = 0x80 | (c >> 6 & 0x3f);
    p[3] = 0x80 | (c & 0x3f);
    return 4;
}
