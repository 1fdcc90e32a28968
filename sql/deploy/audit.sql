-- Deploy flagship:audit to pg
-- requires: revision
--
-- The audit, and the row triggers that every table with a history shares:
-- flagship.stamp before a row is written (version and times), and
-- flagship.record_change after it (audit, changes, revision).  Whoever writes,
-- the API or a person with psql, goes through them.

BEGIN;

SET LOCAL ROLE flagship_owner;

CREATE TABLE flagship.audit (
    id          bigint           NOT NULL GENERATED ALWAYS AS IDENTITY,
    tenant      text COLLATE "C",
    environment text COLLATE "C",
    actor       text             NOT NULL,
    entity      text             NOT NULL,
    entity_id   text             NOT NULL,
    entity_key  text COLLATE "C",
    action      text             NOT NULL,
    before      json,
    after       json,
    revision    bigint           NOT NULL,
    ts          timestamptz      NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT audit_pkey PRIMARY KEY (id),
    CONSTRAINT audit_entity_known CHECK (entity IN
        ('tenant', 'environment', 'flag', 'segment', 'set', 'api_key')),
    CONSTRAINT audit_action_known CHECK (action IN
        ('create', 'update', 'archive', 'restore', 'purge', 'promote',
         'import')),
    CONSTRAINT audit_before_or_after CHECK
        (before IS NOT NULL OR after IS NOT NULL)
);

-- One for the list and each of its filters (key serves entity and key, too);
-- and one for the history of one row, whatever it was called.
CREATE INDEX audit_list ON flagship.audit (tenant, id);
CREATE INDEX audit_ts ON flagship.audit (tenant, ts);
CREATE INDEX audit_environment ON flagship.audit (tenant, environment, id);
CREATE INDEX audit_entity ON flagship.audit (tenant, entity, id);
CREATE INDEX audit_key ON flagship.audit (tenant, entity_key, id);
CREATE INDEX audit_actor ON flagship.audit (tenant, actor, id);
CREATE INDEX audit_action ON flagship.audit (tenant, action, id);
CREATE INDEX audit_entity_id ON flagship.audit (entity_id, id);

COMMENT ON TABLE flagship.audit IS
    'Who changed what, when, from what to what; rows are only ever added';
COMMENT ON COLUMN flagship.audit.id IS
    'Order of the entries';
COMMENT ON COLUMN flagship.audit.tenant IS
    'The tenant concerned; null for a key of all tenants';
COMMENT ON COLUMN flagship.audit.environment IS
    'The environment concerned; null where the whole tenant is';
COMMENT ON COLUMN flagship.audit.actor IS
    'The setting flagship.actor of the transaction; where it is unset, the role that logged in';
COMMENT ON COLUMN flagship.audit.entity IS
    'tenant, environment, flag, segment, set or api_key';
COMMENT ON COLUMN flagship.audit.entity_id IS
    'The id of the row';
COMMENT ON COLUMN flagship.audit.entity_key IS
    'The key of the row after the change; before it where it is gone';
COMMENT ON COLUMN flagship.audit.action IS
    'create, update, archive, restore, purge; promote or import where the setting flagship.action of the transaction says so';
COMMENT ON COLUMN flagship.audit.before IS
    'The row before, of a flag its document; null where there was none';
COMMENT ON COLUMN flagship.audit.after IS
    'The row after, of a flag its document; null where there is none';
COMMENT ON COLUMN flagship.audit.revision IS
    'The revision that brought the change';
COMMENT ON COLUMN flagship.audit.ts IS
    'When the change was written';

CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE
    ON flagship.audit
    FOR EACH STATEMENT EXECUTE FUNCTION flagship.refuse_change();


CREATE FUNCTION flagship.actor() RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(nullif(left(current_setting('flagship.actor', true), 200),
                           ''), session_user)
$$;

COMMENT ON FUNCTION flagship.actor() IS
    'Who makes the changes of this transaction';


CREATE FUNCTION flagship.stamp() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.version := 1;
        NEW.created_at := coalesce(NEW.created_at, now());
        NEW.updated_at := now();
        RETURN NEW;
    END IF;

    IF NEW.id IS DISTINCT FROM OLD.id THEN
        RAISE EXCEPTION 'the id of a row cannot be changed'
              USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA,
                    TABLE = TG_TABLE_NAME, COLUMN = 'id',
                    CONSTRAINT = TG_TABLE_NAME || '_id_fixed';
    END IF;

    NEW.version := OLD.version;
    NEW.updated_at := OLD.updated_at;

    -- What is generated is only made after this: NEW has none of it.
    IF TG_TABLE_NAME = 'flags' THEN
        OLD.document := NULL;
    END IF;

    -- By their bytes: json has no equality.
    IF NEW *<> OLD THEN
        NEW.version := coalesce(OLD.version, 0) + 1;
        NEW.updated_at := now();
    END IF;

    RETURN NEW;
END $$;

COMMENT ON FUNCTION flagship.stamp() IS
    'Trigger: version and times of a row; a change of nothing is no new version';


