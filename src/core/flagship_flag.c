
/*
 * Copyright (C) Flagship
 */


/*
 * Documents of one flag -> a record and its chunk: which members it has, and
 * what they say that needs no code.
 */


#include <string.h>

#include "flagship_compiler.h"
#include "flagship_time.h"


typedef struct {
    flagship_str_t               name;
    size_t                       offset;     /* in flagship_document_t */
} flagship_member_t;


static int flagship_flag_compile(flagship_unit_t *unit, flagship_str_t key,
    const flagship_json_node_t *node, const flagship_member_t *members,
    unsigned flagd, flagship_errors_t *errors);
static int flagship_key_uuid(flagship_str_t key);
static void flagship_flag_read(flagship_compiler_t *c,
    const flagship_json_node_t *node, const flagship_member_t *members,
    flagship_document_t *d);
static void flagship_flag_state(flagship_compiler_t *c,
    const flagship_document_t *d, flagship_flag_t *record);
static void flagship_flag_schedule(flagship_compiler_t *c, const char *name,
    const flagship_json_node_t *node, int64_t *seconds);


#define flagship_key_alnum(ch)                                                \
    (((ch) >= '0' && (ch) <= '9') || (((ch) | 0x20) >= 'a'                    \
                                      && ((ch) | 0x20) <= 'z'))

