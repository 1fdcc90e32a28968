
/*
 * Copyright (C) Flagship
 */


/*
 * A range and an address in a line each: a range has both its ends, and what
 * is in it lies between them.
 */


#include "fuzz.h"

#include "flagship_net.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                *input;
    flagship_str_t       first, second;
    flagship_range_t     range, alone;
    flagship_address_t   address;

    input = fuzz_copy(data, size);
    first = fuzz_split(input, size, &second);

    if (flagship_range_parse(&range, first) == FLAGSHIP_OK) {
        fuzz_check(flagship_range_has(&range, &range.first));
        fuzz_check(flagship_range_has(&range, &range.last));
        fuzz_check(flagship_address_order(&range.first, &range.last) <= 0);
    }

    if (flagship_address_parse(&address, second) == FLAGSHIP_OK) {
        fuzz_check(flagship_range_parse(&alone, second) == FLAGSHIP_OK);
        fuzz_check(flagship_range_has(&alone, &address));

        if (flagship_range_parse(&range, first) == FLAGSHIP_OK
            && flagship_range_has(&range, &address))
        {
            fuzz_check(flagship_address_order(&range.first, &address) <= 0
                       && flagship_address_order(&address, &range.last) <= 0);
        }
    }

    free(input);

    return 0;
}
