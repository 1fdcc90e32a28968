-- Verify flagship:delta on pg

BEGIN;
ROLLBACK;
