
/*
 * Copyright (C) Flagship
 */


/*
 * The proof that an image is safe: everything that the evaluator, the
 * look-ups and the linker follow without looking is looked at here, once.
 *
 *   sections, symbols, tables   in bounds; a search in a table ends
 *   records, variants           in bounds of their chunk
 *   code                        known instructions, operands and literals in
 *                               bounds, jumps forward and inside, registers
 *                               written on every way before they are read
 *   relocations                 name what they say
 *   references                  no cycles, and no deeper than the evaluator's
 *                               stack allows
 *
 * It does not prove that answers are right: the digest finds accidents, and
 * whoever can forge a digest can forge answers.
 */


#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flagship_code.h"
#include "flagship_eval.h"
#include "flagship_semver.h"
#include "flagship_value.h"


/* How an instruction is shaped; see flagship_verify_shapes. */

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

#define FLAGSHIP_SHAPE_TEST                                                   \
    (FLAGSHIP_SHAPE_JT|FLAGSHIP_SHAPE_JF|FLAGSHIP_SHAPE_END)


typedef struct {
    const flagship_image_t  *image;
    const flagship_flag_t   *record;
    const char              *chunk;
    const flagship_code_t   *code;
    uint64_t                *masks;  /* registers written before each */
    uint8_t                 *depth;  /* of each record, 0: not visited */
    unsigned                 segment;
    const char              *error;
} flagship_verify_t;


static int flagship_verify_head(flagship_verify_t *v, size_t len);
static int flagship_verify_section(flagship_verify_t *v,
    const flagship_section_t *section, size_t size);
static int flagship_verify_table(flagship_verify_t *v,
    const flagship_section_t *table, uint32_t n);
static int flagship_verify_symbols(flagship_verify_t *v,
    const flagship_section_t *section);
static int flagship_verify_record(flagship_verify_t *v);
static int flagship_verify_variants(flagship_verify_t *v);
static int flagship_verify_code(flagship_verify_t *v);
static int flagship_verify_instruction(flagship_verify_t *v, uint32_t i,
    const flagship_code_t *code, uint64_t *mask);
static int flagship_verify_special(flagship_verify_t *v,
    const flagship_code_t *code);
static int flagship_verify_literals(flagship_verify_t *v,
    const flagship_code_t *code, unsigned shape);
static int flagship_verify_string(flagship_verify_t *v, uint32_t offset);
static int flagship_verify_list(flagship_verify_t *v, uint64_t offset);
static int flagship_verify_version(flagship_verify_t *v, uint32_t offset);
static int flagship_verify_split(flagship_verify_t *v, uint32_t offset);
static int flagship_verify_relocs(flagship_verify_t *v);
static int flagship_verify_references(flagship_verify_t *v);
static int flagship_verify_visit(flagship_verify_t *v, uint32_t root);


