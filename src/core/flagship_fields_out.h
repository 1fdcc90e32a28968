
/*
 * Copyright (C) Flagship
 */


/*
 * How fields are written.  Private to flagship_fields*.c.
 *
 * An out is a buffer that may be too small, or none: what does not fit is
 * only counted.
 */


#ifndef _FLAGSHIP_FIELDS_OUT_H_INCLUDED_
#define _FLAGSHIP_FIELDS_OUT_H_INCLUDED_


#include "flagship_fields.h"


typedef struct {
    char                        *buf;
    size_t                       size;
    size_t                       len;    /* of the text, written or not */
} flagship_out_t;


void flagship_out(flagship_out_t *out, const char *p, size_t n);

#define flagship_out_literal(out, s)  flagship_out(out, s, sizeof(s) - 1)

/* A value as the text has it, without the blanks between tokens. */
void flagship_out_raw(flagship_out_t *out, const char *text,
    const flagship_json_node_t *node);

/* A string, quoted. */
void flagship_out_string(flagship_out_t *out, flagship_str_t s);

/* "," unless it is the first, and "name": */
void flagship_out_name(flagship_out_t *out, flagship_str_t name);

/* The value of a field that has a node, in its canonical form. */
void flagship_out_field(flagship_out_t *out, const flagship_fields_t *f,
    unsigned field);


/* The name of a field in answers. */
flagship_str_t flagship_field_name(const flagship_resource_t *resource,
    unsigned field);

/* The truth of a switch or a boolean, -1: neither. */
int flagship_field_truth(const flagship_json_node_t *node, unsigned kind);

/* An error at a member, or (name NULL) an element, of a field's value; "last"
   is a member of that, or NULL. */
void flagship_fields_error_in(const flagship_fields_t *f, unsigned field,
    const flagship_json_node_t *name, unsigned index, const char *last,
    const char *fmt, ...) __attribute__((format(printf, 6, 7)));


#endif /* _FLAGSHIP_FIELDS_OUT_H_INCLUDED_ */
