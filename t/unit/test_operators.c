
/*
 * Copyright (C) Flagship
 */


/*
 * What each operator of JsonLogic gives, as a person reads the language: the
 * tables are written by hand.
 */


#include "operators.h"


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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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
        cmocka_unit_test(texts_are_joined_and_compared)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
