import { InvalidOptionsError } from '../../errors/database-error.ts'
import type { SqlExecutor } from '../../sql-executor.ts'
import { AuditFormatError, AuditTreeError } from '../audit-errors.ts'
import type { Hash } from '../hash-chain.ts'
import { PRUNED_COLUMNS, PRUNED_JOIN, toPrunedLog, type PrunedRow } from '../prune/pruned-log.ts'
import { verifyConsistency, verifyInclusion } from '../transparency/merkle-proof.ts'
import { edgePlaces, splitHashes, type Tile, type TilePlace } from './tile.ts'
import { TileEdge } from './tile-edge.ts'
import {
  coveredStatement,
  dropTilesStatement,
  leavesStatement,
  linkStatement,
  readTilesStatement,
  toTile,
  writeTilesStatement,
  type CoveredRow,
  type LeafGroupRow,
  type LinkRow,
  type TileRow,
} from './tile-statements.ts'
import { consistencyRanges, inclusionRanges, tilesFor, TreeNodes, type LeafRange } from './tree-nodes.ts'

/** A tree's size and the root that it is known to have, from a signed checkpoint. */
export interface TreeHead {
  readonly size: number
  readonly root: Hash
}

export interface AuditTreeOptions {
  /** Told when stored tiles did not lead to the root and were made anew from the log. @default nobody */
  readonly onRebuild?: (rebuilt: { readonly size: number }) => void
}

/** Leaves read at once: 4 MiB of text on the server, 2 MiB of hashes here. */
const LEAF_BATCH = 65_536

/**
 * The RFC 6962 tree over the log, kept as tiles in `audit_tiles`. The tiles are never believed: whatever is computed
 * from them is checked against a root before it is given out, and tiles that do not lead there are made anew from the
 * log. That root is the caller's, from a signed checkpoint; where the caller gives a size alone, it is computed from the
 * log's own leaf hashes, and an instance remembers how far it got, so that the next time only younger leaves are read.
 *
 * Every method takes the executor to run on. The tiles are filled as needed, so the role must be allowed to write them.
 */
export class AuditTree {
  readonly #onRebuild: NonNullable<AuditTreeOptions['onRebuild']>
  #remembered: { readonly edge: TileEdge; readonly link: string } | undefined

  constructor(options: AuditTreeOptions = {}) {
    this.#onRebuild = options.onRebuild ?? ((): void => {})
  }

  /** Extends the stored tiles to the first `toSize` entries: reads those entries only that the tiles do not hold yet. */
  async grow(sql: SqlExecutor, toSize: number): Promise<void> {
    requireSize('size', toSize)
    const { rows } = await sql.query<CoveredRow>(coveredStatement())
    const covered = Number(rows[0]?.size ?? 0)
    if (covered >= toSize) return
    const edge = await this.#edgeAt(sql, covered)
    // Tiles that end before what was pruned cannot be gone on from: the leaves between are no longer there.
    if (edge === undefined || (await readBase(sql)).size > covered) await this.#rebuild(sql, toSize)
    else await this.#write(sql, edge, toSize)
  }

  /**
   * The root of the first `size` entries, by the leaf hashes that the log stores. With `trusted`, the head of an earlier
   * signed checkpoint, leaves before it need not be read; rejects with `AuditTreeError` where the log does not go on from it.
   */
  async root(sql: SqlExecutor, size: number, trusted?: TreeHead): Promise<Hash> {
    requireSize('size', size)
    const root = await this.#rootByLeaves(sql, size, trusted)
    if (trusted !== undefined && trusted.size <= size) await this.consistency(sql, trusted, { size, root })
    return root
  }

