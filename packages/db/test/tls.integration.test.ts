import { createTestCertificate, startPostgres, type PostgresFixture } from '@cidadao/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase, type Database, type TlsOptions } from '../src/index.ts'
import { AUDIT_ORIGIN, rejectionOf } from './fixtures/database-fixture.ts'

const ours = createTestCertificate()
const stranger = createTestCertificate()
let server: PostgresFixture

beforeAll(async () => {
  server = await startPostgres()
  const client = new pg.Client({ connectionString: server.url() })
  await client.connect()
  try {
    // Through the server itself, which then owns the files and may stand anywhere.
    await client.query('CREATE TABLE pem (line text)')
    for (const [file, pem] of [
      ['server.crt', ours.certificate],
      ['server.key', ours.privateKey],
    ] as const) {
      await client.query('TRUNCATE pem')
      await client.query('INSERT INTO pem SELECT unnest($1::text[])', [pem.trimEnd().split('\n')])
      await client.query(`COPY pem TO PROGRAM 'umask 077 && cat > ${file}'`)
    }
    await client.query('ALTER SYSTEM SET ssl = on')
    await client.query('SELECT pg_reload_conf()')
  } finally {
    await client.end()
  }
})
afterAll(() => server.stop())

function connect(tls: TlsOptions): Database {
  const db = createDatabase({
    url: server.url(),
    auditOrigin: AUDIT_ORIGIN,
    migrations: 'apply',
    pool: { tls },
    resilience: { attempts: 0 },
  })
  onTestFinished(() => db.stop())
  return db
}

describe('TLS', () => {
  it.each(['full', 'ca', 'none'] as const)('encrypts with verification %s', async (verify) => {
    const db = connect({ verify, ...(verify === 'none' ? {} : { ca: ours.certificate }) })
    await db.start()
    const { rows } = await db.sql.query<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
    expect(rows).toEqual([{ ssl: true }])
  })

  it.each(['full', 'ca'] as const)('refuses, with verification %s, a certificate that the given authority did not sign', async (verify) => {
    expect(await rejectionOf(connect({ verify, ca: stranger.certificate }).start())).toMatchObject({ code: 'DB_TLS' })
  })

  it('checks the host name when all is verified, and only then', async () => {
    const certificate = { ca: ours.certificate, servername: 'elsewhere.example' }
    expect(await rejectionOf(connect({ verify: 'full', ...certificate }).start())).toMatchObject({ code: 'DB_TLS' })
    await connect({ verify: 'ca', ...certificate }).start()
  })
})
