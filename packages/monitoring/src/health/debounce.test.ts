import { describe, expect, it } from 'vitest'
import { debounce, type Debounced } from './debounce.ts'
import type { CheckStatus } from './health-check.ts'

const LIMITS = { downAfter: 3, upAfter: 2 }

function reported(samples: string): string {
  const statuses: Record<string, CheckStatus> = { P: 'pass', W: 'warn', F: 'fail' }
  const letters = { pass: 'P', warn: 'W', fail: 'F' }
  let state: Debounced | undefined
  return Array.from(samples)
    .map((letter) => {
      state = debounce(state, statuses[letter] ?? 'fail', LIMITS)
      return letters[state.status]
    })
    .join('')
}

describe('debounce', () => {
  it.each([
    ['the first sample decides: pass', 'P', 'P'],
    ['the first sample decides: fail', 'F', 'F'],
    ['three failures in a row are a failure', 'PFFFF', 'PPPFF'],
    ['two failures are not', 'PFFPFFP', 'PPPPPPP'],
    ['two successes in a row end it', 'FPP', 'FFP'],
    ['one success does not', 'FPFPFP', 'FFFFFF'],
    ['flapping changes nothing', 'PFPFPFPF', 'PPPPPPPP'],
    ['pass and warn follow each other directly', 'PWPW', 'PWPW'],
    ['a warning counts as a success', 'FWW', 'FFW'],
  ])('%s', (_, samples, expected) => {
    expect(reported(samples)).toBe(expected)
  })
})
