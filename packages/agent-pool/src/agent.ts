import type { JsonValue, SchemaOutput, StandardSchema } from '@cidadao/contracts'
import { AgentDefinitionError } from './errors.ts'

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
  /** Longest run, in milliseconds. @default the pool's `runTimeoutMs` */
  readonly runTimeoutMs?: number
}

interface AgentBase<Name extends string, Input extends AnySchema, Output extends AnySchema> extends AgentContract<Name, Input, Output> {
  readonly description: string
  readonly deterministic: boolean
  readonly idempotent: boolean
}

/** Runs on the thread that called: for agents that mostly wait. */
export interface InlineAgent<
  Name extends string = string,
  Input extends AnySchema = AnySchema,
  Output extends AnySchema = AnySchema,
> extends AgentBase<Name, Input, Output> {
  readonly isolation: 'inline'
  run(input: SchemaOutput<Input>, context: AgentContext): SchemaInput<Output> | Promise<SchemaInput<Output>>
}

/** Runs in a worker thread, which can be killed: for agents that compute, or that are not trusted to stop. */
export interface ThreadAgent<
  Name extends string = string,
  Input extends AnySchema = AnySchema,
  Output extends AnySchema = AnySchema,
> extends AgentBase<Name, Input, Output> {
  readonly isolation: 'thread'
  /** URL of the module that each thread imports. */
  readonly module: string
  /** Its export made by `defineAgent`, of the same name and version. */
  readonly exportName: string
}

export const AGENT_ISOLATIONS = ['inline', 'thread'] as const
export type AgentIsolation = (typeof AGENT_ISOLATIONS)[number]

export type AgentDefinition<Name extends string = string, Input extends AnySchema = AnySchema, Output extends AnySchema = AnySchema> =
  InlineAgent<Name, Input, Output> | ThreadAgent<Name, Input, Output>

export interface InlineAgentParts<Name extends string, Input extends AnySchema, Output extends AnySchema> extends AgentContract<
  Name,
  Input,
  Output
> {
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
}

/** An agent with its code. In a pool it runs inline; referenced by `defineThreadAgent`, in a thread. */
export function defineAgent<const Name extends string, Input extends AnySchema, Output extends AnySchema>(
  parts: InlineAgentParts<Name, Input, Output>,
): InlineAgent<Name, Input, Output> {
  checkContract(parts)
  const run: unknown = Reflect.get(parts, 'run')
  if (typeof run !== 'function') throw new AgentDefinitionError(parts.name, 'run', 'must be a function', run)
  return Object.freeze({ ...withDefaults(parts), isolation: 'inline' as const })
}

/** A reference to an agent that runs in worker threads. Its module is imported by each thread before the pool is ready. */
export function defineThreadAgent<const Name extends string, Input extends AnySchema, Output extends AnySchema>(
  parts: ThreadAgentParts<Name, Input, Output>,
): ThreadAgent<Name, Input, Output> {
  checkContract(parts)
  if (!(parts.module instanceof URL) || parts.module.protocol !== 'file:') {
    throw new AgentDefinitionError(parts.name, 'module', 'must be a file: URL', parts.module)
  }
  const exportName = parts.exportName ?? 'agent'
  return Object.freeze({ ...withDefaults(parts), isolation: 'thread' as const, module: parts.module.href, exportName })
}

const AGENT_NAME = /^[a-z][a-z0-9._-]{0,63}$/

function checkContract(parts: AgentContract): void {
  const reject = (field: string, rule: string, value: unknown): never => {
    throw new AgentDefinitionError(parts.name, field, rule, value)
  }
  if (!AGENT_NAME.test(parts.name)) reject('name', `must match ${AGENT_NAME.source}`, parts.name)
  if (typeof parts.version !== 'string' || parts.version === '') reject('version', 'must be a non-empty string', parts.version)
  for (const field of ['input', 'output'] as const) {
    if (!isSchema(parts[field])) reject(field, 'must be a Standard Schema (have "~standard".validate)', parts[field])
  }
  for (const field of ['slots', 'queueLimit', 'runTimeoutMs'] as const) {
    const value = parts[field]
    const lowest = field === 'queueLimit' ? 0 : 1
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= lowest)) reject(field, `must be an integer ≥ ${lowest}`, value)
  }
}

function isSchema(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as Partial<AnySchema>)['~standard']
  return typeof standard?.validate === 'function'
}

function withDefaults<Parts extends AgentContract>(
  parts: Parts,
): Parts & { readonly description: string; readonly deterministic: boolean; readonly idempotent: boolean } {
  return {
    ...parts,
    description: parts.description ?? '',
    deterministic: parts.deterministic ?? false,
    idempotent: parts.idempotent ?? false,
  }
}
