import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { identifyProcess, Reaper } from '../src/index.ts'
import { tempFolder } from './temp-folder.ts'
import { until } from './until.ts'

function sleeper(script = 'exec sleep 60'): ChildProcess & { readonly pid: number } {
  const child = spawn('/bin/sh', ['-c', script], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  if (child.pid === undefined) throw new Error('no sleeper')
  return child as ChildProcess & { readonly pid: number }
}

describe('the reaper', () => {
  it('ends processes and removes folders, odd names included', async () => {
    const folder = join(await tempFolder(), "it's a $HOME \\ folder")
    await mkdir(folder)
    await writeFile(join(folder, 'file'), '')
    const [one, two] = [sleeper(), sleeper()]
    const reaper = new Reaper()
    reaper.watchProcess(one.pid, 'TERM')
    reaper.watchProcess(two.pid, 'KILL')
    reaper.watchFolder(folder)
    await reaper.reap()
    expect(existsSync(folder)).toBe(false)
    await until(() => identifyProcess(one.pid) === undefined && identifyProcess(two.pid) === undefined)
  })

  it('ends a process that ignores the first signal', async () => {
    const stubborn = sleeper('trap "" TERM QUIT; while :; do sleep 1; done')
    const reaper = new Reaper()
    reaper.watchProcess(stubborn.pid, 'QUIT')
    await reaper.reap()
    await until(() => identifyProcess(stubborn.pid) === undefined)
    expect(identifyProcess(stubborn.pid)).toBeUndefined()
  })

  it('ends a process that is stopped', async () => {
    const stopped = sleeper()
    const reaper = new Reaper()
    reaper.watchProcess(stopped.pid, 'QUIT')
    stopped.kill('SIGSTOP')
    await reaper.reap()
    await until(() => identifyProcess(stopped.pid) === undefined)
    expect(identifyProcess(stopped.pid)).toBeUndefined()
  })

  it('leaves a process alone that was not recorded', async () => {
    const [watched, other] = [sleeper(), sleeper()]
    const reaper = new Reaper()
    reaper.watchProcess(watched.pid, 'KILL')
    await reaper.reap()
    expect(identifyProcess(other.pid)).toBeDefined()
  })

  it('records nothing for a process that is gone already, and may be asked twice', async () => {
    const gone = sleeper('exit 0')
    await once(gone, 'exit')
    const reaper = new Reaper()
    reaper.watchProcess(gone.pid, 'KILL')
    await reaper.reap()
    await reaper.reap()
    expect(reaper.pid === undefined ? undefined : identifyProcess(reaper.pid)).toBeUndefined()
  })

  it('refuses a path that would be two lines', () => {
    const reaper = new Reaper()
    expect(() => reaper.watchFolder('/tmp/a\n/')).toThrow('line breaks')
    return reaper.reap()
  })
})
