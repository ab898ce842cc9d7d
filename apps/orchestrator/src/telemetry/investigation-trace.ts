import { createHash } from 'node:crypto'
import { TraceFlags, type SpanContext } from '@opentelemetry/api'
import type { TraceIds } from './tracing.ts'

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

/**
 * The trace of an investigation follows from its id: the id without its dashes, so that whoever has one has the other.
 * Every process that works on it, now or after a crash, adds to the same trace, and nothing has to be carried through
 * the queue or kept in a row for that.
 */
export function traceOf(investigationId: string): TraceIds {
  const hash = createHash('sha256').update(investigationId).digest('hex')
  const traceId = UUID.test(investigationId) ? investigationId.replaceAll('-', '') : hash.slice(0, 32)
  return { traceId, spanId: hash.slice(-16) }
}

/** The investigation's first span, its submission, as the parent of what another process adds. */
export function rootOf(investigationId: string): SpanContext {
  return { ...traceOf(investigationId), traceFlags: TraceFlags.SAMPLED, isRemote: true }
}
