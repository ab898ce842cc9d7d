-- Forgetting: old entries that are kept elsewhere (prune), and personal data (redact).

-- Where the migrating user handed the log to its owner, changing it takes that owner's rights once more, until the end.
DO $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT cidadao_audit_owner TO %I', current_user);
    END IF;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'the audit log is owned by %', current_user;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- what was pruned
-- ---------------------------------------------------------------------------------------------------------------------
-- Where the entries that are left begin: takes the place of genesis. Each row is signed for by a checkpoint of its size.
CREATE TABLE "audit_pruned" (
    "size" BIGINT NOT NULL,
    "hash_chain" VARCHAR(64) NOT NULL,
    -- The unfinished tiles of the tree at that size, lowest level first; all that is needed to grow the tree on.
    "edge" BYTEA[] NOT NULL,
    -- The signed checkpoint of exactly that size, verbatim.
    "note" TEXT NOT NULL,
    -- Of the export that holds what was removed.
    "archive_sha256" VARCHAR(64) NOT NULL,
    -- Number of the entry `audit.pruned` that tells of it.
    "entry_seq" BIGINT NOT NULL,

    CONSTRAINT "audit_pruned_pkey" PRIMARY KEY ("size"),
    CONSTRAINT "audit_pruned_entry_seq_key" UNIQUE ("entry_seq"),
    CONSTRAINT "audit_pruned_size_check" CHECK ("size" >= 1 AND "entry_seq" > "size"),
    CONSTRAINT "audit_pruned_hash_chain_check" CHECK ("audit_is_hash"("hash_chain")),
    CONSTRAINT "audit_pruned_archive_sha256_check" CHECK ("audit_is_hash"("archive_sha256"))
);

-- The RFC 6962 root of the tree with such an edge. From the leaves up: what is left over below is the last, smaller
-- subtree of the level above.
CREATE FUNCTION "audit_edge_root"("edge" bytea[]) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    hashes bytea;
    nodes bytea[];
    above bytea[];
    root bytea;
BEGIN
    FOREACH hashes IN ARRAY edge LOOP
        nodes := ARRAY(SELECT substr(hashes, n * 32 + 1, 32) FROM generate_series(0, octet_length(hashes) / 32 - 1) AS n ORDER BY n);
        IF root IS NOT NULL THEN
            nodes := array_append(nodes, root);
        END IF;
        WHILE cardinality(nodes) > 1 LOOP
            above := '{}';
            FOR n IN 1 .. cardinality(nodes) BY 2 LOOP
                above := array_append(above, CASE WHEN n = cardinality(nodes) THEN nodes[n]
                    ELSE sha256('\x01'::bytea || nodes[n] || nodes[n + 1]) END);
            END LOOP;
            nodes := above;
        END LOOP;
        root := coalesce(nodes[1], root);
    END LOOP;
    RETURN root;
END
$$;

-- The rules of pruning that a database can know, for everybody who writes such a row, the owner too: there is a signed
-- checkpoint of exactly that size, the edge leads to its root, no entry before it is missing, the hash is that of the
-- last one removed, and the newest entry of the log tells of it. Whether the signature is right, and whether the export
-- exists, no database can tell: that is for the verification, which has the key, and for the library, which reads it.
CREATE FUNCTION "audit_guard_pruned"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before bigint := coalesce((SELECT max(earlier.size) FROM audit_pruned AS earlier), 0);
    head audit_head%ROWTYPE;
    told json;
    root text := encode(audit_edge_root(NEW.edge), 'base64');
