-- Deploy flagship:api_key_functions to pg
-- requires: documents
--
-- What the API does with its keys: one call each, in the manner of
-- flag_functions.  The secret is made by the caller, who alone knows it: here
-- comes its SHA-256.
--
-- p_environment, where it is not null, is the only one whose keys are to be
-- seen; p_all shows the keys of no tenant, too.

BEGIN;

SET LOCAL ROLE flagship_owner;

CREATE FUNCTION flagship.api_key_document(k flagship.api_keys) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT '{"id":"' || k.id
        || '","tenant":' || flagship.text_of(k.tenant)
        || ',"environment":' || flagship.text_of(k.environment)
        || ',"name":' || flagship.text_of(k.name)
        || ',"role":"' || k.role
        || CASE WHEN k.see_unexposed THEN '","see_unexposed":true'
                ELSE '","see_unexposed":false' END
        || ',"expires_at":'
        || coalesce('"' || flagship.time_text(k.expires_at) || '"', 'null')
        || ',"revoked_at":'
        || coalesce('"' || flagship.time_text(k.revoked_at) || '"', 'null')
        || ',"version":' || k.version
        || ',"created_at":"' || flagship.time_text(k.created_at)
        || '","updated_at":"' || flagship.time_text(k.updated_at)
        || '"}'
$$;

COMMENT ON FUNCTION flagship.api_key_document(flagship.api_keys) IS
    'A key as the API writes it: what is public of it';


CREATE FUNCTION flagship.api_key_tag(k flagship.api_keys) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT k.id || '-' || k.version
$$;

COMMENT ON FUNCTION flagship.api_key_tag(flagship.api_keys) IS
    'What changes whenever the key does: the entity tag of the API';


CREATE FUNCTION flagship.find_api_key(p_tenant text, p_environment text,
    p_all boolean, p_id text)
RETURNS flagship.api_keys
LANGUAGE sql STABLE
AS $$
    SELECT k
      FROM flagship.api_keys k
     WHERE k.id = p_id
       AND (k.tenant = p_tenant OR p_all AND k.tenant IS NULL)
       AND (p_environment IS NULL OR k.environment = p_environment)
$$;

COMMENT ON FUNCTION flagship.find_api_key(text, text, boolean, text) IS
    'A key of a tenant by its id';


CREATE FUNCTION flagship.read_api_key(p_tenant text, p_environment text,
    p_all boolean, p_id text, OUT tag text, OUT document text)
LANGUAGE sql STABLE
AS $$
    SELECT flagship.api_key_tag(k), flagship.api_key_document(k)
      FROM flagship.find_api_key(p_tenant, p_environment, p_all, p_id) k
$$;

COMMENT ON FUNCTION flagship.read_api_key(text, text, boolean, text) IS
    'A key as the API writes it and its tag; all null: there is none';


CREATE FUNCTION flagship.issue_api_key(p_actor text, p_tenant text,
    p_environment text, p_role text, p_id text, p_hash text, p_document json,
    p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    k flagship.api_keys;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.issue_api_key(p_actor, p_tenant, p_environment,
                       p_role, p_id, p_hash, p_document, false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    INSERT INTO flagship.api_keys (id, tenant, environment, role, hash, name,
                                   see_unexposed, expires_at)
    VALUES (p_id, p_tenant, p_environment, p_role, decode(p_hash, 'hex'),
            coalesce(p_document ->> 'name', ''),
            coalesce((p_document ->> 'see_unexposed')::boolean, false),
            upper(p_document ->> 'expires_at')::timestamptz)
        ON CONFLICT (id) DO NOTHING
    RETURNING * INTO k;

    outcome := 'created';

    IF NOT FOUND THEN
        outcome := 'exists';
        RETURN;
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.api_key_tag(k);
    document := flagship.api_key_document(k);
END $$;

COMMENT ON FUNCTION flagship.issue_api_key(text, text, text, text, text, text, json, boolean) IS
    'A new key.  Outcome: created, exists (of another key: the document is null)';


CREATE FUNCTION flagship.revoke_api_key(p_actor text, p_tenant text,
    p_environment text, p_all boolean, p_id text, p_roles text,
    p_match text, p_dry_run boolean,
    OUT outcome text, OUT revision bigint, OUT tag text, OUT document text)
LANGUAGE plpgsql
AS $$
DECLARE
    k flagship.api_keys;
BEGIN
    IF p_dry_run THEN
        BEGIN
            SELECT * INTO outcome, revision, tag, document
              FROM flagship.revoke_api_key(p_actor, p_tenant, p_environment,
                       p_all, p_id, p_roles, p_match, false);
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'FS000';
        EXCEPTION WHEN SQLSTATE 'FS000' THEN
            revision := (SELECT r.revision FROM flagship.revision r);
            RETURN;
        END;
    END IF;

    PERFORM set_config('flagship.actor', p_actor, true);
    PERFORM flagship.take_revision();

    k := flagship.find_api_key(p_tenant, p_environment, p_all, p_id);

    IF k.id IS NULL OR k.revoked_at IS NOT NULL THEN
        outcome := 'missing';
        RETURN;
    END IF;

    IF k.role <> ALL (string_to_array(p_roles, ',')) THEN
        outcome := 'above';

    ELSIF p_match <> '*'
          AND flagship.api_key_tag(k) <> ALL (string_to_array(p_match, ','))
    THEN
        outcome := 'mismatch';

    ELSE
        UPDATE flagship.api_keys
           SET revoked_at = clock_timestamp()
         WHERE id = k.id
        RETURNING * INTO k;

        outcome := 'changed';
    END IF;

    revision := (SELECT r.revision FROM flagship.revision r);
    tag := flagship.api_key_tag(k);
    document := flagship.api_key_document(k);
END $$;

COMMENT ON FUNCTION flagship.revoke_api_key(text, text, text, boolean, text, text, text, boolean) IS
    'Revokes a key of one of p_roles.  Outcome: changed, missing (revoked ones too), mismatch, above (of another role)';


REVOKE EXECUTE ON FUNCTION
    flagship.api_key_document(flagship.api_keys),
    flagship.api_key_tag(flagship.api_keys),
    flagship.find_api_key(text, text, boolean, text),
    flagship.read_api_key(text, text, boolean, text),
    flagship.issue_api_key(text, text, text, text, text, text, json, boolean),
    flagship.revoke_api_key(text, text, text, boolean, text, text, text, boolean)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    flagship.api_key_document(flagship.api_keys),
    flagship.api_key_tag(flagship.api_keys),
    flagship.find_api_key(text, text, boolean, text),
    flagship.read_api_key(text, text, boolean, text),
    flagship.issue_api_key(text, text, text, text, text, text, json, boolean),
    flagship.revoke_api_key(text, text, text, boolean, text, text, text, boolean)
TO flagship_admin;

COMMIT;
