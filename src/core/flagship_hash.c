
/*
 * Copyright (C) Flagship
 */


/*
 * Hashes.  Pure functions that allocate nothing; any thread may call.
 *
 * The answers of flagship_murmur3*() and flagship_rollout_bucket() decide who
 * is in, so they never change; those of flagship_hash32() are part of the
 * image format.
 */


#define OPENSSL_SUPPRESS_DEPRECATED

#include "flagship_hash.h"

#include <openssl/md5.h>
#include <openssl/sha.h>
#include <string.h>


#define FLAGSHIP_SHA256_ONE  55     /* bytes that fit one block */

#define FLAGSHIP_MURMUR3_C1  0xcc9e2d51u
#define FLAGSHIP_MURMUR3_C2  0x1b873593u

/* the digits of the fraction of the golden ratio, and of pi's */
#define FLAGSHIP_HASH_K0     0x9e3779b97f4a7c15ull
#define FLAGSHIP_HASH_K1     0x243f6a8885a308d3ull
#define FLAGSHIP_HASH_K2     0x13198a2e03707345ull


static inline uint32_t
flagship_fnv1a(flagship_str_t s)
{
    size_t    i;
    uint32_t  h;

    h = 0x811c9dc5u;

    for (i = 0; i < s.len; i++) {
        h = (h ^ (uint8_t) s.data[i]) * 0x01000193u;
    }

    return h;
}


/* Four bits at a time: a table of 16 is enough for texts this short. */

static inline uint32_t
flagship_crc32(flagship_str_t s)
{
    size_t    i;
    uint32_t  crc;

    static const uint32_t  table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
        0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c
    };

    crc = 0xffffffff;

    for (i = 0; i < s.len; i++) {
        crc ^= (uint8_t) s.data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }

    return ~crc;
}


static inline uint32_t
flagship_read32(const char *p)
{
    uint32_t  v;

    memcpy(&v, p, sizeof(v));

    return v;
}


static inline uint64_t
flagship_read64(const char *p)
{
    uint64_t  v;

    memcpy(&v, p, sizeof(v));

    return v;
}


static inline uint32_t
flagship_rotl32(uint32_t x, unsigned n)
{
    return (x << n) | (x >> (32 - n));
}


static inline uint32_t
flagship_murmur3_mix(uint32_t h, uint32_t k)
{
    k *= FLAGSHIP_MURMUR3_C1;
    k = flagship_rotl32(k, 15);
    h ^= k * FLAGSHIP_MURMUR3_C2;
    h = flagship_rotl32(h, 13);

    return h * 5 + 0xe6546b64u;
}


void
flagship_murmur3_prefix(flagship_murmur3_t *state, const char *data,
    size_t len)
{
    uint32_t  h;

    h = 0;
    state->len = (uint32_t) len;

    for ( /* void */ ; len >= 4; data += 4, len -= 4) {
        h = flagship_murmur3_mix(h, flagship_read32(data));
    }

    memset(state->tail, 0, sizeof(state->tail));

    if (len) {
        memcpy(state->tail, data, len);
    }

    state->h = h;
    state->ntail = (uint8_t) len;
    state->reserved = 0;
}


uint32_t
flagship_murmur3_final(const flagship_murmur3_t *state, const char *data,
    size_t len)
{
    uint32_t  h, k, n, total;

    h = state->h;
    n = state->ntail;
    total = state->len + (uint32_t) len;

    k = (uint32_t) state->tail[0] | (uint32_t) state->tail[1] << 8
        | (uint32_t) state->tail[2] << 16;

    if (n) {

        /* the prefix's last bytes and the first of the data are one block */

        for ( /* void */ ; n < 4 && len; n++, data++, len--) {
            k |= (uint32_t) (uint8_t) *data << (8 * n);
        }

        if (n == 4) {
            h = flagship_murmur3_mix(h, k);
            k = 0;
            n = 0;
        }
    }

    for ( /* void */ ; len >= 4; data += 4, len -= 4) {
        h = flagship_murmur3_mix(h, flagship_read32(data));
    }

    /* either the block above is open still, or nothing of it is left */

    for ( /* void */ ; len; n++, data++, len--) {
        k |= (uint32_t) (uint8_t) *data << (8 * n);
    }

    k *= FLAGSHIP_MURMUR3_C1;
    k = flagship_rotl32(k, 15);
    h ^= k * FLAGSHIP_MURMUR3_C2;

    h ^= total;
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    h ^= h >> 16;

    return h;
}


