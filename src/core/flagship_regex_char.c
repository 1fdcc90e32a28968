
/*
 * Copyright (C) Flagship
 */


/*
 * A character of a regular expression: as it stands, or an escape that stands
 * for one.  What RE2 and PCRE read otherwise (octal digits, \v), or what is no
 * character (back-references, Unicode properties), is refused with its place.
 */


#include <string.h>

#include "flagship_regex_parser.h"


static int flagship_regex_hex(flagship_regex_parser_t *parser, uint32_t *c);


int
flagship_regex_escaped(flagship_regex_parser_t *parser, uint32_t *c)
{
    char         what;
    const char  *place, *found;

    static const char  from[] = "afnrt";
    static const char  to[] = "\a\f\n\r\t";

    place = parser->p;

    if (parser->last - place < 2) {
        (void) flagship_regex_refuse(parser, place, "nothing follows the "
                                     "backslash");
        return 0;
    }

    what = place[1];

    if (what == 'x') {
        return flagship_regex_hex(parser, c);
    }

    found = what ? strchr(from, what) : NULL;

    if (found) {
        *c = (unsigned char) to[found - from];
        parser->p += 2;
        return 1;
    }

    if (what >= '1' && what <= '9') {
        (void) flagship_regex_refuse(parser, place, "back-references are not "
                                     "supported");
        return 0;
    }

    if (what == 'p' || what == 'P') {
        (void) flagship_regex_refuse(parser, place, "Unicode properties are "
                                     "not supported");
        return 0;
    }

    if (what <= ' ' || what >= 0x7f || what == '0'
        || ((what | 0x20) >= 'a' && (what | 0x20) <= 'z'))
    {
        (void) flagship_regex_refuse(parser, place, "this escape is not "
                                     "supported");
        return 0;
    }

    *c = (unsigned char) what;
    parser->p += 2;

    return 1;
}


/* \xHH and \x{H...}. */

static int
flagship_regex_hex(flagship_regex_parser_t *parser, uint32_t *c)
{
    char         digit;
    unsigned     braces, n;
    const char  *p;

    p = parser->p + 2;
    braces = (p < parser->last && *p == '{');
    p += braces;

    for (*c = 0, n = 0; p < parser->last && n < (braces ? 8 : 2); p++, n++) {
        digit = (char) (*p | 0x20);

        if (*p >= '0' && *p <= '9') {
            *c = *c << 4 | (uint32_t) (*p - '0');

        } else if (digit >= 'a' && digit <= 'f') {
            *c = *c << 4 | (uint32_t) (digit - 'a' + 10);

        } else {
            break;
        }
    }

    if (n < (braces ? 1 : 2) || (braces && (p == parser->last || *p != '}'))
        || *c > FLAGSHIP_REGEX_LAST_POINT
        || (*c >= 0xd800 && *c < 0xe000))
    {
        (void) flagship_regex_refuse(parser, parser->p, "\\x needs two hex "
                                     "digits, or a code point in braces");
        return 0;
    }

    parser->p = p + braces;

    return 1;
}


int
flagship_regex_point(flagship_regex_parser_t *parser, uint32_t *c)
{
    unsigned              i, n;
    const unsigned char  *p;

    static const uint32_t  least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    p = (const unsigned char *) parser->p;
    *c = p[0];

    if (p[0] < 0x80) {
        parser->p++;
        return 1;
    }

    n = (p[0] >= 0xf0) ? 4 : (p[0] >= 0xe0) ? 3 : 2;

    if (p[0] < 0xc2 || p[0] > 0xf4 || n > parser->last - parser->p) {
        goto refused;
    }

    *c = p[0] & (0x7f >> n);

    for (i = 1; i < n; i++) {

        if ((p[i] & 0xc0) != 0x80) {
            goto refused;
        }

        *c = *c << 6 | (p[i] & 0x3f);
    }

    if (*c >= least[n] && *c <= FLAGSHIP_REGEX_LAST_POINT
        && (*c < 0xd800 || *c >= 0xe000))
    {
        parser->p += n;
        return 1;
    }

refused:

    (void) flagship_regex_refuse(parser, parser->p, "this is not UTF-8");

    return 0;
}
