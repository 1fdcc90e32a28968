
/*
 * Copyright (C) Flagship
 */


/*
 * The image: one flag set (a tenant's environment), compiled.  Immutable and
 * position-independent: bytes with offsets instead of pointers, so that it
 * can be copied, mapped, shared by processes and kept in a file as it is.
 *
 *     header | attributes | their table | atoms | their table
 *            | flags | their table | table of folded names | segments
 *            | names of id sets | strings | metadata | chunks | sources
 *
 *   attributes  path of a context attribute; an index is a slot
 *   atoms       interned string literals, each once: equality of a literal
 *               and a slot is a compare of two indices
 *   flags       64-byte records in byte order of their keys
 *   segments    records of the same shape, in byte order of their keys
 *   id sets     the names of those that rules look into; their members are
 *               apart (flagship_idset.h) and may change under an image
 *   tables      open addressing, a power of two of indices, -1 empty
 *   chunks      what belongs to one record: variants, code, constants, texts;
 *               offsets in it are relative to it, so a linker copies it and
 *               only renumbers what its relocations name
 *   sources     what is kept of a record for people, and never evaluated
 *
 * flagship_image_verify() proves once that every offset, index and jump is in
 * bounds and that code runs forward only.  Everything else takes a verified
 * image and checks nothing again.
 *
 * Threads: any number may read one image.
 */


#ifndef _FLAGSHIP_IMAGE_H_INCLUDED_
#define _FLAGSHIP_IMAGE_H_INCLUDED_


#include "flagship_core.h"


#define FLAGSHIP_IMAGE_MAGIC    0x31474D4947414C46ull    /* "FLAGIMG1" */
#define FLAGSHIP_IMAGE_FORMAT   8
#define FLAGSHIP_IMAGE_ALIGN    64

#define FLAGSHIP_NONE           0xffffffffu     /* no such index */
#define FLAGSHIP_NO_VARIANT     0xffffu

/* bytes that may be read where the texts of a brief variant start, and the key
   of its flag */
#define FLAGSHIP_BRIEF          16
#define FLAGSHIP_BRIEF_KEY      32


typedef enum {
    FLAGSHIP_TYPE_BOOLEAN = 0,
    FLAGSHIP_TYPE_STRING,
    FLAGSHIP_TYPE_NUMBER,
    FLAGSHIP_TYPE_JSON
} flagship_flag_type_e;


typedef struct {
    uint32_t             offset;     /* from the image's first byte */
    uint32_t             n;          /* elements */
} flagship_section_t;


typedef struct {
    uint64_t             magic;
    uint32_t             format;
    uint32_t             len;        /* of the whole image, bytes */
    uint64_t             digest;     /* of all that follows the header and of
                                        the header's own rest */
    uint32_t             fractional; /* generation 1, 2 or 3 */
    uint32_t             nmemo;      /* records that others ask for */

    flagship_section_t   attrs;
    flagship_section_t   attr_table;
    flagship_section_t   atoms;
    flagship_section_t   atom_table;
    flagship_section_t   flags;
    flagship_section_t   flag_table;
    flagship_section_t   name_table; /* by folded name */
    flagship_section_t   segments;
    flagship_section_t   strings;    /* bytes */
    flagship_section_t   chunks;     /* bytes */
    flagship_section_t   metadata;   /* the flag set's, JSON text */
    flagship_section_t   sources;    /* references: flags', segments' */
    flagship_section_t   sets;       /* names of id sets */

    uint32_t             shadowed;   /* flags whose header name is taken */
    uint32_t             broken;     /* flags that are a PARSE_ERROR */
    uint32_t             exposed;
    uint32_t             lost_sets;  /* the last of the sets, which did not
                                        exist any more when it was linked */
    uint32_t             refused;    /* segments that were left out since all
                                        was compiled: they had no good form */
    uint32_t             reserved;
} flagship_image_t;