uint32_t
flagship_murmur3(const char *data, size_t len)
{
    static const flagship_murmur3_t  empty;

    return flagship_murmur3_final(&empty, data, len);
}


/*
 * With T = H mod 10^8: H mod 100 = T mod 100, and (H div 100) mod 10^6 =
 * T div 100.  T is the sum of the digest's words times 2^(32 * i) mod 10^8,
 * which fits 62 bits.
 */

uint32_t
flagship_rollout_bucket(flagship_str_t user, flagship_str_t flag)
{
    size_t         len;
    uint64_t       sum;
    uint32_t       t;
    unsigned       i;
    SHA256_CTX     ctx;
    unsigned char  block[SHA256_CBLOCK];

    /* 2^(32 * (7 - i)) mod 10^8 */

    static const uint32_t  weight[8] = {
        10249216, 34512896, 32542976, 68211456,
        43950336, 9551616, 94967296, 1
    };

    SHA256_Init(&ctx);

    len = user.len + 1 + flag.len;

    if (user.len < SHA256_CBLOCK && flag.len < SHA256_CBLOCK
        && len <= FLAGSHIP_SHA256_ONE)
    {
        /* one block, as SHA256_Final() would make it */

        memset(block, 0, SHA256_CBLOCK);

        if (user.len) {
            memcpy(block, user.data, user.len);
        }

        block[user.len] = ':';

        if (flag.len) {
            memcpy(block + user.len + 1, flag.data, flag.len);
        }

        block[len] = 0x80;
        block[SHA256_CBLOCK - 2] = (unsigned char) (len >> 5);
        block[SHA256_CBLOCK - 1] = (unsigned char) (len << 3);

        SHA256_Transform(&ctx, block);

    } else {
        SHA256_Update(&ctx, user.data, user.len);
        SHA256_Update(&ctx, ":", 1);
        SHA256_Update(&ctx, flag.data, flag.len);
        SHA256_Final(block, &ctx);
    }

    /* the context still holds the digest, as words */

    sum = 0;

    for (i = 0; i < 8; i++) {
        sum += (uint64_t) weight[i] * ctx.h[i];
    }

    t = (uint32_t) (sum % 100000000);

    return t % 100 * 1000000 + t / 100;
}


unsigned
flagship_bucket_algorithm(flagship_str_t name)
{
    unsigned  i;

    static const flagship_str_t  names[FLAGSHIP_BUCKET_BAD] = {
        flagship_string("sha256"),
        flagship_string("sha1"),
        flagship_string("md5"),
        flagship_string("murmur3"),
        flagship_string("fnv1a"),
        flagship_string("crc32")
    };

    for (i = 0; i < FLAGSHIP_BUCKET_BAD; i++) {
        if (flagship_str_eq(names[i], name)) {
            break;
        }
    }

    return i;
}


uint32_t
flagship_bucket(unsigned algorithm, uint32_t modulus, flagship_str_t text)
{
    size_t         i, n;
    uint64_t       rest;
    MD5_CTX        md5;
    SHA_CTX        sha1;
    SHA256_CTX     sha256;
    unsigned char  digest[SHA256_DIGEST_LENGTH];

    switch (algorithm) {

    case FLAGSHIP_BUCKET_SHA256:
        SHA256_Init(&sha256);
        SHA256_Update(&sha256, text.data, text.len);
        SHA256_Final(digest, &sha256);
        n = SHA256_DIGEST_LENGTH;
        break;

    case FLAGSHIP_BUCKET_SHA1:
        SHA1_Init(&sha1);
        SHA1_Update(&sha1, text.data, text.len);
        SHA1_Final(digest, &sha1);
        n = SHA_DIGEST_LENGTH;
        break;

    case FLAGSHIP_BUCKET_MD5:
        MD5_Init(&md5);
        MD5_Update(&md5, text.data, text.len);
        MD5_Final(digest, &md5);
        n = MD5_DIGEST_LENGTH;
        break;

    case FLAGSHIP_BUCKET_MURMUR3:
        return flagship_murmur3(text.data, text.len) % modulus;

    case FLAGSHIP_BUCKET_FNV1A:
        return flagship_fnv1a(text) % modulus;

    default: /* FLAGSHIP_BUCKET_CRC32 */
        return flagship_crc32(text) % modulus;
    }

    rest = 0;

    for (i = 0; i < n; i++) {
        rest = (rest << 8 | digest[i]) % modulus;
    }

    return (uint32_t) rest;
}


