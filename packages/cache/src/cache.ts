import { defineService, type EventSource, type TypedEvents, type Service } from '@cidadao/contracts'
import { resolveCacheOptions, type CacheOptions, type ResolvedCacheOptions } from './cache-options.ts'
import type { InvalidationMessage } from './consistency/invalidation-message.ts'
import { Heartbeat, type Watched } from './consistency/heartbeat.ts'
import { Sessions } from './consistency/session.ts'
import { applyMessage } from './engine/apply-invalidation.ts'
import { Engine, type NamespaceContext } from './engine/engine.ts'
import { deferRepairs } from './engine/defer-repairs.ts'
import { namespaceClock } from './engine/namespace-clock-of.ts'
import { LocalEntries } from './engine/local-entries.ts'
import { Refreshing } from './engine/refreshing.ts'
import { NamespaceCounters, type CacheStats, type TierStatus } from './engine/stats.ts'
import { CachePolicyUnknownError, CachePolicyUnservedError } from './errors.ts'
import type { CacheEvents } from './events.ts'
import { namespacePrefix } from './key.ts'
import type { CacheNamespace } from './cache-namespace.ts'
import { TieredNamespace } from './namespace.ts'
import { memoryCapOf, MEMORY_TIER, type Policy } from './policy.ts'
import { GuardedTier } from './tiers/guarded-tier.ts'
import { ChanneledEvents } from './telemetry/channels.ts'
import { EntryFormat } from './values/entry-format.ts'

/**
 * A cache of several tiers. Usable before `start`, which only begins the tiers' background work; `stop` waits for
 * what is under way. Its own `get`, `set`, … work on the default policy's namespace.
 */
export interface Cache extends Service, EventSource<CacheEvents>, CacheNamespace<unknown> {
  /**
   * The namespace of a policy, or of one registered by name.
   * @throws {CachePolicyUnknownError} no policy of that name, or another policy has it
   * @throws {CachePolicyUnservedError} none of the tiers that the policy wants is configured
   */
  namespace<T>(policy: Policy<T>): CacheNamespace<T>
  namespace<T = unknown>(name: string): CacheNamespace<T>
  /**
   * Runs `work` as a session: its reads see at least what it has written, and what is in `token`, which another session
   * of any process gave out. @throws {CacheOptionError} for a token that is none
   */
  session<T>(work: () => T, token?: string): T
  /** What the session under way has written, as text for a header; `undefined` outside of one, or before it wrote. */
  sessionToken(): string | undefined
  /**
   * Carries out an invalidation that came from elsewhere, such as an outbox. Repeating it or changing the order of
   * several does no harm: it costs misses. Rejects with `CacheUnavailableError` if it must be repeated, and with
   * `CachePolicyUnknownError` if no policy of that name was given.
   */
  applyInvalidation(message: InvalidationMessage): Promise<void>
  /** State of each tier, now. */
  status(): { readonly tiers: readonly TierStatus[] }
  /** A copy of all counters, since the cache was made. */
  stats(): CacheStats
}

/** Builds a cache; connects to nothing. @throws {CacheOptionError} */
export function createCache(options: CacheOptions = {}): Cache {
  return new CacheComposition(resolveCacheOptions(options)).cache()
}

class CacheComposition {
  readonly #options: ResolvedCacheOptions
  readonly #events: TypedEvents<CacheEvents>
  readonly #engine: Engine
  readonly #tiers: readonly GuardedTier[]
  readonly #policies: Map<string, Policy>
  readonly #namespaces = new Map<string, { readonly namespace: CacheNamespace<unknown>; readonly context: NamespaceContext }>()
  /** By prefix, as messages name them. */
  readonly #contexts = new Map<string, NamespaceContext>()
  readonly #origin: string
  readonly #heartbeat: Service
  #evictions = 0

