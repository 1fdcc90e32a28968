
/*
 * Copyright (C) Flagship
 */


/*
 * Export: what goes in comes out, and what changes its form decides as before.
 */


#include "engine.h"
#include "flagship_export.h"


#define FLAGS     8
#define CONTEXTS  12
#define ROUNDS    150


typedef struct {
    char       buf[16000];
    size_t     len;
    uint64_t   seed;
} text_t;


static unsigned
pick(text_t *t, unsigned n)
{
    return (unsigned) (unit_random(&t->seed) >> 33) % n;
}


static void
put(text_t *t, const char *fmt, ...)
{
    int      n;
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(t->buf + t->len, sizeof(t->buf) - t->len, fmt, args);
    va_end(args);

    assert_true(n >= 0 && (size_t) n < sizeof(t->buf) - t->len);
    t->len += (size_t) n;
}


/* A condition; "below" flags may be asked for. */

static void
put_condition(text_t *t, unsigned depth, unsigned below)
{
    static const char  *leaves[] = {
        "{\"==\": [{\"var\": \"country\"}, \"de\"]}",
        "{\"in\": [{\"var\": \"country\"}, [\"de\", \"at\", 1]]}",
        "{\"<\": [{\"var\": \"age\"}, 18]}",
        "{\"sem_ver\": [{\"var\": \"v\"}, \">=\", \"1.2\"]}",
        "{\"starts_with\": [{\"var\": \"targetingKey\"}, \"a\"]}",
        "{\"<=\": [{\"time\": \"2020-01-01T00:00:00Z\"},"
        " {\"var\": \"$flagd.timestamp\"}]}",
        "{\"==\": [{\"lower\": \"DE\"}, {\"var\": \"country\"}]}",
        "{\"var\": \"age\"}", "true", "{\"segment\": \"eu\"}",
        "{\"segment\": \"both\"}", "{\"segment\": \"keyed\"}",
        "{\"==\": [{\"segment\": \"eu\"}, true]}",
        "{\"==\": [{\"var\": \"$flagd.flagKey\"}, \"f3\"]}",
        "{\"==\": [{\"fractional\": [[\"a\", 1], [\"b\", 2]]}, \"a\"]}"
    };

    unsigned  n;

    n = pick(t, depth ? 8 : 4);

    if (n >= 6 && below) {
        n = pick(t, below);
        put(t, "{\"%s\": [{\"flag\": \"f%u\"}, \"%s\"]}",
            pick(t, 4) ? "==" : "!=", n, pick(t, 2) ? "on" : "off");

    } else if (n >= 4) {
        put(t, "{\"%s\": [", n == 4 ? "and" : pick(t, 4) ? "or" : "!");
        put_condition(t, depth - 1, below);
        put(t, ", ");
        put_condition(t, depth - 1, below);
        put(t, "]}");

    } else {
        put(t, "%s", leaves[pick(t, unit_n(leaves))]);
    }
}


static void
put_serve(text_t *t, unsigned depth, unsigned below)
{
    static const char  *serves[] = {
        "\"on\"", "\"off\"", "\"c\"", "null", "\"on\"", "\"off\"",
        "{\"split\": {\"on\": 12.5, \"off\": 80, \"c\": 7.5}}",
        "{\"split\": {\"on\": 1, \"off\": 3}, \"by\": {\"var\": \"country\"}}",
        "{\"split\": {\"on\": 1, \"c\": 3}, \"by\": {\"cat\": [\"s\","
        " {\"var\": \"country\"}, {\"var\": \"$flagd.flagKey\"}]}}",
        "{\"fractional\": [{\"var\": \"age\"}, [\"on\", 1], [\"c\", 2]]}",
        "{\"fractional\": [[\"on\"], [\"off\", 2]]}",
        "{\"var\": \"plan\"}", "\"nope\""
    };

    if (depth && pick(t, 6) == 0) {
        put(t, "{\"if\": [");
        put_condition(t, 1, below);
        put(t, ", ");
        put_serve(t, depth - 1, below);

        if (pick(t, 2)) {
            put(t, ", ");
            put_serve(t, depth - 1, below);
        }

        put(t, "]}");
        return;
    }

    /* the sugar stands at the top alone */

    do {
        below = pick(t, unit_n(serves) + 30) % unit_n(serves);
    } while (depth == 0 && strstr(serves[below], "split"));

    put(t, "%s", serves[below]);
}


