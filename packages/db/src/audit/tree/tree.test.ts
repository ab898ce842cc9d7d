import { describe, expect, it } from 'vitest'
import { leafHash, sha256, type Hash } from '../hash-chain.ts'
import { consistencyProof, inclusionProof } from '../transparency/merkle-proof.ts'
import { MerkleFrontier, merkleRoot } from '../transparency/merkle-tree.ts'
import { edgePlaces, type Tile } from './tile.ts'
import { TileEdge } from './tile-edge.ts'
import { consistencyRanges, inclusionRanges, tilesFor, TreeNodes } from './tree-nodes.ts'

const MAX = 70_000
const leaves = Array.from({ length: MAX }, (_, index) => leafHash(`entry ${index}`))
/** Around the borders of tiles of both levels, and some that are nowhere near one. */
const SIZES = [0, 1, 2, 3, 7, 255, 256, 257, 300, 511, 512, 513, 1_000, 65_535, 65_536, 65_537, 65_792, 65_793, 69_999]

/** All tiles of a tree of `size`, made leaf by leaf. */
function tilesOf(size: number): readonly Tile[] {
  const edge = new TileEdge()
  const filled = leaves.slice(0, size).flatMap((leaf) => edge.append(leaf))
  return [...filled, ...edge.tiles()]
}

const largest = tilesOf(MAX)

/** What RFC 6962 says of each size, computed without tiles, in one pass. */
const expected = new Map<number, { readonly root: Hash; readonly frontier: readonly Hash[] }>()
const growing = new MerkleFrontier()
for (const leaf of [...leaves, undefined]) {
  if (SIZES.includes(growing.size)) expected.set(growing.size, { root: growing.root(), frontier: growing.hashes() })
  if (leaf !== undefined) growing.append(leaf)
}

/** The tree that implementations of Certificate Transparency test themselves with: eight entries in hex, and their roots. */
const CT_ENTRIES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const CT_ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

describe('the RFC 6962 vectors of Certificate Transparency', () => {
  const ctLeaves = CT_ENTRIES.map((entry) => sha256(Uint8Array.of(0), Buffer.from(entry, 'hex')))

  it.each(CT_ROOTS.map((root, size) => [size, root] as const))('have at size %i the root %s, in tiles and without', (size, root) => {
    const edge = new TileEdge()
    for (const leaf of ctLeaves.slice(0, size)) edge.append(leaf)
    expect(Buffer.from(edge.root()).toString('hex')).toBe(root)
    expect(Buffer.from(merkleRoot(ctLeaves.slice(0, size))).toString('hex')).toBe(root)
  })
})

describe('the edge of a tree in tiles', () => {
  it('has root and frontier of the RFC 6962 tree at every size, and copies keep theirs', () => {
    const edge = new TileEdge()
    for (const leaf of leaves) {
      const wanted = expected.get(edge.size)
      if (wanted !== undefined) expect({ root: edge.root(), frontier: edge.frontier() }, `size ${edge.size}`).toEqual(wanted)
      edge.append(leaf)
    }
    expect(expected.size).toBe(SIZES.length)
  })

  it.each(SIZES)('at size %i is found in the tiles of any larger tree, and goes on from there', (size) => {
    const edge = TileEdge.fromTiles(size, largest)
    expect({ root: edge.root(), frontier: edge.frontier() }).toEqual(expected.get(size))
    const next = SIZES.find((other) => other > size) ?? size
    for (const leaf of leaves.slice(size, next)) edge.append(leaf)
    expect(edge.root()).toEqual(expected.get(next)?.root)
  })

  it('fills tiles of 256 in the layout of tlog-tiles', () => {
    const tiles = largest
    expect(tiles.filter(({ level }) => level === 0)).toHaveLength(Math.ceil(MAX / 256))
    expect(tiles.filter(({ level }) => level === 1).map(({ index, hashes }) => [index, hashes.length])).toEqual([
      [0, 256],
      [1, Math.floor(MAX / 256) - 256],
    ])
    expect(tiles.filter(({ level }) => level === 2)).toEqual([{ level: 2, index: 0, hashes: [merkleRoot(leaves.slice(0, 65_536))] }])
    expect(edgePlaces(65_536 + 256)).toEqual([
      { level: 1, index: 1, width: 1 },
      { level: 2, index: 0, width: 1 },
    ])
  })

  it('is refused where a tile is missing or too narrow', () => {
    const tiles = tilesOf(300)
    expect(() => TileEdge.fromTiles(300, tiles.slice(1))).not.toThrow()
    expect(() => TileEdge.fromTiles(300, tiles.slice(0, -1))).toThrow('tile 1/0 has at least 1 hashes, got no tile')
    expect(() => TileEdge.fromTiles(301, tiles)).toThrow('tile 0/1 has at least 45 hashes, got 44')
  })

  it('does not change with its copy', () => {
    const edge = TileEdge.fromTiles(300, tilesOf(300))
    edge.copy().append(leafHash('another'))
    expect(edge.root()).toEqual(expected.get(300)?.root)
  })
})

describe('proofs from tiles', () => {
  const nodes = new TreeNodes(largest)
  const small = leaves.slice(0, 300)
  const smallNodes = new TreeNodes(tilesOf(small.length))

  it('are those of RFC 6962 for every entry of a tree of 300', () => {
    const tree = { start: 0, end: small.length }
    for (let index = 0; index < small.length; index += 1) {
      const proof = inclusionRanges(index, tree).map((range) => smallNodes.root(range))
      expect(proof, `entry ${index}`).toEqual(inclusionProof(small, index))
    }
  })

  it('are those of RFC 6962 from every older size of a tree of 300', () => {
    for (let size = 0; size <= small.length; size += 1) {
      const proof = consistencyRanges(size, { start: 0, end: small.length }).map((range) => smallNodes.root(range))
      expect(proof, `size ${size}`).toEqual(consistencyProof(small, size))
    }
  })

  it.each([1, 256, 257, 1_000, 65_537, 65_793])('read a handful of tiles in a tree of %i', (size) => {
    const tree = { start: 0, end: size }
    for (const index of [0, Math.floor(size / 2), size - 1]) {
      const ranges = inclusionRanges(index, tree)
      expect(tilesFor([{ start: index, end: index + 1 }, ...ranges]).length).toBeLessThanOrEqual(6)
      expect(ranges.map((range) => nodes.root(range))).toEqual(inclusionProof(leaves.slice(0, size), index))
    }
  })

  it('at a million entries, and a thousand millions, read less than ten tiles', () => {
    for (const size of [1_000_000, 1_048_575, 1_000_000_007]) {
      for (let n = 0; n < 1_000; n += 1) {
        const index = Math.floor((size * n) / 1_000)
        const ranges = [{ start: index, end: index + 1 }, ...inclusionRanges(index, { start: 0, end: size })]
        expect(tilesFor(ranges).length).toBeLessThan(10)
        expect(tilesFor([{ start: 0, end: index }, ...consistencyRanges(index, { start: 0, end: size })]).length).toBeLessThan(10)
      }
    }
  })

  it('are refused where a tile lacks a hash', () => {
    const narrow: readonly Hash[] = leaves.slice(0, 3)
    expect(() => new TreeNodes([{ level: 0, index: 0, hashes: narrow }]).root({ start: 0, end: 4 })).toThrow(
      'tile 0/0 has the hashes 0 to 3',
    )
    expect(() => new TreeNodes([]).root({ start: 0, end: 1 })).toThrow('tile 0/0')
  })
})
