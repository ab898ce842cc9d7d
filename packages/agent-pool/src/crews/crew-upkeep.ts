import type { Timer } from '@cidadao/contracts'
import type { CrewListener, CrewOptions } from './crew-options.ts'
import type { Member, Roster } from './roster.ts'
import { Scaler, type CrewLoad } from './scaler.ts'
import { WaitWindow } from './wait-window.ts'

export interface CrewUpkeepParts {
  readonly options: CrewOptions
  readonly listener: CrewListener
  readonly roster: Roster
  /** Workers that are on their way. */
  starting(): number
  /** Below this, none is ended for being idle. */
  least(): number
  hire(workers: number): void
  replace(member: Member): void
  release(member: Member): void
  noteReadiness(member: Member): void
}

const WAITS_OF_MS = 30_000

/**
 * The loop that looks after a crew: one pass ends those that have been idle too long, replaces one that is too old,
 * probes those at rest and counts how many are needed. A crew that has nothing of this to do has no loop.
 */
export class CrewUpkeep {
  readonly #parts: CrewUpkeepParts
  readonly #scaler: Scaler
  readonly #waits = new WaitWindow(WAITS_OF_MS)
  #timer: Timer | undefined
  #running = false

  constructor(parts: CrewUpkeepParts) {
    this.#parts = parts
    this.#scaler = new Scaler(parts.options.scaling)
  }

  start(): void {
    this.#running = true
    const { scaling, recycling, probeIntervalMs } = this.#parts.options
    const hasWork = scaling.min < scaling.max || recycling.afterMs > 0 || probeIntervalMs > 0
    if (hasWork) this.#arm()
  }

  stop(): void {
    this.#running = false
    this.#timer?.cancel()
  }

  noteWait(waitMs: number): void {
    const { scaling, clock } = this.#parts.options
    if (scaling.min < scaling.max) this.#waits.note(waitMs, clock.monotonicMs())
  }

  /** Somebody waits: grows by the depth of the queue at once, without waiting for the next pass. */
  noteDemand(): void {
    if (!this.#running) return
    const { roster, listener, options } = this.#parts
    if (roster.size + this.#parts.starting() >= options.scaling.max) return
    const { waiting } = listener.demand()
    if (waiting > 0) this.#growTo(this.#scaler.decide(this.#load(waiting, 0), this.#nowMs))
  }

  /** One pass. */
  runOnce(): void {
    const demand = this.#parts.listener.demand()
    const { waiting } = demand
    const needed = this.#scaler.decide(this.#load(waiting, this.#waits.p95Ms(this.#nowMs, demand.waitedMs())), this.#nowMs)
    // Posts that are vacant on purpose stay so while nobody waits.
    if (waiting > 0) this.#growTo(needed)
    // First: one that is ended for being idle is gone, and is not replaced for its age besides.
    this.#evict(needed)
    this.#recycleOldest()
    this.#probe()
  }

  /** After a run: has the member served its time? */
  recycleIfDue(member: Member): void {
    const { afterRuns, aboveMb } = this.#parts.options.recycling
    const { worker, retiring } = member
    const due = (afterRuns > 0 && worker.completedRuns >= afterRuns) || (aboveMb > 0 && worker.memoryBytes > aboveMb * 1024 * 1024)
    if (due && !retiring) this.#parts.replace(member)
  }

  get #nowMs(): number {
    return this.#parts.options.clock.monotonicMs()
  }

  #arm(): void {
    const { clock, upkeepMs } = this.#parts.options
    this.#timer = clock.schedule(upkeepMs, () => {
      this.runOnce()
      if (this.#running) this.#arm()
    })
  }

  #load(waiting: number, waitP95Ms: number): CrewLoad {
    const { roster } = this.#parts
    return { size: roster.size, busy: roster.size - roster.idle.length, waiting, waitP95Ms }
  }

  #growTo(needed: number): void {
    const missing = needed - this.#parts.roster.size - this.#parts.starting()
    if (missing > 0) this.#parts.hire(missing)
  }

  /** Ends what has been idle too long, longest first, down to what has been needed lately. */
  #evict(needed: number): void {
    const { roster, options, listener } = this.#parts
    const spare = roster.size - Math.max(needed, this.#parts.least())
    const idleTooLong = roster.idle
      .filter(({ idleSinceMs, retiring }) => !retiring && this.#nowMs - idleSinceMs >= options.idleEvictMs)
      .sort((a, b) => a.idleSinceMs - b.idleSinceMs)
      .slice(0, Math.max(0, spare))
    for (const member of idleTooLong) {
      roster.dismiss(member)
      void member.worker.close()
    }
    if (idleTooLong.length > 0) listener.evicted(idleTooLong.length)
  }

  /** One at a time: workers that started together are not to be replaced together. */
  #recycleOldest(): void {
    const { roster, options } = this.#parts
    const { afterMs } = options.recycling
    if (afterMs === 0) return
    const present = [...roster.members].filter(({ state }) => state !== 'leaving')
    if (present.some(({ retiring }) => retiring)) return
    const [oldest] = present.sort((a, b) => a.startedMs - b.startedMs)
    if (oldest !== undefined && this.#nowMs - oldest.startedMs >= afterMs) this.#parts.replace(oldest)
  }

  #probe(): void {
    const { roster, options } = this.#parts
    if (options.probeIntervalMs === 0) return
    for (const member of [...roster.idle]) {
      if (member.retiring || this.#nowMs - member.probedMs < options.probeIntervalMs) continue
      member.probedMs = this.#nowMs
      roster.occupy(member)
      void this.#probeOne(member)
    }
  }

  async #probeOne(member: Member): Promise<void> {
    const { options, listener } = this.#parts
    const answer = await member.worker.probe(options.probeTimeoutMs)
    if (answer.kind === 'alive') {
      this.#parts.noteReadiness(member)
      this.#parts.release(member)
    } else if (answer.kind === 'silent') {
      listener.unresponsive()
      await member.worker.kill()
    }
  }
}
