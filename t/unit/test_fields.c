
/*
 * Copyright (C) Flagship
 */


/*
 * What clients send of a resource, by every spelling, and what becomes of it.
 */


#include "unit.h"

#include "flagship_compile.h"
#include "flagship_fields.h"


typedef struct {
    flagship_errors_t       errors;
    flagship_flag_fields_t  flag;
    flagship_json_t         body;
    flagship_json_t         current;
    char                   *text;
    char                   *current_text;
    char                   *out;         /* the patch, and the whole */
    char                   *merged;
} sent_t;


static char *
parse(flagship_json_t *json, const char *text)
{
    char  *copy;

    copy = unit_copy(text, strlen(text));

    flagship_json_init(json);

    if (flagship_json_parse(json, copy, strlen(text)) != FLAGSHIP_OK) {
        fail_msg("no JSON: %s", text);
    }

    return copy;
}


static char *
print(sent_t *s, int merged)
{
    char    *out;
    size_t   len;

    len = flagship_flag_fields_print(&s->flag, merged, NULL, 0);
    out = malloc(len + 1);
    assert_non_null(out);

    assert_int_equal(flagship_flag_fields_print(&s->flag, merged, out, len),
                     len);
    out[len] = '\0';

    return out;
}


/* "current" NULL: a new flag. */

static void
read_flag(sent_t *s, const char *current, const char *body)
{
    memset(s, 0, sizeof(sent_t));
    flagship_errors_init(&s->errors);

    s->text = parse(&s->body, body);

    if (current) {
        s->current_text = parse(&s->current, current);
    }

    (void) flagship_fields_read(&s->flag.fields, &flagship_resource_flag,
                                s->text, s->body.nodes, current == NULL,
                                &s->errors);
    (void) flagship_flag_fields(&s->flag, current ? s->current.nodes : NULL,
                                s->current_text);

    s->out = print(s, 0);
    s->merged = print(s, 1);
}


static void
done(sent_t *s)
{
    flagship_json_free(&s->body);
    flagship_json_free(&s->current);
    free(s->text);
    free(s->current_text);
    free(s->out);
    free(s->merged);
}


/* What the compiler says of it, at the client's places. */

static void
compile(sent_t *s)
{
    char                buf[192];
    char               *copy;
    unsigned            i;
    flagship_json_t     json;
    flagship_unit_t    *unit;
    flagship_errors_t   errors;

    flagship_errors_init(&errors);
    copy = parse(&json, s->merged);
    unit = flagship_unit_create(2);
    assert_non_null(unit);

    (void) flagship_unit_add_flag(unit, unit_str("k"), json.nodes, &errors);

    for (i = 0; i < errors.n; i++) {
        flagship_flag_fields_pointer(&s->flag, errors.list[i].pointer, buf,
                                     sizeof(buf));
        flagship_errors_add(&s->errors, errors.list[i].warning,
                            unit_str(""), buf, "%s", errors.list[i].message);
    }

    flagship_unit_destroy(unit);
    flagship_json_free(&json);
    free(copy);
}


/* "pointer: message" of each, one a line. */

static void
expect_errors(sent_t *s, const char *body, const char *expected)
{
    size_t    len;
    char      text[4096];
    unsigned  i;

    len = 0;
    text[0] = '\0';

    for (i = 0; i < s->errors.n; i++) {
        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s%s: %s",
                                 i ? "\n" : "", s->errors.list[i].pointer,
                                 s->errors.list[i].message);
    }

    if (strcmp(text, expected) != 0) {
        fail_msg("%s\ngot:\n%s\nexpected:\n%s", body, text, expected);
    }
}


static void
expect_text(const char *body, const char *got, const char *expected)
{
    if (strcmp(got, expected) != 0) {
        fail_msg("%s\ngot:      %s\nexpected: %s", body, got, expected);
    }
}


