import type { InvestigationStatus } from '@cidadao/db'
import type { Severity } from '@cidadao/procurement'
import type { Language } from '../../plan/question.ts'

/** How well the rules found what was planted, as `demo` says it. */
export interface ScoreTexts {
  readonly title: string
  readonly meaning: string
  readonly header: Readonly<Record<'rule' | 'planted' | 'found' | 'recall' | 'precision', string>>
}

/** Everything the terminal says, in both languages; a missing translation does not compile. */
export interface CliTexts {
  readonly starting: string
  readonly listening: (url: string) => string
  readonly localKey: (key: string, path: string) => string
  readonly stopHint: string
  readonly stopping: string
  readonly stopped: string
  readonly recovered: (count: number) => string
  readonly emptyHint: string
  readonly noRedis: string
  readonly redisUnreachable: (reason: string) => string
  readonly investigation: string
  readonly status: string
  readonly source: string
  readonly contracts: string
  readonly totalInitialValue: string
  readonly rejectedRows: string
  readonly population: string
  readonly records: (count: number) => string
  readonly benign: string
  readonly audit: (entries: number, verified: boolean) => string
  readonly fromCache: string
  readonly computed: string
  readonly gaps: (steps: string) => string
  readonly disclaimer: string
  readonly synthetic: string
  readonly demoQuestion: string
  readonly scores: ScoreTexts
  readonly interrupted: string
  readonly cancelled: (id: string) => string
  readonly auditBroken: (fault: string, sequence: number | null) => string
  readonly statuses: Readonly<Record<InvestigationStatus, string>>
  readonly severities: Readonly<Record<Severity, string>>
  /** Column heads of `list`. */
  readonly listHeader: Readonly<Record<'id' | 'status' | 'createdAt' | 'anomaliesFound' | 'query', string>>
  readonly moreToList: (shown: number) => string
  readonly moreRejected: (count: number) => string
  readonly nothingYet: string
  readonly savedTo: (path: string) => string
  readonly migrated: (count: number) => string
}

const en: CliTexts = {
  starting: 'Starting (PostgreSQL, migrations, agents) …',
  listening: (url) => `Listening on ${url}`,
  localKey: (key, path) => `Local key  ${key}   (kept in ${path})`,
  stopHint: 'Ctrl-C stops.',
  stopping: 'Stopping: finishing what is under way …',
  stopped: 'Stopped.',
  recovered: (count) => `Taking up ${count} unfinished investigation${count === 1 ? '' : 's'}.`,
  emptyHint: 'No investigation yet: try "npm run demo" in another terminal.',
  noRedis: 'No Redis configured: the cache works in memory and PostgreSQL.',
  redisUnreachable: (reason) => `Redis is configured but not usable (${reason}): the cache works in memory and PostgreSQL and tries again.`,
  investigation: 'Investigation',
  status: 'Status',
  source: 'Source',
  contracts: 'Contracts',
  totalInitialValue: 'Initial value',
  rejectedRows: 'Rejected rows',
  population: 'population',
  records: (count) => `${count} record${count === 1 ? '' : 's'}`,
  benign: 'May be harmless',
  audit: (entries, verified) =>
    `${entries} audit ${entries === 1 ? 'entry' : 'entries'}, ${verified ? 'chain verified' : 'CHAIN NOT VERIFIED'}`,
  fromCache: 'from the cache: the source is unchanged (same SHA-256)',
  computed: 'computed',
  gaps: (steps) => `Incomplete: these steps failed or were skipped: ${steps}`,
  disclaimer: 'Findings are indications for people to look into, not proof of wrongdoing.',
  synthetic: 'SYNTHETIC DATA: generated for this demonstration, no real contract, company or person.',
  demoQuestion: 'Analyze all contracts of 2024 (synthetic data)',
  scores: {
    title: 'What was planted, and what the rules found of it',
    meaning:
      'Recall: share of the planted records that the rule lists. Precision: share of the listed records that were planted for it. It shows that the rules work on made-up rows, not how often they are right on real ones.',
    header: { rule: 'Rule', planted: 'Planted', found: 'Found', recall: 'Recall', precision: 'Precision' },
  },
  interrupted: 'interrupted before the work began; nothing was saved',
  cancelled: (id) => `interrupted: investigation ${id} was cancelled`,
  auditBroken: (fault, sequence) => `THE LOG DOES NOT HOLD, ${fault}${sequence === null ? '' : ` at entry ${sequence}`}`,
  statuses: { pending: 'pending', processing: 'processing', completed: 'completed', error: 'error', cancelled: 'cancelled' },
  severities: { info: 'info', low: 'low', medium: 'medium', high: 'high' },
  listHeader: { id: 'Id', status: 'Status', createdAt: 'Submitted (UTC)', anomaliesFound: 'Findings', query: 'Question' },
  moreToList: (shown) => `Only the newest ${shown} are shown; --limit shows more.`,
  moreRejected: (count) => `and ${count} more, see --json`,
  nothingYet: 'No investigation yet.',
  savedTo: (path) => `Written to ${path}`,
  migrated: (count) => (count === 0 ? 'The schema is up to date.' : `${count} migration${count === 1 ? '' : 's'} applied.`),
}

