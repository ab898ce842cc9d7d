import { TestClock } from '@cidadao/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { API_ROLES, createApiKeyStore, createApiKeyVerifier, type ApiKeyStore, type Database, type StoredApiKey } from '../src/index.ts'
import { openDatabase, rejectionOf } from './fixtures/database-fixture.ts'

let db: Database
let keys: ApiKeyStore
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, close } = await openDatabase())
  keys = createApiKeyStore(db)
})
afterAll(() => close())

/** A store that counts, since what the verifier saves is questions. */
function counting(clock: TestClock, options: { readonly maxRemembered?: number } = {}) {
  const asked: string[] = []
  const find = (prefix: string): Promise<StoredApiKey | undefined> => {
    asked.push(prefix)
    return keys.find(prefix)
  }
  return { asked, verifier: createApiKeyVerifier({ store: { find }, clock, ...options }) }
}

describe('keys to the API', () => {
  it('are shown once and kept as a hash, in the table and in the audit log', async () => {
    const { key, prefix, ...rest } = await keys.create({ subject: 'ana.souza', role: 'owner', label: 'laptop of Ana' })
    expect(key).toMatch(new RegExp(`^cid_${prefix}_[\\w-]{43}$`))
    expect(rest).toMatchObject({ subject: 'ana.souza', role: 'owner', label: 'laptop of Ana', expiresAt: null, revokedAt: null })
    const secret = key.slice('cid_12345678_'.length)
    const { rows } = await db.sql.query<{ text: string }>('SELECT row_to_json(api_keys)::text AS text FROM api_keys')
    const { rows: log } = await db.sql.query<{ payload: string }>("SELECT payload FROM audit_logs WHERE action = 'api-key.created'")
    expect(log).toHaveLength(1)
    expect(log[0]?.payload).toContain(prefix)
    // Who it is for can be erased from the log.
    expect(log[0]?.payload).not.toContain('ana.souza')
    for (const text of [JSON.stringify(rows), JSON.stringify(log), JSON.stringify(await keys.list())]) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain(Buffer.from(secret).toString('hex'))
    }
  })

  it('are recognised, and nothing that only looks like them is', async () => {
    const clock = new TestClock()
    const { verifier } = counting(clock)
    const one = await keys.create({ subject: 'one', role: 'auditor' })
    const other = await keys.create({ subject: 'other', role: 'owner' })
    expect(await verifier.verify(one.key)).toMatchObject({ subject: 'one', role: 'auditor', prefix: one.prefix })
    expect(await verifier.verify(one.key)).not.toHaveProperty('secretSha256')
    const mixed = `cid_${one.prefix}_${other.key.slice(13)}`
    const wrong = [mixed, `${one.key}x`, one.key.slice(0, -1), one.key.toUpperCase(), '', `cid_00000000_${'A'.repeat(43)}`, ` ${one.key}`]
    for (const text of wrong) expect([text, await verifier.verify(text)]).toEqual([text, undefined])
  })

  it('are refused once revoked, everywhere at the latest when what was read is no longer believed', async () => {
    const clock = new TestClock()
    const { verifier, asked } = counting(clock)
    const { key, prefix } = await keys.create({ subject: 'bea', role: 'operator' })
    expect(await verifier.verify(key)).toBeDefined()
    expect((await keys.revoke(prefix)).revokedAt).toBeInstanceOf(Date)
    await clock.advance(4_999)
    expect(verifier.knows(key)).toBe(true)
    expect(await verifier.verify(key)).toBeDefined()
    await clock.advance(1)
    expect(verifier.knows(key)).toBe(false)
    expect(await verifier.verify(key)).toBeUndefined()
    expect(asked).toEqual([prefix, prefix])
  })

  it('are refused from the instant at which they expire, whether read before or not', async () => {
    const clock = new TestClock(new Date(Date.now() + 3_600_000))
    const { verifier } = counting(clock)
    const { key } = await keys.create({ subject: 'caio', role: 'owner', expiresAt: new Date(clock.now().getTime() + 3_000) })
    expect(await verifier.verify(key)).toBeDefined()
    await clock.advance(2_999)
    expect(await verifier.verify(key)).toBeDefined()
    await clock.advance(1)
    expect(await verifier.verify(key)).toBeUndefined()
  })

  it('are revoked once: again says when it was, and nothing else of a key ever changes', async () => {
    const { prefix } = await keys.create({ subject: 'dora', role: 'owner' })
    const first = await keys.revoke(prefix)
    expect(await keys.revoke(prefix)).toEqual(first)
    const { rows } = await db.sql.query<{ count: string }>(
      "SELECT count(*) FROM audit_logs WHERE action = 'api-key.revoked' AND payload LIKE $1",
      [`%${prefix}%`],
    )
    expect(rows[0]?.count).toBe('1')
    const changes = ["role = 'auditor'", "subject = 'eve'", 'revoked_at = NULL', "secret_sha256 = decode(repeat('00', 32), 'hex')"]
    for (const change of changes) {
      const failure = await rejectionOf(db.sql.query(`UPDATE api_keys SET ${change} WHERE prefix = $1`, [prefix]))
      expect([change, failure.code]).toEqual([change, 'DB_CONSTRAINT'])
    }
  })

  it.each(['00000000', '', 'nonsense', "x' OR '1'='1"])('cannot be revoked where there is none: %j', async (prefix) => {
    expect(await rejectionOf(keys.revoke(prefix))).toMatchObject({ code: 'DB_API_KEY_NOT_FOUND', facts: { prefix } })
  })

  it.each([
    [{ subject: '', role: 'owner' }, 'subject'],
    [{ subject: 'local', role: 'owner' }, 'subject'],
    [{ subject: 'ana souza', role: 'owner' }, 'subject'],
    [{ subject: 'x'.repeat(51), role: 'owner' }, 'subject'],
    [{ subject: 'ana', role: 'admin' }, 'role'],
    [{ subject: 'ana', role: 'owner', label: 'two\nlines' }, 'label'],
    [{ subject: 'ana', role: 'owner', label: 'x'.repeat(101) }, 'label'],
    [{ subject: 'ana', role: 'owner', expiresAt: new Date(NaN) }, 'expiresAt'],
  ])('are not made of what breaks a rule: %j', async (draft, field) => {
    expect(await rejectionOf(keys.create(draft as never))).toMatchObject({ code: 'DB_INVALID_OPTIONS', facts: { field } })
  })

  it('have the roles that the database allows, and no others', async () => {
    for (const role of API_ROLES) expect((await keys.create({ subject: 'all', role })).role).toBe(role)
    const { rows } = await db.sql.query<{ text: string }>(
      "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'api_keys_role_check'",
    )
    expect([...(rows[0]?.text ?? '').matchAll(/'(\w+)'/g)].map(([, role]) => role)).toEqual([...API_ROLES])
  })
})

