
/*
 * Copyright (C) Flagship
 */


/*
 * Expressions that stand by themselves -> a record and its chunk: a segment,
 * whose truth others ask for, and a logic, whose value a tool or a test does.
 */


#include <string.h>

#include "flagship_compiler.h"


static int flagship_segment_begin(flagship_compiler_t *c,
    flagship_flag_t *record);
static int flagship_segment_end(flagship_compiler_t *c,
    flagship_flag_t *record);


int
flagship_unit_add_segment(flagship_unit_t *unit, flagship_str_t key,
    const flagship_json_node_t *when, flagship_errors_t *errors)
{
    flagship_code_t      *code;
    flagship_flag_t       record;
    flagship_label_t      yes, no;
    flagship_compiler_t   c;

    flagship_compiler_init(&c, unit, key, errors);

    if (flagship_segment_begin(&c, &record) != FLAGSHIP_OK) {
        return FLAGSHIP_DECLINED;
    }

    yes = flagship_emit_label(&c);
    no = flagship_emit_label(&c);

    flagship_emit_mark(&c, FLAGSHIP_PART_WHEN, 0, flagship_str("", 0));

    (void) flagship_compiler_enter(&c, flagship_str("when", 4));

    if (when->type != FLAGSHIP_JSON_OBJECT
        && when->type != FLAGSHIP_JSON_TRUE
        && when->type != FLAGSHIP_JSON_FALSE)
    {
        flagship_compiler_error(&c, "must be a condition: an object, true or "
                                "false");
    }

    flagship_rule_condition(&c, when, yes, no);

    c.document = when;

    if (errors->lint && !c.failed) {
        flagship_lint_segment(&c, when);
    }

    flagship_emit_bind(&c, yes);
    code = flagship_emit(&c, FLAGSHIP_OP_HOLDS);
    code->imm = 1;

    flagship_emit_bind(&c, no);
    code = flagship_emit(&c, FLAGSHIP_OP_HOLDS);
    code->imm = 0;

    return flagship_segment_end(&c, &record);
}


int
flagship_unit_add_logic(flagship_unit_t *unit, flagship_str_t key,
    const flagship_json_node_t *rule, flagship_errors_t *errors)
{
    uint32_t             reg;
    flagship_flag_t      record;
    flagship_compiler_t  c;

    flagship_compiler_init(&c, unit, key, errors);

    if (flagship_segment_begin(&c, &record) != FLAGSHIP_OK) {
        return FLAGSHIP_DECLINED;
    }

    reg = flagship_emit_register(&c);
    flagship_rule_value(&c, rule, reg);

    flagship_emit_operand(&c, flagship_emit(&c, FLAGSHIP_OP_RESULT), reg);

    return flagship_segment_end(&c, &record);
}


static int
flagship_segment_begin(flagship_compiler_t *c, flagship_flag_t *record)
{
    c->segment = 1;

    memset(record, 0, sizeof(flagship_flag_t));

    if (c->key.len == 0 || c->key.len > FLAGSHIP_MAX_KEY) {
        flagship_compiler_error(c, "a key has 1 to %d bytes",
                                FLAGSHIP_MAX_KEY);
        return FLAGSHIP_DECLINED;
    }

    record->hash = flagship_hash32(c->key.data, c->key.len);
    record->key = flagship_emit_data(c, c->key.data, c->key.len, 1);
    record->key_len = c->key.len;
    record->enable_at = INT64_MIN;
    record->disable_at = INT64_MAX;

    return FLAGSHIP_OK;
}


static int
flagship_segment_end(flagship_compiler_t *c, flagship_flag_t *record)
{
    flagship_entry_t  *entry;

    if (c->nomem) {
        return FLAGSHIP_ERROR;
    }

    if (c->failed) {
        return flagship_unit_add_broken(c->unit, c->key, 1) == FLAGSHIP_OK
               ? FLAGSHIP_DECLINED : FLAGSHIP_ERROR;
    }

    if (c->keyed) {
        record->bits |= FLAGSHIP_FLAG_KEYED;
    }

    if (flagship_emit_finish(c, record) != FLAGSHIP_OK) {
        return FLAGSHIP_ERROR;
    }

    entry = flagship_unit_entry(c->unit, &c->unit->segments, c->key,
                                FLAGSHIP_ENTRY_COMPILED);
    if (entry == NULL) {
        return FLAGSHIP_ERROR;
    }

    entry->record = *record;
    entry->source = c->source;

    return FLAGSHIP_OK;
}
