
/*
 * Copyright (C) Flagship
 */


/*
 * flagshipctl export: an image as the document that it was compiled from, or
 * as flagd reads it.
 */


#include "flagshipctl.h"
#include "flagship_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


static void flagshipctl_export_error(void *data,
    const flagship_error_t *error);


static const char  flagshipctl_export_usage[] =
    "usage: flagshipctl export IMAGE [--format flagship|flagd] [OPTION...]\n"
    "\n"
    "Writes the flags of an image, which flagshipctl image wrote, as a\n"
    "document.  What flagd has no form for is rewritten; flags that cannot\n"
    "be are left out and named on standard error, and so is what is lost.\n"
    "\n"
    "  --format FORM       flagship (the default) or flagd\n"
    "  --environment NAME  what the flag set's own settings are named by\n"
    "                      (\"prod\")\n"
    "\n"
    "Exit code 1: it is not a valid image, or flags are left out.\n";


int
flagshipctl_export(int argc, char **argv)
{
    char                       *text;
    size_t                      len;
    unsigned                    form;
    const char                 *format, *environment;
    flagship_errors_t          *errors;
    flagshipctl_buf_t           buf;
    const flagship_image_t     *image;
    const flagship_idset_t    **sets;

    const flagshipctl_option_t  options[] = {
        { "--format", &format, NULL },
        { "--environment", &environment, NULL },
        { NULL, NULL, NULL }
    };

    format = "flagship";
    environment = "prod";

    if (flagshipctl_options(argc, argv, options, flagshipctl_export_usage)
        != 1)
    {
        fputs(flagshipctl_export_usage, stderr);
        return FLAGSHIPCTL_USAGE;
    }

    if (strcmp(format, "flagship") != 0 && strcmp(format, "flagd") != 0) {
        flagshipctl_fail("--format is flagship or flagd, not \"%s\"", format);
    }

    form = strcmp(format, "flagd") == 0 ? FLAGSHIP_EXPORT_FLAGD
                                        : FLAGSHIP_EXPORT_FLAGSHIP;

    memset(&buf, 0, sizeof(buf));
    image = flagshipctl_image_load(argv[1], &buf, &sets);

    if (image == NULL) {
        return FLAGSHIPCTL_FOUND;
    }

    errors = flagshipctl_alloc(NULL, sizeof(flagship_errors_t));

    flagship_errors_init(errors);
    errors->handler = flagshipctl_export_error;
    errors->data = argv[1];

    if (flagship_export(image, form, flagship_str(environment,
                                                  strlen(environment)),
                        sets, &text, &len, errors)
        != FLAGSHIP_OK)
    {
        flagshipctl_fail("no memory");
    }

    flagshipctl_write(STDOUT_FILENO, "standard output", text, len);
    flagshipctl_write(STDOUT_FILENO, "standard output", "\n", 1);

    return errors->errors ? FLAGSHIPCTL_FOUND : FLAGSHIPCTL_DONE;
}


static void
flagshipctl_export_error(void *data, const flagship_error_t *error)
{
    fprintf(stderr, "%s: %s: %s%s\n", (const char *) data,
            error->key[0] ? error->key : "the flag set",
            error->warning ? "warning: " : "", error->message);
}
