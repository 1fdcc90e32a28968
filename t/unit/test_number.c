
/*
 * Copyright (C) Flagship
 */


/*
 * Numbers, there and back.  libc is the witness where one is needed: its
 * conversions are correctly rounded, and the tests set no locale.
 */


#include "unit.h"
#include "flagship_json.h"

#include <float.h>
#include <math.h>


typedef struct {
    const char  *text;
    double       number;
} number_parse_t;


typedef struct {
    double       number;
    const char  *text;
} number_print_t;


static double
parse(const char *text, int loose)
{
    char    *copy;
    size_t   len;
    double   number;

    len = strlen(text);
    copy = unit_copy(text, len);

    number = flagship_number_parse(copy, len, loose);
    free(copy);

    return number;
}


static void
expect_parse(const char *text, double number)
{
    double  got;

    got = parse(text, 0);

    if (memcmp(&got, &number, sizeof(double)) != 0) {
        fail_msg("\"%.60s\" is %a, not %a", text, got, number);
    }
}


static void
expect_print(double number, const char *text)
{
    char    buf[FLAGSHIP_NUMBER_LEN + 1];
    size_t  len;

    len = flagship_number_print(number, buf);
    assert_true(len <= FLAGSHIP_NUMBER_LEN);
    buf[len] = '\0';

    if (strcmp(buf, text) != 0) {
        fail_msg("%a is \"%s\", not \"%s\"", number, buf, text);
    }
}


static void
numbers_of_json_are_read(void **state)
{
    size_t  i;

    static const number_parse_t  cases[] = {
        { "0", 0 }, { "-0", -0.0 }, { "0.0", 0 }, { "-0.0e5", -0.0 },
        { "0e999999999999999999999", 0 }, { "1", 1 }, { "-1", -1 },
        { "10", 10 }, { "1.5", 1.5 }, { "1.50", 1.5 }, { "0.1", 0.1 },
        { "1e2", 100 }, { "1E+2", 100 }, { "1e-2", 0.01 },
        { "100e-2", 1 }, { "0.001e3", 1 }, { "1e22", 1e22 },
        { "1e23", 1e23 }, { "123456789012345678", 123456789012345678.0 },
        { "9007199254740991", 9007199254740991.0 },
        { "9007199254740993", 9007199254740992.0 },
        { "9223372036854775807", 9223372036854775808.0 },
        { "18446744073709551615", 18446744073709551616.0 },
        { "18446744073709551616", 18446744073709551616.0 },
        { "100000000000000000000", 1e20 },
        { "1000000000000000000000000000000e-30", 1 },
        { "0.000000000000000000000000000001e30", 1 },
        { "1e308", 1e308 }, { "1.7976931348623157e308", DBL_MAX },
        { "1.7976931348623158e308", DBL_MAX },
        { "2.2250738585072014e-308", DBL_MIN },
        { "5e-324", 0x1p-1074 }, { "4.9e-324", 0x1p-1074 },
        { "1e-400", 0 }, { "-1e-400", -0.0 },
        { "1e-99999999999999999999", 0 }
    };

    for (i = 0; i < unit_n(cases); i++) {
        expect_parse(cases[i].text, cases[i].number);
    }
}


/* texts that conversions are known to have got wrong */

static void
hard_numbers_are_rounded_correctly(void **state)
{
    size_t  i;

    static const number_parse_t  cases[] = {
        { "2.2250738585072011e-308", 0x0.fffffffffffffp-1022 },
        { "2.2250738585072012e-308", DBL_MIN },
        { "2.4703282292062327e-324", 0 },
        { "2.4703282292062328e-324", 0x1p-1074 },
        { "7.4109846876186981e-324", 0x1p-1074 },
        { "7.4109846876186982e-324", 0x1p-1073 },
        { "6.631236846766476e-316", 6.631236846766476e-316 },
        { "3.237883913302901289588352412501532174863037669423108059901297e-319",
          0x0.000000000ffffp-1022 },
        { "8.41e21", 8.41e21 }, { "8.44e21", 8.44e21 }, { "5e-320", 5e-320 },
        { "9214843084008499", 9214843084008499.0 },
        { "30078505129381147446200", 30078505129381147446200.0 },
        { "1777820000000000000001", 1777820000000000000001.0 },
        { "0.500000000000000166533453693773481063544750213623046875",
          0.50000000000000017 },
        { "6929495644600919.5", 6929495644600920.0 },
        { "3.518437208883201171875e13", 0x1.0000000000002p45 },

        /* halfway between 1 and the next double, and a hair's breadth off */

        { "1.00000000000000011102230246251565404236316680908203125", 1 },
        { "1.00000000000000011102230246251565404236316680908203124", 1 },
        { "1.00000000000000011102230246251565404236316680908203126",
          0x1.0000000000001p0 },
        { "1.000000000000000333066907387546962127089500427246093750",
          0x1.0000000000002p0 },

        /* 2^53 + 1 is halfway, too */

        { "9007199254740993.0", 9007199254740992.0 },
        { "9007199254740992.99999999999999999999999", 9007199254740992.0 },
        { "9007199254740993.00000000000000000000001", 9007199254740994.0 }
    };

    for (i = 0; i < unit_n(cases); i++) {
        expect_parse(cases[i].text, cases[i].number);
    }
}


