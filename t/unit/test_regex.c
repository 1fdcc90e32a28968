
/*
 * Copyright (C) Flagship
 */


/*
 * Regular expressions: tables written by hand, thousands of random patterns
 * against PCRE2, both forms of a pattern against each other, the count of
 * steps, and bytes that are no expression.
 */


#include "pcre.h"

#include "flagship_regex.h"


/* A pattern, compiled: in memory of its own size. */

typedef struct {
    flagship_regex_t           *regex;
    flagship_regex_compiled_t   compiled;
    void                       *memory;
} regex_t;


static int
regex_open(regex_t *re, const char *pattern, size_t len, unsigned fold,
    uint32_t work)
{
    int                rc;
    char              *copy;
    flagship_arena_t   arena;

    copy = unit_copy(pattern, len);
    flagship_arena_init(&arena);

    re->regex = NULL;
    re->memory = NULL;

    rc = flagship_regex_compile(&arena, flagship_str(copy, len), fold, &work,
                                &re->compiled);

    if (rc == FLAGSHIP_OK) {
        re->regex = (flagship_regex_t *) unit_copy((const char *)
                                                   re->compiled.regex,
                                                   re->compiled.len);

        assert_true(flagship_regex_verify(re->regex, re->compiled.len));
        assert_false(flagship_regex_verify(re->regex, re->compiled.len - 1));

        re->memory = malloc(flagship_regex_memory(re->regex) + 1);
        assert_non_null(re->memory);
    }

    flagship_arena_free(&arena);
    free(copy);

    return rc;
}


static void
regex_close(regex_t *re)
{
    free(re->regex);
    free(re->memory);
}


static int
regex_match(regex_t *re, const char *text, size_t len)
{
    int        rc;
    char      *copy;
    uint32_t   steps;

    copy = unit_copy(text, len);
    steps = 10000000;

    rc = flagship_regex_match(re->regex, flagship_str(copy, len), re->memory,
                              &steps);
    free(copy);

    return rc;
}


/* Both forms of a pattern must say the same; -2: refused. */

static int
regex_try(const char *pattern, unsigned fold, const char *text)
{
    int      rc, other;
    regex_t  re;

    rc = regex_open(&re, pattern, strlen(pattern), fold, 0);

    if (rc != FLAGSHIP_OK) {
        return -2;
    }

    rc = regex_match(&re, text, strlen(text));
    regex_close(&re);

    assert_int_equal(regex_open(&re, pattern, strlen(pattern), fold,
                                FLAGSHIP_REGEX_WORK), FLAGSHIP_OK);
    assert_int_equal(re.regex->kind, FLAGSHIP_REGEX_IS_PROGRAM);

    other = regex_match(&re, text, strlen(text));
    regex_close(&re);

    if (rc != other) {
        fail_msg("%s on \"%s\": table %d, program %d", pattern, text, rc,
                 other);
    }

    return rc;
}


