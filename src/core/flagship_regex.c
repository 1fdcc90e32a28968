
/*
 * Copyright (C) Flagship
 */


/*
 * Running a regular expression, and the proof that it is safe to run.
 *
 * The program's states are followed all at once: a list of those that are
 * alive, each at most once, so a character costs no more than the program is
 * long.
 */


#include <string.h>

#include "flagship_regex.h"


#define FLAGSHIP_REGEX_END  0x110000u    /* no code point: the text's end */
#define FLAGSHIP_REGEX_BAD  0x110001u    /* a byte that is none of UTF-8 */


typedef struct {
    const flagship_regex_code_t   *code;
    const flagship_regex_range_t  *ranges;
    uint64_t                      *marks;    /* instructions in the list */
    uint16_t                      *list;
    uint32_t                       n;
    uint32_t                       before;   /* code points around the place */
    uint32_t                       behind;
} flagship_regex_run_t;


static int flagship_regex_table(const flagship_regex_t *regex,
    flagship_str_t text);
static int flagship_regex_program(const flagship_regex_t *regex,
    flagship_str_t text, void *memory, uint64_t *left);
static int flagship_regex_close(flagship_regex_run_t *run);
static int flagship_regex_holds(const flagship_regex_run_t *run,
    unsigned what);
static unsigned flagship_regex_read(const unsigned char *p, size_t len,
    uint32_t *c);
static int flagship_regex_verify_table(const flagship_regex_t *regex,
    size_t len);
static int flagship_regex_verify_program(const flagship_regex_t *regex,
    size_t len);


int
flagship_regex_match(const flagship_regex_t *regex, flagship_str_t text,
    void *memory, uint32_t *steps)
{
    int       rc;
    uint64_t  left;

    if (regex->kind == FLAGSHIP_REGEX_IS_TABLE) {

        if (text.len / 32 >= *steps) {
            *steps = 0;
            return FLAGSHIP_DECLINED;
        }

        *steps -= (uint32_t) (text.len / 32) + 1;

        return flagship_regex_table(regex, text);
    }

    left = (uint64_t) *steps * 32;

    rc = flagship_regex_program(regex, text, memory, &left);

    *steps = (uint32_t) (left / 32);

    return rc;
}


static int
flagship_regex_table(const flagship_regex_t *regex, flagship_str_t text)
{
    uint32_t              row;
    const uint8_t        *column;
    const uint16_t       *next;
    const unsigned char  *p, *last;

    column = (const uint8_t *) (regex + 1);
    next = (const uint16_t *) (column + 256);

    p = (const unsigned char *) text.data;
    last = p + text.len;

    for (row = regex->start; row > FLAGSHIP_REGEX_FOUND && p < last; p++) {
        row = next[row + column[*p]];
    }

    if (row > FLAGSHIP_REGEX_FOUND) {
        row = next[row + regex->extra - 1];
    }

    return row == FLAGSHIP_REGEX_FOUND;
}


static inline void
flagship_regex_add(flagship_regex_run_t *run, uint32_t i)
{
    uint64_t  bit;

    bit = (uint64_t) 1 << (i & 63);

    if (!(run->marks[i >> 6] & bit)) {
        run->marks[i >> 6] |= bit;
        run->list[run->n++] = (uint16_t) i;
    }
}


static inline int
flagship_regex_has(const flagship_regex_range_t *range, uint32_t n,
    uint32_t c)
{
    uint32_t  half;

    while (n > 1) {
        half = n / 2;
        range += (range[half].first <= c) ? half : 0;
        n -= half;
    }

    return n && range->first <= c && c <= range->last;
}


static int
flagship_regex_program(const flagship_regex_t *regex, flagship_str_t text,
    void *memory, uint64_t *left)
{
    size_t                        size;
    uint16_t                     *list[2];
    uint32_t                      i, n, now;
    unsigned                      len;
    flagship_regex_run_t          run;
    const unsigned char          *p, *last;
    const flagship_regex_code_t  *code;

    size = (regex->n + 63) / 64 * 8;

    run.code = (const flagship_regex_code_t *) (regex + 1);
    run.ranges = (const flagship_regex_range_t *) (run.code + regex->n);
    run.marks = memory;
    run.before = FLAGSHIP_REGEX_END;
    run.n = 0;

    list[0] = (uint16_t *) ((char *) memory + size);
    list[1] = list[0] + regex->n;

    memset(run.marks, 0, size);

    p = (const unsigned char *) text.data;
    last = p + text.len;

    for (now = 0; /* void */ ; now = !now) {
        len = flagship_regex_read(p, last - p, &run.behind);

        /* a match may begin anywhere */

        run.list = list[now];
        flagship_regex_add(&run, regex->start);

        if (flagship_regex_close(&run)) {
            return 1;
        }

        if (p == last) {
            return 0;
        }

        if (*left < run.n + size) {
            *left = 0;
            return FLAGSHIP_DECLINED;
        }

        *left -= run.n + size;

        n = run.n;
        run.n = 0;
        run.list = list[!now];

        memset(run.marks, 0, size);

        for (i = 0; i < n; i++) {
            code = &run.code[list[now][i]];

            if (code->op == FLAGSHIP_REGEX_SET
                && flagship_regex_has(run.ranges + code->arg, code->n,
                                      run.behind))
            {
                flagship_regex_add(&run, code->next);
            }
        }

        run.before = run.behind;
        p += len;
    }
}


/* Adds what can be reached without a character; 1: the end is among it. */

