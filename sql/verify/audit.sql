-- Verify flagship:audit on pg

BEGIN;
ROLLBACK;
