import type { Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AuditLog } from '../src/audit/audit-log.ts'
import type { Hash } from '../src/audit/hash-chain.ts'
import { verifyConsistency, verifyInclusion } from '../src/audit/transparency/merkle-proof.ts'
import { merkleRoot } from '../src/audit/transparency/merkle-tree.ts'
import { AuditTree } from '../src/audit/tree/audit-tree.ts'
import type { SqlExecutor, SqlStatement } from '../src/sql-executor.ts'
import { openAuditDatabase, type AuditDatabase } from './fixtures/audit-database.ts'

const LAST = 1_300
const log = new AuditLog({ origin: 'audit.example/tree' })
const NOISE = { actor: { kind: 'system' }, action: 'tick.counted' } as const

let database: AuditDatabase
let pool: Pool
let leaves: readonly Hash[]

beforeAll(async () => {
  database = await openAuditDatabase()
  pool = database.pool
  await log.open(pool)
  await log.append(pool, new Array<typeof NOISE>(LAST - 1).fill(NOISE))
  leaves = await storedLeaves()
})

beforeEach(async () => {
  await pool.query('TRUNCATE audit_tiles')
})

afterAll(async () => {
  await database.close()
})

async function storedLeaves(): Promise<readonly Hash[]> {
  const { rows } = await pool.query<{ leaf_hash: string }>('SELECT leaf_hash FROM audit_logs ORDER BY seq')
  return rows.map((row) => Buffer.from(row.leaf_hash, 'hex'))
}

function headAt(size: number): { readonly size: number; readonly root: Hash } {
  return { size, root: merkleRoot(leaves.slice(0, size)) }
}

/** What went over the wire, and how many rows came back for it. */
function counting(executor: SqlExecutor): SqlExecutor & { readonly sent: { readonly name: string; readonly rows: number }[] } {
  const sent: { name: string; rows: number }[] = []
  return {
    sent,
    query: async <Row extends object>(query: SqlStatement | string, values?: unknown[]) => {
      const result = await executor.query<Row>(query, values)
      sent.push({ name: typeof query === 'string' ? query : (query.name ?? query.text), rows: result.rows.length })
      return result
    },
  }
}

/** Which leaves are read of the log: pairs of the entry before the first, and the last. */
function spying(executor: SqlExecutor): SqlExecutor & { readonly leavesRead: unknown[] } {
  const leavesRead: unknown[] = []
  return {
    leavesRead,
    query: (query, values) => {
      if (typeof query !== 'string' && query.name === 'audit_leaves') leavesRead.push(query.values)
      return executor.query(query, values)
    },
  }
}

async function tiles(): Promise<readonly (readonly [level: number, index: number, width: number])[]> {
  const { rows } = await pool.query<{ level: number; index: string; width: number }>(
    'SELECT level, index, width FROM audit_tiles ORDER BY level, index',
  )
  return rows.map(({ level, index, width }) => [level, Number(index), width])
}

/** An attack that touches no row proves nothing (pitfall 17). */
async function forge(sql: string): Promise<void> {
  expect((await pool.query(sql)).rowCount).toBeGreaterThan(0)
}

