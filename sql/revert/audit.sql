-- Revert flagship:audit from pg

BEGIN;

DROP PROCEDURE flagship.keep_history(regclass, text, text, text, text);
DROP FUNCTION flagship.record_truncate();
DROP FUNCTION flagship.record_change();
DROP FUNCTION flagship.stamp();
DROP FUNCTION flagship.actor();
DROP TABLE flagship.audit;

COMMIT;
