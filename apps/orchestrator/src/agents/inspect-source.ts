import { identifySource } from '@cidadao/procurement'

/**
 * Looks at the names and headers of a source: that it exists, holds files that are known, in the right encoding. Cheap
 * whatever the size; broken rows are left to the investigation, which counts and lists them. @throws what the loader would throw
 */
export async function inspectSource(source: string): Promise<void> {
  await identifySource(source)
}
