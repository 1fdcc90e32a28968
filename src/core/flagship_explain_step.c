
/*
 * Copyright (C) Flagship
 */


/*
 * Explaining: what an instruction saw.
 *
 * A step is begun before its instruction runs, since a result may take the
 * register of what it was made of, and ended by what it gave.  A record that
 * is asked for is evaluated here, explained; the instruction finds it
 * remembered, or evaluates it once more.
 */


#include <string.h>

#include "flagship_net.h"
#include "flagship_semver.h"
#include "flagship_tracer.h"


const char *const  flagship_explain_ops[FLAGSHIP_OP_MAX] = {
    [FLAGSHIP_OP_TRUE] = "!!",
    [FLAGSHIP_OP_ABSENT] = "",
    [FLAGSHIP_OP_NULL] = "==",
    [FLAGSHIP_OP_BOOL] = "===",
    [FLAGSHIP_OP_EQ_ATOM] = "==",
    [FLAGSHIP_OP_EQ_NUM] = "==",
    [FLAGSHIP_OP_CMP_NUM] = "<",
    [FLAGSHIP_OP_CMP_STR] = "<",
    [FLAGSHIP_OP_EQ] = "==",
    [FLAGSHIP_OP_CMP] = "<",
    [FLAGSHIP_OP_IN_LIST] = "in",
    [FLAGSHIP_OP_IN] = "in",
    [FLAGSHIP_OP_HAS] = "in",
    [FLAGSHIP_OP_STARTS] = "starts_with",
    [FLAGSHIP_OP_ENDS] = "ends_with",
    [FLAGSHIP_OP_SEMVER] = "sem_ver",
    [FLAGSHIP_OP_IN_CIDR] = "in_cidr",
    [FLAGSHIP_OP_IN_RANGES] = "in_cidr",
    [FLAGSHIP_OP_IN_SET] = "in_set",
    [FLAGSHIP_OP_MATCHES] = "matches",
    [FLAGSHIP_OP_ROLLOUT] = "rollout",
    [FLAGSHIP_OP_SEGMENT] = "segment",
    [FLAGSHIP_OP_FLAG_IS] = "flag",

    [FLAGSHIP_OP_LOAD] = "var",
    [FLAGSHIP_OP_CONST] = "",
    [FLAGSHIP_OP_CONST_NUM] = "",
    [FLAGSHIP_OP_CONST_STR] = "",
    [FLAGSHIP_OP_KEY] = "var",
    [FLAGSHIP_OP_VAR] = "var",
    [FLAGSHIP_OP_CAT] = "cat",
    [FLAGSHIP_OP_AFFIX] = "starts_with",
    [FLAGSHIP_OP_MATCH] = "matches",
    [FLAGSHIP_OP_VERSION] = "sem_ver",
    [FLAGSHIP_OP_TIME] = "time",
    [FLAGSHIP_OP_LOWER] = "lower",
    [FLAGSHIP_OP_BUCKET] = "bucket",
    [FLAGSHIP_OP_FLAG] = "flag",
    [FLAGSHIP_OP_SPLIT] = "split",
    [FLAGSHIP_OP_FRACTIONAL] = "split",
    [FLAGSHIP_OP_MATH] = "+",
    [FLAGSHIP_OP_SUBSTR] = "substr",
    [FLAGSHIP_OP_ARRAY] = "",
    [FLAGSHIP_OP_MERGE] = "merge",
    [FLAGSHIP_OP_ITEMS] = "",
    [FLAGSHIP_OP_ELEMENT] = "var",
    [FLAGSHIP_OP_PAIR] = "",
    [FLAGSHIP_OP_MISSING] = "missing",
    [FLAGSHIP_OP_ENOUGH] = "missing_some",

    [FLAGSHIP_OP_MAP] = "map",
    [FLAGSHIP_OP_FILTER] = "filter",
    [FLAGSHIP_OP_ALL] = "all",
    [FLAGSHIP_OP_SOME] = "some",
    [FLAGSHIP_OP_NONE] = "none",
    [FLAGSHIP_OP_REDUCE] = "reduce",

    [FLAGSHIP_OP_JUMP] = "",
    [FLAGSHIP_OP_RETURN] = "",
    [FLAGSHIP_OP_RETURN_SPLIT] = "split",
    [FLAGSHIP_OP_RETURN_NAME] = "",
    [FLAGSHIP_OP_FAIL] = "",
    [FLAGSHIP_OP_HOLDS] = "",
    [FLAGSHIP_OP_RESULT] = "",
    [FLAGSHIP_OP_YIELD] = ""
};

