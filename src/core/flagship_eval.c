
/*
 * Copyright (C) Flagship
 */


/*
 * The evaluator: runs the code of a verified image.
 *
 * It owns nothing but the working memory that the caller lent it.  Whatever
 * bounds it relies on, flagship_image_verify() has proved: indices are in
 * range, jumps run forward, registers are written before they are read.  A
 * record that asks for another's decision is the only recursion; the linker
 * and the verifier bound it by FLAGSHIP_MAX_NESTING.
 */


#include <string.h>

#include "flagship_frame.h"
#include "flagship_net.h"
#include "flagship_semver.h"
#include "flagship_tracer.h"


#define FLAGSHIP_YIELDED  2     /* a loop's body came to its end */


static void flagship_eval_rules(flagship_eval_t *ev,
    const flagship_flag_t *f, flagship_decision_t *d);
static int flagship_eval_segment(flagship_eval_t *ev, uint32_t segment);
static int flagship_eval_code(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_decision_t *d);
static int flagship_eval_code_traced(flagship_eval_t *ev,
    flagship_frame_t *fr, const flagship_code_t *code, flagship_decision_t *d,
    flagship_tracer_t *t);
flagship_traced int flagship_eval_steps(flagship_eval_t *ev,
    flagship_frame_t *fr, const flagship_code_t *code, flagship_decision_t *d,
    flagship_tracer_t *t);
flagship_traced int flagship_eval_test(flagship_eval_t *ev,
    flagship_frame_t *fr, const flagship_code_t *code);
flagship_traced int flagship_eval_semver(flagship_frame_t *fr,
    const flagship_code_t *code, const flagship_value_t *v);
flagship_traced int flagship_eval_list(flagship_eval_t *ev,
    flagship_frame_t *fr, const flagship_code_t *code);
static int flagship_eval_cidr(const flagship_frame_t *fr,
    const flagship_code_t *code, const flagship_value_t *v);
static int flagship_eval_ranges(const flagship_value_t *v,
    const flagship_value_t *ranges);
static int flagship_eval_flag_is(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code);
static void flagship_eval_named(flagship_frame_t *fr,
    const flagship_value_t *v, flagship_decision_t *d);
static void flagship_eval_atom(flagship_eval_t *ev, flagship_slot_t *slot);


static const flagship_str_t  flagship_reasons[] = {
    flagship_string("STATIC"),
    flagship_string("DEFAULT"),
    flagship_string("TARGETING_MATCH"),
    flagship_string("SPLIT"),
    flagship_string("DISABLED"),
    flagship_string("ERROR")
};

static const flagship_str_t  flagship_error_names[] = {
    flagship_string(""),
    flagship_string("FLAG_NOT_FOUND"),
    flagship_string("PARSE_ERROR"),
    flagship_string("GENERAL"),
    flagship_string("INVALID_CONTEXT"),
    flagship_string("PROVIDER_NOT_READY")
};


size_t
flagship_eval_size(const flagship_image_t *image)
{
    size_t  size;

    size = sizeof(flagship_eval_t)
           + image->attrs.n * (sizeof(flagship_slot_t) + 1)
           + image->nmemo * (sizeof(flagship_decision_t) + 1);

    return (size + 7) & ~(size_t) 7;
}


flagship_eval_t *
flagship_eval_init(void *memory, const flagship_image_t *image,
    flagship_scratch_t *scratch, int64_t now, flagship_fetch_pt fetch,
    void *data)
{
    flagship_eval_t  *ev = memory;

    ev->image = image;
    ev->scratch = scratch;
    ev->fetch = fetch;
    ev->data = data;
    ev->now = now;
    ev->sets = NULL;
    ev->key = flagship_str("", 0);

    ev->slots = (flagship_slot_t *) (ev + 1);
    ev->memo = (flagship_decision_t *) (ev->slots + image->attrs.n);
    ev->filled = (uint8_t *) (ev->memo + image->nmemo);
    ev->known = ev->filled + image->attrs.n;

    memset(ev->filled, 0, image->attrs.n + image->nmemo);

    return ev;
}


