
/*
 * Copyright (C) Flagship
 */


/*
 * RFC 3339: what parses lies in its years, and means the same in UTC.
 */


#include "fuzz.h"

#include <time.h>

#include "flagship_time.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *input, text[40];
    size_t       len;
    time_t       t;
    int64_t      seconds, again;
    struct tm    tm;

    input = fuzz_copy(data, size);

    if (flagship_time_parse(flagship_str(input, size), &seconds)
        == FLAGSHIP_OK)
    {
        t = seconds;
        fuzz_check(gmtime_r(&t, &tm));
        fuzz_check(tm.tm_year >= -1901 && tm.tm_year <= 8100);

        /* an offset may lead out of the years that four digits have */

        if (tm.tm_year >= -1900 && tm.tm_year < 8100) {
            len = snprintf(text, sizeof(text),
                           "%04d-%02d-%02dT%02d:%02d:%02dZ",
                           tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                           tm.tm_hour, tm.tm_min, tm.tm_sec);

            fuzz_check(flagship_time_parse(flagship_str(text, len), &again)
                       == FLAGSHIP_OK);
            fuzz_check(again == seconds);
        }
    }

    free(input);

    return 0;
}
