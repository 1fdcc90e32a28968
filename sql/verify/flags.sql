-- Verify flagship:flags on pg

BEGIN;

SELECT id, tenant, environment, key, name, description, tags, metadata, type,
       enabled, variants, default_variant, off_variant, rules, user_ids,
       rollout, prerequisites, enable_at, disable_at, expose, version,
       created_at, updated_at, archived_at, document
  FROM flagship.flags WHERE false;

DO $$
BEGIN
    ASSERT flagship.time_text('2026-03-01 12:00:00.5+02')
           = '2026-03-01T10:00:00.500000Z',
        'times are not written in UTC';

    ASSERT (SELECT attgenerated = 's' FROM pg_attribute
             WHERE attrelid = 'flagship.flags'::regclass
               AND attname = 'document'),
        'a document is not made with its row';

    ASSERT (SELECT count(*) = 1 FROM pg_trigger
             WHERE tgrelid = 'flagship.flags'::regclass
               AND tgname = 'flags_complete' AND tgenabled = 'O'),
        'there is no simple form';

    -- BEFORE triggers fire by name.
    ASSERT 'flags_complete' < 'flags_stamp' COLLATE "C",
        'a version is stamped before the flag is complete';

    ASSERT (SELECT count(*) = 8 FROM pg_index
             WHERE indrelid = 'flagship.flags'::regclass AND indisvalid
               AND indexrelid::regclass::text = ANY (ARRAY[
                   'flagship.flags_live_key', 'flagship.flags_archived',
                   'flagship.flags_enabled', 'flagship.flags_created_at',
                   'flagship.flags_updated_at', 'flagship.flags_name',
                   'flagship.flags_tags', 'flagship.flags_search'])),
        'an index is missing';

    ASSERT (SELECT count(*) >= 20 AND bool_and(convalidated)
              FROM pg_constraint
             WHERE conrelid = 'flagship.flags'::regclass AND contype = 'c'),
        'a constraint is missing';

    ASSERT flagship.are_variants('{"a": 1, "b": 2.5}', 'number')
           AND NOT flagship.are_variants('{"a": 1, "b": "2"}', 'number')
           AND NOT flagship.are_variants('{}', 'number'),
        'variants are not read as they should be';

    ASSERT flagship.are_rules('[{"name": "a", "when": true, "serve": "b"}]')
           AND NOT flagship.are_rules('[{"when": true}]')
           AND NOT flagship.are_rules('[{"serve": "a", "if": true}]'),
        'rules are not read as they should be';

    ASSERT flagship.are_prerequisites('[{"flag": "a", "variant": "b"}]', 'c')
           AND NOT flagship.are_prerequisites('[{"flag": "a"}]', 'c')
           AND NOT flagship.are_prerequisites(
                       '[{"flag": "a", "variant": "b"}]', 'a'),
        'prerequisites are not read as they should be';

    ASSERT flagship.are_strings('["a"]') AND NOT flagship.are_strings('[1]'),
        'lists are not read as they should be';

    ASSERT (SELECT count(*) = 5 FROM pg_trigger t
             WHERE tgrelid = 'flagship.flags'::regclass AND tgenabled = 'O'
               AND tgname IN ('flags_before_write', 'flags_stamp', 'flags_record',
                              'flags_record_truncate', 'flags_raise_epoch')),
        'a trigger of the history of flags is missing';

    ASSERT has_table_privilege('flagship_admin', 'flagship.flags', 'SELECT')
           AND has_table_privilege('flagship_admin', 'flagship.flags', 'INSERT')
           AND has_table_privilege('flagship_admin', 'flagship.flags', 'UPDATE')
           AND has_table_privilege('flagship_admin', 'flagship.flags', 'DELETE')
           AND has_table_privilege('flagship_edge', 'flagship.flags', 'SELECT')
           AND NOT has_table_privilege('flagship_edge', 'flagship.flags',
                                       'INSERT, UPDATE, DELETE, TRUNCATE'),
        'flags is not for whom it should be';
END $$;

ROLLBACK;