static void
put_flag(text_t *t, unsigned i)
{
    unsigned  k, n;

    static const char  *times[] = {
        "\"enable_at\": \"2020-01-01T00:00:00Z\", ",
        "\"enable_at\": \"2030-01-01T00:00:00Z\", ",
        "\"disable_at\": \"2020-01-01T00:00:00Z\", ",
        "\"disable_at\": \"2030-01-01T00:00:00Z\","
        " \"enable_at\": \"2020-01-01T00:00:00Z\", "
    };

    put(t, "%s{\"key\": \"f%u\", \"enabled\": %s, \"description\": \"\\u00e9\","
        " \"metadata\": {\"n\": %u}, ", i ? ", " : "", i,
        pick(t, 8) ? "true" : "false", i);

    if (pick(t, 6) == 0) {
        put(t, "%s", times[pick(t, unit_n(times))]);
    }

    if (pick(t, 6) == 0) {
        put(t, "\"user_ids\": [\"alice\", \"bob\"], ");
    }

    if (pick(t, 6) == 0) {
        put(t, "\"rollout\": %s, ", pick(t, 4) ? "100" : "0");
    }

    if (i && pick(t, 4) == 0) {
        put(t, "\"prerequisites\": [{\"flag\": \"f%u\","
            " \"variant\": \"%s\"}], ", pick(t, i + 1) % i,
            pick(t, 3) ? "on" : "off");
    }

    if (pick(t, 5) == 0) {
        /* the simple form */
        put(t, "\"expose\": false}");
        return;
    }

    put(t, "\"type\": \"string\", \"variants\": {\"on\": \"1\","
        " \"off\": \"2\", \"c\": \"3\"}, \"default_variant\": %s,"
        " \"off_variant\": %s, \"rules\": [",
        pick(t, 5) ? "\"off\"" : "null", pick(t, 3) ? "\"c\"" : "null");

    n = pick(t, 4);

    for (k = 0; k < n; k++) {
        put(t, "%s{", k ? ", " : "");

        if (pick(t, 6)) {
            put(t, "\"when\": ");
            put_condition(t, 2, i);
            put(t, ", ");
        }

        put(t, "\"serve\": ");
        put_serve(t, 1, i);
        put(t, "}");
    }

    put(t, "]}");
}


static void
put_document(text_t *t)
{
    unsigned  i;

    put(t, "{\"segments\": ["
        "{\"key\": \"eu\", \"when\": {\"in\": [{\"var\": \"country\"},"
        " [\"de\", \"at\"]]}},"
        "{\"key\": \"both\", \"when\": {\"and\": [{\"segment\": \"eu\"},"
        " {\"segment\": \"pro\"}]}},"
        "{\"key\": \"pro\", \"when\": {\"==\": [{\"var\": \"plan\"},"
        " \"on\"]}},"
        "{\"key\": \"keyed\", \"when\": {\"==\": [{\"fractional\": ["
        "[\"a\", 1], [\"b\", 1]]}, \"a\"]}}], \"flags\": [");

    for (i = 0; i < FLAGS; i++) {
        put_flag(t, i);
    }

    put(t, "]}");
}


static void
put_context(text_t *t)
{
    static const char  *keys[] = {
        "\"alice\"", "\"bob\"", "\"u1\"", "\"u2\"", "\"aa\"", "\"\"", "5",
        "null"
    };
    static const char  *others[] = {
        "\"country\": \"de\"", "\"country\": \"us\"", "\"country\": 1",
        "\"plan\": \"on\"", "\"plan\": \"x\"", "\"plan\": \"c\"",
        "\"age\": 5", "\"age\": \"30\"", "\"age\": 40", "\"v\": \"1.3.0\""
    };

    unsigned  i;

    put(t, "{\"z\": 0");

    if (pick(t, 5)) {
        put(t, ", \"targetingKey\": %s", keys[pick(t, unit_n(keys))]);
    }

    for (i = 0; i < 4; i++) {
        static const unsigned  from[] = { 0, 3, 6, 9, 10 };

        if (pick(t, 4)) {
            put(t, ", %s", others[from[i] + pick(t, from[i + 1] - from[i])]);
        }
    }

    put(t, "}");
}


