import { delay } from '@cidadao/contracts'
import type { CacheNamespace } from '../../src/cache-namespace.ts'
import type { Lookup } from '../../src/lookup.ts'
import { keysOf, type Change, type Copy, type Instant, type Oracle, type Read } from './oracle.ts'
import { KEYS, STAMPEDE_KEYS, TAGS_OF, type Action, type Key, type Work } from './schedule.ts'
import type { Trace } from './trace.ts'
import type { VirtualTime } from './virtual-time.ts'
import { POLICY, type SimulatedNode, type World } from './world.ts'

export interface WorkloadParts {
  readonly time: VirtualTime
  readonly world: World
  readonly oracle: Oracle
  readonly trace: Trace | undefined
  readonly budgetMs: number
}

interface Call {
  readonly what: string
  readonly node: SimulatedNode
  readonly started: Instant
  /** Longest that it may take while its process is not paused. */
  readonly limitMs: number
}

interface Run {
  readonly key: Key
  readonly node: SimulatedNode
  readonly startedMs: number
  endedMs: number
}

/** A factory that the cache itself must stop: none of ours does. */
class Unavailable extends Error {}

/** A few operations after each other, each of which may cost its budget in both tiers and at the clock. */
const SHORT_CALLS = 24
const CLEAR_MS = 1_200

/** The callers: what they do to the source and to the cache, and what they see. */
export class Workload {
  readonly #parts: WorkloadParts
  readonly #calls = new Set<Call>()
  readonly #stampedeRuns: Run[] = []
  readonly #pauses = new Map<number, number>()

  constructor(parts: WorkloadParts) {
    this.#parts = parts
  }