static void
what_matches(void **state)
{
    size_t    i;
    unsigned  failed;

    static const struct {
        const char  *pattern;
        const char  *text;
        int          want;
    } cases[] = {
        { "", "", 1 },
        { "", "abc", 1 },
        { "b", "abc", 1 },
        { "^b", "abc", 0 },
        { "c$", "abc", 1 },
        { "c$", "abc\n", 0 },
        { "^abc$", "abc", 1 },
        { "^$", "", 1 },
        { "^$", "a", 0 },
        { "$^", "", 1 },
        { "\\Aabc\\z", "abc", 1 },
        { "a|bc|", "x", 1 },
        { "^(?:a|bc)$", "bc", 1 },
        { "^(a|bc)+$", "abcbca", 1 },
        { "^a{2,3}$", "a", 0 },
        { "^a{2,3}$", "aaa", 1 },
        { "^a{2,3}$", "aaaa", 0 },
        { "^a{2,}?$", "aaaaa", 1 },
        { "^a{0}b$", "b", 1 },
        { "a{,2}", "a{,2}", 1 },
        { "a{x", "a{x", 1 },
        { "}]", "}]", 1 },
        { "^a*?b+?c??$", "bbb", 1 },
        { ".", "\n", 0 },
        { "(?s).", "\n", 1 },
        { "(?s:.)x|.y", "\ny", 0 },
        { "^.$", "\xe2\x82\xac", 1 },
        { "^..$", "\xe2\x82\xac", 0 },
        { "^[^a]$", "\xf0\x9f\x98\x80", 1 },
        { "^[\xc3\xa0-\xc3\xbc]+$", "\xc3\xa9\xc3\xbc", 1 },
        { "^\\x{20ac}$", "\xe2\x82\xac", 1 },
        { "^\\x41\\x2d$", "A-", 1 },
        { "\\d\\D\\s\\S\\w\\W", "1a\vb_-", 1 },
        { "^\\w+$", "\xc3\xa9", 0 },
        { "^[\\w.-]+$", "a.b-c_1", 1 },
        { "^[]a]+$", "]a", 1 },
        { "^[^]a]+$", "b", 1 },
        { "^[a-]+$", "-a", 1 },
        { "^[a\\]\\-\\\\]+$", "]-\\a", 1 },
        { "^[[:alpha:][:^digit:]]$", "-", 1 },
        { "^[[:xdigit:]]{4}$", "0aF9", 1 },
        { "\\bab\\b", "x ab.", 1 },
        { "\\bab\\b", "xab", 0 },
        { "\\Bb", "ab", 1 },
        { "\\B", "a\xc3\xa9" "b", 0 },
        { "(?m)^b$", "a\nb\nc", 1 },
        { "^b$", "a\nb\nc", 0 },
        { "(?m)^$", "a\n", 1 },
        { "(?i)straSSe", "STRASSE", 1 },
        { "(?i)\xc3\x84", "\xc3\xa4", 1 },
        { "(?i)k", "\xe2\x84\xaa", 1 },
        { "(?i)[r-t]", "\xc5\xbf", 1 },
        { "a(?i)b|c", "C", 1 },
        { "a(?i:b)c", "aBc", 1 },
        { "a(?i:b)c", "aBC", 0 },
        { "(?i)a(?-i)b", "AB", 0 },
        { "(?P<user>a)(?<n2>b)", "ab", 1 },
        { "^[a-z.]+@example\\.com$", "me.too@example.com", 1 },
        { "^[a-z.]+@example\\.com$", "me.too@example.comx", 0 },
        { "^user-[0-9]+$", "user-123", 1 },
        { "(beta|alpha|rc)-?[0-9]*", "1.0-rc1", 1 },
        { "^(?:10|192)\\.(?:[0-9]{1,3}\\.){2}[0-9]{1,3}$", "10.0.0.12", 1 }
    };

    failed = 0;

    for (i = 0; i < unit_n(cases); i++) {

        if (regex_try(cases[i].pattern, 0, cases[i].text) != cases[i].want) {
            print_error("%s on \"%s\"\n", cases[i].pattern, cases[i].text);
            failed++;
        }
    }

    assert_int_equal(failed, 0);

    assert_int_equal(regex_try("abc", 1, "xABCx"), 1);
    assert_int_equal(regex_try("(?-i)abc", 1, "xABCx"), 0);
}


