
/*
 * Copyright (C) Flagship
 */


/*
 * flagshipctl image and inspect: a flag set as the bytes that nginx's workers
 * evaluate, into a file and out of it.
 */


#include "flagshipctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>


static void flagshipctl_image_write(const char *file,
    const flagshipctl_set_t *set, const flagship_idset_t *const *sets);
static void flagshipctl_inspect_flag(const flagship_image_t *image,
    uint32_t flag);


static const char  flagshipctl_image_usage[] =
    "usage: flagshipctl image FILE -o IMAGE [OPTION...]\n"
    "\n"
    "Compiles a flag set of a file, Flagship's form or flagd's, and writes\n"
    "its image, and behind it the id sets that it looks into, each a block\n"
    "of its own.  Flags that do not compile are named on standard error; in\n"
    "the image they evaluate to PARSE_ERROR.\n"
    "\n"
    "  -o IMAGE            the file to write; it is replaced at once\n"
    "  --tenant NAME       which flag set of a file with several: tenant\n"
    "                      (\"default\") and environment (\"prod\")\n"
    "  --environment NAME\n"
    "  --fractional N      generation of flagd's fractional, 1, 2 or 3,\n"
    "                      instead of what the file says\n"
    "\n"
    "Exit code 1: the file is no document, or a flag of it does not compile.\n";

static const char  flagshipctl_inspect_usage[] =
    "usage: flagshipctl inspect IMAGE\n"
    "\n"
    "Verifies an image and says what it holds: a line \"name: value\" for\n"
    "each of its parts, a line \"set\" for each id set: key, number of ids\n"
    "and bytes, then a line for each flag: key, type, number of variants,\n"
    "and what is special about it.\n"
    "\n"
    "Exit code 1: it is not a valid image.\n";


int
flagshipctl_image(int argc, char **argv)
{
    const char                 *out, *tenant, *environment, *fractional;
    const flagshipctl_set_t    *set;
    flagshipctl_document_t      document;

    const flagshipctl_option_t  options[] = {
        { "-o", &out, NULL },
        { "--tenant", &tenant, NULL },
        { "--environment", &environment, NULL },
        { "--fractional", &fractional, NULL },
        { NULL, NULL, NULL }
    };

    out = tenant = environment = fractional = NULL;

    if (flagshipctl_options(argc, argv, options, flagshipctl_image_usage) != 1
        || out == NULL)
    {
        fputs(flagshipctl_image_usage, stderr);
        return FLAGSHIPCTL_USAGE;
    }

    set = flagshipctl_load(&document, argv[1], tenant, environment,
                           flagshipctl_generation(fractional));

    flagshipctl_image_write(out, set, flagshipctl_idsets(&document,
                                                         set->image));

    return set->image->broken ? FLAGSHIPCTL_FOUND : FLAGSHIPCTL_DONE;
}


/* Whoever reads it sees the old file or the new one. */

static void
flagshipctl_image_write(const char *file, const flagshipctl_set_t *set,
    const flagship_idset_t *const *sets)
{
    int                fd;
    uint32_t           i;
    flagshipctl_buf_t  name;

    memset(&name, 0, sizeof(name));

    flagshipctl_buf_text(&name, file);
    flagshipctl_buf_add(&name, ".new", 5);

    fd = open(name.data, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666);

    if (fd < 0) {
        flagshipctl_fail("cannot create %s: %s", name.data, strerror(errno));
    }

    flagshipctl_write(fd, name.data, (const char *) set->image, set->len);

    for (i = 0; i < set->image->sets.n; i++) {
        flagshipctl_write(fd, name.data, (const char *) sets[i],
                          sets[i]->len);
    }

    if (fsync(fd) != 0 || close(fd) != 0 || rename(name.data, file) != 0) {
        flagshipctl_fail("cannot write %s: %s", file, strerror(errno));
    }
}


int
flagshipctl_inspect(int argc, char **argv)
{
    uint32_t                    i;
    flagship_str_t              key;
    flagshipctl_buf_t           buf;
    const flagship_image_t     *image;
    const flagship_idset_t    **sets;

    const flagshipctl_option_t  options[] = {
        { NULL, NULL, NULL }
    };

    if (flagshipctl_options(argc, argv, options, flagshipctl_inspect_usage)
        != 1)
    {
        fputs(flagshipctl_inspect_usage, stderr);
        return FLAGSHIPCTL_USAGE;
    }

    memset(&buf, 0, sizeof(buf));
    image = flagshipctl_image_load(argv[1], &buf, &sets);

    if (image == NULL) {
        return FLAGSHIPCTL_FOUND;
    }

    printf("format: %u\n", image->format);
    printf("bytes: %u\n", image->len);
    printf("digest: %016llx\n", (unsigned long long) image->digest);
    printf("fractional: %u\n", image->fractional);
    printf("flags: %u\n", image->flags.n);
    printf("broken: %u\n", image->broken);
    printf("exposed: %u\n", image->exposed);
    printf("shadowed: %u\n", image->shadowed);
    printf("segments: %u\n", image->segments.n);
    printf("attributes: %u\n", image->attrs.n);
    printf("literals: %u\n", image->atoms.n);
    printf("sets: %u\n", image->sets.n);
    printf("metadata: %.*s\n", (int) image->metadata.n,
           flagship_at(image, image->metadata.offset));

    for (i = 0; i < image->sets.n; i++) {
        key = flagship_image_set(image, i);

        printf("set %.*s %u %u\n", (int) key.len, key.data, sets[i]->n,
               sets[i]->len);
    }

    for (i = 0; i < image->flags.n; i++) {
        flagshipctl_inspect_flag(image, i);
    }

    if (fflush(stdout) != 0) {
        flagshipctl_fail("cannot write standard output: %s", strerror(errno));
    }

    return FLAGSHIPCTL_DONE;
}


static void
flagshipctl_inspect_flag(const flagship_image_t *image, uint32_t flag)
{
    flagship_str_t          key, class;
    const flagship_flag_t  *f;

    static const char  *types[] = { "boolean", "string", "number", "json" };

    f = flagship_flags(image) + flag;
    key = flagship_flag_key(image, flag);

    class = flagship_portability_name(flagship_flag_portability(image, flag));

    if (f->bits & FLAGSHIP_FLAG_BROKEN) {
        class = flagship_str("broken", 6);
    }

    printf("%.*s %s %u %.*s%s%s%s%s%s\n", (int) key.len, key.data,
           types[f->type], f->nvariants, (int) class.len, class.data,
           f->bits & (FLAGSHIP_FLAG_ENABLED|FLAGSHIP_FLAG_BROKEN)
           ? "" : " off",
           f->ncode ? "" : " static",
           f->enable_at != INT64_MIN || f->disable_at != INT64_MAX
           ? " scheduled" : "",
           f->bits & FLAGSHIP_FLAG_EXPOSE ? "" : " hidden",
           f->bits & FLAGSHIP_FLAG_SHADOWED ? " shadowed" : "");
}
