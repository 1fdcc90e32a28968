
/*
 * Copyright (C) Flagship
 */


/*
 * JSON Pointers (RFC 6901) while they are written.  What is too long for the
 * buffer is cut, never refused.
 */


#ifndef _FLAGSHIP_POINTER_H_INCLUDED_
#define _FLAGSHIP_POINTER_H_INCLUDED_


#include "flagship_core.h"


typedef struct {
    char                *buf;        /* terminated */
    size_t               size;
    size_t               len;
} flagship_pointer_t;


/* "size" is at least 1. */
void flagship_pointer_init(flagship_pointer_t *p, char *buf, size_t size);

/* A step into a member, an element, members joined by dots. */
void flagship_pointer_step(flagship_pointer_t *p, const char *s, size_t len);
void flagship_pointer_index(flagship_pointer_t *p, unsigned i);
void flagship_pointer_path(flagship_pointer_t *p, flagship_str_t path);

/* Pointer text as it is. */
void flagship_pointer_put(flagship_pointer_t *p, const char *s, size_t len);

/* Back to an earlier length. */
void flagship_pointer_back(flagship_pointer_t *p, size_t len);


#endif /* _FLAGSHIP_POINTER_H_INCLUDED_ */
