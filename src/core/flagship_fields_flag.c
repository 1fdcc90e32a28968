
/*
 * Copyright (C) Flagship
 */


/*
 * The fields of a flag that say what others are: "default_value" and
 * "off_value" make variants, a list of variants with weights makes a split.
 *
 * What is refused here is left out or filled in, so that the compiler, which
 * looks at the document next, finds the variants that others name.
 */


#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flagship_fields_flag.h"


#define FLAGSHIP_MAX_VARIANTS  1000


static unsigned flagship_flag_type_named(const flagship_json_node_t *node);
static void flagship_flag_simple(flagship_flag_fields_t *f);
static int flagship_flag_typed(flagship_flag_fields_t *f, unsigned field);
static void flagship_flag_list(flagship_flag_fields_t *f);
static void flagship_flag_item(flagship_flag_fields_t *f,
    const flagship_json_node_t *list, uint32_t i,
    const flagship_json_node_t *item, unsigned *weights);
static const flagship_json_node_t *flagship_flag_last_split(
    const flagship_json_node_t *rules);


const flagship_str_t  flagship_flag_types[FLAGSHIP_TYPE_NONE] = {
    [FLAGSHIP_TYPE_BOOLEAN] = flagship_string("boolean"),
    [FLAGSHIP_TYPE_STRING] = flagship_string("string"),
    [FLAGSHIP_TYPE_NUMBER] = flagship_string("number"),
    [FLAGSHIP_TYPE_JSON] = flagship_string("json")
};


int
flagship_flag_fields(flagship_flag_fields_t *f,
    const flagship_json_node_t *current, const char *current_text)
{
    unsigned                 before;
    const flagship_field_t  *variants, *list;

    f->current = current;
    f->current_text = current_text;
    f->type = FLAGSHIP_TYPE_NONE;
    f->simple = 0;
    f->listed = 0;
    f->weighted = 0;
    f->replaces = 0;

    list = f->fields.list;
    variants = &list[FLAGSHIP_FIELD_VARIANTS];
    before = f->fields.errors->errors;

    if (list[FLAGSHIP_FIELD_DEFAULT_VALUE].spelling
        || list[FLAGSHIP_FIELD_OFF_VALUE].spelling)
    {
        flagship_flag_simple(f);

    } else if (variants->node && variants->node->type == FLAGSHIP_JSON_ARRAY) {
        flagship_flag_list(f);
    }

    return f->fields.errors->errors == before ? FLAGSHIP_OK
                                              : FLAGSHIP_DECLINED;
}


static unsigned
flagship_flag_type_named(const flagship_json_node_t *node)
{
    unsigned  type;

    for (type = 0; type < FLAGSHIP_TYPE_NONE; type++) {
        if (node && node->type == FLAGSHIP_JSON_STRING
            && flagship_str_eq(flagship_json_str(node),
                               flagship_flag_types[type]))
        {
            break;
        }
    }

    return type;
}


unsigned
flagship_flag_type_of(const flagship_json_node_t *value)
{
    switch (value->type) {

    case FLAGSHIP_JSON_FALSE:
    case FLAGSHIP_JSON_TRUE:
        return FLAGSHIP_TYPE_BOOLEAN;

    case FLAGSHIP_JSON_NUMBER:
        return FLAGSHIP_TYPE_NUMBER;

    case FLAGSHIP_JSON_STRING:
        return FLAGSHIP_TYPE_STRING;

    default:
        return FLAGSHIP_TYPE_JSON;
    }
}


const flagship_json_node_t *
flagship_flag_current(const flagship_flag_fields_t *f, unsigned field)
{
    flagship_str_t               name;
    const flagship_json_node_t  *node;

    if (f->current == NULL) {
        return NULL;
    }

    name = flagship_field_name(f->fields.resource, field);
    node = flagship_json_member(f->current, name.data, name.len);

    return (node && node->type != FLAGSHIP_JSON_NULL) ? node : NULL;
}


/* The variants "on" and "off" from "default_value" and "off_value". */

static void
flagship_flag_simple(flagship_flag_fields_t *f)
{
    flagship_fields_t           *fields;
    const flagship_field_t      *value, *off;
    const flagship_json_node_t  *variants;

    fields = &f->fields;
    value = &fields->list[FLAGSHIP_FIELD_DEFAULT_VALUE];
    off = &fields->list[FLAGSHIP_FIELD_OFF_VALUE];

    f->simple = 1;

    f->type = flagship_flag_type_named(fields->list[FLAGSHIP_FIELD_TYPE].node);

    if (f->type == FLAGSHIP_TYPE_NONE && f->current) {
        f->type = flagship_flag_type_named(
                      flagship_flag_current(f, FLAGSHIP_FIELD_TYPE));
    }

    if (f->type == FLAGSHIP_TYPE_NONE) {
        f->type = flagship_flag_type_of(value->node ? value->node : off->node);
    }

    if (fields->list[FLAGSHIP_FIELD_VARIANTS].spelling) {
        flagship_fields_error(fields, value->spelling
                                      ? FLAGSHIP_FIELD_DEFAULT_VALUE
                                      : FLAGSHIP_FIELD_OFF_VALUE,
                              "is for a flag without \"variants\", which "
                              "are sent, too");
        f->simple = 0;
        return;
    }

    if (value->spelling) {
        (void) flagship_flag_typed(f, FLAGSHIP_FIELD_DEFAULT_VALUE);

    } else {
        variants = flagship_flag_current(f, FLAGSHIP_FIELD_VARIANTS);

        if (f->type != FLAGSHIP_TYPE_BOOLEAN
            && (variants == NULL || variants->type != FLAGSHIP_JSON_OBJECT
                || flagship_json_get(variants, "on") == NULL))
        {
            flagship_fields_error(fields, FLAGSHIP_FIELD_OFF_VALUE,
                                  "needs \"default_value\"");
        }
    }

    if (off->spelling) {
        (void) flagship_flag_typed(f, FLAGSHIP_FIELD_OFF_VALUE);
    }
}


