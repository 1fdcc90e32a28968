
/*
 * Copyright (C) Flagship
 */


/*
 * What the programs of the bench share: a clock, and images of documents.
 */


#ifndef _BENCH_H_INCLUDED_
#define _BENCH_H_INCLUDED_


#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flagship_compile.h"
#include "flagship_context.h"
#include "flagship_document.h"
#include "flagship_eval.h"


typedef struct {
    flagship_image_t     *image;
    size_t                len;
} built_t;


static void *
checked(void *p)
{
    if (p == NULL) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }

    return p;
}


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return ts.tv_sec * 1e9 + ts.tv_nsec;
}


typedef struct {
    const flagship_image_t  *last;
    built_t                  built;
    flagship_errors_t       *errors;
} target_t;


static int
link_set(void *data, flagship_str_t tenant, flagship_str_t environment,
    flagship_unit_t *unit)
{
    int        rc;
    target_t  *target = data;

    rc = flagship_link(unit, target->last, target->last == NULL,
                       &target->built.image, &target->built.len,
                       target->errors);

    flagship_unit_destroy(unit);

    return rc == FLAGSHIP_OK ? FLAGSHIP_OK : FLAGSHIP_ERROR;
}


static built_t
compile(const char *text, size_t len, const flagship_image_t *last)
{
    int                rc;
    target_t           target;
    flagship_str_t     tenant = flagship_string("default");
    flagship_str_t     environment = flagship_string("prod");
    flagship_json_t    json;
    flagship_errors_t  errors;

    memset(&target, 0, sizeof(target));
    target.last = last;
    target.errors = &errors;

    flagship_errors_init(&errors);
    flagship_json_init(&json);

    rc = flagship_json_parse(&json, text, len);

    if (rc == FLAGSHIP_OK) {
        rc = flagship_document_compile(json.nodes, tenant, environment,
                                       link_set, &target, &errors);
    }

    if (rc != FLAGSHIP_OK || errors.errors) {
        fprintf(stderr, "does not compile: %s %s %s\n",
                json.error ? json.error : "",
                errors.n ? errors.list[0].pointer : "",
                errors.n ? errors.list[0].message : "");
        exit(1);
    }

    flagship_json_free(&json);

    return target.built;
}


#endif /* _BENCH_H_INCLUDED_ */
