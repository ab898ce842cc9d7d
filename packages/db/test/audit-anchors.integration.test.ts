import { execFile, execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { AnchorHead, AnchorSink } from '../src/audit/anchors/anchor-sink.ts'
import { createDirectoryAnchor } from '../src/audit/anchors/directory-anchor.ts'
import { createFileAnchor } from '../src/audit/anchors/file-anchor.ts'
import { createGitAnchor } from '../src/audit/anchors/git-anchor.ts'
import { createWitnessAnchor } from '../src/audit/anchors/witness-anchor.ts'
import { leafHash, type Hash } from '../src/audit/hash-chain.ts'
import { signCheckpoint } from '../src/audit/transparency/checkpoint.ts'
import { consistencyProof } from '../src/audit/transparency/merkle-proof.ts'
import { merkleRoot } from '../src/audit/transparency/merkle-tree.ts'
import { createNoteSigner, parseVerifierKey } from '../src/audit/transparency/note-key.ts'
import { cosignNote, verifyNote } from '../src/audit/transparency/signed-note.ts'
import { parseCosignerKey } from '../src/audit/anchors/cosignature.ts'
import { rejectionOf } from './fixtures/database-fixture.ts'
import { startWitness, type WitnessServer } from './fixtures/witness-server.ts'

const ORIGIN = 'audit.example/anchored'
const signer = createNoteSigner(ORIGIN, Buffer.alloc(32, 5))
const leaves = Array.from({ length: 300 }, (_, n) => leafHash(`entry ${n}`))
const forged = leaves.with(3, leafHash('another'))
const run = promisify(execFile)
const hasGit = isInstalled('git')

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cidadao-anchors-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
})

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function noteOf(size: number, tree: readonly Hash[] = leaves): string {
  return signCheckpoint({ origin: ORIGIN, size, root: merkleRoot(tree.slice(0, size)) }, [signer])
}

function put(sink: AnchorSink, size: number, tree: readonly Hash[] = leaves): Promise<unknown> {
  const { signal } = new AbortController()
  const consistencyFrom = async (oldSize: number): Promise<readonly Hash[]> => consistencyProof(tree.slice(0, size), oldSize)
  return sink.put({ note: noteOf(size, tree), size, consistencyFrom, signal })
}

function latest(sink: AnchorSink, known?: string): Promise<AnchorHead> {
  return sink.latest({ known, signal: new AbortController().signal })
}

const KEEPERS: readonly (readonly [name: string, make: () => AnchorSink])[] = [
  ['a file', () => createFileAnchor({ path: join(folder, 'deep', 'notes.jsonl') })],
  ['a directory', () => createDirectoryAnchor({ path: join(folder, 'deep', 'notes') })],
  ['a git repository', () => createGitAnchor({ path: join(folder, 'deep', 'notes.git') })],
  [
    'a git repository with a remote',
    () => createGitAnchor({ path: join(folder, 'deep', 'notes.git'), remote: join(folder, 'remote.git') }),
  ],
]

describe.each(KEEPERS)('%s as an anchor', (what, make) => {
  const isGit = what.includes('git')
  const title = (text: string): string => (isGit && !hasGit ? `${text} [skipped: no git on this machine]` : text)
  const skip = isGit && !hasGit

  beforeEach(async () => {
    if (what.includes('remote')) await run('git', ['init', '--quiet', '--bare', join(folder, 'remote.git')])
  })

  it.skipIf(skip)(title('holds nothing at first, and then the checkpoint of the largest tree, verbatim'), async () => {
    const sink = make()
    expect(await latest(sink)).toEqual({ kind: 'nothing' })
    for (const size of [1, 7, 123]) {
      expect(await put(sink, size)).toEqual({ cosignatures: [] })
      expect(await latest(sink)).toEqual({ kind: 'note', note: noteOf(size) })
    }
    expect(await latest(make())).toEqual({ kind: 'note', note: noteOf(123) })
  })

  it.skipIf(skip)(title('takes the same checkpoint twice and an older one late, and changes nothing'), async () => {
    const sink = make()
    await put(sink, 40)
    await put(sink, 40)
    await put(sink, 30)
    expect(await latest(sink)).toEqual({ kind: 'note', note: noteOf(40) })
  })

  it.skipIf(skip)(title('refuses another history of the same size, and another log'), async () => {
    const sink = make()
    await put(sink, 40)
    await expect(put(sink, 40, forged)).rejects.toMatchObject({ code: 'DB_AUDIT_ANCHOR_CONFLICT' })
    const other = createNoteSigner('audit.example/other', Buffer.alloc(32, 6))
    const note = signCheckpoint({ origin: other.name, size: 50, root: merkleRoot(leaves.slice(0, 50)) }, [other])
    const { signal } = new AbortController()
    const submission = { note, size: 50, consistencyFrom: async () => [], signal }
    await expect(sink.put(submission)).rejects.toMatchObject({ code: 'DB_AUDIT_ANCHOR_CONFLICT' })
    expect(await latest(sink)).toEqual({ kind: 'note', note: noteOf(40) })
  })

  it.skipIf(skip)(title('keeps the largest of checkpoints put at once, by two processes too'), async () => {
    const sizes = [5, 9, 13, 17]
    await Promise.allSettled(sizes.map((size) => put(make(), size)))
    // Git moves its branch from the commit that was looked at only: who loses the race is told, and tries again.
    for (const size of sizes) await put(make(), size)
    expect(await latest(make())).toEqual({ kind: 'note', note: noteOf(17) })
  })

  it.skipIf(skip)(title('that cannot be written says so'), async () => {
    await writeFile(join(folder, 'deep'), 'in the way')
    await expect(put(make(), 3)).rejects.toMatchObject({ code: 'DB_AUDIT_ANCHOR_UNAVAILABLE' })
  })
})

