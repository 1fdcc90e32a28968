
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
 *   sources                     in bounds, their marks in order
 *   references                  no cycles, and no deeper than the evaluator's
 *                               stack allows
 *
 * It does not prove that answers are right: the digest finds accidents, and
 * whoever can forge a digest can forge answers.
 */


#include <stdlib.h>
#include <string.h>

#include "flagship_source.h"
#include "flagship_verify.h"


static int flagship_verify_image(const void *data, size_t len, int digest,
    const char **error);
static int flagship_verify_head(flagship_verify_t *v, size_t len, int digest);
static int flagship_verify_section(flagship_verify_t *v,
    const flagship_section_t *section, size_t size);
static int flagship_verify_table(flagship_verify_t *v,
    const flagship_section_t *table, uint32_t n);
static int flagship_verify_symbols(flagship_verify_t *v,
    const flagship_section_t *section);
static int flagship_verify_sources(flagship_verify_t *v);
static int flagship_verify_source(flagship_str_t source);
static int flagship_verify_record(flagship_verify_t *v);
static int flagship_verify_variants(flagship_verify_t *v);
static int flagship_verify_brief(flagship_verify_t *v,
    const flagship_variant_t *variant);
static int flagship_verify_relocs(flagship_verify_t *v);
static int flagship_verify_references(flagship_verify_t *v);
static int flagship_verify_visit(flagship_verify_t *v, uint32_t root);


int
flagship_image_verify(const void *data, size_t len, const char **error)
{
    return flagship_verify_image(data, len, 1, error);
}


int
flagship_image_prove(const void *data, size_t len, const char **error)
{
    return flagship_verify_image(data, len, 0, error);
}


static int
flagship_verify_image(const void *data, size_t len, int digest,
    const char **error)
{
    int                     rc;
    uint32_t                i, most;
    flagship_verify_t       v;
    const flagship_flag_t  *records;

    memset(&v, 0, sizeof(v));

    v.image = data;
    rc = FLAGSHIP_DECLINED;

    if (!flagship_verify_head(&v, len, digest)) {
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
    v.memos = calloc((size_t) v.image->nmemo + 1, 1);

    if (v.masks == NULL || v.depth == NULL || v.memos == NULL) {
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
    free(v.memos);

    *error = v.error;

    return rc;
}


static int
flagship_verify_head(flagship_verify_t *v, size_t len, int digest)
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

    if (digest && image->digest != flagship_image_digest(image)) {
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
        || !flagship_verify_section(v, &image->sets,
                                    sizeof(flagship_symbol_t))
        || !flagship_verify_section(v, &image->strings, 1)
        || !flagship_verify_section(v, &image->metadata, 1)
        || !flagship_verify_section(v, &image->chunks, 1)
        || !flagship_verify_sources(v))
    {
        return 0;
    }

    if (image->attrs.n > FLAGSHIP_MAX_SLOTS) {
        return flagship_verify_fail(v, "too many attributes");
    }

    if (image->lost_sets > image->sets.n) {
        return flagship_verify_fail(v, "more sets are lost than there are");
    }

    return flagship_verify_symbols(v, &image->attrs)
           && flagship_verify_symbols(v, &image->atoms)
           && flagship_verify_symbols(v, &image->sets)
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
flagship_verify_sources(flagship_verify_t *v)
{
    uint32_t                      i;
    const flagship_image_t       *image = v->image;
    const flagship_source_ref_t  *ref;

    if (image->sources.n != (uint64_t) image->flags.n + image->segments.n
        || !flagship_verify_section(v, &image->sources,
                                    sizeof(flagship_source_ref_t)))
    {
        return flagship_verify_fail(v, "the sources are out of bounds");
    }

    ref = (const flagship_source_ref_t *) flagship_at(image,
                                                      image->sources.offset);

    for (i = 0; i < image->sources.n; i++) {
        if ((ref[i].offset & 7)
            || (uint64_t) ref[i].offset + ref[i].len > image->len
            || !flagship_verify_source(flagship_source(image, i, 0)))
        {
            return flagship_verify_fail(v, "a source is out of bounds");
        }
    }

    return 1;
}


static int
flagship_verify_source(flagship_str_t source)
{
    uint32_t                  i;
    uint64_t                  names;
    const flagship_mark_t    *marks;
    const flagship_source_t  *s;

    if (source.len == 0) {
        return 1;
    }

    if (source.len < sizeof(flagship_source_t)) {
        return 0;
    }

    s = (const flagship_source_t *) source.data;

    if (s->nmarks > (source.len - sizeof(flagship_source_t))
                    / sizeof(flagship_mark_t))
    {
        return 0;
    }

    marks = flagship_source_marks(source);
    names = (const char *) (marks + s->nmarks) - source.data;

    for (i = 0; i < s->nmarks; i++) {
        if (marks[i].part >= FLAGSHIP_PART_LAST
            || (i && marks[i].code < marks[i - 1].code))
        {
            return 0;
        }

        names += marks[i].name_len;
    }

    return s->portability <= FLAGSHIP_EXTENDED && names <= s->document
           && s->document <= source.len;
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

    /* two records of one memo would take each other's variants */

    if (r->memo != FLAGSHIP_NONE && v->memos[r->memo]++) {
        return flagship_verify_fail(v, "a memo is that of another record");
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

        if (!flagship_verify_brief(v, &variant[i])) {
            return flagship_verify_fail(v, "a variant is not brief");
        }
    }

    return 1;
}


static int
flagship_verify_brief(flagship_verify_t *v, const flagship_variant_t *variant)
{
    flagship_str_t  name, json;

    if (variant->brief == FLAGSHIP_BRIEF_NO) {
        return 1;
    }

    name = flagship_str(v->chunk + variant->name, variant->name_len);
    json = flagship_str(v->chunk + variant->json, variant->json_len);

    return variant->brief <= FLAGSHIP_BRIEF_OFF
           && v->record->key_len <= FLAGSHIP_BRIEF_KEY
           && name.len <= FLAGSHIP_BRIEF
           && json.len <= FLAGSHIP_BRIEF
           && flagship_verify_block(v, v->record->key, FLAGSHIP_BRIEF_KEY)
           && flagship_verify_block(v, variant->name, FLAGSHIP_BRIEF)
           && flagship_verify_block(v, variant->json, FLAGSHIP_BRIEF)
           && (variant->brief != FLAGSHIP_BRIEF_ON
               || (flagship_str_is(name, "on")
                   && flagship_str_is(json, "true")))
           && (variant->brief != FLAGSHIP_BRIEF_OFF
               || (flagship_str_is(name, "off")
                   && flagship_str_is(json, "false")));
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

        case FLAGSHIP_RELOC_SET:

            if (!(shape & FLAGSHIP_SHAPE_SET)) {
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
