
/*
 * Copyright (C) Flagship
 */


/*
 * Reading a document by its resource's table: every member finds its field,
 * or is said to be unknown; every value is what its field takes, or is said
 * not to be.
 */


#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "flagship_compile.h"
#include "flagship_fields_out.h"
#include "flagship_pointer.h"


#define FLAGSHIP_PATH_MAX  64    /* bytes of a path that may be a spelling */


static void flagship_fields_walk(flagship_fields_t *f,
    const flagship_json_node_t *object, flagship_str_t prefix);
static void flagship_fields_member(flagship_fields_t *f,
    const flagship_json_node_t *name, const flagship_json_node_t *value,
    flagship_str_t prefix);
static void flagship_fields_unknown(flagship_fields_t *f,
    flagship_str_t prefix, flagship_str_t name);
static unsigned flagship_fields_distance(flagship_str_t a, flagship_str_t b);
static void flagship_fields_set(flagship_fields_t *f,
    const flagship_spelling_t *spelling, const flagship_json_node_t *value);
static int flagship_fields_same(const flagship_json_node_t *a,
    unsigned akind, const flagship_json_node_t *b, unsigned bkind);
static int flagship_fields_check(flagship_fields_t *f,
    const flagship_spelling_t *spelling, const flagship_json_node_t *value);
static int flagship_fields_check_text(flagship_fields_t *f,
    const flagship_spelling_t *spelling, const flagship_json_node_t *value);
static int flagship_fields_check_list(flagship_fields_t *f,
    const flagship_spelling_t *spelling, const flagship_json_node_t *value);
static int flagship_fields_check_metadata(flagship_fields_t *f,
    const flagship_spelling_t *spelling, const flagship_json_node_t *value);
static void flagship_fields_key(flagship_fields_t *f);


int
flagship_fields_read(flagship_fields_t *f,
    const flagship_resource_t *resource, const char *text,
    const flagship_json_node_t *root, int create, flagship_errors_t *errors)
{
    unsigned  before;

    memset(f, 0, sizeof(flagship_fields_t));

    f->resource = resource;
    f->text = text;
    f->errors = errors;
    f->create = create ? 1 : 0;

    before = errors->errors;

    if (root->type != FLAGSHIP_JSON_OBJECT) {
        flagship_errors_add(errors, 0, flagship_str("", 0), "",
                            "must be an object");
        return FLAGSHIP_DECLINED;
    }

    flagship_fields_walk(f, root, flagship_str("", 0));

    if (create) {
        flagship_fields_key(f);
    }

    return errors->errors == before ? FLAGSHIP_OK : FLAGSHIP_DECLINED;
}


static void
flagship_fields_walk(flagship_fields_t *f, const flagship_json_node_t *object,
    flagship_str_t prefix)
{
    uint32_t                     i;
    const flagship_json_node_t  *name, *value;

    name = object + 1;

    for (i = 0; i < object->len; i++) {
        value = name + 1;

        flagship_fields_member(f, name, value, prefix);

        name = value + value->next;
    }
}


/* "prefix" is the path of the object that the member is of. */

static void
flagship_fields_member(flagship_fields_t *f, const flagship_json_node_t *name,
    const flagship_json_node_t *value, flagship_str_t prefix)
{
    char                        buf[FLAGSHIP_PATH_MAX], pointer[192];
    unsigned                    inner;
    flagship_str_t              path;
    flagship_pointer_t          p;
    const flagship_spelling_t  *s;

    path.data = buf;
    path.len = prefix.len + (prefix.len ? 1 : 0) + name->len;
    inner = 0;

    if (path.len <= FLAGSHIP_PATH_MAX) {

        if (prefix.len) {
            memcpy(buf, prefix.data, prefix.len);
            buf[prefix.len] = '.';
        }

        memcpy(buf + path.len - name->len, name->str, name->len);

        for (s = f->resource->spellings; s->path.len; s++) {

            if (flagship_str_eq(s->path, path)) {
                flagship_fields_set(f, s, value);
                return;
            }

            if (s->path.len > path.len && s->path.data[path.len] == '.'
                && memcmp(s->path.data, path.data, path.len) == 0)
            {
                inner = 1;
            }
        }
    }

    if (!inner) {
        flagship_fields_unknown(f, prefix, flagship_json_str(name));
        return;
    }

    if (value->type == FLAGSHIP_JSON_OBJECT) {
        flagship_fields_walk(f, value, path);

    } else if (value->type != FLAGSHIP_JSON_NULL) {
        flagship_pointer_init(&p, pointer, sizeof(pointer));
        flagship_pointer_path(&p, path);

        flagship_errors_add(f->errors, 0, flagship_str("", 0), pointer,
                            "must be an object");
    }
}


