import type { InfraError, JsonValue } from '@cidadao/contracts'
import type { ShapeProblem } from '../errors.ts'
import type { WorkerDeath } from '../workers/transport.ts'

/** What a runner is told of the run it carries out. */
export interface Assignment {
  readonly runId: string
  readonly agent: string
  /** As submitted, for a worker, which parses it itself. */
  readonly rawInput: unknown
  /** As parsed, for an inline agent. */
  readonly parsedInput: unknown
  readonly deadline: Date | undefined
  readonly tenant: string
  readonly attempt: number
  readonly budget: Readonly<Record<string, number>>
  readonly wantsProgress: boolean
  onProgress(progress: JsonValue): void
  /** Reports that were not JSON, too large, or late. */
  onProgressDropped(count: number): void
}

/** How an agent's part ended. The output has not been parsed yet. */
export type ExecutionResult =
  | { readonly kind: 'returned'; readonly output: unknown }
  | { readonly kind: 'threw'; readonly error: Error }
  | { readonly kind: 'input-invalid' | 'output-invalid'; readonly problem: ShapeProblem }
  | { readonly kind: 'died'; readonly death: WorkerDeath }
  /** Killed, but inline: the pool waits no longer, the code may go on. */
  | { readonly kind: 'abandoned' }

/** An agent at work, inline or in a worker. */
export interface Execution {
  /** Resolves when nothing of it runs any more (or it was abandoned); never rejects. */
  readonly result: Promise<ExecutionResult>
  /** Asks it to stop. */
  cancel(reason: InfraError): void
  /** Makes `result` resolve, whatever the agent does. */
  kill(): void
}
