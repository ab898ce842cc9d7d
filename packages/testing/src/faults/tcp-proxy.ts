import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { defineService, delay, systemClock, type Clock, type Service } from '@cidadao/contracts'
import { TestKitOptionsError } from '../errors.ts'
import { SeededRandom } from './seeded-random.ts'

/** What goes wrong on the way. It holds for open connections too, from the next piece of data on. */
export type ProxyFault =
  | { readonly kind: 'none' }
  /** New connections are refused, as by a server that is down; open ones go on. */
  | { readonly kind: 'refuse' }
  /** Every piece of data, each way, is late by `delayMs`, give or take nothing to `jitterMs` more. Order is kept. */
  | { readonly kind: 'delay'; readonly delayMs: number; readonly jitterMs?: number }
  /** A piece of data resets its connection with this probability instead of arriving. @default 1 */
  | { readonly kind: 'cut'; readonly probability?: number }
  /** Nothing gets through and nothing is closed, as in a network partition. What was held arrives when it ends. */
  | { readonly kind: 'blackhole' }

export interface TcpProxyOptions {
  readonly targetHost?: string
  readonly targetPort: number
  /** Where the jitter and the cuts come from. @default a `SeededRandom` of seed 1 */
  readonly random?: SeededRandom
  /** What the delays wait on. @default `systemClock` */
  readonly clock?: Clock
}

export interface TcpProxyStats {
  readonly accepted: number
  readonly open: number
  readonly cut: number
  readonly bytes: number
}

const NO_FAULT: ProxyFault = Object.freeze({ kind: 'none' })

interface Pair {
  readonly client: Socket
  readonly target: Socket
}

/** A TCP connection that can be broken on purpose: the client connects to `port`, and the data goes on to the target. */
export class TcpProxy implements Service {
  readonly name = 'tcp-proxy'
  readonly #target: { readonly host: string; readonly port: number }
  readonly #random: SeededRandom
  readonly #clock: Clock
  readonly #lifecycle: Service
  readonly #pairs = new Set<Pair>()
  #fault: ProxyFault = NO_FAULT
  /** Aborted when the fault changes, so that what it holds back goes on under the new one. */
  #faultChange = new AbortController()
  #server: Server | undefined
  #port = 0
  readonly #counts = { accepted: 0, cut: 0, bytes: 0 }

  constructor(options: TcpProxyOptions) {
    this.#target = { host: options.targetHost ?? '127.0.0.1', port: options.targetPort }
    this.#random = options.random ?? new SeededRandom(1)
    this.#clock = options.clock ?? systemClock
    this.#lifecycle = defineService({ name: this.name, start: () => this.#listen(), stop: () => this.#close() })
  }

  /** A proxy that is started already. */
  static async open(options: TcpProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(options)
    await proxy.start()
    return proxy
  }

  start(): Promise<void> {
    return this.#lifecycle.start()
  }

  /** Cuts all connections and frees the port. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  /** On the loopback address; the same until `stop`. */
  get port(): number {
    return this.#port
  }

  get stats(): TcpProxyStats {
    return { ...this.#counts, open: this.#pairs.size }
  }

  /** Resolves when the fault holds. @throws TestKitOptionsError */
  async setFault(fault: ProxyFault): Promise<void> {
    checkFault(fault)
    this.#fault = fault
    this.#faultChange.abort()
    this.#faultChange = new AbortController()
    if (fault.kind === 'refuse') await this.#stopListening()
    else if (this.#server === undefined) await this.#listen()
  }

  /** As if no fault had ever been set. */
  heal(): Promise<void> {
    return this.setFault(NO_FAULT)
  }

  /** Resets all open connections now; says how many. New ones are not touched. */
  cutAll(): number {
    const pairs = [...this.#pairs]
    for (const pair of pairs) this.#cut(pair)
    return pairs.length
  }

  async #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a listening TCP socket has no port')
    this.#port = address.port
    this.#server = server
  }

  async #stopListening(): Promise<void> {
    // Not awaited: `close` ends with the last open connection, and those go on. The port is shut at once.
    this.#server?.close()
    this.#server = undefined
    await Promise.resolve()
  }

  async #close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    const closed = server === undefined ? Promise.resolve() : once(server, 'close')
    server?.close()
    for (const { client, target } of this.#pairs) {
      client.destroy()
      target.destroy()
    }
    this.#faultChange.abort()
    await closed
  }

  #accept(client: Socket): void {
    this.#counts.accepted += 1
    const target = connect({ ...this.#target, allowHalfOpen: true })
    const pair: Pair = { client, target }
    this.#pairs.add(pair)
    this.#forward(pair, client, target)
    this.#forward(pair, target, client)
  }

  /** One direction. A side that fails or is reset takes the other with it, as a router in between would. */
  #forward(pair: Pair, from: Socket, to: Socket): void {
    from.on('error', () => to.destroy())
    from.on('close', () => {
      to.destroy()
      this.#pairs.delete(pair)
    })
    // A side that was reset: the other one is told in the same way.
    this.#pump(pair, from, to).catch(() => void this.#reset(pair))
  }

  async #pump(pair: Pair, from: Socket, to: Socket): Promise<void> {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      if ((await this.#passFault()) === 'cut') {
        this.#cut(pair)
        return
      }
      this.#counts.bytes += chunk.length
      if (!to.write(chunk)) await once(to, 'drain')
    }
    to.end()
  }

  async #passFault(): Promise<'pass' | 'cut'> {
    for (;;) {
      const { signal } = this.#faultChange
      switch (this.#fault.kind) {
        case 'cut':
          return this.#random.chance(this.#fault.probability ?? 1) ? 'cut' : 'pass'
        case 'delay':
          await untilDone(delay(this.#clock, this.#fault.delayMs + this.#random.next() * (this.#fault.jitterMs ?? 0), signal), signal)
          return 'pass'
        case 'blackhole':
          await aborted(signal)
          continue
        default:
          return 'pass'
      }
    }
  }

  #cut(pair: Pair): void {
    if (this.#reset(pair)) this.#counts.cut += 1
  }

  /** Says whether there was anything left to reset. */
  #reset(pair: Pair): boolean {
    pair.client.resetAndDestroy()
    pair.target.resetAndDestroy()
    return this.#pairs.delete(pair)
  }
}

/** A delay that is over early because the fault was changed has done its work. */
async function untilDone(waiting: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await waiting
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function checkFault(fault: ProxyFault): void {
  if (fault.kind === 'delay' && !(fault.delayMs >= 0 && (fault.jitterMs ?? 0) >= 0)) {
    throw new TestKitOptionsError(`delayMs, jitterMs: at least 0 is required, not ${String(fault.delayMs)}, ${String(fault.jitterMs)}`)
  }
  if (fault.kind === 'cut' && !((fault.probability ?? 1) >= 0 && (fault.probability ?? 1) <= 1)) {
    throw new TestKitOptionsError(`probability: 0 to 1 is required, not ${String(fault.probability)}`)
  }
}
