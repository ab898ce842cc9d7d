import { TestClock } from '@cidadao/contracts'
import { clockConformance } from '../../test/clock-conformance.ts'
import { tierConformance } from '../../test/tier-conformance.ts'
import { memoryTier } from './memory-tier.ts'

const clock = new TestClock()
const tier = memoryTier({ clock })

tierConformance('memory', { tier: () => tier, pass: (ms) => clock.advance(ms), fenced: true })
clockConformance('memory', { tier: () => tier, pass: (ms) => clock.advance(ms), beyondLog: 1_100 })