CREATE FUNCTION flagship.record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    kind   text := TG_ARGV[0];
    act    text := current_setting('flagship.action', true);
    mine   bigint;
    was    text[];          -- id, tenant, environment, key
    is_now text[];
    before json;
    after  json;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW *= OLD THEN
        RETURN NULL;
    END IF;

    IF kind = 'flag' THEN
        was := ARRAY[OLD.id::text, OLD.tenant, OLD.environment, OLD.key];
        is_now := ARRAY[NEW.id::text, NEW.tenant, NEW.environment, NEW.key];

    ELSIF kind = 'environment' THEN
        was := ARRAY[OLD.id::text, OLD.tenant, OLD.key, NULL];
        is_now := ARRAY[NEW.id::text, NEW.tenant, NEW.key, NULL];

    ELSIF kind = 'tenant' THEN
        was := ARRAY[OLD.id::text, OLD.key, NULL, OLD.key];
        is_now := ARRAY[NEW.id::text, NEW.key, NULL, NEW.key];

    ELSIF kind = 'api_key' THEN
        was := ARRAY[OLD.id, OLD.tenant, OLD.environment, OLD.id];
        is_now := ARRAY[NEW.id, NEW.tenant, NEW.environment, NEW.id];

    ELSE
        was := ARRAY[OLD.id::text, OLD.tenant, NULL, OLD.key];
        is_now := ARRAY[NEW.id::text, NEW.tenant, NULL, NEW.key];
    END IF;

    mine := flagship.raise_revision();

    IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR was <> is_now) THEN
        INSERT INTO flagship.changes
               (revision, entity, id, tenant, environment, key, operation)
        VALUES (mine, kind, was[1], was[2], was[3], was[4],
                CASE TG_OP WHEN 'DELETE' THEN 'delete' ELSE 'rename' END);
    END IF;

    IF TG_OP <> 'DELETE' THEN
        INSERT INTO flagship.changes
               (revision, entity, id, tenant, environment, key, operation)
        VALUES (mine, kind, is_now[1], is_now[2], is_now[3], is_now[4],
                lower(TG_OP));
    END IF;

    IF kind = 'flag' THEN
        before := OLD.document;
        after := NEW.document;

    ELSE
        before := row_to_json(OLD);
        after := row_to_json(NEW);
    END IF;

    IF TG_OP = 'DELETE' THEN
        act := 'purge';
        is_now := was;

    ELSIF act IS NULL OR act NOT IN ('promote', 'import') THEN
        act := CASE TG_OP WHEN 'INSERT' THEN 'create' ELSE 'update' END;

        IF TG_OP = 'UPDATE' AND kind IN ('flag', 'segment') THEN
            act := CASE WHEN OLD.archived_at IS NULL
                             AND NEW.archived_at IS NOT NULL THEN 'archive'
                        WHEN OLD.archived_at IS NOT NULL
                             AND NEW.archived_at IS NULL THEN 'restore'
                        ELSE act END;
        END IF;
    END IF;

    IF kind = 'api_key' THEN
        before := before::jsonb - 'hash';
        after := after::jsonb - 'hash';
    END IF;

    INSERT INTO flagship.audit
           (tenant, environment, actor, entity, entity_id, entity_key, action,
            before, after, revision)
    VALUES (is_now[2], is_now[3], flagship.actor(), kind, is_now[1],
            coalesce(is_now[4], is_now[3]), act, before, after, mine);

    RETURN NULL;
END $$;

COMMENT ON FUNCTION flagship.record_change() IS
    'Trigger: the audit row and the changes of a written row; its argument is the entity';


CREATE FUNCTION flagship.record_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO flagship.audit
                (tenant, environment, actor, entity, entity_id, entity_key,
                 action, before, revision)
         SELECT %s, %s, flagship.actor(), %L, t.id, %s,
                ''purge'', %s, flagship.take_revision()
           FROM %I.%I t',
        TG_ARGV[1], TG_ARGV[2], TG_ARGV[0], TG_ARGV[3],
        CASE TG_ARGV[0]
            WHEN 'api_key' THEN '(to_jsonb(t) - ''hash'')::json'
            WHEN 'flag' THEN 't.document'
            ELSE 'row_to_json(t)' END,
        TG_TABLE_SCHEMA, TG_TABLE_NAME);

    RETURN NULL;
END $$;

COMMENT ON FUNCTION flagship.record_truncate() IS
    'Trigger: an audit row for each row that a TRUNCATE takes; its arguments are the entity and the columns of tenant, environment and key';


-- Gives a table with a history its triggers, so that none forgets one.
CREATE PROCEDURE flagship.keep_history(target regclass, kind text,
    tenant text, environment text, key text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name text := (SELECT relname FROM pg_class WHERE oid = target);
BEGIN
    EXECUTE format(
        'CREATE TRIGGER %I BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
             ON %s FOR EACH STATEMENT
             EXECUTE FUNCTION flagship.before_write()',
        name || '_before_write', target);
    EXECUTE format(
        'CREATE TRIGGER %I BEFORE INSERT OR UPDATE ON %s
             FOR EACH ROW EXECUTE FUNCTION flagship.stamp()',
        name || '_stamp', target);
    EXECUTE format(
        'CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s
             FOR EACH ROW EXECUTE FUNCTION flagship.record_change(%L)',
        name || '_record', target, kind);
    EXECUTE format(
        'CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT
             EXECUTE FUNCTION flagship.record_truncate(%L, %L, %L, %L)',
        name || '_record_truncate', target, kind, tenant, environment, key);
    EXECUTE format(
        'CREATE TRIGGER %I AFTER TRUNCATE ON %s FOR EACH STATEMENT
             EXECUTE FUNCTION flagship.raise_epoch()',
        name || '_raise_epoch', target);
END $$;

COMMENT ON PROCEDURE flagship.keep_history(regclass, text, text, text, text) IS
    'For the migrations: gives a table the triggers of revision, version, audit and changes';


REVOKE EXECUTE ON FUNCTION
    flagship.stamp(), flagship.record_change(), flagship.record_truncate(),
    flagship.actor()
FROM PUBLIC;
REVOKE EXECUTE ON PROCEDURE
    flagship.keep_history(regclass, text, text, text, text)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION flagship.actor() TO flagship_admin;
GRANT SELECT ON flagship.audit TO flagship_admin;

COMMIT;