/* A digit matters however far behind it stands. */

static void
digits_are_never_forgotten(void **state)
{
    char    *text;
    size_t   n, len;

    static const size_t  zeros[] = { 0, 1, 17, 700, 760, 780, 781, 3000,
                                     1000000 };

    text = malloc(1100000);
    assert_non_null(text);

    for (n = 0; n < unit_n(zeros); n++) {

        len = (size_t) sprintf(text, "9007199254740993.");
        memset(text + len, '0', zeros[n] + 1);
        len += zeros[n];

        text[len] = '1';
        assert_true(flagship_number_parse(text, len + 1, 0)
                    == 9007199254740994.0);

        text[len] = '0';
        assert_true(flagship_number_parse(text, len + 1, 0)
                    == 9007199254740992.0);

        /* halfway above 1, with more digits than fit 64 bits */

        len = (size_t) sprintf(text, "1.000000000000000111022302462515654042"
                               "36316680908203125");
        memset(text + len, '0', zeros[n] + 1);
        len += zeros[n];

        text[len] = '1';
        assert_true(flagship_number_parse(text, len + 1, 0)
                    == 0x1.0000000000001p0);

        text[len] = '0';
        assert_true(flagship_number_parse(text, len + 1, 0) == 1);
    }

    /* 10^-1000000 * 10^1000000, and the other way round */

    memset(text, '0', 1000001);
    text[1] = '.';
    len = 1000001 + (size_t) sprintf(text + 1000001, "1e1000000");
    assert_true(flagship_number_parse(text, len, 0) == 1);

    text[0] = '1';
    memset(text + 1, '0', 1000000);
    len = 1000001 + (size_t) sprintf(text + 1000001, "e-1000000");
    assert_true(flagship_number_parse(text, len, 0) == 1);

    /* the longest that doubles have: 767 digits, and the middle above it */

    len = (size_t) sprintf(text, "%.1074f", 0x0.fffffffffffffp-1022);
    assert_true(flagship_number_parse(text, len, 0)
                == 0x0.fffffffffffffp-1022);

    len = (size_t) sprintf(text, "%.1075Lf",
                           ((long double) 0x0.fffffffffffffp-1022 + DBL_MIN)
                           / 2);
    assert_true(flagship_number_parse(text, len, 0) == DBL_MIN);

    text[len++] = '1';
    assert_true(flagship_number_parse(text, len, 0) == DBL_MIN);

    len -= 2;
    text[len - 1]--;
    assert_true(flagship_number_parse(text, len, 0)
                == 0x0.fffffffffffffp-1022);

    free(text);
}


static void
what_is_not_finite_is_no_number(void **state)
{
    size_t  i;

    static const char  *texts[] = {
        "1e309", "1e999", "-1e999", "1e99999999999999999999",
        "1.7976931348623159e308",
        "1797693134862315807937289714053034150799341327100378269361737789"
        "8044496829276475094664901797758720709633028641669288791094655554"
        "7851940402630657488671505820681908902000708383676273854845817711"
        "5317644757302700698555713669596228429148198608349364752927190741"
        "68444365510704342711559699508093042880177904174497792",
        "NaN", "nan", "Infinity", "-Infinity", "inf"
    };

    for (i = 0; i < unit_n(texts); i++) {
        assert_true(isnan(parse(texts[i], 0)));
        assert_true(isnan(parse(texts[i], 1)));
    }
}


static void
other_texts_are_no_numbers(void **state)
{
    size_t  i;

    static const char  *texts[] = {
        "-", "--1", "+-1", "-+1", "++1", "01", "-01", "00", "0x10", "1.",
        ".5", "-.5", "1.e5", "1e", "1e+", "1e-", "1e1.5", "1e1e1", "1..2",
        "1.2.3", "1,5", "1 2", "1_000", "1f", "1n", "a", "1a", "e5", "0b1",
        "- 1", "+ 1", "true", "null", "\"1\"", "[1]", "1e 5", "\xc2\xa0" "1",
        "+", "1+", "1-"
    };

    for (i = 0; i < unit_n(texts); i++) {
        if (!isnan(parse(texts[i], 0)) || !isnan(parse(texts[i], 1))) {
            fail_msg("\"%s\" is taken", texts[i]);
        }
    }

    assert_true(isnan(flagship_number_parse("1\0", 2, 0)));
    assert_true(isnan(flagship_number_parse("1\0", 2, 1)));
}


