-- Deploy flagship:flags to pg
-- requires: tenants
--
-- The flags.  Documents are json, not jsonb: they come back as written, and a
-- number keeps its text.  What is cheap to say in SQL is a constraint; rules
-- are checked by the compiler, which is also what serves the last good form of
-- a flag whose rules it cannot read.
--
-- What the API writes of a flag is made when the flag is written, not each time
-- that it is read: by a generated column, which no writer, and nobody who has
-- disabled the triggers, can leave behind.

BEGIN;

SET LOCAL ROLE flagship_owner;

CREATE FUNCTION flagship.are_strings(list json) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    document jsonb := list;
BEGIN
    RETURN jsonb_typeof(document) = 'array'
       AND NOT jsonb_path_exists(document,
               'strict $[*] ? (@.type() != "string")');
END $$;

COMMENT ON FUNCTION flagship.are_strings(json) IS
    'Whether a document is an array of strings';


CREATE FUNCTION flagship.are_rules(rules json) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    document jsonb := rules;
BEGIN
    RETURN jsonb_typeof(document) = 'array'
       AND NOT jsonb_path_exists(document,
               'strict $[*] ? (@.type() != "object")')
       AND NOT jsonb_path_exists(document,
               'lax $[*].keyvalue() ? (@.key != "name" && @.key != "when"
                                       && @.key != "serve")')
       AND NOT jsonb_path_exists(document,
               'lax $[*].name ? (@.type() != "string")')
       AND NOT jsonb_path_exists(document,
               'lax $[*] ? (!exists(@.serve))');
END $$;

COMMENT ON FUNCTION flagship.are_rules(json) IS
    'Whether a document has the outer form of rules: [{name, when, serve}, ...]; their conditions are the compiler''s';


CREATE FUNCTION flagship.are_prerequisites(prerequisites json, key text)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    document jsonb := prerequisites;
BEGIN
    RETURN jsonb_typeof(document) = 'array'
       AND NOT jsonb_path_exists(document,
               'strict $[*] ? (@.type() != "object")')
       AND NOT jsonb_path_exists(document,
               'lax $[*].keyvalue() ? (@.key != "flag" && @.key != "variant")')
       AND NOT jsonb_path_exists(document,
               'lax $[*] ? (!exists(@.flag ? (@.type() == "string"))
                            || !exists(@.variant ? (@.type() == "string")))')
       AND NOT jsonb_path_exists(document,
               'lax $[*].flag ? (@ == $key)', jsonb_build_object('key', key));
END $$;

COMMENT ON FUNCTION flagship.are_prerequisites(json, text) IS
    'Whether a document is [{flag, variant}, ...] and names no flag of this key';


CREATE FUNCTION flagship.are_variants(variants json, type text)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    document jsonb := variants;
BEGIN
    RETURN jsonb_typeof(document) = 'object'
       AND document <> '{}'
       AND NOT document ? ''
       AND (type = 'json'
            OR NOT jsonb_path_exists(document,
                   'strict $.* ? (@.type() != $type)',
                   jsonb_build_object('type', type)));
END $$;

COMMENT ON FUNCTION flagship.are_variants(json, text) IS
    'Whether a document is an object of at least one variant, each named and of the type';


