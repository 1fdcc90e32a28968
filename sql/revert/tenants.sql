-- Revert flagship:tenants from pg

BEGIN;

DROP TABLE flagship.environments;
DROP TABLE flagship.tenants;
DROP FUNCTION flagship.found_environments();
DROP FUNCTION flagship.members_differ(json);
DROP FUNCTION flagship.is_metadata(json);
DROP FUNCTION flagship.is_key(text);

COMMIT;
