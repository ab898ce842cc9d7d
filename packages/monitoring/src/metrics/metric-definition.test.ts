import { describe, expect, it } from 'vitest'
import { createMetrics } from './create-metrics.ts'
import type { LabelRules } from './metrics.ts'

const help = 'Help.'

describe('declaring a metric', () => {
  it.each([
    ['Events_total', 'snake case'],
    ['events', 'must end in _total'],
    ['wait_ms_total', 'base unit'],
    ['wait_milliseconds_total', 'base unit'],
  ])('refuses a counter named %s: %s', (name, rule) => {
    expect(() => createMetrics().counter({ name, help })).toThrow(rule)
  })

  it.each(['entries_total', 'entries_count', 'entries_sum', 'entries_bucket'])(
    'refuses a gauge named %s, like a derived series',
    (name) => {
      expect(() => createMetrics().gauge({ name, help })).toThrow('derived series')
    },
  )

  it('refuses a histogram without its unit in the name', () => {
    expect(() => createMetrics().histogram({ name: 'query_time', help, buckets: [1] })).toThrow('must end in its unit')
  })

  it.each([[[]], [[1, 1]], [[2, 1]], [[1, Infinity]], [[NaN]]])('refuses the buckets %j', (buckets) => {
    expect(() => createMetrics().histogram({ name: 'query_seconds', help, buckets })).toThrow('buckets')
  })

  it.each<[string, LabelRules]>([
    ['not reserved', { le: { limit: 1 } }],
    ['snake case', { 'Bad-Name': { limit: 1 } }],
    ['positive integer', { route: { limit: 0 } }],
    ['at least one value', { route: [] }],
    ['must differ', { route: ['a', 'a'] }],
    ['neither empty', { route: [''] }],
    ['nor contain', { route: ['a|b'] }],
  ])('refuses labels that are not: %s', (rule, labels) => {
    expect(() => createMetrics().gauge({ name: 'entries', help, labels })).toThrow(rule)
  })

  it('refuses known label sets that would not fit', () => {
    expect(() => createMetrics().counter({ name: 'events_total', help, labels: { kind: ['a', 'b'] }, maxSeries: 1 })).toThrow(
      'must fit maxSeries',
    )
  })

  it('refuses the same name twice, with a code and the name as a fact', () => {
    const metrics = createMetrics()
    metrics.gauge({ name: 'entries', help })
    expect(() => metrics.gauge({ name: 'entries', help })).toThrow(
      expect.objectContaining({ code: 'MONITORING_METRIC_INVALID', facts: { metric: 'entries' } }),
    )
  })

  it('refuses help that would break a line of the exposition', () => {
    expect(() => createMetrics().gauge({ name: 'entries', help: 'one\ntwo' })).toThrow('help')
    expect(() => createMetrics().gauge({ name: 'entries', help: '' })).toThrow('help')
  })

  it('refuses default labels that cannot be exposed', () => {
    expect(() => createMetrics({ defaultLabels: { 'bad-name': 'x' } })).toThrow(
      expect.objectContaining({ code: 'MONITORING_OPTIONS_INVALID' }),
    )
  })
})
