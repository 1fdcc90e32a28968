-- Verify flagship:audit on pg

BEGIN;

SELECT id, tenant, environment, actor, entity, entity_id, entity_key, action,
       before, after, revision, ts
  FROM flagship.audit WHERE false;

DO $$
BEGIN
    ASSERT EXISTS (SELECT FROM pg_trigger
                    WHERE tgrelid = 'flagship.audit'::regclass
                      AND tgname = 'audit_kept' AND tgenabled = 'O'),
        'the audit may be changed';

    ASSERT has_table_privilege('flagship_admin', 'flagship.audit', 'SELECT')
           AND NOT has_table_privilege('flagship_admin', 'flagship.audit',
                                       'INSERT, UPDATE, DELETE, TRUNCATE')
           AND NOT has_table_privilege('flagship_edge', 'flagship.audit',
                                       'SELECT, INSERT, UPDATE, DELETE'),
        'the audit is not for whom it should be';

    ASSERT (SELECT bool_and(prosecdef) AND count(*) = 2 FROM pg_proc
             WHERE oid IN ('flagship.record_change()'::regprocedure,
                           'flagship.record_truncate()'::regprocedure)),
        'the audit is not written with the owner''s rights';

    PERFORM set_config('flagship.actor', 'somebody', true);
    ASSERT flagship.actor() = 'somebody', 'the actor is not the setting';
    PERFORM set_config('flagship.actor', '', true);
    ASSERT flagship.actor() = session_user, 'the actor is not the role';

    PERFORM 'flagship.stamp()'::regprocedure,
            'flagship.keep_history(regclass,text,text,text,text)'::regprocedure;
END $$;

ROLLBACK;
