import { InfraError } from '@cidadao/contracts'

/** Nothing is at the given path. Correct the path, or download the files first. */
export class SourceNotFoundError extends InfraError {
  readonly code = 'PROCUREMENT_SOURCE_NOT_FOUND'
}

/** The path exists but the operating system refused to read it, or reading broke off. */
export class SourceUnreadableError extends InfraError {
  readonly code = 'PROCUREMENT_SOURCE_UNREADABLE'
}

/** The folder or ZIP holds no file of the wanted kind. */
export class SourceWithoutFilesError extends InfraError {
  readonly code = 'PROCUREMENT_SOURCE_WITHOUT_FILES'
}

/** Files of the Portal and of an institute lie together. Their names overlap, so each kind needs a folder of its own. */
export class SourceMixedError extends InfraError {
  readonly code = 'PROCUREMENT_SOURCE_MIXED'
}

/** The files do not say what the filter asks, such as the ministry in those of an institute. Ask without it. */
export class FilterUnsupportedError extends InfraError {
  readonly code = 'PROCUREMENT_FILTER_UNSUPPORTED'
}

/** A file of contracts kept from the Portal's API was changed or cut off. Fetch them again. */
export class SnapshotInvalidError extends InfraError {
  readonly code = 'PROCUREMENT_SNAPSHOT_INVALID'
}

/** A file has no content, not even a header. Usually a download that broke off. */
export class FileEmptyError extends InfraError {
  readonly code = 'PROCUREMENT_FILE_EMPTY'
}

/** A file is not in the encoding that its source declares. Take the original file, not one saved again by a spreadsheet. */
export class WrongEncodingError extends InfraError {
  readonly code = 'PROCUREMENT_WRONG_ENCODING'
}

/** The header lacks a column, repeats one, or is not separated by the declared delimiter. */
export class HeaderMismatchError extends InfraError {
  readonly code = 'PROCUREMENT_HEADER_MISMATCH'
}

/** The ZIP is damaged, encrypted or compressed in an unknown way. */
export class ArchiveUnreadableError extends InfraError {
  readonly code = 'PROCUREMENT_ARCHIVE_UNREADABLE'
}

/** The ZIP would unpack to more than the limits allow. Raise them if the archive is trusted. */
export class ArchiveLimitError extends InfraError {
  readonly code = 'PROCUREMENT_ARCHIVE_LIMIT'
}

/** More contracts than `maxContracts` would be held in memory. Stream them with `analyzePortal` or `readContracts`. */
export class TooManyContractsError extends InfraError {
  readonly code = 'PROCUREMENT_TOO_MANY_CONTRACTS'
}

/** The address is none that may be fetched: not http(s), with a password in it, or inside a private network. */
export class SourceAddressRefusedError extends InfraError {
  readonly code = 'PROCUREMENT_SOURCE_ADDRESS_REFUSED'
}

/** The server did not give the file. `status` is in the facts where there was an answer; 5xx and none may pass. */
export class SourceDownloadError extends InfraError {
  readonly code = 'PROCUREMENT_SOURCE_DOWNLOAD_FAILED'
}

/** The file is larger than `maxBytes`. Raise it if the server is trusted. */
export class SourceTooLargeError extends InfraError {
  readonly code = 'PROCUREMENT_SOURCE_TOO_LARGE'
}

/** The file did not arrive within `deadlineMs`. Try later, or raise it. */
export class SourceDeadlineError extends InfraError {
  readonly code = 'PROCUREMENT_SOURCE_DEADLINE'
}

/** The Portal's API refuses the key. Register one and set it; repeating does not help. */
export class PortalKeyRefusedError extends InfraError {
  readonly code = 'PROCUREMENT_PORTAL_KEY_REFUSED'
}

/** The Portal's API did not answer as it should, after all retries. Try later; `status` is in the facts where there was one. */
export class PortalUnavailableError extends InfraError {
  readonly code = 'PROCUREMENT_PORTAL_UNAVAILABLE'
}

/** The Portal's API answered something that is not in its documented format. Nothing is guessed from it. */
export class PortalResponseError extends InfraError {
  readonly code = 'PROCUREMENT_PORTAL_RESPONSE'
}

/** An option breaks its own rule; the message gives field, rule and value. */
export class ProcurementOptionError extends InfraError {
  readonly code = 'PROCUREMENT_INVALID_OPTION'
}

/** `value` when it is a whole number of at least `minimum`; throws `ProcurementOptionError` otherwise. */
export function requireInteger(field: string, value: number, minimum: number): number {
  if (Number.isSafeInteger(value) && value >= minimum) return value
  throw new ProcurementOptionError(`${field} must be a whole number of at least ${minimum}, got ${value}`, { facts: { field, minimum } })
}
