import { delay, type Clock, type SchemaOutput } from '@cidadao/contracts'
import type { AgentContext, AnySchema, InlineAgent, SchemaInput } from '../agent.ts'
import { seededRandom } from './seeded-random.ts'

export const FAULT_KINDS = ['transient', 'failure', 'non-error', 'wrong-shape', 'slow', 'hang'] as const

/**
 * `transient`: throws what is worth a retry. `failure`: throws what is not. `non-error`: throws a text. `wrong-shape`:
 * returns what no schema expects. `slow`: waits before it runs. `hang`: never ends, whatever it is told.
 */
export type FaultKind = (typeof FAULT_KINDS)[number]

export interface SeededFaultsOptions {
  /** The same seed gives the same faults in the same order. */
  readonly seed: number
  /** Share of the runs that each kind falls on, from 0 to 1; together at most 1. */
  readonly rates: Readonly<Partial<Record<FaultKind, number>>>
  readonly clock: Clock
  /** How long `slow` waits, in milliseconds. @default 1_000 */
  readonly slowMs?: number
}

/** A failure that a seed has dealt out. */
export class InjectedFault extends Error {
  readonly transient: boolean

  constructor(kind: FaultKind) {
    super(`injected fault: ${kind}`)
    this.name = 'InjectedFault'
    this.transient = kind === 'transient'
  }
}

const DEFAULTS = { slowMs: 1_000 }

/** The same agent, which fails now and then; `faults` lists what fell on each run, in order. */
export function withSeededFaults<Name extends string, Input extends AnySchema, Output extends AnySchema>(
  agent: InlineAgent<Name, Input, Output>,
  options: SeededFaultsOptions,
): { readonly agent: InlineAgent<Name, Input, Output>; readonly faults: readonly (FaultKind | 'none')[] } {
  const total = Object.values(options.rates).reduce((sum, rate) => sum + rate, 0)
  if (!(total <= 1 && Object.values(options.rates).every((rate) => rate >= 0))) {
    throw new RangeError(`rates of faults must be ≥ 0 and at most 1 together, got ${total}`)
  }
  const random = seededRandom(options.seed)
  const faults: (FaultKind | 'none')[] = []
  const run = async (input: SchemaOutput<Input>, context: AgentContext): Promise<SchemaInput<Output>> => {
    const fault = pick(options.rates, random())
    faults.push(fault)
    if (fault !== 'none') {
      const returned = await commit(fault, context, options)
      if (returned.instead) return returned.value
    }
    return agent.run(input, context)
  }
  return { agent: { ...agent, run }, faults }
}

function pick(rates: SeededFaultsOptions['rates'], drawn: number): FaultKind | 'none' {
  let upTo = 0
  for (const kind of FAULT_KINDS) {
    upTo += rates[kind] ?? 0
    if (drawn < upTo) return kind
  }
  return 'none'
}

type Committed = { readonly instead: false } | { readonly instead: true; readonly value: unknown }

async function commit(fault: FaultKind, context: AgentContext, options: SeededFaultsOptions): Promise<Committed> {
  switch (fault) {
    case 'transient':
    case 'failure':
      throw new InjectedFault(fault)
    case 'non-error':
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- what the fault is about
      throw 'injected fault: not an error'
    case 'wrong-shape':
      return { instead: true, value: Symbol('injected fault') }
    case 'slow':
      await delay(options.clock, options.slowMs ?? DEFAULTS.slowMs, context.signal)
      return { instead: false }
    case 'hang':
      return new Promise<never>(() => {})
  }
}
