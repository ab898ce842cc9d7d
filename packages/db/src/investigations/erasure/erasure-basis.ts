import { requireOneOf } from '../../option-checks.ts'

/**
 * Why an investigation is removed for good. A closed set, since it goes into the audit log, which never forgets: free
 * text could name the very person whose data is to be erased.
 *
 * - `lgpd-18-iv`: unnecessary, excessive or unlawful data (Lei 13.709/2018, art. 18, IV)
 * - `lgpd-18-vi`: the person withdrew consent (art. 18, VI)
 * - `retention`: it is older than it may be kept (art. 15 and 16)
 * - `owner-request`: its owner does not want it any more; no right of data protection was invoked
 */
export const ERASURE_BASES = ['lgpd-18-iv', 'lgpd-18-vi', 'retention', 'owner-request'] as const
export type ErasureBasis = (typeof ERASURE_BASES)[number]

/** Throws `InvalidOptionsError`. */
export function requireBasis(basis: ErasureBasis): ErasureBasis {
  return requireOneOf('basis', basis, ERASURE_BASES)
}
