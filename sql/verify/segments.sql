-- Verify flagship:segments on pg

BEGIN;
ROLLBACK;
