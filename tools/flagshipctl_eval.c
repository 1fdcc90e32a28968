
/*
 * Copyright (C) Flagship
 */


/*
 * flagshipctl eval: what the flags of a file evaluate to, as OFREP says it.
 */


#include "flagshipctl.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


typedef struct {
    const flagship_image_t   *image;
    const flagship_idset_t  **sets;
    char                     *memory;
    int                       explain;
    flagship_scratch_t        scratch;
    flagship_context_t        context;
    flagship_json_t           line;
} flagshipctl_eval_t;


static int flagshipctl_eval_one(flagshipctl_eval_t *e, const char *flag,
    const char *context, flagshipctl_buf_t *out);
static flagship_eval_t *flagshipctl_eval_begin(flagshipctl_eval_t *e);
static int flagshipctl_eval_answer(flagshipctl_eval_t *e, flagship_eval_t *ev,
    flagship_str_t key, flagshipctl_buf_t *out);
static void flagshipctl_eval_line(void *data, char *line, size_t len,
    flagshipctl_buf_t *out);
static void flagshipctl_eval_pause(void *data, flagshipctl_buf_t *out);
static void flagshipctl_eval_overlong(void *data, flagshipctl_buf_t *out);


static const char  flagshipctl_eval_usage[] =
    "usage: flagshipctl eval FILE [--flag KEY] [--context JSON|-] [OPTION...]\n"
    "       flagshipctl eval FILE --batch [OPTION...]\n"
    "\n"
    "Evaluates a flag of a file, Flagship's form or flagd's, and writes the\n"
    "body that OFREP has for it; without --flag all flags, as OFREP's bulk\n"
    "body.\n"
    "Flags that do not compile are named on standard error.\n"
    "\n"
    "  --flag KEY          which flag\n"
    "  --context JSON      the evaluation context, {} by default; - reads it\n"
    "                      from standard input\n"
    "  --batch             reads JSON lines {\"flag\": ..., \"context\": ...}\n"
    "                      from standard input, writes a body a line, in\n"
    "                      order; without \"flag\" all flags\n"
    "  --explain           a member \"trace\" more: why it is decided so\n"
    "  --tenant NAME       which flag set of a file with several: tenant\n"
    "                      (\"default\") and environment (\"prod\")\n"
    "  --environment NAME\n"
    "  --fractional N      generation of flagd's fractional, 1, 2 or 3,\n"
    "                      instead of what the file says\n"
    "\n"
    "Exit code 1: the flag, or the context, is an error, or the file is.\n";


int
flagshipctl_eval(int argc, char **argv)
{
    int                         batch, n, rc;
    const char                 *flag, *context, *tenant, *environment,
                               *fractional;
    flagshipctl_buf_t           out;
    flagshipctl_lines_t         lines;
    flagshipctl_document_t      document;

    static flagshipctl_eval_t   e;

    const flagshipctl_option_t  options[] = {
        { "--flag", &flag, NULL },
        { "--context", &context, NULL },
        { "--batch", NULL, &batch },
        { "--explain", NULL, &e.explain },
        { "--tenant", &tenant, NULL },
        { "--environment", &environment, NULL },
        { "--fractional", &fractional, NULL },
        { NULL, NULL, NULL }
    };

    batch = 0;
    flag = context = tenant = environment = fractional = NULL;

    n = flagshipctl_options(argc, argv, options, flagshipctl_eval_usage);

    if (n != 1) {
        fputs(flagshipctl_eval_usage, stderr);
        return FLAGSHIPCTL_USAGE;
    }

    if (batch && (flag || context)) {
        flagshipctl_fail("--batch has flags and contexts in its lines");
    }

    e.image = flagshipctl_load(&document, argv[1], tenant, environment,
                               flagshipctl_generation(fractional))->image;

    e.sets = flagshipctl_idsets(&document, e.image);
    e.memory = flagshipctl_alloc(NULL, flagship_eval_size(e.image));

    flagship_context_init(&e.context);
    flagship_json_init(&e.line);

    if (batch) {
        lines.line = flagshipctl_eval_line;
        lines.pause = flagshipctl_eval_pause;
        lines.overlong = flagshipctl_eval_overlong;
        lines.data = &e;

        flagshipctl_lines(&lines);

        return FLAGSHIPCTL_DONE;
    }

    memset(&out, 0, sizeof(out));

    rc = flagshipctl_eval_one(&e, flag, context, &out);

    flagshipctl_buf_text(&out, "\n");
    flagshipctl_write(STDOUT_FILENO, "standard output", out.data, out.len);

    return rc ? FLAGSHIPCTL_DONE : FLAGSHIPCTL_FOUND;
}


