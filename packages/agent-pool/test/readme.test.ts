import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import * as errors from '../src/errors.ts'

const packageDir = new URL('../', import.meta.url)
const readme = await readFile(new URL('README.md', packageDir), 'utf8')

describe('README', () => {
  it('has an example that does what it says', async () => {
    const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
    // A folder of its own, inside the package so that its name and zod resolve: two runs at once are not in each other's way.
    await mkdir(new URL('test-output', packageDir), { recursive: true })
    const folder = await mkdtemp(fileURLToPath(new URL('test-output/readme-', packageDir)))
    const file = join(folder, 'example.ts')
    await writeFile(file, example)
    // Who runs the tests may ask for colours; the README shows none.
    const env = { ...process.env, FORCE_COLOR: '0' }
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@cidadao/source', file], { env })
    await rm(folder, { recursive: true })
    expect(stdout.trim().split('\n')).toEqual(['adding', '42'])
    expect(example).toContain('// adding, then 42')
  })

  it('names every error code', () => {
    const codes = Object.values(errors).flatMap((exported) => /code = "?'?(AGENT_POOL_[A-Z_]+)/.exec(String(exported))?.[1] ?? [])
    expect(codes.length).toBeGreaterThan(12)
    for (const code of codes) expect(readme).toContain(code)
  })
})
