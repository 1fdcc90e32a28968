
/*
 * Copyright (C) Flagship
 */


/*
 * Explaining: which part of a flag's document is being decided, written down
 * as JSON while the evaluator runs.
 *
 * The marks of a flag say which part an instruction belongs to.  Code runs
 * forward, and so do marks: a part is closed when an instruction of another
 * one runs, or the flag is decided.  A rule held when its serve was reached,
 * which the compiler sees to.
 *
 * Once the text is long enough no step and no rule is begun any more; what is
 * open is closed, so that the text is JSON at any length.
 */


#include <stdlib.h>
#include <string.h>

#include "flagship_tracer.h"


#define FLAGSHIP_EXPLAIN_VALUE  256     /* bytes of a value's text */


static void flagship_explain_part(flagship_tracer_t *t,
    flagship_level_t *level, uint32_t mark);
static void flagship_explain_leave(flagship_tracer_t *t,
    flagship_level_t *level, const flagship_decision_t *d);
static int flagship_explain_rule(flagship_tracer_t *t,
    flagship_level_t *level, const flagship_mark_t *m);
static void flagship_explain_rules(flagship_tracer_t *t,
    flagship_level_t *level, uint32_t mark);
static void flagship_explain_rest(flagship_tracer_t *t,
    flagship_level_t *level);
static void flagship_explain_schedule(flagship_tracer_t *t,
    const flagship_flag_t *f);
static char *flagship_explain_reserve(flagship_tracer_t *t, size_t n);


int
flagship_explain(flagship_eval_t *ev, uint32_t flag,
    flagship_decision_t *decision, flagship_explanation_t *explanation)
{
    flagship_tracer_t  t;

    t.ev = ev;
    t.out = explanation;
    t.depth = 0;
    t.open = 0;
    t.cut = 0;
    t.nomem = 0;

    /* what is remembered would not be explained */
    memset(ev->known, 0, ev->image->nmemo);

    ev->scratch->used = 0;
    ev->scratch->steps = FLAGSHIP_MAX_STEPS;

    flagship_eval_flag_traced(ev, flag, decision, &t);

    return t.nomem ? FLAGSHIP_ERROR : FLAGSHIP_OK;
}


void
flagship_trace_flag(flagship_tracer_t *t, uint32_t flag)
{
    flagship_str_t          source;
    flagship_level_t       *level;
    const flagship_flag_t  *f;

    level = &t->levels[t->depth++];

    memset(level, 0, sizeof(flagship_level_t));

    level->flag = flag;
    level->mark = FLAGSHIP_NONE;
    level->part = FLAGSHIP_PART_LAST;

    source = flagship_source(t->ev->image, flag, 0);

    if (source.len) {
        level->nmarks = ((const flagship_source_t *) source.data)->nmarks;
        level->marks = flagship_source_marks(source);
    }

    f = flagship_flags(t->ev->image) + flag;

    flagship_explain_next(t, "{\"flag\":");
    flagship_explain_string(t, flagship_flag_key(t->ev->image, flag));

    if (f->bits & FLAGSHIP_FLAG_BROKEN) {
        return;
    }

    flagship_explain_text(t, ",\"enabled\":");
    flagship_explain_bool(t, f->bits & FLAGSHIP_FLAG_ENABLED);

    if (f->enable_at != INT64_MIN || f->disable_at != INT64_MAX) {
        flagship_explain_schedule(t, f);
    }
}


static void
flagship_explain_schedule(flagship_tracer_t *t, const flagship_flag_t *f)
{
    flagship_explain_text(t, ",\"schedule\":{");

    if (f->enable_at != INT64_MIN) {
        flagship_explain_text(t, "\"enable_at\":");
        flagship_explain_number(t, f->enable_at);
    }

    if (f->disable_at != INT64_MAX) {
        flagship_explain_next(t, "\"disable_at\":");
        flagship_explain_number(t, f->disable_at);
    }

    flagship_explain_text(t, ",\"now\":");
    flagship_explain_number(t, t->ev->now);
    flagship_explain_text(t, ",\"holds\":");
    flagship_explain_bool(t, t->ev->now >= f->enable_at
                             && t->ev->now < f->disable_at);
    flagship_explain_text(t, "}");
}


