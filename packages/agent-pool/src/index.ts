export { createAgentPool, type AgentCatalog, type AgentPool, type CatalogOf, type DrainOptions } from './agent-pool.ts'
export type { AgentPoolOptions, AgentPoolSettings, CircuitBackoff, CrashIntensity } from './agent-pool-options.ts'
export {
  AGENT_ISOLATIONS,
  defineAgent,
  defineThreadAgent,
  type AgentContext,
  type AgentContract,
  type AgentDefinition,
  type AgentIsolation,
  type AnySchema,
  type InlineAgent,
  type InlineAgentParts,
  type SchemaInput,
  type ThreadAgent,
  type ThreadAgentParts,
} from './agent.ts'
export type { DrainReport, HandedBackRun } from './drain.ts'
export {
  AgentCrashedError,
  AgentDefinitionError,
  AgentFailedError,
  AgentInputInvalidError,
  AgentOutputInvalidError,
  AgentPoolDrainingError,
  AgentPoolNotRunningError,
  AgentPoolOptionsError,
  AgentPoolStartError,
  CircuitOpenError,
  CRASH_REASONS,
  DeadlineExceededError,
  QueueFullError,
  QueueTimeoutError,
  QUEUE_LIMIT_SCOPES,
  RemoteInfraError,
  RunCancelledError,
  RunHandedBackError,
  RunTimeoutError,
  UnknownAgentError,
  type CrashReason,
  type QueueLimitScope,
  type ShapeProblem,
} from './errors.ts'
export { RUN_OUTCOMES, type AgentPoolEvents, type RunOutcome } from './events.ts'
export { linkSignals, type LinkedSignal } from './link-signals.ts'
export { POOL_STATES, type AgentStats, type AgentSummary, type PoolState, type PoolStats, type ThreadStats } from './pool-stats.ts'
export { RUN_PRIORITIES, type RunOptions, type RunPriority } from './run-options.ts'
export { CIRCUIT_STATES, type CircuitState } from './scheduling/crash-circuit.ts'
export { siblingModule } from './sibling-module.ts'
