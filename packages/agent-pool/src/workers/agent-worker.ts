import { toError, type Clock, type InfraError } from '@cidadao/contracts'
import { TaskNotCloneable, type WorkerDeath, type WorkerTransport } from './transport.ts'
import type { FromWorker, PermitRequest, RunReply, RunTask, UnreadyAgent, WarmUpTask, WorkerReply, WorkerTask } from './wire.ts'
import { fromWireError, toWireError } from './wire-error.ts'

export interface AgentWorkerOptions {
  readonly warmUp: WarmUpTask
  readonly startTimeoutMs: number
  /** How long its agents may take to give back what they hold. */
  readonly closeTimeoutMs: number
  readonly clock: Clock
  /** Aborting it gives up on the start. */
  readonly signal: AbortSignal
  /** Asked on behalf of an agent; resolves when it may call, rejects when it may not. */
  permit(upstream: string, tokens: number, signal: AbortSignal): Promise<void>
}

export type WorkerAnswer =
  | { readonly kind: 'reply'; readonly reply: RunReply }
  | { readonly kind: 'input-not-cloneable'; readonly error: Error }
  | { readonly kind: 'died'; readonly death: WorkerDeath }

/** What a probe found out. */
export type ProbeAnswer =
  { readonly kind: 'alive'; readonly unready: readonly UnreadyAgent[] } | { readonly kind: 'silent' } | { readonly kind: 'gone' }

interface RunInHand {
  readonly runId: string
  readonly onProgress: (json: string) => void
  /** Aborts when the run is over or to be stopped: who waits for a permit in its name waits no longer. */
  readonly over: AbortController
}

/**
 * One warm worker, a thread or a process, with one run at a time: so it is known which worker a run is on, and that
 * worker alone can be cancelled, killed, watched and replaced.
 */
export class AgentWorker {
  readonly died: Promise<WorkerDeath>
  readonly #transport: WorkerTransport
  readonly #options: AgentWorkerOptions
  #inHand: RunInHand | undefined
  #completedRuns = 0
  /** The agent that ran last: a late rejection is most likely its own. */
  #lastAgent: string | null = null
  #memoryBytes = 0
  #disposes = false
  #unready: readonly UnreadyAgent[] = []

  /** Has the worker import and set up every agent; rejects, with nothing left behind, where that fails or takes too long. */
  static async start(transport: WorkerTransport, options: AgentWorkerOptions): Promise<AgentWorker> {
    const worker = new AgentWorker(transport, options)
    try {
      await worker.#warmUp()
      return worker
    } catch (thrown) {
      await transport.kill()
      throw thrown
    }
  }

