import { resolve } from 'node:path'
import { databaseUrl, withPassword } from '../rules/database-url.ts'
import { milliseconds, wholeNumber, wholeSeconds } from '../rules/number-rules.ts'
import { matching, path, secretText } from '../rules/text-rules.ts'
import type { Secret } from '../secret.ts'
import { defineSection, type Section } from '../section.ts'
import { optionalVariable, variable } from '../variable.ts'
import { TLS_CONTRADICTIONS, TLS_VARIABLES, toTls, type DatabaseTls } from './database-tls.ts'

export interface DbConfig {
  /** Normalised to `postgresql://`, without parameters about TLS. Absent: the embedded PostgreSQL. */
  readonly url?: Secret
  /** Connections kept open. */
  readonly poolSize: number
  /** Connections above `poolSize` that may be opened under load. */
  readonly maxOverflow: number
  readonly poolTimeoutMs: number
  /** Age at which a connection is replaced, in milliseconds: the seed's `pool_recycle`. */
  readonly maxLifetimeMs: number
  /** For one statement, in the client and on the server. */
  readonly queryTimeoutMs: number
  /** Processes that share the server, for `connectionBudget`. */
  readonly processes: number
  readonly ssl: DatabaseTls
  /** Absolute path of the embedded PostgreSQL's data. */
  readonly dataDir: string
  readonly applicationName: string
}

export const dbSection: Section<DbConfig> = defineSection({
  name: 'db',
  title: 'PostgreSQL',
  variables: {
    DATABASE_URL: optionalVariable(databaseUrl, {
      field: 'db.url',
      file: true,
      unset: 'the embedded PostgreSQL in `CIDADAO_DATA_DIR`',
      doc: 'The server. `postgres://` and `postgresql+asyncpg://` are normalised to `postgresql://`; `sslmode` moves to `db.ssl.mode`.',
    }),
    DATABASE_PASSWORD: optionalVariable(secretText(), {
      field: 'db.url',
      file: true,
      unset: 'the one in `DATABASE_URL`, if any',
      doc: 'The password, kept out of `DATABASE_URL`; any characters, not percent-encoded.',
    }),
    DATABASE_POOL_SIZE: variable(wholeNumber({ min: 1, max: 1_000 }), {
      field: 'db.poolSize',
      default: '20',
      presets: { test: '5', production: '50' },
      doc: 'Connections that a process keeps open.',
    }),
    DATABASE_MAX_OVERFLOW: variable(wholeNumber({ min: 0, max: 1_000 }), {
      field: 'db.maxOverflow',
      default: '30',
      presets: { test: '5', production: '50' },
      doc: 'Connections above the pool size that a process may open under load.',
    }),
    DATABASE_POOL_TIMEOUT: variable(wholeSeconds({ min: 1, max: 3_600 }), {
      field: 'db.poolTimeoutMs',
      default: '30',
      presets: { production: '60' },
      doc: 'Seconds to wait for a free connection.',
    }),
    QUERY_TIMEOUT: variable(wholeSeconds({ min: 1, max: 86_400 }), {
      field: 'db.queryTimeoutMs',
      default: '30',
      presets: { production: '60' },
      doc: 'Seconds that one statement may take.',
    }),
    CIDADAO_DB_MAX_LIFETIME_MS: variable(milliseconds({ min: 1_000, max: 604_800_000 }), {
      field: 'db.maxLifetimeMs',
      default: '3600000',
      doc: 'Age at which a connection is replaced (`pool_recycle` of the original).',
    }),
    CIDADAO_DB_PROCESSES: variable(wholeNumber({ min: 1, max: 1_000 }), {
      field: 'db.processes',
      default: '1',
      doc: 'Processes that share the server; all their pools together are checked against its `max_connections`.',
    }),
    ...TLS_VARIABLES,
    CIDADAO_DATA_DIR: variable(path, {
      field: 'db.dataDir',
      default: '.data',
      doc: 'Folder of the embedded PostgreSQL; relative to the working directory.',
    }),
    CIDADAO_DB_APPLICATION_NAME: variable(
      matching('1 to 63 printable ASCII characters', /^[\x21-\x7e](?:[\x20-\x7e]{0,61}[\x21-\x7e])?$/),
      {
        field: 'db.applicationName',
        default: 'cidadao',
        doc: 'Name of the connections in `pg_stat_activity`.',
      },
    ),
  },
  contradictions: [
    {
      of: ['DATABASE_PASSWORD', 'DATABASE_URL'],
      find: ({ DATABASE_PASSWORD: password, DATABASE_URL: address }) => {
        if (password === undefined) return undefined
        if (address === undefined) return 'must come with DATABASE_URL: the embedded PostgreSQL has a password of its own'
        return address.hasPassword ? 'must not be set while DATABASE_URL has a password too' : undefined
      },
    },
    ...TLS_CONTRADICTIONS,
  ],
  build: (values, { cwd }) => {
    const { DATABASE_URL: address, DATABASE_PASSWORD: password } = values
    const url = address !== undefined && password !== undefined ? withPassword(address.url, password) : address?.url
    return {
      ...(url === undefined ? {} : { url }),
      poolSize: values.DATABASE_POOL_SIZE,
      maxOverflow: values.DATABASE_MAX_OVERFLOW,
      poolTimeoutMs: values.DATABASE_POOL_TIMEOUT,
      maxLifetimeMs: values.CIDADAO_DB_MAX_LIFETIME_MS,
      queryTimeoutMs: values.QUERY_TIMEOUT,
      processes: values.CIDADAO_DB_PROCESSES,
      ssl: toTls(values),
      dataDir: resolve(cwd, values.CIDADAO_DATA_DIR),
      applicationName: values.CIDADAO_DB_APPLICATION_NAME,
    }
  },
})

/** How many connections the configured processes may open at once, to be held against the server's `max_connections`. */
export interface ConnectionBudget {
  readonly perProcess: number
  readonly processes: number
  readonly total: number
}

export function connectionBudget(db: Pick<DbConfig, 'poolSize' | 'maxOverflow' | 'processes'>): ConnectionBudget {
  const perProcess = db.poolSize + db.maxOverflow
  return { perProcess, processes: db.processes, total: perProcess * db.processes }
}