static const uint16_t  flagship_verify_shapes[FLAGSHIP_OP_MAX] = {
    [FLAGSHIP_OP_TRUE] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_ABSENT] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_NULL] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_BOOL] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_EQ_ATOM] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_ATOM
                            |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_EQ_NUM] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_NUMBER
                           |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_CMP_NUM] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_NUMBER
                            |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_CMP_STR] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_STRING
                            |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_EQ] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_IMM
                       |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_CMP] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_IMM
                        |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_IN_LIST] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_LIST
                            |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_IN] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_IMM
                       |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_HAS] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_STRING
                        |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_STARTS] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_STRING
                           |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_ENDS] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_STRING
                         |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_SEMVER] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_VERSION
                           |FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_ROLLOUT] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_SEGMENT] = FLAGSHIP_SHAPE_SEGMENT|FLAGSHIP_SHAPE_TEST,
    [FLAGSHIP_OP_FLAG_IS] = FLAGSHIP_SHAPE_FLAG|FLAGSHIP_SHAPE_TEST,

    [FLAGSHIP_OP_LOAD] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_CONST] = FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_CONST_NUM] = FLAGSHIP_SHAPE_NUMBER|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_CONST_STR] = FLAGSHIP_SHAPE_STRING|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_KEY] = FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_VAR] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_CAT] = FLAGSHIP_SHAPE_REGS|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_AFFIX] = FLAGSHIP_SHAPE_REGS|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_VERSION] = FLAGSHIP_SHAPE_REGS|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_TIME] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_FLAG] = FLAGSHIP_SHAPE_FLAG|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_SPLIT] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_AUX
                          |FLAGSHIP_SHAPE_SPLIT|FLAGSHIP_SHAPE_DST,
    [FLAGSHIP_OP_FRACTIONAL] = FLAGSHIP_SHAPE_REGS|FLAGSHIP_SHAPE_AUX
                               |FLAGSHIP_SHAPE_DST,

    [FLAGSHIP_OP_JUMP] = FLAGSHIP_SHAPE_JT|FLAGSHIP_SHAPE_END,
    [FLAGSHIP_OP_RETURN] = FLAGSHIP_SHAPE_END,
    [FLAGSHIP_OP_RETURN_SPLIT] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_AUX
                                 |FLAGSHIP_SHAPE_SPLIT|FLAGSHIP_SHAPE_JF
                                 |FLAGSHIP_SHAPE_END,
    [FLAGSHIP_OP_RETURN_NAME] = FLAGSHIP_SHAPE_A|FLAGSHIP_SHAPE_JF
                                |FLAGSHIP_SHAPE_END,
    [FLAGSHIP_OP_FAIL] = FLAGSHIP_SHAPE_END,
    [FLAGSHIP_OP_HOLDS] = FLAGSHIP_SHAPE_END
};


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


int
flagship_image_verify(const void *data, size_t len, const char **error)
{
    int                     rc;
    uint32_t                i, most;
    flagship_verify_t       v;
    const flagship_flag_t  *records;

    memset(&v, 0, sizeof(v));

    v.image = data;
    rc = FLAGSHIP_DECLINED;

    if (!flagship_verify_head(&v, len)) {
        goto done;
    }

    most = 1;

    for (v.segment = 0; v.segment < 2; v.segment++) {
        records = v.segment ? flagship_segments(v.image)
                            : flagship_flags(v.image);

        for (i = 0; i < (v.segment ? v.image->segments.n
                                   : v.image->flags.n); i++)
        {
            most = records[i].ncode > most ? records[i].ncode : most;
        }
    }

    v.masks = malloc(most * sizeof(uint64_t));
    v.depth = calloc((size_t) v.image->flags.n + v.image->segments.n + 1, 1);

    if (v.masks == NULL || v.depth == NULL) {
        v.error = "no memory";
        goto done;
    }

    for (v.segment = 0; v.segment < 2; v.segment++) {
        records = v.segment ? flagship_segments(v.image)
                            : flagship_flags(v.image);

        for (i = 0; i < (v.segment ? v.image->segments.n
                                   : v.image->flags.n); i++)
        {
            v.record = &records[i];

            if (!flagship_verify_record(&v)) {
                goto done;
            }
        }
    }

    if (flagship_verify_references(&v)) {
        rc = FLAGSHIP_OK;
    }

done:

    free(v.masks);
    free(v.depth);

    *error = v.error;

    return rc;
}


