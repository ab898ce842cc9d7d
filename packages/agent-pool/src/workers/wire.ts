import type { MessagePort } from 'node:worker_threads'
import type { ShapeProblem } from '../errors.ts'
import type { WireError } from './wire-error.ts'

/** How throttled progress is on both sides of the wire. */
export interface ProgressLimits {
  readonly progressIntervalMs: number
  readonly progressMaxChars: number
}

/** An agent as the worker that carries it needs to know it. */
export interface AgentReference {
  readonly name: string
  readonly version: string
  readonly module: string
  readonly exportName: string
}

/** First task of each worker: import and set up everything, so that no run pays for it and a broken module fails the start. */
export interface WarmUpTask {
  readonly kind: 'warm-up'
  readonly agents: readonly AgentReference[]
  readonly limits: ProgressLimits
  /** Whether runs report the memory that the worker holds. */
  readonly measuresMemory: boolean
}

/** A thread is given its second line with its first task. */
export interface ThreadWarmUp extends WarmUpTask {
  readonly control: MessagePort
}

export interface RunTask {
  readonly kind: 'run'
  readonly runId: string
  readonly agent: string
  /** As the caller gave it: the worker parses it again, with the same result. */
  readonly input: unknown
  readonly deadline: Date | undefined
  readonly tenant: string
  readonly attempt: number
  readonly budget: Readonly<Record<string, number>>
  readonly wantsProgress: boolean
}

/** Is the worker alive, and are its agents ready? */
export interface ProbeTask {
  readonly kind: 'probe'
}

/** Last task of a worker that ends in order: its agents give back what they hold. */
export interface DisposeTask {
  readonly kind: 'dispose'
}

export type WorkerTask = WarmUpTask | RunTask | ProbeTask | DisposeTask

/** An agent that says it cannot work now. */
export interface UnreadyAgent {
  readonly agent: string
  readonly error: WireError
}

export type WorkerReply =
  | { readonly kind: 'warm'; readonly unready: readonly UnreadyAgent[]; readonly disposes: boolean }
  | { readonly kind: 'warm-up-failed'; readonly error: WireError }
  | { readonly kind: 'probed'; readonly unready: readonly UnreadyAgent[] }
  | { readonly kind: 'disposed' }
  | RunReply

export type RunReply =
  /** The output, serialised by the agent's own worker so that a value that cannot be is an error there, not a crash. */
  | { readonly kind: 'returned'; readonly output: Uint8Array; readonly rest: RunRest }
  | { readonly kind: 'threw'; readonly error: WireError; readonly rest: RunRest }
  | { readonly kind: 'input-invalid' | 'output-invalid'; readonly problem: ShapeProblem; readonly rest: RunRest }

/** What the throttle still held when the run ended; it travels with the reply, because two lines keep no order. */
export interface ProgressRest {
  readonly last: string | undefined
  readonly dropped: number
}

export interface RunRest extends ProgressRest {
  /** What the worker holds after the run; 0 where nobody asked. */
  readonly memoryBytes: number
}

/** Pool → worker, beside the tasks: an agent that lets its event loop turn hears of its cancellation. */
export interface CancelMessage {
  readonly kind: 'cancel'
  readonly runId: string
  readonly reason: WireError
}

/** Pool → worker: the answer to a request for a permit. */
export interface PermitMessage {
  readonly kind: 'permit'
  readonly permitId: number
  /** Undefined where it is granted. */
  readonly error: WireError | undefined
}

/** Worker → pool, beside the replies. `json` is one report. */
export interface ProgressMessage {
  readonly kind: 'progress'
  readonly runId: string
  readonly json: string
}

/** Worker → pool: the agent wants to call an upstream. */
export interface PermitRequest {
  readonly kind: 'permit-request'
  readonly runId: string
  readonly permitId: number
  readonly upstream: string
  readonly tokens: number
}

export type ToWorker = CancelMessage | PermitMessage
export type FromWorker = ProgressMessage | PermitRequest
