import { describe, expect, it } from 'vitest'
import { aggregate } from './aggregation.ts'
import type { HealthStatus } from './health-check.ts'

const part = (status: HealthStatus, critical = true): { status: HealthStatus; critical: boolean } => ({ status, critical })

describe('aggregate', () => {
  it.each<[string, ReturnType<typeof part>[], HealthStatus]>([
    ['nothing to look at passes', [], 'pass'],
    ['all pass', [part('pass'), part('pass', false)], 'pass'],
    ['unknown is worse than pass', [part('pass'), part('unknown')], 'unknown'],
    ['warn is worse than unknown', [part('unknown'), part('warn')], 'warn'],
    ['fail is worse than warn', [part('warn'), part('fail')], 'fail'],
    ['the order does not matter', [part('fail'), part('warn')], 'fail'],
    ['a failure that is not critical is a warning', [part('pass'), part('fail', false)], 'warn'],
    ['a warning that is not critical stays one', [part('warn', false)], 'warn'],
  ])('%s', (_, parts, status) => {
    expect(aggregate(parts)).toBe(status)
  })
})
