
/*
 * Copyright (C) Flagship
 */


/*
 * flagshipctl logic: JsonLogic in JSON lines.
 *
 * Lines that came together are compiled into one image, a record each, which
 * is what makes many of them cheap.  The records' keys are no UTF-8, so no
 * rule can name another line's as a segment.
 */


#include "flagshipctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>


#define FLAGSHIPCTL_BATCH  256

#define FLAGSHIPCTL_KEY    4         /* bytes of a record's key */


typedef struct {
    flagship_json_t              json;
    const flagship_json_node_t  *rule;       /* NULL: the error stands */
    const flagship_json_node_t  *data;       /* NULL: none */
    uint32_t                     record;
    flagship_error_t             error;
} flagshipctl_rule_t;


typedef struct {
    unsigned                     fractional;
    unsigned                     n;
    flagshipctl_rule_t           rules[FLAGSHIPCTL_BATCH];
    flagship_errors_t            errors;
    flagship_scratch_t           scratch;
    flagshipctl_buf_t            memory;     /* of an evaluation */
} flagshipctl_logic_t;


static void flagshipctl_logic_line(void *data, char *line, size_t len,
    flagshipctl_buf_t *out);
static void flagshipctl_logic_pause(void *data, flagshipctl_buf_t *out);
static void flagshipctl_logic_overlong(void *data, flagshipctl_buf_t *out);
static void flagshipctl_logic_parse(flagshipctl_rule_t *rule, char *line,
    size_t len);
static void flagshipctl_logic_run(flagshipctl_logic_t *logic, unsigned from,
    unsigned n, flagshipctl_buf_t *out);
static flagship_image_t *flagshipctl_logic_compile(flagshipctl_logic_t *logic,
    unsigned from, unsigned n);
static void flagshipctl_logic_records(flagshipctl_logic_t *logic,
    const flagship_image_t *image);
static void flagshipctl_logic_answer(flagshipctl_logic_t *logic,
    flagshipctl_rule_t *rule, const flagship_image_t *image,
    flagshipctl_buf_t *out);
static void flagshipctl_logic_error(flagshipctl_buf_t *out,
    const flagship_error_t *error);


static const char  flagshipctl_logic_usage[] =
    "usage: flagshipctl logic [--fractional 1|2|3]\n"
    "\n"
    "Reads JSON lines {\"rule\": ..., \"data\": ...} from standard input and\n"
    "writes a line for each, in order: {\"result\": ...}, or\n"
    "{\"error\": \"...\"} for what is no line of that form and for a rule\n"
    "that does not compile.\n"
    "\n"
    "  --fractional N  generation of flagd's fractional, 2 by default\n";


int
flagshipctl_logic(int argc, char **argv)
{
    const char                   *fractional;
    flagshipctl_lines_t           lines;

    static flagshipctl_logic_t    logic;

    const flagshipctl_option_t    options[] = {
        { "--fractional", &fractional, NULL },
        { NULL, NULL, NULL }
    };

    fractional = NULL;

    if (flagshipctl_options(argc, argv, options, flagshipctl_logic_usage)) {
        flagshipctl_fail("logic reads standard input, not \"%s\"", argv[1]);
    }

    logic.fractional = flagshipctl_generation(fractional);

    if (logic.fractional == 0) {
        logic.fractional = 2;
    }

    lines.line = flagshipctl_logic_line;
    lines.pause = flagshipctl_logic_pause;
    lines.overlong = flagshipctl_logic_overlong;
    lines.data = &logic;

    flagshipctl_lines(&lines);

    return FLAGSHIPCTL_DONE;
}


static void
flagshipctl_logic_line(void *data, char *line, size_t len,
    flagshipctl_buf_t *out)
{
    flagshipctl_logic_t  *logic = data;

    flagshipctl_logic_parse(&logic->rules[logic->n++], line, len);

    if (logic->n == FLAGSHIPCTL_BATCH) {
        flagshipctl_logic_pause(logic, out);
    }
}


static void
flagshipctl_logic_pause(void *data, flagshipctl_buf_t *out)
{
    flagshipctl_logic_t  *logic = data;

    flagshipctl_logic_run(logic, 0, logic->n, out);
    logic->n = 0;
}


static void
flagshipctl_logic_overlong(void *data, flagshipctl_buf_t *out)
{
    flagship_error_t  error;

    error.pointer[0] = '\0';
    (void) snprintf(error.message, sizeof(error.message),
                    "the line is too long");

    flagshipctl_logic_error(out, &error);
}


static void
flagshipctl_logic_parse(flagshipctl_rule_t *rule, char *line, size_t len)
{
    int  rc;

    rule->rule = NULL;
    rule->error.pointer[0] = '\0';

    rc = flagship_json_parse(&rule->json, line, len);

    if (rc == FLAGSHIP_ERROR) {
        flagshipctl_fail("no memory");
    }

    if (rc == FLAGSHIP_DECLINED) {
        (void) snprintf(rule->error.message, sizeof(rule->error.message),
                        "not JSON at byte %zu: %s", rule->json.offset,
                        rule->json.error);
        return;
    }

    rule->rule = flagship_json_get(rule->json.nodes, "rule");
    rule->data = flagship_json_get(rule->json.nodes, "data");

    if (rule->rule == NULL) {
        (void) snprintf(rule->error.message, sizeof(rule->error.message),
                        "a line is an object with \"rule\" and \"data\"");
    }
}


