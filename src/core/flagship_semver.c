
/*
 * Copyright (C) Flagship
 */


/*
 * Semantic versions.  Numbers are compared as texts of digits, so they have
 * any length.  Nothing allocates; any thread may call.
 */


#include "flagship_semver.h"

#include <string.h>


static const flagship_str_t  flagship_semver_zero = flagship_string("0");


static int flagship_semver_number(flagship_str_t *text,
    flagship_str_t *number);
static int flagship_semver_identifiers(flagship_str_t *text,
    flagship_str_t *list, int pre);
static int flagship_semver_compare_numbers(flagship_str_t a, flagship_str_t b);
static int flagship_semver_compare_pre(flagship_str_t a, flagship_str_t b);
static flagship_str_t flagship_semver_next(flagship_str_t *list);


#define flagship_is_digit(c)    ((c) >= '0' && (c) <= '9')
#define flagship_is_ident(c)                                                  \
    (flagship_is_digit(c) || ((c) >= 'A' && (c) <= 'Z')                       \
     || ((c) >= 'a' && (c) <= 'z') || (c) == '-')


int
flagship_semver_parse(flagship_semver_t *v, flagship_str_t text)
{
    unsigned        i, n;
    flagship_str_t  build;

    if (text.len && (text.data[0] == 'v' || text.data[0] == 'V')) {
        text.data++;
        text.len--;
    }

    v->pre.len = 0;
    v->pre.data = text.data;

    for (n = 0; n < 3; n++) {

        if (n > 0) {
            if (text.len == 0 || text.data[0] != '.') {
                break;
            }

            text.data++;
            text.len--;
        }

        if (flagship_semver_number(&text, &v->number[n]) != FLAGSHIP_OK) {
            return FLAGSHIP_DECLINED;
        }
    }

    for (i = n; i < 3; i++) {
        v->number[i] = flagship_semver_zero;
    }

    /* a padded version ends with its numbers */

    if (n < 3) {
        return text.len ? FLAGSHIP_DECLINED : FLAGSHIP_OK;
    }

    if (text.len && text.data[0] == '-') {
        text.data++;
        text.len--;

        if (flagship_semver_identifiers(&text, &v->pre, 1) != FLAGSHIP_OK) {
            return FLAGSHIP_DECLINED;
        }
    }

    if (text.len && text.data[0] == '+') {
        text.data++;
        text.len--;

        if (flagship_semver_identifiers(&text, &build, 0) != FLAGSHIP_OK) {
            return FLAGSHIP_DECLINED;
        }
    }

    return text.len ? FLAGSHIP_DECLINED : FLAGSHIP_OK;
}


static int
flagship_semver_number(flagship_str_t *text, flagship_str_t *number)
{
    size_t  n;

    for (n = 0; n < text->len && flagship_is_digit(text->data[n]); n++) {
        /* void */
    }

    if (n == 0 || (n > 1 && text->data[0] == '0')) {
        return FLAGSHIP_DECLINED;
    }

    number->data = text->data;
    number->len = n;

    text->data += n;
    text->len -= n;

    return FLAGSHIP_OK;
}


/*
 * Identifiers separated by dots, none empty, up to what can be none of theirs.
 * Numeric ones of a pre-release have no leading zeros.
 */

static int
flagship_semver_identifiers(flagship_str_t *text, flagship_str_t *list,
    int pre)
{
    int          numeric;
    char         c;
    size_t       i, start;

    i = 0;

    for ( ;; ) {
        start = i;
        numeric = 1;

        for ( /* void */ ; i < text->len; i++) {
            c = text->data[i];

            if (!flagship_is_ident(c)) {
                break;
            }

            if (!flagship_is_digit(c)) {
                numeric = 0;
            }
        }

        if (i == start) {
            return FLAGSHIP_DECLINED;
        }

        if (pre && numeric && i - start > 1 && text->data[start] == '0') {
            return FLAGSHIP_DECLINED;
        }

        if (i == text->len || text->data[i] != '.') {
            break;
        }

        i++;
    }

    list->data = text->data;
    list->len = i;

    text->data += i;
    text->len -= i;

    return FLAGSHIP_OK;
}


