
/*
 * Copyright (C) Flagship
 */


/*
 * A file of flags: every flag set of it compiled and linked, and what is
 * wrong with it told by the place in the file.
 *
 * The compiler names a flag by its key and a place in the flag.  Where the
 * flag stands is found here; its set is known once the set is compiled, so
 * what is said before waits until then.
 */


#include "flagshipctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static void flagshipctl_document_error(void *data,
    const flagship_error_t *error);
static int flagshipctl_document_link(void *data, flagship_str_t tenant,
    flagship_str_t environment, flagship_unit_t *unit);
static void flagshipctl_document_say(flagshipctl_document_t *d,
    const flagship_error_t *error, const flagshipctl_set_t *set);
static int flagshipctl_document_place(flagshipctl_document_t *d,
    const flagshipctl_set_t *set, flagship_str_t key, int segment);
static int flagshipctl_document_is(const flagship_json_node_t *object,
    const char *member, flagship_str_t name, flagship_str_t otherwise);
static void flagshipctl_document_refused(flagshipctl_document_t *d);


void
flagshipctl_document_init(flagshipctl_document_t *d, const char *file,
    const char *tenant, const char *environment)
{
    memset(d, 0, sizeof(flagshipctl_document_t));

    tenant = tenant ? tenant : "default";
    environment = environment ? environment : "prod";

    d->file = file;
    d->tenant = flagship_str(tenant, strlen(tenant));
    d->environment = flagship_str(environment, strlen(environment));

    flagship_json_init(&d->json);
}


void
flagshipctl_document_free(flagshipctl_document_t *d)
{
    uint32_t  i;

    for (i = 0; i < d->nsets; i++) {
        free(d->sets[i].image);
    }

    free(d->sets);
    free(d->pending);
    free(d->pointer.data);
    free(d->text.data);

    flagship_json_free(&d->json);
}


int
flagshipctl_document(flagshipctl_document_t *d)
{
    int                 rc;
    flagship_errors_t  *errors;

    flagshipctl_read(d->file, &d->text);

    rc = flagship_json_parse(&d->json, d->text.data, d->text.len);

    if (rc == FLAGSHIP_DECLINED) {
        flagshipctl_document_refused(d);
        return FLAGSHIP_DECLINED;
    }

    errors = flagshipctl_alloc(NULL, sizeof(flagship_errors_t));

    if (rc == FLAGSHIP_OK) {
        flagship_errors_init(errors);
        errors->lint = d->lint;
        errors->handler = flagshipctl_document_error;
        errors->data = d;

        rc = flagship_document_compile_as(d->json.nodes, d->tenant,
                                          d->environment, d->fractional,
                                          flagshipctl_document_link, d,
                                          errors);
    }

    free(errors);

    if (rc == FLAGSHIP_ERROR) {
        flagshipctl_fail("no memory");
    }

    flagshipctl_document_say(d, NULL, NULL);

    return rc;
}


static void
flagshipctl_document_error(void *data, const flagship_error_t *error)
{
    flagshipctl_document_t  *d = data;

    if ((d->npending & (d->npending + 1)) == 0) {
        d->pending = flagshipctl_alloc(d->pending, (d->npending + 1) * 2
                                                   * sizeof(*error));
    }

    d->pending[d->npending++] = *error;
}


static int
flagshipctl_document_link(void *data, flagship_str_t tenant,
    flagship_str_t environment, flagship_unit_t *unit)
{
    int                      rc;
    flagship_errors_t       *errors;
    flagshipctl_set_t       *set;
    flagshipctl_document_t  *d = data;

    d->sets = flagshipctl_alloc(d->sets, (d->nsets + 1) * sizeof(*set));
    set = &d->sets[d->nsets];

    set->tenant = tenant;
    set->environment = environment;
    set->image = NULL;

    errors = flagshipctl_alloc(NULL, sizeof(flagship_errors_t));

    flagship_errors_init(errors);
    errors->lint = d->lint;
    errors->handler = flagshipctl_document_error;
    errors->data = d;

    rc = flagship_link(unit, NULL, 1, &set->image, &set->len, errors);

    free(errors);
    flagship_unit_destroy(unit);

    flagshipctl_document_say(d, NULL, set);

    if (rc == FLAGSHIP_OK) {
        d->nsets++;
    }

    return rc == FLAGSHIP_ERROR ? FLAGSHIP_ERROR : FLAGSHIP_OK;
}


/* One, or all that wait. */

static void
flagshipctl_document_say(flagshipctl_document_t *d,
    const flagship_error_t *error, const flagshipctl_set_t *set)
{
    size_t          i;
    flagship_str_t  key;

    if (error == NULL) {

        for (i = 0; i < d->npending; i++) {
            flagshipctl_document_say(d, &d->pending[i], set);
        }

        d->npending = 0;
        return;
    }

    d->pointer.len = 0;
    key = flagship_str(error->key, strlen(error->key));

    /* a condition is a segment's, and what has no place may be either's */

    if (key.len && set
        && (strncmp(error->pointer, "/when", 5) != 0
            || !flagshipctl_document_place(d, set, key, 1))
        && !flagshipctl_document_place(d, set, key, 0))
    {
        (void) flagshipctl_document_place(d, set, key, 1);
    }

    flagshipctl_buf_text(&d->pointer, error->pointer);
    flagshipctl_buf_add(&d->pointer, "", 1);

    d->message(d->data, d->file, d->pointer.data, error);
}