static int
flagshipctl_eval_one(flagshipctl_eval_t *e, const char *flag,
    const char *context, flagshipctl_buf_t *out)
{
    int                rc;
    char               details[192];
    flagship_str_t     key;
    flagship_eval_t   *ev;
    flagshipctl_buf_t  text;

    memset(&text, 0, sizeof(text));

    key = flagship_str(flag, flag ? strlen(flag) : 0);

    if (context == NULL) {
        flagshipctl_buf_text(&text, "{}");

    } else if (strcmp(context, "-") == 0) {
        flagshipctl_read("-", &text);

    } else {
        flagshipctl_buf_text(&text, context);
    }

    ev = flagshipctl_eval_begin(e);
    rc = flagship_context_read(&e->context, ev, text.data, text.len, NULL);

    if (rc == FLAGSHIP_ERROR) {
        flagshipctl_fail("no memory");
    }

    if (rc == FLAGSHIP_DECLINED) {
        (void) snprintf(details, sizeof(details), "the context, at byte %zu: "
                        "%s", e->context.offset, e->context.error);

        flagshipctl_ofrep_error(out, key, FLAGSHIP_ERROR_INVALID_CONTEXT,
                                details);
        return 0;
    }

    return flagshipctl_eval_answer(e, ev, key, out);
}


static flagship_eval_t *
flagshipctl_eval_begin(flagshipctl_eval_t *e)
{
    flagship_eval_t  *ev;

    ev = flagship_eval_init(e->memory, e->image, &e->scratch, time(NULL),
                            flagship_context_fetch, &e->context);
    flagship_eval_bind_sets(ev, e->sets);

    return ev;
}


/* In the context that was set.  A key with no data stands for all flags. */

static int
flagshipctl_eval_answer(flagshipctl_eval_t *e, flagship_eval_t *ev,
    flagship_str_t key, flagshipctl_buf_t *out)
{
    if (key.data) {
        return flagshipctl_ofrep_flag(out, ev, key, e->explain);
    }

    flagship_context_fill(&e->context, ev);
    flagshipctl_ofrep_flags(out, ev, e->explain);

    return 1;
}


static void
flagshipctl_eval_line(void *data, char *line, size_t len,
    flagshipctl_buf_t *out)
{
    int                          rc;
    char                         details[192];
    flagship_str_t               key;
    flagshipctl_eval_t          *e = data;
    const flagship_json_node_t  *root, *flag, *context;

    key = flagship_str(NULL, 0);
    rc = flagship_json_parse(&e->line, line, len);

    if (rc == FLAGSHIP_ERROR) {
        flagshipctl_fail("no memory");
    }

    if (rc == FLAGSHIP_DECLINED) {
        (void) snprintf(details, sizeof(details), "not JSON at byte %zu: %s",
                        e->line.offset, e->line.error);

        flagshipctl_ofrep_error(out, key, FLAGSHIP_ERROR_INVALID_CONTEXT,
                                details);
        flagshipctl_buf_text(out, "\n");
        return;
    }

    root = e->line.nodes;
    flag = flagship_json_get(root, "flag");
    context = flagship_json_get(root, "context");

    if (flag && flag->type == FLAGSHIP_JSON_STRING) {
        key = flagship_json_str(flag);
    }

    if (root->type != FLAGSHIP_JSON_OBJECT || (flag && key.data == NULL)) {
        flagshipctl_ofrep_error(out, key, FLAGSHIP_ERROR_INVALID_CONTEXT,
                                "a line is an object with \"flag\", a string, "
                                "and \"context\"");

    } else if (context && context->type != FLAGSHIP_JSON_OBJECT) {
        flagshipctl_ofrep_error(out, key, FLAGSHIP_ERROR_INVALID_CONTEXT,
                                "a context must be an object");

    } else {
        flagship_context_set(&e->context, context);
        (void) flagshipctl_eval_answer(e, flagshipctl_eval_begin(e), key,
                                       out);
    }

    flagshipctl_buf_text(out, "\n");
}


static void
flagshipctl_eval_pause(void *data, flagshipctl_buf_t *out)
{
    /* every line was answered when it came */
}


static void
flagshipctl_eval_overlong(void *data, flagshipctl_buf_t *out)
{
    flagshipctl_ofrep_error(out, flagship_str(NULL, 0),
                            FLAGSHIP_ERROR_INVALID_CONTEXT,
                            "the line is too long");
    flagshipctl_buf_text(out, "\n");
}