/*
 * Runs a record's code.  Sets the decision of a flag, returns the truth of a
 * segment.
 */

flagship_traced int
flagship_eval_run(flagship_eval_t *ev, const flagship_flag_t *record,
    flagship_decision_t *d, flagship_tracer_t *t)
{
    flagship_frame_t        fr;
    const flagship_code_t  *code;

    fr.record = record;
    fr.chunk = flagship_at(ev->image, record->chunk);

    code = flagship_code(ev->image, record);

    return t ? flagship_eval_code_traced(ev, &fr, code, d, t)
             : flagship_eval_steps(ev, &fr, code, d, NULL);
}


flagship_traced void
flagship_eval_rules_traced(flagship_eval_t *ev, const flagship_flag_t *f,
    flagship_decision_t *d, flagship_tracer_t *t)
{
    flagship_str_t  key;

    key = ev->key;
    ev->key = flagship_str(flagship_at(ev->image, f->chunk + f->key),
                           f->key_len);

    (void) flagship_eval_run(ev, f, d, t);

    ev->key = key;
}


static inline void
flagship_eval_keep(flagship_eval_t *ev, const flagship_flag_t *f,
    const flagship_decision_t *d)
{
    if (f->memo != FLAGSHIP_NONE) {
        ev->memo[f->memo] = *d;
        ev->known[f->memo] = 1;
    }
}


/* Apart, and last, so that a flag without rules takes no room for a frame. */

static __attribute__((noinline)) void
flagship_eval_rules(flagship_eval_t *ev, const flagship_flag_t *f,
    flagship_decision_t *d)
{
    flagship_eval_rules_traced(ev, f, d, NULL);
    flagship_eval_keep(ev, f, d);
}


flagship_traced void
flagship_eval_decide(flagship_eval_t *ev, uint32_t flag,
    flagship_decision_t *d, flagship_tracer_t *t)
{
    const flagship_flag_t  *f;

    f = flagship_flags(ev->image) + flag;

    if (f->memo != FLAGSHIP_NONE && ev->known[f->memo]) {
        *d = ev->memo[f->memo];
        return;
    }

    d->flag = flag;
    d->error = FLAGSHIP_ERROR_NONE;

    if (t) {
        flagship_trace_flag(t, flag);
    }

    if ((f->bits & (FLAGSHIP_FLAG_ENABLED|FLAGSHIP_FLAG_BROKEN))
        != FLAGSHIP_FLAG_ENABLED
        || ev->now < f->enable_at || ev->now >= f->disable_at)
    {
        if (f->bits & FLAGSHIP_FLAG_BROKEN) {
            d->variant = FLAGSHIP_NO_VARIANT;
            d->reason = FLAGSHIP_REASON_ERROR;
            d->error = FLAGSHIP_ERROR_PARSE_ERROR;

        } else {
            d->variant = f->off_variant;
            d->reason = FLAGSHIP_REASON_DISABLED;
        }

    } else if (f->ncode == 0) {
        d->variant = f->default_variant;
        d->reason = d->variant == FLAGSHIP_NO_VARIANT
                    ? FLAGSHIP_REASON_DEFAULT : FLAGSHIP_REASON_STATIC;

    } else if (t) {
        flagship_eval_rules_traced(ev, f, d, t);

    } else {
        flagship_eval_rules(ev, f, d);
        return;
    }

    if (t) {
        flagship_trace_decision(t, d);
    }

    flagship_eval_keep(ev, f, d);
}


void
flagship_eval(flagship_eval_t *ev, uint32_t flag,
    flagship_decision_t *decision)
{
    ev->scratch->used = 0;
    ev->scratch->steps = FLAGSHIP_MAX_STEPS;

    flagship_eval_decide(ev, flag, decision, NULL);
}


