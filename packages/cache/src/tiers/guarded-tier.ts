import { toError, type Clock, type Timer } from '@cidadao/contracts'
import { CacheUnavailableError, isTierRejection } from '../errors.ts'
import type { CacheEvents, CacheOperation } from '../events.ts'
import type { TierKey } from '../key.ts'
import { Breaker, type BreakerOptions, type TierState } from './breaker.ts'
import { Budget } from './budget.ts'
import { GuardedCoordination } from './guarded-coordination.ts'
import { Repairs } from './repairs.ts'
import type { FillOutcome, Generation, LeasedRead, LeaseRequest, Tier, TierRead, TierWrite } from './tier.ts'

export interface GuardOptions extends BreakerOptions {
  /** Longest a caller waits for one read or write of this tier, in milliseconds. */
  readonly budgetMs: number
  /** Longest a background probe, repair or clear may take, in milliseconds. */
  readonly backgroundBudgetMs: number
  readonly maxRepairs: number
}

export interface GuardParts {
  readonly clock: Clock
  readonly random: () => number
  readonly options: GuardOptions
  readonly onState: (tier: string, from: TierState, to: TierState, cause: CacheUnavailableError | undefined) => void
  readonly onError: (tier: string, operation: CacheOperation, error: Error) => void
  readonly onOperation: (tier: string, operation: CacheOperation, ended: () => OperationEnd) => void
}

export type OperationEnd = Pick<CacheEvents['operation'], 'outcome' | 'durationMs'>

/** A tier's answer, or why there is none. Nothing that a guarded tier does rejects. */
export type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly cause: CacheUnavailableError }

export interface TierCounters {
  readonly operations: number
  readonly failures: number
  readonly timeouts: number
  /** Turned away without being asked, while the breaker was open. */
  readonly refusals: number
  readonly repairsPending: number
}

const NOTHING: TierRead = { entry: undefined, generation: undefined }
const REPAIR_RETRY_MS = 100
const REPAIR_BATCH = 64

/** A tier behind a time budget, a breaker and a list of repairs: what makes it safe to depend on. */
export class GuardedTier {
  readonly name: string
  readonly fenced: boolean
  readonly coordination: GuardedCoordination
  readonly #tier: Tier
  readonly #parts: GuardParts
  readonly #breaker: Breaker
  readonly #repairs: Repairs
  readonly #budget: Budget
  readonly #backgroundBudget: Budget
  readonly #counts = { operations: 0, failures: 0, timeouts: 0, refusals: 0 }
  #lastCause: CacheUnavailableError | undefined
  #repairTimer: Timer | undefined

