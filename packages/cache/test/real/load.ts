import { delay, systemClock, toError } from '@cidadao/contracts'
import type { Cache, CacheNamespace } from '../../src/index.ts'
import { keysOf, type Change } from '../simulator/oracle.ts'
import { Random } from '../simulator/random.ts'
import { KEYS, TAGS, TAGS_OF, type Key } from '../simulator/schedule.ts'
import { nowMs, type Entry, type Journal } from './journal.ts'
import { LONG_CALL_MS, POLICY } from './world.ts'

/** A product by its name alone: the journal knows the rest. */
export interface Stored {
  readonly product: string
}

const WEIGHTS = { get: 30, peek: 12, obtain: 34, many: 3, set: 8, delete: 10, tags: 6, clear: 1, session: 4 } as const
/** Who changes things learns of the others' changes by that; every second process does not. */
const READING = { ...WEIGHTS, many: 0, set: 0, delete: 0, tags: 0, clear: 0, session: 0 } as const
const CALLERS = 4
const LONGEST_WAIT_MS = 12

export interface LoadParts {
  readonly cache: Cache
  readonly journal: Journal
  readonly process: number
  /** Carries a session's token to another process. */
  readonly tell: (written: { readonly token: string; readonly after: string; readonly key: Key }) => void
}

type Body = Entry extends infer Each ? (Each extends Entry ? Omit<Each, 'at' | 'by'> : never) : never

/** The callers of one process: what they do to the source and to the cache, and what they see, goes to the journal. */
export class Load {
  readonly #parts: LoadParts
  readonly #random: Random
  readonly #things: CacheNamespace<Stored>
  #callers: Promise<void>[] = []
  #on = false
  #names = 0
  #tickedAt = nowMs()
  calls = 0

  constructor(parts: LoadParts) {
    this.#parts = parts
    this.#random = new Random(parts.process)
    this.#things = parts.cache.namespace<Stored>(POLICY.name)
    // In the same phase of the event loop as the cache's own millisecond clock.
    setInterval(() => {
      this.#tickedAt = nowMs()
    }, 1).unref()
  }

  begin(): void {
    this.#on = true
    this.#callers = Array.from({ length: CALLERS }, () => this.#caller())
  }