describe('a file', () => {
  it.each([1, 10, 60, 120])('survives a last line that was torn %i bytes before its end', async (bytes) => {
    const path = join(folder, 'notes.jsonl')
    const sink = createFileAnchor({ path })
    await put(sink, 10)
    await put(sink, 20)
    await truncate(path, (await stat(path)).size - bytes)
    // All but the line feed is a whole note still.
    expect(await latest(sink)).toEqual({ kind: 'note', note: noteOf(bytes === 1 ? 20 : 10) })
    await put(sink, 30)
    expect(await latest(sink)).toEqual({ kind: 'note', note: noteOf(30) })
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    expect(JSON.parse(lines[2] ?? '')).toEqual({ note: noteOf(30) })
  })

  it('only ever grows, and is searched from its end', async () => {
    const path = join(folder, 'notes.jsonl')
    const sink = createFileAnchor({ path })
    let before = Buffer.alloc(0)
    for (let size = 1; size <= 20; size += 1) {
      await put(sink, size)
      const now = await readFile(path)
      expect(now.subarray(0, before.length).equals(before)).toBe(true)
      before = now
    }
    const filler = `${JSON.stringify({ note: 'no note at all' })}\n`.repeat(20_000)
    await writeFile(path, filler + before.toString('utf8'))
    expect(await latest(sink)).toEqual({ kind: 'note', note: noteOf(20) })
  })
})

describe('a directory', () => {
  it('has a file for each checkpoint, never replaced, and no half-written one', async () => {
    const path = join(folder, 'notes')
    const sink = createDirectoryAnchor({ path })
    await put(sink, 9)
    await put(sink, 250)
    const names = await readdir(path, { recursive: true })
    expect(names.filter((name) => name.endsWith('.note')).sort()).toEqual(['0000/0000/0000/0009.note', '0000/0000/0000/0250.note'])
    expect(names.filter((name) => name.includes('.tmp'))).toEqual([])
    const early = join(path, '0000/0000/0000/0100.note')
    await writeFile(early, noteOf(100, forged))
    await put(sink, 260)
    expect(await readFile(early, 'utf8')).toBe(noteOf(100, forged))
  })

  it('looks past empty folders and drafts that a crash left', async () => {
    const path = join(folder, 'notes')
    const sink = createDirectoryAnchor({ path })
    await put(sink, 9)
    await mkdir(join(path, '0000/0001/0000'), { recursive: true })
    await writeFile(join(path, '0000/0000/0000/0300.note.x.tmp'), 'half a no')
    expect(await latest(sink)).toEqual({ kind: 'note', note: noteOf(9) })
  })
})

describe.skipIf(!hasGit)(hasGit ? 'a git repository' : 'a git repository [skipped: no git on this machine]', () => {
  it('has a commit for each checkpoint and leaves working tree, index and settings of the user alone', async () => {
    const path = join(folder, 'work')
    await run('git', ['init', '--quiet', path])
    await writeFile(join(path, 'mine.txt'), 'mine')
    await writeFile(join(path, '.git/hooks/pre-commit'), '#!/bin/sh\nexit 1\n')
    await chmod(join(path, '.git/hooks/pre-commit'), 0o755)
    const sink = createGitAnchor({ path, branch: 'checkpoints' })
    await put(sink, 3)
    await put(sink, 8)
    const log = await run('git', ['-C', path, 'log', '--format=%s', 'checkpoints'])
    expect(log.stdout).toBe('checkpoint 8\ncheckpoint 3\n')
    expect((await run('git', ['-C', path, 'show', 'checkpoints~1:checkpoint'])).stdout).toBe(noteOf(3))
    expect((await run('git', ['-C', path, 'status', '--porcelain'])).stdout).toBe('?? mine.txt\n')
  })

  it('has a checkpoint only once it is at the remote, and goes on after the remote was away', async () => {
    const remote = join(folder, 'remote.git')
    const sink = createGitAnchor({ path: join(folder, 'local.git'), remote })
    await expect(put(sink, 3)).rejects.toMatchObject({ code: 'DB_AUDIT_ANCHOR_UNAVAILABLE' })
    await run('git', ['init', '--quiet', '--bare', remote])
    expect(await latest(sink)).toEqual({ kind: 'nothing' })
    await put(sink, 3)
    await put(sink, 5)
    expect((await run('git', ['-C', remote, 'show', 'audit-checkpoints:checkpoint'])).stdout).toBe(noteOf(5))
    expect(await latest(createGitAnchor({ path: join(folder, 'elsewhere.git'), remote }))).toEqual({ kind: 'note', note: noteOf(5) })
  })

  it('never tells the address of its remote, which may hold a password', async () => {
    const sink = createGitAnchor({ path: join(folder, 'local.git'), remote: 'http://user:hunter2@127.0.0.1:1/x.git' })
    const error = await rejectionOf(put(sink, 3))
    expect(`${error.message}${String(error.cause)}${error.stack ?? ''}${JSON.stringify(error.cause)}`).not.toContain('hunter2')
  })

  it('ends when it is told to', async () => {
    const over = new AbortController()
    over.abort()
    const sink = createGitAnchor({ path: join(folder, 'local.git') })
    await expect(sink.latest({ known: undefined, signal: over.signal })).rejects.toMatchObject({ code: 'DB_AUDIT_ANCHOR_UNAVAILABLE' })
  })
})