describe('grow', () => {
  it('writes the tiles of tlog-tiles, and the same ones however often it stops on the way', async () => {
    await new AuditTree().grow(pool, 1_300)
    const whole = await tiles()
    expect(whole).toEqual([
      [0, 0, 256],
      [0, 1, 256],
      [0, 2, 256],
      [0, 3, 256],
      [0, 4, 256],
      [0, 5, 20],
      [1, 0, 5],
    ])
    const { rows } = await pool.query('SELECT level, index, hashes FROM audit_tiles ORDER BY level, index')
    await pool.query('TRUNCATE audit_tiles')
    for (const size of [0, 1, 255, 256, 257, 700, 768, 1_299, 1_300]) await new AuditTree().grow(pool, size)
    expect((await pool.query('SELECT level, index, hashes FROM audit_tiles ORDER BY level, index')).rows).toEqual(rows)
  })

  it('reads only what the tiles do not hold yet', async () => {
    await new AuditTree().grow(pool, 1_000)
    const wire = counting(pool)
    await new AuditTree().grow(wire, 1_000)
    expect(wire.sent.map(({ name }) => name)).toEqual(['audit_tiles_covered'])
    const spy = spying(pool)
    await new AuditTree().grow(spy, 1_010)
    expect(spy.leavesRead).toEqual([[1_000, 1_010]])
  })

  it('may be done by several at once', async () => {
    await Promise.all([1_300, 900, 1_300, 257, 1_299].map((size) => new AuditTree().grow(pool, size)))
    expect(await new AuditTree().inclusion(pool, 700, headAt(1_300))).toHaveLength(11)
    expect((await tiles()).map(([, , width]) => width)).toEqual([256, 256, 256, 256, 256, 20, 5])
  })

  it('says so where the log has not that many entries', async () => {
    await expect(new AuditTree().grow(pool, 1_301)).rejects.toMatchObject({ code: 'DB_AUDIT_TREE_MISMATCH', facts: { reason: 'short' } })
    await expect(new AuditTree().root(pool, 1_301)).rejects.toMatchObject({ facts: { reason: 'short' } })
    await expect(new AuditTree().grow(pool, -1)).rejects.toMatchObject({ code: 'DB_INVALID_OPTIONS' })
  })
})

describe('root', () => {
  it('is that of RFC 6962 at every size, upwards, downwards and anew', async () => {
    const tree = new AuditTree()
    const sizes = [0, 1, 2, 255, 256, 257, 300, 511, 512, 513, 1_023, 1_024, 1_025, 1_300]
    for (const size of [...sizes, ...sizes.toReversed()]) expect(await tree.root(pool, size), `size ${size}`).toEqual(headAt(size).root)
    for (const size of sizes) expect(await new AuditTree().root(pool, size), `size ${size}`).toEqual(headAt(size).root)
  })

  it('reads on from what it computed before, or from a checkpoint that is trusted', async () => {
    const read = async (tree: AuditTree, ...args: readonly [number, { readonly size: number; readonly root: Hash }?]) => {
      const spy = spying(pool)
      expect(await tree.root(spy, ...args)).toEqual(headAt(args[0]).root)
      return spy.leavesRead
    }
    const tree = new AuditTree()
    expect(await read(tree, 1_000)).toEqual([[0, 1_000]])
    expect(await read(tree, 1_300)).toEqual([[1_000, 1_300]])
    await tree.grow(pool, 1_200)
    expect(await read(new AuditTree(), 1_250, headAt(1_200))).toEqual([
      [1_200, 1_250],
      [1_200, 1_250],
    ])
  })

  it('is refused where the log does not go on from the checkpoint that is trusted', async () => {
    const forged = { size: 900, root: Buffer.alloc(32, 7) }
    await expect(new AuditTree().root(pool, 1_300, forged)).rejects.toMatchObject({ facts: { reason: 'root' } })
  })

  it('is not remembered from a transaction that was rolled back, nor from another database', async () => {
    const tree = new AuditTree()
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      await log.append(client, [NOISE, NOISE])
      const undone = await tree.root(client, 1_302)
      await client.query('ROLLBACK')
      await client.query('BEGIN')
      await log.append(client, [NOISE, NOISE])
      expect(await tree.root(client, 1_302)).not.toEqual(undone)
      expect(await tree.root(client, 1_302)).toEqual(await new AuditTree().root(client, 1_302))
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
    expect(await tree.root(pool, 1_300)).toEqual(headAt(1_300).root)
    const other = await openAuditDatabase()
    try {
      await log.open(other.pool)
      const { rows } = await other.pool.query<{ leaf_hash: string }>('SELECT leaf_hash FROM audit_logs')
      expect(await tree.root(other.pool, 1)).toEqual(Buffer.from(rows[0]?.leaf_hash ?? '', 'hex'))
    } finally {
      await other.close()
    }
  })
})

