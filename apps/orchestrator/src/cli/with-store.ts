import { loadConfig, type Config } from '@cidadao/config'
import { composeStore, type Store } from '../compose-store.ts'
import { VERSION } from '../version.ts'
import type { CommandContext } from './command-context.ts'
import { InterruptedError } from './errors.ts'

/** For a command that ends by itself the log is noise, unless somebody set its level. */
export function quietUnlessAsked(config: Config): Config {
  const level = config.effective.find(({ variable }) => variable === 'CIDADAO_LOG_LEVEL')
  return level?.source.kind === 'default' ? { ...config, log: { ...config.log, level: 'error' } } : config
}

/** Runs `work` with only the database up. @throws InterruptedError at Ctrl-C before that */
export async function withStore<Result>(context: CommandContext, work: (store: Store) => Promise<Result>): Promise<Result> {
  const config = quietUnlessAsked(loadConfig())
  return whileUp(composeStore(config, VERSION), context, work)
}

/** Starts, works, and takes down whatever happens. @throws InterruptedError at Ctrl-C before the work */
export async function whileUp<Up extends Store, Result>(
  service: Up,
  { signal, texts }: CommandContext,
  work: (service: Up) => Promise<Result>,
): Promise<Result> {
  try {
    await service.start(signal)
  } catch (error) {
    throw signal.aborted ? new InterruptedError(texts.interrupted, { cause: error }) : error
  }
  try {
    return await work(service)
  } finally {
    await service.stop()
  }
}
