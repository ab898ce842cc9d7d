export {
  PostgresBinariesMissingError,
  PostgresFolderBusyError,
  PostgresFolderForeignError,
  PostgresFolderNotWritableError,
  PostgresNotRunningError,
  PostgresPasswordConflictError,
  PostgresPathUnreachableError,
  PostgresPortInUseError,
  PostgresServerOptionsError,
  PostgresStartError,
  PostgresStopError,
  PostgresVersionMismatchError,
} from './errors.ts'
export { SERVER_ORIGINS, type PostgresServerEvents, type ServerOrigin } from './events.ts'
export { withFileLock, type FileLockOptions } from './folder/file-lock.ts'
export { findFreePort, isPortFree } from './process/free-port.ts'
export { findPostgresBinaries, type FindBinariesOptions, type PostgresBinaries } from './postgres-binaries.ts'
export {
  POSTGRES_SERVER_MODES,
  type DurableServerOptions,
  type PostgresServerMode,
  type PostgresServerOptions,
  type ThrowawayServerOptions,
} from './postgres-server-options.ts'
export { PostgresServer } from './postgres-server.ts'
export { identifyProcess, isAlive, signalProcess, type ProcessIdentity } from './process/process-identity.ts'
export { REAP_SIGNALS, Reaper, type ReapSignal } from './process/reaper.ts'
