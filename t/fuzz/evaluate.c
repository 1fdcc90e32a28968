
/*
 * Copyright (C) Flagship
 */


/*
 * A rule, a newline, a context: one flag with that targeting, in every
 * generation of fractional, in that context.
 */


#include "fuzz.h"


/* A text that goes straight into slots says what one that is parsed does. */

static void
fuzz_read(const flagship_image_t *image, flagship_context_t *context,
    flagship_str_t text)
{
    int                    rc;
    void                  *memory;
    flagship_eval_t       *ev;
    flagship_scratch_t    *scratch;
    flagship_context_t     read;
    flagship_decision_t    d, other;

    memory = malloc(flagship_eval_size(image));
    scratch = malloc(sizeof(flagship_scratch_t));
    fuzz_check(memory && scratch);

    flagship_context_init(&read);

    ev = flagship_eval_init(memory, image, scratch, FUZZ_NOW,
                            flagship_context_fetch, &read);

    rc = flagship_context_read(&read, ev, text.data, text.len, NULL);

    fuzz_check((rc == FLAGSHIP_OK) == (context->root != NULL));

    if (rc == FLAGSHIP_OK) {
        flagship_eval(ev, 0, &d);

        ev = flagship_eval_init(memory, image, scratch, FUZZ_NOW,
                                flagship_context_fetch, context);
        flagship_eval(ev, 0, &other);

        fuzz_check(fuzz_same(&d, &other));

    } else {
        fuzz_check(read.error && read.offset <= text.len);
    }

    flagship_context_free(&read);
    free(scratch);
    free(memory);
}


static void
fuzz_rule(const flagship_json_node_t *rule, flagship_context_t *context,
    flagship_str_t text, unsigned fractional)
{
    size_t              len;
    flagship_unit_t    *unit;
    flagship_image_t   *image;

    static flagship_errors_t  errors;

    flagship_errors_init(&errors);

    unit = flagship_unit_create(fractional);
    fuzz_check(unit);

    if (flagship_unit_add_flagd(unit, flagship_str("f", 1), rule, &errors)
        == FLAGSHIP_OK)
    {
        fuzz_check(flagship_link(unit, NULL, 1, &image, &len, &errors)
                   == FLAGSHIP_OK);
        fuzz_evaluate(image, context, NULL);
        fuzz_read(image, context, text);
        free(image);

    } else {
        fuzz_check(errors.errors);
    }

    flagship_unit_destroy(unit);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                *input, *flag;
    unsigned             generation;
    flagship_str_t       rule, text;
    flagship_json_t      json;
    flagship_context_t   context;

    static const char  head[] =
        "{\"state\":\"ENABLED\",\"variants\":{\"a\":\"1\",\"b\":\"2\","
        "\"true\":\"3\"},\"defaultVariant\":\"a\",\"targeting\":";

    input = fuzz_copy(data, size);
    rule = fuzz_split(input, size, &text);

    flag = malloc(sizeof(head) + rule.len);
    fuzz_check(flag);
    memcpy(flag, head, sizeof(head) - 1);
    memcpy(flag + sizeof(head) - 1, rule.data, rule.len);
    flag[sizeof(head) - 1 + rule.len] = '}';

    flagship_json_init(&json);

    if (flagship_json_parse(&json, flag, sizeof(head) + rule.len)
        == FLAGSHIP_OK)
    {
        fuzz_context(&context, text.data, text.len);

        for (generation = 1; generation <= 3; generation++) {
            fuzz_rule(json.nodes, &context, text, generation);
        }

        flagship_context_free(&context);
    }

    flagship_json_free(&json);
    free(flag);
    free(input);

    return 0;
}
