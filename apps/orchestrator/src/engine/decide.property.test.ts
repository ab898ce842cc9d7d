import type { JsonValue } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { PlanInvalidError } from '../errors.ts'
import { pick, randomFrom, randomPlan, type Random } from '../plan/random-plan.fixture.ts'
import { validatePlan } from '../plan/validate-plan.ts'
import type { Plan } from '../plan/plan.ts'
import { advance, decide, initialState, restoreState, type KnownStep, type RunCommand, type RunEvent, type RunState } from './decide.ts'

const AGENTS = new Set(['loader'])
const MOST_EVENTS = 3_000

/** One run as it was recorded: each event, and what was commanded after it. */
interface Recording {
  readonly plan: Plan
  readonly runId: string
  readonly story: readonly { readonly event: RunEvent; readonly commands: readonly RunCommand[] }[]
  readonly last: RunState
  readonly finishes: number
}

function validRandomPlan(random: Random): Plan {
  for (;;) {
    try {
      return validatePlan(randomPlan(random), AGENTS)
    } catch (error) {
      if (!(error instanceof PlanInvalidError)) throw error
    }
  }
}

/** What may happen after a command, as agents, people and clocks please. */
function answers(random: Random, command: RunCommand, attempts: Map<string, number>): RunEvent[] {
  switch (command.type) {
    case 'start_step': {
      const attempt = (attempts.get(command.stepId) ?? 0) + 1
      attempts.set(command.stepId, attempt)
      return [endOfTry(random, command.stepId, attempt)]
    }
    case 'wait_retry':
      return [{ type: 'retry_due', stepId: command.stepId }]
    case 'ask_approval':
      return [
        random() < 0.2
          ? { type: 'approval_timed_out', stepId: command.stepId }
          : { type: 'approval_given', stepId: command.stepId, approved: random() < 0.7, by: 'ana' },
      ]
    case 'collect_step':
      return [{ type: 'step_ended', stepId: command.stepId, status: 'completed', output: randomOutput(random) }]
    case 'abort_step':
      return random() < 0.5 ? [{ type: 'step_ended', stepId: command.stepId, status: 'cancelled' }] : []
    default:
      return []
  }
}

function endOfTry(random: Random, stepId: string, attempt: number): RunEvent {
  if (random() < 0.75) return { type: 'step_ended', stepId, status: 'completed', output: randomOutput(random), cost: random() }
  return { type: 'step_failed', stepId, attempt, transient: random() < 0.6, failure: { code: 'X', message: 'x' } }
}

function randomOutput(random: Random): JsonValue {
  return {
    n: Math.floor(random() * 6),
    ...(random() < 0.8 ? { list: Array.from({ length: Math.floor(random() * 10) }, (_, at) => at) } : {}),
  }
}

function record(random: Random): Recording {
  const plan = validRandomPlan(random)
  const runId = `run-${Math.floor(random() * 1e9)}`
  const open: RunEvent[] = [{ type: 'submitted' }]
  const attempts = new Map<string, number>()
  const story: Recording['story'][number][] = []
  const stopsAt = random() < 0.15 ? Math.floor(random() * 20) : Number.POSITIVE_INFINITY
  let state = initialState(plan, runId)
  let finishes = 0
  while (open.length > 0 && story.length < MOST_EVENTS) {
    if (story.length === stopsAt) open.push({ type: pick(random, ['cancel_requested', 'timed_out']) })
    const [event = { type: 'submitted' }] = open.splice(Math.floor(random() * open.length), 1)
    // Now and then an event comes twice.
    if (random() < 0.05) open.push(event)
    const decided = advance(state, event)
    state = decided.state
    finishes += decided.commands.filter(({ type }) => type === 'finish').length
    story.push({ event, commands: decided.commands })
    for (const command of decided.commands) open.push(...answers(random, command, attempts))
  }
  return { plan, runId, story, last: state, finishes }
}

