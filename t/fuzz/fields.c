
/*
 * Copyright (C) Flagship
 */


/*
 * What a client sends of a flag in the first line, the flag that it changes
 * in the next: whatever is not refused is printed as JSON, and what was
 * printed says the same when it is sent again.  The first line is also taken
 * for a query string.
 */


#include "fuzz.h"

#include "flagship_fields.h"


#define FUZZ_ARGUMENTS  8


static char *
fuzz_print(const flagship_flag_fields_t *f, int merged, size_t *len)
{
    char  *text;

    *len = flagship_flag_fields_print(f, merged, NULL, 0);

    text = malloc(*len);
    fuzz_check(text);
    fuzz_check(flagship_flag_fields_print(f, merged, text, *len) == *len);

    return text;
}


/* What was printed is JSON, and sent again it is the same. */

static void
fuzz_again(const char *text, size_t len)
{
    char                    *again;
    size_t                   n;
    flagship_json_t          json;
    flagship_errors_t        errors;
    flagship_flag_fields_t   f;

    flagship_errors_init(&errors);
    flagship_json_init(&json);
    fuzz_check(flagship_json_parse(&json, text, len) == FLAGSHIP_OK);

    fuzz_check(flagship_fields_read(&f.fields, &flagship_resource_flag, text,
                                    json.nodes, 0, &errors) == FLAGSHIP_OK);
    fuzz_check(flagship_flag_fields(&f, NULL, NULL) == FLAGSHIP_OK);

    again = fuzz_print(&f, 0, &n);
    fuzz_check(n == len || len == 0);
    fuzz_check(memcmp(again, text, n) == 0);

    free(again);
    flagship_json_free(&json);
}


static void
fuzz_read(const char *text, const flagship_json_node_t *body, int create,
    const char *before, const flagship_json_node_t *current)
{
    int                      merged, fine;
    char                    *out, pointer[192];
    size_t                   len;
    unsigned                 i;
    flagship_json_t          json;
    flagship_unit_t         *unit;
    flagship_errors_t        errors, found;
    flagship_flag_fields_t   f;

    flagship_errors_init(&errors);

    fine = (flagship_fields_read(&f.fields, &flagship_resource_flag, text,
                                 body, create, &errors) == FLAGSHIP_OK);

    if (flagship_flag_fields(&f, current, before) != FLAGSHIP_OK) {
        fine = 0;
    }

    fuzz_check(fine == (errors.errors == 0));

    for (merged = 0; merged < 2; merged++) {
        out = fuzz_print(&f, merged, &len);

        flagship_json_init(&json);
        fuzz_check(flagship_json_parse(&json, out, len) == FLAGSHIP_OK);

        if (!merged && fine && create) {
            fuzz_again(out, len);
        }

        flagship_errors_init(&found);
        unit = flagship_unit_create(2);
        fuzz_check(unit);
        fuzz_check(flagship_unit_add_flag(unit, flagship_str("k", 1),
                                          json.nodes, &found)
                   != FLAGSHIP_ERROR);

        for (i = 0; i < found.n; i++) {
            flagship_flag_fields_pointer(&f, found.list[i].pointer, pointer,
                                         sizeof(pointer));
            fuzz_touch(flagship_str(pointer, strlen(pointer)));
        }

        flagship_unit_destroy(unit);
        flagship_json_free(&json);
        free(out);
    }
}


static void
fuzz_query(flagship_str_t line)
{
    char                 *out;
    size_t                n, len;
    const char           *p, *end, *last, *equals;
    flagship_json_t       json;
    flagship_argument_t   args[FUZZ_ARGUMENTS];

    last = line.data + line.len;
    n = 0;

    for (p = line.data; p < last && n < FUZZ_ARGUMENTS; p = end + 1) {
        end = memchr(p, '&', last - p);
        end = end ? end : last;
        equals = memchr(p, '=', end - p);
        equals = equals ? equals : end;

        args[n].name = flagship_str(p, equals - p);
        args[n].value = equals < end
                        ? flagship_str(equals + 1, end - equals - 1)
                        : flagship_str(end, 0);
        n++;
    }

    len = flagship_fields_query(&flagship_resource_flag, args, n, NULL, 0);
    out = malloc(len);
    fuzz_check(out);
    fuzz_check(flagship_fields_query(&flagship_resource_flag, args, n, out,
                                     len) == len);

    /* a name that is there twice, a NUL: no document, but nothing worse */

    flagship_json_init(&json);

    if (flagship_json_parse(&json, out, len) == FLAGSHIP_OK) {
        fuzz_check(json.nodes[0].type == FLAGSHIP_JSON_OBJECT);
        fuzz_read(out, json.nodes, 1, NULL, NULL);
    }

    flagship_json_free(&json);
    free(out);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char             *input;
    flagship_str_t    first, second;
    flagship_json_t   body, before;

    input = fuzz_copy(data, size);
    first = fuzz_split(input, size, &second);

    fuzz_query(first);

    flagship_json_init(&body);
    flagship_json_init(&before);

    if (flagship_json_parse(&body, first.data, first.len) == FLAGSHIP_OK) {
        fuzz_read(first.data, body.nodes, 1, NULL, NULL);
        fuzz_read(first.data, body.nodes, 0, NULL, NULL);

        if (flagship_json_parse(&before, second.data, second.len)
            == FLAGSHIP_OK && before.nodes[0].type == FLAGSHIP_JSON_OBJECT)
        {
            fuzz_read(first.data, body.nodes, 0, second.data, before.nodes);
        }
    }

    flagship_json_free(&before);
    flagship_json_free(&body);
    free(input);

    return 0;
}
