
/*
 * Copyright (C) Flagship
 */


/*
 * Nodes -> compact ASCII text.  It never recurses and never allocates: a text
 * that does not fit is measured on without being written.  Any thread.
 */


#include "flagship_json.h"

#include <string.h>


typedef struct {
    char                        *buf;
    size_t                       size;
    size_t                       len;    /* of the text, written or not */
} flagship_json_out_t;


typedef struct {
    uint32_t                     left;   /* elements or members */
    uint32_t                     object;
} flagship_json_level_t;


static void flagship_json_put_scalar(flagship_json_out_t *out,
    const flagship_json_node_t *node);
static void flagship_json_put_string(flagship_json_out_t *out, const char *p,
    size_t len);
static void flagship_json_put_escaped(flagship_json_out_t *out, uint32_t c);
static size_t flagship_json_decode(const unsigned char *p, size_t len,
    uint32_t *code);


static inline void
flagship_json_put(flagship_json_out_t *out, const char *p, size_t n)
{
    if (n <= out->size && out->len <= out->size - n) {
        memcpy(out->buf + out->len, p, n);

    } else if (out->len < out->size) {
        memcpy(out->buf + out->len, p, out->size - out->len);
    }

    out->len += n;
}


static inline void
flagship_json_putc(flagship_json_out_t *out, char c)
{
    if (out->len < out->size) {
        out->buf[out->len] = c;
    }

    out->len++;
}


size_t
flagship_json_print(const flagship_json_node_t *node, char *buf, size_t size)
{
    unsigned                     depth;
    flagship_json_out_t          out;
    flagship_json_level_t       *level;
    const flagship_json_node_t  *end;
    flagship_json_level_t        levels[FLAGSHIP_MAX_DEPTH];

    out.buf = buf;
    out.size = size;
    out.len = 0;

    depth = 0;

    for (end = node + node->next; node < end; node++) {

        if (depth && levels[depth - 1].object) {
            flagship_json_put_scalar(&out, node++);
            flagship_json_putc(&out, ':');
        }

        if (node->type >= FLAGSHIP_JSON_ARRAY && node->len) {
            level = &levels[depth++];
            level->left = node->len;
            level->object = (node->type == FLAGSHIP_JSON_OBJECT);

            flagship_json_putc(&out, level->object ? '{' : '[');
            continue;
        }

        flagship_json_put_scalar(&out, node);

        while (depth) {
            level = &levels[depth - 1];

            if (--level->left) {
                flagship_json_putc(&out, ',');
                break;
            }

            flagship_json_putc(&out, level->object ? '}' : ']');
            depth--;
        }
    }

    return out.len;
}


size_t
flagship_json_print_string(flagship_str_t s, char *buf, size_t size)
{
    flagship_json_out_t  out;

    out.buf = buf;
    out.size = size;
    out.len = 0;

    flagship_json_put_string(&out, s.data, s.len);

    return out.len;
}


/* Anything that holds no other node. */

static void
flagship_json_put_scalar(flagship_json_out_t *out,
    const flagship_json_node_t *node)
{
    char  number[FLAGSHIP_NUMBER_LEN];

    switch (node->type) {

    case FLAGSHIP_JSON_NULL:
        flagship_json_put(out, "null", 4);
        break;

    case FLAGSHIP_JSON_FALSE:
        flagship_json_put(out, "false", 5);
        break;

    case FLAGSHIP_JSON_TRUE:
        flagship_json_put(out, "true", 4);
        break;

    case FLAGSHIP_JSON_NUMBER:

        if (node->exact) {
            flagship_json_put(out, number,
                              flagship_number_print(flagship_json_double(node),
                                                    number));

        } else {
            flagship_json_put(out, node->str, node->len);
        }

        break;

    case FLAGSHIP_JSON_STRING:
        flagship_json_put_string(out, node->str, node->len);
        break;

    case FLAGSHIP_JSON_ARRAY:
        flagship_json_put(out, "[]", 2);
        break;

    default:
        flagship_json_put(out, "{}", 2);
        break;
    }
}


/* Whether one of eight bytes is escaped: a control, '"', '\\', or no ASCII. */

static inline uint64_t
flagship_json_special(uint64_t w)
{
    uint64_t  quote, slash;

    const uint64_t  ones = 0x0101010101010101ull, high = ones << 7;

    quote = w ^ ones * '"';
    slash = w ^ ones * '\\';

    return (w | (w - ones * ' ') | (quote - ones) | (slash - ones)) & high;
}


