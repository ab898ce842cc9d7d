import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

const PACKAGE = join(import.meta.dirname, '..')

it('fails a test that asserts nothing, and passes one that does', async () => {
  // Inside the package, so that the preset is found as packages find it.
  await mkdir(join(PACKAGE, 'test-output'), { recursive: true })
  const folder = await mkdtemp(join(PACKAGE, 'test-output/preset-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const config = "import { vitestPreset } from '@cidadao/workspace/vitest'\nexport default vitestPreset({ name: 'scratch' })\n"
  await writeFile(join(folder, 'vitest.config.ts'), config)
  await mkdir(join(folder, 'src'))
  const tests = "import { expect, it } from 'vitest'\nit('asserts', () => expect(1).toBe(1))\nit('asserts nothing', () => {})\n"
  await writeFile(join(folder, 'src/scratch.test.ts'), tests)
  const vitest = join(PACKAGE, '../../node_modules/vitest/vitest.mjs')
  // Ends with 1, since a test fails; what it found is in the report that the preset asks for.
  await promisify(execFile)(process.execPath, [vitest, 'run'], { cwd: folder }).catch(() => {})
  const report = JSON.parse(await readFile(join(folder, 'test-output/vitest.json'), 'utf8')) as object
  expect(report).toMatchObject({ numPassedTests: 1, numFailedTests: 1 })
})
