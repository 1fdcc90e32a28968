
/*
 * Copyright (C) Flagship
 */


/*
 * A second reading of the language: a plain interpreter of JSON, written from
 * its description and for nothing but clarity.  Tests let the engine and this
 * answer the same questions.  Here are the operators; oracle_value.h has what
 * they work on.
 */


#ifndef _FLAGSHIP_ORACLE_H_INCLUDED_
#define _FLAGSHIP_ORACLE_H_INCLUDED_


#include "oracle_value.h"
#include "pcre.h"

#include "flagship_fold.h"
#include "flagship_semver.h"
#include "flagship_time.h"

#include <arpa/inet.h>
#include <math.h>


static oracle_value_t oracle_eval(oracle_t *o,
    const flagship_json_node_t *node);


static inline oracle_value_t
oracle_var(oracle_t *o, oracle_value_t *args, size_t n)
{
    flagship_str_t               path;
    const flagship_json_node_t  *node;

    if (n == 0 || args[0].type == ORACLE_NULL) {
        return oracle_data(o, o->context);
    }

    path = oracle_text(o, args[0]);

    if (flagship_str_is(path, "$flagd.flagKey")) {
        return oracle_string(o->key);
    }

    if (flagship_str_is(path, "$flagd.timestamp")) {
        return oracle_number((double) o->now);
    }

    node = flagship_json_path(o->context, path);

    if (node) {
        return oracle_data(o, node);
    }

    return (n > 1) ? args[1] : oracle_null();
}


static inline int
oracle_in(oracle_t *o, oracle_value_t needle, oracle_value_t haystack)
{
    size_t          i;
    flagship_str_t  s;

    if (haystack.type == ORACLE_ARRAY) {

        for (i = 0; i < haystack.n; i++) {
            if (oracle_strictly(needle, haystack.items[i])) {
                return 1;
            }
        }

        return 0;
    }

    if (haystack.type != ORACLE_STRING || needle.type == ORACLE_NULL
        || needle.type >= ORACLE_ARRAY)
    {
        return 0;
    }

    s = oracle_text(o, needle);

    for (i = 0; i + s.len <= haystack.str.len; i++) {
        if (memcmp(haystack.str.data + i, s.data, s.len) == 0) {
            return 1;
        }
    }

    return 0;
}


/* In bits of text, written apart from the engine: an address as 128 of '0'
   and '1', of IPv4 as 32. */

