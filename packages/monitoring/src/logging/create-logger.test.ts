import { PassThrough } from 'node:stream'
import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { createLogger, type LoggerOptions } from './create-logger.ts'

function setUp(options: Omit<LoggerOptions, 'destination' | 'clock'> & { readonly isTTY?: boolean } = {}) {
  const written: string[] = []
  const { isTTY, ...rest } = options
  const logger = createLogger({ ...rest, clock: new TestClock(), destination: { write: (line) => written.push(line), isTTY } })
  return { logger, written, records: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('a line', () => {
  it('is one JSON object with time, level, fields and a fixed message', () => {
    const { logger, written, records } = setUp()
    logger.info('investigation completed', { investigation_id: 'inv_001', contracts: 419 })
    expect(written[0]?.endsWith('\n')).toBe(true)
    expect(records()).toEqual([
      { level: 'info', time: '2024-01-31T12:00:00.000Z', investigation_id: 'inv_001', contracts: 419, msg: 'investigation completed' },
    ])
  })

  it('carries the fields of its loggers, the nearest one winning', () => {
    const { logger, records } = setUp()
    const child = logger.child({ investigation_id: 'inv_001', agent: 'benford' }).child({ agent: 'round-value' })
    child.warn('step failed', { attempt: 2 })
    expect(records()[0]).toMatchObject({ investigation_id: 'inv_001', agent: 'round-value', attempt: 2 })
    expect(Object.keys(records()[0] ?? {}).filter((key) => key === 'agent')).toHaveLength(1)
  })

  it('carries what the moment gives, such as the trace, and says so when that fails', () => {
    let trace: string | undefined = 'abc'
    const { logger, records } = setUp({
      correlation: () => {
        if (trace === undefined) throw new Error('no context')
        return { trace_id: trace }
      },
    })
    logger.info('first')
    trace = undefined
    logger.info('second')
    expect(records()[0]).toMatchObject({ trace_id: 'abc' })
    expect(records()[1]).toMatchObject({ msg: 'second', correlation_error: 'no context' })
  })

  it('is not written below the level', () => {
    const { logger, records } = setUp({ level: 'warn' })
    logger.debug('a')
    logger.info('b')
    logger.child({ x: 1 }).info('c')
    logger.warn('d')
    logger.error('e')
    expect(records().map((record) => record.msg)).toEqual(['d', 'e'])
  })

  it('has no secret in its message, its fields, its bound fields or its errors', () => {
    const { logger, written } = setUp({ redact: ['taxNumber'] })
    const child = logger.child({ token: 'hunter2', dsn: 'redis://:hunter2@x', cpf: '123.456.789-09' })
    child.error('cannot use password=hunter2 of 123.456.789-09', { tax_number: 'hunter2', error: new Error('postgresql://a:hunter2@b') })
    expect(written.join('')).not.toMatch(/hunter2|789-09/)
  })

  it('keeps its own keys, and a field of the same name beside them', () => {
    const { logger, records } = setUp()
    logger.info('real', { msg: 'false', level: 'fatal', time: 0 })
    expect(records()[0]).toMatchObject({ msg: 'real', level: 'info', field_msg: 'false', field_level: 'fatal', field_time: 0 })
  })

  it('survives whatever a field holds', () => {
    const { logger, records } = setUp()
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const fields = [circular, { big: 1n }, { f: () => 1 }, null, undefined, 'text', [1], new Error('x')]
    for (const value of fields) expect(() => logger.info('odd', value as Record<string, unknown>)).not.toThrow()
    expect(records()).toHaveLength(fields.length)
  })

  it('keeps Portuguese text as it is, and puts a line break inside it where it cannot forge a line', () => {
    const { logger, written, records } = setUp()
    logger.info('investigação concluída', { órgão: 'Ministério da Saúde\n{"level":"error"}' })
    expect(written).toHaveLength(1)
    expect(written[0]?.trim().includes('\n')).toBe(false)
    expect(records()[0]).toMatchObject({ msg: 'investigação concluída', órgão: 'Ministério da Saúde\n{"level":"error"}' })
  })
})

describe('the format', () => {
  it.each([
    ['auto', true, false],
    ['auto', false, true],
    ['json', true, true],
    ['pretty', false, false],
  ] as const)('%s with a terminal %s is JSON: %s', (format, isTTY, isJson) => {
    const { logger, written } = setUp({ format, isTTY })
    logger.info('hello')
    expect(written[0]?.startsWith('{')).toBe(isJson)
  })
})

describe('the destination', () => {
  it('that fails stops nobody, and is told of once', () => {
    const failures: Error[] = []
    const write = (): never => {
      throw new Error('disk full')
    }
    const logger = createLogger({ destination: { write }, onWriteError: (error) => failures.push(error) })
    expect(() => {
      logger.info('a')
      logger.info('b')
    }).not.toThrow()
    expect(failures.map((error) => error.message)).toEqual(['disk full'])
  })

  it('is flushed when the logger stops', async () => {
    let flushed = false
    const logger = createLogger({ destination: { write: () => {}, flush: () => void (flushed = true) } })
    await logger.start()
    await logger.stop()
    expect(flushed).toBe(true)
  })

  it('may be a stream: stop waits until it has taken every line', async () => {
    const stream = new PassThrough({ highWaterMark: 1 })
    const logger = createLogger({ destination: stream })
    for (let index = 0; index < 100; index++) logger.info('line', { index })
    const read = stream.toArray()
    await logger.stop()
    stream.end()
    expect((await read).join('').trim().split('\n')).toHaveLength(100)
  })

  it('gets lines after stop as well: the last words of a process are not lost', async () => {
    const { logger, records } = setUp()
    await logger.start()
    await logger.stop()
    logger.info('after')
    expect(records()).toHaveLength(1)
  })
})

it.each([{ level: 'loud' }, { format: 'xml' }])('refuses %j', (options) => {
  expect(() => createLogger(options as unknown as LoggerOptions)).toThrow(expect.objectContaining({ code: 'MONITORING_OPTIONS_INVALID' }))
})
