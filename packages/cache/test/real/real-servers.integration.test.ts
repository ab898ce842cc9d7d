import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startClients } from './campaign.ts'
import type { Client } from './client.ts'
import { lacking, SCENARIOS } from './scenarios.ts'

/** The quick ones; all of them, for minutes: `npx nx run cache:chaos`. */
const QUICK = ['Redis flushed', 'Redis full, refusing', 'a process paused'] as const
const TIMEOUT_MS = 180_000

let clients: Client[]
beforeAll(async () => {
  clients = await startClients()
}, TIMEOUT_MS)
afterAll(() => Promise.all(clients.map((client) => client.kill())))

describe('four processes under load on real servers', () => {
  it.each(QUICK)(
    'keep S1 to S7: %s',
    async (name) => {
      const { violations, reads, changes } = await SCENARIOS[name]({ clients, rounds: 1, pauseMs: 1_500 })
      expect(violations).toEqual([])
      expect(Math.min(reads, changes)).toBeGreaterThan(50)
    },
    TIMEOUT_MS,
  )

  it.each(['fence', 'bus'] as const)(
    'are caught at breaking them where there is no %s',
    async (without) => {
      const own = await startClients()
      try {
        const { violations } = await lacking(own, without)
        expect(violations.map(({ guarantee }) => guarantee)).toContain(without === 'fence' ? 'S1' : 'S2')
      } finally {
        await Promise.all(own.map((client) => client.kill()))
      }
    },
    TIMEOUT_MS,
  )
})
