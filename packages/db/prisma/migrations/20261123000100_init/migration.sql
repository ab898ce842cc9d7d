-- Investigations, what the orchestrator keeps of them, metrics history and the cache's slowest tier.
-- Hand-finished: checks, triggers, GENERATED identities and UNLOGGED are beyond Prisma's schema language.

-- ---------------------------------------------------------------------------------------------------------------------
-- investigations
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE "investigations" (
    "id" VARCHAR(50) NOT NULL,
    "user_id" VARCHAR(50),
    "query" TEXT NOT NULL,
    "status" VARCHAR(20) NOT NULL DEFAULT 'pending',
    "results" JSONB,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completed_at" TIMESTAMPTZ(3),
    "error_message" TEXT,
    "confidence_score" DOUBLE PRECISION,
    "anomalies_found" BIGINT NOT NULL DEFAULT 0,
    "processing_time_ms" BIGINT NOT NULL DEFAULT 0,
    "version" BIGINT NOT NULL DEFAULT 1,
    "attempt" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "investigations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "investigations_id_check" CHECK ("id" <> '' AND "id" = btrim("id")),
    CONSTRAINT "investigations_user_id_check" CHECK ("user_id" <> ''),
    CONSTRAINT "investigations_query_check" CHECK (btrim("query") <> ''),
    CONSTRAINT "investigations_status_check"
        CHECK ("status" IN ('pending', 'processing', 'completed', 'error', 'cancelled')),
    -- An empty result is {} or []; no result is NULL. A JSON null would be a third way to say the second.
    CONSTRAINT "investigations_results_check" CHECK (jsonb_typeof("results") IN ('object', 'array')),
    CONSTRAINT "investigations_metadata_check" CHECK (jsonb_typeof("metadata") = 'object'),
    -- NaN sorts above every number in PostgreSQL, so the upper bound refuses it as well.
    CONSTRAINT "investigations_confidence_score_check" CHECK ("confidence_score" BETWEEN 0 AND 1),
    CONSTRAINT "investigations_anomalies_found_check" CHECK ("anomalies_found" BETWEEN 0 AND 9007199254740991),
    CONSTRAINT "investigations_processing_time_ms_check" CHECK ("processing_time_ms" BETWEEN 0 AND 9007199254740991),
    CONSTRAINT "investigations_version_check" CHECK ("version" >= 1),
    CONSTRAINT "investigations_attempt_check" CHECK ("attempt" >= 1),
    CONSTRAINT "investigations_completed_at_check" CHECK (
        CASE
            WHEN "status" = 'completed' THEN "completed_at" IS NOT NULL
            WHEN "status" IN ('pending', 'processing') THEN "completed_at" IS NULL
            ELSE TRUE
        END
    ),
    CONSTRAINT "investigations_completed_after_created_check" CHECK ("completed_at" >= "created_at"),
    CONSTRAINT "investigations_error_message_check"
        CHECK ("status" <> 'error' OR ("error_message" IS NOT NULL AND btrim("error_message") <> ''))
);

-- One for each way in which `find` asks: everything, one owner's, one owner's by status, by status.
CREATE INDEX "investigations_created_idx" ON "investigations" ("created_at" DESC, "id" DESC);
CREATE INDEX "investigations_owner_created_idx" ON "investigations" ("user_id", "created_at" DESC, "id" DESC);
CREATE INDEX "investigations_owner_status_created_idx"
    ON "investigations" ("user_id", "status", "created_at" DESC, "id" DESC);
CREATE INDEX "investigations_status_created_idx" ON "investigations" ("status", "created_at" DESC, "id" DESC);

-- The same table as in src/investigations/investigation-status.ts; a test compares the two, pair by pair.
CREATE FUNCTION "investigation_transition_allowed"("from_status" text, "to_status" text, "attempts_added" integer)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN attempts_added = 1 THEN from_status = 'error' AND to_status = 'pending'
        WHEN attempts_added <> 0 THEN FALSE
        WHEN from_status = to_status THEN TRUE
        WHEN from_status = 'pending' THEN to_status IN ('processing', 'error', 'cancelled')
        WHEN from_status = 'processing' THEN to_status IN ('completed', 'error', 'cancelled')
        ELSE FALSE
    END
$$;

-- Holds for every writer, also for a person with psql: identity never changes, states follow the table above, and each
-- write is a new version with its time.
CREATE FUNCTION "investigations_guard"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed text;
BEGIN
    changed := CASE
        WHEN NEW.id <> OLD.id THEN 'id'
        WHEN NEW.user_id IS DISTINCT FROM OLD.user_id THEN 'user_id'
        WHEN NEW.query <> OLD.query THEN 'query'
        WHEN NEW.created_at <> OLD.created_at THEN 'created_at'
    END;
    IF changed IS NOT NULL THEN
        RAISE EXCEPTION 'column % of an investigation cannot change', changed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'investigations_immutable', TABLE = 'investigations', COLUMN = changed;
    END IF;
    IF (NEW.status <> OLD.status OR NEW.attempt <> OLD.attempt)
        AND NOT investigation_transition_allowed(OLD.status, NEW.status, NEW.attempt - OLD.attempt) THEN
        RAISE EXCEPTION 'an investigation cannot go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'investigations_transition', TABLE = 'investigations',
                  DETAIL = OLD.status || '>' || NEW.status;
    END IF;
    NEW.version := OLD.version + 1;
    NEW.updated_at := GREATEST(OLD.updated_at, clock_timestamp());
    RETURN NEW;
