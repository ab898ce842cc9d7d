import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../src/index.ts'
import { connectDirectly, openDatabase, rejectionOf } from './fixtures/database-fixture.ts'

let db: Database
let url: string
let close: () => Promise<void>
const INVESTIGATION = 'inv_run'
const AGENT = { agent: 'digits', agentVersion: '1.0.0' }

beforeAll(async () => {
  ;({ db, url, close } = await openDatabase())
})
beforeEach(async () => {
  await db.sql.query('DELETE FROM investigations')
  await db.investigations.save({ id: INVESTIGATION, query: 'q' })
})
afterAll(() => close())

describe('plans', () => {
  it('keeps every revision and reads the newest', async () => {
    const first = await db.runs.savePlan({ investigationId: INVESTIGATION, revision: 1, plan: { steps: [] } })
    await db.runs.savePlan({ investigationId: INVESTIGATION, revision: 2, plan: { steps: ['ação'] } })
    expect(await db.runs.getPlan(INVESTIGATION)).toMatchObject({ revision: 2, plan: { steps: ['ação'] } })
    expect(await db.runs.getPlan(INVESTIGATION, 1)).toEqual(first)
    expect(await db.runs.getPlan('inv_404')).toBeUndefined()
  })

  it('refuses a revision that exists, and an investigation that does not', async () => {
    await db.runs.savePlan({ investigationId: INVESTIGATION, revision: 1, plan: {} })
    const again = db.runs.savePlan({ investigationId: INVESTIGATION, revision: 1, plan: {} })
    expect(await rejectionOf(again)).toMatchObject({ code: 'DB_CONSTRAINT', facts: { kind: 'unique' } })
    const lost = db.runs.savePlan({ investigationId: 'inv_404', revision: 1, plan: {} })
    expect(await rejectionOf(lost)).toMatchObject({ code: 'DB_INVESTIGATION_NOT_FOUND' })
  })
})

describe('steps', () => {
  const add = (...stepIds: string[]): Promise<unknown> =>
    db.runs.upsertSteps(
      INVESTIGATION,
      stepIds.map((stepId) => ({ stepId, ...AGENT })),
    )
  const start = (attempt: number, stepId = 'a'): Promise<unknown> => db.runs.startStep({ investigationId: INVESTIGATION, stepId, attempt })
  const complete = (attempt: number, result: string): Promise<unknown> =>
    db.runs.finishStep({ investigationId: INVESTIGATION, stepId: 'a', attempt, end: { status: 'completed', result } })

  it('go from pending through running to an end, with their result', async () => {
    expect(await add('b', 'a')).toMatchObject([{ stepId: 'a', status: 'pending', attempt: 0 }, { stepId: 'b' }])
    expect(await start(1)).toMatchObject({ outcome: 'changed', step: { status: 'running', attempt: 1 } })
    expect(await complete(1, 'done')).toMatchObject({ outcome: 'changed', step: { status: 'completed', result: 'done' } })
    expect(await db.runs.listSteps(INVESTIGATION)).toMatchObject([
      { stepId: 'a', status: 'completed' },
      { stepId: 'b', status: 'pending' },
    ])
  })

  it('accept the result of the latest try only', async () => {
    await add('a')
    await start(1)
    await start(2)
    expect(await start(1)).toMatchObject({ outcome: 'stale', step: { attempt: 2 } })
    expect(await complete(1, 'late')).toMatchObject({ outcome: 'stale', step: { status: 'running', attempt: 2 } })
    expect(await complete(2, 'in time')).toMatchObject({ outcome: 'changed' })
    expect(await complete(2, 'again')).toMatchObject({ outcome: 'stale', step: { result: 'in time' } })
    expect(await start(3)).toMatchObject({ outcome: 'stale', step: { status: 'completed' } })
  })

  it('end once when two finish the same try at the same time', async () => {
    await add('a')
    await start(1)
    const outcomes = (await Promise.all([complete(1, 'one'), complete(1, 'other')])) as readonly { readonly outcome: string }[]
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['changed', 'stale'])
  })

  it('can be skipped or fail before they ran, but not complete', async () => {
    await add('a', 'b')
    expect(await complete(0, 'never ran')).toMatchObject({ outcome: 'stale' })
    const skip = await db.runs.finishStep({ investigationId: INVESTIGATION, stepId: 'a', attempt: 0, end: { status: 'skipped' } })
    expect(skip).toMatchObject({ outcome: 'changed', step: { status: 'skipped' } })
    const fail = await db.runs.finishStep({
      investigationId: INVESTIGATION,
      stepId: 'b',
      attempt: 0,
      end: { status: 'failed', error: { code: 'X' } },
    })
    expect(fail).toMatchObject({ outcome: 'changed', step: { status: 'failed', error: { code: 'X' } } })
  })

  it('keep their state when they are planned again; what is still pending is brought up to date', async () => {
    await add('a', 'b')
    await start(1)
    const again = await db.runs.upsertSteps(
      INVESTIGATION,
      ['a', 'b', 'c'].map((stepId) => ({ stepId, agent: 'digits', agentVersion: '2.0.0' })),
    )
    expect(again).toMatchObject([
      { stepId: 'a', status: 'running', agentVersion: '1.0.0' },
      { stepId: 'b', status: 'pending', agentVersion: '2.0.0' },
      { stepId: 'c', status: 'pending' },
    ])
  })

  it('are refused where they name nothing that exists', async () => {
    expect(await rejectionOf(start(1, 'nothing'))).toMatchObject({ code: 'DB_STEP_NOT_FOUND' })
    expect(await rejectionOf(db.runs.upsertSteps('inv_404', [{ stepId: 'a', ...AGENT }]))).toMatchObject({
      code: 'DB_INVESTIGATION_NOT_FOUND',
    })
  })
})

