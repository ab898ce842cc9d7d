import { describe, expect, it } from 'vitest'
import { PlanInvalidError } from '../errors.ts'
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
    ['no step', plan(), 'steps: '],
    ['an unknown field', { ...plan(step('a')), then: 'rm' }, 'then'],
    ['text', 'do it', 'expected object'],
  ])('refuses %s', (_what, candidate, message) => {
    expect(() => validatePlan(candidate, AGENTS)).toThrow(message)
  })

  it('reports every problem at once', () => {
    const bad = plan(step('a', ['ghost'], { agent: 'oracle' }), step('a'))
    expect(problemsOf(bad)).toHaveLength(3)
  })
})

function problemsOf(candidate: unknown): readonly string[] {
  try {
    validatePlan(candidate, AGENTS)
    return []
  } catch (error) {
    if (error instanceof PlanInvalidError) return error.problems
    throw error
  }
}