void
flagship_eval_flag(flagship_eval_t *ev, uint32_t flag, flagship_decision_t *d)
{
    flagship_eval_decide(ev, flag, d, NULL);
}


void
flagship_eval_flag_traced(flagship_eval_t *ev, uint32_t flag,
    flagship_decision_t *d, flagship_tracer_t *t)
{
    flagship_eval_decide(ev, flag, d, t);
}


flagship_traced int
flagship_eval_truth(flagship_eval_t *ev, uint32_t segment,
    flagship_tracer_t *t)
{
    int                     holds;
    flagship_decision_t     d;
    const flagship_flag_t  *s;

    if (segment == FLAGSHIP_NONE) {
        return 0;
    }

    s = flagship_segments(ev->image) + segment;

    if (s->memo != FLAGSHIP_NONE && ev->known[s->memo]) {
        return ev->memo[s->memo].variant;
    }

    holds = s->ncode ? flagship_eval_run(ev, s, &d, t) : 0;

    if (s->memo != FLAGSHIP_NONE) {
        ev->memo[s->memo].variant = holds;
        ev->known[s->memo] = 1;
    }

    return holds;
}


static int
flagship_eval_segment(flagship_eval_t *ev, uint32_t segment)
{
    return flagship_eval_truth(ev, segment, NULL);
}


int
flagship_eval_segment_traced(flagship_eval_t *ev, uint32_t segment,
    flagship_tracer_t *t)
{
    return flagship_eval_truth(ev, segment, t);
}


int
flagship_eval_body(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *body)
{
    flagship_decision_t  d;

    return flagship_eval_code(ev, fr, body, &d) == FLAGSHIP_YIELDED;
}


/*
 * Where a test leads, without a branch: who is in a set is what no processor
 * guesses, and what comes next need not wait for it.
 */

static inline const flagship_code_t *
flagship_eval_either(const flagship_code_t *start, const flagship_code_t *code,
    int holds)
{
    return start + code->jf + (code->jt - code->jf) * holds;
}


flagship_traced int
flagship_eval_steps(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_decision_t *d, flagship_tracer_t *t)
{
    int                           holds;
    const flagship_code_t        *start;
    const flagship_value_t       *v;
    const flagship_split_part_t  *part;

    start = flagship_code(ev->image, fr->record);

    for ( ;; ) {

        if (t) {
            flagship_trace_step(t, fr, code);
        }

        switch (code->op) {

        case FLAGSHIP_OP_RETURN:
            d->variant = code->imm;
            d->reason = code->dst;
            return 0;

        case FLAGSHIP_OP_RETURN_SPLIT:

            if (!flagship_eval_part(ev, fr, code, &part)) {
                code = start + code->jf;
                continue;
            }

            if (part == NULL || part->variant == FLAGSHIP_NO_VARIANT) {
                if (part && part->name == FLAGSHIP_NONE) {
                    code = start + code->jf;
                    continue;
                }

                goto general;
            }

            d->variant = part->variant;
            d->reason = FLAGSHIP_REASON_TARGETING_MATCH;
            return 0;

        case FLAGSHIP_OP_RETURN_NAME:

            v = flagship_eval_operand(ev, fr, code->a);

            if (v->type == FLAGSHIP_NULL) {
                code = start + code->jf;
                continue;
            }

            flagship_eval_named(fr, v, d);
            return 0;

        case FLAGSHIP_OP_IN_SET:
            holds = flagship_eval_in_set(ev, fr, code);

            if (t) {
                flagship_trace_test(t, fr, code, holds);
            }

            code = flagship_eval_either(start, code, holds);
            continue;

        case FLAGSHIP_OP_JUMP:
            code = start + code->jt;
            continue;

        case FLAGSHIP_OP_FAIL:
            goto general;

        case FLAGSHIP_OP_HOLDS:
            return code->imm;

        case FLAGSHIP_OP_RESULT:
            fr->yield = *flagship_eval_operand(ev, fr, code->a);
            return flagship_value_truth(&fr->yield);

        case FLAGSHIP_OP_YIELD:
            fr->yield = *flagship_eval_operand(ev, fr, code->a);
            return FLAGSHIP_YIELDED;

        default:
            if (code->op <= FLAGSHIP_OP_FLAG_IS) {
                holds = flagship_eval_test(ev, fr, code);

                if (t) {
                    flagship_trace_test(t, fr, code, holds);
                }

                code = start + (holds ? code->jt : code->jf);
                continue;
            }

            if (code->op >= FLAGSHIP_OP_MAP) {
                flagship_eval_loop(ev, fr, code, &fr->reg[code->dst]);

                if (t) {
                    flagship_trace_value(t, fr, code);
                }

                code = start + code->jt;
                continue;
            }

            flagship_eval_value(ev, fr, code, &fr->reg[code->dst]);

            if (t) {
                flagship_trace_value(t, fr, code);
            }

            code++;
        }
    }

general:

    d->variant = FLAGSHIP_NO_VARIANT;
    d->reason = FLAGSHIP_REASON_ERROR;
    d->error = FLAGSHIP_ERROR_GENERAL;

    return 0;
}


