import { DatabaseError } from './database-error.ts'

/** A migration's SQL failed. It is recorded as failed, and no later one is tried until that is resolved. */
export class MigrationFailedError extends DatabaseError {
  readonly code = 'DB_MIGRATION_FAILED'
}

/** An earlier run left a migration that neither finished nor was marked as rolled back. */
export class MigrationUnfinishedError extends DatabaseError {
  readonly code = 'DB_MIGRATION_UNFINISHED'
}

/** An applied migration's file is not the one that was applied. Migrations are never edited: add a new one. */
export class MigrationEditedError extends DatabaseError {
  readonly code = 'DB_MIGRATION_EDITED'
}

/** The database has migrations that this version of the code does not know: it belongs to a newer version. */
export class DatabaseNewerError extends DatabaseError {
  readonly code = 'DB_NEWER_THAN_CODE'
}

/** The database lacks migrations of this version, and was opened without permission to apply them. */
export class MigrationsPendingError extends DatabaseError {
  readonly code = 'DB_MIGRATIONS_PENDING'
}

/** Another process held the migration lock for longer than we wait. */
export class MigrationLockTimeoutError extends DatabaseError {
  readonly code = 'DB_MIGRATION_LOCK_TIMEOUT'
}

/** There are tables of these names that no migration of ours made. */
export class DatabaseNotEmptyError extends DatabaseError {
  readonly code = 'DB_NOT_EMPTY'
}
