import { describe, expect, it } from 'vitest'
import { planSchema, type Plan } from '../plan/plan.ts'
import { decide, evolve, initialState, type RunCommand, type RunEvent, type RunState } from './decide.ts'

interface StepSpec {
  readonly id: string
  readonly after?: readonly string[]
  readonly onUpstream?: 'all_success' | 'all_done' | 'one_failed'
  readonly essential?: boolean
}

function planOf(steps: readonly StepSpec[], onStepFailure: Plan['onStepFailure'] = 'complete_with_gaps'): Plan {
  return planSchema.parse({
    version: 1,
    madeBy: 'test',
    onStepFailure,
    steps: steps.map(({ id, after = [], ...rest }) => ({ id, agent: 'any', inputs: {}, dependsOn: after, ...rest })),
  })
}

/** Plays events and collects the commands that follow each. */
function play(
  plan: Plan,
  events: readonly RunEvent[],
): { readonly state: RunState; readonly commands: readonly (readonly RunCommand[])[] } {
  let state = initialState(plan)
  const commands = events.map((event) => {
    const decided = decide(state, event)
    state = evolve(state, event)
    for (const command of decided) {
      if (command.type === 'start_step') state = evolve(state, { type: 'step_started', stepId: command.stepId })
      if (command.type === 'skip_step') state = evolve(state, { type: 'step_ended', stepId: command.stepId, status: 'skipped' })
    }
    return decided
  })
  return { state, commands }
}

const SUBMITTED: RunEvent = { type: 'submitted' }
const ended = (stepId: string, status: 'completed' | 'failed' | 'cancelled'): RunEvent => ({ type: 'step_ended', stepId, status })
const starts = (commands: readonly RunCommand[] | undefined): string[] =>
  (commands ?? []).flatMap((command) => (command.type === 'start_step' ? [command.stepId] : []))

const DIAMOND = [{ id: 'load' }, { id: 'left', after: ['load'] }, { id: 'right', after: ['load'] }]

describe('decide', () => {
  it('starts the steps without dependencies, then those whose dependencies completed', () => {
    const plan = planOf([...DIAMOND, { id: 'report', after: ['left', 'right'] }])
    const { commands } = play(plan, [
      SUBMITTED,
      ended('load', 'completed'),
      ended('right', 'completed'),
      ended('left', 'completed'),
      ended('report', 'completed'),
    ])
    expect(commands.map(starts)).toEqual([['load'], ['left', 'right'], [], ['report'], []])
    expect(commands.at(-1)).toEqual([{ type: 'finish', outcome: { status: 'completed', gaps: [] } }])
  })

  it('skips everything behind a failed step and names the gaps', () => {
    const plan = planOf([...DIAMOND, { id: 'detail', after: ['left'] }, { id: 'report', after: ['left', 'right'], onUpstream: 'all_done' }])
    const { commands } = play(plan, [
      SUBMITTED,
      ended('load', 'completed'),
      ended('left', 'failed'),
      ended('right', 'completed'),
      ended('report', 'completed'),
    ])
    expect(commands[2]).toEqual([
      { type: 'skip_step', stepId: 'detail', reason: 'upstream_failed', because: 'a step before it did not complete' },
    ])
    expect(starts(commands[3])).toEqual(['report'])
    expect(commands[4]).toEqual([{ type: 'finish', outcome: { status: 'completed', gaps: ['left', 'detail'] } }])
  })

  it('ends as an error when an essential step did not complete', () => {
    const plan = planOf([
      { id: 'load', essential: true },
      { id: 'rules', after: ['load'] },
    ])
    const { commands } = play(plan, [SUBMITTED, ended('load', 'failed')])
    expect(commands[1]).toEqual([
      { type: 'skip_step', stepId: 'rules', reason: 'upstream_failed', because: 'a step before it did not complete' },
      { type: 'finish', outcome: { status: 'error', because: 'steps_failed', failedSteps: ['load'] } },
    ])
  })

  it('ends as an error on any failure where the plan says so', () => {
    const { commands } = play(planOf(DIAMOND, 'fail'), [
      SUBMITTED,
      ended('load', 'completed'),
      ended('left', 'failed'),
      ended('right', 'completed'),
    ])
    expect(commands[3]).toEqual([{ type: 'finish', outcome: { status: 'error', because: 'steps_failed', failedSteps: ['left'] } }])
  })

  it('runs a step that waits for a failure only after one', () => {
    const plan = planOf([{ id: 'load' }, { id: 'mend', after: ['load'], onUpstream: 'one_failed' }])
    expect(starts(play(plan, [SUBMITTED, ended('load', 'failed')]).commands[1])).toEqual(['mend'])
    expect(play(plan, [SUBMITTED, ended('load', 'completed')]).commands[1]).toEqual([
      { type: 'skip_step', stepId: 'mend', reason: 'nothing_failed', because: 'nothing before it failed' },
      { type: 'finish', outcome: { status: 'completed', gaps: [] } },
    ])
  })

  it('cancels: aborts what runs, skips what waits, finishes when nothing runs any more', () => {
    const { commands } = play(planOf(DIAMOND), [SUBMITTED, { type: 'cancel_requested' }, ended('load', 'cancelled')])
    expect(commands[1]?.map(({ type }) => type)).toEqual(['abort_step', 'skip_step', 'skip_step'])
    expect(commands[2]).toEqual([{ type: 'finish', outcome: { status: 'cancelled' } }])
  })

  it('ends as an error that says so when time is up, even where everything that failed was beside the point', () => {
    const { commands } = play(planOf(DIAMOND), [SUBMITTED, { type: 'timed_out' }, { type: 'cancel_requested' }, ended('load', 'cancelled')])
    expect(commands[1]).toContainEqual({
      type: 'skip_step',
      stepId: 'left',
      reason: 'stopped',
      because: 'the investigation took longer than it may',
    })
    expect(commands[3]).toEqual([{ type: 'finish', outcome: { status: 'error', because: 'timed_out', failedSteps: [] } }])
  })

  it('gives the same commands when the same events are replayed', () => {
    const plan = planOf([...DIAMOND, { id: 'report', after: ['left', 'right'], onUpstream: 'all_done' }])
    const events = [SUBMITTED, ended('load', 'completed'), ended('left', 'failed'), ended('right', 'completed')]
    expect(play(plan, events)).toEqual(play(plan, events))
  })
})
