-- Deploy flagship:revision to pg
-- requires: roles
--
-- One revision a transaction, one counter for the whole database.
--
-- Every writing statement takes the counter's row lock before it locks any
-- other row (flagship.take_revision, from a BEFORE ... FOR EACH STATEMENT
-- trigger) and keeps it until the transaction ends: numbers are therefore
-- committed in their order, and transactions that touch the same rows in
-- another order cannot deadlock.  The number is remembered in a setting that
-- ends with the transaction, under its transaction id, so that no leftover of
-- a pooled connection is ever taken for it.
--
-- The counter moves, and the one notification goes out, with the first row
-- that really changes: a statement that finds nothing to change wakes nobody.

BEGIN;

SET LOCAL ROLE flagship_owner;

CREATE TABLE flagship.revision (
    only_row   boolean     NOT NULL DEFAULT true,
    epoch      uuid        NOT NULL DEFAULT gen_random_uuid(),
    revision   bigint      NOT NULL DEFAULT 0,
    trimmed    bigint      NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT revision_pkey PRIMARY KEY (only_row),
    CONSTRAINT revision_only_row CHECK (only_row),
    CONSTRAINT revision_trimmed_range CHECK (trimmed BETWEEN 0 AND revision)
) WITH (fillfactor = 10);

COMMENT ON TABLE flagship.revision IS
    'The counter that every change raises: one row';
COMMENT ON COLUMN flagship.revision.only_row IS
    'True: there is one row and no more';
COMMENT ON COLUMN flagship.revision.epoch IS
    'Whose numbers these are: another epoch means that everything must be read anew';
COMMENT ON COLUMN flagship.revision.revision IS
    'The number of the last transaction that changed anything';
COMMENT ON COLUMN flagship.revision.trimmed IS
    'The last number whose changes may have been deleted: a reader must hold this one or a later to read changes';
COMMENT ON COLUMN flagship.revision.changed_at IS
    'When the counter was raised';

INSERT INTO flagship.revision DEFAULT VALUES;


CREATE TABLE flagship.changes (
    revision    bigint           NOT NULL,
    seq         bigint           NOT NULL GENERATED ALWAYS AS IDENTITY,
    entity      text             NOT NULL,
    id          text             NOT NULL,
    tenant      text COLLATE "C",
    environment text COLLATE "C",
    key         text COLLATE "C",
    operation   text             NOT NULL,
    ts          timestamptz      NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT changes_pkey PRIMARY KEY (revision, seq),
    CONSTRAINT changes_entity_known CHECK (entity IN
        ('tenant', 'environment', 'flag', 'segment', 'set', 'api_key')),
    CONSTRAINT changes_operation_known CHECK (operation IN
        ('insert', 'update', 'delete', 'rename'))
);

CREATE INDEX changes_ts ON flagship.changes (ts);

COMMENT ON TABLE flagship.changes IS
    'What each revision touched, so that readers fetch only that; trimmed by age';
COMMENT ON COLUMN flagship.changes.revision IS
    'The revision that brought the change';
COMMENT ON COLUMN flagship.changes.seq IS
    'Order within the revision';
COMMENT ON COLUMN flagship.changes.entity IS
    'tenant, environment, flag, segment, set or api_key';
COMMENT ON COLUMN flagship.changes.id IS
    'The id of the row';
COMMENT ON COLUMN flagship.changes.tenant IS
    'The tenant of the row; null for a key of all tenants';
COMMENT ON COLUMN flagship.changes.environment IS
    'The environment of the row, or null where it belongs to the whole tenant';
COMMENT ON COLUMN flagship.changes.key IS
    'The key of the row; null for an environment, which is named by the column before';
COMMENT ON COLUMN flagship.changes.operation IS
    'insert, update, delete; rename: the row was known by this name before';
COMMENT ON COLUMN flagship.changes.ts IS
    'When the change was written: the age by which it is trimmed';


