import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const packageDir = dirname(dirname(fileURLToPath(import.meta.url)))
const consumer = join(packageDir, 'test/fixtures/consumer.mjs')

/** The published files, made anew, beside the sources so that dependencies resolve, and not where a real build goes. */
async function build(): Promise<void> {
  const tsup = join(dirname(createRequire(import.meta.url).resolve('tsup/package.json')), 'dist/cli-default.js')
  await run(process.execPath, [tsup, '--no-dts', '--out-dir', 'test-output/built'], { cwd: packageDir })
}

async function consume(entry: string, agentModule: string, ending: 'stop' | 'leave'): Promise<unknown> {
  const args = ['--conditions=@cidadao/source', consumer, entry, agentModule, ending]
  const { stdout, stderr } = await run(process.execPath, args, { timeout: 15_000 })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

describe('an application that uses threads', () => {
  beforeAll(build)

  it('works with the ES module build', async () => {
    expect(await consume('../../test-output/built/index.js', './doubles.mjs', 'stop')).toEqual({ result: 42 })
  })

  it('works with the CommonJS build and a CommonJS agent', async () => {
    expect(await consume('../../test-output/built/index.cjs', './doubles.cjs', 'stop')).toEqual({ result: 42 })
  })

  it('works from TypeScript source in plain Node, and ends by itself when it forgets to stop', async () => {
    expect(await consume('../../src/index.ts', './doubles.mjs', 'leave')).toEqual({ result: 42 })
  })
})
