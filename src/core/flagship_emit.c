
/*
 * Copyright (C) Flagship
 */


/*
 * Emits the code and the literals of one record and puts its chunk together:
 *
 *     variants | literals, texts | code | relocations
 *
 * Variants come first and their number is known before anything else, so the
 * offset of a literal is final when it is made; only jumps wait, as labels,
 * until the record is complete.  A label is bound once, behind every jump to
 * it: that code runs forward only is how it is made.
 */


#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "flagship_compiler.h"


/* A jump that waits for its label. */

typedef struct {
    uint32_t             code;
    uint32_t             label;
    uint32_t             otherwise;  /* jf, else jt */
} flagship_jump_t;


static void flagship_compiler_pointer(flagship_compiler_t *c, char *pointer,
    size_t size);
static void flagship_emit_goto(flagship_compiler_t *c, uint32_t otherwise,
    flagship_label_t label);
static void flagship_emit_pad(flagship_compiler_t *c, size_t align);
static int flagship_emit_link(flagship_compiler_t *c);
static int flagship_emit_serves(flagship_compiler_t *c, uint32_t code);


void
flagship_compiler_init(flagship_compiler_t *c, flagship_unit_t *unit,
    flagship_str_t key, flagship_errors_t *errors)
{
    memset(c, 0, offsetof(flagship_compiler_t, steps));

    c->unit = unit;
    c->errors = errors;
    c->key = key;

    unit->code.len = 0;
    unit->relocs.len = 0;
    unit->data.len = 0;
    unit->labels.len = 0;
    unit->jumps.len = 0;
    unit->marks.len = 0;
    unit->names.len = 0;
    unit->refs.len = 0;
}


void
flagship_compiler_error(flagship_compiler_t *c, const char *fmt, ...)
{
    char     message[192], pointer[192];
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);

    flagship_compiler_pointer(c, pointer, sizeof(pointer));

    c->failed = 1;

    flagship_errors_add(c->errors, 0, c->key, pointer, "%s", message);
}


void
flagship_compiler_warn(flagship_compiler_t *c, const char *lint,
    const char *fmt, ...)
{
    char     message[192], pointer[192];
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);

    flagship_compiler_pointer(c, pointer, sizeof(pointer));

    flagship_errors_warn(c->errors, lint, c->key, pointer, "%s", message);
}


size_t
flagship_compiler_enter(flagship_compiler_t *c, flagship_str_t name)
{
    if (c->nsteps < FLAGSHIP_MAX_STEPS_DOWN) {
        c->steps[c->nsteps] = name;
    }

    return c->nsteps++;
}


size_t
flagship_compiler_enter_index(flagship_compiler_t *c, unsigned i)
{
    return flagship_compiler_enter(c, flagship_str(NULL, i));
}


void
flagship_compiler_leave(flagship_compiler_t *c, size_t nsteps)
{
    c->nsteps = nsteps;
}


/* RFC 6901: "~" and "/" of a name are escaped.  Too long a pointer is cut. */

static void
flagship_compiler_pointer(flagship_compiler_t *c, char *pointer, size_t size)
{
    char             ch;
    size_t           i, k, n, nsteps;
    flagship_str_t  *step;

    n = 0;
    nsteps = c->depth ? c->shown : c->nsteps;

    for (i = 0; i < nsteps && i < FLAGSHIP_MAX_STEPS_DOWN; i++) {
        step = &c->steps[i];

        if (n + 12 >= size) {
            break;
        }

        if (step->data == NULL) {
            n += snprintf(pointer + n, size - n, "/%u", (unsigned) step->len);
            continue;
        }

        pointer[n++] = '/';

        for (k = 0; k < step->len && n + 3 < size; k++) {
            ch = step->data[k];

            if (ch == '~' || ch == '/') {
                pointer[n++] = '~';
                ch = (ch == '~') ? '0' : '1';
            }

            pointer[n++] = ch;
        }
    }

    pointer[n] = '\0';
}


uint32_t
flagship_emit_data(flagship_compiler_t *c, const void *data, size_t len,
    size_t align)
{
    uint32_t  offset;

    flagship_emit_pad(c, align);

    offset = c->nvariants * sizeof(flagship_variant_t) + c->unit->data.len;

    if (flagship_buf_add(&c->unit->data, data, len) == NULL) {
        c->nomem = 1;
        return 0;
    }

    return offset;
}


static void
flagship_emit_pad(flagship_compiler_t *c, size_t align)
{
    static const char  zeros[8];

    size_t  n;

    n = (align - (c->unit->data.len & (align - 1))) & (align - 1);

    if (flagship_buf_add(&c->unit->data, zeros, n) == NULL) {
        c->nomem = 1;
    }
}