#define flagship_member(name)                                                 \
    { flagship_string(#name), offsetof(flagship_document_t, name) }

#define FLAGSHIP_MEMBER_IGNORED  ((size_t) -1)

static const flagship_member_t  flagship_flag_members[] = {
    flagship_member(type),
    flagship_member(enabled),
    flagship_member(variants),
    flagship_member(default_variant),
    flagship_member(off_variant),
    flagship_member(rules),
    flagship_member(user_ids),
    flagship_member(rollout),
    flagship_member(prerequisites),
    flagship_member(enable_at),
    flagship_member(disable_at),
    flagship_member(expose),
    flagship_member(metadata),
    { flagship_string("id"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("tenant"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("environment"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("key"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("name"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("description"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("tags"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("version"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("created_at"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("updated_at"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("archived_at"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string(""), 0 }
};

static const flagship_member_t  flagship_flagd_members[] = {
    { flagship_string("state"), offsetof(flagship_document_t, enabled) },
    { flagship_string("defaultVariant"),
      offsetof(flagship_document_t, default_variant) },
    flagship_member(variants),
    flagship_member(targeting),
    flagship_member(metadata),
    { flagship_string("key"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("name"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("description"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string("$schema"), FLAGSHIP_MEMBER_IGNORED },
    { flagship_string(""), 0 }
};


int
flagship_unit_add_flag(flagship_unit_t *unit, flagship_str_t key,
    const flagship_json_node_t *document, flagship_errors_t *errors)
{
    return flagship_flag_compile(unit, key, document, flagship_flag_members,
                                 0, errors);
}


int
flagship_unit_add_flagd(flagship_unit_t *unit, flagship_str_t key,
    const flagship_json_node_t *document, flagship_errors_t *errors)
{
    return flagship_flag_compile(unit, key, document, flagship_flagd_members,
                                 1, errors);
}


static int
flagship_flag_compile(flagship_unit_t *unit, flagship_str_t key,
    const flagship_json_node_t *node, const flagship_member_t *members,
    unsigned flagd, flagship_errors_t *errors)
{
    unsigned              keyless;
    flagship_flag_t       record;
    flagship_entry_t     *entry;
    flagship_document_t   d;
    flagship_compiler_t   c;

    flagship_compiler_init(&c, unit, key, errors);

    memset(&record, 0, sizeof(record));
    memset(&d, 0, sizeof(d));

    d.flagd = flagd;
    keyless = 0;

    if (!flagship_key_valid(key)) {
        flagship_compiler_error(&c, FLAGSHIP_KEY_RULE, FLAGSHIP_MAX_KEY);
        keyless = 1;
    }

    if (node->type != FLAGSHIP_JSON_OBJECT) {
        flagship_compiler_error(&c, "a flag must be an object");
        goto refused;
    }

    flagship_flag_read(&c, node, members, &d);
    flagship_variants(&c, &d, &record);

    record.hash = flagship_hash32(key.data, key.len);
    record.key = flagship_emit_data(&c, key.data, key.len, 1);
    record.key_len = key.len;

    flagship_flag_state(&c, &d, &record);

    if (c.nomem) {
        return FLAGSHIP_ERROR;
    }

    flagship_flag_code(&c, &d, &record);

    if (c.failed) {
        goto refused;
    }

    if (errors->lint) {
        flagship_lint_flag(&c, &d, &record);
    }

    c.document = node;
    c.flagd = flagd;

    if (flagship_emit_finish(&c, &record) != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    entry = flagship_unit_entry(unit, &unit->flags, key,
                                FLAGSHIP_ENTRY_COMPILED);
    if (entry == NULL) {
        return FLAGSHIP_ERROR;
    }

    entry->record = record;
    entry->source = c.source;

    return FLAGSHIP_OK;

refused:

    if (c.nomem) {
        return FLAGSHIP_ERROR;
    }

    if (keyless) {
        /* nothing could ask for it */
        return FLAGSHIP_DECLINED;
    }

    return flagship_unit_add_broken(unit, key, 0) == FLAGSHIP_OK
           ? FLAGSHIP_DECLINED : FLAGSHIP_ERROR;
}


/* It becomes a part of headers' names, and of paths, where a UUID is an id. */

int
flagship_key_valid(flagship_str_t key)
{
    char    ch;
    size_t  i;

    if (key.len == 0 || key.len > FLAGSHIP_MAX_KEY) {
        return 0;
    }

    for (i = 0; i < key.len; i++) {
        ch = key.data[i];

        if (!flagship_key_alnum(ch)
            && (i == 0 || (ch != '-' && ch != '.' && ch != '_')))
        {
            return 0;
        }
    }

    return !flagship_key_uuid(key);
}


/* Of characters that a key may have. */

static int
flagship_key_uuid(flagship_str_t key)
{
    char    ch;
    size_t  i;

    if (key.len != sizeof("00000000-0000-0000-0000-000000000000") - 1) {
        return 0;
    }

    for (i = 0; i < key.len; i++) {
        ch = key.data[i];

        if (i == 8 || i == 13 || i == 18 || i == 23) {

            if (ch != '-') {
                return 0;
            }

        } else if (!flagship_key_alnum(ch) || (ch | 0x20) > 'f') {
            return 0;
        }
    }

    return 1;
}


static void
flagship_flag_read(flagship_compiler_t *c, const flagship_json_node_t *node,
    const flagship_member_t *members, flagship_document_t *d)
{
    uint32_t                      i;
    flagship_str_t                name;
    const flagship_member_t      *m;
    const flagship_json_node_t   *value, **to;

    value = node + 1;

    for (i = 0; i < node->len; i++) {
        name = flagship_json_str(value);
        value++;

        for (m = members; m->name.len; m++) {
            if (m->name.len == name.len && m->name.data[0] == name.data[0]
                && memcmp(m->name.data, name.data, name.len) == 0)
            {
                break;
            }
        }

        if (m->name.len == 0) {
            flagship_compiler_warn(c, "unknown-member",
                                   "unknown member \"%.*s\"",
                                   (int) (name.len < 64 ? name.len : 64),
                                   name.data);

        } else if (m->offset != FLAGSHIP_MEMBER_IGNORED
                   && value->type != FLAGSHIP_JSON_NULL)
        {
            to = (const flagship_json_node_t **) ((char *) d + m->offset);
            *to = value;
        }

        value += value->next;
    }

    d->simple = !d->flagd && d->variants == NULL;
}


static void
flagship_flag_state(flagship_compiler_t *c, const flagship_document_t *d,
    flagship_flag_t *record)
{
    char            *p;
    size_t           len, pointer;
    flagship_str_t   state;

    record->enable_at = INT64_MIN;
    record->disable_at = INT64_MAX;

    if (d->flagd) {
        /* a state that is absent means enabled in flagd's schema */

        state = d->enabled && d->enabled->type == FLAGSHIP_JSON_STRING
                ? flagship_json_str(d->enabled) : flagship_str("", 0);

        if (d->enabled == NULL || flagship_str_is(state, "ENABLED")) {
            record->bits |= FLAGSHIP_FLAG_ENABLED;

        } else if (!flagship_str_is(state, "DISABLED")) {
            pointer = flagship_compiler_enter(c, flagship_str("state", 5));
            flagship_compiler_error(c, "must be \"ENABLED\" or "
                                    "\"DISABLED\"");
            flagship_compiler_leave(c, pointer);
        }

    } else if (d->enabled) {

        if (d->enabled->type == FLAGSHIP_JSON_TRUE) {
            record->bits |= FLAGSHIP_FLAG_ENABLED;

        } else if (d->enabled->type != FLAGSHIP_JSON_FALSE) {
            pointer = flagship_compiler_enter(c, flagship_str("enabled", 7));
            flagship_compiler_error(c, "must be true or false");
            flagship_compiler_leave(c, pointer);
        }
    }

    if (d->expose == NULL || d->expose->type == FLAGSHIP_JSON_TRUE) {
        record->bits |= FLAGSHIP_FLAG_EXPOSE;

    } else if (d->expose->type != FLAGSHIP_JSON_FALSE) {
        pointer = flagship_compiler_enter(c, flagship_str("expose", 6));
        flagship_compiler_error(c, "must be true or false");
        flagship_compiler_leave(c, pointer);
    }

    flagship_flag_schedule(c, "enable_at", d->enable_at, &record->enable_at);
    flagship_flag_schedule(c, "disable_at", d->disable_at,
                           &record->disable_at);

    if (d->enable_at && !(record->bits & FLAGSHIP_FLAG_ENABLED)) {
        pointer = flagship_compiler_enter(c, flagship_str("enable_at", 9));
        flagship_compiler_warn(c, "never-on", "the flag never comes on: it "
                               "is not enabled");
        flagship_compiler_leave(c, pointer);
    }

    if (d->metadata == NULL) {
        return;
    }

    if (d->metadata->type != FLAGSHIP_JSON_OBJECT) {
        pointer = flagship_compiler_enter(c, flagship_str("metadata", 8));
        flagship_compiler_error(c, "must be an object");
        flagship_compiler_leave(c, pointer);
        return;
    }

    if (d->metadata->len) {
        len = flagship_json_print(d->metadata, NULL, 0);

        record->metadata = flagship_emit_data(c, NULL, len, 1);
        record->metadata_len = len;

        if (!c->nomem) {
            p = c->unit->data.data + c->unit->data.len - len;
            (void) flagship_json_print(d->metadata, p, len);
        }
    }
}


static void
flagship_flag_schedule(flagship_compiler_t *c, const char *name,
    const flagship_json_node_t *node, int64_t *seconds)
{
    size_t  pointer;

    if (node == NULL) {
        return;
    }

    if (node->type != FLAGSHIP_JSON_STRING
        || flagship_time_parse(flagship_json_str(node), seconds)
           != FLAGSHIP_OK)
    {
        pointer = flagship_compiler_enter(c, flagship_str(name,
                                                          strlen(name)));

        if (node->type == FLAGSHIP_JSON_STRING) {
            flagship_compiler_error(c, "\"%.*s\" is not an RFC 3339 time",
                                    (int) (node->len < 64 ? node->len : 64),
                                    node->str);

        } else {
            flagship_compiler_error(c, "must be an RFC 3339 time");
        }

        flagship_compiler_leave(c, pointer);
    }
}