  /** Whether the action is a caller's. */
  begin(action: Action): boolean {
    if (action.do === 'pause') this.#paused(this.#parts.world.node(action.node).process, action.forMs)
    switch (action.do) {
      case 'get':
        return this.#on(action.node, (node) => this.#get(node, action.key, { allowStale: action.allowStale }))
      case 'obtain':
        return this.#on(action.node, (node) => this.#obtain({ ...action, node }))
      case 'obtain-many':
        return this.#on(action.node, (node) => this.#obtainMany(node, action))
      case 'set':
        return this.#on(action.node, (node) => this.#set(node, action.key))
      case 'delete':
        return this.#on(action.node, (node) => this.#delete(node, action.key))
      case 'tags':
        return this.#on(action.node, (node) =>
          this.#invalidate(node, 'tags', { keys: keysOf(action.tag), run: (things) => things.invalidateTags([action.tag]) }),
        )
      case 'clear':
        return this.#on(action.node, (node) => this.#invalidate(node, 'clear', { keys: KEYS, run: (things) => things.clear() }))
      case 'session':
        return this.#on(action.node, (node) => this.#session(node, action))
      default:
        return false
    }
  }

  settledRead(index: number, key: Key): void {
    this.#on(index, (node) => this.#get(node, key, { allowStale: false, settled: true }))
  }

  stampede(index: number, key: Key): void {
    // The slow one takes longer than a lease: it has to be renewed.
    const work = { beforeMs: 20, afterMs: key === 'slow' ? 2 * POLICY.leaseMs : 5, fails: false }
    this.#on(index, (node) => this.#obtain({ node, key, work, runs: this.#stampedeRuns }))
  }

  judgeStampede(): void {
    for (const key of STAMPEDE_KEYS) {
      const ofKey = this.#stampedeRuns.filter((run) => run.key === key)
      // One after the other is another matter: the first may have outlived the window that it had to fill.
      const runs = ofKey.filter((run) => ofKey.some((other) => other !== run && overlap(run, other)))
      if (runs.length === 0) continue
      const where = runs.map(({ node, startedMs }) => `node ${node.process} at ${startedMs.toFixed(1)}`).join(', ')
      this.#parts.oracle.violate('S3', this.#parts.time.nowMs, `${key} was loaded ${runs.length} times at once: ${where}`)
    }
  }

  judgeUnfinished(): void {
    for (const { what, node, started } of this.#calls) {
      if (node.lane.gone) continue
      this.#parts.oracle.violate(
        'S7',
        this.#parts.time.nowMs,
        `${what} of node ${node.process}, begun at ${started.ms.toFixed(1)}, never ended`,
      )
    }
  }

  /** In the node's own lane: a paused process makes no calls. */
  #on(index: number, run: (node: SimulatedNode) => Promise<unknown>): true {
    const node = this.#parts.world.node(index)
    this.#parts.time.after(0, () => void run(node), node.lane)
    return true
  }

  #paused(process: number, forMs: number): void {
    this.#pauses.set(process, (this.#pauses.get(process) ?? 0) + forMs)
  }

  #now(): Instant {
    const { nowMs, moment } = this.#parts.time
    return { ms: nowMs, moment }
  }

  async #timed<T>(what: string, node: SimulatedNode, options: { readonly limitMs: number; readonly run: () => Promise<T> }): Promise<T> {
    const call: Call = { what, node, started: this.#now(), limitMs: options.limitMs }
    this.#calls.add(call)
    try {
      return await options.run()
    } finally {
      this.#calls.delete(call)
      const tookMs = this.#now().ms - call.started.ms
      const limitMs = call.limitMs + (this.#pauses.get(node.process) ?? 0)
      if (tookMs > limitMs)
        this.#parts.oracle.violate('S7', this.#now().ms, `${what} of node ${node.process} took ${Math.round(tookMs)} ms, limit ${limitMs}`)
    }
  }

  get #shortMs(): number {
    return this.#parts.budgetMs * SHORT_CALLS
  }

  async #get(
    node: SimulatedNode,
    key: Key,
    options: { readonly allowStale: boolean; readonly settled?: boolean; readonly after?: Change },
  ): Promise<void> {
    const started = this.#now()
    const run = (): Promise<Lookup<Copy>> => thingsOf(node).get(key, { allowStale: options.allowStale })
    const lookup = await this.#timed(`get ${key}`, node, { limitMs: this.#shortMs, run })
    this.#parts.trace?.(`node ${node.process} got ${key}`, lookup)
    if (lookup.outcome === 'hit') {
      this.#judge({
        node: node.process,
        started,
        copy: lookup.value,
        mayBeStale: lookup.stale,
        after: options.after,
        settled: options.settled ?? false,
      })
    }
  }

  #judge(read: Omit<Read, 'ended'>): void {
    this.#parts.oracle.judge({ ...read, ended: this.#now() })
  }

  async #obtain(asked: {
    readonly node: SimulatedNode
    readonly key: Key
    readonly work: Work
    readonly abortAfterMs?: number
    readonly after?: Change
    readonly runs?: Run[]
  }): Promise<void> {
    const { node, key, work } = asked
    const started = this.#now()
    const { clock } = node
    const abort = new AbortController()
    if (asked.abortAfterMs !== undefined) clock.schedule(asked.abortAfterMs, () => abort.abort(new Unavailable('the caller left')))
    const factory = async (): Promise<Copy> => {
      const run = { key, node, startedMs: this.#now().ms, endedMs: Number.POSITIVE_INFINITY }
      asked.runs?.push(run)
      try {
        return await this.#produce(node, key, work)
      } finally {
        run.endedMs = this.#now().ms
      }
    }
    const options = { tags: TAGS_OF[key], ...(asked.abortAfterMs !== undefined && { signal: abort.signal }) }
    const run = (): Promise<Copy> => thingsOf(node).getOrSet(key, factory, options)
    try {
      const copy = await this.#timed(`getOrSet ${key}`, node, { limitMs: this.#longMs, run })
      this.#parts.trace?.(`node ${node.process} obtained ${key}`, copy)
      this.#judge({ node: node.process, started, copy, mayBeStale: true, after: asked.after })
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  async #obtainMany(node: SimulatedNode, { keys, work }: Extract<Action, { readonly do: 'obtain-many' }>): Promise<void> {
    const started = this.#now()
    const loader = async (wanted: readonly string[]): Promise<Map<string, Copy>> =>
      new Map(await Promise.all(wanted.map(async (key) => [key, await this.#produce(node, key as Key, work)] as const)))
    const run = async () => thingsOf(node).getOrSetMany(keys, loader, { tags: ['x', 'y'] })
    const obtained = await this.#timed('getOrSetMany', node, { limitMs: 2 * this.#longMs, run })
    for (const answer of obtained.values()) {
      if (answer.outcome === 'value') this.#judge({ node: node.process, started, copy: answer.value, mayBeStale: true })
      else this.#failed(answer.error)
    }
  }

  get #longMs(): number {
    return POLICY.factoryTimeoutMs + POLICY.leaseWaitMs + this.#shortMs
  }

  async #produce(node: SimulatedNode, key: Key, work: Work): Promise<Copy> {
    const { oracle } = this.#parts
    const { clock } = node
    await delay(clock, work.beforeMs)
    const version = oracle.versionOf(key)
    await delay(clock, work.afterMs)
    if (work.fails) throw new Unavailable('the source does not answer')
    const copy = oracle.produced({ key, version }, { node: node.process, source: 'factory', atMs: this.#now().ms })
    this.#parts.trace?.(`node ${node.process} produced`, copy)
    return copy
  }

  async #set(node: SimulatedNode, key: Key): Promise<Change> {
    const { oracle } = this.#parts
    const change = oracle.change('set', node.process, { keys: [key], at: this.#now() })
    const copy = oracle.produced({ key, version: oracle.versionOf(key) }, { node: node.process, source: 'set', atMs: this.#now().ms })
    const run = () => thingsOf(node).set(key, copy, { tags: TAGS_OF[key] })
    const { outcome } = await this.#timed(`set ${key}`, node, { limitMs: this.#shortMs, run })
    this.#parts.trace?.(`node ${node.process} set ${key}: ${outcome}`, copy)
    oracle.ended(change, this.#now(), outcome)
    oracle.ended(oracle.productOf(copy), this.#now(), outcome)
    return change
  }

  async #delete(node: SimulatedNode, key: Key): Promise<Change> {
    return this.#invalidate(node, 'delete', { keys: [key], run: (things) => things.delete(key) })
  }

  async #invalidate(
    node: SimulatedNode,
    kind: Change['kind'],
    what: {
      readonly keys: readonly Key[]
      readonly run: (things: CacheNamespace<Copy>) => Promise<{ readonly outcome: 'done' | 'pending' }>
    },
  ): Promise<Change> {
    const { oracle } = this.#parts
    const change = oracle.change(kind, node.process, { keys: what.keys, at: this.#now() })
    const limitMs = this.#shortMs + CLEAR_MS
    const { outcome } = await this.#timed(`${kind} ${what.keys.join()}`, node, { limitMs, run: () => what.run(thingsOf(node)) })
    this.#parts.trace?.(`node ${node.process} ${kind} ${what.keys.join()}: ${outcome}`, Object.fromEntries(change.oldest))
    oracle.ended(change, this.#now(), outcome)
    return change
  }

  async #session(node: SimulatedNode, { other, key, change }: Extract<Action, { readonly do: 'session' }>): Promise<void> {
    const { cache } = node
    const wrote = await cache.session(async () => {
      const done = change === 'set' ? await this.#set(node, key) : await this.#delete(node, key)
      return { done, token: cache.sessionToken() }
    })
    if (wrote.token === undefined || wrote.done.outcome !== 'done') return
    const { token, done } = wrote
    const work = { beforeMs: 3, afterMs: 3, fails: false }
    this.#on(other, (reader) => reader.cache.session(() => this.#get(reader, key, { allowStale: true, after: done }), token))
    this.#on(other, (reader) => reader.cache.session(() => this.#obtain({ node: reader, key, work, after: done }), token))
  }

  /** What factories throw and callers abort is theirs to expect; anything else is not. */
  #failed(thrown: unknown): void {
    const code = (thrown as { readonly code?: unknown }).code
    if (thrown instanceof Unavailable || code === 'CACHE_FACTORY_TIMEOUT') return
    this.#parts.oracle.violate('S7', this.#now().ms, `a call rejected with ${String(thrown)}`)
  }
}

function overlap(one: Run, other: Run): boolean {
  return one.startedMs < other.endedMs && other.startedMs < one.endedMs
}

function thingsOf({ cache }: SimulatedNode): CacheNamespace<Copy> {
  return cache.namespace<Copy>(POLICY.name)
}
