import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ClientStatus, Order } from './world.ts'

interface Written {
  readonly token: string
  readonly after: string
  readonly key: string
}

type Message = { readonly id: number; readonly result?: unknown; readonly error?: string } | { readonly written: Written }

const WORKER = fileURLToPath(new URL('client-worker.ts', import.meta.url))

/** A process of the cache's users. */
export class Client {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #orders = 0
  onWritten: (written: Written) => void = () => {}

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (message: Message) => this.#hear(message))
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the process has ended'))
    })
  }

  static async start(): Promise<Client> {
    const child = fork(WORKER, { execArgv: ['--conditions=@cidadao/source'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const ended = once(child, 'exit').then(() => {
      throw new Error('the process ended before it was ready')
    })
    ended.catch(() => {})
    await Promise.race([once(child, 'message'), ended])
    return new Client(child)
  }

  async ask(order: Order): Promise<unknown> {
    const id = ++this.#orders
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(id, waiting)
    this.#child.send({ id, order }, (failure) => {
      if (failure !== null) waiting.reject(failure)
    })
    try {
      return await waiting.promise
    } finally {
      this.#waiting.delete(id)
    }
  }

  async status(): Promise<ClientStatus> {
    return (await this.ask({ do: 'status' })) as ClientStatus
  }

  /** SIGSTOP and SIGCONT. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }

  #hear(message: Message): void {
    if ('written' in message) return this.onWritten(message.written)
    const waiting = this.#waiting.get(message.id)
    if (message.error === undefined) waiting?.resolve(message.result)
    else waiting?.reject(new Error(message.error))
  }
}