static const char *const  flagship_explain_orders[] = {
    [FLAGSHIP_LT] = "<",
    [FLAGSHIP_LE] = "<=",
    [FLAGSHIP_GT] = ">",
    [FLAGSHIP_GE] = ">="
};

static const char *const  flagship_explain_versions[] = {
    [FLAGSHIP_SEMVER_EQ] = "=",
    [FLAGSHIP_SEMVER_NE] = "!=",
    [FLAGSHIP_SEMVER_LT] = "<",
    [FLAGSHIP_SEMVER_LE] = "<=",
    [FLAGSHIP_SEMVER_GT] = ">",
    [FLAGSHIP_SEMVER_GE] = ">=",
    [FLAGSHIP_SEMVER_CARET] = "^",
    [FLAGSHIP_SEMVER_TILDE] = "~"
};

static const char *const  flagship_explain_math[] = {
    [FLAGSHIP_MATH_ADD] = "+",
    [FLAGSHIP_MATH_SUBTRACT] = "-",
    [FLAGSHIP_MATH_MULTIPLY] = "*",
    [FLAGSHIP_MATH_DIVIDE] = "/",
    [FLAGSHIP_MATH_MODULO] = "%",
    [FLAGSHIP_MATH_MIN] = "min",
    [FLAGSHIP_MATH_MAX] = "max"
};


static const char *flagship_explain_name(const flagship_code_t *code);
static void flagship_explain_operand(flagship_tracer_t *t,
    flagship_frame_t *fr, const flagship_code_t *code);
static void flagship_explain_with(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code);
static void flagship_explain_version(flagship_tracer_t *t, const char *chunk,
    const flagship_code_t *code);
static void flagship_explain_segment(flagship_tracer_t *t,
    flagship_frame_t *fr, const flagship_code_t *code);
static void flagship_explain_flag(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code);
static void flagship_explain_rollout(flagship_tracer_t *t,
    flagship_frame_t *fr, const flagship_code_t *code);
static void flagship_explain_split(flagship_tracer_t *t,
    flagship_frame_t *fr, const flagship_code_t *code);
static void flagship_explain_parts(flagship_tracer_t *t,
    flagship_frame_t *fr, const flagship_code_t *code,
    const flagship_bucket_t *b);
static void flagship_explain_attribute(flagship_tracer_t *t,
    flagship_frame_t *fr, uint32_t operand);
static flagship_str_t flagship_explain_named(flagship_tracer_t *t,
    flagship_frame_t *fr, const flagship_code_t *code);
static void flagship_explain_part_name(flagship_tracer_t *t,
    flagship_frame_t *fr, const flagship_code_t *code, uint32_t i);


int
flagship_explain_step(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    const char  *name;

    name = flagship_explain_name(code);

    if (name[0] == '\0' || !flagship_explain_room(t)) {
        return 0;
    }

    flagship_explain_next(t, "{\"op\":\"");
    flagship_explain_text(t, name);
    flagship_explain_text(t, "\"");

    switch (code->op) {

    case FLAGSHIP_OP_SEGMENT:
        flagship_explain_segment(t, fr, code);
        break;

    case FLAGSHIP_OP_FLAG:
    case FLAGSHIP_OP_FLAG_IS:
        flagship_explain_flag(t, fr, code);
        break;

    case FLAGSHIP_OP_ROLLOUT:
        flagship_explain_rollout(t, fr, code);
        break;

    case FLAGSHIP_OP_SPLIT:
    case FLAGSHIP_OP_FRACTIONAL:
        flagship_explain_split(t, fr, code);
        break;

    case FLAGSHIP_OP_RETURN_SPLIT:
        /* it ends the flag: nobody tells what it gave */
        flagship_explain_split(t, fr, code);
        flagship_explain_text(t, "}");
        return 0;

    case FLAGSHIP_OP_KEY:
        flagship_explain_text(t, ",\"attribute\":\"$flagd.flagKey\"");
        break;

    case FLAGSHIP_OP_LOAD:
        flagship_explain_text(t, ",\"attribute\":");
        flagship_explain_string(t, flagship_symbol_str(t->ev->image,
                                       flagship_symbols(t->ev->image, attrs)
                                       + code->a));
        break;

    default:
        flagship_explain_operand(t, fr, code);
        flagship_explain_with(t, fr, code);
    }

    return 1;
}


