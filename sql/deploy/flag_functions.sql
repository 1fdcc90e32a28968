-- Deploy flagship:flag_functions to pg
-- requires: documents
--
-- What the API does with flags: one call each.
--
-- A function that writes first says who acts, then takes the revision, which
-- makes writers wait for one another, and only then looks at the flag: what it
-- merges into is what is there, so no update is lost.  It returns one row:
--
--   outcome    created, changed, unchanged, purged; or why nothing was done:
--              missing, exists, taken (the key, by another flag), mismatch
--              (p_match), stale (p_form)
--   revision   the last one: that of the write, where there was one
--   tag        <id>-<version> of the document
--   document   the flag as the API writes it, after the write, or as it is
--
-- p_ref is a key or an id.  An id finds the flag in whichever environment it
-- is, or only in p_environment where that is not null.  p_match are the tags
-- that the flag may have, joined by commas, or * for any; null: not asked.
-- p_dry_run takes all of it back, which leaves what would have been.

BEGIN;

SET LOCAL ROLE flagship_owner;

CREATE FUNCTION flagship.flag_tag(f flagship.flags) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT f.id || '-' || f.version
$$;

COMMENT ON FUNCTION flagship.flag_tag(flagship.flags) IS
    'What changes whenever the flag does: the entity tag of the API';


CREATE FUNCTION flagship.flag_form(f flagship.flags, p_names text[])
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT md5(ROW(
        CASE WHEN 'type' = ANY (p_names) THEN NULL ELSE f.type END,
        CASE WHEN 'variants' = ANY (p_names) THEN NULL ELSE f.variants END,
        CASE WHEN 'default_variant' = ANY (p_names) THEN NULL
             ELSE f.default_variant END,
        CASE WHEN 'off_variant' = ANY (p_names) THEN NULL
             ELSE f.off_variant END,
        CASE WHEN 'rules' = ANY (p_names) THEN NULL ELSE f.rules END,
        CASE WHEN 'user_ids' = ANY (p_names) THEN NULL ELSE f.user_ids END,
        CASE WHEN 'rollout' = ANY (p_names) THEN NULL ELSE f.rollout END,
        CASE WHEN 'prerequisites' = ANY (p_names) THEN NULL
             ELSE f.prerequisites END)::text)
$$;

COMMENT ON FUNCTION flagship.flag_form(flagship.flags, text[]) IS
    'A digest of what a flag is compiled from, but for the fields named: those that a change brings';


CREATE FUNCTION flagship.find_flag(p_tenant text, p_environment text,
    p_ref text, p_archived boolean)
RETURNS flagship.flags
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    f flagship.flags;
BEGIN
    IF p_ref ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' THEN
        SELECT * INTO f
          FROM flagship.flags
         WHERE id = p_ref::uuid AND tenant = p_tenant
           AND (p_environment IS NULL OR environment = p_environment);

    ELSIF p_archived THEN
        SELECT * INTO f
          FROM flagship.flags
         WHERE tenant = p_tenant AND environment = p_environment
           AND key = p_ref AND archived_at IS NOT NULL
         ORDER BY archived_at DESC, id
         LIMIT 1;

    ELSE
        SELECT * INTO f
          FROM flagship.flags
         WHERE tenant = p_tenant AND environment = p_environment
           AND key = p_ref AND archived_at IS NULL;
    END IF;

    RETURN f;
END $$;

COMMENT ON FUNCTION flagship.find_flag(text, text, text, boolean) IS
    'The flag of a tenant by its id, or by its key: the live one, or of the archived ones the last';


