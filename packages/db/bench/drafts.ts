import { randomUUID } from 'node:crypto'
import type { InvestigationDraft } from '../src/index.ts'

const FINDINGS = Array.from({ length: 5 }, (_, n) => ({
  rule: 'price.above.reference',
  supplier: `Fornecedor Exemplo ${n} Ltda`,
  contract: `0000${n}/2024`,
  amount: '12345.67',
  confidence: 0.83,
  note: 'Preço acima da referência do mesmo mês',
}))

/** A new investigation with its result: 0.9 KB as JSON. */
export function completedDraft(): InvestigationDraft & { readonly id: string } {
  return {
    id: randomUUID(),
    userId: 'bench',
    query: 'Analise os contratos do Ministério da Saúde de 2024 com valores acima da referência',
    status: 'completed',
    completedAt: new Date(),
    results: { findings: FINDINGS },
    metadata: { source: 'portal', year: 2024 },
    confidenceScore: 0.83,
    anomaliesFound: 5,
    processingTimeMs: 1_234,
  }
}
