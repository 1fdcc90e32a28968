
/*
 * Copyright (C) Flagship
 */


/*
 * CBOR: the examples of RFC 8949, appendix A, as far as JSON can say them and
 * with whole numbers as integers.
 */


#include "unit.h"

#include "flagship_cbor.h"


static size_t
encode(const char *text, char *buf, size_t size)
{
    char              *copy;
    size_t             len;
    flagship_json_t    json;
    flagship_value_t   v;

    copy = unit_copy(text, strlen(text));

    flagship_json_init(&json);
    assert_int_equal(flagship_json_parse(&json, copy, strlen(text)),
                     FLAGSHIP_OK);
    flagship_value_node(&v, json.nodes);

    len = flagship_cbor(&v, buf, size);

    flagship_json_free(&json);
    free(copy);

    return len;
}


static void
values_have_the_published_form(void **state)
{
    char    buf[512] __attribute__((aligned(8))), hex[1025];
    size_t  i, k, n;

    static const struct {
        const char  *json;
        const char  *hex;
    } cases[] = {
        { "0", "00" }, { "1", "01" }, { "10", "0a" }, { "23", "17" },
        { "24", "1818" }, { "25", "1819" }, { "100", "1864" },
        { "1000", "1903e8" }, { "1000000", "1a000f4240" },
        { "1000000000000", "1b000000e8d4a51000" },
        { "-1", "20" }, { "-10", "29" }, { "-100", "3863" },
        { "-1000", "3903e7" }, { "-0", "00" }, { "1.0", "01" },
        { "1.1", "fb3ff199999999999a" }, { "1.5", "f93e00" },
        { "65504", "19ffe0" }, { "0.5", "f93800" }, { "-0.25", "f9b400" },
        { "3.4028234663852886e+38", "fa7f7fffff" },
        { "1.0e+300", "fb7e37e43c8800759c" },
        { "5.960464477539063e-8", "f90001" },
        { "0.00006103515625", "f90400" }, { "-4.1", "fbc010666666666666" },
        { "1e20", "fb4415af1d78b58c40" },
        { "0.10000000149011612", "fa3dcccccd" },
        { "5e-324", "fb0000000000000001" },
        { "9007199254740992", "1b0020000000000000" },
        { "18446744073709551616", "fa5f800000" },
        { "-9223372036854775808", "3b7fffffffffffffff" },
        { "false", "f4" }, { "true", "f5" }, { "null", "f6" },
        { "\"\"", "60" }, { "\"a\"", "6161" }, { "\"IETF\"", "6449455446" },
        { "\"\\\"\\\\\"", "62225c" }, { "\"\\u00fc\"", "62c3bc" },
        { "\"\\ud800\\udd51\"", "64f0908591" },
        { "[]", "80" }, { "[1, 2, 3]", "83010203" },
        { "[1, [2, 3], [4, 5]]", "8301820203820405" },
        { "{}", "a0" }, { "{\"b\": [2, 3], \"a\": 1}",
          "a26161016162820203" },
        { "{\"b\": 1, \"aa\": 2, \"\": 3, \"a\": {\"d\": 4, \"c\": 5}}",
          "a460036161a2616305616404616201626161" "02" }
    };

    for (i = 0; i < unit_n(cases); i++) {
        n = encode(cases[i].json, buf, sizeof(buf));

        for (k = 0, hex[0] = '\0'; k < n; k++) {
            snprintf(hex + 2 * k, 3, "%02x", (unsigned char) buf[k]);
        }

        assert_string_equal(hex, cases[i].hex);
    }
}


static void
what_does_not_fit_is_said(void **state)
{
    char    *buf;
    size_t   n;

    static const char  text[] =
        "{\"list\": [1, 2.5, \"abc\"], \"b\": {\"y\": 1, \"x\": true}}";

    for (n = 0; n <= 64; n += 8) {
        buf = malloc(n + 1);
        assert_non_null(buf);

        if (encode(text, buf, n)) {
            assert_true(n >= 40);

        } else {
            assert_true(n < 64);
        }

        free(buf);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(values_have_the_published_form),
        cmocka_unit_test(what_does_not_fit_is_said)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
