-- What changed since: the counter, the changes, and the function that nginx
-- reads by.

BEGIN;
SELECT * FROM no_plan();

CREATE TEMP TABLE mark (epoch uuid, revision bigint);
INSERT INTO mark SELECT epoch, revision FROM flagship.revision;

-- One transaction is one revision, so here is a way to have several: forget
-- that this one has its number.
CREATE FUNCTION pg_temp.next() RETURNS void LANGUAGE sql AS $$
    SELECT set_config('flagship.revision', '', true);
    UPDATE mark m SET epoch = r.epoch, revision = r.revision
      FROM flagship.revision r
$$;

-- What a reader that was up to date at the last pg_temp.next() is told: one
-- line a row, documents as their length's sign.
CREATE FUNCTION pg_temp.told() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws('|', d.entity, d.tenant, coalesce(d.environment, '-'),
                     coalesce(d.key, '-'),
                     CASE WHEN d.document IS NULL THEN 'gone' ELSE 'there' END)
      FROM mark m, flagship.delta(m.epoch, m.revision) d
     WHERE d.entity <> 'revision'
$$;

CREATE FUNCTION pg_temp.way() RETURNS text LANGUAGE sql AS $$
    SELECT d.document FROM mark m, flagship.delta(m.epoch, m.revision) d LIMIT 1
$$;

-- Nothing, everything.

SELECT results_eq(
    'SELECT d.* FROM mark m, flagship.delta(m.epoch, m.revision) d',
    $$SELECT 'revision', epoch::text, NULL, revision::text, 'none' FROM mark$$,
    'who is up to date reads one row');
SELECT is(document, 'full', what) FROM (
    SELECT 'without an epoch', d.* FROM mark m,
           flagship.delta(NULL, m.revision) d
    UNION ALL
    SELECT 'with another epoch', d.* FROM mark m,
           flagship.delta(gen_random_uuid(), m.revision) d
    UNION ALL
    SELECT 'without a revision', d.* FROM mark m,
           flagship.delta(m.epoch, NULL) d
    UNION ALL
    SELECT 'with a later revision', d.* FROM mark m,
           flagship.delta(m.epoch, m.revision + 1) d
    UNION ALL
    SELECT 'with a negative revision', d.* FROM mark m,
           flagship.delta(m.epoch, -1) d) AS t (what, entity)
 WHERE entity = 'revision';
SELECT results_eq(
    $$SELECT entity, tenant, environment, key, document
        FROM flagship.delta(NULL, NULL) OFFSET 1$$,
    $$VALUES ('environment', 'default', 'dev', NULL, '{"fractional":2,"metadata":{}}'),
             ('environment', 'default', 'prod', NULL, '{"fractional":2,"metadata":{}}'),
             ('environment', 'default', 'staging', NULL, '{"fractional":2,"metadata":{}}')$$,
    'everything of an empty database: its environments');

-- One revision a transaction.

SELECT pg_temp.next() IS NULL AS x \gset
INSERT INTO flagship.segments (key, "when") VALUES ('s', '{"==" : [1,1.0]}');
INSERT INTO flagship.flags (key) VALUES ('b'), ('a');
INSERT INTO flagship.flags (environment, key) VALUES ('dev', 'a');
INSERT INTO flagship.flags (key, archived_at) VALUES ('z', now());
SELECT is(r.revision, m.revision + 1, 'all of a transaction is one revision')
  FROM mark m, flagship.revision r;
SELECT is(count(DISTINCT c.revision), 1::bigint, 'its changes say the same')
  FROM mark m JOIN flagship.changes c ON c.revision > m.revision;
SELECT is(flagship.take_revision(), m.revision + 1, 'and who asks is told')
  FROM mark m;

SELECT is(pg_temp.way(), 'delta', 'a reader of the last revision reads changes');
SELECT results_eq('SELECT pg_temp.told()', ARRAY[
    'segment|default|-|s|there', 'flag|default|dev|a|there',
    'flag|default|prod|a|there', 'flag|default|prod|b|there',
    'flag|default|prod|z|gone'],
    'in order; what is archived is gone');
SELECT is(d.document, '{"==" : [1,1.0]}', 'a segment is its condition, verbatim')
  FROM mark m, flagship.delta(m.epoch, m.revision) d WHERE entity = 'segment';
