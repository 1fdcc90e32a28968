
/*
 * Copyright (C) Flagship
 */


/*
 * Linking, second half: writes the image.
 *
 * Symbols of the last image keep their order and come first, so that what is
 * sorted by their numbers in its chunks stays sorted; symbols that nothing
 * names any more are left out.  Chunks are copied, what their relocations name
 * is renumbered, tables are built anew, and the whole is verified before
 * anybody sees it.
 */


#include <stdlib.h>
#include <string.h>

#include "flagship_link.h"


/* Where an old symbol's number leads. */

typedef struct {
    uint32_t            *attrs;
    uint32_t            *atoms;
    uint32_t            *sets;
} flagship_numbers_t;

typedef struct {
    flagship_symbols_t   attrs;
    flagship_symbols_t   atoms;
    flagship_symbols_t   sets;
    flagship_numbers_t   last;
    flagship_numbers_t   unit;
    flagship_str_t       metadata;
    uint32_t             lost_sets;
    uint32_t             nflags;
    uint32_t             nsegments;
    uint32_t             nmemo;
    uint64_t             chunks;     /* bytes */
    uint64_t             sources;    /* likewise */
} flagship_layout_t;


static int flagship_layout_symbols(flagship_linker_t *l,
    flagship_layout_t *y);
static int flagship_layout_numbers(flagship_numbers_t *numbers,
    uint32_t nattrs, uint32_t natoms, uint32_t nsets);
static void flagship_layout_mark(flagship_linker_t *l, flagship_layout_t *y,
    flagship_items_t *items);
static int flagship_layout_old(const flagship_image_t *last,
    const flagship_symbol_t *list, uint32_t n, uint32_t *numbers,
    flagship_symbols_t *symbols);
static int flagship_layout_new(const flagship_symbols_t *from,
    uint32_t *numbers, flagship_symbols_t *symbols);
static int flagship_layout_sets(flagship_linker_t *l, flagship_layout_t *y,
    int lost);
static void flagship_layout_count(flagship_linker_t *l, flagship_layout_t *y);
static flagship_image_t *flagship_layout_write(flagship_linker_t *l,
    flagship_layout_t *y);
static uint32_t flagship_layout_section(flagship_section_t *section,
    uint64_t *offset, uint64_t n, size_t size);
static uint32_t flagship_layout_table_size(uint32_t n);
static void flagship_layout_strings(flagship_image_t *image,
    const flagship_layout_t *y);
static void flagship_layout_text(flagship_image_t *image,
    const flagship_section_t *section, const flagship_symbols_t *symbols,
    uint32_t *offset);
static void flagship_layout_records(flagship_linker_t *l,
    flagship_layout_t *y, flagship_items_t *items, flagship_image_t *image,
    flagship_flag_t *records, uint32_t *chunk);
static void flagship_layout_sources(flagship_linker_t *l,
    flagship_image_t *image, uint32_t offset);
static void flagship_layout_relocate(flagship_linker_t *l,
    flagship_layout_t *y, flagship_item_t *item, char *chunk);
static void flagship_layout_list(flagship_list_t *list,
    const uint32_t *numbers, unsigned sort);
static int flagship_layout_atom(const void *one, const void *two);
static void flagship_layout_tables(flagship_image_t *image);
static void flagship_layout_insert(flagship_image_t *image,
    const flagship_section_t *section, uint32_t hash, uint32_t index);
static int flagship_layout_names(flagship_linker_t *l,
    flagship_image_t *image);


