import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestDatabase } from '@cidadao/testing'
import { describe, expect, it, onTestFinished } from 'vitest'

const LAUNCHER = join(import.meta.dirname, '../../prisma.mjs')
const STANDS_IN = 'WebAssembly build stands in'

async function migrateStatus(environment: Readonly<Record<string, string>>): Promise<string> {
  const { url, drop } = await createTestDatabase()
  onTestFinished(drop)
  const env = { ...process.env, DATABASE_URL: url, ...environment }
  return new Promise((resolve) => {
    execFile(process.execPath, [LAUNCHER, 'migrate', 'status'], { env, timeout: 50_000 }, (_, stdout, stderr) =>
      resolve(`${stdout}\n${stderr}`),
    )
  })
}

/** A mirror that has every engine to whoever asks whether it has, and none to whoever wants it. */
async function mirror(): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`)
    response.statusCode = request.method === 'HEAD' ? 200 : 404
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, asked }
}

describe('the launcher of the command line', () => {
  it('lets the stand-in work where nothing answers, and says so', async () => {
    const output = await migrateStatus({ PRISMA_ENGINES_MIRROR: 'http://127.0.0.1:1' })
    expect(output).toContain(STANDS_IN)
    expect(output).toContain('have not yet been applied')
  })

  it('keeps out of the way where the engine can be fetched', async () => {
    const { url, asked } = await mirror()
    const output = await migrateStatus({ PRISMA_ENGINES_MIRROR: url })
    expect(output).not.toContain(STANDS_IN)
    expect(asked[0]).toMatch(/^HEAD \/all_commits\/[0-9a-f]{40}\/[\w.-]+\/schema-engine(\.exe)?\.gz$/)
    // Prisma asks for the hash of the same file first, and ends when there is none.
    expect(asked[1]).toContain(asked[0]?.replace('HEAD', 'GET'))
  })

  it('keeps out of the way where an engine is named', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cidadao-launcher-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const engine = join(folder, 'engine')
    await writeFile(engine, `#!/bin/sh\necho "$@" >> ${join(folder, 'asked')}\nexit 1\n`)
    await chmod(engine, 0o755)
    const output = await migrateStatus({ PRISMA_SCHEMA_ENGINE_BINARY: engine, PRISMA_ENGINES_MIRROR: 'http://127.0.0.1:1' })
    expect(output).not.toContain(STANDS_IN)
    expect(await readFile(join(folder, 'asked'), 'utf8')).toContain('cli can-connect-to-database')
  })
})
