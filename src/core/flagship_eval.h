
/*
 * Copyright (C) Flagship
 */


/*
 * An image and a context give decisions.
 *
 * An evaluation (flagship_eval_t) is one request's: it is bound to one image,
 * asks for each attribute at most once, when a flag first needs it, and
 * remembers what others' prerequisites and segments gave.  It allocates
 * nothing, locks nothing and makes no system call; its steps are bounded by
 * the image.  Decisions hold indices into the image and are valid as long as
 * it is.
 */


#ifndef _FLAGSHIP_EVAL_H_INCLUDED_
#define _FLAGSHIP_EVAL_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_idset.h"
#include "flagship_image.h"
#include "flagship_value.h"


/* OpenFeature's names: flagship_reason_name(), flagship_error_name(). */

typedef enum {
    FLAGSHIP_REASON_STATIC = 0,
    FLAGSHIP_REASON_DEFAULT,
    FLAGSHIP_REASON_TARGETING_MATCH,
    FLAGSHIP_REASON_SPLIT,
    FLAGSHIP_REASON_DISABLED,
    FLAGSHIP_REASON_ERROR
} flagship_reason_e;

typedef enum {
    FLAGSHIP_ERROR_NONE = 0,
    FLAGSHIP_ERROR_FLAG_NOT_FOUND,
    FLAGSHIP_ERROR_PARSE_ERROR,
    FLAGSHIP_ERROR_GENERAL,
    FLAGSHIP_ERROR_INVALID_CONTEXT,
    FLAGSHIP_ERROR_PROVIDER_NOT_READY
} flagship_error_e;


typedef struct {
    uint32_t                   flag;     /* index, FLAGSHIP_NONE: not found */
    uint16_t                   variant;  /* FLAGSHIP_NO_VARIANT: no value */
    uint8_t                    reason;   /* flagship_reason_e */
    uint8_t                    error;    /* flagship_error_e */
} flagship_decision_t;


/*
 * Called when an attribute is first needed: "path" as written in the rules,
 * dots and all ("targetingKey", "user.plan").  Sets *value; what it points to
 * must live as long as the evaluation.  FLAGSHIP_NULL means absent, with
 * "len" 1 that it is there and null.  An empty path asks for the whole
 * context; a source that has none gives FLAGSHIP_NULL.
 * "hash" is flagship_hash32(path), so that a map of names need not hash.
 */

typedef void (*flagship_fetch_pt)(void *data, flagship_str_t path,
    uint32_t hash, flagship_value_t *value);


/*
 * Working memory of value expressions (cat and the like).  Nothing in it
 * survives a call of flagship_eval(), so one for each thread is enough.
 */

#define FLAGSHIP_SCRATCH  16384

typedef struct {
    uint32_t                   used;
    uint32_t                   spilled;  /* times that it was too small, or
                                            that loops or regular expressions
                                            took too many steps: those gave
                                            null */
    uint32_t                   steps;    /* left for both */
    char                       buf[FLAGSHIP_SCRATCH]
                                   __attribute__((aligned(8)));
} flagship_scratch_t;


typedef struct {
    uint32_t                   atom;     /* FLAGSHIP_NONE: no literal's */
    uint32_t                   resolved; /* the atom was looked up */
    flagship_value_t           value;
} flagship_slot_t;


typedef struct {
    const flagship_image_t    *image;
    flagship_scratch_t        *scratch;
    flagship_fetch_pt          fetch;
    void                      *data;
    int64_t                    now;      /* Unix seconds */
    const flagship_idset_t *const  *sets;    /* the image's; NULL: none */

    flagship_str_t             key;      /* of the flag being evaluated */
    flagship_slot_t           *slots;
    flagship_decision_t       *memo;
    uint8_t                   *filled;   /* of each slot */
    uint8_t                   *known;    /* of each memo */
} flagship_eval_t;


/* Bytes of memory that an evaluation on this image needs, 8-byte aligned. */
size_t flagship_eval_size(const flagship_image_t *image);

/*
 * "memory" holds flagship_eval_size() bytes and belongs to the caller, for
 * as long as the evaluation is used; the structure itself is part of it.
 */

flagship_eval_t *flagship_eval_init(void *memory,
    const flagship_image_t *image, flagship_scratch_t *scratch, int64_t now,
    flagship_fetch_pt fetch, void *data);

/*
 * Binds the members of the image's id sets, in the order of their names in the
 * image; NULL in it is an empty one.  "sets" is the caller's and must live as
 * long as the evaluation.  Unless called, all are empty.
 */

static inline void
flagship_eval_bind_sets(flagship_eval_t *ev,
    const flagship_idset_t *const *sets)
{
    ev->sets = sets;
}


/* Decides the flag with this index (not FLAGSHIP_NONE). */
void flagship_eval(flagship_eval_t *ev, uint32_t flag,
    flagship_decision_t *decision);


/*
 * The value of the expression that flagship_unit_add_logic() compiled, by its
 * index among the segments.  It may lie in the scratch block: use it before
 * the next evaluation.
 */

void flagship_eval_logic(flagship_eval_t *ev, uint32_t logic,
    flagship_value_t *value);


/*
 * The contract's "enabled": a boolean flag's value (false where there is
 * none); for other types true unless the reason is DISABLED or ERROR or the
 * variant is the flag's off_variant.
 */

int flagship_decision_enabled(const flagship_image_t *image,
    const flagship_decision_t *decision);

flagship_str_t flagship_reason_name(unsigned reason);
flagship_str_t flagship_error_name(unsigned error);


#endif /* _FLAGSHIP_EVAL_H_INCLUDED_ */
