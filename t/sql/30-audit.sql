-- Who changed what: an entry for every row, whoever writes it.

BEGIN;
SELECT * FROM no_plan();

CREATE FUNCTION pg_temp.last() RETURNS flagship.audit
LANGUAGE sql AS $$ SELECT a FROM flagship.audit a ORDER BY id DESC LIMIT 1 $$;

CREATE FUNCTION pg_temp.entries() RETURNS bigint
LANGUAGE sql AS $$ SELECT count(*) FROM flagship.audit $$;

-- The life of a flag.

INSERT INTO flagship.flags (key) VALUES ('f');
SELECT is(concat_ws('|', l.tenant, l.environment, l.entity, l.entity_key,
                    l.action),
          'default|prod|flag|f|create', 'a create') FROM pg_temp.last() l;
SELECT ok(l.before IS NULL AND l.after IS NOT NULL, 'has only an after')
  FROM pg_temp.last() l;
SELECT is(l.after::text, f.document::text, 'which is the row')
  FROM pg_temp.last() l, flagship.flags f WHERE f.key = 'f';
SELECT is(l.entity_id, f.id::text, 'under its id')
  FROM pg_temp.last() l, flagship.flags f WHERE f.key = 'f';
SELECT is(l.revision, r.revision, 'and the revision that brought it')
  FROM pg_temp.last() l, flagship.revision r;

UPDATE flagship.flags SET rollout = 5 WHERE key = 'f';
SELECT is(concat_ws('|', l.action, l.before ->> 'rollout',
                    l.after ->> 'rollout', l.before ->> 'version',
                    l.after ->> 'version'),
          'update|100|5|1|2', 'an update has before and after')
  FROM pg_temp.last() l;

SELECT pg_temp.entries() AS n \gset
UPDATE flagship.flags SET rollout = 5 WHERE key = 'f';
UPDATE flagship.flags SET rollout = 6 WHERE key = 'nobody';
SELECT is(pg_temp.entries(), :n::bigint, 'a change of nothing leaves no trace');

UPDATE flagship.flags SET archived_at = now() WHERE key = 'f';
SELECT is(l.action, 'archive', 'an archiving') FROM pg_temp.last() l;
UPDATE flagship.flags SET archived_at = NULL WHERE key = 'f';
SELECT is(l.action, 'restore', 'a restoring') FROM pg_temp.last() l;
UPDATE flagship.flags SET key = 'g' WHERE key = 'f';
SELECT is(concat_ws('|', l.action, l.entity_key, l.before ->> 'key'),
          'update|g|f', 'a renaming') FROM pg_temp.last() l;
DELETE FROM flagship.flags WHERE key = 'g';
SELECT ok(l.action = 'purge' AND l.entity_key = 'g' AND l.after IS NULL
          AND l.before ->> 'rollout' = '5', 'a purge keeps what was')
  FROM pg_temp.last() l;

-- The actor.

SELECT is(l.actor, session_user::text, 'the role, where nobody is named')
  FROM pg_temp.last() l;
SELECT set_config('flagship.actor', 'alice@example.org', true) <> '' AS x \gset
INSERT INTO flagship.flags (key) VALUES ('h');
SELECT is(l.actor, 'alice@example.org', 'who is named is the actor')
  FROM pg_temp.last() l;
SELECT set_config('flagship.actor', '', true) <> '' AS x \gset
UPDATE flagship.flags SET enabled = true WHERE key = 'h';
SELECT is(l.actor, session_user::text, 'the empty name is nobody')
  FROM pg_temp.last() l;

-- An action that only the writer knows.

SELECT set_config('flagship.action', 'promote', true) <> '' AS x \gset
UPDATE flagship.flags SET enabled = false WHERE key = 'h';
SELECT is(l.action, 'promote', 'a promotion') FROM pg_temp.last() l;
SELECT set_config('flagship.action', 'import', true) <> '' AS x \gset
INSERT INTO flagship.flags (key) VALUES ('i');
SELECT is(l.action, 'import', 'an import') FROM pg_temp.last() l;
SELECT set_config('flagship.action', 'nonsense', true) <> '' AS x \gset
INSERT INTO flagship.flags (key) VALUES ('j');
SELECT is(l.action, 'create', 'nothing else may be claimed')
  FROM pg_temp.last() l;

-- Other things.

INSERT INTO flagship.segments (key, "when") VALUES ('s', 'true');
UPDATE flagship.environments SET fractional = 1 WHERE key = 'dev';
SELECT is(concat_ws('|', l.environment, l.entity, l.entity_key, l.action),
          'dev|environment|dev|update', 'environments are audited')
  FROM pg_temp.last() l;
INSERT INTO flagship.api_keys (id, role, hash)
VALUES ('abcdefgh', 'editor', sha256('x'));
SELECT ok(l.entity = 'api_key' AND l.after ->> 'role' = 'editor'
          AND NOT l.after::jsonb ? 'hash', 'keys are, without their digest')
  FROM pg_temp.last() l;
INSERT INTO flagship.sets (key) VALUES ('vip');
INSERT INTO flagship.set_members (set, id) VALUES ('vip', 'b'), ('vip', 'a');
SELECT results_eq(
    $$SELECT action, after ->> 'members', after ->> 'size' FROM flagship.audit
       WHERE entity = 'set' ORDER BY id$$,
    $$VALUES ('create', NULL, '0'), ('update', '["a", "b"]', NULL),
             ('update', NULL, '2')$$, 'members are, by their names');

-- Cascades and TRUNCATE.

SELECT pg_temp.entries() AS n \gset
DELETE FROM flagship.environments WHERE tenant = 'default' AND key = 'prod';
SELECT is(pg_temp.entries() - :n, 4::bigint,
          'what goes with an environment is audited');
INSERT INTO flagship.flags (environment, key) VALUES ('dev', 'a'), ('dev', 'b');
SELECT pg_temp.entries() AS n \gset
TRUNCATE flagship.flags;
SELECT is(pg_temp.entries() - :n, 2::bigint, 'so is what a TRUNCATE takes');
SELECT is(string_agg(concat_ws('|', l.action, l.environment, l.entity_key,
                               l.before ->> 'key'), ' ' ORDER BY l.entity_key),
          'purge|dev|a|a purge|dev|b|b', 'row by row')
  FROM (SELECT * FROM flagship.audit ORDER BY id DESC LIMIT 2) l;

TRUNCATE flagship.api_keys;
SELECT ok(l.entity = 'api_key' AND NOT l.before::jsonb ? 'hash',
          'without the digests of keys') FROM pg_temp.last() l;

-- Nothing is taken back, also not by a superuser.

SELECT throws_ok(sql, '42501', NULL, sql) FROM (VALUES
    ('UPDATE flagship.audit SET actor = ''nobody'''),
    ('DELETE FROM flagship.audit'),
    ('DELETE FROM flagship.audit WHERE false'),
    ('TRUNCATE flagship.audit'),
    ('DELETE FROM flagship.revision'),
    ('TRUNCATE flagship.revision')) AS t (sql);

SELECT * FROM finish();
ROLLBACK;
