import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { identifyProcess, isAlive, signalProcess } from './process-identity.ts'

const onLinux = process.platform === 'linux'
const dead = spawnSync(process.execPath, ['-e', ''])

describe('the identity of a process', () => {
  it('is that of a living process', () => {
    const self = identifyProcess(process.pid)
    expect(self?.pid).toBe(process.pid)
    expect(self !== undefined && isAlive(self)).toBe(true)
  })

  it('is nothing for a process that is gone', () => {
    expect(identifyProcess(dead.pid)).toBeUndefined()
  })

  it.skipIf(!onLinux)('is not that of a later process with the same id [skipped unless Linux]', () => {
    const earlier = { pid: process.pid, startTicks: '1' }
    expect(isAlive(earlier)).toBe(false)
    // Were it sent, it would end this test run.
    expect(signalProcess(earlier, 'SIGKILL')).toBe(false)
  })

  it('says that a process that is gone got no signal', () => {
    expect(signalProcess({ pid: dead.pid, startTicks: null }, 'SIGTERM')).toBe(false)
  })
})
