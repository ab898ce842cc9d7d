-- Metrics history by month, so that forgetting is dropping a table instead of deleting its rows. For PostgreSQL 15 and
-- later, where partitioned tables cannot have identity columns yet: hence a sequence.
-- Hand-finished: partitions are beyond Prisma's schema language.

-- The table as it was becomes the partition of all that has no month of its own yet. No row is copied here; the
-- function below moves them.
ALTER TABLE "metrics" RENAME TO "metrics_default";
ALTER TABLE "metrics_default" ALTER COLUMN "id" DROP IDENTITY;
ALTER TABLE "metrics_default" DROP CONSTRAINT "metrics_pkey";
ALTER INDEX "metrics_name_time_idx" RENAME TO "metrics_default_name_time_idx";
-- The primary key now begins with the time and does its work.
DROP INDEX "metrics_time_idx";

CREATE SEQUENCE "metrics_id_seq" AS BIGINT;
SELECT setval('metrics_id_seq', coalesce(max("id"), 0) + 1, FALSE) FROM "metrics_default";
ALTER TABLE "metrics_default" ALTER COLUMN "id" SET DEFAULT nextval('metrics_id_seq');

CREATE TABLE "metrics" (
    "id" BIGINT NOT NULL DEFAULT nextval('metrics_id_seq'),
    "metric_name" VARCHAR(100) NOT NULL,
    "metric_value" DOUBLE PRECISION NOT NULL,
    "tags" JSONB NOT NULL DEFAULT '{}',
    "timestamp" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "metrics_pkey" PRIMARY KEY ("timestamp", "id"),
    CONSTRAINT "metrics_metric_name_check" CHECK ("metric_name" <> ''),
    CONSTRAINT "metrics_metric_value_check"
        CHECK ("metric_value" > '-Infinity' AND "metric_value" < 'Infinity'),
    CONSTRAINT "metrics_tags_check" CHECK (jsonb_typeof("tags") = 'object' AND length("tags"::text) <= 2048)
) PARTITION BY RANGE ("timestamp");

ALTER SEQUENCE "metrics_id_seq" OWNED BY "metrics"."id";
CREATE INDEX "metrics_name_time_idx" ON "metrics" ("metric_name", "timestamp" DESC, "id" DESC);
ALTER TABLE "metrics" ATTACH PARTITION "metrics_default" DEFAULT;

-- Months are those of UTC, whatever the session's time zone is.
CREATE FUNCTION "metrics_partition_name"("month" timestamptz) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT 'metrics_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM')
$$;

-- Makes the partitions from this month to `months_ahead` later, and one more for the newest month that waits in the
-- default partition and is not too old: one at a call, so that the locks are short. Returns what was made, and whether
-- more is waiting. One caller at a time; the others are told that somebody is at it. Needs the table's owner.
CREATE FUNCTION "metrics_make_partitions"("today" timestamptz, "months_ahead" integer, "keep_from" timestamptz)
RETURNS TABLE ("outcome" text, "made" text[], "moved" bigint, "waiting" boolean)
LANGUAGE plpgsql SET "TimeZone" = 'UTC' SET "lock_timeout" = '2s' AS $$
DECLARE
    horizon CONSTANT timestamptz := date_trunc('month', today) + (months_ahead + 1) * interval '1 month';
    oldest CONSTANT timestamptz := date_trunc('month', coalesce(keep_from, '0001-01-01'));
    in_schema CONSTANT text := (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'metrics'::regclass);
    month timestamptz;
    partition_name text;
    moved_rows bigint;
BEGIN
    made := '{}';
    moved := 0;
    waiting := FALSE;
    outcome := 'busy';
    IF NOT pg_try_advisory_xact_lock(hashtextextended('cidadao metrics partitions', 0)) THEN
        RETURN NEXT;
        RETURN;
    END IF;
    outcome := 'done';
    FOR month IN
        (SELECT date_trunc('month', "timestamp") FROM metrics_default
         WHERE "timestamp" >= oldest AND "timestamp" < date_trunc('month', today) ORDER BY "timestamp" DESC LIMIT 1)
        UNION ALL
        SELECT generate_series(date_trunc('month', today), horizon - interval '1 day', interval '1 month')
    LOOP
        partition_name := metrics_partition_name(month);
        CONTINUE WHEN to_regclass(format('%s.%I', in_schema, partition_name)) IS NOT NULL;
        -- In the order in which readers and writers lock, and before the rows are moved: a row for this month that came
        -- into the default partition meanwhile would make the last step fail.
        LOCK TABLE ONLY metrics IN SHARE UPDATE EXCLUSIVE MODE;
        LOCK TABLE metrics_default IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('CREATE TABLE %s.%I (LIKE metrics INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', in_schema, partition_name);
        EXECUTE format(
            'WITH moved AS (DELETE FROM metrics_default WHERE "timestamp" >= %L AND "timestamp" < %L RETURNING *)
             INSERT INTO %s.%I SELECT * FROM moved',
            month, month + interval '1 month', in_schema, partition_name);
        GET DIAGNOSTICS moved_rows = ROW_COUNT;
        EXECUTE format('ALTER TABLE metrics ATTACH PARTITION %s.%I FOR VALUES FROM (%L) TO (%L)',
            in_schema, partition_name, month, month + interval '1 month');
        made := array_append(made, partition_name);
        moved := moved + moved_rows;
    END LOOP;
    waiting := cardinality(made) > 0
        AND EXISTS (SELECT FROM metrics_default WHERE "timestamp" >= oldest AND "timestamp" < date_trunc('month', today));
    RETURN NEXT;
END
$$;

-- Drops the partitions whose months ended before `keep_from`, and deletes from the default partition what is as old.
-- Waits for two seconds at most for those who read, and holds nobody up for longer than that.
CREATE FUNCTION "metrics_drop_partitions"("keep_from" timestamptz)
RETURNS TABLE ("outcome" text, "dropped" text[], "deleted" bigint)
LANGUAGE plpgsql SET "TimeZone" = 'UTC' SET "lock_timeout" = '2s' AS $$
DECLARE
    expired record;
BEGIN
    dropped := '{}';
    deleted := 0;
    outcome := 'busy';
    IF NOT pg_try_advisory_xact_lock(hashtextextended('cidadao metrics partitions', 0)) THEN
        RETURN NEXT;
        RETURN;
    END IF;
    outcome := 'done';
    -- Names are compared as text: they sort as their months do.
    FOR expired IN
        SELECT child.oid::regclass AS partition, child.relname AS partition_name
        FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
        WHERE inhparent = 'metrics'::regclass
            AND child.relname ~ '^metrics_\d{4}_\d{2}$' AND child.relname < metrics_partition_name(keep_from)
        ORDER BY child.relname
    LOOP
        EXECUTE format('DROP TABLE %s', expired.partition);
        dropped := array_append(dropped, expired.partition_name::text);
    END LOOP;
    DELETE FROM metrics_default WHERE "timestamp" < date_trunc('month', keep_from);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;
END
$$;

-- So that the table is in order from the first moment, whether or not anybody ever calls again.
SELECT * FROM "metrics_make_partitions"(CURRENT_TIMESTAMP, 2, NULL);
