
/*
 * Copyright (C) Flagship
 */


/*
 * Addresses and ranges of them (CIDR), as "in_cidr" knows them.
 *
 * IPv4 in four decimal numbers without leading zeros, IPv6 as RFC 4291 writes
 * it, without a zone.  An IPv4-mapped address, ::ffff:a.b.c.d, is IPv4.
 */


#ifndef _FLAGSHIP_NET_H_INCLUDED_
#define _FLAGSHIP_NET_H_INCLUDED_


#include "flagship_core.h"


typedef struct {
    uint64_t             high;
    uint64_t             low;        /* of IPv4: all of it */
    unsigned             v4;
} flagship_address_t;


/* Both ends are in it. */

typedef struct {
    flagship_address_t   first;
    flagship_address_t   last;
} flagship_range_t;


/* A literal of ranges: each kind in ascending order, none touching the next,
   so that a search may halve. */

typedef struct {
    uint32_t             nv6;
    uint32_t             nv4;
    /* flagship_range6_t v6[nv6], flagship_range4_t v4[nv4] */
} flagship_ranges_t;

typedef struct {
    uint64_t             first[2];   /* the upper half first */
    uint64_t             last[2];
} flagship_range6_t;

typedef struct {
    uint32_t             first;
    uint32_t             last;
} flagship_range4_t;


/* FLAGSHIP_OK, or FLAGSHIP_DECLINED: it is none. */
int flagship_address_parse(flagship_address_t *address, flagship_str_t s);

/* "10.0.0.0/8"; bits behind the prefix do not matter; without one it is the
   address alone. */
int flagship_range_parse(flagship_range_t *range, flagship_str_t s);

int flagship_range_has(const flagship_range_t *range,
    const flagship_address_t *address);
int flagship_ranges_have(const flagship_ranges_t *ranges,
    const flagship_address_t *address);

/* The order of what two ranges begin with: IPv6 before IPv4. */
int flagship_address_order(const flagship_address_t *a,
    const flagship_address_t *b);


#endif /* _FLAGSHIP_NET_H_INCLUDED_ */
