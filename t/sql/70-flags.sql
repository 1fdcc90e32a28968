-- What the API does with flags: one call each, with everything that belongs to
-- it in it.

BEGIN;
SELECT * FROM no_plan();

SET LOCAL timezone = 'Asia/Tokyo';

CREATE FUNCTION pg_temp.make(key text, document json DEFAULT '{}')
RETURNS record LANGUAGE sql AS $$
    SELECT flagship.create_flag('alice', 'default', 'prod', key, document,
                                false)
$$;

CREATE FUNCTION pg_temp.change(key text, patch json, match text DEFAULT NULL,
    names text[] DEFAULT NULL, form text DEFAULT NULL,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE sql AS $$
    SELECT * FROM flagship.change_flag('bob', 'default', 'prod', key, patch,
                                       match, names, form, false)
$$;

CREATE FUNCTION pg_temp.entries() RETURNS bigint
LANGUAGE sql AS $$ SELECT count(*) FROM flagship.audit $$;

CREATE FUNCTION pg_temp.revision() RETURNS bigint
LANGUAGE sql AS $$ SELECT revision FROM flagship.revision $$;

CREATE FUNCTION pg_temp.row(p_key text) RETURNS flagship.flags
LANGUAGE sql AS $$
    SELECT f FROM flagship.flags f
     WHERE tenant = 'default' AND environment = 'prod' AND key = p_key
       AND archived_at IS NULL
$$;

-- Creating.

SELECT * FROM flagship.create_flag('alice', 'default', 'prod', 'a',
    '{"name": "A \"b\" é", "enabled": true, "rollout": 12.50, "metadata":
      {"n": 1.50}, "user_ids": ["x"], "enable_at": "2026-01-01t00:00:00.7z",
      "disable_at": "2026-06-01T12:00:00+02:00", "tags": ["t"]}', false) \gset

SELECT is(:'outcome'::text, 'created', 'a flag is created');
SELECT is(:'tag', (f).id || '-1', 'its tag is id and version')
  FROM pg_temp.row('a') f;
SELECT is(:revision::bigint, pg_temp.revision(), 'the revision is that of the write');
SELECT is(:'document', format('{"id":"%s","tenant":"default",'
    '"environment":"prod","key":"a","name":"A \"b\" é","description":"",'
    '"tags":["t"],"metadata":{"n": 1.50},"type":"boolean","enabled":true,'
    '"variants":{"on": true, "off": false},"default_variant":"off",'
    '"off_variant":"off","rules":[],"user_ids":["x"],"rollout":12.5,'
    '"prerequisites":[],"enable_at":"2026-01-01T00:00:00Z",'
    '"disable_at":"2026-06-01T10:00:00Z","expose":true,"version":1,'
    '"created_at":"%s","updated_at":"%s","archived_at":null}',
    (f).id, flagship.time_text((f).created_at),
    flagship.time_text((f).updated_at)),
    'the document has all fields in their order, documents as written')
  FROM pg_temp.row('a') f;
SELECT matches(flagship.time_text(now()),
    '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$', 'times are RFC 3339');
SELECT ok(json_typeof(:'document'::json) = 'object', 'it is JSON');
SELECT is(actor || ' ' || action, 'alice create', 'the actor is audited')
  FROM flagship.audit ORDER BY id DESC LIMIT 1;

SELECT is((pg_temp.row('a')).created_at, now(), 'the time is now''s');

-- The document is the row's, whoever writes it, with whatever settings.

SELECT is((pg_temp.row('a')).document::text, :'document', 'it is kept');

SAVEPOINT by_hand;
SET LOCAL session_replication_role = replica;
UPDATE flagship.flags SET name = E'\\ "\n' WHERE key = 'a';
SELECT is((f).document ->> 'name', (f).name, 'triggers do not make it')
  FROM pg_temp.row('a') f;
SELECT is((f).document ->> 'version', '1', 'as the version is')
  FROM pg_temp.row('a') f;
ROLLBACK TO by_hand;

ALTER TABLE flagship.flags DISABLE TRIGGER ALL;
UPDATE flagship.flags SET rollout = 7 WHERE key = 'a';
SELECT is((pg_temp.row('a')).document ->> 'rollout', '7',
          'also where they are disabled');
ROLLBACK TO by_hand;

CREATE TEMP TABLE written AS SELECT (pg_temp.row('a')).document::text AS now;
SET LOCAL timezone = 'America/New_York';
SET LOCAL datestyle = 'German';
SET LOCAL extra_float_digits = -15;
SET LOCAL session_replication_role = replica;
UPDATE flagship.flags SET updated_at = updated_at WHERE key = 'a';
SELECT is((pg_temp.row('a')).document::text, now, 'settings change nothing')
  FROM written;
ROLLBACK TO by_hand;

SELECT throws_ok('UPDATE flagship.flags SET document = ''{}''', '428C9', NULL,
                 'nobody writes it');

SELECT * FROM flagship.create_flag('alice', 'default', 'prod', 'a',
    '{"name": "other"}', false) \gset
SELECT is(:'outcome'::text, 'exists', 'a second one of the key exists already');
SELECT is(:'document'::json ->> 'name', 'A "b" é', 'the document is the first''s');
SELECT is(:revision::bigint, pg_temp.revision(), 'and nothing has changed');

SELECT pg_temp.make('b') IS NOT NULL AS x \gset
SELECT is((f).variants::text || (f).rollout,
          '{"on": true, "off": false}100', 'the simple form')
  FROM pg_temp.row('b') f;

SELECT throws_ok(sql, state, NULL, sql) FROM (VALUES
    ('SELECT pg_temp.make(''c'', ''{"rollout": 101}'')', '23514'),
    ('SELECT pg_temp.make(''c d'')', '23514'),
    ('SELECT pg_temp.make(''c'', ''{"nonsense": 1}'')', '22023'),
    ('SELECT pg_temp.make(''c'', ''{"id": 1}'')', '22023'),
    ('SELECT flagship.create_flag(''x'', ''default'', ''nowhere'', ''c'', ''{}'', false)',
     '23503')) AS t (sql, state);

-- Reading.

SELECT * FROM flagship.read_flag('default', 'prod', 'a', false, NULL) \gset
SELECT is(:'document'::json ->> 'key', 'a', 'by key');
SELECT is(:'tag', (f).id || '-1', 'with its tag') FROM pg_temp.row('a') f;
SELECT is(r.document, :'document', 'by id')
  FROM flagship.read_flag('default', 'prod', (pg_temp.row('a')).id::text,
                          false, NULL) r;
SELECT is(r.document, :'document', 'by id of any environment')
  FROM flagship.read_flag('default', NULL,
                          upper((pg_temp.row('a')).id::text), false, NULL) r;
SELECT is(r.document, NULL, what) FROM (VALUES
    ('default', 'dev', (pg_temp.row('a')).id::text, 'not in another environment'),
    ('other', NULL, (pg_temp.row('a')).id::text, 'not of another tenant'),
    ('default', 'dev', 'a', 'no key of another environment'),
    ('default', 'prod', 'nobody', 'no such key'),
    ('default', 'prod', gen_random_uuid()::text, 'no such id'))
    AS t (tenant, environment, ref, what),
    flagship.read_flag(tenant, environment, ref, false, NULL) r;

-- Changing.

SELECT pg_temp.entries() AS n, pg_temp.revision() AS rev \gset
SELECT * FROM pg_temp.change('a', '{"rollout": 50, "name": null}') \gset
SELECT is(:'outcome'::text, 'changed', 'a change');
SELECT ok(:'document'::json ->> 'rollout' = '50'
          AND :'document'::json ->> 'name' = ''
          AND :'document'::json ->> 'version' = '2'
          AND :'document'::json ->> 'user_ids' = '["x"]',
          'replaces the fields named, and no others');
SELECT is(:'tag', (f).id || '-2', 'is another version')
  FROM pg_temp.row('a') f;
SELECT is(actor || ' ' || action, 'bob update', 'has its own actor')
  FROM flagship.audit ORDER BY id DESC LIMIT 1;
SELECT is(pg_temp.entries(), :n + 1::bigint, 'is one entry');

SELECT pg_temp.entries() AS n, pg_temp.revision() AS rev \gset
SELECT is((SELECT outcome FROM pg_temp.change('a', patch::json)), 'unchanged',
          'a change of nothing: ' || patch) FROM (VALUES
    ('{}'), ('{"rollout": 50.0}'), ('{"rollout": 5e1}'),
    ('{"user_ids":["x"],"tags":[ "t" ]}'), ('{"rules": null}'),
    ('{"variants":{"off":false,"on":true}}'), ('{"metadata": {}}'),
    ('{"metadata": {"n": 1.5, "m": null}}'), ('{"expose": null}'),
    ('{"disable_at": "2026-06-01T10:00:00.9Z"}'),
    ('{"type": null}')) AS t (patch);
SELECT is(ARRAY[pg_temp.entries(), pg_temp.revision(),
                (pg_temp.row('a')).version], ARRAY[:n, :rev, 2]::bigint[],
          'is no entry, no revision, no version');
SELECT is((pg_temp.row('a')).variants::text, '{"on": true, "off": false}',
          'and leaves documents as they were written');

SELECT is((SELECT document::json ->> 'metadata'
             FROM pg_temp.change('a', patch::json)), expected, patch)
  FROM (VALUES
    ('{"metadata": {"m": "x"}}', '{"n": 1.50, "m": "x"}'),
    ('{"metadata": {"n": null, "o": true}}', '{"m": "x", "o": true}'),
    ('{"metadata": {"m": 2.0, "p": 9007199254740993}}',
     '{"m": 2.0, "o": true, "p": 9007199254740993}'),
    ('{"metadata": null}', '{}')) AS t (patch, expected);

SELECT is((SELECT concat_ws('|', d ->> 'rollout', d ->> 'default_variant',
                  d ->> 'off_variant', d ->> 'enable_at', d ->> 'disable_at',
                  d ->> 'user_ids', d ->> 'tags', d ->> 'enabled',
                  d ->> 'expose')
             FROM pg_temp.change('a', '{"rollout": null, "off_variant": null,
                 "default_variant": null, "enable_at": null,
                 "disable_at": null, "user_ids": null, "tags": null,
                 "enabled": null, "expose": null}'),
                  CAST(document AS json) d),
          '[]|[]|false|true', 'null is nothing, or the default');
SELECT is((SELECT concat_ws('|', d ->> 'type', d ->> 'variants')
             FROM pg_temp.change('a', '{"type": null, "variants": {"x": "y"}}'),
                  CAST(document AS json) d),
          'string|{"x": "y"}', 'the type is that of the variants');

SELECT is((SELECT outcome FROM pg_temp.change('nobody', '{}')), 'missing',
          'nobody is missing');

-- Versions that must match.

SELECT (pg_temp.row('b')).id AS id \gset
SELECT is((SELECT outcome FROM pg_temp.change('b', '{"enabled": true}', tags)),
          expected, tags) FROM (VALUES
    (:'id' || '-2', 'mismatch'), ('', 'mismatch'), (:'id', 'mismatch'),
    ('x,' || :'id' || '-1,y', 'changed'), ('*', 'unchanged'))
    AS t (tags, expected);
SELECT is(concat_ws('|', tag = :'id' || '-2', document::json ->> 'enabled',
                    revision = pg_temp.revision()), 't|true|t',
          'a mismatch shows what is there')
  FROM pg_temp.change('b', '{"enabled": false}', :'id' || '-1');

-- Forms that were checked.

SELECT form FROM flagship.read_flag('default', 'prod', 'b', false,
                                    '{rules,rollout}') \gset
SELECT is((SELECT outcome FROM pg_temp.change('b', '{"rules": []}', NULL,
               '{rules,rollout}', :'form')), 'unchanged', 'as it was checked');
SELECT is((SELECT outcome FROM pg_temp.change('b',
               '{"rules": [{"serve": "on"}], "name": "x"}')), 'changed',
          'another one''s change');
SELECT is((SELECT outcome FROM pg_temp.change('b', '{"rollout": 7}', NULL,
               '{rules,rollout}', :'form')), 'changed',
          'of what is replaced does not matter');
SELECT is((SELECT outcome FROM pg_temp.change('b', '{"user_ids": ["u"]}')),
          'changed', 'but of something else');
SELECT is(outcome || (document::json ->> 'user_ids'), 'stale["u"]',
          'it does, and is shown')
  FROM pg_temp.change('b', '{"rollout": 8}', NULL, '{rules,rollout}', :'form');

-- Dry runs.

SELECT pg_temp.entries() AS n, pg_temp.revision() AS rev \gset
SELECT is(outcome || (document::json ->> 'version'), 'created1',
          'a creation, dry')
  FROM flagship.create_flag('x', 'default', 'prod', 'z', '{}', true);
SELECT is(outcome || (document::json ->> 'rollout')
          || (document::json ->> 'version'), 'changed36',
          'a change, dry')
  FROM flagship.change_flag('x', 'default', 'prod', 'b', '{"rollout": 3}',
                            NULL, NULL, NULL, true);
SELECT ok(outcome = 'changed' AND document::json ->> 'archived_at' <> '',
          'an archiving, dry')
  FROM flagship.archive_flag('x', 'default', 'prod', 'b', NULL, true);
SELECT is(outcome, 'purged', 'a purge, dry')
  FROM flagship.purge_flag('x', 'default', 'prod', 'b', false, NULL, true);
SELECT is(revision, :rev::bigint, 'its revision is the last one')
  FROM flagship.change_flag('x', 'default', 'prod', 'b', '{"rollout": 3}',
                            NULL, NULL, NULL, true);
SELECT is(ARRAY[pg_temp.entries(), pg_temp.revision(),
                (pg_temp.row('b')).version], ARRAY[:n, :rev, 5]::bigint[],
          'nothing of it is left');
SELECT throws_ok($$SELECT flagship.change_flag('x', 'default', 'prod', 'b',
    '{"rollout": 101}', NULL, NULL, NULL, true)$$, '23514', NULL,
    'what is refused is refused dry');

-- Archiving and restoring.

SELECT * FROM flagship.archive_flag('carol', 'default', 'prod', 'b',
                                    :'id' || '-1', false) \gset
SELECT is(:'outcome'::text, 'mismatch', 'an archiving of another version');
SELECT * FROM flagship.archive_flag('carol', 'default', 'prod', 'b', NULL,
                                    false) \gset
SELECT ok(:'outcome' = 'changed' AND :'tag' = :'id' || '-6'
          AND :'document'::json ->> 'archived_at' ~ 'Z$', 'an archiving');
SELECT is(actor || ' ' || action, 'carol archive', 'is audited')
  FROM flagship.audit ORDER BY id DESC LIMIT 1;
SELECT is((SELECT outcome FROM flagship.archive_flag('carol', 'default',
               'prod', ref, NULL, false)), 'missing',
          'what is archived is no more')
  FROM (VALUES ('b'), (:'id')) AS t (ref);
SELECT is((SELECT outcome FROM pg_temp.change(ref, '{"enabled": true}')),
          'missing', 'nor can it be changed')
  FROM (VALUES ('b'), (:'id')) AS t (ref);
SELECT is((SELECT tag FROM flagship.read_flag('default', 'prod', ref, archived,
               NULL)), :'id' || '-6', 'it is read')
  FROM (VALUES ('b', true), (:'id', false)) AS t (ref, archived);
SELECT is((SELECT tag FROM flagship.read_flag('default', 'prod', 'b', false,
               NULL)), NULL, 'but not by its key');

SELECT is((SELECT outcome FROM flagship.create_flag('x', 'default', 'prod',
               'b', '{}', false)), 'created', 'its key is free');
SELECT is((SELECT outcome FROM flagship.restore_flag('x', 'default', 'prod',
               :'id', NULL, false)), 'taken', 'while it is taken, no restore');
SELECT is((SELECT outcome FROM flagship.restore_flag('x', tenant, environment,
               :'id', NULL, false)), 'missing', 'nor from elsewhere')
  FROM (VALUES ('other', NULL), ('default', 'dev')) AS t (tenant, environment);
SELECT is((SELECT outcome FROM flagship.purge_flag('dave', 'default', 'prod',
               'b', false, NULL, false)), 'purged', 'a purge');
SELECT is(concat_ws(' ', actor, action, after IS NULL), 'dave purge t',
          'is audited') FROM flagship.audit ORDER BY id DESC LIMIT 1;
SELECT is(concat_ws('|', outcome, tag, document::json ->> 'archived_at'),
          'changed|' || :'id' || '-7', 'a restore')
  FROM flagship.restore_flag('x', 'default', NULL, :'id', '*', false);
SELECT is((SELECT outcome FROM flagship.restore_flag('x', 'default', 'prod',
               :'id', NULL, false)), 'unchanged', 'of what is live');

SELECT flagship.archive_flag('x', 'default', 'prod', :'id', NULL, false)
       IS NOT NULL AS x \gset
SELECT is((SELECT outcome FROM flagship.purge_flag('x', 'default', 'prod',
               'b', false, NULL, false)), 'missing', 'by its key, it is not');
SELECT is((SELECT outcome FROM flagship.purge_flag('x', 'default', 'prod',
               'b', true, NULL, false)), 'purged', 'an archived one is purged');

-- The audit's entries.

SELECT is(flagship.audit_document(a)::json ->> name, expected, name)
  FROM (SELECT * FROM flagship.audit ORDER BY id DESC LIMIT 1) a,
       (VALUES ('tenant', 'default'), ('environment', 'prod'), ('actor', 'x'),
               ('entity', 'flag'), ('entity_id', :'id'), ('entity_key', 'b'),
               ('action', 'purge'), ('after', NULL)) AS t (name, expected);
SELECT matches(flagship.audit_document(a), '^\{"id":\d+,"tenant":"default",.*'
    '"before":\{"id":.*"variants":\{"on": true, "off": false\},.*\},'
    '"after":null,"revision":\d+,"ts":"[^"]+Z"\}$', 'in their order')
  FROM (SELECT * FROM flagship.audit ORDER BY id DESC LIMIT 1) a;

SELECT * FROM finish();
ROLLBACK;