/* Both halves of the product depend on every bit of both factors. */

static inline uint64_t
flagship_hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128  product;

    product = (unsigned __int128) a * b;

    return (uint64_t) product ^ (uint64_t) (product >> 64);
}


/*
 * 16 bytes at a time; the last 16 are read from the end, so they overlap what
 * was read before and no byte outside is touched.
 */

uint32_t
flagship_hash32(const char *data, size_t len)
{
    size_t       n;
    uint64_t     a, b, h;

    h = FLAGSHIP_HASH_K0 ^ len;

    if (len > 16) {

        for (n = len; n > 16; data += 16, n -= 16) {
            h = flagship_hash_fold(flagship_read64(data) ^ FLAGSHIP_HASH_K1,
                                   flagship_read64(data + 8) ^ h);
        }

        a = flagship_read64(data + n - 16);
        b = flagship_read64(data + n - 8);

    } else if (len >= 8) {
        a = flagship_read64(data);
        b = flagship_read64(data + len - 8);

    } else if (len >= 4) {
        a = flagship_read32(data);
        b = flagship_read32(data + len - 4);

    } else if (len) {
        a = (uint64_t) (uint8_t) data[0] << 16
            | (uint64_t) (uint8_t) data[len >> 1] << 8
            | (uint64_t) (uint8_t) data[len - 1];
        b = 0;

    } else {
        a = 0;
        b = 0;
    }

    h = flagship_hash_fold(a ^ FLAGSHIP_HASH_K1, b ^ h);
    h = flagship_hash_fold(h ^ FLAGSHIP_HASH_K2, len ^ FLAGSHIP_HASH_K1);

    return (uint32_t) (h ^ h >> 32);
}


/*
 * Four lanes of multiply and xor-shift over 8-byte words.  It finds torn
 * writes and bit rot, no adversary: the file that keeps a block has a
 * cryptographic digest of its own.
 */

uint64_t
flagship_digest(const void *data, size_t len)
{
    size_t       i, n;
    uint64_t     digest, lane[4], w[4];
    const char  *p;

    p = data;
    n = len / sizeof(w);

    lane[0] = 0x9e3779b97f4a7c15ull;
    lane[1] = 0xc2b2ae3d27d4eb4full;
    lane[2] = 0x165667b19e3779f9ull;
    lane[3] = 0xd6e8feb86659fd93ull;

    for (i = 0; i < n; i++) {
        memcpy(w, p + i * sizeof(w), sizeof(w));

        if (i == 0) {
            w[2] = 0;
        }

        lane[0] = (lane[0] ^ w[0]) * 0xff51afd7ed558ccdull;
        lane[1] = (lane[1] ^ w[1]) * 0xff51afd7ed558ccdull;
        lane[2] = (lane[2] ^ w[2]) * 0xff51afd7ed558ccdull;
        lane[3] = (lane[3] ^ w[3]) * 0xff51afd7ed558ccdull;

        lane[0] ^= lane[0] >> 32;
        lane[1] ^= lane[1] >> 32;
        lane[2] ^= lane[2] >> 32;
        lane[3] ^= lane[3] >> 32;
    }

    digest = len;

    for (i = 0; i < 4; i++) {
        digest = (digest ^ lane[i]) * 0xc4ceb9fe1a85ec53ull;
        digest ^= digest >> 29;
    }

    return digest;
}
