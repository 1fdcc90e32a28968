
/*
 * Copyright (C) Flagship
 */


/*
 * OFREP's bodies.  An answer is put together from what the image holds of it:
 * the key, the variant's name and its value as JSON.  Nearly all of them are
 * brief, so each is copied as a block of a fixed size, and the next piece
 * covers what was too much of it.  No length decides anything then, and
 * nothing is guessed wrong.
 */


#include <string.h>

#include "flagship_code.h"
#include "flagship_json.h"
#include "flagship_ofrep.h"


#define FLAGSHIP_OFREP_TAIL   64

/* all of an answer but what belongs to the flag, and a block too much */
#define FLAGSHIP_OFREP_FIXED  192

#define flagship_ofrep_text(p, text)                                          \
    (memcpy(p, text, sizeof(text) - 1), (p) + sizeof(text) - 1)


static char *flagship_ofrep_any(const flagship_image_t *image,
    const flagship_decision_t *d, char *p);
static char *flagship_ofrep_bytes(char *p, flagship_str_t s);
static char *flagship_ofrep_string(char *p, flagship_str_t s);
static char *flagship_ofrep_refused(const flagship_image_t *image,
    const flagship_decision_t *d, char *p);
static char *flagship_ofrep_metadata(flagship_str_t set, flagship_str_t own,
    char *p);
static const char *flagship_ofrep_member(const char *p, const char *last,
    flagship_str_t *name);
static const char *flagship_ofrep_skip(const char *p, const char *last);
static int flagship_ofrep_has(flagship_str_t object, flagship_str_t name);


/*
 * What comes behind the key, or behind the variant's name.  The last byte does
 * not count: there may be metadata.
 */

typedef struct {
    char        text[FLAGSHIP_OFREP_TAIL - sizeof(uint32_t)];
    uint32_t    len;
} __attribute__((aligned(FLAGSHIP_OFREP_TAIL))) flagship_ofrep_tail_t;

#define flagship_ofrep_tail(text)   { text, sizeof(text) - 2 }

#define flagship_ofrep_reasons(text)                                          \
    {                                                                         \
        flagship_ofrep_tail(text "\",\"reason\":\"STATIC\"}"),                \
        flagship_ofrep_tail(text "\",\"reason\":\"DEFAULT\"}"),               \
        flagship_ofrep_tail(text "\",\"reason\":\"TARGETING_MATCH\"}"),       \
        flagship_ofrep_tail(text "\",\"reason\":\"SPLIT\"}"),                 \
        flagship_ofrep_tail(text "\",\"reason\":\"DISABLED\"}")               \
    }

static const flagship_ofrep_tail_t
    flagship_ofrep_tails[][FLAGSHIP_REASON_DISABLED + 1] =
{
    [FLAGSHIP_BRIEF_YES] = flagship_ofrep_reasons(""),
    [FLAGSHIP_BRIEF_ON] =
        flagship_ofrep_reasons("\",\"value\":true,\"variant\":\"on"),
    [FLAGSHIP_BRIEF_OFF] =
        flagship_ofrep_reasons("\",\"value\":false,\"variant\":\"off")
};


size_t
flagship_ofrep_size(const flagship_image_t *image,
    const flagship_decision_t *d)
{
    size_t                     size;
    const flagship_flag_t     *f;
    const flagship_variant_t  *v;

    f = flagship_flags(image) + d->flag;

    /* a byte takes six at most */

    size = FLAGSHIP_OFREP_FIXED + (size_t) f->key_len * 6 + f->metadata_len
           + image->metadata.n;

    if (d->variant != FLAGSHIP_NO_VARIANT) {
        v = flagship_flag_variant(image, d->flag, d->variant);
        size += (size_t) v->name_len * 6 + v->json_len;
    }

    return size;
}


static inline flagship_str_t
flagship_ofrep_set(const flagship_image_t *image)
{
    return flagship_str(flagship_at(image, image->metadata.offset),
                        image->metadata.n);
}


/* Of a brief variant, up to its reason. */