describe('a witness', () => {
  let witness: WitnessServer
  let sink: AnchorSink

  beforeEach(async () => {
    witness = await startWitness({ logKey: signer.vkey })
    onTestFinished(() => witness.close())
    sink = createWitnessAnchor(witness)
  })

  it('cosigns what continues the tree that it has seen, and its signature stands in the note', async () => {
    for (const size of [4, 9, 9, 200]) await put(sink, size)
    expect(witness.seen()?.size).toBe(200)
    const receipt = (await put(sink, 250)) as { readonly cosignatures: readonly string[] }
    const note = `${noteOf(250)}${receipt.cosignatures.join('\n')}\n`
    const verdict = verifyNote(note, [parseVerifierKey(signer.vkey), parseCosignerKey(witness.vkey)])
    expect(verdict).toMatchObject({ outcome: 'verified', signers: [{ name: ORIGIN }, { name: 'witness.example/w1' }] })
    // A cosignature is over the witness's own clock and this text only.
    const moved = `${noteOf(251)}${receipt.cosignatures.join('\n')}\n`
    expect(verifyNote(moved, [parseCosignerKey(witness.vkey)])).toMatchObject({ outcome: 'refused' })
  })

  it('is asked for the size that it has seen, also by a process that has just begun', async () => {
    await put(sink, 90)
    const fresh = createWitnessAnchor(witness)
    expect(await latest(fresh, noteOf(40))).toEqual({ kind: 'size', size: 90 })
    expect(await latest(fresh, noteOf(90))).toEqual({ kind: 'size', size: 90 })
    await put(createWitnessAnchor(witness), 120)
    expect(witness.seen()?.size).toBe(120)
    expect(await latest(createWitnessAnchor(witness), undefined)).toEqual({ kind: 'nothing' })
  })

  it('refuses another history, a shorter one, and two of one size', async () => {
    await put(sink, 90)
    for (const [size, tree] of [
      [120, forged],
      [90, forged],
      [60, leaves],
    ] as const) {
      await expect(put(createWitnessAnchor(witness), size, tree), String(size)).rejects.toMatchObject({ code: 'DB_AUDIT_ANCHOR_CONFLICT' })
    }
    expect(witness.seen()?.size).toBe(90)
  })

  it('that knows neither the log nor the key refuses, which is not a failure of the line', async () => {
    const stranger = createNoteSigner(ORIGIN, Buffer.alloc(32, 9))
    const other = await startWitness({ logKey: stranger.vkey })
    onTestFinished(() => other.close())
    await expect(put(createWitnessAnchor(other), 5)).rejects.toMatchObject({ code: 'DB_AUDIT_ANCHOR_REFUSED' })
    expect(other.statuses).toEqual([403])
  })

  it('is not believed where its answer is not signed by its own key', async () => {
    witness.misbehave((response) =>
      response.writeHead(200).end(cosignNote(noteOf(5), [createNoteSigner('w', Buffer.alloc(32))]).split('\n\n')[1]),
    )
    await expect(put(sink, 5)).rejects.toMatchObject({ code: 'DB_AUDIT_ANCHOR_REFUSED' })
  })

  it.each<readonly [what: string, answer: Parameters<WitnessServer['misbehave']>[0]]>([
    ['says 500', (response) => response.writeHead(500).end()],
    ['redirects', (response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    ['hangs up', (response) => response.destroy()],
    ['answers without end', (response) => response.writeHead(200).end('x'.repeat(100_000))],
  ])('that %s is tried again later', async (_what, answer) => {
    witness.misbehave(answer)
    await expect(put(sink, 5)).rejects.toMatchObject({ code: 'DB_AUDIT_ANCHOR_UNAVAILABLE', transient: true })
    witness.misbehave(undefined)
    await put(sink, 5)
    expect(witness.seen()?.size).toBe(5)
  })
})
