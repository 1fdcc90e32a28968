
/*
 * Copyright (C) Flagship
 */


/*
 * Units: their memory and their symbols.
 *
 * Everything of a unit is in growing buffers, so that compiling a flag
 * allocates only when one of them is full.
 */


#include <stdlib.h>
#include <string.h>

#include "flagship_unit.h"


static int flagship_symbols_grow(flagship_symbols_t *symbols);


flagship_unit_t *
flagship_unit_create(unsigned fractional)
{
    flagship_unit_t  *unit;

    unit = calloc(1, sizeof(flagship_unit_t));
    if (unit == NULL) {
        return NULL;
    }

    unit->fractional = fractional;
    flagship_arena_init(&unit->arena);

    return unit;
}


void
flagship_unit_destroy(flagship_unit_t *unit)
{
    if (unit == NULL) {
        return;
    }

    flagship_symbols_free(&unit->attrs);
    flagship_symbols_free(&unit->atoms);
    flagship_symbols_free(&unit->sets);
    flagship_symbols_free(&unit->known);
    flagship_arena_free(&unit->arena);

    free(unit->flags.list);
    free(unit->segments.list);
    free(unit->chunks.data);
    free(unit->sources.data);
    free(unit->metadata.data);
    free(unit->code.data);
    free(unit->relocs.data);
    free(unit->variants.data);
    free(unit->data.data);
    free(unit->labels.data);
    free(unit->jumps.data);
    free(unit->marks.data);
    free(unit->names.data);
    free(unit->refs.data);

    free(unit);
}


int
flagship_unit_add_set(flagship_unit_t *unit, flagship_str_t name)
{
    return flagship_symbols_add(&unit->known, name) == FLAGSHIP_NONE
           ? FLAGSHIP_ERROR : FLAGSHIP_OK;
}


int
flagship_unit_knows(const flagship_unit_t *unit, flagship_str_t name)
{
    return flagship_symbols_find(&unit->known, name) != FLAGSHIP_NONE;
}


int
flagship_unit_add_broken(flagship_unit_t *unit, flagship_str_t key,
    int segment)
{
    return flagship_unit_entry(unit, segment ? &unit->segments : &unit->flags,
                               key, FLAGSHIP_ENTRY_REFUSED)
           ? FLAGSHIP_OK : FLAGSHIP_ERROR;
}


int
flagship_unit_remove(flagship_unit_t *unit, flagship_str_t key, int segment)
{
    return flagship_unit_entry(unit, segment ? &unit->segments : &unit->flags,
                               key, FLAGSHIP_ENTRY_REMOVED)
           ? FLAGSHIP_OK : FLAGSHIP_ERROR;
}


int
flagship_unit_set_metadata(flagship_unit_t *unit,
    const flagship_json_node_t *metadata)
{
    char    *p;
    size_t   len;

    unit->metadata.len = 0;
    unit->metadata_set = 1;

    if (metadata == NULL || metadata->type != FLAGSHIP_JSON_OBJECT) {
        return FLAGSHIP_OK;
    }

    len = flagship_json_print(metadata, NULL, 0);

    p = flagship_buf_add(&unit->metadata, NULL, len);
    if (p == NULL) {
        return FLAGSHIP_ERROR;
    }

    (void) flagship_json_print(metadata, p, len);

    return FLAGSHIP_OK;
}


flagship_entry_t *
flagship_unit_entry(flagship_unit_t *unit, flagship_entries_t *entries,
    flagship_str_t key, unsigned state)
{
    char              *p;
    uint32_t           size;
    flagship_entry_t  *list, *entry;

    if (entries->n == entries->size) {
        size = entries->size ? entries->size * 2 : 8;

        list = realloc(entries->list, size * sizeof(flagship_entry_t));
        if (list == NULL) {
            return NULL;
        }

        entries->list = list;
        entries->size = size;
    }

    p = flagship_arena_alloc(&unit->arena, key.len + 1);
    if (p == NULL) {
        return NULL;
    }

    memcpy(p, key.data, key.len);

    entry = &entries->list[entries->n];
    memset(entry, 0, sizeof(flagship_entry_t));

    entry->key = flagship_str(p, key.len);
    entry->order = entries->n;
    entry->state = state;
    entries->n++;

    return entry;
}