static void
flagship_fields_unknown(flagship_fields_t *f, flagship_str_t prefix,
    flagship_str_t name)
{
    char                        pointer[192];
    size_t                      skip;
    unsigned                    d, least;
    flagship_str_t              known, nearest;
    flagship_pointer_t          p;
    const flagship_spelling_t  *s;

    if (f->errors->n == FLAGSHIP_MAX_ERRORS) {
        f->errors->errors++;
        return;
    }

    nearest = flagship_str("", 0);
    least = (unsigned) -1;
    skip = prefix.len ? prefix.len + 1 : 0;

    for (s = f->resource->spellings; s->path.len; s++) {

        if (skip && (s->path.len <= skip || s->path.data[skip - 1] != '.'
                     || memcmp(s->path.data, prefix.data, prefix.len) != 0))
        {
            continue;
        }

        known = flagship_str(s->path.data + skip, s->path.len - skip);
        d = flagship_fields_distance(known, name);

        if (d < least) {
            least = d;
            nearest = known;
        }
    }

    flagship_pointer_init(&p, pointer, sizeof(pointer));
    flagship_pointer_path(&p, prefix);
    flagship_pointer_step(&p, name.data, name.len);

    flagship_errors_add(f->errors, 0, flagship_str("", 0), pointer,
                        "unknown field \"%.*s\"; the nearest is \"%.*s\"",
                        (int) (name.len < 64 ? name.len : 64), name.data,
                        (int) nearest.len, nearest.data);
}


/* How many letters must be put in, taken out, changed or swapped with their
   neighbour; of long names the first part. */

static unsigned
flagship_fields_distance(flagship_str_t a, flagship_str_t b)
{
    size_t   i, j;
    uint8_t  d[3][FLAGSHIP_PATH_MAX + 1], *row, *last, *before, best;

    if (b.len > FLAGSHIP_PATH_MAX) {
        b.len = FLAGSHIP_PATH_MAX;
    }

    last = d[0];
    before = d[0];

    for (j = 0; j <= b.len; j++) {
        last[j] = (uint8_t) j;
    }

    for (i = 1; i <= a.len; i++) {
        row = d[i % 3];
        row[0] = (uint8_t) i;

        for (j = 1; j <= b.len; j++) {
            best = last[j - 1] + (a.data[i - 1] != b.data[j - 1]);

            if (best > last[j] + 1) {
                best = last[j] + 1;
            }

            if (best > row[j - 1] + 1) {
                best = row[j - 1] + 1;
            }

            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2]
                && a.data[i - 2] == b.data[j - 1] && best > before[j - 2] + 1)
            {
                best = before[j - 2] + 1;
            }

            row[j] = best;
        }

        before = last;
        last = row;
    }

    return last[b.len];
}


static void
flagship_fields_set(flagship_fields_t *f, const flagship_spelling_t *spelling,
    const flagship_json_node_t *value)
{
    int                ok;
    flagship_field_t  *field, sent;

    field = &f->list[spelling->field];

    if (value->type == FLAGSHIP_JSON_NULL
        && (f->create
            || (spelling->field < f->resource->nfields
                && (f->resource->fixed
                    & flagship_field_bit(spelling->field)))))
    {
        return;
    }

    sent = *field;
    field->spelling = spelling;
    field->node = NULL;

    ok = (value->type == FLAGSHIP_JSON_NULL)
         || flagship_fields_check(f, spelling, value);

    if (sent.spelling == NULL) {
        field->node = ok ? value : NULL;
        return;
    }

    if (ok && sent.node
        && !flagship_fields_same(sent.node, sent.spelling->kind, value,
                                 spelling->kind))
    {
        flagship_fields_error(f, spelling->field,
                              "is not what \"%.*s\" says of the same field",
                              (int) sent.spelling->path.len,
                              sent.spelling->path.data);
    }

    *field = sent;
}


static int
flagship_fields_same(const flagship_json_node_t *a, unsigned akind,
    const flagship_json_node_t *b, unsigned bkind)
{
    uint32_t  i;

    if (akind != bkind && a->type != FLAGSHIP_JSON_NULL
        && b->type != FLAGSHIP_JSON_NULL)
    {
        return flagship_field_truth(a, akind) == flagship_field_truth(b, bkind);
    }

    if (a->next != b->next) {
        return 0;
    }

    for (i = 0; i < a->next; i++) {

        if (a[i].type != b[i].type) {
            return 0;
        }

        if (a[i].type == FLAGSHIP_JSON_NUMBER) {

            if (flagship_json_double(&a[i])
                != flagship_json_double(&b[i])
                || ((!a[i].exact || !b[i].exact)
                    && !flagship_str_eq(flagship_json_str(&a[i]),
                                        flagship_json_str(&b[i]))))
            {
                return 0;
            }

        } else if (a[i].len != b[i].len
                   || (a[i].type == FLAGSHIP_JSON_STRING
                       && memcmp(a[i].str, b[i].str, a[i].len) != 0))
        {
            return 0;
        }
    }

    return 1;
}