static void
new_flags_are_read_by_every_spelling(void **state)
{
    size_t  i;
    sent_t  s;

    static const char  *forms[][2] = {

        { "{\"key\":\"a\"}", "{}" },
        { "{\"flag_name\": \"a\"}", "{}" },
        { "{\"name\": \"a\"}", "{\"name\":\"a\"}" },
        { "{\"key\":\"dark-mode\",\"name\":\"Dark mode\"}",
          "{\"name\":\"Dark mode\"}" },

        { "{\"key\":\"a\",\"enabled\":true}", "{\"enabled\":true}" },
        { "{\"key\":\"a\",\"status\":false}", "{\"enabled\":false}" },
        { "{\"key\":\"a\",\"state\":\"on\"}", "{\"enabled\":true}" },
        { "{\"key\":\"a\",\"state\":\"off\"}", "{\"enabled\":false}" },
        { "{\"key\":\"a\",\"state\":\"on\",\"status\":true,\"enabled\":true}",
          "{\"enabled\":true}" },

        { "{\"key\":\"a\",\"rollout\":25.50}", "{\"rollout\":25.50}" },
        { "{\"key\":\"a\",\"rollout_percentage\":50.0}",
          "{\"rollout\":50.0}" },
        { "{\"key\":\"a\",\"targeting_rules\":{\"percentage\":5e1,"
          "\"user_ids\":[\"x\"]}}",
          "{\"user_ids\":[\"x\"],\"rollout\":5e1}" },
        { "{\"key\":\"a\",\"targeting_rules\":null}", "{}" },
        { "{\"key\":\"a\",\"rollout\":50,\"rollout_percentage\":50.0}",
          "{\"rollout\":50}" },

        { "{\"key\":\"a\",\"user_ids\":[1,\"b\",1e3,0.1,"
          "12345678901234567890]}",
          "{\"user_ids\":[\"1\",\"b\",\"1000\",\"0.1\","
          "\"12345678901234567890\"]}" },

        { "{\"key\":\"a\",\"default_variation\":\"x\"}",
          "{\"default_variant\":\"x\"}" },
        { "{\"key\":\"a\",\"env\":\"dev\",\"tenant_id\":\"t\"}", "{}" },

        /* as written, without the blanks between */

        { "{\"key\":\"a\", \"rules\" : [ { \"when\": true ,\n\"serve\": "
          "\"a \\u00e9\\\" b\" } ], \"metadata\": { \"n\": 1.50 } }",
          "{\"metadata\":{\"n\":1.50},"
          "\"rules\":[{\"when\":true,\"serve\":\"a \\u00e9\\\" b\"}]}" },

        /* of a new one, null is what is not said */

        { "{\"key\":\"a\",\"rollout\":null,\"rules\":null,\"variants\":null,"
          "\"default_value\":null,\"id\":null,\"enabled\":null}", "{}" },

        /* what is not the client's to set */

        { "{\"key\":\"a\",\"version\":7,\"created_at\":\"x\","
          "\"updated_at\":1,\"archived_at\":null}", "{}" },

        /* the type is that of all variants, else json */

        { "{\"key\":\"a\",\"variants\":{\"a\":\"x\",\"b\":\"y\"}}",
          "{\"type\":\"string\",\"variants\":{\"a\":\"x\",\"b\":\"y\"}}" },
        { "{\"key\":\"a\",\"variants\":{\"a\":1,\"b\":[2]}}",
          "{\"type\":\"json\",\"variants\":{\"a\":1,\"b\":[2]}}" },
        { "{\"key\":\"a\",\"type\":\"number\",\"variants\":{\"a\":1}}",
          "{\"type\":\"number\",\"variants\":{\"a\":1}}" },
    };

    for (i = 0; i < unit_n(forms); i++) {
        read_flag(&s, NULL, forms[i][0]);
        expect_errors(&s, forms[i][0], "");
        expect_text(forms[i][0], s.out, forms[i][1]);
        expect_text(forms[i][0], s.merged, forms[i][1]);
        done(&s);
    }
}


