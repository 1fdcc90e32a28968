
/*
 * Copyright (C) Flagship
 */


/*
 * What each operator gives, as a person reads the language: the tables are
 * written by hand, and each row is tried in every place where an expression
 * may stand (forms.h).
 */


#include "forms.h"


typedef struct {
    const char  *expr;
    const char  *context;
    const char  *want;
} operator_case_t;


static void
check(const operator_case_t *cases, size_t n)
{
    size_t       i;
    unsigned     failed;
    const char  *contexts[2];

    failed = 0;

    for (i = 0; i < n; i++) {
        contexts[0] = cases[i].context ? cases[i].context : "{}";
        contexts[1] = "{}";

        failed += forms_check(cases[i].expr, contexts, 2, cases[i].want);
    }

    assert_int_equal(failed, 0);
}


static void
data_is_itself(void **state)
{
    static const operator_case_t  cases[] = {
        { "null", NULL, "null" },
        { "true", NULL, "true" },
        { "false", NULL, "false" },
        { "0", NULL, "0" },
        { "-0", NULL, "0" },
        { "1.50", NULL, "1.5" },
        { "1e21", NULL, "1e+21" },
        { "\"\"", NULL, "\"\"" },
        { "\"0\"", NULL, "\"0\"" },
        { "\"a b\"", NULL, "\"a b\"" },
        { "\"\\u00e9\\ud83d\\ude00\"", NULL, "\"\\u00e9\\ud83d\\ude00\"" }
    };

    check(cases, unit_n(cases));
}


static void
var_reads_the_context(void **state)
{
    static const char  c[] =
        "{\"a\": 1, \"s\": \"x\", \"t\": true, \"n\": null, \"e\": \"\","
        " \"l\": [10, [20, {\"z\": \"deep\"}]], \"u\": {\"p\": {\"q\": 2.5}},"
        " \"name\": \"s\", \"1\": \"one\", \"$flagd\": {\"flagKey\": \"no\"}}";

    static const operator_case_t  cases[] = {
        { "{\"var\": \"a\"}", c, "1" },
        { "{\"var\": [\"a\"]}", c, "1" },
        { "{\"var\": \"s\"}", c, "\"x\"" },
        { "{\"var\": \"t\"}", c, "true" },
        { "{\"var\": \"n\"}", c, "null" },
        { "{\"var\": \"e\"}", c, "\"\"" },
        { "{\"var\": \"missing\"}", c, "null" },
        { "{\"var\": \"l\"}", c, "" },
        { "{\"var\": \"l.0\"}", c, "10" },
        { "{\"var\": \"l.1.1.z\"}", c, "\"deep\"" },
        { "{\"var\": \"l.2\"}", c, "null" },
        { "{\"var\": \"l.x\"}", c, "null" },
        { "{\"var\": \"u.p.q\"}", c, "2.5" },
        { "{\"var\": \"u.p\"}", c, "" },
        { "{\"var\": \"u.x.q\"}", c, "null" },
        { "{\"var\": \"s.length\"}", c, "null" },
        { "{\"var\": \"s.0\"}", c, "null" },
        { "{\"var\": \"a.b\"}", c, "null" },
        { "{\"var\": 1}", c, "\"one\"" },
        { "{\"var\": \"1\"}", c, "\"one\"" },

        /* defaults: for what is absent, not for what is null */

        { "{\"var\": [\"a\", 9]}", c, "1" },
        { "{\"var\": [\"missing\", 9]}", c, "9" },
        { "{\"var\": [\"missing\", \"d\"]}", c, "\"d\"" },
        { "{\"var\": [\"missing\", null]}", c, "null" },
        { "{\"var\": [\"missing\", {\"var\": \"s\"}]}", c, "\"x\"" },
        { "{\"var\": [\"n\", 9]}", c, "null" },
        { "{\"var\": [\"e\", 9]}", c, "\"\"" },
        { "{\"var\": [\"u.p.x\", 9]}", c, "9" },
        { "{\"var\": [\"s.x\", 9]}", c, "9" },

        /* the whole context */

        { "{\"var\": \"\"}", c, "" },
        { "{\"var\": []}", c, "" },
        { "{\"var\": null}", c, "" },

        /* computed paths */

        { "{\"var\": {\"var\": \"name\"}}", c, "\"x\"" },
        { "{\"var\": [{\"cat\": [\"u.\", \"p.q\"]}]}", c, "2.5" },
        { "{\"var\": {\"cat\": [\"l.\", 0]}}", c, "10" },
        { "{\"var\": [{\"cat\": [\"mis\", {\"var\": \"e\"}, \"sing\"]}, 3]}",
          c, "3" },

        /* injected, whatever the client sends */

        { "{\"var\": \"$flagd.flagKey\"}", c, "\"value\"" },
        { "{\"var\": \"$flagd.timestamp\"}", c, "1700000000" },
        { "{\"<\": [{\"var\": \"$flagd.timestamp\"}, 1700000001]}", c,
          "true" },
        { "{\"var\": \"targetingKey\"}", "{\"targetingKey\": \"u1\"}",
          "\"u1\"" }
    };

    check(cases, unit_n(cases));
}


static void
truth_is_jsonlogics(void **state)
{
    static const operator_case_t  cases[] = {
        { "{\"!!\": [null]}", NULL, "false" },
        { "{\"!!\": [false]}", NULL, "false" },
        { "{\"!!\": [0]}", NULL, "false" },
        { "{\"!!\": [-0]}", NULL, "false" },
        { "{\"!!\": [\"\"]}", NULL, "false" },
        { "{\"!!\": [[]]}", NULL, "false" },
        { "{\"!!\": [true]}", NULL, "true" },
        { "{\"!!\": [1]}", NULL, "true" },
        { "{\"!!\": [-1]}", NULL, "true" },
        { "{\"!!\": [\"0\"]}", NULL, "true" },
        { "{\"!!\": [\"false\"]}", NULL, "true" },
        { "{\"!!\": [\" \"]}", NULL, "true" },
        { "{\"!!\": [[0]]}", NULL, "true" },
        { "{\"!!\": [{}]}", NULL, "true" },
        { "{\"!!\": {\"var\": \"a\"}}", "{\"a\": []}", "false" },
        { "{\"!!\": {\"var\": \"a\"}}", "{\"a\": [null]}", "true" },
        { "{\"!!\": {\"var\": \"a\"}}", "{\"a\": {}}", "true" },
        { "{\"!!\": {\"var\": \"a\"}}", "{\"a\": \"0\"}", "true" },
        { "{\"!!\": {\"var\": \"a\"}}", "{\"a\": 0}", "false" },
        { "{\"!!\": []}", NULL, "false" },
        { "{\"!\": []}", NULL, "true" },
        { "{\"!\": [[]]}", NULL, "true" },
        { "{\"!\": true}", NULL, "false" },
        { "{\"!\": 0}", NULL, "true" },
        { "{\"!\": \"0\"}", NULL, "false" },
        { "{\"!\": {\"!\": {\"var\": \"a\"}}}", "{\"a\": 7}", "true" },
        { "{\"!\": {\"var\": \"a\"}}", "{\"a\": [1, 2]}", "false" }
    };

    check(cases, unit_n(cases));
}


