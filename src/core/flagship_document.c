
/*
 * Copyright (C) Flagship
 */


/*
 * Documents of many flags, taken apart into flag sets.
 *
 * First the sets are found, in the order in which the document names them;
 * then each is compiled: the tenant's segments, its flags.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flagship_document.h"
#include "flagship_unit.h"


typedef struct {
    flagship_str_t               tenant;
    flagship_str_t               environment;
    unsigned                     fractional;
    const flagship_json_node_t  *metadata;
} flagship_set_t;


typedef struct {
    const flagship_json_node_t  *flags;      /* array or object */
    const flagship_json_node_t  *segments;   /* array or NULL */
    const flagship_json_node_t  *environments;
    const flagship_json_node_t  *idsets;     /* object or NULL */
    const flagship_json_node_t  *evaluators;
    const flagship_json_node_t  *metadata;
    flagship_str_t               tenant;
    flagship_str_t               environment;
    flagship_errors_t           *errors;
    unsigned                     flagd;

    flagship_set_t              *sets;
    uint32_t                     nsets;
    uint32_t                    *set_of;     /* of each flag; NONE: refused */
    uint8_t                     *good;       /* of each id set */
} flagship_documents_t;


static int flagship_document_read(flagship_documents_t *d,
    const flagship_json_node_t *root);
static int flagship_document_is_flagd(const flagship_json_node_t *flags);
static int flagship_document_good(flagship_documents_t *d);
static int flagship_document_know(flagship_documents_t *d,
    const flagship_set_t *set, flagship_unit_t *unit);
static int flagship_document_sets(flagship_documents_t *d);
static uint32_t flagship_document_set(flagship_documents_t *d,
    flagship_str_t tenant, flagship_str_t environment);
static flagship_str_t flagship_document_name(flagship_documents_t *d,
    const flagship_json_node_t *object, const char *name,
    flagship_str_t otherwise);
static void flagship_document_environments(flagship_documents_t *d);
static int flagship_document_segments(flagship_documents_t *d,
    const flagship_set_t *set, flagship_unit_t *unit);
static int flagship_document_flags(flagship_documents_t *d, uint32_t set,
    flagship_unit_t *unit);


int
flagship_document_compile(const flagship_json_node_t *root,
    flagship_str_t tenant, flagship_str_t environment,
    flagship_document_pt handler, void *data, flagship_errors_t *errors)
{
    return flagship_document_compile_as(root, tenant, environment, 0, handler,
                                        data, errors);
}


int
flagship_document_compile_as(const flagship_json_node_t *root,
    flagship_str_t tenant, flagship_str_t environment, unsigned fractional,
    flagship_document_pt handler, void *data, flagship_errors_t *errors)
{
    int                    rc;
    uint32_t               i;
    flagship_set_t        *set;
    flagship_unit_t       *unit;
    flagship_documents_t   d;

    memset(&d, 0, sizeof(d));

    d.tenant = tenant;
    d.environment = environment;
    d.errors = errors;

    if (flagship_document_read(&d, root) != FLAGSHIP_OK) {
        return FLAGSHIP_DECLINED;
    }

    rc = flagship_document_good(&d);

    if (rc == FLAGSHIP_OK) {
        rc = flagship_document_sets(&d);
    }

    for (i = 0; i < d.nsets && rc == FLAGSHIP_OK; i++) {
        set = &d.sets[i];

        unit = flagship_unit_create(fractional ? fractional
                                               : set->fractional);
        if (unit == NULL) {
            rc = FLAGSHIP_ERROR;
            break;
        }

        unit->evaluators = d.evaluators;

        if (flagship_unit_set_metadata(unit, set->metadata) != FLAGSHIP_OK
            || flagship_document_know(&d, set, unit) != FLAGSHIP_OK
            || flagship_document_segments(&d, set, unit) != FLAGSHIP_OK
            || flagship_document_flags(&d, i, unit) != FLAGSHIP_OK)
        {
            flagship_unit_destroy(unit);
            rc = FLAGSHIP_ERROR;
            break;
        }

        unit->evaluators = NULL;

        rc = handler(data, set->tenant, set->environment, unit);
    }

    free(d.sets);
    free(d.set_of);
    free(d.good);

    return rc;
}