static const char *
flagship_explain_name(const flagship_code_t *code)
{
    switch (code->op) {

    case FLAGSHIP_OP_EQ_ATOM:
    case FLAGSHIP_OP_EQ_NUM:
    case FLAGSHIP_OP_EQ:
        return code->dst ? "===" : "==";

    case FLAGSHIP_OP_CMP_NUM:
    case FLAGSHIP_OP_CMP_STR:
    case FLAGSHIP_OP_CMP:
        return flagship_explain_orders[code->dst];

    case FLAGSHIP_OP_AFFIX:
        return code->imm ? "ends_with" : "starts_with";

    case FLAGSHIP_OP_HAS:
        return code->dst ? "matches" : "in";

    case FLAGSHIP_OP_MATH:
        return flagship_explain_math[code->aux & ~FLAGSHIP_SPREAD];

    case FLAGSHIP_OP_LOAD:
        return code->a & FLAGSHIP_REGISTER ? "" : "var";

    default:
        return flagship_explain_ops[code->op];
    }
}


static void
flagship_explain_attribute(flagship_tracer_t *t, flagship_frame_t *fr,
    uint32_t operand)
{
    const flagship_value_t  *v;

    v = flagship_eval_operand(t->ev, fr, operand);

    if (!(operand & FLAGSHIP_REGISTER)) {
        flagship_explain_text(t, ",\"attribute\":");
        flagship_explain_string(t, flagship_symbol_str(t->ev->image,
                                       flagship_symbols(t->ev->image, attrs)
                                       + operand));

        if (v->type == FLAGSHIP_NULL && v->len == 0) {
            flagship_explain_text(t, ",\"absent\":true");
        }
    }

    flagship_explain_text(t, ",\"value\":");
    flagship_explain_value(t, v);
}


/* What an instruction was made of: one operand, or registers in a row. */

static void
flagship_explain_operand(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    uint32_t                 i, n;
    const flagship_value_t  *v;

    switch (code->op) {

    case FLAGSHIP_OP_AFFIX:
        n = 2;
        break;

    case FLAGSHIP_OP_VERSION:
    case FLAGSHIP_OP_SUBSTR:
        n = 3;
        break;

    case FLAGSHIP_OP_CAT:
    case FLAGSHIP_OP_MATH:
    case FLAGSHIP_OP_MERGE:
        n = code->imm;
        break;

    default:
        flagship_explain_attribute(t, fr, code->a);
        return;
    }

    v = &fr->reg[code->a & ~FLAGSHIP_REGISTER];

    flagship_explain_text(t, ",\"values\":[");

    for (i = 0; i < n; i++) {
        flagship_explain_next(t, "");
        flagship_explain_value(t, &v[i]);
    }

    flagship_explain_text(t, "]");
}


/* What it is compared with. */

static void
flagship_explain_with(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    flagship_value_t          v;
    const flagship_list_t    *list;
    const flagship_ranges_t  *ranges;

    switch (code->op) {

    case FLAGSHIP_OP_NULL:
        flagship_value_null(&v);
        break;

    case FLAGSHIP_OP_BOOL:
        flagship_value_bool(&v, code->imm);
        break;

    case FLAGSHIP_OP_EQ_ATOM:
        flagship_value_string(&v, flagship_symbol_str(t->ev->image,
                                      flagship_symbols(t->ev->image, atoms)
                                      + code->imm));
        break;

    case FLAGSHIP_OP_EQ_NUM:
    case FLAGSHIP_OP_CMP_NUM:
        v.type = FLAGSHIP_NUMBER;
        v.u.number = flagship_eval_double(fr->chunk, code->imm);
        break;

    case FLAGSHIP_OP_CMP_STR:
    case FLAGSHIP_OP_HAS:
    case FLAGSHIP_OP_STARTS:
    case FLAGSHIP_OP_ENDS:
        flagship_value_string(&v, flagship_literal(fr->chunk, code->imm));
        break;

    case FLAGSHIP_OP_IN_SET:
        flagship_value_string(&v, flagship_image_set(t->ev->image,
                                                     code->imm));
        break;

    case FLAGSHIP_OP_MATCHES:
    case FLAGSHIP_OP_MATCH:
        flagship_value_string(&v, flagship_literal(fr->chunk, code->aux));
        break;

    case FLAGSHIP_OP_EQ:
    case FLAGSHIP_OP_CMP:
    case FLAGSHIP_OP_IN:
    case FLAGSHIP_OP_IN_RANGES:
    case FLAGSHIP_OP_ELEMENT:
        v = *flagship_eval_operand(t->ev, fr, code->imm);
        break;

    case FLAGSHIP_OP_IN_LIST:
        list = (const flagship_list_t *) (fr->chunk + code->imm);

        flagship_explain_text(t, ",\"among\":");
        flagship_explain_number(t, (double) list->natoms + list->nnumbers
                                   + __builtin_popcount(list->bits));
        return;

    case FLAGSHIP_OP_IN_CIDR:
        ranges = (const flagship_ranges_t *) (fr->chunk + code->imm);

        flagship_explain_text(t, ",\"among\":");
        flagship_explain_number(t, (double) ranges->nv6 + ranges->nv4);
        return;

    case FLAGSHIP_OP_SEMVER:
        flagship_explain_version(t, fr->chunk, code);
        return;

    default:
        return;
    }

    flagship_explain_text(t, ",\"with\":");
    flagship_explain_value(t, &v);
}


