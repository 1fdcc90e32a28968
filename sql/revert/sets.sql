-- Revert flagship:sets from pg

BEGIN;

DROP TABLE flagship.set_members;
DROP TABLE flagship.sets;
DROP FUNCTION flagship.empty_sets();
DROP FUNCTION flagship.refuse_member_change();
DROP FUNCTION flagship.count_members();

COMMIT;
