
/*
 * Copyright (C) Flagship
 */


/*
 * Decisions as the bodies of OFREP, the OpenFeature Remote Evaluation
 * Protocol.  No value is no "value": the client's default serves.
 */


#include "flagshipctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static void flagshipctl_ofrep_metadata(flagshipctl_buf_t *buf,
    const flagship_image_t *image, uint32_t flag);
static void flagshipctl_ofrep_members(flagshipctl_buf_t *buf,
    const flagship_json_node_t *object, const flagship_json_node_t *but,
    unsigned *n);
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
    uint32_t  i;

    flagshipctl_buf_text(buf, "{\"flags\":[");

    for (i = 0; i < ev->image->flags.n; i++) {

        if (i) {
            flagshipctl_buf_text(buf, ",");
        }

        (void) flagshipctl_ofrep_decision(buf, ev, i, explain);
    }

    flagshipctl_buf_text(buf, "]");
    flagshipctl_ofrep_metadata(buf, ev->image, FLAGSHIP_NONE);
    flagshipctl_buf_text(buf, "}");
}


static int
flagshipctl_ofrep_decision(flagshipctl_buf_t *buf, flagship_eval_t *ev,
    uint32_t flag, int explain)
{
    flagship_str_t           key, json;
    flagship_decision_t      d;
    const flagship_image_t  *image;
    flagship_explanation_t   trace;

    image = ev->image;
    key = flagship_flag_key(image, flag);

    memset(&trace, 0, sizeof(trace));

    if (!explain) {
        flagship_eval(ev, flag, &d);

    } else if (flagship_explain(ev, flag, &d, &trace) != FLAGSHIP_OK) {
        flagshipctl_fail("no memory");
    }

    if (d.error != FLAGSHIP_ERROR_NONE) {
        flagshipctl_ofrep_error(buf, key, d.error,
                                d.error == FLAGSHIP_ERROR_PARSE_ERROR
                                ? "the flag does not compile"
                                : "the rules name no variant of the flag");
        flagshipctl_ofrep_trace(buf, &trace);
        return 0;
    }

    flagshipctl_buf_text(buf, "{\"key\":");
    flagshipctl_buf_string(buf, key);

    if (d.variant != FLAGSHIP_NO_VARIANT) {
        json = flagship_variant_json(image, flag, d.variant);

        flagshipctl_buf_text(buf, ",\"value\":");
        flagshipctl_buf_add(buf, json.data, json.len);
        flagshipctl_buf_text(buf, ",\"variant\":");
        flagshipctl_buf_string(buf, flagship_variant_name(image, flag,
                                                          d.variant));
    }

    flagshipctl_buf_text(buf, ",\"reason\":");
    flagshipctl_buf_string(buf, flagship_reason_name(d.reason));
    flagshipctl_ofrep_metadata(buf, image, flag);
    flagshipctl_buf_text(buf, "}");
    flagshipctl_ofrep_trace(buf, &trace);

    return 1;
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
    flagshipctl_buf_text(buf, "{");

    if (key.data) {
        flagshipctl_buf_text(buf, "\"key\":");
        flagshipctl_buf_string(buf, key);
        flagshipctl_buf_text(buf, ",");
    }

    flagshipctl_buf_text(buf, "\"errorCode\":");
    flagshipctl_buf_string(buf, flagship_error_name(error));
    flagshipctl_buf_text(buf, ",\"errorDetails\":");
    flagshipctl_buf_string(buf, flagship_str(details, strlen(details)));
    flagshipctl_buf_text(buf, "}");
}


/* Of the flag set, with the flag's own over it. */

static void
flagshipctl_ofrep_metadata(flagshipctl_buf_t *buf,
    const flagship_image_t *image, uint32_t flag)
{
    size_t                       start;
    unsigned                     n;
    flagship_json_t              set, own;
    const flagship_flag_t       *f;
    const flagship_json_node_t  *over;

    flagship_json_init(&set);
    flagship_json_init(&own);

    over = NULL;
    n = 0;
    start = buf->len;

    flagshipctl_buf_text(buf, ",\"metadata\":{");

    if (flag != FLAGSHIP_NONE) {
        f = flagship_flags(image) + flag;

        if (f->metadata_len
            && flagship_json_parse(&own, flagship_at(image, f->chunk
                                                            + f->metadata),
                                   f->metadata_len)
               == FLAGSHIP_OK)
        {
            over = own.nodes;
        }
    }

    if (image->metadata.n
        && flagship_json_parse(&set, flagship_at(image,
                                                 image->metadata.offset),
                               image->metadata.n)
           == FLAGSHIP_OK)
    {
        flagshipctl_ofrep_members(buf, set.nodes, over, &n);
    }

    flagshipctl_ofrep_members(buf, over, NULL, &n);

    if (n) {
        flagshipctl_buf_text(buf, "}");

    } else {
        buf->len = start;
    }

    flagship_json_free(&set);
    flagship_json_free(&own);
}


/* Those of an object that the other has not.  Both may be NULL. */

static void
flagshipctl_ofrep_members(flagshipctl_buf_t *buf,
    const flagship_json_node_t *object, const flagship_json_node_t *but,
    unsigned *n)
{
    char                        *p;
    size_t                       len;
    uint32_t                     i;
    const flagship_json_node_t  *name, *value;

    if (object == NULL || object->type != FLAGSHIP_JSON_OBJECT) {
        return;
    }

    name = object + 1;

    for (i = 0; i < object->len; i++, name = value + value->next) {
        value = name + 1;

        if (but && flagship_json_member(but, name->str, name->len)) {
            continue;
        }

        if ((*n)++) {
            flagshipctl_buf_text(buf, ",");
        }

        flagshipctl_buf_string(buf, flagship_json_str(name));
        flagshipctl_buf_text(buf, ":");

        len = flagship_json_print(value, NULL, 0);
        p = flagshipctl_buf_room(buf, len);
        buf->len += flagship_json_print(value, p, len);
    }
}
