
/*
 * Copyright (C) Flagship
 */


#include "unit.h"


static void
arena_gives_aligned_memory_that_does_not_overlap(void **state)
{
    size_t             i, size;
    uint64_t           seed;
    flagship_arena_t   arena;
    unsigned char     *p[500];
    size_t             sizes[500];

    flagship_arena_init(&arena);
    seed = 1;

    for (i = 0; i < unit_n(p); i++) {
        size = unit_random(&seed) % (i % 50 == 0 ? 100000 : 300);

        p[i] = flagship_arena_alloc(&arena, size);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t) p[i] % 16, 0);

        memset(p[i], (int) (i & 0xff), size);
        sizes[i] = size;
    }

    for (i = 0; i < unit_n(p); i++) {
        for (size = 0; size < sizes[i]; size++) {
            assert_int_equal(p[i][size], i & 0xff);
        }
    }

    flagship_arena_free(&arena);
}


static void
arena_keeps_its_largest_block_when_reset(void **state)
{
    void              *first, *second;
    unsigned           i;
    flagship_arena_t   arena;

    flagship_arena_init(&arena);
    flagship_arena_reset(&arena);

    first = NULL;

    for (i = 0; i < 20; i++) {
        first = flagship_arena_alloc(&arena, 10000);
        assert_non_null(first);
    }

    flagship_arena_reset(&arena);

    first = flagship_arena_alloc(&arena, 100000);
    flagship_arena_reset(&arena);
    second = flagship_arena_alloc(&arena, 100000);

    assert_ptr_equal(first, second);

    flagship_arena_free(&arena);
    flagship_arena_free(&arena);
}


static void
arena_refuses_what_no_machine_has(void **state)
{
    flagship_arena_t  arena;

    flagship_arena_init(&arena);

    assert_null(flagship_arena_alloc(&arena, SIZE_MAX));
    assert_null(flagship_arena_alloc(&arena, SIZE_MAX - 15));

    flagship_arena_free(&arena);
}


static void
count_error(void *data, const flagship_error_t *error)
{
    char       message[32];
    unsigned  *n = data;

    (void) snprintf(message, sizeof(message), "value %u", *n);
    assert_string_equal(error->message, message);
    assert_int_equal(error->warning, *n % 4 == 3);

    (*n)++;
}


static void
errors_are_counted_when_there_is_no_more_room(void **state)
{
    unsigned            i, called;
    flagship_errors_t  *errors;

    errors = malloc(sizeof(flagship_errors_t));
    assert_non_null(errors);

    called = 0;

    flagship_errors_init(errors);
    errors->handler = count_error;
    errors->data = &called;

    for (i = 0; i < 100; i++) {
        flagship_errors_add(errors, i % 4 == 3, unit_str("key"), "/a/0",
                            "value %u", i);
    }

    assert_int_equal(called, 100);
    assert_int_equal(errors->n, FLAGSHIP_MAX_ERRORS);
    assert_int_equal(errors->errors, 75);
    assert_int_equal(errors->warnings, 25);
    assert_string_equal(errors->list[0].key, "key");
    assert_string_equal(errors->list[0].pointer, "/a/0");
    assert_string_equal(errors->list[31].message, "value 31");
    assert_int_equal(errors->list[2].warning, 0);
    assert_int_equal(errors->list[3].warning, 1);

    free(errors);
}


static void
errors_are_cut_between_characters(void **state)
{
    char                text[400];
    unsigned            i, shift;
    flagship_errors_t  *errors;
    flagship_error_t   *error;

    errors = malloc(sizeof(flagship_errors_t));
    assert_non_null(errors);

    for (shift = 0; shift < 3; shift++) {
        memset(text, 'x', shift);

        for (i = shift; i + 3 < sizeof(text); i += 3) {
            memcpy(text + i, "\xe6\x97\xa5", 3);
        }

        text[i] = '\0';

        flagship_errors_init(errors);
        flagship_errors_add(errors, 0, unit_str(text), text, "%s", text);

        error = &errors->list[0];

        assert_int_equal(strlen(error->key) % 3, shift);
        assert_int_equal(strlen(error->pointer) % 3, shift);
        assert_int_equal(strlen(error->message) % 3, shift);

        assert_true(strlen(error->key) >= sizeof(error->key) - 3);
        assert_true(strlen(error->message) >= sizeof(error->message) - 3);
    }

    flagship_errors_init(errors);
    flagship_errors_add(errors, 0, flagship_str(NULL, 0), NULL, "no key");

    assert_string_equal(errors->list[0].key, "");
    assert_string_equal(errors->list[0].pointer, "");

    free(errors);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(arena_gives_aligned_memory_that_does_not_overlap),
        cmocka_unit_test(arena_keeps_its_largest_block_when_reset),
        cmocka_unit_test(arena_refuses_what_no_machine_has),
        cmocka_unit_test(errors_are_counted_when_there_is_no_more_room),
        cmocka_unit_test(errors_are_cut_between_characters)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
