import type {
  AgentContract,
  AnySchema,
  InlineAgent,
  InlineAgentParts,
  ProcessAgent,
  RetryPolicy,
  ThreadAgent,
  ThreadAgentParts,
} from './agent.ts'
import { AgentDefinitionError } from './errors.ts'

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
  return Object.freeze({ ...referenceOf(parts), isolation: 'thread' as const })
}

/** A reference to an agent that runs in child processes, which import its module before the pool is ready. */
export function defineProcessAgent<const Name extends string, Input extends AnySchema, Output extends AnySchema>(
  parts: ThreadAgentParts<Name, Input, Output>,
): ProcessAgent<Name, Input, Output> {
  return Object.freeze({ ...referenceOf(parts), isolation: 'process' as const })
}

function referenceOf<Name extends string, Input extends AnySchema, Output extends AnySchema>(parts: ThreadAgentParts<Name, Input, Output>) {
  checkContract(parts)
  if (!(parts.module instanceof URL) || parts.module.protocol !== 'file:') {
    throw new AgentDefinitionError(parts.name, 'module', 'must be a file: URL', parts.module)
  }
  const { module, exportName = 'agent', workers, ...rest } = withDefaults(parts)
  // The agent itself may be spread into the parts; its code stays in its module.
  const contract = Object.fromEntries(Object.entries(rest).filter(([key]) => !CODE.has(key))) as typeof rest
  return { ...contract, module: module.href, exportName, workers }
}

const CODE: ReadonlySet<string> = new Set(['run', 'init', 'probe', 'dispose'])

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
  if (parts.retry !== undefined) checkRetry(parts.retry, reject)
  for (const field of ['slots', 'queueLimit', 'runTimeoutMs'] as const) {
    const value = parts[field]
    const lowest = field === 'queueLimit' ? 0 : 1
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= lowest)) reject(field, `must be an integer ≥ ${lowest}`, value)
  }
}

function checkRetry({ attempts, initialMs = 1, maxMs }: RetryPolicy, reject: (field: string, rule: string, value: unknown) => never): void {
  if (!(Number.isSafeInteger(attempts) && attempts >= 1)) reject('retry.attempts', 'must be an integer ≥ 1', attempts)
  if (!(Number.isSafeInteger(initialMs) && initialMs >= 1)) reject('retry.initialMs', 'must be an integer ≥ 1', initialMs)
  if (maxMs !== undefined && !(Number.isSafeInteger(maxMs) && maxMs >= initialMs)) {
    reject('retry.maxMs', 'must be an integer ≥ retry.initialMs', maxMs)
  }
}

function isSchema(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as Partial<AnySchema>)['~standard']
  return typeof standard?.validate === 'function'
}

function withDefaults<Parts extends AgentContract>(
  parts: Parts,
): Parts & {
  readonly description: string
  readonly deterministic: boolean
  readonly idempotent: boolean
  readonly capabilities: readonly string[]
} {
  return {
    ...parts,
    description: parts.description ?? '',
    deterministic: parts.deterministic ?? false,
    idempotent: parts.idempotent ?? false,
    capabilities: Object.freeze([...(parts.capabilities ?? [])]),
  }
}
