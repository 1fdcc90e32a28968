
/*
 * Copyright (C) Flagship
 */


/*
 * Building, verifying and reading the blob of API keys.  The same keys make
 * the same bytes, in whatever order they come, so who publishes them sees by
 * comparing whether anything changed.
 */


#include "flagship_keys.h"
#include "flagship_hash.h"

#include <stdlib.h>
#include <string.h>


#define FLAGSHIP_KEYS_MAGIC   0x59454b46u      /* "FKEY" */
#define FLAGSHIP_KEYS_LAYOUT  1
#define FLAGSHIP_KEYS_EMPTY   0xffffffffu      /* in the table */


typedef struct {
    uint32_t       magic;
    uint32_t       layout;
    uint64_t       len;          /* of the blob, bytes */
    uint32_t       n;            /* keys */
    uint32_t       mask;         /* elements of the table, less 1 */
    uint64_t       strings;      /* offset of the first byte */
} flagship_keys_header_t;

typedef struct {
    unsigned char  hash[FLAGSHIP_KEY_HASH];
    int64_t        expires;
    uint32_t       names;        /* id, tenant, environment, with nothing
                                    between: offset in the strings */
    uint8_t        id;           /* lengths */
    uint8_t        tenant;
    uint8_t        environment;
    uint8_t        role;
    uint8_t        see_unexposed;
    uint8_t        reserved[7];  /* 0 */
} flagship_keys_record_t;


#define flagship_keys_records(header)                                         \
    ((flagship_keys_record_t *) ((header) + 1))

#define flagship_keys_table(header)                                           \
    ((uint32_t *) (flagship_keys_records(header) + (header)->n))

#define flagship_keys_strings(header)                                         \
    ((char *) (header) + (header)->strings)


static int flagship_keys_compare(const void *one, const void *two);
static uint32_t flagship_keys_mask(size_t n);
static void flagship_keys_fill(flagship_keys_header_t *header,
    const flagship_key_t *keys);
static void flagship_keys_index(flagship_keys_header_t *header);
static int flagship_keys_sound(const flagship_keys_header_t *header);


static const flagship_str_t  flagship_roles[] = {
    flagship_string("none"),
    flagship_string("client"),
    flagship_string("viewer"),
    flagship_string("editor"),
    flagship_string("admin"),
    flagship_string("operator")
};


unsigned
flagship_role(flagship_str_t name)
{
    unsigned  i;

    for (i = FLAGSHIP_ROLE_OPERATOR; i > FLAGSHIP_ROLE_NONE; i--) {
        if (flagship_str_eq(name, flagship_roles[i])) {
            break;
        }
    }

    return i;
}


const char *
flagship_key_refused(const flagship_key_t *key)
{
    if (key->id.len == 0 || key->id.len > FLAGSHIP_KEY_MAX_NAME) {
        return "the id must have 1 to 255 bytes";
    }

    if (key->tenant.len > FLAGSHIP_KEY_MAX_NAME
        || key->environment.len > FLAGSHIP_KEY_MAX_NAME)
    {
        return "tenant and environment must have at most 255 bytes";
    }

    if (key->role == FLAGSHIP_ROLE_NONE
        || key->role > FLAGSHIP_ROLE_OPERATOR)
    {
        return "the role must be client, viewer, editor, admin or operator";
    }

    if (key->tenant.len == 0
        && (key->role != FLAGSHIP_ROLE_OPERATOR || key->environment.len))
    {
        return "only an operator's may be without a tenant";
    }

    return NULL;
}


int
flagship_keys_build(flagship_key_t *keys, size_t n, void **blob, size_t *len)
{
    size_t                   i, strings;
    uint32_t                 mask;
    flagship_keys_header_t  *header;

    strings = 0;

    if (n) {
        qsort(keys, n, sizeof(flagship_key_t), flagship_keys_compare);
    }

    for (i = 0; i < n; i++) {
        if (flagship_key_refused(&keys[i])
            || (i && flagship_str_eq(keys[i].id, keys[i - 1].id)))
        {
            return FLAGSHIP_DECLINED;
        }

        strings += keys[i].id.len + keys[i].tenant.len
                   + keys[i].environment.len;
    }

    mask = flagship_keys_mask(n);

    *len = sizeof(flagship_keys_header_t) + n * sizeof(flagship_keys_record_t)
           + ((size_t) mask + 1) * sizeof(uint32_t) + strings;

    if (*len > UINT32_MAX) {
        return FLAGSHIP_DECLINED;
    }

    header = calloc(1, *len);
    if (header == NULL) {
        return FLAGSHIP_ERROR;
    }

    header->magic = FLAGSHIP_KEYS_MAGIC;
    header->layout = FLAGSHIP_KEYS_LAYOUT;
    header->len = *len;
    header->n = (uint32_t) n;
    header->mask = mask;
    header->strings = *len - strings;

    flagship_keys_fill(header, keys);
    flagship_keys_index(header);

    *blob = header;

    return FLAGSHIP_OK;
}


/* Bytes, then length. */

static int
flagship_keys_compare(const void *one, const void *two)
{
    int                    rc;
    size_t                 n;
    const flagship_key_t  *a = one;
    const flagship_key_t  *b = two;

    n = a->id.len < b->id.len ? a->id.len : b->id.len;

    rc = n ? memcmp(a->id.data, b->id.data, n) : 0;
    if (rc) {
        return rc;
    }

    return (a->id.len > b->id.len) - (a->id.len < b->id.len);
}


/* The table is at most half full, so that a search ends soon. */

static uint32_t
flagship_keys_mask(size_t n)
{
    uint32_t  size;

    for (size = 4; size < 2 * n && size < 0x80000000u; size *= 2) {
        /* void */
    }

    return size - 1;
}


