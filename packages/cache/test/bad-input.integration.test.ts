import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCache, definePolicy, type Cache, type Tier } from '../src/index.ts'
import { postgresTier } from '../src/postgres/index.ts'
import { redisTier, type RedisConnection } from '../src/redis/index.ts'
import { testPool, type TestPool } from './pg-pool.ts'
import { singleConnection } from './redis-connections.ts'

const environment = `bad-${process.pid}`
const policy = definePolicy({ name: 'things', ttlMs: 60_000, jitter: 0, maxValueBytes: 1_000_000 })
let connection: RedisConnection
let pool: TestPool

beforeAll(async () => {
  connection = await singleConnection()
  pool = await testPool()
})
afterAll(async () => {
  await connection.stop()
  await pool.end()
})

describe.each([
  ['redis', () => redisTier(connection)],
  ['postgres', () => postgresTier(pool)],
] as const)('what %s holds', (name, makeTier) => {
  let tier: Tier
  let writer: Cache
  let keys = 0
  const make = (extra: object = {}) => createCache({ environment, tiers: [tier], policies: [policy], guard: { budgetMs: 5_000 }, ...extra })
  beforeAll(() => {
    tier = makeTier()
    writer = make()
  })
  afterAll(() => writer.stop())

  /** An entry as the cache writes it, as changed, and what another process gets for it. */
  async function changed(change: (payload: Buffer) => Buffer, reader: Cache = make()) {
    const key = `k${++keys}`
    await writer.namespace('things').set(key, { amount: '12.50', text: 'x'.repeat(100) })
    const id = { namespace: `${environment}/v1/things`, id: `${environment}/v1/things/${key}` }
    const { entry } = await tier.read(id)
    await tier.write(id, { payload: change(entry?.payload ?? Buffer.alloc(0)), ttlMs: 60_000 })
    const outcome = (await reader.namespace('things').get(key)).outcome
    const { badEntries } = reader.stats().namespaces.things ?? {}
    const left = (await tier.read(id)).entry
    await reader.stop()
    return { outcome, badEntries, left }
  }

  const flip = (bytes: Buffer, at: number): Buffer => {
    const copy = Buffer.from(bytes)
    copy.writeUInt8(copy.readUInt8(at) ^ 0xff, at)
    return copy
  }

  it.each([
    ['corrupted', 'checksum', (bytes: Buffer) => flip(bytes, bytes.length - 3)],
    ['truncated', 'checksum', (bytes: Buffer) => bytes.subarray(0, bytes.length - 10)],
    ['cut to its beginning', 'truncated', (bytes: Buffer) => bytes.subarray(0, 20)],
    ['foreign', 'magic', () => Buffer.from(JSON.stringify({ legacy: 'x'.repeat(80) }))],
    ['of a newer version', 'version', (bytes: Buffer) => flip(bytes, 3)],
    ['empty', 'truncated', () => Buffer.alloc(0)],
  ])('and is %s is a miss, counted once, and goes', async (_what, fault, change) => {
    expect(await changed(change)).toEqual({ outcome: 'miss', badEntries: { [fault]: 1 }, left: undefined })
  })

  it('and was put there by somebody without the key is a miss where entries are signed', async () => {
    const reader = make({ signing: { keys: ['a secret that is long enough to be one'] } })
    expect(await changed((bytes) => bytes, reader)).toEqual({ outcome: 'miss', badEntries: { signature: 1 }, left: undefined })
  })

  it('and would pollute a prototype is a miss and pollutes nothing', async () => {
    const poison = (bytes: Buffer): Buffer => {
      const json = Buffer.from(bytes)
      json.write('{"__proto__":{"polluted":true}}', json.indexOf('{"amount"'))
      return resealed(json)
    }
    expect(await changed(poison)).toEqual({ outcome: 'miss', badEntries: { payload: 1 }, left: undefined })
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it('keeps hostile names apart from everything else', async () => {
    for (const key of ['__proto__', 'constructor', 'toString', '$', '%', 'a/b', '*']) {
      await writer.namespace('things').set(key, key)
      expect(await make().namespace('things').get(key)).toMatchObject({ outcome: 'hit', tier: name, value: key })
    }
  })
})

/** The checksum made right again, and a JSON text filled up with blanks. */
function resealed(bytes: Buffer): Buffer {
  const from = bytes.indexOf('}}')
  const sealed = Buffer.from(bytes)
  if (from > 0) sealed.fill(' ', from + 2)
  sealed.writeUInt32LE(crc32(sealed.subarray(8)), 4)
  return sealed
}