/* A terminated text; errors are counted by the caller. */

static char *
export(const flagship_image_t *image, unsigned form, flagship_errors_t *errors)
{
    char    *text, *copy;
    size_t   len;

    flagship_errors_init(errors);

    assert_int_equal(flagship_export(image, form, unit_str("prod"), NULL,
                                     &text, &len, errors),
                     FLAGSHIP_OK);

    copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    copy[len] = '\0';

    free(text);

    return copy;
}


static int
is_off(const engine_t *engine, const char *key)
{
    return !(flagship_flags(engine->image)[
                 flagship_image_find(engine->image, unit_str(key))].bits
             & FLAGSHIP_FLAG_ENABLED);
}


static void
flags_decide_as_before(void **state)
{
    char               key[8], *ours, *again, *flagd;
    engine_t           engine, back, other;
    text_t            *t, *contexts;
    unsigned           i, k, round, compared, left_out;
    const char        *seed;
    engine_result_t    a, b;
    flagship_errors_t  errors;

    t = calloc(1, sizeof(text_t));
    contexts = calloc(1, sizeof(text_t));
    assert_non_null(t);
    assert_non_null(contexts);

    seed = getenv("FLAGSHIP_RANDOM");
    t->seed = 88172645463325252ull + (seed ? strtoul(seed, NULL, 10) : 0);

    compared = 0;
    left_out = 0;

    for (round = 0; round < ROUNDS; round++) {
        t->len = 0;
        put_document(t);

        engine_open(&engine, t->buf);

        if (engine.errors.errors) {
            fail_msg("%s at %s\n%s", engine.errors.list[0].message,
                     engine.errors.list[0].pointer, t->buf);
        }

        ours = export(engine.image, FLAGSHIP_EXPORT_FLAGSHIP, &errors);
        assert_int_equal(errors.n, 0);
        engine_open(&back, ours);

        again = export(back.image, FLAGSHIP_EXPORT_FLAGSHIP, &errors);
        assert_string_equal(again, ours);

        flagd = export(engine.image, FLAGSHIP_EXPORT_FLAGD, &errors);
        left_out += errors.errors;
        engine_open(&other, flagd);

        if (other.errors.errors) {
            fail_msg("%s: %s\n%s\n%s", other.errors.list[0].key,
                     other.errors.list[0].message, t->buf, flagd);
        }

        assert_int_equal(other.image->flags.n + errors.errors, FLAGS);

        for (i = 0; i < CONTEXTS; i++) {
            contexts->len = 0;
            contexts->seed = unit_random(&t->seed) | 1;
            put_context(contexts);

            for (k = 0; k < FLAGS; k++) {
                snprintf(key, sizeof(key), "f%u", k);

                engine_decide(&engine, key, contexts->buf, &a);
                engine_decide(&back, key, contexts->buf, &b);

                assert_string_equal(a.variant, b.variant);
                assert_string_equal(a.reason, b.reason);
                assert_string_equal(a.error, b.error);

                engine_decide(&other, key, contexts->buf, &b);

                if (strcmp(b.error, "FLAG_NOT_FOUND") == 0) {
                    continue;
                }

                compared++;

                if (is_off(&engine, key)) {
                    assert_string_equal(b.reason, "DISABLED");
                    assert_string_equal(b.variant, "");

                } else if (strcmp(a.variant, b.variant) != 0
                           || strcmp(a.value, b.value) != 0
                           || strcmp(a.error, b.error) != 0)
                {
                    fail_msg("%s: \"%s\" %s instead of \"%s\" %s\n%s\n%s\n%s",
                             key, b.variant, b.error, a.variant, a.error,
                             contexts->buf, t->buf, flagd);
                }
            }
        }

        engine_close(&engine);
        engine_close(&back);
        engine_close(&other);
        free(ours);
        free(again);
        free(flagd);
    }

    /* it is not that nothing comes out */

    assert_in_range(compared, ROUNDS * FLAGS * CONTEXTS * 6 / 10,
                    ROUNDS * FLAGS * CONTEXTS);
    assert_in_range(left_out, 10, ROUNDS * FLAGS * 4 / 10);

    free(contexts);
    free(t);
}


