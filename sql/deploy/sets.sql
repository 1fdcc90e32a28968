-- Deploy flagship:sets to pg
-- requires: tenants
--
-- Named id lists of a tenant, for {"in_set": [value, key]}.  A list may have
-- millions of members, so a statement that adds or removes any makes one new
-- version of its set, one change and one more audit row, not one a member.

BEGIN;

SET LOCAL ROLE flagship_owner;

CREATE TABLE flagship.sets (
    id          uuid             NOT NULL DEFAULT gen_random_uuid(),
    tenant      text COLLATE "C" NOT NULL DEFAULT 'default',
    key         text COLLATE "C" NOT NULL,
    name        text             NOT NULL DEFAULT '',
    description text             NOT NULL DEFAULT '',
    size        bigint           NOT NULL DEFAULT 0,
    version     integer          NOT NULL DEFAULT 1,
    created_at  timestamptz      NOT NULL DEFAULT now(),
    updated_at  timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT sets_pkey PRIMARY KEY (tenant, key),
    CONSTRAINT sets_id UNIQUE (id),
    CONSTRAINT sets_tenant_fkey FOREIGN KEY (tenant)
        REFERENCES flagship.tenants (key)
        ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT sets_key_syntax CHECK (flagship.is_key(key)),
    CONSTRAINT sets_size_range CHECK (size >= 0),
    CONSTRAINT sets_name_length CHECK (char_length(name) <= 200),
    CONSTRAINT sets_version_range CHECK (version > 0)
);

COMMENT ON TABLE flagship.sets IS
    'Named id lists of a tenant, which rules ask for by {"in_set": [value, key]}';
COMMENT ON COLUMN flagship.sets.id IS
    'The lasting name of the row';
COMMENT ON COLUMN flagship.sets.tenant IS
    'The key of its tenant';
COMMENT ON COLUMN flagship.sets.key IS
    'What rules name it by; unique in the tenant';
COMMENT ON COLUMN flagship.sets.name IS
    'For people';
COMMENT ON COLUMN flagship.sets.description IS
    'For people';
COMMENT ON COLUMN flagship.sets.size IS
    'How many members it has; kept by triggers';
COMMENT ON COLUMN flagship.sets.version IS
    'Counts the changes of this row and of its members, from 1';
COMMENT ON COLUMN flagship.sets.created_at IS
    'When it was made';
COMMENT ON COLUMN flagship.sets.updated_at IS
    'When it or its members were last changed';


CREATE TABLE flagship.set_members (
    tenant text COLLATE "C" NOT NULL DEFAULT 'default',
    set    text COLLATE "C" NOT NULL,
    id     text COLLATE "C" NOT NULL,
    CONSTRAINT set_members_pkey PRIMARY KEY (tenant, set, id),
    CONSTRAINT set_members_set_fkey FOREIGN KEY (tenant, set)
        REFERENCES flagship.sets (tenant, key)
        ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT set_members_id_length CHECK
        (octet_length(id) BETWEEN 1 AND 1024)
);

COMMENT ON TABLE flagship.set_members IS
    'The ids of the sets';
COMMENT ON COLUMN flagship.set_members.tenant IS
    'The tenant of the set';
COMMENT ON COLUMN flagship.set_members.set IS
    'The key of the set';
COMMENT ON COLUMN flagship.set_members.id IS
    'The id';


CALL flagship.keep_history('flagship.sets', 'set', 'tenant', 'NULL', 'key');


-- Of a transition table the set, how many members and, as far as they can be
-- read by a person, which.
CREATE FUNCTION flagship.count_members() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sign integer := CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END;
    list record;
    mine bigint;
