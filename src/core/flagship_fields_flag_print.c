
/*
 * Copyright (C) Flagship
 */


/*
 * A flag's document, written from the fields that were sent: what they say
 * themselves, the variants and the split that shorter forms stand for, and
 * what a new flag has without saying so.
 */


#include <string.h>

#include "flagship_fields_flag.h"


static int flagship_flag_put(const flagship_flag_fields_t *f, unsigned field,
    int merged, flagship_out_t *out);
static unsigned flagship_flag_type_both(unsigned type,
    const flagship_json_node_t *value);
static void flagship_flag_put_variants(const flagship_flag_fields_t *f,
    flagship_out_t *out);
static void flagship_flag_put_value(const flagship_flag_fields_t *f,
    unsigned field, flagship_out_t *out);
static void flagship_flag_put_inner(const flagship_json_node_t *node,
    flagship_out_t *out);
static void flagship_flag_put_rules(const flagship_flag_fields_t *f,
    flagship_out_t *out);
static void flagship_flag_put_split(const flagship_flag_fields_t *f,
    const flagship_json_node_t *rule, const char *text, flagship_out_t *out);


static const flagship_str_t  flagship_flag_empty[] = {
    [FLAGSHIP_TYPE_BOOLEAN] = flagship_string("false"),
    [FLAGSHIP_TYPE_STRING] = flagship_string("\"\""),
    [FLAGSHIP_TYPE_NUMBER] = flagship_string("0"),
    [FLAGSHIP_TYPE_JSON] = flagship_string("null")
};


size_t
flagship_flag_fields_print(const flagship_flag_fields_t *f, int merged,
    char *buf, size_t size)
{
    size_t          before;
    unsigned        i;
    flagship_out_t  out;

    out = (flagship_out_t) { buf, size, 0 };

    flagship_out_literal(&out, "{");

    for (i = 0; i < FLAGSHIP_FLAG_FIELDS; i++) {

        if (f->fields.resource->fixed & flagship_field_bit(i)) {
            continue;
        }

        before = out.len;
        flagship_out_name(&out, flagship_field_name(f->fields.resource, i));

        if (!flagship_flag_put(f, i, merged, &out)) {
            out.len = before;
        }
    }

    flagship_out_literal(&out, "}");

    return out.len;
}


/* The field's value; 0: it has none. */

static int
flagship_flag_put(const flagship_flag_fields_t *f, unsigned field, int merged,
    flagship_out_t *out)
{
    unsigned                     type;
    uint32_t                     i;
    const flagship_field_t      *list;
    const flagship_json_node_t  *node, *variants;

    list = f->fields.list;
    node = list[field].node;

    if (field == FLAGSHIP_FIELD_VARIANTS && (f->simple || f->listed)) {
        flagship_flag_put_variants(f, out);
        return 1;
    }

    if (field == FLAGSHIP_FIELD_RULES && f->weighted) {
        flagship_flag_put_rules(f, out);
        return 1;
    }

    if (node) {

        if (merged && node->type == FLAGSHIP_JSON_NULL) {
            return 0;
        }

        flagship_out_field(out, &f->fields, field);
        return 1;
    }

    if (f->current) {
        node = flagship_flag_current(f, field);

        if (!merged || node == NULL) {
            return 0;
        }

        flagship_out_raw(out, f->current_text, node);
        return 1;
    }

    /* what a new flag has without saying so */

    variants = list[FLAGSHIP_FIELD_VARIANTS].node;

    switch (field) {

    case FLAGSHIP_FIELD_TYPE:

        if (list[field].spelling) {
            return 0;
        }

        type = f->type;

        if (f->listed) {
            node = variants + 1;

            for (i = 0; i < variants->len; i++, node += node->next) {
                if (node->type == FLAGSHIP_JSON_OBJECT) {
                    type = flagship_flag_type_both(type,
                                            flagship_json_get(node, "value"));
                }
            }

        } else if (variants && variants->type == FLAGSHIP_JSON_OBJECT) {
            node = variants + 2;

            for (i = 0; i < variants->len; i++, node += node->next + 1) {
                type = flagship_flag_type_both(type, node);
            }
        }

        if (type == FLAGSHIP_TYPE_NONE) {
            return 0;
        }

        flagship_out_string(out, flagship_flag_types[type]);
        return 1;

    case FLAGSHIP_FIELD_DEFAULT_VARIANT:
    case FLAGSHIP_FIELD_OFF_VARIANT:

        if (!f->simple) {
            return 0;
        }

        flagship_out_literal(out, "\"off\"");
        return 1;

    case FLAGSHIP_FIELD_ROLLOUT:

        if (!f->simple || list[field].spelling
            || list[FLAGSHIP_FIELD_USER_IDS].spelling
            || list[FLAGSHIP_FIELD_RULES].spelling)
        {
            return 0;
        }

        flagship_out_literal(out, "100");
        return 1;

    default:
        return 0;
    }
}


/* One type for all, else json. */

static unsigned
flagship_flag_type_both(unsigned type, const flagship_json_node_t *value)
{
    unsigned  other;

    other = value ? flagship_flag_type_of(value) : FLAGSHIP_TYPE_STRING;

    return (type == FLAGSHIP_TYPE_NONE || type == other)
           ? other : FLAGSHIP_TYPE_JSON;
}


