import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'

const PACKAGE = join(import.meta.dirname, '..')
const readme = await readFile(join(PACKAGE, 'README.md'), 'utf8')

describe('the README', () => {
  it('has an example that runs as its reader would run it, and prints what it says', async () => {
    const example = /^```ts\n([\s\S]*?)^```$/m.exec(readme)?.[1] ?? ''
    const dataDir = await mkdtemp(join(tmpdir(), 'cidadao-readme-'))
    const folder = join(PACKAGE, 'test-output', 'readme')
    onTestFinished(async () => {
      await rm(dataDir, { recursive: true, force: true })
      await rm(folder, { recursive: true, force: true })
    })
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'example.ts'), example.replace('.data/postgres', dataDir))
    // A runner that asks for colours would get them into the text.
    const env = { ...process.env, FORCE_COLOR: '0' }
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@cidadao/source', join(folder, 'example.ts')], { env })
    const promised = [...example.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map((match) => match[1])
    expect(promised).toHaveLength(3)
    expect(stdout.trimEnd().split('\n')).toEqual(promised)
  }, 60_000)

  it('names every error code, and no other', async () => {
    const folder = join(PACKAGE, 'src/errors')
    const files = (await readdir(folder)).filter((name) => name.endsWith('-errors.ts') || name === 'database-error.ts')
    const sources = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
    const inCode = sources.flatMap((source) => [...source.matchAll(/code = '(\w+)'/g)].map((match) => match[1]))
    const inReadme = [...readme.matchAll(/^\| `(DB_\w+)`/gm)].map((match) => match[1])
    expect(inReadme.toSorted()).toEqual(inCode.toSorted())
  })
})
