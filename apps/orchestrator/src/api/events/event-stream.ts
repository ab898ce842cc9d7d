import { Readable } from 'node:stream'
import type { Clock } from '@cidadao/contracts'
import type { OwnerScope } from '@cidadao/db'
import type { EventPageView, EventView } from '../api-ports.ts'
import type { EventFeed } from './event-feed.ts'

export interface EventStreamOptions {
  /** A comment is sent after so long without an event, so that nobody between takes the connection for dead. In milliseconds. */
  readonly heartbeatMs: number
  /** A listener that takes nothing for so long is closed; it comes back with `Last-Event-ID`. In milliseconds. */
  readonly slowReaderMs: number
  /** Most events read, and kept for a listener, at once. */
  readonly batch: number
}

export interface Listener {
  readonly id: string
  readonly scope: OwnerScope
  readonly after: number
  /** The first page, read already: what is not theirs must be refused before a stream begins. */
  readonly first: EventPageView
  /** Aborts when the server stops. */
  readonly closing: AbortSignal
  /** Asked at each heartbeat: a key that was revoked meanwhile ends the stream. */
  readonly isStillAllowed: () => Promise<boolean>
}

export interface StreamParts extends EventStreamOptions {
  readonly feed: EventFeed
  readonly clock: Clock
}

const BUFFER_BYTES = 16_384
const RETRY_MS = 2_000

/** Events as `text/event-stream`, to the end of the run. The database is asked only as quickly as the listener takes. */
export function eventStream(listener: Listener, parts: StreamParts): Readable {
  const gone = new AbortController()
  const signal = AbortSignal.any([gone.signal, listener.closing])
  const texts = eventTexts(listener, parts, signal)
  const stream: Readable = Readable.from(
    watched(texts, parts, () => stream.destroy()),
    { objectMode: false, highWaterMark: BUFFER_BYTES },
  )
  stream.once('close', () => gone.abort())
  return stream
}

async function* eventTexts(
  { id, scope, after, first, isStillAllowed }: Listener,
  parts: StreamParts,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { feed, clock, heartbeatMs, batch } = parts
  let seen = after
  let saidMs = clock.monotonicMs()
  yield `retry: ${RETRY_MS}\n\n`
  for (let page: EventPageView = first; !signal.aborted;) {
    if (page.items.length > 0) {
      yield page.items.map(toText).join('')
      saidMs = clock.monotonicMs()
      seen = page.next
    }
    if (page.ended) return
    const change = feed.nextChange(id)
    page = await feed.read({ id, scope, after: seen, limit: batch })
    if (page.items.length > 0 || page.ended) continue
    await feed.waitFor(change, signal)
    if (clock.monotonicMs() - saidMs < heartbeatMs) continue
    if (!(await isStillAllowed())) return
    yield ': still here\n\n'
    saidMs = clock.monotonicMs()
  }
}

/** Calls `tooSlow` when what was handed over is not asked for again in time. */
async function* watched(texts: AsyncGenerator<string>, { clock, slowReaderMs }: StreamParts, tooSlow: () => void): AsyncGenerator<string> {
  for await (const text of texts) {
    const timer = clock.schedule(slowReaderMs, tooSlow)
    try {
      yield text
    } finally {
      timer.cancel()
    }
  }
}

function toText({ seq, type, at, data }: EventView): string {
  return `id: ${seq}\nevent: ${type}\ndata: ${JSON.stringify({ seq, type, at, data })}\n\n`
}
