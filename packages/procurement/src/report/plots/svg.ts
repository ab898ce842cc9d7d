import { escapeHtml } from '../html-text.ts'

export interface Plot {
  readonly title: string
  /** Read aloud in place of the picture. */
  readonly description: string
  readonly width: number
  readonly height: number
  readonly body: readonly string[]
}

/** A picture without script or anything fetched, named and described for who does not see it. */
export function toSvg({ title, description, width, height, body }: Plot): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${escapeHtml(title)}</title><desc>${escapeHtml(description)}</desc>`,
    ...body,
    '</svg>',
  ].join('\n')
}

export const TEXT_ANCHORS = ['start', 'middle', 'end'] as const
export type TextAnchor = (typeof TEXT_ANCHORS)[number]

export function svgText(content: string, at: { readonly x: number; readonly y: number; readonly anchor?: TextAnchor }): string {
  return `<text x="${coordinate(at.x)}" y="${coordinate(at.y)}" text-anchor="${at.anchor ?? 'start'}">${escapeHtml(content)}</text>`
}

/** Two decimals are finer than any screen, and the same on every machine. */
export function coordinate(value: number): string {
  return Number.isFinite(value) ? String(Math.round(value * 100) / 100) : '0'
}
