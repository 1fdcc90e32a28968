-- Revert flagship:roles from pg
--
-- A role goes only when nothing else uses it: no other database of the
-- cluster and no role that was made its member.

BEGIN;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension e
                 JOIN pg_namespace n ON n.oid = e.extnamespace
                WHERE e.extname = 'pg_trgm' AND n.nspname = 'flagship')
    THEN
        DROP EXTENSION pg_trgm;
    END IF;
END $$;

DROP SCHEMA flagship;

DO $$
DECLARE
    role name;
BEGIN
    FOREACH role IN ARRAY ARRAY['flagship_metrics', 'flagship_edge',
                                'flagship_admin', 'flagship_owner']
    LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_auth_members m
             WHERE m.roleid = role::regrole
               AND m.member <> current_user::regrole);

        BEGIN
            EXECUTE format('DROP ROLE IF EXISTS %I', role);
        EXCEPTION
            WHEN dependent_objects_still_exist OR insufficient_privilege THEN
                RAISE NOTICE 'role % is in use elsewhere and stays', role;
        END;
    END LOOP;
END $$;

COMMIT;