static int
flagship_verify_head(flagship_verify_t *v, size_t len)
{
    const flagship_image_t  *image = v->image;

    if (len < sizeof(flagship_image_t) || ((uintptr_t) image & 7)) {
        return flagship_verify_fail(v, "too short, or not aligned");
    }

    if (image->magic != FLAGSHIP_IMAGE_MAGIC
        || image->format != FLAGSHIP_IMAGE_FORMAT)
    {
        return flagship_verify_fail(v, "not an image of this format");
    }

    if (image->len != len || len % FLAGSHIP_IMAGE_ALIGN) {
        return flagship_verify_fail(v, "its length is wrong");
    }

    if (image->digest != flagship_image_digest(image)) {
        return flagship_verify_fail(v, "its digest is wrong");
    }

    if (image->fractional < 1 || image->fractional > 3) {
        return flagship_verify_fail(v, "unknown generation of fractional");
    }

    if (image->nmemo > image->flags.n + image->segments.n) {
        return flagship_verify_fail(v, "too many memos");
    }

    if (!flagship_verify_section(v, &image->attrs, sizeof(flagship_symbol_t))
        || !flagship_verify_section(v, &image->atoms,
                                    sizeof(flagship_symbol_t))
        || !flagship_verify_section(v, &image->attr_table, sizeof(uint32_t))
        || !flagship_verify_section(v, &image->atom_table, sizeof(uint32_t))
        || !flagship_verify_section(v, &image->flags, sizeof(flagship_flag_t))
        || !flagship_verify_section(v, &image->flag_table, sizeof(uint32_t))
        || !flagship_verify_section(v, &image->name_table, sizeof(uint32_t))
        || !flagship_verify_section(v, &image->segments,
                                    sizeof(flagship_flag_t))
        || !flagship_verify_section(v, &image->strings, 1)
        || !flagship_verify_section(v, &image->metadata, 1)
        || !flagship_verify_section(v, &image->chunks, 1))
    {
        return 0;
    }

    if (image->attrs.n > FLAGSHIP_MAX_SLOTS) {
        return flagship_verify_fail(v, "too many attributes");
    }

    return flagship_verify_symbols(v, &image->attrs)
           && flagship_verify_symbols(v, &image->atoms)
           && flagship_verify_table(v, &image->attr_table, image->attrs.n)
           && flagship_verify_table(v, &image->atom_table, image->atoms.n)
           && flagship_verify_table(v, &image->flag_table, image->flags.n)
           && flagship_verify_table(v, &image->name_table, image->flags.n);
}


static int
flagship_verify_section(flagship_verify_t *v,
    const flagship_section_t *section, size_t size)
{
    if (section->offset < sizeof(flagship_image_t)
        || (section->offset & 7)
        || section->offset + (uint64_t) section->n * size > v->image->len)
    {
        return flagship_verify_fail(v, "a section is out of bounds");
    }

    return 1;
}


static int
flagship_verify_table(flagship_verify_t *v, const flagship_section_t *table,
    uint32_t n)
{
    uint32_t         i, empty;
    const uint32_t  *index;

    if (table->n == 0 || (table->n & (table->n - 1))) {
        return flagship_verify_fail(v, "a table's size is no power of two");
    }

    index = (const uint32_t *) flagship_at(v->image, table->offset);
    empty = 0;

    for (i = 0; i < table->n; i++) {

        if (index[i] == FLAGSHIP_NONE) {
            empty = 1;

        } else if (index[i] >= n) {
            return flagship_verify_fail(v, "a table's index is out of bounds");
        }
    }

    return empty ? 1 : flagship_verify_fail(v, "a table has no empty place");
}


static int
flagship_verify_symbols(flagship_verify_t *v,
    const flagship_section_t *section)
{
    uint32_t                  i;
    const flagship_symbol_t  *s;

    s = (const flagship_symbol_t *) flagship_at(v->image, section->offset);

    for (i = 0; i < section->n; i++) {
        if ((uint64_t) s[i].offset + s[i].len > v->image->strings.n) {
            return flagship_verify_fail(v, "a symbol is out of bounds");
        }
    }

    return 1;
}


