import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiKeyStore, generateSignerKey, verifyEntryProof } from '@cidadao/db'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { eventually } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditPageView, EventPageView, InvestigationView } from '../src/api/api-ports.ts'
import type { HttpServer } from '../src/api/http-server.ts'
import { composeServer } from '../src/compose.ts'
import { describedClient, type DescribedClient } from './support/described-client.ts'
import { API_KEY, buildHouse, clientOf, type TestHouse } from './support/test-house.ts'

const SOON = { deadlineMs: 30_000 }
const REQUEST = { query: 'Analyze all contracts of 2024', source: 'small' }
const PEOPLE = ['ana', 'bea', 'auditor', 'operator'] as const

let folder: string
let built: TestHouse
let server: HttpServer
let api: DescribedClient
const keys: Record<string, string> = { local: API_KEY }
/** Ana's, completed. */
let anas: InvestigationView

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cidadao-owners-'))
  await writeSyntheticPortal(join(folder, 'small'), { seed: 1, contracts: 200 })
  built = await buildHouse({
    CIDADAO_DATA_SOURCE_ROOT: folder,
    CIDADAO_AUDIT_KEY: generateSignerKey('audit.cidadao.local/embedded'),
    CIDADAO_AUDIT_ANCHOR_FILE: join(folder, 'checkpoints.jsonl'),
    CIDADAO_AUDIT_CHECKPOINT_ENTRIES: '1',
  })
  await built.house.start()
  server = composeServer(built.config, built.house, API_KEY)
  await server.start()
  api = await describedClient(clientOf(server))
  const store = createApiKeyStore(built.house.db)
  for (const name of PEOPLE) {
    const role = name === 'auditor' || name === 'operator' ? name : 'owner'
    keys[name] = (await store.create({ subject: name, role })).key
  }
  anas = await completed('ana', await submit('ana'))
})
afterAll(async () => {
  await server.stop()
  await built.house.stop()
  await rm(folder, { recursive: true, force: true })
})

function ask(who: string, path: string, init: RequestInit = {}): Promise<Response> {
  return api.fetch(path, { ...init, key: keys[who] ?? null })
}

function post(who: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }
  return ask(who, path, { method: 'POST', ...sent })
}

async function submit(who: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await post(who, '/investigations', REQUEST, headers)
  expect(response.status).toBe(202)
  return ((await response.json()) as InvestigationView).id
}

async function see(who: string, id: string): Promise<InvestigationView> {
  return (await (await ask(who, `/investigations/${id}`)).json()) as InvestigationView
}

function completed(who: string, id: string): Promise<InvestigationView> {
  return eventually(async () => {
    const view = await see(who, id)
    expect(view.status).toBe('completed')
    return view
  }, SOON)
}

const READS = ['', '/events', '/findings', '/findings?format=csv', '/report', '/audit', '/audit/verification']

describe("another user's investigation", () => {
  it.each([...READS.map((path) => ['GET', path] as const), ['POST', '/cancel'] as const])(
    'is for %s …%s as if it did not exist, cached or not',
    async (method, path) => {
      const absent = '01900000-0000-7000-8000-000000000000'
      for (const who of ['bea', 'local']) {
        const answers = await Promise.all(
          [anas.id, absent].map(async (id) => {
            const response = await ask(who, `/investigations/${id}${path}`, { method })
            const { requestId, ...problem } = (await response.json()) as Record<string, unknown>
            expect(requestId).toBe(response.headers.get('x-request-id'))
            const headers = [...response.headers.keys()].toSorted()
            return { status: response.status, problem: JSON.stringify(problem).replaceAll(id, 'ID'), headers }
          }),
        )
        expect(answers[0]?.status).toBe(404)
        expect(answers[0]).toEqual(answers[1])
        // The owner's reading puts it into the cache; the next round is over a cached row.
        expect((await ask('ana', `/investigations/${anas.id}`)).status).toBe(200)
      }
    },
  )

  it('cannot be streamed, also not from an event on, nor found by an ETag', async () => {
    const stream = { accept: 'text/event-stream' }
    expect((await ask('bea', `/investigations/${anas.id}/events`, { headers: { ...stream, 'last-event-id': '1' } })).status).toBe(404)
    const own = await ask('ana', `/investigations/${anas.id}`)
    const tag = own.headers.get('etag') ?? ''
    expect((await ask('ana', `/investigations/${anas.id}`, { headers: { 'if-none-match': tag } })).status).toBe(304)
    expect((await ask('bea', `/investigations/${anas.id}`, { headers: { 'if-none-match': tag } })).status).toBe(404)
    expect((await ask('bea', `/investigations/${anas.id}`, { headers: { 'if-none-match': '*' } })).status).toBe(404)
  })

  it("is not in the list, nor behind another's cursor, nor reached by its idempotency key", async () => {
    const beas = await submit('bea', { 'idempotency-key': 'shared' })
    const again = await submit('ana', { 'idempotency-key': 'shared' })
    expect(again).not.toBe(beas)
    await completed('bea', beas)
    const lists = await Promise.all(['ana', 'bea', 'local'].map(async (who) => (await ask(who, '/investigations?limit=200')).json()))
    const [ofAna, ofBea, ofLocal] = (lists as { items: InvestigationView[] }[]).map(({ items }) => items)
    expect(new Set(ofAna?.map(({ owner }) => owner))).toEqual(new Set(['ana']))
    expect(ofBea?.map(({ id }) => id)).toEqual([beas])
    expect(ofLocal).toEqual([])
    const first = (await (await ask('auditor', '/investigations?limit=1')).json()) as { next: string }
    const beyond = (await (await ask('bea', `/investigations?after=${first.next}`)).json()) as { items: InvestigationView[] }
    expect(beyond.items.every(({ owner }) => owner === 'bea')).toBe(true)
  })
})

