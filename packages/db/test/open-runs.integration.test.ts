import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { OpenRuns, type Database, type EndedStep } from '../src/index.ts'
import { openDatabase, rejectionOf } from './fixtures/database-fixture.ts'

const RUN = 'inv_open'
const AGENT = { agent: 'digits', agentVersion: '1.0.0' }
const LATER = new Date('2999-01-01T00:00:00Z')
const LONG_AGO = new Date('2020-01-01T00:00:00Z')

let db: Database
let open: OpenRuns
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, close } = await openDatabase())
  open = new OpenRuns(db.sql)
})
beforeEach(async () => {
  await db.sql.query('DELETE FROM investigations')
  await submit(RUN, LATER)
})
afterAll(() => close())

async function submit(id: string, deadlineAt: Date, ...stepIds: string[]): Promise<void> {
  await db.investigations.save({ id, query: 'q', userId: 'ana' })
  await db.runs.upsertSteps(
    id,
    stepIds.map((stepId) => ({ stepId, ...AGENT })),
  )
  await open.open(id, deadlineAt)
}

/** A step with a job, which is returned. */
async function addStep(stepId: string): Promise<string> {
  const jobId = randomUUID()
  await db.runs.upsertSteps(RUN, [{ stepId, ...AGENT }])
  await open.assign(RUN, [{ stepId, jobId, dueAt: null }])
  return jobId
}

async function stepOf(stepId: string): Promise<unknown> {
  return (await open.steps(RUN)).find((step) => step.stepId === stepId)
}

async function waiting(): Promise<number> {
  const text = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
  return (await db.sql.query(text)).rows.length
}

const completed = (attempt: number, result: string | null): EndedStep => ({ stepId: 'a', attempt, status: 'completed', result })

describe('an open run', () => {
  it('is locked to the end of the transaction, with what it is', async () => {
    const locked = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const order: string[] = []
    const first = db.transaction(async ({ sql }) => {
      expect(await new OpenRuns(sql).lock(RUN)).toMatchObject({
        id: RUN,
        status: 'pending',
        owner: 'ana',
        stopReason: null,
        planRevision: 1,
      })
      locked.resolve()
      await release.promise
      order.push('first')
      await new OpenRuns(sql).close(RUN)
    })
    await locked.promise
    const second = db.transaction(async ({ sql }) => {
      const found = await new OpenRuns(sql).lock(RUN)
      order.push('second')
      return found
    })
    await expect.poll(waiting, { timeout: 20_000 }).toBe(1)
    release.resolve()
    await first
    // What was read before the wait is not believed: the run is no longer open.
    expect(await second).toBeUndefined()
    expect(order).toEqual(['first', 'second'])
    expect(await open.lock(RUN)).toBeUndefined()
  })

  it('is counted until it is closed, and cannot be opened twice or without an investigation', async () => {
    expect(await open.count()).toBe(1)
    expect(await rejectionOf(open.open(RUN, LATER))).toMatchObject({ code: 'DB_CONSTRAINT', facts: { kind: 'unique' } })
    expect(await rejectionOf(open.open('inv_404', LATER))).toMatchObject({ code: 'DB_CONSTRAINT', facts: { kind: 'foreign-key' } })
    await open.close(RUN)
    expect(await open.count()).toBe(0)
  })

  it('begins once', async () => {
    expect(await open.begin(RUN)).toBe(true)
    expect(await open.begin(RUN)).toBe(false)
    expect(await db.investigations.get(RUN)).toMatchObject({ status: 'processing' })
  })

  it('keeps the first reason to stop, and is no longer overdue with one', async () => {
    await submit('inv_late', LONG_AGO)
    expect(await open.overdue(10)).toEqual(['inv_late'])
    expect(await open.stopped(['inv_late', RUN])).toEqual([])
    await open.stop('inv_late', 'timed_out')
    await open.stop('inv_late', 'cancelled')
    expect(await open.lock('inv_late')).toMatchObject({ stopReason: 'timed_out' })
    expect(await open.stopped(['inv_late', RUN])).toEqual(['inv_late'])
    expect(await open.stopped([])).toEqual([])
    expect(await open.overdue(10)).toEqual([])
  })

  it('logs events in the order given', async () => {
    await open.log(RUN, [])
    await open.log(RUN, [
      { type: 'b', data: { place: 1 } },
      { type: 'a', data: { place: 2 } },
    ])
    expect(await db.runs.listEvents(RUN)).toMatchObject([
      { type: 'b', data: { place: 1 } },
      { type: 'a', data: { place: 2 } },
    ])
  })

  it('that nobody looked at for long is taken by one of two reconcilers', async () => {
    await db.sql.query(`UPDATE open_runs SET looked_at = '2020-01-01'`)
    const taken = await Promise.all([open.takeUnseen(60_000, 10), open.takeUnseen(60_000, 10)])
    expect(taken.flat()).toEqual([RUN])
    expect(await open.takeUnseen(60_000, 10)).toEqual([])
  })
})