static int
flagship_verify_record(flagship_verify_t *v)
{
    uint64_t                start;
    const flagship_flag_t  *r = v->record;

    if (r->chunk < v->image->chunks.offset
        || (r->chunk & 7) || (r->chunk_len & 7)
        || (uint64_t) r->chunk + r->chunk_len
           > (uint64_t) v->image->chunks.offset + v->image->chunks.n)
    {
        return flagship_verify_fail(v, "a chunk is out of bounds");
    }

    v->chunk = flagship_at(v->image, r->chunk);

    start = (uint64_t) r->ncode * sizeof(flagship_code_t);

    if (r->key_len == 0 || r->key_len > FLAGSHIP_MAX_KEY
        || !flagship_verify_bytes(v, r->key, r->key_len)
        || !flagship_verify_bytes(v, r->metadata, r->metadata_len)
        || (r->relocs & 7)
        || !flagship_verify_bytes(v, r->relocs,
                                  (uint64_t) r->nrelocs * sizeof(uint32_t))
        || r->relocs < start + r->nvariants * sizeof(flagship_variant_t)
        || (r->memo != FLAGSHIP_NONE && r->memo >= v->image->nmemo)
        || r->type > FLAGSHIP_TYPE_JSON)
    {
        return flagship_verify_fail(v, "a record is out of bounds");
    }

    v->code = (const flagship_code_t *) (v->chunk + r->relocs - start);

    return flagship_verify_variants(v)
           && flagship_verify_code(v)
           && flagship_verify_relocs(v);
}


static int
flagship_verify_variants(flagship_verify_t *v)
{
    uint32_t                   i, n;
    const flagship_variant_t  *variant;

    n = v->record->nvariants;

    if ((v->record->default_variant != FLAGSHIP_NO_VARIANT
         && v->record->default_variant >= n)
        || (v->record->off_variant != FLAGSHIP_NO_VARIANT
            && v->record->off_variant >= n))
    {
        if (!v->segment) {
            return flagship_verify_fail(v, "a variant is out of bounds");
        }
    }

    variant = (const flagship_variant_t *) v->chunk;

    for (i = 0; i < n; i++) {
        if (!flagship_verify_bytes(v, variant[i].name, variant[i].name_len)
            || !flagship_verify_bytes(v, variant[i].json, variant[i].json_len)
            || !flagship_verify_bytes(v, variant[i].text,
                                      variant[i].text_len))
        {
            return flagship_verify_fail(v, "a variant is out of bounds");
        }
    }

    return 1;
}


/*
 * One pass will do, since jumps run forward: when an instruction is reached,
 * all ways to it have been seen.  masks[i] is the set of registers that all of
 * them have written; of an instruction that no way leads to it stays full,
 * which is no matter.
 */

static int
flagship_verify_code(flagship_verify_t *v)
{
    uint32_t                i, n;
    uint64_t                mask;
    unsigned                shape;
    const flagship_code_t  *code;

    n = v->record->ncode;

    if (n == 0) {
        return 1;
    }

    memset(v->masks, 0xff, n * sizeof(uint64_t));
    v->masks[0] = 0;

    for (i = 0; i < n; i++) {
        code = &v->code[i];

        if (code->op >= FLAGSHIP_OP_MAX) {
            return flagship_verify_fail(v, "an unknown instruction");
        }

        shape = flagship_verify_shapes[code->op];
        mask = v->masks[i];

        if (!flagship_verify_instruction(v, i, code, &mask)
            || !flagship_verify_literals(v, code, shape)
            || !flagship_verify_special(v, code))
        {
            return 0;
        }

        if (shape & FLAGSHIP_SHAPE_JT) {
            v->masks[code->jt] &= mask;
        }

        if (shape & FLAGSHIP_SHAPE_JF) {
            v->masks[code->jf] &= mask;
        }

        if (!(shape & FLAGSHIP_SHAPE_END)) {

            if (i + 1 == n) {
                return flagship_verify_fail(v, "code runs out of its end");
            }

            v->masks[i + 1] &= mask;
        }
    }

    return 1;
}


