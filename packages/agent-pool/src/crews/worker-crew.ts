import { toError, type Timer } from '@cidadao/contracts'
import { jitteredBackoff, type Backoff } from '../jittered-backoff.ts'
import { linkSignals } from '../link-signals.ts'
import type { AgentWorker } from '../workers/agent-worker.ts'
import type { WorkerDeath } from '../workers/transport.ts'
import type { CrewListener, CrewOptions } from './crew-options.ts'
import { CrewUpkeep } from './crew-upkeep.ts'
import { Roster, type Member, type RouteRequest } from './roster.ts'
import { isRestarted, siblingsOf } from './supervision.ts'

const RESTART_BACKOFF = { initialMs: 250, maxMs: 30_000 }

/**
 * Keeps as many workers alive as there is work for, between `min` and `max`. One that dies is replaced as its
 * supervision says: at once, for the run that killed it is gone; where too many die too soon, or replacements do not
 * come up, with delays that double with jitter. One due for recycling serves on until its successor is warm.
 */
export class WorkerCrew {
  readonly options: CrewOptions
  readonly #listener: CrewListener
  readonly #roster: Roster
  readonly #upkeep: CrewUpkeep
  readonly #retries = new Set<Timer>()
  readonly #pendingStarts = new Set<Promise<void>>()
  #stopping = new AbortController()
  /** Ordered and not yet warm, those that wait for another try included. */
  #starting = 0
  /** Posts whose worker ended and, by its policy, is not replaced before somebody needs it. */
  #vacant = 0
  #deathsMs: readonly number[] = []
  #backoff: Backoff | undefined