typedef struct {
    uint32_t             hash;       /* flagship_hash32 of the text */
    uint32_t             offset;     /* in the strings */
    uint32_t             len;
} flagship_symbol_t;


/* bits of a record */

#define FLAGSHIP_FLAG_ENABLED   0x01
#define FLAGSHIP_FLAG_EXPOSE    0x02
#define FLAGSHIP_FLAG_BROKEN    0x04    /* evaluates to PARSE_ERROR */
#define FLAGSHIP_FLAG_SHADOWED  0x08    /* another flag has its header name */
#define FLAGSHIP_FLAG_KEYED     0x10    /* a segment that depends on the flag
                                           that asks: never memoised */
#define FLAGSHIP_FLAG_STALE     0x20    /* an older form serves: the newest
                                           did not compile */
#define FLAGSHIP_FLAG_LOWERED   0x40    /* flagship_flag_portability() */
#define FLAGSHIP_FLAG_EXTENDED  0x80


/* Whether flagd can serve the flag, with all that it refers to. */

typedef enum {
    FLAGSHIP_PORTABLE = 0,           /* as it is */
    FLAGSHIP_LOWERED,                /* as export rewrites it */
    FLAGSHIP_EXTENDED                /* no: it has what flagd has not */
} flagship_portability_e;


typedef struct {
    uint32_t             hash;       /* of the key */
    uint32_t             chunk;      /* from the image's first byte */
    uint32_t             chunk_len;  /* a multiple of 8 */
    uint32_t             key;        /* in the chunk */

    uint16_t             key_len;
    uint8_t              type;       /* flagship_flag_type_e */
    uint8_t              bits;
    uint16_t             nvariants;
    uint16_t             ncode;      /* instructions, 0: static */

    uint16_t             default_variant;
    uint16_t             off_variant;
    uint32_t             memo;       /* index, FLAGSHIP_NONE: nobody asks */

    int64_t              enable_at;  /* Unix seconds, INT64_MIN: none */
    int64_t              disable_at; /* INT64_MAX: none */

    uint32_t             relocs;     /* in the chunk */
    uint32_t             nrelocs;
    uint32_t             metadata;   /* in the chunk, JSON text */
    uint32_t             metadata_len;
} flagship_flag_t;


/* What an answer with a variant takes. */

typedef enum {
    FLAGSHIP_BRIEF_NO = 0,
    FLAGSHIP_BRIEF_YES,              /* the name needs no escapes in JSON,
                                        neither it nor the value's JSON is
                                        longer than FLAGSHIP_BRIEF, nor the
                                        key than FLAGSHIP_BRIEF_KEY */
    FLAGSHIP_BRIEF_ON,               /* and they are those that the simple */
    FLAGSHIP_BRIEF_OFF               /* form has */
} flagship_brief_e;


/*
 * A variant: its name, its value as JSON (compact ASCII, as the contract of
 * the HTTP API says) and as the text that headers and variables carry.
 * In a chunk the variants stand first, the code behind them.
 */

typedef struct {
    uint32_t             name;       /* offsets in the chunk */
    uint32_t             json;
    uint32_t             text;
    uint32_t             text_len;
    uint32_t             json_len;
    uint16_t             name_len;
    uint8_t              unsendable; /* 1: the text has control bytes or is
                                        over 4 KiB: never a header */
    uint8_t              brief;      /* flagship_brief_e */
} flagship_variant_t;


/*
 * FLAGSHIP_OK, or FLAGSHIP_DECLINED with a static sentence in *error.  "data"
 * must be aligned to 8 bytes.  Bounded by the length; allocates a bitmap.
 */

int flagship_image_verify(const void *data, size_t len, const char **error);

/* The same of all but the digest, before there is one. */
int flagship_image_prove(const void *data, size_t len, const char **error);


#define flagship_at(image, off)   ((const char *) (image) + (off))

