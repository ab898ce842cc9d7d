export { createDatabase, type Database, type DatabaseStats, type DatabaseTransaction, type Ping } from './database.ts'
export { MIGRATION_MODES, type DatabaseOptions, type MigrationMode } from './database-options.ts'
export { createEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.ts'
export { BREAKER_STATES, type BreakerState, type DatabaseEvents, type QueryEvent, type TransitionEvent } from './events.ts'
export type { SqlExecutor, SqlResult, SqlStatement } from './sql-executor.ts'
export { INVALIDATION_TARGETS, type CacheInvalidation, type InvalidationTarget } from './outbox/cache-invalidation.ts'
export type { DeliverOutbox, OutboxMessage, OutboxRefusal } from './outbox/outbox-message.ts'
export { createOutboxRelay, RELAY_STATES, type OutboxRelay, type OutboxRelayStats, type RelayState } from './outbox/outbox-relay.ts'
export type { LongTransaction, OutboxLag, OutboxRelayEvents } from './outbox/outbox-relay-events.ts'
export type { OutboxDatabase, OutboxRelayOptions } from './outbox/outbox-relay-options.ts'
export { TLS_VERIFICATIONS, type PoolOptions, type TlsOptions, type TlsVerification } from './pool/pool-options.ts'
export type { DurationSummary, PoolSnapshot } from './pool/pool-stats.ts'
export type { ResilienceOptions } from './resilience/resilience-options.ts'
export {
  ACCESS_MODES,
  ISOLATION_LEVELS,
  type AccessMode,
  type IsolationLevel,
  type TransactionOptions,
} from './transactions/transaction-options.ts'
export {
  markRolledBack,
  migrate,
  migrationStatus,
  type MigrationReport,
  type MigrationStatus,
  type MigratorOptions,
} from './migrations/migrator.ts'
export type { Migration } from './migrations/migration.ts'
export type { Investigation, InvestigationDraft, InvestigationResults } from './investigations/investigation.ts'
export type { CancelOptions, InvestigationStore, SaveOptions } from './investigations/investigation-store.ts'
export type { CreationRange } from './investigations/queries/conditions.ts'
export type { FindOptions, InvestigationPage } from './investigations/queries/find-query.ts'
export type { Distribution, InvestigationStats, StatsOptions } from './investigations/queries/stats-query.ts'
export type { AuditOfRow, SaveManyOptions, SaveManyProgress } from './investigations/bulk/save-many-options.ts'
export { SAVE_OUTCOMES, type SaveCounts, type SavedRow, type SaveManyReport, type SaveOutcome } from './investigations/bulk/save-outcome.ts'
export { ERASURE_BASES, type ErasureBasis } from './investigations/erasure/erasure-basis.ts'
export type { EraseOptions, Erasure } from './investigations/erasure/erase.ts'
export type { RetentionOptions, RetentionReport } from './investigations/erasure/retention.ts'
export { createCachedInvestigations, type CachedInvestigations } from './investigations/cached/cached-investigations.ts'
export type { CachedInvestigationsOptions, Investigations } from './investigations/cached/cached-investigations-options.ts'
export {
  CACHED_OPERATIONS,
  CACHED_ROW_FAULTS,
  type CachedInvestigationsEvents,
  type CachedOperation,
  type CachedRowFault,
} from './investigations/cached/cached-investigations-events.ts'
export type { InvestigationCachePort, LoadedInvestigation } from './investigations/cached/investigation-cache-port.ts'
export { CacheTimeoutError } from './errors/cached-errors.ts'
export { BulkRefusedError, BulkStoppedError, DuplicateIdError, type RowRefusal } from './errors/bulk-errors.ts'
export type { OwnerScope } from './investigations/owner-scope.ts'
export {
  INVESTIGATION_STATUSES,
  isInvestigationStatus,
  isTerminal,
  isTransitionAllowed,
  RETRY,
  STATUS_TRANSITIONS,
  TERMINAL_STATUSES,
  toInvestigationStatus,
  type InvestigationStatus,
  type StatusChange,
  type TerminalStatus,
} from './investigations/investigation-status.ts'
export { uuidV7 } from './investigations/uuid-v7.ts'
export {
  STEP_STATUSES,
  type EventDraft,
  type EventRecord,
  type PlanDraft,
  type PlanRecord,
  type StepChange,
  type StepDraft,
  type StepEnd,
  type StepFinish,
  type StepRecord,
  type StepStart,
  type StepStatus,
} from './runs/run-records.ts'
export type { EventRange, RunStore } from './runs/run-store.ts'
export {
  OpenRuns,
  RUN_STOP_REASONS,
  type EndedStep,
  type OpenRun,
  type OpenStep,
  type RunStopReason,
  type StepAssignment,
  type StepClaim,
} from './runs/open-runs.ts'
export {
  MAINTENANCE_OUTCOMES,
  type MaintenanceOutcome,
  type MetricMaintenance,
  type MetricMaintenanceOptions,
  type MetricRecord,
  type MetricStore,
  type SeriesRange,
} from './metrics/metric-store.ts'
export type { MetricSample } from './metrics/metric-sample.ts'
export { DROP_REASONS, type DropReason, type MetricRecorderEvents, type MetricRetentionEvents } from './metrics/metric-events.ts'
export { createMetricRecorder, type MetricRecorder, type MetricRecorderStats } from './metrics/metric-recorder.ts'
export type { MetricRecorderOptions } from './metrics/metric-recorder-options.ts'
export { createMetricRetention, type MetricRetention, type MetricRetentionOptions } from './metrics/metric-retention.ts'
export {
  DatabaseClosedError,
  DatabaseError,
  EFFECTS,
  InvalidOptionsError,
  TransactionAbortedError,
  TransactionEndedError,
  UnexpectedDatabaseError,
  type Effect,
} from './errors/database-error.ts'
export {
  AuthenticationError,
  CircuitOpenError,
  CommitUnknownError,
  ConnectionBudgetError,
  ConnectionLostError,
  DatabaseMissingError,
  DatabaseUnavailableError,
  NotPrimaryError,
  PoolTimeoutError,
  TlsError,
  TooManyConnectionsError,
  TransactionLostError,
} from './errors/connection-errors.ts'
export {
  AnswerTimeoutError,
  ConstraintError,
  InvalidValueError,
  LockTimeoutError,
  PermissionDeniedError,
  QueryCancelledError,
  ReadOnlyError,
  SchemaMismatchError,
  ServerExhaustedError,
  StaleStatementError,
  StatementRefusedError,
  StatementTimeoutError,
  TransactionConflictError,
} from './errors/statement-errors.ts'
export {
  IllegalTransitionError,
  ImmutableFieldError,
  InvalidCursorError,
  InvalidInvestigationError,
  InvestigationNotFoundError,
  StepNotFoundError,
  VersionConflictError,
} from './errors/investigation-errors.ts'
export {
  DatabaseNewerError,
  DatabaseNotEmptyError,
  MigrationEditedError,
  MigrationFailedError,
  MigrationLockTimeoutError,
  MigrationsPendingError,
  MigrationUnfinishedError,
} from './errors/migration-errors.ts'
export { InvalidMetricError } from './errors/metric-errors.ts'
export { DeliveryTimeoutError, InvalidInvalidationError } from './errors/outbox-errors.ts'
export { AuditLog, type AuditLogOptions, type AuditReadOptions, type AuditReceipt, type AuditRecord } from './audit/audit-log.ts'
export { AUDIT_OUTCOMES, type AuditEntry, type AuditOutcome } from './audit/audit-entry.ts'
export { ACTOR_KINDS, type AuditActor } from './audit/audit-actor.ts'
export { AUDIT_FAULTS, type AuditFault, type AuditPosition } from './audit/chain-replay.ts'
export type { AuditProgress, AuditVerification, AuditVerifyOptions } from './audit/audit-verifier.ts'
export { canonicalize, type CanonicalJsonOptions } from './audit/canonical-json.ts'
export { commitmentOf, opensCommitment, type CommitmentOpening } from './audit/commitment.ts'
export { leafHash, type Hash } from './audit/hash-chain.ts'
export { MerkleFrontier, merkleRoot } from './audit/transparency/merkle-tree.ts'
export {
  consistencyProof,
  inclusionProof,
  verifyConsistency,
  verifyInclusion,
  type ConsistencyClaim,
  type InclusionClaim,
} from './audit/transparency/merkle-proof.ts'
export { createNoteSigner, parseVerifierKey, type NoteKeyName, type NoteSigner, type NoteVerifier } from './audit/transparency/note-key.ts'
export { cosignNote, verifyNote, type NoteVerdict } from './audit/transparency/signed-note.ts'
export { signCheckpoint, verifyCheckpoint, type Checkpoint, type CheckpointVerdict } from './audit/transparency/checkpoint.ts'
export { formatTlogProof, verifyTlogProof, type TlogProof, type TlogProofVerdict } from './audit/transparency/tlog-proof.ts'
export { generateSignerKey, parseSignerKey } from './audit/keys/signer-key.ts'
export { loadNoteSigner, type SignerKeySource } from './audit/keys/load-note-signer.ts'
export { AuditKeyError } from './audit/keys/key-errors.ts'
export type { AnchorHead, AnchorQuestion, AnchorReceipt, AnchorSink, AnchorSubmission } from './audit/anchors/anchor-sink.ts'
export { AnchorConflictError, AnchorRefusedError, AnchorUnavailableError } from './audit/anchors/anchor-errors.ts'
export { createFileAnchor, type FileAnchorOptions } from './audit/anchors/file-anchor.ts'
export { createDirectoryAnchor, type DirectoryAnchorOptions } from './audit/anchors/directory-anchor.ts'
export { createGitAnchor, type GitAnchorOptions } from './audit/anchors/git-anchor.ts'
export { createWitnessAnchor, type WitnessAnchorOptions } from './audit/anchors/witness-anchor.ts'
export { parseCosignerKey } from './audit/anchors/cosignature.ts'
export {
  CHECKPOINTER_STATES,
  createCheckpointer,
  type Checkpointer,
  type CheckpointerState,
  type CheckpointerStats,
} from './audit/checkpoints/checkpointer.ts'
export type { CheckpointerOptions, ConsistencySource } from './audit/checkpoints/checkpointer-options.ts'
export { CHECKPOINT_OUTCOMES, type CheckpointOutcome } from './audit/checkpoints/checkpoint-round.ts'
export type { CheckpointEvents } from './audit/checkpoints/checkpoint-events.ts'
export type { AnchorSnapshot } from './audit/checkpoints/anchor-state.ts'
export { AuditHistoryError } from './audit/checkpoints/checkpoint-errors.ts'
export { CheckpointStore, type LogProgress, type StoredCheckpoint } from './audit/checkpoints/checkpoint-store.ts'
export {
  createAuditBatcher,
  type AuditBatcher,
  type AuditBatcherEvents,
  type AuditBatcherOptions,
  type AuditBatcherStats,
} from './audit/batching/audit-batcher.ts'
export { AuditBatchAbandonedError, AuditBatcherClosedError, AuditQueueFullError } from './audit/batching/batcher-errors.ts'
export { createAuditWatch, type AuditWatch } from './audit/verification/audit-watch.ts'
export type { AuditWatchOptions } from './audit/verification/watch-options.ts'
export type { AuditWatchEvents } from './audit/verification/watch-events.ts'
export { WATCH_MODES, type AuditWatchStats, type WatchMode, type WatchReport } from './audit/verification/watch-report.ts'
export { AuditTree, type AuditTreeOptions, type TreeHead } from './audit/tree/audit-tree.ts'
export { AuditProver, type AuditProverOptions, type ConsistencyProof, type EntryProof } from './audit/proofs/audit-prover.ts'
export { storedCheckpoints, type CheckpointSource } from './audit/proofs/checkpoint-source.ts'
export { verifyEntryProof, type EntryProofVerdict } from './audit/proofs/entry-proof.ts'
export { verifyConsistencyProof, type ConsistencyVerdict } from './audit/proofs/consistency-proof.ts'
export { exportAuditLog, type AuditExportOptions } from './audit/export/audit-export.ts'
export { writeAuditExport, type AuditExportFile } from './audit/export/export-file.ts'
export type { ExportFooter, ExportHeader } from './audit/export/export-format.ts'
export type { AuditPruneOptions, AuditPruning } from './audit/prune/audit-prune.ts'
export type { DisclosedField, Disclosure, RedactionRequest } from './audit/redaction.ts'
export {
  AuditCheckpointMissingError,
  AuditEntryError,
  AuditEntryMissingError,
  AuditFormatError,
  AuditNotOpenError,
  AuditOriginError,
  AuditPrunedError,
  AuditPruneError,
  AuditRedactionError,
  AuditTreeError,
  CanonicalJsonError,
} from './audit/audit-errors.ts'
export { API_ROLES, type ApiKey, type ApiRole } from './api-keys/api-key.ts'
export {
  createApiKeyStore,
  type ApiKeyDatabase,
  type ApiKeyDraft,
  type ApiKeyStore,
  type CreatedApiKey,
  type StoredApiKey,
} from './api-keys/api-key-store.ts'
export { createApiKeyVerifier, type ApiKeyVerifier, type ApiKeyVerifierOptions } from './api-keys/api-key-verifier.ts'
export { ApiKeyNotFoundError } from './errors/api-key-errors.ts'
