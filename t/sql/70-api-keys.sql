-- Keys of the API: how they are made, and what is kept of them.

BEGIN;
SELECT * FROM no_plan();

CREATE TEMP TABLE made (n serial, id text, key text);
GRANT ALL ON made, made_n_seq TO flagship_admin;

SET LOCAL ROLE flagship_admin;
SELECT set_config('flagship.actor', 'alice', true) <> '' AS x \gset
INSERT INTO made (id, key)
SELECT * FROM flagship.create_api_key('default', 'admin', 'First');
INSERT INTO made (id, key)
SELECT * FROM flagship.create_api_key(p_tenant => 'default', p_role => 'client',
    p_name => 'Shop', p_environment => 'prod', p_expires_at => '2030-01-01',
    p_see_unexposed => true);
INSERT INTO made (id, key)
SELECT * FROM flagship.create_api_key(NULL, 'operator', 'All');
RESET ROLE;

SELECT matches(key, '^flagship_[0-9a-f]{16}_[0-9a-f]{64}$', 'a key of 256 bits')
  FROM made;
SELECT is(split_part(m.key, '_', 2), m.id, 'it names its id') FROM made m;
SELECT is(k.hash, sha256(convert_to(split_part(m.key, '_', 3), 'UTF8')),
    'the table has the digest of its secret')
  FROM made m JOIN flagship.api_keys k ON k.id = m.id;
SELECT is(count(DISTINCT split_part(key, '_', 3)), 3::bigint, 'no two are alike')
  FROM made;
SELECT results_eq(
    $$SELECT k.tenant, k.environment, k.role, k.name, k.expires_at,
             k.see_unexposed, k.revoked_at, k.version
        FROM made m JOIN flagship.api_keys k ON k.id = m.id ORDER BY n$$,
    $$VALUES ('default' COLLATE "C", NULL COLLATE "C", 'admin', 'First',
              NULL::timestamptz, false, NULL::timestamptz, 1),
             ('default', 'prod', 'client', 'Shop', '2030-01-01', true, NULL, 1),
             (NULL, NULL, 'operator', 'All', NULL, false, NULL, 1)$$,
    'all that was asked for');

SELECT is(count(*), 0::bigint, 'no secret, nor its digest, is in the audit')
  FROM flagship.audit a, made m
 WHERE a.after::text LIKE '%' || split_part(m.key, '_', 3) || '%'
    OR a.after::text LIKE '%hash%';
SELECT is(count(*), 3::bigint, 'the audit says who made them')
  FROM flagship.audit a JOIN made m ON m.id = a.entity_id
 WHERE a.entity = 'api_key' AND a.action = 'create' AND a.actor = 'alice';

SELECT throws_ok(format('SELECT flagship.create_api_key(%s)', arguments),
    state, NULL, what)
  FROM (VALUES
    ('''default'', ''root'', ''''', '23514', 'a role that there is not'),
    ('NULL, ''admin'', ''''', '23514', 'one without a tenant'),
    ('''nobody'', ''admin'', ''''', '23503', 'a tenant that there is not'),
    ('''default'', ''admin'', '''', ''nowhere''', '23503',
     'an environment that there is not'),
    ('''default'', ''admin'', NULL', '23502', 'no name')
  ) AS t (arguments, state, what);

SET LOCAL ROLE flagship_edge;
SELECT throws_ok($$SELECT flagship.create_api_key('default', 'admin', '')$$,
    '42501', NULL, 'who only reads makes none');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