  /** The audit path of entry `seq` in the tree of `at`: a size, or the head of a signed checkpoint. Checked, so it holds. */
  async inclusion(sql: SqlExecutor, seq: number, at: number | TreeHead): Promise<readonly Hash[]> {
    const { size, root } = await this.#head(sql, at)
    if (!Number.isSafeInteger(seq) || seq < 1 || seq > size) {
      throw new InvalidOptionsError('seq', `is a whole number from 1 to ${size}`, String(seq))
    }
    const index = seq - 1
    const ranges = [{ start: index, end: seq }, ...inclusionRanges(index, { start: 0, end: size })]
    const [, ...path] = await this.#read(sql, size, ranges, ([leaf, ...proof]) => {
      return leaf !== undefined && verifyInclusion({ leaf, index, size, proof, root })
    })
    return path
  }

  /** The proof that the tree of `older` is the beginning of that of `newer`. Checked against both roots. */
  async consistency(sql: SqlExecutor, older: number | TreeHead, newer: number | TreeHead): Promise<readonly Hash[]> {
    const head = await this.#head(sql, newer)
    const oldSize = typeof older === 'number' ? older : older.size
    requireSize('older size', oldSize)
    if (oldSize > head.size) throw new InvalidOptionsError('older size', `is at most ${head.size}`, String(oldSize))
    const [, ...proof] = await this.#prefix(sql, typeof older === 'number' ? { size: oldSize } : older, head)
    return proof
  }

  /** The root of the first `size` entries, proved from the head of a later signed checkpoint: no leaf is read for it. */
  async prefixRoot(sql: SqlExecutor, size: number, signed: TreeHead): Promise<Hash> {
    requireSize('size', size)
    const [root] = await this.#prefix(sql, { size }, signed)
    return root ?? unreachable()
  }

  /** The right edge of the tree of `at`, from which it can be continued without the entries. Checked against its root. */
  async edge(sql: SqlExecutor, at: number | TreeHead): Promise<TileEdge> {
    const { size, root } = await this.#head(sql, at)
    for (const attempt of ['stored', 'rebuilt'] as const) {
      if (attempt === 'rebuilt') await this.#rebuild(sql, size)
      else await this.grow(sql, size)
      const edge = await this.#edgeAt(sql, size)
      if (edge !== undefined && sameRoot(edge.root(), root)) return edge
    }
    throw mismatch(size)
  }

  async #head(sql: SqlExecutor, at: number | TreeHead): Promise<TreeHead> {
    return typeof at === 'number' ? { size: at, root: await this.root(sql, at) } : at
  }

  /** Root of the older tree, then the proof that the newer one goes on from it. */
  #prefix(sql: SqlExecutor, older: { readonly size: number; readonly root?: Hash }, newer: TreeHead): Promise<readonly Hash[]> {
    const { size: newSize, root: newRoot } = newer
    const ranges = [{ start: 0, end: older.size }, ...consistencyRanges(older.size, { start: 0, end: newSize })]
    return this.#read(sql, newSize, ranges, ([oldRoot, ...proof]) => {
      if (oldRoot === undefined || (older.root !== undefined && !sameRoot(oldRoot, older.root))) return false
      return verifyConsistency({ oldSize: older.size, oldRoot, newSize, newRoot, proof })
    })
  }

  async #rootByLeaves(sql: SqlExecutor, size: number, trusted: TreeHead | undefined): Promise<Hash> {
    const known = (await this.#recall(sql)) ?? (await this.#trustedEdge(sql, size, trusted)) ?? (await readBase(sql))
    if (known.size > size) return this.prefixRoot(sql, size, { size: known.size, root: known.root() })
    const edge = known.copy()
    await extend(sql, edge, size)
    await this.#remember(sql, edge)
    return edge.root()
  }

  async #trustedEdge(sql: SqlExecutor, size: number, trusted: TreeHead | undefined): Promise<TileEdge | undefined> {
    if (trusted === undefined || trusted.size > size) return undefined
    const edge = await this.#edgeAt(sql, trusted.size)
    return edge !== undefined && sameRoot(edge.root(), trusted.root) ? edge : undefined
  }

  /** What was computed before, if the log still has that entry: it may be another database, or have been rolled back. */
  async #recall(sql: SqlExecutor): Promise<TileEdge | undefined> {
    const remembered = this.#remembered
    if (remembered === undefined) return undefined
    const link = await linkOf(sql, remembered.edge.size)
    return link === remembered.link ? remembered.edge : undefined
  }

  async #remember(sql: SqlExecutor, edge: TileEdge): Promise<void> {
    const link = await linkOf(sql, edge.size)
    this.#remembered = link === undefined ? undefined : { edge, link }
  }

  /** Reads subtrees, and makes the tiles anew if they do not pass the check; never gives out what does not. */
  async #read(
    sql: SqlExecutor,
    size: number,
    ranges: readonly LeafRange[],
    passes: (roots: readonly Hash[]) => boolean,
  ): Promise<readonly Hash[]> {
    for (const attempt of ['stored', 'rebuilt'] as const) {
      if (attempt === 'rebuilt') await this.#rebuild(sql, size)
      else await this.grow(sql, size)
      const nodes = new TreeNodes(await readTiles(sql, tilesFor(ranges)))
      const roots = unlessDamaged(() => ranges.map((range) => nodes.root(range)))
      if (roots !== undefined && passes(roots)) return roots
    }
    throw mismatch(size)
  }

  async #edgeAt(sql: SqlExecutor, size: number): Promise<TileEdge | undefined> {
    const tiles = await readTiles(sql, edgePlaces(size))
    return unlessDamaged(() => TileEdge.fromTiles(size, tiles))
  }

  async #rebuild(sql: SqlExecutor, size: number): Promise<void> {
    const edge = await readBase(sql)
    await sql.query(dropTilesStatement(edge.size))
    await this.#write(sql, edge, size)
    this.#onRebuild({ size })
  }

  async #write(sql: SqlExecutor, edge: TileEdge, toSize: number): Promise<void> {
    await extend(sql, edge, toSize, async (filled) => {
      if (filled.length > 0) await sql.query(writeTilesStatement(filled))
    })
    const unfinished = edge.tiles()
    if (unfinished.length > 0) await sql.query(writeTilesStatement(unfinished))
  }
}