CREATE FUNCTION flagship.read_flag(p_tenant text, p_environment text,
    p_ref text, p_archived boolean, p_names text[],
    OUT tag text, OUT form text, OUT document text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    f flagship.flags;
BEGIN
    f := flagship.find_flag(p_tenant, p_environment, p_ref, p_archived);

    IF f.id IS NOT NULL THEN
        tag := flagship.flag_tag(f);
        document := f.document;

        IF p_names IS NOT NULL THEN
            form := flagship.flag_form(f, p_names);
        END IF;
    END IF;
END $$;

COMMENT ON FUNCTION flagship.read_flag(text, text, text, boolean, text[]) IS
    'A flag as the API writes it, its tag and, where p_names is not null, its form; all null: there is none';


CREATE FUNCTION flagship.patch_flag(f flagship.flags, p_patch json)
RETURNS flagship.flags
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    field text;
    value json;
    item  text;         -- of a text, a number, a boolean; null: null
BEGIN
    FOR field, value IN SELECT * FROM json_each(p_patch) LOOP

        IF json_typeof(value) = 'null' THEN
            value := NULL;
        END IF;

        item := value #>> '{}';

        CASE field
        WHEN 'name' THEN
            f.name := coalesce(item, '');
        WHEN 'description' THEN
            f.description := coalesce(item, '');
        WHEN 'tags' THEN
            f.tags := flagship.replaced(f.tags, coalesce(value, '[]'));
        WHEN 'metadata' THEN
            f.metadata := CASE WHEN value IS NULL
                THEN flagship.replaced(f.metadata, '{}')
                ELSE flagship.merged(coalesce(f.metadata, '{}'), value) END;
        WHEN 'type' THEN
            f.type := item;
        WHEN 'enabled' THEN
            f.enabled := coalesce(item::boolean, false);
        WHEN 'variants' THEN
            f.variants := flagship.replaced(f.variants,
                coalesce(value, '{"on": true, "off": false}'));
        WHEN 'default_variant' THEN
            f.default_variant := item;
        WHEN 'off_variant' THEN
            f.off_variant := item;
        WHEN 'rules' THEN
            f.rules := flagship.replaced(f.rules, coalesce(value, '[]'));
        WHEN 'user_ids' THEN
            f.user_ids := flagship.replaced(f.user_ids,
                                            coalesce(value, '[]'));
        WHEN 'rollout' THEN
            f.rollout := trim_scale(item::numeric);
        WHEN 'prerequisites' THEN
            f.prerequisites := flagship.replaced(f.prerequisites,
                                                 coalesce(value, '[]'));
        WHEN 'enable_at' THEN
            f.enable_at := date_trunc('second', upper(item)::timestamptz);
        WHEN 'disable_at' THEN
            f.disable_at := date_trunc('second', upper(item)::timestamptz);
        WHEN 'expose' THEN
            f.expose := coalesce(item::boolean, true);
        ELSE
            RAISE EXCEPTION 'a flag has no field "%" to change', field
                  USING ERRCODE = 'invalid_parameter_value';
        END CASE;
    END LOOP;

    RETURN f;
END $$;

COMMENT ON FUNCTION flagship.patch_flag(flagship.flags, json) IS
    'A flag with the fields of a patch: metadata is merged by name, all else replaced; null: the default';


CREATE FUNCTION flagship.create_flag(p_actor text, p_tenant text,
    p_environment text, p_key text, p_document json, p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    f flagship.flags;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.create_flag(p_actor, p_tenant, p_environment,
                                        p_key, p_document, false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    f.id := gen_random_uuid();
    f.tenant := p_tenant;
    f.environment := p_environment;
    f.key := p_key;
    f.name := '';
    f.description := '';
    f.enabled := false;
    f.expose := true;
    f := flagship.patch_flag(f, p_document);

    INSERT INTO flagship.flags
           (id, tenant, environment, key, name, description, tags, metadata,
            type, enabled, variants, default_variant, off_variant, rules,
            user_ids, rollout, prerequisites, enable_at, disable_at, expose)
    VALUES (f.id, f.tenant, f.environment, f.key, f.name, f.description, f.tags,
            f.metadata, f.type, f.enabled, f.variants, f.default_variant,
            f.off_variant, f.rules, f.user_ids, f.rollout, f.prerequisites,
            f.enable_at, f.disable_at, f.expose)
        ON CONFLICT (tenant, environment, key) WHERE archived_at IS NULL
        DO NOTHING
    RETURNING * INTO f;

    outcome := 'created';

    IF NOT FOUND THEN
        outcome := 'exists';
        f := flagship.find_flag(p_tenant, p_environment, p_key, false);
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.flag_tag(f);
    document := f.document;
END $$;

COMMENT ON FUNCTION flagship.create_flag(text, text, text, text, json, boolean) IS
    'A new flag.  Outcome: created, exists';


CREATE FUNCTION flagship.change_flag(p_actor text, p_tenant text,
    p_environment text, p_ref text, p_patch json, p_match text,
    p_names text[], p_form text, p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    f flagship.flags;
    n flagship.flags;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.change_flag(p_actor, p_tenant, p_environment,
                       p_ref, p_patch, p_match, p_names, p_form, false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    f := flagship.find_flag(p_tenant, p_environment, p_ref, false);

    IF f.id IS NULL OR f.archived_at IS NOT NULL THEN
        outcome := 'missing';
        RETURN;
    END IF;

    IF p_match <> '*'
       AND flagship.flag_tag(f) <> ALL (string_to_array(p_match, ','))
    THEN
        outcome := 'mismatch';

    ELSIF p_form <> flagship.flag_form(f, p_names) THEN
        outcome := 'stale';

    ELSE
        n := flagship.patch_flag(f, p_patch);
        outcome := 'unchanged';

        IF n *<> f THEN
            UPDATE flagship.flags
               SET name = n.name, description = n.description, tags = n.tags,
                   metadata = n.metadata, type = n.type, enabled = n.enabled,
                   variants = n.variants, default_variant = n.default_variant,
                   off_variant = n.off_variant, rules = n.rules,
                   user_ids = n.user_ids, rollout = n.rollout,
                   prerequisites = n.prerequisites, enable_at = n.enable_at,
                   disable_at = n.disable_at, expose = n.expose
             WHERE id = f.id AND tenant = p_tenant
            RETURNING * INTO n;

            IF n.version <> f.version THEN
                outcome := 'changed';
            END IF;

            f := n;
        END IF;
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.flag_tag(f);
    document := f.document;
END $$;

COMMENT ON FUNCTION flagship.change_flag(text, text, text, text, json, text, text[], text, boolean) IS
    'Changes some fields of a live flag.  p_form, where it is not null, is the form, but for p_names, that the change was checked with.  Outcome: changed, unchanged, missing, mismatch, stale';


CREATE FUNCTION flagship.archive_flag(p_actor text, p_tenant text,
    p_environment text, p_ref text, p_match text, p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    f flagship.flags;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.archive_flag(p_actor, p_tenant, p_environment,
                                         p_ref, p_match, false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    f := flagship.find_flag(p_tenant, p_environment, p_ref, false);

    IF f.id IS NULL OR f.archived_at IS NOT NULL THEN
        outcome := 'missing';
        RETURN;
    END IF;

    IF p_match <> '*'
       AND flagship.flag_tag(f) <> ALL (string_to_array(p_match, ','))
    THEN
        outcome := 'mismatch';

    ELSE
        UPDATE flagship.flags
           SET archived_at = clock_timestamp()
         WHERE id = f.id AND tenant = p_tenant
        RETURNING * INTO f;

        outcome := 'changed';
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.flag_tag(f);
    document := f.document;
END $$;

COMMENT ON FUNCTION flagship.archive_flag(text, text, text, text, text, boolean) IS
    'Archives a live flag.  Outcome: changed, missing, mismatch';


CREATE FUNCTION flagship.purge_flag(p_actor text, p_tenant text,
    p_environment text, p_ref text, p_archived boolean, p_match text,
    p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    f flagship.flags;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.purge_flag(p_actor, p_tenant, p_environment,
                                       p_ref, p_archived, p_match, false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    f := flagship.find_flag(p_tenant, p_environment, p_ref, p_archived);

    IF f.id IS NULL THEN
        outcome := 'missing';
        RETURN;
    END IF;

    IF p_match <> '*'
       AND flagship.flag_tag(f) <> ALL (string_to_array(p_match, ','))
    THEN
        outcome := 'mismatch';

    ELSE
        DELETE FROM flagship.flags WHERE id = f.id AND tenant = p_tenant;

        outcome := 'purged';
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.flag_tag(f);
    document := f.document;
END $$;

COMMENT ON FUNCTION flagship.purge_flag(text, text, text, text, boolean, text, boolean) IS
    'Deletes a flag, live or archived, for good.  Outcome: purged, missing, mismatch';


CREATE FUNCTION flagship.restore_flag(p_actor text, p_tenant text,
    p_environment text, p_id uuid, p_match text, p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    f flagship.flags;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.restore_flag(p_actor, p_tenant, p_environment,
                                         p_id, p_match, false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    f := flagship.find_flag(p_tenant, p_environment, p_id::text, true);

    IF f.id IS NULL THEN
        outcome := 'missing';
        RETURN;
    END IF;

    IF p_match <> '*'
       AND flagship.flag_tag(f) <> ALL (string_to_array(p_match, ','))
    THEN
        outcome := 'mismatch';

    ELSIF f.archived_at IS NULL THEN
        outcome := 'unchanged';

    ELSIF EXISTS (SELECT FROM flagship.flags o
                   WHERE o.tenant = f.tenant AND o.environment = f.environment
                     AND o.key = f.key AND o.archived_at IS NULL)
    THEN
        outcome := 'taken';

    ELSE
        UPDATE flagship.flags
           SET archived_at = NULL
         WHERE id = f.id AND tenant = p_tenant
        RETURNING * INTO f;

        outcome := 'changed';
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.flag_tag(f);
    document := f.document;
END $$;

COMMENT ON FUNCTION flagship.restore_flag(text, text, text, uuid, text, boolean) IS
    'Makes an archived flag live again.  Outcome: changed, unchanged, missing, mismatch, taken';


CREATE FUNCTION flagship.audit_document(a flagship.audit) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT '{"id":' || a.id
        || ',"tenant":' || flagship.text_of(a.tenant)
        || ',"environment":' || flagship.text_of(a.environment)
        || ',"actor":' || flagship.text_of(a.actor)
        || ',"entity":"' || a.entity
        || '","entity_id":' || flagship.text_of(a.entity_id)
        || ',"entity_key":' || flagship.text_of(a.entity_key)
        || ',"action":"' || a.action
        || '","before":' || coalesce(a.before::text, 'null')
        || ',"after":' || coalesce(a.after::text, 'null')
        || ',"revision":' || a.revision
        || ',"ts":"' || flagship.time_text(a.ts)
        || '"}'
$$;

COMMENT ON FUNCTION flagship.audit_document(flagship.audit) IS
    'An entry of the audit as the API writes it';


REVOKE EXECUTE ON FUNCTION
    flagship.flag_tag(flagship.flags),
    flagship.flag_form(flagship.flags, text[]),
    flagship.find_flag(text, text, text, boolean),
    flagship.read_flag(text, text, text, boolean, text[]),
    flagship.patch_flag(flagship.flags, json),
    flagship.create_flag(text, text, text, text, json, boolean),
    flagship.change_flag(text, text, text, text, json, text, text[], text, boolean),
    flagship.archive_flag(text, text, text, text, text, boolean),
    flagship.purge_flag(text, text, text, text, boolean, text, boolean),
    flagship.restore_flag(text, text, text, uuid, text, boolean),
    flagship.audit_document(flagship.audit)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    flagship.flag_tag(flagship.flags),
    flagship.flag_form(flagship.flags, text[]),
    flagship.find_flag(text, text, text, boolean),
    flagship.read_flag(text, text, text, boolean, text[]),
    flagship.patch_flag(flagship.flags, json),
    flagship.create_flag(text, text, text, text, json, boolean),
    flagship.change_flag(text, text, text, text, json, text, text[], text, boolean),
    flagship.archive_flag(text, text, text, text, text, boolean),
    flagship.purge_flag(text, text, text, text, boolean, text, boolean),
    flagship.restore_flag(text, text, text, uuid, text, boolean),
    flagship.audit_document(flagship.audit)
TO flagship_admin;

COMMIT;
