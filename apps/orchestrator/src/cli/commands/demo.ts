import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { withHouse, type CommandContext } from '../command-context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { investigateIn } from './investigate.ts'
import type { OutputOptions } from './look-up.ts'

const SEED = 2024
const CONTRACTS = 3_000

/** `cidadao demo`: one investigation to the end on generated contracts, for a machine without the official files. */
export async function demo(options: OutputOptions, context: CommandContext): Promise<ExitCode> {
  const { terminal, texts, language } = context
  const folder = await mkdtemp(join(tmpdir(), 'cidadao-synthetic-'))
  try {
    await writeSyntheticPortal(folder, { seed: SEED, contracts: CONTRACTS })
    terminal.err(terminal.style('yellow', texts.synthetic))
    const query =
      language === 'pt' ? 'Analise todos os contratos de 2024 (dados sintéticos)' : 'Analyze all contracts of 2024 (synthetic data)'
    return await withHouse(context, (house) => investigateIn(house, { query, source: folder, ...options }, context))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
