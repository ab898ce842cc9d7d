import { defineService, toError, TypedEvents, type EventSource, type Service, type Timer } from '@cidadao/contracts'
import { type RedisAuthError, TierUnavailableError } from '../errors.ts'
import { detectMode, type Detection, type RedisMode } from './detect-mode.ts'
import { openClient, type RedisClient } from './redis-client.ts'
import { formatNode, resolveRedisOptions, type RedisOptions, type ResolvedRedisOptions } from './redis-options.ts'

/** Where the connection stands; for health reports. */
export type RedisStatus =
  | { readonly state: 'idle' }
  /** Nobody answers. It is looked for in the background; nothing else is used in its place. */
  | { readonly state: 'down'; readonly cause: Error }
  /** The credentials are wrong. Looked at again in the background, since passwords are rotated. */
  | { readonly state: 'refused'; readonly cause: RedisAuthError }
  | { readonly state: 'connected'; readonly mode: RedisMode; readonly nodes: readonly string[] }

export interface RedisEvents {
  /** The state changed, or the mode of a connected one did. */
  readonly status: RedisStatus
}

/**
 * The one connection that Redis tiers and Keyv stores share.
 *
 * `start` finds out what the nodes are and connects. With no node answering it resolves all the same, and goes on
 * looking: `status()` tells. It rejects with `RedisAuthError` when the credentials are wrong.
 */
export interface RedisConnection extends Service, EventSource<RedisEvents> {
  status(): RedisStatus
  /** The client for commands now. @throws {TierUnavailableError} while there is none */
  client(): RedisClient
  /** Have the nodes asked again soon what they are: one of them answered in a way that does not fit. */
  suspect(): void
}

/** Describes the connection; nothing is opened before `start`. @throws {CacheOptionError} */
export function connectRedis(options: RedisOptions): RedisConnection {
  return new ProbedConnection(resolveRedisOptions(options)).connection()
}

/**
 * One round: ask the nodes, then adopt what they are. Rounds never overlap.
 *
 * - *idle*: before `start`, after `stop`.
 * - *down*, *refused*: no client; rounds at growing intervals.
 * - *connected*: a round every `reprobeMs`, and at once when suspected. The client reconnects and follows a cluster's
 *   topology by itself; a round replaces it only if single became cluster or the reverse. A round in which nobody
 *   answers changes nothing: the client knows best when its server is back.
 */
class ProbedConnection {
  readonly #options: ResolvedRedisOptions
  readonly #events = new TypedEvents<RedisEvents>()
  #status: RedisStatus = { state: 'idle' }
  #client: RedisClient | undefined
  #round: Promise<void> = Promise.resolve()
  #timer: Timer | undefined
  #retryMs: number
  #running = false

  constructor(options: ResolvedRedisOptions) {
    this.#options = options
    this.#retryMs = options.retryMs
  }

  connection(): RedisConnection {
    const service = defineService({ name: 'redis', start: () => this.#start(), stop: () => this.#stop() })
    return {
      ...service,
      on: (name, listener) => this.#events.on(name, listener),
      status: () => this.#status,
      client: () => this.#clientNow(),
      suspect: () => this.#schedule(0),
    }
  }

  async #start(): Promise<void> {
    this.#running = true
    this.#round = this.#runOnce()
    await this.#round
    const status: RedisStatus = this.#status
    if (status.state !== 'refused') return
    await this.#stop()
    throw status.cause
  }

  async #stop(): Promise<void> {
    this.#running = false
    this.#timer?.cancel()
    await this.#round
    this.#timer?.cancel()
    this.#client?.disconnect()
    this.#client = undefined
    this.#become({ state: 'idle' })
  }

  #clientNow(): RedisClient {
    if (this.#client !== undefined) return this.#client
    const reason = 'cause' in this.#status ? this.#status.cause.message : 'the connection is not started'
    throw new TierUnavailableError(`Redis is not connected: ${reason}`, { facts: { state: this.#status.state } })
  }

  #schedule(waitMs: number): void {
    this.#timer?.cancel()
    if (!this.#running) return
    this.#timer = this.#options.clock.schedule(waitMs, () => {
      this.#round = this.#round.then(() => this.#runOnce())
    })
  }

  async #runOnce(): Promise<void> {
    if (!this.#running) return
    const detection = await detectMode(this.#options)
    await this.#adopt(detection)
    this.#schedule(this.#client === undefined ? this.#nextRetryMs() : this.#options.reprobeMs)
  }

  async #adopt(detection: Detection): Promise<void> {
    if (detection.outcome === 'found') return this.#use(detection)
    if (detection.outcome === 'refused') {
      this.#replaceClient(undefined)
      this.#become({ state: 'refused', cause: detection.cause })
    } else if (this.#client === undefined) {
      this.#become({ state: 'down', cause: detection.cause })
    }
  }

  async #use(found: Extract<Detection, { outcome: 'found' }>): Promise<void> {
    if (this.#status.state === 'connected' && this.#status.mode === found.mode) return
    try {
      this.#replaceClient(await openClient(found.mode, found.nodes, this.#options))
      this.#retryMs = this.#options.retryMs
      this.#become({ state: 'connected', mode: found.mode, nodes: found.nodes.map(formatNode) })
    } catch (thrown) {
      this.#replaceClient(undefined)
      this.#become({ state: 'down', cause: toError(thrown) })
    }
  }

  #replaceClient(next: RedisClient | undefined): void {
    this.#client?.disconnect()
    this.#client = next
    // After a reconnection another kind of server may be at the same address.
    next?.on('ready', () => this.#schedule(0))
  }

  #nextRetryMs(): number {
    const waitMs = this.#retryMs
    this.#retryMs = Math.min(this.#retryMs * 2, this.#options.longestRetryMs)
    return waitMs
  }

  #become(next: RedisStatus): void {
    const changed = JSON.stringify(next) !== JSON.stringify(this.#status)
    this.#status = next
    if (changed) this.#events.emit('status', next)
  }
}
