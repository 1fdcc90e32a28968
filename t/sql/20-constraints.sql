-- What is refused, and by which constraint; what is not.

BEGIN;

CREATE FUNCTION pg_temp.refused(wanted text, assignment text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    said text := wanted || ' refuses '
                 || regexp_replace(assignment, '\s+', ' ', 'g');
    name text;
BEGIN
    EXECUTE 'UPDATE flagship.flags SET ' || assignment || ' WHERE key = ''f''';
    RETURN fail(said);
EXCEPTION WHEN integrity_constraint_violation THEN
    GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME;
    RETURN is(name, wanted, said);
END $$;

CREATE FUNCTION pg_temp.taken(assignment text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'UPDATE flagship.flags SET ' || assignment || ' WHERE key = ''f''';
    RETURN pass('taken: ' || assignment);
EXCEPTION WHEN OTHERS THEN
    RETURN fail('taken: ' || assignment || ': ' || SQLERRM);
END $$;

SELECT * FROM no_plan();

INSERT INTO flagship.flags (key) VALUES ('f');

SELECT pg_temp.refused(c, a) FROM (VALUES
    ('flags_key_syntax', $$key = ''$$),
    ('flags_key_syntax', $$key = '-a'$$),
    ('flags_key_syntax', $$key = 'a b'$$),
    ('flags_key_syntax', $$key = 'ä'$$),
    ('flags_key_syntax', $$key = E'a\n'$$),
    ('flags_key_syntax', $$key = repeat('a', 129)$$),
    ('flags_key_syntax', $$key = '00000000-0000-0000-0000-00000000000A'$$),
    ('flags_environment_fkey', $$environment = 'nowhere'$$),
    ('flags_environment_fkey', $$tenant = 'nobody'$$),
    ('flags_type_known', $$type = 'Boolean'$$),
    ('flags_type_known', $$type = 'object', variants = '{"on": {}, "off": {}}'$$),
    ('flags_variants_typed', $$type = 'string'$$),
    ('flags_variants_typed', $$variants = '{}', default_variant = NULL,
        off_variant = NULL, rollout = NULL$$),
    ('flags_variants_typed', $$variants = '{"on": true, "off": "false"}'$$),
    ('flags_variants_typed', $$variants = '{"on": true, "off": null}'$$),
    ('flags_variants_typed', $$variants = '{"on": true, "off": false, "": true}'$$),
    ('flags_variants_members', $$variants = '{"on": true, "off": false, "on": false}'$$),
    ('flags_default_variant_known', $$default_variant = 'On'$$),
    ('flags_default_variant_known', $$default_variant = ''$$),
    ('flags_off_variant_known', $$off_variant = 'none'$$),
    ('flags_on_variant_known', $$variants = '{"off": false}'$$),
    ('flags_on_variant_known', $$variants = '{"off": false}', rollout = NULL,
        user_ids = '["a"]'$$),
    ('flags_rollout_range', $$rollout = -0.000001$$),
    ('flags_rollout_range', $$rollout = 100.000001$$),
    ('flags_rollout_range', $$rollout = 'NaN'$$),
    ('flags_rollout_decimals', $$rollout = 0.0000001$$),
    ('flags_user_ids_shape', $$user_ids = '{}'$$),
    ('flags_user_ids_shape', $$user_ids = '"alice"'$$),
    ('flags_user_ids_shape', $$user_ids = '["alice", 7]'$$),
    ('flags_user_ids_shape', $$user_ids = '[["alice"]]'$$),
    ('flags_rules_shape', $$rules = '{}'$$),
    ('flags_rules_shape', $$rules = 'null'$$),
    ('flags_rules_shape', $$rules = '["on"]'$$),
    ('flags_rules_shape', $$rules = '[[{"serve": "on"}]]'$$),
    ('flags_rules_shape', $$rules = '[{"when": true}]'$$),
    ('flags_rules_shape', $$rules = '[{"if": true, "serve": "on"}]'$$),
    ('flags_rules_shape', $$rules = '[{"name": 1, "serve": "on"}]'$$),
    ('flags_prerequisites_shape', $$prerequisites = '{"flag": "a", "variant": "on"}'$$),
    ('flags_prerequisites_shape', $$prerequisites = '["a"]'$$),
    ('flags_prerequisites_shape', $$prerequisites = '[{"flag": "a"}]'$$),
    ('flags_prerequisites_shape', $$prerequisites = '[{"flag": "a", "variant": true}]'$$),
    ('flags_prerequisites_shape', $$prerequisites = '[{"flag": "a", "variant": "on", "x": 1}]'$$),
    ('flags_prerequisites_shape', $$prerequisites = '[{"flag": "f", "variant": "on"}]'$$),
    ('flags_tags_shape', $$tags = '"a"'$$),
    ('flags_tags_shape', $$tags = '[1]'$$),
    ('flags_metadata_shape', $$metadata = '[]'$$),
    ('flags_metadata_shape', $$metadata = '{"a": {}}'$$),
    ('flags_metadata_shape', $$metadata = '{"a": null}'$$),
    ('flags_metadata_members', $$metadata = '{"a": 1, "a": 1}'$$),
    ('flags_schedule_order', $$enable_at = '2026-01-02', disable_at = '2026-01-01'$$),
    ('flags_schedule_order', $$enable_at = '2026-01-02', disable_at = '2026-01-02'$$),
    ('flags_schedule_range', $$enable_at = 'infinity'$$),
    ('flags_schedule_range', $$disable_at = '-infinity'$$),
    ('flags_schedule_range', $$enable_at = '10000-01-01'$$),
    ('flags_schedule_range', $$enable_at = '0044-03-15 BC'$$),
    ('flags_size', $$user_ids = to_json(array_fill('x'::text, ARRAY[300000]))$$)
) AS t (c, a);

SELECT pg_temp.taken(a) FROM (VALUES
    ($$rollout = 0$$), ($$rollout = 100$$), ($$rollout = 12.345678$$),
    ($$rollout = 33.10000000$$), ($$rollout = NULL$$),
    ($$default_variant = NULL, off_variant = NULL$$),
    ($$user_ids = '["alice", ""]'$$), ($$user_ids = '[]'$$),
    ($$rules = '[]'$$), ($$rules = '[{"serve": null}]'$$),
    ($$rules = '[{"name": "a", "when": {"nonsense": 1}, "serve": {"split": {"on": 1}}}]'$$),
    ($$prerequisites = '[{"flag": "g", "variant": "on"}]'$$),
    ($$enable_at = '2026-01-01', disable_at = '2026-01-02'$$),
    ($$enable_at = '2026-01-01', disable_at = NULL$$),
    ($$enable_at = NULL, disable_at = '2026-01-01'$$),
    ($$metadata = '{"a": "x", "b": 1, "c": true}'$$),
    ($$tags = '["a", "a"]'$$),
    ($$type = 'json', variants = '{"on": null, "off": [1]}'$$),
    ($$key = '9'$$)
) AS t (a);

SELECT throws_ok(
    $$INSERT INTO flagship.flags (key, type) VALUES ('t', 'string')$$,
    '23502', 'a flag of type "string" needs variants',
    'only a boolean has a simple form');
SELECT throws_ok($$INSERT INTO flagship.flags (name) VALUES ('t')$$,
    '23502', NULL, 'a flag has a key');
SELECT throws_ok(
    $$INSERT INTO flagship.flags (key) VALUES ('twin'), ('twin')$$,
    '23505', NULL, 'live flags share no key');

SELECT throws_ok(sql, state, NULL, regexp_replace(sql, '\s+', ' ', 'g')) FROM (VALUES
    ($$INSERT INTO flagship.tenants (key) VALUES ('a/b')$$, '23514'),
    ($$INSERT INTO flagship.environments (key) VALUES ('')$$, '23514'),
    ($$INSERT INTO flagship.environments (key) VALUES ('dev')$$, '23505'),
    ($$INSERT INTO flagship.environments (tenant, key) VALUES ('x', 'dev')$$, '23503'),
    ($$UPDATE flagship.environments SET fractional = 4$$, '23514'),
    ($$UPDATE flagship.environments SET fractional = 0$$, '23514'),
    ($$UPDATE flagship.environments SET metadata = '[]'$$, '23514'),
    ($$UPDATE flagship.environments SET metadata = '{"a": 1, "a": 2}'$$, '23514'),
    ($$INSERT INTO flagship.segments (key) VALUES ('s')$$, '23502'),
    ($$INSERT INTO flagship.segments (key, "when") VALUES ('*', 'true')$$, '23514'),
    ($$INSERT INTO flagship.segments (key, "when")
       VALUES ('s', to_json(repeat('x', 1000000)))$$, '23514'),
    ($$INSERT INTO flagship.sets (key) VALUES (' ')$$, '23514'),
    ($$INSERT INTO flagship.set_members (set, id) VALUES ('no', 'x')$$, '23503'),
    ($$INSERT INTO flagship.api_keys (id, role, hash)
       VALUES ('abcdefgh', 'root', sha256('x'))$$, '23514'),
    ($$INSERT INTO flagship.api_keys (id, role, hash)
       VALUES ('abc', 'admin', sha256('x'))$$, '23514'),
    ($$INSERT INTO flagship.api_keys (id, role, hash)
       VALUES ('abcdefgh', 'admin', 'secret')$$, '23514'),
    ($$INSERT INTO flagship.api_keys (id, role, hash, tenant)
       VALUES ('abcdefgh', 'admin', sha256('x'), NULL)$$, '23514'),
    ($$INSERT INTO flagship.api_keys (id, role, hash, environment)
       VALUES ('abcdefgh', 'admin', sha256('x'), 'mars')$$, '23503')
) AS t (sql, state);

SELECT lives_ok(
    $$INSERT INTO flagship.api_keys (id, role, hash, tenant)
      VALUES ('abcdefgh', 'operator', sha256('x'), NULL)$$,
    'an operator''s key may be of all tenants');

SELECT * FROM finish();
ROLLBACK;
