-- Revert flagship:api_keys from pg

BEGIN;

DROP TABLE flagship.api_keys;

COMMIT;
