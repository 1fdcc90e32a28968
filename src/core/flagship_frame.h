
/*
 * Copyright (C) Flagship
 */


/*
 * What the evaluator's files share.  flagship_eval.c runs code and tests;
 * flagship_eval_value.c computes values; flagship_eval_split.c divides people;
 * flagship_eval_array.c makes arrays and loops over them; flagship_eval_set.c
 * looks into id sets.
 *
 * What runs code is compiled twice from one source: as it serves, and with a
 * tracer (flagship_tracer.h), which the serving copy knows nothing of.
 */


#ifndef _FLAGSHIP_FRAME_H_INCLUDED_
#define _FLAGSHIP_FRAME_H_INCLUDED_


#include <math.h>
#include <string.h>

#include "flagship_code.h"
#include "flagship_eval.h"


/* A record that is being run. */

typedef struct {
    const flagship_flag_t  *record;
    const char             *chunk;
    flagship_value_t        reg[FLAGSHIP_MAX_REGISTERS];
    flagship_value_t        yield;   /* of the loop's body that ran last */
} flagship_frame_t;


typedef struct flagship_tracer_s  flagship_tracer_t;


/* What splits people, as it came out. */

typedef struct {
    uint32_t                hash;
    uint32_t                total;   /* 0: there was nothing to hash */
    uint32_t                n;       /* parts */
    uint32_t                part;    /* n: none */
    uint32_t                end[FLAGSHIP_MAX_REGISTERS / 2];   /* computed */
} flagship_bucket_t;


/* Of a function that takes a tracer, NULL where it serves, and of what both
   copies have in them. */
#define flagship_traced  static inline __attribute__((always_inline))

void flagship_eval_flag(flagship_eval_t *ev, uint32_t flag,
    flagship_decision_t *d);
void flagship_eval_flag_traced(flagship_eval_t *ev, uint32_t flag,
    flagship_decision_t *d, flagship_tracer_t *t);
int flagship_eval_segment_traced(flagship_eval_t *ev, uint32_t segment,
    flagship_tracer_t *t);

/* Asks for an attribute. */
void flagship_eval_fill(flagship_eval_t *ev, uint32_t slot);

/* Runs the body of a loop; 0: it did not come to its end. */
int flagship_eval_body(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *body);

/* The attribute at a path that was computed. */
void flagship_eval_lookup(flagship_eval_t *ev, flagship_str_t path,
    flagship_value_t *dst);

/* The instructions that make arrays, look into values, and loop. */
void flagship_eval_array(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst);
void flagship_eval_loop(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst);

/* Runs an instruction that computes a value. */
void flagship_eval_value(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst);

/* Whether a text matches a regular expression; FLAGSHIP_DECLINED: it is none,
   or that would take too many steps (counted). */
int flagship_eval_matches(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, const flagship_value_t *v);

/* Whether a set has an id: a text, or a number as "cat" writes it. */
int flagship_eval_in_set(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code);

/*
 * The part that a split's bucket falls into.  Returns 0 where there is no
 * text to hash; *part is NULL where the float form of generation 1 lets a
 * bucket fall behind the last part.
 */
int flagship_eval_part(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, const flagship_split_part_t **part);
void flagship_eval_fractional(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst);

/* The bucket that a SPLIT, RETURN_SPLIT or FRACTIONAL puts the context in. */
void flagship_eval_split_traced(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_bucket_t *b);


static inline void
flagship_value_bool(flagship_value_t *v, int truth)
{
    v->type = truth ? FLAGSHIP_TRUE : FLAGSHIP_FALSE;
}


static inline void
flagship_value_null(flagship_value_t *v)
{
    v->type = FLAGSHIP_NULL;
    v->len = 0;
}


static inline void
flagship_value_string(flagship_value_t *v, flagship_str_t s)
{
    v->type = FLAGSHIP_STRING;
    v->len = s.len;
    v->u.str = s.data;
}


flagship_traced const flagship_value_t *
flagship_eval_operand(flagship_eval_t *ev, flagship_frame_t *fr, uint32_t op)
{
    if (op & FLAGSHIP_REGISTER) {
        return &fr->reg[op & ~FLAGSHIP_REGISTER];
    }

    if (!ev->filled[op]) {
        flagship_eval_fill(ev, op);
    }

    return &ev->slots[op].value;
}


/* Aligned to 8 bytes; NULL: the scratch block is full, counted. */

static inline void *
flagship_scratch_alloc(flagship_scratch_t *s, size_t size)
{
    size_t  used;

    used = (s->used + 7) & ~(size_t) 7;

    if (used > FLAGSHIP_SCRATCH || size > FLAGSHIP_SCRATCH - used) {
        s->spilled++;
        return NULL;
    }

    s->used = used + size;

    return s->buf + used;
}


/* Generation 1's bucket, in percent. */

static inline double
flagship_eval_percent(uint32_t hash)
{
    return fabs((double) (int32_t) hash) / INT32_MAX * 100;
}


static inline double
flagship_eval_double(const char *chunk, uint32_t offset)
{
    double  n;

    memcpy(&n, chunk + offset, sizeof(double));

    return n;
}


#endif /* _FLAGSHIP_FRAME_H_INCLUDED_ */
