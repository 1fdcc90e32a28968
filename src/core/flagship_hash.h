
/*
 * Copyright (C) Flagship
 */


/*
 * Hashes that decide who is in: MurmurHash3 (x86, 32 bit) with a state that
 * can be kept after a constant prefix, the SHA-256 bucket of the simple
 * rollout; and the internal hash of the image's tables.
 *
 * MurmurHash3: Austin Appleby, public domain, MurmurHash3_x86_32; the answers
 * are those of flagd (seed 0).
 */


#ifndef _FLAGSHIP_HASH_H_INCLUDED_
#define _FLAGSHIP_HASH_H_INCLUDED_


#include "flagship_core.h"


/*
 * The state after a prefix: "h" after its whole 4-byte blocks, and the up to
 * three bytes that were left.  16 bytes, position-independent, so it lies in
 * an image as it is.
 */

typedef struct {
    uint32_t             h;
    uint32_t             len;        /* bytes of the prefix */
    uint8_t              tail[3];
    uint8_t              ntail;
    uint32_t             reserved;   /* 0 */
} flagship_murmur3_t;


void flagship_murmur3_prefix(flagship_murmur3_t *state, const char *data,
    size_t len);

/* The hash of prefix + data.  Does not allocate. */
uint32_t flagship_murmur3_final(const flagship_murmur3_t *state,
    const char *data, size_t len);

uint32_t flagship_murmur3(const char *data, size_t len);


/*
 * The bucket of the simple rollout, SEMANTICS of the language reference: with
 * H = SHA-256("<user>:<flag>") as a 256-bit big-endian number,
 * (H mod 100) * 10^6 + (H div 100) mod 10^6, that is 0 ... 99 999 999.  A
 * percentage p lets in the buckets below round(p * 10^6).  Does not allocate.
 */

uint32_t flagship_rollout_bucket(flagship_str_t user, flagship_str_t flag);


/*
 * Other systems' buckets: a text's digest, or 32-bit hash, as a big-endian
 * number, modulo "modulus" (not 0).  Do not allocate.
 */

typedef enum {
    FLAGSHIP_BUCKET_SHA256 = 0,
    FLAGSHIP_BUCKET_SHA1,
    FLAGSHIP_BUCKET_MD5,
    FLAGSHIP_BUCKET_MURMUR3,         /* seed 0 */
    FLAGSHIP_BUCKET_FNV1A,           /* 32 bits */
    FLAGSHIP_BUCKET_CRC32,           /* of ISO 3309, as zlib's */
    FLAGSHIP_BUCKET_BAD
} flagship_bucket_e;

/* FLAGSHIP_BUCKET_BAD: there is none of this name. */
unsigned flagship_bucket_algorithm(flagship_str_t name);
uint32_t flagship_bucket(unsigned algorithm, uint32_t modulus,
    flagship_str_t text);


/*
 * The hash of the image's own tables: fast, 32 bits, never decides an
 * assignment.  It is part of the image format: a change of it is a new format
 * version.  Little-endian machines only, as the image itself.
 */

uint32_t flagship_hash32(const char *data, size_t len);

/*
 * The digest of a block, an image or an id set, whose length is a multiple of
 * 32: of everything but its third eight bytes, where it keeps the digest.
 */

uint64_t flagship_digest(const void *data, size_t len);


#endif /* _FLAGSHIP_HASH_H_INCLUDED_ */