static inline size_t
oracle_bits(flagship_str_t s, char *bits)
{
    char           text[64];
    size_t         i, n;
    unsigned char  addr[16], *p;

    if (s.len >= sizeof(text) || memchr(s.data, 0, s.len)) {
        return 0;
    }

    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    p = addr;

    if (inet_pton(AF_INET, text, addr) == 1) {
        n = 32;

    } else if (inet_pton(AF_INET6, text, addr) == 1) {
        n = 128;

        if (memcmp(addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0) {
            p = addr + 12;
            n = 32;
        }

    } else {
        return 0;
    }

    for (i = 0; i < n; i++) {
        bits[i] = (p[i / 8] >> (7 - i % 8)) & 1 ? '1' : '0';
    }

    return n;
}


static inline int
oracle_in_range(oracle_value_t ip, oracle_value_t range)
{
    char            a[128], b[128];
    size_t          n, m, len;
    double          prefix;
    flagship_str_t  s;

    if (ip.type != ORACLE_STRING || range.type != ORACLE_STRING) {
        return 0;
    }

    s = range.str;

    for (len = 0; len < s.len && s.data[len] != '/'; len++) { /* void */ }

    n = oracle_bits(ip.str, a);
    m = oracle_bits(flagship_str(s.data, len), b);
    prefix = m;

    if (len < s.len) {
        prefix = flagship_number_parse(s.data + len + 1, s.len - len - 1, 0);

        if (m == 32 && memchr(s.data, ':', len)) {
            prefix -= 96;
        }
    }

    return n && n == m && prefix >= 0 && prefix <= m
           && memcmp(a, b, (size_t) prefix) == 0;
}


static inline int
oracle_in_cidr(oracle_value_t ip, oracle_value_t ranges)
{
    size_t  i;

    if (ranges.type != ORACLE_ARRAY) {
        return oracle_in_range(ip, ranges);
    }

    for (i = 0; i < ranges.n; i++) {
        if (oracle_in_range(ip, ranges.items[i])) {
            return 1;
        }
    }

    return 0;
}


static inline oracle_value_t
oracle_matches(oracle_value_t *args, size_t n)
{
    int          rc;
    pcre2_code  *code;

    if (args[0].type != ORACLE_STRING) {
        return oracle_null();
    }

    code = pcre_open(args[1].str, n > 2 && args[2].str.len);
    assert_non_null(code);

    rc = pcre_match(code, args[0].str);
    assert_true(rc >= 0);

    pcre2_code_free(code);

    return oracle_bool(rc);
}


/* An entry is written as an array; a first argument that is none is "by". */

static inline oracle_value_t
oracle_fractional(oracle_t *o, const flagship_json_node_t *node,
    oracle_value_t *args, size_t n)
{
    size_t                       i;
    double                       weights[64], total;
    uint64_t                     bucket, sum;
    flagship_str_t               by;
    const flagship_json_node_t  *key;

    by.data = NULL;

    if (n && (node->type != FLAGSHIP_JSON_ARRAY
              || node[1].type != FLAGSHIP_JSON_ARRAY))
    {

        if (args[0].type == ORACLE_STRING) {
            by = args[0].str;

        } else if (args[0].type != ORACLE_NULL) {
            return oracle_null();
        }

        args++;
        n--;
    }

    if (by.data == NULL) {
        key = flagship_json_get(o->context, "targetingKey");

        if (key == NULL || key->type != FLAGSHIP_JSON_STRING || key->len == 0)
        {
            return oracle_null();
        }

        by = oracle_join(o, o->key, flagship_json_str(key));
    }

    assert_true(n <= 64);

    for (i = 0, total = 0; i < n; i++) {

        if (args[i].type != ORACLE_ARRAY || args[i].n == 0) {
            return oracle_null();
        }

        if (args[i].n < 2 || args[i].items[1].type == ORACLE_NULL) {
            weights[i] = 1;

        } else if (args[i].items[1].type != ORACLE_NUMBER
                   || floor(args[i].items[1].number)
                      != args[i].items[1].number
                   || args[i].items[1].number > 2147483647)
        {
            return oracle_null();

        } else {
            weights[i] = fmax(args[i].items[1].number, 0);
        }

        total += weights[i];
    }

    if (total == 0 || total > 2147483647) {
        return oracle_null();
    }

    bucket = ((uint64_t) flagship_murmur3(by.data, by.len)
              * (uint64_t) total) >> 32;
    sum = 0;

    for (i = 0; /* void */ ; i++) {
        sum += (uint64_t) weights[i];

        if (bucket < sum) {
            return args[i].items[0];
        }
    }
}


static inline oracle_value_t
oracle_sem_ver(oracle_t *o, oracle_value_t *args)
{
    flagship_semver_t     a, b;
    flagship_semver_op_e  op;

    if (args[1].type != ORACLE_STRING) {
        return oracle_null();
    }

    op = flagship_semver_op(args[1].str);

    if (op == FLAGSHIP_SEMVER_BAD
        || (args[0].type != ORACLE_STRING && args[0].type != ORACLE_NUMBER)
        || (args[2].type != ORACLE_STRING && args[2].type != ORACLE_NUMBER)
        || flagship_semver_parse(&a, oracle_text(o, args[0])) != FLAGSHIP_OK
        || flagship_semver_parse(&b, oracle_text(o, args[2])) != FLAGSHIP_OK)
    {
        return oracle_null();
    }

    return oracle_bool(flagship_semver_test(&a, op, &b));
}


/* Operators that look at their arguments one after the other. */

static inline int
oracle_lazy(oracle_t *o, flagship_str_t op, const flagship_json_node_t *arg,
    size_t n, oracle_value_t *result)
{
    int  and;

    if (flagship_str_is(op, "if") || flagship_str_is(op, "?:")) {

        *result = oracle_null();

        while (n) {
            *result = oracle_eval(o, arg);

            if (n == 1) {
                break;
            }

            arg += arg->next;

            if (oracle_truth(*result)) {
                *result = oracle_eval(o, arg);
                break;
            }

            *result = oracle_null();
            arg += arg->next;
            n -= 2;
        }

        return 1;
    }

    and = flagship_str_is(op, "and");

    if (and || flagship_str_is(op, "or")) {

        *result = oracle_bool(0);

        for ( /* void */ ; n; n--) {
            *result = oracle_eval(o, arg);

            if (oracle_truth(*result) != and) {
                break;
            }

            arg += arg->next;
        }

        return 1;
    }

    return 0;
}


static inline oracle_value_t
oracle_apply(oracle_t *o, flagship_str_t op, oracle_value_t *args, size_t n)
{
    char                        *buf;
    size_t                       i;
    int64_t                      t;
    flagship_str_t               s, u;
    const flagship_json_node_t  *node;

    if (flagship_str_is(op, "var")) {
        return oracle_var(o, args, n);
    }

    if (flagship_str_is(op, "!")) {
        return oracle_bool(n == 0 || !oracle_truth(args[0]));
    }

    if (flagship_str_is(op, "!!")) {
        return oracle_bool(n && oracle_truth(args[0]));
    }

    if (flagship_str_is(op, "cat")) {
        s = unit_str("");

        for (i = 0; i < n; i++) {
            s = oracle_join(o, s, oracle_text(o, args[i]));
        }

        return oracle_string(s);
    }

    if (flagship_str_is(op, "lower")) {

        if (n == 0 || args[0].type != ORACLE_STRING) {
            return oracle_null();
        }

        buf = flagship_arena_alloc(&o->arena,
                                   flagship_fold_size(args[0].str.len));
        assert_non_null(buf);
        assert_int_equal(flagship_fold(args[0].str, buf,
                                       flagship_fold_size(args[0].str.len),
                                       &s), FLAGSHIP_OK);
        return oracle_string(s);
    }

    if (flagship_str_is(op, "bucket")) {
        s = unit_str("");

        for (i = 2; i < n; i++) {
            s = oracle_join(o, s, oracle_text(o, args[i]));
        }

        return oracle_number(flagship_bucket(
                                 flagship_bucket_algorithm(args[0].str),
                                 (uint32_t) args[1].number, s));
    }

    if (flagship_str_is(op, "sem_ver")) {
        return (n == 3) ? oracle_sem_ver(o, args) : oracle_null();
    }

    if (flagship_str_is(op, "time")) {

        if (n && args[0].type == ORACLE_NUMBER) {
            return args[0];
        }

        if (n == 0 || args[0].type != ORACLE_STRING
            || flagship_time_parse(args[0].str, &t) != FLAGSHIP_OK)
        {
            return oracle_null();
        }

        return oracle_number((double) t);
    }

    if (flagship_str_is(op, "segment")) {
        node = flagship_json_member(o->segments, args[0].str.data,
                                    args[0].str.len);
        assert_non_null(node);
        return oracle_bool(oracle_truth(oracle_eval(o, node)));
    }

    if (flagship_str_is(op, "rollout")) {
        node = flagship_json_get(o->context, "targetingKey");
        u = node && node->type == FLAGSHIP_JSON_STRING
            ? flagship_json_str(node) : unit_str("");

        if (n > 1) {
            u = args[1].type == ORACLE_STRING ? args[1].str : unit_str("");
        }

        return oracle_bool(args[0].number >= 100
                           || (u.len && flagship_rollout_bucket(u, o->key)
                                        < round(args[0].number * 1e6)));
    }

    /* of two or more */

    if (n < 2) {
        return oracle_null();
    }

    if (flagship_str_is(op, "in")) {
        return oracle_bool(oracle_in(o, args[0], args[1]));
    }

    if (flagship_str_is(op, "in_cidr")) {
        return oracle_bool(oracle_in_cidr(args[0], args[1]));
    }

    if (flagship_str_is(op, "matches")) {
        return oracle_matches(args, n);
    }

    if (flagship_str_is(op, "starts_with")
        || flagship_str_is(op, "ends_with"))
    {
        if (args[0].type != ORACLE_STRING || args[1].type != ORACLE_STRING) {
            return oracle_null();
        }

        s = args[0].str;
        u = args[1].str;

        return oracle_bool(s.len >= u.len
                           && memcmp(s.data + (op.data[0] == 's'
                                               ? 0 : s.len - u.len),
                                     u.data, u.len) == 0);
    }

    for (i = 1; i < n; i++) {
        if (!oracle_compares(op, args[i - 1], args[i])) {
            return oracle_bool(0);
        }
    }

    return oracle_bool(1);
}


static oracle_value_t
oracle_eval(oracle_t *o, const flagship_json_node_t *node)
{
    size_t                       i, n;
    flagship_str_t               op;
    oracle_value_t              *args, v;
    const flagship_json_node_t  *arg;

    if (node->type == FLAGSHIP_JSON_ARRAY) {

        v = oracle_null();
        v.type = ORACLE_ARRAY;
        v.n = node->len;
        v.items = flagship_arena_alloc(&o->arena, v.n * sizeof(v) + 1);
        assert_non_null(v.items);

        for (arg = node + 1, i = 0; i < v.n; i++) {
            v.items[i] = oracle_eval(o, arg);
            arg += arg->next;
        }

        return v;
    }

    if (node->type != FLAGSHIP_JSON_OBJECT || node->len != 1) {
        return oracle_data(o, node);
    }

    op = flagship_json_str(node + 1);
    arg = node + 2;
    n = 1;

    if (arg->type == FLAGSHIP_JSON_ARRAY) {
        n = arg->len;
        arg++;
    }

    if (oracle_lazy(o, op, arg, n, &v)) {
        return v;
    }

    args = flagship_arena_alloc(&o->arena, n * sizeof(v) + 1);
    assert_non_null(args);

    for (i = 0; i < n; i++) {
        args[i] = oracle_eval(o, arg);
        arg += arg->next;
    }

    if (flagship_str_is(op, "fractional")) {
        return oracle_fractional(o, node + 2, args, n);
    }

    if (flagship_str_is(op, "cat") && node[2].type != FLAGSHIP_JSON_ARRAY
        && args[0].type == ORACLE_ARRAY)
    {
        return oracle_apply(o, op, args[0].items, args[0].n);
    }

    return oracle_apply(o, op, args, n);
}


#endif /* _FLAGSHIP_ORACLE_H_INCLUDED_ */
