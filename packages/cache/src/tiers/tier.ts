import type { InvalidationBus, LogicalClock } from '../consistency/logical-clock.ts'
import type { TierKey } from '../key.ts'

/** What a tier holds under a key: bytes that it does not understand. */
export interface StoredEntry {
  readonly payload: Buffer
  /** Until the tier drops the entry, as measured by the tier itself, in milliseconds. */
  readonly remainingMs: number
}

/**
 * An opaque mark of a key's state in a fencing tier, created by the tier and compared only for equality. It changes
 * with every `write` and is gone after every `delete`; a lost one never equals a new one.
 */
export type Generation = string & { readonly [generationBrand]: true }
declare const generationBrand: unique symbol

export interface TierRead {
  readonly entry: StoredEntry | undefined
  /**
   * Of the entry, or of the fill window. Absent in a tier without a fence, on a plain read of nothing, and where the
   * tier could not open a window (out of memory, say): nothing may be filled then.
   */
  readonly generation: Generation | undefined
}

export const FILL_OUTCOMES = ['stored', 'superseded'] as const
export type FillOutcome = (typeof FILL_OUTCOMES)[number]

/**
 * Lets a value that took time to produce be stored only if nothing was written or deleted since its production
 * began, decided by the tier in one atomic step. Read first, produce, then fill with the generation that was read.
 *
 * Fails closed: a tier that lost its memory of the key (eviction, crash, expiry of the window) refuses the fill.
 */
export interface TierFence {
  /** Reads and, where there is no entry, opens a fill window of `windowMs`, with the lease if one is asked for. */
  read(key: TierKey, windowMs: number, lease?: LeaseRequest): Promise<LeasedRead>
  fill(key: TierKey, entry: TierWrite, generation: Generation): Promise<FillOutcome>
  /** Deletes the key if it is still of that generation; used on damaged entries, so that a newer one survives. */
  discard(key: TierKey, generation: Generation): Promise<void>
}

/** Asks to be the one, of all processes, who produces a key's value. */
export interface LeaseRequest {
  /** Known to the holder alone: nobody else can release or renew. */
  readonly token: string
  /** After that, unless renewed, another may take it, in milliseconds by the tier's own clock. */
  readonly leaseMs: number
}

export type LeaseAnswer = { readonly outcome: 'granted' } | { readonly outcome: 'held'; readonly leftMs: number }

export interface LeasedRead extends TierRead {
  /** Absent where none was asked for, where there is an entry (then `acquire` decides), or where no window could be opened. */
  readonly lease?: LeaseAnswer | undefined
}

/**
 * Lets one process at a time produce a value. Saves work and nothing else: what a fill may store is the fence's to
 * decide. A write and a delete of the key may end it. While it lasts, so does the key's generation, though the entry's
 * life may end meanwhile.
 */
export interface TierLease {
  /** Whether its holder has to give it back after a fill, too. @default false */
  readonly outlastsFill?: boolean
  acquire(key: TierKey, request: LeaseRequest): Promise<LeaseAnswer>
  /** Resolves to whether it was still held. */
  renew(key: TierKey, request: LeaseRequest): Promise<boolean>
  release(key: TierKey, token: string): Promise<void>
}

export interface TierWrite {
  readonly payload: Buffer
  /** Of the namespace's logical clock, for `sweep`. */
  readonly sequence?: number
  /** Relative, in milliseconds: no tier is ever given a client's absolute time. */
  readonly ttlMs: number
}

/**
 * One level of the cache behind the in-process memory. Implementations throw `TierUnavailableError` when they cannot
 * serve and `TierRejectedError` when they refuse one operation, and need no time limits or retries of their own.
 */
export interface Tier {
  /** Unique within a cache; what policies and lookups call it. */
  readonly name: string
  read(key: TierKey): Promise<TierRead>
  /** Stores unconditionally. */
  write(key: TierKey, entry: TierWrite): Promise<void>
  /** Resolves to whether there was an entry. After it, fills begun before are refused where there is a `fence`. */
  delete(key: TierKey): Promise<boolean>
  /** Removes a namespace's entries, to the last one that was there when it was called. Absent: cannot enumerate. */
  clear?(namespace: string): Promise<void>
  /** Resolves if the tier is fit for use, writes included, on all of its nodes. */
  probe(): Promise<void>
  readonly fence?: TierFence
  readonly lease?: TierLease
  /** Keeps the order of invalidations for all processes. Absent: the tier cannot serve tags by itself. */
  readonly clock?: LogicalClock
  readonly bus?: InvalidationBus
  /** Removes a namespace's entries that were stored with a lower sequence; what it overlooks is invalid all the same. */
  sweep?(namespace: string, beforeSequence: number): Promise<void>
  /** Background work of the tier, such as sweeping out what expired. */
  start?(signal?: AbortSignal): Promise<void>
  stop?(): Promise<void>
}