void
flagship_trace_decision(flagship_tracer_t *t, const flagship_decision_t *d)
{
    flagship_level_t  *level;

    level = flagship_trace_level(t);

    flagship_explain_leave(t, level, d);
    flagship_explain_rest(t, level);

    flagship_explain_text(t, ",\"variant\":");

    if (d->variant == FLAGSHIP_NO_VARIANT) {
        flagship_explain_text(t, "null");

    } else {
        flagship_explain_string(t, flagship_variant_name(t->ev->image, d->flag,
                                                         d->variant));
    }

    flagship_explain_text(t, ",\"reason\":");
    flagship_explain_string(t, flagship_reason_name(d->reason));

    if (d->error != FLAGSHIP_ERROR_NONE) {
        flagship_explain_text(t, ",\"error\":");
        flagship_explain_string(t, flagship_error_name(d->error));
    }

    if (--t->depth == 0 && t->cut) {
        flagship_explain_text(t, ",\"cut\":true");
    }

    flagship_explain_text(t, "}");
}


void
flagship_trace_step(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    uint32_t           i, pc;
    flagship_level_t  *level;

    level = flagship_trace_level(t);

    if (level->segments == 0 && level->nmarks) {

        pc = code - flagship_code(t->ev->image, fr->record);
        i = level->mark == FLAGSHIP_NONE ? 0 : level->mark;

        while (i + 1 < level->nmarks && level->marks[i + 1].code <= pc) {
            i++;
        }

        if (i != level->mark) {
            flagship_explain_part(t, level, i);
        }
    }

    if (level->segments == 0 && level->part != FLAGSHIP_PART_LAST
        && !level->written)
    {
        t->open = 0;
        return;
    }

    t->open = flagship_explain_step(t, fr, code);
}


void
flagship_trace_test(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code, int holds)
{
    flagship_level_t  *level;

    level = flagship_trace_level(t);

    if (level->segments == 0) {
        level->truth = holds != 0;
    }

    if (t->open) {
        flagship_explain_text(t, ",\"holds\":");
        flagship_explain_bool(t, holds);
        flagship_explain_text(t, "}");
    }
}


void
flagship_trace_value(flagship_tracer_t *t, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    if (t->open) {
        flagship_explain_text(t, ",\"result\":");
        flagship_explain_value(t, &fr->reg[code->dst]);
        flagship_explain_text(t, "}");
    }
}


/* An instruction of another mark runs. */

static void
flagship_explain_part(flagship_tracer_t *t, flagship_level_t *level,
    uint32_t mark)
{
    uint32_t                last;
    const flagship_mark_t  *m;

    static const char *const  names[FLAGSHIP_PART_LAST] = {
        [FLAGSHIP_PART_PREREQUISITES] = "\"prerequisites\":{\"steps\":[",
        [FLAGSHIP_PART_USER_IDS] = "\"user_ids\":{\"steps\":[",
        [FLAGSHIP_PART_TARGETING] = "\"targeting\":{\"steps\":[",
        [FLAGSHIP_PART_ROLLOUT] = "\"rollout\":{\"steps\":["
    };

    m = &level->marks[mark];
    last = level->mark;
    level->mark = mark;

    if (level->part == FLAGSHIP_PART_WHEN && m->part == FLAGSHIP_PART_SERVE
        && m->index == level->marks[last].index)
    {
        level->part = FLAGSHIP_PART_SERVE;
        return;
    }

    flagship_explain_leave(t, level, NULL);

    level->part = m->part;
    level->truth = 1;

    switch (m->part) {

    case FLAGSHIP_PART_WHEN:
    case FLAGSHIP_PART_SERVE:
        flagship_explain_rules(t, level, mark);
        break;

    case FLAGSHIP_PART_DEFAULT:
        level->part = FLAGSHIP_PART_LAST;
        break;

    default:

        if (m->part == FLAGSHIP_PART_ROLLOUT) {
            flagship_explain_rest(t, level);
        }

        level->written = flagship_explain_room(t);

        if (level->written) {
            flagship_explain_next(t, names[m->part]);
        }
    }
}


