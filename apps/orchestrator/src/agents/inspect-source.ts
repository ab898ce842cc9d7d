import { readContracts } from '@cidadao/procurement'

/** Rows that may be broken at the beginning before the rest is left to the investigation, which counts and lists them. */
const ROWS_INSPECTED = 1_000

/**
 * Reads the beginning of a source: that it exists, holds the files, has the right header and encoding. Cheap whatever
 * the size, and however many of its rows are broken. @throws what the loader would throw.
 */
export async function inspectSource(source: string): Promise<void> {
  let rows = 0
  for await (const event of readContracts(source)) if (event.kind !== 'rejected' || ++rows >= ROWS_INSPECTED) return
}
