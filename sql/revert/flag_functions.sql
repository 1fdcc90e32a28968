-- Revert flagship:flag_functions from pg

BEGIN;

DROP FUNCTION flagship.audit_document(flagship.audit);
DROP FUNCTION flagship.restore_flag(text, text, text, uuid, text, boolean);
DROP FUNCTION flagship.purge_flag(text, text, text, text, boolean, text, boolean);
DROP FUNCTION flagship.archive_flag(text, text, text, text, text, boolean);
DROP FUNCTION flagship.change_flag(text, text, text, text, json, text, text[], text, boolean);
DROP FUNCTION flagship.create_flag(text, text, text, text, json, boolean);
DROP FUNCTION flagship.patch_flag(flagship.flags, json);
DROP FUNCTION flagship.read_flag(text, text, text, boolean, text[]);
DROP FUNCTION flagship.find_flag(text, text, text, boolean);
DROP FUNCTION flagship.flag_form(flagship.flags, text[]);
DROP FUNCTION flagship.flag_tag(flagship.flags);

COMMIT;
