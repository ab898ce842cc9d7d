import { createCache } from '@cidadao/cache'
import { systemClock, type JsonValue } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { contentHash } from '../src/engine/content-hash.ts'
import { gate, openRig, outline, planOf, readStored, runToTheEnd, submit } from './support/engine-rig.ts'
import { openTestDatabase } from './support/test-database.ts'

const DIAMOND = planOf(
  { id: 'load', essential: true },
  { id: 'left', after: ['load'] },
  { id: 'right', after: ['load'] },
  { id: 'report', after: ['left', 'right'], onUpstream: 'all_done' },
)
const VERSIONS = new Map([['work', '1']])
const GOOD = {
  load: () => ({ rows: 3 }),
  left: () => ['ação'],
  right: () => 0,
  report: (inputs: Readonly<Record<string, JsonValue>>) => ({ ...inputs, findings: [{ severity: 'high' }, { severity: 'info' }] }),
}

describe('a run', () => {
  it('is carried out to its end, with rows, events and audit entries that tell the same story in the same order', async () => {
    const rig = await openRig({ agents: GOOD })
    const { investigation, steps, events, audit, auditHolds } = await runToTheEnd(rig, DIAMOND)

    expect(investigation).toMatchObject({ status: 'completed', errorMessage: null, anomaliesFound: 1, query: 'Análise de contratos' })
    expect(investigation.results).toEqual({ left: ['ação'], right: 0, findings: [{ severity: 'high' }, { severity: 'info' }] })
    expect(investigation.completedAt).toBeInstanceOf(Date)
    expect(Object.values(steps).map(({ stepId, status, attempt }) => `${stepId} ${status} ${attempt}`)).toEqual([
      'left completed 1',
      'load completed 1',
      'report completed 1',
      'right completed 1',
    ])

    const story = outline(events)
    expect(story.slice(0, 4)).toEqual(['investigation.submitted', 'investigation.started', 'step.started load', 'step.completed load'])
    expect(story.slice(4, -3).sort()).toEqual(['step.completed left', 'step.completed right', 'step.started left', 'step.started right'])
    expect(story.slice(-3)).toEqual(['step.started report', 'step.completed report', 'investigation.completed'])

    expect(audit.map(({ action, data }) => (typeof data.step === 'string' ? `${action} ${data.step}` : action))).toEqual(story)
    expect(auditHolds).toBe(true)
  })

  it('names in the audit log who did what, on which input, with which result, so that anybody can recompute the hashes', async () => {
    const rig = await openRig({ agents: GOOD })
    const { investigation, steps, audit } = await runToTheEnd(rig, DIAMOND)
    const entry = (action: string, step?: string) => audit.find(({ action: found, data }) => found === action && data.step === step)
    expect(entry('investigation.submitted')?.actor).toEqual({ kind: 'human', id: 'local' })
    expect(entry('investigation.started')?.actor).toEqual({ kind: 'system', component: 'engine' })
    expect(entry('step.completed', 'left')).toMatchObject({
      actor: { kind: 'agent', name: 'left' },
      data: { attempt: 1, outcome: 'success', inputSha256: steps.left?.inputHash, resultSha256: contentHash(['ação']) },
    })
    expect(entry('investigation.completed')?.data).toMatchObject({ gaps: [], resultsSha256: contentHash(investigation.results) })
    expect(JSON.stringify(audit)).not.toContain('contratos')
  })

  it('ends completed with its gaps named when a step fails that is not essential', async () => {
    const fail = () => Promise.reject(new Error('no such column'))
    const rig = await openRig({ agents: { ...GOOD, left: fail } })
    const { investigation, steps, audit, events } = await runToTheEnd(rig, DIAMOND)
    expect(investigation).toMatchObject({ status: 'completed', results: { right: 0 } })
    expect(steps.left).toMatchObject({
      status: 'failed',
      error: { code: 'AGENT_POOL_AGENT_FAILED', message: expect.stringContaining('no such column') as string },
    })
    expect(events.at(-1)?.data).toMatchObject({ gaps: ['left'] })
    expect(audit.filter(({ data }) => data.outcome === 'failure').map(({ action }) => action)).toEqual(['step.failed'])
  })

  it('ends as an error that says why when an essential step fails, and skips what is behind it', async () => {
    const rig = await openRig({ agents: { ...GOOD, load: () => Promise.reject(new Error('disk on fire')) } })
    const { investigation, steps } = await runToTheEnd(rig, DIAMOND)
    expect(investigation).toMatchObject({
      status: 'error',
      errorMessage: expect.stringMatching(/^load: .*disk on fire/) as string,
    })
    expect(steps.left).toMatchObject({ status: 'skipped', attempt: 0 })
    expect(rig.calls).toEqual(['load', 'report'])
  })

  it('fails a step whose result cannot be stored, and no more than that', async () => {
    const rig = await openRig({ agents: { ...GOOD, left: () => 'half a pair: \ud800' } })
    const { investigation, steps } = await runToTheEnd(rig, DIAMOND)
    expect(steps.left).toMatchObject({ status: 'failed' })
    expect(investigation.status).toBe('completed')
  })

  it('keeps null, zero, false, empty text and empty lists as results', async () => {
    const rig = await openRig({ agents: { ...GOOD, load: () => null, left: () => '', right: () => [], report: (inputs) => inputs } })
    const { investigation } = await runToTheEnd(
      rig,
      planOf({ id: 'load' }, { id: 'left' }, { id: 'right' }, { id: 'report', after: ['load', 'left', 'right'] }),
    )
    expect(investigation.results).toEqual({ load: null, left: '', right: [] })
  })

  it('ends as an error when it takes longer than it may', async () => {
    const slow = gate()
    const rig = await openRig({ agents: { load: (_inputs, { signal }) => slow.pass(signal).then(() => null) }, runTimeoutMs: 200 })
    const { investigation, steps } = await runToTheEnd(rig, planOf({ id: 'load' }))
    expect(investigation).toMatchObject({ status: 'error', errorMessage: expect.stringContaining('took longer than it may') as string })
    expect(steps.load?.status).toBe('cancelled')
  })
})

