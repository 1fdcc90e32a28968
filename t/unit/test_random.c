
/*
 * Copyright (C) Flagship
 */


/*
 * Expressions and contexts that nobody would think of: what the engine answers
 * is what the oracle answers.  The sequence is always the same;
 * FLAGSHIP_RANDOM=seed tries another.
 */


#include "forms.h"


#define ROUNDS    400
#define CONTEXTS  6


typedef struct {
    char       buf[2000];
    size_t     len;
    uint64_t   seed;
} random_text_t;


static unsigned
pick(random_text_t *t, unsigned n)
{
    return (unsigned) (unit_random(&t->seed) >> 33) % n;
}


static void
put(random_text_t *t, const char *text)
{
    size_t  n;

    n = strlen(text);
    assert_true(t->len + n < sizeof(t->buf));

    memcpy(t->buf + t->len, text, n + 1);
    t->len += n;
}


static void
put_scalar(random_text_t *t)
{
    static const char  *scalars[] = {
        "null", "true", "false", "0", "1", "-1", "2", "10", "1.5", "1e21",
        "\"\"", "\" \"", "\"0\"", "\"1\"", "\" +1 \"", "\"10\"", "\"1.5\"",
        "\"a\"", "\"ab\"", "\"b\"", "\"abc\"", "\"true\"", "\"pro\"",
        "\"1.2.3\"", "\"v2\"", "\"1.0.0-rc.1\"", "\"\\u00e9\"",
        "\"2026-01-31T10:00:00Z\"", "\"x.y\"", "\"\\u00c9A\"", "1769853600",
        "20", "35"
    };

    put(t, scalars[pick(t, unit_n(scalars))]);
}


static const char  *names[] = {
    "a", "b", "c", "plan", "age", "user.name", "user.x", "list", "list.0",
    "targetingKey", "missing", "$flagd.flagKey", "$flagd.timestamp", "a.b"
};


static void
put_var(random_text_t *t)
{
    const char  *name;

    name = names[pick(t, unit_n(names))];

    if (pick(t, 6) == 0) {
        put(t, "{\"var\": [\"");
        put(t, name);
        put(t, "\", ");
        put_scalar(t);
        put(t, "]}");
        return;
    }

    put(t, "{\"var\": \"");
    put(t, name);
    put(t, "\"}");
}


static void put_expression(random_text_t *t, unsigned depth);


static void
put_call(random_text_t *t, const char *op, unsigned n, unsigned depth)
{
    unsigned  i;

    put(t, "{\"");
    put(t, op);
    put(t, "\": [");

    for (i = 0; i < n; i++) {
        if (i) {
            put(t, ", ");
        }

        put_expression(t, depth);
    }

    put(t, "]}");
}


static void
put_in(random_text_t *t, unsigned depth)
{
    unsigned  i, n;

    put(t, "{\"in\": [");
    put_expression(t, depth);
    put(t, ", ");

    if (pick(t, 3)) {
        n = pick(t, 6);
        put(t, "[");

        for (i = 0; i < n; i++) {
            if (i) {
                put(t, ", ");
            }

            if (pick(t, 8) == 0) {
                put_var(t);

            } else {
                put_scalar(t);
            }
        }

        put(t, "]");

    } else {
        put_expression(t, depth);
    }

    put(t, "]}");
}


static void
put_range(random_text_t *t)
{
    static const char  *ranges[] = {
        "\"10.0.0.0/8\"", "\"10.1.2.3\"", "\"::/0\"", "\"0.0.0.0/0\"",
        "\"192.168.0.77/16\"", "\"2001:db8::/32\"", "\"2001:db8::1\"",
        "\"::ffff:10.0.0.0/104\"", "\"2001:db8:0:8000::/49\"",
        "\"10.64.0.0/10\"", "\"172.16.0.0/33\"", "\"frob\"", "\"10.1.2.2/31\""
    };

    put(t, ranges[pick(t, unit_n(ranges))]);
}


