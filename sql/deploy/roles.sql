-- Deploy flagship:roles to pg
--
-- The four roles and the schema.  Roles belong to the whole cluster: another
-- database of it may have brought them already, or bring them at this moment.

BEGIN;

SET LOCAL client_min_messages = warning;

DO $$
DECLARE
    role name;
BEGIN
    FOREACH role IN ARRAY ARRAY['flagship_owner', 'flagship_admin',
                                'flagship_edge', 'flagship_metrics']
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;

    -- The changes that follow are made as the owner.
    IF NOT pg_has_role(current_user, 'flagship_owner', 'USAGE') THEN
        GRANT flagship_owner TO CURRENT_USER;
    END IF;
END $$;

CREATE SCHEMA flagship AUTHORIZATION flagship_owner;

COMMENT ON SCHEMA flagship IS
    'Feature flags: what nginx decides by, and who changed it';

-- Substring search in lists.  A trusted extension: no superuser needed.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA flagship;

DO $$
DECLARE
    home regnamespace := (SELECT extnamespace FROM pg_extension
                           WHERE extname = 'pg_trgm');
BEGIN
    IF NOT has_schema_privilege('flagship_owner', home, 'USAGE') THEN
        RAISE EXCEPTION 'flagship_owner may not use the schema %', home
              USING HINT = 'The extension pg_trgm is there: grant USAGE';
    END IF;
END $$;

SET LOCAL ROLE flagship_owner;

GRANT USAGE ON SCHEMA flagship
    TO flagship_admin, flagship_edge, flagship_metrics;

COMMIT;
