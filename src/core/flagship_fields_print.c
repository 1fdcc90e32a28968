
/*
 * Copyright (C) Flagship
 */


/*
 * Fields -> JSON, and the arguments of a query string -> JSON.  Nothing is
 * printed anew that the client wrote: numbers and strings keep their text.
 */


#include <math.h>
#include <string.h>

#include "flagship_fields_out.h"


static void flagship_out_ids(flagship_out_t *out, const char *text,
    const flagship_json_node_t *list);
static void flagship_out_argument(flagship_out_t *out,
    const flagship_argument_t *args, size_t n, size_t i,
    const flagship_spelling_t *spelling);
static int flagship_argument_is_json(flagship_str_t value);


size_t
flagship_fields_print(const flagship_fields_t *f, uint32_t fields, char *buf,
    size_t size)
{
    unsigned        i;
    flagship_out_t  out;

    out = (flagship_out_t) { buf, size, 0 };

    flagship_out_literal(&out, "{");

    for (i = 0; i < f->resource->nfields; i++) {

        if (f->list[i].node && (fields & flagship_field_bit(i))) {
            flagship_out_name(&out, flagship_field_name(f->resource, i));
            flagship_out_field(&out, f, i);
        }
    }

    flagship_out_literal(&out, "}");

    return out.len;
}


void
flagship_out(flagship_out_t *out, const char *p, size_t n)
{
    size_t  room;

    room = out->len < out->size ? out->size - out->len : 0;

    if (room) {
        memcpy(out->buf + out->len, p, n < room ? n : room);
    }

    out->len += n;
}


/* The text was parsed: its brackets match and its strings end. */

void
flagship_out_raw(flagship_out_t *out, const char *text,
    const flagship_json_node_t *node)
{
    unsigned     depth;
    const char  *p, *start;

    switch (node->type) {

    case FLAGSHIP_JSON_NULL:
        flagship_out_literal(out, "null");
        return;

    case FLAGSHIP_JSON_FALSE:
        flagship_out_literal(out, "false");
        return;

    case FLAGSHIP_JSON_TRUE:
        flagship_out_literal(out, "true");
        return;

    case FLAGSHIP_JSON_NUMBER:
        flagship_out(out, node->str, node->len);
        return;

    default:
        break;
    }

    depth = 0;
    p = text + flagship_json_offset(text, node);

    do {
        start = p++;

        switch (*start) {

        case '"':

            while (*p != '"') {
                p += (*p == '\\') ? 2 : 1;
            }

            p++;
            break;

        case ' ':
        case '\t':
        case '\r':
        case '\n':
            continue;

        case '{':
        case '[':
            depth++;
            break;

        case '}':
        case ']':
            depth--;
            break;

        default:
            break;
        }

        flagship_out(out, start, (size_t) (p - start));

    } while (depth);
}


void
flagship_out_string(flagship_out_t *out, flagship_str_t s)
{
    size_t  room;

    room = out->len < out->size ? out->size - out->len : 0;

    out->len += flagship_json_print_string(s, room ? out->buf + out->len
                                                   : NULL, room);
}


void
flagship_out_name(flagship_out_t *out, flagship_str_t name)
{
    if (out->len > 1) {
        flagship_out_literal(out, ",");
    }

    flagship_out_string(out, name);
    flagship_out_literal(out, ":");
}


void
flagship_out_field(flagship_out_t *out, const flagship_fields_t *f,
    unsigned field)
{
    unsigned                     kind;
    const flagship_json_node_t  *node;

    node = f->list[field].node;
    kind = f->list[field].spelling->kind;

    if (kind == FLAGSHIP_VALUE_SWITCH && node->type == FLAGSHIP_JSON_STRING) {

        if (flagship_field_truth(node, kind)) {
            flagship_out_literal(out, "true");

        } else {
            flagship_out_literal(out, "false");
        }

    } else if (kind == FLAGSHIP_VALUE_IDS && node->type == FLAGSHIP_JSON_ARRAY)
    {
        flagship_out_ids(out, f->text, node);

    } else {
        flagship_out_raw(out, f->text, node);
    }
}


