import type { SqlExecutor } from '../sql-executor.ts'
import { carryOneByOne, type Carried } from './carry-one-by-one.ts'
import { deliverInTime, type DeliveryBudget } from './deliver-in-time.ts'
import type { DeliverOutbox, OutboxMessage, OutboxRefusal } from './outbox-message.ts'
import { finishPass, moveTo, readBatch, restartHistory, takePosition, type BatchRow } from './outbox-position.ts'

/** A batch as a whole, or message by message to find the one that spoils it. */
export const DELIVERY_STYLES = ['together', 'one-by-one'] as const
export type DeliveryStyle = (typeof DELIVERY_STYLES)[number]

export interface RoundParts {
  readonly deliver: DeliverOutbox
  readonly style: DeliveryStyle
  readonly limit: number
  readonly budget: DeliveryBudget
}

export interface Refused extends OutboxRefusal {
  readonly namespace: string
}

export type RoundOutcome =
  /** Another relay is at it. */
  | { readonly kind: 'busy' }
  /** The position was of another server; everything comes again. */
  | { readonly kind: 'history-replaced'; readonly rows: number }
  | { readonly kind: 'done'; readonly delivered: number; readonly refused: readonly Refused[] }

/**
 * Reads a batch, delivers it and moves the position, in one transaction: the lock on the position keeps other relays
 * away for as long, and goes with the connection if this process dies. Then the position was not moved, and the same
 * batch is delivered again.
 */
export async function runRound(tx: SqlExecutor, parts: RoundParts): Promise<RoundOutcome> {
  const position = await takePosition(tx)
  if (position === undefined) return { kind: 'busy' }
  if (position.foreign) return { kind: 'history-replaced', rows: await restartHistory(tx) }
  const rows = await readBatch(tx, position, parts.limit)
  const { settled, refusals } = rows.length === 0 ? NOTHING : await carry(rows.map(toMessage), parts)
  const refused = rows.flatMap((row) => toRefused(row, refusals.get(row.id)))
  await setAside(tx, refused)
  const last = rows[settled - 1]
  if (settled === rows.length && rows.length < parts.limit) await finishPass(tx, position)
  else if (last !== undefined) await moveTo(tx, position, last)
  return { kind: 'done', delivered: settled - refused.length, refused }
}

const NOTHING: Carried = { settled: 0, refusals: new Map() }

async function carry(messages: readonly OutboxMessage[], { deliver, style, budget }: RoundParts): Promise<Carried> {
  if (style === 'one-by-one') return carryOneByOne(messages, deliver, budget)
  const refusals = (await deliverInTime(budget, (signal) => deliver(messages, signal))) ?? []
  return { settled: messages.length, refusals: new Map(refusals.map(({ id, reason }) => [id, reason])) }
}

function toMessage({ id, namespace, target, names, createdAt }: BatchRow): OutboxMessage {
  return Object.freeze({ id, namespace, target, names: Object.freeze(names), createdAt })
}

const MAX_REASON = 200

function toRefused({ id, namespace }: BatchRow, reason: string | undefined): readonly Refused[] {
  return reason === undefined ? [] : [{ id, namespace, reason: reason.slice(0, MAX_REASON) }]
}

const SET_ASIDE = `UPDATE cache_outbox SET refused_at = clock_timestamp(), refusal = given.reason
FROM unnest($1::bigint[], $2::text[]) AS given (id, reason) WHERE cache_outbox.id = given.id`

async function setAside(tx: SqlExecutor, refused: readonly Refused[]): Promise<void> {
  if (refused.length === 0) return
  const values = [refused.map(({ id }) => id), refused.map(({ reason }) => reason)]
  await tx.query({ name: 'outbox.set-aside', text: SET_ASIDE, values })
}