/* Closes the part that is open; "d" is what it decided, or NULL. */

static void
flagship_explain_leave(flagship_tracer_t *t, flagship_level_t *level,
    const flagship_decision_t *d)
{
    unsigned  part;

    part = level->part;
    level->part = FLAGSHIP_PART_LAST;

    if (part == FLAGSHIP_PART_LAST) {
        return;
    }

    if (part == FLAGSHIP_PART_SERVE
        || (part == FLAGSHIP_PART_USER_IDS && level->truth)
        || (part == FLAGSHIP_PART_PREREQUISITES && !level->truth))
    {
        level->decided = 1;
    }

    if (!level->written) {
        return;
    }

    flagship_explain_text(t, "]");

    if (part != FLAGSHIP_PART_TARGETING) {
        flagship_explain_text(t, ",\"holds\":");
        flagship_explain_bool(t, part == FLAGSHIP_PART_SERVE
                                 || (part != FLAGSHIP_PART_WHEN
                                     && level->truth));
    }

    if (part == FLAGSHIP_PART_TARGETING || part == FLAGSHIP_PART_SERVE) {

        if (d == NULL) {
            flagship_explain_text(t, ",\"serves\":null");

        } else if (d->variant != FLAGSHIP_NO_VARIANT) {
            flagship_explain_text(t, ",\"serves\":");
            flagship_explain_string(t, flagship_variant_name(t->ev->image,
                                                             level->flag,
                                                             d->variant));
        }
    }

    flagship_explain_text(t, "}");
}


/* Begins a rule, up to what came of it. */

static int
flagship_explain_rule(flagship_tracer_t *t, flagship_level_t *level,
    const flagship_mark_t *m)
{
    const char             *name;
    const flagship_mark_t  *before;

    if (!flagship_explain_room(t)) {
        return 0;
    }

    if (!level->rules) {
        level->rules = 1;
        flagship_explain_next(t, "\"rules\":[");
    }

    flagship_explain_next(t, "{\"index\":");
    flagship_explain_number(t, m->index);

    if (m->name_len) {
        /* names stand behind the marks, one after the other */

        name = (const char *) (level->marks + level->nmarks);

        for (before = level->marks; before < m; before++) {
            name += before->name_len;
        }

        flagship_explain_text(t, ",\"name\":");
        flagship_explain_string(t, flagship_str(name, m->name_len));
    }

    return 1;
}


/* The rules up to that of a mark, which is left open: those before it did not
   hold and had nothing to ask. */

static void
flagship_explain_rules(flagship_tracer_t *t, flagship_level_t *level,
    uint32_t mark)
{
    const flagship_mark_t  *m;

    level->written = 0;

    for ( /* void */ ; level->rule <= mark; level->rule++) {
        m = &level->marks[level->rule];

        if (m->part != FLAGSHIP_PART_WHEN
            || !flagship_explain_rule(t, level, m))
        {
            continue;
        }

        flagship_explain_text(t, ",\"asked\":true,\"steps\":[");

        if (m->index == level->marks[mark].index) {
            level->written = 1;

        } else {
            flagship_explain_text(t, "],\"holds\":false}");
        }
    }
}


/* The rules that are left. */