static void
and_and_or_give_the_operand_that_decides(void **state)
{
    static const operator_case_t  cases[] = {
        { "{\"and\": []}", NULL, "false" },
        { "{\"or\": []}", NULL, "false" },
        { "{\"and\": [1, \"a\"]}", NULL, "\"a\"" },
        { "{\"and\": [\"\", \"a\"]}", NULL, "\"\"" },
        { "{\"and\": [1, 0, \"a\"]}", NULL, "0" },
        { "{\"and\": [1, null, 0]}", NULL, "null" },
        { "{\"and\": true}", NULL, "true" },
        { "{\"or\": [0, \"a\", 1]}", NULL, "\"a\"" },
        { "{\"or\": [0, \"\", null]}", NULL, "null" },
        { "{\"or\": [null, \"\"]}", NULL, "\"\"" },
        { "{\"or\": [{\"var\": \"a\"}, \"d\"]}", NULL, "\"d\"" },
        { "{\"or\": [{\"var\": \"a\"}, \"d\"]}", "{\"a\": \"x\"}", "\"x\"" },
        { "{\"and\": [{\"var\": \"a\"}, {\"var\": \"b\"}]}",
          "{\"a\": 2, \"b\": 3}", "3" },
        { "{\"and\": [{\"var\": \"a\"}, {\"var\": \"b\"}]}",
          "{\"a\": 0, \"b\": 3}", "0" },
        { "{\"or\": [{\"and\": [{\"var\": \"a\"}, \"x\"]},"
          " {\"and\": [{\"var\": \"b\"}, \"y\"]}, \"z\"]}",
          "{\"b\": true}", "\"y\"" },
        { "{\"and\": [{\"or\": [{\"var\": \"a\"}, {\"==\": [1, 2]}]},"
          " {\"!\": {\"var\": \"c\"}}]}", "{\"a\": 1}", "true" }
    };

    check(cases, unit_n(cases));
}


static void
if_takes_the_first_that_holds(void **state)
{
    static const operator_case_t  cases[] = {
        { "{\"if\": []}", NULL, "null" },
        { "{\"if\": [\"a\"]}", NULL, "\"a\"" },
        { "{\"if\": \"a\"}", NULL, "\"a\"" },
        { "{\"if\": [true, \"a\"]}", NULL, "\"a\"" },
        { "{\"if\": [false, \"a\"]}", NULL, "null" },
        { "{\"if\": [true, \"a\", \"b\"]}", NULL, "\"a\"" },
        { "{\"if\": [\"\", \"a\", \"b\"]}", NULL, "\"b\"" },
        { "{\"if\": [0, 1, 0, 2, 3]}", NULL, "3" },
        { "{\"if\": [0, 1, \"0\", 2, 3]}", NULL, "2" },
        { "{\"if\": [0, 1, [], 2]}", NULL, "null" },
        { "{\"if\": [{\"var\": \"a\"}, {\"var\": \"b\"}, {\"var\": \"c\"}]}",
          "{\"a\": 1, \"b\": \"x\", \"c\": \"y\"}", "\"x\"" },
        { "{\"if\": [{\"var\": \"a\"}, {\"var\": \"b\"}, {\"var\": \"c\"}]}",
          "{\"a\": 0, \"b\": \"x\", \"c\": \"y\"}", "\"y\"" },
        { "{\"if\": [{\"<\": [{\"var\": \"a\"}, 0]}, \"freezing\","
          " {\"<\": [{\"var\": \"a\"}, 100]}, \"liquid\", \"gas\"]}",
          "{\"a\": 55}", "\"liquid\"" },
        { "{\"if\": [{\"if\": [{\"var\": \"a\"}, 0, 1]}, \"x\", \"y\"]}",
          "{\"a\": 1}", "\"y\"" }
    };

    check(cases, unit_n(cases));
}


static void
equality_is_loose_with_two_equals_signs(void **state)
{
    static const operator_case_t  cases[] = {
        { "{\"==\": [1, 1]}", NULL, "true" },
        { "{\"==\": [1, \"1\"]}", NULL, "true" },
        { "{\"==\": [1, \" +1.0 \"]}", NULL, "true" },
        { "{\"==\": [\"1\", \"1.0\"]}", NULL, "false" },
        { "{\"==\": [1, true]}", NULL, "true" },
        { "{\"==\": [\"1\", true]}", NULL, "true" },
        { "{\"==\": [\"true\", true]}", NULL, "false" },
        { "{\"==\": [0, false]}", NULL, "true" },
        { "{\"==\": [0, \"\"]}", NULL, "true" },
        { "{\"==\": [\"\", false]}", NULL, "true" },
        { "{\"==\": [\" \", 0]}", NULL, "true" },
        { "{\"==\": [\"abc\", 0]}", NULL, "false" },
        { "{\"==\": [null, null]}", NULL, "true" },
        { "{\"==\": [null, 0]}", NULL, "false" },
        { "{\"==\": [null, false]}", NULL, "false" },
        { "{\"==\": [null, \"\"]}", NULL, "false" },
        { "{\"!=\": [null, 0]}", NULL, "true" },
        { "{\"==\": [[], []]}", NULL, "false" },
        { "{\"==\": [[1], 1]}", NULL, "false" },
        { "{\"!=\": [[1], [1]]}", NULL, "true" },
        { "{\"==\": [{}, {}]}", NULL, "false" },
        { "{\"==\": [{\"var\": \"a\"}, {\"var\": \"a\"}]}", "{\"a\": [1]}",
          "false" },
        { "{\"==\": [{\"var\": \"a\"}, {\"var\": \"a\"}]}", "{\"a\": 1}",
          "true" },
        { "{\"==\": [{\"var\": \"a\"}, {\"var\": \"b\"}]}", "{}", "true" },
        { "{\"==\": [{\"var\": \"a\"}, 0]}", "{}", "false" },
        { "{\"==\": [{\"var\": \"a\"}, \"1\"]}", "{\"a\": 1}", "true" },
        { "{\"==\": [{\"var\": \"a\"}, \"x\"]}", "{\"a\": \"x\"}", "true" },
        { "{\"==\": [{\"var\": \"a\"}, true]}", "{\"a\": \"1\"}", "true" },
        { "{\"===\": [1, 1.0]}", NULL, "true" },
        { "{\"===\": [1, \"1\"]}", NULL, "false" },
        { "{\"===\": [0, false]}", NULL, "false" },
        { "{\"===\": [0, -0]}", NULL, "true" },
        { "{\"===\": [\"a\", \"a\"]}", NULL, "true" },
        { "{\"===\": [[], []]}", NULL, "false" },
        { "{\"!==\": [[], []]}", NULL, "true" },
        { "{\"!==\": [1, \"1\"]}", NULL, "true" },

        /* fewer or more than two */

        { "{\"==\": []}", NULL, "null" },
        { "{\"==\": [1]}", NULL, "null" },
        { "{\"!=\": [1]}", NULL, "null" },
        { "{\"===\": 1}", NULL, "null" },
        { "{\"!==\": []}", NULL, "null" },
        { "{\"==\": [1, \"1\", true]}", NULL, "true" },
        { "{\"==\": [1, \"1\", \"01\"]}", NULL, "false" },
        { "{\"!=\": [1, 2, 1]}", NULL, "true" },
        { "{\"!=\": [1, 2, 2]}", NULL, "false" },
        { "{\"===\": [1, 1, 1, 1]}", NULL, "true" },
        { "{\"===\": [1, 1, \"1\"]}", NULL, "false" },
        { "{\"!==\": [1, \"1\", 1]}", NULL, "true" },
        { "{\"==\": [{\"var\": \"a\"}, {\"var\": \"b\"}, 3]}",
          "{\"a\": 3, \"b\": \"3\"}", "true" }
    };

    check(cases, unit_n(cases));
}


