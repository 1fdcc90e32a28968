-- Deploy flagship:set_functions to pg
-- requires: segment_functions
--
-- What the API does with id sets and their members: one call each, in the
-- manner of flag_functions.

BEGIN;

SET LOCAL ROLE flagship_owner;

CREATE FUNCTION flagship.set_document(s flagship.sets) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT '{"id":"' || s.id
        || '","tenant":"' || s.tenant
        || '","key":"' || s.key
        || '","name":' || flagship.text_of(s.name)
        || ',"description":' || flagship.text_of(s.description)
        || ',"size":' || s.size
        || ',"version":' || s.version
        || ',"created_at":"' || flagship.time_text(s.created_at)
        || '","updated_at":"' || flagship.time_text(s.updated_at)
        || '"}'
$$;

COMMENT ON FUNCTION flagship.set_document(flagship.sets) IS
    'A set as the API writes it, without its members';


CREATE FUNCTION flagship.set_tag(s flagship.sets) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT s.id || '-' || s.version
$$;

COMMENT ON FUNCTION flagship.set_tag(flagship.sets) IS
    'What changes whenever the set or its members do: the entity tag of the API';


CREATE FUNCTION flagship.set_users(p_tenant text, p_key text) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT flagship.users_of(p_tenant, 'in_set',
                             'lax $.**.in_set[1] ? (@ == $key)', p_key)
$$;

COMMENT ON FUNCTION flagship.set_users(text, text) IS
    'The live flags and segments that look into a set, as JSON; null: none';


CREATE FUNCTION flagship.find_set(p_tenant text, p_ref text)
RETURNS flagship.sets
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    s flagship.sets;
BEGIN
    IF p_ref ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' THEN
        SELECT * INTO s
          FROM flagship.sets
         WHERE id = p_ref::uuid AND tenant = p_tenant;

    ELSE
        SELECT * INTO s
          FROM flagship.sets
         WHERE tenant = p_tenant AND key = p_ref;
    END IF;

    RETURN s;
END $$;

COMMENT ON FUNCTION flagship.find_set(text, text) IS
    'The set of a tenant by its key or id';


