import { describe, expect, it } from 'vitest'
import { defineService } from './service-lifecycle.ts'

function gate(): { readonly promise: Promise<void>; open(): void; fail(error: Error): void } {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  return { promise, open: resolve, fail: reject }
}

describe('defineService', () => {
  it('starts once however often start is called', async () => {
    const calls: string[] = []
    const service = defineService({ name: 'a', start: async () => void calls.push('start'), stop: async () => void calls.push('stop') })
    await Promise.all([service.start(), service.start()])
    await service.start()
    await Promise.all([service.stop(), service.stop()])
    await service.stop()
    expect(calls).toEqual(['start', 'stop'])
  })

  it('can be started again after it failed to start, and was not stopped meanwhile', async () => {
    let attempts = 0
    const calls: string[] = []
    const service = defineService({
      name: 'a',
      start: async () => {
        if (++attempts === 1) throw new Error('not yet')
      },
      stop: async () => void calls.push('stop'),
    })
    await expect(service.start()).rejects.toThrow('not yet')
    await service.stop()
    expect(calls).toEqual([])
    await service.start()
    await service.stop()
    expect(calls).toEqual(['stop'])
  })

  it('lets a stop that comes while starting wait, and then stops', async () => {
    const calls: string[] = []
    const starting = gate()
    const service = defineService({
      name: 'a',
      start: () => starting.promise.then(() => void calls.push('started')),
      stop: async () => void calls.push('stopped'),
    })
    const started = service.start()
    const stopped = service.stop()
    starting.open()
    await Promise.all([started, stopped])
    expect(calls).toEqual(['started', 'stopped'])
  })

  it('lets a start that comes while stopping wait, and then starts anew', async () => {
    const calls: string[] = []
    const stopping = gate()
    const service = defineService({
      name: 'a',
      start: async () => void calls.push('start'),
      stop: () => stopping.promise.then(() => void calls.push('stop')),
    })
    await service.start()
    const stopped = service.stop()
    const restarted = service.start()
    stopping.open()
    await Promise.all([stopped, restarted])
    expect(calls).toEqual(['start', 'stop', 'start'])
  })

  it('reports a failing stop and is idle afterwards', async () => {
    const service = defineService({ name: 'a', start: async () => {}, stop: () => Promise.reject(new Error('stuck')) })
    await service.start()
    await expect(service.stop()).rejects.toThrow('stuck')
    await expect(service.stop()).resolves.toBeUndefined()
  })

  it('does not start with an aborted signal', async () => {
    const calls: string[] = []
    const service = defineService({ name: 'a', start: async () => void calls.push('start'), stop: async () => {} })
    await expect(service.start(AbortSignal.abort(new Error('shutdown')))).rejects.toThrow('shutdown')
    expect(calls).toEqual([])
  })
})