CREATE FUNCTION flagship.take_revision() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    xid   text := pg_current_xact_id()::text;
    taken text[] := string_to_array(
                        current_setting('flagship.revision', true), ' ');
    mine  bigint;
BEGIN
    IF taken[1] = xid THEN
        RETURN taken[2];
    END IF;

    SELECT revision + 1 INTO STRICT mine
      FROM flagship.revision
       FOR NO KEY UPDATE;

    PERFORM set_config('flagship.revision', xid || ' ' || mine, true);

    RETURN mine;
END $$;

COMMENT ON FUNCTION flagship.take_revision() IS
    'The revision of this transaction.  Waits for other writers.  Call it first where rows are locked before they are written';


CREATE FUNCTION flagship.trim_changes(keep interval DEFAULT '1 day')
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last  bigint;
    count bigint;
BEGIN
    PERFORM flagship.take_revision();

    SELECT max(c.revision) INTO last
      FROM flagship.changes c
     WHERE c.ts < clock_timestamp() - keep;

    IF last IS NULL THEN
        RETURN 0;
    END IF;

    DELETE FROM flagship.changes c WHERE c.revision <= last;
    GET DIAGNOSTICS count = ROW_COUNT;

    UPDATE flagship.revision r
       SET trimmed = least(last, r.revision)
     WHERE r.trimmed < last;

    RETURN count;
END $$;

COMMENT ON FUNCTION flagship.trim_changes(interval) IS
    'Deletes changes that are older and returns their number; writers call it now and then';


CREATE FUNCTION flagship.raise_revision() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    mine  bigint := flagship.take_revision();
    taken text := current_setting('flagship.revision');
BEGIN
    IF right(taken, 7) = ' raised' THEN
        RETURN mine;
    END IF;

    UPDATE flagship.revision
       SET revision = mine, changed_at = clock_timestamp();

    PERFORM set_config('flagship.revision', taken || ' raised', true);
    PERFORM pg_notify('flagship', mine::text);

    IF mine % 256 = 0 THEN
        PERFORM flagship.trim_changes();
    END IF;

    RETURN mine;
END $$;

COMMENT ON FUNCTION flagship.raise_revision() IS
    'Makes the revision of this transaction the last one and notifies, once';


CREATE FUNCTION flagship.before_write() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM flagship.take_revision();
    RETURN NULL;
END $$;

COMMENT ON FUNCTION flagship.before_write() IS
    'Trigger: takes the revision before a statement locks any row';


CREATE FUNCTION flagship.refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% of %.% is refused', TG_OP, TG_TABLE_SCHEMA,
                    TG_TABLE_NAME
          USING ERRCODE = 'insufficient_privilege',
                SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
END $$;

COMMENT ON FUNCTION flagship.refuse_change() IS
    'Trigger: refuses the statement, whoever makes it';

CREATE TRIGGER revision_kept BEFORE DELETE OR TRUNCATE ON flagship.revision
    FOR EACH STATEMENT EXECUTE FUNCTION flagship.refuse_change();


CREATE FUNCTION flagship.raise_epoch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM flagship.raise_revision();
    UPDATE flagship.revision SET epoch = gen_random_uuid();
    RETURN NULL;
END $$;

COMMENT ON FUNCTION flagship.raise_epoch() IS
    'Trigger: what was done cannot be told row by row, so everyone reads everything anew';

CREATE TRIGGER changes_truncated AFTER TRUNCATE ON flagship.changes
    FOR EACH STATEMENT EXECUTE FUNCTION flagship.raise_epoch();


REVOKE EXECUTE ON FUNCTION
    flagship.take_revision(), flagship.trim_changes(interval),
    flagship.raise_revision(), flagship.before_write(),
    flagship.refuse_change(), flagship.raise_epoch()
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION flagship.take_revision() TO flagship_admin;
GRANT SELECT ON flagship.revision, flagship.changes
    TO flagship_admin, flagship_edge;
GRANT SELECT ON flagship.revision TO flagship_metrics;

COMMIT;
