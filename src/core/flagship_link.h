
/*
 * Copyright (C) Flagship
 */


/*
 * The linker's own.  flagship_link.c decides which records make up the next
 * image; flagship_layout.c writes it.
 */


#ifndef _FLAGSHIP_LINK_H_INCLUDED_
#define _FLAGSHIP_LINK_H_INCLUDED_


#include "flagship_unit.h"


/* A record that may become part of the image. */

typedef struct {
    flagship_str_t           key;
    flagship_flag_t          record;
    flagship_source_ref_t    source;     /* where the chunk is */
    uint32_t                 entry;      /* in the unit; FLAGSHIP_NONE */
    uint32_t                 old;        /* in the last image; NONE */
    uint32_t                 index;      /* in the next image */
    uint32_t                 memo;
    unsigned                 unit:1;     /* its chunk is the unit's, else the
                                            last image's */
    unsigned                 segment:1;
    unsigned                 gone:1;     /* not part of it */
    unsigned                 refs:1;     /* names other records */
    unsigned                 asked:1;    /* others name it */
    unsigned                 keyed:1;
    unsigned                 stale:1;
    unsigned                 visit:2;    /* of the search for cycles */
    unsigned                 portability:2;
    uint32_t                 depth;
} flagship_item_t;


/* Flags or segments, in byte order of keys, and a table to find them. */

typedef struct {
    flagship_item_t         *list;
    uint32_t                 n;
    uint32_t                *table;
    uint32_t                 mask;
    uint32_t                *renumber;   /* old index -> item; NONE */
} flagship_items_t;


typedef struct {
    flagship_unit_t         *unit;
    const flagship_image_t  *last;
    flagship_errors_t       *errors;
    flagship_items_t         flags;
    flagship_items_t         segments;
    int                      refused;    /* in this round */
    uint32_t                 left_out;   /* segments without a good form */
} flagship_linker_t;


/* The chunk, until the unit grows. */
const char *flagship_link_chunk(const flagship_linker_t *l,
    const flagship_item_t *item);

/* The item with this key, or NULL. */
flagship_item_t *flagship_link_find(const flagship_items_t *items,
    flagship_str_t key);

/* What the i-th word of a record's relocations names: a FLAG's or SEGMENT's
   item, or NULL.  "renumbered" is the old image's index, or NONE. */
flagship_item_t *flagship_link_target(const flagship_linker_t *l,
    const flagship_item_t *item, const uint32_t *reloc);

/* flagship_link_lint.c */

/* Warns of flags that are named and do not exist: asking them fails, or gives
   null. */
void flagship_link_lint(flagship_linker_t *l, flagship_items_t *items);

/* How portable records are, what they refer to included. */
void flagship_link_classes(flagship_linker_t *l);

/* The place in its document that a relocation of the unit is from; "" where
   it is not known. */
void flagship_link_pointer(flagship_linker_t *l, const flagship_item_t *item,
    uint32_t reloc, char *pointer, size_t size);


/* Writes the image of the items that are not gone. */
int flagship_layout(flagship_linker_t *l, flagship_image_t **image,
    size_t *len);


#endif /* _FLAGSHIP_LINK_H_INCLUDED_ */
