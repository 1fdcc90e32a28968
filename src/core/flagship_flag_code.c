
/*
 * Copyright (C) Flagship
 */


/*
 * Documents of one flag -> its code.
 *
 * It asks in the contract's order: prerequisites, user_ids, the rules, the
 * rollout, the default.  A flag with none of them has no code: its record alone
 * answers.
 */


#include "flagship_compiler.h"
#include "flagship_eval.h"
#include "flagship_rule.h"


static void flagship_flag_class(flagship_compiler_t *c,
    const flagship_document_t *d, const flagship_flag_t *record);
static void flagship_flag_mark(flagship_compiler_t *c, unsigned part);
static void flagship_flag_prerequisites(flagship_compiler_t *c,
    const flagship_json_node_t *list, flagship_label_t otherwise);
static void flagship_flag_user_ids(flagship_compiler_t *c,
    const flagship_document_t *d);
static void flagship_flag_rules(flagship_compiler_t *c,
    const flagship_json_node_t *rules, flagship_label_t none);
static void flagship_flag_rule(flagship_compiler_t *c,
    const flagship_json_node_t *rule, uint32_t index, flagship_label_t none,
    flagship_label_t next);
static void flagship_flag_serve(flagship_compiler_t *c,
    const flagship_json_node_t *serve, flagship_label_t none);
static void flagship_flag_rollout(flagship_compiler_t *c,
    const flagship_document_t *d, flagship_label_t otherwise);
static void flagship_flag_return(flagship_compiler_t *c, uint32_t variant,
    unsigned reason);


void
flagship_flag_code(flagship_compiler_t *c, flagship_document_t *d,
    flagship_flag_t *record)
{
    size_t            pointer;
    flagship_label_t  none, otherwise;

    d->percentage = -1;

    if (d->rollout) {
        pointer = flagship_compiler_enter(c, flagship_str("rollout", 7));
        d->percentage = flagship_rule_percentage(c, d->rollout);

        if (d->on == FLAGSHIP_NO_VARIANT) {
            flagship_compiler_error(c, "needs a variant \"on\"");
        }

        flagship_compiler_leave(c, pointer);

    } else if (d->simple && d->user_ids == NULL && d->rules == NULL) {
        d->percentage = 100000000;
    }

    none = flagship_emit_label(c);
    otherwise = flagship_emit_label(c);

    flagship_flag_class(c, d, record);

    if (d->prerequisites) {
        flagship_flag_mark(c, FLAGSHIP_PART_PREREQUISITES);
        flagship_flag_prerequisites(c, d->prerequisites, otherwise);
    }

    if (d->user_ids) {
        flagship_flag_mark(c, FLAGSHIP_PART_USER_IDS);
        flagship_flag_user_ids(c, d);
    }

    if (d->rules) {
        flagship_flag_rules(c, d->rules, none);
    }

    if (d->targeting
        && (d->targeting->type != FLAGSHIP_JSON_OBJECT || d->targeting->len))
    {
        flagship_flag_mark(c, FLAGSHIP_PART_TARGETING);

        pointer = flagship_compiler_enter(c, flagship_str("targeting", 9));
        flagship_rule_serve(c, d->targeting, none);
        flagship_compiler_leave(c, pointer);
    }

    if (c->unit->code.len == 0 && c->unit->jumps.len == 0) {

        /* nothing that asks: a rollout of 100 is static, and so is none */

        if (d->percentage < 0) {
            return;
        }

        if (d->percentage == 100000000) {
            flagship_flag_mark(c, FLAGSHIP_PART_ROLLOUT);
            flagship_flag_return(c, d->on, FLAGSHIP_REASON_STATIC);
            return;
        }
    }

    flagship_emit_bind(c, none);
    flagship_flag_mark(c, FLAGSHIP_PART_ROLLOUT);
    flagship_flag_rollout(c, d, otherwise);

    flagship_emit_bind(c, otherwise);
    flagship_flag_mark(c, FLAGSHIP_PART_DEFAULT);
    flagship_flag_return(c, record->default_variant, FLAGSHIP_REASON_DEFAULT);
}


static void
flagship_flag_mark(flagship_compiler_t *c, unsigned part)
{
    flagship_emit_mark(c, part, 0, flagship_str("", 0));
}


/* What flagd has no form for, operators apart. */

