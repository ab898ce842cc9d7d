import { describe, expect, it } from 'vitest'
import { TypedEvents } from './typed-events.ts'

interface Events {
  readonly saved: { readonly id: string }
}

describe('TypedEvents', () => {
  it('keeps a listener that throws from disturbing the emitter and the others', () => {
    const reported: unknown[] = []
    const events = new TypedEvents<Events>((error, name) => reported.push([name, error]))
    const seen: string[] = []
    const broken = new Error('listener')
    events.on('saved', () => {
      throw broken
    })
    events.on('saved', ({ id }) => seen.push(id))
    events.emit('saved', { id: 'a' })
    expect(seen).toEqual(['a'])
    expect(reported).toEqual([['saved', broken]])
  })

  it('unsubscribes one subscription, also while emitting', () => {
    const events = new TypedEvents<Events>()
    const seen: string[] = []
    const listener = ({ id }: { readonly id: string }): void => void seen.push(id)
    const offFirst = events.on('saved', () => offFirst())
    const offSecond = events.on('saved', listener)
    events.on('saved', listener)
    events.emit('saved', { id: 'a' })
    offSecond()
    offSecond()
    events.emit('saved', { id: 'b' })
    expect(seen).toEqual(['a', 'a', 'b'])
  })

  it('tells whether anybody listens', () => {
    const events = new TypedEvents<Events>()
    const off = events.on('saved', () => {})
    expect(events.hasListeners('saved')).toBe(true)
    off()
    expect(events.hasListeners('saved')).toBe(false)
  })
})
