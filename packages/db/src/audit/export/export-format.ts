/** The first line of an export. Everything that an auditor needs beside the entries, except the log's key by another way. */
export interface ExportHeader {
  readonly format: typeof EXPORT_FORMAT
  readonly origin: string
  /** Number of the first entry. */
  readonly from: number
  /** Number of the last entry; `from - 1` for none. */
  readonly to: number
  /** hₙ of the entry before the first, in hex; of genesis for the first of all. */
  readonly prev: string
  /** Roots of the complete subtrees over the entries before the first, largest first, in hex. */
  readonly frontier: readonly string[]
  /** A signed checkpoint that covers the entries, or as many as are signed; null where there is none. */
  readonly checkpoint: string | null
  /** The log's public keys. Proof only for who compares them with what they know from elsewhere. */
  readonly vkeys: readonly string[]
}

/** The last line of an export, so that one that was cut off is not taken for whole. */
export interface ExportFooter {
  readonly format: typeof EXPORT_END_FORMAT
  readonly count: number
  /** hₙ of the last entry, in hex. */
  readonly hash_chain: string
  /** Where the checkpoint covers more than the export: the proof that it goes on from the last entry, in base64. */
  readonly consistency: readonly string[]
}

export const EXPORT_FORMAT = 'cidadao-audit-export/v1'
export const EXPORT_END_FORMAT = 'cidadao-audit-export/v1/end'
