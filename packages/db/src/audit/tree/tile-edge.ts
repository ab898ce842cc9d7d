import { AuditFormatError } from '../audit-errors.ts'
import { sha256, type Hash } from '../hash-chain.ts'
import { MerkleFrontier, merkleRoot, nodeHash } from '../transparency/merkle-tree.ts'
import { edgePlaces, nodesOnLevel, TILE_WIDTH, type Tile } from './tile.ts'

/**
 * The right edge of a growing tree, by tiles: the hashes of the last, unfinished tile of each level. Enough to append,
 * to make every further tile, and to give the root, in memory that grows with the logarithm of the size.
 */
export class TileEdge {
  #size: number
  readonly #levels: Hash[][]

  constructor(size = 0, levels: readonly (readonly Hash[])[] = []) {
    this.#size = size
    this.#levels = levels.map((hashes) => [...hashes])
  }

  /** The edge of a tree of `size` leaves, from tiles that hold at least it. Throws `AuditFormatError` where one does not. */
  static fromTiles(size: number, tiles: readonly Tile[]): TileEdge {
    const levels: Hash[][] = []
    for (const { level, index, width } of edgePlaces(size)) {
      const tile = tiles.find((candidate) => candidate.level === level && candidate.index === index)
      if (tile === undefined || tile.hashes.length < width) {
        const rule = `tile ${level}/${index} has at least ${width} hashes`
        throw new AuditFormatError(`tiles: ${rule}, got ${tile?.hashes.length ?? 'no tile'}`, { facts: { format: 'tiles', rule } })
      }
      while (levels.length < level) levels.push([])
      levels.push(tile.hashes.slice(0, width))
    }
    return new TileEdge(size, levels)
  }

  get size(): number {
    return this.#size
  }

  copy(): TileEdge {
    return new TileEdge(this.#size, this.#levels)
  }

  /** Takes the next leaf; gives the tiles that it filled. */
  append(leaf: Hash): readonly Tile[] {
    const filled: Tile[] = []
    let node = leaf
    this.#size += 1
    for (let level = 0; ; level += 1) {
      const hashes = (this.#levels[level] ??= [])
      hashes.push(node)
      if (hashes.length < TILE_WIDTH) return filled
      filled.push({ level, index: nodesOnLevel(this.#size, level + 1) - 1, hashes })
      this.#levels[level] = []
      node = merkleRoot(hashes)
    }
  }

  /** The unfinished tiles as they are now. */
  tiles(): readonly Tile[] {
    return edgePlaces(this.#size).map(({ level, index }) => ({ level, index, hashes: [...(this.#levels[level] ?? [])] }))
  }

  /** The same by level, lowest first, with empty ones between. */
  levels(): readonly (readonly Hash[])[] {
    const depth = edgePlaces(this.#size).reduce((most, { level }) => Math.max(most, level + 1), 0)
    return Array.from({ length: depth }, (_, level) => [...(this.#levels[level] ?? [])])
  }

  root(): Hash {
    let root: Hash | undefined
    // From the leaves up: what is left over below is the last, smaller subtree of the level above.
    for (const hashes of this.#levels) {
      const nodes = root === undefined ? hashes : [...hashes, root]
      if (nodes.length > 0) root = foldPairs(nodes)
    }
    return root ?? sha256()
  }

  /** The same edge as the roots of complete subtrees, largest first. */
  frontier(): readonly Hash[] {
    return this.#levels.toReversed().flatMap((hashes) => {
      const frontier = new MerkleFrontier()
      for (const hash of hashes) frontier.append(hash)
      return [...frontier.hashes()]
    })
  }
}

/** As `merkleRoot`, for nodes of which the last may stand for a smaller subtree: the shape is the same. */
function foldPairs(nodes: readonly Hash[]): Hash {
  let row = nodes
  while (row.length > 1) {
    const above: Hash[] = []
    for (let n = 0; n < row.length; n += 2) {
      const [left, right] = [row[n], row[n + 1]]
      if (left !== undefined) above.push(right === undefined ? left : nodeHash(left, right))
    }
    row = above
  }
  return row[0] ?? sha256()
}