static void
the_key_of_a_new_flag_is_found(void **state)
{
    sent_t                       s;
    const flagship_json_node_t  *key;

    read_flag(&s, NULL, "{\"name\":\"new_ui\"}");
    key = s.flag.fields.list[FLAGSHIP_FIELD_KEY].node;
    assert_int_equal(key->len, 6);
    assert_memory_equal(key->str, "new_ui", 6);
    assert_true(s.flag.fields.key_is_name);
    done(&s);

    read_flag(&s, NULL, "{\"name\":\"x\",\"flag_name\":\"y\"}");
    key = s.flag.fields.list[FLAGSHIP_FIELD_KEY].node;
    assert_memory_equal(key->str, "y", 1);
    assert_false(s.flag.fields.key_is_name);
    done(&s);
}


static void
the_simple_form_makes_variants(void **state)
{
    size_t  i;
    sent_t  s;

    static const char  *forms[][2] = {

        { "{\"name\":\"a\",\"type\":\"boolean\",\"default_value\":\"true\","
          "\"enabled\":true,\"targeting_rules\":{\"user_ids\":[\"alice\","
          "\"bob\"],\"percentage\":50}}",
          "{\"name\":\"a\",\"type\":\"boolean\",\"enabled\":true,"
          "\"variants\":{\"on\":true,\"off\":false},"
          "\"default_variant\":\"off\",\"off_variant\":\"off\","
          "\"user_ids\":[\"alice\",\"bob\"],\"rollout\":50}" },

        { "{\"key\":\"a\",\"default_value\":\"blue\"}",
          "{\"type\":\"string\",\"variants\":{\"on\":\"blue\",\"off\":\"\"},"
          "\"default_variant\":\"off\",\"off_variant\":\"off\","
          "\"rollout\":100}" },

        { "{\"key\":\"a\",\"type\":\"number\",\"default_value\":\"1.50\","
          "\"off_value\":-1,\"off_variant\":\"on\"}",
          "{\"type\":\"number\",\"variants\":{\"on\":1.50,\"off\":-1},"
          "\"default_variant\":\"off\",\"off_variant\":\"on\","
          "\"rollout\":100}" },

        { "{\"key\":\"a\",\"type\":\"json\",\"default_value\":"
          "\"{\\\"a\\\": 1}\"}",
          "{\"type\":\"json\",\"variants\":{\"on\":{\"a\":1},\"off\":null},"
          "\"default_variant\":\"off\",\"off_variant\":\"off\","
          "\"rollout\":100}" },

        { "{\"key\":\"a\",\"default_value\":{\"a\": [1]},\"rules\":[]}",
          "{\"type\":\"json\",\"variants\":{\"on\":{\"a\":[1]},\"off\":null},"
          "\"default_variant\":\"off\",\"off_variant\":\"off\","
          "\"rules\":[]}" },

        { "{\"key\":\"a\",\"off_value\":true}",
          "{\"type\":\"boolean\",\"variants\":{\"on\":true,\"off\":true},"
          "\"default_variant\":\"off\",\"off_variant\":\"off\","
          "\"rollout\":100}" },
    };

    for (i = 0; i < unit_n(forms); i++) {
        read_flag(&s, NULL, forms[i][0]);
        compile(&s);
        expect_errors(&s, forms[i][0], "");
        expect_text(forms[i][0], s.out, forms[i][1]);
        done(&s);
    }
}


static void
a_list_of_variants_becomes_an_object_and_a_split(void **state)
{
    size_t  i;
    sent_t  s;

    static const char  *forms[][2] = {

        { "{\"key\":\"a\",\"variants\":[{\"key\":\"x\"},{\"key\":\"y\"}]}",
          "{\"type\":\"string\",\"variants\":{\"x\":\"x\",\"y\":\"y\"}}" },

        { "{\"key\":\"a\",\"variants\":[{\"key\":\"x\",\"weight\":12.5,"
          "\"value\":1},{\"key\":\"y\",\"weight\":87.50,\"value\":2}]}",
          "{\"type\":\"number\",\"variants\":{\"x\":1,\"y\":2},"
          "\"rules\":[{\"serve\":{\"split\":{\"x\":12.5,\"y\":87.50}}}]}" },

        { "{\"key\":\"a\",\"rules\":[{\"when\":{\"var\":\"b\"},"
          "\"serve\":\"x\"}],\"variants\":[{\"key\":\"x\",\"weight\":1},"
          "{\"weight\":2,\"key\":\"y\"}]}",
          "{\"type\":\"string\",\"variants\":{\"x\":\"x\",\"y\":\"y\"},"
          "\"rules\":[{\"when\":{\"var\":\"b\"},\"serve\":\"x\"},"
          "{\"serve\":{\"split\":{\"x\":1,\"y\":2}}}]}" },
    };

    for (i = 0; i < unit_n(forms); i++) {
        read_flag(&s, NULL, forms[i][0]);
        compile(&s);
        expect_errors(&s, forms[i][0], "");
        expect_text(forms[i][0], s.out, forms[i][1]);
        done(&s);
    }
}


