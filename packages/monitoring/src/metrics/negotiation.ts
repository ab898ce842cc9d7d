export const EXPOSITION_FORMATS = ['prometheus', 'openmetrics'] as const
export type ExpositionFormat = (typeof EXPOSITION_FORMATS)[number]

interface MediaRange {
  readonly type: string
  readonly version: string | undefined
  readonly quality: number
}

/** OpenMetrics 1.0 where the `Accept` header names it and likes it at least as much as plain text; otherwise the older format. */
export function negotiateFormat(acceptHeader: string | undefined): ExpositionFormat {
  if (acceptHeader === undefined) return 'prometheus'
  const ranges = acceptHeader.split(',').map(parseRange)
  const openMetrics = quality(ranges, (range) => range.type === 'application/openmetrics-text' && isVersion(range, '1.0.0'))
  // What a wildcard accepts does not make it preferred, so only the named format competes.
  const text = quality(ranges, (range) => range.type === 'text/plain' && isVersion(range, '0.0.4'))
  return openMetrics > 0 && openMetrics >= text ? 'openmetrics' : 'prometheus'
}

function quality(ranges: readonly MediaRange[], matches: (range: MediaRange) => boolean): number {
  return Math.max(0, ...ranges.filter(matches).map((range) => range.quality))
}

function isVersion(range: MediaRange, version: string): boolean {
  return range.version === undefined || range.version === version
}

function parseRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const values = new Map(parameters.map((parameter) => splitOnce(parameter)))
  const quality = Number(values.get('q') ?? '1')
  return { type, version: values.get('version'), quality: Number.isFinite(quality) ? quality : 0 }
}

function splitOnce(parameter: string): [string, string] {
  const at = parameter.indexOf('=')
  return at < 0
    ? [parameter, '']
    : [
        parameter.slice(0, at).trim(),
        parameter
          .slice(at + 1)
          .trim()
          .replaceAll('"', ''),
      ]
}