static void
put_cidr(random_text_t *t)
{
    unsigned  i, n;

    static const char  *addresses[] = {
        "\"10.1.2.3\"", "\"::ffff:10.100.2.3\"", "\"192.168.4.4\"",
        "\"2001:db8::1\"", "\"2001:db8:0:9000::\"", "\"::1\"", "\"10.1.2\""
    };

    put(t, "{\"in_cidr\": [");

    if (pick(t, 4)) {
        put(t, addresses[pick(t, unit_n(addresses))]);

    } else {
        put_var(t);
    }

    put(t, ", ");
    n = pick(t, 6);
    put(t, n ? "[" : "");
    i = 0;

    do {
        put(t, i ? ", " : "");

        if (pick(t, 9)) {
            put_range(t);

        } else {
            put_var(t);
        }

    } while (++i < n);

    put(t, n ? "]]}" : "]}");
}


static void
put_sem_ver(random_text_t *t, unsigned depth)
{
    static const char  *ops[] = {
        "\"=\"", "\"!=\"", "\"<\"", "\"<=\"", "\">\"", "\">=\"", "\"^\"",
        "\"~\"", "\"==\"", "\"\"", "1"
    };

    put(t, "{\"sem_ver\": [");
    put_expression(t, depth);
    put(t, ", ");
    put(t, ops[pick(t, unit_n(ops))]);
    put(t, ", ");

    if (pick(t, 2)) {
        put(t, pick(t, 2) ? "\"1.2.3\"" : "\"1\"");

    } else {
        put_expression(t, depth);
    }

    put(t, "]}");
}


static void
put_matches(random_text_t *t, unsigned depth)
{
    static const char  *patterns[] = {
        "\"a\"", "\"^a\"", "\"o$\"", "\"^pro$\"", "\"\"", "\"^.{2,3}$\"",
        "\"[0-9.]+\", \"i\"", "\"^(pro|free)\"", "\"P.O\", \"i\"",
        "\"\\\\bb\\\\b\", \"\"", "\"^[^\u00e9]*$\"", "\"(a|b)*a(a|b){15}\""
    };

    put(t, "{\"matches\": [");
    put_expression(t, depth);
    put(t, ", ");
    put(t, patterns[pick(t, unit_n(patterns))]);
    put(t, "]}");
}


static void
put_fractional(random_text_t *t, unsigned depth)
{
    unsigned  i, n;

    static const char  *weights[] = {
        "1", "2", "50", "0", "-3", "null", "100", "7", "33", "1.5", "\"1\""
    };

    put(t, "{\"fractional\": [");

    switch (pick(t, 4)) {

    case 0:
        put_var(t);
        put(t, ", ");
        break;

    case 1:
        put(t, "{\"cat\": [\"salt\", ");
        put_var(t);
        put(t, "]}, ");
        break;

    case 2:
        put(t, "{\"cat\": [");
        put_var(t);
        put(t, ", ");
        put_expression(t, depth > 1 ? 1 : 0);
        put(t, "]}, ");
        break;
    }

    n = 1 + pick(t, 4);

    for (i = 0; i < n; i++) {
        put(t, i ? ", [" : "[");

        if (pick(t, 5)) {
            put_scalar(t);

        } else {
            put_expression(t, depth > 1 ? 1 : 0);
        }

        if (pick(t, 5)) {
            put(t, ", ");

            if (pick(t, 8) == 0) {
                put_var(t);

            } else {
                put(t, weights[pick(t, pick(t, 3) ? 5 : 11)]);
            }
        }

        put(t, "]");
    }

    put(t, "]}");
}


