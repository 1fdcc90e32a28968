
/*
 * Copyright (C) Flagship
 */


/*
 * Export: a flag in flagd's form.
 *
 * Whatever a flag of ours asks in its order becomes the branches of one "if";
 * null behind them is flagd's default variant.  Written into another flag's
 * rules, where there is no default, a name stands in the place of null.
 */


#include <string.h>

#include "flagship_exporter.h"


/* What of a flag decides, whatever its form. */

typedef struct {
    const flagship_flag_t       *record;
    const flagship_json_node_t  *prerequisites;  /* NULL: none, so below */
    const flagship_json_node_t  *user_ids;
    const flagship_json_node_t  *rules;
    const flagship_json_node_t  *targeting;
    unsigned                     all;            /* a rollout of 100 */
    flagship_str_t               off;            /* no data: none */
    flagship_str_t               otherwise;      /* the default */
    flagship_str_t               last;           /* behind the rules */
} flagship_export_flag_t;


static void flagship_export_read(flagship_exporter_t *x, uint32_t flag,
    const flagship_json_node_t *document, flagship_export_flag_t *f);
static int flagship_export_has(const flagship_json_node_t *document,
    const char *name);
static const flagship_json_node_t *flagship_export_list(
    const flagship_json_node_t *document, const char *name);
static void flagship_export_same(flagship_exporter_t *x,
    const flagship_json_node_t *document, const flagship_export_flag_t *f);
static void flagship_export_rewritten(flagship_exporter_t *x, uint32_t flag,
    const flagship_json_node_t *document, const flagship_export_flag_t *f);
static void flagship_export_decide(flagship_exporter_t *x,
    const flagship_export_flag_t *f);
static void flagship_export_or_null(flagship_exporter_t *x,
    const flagship_export_flag_t *f, flagship_str_t name, const char *what);
static void flagship_export_schedule(flagship_exporter_t *x,
    const flagship_export_flag_t *f);
static void flagship_export_prerequisites(flagship_exporter_t *x,
    const flagship_export_flag_t *f);
static int flagship_export_rules(flagship_exporter_t *x,
    const flagship_export_flag_t *f);


void
flagship_export_flagd(flagship_exporter_t *x, uint32_t flag,
    const flagship_json_node_t *document, unsigned flagd)
{
    flagship_export_flag_t  f;

    flagship_export_read(x, flag, document, &f);

    if (flagd) {
        flagship_export_same(x, document, &f);

    } else {
        flagship_export_rewritten(x, flag, document, &f);
    }
}


static void
flagship_export_read(flagship_exporter_t *x, uint32_t flag,
    const flagship_json_node_t *document, flagship_export_flag_t *f)
{
    double                       percent;
    unsigned                     simple;
    const flagship_json_node_t  *node;

    memset(f, 0, sizeof(flagship_export_flag_t));

    f->record = flagship_flags(x->image) + flag;

    if (f->record->off_variant != FLAGSHIP_NO_VARIANT) {
        f->off = flagship_variant_name(x->image, flag,
                                       f->record->off_variant);
    }

    if (f->record->default_variant != FLAGSHIP_NO_VARIANT) {
        f->otherwise = flagship_variant_name(x->image, flag,
                                             f->record->default_variant);
    }

    f->last = f->otherwise;

    node = flagship_json_get(document, "targeting");

    if (node && node->type != FLAGSHIP_JSON_NULL
        && (node->type != FLAGSHIP_JSON_OBJECT || node->len))
    {
        f->targeting = node;
    }

    if (flagship_source(x->image, flag, 0).len
        && ((const flagship_source_t *)
            flagship_source(x->image, flag, 0).data)->flagd)
    {
        return;
    }

    f->targeting = NULL;
    f->prerequisites = flagship_export_list(document, "prerequisites");
    f->user_ids = flagship_export_list(document, "user_ids");
    f->rules = flagship_export_list(document, "rules");

    simple = !flagship_export_has(document, "variants");
    node = flagship_json_get(document, "rollout");

    if (node && node->type == FLAGSHIP_JSON_NUMBER) {
        percent = flagship_json_double(node);
        f->all = (percent == 100);

        if (percent > 0 && percent < 100) {
            flagship_export_fail(x, "flagd has no rollout of %g %% of the "
                                 "users", percent);
        }

    } else if (simple && !flagship_export_has(document, "user_ids")
               && !flagship_export_has(document, "rules"))
    {
        f->all = 1;
    }

    if (f->all) {
        f->last = flagship_str("on", 2);
    }
}


/* null says what absence says. */

static int
flagship_export_has(const flagship_json_node_t *document, const char *name)
{
    const flagship_json_node_t  *node;

    node = flagship_json_member(document, name, strlen(name));

    return node && node->type != FLAGSHIP_JSON_NULL;
}