describe('a role', () => {
  it('auditor reads everything of everybody, and changes nothing', async () => {
    for (const path of READS) expect([path, (await ask('auditor', `/investigations/${anas.id}${path}`)).status]).toEqual([path, 200])
    const refused = await Promise.all([post('auditor', '/investigations', REQUEST), post('auditor', `/investigations/${anas.id}/cancel`)])
    expect(refused.map(({ status }) => status)).toEqual([403, 403])
    expect((await ask('auditor', '/metrics')).status).toBe(403)
    expect(await (await ask('auditor', '/health')).json()).not.toHaveProperty('checks')
  })

  it('operator sees health in detail and metrics, and of investigations not even whether they exist', async () => {
    await built.house.telemetry.health.sampled()
    expect(await (await ask('operator', '/health')).json()).toHaveProperty('checks')
    expect((await ask('operator', '/metrics')).status).toBe(200)
    for (const id of [anas.id, 'absent']) {
      for (const path of READS) expect((await ask('operator', `/investigations/${id}${path}`)).status).toBe(403)
    }
    expect((await ask('operator', '/investigations')).status).toBe(403)
    expect((await post('operator', '/investigations', REQUEST)).status).toBe(403)
  })

  it('owner gets neither metrics nor details of health, and a revoked key nothing at all', async () => {
    expect((await ask('ana', '/metrics')).status).toBe(403)
    expect(await (await ask('ana', '/health')).json()).not.toHaveProperty('checks')
    const store = createApiKeyStore(built.house.db)
    const { key, prefix } = await store.create({ subject: 'ana', role: 'owner' })
    await store.revoke(prefix)
    expect((await api.fetch('/investigations', { key })).status).toBe(401)
  })
})

describe('an idempotency key', () => {
  it('submits once, however often and however much at once, and refuses another request', async () => {
    const headers = { 'idempotency-key': 'monthly-2024' }
    const ids = await Promise.all(Array.from({ length: 5 }, () => submit('ana', headers)))
    expect(new Set([...ids, await submit('ana', headers)]).size).toBe(1)
    const other = await post('ana', '/investigations', { ...REQUEST, query: 'All contracts of 2023' }, headers)
    expect([other.status, ((await other.json()) as { code: string }).code]).toEqual([422, 'ORCHESTRATOR_IDEMPOTENCY_CONFLICT'])
    const { rows } = await built.house.db.sql.query(
      "SELECT 1 FROM investigation_events WHERE investigation_id = $1 AND type = 'investigation.submitted'",
      [ids[0]],
    )
    expect(rows).toHaveLength(1)
    const bad = await post('ana', '/investigations', REQUEST, { 'idempotency-key': 'two words' })
    expect(bad.status).toBe(422)
  })
})