/* A document's text in one form, after it went in and out. */

static void
becomes(const char *document, unsigned form, const char *text,
    const char *messages)
{
    char               *got, list[1000];
    size_t              n;
    unsigned            i;
    engine_t            engine;
    flagship_errors_t   errors;

    engine_open(&engine, document);
    got = export(engine.image, form, &errors);

    list[0] = '\0';
    n = 0;

    for (i = 0; i < errors.n; i++) {
        n += snprintf(list + n, sizeof(list) - n, "%s%s%s %s", i ? "\n" : "",
                      errors.list[i].lint, errors.list[i].key,
                      errors.list[i].message);
    }

    assert_string_equal(got, text);
    assert_string_equal(list, messages);

    free(got);
    engine_close(&engine);
}


static void
forms(void **state)
{
    const char  *flagd;

    /* ours as it came, whatever members it has */

    becomes("{\"flags\": [{\"name\": \"A\", \"key\": \"a\", \"rollout\": null,"
            " \"tags\": [\"x\"], \"id\": \"7\", \"version\": 1.50}],"
            " \"environments\": [{\"key\": \"prod\", \"fractional\": 1,"
            " \"metadata\": {\"t\": 1}}]}", FLAGSHIP_EXPORT_FLAGSHIP,
            "{\"flags\":[{\"key\":\"a\",\"name\":\"A\",\"rollout\":null,"
            "\"tags\":[\"x\"],\"id\":\"7\",\"version\":1.5}],"
            "\"environments\":[{\"key\":\"prod\",\"fractional\":1,"
            "\"metadata\":{\"t\":1}}]}", "");

    /* flagd's as it came */

    flagd = "{\"flags\":{\"a\":{\"state\":\"ENABLED\",\"variants\":"
            "{\"x\":1,\"y\":\"2\"},\"defaultVariant\":null,\"targeting\":"
            "{\"if\":[{\"$ref\":\"e\"},\"x\",{\"$ref\":\"g\"}]}},"
            "\"b\":{\"state\":\"DISABLED\",\"variants\":{\"x\":1},"
            "\"defaultVariant\":\"x\",\"targeting\":{},"
            "\"metadata\":{\"m\":true}}},\"$evaluators\":"
            "{\"e\":{\"!\":[{\"$ref\":\"g\"}]},\"g\":{\"==\":"
            "[{\"var\":\"a\"},1]}},\"metadata\":{\"s\":\"t\"}}";

    /* members in the order in which they are written, the rest as it is */

    becomes("{\"flags\": {\"a\": {\"state\": \"ENABLED\", \"variants\":"
            " {\"x\": 1, \"y\": \"2\"}, \"defaultVariant\": null,"
            " \"targeting\": {\"if\": [{\"$ref\": \"e\"}, \"x\","
            " {\"$ref\": \"g\"}]}}, \"b\": {\"state\": \"DISABLED\","
            " \"variants\": {\"x\": 1}, \"defaultVariant\": \"x\","
            " \"metadata\": {\"m\": true}, \"targeting\": {}}},"
            " \"$evaluators\": {\"e\": {\"!\": [{\"$ref\": \"g\"}]},"
            " \"g\": {\"==\": [{\"var\": \"a\"}, 1]}, \"unused\": 1},"
            " \"metadata\": {\"s\": \"t\"}}", FLAGSHIP_EXPORT_FLAGD,
            "{\"flags\":{\"a\":{\"state\":\"ENABLED\",\"variants\":"
            "{\"x\":1,\"y\":\"2\"},\"defaultVariant\":null,\"targeting\":"
            "{\"if\":[{\"$ref\":\"e\"},\"x\",{\"$ref\":\"g\"}]}},"
            "\"b\":{\"state\":\"DISABLED\",\"variants\":{\"x\":1},"
            "\"defaultVariant\":\"x\",\"metadata\":{\"m\":true},"
            "\"targeting\":{}}},\"$evaluators\":{\"e\":{\"!\":"
            "[{\"$ref\":\"g\"}]},\"g\":{\"==\":[{\"var\":\"a\"},1]}},"
            "\"metadata\":{\"s\":\"t\"}}", "");

    /* flagd's in ours: what "$ref" stands for */

    becomes(flagd, FLAGSHIP_EXPORT_FLAGSHIP,
            "{\"flags\":[{\"key\":\"a\",\"type\":\"json\",\"enabled\":true,"
            "\"default_variant\":null,\"rules\":[{\"serve\":{\"if\":["
            "{\"!\":[{\"==\":[{\"var\":\"a\"},1]}]},\"x\","
            "{\"==\":[{\"var\":\"a\"},1]}]}}],\"variants\":"
            "{\"x\":1,\"y\":\"2\"}},{\"key\":\"b\",\"type\":\"number\","
            "\"enabled\":false,\"default_variant\":\"x\",\"variants\":"
            "{\"x\":1},\"metadata\":{\"m\":true}}],\"environments\":"
            "[{\"key\":\"prod\",\"fractional\":2,\"metadata\":"
            "{\"s\":\"t\"}}]}", "");
}