/* A value is of the type; a string is read as one of it. */

static int
flagship_flag_typed(flagship_flag_fields_t *f, unsigned field)
{
    int                          ok;
    flagship_str_t               s;
    flagship_json_t              json;
    const flagship_json_node_t  *node;

    node = f->fields.list[field].node;

    if (flagship_flag_type_of(node) == f->type
        && node->type != FLAGSHIP_JSON_STRING)
    {
        return 1;
    }

    s = flagship_json_str(node);

    if (node->type != FLAGSHIP_JSON_STRING) {
        ok = (f->type == FLAGSHIP_TYPE_JSON);

    } else if (f->type == FLAGSHIP_TYPE_BOOLEAN) {
        ok = flagship_str_is(s, "true") || flagship_str_is(s, "false");

    } else if (f->type == FLAGSHIP_TYPE_NUMBER) {
        ok = !isnan(flagship_number_parse(s.data, s.len, 0));

    } else if (f->type == FLAGSHIP_TYPE_JSON) {
        flagship_json_init(&json);
        ok = (flagship_json_parse(&json, s.data, s.len) == FLAGSHIP_OK);
        flagship_json_free(&json);

    } else {
        ok = 1;
    }

    if (!ok) {
        flagship_fields_error(&f->fields, field, "must be a %s, as the flag is",
                              flagship_flag_types[f->type].data);
        f->fields.list[field].node = NULL;
    }

    return ok;
}


static void
flagship_flag_list(flagship_flag_fields_t *f)
{
    uint32_t                     i;
    unsigned                     weights;
    const char                  *text;
    const flagship_json_node_t  *list, *item;

    f->listed = 1;

    list = f->fields.list[FLAGSHIP_FIELD_VARIANTS].node;
    item = list + 1;
    weights = 0;

    if (list->len > FLAGSHIP_MAX_VARIANTS) {
        flagship_fields_error(&f->fields, FLAGSHIP_FIELD_VARIANTS,
                              "must be at most %d", FLAGSHIP_MAX_VARIANTS);
        f->fields.list[FLAGSHIP_FIELD_VARIANTS].node = NULL;
        f->listed = 0;
        return;
    }

    for (i = 0; i < list->len; i++, item += item->next) {

        if (item->type == FLAGSHIP_JSON_OBJECT) {
            flagship_flag_item(f, list, i, item, &weights);
            continue;
        }

        flagship_fields_error_in(&f->fields, FLAGSHIP_FIELD_VARIANTS, NULL, i,
                                 NULL, "must be {\"key\": name, \"weight\": "
                                 "number, \"value\": value}");
    }

    if (weights == 0) {
        return;
    }

    if (weights < list->len) {
        flagship_fields_error(&f->fields, FLAGSHIP_FIELD_VARIANTS,
                              "must all have a weight, or none");
        return;
    }

    f->weighted = 1;

    if (flagship_flag_last_split(flagship_flag_rules_before(f, &text))) {
        f->replaces = 1;
    }
}


static void
flagship_flag_item(flagship_flag_fields_t *f, const flagship_json_node_t *list,
    uint32_t i, const flagship_json_node_t *item, unsigned *weights)
{
    uint32_t                     k;
    flagship_str_t               s;
    const flagship_json_node_t  *key, *weight, *name;

    key = flagship_flag_item_key(item);
    weight = flagship_json_get(item, "weight");

    if (key == NULL) {
        flagship_fields_error_in(&f->fields, FLAGSHIP_FIELD_VARIANTS, NULL, i,
                                 "key", "must be a variant's name");
    }

    if (weight && weight->type != FLAGSHIP_JSON_NULL) {
        (*weights)++;

        if (weight->type != FLAGSHIP_JSON_NUMBER) {
            flagship_fields_error_in(&f->fields, FLAGSHIP_FIELD_VARIANTS, NULL,
                                     i, "weight", "must be a number");
        }
    }

    name = item + 1;

    for (k = 0; k < item->len; k++) {
        s = flagship_json_str(name);

        if (!flagship_str_is(s, "key") && !flagship_str_is(s, "weight")
            && !flagship_str_is(s, "value"))
        {
            flagship_fields_error_in(&f->fields, FLAGSHIP_FIELD_VARIANTS, NULL,
                                     i, NULL, "unknown member \"%.*s\" of a "
                                     "variant",
                                     (int) (s.len < 64 ? s.len : 64), s.data);
        }

        name++;
        name += name->next;
    }

    if (key && flagship_flag_item_again(list, item, key)) {
        flagship_fields_error_in(&f->fields, FLAGSHIP_FIELD_VARIANTS, NULL, i,
                                 "key", "is the name of another variant, too");
    }
}


