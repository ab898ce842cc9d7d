import type { JsonValue } from '@cidadao/contracts'
import type { PlanStep, StepInput } from '../plan/plan.ts'
import { contentHash } from './content-hash.ts'
import { partOf } from './decide.ts'

/**
 * The inputs of a step: literals, parts of what earlier steps gave, and of the item where it is one of a fan-out. What
 * is not there (its step failed, and this one runs all the same) is left out, so the agent's schema decides whether it
 * can do without.
 */
export function resolveInputs(step: PlanStep, results: ReadonlyMap<string, JsonValue>, item?: JsonValue): Record<string, JsonValue> {
  const inputs: Record<string, JsonValue> = {}
  for (const [name, input] of Object.entries(step.inputs)) {
    const value = resolveInput(input, results, item)
    if (value !== undefined) inputs[name] = value
  }
  return inputs
}

function resolveInput(input: StepInput, results: ReadonlyMap<string, JsonValue>, item: JsonValue | undefined): JsonValue | undefined {
  if ('from' in input) return partOf(results.get(input.from), input.path)
  return 'item' in input ? partOf(item, input.item) : input.value
}

/** SHA-256, hex, of what decides the result of a deterministic agent: its name, its version and its inputs. */
export function inputHash(agent: string, version: string, inputs: JsonValue): string {
  return contentHash([agent, version, inputs])
}