static void
order_is_of_bytes_or_of_numbers(void **state)
{
    static const operator_case_t  cases[] = {
        { "{\"<\": [1, 2]}", NULL, "true" },
        { "{\"<\": [2, 2]}", NULL, "false" },
        { "{\"<=\": [2, 2]}", NULL, "true" },
        { "{\">\": [2, 1]}", NULL, "true" },
        { "{\">=\": [1, 2]}", NULL, "false" },
        { "{\"<\": [\"10\", \"9\"]}", NULL, "true" },
        { "{\"<\": [\"10\", 9]}", NULL, "false" },
        { "{\"<\": [\"a\", \"b\"]}", NULL, "true" },
        { "{\"<\": [\"a\", \"a\"]}", NULL, "false" },
        { "{\"<\": [\"a\", \"aa\"]}", NULL, "true" },
        { "{\"<\": [\"Z\", \"a\"]}", NULL, "true" },
        { "{\"<\": [\"z\", \"\\u00e9\"]}", NULL, "true" },
        { "{\"<\": [\"\", \"a\"]}", NULL, "true" },
        { "{\"<\": [\"a\", 1]}", NULL, "false" },
        { "{\">\": [\"a\", 1]}", NULL, "false" },
        { "{\">=\": [\"a\", 1]}", NULL, "false" },
        { "{\"<\": [null, 5]}", NULL, "true" },
        { "{\"<=\": [null, 0]}", NULL, "true" },
        { "{\"<\": [null, \"a\"]}", NULL, "false" },
        { "{\"<\": [false, true]}", NULL, "true" },
        { "{\"<\": [\"\", 1]}", NULL, "true" },
        { "{\"<\": [[], 1]}", NULL, "false" },
        { "{\"<\": [{}, 1]}", NULL, "false" },
        { "{\">=\": [[1], 1]}", NULL, "false" },
        { "{\"<\": [{\"var\": \"a\"}, 5]}", "{}", "true" },
        { "{\"<\": [{\"var\": \"a\"}, 5]}", "{\"a\": \"4\"}", "true" },
        { "{\"<\": [{\"var\": \"a\"}, \"5\"]}", "{\"a\": \"40\"}", "true" },
        { "{\"<\": [{\"var\": \"a\"}, \"5\"]}", "{\"a\": 40}", "false" },
        { "{\"<\": [5, {\"var\": \"a\"}]}", "{\"a\": 6}", "true" },
        { "{\">=\": [5, {\"var\": \"a\"}]}", "{\"a\": 6}", "false" },
        { "{\">\": [{\"var\": \"a\"}, {\"var\": \"b\"}]}",
          "{\"a\": \"b\", \"b\": \"a\"}", "true" },
        { "{\"<\": [5]}", NULL, "null" },
        { "{\"<\": []}", NULL, "null" },
        { "{\">=\": {\"var\": \"a\"}}", "{\"a\": [2, 1]}", "null" },
        { "{\"<\": [1, 2, 3]}", NULL, "true" },
        { "{\"<\": [1, 3, 3]}", NULL, "false" },
        { "{\"<=\": [1, 3, 3]}", NULL, "true" },
        { "{\"<\": [1, 4, 3]}", NULL, "false" },
        { "{\">\": [3, 2, 1]}", NULL, "true" },
        { "{\">=\": [3, 3, 4]}", NULL, "false" },
        { "{\"<\": [1, {\"var\": \"a\"}, 10]}", "{\"a\": 5}", "true" },
        { "{\"<\": [1, {\"var\": \"a\"}, 10]}", "{\"a\": 10}", "false" },
        { "{\"<=\": [1, {\"var\": \"a\"}, 10, {\"var\": \"b\"}]}",
          "{\"a\": 10, \"b\": 11}", "true" }
    };

    check(cases, unit_n(cases));
}


