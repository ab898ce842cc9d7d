import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hasCode } from '@cidadao/contracts'
import { startPostgres, type PostgresFixture } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type Database } from '../src/index.ts'
import { AUDIT_ORIGIN, rejectionOf } from './fixtures/database-fixture.ts'

const run = promisify(execFile)

/** A disk of a few megabytes, where root may have one. */
async function mountTinyDisk(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'cidadao-tiny-disk-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', folder])
    return folder
  } catch {
    await rmdir(folder)
    return undefined
  }
}

const disk = await mountTinyDisk()
const title = disk === undefined ? ' [skipped: needs Linux, root and the right to mount]' : ''
let server: PostgresFixture | undefined
let started: Database | undefined

afterAll(async () => {
  await started?.stop()
  await server?.stop()
  if (disk === undefined) return
  await run('umount', ['--lazy', disk])
  await rmdir(disk)
})

describe.skipIf(disk === undefined)(`a server whose disk is full${title}`, () => {
  const folder = disk ?? ''
  let db: Database

  beforeAll(async () => {
    server = await startPostgres()
    db = started = createDatabase({ url: server.url(), auditOrigin: AUDIT_ORIGIN, resilience: { attempts: 0 } })
    await db.start()
    const { rows } = await db.sql.query<{ folder: string }>("SELECT current_setting('data_directory') AS folder")
    const { uid, gid } = await stat(rows[0]?.folder ?? '')
    await run('chown', [`${uid}:${gid}`, folder])
    await chmod(folder, 0o700)
    await db.sql.query(`CREATE TABLESPACE tiny LOCATION '${folder}'`)
    await db.sql.query('ALTER TABLE investigations SET TABLESPACE tiny')
  })

  /** Everything that is left, in one file. */
  async function fillUp(): Promise<void> {
    const filler = join(folder, 'filler')
    await writeFile(filler, Buffer.alloc(8 * 1024 * 1024)).catch((error: unknown) => {
      if (!hasCode(error, 'ENOSPC')) throw error
    })
  }

  const big = (): Record<string, string> => ({ text: randomBytes(150_000).toString('base64') })
  const entry = (investigation: string) => ({ actor: { kind: 'system' }, action: 'investigation.created', investigation }) as const

  it('says so, leaves nothing half written, still reads, and works again once there is space', async () => {
    const before = await db.investigations.save({ id: 'inv_before', query: 'q', results: big() }, { audit: entry('inv_before') })
    await fillUp()
    const save = db.investigations.save({ id: 'inv_full', query: 'q', results: big() }, { audit: entry('inv_full') })
    expect(await rejectionOf(save)).toMatchObject({
      code: 'DB_SERVER_EXHAUSTED',
      transient: false,
      effect: 'none',
      facts: { sqlState: '53100' },
    })
    const change = db.investigations.save({ ...before, metadata: big() }, { audit: entry('inv_before') })
    expect(await rejectionOf(change)).toMatchObject({ code: 'DB_SERVER_EXHAUSTED' })
    expect(await db.investigations.get('inv_full')).toBeUndefined()
    expect(await db.investigations.get('inv_before')).toEqual(before)
    expect(db.stats().breaker).toBe('closed')
    await rm(join(folder, 'filler'))
    expect(await db.investigations.save({ id: 'inv_full', query: 'q', results: big() }, { audit: entry('inv_full') })).toMatchObject({
      version: 1,
    })
    expect(await db.investigations.save({ ...before, metadata: { a: 1 } })).toMatchObject({ version: 2 })
    expect((await db.audit.entriesOf(db.sql, 'inv_full')).length).toBe(1)
    const { rows } = await db.sql.query('SELECT count(*)::integer AS entries FROM audit_logs WHERE investigation_id IS NOT NULL')
    expect(rows).toEqual([{ entries: 2 }])
    expect(await db.audit.verify(db.sql)).toMatchObject({ ok: true })
  })
})
