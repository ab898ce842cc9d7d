import { HASH_BYTES, type Hash } from '../hash-chain.ts'

/** Hashes of a full tile; a node of one level is the root of a full tile of the level below. */
export const TILE_WIDTH = 256
/** Levels of the tree that one level of tiles spans: 256 = 2^8. */
export const TILE_HEIGHT = 8

/** Where a tile stands: the layout of C2SP tlog-tiles. */
export interface TilePlace {
  readonly level: number
  readonly index: number
}

export interface Tile extends TilePlace {
  /** 1 to 256 of them; a tile with fewer is the last one of its level. */
  readonly hashes: readonly Hash[]
}

/** How many nodes level `level` of the tiles has in a tree of `size` leaves. */
export function nodesOnLevel(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level)
}

/** The tiles on the right edge of a tree of `size` leaves that are not full: all that is needed to go on from there. */
export function edgePlaces(size: number): readonly (TilePlace & { readonly width: number })[] {
  const places = []
  for (let level = 0, nodes = size; nodes > 0; level += 1, nodes = Math.floor(nodes / TILE_WIDTH)) {
    const width = nodes % TILE_WIDTH
    if (width > 0) places.push({ level, index: Math.floor(nodes / TILE_WIDTH), width })
  }
  return places
}

export function splitHashes(bytes: Uint8Array): readonly Hash[] {
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, n) => bytes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES))
}
