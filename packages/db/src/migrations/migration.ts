import { createHash } from 'node:crypto'

/** One folder of `prisma/migrations`. */
export interface Migration {
  readonly name: string
  readonly sql: string
}

/** Prisma's checksum of a migration: SHA-256 of the file's bytes, in hexadecimal. */
export function checksumOf(migration: Migration): string {
  return createHash('sha256').update(migration.sql, 'utf8').digest('hex')
}

/**
 * Whether the file and the note that it is applied go to the server as one transaction, so that an interruption leaves
 * both or neither. A file that cannot run in a transaction (`CREATE INDEX CONCURRENTLY`), or ends one, says so in its
 * first line: `-- not atomic: why`.
 */
export function isAtomic(migration: Migration): boolean {
  return !/^-- not atomic: \S/.test(migration.sql)
}
