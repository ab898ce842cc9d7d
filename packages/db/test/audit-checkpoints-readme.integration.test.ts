import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@cidadao/testing'
import { expect, it, onTestFinished } from 'vitest'
import {
  createDirectoryAnchor,
  createFileAnchor,
  parseSignerKey,
  verifyCheckpoint,
  type Checkpointer,
  type Database,
} from '../src/index.ts'
import { openForTest } from './fixtures/database-fixture.ts'

const PACKAGE = join(import.meta.dirname, '..')

it('the README shows how checkpoints are set up, and it works as it stands there', async () => {
  const readme = await readFile(join(PACKAGE, 'README.md'), 'utf8')
  const example = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    .map(([, code = '']) => code)
    .find((code) => code.includes('createCheckpointer'))
  const data = await mkdtemp(join(tmpdir(), 'cidadao-readme-'))
  const folder = join(PACKAGE, 'test-output', 'readme-checkpoints')
  await mkdir(folder, { recursive: true })
  onTestFinished(async () => {
    await rm(data, { recursive: true, force: true })
    await rm(folder, { recursive: true, force: true })
  })
  const path = join(folder, 'example.ts')
  const here = (example ?? '').replaceAll('.data/', `${data}/`).replaceAll('/mnt/', `${data}/`).replace('@cidadao/db', '../../src/index.ts')
  await writeFile(path, here)
  const { startCheckpoints } = (await import(path)) as { startCheckpoints(db: Database): Promise<Checkpointer> }
  const { db } = await openForTest()
  const checkpointer = await startCheckpoints(db)
  await eventually(() => expect(checkpointer.stats()).toMatchObject({ condition: { state: 'working' }, unanchoredEntries: 0 }), {
    deadlineMs: 20_000,
  })
  await db.transaction(async (tx) => tx.audit({ actor: { kind: 'system' }, action: 'app.did' }))
  await checkpointer.stop()
  const { vkey } = parseSignerKey(await readFile(join(data, 'audit.key'), 'utf8'))
  const question = { known: undefined, signal: AbortSignal.timeout(10_000) }
  for (const anchor of [createFileAnchor({ path: `${data}/worm/notes.jsonl` }), createDirectoryAnchor({ path: `${data}/other/notes` })]) {
    const head = await anchor.latest(question)
    expect(head.kind === 'note' && verifyCheckpoint(head.note, vkey)).toMatchObject({ outcome: 'verified', checkpoint: { size: 2 } })
  }
})
