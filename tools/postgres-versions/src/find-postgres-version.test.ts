import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findPostgresVersion } from './find-postgres-version.ts'
import { requiredMajors } from './postgres-majors.ts'

async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cidadao-versions-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function fakeServer(binDir: string, version: string): Promise<string> {
  await mkdir(binDir, { recursive: true })
  for (const name of ['initdb', 'postgres']) {
    await writeFile(join(binDir, name), `#!/bin/sh\necho "postgres (PostgreSQL) ${version}"\n`)
    await chmod(join(binDir, name), 0o755)
  }
  return binDir
}

const offline = (): Promise<string> => Promise.reject(new Error('npm error code ENOTFOUND\nand more'))

describe('finding a version', () => {
  it('takes the folders of TEST_POSTGRES_BIN_DIRS first, and of these the one that has it', async () => {
    const root = await tempFolder()
    const folders = [await fakeServer(join(root, 'a'), '16.3'), await fakeServer(join(root, 'b'), '15.7')]
    const environment = { TEST_POSTGRES_BIN_DIRS: folders.join(delimiter) }
    const found = await findPostgresVersion(15, { environment, installPinned: offline })
    expect(found).toMatchObject({ outcome: 'found', binaries: { version: '15.7', binDir: folders[1] } })
  })

  it('fetches nothing for the version that this checkout itself runs on', async () => {
    const found = await findPostgresVersion(18, { environment: {}, installPinned: offline })
    expect(found).toMatchObject({ outcome: 'found', binaries: { major: 18, source: 'npm' } })
  })

  it("takes the system's where npm cannot be reached", async () => {
    const root = await tempFolder()
    await fakeServer(join(root, '15', 'bin'), '15.1')
    const found = await findPostgresVersion(15, { environment: {}, installPinned: offline, systemRoot: root })
    expect(found).toMatchObject({ outcome: 'found', binaries: { version: '15.1', source: 'system' } })
  })

  it('says what it tried where there is none', async () => {
    const missing = await findPostgresVersion(16, { environment: {}, installPinned: offline, systemRoot: await tempFolder() })
    expect(missing.outcome).toBe('missing')
    const reasons = missing.outcome === 'missing' ? missing.reasons.join('\n') : ''
    expect(reasons).toMatch(/this checkout's: version 18.*\n.*ENOTFOUND\nthe system's: binDir/)
  })
})

describe('the versions that a CI insists on', () => {
  it('are listed, and must be ones that are promised', () => {
    expect(requiredMajors({})).toEqual([])
    expect(requiredMajors({ TEST_POSTGRES_MAJORS: '15, 18' })).toEqual([15, 18])
    expect(() => requiredMajors({ TEST_POSTGRES_MAJORS: '14' })).toThrow(/15, 16, 17, 18 are required, not "14"/)
  })
})
