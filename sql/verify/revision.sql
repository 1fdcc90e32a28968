-- Verify flagship:revision on pg

BEGIN;

SELECT only_row, epoch, revision, trimmed, changed_at
  FROM flagship.revision WHERE false;
SELECT revision, seq, entity, id, tenant, environment, key, operation, ts
  FROM flagship.changes WHERE false;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 1 FROM flagship.revision),
        'the counter is not one row';

    ASSERT (SELECT count(*) = 2 FROM pg_trigger
             WHERE tgname IN ('revision_kept', 'changes_truncated')
               AND tgenabled = 'O'),
        'a trigger is missing';

    ASSERT has_function_privilege('flagship_admin',
                                  'flagship.take_revision()', 'EXECUTE')
           AND NOT has_function_privilege('flagship_admin',
                                  'flagship.raise_revision()', 'EXECUTE')
           AND NOT has_function_privilege('flagship_edge',
                                  'flagship.take_revision()', 'EXECUTE')
           AND NOT has_function_privilege('flagship_admin',
                                  'flagship.trim_changes(interval)',
                                  'EXECUTE'),
        'the functions of the counter are not for whom they should be';

    ASSERT has_table_privilege('flagship_edge', 'flagship.revision', 'SELECT')
           AND has_table_privilege('flagship_edge', 'flagship.changes',
                                   'SELECT')
           AND NOT has_table_privilege('flagship_admin', 'flagship.revision',
                                       'INSERT, UPDATE, DELETE, TRUNCATE')
           AND NOT has_table_privilege('flagship_admin', 'flagship.changes',
                                       'INSERT, UPDATE, DELETE, TRUNCATE'),
        'the tables of the counter are not for whom they should be';
END $$;

ROLLBACK;
