
/*
 * Copyright (C) Flagship
 */


/*
 * From a program of bytes to a table: a state of the table is the set of
 * instructions that may be next.
 *
 * What looks at the byte before is decided when a state is made; what looks at
 * the byte behind ($, \b) waits in the state until that byte is known, and so
 * does what of the place before it needs ("around").  Bytes that no
 * instruction tells apart share a column; the end of the text has the last.
 */


#include <stdlib.h>
#include <string.h>

#include "flagship_regex_parser.h"


#define FLAGSHIP_REGEX_UNKNOWN   257u    /* a byte behind that is not known */
#define FLAGSHIP_REGEX_OVER      256u    /* there is none: the text's end */

/* before the place: */

#define FLAGSHIP_REGEX_AT_BEGIN  1u
#define FLAGSHIP_REGEX_AT_LINE   2u
#define FLAGSHIP_REGEX_AT_WORD   4u


/* A state: its instructions in ascending order. */

typedef struct {
    uint32_t                      items;   /* in the pool */
    uint32_t                      n;
    uint32_t                      around;
    uint32_t                      waits;   /* an assertion is among them */
} flagship_regex_state_t;


typedef struct {
    flagship_regex_parser_t      *parser;
    const flagship_regex_byte_t  *code;
    uint32_t                      start;

    uint8_t                       column[256];
    uint16_t                      byte[257];   /* one of each column */
    uint32_t                      columns;
    uint32_t                      asserts;     /* bits of those in use */

    uint16_t                     *list;        /* that is being made */
    uint32_t                      n;
    uint32_t                     *marks;       /* == mark: is in the list */
    uint32_t                      mark;

    uint16_t                     *from;        /* of the state left */
    uint16_t                     *pool;
    uint32_t                      pooled;
    uint32_t                      pool_size;

    flagship_regex_state_t       *states;
    uint32_t                      nstates;
    uint32_t                      most;
    uint32_t                     *hash;        /* state + 1 */
    uint32_t                      mask;

    uint16_t                     *next;
    uint32_t                      budget;      /* of work */
} flagship_regex_table_t;


static int flagship_regex_table_init(flagship_regex_table_t *t, uint32_t n);
static void flagship_regex_table_columns(flagship_regex_table_t *t,
    uint32_t n);
static int flagship_regex_table_row(flagship_regex_table_t *t, uint32_t i);
static int flagship_regex_table_step(flagship_regex_table_t *t,
    const flagship_regex_state_t *state, unsigned byte, uint32_t *row);
static int flagship_regex_table_close(flagship_regex_table_t *t,
    uint32_t around, unsigned behind);
static int flagship_regex_table_holds(unsigned what, uint32_t around,
    unsigned behind);
static int flagship_regex_table_state(flagship_regex_table_t *t,
    uint32_t around, uint32_t *row);
static int flagship_regex_table_find(flagship_regex_table_t *t,
    uint32_t around, uint32_t waits, uint32_t *row);
static int flagship_regex_table_reserve(flagship_regex_table_t *t);
static int flagship_regex_table_write(flagship_regex_table_t *t,
    uint32_t start, flagship_regex_compiled_t *compiled);
static int flagship_regex_table_order(const void *one, const void *two);


/* Work of a table that would take longer is better saved. */
#define FLAGSHIP_REGEX_TABLE_WORK  1000000u