static int
flagship_eval_code(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_decision_t *d)
{
    return flagship_eval_steps(ev, fr, code, d, NULL);
}


static int
flagship_eval_code_traced(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_decision_t *d, flagship_tracer_t *t)
{
    return flagship_eval_steps(ev, fr, code, d, t);
}


flagship_traced int
flagship_eval_equal_atom(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    flagship_str_t            s;
    flagship_slot_t          *slot;
    const flagship_value_t   *v;
    const flagship_symbol_t  *atom;

    v = flagship_eval_operand(ev, fr, code->a);

    if (v->type == FLAGSHIP_STRING) {

        if (!(code->a & FLAGSHIP_REGISTER)) {
            slot = &ev->slots[code->a];

            if (!slot->resolved) {
                flagship_eval_atom(ev, slot);
            }

            return slot->atom == code->imm;
        }

        atom = flagship_symbols(ev->image, atoms) + code->imm;
        s = flagship_symbol_str(ev->image, atom);

        return s.len == v->len && memcmp(s.data, v->u.str, s.len) == 0;
    }

    if (code->dst || v->type == FLAGSHIP_NULL || v->type == FLAGSHIP_JSON) {
        return 0;
    }

    atom = flagship_symbols(ev->image, atoms) + code->imm;
    s = flagship_symbol_str(ev->image, atom);

    return flagship_value_number(v) == flagship_number_parse(s.data, s.len, 1);
}


