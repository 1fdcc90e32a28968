
/*
 * Copyright (C) Flagship
 */


/*
 * What a unit holds.  Private to the compiler and the linker.
 *
 * A record's chunk lies in unit->chunks at record.chunk; its symbols are
 * indices into unit->attrs and unit->atoms until the linker renumbers them.
 */


#ifndef _FLAGSHIP_UNIT_H_INCLUDED_
#define _FLAGSHIP_UNIT_H_INCLUDED_


#include <string.h>

#include "flagship_code.h"
#include "flagship_compile.h"
#include "flagship_source.h"


/* Bytes that grow. */

typedef struct {
    char                *data;
    size_t               len;
    size_t               size;
} flagship_buf_t;


/* Interned texts: index <-> text. */

typedef struct {
    flagship_symbol_t   *list;       /* offsets into strings */
    uint32_t             n;
    uint32_t            *table;      /* mask + 1 of indices */
    uint32_t             mask;
    flagship_buf_t       strings;
} flagship_symbols_t;


typedef enum {
    FLAGSHIP_ENTRY_COMPILED = 0,
    FLAGSHIP_ENTRY_REFUSED,          /* no valid form: the last good one */
    FLAGSHIP_ENTRY_REMOVED
} flagship_entry_e;

typedef struct {
    flagship_flag_t      record;
    flagship_source_ref_t  source;   /* in unit->sources */
    flagship_str_t       key;        /* in unit->arena */
    uint32_t             order;      /* a later one replaces an earlier */
    uint8_t              state;      /* flagship_entry_e */
} flagship_entry_t;

typedef struct {
    flagship_entry_t    *list;
    uint32_t             n;
    uint32_t             size;
} flagship_entries_t;


struct flagship_unit_s {
    unsigned                     fractional;
    flagship_arena_t             arena;
    flagship_entries_t           flags;
    flagship_entries_t           segments;
    flagship_symbols_t           attrs;
    flagship_symbols_t           atoms;
    flagship_symbols_t           sets;       /* names of id sets */
    flagship_buf_t               chunks;
    flagship_buf_t               sources;
    flagship_buf_t               metadata;
    unsigned                     metadata_set;

    flagship_symbols_t           known;      /* all sets of the tenant */

    /* flagd's "$evaluators", while a flagd document is compiled */
    const flagship_json_node_t  *evaluators;

    /* of the record that is being compiled; kept for the next */
    flagship_buf_t               code;
    flagship_buf_t               relocs;
    flagship_buf_t               variants;   /* flagship_variant_t */
    flagship_buf_t               data;       /* literals and texts */
    flagship_buf_t               labels;
    flagship_buf_t               jumps;
    flagship_buf_t               marks;      /* names behind the marks */
    flagship_buf_t               names;
    flagship_buf_t               refs;       /* names of $evaluators in use */
};


/* Room for n more bytes. */
int flagship_buf_grow(flagship_buf_t *buf, size_t n);

/* Appends the text of a node; FLAGSHIP_ERROR: no memory. */
int flagship_buf_print(flagship_buf_t *buf, const flagship_json_node_t *node);

/* The index of a text, made where it is new; FLAGSHIP_NONE: no memory. */
uint32_t flagship_symbols_add(flagship_symbols_t *symbols, flagship_str_t s);
uint32_t flagship_symbols_find(const flagship_symbols_t *symbols,
    flagship_str_t s);
void flagship_symbols_free(flagship_symbols_t *symbols);

flagship_str_t flagship_symbols_get(const flagship_symbols_t *symbols,
    uint32_t i);

/* Whether the tenant has an id set of this name. */
int flagship_unit_knows(const flagship_unit_t *unit, flagship_str_t name);

/* A new entry; NULL: no memory. */
flagship_entry_t *flagship_unit_entry(flagship_unit_t *unit,
    flagship_entries_t *entries, flagship_str_t key, unsigned state);


/* Appends n bytes (NULL: leaves them unset); NULL: no memory. */

static inline void *
flagship_buf_add(flagship_buf_t *buf, const void *data, size_t n)
{
    char  *p;

    if ((buf->data == NULL || buf->size - buf->len < n)
        && flagship_buf_grow(buf, n) != FLAGSHIP_OK)
    {
        return NULL;
    }

    p = buf->data + buf->len;
    buf->len += n;

    if (data && n) {
        memcpy(p, data, n);
    }

    return p;
}


#endif /* _FLAGSHIP_UNIT_H_INCLUDED_ */
