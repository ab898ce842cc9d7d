export const ORIGIN_KINDS = ['default', 'preset', 'env-file', 'environment', 'secret-file', 'override'] as const
export type OriginKind = (typeof ORIGIN_KINDS)[number]

/** Where a value came from. */
export interface Origin {
  readonly kind: OriginKind
  /** The preset's name or the file's path, where there is one. */
  readonly detail?: string
}

/** The text of one variable and its origin. */
export interface Setting {
  readonly text: string
  readonly origin: Origin
}

export function originText({ kind, detail }: Origin): string {
  switch (kind) {
    case 'preset':
      return `preset ${detail ?? ''}`.trimEnd()
    case 'env-file':
      return detail ?? kind
    case 'secret-file':
      return `file ${detail ?? ''}`.trimEnd()
    case 'default':
    case 'environment':
    case 'override':
      return kind
  }
}
