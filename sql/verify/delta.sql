-- Verify flagship:delta on pg

BEGIN;

DO $$
DECLARE
    epoch    uuid;
    revision bigint;
BEGIN
    SELECT r.epoch, r.revision INTO epoch, revision FROM flagship.revision r;

    ASSERT (SELECT count(*) = 1
                   AND min(entity || tenant || key || document)
                       = 'revision' || epoch || revision || 'none'
              FROM flagship.delta(epoch, revision)),
        'who holds the last revision is not told so';

    ASSERT (SELECT document = 'full'
              FROM flagship.delta(gen_random_uuid(), revision) LIMIT 1),
        'who holds another epoch is not told so';

    ASSERT flagship.second_text('infinity') = '9999-12-31T23:59:59Z'
           AND flagship.second_text('2026-01-02 03:04:05+01')
               = '2026-01-02T02:04:05Z',
        'times are not written as they should be';

    ASSERT has_function_privilege('flagship_edge',
                                  'flagship.delta(uuid, bigint)', 'EXECUTE')
           AND NOT has_function_privilege('flagship_metrics',
                                  'flagship.delta(uuid, bigint)', 'EXECUTE'),
        'the function is not for whom it should be';
END $$;

ROLLBACK;
