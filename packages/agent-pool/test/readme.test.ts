import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import * as errors from '../src/errors.ts'

const packageDir = new URL('../', import.meta.url)
const readme = await readFile(new URL('README.md', packageDir), 'utf8')

describe('README', () => {
  it('has an example that does what it says', async () => {
    const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
    const file = new URL('test-output/readme-example/example.ts', packageDir)
    await mkdir(new URL('.', file), { recursive: true })
    await writeFile(file, example)
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@cidadao/source', file.pathname])
    await rm(new URL('.', file), { recursive: true })
    expect(stdout.trim().split('\n')).toEqual(['adding', '42'])
    expect(example).toContain('// adding, then 42')
  })

  it('names every error code', () => {
    const codes = Object.values(errors).flatMap((exported) => /code = "?'?(AGENT_POOL_[A-Z_]+)/.exec(String(exported))?.[1] ?? [])
    expect(codes.length).toBeGreaterThan(12)
    for (const code of codes) expect(readme).toContain(code)
  })
})
