import { TypedEvents } from '@cidadao/contracts'
import { capturingLogger } from '@cidadao/testing'
import { expect, it, onTestFinished } from 'vitest'
import type { DatabaseEvents } from '../src/events.ts'
import { ConnectionPool } from '../src/pool/connection-pool.ts'
import { resolvePoolOptions } from '../src/pool/pool-options.ts'
import { openForTest } from './fixtures/database-fixture.ts'

it('statements that go straight through the driver’s pool are not taken for lost connections', async () => {
  const { url } = await openForTest()
  const events = new TypedEvents<DatabaseEvents>()
  const lost: string[] = []
  events.on('connection-lost', ({ code }) => lost.push(code))
  const pool = new ConnectionPool({
    url: () => url,
    options: resolvePoolOptions({ size: 1, maxOverflow: 0 }),
    events,
    logger: capturingLogger(),
  })
  await pool.start()
  onTestFinished(() => pool.stop())
  expect((await pool.driver.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  expect(lost).toEqual([])
})
