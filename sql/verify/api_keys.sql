-- Verify flagship:api_keys on pg

BEGIN;
ROLLBACK;
