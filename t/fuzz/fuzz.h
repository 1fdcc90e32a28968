
/*
 * Copyright (C) Flagship
 */


/*
 * What the fuzzed targets share.  A target is one file with one function,
 * LLVMFuzzerTestOneInput(); libFuzzer calls it by "make fuzz", and replay.c
 * with the corpus by "make test".  What must hold is asserted by
 * fuzz_check(), which works in every build.
 */


#ifndef _FLAGSHIP_FUZZ_H_INCLUDED_
#define _FLAGSHIP_FUZZ_H_INCLUDED_


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flagship_compile.h"
#include "flagship_context.h"
#include "flagship_document.h"
#include "flagship_eval.h"
#include "flagship_explain.h"
#include "flagship_idset.h"
#include "flagship_image.h"
#include "flagship_json.h"
#include "flagship_ofrep.h"


#define FUZZ_NOW  1700000000

#define fuzz_check(condition)                                                 \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* A copy in a block of exactly its size, so that a sanitizer sees a step
   behind it. */

static inline char *
fuzz_copy(const void *data, size_t size)
{
    char  *copy;

    copy = malloc(size ? size : 1);
    fuzz_check(copy);

    if (size) {
        memcpy(copy, data, size);
    }

    return copy;
}


/* The input's first part, up to a newline, and what follows that. */

static inline flagship_str_t
fuzz_split(const char *data, size_t size, flagship_str_t *rest)
{
    const char  *end;

    end = size ? memchr(data, '\n', size) : NULL;

    if (end == NULL) {
        *rest = flagship_str(data + size, 0);
        return flagship_str(data, size);
    }

    *rest = flagship_str(end + 1, data + size - end - 1);

    return flagship_str(data, end - data);
}


/* Every byte of a text is read. */

static inline void
fuzz_touch(flagship_str_t s)
{
    size_t         i;
    unsigned char  last;

    for (i = 0; i < s.len; i++) {
        last = *(const volatile unsigned char *) &s.data[i];
        (void) last;
    }
}


static inline int
fuzz_same(const flagship_decision_t *a, const flagship_decision_t *b)
{
    return a->flag == b->flag && a->variant == b->variant
           && a->reason == b->reason && a->error == b->error;
}


/* All flags of an image in a context: twice alike, and as explained. */

static inline void
fuzz_evaluate(const flagship_image_t *image, flagship_context_t *context,
    const flagship_idset_t *set)
{
    char                      *body;
    void                      *memory;
    uint32_t                   i;
    flagship_eval_t           *ev;
    flagship_scratch_t        *scratch;
    flagship_decision_t        d, again;
    flagship_explanation_t     trace;
    const flagship_idset_t   **sets;

    memory = malloc(flagship_eval_size(image));
    scratch = malloc(sizeof(flagship_scratch_t));
    sets = malloc((image->sets.n + 1) * sizeof(flagship_idset_t *));
    fuzz_check(memory && scratch && sets);

    memset(&trace, 0, sizeof(flagship_explanation_t));
    scratch->used = 0;

    for (i = 0; i < image->sets.n; i++) {
        sets[i] = set;
    }

    for (i = 0; i < image->flags.n; i++) {
        ev = flagship_eval_init(memory, image, scratch, FUZZ_NOW,
                                flagship_context_fetch, context);
        flagship_eval_bind_sets(ev, sets);
        flagship_eval(ev, i, &d);

        fuzz_check(d.reason <= FLAGSHIP_REASON_ERROR);
        fuzz_check(d.variant == FLAGSHIP_NO_VARIANT
                   || d.variant < flagship_flags(image)[i].nvariants);

        fuzz_touch(flagship_flag_key(image, i));
        (void) flagship_decision_enabled(image, &d);

        if (d.variant != FLAGSHIP_NO_VARIANT) {
            fuzz_touch(flagship_variant_name(image, i, d.variant));
            fuzz_touch(flagship_variant_text(image, i, d.variant));
            fuzz_touch(flagship_variant_json(image, i, d.variant));
        }

        body = malloc(flagship_ofrep_size(image, &d));
        fuzz_check(body);
        fuzz_touch(flagship_str(body, flagship_ofrep_answer(image, &d, body)));
        free(body);

        flagship_eval(ev, i, &again);
        fuzz_check(fuzz_same(&d, &again));

        trace.len = 0;
        fuzz_check(flagship_explain(ev, i, &again, &trace) == FLAGSHIP_OK);
        fuzz_check(fuzz_same(&d, &again));
    }

    free(trace.data);
    free(sets);
    free(scratch);
    free(memory);
}


/* A context whose text is the target's; the caller frees both. */

static inline void
fuzz_context(flagship_context_t *context, const char *text, size_t len)
{
    flagship_context_init(context);

    if (flagship_context_parse(context, text, len) != FLAGSHIP_OK) {
        flagship_context_set(context, NULL);
    }
}


#endif /* _FLAGSHIP_FUZZ_H_INCLUDED_ */
