import type { MessagePort } from 'node:worker_threads'
import type { ShapeProblem } from '../errors.ts'
import type { WireError } from './wire-error.ts'

/** How throttled progress is on both sides of the wire. */
export interface ProgressLimits {
  readonly progressIntervalMs: number
  readonly progressMaxChars: number
}

/** A thread agent as its thread needs to know it. */
export interface AgentReference {
  readonly name: string
  readonly version: string
  readonly module: string
  readonly exportName: string
}

/** First task of each thread: import everything, so that no run pays for it and a broken module fails the start. */
export interface WarmUpTask {
  readonly kind: 'warm-up'
  readonly control: MessagePort
  readonly agents: readonly AgentReference[]
  readonly limits: ProgressLimits
}

export interface RunTask {
  readonly kind: 'run'
  readonly runId: string
  readonly agent: string
  /** As the caller gave it: the thread parses it again, with the same result. */
  readonly input: unknown
  readonly deadline: Date | undefined
  readonly tenant: string
  readonly wantsProgress: boolean
}

export type WorkerTask = WarmUpTask | RunTask

export type WorkerReply =
  | { readonly kind: 'warm' }
  | { readonly kind: 'warm-up-failed'; readonly error: WireError }
  /** The output, serialised by the agent's own thread so that a value that cannot be is an error there, not a crash. */
  | { readonly kind: 'returned'; readonly output: Uint8Array; readonly progress: ProgressRest }
  | { readonly kind: 'threw'; readonly error: WireError; readonly progress: ProgressRest }
  | { readonly kind: 'input-invalid' | 'output-invalid'; readonly problem: ShapeProblem; readonly progress: ProgressRest }

/** What the throttle still held when the run ended; it travels with the reply, because two ports keep no order. */
export interface ProgressRest {
  readonly last: string | undefined
  readonly dropped: number
}

/** Pool → thread, beside the tasks: an agent that lets its event loop turn hears of its cancellation. */
export interface CancelMessage {
  readonly runId: string
  readonly reason: WireError
}

/** Thread → pool, beside the replies. `json` is one report. */
export interface ProgressMessage {
  readonly runId: string
  readonly json: string
}
