import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { eventually } from '@cidadao/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { RunStore } from '../src/engine/run-store.ts'
import { gate, openRig, outline, planOf, readStored, runToTheEnd, submit } from './support/engine-rig.ts'
import { connectTo, openTestDatabase } from './support/test-database.ts'

const SOON = { deadlineMs: 10_000 }

class Away extends Error {}

/** The store with one method that fails as long as `fails` says so. */
function failing(store: RunStore, method: 'startStep' | 'endStep' | 'finish' | 'begin', fails: (stepId: string) => boolean): RunStore {
  const real = store[method].bind(store) as (...args: unknown[]) => Promise<unknown>
  const faulty = async (...args: readonly unknown[]): Promise<unknown> => {
    if (fails((args[1] as { stepId?: string } | undefined)?.stepId ?? '')) throw new Away(`${method}: the store is away`)
    return real(...args)
  }
  const bound = Object.fromEntries(
    (['create', 'load', 'unended', 'begin', 'startStep', 'endStep', 'skipStep', 'finish', 'requestCancel'] as const).map((name) => [
      name,
      store[name].bind(store),
    ]),
  ) as unknown as RunStore
  return { ...bound, isOutage: (error) => error instanceof Away || store.isOutage(error), [method]: faulty }
}

const CHAIN = planOf({ id: 'first' }, { id: 'second', after: ['first'] }, { id: 'third', after: ['second'] })
const AGENTS = { first: () => 1, second: () => 2, third: (inputs: unknown) => ({ inputs: inputs as never }) }

describe('a store that fails in the middle of a run', () => {
  it.each(['begin', 'startStep', 'endStep', 'finish'] as const)(
    'at %s, stalls it; it goes on without running a finished step again',
    async (method) => {
      let failures = 0
      const fails = (stepId: string): boolean => (stepId === '' || stepId === 'second') && failures++ < 7
      const rig = await openRig({ agents: AGENTS, wrapStore: (store) => failing(store, method, fails), maxStalls: 2 })
      const { investigation, steps, auditHolds } = await runToTheEnd(rig, CHAIN)
      expect(investigation).toMatchObject({ status: 'completed', results: { inputs: { second: 2 } } })
      expect(auditHolds).toBe(true)
      expect(rig.events.filter(([name]) => name === 'run-stalled')).toHaveLength(7)
      // Only the step in whose end the store failed was done again; the others were not.
      expect(rig.calls.filter((agent) => agent !== 'second')).toEqual(['first', 'third'])
      expect(steps).toMatchObject({ first: { attempt: 1 }, second: { attempt: method === 'endStep' ? 8 : 1 }, third: { attempt: 1 } })
    },
  )

  it('is given up after failures that are no outage, and taken up by the next start', async () => {
    let broken = true
    const wrapStore = (store: RunStore): RunStore => ({
      ...failing(store, 'startStep', (stepId) => broken && stepId === 'second'),
      isOutage: () => false,
    })
    const rig = await openRig({ agents: AGENTS, wrapStore, maxStalls: 2, url: (await openTestDatabase()).url })
    const id = await submit(rig, CHAIN)
    await expect(rig.engine.settled(id)).rejects.toThrow('the store is away')
    expect(rig.events.filter(([name]) => name === 'run-stalled')).toHaveLength(2)
    expect(rig.events.at(-1)?.[0]).toBe('run-abandoned')
    expect((await readStored(rig.db, id)).investigation.status).toBe('processing')
    broken = false
    expect(await rig.engine.recover()).toBe(1)
    await rig.engine.settled(id)
    expect(rig.calls).toEqual(['first', 'second', 'third'])
  })

  it('refuses the submission when it fails there, and keeps no place for it', async () => {
    const rig = await openRig({
      agents: AGENTS,
      wrapStore: (store) => ({ ...failing(store, 'begin', () => false), create: () => Promise.reject(new Away('away')) }),
      maxRunning: 1,
      maxWaiting: 0,
    })
    for (let attempt = 0; attempt < 3; attempt++) await expect(submit(rig, CHAIN)).rejects.toThrow('away')
  })
})

describe('agents that cannot work now', () => {
  it('keep the step waiting instead of failing it', async () => {
    const busy = gate()
    const rig = await openRig({ agents: { first: (_inputs, { signal }) => busy.pass(signal).then(() => 1) } })
    await rig.pool.stop()
    const id = await submit(rig, planOf({ id: 'first' }))
    await eventually(() => expect(rig.events.filter(([name]) => name === 'run-stalled').length).toBeGreaterThan(2), SOON)
    await rig.pool.start()
    await busy.reached
    busy.open()
    await rig.engine.settled(id)
    const { investigation, steps } = await readStored(rig.db, id)
    expect(investigation.status).toBe('completed')
    expect(steps.first?.attempt).toBeGreaterThan(1)
  })
})

describe('losing every connection to the database', () => {
  it('in the middle of a run does not lose it', async () => {
    const { url, name } = await openTestDatabase()
    const middle = gate()
    const rig = await openRig({ url, agents: { ...AGENTS, second: (_inputs, { signal }) => middle.pass(signal).then(() => 2) } })
    const id = await submit(rig, CHAIN)
    await middle.reached
    const cut = await terminator(name)
    await cut()
    middle.open()
    await cut()
    await cut()
    await rig.engine.settled(id)
    const { investigation, steps, auditHolds } = await readStored(rig.db, id)
    expect([investigation.status, auditHolds, steps.first?.attempt]).toEqual(['completed', true, 1])
    expect(rig.calls.filter((agent) => agent === 'first')).toHaveLength(1)
  })
})

