-- Revert flagship:segment_functions from pg

BEGIN;

DROP FUNCTION flagship.restore_segment(text, text, uuid, text, boolean);
DROP FUNCTION flagship.remove_segment(text, text, text, boolean, boolean, text, boolean);
DROP FUNCTION flagship.change_segment(text, text, text, json, text, boolean);
DROP FUNCTION flagship.create_segment(text, text, text, json, boolean);
DROP FUNCTION flagship.patch_segment(flagship.segments, json);
DROP FUNCTION flagship.read_segment(text, text, boolean);
DROP FUNCTION flagship.find_segment(text, text, boolean);
DROP FUNCTION flagship.segment_users(text, text);
DROP FUNCTION flagship.users_of(text, text, jsonpath, text);
DROP FUNCTION flagship.segment_tag(flagship.segments);
DROP FUNCTION flagship.segment_document(flagship.segments);

COMMIT;
