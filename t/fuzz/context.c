
/*
 * Copyright (C) Flagship
 */


/*
 * A path, a newline, a context: the reader refuses exactly what strict JSON
 * refuses and what is no object, and finds what is at the path.
 */


#include "fuzz.h"

#include "flagship_hash.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                          strict;
    char                        *input, *text;
    flagship_str_t               path, rest;
    flagship_json_t              json;
    flagship_value_t             value;
    flagship_context_t           context;
    const flagship_json_node_t  *node;

    input = fuzz_copy(data, size);
    path = fuzz_split(input, size, &rest);
    text = fuzz_copy(rest.data, rest.len);

    flagship_json_init(&json);
    flagship_context_init(&context);

    strict = flagship_json_parse(&json, text, rest.len) == FLAGSHIP_OK
             && json.nodes->type == FLAGSHIP_JSON_OBJECT;

    fuzz_check((flagship_context_parse(&context, text, rest.len)
                == FLAGSHIP_OK) == strict);

    if (strict) {
        flagship_context_fetch(&context, path,
                               flagship_hash32(path.data, path.len), &value);
        node = flagship_json_path(json.nodes, path);

        fuzz_check(node || value.type == FLAGSHIP_NULL);

    } else {
        fuzz_check(context.error && context.offset <= rest.len);
    }

    flagship_context_free(&context);
    flagship_json_free(&json);
    free(text);
    free(input);

    return 0;
}
