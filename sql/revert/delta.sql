-- Revert flagship:delta from pg

BEGIN;

DROP FUNCTION flagship.delta(uuid, bigint);
DROP FUNCTION flagship.changes_since(bigint);
DROP FUNCTION flagship.set_texts(text, text);
DROP FUNCTION flagship.api_key_text(flagship.api_keys);
DROP FUNCTION flagship.environment_text(flagship.environments);
DROP FUNCTION flagship.flag_text(flagship.flags);
DROP FUNCTION flagship.second_text(timestamptz);

COMMIT;