static int
flagship_fields_check(flagship_fields_t *f,
    const flagship_spelling_t *spelling, const flagship_json_node_t *value)
{
    unsigned  field;

    field = spelling->field;

    if (f->create && field == f->resource->id) {
        flagship_fields_error(f, field, "is given to what is made, not taken");
        return 0;
    }

    switch (spelling->kind) {

    case FLAGSHIP_VALUE_TEXT:
    case FLAGSHIP_VALUE_KEY:
        return flagship_fields_check_text(f, spelling, value);

    case FLAGSHIP_VALUE_BOOLEAN:
        if (flagship_field_truth(value, spelling->kind) == -1) {
            flagship_fields_error(f, field, "must be true or false");
            return 0;
        }

        return 1;

    case FLAGSHIP_VALUE_SWITCH:
        if (flagship_field_truth(value, spelling->kind) == -1) {
            flagship_fields_error(f, field, "must be \"on\" or \"off\"");
            return 0;
        }

        return 1;

    case FLAGSHIP_VALUE_NUMBER:
        if (value->type != FLAGSHIP_JSON_NUMBER) {
            flagship_fields_error(f, field, "must be a number");
            return 0;
        }

        return 1;

    case FLAGSHIP_VALUE_STRINGS:
    case FLAGSHIP_VALUE_IDS:
        return flagship_fields_check_list(f, spelling, value);

    case FLAGSHIP_VALUE_METADATA:
        return flagship_fields_check_metadata(f, spelling, value);

    default:
        return 1;
    }
}


static int
flagship_fields_check_text(flagship_fields_t *f,
    const flagship_spelling_t *spelling, const flagship_json_node_t *value)
{
    uint32_t  i, n;

    if (value->type != FLAGSHIP_JSON_STRING) {
        flagship_fields_error(f, spelling->field, "must be a string");
        return 0;
    }

    if (spelling->kind == FLAGSHIP_VALUE_KEY) {

        if (f->create && !flagship_key_valid(flagship_json_str(value))) {
            flagship_fields_error(f, spelling->field, FLAGSHIP_KEY_RULE,
                                  FLAGSHIP_MAX_KEY);
            return 0;
        }

        return 1;
    }

    if (spelling->max) {

        for (i = 0, n = 0; i < value->len; i++) {
            n += ((value->str[i] & 0xc0) != 0x80);
        }

        if (n > spelling->max) {
            flagship_fields_error(f, spelling->field,
                                  "must have at most %u characters",
                                  (unsigned) spelling->max);
            return 0;
        }
    }

    return 1;
}


static int
flagship_fields_check_list(flagship_fields_t *f,
    const flagship_spelling_t *spelling, const flagship_json_node_t *value)
{
    int                          ok;
    uint32_t                     i;
    const flagship_json_node_t  *node;

    if (value->type != FLAGSHIP_JSON_ARRAY) {
        flagship_fields_error(f, spelling->field,
                              "must be an array of strings");
        return 0;
    }

    ok = 1;
    node = value + 1;

    for (i = 0; i < value->len; i++, node += node->next) {

        if (node->type == FLAGSHIP_JSON_STRING
            || (node->type == FLAGSHIP_JSON_NUMBER
                && spelling->kind == FLAGSHIP_VALUE_IDS))
        {
            continue;
        }

        flagship_fields_error_in(f, spelling->field, NULL, i, NULL,
                                 "must be a string");
        ok = 0;
    }

    return ok;
}


/* Merged by name: null takes a name away. */

static int
flagship_fields_check_metadata(flagship_fields_t *f,
    const flagship_spelling_t *spelling, const flagship_json_node_t *value)
{
    int                          ok;
    uint32_t                     i;
    const flagship_json_node_t  *name, *node;

    if (value->type != FLAGSHIP_JSON_OBJECT) {
        flagship_fields_error(f, spelling->field, "must be an object");
        return 0;
    }

    ok = 1;
    name = value + 1;

    for (i = 0; i < value->len; i++, name = node + node->next) {
        node = name + 1;

        if (node->type >= FLAGSHIP_JSON_ARRAY
            || (node->type == FLAGSHIP_JSON_NULL && f->create))
        {
            flagship_fields_error_in(f, spelling->field, name, 0, NULL,
                                     "must be a string, number or boolean");
            ok = 0;
        }
    }

    return ok;
}


/* What is made needs a key; its name will do. */