static const flagship_json_node_t *
flagship_export_list(const flagship_json_node_t *document, const char *name)
{
    const flagship_json_node_t  *node;

    node = flagship_json_member(document, name, strlen(name));

    return node && node->type == FLAGSHIP_JSON_ARRAY && node->len ? node
                                                                  : NULL;
}


/* A flag that came in flagd's form, with its evaluators. */

static void
flagship_export_same(flagship_exporter_t *x,
    const flagship_json_node_t *document, const flagship_export_flag_t *f)
{
    size_t                       start;
    uint32_t                     i;
    flagship_str_t               name;
    const flagship_json_node_t  *node;

    static const flagship_str_t  but[] = {
        flagship_string("key"), flagship_string("targeting"),
        flagship_string("$evaluators"), flagship_string("")
    };

    flagship_export_text(x, "{");
    flagship_export_members(x, document, but);

    x->whole = 0;

    if (x->scope.evaluators) {
        node = x->scope.evaluators + 1;

        for (i = 0; i < x->scope.evaluators->len; i++) {
            name = flagship_json_str(node);
            node++;

            /* written, kept, and taken back */

            start = x->out.len;
            flagship_export_rule(x, node, 0);

            if (!x->nomem
                && !flagship_export_evaluator(x, name, x->out.data + start,
                                              x->out.len - start))
            {
                x->whole = 1;
            }

            x->out.len = start;
            node += node->next;
        }
    }

    node = f->targeting ? f->targeting
                        : flagship_json_get(document, "targeting");

    if (node) {
        flagship_export_next(x, "\"targeting\":");
        flagship_export_rule(x, node, 0);
    }

    x->whole = 0;

    flagship_export_text(x, "}");
}


static void
flagship_export_rewritten(flagship_exporter_t *x, uint32_t flag,
    const flagship_json_node_t *document, const flagship_export_flag_t *f)
{
    uint32_t         i;
    flagship_str_t   json;

    flagship_export_text(x, f->record->bits & FLAGSHIP_FLAG_ENABLED
                            ? "{\"state\":\"ENABLED\",\"variants\":{"
                            : "{\"state\":\"DISABLED\",\"variants\":{");

    for (i = 0; i < f->record->nvariants; i++) {
        json = flagship_variant_json(x->image, flag, i);

        flagship_export_next(x, "");
        flagship_export_string(x, flagship_variant_name(x->image, flag, i));
        flagship_export_text(x, ":");

        if (flagship_buf_add(&x->out, json.data, json.len) == NULL) {
            x->nomem = 1;
        }
    }

    flagship_export_text(x, "}");

    if (f->last.data) {
        flagship_export_text(x, ",\"defaultVariant\":");
        flagship_export_string(x, f->last);
    }

    if (f->prerequisites || f->user_ids || f->rules
        || f->record->enable_at != INT64_MIN
        || f->record->disable_at != INT64_MAX)
    {
        flagship_export_text(x, ",\"targeting\":");
        flagship_export_decide(x, f);
    }

    if (f->record->metadata_len) {
        flagship_export_text(x, ",\"metadata\":");

        if (flagship_buf_add(&x->out, flagship_at(x->image, f->record->chunk
                                                  + f->record->metadata),
                             f->record->metadata_len) == NULL)
        {
            x->nomem = 1;
        }
    }

    flagship_export_text(x, "}");

    if (!x->failed && !(f->record->bits & FLAGSHIP_FLAG_ENABLED)
        && f->off.data)
    {
        flagship_errors_warn(x->errors, "off-variant", x->key, "", "it is "
                             "off: flagd serves the caller's default then, "
                             "not \"%.*s\"", (int) f->off.len, f->off.data);
    }
}


/* All that is asked, as one expression. */

static void
flagship_export_decide(flagship_exporter_t *x, const flagship_export_flag_t *f)
{
    int  open;

    flagship_export_text(x, "{\"if\":[");

    flagship_export_schedule(x, f);
    flagship_export_prerequisites(x, f);

    if (f->user_ids) {
        flagship_export_next(x, "{\"in\":[{\"var\":\"targetingKey\"},");
        flagship_export_node(x, f->user_ids);
        flagship_export_text(x, "]},\"on\"");
    }

    open = 1;

    if (f->rules) {
        open = flagship_export_rules(x, f);

    } else if (f->targeting) {
        flagship_export_next(x, "");
        flagship_export_serve(x, f->targeting);
        open = 0;
    }

    if (open) {
        flagship_export_next(x, "");

        if (x->scope.inlined && f->last.data) {
            flagship_export_string(x, f->last);

        } else {
            flagship_export_text(x, "null");
        }
    }

    flagship_export_text(x, "]}");
}


/*
 * A variant, or none.  Flagd has no way to serve none where there is a
 * default.
 */

static void
flagship_export_or_null(flagship_exporter_t *x,
    const flagship_export_flag_t *f, flagship_str_t name, const char *what)
{
    flagship_export_next(x, "");

    if (name.data) {
        flagship_export_string(x, name);
        return;
    }

    if (f->last.data && !x->scope.inlined) {
        flagship_export_fail(x, "flagd cannot serve no value %s while there "
                             "is a default", what);
    }

    flagship_export_text(x, "null");
}


