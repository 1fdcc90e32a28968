-- What is there after deploying, what may be left out, and the simple form.

BEGIN;
SELECT plan(39);

-- The default tenant.

SELECT results_eq(
    'SELECT key FROM flagship.tenants', ARRAY['default' COLLATE "C"],
    'there is one tenant, default');
SELECT results_eq(
    'SELECT key, fractional, metadata::text FROM flagship.environments
      WHERE tenant = ''default'' ORDER BY key',
    $$VALUES ('dev' COLLATE "C", 2::smallint, '{}'), ('prod', 2::smallint, '{}'),
             ('staging', 2::smallint, '{}')$$,
    'it has dev, staging and prod, of the second generation');

INSERT INTO flagship.tenants (key) VALUES ('acme');
SELECT results_eq(
    'SELECT key FROM flagship.environments WHERE tenant = ''acme''
      ORDER BY key',
    ARRAY['dev' COLLATE "C", 'prod', 'staging'], 'a new tenant has them too');

-- Every column but key may be left out.

INSERT INTO flagship.flags (key) VALUES ('bare');
SELECT results_eq(
    $$SELECT tenant, environment, type, name, description, enabled, expose,
             default_variant, off_variant, rollout, version
        FROM flagship.flags WHERE key = 'bare'$$,
    $$VALUES ('default' COLLATE "C", 'prod' COLLATE "C", 'boolean', '', '',
              false, true, 'off' COLLATE "C", 'off' COLLATE "C", 100::numeric,
              1)$$,
    'a flag of a key alone: default, prod, boolean, off, and 100 percent');
SELECT is(variants::jsonb, '{"on": true, "off": false}', 'its variants')
  FROM flagship.flags WHERE key = 'bare';
SELECT is(rules::text || user_ids || prerequisites || tags || metadata,
          '[][][][]{}', 'its documents are empty')
  FROM flagship.flags WHERE key = 'bare';
SELECT is(num_nulls(enable_at, disable_at, archived_at), 3, 'its times unset')
  FROM flagship.flags WHERE key = 'bare';
SELECT is(created_at, updated_at, 'made and changed in one moment')
  FROM flagship.flags WHERE key = 'bare';
SELECT ok(id IS NOT NULL, 'it has an id')
  FROM flagship.flags WHERE key = 'bare';

-- The simple form.

INSERT INTO flagship.flags (key, rollout) VALUES ('part', 25);
INSERT INTO flagship.flags (key, rollout) VALUES ('nobody', 0);
INSERT INTO flagship.flags (key, user_ids) VALUES ('few', '["alice"]');
INSERT INTO flagship.flags (key, rules)
VALUES ('ruled', '[{"when": {"==": [{"var": "a"}, 1]}, "serve": "on"}]');
INSERT INTO flagship.flags (key, default_variant) VALUES ('open', 'on');
INSERT INTO flagship.flags (key, variants) VALUES ('own', '{"on": true}');

SELECT is(rollout, 25.0, 'a rollout that is given stays')
  FROM flagship.flags WHERE key = 'part';
SELECT is(rollout, 0.0, 'also where it is nobody')
  FROM flagship.flags WHERE key = 'nobody';
SELECT is(rollout, NULL, 'with user_ids there is none')
  FROM flagship.flags WHERE key = 'few';
SELECT is(rollout, NULL, 'with rules there is none')
  FROM flagship.flags WHERE key = 'ruled';
SELECT is(default_variant || off_variant, 'onoff', 'a default stays')
  FROM flagship.flags WHERE key = 'open';
SELECT is(num_nulls(rollout, default_variant, off_variant), 3,
          'a flag with variants is not of the simple form')
  FROM flagship.flags WHERE key = 'own';

-- The type of the variants.

INSERT INTO flagship.flags (key, variants) VALUES
    ('text', '{"a": "x"}'), ('count', '{"a": 1.5}'), ('doc', '{"a": {"b": 1}}'),
    ('list', '{"a": []}');
INSERT INTO flagship.flags (key, variants, type) VALUES
    ('mixed', '{"a": 1, "b": "x", "c": null}', 'json');
SELECT results_eq(
    $$SELECT key, type FROM flagship.flags
       WHERE key IN ('text', 'count', 'doc', 'list', 'mixed') ORDER BY key$$,
    $$VALUES ('count' COLLATE "C", 'number'), ('doc', 'json'),
             ('list', 'json'), ('mixed', 'json'), ('text', 'string')$$,
    'a type left out is that of the variants');

-- Documents come back as written.

INSERT INTO flagship.flags (key, type, variants, metadata) VALUES
    ('exact', 'number', '{"b":  9007199254740993,"a":1.50}', '{ "z":1, "a":2 }');
SELECT is(variants::text, '{"b":  9007199254740993,"a":1.50}',
          'order, blanks and digits of a document stay')
  FROM flagship.flags WHERE key = 'exact';

