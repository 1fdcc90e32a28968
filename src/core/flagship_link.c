
/*
 * Copyright (C) Flagship
 */


/*
 * Linking, first half: which records make up the next image.
 *
 * Flags and segments of the last image and of the unit are merged by key.
 * Then references are followed: a record of the unit that asks for a segment
 * which does not exist, or that closes a cycle, is refused and its last good
 * form takes its place; since that one may name other records, the check is
 * made again until nothing is refused, at most once for each record.
 *
 * A segment that was removed while a record that serves on still needs it is
 * kept for that record: the last good form of a flag includes its segments.
 * So does it the id sets, which somebody else keeps.
 */


#include <stdlib.h>
#include <string.h>

#include "flagship_link.h"


typedef struct {
    flagship_item_t  *item;
    uint32_t          next;          /* relocation to go on with */
} flagship_visit_t;


static int flagship_link_collect(flagship_linker_t *l,
    flagship_items_t *items, int segment, int whole);
static uint32_t flagship_link_entries(flagship_entries_t *entries);
static int flagship_link_order(const void *one, const void *two);
static int flagship_link_compare(flagship_str_t a, flagship_str_t b);
static void flagship_link_old(flagship_linker_t *l, flagship_item_t *item,
    uint32_t old, int segment);
static int flagship_link_add(flagship_linker_t *l, flagship_item_t *item,
    const flagship_entry_t *entry, uint32_t i, uint32_t old, int segment);
static int flagship_link_stub(flagship_linker_t *l, flagship_item_t *item);
static int flagship_link_table(flagship_linker_t *l, flagship_items_t *items,
    int segment);
static void flagship_link_refs(flagship_linker_t *l, flagship_items_t *items);
static int flagship_link_resolve(flagship_linker_t *l,
    flagship_items_t *items);
static void flagship_link_sets(flagship_linker_t *l,
    flagship_items_t *items);
static int flagship_link_visit(flagship_linker_t *l, flagship_item_t *root);
static int flagship_link_break(flagship_linker_t *l, flagship_visit_t *way,
    uint32_t n, const char *why, flagship_str_t name);
static int flagship_link_refuse_all(flagship_linker_t *l,
    flagship_items_t *items, const char *fmt, flagship_str_t name);
static int flagship_link_refuse(flagship_linker_t *l, flagship_item_t *item,
    const char *fmt, flagship_str_t name);
static int flagship_link_drop(flagship_linker_t *l, flagship_item_t *item);


int
flagship_link(flagship_unit_t *unit, const flagship_image_t *last, int whole,
    flagship_image_t **image, size_t *len, flagship_errors_t *errors)
{
    int                rc;
    uint32_t           i;
    flagship_linker_t  l;

    if (last && last->fractional != unit->fractional) {

        if (!whole) {
            flagship_errors_add(errors, 0, flagship_str("", 0), "",
                                "the set's generation of fractional changed: "
                                "all flags must be compiled");
            return FLAGSHIP_DECLINED;
        }

        /* code compiled for another generation would move users */
        last = NULL;
    }

    memset(&l, 0, sizeof(l));

    l.unit = unit;
    l.last = last;
    l.errors = errors;
    l.left_out = last && !whole ? last->refused : 0;

    rc = FLAGSHIP_ERROR;

    if (flagship_link_collect(&l, &l.flags, 0, whole) != FLAGSHIP_OK
        || flagship_link_collect(&l, &l.segments, 1, whole) != FLAGSHIP_OK)
    {
        goto done;
    }

    do {
        l.refused = 0;

        flagship_link_refs(&l, &l.flags);
        flagship_link_refs(&l, &l.segments);

        if (flagship_link_resolve(&l, &l.segments) != FLAGSHIP_OK
            || flagship_link_resolve(&l, &l.flags) != FLAGSHIP_OK)
        {
            goto done;
        }

        for (i = 0; i < l.segments.n && !l.refused; i++) {
            if (flagship_link_visit(&l, &l.segments.list[i]) != FLAGSHIP_OK) {
                goto done;
            }
        }

        for (i = 0; i < l.flags.n && !l.refused; i++) {
            if (flagship_link_visit(&l, &l.flags.list[i]) != FLAGSHIP_OK) {
                goto done;
            }
        }

    } while (l.refused);

    if (last && last->sets.n) {
        flagship_link_sets(&l, &l.segments);
        flagship_link_sets(&l, &l.flags);
    }

    flagship_link_classes(&l);

    if (errors->lint) {
        flagship_link_lint(&l, &l.flags);
        flagship_link_lint(&l, &l.segments);
    }

    rc = flagship_layout(&l, image, len);

done:

    free(l.flags.list);
    free(l.flags.table);
    free(l.flags.renumber);
    free(l.segments.list);
    free(l.segments.table);
    free(l.segments.renumber);

    return rc;
}


