import type { Language } from '../../plan/question.ts'

/** What `cidadao audit --help` says, in both languages. */
export interface AuditHelpTexts {
  readonly audit: string
  readonly verify: string
  readonly verifyCheckpoint: string
  readonly verifyFrom: string
  readonly vkey: string
  readonly checkpoint: string
  readonly checkpointOut: string
  readonly key: string
  readonly newKey: string
  readonly entries: string
  readonly prove: string
  readonly entry: string
  readonly proofOut: string
  readonly consistency: string
  readonly older: string
  readonly newer: string
  readonly export: string
  readonly exportOut: string
  readonly exportFrom: string
  readonly exportTo: string
  readonly erase: string
  readonly eraseId: string
  readonly eraseEntry: string
  readonly eraseField: string
  readonly basis: string
  readonly actor: string
  readonly request: string
  readonly prune: string
  readonly archive: string
  readonly pruneCheckpoint: string
}

const en: AuditHelpTexts = {
  audit: 'the tamper-evident log',
  verify: 'recompute the whole log and say whether it holds',
  verifyCheckpoint: 'a signed checkpoint that you kept; without it, the newest of the anchors',
  verifyFrom: 'go on after an earlier "audit verify --json", whose output this file is',
  vkey: 'a public key of the log besides the configured ones; may be given several times',
  checkpoint: 'sign the log as it is now and put that to every anchor',
  checkpointOut: 'also write the signed checkpoint to this file',
  key: 'the public keys of the log, for auditors',
  newKey: 'print a new signing key instead',
  entries: 'what the log has of one investigation, also of an erased one',
  prove: 'one file that proves one entry',
  entry: 'id of an entry, as "audit entries" shows it',
  proofOut: 'write the proof to this file',
  consistency: 'prove that the log only grew between two sizes',
  older: 'number of entries of the checkpoint that you kept',
  newer: 'number of entries of a later one; without it, the newest',
  export: 'the log for auditors, as JSON lines',
  exportOut: 'write to this file, with progress; an export that was broken off goes on',
  exportFrom: 'number of the first entry',
  exportTo: 'number of the last entry',
  erase: 'erase an investigation, or single values of an entry; the log still verifies',
  eraseId: 'the investigation',
  eraseEntry: 'an entry of the log instead, with --field',
  eraseField: 'a personal value of that entry; may be given several times',
  basis: 'why (required): lgpd-18-iv, lgpd-18-vi, retention or owner-request',
  actor: 'who asks, as a pseudonym: the log never forgets it',
  request: 'number of the request, to find its other traces',
  prune: 'remove the oldest entries, which are in an export and signed for',
  archive: 'that export (required); every byte of it is compared',
  pruneCheckpoint: 'the checkpoint of exactly these entries; without it, the newest of the anchors',
}

const pt: AuditHelpTexts = {
  audit: 'o registro à prova de adulteração',
  verify: 'recalcula todo o registro e diz se ele é íntegro',
  verifyCheckpoint: 'um ponto de controle assinado que você guardou; sem ele, o mais novo das âncoras',
  verifyFrom: 'continua depois de um "audit verify --json" anterior, cuja saída é este arquivo',
  vkey: 'uma chave pública do registro além das configuradas; pode ser repetida',
  checkpoint: 'assina o registro como está agora e o leva a cada âncora',
  checkpointOut: 'grava o ponto de controle assinado também neste arquivo',
  key: 'as chaves públicas do registro, para auditores',
  newKey: 'mostra, em vez disso, uma nova chave de assinatura',
  entries: 'o que o registro tem de uma investigação, mesmo apagada',
  prove: 'um arquivo que prova uma entrada',
  entry: 'id de uma entrada, como "audit entries" a mostra',
  proofOut: 'grava a prova neste arquivo',
  consistency: 'prova que o registro só cresceu entre dois tamanhos',
  older: 'número de entradas do ponto de controle que você guardou',
  newer: 'número de entradas de um posterior; sem ele, o mais novo',
  export: 'o registro para auditores, em linhas JSON',
  exportOut: 'grava neste arquivo, com progresso; uma exportação interrompida continua',
  exportFrom: 'número da primeira entrada',
  exportTo: 'número da última entrada',
  erase: 'apaga uma investigação, ou valores de uma entrada; o registro continua íntegro',
  eraseId: 'a investigação',
  eraseEntry: 'em vez dela, uma entrada do registro, com --field',
  eraseField: 'um valor pessoal dessa entrada; pode ser repetido',
  basis: 'por quê (obrigatória): lgpd-18-iv, lgpd-18-vi, retention ou owner-request',
  actor: 'quem pede, como pseudônimo: o registro nunca o esquece',
  request: 'número do pedido, para achar seus outros rastros',
  prune: 'remove as entradas mais antigas, que estão em uma exportação e assinadas',
  archive: 'essa exportação (obrigatória); cada byte é comparado',
  pruneCheckpoint: 'o ponto de controle exatamente dessas entradas; sem ele, o mais novo das âncoras',
}

export const AUDIT_HELP_TEXTS: Readonly<Record<Language, AuditHelpTexts>> = { en, pt }
