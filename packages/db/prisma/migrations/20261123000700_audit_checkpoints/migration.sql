-- Signed checkpoints of the audit log and the signatures that witnesses added. They are kept here to be served, not to be
-- believed: what counts are the copies outside of this database.
CREATE TABLE "audit_checkpoints" (
    "size" BIGINT NOT NULL,
    -- The checkpoint that this one was found to continue; 0 for none. A second successor of the same one would be a fork.
    "previous_size" BIGINT NOT NULL,
    -- The C2SP signed note, verbatim.
    "note" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_checkpoints_pkey" PRIMARY KEY ("size"),
    CONSTRAINT "audit_checkpoints_previous_size_key" UNIQUE ("previous_size"),
    CONSTRAINT "audit_checkpoints_order_check" CHECK ("previous_size" >= 0 AND "previous_size" < "size"),
    CONSTRAINT "audit_checkpoints_note_check" CHECK (octet_length("note") BETWEEN 1 AND 1048576)
);

CREATE TABLE "audit_cosignatures" (
    "size" BIGINT NOT NULL,
    -- A signature line of the note, without its line feed.
    "line" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_cosignatures_pkey" PRIMARY KEY ("size", "line"),
    -- The key of a B-tree has less than 2,704 bytes; a cosignature has about 150.
    CONSTRAINT "audit_cosignatures_line_check" CHECK (octet_length("line") BETWEEN 1 AND 2000 AND "line" !~ '\n'),
    CONSTRAINT "audit_cosignatures_size_fkey" FOREIGN KEY ("size")
        REFERENCES "audit_checkpoints" ("size") ON DELETE RESTRICT ON UPDATE RESTRICT
);

-- Adds the successor of the checkpoint at `previous`. False where somebody else has added one meanwhile: of any number of
-- signers at once, one gets in, and no lock is held while anybody signs.
CREATE FUNCTION "audit_checkpoint_add"("previous" bigint, "new_size" bigint, "new_note" text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    inserted bigint;
BEGIN
    IF new_size > coalesce((SELECT head.seq FROM audit_head AS head), 0) THEN
        RAISE EXCEPTION 'the audit log has no % entries', new_size USING ERRCODE = 'check_violation';
    END IF;
    IF previous <> 0 AND NOT EXISTS (SELECT FROM audit_checkpoints AS held WHERE held.size = previous) THEN
        RAISE EXCEPTION 'there is no checkpoint of % entries to continue', previous USING ERRCODE = 'foreign_key_violation';
    END IF;
    INSERT INTO audit_checkpoints (size, previous_size, note) VALUES (new_size, previous, new_note) ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS inserted = ROW_COUNT;
    RETURN inserted > 0;
END
$$;

-- Adds signature lines of witnesses; those that are there stay.
CREATE FUNCTION "audit_checkpoint_cosign"("note_size" bigint, "lines" text[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit_cosignatures (size, line) SELECT note_size, unnest(lines) ON CONFLICT DO NOTHING;
END
$$;

CREATE TRIGGER "audit_checkpoints_append_only" BEFORE UPDATE OR DELETE ON "audit_checkpoints"
    FOR EACH ROW EXECUTE FUNCTION "audit_refuse_change"();
CREATE TRIGGER "audit_checkpoints_no_truncate" BEFORE TRUNCATE ON "audit_checkpoints"
    FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse_change"();
CREATE TRIGGER "audit_cosignatures_append_only" BEFORE UPDATE OR DELETE ON "audit_cosignatures"
    FOR EACH ROW EXECUTE FUNCTION "audit_refuse_change"();
CREATE TRIGGER "audit_cosignatures_no_truncate" BEFORE TRUNCATE ON "audit_cosignatures"
    FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse_change"();
ALTER TABLE "audit_checkpoints" ENABLE ALWAYS TRIGGER "audit_checkpoints_append_only";
ALTER TABLE "audit_checkpoints" ENABLE ALWAYS TRIGGER "audit_checkpoints_no_truncate";
ALTER TABLE "audit_cosignatures" ENABLE ALWAYS TRIGGER "audit_cosignatures_append_only";
ALTER TABLE "audit_cosignatures" ENABLE ALWAYS TRIGGER "audit_cosignatures_no_truncate";

REVOKE ALL ON "audit_checkpoints", "audit_cosignatures" FROM PUBLIC;
REVOKE ALL ON FUNCTION "audit_checkpoint_add"(bigint, bigint, text), "audit_checkpoint_cosign"(bigint, text[]) FROM PUBLIC;

-- As in the log's own migration: names resolve in the system catalog, then here, and in the caller's temporary schema last.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION audit_checkpoint_add(bigint, bigint, text) SET search_path = pg_catalog, %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION audit_checkpoint_cosign(bigint, text[]) SET search_path = pg_catalog, %I, pg_temp', current_schema());
END
$$;

-- Handed to the log's owner where that is possible; else the migrating user stays the owner, as of the log.
DO $$
DECLARE
    log_schema text := current_schema();
    is_superuser boolean := (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user);
BEGIN
    GRANT SELECT ON audit_checkpoints, audit_cosignatures TO cidadao_audit_writer;
    GRANT EXECUTE ON FUNCTION audit_checkpoint_add(bigint, bigint, text), audit_checkpoint_cosign(bigint, text[]) TO cidadao_audit_writer;
    IF NOT is_superuser THEN
        EXECUTE format('GRANT cidadao_audit_owner TO %I', current_user);
    END IF;
    EXECUTE format('GRANT CREATE ON SCHEMA %I TO cidadao_audit_owner', log_schema);
    ALTER TABLE audit_checkpoints OWNER TO cidadao_audit_owner;
    ALTER TABLE audit_cosignatures OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_checkpoint_add(bigint, bigint, text) OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_checkpoint_cosign(bigint, text[]) OWNER TO cidadao_audit_owner;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM cidadao_audit_owner', log_schema);
    IF NOT is_superuser THEN
        EXECUTE format('REVOKE cidadao_audit_owner FROM %I', current_user);
    END IF;
-- The roles are missing where whoever migrated may not make any.
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE WARNING 'the checkpoints stay owned by %: % (their triggers hold, but an owner can drop them)', current_user, SQLERRM;
END
$$;
