import { describe, expect, it } from 'vitest'
import { serviceGroup } from './service-group.ts'
import { defineService } from './service-lifecycle.ts'
import type { Service } from './service.ts'

function recorder(): { readonly calls: string[]; service(name: string, faults?: { start?: Error; stop?: Error }): Service } {
  const calls: string[] = []
  return {
    calls,
    service: (name, faults = {}) =>
      defineService({
        name,
        start: async () => {
          calls.push(`start ${name}`)
          if (faults.start) throw faults.start
        },
        stop: async () => {
          calls.push(`stop ${name}`)
          if (faults.stop) throw faults.stop
        },
      }),
  }
}

describe('serviceGroup', () => {
  it('starts left to right and stops right to left', async () => {
    const { calls, service } = recorder()
    const group = serviceGroup([service('a'), service('b')])
    await group.start()
    await group.stop()
    expect(calls).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })

  it('stops the services already started when a later one fails', async () => {
    const { calls, service } = recorder()
    const broken = new Error('no')
    const group = serviceGroup([service('a'), service('b'), service('c', { start: broken }), service('d')])
    await expect(group.start()).rejects.toMatchObject({ code: 'SERVICE_START_FAILED', cause: broken, facts: { service: 'c' } })
    expect(calls).toEqual(['start a', 'start b', 'start c', 'stop b', 'stop a'])
  })

  it('stops every member even when one fails to stop, and reports it', async () => {
    const { calls, service } = recorder()
    const group = serviceGroup([service('a'), service('b', { stop: new Error('stuck') }), service('c')])
    await group.start()
    await expect(group.stop()).rejects.toMatchObject({ code: 'SERVICE_STOP_FAILED', facts: { services: 'b' } })
    expect(calls.slice(-3)).toEqual(['stop c', 'stop b', 'stop a'])
  })

  it('does nothing when stopped before it was started', async () => {
    const { calls, service } = recorder()
    await serviceGroup([service('a')]).stop()
    expect(calls).toEqual([])
  })

  it('stops starting when the signal aborts between two members', async () => {
    const { calls, service } = recorder()
    const abort = new AbortController()
    const aborter = defineService({
      name: 'aborter',
      start: async () => {
        abort.abort(new Error('shutdown'))
      },
      stop: async () => void calls.push('stop aborter'),
    })
    await expect(serviceGroup([service('a'), aborter, service('b')]).start(abort.signal)).rejects.toThrow('shutdown')
    expect(calls).toEqual(['start a', 'stop aborter', 'stop a'])
  })
})
