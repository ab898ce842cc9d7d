import { readContracts } from '@cidadao/procurement'

/**
 * Reads the beginning of a source: that it exists, holds the files, has the right header and encoding. Cheap whatever
 * the size. @throws what the loader would throw.
 */
export async function inspectSource(source: string): Promise<void> {
  for await (const event of readContracts(source)) if (event.kind !== 'rejected') return
}
