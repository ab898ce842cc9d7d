import type { CheckpointOutcome } from '@cidadao/db'
import type { Language } from '../../plan/question.ts'

/** What the commands about the log say, in both languages. */
export interface AuditTexts {
  readonly anchoredBy: (entries: number, anchor: string) => string
  readonly anchoredByFile: (entries: number) => string
  readonly anchoredBefore: (entries: number) => string
  readonly unanchored: (entries: number) => string
  readonly pruned: (entries: number) => string
  readonly prunedNow: (removed: number, to: number) => string
  readonly anchorFailed: (anchor: string, reason: string) => string
  readonly checkpoint: (outcome: CheckpointOutcome, entries: number) => string
  readonly anchor: (name: string, entries: number, failure: string | null) => string
  readonly newKey: string
  readonly proved: (seq: number, entries: number) => string
  readonly consistent: (older: number, newer: number) => string
  readonly exported: (file: { readonly path: string; readonly from: number; readonly to: number; readonly bytes: number }) => string
  readonly verifyWith: (path: string) => string
  readonly erasedInvestigation: (id: string, values: number) => string
  readonly erasedFields: (entry: string, values: number) => string
}

const en: AuditTexts = {
  anchoredBy: (entries, anchor) => `entries up to ${entries} are those of the checkpoint of the anchor ${anchor}`,
  anchoredByFile: (entries) => `entries up to ${entries} are those of the checkpoint given`,
  anchoredBefore: (entries) => `entries up to ${entries} are those of a checkpoint looked at before`,
  unanchored: (entries) =>
    `${entries} ${entries === 1 ? 'entry is' : 'entries are'} covered by no checkpoint outside the database: "cidadao audit checkpoint" makes one`,
  pruned: (entries) => `entries up to ${entries} were pruned and are in their export`,
  prunedNow: (removed, to) => `${removed} entries, up to ${to}, were removed; keep the archive and its checkpoint.`,
  anchorFailed: (anchor, reason) => `anchor ${anchor} was not used: ${reason}`,
  checkpoint: (outcome, entries) =>
    ({
      signed: `Signed: ${entries} entries.`,
      current: `Nothing new: ${entries} entries are signed.`,
      overtaken: `Another process signed first: ${entries} entries.`,
      empty: 'The log has no entry yet.',
    })[outcome],
  anchor: (name, entries, failure) => `${name}: ${entries} entries${failure === null ? '' : `, ${failure}`}`,
  newKey:
    'A signing key. Keep it secret and out of the database; set it as CIDADAO_AUDIT_KEY, or in a file that CIDADAO_AUDIT_KEY_FILE names.',
  proved: (seq, entries) => `Proof that this is entry ${seq} of the ${entries} that were signed for.`,
  consistent: (older, newer) => `Proof that the ${newer} entries go on from the first ${older}, unchanged.`,
  exported: ({ path, from, to, bytes }) => `Entries ${from} to ${to} written to ${path} (${bytes} bytes).`,
  verifyWith: (path) =>
    `to verify: node verify.mjs ${path} --vkey KEY   (KEY: "cidadao audit key"; verify.mjs is in the package @cidadao/db)`,
  erasedInvestigation: (id, values) => `Erased: investigation ${id}, and ${values} personal value${values === 1 ? '' : 's'} of the log.`,
  erasedFields: (entry, values) => `Erased: ${values} personal value${values === 1 ? '' : 's'} of entry ${entry}.`,
}

const pt: AuditTexts = {
  anchoredBy: (entries, anchor) => `as entradas até ${entries} são as do ponto de controle da âncora ${anchor}`,
  anchoredByFile: (entries) => `as entradas até ${entries} são as do ponto de controle dado`,
  anchoredBefore: (entries) => `as entradas até ${entries} são as de um ponto de controle conferido antes`,
  unanchored: (entries) =>
    `${entries} ${entries === 1 ? 'entrada não está' : 'entradas não estão'} em nenhum ponto de controle fora do banco: "cidadao audit checkpoint" cria um`,
  pruned: (entries) => `as entradas até ${entries} foram podadas e estão em sua exportação`,
  prunedNow: (removed, to) => `${removed} entradas, até a ${to}, foram removidas; guarde o arquivo e o ponto de controle.`,
  anchorFailed: (anchor, reason) => `a âncora ${anchor} não foi usada: ${reason}`,
  checkpoint: (outcome, entries) =>
    ({
      signed: `Assinado: ${entries} entradas.`,
      current: `Nada de novo: ${entries} entradas estão assinadas.`,
      overtaken: `Outro processo assinou antes: ${entries} entradas.`,
      empty: 'O registro ainda não tem entradas.',
    })[outcome],
  anchor: (name, entries, failure) => `${name}: ${entries} entradas${failure === null ? '' : `, ${failure}`}`,
  newKey:
    'Uma chave de assinatura. Guarde-a em segredo e fora do banco; defina-a em CIDADAO_AUDIT_KEY, ou em um arquivo indicado por CIDADAO_AUDIT_KEY_FILE.',
  proved: (seq, entries) => `Prova de que esta é a entrada ${seq} das ${entries} assinadas.`,
  consistent: (older, newer) => `Prova de que as ${newer} entradas continuam as primeiras ${older}, sem alteração.`,
  exported: ({ path, from, to, bytes }) => `Entradas ${from} a ${to} gravadas em ${path} (${bytes} bytes).`,
  verifyWith: (path) =>
    `para verificar: node verify.mjs ${path} --vkey CHAVE   (CHAVE: "cidadao audit key"; verify.mjs está no pacote @cidadao/db)`,
  erasedInvestigation: (id, values) =>
    `Apagado: investigação ${id} e ${values} ${values === 1 ? 'valor pessoal' : 'valores pessoais'} do registro.`,
  erasedFields: (entry, values) => `Apagado: ${values} ${values === 1 ? 'valor pessoal' : 'valores pessoais'} da entrada ${entry}.`,
}

export const AUDIT_TEXTS: Readonly<Record<Language, AuditTexts>> = { en, pt }
