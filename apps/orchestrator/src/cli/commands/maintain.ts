import { describeConfig, loadConfig } from '@cidadao/config'
import { composeStore } from '../../compose.ts'
import { VERSION } from '../../version.ts'
import { quietUnlessAsked, withStore, type CommandContext } from '../command-context.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import type { OutputOptions } from './look-up.ts'

/** `cidadao audit verify`: recomputes the whole log. Exit code 1 when it does not hold. */
export function auditVerify(options: OutputOptions, context: CommandContext): Promise<ExitCode> {
  return withStore(context, async ({ db }) => {
    const { terminal } = context
    const onProgress = ({ checked, total }: { checked: number; total: number }): void => terminal.status(`${checked}/${total}`)
    const verdict = await db.audit.verify(db.sql, { onProgress, signal: context.signal })
    terminal.status('')
    if (options.json === true) terminal.out(JSON.stringify({ origin: db.audit.origin, ...verdict }, null, 2))
    else if (verdict.ok) terminal.out(`${terminal.style('green', '✓')} ${db.audit.origin}: ${context.texts.audit(verdict.checked, true)}`)
    else
      terminal.out(
        `${terminal.style('red', '✗')} ${db.audit.origin}: ${verdict.kind} at entry ${verdict.firstBadSeq ?? '?'}: ${verdict.detail}`,
      )
    return verdict.ok ? EXIT_CODES.success : EXIT_CODES.failure
  })
}

/** `cidadao migrate`: brings the schema of the configured database up to date. */
export async function migrateDatabase(options: OutputOptions, context: CommandContext): Promise<ExitCode> {
  const config = quietUnlessAsked(loadConfig())
  const store = composeStore(config, VERSION, { migrations: 'apply' })
  const applied: number[] = []
  store.db.events.on('migrated', (event) => applied.push(event.applied))
  await store.start(context.signal)
  await store.stop()
  const count = applied.reduce((sum, one) => sum + one, 0)
  context.terminal.out(options.json === true ? JSON.stringify({ applied: count }) : context.texts.migrated(count))
  return EXIT_CODES.success
}

/** `cidadao config`: what is in force and where it came from, secrets hidden. */
export function showConfig(options: OutputOptions, { terminal }: CommandContext): ExitCode {
  const { rows, text } = describeConfig(loadConfig())
  terminal.out(options.json === true ? JSON.stringify(rows, null, 2) : text)
  return EXIT_CODES.success
}
