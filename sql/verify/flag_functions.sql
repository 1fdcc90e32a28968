-- Verify flagship:flag_functions on pg

BEGIN;

DO $$
DECLARE
    made    record;
    changed record;
    audited bigint;
BEGIN
    ASSERT (SELECT count(*) = 6 AND bool_and(NOT prosecdef) FROM pg_proc
             WHERE pronamespace = 'flagship'::regnamespace
               AND proname IN ('read_flag', 'create_flag', 'change_flag',
                               'archive_flag', 'purge_flag', 'restore_flag')
               AND has_function_privilege('flagship_admin', oid, 'EXECUTE')
               AND NOT has_function_privilege('flagship_edge', oid,
                                              'EXECUTE')),
        'the functions are not for whom they should be';

    INSERT INTO flagship.tenants (key) VALUES ('flagship-verify');
    audited := (SELECT count(*) FROM flagship.audit);

    SELECT * INTO made FROM flagship.create_flag('verify',
        'flagship-verify', 'prod', 'a', '{"enabled": true}', true);
    ASSERT made.outcome = 'created'
           AND (made.document::json ->> 'key') = 'a'
           AND (made.document::json ->> 'rollout') = '100',
        'a flag is not made as it should be';

    SELECT * INTO changed FROM flagship.change_flag('verify',
        'flagship-verify', 'prod', 'a', '{}', NULL, NULL, NULL, false);
    ASSERT changed.outcome = 'missing'
           AND audited = (SELECT count(*) FROM flagship.audit),
        'a dry run leaves something behind';

    PERFORM flagship.audit_document(NULL);
END $$;

ROLLBACK;
