-- Revert flagship:documents from pg

BEGIN;

DROP FUNCTION flagship.merged(json, json);
DROP FUNCTION flagship.replaced(json, json);
DROP FUNCTION flagship.text_of(text);

COMMIT;
