import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { stopOnSignals } from './signals.ts'

function listen(): {
  readonly source: EventEmitter
  readonly signal: AbortSignal
  readonly force: ReturnType<typeof vi.fn>
  readonly pass: (ms: number) => void
} {
  let nowMs = 1_000
  const source = new EventEmitter()
  const force = vi.fn()
  const signal = stopOnSignals(source, { force, nowMs: () => nowMs })
  return { source, signal, force, pass: (ms) => (nowMs += ms) }
}

describe('stopOnSignals', () => {
  it('asks for an orderly end at the first signal and names it', () => {
    const { source, signal, force } = listen()
    expect(signal.aborted).toBe(false)
    source.emit('SIGTERM')
    expect(signal.reason).toEqual(new Error('received SIGTERM'))
    expect(force).not.toHaveBeenCalled()
  })

  it('takes the same Ctrl-C, forwarded by npm within milliseconds, for one', () => {
    const { source, force, pass } = listen()
    source.emit('SIGINT')
    pass(20)
    source.emit('SIGINT')
    expect(force).not.toHaveBeenCalled()
  })

  it('forces the end at a second one', () => {
    const { source, force, pass } = listen()
    source.emit('SIGINT')
    pass(600)
    source.emit('SIGINT')
    expect(force).toHaveBeenCalledOnce()
  })
})
