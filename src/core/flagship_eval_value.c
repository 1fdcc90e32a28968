
/*
 * Copyright (C) Flagship
 */


/*
 * The evaluator's second tier: instructions that leave a value in a
 * register.
 *
 * Texts that it makes lie in the caller's scratch block; one that does not fit
 * is null and is counted.
 */


#include <math.h>
#include <string.h>

#include "flagship_fold.h"
#include "flagship_frame.h"
#include "flagship_regex.h"
#include "flagship_semver.h"
#include "flagship_time.h"


static void flagship_eval_affix(const flagship_value_t *arg, uint32_t ends,
    flagship_value_t *dst);
static void flagship_eval_match(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst);
static void flagship_eval_time(const flagship_value_t *v,
    flagship_value_t *dst);
static void flagship_eval_lower(flagship_eval_t *ev,
    const flagship_value_t *v, flagship_value_t *dst);
static void flagship_eval_bucket_of(const flagship_value_t *v,
    const flagship_code_t *code, flagship_value_t *dst);
static void flagship_eval_variant(flagship_eval_t *ev, uint32_t flag,
    flagship_value_t *dst);
static void flagship_eval_var(flagship_eval_t *ev,
    const flagship_value_t *path, flagship_value_t *dst);
static void flagship_eval_math(const flagship_value_t *arg, uint32_t n,
    uint32_t how, flagship_value_t *dst);
static double flagship_eval_fold(unsigned how, double a, double b);
static void flagship_eval_substr(flagship_eval_t *ev,
    const flagship_value_t *arg, flagship_value_t *dst);
static size_t flagship_eval_points(const char *s, size_t len, double n);
static void flagship_eval_cat(flagship_eval_t *ev, const flagship_value_t *arg,
    uint32_t n, int spread, flagship_value_t *dst);
static int flagship_eval_append(flagship_scratch_t *s,
    const flagship_value_t *v);
static void flagship_eval_version(const flagship_value_t *arg,
    flagship_value_t *dst);


void
flagship_eval_value(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst)
{
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
        flagship_eval_affix(&fr->reg[code->a & ~FLAGSHIP_REGISTER], code->imm,
                            dst);
        return;

    case FLAGSHIP_OP_MATCH:
        flagship_eval_match(ev, fr, code, dst);
        return;

    case FLAGSHIP_OP_VERSION:
        flagship_eval_version(&fr->reg[code->a & ~FLAGSHIP_REGISTER], dst);
        return;

    case FLAGSHIP_OP_TIME:
        flagship_eval_time(flagship_eval_operand(ev, fr, code->a), dst);
        return;

    case FLAGSHIP_OP_LOWER:
        flagship_eval_lower(ev, flagship_eval_operand(ev, fr, code->a), dst);
        return;

    case FLAGSHIP_OP_BUCKET:
        flagship_eval_bucket_of(flagship_eval_operand(ev, fr, code->a), code,
                                dst);
        return;

    case FLAGSHIP_OP_FLAG:
        flagship_eval_variant(ev, code->imm, dst);
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

    case FLAGSHIP_OP_FRACTIONAL:
        flagship_eval_fractional(ev, fr, code, dst);
        return;

    case FLAGSHIP_OP_MATH:
        flagship_eval_math(&fr->reg[code->a & ~FLAGSHIP_REGISTER], code->imm,
                           code->aux, dst);
        return;

    case FLAGSHIP_OP_SUBSTR:
        flagship_eval_substr(ev, &fr->reg[code->a & ~FLAGSHIP_REGISTER], dst);
        return;

    default:
        flagship_eval_array(ev, fr, code, dst);
    }
}


static void
flagship_eval_affix(const flagship_value_t *arg, uint32_t ends,
    flagship_value_t *dst)
{
    const char              *p;
    const flagship_value_t  *text, *affix;

    text = arg;
    affix = arg + 1;

    if (text->type != FLAGSHIP_STRING || affix->type != FLAGSHIP_STRING) {
        flagship_value_null(dst);
        return;
    }

    if (text->len < affix->len) {
        flagship_value_bool(dst, 0);
        return;
    }

    p = ends ? text->u.str + text->len - affix->len : text->u.str;

    flagship_value_bool(dst, memcmp(p, affix->u.str, affix->len) == 0);
}


static void
flagship_eval_match(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst)
{
    int  rc;

    rc = flagship_eval_matches(ev, fr, code,
                               flagship_eval_operand(ev, fr, code->a));

    if (rc == FLAGSHIP_DECLINED) {
        flagship_value_null(dst);
        return;
    }

    flagship_value_bool(dst, rc);
}