static void
blanks_and_a_plus_are_for_the_loose(void **state)
{
    size_t  i;

    static const number_parse_t  cases[] = {
        { "", 0 }, { " ", 0 }, { "\t\n\v\f\r ", 0 }, { " 1", 1 },
        { "1 ", 1 }, { "\n-1.5e1\t", -15 }, { "+1", 1 }, { " +0.5 ", 0.5 },
        { "+0", 0 }
    };

    for (i = 0; i < unit_n(cases); i++) {
        assert_true(isnan(parse(cases[i].text, 0)));
        assert_true(parse(cases[i].text, 1) == cases[i].number);
    }
}


/* ECMA-262, Number::toString, and what engines print */

static void
numbers_are_printed_as_javascript_does(void **state)
{
    size_t  i;

    static const number_print_t  cases[] = {
        { 0, "0" }, { -0.0, "0" }, { 1, "1" }, { -1, "-1" }, { 10, "10" },
        { 100, "100" }, { 123, "123" }, { 0.1, "0.1" }, { -0.1, "-0.1" },
        { 0.5, "0.5" }, { 1.5, "1.5" }, { 12.75, "12.75" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1 / 3.0, "0.3333333333333333" },
        { 2 / 3.0, "0.6666666666666666" },
        { 100.0 / 3, "33.333333333333336" },
        { 3.141592653589793, "3.141592653589793" },
        { 4.35, "4.35" }, { 0.000001, "0.000001" },
        { 0.0000012, "0.0000012" }, { 0.0000001, "1e-7" },
        { 0.00000123, "0.00000123" }, { 1.23e-7, "1.23e-7" },
        { 1e20, "100000000000000000000" }, { 1e21, "1e+21" },
        { 1.5e21, "1.5e+21" }, { -1e21, "-1e+21" },
        { 123456789012345680000.0, "123456789012345680000" },
        { 999999999999999900000.0, "999999999999999900000" },
        { 9007199254740991.0, "9007199254740991" },
        { 9007199254740992.0, "9007199254740992" },
        { 9007199254740994.0, "9007199254740994" },
        { 18014398509481984.0, "18014398509481984" },
        { 1152921504606846976.0, "1152921504606847000" },
        { 4611686018427387904.0, "4611686018427388000" },
        { 9223372036854775808.0, "9223372036854776000" },
        { 1e22, "1e+22" }, { 1e23, "1e+23" }, { 1e100, "1e+100" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" },
        { 2.225073858507201e-308, "2.225073858507201e-308" },
        { 5e-324, "5e-324" }, { -5e-324, "-5e-324" }, { 1e-323, "1e-323" },
        { 1.5e-323, "1.5e-323" }, { 2e-323, "2e-323" },
        { 0x1p-44, "5.684341886080802e-14" },
        { 0x1p-1022, "2.2250738585072014e-308" },
        { 9.5367431640625e-7, "9.5367431640625e-7" },
        { 1234567.125, "1234567.125" },
        { 4294967296.5, "4294967296.5" },
        { 1e-5, "0.00001" }, { 299792458, "299792458" },
        { 6.02214076e23, "6.02214076e+23" },
        { 2251799813685248.5, "2251799813685248.5" },
        { 4503599627370495.5, "4503599627370495.5" },
        { 8589934592.1, "8589934592.1" },
        { 2.2204460492503131e-16, "2.220446049250313e-16" }
    };

    for (i = 0; i < unit_n(cases); i++) {
        expect_print(cases[i].number, cases[i].text);
    }
}


/*
 * The text reads back, by us and by libc; it has no more digits than the
 * least that printf needs to read back, and where it has as many it is as
 * close.
 */

static void
check_shortest(double number)
{
    int      digits, needed;
    char     text[FLAGSHIP_NUMBER_LEN + 1], least[64], *p, *end;
    size_t   len;
    double   a, b;

    len = flagship_number_print(number, text);
    text[len] = '\0';

    assert_true(parse(text, 0) == number);
    assert_true(strtod(text, NULL) == number);

    for (needed = 1; needed < 17; needed++) {
        snprintf(least, sizeof(least), "%.*e", needed - 1, number);
        if (strtod(least, NULL) == number) {
            break;
        }
    }

    snprintf(least, sizeof(least), "%.*e", needed - 1, number);

    end = strchr(text, 'e');
    if (end == NULL) {
        end = text + len;
    }

    p = text + strspn(text, "-0.");

    if (memchr(p, '.', (size_t) (end - p)) == NULL && *end == '\0'
        && memchr(text, '.', len) == NULL)
    {
        while (end > p + 1 && end[-1] == '0') {
            end--;
        }
    }

    for (digits = 0; p < end; p++) {
        digits += (*p != '.');
    }

    if (digits > needed) {
        fail_msg("%a is \"%s\", but \"%s\" is shorter", number, text, least);
    }

    if (digits == needed) {
        a = fabs(strtod(text, NULL) - number);
        b = fabs(strtod(least, NULL) - number);
        assert_true(a == b);
    }
}


static void
any_double_is_printed_shortest(void **state)
{
    int       e;
    double    number;
    uint64_t  seed, bits;
    unsigned  i;

    seed = 20;

    for (i = 0; i < 20000; i++) {

        bits = unit_random(&seed);

        if (i % 4 == 1) {
            bits &= 0x800fffffffffffffull >> (i % 48);
        }

        memcpy(&number, &bits, sizeof(number));

        if (i % 4 == 2) {
            number = (double) (bits >> 20) / 1e6;
        }

        if (i % 4 == 3) {
            number = ldexp((double) (bits >> 11), (int) (bits % 200) - 140);
        }

        if (isfinite(number) && number != 0) {
            check_shortest(number);
        }
    }

    for (e = -1074; e < 1024; e++) {
        number = ldexp(1, e);
        check_shortest(number);
        check_shortest(nextafter(number, 0) > 0 ? nextafter(number, 0) : 1);
        check_shortest(nextafter(number, INFINITY));
    }
}


static void
any_text_is_read_as_libc_reads_it(void **state)
{
    int       n, e;
    char      text[128];
    double    want, got;
    uint64_t  seed;
    unsigned  i, j, digits;

    seed = 21;

    for (i = 0; i < 40000; i++) {
        digits = 1 + (unsigned) (unit_random(&seed) % (i % 3 ? 21 : 60));
        n = 0;

        text[n++] = (char) ('1' + unit_random(&seed) % 9);

        for (j = 1; j < digits; j++) {
            if (j == 1 + i % 7) {
                text[n++] = '.';
            }

            text[n++] = (char) ('0' + unit_random(&seed) % 10);
        }

        e = (i % 2) ? (int) (unit_random(&seed) % 640) - 340
                    : (int) (unit_random(&seed) % 60) - 40;

        n += sprintf(text + n, "e%d", e);

        want = strtod(text, NULL);
        got = flagship_number_parse(text, (size_t) n, 0);

        if (isinf(want) ? !isnan(got)
                        : memcmp(&want, &got, sizeof(double)) != 0)
        {
            fail_msg("\"%s\" is %a, not %a", text, got, want);
        }
    }
}


/* What printf gives of the middle of two neighbours is exact. */

static void
halfway_goes_to_the_even(void **state)
{
    char      text[2400];
    size_t    len;
    double    a, b, got;
    uint64_t  seed, bits;
    unsigned  i;

    seed = 22;

    for (i = 0; i < 3000; i++) {

        /* exponents whose middle is a double of ours shifted by one bit */

        bits = unit_random(&seed) >> 12;
        bits |= (uint64_t) (1023 - 60 + i % 120) << 52;

        memcpy(&a, &bits, sizeof(a));
        bits++;
        memcpy(&b, &bits, sizeof(b));

        len = (size_t) snprintf(text, sizeof(text), "%.140Lf",
                                ((long double) a + b) / 2);

        got = flagship_number_parse(text, len, 0);
        assert_true(got == ((bits & 1) ? a : b));

        text[len++] = '1';
        assert_true(flagship_number_parse(text, len, 0) == b);
    }
}


static void
a_cut_text_is_not_read_beyond(void **state)
{
    char    *copy;
    size_t   n;

    static const char  text[] = "-12345678901234567890.12345678901234e-120";

    for (n = 0; n < sizeof(text); n++) {
        copy = unit_copy(text, n);
        (void) flagship_number_parse(copy, n, 0);
        (void) flagship_number_parse(copy, n, 1);
        free(copy);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(numbers_of_json_are_read),
        cmocka_unit_test(hard_numbers_are_rounded_correctly),
        cmocka_unit_test(digits_are_never_forgotten),
        cmocka_unit_test(what_is_not_finite_is_no_number),
        cmocka_unit_test(other_texts_are_no_numbers),
        cmocka_unit_test(blanks_and_a_plus_are_for_the_loose),
        cmocka_unit_test(numbers_are_printed_as_javascript_does),
        cmocka_unit_test(any_double_is_printed_shortest),
        cmocka_unit_test(any_text_is_read_as_libc_reads_it),
        cmocka_unit_test(halfway_goes_to_the_even),
        cmocka_unit_test(a_cut_text_is_not_read_beyond)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