flagship_traced int
flagship_eval_test(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    double                   n;
    flagship_str_t           s;
    flagship_value_t         literal;
    const flagship_value_t  *v;

    switch (code->op) {

    case FLAGSHIP_OP_EQ_ATOM:
        return flagship_eval_equal_atom(ev, fr, code);

    case FLAGSHIP_OP_SEGMENT:
        return flagship_eval_segment(ev, code->imm);

    case FLAGSHIP_OP_FLAG_IS:
        return flagship_eval_flag_is(ev, fr, code);

    case FLAGSHIP_OP_IN_LIST:
        return flagship_eval_list(ev, fr, code);
    }

    v = flagship_eval_operand(ev, fr, code->a);

    switch (code->op) {

    case FLAGSHIP_OP_TRUE:
        return flagship_value_truth(v);

    case FLAGSHIP_OP_ABSENT:
        return v->type == FLAGSHIP_NULL && v->len == 0;

    case FLAGSHIP_OP_NULL:
        return v->type == FLAGSHIP_NULL;

    case FLAGSHIP_OP_BOOL:
        return v->type == (code->imm ? FLAGSHIP_TRUE : FLAGSHIP_FALSE);

    case FLAGSHIP_OP_EQ_NUM:
        n = flagship_eval_double(fr->chunk, code->imm);

        if (v->type == FLAGSHIP_NUMBER) {
            return v->u.number == n;
        }

        if (code->dst || v->type == FLAGSHIP_NULL) {
            return 0;
        }

        return flagship_value_number(v) == n;

    case FLAGSHIP_OP_CMP_NUM:
        literal.type = FLAGSHIP_NUMBER;
        literal.u.number = flagship_eval_double(fr->chunk, code->imm);
        return flagship_value_order(v, code->dst, &literal);

    case FLAGSHIP_OP_CMP_STR:
        flagship_value_string(&literal,
                              flagship_literal(fr->chunk, code->imm));
        return flagship_value_order(v, code->dst, &literal);

    case FLAGSHIP_OP_EQ:
        literal = *flagship_eval_operand(ev, fr, code->imm);
        return code->dst ? flagship_value_same(v, &literal)
                         : flagship_value_equal(v, &literal);

    case FLAGSHIP_OP_CMP:
        return flagship_value_order(v, code->dst,
                                    flagship_eval_operand(ev, fr, code->imm));

    case FLAGSHIP_OP_IN:
        return flagship_value_in(v, flagship_eval_operand(ev, fr, code->imm));

    case FLAGSHIP_OP_HAS:

        if (code->dst && v->type != FLAGSHIP_STRING) {
            return 0;
        }

        flagship_value_string(&literal,
                              flagship_literal(fr->chunk, code->imm));
        return flagship_value_in(&literal, v);

    case FLAGSHIP_OP_STARTS:
        s = flagship_literal(fr->chunk, code->imm);
        return v->type == FLAGSHIP_STRING && v->len >= s.len
               && memcmp(v->u.str, s.data, s.len) == 0;

    case FLAGSHIP_OP_ENDS:
        s = flagship_literal(fr->chunk, code->imm);
        return v->type == FLAGSHIP_STRING && v->len >= s.len
               && memcmp(v->u.str + v->len - s.len, s.data, s.len) == 0;

    case FLAGSHIP_OP_SEMVER:
        return flagship_eval_semver(fr, code, v);

    case FLAGSHIP_OP_IN_CIDR:
        return flagship_eval_cidr(fr, code, v);

    case FLAGSHIP_OP_MATCHES:
        return flagship_eval_matches(ev, fr, code, v) == 1;

    case FLAGSHIP_OP_IN_RANGES:
        return flagship_eval_ranges(v, flagship_eval_operand(ev, fr,
                                                             code->imm));

    default: /* FLAGSHIP_OP_ROLLOUT */
        return v->type == FLAGSHIP_STRING && v->len != 0
               && flagship_rollout_bucket(flagship_str(v->u.str, v->len),
                                          ev->key)
                  < code->imm;
    }
}


/* Against a version that was taken apart when it was compiled. */

flagship_traced int
flagship_eval_semver(flagship_frame_t *fr, const flagship_code_t *code,
    const flagship_value_t *v)
{
    char                       buf[FLAGSHIP_NUMBER_LEN];
    unsigned                   i;
    flagship_str_t             s;
    flagship_semver_t          a, b;
    const flagship_version_t  *version;

    if (v->type == FLAGSHIP_STRING) {
        s = flagship_str(v->u.str, v->len);

    } else if (v->type == FLAGSHIP_NUMBER) {
        s = flagship_str(buf, flagship_number_print(v->u.number, buf));

    } else {
        return 0;
    }

    if (flagship_semver_parse(&a, s) != FLAGSHIP_OK) {
        return 0;
    }

    version = (const flagship_version_t *) (fr->chunk + code->imm);

    for (i = 0; i < 3; i++) {
        b.number[i] = flagship_str(fr->chunk + version->offset[i],
                                   version->len[i]);
    }

    b.pre = flagship_str(fr->chunk + version->offset[3], version->len[3]);

    return flagship_semver_test(&a, code->dst, &b);
}