int
flagship_eval_matches(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, const flagship_value_t *v)
{
    int                      rc;
    void                    *memory;
    uint32_t                 used;
    flagship_scratch_t      *s;
    const flagship_regex_t  *regex;

    if (v->type != FLAGSHIP_STRING) {
        return FLAGSHIP_DECLINED;
    }

    s = ev->scratch;
    used = s->used;
    regex = (const flagship_regex_t *) (fr->chunk + code->imm);

    memory = flagship_scratch_alloc(s, flagship_regex_memory(regex));
    if (memory == NULL) {
        return FLAGSHIP_DECLINED;
    }

    rc = flagship_regex_match(regex, flagship_str(v->u.str, v->len), memory,
                              &s->steps);

    s->used = used;
    s->spilled += (rc == FLAGSHIP_DECLINED);

    return rc;
}


static void
flagship_eval_time(const flagship_value_t *v, flagship_value_t *dst)
{
    int64_t  seconds;

    if (v->type == FLAGSHIP_NUMBER) {
        *dst = *v;
        return;
    }

    if (v->type != FLAGSHIP_STRING
        || flagship_time_parse(flagship_str(v->u.str, v->len), &seconds)
           != FLAGSHIP_OK)
    {
        flagship_value_null(dst);
        return;
    }

    dst->type = FLAGSHIP_NUMBER;
    dst->u.number = seconds;
}


static void
flagship_eval_lower(flagship_eval_t *ev, const flagship_value_t *v,
    flagship_value_t *dst)
{
    flagship_str_t       folded;
    flagship_scratch_t  *s;

    s = ev->scratch;

    if (v->type != FLAGSHIP_STRING) {
        flagship_value_null(dst);
        return;
    }

    if (flagship_fold(flagship_str(v->u.str, v->len), s->buf + s->used,
                      FLAGSHIP_SCRATCH - s->used, &folded)
        != FLAGSHIP_OK)
    {
        s->spilled++;
        flagship_value_null(dst);
        return;
    }

    s->used += folded.len;

    flagship_value_string(dst, folded);
}


static void
flagship_eval_bucket_of(const flagship_value_t *v, const flagship_code_t *code,
    flagship_value_t *dst)
{
    uint32_t  bucket;

    if (v->type != FLAGSHIP_STRING) {
        flagship_value_null(dst);
        return;
    }

    bucket = flagship_bucket(code->aux, code->imm,
                             flagship_str(v->u.str, v->len));

    dst->type = FLAGSHIP_NUMBER;
    dst->u.number = bucket;
}


/* The variant's name that another flag serves. */

static void
flagship_eval_variant(flagship_eval_t *ev, uint32_t flag,
    flagship_value_t *dst)
{
    flagship_decision_t  d;

    flagship_value_null(dst);

    if (flag == FLAGSHIP_NONE) {
        return;
    }

    flagship_eval_flag(ev, flag, &d);

    if (d.variant != FLAGSHIP_NO_VARIANT) {
        flagship_value_string(dst, flagship_variant_name(ev->image, flag,
                                                         d.variant));
    }
}


/* A path that is computed: {"var": []} is the context, as "" is. */

static void
flagship_eval_var(flagship_eval_t *ev, const flagship_value_t *path,
    flagship_value_t *dst)
{
    char            buf[FLAGSHIP_NUMBER_LEN];
    flagship_str_t  name;

    flagship_value_null(dst);

    if (path->type == FLAGSHIP_JSON) {

        if (path->u.node->type != FLAGSHIP_JSON_ARRAY
            || path->u.node->len != 0)
        {
            return;
        }

        name = flagship_str("", 0);

    } else {
        (void) flagship_value_text(path, buf, sizeof(buf), &name);
    }

    flagship_eval_lookup(ev, name, dst);
}


/*
 * An attribute by name.  One that the rules also name as a constant has a
 * slot, and is read once; another is asked for each time.
 */

void
flagship_eval_lookup(flagship_eval_t *ev, flagship_str_t path,
    flagship_value_t *dst)
{
    uint32_t                  hash, i, mask;
    const uint32_t           *table;
    const flagship_symbol_t  *attrs;

    if (flagship_str_is(path, "$flagd.flagKey")) {
        flagship_value_string(dst, ev->key);
        return;
    }

    if (flagship_str_is(path, "$flagd.timestamp")) {
        dst->type = FLAGSHIP_NUMBER;
        dst->u.number = ev->now;
        return;
    }

    attrs = flagship_symbols(ev->image, attrs);
    table = flagship_table(ev->image, attr_table);
    mask = ev->image->attr_table.n - 1;
    hash = flagship_hash32(path.data, path.len);

    for (i = hash & mask; table[i] != FLAGSHIP_NONE; i = (i + 1) & mask) {

        if (attrs[table[i]].hash == hash
            && flagship_str_eq(flagship_symbol_str(ev->image,
                                                   &attrs[table[i]]), path))
        {
            if (!ev->filled[table[i]]) {
                flagship_eval_fill(ev, table[i]);
            }

            *dst = ev->slots[table[i]].value;
            return;
        }
    }

    flagship_value_null(dst);

    ev->fetch(ev->data, path, hash, dst);
}


