import type { SqlStatement } from '../../sql-executor.ts'
import { splitHashes, type Tile, type TilePlace } from './tile.ts'

export interface TileRow {
  readonly level: number
  readonly index: string
  readonly hashes: Buffer
}

export interface CoveredRow {
  readonly size: string
}

export interface LeafGroupRow {
  readonly count: string
  readonly hashes: Buffer
}

export interface LinkRow {
  readonly hash_chain: string
}

/** How many leaves the tiles hold, by the last one of the lowest level. */
export function coveredStatement(): SqlStatement {
  return {
    name: 'audit_tiles_covered',
    text: 'SELECT index * 256 + width AS size FROM audit_tiles WHERE level = 0 ORDER BY index DESC LIMIT 1',
  }
}

export function readTilesStatement(places: readonly TilePlace[]): SqlStatement {
  return {
    name: 'audit_tiles_read',
    text: `SELECT level, index, hashes FROM audit_tiles
      JOIN unnest($1::smallint[], $2::bigint[]) AS wanted (level, index) USING (level, index)`,
    values: [places.map(({ level }) => level), places.map(({ index }) => index)],
  }
}

/** Never takes hashes away: of two who write the same tile at once, the one who knows more wins. */
export function writeTilesStatement(tiles: readonly Tile[]): SqlStatement {
  // In one order, so that two writers cannot wait for each other.
  const ordered = tiles.toSorted((one, other) => one.level - other.level || one.index - other.index)
  return {
    name: 'audit_tiles_write',
    text: `INSERT INTO audit_tiles (level, index, hashes)
      SELECT tile.level, tile.index, tile.hashes FROM unnest($1::smallint[], $2::bigint[], $3::bytea[]) AS tile (level, index, hashes)
      ON CONFLICT (level, index) DO UPDATE SET hashes = EXCLUDED.hashes
      WHERE octet_length(audit_tiles.hashes) < octet_length(EXCLUDED.hashes)`,
    values: [ordered.map(({ level }) => level), ordered.map(({ index }) => index), ordered.map(({ hashes }) => Buffer.concat(hashes))],
  }
}

/** Drops every tile with a leaf beyond `size`; all of them for 0. */
export function dropTilesStatement(size: number): SqlStatement {
  return {
    name: 'audit_tiles_drop',
    text: 'DELETE FROM audit_tiles WHERE (index * 256 + width) * 256::numeric ^ level > $1::bigint',
    values: [size],
  }
}

/** The leaf hashes after entry `after` up to `to`, joined by the server in groups: a row an entry would cost ten times as much. */
export function leavesStatement(after: number, to: number): SqlStatement {
  return {
    name: 'audit_leaves',
    text: `SELECT count(*) AS count, string_agg(decode(leaf_hash, 'hex'), ''::bytea ORDER BY seq) AS hashes
      FROM audit_logs WHERE seq > $1 AND seq <= $2 GROUP BY (seq - 1) / 4096 ORDER BY min(seq)`,
    values: [after, to],
  }
}

export function linkStatement(seq: number): SqlStatement {
  return { name: 'audit_link', text: 'SELECT hash_chain FROM audit_logs WHERE seq = $1', values: [seq] }
}

export function toTile({ level, index, hashes }: TileRow): Tile {
  return { level, index: Number(index), hashes: splitHashes(hashes) }
}