static int
flagship_document_read(flagship_documents_t *d,
    const flagship_json_node_t *root)
{
    const flagship_str_t  none = { 0, "" };

    if (root->type != FLAGSHIP_JSON_OBJECT) {
        flagship_errors_add(d->errors, 0, none, "",
                            "a document must be an object");
        return FLAGSHIP_DECLINED;
    }

    d->flags = flagship_json_get(root, "flags");

    if (d->flags == NULL
        || (d->flags->type != FLAGSHIP_JSON_ARRAY
            && d->flags->type != FLAGSHIP_JSON_OBJECT))
    {
        flagship_errors_add(d->errors, 0, none, "/flags",
                            "must be there, an array or an object");
        return FLAGSHIP_DECLINED;
    }

    d->flagd = flagship_document_is_flagd(d->flags);

    if (d->flagd) {
        d->evaluators = flagship_json_get(root, "$evaluators");
        d->metadata = flagship_json_get(root, "metadata");

        if (d->evaluators && d->evaluators->type != FLAGSHIP_JSON_OBJECT) {
            flagship_errors_add(d->errors, 0, none, "/$evaluators",
                                "must be an object");
            d->evaluators = NULL;
        }

        if (d->metadata && d->metadata->type != FLAGSHIP_JSON_OBJECT) {
            flagship_errors_add(d->errors, 0, none, "/metadata",
                                "must be an object");
            d->metadata = NULL;
        }

        return FLAGSHIP_OK;
    }

    d->segments = flagship_json_get(root, "segments");
    d->environments = flagship_json_get(root, "environments");
    d->idsets = flagship_json_get(root, "sets");

    if (d->segments && d->segments->type != FLAGSHIP_JSON_ARRAY) {
        flagship_errors_add(d->errors, 0, none, "/segments",
                            "must be an array");
        d->segments = NULL;
    }

    if (d->environments && d->environments->type != FLAGSHIP_JSON_ARRAY) {
        flagship_errors_add(d->errors, 0, none, "/environments",
                            "must be an array");
        d->environments = NULL;
    }

    if (d->idsets && d->idsets->type != FLAGSHIP_JSON_OBJECT) {
        flagship_errors_add(d->errors, 0, none, "/sets",
                            "must be an object");
        d->idsets = NULL;
    }

    return FLAGSHIP_OK;
}


const flagship_json_node_t *
flagship_document_sets_of(const flagship_json_node_t *root)
{
    flagship_errors_t     errors;
    flagship_documents_t  d;

    memset(&d, 0, sizeof(d));

    d.errors = &errors;
    flagship_errors_init(&errors);

    return flagship_document_read(&d, root) == FLAGSHIP_OK ? d.idsets : NULL;
}


/* Which of the id sets are such. */

static int
flagship_document_good(flagship_documents_t *d)
{
    uint32_t                     i;
    const flagship_json_node_t  *name, *ids;

    if (d->idsets == NULL) {
        return FLAGSHIP_OK;
    }

    d->good = malloc(d->idsets->len + 1);
    if (d->good == NULL) {
        return FLAGSHIP_ERROR;
    }

    name = d->idsets + 1;

    for (i = 0; i < d->idsets->len; i++, name = ids + ids->next) {
        ids = name + 1;
        d->good[i] = flagship_document_idset_check(name, d->errors);
    }

    return FLAGSHIP_OK;
}


/* They are those of the tenant of flags that name none. */

static int
flagship_document_know(flagship_documents_t *d, const flagship_set_t *set,
    flagship_unit_t *unit)
{
    uint32_t                     i;
    const flagship_json_node_t  *name, *ids;

    if (d->idsets == NULL || !flagship_str_eq(set->tenant, d->tenant)) {
        return FLAGSHIP_OK;
    }

    name = d->idsets + 1;

    for (i = 0; i < d->idsets->len; i++, name = ids + ids->next) {
        ids = name + 1;

        if (d->good[i]
            && flagship_unit_add_set(unit, flagship_json_str(name))
               != FLAGSHIP_OK)
        {
            return FLAGSHIP_ERROR;
        }
    }

    return FLAGSHIP_OK;
}


/* What says which flag a document is, and of which set, in one pass. */

typedef struct {
    const flagship_json_node_t  *key;        /* strings, or NULL */
    const flagship_json_node_t  *tenant;
    const flagship_json_node_t  *environment;
    unsigned                     archived;
} flagship_identity_t;