static void
what_has_no_form(void **state)
{
    becomes("{\"flags\": [{\"key\": \"a\", \"rollout\": 5},"
            " {\"key\": \"b\", \"enabled\": true,"
            " \"rules\": [{\"when\": {\"in_cidr\": [{\"var\": \"ip\"},"
            " \"::1\"]}, \"serve\": \"on\"}]},"
            " {\"key\": \"c\", \"rules\": [{\"when\": {\"==\":"
            " [{\"flag\": \"b\"}, \"on\"]}, \"serve\": \"on\"}]},"
            " {\"key\": \"d\"}, {\"key\": \"e\", \"rules\": 1}],"
            " \"environments\": [{\"key\": \"prod\", \"fractional\": 3}]}",
            FLAGSHIP_EXPORT_FLAGD,
            "{\"flags\":{\"d\":{\"state\":\"DISABLED\",\"variants\":"
            "{\"on\":true,\"off\":false},\"defaultVariant\":\"on\"}}}",
            "a flagd has no rollout of 5 % of the users\n"
            "b flagd has no \"in_cidr\"\n"
            "c flagd has no \"in_cidr\"\n"
            "off-variantd it is off: flagd serves the caller's default then, "
            "not \"off\"\n"
            "e the flag never compiled: it has no document\n"
            "generation flagd's form does not say that fractional is of "
            "generation 3 here");
}