describe('proofs', () => {
  it('hold for entries all over the log, by size and by checkpoint', async () => {
    const tree = new AuditTree()
    for (const size of [1, 256, 257, 1_300]) {
      const { root } = headAt(size)
      for (const seq of [1, 2, 128, 255, 256, 257, 511, 512, 1_299, 1_300].filter((seq) => seq <= size)) {
        const leaf = leaves[seq - 1] ?? Buffer.alloc(0)
        for (const at of [size, headAt(size)]) {
          const proof = await tree.inclusion(pool, seq, at)
          expect(verifyInclusion({ leaf, index: seq - 1, size, proof, root }), `${seq} in ${size}`).toBe(true)
        }
      }
    }
  })

  it('show every pair of sizes to be one history', async () => {
    const tree = new AuditTree()
    const sizes = [0, 1, 255, 256, 257, 1_000, 1_024, 1_300]
    for (const newSize of sizes) {
      for (const oldSize of sizes.filter((size) => size <= newSize)) {
        const [oldRoot, newRoot] = [headAt(oldSize).root, headAt(newSize).root]
        for (const proof of [
          await tree.consistency(pool, oldSize, newSize),
          await tree.consistency(pool, headAt(oldSize), headAt(newSize)),
        ]) {
          expect(verifyConsistency({ oldSize, newSize, oldRoot, newRoot, proof }), `${oldSize} to ${newSize}`).toBe(true)
        }
      }
    }
  })

  it('read at most ten tiles, and no entry once the tiles are there', async () => {
    await new AuditTree().grow(pool, 1_300)
    const wire = counting(pool)
    await new AuditTree().inclusion(wire, 700, headAt(1_300))
    await new AuditTree().consistency(wire, headAt(700), headAt(1_300))
    expect(wire.sent.map(({ name }) => name)).toEqual([
      'audit_tiles_covered',
      'audit_tiles_read',
      'audit_tiles_covered',
      'audit_tiles_read',
    ])
    expect(Math.max(...wire.sent.map(({ rows }) => rows))).toBeLessThanOrEqual(10)
  })

  it('are refused for entries and sizes that are not there', async () => {
    const tree = new AuditTree()
    for (const seq of [0, 1_301, 1.5]) {
      await expect(tree.inclusion(pool, seq, 1_300)).rejects.toMatchObject({ code: 'DB_INVALID_OPTIONS' })
    }
    await expect(tree.consistency(pool, 1_300, 1_000)).rejects.toMatchObject({ code: 'DB_INVALID_OPTIONS' })
  })

  it('are refused for a root that the log does not have', async () => {
    const wrong = { size: 1_300, root: headAt(1_299).root }
    await expect(new AuditTree().inclusion(pool, 7, wrong)).rejects.toMatchObject({ facts: { reason: 'root' } })
    await expect(new AuditTree().consistency(pool, wrong, headAt(1_300))).rejects.toMatchObject({ facts: { reason: 'root' } })
  })
})

