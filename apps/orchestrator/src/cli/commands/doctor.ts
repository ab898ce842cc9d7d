import { loadConfig } from '@cidadao/config'
import type { CommandContext, OutputOptions } from '../command-context.ts'
import { errorLines, EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import type { Style } from '../output/terminal.ts'
import { quietUnlessAsked } from '../with-store.ts'
import { checkDatabase } from './doctor/database-checks.ts'
import { bad, type Diagnosis } from './doctor/diagnosis.ts'
import { checkDisk, checkNode, checkPort } from './doctor/machine-checks.ts'
import { checkAudit, checkRedis } from './doctor/service-checks.ts'

const MARKS: Readonly<Record<Diagnosis['status'], readonly [mark: string, style: Style]>> = {
  good: ['✓', 'green'],
  warning: ['!', 'yellow'],
  bad: ['✗', 'red'],
}

type Named = readonly [name: string, diagnosis: Diagnosis]

/** `cidadao doctor`: one line a check, with the mend where something is wrong. Exit code 1 when anything is. */
export async function doctor(options: OutputOptions, { terminal, language }: CommandContext): Promise<ExitCode> {
  const config = quietUnlessAsked(loadConfig())
  const one =
    (name: string, check: () => Diagnosis | Promise<Diagnosis>): (() => Promise<readonly Named[]>) =>
    async () => [[name, await check()]]
  const checks: readonly (readonly [name: string, check: () => Promise<readonly Named[]>])[] = [
    ['node', one('node', () => checkNode(language))],
    ['disk', one('disk', () => checkDisk(config, language))],
    ['port', one('port', () => checkPort(config, language))],
    ['database', () => checkDatabase(config, language)],
    ['audit', one('audit', () => checkAudit(config, language))],
    ['redis', one('redis', () => checkRedis(config, language))],
  ]
  const results: (Diagnosis & { readonly check: string })[] = []
  for (const [name, check] of checks) {
    terminal.status(`${name} …`)
    const found = await check().catch((thrown: unknown): readonly Named[] => [[name, bad(errorLines(thrown))]])
    results.push(...found.map(([part, diagnosis]) => ({ check: part, ...diagnosis })))
  }
  terminal.status('')
  const lines = results.map((result) => {
    const [mark, style] = MARKS[result.status]
    const mend = result.status !== 'good' && result.mend !== undefined ? `  →  ${result.mend}` : ''
    return `${terminal.style(style, mark)} ${result.check.padEnd(11)}${result.detail}${mend}`
  })
  terminal.out(options.json === true ? JSON.stringify(results, null, 2) : lines.join('\n'))
  return results.some(({ status }) => status === 'bad') ? EXIT_CODES.failure : EXIT_CODES.success
}
