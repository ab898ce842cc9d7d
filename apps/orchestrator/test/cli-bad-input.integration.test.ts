import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BIN, type CliResult } from './cli/cli-process.ts'
import { openWorkplace, type Workplace } from './cli/workplace.ts'

const TIMEOUT_MS = 120_000
const QUESTION = 'contracts 2024'
const FILE = '202401_Compras.csv'
const HEADER = '"Número do Contrato";"Objeto";"Código Órgão"\n"1";"Café com açúcar";"26000"\n'

let place: Workplace
/** Takes connections and never says a word. */
let taken: Server
let port = 0
/** Waits for its connect timeout while everything else is tested. */
let silent: Promise<CliResult>

beforeAll(async () => {
  place = await openWorkplace()
  taken = createServer(() => {})
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  port = (taken.address() as AddressInfo).port
  const DATABASE_URL = `postgresql://ana:not-the-password@127.0.0.1:${port}/x`
  silent = place.run(['list'], { env: { CONNECTION_RETRY_ATTEMPTS: '1', DATABASE_URL } })
}, TIMEOUT_MS)
afterAll(async () => {
  taken.close()
  await place.close()
})

/** The whole of what the terminal shows: one line, no stack, no second line. */
function expectRefusal(result: CliResult, { code, says }: { readonly code: 1 | 2; readonly says: readonly (string | RegExp)[] }): void {
  expect(result.stdout).toBe('')
  expect(result.stderr).toMatch(/^cidadao: [^\n]+\n$/)
  for (const part of says) expect(result.stderr).toMatch(part)
  expect(result.code).toBe(code)
}

async function sourceWith(name: string, files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const folder = join(place.folder, name)
  await mkdir(folder)
  for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content)
  return folder
}

/** Every row of `calls` is a process: two at a time, on as many processors. */
async function inPairs<Call>(calls: readonly Call[], run: (call: Call) => Promise<void>): Promise<void> {
  const left = [...calls]
  const worker = async (): Promise<void> => {
    for (let call = left.shift(); call !== undefined; call = left.shift()) await run(call)
  }
  await Promise.all([worker(), worker()])
}

describe('a wrong call is refused in one line that says how to mend it, with exit code 2', { timeout: TIMEOUT_MS }, () => {
  it('when the source is missing, empty, of another kind, damaged or in another encoding', async () => {
    const converted = (await readFile(join(place.source, FILE))).toString('latin1')
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(HEADER, 'utf16le')])
    const archive = join(place.folder, 'damaged.zip')
    await writeFile(archive, 'PK\u0003\u0004 and then nothing that a ZIP has')
    const calls: readonly (readonly [source: string, ...says: (string | RegExp)[]])[] = [
      [join(place.folder, 'nowhere'), 'nothing is at', 'correct --source'],
      [await sourceWith('empty-folder', {}), 'it is empty', 'name the folder'],
      [await sourceWith('other-files', { 'notes.txt': 'x' }), 'it holds notes.txt', 'name the folder'],
      [await sourceWith('empty-file', { [FILE]: '' }), `${FILE} is empty`, 'download it again'],
      [await sourceWith('utf-8', { [FILE]: converted }), 'UTF-8', 'take the original file'],
      [await sourceWith('utf-16', { [FILE]: utf16 }), 'UTF-16', 'take the original file'],
      [await sourceWith('html', { [FILE]: '<!DOCTYPE html>\n<title>404</title>\n' }), 'header', 'take the original file'],
      [await sourceWith('column', { [FILE]: Buffer.from(HEADER, 'latin1') }), 'missing from the header', 'take the original file'],
      [archive, 'damaged.zip', 'download it again'],
    ]
    await inPairs(calls, async ([source, ...says]) => {
      expectRefusal(await place.run(['investigate', QUESTION, '--source', source]), { code: 2, says: [...says, /\[PROCUREMENT_\w+\]\n$/] })
    })
  })

  it('when nothing understands the question', async () => {
    const calls = [
      ['how is the weather', 'ask about contracts, for example'],
      ['', 'must say what to investigate'],
      ['contracts of the Ministry of Magic', 'known are: '],
    ] as const
    await inPairs(calls, async ([question, says]) => {
      expectRefusal(await place.run(['investigate', question, '--source', place.source]), { code: 2, says: [says] })
    })
  })

  it('when --out cannot be written, before any work is done', async () => {
    const folder = join(place.folder, 'a-folder')
    await mkdir(folder)
    await inPairs([join(place.folder, 'no/such/folder/x.json'), folder], async (out) => {
      expectRefusal(await place.run(['investigate', QUESTION, '--source', place.source, '--out', out]), {
        code: 2,
        says: ['--out: cannot write', 'name a file'],
      })
    })
  })

  it('when command, option, argument or id is unknown', async () => {
    const calls: readonly (readonly [args: readonly string[], says: string])[] = [
      [['lst'], 'Did you mean list'],
      [['list', '--bogus'], "unknown option '--bogus'"],
      [['list', '--limit', 'x'], 'whole number from 1 to 500'],
      [['list', '--lang', 'fr'], 'en, pt'],
      [['investigate', QUESTION], "required option '--source <path>'"],
      [['show', 'nope'], 'cidadao list'],
    ]
    await inPairs(calls, async ([args, says]) => expectRefusal(await place.run(args), { code: 2, says: [says] }))
  })

  it('when a variable is invalid, and names each one that is', async () => {
    const one = await place.run(['list'], { env: { DATABASE_POOL_SIZE: 'many' } })
    expectRefusal(one, { code: 2, says: ['DATABASE_POOL_SIZE must be a whole number', 'received "many"'] })
    const three = await place.run(['list'], { env: { DATABASE_POOL_SIZE: 'many', QUERY_TIMEOUT: '-1', REDIS_NODES: 'localhost' } })
    expect(three.code).toBe(2)
    expect(three.stderr.trimEnd().split('\n')).toHaveLength(4)
    for (const variable of ['DATABASE_POOL_SIZE', 'QUERY_TIMEOUT', 'REDIS_NODES']) expect(three.stderr).toContain(`\n  ${variable} must`)
  })

  it('when the API is opened to a network without a key', async () => {
    expectRefusal(await place.run(['start'], { env: { CIDADAO_HTTP_HOST: '0.0.0.0' } }).then(withoutFirstLine), {
      code: 2,
      says: ['CIDADAO_API_KEY'],
    })
  })
})