static void
what_is_refused(void **state)
{
    size_t    i;
    unsigned  failed;
    regex_t   re;

    static const struct {
        const char  *pattern;
        size_t       offset;
        const char  *error;
    } cases[] = {
        { "(a)\\1", 3, "back-references" },
        { "a(?=b)", 1, "look-around" },
        { "a(?!b)", 1, "look-around" },
        { "(?<=a)b", 0, "look-around" },
        { "(?<!a)b", 0, "look-around" },
        { "(?>a)", 0, "this kind" },
        { "(?x)a", 0, "this kind" },
        { "(?R)", 0, "this kind" },
        { "(?P=a)", 0, "this kind" },
        { "(?)", 0, "this kind" },
        { "(?i-)", 0, "this kind" },
        { "(?i", 0, "this kind" },
        { "(?<1>a)", 0, "name" },
        { "(?<a", 0, "name" },
        { "ab(c", 2, "not closed" },
        { "ab)c", 2, "no group" },
        { "*a", 0, "nothing to repeat" },
        { "a|*", 2, "nothing to repeat" },
        { "(*a)", 1, "nothing to repeat" },
        { "^*", 1, "nothing to repeat" },
        { "{2}", 0, "nothing to repeat" },
        { "(?i)*", 4, "nothing to repeat" },
        { "a**", 2, "needs a group" },
        { "a{2}{3}", 4, "needs a group" },
        { "a++", 1, "possessive" },
        { "a{3,2}", 1, "out of order" },
        { "a{1001}", 1, "1000" },
        { "a{1,99999999999}", 1, "1000" },
        { "[a", 0, "not closed" },
        { "[]", 0, "not closed" },
        { "[b-a]", 1, "out of order" },
        { "[\\d-z]", 1, "ends" },
        { "[a-\\d]", 1, "ends" },
        { "[[:nope:]]", 1, "of this name" },
        { "[[.a.]]", 1, "of this name" },
        { "[:alpha:]", 0, "into another" },
        { "[\\b]", 1, "escape" },
        { "a\\", 1, "nothing follows" },
        { "\\pL", 0, "properties" },
        { "\\p{Greek}", 0, "properties" },
        { "\\v", 0, "escape" },
        { "\\Z", 0, "escape" },
        { "\\Qa\\E", 0, "escape" },
        { "\\0", 0, "escape" },
        { "\\\xc3\xa9", 0, "escape" },
        { "\\x4", 0, "\\x" },
        { "\\x{110000}", 0, "\\x" },
        { "\\x{d800}", 0, "\\x" },
        { "\\x{}", 0, "\\x" },
        { "\\x{41", 0, "\\x" },
        { "a\xff", 1, "UTF-8" },
        { "\xed\xa0\x80", 0, "UTF-8" },
        { "(((a{1000}){1000}){1000}){1000}", 0, "too large" },
        { "(((((){1000}|a){1000}){1000}){1000}){1000}", 0, "too large" }
    };

    failed = 0;

    for (i = 0; i < unit_n(cases); i++) {

        if (regex_open(&re, cases[i].pattern, strlen(cases[i].pattern), 0, 0)
            != FLAGSHIP_DECLINED
            || re.compiled.offset != cases[i].offset
            || strstr(re.compiled.error, cases[i].error) == NULL)
        {
            print_error("%s: %zu: %s\n", cases[i].pattern, re.compiled.offset,
                        re.compiled.error ? re.compiled.error : "taken");
            regex_close(&re);
            failed++;
        }
    }

    assert_int_equal(failed, 0);
}


static void
bounds_of_a_pattern(void **state)
{
    char      text[FLAGSHIP_REGEX_PATTERN + 2];
    size_t    n;
    regex_t   re;
    unsigned  i;

    /* a group too many */

    for (i = 100; i < 102; i++) {
        memset(text, '(', i);
        text[i] = 'a';
        memset(text + i + 1, ')', i);

        n = 2 * i + 1;

        assert_int_equal(regex_open(&re, text, n, 0, 0),
                         i == 100 ? FLAGSHIP_OK : FLAGSHIP_DECLINED);
        regex_close(&re);
    }

    assert_int_equal(re.compiled.offset, 100);

    /* bytes of a pattern, instructions of a program */

    memset(text, 'a', sizeof(text));

    assert_int_equal(regex_open(&re, text, FLAGSHIP_REGEX_PATTERN + 1, 0, 0),
                     FLAGSHIP_DECLINED);
    assert_int_equal(regex_open(&re, text, FLAGSHIP_REGEX_PROGRAM, 0, 0),
                     FLAGSHIP_DECLINED);
    assert_int_equal(regex_open(&re, text, FLAGSHIP_REGEX_PROGRAM - 1, 0, 0),
                     FLAGSHIP_OK);
    assert_int_equal(regex_match(&re, text, sizeof(text)), 1);
    regex_close(&re);

    /* past the work of a record no table is made, and then nothing */

    assert_int_equal(regex_open(&re, "a", 1, 0, FLAGSHIP_REGEX_WORK),
                     FLAGSHIP_OK);
    assert_int_equal(re.regex->kind, FLAGSHIP_REGEX_IS_PROGRAM);
    regex_close(&re);

    assert_int_equal(regex_open(&re, "a", 1, 0, FLAGSHIP_REGEX_WORK * 10),
                     FLAGSHIP_DECLINED);
}


