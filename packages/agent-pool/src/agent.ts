import type { JsonValue, SchemaOutput, StandardSchema } from '@cidadao/contracts'
import type { WorkerPlan } from './crews/worker-plan.ts'
import type { AdaptiveConcurrency } from './limits/adaptive-limit.ts'

/** Any Standard Schema: zod, valibot, arktype or one written by hand. */
export type AnySchema = StandardSchema<unknown, unknown>

/** What a schema accepts before it parses. */
export type SchemaInput<Schema extends AnySchema> = NonNullable<Schema['~standard']['types']>['input']

/** What an agent is given besides its input. The same for inline and thread agents. */
export interface AgentContext {
  readonly agent: string
  readonly version: string
  /** Unique within the pool that runs it. */
  readonly runId: string
  /** Aborts when the run is cancelled, out of time or handed back; the reason is the error the caller will get. */
  readonly signal: AbortSignal
  /** When the caller no longer wants the result. */
  readonly deadline: Date | undefined
  readonly tenant: string
  /**
   * Reports progress. Never throws and never waits: reports closer together than the pool's `progressIntervalMs`
   * are merged to the newest, and one that is not JSON or too large is dropped and counted.
   */
  progress(value: JsonValue): void
  /** 1 for the first attempt, more where a transient failure is being retried. */
  readonly attempt: number
  /**
   * Takes from the run's budget; throws `AGENT_POOL_BUDGET_EXCEEDED`, and takes nothing, where there is not so much
   * left. What the caller gave no budget for has no limit.
   */
  spend(resource: string, amount: number): void
  /**
   * Resolves when the agent may call an upstream, by the pool's `rateLimits`; calls come in the order in which they
   * asked. Rejects when the run is to stop, or for an upstream that has no limit. @param tokens defaults to 1
   */
  permit(upstream: string, tokens?: number): Promise<void>
}

/** How often, and how soon, a run is tried again after a transient failure. */
export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number
  /** Delay before the second, doubling from then on, each shortened by up to a half at random. @default 100 */
  readonly initialMs?: number
  /** @default 5_000 */
  readonly maxMs?: number
}

/** What an agent does besides running; all optional, and in a worker all of its own. */
export interface AgentHooks {
  /** Sets the agent up, before the first run and before the pool is ready; throwing fails the start. */
  init?(): void | Promise<void>
  /** Throws where the agent cannot work now: it is given no runs until it no longer does. */
  probe?(): void | Promise<void>
  /** Gives back what the agent holds, when its worker or the pool ends in order. */
  dispose?(): void | Promise<void>
}

/** What an agent is, apart from where it runs. Share one object between `defineAgent` and `defineThreadAgent`. */
export interface AgentContract<Name extends string = string, Input extends AnySchema = AnySchema, Output extends AnySchema = AnySchema> {
  /** Lower-case letters, digits, `.`, `_` and `-`; unique in a pool. */
  readonly name: Name
  /** Changes whenever the same input may give another output. */
  readonly version: string
  /** One sentence for people. @default '' */
  readonly description?: string
  readonly input: Input
  readonly output: Output
  /** Same version and input, same output: results may be remembered. @default false */
  readonly deterministic?: boolean
  /** Running twice does no more harm than once: a run lost to a crash may be repeated. @default false */
  readonly idempotent?: boolean
  /** Most runs at the same time. @default the pool's `inlineSlots`, or its `threads` */
  readonly slots?: number
  /** Most runs waiting; more are refused. @default the pool's `queueLimit` */
  readonly queueLimit?: number
  /** Longest run, in milliseconds, further attempts included. @default the pool's `runTimeoutMs` */
  readonly runTimeoutMs?: number
  /** What it can do, for planners. @default [] */
  readonly capabilities?: readonly string[]
  /** Transient failures are retried inside the run; whoever waits hears of the last only. @default none */
  readonly retry?: RetryPolicy
  /** Which failures are. @default `isTransientError` */
  readonly isTransient?: (error: Error) => boolean
  /** Lets the number of runs at once follow how they go, up to `slots`. @default none */
  readonly adaptive?: AdaptiveConcurrency
}

interface AgentBase<Name extends string, Input extends AnySchema, Output extends AnySchema> extends AgentContract<Name, Input, Output> {
  readonly description: string
  readonly deterministic: boolean
  readonly idempotent: boolean
  readonly capabilities: readonly string[]
}

/** Runs on the thread that called: for agents that mostly wait. */
export interface InlineAgent<Name extends string = string, Input extends AnySchema = AnySchema, Output extends AnySchema = AnySchema>
  extends AgentBase<Name, Input, Output>, AgentHooks {
  readonly isolation: 'inline'
  run(input: SchemaOutput<Input>, context: AgentContext): SchemaInput<Output> | Promise<SchemaInput<Output>>
}

/** An agent whose code is loaded by workers. */
interface WorkerAgentBase<Name extends string, Input extends AnySchema, Output extends AnySchema> extends AgentBase<Name, Input, Output> {
  /** URL of the module that each worker imports. */
  readonly module: string
  /** Its export made by `defineAgent`, of the same name and version. */
  readonly exportName: string
  readonly workers: WorkerPlan | undefined
}

/** Runs in a worker thread, which can be killed: for agents that compute, or that are not trusted to stop. */
export interface ThreadAgent<
  Name extends string = string,
  Input extends AnySchema = AnySchema,
  Output extends AnySchema = AnySchema,
> extends WorkerAgentBase<Name, Input, Output> {
  readonly isolation: 'thread'
}

/** Runs in a child process: for agents that are not trusted with the memory, the globals or the life of this one. */
export interface ProcessAgent<
  Name extends string = string,
  Input extends AnySchema = AnySchema,
  Output extends AnySchema = AnySchema,
> extends WorkerAgentBase<Name, Input, Output> {
  readonly isolation: 'process'
}

export const AGENT_ISOLATIONS = ['inline', 'thread', 'process'] as const
export type AgentIsolation = (typeof AGENT_ISOLATIONS)[number]

/** An agent that runs in a worker, thread or process. */
export type WorkerAgent<Name extends string = string, Input extends AnySchema = AnySchema, Output extends AnySchema = AnySchema> =
  ThreadAgent<Name, Input, Output> | ProcessAgent<Name, Input, Output>

export type AgentDefinition<Name extends string = string, Input extends AnySchema = AnySchema, Output extends AnySchema = AnySchema> =
  InlineAgent<Name, Input, Output> | WorkerAgent<Name, Input, Output>

export interface InlineAgentParts<Name extends string, Input extends AnySchema, Output extends AnySchema>
  extends AgentContract<Name, Input, Output>, AgentHooks {
  /** @default 'inline' */
  readonly isolation?: 'inline'
  /** Given the parsed input; what it returns is checked against `output`. */
  run(input: SchemaOutput<Input>, context: AgentContext): SchemaInput<Output> | Promise<SchemaInput<Output>>
}

export interface ThreadAgentParts<Name extends string, Input extends AnySchema, Output extends AnySchema> extends AgentContract<
  Name,
  Input,
  Output
> {
  /** Where the agent's code is: a file of its own that does nothing on import but define. See `siblingModule`. */
  readonly module: URL
  /** The export made by `defineAgent`. @default 'agent' */
  readonly exportName?: string
  /**
   * How many workers it has to itself, and how they are looked after. @default none for a thread agent, which shares
   * the pool's `threads`; `{}` for a process agent
   */
  readonly workers?: WorkerPlan
}
