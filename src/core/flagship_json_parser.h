
/*
 * Copyright (C) Flagship
 */


/*
 * What the files of the JSON parser share: flagship_json.c walks the text,
 * flagship_json_string.c reads the strings that are not plain, and
 * flagship_json_names.c finds duplicate names.  flagship_context_read.c walks
 * texts, too, and hands on to flagship_json.c what is unusual.  Not for
 * others: see flagship_json.h.
 */


#ifndef _FLAGSHIP_JSON_PARSER_H_INCLUDED_
#define _FLAGSHIP_JSON_PARSER_H_INCLUDED_


#include "flagship_json.h"

#include <string.h>

#if (__SSE2__)
#include <emmintrin.h>
#endif


typedef struct {
    uint32_t               node;     /* the container */
    uint32_t               object;
    uint64_t               seen;     /* a bit for each name, or for several */
} flagship_json_frame_t;


typedef struct {
    const char            *p;
    const char            *text;
    const char            *last;
    flagship_json_t       *json;
    unsigned               depth;
    flagship_json_frame_t  frames[FLAGSHIP_MAX_DEPTH];
} flagship_json_parser_t;


/* Sets the place and the sentence; returns FLAGSHIP_DECLINED. */
int flagship_json_refuse(flagship_json_parser_t *parser, const char *p,
    const char *error);

/* The string at parser->p, whose bytes up to p are plain ones. */
int flagship_json_string_slow(flagship_json_parser_t *parser, const char *p,
    flagship_json_node_t *node);


/* The number at parser->p, which is finite. */
int flagship_json_number(flagship_json_parser_t *parser,
    flagship_json_node_t *node, double *number);


/* Up to so many names are compared one by one. */
#define FLAGSHIP_JSON_FEW_NAMES  16


/* One of 64, cheap, and different for names that people give to members. */

static inline unsigned
flagship_json_name_bit(const flagship_json_node_t *name)
{
    unsigned  bit;

    bit = name->len * 7;

    if (name->len) {
        bit += (unsigned char) name->str[0] * 3u
               + (unsigned char) name->str[name->len - 1] * 13u;
    }

    return bit & 63;
}


/* Whether one of the first "n" members of the object has this name. */
int flagship_json_has_name(const flagship_json_node_t *object, uint32_t n,
    const flagship_json_node_t *name);

/*
 * FLAGSHIP_OK; FLAGSHIP_DECLINED: *duplicate is the index of a name that the
 * object has before; FLAGSHIP_ERROR: no memory.
 */

int flagship_json_unique(flagship_json_t *json,
    const flagship_json_node_t *object, uint32_t *duplicate);


/* A byte eight times. */
#define flagship_each(c)  (0x0101010101010101ull * (unsigned char) (c))


static inline uint64_t
flagship_read64(const char *p)
{
    uint64_t  v;

    memcpy(&v, p, sizeof(v));

    return v;
}


#define flagship_json_is_blank(c)                                             \
    ((c) == ' ' || (c) == '\n' || (c) == '\r' || (c) == '\t')


static inline const char *
flagship_json_blank(const char *p, const char *last)
{
    if (p < last && *p > ' ') {
        return p;
    }

    /* mostly it is one */

    if (last - p > 1 && *p == ' ' && p[1] > ' ') {
        return p + 1;
    }

    while (p < last && flagship_json_is_blank(*p)) {

        while (last - p >= 8 && flagship_read64(p) == flagship_each(' ')) {
            p += 8;
        }

        if (p < last && flagship_json_is_blank(*p)) {
            p++;
        }
    }

    return p;
}


/*
 * How many of 8 bytes come before the first that is not plain: a quote, a
 * backslash, a control byte or one that is not ASCII.
 */

static inline unsigned
flagship_json_plain8(const char *p)
{
    uint64_t  v, hit;

    v = flagship_read64(p);

    /* a borrow may mark a byte above a hit, never one below */

    hit = (v | (v - flagship_each(' '))
           | ((v ^ flagship_each('"')) - flagship_each(1))
           | ((v ^ flagship_each('\\')) - flagship_each(1)))
          & flagship_each(0x80);

    return hit ? (unsigned) __builtin_ctzll(hit) / 8 : 8;
}


static inline unsigned
flagship_json_plain16(const char *p)
{
#if (__SSE2__)

    int      hit;
    __m128i  x;

    /* as signed ones, bytes that are not ASCII are below a blank, too */

    x = _mm_loadu_si128((const __m128i *) p);

    hit = _mm_movemask_epi8(
              _mm_or_si128(
                  _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')),
                               _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))),
                  _mm_cmplt_epi8(x, _mm_set1_epi8(' '))));

    return (unsigned) __builtin_ctz((unsigned) hit | 0x10000);

#else

    unsigned  n;

    n = flagship_json_plain8(p);

    return n < 8 ? n : 8 + flagship_json_plain8(p + 8);

#endif
}


/* The end of a run of plain bytes. */

static inline const char *
flagship_json_plain(const char *p, const char *last)
{
    unsigned  n;

    while (last - p >= 16) {
        n = flagship_json_plain16(p);
        p += n;

        if (n < 16) {
            return p;
        }
    }

    if (last - p >= 8) {
        n = flagship_json_plain8(p);
        p += n;

        if (n < 8) {
            return p;
        }
    }

    while (p < last && *p >= ' ' && (unsigned char) *p < 0x80
           && *p != '"' && *p != '\\')
    {
        p++;
    }

    return p;
}


#endif /* _FLAGSHIP_JSON_PARSER_H_INCLUDED_ */