/* The place of its parts in a text that is no more than that. */

static void
plain_texts_are_known(void **state)
{
    char                       copy[64];
    size_t                     i;
    uint32_t                   work;
    flagship_arena_t           arena;
    flagship_regex_compiled_t  c;

    static const struct {
        const char  *pattern;
        int          plain;
        int          begins;
        int          ends;
        const char  *text;
    } cases[] = {
        { "", 1, 0, 0, "" },
        { "^", 1, 1, 0, "" },
        { "$", 1, 0, 1, "" },
        { "^$", 1, 1, 1, "" },
        { "a\\.b\\x{20ac}", 1, 0, 0, "a.b\xe2\x82\xac" },
        { "^ab", 1, 1, 0, "ab" },
        { "(?:^ab)c\\z", 1, 1, 1, "abc" },
        { "a(bc)", 0, 0, 0, NULL },
        { "$^", 0, 0, 0, NULL },
        { "$a", 0, 0, 0, NULL },
        { "a^", 0, 0, 0, NULL },
        { "^^a", 0, 0, 0, NULL },
        { "(?m)^a", 0, 0, 0, NULL },
        { "(?i)a", 0, 0, 0, NULL },
        { "(?i)1", 1, 0, 0, "1" },
        { "a|b", 0, 0, 0, NULL },
        { "a+", 0, 0, 0, NULL },
        { "a.", 0, 0, 0, NULL },
        { "\\ba", 0, 0, 0, NULL }
    };

    for (i = 0; i < unit_n(cases); i++) {
        work = 0;
        flagship_arena_init(&arena);

        assert_int_equal(flagship_regex_compile(&arena,
                                                unit_str(cases[i].pattern), 0,
                                                &work, &c), FLAGSHIP_OK);

        if (c.plain != (unsigned) cases[i].plain
            || (c.plain && (c.begins != (unsigned) cases[i].begins
                            || c.ends != (unsigned) cases[i].ends
                            || c.text.len != strlen(cases[i].text)
                            || memcmp(c.text.data, cases[i].text, c.text.len))))
        {
            snprintf(copy, sizeof(copy), "%.*s", (int) c.text.len,
                     c.text.data ? c.text.data : "");
            fail_msg("%s: %u %u %u \"%s\"", cases[i].pattern, c.plain,
                     c.begins, c.ends, copy);
        }

        flagship_arena_free(&arena);
    }
}


/* Random patterns: pieces that people write, nested. */

static uint64_t  seed;


static unsigned
any(unsigned n)
{
    return (unsigned) (unit_random(&seed) >> 33) % n;
}


static void
put(char *buf, const char *piece)
{
    if (strlen(buf) + strlen(piece) < 160) {
        strcat(buf, piece);
    }
}


static void
random_pattern(char *buf, unsigned depth)
{
    unsigned  n;

    static const char  *atoms[] = {
        "a", "b", "c", "A", "K", "k", "s", "S", "1", "_", " ", "-",
        "\xc3\xa9", "\xc3\x89", "\xc5\xbf", "\xe2\x84\xaa", "\xc3\x9f",
        "\xe1\xba\x9e", "\xf0\x9f\x98\x80", "\xf0\x90\x90\x80",
        "\xf0\x90\x90\xa8", "\\n", "\\t", "\\.", ".", ".", "\\d", "\\D",
        "\\w", "\\W", "\\s", "\\S", "\\x61", "\\x{e9}", "[abc]", "[^a]",
        "[a-k1]", "[^\\w-]", "[\xc3\xa0-\xc3\xbc]", "[[:alpha:]_]",
        "[[:upper:]]", "[^[:lower:]]", "[\\W1]", "[\\x{80}-\\x{10ffff}]",
        "[\\x{7ff}-\\x{801}\\x{fffe}-\\x{10001}]", "[k-s]", "[\\d\\s]",
        "\xce\xa3", "\xcf\x82", "\xcf\x83", "[\xce\xb1-\xcf\x89]"
    };

    static const char  *repeats[] = {
        "*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?", "+?", "??",
        "{1,2}?", "{0}"
    };

    static const char  *groups[] = {
        "(", "(?:", "(?i:", "(?s:", "(?m:", "(?-i:", "(?<n>"
    };

    static const char  *asserts[] = {
        "^", "$", "\\b", "\\B", "\\A", "\\z"
    };

    for (n = any(4) + (depth == 0); n; n--) {

        switch (any(depth < 3 ? 12 : 9)) {

        case 9:
        case 10:
            put(buf, groups[any(depth ? 6 : 7)]);
            random_pattern(buf, depth + 1);
            put(buf, ")");

            if (any(2)) {
                put(buf, repeats[any(unit_n(repeats))]);
            }

            break;

        case 11:
            random_pattern(buf, depth + 1);
            put(buf, "|");
            random_pattern(buf, depth + 1);
            break;

        case 8:
            put(buf, asserts[any(unit_n(asserts))]);
            break;

        default:
            put(buf, atoms[any(unit_n(atoms))]);

            if (any(3) == 0) {
                put(buf, repeats[any(unit_n(repeats))]);
            }
        }
    }
}