/* Merges two ordered lists. */

static int
flagship_link_collect(flagship_linker_t *l, flagship_items_t *items,
    int segment, int whole)
{
    int                     order;
    uint32_t                i, k, n, nlast;
    flagship_str_t          key;
    flagship_item_t        *item;
    flagship_entries_t     *entries;
    const flagship_flag_t  *records;

    entries = segment ? &l->unit->segments : &l->unit->flags;
    n = flagship_link_entries(entries);

    records = NULL;
    nlast = 0;

    if (l->last) {
        records = segment ? flagship_segments(l->last)
                          : flagship_flags(l->last);
        nlast = segment ? l->last->segments.n : l->last->flags.n;
    }

    items->list = malloc(((size_t) n + nlast + 1) * sizeof(flagship_item_t));
    if (items->list == NULL) {
        return FLAGSHIP_ERROR;
    }

    i = 0;
    k = 0;

    while (i < nlast || k < n) {

        item = &items->list[items->n++];

        if (i < nlast) {
            key = flagship_str(flagship_at(l->last, records[i].chunk
                                                    + records[i].key),
                               records[i].key_len);
            order = k < n ? flagship_link_compare(key, entries->list[k].key)
                          : -1;

        } else {
            order = 1;
        }

        if (order < 0) {
            flagship_link_old(l, item, i++, segment);
            item->gone = whole;
            continue;
        }

        if (flagship_link_add(l, item, &entries->list[k], k,
                              order == 0 ? i : FLAGSHIP_NONE, segment)
            != FLAGSHIP_OK)
        {
            return FLAGSHIP_ERROR;
        }

        k++;
        i += (order == 0);
    }

    return flagship_link_table(l, items, segment);
}


/* By key; of one key the latest alone.  Returns how many are left. */

static uint32_t
flagship_link_entries(flagship_entries_t *entries)
{
    uint32_t           i, n;
    flagship_entry_t  *e;

    e = entries->list;

    for (i = 1; i < entries->n; i++) {
        if (flagship_link_compare(e[i - 1].key, e[i].key) >= 0) {
            qsort(e, entries->n, sizeof(flagship_entry_t),
                  flagship_link_order);
            break;
        }
    }

    n = 0;

    for (i = 0; i < entries->n; i++) {

        if (n && flagship_str_eq(e[n - 1].key, e[i].key)) {
            n--;
        }

        e[n++] = e[i];
    }

    entries->n = n;

    return n;
}


static int
flagship_link_order(const void *one, const void *two)
{
    int                      rc;
    const flagship_entry_t  *a = one, *b = two;

    rc = flagship_link_compare(a->key, b->key);

    return rc ? rc : (a->order > b->order) - (a->order < b->order);
}


static int
flagship_link_compare(flagship_str_t a, flagship_str_t b)
{
    int  rc;

    rc = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return rc ? rc : (a.len > b.len) - (a.len < b.len);
}


/* A record of the last image, as it is. */