uint32_t
flagship_emit_literal(flagship_compiler_t *c, flagship_str_t s)
{
    uint32_t  len, offset;

    len = s.len;

    offset = flagship_emit_data(c, &len, sizeof(uint32_t), 8);
    (void) flagship_emit_data(c, s.data, s.len, 1);

    return offset;
}


uint32_t
flagship_emit_number(flagship_compiler_t *c, double number)
{
    return flagship_emit_data(c, &number, sizeof(double), 8);
}


flagship_code_t *
flagship_emit(flagship_compiler_t *c, unsigned op)
{
    static const flagship_code_t  empty;

    flagship_code_t  *code;

    if (c->unit->code.len / sizeof(flagship_code_t) == FLAGSHIP_MAX_CODE) {

        if (!c->failed) {
            flagship_compiler_error(c, "the rules compile to more than %u "
                                    "instructions", FLAGSHIP_MAX_CODE);
        }

        return &c->spare;
    }

    code = flagship_buf_add(&c->unit->code, &empty, sizeof(flagship_code_t));

    if (code == NULL) {
        c->nomem = 1;
        return &c->spare;
    }

    code->op = op;

    return code;
}


flagship_code_t *
flagship_emit_test(flagship_compiler_t *c, unsigned op, flagship_label_t yes,
    flagship_label_t no)
{
    flagship_code_t  *code;

    code = flagship_emit(c, op);

    flagship_emit_goto(c, 0, yes);
    flagship_emit_goto(c, 1, no);

    return code;
}


void
flagship_emit_else(flagship_compiler_t *c, flagship_label_t label)
{
    flagship_emit_goto(c, 1, label);
}


void
flagship_emit_then(flagship_compiler_t *c, flagship_label_t label)
{
    flagship_emit_goto(c, 0, label);
}


void
flagship_emit_jump(flagship_compiler_t *c, flagship_label_t label)
{
    (void) flagship_emit(c, FLAGSHIP_OP_JUMP);

    flagship_emit_goto(c, 0, label);
}


static void
flagship_emit_goto(flagship_compiler_t *c, uint32_t otherwise,
    flagship_label_t label)
{
    flagship_jump_t  jump;

    jump.code = c->unit->code.len / sizeof(flagship_code_t) - 1;
    jump.label = label;
    jump.otherwise = otherwise;

    if (flagship_buf_add(&c->unit->jumps, &jump, sizeof(jump)) == NULL) {
        c->nomem = 1;
    }
}


flagship_label_t
flagship_emit_label(flagship_compiler_t *c)
{
    const uint32_t  unbound = FLAGSHIP_NONE;

    if (flagship_buf_add(&c->unit->labels, &unbound, sizeof(unbound))
        == NULL)
    {
        c->nomem = 1;
        return 0;
    }

    return c->unit->labels.len / sizeof(uint32_t) - 1;
}


void
flagship_emit_bind(flagship_compiler_t *c, flagship_label_t label)
{
    uint32_t  *labels;

    if (c->nomem) {
        return;
    }

    labels = (uint32_t *) c->unit->labels.data;
    labels[label] = c->unit->code.len / sizeof(flagship_code_t);
}


void
flagship_emit_reloc(flagship_compiler_t *c, unsigned kind)
{
    uint32_t  word;

    word = c->unit->code.len / sizeof(flagship_code_t) - 1;
    word |= kind << FLAGSHIP_RELOC_SHIFT;

    if (flagship_buf_add(&c->unit->relocs, &word, sizeof(word)) == NULL) {
        c->nomem = 1;
    }
}


void
flagship_emit_reloc_name(flagship_compiler_t *c, unsigned kind,
    flagship_str_t name)
{
    uint32_t  literal;

    literal = flagship_emit_literal(c, name);

    flagship_emit_reloc(c, kind);

    if (flagship_buf_add(&c->unit->relocs, &literal, sizeof(literal))
        == NULL)
    {
        c->nomem = 1;
    }
}


void
flagship_emit_reloc_list(flagship_compiler_t *c, uint32_t offset)
{
    uint32_t  word;

    word = (offset / 8) | FLAGSHIP_RELOC_LIST << FLAGSHIP_RELOC_SHIFT;

    if (flagship_buf_add(&c->unit->relocs, &word, sizeof(word)) == NULL) {
        c->nomem = 1;
    }
}


/* Operand a of the last instruction, which "code" is. */

