-- Invalidations of the cache that commit with the change they belong to, and how far a relay has carried them.
-- Hand-finished: checks, identities, row-type defaults and partial indexes.

CREATE TABLE "cache_outbox" (
    "id" BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- Who wrote it. Numbers are handed out before commits, so neither `id` nor this says which rows a reader has seen;
    -- compared with a reader's snapshot, this does.
    "xid" XID8 NOT NULL DEFAULT pg_current_xact_id(),
    "namespace" VARCHAR(128) NOT NULL,
    "target" VARCHAR(10) NOT NULL,
    "names" TEXT[] NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "refused_at" TIMESTAMPTZ(3),
    "refusal" VARCHAR(200),

    CONSTRAINT "cache_outbox_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "cache_outbox_namespace_check" CHECK ("namespace" ~ '^[A-Za-z0-9_:.-]{1,128}$'),
    CONSTRAINT "cache_outbox_target_check" CHECK ("target" IN ('keys', 'tags', 'all')),
    CONSTRAINT "cache_outbox_names_check" CHECK (
        CASE WHEN "target" = 'all' THEN cardinality("names") = 0
             ELSE cardinality("names") BETWEEN 1 AND 1000 AND array_position("names", NULL) IS NULL
        END
    ),
    CONSTRAINT "cache_outbox_refusal_check" CHECK (("refused_at" IS NULL) = ("refusal" IS NULL))
);

-- The order in which the relay walks; what is below its snapshot is never looked at again.
CREATE INDEX "cache_outbox_xid_idx" ON "cache_outbox" ("xid", "id");
CREATE INDEX "cache_outbox_refused_idx" ON "cache_outbox" ("refused_at") WHERE "refused_at" IS NOT NULL;

-- One row. Delivered is what `delivered` sees; while `target` is set, also what `target` sees, up to the cursor.
-- Transaction numbers mean something on one server only, so the position says on which.
CREATE TABLE "cache_outbox_position" (
    "id" SMALLINT NOT NULL DEFAULT 1,
    "delivered" PG_SNAPSHOT NOT NULL,
    "target" PG_SNAPSHOT,
    "cursor_xid" XID8,
    "cursor_id" BIGINT,
    "system_identifier" BIGINT NOT NULL,

    CONSTRAINT "cache_outbox_position_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "cache_outbox_position_single_check" CHECK ("id" = 1),
    CONSTRAINT "cache_outbox_position_cursor_check"
        CHECK (("target" IS NULL) = ("cursor_xid" IS NULL) AND ("target" IS NULL) = ("cursor_id" IS NULL))
);

INSERT INTO "cache_outbox_position" ("delivered", "system_identifier")
SELECT pg_current_snapshot(), system_identifier FROM pg_control_system();
