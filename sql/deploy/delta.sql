-- Deploy flagship:delta to pg
-- requires: flags
-- requires: segments
-- requires: api_keys
-- requires: sets
--
-- What a reader that holds (epoch, revision) must fetch: nothing, the rows
-- that changed since, or everything.  Documents are put together as text,
-- which is several times faster than the json functions and leaves the json
-- columns as they were written; they never fail, whatever is in a row.  Nor do
-- two rows of one name, which only a missing constraint lets in.

BEGIN;

SET LOCAL ROLE flagship_owner;

CREATE FUNCTION flagship.second_text(t timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT to_char(greatest(least(t, '9999-12-31 23:59:59+00'),
                            '0001-01-01 00:00:00+00') AT TIME ZONE 'UTC',
                   'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;

COMMENT ON FUNCTION flagship.second_text(timestamptz) IS
    'RFC 3339 in UTC; what lies outside its years, infinity too, becomes their first or last second';


-- concat() takes null for nothing, and is one node to prepare at each call.
CREATE FUNCTION flagship.flag_text(f flagship.flags) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT concat('{"key":', coalesce(to_json(f.key)::text, 'null'),
        ',"type":', coalesce(to_json(f.type)::text, 'null'),
        CASE WHEN f.enabled THEN ',"enabled":true'
             ELSE ',"enabled":false' END,
        ',"variants":', coalesce(f.variants::text, 'null'),
        ',"default_variant":' || to_json(f.default_variant)::text,
        ',"off_variant":' || to_json(f.off_variant)::text,
        ',"rules":' || f.rules::text,
        ',"user_ids":' || f.user_ids::text,
        ',"rollout":' || to_json(f.rollout)::text,
        ',"prerequisites":' || f.prerequisites::text,
        CASE WHEN f.enable_at IS NOT NULL
             THEN ',"enable_at":"' || flagship.second_text(f.enable_at)
                  || '"' END,
        CASE WHEN f.disable_at IS NOT NULL
             THEN ',"disable_at":"' || flagship.second_text(f.disable_at)
                  || '"' END,
        CASE WHEN f.expose THEN ',"expose":true' ELSE ',"expose":false' END,
        ',"metadata":' || f.metadata::text,
        ',"version":', coalesce(f.version::text, 'null'),
        '}')
$$;

COMMENT ON FUNCTION flagship.flag_text(flagship.flags) IS
    'The document that a flag is compiled from';


CREATE FUNCTION flagship.environment_text(e flagship.environments)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT '{"fractional":' || coalesce(e.fractional::text, 'null')
        || coalesce(',"metadata":' || e.metadata::text, '') || '}'
$$;

COMMENT ON FUNCTION flagship.environment_text(flagship.environments) IS
    'The settings of a flag set';


CREATE FUNCTION flagship.api_key_text(k flagship.api_keys) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT '{"role":' || coalesce(to_json(k.role)::text, 'null')
        || ',"hash":"' || coalesce(encode(k.hash, 'hex'), '') || '"'
        || CASE WHEN k.see_unexposed THEN ',"see_unexposed":true'
                ELSE '' END
        || CASE WHEN k.expires_at IS NULL THEN ''
                ELSE ',"expires_at":"' || flagship.second_text(k.expires_at)
                     || '"' END
        || '}'
$$;

COMMENT ON FUNCTION flagship.api_key_text(flagship.api_keys) IS
    'What nginx knows of a key beside its names';


-- The members of a set, as JSON arrays of 128 ids, so that nobody has to hold
-- a million of them in one piece.  One more array, an empty one, says that
-- there is a set at all.
CREATE FUNCTION flagship.set_texts(p_tenant text, p_key text)
RETURNS SETOF text
LANGUAGE sql STABLE ROWS 100
AS $$
    SELECT '[]'
    UNION ALL
    SELECT json_agg(m.id)::text
      FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / 128 AS piece
              FROM flagship.set_members
             WHERE tenant = p_tenant AND set = p_key) m
     GROUP BY m.piece
$$;

COMMENT ON FUNCTION flagship.set_texts(text, text) IS
    'The members of an id set, in pieces: JSON arrays of ids, one of them empty';


-- Most changes are of one entity: nobody looks for the others.  The changes are
-- found by their index, also before the planner has statistics of a table that
-- grows at its end, and with one plan for good: it takes a third of all changes
-- to be later than any revision, by which it would plan anew at each call, or
-- have code compiled for the few rows that there are.
CREATE FUNCTION flagship.changes_since(p_revision bigint)
RETURNS TABLE (entity text, tenant text, environment text, key text,
               document text)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    touched text[];
BEGIN
    touched := ARRAY(SELECT DISTINCT entity
                       FROM flagship.changes
                      WHERE revision > p_revision);

    IF 'environment' = ANY (touched) THEN
        RETURN QUERY
            SELECT 'environment', c.tenant, c.environment, NULL::text,
                   (SELECT flagship.environment_text(e)
                      FROM flagship.environments e
                     WHERE e.tenant = c.tenant AND e.key = c.environment
                     LIMIT 1)
              FROM (SELECT DISTINCT tenant, environment
                      FROM flagship.changes
                     WHERE revision > p_revision AND entity = 'environment') c
             ORDER BY c.tenant, c.environment;
    END IF;

    IF 'segment' = ANY (touched) THEN
        RETURN QUERY
            SELECT 'segment', c.tenant, NULL::text, c.key,
                   (SELECT s."when"::text
                      FROM flagship.segments s
                     WHERE s.tenant = c.tenant AND s.key = c.key
                       AND s.archived_at IS NULL
                     LIMIT 1)
              FROM (SELECT DISTINCT tenant, key
                      FROM flagship.changes
                     WHERE revision > p_revision AND entity = 'segment') c
             ORDER BY c.tenant, c.key;
    END IF;

    IF 'set' = ANY (touched) THEN
        RETURN QUERY
            SELECT 'set', c.tenant, NULL::text, c.key, t.document
              FROM (SELECT DISTINCT tenant, key
                      FROM flagship.changes
                     WHERE revision > p_revision AND entity = 'set') c
              LEFT JOIN LATERAL (
                   SELECT flagship.set_texts(s.tenant, s.key) AS document
                     FROM flagship.sets s
                    WHERE s.tenant = c.tenant AND s.key = c.key
                   ) t ON true;
    END IF;

    IF 'flag' = ANY (touched) THEN
        RETURN QUERY
            SELECT 'flag', c.tenant, c.environment, c.key,
                   (SELECT flagship.flag_text(f)
                      FROM flagship.flags f
                     WHERE f.tenant = c.tenant
                       AND f.environment = c.environment AND f.key = c.key
                       AND f.archived_at IS NULL
                     LIMIT 1)
              FROM (SELECT DISTINCT tenant, environment, key
                      FROM flagship.changes
                     WHERE revision > p_revision AND entity = 'flag') c
             ORDER BY c.tenant, c.environment, c.key;
    END IF;

    IF 'api_key' = ANY (touched) THEN
        -- its id names it, whatever it is bound to
        RETURN QUERY
            SELECT 'api_key', k.tenant, k.environment, c.key,
                   CASE WHEN k.id IS NOT NULL
                        THEN flagship.api_key_text(k) END
              FROM (SELECT DISTINCT key
                      FROM flagship.changes
                     WHERE revision > p_revision AND entity = 'api_key') c
              LEFT JOIN flagship.api_keys k
                ON k.id = c.key AND k.revoked_at IS NULL
             ORDER BY c.key;
    END IF;
END $$;

COMMENT ON FUNCTION flagship.changes_since(bigint) IS
    'What later revisions touched, each thing once, as it is now';


CREATE FUNCTION flagship.delta(p_epoch uuid, p_revision bigint)
RETURNS TABLE (entity text, tenant text, environment text, key text,
               document text)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    last record;
BEGIN
    -- STABLE: all queries of one call see one snapshot.
    SELECT r.epoch, r.revision, r.trimmed INTO last
      FROM flagship.revision r;

    entity := 'revision';
    tenant := last.epoch;
    key := coalesce(last.revision, 0);
    document := CASE
        WHEN last.epoch = p_epoch AND last.revision = p_revision THEN 'none'
        WHEN last.epoch = p_epoch
             AND p_revision BETWEEN last.trimmed AND last.revision THEN 'delta'
        ELSE 'full' END;
    RETURN NEXT;

    IF document = 'full' THEN
        RETURN QUERY
            SELECT 'environment', e.tenant, e.key, NULL::text,
                   flagship.environment_text(e)
              FROM flagship.environments e
             ORDER BY e.tenant, e.key;

        RETURN QUERY
            SELECT 'segment', s.tenant, NULL::text, s.key, s."when"::text
              FROM flagship.segments s
             WHERE s.archived_at IS NULL
             ORDER BY s.tenant, s.key;

        RETURN QUERY
            SELECT 'set', s.tenant, NULL::text, s.key, t.document
              FROM flagship.sets s,
                   flagship.set_texts(s.tenant, s.key) AS t (document);

        RETURN QUERY
            SELECT 'flag', f.tenant, f.environment, f.key,
                   flagship.flag_text(f)
              FROM flagship.flags f
             WHERE f.archived_at IS NULL
             ORDER BY f.tenant, f.environment, f.key;

        RETURN QUERY
            SELECT 'api_key', k.tenant, k.environment, k.id,
                   flagship.api_key_text(k)
              FROM flagship.api_keys k
             WHERE k.revoked_at IS NULL
             ORDER BY k.id;

    ELSIF document = 'delta' THEN
        RETURN QUERY SELECT * FROM flagship.changes_since(p_revision);
    END IF;
END $$;

COMMENT ON FUNCTION flagship.delta(uuid, bigint) IS
    'What changed since a revision.  First row: epoch (tenant), revision (key) and none, delta or full (document); then environments, segments, sets (a row for some members each), flags and API keys (key: the id), document null where one is gone';


REVOKE EXECUTE ON FUNCTION
    flagship.second_text(timestamptz), flagship.flag_text(flagship.flags),
    flagship.environment_text(flagship.environments),
    flagship.api_key_text(flagship.api_keys),
    flagship.set_texts(text, text), flagship.changes_since(bigint),
    flagship.delta(uuid, bigint)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    flagship.second_text(timestamptz), flagship.flag_text(flagship.flags),
    flagship.environment_text(flagship.environments),
    flagship.api_key_text(flagship.api_keys),
    flagship.set_texts(text, text), flagship.changes_since(bigint),
    flagship.delta(uuid, bigint)
TO flagship_edge, flagship_admin;

COMMIT;