static void
flagship_flag_class(flagship_compiler_t *c, const flagship_document_t *d,
    const flagship_flag_t *record)
{
    if ((d->prerequisites && d->prerequisites->len)
        || (d->user_ids && d->user_ids->len) || (d->rules && d->rules->len)
        || (d->percentage == 100000000 && !d->simple)
        || d->enable_at || d->disable_at)
    {
        flagship_compiler_class(c, FLAGSHIP_LOWERED);
    }

    if (d->percentage > 0 && d->percentage < 100000000) {
        flagship_compiler_class(c, FLAGSHIP_EXTENDED);
    }

    if ((d->enable_at || d->disable_at)
        && record->off_variant == FLAGSHIP_NO_VARIANT
        && record->default_variant != FLAGSHIP_NO_VARIANT)
    {
        /* by the clock: no value, where the targeting's null is the default */
        flagship_compiler_class(c, FLAGSHIP_EXTENDED);
    }
}


static void
flagship_flag_prerequisites(flagship_compiler_t *c,
    const flagship_json_node_t *list, flagship_label_t otherwise)
{
    size_t                       pointer, element;
    uint32_t                     i, literal;
    flagship_code_t             *code;
    flagship_label_t             next;
    const flagship_json_node_t  *node, *flag, *variant;

    pointer = flagship_compiler_enter(c, flagship_str("prerequisites", 13));

    if (list->type != FLAGSHIP_JSON_ARRAY) {
        flagship_compiler_error(c, "must be an array");
        flagship_compiler_leave(c, pointer);
        return;
    }

    node = list + 1;

    for (i = 0; i < list->len; i++, node += node->next) {
        element = flagship_compiler_enter_index(c, i);

        flag = NULL;
        variant = NULL;

        if (node->type == FLAGSHIP_JSON_OBJECT && node->len == 2) {
            flag = flagship_json_get(node, "flag");
            variant = flagship_json_get(node, "variant");
        }

        if (flag == NULL || variant == NULL
            || flag->type != FLAGSHIP_JSON_STRING
            || variant->type != FLAGSHIP_JSON_STRING
            || flag->len == 0 || flag->len > FLAGSHIP_MAX_KEY)
        {
            flagship_compiler_error(c, "must be {\"flag\": key, "
                                    "\"variant\": name}");

        } else {
            literal = flagship_emit_literal(c, flagship_json_str(variant));
            next = flagship_emit_label(c);

            code = flagship_emit_test(c, FLAGSHIP_OP_FLAG_IS, next,
                                      otherwise);
            code->imm = FLAGSHIP_NONE;
            code->aux = literal;

            flagship_emit_reloc_name(c, FLAGSHIP_RELOC_FLAG,
                                     flagship_json_str(flag));
            flagship_emit_bind(c, next);
        }

        flagship_compiler_leave(c, element);
    }

    flagship_compiler_leave(c, pointer);
}


static void
flagship_flag_user_ids(flagship_compiler_t *c, const flagship_document_t *d)
{
    size_t                       pointer, element;
    uint32_t                     i, slot;
    flagship_label_t             yes, no;
    const flagship_json_node_t  *node;

    pointer = flagship_compiler_enter(c, flagship_str("user_ids", 8));

    if (d->user_ids->type != FLAGSHIP_JSON_ARRAY) {
        flagship_compiler_error(c, "must be an array of strings");
        flagship_compiler_leave(c, pointer);
        return;
    }

    node = d->user_ids + 1;

    for (i = 0; i < d->user_ids->len; i++) {

        if (node->type != FLAGSHIP_JSON_STRING) {
            element = flagship_compiler_enter_index(c, i);
            flagship_compiler_error(c, "must be a string");
            flagship_compiler_leave(c, element);
        }

        node += node->next;
    }

    if (d->user_ids->len) {

        if (d->on == FLAGSHIP_NO_VARIANT) {
            flagship_compiler_error(c, "needs a variant \"on\"");
        }

        yes = flagship_emit_label(c);
        no = flagship_emit_label(c);

        slot = flagship_emit_slot(c, flagship_str("targetingKey", 12));

        flagship_rule_in_list(c, d->user_ids, slot, yes, no);

        flagship_emit_bind(c, yes);
        flagship_flag_return(c, d->on, FLAGSHIP_REASON_TARGETING_MATCH);
        flagship_emit_bind(c, no);
    }

    flagship_compiler_leave(c, pointer);
}


static void
flagship_flag_rules(flagship_compiler_t *c, const flagship_json_node_t *rules,
    flagship_label_t none)
{
    size_t                       pointer, element;
    uint32_t                     i;
    flagship_label_t             next;
    const flagship_json_node_t  *rule;

    pointer = flagship_compiler_enter(c, flagship_str("rules", 5));

    if (rules->type != FLAGSHIP_JSON_ARRAY) {
        flagship_compiler_error(c, "must be an array of rules");
        flagship_compiler_leave(c, pointer);
        return;
    }

    rule = rules + 1;

    for (i = 0; i < rules->len; i++) {
        element = flagship_compiler_enter_index(c, i);
        next = flagship_emit_label(c);

        flagship_flag_rule(c, rule, i, none, next);

        flagship_emit_bind(c, next);
        flagship_compiler_leave(c, element);

        rule += rule->next;
    }

    flagship_compiler_leave(c, pointer);
}