static void
flagship_link_old(flagship_linker_t *l, flagship_item_t *item, uint32_t old,
    int segment)
{
    flagship_str_t          source;
    const flagship_flag_t  *records;

    records = segment ? flagship_segments(l->last) : flagship_flags(l->last);

    memset(item, 0, sizeof(flagship_item_t));

    source = flagship_source(l->last, old, segment);

    item->record = records[old];
    item->source.offset = source.data - (const char *) l->last;
    item->source.len = source.len;
    item->key = flagship_str(flagship_at(l->last, item->record.chunk
                                                  + item->record.key),
                             item->record.key_len);
    item->entry = FLAGSHIP_NONE;
    item->old = old;
    item->segment = segment;
}


static int
flagship_link_add(flagship_linker_t *l, flagship_item_t *item,
    const flagship_entry_t *entry, uint32_t i, uint32_t old, int segment)
{
    if (old != FLAGSHIP_NONE) {
        flagship_link_old(l, item, old, segment);

        if (entry->state == FLAGSHIP_ENTRY_REFUSED) {
            item->stale = 1;
            return FLAGSHIP_OK;
        }

        if (entry->state == FLAGSHIP_ENTRY_REMOVED) {
            item->gone = 1;
            return FLAGSHIP_OK;
        }

    } else {
        memset(item, 0, sizeof(flagship_item_t));

        item->old = FLAGSHIP_NONE;
        item->segment = segment;
    }

    item->key = entry->key;
    item->record = entry->record;
    item->source = entry->source;
    item->entry = i;
    item->unit = 1;

    switch (entry->state) {

    case FLAGSHIP_ENTRY_COMPILED:
        return FLAGSHIP_OK;

    case FLAGSHIP_ENTRY_REFUSED:

        if (!segment) {
            return flagship_link_stub(l, item);
        }

        l->left_out++;

        /* fall through */

    default:
        item->gone = 1;
        return FLAGSHIP_OK;
    }
}


/* A flag that no valid form is known of: it evaluates to PARSE_ERROR. */

static int
flagship_link_stub(flagship_linker_t *l, flagship_item_t *item)
{
    size_t            n;
    flagship_flag_t  *record;

    static const char  zeros[8];

    record = &item->record;

    memset(record, 0, sizeof(flagship_flag_t));

    item->source.offset = 0;
    item->source.len = 0;

    record->hash = flagship_hash32(item->key.data, item->key.len);
    record->chunk = l->unit->chunks.len;
    record->key_len = item->key.len;
    record->type = FLAGSHIP_TYPE_JSON;
    record->bits = FLAGSHIP_FLAG_BROKEN|FLAGSHIP_FLAG_EXPOSE;
    record->default_variant = FLAGSHIP_NO_VARIANT;
    record->off_variant = FLAGSHIP_NO_VARIANT;
    record->enable_at = INT64_MIN;
    record->disable_at = INT64_MAX;

    n = (8 - (item->key.len & 7)) & 7;

    if (flagship_buf_add(&l->unit->chunks, item->key.data, item->key.len)
        == NULL
        || flagship_buf_add(&l->unit->chunks, zeros, n) == NULL)
    {
        return FLAGSHIP_ERROR;
    }

    record->chunk_len = item->key.len + n;
    record->relocs = record->chunk_len;

    item->unit = 1;
    item->entry = FLAGSHIP_NONE;

    return FLAGSHIP_OK;
}


static int
flagship_link_table(flagship_linker_t *l, flagship_items_t *items,
    int segment)
{
    uint32_t  hash, i, k, nlast, size;

    for (size = 2; size < 2 * items->n; size *= 2) { /* void */ }

    nlast = 0;

    if (l->last) {
        nlast = segment ? l->last->segments.n : l->last->flags.n;
    }

    items->table = malloc(size * sizeof(uint32_t));
    items->renumber = malloc((nlast + 1) * sizeof(uint32_t));

    if (items->table == NULL || items->renumber == NULL) {
        return FLAGSHIP_ERROR;
    }

    memset(items->table, 0xff, size * sizeof(uint32_t));

    items->mask = size - 1;

    for (i = 0; i < items->n; i++) {

        hash = items->list[i].record.hash;

        if (items->list[i].record.key_len == 0) {
            /* removed, or a segment that was refused: it has no record */
            hash = flagship_hash32(items->list[i].key.data,
                                   items->list[i].key.len);
        }

        k = hash & items->mask;

        while (items->table[k] != FLAGSHIP_NONE) {
            k = (k + 1) & items->mask;
        }

        items->table[k] = i;

        if (items->list[i].old != FLAGSHIP_NONE) {
            items->renumber[items->list[i].old] = i;
        }
    }

    return FLAGSHIP_OK;
}