SELECT results_eq(
    $$SELECT d.entity, d.environment, d.key FROM flagship.delta(NULL, NULL) d
       WHERE d.entity IN ('segment', 'flag')$$,
    $$VALUES ('segment', NULL, 's'), ('flag', 'dev', 'a'),
             ('flag', 'prod', 'a'), ('flag', 'prod', 'b')$$,
    'everything has them too, without the archived one');

-- A flag's document.

INSERT INTO flagship.flags (environment, key, type, enabled, variants,
    default_variant, off_variant, rules, user_ids, rollout, prerequisites,
    enable_at, disable_at, expose, metadata)
VALUES ('staging', 'all', 'string', true, '{"on" :"\u00e9\"", "b":"x"}', 'b',
    'on', '[ {"serve":"b"} ]', '["u"]', 12.5, '[{"flag":"a","variant":"on"}]',
    '2026-01-01T01:00:00+01', '2027-01-01', false, '{"n":1.0}');
SELECT is(d.document,
    '{"key":"all","type":"string","enabled":true,'
    '"variants":{"on" :"\u00e9\"", "b":"x"},"default_variant":"b",'
    '"off_variant":"on","rules":[ {"serve":"b"} ],"user_ids":["u"],'
    '"rollout":12.5,"prerequisites":[{"flag":"a","variant":"on"}],'
    '"enable_at":"2026-01-01T00:00:00Z","disable_at":"2027-01-01T00:00:00Z",'
    '"expose":false,"metadata":{"n":1.0},"version":1}',
    'a flag of everything, its documents verbatim')
  FROM flagship.delta(NULL, NULL) d WHERE d.key = 'all';
INSERT INTO flagship.flags (environment, key, variants)
VALUES ('staging', 'bare', '{"x": 1}');
SELECT is(d.document,
    '{"key":"bare","type":"number","enabled":false,"variants":{"x": 1},'
    '"rules":[],"user_ids":[],"prerequisites":[],"expose":true,"metadata":{},'
    '"version":1}', 'what is null is left out')
  FROM flagship.delta(NULL, NULL) d WHERE d.key = 'bare';

-- What changes.

CREATE FUNCTION pg_temp.tells(sql text, told text[], what text)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.next();
    EXECUTE sql;
    RETURN is(ARRAY(SELECT pg_temp.told()), told, what);
END $$;

SELECT pg_temp.tells($$UPDATE flagship.flags SET rollout = 5
     WHERE environment = 'prod' AND key = 'a'$$,
    ARRAY['flag|default|prod|a|there'], 'an update names one flag');
SELECT pg_temp.tells($$UPDATE flagship.flags SET rollout = 5
     WHERE environment = 'prod' AND key = 'a'$$, '{}',
    'a change of nothing names none');
SELECT is(pg_temp.way(), 'none', 'and is no revision');
SELECT pg_temp.tells($$UPDATE flagship.flags SET rollout = 5 WHERE false$$, '{}',
    'nor is one that finds no row');
SELECT pg_temp.tells($$INSERT INTO flagship.environments (key) VALUES ('dev')
    ON CONFLICT DO NOTHING$$, '{}', 'nor one that conflicts');
SELECT pg_temp.tells($$UPDATE flagship.flags SET key = 'c'
     WHERE environment = 'prod' AND key = 'b'$$,
    ARRAY['flag|default|prod|b|gone', 'flag|default|prod|c|there'],
    'a rename names both');
SELECT pg_temp.tells($$UPDATE flagship.flags SET environment = 'staging'
     WHERE key = 'c'$$,
    ARRAY['flag|default|prod|c|gone', 'flag|default|staging|c|there'],
    'a move names both');
SELECT pg_temp.tells($$UPDATE flagship.flags SET archived_at = now()
     WHERE key = 'c'$$, ARRAY['flag|default|staging|c|gone'],
    'an archived flag is gone');
SELECT pg_temp.tells($$INSERT INTO flagship.flags (environment, key)
    VALUES ('staging', 'c')$$, ARRAY['flag|default|staging|c|there'],
    'its key has a new one');
SELECT pg_temp.tells($$UPDATE flagship.flags SET name = 'old'
     WHERE key = 'c' AND archived_at IS NOT NULL$$,
    ARRAY['flag|default|staging|c|there'],
    'an archived row does not remove the live flag of its key');
SELECT pg_temp.tells($$DELETE FROM flagship.flags
     WHERE key = 'c' AND archived_at IS NOT NULL$$,
    ARRAY['flag|default|staging|c|there'], 'nor when it is purged');
