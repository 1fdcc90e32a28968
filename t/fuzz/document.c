
/*
 * Copyright (C) Flagship
 */


/*
 * A document of flags: whatever compiles makes an image that the verifier
 * lets pass, the same one each time, and every flag of it evaluates.
 */


#include "fuzz.h"


typedef struct {
    flagship_errors_t     errors;
    flagship_image_t     *image;
    size_t                len;
} fuzz_document_t;


static int
fuzz_link(void *data, flagship_str_t tenant, flagship_str_t environment,
    flagship_unit_t *unit)
{
    int               rc;
    size_t            len;
    fuzz_document_t  *d = data;

    free(d->image);
    d->image = NULL;

    rc = flagship_link(unit, NULL, 1, &d->image, &len, &d->errors);
    fuzz_check(rc != FLAGSHIP_ERROR);

    d->len = d->image ? len : 0;
    flagship_unit_destroy(unit);

    return FLAGSHIP_OK;
}


static void
fuzz_compile(const flagship_json_t *json, fuzz_document_t *d)
{
    d->image = NULL;
    d->len = 0;

    flagship_errors_init(&d->errors);

    fuzz_check(flagship_document_compile(json->nodes,
                                         flagship_str("default", 7),
                                         flagship_str("prod", 4), fuzz_link,
                                         d, &d->errors) != FLAGSHIP_ERROR);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                 *text;
    size_t                i;
    flagship_json_t       json;
    flagship_context_t    context;

    static fuzz_document_t  first, second;

    static const char  *contexts[] = {
        "{}",
        "{\"targetingKey\":\"a\",\"a\":1,\"b\":[1,\"x\"],\"c\":\"1.2.3\"}"
    };

    text = fuzz_copy(data, size);
    flagship_json_init(&json);

    if (flagship_json_parse(&json, text, size) == FLAGSHIP_OK) {
        fuzz_compile(&json, &first);
        fuzz_compile(&json, &second);

        fuzz_check(first.len == second.len);
        fuzz_check(first.len == 0
                   || memcmp(first.image, second.image, first.len) == 0);

        for (i = 0; first.image && i < 2; i++) {
            fuzz_context(&context, contexts[i], strlen(contexts[i]));
            fuzz_evaluate(first.image, &context, NULL);
            flagship_context_free(&context);
        }

        free(first.image);
        free(second.image);
    }

    flagship_json_free(&json);
    free(text);

    return 0;
}
