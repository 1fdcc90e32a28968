
/*
 * Copyright (C) Flagship
 */


/*
 * Splits: which part a bucket falls into.  What is hashed lies in the caller's
 * scratch block where it has to be written; what does not fit is null and is
 * counted.
 */


#include <math.h>

#include "flagship_cbor.h"
#include "flagship_frame.h"


static int flagship_eval_implicit(flagship_eval_t *ev, flagship_frame_t *fr,
    uint32_t operand, const flagship_murmur3_t *state, uint32_t *hash);
static int flagship_eval_cbor(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_value_t *by, uint32_t operand, uint32_t *hash);
static uint32_t flagship_eval_bucket(unsigned generation, uint32_t hash,
    uint32_t total, const uint32_t *ends, size_t stride, uint32_t n);


flagship_traced int
flagship_split_part(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, const flagship_split_part_t **part,
    flagship_bucket_t *b)
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

    if (split->mode >= FLAGSHIP_SPLIT_CBOR) {

        if (!flagship_eval_cbor(ev, fr, split->mode == FLAGSHIP_SPLIT_CBOR
                                        ? by : NULL, code->aux, &hash))
        {
            return 0;
        }

    } else if (split->mode == FLAGSHIP_SPLIT_PREFIX) {

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

    if (b) {
        b->hash = hash;
        b->total = split->total;
        b->n = split->n;
        b->part = i;
    }

    return 1;
}


int
flagship_eval_part(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, const flagship_split_part_t **part)
{
    return flagship_split_part(ev, fr, code, part, NULL);
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


/* Generation 3; "by" is NULL where none is given. */

static int
flagship_eval_cbor(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_value_t *by, uint32_t operand, uint32_t *hash)
{
    size_t                   len, size;
    char                    *buf;
    const flagship_value_t  *key;

    buf = ev->scratch->buf + ev->scratch->used;
    size = FLAGSHIP_SCRATCH - ev->scratch->used;

    if (by) {

        if (by->type == FLAGSHIP_NULL
            || (by->type == FLAGSHIP_JSON
                && by->u.node->type == FLAGSHIP_JSON_ARRAY))
        {
            return 0;
        }

        len = flagship_cbor(by, buf, size);

    } else {
        key = flagship_eval_operand(ev, fr, operand);

        if (key->type != FLAGSHIP_STRING || key->len == 0) {
            return 0;
        }

        len = flagship_cbor_pair(ev->key, flagship_str(key->u.str, key->len),
                                 buf, size);
    }

    if (len == 0) {
        ev->scratch->spilled++;
        return 0;
    }

    *hash = flagship_murmur3(buf, len);

    return 1;
}


/*
 * fractional whose names or weights are computed: register a holds "by", then
 * come imm pairs of a name and a weight.
 */

flagship_traced void
flagship_split_computed(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst, flagship_bucket_t *b)
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

    if (ev->image->fractional == 3) {

        if (!flagship_eval_cbor(ev, fr, code->jt ? by : NULL, code->aux,
                                &hash))
        {
            return;
        }

    } else if (by->type == FLAGSHIP_STRING) {
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

    if (b) {
        b->hash = hash;
        b->total = total;
        b->n = code->imm;
        b->part = i;
        memcpy(b->end, end, code->imm * sizeof(uint32_t));
    }
}


void
flagship_eval_fractional(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_value_t *dst)
{
    flagship_split_computed(ev, fr, code, dst, NULL);
}


void
flagship_eval_split_traced(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code, flagship_bucket_t *b)
{
    uint32_t                      spilled;
    flagship_value_t              v;
    const flagship_split_part_t  *part;

    b->total = 0;

    /* asked once more, and counted once */
    spilled = ev->scratch->spilled;

    if (code->op == FLAGSHIP_OP_FRACTIONAL) {
        flagship_split_computed(ev, fr, code, &v, b);

    } else {
        (void) flagship_split_part(ev, fr, code, &part, b);
    }

    ev->scratch->spilled = spilled;
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
        bucket = flagship_eval_percent(hash);
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