static void
in_is_membership_or_a_part(void **state)
{
    static const operator_case_t  cases[] = {
        { "{\"in\": [1, [1, 2]]}", NULL, "true" },
        { "{\"in\": [\"1\", [1, 2]]}", NULL, "false" },
        { "{\"in\": [true, [1, 2]]}", NULL, "false" },
        { "{\"in\": [null, [1, null]]}", NULL, "true" },
        { "{\"in\": [null, [1]]}", NULL, "false" },
        { "{\"in\": [0, [-0]]}", NULL, "true" },
        { "{\"in\": [[], [[]]]}", NULL, "false" },
        { "{\"in\": [1, []]}", NULL, "false" },
        { "{\"in\": [{\"var\": \"a\"}, [\"x\", \"y\", 3, false]]}",
          "{\"a\": \"y\"}", "true" },
        { "{\"in\": [{\"var\": \"a\"}, [\"x\", \"y\", 3, false]]}",
          "{\"a\": 3}", "true" },
        { "{\"in\": [{\"var\": \"a\"}, [\"x\", \"y\", 3, false]]}",
          "{\"a\": false}", "true" },
        { "{\"in\": [{\"var\": \"a\"}, [\"x\", \"y\", 3, false]]}",
          "{\"a\": \"3\"}", "false" },
        { "{\"in\": [{\"var\": \"a\"}, [\"x\", \"x\", \"x\"]]}",
          "{\"a\": \"x\"}", "true" },
        { "{\"in\": [{\"var\": \"a\"}, [null]]}", "{}", "true" },
        { "{\"in\": [{\"var\": \"a\"}, [\"\"]]}", "{}", "false" },
        { "{\"in\": [\"x\", {\"var\": \"l\"}]}", "{\"l\": [\"w\", \"x\"]}",
          "true" },
        { "{\"in\": [{\"var\": \"a\"}, {\"var\": \"l\"}]}",
          "{\"a\": 1, \"l\": [\"1\", 1.0]}", "true" },
        { "{\"in\": [\"x\", [{\"var\": \"a\"}, \"y\"]]}", "{\"a\": \"x\"}",
          "true" },

        { "{\"in\": [\"bc\", \"abcd\"]}", NULL, "true" },
        { "{\"in\": [\"bd\", \"abcd\"]}", NULL, "false" },
        { "{\"in\": [\"\", \"abcd\"]}", NULL, "true" },
        { "{\"in\": [\"abcd\", \"abcd\"]}", NULL, "true" },
        { "{\"in\": [\"abcde\", \"abcd\"]}", NULL, "false" },
        { "{\"in\": [12, \"0123\"]}", NULL, "true" },
        { "{\"in\": [1.5, \"01.50\"]}", NULL, "true" },
        { "{\"in\": [true, \"is true\"]}", NULL, "true" },
        { "{\"in\": [null, \"null\"]}", NULL, "false" },
        { "{\"in\": [[\"a\"], \"a\"]}", NULL, "false" },
        { "{\"in\": [{\"var\": \"missing\"}, \"a null\"]}", "{}", "false" },
        { "{\"in\": [{\"var\": \"a\"}, \"de,at,ch\"]}", "{\"a\": \"at\"}",
          "true" },
        { "{\"in\": [\"@example.\", {\"var\": \"a\"}]}",
          "{\"a\": \"me@example.com\"}", "true" },
        { "{\"in\": [\"aab\", {\"var\": \"a\"}]}", "{\"a\": \"aaab\"}",
          "true" },
        { "{\"in\": [1, {\"var\": \"a\"}]}", "{\"a\": 12}", "false" },
        { "{\"in\": [1, {\"var\": \"a\"}]}", "{}", "false" },
        { "{\"in\": [1, null]}", NULL, "false" },
        { "{\"in\": [1, 1]}", NULL, "false" },
        { "{\"in\": [1]}", NULL, "null" },
        { "{\"in\": []}", NULL, "null" }
    };

    check(cases, unit_n(cases));
}


static void
texts_are_joined_and_compared(void **state)
{
    static const operator_case_t  cases[] = {
        { "{\"cat\": []}", NULL, "\"\"" },
        { "{\"cat\": \"a\"}", NULL, "\"a\"" },
        { "{\"cat\": [\"a\", \"b\", \"c\"]}", NULL, "\"abc\"" },
        { "{\"cat\": [\"a\", null, 1, true, false, \"b\"]}", NULL,
          "\"a1truefalseb\"" },
        { "{\"cat\": [1.50]}", NULL, "\"1.5\"" },
        { "{\"cat\": [1e21, \" \", 1e-7, \" \", -0]}", NULL,
          "\"1e+21 1e-7 0\"" },
        { "{\"cat\": [0.1, \"|\", 100]}", NULL, "\"0.1|100\"" },
        { "{\"cat\": [\" a \", \" \"]}", NULL, "\" a  \"" },
        { "{\"cat\": [[1, \"b\", null, true]]}", NULL, "\"1,b,,true\"" },
        { "{\"cat\": [[], \"x\"]}", NULL, "\"x\"" },
        { "{\"cat\": [[1, [2, 3]], 4]}", NULL, "\"1,2,34\"" },
        { "{\"cat\": [{\"var\": \"a\"}, \"-\", {\"var\": \"b\"}]}",
          "{\"a\": \"x\", \"b\": 2}", "\"x-2\"" },
        { "{\"cat\": [{\"var\": \"a\"}, \"-\", {\"var\": \"b\"}]}", "{}",
          "\"-\"" },
        { "{\"cat\": [{\"var\": \"l\"}, \"!\"]}", "{\"l\": [1, \"b\"]}",
          "\"1,b!\"" },
        { "{\"cat\": {\"var\": \"l\"}}", "{\"l\": [1, \"b\", null]}",
          "\"1b\"" },
        { "{\"cat\": {\"var\": \"a\"}}", "{\"a\": 5}", "\"5\"" },
        { "{\"cat\": [{\"var\": \"$flagd.flagKey\"}, \"/\","
          " {\"var\": \"a\"}]}", "{\"a\": \"u\"}", "\"value/u\"" },
        { "{\"cat\": [{\"cat\": [\"a\", {\"var\": \"a\"}]},"
          " {\"if\": [{\"var\": \"a\"}, \"y\", \"n\"]}]}", "{\"a\": \"u\"}",
          "\"auy\"" },

        { "{\"starts_with\": [\"abc\", \"ab\"]}", NULL, "true" },
        { "{\"starts_with\": [\"abc\", \"\"]}", NULL, "true" },
        { "{\"starts_with\": [\"abc\", \"bc\"]}", NULL, "false" },
        { "{\"starts_with\": [\"ab\", \"abc\"]}", NULL, "false" },
        { "{\"starts_with\": [{\"var\": \"a\"}, \"ab\"]}",
          "{\"a\": \"abc\"}", "true" },
        { "{\"starts_with\": [{\"var\": \"a\"}, \"ab\"]}", "{}", "null" },
        { "{\"starts_with\": [{\"var\": \"a\"}, \"1\"]}", "{\"a\": 12}",
          "null" },
        { "{\"starts_with\": [\"abc\", {\"var\": \"a\"}]}",
          "{\"a\": \"abc\"}", "true" },
        { "{\"starts_with\": [\"abc\", 1]}", NULL, "null" },
        { "{\"starts_with\": [\"abc\"]}", NULL, "null" },
        { "{\"starts_with\": []}", NULL, "null" },
        { "{\"starts_with\": [{\"var\": \"a\"}, {\"var\": \"b\"}]}",
          "{\"a\": \"xy\", \"b\": \"x\"}", "true" },
        { "{\"ends_with\": [\"abc\", \"bc\"]}", NULL, "true" },
        { "{\"ends_with\": [\"abc\", \"ab\"]}", NULL, "false" },
        { "{\"ends_with\": [\"abc\", \"\"]}", NULL, "true" },
        { "{\"ends_with\": [\"bc\", \"abc\"]}", NULL, "false" },
        { "{\"ends_with\": [{\"var\": \"a\"}, \"@example.com\"]}",
          "{\"a\": \"me@example.com\"}", "true" },
        { "{\"ends_with\": [{\"var\": \"a\"}, \"x\"]}", "{\"a\": null}",
          "null" },
        { "{\"ends_with\": [{\"var\": \"a\"}, \"x\"]}", "{\"a\": [\"x\"]}",
          "null" },
        { "{\"ends_with\": [\"a\"]}", NULL, "null" },
        { "{\"===\": [{\"starts_with\": [{\"var\": \"a\"}, \"x\"]}, false]}",
          "{\"a\": 1}", "false" }
    };

    check(cases, unit_n(cases));
}