/* ... or their signs in any order. */

static void
random_garbage(char *buf)
{
    unsigned  n;

    static const char  *signs[] = {
        "a", "b", "1", "(", ")", "(?:", "(?i)", "[", "]", "^", "-", "{", "}",
        ",", "2", "*", "+", "?", "|", ".", "$", "\\", "\\d", "\\b", "\\w",
        "[:alpha:]", ":]", "[:", "\xc3\xa9", "=", "!", "<", ">", "(?", "\\x",
        "\\]", "A"
    };

    for (n = any(12); n; n--) {
        put(buf, signs[any(unit_n(signs))]);
    }
}


static void
random_text(char *buf)
{
    unsigned  n;

    static const char  *chars[] = {
        "a", "b", "c", "A", "K", "k", "s", "S", "1", "_", " ", "-", "\n",
        "\t", ".", "\xc3\xa9", "\xc3\x89", "\xc5\xbf", "\xe2\x84\xaa",
        "\xc3\x9f", "\xe1\xba\x9e", "\xf0\x9f\x98\x80", "\xf0\x90\x90\x80",
        "\xf0\x90\x90\xa8", "\x7f", "\xdf\xbf", "\xe0\xa0\x80",
        "\xef\xbf\xbe", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xce\xa3",
        "\xcf\x82", "\xcf\x83", "2", "{", "}", ","
    };

    buf[0] = '\0';

    for (n = any(14); n; n--) {
        strcat(buf, chars[any(unit_n(chars))]);
    }
}


static void
random_patterns_match_as_pcre2_says(void **state)
{
    char         pattern[256], text[128];
    unsigned     i, k, fold, taken, compared, failed;
    regex_t      table, program;
    pcre2_code  *oracle;
    int          want;

    seed = 0x5eed;
    taken = 0;
    compared = 0;
    failed = 0;

    for (i = 0; i < 6000 && failed < 10; i++) {
        pattern[0] = '\0';
        fold = any(3) == 0;

        if (any(4) == 0) {
            put(pattern, any(2) ? "(?m)" : "(?s)");
        }

        if (i % 4) {
            random_pattern(pattern, 0);

        } else {
            random_garbage(pattern);
        }

        if (regex_open(&table, pattern, strlen(pattern), fold, 0)
            != FLAGSHIP_OK)
        {
            continue;
        }

        assert_int_equal(regex_open(&program, pattern, strlen(pattern), fold,
                                    FLAGSHIP_REGEX_WORK), FLAGSHIP_OK);

        oracle = pcre_open(unit_str(pattern), fold);

        if (oracle == NULL) {
            print_error("PCRE2 refuses %s\n", pattern);
            failed++;
        }

        taken++;

        for (k = 0; k < 12 && oracle; k++) {
            random_text(text);

            want = pcre_match(oracle, unit_str(text));

            if (want < 0) {
                continue;
            }

            compared++;

            if (regex_match(&table, text, strlen(text)) != want
                || regex_match(&program, text, strlen(text)) != want)
            {
                print_error("%s%s on \"%s\" must be %d\n", fold ? "(?i)" : "",
                            pattern, text, want);
                failed++;
                break;
            }
        }

        pcre2_code_free(oracle);
        regex_close(&table);
        regex_close(&program);
    }

    assert_int_equal(failed, 0);
    assert_true(taken > 4000);
    assert_true(compared > 45000);
}