  constructor(options: ResolvedCacheOptions) {
    this.#options = options
    this.#policies = new Map(options.policies)
    this.#events = new ChanneledEvents(options.onListenerError)
    const { clock, random, newToken } = options
    this.#origin = newToken()
    const onEvict = (reason: CacheEvents['evict']['reason']): void => {
      this.#evictions++
      this.#events.emit('evict', { reason })
    }
    this.#engine = new Engine({
      clock,
      random,
      newToken,
      verifyWithinMs: options.consistency.verifyWithinMs,
      ...(options.pendingInvalidations && { pendingInvalidations: options.pendingInvalidations }),
      events: this.#events,
      local: new LocalEntries(clock, { ...options.memory, onEvict }),
      sessions: new Sessions(),
    })
    this.#tiers = options.tiers.map((tier) => new GuardedTier(tier, this.#guardParts(tier.name)))
    this.#heartbeat = this.#makeHeartbeat().service()
  }

  cache(): Cache {
    const service = defineService({ name: 'cache', start: (signal) => this.#start(signal), stop: () => this.#stop() })
    const standard = this.#namespaceOf(this.#options.defaultPolicy)
    return {
      ...bound(standard),
      name: service.name,
      start: (signal) => service.start(signal),
      stop: () => service.stop(),
      on: (name, listener) => this.#events.on(name, listener),
      namespace: <T>(policy: Policy<T> | string) => this.#namespaceOf(policy) as CacheNamespace<T>,
      session: (work, token) => this.#engine.sessions.run(token, work),
      sessionToken: () => this.#engine.sessions.token(),
      applyInvalidation: (message) => this.#apply(message),
      status: () => ({ tiers: this.#tiers.map(statusOf) }),
      stats: () => this.#stats(),
    }
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    const started: GuardedTier[] = []
    try {
      for (const tier of this.#tiers) {
        await tier.start(signal)
        started.push(tier)
      }
      await this.#heartbeat.start(signal)
    } catch (thrown) {
      await Promise.allSettled(started.map((tier) => tier.stop()))
      throw thrown
    }
  }

  async #stop(): Promise<void> {
    await this.#heartbeat.stop()
    await this.#engine.idle()
    deferRepairs(this.#engine, this.#tiers, this.#contexts)
    await this.#engine.idle()
    for (const { clock } of this.#contexts.values()) {
      await clock.idle()
      clock.stop()
    }
    this.#engine.local.stop()
    await Promise.all(this.#tiers.map((tier) => tier.stop()))
  }

  #makeHeartbeat(): Heartbeat {
    const { clock, random, consistency, environment, version } = this.#options
    return new Heartbeat({
      time: clock,
      random,
      heartbeatMs: consistency.heartbeatMs,
      installation: `${environment}/${version}`,
      buses: this.#options.tiers.flatMap((tier) => tier.bus ?? []),
      watched: () => Array.from(this.#contexts.values(), toWatched),
      onMessage: (message) => this.#contexts.get(message.namespace)?.clock.receive(message),
    })
  }

  async #apply(message: InvalidationMessage): Promise<void> {
    this.#namespaceOf(message.namespace)
    const entry = this.#namespaces.get(message.namespace)
    if (entry !== undefined) await applyMessage(this.#engine, entry.context, message)
  }

  #guardParts(name: string): ConstructorParameters<typeof GuardedTier>[1] {
    return {
      clock: this.#options.clock,
      random: this.#options.random,
      options: this.#options.guardOf(name),
      onState: (tier, from, to, cause) => this.#events.emit('tier-state', { tier, from, to, ...(cause && { cause }) }),
      onOperation: (tier, operation, ended) => {
        if (this.#events.hasListeners('operation')) this.#events.emit('operation', { tier, operation, ...ended() })
      },
      onError: (tier, operation, error) => this.#events.emit('error', { tier, operation, error }),
    }
  }

  #namespaceOf(policyOrName: Policy | string): CacheNamespace<unknown> {
    const policy = this.#registered(policyOrName)
    const existing = this.#namespaces.get(policy.name)
    if (existing !== undefined) return existing.namespace
    const context = this.#contextOf(policy)
    const namespace = new TieredNamespace<unknown>(this.#engine, context)
    this.#namespaces.set(policy.name, { namespace, context })
    this.#contexts.set(context.prefix, context)
    return namespace
  }

  /** Two policies of one name would disagree about the same keys. */
  #registered(policyOrName: Policy | string): Policy {
    const name = typeof policyOrName === 'string' ? policyOrName : policyOrName.name
    const known = this.#policies.get(name)
    if (known !== undefined && (typeof policyOrName === 'string' || known === policyOrName)) return known
    if (typeof policyOrName === 'string' || known !== undefined) {
      const problem = known === undefined ? 'no policy was given for it' : 'another policy has that name'
      throw new CachePolicyUnknownError(`namespace ${name}: ${problem}; known are ${[...this.#policies.keys()].join(', ')}`, {
        facts: { namespace: name },
      })
    }
    this.#policies.set(name, policyOrName)
    return policyOrName
  }

  #contextOf(policy: Policy): NamespaceContext {
    const wanted = policy.tiers
    const tiers = this.#tiers.filter((tier) => wanted === undefined || wanted.includes(tier.name))
    const usesMemory = wanted === undefined || wanted.includes(MEMORY_TIER)
    if (tiers.length === 0 && !usesMemory) {
      throw new CachePolicyUnservedError(`policy ${policy.name} wants one of the tiers ${wanted.join(', ')}; none is configured`, {
        facts: { namespace: policy.name, tiers: wanted.join(', ') },
      })
    }
    const prefix = namespacePrefix(this.#options.environment, this.#options.version, policy.name)
    const clock = namespaceClock(this.#engine, {
      namespace: policy.name,
      prefix,
      origin: this.#origin,
      tiers,
      tuning: this.#options.consistency,
    })
    return {
      policy,
      prefix,
      tiers,
      clock,
      servesTags: clock.tier !== undefined || tiers.length === 0,
      memoryCapMs: usesMemory ? memoryCapOf(policy, tiers.length > 0) : undefined,
      format: new EntryFormat(policy, this.#options.signer),
      local: this.#engine.local.index(prefix),
      counters: new NamespaceCounters(),
      refreshing: new Refreshing(policy),
      watchesHits: policy.checkFraction > 0 || policy.refreshAhead > 0,
    }
  }

  #stats(): CacheStats {
    const namespaces = Array.from(this.#namespaces, ([name, { context }]) => [name, context.counters.snapshot()] as const)
    return {
      namespaces: Object.fromEntries(namespaces),
      tiers: Object.fromEntries(this.#tiers.map((tier) => [tier.name, tier.counters()])),
      memory: { ...this.#engine.local.size(), evictions: this.#evictions },
    }
  }
}

function toWatched({ clock, local }: NamespaceContext): Watched {
  return { active: clock.tier !== undefined && (local.size > 0 || clock.unsent > 0), refresh: () => clock.refresh() }
}

function statusOf(tier: GuardedTier): TierStatus {
  const { repairsPending } = tier.counters()
  return { name: tier.name, state: tier.state, reason: tier.cause?.message, repairsPending }
}

function bound(namespace: CacheNamespace<unknown>): Omit<CacheNamespace<unknown>, 'name'> {
  return {
    get: (key, options) => namespace.get(key, options),
    peek: (key) => namespace.peek(key),
    has: (key) => namespace.has(key),
    set: (key, value, options) => namespace.set(key, value, options),
    delete: (key) => namespace.delete(key),
    expire: (key) => namespace.expire(key),
    touch: (key, options) => namespace.touch(key, options),
    warm: (entries, options) => namespace.warm(entries, options),
    getOrSet: (key, factory, options) => namespace.getOrSet(key, factory, options),
    getOrSetNow: (key, factory, options) => namespace.getOrSetNow(key, factory, options),
    getOrSetMany: (keys, loader, options) => namespace.getOrSetMany(keys, loader, options),
    getMany: (keys, options) => namespace.getMany(keys, options),
    setMany: (entries, options) => namespace.setMany(entries, options),
    deleteMany: (keys) => namespace.deleteMany(keys),
    invalidateTags: (tags) => namespace.invalidateTags(tags),
    clear: () => namespace.clear(),
  }
}
