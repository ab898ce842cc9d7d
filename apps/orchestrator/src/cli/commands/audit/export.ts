import { exportAuditLog, storedCheckpoints, writeAuditExport, type AuditExportOptions } from '@cidadao/db'
import type { CommandContext, OutputOptions } from '../../command-context.ts'
import { UsageError } from '../../errors.ts'
import { EXIT_CODES, type ExitCode } from '../../exit-codes.ts'
import { openOutFile } from '../../output/out-file.ts'
import { requireKeys, withAudit, type AuditWork, type KeyOptions } from './audit-work.ts'

export interface AuditExportCommandOptions extends OutputOptions, KeyOptions {
  readonly out?: string
  readonly from?: number
  readonly to?: number
}

/** `cidadao audit export`: the log, or a part of it, for auditors, who need nothing but Node.js to verify it. */
export function auditExport(options: AuditExportCommandOptions, context: CommandContext): Promise<ExitCode> {
  const { out } = options
  if (out === undefined && options.json === true) {
    throw new UsageError('--json tells of a written file; name one with --out, or leave --json out: the export itself is JSON lines')
  }
  return withAudit(options, context, async (audit) => {
    const asked = exportOptions(audit, options, context)
    if (out === undefined) await print(audit, asked, context)
    else await write(audit, { path: out, asked, options }, context)
    return EXIT_CODES.success
  })
}

function exportOptions(
  audit: AuditWork,
  { from, to }: AuditExportCommandOptions,
  { terminal, signal }: CommandContext,
): AuditExportOptions {
  return {
    origin: audit.db.audit.origin,
    vkeys: requireKeys(audit),
    checkpoints: storedCheckpoints(audit.db.sql),
    signal,
    onProgress: ({ exported, total }) => terminal.status(`${exported}/${total}`),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  }
}

async function print({ db }: AuditWork, asked: AuditExportOptions, { terminal }: CommandContext): Promise<void> {
  for await (const text of exportAuditLog(db.sql, asked)) await terminal.stream(text)
  terminal.status('')
}

interface Writing {
  readonly path: string
  readonly asked: AuditExportOptions
  readonly options: AuditExportCommandOptions
}

async function write({ db, texts }: AuditWork, { path, asked, options }: Writing, { terminal }: CommandContext): Promise<void> {
  // Only to learn before the work whether the file can be written: the export has a way of its own, which can be gone on with.
  await (await openOutFile(path)).discard()
  const written = await writeAuditExport(db.sql, path, asked)
  terminal.status('')
  if (options.json === true) terminal.out(JSON.stringify(written, null, 2))
  else terminal.out([texts.exported(written), `  sha256 ${written.sha256}`, `  ${texts.verifyWith(path)}`].join('\n'))
}
