
/*
 * Copyright (C) Flagship
 */


/*
 * Case folding: properties of the whole table, and texts that are none.
 */


#include "unit.h"

#include "flagship_fold.h"


static void
folding_twice_changes_nothing_more(void **state)
{
    uint32_t  c, f;
    unsigned  n;

    for (c = 0, n = 0; c < 0x110000; c++) {
        f = flagship_fold_point(c);

        assert_int_equal(flagship_fold_point(f), f);
        assert_true(f < 0x110000);

        n += f != c;
    }

    /* as many as Unicode 14 has of status C and S */
    assert_int_equal(n, 1454);
}


static void
bytes_that_are_no_text_stay(void **state)
{
    char            buf[64];
    size_t          i;
    flagship_str_t  folded;

    static const char  *texts[] = {
        "\xff", "\xc3", "\xe1\xba", "\xc0\x80", "\xed\xa0\x80", "\x80\xc3",
        "\xf4\x90\x80\x80", "\xe0\x83\x89", "\xf0\x90\x90"
    };

    for (i = 0; i < unit_n(texts); i++) {
        assert_int_equal(flagship_fold(unit_str(texts[i]), buf, sizeof(buf),
                                       &folded), FLAGSHIP_OK);
        assert_true(flagship_str_eq(folded, unit_str(texts[i])));
    }

    assert_int_equal(flagship_fold(unit_str("\xff" "A\xc3\x89\xc3"), buf,
                                   sizeof(buf), &folded), FLAGSHIP_OK);
    assert_true(flagship_str_eq(folded, unit_str("\xff" "a\xc3\xa9\xc3")));
}


static void
what_grows_has_room(void **state)
{
    char            *buf;
    size_t           n;
    flagship_str_t   folded;

    /* U+023A has two bytes, what it folds to three */

    static const char  text[] = "\xc8\xba\xc8\xba\xc8\xba\xc8\xba";

    for (n = 0; n <= flagship_fold_size(8); n++) {
        buf = malloc(n ? n : 1);
        assert_non_null(buf);

        if (flagship_fold(unit_str(text), buf, n, &folded) == FLAGSHIP_OK) {
            assert_int_equal(folded.len, 12);
        }

        assert_true(n < flagship_fold_size(8) || folded.len == 12);

        free(buf);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(folding_twice_changes_nothing_more),
        cmocka_unit_test(bytes_that_are_no_text_stay),
        cmocka_unit_test(what_grows_has_room)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
