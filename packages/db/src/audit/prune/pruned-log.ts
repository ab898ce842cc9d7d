import { HASH_BYTES } from '../hash-chain.ts'
import { edgePlaces, splitHashes } from '../tree/tile.ts'
import { TileEdge } from '../tree/tile-edge.ts'
import type { AuditPosition } from '../chain-replay.ts'

/** What the log's beginning is after a pruning, as the database says: checked against its signed checkpoint before use. */
export interface PrunedLog {
  /** Entries up to this number are gone. */
  readonly size: number
  /** hₙ of the last one of them, in hex. */
  readonly hashChain: string
  /** The tree at that size, to be grown on. */
  readonly edge: TileEdge
  /** The signed checkpoint of exactly that size. */
  readonly note: string
  readonly archiveSha256: string
  /** Number of the entry that tells of it. */
  readonly entrySeq: number
}

export interface PrunedRow {
  readonly pruned_size: string | null
  readonly pruned_chain: string | null
  readonly pruned_edge: (Buffer | null)[] | null
  readonly pruned_note: string | null
  readonly pruned_archive: string | null
  readonly pruned_entry: string | null
}

/** For a FROM clause: the newest pruning, or one row of nulls. */
export const PRUNED_COLUMNS = `pruned.size AS pruned_size, pruned.hash_chain AS pruned_chain, pruned.edge AS pruned_edge,
  pruned.note AS pruned_note, pruned.archive_sha256 AS pruned_archive, pruned.entry_seq AS pruned_entry`
export const PRUNED_JOIN = 'LEFT JOIN LATERAL (SELECT * FROM audit_pruned ORDER BY size DESC LIMIT 1) AS pruned ON TRUE'

/** Undefined also for a record whose edge is not one of its size: it explains nothing, so what is missing is a gap. */
export function toPrunedLog(row: PrunedRow | undefined): PrunedLog | undefined {
  if (row === undefined) return undefined
  const { pruned_size: sizeText, pruned_chain: hashChain, pruned_edge: levels, pruned_note: note, pruned_archive: archiveSha256 } = row
  if (sizeText === null || hashChain === null || levels === null || note === null || archiveSha256 === null) return undefined
  const size = Number(sizeText)
  const edgeLevels = levels.map((hashes) => hashes ?? Buffer.alloc(0))
  if (!isEdgeOf(size, edgeLevels)) return undefined
  const edge = new TileEdge(size, edgeLevels.map(splitHashes))
  return { size, hashChain, edge, note, archiveSha256, entrySeq: Number(row.pruned_entry) }
}

function isEdgeOf(size: number, levels: readonly Buffer[]): boolean {
  const widths = new Map(edgePlaces(size).map(({ level, width }) => [level, width]))
  const depth = Math.max(...widths.keys()) + 1
  return levels.length >= depth && levels.every((hashes, level) => hashes.length === (widths.get(level) ?? 0) * HASH_BYTES)
}

/** The place from which a verification of the entries that are left begins. */
export function positionOf({ size, hashChain, edge }: PrunedLog): AuditPosition {
  const frontier = edge.frontier().map((hash) => Buffer.from(hash).toString('hex'))
  return { seq: size, hashChain, frontier, anchoredTo: 0 }
}