static inline char *
flagship_ofrep_brief(const flagship_flag_t *f, const flagship_variant_t *v,
    const char *chunk, unsigned reason, char *p)
{
    const flagship_ofrep_tail_t  *tail;

    memcpy(p, "{\"key\":\"", 8);
    p += 8;

    memcpy(p, chunk + f->key, FLAGSHIP_BRIEF_KEY);
    p += f->key_len;

    if (v->brief == FLAGSHIP_BRIEF_YES) {
        memcpy(p, "\",\"value\":      ", 16);
        p += 10;

        memcpy(p, chunk + v->json, FLAGSHIP_BRIEF);
        p += v->json_len;

        memcpy(p, ",\"variant\":\"    ", 16);
        p += 12;

        memcpy(p, chunk + v->name, FLAGSHIP_BRIEF);
        p += v->name_len;
    }

    tail = &flagship_ofrep_tails[v->brief][reason];

    memcpy(p, tail, FLAGSHIP_OFREP_TAIL);

    return p + tail->len;
}


/* NULL: it takes more than "size" bytes, perhaps. */

static inline __attribute__((always_inline)) char *
flagship_ofrep_write(const flagship_image_t *image, const flagship_flag_t *f,
    const flagship_decision_t *d, flagship_str_t set, char *p, size_t size)
{
    const char                *chunk;
    const flagship_variant_t  *v;

    chunk = flagship_at(image, f->chunk);
    v = (const flagship_variant_t *) chunk + d->variant;

    /* an error has no variant */

    if (d->variant != FLAGSHIP_NO_VARIANT && v->brief) {

        if (size < FLAGSHIP_OFREP_FIXED + set.len + f->metadata_len) {
            return NULL;
        }

        p = flagship_ofrep_brief(f, v, chunk, d->reason, p);

        if ((f->metadata_len | set.len) == 0) {
            return p + 1;
        }

    } else {

        if (size < flagship_ofrep_size(image, d)) {
            return NULL;
        }

        if (d->error) {
            return flagship_ofrep_refused(image, d, p);
        }

        p = flagship_ofrep_any(image, d, p);
    }

    p = flagship_ofrep_metadata(set, flagship_str(chunk + f->metadata,
                                                  f->metadata_len), p);
    *p++ = '}';

    return p;
}


size_t
flagship_ofrep_answer(const flagship_image_t *image,
    const flagship_decision_t *d, char *buf)
{
    const flagship_flag_t  *f;

    f = flagship_flags(image) + d->flag;

    return (size_t) (flagship_ofrep_write(image, f, d,
                                          flagship_ofrep_set(image), buf,
                                          SIZE_MAX)
                     - buf);
}


/* Up to the reason, however long, and whatever bytes there are. */

static char *
flagship_ofrep_any(const flagship_image_t *image,
    const flagship_decision_t *d, char *p)
{
    p = flagship_ofrep_text(p, "{\"key\":");
    p = flagship_ofrep_string(p, flagship_flag_key(image, d->flag));

    if (d->variant != FLAGSHIP_NO_VARIANT) {
        p = flagship_ofrep_text(p, ",\"value\":");
        p = flagship_ofrep_bytes(p, flagship_variant_json(image, d->flag,
                                                          d->variant));
        p = flagship_ofrep_text(p, ",\"variant\":");
        p = flagship_ofrep_string(p, flagship_variant_name(image, d->flag,
                                                           d->variant));
    }

    p = flagship_ofrep_text(p, ",\"reason\":");

    return flagship_ofrep_string(p, flagship_reason_name(d->reason));
}


static char *
flagship_ofrep_refused(const flagship_image_t *image,
    const flagship_decision_t *d, char *p)
{
    static const flagship_str_t  broken =
        flagship_string("the flag does not compile");
    static const flagship_str_t  stray =
        flagship_string("the rules name no variant of the flag");

    return p + flagship_ofrep_error(flagship_flag_key(image, d->flag),
                                    d->error,
                                    d->error == FLAGSHIP_ERROR_PARSE_ERROR
                                    ? broken : stray,
                                    p, flagship_ofrep_size(image, d));
}


static char *
flagship_ofrep_bytes(char *p, flagship_str_t s)
{
    if (s.len) {
        memcpy(p, s.data, s.len);
    }

    return p + s.len;
}


static char *
flagship_ofrep_string(char *p, flagship_str_t s)
{
    return p + flagship_json_print_string(s, p, 6 * s.len + 2);
}


