import type { JsonValue } from '@cidadao/contracts'
import type { PlanStep } from '../plan/plan.ts'
import { contentHash } from './content-hash.ts'

/**
 * The inputs of a step: literals, and parts of what earlier steps gave. One whose step gave nothing (it failed and this
 * step runs all the same) is left out, so the agent's schema decides whether it can do without.
 */
export function resolveInputs(step: PlanStep, results: ReadonlyMap<string, JsonValue>): Record<string, JsonValue> {
  const inputs: Record<string, JsonValue> = {}
  for (const [name, input] of Object.entries(step.inputs)) {
    const value = 'from' in input ? partOf(results.get(input.from), input.path) : input.value
    if (value !== undefined) inputs[name] = value
  }
  return inputs
}

function partOf(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let part = value
  for (const name of path) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, name)) return undefined
    part = (part as Readonly<Record<string, JsonValue>>)[name]
  }
  return part
}

/** SHA-256, hex, of what decides the result of a deterministic agent: its name, its version and its inputs. */
export function inputHash(agent: string, version: string, inputs: JsonValue): string {
  return contentHash([agent, version, inputs])
}
