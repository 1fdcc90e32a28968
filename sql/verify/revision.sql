-- Verify flagship:revision on pg

BEGIN;
ROLLBACK;
