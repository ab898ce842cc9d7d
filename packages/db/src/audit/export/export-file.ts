import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, truncate } from 'node:fs/promises'
import { hasCode } from '@cidadao/contracts'
import type { SqlExecutor } from '../../sql-executor.ts'
import { AuditFormatError } from '../audit-errors.ts'
import { exportAuditLog, type AuditExportOptions } from './audit-export.ts'
import type { ExportHeader } from './export-format.ts'
import { isFooter, parseHeader, readLines } from './export-lines.ts'

export interface AuditExportFile {
  readonly path: string
  readonly from: number
  readonly to: number
  readonly bytes: number
  /** Of the whole file, in hex: what `audit.pruned` records. */
  readonly sha256: string
  readonly outcome: 'written' | 'resumed'
}

/** An export that was broken off. */
interface Partial {
  readonly resume: { readonly header: ExportHeader; readonly after: number } | undefined
  /** Where its last whole line ends. */
  readonly bytes: number
}

const NEW_LINE = 0x0a

/**
 * Writes an export to `path`. It grows under `path.partial`, is flushed to disk, and only then gets its name: a file of
 * that name is whole. One that was broken off is gone on with where its last whole line ends, with its own range and
 * checkpoint; `from` and `to` count for a new one only.
 */
export async function writeAuditExport(
  sql: SqlExecutor,
  path: string,
  options: Omit<AuditExportOptions, 'resume'>,
): Promise<AuditExportFile> {
  const partialPath = `${path}.partial`
  const { resume, bytes } = await readPartial(partialPath)
  if (bytes > 0) await truncate(partialPath, bytes)
  const file = await open(partialPath, bytes > 0 ? 'a' : 'w')
  try {
    for await (const text of exportAuditLog(sql, { ...options, ...(resume !== undefined && { resume }) })) await file.appendFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(partialPath, path)
  return { path, ...(await describe(path)), outcome: resume === undefined ? 'written' : 'resumed' }
}

async function readPartial(path: string): Promise<Partial> {
  let header: ExportHeader | undefined
  let [bytes, entries] = [0, 0]
  try {
    for await (const line of readLines(createReadStream(path))) {
      if (!line.isWhole || isFooter(line.text)) break
      if (header === undefined) header = parseHeader(line.text)
      else entries += 1
      bytes += line.bytes
    }
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
  return header === undefined ? { resume: undefined, bytes: 0 } : { resume: { header, after: header.from - 1 + entries }, bytes }
}

async function describe(path: string): Promise<Pick<AuditExportFile, 'from' | 'to' | 'bytes' | 'sha256'>> {
  const hash = createHash('sha256')
  let bytes = 0
  let first: Buffer | undefined
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
    // The header may be longer than a chunk; it is the only line that is looked at.
    if (first?.includes(NEW_LINE) !== true) first = first === undefined ? chunk : Buffer.concat([first, chunk])
  }
  const header = first?.subarray(0, first.indexOf(NEW_LINE)).toString()
  if (header === undefined) throw new AuditFormatError('export: it has a first line', { facts: { format: 'export', rule: 'first line' } })
  const { from, to } = parseHeader(header)
  return { from, to, bytes, sha256: hash.digest('hex') }
}
