import type { CrashReason } from '../errors.ts'
import type { FromWorker, ToWorker, WorkerReply, WorkerTask } from './wire.ts'

/** How a worker came to its end. */
export interface WorkerDeath {
  readonly reason: CrashReason
  readonly exitCode: number
  readonly error: Error | undefined
}

/** The task could not be sent: its input is nothing that can leave this thread. The worker knows nothing of it. */
export class TaskNotCloneable extends Error {}

/** The line to one worker, a thread or a process: what differs between the two is behind it. */
export interface WorkerTransport {
  /** Resolves when the worker is gone, for whatever reason. */
  readonly died: Promise<WorkerDeath>
  /** One task at a time. Rejects with `TaskNotCloneable`, or because the worker is gone or not to be trusted. */
  request(task: WorkerTask): Promise<WorkerReply>
  post(message: ToWorker): void
  onMessage(listener: (message: FromWorker) => void): void
  /** Ends it, whatever it does. May be called again. */
  kill(): Promise<void>
}
