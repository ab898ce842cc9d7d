import { delay, type Clock, type JsonValue, type StandardSchema } from '@cidadao/contracts'
import type { AgentContext, AgentContract, InlineAgent } from '../agent.ts'
import { defineAgent } from '../define-agent.ts'

/** One thing that a scripted agent does. A script without an end returns null. */
export type ScriptStep =
  | { readonly does: 'return'; readonly value: unknown }
  | { readonly does: 'throw'; readonly error: unknown }
  | { readonly does: 'progress'; readonly value: JsonValue }
  | { readonly does: 'spend'; readonly resource: string; readonly amount: number }
  /** Waits on the clock, and throws the reason where its signal aborts. */
  | { readonly does: 'wait'; readonly ms: number }
  /** Ends when its signal aborts, as an agent should. */
  | { readonly does: 'wait-for-abort' }
  /** Never ends, whatever it is told. */
  | { readonly does: 'hang' }

export type Script = readonly ScriptStep[]

/** What scripted agents take and give unless told otherwise: anything. */
export const anySchema: StandardSchema<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'agent-pool-testing', validate: (value) => ({ value }) },
}

type AnyContract = AgentContract

export interface ScriptedAgentParts extends Partial<Omit<AnyContract, 'name'>> {
  readonly name: string
  /** The clock that `wait` goes by. */
  readonly clock: Clock
  /** What the first run does, the second, …; the last script is repeated. Attempts of one run count each. */
  readonly scripts: readonly [Script, ...Script[]]
}

/** An agent with its lines learnt, and a record of what it was given. */
export interface ScriptedAgent {
  readonly definition: InlineAgent
  /** Inputs in the order in which runs began. */
  readonly inputs: readonly unknown[]
  /** Their contexts. */
  readonly contexts: readonly AgentContext[]
}

/** An inline agent that does what its scripts say, in tests of what uses a pool. */
export function scriptedAgent({ clock, scripts, ...contract }: ScriptedAgentParts): ScriptedAgent {
  const inputs: unknown[] = []
  const contexts: AgentContext[] = []
  const definition = defineAgent({
    version: '1',
    input: anySchema,
    output: anySchema,
    ...contract,
    run: async (input, context) => {
      const script = scripts[Math.min(inputs.length, scripts.length - 1)] ?? []
      inputs.push(input)
      contexts.push(context)
      return play(script, context, clock)
    },
  })
  return { definition, inputs, contexts }
}

async function play(script: Script, context: AgentContext, clock: Clock): Promise<unknown> {
  for (const step of script) {
    switch (step.does) {
      case 'return':
        return step.value
      case 'throw':
        throw step.error
      case 'progress':
        context.progress(step.value)
        break
      case 'spend':
        context.spend(step.resource, step.amount)
        break
      case 'wait':
        await delay(clock, step.ms, context.signal)
        break
      case 'wait-for-abort':
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true }))
        throw context.signal.reason
      case 'hang':
        await new Promise(() => {})
    }
  }
  return null
}
