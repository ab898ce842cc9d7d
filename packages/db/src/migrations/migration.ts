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
