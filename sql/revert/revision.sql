-- Revert flagship:revision from pg

BEGIN;

DROP TABLE flagship.changes;
DROP TABLE flagship.revision;
DROP FUNCTION flagship.raise_epoch();
DROP FUNCTION flagship.refuse_change();
DROP FUNCTION flagship.before_write();
DROP FUNCTION flagship.raise_revision();
DROP FUNCTION flagship.trim_changes(interval);
DROP FUNCTION flagship.take_revision();

COMMIT;