static inline int
flagship_verify_operand(flagship_verify_t *v, uint32_t operand, uint64_t mask)
{
    if (operand & FLAGSHIP_REGISTER) {
        operand &= ~FLAGSHIP_REGISTER;

        return operand < FLAGSHIP_MAX_REGISTERS && (mask >> operand) & 1;
    }

    return operand < v->image->attrs.n;
}


static int
flagship_verify_instruction(flagship_verify_t *v, uint32_t i,
    const flagship_code_t *code, uint64_t *mask)
{
    uint64_t  k, first, n;
    unsigned  shape;

    shape = flagship_verify_shapes[code->op];

    if ((shape & FLAGSHIP_SHAPE_JT)
        && (code->jt <= i || code->jt >= v->record->ncode))
    {
        return flagship_verify_fail(v, "a jump does not run forward");
    }

    if ((shape & FLAGSHIP_SHAPE_JF)
        && (code->jf <= i || code->jf >= v->record->ncode))
    {
        return flagship_verify_fail(v, "a jump does not run forward");
    }

    if (((shape & FLAGSHIP_SHAPE_A)
         && !flagship_verify_operand(v, code->a, *mask))
        || ((shape & FLAGSHIP_SHAPE_IMM)
            && !flagship_verify_operand(v, code->imm, *mask))
        || ((shape & FLAGSHIP_SHAPE_AUX) && code->aux >= v->image->attrs.n))
    {
        return flagship_verify_fail(v, "an operand is out of bounds");
    }

    if (shape & FLAGSHIP_SHAPE_REGS) {

        switch (code->op) {

        case FLAGSHIP_OP_AFFIX:
            n = 2;
            break;

        case FLAGSHIP_OP_VERSION:
            n = 3;
            break;

        case FLAGSHIP_OP_FRACTIONAL:
            n = 2 * (uint64_t) code->imm + 1;
            break;

        default: /* FLAGSHIP_OP_CAT; its first may be looked at alone */
            n = code->imm || !code->aux ? code->imm : 1;
        }

        first = code->a & ~FLAGSHIP_REGISTER;

        if (!(code->a & FLAGSHIP_REGISTER)
            || first + n > FLAGSHIP_MAX_REGISTERS)
        {
            return flagship_verify_fail(v, "registers are out of bounds");
        }

        for (k = first; k < first + n; k++) {
            if (!((*mask >> k) & 1)) {
                return flagship_verify_fail(v, "a register is not written");
            }
        }
    }

    if (shape & FLAGSHIP_SHAPE_DST) {

        if (code->dst >= FLAGSHIP_MAX_REGISTERS) {
            return flagship_verify_fail(v, "a register is out of bounds");
        }

        *mask |= (uint64_t) 1 << code->dst;
    }

    return 1;
}


/* What is no register, operand or literal. */

static int
flagship_verify_special(flagship_verify_t *v, const flagship_code_t *code)
{
    switch (code->op) {

    case FLAGSHIP_OP_CONST:

        if (code->imm > FLAGSHIP_TRUE) {
            return flagship_verify_fail(v, "an unknown constant");
        }

        break;

    case FLAGSHIP_OP_SEMVER:

        if (code->dst >= FLAGSHIP_SEMVER_BAD) {
            return flagship_verify_fail(v, "an unknown order");
        }

        break;

    case FLAGSHIP_OP_CMP:
    case FLAGSHIP_OP_CMP_NUM:
    case FLAGSHIP_OP_CMP_STR:

        if (code->dst > FLAGSHIP_GE) {
            return flagship_verify_fail(v, "an unknown order");
        }

        break;

    case FLAGSHIP_OP_FRACTIONAL:

        if (code->imm == 0 || code->imm > FLAGSHIP_MAX_REGISTERS / 2) {
            return flagship_verify_fail(v, "a split is out of bounds");
        }

        break;

    case FLAGSHIP_OP_RETURN:

        if (v->segment
            || (code->imm != FLAGSHIP_NO_VARIANT
                && code->imm >= v->record->nvariants)
            || code->dst > FLAGSHIP_REASON_SPLIT)
        {
            return flagship_verify_fail(v, "a return is out of bounds");
        }

        break;

    case FLAGSHIP_OP_RETURN_NAME:
    case FLAGSHIP_OP_RETURN_SPLIT:
    case FLAGSHIP_OP_FAIL:

        if (v->segment) {
            return flagship_verify_fail(v, "a segment returns a variant");
        }

        break;

    case FLAGSHIP_OP_HOLDS:

        if (!v->segment || code->imm > 1) {
            return flagship_verify_fail(v, "a flag returns a truth");
        }

        break;
    }

    return 1;
}