static void
versions_are_compared(void **state)
{
    static const operator_case_t  cases[] = {
        { "{\"sem_ver\": [\"1.0.0\", \"=\", \"v1\"]}", NULL, "true" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \">=\", \"2.1.0\"]}",
          "{\"v\": \"2.10.0\"}", "true" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"<\", \"2.0.0\"]}",
          "{\"v\": \"2.0.0-rc.1\"}", "true" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"=\", \"1.0.0\"]}",
          "{\"v\": 1}", "true" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \">\", \"1.1\"]}",
          "{\"v\": 1.2}", "true" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"^\", \"3.0.0\"]}",
          "{\"v\": \"3.9.9\"}", "true" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"~\", \"3.0.0\"]}",
          "{\"v\": \"3.9.9\"}", "false" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"!=\", \"3.0.0\"]}",
          "{\"v\": \"3.0.0+b\"}", "false" },
        { "{\"sem_ver\": [\"1.2.3\", {\"var\": \"op\"}, {\"var\": \"v\"}]}",
          "{\"v\": \"1.2.4\", \"op\": \"<\"}", "true" },
        { "{\"sem_ver\": [\"1.2.3\", \"<\", {\"var\": \"v\"}]}",
          "{\"v\": \"1.2.4\"}", "true" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"=\", \"1.0.0\"]}", "{}",
          "null" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"!=\", \"1.0.0\"]}",
          "{\"v\": \"none\"}", "null" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"=\", \"1.0.0\"]}",
          "{\"v\": \" 1.0.0\"}", "null" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"=\", \"1.0.0\"]}",
          "{\"v\": \"1.0+b\"}", "null" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"=\", \"1.0.0\"]}",
          "{\"v\": true}", "null" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"===\", \"1.0.0\"]}",
          "{\"v\": \"1.0.0\"}", "null" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"=\", \"one\"]}",
          "{\"v\": \"1.0.0\"}", "null" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \"=\"]}", "{\"v\": \"1.0.0\"}",
          "null" },
        { "{\"sem_ver\": []}", NULL, "null" },
        { "{\"sem_ver\": \"1.0.0\"}", NULL, "null" },
        { "{\"sem_ver\": [{\"var\": \"v\"}, \">\","
          " \"99999999999999999999.0.0\"]}",
          "{\"v\": \"100000000000000000000.0.0\"}", "true" }
    };

    check(cases, unit_n(cases));
}


static void
times_are_seconds(void **state)
{
    static const operator_case_t  cases[] = {
        { "{\"time\": \"2026-01-31T10:00:00Z\"}", NULL, "1769853600" },
        { "{\"time\": [\"2026-01-31T10:00:00.9+01:00\"]}", NULL,
          "1769850000" },
        { "{\"time\": 5}", NULL, "5" },
        { "{\"time\": {\"var\": \"t\"}}", "{\"t\": \"1970-01-01T00:00:01Z\"}",
          "1" },
        { "{\"time\": {\"var\": \"t\"}}", "{\"t\": 12}", "12" },
        { "{\"time\": {\"var\": \"t\"}}", "{\"t\": \"now\"}", "null" },
        { "{\"time\": {\"var\": \"t\"}}", "{\"t\": true}", "null" },
        { "{\"time\": {\"var\": \"t\"}}", "{}", "null" },
        { "{\"<=\": [{\"time\": \"2023-11-14T22:13:20Z\"},"
          " {\"var\": \"$flagd.timestamp\"},"
          " {\"time\": \"2023-11-14T22:13:20Z\"}]}", NULL, "true" },
        { "{\"<=\": [{\"time\": \"2023-11-14T22:13:21Z\"},"
          " {\"var\": \"$flagd.timestamp\"}]}", NULL, "false" },
        { "{\"<\": [{\"var\": \"$flagd.timestamp\"},"
          " {\"time\": {\"var\": \"until\"}}]}",
          "{\"until\": \"2024-01-01T00:00:00Z\"}", "true" }
    };

    check(cases, unit_n(cases));
}


/* Answers computed elsewhere: MurmurHash3 of the text that is given. */

