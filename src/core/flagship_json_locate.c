
/*
 * Copyright (C) Flagship
 */


/*
 * Where in a document a byte lies: a walk over the text that knows brackets,
 * commas, colons and strings, and nothing else.  The text before the byte was
 * read by the parser, so its brackets match; names are taken as they are
 * written, escapes and all.
 */


#include <stdio.h>
#include <string.h>

#include "flagship_json.h"


typedef struct {
    const char  *name;      /* of the member; NULL: none yet */
    size_t       len;
    unsigned     index;     /* of the element */
    int          object;
} flagship_json_level_t;


static const char *flagship_json_locate_string(const char *p,
    const char *last);
static void flagship_json_locate_print(const flagship_json_level_t *levels,
    unsigned depth, char *pointer, size_t size);


void
flagship_json_locate(const char *text, size_t offset, char *pointer,
    size_t size)
{
    unsigned                depth;
    const char             *p, *last, *string;
    flagship_json_level_t  *level;
    flagship_json_level_t   levels[FLAGSHIP_MAX_DEPTH + 1];

    depth = 0;
    level = NULL;
    last = text + offset;

    for (p = text; p < last; p++) {

        switch (*p) {

        case '{':
        case '[':
            if (depth == FLAGSHIP_MAX_DEPTH + 1) {
                goto done;
            }

            level = &levels[depth++];
            level->name = NULL;
            level->len = 0;
            level->index = 0;
            level->object = (*p == '{');
            break;

        case '}':
        case ']':
            if (depth) {
                depth--;
            }

            level = depth ? &levels[depth - 1] : NULL;
            break;

        case ',':
            if (level) {
                level->name = NULL;
                level->index++;
            }

            break;

        case '"':
            string = p + 1;
            p = flagship_json_locate_string(string, last);

            if (p < last && level && level->object && level->name == NULL) {
                level->name = string;
                level->len = (size_t) (p - string);
            }

            break;
        }
    }

done:

    flagship_json_locate_print(levels, depth, pointer, size);
}


/* The quote at the end, or "last" */

static const char *
flagship_json_locate_string(const char *p, const char *last)
{
    while (p < last && *p != '"') {
        p += (*p == '\\') ? 2 : 1;
    }

    return p < last ? p : last;
}


static void
flagship_json_locate_print(const flagship_json_level_t *levels, unsigned depth,
    char *pointer, size_t size)
{
    char      step[16], *p, *last;
    size_t    i, len, need;
    unsigned  n;

    p = pointer;
    last = pointer + size;

    for (n = 0; n < depth; n++) {

        if (levels[n].object && levels[n].name == NULL) {
            break;
        }

        if (!levels[n].object) {
            len = (size_t) snprintf(step, sizeof(step), "%u",
                                    levels[n].index);

            if (len + 2 > (size_t) (last - p)) {
                break;
            }

            *p++ = '/';
            memcpy(p, step, len);
            p += len;

            continue;
        }

        for (need = 2, i = 0; i < levels[n].len; i++) {
            need += (levels[n].name[i] == '~' || levels[n].name[i] == '/')
                    ? 2 : 1;
        }

        if (need > (size_t) (last - p)) {
            break;
        }

        *p++ = '/';

        for (i = 0; i < levels[n].len; i++) {

            switch (levels[n].name[i]) {

            case '~':
                *p++ = '~';
                *p++ = '0';
                break;

            case '/':
                *p++ = '~';
                *p++ = '1';
                break;

            default:
                *p++ = levels[n].name[i];
            }
        }
    }

    *p = '\0';
}