static void
flagship_flag_rule(flagship_compiler_t *c, const flagship_json_node_t *rule,
    uint32_t index, flagship_label_t none, flagship_label_t next)
{
    size_t                       pointer;
    uint32_t                     i;
    flagship_str_t               name;
    flagship_label_t             yes;
    const flagship_json_node_t  *serve, *when, *title, *member;

    if (rule->type != FLAGSHIP_JSON_OBJECT) {
        flagship_compiler_error(c, "a rule must be an object");
        return;
    }

    serve = flagship_json_get(rule, "serve");
    when = flagship_json_get(rule, "when");
    title = flagship_json_get(rule, "name");

    member = rule + 1;

    for (i = 0; i < rule->len; i++) {
        name = flagship_json_str(member);

        if (!flagship_str_is(name, "name") && !flagship_str_is(name, "when")
            && !flagship_str_is(name, "serve"))
        {
            flagship_compiler_error(c, "unknown member \"%.*s\" of a rule",
                                    (int) (name.len < 64 ? name.len : 64),
                                    name.data);
        }

        member++;
        member += member->next;
    }

    if (serve == NULL) {
        flagship_compiler_error(c, "a rule needs \"serve\"");
    }

    flagship_emit_mark(c, FLAGSHIP_PART_WHEN, index,
                       title && title->type == FLAGSHIP_JSON_STRING
                       ? flagship_json_str(title) : flagship_str("", 0));

    if (when) {
        yes = flagship_emit_label(c);

        pointer = flagship_compiler_enter(c, flagship_str("when", 4));
        flagship_rule_condition(c, when, yes, next);
        flagship_compiler_leave(c, pointer);

        flagship_emit_bind(c, yes);
    }

    if (serve == NULL) {
        return;
    }

    flagship_emit_mark(c, FLAGSHIP_PART_SERVE, index, flagship_str("", 0));

    pointer = flagship_compiler_enter(c, flagship_str("serve", 5));
    flagship_flag_serve(c, serve, none);
    flagship_compiler_leave(c, pointer);
}


static void
flagship_flag_serve(flagship_compiler_t *c, const flagship_json_node_t *serve,
    flagship_label_t none)
{
    unsigned                    i;
    flagship_args_t             args;
    const flagship_operator_t  *op;

    if (serve->type == FLAGSHIP_JSON_OBJECT
        && flagship_json_get(serve, "split"))
    {
        flagship_rule_split(c, serve, none);
        return;
    }

    if (flagship_rule_read(serve, &args)
        && flagship_rule_variant(c, flagship_str("true", 4))
           == FLAGSHIP_NO_VARIANT
        && flagship_rule_variant(c, flagship_str("false", 5))
           == FLAGSHIP_NO_VARIANT)
    {
        for (i = 0; flagship_operators[i].name.len; i++) {
            op = &flagship_operators[i];

            if (op->value == NULL && flagship_str_eq(op->name, args.name)) {
                flagship_compiler_error(c, "\"%.*s\" can only be true or "
                                        "false, which are none of the "
                                        "variants; a condition belongs into "
                                        "\"when\"", (int) args.name.len,
                                        args.name.data);
                return;
            }
        }
    }

    flagship_rule_serve(c, serve, none);
}


static void
flagship_flag_rollout(flagship_compiler_t *c, const flagship_document_t *d,
    flagship_label_t otherwise)
{
    flagship_code_t  *code;
    flagship_label_t  yes;

    if (d->percentage <= 0 || d->on == FLAGSHIP_NO_VARIANT) {
        return;
    }

    if (d->percentage < 100000000) {
        yes = flagship_emit_label(c);

        code = flagship_emit_test(c, FLAGSHIP_OP_ROLLOUT, yes, otherwise);
        code->imm = d->percentage;

        flagship_emit_operand(c, code,
                              flagship_emit_slot(c, flagship_str(
                                                     "targetingKey", 12)));
        flagship_emit_bind(c, yes);
    }

    flagship_flag_return(c, d->on, FLAGSHIP_REASON_SPLIT);
}


static void
flagship_flag_return(flagship_compiler_t *c, uint32_t variant, unsigned reason)
{
    flagship_code_t  *code;

    code = flagship_emit(c, FLAGSHIP_OP_RETURN);
    code->imm = variant;
    code->dst = reason;
}
