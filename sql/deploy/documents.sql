-- Deploy flagship:documents to pg
-- requires: delta
--
-- What the functions of the API share: texts as it writes them, and how
-- documents are merged.  A document that says the same as the one that
-- is there leaves it as it was written.

BEGIN;

SET LOCAL ROLE flagship_owner;

-- STABLE as to_json() is: what says less than its body is not inlined.
CREATE FUNCTION flagship.text_of(t text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT coalesce(to_json(t)::text, 'null')
$$;

COMMENT ON FUNCTION flagship.text_of(text) IS
    'A JSON string, or null';


CREATE FUNCTION flagship.replaced(old json, new json) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN old::jsonb = new::jsonb THEN old ELSE new END
$$;

COMMENT ON FUNCTION flagship.replaced(json, json) IS
    'The new document, or the old one as it was written where both say the same';


CREATE FUNCTION flagship.merged(old json, patch json) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT flagship.replaced(old, ('{' || coalesce(string_agg(
               to_json(name)::text || ': ' || value::text, ', ' ORDER BY n),
               '') || '}')::json)
      FROM (SELECT o.name, coalesce(p.value, o.value) AS value, o.n
              FROM json_each(old) WITH ORDINALITY o (name, value, n)
              LEFT JOIN json_each(patch) p (name, value)
                     ON p.name = o.name
             UNION ALL
            SELECT p.name, p.value, 1000000 + p.n
              FROM json_each(patch) WITH ORDINALITY p (name, value, n)
             WHERE p.name NOT IN (SELECT json_object_keys(old))) members
     WHERE json_typeof(value) <> 'null'
$$;

COMMENT ON FUNCTION flagship.merged(json, json) IS
    'An object with the members of a patch set, or taken away where they are null';


REVOKE EXECUTE ON FUNCTION
    flagship.text_of(text), flagship.replaced(json, json),
    flagship.merged(json, json)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    flagship.text_of(text), flagship.replaced(json, json),
    flagship.merged(json, json)
TO flagship_admin;

COMMIT;
