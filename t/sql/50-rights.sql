-- Which role may do what; and that nobody of ours can get round the audit.

BEGIN;
SELECT * FROM no_plan();

CREATE FUNCTION pg_temp.may(role name, sql text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE sql;
    RESET ROLE;
    RETURN pass(role || ' may ' || sql);
EXCEPTION WHEN OTHERS THEN
    RESET ROLE;
    RETURN fail(role || ' may ' || sql || ': ' || SQLERRM);
END $$;

CREATE FUNCTION pg_temp.may_not(role name, sql text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE format('SET LOCAL ROLE %I', role);
        EXECUTE sql;
    EXCEPTION WHEN insufficient_privilege THEN
        RESET ROLE;
        RETURN pass(role || ' may not ' || sql);
    END;
    RESET ROLE;
    RETURN fail(role || ' may not ' || sql);
END $$;

INSERT INTO flagship.flags (key) VALUES ('f');

-- The API.

SELECT pg_temp.may('flagship_admin', sql) FROM (VALUES
    ('SELECT flagship.take_revision()'),
    ('INSERT INTO flagship.tenants (key) VALUES (''acme'')'),
    ('INSERT INTO flagship.environments (tenant, key) VALUES (''acme'', ''qa'')'),
    ('INSERT INTO flagship.flags (tenant, key) VALUES (''acme'', ''a'')'),
    ('UPDATE flagship.flags SET rollout = 7'),
    ('INSERT INTO flagship.segments (key, "when") VALUES (''s'', ''true'')'),
    ('DELETE FROM flagship.segments'),
    ('INSERT INTO flagship.sets (key) VALUES (''v'')'),
    ('INSERT INTO flagship.set_members (set, id) VALUES (''v'', ''x'')'),
    ('DELETE FROM flagship.set_members'),
    ('INSERT INTO flagship.api_keys (id, role, hash) VALUES (''abcdefgh'', ''client'', sha256(''x''))'),
    ('UPDATE flagship.tenants SET key = ''emca'' WHERE key = ''acme'''),
    ('DELETE FROM flagship.tenants WHERE key = ''emca'''),
    ('SELECT count(*) FROM flagship.audit'),
    ('SELECT * FROM flagship.delta(NULL, NULL)'),
    ('SELECT flagship.create_flag(''x'', ''default'', ''dev'', ''g'', ''{}'', false)'),
    ('SELECT flagship.change_flag(''x'', ''default'', ''dev'', ''g'', ''{"metadata": {"a": 1}}'', NULL, NULL, NULL, true)'),
    ('SELECT flagship.archive_flag(''x'', ''default'', ''dev'', ''g'', NULL, false)'),
    ('SELECT flagship.restore_flag(''x'', ''default'', ''dev'', (SELECT id FROM flagship.flags WHERE key = ''g''), NULL, false)'),
    ('SELECT flagship.read_flag(''default'', ''dev'', ''g'', false, ''{}'')'),
    ('SELECT flagship.purge_flag(''x'', ''default'', ''dev'', ''g'', false, NULL, false)'),
    ('SELECT flagship.audit_document(a) FROM flagship.audit a')) AS t (sql);
SELECT pg_temp.may_not('flagship_admin', sql) FROM (VALUES
    ('INSERT INTO flagship.audit (actor, entity, entity_id, action, after, revision) VALUES (''x'', ''flag'', '''', ''create'', ''1'', 1)'),
    ('UPDATE flagship.audit SET actor = ''x'''),
    ('DELETE FROM flagship.audit'),
    ('TRUNCATE flagship.audit'),
    ('TRUNCATE flagship.flags'),
    ('UPDATE flagship.revision SET revision = 1'),
    ('DELETE FROM flagship.changes'),
    ('INSERT INTO flagship.changes (revision, entity, id, operation) VALUES (1, ''flag'', '''', ''insert'')'),
    ('SELECT flagship.raise_revision()'),
    ('SELECT flagship.trim_changes(''0'')'),
    ('ALTER TABLE flagship.flags DISABLE TRIGGER ALL'),
    ('SET session_replication_role = replica'),
    ('CREATE TABLE flagship.mine ()')) AS t (sql);

-- nginx.

SELECT pg_temp.may('flagship_edge', sql) FROM (VALUES
    ('SELECT * FROM flagship.delta(NULL, NULL)'),
    ('SELECT d.* FROM flagship.revision r, flagship.delta(r.epoch, 0) d'),
    ('SELECT epoch, revision FROM flagship.revision'),
    ('SELECT * FROM flagship.changes'),
    ('SELECT * FROM flagship.tenants, flagship.environments'),
    ('SELECT * FROM flagship.flags, flagship.segments'),
    ('SELECT * FROM flagship.sets, flagship.set_members'),
    ('SELECT id, hash FROM flagship.api_keys'),
    ('LISTEN flagship')) AS t (sql);
SELECT pg_temp.may_not('flagship_edge', sql) FROM (VALUES
    ('INSERT INTO flagship.flags (key) VALUES (''e'')'),
    ('UPDATE flagship.flags SET enabled = true'),
    ('DELETE FROM flagship.flags'),
    ('UPDATE flagship.environments SET fractional = 1'),
    ('DELETE FROM flagship.tenants'),
    ('DELETE FROM flagship.segments'),
    ('DELETE FROM flagship.set_members'),
    ('DELETE FROM flagship.api_keys'),
    ('UPDATE flagship.revision SET revision = 1'),
    ('SELECT * FROM flagship.audit'),
    ('SELECT flagship.take_revision()'),
    ('SELECT flagship.create_flag(''x'', ''default'', ''dev'', ''g'', ''{}'', false)'),
    ('SELECT flagship.read_flag(''default'', ''dev'', ''f'', false, NULL)')) AS t (sql);

-- Metrics.

SELECT pg_temp.may('flagship_metrics', 'SELECT * FROM flagship.revision');
SELECT pg_temp.may_not('flagship_metrics', sql) FROM (VALUES
    ('SELECT * FROM flagship.flags'),
    ('SELECT * FROM flagship.audit'),
    ('SELECT * FROM flagship.api_keys'),
    ('SELECT * FROM flagship.delta(NULL, NULL)')) AS t (sql);

-- The owner: no way round the triggers of the audit either.

SELECT pg_temp.may_not('flagship_owner', 'DELETE FROM flagship.audit');
SELECT pg_temp.may_not('flagship_owner', 'UPDATE flagship.audit SET ts = now()');
SELECT pg_temp.may_not('flagship_owner', 'TRUNCATE flagship.audit');

-- What an admin does is written with the owner's rights but in his own name.

CREATE ROLE "Some Body" LOGIN IN ROLE flagship_admin;
SELECT set_config('flagship.actor', '', true) AS x \gset
SET SESSION AUTHORIZATION "Some Body";
INSERT INTO flagship.flags (key) VALUES ('mine');
RESET SESSION AUTHORIZATION;
SELECT is(actor, 'Some Body', 'the actor is the role that logged in')
  FROM flagship.audit ORDER BY id DESC LIMIT 1;

-- Nothing in the schema is everybody's.

CREATE ROLE stranger;
SELECT is(ARRAY(
    SELECT p.oid::regprocedure::text
      FROM pg_proc p
     WHERE p.pronamespace = 'flagship'::regnamespace AND p.prosecdef
       AND has_function_privilege('stranger', p.oid, 'EXECUTE')), '{}',
    'no function of the owner''s rights is for everybody');
SELECT is(ARRAY(
    SELECT c.relname::text FROM pg_class c
     WHERE c.relnamespace = 'flagship'::regnamespace AND c.relkind = 'r'
       AND has_table_privilege('stranger', c.oid,
                               'SELECT, INSERT, UPDATE, DELETE')), '{}',
    'no table is for everybody');
SELECT is(ARRAY(
    SELECT p.oid::regprocedure::text
      FROM pg_proc p
     WHERE p.pronamespace = 'flagship'::regnamespace AND p.prosecdef
       AND NOT coalesce(array_to_string(p.proconfig, ' '), '')
               LIKE '%search_path=pg_catalog, pg_temp%'), '{}',
    'and each has a search path of its own');
SELECT is(ARRAY(
    SELECT c.relname::text FROM pg_class c
     WHERE c.relnamespace = 'flagship'::regnamespace
       AND c.relowner <> 'flagship_owner'::regrole), '{}',
    'all belongs to flagship_owner');

SELECT * FROM finish();
ROLLBACK;
