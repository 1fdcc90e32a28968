
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


#include <math.h>
#include <string.h>

#include "flagship_code.h"
#include "flagship_eval.h"
#include "flagship_semver.h"
#include "flagship_time.h"


typedef struct {
    const flagship_flag_t  *record;
    const char             *chunk;
    flagship_value_t        reg[FLAGSHIP_MAX_REGISTERS];
} flagship_frame_t;


static void flagship_eval_flag(flagship_eval_t *ev, uint32_t flag,
    flagship_decision_t *d);
static int flagship_eval_segment(flagship_eval_t *ev, uint32_t segment);
static int flagship_eval_run(flagship_eval_t *ev,
    const flagship_flag_t *record, flagship_decision_t *d);
static int flagship_eval_test(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code);
static void flagship_eval_value(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst);
static int flagship_eval_list(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code);
static int flagship_eval_flag_is(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code);
static void flagship_eval_var(flagship_eval_t *ev,
    const flagship_value_t *path, flagship_value_t *dst);
static void flagship_eval_cat(flagship_eval_t *ev, const flagship_value_t *arg,
    uint32_t n, int spread, flagship_value_t *dst);
static int flagship_eval_append(flagship_scratch_t *s,
    const flagship_value_t *v);
static void flagship_eval_version(const flagship_value_t *arg,
    flagship_value_t *dst);
static int flagship_eval_part(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, const flagship_split_part_t **part);
static int flagship_eval_implicit(flagship_eval_t *ev, flagship_frame_t *fr,
    uint32_t operand, const flagship_murmur3_t *state, uint32_t *hash);
static void flagship_eval_fractional(flagship_eval_t *ev,
    flagship_frame_t *fr, const flagship_code_t *code, flagship_value_t *dst);
static uint32_t flagship_eval_bucket(unsigned generation, uint32_t hash,
    uint32_t total, const uint32_t *ends, size_t stride, uint32_t n);
static void flagship_eval_named(flagship_frame_t *fr,
    const flagship_value_t *v, flagship_decision_t *d);
static void flagship_eval_fill(flagship_eval_t *ev, uint32_t slot);
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


static inline void
flagship_value_bool(flagship_value_t *v, int truth)
{
    v->type = truth ? FLAGSHIP_TRUE : FLAGSHIP_FALSE;
}


static inline void
flagship_value_null(flagship_value_t *v)
{
    v->type = FLAGSHIP_NULL;
    v->len = 0;
}


static inline void
flagship_value_string(flagship_value_t *v, flagship_str_t s)
{
    v->type = FLAGSHIP_STRING;
    v->len = s.len;
    v->u.str = s.data;
}


static inline const flagship_value_t *
flagship_eval_operand(flagship_eval_t *ev, flagship_frame_t *fr, uint32_t op)
{
    if (op & FLAGSHIP_REGISTER) {
        return &fr->reg[op & ~FLAGSHIP_REGISTER];
    }

    if (!ev->filled[op]) {
        flagship_eval_fill(ev, op);
    }

    return &ev->slots[op].value;
}


static inline double
flagship_eval_double(const char *chunk, uint32_t offset)
{
    double  n;

    memcpy(&n, chunk + offset, sizeof(double));

    return n;
}


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
    ev->key = flagship_str("", 0);

    ev->slots = (flagship_slot_t *) (ev + 1);
    ev->memo = (flagship_decision_t *) (ev->slots + image->attrs.n);
    ev->filled = (uint8_t *) (ev->memo + image->nmemo);
    ev->known = ev->filled + image->attrs.n;

    memset(ev->filled, 0, image->attrs.n + image->nmemo);

    return ev;
}


void
flagship_eval(flagship_eval_t *ev, uint32_t flag,
    flagship_decision_t *decision)
{
    ev->scratch->used = 0;

    flagship_eval_flag(ev, flag, decision);
}