static void
weights_of_a_change_go_into_the_rules_there_are(void **state)
{
    size_t  i;
    sent_t  s;

    static const char  *body =
        "{\"variants\":[{\"key\":\"x\",\"weight\":3},"
        "{\"key\":\"y\",\"weight\":4}]}";

    static const char  *forms[][2] = {

        { "{\"type\":\"string\",\"rules\": [ ]}",
          "[{\"serve\":{\"split\":{\"x\":3,\"y\":4}}}]" },

        { "{\"type\":\"string\",\"rules\":[{\"when\": true,\"serve\":"
          "{\"split\":{\"x\":1}}}]}",
          "[{\"when\":true,\"serve\":{\"split\":{\"x\":1}}},"
          "{\"serve\":{\"split\":{\"x\":3,\"y\":4}}}]" },

        { "{\"type\":\"string\",\"rules\":[{\"serve\":\"x\",\"when\":1},"
          "{\"name\":\"n\",\"serve\":{\"split\":{\"x\":1},\"by\":"
          "{\"var\":\"b\"}}}]}",
          "[{\"serve\":\"x\",\"when\":1},"
          "{\"name\":\"n\",\"serve\":{\"split\":{\"x\":3,\"y\":4},"
          "\"by\":{\"var\":\"b\"}}}]" },
    };

    for (i = 0; i < unit_n(forms); i++) {
        read_flag(&s, forms[i][0], body);
        expect_errors(&s, body, "");
        assert_non_null(strstr(s.out, forms[i][1]));
        compile(&s);
        expect_errors(&s, body, "");
        done(&s);
    }
}


static void
a_change_has_what_was_sent_and_merges_the_rest(void **state)
{
    size_t  i;
    sent_t  s;

    static const char  *current =
        "{\"id\":\"i\",\"tenant\":\"t\",\"environment\":\"e\",\"key\":\"k\","
        "\"name\":\"n\",\"description\":\"\",\"tags\":[],\"metadata\":{},"
        "\"type\":\"string\",\"enabled\": true,"
        "\"variants\":{\"on\": \"a\",\"off\":\"b\"},"
        "\"default_variant\":\"off\",\"off_variant\":null,\"rules\":[],"
        "\"user_ids\":[],\"rollout\":7.5,\"prerequisites\":[],"
        "\"enable_at\":null,\"disable_at\":null,\"expose\":true,"
        "\"version\":3,\"created_at\":\"c\",\"updated_at\":\"u\","
        "\"archived_at\":null}";

    static const char  *forms[][3] = {

        { "{}", "{}",
          "\"rules\":[],\"user_ids\":[],\"rollout\":7.5,\"prerequisites\":[],"
          "\"expose\":true}" },

        { "{\"rollout\":null,\"off_variant\":\"on\"}",
          "{\"off_variant\":\"on\",\"rollout\":null}",
          "\"default_variant\":\"off\",\"off_variant\":\"on\",\"rules\":[],"
          "\"user_ids\":[],\"prerequisites\":[]" },

        { "{\"targeting_rules\":{\"percentage\":75}}", "{\"rollout\":75}",
          "\"user_ids\":[],\"rollout\":75," },

        { "{\"metadata\":{\"a\":null,\"b\":1}}",
          "{\"metadata\":{\"a\":null,\"b\":1}}", "\"type\":\"string\"" },

        { "{\"default_value\":\"true\"}",
          "{\"variants\":{\"on\":\"true\",\"off\":\"\"}}",
          "\"variants\":{\"on\":\"true\",\"off\":\"\"}" },

        { "{\"off_value\":\"c\"}",
          "{\"variants\":{\"on\":\"a\",\"off\":\"c\"}}",
          "\"variants\":{\"on\":\"a\",\"off\":\"c\"}" },

        { "{\"type\":\"boolean\",\"default_value\":\"true\"}",
          "{\"type\":\"boolean\",\"variants\":{\"on\":true,\"off\":false}}",
          "\"variants\":{\"on\":true,\"off\":false}" },

        { "{\"id\":\"i\",\"key\":\"k\",\"version\":3,\"archived_at\":null,"
          "\"created_at\":\"c\",\"name\":\"m\"}", "{\"name\":\"m\"}",
          "{\"name\":\"m\",\"description\":\"\"" },
    };

    for (i = 0; i < unit_n(forms); i++) {
        read_flag(&s, current, forms[i][0]);
        expect_errors(&s, forms[i][0], "");
        expect_text(forms[i][0], s.out, forms[i][1]);

        if (strstr(s.merged, forms[i][2]) == NULL) {
            fail_msg("%s\nnot in %s: %s", forms[i][0], s.merged, forms[i][2]);
        }

        compile(&s);
        expect_errors(&s, forms[i][0], "");
        done(&s);
    }
}