  constructor(options: CrewOptions, listener: CrewListener) {
    this.options = options
    this.#listener = listener
    this.#roster = new Roster({ strategy: options.route, random: options.random })
    this.#upkeep = new CrewUpkeep({
      options,
      listener,
      roster: this.#roster,
      starting: () => this.#starting,
      least: () => this.#least,
      hire: (workers) => this.#hire(workers),
      replace: (member) => this.#replace(member),
      release: (member) => this.#rest(member),
      noteReadiness: (member) => this.#noteReadiness(member),
    })
  }

  /** Workers that are warm and will take further runs. */
  get size(): number {
    return this.#roster.size
  }

  /** How many there should be now. */
  get target(): number {
    return this.size + this.#starting - this.#retiring
  }

  get idle(): number {
    return this.#roster.idle.length
  }

  /** How many runs of the agent would find a worker, counting those that would be started for them. */
  roomFor(agent: string): number {
    return this.#roster.idleFor(agent) + Math.max(0, this.options.scaling.max - Math.max(this.target, this.options.scaling.min))
  }

  hasIdleFor(agent: string): boolean {
    return this.#roster.hasIdleFor(agent)
  }

  /** Agents that say they cannot work in some worker. */
  get unready(): readonly string[] {
    const agents = [...this.#roster.members].flatMap(({ worker }) => worker.unready.map(({ agent }) => agent))
    return [...new Set(agents)]
  }

  /** Resolves when the least number of workers is warm; where one does not come up, the others are ended and it rejects. */
  async start(signal?: AbortSignal): Promise<void> {
    this.#stopping = new AbortController()
    this.#vacant = 0
    this.#starting = 0
    this.#deathsMs = []
    this.#backoff = undefined
    const link = linkSignals([signal])
    link.signal.addEventListener('abort', () => this.#stopping.abort(link.signal.reason))
    const outcomes = await Promise.allSettled(Array.from({ length: this.options.scaling.min }, () => this.#spawn()))
    link.dispose()
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) {
      await this.stop()
      throw toError(failed.reason)
    }
    this.#upkeep.start()
  }

  /** Ends every worker, those at rest in order, the others whatever they do. */
  async stop(): Promise<void> {
    this.#upkeep.stop()
    this.#stopping.abort(new Error('the workers are being stopped'))
    for (const timer of this.#retries) timer.cancel()
    this.#retries.clear()
    this.#starting = 0
    await Promise.all(this.#pendingStarts)
    const members = [...this.#roster.members]
    await Promise.all(members.map((member) => (this.#roster.dismiss(member) ? member.worker.close() : member.worker.kill())))
  }

  acquire(request: RouteRequest): AgentWorker | undefined {
    return this.#roster.take(request)?.worker
  }

  /** Gives a worker back after its run, dead or alive. */
  release(worker: AgentWorker): void {
    const member = this.#roster.memberOf(worker)
    if (member !== undefined) this.#rest(member)
  }

  /** A run began, or came and has to wait. */
  noteWait(waitMs: number): void {
    this.#upkeep.noteWait(waitMs)
  }

  /** A run has to wait: perhaps for a worker that is not there yet. */
  noteDemand(): void {
    this.#upkeep.noteDemand()
  }

  get #least(): number {
    return Math.max(0, this.options.scaling.min - this.#vacant)
  }

  /** Replacements on their way of members that still serve. */
  get #retiring(): number {
    let retiring = 0
    for (const member of this.#roster.members) if (member.retiring && member.state !== 'leaving') retiring++
    return retiring
  }

  get #nowMs(): number {
    return this.options.clock.monotonicMs()
  }

  #rest(member: Member): void {
    if (member.state === 'leaving') return void member.worker.close()
    this.#roster.rest(member, this.#nowMs)
    this.#upkeep.recycleIfDue(member)
    this.#listener.idle()
  }

  #hire(workers: number): void {
    this.#vacant = Math.max(0, this.#vacant - workers)
    for (let hired = 0; hired < workers; hired++) this.#respawn()
  }

  async #spawn(): Promise<Member | undefined> {
    const { signal } = this.#stopping
    const worker = await this.options.spawn(signal)
    if (signal.aborted) {
      await worker.kill()
      return undefined
    }
    const member = this.#roster.add(worker, this.#nowMs)
    void worker.died.then((death) => this.#onDeath(member, death))
    this.#noteReadiness(member)
    this.#listener.started(this.size)
    return member
  }

  #onDeath(member: Member, death: WorkerDeath): void {
    const { state, retiring } = member
    this.#roster.delete(member)
    if (this.#stopping.signal.aborted || state === 'leaving') return
    this.#listener.died(member.worker.lastAgent, death, state === 'idle')
    this.#replaceSiblings(member)
    // The successor of a retiring worker is on its way: ordering another would be one too many.
    if (retiring) return
    if (isRestarted(this.options.supervision.restart, death)) this.#respawnAfterDeath()
    else {
      this.#vacant++
      this.#upkeep.noteDemand()
    }
  }

  #replaceSiblings(dead: Member): void {
    const present = [...this.#roster.members].filter(({ state, retiring }) => state !== 'leaving' && !retiring)
    const siblings = siblingsOf(this.options.supervision.strategy, dead, present)
    for (const sibling of siblings) {
      if (this.#roster.dismiss(sibling)) void sibling.worker.close()
      this.#respawn()
    }
    if (siblings.length > 0) this.#listener.restartedWithSibling(siblings.length)
  }

  #respawnAfterDeath(): void {
    const { crashes, withinMs } = this.options.intensity
    this.#deathsMs = [...this.#deathsMs, this.#nowMs].filter((at) => this.#nowMs - at < withinMs)
    if (this.#deathsMs.length <= crashes) {
      this.#backoff = undefined
      this.#respawn()
      return
    }
    this.#backoff = this.#backoff?.next(undefined) ?? jitteredBackoff(RESTART_BACKOFF, this.options.random)
    this.#starting++
    this.#later(this.#backoff.duration, () => {
      this.#starting--
      this.#respawn()
    })
  }

  /** The new one in first; then the old one drains, which is one run at most, and is closed. */
  #replace(member: Member): void {
    member.retiring = true
    this.#respawn(() => {
      if (!this.#roster.members.has(member)) return
      this.#listener.recycled(member.completedRuns)
      if (this.#roster.dismiss(member)) void member.worker.close()
    })
  }

  #respawn(onStarted: () => void = () => {}, backoff: Backoff = jitteredBackoff(RESTART_BACKOFF, this.options.random)): void {
    this.#starting++
    const attempt = this.#spawn()
      .then((member) => {
        this.#starting--
        if (member === undefined) return
        onStarted()
        this.#listener.idle()
      })
      .catch((thrown: unknown) => this.#retryLater(toError(thrown), onStarted, backoff))
      .finally(() => this.#pendingStarts.delete(attempt))
    this.#pendingStarts.add(attempt)
  }

  #retryLater(error: Error, onStarted: () => void, backoff: Backoff): void {
    if (this.#stopping.signal.aborted) return
    this.#listener.startFailed(error, backoff.duration)
    this.#later(backoff.duration, () => {
      this.#starting--
      this.#respawn(onStarted, backoff.next(undefined))
    })
  }

  #later(delayMs: number, callback: () => void): void {
    const timer = this.options.clock.schedule(delayMs, () => {
      this.#retries.delete(timer)
      callback()
    })
    this.#retries.add(timer)
  }

  #noteReadiness({ worker }: Member): void {
    if (worker.unready.length > 0) this.#listener.unready(worker.unready)
  }
}
