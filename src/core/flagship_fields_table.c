
/*
 * Copyright (C) Flagship
 */


/*
 * The spellings that are accepted, and the only place that knows them.  The
 * first of a field is its name in every answer.
 */


#include "flagship_fields.h"


#define flagship_spelling(text, field, kind, max)                             \
    { flagship_string(text), field, FLAGSHIP_VALUE_##kind, max }

#define FLAGSHIP_NAME_MAX  200


static const flagship_spelling_t  flagship_flag_spellings[] = {

    flagship_spelling("id", FLAGSHIP_FIELD_ID, TEXT, 0),
    flagship_spelling("tenant", FLAGSHIP_FIELD_TENANT, TEXT, 0),
    flagship_spelling("tenant_id", FLAGSHIP_FIELD_TENANT, TEXT, 0),
    flagship_spelling("environment", FLAGSHIP_FIELD_ENVIRONMENT, TEXT, 0),
    flagship_spelling("env", FLAGSHIP_FIELD_ENVIRONMENT, TEXT, 0),
    flagship_spelling("key", FLAGSHIP_FIELD_KEY, KEY, 0),
    flagship_spelling("flag_name", FLAGSHIP_FIELD_KEY, KEY, 0),
    flagship_spelling("name", FLAGSHIP_FIELD_NAME, TEXT, FLAGSHIP_NAME_MAX),
    flagship_spelling("description", FLAGSHIP_FIELD_DESCRIPTION, TEXT, 0),
    flagship_spelling("tags", FLAGSHIP_FIELD_TAGS, STRINGS, 0),
    flagship_spelling("metadata", FLAGSHIP_FIELD_METADATA, METADATA, 0),
    flagship_spelling("type", FLAGSHIP_FIELD_TYPE, TEXT, 0),

    flagship_spelling("enabled", FLAGSHIP_FIELD_ENABLED, BOOLEAN, 0),
    flagship_spelling("status", FLAGSHIP_FIELD_ENABLED, BOOLEAN, 0),
    flagship_spelling("state", FLAGSHIP_FIELD_ENABLED, SWITCH, 0),

    flagship_spelling("variants", FLAGSHIP_FIELD_VARIANTS, JSON, 0),
    flagship_spelling("default_variant", FLAGSHIP_FIELD_DEFAULT_VARIANT,
                      TEXT, 0),
    flagship_spelling("default_variation", FLAGSHIP_FIELD_DEFAULT_VARIANT,
                      TEXT, 0),
    flagship_spelling("off_variant", FLAGSHIP_FIELD_OFF_VARIANT, TEXT, 0),
    flagship_spelling("rules", FLAGSHIP_FIELD_RULES, JSON, 0),

    flagship_spelling("user_ids", FLAGSHIP_FIELD_USER_IDS, IDS, 0),
    flagship_spelling("targeting_rules.user_ids", FLAGSHIP_FIELD_USER_IDS,
                      IDS, 0),

    flagship_spelling("rollout", FLAGSHIP_FIELD_ROLLOUT, NUMBER, 0),
    flagship_spelling("rollout_percentage", FLAGSHIP_FIELD_ROLLOUT,
                      NUMBER, 0),
    flagship_spelling("targeting_rules.percentage", FLAGSHIP_FIELD_ROLLOUT,
                      NUMBER, 0),

    flagship_spelling("prerequisites", FLAGSHIP_FIELD_PREREQUISITES, JSON, 0),
    flagship_spelling("enable_at", FLAGSHIP_FIELD_ENABLE_AT, TEXT, 0),
    flagship_spelling("disable_at", FLAGSHIP_FIELD_DISABLE_AT, TEXT, 0),
    flagship_spelling("expose", FLAGSHIP_FIELD_EXPOSE, BOOLEAN, 0),
    flagship_spelling("version", FLAGSHIP_FIELD_VERSION, JSON, 0),
    flagship_spelling("created_at", FLAGSHIP_FIELD_CREATED_AT, JSON, 0),
    flagship_spelling("updated_at", FLAGSHIP_FIELD_UPDATED_AT, JSON, 0),
    flagship_spelling("archived_at", FLAGSHIP_FIELD_ARCHIVED_AT, JSON, 0),

    flagship_spelling("default_value", FLAGSHIP_FIELD_DEFAULT_VALUE, TYPED, 0),
    flagship_spelling("off_value", FLAGSHIP_FIELD_OFF_VALUE, TYPED, 0),

    { flagship_string(""), 0, 0, 0 }
};


static const flagship_spelling_t  flagship_segment_spellings[] = {

    flagship_spelling("id", FLAGSHIP_SEGMENT_ID, TEXT, 0),
    flagship_spelling("tenant", FLAGSHIP_SEGMENT_TENANT, TEXT, 0),
    flagship_spelling("tenant_id", FLAGSHIP_SEGMENT_TENANT, TEXT, 0),
    flagship_spelling("key", FLAGSHIP_SEGMENT_KEY, KEY, 0),
    flagship_spelling("name", FLAGSHIP_SEGMENT_NAME, TEXT,
                      FLAGSHIP_NAME_MAX),
    flagship_spelling("description", FLAGSHIP_SEGMENT_DESCRIPTION, TEXT, 0),
    flagship_spelling("when", FLAGSHIP_SEGMENT_WHEN, JSON, 0),
    flagship_spelling("criteria", FLAGSHIP_SEGMENT_WHEN, JSON, 0),
    flagship_spelling("version", FLAGSHIP_SEGMENT_VERSION, JSON, 0),
    flagship_spelling("created_at", FLAGSHIP_SEGMENT_CREATED_AT, JSON, 0),
    flagship_spelling("updated_at", FLAGSHIP_SEGMENT_UPDATED_AT, JSON, 0),
    flagship_spelling("archived_at", FLAGSHIP_SEGMENT_ARCHIVED_AT, JSON, 0),

    { flagship_string(""), 0, 0, 0 }
};


static const flagship_spelling_t  flagship_set_spellings[] = {

    flagship_spelling("id", FLAGSHIP_SET_ID, TEXT, 0),
    flagship_spelling("tenant", FLAGSHIP_SET_TENANT, TEXT, 0),
    flagship_spelling("tenant_id", FLAGSHIP_SET_TENANT, TEXT, 0),
    flagship_spelling("key", FLAGSHIP_SET_KEY, KEY, 0),
    flagship_spelling("name", FLAGSHIP_SET_NAME, TEXT, FLAGSHIP_NAME_MAX),
    flagship_spelling("description", FLAGSHIP_SET_DESCRIPTION, TEXT, 0),
    flagship_spelling("size", FLAGSHIP_SET_SIZE, JSON, 0),
    flagship_spelling("version", FLAGSHIP_SET_VERSION, JSON, 0),
    flagship_spelling("created_at", FLAGSHIP_SET_CREATED_AT, JSON, 0),
    flagship_spelling("updated_at", FLAGSHIP_SET_UPDATED_AT, JSON, 0),
    flagship_spelling("members", FLAGSHIP_SET_MEMBERS, JSON, 0),

    { flagship_string(""), 0, 0, 0 }
};


static const flagship_spelling_t  flagship_api_key_spellings[] = {

    flagship_spelling("id", FLAGSHIP_API_KEY_ID, TEXT, 0),
    flagship_spelling("tenant", FLAGSHIP_API_KEY_TENANT, TEXT, 0),
    flagship_spelling("tenant_id", FLAGSHIP_API_KEY_TENANT, TEXT, 0),
    flagship_spelling("environment", FLAGSHIP_API_KEY_ENVIRONMENT, TEXT, 0),
    flagship_spelling("env", FLAGSHIP_API_KEY_ENVIRONMENT, TEXT, 0),
    flagship_spelling("name", FLAGSHIP_API_KEY_NAME, TEXT, FLAGSHIP_NAME_MAX),
    flagship_spelling("role", FLAGSHIP_API_KEY_ROLE, TEXT, 0),
    flagship_spelling("see_unexposed", FLAGSHIP_API_KEY_SEE_UNEXPOSED,
                      BOOLEAN, 0),
    flagship_spelling("expires_at", FLAGSHIP_API_KEY_EXPIRES_AT, TEXT, 0),
    flagship_spelling("revoked_at", FLAGSHIP_API_KEY_REVOKED_AT, JSON, 0),
    flagship_spelling("version", FLAGSHIP_API_KEY_VERSION, JSON, 0),
    flagship_spelling("created_at", FLAGSHIP_API_KEY_CREATED_AT, JSON, 0),
    flagship_spelling("updated_at", FLAGSHIP_API_KEY_UPDATED_AT, JSON, 0),

    { flagship_string(""), 0, 0, 0 }
};


const flagship_resource_t  flagship_resource_flag = {
    flagship_flag_spellings,
    FLAGSHIP_FLAG_FIELDS,
    FLAGSHIP_FIELD_ID,
    FLAGSHIP_FIELD_KEY,
    FLAGSHIP_FIELD_NAME,
    flagship_field_bit(FLAGSHIP_FIELD_ID)
        | flagship_field_bit(FLAGSHIP_FIELD_TENANT)
        | flagship_field_bit(FLAGSHIP_FIELD_ENVIRONMENT)
        | flagship_field_bit(FLAGSHIP_FIELD_KEY)
        | flagship_field_bit(FLAGSHIP_FIELD_VERSION)
        | flagship_field_bit(FLAGSHIP_FIELD_CREATED_AT)
        | flagship_field_bit(FLAGSHIP_FIELD_UPDATED_AT)
        | flagship_field_bit(FLAGSHIP_FIELD_ARCHIVED_AT)
};


const flagship_resource_t  flagship_resource_segment = {
    flagship_segment_spellings,
    FLAGSHIP_SEGMENT_FIELDS,
    FLAGSHIP_SEGMENT_ID,
    FLAGSHIP_SEGMENT_KEY,
    FLAGSHIP_SEGMENT_NAME,
    flagship_field_bit(FLAGSHIP_SEGMENT_ID)
        | flagship_field_bit(FLAGSHIP_SEGMENT_TENANT)
        | flagship_field_bit(FLAGSHIP_SEGMENT_KEY)
        | flagship_field_bit(FLAGSHIP_SEGMENT_VERSION)
        | flagship_field_bit(FLAGSHIP_SEGMENT_CREATED_AT)
        | flagship_field_bit(FLAGSHIP_SEGMENT_UPDATED_AT)
        | flagship_field_bit(FLAGSHIP_SEGMENT_ARCHIVED_AT)
};


const flagship_resource_t  flagship_resource_set = {
    flagship_set_spellings,
    FLAGSHIP_SET_FIELDS,
    FLAGSHIP_SET_ID,
    FLAGSHIP_SET_KEY,
    FLAGSHIP_SET_NAME,
    flagship_field_bit(FLAGSHIP_SET_ID)
        | flagship_field_bit(FLAGSHIP_SET_TENANT)
        | flagship_field_bit(FLAGSHIP_SET_KEY)
        | flagship_field_bit(FLAGSHIP_SET_SIZE)
        | flagship_field_bit(FLAGSHIP_SET_VERSION)
        | flagship_field_bit(FLAGSHIP_SET_CREATED_AT)
        | flagship_field_bit(FLAGSHIP_SET_UPDATED_AT)
};


const flagship_resource_t  flagship_resource_api_key = {
    flagship_api_key_spellings,
    FLAGSHIP_API_KEY_FIELDS,
    FLAGSHIP_API_KEY_ID,
    FLAGSHIP_API_KEY_ROLE,
    FLAGSHIP_API_KEY_FIELDS,
    flagship_field_bit(FLAGSHIP_API_KEY_ID)
        | flagship_field_bit(FLAGSHIP_API_KEY_REVOKED_AT)
        | flagship_field_bit(FLAGSHIP_API_KEY_VERSION)
        | flagship_field_bit(FLAGSHIP_API_KEY_CREATED_AT)
        | flagship_field_bit(FLAGSHIP_API_KEY_UPDATED_AT)
};
