-- The tamper-evident log, algorithm version 1. For PostgreSQL 15 and later.
-- Hand-finished: generated columns, triggers, functions and roles are beyond Prisma's schema language.

-- ---------------------------------------------------------------------------------------------------------------------
-- tables
-- ---------------------------------------------------------------------------------------------------------------------
-- Casts from text to timestamptz depend on session settings and so may not make a generated column; this one does not.
-- It reads RFC 3339 in UTC by position; the check on the payload refuses every other spelling.
CREATE FUNCTION "audit_instant"("ts" text) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN pg_catalog.timezone('UTC', pg_catalog.make_timestamp(
        substr(ts, 1, 4)::integer, substr(ts, 6, 2)::integer, substr(ts, 9, 2)::integer,
        substr(ts, 12, 2)::integer, substr(ts, 15, 2)::integer, substr(ts, 18, 9)::double precision));
END
$$;

-- Whether a text is a SHA-256 hash in lower-case hex. A third of the cost of the regular expression.
CREATE FUNCTION "audit_is_hash"("hex" text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN octet_length(hex) = 64 AND encode(decode(hex, 'hex'), 'hex') = hex;

-- Where the log ends. Its one row is what writers queue for, and it exists from genesis on: locking the newest entry
-- instead would let two writers through, since an entry that does not exist yet cannot be locked.
CREATE TABLE "audit_head" (
    "id" SMALLINT NOT NULL DEFAULT 1,
    "origin" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "hash_chain" VARCHAR(64) NOT NULL,

    CONSTRAINT "audit_head_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "audit_head_single_check" CHECK ("id" = 1),
    CONSTRAINT "audit_head_origin_check" CHECK ("origin" <> ''),
    CONSTRAINT "audit_head_seq_check" CHECK ("seq" BETWEEN 0 AND 9007199254740991),
    CONSTRAINT "audit_head_hash_chain_check" CHECK ("audit_is_hash"("hash_chain"))
);

-- The payload is the record; all columns but the hashes are read from it by the database, so none can disagree.
-- No foreign key to investigations: the log outlives what it tells of, and neither blocks nor follows an erasure.
CREATE TABLE "audit_logs" (
    "seq" BIGINT NOT NULL,
    "payload" TEXT NOT NULL,
    "leaf_hash" VARCHAR(64) NOT NULL,
    "prev_hash" VARCHAR(64) NOT NULL,
    "hash_chain" VARCHAR(64) NOT NULL,
    "id" UUID NOT NULL GENERATED ALWAYS AS (("payload"::json ->> 'id')::uuid) STORED,
    "investigation_id" VARCHAR(50) GENERATED ALWAYS AS ("payload"::json ->> 'investigation') STORED,
    "agent_name" VARCHAR(100) NOT NULL GENERATED ALWAYS AS ("payload"::json ->> 'agent') STORED,
    "action" VARCHAR(100) NOT NULL GENERATED ALWAYS AS ("payload"::json ->> 'action') STORED,
    "timestamp" TIMESTAMPTZ(6) NOT NULL GENERATED ALWAYS AS ("audit_instant"("payload"::json ->> 'ts')) STORED,
    -- JSON, not JSONB: it keeps the text as it is.
    "data" JSON NOT NULL GENERATED ALWAYS AS ("payload"::json -> 'data') STORED,

    CONSTRAINT "audit_logs_pkey" PRIMARY KEY ("seq"),
    -- A second successor of the same entry would be a fork.
    CONSTRAINT "audit_logs_prev_hash_key" UNIQUE ("prev_hash"),
    CONSTRAINT "audit_logs_hash_chain_key" UNIQUE ("hash_chain"),
    CONSTRAINT "audit_logs_id_key" UNIQUE ("id"),
    CONSTRAINT "audit_logs_seq_check" CHECK ("seq" >= 1),
    CONSTRAINT "audit_logs_leaf_hash_check" CHECK ("audit_is_hash"("leaf_hash")),
    CONSTRAINT "audit_logs_prev_hash_check" CHECK ("audit_is_hash"("prev_hash")),
    CONSTRAINT "audit_logs_hash_chain_check" CHECK ("audit_is_hash"("hash_chain")),
    CONSTRAINT "audit_logs_payload_size_check" CHECK (octet_length("payload") <= 65536),
    CONSTRAINT "audit_logs_data_check" CHECK (json_typeof("data") = 'object'),
    -- Version 1 has exactly these members in this order. A payload with one twice, or one more, would mean different
    -- things to different readers; a writer that comes past the library cannot put one in.
    CONSTRAINT "audit_logs_payload_check" CHECK (
        coalesce("payload" = '{"action":' || to_json("action"::text)::text
            || ',"agent":' || to_json("agent_name"::text)::text
            || ',"data":' || "data"::text
            || ',"id":"' || "id"::text
            || '","investigation":' || coalesce(to_json("investigation_id"::text)::text, 'null')
            || ',"log":' || to_json("payload"::json ->> 'log')::text
            || ',"ts":"' || to_char("timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            || '","v":1}', FALSE)
    )
);

CREATE INDEX "idx_audit_investigation" ON "audit_logs" ("investigation_id", "seq");
CREATE INDEX "idx_audit_agent" ON "audit_logs" ("agent_name", "seq");
CREATE INDEX "idx_audit_timestamp" ON "audit_logs" ("timestamp");

-- What opens the commitments of an entry. An ordinary table: deleting a row is how personal data is erased.
CREATE TABLE "audit_private" (
    "entry_id" UUID NOT NULL,
    "field" TEXT NOT NULL,
    "salt" BYTEA NOT NULL,
    -- Canonical JSON as text: what the commitment was made of, byte for byte.
    "value" TEXT NOT NULL,

    CONSTRAINT "audit_private_pkey" PRIMARY KEY ("entry_id", "field"),
    CONSTRAINT "audit_private_salt_check" CHECK (octet_length("salt") = 32),
    CONSTRAINT "audit_private_entry_id_fkey" FOREIGN KEY ("entry_id")
        REFERENCES "audit_logs" ("id") ON DELETE RESTRICT ON UPDATE RESTRICT
);

-- ---------------------------------------------------------------------------------------------------------------------
-- appending
-- ---------------------------------------------------------------------------------------------------------------------
-- h(0): every origin has one of its own, so that no history fits another deployment.
CREATE FUNCTION "audit_genesis"("origin" text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT encode(sha256(convert_to('cidadao-audit/v1/genesis', 'UTF8') || '\x00'::bytea || convert_to(origin, 'UTF8')), 'hex')
$$;

-- Appends payloads in order. The lock on the head row is the only queue: it is held until the caller's transaction
-- ends, so this is called last in it. Numbers come from the head row, so a rollback leaves no gap.
CREATE FUNCTION "audit_append"("payloads" text[])
RETURNS TABLE ("seq" bigint, "leaf_hash" text, "hash_chain" text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    head audit_head%ROWTYPE;
    entry text;
    leaf bytea;
    link bytea;
    entry_numbers bigint[] := '{}';
    leaves text[] := '{}';
    links text[] := '{}';
BEGIN
    IF coalesce(cardinality(payloads), 0) = 0 OR array_position(payloads, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'audit_append takes one or more payloads, none of them null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT * INTO head FROM audit_head FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the audit log is not open' USING ERRCODE = 'ZA001';
    END IF;
    link := decode(head.hash_chain, 'hex');
    links := array_append(links, head.hash_chain::text);
    FOREACH entry IN ARRAY payloads LOOP
        IF entry::json ->> 'log' IS DISTINCT FROM head.origin THEN
            RAISE EXCEPTION 'this database holds the audit log %, not %', head.origin, coalesce(entry::json ->> 'log', 'null')
                USING ERRCODE = 'ZA002';
        END IF;
        head.seq := head.seq + 1;
        leaf := sha256('\x00'::bytea || convert_to(entry, 'UTF8'));
        link := sha256(convert_to('cidadao-audit/v1/link', 'UTF8') || '\x00'::bytea || int8send(head.seq) || link || leaf);
        entry_numbers := array_append(entry_numbers, head.seq);
        leaves := array_append(leaves, encode(leaf, 'hex'));
        links := array_append(links, encode(link, 'hex'));
    END LOOP;
    INSERT INTO audit_logs (seq, payload, leaf_hash, prev_hash, hash_chain)
        SELECT new.seq, new.payload, new.leaf, new.prev, new.link
        FROM unnest(entry_numbers, payloads, leaves, links[:cardinality(payloads)], links[2:]) AS new (seq, payload, leaf, prev, link);
    UPDATE audit_head SET seq = head.seq, hash_chain = encode(link, 'hex');
    RETURN QUERY SELECT new.seq, new.leaf, new.link FROM unnest(entry_numbers, leaves, links[2:]) AS new (seq, leaf, link);
END
$$;

-- Makes sure that the log has a beginning: genesis and, as entry 1, the payload given. Any number of processes may
-- call it at once and again; one of them opens, the others wait for it and find the log open.
CREATE FUNCTION "audit_open"("log_origin" text, "opening_payload" text)
RETURNS TABLE ("origin" text, "seq" bigint, "hash_chain" text, "opened" boolean)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    inserted bigint;
BEGIN
    INSERT INTO audit_head (origin, seq, hash_chain) VALUES (log_origin, 0, audit_genesis(log_origin)) ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS inserted = ROW_COUNT;
    IF inserted > 0 THEN
        IF EXISTS (SELECT FROM audit_logs) THEN
            RAISE EXCEPTION 'the audit log has entries but its head row is gone: it was tampered with or restored in part'
                USING ERRCODE = 'ZA002';
        END IF;
        PERFORM audit_append(ARRAY[opening_payload]);
    END IF;
    RETURN QUERY SELECT head.origin, head.seq, head.hash_chain::text, inserted > 0 FROM audit_head AS head;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- append-only, for whoever connects
-- ---------------------------------------------------------------------------------------------------------------------
CREATE FUNCTION "audit_refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION "audit_guard_head"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq <= OLD.seq OR NEW.origin <> OLD.origin THEN
        RAISE EXCEPTION 'the head of the audit log only moves on' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER "audit_logs_append_only" BEFORE UPDATE OR DELETE ON "audit_logs"
    FOR EACH ROW EXECUTE FUNCTION "audit_refuse_change"();
CREATE TRIGGER "audit_logs_no_truncate" BEFORE TRUNCATE ON "audit_logs"
    FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse_change"();
CREATE TRIGGER "audit_head_moves_on" BEFORE UPDATE ON "audit_head"
    FOR EACH ROW EXECUTE FUNCTION "audit_guard_head"();
CREATE TRIGGER "audit_head_stays" BEFORE DELETE ON "audit_head"
    FOR EACH ROW EXECUTE FUNCTION "audit_refuse_change"();
CREATE TRIGGER "audit_head_no_truncate" BEFORE TRUNCATE ON "audit_head"
    FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse_change"();

-- ALWAYS: they fire under session_replication_role = replica as well.
ALTER TABLE "audit_logs" ENABLE ALWAYS TRIGGER "audit_logs_append_only";
ALTER TABLE "audit_logs" ENABLE ALWAYS TRIGGER "audit_logs_no_truncate";
ALTER TABLE "audit_head" ENABLE ALWAYS TRIGGER "audit_head_moves_on";
ALTER TABLE "audit_head" ENABLE ALWAYS TRIGGER "audit_head_stays";
ALTER TABLE "audit_head" ENABLE ALWAYS TRIGGER "audit_head_no_truncate";

-- ---------------------------------------------------------------------------------------------------------------------
-- who may do what
-- ---------------------------------------------------------------------------------------------------------------------
REVOKE ALL ON "audit_logs", "audit_head", "audit_private" FROM PUBLIC;
REVOKE ALL ON FUNCTION "audit_append"(text[]), "audit_open"(text, text) FROM PUBLIC;

-- The definer's functions resolve names in the system catalog first, then in the log's own schema, and in the caller's
-- temporary schema last: a caller cannot slip in a table or an operator of their own.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION audit_append(text[]) SET search_path = pg_catalog, %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION audit_open(text, text) SET search_path = pg_catalog, %I, pg_temp', current_schema());
END
$$;

-- Two roles without login: `cidadao_audit_owner` owns the log; `cidadao_audit_writer` may append and read, and is granted
-- to the application's login. Roles belong to the whole server, so another database may have made them already.
-- Where the migrating user may not make roles or hand tables over, it stays the owner: then the triggers alone protect
-- the log, and an owner can drop them.
DO $$
DECLARE
    log_schema text := current_schema();
    role_name text;
    is_superuser boolean := (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user);
BEGIN
    FOREACH role_name IN ARRAY ARRAY['cidadao_audit_owner', 'cidadao_audit_writer'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                RAISE NOTICE 'role % was made by another migration meanwhile', role_name;
            END;
        END IF;
        -- Whoever makes a role may not, from PostgreSQL 16 on, act as it without this.
        IF NOT is_superuser THEN
            EXECUTE format('GRANT %I TO %I', role_name, current_user);
        END IF;
    END LOOP;

    EXECUTE format('GRANT USAGE ON SCHEMA %I TO cidadao_audit_owner, cidadao_audit_writer', log_schema);
    -- Ownership can be handed only to a role that may create in the schema; it keeps that no longer than needed.
    EXECUTE format('GRANT CREATE ON SCHEMA %I TO cidadao_audit_owner', log_schema);
    GRANT SELECT ON audit_logs, audit_head TO cidadao_audit_writer;
    GRANT SELECT, INSERT, DELETE ON audit_private TO cidadao_audit_writer;
    GRANT EXECUTE ON FUNCTION audit_append(text[]), audit_open(text, text) TO cidadao_audit_writer;
    ALTER TABLE audit_logs OWNER TO cidadao_audit_owner;
    ALTER TABLE audit_head OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_instant(text) OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_is_hash(text) OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_genesis(text) OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_refuse_change() OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_guard_head() OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_append(text[]) OWNER TO cidadao_audit_owner;
    ALTER FUNCTION audit_open(text, text) OWNER TO cidadao_audit_owner;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM cidadao_audit_owner', log_schema);
    -- A member of the owning role can do what the owner can; this was needed only for the hand-over.
    IF NOT is_superuser THEN
        EXECUTE format('REVOKE cidadao_audit_owner FROM %I', current_user);
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'the audit log stays owned by %: % (its triggers hold, but an owner can drop them)', current_user, SQLERRM;
END
$$;
