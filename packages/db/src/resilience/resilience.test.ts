import { TypedEvents } from '@cidadao/contracts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CommitUnknownError, ConnectionLostError, DatabaseUnavailableError, PoolTimeoutError } from '../errors/connection-errors.ts'
import { VersionConflictError } from '../errors/investigation-errors.ts'
import { TransactionConflictError } from '../errors/statement-errors.ts'
import type { DatabaseEvents } from '../events.ts'
import { Resilience, type AttemptContext } from './resilience.ts'
import type { ResilienceOptions } from './resilience-options.ts'

const AWAY = new DatabaseUnavailableError('away')
const LOST = new ConnectionLostError('lost')

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function build(options: ResilienceOptions = {}): { readonly resilience: Resilience; readonly events: TypedEvents<DatabaseEvents> } {
  const events = new TypedEvents<DatabaseEvents>()
  return { events, resilience: new Resilience({ events, options: { breakAfter: 1_000, ...options } }) }
}

/** Fails with each of the failures in turn, then succeeds; keeps what each attempt knew. */
function failing(...failures: readonly Error[]): {
  readonly work: (context: AttemptContext) => Promise<string>
  readonly contexts: AttemptContext[]
} {
  const contexts: AttemptContext[] = []
  return {
    contexts,
    work: async (context) => {
      const failure = failures[contexts.length]
      contexts.push(context)
      if (failure !== undefined) throw failure
      return 'done'
    },
  }
}

async function settle<T>(work: Promise<T>): Promise<unknown> {
  const outcome = work.catch((error: unknown) => error)
  await vi.runAllTimersAsync()
  return outcome
}

