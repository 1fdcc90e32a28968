
/*
 * Copyright (C) Flagship
 */


/*
 * What the compiler of regular expressions shares among its files.  Not for
 * others: see flagship_regex.h.
 *
 *   flagship_regex_parse.c    a pattern's syntax -> a tree
 *   flagship_regex_char.c     the characters among it
 *   flagship_regex_class.c    the classes among it
 *   flagship_regex_set.c      sets of code points
 *   flagship_regex_build.c    a tree -> a program, of code points or of bytes
 *   flagship_regex_table.c    a program of bytes -> a table
 *
 * Everything lies in the arena of one pattern.
 */


#ifndef _FLAGSHIP_REGEX_PARSER_H_INCLUDED_
#define _FLAGSHIP_REGEX_PARSER_H_INCLUDED_


#include "flagship_regex.h"


#define FLAGSHIP_REGEX_LAST_POINT  0x10ffffu
#define FLAGSHIP_REGEX_FOREVER     0xffffu   /* a repetition without a bound */
#define FLAGSHIP_REGEX_NOWHERE     0xffffffffu


/* A set of code points, or one that grows: ranges in any order until
   flagship_regex_set_order(). */

typedef struct {
    flagship_regex_range_t  *list;
    uint32_t                 n;
    uint32_t                 size;
} flagship_regex_set_t;


typedef enum {
    FLAGSHIP_REGEX_NODE_EMPTY = 0,
    FLAGSHIP_REGEX_NODE_SET,
    FLAGSHIP_REGEX_NODE_ASSERT,
    FLAGSHIP_REGEX_NODE_CAT,      /* left, right */
    FLAGSHIP_REGEX_NODE_ALT,      /* left, right */
    FLAGSHIP_REGEX_NODE_REPEAT    /* left, min to max times */
} flagship_regex_node_e;

typedef struct flagship_regex_node_s  flagship_regex_node_t;

struct flagship_regex_node_s {
    uint8_t                  type;
    uint8_t                  assert;
    uint16_t                 min;
    uint16_t                 max;
    uint32_t                 first;   /* of a set's ranges in the program */
    flagship_regex_set_t     set;
    flagship_regex_node_t   *left;
    flagship_regex_node_t   *right;
};


#define FLAGSHIP_REGEX_FLAG_I      1u    /* regardless of case */
#define FLAGSHIP_REGEX_FLAG_S      2u    /* "." is any character */
#define FLAGSHIP_REGEX_FLAG_M      4u    /* ^ and $ of lines */


typedef struct {
    flagship_arena_t        *arena;
    const char              *pattern;
    const char              *p;
    const char              *last;
    unsigned                 flags;
    unsigned                 depth;
    uint32_t                *work;
    unsigned                 nomem:1;
    const char              *error;
    const char              *place;   /* of the error */
    flagship_regex_set_t     set;     /* that is being read */
} flagship_regex_parser_t;


/* An instruction of a program of bytes: flagship_regex_op_e, but a SET is a
   byte of lo ... hi. */

typedef struct {
    uint8_t                  op;
    uint8_t                  lo;
    uint8_t                  hi;
    uint32_t                 next;
    uint32_t                 arg;
} flagship_regex_byte_t;


/* NULL: refused (error and place are set), or no memory. */
flagship_regex_node_t *flagship_regex_parse(flagship_regex_parser_t *parser);

/* Keeps the first error; returns NULL. */
void *flagship_regex_refuse(flagship_regex_parser_t *parser,
    const char *place, const char *error);

/* NULL: no memory. */
void *flagship_regex_alloc(flagship_regex_parser_t *parser, size_t size);
flagship_regex_node_t *flagship_regex_node(flagship_regex_parser_t *parser,
    unsigned type);

/* The class that begins at parser->p; NULL as above. */
flagship_regex_node_t *flagship_regex_class(flagship_regex_parser_t *parser);

/* A character, and an escape that stands for one; 0: refused.  The pattern
   comes from JSON, but need not be UTF-8. */
int flagship_regex_point(flagship_regex_parser_t *parser, uint32_t *c);
int flagship_regex_escaped(flagship_regex_parser_t *parser, uint32_t *c);


static inline int
flagship_regex_at(const flagship_regex_parser_t *parser, char c)
{
    return parser->p < parser->last && *parser->p == c;
}


void flagship_regex_set_add(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set, uint32_t first, uint32_t last);

/* What \d, \w or \s stand for, or their opposites \D, \W, \S. */
void flagship_regex_set_escape(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set, char c);

/* [:name:], or its opposite; 0: there is none of this name. */
int flagship_regex_set_posix(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set, flagship_str_t name, int opposite);

/* Adds all that is the same regardless of case. */
void flagship_regex_set_fold(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set);

void flagship_regex_set_negate(flagship_regex_parser_t *parser,
    flagship_regex_set_t *set);

/* In ascending order, none touching the next.  What no text has, surrogates,
   is in where both neighbours are. */
void flagship_regex_set_order(flagship_regex_set_t *set);


/*
 * Both return FLAGSHIP_OK, FLAGSHIP_DECLINED (it is too large) or
 * FLAGSHIP_ERROR (no memory).
 */

int flagship_regex_program_build(flagship_regex_parser_t *parser,
    flagship_regex_node_t *tree, flagship_regex_compiled_t *compiled);

int flagship_regex_bytes_build(flagship_regex_parser_t *parser,
    flagship_regex_node_t *tree, flagship_regex_byte_t **code, uint32_t *n,
    uint32_t *start);

int flagship_regex_table_build(flagship_regex_parser_t *parser,
    const flagship_regex_byte_t *code, uint32_t n, uint32_t start,
    flagship_regex_compiled_t *compiled);


#endif /* _FLAGSHIP_REGEX_PARSER_H_INCLUDED_ */
