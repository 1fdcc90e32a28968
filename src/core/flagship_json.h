
/*
 * Copyright (C) Flagship
 */


/*
 * Strict JSON (RFC 8259): text -> a flat array of nodes, and nodes -> text.
 *
 * Refused, with the byte where: what is no UTF-8, a duplicate member of an
 * object, a NUL in a string (also as \u0000), an unpaired surrogate, a number
 * that no finite double comes near (1e999), nesting deeper than
 * FLAGSHIP_MAX_DEPTH, anything after the end.  A number keeps its text, so
 * that nothing is lost which a double would round.
 *
 * A document is a preorder array: a node's subtree is the nodes from itself
 * up to (not including) index "next"; the first child of a container is the
 * node behind it.  An object's children come in pairs, name (a string node)
 * and value, in the order of the text.  A document has a node for every eight
 * bytes or so: they are small, since most of what reading one takes is memory.
 */


#ifndef _FLAGSHIP_JSON_H_INCLUDED_
#define _FLAGSHIP_JSON_H_INCLUDED_


#include "flagship_core.h"


typedef enum {
    FLAGSHIP_JSON_NULL = 0,
    FLAGSHIP_JSON_FALSE,
    FLAGSHIP_JSON_TRUE,
    FLAGSHIP_JSON_NUMBER,
    FLAGSHIP_JSON_STRING,
    FLAGSHIP_JSON_ARRAY,
    FLAGSHIP_JSON_OBJECT
} flagship_json_type_e;


typedef struct flagship_json_node_s  flagship_json_node_t;

struct flagship_json_node_s {
    unsigned             type:3;     /* flagship_json_type_e */
    unsigned             exact:1;    /* number: JavaScript prints the double
                                        as a text of the same value */
    unsigned             made:1;     /* number: not read from a text */
    unsigned             decoded:1;  /* string: it has escapes in the text,
                                        and where it starts there stands in
                                        the four bytes before str */
    unsigned             len:26;     /* bytes of str; of a container: the
                                        number of elements or members */
    uint32_t             next;       /* nodes of this subtree, itself
                                        included: node + node->next is the
                                        next sibling */
    union {
        const char      *str;        /* string: its decoded bytes; number: its
                                        text; else where its text starts */
        double           value;      /* of a number that was made */
    };
};


typedef struct {
    flagship_json_node_t  *nodes;    /* nodes[0] is the root */
    uint32_t               n;
    uint32_t               size;     /* allocated */
    flagship_arena_t       arena;    /* decoded strings */
    uint64_t              *table;    /* of the names of a large object */
    size_t                 ntable;   /* allocated */
    /* set when the text is refused */
    size_t                 offset;   /* byte of the text */
    const char            *error;    /* a static sentence */
} flagship_json_t;


/*
 * flagship_json_parse() returns FLAGSHIP_OK, FLAGSHIP_DECLINED (offset and
 * error are set) or FLAGSHIP_ERROR (no memory).  Strings without escapes
 * point into the text, so the text must live as long as the document is used.
 * A document may be parsed into again; its memory is kept.
 */

void flagship_json_init(flagship_json_t *json);
int flagship_json_parse(flagship_json_t *json, const char *text, size_t len);
void flagship_json_free(flagship_json_t *json);

/*
 * Of a text that was refused: the JSON Pointer of the value that its byte
 * "offset" lies in, as far as it can be told.  Writes a terminated string of
 * at most "size" bytes, cut at a whole step.
 */

void flagship_json_locate(const char *text, size_t offset, char *pointer,
    size_t size);

/* The byte of the text at which a node of it starts. */
size_t flagship_json_offset(const char *text,
    const flagship_json_node_t *node);

/* A number's value. */
double flagship_json_double(const flagship_json_node_t *node);

/* The member's value, or NULL.  Case-sensitive. */
const flagship_json_node_t *flagship_json_member(
    const flagship_json_node_t *object, const char *name, size_t len);

#define flagship_json_get(object, name)                                       \
    flagship_json_member(object, name, sizeof(name) - 1)

/*
 * What lies at a path as "var" writes it: names of members and indices of
 * elements, joined by dots; the value itself where the path is empty.  NULL:
 * absent.
 */

const flagship_json_node_t *flagship_json_path(
    const flagship_json_node_t *node, flagship_str_t path);


/*
 * Compact text of a subtree: no spaces, members in their order, what is not
 * ASCII as \u escapes (surrogate pairs above the BMP), numbers as JavaScript
 * prints them, but with their own text where a double would change their
 * value.  Returns the length; writes at most "size" bytes, no terminating
 * null; called with size 0 it only measures.
 */

size_t flagship_json_print(const flagship_json_node_t *node, char *buf,
    size_t size);

/* A string with its quotes, by the same rules. */
size_t flagship_json_print_string(flagship_str_t s, char *buf, size_t size);


#define flagship_json_str(node)  flagship_str((node)->str, (node)->len)


/*
 * A finite double as JavaScript's Number::toString prints it (ECMA-262): the
 * shortest digits that read back as the same double, "-0" as "0", exponents
 * from 1e21 and below 1e-6.  buf holds FLAGSHIP_NUMBER_LEN bytes; returns the
 * length, no terminating null.  Does not allocate and knows no locale.
 */

#define FLAGSHIP_NUMBER_LEN  32

size_t flagship_number_print(double number, char *buf);

/*
 * The double of a JSON number's text, correctly rounded.  The text must be a
 * JSON number (one leading '+' and blanks around it are allowed where
 * "loose", as JsonLogic's coercion of strings wants; then a blank text is 0).
 * Returns NaN for any other text, infinities included.
 */

double flagship_number_parse(const char *text, size_t len, int loose);


#endif /* _FLAGSHIP_JSON_H_INCLUDED_ */