static void
flagship_export_schedule(flagship_exporter_t *x,
    const flagship_export_flag_t *f)
{
    int64_t  from, to;

    from = f->record->enable_at;
    to = f->record->disable_at;

    if (from == INT64_MIN && to == INT64_MAX) {
        return;
    }

    flagship_export_text(x, "{\"or\":[");

    if (from != INT64_MIN) {
        flagship_export_text(x, "{\"<\":[{\"var\":\"$flagd.timestamp\"},");
        flagship_export_number(x, from);
        flagship_export_text(x, "]}");
    }

    if (to != INT64_MAX) {
        flagship_export_next(x, "{\">=\":[{\"var\":\"$flagd.timestamp\"},");
        flagship_export_number(x, to);
        flagship_export_text(x, "]}");
    }

    flagship_export_text(x, "]}");

    flagship_export_or_null(x, f, f->off, "by the clock");
}


static void
flagship_export_prerequisites(flagship_exporter_t *x,
    const flagship_export_flag_t *f)
{
    uint32_t                     flag, i;
    const flagship_json_node_t  *node, *key, *variant;

    if (f->prerequisites == NULL) {
        return;
    }

    flagship_export_next(x, "{\"!\":[{\"and\":[");

    node = f->prerequisites + 1;

    for (i = 0; i < f->prerequisites->len; i++, node += node->next) {
        flag = FLAGSHIP_NONE;
        variant = NULL;

        if (node->type == FLAGSHIP_JSON_OBJECT) {
            key = flagship_json_get(node, "flag");
            variant = flagship_json_get(node, "variant");

            if (key && key->type == FLAGSHIP_JSON_STRING) {
                flag = flagship_image_find(x->image, flagship_json_str(key));
            }
        }

        flagship_export_next(x, "");

        if (flag == FLAGSHIP_NONE || variant == NULL) {
            flagship_export_text(x, "false");
            continue;
        }

        flagship_export_text(x, "{\"==\":[");
        flagship_export_served(x, flag);
        flagship_export_text(x, ",");
        flagship_export_node(x, variant);
        flagship_export_text(x, "]}");
    }

    flagship_export_text(x, "]}]}");

    flagship_export_or_null(x, f, f->otherwise, "without its prerequisites");
}


/* Returns 0 where the last of them always holds: nothing comes behind it. */

static int
flagship_export_rules(flagship_exporter_t *x, const flagship_export_flag_t *f)
{
    uint32_t                     i;
    const flagship_json_node_t  *rule, *when, *serve;

    rule = f->rules + 1;

    for (i = 0; i < f->rules->len; i++, rule += rule->next) {

        serve = rule->type == FLAGSHIP_JSON_OBJECT
                ? flagship_json_get(rule, "serve") : NULL;

        if (serve == NULL) {
            flagship_export_fail(x, "a rule serves nothing");
            return 1;
        }

        when = flagship_json_get(rule, "when");

        if (when) {
            flagship_export_next(x, "");
            flagship_export_rule(x, when, 1);
        }

        flagship_export_next(x, "");
        flagship_export_serve(x, serve);

        if (when == NULL) {
            return 0;
        }
    }

    return 1;
}


void
flagship_export_served(flagship_exporter_t *x, uint32_t flag)
{
    unsigned                  flagd, whole;
    flagship_str_t            source;
    flagship_json_t           json;
    flagship_export_flag_t    f;
    flagship_export_scope_t   scope;

    if (x->failed || !flagship_export_enter(x)) {
        return;
    }

    flagship_json_init(&json);

    if (flagship_export_document(x, flag, 0, &json) != FLAGSHIP_OK) {
        /* an error, which gives null */
        flagship_export_text(x, "null");
        flagship_json_free(&json);
        x->depth--;
        return;
    }

    source = flagship_source(x->image, flag, 0);
    flagd = ((const flagship_source_t *) source.data)->flagd;

    scope = x->scope;
    whole = x->whole;

    flagship_export_read(x, flag, json.nodes, &f);

    x->scope.flag = flag;
    x->scope.inlined = 1;
    x->scope.fallback = f.last;
    x->scope.evaluators = flagd ? flagship_export_evaluators(json.nodes)
                                : NULL;
    x->whole = 1;

    if (!(f.record->bits & FLAGSHIP_FLAG_ENABLED)) {
        flagship_export_or_null(x, &f, f.off, "");

    } else if (f.prerequisites || f.user_ids || f.rules || f.targeting
               || f.record->enable_at != INT64_MIN
               || f.record->disable_at != INT64_MAX)
    {
        flagship_export_decide(x, &f);

    } else {
        flagship_export_or_null(x, &f, f.last, "");
    }

    x->scope = scope;
    x->whole = whole;
    x->depth--;

    flagship_json_free(&json);
}
