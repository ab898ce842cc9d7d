import { loadConfig } from '@cidadao/config'
import { compose, type House } from '../compose.ts'
import { VERSION } from '../version.ts'
import type { CommandContext } from './command-context.ts'
import { quietUnlessAsked, whileUp } from './with-store.ts'

/** Runs `work` with the whole system up, and takes it down whatever happens. @throws InterruptedError at Ctrl-C before that */
export async function withHouse<Result>(context: CommandContext, work: (house: House) => Promise<Result>): Promise<Result> {
  const config = quietUnlessAsked(loadConfig())
  return whileUp(compose(config, VERSION), context, work)
}
