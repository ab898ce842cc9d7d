import type { TierKey } from '../key.ts'

/** Held by whatever may store a value in this process' memory later: a factory run, a read of a shared tier. */
export interface Ticket {
  /** False once the key was written, deleted or cleared after the ticket was issued. */
  readonly valid: boolean
}

class LiveTicket implements Ticket {
  readonly key: TierKey
  valid = true

  constructor(key: TierKey) {
    this.key = key
  }
}

/**
 * The fill fence of this process: a value whose production began before an invalidation is not stored after it. Also
 * what decides for shared tiers that have no fence of their own.
 */
export class LocalFence {
  readonly #tickets = new Map<string, Set<LiveTicket>>()

  issue(key: TierKey): Ticket {
    const ticket = new LiveTicket(key)
    const others = this.#tickets.get(key.id)
    if (others === undefined) this.#tickets.set(key.id, new Set([ticket]))
    else others.add(ticket)
    return ticket
  }

  /** Every issued ticket is released, or the fence would grow. */
  release(ticket: Ticket): void {
    if (!(ticket instanceof LiveTicket)) return
    const tickets = this.#tickets.get(ticket.key.id)
    tickets?.delete(ticket)
    if (tickets?.size === 0) this.#tickets.delete(ticket.key.id)
  }

  invalidate(key: TierKey): void {
    for (const ticket of this.#tickets.get(key.id) ?? []) ticket.valid = false
    this.#tickets.delete(key.id)
  }

  invalidateNamespace(namespace: string): void {
    for (const tickets of this.#tickets.values()) {
      for (const ticket of tickets) if (ticket.key.namespace === namespace) ticket.valid = false
    }
  }

  /** Keys with something under way; 0 at rest. */
  get size(): number {
    return this.#tickets.size
  }
}
