import { InfraError } from '@cidadao/contracts'

/** No PostgreSQL for this platform. Install one of the sources that the message names, or use a server of your own. */
export class PostgresBinariesMissingError extends InfraError {
  readonly code = 'POSTGRES_SERVER_BINARIES_MISSING'
}

/** An option is outside its range or contradicts another. */
export class PostgresServerOptionsError extends InfraError {
  readonly code = 'POSTGRES_SERVER_OPTIONS_INVALID'
}

/** The port asked for belongs to another program. Choose another, or none to get a free one. */
export class PostgresPortInUseError extends InfraError {
  readonly code = 'POSTGRES_SERVER_PORT_IN_USE'
}

/** The data folder was written by another major version of PostgreSQL. Dump and restore, or use the old binaries. */
export class PostgresVersionMismatchError extends InfraError {
  readonly code = 'POSTGRES_SERVER_VERSION_MISMATCH'
}

/** The data folder cannot be created or written. */
export class PostgresFolderNotWritableError extends InfraError {
  readonly code = 'POSTGRES_SERVER_FOLDER_NOT_WRITABLE'
}

/** The folder holds something that this package did not put there; it is left alone. */
export class PostgresFolderForeignError extends InfraError {
  readonly code = 'POSTGRES_SERVER_FOLDER_FOREIGN'
}

/** The account that PostgreSQL runs under may not enter a folder on the way to its binaries or data. */
export class PostgresPathUnreachableError extends InfraError {
  readonly code = 'POSTGRES_SERVER_PATH_UNREACHABLE'
}

/** Another process was starting or stopping the same server for too long. */
export class PostgresFolderBusyError extends InfraError {
  readonly code = 'POSTGRES_SERVER_FOLDER_BUSY'
}

/** The password given is not the one that the data folder was created with. */
export class PostgresPasswordConflictError extends InfraError {
  readonly code = 'POSTGRES_SERVER_PASSWORD_CONFLICT'
}

/** The server did not become ready; the message ends with the last lines of its log. */
export class PostgresStartError extends InfraError {
  readonly code = 'POSTGRES_SERVER_START_FAILED'
}

/** The server outlived both a fast and an immediate shutdown. */
export class PostgresStopError extends InfraError {
  readonly code = 'POSTGRES_SERVER_STOP_FAILED'
}

/** Port or address was asked for before `start`, or after `stop`. */
export class PostgresNotRunningError extends InfraError {
  readonly code = 'POSTGRES_SERVER_NOT_RUNNING'
}
