
/*
 * Copyright (C) Flagship
 */


/*
 * Variants: names, values and their texts.
 *
 * They are the first that a record's chunk holds, so they are compiled before
 * anything that names one.
 */


#include <string.h>

#include "flagship_compiler.h"
#include "flagship_json_parser.h"


static int flagship_variants_type(flagship_compiler_t *c,
    const flagship_document_t *d);
static void flagship_variants_add(flagship_compiler_t *c,
    flagship_variant_t *v, flagship_str_t name,
    const flagship_json_node_t *value);
static void flagship_variants_simple(flagship_compiler_t *c, int type);
static unsigned flagship_variants_named(flagship_compiler_t *c,
    const char *name, const flagship_json_node_t *node);


static const flagship_str_t  flagship_types[] = {
    flagship_string("boolean"),
    flagship_string("string"),
    flagship_string("number"),
    flagship_string("json")
};


void
flagship_variants(flagship_compiler_t *c, flagship_document_t *d,
    flagship_flag_t *record)
{
    int                          type;
    size_t                       pointer, member;
    uint32_t                     i, n;
    flagship_str_t               name;
    flagship_variant_t          *v;
    const flagship_json_node_t  *value;

    static const uint8_t  types[] = {
        [FLAGSHIP_JSON_FALSE] = FLAGSHIP_TYPE_BOOLEAN,
        [FLAGSHIP_JSON_TRUE] = FLAGSHIP_TYPE_BOOLEAN,
        [FLAGSHIP_JSON_STRING] = FLAGSHIP_TYPE_STRING,
        [FLAGSHIP_JSON_NUMBER] = FLAGSHIP_TYPE_NUMBER,
    };

    type = flagship_variants_type(c, d);

    record->type = type;
    record->default_variant = FLAGSHIP_NO_VARIANT;
    record->off_variant = FLAGSHIP_NO_VARIANT;

    c->unit->variants.len = 0;

    if (d->simple) {
        flagship_variants_simple(c, type);

        if (d->default_variant == NULL) {
            record->default_variant = 1;
        }

        if (d->off_variant == NULL) {
            record->off_variant = 1;
        }

    } else {
        pointer = flagship_compiler_enter(c, flagship_str("variants", 8));

        if (d->variants == NULL || d->variants->type != FLAGSHIP_JSON_OBJECT
            || d->variants->len == 0 || d->variants->len > 1000)
        {
            flagship_compiler_error(c, "must be an object of 1 to 1000 "
                                    "names and values");
            flagship_compiler_leave(c, pointer);
            return;
        }

        n = d->variants->len;

        v = flagship_buf_add(&c->unit->variants, NULL,
                             n * sizeof(flagship_variant_t));
        if (v == NULL) {
            c->nomem = 1;
            return;
        }

        memset(v, 0, n * sizeof(flagship_variant_t));

        c->nvariants = n;
        value = d->variants + 1;

        for (i = 0; i < n; i++) {
            name = flagship_json_str(value);
            value++;

            member = flagship_compiler_enter(c, name);

            if (name.len > FLAGSHIP_MAX_KEY) {
                flagship_compiler_error(c, "a variant's name has at most %d "
                                        "bytes", FLAGSHIP_MAX_KEY);

            } else if (type != FLAGSHIP_TYPE_JSON
                       && (value->type == FLAGSHIP_JSON_NULL
                           || value->type >= FLAGSHIP_JSON_ARRAY
                           || types[value->type] != type))
            {
                flagship_compiler_error(c, "must be a %s, as the flag is",
                                        flagship_types[type].data);

            } else {
                flagship_variants_add(c, &v[i], name, value);
            }

            flagship_compiler_leave(c, member);

            value += value->next;
        }

        flagship_compiler_leave(c, pointer);
    }

    if (d->default_variant) {
        record->default_variant = flagship_variants_named(c, d->flagd
                                                      ? "defaultVariant"
                                                      : "default_variant",
                                                      d->default_variant);
    }

    if (d->off_variant) {
        record->off_variant = flagship_variants_named(c, "off_variant",
                                                  d->off_variant);
    }

    d->on = flagship_rule_variant(c, flagship_str("on", 2));
}


/* The type as given, else that of the first variant, else boolean. */