static void
errors_are_at_the_clients_places(void **state)
{
    size_t  i;
    sent_t  s;

    static const char  *forms[][2] = {

        { "{}", "/key: is needed" },

        { "{\"key\":\"a\",\"rolout\":5}",
          "/rolout: unknown field \"rolout\"; the nearest is \"rollout\"" },
        { "{\"key\":\"a\",\"rollout_percent\":5}",
          "/rollout_percent: unknown field \"rollout_percent\"; the nearest "
          "is \"rollout_percentage\"" },
        { "{\"key\":\"a\",\"Enabled\":true}",
          "/Enabled: unknown field \"Enabled\"; the nearest is \"enabled\"" },
        { "{\"key\":\"a\",\"nmae\":1}",
          "/nmae: unknown field \"nmae\"; the nearest is \"name\"" },
        { "{\"key\":\"a\",\"targeting_rules\":{\"percent\":5,\"a/~\":1}}",
          "/targeting_rules/percent: unknown field \"percent\"; the nearest "
          "is \"percentage\"\n"
          "/targeting_rules/a~1~0: unknown field \"a/~\"; the nearest is "
          "\"user_ids\"" },
        { "{\"key\":\"a\",\"targeting_rules\":[]}",
          "/targeting_rules: must be an object" },

        { "{\"key\":\"a\",\"enabled\":true,\"state\":\"off\"}",
          "/state: is not what \"enabled\" says of the same field" },
        { "{\"key\":\"a\",\"flag_name\":\"b\"}",
          "/flag_name: is not what \"key\" says of the same field" },
        { "{\"key\":\"a\",\"rollout\":5,\"targeting_rules\":"
          "{\"percentage\":6}}",
          "/targeting_rules/percentage: is not what \"rollout\" says of the "
          "same field" },
        { "{\"key\":\"a\",\"env\":\"a\",\"environment\":\"b\"}",
          "/environment: is not what \"env\" says of the same field" },

        { "{\"key\":\"a b\"}",
          "/key: a key has 1 to 128 of A-Z a-z 0-9 . _ -, begins with a "
          "letter or digit, and is no UUID" },
        { "{\"name\":\"Dark mode\"}",
          "/name: stands for the key, and a key has 1 to 128 of A-Z a-z 0-9 "
          ". _ -, begins with a letter or digit, and is no UUID" },
        { "{\"key\":\"a\",\"id\":\"x\"}",
          "/id: is given to what is made, not taken" },

        /* all at once, the compiler's too */

        { "{\"key\":5,\"name\":[],\"enabled\":\"true\",\"tags\":[\"a\",1],"
          "\"metadata\":{\"a\":[],\"b\":null},\"user_ids\":[true],"
          "\"rollout\":\"50\",\"type\":\"bool\",\"expose\":0,"
          "\"rules\":[{\"when\":{\"bogus\":1},\"serve\":\"on\"}]}",
          "/key: must be a string\n"
          "/name: must be a string\n"
          "/enabled: must be true or false\n"
          "/tags/1: must be a string\n"
          "/metadata/a: must be a string, number or boolean\n"
          "/metadata/b: must be a string, number or boolean\n"
          "/user_ids/0: must be a string\n"
          "/rollout: must be a number\n"
          "/expose: must be true or false\n"
          "/type: must be \"boolean\", \"string\", \"number\" or \"json\"\n"
          ": a flag that is no boolean needs \"variants\"\n"
          "/rules/0/when: unknown operator \"bogus\"\n"
          "/rules/0/serve: \"on\" is none of the variants" },

        { "{\"key\":\"a\",\"rollout_percentage\":101}",
          "/rollout_percentage: must be a number of 0 ... 100 with up to six "
          "decimals" },
        { "{\"key\":\"a\",\"targeting_rules\":{\"percentage\":-1}}",
          "/targeting_rules/percentage: must be a number of 0 ... 100 with up "
          "to six decimals" },
        { "{\"key\":\"a\",\"default_variation\":\"x\"}",
          "/default_variation: \"x\" is none of the variants" },

        { "{\"key\":\"a\",\"type\":\"boolean\",\"default_value\":\"yes\"}",
          "/default_value: must be a boolean, as the flag is" },
        { "{\"key\":\"a\",\"type\":\"number\",\"default_value\":\"1,5\","
          "\"off_value\":true}",
          "/default_value: must be a number, as the flag is\n"
          "/off_value: must be a number, as the flag is" },
        { "{\"key\":\"a\",\"off_value\":\"x\"}",
          "/off_value: needs \"default_value\"" },
        { "{\"key\":\"a\",\"default_value\":true,\"variants\":{\"on\":true}}",
          "/default_value: is for a flag without \"variants\", which are "
          "sent, too" },

        { "{\"key\":\"a\",\"variants\":[{\"key\":\"x\",\"weight\":1},"
          "{\"key\":\"y\"}]}",
          "/variants: must all have a weight, or none" },
        { "{\"key\":\"a\",\"variants\":[5,{\"weight\":\"1\"},{\"key\":\"x\","
          "\"name\":1},{\"key\":\"x\"}]}",
          "/variants/0: must be {\"key\": name, \"weight\": number, "
          "\"value\": value}\n"
          "/variants/1/key: must be a variant's name\n"
          "/variants/1/weight: must be a number\n"
          "/variants/2: unknown member \"name\" of a variant\n"
          "/variants/3/key: is the name of another variant, too\n"
          "/variants: must all have a weight, or none" },
        { "{\"key\":\"a\",\"type\":\"number\",\"variants\":[{\"key\":\"x\","
          "\"value\":1},{\"key\":\"y\",\"value\":\"2\"}]}",
          "/variants/1: must be a number, as the flag is" },
    };

    for (i = 0; i < unit_n(forms); i++) {
        read_flag(&s, NULL, forms[i][0]);
        compile(&s);
        expect_errors(&s, forms[i][0], forms[i][1]);
        done(&s);
    }
}


