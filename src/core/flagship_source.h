
/*
 * Copyright (C) Flagship
 */


/*
 * What an image keeps of a record for people, apart from what is evaluated:
 * its document, and which part of it each instruction belongs to.  Private to
 * the compiler, the linker, the verifier, explain and export.
 *
 *     flagship_source_t | marks | names of rules | document
 *
 * The document is JSON, canonical: compact, its members in their order, but
 * without a key that comes first.  That of flagd's form has what it uses of
 * "$evaluators" as its last member; a segment's is its condition.
 *
 * The section "sources" of an image holds a reference for each flag, then one
 * for each segment; the sources lie behind them.  Offsets in a source are
 * relative to it, so a linker copies it as it is.
 */


#ifndef _FLAGSHIP_SOURCE_H_INCLUDED_
#define _FLAGSHIP_SOURCE_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_image.h"


/* In the order of the code. */

typedef enum {
    FLAGSHIP_PART_PREREQUISITES = 0,
    FLAGSHIP_PART_USER_IDS,
    FLAGSHIP_PART_WHEN,
    FLAGSHIP_PART_SERVE,
    FLAGSHIP_PART_TARGETING,
    FLAGSHIP_PART_ROLLOUT,
    FLAGSHIP_PART_DEFAULT,
    FLAGSHIP_PART_LAST
} flagship_part_e;


typedef struct {
    uint32_t             offset;     /* from the image's first byte */
    uint32_t             len;        /* 0: nothing is kept */
} flagship_source_ref_t;


typedef struct {
    uint32_t             nmarks:24;
    uint32_t             portability:2;  /* but for what it refers to */
    uint32_t             flagd:1;    /* of flagd's form */
    uint32_t             reserved:5;
    uint32_t             document;   /* in the source, up to its end; blanks
                                        fill it up to a multiple of 8 */
    /* flagship_mark_t mark[nmarks] in ascending order of their code */
} flagship_source_t;


/* From this instruction on, up to the next mark's. */

typedef struct {
    uint16_t             code;
    uint8_t              part;       /* flagship_part_e */
    uint8_t              name_len;   /* of a rule, 0: it has none; names
                                        follow one another */
    uint32_t             index;      /* of the rule */
} flagship_mark_t;


/* Of the i-th flag, or segment; len 0: nothing is kept. */

static inline flagship_str_t
flagship_source(const flagship_image_t *image, uint32_t i, int segment)
{
    const flagship_source_ref_t  *ref;

    ref = (const flagship_source_ref_t *) flagship_at(image,
                                                      image->sources.offset);

    ref += segment ? image->flags.n + i : i;

    return flagship_str(flagship_at(image, ref->offset), ref->len);
}


/* The text of the document; blanks may follow it. */

static inline flagship_str_t
flagship_source_document(flagship_str_t source)
{
    uint32_t  offset;

    offset = ((const flagship_source_t *) source.data)->document;

    return flagship_str(source.data + offset, source.len - offset);
}


static inline const flagship_mark_t *
flagship_source_marks(flagship_str_t source)
{
    return (const flagship_mark_t *) (source.data
                                      + sizeof(flagship_source_t));
}


#endif /* _FLAGSHIP_SOURCE_H_INCLUDED_ */
