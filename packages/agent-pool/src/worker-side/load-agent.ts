import type { InlineAgent } from '../agent.ts'
import { describeShape } from '../value-shape.ts'
import type { AgentReference } from '../workers/wire.ts'

/** Imports an agent's module and takes the agent out; throws where that is not the one referred to. */
export async function loadAgent(reference: AgentReference): Promise<InlineAgent> {
  const found = ((await import(reference.module)) as Readonly<Record<string, unknown>>)[reference.exportName]
  const where = `export "${reference.exportName}" of ${reference.module}`
  if (!isInlineAgent(found)) {
    throw new Error(`agent "${reference.name}": ${where} is ${describeShape(found)}, not an agent made by defineAgent`)
  }
  if (found.name !== reference.name || found.version !== reference.version) {
    throw new Error(
      `agent "${reference.name}" ${reference.version}: ${where} is agent "${found.name}" ${found.version}; name and version must be the same`,
    )
  }
  return found
}

function isInlineAgent(value: unknown): value is InlineAgent {
  if (typeof value !== 'object' || value === null) return false
  const agent = value as Partial<InlineAgent>
  return agent.isolation === 'inline' && typeof agent.run === 'function' && agent.input !== undefined && agent.output !== undefined
}
