import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeSyntheticPortal } from '@cidadao/procurement'
import type { CommandContext, OutputOptions } from '../command-context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { carryOut } from './investigate.ts'

const SEED = 2024
const CONTRACTS = 3_000

/** `cidadao demo`: one investigation to the end on generated contracts, for a machine without the official files. */
export async function demo(options: OutputOptions, context: CommandContext): Promise<ExitCode> {
  const { terminal, texts } = context
  const folder = await mkdtemp(join(tmpdir(), 'cidadao-synthetic-'))
  try {
    await writeSyntheticPortal(folder, { seed: SEED, contracts: CONTRACTS })
    if (options.json === true) terminal.err(terminal.style('yellow', texts.synthetic, 'err'))
    return await carryOut({ query: texts.demoQuestion, source: folder, notice: texts.synthetic, ...options }, context)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