const pt: CliTexts = {
  starting: 'Iniciando (PostgreSQL, migrações, agentes) …',
  listening: (url) => `Atendendo em ${url}`,
  localKey: (key, path) => `Chave local  ${key}   (guardada em ${path})`,
  stopHint: 'Ctrl-C encerra.',
  stopping: 'Encerrando: concluindo o que está em andamento …',
  stopped: 'Encerrado.',
  recovered: (count) => `Retomando ${count} ${count === 1 ? 'investigação inacabada' : 'investigações inacabadas'}.`,
  emptyHint: 'Nenhuma investigação ainda: experimente "npm run demo" em outro terminal.',
  noRedis: 'Nenhum Redis configurado: o cache funciona em memória e PostgreSQL.',
  redisUnreachable: (reason) =>
    `Redis configurado, mas indisponível (${reason}): o cache funciona em memória e PostgreSQL e tenta de novo.`,
  investigation: 'Investigação',
  status: 'Situação',
  source: 'Fonte',
  contracts: 'Contratos',
  totalInitialValue: 'Valor inicial',
  rejectedRows: 'Linhas rejeitadas',
  population: 'população',
  records: (count) => (count === 1 ? '1 registro' : `${count} registros`),
  benign: 'Pode ser inofensivo',
  audit: (entries, verified) =>
    `${entries} ${entries === 1 ? 'entrada' : 'entradas'} de auditoria, ${verified ? 'cadeia verificada' : 'CADEIA NÃO VERIFICADA'}`,
  fromCache: 'do cache: a fonte não mudou (mesmo SHA-256)',
  computed: 'calculado',
  gaps: (steps) => `Incompleto: estas etapas falharam ou foram puladas: ${steps}`,
  disclaimer: 'Achados são indícios a serem examinados por pessoas, não prova de irregularidade.',
  synthetic: 'DADOS SINTÉTICOS: gerados para esta demonstração; nenhum contrato, empresa ou pessoa real.',
  demoQuestion: 'Analise todos os contratos de 2024 (dados sintéticos)',
  scores: {
    title: 'O que foi plantado, e o que as regras encontraram',
    meaning:
      'Revocação: parte dos registros plantados que a regra lista. Precisão: parte dos registros listados que foram plantados para ela. Mostra que as regras funcionam em linhas inventadas, não quantas vezes acertam nas reais.',
    header: { rule: 'Regra', planted: 'Plantados', found: 'Achados', recall: 'Revocação', precision: 'Precisão' },
  },
  interrupted: 'interrompido antes de o trabalho começar; nada foi gravado',
  cancelled: (id) => `interrompido: a investigação ${id} foi cancelada`,
  auditBroken: (fault, sequence) => `O REGISTRO NÃO É ÍNTEGRO, ${fault}${sequence === null ? '' : ` na entrada ${sequence}`}`,
  statuses: { pending: 'pendente', processing: 'em andamento', completed: 'concluída', error: 'erro', cancelled: 'cancelada' },
  severities: { info: 'info', low: 'baixa', medium: 'média', high: 'alta' },
  listHeader: { id: 'Id', status: 'Situação', createdAt: 'Enviada (UTC)', anomaliesFound: 'Achados', query: 'Pergunta' },
  moreToList: (shown) => `Só as ${shown} mais recentes são mostradas; --limit mostra mais.`,
  moreRejected: (count) => `e mais ${count}, veja --json`,
  nothingYet: 'Nenhuma investigação ainda.',
  savedTo: (path) => `Gravado em ${path}`,
  migrated: (count) =>
    count === 0 ? 'O esquema está atualizado.' : `${count} ${count === 1 ? 'migração aplicada' : 'migrações aplicadas'}.`,
}

export const CLI_TEXTS: Readonly<Record<Language, CliTexts>> = { en, pt }

/** `pt_BR.UTF-8` → Portuguese; anything else → English. */
export function languageOfLocale(locale: string | undefined): Language {
  return /^pt\b/i.test((locale ?? '').replace('_', '-')) ? 'pt' : 'en'
}