int
flagship_layout(flagship_linker_t *l, flagship_image_t **image, size_t *len)
{
    int                 rc;
    const char         *error;
    flagship_layout_t   y;

    memset(&y, 0, sizeof(y));

    *image = NULL;
    rc = FLAGSHIP_ERROR;

    if (flagship_layout_symbols(l, &y) != FLAGSHIP_OK) {
        goto done;
    }

    if (y.attrs.n > FLAGSHIP_MAX_SLOTS) {
        flagship_errors_add(l->errors, 0, flagship_str("", 0), "",
                            "the flags use more than %u attributes",
                            FLAGSHIP_MAX_SLOTS);
        rc = FLAGSHIP_DECLINED;
        goto done;
    }

    flagship_layout_count(l, &y);

    if (y.chunks + y.sources + y.atoms.strings.len + y.attrs.strings.len
        + y.sets.strings.len
        + 32 * ((uint64_t) y.atoms.n + y.sets.n + y.nflags) > INT32_MAX)
    {
        flagship_errors_add(l->errors, 0, flagship_str("", 0), "",
                            "the flag set is larger than 2 GiB");
        rc = FLAGSHIP_DECLINED;
        goto done;
    }

    *image = flagship_layout_write(l, &y);

    if (*image == NULL) {
        goto done;
    }

    *len = (*image)->len;

    if (flagship_image_prove(*image, *len, &error) != FLAGSHIP_OK) {
        flagship_errors_add(l->errors, 0, flagship_str("", 0), "",
                            "the linked image is invalid: %s", error);
        free(*image);
        *image = NULL;
        goto done;
    }

    (*image)->digest = flagship_image_digest(*image);

    rc = FLAGSHIP_OK;

done:

    flagship_symbols_free(&y.attrs);
    flagship_symbols_free(&y.atoms);
    flagship_symbols_free(&y.sets);

    free(y.last.attrs);
    free(y.last.atoms);
    free(y.last.sets);
    free(y.unit.attrs);
    free(y.unit.atoms);
    free(y.unit.sets);

    return rc;
}


/* Numbers for the symbols that are still named. */

