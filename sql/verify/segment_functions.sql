-- Verify flagship:segment_functions on pg

BEGIN;

DO $$
DECLARE
    made    record;
    audited bigint;
BEGIN
    ASSERT (SELECT count(*) = 5 AND bool_and(NOT prosecdef) FROM pg_proc
             WHERE pronamespace = 'flagship'::regnamespace
               AND proname IN ('read_segment', 'create_segment',
                               'change_segment', 'remove_segment',
                               'restore_segment')
               AND has_function_privilege('flagship_admin', oid, 'EXECUTE')
               AND NOT has_function_privilege('flagship_edge', oid,
                                              'EXECUTE')),
        'the functions are not for whom they should be';

    INSERT INTO flagship.tenants (key) VALUES ('flagship-verify');
    audited := (SELECT count(*) FROM flagship.audit);

    SELECT * INTO made FROM flagship.create_segment('verify',
        'flagship-verify', 'a', '{"when": {"segment": "b"}}', true);
    ASSERT made.outcome = 'created'
           AND (made.document::json ->> 'key') = 'a'
           AND audited = (SELECT count(*) FROM flagship.audit),
        'a dry run is not what it should be';

    PERFORM flagship.create_segment('verify', 'flagship-verify', 'a',
                                    '{"when": {"segment": "b"}}', false);
    ASSERT flagship.segment_users('flagship-verify', 'b')
           = '[{"entity":"segment","key":"a"}]',
        'who uses a segment is not found';
END $$;

ROLLBACK;
