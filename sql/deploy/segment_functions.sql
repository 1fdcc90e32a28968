-- Deploy flagship:segment_functions to pg
-- requires: documents
--
-- What the API does with segments: one call each, in the manner of
-- flag_functions.  One outcome more is "used": the segment is named by what the
-- document then lists, and stays.

BEGIN;

SET LOCAL ROLE flagship_owner;

CREATE FUNCTION flagship.segment_document(s flagship.segments) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT '{"id":"' || s.id
        || '","tenant":"' || s.tenant
        || '","key":"' || s.key
        || '","name":' || flagship.text_of(s.name)
        || ',"description":' || flagship.text_of(s.description)
        || ',"when":' || s."when"
        || ',"version":' || s.version
        || ',"created_at":"' || flagship.time_text(s.created_at)
        || '","updated_at":"' || flagship.time_text(s.updated_at)
        || '","archived_at":'
        || coalesce('"' || flagship.time_text(s.archived_at) || '"', 'null')
        || '}'
$$;

COMMENT ON FUNCTION flagship.segment_document(flagship.segments) IS
    'A segment as the API writes it, its condition as it was written';


CREATE FUNCTION flagship.segment_tag(s flagship.segments) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT s.id || '-' || s.version
$$;

COMMENT ON FUNCTION flagship.segment_tag(flagship.segments) IS
    'What changes whenever the segment does: the entity tag of the API';


-- Rules are searched as text first, since most name nothing; a name may hide
-- behind an escape.
CREATE FUNCTION flagship.users_of(p_tenant text, p_operator text,
    p_path jsonpath, p_key text)
RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT '[' || string_agg(u.entry, ',' ORDER BY u.entry) || ']'
      FROM (
        SELECT '{"entity":"flag","environment":"' || f.environment
               || '","key":"' || f.key || '"}' AS entry
          FROM flagship.flags f
         WHERE f.tenant = p_tenant AND f.archived_at IS NULL
           AND (strpos(f.rules::text, p_operator) > 0
                OR strpos(f.rules::text, '\u') > 0)
           AND jsonb_path_exists(f.rules::jsonb, p_path,
                                 jsonb_build_object('key', p_key))
         UNION ALL
        SELECT '{"entity":"segment","key":"' || s.key || '"}'
          FROM flagship.segments s
         WHERE s.tenant = p_tenant AND s.archived_at IS NULL
           AND (strpos(s."when"::text, p_operator) > 0
                OR strpos(s."when"::text, '\u') > 0)
           AND jsonb_path_exists(s."when"::jsonb, p_path,
                                 jsonb_build_object('key', p_key))) u
$$;

COMMENT ON FUNCTION flagship.users_of(text, text, jsonpath, text) IS
    'The live flags and segments of a tenant in whose conditions an operator names a key, as JSON; null: none';


CREATE FUNCTION flagship.segment_users(p_tenant text, p_key text)
RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT flagship.users_of(p_tenant, 'segment',
                             'lax $.**.segment ? (@ == $key)', p_key)
$$;

COMMENT ON FUNCTION flagship.segment_users(text, text) IS
    'The live flags and segments that ask for a segment, as JSON; null: none';


CREATE FUNCTION flagship.find_segment(p_tenant text, p_ref text,
    p_archived boolean)
RETURNS flagship.segments
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    s flagship.segments;
BEGIN
    IF p_ref ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' THEN
        SELECT * INTO s
          FROM flagship.segments
         WHERE id = p_ref::uuid AND tenant = p_tenant;

    ELSIF p_archived THEN
        SELECT * INTO s
          FROM flagship.segments
         WHERE tenant = p_tenant AND key = p_ref AND archived_at IS NOT NULL
         ORDER BY archived_at DESC, id
         LIMIT 1;

    ELSE
        SELECT * INTO s
          FROM flagship.segments
         WHERE tenant = p_tenant AND key = p_ref AND archived_at IS NULL;
    END IF;

    RETURN s;
END $$;

COMMENT ON FUNCTION flagship.find_segment(text, text, boolean) IS
    'The segment of a tenant by its id, or by its key: the live one, or of the archived ones the last';


