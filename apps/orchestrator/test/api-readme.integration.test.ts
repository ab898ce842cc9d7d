import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { runReadmeExample } from '@cidadao/workspace/readme-example'
import { expect, it, onTestFinished, vi } from 'vitest'
import { API_KEY, serveHouse } from './support/test-house.ts'

const FOLDER = join(import.meta.dirname, '..')

it('the example of the README prints what it says, and every route of its table answers as it says', async () => {
  const root = await mkdtemp(join(tmpdir(), 'cidadao-readme-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  await writeSyntheticPortal(join(root, 'month'), { seed: 1, contracts: 300 })
  const { client, house } = await serveHouse({ CIDADAO_DATA_SOURCE_ROOT: root })
  vi.stubEnv('API_URL', client.url)
  vi.stubEnv('API_KEY', API_KEY)
  const { promised, printed } = await runReadmeExample(FOLDER)
  expect(printed).toEqual(promised)
  expect(promised).toHaveLength(1)

  const [investigation] = (await house.orchestrator.list({ limit: 1 })).items
  await house.telemetry.health.sampled()
  house.telemetry.health.setAccepting(true)
  const readme = await readFile(join(FOLDER, 'README.md'), 'utf8')
  const rows = [...readme.matchAll(/^\| `(?<method>GET|POST) (?<path>\S+)` +\| (?<key>[\w ]+?) +\| (?<status>\d{3})/gm)]
  expect(rows).toHaveLength(15)
  for (const { groups } of rows) {
    const { method = '', path = '', key = '', status = '' } = groups ?? {}
    const body = path === '/investigations' && method === 'POST' ? JSON.stringify({ query: 'All contracts', source: 'month' }) : null
    const init = { method, ...(body === null ? {} : { body, headers: { 'content-type': 'application/json' } }) }
    const address = path.replace('{id}', investigation?.id ?? '')
    expect([path, (await client.fetch(address, init)).status]).toEqual([path, Number(status)])
    expect([path, (await client.fetch(address, { ...init, key: null })).status]).toEqual([path, key === 'no' ? Number(status) : 401])
  }
})