describe('results', () => {
  it('are paged by record, filtered, and the same in CSV', async () => {
    interface Page {
      readonly findings: readonly { readonly rule: string; readonly records: readonly { readonly key: string }[] }[]
      readonly total: number
      readonly next: number | null
    }
    const rows: string[] = []
    let total = -1
    for (let after: number | null = 0; after !== null;) {
      const page = (await (await ask('ana', `/investigations/${anas.id}/findings?limit=7&after=${after}`)).json()) as Page
      for (const { rule, records } of page.findings)
        rows.push(...(records.length === 0 ? [rule] : records.map(({ key }) => `${rule} ${key}`)))
      total = page.total
      after = page.next
    }
    const results = anas.results as unknown as { findings: { rule: string; records: { key: string }[] }[] }
    const all = results.findings.flatMap(({ rule, records }) =>
      records.length === 0 ? [rule] : records.map(({ key }) => `${rule} ${key}`),
    )
    expect(rows).toEqual(all)
    expect(total).toBe(all.length)
    const one = (await (await ask('ana', `/investigations/${anas.id}/findings?rule=calendar`)).json()) as Page
    expect(one.findings.every(({ rule }) => rule === 'calendar')).toBe(true)
    const csv = await ask('ana', `/investigations/${anas.id}/findings?format=csv&limit=3`)
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(csv.headers.get('link')).toMatch(/after=3.*rel="next"/)
    expect((await csv.text()).trim().split('\r\n')).toHaveLength(4)
  })

  it('are reported in every format, as a download that can run nothing', async () => {
    for (const [format, type] of [
      ['html', 'text/html'],
      ['md', 'text/markdown'],
      ['csv', 'text/csv'],
      ['json', 'application/json'],
    ] as const) {
      const response = await ask('ana', `/investigations/${anas.id}/report?format=${format}&lang=en`)
      expect([response.status, response.headers.get('content-type')]).toEqual([200, `${type}; charset=utf-8`])
      expect(response.headers.get('content-security-policy')).toContain('sandbox')
      expect(response.headers.get('content-disposition')).toContain(`report-${anas.id}.${format}`)
      expect((await response.text()).length).toBeGreaterThan(100)
    }
  })

  it('that are not there yet are 409', async () => {
    const { id } = await built.house.db.investigations.save({ id: 'waiting', query: 'q', userId: 'ana' })
    for (const path of ['findings', 'report']) {
      const response = await ask('ana', `/investigations/${id}/${path}`)
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([409, 'ORCHESTRATOR_RESULTS_NOT_READY'])
    }
    await built.house.db.investigations.cancel(id)
  })

  it('have audit entries with proofs that hold without this system, once a checkpoint covers them', async () => {
    await eventually(async () => {
      const verdict = await (await ask('ana', `/investigations/${anas.id}/audit/verification`)).json()
      expect(verdict).toMatchObject({ outcome: 'verified', unsigned: 0, refused: [] })
    }, SOON)
    const page = (await (await ask('ana', `/investigations/${anas.id}/audit?limit=100`)).json()) as AuditPageView
    expect(page.entries.map(({ action }) => action)).toEqual(expect.arrayContaining(['investigation.submitted', 'investigation.completed']))
    for (const { proof, seq } of page.entries) {
      const verdict = verifyEntryProof(proof ?? '', page.origin, page.vkeys)
      expect(verdict).toMatchObject({ outcome: 'verified', seq })
      expect(verdict.outcome === 'verified' && verdict.payload).toContain(anas.id)
    }
    expect(JSON.stringify(page)).not.toContain(folder)
  })
})

describe('events', () => {
  it('are paged for whoever polls', async () => {
    const first = (await (await ask('ana', `/investigations/${anas.id}/events?limit=3`)).json()) as EventPageView
    expect(first.items).toHaveLength(3)
    expect(first.ended).toBe(false)
    const rest = (await (await ask('ana', `/investigations/${anas.id}/events?after=${first.next}`)).json()) as EventPageView
    expect(rest.ended).toBe(true)
    expect(rest.items.at(-1)?.type).toBe('investigation.completed')
    expect(new Set([...first.items, ...rest.items].map(({ seq }) => seq)).size).toBe(first.items.length + rest.items.length)
  })

  it('are streamed to the end of the run, and go on after Last-Event-ID without gap or repetition', async () => {
    const id = await submit('bea')
    const read = async (after?: string) => {
      const headers = { accept: 'text/event-stream', ...(after === undefined ? {} : { 'last-event-id': after }) }
      return ask('bea', `/investigations/${id}/events`, { headers })
    }
    const whole = await (await read()).text()
    const ids = [...whole.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => seq ?? '')
    expect(whole).toContain('event: investigation.completed')
    const stored = await built.house.db.runs.listEvents(id, { limit: 1_000 })
    expect(ids).toEqual(stored.map(({ seq }) => String(seq)))
    const tail = await (await read(ids[2])).text()
    expect([...tail.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => seq)).toEqual(ids.slice(3))
    expect((await read(ids.at(-1))).status).toBe(204)
    expect((await read('nonsense')).status).toBe(422)
  })
})
