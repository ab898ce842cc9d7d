import type { Language } from '../../plan/question.ts'

/** What the commands about API keys say, in both languages. */
export interface ApiKeyTexts {
  readonly created: (prefix: string, role: string, subject: string) => string
  readonly shownOnce: string
  readonly revoked: (prefix: string) => string
  readonly none: string
  readonly states: Readonly<Record<'valid' | 'expired' | 'revoked', string>>
  readonly header: Readonly<Record<'prefix' | 'role' | 'subject' | 'state' | 'createdAt' | 'label', string>>
  readonly help: Readonly<Record<'group' | 'create' | 'subject' | 'role' | 'label' | 'expires' | 'list' | 'revoke' | 'prefix', string>>
}

const en: ApiKeyTexts = {
  created: (prefix, role, subject) => `Key ${prefix} for ${subject}, role ${role}:`,
  shownOnce: 'Keep it now: it is not stored and cannot be shown again.',
  revoked: (prefix) => `Key ${prefix} is revoked; every process refuses it within 5 s.`,
  none: 'No key yet.',
  states: { valid: 'valid', expired: 'expired', revoked: 'revoked' },
  header: { prefix: 'Key', role: 'Role', subject: 'Subject', state: 'State', createdAt: 'Made (UTC)', label: 'For' },
  help: {
    group: 'keys to the HTTP API, besides the local one',
    create: 'make a key; it is shown once',
    subject: 'on whose behalf it acts, a pseudonym: letters, digits or any of _ . @ -',
    role: 'owner (its own investigations), auditor (reads all) or operator (health and metrics)',
    label: 'what the key is for',
    expires: 'valid for so many days, 1 to 3650; for good without it',
    list: 'all keys, without their secrets',
    revoke: 'refuse a key from now on',
    prefix: 'as "api-key list" shows it',
  },
}

const pt: ApiKeyTexts = {
  created: (prefix, role, subject) => `Chave ${prefix} para ${subject}, papel ${role}:`,
  shownOnce: 'Guarde-a agora: ela não fica gravada e não pode ser mostrada de novo.',
  revoked: (prefix) => `A chave ${prefix} foi revogada; todos os processos a recusam em até 5 s.`,
  none: 'Nenhuma chave ainda.',
  states: { valid: 'válida', expired: 'vencida', revoked: 'revogada' },
  header: { prefix: 'Chave', role: 'Papel', subject: 'Titular', state: 'Situação', createdAt: 'Criada (UTC)', label: 'Para' },
  help: {
    group: 'chaves da API HTTP, além da local',
    create: 'cria uma chave; ela é mostrada uma vez',
    subject: 'em nome de quem ela age, um pseudônimo: letras, dígitos ou _ . @ -',
    role: 'owner (suas próprias investigações), auditor (lê todas) ou operator (saúde e métricas)',
    label: 'para que serve a chave',
    expires: 'válida por tantos dias, 1 a 3650; sem ela, para sempre',
    list: 'todas as chaves, sem os segredos',
    revoke: 'recusa uma chave a partir de agora',
    prefix: 'como "api-key list" a mostra',
  },
}

export const API_KEY_TEXTS: Readonly<Record<Language, ApiKeyTexts>> = { en, pt }
