
/*
 * Copyright (C) Flagship
 */


/*
 * A walk over a document for what it names, and from there over the records of
 * the image, each at most once, for a way back.  Any thread.
 */


#include <stdlib.h>
#include <string.h>

#include "flagship_check.h"
#include "flagship_code.h"
#include "flagship_pointer.h"


typedef enum {
    FLAGSHIP_CHECK_FLAG = 0,
    FLAGSHIP_CHECK_SEGMENT
} flagship_check_kind_e;


typedef struct {
    const flagship_check_t  *check;
    flagship_pointer_t       pointer;
    char                     buf[192];
    uint8_t                 *seen;       /* flags, then segments: bytes */
    uint32_t                *stack;      /* records to be looked at */
    unsigned                 failed:1;
    unsigned                 nomem:1;
} flagship_checker_t;


static void flagship_check_document(flagship_checker_t *c,
    const flagship_json_node_t *document);
static void flagship_check_prerequisites(flagship_checker_t *c,
    const flagship_json_node_t *list);
static void flagship_check_rules(flagship_checker_t *c,
    const flagship_json_node_t *rules);
static void flagship_check_expression(flagship_checker_t *c,
    const flagship_json_node_t *node);
static void flagship_check_name(flagship_checker_t *c,
    flagship_check_kind_e kind, const flagship_json_node_t *node);
static void flagship_check_error(flagship_checker_t *c, const char *fmt,
    flagship_str_t name);
static uint32_t flagship_check_find(flagship_checker_t *c,
    flagship_check_kind_e kind, flagship_str_t name);
static int flagship_check_returns(flagship_checker_t *c, uint32_t record);
static int flagship_check_record(flagship_checker_t *c, uint32_t record,
    uint32_t *n);


int
flagship_check(const flagship_check_t *check,
    const flagship_json_node_t *document)
{
    flagship_checker_t  c;

    c.check = check;
    c.seen = NULL;
    c.stack = NULL;
    c.failed = 0;
    c.nomem = 0;

    flagship_pointer_init(&c.pointer, c.buf, sizeof(c.buf));

    if (check->segment) {
        flagship_pointer_step(&c.pointer, "when", 4);
        flagship_check_expression(&c, document);

    } else {
        flagship_check_document(&c, document);
    }

    free(c.seen);
    free(c.stack);

    return c.nomem ? FLAGSHIP_ERROR
                   : c.failed ? FLAGSHIP_DECLINED : FLAGSHIP_OK;
}


static void
flagship_check_document(flagship_checker_t *c,
    const flagship_json_node_t *document)
{
    const flagship_json_node_t  *node;

    node = flagship_json_get(document, "prerequisites");

    if (node && node->type == FLAGSHIP_JSON_ARRAY) {
        flagship_pointer_step(&c->pointer, "prerequisites", 13);
        flagship_check_prerequisites(c, node);
        flagship_pointer_back(&c->pointer, 0);
    }

    node = flagship_json_get(document, "rules");

    if (node && node->type == FLAGSHIP_JSON_ARRAY) {
        flagship_pointer_step(&c->pointer, "rules", 5);
        flagship_check_rules(c, node);
        flagship_pointer_back(&c->pointer, 0);
    }
}


static void
flagship_check_prerequisites(flagship_checker_t *c,
    const flagship_json_node_t *list)
{
    size_t                       len;
    uint32_t                     i, k, flag;
    flagship_str_t               name;
    const flagship_image_t      *image;
    const flagship_json_node_t  *node, *key, *variant;

    image = c->check->image;
    len = c->pointer.len;
    node = list + 1;

    for (i = 0; i < list->len; i++, node += node->next) {
        key = flagship_json_get(node, "flag");
        variant = flagship_json_get(node, "variant");

        flagship_pointer_index(&c->pointer, i);
        flagship_pointer_step(&c->pointer, "flag", 4);

        flag = flagship_check_find(c, FLAGSHIP_CHECK_FLAG,
                                   flagship_json_str(key));

        if (flag == FLAGSHIP_NONE) {
            flagship_check_error(c, "there is no flag \"%.*s\"",
                                 flagship_json_str(key));

        } else {
            flagship_check_name(c, FLAGSHIP_CHECK_FLAG, key);

            name = flagship_json_str(variant);

            for (k = 0; k < flagship_flags(image)[flag].nvariants; k++) {
                if (flagship_str_eq(flagship_variant_name(image, flag, k),
                                    name))
                {
                    break;
                }
            }

            if (k == flagship_flags(image)[flag].nvariants
                && !(flagship_flags(image)[flag].bits & FLAGSHIP_FLAG_BROKEN))
            {
                flagship_pointer_back(&c->pointer, len);
                flagship_pointer_index(&c->pointer, i);
                flagship_pointer_step(&c->pointer, "variant", 7);
                flagship_check_error(c, "that flag has no variant "
                                     "\"%.*s\"", name);
            }
        }

        flagship_pointer_back(&c->pointer, len);
    }
}