-- Null resets, where a column has no null.

UPDATE flagship.flags
   SET user_ids = NULL, rules = NULL, prerequisites = NULL, tags = NULL,
       metadata = NULL, rollout = NULL
 WHERE key = 'few';
SELECT is(rules::text || user_ids || prerequisites || tags || metadata,
          '[][][][]{}', 'null empties a document')
  FROM flagship.flags WHERE key = 'few';

-- Numbers and times are kept in one form.

UPDATE flagship.flags
   SET rollout = 50.500, enable_at = '2026-01-01T00:00:00.4Z'
 WHERE key = 'part';
SELECT is(rollout::text, '50.5', 'a rollout drops its zeros')
  FROM flagship.flags WHERE key = 'part';
SELECT is(enable_at, '2026-01-01 00:00:00+00', 'schedules are whole seconds')
  FROM flagship.flags WHERE key = 'part';

-- Versions and times.

SELECT is(version, 2, 'a change is a version')
  FROM flagship.flags WHERE key = 'part';
UPDATE flagship.flags SET rollout = 50.5, version = 77, updated_at = 'epoch'
 WHERE key = 'part';
SELECT is(version, 2, 'a change of nothing is none, whatever is said')
  FROM flagship.flags WHERE key = 'part';
SELECT isnt(updated_at, 'epoch', 'nor does it move the time')
  FROM flagship.flags WHERE key = 'part';
INSERT INTO flagship.flags (key, version) VALUES ('seven', 7);
SELECT is(version, 1, 'versions start at 1')
  FROM flagship.flags WHERE key = 'seven';
SELECT throws_ok(
    $$UPDATE flagship.flags SET id = gen_random_uuid() WHERE key = 'part'$$,
    '23514', 'the id of a row cannot be changed', 'an id is for ever');

UPDATE flagship.environments SET fractional = 3 WHERE tenant = 'acme' AND key = 'dev';
SELECT is(version, 2, 'environments have versions')
  FROM flagship.environments WHERE tenant = 'acme' AND key = 'dev';
UPDATE flagship.tenants SET name = 'Acme' WHERE key = 'acme';
SELECT is(version, 2, 'tenants have versions')
  FROM flagship.tenants WHERE key = 'acme';
INSERT INTO flagship.segments (key, "when") VALUES ('s', 'true');
UPDATE flagship.segments SET "when" = 'false' WHERE key = 's';
SELECT is(version, 2, 'segments have versions')
  FROM flagship.segments WHERE key = 's';

-- Archiving.

UPDATE flagship.flags SET archived_at = now() WHERE key = 'bare';
SELECT lives_ok($$INSERT INTO flagship.flags (key) VALUES ('bare')$$,
    'the key of an archived flag is free');
SELECT throws_ok(
    $$UPDATE flagship.flags SET archived_at = NULL
       WHERE key = 'bare' AND archived_at IS NOT NULL$$,
    '23505', NULL, 'and cannot be had back while it is taken');
UPDATE flagship.flags SET archived_at = now()
 WHERE key = 'bare' AND archived_at IS NULL;
SELECT is(count(*), 2::bigint, 'many may be archived under one key')
  FROM flagship.flags WHERE key = 'bare' AND archived_at IS NOT NULL;
SELECT lives_ok(
    $$INSERT INTO flagship.flags (environment, key)
      VALUES ('dev', 'part'), ('staging', 'part')$$,
    'a key is free in other environments');
SELECT lives_ok(
    $$INSERT INTO flagship.flags (tenant, key) VALUES ('acme', 'part')$$,
    'and in other tenants');

-- Sets.

INSERT INTO flagship.sets (key) VALUES ('vip');
INSERT INTO flagship.set_members (set, id)
SELECT 'vip', 'user' || i FROM generate_series(1, 2000) i;
SELECT is(size || '/' || version, '2000/2', 'a set counts its members')
  FROM flagship.sets;
DELETE FROM flagship.set_members WHERE id LIKE 'user1%';
SELECT is(size || '/' || version, '889/3', 'also when they leave')
  FROM flagship.sets;
UPDATE flagship.sets SET key = 'friends';
SELECT is(count(*), 889::bigint, 'a renamed set takes its members with it')
  FROM flagship.set_members WHERE set = 'friends';
INSERT INTO flagship.sets (key) VALUES ('other');
SELECT throws_ok(
    $$UPDATE flagship.set_members SET set = 'other' WHERE id = 'user2'$$,
    '23514', NULL, 'members do not move');
SELECT throws_ok(
    $$UPDATE flagship.set_members SET id = 'x' WHERE id = 'user2'$$,
    '23514', NULL, 'nor change');
TRUNCATE flagship.set_members;
SELECT is(size || '/' || version, '0/5', 'a TRUNCATE empties all sets')
  FROM flagship.sets WHERE key = 'friends';

SELECT * FROM finish();
ROLLBACK;
