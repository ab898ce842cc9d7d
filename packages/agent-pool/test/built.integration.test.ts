import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const packageDir = dirname(dirname(fileURLToPath(import.meta.url)))
const consumer = join(packageDir, 'test/fixtures/consumer.mjs')

/** The published files, made anew in a folder of their own inside the package, so that dependencies resolve. */
async function build(): Promise<string> {
  await mkdir(join(packageDir, 'test-output'), { recursive: true })
  const folder = await mkdtemp(join(packageDir, 'test-output/built-'))
  const tsup = join(dirname(createRequire(import.meta.url).resolve('tsup/package.json')), 'dist/cli-default.js')
  await run(process.execPath, [tsup, '--no-dts', '--out-dir', folder], { cwd: packageDir })
  return folder
}

async function consume(entry: string, agentModule: string, ending: 'stop' | 'leave'): Promise<unknown> {
  const args = ['--conditions=@cidadao/source', consumer, entry, agentModule, ending]
  const { stdout, stderr } = await run(process.execPath, args, { timeout: 15_000 })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

describe('an application that uses threads', () => {
  let built: string
  beforeAll(async () => {
    built = await build()
  })
  afterAll(() => rm(built, { recursive: true }))

  it('works with the ES module build', async () => {
    expect(await consume(pathToFileURL(join(built, 'index.js')).href, './doubles.mjs', 'stop')).toEqual({ result: 42 })
  })

  it('works with the CommonJS build and a CommonJS agent', async () => {
    expect(await consume(pathToFileURL(join(built, 'index.cjs')).href, './doubles.cjs', 'stop')).toEqual({ result: 42 })
  })

  it('works from TypeScript source in plain Node, and ends by itself when it forgets to stop', async () => {
    expect(await consume('../../src/index.ts', './doubles.mjs', 'leave')).toEqual({ result: 42 })
  })
})
