import { eventually, SeededRandom } from '@cidadao/testing'
import { describe, expect, it } from 'vitest'
import { planSchema, type Plan } from '../../src/plan/plan.ts'
import { durableUrl, letHeartbeatsLapse, openDurableRig, submitTo } from '../support/durable-rig.ts'
import { readStored } from '../support/engine-rig.ts'
import { crewOn, type WorkerProcess } from './worker-processes.ts'

const LATER = { deadlineMs: 120_000 }
const RUNS = Number(process.env.CHAOS_RUNS ?? 4)
const KILLS = Number(process.env.CHAOS_KILLS ?? 2)

/** Three rows of three steps, each row behind the one before. */
function nineSteps(): Plan {
  const steps = Array.from({ length: 9 }, (_unused, place) => {
    const row = Math.floor(place / 3)
    const dependsOn = row === 0 ? [] : [0, 1, 2].map((column) => `s${(row - 1) * 3 + column}`)
    return { id: `s${place}`, agent: 'work', inputs: { key: { value: `s${place}` } }, dependsOn }
  })
  return planSchema.parse({ version: 1, madeBy: 'test', onStepFailure: 'complete_with_gaps', steps })
}

function oneStep(key: string): Plan {
  const step = { id: 'only', agent: 'work', inputs: { key: { value: key } }, dependsOn: [] }
  return planSchema.parse({ version: 1, madeBy: 'test', onStepFailure: 'complete_with_gaps', steps: [step] })
}

const AGENTS = { work: () => null }

/** Which of the two took the step, and which did not. */
async function takerOf(step: string, pair: readonly [WorkerProcess, WorkerProcess]): Promise<readonly [WorkerProcess, WorkerProcess]> {
  const hasBegun = (worker: WorkerProcess): boolean => worker.output().includes(`began ${step}`)
  await eventually(() => expect(pair.some(hasBegun)).toBe(true), LATER)
  const [one, other] = pair
  return hasBegun(one) ? [one, other] : [other, one]
}

describe('worker processes', { timeout: 180_000 + RUNS * 2_000 }, () => {
  it('that are killed lose no run, and no finished step is done again', async () => {
    const url = await durableUrl()
    const api = await openDurableRig({ url, agents: AGENTS, role: 'api' })
    const crew = await crewOn(url, 100)
    const workers = await Promise.all([crew.start(), crew.start()])
    const ids = await Promise.all(Array.from({ length: RUNS }, () => submitTo(api.engine, nineSteps())))
    const random = new SeededRandom(7)
    for (let kill = 1; kill <= KILLS; kill++) {
      const goal = Math.floor((RUNS * 9 * kill) / (KILLS + 2))
      await eventually(async () => expect((await crew.runs()).length).toBeGreaterThanOrEqual(goal), LATER)
      workers.splice(random.integer(0, workers.length - 1), 1)[0]?.process.kill('SIGKILL')
      workers.push(await crew.start())
    }
    for (const id of ids) await api.engine.settled(id)
    for (const id of ids) {
      const { investigation, steps, events } = await readStored(api.db, id)
      expect(investigation.status).toBe('completed')
      expect(Object.values(steps).every(({ status }) => status === 'completed')).toBe(true)
      const ends = events.filter(({ type }) => type === 'step.completed').map(({ data }) => data.step)
      expect(ends.toSorted()).toEqual(Object.keys(steps).toSorted())
      // Whatever began after the end of a step was another step.
      for (const { type, data, seq } of events) {
        const end = events.find((other) => other.type === 'step.completed' && other.data.step === data.step)
        if (type === 'step.started') expect(end?.seq).toBeGreaterThan(seq)
      }
    }
    expect((await api.db.audit.verify(api.db.sql)).ok).toBe(true)
  })

  it('that is killed in a step hands it over: another process does it, in a second try', async () => {
    const url = await durableUrl()
    const api = await openDurableRig({ url, agents: AGENTS, role: 'api' })
    const crew = await crewOn(url, 3_000)
    const pair = await Promise.all([crew.start(), crew.start()])
    const id = await submitTo(api.engine, oneStep('handed-over'))
    const [first, second] = await takerOf('handed-over', pair)
    first.process.kill('SIGKILL')
    await letHeartbeatsLapse(api.db)
    await eventually(() => expect(second.output()).toContain('began handed-over'), LATER)
    await api.engine.settled(id)
    expect((await readStored(api.db, id)).steps).toMatchObject({
      only: { status: 'completed', attempt: 2, result: { by: second.process.pid } },
    })
  })

  it('that is stopped for longer than its heartbeats allow, and then goes on, has its result refused', async () => {
    const url = await durableUrl()
    const api = await openDurableRig({ url, agents: AGENTS, role: 'api' })
    const crew = await crewOn(url, 2_000)
    const pair = await Promise.all([crew.start(), crew.start()])
    const id = await submitTo(api.engine, oneStep('stopped'))
    const [first, second] = await takerOf('stopped', pair)
    first.process.kill('SIGSTOP')
    await letHeartbeatsLapse(api.db)
    await api.engine.settled(id)
    first.process.kill('SIGCONT')
    // It takes new work once it is through with the old, so that what it said of the old has been heard.
    second.process.kill('SIGKILL')
    const next = await submitTo(api.engine, oneStep('next'))
    await api.engine.settled(next)
    expect((await readStored(api.db, next)).steps).toMatchObject({ only: { result: { by: first.process.pid } } })
    const { steps, events } = await readStored(api.db, id)
    expect(steps).toMatchObject({ only: { status: 'completed', attempt: 2, result: { by: second.process.pid } } })
    expect(events.filter(({ type }) => type === 'step.completed')).toHaveLength(1)
  })
})
