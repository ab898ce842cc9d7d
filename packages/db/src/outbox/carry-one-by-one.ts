import { toError } from '@cidadao/contracts'
import { deliverInTime, type DeliveryBudget } from './deliver-in-time.ts'
import type { DeliverOutbox, OutboxMessage } from './outbox-message.ts'

export interface Carried {
  /** How many of the batch, from its beginning, are settled: delivered or refused. */
  readonly settled: number
  /** Reasons by message. */
  readonly refusals: ReadonlyMap<string, string>
}

/** A message that hangs must leave time for the others. */
const SHARE_OF_ONE = 4

/**
 * Looks for the message that spoils a batch, by delivering each by itself. One is refused when it fails, another that
 * comes after it arrives (so the way out is open), and it fails again. What failed at the end is left for the next
 * round, and where nothing arrives the way is shut and the last failure is thrown: an outage refuses nothing.
 */
export async function carryOneByOne(messages: readonly OutboxMessage[], deliver: DeliverOutbox, budget: DeliveryBudget): Promise<Carried> {
  const { clock, timeoutMs } = budget
  const one: DeliveryBudget = { ...budget, timeoutMs: Math.ceil(timeoutMs / SHARE_OF_ONE) }
  const deadlineMs = clock.monotonicMs() + timeoutMs
  const refusals = new Map<string, string>()
  const failed: OutboxMessage[] = []
  let settled = 0
  let failure: unknown
  for (const [index, message] of messages.entries()) {
    if (clock.monotonicMs() > deadlineMs) break
    const outcome = await attempt(message, deliver, one)
    if (outcome.kind === 'failed') {
      failure = outcome.error
      failed.push(message)
      continue
    }
    if (outcome.kind === 'refused') refusals.set(message.id, outcome.reason)
    settled = index + 1
  }
  if (settled === 0) throw failure
  const suspects = failed.filter((message) => messages.indexOf(message) < settled)
  for (const message of suspects) {
    const outcome = await attempt(message, deliver, one)
    if (outcome.kind === 'failed') refusals.set(message.id, reasonOf(outcome.error))
    if (outcome.kind === 'refused') refusals.set(message.id, outcome.reason)
  }
  return { settled, refusals }
}

type Attempt =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: Error }

async function attempt(message: OutboxMessage, deliver: DeliverOutbox, budget: DeliveryBudget): Promise<Attempt> {
  try {
    const refusals = (await deliverInTime(budget, (signal) => deliver([message], signal))) ?? []
    const reason = refusals.find(({ id }) => id === message.id)?.reason
    return reason === undefined ? { kind: 'delivered' } : { kind: 'refused', reason }
  } catch (thrown) {
    // Being stopped says nothing of the message.
    budget.cut.throwIfAborted()
    return { kind: 'failed', error: toError(thrown) }
  }
}

/** Not the error's message: it may name keys. */
function reasonOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
