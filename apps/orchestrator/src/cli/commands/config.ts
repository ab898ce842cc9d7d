import { describeConfig, loadConfig } from '@cidadao/config'
import type { CommandContext, OutputOptions } from '../command-context.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'

/** `cidadao config`: what is in force and where it came from, secrets hidden. */
export function showConfig(options: OutputOptions, { terminal }: CommandContext): ExitCode {
  const config = loadConfig()
  const { rows, text } = describeConfig(config)
  terminal.out(options.json === true ? JSON.stringify({ settings: rows, warnings: config.warnings }, null, 2) : text)
  return EXIT_CODES.success
}