const char *
flagship_link_chunk(const flagship_linker_t *l, const flagship_item_t *item)
{
    return (item->unit ? l->unit->chunks.data : (const char *) l->last)
           + item->record.chunk;
}


flagship_item_t *
flagship_link_find(const flagship_items_t *items, flagship_str_t key)
{
    uint32_t          i;
    flagship_item_t  *item;

    i = flagship_hash32(key.data, key.len) & items->mask;

    for ( /* void */ ;
         items->table[i] != FLAGSHIP_NONE;
         i = (i + 1) & items->mask)
    {
        item = &items->list[items->table[i]];

        if (flagship_str_eq(item->key, key)) {
            return item;
        }
    }

    return NULL;
}


flagship_item_t *
flagship_link_target(const flagship_linker_t *l, const flagship_item_t *item,
    const uint32_t *reloc)
{
    uint32_t                 kind, target;
    const char              *chunk;
    const flagship_code_t   *code;
    const flagship_items_t  *items;

    kind = reloc[0] >> FLAGSHIP_RELOC_SHIFT;
    items = kind == FLAGSHIP_RELOC_FLAG ? &l->flags : &l->segments;
    chunk = flagship_link_chunk(l, item);

    if (!item->unit) {
        /* the last image knows its number */

        code = (const flagship_code_t *) (chunk + item->record.relocs)
               - item->record.ncode;
        target = code[reloc[0] & FLAGSHIP_RELOC_MASK].imm;

        if (target != FLAGSHIP_NONE) {
            return &items->list[items->renumber[target]];
        }
    }

    return flagship_link_find(items, flagship_literal(chunk, reloc[1]));
}


/* Which records name others; and the search for cycles begins anew. */

static void
flagship_link_refs(flagship_linker_t *l, flagship_items_t *items)
{
    uint32_t          i, k, kind;
    const uint32_t   *relocs;
    flagship_item_t  *item;

    for (i = 0; i < items->n; i++) {
        item = &items->list[i];

        item->visit = 0;
        item->depth = 0;
        item->refs = 0;
        item->keyed = (item->record.bits & FLAGSHIP_FLAG_KEYED) != 0;

        if (item->gone || item->record.nrelocs == 0) {
            continue;
        }

        relocs = (const uint32_t *) (flagship_link_chunk(l, item)
                                     + item->record.relocs);

        for (k = 0; k < item->record.nrelocs; k++) {
            kind = relocs[k] >> FLAGSHIP_RELOC_SHIFT;

            if (kind >= FLAGSHIP_RELOC_FLAG) {
                item->refs = 1;
                break;
            }
        }
    }
}


/* Segments that are named must exist. */

