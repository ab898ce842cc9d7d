import { describe, expect, it } from 'vitest'
import { CrashCircuit } from './crash-circuit.ts'

const create = (crashes = 3) => new CrashCircuit({ crashes, withinMs: 1_000 }, { initialMs: 100, maxMs: 400 })

describe('CrashCircuit', () => {
  it('opens at the Nth crash within the window and not for the same number spread out', () => {
    const spread = create()
    for (const atMs of [0, 600, 1_200, 1_800]) expect(spread.reportCrash(atMs)).toBeUndefined()
    const burst = create()
    expect(burst.reportCrash(0)).toBeUndefined()
    expect(burst.reportCrash(1)).toBeUndefined()
    expect(burst.reportCrash(2)).toBeGreaterThan(0)
    expect(burst.state).toBe('open')
  })

  it('refuses until the back-off is over, then admits one probe', () => {
    const circuit = create(1)
    const openMs = circuit.reportCrash(0) ?? 0
    expect(circuit.admit(1)).toMatchObject({ admitted: false })
    expect(circuit.admit(openMs)).toEqual({ admitted: true, probe: true })
    expect(circuit.admit(openMs)).toMatchObject({ admitted: false })
    expect(circuit.reportSurvival(true)).toBe(true)
    expect(circuit.admit(openMs)).toEqual({ admitted: true, probe: false })
  })

  it('doubles the back-off with jitter while probes crash, up to the longest', () => {
    const circuit = create(1)
    let nowMs = 0
    const openings: number[] = []
    for (let i = 0; i < 5; i++) {
      const openMs = circuit.reportCrash(nowMs) ?? 0
      openings.push(openMs)
      nowMs += openMs
      circuit.admit(nowMs)
    }
    for (const [i, openMs] of openings.entries()) {
      const full = Math.min(400, 100 * 2 ** i)
      expect(openMs).toBeGreaterThanOrEqual(full / 2)
      expect(openMs).toBeLessThanOrEqual(full)
    }
  })

  it('gives the probe to the next run where the first proved nothing', () => {
    const circuit = create(1)
    const openMs = circuit.reportCrash(0) ?? 0
    circuit.admit(openMs)
    circuit.reportUnproven(true, openMs)
    expect(circuit.admit(openMs)).toEqual({ admitted: true, probe: true })
  })

  it('is not closed by a run from before it opened', () => {
    const circuit = create(1)
    circuit.reportCrash(0)
    expect(circuit.reportSurvival(false)).toBe(false)
    expect(circuit.state).toBe('open')
  })
})
