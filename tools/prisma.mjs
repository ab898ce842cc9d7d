/**
 * Runs Prisma's command line for packages/db.
 *
 * Prisma fetches its schema engine before any command, also before those that never use it. Where an engine is installed
 * or named by PRISMA_SCHEMA_ENGINE_BINARY, this stays out of the way. Where none is, `generate`, `validate` and `format`
 * are told that some existing file is the engine, and work without network. All others need one: Prisma downloads it
 * where it can; where it cannot, the WebAssembly build of the same engine stands in (tools/prisma-engine), and says so.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ENGINE_FREE_COMMANDS = ['generate', 'validate', 'format']
const ENGINE_NAME = 'schema-engine'
const DOWNLOADS = 'https://binaries.prisma.sh'
const PROBE_TIMEOUT_MS = 3_000
const STAND_IN = join(import.meta.dirname, 'prisma-engine', 'src', 'main.ts')

const packageFolder = join(import.meta.dirname, '..', 'packages', 'db')
const require = createRequire(join(packageFolder, 'package.json'))
const prismaFolder = dirname(require.resolve('prisma/package.json'))
const command = process.argv[2] ?? ''

function engineInstalled() {
  const folder = dirname(createRequire(join(prismaFolder, 'package.json')).resolve('@prisma/engines/package.json'))
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(`${ENGINE_NAME}-`))
}

/** Asks for the very file that Prisma would fetch: a mirror may answer and yet not have it. */
async function engineDownloadable() {
  const requireEngines = createRequire(createRequire(join(prismaFolder, 'package.json')).resolve('@prisma/engines/package.json'))
  const { enginesVersion } = requireEngines('@prisma/engines-version')
  const target = await requireEngines('@prisma/get-platform').getBinaryTargetForCurrentPlatform()
  const host = process.env['PRISMA_BINARIES_MIRROR'] ?? process.env['PRISMA_ENGINES_MIRROR'] ?? DOWNLOADS
  const url = `${host}/all_commits/${enginesVersion}/${target}/${ENGINE_NAME}${target === 'windows' ? '.exe' : ''}.gz`
  try {
    const answer = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
    return answer.ok
  } catch (error) {
    process.stderr.write(`${host} does not answer (${error.cause?.code ?? error.cause?.message ?? error.name}).\n`)
    return false
  }
}

/** What to call the engine, or nothing where Prisma shall see to it itself. */
async function engineToName() {
  if ((process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ?? '') !== '' || engineInstalled()) return undefined
  if (ENGINE_FREE_COMMANDS.includes(command)) return fileURLToPath(import.meta.url)
  // Windows starts no scripts by their first line.
  if (process.platform === 'win32' || (await engineDownloadable())) return undefined
  process.stderr.write("Prisma's schema engine is neither installed nor to be had: its WebAssembly build stands in.\n")
  return STAND_IN
}

const engine = await engineToName()
const result = spawnSync(process.execPath, [join(prismaFolder, 'build', 'index.js'), ...process.argv.slice(2)], {
  cwd: packageFolder,
  stdio: 'inherit',
  env: {
    ...process.env,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
    // The stand-in is started by its first line, which must find this Node.js and not an older one.
    ...(engine === STAND_IN ? { PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` } : {}),
    ...(engine === undefined ? {} : { PRISMA_SCHEMA_ENGINE_BINARY: engine }),
  },
})
process.exitCode = result.status ?? 1