static void
flagship_fields_key(flagship_fields_t *f)
{
    flagship_field_t           *key;
    const flagship_field_t     *name;
    const flagship_resource_t  *resource;

    resource = f->resource;
    key = &f->list[resource->key];

    if (key->spelling) {
        return;
    }

    name = &f->list[resource->name];

    if (resource->name == resource->nfields || name->spelling == NULL) {
        flagship_fields_error(f, resource->key, "is needed");
        return;
    }

    key->spelling = name->spelling;
    f->key_is_name = 1;

    if (name->node == NULL) {
        return;
    }

    if (!flagship_key_valid(flagship_json_str(name->node))) {
        flagship_fields_error(f, resource->key,
                              "stands for the key, and " FLAGSHIP_KEY_RULE,
                              FLAGSHIP_MAX_KEY);
        return;
    }

    key->node = name->node;
}


uint32_t
flagship_fields_sent(const flagship_fields_t *f)
{
    unsigned  i;
    uint32_t  bits;

    bits = 0;

    for (i = 0; i < FLAGSHIP_FIELDS_MAX; i++) {
        if (f->list[i].spelling) {
            bits |= flagship_field_bit(i);
        }
    }

    return bits;
}


flagship_str_t
flagship_field_name(const flagship_resource_t *resource, unsigned field)
{
    const flagship_spelling_t  *s;

    for (s = resource->spellings; s->path.len && s->field != field; s++) {
        /* void */
    }

    return s->path;
}


int
flagship_field_truth(const flagship_json_node_t *node, unsigned kind)
{
    flagship_str_t  s;

    if (kind == FLAGSHIP_VALUE_BOOLEAN) {
        return node->type == FLAGSHIP_JSON_TRUE ? 1
               : node->type == FLAGSHIP_JSON_FALSE ? 0 : -1;
    }

    if (node->type != FLAGSHIP_JSON_STRING) {
        return -1;
    }

    s = flagship_json_str(node);

    return flagship_str_is(s, "on") ? 1 : flagship_str_is(s, "off") ? 0 : -1;
}


void
flagship_fields_error(const flagship_fields_t *f, unsigned field,
    const char *fmt, ...)
{
    char                        pointer[192], message[192];
    va_list                     args;
    flagship_pointer_t          p;
    const flagship_spelling_t  *spelling;

    if (f->errors->n == FLAGSHIP_MAX_ERRORS) {
        f->errors->errors++;
        return;
    }

    spelling = f->list[field].spelling;
    flagship_pointer_init(&p, pointer, sizeof(pointer));

    flagship_pointer_path(&p, spelling ? spelling->path
                                       : flagship_field_name(f->resource,
                                                             field));

    va_start(args, fmt);
    (void) vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);

    flagship_errors_add(f->errors, 0, flagship_str("", 0), pointer, "%s",
                        message);
}


void
flagship_fields_error_in(const flagship_fields_t *f, unsigned field,
    const flagship_json_node_t *name, unsigned index, const char *last,
    const char *fmt, ...)
{
    char                pointer[192], message[192];
    va_list             args;
    flagship_pointer_t  p;

    if (f->errors->n == FLAGSHIP_MAX_ERRORS) {
        f->errors->errors++;
        return;
    }

    flagship_pointer_init(&p, pointer, sizeof(pointer));

    flagship_pointer_path(&p, f->list[field].spelling->path);

    if (name) {
        flagship_pointer_step(&p, name->str, name->len);

    } else {
        flagship_pointer_index(&p, index);
    }

    if (last) {
        flagship_pointer_step(&p, last, strlen(last));
    }

    va_start(args, fmt);
    (void) vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);

    flagship_errors_add(f->errors, 0, flagship_str("", 0), pointer, "%s",
                        message);
}


void
flagship_fields_pointer(const flagship_fields_t *f, const char *pointer,
    char *buf, size_t size)
{
    size_t                      len;
    unsigned                    i;
    const char                 *rest;
    flagship_str_t              name;
    flagship_pointer_t          p;
    const flagship_spelling_t  *spelling;

    flagship_pointer_init(&p, buf, size);

    if (pointer[0] == '/') {
        rest = strchr(pointer + 1, '/');
        len = rest ? (size_t) (rest - pointer) - 1 : strlen(pointer + 1);

        for (i = 0; i < FLAGSHIP_FIELDS_MAX; i++) {
            spelling = f->list[i].spelling;

            if (spelling == NULL) {
                continue;
            }

            name = flagship_field_name(f->resource, i);

            if (name.len == len && memcmp(name.data, pointer + 1, len) == 0) {
                flagship_pointer_path(&p, spelling->path);
                pointer += 1 + len;
                break;
            }
        }
    }

    flagship_pointer_put(&p, pointer, strlen(pointer));
}
