
/*
 * Copyright (C) Flagship
 */


/*
 * What an evaluation tells while it is explained.  flagship_explain.c keeps
 * the parts of a flag apart and writes JSON; flagship_explain_step.c knows the
 * instructions.
 *
 * The evaluator calls these from the copy of its code that has a tracer.  They
 * may look at everything and change nothing that it computes with.
 */


#ifndef _FLAGSHIP_TRACER_H_INCLUDED_
#define _FLAGSHIP_TRACER_H_INCLUDED_


#include "flagship_explain.h"
#include "flagship_frame.h"
#include "flagship_source.h"


/* A flag that is being explained. */

typedef struct {
    uint32_t                 flag;
    uint32_t                 nmarks;
    const flagship_mark_t   *marks;
    uint32_t                 mark;       /* of the instruction that ran last */
    uint32_t                 part;       /* open; FLAGSHIP_PART_LAST: none */
    uint32_t                 rule;       /* mark, up to which rules are
                                            written */
    unsigned                 segments;   /* around the instruction */
    unsigned                 written:1;  /* the part, else it was cut */
    unsigned                 rules:1;    /* their array is open */
    unsigned                 truth:1;    /* of the last test */
    unsigned                 decided:1;  /* what follows is not asked */
} flagship_level_t;


struct flagship_tracer_s {
    flagship_eval_t         *ev;
    flagship_explanation_t  *out;
    unsigned                 depth;
    unsigned                 open:1;     /* a step */
    unsigned                 cut:1;
    unsigned                 nomem:1;
    flagship_level_t         levels[FLAGSHIP_MAX_NESTING + 1];
};


#define flagship_trace_level(t)  (&(t)->levels[(t)->depth - 1])


/* Of a flag: before anything else of it, and when it is decided. */
void flagship_trace_flag(flagship_tracer_t *t, uint32_t flag);
void flagship_trace_decision(flagship_tracer_t *t,
    const flagship_decision_t *d);

/* Of an instruction: before it runs, and what it gave. */
void flagship_trace_step(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code);
void flagship_trace_test(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code, int holds);
void flagship_trace_value(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code);


/* flagship_explain_step.c */

/* What a step is called; "": the instruction is none. */
extern const char *const  flagship_explain_ops[FLAGSHIP_OP_MAX];

/* Begins the step of an instruction; 0: it is none. */
int flagship_explain_step(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code);


/* flagship_explain.c: JSON. */

/* A text as it is. */
void flagship_explain_text(flagship_tracer_t *t, const char *text);
/* A comma, but behind "[", "{" and ":", then the text. */
void flagship_explain_next(flagship_tracer_t *t, const char *text);
void flagship_explain_string(flagship_tracer_t *t, flagship_str_t s);
void flagship_explain_number(flagship_tracer_t *t, double number);
void flagship_explain_bool(flagship_tracer_t *t, int truth);
void flagship_explain_value(flagship_tracer_t *t, const flagship_value_t *v);
/* Whether there is room for more; where there is none, "cut" is set. */
int flagship_explain_room(flagship_tracer_t *t);


#endif /* _FLAGSHIP_TRACER_H_INCLUDED_ */