describe('events', () => {
  it('are read in order, from where the reader stopped', async () => {
    for (const type of ['run.started', 'step.finished', 'run.finished'])
      await db.runs.appendEvent({ investigationId: INVESTIGATION, type, data: { type } })
    const first = await db.runs.listEvents(INVESTIGATION, { limit: 2 })
    expect(first.map(({ type }) => type)).toEqual(['run.started', 'step.finished'])
    const rest = await db.runs.listEvents(INVESTIGATION, { afterSeq: first.at(-1)?.seq ?? 0 })
    expect(rest).toMatchObject([{ type: 'run.finished', data: { type: 'run.finished' } }])
  })

  it('get their numbers in the order of commits, so that a reader never skips one', async () => {
    const slow = await connectDirectly(url)
    await slow.query('BEGIN')
    await slow.query("SELECT 1 FROM investigations WHERE id = 'inv_run' FOR NO KEY UPDATE")
    const waiting = db.runs.appendEvent({ investigationId: INVESTIGATION, type: 'second' })
    await slow.query("INSERT INTO investigation_events (investigation_id, type) VALUES ('inv_run', 'first')")
    expect(await db.runs.listEvents(INVESTIGATION)).toEqual([])
    await slow.query('COMMIT')
    const second = await waiting
    expect((await db.runs.listEvents(INVESTIGATION)).map(({ type }) => type)).toEqual(['first', 'second'])
    expect(await db.runs.listEvents(INVESTIGATION, { afterSeq: second.seq })).toEqual([])
  })

  it('need an investigation', async () => {
    expect(await rejectionOf(db.runs.appendEvent({ investigationId: 'inv_404', type: 'x' }))).toMatchObject({
      code: 'DB_INVESTIGATION_NOT_FOUND',
    })
  })

  it('commit and roll back with the step that they tell of', async () => {
    await db.runs.upsertSteps(INVESTIGATION, [{ stepId: 'a', ...AGENT }])
    await rejectionOf(
      db.transaction(async (tx) => {
        await tx.runs.appendEvent({ investigationId: INVESTIGATION, type: 'step.started' })
        await tx.runs.startStep({ investigationId: INVESTIGATION, stepId: 'a', attempt: 1 })
        throw new Error('crash')
      }),
    )
    expect(await db.runs.listEvents(INVESTIGATION)).toEqual([])
    expect(await db.runs.listSteps(INVESTIGATION)).toMatchObject([{ status: 'pending', attempt: 0 }])
  })
})

describe('metrics', () => {
  it('are recorded, read newest first, and pruned', async () => {
    const at = (day: number): Date => new Date(Date.UTC(2024, 0, day))
    await db.metrics.record(
      [1, 2, 3].map((day) => ({ name: 'contracts_loaded', value: day / 3, tags: { source: 'portal' }, timestamp: at(day) })),
    )
    expect((await db.metrics.series('contracts_loaded', { from: at(2) })).map(({ value }) => value)).toEqual([1, 2 / 3])
    expect(await db.metrics.prune(at(3))).toBe(2)
    expect(await db.metrics.series('contracts_loaded')).toMatchObject([{ timestamp: at(3), tags: { source: 'portal' } }])
  })

  it('are refused where they would be stored as something else', async () => {
    expect(await rejectionOf(db.metrics.record([{ name: 'm', value: Infinity }]))).toMatchObject({ code: 'DB_INVALID_METRIC' })
    const tooMany = { name: 'm', value: 1, tags: { text: 'x'.repeat(3_000) } }
    expect(await rejectionOf(db.metrics.record([tooMany]))).toMatchObject({ code: 'DB_INVALID_METRIC' })
  })
})
