
/*
 * Copyright (C) Flagship
 */


/*
 * An image is bytes: wherever and whoever maps them reads the same answers out
 * of them, and writes nothing into them.
 */


#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sample.h"


#define FLAGS  4         /* times the sample's */


static void
say(FILE *out, flagship_str_t s)
{
    fwrite(s.data, 1, s.len, out);
    fputc('\n', out);
}


/* Every flag's decision, value and trace for each context. */

static void
answer(const flagship_image_t *image, FILE *out)
{
    void                    *memory;
    size_t                   i;
    uint32_t                 flag;
    flagship_eval_t         *ev;
    engine_context_t         context;
    flagship_scratch_t      *scratch;
    flagship_decision_t      d;
    flagship_explanation_t   trace;

    memory = malloc(flagship_eval_size(image));
    scratch = calloc(1, sizeof(flagship_scratch_t));
    assert_non_null(memory);
    assert_non_null(scratch);

    memset(&trace, 0, sizeof(trace));

    for (i = 0; i < unit_n(contexts); i++) {
        context.text = engine_parse(&context.read.json, contexts[i]);
        flagship_context_set(&context.read, context.read.json.nodes);

        ev = flagship_eval_init(memory, image, scratch, ENGINE_NOW,
                                flagship_context_fetch, &context.read);

        for (flag = 0; flag < image->flags.n; flag++) {
            flagship_eval(ev, flag, &d);

            say(out, flagship_str((char *) &d, sizeof(d)));
            say(out, flagship_flag_key(image, flag));

            if (d.variant != FLAGSHIP_NO_VARIANT) {
                say(out, flagship_variant_name(image, flag, d.variant));
                say(out, flagship_variant_json(image, flag, d.variant));
                say(out, flagship_variant_text(image, flag, d.variant));
            }

            trace.len = 0;
            assert_int_equal(flagship_explain(ev, flag, &d, &trace),
                             FLAGSHIP_OK);
            say(out, flagship_str(trace.data, trace.len));
        }

        flagship_json_free(&context.read.json);
        free(context.text);
    }

    free(trace.data);
    free(scratch);
    free(memory);
}


static const flagship_image_t *
map(int fd, size_t len)
{
    void        *p;
    const char  *error;

    p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(p, MAP_FAILED);

    if (flagship_image_verify(p, len, &error) != FLAGSHIP_OK) {
        fail_msg("a mapped image is refused: %s", error);
    }

    return p;
}


/* The image in a file that only descriptors name. */

static int
share(const engine_t *engine)
{
    int  fd;

    fd = memfd_create("image", 0);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, engine->image, engine->len), engine->len);

    return fd;
}


typedef struct {
    char                *text;
    size_t               len;
} answers_t;


static answers_t
answers(const flagship_image_t *image)
{
    FILE       *out;
    answers_t   all;

    out = open_memstream(&all.text, &all.len);
    assert_non_null(out);

    answer(image, out);

    assert_int_equal(fclose(out), 0);

    return all;
}


static void
the_same_bytes_at_two_addresses(void **state)
{
    int                      fd;
    char                    *text;
    size_t                   i;
    engine_t                 engine;
    answers_t                first, other;
    const flagship_image_t  *image[3];

    text = sample_large(FLAGS);
    engine_open(&engine, text);
    free(text);

    fd = share(&engine);

    image[0] = map(fd, engine.len);
    image[1] = map(fd, engine.len);
    assert_ptr_not_equal(image[0], image[1]);

    /* and where it was made, in memory that may be written to */

    image[2] = engine.image;

    first = answers(image[0]);

    for (i = 1; i < unit_n(image); i++) {
        other = answers(image[i]);

        assert_int_equal(other.len, first.len);
        assert_memory_equal(other.text, first.text, first.len);
        free(other.text);
    }

    assert_memory_equal(engine.image, image[0], engine.len);

    free(first.text);
    munmap((void *) image[0], engine.len);
    munmap((void *) image[1], engine.len);
    close(fd);
    engine_close(&engine);
}


/* This program once more, which prints what it reads in the descriptor. */

static void
the_same_bytes_in_two_processes(void **state)
{
    int         fd;
    char       *text, *other, command[64];
    FILE       *child;
    size_t      len;
    engine_t    engine;
    answers_t   own;

    text = sample_large(FLAGS);
    engine_open(&engine, text);
    free(text);

    fd = share(&engine);
    own = answers(engine.image);

    snprintf(command, sizeof(command), "/proc/%d/exe %d %zu", (int) getpid(),
             fd, engine.len);

    child = popen(command, "r");
    assert_non_null(child);

    other = malloc(own.len + 1);
    assert_non_null(other);

    len = fread(other, 1, own.len + 1, child);

    assert_int_equal(pclose(child), 0);
    assert_int_equal(len, own.len);
    assert_memory_equal(other, own.text, len);

    free(other);
    free(own.text);
    close(fd);
    engine_close(&engine);
}


int
main(int argc, char **argv)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_same_bytes_at_two_addresses),
        cmocka_unit_test(the_same_bytes_in_two_processes)
    };

    if (argc == 3) {
        answer(map(atoi(argv[1]), strtoul(argv[2], NULL, 10)), stdout);
        return 0;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
