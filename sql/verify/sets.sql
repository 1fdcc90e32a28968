-- Verify flagship:sets on pg

BEGIN;

SELECT id, tenant, key, name, description, size, version, created_at,
       updated_at
  FROM flagship.sets WHERE false;
SELECT tenant, set, id FROM flagship.set_members WHERE false;

DO $$
BEGIN
    ASSERT (SELECT count(*) >= 6 FROM pg_trigger
             WHERE tgrelid = 'flagship.set_members'::regclass
               AND NOT tgisinternal AND tgenabled = 'O'),
        'a trigger of the members is missing';

    ASSERT has_table_privilege('flagship_admin', 'flagship.set_members',
                               'INSERT')
           AND has_table_privilege('flagship_admin', 'flagship.set_members',
                                   'DELETE')
           AND NOT has_table_privilege('flagship_edge',
                                       'flagship.set_members',
                                       'INSERT, UPDATE, DELETE, TRUNCATE'),
        'the members are not for whom they should be';

    ASSERT (SELECT count(*) = 5 FROM pg_trigger t
             WHERE tgrelid = 'flagship.sets'::regclass AND tgenabled = 'O'
               AND tgname IN ('sets_before_write', 'sets_stamp', 'sets_record',
                              'sets_record_truncate', 'sets_raise_epoch')),
        'a trigger of the history of sets is missing';

    ASSERT has_table_privilege('flagship_admin', 'flagship.sets', 'SELECT')
           AND has_table_privilege('flagship_admin', 'flagship.sets', 'INSERT')
           AND has_table_privilege('flagship_admin', 'flagship.sets', 'UPDATE')
           AND has_table_privilege('flagship_admin', 'flagship.sets', 'DELETE')
           AND has_table_privilege('flagship_edge', 'flagship.sets', 'SELECT')
           AND NOT has_table_privilege('flagship_edge', 'flagship.sets',
                                       'INSERT, UPDATE, DELETE, TRUNCATE'),
        'sets is not for whom it should be';
END $$;

ROLLBACK;