describe('a step with a condition', () => {
  const planWith = (rows: number) => ({
    ...planOf({ id: 'load' }, { id: 'mend', after: ['load'] }, { id: 'report', after: ['load', 'mend'], onUpstream: 'all_done' }),
    steps: planOf(
      { id: 'load' },
      { id: 'mend', after: ['load'] },
      { id: 'report', after: ['load', 'mend'], onUpstream: 'all_done' },
    ).steps.map((step) =>
      step.id === 'mend' ? { ...step, when: { from: 'load', path: ['rows'], operator: 'at_least' as const, value: rows } } : step,
    ),
  })

  it.each([
    ['runs where it holds', 3, ['load', 'mend', 'report'], 'completed'],
    ['is skipped where it does not, which is no gap', 4, ['load', 'report'], 'skipped'],
  ] as const)('%s', async (_what, rows, calls, status) => {
    const rig = await openRig({ agents: { ...GOOD, mend: () => 1 } })
    const { investigation, steps, events } = await runToTheEnd(rig, planWith(rows))
    expect([investigation.status, steps.mend?.status]).toEqual(['completed', status])
    expect(events.at(-1)?.data).toMatchObject({ gaps: [] })
    expect(rig.calls).toEqual(calls)
  })

  it('refuses, before anything is stored, what the inline engine does not carry out yet', async () => {
    const rig = await openRig({ agents: GOOD })
    const plan = planOf({ id: 'load' })
    const steps = plan.steps.map((step) => ({ ...step, retry: { maxAttempts: 2, initialMs: 1, maxMs: 1 } }))
    await expect(submit(rig, { ...plan, steps })).rejects.toMatchObject({
      code: 'ORCHESTRATOR_PLAN_INVALID',
      problems: ['step load: retry is not carried out by the inline engine'],
    })
    expect(rig.events).toEqual([])
  })
})