static void
flagship_check_rules(flagship_checker_t *c, const flagship_json_node_t *rules)
{
    size_t                       len;
    uint32_t                     i;
    const flagship_json_node_t  *rule, *node;

    len = c->pointer.len;
    rule = rules + 1;

    for (i = 0; i < rules->len; i++, rule += rule->next) {
        flagship_pointer_index(&c->pointer, i);

        node = flagship_json_get(rule, "when");

        if (node) {
            flagship_pointer_step(&c->pointer, "when", 4);
            flagship_check_expression(c, node);
            flagship_pointer_back(&c->pointer, len);
            flagship_pointer_index(&c->pointer, i);
        }

        node = flagship_json_get(rule, "serve");
        flagship_pointer_step(&c->pointer, "serve", 5);

        if (node->type == FLAGSHIP_JSON_OBJECT
            && flagship_json_get(node, "split"))
        {
            /* its weights are no expression, though they may look like one */

            node = flagship_json_get(node, "by");
            flagship_pointer_step(&c->pointer, "by", 2);
        }

        if (node) {
            flagship_check_expression(c, node);
        }

        flagship_pointer_back(&c->pointer, len);
    }
}


/* An object with one member is an operator; all others are data.  The parser
   has bounded how deep they nest. */

static void
flagship_check_expression(flagship_checker_t *c,
    const flagship_json_node_t *node)
{
    size_t                       len;
    uint32_t                     i;
    flagship_str_t               name;
    const flagship_json_node_t  *value, *first;

    len = c->pointer.len;

    if (node->type == FLAGSHIP_JSON_ARRAY) {
        value = node + 1;

        for (i = 0; i < node->len; i++, value += value->next) {
            flagship_pointer_index(&c->pointer, i);
            flagship_check_expression(c, value);
            flagship_pointer_back(&c->pointer, len);
        }

        return;
    }

    if (node->type != FLAGSHIP_JSON_OBJECT || node->len != 1) {
        return;
    }

    name = flagship_json_str(node + 1);
    value = node + 2;
    first = (value->type == FLAGSHIP_JSON_ARRAY && value->len)
            ? value + 1 : value;

    flagship_pointer_step(&c->pointer, name.data, name.len);

    if (flagship_str_is(name, "segment")) {
        flagship_check_name(c, FLAGSHIP_CHECK_SEGMENT, first);

    } else if (flagship_str_is(name, "flag")) {
        flagship_check_name(c, FLAGSHIP_CHECK_FLAG, first);

    } else {
        flagship_check_expression(c, value);
    }

    flagship_pointer_back(&c->pointer, len);
}


static void
flagship_check_name(flagship_checker_t *c, flagship_check_kind_e kind,
    const flagship_json_node_t *node)
{
    uint32_t                 record;
    flagship_str_t           name;
    const flagship_check_t  *check;

    check = c->check;

    if (node->type != FLAGSHIP_JSON_STRING) {
        return;
    }

    name = flagship_json_str(node);

    if (check->segment == (kind == FLAGSHIP_CHECK_SEGMENT)
        && flagship_str_eq(name, check->key))
    {
        flagship_check_error(c, "\"%.*s\" asks for itself", name);
        return;
    }

    record = flagship_check_find(c, kind, name);

    if (record == FLAGSHIP_NONE) {

        if (kind == FLAGSHIP_CHECK_SEGMENT) {
            flagship_check_error(c, "there is no segment \"%.*s\"", name);

        } else {
            flagship_errors_warn(check->errors, "no-flag", flagship_str("", 0),
                                 c->buf, "there is no flag \"%.*s\"",
                                 (int) name.len, name.data);
        }

    } else if (flagship_check_returns(c, record)) {
        flagship_check_error(c, "\"%.*s\" asks for what asks for it", name);
    }
}


