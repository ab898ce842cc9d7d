import { decodeLogged, encodeBody, encodeLogged } from './invalidation.ts'
import type { ClockAdvance, ClockRead, ClockReading, Missed } from './logical-clock.ts'

/** A clock as plain data: for tiers that keep it whole, and the reference that others are measured against. */
export interface ClockState {
  readonly sequence: number
  readonly floor: number
  /** For tags that have no mark of their own: marks may have been given up. */
  readonly tagFloor: number
  readonly marks: Readonly<Record<string, number>>
  /** Recorded invalidations as text, oldest first. */
  readonly log: readonly string[]
}

export interface ClockBounds {
  readonly maxMarks: number
  readonly maxLog: number
}

/**
 * A clock that begins anew does so ahead of the time, in case the time has been set back a little since it gave out its
 * last, or another machine's is slow. Until the time has caught up sequences have no gaps, so that one that was lost could be
 * given out again: no longer than this.
 */
export const SET_BACK_ALLOWANCE_MICROS = 1_000_000

/** The state after one more invalidation, and what its author is told. `nowMicros` is the tier's own time, used only to stay above what was lost. */
export function advanceState(
  state: ClockState | undefined,
  request: ClockAdvance,
  options: ClockBounds & { readonly nowMicros: number },
): { readonly state: ClockState; readonly reading: ClockReading; readonly message: string } {
  const before = sound(state, request.since, options.nowMicros)
  const sequence = nextSequence(before.sequence, options.nowMicros)
  const { what } = request
  const place = { sequence, previous: before.sequence }
  const message = encodeLogged(request.namespace, place, encodeBody(request.origin, what))
  const marks = bareCopy(before.marks)
  for (const tag of what.tags) marks[tag] = sequence
  // Giving up marks is safe as long as the floor takes their place.
  const kept = Object.keys(marks).length <= options.maxMarks
  const after: ClockState = {
    sequence,
    floor: what.all ? sequence : before.floor,
    tagFloor: kept ? before.tagFloor : sequence,
    marks: kept ? marks : bareCopy({}),
    log: [...before.log, message].slice(-options.maxLog),
  }
  return { state: after, message, reading: readingOf(after, { ...request, tags: [] }) }
}

/** What a reader is told, and the state as it must be kept for that to remain true. */
export function readState(
  state: ClockState | undefined,
  request: ClockRead,
  nowMicros: number,
): { readonly state: ClockState; readonly reading: ClockReading } {
  const after = sound(state, request.since, nowMicros)
  return { state: after, reading: readingOf(after, request) }
}

/** Without a prototype, so that a tag may be called `constructor`. */
function bareCopy(marks: ClockState['marks']): Record<string, number> {
  return Object.assign(Object.create(null) as Record<string, number>, marks)
}

function sound(state: ClockState | undefined, since: number, nowMicros: number): ClockState {
  if (state !== undefined && state.sequence >= since) return state
  const sequence = nextSequence(Math.max(since, state?.sequence ?? 0), nowMicros + SET_BACK_ALLOWANCE_MICROS)
  return { sequence, floor: sequence, tagFloor: sequence, marks: bareCopy({}), log: [] }
}

function nextSequence(previous: number, nowMicros: number): number {
  return Math.max(previous + 1, Math.floor(nowMicros))
}

function readingOf(state: ClockState, request: ClockRead): ClockReading {
  return {
    sequence: state.sequence,
    floor: state.floor,
    marks: request.tags.map((tag) => (Object.hasOwn(state.marks, tag) ? state.marks[tag] : undefined) ?? state.tagFloor),
    missed: missedSince(state.log, request.since, state.sequence),
  }
}

/** The part of a log after `since`, if it is an unbroken chain from there to `sequence`. */
export function missedSince(log: readonly string[], since: number, sequence: number): Missed {
  if (since === sequence) return { kind: 'chain', messages: [] }
  const all = log.map(decodeLogged).filter((message) => message !== undefined)
  const messages = all.filter((message) => message.sequence > since)
  let reached = since
  for (const { previous, sequence: next } of messages) {
    if (previous !== reached) break
    reached = next
  }
  if (reached === sequence) return { kind: 'chain', messages }
  const oldest = all[0]
  const forgotten = messages[0]?.previous !== since && oldest !== undefined && oldest.previous < since
  return { kind: forgotten ? 'diverged' : 'trimmed' }
}
