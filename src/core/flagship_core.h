
/*
 * Copyright (C) Flagship
 */


/*
 * The ground of libflagship: strings, the arena that builders allocate from,
 * and the list of errors that every reader of documents fills.
 *
 * libflagship is plain C11.  It knows neither nginx nor libpq, keeps no
 * mutable global state, and may be called from any thread as long as no two
 * threads use one object at a time.
 */


#ifndef _FLAGSHIP_CORE_H_INCLUDED_
#define _FLAGSHIP_CORE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define FLAGSHIP_OK          0
#define FLAGSHIP_ERROR      -1    /* out of memory or a broken invariant */
#define FLAGSHIP_DECLINED   -5    /* the input is not what it must be */

/* Bounds of what is accepted, so that nothing after them needs a check. */

#define FLAGSHIP_MAX_DEPTH       64          /* nesting of JSON */
#define FLAGSHIP_MAX_DOCUMENT    (64 << 20)  /* bytes of a document */
#define FLAGSHIP_MAX_FLAG        (1 << 20)   /* bytes of one flag */
#define FLAGSHIP_MAX_KEY         128         /* bytes of a key */


/* Not null-terminated.  The memory belongs to whoever made it. */

typedef struct {
    size_t               len;
    const char          *data;
} flagship_str_t;


#define flagship_string(s)       { sizeof(s) - 1, s }
#define flagship_str(p, n)       ((flagship_str_t) { (n), (p) })


/*
 * An arena: allocations that are freed together.  flagship_arena_reset()
 * keeps its largest block, so that compiling ten thousand flags in turn
 * allocates a handful of times.
 */

typedef struct flagship_arena_block_s  flagship_arena_block_t;

typedef struct {
    flagship_arena_block_t  *block;      /* newest first */
    size_t                   used;       /* bytes used of the newest */
} flagship_arena_t;


void flagship_arena_init(flagship_arena_t *arena);
void flagship_arena_reset(flagship_arena_t *arena);
void flagship_arena_free(flagship_arena_t *arena);

/* 16-byte aligned, not cleared; NULL when there is no memory. */
void *flagship_arena_alloc(flagship_arena_t *arena, size_t size);


/*
 * Errors and warnings about an input.  A pointer is a JSON Pointer (RFC 6901)
 * into the document; a message is a sentence without a full stop that names
 * the value.  Both are cut, never refused, when they are too long.  At most
 * FLAGSHIP_MAX_ERRORS are kept, the others only counted; a handler, where it
 * is set after flagship_errors_init(), is called with every one.
 *
 * Where "lint" is set after flagship_errors_init(), the compiler also warns of
 * what compiles but is hardly meant.  That costs a second look at every rule.
 */

#define FLAGSHIP_MAX_ERRORS  32

typedef struct {
    char                 key[FLAGSHIP_MAX_KEY + 1];  /* of the flag; "" none */
    char                 pointer[192];
    char                 message[192];
    const char          *lint;       /* of a warning: what kind, a static
                                        name as "never-on"; else "" */
    unsigned             warning:1;
} flagship_error_t;

typedef void (*flagship_error_pt)(void *data, const flagship_error_t *error);

typedef struct {
    unsigned             n;          /* kept */
    unsigned             errors;     /* counted, warnings apart */
    unsigned             warnings;
    unsigned             lint;       /* 1: asked for */
    flagship_error_pt    handler;    /* NULL: none */
    void                *data;
    flagship_error_t     list[FLAGSHIP_MAX_ERRORS];
} flagship_errors_t;


void flagship_errors_init(flagship_errors_t *errors);
void flagship_errors_add(flagship_errors_t *errors, int warning,
    flagship_str_t key, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* A warning with a name. */
void flagship_errors_warn(flagship_errors_t *errors, const char *lint,
    flagship_str_t key, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));


/*
 * The length without a last sequence of UTF-8 that "len" has cut short.
 * A text that is no UTF-8 is left as it is.
 */

size_t flagship_utf8_cut(const char *s, size_t len);


static inline int
flagship_str_eq(flagship_str_t a, flagship_str_t b)
{
    return a.len == b.len
           && (a.len == 0 || __builtin_memcmp(a.data, b.data, a.len) == 0);
}


#define flagship_str_is(s, literal)                                           \
    ((s).len == sizeof(literal) - 1                                           \
     && __builtin_memcmp((s).data, literal, sizeof(literal) - 1) == 0)


#endif /* _FLAGSHIP_CORE_H_INCLUDED_ */
