-- What the API does with id sets.

BEGIN;
SELECT * FROM no_plan();

CREATE FUNCTION pg_temp.members(act text, ids json, match text DEFAULT NULL,
    dry_run boolean DEFAULT false,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE sql AS $$
    SELECT * FROM flagship.change_members('bob', 'default', 's', act, ids,
                                          match, dry_run)
$$;

CREATE FUNCTION pg_temp.all() RETURNS text
LANGUAGE sql AS $$
    SELECT string_agg(id, ' ' ORDER BY id) FROM flagship.set_members
     WHERE tenant = 'default' AND set = 's'
$$;

CREATE FUNCTION pg_temp.entries() RETURNS bigint
LANGUAGE sql AS $$ SELECT count(*) FROM flagship.audit $$;

-- Creating and reading.

SELECT * FROM flagship.create_set('alice', 'default', 's',
    '{"description": "D"}', '["b", "a", "b", 7]', false) \gset
SELECT is(:'outcome'::text, 'created', 'a set is created');
SELECT is(pg_temp.all(), '7 a b', 'with its members, each once');
SELECT is(:'document', format('{"id":"%s","tenant":"default","key":"s",'
    '"name":"","description":"D","size":3,"version":%s,"created_at":"%s",'
    '"updated_at":"%s"}', s.id, s.version, flagship.time_text(s.created_at),
    flagship.time_text(s.updated_at)), 'the document has all fields')
  FROM flagship.sets s WHERE key = 's';
SELECT is(:'tag', id || '-' || version, 'its tag is id and version')
  FROM flagship.sets WHERE key = 's';
SELECT is((SELECT string_agg(DISTINCT actor, ',') FROM flagship.audit
            WHERE entity = 'set'), 'alice', 'all of it is audited');
SELECT is(r.document, :'document', 'by key or id') FROM unnest(ARRAY['s',
    (SELECT id::text FROM flagship.sets WHERE key = 's')]) ref,
    flagship.read_set('default', ref) r;
SELECT is((flagship.read_set(t, k)).tag, NULL, t || ' ' || k)
  FROM (VALUES ('default', 't'), ('other', 's')) v (t, k);
SELECT is((flagship.create_set('x', 'default', 's', '{}', '["z"]', false))
          .outcome, 'exists', 'it exists already');
SELECT is(pg_temp.all(), '7 a b', 'and is as it was');
SELECT is((flagship.create_set('x', 'default', 'none', '{}', NULL, false))
          .document::json ->> 'size', '0', 'one without members');

-- Members.

SELECT is(r.last || '|' || r.members || r.more, 'a|"7","a"true',
          'some of them')
  FROM flagship.read_members('default', 's', NULL, 2) r;
SELECT is(r.last || '|' || r.members || r.more, 'b|"b"false', 'the rest')
  FROM flagship.read_members('default', 's', 'a', 2) r;
SELECT ok(r.last IS NULL AND r.tag IS NOT NULL AND NOT r.more, 'the end')
  FROM flagship.read_members('default', 's', 'b', 2) r;
SELECT is(r.tag, NULL, 'no such set')
  FROM flagship.read_members('default', 't', NULL, 2) r;

SELECT is((pg_temp.members('add', '["c", "a"]')).outcome || ' '
          || pg_temp.all(), 'changed 7 a b c', 'added');
SELECT is((pg_temp.members('remove', '["7", "x"]')).document::json
          ->> 'size', '3', 'removed');
SELECT is((pg_temp.members('replace', '["x", "b"]')).outcome || ' '
          || pg_temp.all(), 'changed b x', 'replaced');
SELECT is((SELECT concat_ws(' ', actor, action, entity_key,
                            coalesce(before, after)) FROM flagship.audit
            WHERE actor = 'bob' AND after::jsonb ? 'members'
            ORDER BY id DESC LIMIT 1),
          'bob update s {"added" : 1, "members" : ["x"]}', 'audited');

SELECT pg_temp.entries() AS n \gset
SELECT is((pg_temp.members(act, ids::json)).outcome, 'unchanged',
          act || ' ' || ids) FROM (VALUES
    ('add', '["b"]'), ('add', '[]'), ('remove', '["q"]'),
    ('replace', '["x", "b", "b"]')) t (act, ids);
SELECT is((pg_temp.members('add', '["q"]', 'x-1')).outcome, 'mismatch',
          'another version is expected');
SELECT is(r.outcome || (r.document::json ->> 'size'), 'changed0',
          'a dry run says what would be')
  FROM pg_temp.members('replace', '[]', dry_run => true) r;
SELECT is(pg_temp.entries(), :n::bigint, 'nothing of that is audited');
SELECT is(pg_temp.all(), 'b x', 'nor done');
SELECT is((pg_temp.members('replace', '[]', '*')).document::json ->> 'size',
          '0', 'emptied');
SELECT throws_ok('SELECT pg_temp.members(''add'', ''[""]'')', '23514', NULL,
                 'an empty id is none');
SELECT is((flagship.change_members('x', 'default', 't', 'add', '[]', NULL,
                                   false)).outcome, 'missing', 'no such set');

-- A hundred thousand in one call, of which each half is there twice.

CREATE FUNCTION pg_temp.ids(first integer, last integer) RETURNS json
LANGUAGE sql AS $$
    SELECT json_agg('user-' || i * 7919 % 100003)
      FROM (SELECT generate_series(first, last) AS i
            UNION ALL SELECT generate_series(first, last)) t
$$;

SELECT is(r.outcome || (r.document::json ->> 'size'), result, act)
  FROM (VALUES
    ('replace', 1, 100000, 'changed100000'),
    ('replace', 1, 100000, 'unchanged100000'),
    ('replace', 50001, 150000, 'changed100000'),
    ('add', 1, 50003, 'changed100003'),
    ('remove', 1, 100000, 'changed3')) t (act, first, last, result),
    pg_temp.members(act, pg_temp.ids(first, last)) r;
SELECT is(pg_temp.all(), (SELECT string_agg(DISTINCT e, ' ')
    FROM json_array_elements_text(pg_temp.ids(100001, 100003)) e),
    'and so it is');
SELECT is((pg_temp.members('replace', '[]')).document::json ->> 'size', '0',
          'none again');

-- Changing and removing.

SELECT is(r.outcome || (r.document::json ->> 'name')
          || (r.document::json ->> 'description'), 'changedND', 'changed')
  FROM flagship.change_set('bob', 'default', 's', '{"name": "N"}', NULL,
                           false) r;
SELECT is((flagship.change_set('bob', 'default', 's', '{"name": "N"}', '*',
                               false)).outcome, 'unchanged', 'unchanged');
SELECT is((flagship.change_set('bob', 'default', 's', '{"name": "M"}', 'x',
                               false)).outcome, 'mismatch', 'mismatch');
SELECT throws_ok(
    'SELECT flagship.change_set(''x'', ''default'', ''s'', ''{"size": 1}'', NULL, false)',
    '22023', NULL, 'not what only members change');

INSERT INTO flagship.flags (key, rules) VALUES
    ('f', '[{"when": {"in_set": [{"var": "id"}, "s"]}, "serve": "on"}]'),
    ('g', '[{"when": {"in_set": ["s", "t"]}, "serve": "on"}]');
SELECT is(r.outcome || r.document,
          'used[{"entity":"flag","environment":"prod","key":"f"}]', 'used')
  FROM flagship.remove_set('x', 'default', 's', NULL, false) r;
DELETE FROM flagship.flags;
SELECT is((flagship.remove_set('x', 'default', 's', 'x', false)).outcome,
          'mismatch', 'another version is expected');
SELECT is((flagship.remove_set('x', 'default', 's', NULL, true)).outcome,
          'purged', 'a dry run');
SELECT is((flagship.remove_set('carol', 'default', 's', NULL, false)).outcome,
          'purged', 'removed');
SELECT is((SELECT actor || ' ' || action FROM flagship.audit
            ORDER BY id DESC LIMIT 1), 'carol purge', 'which is audited');
SELECT is((flagship.remove_set('x', 'default', 's', NULL, false)).outcome,
          'missing', 'and gone');

SELECT * FROM finish();
ROLLBACK;