/* Puts the place of a flag, or of a segment, into d->pointer. */

static int
flagshipctl_document_place(flagshipctl_document_t *d,
    const flagshipctl_set_t *set, flagship_str_t key, int segment)
{
    char                         number[32];
    uint32_t                     i, n;
    flagship_str_t               none = { 0, "" };
    const flagship_json_node_t  *list, *node;

    list = segment ? flagship_json_get(d->json.nodes, "segments")
                   : flagship_json_get(d->json.nodes, "flags");

    if (list == NULL) {
        return 0;
    }

    if (list->type == FLAGSHIP_JSON_OBJECT) {

        if (flagship_json_member(list, key.data, key.len) == NULL) {
            return 0;
        }

        flagshipctl_buf_text(&d->pointer, "/flags");
        flagshipctl_buf_pointer(&d->pointer, key);

        return 1;
    }

    if (list->type != FLAGSHIP_JSON_ARRAY) {
        return 0;
    }

    i = 0;
    node = list + 1;

    if (!segment && d->flag) {
        i = d->index;
        node = d->flag;
    }

    for (n = list->len; n; n--, i++, node += node->next) {

        if (i == list->len) {
            i = 0;
            node = list + 1;
        }

        if (node->type != FLAGSHIP_JSON_OBJECT
            || !flagshipctl_document_is(node, "key", key, none)
            || !flagshipctl_document_is(node, "tenant", set->tenant,
                                        d->tenant)
            || (!segment
                && !flagshipctl_document_is(node, "environment",
                                            set->environment,
                                            d->environment)))
        {
            continue;
        }

        if (!segment) {
            d->index = i;
            d->flag = node;
        }

        (void) snprintf(number, sizeof(number), "%s/%u",
                        segment ? "/segments" : "/flags", i);
        flagshipctl_buf_text(&d->pointer, number);

        return 1;
    }

    return 0;
}


static int
flagshipctl_document_is(const flagship_json_node_t *object,
    const char *member, flagship_str_t name, flagship_str_t otherwise)
{
    const flagship_json_node_t  *node;

    node = flagship_json_member(object, member, strlen(member));

    return flagship_str_eq(name, node && node->type == FLAGSHIP_JSON_STRING
                                 && node->len ? flagship_json_str(node)
                                              : otherwise);
}


/* The text is no JSON. */

static void
flagshipctl_document_refused(flagshipctl_document_t *d)
{
    char               pointer[256];
    size_t             i, line, column;
    flagship_error_t   error;

    line = 1;
    column = 1;

    for (i = 0; i < d->json.offset; i++) {
        column++;

        if (d->text.data[i] == '\n') {
            line++;
            column = 1;
        }
    }

    memset(&error, 0, sizeof(error));
    error.lint = "";

    (void) snprintf(error.message, sizeof(error.message),
                    "%s (line %zu, byte %zu of it)", d->json.error, line,
                    column);

    flagship_json_locate(d->text.data, d->json.offset, pointer,
                         sizeof(pointer));

    d->message(d->data, d->file, pointer, &error);
}


static void
flagshipctl_load_message(void *data, const char *file, const char *pointer,
    const flagship_error_t *error)
{
    if (!error->warning) {
        fprintf(stderr, "%s: %s: %s\n", file, pointer, error->message);
    }
}


const flagshipctl_set_t *
flagshipctl_load(flagshipctl_document_t *d, const char *file,
    const char *tenant, const char *environment, unsigned fractional)
{
    uint32_t                  i, n;
    const flagshipctl_set_t  *set, *found;

    flagshipctl_document_init(d, file, tenant, environment);

    d->fractional = fractional;
    d->message = flagshipctl_load_message;

    if (flagshipctl_document(d) != FLAGSHIP_OK) {
        exit(FLAGSHIPCTL_FOUND);
    }

    found = NULL;
    n = 0;

    for (i = 0; i < d->nsets; i++) {
        set = &d->sets[i];

        if (flagship_str_eq(set->tenant, d->tenant)
            && flagship_str_eq(set->environment, d->environment))
        {
            return set;
        }

        /* what was not asked for may be anything, if there is one only */

        if ((tenant == NULL || flagship_str_eq(set->tenant, d->tenant))
            && (environment == NULL
                || flagship_str_eq(set->environment, d->environment)))
        {
            found = set;
            n++;
        }
    }

    if (n == 1) {
        return found;
    }

    fprintf(stderr, "flagshipctl: %s: which flag set? --tenant and "
            "--environment name it; there %s", file,
            d->nsets ? "are (tenant/environment)" : "is none");

    for (i = 0; i < d->nsets; i++) {
        fprintf(stderr, " %.*s/%.*s", (int) d->sets[i].tenant.len,
                d->sets[i].tenant.data, (int) d->sets[i].environment.len,
                d->sets[i].environment.data);
    }

    fputc('\n', stderr);

    exit(FLAGSHIPCTL_USAGE);
}