flagship_traced int
flagship_eval_list(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    uint32_t                 n, half;
    flagship_slot_t         *slot, text;
    const double            *number;
    const uint32_t          *atom;
    const flagship_list_t   *list;
    const flagship_value_t  *v;

    v = flagship_eval_operand(ev, fr, code->a);

    list = (const flagship_list_t *) (fr->chunk + code->imm);
    number = (const double *) (list + 1);
    atom = (const uint32_t *) (number + list->nnumbers);

    switch (v->type) {

    case FLAGSHIP_STRING:
        break;

    case FLAGSHIP_NUMBER:
        n = list->nnumbers;

        if (n == 0) {
            return 0;
        }

        while (n > 1) {
            half = n / 2;

            /* a product, since a branch would be guessed wrong half the time */
            number += (number[half - 1] < v->u.number) * half;
            n -= half;
        }

        return *number == v->u.number;

    case FLAGSHIP_JSON:
        return 0;

    default:
        return (list->bits >> v->type) & 1;
    }

    if (code->a & FLAGSHIP_REGISTER) {
        text.value = *v;
        slot = &text;
        slot->resolved = 0;

    } else {
        slot = &ev->slots[code->a];
    }

    if (!slot->resolved) {
        flagship_eval_atom(ev, slot);
    }

    n = list->natoms;

    if (slot->atom == FLAGSHIP_NONE || n == 0) {
        return 0;
    }

    while (n > 1) {
        half = n / 2;
        atom += (atom[half - 1] < slot->atom) ? half : 0;
        n -= half;
    }

    return *atom == slot->atom;
}


static int
flagship_eval_cidr(const flagship_frame_t *fr, const flagship_code_t *code,
    const flagship_value_t *v)
{
    flagship_address_t  address;

    return v->type == FLAGSHIP_STRING
           && flagship_address_parse(&address, flagship_str(v->u.str, v->len))
              == FLAGSHIP_OK
           && flagship_ranges_have((const flagship_ranges_t *)
                                   (fr->chunk + code->imm), &address);
}


/* Ranges that were computed: an array of texts, or one. */

static int
flagship_eval_ranges(const flagship_value_t *v, const flagship_value_t *ranges)
{
    uint32_t                     i, n;
    flagship_range_t             range;
    flagship_value_t             element;
    flagship_address_t           address;
    const flagship_json_node_t  *node;

    if (v->type != FLAGSHIP_STRING
        || flagship_address_parse(&address, flagship_str(v->u.str, v->len))
           != FLAGSHIP_OK)
    {
        return 0;
    }

    element = *ranges;
    node = NULL;
    n = 1;

    if (ranges->type == FLAGSHIP_JSON
        && ranges->u.node->type == FLAGSHIP_JSON_ARRAY)
    {
        node = ranges->u.node + 1;
        n = ranges->u.node->len;
    }

    for (i = 0; i < n; i++) {

        if (node) {
            flagship_value_node(&element, node);
            node += node->next;
        }

        if (element.type == FLAGSHIP_STRING
            && flagship_range_parse(&range, flagship_str(element.u.str,
                                                         element.len))
               == FLAGSHIP_OK
            && flagship_range_has(&range, &address))
        {
            return 1;
        }
    }

    return 0;
}


static int
flagship_eval_flag_is(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    flagship_decision_t  d;

    if (code->imm == FLAGSHIP_NONE) {
        return 0;
    }

    flagship_eval_flag(ev, code->imm, &d);

    return d.variant != FLAGSHIP_NO_VARIANT
           && flagship_str_eq(flagship_variant_name(ev->image, code->imm,
                                                    d.variant),
                              flagship_literal(fr->chunk, code->aux));
}


void
flagship_eval_logic(flagship_eval_t *ev, uint32_t logic,
    flagship_value_t *value)
{
    flagship_frame_t     fr;
    flagship_decision_t  d;

    ev->scratch->used = 0;
    ev->scratch->steps = FLAGSHIP_MAX_STEPS;

    flagship_value_null(&fr.yield);

    fr.record = flagship_segments(ev->image) + logic;
    fr.chunk = flagship_at(ev->image, fr.record->chunk);

    (void) flagship_eval_code(ev, &fr, flagship_code(ev->image, fr.record),
                              &d);

    *value = fr.yield;
}