int
flagship_semver_compare(const flagship_semver_t *a,
    const flagship_semver_t *b)
{
    int       rc;
    unsigned  i;

    for (i = 0; i < 3; i++) {
        rc = flagship_semver_compare_numbers(a->number[i], b->number[i]);

        if (rc) {
            return rc;
        }
    }

    if (a->pre.len == 0 || b->pre.len == 0) {

        /* a release comes after its pre-releases */

        return (a->pre.len == 0) - (b->pre.len == 0);
    }

    return flagship_semver_compare_pre(a->pre, b->pre);
}


static int
flagship_semver_compare_numbers(flagship_str_t a, flagship_str_t b)
{
    if (a.len != b.len) {
        return (a.len < b.len) ? -1 : 1;
    }

    return memcmp(a.data, b.data, a.len);
}


static int
flagship_semver_compare_pre(flagship_str_t a, flagship_str_t b)
{
    int             rc, na, nb;
    size_t          i;
    flagship_str_t  x, y;

    while (a.len && b.len) {
        x = flagship_semver_next(&a);
        y = flagship_semver_next(&b);

        na = 1;
        nb = 1;

        for (i = 0; i < x.len; i++) {
            na &= flagship_is_digit(x.data[i]);
        }

        for (i = 0; i < y.len; i++) {
            nb &= flagship_is_digit(y.data[i]);
        }

        if (na != nb) {

            /* numbers come before words */

            return nb - na;
        }

        if (na) {
            rc = flagship_semver_compare_numbers(x, y);

        } else {
            rc = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);

            if (rc == 0) {
                rc = (x.len > y.len) - (x.len < y.len);
            }
        }

        if (rc) {
            return rc;
        }
    }

    return (a.len != 0) - (b.len != 0);
}


/* Takes the first identifier off a list that is valid. */

static flagship_str_t
flagship_semver_next(flagship_str_t *list)
{
    const char      *dot;
    flagship_str_t   first;

    dot = memchr(list->data, '.', list->len);

    first = *list;

    if (dot == NULL) {
        list->len = 0;
        return first;
    }

    first.len = (size_t) (dot - list->data);

    list->data += first.len + 1;
    list->len -= first.len + 1;

    return first;
}


flagship_semver_op_e
flagship_semver_op(flagship_str_t op)
{
    unsigned  i;

    static const flagship_str_t  names[] = {
        flagship_string("="),
        flagship_string("!="),
        flagship_string("<"),
        flagship_string("<="),
        flagship_string(">"),
        flagship_string(">="),
        flagship_string("^"),
        flagship_string("~")
    };

    for (i = 0; i < FLAGSHIP_SEMVER_BAD; i++) {
        if (flagship_str_eq(op, names[i])) {
            return (flagship_semver_op_e) i;
        }
    }

    return FLAGSHIP_SEMVER_BAD;
}


int
flagship_semver_test(const flagship_semver_t *a, flagship_semver_op_e op,
    const flagship_semver_t *b)
{
    switch (op) {

    case FLAGSHIP_SEMVER_EQ:
        return flagship_semver_compare(a, b) == 0;

    case FLAGSHIP_SEMVER_NE:
        return flagship_semver_compare(a, b) != 0;

    case FLAGSHIP_SEMVER_LT:
        return flagship_semver_compare(a, b) < 0;

    case FLAGSHIP_SEMVER_LE:
        return flagship_semver_compare(a, b) <= 0;

    case FLAGSHIP_SEMVER_GT:
        return flagship_semver_compare(a, b) > 0;

    case FLAGSHIP_SEMVER_GE:
        return flagship_semver_compare(a, b) >= 0;

    case FLAGSHIP_SEMVER_TILDE:

        if (!flagship_str_eq(a->number[1], b->number[1])) {
            return 0;
        }

        /* fall through */

    case FLAGSHIP_SEMVER_CARET:
        return flagship_str_eq(a->number[0], b->number[0]);

    default:
        return 0;
    }
}
