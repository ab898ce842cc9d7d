import { fromWireError } from '../workers/wire-error.ts'
import type { FromWorker, PermitMessage } from '../workers/wire.ts'

interface Waiting {
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

/** The worker's side of permits: the pool, which knows what everybody calls, grants them. */
export class PermitRequests {
  readonly #post: (message: FromWorker) => void
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  constructor(post: (message: FromWorker) => void) {
    this.#post = post
  }

  ask(request: { readonly runId: string; readonly upstream: string; readonly tokens: number }): Promise<void> {
    const permitId = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(permitId, { resolve, reject })
      this.#post({ kind: 'permit-request', permitId, ...request })
    })
  }

  answer({ permitId, error }: PermitMessage): void {
    const waiting = this.#waiting.get(permitId)
    this.#waiting.delete(permitId)
    if (error === undefined) waiting?.resolve()
    else waiting?.reject(fromWireError(error))
  }
}