static void
fractional_splits_by_weight(void **state)
{
    static const char  k[] = "{\"targetingKey\": \"u1\", \"by\": \"x\","
                             " \"n\": 3, \"w\": 0, \"name\": \"c\"}";

    static const operator_case_t  cases[] = {

        /* what does not depend on the hash */

        { "{\"fractional\": [[\"a\", 1]]}", k, "\"a\"" },
        { "{\"fractional\": [[\"a\"]]}", k, "\"a\"" },
        { "{\"fractional\": [[\"a\", null]]}", k, "\"a\"" },
        { "{\"fractional\": [[\"a\", 0], [\"b\", 5]]}", k, "\"b\"" },
        { "{\"fractional\": [[\"a\", -7], [\"b\", 5]]}", k, "\"b\"" },
        { "{\"fractional\": [[\"a\", 2147483647]]}", k, "\"a\"" },
        { "{\"fractional\": [[true, 1]]}", k, "true" },
        { "{\"fractional\": [[7, 1]]}", k, "7" },
        { "{\"fractional\": [[null, 1]]}", k, "null" },
        { "{\"fractional\": [[{\"var\": \"name\"}, 1]]}", k, "\"c\"" },
        { "{\"fractional\": [[\"a\", {\"var\": \"w\"}],"
          " [\"b\", {\"var\": \"n\"}]]}", k, "\"b\"" },
        { "{\"fractional\": [[{\"if\": [{\"var\": \"n\"}, \"x\", \"y\"]},"
          " 10]]}", k, "\"x\"" },

        /* without a key, or with what is none */

        { "{\"fractional\": [[\"a\", 1]]}", "{}", "null" },
        { "{\"fractional\": [[\"a\", 1]]}", "{\"targetingKey\": \"\"}",
          "null" },
        { "{\"fractional\": [[\"a\", 1]]}", "{\"targetingKey\": 5}",
          "null" },
        { "{\"fractional\": [{\"var\": \"by\"}, [\"a\", 1]]}", k, "\"a\"" },
        { "{\"fractional\": [{\"var\": \"by\"}, [\"a\", 1]]}",
          "{\"by\": \"x\"}", "\"a\"" },
        { "{\"fractional\": [{\"var\": \"missing\"}, [\"a\", 1]]}", k,
          "\"a\"" },
        { "{\"fractional\": [{\"var\": \"missing\"}, [\"a\", 1]]}", "{}",
          "null" },
        { "{\"fractional\": [{\"var\": \"n\"}, [\"a\", 1]]}", k, "null" },
        { "{\"fractional\": [{\"cat\": [\"salt\", {\"var\": \"by\"}]},"
          " [\"a\", 1]]}", k, "\"a\"" },

        /* weights that are none */

        { "{\"fractional\": []}", k, "null" },
        { "{\"fractional\": [[\"a\", 0], [\"b\", 0]]}", k, "null" },
        { "{\"fractional\": [[\"a\", -1]]}", k, "null" },
        { "{\"fractional\": [[\"a\", 1.5], [\"b\", 5]]}", k, "null" },
        { "{\"fractional\": [[\"a\", \"1\"], [\"b\", 5]]}", k, "null" },
        { "{\"fractional\": [[\"a\", true], [\"b\", 5]]}", k, "null" },
        { "{\"fractional\": [[\"a\", 2147483648]]}", k, "null" },
        { "{\"fractional\": [[\"a\", 2147483647], [\"b\", 1]]}", k,
          "null" },
        { "{\"fractional\": [[\"a\", {\"var\": \"by\"}], [\"b\", 5]]}", k,
          "null" },
        { "{\"fractional\": [[]]}", k, "null" },
        { "{\"fractional\": [[\"a\", 1], \"b\"]}", k, "null" },

        /* by hashes: SPLITS */

        { "{\"fractional\": [{\"var\": \"by\"}, [\"a\", 50], [\"b\", 50]]}",
          "{\"by\": \"hello\"}", "\"a\"" },
        { "{\"fractional\": [{\"var\": \"by\"}, [\"a\", 50], [\"b\", 50]]}",
          "{\"by\": \"test\"}", "\"b\"" },
        { "{\"fractional\": [{\"var\": \"by\"}, [\"a\", 14], [\"b\", 1],"
          " [\"c\", 85]]}", "{\"by\": \"hello\"}", "\"b\"" },
        { "{\"fractional\": [{\"cat\": [\"he\", {\"var\": \"by\"}]},"
          " [\"a\", 14], [\"b\", 1], [\"c\", 85]]}", "{\"by\": \"llo\"}",
          "\"b\"" },
        { "{\"fractional\": [{\"cat\": [{\"var\": \"by\"}, \"llo\"]},"
          " [\"a\", 14], [\"b\", 1], [\"c\", 85]]}", "{\"by\": \"he\"}",
          "\"b\"" }
    };

    check(cases, unit_n(cases));
}


static void
segments_are_conditions(void **state)
{
    static const operator_case_t  cases[] = {
        { "{\"segment\": \"pro\"}", "{\"plan\": \"pro\"}", "true" },
        { "{\"segment\": [\"pro\"]}", "{\"plan\": \"free\"}", "false" },
        { "{\"segment\": \"both\"}", "{\"plan\": \"pro\", \"age\": 20}",
          "true" },
        { "{\"segment\": \"both\"}", "{\"plan\": \"pro\", \"age\": 40}",
          "false" },
        { "{\"and\": [{\"segment\": \"pro\"}, {\"segment\": \"both\"}]}",
          "{\"plan\": \"pro\", \"age\": 29}", "true" },
        { "{\"if\": [{\"segment\": \"young\"}, \"y\", \"o\"]}",
          "{\"age\": 31}", "\"o\"" },

        /* depends on the flag that asks */

        { "{\"segment\": \"half\"}", "{\"targetingKey\": \"user3\"}", NULL }
    };

    check(cases, unit_n(cases));
}


static void
regular_expressions_are_searched_for(void **state)
{
    static const char  c[] =
        "{\"e\": \"Me@Example.com\", \"n\": 12, \"l\": [\"b\"],"
        " \"u\": \"user-12\", \"x\": \"\", \"s\": \"STRA\u00dfE\"}";

    static const operator_case_t  cases[] = {

        /* what is no more than a text */

        { "{\"matches\": [{\"var\": \"u\"}, \"^user-12$\"]}", c, "true" },
        { "{\"matches\": [{\"var\": \"u\"}, \"^user-1$\"]}", c, "false" },
        { "{\"matches\": [{\"var\": \"u\"}, \"^user\"]}", c, "true" },
        { "{\"matches\": [{\"var\": \"u\"}, \"^ser\"]}", c, "false" },
        { "{\"matches\": [{\"var\": \"u\"}, \"12$\"]}", c, "true" },
        { "{\"matches\": [{\"var\": \"u\"}, \"user$\"]}", c, "false" },
        { "{\"matches\": [{\"var\": \"u\"}, \"r-1\"]}", c, "true" },
        { "{\"matches\": [{\"var\": \"u\"}, \"r1\"]}", c, "false" },
        { "{\"matches\": [{\"var\": \"u\"}, \"\"]}", c, "true" },
        { "{\"matches\": [{\"var\": \"x\"}, \"^$\"]}", c, "true" },
        { "{\"matches\": [\"12\", \"^1\"]}", c, "true" },

        /* what is not */

        { "{\"matches\": [{\"var\": \"u\"}, \"^user-[0-9]+$\"]}", c,
          "true" },
        { "{\"matches\": [{\"var\": \"e\"}, \"@example\\\\.\"]}", c,
          "false" },
        { "{\"matches\": [{\"var\": \"e\"}, \"@example\\\\.\", \"i\"]}", c,
          "true" },
        { "{\"matches\": [{\"var\": \"e\"}, \"(?i)^ME@\", \"\"]}", c,
          "true" },
        { "{\"matches\": [{\"var\": \"s\"}, \"stra\u1e9ee\", \"i\"]}", c,
          "true" },
        { "{\"matches\": [{\"var\": \"s\"}, \"^.{6}$\"]}", c, "true" },
        { "{\"matches\": [{\"var\": \"s\"}, \"^(.|x)*S(.|x){13}\"]}", c,
          "false" },
        { "{\"matches\": [{\"cat\": [\"b\", \"a\"]},"
          " \"(.|x)*b(a|b){1,15}\"]}", c, "true" },

        /* what is no text */

        { "{\"matches\": [{\"var\": \"n\"}, \"12\"]}", c, "null" },
        { "{\"matches\": [{\"var\": \"n\"}, \"[12]\"]}", c, "null" },
        { "{\"matches\": [{\"var\": \"l\"}, \"b\"]}", c, "null" },
        { "{\"matches\": [{\"var\": \"none\"}, \"\"]}", c, "null" },
        { "{\"matches\": [[\"b\"], \"^b\"]}", c, "null" },
        { "{\"matches\": [{\"var\": \"u\"}]}", c, "null" },
        { "{\"matches\": {\"var\": \"u\"}}", c, "null" },
        { "{\"matches\": []}", c, "null" }
    };

    check(cases, unit_n(cases));
}


