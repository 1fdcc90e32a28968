-- Verify flagship:api_key_functions on pg

BEGIN;

DO $$
DECLARE
    made    record;
    audited bigint;
BEGIN
    ASSERT (SELECT count(*) = 3 AND bool_and(NOT prosecdef) FROM pg_proc
             WHERE pronamespace = 'flagship'::regnamespace
               AND proname IN ('read_api_key', 'issue_api_key',
                               'revoke_api_key')
               AND has_function_privilege('flagship_admin', oid, 'EXECUTE')
               AND NOT has_function_privilege('flagship_edge', oid,
                                              'EXECUTE')),
        'the functions are not for whom they should be';

    INSERT INTO flagship.tenants (key) VALUES ('flagship-verify');
    audited := (SELECT count(*) FROM flagship.audit);

    SELECT * INTO made FROM flagship.issue_api_key('verify',
        'flagship-verify', NULL, 'viewer', 'flagshipVerify',
        repeat('00', 32), '{}', true);
    ASSERT made.outcome = 'created'
           AND strpos(made.document, repeat('00', 32)) = 0
           AND audited = (SELECT count(*) FROM flagship.audit),
        'a dry run is not what it should be';
END $$;

ROLLBACK;
