import { loadConfig } from '@cidadao/config'
import { generateSignerKey } from '@cidadao/db'
import { loadAuditKeys } from '../../../audit/audit-keys.ts'
import type { CommandContext, OutputOptions } from '../../command-context.ts'
import { UsageError } from '../../errors.ts'
import { EXIT_CODES, type ExitCode } from '../../exit-codes.ts'
import { AUDIT_TEXTS } from '../../output/audit-texts.ts'

export interface AuditKeyOptions extends OutputOptions {
  readonly new?: boolean
}

/** `cidadao audit key`: the public keys of the log, for auditors. With `--new`, a fresh signing key in place of them. */
export async function auditKey(options: AuditKeyOptions, { terminal, language }: CommandContext): Promise<ExitCode> {
  const config = loadConfig()
  const { origin } = config.audit
  if (options.new === true) {
    const key = generateSignerKey(origin)
    terminal.err(AUDIT_TEXTS[language].newKey)
    terminal.out(options.json === true ? JSON.stringify({ origin, key }, null, 2) : key)
    return EXIT_CODES.success
  }
  const { vkeys } = await loadAuditKeys(config)
  if (vkeys.length === 0) throw new UsageError('no key of the log is configured; "cidadao audit key --new" makes one for CIDADAO_AUDIT_KEY')
  terminal.out(options.json === true ? JSON.stringify({ origin, vkeys }, null, 2) : vkeys.join('\n'))
  return EXIT_CODES.success
}
