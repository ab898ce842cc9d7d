-- What the durable engine keeps besides plans, steps and events.

-- One row for each investigation in its hands, from submission to end: small, whatever the table of investigations is.
CREATE TABLE "open_runs" (
    "investigation_id" VARCHAR(50) NOT NULL,
    "plan_revision" INTEGER NOT NULL DEFAULT 1,
    "stop_reason" VARCHAR(20),
    "deadline_at" TIMESTAMPTZ(3) NOT NULL,
    -- The reconciler looks at those first that it has not looked at for longest.
    "looked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "open_runs_pkey" PRIMARY KEY ("investigation_id"),
    CONSTRAINT "open_runs_plan_revision_check" CHECK ("plan_revision" >= 1),
    CONSTRAINT "open_runs_stop_reason_check" CHECK ("stop_reason" IN ('cancelled', 'timed_out')),
    CONSTRAINT "open_runs_investigation_id_fkey" FOREIGN KEY ("investigation_id")
        REFERENCES "investigations" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE INDEX "open_runs_deadline_idx" ON "open_runs" ("deadline_at");
CREATE INDEX "open_runs_looked_idx" ON "open_runs" ("looked_at");

-- The job that does the step, while it waits or runs; and when a step that waits for a time or a person is due.
ALTER TABLE "investigation_steps" ADD COLUMN "job_id" UUID;
ALTER TABLE "investigation_steps" ADD COLUMN "due_at" TIMESTAMPTZ(3);
ALTER TABLE "investigation_steps" ADD CONSTRAINT "investigation_steps_open_check"
    CHECK ("status" IN ('pending', 'running') OR ("job_id" IS NULL AND "due_at" IS NULL));

CREATE INDEX "investigation_steps_due_idx" ON "investigation_steps" ("due_at") WHERE "due_at" IS NOT NULL;