CREATE FUNCTION flagship.time_text(t timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN t IS NOT NULL THEN
               to_char(greatest(least(t, '9999-12-31 23:59:59.999999+00'),
                                '0001-01-01 00:00:00+00') AT TIME ZONE 'UTC',
                       'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END
$$;

COMMENT ON FUNCTION flagship.time_text(timestamptz) IS
    'RFC 3339 in UTC, to the microsecond; what lies outside its years becomes their first or last';


-- Whatever is in a row, this is JSON: it stands before the constraints.  It
-- depends on no setting, as what a generated column is made by must not.
CREATE FUNCTION flagship.flag_document(id uuid, tenant text, environment text,
    key text, name text, description text, tags json, metadata json, type text,
    enabled boolean, variants json, default_variant text, off_variant text,
    rules json, user_ids json, rollout numeric, prerequisites json,
    enable_at timestamptz, disable_at timestamptz, expose boolean,
    version integer, created_at timestamptz, updated_at timestamptz,
    archived_at timestamptz)
RETURNS json
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN concat('{"id":', coalesce(to_json(id), 'null'),
        ',"tenant":', coalesce(to_json(tenant), 'null'),
        ',"environment":', coalesce(to_json(environment), 'null'),
        ',"key":', coalesce(to_json(key), 'null'),
        ',"name":', coalesce(to_json(name), 'null'),
        ',"description":', coalesce(to_json(description), 'null'),
        ',"tags":', coalesce(tags, 'null'),
        ',"metadata":', coalesce(metadata, 'null'),
        ',"type":', coalesce(to_json(type), 'null'),
        CASE WHEN enabled THEN ',"enabled":true' ELSE ',"enabled":false' END,
        ',"variants":', coalesce(variants, 'null'),
        ',"default_variant":', coalesce(to_json(default_variant), 'null'),
        ',"off_variant":', coalesce(to_json(off_variant), 'null'),
        ',"rules":', coalesce(rules, 'null'),
        ',"user_ids":', coalesce(user_ids, 'null'),
        ',"rollout":', coalesce(to_json(rollout), 'null'),
        ',"prerequisites":', coalesce(prerequisites, 'null'),
        ',"enable_at":',
        coalesce('"' || left(flagship.time_text(enable_at), 19) || 'Z"',
                 'null'),
        ',"disable_at":',
        coalesce('"' || left(flagship.time_text(disable_at), 19) || 'Z"',
                 'null'),
        CASE WHEN expose THEN ',"expose":true' ELSE ',"expose":false' END,
        ',"version":', coalesce(to_json(version), 'null'),
        ',"created_at":',
        coalesce('"' || flagship.time_text(created_at) || '"', 'null'),
        ',"updated_at":',
        coalesce('"' || flagship.time_text(updated_at) || '"', 'null'),
        ',"archived_at":',
        coalesce('"' || flagship.time_text(archived_at) || '"', 'null'),
        '}');
END $$;

COMMENT ON FUNCTION flagship.flag_document(uuid, text, text, text, text, text,
    json, json, text, boolean, json, text, text, json, json, numeric, json,
    timestamptz, timestamptz, boolean, integer, timestamptz, timestamptz,
    timestamptz) IS
    'A flag as the API writes it, its documents as they were written';


CREATE TABLE flagship.flags (
    id              uuid             NOT NULL DEFAULT gen_random_uuid(),
    tenant          text COLLATE "C" NOT NULL DEFAULT 'default',
    environment     text COLLATE "C" NOT NULL DEFAULT 'prod',
    key             text COLLATE "C" NOT NULL,
    name            text             NOT NULL DEFAULT '',
    description     text             NOT NULL DEFAULT '',
    tags            json             NOT NULL DEFAULT '[]',
    metadata        json             NOT NULL DEFAULT '{}',
    type            text             NOT NULL,
    enabled         boolean          NOT NULL DEFAULT false,
    variants        json             NOT NULL,
    default_variant text COLLATE "C",
    off_variant     text COLLATE "C",
    rules           json             NOT NULL,
    user_ids        json             NOT NULL,
    rollout         numeric,
    prerequisites   json             NOT NULL DEFAULT '[]',
    enable_at       timestamptz(0),
    disable_at      timestamptz(0),
    expose          boolean          NOT NULL DEFAULT true,
    version         integer          NOT NULL DEFAULT 1,
    created_at      timestamptz      NOT NULL DEFAULT now(),
    updated_at      timestamptz      NOT NULL DEFAULT now(),
    archived_at     timestamptz,
    document        json GENERATED ALWAYS AS (flagship.flag_document(
        id, tenant, environment, key, name, description, tags, metadata, type,
        enabled, variants, default_variant, off_variant, rules, user_ids,
        rollout, prerequisites, enable_at, disable_at, expose, version,
        created_at, updated_at, archived_at)) STORED,
    CONSTRAINT flags_pkey PRIMARY KEY (id),
    CONSTRAINT flags_environment_fkey FOREIGN KEY (tenant, environment)
        REFERENCES flagship.environments (tenant, key)
        ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT flags_key_syntax CHECK (flagship.is_key(key)),
    CONSTRAINT flags_type_known CHECK
        (type IN ('boolean', 'string', 'number', 'json')),
    CONSTRAINT flags_variants_typed CHECK
        (flagship.are_variants(variants, type)),
    CONSTRAINT flags_variants_members CHECK
        (flagship.members_differ(variants)),
    CONSTRAINT flags_default_variant_known CHECK
        (variants::jsonb ? default_variant),
    CONSTRAINT flags_off_variant_known CHECK
        (variants::jsonb ? off_variant),
    CONSTRAINT flags_on_variant_known CHECK
        (variants::jsonb ? 'on'
         OR rollout IS NULL AND user_ids::jsonb = '[]'),
    CONSTRAINT flags_rules_shape CHECK (flagship.are_rules(rules)),
    CONSTRAINT flags_user_ids_shape CHECK (flagship.are_strings(user_ids)),
    CONSTRAINT flags_rollout_range CHECK (rollout BETWEEN 0 AND 100),
    CONSTRAINT flags_rollout_decimals CHECK (scale(trim_scale(rollout)) <= 6),
    CONSTRAINT flags_prerequisites_shape CHECK
        (flagship.are_prerequisites(prerequisites, key)),
    CONSTRAINT flags_tags_shape CHECK (flagship.are_strings(tags)),
    CONSTRAINT flags_metadata_shape CHECK (flagship.is_metadata(metadata)),
    CONSTRAINT flags_metadata_members CHECK
        (flagship.members_differ(metadata)),
    CONSTRAINT flags_schedule_range CHECK
        (enable_at >= '0001-01-01 00:00:00+00'
         AND enable_at < '10000-01-01 00:00:00+00'
         AND disable_at >= '0001-01-01 00:00:00+00'
         AND disable_at < '10000-01-01 00:00:00+00'),
    CONSTRAINT flags_schedule_order CHECK (enable_at < disable_at),
    CONSTRAINT flags_size CHECK
        (octet_length(variants::text) + octet_length(rules::text)
         + octet_length(user_ids::text) + octet_length(prerequisites::text)
         + octet_length(metadata::text) + octet_length(tags::text)
         + octet_length(description) <= 1000000),
    CONSTRAINT flags_name_length CHECK (char_length(name) <= 200),
    CONSTRAINT flags_version_range CHECK (version > 0)
);

COMMENT ON TABLE flagship.flags IS
    'The flags.  Only key must be given: the rest has defaults, and variants the simple form (on and off)';
COMMENT ON COLUMN flagship.flags.id IS
    'The lasting name of the row; archived flags are had by it';
COMMENT ON COLUMN flagship.flags.tenant IS
    'The key of its tenant';
COMMENT ON COLUMN flagship.flags.environment IS
    'The key of its environment';
COMMENT ON COLUMN flagship.flags.key IS
    'What requests name it by; unique among the flags of its environment that are not archived';
COMMENT ON COLUMN flagship.flags.name IS
    'For people';
COMMENT ON COLUMN flagship.flags.description IS
    'For people';
COMMENT ON COLUMN flagship.flags.tags IS
    'An array of strings, for people and lists';
COMMENT ON COLUMN flagship.flags.metadata IS
    'An object of strings, numbers and booleans that goes with every answer';
COMMENT ON COLUMN flagship.flags.type IS
    'boolean, string, number or json: what every variant''s value is; left out: what the variants are, else boolean';
COMMENT ON COLUMN flagship.flags.enabled IS
    'The switch';
COMMENT ON COLUMN flagship.flags.variants IS
    'An object, variant''s name to value; left out: on and off, and where neither rollout nor user_ids nor rules is given a rollout of 100';
COMMENT ON COLUMN flagship.flags.default_variant IS
    'Served when nothing else decides; null: the caller''s own default';
COMMENT ON COLUMN flagship.flags.off_variant IS
    'Served while the flag is off; null: no value';
COMMENT ON COLUMN flagship.flags.rules IS
    'An array of {name, when, serve}; the first whose condition holds is the only one asked';
COMMENT ON COLUMN flagship.flags.user_ids IS
    'An array of the ids that always get the variant on';
COMMENT ON COLUMN flagship.flags.rollout IS
    'The percentage, up to six decimals, of everyone that gets the variant on; null: none';
COMMENT ON COLUMN flagship.flags.prerequisites IS
    'An array of {flag, variant}: what other flags must serve';
COMMENT ON COLUMN flagship.flags.enable_at IS
    'On from this second, while enabled';
COMMENT ON COLUMN flagship.flags.disable_at IS
    'Off from this second';
COMMENT ON COLUMN flagship.flags.expose IS
    'Whether the edge and client keys see it';
COMMENT ON COLUMN flagship.flags.version IS
    'Counts the changes of this row, from 1';
COMMENT ON COLUMN flagship.flags.created_at IS
    'When it was made';
COMMENT ON COLUMN flagship.flags.updated_at IS
    'When it was last changed';
COMMENT ON COLUMN flagship.flags.archived_at IS
    'When it was archived: it is then no flag any more, and its key is free; null: live';
COMMENT ON COLUMN flagship.flags.document IS
    'The row as the API writes it and the audit keeps it';


CREATE FUNCTION flagship.complete_flag() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.variants IS NULL THEN
        NEW.type := coalesce(NEW.type, 'boolean');

        IF NEW.type <> 'boolean' THEN
            RAISE EXCEPTION 'a flag of type "%" needs variants', NEW.type
                  USING ERRCODE = 'not_null_violation',
                        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
                        COLUMN = 'variants';
        END IF;

        NEW.variants := '{"on": true, "off": false}';
        NEW.default_variant := coalesce(NEW.default_variant, 'off');
        NEW.off_variant := coalesce(NEW.off_variant, 'off');

        IF NEW.rollout IS NULL AND NEW.user_ids IS NULL AND NEW.rules IS NULL
        THEN
            NEW.rollout := 100;
        END IF;
    END IF;

    -- What the first variant is; the constraint asks the others.
    IF NEW.type IS NULL THEN
        NEW.type := CASE json_typeof(NEW.variants)
            WHEN 'object' THEN (
                SELECT CASE json_typeof(value)
                            WHEN 'string' THEN 'string'
                            WHEN 'number' THEN 'number'
                            WHEN 'object' THEN 'json'
                            WHEN 'array' THEN 'json'
                            ELSE 'boolean' END
                  FROM json_each(NEW.variants)
                 LIMIT 1)
            END;
        NEW.type := coalesce(NEW.type, 'boolean');
    END IF;

    NEW.rules := coalesce(NEW.rules, '[]');
    NEW.user_ids := coalesce(NEW.user_ids, '[]');
    NEW.prerequisites := coalesce(NEW.prerequisites, '[]');
    NEW.tags := coalesce(NEW.tags, '[]');
    NEW.metadata := coalesce(NEW.metadata, '{}');
    NEW.rollout := trim_scale(NEW.rollout);

    RETURN NEW;
END $$;

COMMENT ON FUNCTION flagship.complete_flag() IS
    'Trigger: the simple form, the type of the variants, and empty documents for null';

CREATE TRIGGER flags_complete BEFORE INSERT OR UPDATE ON flagship.flags
    FOR EACH ROW EXECUTE FUNCTION flagship.complete_flag();

CALL flagship.keep_history('flagship.flags', 'flag',
                           'tenant', 'environment', 'key');


-- The list of live flags, which is also what evaluation reads, and of archived
-- ones, then a filter or an order each.
CREATE INDEX flags_archived
    ON flagship.flags (tenant, environment, key, id)
    WHERE archived_at IS NOT NULL;
CREATE INDEX flags_enabled
    ON flagship.flags (tenant, environment, enabled, key)
    WHERE archived_at IS NULL;
CREATE INDEX flags_created_at
    ON flagship.flags (tenant, environment, created_at, id);
CREATE INDEX flags_updated_at
    ON flagship.flags (tenant, environment, updated_at, id);
CREATE INDEX flags_name
    ON flagship.flags (tenant, environment, name, id);
CREATE INDEX flags_tags
    ON flagship.flags USING gin ((tags::jsonb));

SELECT extnamespace::regnamespace AS trigrams
  FROM pg_extension WHERE extname = 'pg_trgm' \gset
SET LOCAL search_path TO :trigrams;

CREATE INDEX flags_search
    ON flagship.flags USING gin (
        ((key || ' ' || name || ' ' || description) COLLATE "default")
        gin_trgm_ops);

COMMENT ON INDEX flagship.flags_search IS
    'For ((key || '' '' || name || '' '' || description) COLLATE "default") ILIKE ...';

-- The last of them: while a table has no statistics, all indexes that begin
-- with tenant and environment look alike to the planner, and of those it takes
-- the newest.
CREATE UNIQUE INDEX flags_live_key
    ON flagship.flags (tenant, environment, key) WHERE archived_at IS NULL;


REVOKE EXECUTE ON FUNCTION
    flagship.complete_flag(), flagship.time_text(timestamptz),
    flagship.flag_document
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    flagship.time_text(timestamptz), flagship.flag_document
TO flagship_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON flagship.flags TO flagship_admin;
GRANT SELECT ON flagship.flags TO flagship_edge;

COMMIT;