static void
flagship_keys_fill(flagship_keys_header_t *header, const flagship_key_t *keys)
{
    char                    *p;
    uint32_t                 i, k;
    flagship_str_t           names[3];
    flagship_keys_record_t  *record;

    p = flagship_keys_strings(header);

    for (i = 0; i < header->n; i++) {
        record = &flagship_keys_records(header)[i];

        memcpy(record->hash, keys[i].hash, FLAGSHIP_KEY_HASH);
        record->expires = keys[i].expires;
        record->names = (uint32_t) (p - flagship_keys_strings(header));
        record->id = (uint8_t) keys[i].id.len;
        record->tenant = (uint8_t) keys[i].tenant.len;
        record->environment = (uint8_t) keys[i].environment.len;
        record->role = (uint8_t) keys[i].role;
        record->see_unexposed = keys[i].see_unexposed;

        names[0] = keys[i].id;
        names[1] = keys[i].tenant;
        names[2] = keys[i].environment;

        for (k = 0; k < 3; k++) {
            if (names[k].len) {
                memcpy(p, names[k].data, names[k].len);
                p += names[k].len;
            }
        }
    }
}


static void
flagship_keys_index(flagship_keys_header_t *header)
{
    uint32_t        i, h, *table;
    flagship_key_t  key;

    table = flagship_keys_table(header);

    for (i = 0; i <= header->mask; i++) {
        table[i] = FLAGSHIP_KEYS_EMPTY;
    }

    for (i = 0; i < header->n; i++) {
        flagship_keys_get(header, i, &key);

        h = flagship_hash32(key.id.data, key.id.len);

        while (table[h & header->mask] != FLAGSHIP_KEYS_EMPTY) {
            h++;
        }

        table[h & header->mask] = i;
    }
}


int
flagship_keys_verify(const void *blob, size_t len)
{
    uint64_t                       end;
    const flagship_keys_header_t  *header;

    header = blob;

    if (len < sizeof(flagship_keys_header_t)
        || header->magic != FLAGSHIP_KEYS_MAGIC
        || header->layout != FLAGSHIP_KEYS_LAYOUT
        || header->len != len
        || header->mask != flagship_keys_mask(header->n))
    {
        return FLAGSHIP_DECLINED;
    }

    end = sizeof(flagship_keys_header_t)
          + (uint64_t) header->n * sizeof(flagship_keys_record_t)
          + ((uint64_t) header->mask + 1) * sizeof(uint32_t);

    if (header->strings != end || end > len || len - end > UINT32_MAX) {
        return FLAGSHIP_DECLINED;
    }

    return flagship_keys_sound(header);
}


/*
 * Each key is whole, in order, and found by its id, which is to say that the
 * table holds each of them once.  So it holds nothing else: it has an empty
 * place for each key and more, where every search ends.
 */

static int
flagship_keys_sound(const flagship_keys_header_t *header)
{
    uint32_t                       i, used;
    uint64_t                       strings;
    const uint32_t                *table;
    flagship_key_t                 key, last, found;
    const flagship_keys_record_t  *record;

    strings = header->len - header->strings;
    table = flagship_keys_table(header);
    used = 0;

    for (i = 0; i <= header->mask; i++) {
        if (table[i] != FLAGSHIP_KEYS_EMPTY) {
            used++;

            if (table[i] >= header->n) {
                return FLAGSHIP_DECLINED;
            }
        }
    }

    if (used != header->n) {
        return FLAGSHIP_DECLINED;
    }

    for (i = 0; i < header->n; i++) {
        record = &flagship_keys_records(header)[i];

        if ((uint64_t) record->names + record->id + record->tenant
            + record->environment > strings
            || record->see_unexposed > 1)
        {
            return FLAGSHIP_DECLINED;
        }
    }

    for (i = 0; i < header->n; i++) {
        flagship_keys_get(header, i, &key);

        if (flagship_key_refused(&key)
            || (i && flagship_keys_compare(&last, &key) >= 0)
            || flagship_keys_find(header, key.id, &found) != FLAGSHIP_OK)
        {
            return FLAGSHIP_DECLINED;
        }

        last = key;
    }

    return FLAGSHIP_OK;
}


size_t
flagship_keys_n(const void *blob)
{
    const flagship_keys_header_t  *header = blob;

    return header->n;
}


void
flagship_keys_get(const void *blob, size_t i, flagship_key_t *key)
{
    const char                    *p;
    const flagship_keys_header_t  *header = blob;
    const flagship_keys_record_t  *record;

    record = &flagship_keys_records(header)[i];
    p = flagship_keys_strings(header) + record->names;

    key->id = flagship_str(p, record->id);
    p += record->id;
    key->tenant = flagship_str(p, record->tenant);
    p += record->tenant;
    key->environment = flagship_str(p, record->environment);

    key->hash = record->hash;
    key->expires = record->expires;
    key->role = record->role;
    key->see_unexposed = record->see_unexposed;
}


int
flagship_keys_find(const void *blob, flagship_str_t id, flagship_key_t *key)
{
    uint32_t                       h;
    const uint32_t                *table;
    const flagship_keys_header_t  *header = blob;

    table = flagship_keys_table(header);

    for (h = flagship_hash32(id.data, id.len);
         table[h & header->mask] != FLAGSHIP_KEYS_EMPTY;
         h++)
    {
        flagship_keys_get(header, table[h & header->mask], key);

        if (flagship_str_eq(key->id, id)) {
            return FLAGSHIP_OK;
        }
    }

    return FLAGSHIP_DECLINED;
}