describe('decide, on thousands of random runs', () => {
  const recordings = Array.from({ length: 3_000 }, (_, seed) => record(randomFrom(seed)))

  it('comes to an end, once, with every step ended', () => {
    for (const { story, last, finishes } of recordings) {
      expect([story.length < MOST_EVENTS, finishes >= 1]).toEqual([true, true])
      expect([...last.steps.values()].filter((status) => ['pending', 'running', 'retrying'].includes(status))).toEqual([])
    }
  })

  it('gives the same commands when the recorded events are replayed', () => {
    for (const { plan, runId, story } of recordings) {
      let state = initialState(structuredClone(plan), runId)
      for (const { event, commands } of story) {
        const copy = structuredClone(event)
        expect(decide(state, copy)).toEqual(commands)
        state = advance(state, copy).state
      }
    }
  })

  it('never starts a step again that has ended, and never more items at once than the plan allows', () => {
    for (const { plan, story } of recordings) {
      const open = new Set<string>()
      const ended = new Set<string>()
      for (const { event, commands } of story) {
        if (event.type === 'step_failed') open.delete(event.stepId)
        if (event.type === 'step_ended') {
          open.delete(event.stepId)
          ended.add(event.stepId)
        }
        for (const command of commands) {
          if (command.type !== 'start_step') continue
          expect(ended.has(command.stepId)).toBe(false)
          open.add(command.stepId)
          const parent = command.stepId.split('#')[0] ?? ''
          const step = plan.steps.find(({ id }) => id === parent)
          const most = step?.kind === 'agent' && step.forEach !== undefined ? step.forEach.maxParallel : 1
          expect([...open].filter((id) => id.split('#')[0] === parent).length).toBeLessThanOrEqual(most)
        }
      }
    }
  })

  it('counts no more runs than the budget has', () => {
    for (const { plan, last } of recordings)
      expect(last.spent.stepRuns).toBeLessThanOrEqual(plan.budget.maxStepRuns ?? Number.POSITIVE_INFINITY)
    expect(recordings.some(({ plan, last }) => last.spent.stepRuns === plan.budget.maxStepRuns)).toBe(true)
  })
})

describe('a fan-out over 10,000 items', () => {
  const plan = validatePlan(
    {
      version: 1,
      madeBy: 'test',
      onStepFailure: 'fail',
      steps: [
        { id: 'list', agent: 'loader', inputs: {}, dependsOn: [] },
        { id: 'each', agent: 'loader', inputs: { row: { item: [] } }, dependsOn: ['list'], forEach: { from: 'list', maxItems: 10_000 } },
      ],
    },
    AGENTS,
  )
  const listed = (items: number): RunState => {
    const begun = advance(initialState(plan), { type: 'submitted' }).state
    return advance(begun, { type: 'step_ended', stepId: 'list', status: 'completed', output: Array.from({ length: items }, () => 0) }).state
  }

  it('is carried out item by item, eight at a time, to the end', () => {
    let state = listed(10_000)
    let last: readonly RunCommand[] = []
    for (let item = 0; item < 10_000; item++) {
      const decided = advance(state, { type: 'step_ended', stepId: `each#${item}`, status: 'completed' })
      state = decided.state
      last = decided.commands
      expect(last.length).toBeLessThanOrEqual(1)
    }
    expect(last).toEqual([{ type: 'collect_step', stepId: 'each', items: 10_000 }])
    expect(state.fanOuts.get('each')).toMatchObject({ completed: 10_000, failed: 0 })
  })

  it('fails the step at 10,001, saying how many there were', () => {
    expect(listed(10_001).steps.get('each')).toBe('failed')
    const begun = advance(initialState(plan), { type: 'submitted' }).state
    const output = Array.from({ length: 10_001 }, () => 0)
    expect(decide(begun, { type: 'step_ended', stepId: 'list', status: 'completed', output })[0]).toEqual({
      type: 'fail_step',
      stepId: 'each',
      failure: { code: 'ORCHESTRATOR_FAN_OUT_TOO_WIDE', message: 'forEach found 10001 items in list, more than maxItems = 10000' },
    })
  })

  it('is restored with the items that are left', () => {
    const stored = new Map(
      Array.from({ length: 30 }, (_, item) => [
        `each#${item}`,
        { status: item < 25 ? ('completed' as const) : ('running' as const), attempt: 1 },
      ]),
    )
    const steps = new Map<string, KnownStep>([
      ['list', { status: 'completed' as const, attempt: 1, output: Array.from({ length: 40 }, () => 0) }],
      ['each', { status: 'running' as const, attempt: 1 }],
      ...stored,
    ])
    const state = restoreState({ runId: 'r', plan, steps, running: 'lost' })
    const starts = decide(state, { type: 'submitted' }).map((command) => ('stepId' in command ? command.stepId : ''))
    expect(starts).toEqual(['each#25', 'each#26', 'each#27', 'each#28', 'each#29', 'each#30', 'each#31', 'each#32'])
  })
})