static void
addresses_are_in_ranges(void **state)
{
    static const char  c[] =
        "{\"ip\": \"10.1.2.3\", \"v6\": \"2001:db8::1\", \"n\": 10,"
        " \"mapped\": \"::ffff:192.168.1.1\","
        " \"net\": \"10.0.0.0/8\", \"nets\": [5, \"10.1.2.0/24\"]}";

    static const operator_case_t  cases[] = {
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"10.0.0.0/8\"]]}", c, "true" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, \"10.0.0.0/8\"]}", c, "true" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"10.1.2.3\"]]}", c, "true" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"10.1.2.4\"]]}", c, "false" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"10.1.2.99/24\"]]}", c,
          "true" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"10.1.2.4/31\","
          " \"10.1.2.2/31\"]]}", c, "true" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"0.0.0.0/0\"]]}", c, "true" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"::/0\"]]}", c, "false" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, []]}", c, "false" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"::ffff:10.0.0.0/104\"]]}", c,
          "true" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"::ffff:0:0/95\"]]}", c,
          "false" },
        { "{\"in_cidr\": [{\"var\": \"mapped\"}, [\"192.168.0.0/16\"]]}", c,
          "true" },
        { "{\"in_cidr\": [{\"var\": \"mapped\"}, [\"::/0\"]]}", c, "false" },
        { "{\"in_cidr\": [{\"var\": \"v6\"}, [\"10.0.0.0/8\","
          " \"2001:DB8::/32\"]]}", c, "true" },
        { "{\"in_cidr\": [{\"var\": \"v6\"}, [\"2001:db9::/32\","
          " \"2001:db8::2/127\", \"2001:db7::/32\"]]}", c, "false" },
        { "{\"in_cidr\": [{\"var\": \"v6\"}, [\"0.0.0.0/0\"]]}", c, "false" },

        /* an invalid one is in none, and one that is invalid has none */

        { "{\"in_cidr\": [{\"var\": \"n\"}, [\"0.0.0.0/0\"]]}", c, "false" },
        { "{\"in_cidr\": [{\"var\": \"none\"}, [\"::/0\"]]}", c, "false" },
        { "{\"in_cidr\": [\"10.1.2.03\", [\"0.0.0.0/0\"]]}", c, "false" },
        { "{\"in_cidr\": [\"10.1.2\", [\"0.0.0.0/0\"]]}", c, "false" },
        { "{\"in_cidr\": [\" 10.1.2.3\", [\"0.0.0.0/0\"]]}", c, "false" },
        { "{\"in_cidr\": [\"fe80::1%eth0\", [\"::/0\"]]}", c, "false" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"10.0.0.0/33\", 5, null,"
          " \"10.0.0.0/\", \"10.0.0.0/08\", \"10.0.0.0/+8\", \"\","
          " \"10.0.0.0/8/8\"]]}", c, "false" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"frob\", \"10.0.0.0/8\"]]}",
          c, "true" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}]}", c, "null" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, null]}", c, "false" },

        /* ranges that are computed */

        { "{\"in_cidr\": [{\"var\": \"ip\"}, {\"var\": \"net\"}]}", c,
          "true" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, {\"var\": \"nets\"}]}", c,
          "true" },
        { "{\"in_cidr\": [{\"var\": \"v6\"}, {\"var\": \"nets\"}]}", c,
          "false" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, [\"::/0\","
          " {\"cat\": [\"10.0.0.0/\", 8]}]]}", c, "true" },
        { "{\"in_cidr\": [{\"cat\": [\"10.1.2.\", 3]},"
          " [\"10.1.0.0/16\"]]}", c, "true" },
        { "{\"in_cidr\": [{\"var\": \"ip\"}, {\"var\": \"none\"}]}", c,
          "false" }
    };

    check(cases, unit_n(cases));
}


static void
buckets_are_those_of_other_systems(void **state)
{
    static const char  c[] =
        "{\"u\": \"user3\", \"n\": 2.5, \"l\": [1, \"b\"]}";

    static const operator_case_t  cases[] = {
        { "{\"bucket\": [\"sha256\", 100, {\"var\": \"u\"}, \":\", \"f\"]}",
          c, "81" },
        { "{\"bucket\": [\"sha256\", 4294967295, {\"var\": \"u\"}]}",
          c, "2359907171" },
        { "{\"bucket\": [\"sha256\", 4294967291, \"\"]}",
          NULL, "1969579424" },
        { "{\"bucket\": [\"sha1\", 100, {\"var\": \"u\"}, \":\", \"f\"]}",
          c, "51" },
        { "{\"bucket\": [\"sha1\", 4294967295, {\"var\": \"u\"}]}",
          c, "3847700712" },
        { "{\"bucket\": [\"sha1\", 4294967291, \"\"]}",
          NULL, "1714759950" },
        { "{\"bucket\": [\"md5\", 100, {\"var\": \"u\"}, \":\", \"f\"]}",
          c, "33" },
        { "{\"bucket\": [\"md5\", 4294967295, {\"var\": \"u\"}]}",
          c, "2898846299" },
        { "{\"bucket\": [\"md5\", 4294967291, \"\"]}",
          NULL, "100113718" },
        { "{\"bucket\": [\"murmur3\", 100, {\"var\": \"u\"}, \":\", \"f\"]}",
          c, "73" },
        { "{\"bucket\": [\"murmur3\", 4294967295, {\"var\": \"u\"}]}",
          c, "2032664284" },
        { "{\"bucket\": [\"murmur3\", 4294967291, \"\"]}",
          NULL, "0" },
        { "{\"bucket\": [\"fnv1a\", 100, {\"var\": \"u\"}, \":\", \"f\"]}",
          c, "31" },
        { "{\"bucket\": [\"fnv1a\", 4294967295, {\"var\": \"u\"}]}",
          c, "2659002835" },
        { "{\"bucket\": [\"fnv1a\", 4294967291, \"\"]}",
          NULL, "2166136261" },
        { "{\"bucket\": [\"crc32\", 100, {\"var\": \"u\"}, \":\", \"f\"]}",
          c, "30" },
        { "{\"bucket\": [\"crc32\", 4294967295, {\"var\": \"u\"}]}",
          c, "1650451577" },
        { "{\"bucket\": [\"crc32\", 4294967291, \"\"]}",
          NULL, "0" },
        { "{\"bucket\": [\"crc32\", 1000, {\"var\": \"n\"}, true, null,"
          " [1, \"x\"]]}",
          c, "848" },
        { "{\"bucket\": [\"crc32\", 1000, {\"var\": \"l\"}]}",
          c, "687" },
        { "{\"bucket\": [\"crc32\", 1000, {\"var\": \"none\"}]}",
          c, "0" },
        { "{\"bucket\": [\"md5\", 1, \"x\"]}",
          NULL, "0" },
        { "{\"<\": [{\"bucket\": [\"sha256\", 100,"
          " \"user3:beta_search\"]}, 14]}",
          NULL, "true" },
        { "{\"bucket\": [\"crc32\", 1000]}",
          NULL, "0" }
    };

    check(cases, unit_n(cases));
}


