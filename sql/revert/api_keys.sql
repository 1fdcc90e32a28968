-- Revert flagship:api_keys from pg

BEGIN;

DROP FUNCTION
    flagship.create_api_key(text, text, text, text, timestamptz, boolean);
DROP TABLE flagship.api_keys;

COMMIT;