/* It was taken apart when it was compiled. */

static void
flagship_explain_version(flagship_tracer_t *t, const char *chunk,
    const flagship_code_t *code)
{
    char                       buf[256];
    size_t                     len, n;
    unsigned                   i;
    const flagship_version_t  *version;

    version = (const flagship_version_t *) (chunk + code->imm);
    len = 0;

    for (i = 0; i < 4; i++) {
        n = version->len[i];

        if ((i == 3 && n == 0) || n + 1 > sizeof(buf) - len) {
            break;
        }

        if (i) {
            buf[len++] = (i == 3) ? '-' : '.';
        }

        memcpy(buf + len, chunk + version->offset[i], n);
        len += n;
    }

    flagship_explain_text(t, ",\"order\":\"");
    flagship_explain_text(t, flagship_explain_versions[code->dst]);
    flagship_explain_text(t, "\",\"with\":");
    flagship_explain_string(t, flagship_str(buf, len));
}


/* The key that an instruction names, though nothing has it. */

static flagship_str_t
flagship_explain_named(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    uint32_t         at, i;
    const uint32_t  *relocs;

    at = code - flagship_code(t->ev->image, fr->record);
    relocs = (const uint32_t *) (fr->chunk + fr->record->relocs);

    for (i = 0; i < fr->record->nrelocs; i++) {

        if (relocs[i] >> FLAGSHIP_RELOC_SHIFT < FLAGSHIP_RELOC_FLAG) {
            continue;
        }

        if ((relocs[i] & FLAGSHIP_RELOC_MASK) == at) {
            return flagship_literal(fr->chunk, relocs[i + 1]);
        }

        i++;
    }

    return flagship_str("", 0);
}


static void
flagship_explain_segment(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    uint32_t                used, steps;
    flagship_level_t       *level;
    flagship_scratch_t     *scratch;
    const flagship_flag_t  *s;

    flagship_explain_text(t, ",\"segment\":");
    flagship_explain_string(t, flagship_explain_named(t, fr, code));

    if (code->imm == FLAGSHIP_NONE) {
        return;
    }

    s = flagship_segments(t->ev->image) + code->imm;

    if (s->memo != FLAGSHIP_NONE && t->ev->known[s->memo]) {
        return;
    }

    level = flagship_trace_level(t);
    scratch = t->ev->scratch;

    used = scratch->used;
    steps = scratch->steps;

    flagship_explain_text(t, ",\"steps\":[");

    level->segments++;
    (void) flagship_eval_segment_traced(t->ev, code->imm, t);
    level->segments--;

    flagship_explain_text(t, "]");

    if (s->memo == FLAGSHIP_NONE) {
        /* the instruction evaluates it again */
        scratch->used = used;
        scratch->steps = steps;
    }
}


static void
flagship_explain_flag(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    flagship_decision_t     d;
    const flagship_flag_t  *f;

    flagship_explain_text(t, ",\"flag\":");
    flagship_explain_string(t, flagship_explain_named(t, fr, code));

    if (code->op == FLAGSHIP_OP_FLAG_IS) {
        flagship_explain_text(t, ",\"variant\":");
        flagship_explain_string(t, flagship_literal(fr->chunk, code->aux));
    }

    if (code->imm == FLAGSHIP_NONE) {
        flagship_explain_text(t, ",\"served\":null,\"error\":"
                              "\"FLAG_NOT_FOUND\"");
        return;
    }

    f = flagship_flags(t->ev->image) + code->imm;

    if (f->memo == FLAGSHIP_NONE || !t->ev->known[f->memo]) {
        flagship_explain_text(t, ",\"trace\":");
    }

    flagship_eval_flag_traced(t->ev, code->imm, &d, t);

    flagship_explain_text(t, ",\"served\":");

    if (d.variant == FLAGSHIP_NO_VARIANT) {
        flagship_explain_text(t, "null");

    } else {
        flagship_explain_string(t, flagship_variant_name(t->ev->image, d.flag,
                                                         d.variant));
    }

    flagship_explain_text(t, ",\"reason\":");
    flagship_explain_string(t, flagship_reason_name(d.reason));
}


