-- Verify flagship:tenants on pg

BEGIN;

SELECT id, key, name, description, version, created_at, updated_at
  FROM flagship.tenants WHERE false;
SELECT id, tenant, key, name, description, fractional, metadata, version,
       created_at, updated_at
  FROM flagship.environments WHERE false;

DO $$
BEGIN
    ASSERT flagship.is_key('a.B-c_1') AND NOT flagship.is_key('-a')
           AND NOT flagship.is_key('3f0c1f0e-7a55-4a3e-9f0d-0c6f0f7d9a11'),
        'keys are not read as they should be';

    ASSERT flagship.is_metadata('{"a": 1, "b": "c", "d": true}')
           AND NOT flagship.is_metadata('{"a": []}')
           AND NOT flagship.is_metadata('[]'),
        'metadata is not read as it should be';

    ASSERT NOT flagship.members_differ('{"a": 1, "a": 2}'),
        'twin members are not seen';

    ASSERT EXISTS (SELECT FROM pg_trigger
                    WHERE tgrelid = 'flagship.tenants'::regclass
                      AND tgname = 'tenants_with_environments'),
        'a new tenant would have no environments';

    ASSERT (SELECT count(*) = 5 FROM pg_trigger t
             WHERE tgrelid = 'flagship.tenants'::regclass AND tgenabled = 'O'
               AND tgname IN ('tenants_before_write', 'tenants_stamp', 'tenants_record',
                              'tenants_record_truncate', 'tenants_raise_epoch')),
        'a trigger of the history of tenants is missing';

    ASSERT has_table_privilege('flagship_admin', 'flagship.tenants', 'SELECT')
           AND has_table_privilege('flagship_admin', 'flagship.tenants', 'INSERT')
           AND has_table_privilege('flagship_admin', 'flagship.tenants', 'UPDATE')
           AND has_table_privilege('flagship_admin', 'flagship.tenants', 'DELETE')
           AND has_table_privilege('flagship_edge', 'flagship.tenants', 'SELECT')
           AND NOT has_table_privilege('flagship_edge', 'flagship.tenants',
                                       'INSERT, UPDATE, DELETE, TRUNCATE'),
        'tenants is not for whom it should be';

    ASSERT (SELECT count(*) = 5 FROM pg_trigger t
             WHERE tgrelid = 'flagship.environments'::regclass AND tgenabled = 'O'
               AND tgname IN ('environments_before_write', 'environments_stamp', 'environments_record',
                              'environments_record_truncate', 'environments_raise_epoch')),
        'a trigger of the history of environments is missing';

    ASSERT has_table_privilege('flagship_admin', 'flagship.environments', 'SELECT')
           AND has_table_privilege('flagship_admin', 'flagship.environments', 'INSERT')
           AND has_table_privilege('flagship_admin', 'flagship.environments', 'UPDATE')
           AND has_table_privilege('flagship_admin', 'flagship.environments', 'DELETE')
           AND has_table_privilege('flagship_edge', 'flagship.environments', 'SELECT')
           AND NOT has_table_privilege('flagship_edge', 'flagship.environments',
                                       'INSERT, UPDATE, DELETE, TRUNCATE'),
        'environments is not for whom it should be';
END $$;

ROLLBACK;
