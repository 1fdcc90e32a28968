
/*
 * Copyright (C) Flagship
 */


/*
 * The reader of contexts: one pass over a text, which checks all of it and
 * puts into slots what the image asks for.
 *
 * It never refuses: whatever it cannot vouch for (an error, names that look
 * like duplicates, an array that is asked for) it leaves to the parser, whose
 * word is the last.  So it knows no sentence about errors, and looks at names
 * by their hashes alone: two that are the same are the parser's business.
 */


#include <stdlib.h>

#include "flagship_code.h"
#include "flagship_context_plan.h"
#include "flagship_json_parser.h"


#define FLAGSHIP_CONTEXT_NAMES    32768u      /* a power of two */
#define FLAGSHIP_CONTEXT_PROBES   32u
#define FLAGSHIP_CONTEXT_TURN     0xffffu     /* bits of a name's turn */
#define FLAGSHIP_CONTEXT_NAME     18          /* bytes that a short name may
                                                 be read with, and a colon */

#define FLAGSHIP_CONTEXT_NOWHERE  0xffffffffu /* nothing is asked for here */
#define FLAGSHIP_CONTEXT_AROUND   0xfffffffeu /* the member is looked for */
#define FLAGSHIP_CONTEXT_BEHIND   0xfffffffdu /* a value has been read */


typedef struct {
    flagship_json_parser_t     parser;     /* its frames hold steps as nodes,
                                              and seeds as what was seen */
    flagship_context_t        *context;
    flagship_eval_t           *ev;
    flagship_context_plan_t   *plan;
    flagship_str_t             member;
    const char                *last;
    uint64_t                   seed;       /* of the names of an object */
    uint32_t                   mask;
    uint32_t                   left;       /* names that are still taken */
    uint32_t                   known;      /* names of the context that came
                                              in the order of those before */
    unsigned                   strange:1;  /* another came */
    unsigned                   learn:1;    /* and goes into the order */
} flagship_context_reader_t;


static int flagship_context_prepare(flagship_context_t *context,
    const flagship_image_t *image);
static int flagship_context_scan(flagship_context_reader_t *r,
    const char *text);
static const char *flagship_context_open(flagship_context_reader_t *r,
    const char *p, uint32_t step);
static const char *flagship_context_members(flagship_context_reader_t *r,
    const char *p, const flagship_json_frame_t *frame, uint32_t *step);
static const char *flagship_context_colon(const char *p, const char *last);
static const char *flagship_context_scalar(flagship_context_reader_t *r,
    const char *p, uint32_t step);
static const char *flagship_context_string(flagship_context_reader_t *r,
    const char *p, flagship_str_t *s);
static const char *flagship_context_number(flagship_context_reader_t *r,
    const char *p, int wanted, double *number);
static int flagship_context_whole(flagship_context_t *context,
    const char *text, size_t len, const char *member);