  constructor(tier: Tier, parts: GuardParts) {
    this.name = tier.name
    this.fenced = tier.fence !== undefined
    this.#tier = tier
    this.coordination = new GuardedCoordination(tier, (operation, run) => this.#attempt(operation, run))
    this.#parts = parts
    this.#budget = new Budget(parts.clock, parts.options.budgetMs)
    this.#backgroundBudget = new Budget(parts.clock, parts.options.backgroundBudgetMs)
    // What is rare and long need leave no timer behind for the next one.
    this.#backgroundBudget.stop()
    this.#repairs = new Repairs(parts.options.maxRepairs)
    this.#breaker = new Breaker({
      clock: parts.clock,
      random: parts.random,
      options: parts.options,
      probe: () => this.#probe(),
      onChange: (from, to) => this.#changed(from, to),
    })
  }

  get state(): TierState {
    return this.#breaker.state
  }

  /** Why the tier is not ok; `undefined` when it is. */
  get cause(): CacheUnavailableError | undefined {
    return this.#breaker.admits ? undefined : this.#lastCause
  }

  get canClear(): boolean {
    return this.#tier.clear !== undefined
  }

  get canSweep(): boolean {
    return this.#tier.sweep !== undefined
  }

  /** What it still has to drop: keys, and namespaces as wholes. */
  get repairs(): Pick<Repairs, 'keys' | 'namespaces'> {
    return this.#repairs
  }

  counters(): TierCounters {
    return { ...this.#counts, repairsPending: this.#repairs.size }
  }

  async start(signal?: AbortSignal): Promise<void> {
    await this.#tier.start?.(signal)
    this.#breaker.start()
    this.#budget.start()
  }

  async stop(): Promise<void> {
    this.#breaker.stop()
    this.#repairTimer?.cancel()
    await this.#tier.stop?.()
    this.#budget.stop()
  }

  async read(key: TierKey): Promise<Attempt<TierRead>> {
    if (this.#mustForget(key)) return { ok: true, value: NOTHING }
    return this.#attempt('read', () => this.#tier.read(key))
  }

  /** As the fence's read; of a tier without one, a plain read with no generation. */
  async readToFill(key: TierKey, windowMs: number, lease?: LeaseRequest): Promise<Attempt<LeasedRead>> {
    if (this.#mustForget(key)) return { ok: true, value: NOTHING }
    const { fence } = this.#tier
    if (fence !== undefined) return this.#attempt('read', () => fence.read(key, windowMs, lease))
    return this.#attempt('read', () => this.#tier.read(key))
  }

  /** Through the fence: a fill that lands late is judged by the tier, so a lost answer needs no repair. */
  async fill(key: TierKey, entry: TierWrite, generation: Generation): Promise<Attempt<FillOutcome>> {
    const { fence } = this.#tier
    if (fence === undefined || this.#repairs.covers(key)) return { ok: true, value: 'superseded' }
    return this.#attempt('fill', () => fence.fill(key, entry, generation))
  }

  /** Removes a damaged entry; of a fencing tier only if it is still that one. */
  async discard(key: TierKey, generation: Generation | undefined): Promise<void> {
    const { fence } = this.#tier
    if (fence === undefined) await this.delete(key)
    else if (generation !== undefined) await this.#attempt('delete', () => fence.discard(key, generation))
  }

  async write(key: TierKey, entry: TierWrite): Promise<Attempt<void>> {
    return this.#mutate('write', key, () => this.#tier.write(key, entry))
  }

  async delete(key: TierKey): Promise<Attempt<boolean>> {
    return this.#mutate('delete', key, () => this.#tier.delete(key))
  }

  async clear(namespace: string): Promise<Attempt<void>> {
    const attempt = await this.#attempt('clear', async () => this.#tier.clear?.(namespace), { budget: this.#backgroundBudget })
    if (!attempt.ok) {
      this.#repairs.addNamespace(namespace)
      this.#scheduleRepairs()
    }
    return attempt
  }

  /** Removes what an earlier `clear` by the logical clock has made invalid; resolves to whether it could. */
  async sweep(namespace: string, beforeSequence: number): Promise<boolean> {
    return this.#background('sweep', async () => this.#tier.sweep?.(namespace, beforeSequence))
  }

  /** Has the tier drop `key` soon: for a fill of a fenceless tier that an invalidation overtook. */
  dropLater(key: TierKey): void {
    this.#repairs.add(key, Promise.resolve())
    this.#scheduleRepairs()
  }

  /** What the tier holds under the key is older than an invalidation that it does not know of yet. */
  #mustForget(key: TierKey): boolean {
    return this.#breaker.admits && this.#repairs.covers(key)
  }

  async #mutate<T>(operation: CacheOperation, key: TierKey, run: () => Promise<T>): Promise<Attempt<T>> {
    const onLost = (settled: Promise<unknown>): void => this.#repairs.add(key, settled)
    const attempt = await this.#attempt(operation, run, { onLost })
    // What got through now is newer than whatever did not before: dropping it later would cost a good value.
    if (attempt.ok) this.#repairs.done(key)
    else this.#scheduleRepairs()
    return attempt
  }

  async #attempt<T>(
    operation: CacheOperation,
    run: () => Promise<T>,
    options: { readonly budget?: Budget; readonly onLost?: (settled: Promise<unknown>) => void } = {},
  ): Promise<Attempt<T>> {
    if (!this.#breaker.admits) {
      this.#counts.refusals++
      options.onLost?.(Promise.resolve())
      return { ok: false, cause: this.#lastCause ?? this.#unavailable(undefined) }
    }
    this.#counts.operations++
    const startedMs = this.#parts.clock.monotonicMs()
    const running = (options.budget ?? this.#budget).run(run)
    try {
      const value = await running.outcome
      const durationMs = this.#parts.clock.monotonicMs() - startedMs
      this.#breaker.succeeded(durationMs)
      this.#parts.onOperation(this.name, operation, () => ({ outcome: 'ok', durationMs }))
      return { ok: true, value }
    } catch (thrown) {
      options.onLost?.(running.settled)
      const cause = this.#failed(operation, toError(thrown))
      const durationMs = this.#parts.clock.monotonicMs() - startedMs
      this.#parts.onOperation(this.name, operation, () => ({ outcome: cause.facts.timeout === true ? 'timeout' : 'failed', durationMs }))
      return { ok: false, cause }
    }
  }

  #failed(operation: CacheOperation, error: Error): CacheUnavailableError {
    this.#counts.failures++
    const cause = this.#unavailable(error)
    if (cause.facts.timeout === true) this.#counts.timeouts++
    // Of many concurrent calls that fail together, the first tells; the others would only repeat it.
    if (this.#breaker.admits) this.#parts.onError(this.name, operation, error)
    if (!isTierRejection(error)) {
      this.#lastCause = cause
      this.#breaker.failed()
    }
    return cause
  }

  #unavailable(error: Error | undefined): CacheUnavailableError {
    const reason = error?.message ?? 'its breaker is open'
    const timeout = error !== undefined && 'facts' in error && (error.facts as { timeout?: boolean }).timeout === true
    return new CacheUnavailableError(`tier ${this.name} is not available: ${reason}`, { cause: error, facts: { tier: this.name, timeout } })
  }

  #changed(from: TierState, to: TierState): void {
    this.#parts.onState(this.name, from, to, to === 'open' ? this.#lastCause : undefined)
    if (from === 'half-open' && to === 'ok') this.#scheduleRepairs()
  }

  /** Fit for use means: answers on all nodes, and holds nothing any more that was invalidated while it was away. */
  async #probe(): Promise<boolean> {
    const probed = await this.#background('probe', () => this.#tier.probe())
    return probed && (await this.#repair())
  }

  async #background(operation: CacheOperation, run: () => Promise<unknown>): Promise<boolean> {
    const running = this.#backgroundBudget.run(run)
    try {
      await running.outcome
      return true
    } catch (thrown) {
      this.#lastCause = this.#unavailable(toError(thrown))
      if (operation !== 'probe') this.#parts.onError(this.name, operation, toError(thrown))
      return false
    }
  }

  #scheduleRepairs(): void {
    if (this.#repairs.size === 0 || !this.#breaker.admits) return
    this.#repairTimer?.cancel()
    this.#repairTimer = this.#parts.clock.schedule(REPAIR_RETRY_MS, () => void this.#repairWhileOpen())
  }

  async #repairWhileOpen(): Promise<void> {
    if (await this.#repair()) this.#scheduleRepairs()
    else this.#breaker.failed()
  }

  /** Resolves to false as soon as the tier fails again. What is not settled yet stays for the next round. */
  async #repair(): Promise<boolean> {
    for (const namespace of this.#repairs.namespaces()) {
      if (this.#tier.clear === undefined) continue
      if (!(await this.#background('clear', async () => this.#tier.clear?.(namespace)))) return false
      this.#repairs.doneNamespace(namespace)
    }
    for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) {
      const dropped = await Promise.all(batch.map((key) => this.#repairKey(key)))
      if (dropped.includes(false)) return false
    }
    return true
  }

  #nextBatch(): TierKey[] {
    return this.#repairs.ready().slice(0, REPAIR_BATCH)
  }

  async #repairKey(key: TierKey): Promise<boolean> {
    const dropped = await this.#background('delete', () => this.#tier.delete(key))
    if (dropped) this.#repairs.done(key)
    return dropped
  }
}
