
/*
 * Copyright (C) Flagship
 */


/*
 * A pattern, and a text behind it: as a table and as a program it finds the
 * same, regardless of case or not, and both are proved safe.
 */


#include "fuzz.h"

#include "flagship_regex.h"


/* Of what is not UTF-8, each form may say what it likes. */

static int
fuzz_utf8(flagship_str_t text)
{
    int              rc;
    char            *quoted;
    flagship_json_t  json;

    if (memchr(text.data, '"', text.len) || memchr(text.data, '\\', text.len)) {
        return 0;
    }

    quoted = malloc(text.len + 2);
    fuzz_check(quoted);

    quoted[0] = '"';
    memcpy(quoted + 1, text.data, text.len);
    quoted[text.len + 1] = '"';

    flagship_json_init(&json);
    rc = flagship_json_parse(&json, quoted, text.len + 2);
    flagship_json_free(&json);

    free(quoted);

    return rc == FLAGSHIP_OK;
}


/* FLAGSHIP_DECLINED: refused, or given up. */

static int
fuzz_match(flagship_str_t pattern, flagship_str_t text, unsigned fold,
    uint32_t work)
{
    int                         rc;
    char                       *data;
    void                       *memory;
    uint32_t                    steps;
    const flagship_regex_t     *regex;
    flagship_arena_t            arena;
    flagship_regex_compiled_t   compiled;

    flagship_arena_init(&arena);

    rc = flagship_regex_compile(&arena, pattern, fold, &work, &compiled);

    if (rc != FLAGSHIP_OK) {
        fuzz_check(rc == FLAGSHIP_DECLINED && compiled.error
                   && compiled.offset <= pattern.len);

        flagship_arena_free(&arena);
        return FLAGSHIP_DECLINED;
    }

    data = fuzz_copy(compiled.regex, compiled.len);
    flagship_arena_free(&arena);

    regex = (const flagship_regex_t *) data;
    fuzz_check(flagship_regex_verify(regex, compiled.len));

    memory = malloc(flagship_regex_memory(regex) + 1);
    fuzz_check(memory);

    steps = 100000;
    rc = flagship_regex_match(regex, text, memory, &steps);

    fuzz_check(steps <= 100000);

    free(memory);
    free(data);

    return rc;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int              table, program;
    char            *input, *copy;
    unsigned         fold;
    flagship_str_t   pattern, text;

    input = fuzz_copy(data, size);
    pattern = fuzz_split(input, size, &text);

    copy = fuzz_copy(text.data, text.len);
    text.data = copy;

    for (fold = 0; fold < 2; fold++) {
        table = fuzz_match(pattern, text, fold, 0);
        program = fuzz_match(pattern, text, fold, FLAGSHIP_REGEX_WORK);

        fuzz_check(table == program || table < 0 || program < 0
                   || !fuzz_utf8(text));
    }

    free(copy);
    free(input);

    return 0;
}
