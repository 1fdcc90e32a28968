
/*
 * Copyright (C) Flagship
 */


#include "unit.h"
#include "flagship_semver.h"


static int
parse(flagship_semver_t *v, const char *text)
{
    return flagship_semver_parse(v, unit_str(text));
}


static int
compare(const char *a, const char *b)
{
    flagship_semver_t  x, y;

    assert_int_equal(parse(&x, a), FLAGSHIP_OK);
    assert_int_equal(parse(&y, b), FLAGSHIP_OK);

    return flagship_semver_compare(&x, &y);
}


static int
test(const char *a, const char *op, const char *b)
{
    flagship_semver_t     x, y;
    flagship_semver_op_e  o;

    assert_int_equal(parse(&x, a), FLAGSHIP_OK);
    assert_int_equal(parse(&y, b), FLAGSHIP_OK);

    o = flagship_semver_op(unit_str(op));
    assert_int_not_equal(o, FLAGSHIP_SEMVER_BAD);

    return flagship_semver_test(&x, o, &y);
}


/* the lists beside the regular expression that semver.org suggests */

static void
versions_of_semver_org_are_valid(void **state)
{
    size_t             i;
    flagship_semver_t  v;

    static const char  *texts[] = {
        "0.0.4", "1.2.3", "10.20.30", "1.1.2-prerelease+meta", "1.1.2+meta",
        "1.1.2+meta-valid", "1.0.0-alpha", "1.0.0-beta", "1.0.0-alpha.beta",
        "1.0.0-alpha.beta.1", "1.0.0-alpha.1", "1.0.0-alpha0.valid",
        "1.0.0-alpha.0valid",
        "1.0.0-alpha-a.b-c-somethinglong+build.1-aef.1-its-okay",
        "1.0.0-rc.1+build.1", "2.0.0-rc.1+build.123", "1.2.3-beta",
        "10.2.3-DEV-SNAPSHOT", "1.2.3-SNAPSHOT-123", "1.0.0", "2.0.0",
        "1.1.7", "2.0.0+build.1848", "2.0.1-alpha.1227",
        "1.0.0-alpha+beta", "1.2.3----RC-SNAPSHOT.12.9.1--.12+788",
        "1.2.3----R-S.12.9.1--.12+meta", "1.2.3----RC-SNAPSHOT.12.9.1--.12",
        "1.0.0+0.build.1-rc.10000aaa-kk-0.1",
        "99999999999999999999999.999999999999999999.99999999999999999",
        "1.0.0-0A.is.legal"
    };

    for (i = 0; i < unit_n(texts); i++) {
        if (parse(&v, texts[i]) != FLAGSHIP_OK) {
            fail_msg("\"%s\" is refused", texts[i]);
        }
    }
}


static void
versions_that_semver_org_forbids_are_refused(void **state)
{
    size_t             i;
    flagship_semver_t  v;

    static const char  *texts[] = {
        "1.2.3-0123", "1.2.3-0123.0123", "1.1.2+.123", "+invalid",
        "-invalid", "-invalid+invalid", "-invalid.01", "alpha",
        "alpha.beta", "alpha.beta.1", "alpha.1", "alpha+beta",
        "alpha_beta", "alpha.", "alpha..", "beta", "1.0.0-alpha_beta",
        "-alpha.", "1.0.0-alpha..", "1.0.0-alpha..1", "1.0.0-alpha...1",
        "01.1.1", "1.01.1", "1.1.01", "1.2.3.DEV", "1.2-SNAPSHOT",
        "1.2.31.2.3----RC-SNAPSHOT.12.09.1--..12+788", "1.2-RC-SNAPSHOT",
        "-1.0.3-gamma+b7718", "+justmeta", "9.8.7+meta+meta",
        "9.8.7-whatever+meta+meta",
        "99999999999999999999999.999999999999999999.99999999999999999"
        "----RC-SNAPSHOT.12.09.1--------------------------------..12",

        "", "v", "vv1.0.0", "V", ".", "..", "1.", "1..", "1.2.", "1.2.3.",
        "1.2.3.4", " 1.2.3", "1.2.3 ", "1. 2.3", "1.2.3-", "1.2.3+",
        "1.2.3-+x", "1.2.3-a+", "1+build", "1.2+build", "1-rc", "1.2-rc",
        "1.2.3-\xc3\xa9", "1.2.x", "*", "1.2.3\n", "00", "01", "1.00",
        "1.2.3-a..b", "1.2.3-.a", "1.2.3+a..b", "-1", "+1", "1e3"
    };

    for (i = 0; i < unit_n(texts); i++) {
        if (parse(&v, texts[i]) != FLAGSHIP_DECLINED) {
            fail_msg("\"%s\" is taken", texts[i]);
        }
    }
}


