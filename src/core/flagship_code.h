
/*
 * Copyright (C) Flagship
 */


/*
 * Code: what rules compile to.  Private to the compiler, the linker, the
 * verifier and the evaluator.
 *
 * Instructions of 16 bytes, jumping code: a predicate goes on at jt or jf, any
 * other instruction at the next; every jump runs forward, so code ends.  There
 * is no value stack: expressions leave values in registers whose numbers the
 * compiler assigns.
 *
 * An operand is a slot (an attribute) or, with FLAGSHIP_REGISTER set, a
 * register.  A literal is an offset in the chunk.
 */


#ifndef _FLAGSHIP_CODE_H_INCLUDED_
#define _FLAGSHIP_CODE_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_hash.h"
#include "flagship_image.h"
#include "flagship_json.h"


#define FLAGSHIP_REGISTER       0x8000u
#define FLAGSHIP_MAX_REGISTERS  64u
#define FLAGSHIP_MAX_SLOTS      0x7fffu
#define FLAGSHIP_MAX_CODE       0xffffu
#define FLAGSHIP_MAX_NESTING    64u      /* records that ask for records */
#define FLAGSHIP_MAX_LOOPS      8u       /* loops in loops */
#define FLAGSHIP_MAX_STEPS      100000u  /* of the loops of an evaluation */


typedef enum {

    /* predicates: of operand a; go on at jt or jf */

    FLAGSHIP_OP_TRUE = 0,     /* is truthy */
    FLAGSHIP_OP_ABSENT,       /* is an absent attribute */
    FLAGSHIP_OP_NULL,         /* is null */
    FLAGSHIP_OP_BOOL,         /* === boolean imm */
    FLAGSHIP_OP_EQ_ATOM,      /* == atom imm; dst: strictly */
    FLAGSHIP_OP_EQ_NUM,       /* == number at imm; dst: strictly */
    FLAGSHIP_OP_CMP_NUM,      /* order dst of a and the number at imm */
    FLAGSHIP_OP_CMP_STR,      /* order dst of a and the string at imm */
    FLAGSHIP_OP_EQ,           /* == operand imm; dst: strictly */
    FLAGSHIP_OP_CMP,          /* order dst of a and operand imm */
    FLAGSHIP_OP_IN_LIST,      /* in the list at imm */
    FLAGSHIP_OP_IN,           /* in operand imm */
    FLAGSHIP_OP_HAS,          /* the string at imm is in a; dst: which must
                                 be a string */
    FLAGSHIP_OP_STARTS,       /* starts with the string at imm */
    FLAGSHIP_OP_ENDS,         /* ends with it */
    FLAGSHIP_OP_SEMVER,       /* sem_ver dst of a and the version at imm */
    FLAGSHIP_OP_IN_CIDR,      /* an address in the ranges at imm */
    FLAGSHIP_OP_IN_RANGES,    /* an address in the ranges of operand imm */
    FLAGSHIP_OP_IN_SET,       /* in the id set imm */
    FLAGSHIP_OP_MATCHES,      /* matches the regular expression at imm, whose
                                 pattern is the string at aux */
    FLAGSHIP_OP_ROLLOUT,      /* a's bucket is below imm */
    FLAGSHIP_OP_SEGMENT,      /* segment imm holds */
    FLAGSHIP_OP_FLAG_IS,      /* flag imm serves the variant named at aux */

    /* values: register dst = */

    FLAGSHIP_OP_LOAD,         /* operand a */
    FLAGSHIP_OP_CONST,        /* type imm: null, false, true */
    FLAGSHIP_OP_CONST_NUM,    /* the number at imm */
    FLAGSHIP_OP_CONST_STR,    /* the string at imm */
    FLAGSHIP_OP_KEY,          /* the key of the flag that is evaluated */
    FLAGSHIP_OP_VAR,          /* the attribute whose path is operand a; imm: the
                                 whole context, which it may be of */
    FLAGSHIP_OP_CAT,          /* imm registers from a on, joined; aux: an
                                 array stands for its elements */
    FLAGSHIP_OP_AFFIX,        /* register a starts (imm 0) or ends (1) with
                                 the next, or null */
    FLAGSHIP_OP_MATCH,        /* whether operand a matches the regular
                                 expression at imm, or null; aux: likewise */
    FLAGSHIP_OP_VERSION,      /* sem_ver of registers a, a + 1, a + 2 */
    FLAGSHIP_OP_TIME,         /* seconds of operand a, or null */
    FLAGSHIP_OP_LOWER,        /* the text in operand a, folded, or null */
    FLAGSHIP_OP_BUCKET,       /* flagship_bucket_e aux of the text in operand
                                 a, modulo imm; null of no text */
    FLAGSHIP_OP_FLAG,         /* the variant that flag imm serves, or null */
    FLAGSHIP_OP_SPLIT,        /* the name from the split at imm, by operand
                                 a; aux: operand of the targeting key */
    FLAGSHIP_OP_FRACTIONAL,   /* imm pairs of name and weight from register
                                 a + 1 on, by register a; aux as above;
                                 generation 3: jt 1 where "by" is given */
    FLAGSHIP_OP_MATH,         /* flagship_math_e aux of imm registers from a
                                 on; with FLAGSHIP_SPREAD an array stands for
                                 its elements */
    FLAGSHIP_OP_SUBSTR,       /* of register a, from a + 1 on, a + 2 long */
    FLAGSHIP_OP_ARRAY,        /* imm registers from a on, as an array */
    FLAGSHIP_OP_MERGE,        /* likewise, arrays by their elements */
    FLAGSHIP_OP_ITEMS,        /* the JSON literal at imm */
    FLAGSHIP_OP_ELEMENT,      /* the value in operand a at the path that
                                 operand imm holds */
    FLAGSHIP_OP_PAIR,         /* {"current": operand a,
                                 "accumulator": operand imm} */
    FLAGSHIP_OP_MISSING,      /* of the keys in operand a, an array, those
                                 without a value; imm: in the value of that
                                 operand, or FLAGSHIP_NONE: in the context,
                                 which is aux where the keys are not known */
    FLAGSHIP_OP_ENOUGH,       /* operand a: how many of the keys in operand
                                 imm must be there; operand aux: the missing;
                                 they, or [] */

    /* loops: each element of the array in operand a in turn in register imm;
       the body ends before jt; dst = */

    FLAGSHIP_OP_MAP,
    FLAGSHIP_OP_FILTER,
    FLAGSHIP_OP_ALL,
    FLAGSHIP_OP_SOME,
    FLAGSHIP_OP_NONE,
    FLAGSHIP_OP_REDUCE,       /* the accumulator is register aux */

    /* control */

    FLAGSHIP_OP_JUMP,         /* to jt */
    FLAGSHIP_OP_RETURN,       /* variant imm (or none), reason dst */
    FLAGSHIP_OP_RETURN_SPLIT, /* as SPLIT; null goes on at jf */
    FLAGSHIP_OP_RETURN_NAME,  /* the variant that operand a names; null goes
                                 on at jf */
    FLAGSHIP_OP_FAIL,         /* error dst */
    FLAGSHIP_OP_HOLDS,        /* end of a segment: imm 0 or 1 */
    FLAGSHIP_OP_RESULT,       /* end of a logic: operand a */
    FLAGSHIP_OP_YIELD,        /* end of a loop's body: operand a */

    FLAGSHIP_OP_MAX
} flagship_op_e;