static int
flagship_link_resolve(flagship_linker_t *l, flagship_items_t *items)
{
    char              pointer[64];
    uint32_t          i, k, kind;
    unsigned          missing;
    flagship_str_t    name;
    const uint32_t   *relocs;
    flagship_item_t  *item, *target;

    for (i = 0; i < items->n; i++) {
        item = &items->list[i];

        if (!item->refs || item->gone) {
            continue;
        }

        missing = 0;

        relocs = (const uint32_t *) (flagship_link_chunk(l, item)
                                     + item->record.relocs);

        for (k = 0; k < item->record.nrelocs; k++) {
            kind = relocs[k] >> FLAGSHIP_RELOC_SHIFT;

            if (kind < FLAGSHIP_RELOC_FLAG) {
                continue;
            }

            if (kind == FLAGSHIP_RELOC_SEGMENT) {
                target = flagship_link_target(l, item, &relocs[k]);
                name = flagship_literal(flagship_link_chunk(l, item),
                                        relocs[k + 1]);

                if (target == NULL || target->gone) {

                    if (item->unit) {
                        flagship_link_pointer(l, item, relocs[k], pointer,
                                              sizeof(pointer));
                        flagship_errors_add(l->errors, 0, item->key, pointer,
                                            "there is no segment \"%.*s\"",
                                            (int) name.len, name.data);
                        missing = 1;
                        k++;
                        continue;
                    }

                    if (target) {
                        /* the segment that the last good form was made with */

                        if (target->unit) {
                            if (target->old == FLAGSHIP_NONE) {
                                k++;
                                continue;
                            }

                            flagship_link_old(l, target, target->old, 1);
                        }

                        target->gone = 0;
                        target->stale = 1;
                        item->stale = 1;
                        l->refused = 1;

                        flagship_errors_add(l->errors, 0, item->key, "",
                                            "there is no segment \"%.*s\" "
                                            "any more: the last one is kept "
                                            "for this %s", (int) name.len,
                                            name.data, item->segment
                                            ? "segment" : "flag");
                    }
                }
            }

            k++;
        }

        if (missing && flagship_link_drop(l, item) != FLAGSHIP_OK) {
            return FLAGSHIP_ERROR;
        }
    }

    return FLAGSHIP_OK;
}


/* What the last image had and looks into a set that is gone serves on as the
   last good form. */

static void
flagship_link_sets(flagship_linker_t *l, flagship_items_t *items)
{
    uint32_t                i, k, kind;
    flagship_str_t          name;
    const uint32_t         *relocs;
    flagship_item_t        *item;
    const flagship_code_t  *code;

    for (i = 0; i < items->n; i++) {
        item = &items->list[i];

        if (item->unit || item->gone) {
            continue;
        }

        relocs = (const uint32_t *) (flagship_link_chunk(l, item)
                                     + item->record.relocs);
        code = (const flagship_code_t *) relocs - item->record.ncode;

        for (k = 0; k < item->record.nrelocs; k++) {
            kind = relocs[k] >> FLAGSHIP_RELOC_SHIFT;

            if (kind != FLAGSHIP_RELOC_SET) {
                k += (kind >= FLAGSHIP_RELOC_FLAG);
                continue;
            }

            name = flagship_image_set(l->last,
                                      code[relocs[k]
                                           & FLAGSHIP_RELOC_MASK].imm);

            if (flagship_unit_knows(l->unit, name)) {
                continue;
            }

            item->stale = 1;

            flagship_errors_add(l->errors, 0, item->key, "", "there is no set "
                                "\"%.*s\" any more: its last members are "
                                "kept for this %s", (int) name.len, name.data,
                                item->segment ? "segment" : "flag");
        }
    }
}


/*
 * Depth-first from one record, without recursion.  The steps on the stack are
 * the way from the root: meeting one of them again closes a cycle, and every
 * record of the unit on it is refused.
 */

