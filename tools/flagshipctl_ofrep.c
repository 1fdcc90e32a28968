
/*
 * Copyright (C) Flagship
 */


/*
 * Decisions as core writes them for OFREP, and their traces.
 */


#include "flagshipctl.h"

#include <stdlib.h>
#include <string.h>


#define FLAGSHIPCTL_OFREP_PIECE  65536


static int flagshipctl_ofrep_decision(flagshipctl_buf_t *buf,
    flagship_eval_t *ev, uint32_t flag, int explain);
static void flagshipctl_ofrep_trace(flagshipctl_buf_t *buf,
    flagship_explanation_t *trace);


int
flagshipctl_ofrep_flag(flagshipctl_buf_t *buf, flagship_eval_t *ev,
    flagship_str_t key, int explain)
{
    uint32_t  flag;

    flag = flagship_image_find(ev->image, key);

    if (flag == FLAGSHIP_NONE) {
        flagshipctl_ofrep_error(buf, key, FLAGSHIP_ERROR_FLAG_NOT_FOUND,
                                "there is no such flag");
        return 0;
    }

    return flagshipctl_ofrep_decision(buf, ev, flag, explain);
}


void
flagshipctl_ofrep_flags(flagshipctl_buf_t *buf, flagship_eval_t *ev,
    int explain)
{
    char      *p;
    size_t     len, size;
    uint32_t   i, next;

    next = 0;

    if (explain && ev->image->flags.n) {
        flagshipctl_buf_text(buf, "{\"flags\":[");

        for (i = 0; i < ev->image->flags.n; i++) {

            if (i) {
                flagshipctl_buf_text(buf, ",");
            }

            (void) flagshipctl_ofrep_decision(buf, ev, i, explain);
        }

        next = i;
    }

    for (size = FLAGSHIPCTL_OFREP_PIECE; next != FLAGSHIP_NONE; /* void */) {
        p = flagshipctl_buf_room(buf, size);
        len = flagship_ofrep_answers(ev, &next, p, size);

        if (len == 0) {
            size *= 2;
        }

        buf->len += len;
    }
}


static int
flagshipctl_ofrep_decision(flagshipctl_buf_t *buf, flagship_eval_t *ev,
    uint32_t flag, int explain)
{
    char                    *p;
    flagship_decision_t      d;
    flagship_explanation_t   trace;

    memset(&trace, 0, sizeof(trace));

    if (!explain) {
        flagship_eval(ev, flag, &d);

    } else if (flagship_explain(ev, flag, &d, &trace) != FLAGSHIP_OK) {
        flagshipctl_fail("no memory");
    }

    p = flagshipctl_buf_room(buf, flagship_ofrep_size(ev->image, &d));
    buf->len += flagship_ofrep_answer(ev->image, &d, p);

    flagshipctl_ofrep_trace(buf, &trace);

    return d.error == FLAGSHIP_ERROR_NONE;
}


/* The last member of the body, where there is one. */

static void
flagshipctl_ofrep_trace(flagshipctl_buf_t *buf, flagship_explanation_t *trace)
{
    if (trace->len) {
        buf->len--;
        flagshipctl_buf_text(buf, ",\"trace\":");
        flagshipctl_buf_add(buf, trace->data, trace->len);
        flagshipctl_buf_text(buf, "}");
    }

    free(trace->data);
}


void
flagshipctl_ofrep_error(flagshipctl_buf_t *buf, flagship_str_t key,
    unsigned error, const char *details)
{
    char            *p;
    size_t           len;
    flagship_str_t   text;

    text = flagship_str(details, strlen(details));
    len = flagship_ofrep_error(key, error, text, NULL, 0);
    p = flagshipctl_buf_room(buf, len);

    buf->len += flagship_ofrep_error(key, error, text, p, len);
}