static int
flagship_variants_type(flagship_compiler_t *c, const flagship_document_t *d)
{
    int                          type;
    size_t                       pointer;
    uint32_t                     i;
    const flagship_json_node_t  *value;

    if (d->type) {

        if (d->type->type == FLAGSHIP_JSON_STRING) {
            for (type = 0; type < 4; type++) {
                if (flagship_str_eq(flagship_json_str(d->type),
                                    flagship_types[type]))
                {
                    return type;
                }
            }
        }

        pointer = flagship_compiler_enter(c, flagship_str("type", 4));
        flagship_compiler_error(c, "must be \"boolean\", \"string\", "
                                "\"number\" or \"json\"");
        flagship_compiler_leave(c, pointer);

        return FLAGSHIP_TYPE_JSON;
    }

    if (d->variants == NULL || d->variants->type != FLAGSHIP_JSON_OBJECT) {
        return FLAGSHIP_TYPE_BOOLEAN;
    }

    /* one type for all, else json: flagd documents do not say it */

    type = -1;
    value = d->variants + 1;

    for (i = 0; i < d->variants->len; i++) {
        value++;

        switch (value->type) {

        case FLAGSHIP_JSON_FALSE:
        case FLAGSHIP_JSON_TRUE:
            if (type != -1 && type != FLAGSHIP_TYPE_BOOLEAN) {
                return FLAGSHIP_TYPE_JSON;
            }

            type = FLAGSHIP_TYPE_BOOLEAN;
            break;

        case FLAGSHIP_JSON_STRING:
            if (type != -1 && type != FLAGSHIP_TYPE_STRING) {
                return FLAGSHIP_TYPE_JSON;
            }

            type = FLAGSHIP_TYPE_STRING;
            break;

        case FLAGSHIP_JSON_NUMBER:
            if (type != -1 && type != FLAGSHIP_TYPE_NUMBER) {
                return FLAGSHIP_TYPE_JSON;
            }

            type = FLAGSHIP_TYPE_NUMBER;
            break;

        default:
            return FLAGSHIP_TYPE_JSON;
        }

        value += value->next;
    }

    return type == -1 ? FLAGSHIP_TYPE_BOOLEAN : type;
}


/* "v" is in unit->variants, whose memory does not move meanwhile. */

static void
flagship_variants_add(flagship_compiler_t *c, flagship_variant_t *v,
    flagship_str_t name, const flagship_json_node_t *value)
{
    char    *p;
    size_t   i, len;

    v->name = flagship_emit_data(c, name.data, name.len, 1);
    v->name_len = name.len;

    len = flagship_json_print(value, NULL, 0);

    v->json = flagship_emit_data(c, NULL, len, 1);
    v->json_len = len;

    if (c->nomem) {
        return;
    }

    p = c->unit->data.data + c->unit->data.len - len;
    (void) flagship_json_print(value, p, len);

    if (value->type == FLAGSHIP_JSON_STRING) {

        if (len == (size_t) value->len + 2) {
            /* nothing was escaped: the text is between the quotes */
            v->text = v->json + 1;

        } else {
            v->text = flagship_emit_data(c, value->str, value->len, 1);
        }

        v->text_len = value->len;

        for (i = 0; i < value->len; i++) {
            if ((unsigned char) value->str[i] < 0x20
                || value->str[i] == 0x7f)
            {
                v->unsendable = 1;
            }
        }

    } else {
        v->text = v->json;
        v->text_len = v->json_len;
    }

    if (v->text_len > 4096) {
        v->unsendable = 1;
    }

    if (len > FLAGSHIP_BRIEF || name.len > FLAGSHIP_BRIEF
        || c->key.len > FLAGSHIP_BRIEF_KEY
        || flagship_json_plain(name.data, name.data + name.len)
           != name.data + name.len)
    {
        v->brief = FLAGSHIP_BRIEF_NO;

    } else if (value->type == FLAGSHIP_JSON_TRUE
               && flagship_str_is(name, "on"))
    {
        v->brief = FLAGSHIP_BRIEF_ON;

    } else if (value->type == FLAGSHIP_JSON_FALSE
               && flagship_str_is(name, "off"))
    {
        v->brief = FLAGSHIP_BRIEF_OFF;

    } else {
        v->brief = FLAGSHIP_BRIEF_YES;
    }
}


/* "on" and "off" with the values that the simple form gives them. */

static void
flagship_variants_simple(flagship_compiler_t *c, int type)
{
    unsigned              i;
    flagship_variant_t   *v;
    flagship_json_node_t  value;

    static const flagship_str_t  names[] = {
        flagship_string("on"), flagship_string("off")
    };

    if (type != FLAGSHIP_TYPE_BOOLEAN) {
        flagship_compiler_error(c, "a flag that is no boolean needs "
                                "\"variants\"");
        return;
    }

    v = flagship_buf_add(&c->unit->variants, NULL,
                         2 * sizeof(flagship_variant_t));
    if (v == NULL) {
        c->nomem = 1;
        return;
    }

    memset(v, 0, 2 * sizeof(flagship_variant_t));
    memset(&value, 0, sizeof(value));

    c->nvariants = 2;

    for (i = 0; i < 2; i++) {
        value.type = i ? FLAGSHIP_JSON_FALSE : FLAGSHIP_JSON_TRUE;
        value.next = 1;

        flagship_variants_add(c, &v[i], names[i], &value);
    }
}


static unsigned
flagship_variants_named(flagship_compiler_t *c, const char *name,
    const flagship_json_node_t *node)
{
    size_t    pointer;
    unsigned  variant;

    variant = FLAGSHIP_NO_VARIANT;

    if (node->type == FLAGSHIP_JSON_STRING) {
        variant = flagship_rule_variant(c, flagship_json_str(node));
    }

    if (variant == FLAGSHIP_NO_VARIANT) {
        pointer = flagship_compiler_enter(c, flagship_str(name,
                                                          strlen(name)));

        if (node->type == FLAGSHIP_JSON_STRING) {
            flagship_compiler_error(c, "\"%.*s\" is none of the variants",
                                    (int) node->len, node->str);

        } else {
            flagship_compiler_error(c, "must be a variant's name or null");
        }

        flagship_compiler_leave(c, pointer);
    }

    return variant;
}
