import type { ItemFailurePolicy } from '../../plan/plan-step.ts'

/** Whether items are started, no more are since one failed, or the outcomes of all are being put together. */
export const FAN_OUT_PHASES = ['open', 'halted', 'collecting'] as const
export type FanOutPhase = (typeof FAN_OUT_PHASES)[number]

/**
 * How far the items of a step are. Items begin in order, so all that is kept of the ten thousand are two counts and the
 * few that are in work: an event costs the same whatever the length of the list.
 */
export interface FanOut {
  readonly items: number
  /** First item that was never started. */
  readonly next: number
  /** In work, or waiting for the next try: each holds one of the parallel places. */
  readonly open: ReadonlyMap<number, 'running' | 'retrying'>
  /** Started before and to be started again. */
  readonly again: readonly number[]
  /** Failed tries of those that have not ended. */
  readonly failures: ReadonlyMap<number, number>
  readonly completed: number
  /** Ended without a result. */
  readonly failed: number
  readonly firstFailed: number | undefined
  readonly phase: FanOutPhase
}

export function newFanOut(items: number): FanOut {
  return {
    items,
    next: 0,
    open: new Map(),
    again: [],
    failures: new Map(),
    completed: 0,
    failed: 0,
    firstFailed: undefined,
    phase: 'open',
  }
}

export function itemStarted(fanOut: FanOut, item: number): FanOut {
  return {
    ...fanOut,
    next: Math.max(fanOut.next, item + 1),
    open: new Map(fanOut.open).set(item, 'running'),
    again: fanOut.again.filter((other) => other !== item),
  }
}

/** The item waits for its next try, and keeps its place. */
export function itemRetrying(fanOut: FanOut, item: number): FanOut {
  const failures = (fanOut.failures.get(item) ?? 0) + 1
  return { ...fanOut, open: new Map(fanOut.open).set(item, 'retrying'), failures: new Map(fanOut.failures).set(item, failures) }
}

export function itemDue(fanOut: FanOut, item: number): FanOut {
  return { ...fanOut, open: without(fanOut.open, item), again: [...fanOut.again, item] }
}

export function itemEnded(
  fanOut: FanOut,
  end: { readonly item: number; readonly completed: boolean; readonly policy: ItemFailurePolicy },
): FanOut {
  const { item, completed, policy } = end
  const left = {
    ...fanOut,
    open: without(fanOut.open, item),
    again: fanOut.again.filter((other) => other !== item),
    failures: without(fanOut.failures, item),
  }
  if (completed) return { ...left, completed: fanOut.completed + 1 }
  const phase = policy === 'stop' && fanOut.phase === 'open' ? 'halted' : fanOut.phase
  return { ...left, failed: fanOut.failed + 1, firstFailed: fanOut.firstFailed ?? item, phase }
}

/** The item to start next, if there is one and a place for it. */
export function nextItem(fanOut: FanOut, maxParallel: number): number | undefined {
  if (fanOut.phase !== 'open' || fanOut.open.size >= maxParallel) return undefined
  return fanOut.again[0] ?? (fanOut.next < fanOut.items ? fanOut.next : undefined)
}

/** Whether the item is in work, waits for another try, or is to be started again. */
export function isUnderWay({ open, again }: FanOut, item: number): boolean {
  return open.has(item) || again.includes(item)
}

function without<Value>(map: ReadonlyMap<number, Value>, key: number): ReadonlyMap<number, Value> {
  if (!map.has(key)) return map
  const rest = new Map(map)
  rest.delete(key)
  return rest
}