CREATE FUNCTION flagship.read_set(p_tenant text, p_ref text,
    OUT tag text, OUT document text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    s flagship.sets;
BEGIN
    s := flagship.find_set(p_tenant, p_ref);

    IF s.id IS NOT NULL THEN
        tag := flagship.set_tag(s);
        document := flagship.set_document(s);
    END IF;
END $$;

COMMENT ON FUNCTION flagship.read_set(text, text) IS
    'A set as the API writes it and its tag; all null: there is none';


CREATE FUNCTION flagship.read_members(p_tenant text, p_ref text,
    p_after text, p_limit integer,
    OUT tag text, OUT last text, OUT more boolean, OUT members text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    s flagship.sets;
BEGIN
    s := flagship.find_set(p_tenant, p_ref);

    IF s.id IS NOT NULL THEN
        tag := flagship.set_tag(s);

        SELECT max(m.id), count(*) = p_limit,
               string_agg(to_json(m.id)::text, ',' ORDER BY m.id)
          INTO last, more, members
          FROM (SELECT id FROM flagship.set_members
                 WHERE tenant = s.tenant AND set = s.key
                   AND (p_after IS NULL OR id > p_after)
                 ORDER BY id
                 LIMIT p_limit) m;
    END IF;
END $$;

COMMENT ON FUNCTION flagship.read_members(text, text, text, integer) IS
    'Some members of a set in their order, as JSON strings joined by commas, those after one of them; tag null: there is no such set';


CREATE FUNCTION flagship.patch_set(s flagship.sets, p_patch json)
RETURNS flagship.sets
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    field text;
    item  text;
BEGIN
    FOR field, item IN SELECT * FROM json_each_text(p_patch) LOOP
        CASE field
        WHEN 'name' THEN
            s.name := coalesce(item, '');
        WHEN 'description' THEN
            s.description := coalesce(item, '');
        ELSE
            RAISE EXCEPTION 'a set has no field "%" to change', field
                  USING ERRCODE = 'invalid_parameter_value';
        END CASE;
    END LOOP;

    RETURN s;
END $$;

COMMENT ON FUNCTION flagship.patch_set(flagship.sets, json) IS
    'A set with the fields of a patch';


CREATE FUNCTION flagship.create_set(p_actor text, p_tenant text, p_key text,
    p_document json, p_members json, p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    s flagship.sets;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.create_set(p_actor, p_tenant, p_key, p_document,
                                       p_members, false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    s.name := '';
    s.description := '';
    s := flagship.patch_set(s, p_document);

    INSERT INTO flagship.sets (tenant, key, name, description)
    VALUES (p_tenant, p_key, s.name, s.description)
        ON CONFLICT (tenant, key) DO NOTHING;

    outcome := 'exists';

    IF FOUND THEN
        outcome := 'created';

        -- in the order of the index, whose pages are filled one by one then
        INSERT INTO flagship.set_members (tenant, set, id)
        SELECT DISTINCT p_tenant, p_key, m.id COLLATE "C" AS id
          FROM json_array_elements_text(p_members) m (id)
         ORDER BY id;
    END IF;

    s := flagship.find_set(p_tenant, p_key);

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.set_tag(s);
    document := flagship.set_document(s);
END $$;

COMMENT ON FUNCTION flagship.create_set(text, text, text, json, json, boolean) IS
    'A new set, with members where p_members is not null.  Outcome: created, exists';


CREATE FUNCTION flagship.change_set(p_actor text, p_tenant text, p_ref text,
    p_patch json, p_match text, p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    s flagship.sets;
    n flagship.sets;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.change_set(p_actor, p_tenant, p_ref, p_patch,
                                       p_match, false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    s := flagship.find_set(p_tenant, p_ref);

    IF s.id IS NULL THEN
        outcome := 'missing';
        RETURN;
    END IF;

    IF p_match <> '*'
       AND flagship.set_tag(s) <> ALL (string_to_array(p_match, ','))
    THEN
        outcome := 'mismatch';

    ELSE
        n := flagship.patch_set(s, p_patch);
        outcome := 'unchanged';

        IF n *<> s THEN
            UPDATE flagship.sets
               SET name = n.name, description = n.description
             WHERE id = s.id AND tenant = p_tenant
            RETURNING * INTO s;

            outcome := 'changed';
        END IF;
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.set_tag(s);
    document := flagship.set_document(s);
END $$;

COMMENT ON FUNCTION flagship.change_set(text, text, text, json, text, boolean) IS
    'Changes some fields of a set.  Outcome: changed, unchanged, missing, mismatch';


CREATE FUNCTION flagship.change_members(p_actor text, p_tenant text,
    p_ref text, p_act text, p_members json, p_match text, p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
-- nobody tells the planner how long an array is
SET enable_nestloop = off SET work_mem = '64MB'
AS $$
DECLARE
    s       flagship.sets;
    ids     text[];
    version integer;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.change_members(p_actor, p_tenant, p_ref, p_act,
                                           p_members, p_match, false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    s := flagship.find_set(p_tenant, p_ref);

    IF s.id IS NULL THEN
        outcome := 'missing';
        RETURN;
    END IF;

    IF p_match <> '*'
       AND flagship.set_tag(s) <> ALL (string_to_array(p_match, ','))
    THEN
        outcome := 'mismatch';

    ELSE
        version := s.version;
        ids := ARRAY(SELECT DISTINCT m.id COLLATE "C"
                       FROM json_array_elements_text(p_members) m (id));

        IF p_act = 'remove' THEN
            DELETE FROM flagship.set_members m
             USING unnest(ids) gone (id)
             WHERE m.tenant = s.tenant AND m.set = s.key AND m.id = gone.id;

        ELSIF p_act = 'replace' THEN
            DELETE FROM flagship.set_members m
             WHERE m.tenant = s.tenant AND m.set = s.key
               AND NOT EXISTS (SELECT FROM unnest(ids) kept (id)
                                WHERE kept.id = m.id);
        END IF;

        IF p_act IN ('add', 'replace') THEN
            -- ON CONFLICT would cost each row a second look: nobody else
            -- writes before this transaction ends
            INSERT INTO flagship.set_members (tenant, set, id)
            SELECT s.tenant, s.key, fresh.id
              FROM unnest(ids) fresh (id)
             WHERE NOT EXISTS (SELECT FROM flagship.set_members m
                                WHERE m.tenant = s.tenant AND m.set = s.key
                                  AND m.id = fresh.id)
             ORDER BY fresh.id;
        END IF;

        s := flagship.find_set(s.tenant, s.id::text);
        outcome := CASE WHEN s.version = version THEN 'unchanged'
                        ELSE 'changed' END;
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.set_tag(s);
    document := flagship.set_document(s);
END $$;

COMMENT ON FUNCTION flagship.change_members(text, text, text, text, json, text, boolean) IS
    'Adds, removes or replaces (p_act: add, remove, replace) the members of a set.  Outcome: changed, unchanged, missing, mismatch';


CREATE FUNCTION flagship.remove_set(p_actor text, p_tenant text, p_ref text,
    p_match text, p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    s     flagship.sets;
    users text;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.remove_set(p_actor, p_tenant, p_ref, p_match,
                                       false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    s := flagship.find_set(p_tenant, p_ref);

    IF s.id IS NULL THEN
        outcome := 'missing';
        RETURN;
    END IF;

    users := flagship.set_users(p_tenant, s.key);

    IF p_match <> '*'
       AND flagship.set_tag(s) <> ALL (string_to_array(p_match, ','))
    THEN
        outcome := 'mismatch';

    ELSIF users IS NOT NULL THEN
        outcome := 'used';

    ELSE
        DELETE FROM flagship.sets WHERE id = s.id AND tenant = p_tenant;

        outcome := 'purged';
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.set_tag(s);
    document := CASE outcome WHEN 'used' THEN users
                     ELSE flagship.set_document(s) END;
END $$;

COMMENT ON FUNCTION flagship.remove_set(text, text, text, text, boolean) IS
    'Deletes a set and its members.  Outcome: purged, missing, mismatch, used';


REVOKE EXECUTE ON FUNCTION
    flagship.set_document(flagship.sets),
    flagship.set_tag(flagship.sets),
    flagship.set_users(text, text),
    flagship.find_set(text, text),
    flagship.read_set(text, text),
    flagship.read_members(text, text, text, integer),
    flagship.patch_set(flagship.sets, json),
    flagship.create_set(text, text, text, json, json, boolean),
    flagship.change_set(text, text, text, json, text, boolean),
    flagship.change_members(text, text, text, text, json, text, boolean),
    flagship.remove_set(text, text, text, text, boolean)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    flagship.set_document(flagship.sets),
    flagship.set_tag(flagship.sets),
    flagship.set_users(text, text),
    flagship.find_set(text, text),
    flagship.read_set(text, text),
    flagship.read_members(text, text, text, integer),
    flagship.patch_set(flagship.sets, json),
    flagship.create_set(text, text, text, json, json, boolean),
    flagship.change_set(text, text, text, json, text, boolean),
    flagship.change_members(text, text, text, text, json, text, boolean),
    flagship.remove_set(text, text, text, text, boolean)
TO flagship_admin;

COMMIT;
