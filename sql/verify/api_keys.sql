-- Verify flagship:api_keys on pg

BEGIN;

SELECT id, tenant, environment, name, role, hash, see_unexposed, expires_at,
       revoked_at, version, created_at, updated_at
  FROM flagship.api_keys WHERE false;

DO $$
BEGIN
    PERFORM 'flagship.api_keys_list'::regclass;

    ASSERT (SELECT count(*) >= 5 AND bool_and(convalidated)
              FROM pg_constraint
             WHERE conrelid = 'flagship.api_keys'::regclass
               AND contype = 'c'),
        'a constraint is missing';

    ASSERT (SELECT count(*) = 5 FROM pg_trigger t
             WHERE tgrelid = 'flagship.api_keys'::regclass AND tgenabled = 'O'
               AND tgname IN ('api_keys_before_write', 'api_keys_stamp', 'api_keys_record',
                              'api_keys_record_truncate', 'api_keys_raise_epoch')),
        'a trigger of the history of api_keys is missing';

    ASSERT has_table_privilege('flagship_admin', 'flagship.api_keys', 'SELECT')
           AND has_table_privilege('flagship_admin', 'flagship.api_keys', 'INSERT')
           AND has_table_privilege('flagship_admin', 'flagship.api_keys', 'UPDATE')
           AND has_table_privilege('flagship_admin', 'flagship.api_keys', 'DELETE')
           AND has_table_privilege('flagship_edge', 'flagship.api_keys', 'SELECT')
           AND NOT has_table_privilege('flagship_edge', 'flagship.api_keys',
                                       'INSERT, UPDATE, DELETE, TRUNCATE'),
        'api_keys is not for whom it should be';

    ASSERT has_function_privilege('flagship_admin',
               'flagship.create_api_key(text, text, text, text, timestamptz, boolean)',
               'EXECUTE')
           AND NOT has_function_privilege('flagship_edge',
               'flagship.create_api_key(text, text, text, text, timestamptz, boolean)',
               'EXECUTE'),
        'keys are not made by whom they should be';
END $$;

ROLLBACK;
