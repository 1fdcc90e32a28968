-- Deploy flagship:tenants to pg
-- requires: audit
--
-- Tenants and their environments.  A new tenant has dev, staging and prod.

BEGIN;

SET LOCAL ROLE flagship_owner;

-- What constraints ask is not in SQL: a statement that writes prepares its
-- table's constraints anew, and would parse and plan such a function each time.
CREATE FUNCTION flagship.is_key(key text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN key ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' COLLATE "C"
       AND key !~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$'
                  COLLATE "C";
END $$;

COMMENT ON FUNCTION flagship.is_key(text) IS
    'Whether a text may be a key: 1 to 128 of A-Z a-z 0-9 . _ -, a letter or digit first, not shaped like a UUID';


CREATE FUNCTION flagship.is_metadata(metadata json) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    document jsonb := metadata;
BEGIN
    RETURN jsonb_typeof(document) = 'object'
       AND NOT jsonb_path_exists(document,
               'strict $.* ? (@.type() != "string" && @.type() != "number"
                              && @.type() != "boolean")');
END $$;

COMMENT ON FUNCTION flagship.is_metadata(json) IS
    'Whether a document may be metadata: an object of strings, numbers and booleans';


CREATE FUNCTION flagship.members_differ(document json) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF json_typeof(document) <> 'object' OR document::text = '{}' THEN
        RETURN true;
    END IF;

    RETURN (SELECT count(*) = count(DISTINCT name)
              FROM json_object_keys(document) name);
END $$;

COMMENT ON FUNCTION flagship.members_differ(json) IS
    'Whether an object has no two members of one name: json, unlike jsonb, keeps both';


CREATE TABLE flagship.tenants (
    id          uuid             NOT NULL DEFAULT gen_random_uuid(),
    key         text COLLATE "C" NOT NULL,
    name        text             NOT NULL DEFAULT '',
    description text             NOT NULL DEFAULT '',
    version     integer          NOT NULL DEFAULT 1,
    created_at  timestamptz      NOT NULL DEFAULT now(),
    updated_at  timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT tenants_pkey PRIMARY KEY (key),
    CONSTRAINT tenants_id UNIQUE (id),
    CONSTRAINT tenants_key_syntax CHECK (flagship.is_key(key)),
    CONSTRAINT tenants_name_length CHECK (char_length(name) <= 200),
    CONSTRAINT tenants_version_range CHECK (version > 0)
);

COMMENT ON TABLE flagship.tenants IS
    'Whose flags these are; a tenant sees nothing of another';
COMMENT ON COLUMN flagship.tenants.id IS
    'The lasting name of the row';
COMMENT ON COLUMN flagship.tenants.key IS
    'What other tables and requests name it by';
COMMENT ON COLUMN flagship.tenants.name IS
    'For people';
COMMENT ON COLUMN flagship.tenants.description IS
    'For people';
COMMENT ON COLUMN flagship.tenants.version IS
    'Counts the changes of this row, from 1';
COMMENT ON COLUMN flagship.tenants.created_at IS
    'When it was made';
COMMENT ON COLUMN flagship.tenants.updated_at IS
    'When it was last changed';


CREATE TABLE flagship.environments (
    id          uuid             NOT NULL DEFAULT gen_random_uuid(),
    tenant      text COLLATE "C" NOT NULL DEFAULT 'default',
    key         text COLLATE "C" NOT NULL,
    name        text             NOT NULL DEFAULT '',
    description text             NOT NULL DEFAULT '',
    fractional  smallint         NOT NULL DEFAULT 2,
    metadata    json             NOT NULL DEFAULT '{}',
    version     integer          NOT NULL DEFAULT 1,
    created_at  timestamptz      NOT NULL DEFAULT now(),
    updated_at  timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT environments_pkey PRIMARY KEY (tenant, key),
    CONSTRAINT environments_id UNIQUE (id),
    CONSTRAINT environments_tenant_fkey FOREIGN KEY (tenant)
        REFERENCES flagship.tenants (key)
        ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT environments_key_syntax CHECK (flagship.is_key(key)),
    CONSTRAINT environments_fractional_range CHECK (fractional BETWEEN 1 AND 3),
    CONSTRAINT environments_metadata_shape
        CHECK (flagship.is_metadata(metadata)),
    CONSTRAINT environments_metadata_members
        CHECK (flagship.members_differ(metadata)),
    CONSTRAINT environments_name_length CHECK (char_length(name) <= 200),
    CONSTRAINT environments_version_range CHECK (version > 0)
);

COMMENT ON TABLE flagship.environments IS
    'The flag sets of a tenant (dev, staging, prod) and their settings';
COMMENT ON COLUMN flagship.environments.id IS
    'The lasting name of the row';
COMMENT ON COLUMN flagship.environments.tenant IS
    'The key of its tenant';
COMMENT ON COLUMN flagship.environments.key IS
    'What flags and requests name it by; unique in the tenant';
COMMENT ON COLUMN flagship.environments.name IS
    'For people';
COMMENT ON COLUMN flagship.environments.description IS
    'For people';
COMMENT ON COLUMN flagship.environments.fractional IS
    'Generation of the bucketing of fractional: 1, 2 or 3.  Another one moves every user';
COMMENT ON COLUMN flagship.environments.metadata IS
    'Given with every answer of this flag set; a flag''s own goes before it';
COMMENT ON COLUMN flagship.environments.version IS
    'Counts the changes of this row, from 1';
COMMENT ON COLUMN flagship.environments.created_at IS
    'When it was made';
COMMENT ON COLUMN flagship.environments.updated_at IS
    'When it was last changed';


CALL flagship.keep_history('flagship.tenants', 'tenant',
                           'key', 'NULL', 'key');
CALL flagship.keep_history('flagship.environments', 'environment',
                           'tenant', 'key', 'key');


CREATE FUNCTION flagship.found_environments() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO flagship.environments (tenant, key)
    VALUES (NEW.key, 'dev'), (NEW.key, 'staging'), (NEW.key, 'prod');
    RETURN NULL;
END $$;

COMMENT ON FUNCTION flagship.found_environments() IS
    'Trigger: the environments of a new tenant';

CREATE TRIGGER tenants_with_environments AFTER INSERT ON flagship.tenants
    FOR EACH ROW EXECUTE FUNCTION flagship.found_environments();

INSERT INTO flagship.tenants (key) VALUES ('default');


REVOKE EXECUTE ON FUNCTION flagship.found_environments() FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON flagship.tenants, flagship.environments TO flagship_admin;
GRANT SELECT ON flagship.tenants, flagship.environments TO flagship_edge;

COMMIT;