size_t
flagship_ofrep_answers(flagship_eval_t *ev, uint32_t *flag, char *buf,
    size_t size)
{
    char                    *p, *end, *last;
    uint32_t                 i, n;
    flagship_str_t           set;
    flagship_decision_t      d;
    const flagship_flag_t   *flags;
    const flagship_image_t  *image;

    static const char  head[] = "{\"flags\":[";

    image = ev->image;
    flags = flagship_flags(image);
    set = flagship_ofrep_set(image);
    n = image->flags.n;
    p = buf;
    last = buf + size;

    for (i = *flag; i < n; i++) {
        flagship_eval(ev, i, &d);

        /* what stands before an answer is a part of what is fixed */

        end = flagship_ofrep_write(image, &flags[i], &d, set,
                                   p + (i ? 1 : sizeof(head) - 1),
                                   (size_t) (last - p));

        if (end == NULL) {
            *flag = i;
            return (size_t) (p - buf);
        }

        if (i) {
            *p = ',';

        } else {
            memcpy(p, head, sizeof(head) - 1);
        }

        p = end;
    }

    if ((size_t) (last - p) < FLAGSHIP_OFREP_FIXED + set.len) {
        *flag = n;
        return (size_t) (p - buf);
    }

    if (n == 0) {
        p = flagship_ofrep_text(p, head);
    }

    *p++ = ']';

    p = flagship_ofrep_metadata(set, flagship_str("", 0), p);

    *p++ = '}';
    *flag = FLAGSHIP_NONE;

    return (size_t) (p - buf);
}


size_t
flagship_ofrep_error(flagship_str_t key, unsigned error,
    flagship_str_t details, char *buf, size_t size)
{
    size_t          i, len;
    flagship_str_t  piece;

    const struct {
        const char      *text;
        flagship_str_t   string;
    } pieces[] = {
        { key.data ? "{\"key\":" : "{", key },
        { key.data ? ",\"errorCode\":" : "\"errorCode\":",
          flagship_error_name(error) },
        { ",\"errorDetails\":", details },
        { "}", { 0, NULL } }
    };

    len = 0;

    for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        piece = flagship_str(pieces[i].text, strlen(pieces[i].text));

        if (len < size) {
            memcpy(buf + len, piece.data,
                   piece.len < size - len ? piece.len : size - len);
        }

        len += piece.len;

        if (pieces[i].string.data) {
            len += flagship_json_print_string(pieces[i].string,
                                              len < size ? buf + len : NULL,
                                              len < size ? size - len : 0);
        }
    }

    return len;
}


/*
 * The flag set's members with the flag's own over them.  Both are objects as
 * core prints them, so that equal names are equal bytes, or empty.
 */

static char *
flagship_ofrep_metadata(flagship_str_t set, flagship_str_t own, char *p)
{
    char            *start;
    const char      *s, *end, *last;
    flagship_str_t   name;

    start = p;
    p = flagship_ofrep_text(p, ",\"metadata\":{");

    last = set.data + set.len;

    for (s = set.data + 1; set.len > 2 && s < last; s = end + 1) {
        end = flagship_ofrep_member(s, last, &name);

        if (flagship_ofrep_has(own, name)) {
            continue;
        }

        p = flagship_ofrep_bytes(p, flagship_str(s, (size_t) (end - s)));
        *p++ = ',';
    }

    if (own.len > 2) {
        p = flagship_ofrep_bytes(p, flagship_str(own.data + 1, own.len - 2));
        *p++ = ',';
    }

    if (p[-1] != ',') {
        return start;
    }

    p[-1] = '}';

    return p;
}


static int
flagship_ofrep_has(flagship_str_t object, flagship_str_t name)
{
    const char      *p, *last;
    flagship_str_t   other;

    last = object.data + object.len;

    for (p = object.data + 1; object.len > 2 && p < last; p++) {
        p = flagship_ofrep_member(p, last, &other);

        if (flagship_str_eq(name, other)) {
            return 1;
        }
    }

    return 0;
}


/* A member from its name on; returns where it ends, at most at "last" - 1. */

static const char *
flagship_ofrep_member(const char *p, const char *last, flagship_str_t *name)
{
    unsigned     depth;
    const char  *start;

    start = p;
    p = flagship_ofrep_skip(p, last);

    *name = flagship_str(start, (size_t) (p - start));

    for (depth = 0; p < last - 1; p++) {

        switch (*p) {

        case '"':
            p = flagship_ofrep_skip(p, last) - 1;
            break;

        case '{':
        case '[':
            depth++;
            break;

        case '}':
        case ']':
            depth--;
            break;

        case ',':

            if (depth == 0) {
                return p;
            }
        }
    }

    return last - 1;
}


/* Behind the string at p, at most "last" - 1: an object ends behind it. */

static const char *
flagship_ofrep_skip(const char *p, const char *last)
{
    for (p++; p < last - 1; p++) {

        if (*p == '"') {
            return p + 1;
        }

        p += (*p == '\\');
    }

    return last - 1;
}
