import { systemClock } from '@cidadao/contracts'
import { createApiKeyStore, type ApiKey, type ApiKeyStore, type ApiRole } from '@cidadao/db'
import type { CommandContext, OutputOptions } from '../command-context.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import { API_KEY_TEXTS } from '../output/api-key-texts.ts'
import { printable } from '../output/terminal.ts'
import { withStore } from '../with-store.ts'

export interface ApiKeyCreateOptions extends OutputOptions {
  readonly role: ApiRole
  readonly label?: string
  readonly expiresDays?: number
}

const DAY_MS = 86_400_000

/** `cidadao api-key create SUBJECT`: prints the key on standard output, alone, and all else beside it. */
export function createApiKey(subject: string, options: ApiKeyCreateOptions, context: CommandContext): Promise<ExitCode> {
  return withKeys(context, async (keys) => {
    const { role, label, expiresDays } = options
    const expiry = expiresDays === undefined ? {} : { expiresAt: new Date(systemClock.now().getTime() + expiresDays * DAY_MS) }
    const created = await keys.create({ subject, role, ...(label === undefined ? {} : { label }), ...expiry })
    const { terminal, language } = context
    const texts = API_KEY_TEXTS[language]
    terminal.err(texts.created(created.prefix, role, subject))
    terminal.out(options.json === true ? JSON.stringify(created, null, 2) : created.key)
    terminal.err(texts.shownOnce)
  })
}

/** `cidadao api-key list` */
export function listApiKeys(options: OutputOptions, context: CommandContext): Promise<ExitCode> {
  return withKeys(context, async (keys) => {
    const found = await keys.list()
    const { terminal, language } = context
    const texts = API_KEY_TEXTS[language]
    if (options.json === true) terminal.out(JSON.stringify(found, null, 2))
    else if (found.length === 0) terminal.out(texts.none)
    else terminal.out([texts.header, ...found.map((key) => toListed(key, texts.states))].map(toLine).join('\n'))
  })
}

/** `cidadao api-key revoke PREFIX` */
export function revokeApiKey(prefix: string, options: OutputOptions, context: CommandContext): Promise<ExitCode> {
  return withKeys(context, async (keys) => {
    const revoked = await keys.revoke(prefix)
    context.terminal.out(options.json === true ? JSON.stringify(revoked, null, 2) : API_KEY_TEXTS[context.language].revoked(prefix))
  })
}

function withKeys(context: CommandContext, work: (keys: ApiKeyStore) => Promise<void>): Promise<ExitCode> {
  return withStore(context, async ({ db }) => {
    await work(createApiKeyStore(db))
    return EXIT_CODES.success
  })
}

type Listed = Readonly<Record<'prefix' | 'role' | 'subject' | 'state' | 'createdAt' | 'label', string>>

function toListed(key: ApiKey, states: Readonly<Record<'valid' | 'expired' | 'revoked', string>>): Listed {
  const hasExpired = key.expiresAt !== null && key.expiresAt <= systemClock.now()
  const state = states[key.revokedAt !== null ? 'revoked' : hasExpired ? 'expired' : 'valid']
  return { ...key, state, createdAt: key.createdAt.toISOString().slice(0, WIDTHS.createdAt).replace('T', ' ') }
}

const WIDTHS = { prefix: 8, role: 8, subject: 20, state: 8, createdAt: 19 } as const

function toLine({ prefix, role, subject, state, createdAt, label }: Listed): string {
  const fixed = [prefix.padEnd(WIDTHS.prefix), role.padEnd(WIDTHS.role), subject.padEnd(WIDTHS.subject), state.padEnd(WIDTHS.state)]
  return [...fixed, createdAt.padEnd(WIDTHS.createdAt), printable(label)].join('  ').trimEnd()
}
