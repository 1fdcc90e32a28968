-- Revert flagship:api_key_functions from pg

BEGIN;

DROP FUNCTION flagship.revoke_api_key(text, text, text, boolean, text, text, text, boolean);
DROP FUNCTION flagship.issue_api_key(text, text, text, text, text, text, json, boolean);
DROP FUNCTION flagship.read_api_key(text, text, boolean, text);
DROP FUNCTION flagship.find_api_key(text, text, boolean, text);
DROP FUNCTION flagship.api_key_tag(flagship.api_keys);
DROP FUNCTION flagship.api_key_document(flagship.api_keys);

COMMIT;