static void
flagship_eval_named(flagship_frame_t *fr, const flagship_value_t *v,
    flagship_decision_t *d)
{
    char                       buf[FLAGSHIP_NUMBER_LEN];
    uint32_t                   i;
    flagship_str_t             name;
    const flagship_variant_t  *variant;

    d->variant = FLAGSHIP_NO_VARIANT;
    d->reason = FLAGSHIP_REASON_ERROR;
    d->error = FLAGSHIP_ERROR_GENERAL;

    if (v->type == FLAGSHIP_JSON) {
        return;
    }

    (void) flagship_value_text(v, buf, sizeof(buf), &name);

    variant = (const flagship_variant_t *) fr->chunk;

    for (i = 0; i < fr->record->nvariants; i++) {

        if (variant[i].name_len == name.len
            && memcmp(fr->chunk + variant[i].name, name.data, name.len) == 0)
        {
            d->variant = i;
            d->reason = FLAGSHIP_REASON_TARGETING_MATCH;
            d->error = FLAGSHIP_ERROR_NONE;
            return;
        }
    }
}


void
flagship_eval_fill(flagship_eval_t *ev, uint32_t index)
{
    flagship_str_t            path;
    flagship_slot_t          *slot;
    const flagship_symbol_t  *attr;

    attr = flagship_symbols(ev->image, attrs) + index;
    path = flagship_symbol_str(ev->image, attr);
    slot = &ev->slots[index];

    slot->resolved = 0;
    ev->filled[index] = 1;

    flagship_value_null(&slot->value);

    if (flagship_str_is(path, "$flagd.timestamp")) {
        slot->value.type = FLAGSHIP_NUMBER;
        slot->value.u.number = ev->now;
        return;
    }

    ev->fetch(ev->data, path, attr->hash, &slot->value);
}


static void
flagship_eval_atom(flagship_eval_t *ev, flagship_slot_t *slot)
{
    uint32_t                  hash, i, mask;
    const uint32_t           *table;
    const flagship_symbol_t  *atoms;

    slot->resolved = 1;

    atoms = flagship_symbols(ev->image, atoms);
    table = flagship_table(ev->image, atom_table);
    mask = ev->image->atom_table.n - 1;
    hash = flagship_hash32(slot->value.u.str, slot->value.len);

    for (i = hash & mask; table[i] != FLAGSHIP_NONE; i = (i + 1) & mask) {

        if (atoms[table[i]].hash == hash
            && atoms[table[i]].len == slot->value.len
            && memcmp(flagship_at(ev->image, ev->image->strings.offset
                                             + atoms[table[i]].offset),
                      slot->value.u.str, slot->value.len) == 0)
        {
            slot->atom = table[i];
            return;
        }
    }

    slot->atom = FLAGSHIP_NONE;
}


int
flagship_decision_enabled(const flagship_image_t *image,
    const flagship_decision_t *d)
{
    flagship_str_t          text;
    const flagship_flag_t  *f;

    if (d->flag == FLAGSHIP_NONE) {
        return 0;
    }

    f = flagship_flags(image) + d->flag;

    if (f->type == FLAGSHIP_TYPE_BOOLEAN) {

        if (d->variant == FLAGSHIP_NO_VARIANT) {
            return 0;
        }

        text = flagship_variant_text(image, d->flag, d->variant);

        return flagship_str_is(text, "true");
    }

    return d->reason != FLAGSHIP_REASON_DISABLED
           && d->reason != FLAGSHIP_REASON_ERROR
           && (d->variant == FLAGSHIP_NO_VARIANT
               || d->variant != f->off_variant);
}


flagship_str_t
flagship_reason_name(unsigned reason)
{
    return flagship_reasons[reason];
}


flagship_str_t
flagship_error_name(unsigned error)
{
    return flagship_error_names[error];
}