  async rest(): Promise<void> {
    this.#on = false
    await Promise.all(this.#callers)
  }

  write(body: Body): void {
    this.#parts.journal.write({ at: nowMs(), by: this.#parts.process, ...body })
  }

  async #caller(): Promise<void> {
    while (this.#on) {
      await this.#timed(() => this.#one())
      this.calls++
      await delay(systemClock, this.#random.between(0, LONGEST_WAIT_MS))
    }
  }

  async #one(): Promise<void> {
    const key = this.#random.pick(KEYS)
    switch (this.#random.weighted(this.#parts.process % 2 === 0 ? READING : WEIGHTS)) {
      case 'get':
        return this.get(key, { allowStale: this.#random.chance(0.5) })
      case 'peek':
        this.#peek(key)
        return
      case 'obtain':
        return this.obtain(key, this.#random.between(0, 40))
      case 'many':
        return this.#obtainMany()
      case 'set':
        await this.#set(key)
        return
      case 'delete':
        await this.#change('delete', [key], () => this.#things.delete(key))
        return
      case 'tags': {
        const tag = this.#random.pick(TAGS)
        await this.#change('tags', keysOf(tag), () => this.#things.invalidateTags([tag]))
        return
      }
      case 'clear':
        await this.#change('clear', KEYS, () => this.#things.clear())
        return
      case 'session':
        return this.#session(key)
    }
  }

  async get(key: Key, options: { readonly allowStale: boolean; readonly settled?: boolean; readonly after?: string }): Promise<void> {
    const begun = this.#begun()
    const lookup = await this.#things.get(key, { allowStale: options.allowStale })
    if (lookup.outcome !== 'hit') return
    const { settled, after } = options
    const more = { ...(settled === true && { settled }), ...(after !== undefined && { after }) }
    this.write({ kind: 'read', key, product: lookup.value.product, ...begun, mayBeStale: options.allowStale && lookup.stale, ...more })
  }

  #peek(key: Key): void {
    const begun = this.#begun()
    const lookup = this.#things.peek(key)
    if (lookup.outcome === 'hit') this.write({ kind: 'read', key, product: lookup.value.product, ...begun, mayBeStale: lookup.stale })
  }

  async obtain(key: Key, factoryMs: number, after?: string): Promise<void> {
    const begun = this.#begun()
    const stored = await this.#things.getOrSet(key, () => this.#produce(key, factoryMs), { tags: TAGS_OF[key] })
    this.write({ kind: 'read', key, product: stored.product, ...begun, mayBeStale: true, ...(after !== undefined && { after }) })
  }

  async #obtainMany(): Promise<void> {
    const begun = this.#begun()
    const loader = async (keys: readonly string[]): Promise<Map<string, Stored>> =>
      new Map(await Promise.all(keys.map(async (key) => [key, await this.#produce(key as Key, 5)] as const)))
    const obtained = await this.#things.getOrSetMany(KEYS, loader, { tags: TAGS })
    for (const [key, answer] of obtained) {
      if (answer.outcome === 'failed') throw toError(answer.error)
      this.write({ kind: 'read', key: key as Key, product: answer.value.product, ...begun, mayBeStale: true })
    }
  }

  async #produce(key: Key, factoryMs: number): Promise<Stored> {
    await delay(systemClock, factoryMs / 2)
    const id = this.#name()
    this.write({ kind: 'made', id, key, source: 'factory' })
    await delay(systemClock, factoryMs / 2)
    return { product: id }
  }

  async #set(key: Key): Promise<string | undefined> {
    const id = this.#name()
    // One name for both: the change and the value that it brings end together.
    this.write({ kind: 'change', id, change: 'set', keys: [key] })
    this.write({ kind: 'made', id, key, source: 'set' })
    const { outcome } = await this.#things.set(key, { product: id }, { tags: TAGS_OF[key] })
    this.write({ kind: 'ended', id, outcome })
    return outcome === 'done' ? id : undefined
  }

  async #change(
    change: Change['kind'],
    keys: readonly Key[],
    run: () => Promise<{ readonly outcome: 'done' | 'pending' }>,
  ): Promise<string | undefined> {
    const id = this.#name()
    this.write({ kind: 'change', id, change, keys })
    const { outcome } = await run()
    this.write({ kind: 'ended', id, outcome })
    return outcome === 'done' ? id : undefined
  }

  async #session(key: Key): Promise<void> {
    const { cache, tell } = this.#parts
    const wrote = await cache.session(async () => {
      const after = this.#random.chance(0.5) ? await this.#set(key) : await this.#change('delete', [key], () => this.#things.delete(key))
      return { after, token: cache.sessionToken() }
    })
    if (wrote.after !== undefined && wrote.token !== undefined) tell({ token: wrote.token, after: wrote.after, key })
  }

  #begun(): { readonly started: number; readonly lagMs: number } {
    const started = nowMs()
    return { started, lagMs: Math.max(0, started - this.#tickedAt) }
  }

  #name(): string {
    return `${this.#parts.process}.${++this.#names}`
  }

  async #timed(run: () => Promise<void>): Promise<void> {
    const started = nowMs()
    await run().catch((thrown: unknown) => {
      this.write({ kind: 'wrong', guarantee: 'S7', what: `a call rejected with ${String(thrown)}` })
    })
    const tookMs = nowMs() - started
    if (tookMs > LONG_CALL_MS) this.write({ kind: 'wrong', guarantee: 'S7', what: `a call took ${Math.round(tookMs)} ms` })
  }
}
