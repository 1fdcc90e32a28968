
/*
 * Copyright (C) Flagship
 */


/*
 * An id set, built of lines and then damaged with its digest repaired, as no
 * accident could: it has its lines, and what the verifier lets pass of the
 * damaged one is safe to ask.
 *
 * The input is a byte that says how many bytes are damaged, three bytes for
 * each (where, and what it becomes), and the ids.
 */


#include "fuzz.h"

#include "flagship_hash.h"


static int
fuzz_idset_has(const flagship_idset_t *set, flagship_str_t id)
{
    return flagship_idset_has(set, id, flagship_hash32(id.data, id.len));
}


static flagship_idset_t *
fuzz_idset_build(flagship_str_t lines)
{
    flagship_str_t             line;
    flagship_idset_t          *set;
    flagship_idset_builder_t  *builder;

    builder = flagship_idset_create();
    fuzz_check(builder);

    while (lines.len) {
        line = fuzz_split(lines.data, lines.len, &lines);

        fuzz_check((flagship_idset_add(builder, line) == FLAGSHIP_OK)
                   == (line.len && line.len <= FLAGSHIP_IDSET_MAX_ID));
    }

    fuzz_check(flagship_idset_build(builder, &set) == FLAGSHIP_OK);
    flagship_idset_destroy(builder);

    return set;
}


/* Returns how many ids it goes through. */

static uint32_t
fuzz_idset_use(const flagship_idset_t *set, flagship_str_t lines, int whole)
{
    uint32_t        n;
    uint64_t        at;
    flagship_str_t  id;

    while (lines.len) {
        id = fuzz_split(lines.data, lines.len, &lines);

        fuzz_check(fuzz_idset_has(set, id) || !whole || id.len == 0
                   || id.len > FLAGSHIP_IDSET_MAX_ID);
    }

    at = 0;

    for (n = 0; flagship_idset_next(set, &at, &id); n++) {
        fuzz_check(id.len && id.len <= FLAGSHIP_IDSET_MAX_ID);
        fuzz_check(fuzz_idset_has(set, id) || !whole);
    }

    return n;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char              *copy;
    size_t             i, n;
    const char        *error;
    flagship_str_t     lines;
    flagship_idset_t  *set, *damaged;

    if (size == 0 || size < 1 + 3 * (size_t) data[0]) {
        return 0;
    }

    n = data[0];
    copy = fuzz_copy(data + 1 + 3 * n, size - 1 - 3 * n);
    lines = flagship_str(copy, size - 1 - 3 * n);

    set = fuzz_idset_build(lines);

    fuzz_check(flagship_idset_verify(set, set->len, &error) == FLAGSHIP_OK);
    fuzz_check(fuzz_idset_use(set, lines, 1) == set->n);

    damaged = (flagship_idset_t *) fuzz_copy(set, set->len);

    for (i = 0; i < n; i++) {
        data++;
        ((uint8_t *) damaged)[(data[0] | data[1] << 8) % set->len] = data[2];
        data += 2;
    }

    damaged->digest = flagship_digest(damaged, set->len);

    if (flagship_idset_verify(damaged, set->len, &error) == FLAGSHIP_OK) {
        fuzz_check(fuzz_idset_use(damaged, lines, 0) == damaged->n);

    } else {
        fuzz_check(error);
    }

    free(damaged);
    free(set);
    free(copy);

    return 0;
}