/** Where the leaves begin that the log still has: nowhere, or at the edge that its pruning recorded. */
async function readBase(sql: SqlExecutor): Promise<TileEdge> {
  const { rows } = await sql.query<PrunedRow>({
    name: 'audit_pruned',
    text: `SELECT ${PRUNED_COLUMNS} FROM (SELECT) AS one ${PRUNED_JOIN}`,
  })
  return toPrunedLog(rows[0])?.edge ?? new TileEdge()
}

/** Appends the log's leaves to `edge` until it has `toSize`. */
async function extend(
  sql: SqlExecutor,
  edge: TileEdge,
  toSize: number,
  onFilled: (tiles: readonly Tile[]) => Promise<void> = async () => {},
): Promise<void> {
  while (edge.size < toSize) {
    const end = Math.min(toSize, edge.size + LEAF_BATCH)
    const { rows } = await sql.query<LeafGroupRow>(leavesStatement(edge.size, end))
    const count = rows.reduce((sum, row) => sum + Number(row.count), 0)
    if (count < end - edge.size) throw short(edge.size + count, toSize)
    await onFilled(rows.flatMap(({ hashes }) => splitHashes(hashes).flatMap((leaf) => edge.append(leaf))))
  }
}

async function readTiles(sql: SqlExecutor, places: readonly TilePlace[]): Promise<readonly Tile[]> {
  if (places.length === 0) return []
  const { rows } = await sql.query<TileRow>(readTilesStatement(places))
  return rows.map(toTile)
}

async function linkOf(sql: SqlExecutor, seq: number): Promise<string | undefined> {
  const { rows } = await sql.query<LinkRow>(linkStatement(seq))
  return rows[0]?.hash_chain
}

/** Tiles that cannot even be read are as good as forged: the caller makes them anew. */
function unlessDamaged<Result>(work: () => Result): Result | undefined {
  try {
    return work()
  } catch (thrown) {
    if (thrown instanceof AuditFormatError) return undefined
    throw thrown
  }
}

function sameRoot(one: Hash, other: Hash): boolean {
  return Buffer.compare(one, other) === 0
}

function requireSize(field: string, size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new InvalidOptionsError(field, 'is a whole number from 0', String(size))
}

function short(size: number, wanted: number): AuditTreeError {
  return new AuditTreeError(`the log has no ${wanted} entries: after about ${size} they end, or one is missing`, {
    facts: { reason: 'short', size: wanted },
  })
}

function mismatch(size: number): AuditTreeError {
  return new AuditTreeError(`the entries of the log do not lead to the root of ${size} entries that is asked for: verify the log`, {
    facts: { reason: 'root', size },
  })
}

function unreachable(): never {
  throw new Error('a checked read gives as many roots as were asked for')
}