static void
flagship_eval_flag(flagship_eval_t *ev, uint32_t flag, flagship_decision_t *d)
{
    flagship_str_t          key;
    const flagship_flag_t  *f;

    f = flagship_flags(ev->image) + flag;

    if (f->memo != FLAGSHIP_NONE && ev->known[f->memo]) {
        *d = ev->memo[f->memo];
        return;
    }

    d->flag = flag;
    d->error = FLAGSHIP_ERROR_NONE;

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

    } else {
        key = ev->key;
        ev->key = flagship_str(flagship_at(ev->image, f->chunk + f->key),
                               f->key_len);

        (void) flagship_eval_run(ev, f, d);

        ev->key = key;
    }

    if (f->memo != FLAGSHIP_NONE) {
        ev->memo[f->memo] = *d;
        ev->known[f->memo] = 1;
    }
}


static int
flagship_eval_segment(flagship_eval_t *ev, uint32_t segment)
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

    holds = s->ncode ? flagship_eval_run(ev, s, &d) : 0;

    if (s->memo != FLAGSHIP_NONE) {
        ev->memo[s->memo].variant = holds;
        ev->known[s->memo] = 1;
    }

    return holds;
}


/*
 * Runs a record's code.  Sets the decision of a flag, returns the truth of a
 * segment.
 */

static int
flagship_eval_run(flagship_eval_t *ev, const flagship_flag_t *record,
    flagship_decision_t *d)
{
    flagship_frame_t              fr;
    const flagship_code_t        *code, *start;
    const flagship_value_t       *v;
    const flagship_split_part_t  *part;

    fr.record = record;
    fr.chunk = flagship_at(ev->image, record->chunk);

    start = flagship_code(ev->image, record);
    code = start;

    for ( ;; ) {

        switch (code->op) {

        case FLAGSHIP_OP_RETURN:
            d->variant = code->imm;
            d->reason = code->dst;
            return 0;

        case FLAGSHIP_OP_RETURN_SPLIT:

            if (!flagship_eval_part(ev, &fr, code, &part)) {
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

            v = flagship_eval_operand(ev, &fr, code->a);

            if (v->type == FLAGSHIP_NULL) {
                code = start + code->jf;
                continue;
            }

            flagship_eval_named(&fr, v, d);
            return 0;

        case FLAGSHIP_OP_JUMP:
            code = start + code->jt;
            continue;

        case FLAGSHIP_OP_FAIL:
            goto general;

        case FLAGSHIP_OP_HOLDS:
            return code->imm;

        default:

            if (code->op <= FLAGSHIP_OP_FLAG_IS) {
                code = start + (flagship_eval_test(ev, &fr, code)
                                ? code->jt : code->jf);
                continue;
            }

            flagship_eval_value(ev, &fr, code, &fr.reg[code->dst]);
            code++;
        }
    }

general:

    d->variant = FLAGSHIP_NO_VARIANT;
    d->reason = FLAGSHIP_REASON_ERROR;
    d->error = FLAGSHIP_ERROR_GENERAL;

    return 0;
}


static inline int
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


static int
flagship_eval_test(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    char                       buf[FLAGSHIP_NUMBER_LEN];
    double                     n;
    flagship_str_t             s;
    flagship_value_t           literal;
    flagship_semver_t          a, b;
    const flagship_value_t    *v;
    const flagship_version_t  *version;

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

        b.number[0] = flagship_str(fr->chunk + version->offset[0],
                                   version->len[0]);
        b.number[1] = flagship_str(fr->chunk + version->offset[1],
                                   version->len[1]);
        b.number[2] = flagship_str(fr->chunk + version->offset[2],
                                   version->len[2]);
        b.pre = flagship_str(fr->chunk + version->offset[3], version->len[3]);

        return flagship_semver_test(&a, code->dst, &b);

    default: /* FLAGSHIP_OP_ROLLOUT */
        return v->type == FLAGSHIP_STRING && v->len != 0
               && flagship_rollout_bucket(flagship_str(v->u.str, v->len),
                                          ev->key)
                  < code->imm;
    }
}