/** `start` says first that it starts. */
function withoutFirstLine(result: CliResult): CliResult {
  const [first = '', ...others] = result.stderr.split('\n')
  return first.startsWith('cidadao:') ? result : { ...result, stderr: others.filter((line) => !line.startsWith('{')).join('\n') }
}

describe('what fails says so in one line, with exit code 1', { timeout: TIMEOUT_MS }, () => {
  it('when the port is in use', async () => {
    const result = await place.run(['start'], { env: { CIDADAO_HTTP_PORT: String(port), CIDADAO_LOG_LEVEL: 'error' } })
    expectRefusal(withoutFirstLine({ ...result, stdout: '' }), {
      code: 1,
      says: [`port ${port} on 127.0.0.1 is in use`, 'CIDADAO_HTTP_PORT'],
    })
  })

  it('when the server of DATABASE_URL is away, silent or refuses the password, which is not shown', async () => {
    const wrong = new URL(place.databaseUrl)
    wrong.password = 'not-the-password'
    const calls = [
      ['postgresql://ana:not-the-password@127.0.0.1:1/x', 'cannot be reached', 'correct DATABASE_URL'],
      [wrong.href, 'password', 'correct user and password'],
    ] as const
    await inPairs(calls, async ([url, ...says]) => {
      const result = await place.run(['list'], { env: { CONNECTION_RETRY_ATTEMPTS: '1', DATABASE_URL: url } })
      expectRefusal(result, { code: 1, says })
      expect(result.stderr).not.toContain('not-the-password')
    })
    expectRefusal(await silent, { code: 1, says: ['did not answer', 'correct DATABASE_URL'] })
    expect((await silent).stderr).not.toContain('not-the-password')
  })

  it('when the database is of a newer version', async () => {
    const { sql } = place.db
    await sql.query(`INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
      VALUES ('newer', repeat('0', 64), '29990101000000_from_the_future', now(), 1)`)
    try {
      expectRefusal(await place.run(['list']), { code: 1, says: ['29990101000000_from_the_future', 'newer'] })
    } finally {
      await sql.query(`DELETE FROM _prisma_migrations WHERE id = 'newer'`)
    }
  })

  it('and of all these calls nothing was saved', async () => {
    const result = await place.run(['list', '--json'])
    expect(result).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' })
    const { rows } = await place.db.sql.query<{ entries: string }>(
      `SELECT count(*) AS entries FROM audit_logs WHERE investigation_id IS NOT NULL`,
    )
    expect(rows).toEqual([{ entries: '0' }])
  })
})

it('an old Node.js is told so before anything else is read', { timeout: TIMEOUT_MS }, async () => {
  const pretence = join(place.folder, 'old-node.cjs')
  await writeFile(pretence, `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })`)
  const result = await place.run([], { command: [process.execPath, '--require', pretence, BIN] })
  expectRefusal(result, { code: 1, says: ['Node.js 20.1.0 is too old', 'npx cidadao'] })
})

/** The system's own Node.js, where that is one that cidadao does not run on. */
const OLD_NODE = ['/usr/local/bin/node', '/usr/bin/node'].find(
  (path) => existsSync(path) && /^v(1\d|20|21)\./.test(execFileSync(path, ['--version'], { encoding: 'utf8' })),
)

it.skipIf(OLD_NODE === undefined)('a really old Node.js too (skipped where the system has none)', { timeout: TIMEOUT_MS }, async () => {
  expectRefusal(await place.run([], { command: [OLD_NODE ?? '', BIN] }), { code: 1, says: [/Node\.js \d+\.\d+\.\d+ is too old/] })
})
