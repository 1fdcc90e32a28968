
/*
 * Copyright (C) Flagship
 */


/*
 * Deterministic CBOR (RFC 8949, 4.2.1) of a value: what generation 3 of
 * fractional hashes.
 *
 * JSON does not tell integers from other numbers, so a number that is whole
 * and fits CBOR's 64 bits is an integer, whatever it was written as; any other
 * is the shortest float that holds it.  Members are in the byte order of their
 * encoded names.
 */


#ifndef _FLAGSHIP_CBOR_H_INCLUDED_
#define _FLAGSHIP_CBOR_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_value.h"


/*
 * Writes to buf of "size" bytes, whose end is aligned to 8 and used to sort
 * members; returns the length, 0: it does not fit.
 */

size_t flagship_cbor(const flagship_value_t *v, char *buf, size_t size);

/* The array of two texts. */
size_t flagship_cbor_pair(flagship_str_t a, flagship_str_t b, char *buf,
    size_t size);


#endif /* _FLAGSHIP_CBOR_H_INCLUDED_ */
