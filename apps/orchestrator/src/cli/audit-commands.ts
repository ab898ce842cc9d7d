import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Language } from '../plan/question.ts'
import type { OutputOptions } from './command-context.ts'
import type { AuditCheckpointOptions } from './commands/audit/checkpoint.ts'
import type { AuditEraseOptions } from './commands/audit/erase.ts'
import type { AuditExportCommandOptions } from './commands/audit/export.ts'
import type { AuditKeyOptions } from './commands/audit/key.ts'
import type { AuditProofOptions } from './commands/audit/prove.ts'
import type { AuditPruneCommandOptions } from './commands/audit/prune.ts'
import type { AuditVerifyCommandOptions } from './commands/audit/verify.ts'
import { AUDIT_HELP_TEXTS, type AuditHelpTexts } from './output/audit-help-texts.ts'
import type { Carry } from './program.ts'

export interface AuditCommandParts {
  readonly language: Language
  readonly json: () => Option
  readonly carry: Carry
}

interface Parts extends AuditCommandParts {
  readonly help: AuditHelpTexts
}

/** Of the database package, which help must not load; a test holds the two against each other. */
export const BASES = ['lgpd-18-iv', 'lgpd-18-vi', 'retention', 'owner-request'] as const

/** `cidadao audit …`. */
export function addAuditCommands(program: Command, given: AuditCommandParts): void {
  const parts = { ...given, help: AUDIT_HELP_TEXTS[given.language] }
  const audit = program.command('audit').description(parts.help.audit)
  addChecks(audit, parts)
  addProofs(audit, parts)
  addErasure(audit, parts)
}

function addChecks(audit: Command, { help, json, carry }: Parts): void {
  audit
    .command('verify')
    .description(help.verify)
    .option('--checkpoint <file>', help.verifyCheckpoint)
    .addOption(vkey(help))
    .option('--from <file>', help.verifyFrom)
    .addOption(json())
    .action((options: AuditVerifyCommandOptions) =>
      carry(async (context) => (await import('./commands/audit/verify.ts')).auditVerify(options, context)),
    )
  audit
    .command('checkpoint')
    .description(help.checkpoint)
    .option('--out <file>', help.checkpointOut)
    .addOption(json())
    .action((options: AuditCheckpointOptions) =>
      carry(async (context) => (await import('./commands/audit/checkpoint.ts')).auditCheckpoint(options, context)),
    )
  audit
    .command('key')
    .description(help.key)
    .option('--new', help.newKey)
    .addOption(json())
    .action((options: AuditKeyOptions) => carry(async (context) => (await import('./commands/audit/key.ts')).auditKey(options, context)))
  audit
    .command('entries')
    .argument('<id>', help.eraseId)
    .description(help.entries)
    .addOption(json())
    .action((id: string, options: OutputOptions) =>
      carry(async (context) => (await import('./commands/audit/entries.ts')).auditEntries(id, options, context)),
    )
}

function addProofs(audit: Command, { help, json, carry }: Parts): void {
  audit
    .command('prove')
    .argument('<entry>', help.entry)
    .description(help.prove)
    .option('--out <file>', help.proofOut)
    .addOption(vkey(help))
    .addOption(json())
    .action((entry: string, options: AuditProofOptions) =>
      carry(async (context) => (await import('./commands/audit/prove.ts')).auditProve(entry, options, context)),
    )
  audit
    .command('consistency')
    .argument('<older>', help.older, toSize)
    .argument('[newer]', help.newer, toSize)
    .description(help.consistency)
    .option('--out <file>', help.proofOut)
    .addOption(vkey(help))
    .addOption(json())
    .action((older: number, newer: number | undefined, options: AuditProofOptions) =>
      carry(async (context) => (await import('./commands/audit/prove.ts')).auditConsistency({ older, newer }, options, context)),
    )
  audit
    .command('export')
    .description(help.export)
    .option('--out <file>', help.exportOut)
    .addOption(new Option('--from <number>', help.exportFrom).argParser(toSize))
    .addOption(new Option('--to <number>', help.exportTo).argParser(toSize))
    .addOption(vkey(help))
    .addOption(json())
    .action((options: AuditExportCommandOptions) =>
      carry(async (context) => (await import('./commands/audit/export.ts')).auditExport(options, context)),
    )
}

function addErasure(audit: Command, { help, json, carry }: Parts): void {
  audit
    .command('erase')
    .argument('[id]', help.eraseId)
    .description(help.erase)
    .addOption(new Option('--basis <basis>', help.basis).choices(BASES).makeOptionMandatory())
    .option('--entry <id>', help.eraseEntry)
    .addOption(new Option('--field <name>', help.eraseField).argParser(collect))
    .option('--actor <pseudonym>', help.actor)
    .option('--request <number>', help.request)
    .addOption(json())
    .action((id: string | undefined, options: AuditEraseOptions) =>
      carry(async (context) => (await import('./commands/audit/erase.ts')).auditErase(id, options, context)),
    )
  audit
    .command('prune')
    .description(help.prune)
    .requiredOption('--archive <file>', help.archive)
    .option('--checkpoint <file>', help.pruneCheckpoint)
    .addOption(vkey(help))
    .addOption(json())
    .action((options: AuditPruneCommandOptions) =>
      carry(async (context) => (await import('./commands/audit/prune.ts')).auditPrune(options, context)),
    )
}

function vkey(help: AuditHelpTexts): Option {
  return new Option('--vkey <key>', help.vkey).argParser(collect)
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}

function toSize(text: string): number {
  const size = Number(text)
  if (/^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(size)) return size
  throw new InvalidArgumentError('It must be a whole number from 1')
}