/* Rules that only the linker refuses are compiled alone, for their error. */

static void
flagshipctl_logic_run(flagshipctl_logic_t *logic, unsigned from, unsigned n,
    flagshipctl_buf_t *out)
{
    unsigned             i;
    flagship_image_t    *image;
    flagshipctl_rule_t  *rule;

    if (n == 0) {
        return;
    }

    image = flagshipctl_logic_compile(logic, from, n);

    for (i = from; i < from + n; i++) {
        rule = &logic->rules[i];

        if (rule->rule == NULL) {
            flagshipctl_logic_error(out, &rule->error);

        } else if (rule->record != FLAGSHIP_NONE) {
            flagshipctl_logic_answer(logic, rule, image, out);

        } else if (n > 1) {
            flagshipctl_logic_run(logic, i, 1, out);

        } else {
            if (logic->errors.n) {
                rule->error = logic->errors.list[0];
            }

            flagshipctl_logic_error(out, &rule->error);
        }
    }

    free(image);
}


/* NULL: the rules do not fit an image. */

static flagship_image_t *
flagshipctl_logic_compile(flagshipctl_logic_t *logic, unsigned from,
    unsigned n)
{
    int                  rc;
    char                 key[FLAGSHIPCTL_KEY];
    size_t               len;
    unsigned             i;
    flagship_unit_t     *unit;
    flagship_image_t    *image;
    flagshipctl_rule_t  *rule;

    unit = flagship_unit_create(logic->fractional);

    if (unit == NULL) {
        flagshipctl_fail("no memory");
    }

    for (i = from; i < from + n; i++) {
        rule = &logic->rules[i];
        rule->record = FLAGSHIP_NONE;

        if (rule->rule == NULL) {
            continue;
        }

        flagship_errors_init(&logic->errors);

        key[0] = (char) 0xff;
        key[1] = (char) (i >> 16);
        key[2] = (char) (i >> 8);
        key[3] = (char) i;

        rc = flagship_unit_add_logic(unit, flagship_str(key, sizeof(key)),
                                     rule->rule, &logic->errors);

        if (rc == FLAGSHIP_ERROR) {
            flagshipctl_fail("no memory");
        }

        if (rc == FLAGSHIP_DECLINED) {
            rule->rule = NULL;
            rule->error = logic->errors.list[0];
        }
    }

    flagship_errors_init(&logic->errors);

    rc = flagship_link(unit, NULL, 1, &image, &len, &logic->errors);

    flagship_unit_destroy(unit);

    if (rc == FLAGSHIP_ERROR) {
        flagshipctl_fail("no memory");
    }

    if (rc == FLAGSHIP_DECLINED) {
        return NULL;
    }

    flagshipctl_logic_records(logic, image);

    return image;
}


/* Which record each rule became. */

static void
flagshipctl_logic_records(flagshipctl_logic_t *logic,
    const flagship_image_t *image)
{
    size_t                  size;
    uint32_t                i;
    const unsigned char    *key;
    const flagship_flag_t  *record;

    record = (const flagship_flag_t *) flagship_at(image,
                                                   image->segments.offset);

    for (i = 0; i < image->segments.n; i++, record++) {
        key = (const unsigned char *) flagship_at(image, record->chunk
                                                         + record->key);

        logic->rules[key[1] << 16 | key[2] << 8 | key[3]].record = i;
    }

    size = flagship_eval_size(image);
    logic->memory.len = 0;
    (void) flagshipctl_buf_room(&logic->memory, size);
}


static void
flagshipctl_logic_answer(flagshipctl_logic_t *logic, flagshipctl_rule_t *rule,
    const flagship_image_t *image, flagshipctl_buf_t *out)
{
    char                *p;
    size_t               len, room;
    flagship_eval_t     *ev;
    flagship_value_t     value;
    flagship_context_t   context;

    flagship_context_init(&context);
    flagship_context_set(&context, rule->data);

    ev = flagship_eval_init(logic->memory.data, image, &logic->scratch,
                            time(NULL), flagship_context_fetch, &context);

    flagship_eval_logic(ev, rule->record, &value);

    flagshipctl_buf_text(out, "{\"result\":");

    room = 256;
    p = flagshipctl_buf_room(out, room);
    len = flagship_value_print(&value, p, room);

    if (len > room) {
        p = flagshipctl_buf_room(out, len);
        len = flagship_value_print(&value, p, len);
    }

    out->len += len;

    flagshipctl_buf_text(out, "}\n");
}


static void
flagshipctl_logic_error(flagshipctl_buf_t *out,
    const flagship_error_t *error)
{
    char  text[sizeof(error->pointer) + sizeof(error->message) + 2];

    (void) snprintf(text, sizeof(text), "%s%s%s", error->pointer,
                    error->pointer[0] ? ": " : "", error->message);

    flagshipctl_buf_text(out, "{\"error\":");
    flagshipctl_buf_string(out, flagship_str(text, strlen(text)));
    flagshipctl_buf_text(out, "}\n");
}
