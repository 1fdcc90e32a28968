-- Verify flagship:flags on pg

BEGIN;
ROLLBACK;
