
/*
 * Copyright (C) Flagship
 */


/*
 * Strings with escapes, or with bytes that are not ASCII: checked, and decoded
 * into the document's arena where an escape makes that necessary.
 *
 * Runs as a part of the parser, in its thread.
 */


#include "flagship_json_parser.h"


static unsigned flagship_json_utf8(const char *p, const char *last);
static const char *flagship_json_string_end(flagship_json_parser_t *parser,
    const char *p);
static int flagship_json_unescape(flagship_json_parser_t *parser,
    const char *p, const char *end, flagship_json_node_t *node);
static const char *flagship_json_escape(flagship_json_parser_t *parser,
    const char *p, const char *end, char **out);
static int flagship_json_hex4(const char *p, const char *end);


int
flagship_json_string_slow(flagship_json_parser_t *parser, const char *p,
    flagship_json_node_t *node)
{
    const char  *start;

    p = flagship_json_string_end(parser, p);
    if (p == NULL) {
        return FLAGSHIP_DECLINED;
    }

    start = parser->p + 1;
    parser->p = p + 1;

    node->len = (uint32_t) (p - start);

    if (memchr(start, '\\', node->len) == NULL) {
        return FLAGSHIP_OK;
    }

    return flagship_json_unescape(parser, start, p, node);
}


/* Bytes of the UTF-8 sequence at p, or 0 where it is none. */

static unsigned
flagship_json_utf8(const char *p, const char *last)
{
    size_t                rest;
    const unsigned char  *s;

    s = (const unsigned char *) p;
    rest = (size_t) (last - p);

    if (s[0] < 0x80) {
        return 1;
    }

    if (rest < 2 || s[0] < 0xc2 || (s[1] & 0xc0) != 0x80) {
        return 0;
    }

    if (s[0] < 0xe0) {
        return 2;
    }

    if (rest < 3 || (s[2] & 0xc0) != 0x80) {
        return 0;
    }

    if (s[0] < 0xf0) {

        /* longer than needed, or a surrogate */

        return ((s[0] == 0xe0 && s[1] < 0xa0)
                || (s[0] == 0xed && s[1] > 0x9f)) ? 0 : 3;
    }

    if (rest < 4 || (s[3] & 0xc0) != 0x80 || s[0] > 0xf4
        || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
    {
        return 0;
    }

    return 4;
}


/* Looks for the closing quote; what is before it is UTF-8 then. */

static const char *
flagship_json_string_end(flagship_json_parser_t *parser, const char *p)
{
    unsigned     n;
    const char  *last;

    last = parser->last;

    for ( ;; ) {
        p = flagship_json_plain(p, last);

        if (p == last) {
            (void) flagship_json_refuse(parser, p, NULL);
            return NULL;
        }

        if (*p == '"') {
            return p;
        }

        if (*p == '\\') {

            if (last - p < 2) {
                (void) flagship_json_refuse(parser, last, NULL);
                return NULL;
            }

            /* whatever is escaped, a quote among it, is looked at later */

            p += ((unsigned char) p[1] < 0x80) ? 2 : 1;
            continue;
        }

        if ((unsigned char) *p < ' ') {
            (void) flagship_json_refuse(parser, p,
                                       "a control character is not escaped");
            return NULL;
        }

        n = flagship_json_utf8(p, last);

        if (n == 0) {
            (void) flagship_json_refuse(parser, p, "this is not UTF-8");
            return NULL;
        }

        p += n;
    }
}


/* No text grows when it is decoded. */

static int
flagship_json_unescape(flagship_json_parser_t *parser, const char *p,
    const char *end, flagship_json_node_t *node)
{
    char        *out, *buf;
    size_t       n;
    uint32_t     offset;
    const char  *escape;

    offset = (uint32_t) (p - 1 - parser->text);

    buf = flagship_arena_alloc(&parser->json->arena,
                               sizeof(offset) + (size_t) (end - p));
    if (buf == NULL) {
        return FLAGSHIP_ERROR;
    }

    memcpy(buf, &offset, sizeof(offset));

    buf += sizeof(offset);
    out = buf;

    while (p < end) {
        escape = memchr(p, '\\', (size_t) (end - p));
        n = (size_t) ((escape ? escape : end) - p);

        memcpy(out, p, n);
        out += n;
        p += n;

        if (escape) {
            p = flagship_json_escape(parser, p, end, &out);

            if (p == NULL) {
                return FLAGSHIP_DECLINED;
            }
        }
    }

    node->decoded = 1;
    node->str = buf;
    node->len = (uint32_t) (out - buf);

    return FLAGSHIP_OK;
}


static const char *
flagship_json_escape(flagship_json_parser_t *parser, const char *p,
    const char *end, char **out)
{
    int          code, low;
    char        *o;
    const char  *found;

    static const char  from[] = "\"\\/bfnrt";
    static const char  to[] = "\"\\/\b\f\n\r\t";

    o = *out;

    if (p[1] != 'u') {
        found = p[1] ? strchr(from, p[1]) : NULL;

        if (found == NULL) {
            (void) flagship_json_refuse(parser, p, "there is no such escape");
            return NULL;
        }

        *o = to[found - from];
        *out = o + 1;

        return p + 2;
    }

    code = flagship_json_hex4(p + 2, end);

    if (code <= 0) {
        (void) flagship_json_refuse(parser, p,
                                    code ? "\\u needs four hex digits"
                                         : "a NUL is not allowed");
        return NULL;
    }

    if (code >= 0xd800 && code <= 0xdfff) {
        low = -1;

        if (code < 0xdc00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
            low = flagship_json_hex4(p + 8, end);
        }

        if (low < 0xdc00 || low > 0xdfff) {
            (void) flagship_json_refuse(parser, p,
                                        "a surrogate is not one of a pair");
            return NULL;
        }

        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        p += 6;

        *o++ = (char) (0xf0 | code >> 18);
        *o++ = (char) (0x80 | (code >> 12 & 0x3f));
        *o++ = (char) (0x80 | (code >> 6 & 0x3f));
        *o++ = (char) (0x80 | (code & 0x3f));

    } else if (code >= 0x800) {
        *o++ = (char) (0xe0 | code >> 12);
        *o++ = (char) (0x80 | (code >> 6 & 0x3f));
        *o++ = (char) (0x80 | (code & 0x3f));

    } else if (code >= 0x80) {
        *o++ = (char) (0xc0 | code >> 6);
        *o++ = (char) (0x80 | (code & 0x3f));

    } else {
        *o++ = (char) code;
    }

    *out = o;

    return p + 6;
}


static int
flagship_json_hex4(const char *p, const char *end)
{
    int       code;
    char      c;
    unsigned  i;

    if (end - p < 4) {
        return -1;
    }

    code = 0;

    for (i = 0; i < 4; i++) {
        c = (char) (p[i] | 0x20);

        if (p[i] >= '0' && p[i] <= '9') {
            code = code << 4 | (p[i] - '0');

        } else if (c >= 'a' && c <= 'f') {
            code = code << 4 | (c - 'a' + 10);

        } else {
            return -1;
        }
    }

    return code;
}
