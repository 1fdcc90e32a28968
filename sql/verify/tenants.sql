-- Verify flagship:tenants on pg

BEGIN;
ROLLBACK;