  private constructor(transport: WorkerTransport, options: AgentWorkerOptions) {
    this.#transport = transport
    this.#options = options
    this.died = transport.died
    transport.onMessage((message) => this.#receive(message))
  }

  get completedRuns(): number {
    return this.#completedRuns
  }

  get lastAgent(): string | null {
    return this.#lastAgent
  }

  /** What the worker held after its last run; 0 before, and where nobody measures. */
  get memoryBytes(): number {
    return this.#memoryBytes
  }

  /** Agents that said, when last asked, that they cannot work in this worker. */
  get unready(): readonly UnreadyAgent[] {
    return this.#unready
  }

  /** Runs one task; resolves also when the worker dies of it. */
  async run(task: RunTask, onProgress: (json: string) => void): Promise<WorkerAnswer> {
    const over = new AbortController()
    this.#inHand = { runId: task.runId, onProgress, over }
    this.#lastAgent = task.agent
    try {
      const reply = await this.#transport.request(task)
      if (!('rest' in reply)) throw new Error(`a worker answered a run with "${reply.kind}"`)
      if (reply.rest.memoryBytes > 0) this.#memoryBytes = reply.rest.memoryBytes
      return { kind: 'reply', reply }
    } catch (thrown) {
      if (thrown instanceof TaskNotCloneable) return { kind: 'input-not-cloneable', error: thrown }
      // A task is only ever lost with its worker; should it be lost otherwise, the worker is not trusted any more.
      return { kind: 'died', death: await this.#endAfter(toError(thrown)) }
    } finally {
      over.abort()
      this.#inHand = undefined
      this.#completedRuns++
    }
  }

  /** Aborts the signal of the run, if the worker still turns its event loop. */
  cancel(runId: string, reason: InfraError): void {
    this.#transport.post({ kind: 'cancel', runId, reason: toWireError(reason) })
    if (this.#inHand?.runId === runId) this.#inHand.over.abort(reason)
  }

  /** Asks an idle worker whether it is alive and its agents are ready. One that is silent is not killed here. */
  async probe(timeoutMs: number): Promise<ProbeAnswer> {
    const limit = giveUpAfter(timeoutMs, this.#options.clock)
    try {
      const reply = await Promise.race([this.#transport.request({ kind: 'probe' }), limit.over])
      if (reply === 'too-long') return { kind: 'silent' }
      if (reply.kind !== 'probed') throw new Error(`a worker answered a probe with "${reply.kind}"`)
      this.#unready = reply.unready
      return { kind: 'alive', unready: reply.unready }
    } catch (thrown) {
      await this.#endAfter(toError(thrown))
      return { kind: 'gone' }
    } finally {
      limit.cancel()
    }
  }

  /** Ends an idle worker in order: its agents give back what they hold first, if that does not take too long. */
  async close(): Promise<void> {
    if (this.#disposes) await this.#dispose()
    await this.kill()
  }

  /** Ends the worker, whatever it does; resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#transport.kill()
    await this.died
  }

  async #dispose(): Promise<void> {
    const { clock, closeTimeoutMs } = this.#options
    const limit = giveUpAfter(closeTimeoutMs, clock)
    const disposed = this.#transport.request({ kind: 'dispose' } satisfies WorkerTask).catch((thrown: unknown) => toError(thrown))
    // Late or dead: it is killed next in any case.
    await Promise.race([disposed, limit.over])
    limit.cancel()
  }

  async #endAfter(error: Error): Promise<WorkerDeath> {
    await this.#transport.kill()
    const death = await this.died
    return death.error === undefined && death.reason === 'killed' ? { ...death, error } : death
  }

  async #warmUp(): Promise<void> {
    const { clock, signal, startTimeoutMs, warmUp } = this.#options
    const limit = giveUpAfter(startTimeoutMs, clock, signal)
    try {
      const reply: WorkerReply | 'too-long' = await Promise.race([this.#transport.request(warmUp), limit.over])
      if (signal.aborted) throw toError(signal.reason)
      if (reply === 'too-long') throw new Error(`a worker did not start within ${startTimeoutMs} ms`)
      if (reply.kind === 'warm-up-failed') throw fromWireError(reply.error)
      if (reply.kind !== 'warm') throw new Error(`a worker answered its warm-up with "${reply.kind}"`)
      this.#unready = reply.unready
      this.#disposes = reply.disposes
    } finally {
      limit.cancel()
    }
  }

  #receive(message: FromWorker): void {
    if (message.runId !== this.#inHand?.runId) return
    if (message.kind === 'progress') this.#inHand.onProgress(message.json)
    else void this.#permit(message, this.#inHand.over.signal)
  }

  async #permit({ permitId, upstream, tokens }: PermitRequest, signal: AbortSignal): Promise<void> {
    const error = await this.#options.permit(upstream, tokens, signal).then(
      () => undefined,
      (thrown: unknown) => toWireError(thrown),
    )
    this.#transport.post({ kind: 'permit', permitId, error })
  }
}

/** Resolves when it has taken too long, or is not wanted any more. */
function giveUpAfter(timeoutMs: number, clock: Clock, signal?: AbortSignal): { readonly over: Promise<'too-long'>; cancel(): void } {
  const { promise: over, resolve } = Promise.withResolvers<'too-long'>()
  const end = (): void => resolve('too-long')
  const timer = clock.schedule(timeoutMs, end)
  signal?.addEventListener('abort', end, { once: true })
  if (signal?.aborted === true) end()
  const cancel = (): void => {
    timer.cancel()
    signal?.removeEventListener('abort', end)
  }
  return { over, cancel }
}
