
/*
 * Copyright (C) Flagship
 */


/*
 * Emits what an image keeps of a record for people: the document, the parts
 * of it that instructions belong to, and how portable it is.
 */


#include <string.h>

#include "flagship_compiler.h"


static int flagship_emit_text(flagship_compiler_t *c);
static int flagship_emit_evaluators(flagship_compiler_t *c);


void
flagship_compiler_class(flagship_compiler_t *c, unsigned portability)
{
    if (c->portability < portability) {
        c->portability = portability;
    }
}


void
flagship_emit_mark(flagship_compiler_t *c, unsigned part, uint32_t index,
    flagship_str_t name)
{
    flagship_mark_t  mark;

    mark.code = c->unit->code.len / sizeof(flagship_code_t);
    mark.part = part;
    mark.index = index;

    if (name.len > UINT8_MAX) {
        name.len = flagship_utf8_cut(name.data, UINT8_MAX);
    }

    mark.name_len = name.len;

    if (flagship_buf_add(&c->unit->marks, &mark, sizeof(mark)) == NULL
        || flagship_buf_add(&c->unit->names, name.data, name.len) == NULL)
    {
        c->nomem = 1;
    }
}


int
flagship_emit_source(flagship_compiler_t *c)
{
    flagship_unit_t    *unit;
    flagship_source_t   source;

    unit = c->unit;

    c->source.offset = unit->sources.len;

    memset(&source, 0, sizeof(source));

    source.nmarks = unit->marks.len / sizeof(flagship_mark_t);
    source.flagd = c->flagd;
    source.portability = c->portability;
    source.document = sizeof(source) + unit->marks.len + unit->names.len;

    if (flagship_buf_add(&unit->sources, &source, sizeof(source)) == NULL
        || flagship_buf_add(&unit->sources, unit->marks.data, unit->marks.len)
           == NULL
        || flagship_buf_add(&unit->sources, unit->names.data,
                            unit->names.len) == NULL
        || (c->document && flagship_emit_text(c) != FLAGSHIP_OK)
        || flagship_buf_add(&unit->sources, "        ",
                            -unit->sources.len & 7) == NULL)
    {
        return FLAGSHIP_ERROR;
    }

    c->source.len = unit->sources.len - c->source.offset;

    return FLAGSHIP_OK;
}


/* A flag's key is told by its record: where it stands first, as it mostly
   does, it is left out. */

static int
flagship_emit_text(flagship_compiler_t *c)
{
    char            *p;
    size_t           start, n;
    flagship_buf_t  *buf;

    buf = &c->unit->sources;
    start = buf->len;

    if (flagship_buf_print(buf, c->document) != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    if (c->segment) {
        return FLAGSHIP_OK;
    }

    p = buf->data + start + 1;
    n = sizeof("\"key\":\"\",") - 1 + c->key.len;

    if (c->document->len > 1
        && flagship_str_is(flagship_json_str(c->document + 1), "key"))
    {
        memmove(p, p + n, buf->data + buf->len - p - n);
        buf->len -= n;
    }

    return c->unit->refs.len ? flagship_emit_evaluators(c) : FLAGSHIP_OK;
}


/* Those that the flag uses, in the order of their first use, as its last
   member. */

static int
flagship_emit_evaluators(flagship_compiler_t *c)
{
    uint32_t                      i, n;
    flagship_buf_t               *buf;
    const flagship_json_node_t  **refs;

    static const char  open[] = ",\"$evaluators\":{";

    buf = &c->unit->sources;
    refs = (const flagship_json_node_t **) c->unit->refs.data;
    n = c->unit->refs.len / sizeof(*refs);

    /* behind the "}"; a flag that uses one has members */
    buf->len--;

    for (i = 0; i < n; i++) {

        if (flagship_buf_add(buf, i ? "," : open,
                             i ? 1 : sizeof(open) - 1) == NULL
            || flagship_buf_print(buf, refs[i]) != FLAGSHIP_OK
            || flagship_buf_add(buf, ":", 1) == NULL
            || flagship_buf_print(buf, refs[i] + 1) != FLAGSHIP_OK)
        {
            return FLAGSHIP_ERROR;
        }
    }

    return flagship_buf_add(buf, "}}", 2) ? FLAGSHIP_OK : FLAGSHIP_ERROR;
}
