import { AuditFormatError } from '../audit-errors.ts'
import type { Hash } from '../hash-chain.ts'
import { merkleRoot, nodeHash, splitPoint } from '../transparency/merkle-tree.ts'
import { nodesOnLevel, TILE_HEIGHT, TILE_WIDTH, type Tile, type TilePlace } from './tile.ts'

/** The leaves from `start` to before `end`, as a subtree of an RFC 6962 tree. */
export interface LeafRange {
  readonly start: number
  readonly end: number
}

/** The subtrees whose roots are the audit path of leaf `index`, from its sibling up. */
export function inclusionRanges(index: number, tree: LeafRange): readonly LeafRange[] {
  if (tree.end - tree.start === 1) return []
  const [left, right] = halves(tree)
  return index < left.end ? [...inclusionRanges(index, left), right] : [...inclusionRanges(index, right), left]
}

/** The subtrees whose roots prove that the first `oldSize` leaves are the beginning of the tree. */
export function consistencyRanges(oldSize: number, tree: LeafRange): readonly LeafRange[] {
  return oldSize === 0 || oldSize === tree.end ? [] : subranges(oldSize, tree, true)
}

/** `known`: whether the verifier has this subtree's root already, because it is the whole old tree. */
function subranges(oldEnd: number, tree: LeafRange, known: boolean): readonly LeafRange[] {
  if (oldEnd === tree.end) return known ? [] : [tree]
  const [left, right] = halves(tree)
  return oldEnd <= left.end ? [...subranges(oldEnd, left, known), right] : [...subranges(oldEnd, right, false), left]
}

function halves({ start, end }: LeafRange): readonly [LeafRange, LeafRange] {
  const middle = start + splitPoint(end - start)
  return [
    { start, end: middle },
    { start: middle, end },
  ]
}

/** A complete subtree lies in one tile: as a run of its hashes. */
interface TileRun extends TilePlace {
  readonly from: number
  readonly count: number
}

/** The tiles that the roots of `ranges` are computed from, each once. */
export function tilesFor(ranges: readonly LeafRange[]): readonly TilePlace[] {
  const places = new Map<string, TilePlace>()
  for (const { level, index } of ranges.flatMap(completeParts).map(toRun)) places.set(placeKey({ level, index }), { level, index })
  return [...places.values()]
}

/** Nodes of the tree, read from tiles. Throws `AuditFormatError` where a tile is missing or too narrow. */
export class TreeNodes {
  readonly #tiles: ReadonlyMap<string, Tile>

  constructor(tiles: readonly Tile[]) {
    this.#tiles = new Map(tiles.map((tile) => [placeKey(tile), tile]))
  }

  root(range: LeafRange): Hash {
    const [last, ...before] = completeParts(range)
      .map((part) => this.#runRoot(toRun(part)))
      .toReversed()
    if (last === undefined) return merkleRoot([])
    return before.reduce((right, left) => nodeHash(left, right), last)
  }

  #runRoot(run: TileRun): Hash {
    const hashes = this.#tiles.get(placeKey(run))?.hashes.slice(run.from, run.from + run.count) ?? []
    if (hashes.length < run.count) {
      const rule = `tile ${placeKey(run)} has the hashes ${run.from} to ${run.from + run.count - 1}`
      throw new AuditFormatError(`tiles: ${rule}`, { facts: { format: 'tiles', rule } })
    }
    return merkleRoot(hashes)
  }
}

/** Cuts a subtree into complete ones, largest first. */
function completeParts({ start, end }: LeafRange): readonly LeafRange[] {
  if (end <= start) return []
  const size = end - start
  const largest = size === 1 ? 1 : splitPoint(size + 1)
  return [{ start, end: start + largest }, ...completeParts({ start: start + largest, end })]
}

function toRun({ start, end }: LeafRange): TileRun {
  const level = Math.floor(Math.log2(end - start) / TILE_HEIGHT)
  const first = nodesOnLevel(start, level)
  return { level, index: Math.floor(first / TILE_WIDTH), from: first % TILE_WIDTH, count: nodesOnLevel(end - start, level) }
}

function placeKey({ level, index }: TilePlace): string {
  return `${level}/${index}`
}
