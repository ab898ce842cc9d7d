export { findPostgresVersion, type FindVersionOptions, type PostgresSearch } from './find-postgres-version.ts'
export { POSTGRES_MAJORS, requiredMajors, type PostgresMajor, type VersionsEnvironment } from './postgres-majors.ts'