int
flagship_context_read(flagship_context_t *context, flagship_eval_t *ev,
    const char *text, size_t len, const char *member)
{
    flagship_context_reader_t  r;

    if (flagship_context_prepare(context, ev->image) != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    if (context->plan.whole || len > FLAGSHIP_MAX_DOCUMENT) {
        return flagship_context_whole(context, text, len, member);
    }

    r.parser.text = text;
    r.parser.last = text + len;
    r.parser.json = &context->json;

    r.context = context;
    r.ev = ev;
    r.plan = &context->plan;
    r.member = flagship_str(member, member ? strlen(member) : 0);
    r.last = text + len;
    r.seed = 0;
    r.known = 0;
    r.strange = 0;
    r.learn = 0;

    /* a member takes five bytes and more */

    for (r.mask = 63; r.mask < len / 4; r.mask = r.mask * 2 + 1) {

        if (r.mask == FLAGSHIP_CONTEXT_NAMES - 1) {
            break;
        }
    }

    r.left = r.mask / 2;

    if (flagship_context_scan(&r, text) == FLAGSHIP_OK) {

        if (!r.strange) {
            r.plan->strangers = 0;
        }

        return FLAGSHIP_OK;
    }

    memset(ev->filled, 0, ev->image->attrs.n);

    return flagship_context_whole(context, text, len, member);
}


static int
flagship_context_prepare(flagship_context_t *context,
    const flagship_image_t *image)
{
    context->root = NULL;
    context->offset = 0;
    context->error = NULL;

    if ((context->plan.n == 0 || context->plan.digest != image->digest)
        && flagship_context_plan(&context->plan, image) != FLAGSHIP_OK)
    {
        return FLAGSHIP_ERROR;
    }

    if (context->names == NULL) {

        context->names = calloc(FLAGSHIP_CONTEXT_NAMES, sizeof(uint64_t));
        if (context->names == NULL) {
            return FLAGSHIP_ERROR;
        }
    }

    /* names of other turns are no names */

    context->turn = (context->turn + 1) & FLAGSHIP_CONTEXT_TURN;

    if (context->turn == 0) {
        memset(context->names, 0, FLAGSHIP_CONTEXT_NAMES * sizeof(uint64_t));
        context->turn = 1;
    }

    if (context->json.arena.block) {
        flagship_arena_reset(&context->json.arena);
    }

    return FLAGSHIP_OK;
}


/* FLAGSHIP_OK: all is well, and done; FLAGSHIP_DECLINED: who knows. */

static int
flagship_context_scan(flagship_context_reader_t *r, const char *text)
{
    char                    end;
    uint32_t                step;
    const char             *p, *last;
    flagship_json_frame_t  *frame;

    last = r->last;
    frame = r->parser.frames;
    end = '}';

    r->parser.depth = 0;

    p = flagship_json_blank(text, last);

    if (p == last || *p != '{') {
        return FLAGSHIP_DECLINED;
    }

    step = r->member.data ? FLAGSHIP_CONTEXT_AROUND : 0;

    for ( ;; ) {

        if (*p == '{' || *p == '[') {

            p = flagship_context_open(r, p, step);

            if (p == NULL) {
                return FLAGSHIP_DECLINED;
            }

            frame = &r->parser.frames[r->parser.depth - 1];
            end = frame->object ? '}' : ']';

            p = flagship_json_blank(p, last);

            if (p < last && *p != end) {
                goto member;
            }

        } else {
            p = flagship_context_scalar(r, p, step);

            if (p == NULL) {
                return FLAGSHIP_DECLINED;
            }
        }

    behind:

        /* a value, or where an empty container ends */

        while (p == last || *p != ',') {
            p = flagship_json_blank(p, last);

            if (p == last) {
                return FLAGSHIP_DECLINED;
            }

            if (*p == ',') {
                break;
            }

            if (*p != end) {
                return FLAGSHIP_DECLINED;
            }

            p++;

            if (--r->parser.depth == 0) {
                p = flagship_json_blank(p, last);
                return p == last ? FLAGSHIP_OK : FLAGSHIP_DECLINED;
            }

            frame = &r->parser.frames[r->parser.depth - 1];
            end = frame->object ? '}' : ']';
        }

        p = flagship_json_blank(p + 1, last);

    member:

        step = FLAGSHIP_CONTEXT_NOWHERE;

        if (frame->object) {
            p = flagship_context_members(r, p, frame, &step);
        }

        if (p == NULL || p == last) {
            return FLAGSHIP_DECLINED;
        }

        if (step == FLAGSHIP_CONTEXT_BEHIND) {
            goto behind;
        }
    }
}


/* A container that is asked for, or an element of one, takes nodes. */

static const char *
flagship_context_open(flagship_context_reader_t *r, const char *p,
    uint32_t step)
{
    flagship_json_frame_t  *frame;

    if (r->parser.depth == FLAGSHIP_MAX_DEPTH) {
        return NULL;
    }

    if (step < FLAGSHIP_CONTEXT_BEHIND
        && (r->plan->steps[step].slot != FLAGSHIP_NONE || *p == '['))
    {
        return NULL;
    }

    r->seed += 0x9e3779b97f4a7c15ull;

    frame = &r->parser.frames[r->parser.depth++];

    frame->node = step;
    frame->object = (*p == '{');
    frame->seen = r->seed;

    return p + 1;
}


/* Whether no name of this text has this hash. */

static inline __attribute__((always_inline)) int
flagship_context_new(flagship_context_reader_t *r, uint64_t hash)
{
    uint64_t  *name, turn;
    unsigned   i;

    if (r->left-- == 0) {
        return 0;
    }

    turn = r->context->turn;
    hash = (hash & ~(uint64_t) FLAGSHIP_CONTEXT_TURN) | turn;

    for (i = 0; i < FLAGSHIP_CONTEXT_PROBES; i++) {
        name = &r->context->names[((hash >> 32) + i) & r->mask];

        if (*name == hash) {
            return 0;
        }

        if ((*name & FLAGSHIP_CONTEXT_TURN) != turn) {
            *name = hash;
            return 1;
        }
    }

    return 0;
}


/* What is asked for under a name; 0: the name might have been there before. */

static inline __attribute__((always_inline)) int
flagship_context_named(flagship_context_reader_t *r,
    const flagship_json_frame_t *frame, const flagship_context_name_t *name,
    uint32_t *step)
{
    uint32_t  found, slot;

    *step = FLAGSHIP_CONTEXT_NOWHERE;

    if (frame->node < FLAGSHIP_CONTEXT_BEHIND) {
        found = flagship_context_step(r->plan, r->ev->image, frame->node,
                                      name);

        if (found) {
            *step = found;
            slot = r->plan->steps[found].slot;

            if (slot != FLAGSHIP_NONE) {

                /* a name that comes again comes to the same slot */

                return !r->ev->filled[slot];
            }
        }

    } else if (frame->node == FLAGSHIP_CONTEXT_AROUND
               && flagship_str_eq(flagship_str(name->data, name->len),
                                  r->member))
    {
        *step = 0;
    }

    return flagship_context_new(r, name->hash + frame->seen);
}


/*
 * Whether the name at p is the one that came next in the text before.  As long
 * as all are, they differ from each other as those did.
 */

static inline const flagship_context_order_t *
flagship_context_known(const flagship_context_reader_t *r, const char *p)
{
    const flagship_context_order_t  *known;

    if (r->known == r->plan->nknown) {
        return NULL;
    }

    known = &r->plan->known[r->known];

    return (((flagship_read64(p + 1) & known->keep[0]) ^ known->head)
            | ((flagship_read64(p + 9) & known->keep[1]) ^ known->tail)) == 0
           && p[known->len + 1] == '"' ? known : NULL;
}


/* Another name of the context has come, and might be one of those before. */

static int
flagship_context_strange(flagship_context_reader_t *r, uint64_t seen)
{
    uint32_t                         i;
    const flagship_context_order_t  *known;

    r->strange = 1;

    if (r->plan->strangers++ == FLAGSHIP_CONTEXT_LEARN) {
        r->plan->strangers = 0;
        r->plan->nknown = r->known;
        r->learn = 1;
    }

    for (i = 0; i < r->known; i++) {
        known = &r->plan->known[i];

        if ((known->step == FLAGSHIP_CONTEXT_NOWHERE
             || r->plan->steps[known->step].slot == FLAGSHIP_NONE)
            && !flagship_context_new(r, known->hash + seen))
        {
            return 0;
        }
    }

    return 1;
}


/* It goes to the end of the order. */

static void
flagship_context_learn(flagship_context_reader_t *r,
    const flagship_context_name_t *name, uint32_t step)
{
    flagship_context_order_t  *known;

    if (r->plan->nknown == FLAGSHIP_CONTEXT_ORDER) {
        return;
    }

    known = &r->plan->known[r->plan->nknown++];

    known->head = name->head;
    known->tail = name->tail;
    known->keep[0] = flagship_context_keep_bytes(name->len, 0);
    known->keep[1] = flagship_context_keep_bytes(name->len, 8);
    known->hash = name->hash;
    known->len = (uint32_t) name->len;
    known->step = step;
}


/*
 * Members of an object from a name on: as many as are written as most are (a
 * name that is plain and short, no container), and up to the value of the
 * first that is not.
 */

static const char *
flagship_context_members(flagship_context_reader_t *r, const char *p,
    const flagship_json_frame_t *frame, uint32_t *step)
{
    unsigned                         n, ordered;
    const char                      *last;
    flagship_str_t                   s;
    flagship_context_name_t          name;
    const flagship_context_order_t  *known;

    last = r->last;
    ordered = (frame->node == 0 && !r->strange);

    while (last - p > FLAGSHIP_CONTEXT_NAME && *p == '"') {

        known = ordered ? flagship_context_known(r, p) : NULL;

        if (known) {
            r->known++;
            p += known->len + 2;
            *step = known->step;

        } else {
            n = flagship_json_plain16(p + 1);

            if (n == 16 || p[n + 1] != '"') {
                break;
            }

            flagship_context_short_name(&name, p + 1, n);

            p += n + 2;

            if (ordered) {
                ordered = 0;

                if (!flagship_context_strange(r, frame->seen)) {
                    return NULL;
                }
            }

            if (!flagship_context_named(r, frame, &name, step)) {
                return NULL;
            }

            if (r->learn && frame->node == 0) {
                flagship_context_learn(r, &name, *step);
            }
        }

        if (p[0] != ':' || p[1] <= ' ') {
            p = flagship_context_colon(p, last);

            if (p == NULL) {
                return NULL;
            }

        } else {
            p++;
        }

        if (p == last || *p == '{' || *p == '[') {
            return p;
        }

        p = flagship_context_scalar(r, p, *step);

        if (p == NULL || p == last) {
            return NULL;
        }

        if (*p != ',') {
            *step = FLAGSHIP_CONTEXT_BEHIND;
            return p;
        }

        p++;

        if (p < last && *p <= ' ') {
            p = flagship_json_blank(p, last);
        }
    }

    if (p == last || *p != '"') {
        return NULL;
    }

    p = flagship_context_string(r, p, &s);

    if (p == NULL) {
        return NULL;
    }

    flagship_context_name(&name, s.data, s.len);

    if (ordered && !flagship_context_strange(r, frame->seen)) {
        return NULL;
    }

    return flagship_context_named(r, frame, &name, step)
           ? flagship_context_colon(p, last) : NULL;
}


/* From behind a name to its value. */

static const char *
flagship_context_colon(const char *p, const char *last)
{
    p = flagship_json_blank(p, last);

    if (p == last || *p != ':') {
        return NULL;
    }

    return flagship_json_blank(p + 1, last);
}


static inline const char *
flagship_context_word(const flagship_context_reader_t *r, const char *p,
    const char *word, size_t len)
{
    return (size_t) (r->last - p) >= len && memcmp(p, word, len) == 0
           ? p + len : NULL;
}


static inline __attribute__((always_inline)) const char *
flagship_context_scalar(flagship_context_reader_t *r, const char *p,
    uint32_t step)
{
    uint32_t           slot;
    flagship_str_t     s;
    flagship_value_t  *value, nobody;

    slot = FLAGSHIP_NONE;
    value = &nobody;

    if (step < FLAGSHIP_CONTEXT_BEHIND) {
        slot = r->plan->steps[step].slot;

        if (step == 0) {
            /* the context itself is none */
            return NULL;
        }

        if (slot != FLAGSHIP_NONE) {
            r->ev->slots[slot].resolved = 0;
            r->ev->filled[slot] = 1;
            value = &r->ev->slots[slot].value;
        }
    }

    /* field by field: a copy would wait for them */

    switch (*p) {

    case '"':
        p = flagship_context_string(r, p, &s);

        value->type = FLAGSHIP_STRING;
        value->len = (uint32_t) s.len;
        value->u.str = s.data;
        return p;

    case 't':
        value->type = FLAGSHIP_TRUE;
        return flagship_context_word(r, p, "true", 4);

    case 'f':
        value->type = FLAGSHIP_FALSE;
        return flagship_context_word(r, p, "false", 5);

    case 'n':
        value->type = FLAGSHIP_NULL;
        value->len = 1;
        return flagship_context_word(r, p, "null", 4);

    default:
        value->type = FLAGSHIP_NUMBER;
        return flagship_context_number(r, p, slot != FLAGSHIP_NONE,
                                       &value->u.number);
    }
}


static inline __attribute__((always_inline)) const char *
flagship_context_string(flagship_context_reader_t *r, const char *p,
    flagship_str_t *s)
{
    const char            *end;
    flagship_json_node_t   node;

    end = flagship_json_plain(p + 1, r->last);

    if (end < r->last && *end == '"') {
        *s = flagship_str(p + 1, (size_t) (end - p - 1));
        return end + 1;
    }

    *s = flagship_str(p, 0);

    node.str = p + 1;
    r->parser.p = p;

    if (flagship_json_string_slow(&r->parser, end, &node) != FLAGSHIP_OK) {
        return NULL;
    }

    *s = flagship_json_str(&node);

    return r->parser.p;
}


/* What nobody asks for needs only its form, unless it might be too large. */

static const char *
flagship_context_number(flagship_context_reader_t *r, const char *p,
    int wanted, double *number)
{
    uint64_t               value;
    const char            *start, *end;
    flagship_json_node_t   node;

    value = 0;
    start = p + (*p == '-');
    end = (r->last - start > 15) ? start + 15 : r->last;

    for (r->parser.p = p, p = start; p < end && *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (uint64_t) (*p - '0');
    }

    if (p > start && p < end && (*start != '0' || p == start + 1)) {

        if (*p == '.' && !wanted) {
            start = ++p;

            while (p < r->last && *p >= '0' && *p <= '9') {
                p++;
            }
        }

        if (p > start && p < r->last && *p != '.' && *p != 'e' && *p != 'E') {
            *number = (*r->parser.p == '-') ? -(double) value
                                            : (double) value;
            return p;
        }
    }

    *number = 0;

    if (flagship_json_number(&r->parser, &node, number) != FLAGSHIP_OK) {
        return NULL;
    }

    return r->parser.p;
}


/* By the parser. */

static int
flagship_context_whole(flagship_context_t *context, const char *text,
    size_t len, const char *member)
{
    int                          rc;
    const flagship_json_node_t  *root, *node;

    rc = flagship_context_parse(context, text, len);

    if (rc != FLAGSHIP_OK || member == NULL) {
        return rc;
    }

    root = context->root;
    node = flagship_json_member(root, member, strlen(member));

    context->root = node;

    if (node && node->type != FLAGSHIP_JSON_OBJECT) {
        context->root = NULL;
        context->offset = flagship_json_offset(text, node);
        context->error = "a context must be an object";
        return FLAGSHIP_DECLINED;
    }

    return FLAGSHIP_OK;
}
