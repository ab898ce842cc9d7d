import { describe, expect, it } from 'vitest'
import { negotiateFormat } from './negotiation.ts'

describe('negotiateFormat', () => {
  it.each([
    [undefined, 'prometheus'],
    ['', 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/html, */*;q=0.8', 'prometheus'],
    ['text/plain', 'prometheus'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
    ['application/openmetrics-text;version="1.0.0"', 'openmetrics'],
    ['application/openmetrics-text;version=0.0.1', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text;q=0.4,text/plain;q=0.9', 'prometheus'],
    ['APPLICATION/OpenMetrics-Text;Q=1', 'openmetrics'],
    ['application/openmetrics-text;q=banana', 'prometheus'],
    [
      'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
  ] as const)('answers %j with %s', (header, format) => {
    expect(negotiateFormat(header)).toBe(format)
  })
})
