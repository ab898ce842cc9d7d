import type { Language } from '../../plan/question.ts'

/** What `--help` says, in both languages. The refusals of the argument parser are in English, like all errors. */
export interface HelpTexts {
  readonly program: string
  readonly version: string
  readonly help: string
  readonly lang: string
  readonly json: string
  readonly start: string
  readonly investigate: string
  readonly question: string
  readonly source: string
  readonly out: string
  readonly demo: string
  readonly list: string
  readonly limit: string
  readonly show: string
  readonly id: string
  readonly migrate: string
  readonly doctor: string
  readonly config: string
  /** The parser's own headings, where they differ. */
  readonly titles: Readonly<Record<string, string>>
}

const en: HelpTexts = {
  program: 'Investigates public spending: durable, provable, to the digit.',
  version: 'print the version',
  help: 'print help on a command',
  lang: 'language of the output, en or pt; without it, the language of this machine',
  json: 'one JSON document on standard output, nothing else',
  start: 'start the orchestrator and its HTTP API',
  investigate: 'run one investigation to the end',
  question: 'for example "Analyze Ministry of Health contracts 2024"',
  source: 'folder, ZIP or CSV file of the Portal da Transparência (required)',
  out: 'also write the JSON document to this file',
  demo: 'run one investigation on generated, synthetic contracts and items, and score the rules by what was planted',
  list: 'the newest investigations',
  limit: 'how many, 1 to 500; 20 without it',
  show: 'one investigation with its findings',
  id: 'as "list" shows it',
  migrate: 'bring the schema of the database up to date',
  doctor: 'check this machine and the services, with the mend for each fault',
  config: 'the configuration in force, secrets hidden',
  titles: {},
}

const pt: HelpTexts = {
  program: 'Investiga gastos públicos: durável, comprovável, exato até o último dígito.',
  version: 'mostra a versão',
  help: 'mostra a ajuda de um comando',
  lang: 'idioma da saída, en ou pt; sem ela, o idioma desta máquina',
  json: 'um único documento JSON na saída padrão, nada mais',
  start: 'inicia o orquestrador e sua API HTTP',
  investigate: 'executa uma investigação até o fim',
  question: 'por exemplo "Analise os contratos do Ministério da Saúde em 2024"',
  source: 'pasta, ZIP ou arquivo CSV do Portal da Transparência (obrigatória)',
  out: 'grava o documento JSON também neste arquivo',
  demo: 'executa uma investigação sobre contratos e itens sintéticos, gerados, e avalia as regras pelo que foi plantado',
  list: 'as investigações mais recentes',
  limit: 'quantas, de 1 a 500; 20 sem ela',
  show: 'uma investigação com seus achados',
  id: 'como "list" a mostra',
  migrate: 'atualiza o esquema do banco de dados',
  doctor: 'verifica esta máquina e os serviços, com a correção de cada falha',
  config: 'a configuração em vigor, sem os segredos',
  titles: { 'Usage:': 'Uso:', 'Arguments:': 'Argumentos:', 'Options:': 'Opções:', 'Commands:': 'Comandos:' },
}

export const HELP_TEXTS: Readonly<Record<Language, HelpTexts>> = { en, pt }