BEGIN
    SELECT * INTO head FROM audit_head FOR UPDATE;
    IF NEW.size <= before THEN
        RAISE EXCEPTION 'entries up to % are pruned already', before USING ERRCODE = 'ZA004';
    END IF;
    IF EXISTS (SELECT FROM generate_series(1, cardinality(NEW.edge)) AS level
        WHERE octet_length(NEW.edge[level]) <> 32 * ((NEW.size / (256 ^ (level - 1))::bigint) % 256))
        OR NEW.size >= 256::numeric ^ cardinality(NEW.edge) OR array_position(NEW.edge, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'the edge is not one of % entries', NEW.size USING ERRCODE = 'ZA004';
    END IF;
    IF NOT EXISTS (SELECT FROM audit_checkpoints AS held WHERE held.size = NEW.size AND held.note = NEW.note
        AND starts_with(held.note, head.origin || E'\n' || NEW.size || E'\n' || root || E'\n')) THEN
        RAISE EXCEPTION 'no stored checkpoint has % entries and the root %', NEW.size, root USING ERRCODE = 'ZA004';
    END IF;
    IF (SELECT count(*) FROM audit_logs AS entry WHERE entry.seq > before AND entry.seq <= NEW.size) <> NEW.size - before
        OR NOT EXISTS (SELECT FROM audit_logs AS entry WHERE entry.seq = NEW.size AND entry.hash_chain = NEW.hash_chain) THEN
        RAISE EXCEPTION 'the entries % to % are not all there', before + 1, NEW.size USING ERRCODE = 'ZA004';
    END IF;
    SELECT entry.data INTO told FROM audit_logs AS entry
        WHERE entry.seq = NEW.entry_seq AND entry.seq = head.seq AND entry.action = 'audit.pruned';
    IF ((told ->> 'size') = NEW.size::text AND (told ->> 'hash_chain') = NEW.hash_chain
        AND (told ->> 'root') = root AND (told ->> 'archive_sha256') = NEW.archive_sha256) IS NOT TRUE THEN
        RAISE EXCEPTION 'the newest entry of the log does not tell of this pruning' USING ERRCODE = 'ZA004';
    END IF;
    RETURN NEW;
END
$$;

-- Takes the place of `audit_refuse_change` on the log: an entry goes only once it is recorded as pruned.
CREATE FUNCTION "audit_guard_entries"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.seq <= (SELECT max(pruned.size) FROM audit_pruned AS pruned) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER "audit_pruned_follows_rules" BEFORE INSERT ON "audit_pruned"
    FOR EACH ROW EXECUTE FUNCTION "audit_guard_pruned"();
CREATE TRIGGER "audit_pruned_append_only" BEFORE UPDATE OR DELETE ON "audit_pruned"
    FOR EACH ROW EXECUTE FUNCTION "audit_refuse_change"();
CREATE TRIGGER "audit_pruned_no_truncate" BEFORE TRUNCATE ON "audit_pruned"
    FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse_change"();
ALTER TABLE "audit_pruned" ENABLE ALWAYS TRIGGER "audit_pruned_follows_rules";
ALTER TABLE "audit_pruned" ENABLE ALWAYS TRIGGER "audit_pruned_append_only";
ALTER TABLE "audit_pruned" ENABLE ALWAYS TRIGGER "audit_pruned_no_truncate";

DROP TRIGGER "audit_logs_append_only" ON "audit_logs";
CREATE TRIGGER "audit_logs_append_only" BEFORE UPDATE OR DELETE ON "audit_logs"
    FOR EACH ROW EXECUTE FUNCTION "audit_guard_entries"();
ALTER TABLE "audit_logs" ENABLE ALWAYS TRIGGER "audit_logs_append_only";

-- Appends the entry that tells of it, records where the log begins now, and removes what was before, with whatever opened
-- its commitments. One call, so all of it happens or nothing does.
CREATE FUNCTION "audit_prune"("prune_to" bigint, "tree_edge" bytea[], "archive" text, "entry_payload" text)
RETURNS TABLE ("seq" bigint, "leaf_hash" text, "hash_chain" text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    entry record;
BEGIN
    SELECT * INTO entry FROM audit_append(ARRAY[entry_payload]);
    INSERT INTO audit_pruned (size, hash_chain, edge, note, archive_sha256, entry_seq)
        SELECT prune_to, coalesce(last.hash_chain, repeat('0', 64)), tree_edge, coalesce(held.note, ''), archive, entry.seq
        FROM (SELECT) AS one
        LEFT JOIN audit_logs AS last ON last.seq = prune_to
        LEFT JOIN audit_checkpoints AS held ON held.size = prune_to;
    DELETE FROM audit_private AS opening USING audit_logs AS pruned WHERE pruned.id = opening.entry_id AND pruned.seq <= prune_to;
    DELETE FROM audit_logs AS pruned WHERE pruned.seq <= prune_to;
    RETURN QUERY SELECT entry.seq, entry.leaf_hash, entry.hash_chain;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- redaction
-- ---------------------------------------------------------------------------------------------------------------------
-- Erases what opens fields of an entry, and appends the entry that says so: both or neither, whoever forgets a transaction.
CREATE FUNCTION "audit_redact"("redacted_id" uuid, "redacted_fields" text[], "entry_payload" text)
RETURNS TABLE ("seq" bigint, "leaf_hash" text, "hash_chain" text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    erased bigint;
BEGIN
    DELETE FROM audit_private AS opening WHERE opening.entry_id = redacted_id AND opening.field = ANY (redacted_fields);
    GET DIAGNOSTICS erased = ROW_COUNT;
    IF erased <> cardinality(redacted_fields) THEN
        RAISE EXCEPTION 'the entry % has % of the % fields to redact', redacted_id, erased, cardinality(redacted_fields)
            USING ERRCODE = 'ZA003';
    END IF;
    RETURN QUERY SELECT appended.seq, appended.leaf_hash, appended.hash_chain FROM audit_append(ARRAY[entry_payload]) AS appended;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- who may do what
-- ---------------------------------------------------------------------------------------------------------------------
REVOKE ALL ON "audit_pruned" FROM PUBLIC;
REVOKE ALL ON FUNCTION "audit_prune"(bigint, bytea[], text, text), "audit_redact"(uuid, text[], text) FROM PUBLIC;

-- Names resolve in the system catalog, then here, and in the caller's temporary schema last: nobody slips in a table of
-- their own under the triggers, whoever they are.
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['audit_prune(bigint, bytea[], text, text)', 'audit_redact(uuid, text[], text)',
        'audit_guard_entries()', 'audit_guard_pruned()', 'audit_edge_root(bytea[])'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', guarded, current_schema());
    END LOOP;
END
$$;

-- Pruning is the operator's: nobody but the owner may call it unless it is granted. Redacting is part of the application.
DO $$
DECLARE
    log_schema text := current_schema();
    is_superuser boolean := (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user);
BEGIN
    GRANT SELECT ON audit_pruned TO cidadao_audit_writer;
    GRANT EXECUTE ON FUNCTION audit_redact(uuid, text[], text) TO cidadao_audit_writer;
    GRANT SELECT, DELETE ON audit_private TO cidadao_audit_owner;
    GRANT SELECT ON audit_checkpoints TO cidadao_audit_owner;
    EXECUTE format('GRANT CREATE ON SCHEMA %I TO cidadao_audit_owner', log_schema);
    ALTER TABLE audit_pruned OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_edge_root(bytea[]) OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_guard_pruned() OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_guard_entries() OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_prune(bigint, bytea[], text, text) OWNER TO cidadao_audit_owner;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM cidadao_audit_owner', log_schema);
    IF NOT is_superuser THEN
        EXECUTE format('REVOKE cidadao_audit_owner FROM %I', current_user);
    END IF;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE WARNING 'what prunes the audit log stays owned by %: % (the triggers hold, but an owner can drop them)', current_user, SQLERRM;
END
$$;
