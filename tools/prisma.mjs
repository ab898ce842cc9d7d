/**
 * Runs Prisma's command line for packages/db.
 *
 * Prisma fetches its schema engine before any command, also before those that never use it. Where the engine is not
 * installed, `generate`, `validate` and `format` are told that some existing file is the engine, and work without
 * network. `migrate` really needs it, so there nothing is pretended: Prisma downloads it, or says why it cannot.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ENGINE_FREE_COMMANDS = ['generate', 'validate', 'format']

const packageFolder = join(import.meta.dirname, '..', 'packages', 'db')
const require = createRequire(join(packageFolder, 'package.json'))
const prismaFolder = dirname(require.resolve('prisma/package.json'))
const command = process.argv[2] ?? ''

function engineInstalled() {
  if (process.env['PRISMA_SCHEMA_ENGINE_BINARY'] !== undefined) return true
  const folder = dirname(createRequire(join(prismaFolder, 'package.json')).resolve('@prisma/engines/package.json'))
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('schema-engine-'))
}

const pretend = ENGINE_FREE_COMMANDS.includes(command) && !engineInstalled()
const result = spawnSync(process.execPath, [join(prismaFolder, 'build', 'index.js'), ...process.argv.slice(2)], {
  cwd: packageFolder,
  stdio: 'inherit',
  env: {
    ...process.env,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
    ...(pretend ? { PRISMA_SCHEMA_ENGINE_BINARY: fileURLToPath(import.meta.url) } : {}),
  },
})
process.exitCode = result.status ?? 1
