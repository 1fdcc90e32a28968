-- Revert flagship:segments from pg

BEGIN;

DROP TABLE flagship.segments;

COMMIT;