describe('a step of an open run', () => {
  it('is claimed by the job that it belongs to, and by no other', async () => {
    const jobId = await addStep('a')
    expect(await open.claim(RUN, { stepId: 'a', jobId: randomUUID(), attempt: 1 })).toBe(false)
    expect(await open.claim(RUN, { stepId: 'a', jobId, attempt: 1 })).toBe(true)
    expect(await stepOf('a')).toEqual({ stepId: 'a', ...AGENT, status: 'running', attempt: 1, jobId, dueAt: null })
  })

  it('belongs to the later of two claimants of one job: the earlier one cannot end it, nor claim it again', async () => {
    const jobId = await addStep('a')
    const claims = await Promise.all([1, 2].map((attempt) => open.claim(RUN, { stepId: 'a', jobId, attempt })))
    expect(claims[1]).toBe(true)
    expect(await open.claim(RUN, { stepId: 'a', jobId, attempt: 1 })).toBe(false)
    expect(await open.endSteps(RUN, [completed(1, 'stale')])).toEqual(new Set())
    expect(await stepOf('a')).toMatchObject({ status: 'running', attempt: 2 })
    expect(await open.endSteps(RUN, [completed(2, 'fresh')])).toEqual(new Set(['a']))
    expect(await open.results(RUN, ['a'])).toEqual(new Map([['a', 'fresh']]))
  })

  it('ends once where two end the same try, and then belongs to no job', async () => {
    const jobId = await addStep('a')
    await open.claim(RUN, { stepId: 'a', jobId, attempt: 1 })
    const ends = await Promise.all(['one', 'other'].map((result) => open.endSteps(RUN, [completed(1, result)])))
    expect(ends.map((ended) => ended.size).toSorted()).toEqual([0, 1])
    expect(await stepOf('a')).toMatchObject({ status: 'completed', jobId: null, dueAt: null })
    expect(await open.claim(RUN, { stepId: 'a', jobId, attempt: 2 })).toBe(false)
  })

  it('keeps error and hash of its input, and a result that is null is one', async () => {
    await addStep('a')
    await addStep('b')
    const inputHash = 'ab'.repeat(32)
    const ended: EndedStep[] = [
      { ...completed(0, null), inputHash },
      { stepId: 'b', attempt: 0, status: 'failed', error: { code: 'X' } },
    ]
    expect(await open.endSteps(RUN, [])).toEqual(new Set())
    expect(await open.endSteps(RUN, ended)).toEqual(new Set(['a', 'b']))
    expect(await open.results(RUN, ['a', 'b'])).toEqual(new Map([['a', null]]))
    expect(await open.results(RUN, [])).toEqual(new Map())
    expect(await db.runs.listSteps(RUN)).toMatchObject([
      { stepId: 'a', inputHash },
      { stepId: 'b', status: 'failed', error: { code: 'X' } },
    ])
  })

  it('is due once its pause is over, and not after it has ended', async () => {
    await addStep('a')
    await addStep('b')
    await open.assign(RUN, [])
    await open.assign(RUN, [
      { stepId: 'a', status: 'pending', jobId: null, dueAt: LONG_AGO },
      { stepId: 'b', status: 'running', jobId: null, dueAt: LATER },
    ])
    expect(await open.dueSteps(10)).toEqual([{ id: RUN, stepId: 'a' }])
    expect(await stepOf('b')).toMatchObject({ status: 'running', dueAt: LATER })
    await open.endSteps(RUN, [{ stepId: 'a', attempt: 0, status: 'skipped' }])
    await open.assign(RUN, [{ stepId: 'a', jobId: randomUUID(), dueAt: LONG_AGO }])
    expect(await open.dueSteps(10)).toEqual([])
  })
})
