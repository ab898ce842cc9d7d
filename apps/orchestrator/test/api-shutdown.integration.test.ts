import { request, Agent, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { API_ROLES } from '@cidadao/db'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { delay, systemClock } from '@cidadao/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROLE_NAMES } from '../src/cli/api-key-commands.ts'
import type { RunningCli } from './cli/cli-process.ts'
import { openWorkplace, type Workplace } from './cli/workplace.ts'

const TIMEOUT_MS = 120_000
const CLIENTS = 8

let place: Workplace
const running: RunningCli[] = []

beforeAll(async () => {
  place = await openWorkplace()
  await writeSyntheticPortal(join(place.folder, 'sources/small'), { seed: 3, contracts: 100 })
}, TIMEOUT_MS)
afterAll(async () => {
  for (const { process } of running) process.kill('SIGKILL')
  await place.close()
})

async function startServer(): Promise<RunningCli & { readonly address: string; readonly key: string }> {
  const env = { CIDADAO_DATA_SOURCE_ROOT: join(place.folder, 'sources'), CIDADAO_LOG_LEVEL: 'error', CIDADAO_HTTP_DRAIN_DELAY_MS: '3000' }
  const cli = place.start(['start'], { env })
  running.push(cli)
  const [, address = ''] = await cli.waitFor(/Listening on (http:\/\/\S+)/)
  const [, key = ''] = await cli.waitFor(/Local key {2}(\S+)/)
  await cli.waitFor(/Ctrl-C stops/)
  return { ...cli, address, key }
}

interface Answer {
  readonly status: number
  readonly closes: boolean
}

function ask(url: string, { agent, headers }: { readonly agent: Agent; readonly headers: Record<string, string> }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, headers }, (response: IncomingMessage) => {
      response.resume()
      response.once('end', () => resolve({ status: response.statusCode ?? 0, closes: response.headers.connection === 'close' }))
      response.once('error', reject)
    })
    sent.once('error', reject)
    sent.end()
  })
}

describe('a server that is told to stop under load', { timeout: TIMEOUT_MS }, () => {
  it('drops no request: clients that look elsewhere once it says so get an answer to each one', async () => {
    const server = await startServer()
    const headers = { authorization: `Bearer ${server.key}` }
    const stream = await fetch(`${server.address}/investigations`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'All contracts', source: 'small' }),
    })
    expect(stream.status).toBe(202)
    const statuses: number[] = []
    // Each goes on until it is told, by the answer to its own request, that this server wants no further one.
    const client = async (): Promise<number> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      try {
        for (let asked = 1; ; asked++) {
          const { status, closes } = await ask(`${server.address}/investigations?limit=5`, { agent, headers })
          statuses.push(status)
          if (closes) return asked
          // Within what one key may ask.
          await delay(systemClock, 100)
        }
      } finally {
        agent.destroy()
      }
    }
    const clients = Promise.all(Array.from({ length: CLIENTS }, client))
    await expect.poll(() => statuses.length, { timeout: 60_000 }).toBeGreaterThan(CLIENTS * 3)
    server.process.kill('SIGTERM')
    expect((await clients).every((asked) => asked > 1)).toBe(true)
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(await server.ended).toMatchObject({ code: 0 })
  })
})

describe('cidadao api-key', { timeout: TIMEOUT_MS }, () => {
  it('makes a key that the API takes, shows it once, lists and revokes it', async () => {
    expect(ROLE_NAMES).toEqual(API_ROLES)
    const made = await place.run(['api-key', 'create', 'ana', '--role', 'auditor', '--label', 'laptop', '--expires-days', '30'])
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^cid_[0-9a-f]{8}_[\w-]{43}\n$/) as string })
    expect(made.stderr).toContain('cannot be shown again')
    const key = made.stdout.trim()
    const prefix = key.slice(4, 12)
    const server = await startServer()
    const ask = () => fetch(`${server.address}/investigations`, { headers: { authorization: `Bearer ${key}` } })
    expect((await ask()).status).toBe(200)
    const [english, portuguese, missing] = await Promise.all([
      place.run(['api-key', 'list']),
      place.run(['api-key', 'list', '--lang', 'pt']),
      place.run(['api-key', 'revoke', '00000000']),
    ])
    expect(english.stdout).toMatch(new RegExp(`${prefix}  auditor +ana +valid .* laptop`))
    expect(portuguese.stdout).toContain('válida')
    expect(english.stdout).not.toContain(key)
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('api-key list') as string })
    expect(await place.run(['api-key', 'revoke', prefix])).toMatchObject({ code: 0 })
    await expect.poll(async () => (await ask()).status, { timeout: 30_000, interval: 200 }).toBe(401)
    server.process.kill('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0 })
  })
})
