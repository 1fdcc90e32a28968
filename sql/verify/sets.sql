-- Verify flagship:sets on pg

BEGIN;
ROLLBACK;