typedef struct {
    uint8_t              op;
    uint8_t              dst;
    uint16_t             a;
    uint16_t             jt;         /* indices of instructions */
    uint16_t             jf;
    uint32_t             imm;
    uint32_t             aux;
} flagship_code_t;


typedef enum {
    FLAGSHIP_MATH_ADD = 0,
    FLAGSHIP_MATH_SUBTRACT,
    FLAGSHIP_MATH_MULTIPLY,
    FLAGSHIP_MATH_DIVIDE,
    FLAGSHIP_MATH_MODULO,
    FLAGSHIP_MATH_MIN,
    FLAGSHIP_MATH_MAX,
    FLAGSHIP_MATH_LAST
} flagship_math_e;

#define FLAGSHIP_SPREAD         0x100u


/* Literals.  All are aligned to 8 bytes. */

/* A string: its length, then its bytes. */

typedef struct {
    uint32_t             len;
    char                 data[4];    /* as many as len says */
} flagship_literal_t;


/* Members of an array that "in" looks through. */

#define FLAGSHIP_LIST_NULL   1u
#define FLAGSHIP_LIST_FALSE  2u
#define FLAGSHIP_LIST_TRUE   4u

typedef struct {
    uint32_t             natoms;
    uint32_t             nnumbers;
    uint32_t             bits;
    uint32_t             reserved;
    /* double number[nnumbers], uint32_t atom[natoms]: each in ascending
       order */
} flagship_list_t;


/* A JSON array or object: nodes as flagship_json.h has them, with offsets. */

