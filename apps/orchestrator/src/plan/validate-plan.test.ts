import { describe, expect, it } from 'vitest'
import { PlanInvalidError } from '../errors.ts'
import { revisePlan } from './plan-appendix.ts'
import { randomFrom, randomPlan } from './random-plan.fixture.ts'
import { validatePlan } from './validate-plan.ts'

const AGENTS = new Set(['loader', 'digits'])
const step = (id: string, dependsOn: readonly string[] = [], extra: object = {}): object => ({
  id,
  agent: 'loader',
  inputs: {},
  dependsOn,
  ...extra,
})
const plan = (...steps: readonly object[]): object => ({ version: 1, madeBy: 'test', onStepFailure: 'fail', steps })

describe('validatePlan', () => {
  it('accepts a plan and fills in the defaults', () => {
    expect(validatePlan(plan(step('load')), AGENTS).steps[0]).toMatchObject({
      onUpstream: 'all_success',
      essential: false,
      timeoutMs: 600_000,
    })
  })

  it.each([
    ['a cycle', plan(step('a', ['b']), step('b', ['a'])), 'the steps a, b wait for each other'],
    ['a step that waits for itself', plan(step('a', ['a'])), 'the steps a wait for each other'],
    ['an unknown agent', plan(step('a', [], { agent: 'oracle' })), 'step a: no agent is called "oracle"'],
    ['an unknown dependency', plan(step('a', ['ghost'])), 'step a: depends on "ghost"'],
    ['a duplicate id', plan(step('a'), step('a')), 'step a: the id stands twice'],
    [
      'an input from a step that is no dependency',
      plan(step('a'), step('b', [], { inputs: { rows: { from: 'a' } } })),
      'step b: input "rows" comes from a step that dependsOn does not name',
    ],
    [
      'an input from a later step',
      plan(step('a', [], { inputs: { rows: { from: 'b' } } }), step('b', ['a'])),
      'step a: input "rows" comes from',
    ],
    [
      'a condition over a step that does not come before',
      plan(step('a'), step('b', [], { when: { from: 'a', operator: 'exists' } })),
      'step b: when comes',
    ],
    [
      'a list from a step that does not come before',
      plan(step('a'), step('b', [], { forEach: { from: 'a' } })),
      'step b: forEach comes from a step',
    ],
    ['10,001 items', plan(step('a'), step('b', ['a'], { forEach: { from: 'a', maxItems: 10_001 } })), 'maxItems'],
    ['an item without a list', plan(step('a', [], { inputs: { row: { item: [] } } })), 'step a: input "row" is an item'],
    ['a path that is no list of names', plan(step('a'), step('b', ['a'], { forEach: { from: 'a', path: 'rows' } })), 'path'],
    [
      'a pause longer than the longest',
      plan(step('a', [], { retry: { initialMs: 2, maxMs: 1 } })),
      'step a: retry.initialMs must be at most',
    ],
    ['a dependency named twice', plan(step('a'), step('b', ['a', 'a'])), 'step b: names "a" twice'],
    [
      'a budget below the number of steps',
      { ...plan(step('a'), step('b')), budget: { maxStepRuns: 1 } },
      'budget.maxStepRuns must be at least 2',
    ],
    ['a result of no step', { ...plan(step('a')), resultStep: 'b' }, 'resultStep "b" is no step'],
    ['an approval that has an agent', plan({ id: 'a', kind: 'approval', question: '?', agent: 'loader', dependsOn: [] }), 'agent'],
    ['an approval without a question', plan({ id: 'a', kind: 'approval', dependsOn: [] }), 'question'],
    ['a kind of step that there is not', plan(step('a', [], { kind: 'shell' })), 'kind'],
    ['an order between texts', plan(step('a'), step('b', ['a'], { when: { from: 'a', operator: 'less', value: 'x' } })), 'value'],
    ['no step', plan(), 'steps: '],
    ['an unknown field', { ...plan(step('a')), then: 'rm' }, 'then'],
    ['text', 'do it', 'expected object'],
  ])('refuses %s', (_what, candidate, message) => {
    expect(() => validatePlan(candidate, AGENTS)).toThrow(message)
  })

  it('takes an input from a step that comes before through others', () => {
    const chain = plan(step('a'), step('b', ['a']), step('c', ['b'], { inputs: { rows: { from: 'a' } } }))
    expect(problemsOf(chain)).toEqual([])
  })

  it('throws nothing but PlanInvalidError, whatever it is given', () => {
    const random = randomFrom(7)
    let accepted = 0
    for (let count = 0; count < 10_000; count++) if (problemsOf(randomPlan(random)).length === 0) accepted++
    // A fuzz whose plans are all good, or all bad, would show nothing.
    expect(accepted).toBeGreaterThan(500)
    expect(accepted).toBeLessThan(9_500)
  })

  it('reports every problem at once', () => {
    const bad = plan(step('a', ['ghost'], { agent: 'oracle' }), step('a'))
    expect(problemsOf(bad)).toHaveLength(3)
  })
})

describe('revisePlan', () => {
  const LIMITS = { knownAgents: AGENTS, stepRuns: 1 }
  const first = validatePlan(
    { ...plan(step('a', [], { mayReplan: true })), budget: { maxStepRuns: 4 }, replanning: { maxSteps: 2 } },
    AGENTS,
  )
  const refused = (steps: readonly unknown[], by = 'a', from = first) => thrownBy(() => revisePlan(from, { by, steps }, LIMITS))

  it('appends steps, and remembers who did', () => {
    const revised = revisePlan(first, { by: 'a', steps: [step('b', ['a'])], resultStep: 'b' }, LIMITS)
    expect(revised).toMatchObject({ steps: [{ id: 'a' }, { id: 'b' }], revisions: [{ by: 'a', steps: ['b'] }], resultStep: 'b' })
  })

  it.each([
    ['a step that is there', [step('a')], 'the id stands twice'],
    ['an agent that there is not', [step('b', ['a'], { agent: 'oracle' })], 'no agent is called'],
    ['a circle', [step('b', ['c']), step('c', ['b'])], 'wait for each other'],
    ['more steps than it may', [step('b'), step('c'), step('d')], 'replanning.maxSteps is 2'],
    ['more than the budget has left', [step('b'), step('c'), step('d'), step('e')], 'leaves 3 runs'],
    ['nothing', [], 'revisions'],
    ['what is no step', [null], 'steps'],
  ])('refuses %s', (_what, steps, message) => {
    expect(refused(steps).join('; ')).toContain(message)
  })

  it('refuses steps from one that may not append, too many revisions, and too deep ones', () => {
    expect(refused([step('c')], 'b', revisePlan(first, { by: 'a', steps: [step('b')] }, LIMITS))).toEqual([
      'step b: it appends steps without mayReplan',
    ])
    const shallow = validatePlan({ ...plan(step('a', [], { mayReplan: true })), replanning: { maxDepth: 1, maxRevisions: 1 } }, AGENTS)
    const once = revisePlan(shallow, { by: 'a', steps: [step('b', ['a'], { mayReplan: true })] }, LIMITS)
    expect(refused([step('c')], 'b', once)).toEqual([
      'step b: what it appends lies 2 deep, and replanning.maxDepth is 1',
      'revisions: 2, and replanning.maxRevisions is 1',
    ])
  })
})

function thrownBy(work: () => unknown): readonly string[] {
  try {
    work()
    return []
  } catch (error) {
    if (error instanceof PlanInvalidError) return error.problems
    throw error
  }
}

function problemsOf(candidate: unknown): readonly string[] {
  return thrownBy(() => validatePlan(candidate, AGENTS))
}