CREATE FUNCTION flagship.read_segment(p_tenant text, p_ref text,
    p_archived boolean,
    OUT tag text, OUT archived boolean, OUT document text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    s flagship.segments;
BEGIN
    s := flagship.find_segment(p_tenant, p_ref, p_archived);

    IF s.id IS NOT NULL THEN
        tag := flagship.segment_tag(s);
        archived := s.archived_at IS NOT NULL;
        document := flagship.segment_document(s);
    END IF;
END $$;

COMMENT ON FUNCTION flagship.read_segment(text, text, boolean) IS
    'A segment as the API writes it and its tag; all null: there is none';


CREATE FUNCTION flagship.patch_segment(s flagship.segments, p_patch json)
RETURNS flagship.segments
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    field text;
    value json;
    item  text;
BEGIN
    FOR field, value IN SELECT * FROM json_each(p_patch) LOOP

        item := CASE WHEN json_typeof(value) <> 'null'
                     THEN value #>> '{}' END;

        CASE field
        WHEN 'name' THEN
            s.name := coalesce(item, '');
        WHEN 'description' THEN
            s.description := coalesce(item, '');
        WHEN 'when' THEN
            s."when" := flagship.replaced(s."when", value);
        ELSE
            RAISE EXCEPTION 'a segment has no field "%" to change', field
                  USING ERRCODE = 'invalid_parameter_value';
        END CASE;
    END LOOP;

    RETURN s;
END $$;

COMMENT ON FUNCTION flagship.patch_segment(flagship.segments, json) IS
    'A segment with the fields of a patch';


CREATE FUNCTION flagship.create_segment(p_actor text, p_tenant text,
    p_key text, p_document json, p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    s flagship.segments;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.create_segment(p_actor, p_tenant, p_key,
                                           p_document, false);
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
    s := flagship.patch_segment(s, p_document);

    INSERT INTO flagship.segments (tenant, key, name, description, "when")
    VALUES (p_tenant, p_key, s.name, s.description, s."when")
        ON CONFLICT (tenant, key) WHERE archived_at IS NULL DO NOTHING
    RETURNING * INTO s;

    outcome := 'created';

    IF NOT FOUND THEN
        outcome := 'exists';
        s := flagship.find_segment(p_tenant, p_key, false);
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.segment_tag(s);
    document := flagship.segment_document(s);
END $$;

COMMENT ON FUNCTION flagship.create_segment(text, text, text, json, boolean) IS
    'A new segment.  Outcome: created, exists';


CREATE FUNCTION flagship.change_segment(p_actor text, p_tenant text,
    p_ref text, p_patch json, p_match text, p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    s flagship.segments;
    n flagship.segments;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.change_segment(p_actor, p_tenant, p_ref, p_patch,
                                           p_match, false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    s := flagship.find_segment(p_tenant, p_ref, false);

    IF s.id IS NULL OR s.archived_at IS NOT NULL THEN
        outcome := 'missing';
        RETURN;
    END IF;

    IF p_match <> '*'
       AND flagship.segment_tag(s) <> ALL (string_to_array(p_match, ','))
    THEN
        outcome := 'mismatch';

    ELSE
        n := flagship.patch_segment(s, p_patch);
        outcome := 'unchanged';

        IF n *<> s THEN
            UPDATE flagship.segments
               SET name = n.name, description = n.description,
                   "when" = n."when"
             WHERE id = s.id AND tenant = p_tenant
            RETURNING * INTO s;

            outcome := 'changed';
        END IF;
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.segment_tag(s);
    document := flagship.segment_document(s);
END $$;

COMMENT ON FUNCTION flagship.change_segment(text, text, text, json, text, boolean) IS
    'Changes some fields of a live segment.  Outcome: changed, unchanged, missing, mismatch';


CREATE FUNCTION flagship.remove_segment(p_actor text, p_tenant text,
    p_ref text, p_purge boolean, p_archived boolean, p_match text,
    p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    s     flagship.segments;
    users text;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.remove_segment(p_actor, p_tenant, p_ref, p_purge,
                                           p_archived, p_match, false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    s := flagship.find_segment(p_tenant, p_ref, p_archived);

    IF s.id IS NULL OR s.archived_at IS NOT NULL AND NOT p_purge THEN
        outcome := 'missing';
        RETURN;
    END IF;

    IF s.archived_at IS NULL THEN
        users := flagship.segment_users(p_tenant, s.key);
    END IF;

    IF p_match <> '*'
       AND flagship.segment_tag(s) <> ALL (string_to_array(p_match, ','))
    THEN
        outcome := 'mismatch';

    ELSIF users IS NOT NULL THEN
        outcome := 'used';

    ELSIF p_purge THEN
        DELETE FROM flagship.segments WHERE id = s.id AND tenant = p_tenant;

        outcome := 'purged';

    ELSE
        UPDATE flagship.segments
           SET archived_at = clock_timestamp()
         WHERE id = s.id AND tenant = p_tenant
        RETURNING * INTO s;

        outcome := 'changed';
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.segment_tag(s);
    document := CASE outcome WHEN 'used' THEN users
                     ELSE flagship.segment_document(s) END;
END $$;

COMMENT ON FUNCTION flagship.remove_segment(text, text, text, boolean, boolean, text, boolean) IS
    'Archives a live segment, or with p_purge deletes it for good, archived ones too.  Outcome: changed, purged, missing, mismatch, used';


CREATE FUNCTION flagship.restore_segment(p_actor text, p_tenant text,
    p_id uuid, p_match text, p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    s flagship.segments;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.restore_segment(p_actor, p_tenant, p_id, p_match,
                                            false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    s := flagship.find_segment(p_tenant, p_id::text, true);

    IF s.id IS NULL THEN
        outcome := 'missing';
        RETURN;
    END IF;

    IF p_match <> '*'
       AND flagship.segment_tag(s) <> ALL (string_to_array(p_match, ','))
    THEN
        outcome := 'mismatch';

    ELSIF s.archived_at IS NULL THEN
        outcome := 'unchanged';

    ELSIF EXISTS (SELECT FROM flagship.segments o
                   WHERE o.tenant = s.tenant AND o.key = s.key
                     AND o.archived_at IS NULL)
    THEN
        outcome := 'taken';

    ELSE
        UPDATE flagship.segments
           SET archived_at = NULL
         WHERE id = s.id AND tenant = p_tenant
        RETURNING * INTO s;

        outcome := 'changed';
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.segment_tag(s);
    document := flagship.segment_document(s);
END $$;

COMMENT ON FUNCTION flagship.restore_segment(text, text, uuid, text, boolean) IS
    'Makes an archived segment live again.  Outcome: changed, unchanged, missing, mismatch, taken';


REVOKE EXECUTE ON FUNCTION
    flagship.segment_document(flagship.segments),
    flagship.segment_tag(flagship.segments),
    flagship.users_of(text, text, jsonpath, text),
    flagship.segment_users(text, text),
    flagship.find_segment(text, text, boolean),
    flagship.read_segment(text, text, boolean),
    flagship.patch_segment(flagship.segments, json),
    flagship.create_segment(text, text, text, json, boolean),
    flagship.change_segment(text, text, text, json, text, boolean),
    flagship.remove_segment(text, text, text, boolean, boolean, text, boolean),
    flagship.restore_segment(text, text, uuid, text, boolean)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    flagship.segment_document(flagship.segments),
    flagship.segment_tag(flagship.segments),
    flagship.users_of(text, text, jsonpath, text),
    flagship.segment_users(text, text),
    flagship.find_segment(text, text, boolean),
    flagship.read_segment(text, text, boolean),
    flagship.patch_segment(flagship.segments, json),
    flagship.create_segment(text, text, text, json, boolean),
    flagship.change_segment(text, text, text, json, text, boolean),
    flagship.remove_segment(text, text, text, boolean, boolean, text, boolean),
    flagship.restore_segment(text, text, uuid, text, boolean)
TO flagship_admin;

COMMIT;
