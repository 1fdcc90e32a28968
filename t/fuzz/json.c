
/*
 * Copyright (C) Flagship
 */


/*
 * Strict JSON: what is read and printed reads again as the same text, and
 * what is refused is refused at a byte of it.
 */


#include "fuzz.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char             *text, *first, *second, pointer[256];
    size_t            n, m;
    flagship_json_t   json, again;

    text = fuzz_copy(data, size);

    flagship_json_init(&json);
    flagship_json_init(&again);

    if (flagship_json_parse(&json, text, size) == FLAGSHIP_OK) {
        n = flagship_json_print(json.nodes, NULL, 0);
        first = fuzz_copy(text, 0);
        first = realloc(first, n + 1);
        fuzz_check(first);
        fuzz_check(flagship_json_print(json.nodes, first, n) == n);

        fuzz_check(flagship_json_parse(&again, first, n) == FLAGSHIP_OK);
        fuzz_check(again.n == json.n);

        m = flagship_json_print(again.nodes, NULL, 0);
        fuzz_check(m == n);

        second = malloc(n + 1);
        fuzz_check(second);
        (void) flagship_json_print(again.nodes, second, n);
        fuzz_check(memcmp(first, second, n) == 0);

        free(first);
        free(second);

    } else {
        fuzz_check(json.error && json.offset <= size);
        flagship_json_locate(text, json.offset, pointer, sizeof(pointer));
        fuzz_check(memchr(pointer, '\0', sizeof(pointer)));
    }

    flagship_json_free(&json);
    flagship_json_free(&again);
    free(text);

    return 0;
}