static void
weights_that_are_wrong_are_named_where_they_are(void **state)
{
    sent_t       s;
    const char  *body;

    body = "{\"rules\":[{\"when\":true,\"serve\":{\"split\":{\"x\":-1}}}],"
           "\"variants\":[{\"key\":\"x\",\"weight\":1},"
           "{\"key\":\"y\",\"weight\":-2}],\"key\":\"a\"}";

    read_flag(&s, NULL, body);
    compile(&s);

    assert_int_equal(s.errors.errors, 2);
    assert_int_equal(strncmp(s.errors.list[0].pointer, "/rules/0/serve/split",
                             20), 0);
    assert_int_equal(strncmp(s.errors.list[1].pointer, "/variants", 9), 0);

    done(&s);
}


static void
nothing_but_an_object_is_a_document(void **state)
{
    size_t  i;
    sent_t  s;

    static const char  *forms[] = { "null", "[]", "5", "\"a\"" };

    for (i = 0; i < unit_n(forms); i++) {
        read_flag(&s, NULL, forms[i]);
        expect_errors(&s, forms[i], ": must be an object");
        done(&s);
    }
}


static void
many_errors_are_counted(void **state)
{
    char    body[20000];
    size_t  len, i;
    sent_t  s;

    len = (size_t) snprintf(body, sizeof(body), "{\"key\":\"a\",\"tags\":[");

    for (i = 0; i < 1000; i++) {
        len += (size_t) snprintf(body + len, sizeof(body) - len, "%s%zu",
                                 i ? "," : "", i);
    }

    len += (size_t) snprintf(body + len, sizeof(body) - len, "]");

    for (i = 0; i < 100; i++) {
        len += (size_t) snprintf(body + len, sizeof(body) - len,
                                 ",\"unknown_%zu\":1", i);
    }

    (void) snprintf(body + len, sizeof(body) - len, "}");

    read_flag(&s, NULL, body);
    assert_int_equal(s.errors.errors, 1100);
    assert_int_equal(s.errors.n, FLAGSHIP_MAX_ERRORS);
    done(&s);
}


