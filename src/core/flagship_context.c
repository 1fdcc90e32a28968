
/*
 * Copyright (C) Flagship
 */


/*
 * Evaluation contexts: the text is parsed once, in whole, because all of it
 * must be strict JSON; an attribute is looked for when a rule asks for it.
 */


#include "flagship_context.h"


void
flagship_context_init(flagship_context_t *context)
{
    flagship_json_init(&context->json);

    context->root = NULL;
    context->offset = 0;
    context->error = NULL;
}


void
flagship_context_free(flagship_context_t *context)
{
    flagship_json_free(&context->json);
    flagship_context_init(context);
}


int
flagship_context_parse(flagship_context_t *context, const char *text,
    size_t len)
{
    int  rc;

    context->root = NULL;
    context->offset = 0;
    context->error = NULL;

    rc = flagship_json_parse(&context->json, text, len);

    if (rc != FLAGSHIP_OK) {
        context->offset = context->json.offset;
        context->error = context->json.error;
        return rc;
    }

    if (context->json.nodes->type != FLAGSHIP_JSON_OBJECT) {
        context->offset = context->json.nodes->offset;
        context->error = "a context must be an object";
        return FLAGSHIP_DECLINED;
    }

    context->root = context->json.nodes;

    return FLAGSHIP_OK;
}


void
flagship_context_set(flagship_context_t *context,
    const flagship_json_node_t *root)
{
    context->root = root;
    context->offset = 0;
    context->error = NULL;
}


void
flagship_context_fetch(void *data, flagship_str_t path, uint32_t hash,
    flagship_value_t *value)
{
    flagship_context_t          *context = data;
    const flagship_json_node_t  *node;

    node = context->root ? flagship_json_path(context->root, path) : NULL;

    if (node) {
        flagship_value_node(value, node);

    } else {
        value->type = FLAGSHIP_NULL;
        value->len = 0;
    }
}