END
$$;

CREATE TRIGGER "investigations_guard" BEFORE UPDATE ON "investigations"
    FOR EACH ROW EXECUTE FUNCTION "investigations_guard"();

-- ---------------------------------------------------------------------------------------------------------------------
-- plans, steps and events of the orchestrator
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE "investigation_plans" (
    "investigation_id" VARCHAR(50) NOT NULL,
    "revision" INTEGER NOT NULL,
    "plan" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "investigation_plans_pkey" PRIMARY KEY ("investigation_id", "revision"),
    CONSTRAINT "investigation_plans_revision_check" CHECK ("revision" >= 1),
    CONSTRAINT "investigation_plans_plan_check" CHECK (jsonb_typeof("plan") = 'object'),
    CONSTRAINT "investigation_plans_investigation_id_fkey" FOREIGN KEY ("investigation_id")
        REFERENCES "investigations" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE "investigation_steps" (
    "investigation_id" VARCHAR(50) NOT NULL,
    "step_id" VARCHAR(100) NOT NULL,
    "agent" VARCHAR(100) NOT NULL,
    "agent_version" VARCHAR(50) NOT NULL,
    "status" VARCHAR(20) NOT NULL DEFAULT 'pending',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "input_hash" VARCHAR(64),
    "result" JSONB,
    "error" JSONB,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "investigation_steps_pkey" PRIMARY KEY ("investigation_id", "step_id"),
    CONSTRAINT "investigation_steps_step_id_check" CHECK ("step_id" <> ''),
    CONSTRAINT "investigation_steps_status_check"
        CHECK ("status" IN ('pending', 'running', 'completed', 'failed', 'skipped', 'cancelled')),
    CONSTRAINT "investigation_steps_attempt_check" CHECK ("attempt" >= 0),
    CONSTRAINT "investigation_steps_input_hash_check" CHECK ("input_hash" ~ '^[0-9a-f]{64}$'),
    CONSTRAINT "investigation_steps_started_at_check" CHECK ("status" <> 'running' OR "started_at" IS NOT NULL),
    CONSTRAINT "investigation_steps_finished_at_check"
        CHECK (("status" IN ('pending', 'running')) = ("finished_at" IS NULL)),
    CONSTRAINT "investigation_steps_error_check" CHECK ("status" <> 'failed' OR "error" IS NOT NULL),
    CONSTRAINT "investigation_steps_investigation_id_fkey" FOREIGN KEY ("investigation_id")
        REFERENCES "investigations" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- What a reconciler looks for; finished steps, nearly all of the table, are not in it.
CREATE INDEX "investigation_steps_open_idx" ON "investigation_steps" ("status", "started_at")
    WHERE "status" IN ('pending', 'running');

CREATE TABLE "investigation_events" (
    "seq" BIGINT GENERATED ALWAYS AS IDENTITY,
    "investigation_id" VARCHAR(50) NOT NULL,
    "type" VARCHAR(100) NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "investigation_events_pkey" PRIMARY KEY ("seq"),
    CONSTRAINT "investigation_events_type_check" CHECK ("type" <> ''),
    CONSTRAINT "investigation_events_investigation_id_fkey" FOREIGN KEY ("investigation_id")
        REFERENCES "investigations" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE INDEX "investigation_events_investigation_idx" ON "investigation_events" ("investigation_id", "seq");

-- ---------------------------------------------------------------------------------------------------------------------
-- metrics history
-- ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE "metrics" (
    "id" BIGINT GENERATED ALWAYS AS IDENTITY,
    "metric_name" VARCHAR(100) NOT NULL,
    "metric_value" DOUBLE PRECISION NOT NULL,
    "tags" JSONB NOT NULL DEFAULT '{}',
    "timestamp" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "metrics_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "metrics_metric_name_check" CHECK ("metric_name" <> ''),
    CONSTRAINT "metrics_metric_value_check"
        CHECK ("metric_value" > '-Infinity' AND "metric_value" < 'Infinity'),
    CONSTRAINT "metrics_tags_check" CHECK (jsonb_typeof("tags") = 'object' AND length("tags"::text) <= 2048)
);

CREATE INDEX "metrics_name_time_idx" ON "metrics" ("metric_name", "timestamp" DESC, "id" DESC);
-- For retention, which deletes by time alone.
CREATE INDEX "metrics_time_idx" ON "metrics" ("timestamp");

-- ---------------------------------------------------------------------------------------------------------------------
-- the cache's slowest tier
-- ---------------------------------------------------------------------------------------------------------------------
-- UNLOGGED: written without WAL and emptied after a crash, which is what a cache may do.
CREATE UNLOGGED TABLE "cache_entries" (
    "key_hash" BIGINT NOT NULL,
    "key" TEXT NOT NULL,
    "namespace" TEXT NOT NULL,
    "generation" BIGINT NOT NULL DEFAULT 0,
    "payload" BYTEA,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "cache_entries_pkey" PRIMARY KEY ("key_hash", "key")
);

CREATE INDEX "cache_entries_expires_idx" ON "cache_entries" ("expires_at");
