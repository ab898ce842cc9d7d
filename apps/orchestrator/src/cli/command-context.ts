import { loadConfig, type Config } from '@cidadao/config'
import { compose, composeStore, type House, type Store } from '../compose.ts'
import type { Language } from '../plan/question.ts'
import { VERSION } from '../version.ts'
import type { Terminal } from './terminal.ts'
import { CLI_TEXTS, languageOfLocale, type CliTexts } from './texts.ts'

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal
  /** Aborts at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
  readonly language: Language
  readonly texts: CliTexts
}

export interface GlobalOptions {
  readonly lang?: Language
}

/** The language asked for, or else the person's own. */
export function toContext(terminal: Terminal, signal: AbortSignal, { lang }: GlobalOptions): CommandContext {
  const language = lang ?? languageOfLocale(Intl.DateTimeFormat().resolvedOptions().locale)
  return { terminal, signal, language, texts: CLI_TEXTS[language] }
}

/** For a command that ends by itself the log is noise, unless somebody set its level. */
export function quietUnlessAsked(config: Config): Config {
  const level = config.effective.find(({ variable }) => variable === 'CIDADAO_LOG_LEVEL')
  return level?.source.kind === 'default' ? { ...config, log: { ...config.log, level: 'error' } } : config
}

/** Runs `work` with the whole system up, and takes it down whatever happens. */
export async function withHouse<Result>(context: CommandContext, work: (house: House, config: Config) => Promise<Result>): Promise<Result> {
  const config = quietUnlessAsked(loadConfig())
  const house = compose(config, VERSION)
  await house.start(context.signal)
  try {
    return await work(house, config)
  } finally {
    await house.stop()
  }
}

/** Runs `work` with only the database up. */
export async function withStore<Result>(context: CommandContext, work: (store: Store, config: Config) => Promise<Result>): Promise<Result> {
  const config = quietUnlessAsked(loadConfig())
  const store = composeStore(config, VERSION)
  await store.start(context.signal)
  try {
    return await work(store, config)
  } finally {
    await store.stop()
  }
}