BEGIN
    FOR list IN
        SELECT m.tenant, m.set, s.id, count(*) AS size,
               json_agg(m.id ORDER BY m.id) FILTER (WHERE m.n <= 1000) AS ids
          FROM (SELECT *, row_number() OVER (PARTITION BY tenant, set
                                             ORDER BY id) AS n
                  FROM members) m
          JOIN flagship.sets s ON s.tenant = m.tenant AND s.key = m.set
         GROUP BY m.tenant, m.set, s.id
         ORDER BY m.tenant, m.set
    LOOP
        mine := flagship.raise_revision();

        INSERT INTO flagship.audit
               (tenant, actor, entity, entity_id, entity_key, action,
                before, after, revision)
        VALUES (list.tenant, flagship.actor(), 'set', list.id, list.set,
                'update',
                CASE sign WHEN -1 THEN json_build_object(
                    'removed', list.size, 'members', list.ids) END,
                CASE sign WHEN 1 THEN json_build_object(
                    'added', list.size, 'members', list.ids) END,
                mine);

        UPDATE flagship.sets s
           SET size = s.size + sign * list.size
         WHERE s.tenant = list.tenant AND s.key = list.set;
    END LOOP;

    RETURN NULL;
END $$;

COMMENT ON FUNCTION flagship.count_members() IS
    'Trigger: size, version and audit of the sets whose members a statement added or removed; at most 1000 ids are kept in the audit';


CREATE FUNCTION flagship.refuse_member_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- A set that is renamed takes its members with it.
    IF NEW.id <> OLD.id OR NOT EXISTS (
           SELECT FROM flagship.sets s WHERE s.id = (
               SELECT n.id FROM flagship.sets n
                WHERE n.tenant = NEW.tenant AND n.key = NEW.set)
              AND NOT EXISTS (
               SELECT FROM flagship.sets o
                WHERE o.tenant = OLD.tenant AND o.key = OLD.set))
    THEN
        RAISE EXCEPTION 'members of a set are added and removed, not changed'
              USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA,
                    TABLE = TG_TABLE_NAME,
                    CONSTRAINT = 'set_members_fixed';
    END IF;

    RETURN NEW;
END $$;

COMMENT ON FUNCTION flagship.refuse_member_change() IS
    'Trigger: a member changes its set only when the set itself is renamed';

CREATE TRIGGER set_members_before_write
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON flagship.set_members
    FOR EACH STATEMENT EXECUTE FUNCTION flagship.before_write();
CREATE TRIGGER set_members_fixed BEFORE UPDATE ON flagship.set_members
    FOR EACH ROW EXECUTE FUNCTION flagship.refuse_member_change();
CREATE TRIGGER set_members_added AFTER INSERT ON flagship.set_members
    REFERENCING NEW TABLE AS members
    FOR EACH STATEMENT EXECUTE FUNCTION flagship.count_members();
CREATE TRIGGER set_members_removed AFTER DELETE ON flagship.set_members
    REFERENCING OLD TABLE AS members
    FOR EACH STATEMENT EXECUTE FUNCTION flagship.count_members();


CREATE FUNCTION flagship.empty_sets() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE flagship.sets SET size = 0 WHERE size <> 0;
    RETURN NULL;
END $$;

COMMENT ON FUNCTION flagship.empty_sets() IS
    'Trigger: size, version and audit of all sets after a TRUNCATE of their members';

CREATE TRIGGER set_members_emptied AFTER TRUNCATE ON flagship.set_members
    FOR EACH STATEMENT EXECUTE FUNCTION flagship.empty_sets();
CREATE TRIGGER set_members_raise_epoch AFTER TRUNCATE ON flagship.set_members
    FOR EACH STATEMENT EXECUTE FUNCTION flagship.raise_epoch();


CREATE INDEX sets_name ON flagship.sets (tenant, name, id);
CREATE INDEX sets_created_at ON flagship.sets (tenant, created_at, id);
CREATE INDEX sets_updated_at ON flagship.sets (tenant, updated_at, id);

SELECT extnamespace::regnamespace AS trigrams
  FROM pg_extension WHERE extname = 'pg_trgm' \gset
SET LOCAL search_path TO :trigrams;

CREATE INDEX sets_search
    ON flagship.sets USING gin (
        ((key || ' ' || name || ' ' || description) COLLATE "default")
        gin_trgm_ops);

COMMENT ON INDEX flagship.sets_search IS
    'For ((key || '' '' || name || '' '' || description) COLLATE "default") ILIKE ...';


REVOKE EXECUTE ON FUNCTION
    flagship.count_members(), flagship.refuse_member_change(),
    flagship.empty_sets()
FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON flagship.sets, flagship.set_members TO flagship_admin;
GRANT SELECT ON flagship.sets, flagship.set_members TO flagship_edge;

COMMIT;
