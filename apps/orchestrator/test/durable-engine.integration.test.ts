import { eventually } from '@cidadao/testing'
import { describe, expect, it, vi } from 'vitest'
import { durableUrl, letHeartbeatsLapse, openDurableRig, submitTo } from './support/durable-rig.ts'
import { gate, planOf, readStored } from './support/engine-rig.ts'

const SOON = { deadlineMs: 20_000 }
vi.setConfig({ testTimeout: 180_000 })

describe('a durable run', () => {
  it('carries out a plan to its end, each step once, with results, events and an audit log that holds', async () => {
    const rig = await openDurableRig({
      url: await durableUrl(),
      agents: { left: () => 1, right: () => 2, join: (inputs) => ({ inputs }) },
    })
    const id = await submitTo(rig.engine, planOf({ id: 'left' }, { id: 'right' }, { id: 'join', after: ['left', 'right'] }))
    await rig.engine.settled(id)
    const stored = await readStored(rig.db, id)
    expect(stored.investigation).toMatchObject({ status: 'completed', results: { inputs: { left: 1, right: 2 } } })
    expect(stored.steps).toMatchObject({ left: { attempt: 1 }, right: { attempt: 1 }, join: { status: 'completed', attempt: 1 } })
    expect(rig.calls.toSorted()).toEqual(['join', 'left', 'right'])
    expect(stored.auditHolds).toBe(true)
    expect(stored.audit.at(-1)).toMatchObject({ action: 'investigation.completed' })
    const { rows } = await rig.db.sql.query('SELECT id FROM pgboss.job UNION ALL SELECT NULL FROM open_runs')
    expect(rows).toEqual([])
  })

  it('names the gap when a step fails, and never runs what depends on it', async () => {
    const rig = await openDurableRig({
      url: await durableUrl(),
      agents: {
        bad: () => {
          throw new Error('no such file')
        },
        after: () => 1,
        other: () => 2,
      },
    })
    const id = await submitTo(rig.engine, planOf({ id: 'bad' }, { id: 'after', after: ['bad'] }, { id: 'other' }))
    await rig.engine.settled(id)
    const { steps, investigation } = await readStored(rig.db, id)
    expect(investigation.status).toBe('completed')
    expect(steps).toMatchObject({ bad: { status: 'failed' }, after: { status: 'skipped' }, other: { status: 'completed' } })
    expect(rig.calls).not.toContain('after')
  })

  it('leaves nothing behind where its submission is rolled back', async () => {
    const rig = await openDurableRig({ url: await durableUrl(), agents: { first: () => 1 }, role: 'api' })
    await rig.db.sql.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'`)
    await rig.db.sql.query('CREATE TRIGGER refuse BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION refuse()')
    await expect(submitTo(rig.engine, planOf({ id: 'first' }))).rejects.toThrow()
    const { rows } = await rig.db.sql.query<{ left: number }>(
      'SELECT ((SELECT count(*) FROM pgboss.job) + (SELECT count(*) FROM investigations) + (SELECT count(*) FROM open_runs))::integer AS left',
    )
    expect(rows).toEqual([{ left: 0 }])
  })

  it('is cancelled while another process works on it: its agent is stopped, and what waits is skipped', async () => {
    const url = await durableUrl()
    const busy = gate()
    const worker = await openDurableRig({
      url,
      agents: { first: (_inputs, { signal }) => busy.pass(signal).then(() => 1), second: () => 2 },
      role: 'worker',
    })
    const api = await openDurableRig({ url, agents: { first: () => 1, second: () => 2 }, role: 'api' })
    const id = await submitTo(api.engine, planOf({ id: 'first' }, { id: 'second', after: ['first'] }))
    await busy.reached
    expect(await api.engine.cancel(id)).toBe('requested')
    await api.engine.settled(id)
    const { investigation, steps, auditHolds } = await readStored(api.db, id)
    expect(investigation.status).toBe('cancelled')
    expect(steps).toMatchObject({ first: { status: 'cancelled' }, second: { status: 'skipped' } })
    expect(auditHolds).toBe(true)
    expect(await api.engine.cancel(id)).toBe('ended')
    expect(await api.engine.cancel('inv_404')).toBe('unknown')
    expect(worker.calls).toEqual(['first'])
  })

  it('that nobody has taken yet is cancelled at once, without a worker', async () => {
    const rig = await openDurableRig({ url: await durableUrl(), agents: { first: () => 1 }, role: 'api' })
    const id = await submitTo(rig.engine, planOf({ id: 'first' }))
    expect(await rig.engine.cancel(id)).toBe('requested')
    expect((await readStored(rig.db, id)).investigation.status).toBe('cancelled')
  })

  it('that takes longer than it may ends as an error, and its agent is stopped', async () => {
    const rig = await openDurableRig({
      url: await durableUrl(),
      agents: {
        first: (_inputs, { signal }) =>
          gate()
            .pass(signal)
            .then(() => 1),
      },
      runTimeoutMs: 500,
    })
    const id = await submitTo(rig.engine, planOf({ id: 'first' }))
    await rig.engine.settled(id)
    expect((await readStored(rig.db, id)).investigation).toMatchObject({ status: 'error' })
  })
})