static int
flagship_verify_literals(flagship_verify_t *v, const flagship_code_t *code,
    unsigned shape)
{
    double  number;

    if (shape & FLAGSHIP_SHAPE_NUMBER) {

        if (!flagship_verify_bytes(v, code->imm, sizeof(double))) {
            return flagship_verify_fail(v, "a number is out of bounds");
        }

        memcpy(&number, v->chunk + code->imm, sizeof(double));

        if (!isfinite(number)) {
            return flagship_verify_fail(v, "a number is not finite");
        }
    }

    if ((shape & FLAGSHIP_SHAPE_STRING)
        && !flagship_verify_string(v, code->imm))
    {
        return 0;
    }

    if ((shape & FLAGSHIP_SHAPE_ATOM) && code->imm >= v->image->atoms.n) {
        return flagship_verify_fail(v, "an atom is out of bounds");
    }

    if ((shape & FLAGSHIP_SHAPE_LIST) && !flagship_verify_list(v, code->imm)) {
        return 0;
    }

    if ((shape & FLAGSHIP_SHAPE_VERSION)
        && !flagship_verify_version(v, code->imm))
    {
        return 0;
    }

    if ((shape & FLAGSHIP_SHAPE_SPLIT)
        && !flagship_verify_split(v, code->imm))
    {
        return 0;
    }

    if ((shape & FLAGSHIP_SHAPE_FLAG)
        && code->imm != FLAGSHIP_NONE && code->imm >= v->image->flags.n)
    {
        return flagship_verify_fail(v, "a flag is out of bounds");
    }

    if ((shape & FLAGSHIP_SHAPE_SEGMENT)
        && code->imm != FLAGSHIP_NONE && code->imm >= v->image->segments.n)
    {
        return flagship_verify_fail(v, "a segment is out of bounds");
    }

    return code->op != FLAGSHIP_OP_FLAG_IS
           || flagship_verify_string(v, code->aux);
}


static int
flagship_verify_string(flagship_verify_t *v, uint32_t offset)
{
    const flagship_literal_t  *literal;

    if ((offset & 7) || !flagship_verify_bytes(v, offset, sizeof(uint32_t))) {
        return flagship_verify_fail(v, "a literal is out of bounds");
    }

    literal = (const flagship_literal_t *) (v->chunk + offset);

    if (!flagship_verify_bytes(v, (uint64_t) offset + sizeof(uint32_t),
                               literal->len))
    {
        return flagship_verify_fail(v, "a literal is out of bounds");
    }

    return 1;
}


static int
flagship_verify_list(flagship_verify_t *v, uint64_t offset)
{
    uint32_t                i;
    const uint32_t         *atom;
    const flagship_list_t  *list;

    if ((offset & 7)
        || !flagship_verify_bytes(v, offset, sizeof(flagship_list_t)))
    {
        return flagship_verify_fail(v, "a list is out of bounds");
    }

    list = (const flagship_list_t *) (v->chunk + offset);

    if (!flagship_verify_bytes(v, offset + sizeof(flagship_list_t),
                               (uint64_t) list->nnumbers * sizeof(double)
                               + (uint64_t) list->natoms * sizeof(uint32_t)))
    {
        return flagship_verify_fail(v, "a list is out of bounds");
    }

    atom = (const uint32_t *) ((const double *) (list + 1) + list->nnumbers);

    for (i = 0; i < list->natoms; i++) {
        if (atom[i] >= v->image->atoms.n) {
            return flagship_verify_fail(v, "an atom is out of bounds");
        }
    }

    return 1;
}