static int
flagship_link_visit(flagship_linker_t *l, flagship_item_t *root)
{
    uint32_t          i, k, n;
    const char       *why;
    const uint32_t   *relocs;
    flagship_item_t  *item, *target;
    flagship_visit_t   stack[FLAGSHIP_MAX_NESTING];

    if (root->visit || root->gone || !root->refs) {
        return FLAGSHIP_OK;
    }

    stack[0].item = root;
    stack[0].next = 0;
    root->visit = 1;
    n = 1;

    while (n) {
        item = stack[n - 1].item;
        k = stack[n - 1].next;

        relocs = (const uint32_t *) (flagship_link_chunk(l, item)
                                     + item->record.relocs);

        while (k < item->record.nrelocs
               && relocs[k] >> FLAGSHIP_RELOC_SHIFT < FLAGSHIP_RELOC_FLAG)
        {
            k++;
        }

        if (k >= item->record.nrelocs) {
            item->visit = 2;
            n--;

            if (n) {
                target = stack[n - 1].item;

                if (target->depth < item->depth + 1) {
                    target->depth = item->depth + 1;
                }

                if (item->segment && item->keyed && target->segment) {
                    target->keyed = 1;
                }
            }

            continue;
        }

        stack[n - 1].next = k + 2;

        target = flagship_link_target(l, item, &relocs[k]);

        if (target == NULL || target->gone) {
            continue;
        }

        if (target->segment && target->keyed && item->segment) {
            item->keyed = 1;
        }

        why = NULL;

        if (target->visit == 1) {
            why = "it asks for itself, by way of \"%.*s\"";

            for (i = n; i && stack[i - 1].item != target; i--) { /* void */ }

            i--;

        } else if (target->visit == 2 || !target->refs) {

            if (item->depth < target->depth + 1) {
                item->depth = target->depth + 1;
            }

            if (n + item->depth > FLAGSHIP_MAX_NESTING) {
                why = "flags and segments nest too deep, by way of \"%.*s\"";
                i = 0;
            }

        } else if (n >= FLAGSHIP_MAX_NESTING) {
            why = "flags and segments nest too deep, by way of \"%.*s\"";
            i = 0;
        }

        if (why == NULL) {

            if (target->visit == 0 && target->refs) {
                target->visit = 1;
                stack[n].item = target;
                stack[n].next = 0;
                n++;
            }

            continue;
        }

        return flagship_link_break(l, &stack[i], n - i, why, target->key);
    }

    return FLAGSHIP_OK;
}


/* What of the unit is on this way is refused. */

static int
flagship_link_break(flagship_linker_t *l, flagship_visit_t *way, uint32_t n,
    const char *why, flagship_str_t name)
{
    uint32_t  i;

    for (i = 0; i < n; i++) {
        if (way[i].item->unit && way[i].item->entry != FLAGSHIP_NONE
            && flagship_link_refuse(l, way[i].item, why, name)
               != FLAGSHIP_OK)
        {
            return FLAGSHIP_ERROR;
        }
    }

    if (!l->refused
        && (flagship_link_refuse_all(l, &l->segments, why, name)
            != FLAGSHIP_OK
            || flagship_link_refuse_all(l, &l->flags, why, name)
               != FLAGSHIP_OK))
    {
        return FLAGSHIP_ERROR;
    }

    /* an image that was linked before is in order by itself */

    return l->refused ? FLAGSHIP_OK : FLAGSHIP_ERROR;
}


/* What is new lies below what is on the stack: all of it gives way. */

static int
flagship_link_refuse_all(flagship_linker_t *l, flagship_items_t *items,
    const char *fmt, flagship_str_t name)
{
    uint32_t          i;
    flagship_item_t  *item;

    for (i = 0; i < items->n; i++) {
        item = &items->list[i];

        if (item->unit && item->refs && !item->gone
            && item->entry != FLAGSHIP_NONE
            && flagship_link_refuse(l, item, fmt, name) != FLAGSHIP_OK)
        {
            return FLAGSHIP_ERROR;
        }
    }

    return FLAGSHIP_OK;
}


/* Its last good form takes its place, else a PARSE_ERROR; of a segment
   nothing. */

static int
flagship_link_refuse(flagship_linker_t *l, flagship_item_t *item,
    const char *fmt, flagship_str_t name)
{
    flagship_errors_add(l->errors, 0, item->key, "", fmt, (int) name.len,
                        name.data);

    return flagship_link_drop(l, item);
}


static int
flagship_link_drop(flagship_linker_t *l, flagship_item_t *item)
{
    l->refused = 1;

    if (item->old != FLAGSHIP_NONE) {
        flagship_link_old(l, item, item->old, item->segment);
        item->stale = 1;
        return FLAGSHIP_OK;
    }

    if (item->segment) {
        item->gone = 1;
        l->left_out++;
        return FLAGSHIP_OK;
    }

    return flagship_link_stub(l, item);
}