static void
flagship_document_identity(const flagship_json_node_t *flag,
    flagship_identity_t *id)
{
    uint32_t                      i;
    const flagship_json_node_t   *name, *value, **to;

    memset(id, 0, sizeof(flagship_identity_t));

    name = flag + 1;

    for (i = 0; i < flag->len; i++, name = value + value->next) {
        value = name + 1;
        to = NULL;

        switch (name->len) {

        case 3:
            to = memcmp(name->str, "key", 3) == 0 ? &id->key : NULL;
            break;

        case 6:
            to = memcmp(name->str, "tenant", 6) == 0 ? &id->tenant : NULL;
            break;

        case 11:
            if (memcmp(name->str, "environment", 11) == 0) {
                to = &id->environment;

            } else if (memcmp(name->str, "archived_at", 11) == 0) {
                id->archived = value->type != FLAGSHIP_JSON_NULL;
            }

            break;
        }

        if (to && value->type == FLAGSHIP_JSON_STRING) {
            *to = value;
        }
    }
}


static int
flagship_document_is_flagd(const flagship_json_node_t *flags)
{
    uint32_t                     i, k;
    flagship_str_t               s;
    const flagship_json_node_t  *flag, *name;

    if (flags->type == FLAGSHIP_JSON_OBJECT) {
        return 1;
    }

    flag = flags + 1;

    for (i = 0; i < flags->len; i++, flag += flag->next) {

        if (flag->type != FLAGSHIP_JSON_OBJECT) {
            continue;
        }

        name = flag + 1;

        for (k = 0; k < flag->len; k++, name += 1 + name[1].next) {
            s = flagship_json_str(name);

            if (flagship_str_is(s, "state")
                || flagship_str_is(s, "defaultVariant")
                || flagship_str_is(s, "targeting"))
            {
                return 1;
            }
        }
    }

    return 0;
}


static int
flagship_document_sets(flagship_documents_t *d)
{
    char                         pointer[32];
    uint32_t                     i, n;
    flagship_str_t               tenant, environment;
    flagship_identity_t          id;
    const flagship_json_node_t  *flag;

    n = d->flags->len + (d->environments ? d->environments->len : 0) + 1;

    d->sets = malloc(n * sizeof(flagship_set_t));
    d->set_of = malloc(n * sizeof(uint32_t));

    if (d->sets == NULL || d->set_of == NULL) {
        return FLAGSHIP_ERROR;
    }

    if (d->flags->len == 0 || d->flags->type == FLAGSHIP_JSON_OBJECT) {
        (void) flagship_document_set(d, d->tenant, d->environment);
    }

    if (d->environments) {
        flagship_document_environments(d);
    }

    flag = d->flags + 1;

    for (i = 0; i < d->flags->len; i++) {

        if (d->flags->type == FLAGSHIP_JSON_OBJECT) {
            d->set_of[i] = 0;
            continue;
        }

        d->set_of[i] = FLAGSHIP_NONE;

        if (flag->type == FLAGSHIP_JSON_OBJECT) {
            flagship_document_identity(flag, &id);
        }

        if (flag->type != FLAGSHIP_JSON_OBJECT || id.key == NULL) {
            (void) snprintf(pointer, sizeof(pointer), "/flags/%u", i);
            flagship_errors_add(d->errors, 0, flagship_str("", 0), pointer,
                                "must be an object with a \"key\"");

        } else {
            tenant = id.tenant && id.tenant->len
                     ? flagship_json_str(id.tenant) : d->tenant;
            environment = id.environment && id.environment->len
                          ? flagship_json_str(id.environment)
                          : d->environment;

            d->set_of[i] = flagship_document_set(d, tenant, environment);
        }

        flag += flag->next;
    }

    if (d->flagd && d->nsets) {
        for (i = 0; i < d->nsets; i++) {
            d->sets[i].metadata = d->metadata;
        }
    }

    return FLAGSHIP_OK;
}


/* The set with these names, made where it is new. */

static uint32_t
flagship_document_set(flagship_documents_t *d, flagship_str_t tenant,
    flagship_str_t environment)
{
    uint32_t         i;
    flagship_set_t  *set;

    /* flags of one set mostly stand together: the newest first */

    for (i = d->nsets; i; i--) {
        set = &d->sets[i - 1];

        if (flagship_str_eq(set->environment, environment)
            && flagship_str_eq(set->tenant, tenant))
        {
            return i - 1;
        }
    }

    set = &d->sets[d->nsets];

    set->tenant = tenant;
    set->environment = environment;
    set->fractional = 2;
    set->metadata = NULL;

    return d->nsets++;
}


