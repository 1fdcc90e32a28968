
/*
 * Copyright (C) Flagship
 */


/*
 * Regular expressions: whether one matches somewhere in a text.
 *
 * A pattern becomes pure data that lies in an image: a table (a deterministic
 * automaton over classes of bytes) that takes one step a byte whatever the
 * pattern, or, where the table would be too large, a program over code points
 * whose states are all followed at once.  So no text takes longer than its
 * length times the program's size, and every process gives the same answer.
 *
 * Texts are UTF-8; of others the answer is some answer, always the same.
 * Matching allocates nothing; any thread may call.
 */


#ifndef _FLAGSHIP_REGEX_H_INCLUDED_
#define _FLAGSHIP_REGEX_H_INCLUDED_


#include "flagship_core.h"


#define FLAGSHIP_REGEX_PATTERN    8192   /* bytes of a pattern */
#define FLAGSHIP_REGEX_REPEAT     1000   /* the largest {m,n} */
#define FLAGSHIP_REGEX_DEPTH      100    /* groups in groups */
#define FLAGSHIP_REGEX_PROGRAM    3000   /* instructions */
#define FLAGSHIP_REGEX_TABLE      32768  /* entries */


/* What a pattern compiles to.  Aligned to 8 bytes. */

#define FLAGSHIP_REGEX_IS_TABLE   1u
#define FLAGSHIP_REGEX_IS_PROGRAM 2u

typedef struct {
    uint32_t             kind;
    uint32_t             n;       /* entries of the table, instructions */
    uint32_t             start;   /* an entry's value, an instruction */
    uint32_t             extra;   /* columns of the table, ranges */
    /* table:    uint8_t column[256], uint16_t next[n]
       program:  flagship_regex_code_t code[n],
                 flagship_regex_range_t range[extra] */
} flagship_regex_t;


/*
 * next[row + column[byte]] is the row of the next state, or one of these; the
 * last column is the end of the text.  Rows begin at 2.
 */

#define FLAGSHIP_REGEX_DEAD       0u     /* no match any more */
#define FLAGSHIP_REGEX_FOUND      1u


typedef enum {
    FLAGSHIP_REGEX_MATCH = 0,
    FLAGSHIP_REGEX_SET,           /* a code point in n ranges from arg on */
    FLAGSHIP_REGEX_SPLIT,         /* next, and arg */
    FLAGSHIP_REGEX_ASSERT         /* flagship_regex_assert_e arg holds */
} flagship_regex_op_e;

typedef enum {
    FLAGSHIP_REGEX_TEXT_BEGIN = 0,
    FLAGSHIP_REGEX_TEXT_END,
    FLAGSHIP_REGEX_LINE_BEGIN,
    FLAGSHIP_REGEX_LINE_END,
    FLAGSHIP_REGEX_WORD,          /* \b */
    FLAGSHIP_REGEX_NOT_WORD       /* \B */
} flagship_regex_assert_e;

typedef struct {
    uint16_t             op;
    uint16_t             next;
    uint16_t             n;
    uint16_t             arg;
} flagship_regex_code_t;

typedef struct {
    uint32_t             first;   /* code points */
    uint32_t             last;
} flagship_regex_range_t;


/*
 * Compiling.  "work" is a count of small steps that the caller bounds over all
 * of a record's patterns: from FLAGSHIP_REGEX_WORK on no table is made, past
 * ten times as much the pattern is refused.
 */

#define FLAGSHIP_REGEX_WORK       8000000u

typedef struct {
    const flagship_regex_t  *regex;   /* in the arena */
    size_t                   len;

    /* where the pattern is no more than a text, perhaps with anchors */
    unsigned                 plain:1;
    unsigned                 begins:1;
    unsigned                 ends:1;
    flagship_str_t           text;    /* in the arena */

    const char              *error;   /* a static sentence */
    size_t                   offset;  /* its place in the pattern, bytes */
} flagship_regex_compiled_t;


/*
 * FLAGSHIP_OK; FLAGSHIP_DECLINED: error and offset say why; FLAGSHIP_ERROR: no
 * memory.  "fold": regardless of case, by Unicode's simple case folding.
 */

int flagship_regex_compile(flagship_arena_t *arena, flagship_str_t pattern,
    unsigned fold, uint32_t *work, flagship_regex_compiled_t *compiled);


/* Whether "len" bytes are a regular expression that is safe to run. */
int flagship_regex_verify(const void *data, size_t len);


/* Memory that a match needs: none of a table. */

#define flagship_regex_memory(regex)                                          \
    ((regex)->kind == FLAGSHIP_REGEX_IS_TABLE ? (size_t) 0                    \
     : (size_t) (regex)->n * 4 + ((regex)->n + 63) / 64 * 8)


/*
 * 1: it matches, 0: it does not, FLAGSHIP_DECLINED: that would take more than
 * *steps, of which are taken off what was used: one for 32 bytes of a text, or
 * for 32 states that were followed.  "memory" is aligned to 8 bytes.
 */

int flagship_regex_match(const flagship_regex_t *regex, flagship_str_t text,
    void *memory, uint32_t *steps);


#endif /* _FLAGSHIP_REGEX_H_INCLUDED_ */