static void
lower_folds_character_by_character(void **state)
{
    static const operator_case_t  cases[] = {
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"Alice@Example.COM\"}",
          "\"alice@example.com\"" },
        { "{\"lower\": [\"Alice@Example.COM\"]}", NULL,
          "\"alice@example.com\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\\u00c9T\\u00c9\"}",
          "\"\\u00e9t\\u00e9\"" },
        { "{\"lower\": [\"\\u00c9T\\u00c9\"]}", NULL, "\"\\u00e9t\\u00e9\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\\u1e9e\"}",
          "\"\\u00df\"" },
        { "{\"lower\": [\"\\u1e9e\"]}", NULL, "\"\\u00df\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\\u00df\"}",
          "\"\\u00df\"" },
        { "{\"lower\": [\"\\u00df\"]}", NULL, "\"\\u00df\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\\u212a\"}",
          "\"k\"" },
        { "{\"lower\": [\"\\u212a\"]}", NULL, "\"k\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\\u023a\"}",
          "\"\\u2c65\"" },
        { "{\"lower\": [\"\\u023a\"]}", NULL, "\"\\u2c65\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\\u03a3\\u03c2\"}",
          "\"\\u03c3\\u03c3\"" },
        { "{\"lower\": [\"\\u03a3\\u03c2\"]}", NULL, "\"\\u03c3\\u03c3\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\\u0130\"}",
          "\"\\u0130\"" },
        { "{\"lower\": [\"\\u0130\"]}", NULL, "\"\\u0130\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\\u0131\"}",
          "\"\\u0131\"" },
        { "{\"lower\": [\"\\u0131\"]}", NULL, "\"\\u0131\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\\ud801\\udc00\"}",
          "\"\\ud801\\udc28\"" },
        { "{\"lower\": [\"\\ud801\\udc00\"]}", NULL, "\"\\ud801\\udc28\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\\u1f88\"}",
          "\"\\u1f80\"" },
        { "{\"lower\": [\"\\u1f88\"]}", NULL, "\"\\u1f80\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\\u13a0\\uab70\"}",
          "\"\\u13a0\\u13a0\"" },
        { "{\"lower\": [\"\\u13a0\\uab70\"]}", NULL, "\"\\u13a0\\u13a0\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\\u0100\\u0101\\u0102\"}",
          "\"\\u0101\\u0101\\u0103\"" },
        { "{\"lower\": [\"\\u0100\\u0101\\u0102\"]}", NULL,
          "\"\\u0101\\u0101\\u0103\"" },
        { "{\"lower\": {\"var\": \"s\"}}", "{\"s\": \"\"}",
          "\"\"" },
        { "{\"lower\": [\"\"]}", NULL, "\"\"" },
        { "{\"==\": [{\"lower\": {\"var\": \"s\"}}, {\"lower\": \"ME\"}]}",
          "{\"s\": \"mE\"}", "true" },
        { "{\"in\": [{\"lower\": {\"var\": \"s\"}}, [\"a\", \"me\"]]}",
          "{\"s\": \"mE\"}", "true" },
        { "{\"lower\": [{\"lower\": \"AB\"}]}", NULL, "\"ab\"" },
        { "{\"lower\": []}", NULL, "null" },
        { "{\"lower\": 5}", NULL, "null" },
        { "{\"lower\": null}", NULL, "null" },
        { "{\"lower\": [true]}", NULL, "null" },
        { "{\"lower\": {\"var\": \"none\"}}", NULL, "null" },
        { "{\"lower\": [[\"A\"]]}", NULL, "null" }
    };

    check(cases, unit_n(cases));
}


static void
rollout_is_a_boolean(void **state)
{
    static const operator_case_t  cases[] = {
        { "{\"rollout\": [0]}", "{\"targetingKey\": \"u1\"}", "false" },
        { "{\"rollout\": 0}", "{\"targetingKey\": \"u1\"}", "false" },
        { "{\"rollout\": [100]}", "{\"targetingKey\": \"u1\"}", "true" },
        { "{\"rollout\": [50]}", "{}", "false" },
        { "{\"rollout\": [50]}", "{\"targetingKey\": \"\"}", "false" },
        { "{\"rollout\": [50]}", "{\"targetingKey\": \"user7\"}", NULL },
        { "{\"rollout\": [12.345678]}", "{\"targetingKey\": \"a\"}", NULL },
        { "{\"rollout\": [50, {\"var\": \"account\"}]}",
          "{\"account\": \"acme\"}", NULL },
        { "{\"rollout\": [50, {\"var\": \"account\"}]}",
          "{\"targetingKey\": \"u1\"}", "false" }
    };

    check(cases, unit_n(cases));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(data_is_itself),
        cmocka_unit_test(var_reads_the_context),
        cmocka_unit_test(truth_is_jsonlogics),
        cmocka_unit_test(and_and_or_give_the_operand_that_decides),
        cmocka_unit_test(if_takes_the_first_that_holds),
        cmocka_unit_test(equality_is_loose_with_two_equals_signs),
        cmocka_unit_test(order_is_of_bytes_or_of_numbers),
        cmocka_unit_test(in_is_membership_or_a_part),
        cmocka_unit_test(texts_are_joined_and_compared),
        cmocka_unit_test(versions_are_compared),
        cmocka_unit_test(times_are_seconds),
        cmocka_unit_test(fractional_splits_by_weight),
        cmocka_unit_test(segments_are_conditions),
        cmocka_unit_test(regular_expressions_are_searched_for),
        cmocka_unit_test(addresses_are_in_ranges),
        cmocka_unit_test(buckets_are_those_of_other_systems),
        cmocka_unit_test(lower_folds_character_by_character),
        cmocka_unit_test(rollout_is_a_boolean)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
