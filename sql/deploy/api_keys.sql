-- Deploy flagship:api_keys to pg
-- requires: tenants
--
-- Keys of the API: flagship_<id>_<secret>.  The secret is not here, only the
-- SHA-256 of it; the audit does not even keep that.

BEGIN;

SET LOCAL ROLE flagship_owner;

CREATE TABLE flagship.api_keys (
    id             text COLLATE "C" NOT NULL,
    tenant         text COLLATE "C" DEFAULT 'default',
    environment    text COLLATE "C",
    name           text             NOT NULL DEFAULT '',
    role           text             NOT NULL,
    hash           bytea            NOT NULL,
    see_unexposed  boolean          NOT NULL DEFAULT false,
    expires_at     timestamptz,
    revoked_at     timestamptz,
    version        integer          NOT NULL DEFAULT 1,
    created_at     timestamptz      NOT NULL DEFAULT now(),
    updated_at     timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_tenant_fkey FOREIGN KEY (tenant)
        REFERENCES flagship.tenants (key)
        ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT api_keys_environment_fkey FOREIGN KEY (tenant, environment)
        REFERENCES flagship.environments (tenant, key)
        ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT api_keys_id_syntax CHECK
        (id ~ '^[A-Za-z0-9]{8,32}$' COLLATE "C"),
    CONSTRAINT api_keys_role_known CHECK
        (role IN ('client', 'viewer', 'editor', 'admin', 'operator')),
    CONSTRAINT api_keys_tenant_needed CHECK
        (tenant IS NOT NULL OR role = 'operator' AND environment IS NULL),
    CONSTRAINT api_keys_hash_length CHECK (octet_length(hash) = 32),
    CONSTRAINT api_keys_name_length CHECK (char_length(name) <= 200),
    CONSTRAINT api_keys_version_range CHECK (version > 0)
);

COMMENT ON TABLE flagship.api_keys IS
    'Keys of the API, flagship_<id>_<secret>; of the secret only its digest';
COMMENT ON COLUMN flagship.api_keys.id IS
    'The public part of the key';
COMMENT ON COLUMN flagship.api_keys.tenant IS
    'The key of the tenant that it opens; an operator''s may have none, and opens all';
COMMENT ON COLUMN flagship.api_keys.environment IS
    'The one environment that it opens; null: all of the tenant';
COMMENT ON COLUMN flagship.api_keys.name IS
    'For people';
COMMENT ON COLUMN flagship.api_keys.role IS
    'client, viewer, editor, admin or operator';
COMMENT ON COLUMN flagship.api_keys.hash IS
    'SHA-256 of the secret';
COMMENT ON COLUMN flagship.api_keys.see_unexposed IS
    'Whether a client key sees the flags that are not exposed';
COMMENT ON COLUMN flagship.api_keys.expires_at IS
    'Worth nothing from then on; null: never expires';
COMMENT ON COLUMN flagship.api_keys.revoked_at IS
    'When it was revoked: worth nothing since; null: not revoked';
COMMENT ON COLUMN flagship.api_keys.version IS
    'Counts the changes of this row, from 1';
COMMENT ON COLUMN flagship.api_keys.created_at IS
    'When it was made';
COMMENT ON COLUMN flagship.api_keys.updated_at IS
    'When it was last changed';

CALL flagship.keep_history('flagship.api_keys', 'api_key',
                           'tenant', 'environment', 'id');

CREATE INDEX api_keys_list ON flagship.api_keys (tenant, environment, id);

GRANT SELECT, INSERT, UPDATE, DELETE ON flagship.api_keys TO flagship_admin;
GRANT SELECT ON flagship.api_keys TO flagship_edge;


-- A new key; the only moment at which its secret is to be had.
--
-- gen_random_uuid() takes its bits from pg_strong_random(), the generator that
-- PostgreSQL's own keys come from (OpenSSL's, or the kernel's), 122 of them a
-- call.  SHA-256 of three of them is 256 bits that nobody can guess, without
-- pgcrypto.  That they are so many is what makes one round of SHA-256 enough
-- for the hash: there is nothing to try.
CREATE FUNCTION flagship.create_api_key(p_tenant text, p_role text,
    p_name text, p_environment text DEFAULT NULL,
    p_expires_at timestamptz DEFAULT NULL,
    p_see_unexposed boolean DEFAULT false)
RETURNS TABLE (id text, key text)
LANGUAGE plpgsql
AS $$
DECLARE
    random text := replace(gen_random_uuid()::text, '-', '');
    secret text := encode(sha256(uuid_send(gen_random_uuid())
                                 || uuid_send(gen_random_uuid())
                                 || uuid_send(gen_random_uuid())), 'hex');
BEGIN
    -- without the digits of the version and the variant
    id := left(random, 8) || right(random, 8);
    key := 'flagship_' || id || '_' || secret;

    INSERT INTO flagship.api_keys
           (id, tenant, environment, name, role, hash, see_unexposed,
            expires_at)
    VALUES (create_api_key.id, p_tenant, p_environment, p_name, p_role,
            sha256(convert_to(secret, 'UTF8')), p_see_unexposed, p_expires_at);

    RETURN NEXT;
END $$;

COMMENT ON FUNCTION flagship.create_api_key(text, text, text, text, timestamptz, boolean) IS
    'Makes an API key and returns its id and the whole key, which cannot be had again';

REVOKE EXECUTE ON FUNCTION
    flagship.create_api_key(text, text, text, text, timestamptz, boolean)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    flagship.create_api_key(text, text, text, text, timestamptz, boolean)
TO flagship_admin;

COMMIT;