static int
flagship_verify_version(flagship_verify_t *v, uint32_t offset)
{
    unsigned                   i;
    const flagship_version_t  *version;

    if ((offset & 7)
        || !flagship_verify_bytes(v, offset, sizeof(flagship_version_t)))
    {
        return flagship_verify_fail(v, "a version is out of bounds");
    }

    version = (const flagship_version_t *) (v->chunk + offset);

    for (i = 0; i < 4; i++) {
        if (!flagship_verify_bytes(v, version->offset[i], version->len[i])) {
            return flagship_verify_fail(v, "a version is out of bounds");
        }
    }

    return 1;
}


static int
flagship_verify_split(flagship_verify_t *v, uint32_t offset)
{
    uint32_t                      i, last;
    const flagship_split_t       *split;
    const flagship_split_part_t  *part;

    if ((offset & 7)
        || !flagship_verify_bytes(v, offset, sizeof(flagship_split_t)))
    {
        return flagship_verify_fail(v, "a split is out of bounds");
    }

    split = (const flagship_split_t *) (v->chunk + offset);

    if (split->n == 0 || split->total == 0
        || split->mode > FLAGSHIP_SPLIT_PREFIX
        || split->key.ntail > 3 || split->prefix.ntail > 3
        || !flagship_verify_bytes(v, (uint64_t) offset
                                     + sizeof(flagship_split_t),
                                  (uint64_t) split->n
                                  * sizeof(flagship_split_part_t)))
    {
        return flagship_verify_fail(v, "a split is out of bounds");
    }

    part = (const flagship_split_part_t *) (split + 1);
    last = 0;

    for (i = 0; i < split->n; i++) {

        if (part[i].end < last
            || (part[i].variant != FLAGSHIP_NO_VARIANT
                && part[i].variant >= v->record->nvariants))
        {
            return flagship_verify_fail(v, "a part of a split is out of "
                                        "bounds");
        }

        if (part[i].name != FLAGSHIP_NONE
            && !flagship_verify_string(v, part[i].name))
        {
            return 0;
        }

        last = part[i].end;
    }

    return last == split->total ? 1
           : flagship_verify_fail(v, "a split does not add up");
}


static int
flagship_verify_relocs(flagship_verify_t *v)
{
    uint32_t                i, at, kind;
    unsigned                shape;
    const uint32_t         *relocs;
    const flagship_code_t  *code;

    relocs = (const uint32_t *) (v->chunk + v->record->relocs);

    for (i = 0; i < v->record->nrelocs; i++) {
        kind = relocs[i] >> FLAGSHIP_RELOC_SHIFT;
        at = relocs[i] & FLAGSHIP_RELOC_MASK;

        if (kind == FLAGSHIP_RELOC_LIST) {

            if (!flagship_verify_list(v, (uint64_t) at * 8)) {
                return 0;
            }

            continue;
        }

        if (at >= v->record->ncode) {
            return flagship_verify_fail(v, "a relocation is out of bounds");
        }

        code = &v->code[at];
        shape = flagship_verify_shapes[code->op];

        switch (kind) {

        case FLAGSHIP_RELOC_A:

            if (code->a >= v->image->attrs.n) {
                return flagship_verify_fail(v, "a relocation is wrong");
            }

            break;

        case FLAGSHIP_RELOC_IMM:

            if (code->imm >= v->image->attrs.n) {
                return flagship_verify_fail(v, "a relocation is wrong");
            }

            break;

        case FLAGSHIP_RELOC_AUX:

            if (code->aux >= v->image->attrs.n) {
                return flagship_verify_fail(v, "a relocation is wrong");
            }

            break;

        case FLAGSHIP_RELOC_ATOM:

            if (!(shape & FLAGSHIP_SHAPE_ATOM)) {
                return flagship_verify_fail(v, "a relocation is wrong");
            }

            break;

        case FLAGSHIP_RELOC_FLAG:
        case FLAGSHIP_RELOC_SEGMENT:

            if (!(shape & (kind == FLAGSHIP_RELOC_FLAG
                           ? FLAGSHIP_SHAPE_FLAG : FLAGSHIP_SHAPE_SEGMENT))
                || ++i == v->record->nrelocs)
            {
                return flagship_verify_fail(v, "a relocation is wrong");
            }

            if (!flagship_verify_string(v, relocs[i])) {
                return 0;
            }

            break;

        default:
            return flagship_verify_fail(v, "an unknown relocation");
        }
    }

    return 1;
}