describe('cancelling', () => {
  it.each([
    ['an inline agent', 'wait'],
    ['a thread agent in an endless loop', 'loop'],
  ])('reaches %s within two seconds', async (_what, agent) => {
    const waiting = gate()
    const rig = await openRig({
      agents: { wait: (_inputs, { signal }) => waiting.pass(signal).then(() => null), after: () => 1 },
      looping: agent === 'loop',
    })
    const started = new Promise<void>((resolve) => void rig.engine.events.on('step-started', () => resolve()))
    const id = await submit(rig, planOf({ id: 'work', agent }, { id: 'after', after: ['work'] }))
    await started
    if (agent === 'wait') await waiting.reached

    const before = systemClock.monotonicMs()
    expect(await rig.engine.cancel(id)).toBe('requested')
    await rig.engine.settled(id)
    expect(systemClock.monotonicMs() - before).toBeLessThan(2_000)

    const { investigation, steps, audit } = await readStored(rig.db, id)
    expect(investigation).toMatchObject({ status: 'cancelled', results: null })
    expect(steps).toMatchObject({ work: { status: 'cancelled' }, after: { status: 'skipped' } })
    expect(audit.map(({ action }) => action)).toContain('investigation.cancel_requested')
    expect(await rig.engine.cancel(id)).toBe('ended')
    expect(await rig.engine.cancel('nobody')).toBe('unknown')
    expect(rig.calls).not.toContain('after')
  })

  it('need not wait for the turn of a run that has not begun', async () => {
    const busy = gate()
    const rig = await openRig({
      agents: { busy: (_inputs, { signal }) => busy.pass(signal).then(() => null), other: () => 1 },
      maxRunning: 1,
    })
    const first = await submit(rig, planOf({ id: 'busy' }))
    await busy.reached
    const second = await submit(rig, planOf({ id: 'other' }))
    await rig.engine.cancel(second)
    await rig.engine.settled(second)
    expect((await readStored(rig.db, second)).investigation.status).toBe('cancelled')
    busy.open()
    await rig.engine.settled(first)
    expect(rig.engine.stats()).toEqual({ running: 0, waiting: 0 })
    expect(rig.calls).toEqual(['busy'])
  })

  it('is not forgotten by a crash: whoever takes the run up ends it', async () => {
    const rig = await openRig({ agents: { work: () => 1 }, url: (await openTestDatabase()).url })
    const run = { id: 'inv-forgotten', owner: null, query: 'q', source: '/data', plan: planOf({ id: 'work' }) }
    await rig.store.create(run, VERSIONS)
    await rig.store.requestCancel(run.id)
    expect(await rig.engine.recover()).toBe(1)
    await rig.engine.settled(run.id)
    expect((await readStored(rig.db, run.id)).investigation.status).toBe('cancelled')
    expect(rig.calls).toEqual([])
  })

  it('ends a run that nobody carries out', async () => {
    const rig = await openRig({ agents: { work: () => 1 } })
    await rig.store.create({ id: 'inv-left', owner: null, query: 'q', source: '/data', plan: planOf({ id: 'work' }) }, VERSIONS)
    expect(await rig.engine.cancel('inv-left')).toBe('requested')
    await rig.engine.settled('inv-left')
    const { investigation, auditHolds } = await readStored(rig.db, 'inv-left')
    expect([investigation.status, auditHolds]).toEqual(['cancelled', true])
  })
})

describe('the bound of open runs', () => {
  it('refuses before anything is stored, also among many that come at once', async () => {
    const busy = gate()
    const rig = await openRig({
      agents: { busy: (_inputs, { signal }) => busy.pass(signal).then(() => null) },
      maxRunning: 1,
      maxWaiting: 2,
      url: (await openTestDatabase()).url,
    })
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => submit(rig, planOf({ id: 'busy' }))))
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual(Array(3).fill('ORCHESTRATOR_ENGINE_FULL'))
    expect((await rig.db.investigations.find({})).items).toHaveLength(3)
    busy.open()
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') await rig.engine.settled(outcome.value)
    expect(rig.calls).toHaveLength(3)
  })

  it('never runs more at once than allowed, however runs end and come', async () => {
    let now = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setImmediate(resolve))
      now--
      return 1
    }
    const rig = await openRig({ agents: { work }, maxRunning: 2 })
    const ids = await Promise.all(Array.from({ length: 8 }, () => submit(rig, planOf({ id: 'work' }))))
    await Promise.all(ids.map((id) => rig.engine.settled(id)))
    expect(most).toBeLessThanOrEqual(2)
    expect(rig.calls).toHaveLength(8)
  })
})