#define flagship_flags(image)                                                 \
    ((const flagship_flag_t *) flagship_at(image, (image)->flags.offset))


/* The index of a flag in flagship_flags(), or FLAGSHIP_NONE. */
uint32_t flagship_image_find(const flagship_image_t *image,
    flagship_str_t key);

/*
 * As an nginx variable spells it: "name" is lower case with '_' for '-' and
 * '.'.  A key that is spelled exactly so wins, else the least key in byte
 * order that folds to it.
 */

uint32_t flagship_image_find_folded(const flagship_image_t *image,
    flagship_str_t name);


static inline flagship_str_t
flagship_flag_key(const flagship_image_t *image, uint32_t flag)
{
    const flagship_flag_t  *f = flagship_flags(image) + flag;

    return flagship_str(flagship_at(image, f->chunk + f->key), f->key_len);
}


/* flagship_portability_e. */

static inline unsigned
flagship_flag_portability(const flagship_image_t *image, uint32_t flag)
{
    const flagship_flag_t  *f = flagship_flags(image) + flag;

    return f->bits & FLAGSHIP_FLAG_EXTENDED ? FLAGSHIP_EXTENDED
           : f->bits & FLAGSHIP_FLAG_LOWERED ? FLAGSHIP_LOWERED
           : FLAGSHIP_PORTABLE;
}


/* "portable", "lowered", "extended". */
flagship_str_t flagship_portability_name(unsigned portability);


static inline const flagship_variant_t *
flagship_flag_variant(const flagship_image_t *image, uint32_t flag,
    uint32_t variant)
{
    const flagship_flag_t  *f = flagship_flags(image) + flag;

    return (const flagship_variant_t *) flagship_at(image, f->chunk)
           + variant;
}


static inline flagship_str_t
flagship_variant_name(const flagship_image_t *image, uint32_t flag,
    uint32_t variant)
{
    const flagship_variant_t  *v = flagship_flag_variant(image, flag, variant);

    return flagship_str(flagship_at(image, flagship_flags(image)[flag].chunk
                                           + v->name), v->name_len);
}


static inline flagship_str_t
flagship_variant_text(const flagship_image_t *image, uint32_t flag,
    uint32_t variant)
{
    const flagship_variant_t  *v = flagship_flag_variant(image, flag, variant);

    return flagship_str(flagship_at(image, flagship_flags(image)[flag].chunk
                                           + v->text), v->text_len);
}


static inline flagship_str_t
flagship_variant_json(const flagship_image_t *image, uint32_t flag,
    uint32_t variant)
{
    const flagship_variant_t  *v = flagship_flag_variant(image, flag, variant);

    return flagship_str(flagship_at(image, flagship_flags(image)[flag].chunk
                                           + v->json), v->json_len);
}


/* The path of an attribute, i < image->attrs.n; its hash goes to *hash. */

static inline flagship_str_t
flagship_image_attr(const flagship_image_t *image, uint32_t i, uint32_t *hash)
{
    const flagship_symbol_t  *s;

    s = (const flagship_symbol_t *) flagship_at(image, image->attrs.offset)
        + i;

    *hash = s->hash;

    return flagship_str(flagship_at(image, image->strings.offset + s->offset),
                        s->len);
}


/* The name of an id set, i < image->sets.n. */

static inline flagship_str_t
flagship_image_set(const flagship_image_t *image, uint32_t i)
{
    const flagship_symbol_t  *s;

    s = (const flagship_symbol_t *) flagship_at(image, image->sets.offset) + i;

    return flagship_str(flagship_at(image, image->strings.offset + s->offset),
                        s->len);
}


/* Whether there was no such set any more when the image was linked. */

static inline int
flagship_image_set_lost(const flagship_image_t *image, uint32_t i)
{
    return i >= image->sets.n - image->lost_sets;
}


#endif /* _FLAGSHIP_IMAGE_H_INCLUDED_ */