static int
flagship_eval_list(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    uint32_t                 i, n, half;
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
        for (i = 0; i < list->nnumbers; i++) {
            if (number[i] == v->u.number) {
                return 1;
            }
        }

        return 0;

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


static void
flagship_eval_value(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst)
{
    int                           rc;
    int64_t                       seconds;
    flagship_decision_t           d;
    const flagship_value_t       *a, *b;
    const flagship_split_part_t  *part;

    switch (code->op) {

    case FLAGSHIP_OP_LOAD:
        *dst = *flagship_eval_operand(ev, fr, code->a);
        return;

    case FLAGSHIP_OP_CONST:
        dst->type = code->imm;
        dst->len = 1;
        return;

    case FLAGSHIP_OP_CONST_NUM:
        dst->type = FLAGSHIP_NUMBER;
        dst->u.number = flagship_eval_double(fr->chunk, code->imm);
        return;

    case FLAGSHIP_OP_CONST_STR:
        flagship_value_string(dst, flagship_literal(fr->chunk, code->imm));
        return;

    case FLAGSHIP_OP_KEY:
        flagship_value_string(dst, ev->key);
        return;

    case FLAGSHIP_OP_VAR:
        flagship_eval_var(ev, flagship_eval_operand(ev, fr, code->a), dst);
        return;

    case FLAGSHIP_OP_CAT:
        flagship_eval_cat(ev, &fr->reg[code->a & ~FLAGSHIP_REGISTER],
                          code->imm, code->aux, dst);
        return;

    case FLAGSHIP_OP_AFFIX:
        a = &fr->reg[code->a & ~FLAGSHIP_REGISTER];
        b = a + 1;

        if (a->type != FLAGSHIP_STRING || b->type != FLAGSHIP_STRING) {
            flagship_value_null(dst);
            return;
        }

        rc = a->len >= b->len
             && memcmp(code->imm ? a->u.str + a->len - b->len : a->u.str,
                       b->u.str, b->len) == 0;

        flagship_value_bool(dst, rc);
        return;

    case FLAGSHIP_OP_VERSION:
        flagship_eval_version(&fr->reg[code->a & ~FLAGSHIP_REGISTER], dst);
        return;

    case FLAGSHIP_OP_TIME:
        a = flagship_eval_operand(ev, fr, code->a);

        if (a->type == FLAGSHIP_NUMBER) {
            *dst = *a;
            return;
        }

        if (a->type != FLAGSHIP_STRING
            || flagship_time_parse(flagship_str(a->u.str, a->len), &seconds)
               != FLAGSHIP_OK)
        {
            flagship_value_null(dst);
            return;
        }

        dst->type = FLAGSHIP_NUMBER;
        dst->u.number = seconds;
        return;

    case FLAGSHIP_OP_FLAG:

        if (code->imm == FLAGSHIP_NONE) {
            flagship_value_null(dst);
            return;
        }

        flagship_eval_flag(ev, code->imm, &d);

        if (d.variant == FLAGSHIP_NO_VARIANT) {
            flagship_value_null(dst);
            return;
        }

        flagship_value_string(dst, flagship_variant_name(ev->image, code->imm,
                                                         d.variant));
        return;

    case FLAGSHIP_OP_SPLIT:

        if (!flagship_eval_part(ev, fr, code, &part)) {
            flagship_value_null(dst);

        } else if (part == NULL) {
            flagship_value_string(dst, flagship_str("", 0));

        } else if (part->name == FLAGSHIP_NONE) {
            flagship_value_null(dst);

        } else {
            flagship_value_string(dst,
                                  flagship_literal(fr->chunk, part->name));
        }

        return;

    default: /* FLAGSHIP_OP_FRACTIONAL */
        flagship_eval_fractional(ev, fr, code, dst);
    }
}


/* A path that is computed: the one attribute that is read more than once. */

static void
flagship_eval_var(flagship_eval_t *ev, const flagship_value_t *path,
    flagship_value_t *dst)
{
    char            buf[FLAGSHIP_NUMBER_LEN];
    flagship_str_t  name;

    flagship_value_null(dst);

    if (path->type == FLAGSHIP_JSON) {
        /* var takes an array as its arguments: of none, the context */
        if (path->u.node->type != FLAGSHIP_JSON_ARRAY
            || path->u.node->len != 0)
        {
            return;
        }

        name = flagship_str("", 0);

    } else {
        (void) flagship_value_text(path, buf, sizeof(buf), &name);
    }

    if (flagship_str_is(name, "$flagd.flagKey")) {
        flagship_value_string(dst, ev->key);
        return;
    }

    if (flagship_str_is(name, "$flagd.timestamp")) {
        dst->type = FLAGSHIP_NUMBER;
        dst->u.number = ev->now;
        return;
    }

    ev->fetch(ev->data, name, flagship_hash32(name.data, name.len), dst);
}


static void
flagship_eval_cat(flagship_eval_t *ev, const flagship_value_t *arg,
    uint32_t n, int spread, flagship_value_t *dst)
{
    uint32_t                     i, start;
    flagship_value_t             element;
    flagship_scratch_t          *s;
    const flagship_json_node_t  *node;

    s = ev->scratch;
    start = s->used;

    if (spread && arg->type == FLAGSHIP_JSON
        && arg->u.node->type == FLAGSHIP_JSON_ARRAY)
    {
        node = arg->u.node + 1;

        for (i = 0; i < arg->u.node->len; i++) {
            flagship_value_node(&element, node);

            if (flagship_eval_append(s, &element) != FLAGSHIP_OK) {
                goto spilled;
            }

            node += node->next;
        }

    } else {
        for (i = 0; i < n; i++) {
            if (flagship_eval_append(s, &arg[i]) != FLAGSHIP_OK) {
                goto spilled;
            }
        }
    }

    flagship_value_string(dst, flagship_str(s->buf + start, s->used - start));
    return;

spilled:

    s->used = start;
    s->spilled++;

    flagship_value_null(dst);
}


static int
flagship_eval_append(flagship_scratch_t *s, const flagship_value_t *v)
{
    size_t          size;
    flagship_str_t  text;

    size = FLAGSHIP_SCRATCH - s->used;

    if (size < FLAGSHIP_NUMBER_LEN
        || flagship_value_text(v, s->buf + s->used, size, &text)
           != FLAGSHIP_OK
        || text.len > size)
    {
        return FLAGSHIP_DECLINED;
    }

    if (text.data != s->buf + s->used) {
        memcpy(s->buf + s->used, text.data, text.len);
    }

    s->used += text.len;

    return FLAGSHIP_OK;
}


static void
flagship_eval_version(const flagship_value_t *arg, flagship_value_t *dst)
{
    char               buf[2][FLAGSHIP_NUMBER_LEN];
    unsigned           i, op;
    flagship_str_t     text[2];
    flagship_semver_t  v[2];

    flagship_value_null(dst);

    for (i = 0; i < 2; i++) {
        /* 0 and 2 are the versions, 1 the operator */

        if (arg[2 * i].type != FLAGSHIP_STRING
            && arg[2 * i].type != FLAGSHIP_NUMBER)
        {
            return;
        }

        (void) flagship_value_text(&arg[2 * i], buf[i], sizeof(buf[i]),
                                   &text[i]);

        if (flagship_semver_parse(&v[i], text[i]) != FLAGSHIP_OK) {
            return;
        }
    }

    if (arg[1].type != FLAGSHIP_STRING) {
        return;
    }

    op = flagship_semver_op(flagship_str(arg[1].u.str, arg[1].len));

    if (op != FLAGSHIP_SEMVER_BAD) {
        flagship_value_bool(dst, flagship_semver_test(&v[0], op, &v[1]));
    }
}


/*
 * The part that a split's bucket falls into.  Returns 0 where there is no
 * text to hash; *part is NULL where the float form of generation 1 lets a
 * bucket fall behind the last part.
 */

static int
flagship_eval_part(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, const flagship_split_part_t **part)
{
    size_t                        size;
    uint32_t                      hash, i;
    flagship_str_t                text;
    flagship_scratch_t           *s;
    const flagship_split_t       *split;
    const flagship_value_t       *by;
    const flagship_split_part_t  *parts;

    split = (const flagship_split_t *) (fr->chunk + code->imm);
    parts = (const flagship_split_part_t *) (split + 1);

    by = NULL;

    if (split->mode != FLAGSHIP_SPLIT_IMPLICIT) {
        by = flagship_eval_operand(ev, fr, code->a);
    }

    if (split->mode == FLAGSHIP_SPLIT_PREFIX) {

        s = ev->scratch;
        size = FLAGSHIP_SCRATCH - s->used;

        if (size < FLAGSHIP_NUMBER_LEN
            || flagship_value_text(by, s->buf + s->used, size, &text)
               != FLAGSHIP_OK)
        {
            s->spilled++;
            return 0;
        }

        hash = flagship_murmur3_final(&split->prefix, text.data, text.len);

    } else if (by && by->type == FLAGSHIP_STRING) {
        hash = flagship_murmur3(by->u.str, by->len);

    } else if (by && by->type != FLAGSHIP_NULL) {
        return 0;

    } else if (!flagship_eval_implicit(ev, fr, code->aux, &split->key,
                                       &hash))
    {
        return 0;
    }

    i = flagship_eval_bucket(ev->image->fractional, hash, split->total,
                             &parts[0].end, sizeof(flagship_split_part_t)
                                            / sizeof(uint32_t), split->n);

    *part = i < split->n ? &parts[i] : NULL;

    return 1;
}


/* Flag key and targeting key; "state" is the hash's after the flag's key. */

static int
flagship_eval_implicit(flagship_eval_t *ev, flagship_frame_t *fr,
    uint32_t operand, const flagship_murmur3_t *state, uint32_t *hash)
{
    flagship_murmur3_t       prefix;
    const flagship_value_t  *key;

    key = flagship_eval_operand(ev, fr, operand);

    if (key->type != FLAGSHIP_STRING || key->len == 0) {
        return 0;
    }

    if (state == NULL || (fr->record->bits & FLAGSHIP_FLAG_KEYED)) {
        flagship_murmur3_prefix(&prefix, ev->key.data, ev->key.len);
        state = &prefix;
    }

    *hash = flagship_murmur3_final(state, key->u.str, key->len);

    return 1;
}


/*
 * fractional whose names or weights are computed: register a holds "by", then
 * come imm pairs of a name and a weight.
 */

static void
flagship_eval_fractional(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst)
{
    double                   w;
    int64_t                  total;
    uint32_t                 end[FLAGSHIP_MAX_REGISTERS / 2], hash, i;
    const flagship_value_t  *by, *pair;

    by = &fr->reg[code->a & ~FLAGSHIP_REGISTER];
    pair = by + 1;
    total = 0;

    flagship_value_null(dst);

    for (i = 0; i < code->imm; i++) {

        if (pair[2 * i + 1].type == FLAGSHIP_NULL) {
            w = 1;

        } else if (pair[2 * i + 1].type == FLAGSHIP_NUMBER) {
            w = pair[2 * i + 1].u.number;

        } else {
            return;
        }

        if (w != floor(w) || w > INT32_MAX) {
            return;
        }

        total += w < 0 ? 0 : (int64_t) w;

        if (total > INT32_MAX) {
            return;
        }

        end[i] = total;
    }

    if (total == 0) {
        return;
    }

    if (by->type == FLAGSHIP_STRING) {
        hash = flagship_murmur3(by->u.str, by->len);

    } else if (by->type != FLAGSHIP_NULL
               || !flagship_eval_implicit(ev, fr, code->aux, NULL, &hash))
    {
        return;
    }

    i = flagship_eval_bucket(ev->image->fractional, hash, total, end, 1,
                             code->imm);

    if (i < code->imm) {
        *dst = pair[2 * i];
    }
}


/*
 * The index of the part, n where none.  Generation 2 (flagd's current form):
 * (hash * total) >> 32 against running sums.  Generation 1: the float form
 * that flagd had before, whose ratio may be exactly 1.
 */

static uint32_t
flagship_eval_bucket(unsigned generation, uint32_t hash, uint32_t total,
    const uint32_t *ends, size_t stride, uint32_t n)
{
    double    bucket, end;
    uint32_t  i, last, point;

    if (generation == 1) {
        bucket = fabs((double) (int32_t) hash) / INT32_MAX * 100;
        end = 0;
        last = 0;

        for (i = 0; i < n; i++) {
            end += 100 * (double) (ends[i * stride] - last) / total;
            last = ends[i * stride];

            if (bucket < end) {
                break;
            }
        }

        return i;
    }

    point = ((uint64_t) hash * total) >> 32;

    for (i = 0; point >= ends[i * stride]; i++) { /* void */ }

    return i;
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


static void
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
