import { DatabaseError } from './database-error.ts'

/** No API key has this prefix. */
export class ApiKeyNotFoundError extends DatabaseError {
  readonly code = 'DB_API_KEY_NOT_FOUND'

  constructor(prefix: string) {
    super(`no API key has the prefix ${JSON.stringify(prefix)}`, { facts: { prefix } })
  }
}