static void
portability(void **state)
{
    size_t       i;
    char         document[1000];
    engine_t     engine;

    static const struct {
        const char  *flag;
        unsigned     portability;
    } flags[] = {
        { "\"enabled\": true", FLAGSHIP_PORTABLE },
        { "\"variants\": {\"a\": 1}", FLAGSHIP_PORTABLE },
        { "\"rules\": []", FLAGSHIP_PORTABLE },
        { "\"rules\": [{\"serve\": \"on\"}]", FLAGSHIP_LOWERED },
        { "\"user_ids\": [\"a\"]", FLAGSHIP_LOWERED },
        { "\"disable_at\": \"2030-01-01T00:00:00Z\"", FLAGSHIP_LOWERED },
        { "\"rollout\": 50", FLAGSHIP_EXTENDED },
        { "\"prerequisites\": [{\"flag\": \"ext\", \"variant\": \"on\"}]",
          FLAGSHIP_EXTENDED },
        { "\"prerequisites\": [{\"flag\": \"no\", \"variant\": \"on\"}]",
          FLAGSHIP_LOWERED },
        { "\"rules\": [{\"when\": {\"segment\": \"s\"}, \"serve\": \"on\"}]",
          FLAGSHIP_EXTENDED },
        { "\"rules\": [{\"when\": {\"==\": [{\"lower\": \"X\"},"
          " {\"var\": \"a\"}]}, \"serve\": \"on\"}]", FLAGSHIP_LOWERED },
        { "\"rules\": [{\"when\": {\"lower\": {\"var\": \"a\"}},"
          " \"serve\": \"on\"}]", FLAGSHIP_EXTENDED }
    };

    for (i = 0; i < unit_n(flags); i++) {
        snprintf(document, sizeof(document), "{\"segments\": ["
                 "{\"key\": \"s\", \"when\": {\"segment\": \"t\"}},"
                 "{\"key\": \"t\", \"when\": {\"rollout\": 5}}],"
                 "\"flags\": [{\"key\": \"ext\", \"rollout\": 5},"
                 "{\"key\": \"f\", %s}]}", flags[i].flag);

        engine_open(&engine, document);
        assert_int_equal(flagship_flag_portability(engine.image, 1),
                         flags[i].portability);

        /* a change of what is referred to changes it, and linking keeps it */

        engine_link(&engine, "{\"segments\": [{\"key\": \"t\","
                    " \"when\": true}], \"flags\": [{\"key\": \"ext\","
                    " \"rollout\": 0}]}", 0);

        assert_int_equal(flagship_flag_portability(engine.image, 0),
                         FLAGSHIP_PORTABLE);
        assert_int_equal(flagship_flag_portability(engine.image, 1),
                         i == 7 || i == 9 ? FLAGSHIP_LOWERED
                                          : flags[i].portability);
        engine_close(&engine);
    }

    assert_true(flagship_str_is(flagship_portability_name(FLAGSHIP_EXTENDED),
                                "extended"));
}


static int
has(const char *text, size_t len, const char *part)
{
    return memmem(text, len, part, strlen(part)) != NULL;
}


static void
sets_are_lists(void **state)
{
    char                      *text;
    size_t                     len, i;
    engine_t                   engine;
    flagship_idset_t          *set;
    flagship_errors_t          errors;
    const flagship_idset_t    *sets[1];
    flagship_idset_builder_t  *builder;

    engine_open(&engine, "{\"sets\": {\"vip\": [\"x\"]}, \"flags\": ["
                "{\"key\": \"f\", \"enabled\": true, \"rules\": [{\"when\":"
                " {\"in_set\": [{\"var\": \"id\"}, \"vip\"]},"
                " \"serve\": \"on\"}]}]}");

    builder = flagship_idset_create();
    assert_non_null(builder);

    for (i = 0; i < 2; i++) {
        assert_int_equal(flagship_idset_add(builder, unit_str(i ? "a" : "b")),
                         FLAGSHIP_OK);
    }

    assert_int_equal(flagship_idset_build(builder, &set), FLAGSHIP_OK);
    flagship_idset_destroy(builder);
    sets[0] = set;

    flagship_errors_init(&errors);

    assert_int_equal(flagship_export(engine.image, FLAGSHIP_EXPORT_FLAGSHIP,
                                     unit_str("prod"), sets, &text, &len,
                                     &errors),
                     FLAGSHIP_OK);
    assert_true(has(text, len, ",\"sets\":{\"vip\":[\"a\",\"b\"]}}"));
    free(text);

    assert_int_equal(flagship_export(engine.image, FLAGSHIP_EXPORT_FLAGD,
                                     unit_str("prod"), sets, &text, &len,
                                     &errors),
                     FLAGSHIP_OK);
    assert_int_equal(errors.n, 0);
    assert_true(has(text, len, "{\"in\":[{\"var\":\"id\"},[\"a\",\"b\"]]}")
                || has(text, len,
                       "{\"in\":[{\"var\":\"id\"},[\"b\",\"a\"]]}"));
    free(text);

    /* whose members nobody gave */

    text = export(engine.image, FLAGSHIP_EXPORT_FLAGD, &errors);
    assert_string_equal(text, "{\"flags\":{}}");
    assert_string_equal(errors.list[0].message,
                        "the members of the set \"vip\" are not known");
    free(text);

    free(set);
    engine_close(&engine);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(flags_decide_as_before),
        cmocka_unit_test(forms),
        cmocka_unit_test(what_has_no_form),
        cmocka_unit_test(portability),
        cmocka_unit_test(sets_are_lists)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