static int
flagship_layout_symbols(flagship_linker_t *l, flagship_layout_t *y)
{
    const flagship_image_t  *last;

    last = l->last;

    if (flagship_layout_numbers(&y->last, last ? last->attrs.n : 0,
                                last ? last->atoms.n : 0,
                                last ? last->sets.n : 0) != FLAGSHIP_OK
        || flagship_layout_numbers(&y->unit, l->unit->attrs.n,
                                   l->unit->atoms.n, l->unit->sets.n)
           != FLAGSHIP_OK)
    {
        return FLAGSHIP_ERROR;
    }

    flagship_layout_mark(l, y, &l->flags);
    flagship_layout_mark(l, y, &l->segments);

    if (last
        && (flagship_layout_old(last, flagship_symbols(last, attrs),
                                last->attrs.n, y->last.attrs, &y->attrs)
            != FLAGSHIP_OK
            || flagship_layout_old(last, flagship_symbols(last, atoms),
                                   last->atoms.n, y->last.atoms, &y->atoms)
               != FLAGSHIP_OK))
    {
        return FLAGSHIP_ERROR;
    }

    if (flagship_layout_new(&l->unit->attrs, y->unit.attrs, &y->attrs)
        != FLAGSHIP_OK)
    {
        return FLAGSHIP_ERROR;
    }

    if (flagship_layout_new(&l->unit->atoms, y->unit.atoms, &y->atoms)
        != FLAGSHIP_OK
        || flagship_layout_sets(l, y, 0) != FLAGSHIP_OK)
    {
        return FLAGSHIP_ERROR;
    }

    y->lost_sets = y->sets.n;

    if (flagship_layout_sets(l, y, 1) != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    y->lost_sets = y->sets.n - y->lost_sets;

    return FLAGSHIP_OK;
}


static int
flagship_layout_numbers(flagship_numbers_t *numbers, uint32_t nattrs,
    uint32_t natoms, uint32_t nsets)
{
    numbers->attrs = calloc((size_t) nattrs + 1, sizeof(uint32_t));
    numbers->atoms = calloc((size_t) natoms + 1, sizeof(uint32_t));
    numbers->sets = calloc((size_t) nsets + 1, sizeof(uint32_t));

    return numbers->attrs && numbers->atoms && numbers->sets ? FLAGSHIP_OK
           : FLAGSHIP_ERROR;
}


/* Sets 1 for each symbol that a chunk names. */

static void
flagship_layout_mark(flagship_linker_t *l, flagship_layout_t *y,
    flagship_items_t *items)
{
    uint32_t                i, k, at, m, *atom;
    const char             *chunk;
    const uint32_t         *relocs;
    flagship_list_t        *list;
    flagship_item_t        *item;
    flagship_numbers_t     *numbers;
    const flagship_code_t  *code;

    for (i = 0; i < items->n; i++) {
        item = &items->list[i];

        if (item->gone) {
            continue;
        }

        numbers = item->unit ? &y->unit : &y->last;
        chunk = flagship_link_chunk(l, item);
        relocs = (const uint32_t *) (chunk + item->record.relocs);
        code = (const flagship_code_t *) relocs - item->record.ncode;

        for (k = 0; k < item->record.nrelocs; k++) {
            at = relocs[k] & FLAGSHIP_RELOC_MASK;

            switch (relocs[k] >> FLAGSHIP_RELOC_SHIFT) {

            case FLAGSHIP_RELOC_A:
                numbers->attrs[code[at].a] = 1;
                break;

            case FLAGSHIP_RELOC_IMM:
                numbers->attrs[code[at].imm] = 1;
                break;

            case FLAGSHIP_RELOC_AUX:
                numbers->attrs[code[at].aux] = 1;
                break;

            case FLAGSHIP_RELOC_ATOM:
                numbers->atoms[code[at].imm] = 1;
                break;

            case FLAGSHIP_RELOC_SET:
                numbers->sets[code[at].imm] = 1;
                break;

            case FLAGSHIP_RELOC_LIST:
                list = (flagship_list_t *) (chunk + (size_t) at * 8);
                atom = (uint32_t *) ((double *) (list + 1) + list->nnumbers);

                for (m = 0; m < list->natoms; m++) {
                    numbers->atoms[atom[m]] = 1;
                }

                break;

            default:
                k++;
            }
        }
    }
}


static int
flagship_layout_old(const flagship_image_t *last,
    const flagship_symbol_t *list, uint32_t n, uint32_t *numbers,
    flagship_symbols_t *symbols)
{
    uint32_t  i;

    for (i = 0; i < n; i++) {

        if (numbers[i] == 0) {
            continue;
        }

        numbers[i] = flagship_symbols_add(symbols,
                                          flagship_symbol_str(last, &list[i]));
        if (numbers[i] == FLAGSHIP_NONE) {
            return FLAGSHIP_ERROR;
        }
    }

    return FLAGSHIP_OK;
}


static int
flagship_layout_new(const flagship_symbols_t *from, uint32_t *numbers,
    flagship_symbols_t *symbols)
{
    uint32_t  i;

    for (i = 0; i < from->n; i++) {

        if (numbers[i] == 0) {
            continue;
        }

        numbers[i] = flagship_symbols_add(symbols,
                                          flagship_symbols_get(from, i));
        if (numbers[i] == FLAGSHIP_NONE) {
            return FLAGSHIP_ERROR;
        }
    }

    return FLAGSHIP_OK;
}


/* Numbers for the sets that there are, or for those that are lost. */

static int
flagship_layout_sets(flagship_linker_t *l, flagship_layout_t *y, int lost)
{
    uint32_t             i, k, n, number;
    flagship_str_t       name;
    flagship_numbers_t  *numbers;

    for (k = 0; k < 2; k++) {
        numbers = k ? &y->unit : &y->last;
        n = k ? l->unit->sets.n : (l->last ? l->last->sets.n : 0);

        for (i = 0; i < n; i++) {

            name = k ? flagship_symbols_get(&l->unit->sets, i)
                     : flagship_image_set(l->last, i);

            if (numbers->sets[i] == 0
                || flagship_unit_knows(l->unit, name) == lost)
            {
                continue;
            }

            number = flagship_symbols_add(&y->sets, name);
            if (number == FLAGSHIP_NONE) {
                return FLAGSHIP_ERROR;
            }

            numbers->sets[i] = number;
        }
    }

    return FLAGSHIP_OK;
}


/* Places of the records, memos for those that others ask for. */

static void
flagship_layout_count(flagship_linker_t *l, flagship_layout_t *y)
{
    uint32_t           i, k;
    unsigned           segment;
    const uint32_t    *relocs;
    flagship_item_t   *item, *target;
    flagship_items_t  *items;

    for (segment = 0; segment < 2; segment++) {
        items = segment ? &l->segments : &l->flags;

        for (i = 0; i < items->n; i++) {
            item = &items->list[i];

            if (item->gone) {
                continue;
            }

            item->index = segment ? y->nsegments++ : y->nflags++;
            y->chunks += item->record.chunk_len;
            y->sources += item->source.len;

            if (!item->refs) {
                continue;
            }

            relocs = (const uint32_t *) (flagship_link_chunk(l, item)
                                         + item->record.relocs);

            for (k = 0; k < item->record.nrelocs; k++) {

                if (relocs[k] >> FLAGSHIP_RELOC_SHIFT < FLAGSHIP_RELOC_FLAG) {
                    continue;
                }

                target = flagship_link_target(l, item, &relocs[k]);

                if (target && !target->gone) {
                    target->asked = 1;
                }

                k++;
            }
        }
    }

    for (segment = 0; segment < 2; segment++) {
        items = segment ? &l->segments : &l->flags;

        for (i = 0; i < items->n; i++) {
            item = &items->list[i];

            item->memo = (item->asked && !item->gone
                          && !(segment && item->keyed))
                         ? y->nmemo++ : FLAGSHIP_NONE;
        }
    }

    if (l->unit->metadata_set) {
        y->metadata = flagship_str(l->unit->metadata.data,
                                   l->unit->metadata.len);

    } else if (l->last) {
        y->metadata = flagship_str(flagship_at(l->last,
                                               l->last->metadata.offset),
                                   l->last->metadata.n);
    }
}


static flagship_image_t *
flagship_layout_write(flagship_linker_t *l, flagship_layout_t *y)
{
    uint32_t           chunk, ntable, source;
    uint64_t           offset;
    flagship_flag_t   *records;
    flagship_image_t   head, *image;

    memset(&head, 0, sizeof(head));

    head.magic = FLAGSHIP_IMAGE_MAGIC;
    head.format = FLAGSHIP_IMAGE_FORMAT;
    head.fractional = l->unit->fractional;
    head.nmemo = y->nmemo;
    head.lost_sets = y->lost_sets;
    head.refused = l->left_out;

    offset = sizeof(flagship_image_t);

    ntable = flagship_layout_table_size(y->nflags);

    flagship_layout_section(&head.attrs, &offset, y->attrs.n,
                            sizeof(flagship_symbol_t));
    flagship_layout_section(&head.attr_table, &offset,
                            flagship_layout_table_size(y->attrs.n),
                            sizeof(uint32_t));
    flagship_layout_section(&head.atoms, &offset, y->atoms.n,
                            sizeof(flagship_symbol_t));
    flagship_layout_section(&head.atom_table, &offset,
                            flagship_layout_table_size(y->atoms.n),
                            sizeof(uint32_t));
    flagship_layout_section(&head.flags, &offset, y->nflags,
                            sizeof(flagship_flag_t));
    flagship_layout_section(&head.flag_table, &offset, ntable,
                            sizeof(uint32_t));
    flagship_layout_section(&head.name_table, &offset, ntable,
                            sizeof(uint32_t));
    flagship_layout_section(&head.segments, &offset, y->nsegments,
                            sizeof(flagship_flag_t));
    flagship_layout_section(&head.sets, &offset, y->sets.n,
                            sizeof(flagship_symbol_t));
    flagship_layout_section(&head.strings, &offset,
                            y->attrs.strings.len + y->atoms.strings.len
                            + y->sets.strings.len, 1);
    flagship_layout_section(&head.metadata, &offset, y->metadata.len, 1);
    flagship_layout_section(&head.chunks, &offset, y->chunks, 1);
    flagship_layout_section(&head.sources, &offset,
                            (uint64_t) y->nflags + y->nsegments,
                            sizeof(flagship_source_ref_t));

    source = offset;
    offset += y->sources;

    offset = (offset + FLAGSHIP_IMAGE_ALIGN - 1)
             & ~(uint64_t) (FLAGSHIP_IMAGE_ALIGN - 1);

    head.len = offset;

    image = calloc(1, offset);
    if (image == NULL) {
        return NULL;
    }

    *image = head;

    flagship_layout_strings(image, y);

    if (y->metadata.len) {
        memcpy((char *) image + head.metadata.offset, y->metadata.data,
               y->metadata.len);
    }

    chunk = head.chunks.offset;

    records = (flagship_flag_t *) ((char *) image + head.flags.offset);
    flagship_layout_records(l, y, &l->flags, image, records, &chunk);

    records = (flagship_flag_t *) ((char *) image + head.segments.offset);
    flagship_layout_records(l, y, &l->segments, image, records, &chunk);

    flagship_layout_sources(l, image, source);
    flagship_layout_tables(image);

    if (flagship_layout_names(l, image) != FLAGSHIP_OK) {
        free(image);
        return NULL;
    }

    return image;
}


static uint32_t
flagship_layout_section(flagship_section_t *section, uint64_t *offset,
    uint64_t n, size_t size)
{
    *offset = (*offset + 63) & ~(uint64_t) 63;

    section->offset = *offset;
    section->n = n;

    *offset += n * size;

    return section->offset;
}


/* A power of two of which at most half is used, so that a search ends. */

static uint32_t
flagship_layout_table_size(uint32_t n)
{
    uint32_t  size;

    for (size = 2; size < 2 * n; size *= 2) { /* void */ }

    return size;
}


static void
flagship_layout_strings(flagship_image_t *image, const flagship_layout_t *y)
{
    uint32_t  offset;

    offset = 0;

    flagship_layout_text(image, &image->attrs, &y->attrs, &offset);
    flagship_layout_text(image, &image->atoms, &y->atoms, &offset);
    flagship_layout_text(image, &image->sets, &y->sets, &offset);
}


/* A section of symbols, and their texts at "offset" of the strings. */

static void
flagship_layout_text(flagship_image_t *image,
    const flagship_section_t *section, const flagship_symbols_t *symbols,
    uint32_t *offset)
{
    uint32_t            i;
    flagship_symbol_t  *list;

    if (symbols->n == 0) {
        return;
    }

    list = (flagship_symbol_t *) ((char *) image + section->offset);

    memcpy(list, symbols->list, symbols->n * sizeof(flagship_symbol_t));

    for (i = 0; i < symbols->n; i++) {
        list[i].offset += *offset;
    }

    if (symbols->strings.len) {
        memcpy((char *) image + image->strings.offset + *offset,
               symbols->strings.data, symbols->strings.len);
    }

    *offset += symbols->strings.len;
}


static void
flagship_layout_records(flagship_linker_t *l, flagship_layout_t *y,
    flagship_items_t *items, flagship_image_t *image,
    flagship_flag_t *records, uint32_t *chunk)
{
    char             *p;
    uint32_t          i;
    flagship_item_t  *item;
    flagship_flag_t  *record;

    for (i = 0; i < items->n; i++) {
        item = &items->list[i];

        if (item->gone) {
            continue;
        }

        p = (char *) image + *chunk;

        memcpy(p, flagship_link_chunk(l, item), item->record.chunk_len);

        flagship_layout_relocate(l, y, item, p);

        record = records++;

        *record = item->record;
        record->chunk = *chunk;
        record->memo = item->memo;
        record->bits &= ~(FLAGSHIP_FLAG_SHADOWED|FLAGSHIP_FLAG_LOWERED
                          |FLAGSHIP_FLAG_EXTENDED);

        if (item->portability) {
            record->bits |= item->portability == FLAGSHIP_LOWERED
                            ? FLAGSHIP_FLAG_LOWERED : FLAGSHIP_FLAG_EXTENDED;
        }

        if (item->segment && item->keyed) {
            record->bits |= FLAGSHIP_FLAG_KEYED;
        }

        if (item->stale) {
            record->bits |= FLAGSHIP_FLAG_STALE;
        }

        if (record->bits & FLAGSHIP_FLAG_BROKEN) {
            image->broken++;
        }

        *chunk += item->record.chunk_len;
    }
}


static void
flagship_layout_sources(flagship_linker_t *l, flagship_image_t *image,
    uint32_t offset)
{
    uint32_t                i;
    unsigned                segment;
    const char             *from;
    flagship_item_t        *item;
    flagship_items_t       *items;
    flagship_source_ref_t  *ref;

    ref = (flagship_source_ref_t *) ((char *) image + image->sources.offset);

    for (segment = 0; segment < 2; segment++) {
        items = segment ? &l->segments : &l->flags;

        for (i = 0; i < items->n; i++) {
            item = &items->list[i];

            if (item->gone) {
                continue;
            }

            ref->offset = offset;
            ref->len = item->source.len;
            ref++;

            if (item->source.len) {
                from = item->unit ? l->unit->sources.data
                                  : (const char *) l->last;

                memcpy((char *) image + offset, from + item->source.offset,
                       item->source.len);

                offset += item->source.len;
            }
        }
    }
}


static void
flagship_layout_relocate(flagship_linker_t *l, flagship_layout_t *y,
    flagship_item_t *item, char *chunk)
{
    uint32_t             k, at;
    const uint32_t      *relocs;
    flagship_code_t     *code;
    flagship_item_t     *target;
    flagship_numbers_t  *numbers;

    numbers = item->unit ? &y->unit : &y->last;

    relocs = (const uint32_t *) (chunk + item->record.relocs);
    code = (flagship_code_t *) (chunk + item->record.relocs)
           - item->record.ncode;

    for (k = 0; k < item->record.nrelocs; k++) {
        at = relocs[k] & FLAGSHIP_RELOC_MASK;

        switch (relocs[k] >> FLAGSHIP_RELOC_SHIFT) {

        case FLAGSHIP_RELOC_A:
            code[at].a = numbers->attrs[code[at].a];
            break;

        case FLAGSHIP_RELOC_IMM:
            code[at].imm = numbers->attrs[code[at].imm];
            break;

        case FLAGSHIP_RELOC_AUX:
            code[at].aux = numbers->attrs[code[at].aux];
            break;

        case FLAGSHIP_RELOC_ATOM:
            code[at].imm = numbers->atoms[code[at].imm];
            break;

        case FLAGSHIP_RELOC_SET:
            code[at].imm = numbers->sets[code[at].imm];
            break;

        case FLAGSHIP_RELOC_LIST:
            flagship_layout_list((flagship_list_t *) (chunk
                                                      + (size_t) at * 8),
                                 numbers->atoms, item->unit);
            break;

        default:
            target = flagship_link_target(l, item, &relocs[k]);

            code[at].imm = target && !target->gone ? target->index
                                                   : FLAGSHIP_NONE;
            k++;
        }
    }
}


static void
flagship_layout_list(flagship_list_t *list, const uint32_t *numbers,
    unsigned sort)
{
    uint32_t  i, *atom;

    atom = (uint32_t *) ((double *) (list + 1) + list->nnumbers);

    for (i = 0; i < list->natoms; i++) {
        atom[i] = numbers[atom[i]];
    }

    if (sort) {
        qsort(atom, list->natoms, sizeof(uint32_t), flagship_layout_atom);
    }
}


static int
flagship_layout_atom(const void *one, const void *two)
{
    const uint32_t  a = *(const uint32_t *) one;
    const uint32_t  b = *(const uint32_t *) two;

    return (a > b) - (a < b);
}


static void
flagship_layout_tables(flagship_image_t *image)
{
    uint32_t                  i;
    const flagship_flag_t    *flags;
    const flagship_symbol_t  *symbols;

    memset((char *) image + image->attr_table.offset, 0xff,
           image->attr_table.n * sizeof(uint32_t));
    memset((char *) image + image->atom_table.offset, 0xff,
           image->atom_table.n * sizeof(uint32_t));
    memset((char *) image + image->flag_table.offset, 0xff,
           image->flag_table.n * sizeof(uint32_t));
    memset((char *) image + image->name_table.offset, 0xff,
           image->name_table.n * sizeof(uint32_t));

    symbols = flagship_symbols(image, attrs);

    for (i = 0; i < image->attrs.n; i++) {
        flagship_layout_insert(image, &image->attr_table, symbols[i].hash, i);
    }

    symbols = flagship_symbols(image, atoms);

    for (i = 0; i < image->atoms.n; i++) {
        flagship_layout_insert(image, &image->atom_table, symbols[i].hash, i);
    }

    flags = flagship_flags(image);

    for (i = 0; i < image->flags.n; i++) {
        flagship_layout_insert(image, &image->flag_table, flags[i].hash, i);
    }
}


static void
flagship_layout_insert(flagship_image_t *image,
    const flagship_section_t *section, uint32_t hash, uint32_t index)
{
    uint32_t  i, mask, *table;

    table = (uint32_t *) ((char *) image + section->offset);
    mask = section->n - 1;

    for (i = hash & mask; table[i] != FLAGSHIP_NONE; i = (i + 1) & mask) {
        /* void */
    }

    table[i] = index;
}


/*
 * Folded names: the least key of each is in the table, since flags come in
 * byte order.  A flag whose header name an exposed flag before it has is
 * shadowed.
 */

static int
flagship_layout_names(flagship_linker_t *l, flagship_image_t *image)
{
    char              folded[FLAGSHIP_MAX_KEY], other[FLAGSHIP_MAX_KEY];
    size_t            len;
    uint32_t          i, k, hash, mask, *exposed, *table;
    flagship_str_t    key;
    flagship_flag_t  *flags;

    table = (uint32_t *) ((char *) image + image->name_table.offset);
    mask = image->name_table.n - 1;
    flags = (flagship_flag_t *) ((char *) image + image->flags.offset);

    /* of each name, the flag that has it, and 1 */

    exposed = calloc(image->name_table.n, sizeof(uint32_t));
    if (exposed == NULL) {
        return FLAGSHIP_ERROR;
    }

    for (i = 0; i < image->flags.n; i++) {

        len = flagship_fold_key(flagship_flag_key(image, i), folded);
        hash = flagship_hash32(folded, len);

        for (k = hash & mask; table[k] != FLAGSHIP_NONE; k = (k + 1) & mask) {
            key = flagship_flag_key(image, table[k]);

            if (flags[i].key_len == key.len
                && flagship_fold_key(key, other) == len
                && memcmp(folded, other, len) == 0)
            {
                break;
            }
        }

        if (table[k] == FLAGSHIP_NONE) {
            table[k] = i;
        }

        if (!(flags[i].bits & FLAGSHIP_FLAG_EXPOSE)) {
            continue;
        }

        image->exposed++;

        if (exposed[k]) {
            flags[i].bits |= FLAGSHIP_FLAG_SHADOWED;
            image->shadowed++;

            if (l->errors->lint) {
                key = flagship_flag_key(image, exposed[k] - 1);
                flagship_errors_warn(l->errors, "header-name",
                                     flagship_flag_key(image, i), "",
                                     "its header's name is that of \"%.*s\", "
                                     "which has it", (int) key.len, key.data);
            }

        } else {
            exposed[k] = i + 1;
        }
    }

    free(exposed);

    return FLAGSHIP_OK;
}
