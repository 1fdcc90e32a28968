-- Verify flagship:segments on pg

BEGIN;

SELECT id, tenant, key, name, description, "when", version, created_at,
       updated_at, archived_at
  FROM flagship.segments WHERE false;

DO $$
BEGIN
    ASSERT (SELECT indisunique AND indisvalid AND indpred IS NOT NULL
              FROM pg_index
             WHERE indexrelid = 'flagship.segments_live_key'::regclass),
        'keys of live segments are not unique';

    PERFORM 'flagship.segments_archived'::regclass,
            'flagship.segments_created_at'::regclass,
            'flagship.segments_updated_at'::regclass,
            'flagship.segments_name'::regclass,
            'flagship.segments_search'::regclass;

    ASSERT (SELECT count(*) = 5 FROM pg_trigger t
             WHERE tgrelid = 'flagship.segments'::regclass AND tgenabled = 'O'
               AND tgname IN ('segments_before_write', 'segments_stamp', 'segments_record',
                              'segments_record_truncate', 'segments_raise_epoch')),
        'a trigger of the history of segments is missing';

    ASSERT has_table_privilege('flagship_admin', 'flagship.segments', 'SELECT')
           AND has_table_privilege('flagship_admin', 'flagship.segments', 'INSERT')
           AND has_table_privilege('flagship_admin', 'flagship.segments', 'UPDATE')
           AND has_table_privilege('flagship_admin', 'flagship.segments', 'DELETE')
           AND has_table_privilege('flagship_edge', 'flagship.segments', 'SELECT')
           AND NOT has_table_privilege('flagship_edge', 'flagship.segments',
                                       'INSERT, UPDATE, DELETE, TRUNCATE'),
        'segments is not for whom it should be';
END $$;

ROLLBACK;
