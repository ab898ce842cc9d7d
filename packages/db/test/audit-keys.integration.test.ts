import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { loadNoteSigner } from '../src/audit/keys/load-note-signer.ts'
import { generateSignerKey, parseSignerKey } from '../src/audit/keys/signer-key.ts'
import { rejectionOf } from './fixtures/database-fixture.ts'
import { startAuditChild } from './fixtures/audit-child.ts'

const ORIGIN = 'audit.example/keys'
const UNUSABLE = { code: 'DB_AUDIT_KEY_UNUSABLE' }

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cidadao-keys-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
})

describe('a key of a file', () => {
  it('is made at the first use, for its owner alone, and found again', async () => {
    const path = join(folder, 'deep', 'audit.key')
    const made = await loadNoteSigner(ORIGIN, { from: 'file-or-new', path })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'deep'))).mode & 0o777).toBe(0o700)
    expect(await readdir(join(folder, 'deep'))).toEqual(['audit.key'])
    expect((await loadNoteSigner(ORIGIN, { from: 'file-or-new', path })).vkey).toBe(made.vkey)
    expect((await loadNoteSigner(ORIGIN, { from: 'file', path })).vkey).toBe(made.vkey)
    expect((await loadNoteSigner(ORIGIN, { from: 'text', text: await readFile(path, 'utf8') })).vkey).toBe(made.vkey)
  })

  it('is one and the same for processes that make it at once', async () => {
    const path = join(folder, 'audit.key')
    const children = Array.from({ length: 4 }, () => startAuditChild('key-process.ts', { origin: ORIGIN, path }))
    await Promise.all(children.map((child) => child.ended()))
    const own = await Promise.all(Array.from({ length: 8 }, () => loadNoteSigner(ORIGIN, { from: 'file-or-new', path })))
    const told = [...children.flatMap((child) => child.lines()), ...own.map(({ vkey }) => vkey)]
    expect(told).toHaveLength(12)
    expect(new Set(told)).toEqual(new Set([parseSignerKey(await readFile(path, 'utf8')).vkey]))
    expect(await readdir(folder)).toEqual(['audit.key'])
  })

  it.each(['640', '604', '660', '666', '610'])('is refused where others may touch it: mode 0%s', async (octal) => {
    const mode = Number.parseInt(octal, 8)
    const path = join(folder, 'audit.key')
    await loadNoteSigner(ORIGIN, { from: 'file-or-new', path })
    await chmod(path, mode)
    for (const from of ['file', 'file-or-new'] as const) {
      const error = await rejectionOf(loadNoteSigner(ORIGIN, { from, path }))
      expect(error).toMatchObject({ ...UNUSABLE, facts: { path } })
      expect(error.message).toContain(octal)
    }
  })

  it('is refused, and not replaced, where it is empty, torn, too long, no file, or of another log', async () => {
    const path = join(folder, 'audit.key')
    const foreign = generateSignerKey('audit.example/other')
    for (const text of ['', generateSignerKey(ORIGIN).slice(0, 60), 'x'.repeat(5_000), foreign]) {
      await writeFile(path, text, { mode: 0o600 })
      const error = await rejectionOf(loadNoteSigner(ORIGIN, { from: 'file-or-new', path }))
      expect(error).toMatchObject(UNUSABLE)
      expect(await readFile(path, 'utf8')).toBe(text)
      if (text !== '') expect(inspect(error, { depth: 9 })).not.toContain(text.slice(-30))
    }
    await expect(loadNoteSigner(ORIGIN, { from: 'file-or-new', path: folder })).rejects.toMatchObject(UNUSABLE)
  })

  it('has to be there where it is not to be made', async () => {
    const path = join(folder, 'missing.key')
    await expect(loadNoteSigner(ORIGIN, { from: 'file', path })).rejects.toMatchObject({ ...UNUSABLE, facts: { rule: 'is there', path } })
    expect(await readdir(folder)).toEqual([])
  })

  it('may be reached by a link, as orchestrators mount secrets; what counts is the file', async () => {
    const [path, linked] = [join(folder, 'audit.key'), join(folder, 'linked.key')]
    const { vkey } = await loadNoteSigner(ORIGIN, { from: 'file-or-new', path })
    await symlink(path, linked)
    expect((await loadNoteSigner(ORIGIN, { from: 'file', path: linked })).vkey).toBe(vkey)
    await chmod(path, 0o644)
    await expect(loadNoteSigner(ORIGIN, { from: 'file', path: linked })).rejects.toMatchObject(UNUSABLE)
  })
})

describe('a key given as text', () => {
  it('is refused where it is of another log', async () => {
    const text = generateSignerKey('audit.example/other')
    await expect(loadNoteSigner(ORIGIN, { from: 'text', text })).rejects.toMatchObject(UNUSABLE)
  })
})