/*
 * Of none, "+" is 0 and "*" is 1, the others are null.  Of one, "-" negates
 * and "/" is the reciprocal.  What is no finite number is null.
 */

static void
flagship_eval_math(const flagship_value_t *arg, uint32_t n, uint32_t how,
    flagship_value_t *dst)
{
    double                       result, x;
    uint32_t                     i, op;
    flagship_value_t             element;
    const flagship_json_node_t  *node;

    op = how & ~FLAGSHIP_SPREAD;
    node = NULL;

    if ((how & FLAGSHIP_SPREAD) && arg->type == FLAGSHIP_JSON
        && arg->u.node->type == FLAGSHIP_JSON_ARRAY)
    {
        node = arg->u.node + 1;
        n = arg->u.node->len;
    }

    result = (op == FLAGSHIP_MATH_MULTIPLY);

    for (i = 0; i < n; i++) {

        if (node) {
            flagship_value_node(&element, node);
            x = flagship_value_number(&element);
            node += node->next;

        } else {
            x = flagship_value_number(&arg[i]);
        }

        result = i ? flagship_eval_fold(op, result, x) : x;
    }

    if (n == 1 && op == FLAGSHIP_MATH_SUBTRACT) {
        result = -result;

    } else if (n == 1 && op == FLAGSHIP_MATH_DIVIDE) {
        result = 1 / result;
    }

    flagship_value_null(dst);

    if (!isfinite(result)
        || (n == 0 && op != FLAGSHIP_MATH_ADD && op != FLAGSHIP_MATH_MULTIPLY)
        || (n == 1 && op == FLAGSHIP_MATH_MODULO))
    {
        return;
    }

    dst->type = FLAGSHIP_NUMBER;
    dst->u.number = result;
}


static double
flagship_eval_fold(unsigned how, double a, double b)
{
    switch (how) {

    case FLAGSHIP_MATH_ADD:
        return a + b;

    case FLAGSHIP_MATH_SUBTRACT:
        return a - b;

    case FLAGSHIP_MATH_MULTIPLY:
        return a * b;

    case FLAGSHIP_MATH_DIVIDE:
        return a / b;

    case FLAGSHIP_MATH_MODULO:
        return fmod(a, b);
    }

    if (isnan(a) || isnan(b)) {
        return NAN;
    }

    return (how == FLAGSHIP_MATH_MIN) == (a < b) ? a : b;
}


/*
 * A part of a text, in code points.  A negative start counts from the end, a
 * negative length is where it ends, counted from the end; a null length is
 * none.  The part points into the text; that of a number is printed first.
 */

static void
flagship_eval_substr(flagship_eval_t *ev, const flagship_value_t *arg,
    flagship_value_t *dst)
{
    char            *buf;
    double           start, count, n;
    size_t           from, to, i;
    flagship_str_t   text;

    flagship_value_null(dst);

    buf = NULL;

    if (arg[0].type == FLAGSHIP_NUMBER) {
        buf = flagship_scratch_alloc(ev->scratch, FLAGSHIP_NUMBER_LEN);
        if (buf == NULL) {
            return;
        }

    } else if (arg[0].type == FLAGSHIP_JSON) {
        return;
    }

    (void) flagship_value_text(&arg[0], buf, FLAGSHIP_NUMBER_LEN, &text);

    for (i = 0, n = 0; i < text.len; i++) {
        n += ((unsigned char) text.data[i] & 0xc0) != 0x80;
    }

    start = trunc(flagship_value_number(&arg[1]));

    if (isnan(start)) {
        start = 0;
    }

    start = start < 0 ? fmax(n + start, 0) : fmin(start, n);

    count = n;

    if (arg[2].type != FLAGSHIP_NULL) {
        count = trunc(flagship_value_number(&arg[2]));

        if (isnan(count)) {
            count = 0;
        }
    }

    count = count < 0 ? n + count - start : fmin(count, n - start);

    if (count <= 0) {
        flagship_value_string(dst, flagship_str("", 0));
        return;
    }

    from = flagship_eval_points(text.data, text.len, start);
    to = from + flagship_eval_points(text.data + from, text.len - from,
                                     count);

    flagship_value_string(dst, flagship_str(text.data + from, to - from));
}


/* The bytes of the first n code points. */

static size_t
flagship_eval_points(const char *s, size_t len, double n)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (((unsigned char) s[i] & 0xc0) != 0x80 && n-- < 1) {
            break;
        }
    }

    return i;
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