int
flagship_regex_table_build(flagship_regex_parser_t *parser,
    const flagship_regex_byte_t *code, uint32_t n, uint32_t start,
    flagship_regex_compiled_t *compiled)
{
    int                      rc;
    uint32_t                 i, row;
    flagship_regex_table_t   t;

    memset(&t, 0, sizeof(flagship_regex_table_t));

    t.parser = parser;
    t.code = code;
    t.start = start;
    t.budget = *parser->work + FLAGSHIP_REGEX_TABLE_WORK;

    if (flagship_regex_table_init(&t, n) != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    t.mark++;
    rc = flagship_regex_table_state(&t, FLAGSHIP_REGEX_AT_BEGIN
                                        |FLAGSHIP_REGEX_AT_LINE, &row);

    for (i = 0; rc == FLAGSHIP_OK && i < t.nstates; i++) {
        rc = flagship_regex_table_row(&t, i);
    }

    if (rc != FLAGSHIP_OK) {
        return parser->nomem ? FLAGSHIP_ERROR : rc;
    }

    return flagship_regex_table_write(&t, row, compiled);
}


static int
flagship_regex_table_init(flagship_regex_table_t *t, uint32_t n)
{
    flagship_regex_table_columns(t, n);

    t->most = (FLAGSHIP_REGEX_TABLE - 2) / t->columns;

    for (t->mask = 64; t->mask < t->most * 2; t->mask *= 2) { /* void */ }

    t->list = flagship_regex_alloc(t->parser, n * sizeof(uint16_t));
    t->from = flagship_regex_alloc(t->parser, n * sizeof(uint16_t));
    t->marks = flagship_regex_alloc(t->parser, n * sizeof(uint32_t));
    t->states = flagship_regex_alloc(t->parser,
                                     t->most * sizeof(flagship_regex_state_t));
    t->hash = flagship_regex_alloc(t->parser, t->mask * sizeof(uint32_t));
    t->next = flagship_regex_alloc(t->parser,
                                   FLAGSHIP_REGEX_TABLE * sizeof(uint16_t));

    if (t->parser->nomem) {
        return FLAGSHIP_ERROR;
    }

    memset(t->marks, 0, n * sizeof(uint32_t));
    memset(t->hash, 0, t->mask * sizeof(uint32_t));

    t->mask--;

    return FLAGSHIP_OK;
}


static inline int
flagship_regex_table_word(unsigned c)
{
    return (c >= '0' && c <= '9') || c == '_' || (c >= 'A' && c <= 'Z')
           || (c >= 'a' && c <= 'z');
}


static void
flagship_regex_table_columns(flagship_regex_table_t *t, uint32_t n)
{
    uint8_t   cut[257];
    uint32_t  i, column;

    memset(cut, 0, sizeof(cut));

    for (i = 0; i < n; i++) {

        if (t->code[i].op == FLAGSHIP_REGEX_SET) {
            cut[t->code[i].lo] = 1;
            cut[t->code[i].hi + 1] = 1;

        } else if (t->code[i].op == FLAGSHIP_REGEX_ASSERT) {
            t->asserts |= 1u << t->code[i].arg;
        }
    }

    if (t->asserts & (1u << FLAGSHIP_REGEX_LINE_BEGIN
                      | 1u << FLAGSHIP_REGEX_LINE_END))
    {
        cut['\n'] = 1;
        cut['\n' + 1] = 1;
    }

    if (t->asserts & (1u << FLAGSHIP_REGEX_WORD
                      | 1u << FLAGSHIP_REGEX_NOT_WORD))
    {
        for (i = 1; i < 256; i++) {
            cut[i] |= flagship_regex_table_word(i)
                      != flagship_regex_table_word(i - 1);
        }

        /* bytes within a character */
        cut[0x80] = 1;
        cut[0xc0] = 1;
    }

    for (i = 0, column = 0; i < 256; i++) {
        column += (i != 0 && cut[i]);
        t->column[i] = (uint8_t) column;
        t->byte[column] = (uint16_t) i;
    }

    t->columns = column + 2;
    t->byte[column + 1] = FLAGSHIP_REGEX_OVER;
}


static int
flagship_regex_table_row(flagship_regex_table_t *t, uint32_t i)
{
    int                     rc;
    uint32_t                column, row;
    uint16_t               *next;
    flagship_regex_state_t  state;

    state = t->states[i];
    next = t->next + 2 + i * t->columns;

    for (column = 0; column < t->columns; column++) {

        rc = flagship_regex_table_step(t, &state, t->byte[column], &row);
        if (rc != FLAGSHIP_OK) {
            return rc;
        }

        next[column] = (uint16_t) row;
    }

    return FLAGSHIP_OK;
}


static int
flagship_regex_table_step(flagship_regex_table_t *t,
    const flagship_regex_state_t *state, unsigned byte, uint32_t *row)
{
    uint32_t                      i, n, around;
    uint16_t                     *from;
    const flagship_regex_byte_t  *code;

    from = t->pool + state->items;
    n = state->n;

    if (state->waits) {
        t->mark++;
        t->n = 0;

        for (i = 0; i < n; i++) {
            t->marks[from[i]] = t->mark;
            t->list[t->n++] = from[i];
        }

        if (flagship_regex_table_close(t, state->around, byte)) {
            *row = FLAGSHIP_REGEX_FOUND;
            return FLAGSHIP_OK;
        }

        n = t->n;
        from = t->from;
        memcpy(from, t->list, n * sizeof(uint16_t));
    }

    if (byte == FLAGSHIP_REGEX_OVER) {
        *row = FLAGSHIP_REGEX_DEAD;
        return FLAGSHIP_OK;
    }

    t->mark++;
    t->n = 0;

    for (i = 0; i < n; i++) {
        code = &t->code[from[i]];

        if (code->op == FLAGSHIP_REGEX_SET
            && code->lo <= byte && byte <= code->hi
            && t->marks[code->next] != t->mark)
        {
            t->marks[code->next] = t->mark;
            t->list[t->n++] = (uint16_t) code->next;
        }
    }

    *t->parser->work += n + 16;

    around = (byte == '\n' ? FLAGSHIP_REGEX_AT_LINE : 0)
             | (flagship_regex_table_word(byte) ? FLAGSHIP_REGEX_AT_WORD : 0);

    return flagship_regex_table_state(t, around, row);
}


static inline void
flagship_regex_table_add(flagship_regex_table_t *t, uint32_t i)
{
    if (t->marks[i] != t->mark) {
        t->marks[i] = t->mark;
        t->list[t->n++] = (uint16_t) i;
    }
}


/* Adds what can be reached without a byte; 1: the end is among it. */

static int
flagship_regex_table_close(flagship_regex_table_t *t, uint32_t around,
    unsigned behind)
{
    uint32_t                      i;
    const flagship_regex_byte_t  *code;

    for (i = 0; i < t->n; i++) {
        code = &t->code[t->list[i]];

        switch (code->op) {

        case FLAGSHIP_REGEX_MATCH:
            return 1;

        case FLAGSHIP_REGEX_SPLIT:
            flagship_regex_table_add(t, code->next);
            flagship_regex_table_add(t, code->arg);
            break;

        case FLAGSHIP_REGEX_ASSERT:

            if (flagship_regex_table_holds(code->arg, around, behind)) {
                flagship_regex_table_add(t, code->next);
            }

            break;
        }
    }

    *t->parser->work += t->n;

    return 0;
}


static inline int
flagship_regex_table_looks(unsigned what)
{
    return what != FLAGSHIP_REGEX_TEXT_BEGIN
           && what != FLAGSHIP_REGEX_LINE_BEGIN;
}


static int
flagship_regex_table_holds(unsigned what, uint32_t around, unsigned behind)
{
    unsigned  edge;

    if (behind == FLAGSHIP_REGEX_UNKNOWN && flagship_regex_table_looks(what)) {
        return 0;
    }

    switch (what) {

    case FLAGSHIP_REGEX_TEXT_BEGIN:
        return (around & FLAGSHIP_REGEX_AT_BEGIN) != 0;

    case FLAGSHIP_REGEX_LINE_BEGIN:
        return (around & FLAGSHIP_REGEX_AT_LINE) != 0;

    case FLAGSHIP_REGEX_TEXT_END:
        return behind == FLAGSHIP_REGEX_OVER;

    case FLAGSHIP_REGEX_LINE_END:
        return behind == FLAGSHIP_REGEX_OVER || behind == '\n';
    }

    edge = flagship_regex_table_word(behind)
           != ((around & FLAGSHIP_REGEX_AT_WORD) != 0);

    if (what == FLAGSHIP_REGEX_WORD) {
        return edge;
    }

    /* within a character is no place at all */

    return !edge && (behind < 0x80 || behind >= 0xc0);
}


/* The row of the state that the list is, after "around". */

static int
flagship_regex_table_state(flagship_regex_table_t *t, uint32_t around,
    uint32_t *row)
{
    uint16_t  item;
    uint32_t  i, n, waits;

    /* a match may begin anywhere */

    flagship_regex_table_add(t, t->start);

    if (flagship_regex_table_close(t, around, FLAGSHIP_REGEX_UNKNOWN)) {
        *row = FLAGSHIP_REGEX_FOUND;
        return FLAGSHIP_OK;
    }

    for (i = 0, n = 0, waits = 0; i < t->n; i++) {
        item = t->list[i];

        if (t->code[item].op == FLAGSHIP_REGEX_ASSERT
            && flagship_regex_table_looks(t->code[item].arg))
        {
            waits = 1;

        } else if (t->code[item].op != FLAGSHIP_REGEX_SET) {
            continue;
        }

        t->list[n++] = item;
    }

    /* a line may still begin */

    if (n == 0 && !(t->asserts & 1u << FLAGSHIP_REGEX_LINE_BEGIN)) {
        *row = FLAGSHIP_REGEX_DEAD;
        return FLAGSHIP_OK;
    }

    t->n = n;

    return flagship_regex_table_find(t, waits ? around : 0, waits, row);
}


/* The state whose instructions are those of the list, made if need be. */

static int
flagship_regex_table_find(flagship_regex_table_t *t, uint32_t around,
    uint32_t waits, uint32_t *row)
{
    uint32_t                 i, k, n, hash;
    flagship_regex_state_t  *state;

    n = t->n;
    hash = around;

    qsort(t->list, n, sizeof(uint16_t), flagship_regex_table_order);

    for (i = 0; i < n; i++) {
        hash = (hash ^ t->list[i]) * 0x9e3779b1u;
        hash ^= hash >> 15;
    }

    *t->parser->work += n * 4;

    for (k = hash & t->mask; t->hash[k]; k = (k + 1) & t->mask) {
        state = &t->states[t->hash[k] - 1];

        for (i = 0; i < n && i < state->n; i++) {
            if (t->pool[state->items + i] != t->list[i]) {
                break;
            }
        }

        if (i == n && n == state->n && state->around == around) {
            *row = 2 + (t->hash[k] - 1) * t->columns;
            return FLAGSHIP_OK;
        }
    }

    if (t->nstates == t->most || *t->parser->work > t->budget) {
        return FLAGSHIP_DECLINED;
    }

    if (flagship_regex_table_reserve(t) != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    state = &t->states[t->nstates++];

    state->items = t->pooled;
    state->n = n;
    state->around = around;
    state->waits = waits;

    memcpy(t->pool + t->pooled, t->list, n * sizeof(uint16_t));

    t->pooled += n;
    t->hash[k] = t->nstates;

    *row = 2 + (t->nstates - 1) * t->columns;

    return FLAGSHIP_OK;
}


/* Room in the pool for the list. */

static int
flagship_regex_table_reserve(flagship_regex_table_t *t)
{
    uint32_t   size;
    uint16_t  *pool;

    if (t->pool && t->pool_size - t->pooled >= t->n) {
        return FLAGSHIP_OK;
    }

    size = t->pool_size * 2 + t->n + 256;

    pool = flagship_regex_alloc(t->parser, size * sizeof(uint16_t));
    if (pool == NULL) {
        return FLAGSHIP_ERROR;
    }

    if (t->pooled) {
        memcpy(pool, t->pool, t->pooled * sizeof(uint16_t));
    }

    t->pool = pool;
    t->pool_size = size;

    return FLAGSHIP_OK;
}


static int
flagship_regex_table_write(flagship_regex_table_t *t, uint32_t start,
    flagship_regex_compiled_t *compiled)
{
    size_t             len;
    uint32_t           n;
    uint8_t           *column;
    flagship_regex_t  *regex;

    n = 2 + t->nstates * t->columns;
    len = sizeof(flagship_regex_t) + 256 + n * sizeof(uint16_t);

    regex = flagship_regex_alloc(t->parser, len);
    if (regex == NULL) {
        return FLAGSHIP_ERROR;
    }

    t->next[0] = FLAGSHIP_REGEX_DEAD;
    t->next[1] = FLAGSHIP_REGEX_DEAD;

    regex->kind = FLAGSHIP_REGEX_IS_TABLE;
    regex->n = n;
    regex->start = start;
    regex->extra = t->columns;

    column = (uint8_t *) (regex + 1);

    memcpy(column, t->column, 256);
    memcpy(column + 256, t->next, n * sizeof(uint16_t));

    compiled->regex = regex;
    compiled->len = len;

    return FLAGSHIP_OK;
}


static int
flagship_regex_table_order(const void *one, const void *two)
{
    const uint16_t  a = *(const uint16_t *) one;
    const uint16_t  b = *(const uint16_t *) two;

    return (a > b) - (a < b);
}
