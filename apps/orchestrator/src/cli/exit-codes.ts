import { InfraError, toError } from '@cidadao/contracts'
import { CommanderError } from 'commander'

/** `usage`: what was given was refused before anything began. `failure`: everything else that is not a success. */
export const EXIT_CODES = { success: 0, failure: 1, usage: 2 } as const
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES]

const OFFICIAL_FILES = 'the official files are at https://portaldatransparencia.gov.br/download-de-dados/compras'

/** Failures that the person at the keyboard mends by giving something else, with how where the message does not say it. */
const USAGE_MENDS: Readonly<Record<string, string>> = {
  CLI_USAGE: '',
  CONFIG_INVALID: '',
  DB_INVALID_OPTIONS: '',
  DB_API_KEY_NOT_FOUND: '"cidadao api-key list" shows those there are',
  DB_INVESTIGATION_NOT_FOUND: '"cidadao list" shows those there are',
  DB_AUDIT_ENTRY_INVALID: '',
  DB_AUDIT_ENTRY_MISSING: '"cidadao audit entries ID" shows those of an investigation',
  DB_AUDIT_FORMAT_INVALID: 'correct the key or the file',
  DB_AUDIT_NOTHING_TO_REDACT: '"cidadao audit entries ID --json" shows which values an entry has committed to',
  DB_AUDIT_PRUNED: 'give --from a later entry',
  DB_AUDIT_PRUNE_REFUSED: '',
  ORCHESTRATOR_QUERY_NOT_UNDERSTOOD: '',
  ORCHESTRATOR_INVESTIGATION_NOT_FOUND: '',
  ORCHESTRATOR_SOURCE_REFUSED: '',
  PROCUREMENT_SOURCE_NOT_FOUND: `correct --source; ${OFFICIAL_FILES}`,
  PROCUREMENT_SOURCE_WITHOUT_FILES: `name the folder or ZIP that holds it; ${OFFICIAL_FILES}`,
  PROCUREMENT_SOURCE_UNREADABLE: 'mend its permissions, or name another source',
  PROCUREMENT_FILE_EMPTY: 'a download that broke off looks like this: download it again',
  PROCUREMENT_WRONG_ENCODING: '',
  PROCUREMENT_HEADER_MISMATCH: `take the original file, unchanged; ${OFFICIAL_FILES}`,
  PROCUREMENT_ARCHIVE_UNREADABLE: 'download it again, or unpack it and name the folder',
  PROCUREMENT_ARCHIVE_LIMIT: 'if you trust the archive, unpack it and name the folder',
}

/** The same for failures of the machine and its services. */
const FAILURE_MENDS: Readonly<Record<string, string>> = {
  DB_UNAVAILABLE: 'start the server, or correct DATABASE_URL; without that variable an embedded PostgreSQL is used',
  DB_CIRCUIT_OPEN: 'start the server, or correct DATABASE_URL; without that variable an embedded PostgreSQL is used',
  DB_CONNECTION_LOST: 'look at the server and the network before it, then try again',
  DB_AUTHENTICATION: 'correct user and password in DATABASE_URL or DATABASE_PASSWORD',
  DB_DATABASE_MISSING: 'create it, or correct the name at the end of DATABASE_URL',
  DB_NEWER_THAN_CODE: 'install the newer version of cidadao, or name another database in DATABASE_URL',
  DB_MIGRATIONS_PENDING: 'run "cidadao migrate"',
  DB_AUDIT_KEY_UNUSABLE: 'put the right key back; "cidadao audit key --new" makes one for a new log',
  DB_AUDIT_ORIGIN_MISMATCH: 'correct CIDADAO_AUDIT_ORIGIN, or name another database in DATABASE_URL',
  DB_AUDIT_CHECKPOINT_MISSING: 'run "cidadao audit checkpoint"',
  DB_AUDIT_TREE_MISMATCH: 'run "cidadao audit verify"',
  DB_AUDIT_HISTORY_BROKEN: 'run "cidadao audit verify", and put the longer history back from a backup',
  DB_AUDIT_ANCHOR_UNAVAILABLE: 'mend the anchor, or name another in CIDADAO_AUDIT_ANCHOR_FILE or _DIR',
}

/** 2 when the call was wrong, 1 when something failed. */
export function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT_CODES.success : EXIT_CODES.usage
  return codeOf(rootOf(toError(thrown))) in USAGE_MENDS ? EXIT_CODES.usage : EXIT_CODES.failure
}

/** One line a problem: what, and how to mend it, with the code for whoever looks it up. */
export function errorLines(thrown: unknown): string {
  const error = rootOf(toError(thrown))
  const code = codeOf(error)
  // Only the report on the configuration has a line for each of its problems.
  const message = code === 'CONFIG_INVALID' ? error.message : error.message.replaceAll(/\s*\n\s*/g, ' ')
  // Nobody threw this on purpose: the kind of error is half of what there is to know.
  if (!(error instanceof InfraError) && code === '') return `${error.name}: ${message}`
  const mend = USAGE_MENDS[code] ?? FAILURE_MENDS[code] ?? ''
  const shownCode = code === '' || message.includes(code) ? '' : ` [${code}]`
  return `${message}${mend === '' || message.includes(mend) ? '' : `; ${mend}`}${shownCode}`
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** That the group did not start is true but of no use to anybody; why its member did not is. */
function rootOf(error: Error): Error {
  if ('code' in error && error.code === 'SERVICE_START_FAILED' && error.cause instanceof Error) return rootOf(error.cause)
  const [first] = error instanceof AggregateError ? (error.errors as readonly unknown[]) : []
  return first instanceof Error ? rootOf(first) : error
}