/* A number as JavaScript makes a string of it, where that loses nothing. */

static void
flagship_out_ids(flagship_out_t *out, const char *text,
    const flagship_json_node_t *list)
{
    char                         number[FLAGSHIP_NUMBER_LEN];
    uint32_t                     i;
    const flagship_json_node_t  *node;

    flagship_out_literal(out, "[");

    node = list + 1;

    for (i = 0; i < list->len; i++, node += node->next) {

        if (i) {
            flagship_out_literal(out, ",");
        }

        if (node->type == FLAGSHIP_JSON_STRING) {
            flagship_out_raw(out, text, node);
            continue;
        }

        flagship_out_literal(out, "\"");

        if (node->exact) {
            flagship_out(out, number,
                         flagship_number_print(flagship_json_double(node),
                                               number));

        } else {
            flagship_out(out, node->str, node->len);
        }

        flagship_out_literal(out, "\"");
    }

    flagship_out_literal(out, "]");
}


size_t
flagship_fields_query(const flagship_resource_t *resource,
    const flagship_argument_t *args, size_t n, char *buf, size_t size)
{
    size_t                      i, k;
    flagship_out_t              out;
    const flagship_spelling_t  *s;

    out = (flagship_out_t) { buf, size, 0 };

    flagship_out_literal(&out, "{");

    for (i = 0; i < n; i++) {

        for (s = resource->spellings;
             s->path.len && !flagship_str_eq(s->path, args[i].name);
             s++)
        {
            /* void */
        }

        if (s->kind == FLAGSHIP_VALUE_STRINGS || s->kind == FLAGSHIP_VALUE_IDS)
        {
            for (k = 0; k < i; k++) {
                if (flagship_str_eq(args[k].name, args[i].name)) {
                    break;
                }
            }

            if (k < i) {
                continue;
            }
        }

        flagship_out_name(&out, args[i].name);
        flagship_out_argument(&out, args, n, i, s);
    }

    flagship_out_literal(&out, "}");

    return out.len;
}


static void
flagship_out_argument(flagship_out_t *out, const flagship_argument_t *args,
    size_t n, size_t i, const flagship_spelling_t *spelling)
{
    int             json;
    size_t          k;
    const char     *comma;
    flagship_str_t  value;

    value = args[i].value;

    switch (spelling->kind) {

    case FLAGSHIP_VALUE_STRINGS:
    case FLAGSHIP_VALUE_IDS:
        comma = "[";

        for (k = i; k < n; k++) {
            if (flagship_str_eq(args[k].name, args[i].name)) {
                flagship_out(out, comma, 1);
                flagship_out_string(out, args[k].value);
                comma = ",";
            }
        }

        flagship_out_literal(out, "]");
        return;

    case FLAGSHIP_VALUE_BOOLEAN:
        json = flagship_str_is(value, "true")
               || flagship_str_is(value, "false");
        break;

    case FLAGSHIP_VALUE_NUMBER:
        json = !isnan(flagship_number_parse(value.data, value.len, 0));
        break;

    case FLAGSHIP_VALUE_TYPED:

        /* a string is read as the type says, where one is named */

        json = 1;

        for (k = 0; k < n; k++) {
            json &= !flagship_str_is(args[k].name, "type");
        }

        json = json && flagship_argument_is_json(value);
        break;

    case FLAGSHIP_VALUE_METADATA:
    case FLAGSHIP_VALUE_JSON:
        json = flagship_argument_is_json(value);
        break;

    default:
        json = 0;
    }

    if (json) {
        flagship_out(out, value.data, value.len);

    } else {
        flagship_out_string(out, value);
    }
}


static int
flagship_argument_is_json(flagship_str_t value)
{
    int              rc;
    flagship_json_t  json;

    flagship_json_init(&json);
    rc = flagship_json_parse(&json, value.data, value.len);
    flagship_json_free(&json);

    return rc == FLAGSHIP_OK;
}
