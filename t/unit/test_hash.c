
/*
 * Copyright (C) Flagship
 */


#include "unit.h"
#include "flagship_hash.h"


typedef struct {
    flagship_str_t  data;
    uint32_t        hash;
} hash_case_t;


/* published answers of MurmurHash3_x86_32 with seed 0 */

static void
murmur3_gives_the_published_answers(void **state)
{
    char    *copy;
    size_t   i;

    static const hash_case_t  cases[] = {
        { flagship_string(""), 0 },
        { flagship_string("\0"), 0x514e28b7 },
        { flagship_string("\0\0"), 0x30f4c306 },
        { flagship_string("\0\0\0"), 0x85f0b427 },
        { flagship_string("\0\0\0\0"), 0x2362f9de },
        { flagship_string("\xff\xff\xff\xff"), 0x76293b50 },
        { flagship_string("\x21"), 0x72661cf4 },
        { flagship_string("\x21\x43"), 0xa0f7b07a },
        { flagship_string("\x21\x43\x65"), 0x7e4a8634 },
        { flagship_string("\x21\x43\x65\x87"), 0xf55b516b },
        { flagship_string("test"), 0xba6bd213 },
        { flagship_string("hello"), 0x248bfa47 },
        { flagship_string("hello, world"), 0x149bbb7f },
        { flagship_string("Hello, world!"), 0xc0363e43 },
        { flagship_string("19 Jan 2038 at 3:14:07 AM"), 0xe31e8a70 },
        { flagship_string("The quick brown fox jumps over the lazy dog"),
          0x2e4ff723 },
        { flagship_string("The quick brown fox jumps over the lazy dog."),
          0xd5c48bfc }
    };

    for (i = 0; i < unit_n(cases); i++) {
        copy = unit_copy(cases[i].data.data, cases[i].data.len);

        assert_int_equal(flagship_murmur3(copy, cases[i].data.len),
                         cases[i].hash);
        free(copy);
    }
}


static void
murmur3_of_a_prefix_is_that_of_the_whole(void **state)
{
    char                text[40], *prefix, *rest;
    size_t              len, cut;
    uint32_t            whole;
    uint64_t            seed;
    flagship_murmur3_t  kept;

    seed = 7;

    for (len = 0; len < sizeof(text); len++) {
        text[len] = (char) unit_random(&seed);
    }

    for (len = 0; len <= sizeof(text); len++) {
        whole = flagship_murmur3(text, len);

        for (cut = 0; cut <= len; cut++) {
            prefix = unit_copy(text, cut);
            rest = unit_copy(text + cut, len - cut);

            memset(&kept, 0xa5, sizeof(kept));
            flagship_murmur3_prefix(&kept, prefix, cut);
            free(prefix);

            assert_int_equal(flagship_murmur3_final(&kept, rest, len - cut),
                             whole);
            assert_int_equal(kept.reserved, 0);
            free(rest);
        }
    }
}


/* An image that is made here must be read there, so these never change. */

static void
hash32_is_the_one_of_the_image_format(void **state)
{
    char      text[100];
    size_t    len;
    uint32_t  all;

    for (len = 0; len < sizeof(text); len++) {
        text[len] = (char) (len * 37 + 11);
    }

    all = 0;

    for (len = 0; len <= sizeof(text); len++) {
        all = all * 31 + flagship_hash32(text, len);
    }

    assert_int_equal(flagship_hash32("", 0), 0xce2ec649);
    assert_int_equal(flagship_hash32("targetingKey", 12), 0x9b9d6612);
    assert_int_equal(flagship_hash32("a-longer-name.of-some_flag", 26),
                     0x3bf9c2c5);
    assert_int_equal(all, 0xc5d3c8bc);
}


static void
hash32_depends_on_every_byte_and_the_length(void **state)
{
    char      text[70], *copy;
    size_t    len, i;
    uint32_t  hash;

    memset(text, 'a', sizeof(text));

    for (len = 1; len <= sizeof(text); len++) {
        copy = unit_copy(text, len);
        hash = flagship_hash32(copy, len);

        assert_int_not_equal(hash, flagship_hash32(text, len - 1));

        for (i = 0; i < len; i++) {
            copy[i] ^= 1;
            assert_int_not_equal(flagship_hash32(copy, len), hash);
            copy[i] ^= 1;
        }

        free(copy);
    }
}


/*
 * Names as people number them fill a table of a power of two as chance would:
 * chi-squared over its slots has as many degrees of freedom, so it stays
 * within five standard deviations, sqrt(2 * slots), of their number.
 */

static void
spread(const char *fmt, unsigned shift)
{
    int        len;
    char       text[64];
    double     chi2, expected, d;
    unsigned   i, n, slots, *count;

    slots = 4096;
    n = slots * 20;
    count = calloc(slots, sizeof(unsigned));
    assert_non_null(count);

    for (i = 0; i < n; i++) {
        len = snprintf(text, sizeof(text), fmt, i);
        count[(flagship_hash32(text, (size_t) len) >> shift)
              & (slots - 1)]++;
    }

    chi2 = 0;
    expected = (double) n / slots;

    for (i = 0; i < slots; i++) {
        d = count[i] - expected;
        chi2 += d * d / expected;
    }

    free(count);

    if (chi2 < slots - 5 * 90.5 || chi2 > slots + 5 * 90.5) {
        fail_msg("\"%s\" >> %u: chi-squared is %.0f of %u",
                 fmt, shift, chi2, slots);
    }
}


static void
hash32_spreads_numbered_names(void **state)
{
    size_t  i;

    static const char  *formats[] = {
        "%u", "%x", "f%u", "flag-%u", "user%08u", "feature-number-%u",
        "a-rather-long-prefix-for-a-flag-%u", "%u-suffix-that-is-long-too",
        "%u.example.com", "00000000000000000000000000000000%u"
    };

    for (i = 0; i < unit_n(formats); i++) {
        spread(formats[i], 0);
        spread(formats[i], 20);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(murmur3_gives_the_published_answers),
        cmocka_unit_test(murmur3_of_a_prefix_is_that_of_the_whole),
        cmocka_unit_test(hash32_is_the_one_of_the_image_format),
        cmocka_unit_test(hash32_depends_on_every_byte_and_the_length),
        cmocka_unit_test(hash32_spreads_numbered_names)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
