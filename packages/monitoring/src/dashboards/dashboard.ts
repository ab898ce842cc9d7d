import type { JsonObject } from '@cidadao/contracts'

/** Grafana's names of units. */
export const UNITS = ['short', 's', 'bytes', 'percentunit', 'reqps', 'ops'] as const
export type Unit = (typeof UNITS)[number]

export interface Query {
  readonly expr: string
  /** With labels in double braces. */
  readonly legend: string
}

export interface Panel {
  readonly title: string
  /** What one sees, and what it means when it is odd. */
  readonly about: string
  readonly unit: Unit
  readonly queries: readonly Query[]
  /** `number`: the last value, large. @default 'lines' */
  readonly look?: 'lines' | 'number'
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
}

const COLUMNS = 3
const WIDTH = 8
const HEIGHT = 8
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' } as const

/** The dashboard as Grafana imports it, with its panels in rows of three. */
export function toGrafana({ uid, title, panels }: Dashboard): JsonObject {
  return {
    uid,
    title,
    tags: ['cidadao'],
    schemaVersion: 39,
    version: 1,
    editable: false,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        {
          name: 'datasource',
          label: 'Prometheus',
          type: 'datasource',
          query: 'prometheus',
          current: { text: 'Prometheus', value: 'cidadao-prometheus' },
        },
      ],
    },
    panels: panels.map(toPanel),
  }
}

function toPanel({ title, about, unit, queries, look = 'lines' }: Panel, index: number): JsonObject {
  return {
    id: index + 1,
    title,
    description: about,
    type: look === 'number' ? 'stat' : 'timeseries',
    datasource: DATASOURCE,
    gridPos: { x: (index % COLUMNS) * WIDTH, y: Math.floor(index / COLUMNS) * HEIGHT, w: WIDTH, h: HEIGHT },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: queries.map(({ expr, legend }, query) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + query),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
    })),
  }
}

/** The quantiles that tell how it is for most, for few, and for the unluckiest. */
export function quantiles(histogram: string, by = ''): readonly Query[] {
  const grouping = by === '' ? 'le' : `le, ${by}`
  return [0.5, 0.95, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (${grouping}) (rate(${histogram}_bucket[$__rate_interval])))`,
    legend: `p${quantile * 100}${by === '' ? '' : ` {{${by}}}`}`,
  }))
}

export function rate(counter: string, by: string): Query {
  return {
    expr: `sum by (${by}) (rate(${counter}[$__rate_interval]))`,
    legend: by
      .split(', ')
      .map((label) => `{{${label}}}`)
      .join(' '),
  }
}

export function gauge(metric: string, by: string, how: 'sum' | 'max' = 'sum'): Query {
  return {
    expr: `${how} by (${by}) (${metric})`,
    legend: by
      .split(', ')
      .map((label) => `{{${label}}}`)
      .join(' '),
  }
}
