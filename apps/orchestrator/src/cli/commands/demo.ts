import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scoreRules, writeSyntheticPortal, type PlantedAnomaly, type PlantedCounts } from '@cidadao/procurement'
import type { CommandContext, OutputOptions } from '../command-context.ts'
import type { ExitCode } from '../exit-codes.ts'
import type { InvestigationDocument } from '../output/investigation-document.ts'
import { renderScores } from '../output/render-scores.ts'
import { carryOut, type Closing } from './investigate.ts'

const SEED = 2024
const CONTRACTS = 3_000
const ITEMS = 4_000
/** Digits are left out: to plant them takes a tenth of all contracts, which would hide what is planted for the others. */
const PLANTED: PlantedCounts = {
  'supplier-concentration': 2,
  'duplicate-contract': 3,
  'amendment-growth': 4,
  'late-publication': 4,
  'round-value': 4,
  calendar: 4,
  'invalid-identifier': 4,
  'threshold-splitting': 3,
  'price-outlier': 12,
}

/** `cidadao demo`: one investigation to the end on generated contracts and items, for a machine without the official files. */
export async function demo(options: OutputOptions, context: CommandContext): Promise<ExitCode> {
  const { terminal, texts } = context
  const folder = await mkdtemp(join(tmpdir(), 'cidadao-synthetic-'))
  try {
    const { key } = await writeSyntheticPortal(folder, { seed: SEED, contracts: CONTRACTS, items: ITEMS, plantedAnomalies: PLANTED })
    const closing = (document: InvestigationDocument): Closing => closingOf(key, document, context)
    if (options.json === true) terminal.err(terminal.style('yellow', texts.synthetic, 'err'))
    return await carryOut({ query: texts.demoQuestion, source: folder, notice: texts.synthetic, closing, ...options }, context)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Only what is generated has a key: nobody knows what an official file should have been found to hold. */
function closingOf(key: readonly PlantedAnomaly[], { findings }: InvestigationDocument, context: CommandContext): Closing {
  const scores = scoreRules(key, findings)
  return { text: renderScores(scores, context), parts: { synthetic: { seed: SEED, planted: key, scores } } }
}
