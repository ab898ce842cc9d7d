import type { JsonObject } from '@cidadao/contracts'
import type { AuditActor } from '../audit/audit-actor.ts'
import type { Database } from '../database.ts'
import { InvalidOptionsError, UnexpectedDatabaseError } from '../errors/database-error.ts'
import { requireOneOf } from '../option-checks.ts'
import type { SqlExecutor } from '../sql-executor.ts'
import { ApiKeyNotFoundError } from '../errors/api-key-errors.ts'
import { API_ROLES, generateKey, type ApiKey, type ApiRole } from './api-key.ts'

/** What the keys need of the database. */
export type ApiKeyDatabase = Pick<Database, 'sql' | 'transaction'>

export interface ApiKeyDraft {
  /** 1 to 50 letters, digits or any of _ . @ -; `local` is taken by whoever works without such a key. */
  readonly subject: string
  readonly role: ApiRole
  /** At most 100 characters. @default '' */
  readonly label?: string
  /** @default never */
  readonly expiresAt?: Date
}

export interface CreatedApiKey extends ApiKey {
  /** To be given to whoever will use it. It cannot be shown again. */
  readonly key: string
}

/** A key with what is kept of its secret. */
export interface StoredApiKey {
  readonly known: ApiKey
  readonly secretSha256: Buffer
}

interface ApiKeyRow {
  readonly prefix: string
  readonly secret_sha256: Buffer
  readonly subject: string
  readonly role: string
  readonly label: string
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly revoked_at: Date | null
}

const COLUMNS = 'prefix, secret_sha256, subject, role, label, created_at, expires_at, revoked_at'
const SUBJECT = /^(?!local$)[A-Za-z0-9][\w.@-]{0,49}$/
const LABEL = /^[^\p{Cc}]{0,100}$/u
const PREFIX = /^[0-9a-f]{8}$/
const OPERATOR: AuditActor = { kind: 'human', id: 'local' }

/** Keys to the API: made, looked up, listed, revoked. Making and revoking leave an entry in the audit log. */
export class ApiKeyStore {
  readonly #db: ApiKeyDatabase

  constructor(db: ApiKeyDatabase) {
    this.#db = db
  }

  /** Makes a key. Only what comes back has it; the database keeps a hash. Throws `InvalidOptionsError`. */
  async create(draft: ApiKeyDraft): Promise<CreatedApiKey> {
    const { subject, role, label, expiresAt } = resolveDraft(draft)
    const { key, prefix, secretSha256 } = generateKey()
    const row = await this.#db.transaction(async (tx) => {
      const text = `INSERT INTO api_keys (prefix, secret_sha256, subject, role, label, expires_at)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${COLUMNS}`
      const { rows } = await tx.sql.query<ApiKeyRow>({ text, values: [prefix, secretSha256, subject, role, label, expiresAt] })
      tx.audit(entryOf('api-key.created', { prefix, role }, subject))
      return rows[0]
    })
    return { ...toApiKey(row), key }
  }

  /** Undefined where no key has this prefix; revoked and expired ones are found. */
  async find(prefix: string): Promise<StoredApiKey | undefined> {
    const [row] = await read(this.#db.sql, { name: 'api-keys.find', where: 'WHERE prefix = $1', values: [prefix] })
    return row === undefined ? undefined : { known: toApiKey(row), secretSha256: row.secret_sha256 }
  }

  /** All keys, also revoked ones, oldest first. */
  async list(): Promise<readonly ApiKey[]> {
    return (await read(this.#db.sql, { name: 'api-keys.list', where: 'ORDER BY created_at, prefix', values: [] })).map(toApiKey)
  }

  /** From now on the key is refused. Revoking again changes nothing. Throws `ApiKeyNotFoundError`. */
  async revoke(prefix: string): Promise<ApiKey> {
    if (!PREFIX.test(prefix)) throw new ApiKeyNotFoundError(prefix)
    const revoked = await this.#db.transaction(async (tx) => {
      const text = `UPDATE api_keys SET revoked_at = clock_timestamp() WHERE prefix = $1 AND revoked_at IS NULL RETURNING ${COLUMNS}`
      const { rows } = await tx.sql.query<ApiKeyRow>({ text, values: [prefix] })
      const [row] = rows
      if (row !== undefined) tx.audit(entryOf('api-key.revoked', { prefix, role: row.role }, row.subject))
      return row
    })
    if (revoked !== undefined) return toApiKey(revoked)
    const before = await this.find(prefix)
    if (before === undefined) throw new ApiKeyNotFoundError(prefix)
    return before.known
  }
}

function entryOf(action: string, data: JsonObject, subject: string) {
  return { actor: OPERATOR, action, data, personal: { subject } } as const
}

async function read(
  sql: SqlExecutor,
  { name, where, values }: { readonly name: string; readonly where: string; readonly values: unknown[] },
): Promise<readonly ApiKeyRow[]> {
  return (await sql.query<ApiKeyRow>({ name, text: `SELECT ${COLUMNS} FROM api_keys ${where}`, values })).rows
}

function resolveDraft({ subject, role, label = '', expiresAt }: ApiKeyDraft): Required<Omit<ApiKeyDraft, 'expiresAt'>> & {
  readonly expiresAt: Date | null
} {
  if (!SUBJECT.test(subject)) {
    throw new InvalidOptionsError('subject', 'must be 1 to 50 letters, digits or any of _ . @ -, and not "local"', JSON.stringify(subject))
  }
  if (!LABEL.test(label))
    throw new InvalidOptionsError('label', 'must have at most 100 characters, none of them a control character', 'another')
  if (expiresAt !== undefined && Number.isNaN(expiresAt.getTime())) throw new InvalidOptionsError('expiresAt', 'must be an instant', 'none')
  return { subject, role: requireOneOf('role', role, API_ROLES), label, expiresAt: expiresAt ?? null }
}

function toApiKey(row: ApiKeyRow | undefined): ApiKey {
  const role = API_ROLES.find((known) => known === row?.role)
  if (row === undefined || role === undefined) throw new UnexpectedDatabaseError('an API key came back without a known role', {})
  const { prefix, subject, label } = row
  return { prefix, subject, role, label, createdAt: row.created_at, expiresAt: row.expires_at, revokedAt: row.revoked_at }
}

/** The keys that the database holds. */
export function createApiKeyStore(db: ApiKeyDatabase): ApiKeyStore {
  return new ApiKeyStore(db)
}