/*
 * Depth of every record: 1 and more for what is proved, 255 while on the way.
 * Records that ask for no other are leaves.
 */

static int
flagship_verify_references(flagship_verify_t *v)
{
    uint32_t  i, n;

    n = v->image->flags.n + v->image->segments.n;

    for (i = 0; i < n; i++) {
        if (v->depth[i] == 0 && !flagship_verify_visit(v, i)) {
            return 0;
        }
    }

    return 1;
}


static int
flagship_verify_visit(flagship_verify_t *v, uint32_t root)
{
    uint32_t                n, nflags, to, at, depth;
    unsigned                shape;
    const flagship_code_t  *code;
    const flagship_flag_t  *r;

    struct {
        uint32_t            record;
        uint32_t            next;    /* instruction to go on with */
        uint32_t            depth;
    } stack[FLAGSHIP_MAX_NESTING + 1];

    nflags = v->image->flags.n;

    stack[0].record = root;
    stack[0].next = 0;
    stack[0].depth = 1;
    v->depth[root] = 255;
    n = 1;

    while (n) {
        at = stack[n - 1].record;

        r = at < nflags ? flagship_flags(v->image) + at
                        : flagship_segments(v->image) + (at - nflags);

        if (stack[n - 1].next == r->ncode) {
            depth = stack[--n].depth;
            v->depth[at] = depth;

            if (n && stack[n - 1].depth < depth + 1) {
                stack[n - 1].depth = depth + 1;
            }

            continue;
        }

        code = flagship_code(v->image, r) + stack[n - 1].next++;
        shape = flagship_verify_shapes[code->op];

        if (!(shape & (FLAGSHIP_SHAPE_FLAG|FLAGSHIP_SHAPE_SEGMENT))
            || code->imm == FLAGSHIP_NONE)
        {
            continue;
        }

        to = code->imm + (shape & FLAGSHIP_SHAPE_SEGMENT ? nflags : 0);

        if (v->depth[to] == 255) {
            return flagship_verify_fail(v, "a record asks for itself");
        }

        if (v->depth[to]) {
            if (stack[n - 1].depth < v->depth[to] + 1u) {
                stack[n - 1].depth = v->depth[to] + 1u;
            }

        } else {
            if (n == FLAGSHIP_MAX_NESTING + 1) {
                return flagship_verify_fail(v, "records nest too deep");
            }

            stack[n].record = to;
            stack[n].next = 0;
            stack[n].depth = 1;
            v->depth[to] = 255;
            n++;
        }

        if (stack[n - 1].depth > FLAGSHIP_MAX_NESTING + 1) {
            return flagship_verify_fail(v, "records nest too deep");
        }
    }

    return v->depth[root] <= FLAGSHIP_MAX_NESTING + 1 ? 1
           : flagship_verify_fail(v, "records nest too deep");
}
