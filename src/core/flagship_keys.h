
/*
 * Copyright (C) Flagship
 */


/*
 * API keys as one immutable, position-independent blob, so that they lie in
 * shared memory beside the flags and are looked up without a query:
 *
 *     header | keys, in byte order of their ids | table of keys by id, open
 *            addressing | strings
 *
 * A key is flagship_<id>_<secret>.  The blob holds the id, which is public,
 * and the SHA-256 of the secret, never the secret.
 *
 * The functions log nothing and keep no state; any thread may call them.
 */


#ifndef _FLAGSHIP_KEYS_H_INCLUDED_
#define _FLAGSHIP_KEYS_H_INCLUDED_


#include "flagship_core.h"


#define FLAGSHIP_KEY_HASH      32          /* bytes of a SHA-256 */
#define FLAGSHIP_KEY_MAX_NAME  255         /* bytes of each of its names */
#define FLAGSHIP_KEY_FOREVER   INT64_MAX


/* Each may do what those before it may. */

typedef enum {
    FLAGSHIP_ROLE_NONE = 0,
    FLAGSHIP_ROLE_CLIENT,
    FLAGSHIP_ROLE_VIEWER,
    FLAGSHIP_ROLE_EDITOR,
    FLAGSHIP_ROLE_ADMIN,             /* of one tenant */
    FLAGSHIP_ROLE_OPERATOR           /* of all tenants, where it has none */
} flagship_role_e;

/* FLAGSHIP_ROLE_NONE: there is none of this name ("none" names it, too). */
unsigned flagship_role(flagship_str_t name);


/* One key, as it goes in and comes out; out, it points into the blob. */

typedef struct {
    flagship_str_t         id;             /* 1 to 255 bytes */
    flagship_str_t         tenant;         /* empty: all; operators' only */
    flagship_str_t         environment;    /* empty: all of the tenant */
    const unsigned char   *hash;           /* FLAGSHIP_KEY_HASH bytes */
    int64_t                expires;        /* Unix seconds: worth nothing from
                                              then on */
    unsigned               role;           /* flagship_role_e, not NONE */
    unsigned               see_unexposed:1;
} flagship_key_t;


/*
 * Whether a key may be in a blob; a reason for people where not.  Which names
 * the characters of an id come from is whoever makes keys to say.
 */

const char *flagship_key_refused(const flagship_key_t *key);

/*
 * The blob of the keys, of malloc().  Sorts the list.  FLAGSHIP_OK;
 * FLAGSHIP_DECLINED: a key may not be there, two have one id, or they are more
 * than 4 GiB; FLAGSHIP_ERROR: no memory.
 */

int flagship_keys_build(flagship_key_t *keys, size_t n, void **blob,
    size_t *len);

/* FLAGSHIP_OK: the blob, which is aligned to 8 bytes, is one of these, and
   the functions below stay within it.  Else FLAGSHIP_DECLINED. */
int flagship_keys_verify(const void *blob, size_t len);

/* The number of keys; the i-th one; the one of this id (FLAGSHIP_DECLINED:
   there is none).  Do not allocate. */
size_t flagship_keys_n(const void *blob);
void flagship_keys_get(const void *blob, size_t i, flagship_key_t *key);
int flagship_keys_find(const void *blob, flagship_str_t id,
    flagship_key_t *key);


#endif /* _FLAGSHIP_KEYS_H_INCLUDED_ */
