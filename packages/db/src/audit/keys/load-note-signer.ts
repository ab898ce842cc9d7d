import type { NoteSigner } from '../transparency/note-key.ts'
import { AuditKeyError } from './key-errors.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'
import { generateSignerKey, parseSignerKey } from './signer-key.ts'

/**
 * Where a signing key comes from: a secret that the caller holds, a file that must be there, or a file that is made at
 * the first use, for a single machine that has nobody to hand out keys.
 */
export type SignerKeySource =
  | { readonly from: 'text'; readonly text: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'file-or-new'; readonly path: string }

/**
 * The signer of the log `origin`. Processes that make the same file at once end up with the same key. Throws
 * `AuditKeyError`.
 */
export async function loadNoteSigner(origin: string, source: SignerKeySource): Promise<NoteSigner> {
  if (source.from === 'text') return signerOf(origin, source.text)
  const { path } = source
  const stored = await readKeyFile(path)
  if (stored !== undefined) return signerOf(origin, stored, path)
  if (source.from === 'file') throw new AuditKeyError('is there', { path })
  await createKeyFile(path, `${generateSignerKey(origin)}\n`)
  // Read again, and not used as generated: another process may have been faster.
  return signerOf(origin, (await readKeyFile(path)) ?? '', path)
}

function signerOf(origin: string, text: string, path?: string): NoteSigner {
  let signer: NoteSigner
  try {
    signer = parseSignerKey(text)
  } catch (error) {
    if (!(error instanceof AuditKeyError) || path === undefined) throw error
    throw new AuditKeyError(String(error.facts.rule), { path })
  }
  if (signer.name !== origin) throw new AuditKeyError(`is of the log ${origin}, not of ${signer.name}`, path === undefined ? {} : { path })
  return signer
}