static void
a_query_string_is_a_document(void **state)
{
    char                buf[512];
    char               *memory;
    size_t              i, n, len;
    sent_t              s;
    flagship_argument_t args[8];

    static const char  *forms[][9] = {

        { "{\"name\":\"new_ui\",\"env\":\"dev\",\"enabled\":true,"
          "\"rollout\":25}",
          "name", "new_ui", "env", "dev", "enabled", "true", "rollout", "25" },

        { "{\"enabled\":\"1\",\"rollout\":\"x\",\"state\":\"on\"}",
          "enabled", "1", "rollout", "x", "state", "on" },

        { "{\"tags\":[\"a\",\"b\\\"\"],\"targeting_rules.percentage\":5}",
          "tags", "a", "targeting_rules.percentage", "5", "tags", "b\"" },

        { "{\"variants\":{\"on\": 1},\"rules\":\"[\",\"default_value\":true}",
          "variants", "{\"on\": 1}", "rules", "[", "default_value", "true" },

        { "{\"default_value\":\"true\",\"type\":\"string\",\"x\":\"1\"}",
          "default_value", "true", "type", "string", "x", "1" },
    };

    for (i = 0; i < unit_n(forms); i++) {

        for (n = 0; n < 4 && forms[i][1 + 2 * n]; n++) {
            args[n].name = unit_str(forms[i][1 + 2 * n]);
            args[n].value = unit_str(forms[i][2 + 2 * n]);
        }

        len = flagship_fields_query(&flagship_resource_flag, args, n, NULL, 0);
        memory = malloc(len);
        assert_non_null(memory);

        assert_int_equal(flagship_fields_query(&flagship_resource_flag, args,
                                               n, memory, len), len);

        (void) snprintf(buf, sizeof(buf), "%.*s", (int) len, memory);
        expect_text(forms[i][0], buf, forms[i][0]);
        free(memory);
    }

    read_flag(&s, NULL, "{\"key\":\"a\",\"targeting_rules.percentage\":5}");
    expect_text("dotted", s.out, "{\"rollout\":5}");
    done(&s);
}


static void
segments_have_their_spellings(void **state)
{
    char               *text, out[128];
    size_t              len;
    flagship_json_t     json;
    flagship_errors_t   errors;
    flagship_fields_t   f;

    flagship_errors_init(&errors);
    text = parse(&json, "{\"key\":\"s\",\"criteria\":{\"var\": \"a\"},"
                        "\"description\":\"d\",\"version\":1}");

    assert_int_equal(flagship_fields_read(&f, &flagship_resource_segment, text,
                                          json.nodes, 1, &errors),
                     FLAGSHIP_OK);

    len = flagship_fields_print(&f, ~flagship_resource_segment.fixed, out,
                                sizeof(out));
    out[len] = '\0';
    assert_string_equal(out, "{\"description\":\"d\","
                             "\"when\":{\"var\":\"a\"}}");

    assert_int_equal(flagship_fields_sent(&f),
                     flagship_field_bit(FLAGSHIP_SEGMENT_KEY)
                     | flagship_field_bit(FLAGSHIP_SEGMENT_DESCRIPTION)
                     | flagship_field_bit(FLAGSHIP_SEGMENT_WHEN)
                     | flagship_field_bit(FLAGSHIP_SEGMENT_VERSION));

    flagship_fields_pointer(&f, "/when/0", out, sizeof(out));
    assert_string_equal(out, "/criteria/0");
    flagship_fields_pointer(&f, "", out, sizeof(out));
    assert_string_equal(out, "");

    flagship_json_free(&json);
    free(text);
}