describe('stopping', () => {
  it('leaves the run to be taken up, waits until its agents have stopped, and takes nothing new', async () => {
    let stopped = false
    const slow = gate()
    const work = async (_inputs: unknown, { signal }: { readonly signal: AbortSignal }) => {
      if (stopped) return 'second try'
      try {
        await slow.pass(signal)
      } finally {
        stopped = true
      }
      return 'never'
    }
    const rig = await openRig({ agents: { quick: () => 1, work }, url: (await openTestDatabase()).url })
    const id = await submit(rig, planOf({ id: 'quick' }, { id: 'work', after: ['quick'] }))
    await slow.reached
    const settled = rig.engine.settled(id)
    settled.catch(() => {})
    await rig.engine.stop()
    expect(stopped).toBe(true)
    await expect(settled).rejects.toMatchObject({ code: 'ORCHESTRATOR_ENGINE_STOPPING' })
    await expect(submit(rig, planOf({ id: 'quick' }))).rejects.toMatchObject({ code: 'ORCHESTRATOR_ENGINE_STOPPING' })
    expect((await readStored(rig.db, id)).investigation.status).toBe('processing')

    await rig.engine.start()
    expect(await rig.engine.recover()).toBe(1)
    await rig.engine.settled(id)
    const { investigation, steps, events } = await readStored(rig.db, id)
    expect(investigation.status).toBe('completed')
    expect(steps).toMatchObject({ quick: { attempt: 1 }, work: { attempt: 2, result: 'second try' } })
    expect(outline(events)).toContain('investigation.resumed')
    expect(rig.calls).toEqual(['quick', 'work', 'work'])
  })
})

describe('what was computed before', () => {
  it('is remembered: the second run of the same question calls no agent whose results may be', async () => {
    const rig = await openRig({ agents: GOOD, deterministic: ['left', 'right', 'report'] })
    const first = await runToTheEnd(rig, DIAMOND)
    const second = await runToTheEnd(rig, DIAMOND)
    expect(rig.calls).toHaveLength(5)
    expect(rig.calls.at(-1)).toBe('load')
    expect(second.investigation.results).toEqual(first.investigation.results)
    const remembered = second.events.filter(({ data }) => data.remembered === true).map(({ data }) => data.step)
    expect(remembered.sort()).toEqual(['left', 'report', 'right'])
  })

  it('is computed again when the cache fails, and the failure is no failure of the run', async () => {
    const cache = createCache({})
    const rig = await openRig({ agents: GOOD, deterministic: ['left', 'right', 'report'], cache })
    await runToTheEnd(rig, DIAMOND)
    await cache.stop()
    const { investigation } = await runToTheEnd(rig, DIAMOND)
    expect(investigation.status).toBe('completed')
  })
})

describe('submitting', () => {
  it('leaves nothing when its transaction is rolled back', async () => {
    const rig = await openRig({ agents: { work: () => 1 }, url: (await openTestDatabase()).url })
    // Refused late in the transaction, after investigation and plan were written.
    const plan = planOf({ id: 'work' })
    const twice = { ...plan, steps: [...plan.steps, ...plan.steps] }
    await expect(submit(rig, twice)).rejects.toMatchObject({ code: 'DB_INVALID_INVESTIGATION' })
    expect((await rig.db.investigations.find({})).items).toEqual([])
    const { rows } = await rig.db.sql.query<{ count: number }>(
      'SELECT (SELECT count(*) FROM investigation_plans) + (SELECT count(*) FROM investigation_events) AS count',
    )
    expect(Number(rows[0]?.count)).toBe(0)
    expect(rig.engine.stats()).toEqual({ running: 0, waiting: 0 })
    expect(rig.events).toEqual([])
  })

  it('may be repeated when it is not known whether it took effect', async () => {
    const rig = await openRig({ agents: { work: () => 1 } })
    const run = { id: 'inv-again', owner: null, query: 'q', source: '/data', plan: planOf({ id: 'work' }) }
    await rig.store.create(run, VERSIONS)
    await rig.store.create(run, VERSIONS)
    const { events, audit } = await readStored(rig.db, run.id)
    expect([events.length, audit.length]).toEqual([1, 1])
  })
})
