-- The Merkle tree over the log's leaves, kept so that a proof need not read the log. Tile `index` of `level` n holds up to
-- 256 hashes: those of the nodes over 256^n leaves, from node 256 * index on (the layout of C2SP tlog-tiles). A cache and
-- nothing more: what is read from it is checked against a root before it is used, and may be lost.
CREATE TABLE "audit_tiles" (
    "level" SMALLINT NOT NULL,
    "index" BIGINT NOT NULL,
    "hashes" BYTEA NOT NULL,
    "width" INTEGER NOT NULL GENERATED ALWAYS AS (octet_length("hashes") / 32) STORED,

    CONSTRAINT "audit_tiles_pkey" PRIMARY KEY ("level", "index"),
    CONSTRAINT "audit_tiles_level_check" CHECK ("level" BETWEEN 0 AND 6),
    CONSTRAINT "audit_tiles_index_check" CHECK ("index" >= 0),
    CONSTRAINT "audit_tiles_hashes_check" CHECK (octet_length("hashes") BETWEEN 32 AND 8192 AND octet_length("hashes") % 32 = 0)
);

-- Hashes do not compress; trying costs time.
ALTER TABLE "audit_tiles" ALTER COLUMN "hashes" SET STORAGE EXTERNAL;

REVOKE ALL ON "audit_tiles" FROM PUBLIC;

-- The role is missing where the migrating user might not make roles; then that user owns the log and this too.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'cidadao_audit_writer') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON audit_tiles TO cidadao_audit_writer;
    END IF;
END
$$;
