import { LocalFence } from '../../src/concurrency/local-fence.ts'
import type { Mechanism } from './fake-server.ts'
import { inject } from './faults.ts'
import { Oracle, type Violation } from './oracle.ts'
import { KEYS, STAMPEDE_KEYS, type Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'
import { VirtualTime } from './virtual-time.ts'
import { Workload } from './workload.ts'
import { BUDGET_MS, POLICY, VERIFY_WITHIN_MS, World } from './world.ts'

export interface SimulationOptions {
  readonly switchedOff?: ReadonlySet<Mechanism>
  readonly trace?: (line: string, facts?: unknown) => void
}

export interface SimulationReport {
  readonly violations: readonly Violation[]
  /** Events that happened, and how much time passed for the simulated. */
  readonly events: number
  readonly simulatedMs: number
}

const NONE: ReadonlySet<Mechanism> = new Set()
/** For what is under way to end, breakers to close, leases to run out and pending invalidations to arrive. */
const SETTLING_MS = 6_000
const STAMPEDE_MS = 2_500
const STOPPING_MS = 2_000
const SKEW_MS = 500
const LONGEST_WAY_MS = 700

/** Runs one schedule to its end. The same schedule always takes the same course. */
export async function simulate(schedule: Schedule, options: SimulationOptions = {}): Promise<SimulationReport> {
  const switchedOff = options.switchedOff ?? NONE
  const restore = switchedOff.has('fence') ? withoutLocalFence() : () => {}
  const { stackTraceLimit } = Error
  // Most errors here are meant to happen and nobody reads their stacks, which cost a third of a simulation.
  Error.stackTraceLimit = 0
  const rejections: unknown[] = []
  const onRejection = (reason: unknown): void => void rejections.push(reason)
  process.on('unhandledRejection', onRejection)
  try {
    return await new Simulation(schedule, { ...options, switchedOff, rejections }).run()
  } finally {
    process.off('unhandledRejection', onRejection)
    Error.stackTraceLimit = stackTraceLimit
    restore()
  }
}

interface SimulationParts extends SimulationOptions {
  readonly switchedOff: ReadonlySet<Mechanism>
  readonly rejections: readonly unknown[]
}

class Simulation {
  readonly #schedule: Schedule
  readonly #parts: SimulationParts
  readonly #time = new VirtualTime()
  readonly #world: World
  readonly #oracle: Oracle
  readonly #workload: Workload
  readonly #trace: Trace | undefined

  constructor(schedule: Schedule, parts: SimulationParts) {
    const { trace } = parts
    const time = this.#time
    this.#schedule = schedule
    this.#parts = parts
    this.#trace = trace && ((what, facts) => trace(`${time.nowMs.toFixed(2).padStart(9)} ${what}`, facts))
    this.#world = new World({ schedule, time, switchedOff: parts.switchedOff, trace: this.#trace })
    const pauses = schedule.steps.map((step) => (step.do === 'pause' ? step.forMs : 0))
    this.#oracle = new Oracle({
      ttlMs: POLICY.ttlMs,
      graceMs: POLICY.graceMs,
      deltaMs: VERIFY_WITHIN_MS,
      ageSlackMs: SKEW_MS * 2 + LONGEST_WAY_MS * 2 + pauses.reduce((sum, forMs) => sum + forMs, 0),
      oneTier: schedule.tiers.length === 1,
    })
    this.#workload = new Workload({ time, world: this.#world, oracle: this.#oracle, trace: this.#trace, budgetMs: BUDGET_MS })
  }

  async run(): Promise<SimulationReport> {
    const time = this.#time
    for (const node of this.#world.nodes) time.after(1, () => void node.cache.start(), node.lane)
    for (const step of this.#schedule.steps) time.after(step.atMs, () => this.#step(step))
    const lastMs = this.#schedule.steps.reduce((latest, step) => Math.max(latest, step.atMs), 0)
    await time.runUntil(lastMs + 1)
    this.#tell('all faults end')
    const awakeMs = this.#world.heal()
    await time.runUntil(Math.max(lastMs, awakeMs) + SETTLING_MS)
    await this.#converge()
    await this.#stampede()
    await this.#stop()
    for (const reason of this.#parts.rejections) this.#oracle.violate('S7', time.nowMs, `unhandled rejection: ${String(reason)}`)
    return { violations: this.#oracle.violations, events: time.moment, simulatedMs: time.nowMs }
  }

  #step(step: Schedule['steps'][number]): void {
    this.#tell('step', step)
    if (!this.#workload.begin(step)) inject(step, { time: this.#time, world: this.#world, oracle: this.#oracle })
  }

  /** What was pending has arrived everywhere. */
  async #converge(): Promise<void> {
    this.#tell('settled: every process reads every key')
    for (const index of this.#world.nodes.keys()) for (const key of KEYS) this.#workload.settledRead(index, key)
    await this.#time.runUntil(this.#time.nowMs + 500)
  }

  /** With everything healthy, however many ask for a key, one process loads it. */
  async #stampede(): Promise<void> {
    this.#tell('stampede: every process asks for the same keys at once')
    for (const key of STAMPEDE_KEYS) {
      for (const index of this.#world.nodes.keys()) {
        this.#workload.stampede(index, key)
        this.#workload.stampede(index, key)
      }
    }
    await this.#time.runUntil(this.#time.nowMs + STAMPEDE_MS)
    this.#workload.judgeStampede()
  }

  async #stop(): Promise<void> {
    const { nodes } = this.#world
    let stopped = 0
    for (const node of nodes) void node.cache.stop().then(() => stopped++)
    await this.#time.runUntil(this.#time.nowMs + STOPPING_MS)
    this.#workload.judgeUnfinished()
    if (stopped < nodes.length) this.#oracle.violate('S7', this.#time.nowMs, `${nodes.length - stopped} caches did not stop`)
    for (const { lane } of nodes) {
      const timers = this.#time.pendingOf(lane)
      if (timers > 0) this.#oracle.violate('S7', this.#time.nowMs, `${lane.name} left ${timers} timers behind`)
    }
  }

  #tell(what: string, facts?: unknown): void {
    this.#trace?.(what, facts)
  }
}

/** What is under way is never overtaken, as far as this process knows. */
function withoutLocalFence(): () => void {
  const { invalidate, invalidateNamespace } = LocalFence.prototype
  LocalFence.prototype.invalidate = () => {}
  LocalFence.prototype.invalidateNamespace = () => {}
  return () => Object.assign(LocalFence.prototype, { invalidate, invalidateNamespace })
}
