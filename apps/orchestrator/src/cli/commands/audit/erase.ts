import type { AuditActor, AuditVerification, Erasure, ErasureBasis } from '@cidadao/db'
import type { CommandContext, OutputOptions } from '../../command-context.ts'
import { UsageError } from '../../errors.ts'
import { EXIT_CODES, type ExitCode } from '../../exit-codes.ts'
import { withAudit, type AuditWork } from './audit-work.ts'

export interface AuditEraseOptions extends OutputOptions {
  readonly basis: ErasureBasis
  readonly entry?: string
  readonly field?: readonly string[]
  readonly actor?: string
  readonly request?: string
}

/**
 * `cidadao audit erase ID --basis …`: removes an investigation with its personal data, or single values of one entry.
 * The log's entries stay, without what opened their commitments, and it is verified before the command ends.
 */
export function auditErase(id: string | undefined, options: AuditEraseOptions, context: CommandContext): Promise<ExitCode> {
  const target = targetOf(id, options)
  return withAudit({}, context, async (audit) => {
    const erased = target.kind === 'entry' ? await eraseFields(audit, target, options) : await eraseInvestigation(audit, target.id, options)
    const verdict = await audit.db.audit.verify(audit.db.sql, { signal: context.signal })
    report({ erased, verdict }, options, { audit, context })
    return verdict.ok ? EXIT_CODES.success : EXIT_CODES.failure
  })
}

type Target =
  | { readonly kind: 'investigation'; readonly id: string }
  | { readonly kind: 'entry'; readonly entry: string; readonly fields: readonly string[] }

/** @throws UsageError */
function targetOf(id: string | undefined, { entry, field }: AuditEraseOptions): Target {
  if (id !== undefined && entry === undefined && field === undefined) return { kind: 'investigation', id }
  if (id === undefined && entry !== undefined && field !== undefined) return { kind: 'entry', entry, fields: field }
  throw new UsageError('name either an investigation, or an entry of the log by --entry with one --field or more')
}

type Erased = ({ readonly kind: 'investigation' } & Erasure) | { readonly kind: 'entry'; readonly entry: string; readonly openings: number }

async function eraseInvestigation({ db }: AuditWork, id: string, options: AuditEraseOptions): Promise<Erased> {
  const erasure = await db.investigations.erase(id, { actor: actorOf(options), basis: options.basis, ...requestOf(options) })
  return { kind: 'investigation', ...erasure }
}

async function eraseFields(
  { db }: AuditWork,
  { entry, fields }: { readonly entry: string; readonly fields: readonly string[] },
  options: AuditEraseOptions,
): Promise<Erased> {
  const request = { entry, fields, basis: options.basis, actor: actorOf(options), ...requestOf(options) }
  await db.transaction((tx) => db.audit.redact(tx.sql, request))
  return { kind: 'entry', entry, openings: fields.length }
}

function actorOf({ actor }: AuditEraseOptions): AuditActor {
  return actor === undefined ? { kind: 'system', component: 'cli' } : { kind: 'human', id: actor }
}

function requestOf({ request }: AuditEraseOptions): { readonly requestId?: string } {
  return request === undefined ? {} : { requestId: request }
}

function report(
  { erased, verdict }: { readonly erased: Erased; readonly verdict: AuditVerification },
  options: AuditEraseOptions,
  { audit, context }: { readonly audit: AuditWork; readonly context: CommandContext },
): void {
  const { terminal, texts } = context
  if (options.json === true) {
    const { ok, checked } = verdict
    terminal.out(JSON.stringify({ erased, basis: options.basis, audit: { verified: ok, entries: checked } }, null, 2))
    return
  }
  const what =
    erased.kind === 'investigation'
      ? audit.texts.erasedInvestigation(erased.investigationId, erased.openings)
      : audit.texts.erasedFields(erased.entry, erased.openings)
  const chain = verdict.ok
    ? texts.audit(verdict.checked, true)
    : `${texts.auditBroken(verdict.kind, verdict.firstBadSeq)}: ${verdict.detail}`
  const mark = verdict.ok ? terminal.style('green', '✓') : terminal.style('red', '✗')
  terminal.out(`${what}\n${mark} ${chain}`)
}