static void
flagship_explain_rollout(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    const flagship_value_t  *v;

    flagship_explain_attribute(t, fr, code->a);

    v = flagship_eval_operand(t->ev, fr, code->a);

    if (v->type == FLAGSHIP_STRING && v->len) {
        flagship_explain_text(t, ",\"bucket\":");
        flagship_explain_number(t, flagship_rollout_bucket(
                                       flagship_str(v->u.str, v->len),
                                       t->ev->key) / 1e6);
    }

    flagship_explain_text(t, ",\"percentage\":");
    flagship_explain_number(t, code->imm / 1e6);
}


static void
flagship_explain_split(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    uint32_t                 by;
    flagship_bucket_t        b;
    const flagship_split_t  *split;

    by = code->a;

    if (code->op != FLAGSHIP_OP_FRACTIONAL) {
        split = (const flagship_split_t *) (fr->chunk + code->imm);

        if (split->mode == FLAGSHIP_SPLIT_IMPLICIT
            || split->mode == FLAGSHIP_SPLIT_CBOR_KEY)
        {
            by = code->aux;
        }
    }

    flagship_explain_attribute(t, fr, by);

    if (by != code->aux
        && flagship_eval_operand(t->ev, fr, by)->type == FLAGSHIP_NULL)
    {
        /* then, mostly, the targeting key stands in */
        flagship_explain_text(t, ",\"targetingKey\":");
        flagship_explain_value(t, flagship_eval_operand(t->ev, fr,
                                                        code->aux));
    }

    flagship_eval_split_traced(t->ev, fr, code, &b);

    if (b.total == 0) {
        /* nothing to hash: it gives null */
        flagship_explain_text(t, ",\"bucket\":null");

    } else {
        flagship_explain_parts(t, fr, code, &b);
    }
}


/* The name of a part; null where it is none. */

static void
flagship_explain_part_name(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code, uint32_t i)
{
    const flagship_split_t       *split;
    const flagship_split_part_t  *parts;

    if (code->op == FLAGSHIP_OP_FRACTIONAL) {
        flagship_explain_value(t, &fr->reg[(code->a & ~FLAGSHIP_REGISTER)
                                           + 1 + 2 * i]);
        return;
    }

    split = (const flagship_split_t *) (fr->chunk + code->imm);
    parts = (const flagship_split_part_t *) (split + 1);

    if (parts[i].name == FLAGSHIP_NONE) {
        flagship_explain_text(t, "null");

    } else {
        flagship_explain_string(t, flagship_literal(fr->chunk,
                                                    parts[i].name));
    }
}


static void
flagship_explain_parts(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code, const flagship_bucket_t *b)
{
    double                        scale;
    uint32_t                      end, i, last;
    unsigned                      percent;
    const flagship_split_t       *split;
    const flagship_split_part_t  *parts;

    split = (const flagship_split_t *) (fr->chunk + code->imm);
    parts = (const flagship_split_part_t *) (split + 1);

    percent = t->ev->image->fractional == 1;
    scale = percent ? 100.0 / b->total : 1;

    flagship_explain_text(t, ",\"hash\":");
    flagship_explain_number(t, b->hash);
    flagship_explain_text(t, ",\"bucket\":");
    flagship_explain_number(t, percent ? flagship_eval_percent(b->hash)
                               : (double) (((uint64_t) b->hash * b->total)
                                           >> 32));
    flagship_explain_text(t, ",\"total\":");
    flagship_explain_number(t, percent ? 100 : b->total);
    flagship_explain_text(t, ",\"parts\":[");

    last = 0;

    for (i = 0; i < b->n && flagship_explain_room(t); i++) {
        end = code->op == FLAGSHIP_OP_FRACTIONAL ? b->end[i] : parts[i].end;

        flagship_explain_next(t, "{\"variant\":");
        flagship_explain_part_name(t, fr, code, i);
        flagship_explain_text(t, ",\"from\":");
        flagship_explain_number(t, last * scale);
        flagship_explain_text(t, ",\"to\":");
        flagship_explain_number(t, end * scale);
        flagship_explain_text(t, "}");

        last = end;
    }

    flagship_explain_text(t, "]");

    if (code->op == FLAGSHIP_OP_RETURN_SPLIT) {
        flagship_explain_text(t, ",\"result\":");

        if (b->part < b->n) {
            flagship_explain_part_name(t, fr, code, b->part);

        } else {
            flagship_explain_text(t, "\"\"");
        }
    }
}
