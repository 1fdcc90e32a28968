
/*
 * Copyright (C) Flagship
 */


/*
 * What the verifier's files share.  flagship_verify.c proves sections, records
 * and references; flagship_verify_code.c proves code, flagship_verify_literal.c
 * what it refers to.
 */


#ifndef _FLAGSHIP_VERIFY_H_INCLUDED_
#define _FLAGSHIP_VERIFY_H_INCLUDED_


#include "flagship_code.h"


/* How an instruction is shaped; of each operation. */

#define FLAGSHIP_SHAPE_A        0x0001u  /* a is an operand */
#define FLAGSHIP_SHAPE_IMM      0x0002u  /* imm is an operand */
#define FLAGSHIP_SHAPE_AUX      0x0004u  /* aux is a slot */
#define FLAGSHIP_SHAPE_REGS     0x0008u  /* a is the first of registers */
#define FLAGSHIP_SHAPE_DST      0x0010u  /* dst is a register, written */
#define FLAGSHIP_SHAPE_NUMBER   0x0020u  /* imm is a number */
#define FLAGSHIP_SHAPE_STRING   0x0040u  /* imm is a literal */
#define FLAGSHIP_SHAPE_ATOM     0x0080u  /* imm is an atom */
#define FLAGSHIP_SHAPE_LIST     0x0100u
#define FLAGSHIP_SHAPE_VERSION  0x0200u
#define FLAGSHIP_SHAPE_SPLIT    0x0400u
#define FLAGSHIP_SHAPE_FLAG     0x0800u
#define FLAGSHIP_SHAPE_SEGMENT  0x1000u
#define FLAGSHIP_SHAPE_JT       0x2000u
#define FLAGSHIP_SHAPE_JF       0x4000u
#define FLAGSHIP_SHAPE_END      0x8000u  /* does not go on behind itself */
#define FLAGSHIP_SHAPE_ITEMS    0x10000u /* imm is a JSON literal */
#define FLAGSHIP_SHAPE_LOOP     0x20000u /* its body stands before jt */

#define FLAGSHIP_SHAPE_RANGES   0x40000u
#define FLAGSHIP_SHAPE_SET      0x80000u /* imm is an id set */
#define FLAGSHIP_SHAPE_REGEX    0x100000u

#define FLAGSHIP_SHAPE_TEST                                                   \
    (FLAGSHIP_SHAPE_JT|FLAGSHIP_SHAPE_JF|FLAGSHIP_SHAPE_END)


typedef struct {
    const flagship_image_t  *image;
    const flagship_flag_t   *record;
    const char              *chunk;
    const flagship_code_t   *code;
    uint64_t                *masks;  /* registers written before each */
    uint8_t                 *depth;  /* of each record, 0: not visited */
    uint8_t                 *memos;  /* records of each memo */
    unsigned                 segment;
    unsigned                 loops;  /* around the instruction */
    uint32_t                 ends[FLAGSHIP_MAX_LOOPS];
    const char              *error;
} flagship_verify_t;


extern const uint32_t  flagship_verify_shapes[FLAGSHIP_OP_MAX];


/* 1: proved; 0: not, and v->error says why. */

int flagship_verify_code(flagship_verify_t *v);
/* What an instruction of this shape has for literals. */
int flagship_verify_literals(flagship_verify_t *v,
    const flagship_code_t *code, unsigned shape);
int flagship_verify_string(flagship_verify_t *v, uint32_t offset);
int flagship_verify_list(flagship_verify_t *v, uint64_t offset);


static inline int
flagship_verify_fail(flagship_verify_t *v, const char *error)
{
    v->error = error;
    return 0;
}


/* n bytes at an offset of the chunk. */

static inline int
flagship_verify_bytes(flagship_verify_t *v, uint64_t offset, uint64_t n)
{
    return offset + n <= v->record->chunk_len;
}


/* What is read as one block, whatever it holds, may end behind the chunk. */

static inline int
flagship_verify_block(flagship_verify_t *v, uint64_t offset, uint64_t n)
{
    return v->record->chunk + offset + n <= v->image->len;
}


#endif /* _FLAGSHIP_VERIFY_H_INCLUDED_ */
