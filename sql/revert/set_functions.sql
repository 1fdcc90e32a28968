-- Revert flagship:set_functions from pg

BEGIN;

DROP FUNCTION flagship.remove_set(text, text, text, text, boolean);
DROP FUNCTION flagship.change_members(text, text, text, text, json, text, boolean);
DROP FUNCTION flagship.change_set(text, text, text, json, text, boolean);
DROP FUNCTION flagship.create_set(text, text, text, json, json, boolean);
DROP FUNCTION flagship.patch_set(flagship.sets, json);
DROP FUNCTION flagship.read_members(text, text, text, integer);
DROP FUNCTION flagship.read_set(text, text);
DROP FUNCTION flagship.find_set(text, text);
DROP FUNCTION flagship.set_users(text, text);
DROP FUNCTION flagship.set_tag(flagship.sets);
DROP FUNCTION flagship.set_document(flagship.sets);

COMMIT;
