
/*
 * Copyright (C) Flagship
 */


/*
 * One record under compilation.  Private to the compiler's files:
 *
 *   flagship_flag.c       documents: their members, and what needs no code
 *   flagship_flag_code.c  what surrounds the rules
 *   flagship_variants.c
 *   flagship_rule.c       expressions in the three places they stand in: as a
 *                         condition, as a value, as what a rule serves; the
 *                         operators are in flagship_operator*.c
 *   flagship_emit.c       instructions, labels, literals
 *
 * Errors do not stop the compiler: they are added to the list, "failed" is
 * set, and it goes on to find the next.  Running out of memory sets "nomem",
 * after which nothing more is emitted.
 */


#ifndef _FLAGSHIP_COMPILER_H_INCLUDED_
#define _FLAGSHIP_COMPILER_H_INCLUDED_


#include "flagship_unit.h"
#include "flagship_value.h"


#define FLAGSHIP_MAX_NODES      20000   /* expressions of a record */


/* A step into the document: a member by its name, or (data NULL) an element
   by its index in len.  The JSON Pointer is written when there is an error. */

typedef flagship_str_t  flagship_step_t;

#define FLAGSHIP_MAX_STEPS_DOWN  (2 * FLAGSHIP_MAX_DEPTH + 8)


typedef struct {
    flagship_unit_t     *unit;
    flagship_errors_t   *errors;
    flagship_str_t       key;
    uint32_t             nvariants;
    unsigned             segment:1;  /* else a flag */
    unsigned             keyed:1;    /* a segment that needs the flag's key */
    unsigned             flagd:1;    /* the document's form */
    unsigned             failed:1;
    unsigned             nomem:1;
    unsigned             portability;    /* of what was met so far */
    unsigned             nodes;
    unsigned             depth;      /* of $ref */
    size_t               shown;      /* steps to the outermost $ref: what it
                                        stands for has no place of its own */
    uint32_t             regex_work;    /* of the patterns up to here */
    uint32_t             regex_bytes;
    unsigned             reg;        /* the next free register */
    unsigned             loops;      /* around what is compiled */
    unsigned             element;    /* in a loop: the element's register */
    unsigned             accumulator;   /* ... of reduce; 0: of another */
    const flagship_json_node_t  *document;   /* to be kept; a segment's is its
                                                condition */
    flagship_source_ref_t  source;   /* once it is finished */
    flagship_code_t      spare;      /* written to when none can be emitted */
    size_t               nsteps;     /* where in the document we are */
    flagship_step_t      steps[FLAGSHIP_MAX_STEPS_DOWN];
} flagship_compiler_t;


typedef uint32_t  flagship_label_t;


/* The members that matter; NULL: not there, or null. */

typedef struct {
    const flagship_json_node_t  *type;
    const flagship_json_node_t  *enabled;
    const flagship_json_node_t  *variants;
    const flagship_json_node_t  *default_variant;
    const flagship_json_node_t  *off_variant;
    const flagship_json_node_t  *rules;
    const flagship_json_node_t  *targeting;
    const flagship_json_node_t  *user_ids;
    const flagship_json_node_t  *rollout;
    const flagship_json_node_t  *prerequisites;
    const flagship_json_node_t  *enable_at;
    const flagship_json_node_t  *disable_at;
    const flagship_json_node_t  *expose;
    const flagship_json_node_t  *metadata;
    unsigned                     simple;     /* made without variants */
    unsigned                     flagd;
    unsigned                     on;         /* index of "on" */
    int64_t                      percentage; /* millionths; -1: none */
} flagship_document_t;


/* flagship_emit.c */

void flagship_compiler_init(flagship_compiler_t *c, flagship_unit_t *unit,
    flagship_str_t key, flagship_errors_t *errors);

