-- Revert flagship:flags from pg

BEGIN;

DROP TABLE flagship.flags;
DROP FUNCTION flagship.complete_flag();
DROP FUNCTION flagship.flag_document;
DROP FUNCTION flagship.time_text(timestamptz);
DROP FUNCTION flagship.are_variants(json, text);
DROP FUNCTION flagship.are_prerequisites(json, text);
DROP FUNCTION flagship.are_rules(json);
DROP FUNCTION flagship.are_strings(json);

COMMIT;