static void
put_operator(random_text_t *t, unsigned depth)
{
    static const char  *comparisons[] = {
        "==", "!=", "===", "!==", "<", "<=", ">", ">="
    };
    static const char  *segments[] = {
        "{\"segment\": \"pro\"}", "{\"segment\": [\"young\"]}",
        "{\"segment\": \"both\"}", "{\"segment\": \"half\"}"
    };
    static const char  *rollouts[] = {
        "{\"rollout\": [50]}", "{\"rollout\": 12.5}", "{\"rollout\": [0]}",
        "{\"rollout\": [100]}", "{\"rollout\": [30, {\"var\": \"a\"}]}",
        "{\"rollout\": [99.999999, {\"var\": \"user.name\"}]}"
    };

    switch (pick(t, 18)) {

    case 0:
    case 1:
    case 2:
    case 3:
        put_call(t, comparisons[pick(t, unit_n(comparisons))],
                 pick(t, 6) ? 2 : pick(t, 5), depth);
        break;

    case 4:
        put_call(t, pick(t, 2) ? "and" : "or", pick(t, 5), depth);
        break;

    case 5:
        put_call(t, pick(t, 2) ? "!" : "!!", pick(t, 8) ? 1 : 0, depth);
        break;

    case 6:
    case 7:
        put_call(t, pick(t, 8) ? "if" : "?:", pick(t, 7), depth);
        break;

    case 8:
        put_call(t, "cat", pick(t, 5), depth);
        break;

    case 9:

        if (pick(t, 3) == 0) {
            put_matches(t, depth);
            break;
        }

        put_call(t, pick(t, 2) ? "starts_with" : "ends_with",
                 pick(t, 8) ? 2 : 1, depth);
        break;

    case 10:
    case 11:
        put_in(t, depth);
        break;

    case 12:
        put_sem_ver(t, depth);
        break;

    case 13:
        put_fractional(t, depth);
        break;

    case 14:
        put(t, pick(t, 2) ? segments[pick(t, unit_n(segments))]
                          : rollouts[pick(t, unit_n(rollouts))]);
        break;

    case 15:
        put_cidr(t);
        break;

    case 16:
        put_call(t, "lower", 1, depth);
        break;

    default:
        put(t, "{\"time\": ");
        put_var(t);
        put(t, "}");
        break;
    }
}


static void
put_expression(random_text_t *t, unsigned depth)
{
    unsigned  n;

    n = pick(t, 10);

    if (depth == 0 || n < 3 || t->len > sizeof(t->buf) / 4) {

        if (pick(t, 2)) {
            put_scalar(t);

        } else {
            put_var(t);
        }

        return;
    }

    put_operator(t, depth - 1);
}


static void
put_member(random_text_t *t, const char *name, unsigned *n)
{
    if (pick(t, 4) == 0) {
        return;
    }

    put(t, (*n)++ ? ", \"" : "\"");
    put(t, name);
    put(t, "\": ");

    if (pick(t, 12) == 0) {
        put(t, "[");
        put_scalar(t);
        put(t, ", ");
        put_scalar(t);
        put(t, "]");
        return;
    }

    put_scalar(t);
}


static void
put_context(random_text_t *t)
{
    unsigned  n, m;

    n = 0;
    m = 0;

    put(t, "{");
    put_member(t, "a", &n);
    put_member(t, "b", &n);
    put_member(t, "c", &n);
    put_member(t, "age", &n);
    put_member(t, "targetingKey", &n);
    put_member(t, "x.y", &n);

    if (pick(t, 2)) {
        put(t, n++ ? ", " : "");
        put(t, pick(t, 2) ? "\"plan\": \"pro\"" : "\"plan\": \"free\"");
    }

    put(t, n++ ? ", " : "");
    put(t, "\"user\": {");
    put_member(t, "name", &m);
    put_member(t, "x", &m);
    put(t, "}");

    put(t, ", \"list\": [");

    for (m = pick(t, 4); m; m--) {
        put_scalar(t);
        put(t, m > 1 ? ", " : "");
    }

    put(t, "]}");
}


static void
engine_and_oracle_agree(void **state)
{
    size_t          i;
    unsigned        round, failed;
    const char     *contexts[CONTEXTS], *seed;
    random_text_t   expr, texts[CONTEXTS];

    seed = getenv("FLAGSHIP_RANDOM");
    expr.seed = 88172645463325252ull + (seed ? strtoul(seed, NULL, 10) : 0);

    failed = 0;

    for (round = 0; round < ROUNDS && failed < 40; round++) {

        expr.len = 0;
        put_operator(&expr, 1 + round % 4);

        for (i = 0; i < CONTEXTS; i++) {
            texts[i].seed = unit_random(&expr.seed) | 1;
            texts[i].len = 0;
            put_context(&texts[i]);
            contexts[i] = texts[i].buf;
        }

        failed += forms_check(expr.buf, contexts, CONTEXTS, NULL);
    }

    assert_int_equal(failed, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(engine_and_oracle_agree)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