/* Every code point, in sets whose ends lie where UTF-8's lengths change. */

static void
every_code_point(void **state)
{
    char      text[5], pattern[64];
    size_t    i, n;
    regex_t   re;
    uint32_t  c, first, last, steps;

    static const uint32_t  ranges[][2] = {
        { 0x00, 0x10ffff }, { 0x7f, 0x80 }, { 0x80, 0x7ff }, { 0x7ff, 0x800 },
        { 0x800, 0xffff }, { 0xffff, 0x10000 }, { 0x10000, 0x10ffff },
        { 0x41, 0x41 }, { 0x3ff, 0xd7ff }, { 0xd7ff, 0xe000 },
        { 0x1234, 0x12345 }, { 0x12345, 0x10fffe }, { 0x100, 0x103fff }
    };

    for (i = 0; i < unit_n(ranges); i++) {
        first = ranges[i][0];
        last = ranges[i][1];

        snprintf(pattern, sizeof(pattern), "^[\\x{%x}-\\x{%x}]$", first,
                 last);

        assert_int_equal(regex_open(&re, pattern, strlen(pattern), 0, 0),
                         FLAGSHIP_OK);
        assert_int_equal(re.regex->kind, FLAGSHIP_REGEX_IS_TABLE);

        for (c = 0; c < 0x110000; c++) {

            if (c == 0xd800) {
                c = 0xe000;
            }

            if (c < 0x80) {
                text[0] = (char) c;
                n = 1;

            } else {
                n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
                text[0] = (char) ((0xf00 >> n) | c >> (6 * (n - 1)));
                text[1] = (char) (0x80 | (c >> (6 * (n - 2)) & 0x3f));
                text[2] = (char) (0x80 | (n > 2 ? c >> (6 * (n - 3)) & 0x3f
                                                : 0));
                text[3] = (char) (0x80 | (c & 0x3f));
            }

            steps = 10;

            if (flagship_regex_match(re.regex, flagship_str(text, n),
                                     re.memory, &steps)
                != (c >= first && c <= last))
            {
                fail_msg("%s: U+%04X", pattern, c);
            }
        }

        regex_close(&re);
    }
}


/* What takes others forever takes steps in proportion to the text. */

static void
steps_are_linear(void **state)
{
    char      text[4097];
    size_t    i, k, len;
    regex_t   re;
    uint32_t  work, steps, used[2];

    static const char  *patterns[] = {
        "(a+)+$", "^(a+)+$", "(a|a)*b", "(a|aa)+$", "(.*)*x", "(a*)*b",
        "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*a){12}b", "a?{0}(a?){50}a{50}b",
        "(x+x+)+y", "^(a?){30}a{30}b$", "(?:a|b|ab)*c"
    };

    memset(text, 'a', sizeof(text));

    for (i = 0; i < unit_n(patterns); i++) {

        for (work = 0; work <= FLAGSHIP_REGEX_WORK;
             work += FLAGSHIP_REGEX_WORK)
        {
            if (regex_open(&re, patterns[i], strlen(patterns[i]), 0, work)
                != FLAGSHIP_OK)
            {
                /* one of them repeats a repetition */
                assert_non_null(strstr(patterns[i], "?{0}"));
                continue;
            }

            for (k = 0; k < 2; k++) {
                len = k ? 4096 : 2048;
                text[len] = '!';
                steps = 1000000;

                assert_int_equal(flagship_regex_match(re.regex,
                                                      flagship_str(text,
                                                                   len + 1),
                                                      re.memory, &steps), 0);
                text[len] = 'a';
                used[k] = 1000000 - steps;
            }

            assert_true(used[1] <= used[0] * 2 + 2
                                   + re.regex->n * re.regex->n / 32);
            assert_true((uint64_t) used[1] * 32
                        <= (uint64_t) 4098 * (re.regex->n * 2 + 64));

            if (re.regex->kind == FLAGSHIP_REGEX_IS_TABLE) {
                assert_int_equal(used[1], 4097 / 32 + 1);
            }

            /* one step too few */

            steps = used[1] - 1;
            assert_int_equal(flagship_regex_match(re.regex,
                                                  flagship_str(text, 4097),
                                                  re.memory, &steps),
                             FLAGSHIP_DECLINED);
            assert_int_equal(steps, 0);

            regex_close(&re);
        }
    }
}


