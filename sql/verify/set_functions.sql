-- Verify flagship:set_functions on pg

BEGIN;

DO $$
DECLARE
    made    record;
    audited bigint;
BEGIN
    ASSERT (SELECT count(*) = 6 AND bool_and(NOT prosecdef) FROM pg_proc
             WHERE pronamespace = 'flagship'::regnamespace
               AND proname IN ('read_set', 'read_members', 'create_set',
                               'change_set', 'change_members', 'remove_set')
               AND has_function_privilege('flagship_admin', oid, 'EXECUTE')
               AND NOT has_function_privilege('flagship_edge', oid,
                                              'EXECUTE')),
        'the functions are not for whom they should be';

    INSERT INTO flagship.tenants (key) VALUES ('flagship-verify');
    audited := (SELECT count(*) FROM flagship.audit);

    SELECT * INTO made FROM flagship.create_set('verify', 'flagship-verify',
        'a', '{}', '["x", "y", "x"]', true);
    ASSERT made.outcome = 'created'
           AND (made.document::json ->> 'size') = '2'
           AND audited = (SELECT count(*) FROM flagship.audit),
        'a dry run is not what it should be';

    SELECT * INTO made FROM flagship.read_members('flagship-verify', 'a',
                                                  NULL, 10);
    ASSERT made.tag IS NULL, 'a dry run leaves something behind';
END $$;

ROLLBACK;