static void
flagship_check_error(flagship_checker_t *c, const char *fmt,
    flagship_str_t name)
{
    flagship_errors_add(c->check->errors, 0, flagship_str("", 0), c->buf, fmt,
                        (int) name.len, name.data);

    c->failed = 1;
}


/* A number among flags, then segments. */

static uint32_t
flagship_check_find(flagship_checker_t *c, flagship_check_kind_e kind,
    flagship_str_t name)
{
    int                      rc;
    size_t                   least;
    uint32_t                 low, high, middle;
    const char              *key;
    const flagship_flag_t   *segments, *s;
    const flagship_image_t  *image;

    image = c->check->image;

    if (image == NULL) {
        return FLAGSHIP_NONE;
    }

    if (kind == FLAGSHIP_CHECK_FLAG) {
        return flagship_image_find(image, name);
    }

    segments = flagship_segments(image);
    low = 0;
    high = image->segments.n;

    while (low < high) {
        middle = low + (high - low) / 2;
        s = &segments[middle];
        key = flagship_at(image, s->chunk + s->key);
        least = s->key_len < name.len ? s->key_len : name.len;

        rc = memcmp(key, name.data, least);

        if (rc == 0) {
            rc = (s->key_len > name.len) - (s->key_len < name.len);
        }

        if (rc == 0) {
            return image->flags.n + middle;
        }

        if (rc < 0) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return FLAGSHIP_NONE;
}


/* Whether a record comes, by whatever way, to the document. */

static int
flagship_check_returns(flagship_checker_t *c, uint32_t record)
{
    uint32_t                 n, total;
    const flagship_image_t  *image;

    image = c->check->image;
    total = image->flags.n + image->segments.n;

    if (c->seen == NULL && !c->nomem) {
        c->seen = calloc(total, 1);
        c->stack = malloc(total * sizeof(uint32_t));

        if (c->seen == NULL || c->stack == NULL) {
            c->nomem = 1;
        }
    }

    if (c->nomem || c->seen[record]) {
        return 0;
    }

    c->seen[record] = 1;
    c->stack[0] = record;

    for (n = 1; n; /* void */ ) {
        record = c->stack[--n];

        if (flagship_check_record(c, record, &n)) {
            return 1;
        }
    }

    return 0;
}


/* What the record asks for goes onto the stack; 1: it is the document. */

static int
flagship_check_record(flagship_checker_t *c, uint32_t record, uint32_t *n)
{
    uint32_t                 k, kind, target;
    const char              *chunk;
    const uint32_t          *relocs;
    const flagship_code_t   *code;
    const flagship_flag_t   *r;
    const flagship_check_t  *check;
    const flagship_image_t  *image;

    check = c->check;
    image = check->image;

    r = record < image->flags.n
        ? &flagship_flags(image)[record]
        : &flagship_segments(image)[record - image->flags.n];

    chunk = flagship_at(image, r->chunk);
    relocs = (const uint32_t *) (chunk + r->relocs);
    code = flagship_code(image, r);

    for (k = 0; k < r->nrelocs; k++) {
        kind = relocs[k] >> FLAGSHIP_RELOC_SHIFT;

        if (kind < FLAGSHIP_RELOC_FLAG) {
            continue;
        }

        target = code[relocs[k] & FLAGSHIP_RELOC_MASK].imm;
        k++;

        if (check->segment == (kind == FLAGSHIP_RELOC_SEGMENT)
            && flagship_str_eq(flagship_literal(chunk, relocs[k]), check->key))
        {
            return 1;
        }

        if (target == FLAGSHIP_NONE) {
            continue;
        }

        if (kind == FLAGSHIP_RELOC_SEGMENT) {
            target += image->flags.n;
        }

        if (!c->seen[target]) {
            c->seen[target] = 1;
            c->stack[(*n)++] = target;
        }
    }

    return 0;
}
