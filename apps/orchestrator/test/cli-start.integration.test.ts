import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningCli } from './cli/cli-process.ts'
import { openWorkplace, type Workplace } from './cli/workplace.ts'

const TIMEOUT_MS = 180_000
/** Seconds of work even on a fast machine, so that there is time to interrupt it. */
const MANY_CONTRACTS = 30_000

let place: Workplace
let root: string
const running: RunningCli[] = []

beforeAll(async () => {
  place = await openWorkplace()
  root = join(place.folder, 'sources')
  await writeSyntheticPortal(join(root, 'many'), { seed: 3, contracts: MANY_CONTRACTS })
}, TIMEOUT_MS)
afterAll(async () => {
  for (const { process } of running) process.kill('SIGKILL')
  await place.close()
})

interface Server extends RunningCli {
  readonly address: string
  readonly key: string
}

async function startServer(): Promise<Server> {
  const cli = place.start(['start'], { env: { CIDADAO_DATA_SOURCE_ROOT: root, CIDADAO_LOG_LEVEL: 'error' } })
  running.push(cli)
  const [, address = ''] = await cli.waitFor(/Listening on (http:\/\/\S+)/)
  const [, key = ''] = await cli.waitFor(/Local key {2}(\S+)/)
  await cli.waitFor(/Ctrl-C stops/)
  return { ...cli, address, key }
}

interface Seen {
  readonly id: string
  readonly status: string
  readonly steps: readonly { readonly id: string; readonly status: string }[]
}

async function submit({ address, key }: Server): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return fetch(`${address}/investigations`, { method: 'POST', headers, body: JSON.stringify({ query: 'contracts 2024', source: 'many' }) })
}

async function see({ address, key }: Server, id: string): Promise<Seen> {
  const response = await fetch(`${address}/investigations/${id}`, { headers: { authorization: `Bearer ${key}` } })
  return (await response.json()) as Seen
}

async function seeUntil(server: Server, id: string, isSo: (seen: Seen) => boolean): Promise<Seen> {
  return expect
    .poll(() => see(server, id), { timeout: TIMEOUT_MS, interval: 50 })
    .toSatisfy(isSo)
    .then(() => see(server, id))
}

const isUnderWay = ({ steps }: Seen): boolean => steps.some(({ id, status }) => id === 'source' && status === 'completed')

async function submitAndBegin(server: Server): Promise<string> {
  const response = await submit(server)
  expect(response.status).toBe(202)
  const { id } = (await response.json()) as Seen
  const { status } = await seeUntil(server, id, isUnderWay)
  expect(status).toBe('processing')
  return id
}

describe('cidadao start', { timeout: TIMEOUT_MS }, () => {
  let interrupted = ''

  it('tells address and local key, keeps the key to its owner, becomes ready, takes work, and stops at SIGTERM', async () => {
    const server = await startServer()
    expect((await stat(join(place.folder, '.cidadao-local-key'))).mode & 0o777).toBe(0o600)
    await expect.poll(async () => (await fetch(`${server.address}/readyz`)).status, { timeout: 20_000 }).toBe(200)
    expect((await submit({ ...server, key: 'wrong' })).status).toBe(401)
    interrupted = await submitAndBegin(server)
    server.process.kill('SIGTERM')
    const { code, stderr } = await server.ended
    expect(code).toBe(0)
    expect(stderr).toMatch(/Stopping[^\n]*\n(.*\n)*Stopped\.\n$/)
    const { rows } = await place.db.sql.query<{ status: string }>('SELECT status FROM investigations WHERE id = $1', [interrupted])
    expect(rows).toEqual([{ status: 'processing' }])
  })

  it('takes up at its start what a stopped and a killed process left, and completes it', async () => {
    const killed = await startServer()
    expect(killed.output()).toContain('Taking up 1 unfinished investigation.')
    await seeUntil(killed, interrupted, isUnderWay)
    killed.process.kill('SIGKILL')
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' })

    const next = await startServer()
    expect(next.output()).toContain('Taking up 1 unfinished investigation.')
    const done = await seeUntil(next, interrupted, ({ status }) => status !== 'processing')
    expect(done.status).toBe('completed')
    expect(done.steps.every(({ status }) => status === 'completed')).toBe(true)
    next.process.kill('SIGINT')
    expect(await next.ended).toMatchObject({ code: 0 })
  })
})

describe('cidadao investigate', { timeout: TIMEOUT_MS }, () => {
  it('cancels at Ctrl-C, stores that, and exits with 1', async () => {
    const cli = place.start([
      'investigate',
      'contracts of 2024, of everybody',
      '--source',
      join(root, 'many'),
      '--json',
      '--out',
      'never.json',
    ])
    running.push(cli)
    await cli.waitFor(/✓ source/)
    cli.process.kill('SIGINT')
    const { code, stdout, stderr } = await cli.ended
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/cidadao: interrupted: investigation \S+ was cancelled \[CLI_INTERRUPTED\]\n$/)
    const { rows } = await place.db.sql.query<{ status: string }>('SELECT status FROM investigations ORDER BY created_at DESC LIMIT 1')
    expect(rows).toEqual([{ status: 'cancelled' }])
    await expect(stat(join(place.folder, 'never.json'))).rejects.toThrow('ENOENT')
  })
})