describe('tiles that were tampered with', () => {
  const attacks: readonly (readonly [name: string, sql: string])[] = [
    [
      'another hash in a full tile',
      `UPDATE audit_tiles SET hashes = set_byte(hashes, 6000, 255 - get_byte(hashes, 6000)) WHERE level = 0 AND index = 2`,
    ],
    ['another hash in an upper tile', `UPDATE audit_tiles SET hashes = set_byte(hashes, 70, 255 - get_byte(hashes, 70)) WHERE level = 1`],
    [
      'two tiles swapped',
      `UPDATE audit_tiles a SET hashes = b.hashes FROM audit_tiles b WHERE a.level = 0 AND b.level = 0 AND a.index + b.index = 5 AND a.index IN (2, 3)`,
    ],
    ['a full tile gone', 'DELETE FROM audit_tiles WHERE level = 0 AND index = 2'],
    ['an upper tile gone', 'DELETE FROM audit_tiles WHERE level = 1'],
    ['a full tile cut', 'UPDATE audit_tiles SET hashes = substr(hashes, 1, 64) WHERE level = 0 AND index = 2'],
    ['the last tile cut', 'UPDATE audit_tiles SET hashes = substr(hashes, 1, 64) WHERE level = 0 AND index = 5'],
    ['the last tile longer than the log', `UPDATE audit_tiles SET hashes = hashes || hashes WHERE level = 0 AND index = 5`],
    ['tiles far beyond the end', `INSERT INTO audit_tiles (level, index, hashes) VALUES (0, 900, sha256('x'))`],
    ['all of them gone', 'DELETE FROM audit_tiles'],
    ['all of them forged', `UPDATE audit_tiles SET hashes = (SELECT string_agg(sha256(int4send(n)), '') FROM generate_series(1, width) n)`],
  ]

  it.each(attacks)('give no wrong proof and no wrong root, and are mended: %s', async (_name, sql) => {
    await new AuditTree().grow(pool, 1_300)
    const honest = (await pool.query('SELECT level, index, hashes FROM audit_tiles ORDER BY level, index')).rows
    await forge(sql)
    const rebuilt: number[] = []
    const tree = new AuditTree({ onRebuild: ({ size }) => rebuilt.push(size) })
    expect(await tree.root(pool, 1_300, headAt(1_200))).toEqual(headAt(1_300).root)
    const leaf = leaves[620] ?? Buffer.alloc(0)
    const proof = await tree.inclusion(pool, 621, headAt(1_300))
    expect(verifyInclusion({ leaf, index: 620, size: 1_300, proof, root: headAt(1_300).root })).toBe(true)
    await tree.consistency(pool, headAt(900), headAt(1_300))
    await tree.grow(pool, 1_300)
    const { rows } = await pool.query('SELECT level, index, hashes FROM audit_tiles WHERE index < 900 ORDER BY level, index')
    // What nobody read was not looked at; what was read leads to the root again.
    if (rebuilt.length > 0) expect(rows).toEqual(honest)
    else expect(rows).toHaveLength(honest.length)
  })

  it('are rebuilt once, and then serve again', async () => {
    await new AuditTree().grow(pool, 1_300)
    await forge('UPDATE audit_tiles SET hashes = set_byte(hashes, 7, 255 - get_byte(hashes, 7)) WHERE level = 0 AND index = 2')
    const rebuilt: number[] = []
    const tree = new AuditTree({ onRebuild: ({ size }) => rebuilt.push(size) })
    for (const seq of [620, 621, 622]) await tree.inclusion(pool, seq, headAt(1_300))
    expect(rebuilt).toEqual([1_300])
  })

  it('cannot cover up entries that were changed: their leaves do not lead to the checkpoint', async () => {
    const client = await pool.connect()
    try {
      await client.query('BEGIN; ALTER TABLE audit_logs DISABLE TRIGGER ALL')
      expect((await client.query('UPDATE audit_logs SET leaf_hash = reverse(leaf_hash) WHERE seq = 700')).rowCount).toBe(1)
      await expect(new AuditTree().inclusion(client, 701, headAt(1_300))).rejects.toMatchObject({ facts: { reason: 'root' } })
      await expect(new AuditTree().root(client, 1_300, headAt(1_200))).rejects.toMatchObject({ facts: { reason: 'root' } })
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  })
})

describe('the edge', () => {
  it('goes on from a checkpoint without the entries before it', async () => {
    const edge = await new AuditTree().edge(pool, headAt(777))
    for (const leaf of leaves.slice(777)) edge.append(leaf)
    expect(edge.root()).toEqual(headAt(1_300).root)
    await expect(new AuditTree().edge(pool, { size: 777, root: Buffer.alloc(32) })).rejects.toMatchObject({ facts: { reason: 'root' } })
  })
})