describe('a step whose job is gone', () => {
  it('gets another by the reconciler', async () => {
    const url = await durableUrl()
    const api = await openDurableRig({ url, agents: { first: () => 1 }, role: 'api' })
    const id = await submitTo(api.engine, planOf({ id: 'first' }))
    await api.db.sql.query('DELETE FROM pgboss.job')
    const worker = await openDurableRig({ url, agents: { first: () => 1 }, role: 'worker' })
    await worker.engine.settled(id)
    expect((await readStored(api.db, id)).steps).toMatchObject({ first: { status: 'completed', attempt: 1 } })
  })

  it('that took the last of its tries fails, by its dead letter, and the run goes on', async () => {
    const url = await durableUrl()
    const api = await openDurableRig({ url, agents: { first: () => 1, second: () => 2 }, role: 'api' })
    const id = await submitTo(api.engine, planOf({ id: 'first' }, { id: 'second' }))
    // As after five processes that died with it: taken for the last time, and no sign of life since.
    await api.db.sql.query(
      `UPDATE pgboss.job SET state = 'active', retry_count = retry_limit, started_on = now(), heartbeat_on = now() - interval '1 minute' WHERE data ->> 'stepId' = 'first'`,
    )
    const worker = await openDurableRig({ url, agents: { first: () => 1, second: () => 2 }, role: 'worker' })
    await worker.engine.settled(id)
    const { steps, investigation } = await readStored(api.db, id)
    expect(steps).toMatchObject({ first: { status: 'failed', error: { code: 'ORCHESTRATOR_STEP_LOST' } }, second: { status: 'completed' } })
    expect(investigation.status).toBe('completed')
    expect(worker.calls).toEqual(['second'])
  })
})

describe('a step that another process has taken over', () => {
  it('ends by the later try: the result of the earlier one is refused', async () => {
    const url = await durableUrl()
    const slow = gate()
    const first = await openDurableRig({
      url,
      agents: { first: (_i, { signal }) => slow.pass(signal).then(() => 'stale') },
      heartbeatMs: 600_000,
      pollMs: 600_000,
    })
    const id = await submitTo(first.engine, planOf({ id: 'first' }))
    await slow.reached
    await letHeartbeatsLapse(first.db)
    const second = await openDurableRig({ url, agents: { first: () => 'fresh' }, role: 'worker' })
    await second.engine.settled(id)
    slow.open()
    await eventually(() => expect(first.engine.stats().running).toBe(0), SOON)
    const { steps, auditHolds, events } = await readStored(first.db, id)
    expect(steps).toMatchObject({ first: { status: 'completed', attempt: 2, result: 'fresh' } })
    expect(events.filter(({ type }) => type === 'step.completed')).toHaveLength(1)
    expect(first.events.filter(([name]) => name === 'step-ended')).toEqual([])
    expect(auditHolds).toBe(true)
  })
})

describe('a flood of one owner', () => {
  it('does not starve another: the number of its steps at work is bounded', async () => {
    const hold = gate()
    const rig = await openDurableRig({
      url: await durableUrl(),
      agents: { work: (inputs, { signal }) => ('flood' in inputs ? hold.pass(signal).then(() => 1) : 1) },
      groupConcurrency: 1,
    })
    const flood = { ...planOf({ id: 'work' }) }
    const [step] = flood.steps
    const flooding = { ...flood, steps: [{ ...step, inputs: { flood: { value: true } } }] } as typeof flood
    const floods = await Promise.all(Array.from({ length: 20 }, () => submitTo(rig.engine, flooding, 'flooder')))
    await hold.reached
    const quick = await submitTo(rig.engine, flood, 'other')
    await rig.engine.settled(quick)
    expect((await readStored(rig.db, quick)).investigation.status).toBe('completed')
    hold.open()
    for (const id of floods) await rig.engine.settled(id)
    expect(rig.calls).toHaveLength(21)
  })
})
