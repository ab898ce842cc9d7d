import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { withFileLock } from '@cidadao/postgres-server'
import { RedisBinaryMissingError } from '../errors.ts'
import { testEnvironment } from '../services/service-choice.ts'

export interface RedisBinaryOptions {
  /** Folders to look in, as the `PATH` variable has them. @default `PATH` of this process */
  readonly searchPath?: string
  /** How to get the program where it is missing; `null` installs nothing. @default apt-get, as root on a machine that has it */
  readonly install?: (() => Promise<void>) | null
}

const INSTALL_COMMAND = 'apt-get update && apt-get install -y --no-install-recommends redis-server'
const INSTALL_WAIT_MS = 5 * 60_000

/**
 * Debian starts a service as soon as it is installed. A policy file that says no for the time of the installation is
 * its documented way to prevent that; one that is there already is respected. The shell cleans up even when the test
 * run is killed meanwhile, since it is a process of its own.
 */
const INSTALL_SCRIPT = `
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -o DPkg::Lock::Timeout=240 install -y --no-install-recommends redis-server
`

/**
 * The path of `redis-server`, installed first where that is possible.
 *
 * @throws RedisBinaryMissingError with the one command to run
 */
export async function findRedisBinary(options: RedisBinaryOptions = {}): Promise<string> {
  const searchPath = options.searchPath ?? testEnvironment.PATH ?? ''
  const found = await lookUp(searchPath)
  if (found !== undefined) return found
  const install = options.install === undefined ? await installerOfThisMachine() : options.install
  if (install === null) throw missing('it is not on the PATH, and this process may not install it')
  // Projects are tested in parallel: one installs, the others then find it.
  return withFileLock(join(tmpdir(), 'cidadao-redis-install.lock'), { waitMs: INSTALL_WAIT_MS }, async () => {
    const meanwhile = await lookUp(searchPath)
    if (meanwhile !== undefined) return meanwhile
    await install()
    const installed = await lookUp(searchPath)
    if (installed === undefined) throw missing('it was installed but is not on the PATH')
    return installed
  })
}

async function lookUp(searchPath: string): Promise<string | undefined> {
  for (const folder of searchPath.split(delimiter)) {
    if (folder !== '' && (await isExecutable(join(folder, 'redis-server')))) return join(folder, 'redis-server')
  }
  return undefined
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function installerOfThisMachine(): Promise<(() => Promise<void>) | null> {
  const isOurs = process.getuid?.() === 0 && (await isExecutable('/usr/bin/apt-get'))
  return isOurs ? installByApt : null
}

function installByApt(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-ec', INSTALL_SCRIPT], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (exitCode) => {
      const tail = Buffer.concat(chunks).toString('utf8').trim().split('\n').slice(-3).join(' | ')
      if (exitCode === 0) resolve()
      else reject(missing(`installing it failed (exit code ${String(exitCode)}): ${tail}`))
    })
  })
}

function missing(why: string): RedisBinaryMissingError {
  return new RedisBinaryMissingError(
    `no redis-server: ${why}. Run as root: ${INSTALL_COMMAND}; or start a container engine, or set TEST_REDIS_URL and TEST_REDIS_CLUSTER_NODES`,
  )
}
