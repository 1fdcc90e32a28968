
/*
 * Copyright (C) Flagship
 */


/*
 * What each operator gives that JsonLogic has not, flagd's and ours, as a
 * person reads the language: the tables are written by hand.
 */


#include "operators.h"


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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
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

    operators_check(cases, unit_n(cases));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
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
