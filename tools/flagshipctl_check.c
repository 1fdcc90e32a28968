
/*
 * Copyright (C) Flagship
 */


/*
 * flagshipctl check: what is wrong with files of flags, all of it, for people
 * and for continuous integration.
 */


#include "flagshipctl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>


typedef struct {
    int                  json;
    unsigned             errors;
    unsigned             warnings;
    unsigned             nflags;
    flagshipctl_buf_t    out;
    flagshipctl_buf_t    flags;
} flagshipctl_check_t;


static void flagshipctl_check_flags(flagshipctl_check_t *check,
    const flagshipctl_document_t *document);
static void flagshipctl_check_message(void *data, const char *file,
    const char *pointer, const flagship_error_t *error);
static void flagshipctl_check_member(flagshipctl_buf_t *out,
    const char *name, const char *text);


static const char  flagshipctl_check_usage[] =
    "usage: flagshipctl check FILE... [--json]\n"
    "\n"
    "Compiles every flag set of files of flags, Flagship's form or flagd's,\n"
    "and writes a line for each error and each warning:\n"
    "\n"
    "  FILE: POINTER: MESSAGE\n"
    "  FILE: POINTER: warning: MESSAGE [LINT]\n"
    "\n"
    "POINTER is a JSON Pointer (RFC 6901) into the file, empty for all of it;\n"
    "LINT says which kind of warning it is.\n"
    "\n"
    "  --json          one JSON object instead: {\"errors\", \"warnings\",\n"
    "                  \"messages\": [{\"file\", \"pointer\", \"severity\",\n"
    "                  \"key\", \"lint\", \"message\"}],\n"
    "                  \"flags\": [{\"file\", \"tenant\", \"environment\",\n"
    "                  \"key\", \"portability\"}]}\n"
    "  --fractional N  generation of flagd's fractional, 1, 2 or 3, instead\n"
    "                  of what the files say\n"
    "\n"
    "Exit code 1: there are errors.  Warnings alone are 0.\n";


int
flagshipctl_check(int argc, char **argv)
{
    int                         i, n;
    char                        counts[64];
    const char                 *fractional;
    flagshipctl_check_t         check;
    flagshipctl_document_t      document;

    const flagshipctl_option_t  options[] = {
        { "--json", NULL, &check.json },
        { "--fractional", &fractional, NULL },
        { NULL, NULL, NULL }
    };

    memset(&check, 0, sizeof(check));
    fractional = NULL;

    n = flagshipctl_options(argc, argv, options, flagshipctl_check_usage);

    if (n == 0) {
        fputs(flagshipctl_check_usage, stderr);
        return FLAGSHIPCTL_USAGE;
    }

    if (check.json) {
        flagshipctl_buf_text(&check.out, "{\"messages\":[");
    }

    for (i = 1; i <= n; i++) {
        flagshipctl_document_init(&document, argv[i], NULL, NULL);

        document.fractional = flagshipctl_generation(fractional);
        document.lint = 1;
        document.message = flagshipctl_check_message;
        document.data = &check;

        (void) flagshipctl_document(&document);

        if (check.json) {
            flagshipctl_check_flags(&check, &document);
        }

        flagshipctl_document_free(&document);
    }

    if (check.json) {
        flagshipctl_buf_text(&check.out, "],\"flags\":[");
        flagshipctl_buf_add(&check.out, check.flags.data, check.flags.len);

        (void) snprintf(counts, sizeof(counts),
                        "],\"errors\":%u,\"warnings\":%u}\n", check.errors,
                        check.warnings);
        flagshipctl_buf_text(&check.out, counts);
    }

    flagshipctl_write(STDOUT_FILENO, "standard output", check.out.data,
                      check.out.len);

    return check.errors ? FLAGSHIPCTL_FOUND : FLAGSHIPCTL_DONE;
}


/* How portable each flag is. */

static void
flagshipctl_check_flags(flagshipctl_check_t *check,
    const flagshipctl_document_t *document)
{
    uint32_t                  i, k;
    flagshipctl_buf_t        *out;
    const flagshipctl_set_t  *set;

    out = &check->flags;

    for (i = 0; i < document->nsets; i++) {
        set = &document->sets[i];

        for (k = 0; k < set->image->flags.n; k++) {

            if (flagship_flags(set->image)[k].bits & FLAGSHIP_FLAG_BROKEN) {
                continue;
            }

            flagshipctl_check_member(out, check->nflags++ ? ",{\"file\":"
                                                          : "{\"file\":",
                                     document->file);
            flagshipctl_buf_text(out, ",\"tenant\":");
            flagshipctl_buf_string(out, set->tenant);
            flagshipctl_buf_text(out, ",\"environment\":");
            flagshipctl_buf_string(out, set->environment);
            flagshipctl_buf_text(out, ",\"key\":");
            flagshipctl_buf_string(out, flagship_flag_key(set->image, k));
            flagshipctl_buf_text(out, ",\"portability\":");
            flagshipctl_buf_string(out, flagship_portability_name(
                                            flagship_flag_portability(
                                                set->image, k)));
            flagshipctl_buf_text(out, "}");
        }
    }
}


static void
flagshipctl_check_message(void *data, const char *file, const char *pointer,
    const flagship_error_t *error)
{
    flagshipctl_buf_t    *out;
    flagshipctl_check_t  *check = data;

    out = &check->out;

    if (check->json) {

        if (check->errors + check->warnings) {
            flagshipctl_buf_text(out, ",");
        }

        flagshipctl_check_member(out, "{\"file\":", file);
        flagshipctl_check_member(out, ",\"pointer\":", pointer);
        flagshipctl_check_member(out, ",\"severity\":",
                                 error->warning ? "warning" : "error");

        if (error->key[0]) {
            flagshipctl_check_member(out, ",\"key\":", error->key);
        }

        if (error->lint[0]) {
            flagshipctl_check_member(out, ",\"lint\":", error->lint);
        }

        flagshipctl_check_member(out, ",\"message\":", error->message);
        flagshipctl_buf_text(out, "}");

    } else {
        flagshipctl_buf_text(out, file);
        flagshipctl_buf_text(out, ": ");
        flagshipctl_buf_text(out, pointer);
        flagshipctl_buf_text(out, error->warning ? ": warning: " : ": ");
        flagshipctl_buf_text(out, error->message);

        if (error->lint[0]) {
            flagshipctl_buf_text(out, " [");
            flagshipctl_buf_text(out, error->lint);
            flagshipctl_buf_text(out, "]");
        }

        flagshipctl_buf_text(out, "\n");
    }

    if (error->warning) {
        check->warnings++;

    } else {
        check->errors++;
    }
}


static void
flagshipctl_check_member(flagshipctl_buf_t *out, const char *name,
    const char *text)
{
    flagshipctl_buf_text(out, name);
    flagshipctl_buf_string(out, flagship_str(text, strlen(text)));
}
