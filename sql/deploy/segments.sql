-- Deploy flagship:segments to pg
-- requires: tenants
--
-- Named conditions of a tenant, for {"segment": key}.

BEGIN;

SET LOCAL ROLE flagship_owner;

CREATE TABLE flagship.segments (
    id          uuid             NOT NULL DEFAULT gen_random_uuid(),
    tenant      text COLLATE "C" NOT NULL DEFAULT 'default',
    key         text COLLATE "C" NOT NULL,
    name        text             NOT NULL DEFAULT '',
    description text             NOT NULL DEFAULT '',
    "when"      json             NOT NULL,
    version     integer          NOT NULL DEFAULT 1,
    created_at  timestamptz      NOT NULL DEFAULT now(),
    updated_at  timestamptz      NOT NULL DEFAULT now(),
    archived_at timestamptz,
    CONSTRAINT segments_pkey PRIMARY KEY (id),
    CONSTRAINT segments_tenant_fkey FOREIGN KEY (tenant)
        REFERENCES flagship.tenants (key)
        ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT segments_key_syntax CHECK (flagship.is_key(key)),
    CONSTRAINT segments_size CHECK (octet_length("when"::text) <= 1000000),
    CONSTRAINT segments_name_length CHECK (char_length(name) <= 200),
    CONSTRAINT segments_version_range CHECK (version > 0)
);

COMMENT ON TABLE flagship.segments IS
    'Named conditions of a tenant, which rules ask for by {"segment": key}';
COMMENT ON COLUMN flagship.segments.id IS
    'The lasting name of the row; archived segments are had by it';
COMMENT ON COLUMN flagship.segments.tenant IS
    'The key of its tenant';
COMMENT ON COLUMN flagship.segments.key IS
    'What rules name it by; unique among the segments of its tenant that are not archived';
COMMENT ON COLUMN flagship.segments.name IS
    'For people';
COMMENT ON COLUMN flagship.segments.description IS
    'For people';
COMMENT ON COLUMN flagship.segments."when" IS
    'The condition, in JsonLogic; the compiler checks it';
COMMENT ON COLUMN flagship.segments.version IS
    'Counts the changes of this row, from 1';
COMMENT ON COLUMN flagship.segments.created_at IS
    'When it was made';
COMMENT ON COLUMN flagship.segments.updated_at IS
    'When it was last changed';
COMMENT ON COLUMN flagship.segments.archived_at IS
    'When it was archived: rules that ask for it no longer compile, and its key is free; null: live';

CALL flagship.keep_history('flagship.segments', 'segment',
                           'tenant', 'NULL', 'key');

CREATE INDEX segments_archived
    ON flagship.segments (tenant, key, id) WHERE archived_at IS NOT NULL;
CREATE INDEX segments_created_at
    ON flagship.segments (tenant, created_at, id);
CREATE INDEX segments_updated_at
    ON flagship.segments (tenant, updated_at, id);
CREATE INDEX segments_name
    ON flagship.segments (tenant, name, id);

SELECT extnamespace::regnamespace AS trigrams
  FROM pg_extension WHERE extname = 'pg_trgm' \gset
SET LOCAL search_path TO :trigrams;

CREATE INDEX segments_search
    ON flagship.segments USING gin (
        ((key || ' ' || name || ' ' || description) COLLATE "default")
        gin_trgm_ops);

COMMENT ON INDEX flagship.segments_search IS
    'For ((key || '' '' || name || '' '' || description) COLLATE "default") ILIKE ...';

-- The last of them, as flags_live_key is.
CREATE UNIQUE INDEX segments_live_key
    ON flagship.segments (tenant, key) WHERE archived_at IS NULL;


GRANT SELECT, INSERT, UPDATE, DELETE ON flagship.segments TO flagship_admin;
GRANT SELECT ON flagship.segments TO flagship_edge;

COMMIT;