/* n bytes, 4 or 8, are copied; whether one of them is escaped. */

static inline uint64_t
flagship_json_copy(char *to, const char *p, size_t n)
{
    uint64_t  w;

    w = ' ' * 0x0101010101010101ull;

    memcpy(&w, p, n);
    memcpy(to, &w, n);

    return flagship_json_special(w);
}


/*
 * Most strings have nothing to escape: they are copied while that is seen.
 * The last bytes are taken from the end, so they overlap what was copied
 * before.  Returns 0 where it is not so.
 */

static inline int
flagship_json_put_plain(flagship_json_out_t *out, const char *p, size_t len)
{
    char           *to;
    size_t          i;
    uint64_t        special;
    unsigned char   c;

    if (out->len > out->size || out->size - out->len < len + 2) {
        return 0;
    }

    to = out->buf + out->len;
    *to++ = '"';

    special = 0;

    if (len >= 8) {

        for (i = 0; i + 8 < len; i += 8) {
            special |= flagship_json_copy(to + i, p + i, 8);
        }

        special |= flagship_json_copy(to + len - 8, p + len - 8, 8);

    } else if (len >= 4) {
        special = flagship_json_copy(to, p, 4)
                  | flagship_json_copy(to + len - 4, p + len - 4, 4);

    } else {

        for (i = 0; i < len; i++) {
            c = (unsigned char) p[i];
            special |= c < ' ' || c >= 0x80 || c == '"' || c == '\\';
            to[i] = (char) c;
        }
    }

    if (special) {
        return 0;
    }

    to[len] = '"';
    out->len += len + 2;

    return 1;
}


static void
flagship_json_put_string(flagship_json_out_t *out, const char *p, size_t len)
{
    size_t       n;
    uint32_t     code;
    const char  *end, *start;

    if (flagship_json_put_plain(out, p, len)) {
        return;
    }

    end = p + len;

    flagship_json_putc(out, '"');

    while (p < end) {

        for (start = p;
             p < end && *p >= ' ' && *p != '"' && *p != '\\'
             && (unsigned char) *p < 0x80;
             p++)
        {
            /* void */
        }

        flagship_json_put(out, start, (size_t) (p - start));

        if (p < end) {
            n = flagship_json_decode((const unsigned char *) p,
                                     (size_t) (end - p), &code);

            flagship_json_put_escaped(out, code);
            p += n;
        }
    }

    flagship_json_putc(out, '"');
}


static void
flagship_json_put_escaped(flagship_json_out_t *out, uint32_t c)
{
    char         text[6];
    unsigned     i;
    const char  *found;

    static const char  hex[] = "0123456789abcdef";
    static const char  from[] = "\"\\\b\f\n\r\t";
    static const char  to[] = "\"\\bfnrt";

    found = (c && c < 0x80) ? strchr(from, (int) c) : NULL;

    if (found) {
        flagship_json_putc(out, '\\');
        flagship_json_putc(out, to[found - from]);
        return;
    }

    if (c >= 0x10000) {
        c -= 0x10000;
        flagship_json_put_escaped(out, 0xd800 | c >> 10);
        c = 0xdc00 | (c & 0x3ff);
    }

    text[0] = '\\';
    text[1] = 'u';

    for (i = 0; i < 4; i++) {
        text[2 + i] = hex[c >> (12 - 4 * i) & 15];
    }

    flagship_json_put(out, text, 6);
}


/*
 * One code point, and its length.  A string of nginx's may hold any bytes:
 * what is no UTF-8 becomes U+FFFD, a byte at a time.
 */

static size_t
flagship_json_decode(const unsigned char *p, size_t len, uint32_t *code)
{
    size_t    n, i;
    uint32_t  c;

    static const uint32_t  least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    c = p[0];

    if (c < 0x80) {
        *code = c;
        return 1;
    }

    n = (c >= 0xf0) ? 4 : (c >= 0xe0) ? 3 : 2;
    c &= 0x7fu >> n;

    for (i = 1; i < n && i < len && (p[i] & 0xc0) == 0x80; i++) {
        c = c << 6 | (p[i] & 0x3fu);
    }

    if (p[0] < 0xc0 || p[0] > 0xf4 || i < n || c < least[n] || c > 0x10ffff
        || (c >= 0xd800 && c <= 0xdfff))
    {
        *code = 0xfffd;
        return 1;
    }

    *code = c;

    return n;
}
