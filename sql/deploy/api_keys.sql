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

COMMIT;
