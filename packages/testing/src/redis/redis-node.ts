import { delay, systemClock, toError } from '@cidadao/contracts'
import { Redis } from 'ioredis'
import { RedisStartError } from '../errors.ts'
import type { RedisMachine, RedisProcess } from './redis-machine.ts'
import type { TestCertificate } from './test-certificate.ts'

export interface RedisNodeOptions {
  readonly port: number
  readonly folder: string
  readonly args: readonly string[]
  readonly password: string | null
  readonly tls: TestCertificate | null
  readonly startTimeoutMs: number
}

const POLL_MS = 5
const STOP_TIMEOUT_MS = 5_000

/** The port went to another program between choosing and using it. Choose anew. */
export class PortTakenError extends Error {}

/** One Redis process that can be broken and mended. */
export class RedisNode {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly #machine: RedisMachine
  readonly #options: RedisNodeOptions
  #process: RedisProcess | undefined

  constructor(machine: RedisMachine, options: RedisNodeOptions) {
    this.#machine = machine
    this.#options = options
    this.port = options.port
  }

  get url(): string {
    const credentials = this.#options.password === null ? '' : `:${encodeURIComponent(this.#options.password)}@`
    return `${this.#options.tls === null ? 'redis' : 'rediss'}://${credentials}${this.host}:${String(this.port)}`
  }

  /** Process id, as in `INFO server`; `null` before the first start. */
  get pid(): number | null {
    return this.#process?.pid ?? null
  }

  /** Resolves when the process that was started, and no other one on its port, answers. */
  async start(): Promise<void> {
    const { port, folder, args } = this.#options
    this.#process = await this.#machine.launch({ port, folder, args })
    await this.#untilReady(this.#process)
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#process?.signal('SIGKILL')
    await this.#untilGone(STOP_TIMEOUT_MS)
  }

  /** SIGSTOP: its connections stay open and nothing answers. */
  async pause(): Promise<void> {
    await this.#process?.signal('SIGSTOP')
  }

  async resume(): Promise<void> {
    await this.#process?.signal('SIGCONT')
  }

  /** The same port and folder again; a process that still runs is ended first. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  async stop(): Promise<void> {
    await this.#process?.signal('SIGCONT')
    await this.#process?.signal('SIGTERM')
    if (!(await this.#isGoneWithin(STOP_TIMEOUT_MS))) await this.kill()
  }

  /** Runs one command on a connection of its own. */
  command(name: string, ...args: readonly string[]): Promise<unknown> {
    return this.#withClient((client) => client.call(name, ...args))
  }

  async #withClient<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    const { password, tls } = this.#options
    const client = new Redis({
      host: this.host,
      port: this.port,
      ...(password === null ? {} : { password }),
      ...(tls === null ? {} : { tls: { ca: tls.certificate } }),
      lazyConnect: true,
      enableReadyCheck: false,
      connectTimeout: 1_000,
      commandTimeout: 2_000,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    })
    // The same error also rejects the command, where it is handled.
    client.on('error', () => {})
    try {
      await client.connect()
      return await work(client)
    } finally {
      client.disconnect()
    }
  }

  async #untilReady(started: RedisProcess): Promise<void> {
    const deadlineMs = systemClock.monotonicMs() + this.#options.startTimeoutMs
    for (;;) {
      const outcome = await this.#askForPid()
      if (outcome.answer === started.pid) return
      if (!(await started.isAlive())) throw await this.#endedEarly(started)
      if (typeof outcome.answer === 'number')
        throw new PortTakenError(`port ${String(this.port)} answers for process ${String(outcome.answer)}`)
      if (systemClock.monotonicMs() > deadlineMs) throw await this.#notReady(started, outcome.failure)
      await delay(systemClock, POLL_MS)
    }
  }

  /** An orphan of another run on this port would answer PING too: the process id tells it apart. */
  async #askForPid(): Promise<{ readonly answer?: number; readonly failure?: Error }> {
    try {
      const info = String(await this.command('INFO', 'server', 'persistence'))
      // While it reads its data back it answers INFO but no other command.
      if (info.includes('loading:1')) return {}
      return { answer: Number(/process_id:(\d+)/.exec(info)?.[1]) }
    } catch (thrown) {
      return { failure: toError(thrown) }
    }
  }

  async #endedEarly(started: RedisProcess): Promise<Error> {
    const log = await started.logTail()
    if (/Address already in use|bind: |Failed listening/i.test(log)) return new PortTakenError(log)
    return new RedisStartError(`redis-server on port ${String(this.port)} ended while starting: ${log}`, { facts: { port: this.port } })
  }

  async #notReady(started: RedisProcess, failure: Error | undefined): Promise<RedisStartError> {
    const { startTimeoutMs } = this.#options
    const why = failure?.message ?? 'it is still loading'
    return new RedisStartError(
      `redis-server on port ${String(this.port)} was not ready after ${String(startTimeoutMs)} ms (${why}): ${await started.logTail()}`,
      { cause: failure, facts: { port: this.port, startTimeoutMs } },
    )
  }

  async #untilGone(timeoutMs: number): Promise<void> {
    if (await this.#isGoneWithin(timeoutMs)) return
    throw new RedisStartError(`redis-server on port ${String(this.port)} survived SIGKILL`, { facts: { port: this.port } })
  }

  async #isGoneWithin(timeoutMs: number): Promise<boolean> {
    const deadlineMs = systemClock.monotonicMs() + timeoutMs
    while (await this.#process?.isAlive()) {
      if (systemClock.monotonicMs() > deadlineMs) return false
      await delay(systemClock, POLL_MS)
    }
    return true
  }
}