static void
a_nul_ends_no_version(void **state)
{
    flagship_semver_t  v;

    assert_int_equal(flagship_semver_parse(&v, flagship_str("1.2.3\0", 6)),
                     FLAGSHIP_DECLINED);
    assert_int_equal(flagship_semver_parse(&v, flagship_str(NULL, 0)),
                     FLAGSHIP_DECLINED);
}


static void
precedence_is_that_of_semver_org(void **state)
{
    size_t  i, j;

    static const char  *order[] = {
        "0", "0.0.1-0", "0.0.1", "1.0.0-0", "1.0.0-1", "1.0.0-2",
        "1.0.0-11", "1.0.0-99999999999999999999",
        "1.0.0-100000000000000000000", "1.0.0--", "1.0.0-0a", "1.0.0-A",
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.1.0",
        "1.0.0-alpha.beta", "1.0.0-alphabet", "1.0.0-beta", "1.0.0-beta.2",
        "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0",
        "2.0.0", "2.1.0", "2.1.1", "10", "18446744073709551616.0.0",
        "18446744073709551617.0.0", "99999999999999999999999.1.1"
    };

    for (i = 0; i < unit_n(order); i++) {
        for (j = 0; j < unit_n(order); j++) {
            int  rc = compare(order[i], order[j]);

            if ((rc < 0) != (i < j) || (rc > 0) != (i > j)) {
                fail_msg("\"%s\" and \"%s\" compare as %d",
                         order[i], order[j], rc);
            }
        }
    }
}


static void
versions_are_padded_and_lose_one_v(void **state)
{
    assert_int_equal(compare("1", "1.0.0"), 0);
    assert_int_equal(compare("1.2", "1.2.0"), 0);
    assert_int_equal(compare("v1.2.3", "1.2.3"), 0);
    assert_int_equal(compare("V1.2.3", "v1.2.3"), 0);
    assert_int_equal(compare("v1", "1.0"), 0);
    assert_true(compare("v1.2", "1.2.0-rc") > 0);
}


static void
build_metadata_is_ignored(void **state)
{
    assert_int_equal(compare("1.0.0+a", "1.0.0+b"), 0);
    assert_int_equal(compare("1.0.0+001", "1.0.0"), 0);
    assert_int_equal(compare("1.0.0-rc+a.b-c", "1.0.0-rc"), 0);
}


static void
operators_mean_what_flagd_says(void **state)
{
    assert_true(test("1.0.0", "=", "1.0.0+build"));
    assert_false(test("1.0.0", "=", "1.0.1"));
    assert_true(test("1.0.0", "!=", "1.0.1"));
    assert_false(test("1.0.0", "!=", "v1"));
    assert_true(test("1.0.0-beta", "<", "1.0.0"));
    assert_false(test("1.0.0", "<", "1.0.0"));
    assert_true(test("1.0.0", "<=", "1.0.0"));
    assert_false(test("1.0.1", "<=", "1.0.0"));
    assert_true(test("1.10.0", ">", "1.9.9"));
    assert_false(test("1.0.0", ">", "1.0.0"));
    assert_true(test("1.0.0", ">=", "1.0.0"));
    assert_false(test("1.0.0-rc", ">=", "1.0.0"));

    assert_true(test("1.9.0", "^", "1.0.0"));
    assert_true(test("1.0.0", "^", "1.9.0"));
    assert_false(test("2.0.0", "^", "1.0.0"));
    assert_true(test("1.2.9", "~", "1.2.0"));
    assert_false(test("1.3.0", "~", "1.2.0"));
    assert_false(test("2.2.0", "~", "1.2.0"));
}


static void
no_other_operator_is_known(void **state)
{
    size_t  i;

    static const char  *ops[] = {
        "", "==", "===", "<>", "=<", "=>", ">>", "^^", "~>", " =", "= ", "in"
    };

    for (i = 0; i < unit_n(ops); i++) {
        assert_int_equal(flagship_semver_op(unit_str(ops[i])),
                         FLAGSHIP_SEMVER_BAD);
    }

    assert_int_equal(flagship_semver_op(flagship_str("=\0", 2)),
                     FLAGSHIP_SEMVER_BAD);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(versions_of_semver_org_are_valid),
        cmocka_unit_test(versions_that_semver_org_forbids_are_refused),
        cmocka_unit_test(a_nul_ends_no_version),
        cmocka_unit_test(precedence_is_that_of_semver_org),
        cmocka_unit_test(versions_are_padded_and_lose_one_v),
        cmocka_unit_test(build_metadata_is_ignored),
        cmocka_unit_test(operators_mean_what_flagd_says),
        cmocka_unit_test(no_other_operator_is_known)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