static flagship_str_t
flagship_document_name(flagship_documents_t *d,
    const flagship_json_node_t *object, const char *name,
    flagship_str_t otherwise)
{
    const flagship_json_node_t  *node;

    node = flagship_json_member(object, name, strlen(name));

    return node && node->type == FLAGSHIP_JSON_STRING && node->len
           ? flagship_json_str(node) : otherwise;
}


static void
flagship_document_environments(flagship_documents_t *d)
{
    char                         pointer[48];
    double                       number;
    uint32_t                     i;
    flagship_set_t              *set;
    flagship_str_t               tenant, key;
    const flagship_json_node_t  *node, *fractional, *metadata;

    node = d->environments + 1;

    for (i = 0; i < d->environments->len; i++, node += node->next) {

        key = flagship_str("", 0);

        if (node->type == FLAGSHIP_JSON_OBJECT) {
            key = flagship_document_name(d, node, "key", key);
        }

        if (key.len == 0) {
            (void) snprintf(pointer, sizeof(pointer), "/environments/%u", i);
            flagship_errors_add(d->errors, 0, key, pointer,
                                "must be an object with a \"key\"");
            continue;
        }

        tenant = flagship_document_name(d, node, "tenant", d->tenant);

        set = &d->sets[flagship_document_set(d, tenant, key)];

        fractional = flagship_json_get(node, "fractional");
        metadata = flagship_json_get(node, "metadata");

        if (fractional && fractional->type != FLAGSHIP_JSON_NULL) {

            number = fractional->type == FLAGSHIP_JSON_NUMBER
                     ? flagship_json_double(fractional) : 0;

            if (number == 1 || number == 2 || number == 3) {
                set->fractional = (unsigned) number;

            } else {
                (void) snprintf(pointer, sizeof(pointer),
                                "/environments/%u/fractional", i);
                flagship_errors_add(d->errors, 0, flagship_str("", 0),
                                    pointer, "must be 1, 2 or 3");
            }
        }

        if (metadata && metadata->type == FLAGSHIP_JSON_OBJECT) {
            set->metadata = metadata;
        }
    }
}


static int
flagship_document_segments(flagship_documents_t *d, const flagship_set_t *set,
    flagship_unit_t *unit)
{
    char                         pointer[48];
    uint32_t                     i;
    flagship_str_t               key;
    const flagship_json_node_t  *node, *when;

    if (d->segments == NULL) {
        return FLAGSHIP_OK;
    }

    node = d->segments + 1;

    for (i = 0; i < d->segments->len; i++, node += node->next) {

        key = flagship_str("", 0);
        when = NULL;

        if (node->type == FLAGSHIP_JSON_OBJECT) {
            key = flagship_document_name(d, node, "key", key);
            when = flagship_json_get(node, "when");

            if (!flagship_str_eq(flagship_document_name(d, node, "tenant",
                                                        d->tenant),
                                 set->tenant))
            {
                continue;
            }
        }

        if (key.len == 0 || when == NULL) {
            (void) snprintf(pointer, sizeof(pointer), "/segments/%u", i);
            flagship_errors_add(d->errors, 0, flagship_str("", 0), pointer,
                                "must be an object with \"key\" and "
                                "\"when\"");
            continue;
        }

        if (flagship_unit_add_segment(unit, key, when, d->errors)
            == FLAGSHIP_ERROR)
        {
            return FLAGSHIP_ERROR;
        }
    }

    return FLAGSHIP_OK;
}


static int
flagship_document_flags(flagship_documents_t *d, uint32_t set,
    flagship_unit_t *unit)
{
    int                          rc;
    uint32_t                     i;
    flagship_str_t               key;
    flagship_identity_t          id;
    const flagship_json_node_t  *flag;

    flag = d->flags + 1;

    for (i = 0; i < d->flags->len; i++, flag += flag->next) {

        if (d->flags->type == FLAGSHIP_JSON_OBJECT) {
            key = flagship_json_str(flag);
            flag++;
            id.archived = 0;

        } else {
            if (d->set_of[i] != set) {
                continue;
            }

            flagship_document_identity(flag, &id);
            key = flagship_json_str(id.key);
        }

        if (d->flagd) {
            rc = flagship_unit_add_flagd(unit, key, flag, d->errors);

        } else {
            if (id.archived) {
                continue;
            }

            rc = flagship_unit_add_flag(unit, key, flag, d->errors);
        }

        if (rc == FLAGSHIP_ERROR) {
            return FLAGSHIP_ERROR;
        }
    }

    return FLAGSHIP_OK;
}
