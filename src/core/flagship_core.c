
/*
 * Copyright (C) Flagship
 */


/*
 * The arena and the list of errors.  Every object belongs to one thread at a
 * time; nothing here is shared.
 */


#include "flagship_core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define FLAGSHIP_ARENA_BLOCK  16384
#define FLAGSHIP_ARENA_ALIGN  16


struct flagship_arena_block_s {
    flagship_arena_block_t  *next;       /* older */
    size_t                   size;       /* bytes behind this header */
};


static void flagship_errors_put(flagship_errors_t *errors, int warning,
    const char *lint, flagship_str_t key, const char *pointer,
    const char *fmt, va_list args) __attribute__((format(printf, 6, 0)));
static void flagship_cut(char *buf, size_t size, const char *s, size_t len);


void
flagship_arena_init(flagship_arena_t *arena)
{
    arena->block = NULL;
    arena->used = 0;
}


void *
flagship_arena_alloc(flagship_arena_t *arena, size_t size)
{
    size_t                   want;
    flagship_arena_block_t  *block;

    if (size > SIZE_MAX / 4) {
        return NULL;
    }

    size = (size + FLAGSHIP_ARENA_ALIGN - 1)
           & ~(size_t) (FLAGSHIP_ARENA_ALIGN - 1);

    block = arena->block;

    if (block == NULL || size > block->size - arena->used) {

        /* each block doubles the last, so n bytes cost log n allocations */

        want = (block == NULL) ? FLAGSHIP_ARENA_BLOCK : block->size * 2;

        if (want < size) {
            want = size;
        }

        block = malloc(sizeof(flagship_arena_block_t) + want);
        if (block == NULL) {
            return NULL;
        }

        block->next = arena->block;
        block->size = want;

        arena->block = block;
        arena->used = 0;
    }

    arena->used += size;

    return (char *) (block + 1) + arena->used - size;
}


void
flagship_arena_reset(flagship_arena_t *arena)
{
    flagship_arena_block_t  *block, *largest, *next;

    largest = arena->block;

    for (block = arena->block; block != NULL; block = block->next) {
        if (block->size > largest->size) {
            largest = block;
        }
    }

    for (block = arena->block; block != NULL; block = next) {
        next = block->next;

        if (block != largest) {
            free(block);
        }
    }

    if (largest != NULL) {
        largest->next = NULL;
    }

    arena->block = largest;
    arena->used = 0;
}


void
flagship_arena_free(flagship_arena_t *arena)
{
    flagship_arena_block_t  *block, *next;

    for (block = arena->block; block != NULL; block = next) {
        next = block->next;
        free(block);
    }

    flagship_arena_init(arena);
}


void
flagship_errors_init(flagship_errors_t *errors)
{
    errors->n = 0;
    errors->errors = 0;
    errors->warnings = 0;
    errors->lint = 0;
    errors->handler = NULL;
    errors->data = NULL;
}


void
flagship_errors_add(flagship_errors_t *errors, int warning,
    flagship_str_t key, const char *pointer, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    flagship_errors_put(errors, warning, "", key, pointer, fmt, args);
    va_end(args);
}


void
flagship_errors_warn(flagship_errors_t *errors, const char *lint,
    flagship_str_t key, const char *pointer, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    flagship_errors_put(errors, 1, lint, key, pointer, fmt, args);
    va_end(args);
}


static void
flagship_errors_put(flagship_errors_t *errors, int warning, const char *lint,
    flagship_str_t key, const char *pointer, const char *fmt, va_list args)
{
    size_t             len;
    flagship_error_t  *error, last;

    if (warning) {
        errors->warnings++;

    } else {
        errors->errors++;
    }

    if (errors->n < FLAGSHIP_MAX_ERRORS) {
        error = &errors->list[errors->n++];

    } else if (errors->handler) {
        error = &last;

    } else {
        return;
    }

    error->lint = lint;
    error->warning = warning ? 1 : 0;

    flagship_cut(error->key, sizeof(error->key), key.data, key.len);
    flagship_cut(error->pointer, sizeof(error->pointer), pointer,
                 pointer ? strlen(pointer) : 0);

    (void) vsnprintf(error->message, sizeof(error->message), fmt, args);

    len = strlen(error->message);

    if (len == sizeof(error->message) - 1) {
        error->message[flagship_utf8_cut(error->message, len)] = '\0';
    }

    if (errors->handler) {
        errors->handler(errors->data, error);
    }
}


static void
flagship_cut(char *buf, size_t size, const char *s, size_t len)
{
    if (len > size - 1) {
        len = flagship_utf8_cut(s, size - 1);
    }

    if (len) {
        memcpy(buf, s, len);
    }

    buf[len] = '\0';
}


size_t
flagship_utf8_cut(const char *s, size_t len)
{
    size_t         i, need;
    unsigned char  c;

    for (i = 1; i <= 4 && i <= len; i++) {
        c = (unsigned char) s[len - i];

        if (c < 0x80) {
            return len;
        }

        if (c >= 0xc0) {
            need = (c >= 0xf0) ? 4 : (c >= 0xe0) ? 3 : 2;

            return (need > i) ? len - i : len;
        }
    }

    return len;
}
