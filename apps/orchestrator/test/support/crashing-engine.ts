/** A process that carries out one run and is killed in the middle of it. Arguments: address of the database, id of the run. */
import { createAgentPool, defineAgent } from '@cidadao/agent-pool'
import { createCache } from '@cidadao/cache'
import { silentLogger, systemClock } from '@cidadao/contracts'
import { createDatabase } from '@cidadao/db'
import { z } from 'zod'
import { CachedStepMemory } from '../../src/engine/cached-step-memory.ts'
import { DatabaseRunStore } from '../../src/engine/database-run-store.ts'
import { InlineEngine } from '../../src/engine/inline-engine.ts'
import { PoolStepRunner } from '../../src/engine/pool-step-runner.ts'
import { planSchema } from '../../src/plan/plan.ts'

const [url = '', id = '', plan = ''] = process.argv.slice(2)
const contract = { version: '1', input: z.record(z.string(), z.json()), output: z.unknown() } as const
const quick = defineAgent({ ...contract, name: 'quick', run: () => ({ by: 'first process' }) })
const slow = defineAgent({
  ...contract,
  name: 'slow',
  run: () => {
    process.stdout.write('in the middle\n')
    return new Promise<never>(() => {})
  },
})

const db = createDatabase({ url, auditOrigin: 'audit.cidadao.test/orchestrator', migrations: 'require' })
const pool = createAgentPool({ agents: [quick, slow] })
const cache = createCache({})
const engine = new InlineEngine({
  store: new DatabaseRunStore(db, systemClock),
  runner: new PoolStepRunner(pool),
  memory: new CachedStepMemory(cache, { ttlMs: 60_000, logger: silentLogger }),
  clock: systemClock,
})
for (const service of [db, cache, pool, engine]) await service.start()
await engine.submit({ id, owner: null, query: 'q', source: '/data', plan: planSchema.parse(JSON.parse(plan)) })
setInterval(() => {}, 60_000)
