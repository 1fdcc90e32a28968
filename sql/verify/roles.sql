-- Verify flagship:roles on pg

BEGIN;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 4 FROM pg_roles
             WHERE rolname IN ('flagship_owner', 'flagship_admin',
                               'flagship_edge', 'flagship_metrics')
               AND NOT rolcanlogin AND NOT rolsuper AND NOT rolcreaterole),
        'a role is missing, or may more than it should';

    ASSERT (SELECT nspowner = 'flagship_owner'::regrole FROM pg_namespace
             WHERE nspname = 'flagship'),
        'the schema does not belong to flagship_owner';

    ASSERT has_schema_privilege('flagship_admin', 'flagship', 'USAGE')
           AND has_schema_privilege('flagship_edge', 'flagship', 'USAGE')
           AND has_schema_privilege('flagship_metrics', 'flagship', 'USAGE'),
        'a role may not use the schema';

    ASSERT NOT has_schema_privilege('flagship_admin', 'flagship', 'CREATE')
           AND NOT has_schema_privilege('flagship_edge', 'flagship', 'CREATE'),
        'a role may create objects in the schema';

    ASSERT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm'),
        'the extension pg_trgm is missing';
END $$;

ROLLBACK;