describe('the verifier', () => {
  it('asks once for many requests with one key, also with a key that nobody has', async () => {
    const { verifier, asked } = counting(new TestClock())
    const { key, prefix } = await keys.create({ subject: 'fabio', role: 'owner' })
    const unknown = `cid_ffffffff_${'A'.repeat(43)}`
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(key)))
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(unknown)))
    await verifier.verify(unknown)
    expect(asked).toEqual([prefix, 'ffffffff'])
  })

  it('remembers no more than it may, however many prefixes are tried', async () => {
    const { verifier, asked } = counting(new TestClock(), { maxRemembered: 2 })
    const [first, second, third] = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc'].map((prefix) => `cid_${prefix}_${'A'.repeat(43)}`)
    for (const text of [first, second, third]) await verifier.verify(text ?? '')
    expect([first, second, third].map((text) => verifier.knows(text ?? ''))).toEqual([false, true, true])
    expect(asked).toHaveLength(3)
  })

  it('does not take a failing database for a wrong key, and asks again', async () => {
    const { key } = await keys.create({ subject: 'gil', role: 'owner' })
    let isAway = true
    const find = (prefix: string) => (isAway ? Promise.reject(new Error('away')) : keys.find(prefix))
    const verifier = createApiKeyVerifier({ store: { find }, clock: new TestClock() })
    await expect(verifier.verify(key)).rejects.toThrow('away')
    isAway = false
    expect(await verifier.verify(key)).toMatchObject({ subject: 'gil' })
  })
})