static void
flagship_explain_rest(flagship_tracer_t *t, flagship_level_t *level)
{
    const flagship_mark_t  *m;

    for ( /* void */ ; level->rule < level->nmarks; level->rule++) {
        m = &level->marks[level->rule];

        if (m->part != FLAGSHIP_PART_WHEN
            || !flagship_explain_rule(t, level, m))
        {
            continue;
        }

        if (level->decided || level->mark == FLAGSHIP_NONE) {
            flagship_explain_text(t, ",\"asked\":false}");

        } else {
            flagship_explain_text(t, ",\"asked\":true,\"steps\":[],"
                                  "\"holds\":false}");
        }
    }

    if (level->rules) {
        level->rules = 0;
        flagship_explain_text(t, "]");
    }
}


int
flagship_explain_room(flagship_tracer_t *t)
{
    if (t->out->len < FLAGSHIP_EXPLAIN_MAX) {
        return 1;
    }

    t->cut = 1;

    return 0;
}


/* Room for n bytes behind the text; NULL: no memory. */

static char *
flagship_explain_reserve(flagship_tracer_t *t, size_t n)
{
    char                    *p;
    size_t                   size;
    flagship_explanation_t  *out;

    out = t->out;

    if (t->nomem) {
        return NULL;
    }

    if (out->size - out->len < n) {
        size = 2 * out->size + n + 1024;

        p = realloc(out->data, size);
        if (p == NULL) {
            t->nomem = 1;
            return NULL;
        }

        out->data = p;
        out->size = size;
    }

    return out->data + out->len;
}


void
flagship_explain_text(flagship_tracer_t *t, const char *text)
{
    char    *p;
    size_t   n;

    n = strlen(text);
    p = flagship_explain_reserve(t, n);

    if (p) {
        memcpy(p, text, n);
        t->out->len += n;
    }
}


void
flagship_explain_next(flagship_tracer_t *t, const char *text)
{
    if (t->out->len && strchr("[{:", t->out->data[t->out->len - 1]) == NULL) {
        flagship_explain_text(t, ",");
    }

    flagship_explain_text(t, text);
}


void
flagship_explain_string(flagship_tracer_t *t, flagship_str_t s)
{
    char    *p;
    size_t   n;

    /* an escaped byte takes six */

    n = 6 * s.len + 2;
    p = flagship_explain_reserve(t, n);

    if (p) {
        t->out->len += flagship_json_print_string(s, p, n);
    }
}


void
flagship_explain_number(flagship_tracer_t *t, double number)
{
    char  *p;

    p = flagship_explain_reserve(t, FLAGSHIP_NUMBER_LEN);

    if (p) {
        t->out->len += flagship_number_print(number, p);
    }
}


void
flagship_explain_bool(flagship_tracer_t *t, int truth)
{
    flagship_explain_text(t, truth ? "true" : "false");
}


void
flagship_explain_value(flagship_tracer_t *t, const flagship_value_t *v)
{
    char            *p, buf[FLAGSHIP_EXPLAIN_VALUE + 3];
    size_t           n;
    flagship_str_t   text;

    text.data = buf;

    if (v->type == FLAGSHIP_STRING && v->len > FLAGSHIP_EXPLAIN_VALUE) {
        text.len = flagship_utf8_cut(v->u.str, FLAGSHIP_EXPLAIN_VALUE);
        memcpy(buf, v->u.str, text.len);

    } else {
        n = flagship_value_print(v, NULL, 0);

        if (v->type != FLAGSHIP_JSON || n <= FLAGSHIP_EXPLAIN_VALUE) {
            p = flagship_explain_reserve(t, n);

            if (p) {
                t->out->len += flagship_value_print(v, p, n);
            }

            return;
        }

        /* what is not ASCII is escaped, so it may be cut anywhere */

        (void) flagship_value_print(v, buf, FLAGSHIP_EXPLAIN_VALUE);
        text.len = FLAGSHIP_EXPLAIN_VALUE;
    }

    memcpy(buf + text.len, "...", 3);
    text.len += 3;

    flagship_explain_string(t, text);
}
