import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { enginePanic, isPanic, methodUnknown, notJson, toRpcFailure, type RpcFailure } from './engine-failure.ts'
import type { SchemaEngineApi } from './schema-engine-api.ts'

export interface RpcServerParts {
  readonly input: Readable
  readonly write: (line: string) => void
  readonly createApi: (print: (text: string) => void) => SchemaEngineApi
}

interface Message {
  readonly id?: number | string | null
  readonly method?: string
  readonly params?: unknown
}

/**
 * JSON-RPC 2.0, an object a line. Requests are answered one after the other, in the order in which they came, since
 * they share one session.
 *
 * After a panic the engine is beyond use: every request that waits is told so, and the caller must end the process.
 */
export class RpcServer {
  readonly #parts: RpcServerParts
  readonly #api: SchemaEngineApi
  readonly #waiting = new Set<number | string>()
  #turn: Promise<void> = Promise.resolve()
  #printed = 0

  constructor(parts: RpcServerParts) {
    this.#parts = parts
    this.#api = parts.createApi((content) => {
      this.#printed += 1
      this.#send({ id: `print-${String(this.#printed)}`, method: 'print', params: { content } })
    })
  }

  /** Resolves when the input ended and everything is answered. */
  async run(): Promise<void> {
    const lines = createInterface({ input: this.#parts.input, crlfDelay: Infinity })
    for await (const line of lines) this.#accept(line)
    await this.#turn
  }

  /** Answers what waits after the engine broke. */
  panic(message: string): void {
    for (const id of this.#waiting) this.#fail(id, enginePanic(message))
    this.#waiting.clear()
  }

  async close(): Promise<void> {
    await this.#api.close()
  }

  #accept(line: string): void {
    if (line.trim() === '') return
    const message = this.#parse(line)
    // Without a method it is the answer to a `print`.
    if (message?.method === undefined) return
    const { id = null, method, params } = message
    if (id !== null) this.#waiting.add(id)
    this.#turn = this.#turn.then(() => this.#serve(id, method, params))
  }

  #parse(line: string): Message | undefined {
    try {
      return JSON.parse(line) as Message
    } catch (error) {
      this.#fail(null, notJson(String(error)))
      return undefined
    }
  }

  async #serve(id: number | string | null, method: string, params: unknown): Promise<void> {
    if (id === null) return
    try {
      if (!this.#api.knows(method)) {
        this.#fail(id, methodUnknown(method))
        return
      }
      const result = await this.#api.call(method, params)
      this.#waiting.delete(id)
      this.#send({ id, result })
    } catch (error) {
      if (isPanic(error)) throw error
      this.#fail(id, toRpcFailure(error, this.#api.registry))
    }
  }

  #fail(id: number | string | null, error: RpcFailure): void {
    if (id !== null) this.#waiting.delete(id)
    this.#send({ id, error })
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    this.#parts.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }
}