static void
flagship_flag_put_variants(const flagship_flag_fields_t *f,
    flagship_out_t *out)
{
    uint32_t                     i;
    const char                  *comma;
    const flagship_json_node_t  *list, *item, *key, *value;

    if (f->simple) {
        flagship_out_literal(out, "{\"on\":");
        flagship_flag_put_value(f, FLAGSHIP_FIELD_DEFAULT_VALUE, out);
        flagship_out_literal(out, ",\"off\":");
        flagship_flag_put_value(f, FLAGSHIP_FIELD_OFF_VALUE, out);
        flagship_out_literal(out, "}");
        return;
    }

    list = f->fields.list[FLAGSHIP_FIELD_VARIANTS].node;
    item = list + 1;
    comma = "{";

    for (i = 0; i < list->len; i++, item += item->next) {
        key = flagship_flag_item_key(item);

        if (key && !flagship_flag_item_again(list, item, key)) {
            value = flagship_json_get(item, "value");

            flagship_out(out, comma, 1);
            flagship_out_raw(out, f->fields.text, key);
            flagship_out_literal(out, ":");
            flagship_out_raw(out, f->fields.text, value ? value : key);
            comma = ",";
        }
    }

    if (comma[0] == '{') {
        flagship_out_literal(out, "{");
    }

    flagship_out_literal(out, "}");
}


/* The value of "on", or that of "off". */

static void
flagship_flag_put_value(const flagship_flag_fields_t *f, unsigned field,
    flagship_out_t *out)
{
    const flagship_json_node_t  *node, *variants;

    node = f->fields.list[field].node;

    if (node) {

        if (node->type == FLAGSHIP_JSON_STRING
            && f->type != FLAGSHIP_TYPE_STRING)
        {
            flagship_flag_put_inner(node, out);

        } else {
            flagship_out_raw(out, f->fields.text, node);
        }

        return;
    }

    if (field == FLAGSHIP_FIELD_DEFAULT_VALUE
        && f->fields.list[field].spelling == NULL)
    {
        variants = flagship_flag_current(f, FLAGSHIP_FIELD_VARIANTS);

        node = (variants && variants->type == FLAGSHIP_JSON_OBJECT)
               ? flagship_json_get(variants, "on") : NULL;

        if (node) {
            flagship_out_raw(out, f->current_text, node);
            return;
        }

        if (f->type == FLAGSHIP_TYPE_BOOLEAN) {
            flagship_out_literal(out, "true");
            return;
        }
    }

    flagship_out(out, flagship_flag_empty[f->type].data,
                 flagship_flag_empty[f->type].len);
}


/* A string that was found to be JSON, as that. */

static void
flagship_flag_put_inner(const flagship_json_node_t *node, flagship_out_t *out)
{
    size_t                len;
    const char           *p;
    flagship_json_node_t  inner;

    p = node->str;
    len = node->len;

    while (strchr(" \t\r\n", *p)) {
        p++;
        len--;
    }

    if (*p == '{' || *p == '[' || *p == '"') {
        memset(&inner, 0, sizeof(inner));
        inner.type = *p == '"' ? FLAGSHIP_JSON_STRING : FLAGSHIP_JSON_ARRAY;
        inner.str = p + (*p == '"');

        flagship_out_raw(out, p, &inner);
        return;
    }

    while (strchr(" \t\r\n", p[len - 1])) {
        len--;
    }

    flagship_out(out, p, len);
}


static void
flagship_flag_put_rules(const flagship_flag_fields_t *f, flagship_out_t *out)
{
    uint32_t                     i;
    const char                  *text, *comma;
    const flagship_json_node_t  *rules, *rule;

    rules = flagship_flag_rules_before(f, &text);

    if (rules && rules->type != FLAGSHIP_JSON_ARRAY) {
        flagship_out_raw(out, text, rules);
        return;
    }

    comma = "[";
    rule = rules ? rules + 1 : NULL;

    for (i = 0; rules && i + f->replaces < rules->len; i++) {
        flagship_out(out, comma, 1);
        flagship_out_raw(out, text, rule);
        rule += rule->next;
        comma = ",";
    }

    flagship_out(out, comma, 1);
    flagship_flag_put_split(f, f->replaces ? rule : NULL, text, out);
    flagship_out_literal(out, "]");
}


/* A rule that serves the split of the weights; all else as in "rule". */

static void
flagship_flag_put_split(const flagship_flag_fields_t *f,
    const flagship_json_node_t *rule, const char *text, flagship_out_t *out)
{
    uint32_t                     i;
    const char                  *comma;
    const flagship_json_node_t  *list, *item, *key, *name, *by;

    name = rule ? flagship_json_get(rule, "name") : NULL;

    flagship_out_literal(out, "{");

    if (name) {
        flagship_out_literal(out, "\"name\":");
        flagship_out_raw(out, text, name);
        flagship_out_literal(out, ",");
    }

    flagship_out_literal(out, "\"serve\":{\"split\":");

    list = f->fields.list[FLAGSHIP_FIELD_VARIANTS].node;
    item = list + 1;
    comma = "{";

    for (i = 0; i < list->len; i++, item += item->next) {
        key = flagship_flag_item_key(item);

        if (key && !flagship_flag_item_again(list, item, key)) {
            flagship_out(out, comma, 1);
            flagship_out_raw(out, f->fields.text, key);
            flagship_out_literal(out, ":");
            flagship_out_raw(out, f->fields.text,
                             flagship_json_get(item, "weight"));
            comma = ",";
        }
    }

    flagship_out(out, "{", comma[0] == '{' ? 1 : 0);
    flagship_out_literal(out, "}");

    by = rule ? flagship_json_get(flagship_json_get(rule, "serve"), "by")
              : NULL;

    if (by) {
        flagship_out_literal(out, ",\"by\":");
        flagship_out_raw(out, text, by);
    }

    flagship_out_literal(out, "}}");
}
