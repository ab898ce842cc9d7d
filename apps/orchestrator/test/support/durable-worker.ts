/**
 * A worker process for the tests to kill. Arguments: address of the database, milliseconds that a step takes, and the
 * file to which each run of the agent is appended. Says `ready` once it takes work, `began STEP` for each step.
 */
import { appendFileSync } from 'node:fs'
import { createAgentPool, defineAgent } from '@cidadao/agent-pool'
import { delay, systemClock, type JsonValue } from '@cidadao/contracts'
import { createDatabase } from '@cidadao/db'
import { z } from 'zod'
import { PgBossEngine } from '../../src/engine/durable/pg-boss-engine.ts'
import { PoolStepRunner } from '../../src/engine/pool-step-runner.ts'
import { AUDIT_ORIGIN } from './audit-origin.ts'

const [url = '', workMs = '0', log = ''] = process.argv.slice(2)
const ANY_JSON = z.json() as z.ZodType<JsonValue>
const work = defineAgent({
  name: 'work',
  version: '1',
  description: 'Takes its time.',
  input: z.looseObject({ key: z.string() }),
  output: ANY_JSON,
  run: async ({ key }, { signal }) => {
    appendFileSync(log, `${process.pid} ${key}\n`)
    process.stdout.write(`began ${key}\n`)
    await delay(systemClock, Number(workMs), signal)
    return { key, by: process.pid }
  },
})

const db = createDatabase({ url, auditOrigin: AUDIT_ORIGIN, migrations: 'require', pool: { size: 2, maxOverflow: 6 } })
const pool = createAgentPool({ agents: [work] })
const engine = new PgBossEngine({
  db,
  runner: new PoolStepRunner(pool),
  capacity: (agent) => pool.capacity(agent as 'work'),
  memory: { recall: async () => undefined, remember: async () => {} },
  clock: systemClock,
  role: 'worker',
  groupConcurrency: 100,
  reconcileMs: 2_000,
})
for (const service of [db, pool, engine]) await service.start()
process.stdout.write('ready\n')
setInterval(() => {}, 60_000)
