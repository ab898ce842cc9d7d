import type { Language } from '../plan/question.ts'
import type { Terminal } from './output/terminal.ts'
import { CLI_TEXTS, type CliTexts } from './output/texts.ts'

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal
  /** Aborts at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
  readonly language: Language
  readonly texts: CliTexts
}

/** Takes `--json`, as most commands do. */
export interface OutputOptions {
  readonly json?: boolean
}

export function toContext(terminal: Terminal, signal: AbortSignal, language: Language): CommandContext {
  return { terminal, signal, language, texts: CLI_TEXTS[language] }
}
