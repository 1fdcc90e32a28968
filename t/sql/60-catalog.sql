-- What a person finds who looks around: comments, names, and an index for
-- every list and filter.

BEGIN;
SELECT * FROM no_plan();

SELECT is(ARRAY(
    SELECT c.oid::regclass::text FROM pg_class c
     WHERE c.relnamespace = 'flagship'::regnamespace AND c.relkind = 'r'
       AND coalesce(obj_description(c.oid, 'pg_class'), '') = ''), '{}',
    'every table has a comment');
SELECT is(ARRAY(
    SELECT c.oid::regclass || '.' || a.attname
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'flagship'::regnamespace AND c.relkind = 'r'
       AND a.attnum > 0 AND NOT a.attisdropped
       AND coalesce(col_description(c.oid, a.attnum), '') = ''), '{}',
    'every column has a comment');
SELECT is(ARRAY(
    SELECT p.oid::regprocedure::text FROM pg_proc p
     WHERE p.pronamespace = 'flagship'::regnamespace
       AND p.proowner = 'flagship_owner'::regrole
       AND coalesce(obj_description(p.oid, 'pg_proc'), '') = ''), '{}',
    'every function has a comment');

SELECT columns_are('flagship', 'flags', ARRAY[
    'id', 'tenant', 'environment', 'key', 'name', 'description', 'tags',
    'metadata', 'type', 'enabled', 'variants', 'default_variant',
    'off_variant', 'rules', 'user_ids', 'rollout', 'prerequisites',
    'enable_at', 'disable_at', 'expose', 'version', 'created_at',
    'updated_at', 'archived_at', 'document'],
    'a flag''s columns are its fields');
SELECT is(ARRAY(
    SELECT column_name::text FROM information_schema.columns
     WHERE table_schema = 'flagship' AND table_name IN ('flags', 'segments')
       AND column_name IN ('tags', 'metadata', 'variants', 'rules', 'user_ids',
                           'prerequisites', 'when')
       AND data_type <> 'json'), '{}', 'documents are json');
SELECT is(ARRAY(
    SELECT conname::text FROM pg_constraint
     WHERE connamespace = 'flagship'::regnamespace
       AND conname !~ ('^' || (SELECT relname FROM pg_class
                                WHERE oid = conrelid) || '_')), '{}',
    'a constraint''s name says its table');
SELECT is(ARRAY(
    SELECT conname::text FROM pg_constraint
     WHERE connamespace = 'flagship'::regnamespace AND conname ~ '_check\d*$'),
    '{}', 'and what it is about');

-- Lists.

SET LOCAL enable_seqscan = off;
SET LOCAL enable_sort = off;
SET LOCAL client_min_messages = warning;

-- Whether an index, all others away, gives what is asked for: no row is read
-- to be thrown away, none is sorted.  Which one the planner takes of several is
-- a matter of what is in the tables.
CREATE FUNCTION pg_temp.uses(index text, sql text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    it   record;
    line text;
    plan text := '';
BEGIN
    -- Only gin has no other way.
    PERFORM set_config('enable_bitmapscan', (sql !~ 'ORDER BY')::text, true);

    BEGIN
        FOR it IN
            SELECT i.indrelid::regclass AS rel, i.indexrelid::regclass AS name,
                   c.conname
              FROM pg_index i
              LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid
                                       AND c.conrelid = i.indrelid
             WHERE i.indexrelid <> ('flagship.' || index)::regclass
               AND i.indrelid = (SELECT indrelid FROM pg_index
                                  WHERE indexrelid
                                        = ('flagship.' || index)::regclass)
        LOOP
            IF it.conname IS NULL THEN
                EXECUTE format('DROP INDEX %s', it.name);
            ELSE
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE',
                               it.rel, it.conname);
            END IF;
        END LOOP;

        FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || sql LOOP
            plan := plan || line || E'\n';
        END LOOP;

        RAISE EXCEPTION 'taken back' USING ERRCODE = 'UF000';
    EXCEPTION WHEN SQLSTATE 'UF000' THEN
        NULL;
    END;

    RETURN ok(plan ~ ('\m' || index || '\M') AND plan !~ 'Filter:|Sort',
              index || ': ' || regexp_replace(sql, '\s+', ' ', 'g'))
           || CASE WHEN plan ~ 'Filter:|Sort' THEN E'\n' || diag(plan)
                   ELSE '' END;
