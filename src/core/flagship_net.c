
/*
 * Copyright (C) Flagship
 */


/*
 * Addresses and ranges.  Pure functions that allocate nothing; any thread may
 * call.
 */


#include <arpa/inet.h>
#include <string.h>

#include "flagship_net.h"


static uint64_t flagship_net_read(const unsigned char *p, unsigned n);
static uint64_t flagship_net_mask(int bits);


int
flagship_address_parse(flagship_address_t *address, flagship_str_t s)
{
    char           text[INET6_ADDRSTRLEN];
    unsigned char  addr[16];

    if (s.len == 0 || s.len >= sizeof(text) || memchr(s.data, '\0', s.len)) {
        return FLAGSHIP_DECLINED;
    }

    memcpy(text, s.data, s.len);
    text[s.len] = '\0';

    if (memchr(text, ':', s.len) == NULL) {

        if (inet_pton(AF_INET, text, addr) != 1) {
            return FLAGSHIP_DECLINED;
        }

        address->v4 = 1;
        address->high = 0;
        address->low = flagship_net_read(addr, 4);

        return FLAGSHIP_OK;
    }

    if (inet_pton(AF_INET6, text, addr) != 1) {
        return FLAGSHIP_DECLINED;
    }

    address->high = flagship_net_read(addr, 8);
    address->low = flagship_net_read(addr + 8, 8);
    address->v4 = (address->high == 0 && address->low >> 32 == 0xffff);

    if (address->v4) {
        address->low &= 0xffffffff;
    }

    return FLAGSHIP_OK;
}


static uint64_t
flagship_net_read(const unsigned char *p, unsigned n)
{
    uint64_t  v;

    for (v = 0; n; n--) {
        v = v << 8 | *p++;
    }

    return v;
}


/*
 * A prefix of a mapped address counts from the start of IPv6; one that is
 * shorter than what makes it mapped is a range of IPv6.
 */

int
flagship_range_parse(flagship_range_t *range, flagship_str_t s)
{
    int                  bits, most;
    size_t               i;
    uint64_t             high, low;
    const char          *slash;
    flagship_str_t       text;
    flagship_address_t  *a;

    a = &range->first;
    text = s;

    slash = s.len ? memchr(s.data, '/', s.len) : NULL;

    if (slash) {
        text.len = slash - s.data;
    }

    if (flagship_address_parse(a, text) != FLAGSHIP_OK) {
        return FLAGSHIP_DECLINED;
    }

    most = memchr(text.data, ':', text.len) ? 128 : 32;
    bits = most;

    if (slash) {
        i = text.len + 1;
        bits = 0;

        if (i == s.len || s.len - i > 3 || (s.data[i] == '0' && s.len - i > 1))
        {
            return FLAGSHIP_DECLINED;
        }

        for ( /* void */ ; i < s.len; i++) {

            if (s.data[i] < '0' || s.data[i] > '9') {
                return FLAGSHIP_DECLINED;
            }

            bits = bits * 10 + (s.data[i] - '0');
        }

        if (bits > most) {
            return FLAGSHIP_DECLINED;
        }
    }

    if (a->v4 && most == 128) {

        if (bits >= 96) {
            bits -= 96;

        } else {
            a->v4 = 0;
            a->low |= (uint64_t) 0xffff << 32;
        }
    }

    range->last = *a;

    if (a->v4) {
        low = flagship_net_mask(bits + 32);
        a->low &= low;
        range->last.low |= ~low & 0xffffffff;

        return FLAGSHIP_OK;
    }

    high = flagship_net_mask(bits);
    low = flagship_net_mask(bits - 64);

    a->high &= high;
    a->low &= low;
    range->last.high |= ~high;
    range->last.low |= ~low;

    return FLAGSHIP_OK;
}


/* So many bits of 64 from the upper end. */

static uint64_t
flagship_net_mask(int bits)
{
    if (bits <= 0) {
        return 0;
    }

    return bits >= 64 ? UINT64_MAX : ~(UINT64_MAX >> bits);
}


int
flagship_range_has(const flagship_range_t *range,
    const flagship_address_t *address)
{
    return flagship_address_order(&range->first, address) <= 0
           && flagship_address_order(&range->last, address) >= 0;
}


int
flagship_address_order(const flagship_address_t *a,
    const flagship_address_t *b)
{
    if (a->v4 != b->v4) {
        return a->v4 ? 1 : -1;
    }

    if (a->high != b->high) {
        return a->high < b->high ? -1 : 1;
    }

    return (a->low > b->low) - (a->low < b->low);
}


/* The last range that does not begin behind the address. */

int
flagship_ranges_have(const flagship_ranges_t *ranges,
    const flagship_address_t *address)
{
    uint32_t                  n, half;
    const flagship_range4_t  *v4;
    const flagship_range6_t  *v6;

    v6 = (const flagship_range6_t *) (ranges + 1);

    if (address->v4) {
        v4 = (const flagship_range4_t *) (v6 + ranges->nv6);
        n = ranges->nv4;

        if (n == 0) {
            return 0;
        }

        while (n > 1) {
            half = n / 2;
            v4 += (v4[half].first <= address->low) ? half : 0;
            n -= half;
        }

        return v4->first <= address->low && address->low <= v4->last;
    }

    n = ranges->nv6;

    if (n == 0) {
        return 0;
    }

#define flagship_net_below(a, h, l)                                           \
    ((a)[0] < (h) || ((a)[0] == (h) && (a)[1] <= (l)))

    while (n > 1) {
        half = n / 2;
        v6 += flagship_net_below(v6[half].first, address->high, address->low)
              ? half : 0;
        n -= half;
    }

    return flagship_net_below(v6->first, address->high, address->low)
           && (address->high < v6->last[0]
               || (address->high == v6->last[0]
                   && address->low <= v6->last[1]));
}
