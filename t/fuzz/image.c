
/*
 * Copyright (C) Flagship
 */


/*
 * An image with its digest repaired, as no accident could damage it: what the
 * verifier lets pass is safe to search, to evaluate and to link onto.
 */


#include "fuzz.h"

#include "flagship_code.h"


static void
fuzz_link_onto(const flagship_image_t *image)
{
    size_t             len;
    flagship_unit_t   *unit;
    flagship_image_t  *next;

    static flagship_errors_t  errors;

    flagship_errors_init(&errors);

    unit = flagship_unit_create(image->fractional);
    fuzz_check(unit);
    fuzz_check(flagship_unit_remove(unit, flagship_str("a", 1), 0)
               == FLAGSHIP_OK);

    if (flagship_link(unit, image, 0, &next, &len, &errors) == FLAGSHIP_OK) {
        free(next);
    }

    flagship_unit_destroy(unit);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                *text;
    const char          *error;
    flagship_image_t    *image;
    flagship_context_t   context;

    static const char  about[] =
        "{\"targetingKey\":\"user1\",\"a\":1,\"b\":[1,\"x\"],\"c\":\"1.2.3\","
        "\"plan\":\"pro\",\"n\":5,\"v\":\"10.1.2.3\"}";

    if (size < sizeof(flagship_image_t)) {
        return 0;
    }

    image = (flagship_image_t *) fuzz_copy(data, size);

    image->magic = FLAGSHIP_IMAGE_MAGIC;
    image->format = FLAGSHIP_IMAGE_FORMAT;
    image->len = (uint32_t) size;
    image->digest = flagship_image_digest(image);

    if (flagship_image_verify(image, size, &error) == FLAGSHIP_OK) {
        text = fuzz_copy(about, sizeof(about) - 1);

        fuzz_context(&context, text, sizeof(about) - 1);
        fuzz_evaluate(image, &context, NULL);
        fuzz_link_onto(image);

        (void) flagship_image_find(image, flagship_str("a", 1));
        (void) flagship_image_find_folded(image, flagship_str("a", 1));

        flagship_context_free(&context);
        free(text);

    } else {
        fuzz_check(error);
    }

    free(image);

    return 0;
}