int
flagship_buf_print(flagship_buf_t *buf, const flagship_json_node_t *node)
{
    char    *p;
    size_t   n, room;

    room = buf->size - buf->len;
    n = flagship_json_print(node, room ? buf->data + buf->len : NULL, room);

    if (n <= room) {
        buf->len += n;
        return FLAGSHIP_OK;
    }

    p = flagship_buf_add(buf, NULL, n);
    if (p == NULL) {
        return FLAGSHIP_ERROR;
    }

    (void) flagship_json_print(node, p, n);

    return FLAGSHIP_OK;
}


int
flagship_buf_grow(flagship_buf_t *buf, size_t n)
{
    char    *p;
    size_t   size;

    size = buf->size ? buf->size : 1024;

    while (size - buf->len < n) {
        size *= 2;
    }

    p = realloc(buf->data, size);
    if (p == NULL) {
        return FLAGSHIP_ERROR;
    }

    buf->data = p;
    buf->size = size;

    return FLAGSHIP_OK;
}


/* The place in the table: of the text, or where it belongs. */

static uint32_t
flagship_symbols_place(const flagship_symbols_t *symbols, flagship_str_t s,
    uint32_t hash)
{
    uint32_t                  i;
    const flagship_symbol_t  *symbol;

    for (i = hash & symbols->mask;
         symbols->table[i] != FLAGSHIP_NONE;
         i = (i + 1) & symbols->mask)
    {
        symbol = &symbols->list[symbols->table[i]];

        if (symbol->hash == hash
            && flagship_str_eq(flagship_symbols_get(symbols,
                                                    symbols->table[i]), s))
        {
            break;
        }
    }

    return i;
}


uint32_t
flagship_symbols_find(const flagship_symbols_t *symbols, flagship_str_t s)
{
    if (symbols->table == NULL) {
        return FLAGSHIP_NONE;
    }

    return symbols->table[flagship_symbols_place(symbols, s,
                                                 flagship_hash32(s.data,
                                                                 s.len))];
}


uint32_t
flagship_symbols_add(flagship_symbols_t *symbols, flagship_str_t s)
{
    uint32_t            hash, i;
    flagship_symbol_t  *symbol;

    if ((symbols->table == NULL || symbols->n > symbols->mask / 2)
        && flagship_symbols_grow(symbols) != FLAGSHIP_OK)
    {
        return FLAGSHIP_NONE;
    }

    hash = flagship_hash32(s.data, s.len);
    i = flagship_symbols_place(symbols, s, hash);

    if (symbols->table[i] != FLAGSHIP_NONE) {
        return symbols->table[i];
    }

    symbol = &symbols->list[symbols->n];
    symbol->hash = hash;
    symbol->offset = symbols->strings.len;
    symbol->len = s.len;

    if (flagship_buf_add(&symbols->strings, s.data, s.len) == NULL) {
        return FLAGSHIP_NONE;
    }

    symbols->table[i] = symbols->n;

    return symbols->n++;
}


static int
flagship_symbols_grow(flagship_symbols_t *symbols)
{
    uint32_t            i, k, mask, *table;
    flagship_symbol_t  *list;

    mask = symbols->table ? symbols->mask * 2 + 1 : 63;

    /* n never passes half of the table */

    list = realloc(symbols->list, (mask / 2 + 2) * sizeof(flagship_symbol_t));
    if (list == NULL) {
        return FLAGSHIP_ERROR;
    }

    symbols->list = list;

    table = malloc(((size_t) mask + 1) * sizeof(uint32_t));
    if (table == NULL) {
        return FLAGSHIP_ERROR;
    }

    memset(table, 0xff, ((size_t) mask + 1) * sizeof(uint32_t));

    for (i = 0; i < symbols->n; i++) {
        k = list[i].hash & mask;

        while (table[k] != FLAGSHIP_NONE) {
            k = (k + 1) & mask;
        }

        table[k] = i;
    }

    free(symbols->table);

    symbols->table = table;
    symbols->mask = mask;

    return FLAGSHIP_OK;
}


void
flagship_symbols_free(flagship_symbols_t *symbols)
{
    free(symbols->list);
    free(symbols->table);
    free(symbols->strings.data);
}


flagship_str_t
flagship_symbols_get(const flagship_symbols_t *symbols, uint32_t i)
{
    return flagship_str(symbols->strings.data + symbols->list[i].offset,
                        symbols->list[i].len);
}