END $$;

SELECT pg_temp.uses(index, 'SELECT * FROM flagship.' || what) FROM (VALUES
    ('flags_live_key', $$flags WHERE tenant = 'default' AND environment = 'prod'
        AND archived_at IS NULL ORDER BY key LIMIT 100$$),
    ('flags_live_key', $$flags WHERE tenant = 'default' AND environment = 'prod'
        AND archived_at IS NULL AND key > 'k' ORDER BY key LIMIT 100$$),
    ('flags_archived', $$flags WHERE tenant = 'default' AND environment = 'prod'
        AND archived_at IS NOT NULL ORDER BY key, id LIMIT 100$$),
    ('flags_enabled', $$flags WHERE tenant = 'default' AND environment = 'prod'
        AND archived_at IS NULL AND enabled = true ORDER BY key LIMIT 100$$),
    ('flags_created_at', $$flags WHERE tenant = 'default' AND environment = 'prod'
        ORDER BY created_at, id LIMIT 100$$),
    ('flags_updated_at', $$flags WHERE tenant = 'default' AND environment = 'prod'
        ORDER BY updated_at DESC, id DESC LIMIT 100$$),
    ('flags_name', $$flags WHERE tenant = 'default' AND environment = 'prod'
        ORDER BY name, id LIMIT 100$$),
    ('flags_tags', $$flags WHERE tags::jsonb ? 'ui'$$),
    ('flags_search', $$flags WHERE ((key || ' ' || name || ' ' || description)
        COLLATE "default") ILIKE '%search%'$$),
    ('segments_live_key', $$segments WHERE tenant = 'a'
        AND archived_at IS NULL ORDER BY key LIMIT 100$$),
    ('segments_archived', $$segments WHERE tenant = 'a'
        AND archived_at IS NOT NULL ORDER BY key, id LIMIT 100$$),
    ('segments_created_at', $$segments WHERE tenant = 'a'
        ORDER BY created_at, id LIMIT 100$$),
    ('segments_updated_at', $$segments WHERE tenant = 'a'
        ORDER BY updated_at, id LIMIT 100$$),
    ('segments_name', $$segments WHERE tenant = 'a'
        ORDER BY name, id LIMIT 100$$),
    ('segments_search', $$segments WHERE
        ((key || ' ' || name || ' ' || description) COLLATE "default")
        ILIKE '%search%'$$),
    ('sets_search', $$sets WHERE
        ((key || ' ' || name || ' ' || description) COLLATE "default")
        ILIKE '%search%'$$),
    ('set_members_pkey', $$set_members WHERE tenant = 'a' AND set = 'b'
        AND id > 'c' ORDER BY id LIMIT 100$$),
    ('api_keys_list', $$api_keys WHERE tenant = 'a'
        ORDER BY environment, id LIMIT 100$$),
    ('environments_pkey', $$environments WHERE tenant = 'a' ORDER BY key$$),
    ('audit_list', $$audit WHERE tenant = 'acme' ORDER BY id DESC LIMIT 100$$),
    ('audit_ts', $$audit WHERE tenant = 'default' AND ts BETWEEN '2020-01-01'
        AND '2020-02-01' ORDER BY ts LIMIT 100$$),
    ('audit_environment', $$audit WHERE tenant = 'default'
        AND environment = 'dev' ORDER BY id DESC LIMIT 100$$),
    ('audit_entity', $$audit WHERE tenant = 'default' AND entity = 'segment'
        ORDER BY id DESC LIMIT 100$$),
    ('audit_key', $$audit WHERE tenant = 'default' AND entity_key = 'f8'
        ORDER BY id DESC LIMIT 100$$),
    ('audit_actor', $$audit WHERE tenant = 'default' AND actor = 'rare'
        ORDER BY id DESC LIMIT 100$$),
    ('audit_action', $$audit WHERE tenant = 'default' AND action = 'archive'
        ORDER BY id DESC LIMIT 100$$),
    ('audit_entity_id', $$audit WHERE entity_id = 'a'
        ORDER BY id DESC LIMIT 100$$),
    ('changes_pkey', $$changes WHERE revision > 7$$),
    ('changes_ts', $$changes WHERE ts < '2026-01-01' ORDER BY ts DESC LIMIT 1$$)
) AS t (index, what);

SELECT * FROM finish();
ROLLBACK;
