-- What the API does with segments.

BEGIN;
SELECT * FROM no_plan();

SET LOCAL timezone = 'Asia/Tokyo';

CREATE FUNCTION pg_temp.make(key text, condition text,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE sql AS $$
    SELECT * FROM flagship.create_segment('alice', 'default', key,
        json_build_object('when', condition::json), false)
$$;

CREATE FUNCTION pg_temp.change(ref text, patch json, match text DEFAULT NULL,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE sql AS $$
    SELECT * FROM flagship.change_segment('bob', 'default', ref, patch, match,
                                          false)
$$;

CREATE FUNCTION pg_temp.remove(ref text, purge boolean DEFAULT false,
    archived boolean DEFAULT false, match text DEFAULT NULL,
    dry_run boolean DEFAULT false,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE sql AS $$
    SELECT * FROM flagship.remove_segment('carol', 'default', ref, purge,
                                          archived, match, dry_run)
$$;

CREATE FUNCTION pg_temp.restore(id text,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE sql AS $$
    SELECT * FROM flagship.restore_segment('dave', 'default', id::uuid, NULL,
                                           false)
$$;

CREATE FUNCTION pg_temp.entries() RETURNS bigint
LANGUAGE sql AS $$ SELECT count(*) FROM flagship.audit $$;

CREATE FUNCTION pg_temp.last() RETURNS text
LANGUAGE sql AS $$
    SELECT actor || ' ' || action || ' ' || entity || ' ' || entity_key
      FROM flagship.audit ORDER BY id DESC LIMIT 1
$$;

-- Creating and reading.

SELECT * FROM flagship.create_segment('alice', 'default', 'a',
    '{"name": "A \"b\"", "when": {"==": [{"var":  "x"}, 1.50]}}', false) \gset

SELECT is(:'outcome'::text, 'created', 'a segment is created');
SELECT is(:revision::bigint, (SELECT revision FROM flagship.revision),
          'the revision is that of the write');
SELECT is(:'document', format('{"id":"%s","tenant":"default","key":"a",'
    '"name":"A \"b\"","description":"",'
    '"when":{"==": [{"var":  "x"}, 1.50]},"version":1,"created_at":"%s",'
    '"updated_at":"%s","archived_at":null}', s.id,
    flagship.time_text(s.created_at), flagship.time_text(s.updated_at)),
    'the document has all fields in their order, the condition as written')
  FROM flagship.segments s WHERE key = 'a';
SELECT is(:'tag', id || '-1', 'its tag is id and version')
  FROM flagship.segments WHERE key = 'a';
SELECT is(pg_temp.last(), 'alice create segment a', 'it is audited');
SELECT is(r.document, :'document', what) FROM (VALUES
    ('a', 'by key'),
    ((SELECT id::text FROM flagship.segments WHERE key = 'a'), 'by id'))
    AS t (ref, what), flagship.read_segment('default', ref, false) r;
SELECT is(r.document, NULL, what) FROM (VALUES
    ('default', 'b', 'no such key'),
    ('default', gen_random_uuid()::text, 'no such id'),
    ('other', 'a', 'not of another tenant'),
    ('other', (SELECT id::text FROM flagship.segments WHERE key = 'a'),
     'nor by its id')) AS t (tenant, ref, what),
    flagship.read_segment(tenant, ref, false) r;

SELECT is((pg_temp.make('a', '{}')).outcome, 'exists', 'it exists already');
SELECT throws_ok(sql, state, NULL, sql) FROM (VALUES
    ('SELECT flagship.create_segment(''x'', ''default'', ''n'', ''{}'', false)',
     '23502'),
    ('SELECT flagship.create_segment(''x'', ''none'', ''n'', ''{"when": 1}'', false)',
     '23503'),
    ('SELECT flagship.create_segment(''x'', ''default'', ''n'', ''{"id": 1}'', false)',
     '22023'),
    ('SELECT pg_temp.make(''n m'', ''1'')', '23514')) AS t (sql, state);

-- Changing.

SELECT is((c).outcome || ((c).document::json ->> 'when')
          || ((c).document::json ->> 'name'), 'changed{"a":1}A "b"',
          'what is named is changed, what is not stays')
  FROM pg_temp.change('a', '{"when": {"a":1}}') c;
SELECT is(pg_temp.last(), 'bob update segment a', 'by another');

SELECT pg_temp.entries() AS n \gset
SELECT is((pg_temp.change('a', patch::json)).outcome, 'unchanged',
          'a change of nothing: ' || patch) FROM (VALUES
    ('{}'), ('{"when": {"a": 1.0}}'), ('{"description": null}')) t (patch);
SELECT is((pg_temp.change('a', '{"name": "x"}', 'x-1,y-2')).outcome,
          'mismatch', 'another version is expected');
SELECT is((pg_temp.change('b', '{}')).outcome, 'missing', 'there is none');
SELECT is(pg_temp.entries(), :n::bigint, 'nothing of that is audited');
SELECT is((pg_temp.change('a', '{"name": "x"}', 'x-1,' || id || '-2')).outcome,
          'changed', 'this version is expected, among others')
  FROM flagship.segments WHERE key = 'a';
SELECT is((pg_temp.change('a', '{"name": null}', '*')).document::json
          ->> 'name', '', 'null is the default');

-- Removing: not while it is used.

SELECT outcome AS x FROM pg_temp.make('user',
    '{"and": [true, {"!": {"segment": "a"}}]}') \gset
SELECT outcome AS x FROM pg_temp.make('escaped', '{"se\u0067ment": ["a"]}') \gset
SELECT outcome AS x FROM pg_temp.make('other', '{"==": ["segment", "a"]}') \gset
INSERT INTO flagship.flags (environment, key, rules) VALUES
    ('dev', 'f', '[{"when": {"segment": "a"}, "serve": "on"}]'),
    ('dev', 'g', '[{"when": {"segment": "b"}, "serve": "on"}]'),
    ('dev', 'h', '[{"when": {"segment": "a"}, "serve": "on"}]');
UPDATE flagship.flags SET archived_at = now() WHERE key = 'h';

SELECT pg_temp.entries() AS n \gset
SELECT is(r.outcome || r.document, 'used'
    '[{"entity":"flag","environment":"dev","key":"f"},'
    '{"entity":"segment","key":"escaped"},{"entity":"segment","key":"user"}]',
    'used by a live flag and segments, however they are written')
  FROM pg_temp.remove('a') r;
SELECT is((pg_temp.remove('a', purge => true)).outcome, 'used',
          'and not deleted either');
SELECT is(pg_temp.entries(), :n::bigint, 'nothing of that is audited');

DELETE FROM flagship.flags WHERE key = 'f';
DELETE FROM flagship.segments WHERE key IN ('user', 'escaped');

SELECT id FROM flagship.segments WHERE key = 'a' \gset
SELECT is((pg_temp.remove('a', match => 'x')).outcome, 'mismatch',
          'another version is expected');
SELECT is((pg_temp.remove('a', dry_run => true)).outcome, 'changed',
          'a dry run says what would be');
SELECT is((SELECT archived_at FROM flagship.segments WHERE id = :'id'), NULL,
          'and does nothing');
SELECT is((pg_temp.remove('a')).outcome, 'changed', 'archived');
SELECT is(pg_temp.last(), 'carol archive segment a', 'which is audited');
SELECT is((pg_temp.remove('a')).outcome, 'missing', 'it is no more');
SELECT is((pg_temp.change(:'id', '{}')).outcome, 'missing',
          'nor to be changed by its id');
SELECT is(r.archived, true, 'but to be read: ' || ref)
  FROM unnest(ARRAY['a', :'id']) ref,
       flagship.read_segment('default', ref, true) r;

-- Restoring.

SELECT is((pg_temp.make('a', 'false')).outcome, 'created', 'the key is free');
SELECT is((pg_temp.restore(:'id')).outcome, 'taken', 'and taken');
SELECT is((pg_temp.remove('a', purge => true)).outcome, 'purged', 'purged');
SELECT is((pg_temp.restore(:'id')).outcome, 'changed', 'restored');
SELECT is(pg_temp.last(), 'dave restore segment a', 'which is audited');
SELECT is((pg_temp.restore(:'id')).outcome, 'unchanged', 'and live');
SELECT is((pg_temp.restore(gen_random_uuid()::text)).outcome, 'missing',
          'no such id');
SELECT is((pg_temp.remove('a')).outcome, 'changed', 'archived once more');
SELECT is((pg_temp.remove('a', true, true)).outcome, 'purged',
          'an archived one is purged');
SELECT is((SELECT count(*) FROM flagship.segments WHERE id = :'id'), 0::bigint,
          'and gone');

SELECT * FROM finish();
ROLLBACK;
