
/*
 * Copyright (C) Flagship
 */


#include "unit.h"
#include "flagship_hash.h"
#include "flagship_json.h"


typedef struct {
    flagship_str_t  text;
    size_t          offset;
} json_refused_t;

typedef struct {
    flagship_str_t  text;
    const char     *printed;
} json_taken_t;


/* The text lies in memory of its own until the document is freed. */

typedef struct {
    char            *text;
    flagship_json_t  json;
} json_document_t;


static int
open_document(json_document_t *d, flagship_str_t text)
{
    d->text = unit_copy(text.data, text.len);
    flagship_json_init(&d->json);

    return flagship_json_parse(&d->json, d->text, text.len);
}


static void
close_document(json_document_t *d)
{
    flagship_json_free(&d->json);
    free(d->text);
}


static char *
print(const flagship_json_node_t *node)
{
    char    *text;
    size_t   len;

    len = flagship_json_print(node, NULL, 0);
    text = malloc(len + 1);
    assert_non_null(text);

    assert_int_equal(flagship_json_print(node, text, len), len);
    text[len] = '\0';

    return text;
}


static void
expect_taken(flagship_str_t text, const char *printed)
{
    char             *got;
    json_document_t   d;

    if (open_document(&d, text) != FLAGSHIP_OK) {
        fail_msg("\"%.*s\" is refused at %zu: %s", (int) text.len, text.data,
                 d.json.offset, d.json.error);
    }

    got = print(d.json.nodes);

    if (strcmp(got, printed) != 0) {
        fail_msg("\"%.*s\" is printed as \"%s\"", (int) text.len, text.data,
                 got);
    }

    free(got);
    close_document(&d);
}


static void
expect_refused(flagship_str_t text, size_t offset)
{
    json_document_t  d;

    if (open_document(&d, text) != FLAGSHIP_DECLINED) {
        fail_msg("\"%.*s\" is taken", (int) text.len, text.data);
    }

    if (d.json.offset != offset) {
        fail_msg("\"%.*s\" is refused at %zu, not %zu: %s", (int) text.len,
                 text.data, d.json.offset, offset, d.json.error);
    }

    assert_non_null(d.json.error);
    assert_int_equal(d.json.n, 0);

    close_document(&d);
}