describe('two engines with the same run', () => {
  it('get it done once: the earlier one is fenced off, its late result dropped', async () => {
    const late = gate()
    const early = await openRig({
      agents: { ...AGENTS, second: (_inputs, { signal }) => late.pass(signal).then(() => 'late') },
      url: (await openTestDatabase()).url,
    })
    const id = await submit(early, CHAIN)
    await late.reached
    const other = await openRig({ url: early.url, agents: { ...AGENTS, second: () => 'in time' } })
    expect(await other.engine.recover()).toBe(1)
    await other.engine.settled(id)
    late.open()
    await early.engine.settled(id)
    await eventually(() => expect(early.engine.stats()).toEqual({ running: 0, waiting: 0 }), SOON)

    const { investigation, steps, events, audit, auditHolds } = await readStored(other.db, id)
    expect(investigation).toMatchObject({ status: 'completed', results: { inputs: { second: 'in time' } } })
    expect(steps).toMatchObject({ first: { attempt: 1 }, second: { attempt: 2, result: 'in time' }, third: { attempt: 1 } })
    expect(outline(events).filter((type) => type.startsWith('step.completed'))).toEqual([
      'step.completed first',
      'step.completed second',
      'step.completed third',
    ])
    expect(audit.filter(({ action }) => action === 'investigation.completed')).toHaveLength(1)
    expect(auditHolds).toBe(true)
    expect([...early.calls, ...other.calls]).toEqual(['first', 'second', 'second', 'third'])
    // Fenced is neither stalled nor given up.
    expect(early.events.map(([name]) => name)).not.toContain('run-abandoned')
    expect(early.events.map(([name]) => name)).not.toContain('run-ended')
  })

  it('that take it from each other while steps run side by side still get to the end', async () => {
    const plan = planOf(...['a', 'b', 'c', 'd'].map((id) => ({ id })), { id: 'last', after: ['a', 'b', 'c', 'd'] })
    const quick = () => new Promise<number>((resolve) => setImmediate(() => resolve(1)))
    const agents = { a: quick, b: quick, c: quick, d: quick, last: (inputs: unknown) => inputs as never }
    const one = await openRig({ agents, url: (await openTestDatabase()).url })
    const two = await openRig({ agents, url: one.url })
    const ids = await Promise.all(Array.from({ length: 6 }, () => submit(one, plan)))
    await two.engine.recover()
    await Promise.all(ids.map((id) => two.engine.settled(id)))
    for (const id of ids) {
      const { investigation, audit, auditHolds } = await readStored(two.db, id)
      expect([investigation.status, auditHolds]).toEqual(['completed', true])
      expect(audit.filter(({ action }) => action.startsWith('step.completed'))).toHaveLength(5)
    }
  })

  it('are fenced off, too, by who ends the investigation behind their back', async () => {
    const late = gate()
    const rig = await openRig({ agents: { ...AGENTS, second: (_inputs, { signal }) => late.pass(signal).then(() => 2) } })
    const id = await submit(rig, CHAIN)
    await late.reached
    await rig.db.investigations.cancel(id)
    late.open()
    await rig.engine.settled(id)
    await eventually(() => expect(rig.engine.stats()).toEqual({ running: 0, waiting: 0 }), SOON)
    const { investigation, steps } = await readStored(rig.db, id)
    expect([investigation.status, steps.second?.status]).toEqual(['cancelled', 'running'])
  })
})

describe('a process that is killed in the middle of a step', () => {
  it('loses nothing: another one repeats the open step, and no other', async () => {
    const { url } = await openTestDatabase()
    const plan = planOf({ id: 'quick' }, { id: 'slow', after: ['quick'] }, { id: 'end', agent: 'quick', after: ['quick', 'slow'] })
    const child = crashing(url, 'inv-crash', JSON.stringify(plan))
    await once(child.stdout ?? expect.unreachable(), 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')

    const rig = await openRig({ url, agents: { quick: (inputs) => ({ by: 'second process', inputs }), slow: () => 'done' } })
    const before = await readStored(rig.db, 'inv-crash')
    expect(before.steps).toMatchObject({ quick: { status: 'completed' }, slow: { status: 'running', attempt: 1 } })
    expect(await rig.engine.recover()).toBe(1)
    await rig.engine.settled('inv-crash')

    const { investigation, steps, events, auditHolds } = await readStored(rig.db, 'inv-crash')
    expect(investigation).toMatchObject({
      status: 'completed',
      results: { by: 'second process', inputs: { quick: { by: 'first process' }, slow: 'done' } },
    })
    expect(steps).toMatchObject({ quick: { attempt: 1 }, slow: { attempt: 2 }, end: { attempt: 1 } })
    expect(outline(events)).toEqual([
      'investigation.submitted',
      'investigation.started',
      'step.started quick',
      'step.completed quick',
      'step.started slow',
      'investigation.resumed',
      'step.started slow',
      'step.completed slow',
      'step.started end',
      'step.completed end',
      'investigation.completed',
    ])
    expect(auditHolds).toBe(true)
    expect(rig.calls).toEqual(['slow', 'quick'])
  })
})

/** Ends all connections to a database, from outside of it. */
async function terminator(name: string): Promise<() => Promise<void>> {
  const { url } = await openTestDatabase()
  const db = await connectTo(url)
  return async () => {
    await db.sql.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])
  }
}

function crashing(url: string, id: string, plan: string): ChildProcess {
  const script = join(import.meta.dirname, 'support/crashing-engine.ts')
  const child = spawn(process.execPath, ['--conditions=@cidadao/source', '--disable-warning=ExperimentalWarning', script, url, id, plan], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}
