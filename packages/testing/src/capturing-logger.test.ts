import { describe, expect, it } from 'vitest'
import { capturingLogger } from './capturing-logger.ts'

describe('a capturing logger', () => {
  it('keeps lines of all levels in order, and those of its children with their fields', () => {
    const logger = capturingLogger()
    logger.info('started', { port: 1 })
    logger.child({ part: 'pool' }).child({ worker: 7 }).warn('slow', { worker: 8 })
    logger.debug('bare')
    expect(logger.lines).toEqual([
      { level: 'info', message: 'started', fields: { port: 1 } },
      { level: 'warn', message: 'slow', fields: { part: 'pool', worker: 8 } },
      { level: 'debug', message: 'bare', fields: {} },
    ])
    expect(logger.at('warn').map((line) => line.message)).toEqual(['slow'])
    logger.clear()
    expect([logger.lines, logger.at('error')]).toEqual([[], []])
  })
})
