import type { FindingOutcome, Severity } from '../findings/finding.ts'
import type { LocalizedText } from '../values/localized-text.ts'

export const OUTCOME_WORDS: Readonly<Record<FindingOutcome, LocalizedText>> = {
  indication: { en: 'indication', pt: 'indício' },
  'nothing-found': { en: 'nothing found', pt: 'nada encontrado' },
  'population-too-small': { en: 'too few records', pt: 'registros insuficientes' },
}

export const SEVERITY_WORDS: Readonly<Record<Severity, LocalizedText>> = {
  info: { en: 'for information', pt: 'informativo' },
  low: { en: 'low', pt: 'baixa' },
  medium: { en: 'medium', pt: 'média' },
  high: { en: 'high', pt: 'alta' },
}

type Word =
  | 'title'
  | 'caution'
  | 'question'
  | 'source'
  | 'contracts'
  | 'initialValue'
  | 'finalValue'
  | 'largest'
  | 'rowsRead'
  | 'rejected'
  | 'missing'
  | 'findings'
  | 'rule'
  | 'outcome'
  | 'severity'
  | 'population'
  | 'threshold'
  | 'records'
  | 'shown'
  | 'benign'
  | 'key'
  | 'value'
  | 'who'
  | 'place'
  | 'crossCheck'
  | 'confidence'
  | 'rules'
  | 'digits'
  | 'suppliers'
  | 'prices'
  | 'usualPrice'
  | 'paidPrice'

export const WORDS: Readonly<Record<Word, LocalizedText>> = {
  title: { en: 'Report on public procurement', pt: 'Relatório sobre contratações públicas' },
  caution: {
    en: 'What follows are indications, not verdicts: each has harmless explanations, which are named, and must be checked by people.',
    pt: 'O que segue são indícios, não veredictos: cada um tem explicações inofensivas, que são citadas, e deve ser conferido por pessoas.',
  },
  question: { en: 'Question', pt: 'Pergunta' },
  source: { en: 'Source', pt: 'Fonte' },
  contracts: { en: 'Contracts', pt: 'Contratos' },
  initialValue: { en: 'Initial value', pt: 'Valor inicial' },
  finalValue: { en: 'Final value', pt: 'Valor final' },
  largest: { en: 'Largest contract', pt: 'Maior contrato' },
  rowsRead: { en: 'Rows read', pt: 'Linhas lidas' },
  rejected: { en: 'Rows that could not be read', pt: 'Linhas que não puderam ser lidas' },
  missing: { en: 'Missing, since it failed', pt: 'Ausente, por ter falhado' },
  findings: { en: 'Findings', pt: 'Resultados' },
  rule: { en: 'Rule', pt: 'Regra' },
  outcome: { en: 'Outcome', pt: 'Resultado' },
  severity: { en: 'Severity', pt: 'Gravidade' },
  population: { en: 'Records examined', pt: 'Registros examinados' },
  threshold: { en: 'Threshold', pt: 'Limiar' },
  records: { en: 'Records', pt: 'Registros' },
  shown: { en: 'shown', pt: 'mostrados' },
  benign: { en: 'Harmless explanations', pt: 'Explicações inofensivas' },
  key: { en: 'Record', pt: 'Registro' },
  value: { en: 'Value', pt: 'Valor' },
  who: { en: 'Supplier or unit', pt: 'Fornecedor ou unidade' },
  place: { en: 'File and line', pt: 'Arquivo e linha' },
  crossCheck: { en: 'Records on which independent rules agree', pt: 'Registros em que regras independentes concordam' },
  confidence: { en: 'Confidence', pt: 'Confiança' },
  rules: { en: 'Rules', pt: 'Regras' },
  digits: { en: "First digits (bars) and Benford's law (line)", pt: 'Primeiros dígitos (barras) e lei de Benford (linha)' },
  suppliers: { en: 'Largest suppliers by initial value', pt: 'Maiores fornecedores por valor inicial' },
  prices: { en: 'Dear items: price over the usual price', pt: 'Itens caros: preço sobre o preço usual' },
  usualPrice: { en: 'usual price (R$, logarithmic)', pt: 'preço usual (R$, logarítmico)' },
  paidPrice: { en: 'price (R$, logarithmic)', pt: 'preço (R$, logarítmico)' },
}