SELECT pg_temp.tells($$DELETE FROM flagship.flags WHERE key = 'c'$$,
    ARRAY['flag|default|staging|c|gone'], 'a purged flag is gone');
SELECT pg_temp.tells($$INSERT INTO flagship.flags (key) VALUES ('x');
    DELETE FROM flagship.flags WHERE key = 'x'$$,
    ARRAY['flag|default|prod|x|gone'], 'so is what came and went');

SELECT pg_temp.tells($$UPDATE flagship.segments SET "when" = 'true'$$,
    ARRAY['segment|default|-|s|there'], 'a segment names itself only');
SELECT pg_temp.tells($$UPDATE flagship.segments SET key = 't'$$,
    ARRAY['segment|default|-|s|gone', 'segment|default|-|t|there'],
    'a renamed one both names');
SELECT pg_temp.tells($$UPDATE flagship.segments SET archived_at = now()$$,
    ARRAY['segment|default|-|t|gone'], 'an archived one is gone');
SELECT pg_temp.tells($$DELETE FROM flagship.segments$$,
    ARRAY['segment|default|-|t|gone'], 'so is a deleted one');

SELECT pg_temp.tells($$UPDATE flagship.environments SET fractional = 1
     WHERE key = 'dev'$$, ARRAY['environment|default|dev|-|there'],
    'settings of an environment');
SELECT pg_temp.tells($$UPDATE flagship.environments SET key = 'test'
     WHERE key = 'dev'$$, ARRAY['environment|default|dev|-|gone',
    'environment|default|test|-|there', 'flag|default|dev|a|gone',
    'flag|default|test|a|there'],
    'a renamed environment takes its flags along');
SELECT pg_temp.tells($$DELETE FROM flagship.environments WHERE key = 'test'$$,
    ARRAY['environment|default|test|-|gone', 'flag|default|test|a|gone'],
    'a deleted one too');

SELECT pg_temp.tells($$INSERT INTO flagship.tenants (key) VALUES ('acme')$$,
    ARRAY['environment|acme|dev|-|there', 'environment|acme|prod|-|there',
    'environment|acme|staging|-|there'], 'a tenant is its environments');
SELECT pg_temp.tells($$INSERT INTO flagship.flags (tenant, key)
    VALUES ('acme', 'f');
    INSERT INTO flagship.segments (tenant, key, "when")
    VALUES ('acme', 'g', 'true')$$,
    ARRAY['segment|acme|-|g|there', 'flag|acme|prod|f|there'],
    'with flags and segments of its own');
SELECT pg_temp.tells($$UPDATE flagship.tenants SET name = 'Acme'
     WHERE key = 'acme'$$, '{}', 'its name is nothing to nginx');
SELECT is(pg_temp.way(), 'delta', 'but a revision');
SELECT pg_temp.tells($$UPDATE flagship.tenants SET key = 'emca'
     WHERE key = 'acme'$$, ARRAY[
    'environment|acme|dev|-|gone', 'environment|acme|prod|-|gone',
    'environment|acme|staging|-|gone', 'environment|emca|dev|-|there',
    'environment|emca|prod|-|there', 'environment|emca|staging|-|there',
    'segment|acme|-|g|gone', 'segment|emca|-|g|there',
    'flag|acme|prod|f|gone', 'flag|emca|prod|f|there'],
    'a renamed tenant takes everything along');
SELECT pg_temp.tells($$DELETE FROM flagship.tenants WHERE key = 'emca'$$,
    ARRAY['environment|emca|dev|-|gone', 'environment|emca|prod|-|gone',
    'environment|emca|staging|-|gone', 'segment|emca|-|g|gone',
    'flag|emca|prod|f|gone'], 'a deleted one too');

-- Sets, some members a row.

CREATE FUNCTION pg_temp.members(p_epoch uuid, p_revision bigint)
RETURNS SETOF text LANGUAGE sql AS $$
    SELECT d.tenant || '/' || d.key || '/' || m.id
      FROM flagship.delta(p_epoch, p_revision) d,
           json_array_elements_text(d.document::json) AS m (id)
     WHERE d.entity = 'set'
     ORDER BY 1
$$;

SELECT pg_temp.tells($$INSERT INTO flagship.sets (key) VALUES ('v')$$,
    ARRAY['set|default|-|v|there'], 'an empty set is there');
SELECT is(d.document, '[]', 'with no members')
  FROM mark m, flagship.delta(m.epoch, m.revision) d WHERE entity = 'set';
