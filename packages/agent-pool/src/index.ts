export { createAgentPool, type AgentCatalog, type AgentPool, type CatalogOf, type DrainOptions } from './agent-pool.ts'
export type { AgentPoolOptions } from './agent-pool-options.ts'
export type { AgentPoolSettings, CircuitBackoff, CrashIntensity, ScalingSettings } from './agent-pool-settings.ts'
export {
  AGENT_ISOLATIONS,
  type AgentContext,
  type AgentContract,
  type AgentDefinition,
  type AgentHooks,
  type AgentIsolation,
  type AnySchema,
  type InlineAgent,
  type InlineAgentParts,
  type ProcessAgent,
  type RetryPolicy,
  type SchemaInput,
  type ThreadAgent,
  type ThreadAgentParts,
  type WorkerAgent,
} from './agent.ts'
export { ROUTER_STRATEGIES, type RouterStrategy } from './crews/routing.ts'
export {
  RESTART_POLICIES,
  SUPERVISION_STRATEGIES,
  type RestartPolicy,
  type Supervision,
  type SupervisionStrategy,
} from './crews/supervision.ts'
export type { WorkerPlan } from './crews/worker-plan.ts'
export { defineAgent, defineProcessAgent, defineThreadAgent } from './define-agent.ts'
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
  BudgetExceededError,
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
export { ADAPTIVE_ALGORITHMS, type AdaptiveAlgorithm, type AdaptiveConcurrency } from './limits/adaptive-limit.ts'
export {
  memoryRateLimitStore,
  redisRateLimitStore,
  type RateDecision,
  type RateLimit,
  type RateLimitStore,
  type RedisScripts,
} from './limits/rate-limit.ts'
export { linkSignals, type LinkedSignal } from './link-signals.ts'
export { POOL_HEALTH_STATUSES, type PoolHealth, type PoolHealthStatus, type PoolProblem } from './pool-health.ts'
export {
  POOL_STATES,
  type AgentStats,
  type AgentSummary,
  type CrewStats,
  type PoolState,
  type PoolStats,
  type ThreadStats,
} from './pool-stats.ts'
export { RUN_PRIORITIES, type RunOptions, type RunPriority } from './run-options.ts'
export { CIRCUIT_STATES, type CircuitState } from './scheduling/crash-circuit.ts'
export { siblingModule } from './sibling-module.ts'
export { isTransientError } from './transient-error.ts'