/* Whether an item before this one has the name. */

int
flagship_flag_item_again(const flagship_json_node_t *list,
    const flagship_json_node_t *item, const flagship_json_node_t *key)
{
    const flagship_json_node_t  *other, *name;

    for (other = list + 1; other != item; other += other->next) {
        name = flagship_flag_item_key(other);

        if (name && flagship_str_eq(flagship_json_str(name),
                                    flagship_json_str(key)))
        {
            return 1;
        }
    }

    return 0;
}


/* The name of a variant in a list; NULL: it has none. */

const flagship_json_node_t *
flagship_flag_item_key(const flagship_json_node_t *item)
{
    const flagship_json_node_t  *key;

    if (item->type != FLAGSHIP_JSON_OBJECT) {
        return NULL;
    }

    key = flagship_json_get(item, "key");

    return (key && key->type == FLAGSHIP_JSON_STRING && key->len) ? key : NULL;
}


/* The rules that the split of weights is the last of, or NULL. */

const flagship_json_node_t *
flagship_flag_rules_before(const flagship_flag_fields_t *f, const char **text)
{
    const flagship_field_t      *sent;
    const flagship_json_node_t  *rules;

    sent = &f->fields.list[FLAGSHIP_FIELD_RULES];

    if (sent->spelling) {
        rules = sent->node;
        *text = f->fields.text;

    } else {
        rules = flagship_flag_current(f, FLAGSHIP_FIELD_RULES);
        *text = f->current_text;
    }

    return (rules && rules->type != FLAGSHIP_JSON_NULL) ? rules : NULL;
}


/* The last rule, where it is a split that everyone comes to. */

static const flagship_json_node_t *
flagship_flag_last_split(const flagship_json_node_t *rules)
{
    uint32_t                     i;
    const flagship_json_node_t  *rule, *serve;

    if (rules == NULL || rules->type != FLAGSHIP_JSON_ARRAY
        || rules->len == 0)
    {
        return NULL;
    }

    rule = rules + 1;

    for (i = 1; i < rules->len; i++) {
        rule += rule->next;
    }

    if (rule->type != FLAGSHIP_JSON_OBJECT || flagship_json_get(rule, "when")) {
        return NULL;
    }

    serve = flagship_json_get(rule, "serve");

    return (serve && serve->type == FLAGSHIP_JSON_OBJECT
            && flagship_json_get(serve, "split"))
           ? rule : NULL;
}


void
flagship_flag_fields_pointer(const flagship_flag_fields_t *f,
    const char *pointer, char *buf, size_t size)
{
    size_t                       len;
    uint32_t                     i;
    const char                  *name, *split, *text;
    const flagship_field_t      *list;
    const flagship_json_node_t  *item, *key;

    list = f->fields.list;
    name = NULL;

    if (f->simple && strncmp(pointer, "/variants", 9) == 0) {

        if ((strcmp(pointer + 9, "/off") == 0
             || list[FLAGSHIP_FIELD_DEFAULT_VALUE].spelling == NULL)
            && list[FLAGSHIP_FIELD_OFF_VALUE].spelling)
        {
            pointer = "/off_value";

        } else {
            pointer = "/default_value";
        }

    } else if (f->listed && strncmp(pointer, "/variants/", 10) == 0) {
        name = pointer + 10;

    } else if (f->weighted && strncmp(pointer, "/rules/", 7) == 0) {
        item = flagship_flag_rules_before(f, &text);
        len = (item && item->type == FLAGSHIP_JSON_ARRAY)
              ? item->len - f->replaces : 0;
        split = strstr(pointer, "/serve/split");

        if (split && strtoul(pointer + 7, NULL, 10) == len) {
            name = split[12] == '/' ? split + 13 : "";
        }
    }

    if (name) {
        item = list[FLAGSHIP_FIELD_VARIANTS].node;
        len = item->len;
        item++;

        for (i = 0; i < len; i++, item += item->next) {
            key = flagship_flag_item_key(item);

            if (key && strlen(name) >= key->len
                && memcmp(name, key->str, key->len) == 0
                && (name[key->len] == '\0' || name[key->len] == '/'))
            {
                (void) snprintf(buf, size, "/variants/%u", (unsigned) i);
                return;
            }
        }

        pointer = "/variants";
    }

    flagship_fields_pointer(&f->fields, pointer, buf, size);
}
