import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { linkSignals } from './link-signals.ts'

describe('linkSignals', () => {
  it('aborts with the reason of the first source that does', () => {
    const [one, two] = [new AbortController(), new AbortController()]
    const { signal } = linkSignals([one.signal, undefined, two.signal])
    two.abort('second')
    one.abort('first')
    expect(signal.reason).toBe('second')
  })

  it('is aborted from the start where a source is, and listens to none', () => {
    const alive = new AbortController()
    const { signal } = linkSignals([alive.signal, AbortSignal.abort('gone')])
    expect(signal.reason).toBe('gone')
    expect(getEventListeners(alive.signal, 'abort')).toHaveLength(0)
  })

  it('can be aborted by itself, which leaves the sources alone', () => {
    const source = new AbortController()
    const link = linkSignals([source.signal])
    link.abort('own')
    expect(link.signal.reason).toBe('own')
    expect(source.signal.aborted).toBe(false)
    expect(getEventListeners(source.signal, 'abort')).toHaveLength(0)
  })

  it('aborts every link of the same source, also where one of them ends another', () => {
    const source = new AbortController()
    const links = Array.from({ length: 3 }, () => linkSignals([source.signal]))
    links[0]?.signal.addEventListener('abort', () => links[1]?.dispose())
    source.abort('all')
    expect(links.map(({ signal }) => signal.aborted)).toEqual([true, false, true])
  })

  it('leaves nothing on a long-lived source once disposed of, where AbortSignal.any would stay', () => {
    const process = new AbortController()
    const links = Array.from({ length: 1_000 }, () => linkSignals([process.signal, process.signal]))
    // One listener for all: adding one each is quadratic, for a signal compares it with those it has.
    expect(getEventListeners(process.signal, 'abort')).toHaveLength(1)
    for (const link of links) {
      link.dispose()
      link.dispose()
    }
    expect(getEventListeners(process.signal, 'abort')).toHaveLength(0)
    process.abort()
    expect(links.every((link) => !link.signal.aborted)).toBe(true)
  })
})
