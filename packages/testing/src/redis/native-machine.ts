import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identifyProcess, isAlive, Reaper, signalProcess } from '@cidadao/postgres-server'
import { RedisStartError } from '../errors.ts'
import { findRedisBinary } from './redis-binary.ts'
import type { RedisLaunch, RedisMachine, RedisProcess } from './redis-machine.ts'

/** This machine. Processes and folders are gone with this process, however it ends. */
export async function nativeMachine(): Promise<RedisMachine> {
  const binary = await findRedisBinary()
  const root = await mkdtemp(join(tmpdir(), 'cidadao-redis-'))
  const reaper = new Reaper()
  reaper.watchFolder(root)
  return {
    kind: 'native',
    makeFolder: (name, files) => makeFolder(join(root, name), files),
    launch: (launch) => launchNative(binary, launch, reaper),
    close: () => reaper.reap(),
  }
}

async function makeFolder(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(folder)
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 })
  return folder
}

async function launchNative(binary: string, launch: RedisLaunch, reaper: Reaper): Promise<RedisProcess> {
  const logFile = join(launch.folder, 'redis.log')
  const log = await open(logFile, 'a')
  try {
    // A session of its own: Ctrl-C is for the test run, which then stops its servers itself.
    const child = spawn(binary, [...launch.args], { cwd: launch.folder, stdio: ['ignore', log.fd, log.fd], detached: true, env: {} })
    await once(child, 'spawn')
    child.unref()
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid)
    if (identity === undefined) throw new RedisStartError(`redis-server ended at once: ${await tail(logFile)}`)
    reaper.watchProcess(identity.pid, 'KILL')
    return {
      pid: identity.pid,
      isAlive: () => Promise.resolve(isAlive(identity)),
      signal: async (name) => void signalProcess(identity, name),
      logTail: () => tail(logFile),
    }
  } finally {
    await log.close()
  }
}

async function tail(logFile: string): Promise<string> {
  return (await readFile(logFile, 'utf8')).trim().split('\n').slice(-5).join(' | ')
}