/* A table that would be too large is not made. */

static void
large_tables_become_programs(void **state)
{
    size_t   i;
    regex_t  re;
    char     text[2001];

    static const struct {
        const char  *pattern;
        uint32_t     kind;
    } cases[] = {
        { "(a|b)*a(a|b){6}c", FLAGSHIP_REGEX_IS_TABLE },
        { "(a|b)*a(a|b){15}c", FLAGSHIP_REGEX_IS_PROGRAM },
        { "^.{1,500}$", FLAGSHIP_REGEX_IS_TABLE },
        { "^[^\\x{e9}]{1,990}$", FLAGSHIP_REGEX_IS_PROGRAM },
        { "(?i)^[a-z0-9._%+-]+@[a-z0-9.-]+\\.[a-z]{2,}$",
          FLAGSHIP_REGEX_IS_TABLE }
    };

    memset(text, 'x', sizeof(text));

    for (i = 0; i < unit_n(cases); i++) {
        assert_int_equal(regex_open(&re, cases[i].pattern,
                                    strlen(cases[i].pattern), 0, 0),
                         FLAGSHIP_OK);

        if (re.regex->kind != cases[i].kind) {
            fail_msg("%s: %u entries", cases[i].pattern, re.regex->n);
        }

        assert_true(re.compiled.len <= 65536 + 512);

        if (cases[i].pattern[1] == '.') {
            assert_int_equal(regex_match(&re, text, 500), 1);
            assert_int_equal(regex_match(&re, text, 501), 0);
        }

        regex_close(&re);
    }
}


/* Bytes that the proof lets pass are safe to run, whatever they say. */

static void
any_bytes_are_safe(void **state)
{
    char      text[64];
    size_t    i, k, len;
    char     *copy, *memory;
    regex_t   re[4];
    uint32_t  steps, safe;

    static const char  *patterns[] = {
        "^a[bc]+d?$", "\\b(x|yz)*\xc3\xa9"
    };

    for (i = 0; i < unit_n(re); i++) {
        assert_int_equal(regex_open(&re[i], patterns[i % 2],
                                    strlen(patterns[i % 2]), 0,
                                    i / 2 ? FLAGSHIP_REGEX_WORK : 0),
                         FLAGSHIP_OK);
    }

    seed = 42;
    safe = 0;

    for (i = 0; i < 40000; i++) {
        len = re[i % 4].compiled.len;
        copy = unit_copy((const char *) re[i % 4].regex, len);

        for (k = any(3) + 1; k; k--) {
            copy[any(any(2) ? 24 : (unsigned) len)] = (char) any(256);
        }

        if (flagship_regex_verify(copy, len)) {
            safe++;
            memory = malloc(flagship_regex_memory((flagship_regex_t *) copy)
                            + 1);
            assert_non_null(memory);

            for (k = 0; k < sizeof(text); k++) {
                text[k] = (char) any(256);
            }

            steps = 50;
            (void) flagship_regex_match((flagship_regex_t *) copy,
                                        flagship_str(text, sizeof(text)),
                                        memory, &steps);
            free(memory);
        }

        free(copy);
    }

    for (i = 0; i < unit_n(re); i++) {
        regex_close(&re[i]);
    }

    assert_true(safe > 1000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(what_matches),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(bounds_of_a_pattern),
        cmocka_unit_test(plain_texts_are_known),
        cmocka_unit_test(random_patterns_match_as_pcre2_says),
        cmocka_unit_test(every_code_point),
        cmocka_unit_test(steps_are_linear),
        cmocka_unit_test(large_tables_become_programs),
        cmocka_unit_test(any_bytes_are_safe)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
