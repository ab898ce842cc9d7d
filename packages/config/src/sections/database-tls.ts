import { DATABASE_SSL_MODES, type DatabaseAddress, type DatabaseSslMode } from '../rules/database-url.ts'
import { certificates, isPair, privateKey } from '../rules/pem.ts'
import { oneOf } from '../rules/text-rules.ts'
import type { Secret } from '../secret.ts'
import type { Contradiction } from '../section.ts'
import { optionalVariable, type Variable } from '../variable.ts'

/** TLS to PostgreSQL; certificates and key as PEM text. */
export type DatabaseTls =
  | { readonly mode: 'disable' }
  | {
      readonly mode: Exclude<DatabaseSslMode, 'disable'>
      /** Who may sign the server's certificate; without it the authorities that Node knows. */
      readonly ca?: string
      /** The client's certificate, together with its key. */
      readonly cert?: string
      readonly key?: Secret
    }

interface TlsValues {
  readonly DATABASE_SSL_MODE: DatabaseSslMode | undefined
  readonly DATABASE_SSL_CA: string | undefined
  readonly DATABASE_SSL_CERT: string | undefined
  readonly DATABASE_SSL_KEY: Secret | undefined
}

type TlsAndAddress = TlsValues & { readonly DATABASE_URL: DatabaseAddress | undefined }

const NOT_USED = 'must not be set while TLS is off: set DATABASE_SSL_MODE'

export const TLS_VARIABLES: { readonly [Name in keyof TlsValues]: Variable<TlsValues[Name]> } = {
  DATABASE_SSL_MODE: optionalVariable(oneOf(DATABASE_SSL_MODES), {
    field: 'db.ssl.mode',
    unset: '`sslmode` of `DATABASE_URL`, else `disable`',
    doc: 'TLS: `require` encrypts, `verify-ca` also checks the certificate, `verify-full` also its host name.',
  }),
  DATABASE_SSL_CA: optionalVariable(certificates, {
    field: 'db.ssl.ca',
    file: true,
    unset: 'the authorities that Node knows',
    doc: 'Certificates of the authorities that may sign the server’s certificate, as PEM text.',
  }),
  DATABASE_SSL_CERT: optionalVariable(certificates, {
    field: 'db.ssl.cert',
    file: true,
    unset: 'no client certificate',
    doc: 'The client’s certificate, as PEM text.',
  }),
  DATABASE_SSL_KEY: optionalVariable(privateKey, {
    field: 'db.ssl.key',
    file: true,
    unset: 'no client certificate',
    doc: 'The key of the client’s certificate, as PEM text.',
  }),
}

export const TLS_CONTRADICTIONS: readonly Contradiction<TlsAndAddress>[] = [
  {
    of: ['DATABASE_SSL_MODE', 'DATABASE_URL'],
    find: ({ DATABASE_SSL_MODE: mode, DATABASE_URL: address }) => {
      if (mode === undefined) return undefined
      if (address === undefined && mode !== 'disable') return 'must come with DATABASE_URL: the embedded PostgreSQL has no TLS'
      const inUrl = address?.sslMode
      return inUrl === undefined || inUrl === mode ? undefined : `must not differ from the sslmode ${inUrl} of DATABASE_URL`
    },
  },
  {
    of: ['DATABASE_SSL_CA', 'DATABASE_SSL_MODE', 'DATABASE_URL'],
    find: (values) => {
      if (values.DATABASE_SSL_CA === undefined) return undefined
      const mode = sslModeOf(values)
      if (mode === 'disable') return NOT_USED
      return mode === 'require'
        ? 'must not be set with the mode require, which checks no certificate: use verify-ca or verify-full'
        : undefined
    },
  },
  {
    of: ['DATABASE_SSL_CERT', 'DATABASE_SSL_KEY', 'DATABASE_SSL_MODE', 'DATABASE_URL'],
    find: (values) => {
      const { DATABASE_SSL_CERT: cert, DATABASE_SSL_KEY: key } = values
      if (cert === undefined) return undefined
      if (sslModeOf(values) === 'disable') return NOT_USED
      if (key === undefined) return 'must come with DATABASE_SSL_KEY'
      return isPair(cert, key) ? undefined : 'must belong to the key in DATABASE_SSL_KEY'
    },
  },
  {
    of: ['DATABASE_SSL_KEY', 'DATABASE_SSL_CERT'],
    find: ({ DATABASE_SSL_CERT: cert, DATABASE_SSL_KEY: key }) =>
      key !== undefined && cert === undefined ? 'must come with DATABASE_SSL_CERT' : undefined,
  },
]

function sslModeOf(values: Pick<TlsAndAddress, 'DATABASE_SSL_MODE' | 'DATABASE_URL'>): DatabaseSslMode {
  return values.DATABASE_SSL_MODE ?? values.DATABASE_URL?.sslMode ?? 'disable'
}

export function toTls(values: TlsAndAddress): DatabaseTls {
  const mode = sslModeOf(values)
  if (mode === 'disable') return { mode }
  const { DATABASE_SSL_CA: ca, DATABASE_SSL_CERT: cert, DATABASE_SSL_KEY: key } = values
  return { mode, ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) }
}
