import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, rm, stat, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli, startCli } from './cli/cli-process.ts'
import { openFolder } from './cli/workplace.ts'

const TIMEOUT_MS = 180_000
const PROJECT = resolve(import.meta.dirname, '..')
const WORKSPACE_MODULES = resolve(PROJECT, '../../node_modules')

let folder: string

/** An installation without our sources: the build, the manifest and what comes from the registry. */
beforeAll(async () => {
  folder = await openFolder()
  const built = join(folder, 'app/dist')
  await promisify(execFile)(process.execPath, [join(WORKSPACE_MODULES, 'tsup/dist/cli-default.js'), '--out-dir', built], { cwd: PROJECT })
  await cp(join(PROJECT, 'package.json'), join(folder, 'app/package.json'))
  await cp(join(PROJECT, 'bin'), join(folder, 'app/bin'), { recursive: true })
  await linkModules(WORKSPACE_MODULES, join(folder, 'node_modules'))
  await linkModules(join(PROJECT, 'node_modules'), join(folder, 'app/node_modules'))
}, TIMEOUT_MS)
afterAll(() => rm(folder, { recursive: true, force: true }))

async function linkModules(from: string, to: string): Promise<void> {
  await mkdir(to)
  for (const name of await readdir(from)) {
    if (name !== '@cidadao' && !name.startsWith('.')) await symlink(join(from, name), join(to, name))
  }
}

it('runs and serves with no TypeScript source anywhere near, and leaves no server behind', { timeout: TIMEOUT_MS }, async () => {
  const env = { CIDADAO_DATA_DIR: join(folder, 'data') }
  const main = [process.execPath, join(folder, 'app/dist/main.js')] as const
  const { code, stdout, stderr } = await runCli(['demo', '--lang', 'pt'], { cwd: folder, env, command: main })
  expect(stderr).toContain('✓ contract-summary')
  expect(stdout).toMatch(/^DADOS SINTÉTICOS: .*\nAnalise todos os contratos de 2024 \(dados sintéticos\)\n/)
  expect(stdout).toMatch(/Contratos: +3000\n/)
  expect(stdout).toMatch(/\nO que foi plantado, .*\nRegra .*\n(?:.+\n)*price-outlier +12 +12 +100% +100%\n/)
  expect(code).toBe(0)

  const bin = [process.execPath, join(folder, 'app/bin/cidadao.mjs')] as const
  const listed = await runCli(['list', '--json'], { cwd: folder, env, command: bin })
  expect(JSON.parse(listed.stdout)).toMatchObject([{ status: 'completed' }])

  const postmasterPid = join(folder, 'data/cluster/postmaster.pid')
  const server = startCli(['start'], { cwd: folder, env, command: main })
  await server.waitFor(/Ctrl-C stops/)
  await stat(postmasterPid)
  server.process.kill('SIGINT')
  expect(await server.ended).toMatchObject({ code: 0 })
  await expect(stat(postmasterPid), 'no PostgreSQL is left behind').rejects.toThrow('ENOENT')
})