typedef struct {
    uint32_t             n;
    uint32_t             reserved;
    /* flagship_item_node_t node[n] */
} flagship_items_literal_t;

typedef struct {
    uint8_t              type;       /* flagship_json_type_e */
    uint8_t              reserved[3];
    uint32_t             len;
    uint32_t             next;
    uint32_t             str;        /* of a string: offset in the chunk */
    double               number;
} flagship_item_node_t;


/* A version, taken apart. */

typedef struct {
    uint32_t             offset[4];  /* major, minor, patch, pre-release */
    uint32_t             len[4];
} flagship_version_t;


/* A split: buckets by running sums of weights. */

#define FLAGSHIP_SPLIT_IMPLICIT  0u  /* by flag key and targeting key */
#define FLAGSHIP_SPLIT_BY        1u  /* by operand a; null: as implicit */
#define FLAGSHIP_SPLIT_PREFIX    2u  /* by a constant text, then operand a as
                                        "cat" writes it */
#define FLAGSHIP_SPLIT_CBOR      3u  /* generation 3: by operand a's CBOR */
#define FLAGSHIP_SPLIT_CBOR_KEY  4u  /* ... by that of both keys */

typedef struct {
    flagship_murmur3_t   key;        /* after the flag's key */
    flagship_murmur3_t   prefix;
    uint32_t             mode;
    uint32_t             total;      /* at least 1 */
    uint32_t             n;          /* at least 1 */
    uint32_t             reserved;
    /* flagship_split_part_t part[n] */
} flagship_split_t;

typedef struct {
    uint32_t             end;        /* sum of the weights up to here */
    uint32_t             variant;    /* index, FLAGSHIP_NO_VARIANT */
    uint32_t             name;       /* literal, FLAGSHIP_NONE: null */
    uint32_t             reserved;
} flagship_split_part_t;


/*
 * Relocations: what of a chunk names symbols of the image.  A word: the kind
 * in its upper bits, the instruction's index, or the list's offset divided by
 * 8, in the others; for FLAG and SEGMENT a second word with the literal of the
 * name, since what it names may come and go.
 */

#define FLAGSHIP_RELOC_SHIFT    29
#define FLAGSHIP_RELOC_MASK     0x1fffffffu

#define FLAGSHIP_RELOC_A        0u   /* operand a, a slot */
#define FLAGSHIP_RELOC_IMM      1u   /* operand imm, a slot */
#define FLAGSHIP_RELOC_AUX      2u   /* operand aux, a slot */
#define FLAGSHIP_RELOC_ATOM     3u   /* imm, an atom */
#define FLAGSHIP_RELOC_LIST     4u   /* the atoms of a list */
#define FLAGSHIP_RELOC_SET      5u   /* imm, an id set */
#define FLAGSHIP_RELOC_FLAG     6u   /* imm, a flag */
#define FLAGSHIP_RELOC_SEGMENT  7u   /* imm, a segment */


#define flagship_code(image, record)                                          \
    ((const flagship_code_t *)                                                \
        (flagship_at(image, (record)->chunk) + (record)->relocs)              \
     - (record)->ncode)

#define flagship_segments(image)                                              \
    ((const flagship_flag_t *) flagship_at(image, (image)->segments.offset))

#define flagship_symbols(image, section)                                      \
    ((const flagship_symbol_t *) flagship_at(image, (image)->section.offset))

#define flagship_table(image, section)                                        \
    ((const uint32_t *) flagship_at(image, (image)->section.offset))


static inline flagship_str_t
flagship_symbol_str(const flagship_image_t *image, const flagship_symbol_t *s)
{
    return flagship_str(flagship_at(image, image->strings.offset + s->offset),
                        s->len);
}


/* A loop: what follows it, up to its jt, is its body. */

static inline int
flagship_code_loops(const flagship_code_t *code)
{
    return code->op >= FLAGSHIP_OP_MAP && code->op <= FLAGSHIP_OP_REDUCE;
}


static inline flagship_str_t
flagship_literal(const char *chunk, uint32_t offset)
{
    const flagship_literal_t  *l;

    l = (const flagship_literal_t *) (chunk + offset);

    return flagship_str(l->data, l->len);
}


/* The digest of an image: of everything but the member itself. */
uint64_t flagship_image_digest(const flagship_image_t *image);

/* Of a key, as a variable's and a header's name fold it: lower case, '_' for
   '-' and '.'.  "folded" holds FLAGSHIP_MAX_KEY bytes. */
size_t flagship_fold_key(flagship_str_t key, char *folded);


#endif /* _FLAGSHIP_CODE_H_INCLUDED_ */
