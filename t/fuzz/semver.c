
/*
 * Copyright (C) Flagship
 */


/*
 * Two versions in a line each: an order is one, whichever comes first.
 */


#include "fuzz.h"

#include "flagship_semver.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                 order;
    char               *input;
    flagship_str_t      first, second;
    flagship_semver_t   a, b;

    input = fuzz_copy(data, size);
    first = fuzz_split(input, size, &second);

    if (flagship_semver_parse(&a, first) == FLAGSHIP_OK
        && flagship_semver_parse(&b, second) == FLAGSHIP_OK)
    {
        order = flagship_semver_compare(&a, &b);

        fuzz_check((order < 0) == (flagship_semver_compare(&b, &a) > 0));
        fuzz_check(flagship_semver_compare(&a, &a) == 0);
        fuzz_check(flagship_semver_test(&a, FLAGSHIP_SEMVER_LT, &b)
                   == (order < 0));
        fuzz_check(flagship_semver_test(&a, FLAGSHIP_SEMVER_GE, &b)
                   == (order >= 0));
        fuzz_check(flagship_semver_test(&a, FLAGSHIP_SEMVER_NE, &b)
                   == (order != 0));
        fuzz_check(flagship_semver_test(&a, FLAGSHIP_SEMVER_CARET, &b)
                   >= flagship_semver_test(&a, FLAGSHIP_SEMVER_TILDE, &b));
    }

    free(input);

    return 0;
}