void
flagship_emit_operand(flagship_compiler_t *c, flagship_code_t *code,
    uint32_t a)
{
    code->a = a;

    if (!(a & FLAGSHIP_REGISTER)) {
        flagship_emit_reloc(c, FLAGSHIP_RELOC_A);
    }
}


uint32_t
flagship_emit_slot(flagship_compiler_t *c, flagship_str_t path)
{
    uint32_t  slot;

    slot = flagship_symbols_add(&c->unit->attrs, path);

    if (slot == FLAGSHIP_NONE) {
        c->nomem = 1;
        return 0;
    }

    if (slot >= FLAGSHIP_MAX_SLOTS) {
        flagship_compiler_error(c, "there are more than %u attributes",
                                FLAGSHIP_MAX_SLOTS);
        return 0;
    }

    return slot;
}


uint32_t
flagship_emit_register(flagship_compiler_t *c)
{
    if (c->reg == FLAGSHIP_MAX_REGISTERS) {
        flagship_compiler_error(c, "the expression needs more than %u "
                                "intermediate values",
                                FLAGSHIP_MAX_REGISTERS);
        c->reg = 0;
    }

    return FLAGSHIP_REGISTER | c->reg++;
}


int
flagship_emit_finish(flagship_compiler_t *c, flagship_flag_t *record)
{
    size_t            start;
    flagship_unit_t  *unit;

    unit = c->unit;

    flagship_emit_pad(c, 8);

    if (c->nomem || flagship_emit_link(c) != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    start = unit->chunks.len;

    record->chunk = start;
    record->nvariants = c->nvariants;
    record->ncode = unit->code.len / sizeof(flagship_code_t);
    record->relocs = c->nvariants * sizeof(flagship_variant_t)
                     + unit->data.len + unit->code.len;
    record->nrelocs = unit->relocs.len / sizeof(uint32_t);

    if (flagship_buf_add(&unit->chunks, unit->variants.data,
                         c->nvariants * sizeof(flagship_variant_t)) == NULL
        || flagship_buf_add(&unit->chunks, unit->data.data, unit->data.len)
           == NULL
        || flagship_buf_add(&unit->chunks, unit->code.data, unit->code.len)
           == NULL
        || flagship_buf_add(&unit->chunks, unit->relocs.data,
                            unit->relocs.len) == NULL)
    {
        return FLAGSHIP_ERROR;
    }

    while ((unit->chunks.len - start) & 7) {
        if (flagship_buf_add(&unit->chunks, "", 1) == NULL) {
            return FLAGSHIP_ERROR;
        }
    }

    record->chunk_len = unit->chunks.len - start;

    return flagship_emit_source(c);
}


/*
 * Jumps to the places of their labels.  A jump to a jump goes where that one
 * goes: from the last to the first, so one pass will do.
 */

static int
flagship_emit_link(flagship_compiler_t *c)
{
    uint32_t          n, target, *labels;
    flagship_code_t  *code;
    flagship_jump_t  *jumps;

    code = (flagship_code_t *) c->unit->code.data;
    labels = (uint32_t *) c->unit->labels.data;
    jumps = (flagship_jump_t *) c->unit->jumps.data;
    n = c->unit->jumps.len / sizeof(flagship_jump_t);

    while (n--) {
        target = labels[jumps[n].label];

        if (target <= jumps[n].code || target == FLAGSHIP_NONE) {
            return FLAGSHIP_ERROR;
        }

        /* a loop's body ends before its target, whatever stands there */

        if (target < c->unit->code.len / sizeof(flagship_code_t)
            && code[target].op == FLAGSHIP_OP_JUMP
            && !flagship_emit_serves(c, target)
            && !flagship_code_loops(&code[jumps[n].code]))
        {
            target = code[target].jt;
        }

        if (jumps[n].otherwise) {
            code[jumps[n].code].jf = target;

        } else {
            code[jumps[n].code].jt = target;
        }
    }

    return FLAGSHIP_OK;
}


/* That a rule held is told by its serve being reached, so no jump leads past
   one that serves null. */

static int
flagship_emit_serves(flagship_compiler_t *c, uint32_t code)
{
    uint32_t                half, n;
    const flagship_mark_t  *end, *marks;

    marks = (const flagship_mark_t *) c->unit->marks.data;
    n = c->unit->marks.len / sizeof(flagship_mark_t);
    end = marks + n;

    while (n) {
        half = n / 2;

        if (marks[half].code < code) {
            marks += half + 1;
            n -= half + 1;

        } else {
            n = half;
        }
    }

    while (marks < end && marks->code == code) {
        if (marks++->part == FLAGSHIP_PART_SERVE) {
            return 1;
        }
    }

    return 0;
}