/* An error, or a warning and its name, at the current pointer. */
void flagship_compiler_error(flagship_compiler_t *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void flagship_compiler_warn(flagship_compiler_t *c, const char *lint,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Steps into a member or an element; the result is what leave() takes. */
size_t flagship_compiler_enter(flagship_compiler_t *c, flagship_str_t name);
size_t flagship_compiler_enter_index(flagship_compiler_t *c, unsigned i);
void flagship_compiler_leave(flagship_compiler_t *c, size_t len);

/* Appends to the chunk's data: the offset in the chunk. */
uint32_t flagship_emit_data(flagship_compiler_t *c, const void *data,
    size_t len, size_t align);
uint32_t flagship_emit_literal(flagship_compiler_t *c, flagship_str_t s);
uint32_t flagship_emit_number(flagship_compiler_t *c, double number);

/* An instruction; valid until the next is emitted; never NULL. */
flagship_code_t *flagship_emit(flagship_compiler_t *c, unsigned op);
/* A predicate with its two ways. */
flagship_code_t *flagship_emit_test(flagship_compiler_t *c, unsigned op,
    flagship_label_t yes, flagship_label_t no);
/* Of the last instruction: where it goes on when it does not hold. */
void flagship_emit_else(flagship_compiler_t *c, flagship_label_t label);
/* ... where it goes on. */
void flagship_emit_then(flagship_compiler_t *c, flagship_label_t label);
void flagship_emit_jump(flagship_compiler_t *c, flagship_label_t label);

flagship_label_t flagship_emit_label(flagship_compiler_t *c);
void flagship_emit_bind(flagship_compiler_t *c, flagship_label_t label);

/* Relocations of the last instruction. */
void flagship_emit_reloc(flagship_compiler_t *c, unsigned kind);
void flagship_emit_reloc_name(flagship_compiler_t *c, unsigned kind,
    flagship_str_t name);
void flagship_emit_reloc_list(flagship_compiler_t *c, uint32_t offset);
void flagship_emit_operand(flagship_compiler_t *c, flagship_code_t *code,
    uint32_t a);

/* The slot of an attribute's path. */
uint32_t flagship_emit_slot(flagship_compiler_t *c, flagship_str_t path);

/* A register; the caller gives back by setting c->reg. */
uint32_t flagship_emit_register(flagship_compiler_t *c);

/* flagship_emit_source.c: what is kept for people. */

/* What follows is this part of the document; the index and the name (of no
   length: none) are a rule's. */
void flagship_emit_mark(flagship_compiler_t *c, unsigned part, uint32_t index,
    flagship_str_t name);

/* What is met is at best of this class. */
void flagship_compiler_class(flagship_compiler_t *c, unsigned portability);

int flagship_emit_source(flagship_compiler_t *c);

/* Puts the chunk and the source together and fills in the record's layout. */
int flagship_emit_finish(flagship_compiler_t *c, flagship_flag_t *record);


/* flagship_flag_code.c */

/* What answers where the record alone does not; sets d->percentage. */
void flagship_flag_code(flagship_compiler_t *c, flagship_document_t *d,
    flagship_flag_t *record);


/* flagship_variants.c */

/* Compiles the variants; sets the record's type, default and off variant, and
   d->on. */
void flagship_variants(flagship_compiler_t *c, flagship_document_t *d,
    flagship_flag_t *record);


/* flagship_rule.c */

/* Code that goes on at one of two labels, both still to be bound. */
void flagship_rule_condition(flagship_compiler_t *c,
    const flagship_json_node_t *node, flagship_label_t yes,
    flagship_label_t no);

/* Code that leaves a value in a register. */
void flagship_rule_value(flagship_compiler_t *c,
    const flagship_json_node_t *node, uint32_t reg);

/* Code that returns the variant named, or goes on at "none" for null. */
void flagship_rule_serve(flagship_compiler_t *c,
    const flagship_json_node_t *node, flagship_label_t none);

/* {"split": {...}, "by": ...}, the sugar of a rule's serve. */
void flagship_rule_split(flagship_compiler_t *c,
    const flagship_json_node_t *node, flagship_label_t none);

/* Goes on at "yes" where the operand is in an array of constants. */
void flagship_rule_in_list(flagship_compiler_t *c,
    const flagship_json_node_t *array, uint32_t operand,
    flagship_label_t yes, flagship_label_t no);

/* The variant with this name, or FLAGSHIP_NO_VARIANT. */
uint32_t flagship_rule_variant(flagship_compiler_t *c, flagship_str_t name);
/* Warns that it is none. */
void flagship_rule_no_variant(flagship_compiler_t *c, flagship_str_t name);

/* A percentage in millionths, 0 ... 10^8; -1: it is none (said). */
int64_t flagship_rule_percentage(flagship_compiler_t *c,
    const flagship_json_node_t *node);


/* flagship_lint.c: warns of what compiled but is hardly meant. */

void flagship_lint_flag(flagship_compiler_t *c, const flagship_document_t *d,
    const flagship_flag_t *record);
void flagship_lint_segment(flagship_compiler_t *c,
    const flagship_json_node_t *when);


#endif /* _FLAGSHIP_COMPILER_H_INCLUDED_ */