/* Members are read, but no part of the document. */

static void
sets_have_their_spellings(void **state)
{
    char               *text, out[128];
    size_t              len;
    flagship_json_t     json;
    flagship_errors_t   errors;
    flagship_fields_t   f;

    flagship_errors_init(&errors);
    text = parse(&json, "{\"name\":\"s\",\"members\":[ 1, \"a\" ],"
                        "\"size\":2}");

    assert_int_equal(flagship_fields_read(&f, &flagship_resource_set, text,
                                          json.nodes, 1, &errors),
                     FLAGSHIP_OK);

    assert_true(f.key_is_name);
    assert_int_equal(f.list[FLAGSHIP_SET_MEMBERS].node->type,
                     FLAGSHIP_JSON_ARRAY);

    len = flagship_fields_print(&f, ~flagship_resource_set.fixed, out,
                                sizeof(out));
    out[len] = '\0';
    assert_string_equal(out, "{\"name\":\"s\"}");

    flagship_json_free(&json);
    free(text);
}


/* What a key must have is a role; a name is no role. */

static void
keys_of_the_api_have_their_spellings(void **state)
{
    char               *text, out[128];
    size_t              len;
    flagship_json_t     json;
    flagship_errors_t   errors;
    flagship_fields_t   f;

    flagship_errors_init(&errors);
    text = parse(&json, "{\"name\":\"n\",\"env\":\"dev\"}");

    assert_int_equal(flagship_fields_read(&f, &flagship_resource_api_key, text,
                                          json.nodes, 1, &errors),
                     FLAGSHIP_DECLINED);
    assert_int_equal(errors.n, 1);
    assert_string_equal(errors.list[0].pointer, "/role");
    assert_string_equal(errors.list[0].message, "is needed");

    flagship_json_free(&json);
    free(text);

    flagship_errors_init(&errors);
    text = parse(&json, "{\"role\":\"viewer\",\"env\":\"dev\","
                        "\"see_unexposed\":true,\"version\":9}");

    assert_int_equal(flagship_fields_read(&f, &flagship_resource_api_key, text,
                                          json.nodes, 1, &errors),
                     FLAGSHIP_OK);

    len = flagship_fields_print(&f, ~flagship_resource_api_key.fixed, out,
                                sizeof(out));
    out[len] = '\0';
    assert_string_equal(out, "{\"environment\":\"dev\",\"role\":\"viewer\","
                             "\"see_unexposed\":true}");

    flagship_json_free(&json);
    free(text);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(new_flags_are_read_by_every_spelling),
        cmocka_unit_test(the_key_of_a_new_flag_is_found),
        cmocka_unit_test(the_simple_form_makes_variants),
        cmocka_unit_test(a_list_of_variants_becomes_an_object_and_a_split),
        cmocka_unit_test(weights_of_a_change_go_into_the_rules_there_are),
        cmocka_unit_test(a_change_has_what_was_sent_and_merges_the_rest),
        cmocka_unit_test(errors_are_at_the_clients_places),
        cmocka_unit_test(weights_that_are_wrong_are_named_where_they_are),
        cmocka_unit_test(nothing_but_an_object_is_a_document),
        cmocka_unit_test(many_errors_are_counted),
        cmocka_unit_test(a_query_string_is_a_document),
        cmocka_unit_test(segments_have_their_spellings),
        cmocka_unit_test(sets_have_their_spellings),
        cmocka_unit_test(keys_of_the_api_have_their_spellings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
