
/*
 * Copyright (C) Flagship
 */


/*
 * Calls a target with each file that is named: the corpus, or what a fuzzer
 * has found.
 */


#include "fuzz.h"


int
main(int argc, char **argv)
{
    int       i;
    char     *data;
    long      size;
    FILE     *file;

    for (i = 1; i < argc; i++) {
        file = fopen(argv[i], "rb");

        if (file == NULL || fseek(file, 0, SEEK_END) != 0
            || (size = ftell(file)) < 0)
        {
            perror(argv[i]);
            return 2;
        }

        rewind(file);
        data = fuzz_copy(NULL, 0);
        data = realloc(data, size + 1);
        fuzz_check(data);
        fuzz_check(fread(data, 1, size, file) == (size_t) size);
        fclose(file);

        (void) LLVMFuzzerTestOneInput((uint8_t *) data, size);

        free(data);
    }

    printf("%d replayed\n", argc - 1);

    return 0;
}
