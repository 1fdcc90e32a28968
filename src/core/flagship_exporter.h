
/*
 * Copyright (C) Flagship
 */


/*
 * What export's files share.  flagship_export.c writes documents;
 * flagship_export_flagd.c a flag in flagd's form; flagship_export_rule.c
 * expressions; flagship_export_serve.c what a rule serves.
 */


#ifndef _FLAGSHIP_EXPORTER_H_INCLUDED_
#define _FLAGSHIP_EXPORTER_H_INCLUDED_


#include "flagship_export.h"
#include "flagship_rule.h"
#include "flagship_source.h"


/* An expression of "$evaluators": offsets in exporter->texts. */

typedef struct {
    uint32_t                     name;
    uint32_t                     name_len;
    uint32_t                     text;
    uint32_t                     len;
} flagship_evaluator_t;


/* Whose rules are being written. */

typedef struct {
    uint32_t                     flag;
    unsigned                     inlined;    /* into another flag's */
    flagship_str_t               fallback;   /* where it is: the name that
                                                stands for null, if any */
    const flagship_json_node_t  *evaluators; /* of flagd's form, or NULL */
} flagship_export_scope_t;


typedef struct {
    const flagship_image_t          *image;
    const flagship_idset_t *const   *sets;
    flagship_errors_t               *errors;
    flagship_buf_t                   out;
    flagship_buf_t                   evaluators;
    flagship_buf_t                   texts;
    flagship_export_scope_t          scope;
    flagship_str_t                   key;    /* of the flag that is written */
    size_t                           start;  /* of it */
    unsigned                         lower;  /* to what flagd knows */
    unsigned                         depth;  /* of what is written in the
                                                place of a name */
    unsigned                         whole;  /* no "$ref": what it stands for */
    unsigned                         failed; /* the flag has no such form */
    unsigned                         nomem;
} flagship_exporter_t;


/* A record's document, parsed; FLAGSHIP_DECLINED: it has none. */
int flagship_export_document(flagship_exporter_t *x, uint32_t record,
    int segment, flagship_json_t *json);

/* Those of a flag of flagd's form, NULL: none. */
const flagship_json_node_t *flagship_export_evaluators(
    const flagship_json_node_t *document);

/*
 * Begins what stands for a name; 0: it nests too deep, which fails the flag.
 * A document is kept beside the code, and nothing proves that it is the code's:
 * so nothing is taken from it unseen.
 */
int flagship_export_enter(flagship_exporter_t *x);

/* The flag that is being written has no such form. */
void flagship_export_fail(flagship_exporter_t *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void flagship_export_text(flagship_exporter_t *x, const char *text);
/* A comma, but behind "[", "{" and ":", then the text. */
void flagship_export_next(flagship_exporter_t *x, const char *text);
void flagship_export_string(flagship_exporter_t *x, flagship_str_t s);
void flagship_export_number(flagship_exporter_t *x, double number);
void flagship_export_node(flagship_exporter_t *x,
    const flagship_json_node_t *node);

/* Members of an object but those named, each behind a comma. */
void flagship_export_members(flagship_exporter_t *x,
    const flagship_json_node_t *object, const flagship_str_t *but);

/* Adds to "$evaluators"; 0: the name is another one's. */
int flagship_export_evaluator(flagship_exporter_t *x, flagship_str_t name,
    const char *text, size_t len);


/* flagship_export_flagd.c */

void flagship_export_flagd(flagship_exporter_t *x, uint32_t flag,
    const flagship_json_node_t *document, unsigned flagd);

/* An expression of the variant's name that another flag serves. */
void flagship_export_served(flagship_exporter_t *x, uint32_t flag);


/* flagship_export_rule.c */

/* An expression; "truth": nothing but its truth matters. */
void flagship_export_rule(flagship_exporter_t *x,
    const flagship_json_node_t *node, int truth);


/* flagship_export_serve.c */

/* What a rule serves: the expression, a split; of a flag that is written into
   another's, a variant's name always. */
void flagship_export_serve(flagship_exporter_t *x,
    const flagship_json_node_t *node);

/*
 * A split by an expression, or (NULL) by flag and targeting key: of the weights
 * of ours ("split"), or of the arguments of a fractional.  Where it is written
 * into another flag's, the key of its own is a constant, and a targeting key
 * that is none gives null as it does there.
 */
void flagship_export_divided(flagship_exporter_t *x,
    const flagship_json_node_t *by, const flagship_json_node_t *split,
    const flagship_args_t *args);


#endif /* _FLAGSHIP_EXPORTER_H_INCLUDED_ */
