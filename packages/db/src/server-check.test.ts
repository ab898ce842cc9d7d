import { silentLogger, TypedEvents } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { resolvePoolOptions } from './pool/pool-options.ts'
import { requireUsable } from './server-check.ts'

const PARTS = { pool: resolvePoolOptions(), logger: silentLogger, events: new TypedEvents<never>() as never }

describe('requireUsable', () => {
  it('refuses a replica', () => {
    expect(() => requireUsable({ role: 'replica', availableConnections: 97 }, PARTS)).toThrow(
      expect.objectContaining({ code: 'DB_NOT_PRIMARY' }),
    )
  })

  it("takes the original's pool on a server with its defaults, and refuses it on a smaller one", () => {
    expect(() => requireUsable({ role: 'primary', availableConnections: 97 }, PARTS)).not.toThrow()
    expect(() => requireUsable({ role: 'primary', availableConnections: 49 }, PARTS)).toThrow(/50 connections .* at most 49/)
  })
})