describe('Resilience', () => {
  it('repeats what surely did nothing, and tells of it', async () => {
    const { resilience, events } = build()
    const retries: string[] = []
    events.on('retry', ({ code }) => retries.push(code))
    const { work, contexts } = failing(AWAY, AWAY)
    expect(await settle(resilience.run('once', work))).toBe('done')
    expect(contexts).toEqual([1, 2, 3].map((attempt) => ({ attempt, mayBeDone: false })))
    expect(retries).toEqual(['DB_UNAVAILABLE', 'DB_UNAVAILABLE'])
  })

  it('stops after the attempts it was given, with the failure itself', async () => {
    const { resilience } = build({ attempts: 2 })
    const { work, contexts } = failing(AWAY, AWAY, AWAY, AWAY)
    expect(await settle(resilience.run('once', work))).toBe(AWAY)
    expect(contexts).toHaveLength(3)
  })

  it('begins no attempt after the time it was given', async () => {
    const { resilience } = build({ attempts: 50, initialDelayMs: 1_000, maxDelayMs: 1_000, maxElapsedMs: 100 })
    const { work, contexts } = failing(...Array.from({ length: 50 }, () => AWAY))
    vi.spyOn(Math, 'random').mockReturnValue(0.999)
    const slow = async (context: AttemptContext): Promise<string> => {
      vi.advanceTimersByTime(60)
      return work(context)
    }
    expect(await settle(resilience.run('once', slow))).toBe(AWAY)
    expect(contexts.length).toBeLessThanOrEqual(2)
  })

  it('repeats work of unknown effect only where it is idempotent, and says that it may be done', async () => {
    const once = failing(LOST)
    expect(await settle(build().resilience.run('once', once.work))).toBe(LOST)
    expect(once.contexts).toHaveLength(1)
    const twice = failing(new CommitUnknownError('?'), AWAY)
    expect(await settle(build().resilience.run('idempotent', twice.work))).toBe('done')
    expect(twice.contexts.map(({ mayBeDone }) => mayBeDone)).toEqual([false, true, true])
  })

  it.each([
    ['the server stays away', [AWAY, AWAY, AWAY, AWAY]],
    ['the pool is full then', [new PoolTimeoutError('busy')]],
    ['the transaction conflicts to the end', Array.from({ length: 4 }, () => new TransactionConflictError('conflict'))],
  ])('reports the effect as unknown when an attempt may have done it and %s', async (_name, later) => {
    const doubt = new CommitUnknownError('?')
    const { work } = failing(doubt, ...later)
    expect(await settle(build().resilience.run('idempotent', work))).toBe(doubt)
  })

  it('reports the effect as unknown when an attempt may have done it and the circuit opens then', async () => {
    const { resilience } = build({ breakAfter: 2, breakForMs: 60_000 })
    const doubt = new CommitUnknownError('?')
    expect(await settle(resilience.run('idempotent', failing(doubt, AWAY).work))).toBe(doubt)
    expect(resilience.state).toBe('open')
  })

  it('passes on an answer that settles the doubt', async () => {
    const answer = new VersionConflictError('inv_001', 1, 2)
    expect(await settle(build().resilience.run('idempotent', failing(new CommitUnknownError('?'), answer).work))).toBe(answer)
  })

  it('pauses for longer each time, each pause by chance, so that many callers do not come back together (row 42)', async () => {
    const pausesOf = async (): Promise<readonly number[]> => {
      const { resilience, events } = build({ attempts: 6, initialDelayMs: 100, maxDelayMs: 5_000, maxElapsedMs: 3_600_000 })
      const pauses: number[] = []
      events.on('retry', ({ delayMs }) => pauses.push(delayMs))
      await settle(resilience.run('once', failing(...Array.from({ length: 7 }, () => AWAY)).work))
      return pauses
    }
    const callers = await Promise.all(Array.from({ length: 40 }, pausesOf))
    const nth = (index: number): readonly number[] => callers.map((pauses) => pauses[index] ?? NaN)
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
    for (let index = 0; index < 6; index += 1) expect(new Set(nth(index)).size).toBeGreaterThan(20)
    expect(mean(nth(5))).toBeGreaterThan(mean(nth(0)) * 3)
    expect(Math.max(...callers.flat())).toBeLessThanOrEqual(5_000)
    expect(Math.min(...callers.flat())).toBeGreaterThanOrEqual(0)
  })

  it('lets one probe at a time through a half-open circuit, and opens again when it fails', async () => {
    const { resilience, events } = build({ attempts: 0, breakAfter: 1, breakForMs: 1_000 })
    const states: string[] = []
    events.on('breaker', ({ state }) => states.push(state))
    await settle(resilience.run('once', failing(AWAY).work))
    await vi.advanceTimersByTimeAsync(1_000)
    let probes = 0
    const probe = async (): Promise<string> => {
      probes += 1
      await Promise.resolve()
      throw AWAY
    }
    const calls = Array.from({ length: 20 }, () => resilience.run('once', probe).catch((error: unknown) => error))
    const outcomes = (await settle(Promise.all(calls))) as readonly { readonly code: string }[]
    expect(probes).toBe(1)
    expect(outcomes.map(({ code }) => code).toSorted()).toEqual([...Array.from({ length: 19 }, () => 'DB_CIRCUIT_OPEN'), 'DB_UNAVAILABLE'])
    expect(states).toEqual(['open', 'half-open', 'open'])
  })

  it('never repeats what is no fault of the server', async () => {
    for (const failure of [new PoolTimeoutError('busy'), new Error("the caller's own")]) {
      const { work, contexts } = failing(failure)
      expect(await settle(build().resilience.run('idempotent', work))).toBe(failure)
      expect(contexts).toHaveLength(1)
    }
  })

  it('opens after failures in a row, lets one probe through, and closes when it succeeds', async () => {
    const { resilience } = build({ attempts: 0, breakAfter: 2, breakForMs: 1_000 })
    const { work, contexts } = failing(AWAY, AWAY)
    await settle(resilience.run('once', work))
    await settle(resilience.run('once', work))
    expect(resilience.state).toBe('open')
    expect(await settle(resilience.run('once', work))).toMatchObject({ code: 'DB_CIRCUIT_OPEN' })
    expect(contexts).toHaveLength(2)
    vi.advanceTimersByTime(1_000)
    let running = 0
    let most = 0
    const probe = async (): Promise<string> => {
      most = Math.max(most, (running += 1))
      await Promise.resolve()
      running -= 1
      return 'done'
    }
    const first = resilience.run('once', probe)
    expect(resilience.state).toBe('half-open')
    const second = resilience.run('once', probe)
    expect(await settle(Promise.all([first, second]))).toEqual(['done', 'done'])
    expect(most).toBe(1)
    expect(resilience.state).toBe('closed')
  })

  it('is not opened by a full pool or a refused row', async () => {
    const { resilience } = build({ attempts: 0, breakAfter: 1 })
    await settle(resilience.run('once', failing(new PoolTimeoutError('busy')).work))
    expect(resilience.state).toBe('closed')
  })
})
