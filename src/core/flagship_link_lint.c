
/*
 * Copyright (C) Flagship
 */


/*
 * Linking: what is said of records and of names, and where in a document they
 * are.
 */


#include <stdio.h>

#include "flagship_link.h"


static int flagship_link_class(flagship_linker_t *l,
    flagship_items_t *items);


void
flagship_link_classes(flagship_linker_t *l)
{
    uint32_t                  i;
    unsigned                  segment;
    const char               *at;
    flagship_item_t          *item;
    flagship_items_t         *items;
    const flagship_source_t  *source;

    for (segment = 0; segment < 2; segment++) {
        items = segment ? &l->segments : &l->flags;

        for (i = 0; i < items->n; i++) {
            item = &items->list[i];
            item->portability = FLAGSHIP_PORTABLE;

            if (item->source.len && !item->gone) {
                at = item->unit ? l->unit->sources.data
                                : (const char *) l->last;

                source = (const flagship_source_t *) (at
                                                      + item->source.offset);
                item->portability = source->portability;
            }
        }
    }

    /* no cycles, and no deeper than records nest */

    do {
        i = flagship_link_class(l, &l->segments);
        i |= flagship_link_class(l, &l->flags);
    } while (i);
}


/* From what is referred to, to what refers to it; 1: something changed. */

static int
flagship_link_class(flagship_linker_t *l, flagship_items_t *items)
{
    int               changed;
    uint32_t          i, k;
    const uint32_t   *relocs;
    flagship_item_t  *item, *target;

    changed = 0;

    for (i = 0; i < items->n; i++) {
        item = &items->list[i];

        if (!item->refs || item->gone) {
            continue;
        }

        relocs = (const uint32_t *) (flagship_link_chunk(l, item)
                                     + item->record.relocs);

        for (k = 0; k < item->record.nrelocs; k++) {

            if (relocs[k] >> FLAGSHIP_RELOC_SHIFT < FLAGSHIP_RELOC_FLAG) {
                continue;
            }

            target = flagship_link_target(l, item, &relocs[k]);

            if (target && target->portability > item->portability) {
                item->portability = target->portability;
                changed = 1;
            }

            k++;
        }
    }

    return changed;
}


void
flagship_link_lint(flagship_linker_t *l, flagship_items_t *items)
{
    char              pointer[64];
    uint32_t          i, k, kind;
    flagship_str_t    name;
    const uint32_t   *relocs;
    flagship_item_t  *item, *target;

    for (i = 0; i < items->n; i++) {
        item = &items->list[i];

        if (!item->refs || item->gone || !item->unit) {
            continue;
        }

        relocs = (const uint32_t *) (flagship_link_chunk(l, item)
                                     + item->record.relocs);

        for (k = 0; k < item->record.nrelocs; k++) {
            kind = relocs[k] >> FLAGSHIP_RELOC_SHIFT;

            if (kind < FLAGSHIP_RELOC_FLAG) {
                continue;
            }

            target = flagship_link_target(l, item, &relocs[k]);

            if (kind == FLAGSHIP_RELOC_FLAG
                && (target == NULL || target->gone))
            {
                name = flagship_literal(flagship_link_chunk(l, item),
                                        relocs[k + 1]);

                flagship_link_pointer(l, item, relocs[k], pointer,
                                      sizeof(pointer));
                flagship_errors_warn(l->errors, "no-flag", item->key, pointer,
                                     "there is no flag \"%.*s\"",
                                     (int) name.len, name.data);
            }

            k++;
        }
    }
}


void
flagship_link_pointer(flagship_linker_t *l, const flagship_item_t *item,
    uint32_t reloc, char *pointer, size_t size)
{
    uint32_t                i, n;
    const char             *source;
    const flagship_mark_t  *m;

    pointer[0] = '\0';

    source = l->unit->sources.data + item->source.offset;

    n = item->source.len ? ((const flagship_source_t *) source)->nmarks : 0;

    if (n == 0) {
        return;
    }

    m = flagship_source_marks(flagship_str(source, item->source.len));

    for (i = 1; i < n && m[i].code <= (reloc & FLAGSHIP_RELOC_MASK); i++) {
        /* void */
    }

    m += i - 1;

    if (item->segment) {
        (void) snprintf(pointer, size, "/when");

    } else if (m->part == FLAGSHIP_PART_WHEN || m->part == FLAGSHIP_PART_SERVE)
    {
        (void) snprintf(pointer, size, "/rules/%u/%s", m->index,
                        m->part == FLAGSHIP_PART_WHEN ? "when" : "serve");

    } else {
        (void) snprintf(pointer, size, "%s",
                        m->part == FLAGSHIP_PART_TARGETING ? "/targeting"
                                                           : "/prerequisites");
    }
}
