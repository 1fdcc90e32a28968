-- What the API does with its keys.

BEGIN;
SELECT * FROM no_plan();

CREATE FUNCTION pg_temp.issue(id text, role text, tenant text DEFAULT 'default',
    environment text DEFAULT NULL, document json DEFAULT '{}',
    dry_run boolean DEFAULT false,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document_ text)
LANGUAGE sql AS $$
    SELECT * FROM flagship.issue_api_key('alice', tenant, environment, role,
        id, repeat('ab', 32), document, dry_run)
$$;

CREATE FUNCTION pg_temp.revoke(id text, environment text DEFAULT NULL,
    every boolean DEFAULT false, roles text DEFAULT 'client,viewer',
    match text DEFAULT NULL, dry_run boolean DEFAULT false)
RETURNS text
LANGUAGE sql AS $$
    SELECT outcome FROM flagship.revoke_api_key('bob', 'default', environment,
        every, id, roles, match, dry_run)
$$;

INSERT INTO flagship.tenants (key) VALUES ('acme');

SELECT * FROM pg_temp.issue('aaaaaaaa', 'viewer', 'default', 'dev',
    '{"name": "N", "expires_at": "2030-01-01T00:00:00z"}') \gset
SELECT is(:'outcome'::text, 'created', 'a key is made');
SELECT is(:'document_', format('{"id":"aaaaaaaa","tenant":"default",'
    '"environment":"dev","name":"N","role":"viewer","see_unexposed":false,'
    '"expires_at":"2030-01-01T00:00:00.000000Z","revoked_at":null,'
    '"version":1,"created_at":"%s","updated_at":"%s"}',
    flagship.time_text(now()), flagship.time_text(now())),
    'the document has all fields but one');
SELECT is(:'tag'::text, 'aaaaaaaa-1', 'its tag is id and version');
SELECT is(hash, decode(repeat('ab', 32), 'hex'), 'the digest is kept')
  FROM flagship.api_keys WHERE id = 'aaaaaaaa';
SELECT ok(actor = 'alice' AND action = 'create'
          AND strpos(after::text, 'abab') = 0, 'and not audited')
  FROM flagship.audit ORDER BY id DESC LIMIT 1;
SELECT is((pg_temp.issue('aaaaaaaa', 'admin')).outcome, 'exists',
          'an id is there once');
SELECT is((pg_temp.issue('bbbbbbbb', 'admin', dry_run => true)).outcome,
          'created', 'a dry run');
SELECT is((SELECT count(*) FROM flagship.api_keys WHERE id = 'bbbbbbbb'),
          0::bigint, 'makes none');
SELECT is((pg_temp.issue('bbbbbbbb', 'operator', NULL)).outcome, 'created',
          'one of all tenants');
SELECT is((pg_temp.issue('cccccccc', 'client', document =>
          '{"see_unexposed": true}')).outcome, 'created', 'one of a client');
SELECT throws_ok(sql, '23514', NULL, sql) FROM (VALUES
    ('SELECT pg_temp.issue(''dddddddd'', ''admin'', NULL)'),
    ('SELECT pg_temp.issue(''dddddddd'', ''king'')')) AS t (sql);

SELECT is((flagship.read_api_key(tenant, environment, every, id)).tag,
          expected, id || ' for ' || concat_ws(' ', tenant, environment, every))
  FROM (VALUES
    ('default', NULL, false, 'aaaaaaaa', 'aaaaaaaa-1'),
    ('default', 'dev', false, 'aaaaaaaa', 'aaaaaaaa-1'),
    ('default', 'prod', false, 'aaaaaaaa', NULL),
    ('acme', NULL, true, 'aaaaaaaa', NULL),
    ('default', 'dev', false, 'cccccccc', NULL),
    ('default', NULL, false, 'bbbbbbbb', NULL),
    ('default', NULL, true, 'bbbbbbbb', 'bbbbbbbb-1'))
    AS t (tenant, environment, every, id, expected);

SELECT is(pg_temp.revoke('aaaaaaaa', 'prod'), 'missing',
          'not of another environment');
SELECT is(pg_temp.revoke('bbbbbbbb', roles => 'operator'), 'missing',
          'not one of all tenants');
SELECT is(pg_temp.revoke('bbbbbbbb', every => true), 'above',
          'not of a role above');
SELECT is(pg_temp.revoke('aaaaaaaa', match => 'aaaaaaaa-2'), 'mismatch',
          'another version is expected');
SELECT is(pg_temp.revoke('aaaaaaaa', dry_run => true), 'changed', 'a dry run');
SELECT is(pg_temp.revoke('aaaaaaaa', 'dev', match => 'aaaaaaaa-1'), 'changed',
          'revoked');
SELECT is(actor || ' ' || action || ' ' || entity, 'bob update api_key',
          'which is audited') FROM flagship.audit ORDER BY id DESC LIMIT 1;
SELECT ok(revoked_at IS NOT NULL AND version = 2, 'for good')
  FROM flagship.api_keys WHERE id = 'aaaaaaaa';
SELECT is(pg_temp.revoke('aaaaaaaa'), 'missing', 'once');

SELECT * FROM finish();
ROLLBACK;