SELECT pg_temp.tells($$INSERT INTO flagship.set_members (set, id)
    VALUES ('v', 'a"\'), ('v', 'b')$$,
    ARRAY['set|default|-|v|there', 'set|default|-|v|there'],
    'one that changed comes as a whole');
SELECT results_eq('SELECT pg_temp.members(m.epoch, m.revision) FROM mark m',
    ARRAY['default/v/a"\', 'default/v/b'], 'its members');
SELECT pg_temp.tells($$INSERT INTO flagship.flags (key) VALUES ('other')$$,
    ARRAY['flag|default|prod|other|there'], 'and not when another thing did');
SELECT pg_temp.tells($$INSERT INTO flagship.set_members (set, id)
    SELECT 'v', 'id-' || g FROM generate_series(1, 1000) g$$,
    array_fill('set|default|-|v|there'::text, ARRAY[9]),
    'a large one in pieces of 128');
SELECT is(count(*), 1002::bigint, 'of all its members') FROM (
    SELECT DISTINCT pg_temp.members(m.epoch, m.revision) FROM mark m) t;
SELECT is(count(*), 1002::bigint, 'as everything has them') FROM (
    SELECT DISTINCT pg_temp.members(NULL, NULL)) t;
INSERT INTO flagship.sets (key) VALUES ('long');
INSERT INTO flagship.set_members (set, id)
SELECT 'long', repeat(chr(1), 1018) || lpad(g::text, 6, '0')
  FROM generate_series(1, 200) g;
SELECT is(max(octet_length(t)) < 1048576, true,
    'a piece of the longest ids is no large document')
  FROM flagship.set_texts('default', 'long') t;
DELETE FROM flagship.sets WHERE key = 'long';
SELECT pg_temp.tells($$UPDATE flagship.sets SET key = 'w' WHERE key = 'v';
    DELETE FROM flagship.set_members WHERE id LIKE 'id-%'$$,
    ARRAY['set|default|-|v|gone', 'set|default|-|w|there',
    'set|default|-|w|there'], 'a renamed one takes its members along');
SELECT pg_temp.tells($$DELETE FROM flagship.sets$$,
    ARRAY['set|default|-|w|gone'], 'a deleted one is gone');

-- API keys.

SELECT pg_temp.tells($$INSERT INTO flagship.api_keys (id, role, hash)
    VALUES ('abcdefgh', 'client', sha256('x'))$$,
    ARRAY['api_key|default|-|abcdefgh|there'], 'a key is there');
SELECT is(d.document, '{"role":"client","hash":"' ||
    '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}',
    'with the digest of its secret')
  FROM mark m, flagship.delta(m.epoch, m.revision) d WHERE entity = 'api_key';
SELECT pg_temp.tells($$UPDATE flagship.api_keys SET environment = 'prod',
    see_unexposed = true, expires_at = '2027-01-01 00:00:00.9+00'$$,
    ARRAY['api_key|default|prod|abcdefgh|there'], 'bound to an environment');
SELECT is(d.document, '{"role":"client","hash":"' ||
    '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",'
    '"see_unexposed":true,"expires_at":"2027-01-01T00:00:00Z"}',
    'and everything that a request is judged by')
  FROM mark m, flagship.delta(m.epoch, m.revision) d WHERE entity = 'api_key';
SELECT pg_temp.tells($$UPDATE flagship.api_keys SET environment = 'staging';
    UPDATE flagship.api_keys SET environment = 'prod'$$,
    ARRAY['api_key|default|prod|abcdefgh|there'],
    'one that was elsewhere in between is named once');
SELECT pg_temp.tells($$UPDATE flagship.api_keys SET environment = NULL,
    tenant = NULL, role = 'operator'$$,
    ARRAY['api_key|-|abcdefgh|there'], 'an operator''s has no tenant');
SELECT is(count(*), 1::bigint, 'everything has it, too')
  FROM flagship.delta(NULL, NULL) d
 WHERE d.entity = 'api_key' AND d.key = 'abcdefgh' AND d.tenant IS NULL
   AND d.document ~ '^{"role":"operator",';
SELECT pg_temp.tells($$UPDATE flagship.api_keys SET revoked_at = now()$$,
    ARRAY['api_key|-|abcdefgh|gone'], 'one that is revoked is gone');
SELECT is(count(*), 0::bigint, 'also from everything')
  FROM flagship.delta(NULL, NULL) d WHERE d.entity = 'api_key';
SELECT pg_temp.tells($$UPDATE flagship.api_keys SET revoked_at = NULL$$,
    ARRAY['api_key|-|abcdefgh|there'], 'a revocation is taken back');
SELECT pg_temp.tells($$DELETE FROM flagship.api_keys$$,
    ARRAY['api_key|-|abcdefgh|gone'], 'one that is deleted is gone');

-- ROLLBACK TO takes the number back, and a forged setting is not believed.

SELECT pg_temp.next() IS NULL AS x \gset
SAVEPOINT one;
INSERT INTO flagship.flags (key) VALUES ('lost');
ROLLBACK TO one;
SELECT is(pg_temp.way(), 'none', 'what is taken back is no revision');
INSERT INTO flagship.flags (key) VALUES ('kept');
SELECT results_eq('SELECT pg_temp.told()',
    ARRAY['flag|default|prod|kept|there'], 'what follows is one');
SELECT set_config('flagship.revision', '1 1 raised', true) <> '' AS x \gset
INSERT INTO flagship.flags (key) VALUES ('late');
SELECT is(r.revision, m.revision + 2,
          'a number of another transaction is not believed')
  FROM mark m, flagship.revision r;

-- TRUNCATE.

SELECT pg_temp.next() IS NULL AS x \gset
TRUNCATE flagship.flags;
SELECT isnt(r.epoch, m.epoch, 'a TRUNCATE is another epoch')
  FROM mark m, flagship.revision r;
SELECT is(r.revision, m.revision + 1, 'and a revision')
  FROM mark m, flagship.revision r;
SELECT is(pg_temp.way(), 'full', 'everyone reads everything');
SELECT results_eq('SELECT pg_temp.told()', ARRAY[
    'environment|default|prod|-|there', 'environment|default|staging|-|there'],
    'which is less now');
SELECT pg_temp.next() IS NULL AS x \gset
SET LOCAL client_min_messages = warning;
TRUNCATE flagship.tenants CASCADE;
SELECT results_eq('SELECT count(*)::int FROM pg_temp.told()', ARRAY[0],
    'also when all is gone');
SELECT is(pg_temp.way(), 'full', 'read as a whole');
SELECT is(count(*), 1::bigint, 'the counter stays') FROM flagship.revision;

-- Trimming.

INSERT INTO flagship.tenants (key) VALUES ('default');
SELECT pg_temp.next() IS NULL AS x \gset
INSERT INTO flagship.flags (key) VALUES ('one');
UPDATE flagship.changes SET ts = now() - interval '25 hours';
SELECT set_config('flagship.revision', '', true) <> '' AS x \gset
INSERT INTO flagship.flags (key) VALUES ('two');
SELECT results_eq('SELECT pg_temp.told()', ARRAY['flag|default|prod|one|there',
    'flag|default|prod|two|there'], 'what is old is there until trimmed');
SELECT cmp_ok(flagship.trim_changes(), '>', 0::bigint,
    'changes of more than a day are trimmed');
SELECT is(count(*), 1::bigint, 'later ones stay') FROM flagship.changes;
SELECT is(pg_temp.way(), 'full', 'who is older than that reads everything');
SELECT is(d.document, 'delta', 'who is not reads changes')
  FROM mark m, flagship.delta(m.epoch, m.revision + 1) d
 WHERE d.entity = 'revision';
SELECT is(flagship.trim_changes(), 0::bigint, 'there is nothing more to trim');
UPDATE flagship.changes SET ts = now() - interval '2 days';
UPDATE flagship.revision SET revision = 511;
SELECT set_config('flagship.revision', '', true) <> '' AS x \gset
INSERT INTO flagship.flags (key) VALUES ('three');
SELECT results_eq('SELECT key FROM flagship.changes',
    ARRAY['three' COLLATE "C"], 'writers trim now and then');
SELECT throws_ok('UPDATE flagship.revision SET trimmed = revision + 1',
    '23514', NULL, 'no more is trimmed than there is');
TRUNCATE flagship.changes;
SELECT isnt(r.epoch, m.epoch, 'changes that are thrown away are another epoch')
  FROM mark m, flagship.revision r;

-- Rows of one name, which only a missing index lets in, raise nothing.

DROP INDEX flagship.flags_live_key;
SELECT pg_temp.next() IS NULL AS x \gset
INSERT INTO flagship.flags (key) VALUES ('twin'), ('twin');
SELECT results_eq('SELECT pg_temp.told()',
    ARRAY['flag|default|prod|twin|there'], 'one of them is read');

SELECT * FROM finish();
ROLLBACK;
