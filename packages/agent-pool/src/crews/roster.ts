import type { AgentWorker } from '../workers/agent-worker.ts'
import { route, routeByKey, type Routable, type Router } from './routing.ts'

/**
 * What a member does.
 *
 * - *idle*: takes the next run.
 * - *busy*: has a run, or is being probed.
 * - *leaving*: takes nothing any more; it ends as soon as it is not at work.
 */
type MemberState = 'idle' | 'busy' | 'leaving'

/** A worker of a crew. */
export interface Member extends Routable {
  readonly worker: AgentWorker
  readonly startedMs: number
  state: MemberState
  /** Since when it has been idle, where it is. */
  idleSinceMs: number
  probedMs: number
  /** Its successor is being started; it serves on until that is warm. */
  retiring: boolean
}

export interface RouteRequest {
  readonly agent: string
  readonly affinityKey: string | undefined
}

/** Who is in a crew, and who of them is free. */
export class Roster {
  readonly #router: Router
  readonly #members = new Set<Member>()
  /** In the order in which they became idle. */
  readonly #idle: Member[] = []
  #lastId = 0

  constructor(router: Router) {
    this.#router = router
  }

  get members(): ReadonlySet<Member> {
    return this.#members
  }

  get idle(): readonly Member[] {
    return this.#idle
  }

  /** Members that will take further runs. */
  get size(): number {
    let size = 0
    for (const member of this.#members) if (member.state !== 'leaving') size++
    return size
  }

  add(worker: AgentWorker, nowMs: number): Member {
    const member: Member = {
      id: ++this.#lastId,
      worker,
      startedMs: nowMs,
      state: 'busy',
      idleSinceMs: nowMs,
      probedMs: nowMs,
      retiring: false,
      get completedRuns() {
        return worker.completedRuns
      },
    }
    this.#members.add(member)
    this.rest(member, nowMs)
    return member
  }

  delete(member: Member): void {
    this.#members.delete(member)
    this.#forgetIdle(member)
  }

  /** The member with that worker, while it is in the crew. */
  memberOf(worker: AgentWorker): Member | undefined {
    for (const member of this.#members) if (member.worker === worker) return member
    return undefined
  }

  idleFor(agent: string): number {
    let count = 0
    for (const member of this.#idle) if (isReady(member, agent)) count++
    return count
  }

  hasIdleFor(agent: string): boolean {
    return this.#idle.some((member) => isReady(member, agent))
  }

  take({ agent, affinityKey }: RouteRequest): Member | undefined {
    // Readiness is rare to differ: the list is copied only where somebody is not ready.
    const ready = this.#idle.every((member) => isReady(member, agent)) ? this.#idle : this.#idle.filter((member) => isReady(member, agent))
    const chosen = affinityKey === undefined ? route(ready, this.#router) : routeByKey(ready, affinityKey)
    if (chosen !== undefined) this.occupy(chosen)
    return chosen
  }

  occupy(member: Member): void {
    this.#forgetIdle(member)
    member.state = 'busy'
  }

  rest(member: Member, nowMs: number): void {
    if (!this.#members.has(member)) return
    member.state = 'idle'
    member.idleSinceMs = nowMs
    this.#idle.push(member)
  }

  /** Takes it out of service. True where it was idle and may be ended at once. */
  dismiss(member: Member): boolean {
    const wasIdle = this.#forgetIdle(member)
    member.state = 'leaving'
    return wasIdle
  }

  #forgetIdle(member: Member): boolean {
    const at = this.#idle.lastIndexOf(member)
    if (at >= 0) this.#idle.splice(at, 1)
    return at >= 0
  }
}

function isReady({ worker }: Member, agent: string): boolean {
  return worker.unready.length === 0 || worker.unready.every((unready) => unready.agent !== agent)
}
