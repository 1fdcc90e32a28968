
/*
 * Copyright (C) Flagship
 */


#include "unit.h"
#include "flagship_time.h"

#include <time.h>


typedef struct {
    const char  *text;
    int64_t      seconds;
} time_case_t;


static void
examples_of_rfc_3339_are_read(void **state)
{
    int64_t  t;
    size_t   i;

    static const time_case_t  cases[] = {
        { "1985-04-12T23:20:50.52Z", 482196050 },
        { "1996-12-19T16:39:57-08:00", 851042397 },
        { "1990-12-31T23:59:60Z", 662688000 },
        { "1990-12-31T15:59:60-08:00", 662688000 },
        { "1937-01-01T12:00:27.87+00:20", -1041337173 },

        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01t00:00:00z", 0 },
        { "1970-01-01 00:00:00Z", 0 },
        { "1970-01-01T00:00:00-00:00", 0 },
        { "1969-12-31T23:59:59Z", -1 },
        { "1969-12-31T23:59:59.999Z", -1 },
        { "1970-01-01T23:59:00+23:59", 0 },
        { "1970-01-01T00:00:00.000000000000000000000000001Z", 0 },
        { "2000-02-29T00:00:00Z", 951782400 },
        { "2024-02-29T12:00:00Z", 1709208000 },
        { "2038-01-19T03:14:08Z", 2147483648 },
        { "2026-01-31T10:00:00Z", 1769853600 },
        { "9999-12-31T23:59:59Z", 253402300799 },
        { "0000-01-01T00:00:00Z", -62167219200 },
        { "0000-02-29T00:00:00Z", -62162121600 },
        { "0001-01-01T00:00:00+23:59", -62135683140 },

        /* leap seconds, in the east and the west */

        { "2016-12-31T23:59:60Z", 1483228800 },
        { "2016-12-31T23:59:60.5Z", 1483228800 },
        { "2017-01-01T08:59:60+09:00", 1483228800 },
        { "2016-12-31T18:59:60-05:00", 1483228800 },
        { "2015-06-30T23:59:60Z", 1435708800 },
        { "2015-06-30T18:29:60-05:30", 1435708800 }
    };

    for (i = 0; i < unit_n(cases); i++) {

        if (flagship_time_parse(unit_str(cases[i].text), &t) != FLAGSHIP_OK) {
            fail_msg("\"%s\" is refused", cases[i].text);
        }

        if (t != cases[i].seconds) {
            fail_msg("\"%s\" is %lld", cases[i].text, (long long) t);
        }
    }
}


static void
other_texts_are_refused(void **state)
{
    int64_t  t;
    size_t   i;

    static const char  *texts[] = {
        "", "Z", "now", "2026", "2026-01-31", "2026-01-31T10:00:00",
        "2026-01-31T10:00Z", "2026-01-31T10:00:00 Z", "20260131T100000Z",
        "2026-01-31T10:00:00Z ", " 2026-01-31T10:00:00Z",
        "2026-01-31  10:00:00Z", "2026-01-31_10:00:00Z",
        "2026-1-31T10:00:00Z", "+2026-01-31T10:00:00Z",
        "12026-01-31T10:00:00Z", "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
        "2026-01-31T24:00:00Z", "2026-01-31T10:60:00Z",
        "2026-01-31T10:00:61Z", "2026-01-31T10:00:00.Z",
        "2026-01-31T10:00:00,5Z", "2026-01-31T10:00:00.5",
        "2026-01-31T10:00:00+1:00", "2026-01-31T10:00:00+0100",
        "2026-01-31T10:00:00+01", "2026-01-31T10:00:00+01:0",
        "2026-01-31T10:00:00+24:00", "2026-01-31T10:00:00+01:60",
        "2026-01-31T10:00:00+01:00Z", "2026-01-31T10:00:00ZZ",
        "2026-01-31T10:00:00*01:00", "2026-01-31T-1:00:00Z",
        "2026-01-31T10: 0:00Z", "2026-01-31T10:00:0xZ",

        /* 60 is a second at the end of a UTC month only */

        "2016-12-31T23:58:60Z", "2016-12-30T23:59:60Z",
        "2016-12-31T22:59:60Z", "2016-12-31T23:59:60+01:00",
        "2017-01-01T23:59:60-05:00", "2017-01-02T08:59:60+09:00"
    };

    for (i = 0; i < unit_n(texts); i++) {
        if (flagship_time_parse(unit_str(texts[i]), &t) != FLAGSHIP_DECLINED) {
            fail_msg("\"%s\" is taken", texts[i]);
        }
    }

    assert_int_equal(flagship_time_parse(flagship_str(NULL, 0), &t),
                     FLAGSHIP_DECLINED);
}


/* libc's own calendar is the witness */

static void
every_day_of_800_years_is_right(void **state)
{
    char       text[64];
    time_t     day;
    int64_t    t;
    struct tm  tm;

    for (day = -4000000000; day < 21000000000; day += 86400 * 3 + 1) {

        assert_non_null(gmtime_r(&day, &tm));
        assert_int_not_equal(strftime(text, sizeof(text),
                                      "%Y-%m-%dT%H:%M:%SZ", &tm), 0);

        assert_int_equal(flagship_time_parse(unit_str(text), &t),
                         FLAGSHIP_OK);
        assert_true(t == day);
    }
}


static void
a_cut_text_is_not_read_beyond(void **state)
{
    char     *copy;
    size_t    n;
    int64_t   t;

    static const char  text[] = "2026-01-31T10:00:00.123+01:00";

    for (n = 0; n < sizeof(text) - 1; n++) {
        copy = unit_copy(text, n);
        assert_int_equal(flagship_time_parse(flagship_str(copy, n), &t),
                         FLAGSHIP_DECLINED);
        free(copy);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(examples_of_rfc_3339_are_read),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(every_day_of_800_years_is_right),
        cmocka_unit_test(a_cut_text_is_not_read_beyond)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
