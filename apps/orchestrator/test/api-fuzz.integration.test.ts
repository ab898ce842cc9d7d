import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiKeyStore } from '@cidadao/db'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { eventually } from '@cidadao/testing'
import { expect, it, onTestFinished } from 'vitest'
import { createHttpServer } from '../src/api/http-server.ts'
import type { InvestigationView } from '../src/api/api-ports.ts'
import { sourcesInside } from '../src/api/source-folder.ts'
import { InvestigationProofs } from '../src/audit/investigation-proofs.ts'
import { apiOf } from '../src/orchestrator.ts'
import { fuzzApi } from './fuzz/fuzz-api.ts'
import { describedClient } from './support/described-client.ts'
import { API_KEY, serve, startHouse } from './support/test-house.ts'

/** The whole campaign is `npx nx run orchestrator:fuzz`. */
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 500)
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_123)
const PER_REQUEST_MS = 200

it(
  `the API answers ${REQUESTS} requests that its document allows and forbids, without a failure, a stack or a hang (seed ${SEED})`,
  { timeout: 120_000 + REQUESTS * PER_REQUEST_MS },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cidadao-fuzz-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await writeSyntheticPortal(join(folder, 'small'), { seed: 1, contracts: 60 })
    const { house, config } = await startHouse({ CIDADAO_DATA_SOURCE_ROOT: folder })
    const { db, orchestrator, telemetry } = house
    const store = createApiKeyStore(db)
    const people = await Promise.all((['owner', 'auditor', 'operator'] as const).map((role) => store.create({ subject: 'fuzz', role })))
    const { health, metrics, logger } = telemetry
    // Here the limits must not keep the requests from what is behind them.
    const options = { ...config.http, apiKey: API_KEY, requestsPerSecond: 1e6, requestBurst: 1e6 }
    const investigations = apiOf(orchestrator, sourcesInside(folder), new InvestigationProofs({ db, config }))
    const keys = { knows: () => true, verify: async (text: string) => people.find(({ key }) => key === text) }
    const client = await describedClient(await serve(createHttpServer(options, { investigations, health, metrics, logger, apiKeys: keys })))
    const { id } = (await (await client.post('/investigations', { query: 'All contracts', source: 'small' })).json()) as InvestigationView
    await eventually(async () => expect((await orchestrator.get(id)).status).toBe('completed'), { deadlineMs: 60_000 })
    const report = await fuzzApi(client, {
      requests: REQUESTS,
      seed: SEED,
      keys: [API_KEY, API_KEY, ...people.map(({ key }) => key), 'wrong', null],
      ids: [id],
      deadlineMs: 30_000,
    })
    expect(report.faults).toEqual([])
    // It reached what is behind the checks, and the checks too.
    for (const status of ['200', '401', '403', '404', '422']) expect(Object.keys(report.byStatus)).toContain(status)
  },
)