static int
flagship_regex_close(flagship_regex_run_t *run)
{
    uint32_t                      i;
    const flagship_regex_code_t  *code;

    for (i = 0; i < run->n; i++) {
        code = &run->code[run->list[i]];

        switch (code->op) {

        case FLAGSHIP_REGEX_MATCH:
            return 1;

        case FLAGSHIP_REGEX_SPLIT:
            flagship_regex_add(run, code->next);
            flagship_regex_add(run, code->arg);
            break;

        case FLAGSHIP_REGEX_ASSERT:

            if (flagship_regex_holds(run, code->arg)) {
                flagship_regex_add(run, code->next);
            }

            break;
        }
    }

    return 0;
}


static inline int
flagship_regex_is_word(uint32_t c)
{
    return c < 0x80 && ((c >= '0' && c <= '9') || c == '_'
                        || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'));
}


static int
flagship_regex_holds(const flagship_regex_run_t *run, unsigned what)
{
    switch (what) {

    case FLAGSHIP_REGEX_TEXT_BEGIN:
        return run->before == FLAGSHIP_REGEX_END;

    case FLAGSHIP_REGEX_TEXT_END:
        return run->behind == FLAGSHIP_REGEX_END;

    case FLAGSHIP_REGEX_LINE_BEGIN:
        return run->before == FLAGSHIP_REGEX_END || run->before == '\n';

    case FLAGSHIP_REGEX_LINE_END:
        return run->behind == FLAGSHIP_REGEX_END || run->behind == '\n';

    default:
        return (flagship_regex_is_word(run->before)
                == flagship_regex_is_word(run->behind))
               == (what == FLAGSHIP_REGEX_NOT_WORD);
    }
}


/* The bytes of the code point; a byte that begins none is one by itself. */

static unsigned
flagship_regex_read(const unsigned char *p, size_t len, uint32_t *c)
{
    unsigned  i, n;

    if (len == 0) {
        *c = FLAGSHIP_REGEX_END;
        return 0;
    }

    if (p[0] < 0x80) {
        *c = p[0];
        return 1;
    }

    n = (p[0] >= 0xf0) ? 4 : (p[0] >= 0xe0) ? 3 : 2;
    *c = p[0] & (0x7f >> n);

    if (p[0] < 0xc2 || p[0] > 0xf4 || n > len) {
        *c = FLAGSHIP_REGEX_BAD;
        return 1;
    }

    for (i = 1; i < n; i++) {

        if ((p[i] & 0xc0) != 0x80) {
            *c = FLAGSHIP_REGEX_BAD;
            return 1;
        }

        *c = *c << 6 | (p[i] & 0x3f);
    }

    return n;
}


int
flagship_regex_verify(const void *data, size_t len)
{
    const flagship_regex_t  *regex = data;

    if (len < sizeof(flagship_regex_t)) {
        return 0;
    }

    len -= sizeof(flagship_regex_t);

    if (regex->kind == FLAGSHIP_REGEX_IS_TABLE) {
        return flagship_regex_verify_table(regex, len);
    }

    return regex->kind == FLAGSHIP_REGEX_IS_PROGRAM
           && flagship_regex_verify_program(regex, len);
}


static inline int
flagship_regex_is_row(const flagship_regex_t *regex, uint32_t row)
{
    return row <= FLAGSHIP_REGEX_FOUND
           || (row < regex->n && (row - 2) % regex->extra == 0);
}


/* Rows are whole, and all that is in them is a row. */

static int
flagship_regex_verify_table(const flagship_regex_t *regex, size_t len)
{
    uint32_t         i, columns;
    const uint8_t   *column;
    const uint16_t  *next;

    columns = regex->extra;

    if (columns == 0 || columns > 257
        || regex->n < 2 || regex->n > FLAGSHIP_REGEX_TABLE
        || (regex->n - 2) % columns
        || len < 256 + (size_t) regex->n * sizeof(uint16_t))
    {
        return 0;
    }

    column = (const uint8_t *) (regex + 1);
    next = (const uint16_t *) (column + 256);

    for (i = 0; i < 256; i++) {
        if (column[i] >= columns) {
            return 0;
        }
    }

    for (i = 2; i < regex->n; i++) {
        if (!flagship_regex_is_row(regex, next[i])) {
            return 0;
        }
    }

    return flagship_regex_is_row(regex, regex->start);
}


static int
flagship_regex_verify_program(const flagship_regex_t *regex, size_t len)
{
    uint32_t                      i;
    const flagship_regex_code_t  *code;

    if (regex->n == 0 || regex->n > FLAGSHIP_REGEX_PROGRAM
        || regex->start >= regex->n
        || len < (size_t) regex->n * sizeof(flagship_regex_code_t)
                 + (uint64_t) regex->extra * sizeof(flagship_regex_range_t))
    {
        return 0;
    }

    code = (const flagship_regex_code_t *) (regex + 1);

    for (i = 0; i < regex->n; i++) {

        if (code[i].next >= regex->n) {
            return 0;
        }

        switch (code[i].op) {

        case FLAGSHIP_REGEX_MATCH:
            break;

        case FLAGSHIP_REGEX_SET:

            if ((uint32_t) code[i].arg + code[i].n > regex->extra) {
                return 0;
            }

            break;

        case FLAGSHIP_REGEX_SPLIT:

            if (code[i].arg >= regex->n) {
                return 0;
            }

            break;

        case FLAGSHIP_REGEX_ASSERT:

            if (code[i].arg > FLAGSHIP_REGEX_NOT_WORD) {
                return 0;
            }

            break;

        default:
            return 0;
        }
    }

    return 1;
}