static void
json_is_taken_and_printed(void **state)
{
    size_t  i;

    static const json_taken_t  cases[] = {
        { flagship_string("null"), "null" },
        { flagship_string("true"), "true" },
        { flagship_string("false"), "false" },
        { flagship_string(" \t\r\n1 \t\r\n"), "1" },
        { flagship_string("{}"), "{}" },
        { flagship_string(" { } "), "{}" },
        { flagship_string("[]"), "[]" },
        { flagship_string("[ ]"), "[]" },
        { flagship_string("[[]]"), "[[]]" },
        { flagship_string("[[],{},[{}]]"), "[[],{},[{}]]" },
        { flagship_string("[1 , 2\n,\t3]"), "[1,2,3]" },
        { flagship_string("{\"a\" : 1 , \"b\":[ ] }"),
          "{\"a\":1,\"b\":[]}" },
        { flagship_string("{\"b\":1,\"a\":{\"c\":{}},\"\":null}"),
          "{\"b\":1,\"a\":{\"c\":{}},\"\":null}" },
        { flagship_string("{\"a\":{\"a\":{\"a\":1}},\"A\":2}"),
          "{\"a\":{\"a\":{\"a\":1}},\"A\":2}" },
        { flagship_string("[{\"a\":1},{\"a\":1}]"),
          "[{\"a\":1},{\"a\":1}]" },

        /* strings */

        { flagship_string("\"\""), "\"\"" },
        { flagship_string("\"a b\""), "\"a b\"" },
        { flagship_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
          "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
        { flagship_string("\"\\u0041\\u00e9\\u20AC\""),
          "\"A\\u00e9\\u20ac\"" },
        { flagship_string("\"\\ud83d\\ude00\""), "\"\\ud83d\\ude00\"" },
        { flagship_string("\"\\uD800\\uDC00\\uDBFF\\uDFFF\""),
          "\"\\ud800\\udc00\\udbff\\udfff\"" },
        { flagship_string("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""),
          "\"\\u00e9\\u20ac\\ud83d\\ude00\"" },
        { flagship_string("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf"
                          "\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80"
                          "\xf4\x8f\xbf\xbf\""),
          "\"\\u0080\\u07ff\\u0800\\ud7ff\\ue000\\uffff\\ud800\\udc00"
          "\\udbff\\udfff\"" },
        { flagship_string("\"\\u0001\\u001f\\u007f\x7f\""),
          "\"\\u0001\\u001f\x7f\x7f\"" },
        { flagship_string("\"\\uFEFF\xef\xbb\xbf\""), "\"\\ufeff\\ufeff\"" },
        { flagship_string("{\"\\u0061\\n\":1}"), "{\"a\\n\":1}" },
        { flagship_string("\"0123456789abcdef0123456789abcde\\\"f\""),
          "\"0123456789abcdef0123456789abcde\\\"f\"" },

        /* numbers: as JavaScript does, but never another value */

        { flagship_string("0"), "0" },
        { flagship_string("-0"), "0" },
        { flagship_string("-0.0"), "0" },
        { flagship_string("1.0"), "1" },
        { flagship_string("1.50"), "1.5" },
        { flagship_string("-1e2"), "-100" },
        { flagship_string("1e21"), "1e+21" },
        { flagship_string("1e-7"), "1e-7" },
        { flagship_string("0.000001"), "0.000001" },
        { flagship_string("123456789012345"), "123456789012345" },
        { flagship_string("1234567890123456"), "1234567890123456" },
        { flagship_string("9007199254740991"), "9007199254740991" },
        { flagship_string("9007199254740992"), "9007199254740992" },
        { flagship_string("9007199254740993"), "9007199254740993" },
        { flagship_string("9007199254740993.0"), "9007199254740993.0" },
        { flagship_string("-9007199254740993"), "-9007199254740993" },
        { flagship_string("1152921504606846976"), "1152921504606846976" },
        { flagship_string("1152921504606847000"), "1152921504606847000" },
        { flagship_string("123456789012345678901234567890"),
          "123456789012345678901234567890" },
        { flagship_string("100000000000000000000000"), "1e+23" },
        { flagship_string("0.1"), "0.1" },
        { flagship_string("0.10000000000000000000"), "0.1" },
        { flagship_string("0.1000000000000000055511151231257827"),
          "0.1000000000000000055511151231257827" },
        { flagship_string("0.30000000000000004"), "0.30000000000000004" },
        { flagship_string("0.300000000000000044"), "0.300000000000000044" },
        { flagship_string("1e-400"), "1e-400" },
        { flagship_string("5e-324"), "5e-324" },
        { flagship_string("4.9e-324"), "4.9e-324" },
        { flagship_string("1.7976931348623157e308"),
          "1.7976931348623157e+308" },
        { flagship_string("1.7976931348623158e308"),
          "1.7976931348623158e308" }
    };

    for (i = 0; i < unit_n(cases); i++) {
        expect_taken(cases[i].text, cases[i].printed);
    }
}


static void
other_texts_are_refused_where_they_go_wrong(void **state)
{
    size_t  i;

    static const json_refused_t  cases[] = {
        { flagship_string(""), 0 },
        { flagship_string("  "), 2 },
        { flagship_string("\xef\xbb\xbf{}"), 0 },
        { flagship_string("nul"), 0 },
        { flagship_string("nulll"), 4 },
        { flagship_string("True"), 0 },
        { flagship_string("NaN"), 0 },
        { flagship_string("Infinity"), 0 },
        { flagship_string("-Infinity"), 0 },
        { flagship_string("undefined"), 0 },
        { flagship_string("'a'"), 0 },
        { flagship_string("/* */1"), 0 },
        { flagship_string("1//"), 1 },
        { flagship_string("1 2"), 2 },
        { flagship_string("{}{}"), 2 },
        { flagship_string("{}\0"), 2 },
        { flagship_string("1\0"), 1 },
        { flagship_string("[1]]"), 3 },
        { flagship_string("[]x"), 2 },
        { flagship_string("\x0c" "1"), 0 },
        { flagship_string("\xc2\xa0" "1"), 0 },

        /* containers */

        { flagship_string("["), 1 },
        { flagship_string("[1"), 2 },
        { flagship_string("[1,"), 3 },
        { flagship_string("[1,]"), 3 },
        { flagship_string("[,1]"), 1 },
        { flagship_string("[1,,2]"), 3 },
        { flagship_string("[1 2]"), 3 },
        { flagship_string("[1:2]"), 2 },
        { flagship_string("[1}"), 2 },
        { flagship_string("[\"a\":1]"), 4 },
        { flagship_string("]"), 0 },
        { flagship_string("{"), 1 },
        { flagship_string("{]"), 1 },
        { flagship_string("{\"a\""), 4 },
        { flagship_string("{\"a\":"), 5 },
        { flagship_string("{\"a\":1"), 6 },
        { flagship_string("{\"a\":1,"), 7 },
        { flagship_string("{\"a\":1,}"), 7 },
        { flagship_string("{\"a\" 1}"), 5 },
        { flagship_string("{\"a\",1}"), 4 },
        { flagship_string("{\"a\"}"), 4 },
        { flagship_string("{\"a\":}"), 5 },
        { flagship_string("{\"a\":1]"), 6 },
        { flagship_string("{a:1}"), 1 },
        { flagship_string("{1:1}"), 1 },
        { flagship_string("{null:1}"), 1 },
        { flagship_string("{,}"), 1 },
        { flagship_string("{\"a\"::1}"), 5 },
        { flagship_string("{\"a\":1 \"b\":2}"), 7 },

        /* strings */

        { flagship_string("\""), 1 },
        { flagship_string("\"a"), 2 },
        { flagship_string("\"\\"), 2 },
        { flagship_string("\"\\\""), 3 },
        { flagship_string("\"\\a\""), 1 },
        { flagship_string("\"\\'\""), 1 },
        { flagship_string("\"\\x41\""), 1 },
        { flagship_string("\"\\0\""), 1 },
        { flagship_string("\"\\\0\""), 1 },
        { flagship_string("\"a\nb\""), 2 },
        { flagship_string("\"a\tb\""), 2 },
        { flagship_string("\"a\0b\""), 2 },
        { flagship_string("\"a\x1f\""), 2 },
        { flagship_string("\"\\u0000\""), 1 },
        { flagship_string("\"a\\u0000b\""), 2 },
        { flagship_string("\"\\u12\""), 1 },
        { flagship_string("\"\\u12g4\""), 1 },
        { flagship_string("\"\\u 123\""), 1 },
        { flagship_string("\"\\u+123\""), 1 },
        { flagship_string("\"\\U0041\""), 1 },
        { flagship_string("\"\\ud800\""), 1 },
        { flagship_string("\"\\udc00\""), 1 },
        { flagship_string("\"\\ud800x\""), 1 },
        { flagship_string("\"\\ud800\\n\""), 1 },
        { flagship_string("\"\\ud800\\ud800\""), 1 },
        { flagship_string("\"\\ud800\\u0041\""), 1 },
        { flagship_string("\"\\ud800\\udc0\""), 1 },
        { flagship_string("\"\\udc00\\ud800\""), 1 },

        /* what is no UTF-8 */

        { flagship_string("\"\x80\""), 1 },
        { flagship_string("\"\xbf\""), 1 },
        { flagship_string("\"\xc0\x80\""), 1 },
        { flagship_string("\"\xc1\xbf\""), 1 },
        { flagship_string("\"\xc3\""), 1 },
        { flagship_string("\"\xc3(\""), 1 },
        { flagship_string("\"\xe0\x80\x80\""), 1 },
        { flagship_string("\"\xe0\x9f\xbf\""), 1 },
        { flagship_string("\"\xe2\x82\""), 1 },
        { flagship_string("\"\xe2(\xa1\""), 1 },
        { flagship_string("\"\xed\xa0\x80\""), 1 },
        { flagship_string("\"\xed\xbf\xbf\""), 1 },
        { flagship_string("\"\xf0\x80\x80\x80\""), 1 },
        { flagship_string("\"\xf0\x8f\xbf\xbf\""), 1 },
        { flagship_string("\"\xf0\x9f\x98\""), 1 },
        { flagship_string("\"\xf4\x90\x80\x80\""), 1 },
        { flagship_string("\"\xf5\x80\x80\x80\""), 1 },
        { flagship_string("\"\xf8\x88\x80\x80\x80\""), 1 },
        { flagship_string("\"\xfe\""), 1 },
        { flagship_string("\"\xff\""), 1 },
        { flagship_string("\"ok\xe9\""), 3 },
        { flagship_string("\"\\\xe9\""), 2 },
        { flagship_string("{\"\xff\":1}"), 2 },
        { flagship_string("\"0123456789abcdef\xff\""), 17 },

        /* numbers */

        { flagship_string("-"), 0 },
        { flagship_string("+1"), 0 },
        { flagship_string("01"), 0 },
        { flagship_string("-01"), 0 },
        { flagship_string("1."), 0 },
        { flagship_string(".5"), 0 },
        { flagship_string("1.e5"), 0 },
        { flagship_string("1e"), 0 },
        { flagship_string("1e+"), 0 },
        { flagship_string("0x10"), 1 },
        { flagship_string("1a"), 1 },
        { flagship_string("1e999"), 0 },
        { flagship_string("[-1e999]"), 1 },
        { flagship_string("[1, --2]"), 4 },
        { flagship_string("{\"a\":1.}"), 5 },

        /* duplicate names, also such as are spelled differently */

        { flagship_string("{\"a\":1,\"a\":2}"), 7 },
        { flagship_string("{\"a\":1,\"b\":{\"x\":[{}]},\"a\":2}"), 22 },
        { flagship_string("{\"\":1,\"\":2}"), 6 },
        { flagship_string("{\"a\":1,\"\\u0061\":2}"), 7 },
        { flagship_string("{\"\\u00e9\":1,\"\xc3\xa9\":2}"), 12 },
        { flagship_string("[{\"a\":{\"b\":1,\"b\":1}}]"), 13 }
    };

    for (i = 0; i < unit_n(cases); i++) {
        expect_refused(cases[i].text, cases[i].offset);
    }
}


static void
nodes_are_a_preorder_array(void **state)
{
    json_document_t              d;
    const flagship_json_node_t  *root, *node;

    static const flagship_str_t  text = flagship_string(
        "{\"a\": [1, -2.5e1, \"x\\n\"], \"b\": {}, \"c\": true}");

    assert_int_equal(open_document(&d, text), FLAGSHIP_OK);
    assert_int_equal(d.json.n, 10);

    root = d.json.nodes;

    assert_int_equal(root->type, FLAGSHIP_JSON_OBJECT);
    assert_int_equal(root->len, 3);
    assert_int_equal(root->next, 10);
    assert_ptr_equal(root->str, d.text);

    assert_int_equal(root[1].type, FLAGSHIP_JSON_STRING);
    assert_int_equal(root[1].next, 1);
    assert_true(flagship_str_is(flagship_json_str(&root[1]), "a"));
    assert_ptr_equal(root[1].str, d.text + 2);

    node = flagship_json_get(root, "a");
    assert_ptr_equal(node, root + 2);
    assert_int_equal(node->type, FLAGSHIP_JSON_ARRAY);
    assert_int_equal(node->len, 3);
    assert_int_equal(node->next, 4);
    assert_int_equal(flagship_json_offset(d.text, node), 6);
    assert_ptr_equal(node->str, d.text + 6);

    assert_int_equal(node[2].type, FLAGSHIP_JSON_NUMBER);
    assert_true(flagship_json_double(&node[2]) == -25);
    assert_true(flagship_str_is(flagship_json_str(&node[2]), "-2.5e1"));
    assert_true(flagship_str_is(flagship_json_str(&node[3]), "x\n"));
    assert_int_equal(flagship_json_offset(d.text, &node[3]), 18);

    assert_ptr_equal(node + node->next, root + 6);
    assert_int_equal(flagship_json_offset(d.text, &root[6]), 26);

    node = flagship_json_get(root, "b");
    assert_int_equal(node->type, FLAGSHIP_JSON_OBJECT);
    assert_int_equal(node->len, 0);
    assert_int_equal(node->next, 1);

    node = flagship_json_get(root, "c");
    assert_int_equal(node->type, FLAGSHIP_JSON_TRUE);
    assert_ptr_equal(node + 1, root + d.json.n);

    assert_null(flagship_json_get(root, "C"));
    assert_null(flagship_json_get(root, "d"));
    assert_null(flagship_json_get(root, ""));
    assert_null(flagship_json_get(root + 2, "a"));
    assert_null(flagship_json_get(root + 1, "a"));

    close_document(&d);
}


static void
nesting_has_a_limit(void **state)
{
    char    text[4 * FLAGSHIP_MAX_DEPTH + 16], *p;
    size_t  i, depth;

    for (depth = FLAGSHIP_MAX_DEPTH; depth <= FLAGSHIP_MAX_DEPTH + 1; depth++) {

        for (p = text, i = 0; i < depth; i++) {
            *p++ = '[';
        }

        for (i = 0; i < depth; i++) {
            *p++ = ']';
        }

        *p = '\0';

        if (depth > FLAGSHIP_MAX_DEPTH) {
            expect_refused(unit_str(text), FLAGSHIP_MAX_DEPTH);

        } else {
            expect_taken(unit_str(text), text);
        }

        text[depth] = '\0';
        expect_refused(unit_str(text), depth > FLAGSHIP_MAX_DEPTH
                                       ? FLAGSHIP_MAX_DEPTH : depth);
    }
}


static void
a_million_open_brackets_are_refused(void **state)
{
    char  *text;

    text = malloc(1000000);
    assert_non_null(text);

    memset(text, '[', 1000000);
    expect_refused(flagship_str(text, 1000000), FLAGSHIP_MAX_DEPTH);
    free(text);
}


static void
a_document_over_the_limit_is_refused_unread(void **state)
{
    flagship_json_t  json;

    flagship_json_init(&json);

    assert_int_equal(flagship_json_parse(&json, "1",
                                         FLAGSHIP_MAX_DOCUMENT + 1),
                     FLAGSHIP_DECLINED);
    assert_non_null(json.error);

    flagship_json_free(&json);
}


/* Strings of every length, with each kind of byte at each place. */

static void
strings_end_where_they_end(void **state)
{
    char             text[128], *got;
    size_t           len, at, i;
    json_document_t  d;

    static const char  *middle[] = {
        "\\\"", "\\\\", "\\n", "\xc3\xa9", "\xf0\x9f\x98\x80", "\\u00e9"
    };
    static const char  *decoded[] = {
        "\"", "\\", "\n", "\xc3\xa9", "\xf0\x9f\x98\x80", "\xc3\xa9"
    };

    for (len = 0; len < 40; len++) {
        for (at = 0; at <= len; at++) {
            for (i = 0; i < unit_n(middle); i++) {

                snprintf(text, sizeof(text), "\"%.*s%s%.*s\"",
                         (int) at, "abcdefghijklmnopqrstuvwxyz0123456789 ABCD",
                         middle[i], (int) (len - at),
                         "~!@#$%^&*()_+{}[]:;<>,.?/|-=0123456789abcd");

                assert_int_equal(open_document(&d, unit_str(text)),
                                 FLAGSHIP_OK);
                assert_int_equal(d.json.nodes->len,
                                 len + strlen(decoded[i]));
                assert_memory_equal(d.json.nodes->str + at, decoded[i],
                                    strlen(decoded[i]));
                close_document(&d);
            }

            snprintf(text, sizeof(text), "\"%*s\x1f%*s\"", (int) at, "",
                     (int) (len - at), "");
            expect_refused(unit_str(text), at + 1);

            snprintf(text, sizeof(text), "\"%*s\xff%*s\"", (int) at, "",
                     (int) (len - at), "");
            expect_refused(unit_str(text), at + 1);
        }
    }

    /* what is printed is read back as it was */

    assert_int_equal(open_document(&d, unit_str("[\"\\u0001\\ud83d\\ude00\"]")),
                     FLAGSHIP_OK);
    got = print(d.json.nodes);
    expect_taken(unit_str(got), got);
    free(got);
    close_document(&d);
}


/* An object of "n" names; the one at "second" is that at "first" again. */

static size_t
object_text(char *text, char names[][16], size_t n, size_t first,
    size_t second)
{
    char    *p;
    size_t   i, offset;

    p = text;
    offset = 0;

    for (i = 0; i < n; i++) {
        *p++ = i ? ',' : '{';

        if (i == second) {
            offset = (size_t) (p - text);
        }

        p += sprintf(p, "\"%s\":{\"%s\":[%zu]}",
                     names[i == second ? first : i], names[0], i);
    }

    *p++ = '}';
    *p = '\0';

    return offset;
}


static void
expect_duplicates(char names[][16], size_t n)
{
    char             *text;
    size_t            offset, second;
    json_document_t   d;

    text = malloc(n * 48 + 16);
    assert_non_null(text);

    (void) object_text(text, names, n, n, n);
    assert_int_equal(open_document(&d, unit_str(text)), FLAGSHIP_OK);
    assert_int_equal(d.json.nodes->len, n);
    close_document(&d);

    for (second = 1; second < n; second += 1 + n / 10) {
        offset = object_text(text, names, n, second / 3, second);
        expect_refused(unit_str(text), offset);
    }

    free(text);
}


/* Where it is told by what decoding leaves of it. */

static void
a_duplicate_with_escapes_is_found_among_many_names(void **state)
{
    char      text[512], *p;
    unsigned  i;

    p = text + sprintf(text, "{");

    for (i = 0; i < 20; i++) {
        p += sprintf(p, "\"n%u\": %u, ", i, i);
    }

    strcpy(p, "\"\\u006e7\": 7}");

    expect_refused(unit_str(text), (size_t) (p - text));
}


static void
duplicates_are_found_among_many_names(void **state)
{
    char    (*names)[16];
    size_t   n, i;

    static const size_t  sizes[] = { 2, 15, 16, 17, 18, 33, 100, 5000 };

    names = malloc(5000 * sizeof(*names));
    assert_non_null(names);

    for (i = 0; i < 5000; i++) {
        snprintf(names[i], sizeof(names[i]), "name-%zu", i);
    }

    for (n = 0; n < unit_n(sizes); n++) {
        expect_duplicates(names, sizes[n]);
    }

    free(names);
}


/*
 * Names whose hashes all begin at one place of the table: a document with as
 * many of them as it likes is read in a time that is none to speak of.
 */

static void
names_made_to_collide_are_only_names(void **state)
{
    char    (*names)[16];
    size_t   n;
    unsigned  i;

    names = malloc(2000 * sizeof(*names));
    assert_non_null(names);

    for (i = 0, n = 0; n < 2000; i++) {
        snprintf(names[n], sizeof(names[n]), "%x", i);

        if ((flagship_hash32(names[n], strlen(names[n])) & 4095) < 4) {
            n++;
        }
    }

    expect_duplicates(names, 17);
    expect_duplicates(names, 64);
    expect_duplicates(names, 2000);

    free(names);
}


static const char  sample[] =
    "{\"flags\":[{\"key\":\"new_ui\",\"on\":true,\"n\":[-1.5e3,0,12345678901"
    "234567890],\"t\":\"a\\\"\\u00e9\\ud83d\\ude00\\n\xc3\xa9\xf0\x9f\x98\x80"
    "z\"}, {\"o\":{\"\":null,\"p\":[[],{}]}}],\"x\" : false }";


static void
a_cut_text_is_refused(void **state)
{
    size_t           len;
    json_document_t  d;

    for (len = 0; len < sizeof(sample) - 1; len++) {
        assert_int_equal(open_document(&d, flagship_str(sample, len)),
                         FLAGSHIP_DECLINED);
        assert_true(d.json.offset <= len);
        close_document(&d);
    }

    assert_int_equal(open_document(&d, unit_str(sample)), FLAGSHIP_OK);
    close_document(&d);
}


/* Whatever is still JSON after a change is printed and read back the same. */

static void
a_changed_text_is_json_or_refused(void **state)
{
    char             text[sizeof(sample)], *first, *second;
    size_t           i;
    unsigned         byte, taken;
    json_document_t  d, again;

    memcpy(text, sample, sizeof(sample));
    taken = 0;

    for (i = 0; i < sizeof(sample) - 1; i++) {
        for (byte = 0; byte < 256; byte++) {
            text[i] = (char) byte;

            if (open_document(&d, flagship_str(text, sizeof(text) - 1))
                == FLAGSHIP_OK)
            {
                taken++;
                first = print(d.json.nodes);

                assert_int_equal(open_document(&again, unit_str(first)),
                                 FLAGSHIP_OK);
                assert_int_equal(again.json.n, d.json.n);

                second = print(again.json.nodes);
                assert_string_equal(first, second);

                free(first);
                free(second);
                close_document(&again);
            }

            close_document(&d);
        }

        text[i] = sample[i];
    }

    assert_true(taken > sizeof(sample));
}


static void
a_document_is_parsed_into_again(void **state)
{
    unsigned          i;
    flagship_json_t   json;

    flagship_json_init(&json);

    for (i = 0; i < 100; i++) {
        assert_int_equal(flagship_json_parse(&json, "[1,", 3),
                         FLAGSHIP_DECLINED);
        assert_int_equal(flagship_json_parse(&json, sample,
                                             sizeof(sample) - 1),
                         FLAGSHIP_OK);
        assert_null(json.error);
        assert_non_null(flagship_json_get(json.nodes, "flags"));
        assert_int_equal(flagship_json_parse(&json, "[1]", 3), FLAGSHIP_OK);
        assert_int_equal(json.n, 2);
    }

    flagship_json_free(&json);
    flagship_json_free(&json);
}


static void
a_small_buffer_is_filled_and_no_more(void **state)
{
    char             *whole, *part;
    size_t            size, len;
    json_document_t   d;

    assert_int_equal(open_document(&d, unit_str(sample)), FLAGSHIP_OK);

    whole = print(d.json.nodes);
    len = strlen(whole);

    for (size = 0; size <= len; size++) {
        part = malloc(size + 1);
        assert_non_null(part);

        part[size] = '!';
        assert_int_equal(flagship_json_print(d.json.nodes, part, size), len);
        assert_memory_equal(part, whole, size);
        assert_int_equal(part[size], '!');

        free(part);
    }

    free(whole);
    close_document(&d);
}


static void
a_subtree_is_printed_alone(void **state)
{
    char                        *text;
    json_document_t              d;
    const flagship_json_node_t  *node;

    assert_int_equal(open_document(&d, unit_str("{\"a\":{\"b\":[1,{}]},"
                                                "\"c\":2}")),
                     FLAGSHIP_OK);

    node = flagship_json_get(d.json.nodes, "a");

    text = print(node);
    assert_string_equal(text, "{\"b\":[1,{}]}");
    free(text);

    text = print(flagship_json_get(node, "b"));
    assert_string_equal(text, "[1,{}]");
    free(text);

    close_document(&d);
}


/* nginx hands on what clients send: no byte of it breaks the JSON. */

static void
any_bytes_become_a_string(void **state)
{
    char        text[64], *copy;
    size_t      i, len;

    static const json_taken_t  cases[] = {
        { flagship_string(""), "\"\"" },
        { flagship_string("a\"b\\c\0d\n"), "\"a\\\"b\\\\c\\u0000d\\n\"" },
        { flagship_string("\xff"), "\"\\ufffd\"" },
        { flagship_string("a\xc3"), "\"a\\ufffd\"" },
        { flagship_string("\xc3(\xa9"), "\"\\ufffd(\\ufffd\"" },
        { flagship_string("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"" },
        { flagship_string("\xc0\x80"), "\"\\ufffd\\ufffd\"" },
        { flagship_string("\xf0\x9f\x98"), "\"\\ufffd\\ufffd\\ufffd\"" },
        { flagship_string("\xf4\x90\x80\x80"),
          "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
        { flagship_string("\xf0\x9f\x98\x80"), "\"\\ud83d\\ude00\"" }
    };

    for (i = 0; i < unit_n(cases); i++) {
        copy = unit_copy(cases[i].text.data, cases[i].text.len);

        len = flagship_json_print_string(
                  flagship_str(copy, cases[i].text.len), text, sizeof(text));

        assert_int_equal(len, strlen(cases[i].printed));
        assert_memory_equal(text, cases[i].printed, len);
        free(copy);
    }

    assert_int_equal(flagship_json_print_string(flagship_str(NULL, 0),
                                                NULL, 0), 2);
}


/* Wherever it stands in a string of whatever length, exactly so long a buffer
   or one with room. */

static void
a_byte_is_escaped_anywhere(void **state)
{
    char        *copy, *printed, expected[64];
    size_t       i, k, len, at, n;
    const char  *to;

    static const struct { unsigned char c; const char *to; }  bytes[] = {
        { '"', "\\\"" }, { '\\', "\\\\" }, { '\n', "\\n" },
        { 0x1f, "\\u001f" }, { 0xff, "\\ufffd" }, { ' ', " " },
        { '!', "!" }, { '#', "#" }, { '[', "[" }, { ']', "]" },
        { 0x7f, "\x7f" }
    };

    for (i = 0; i < unit_n(bytes); i++) {
        for (len = 1; len < 26; len++) {
            for (at = 0; at < len; at++) {

                to = bytes[i].to;
                n = snprintf(expected, sizeof(expected), "\"%.*s%s%.*s\"",
                             (int) at, "abcdefghijklmnopqrstuvwxyz", to,
                             (int) (len - at - 1),
                             &"abcdefghijklmnopqrstuvwxyz"[at + 1]);

                copy = unit_copy("abcdefghijklmnopqrstuvwxyz", len);
                copy[at] = (char) bytes[i].c;

                for (k = 0; k < 2; k++) {
                    printed = malloc(n + k * 40);
                    assert_non_null(printed);

                    assert_int_equal(flagship_json_print_string(
                                         flagship_str(copy, len), printed,
                                         n + k * 40), n);
                    assert_memory_equal(printed, expected, n);
                    free(printed);
                }

                free(copy);
            }
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(json_is_taken_and_printed),
        cmocka_unit_test(other_texts_are_refused_where_they_go_wrong),
        cmocka_unit_test(nodes_are_a_preorder_array),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(a_million_open_brackets_are_refused),
        cmocka_unit_test(a_document_over_the_limit_is_refused_unread),
        cmocka_unit_test(strings_end_where_they_end),
        cmocka_unit_test(duplicates_are_found_among_many_names),
        cmocka_unit_test(a_duplicate_with_escapes_is_found_among_many_names),
        cmocka_unit_test(names_made_to_collide_are_only_names),
        cmocka_unit_test(a_cut_text_is_refused),
        cmocka_unit_test(a_changed_text_is_json_or_refused),
        cmocka_unit_test(a_document_is_parsed_into_again),
        cmocka_unit_test(a_small_buffer_is_filled_and_no_more),
        cmocka_unit_test(a_subtree_is_printed_alone),
        cmocka_unit_test(any_bytes_become_a_string),
        cmocka_unit_test(a_byte_is_escaped_anywhere)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
