import type { Config } from './config.ts'
import { isLoopback } from './rules/text-rules.ts'
import { DEFAULT_AUDIT_ORIGIN } from './sections/audit.ts'
import type { UnknownVariable } from './unknown-variables.ts'

export const CONFIG_WARNINGS = [
  'unknown-variable',
  'no-effect',
  'plain-text-database',
  'open-http',
  'shared-audit-origin',
  'no-checkpoints',
] as const
export type ConfigWarningKind = (typeof CONFIG_WARNINGS)[number]

/** Something allowed that is probably not meant. */
export interface ConfigWarning {
  readonly kind: ConfigWarningKind
  readonly variable: string
  /** One line for people, starting with the variable. */
  readonly message: string
}

type Sections = Omit<Config, 'effective' | 'warnings'>

export function unknownVariableWarning({ name, nearest }: UnknownVariable): ConfigWarning {
  const hint = nearest === undefined ? '' : `, did you mean ${nearest}?`
  return { kind: 'unknown-variable', variable: name, message: `${name} is not a variable of this program${hint}` }
}

/** Looks at the whole: what one section cannot see. */
export function findWarnings(config: Sections): ConfigWarning[] {
  return [
    ...findNoEffect(config),
    ...findPlainTextDatabase(config),
    ...findOpenHttp(config),
    ...findSharedOrigin(config),
    ...findNoCheckpoints(config),
  ]
}

function findNoEffect({ redis }: Sections): ConfigWarning[] {
  if (redis.nodes.length > 0) return []
  const given = { REDIS_USERNAME: redis.username, REDIS_PASSWORD: redis.password }
  return Object.entries(given).flatMap(([variable, value]) =>
    value === undefined ? [] : [{ kind: 'no-effect', variable, message: `${variable} has no effect without REDIS_NODES` }],
  )
}

function findPlainTextDatabase({ db, preset }: Sections): ConfigWarning[] {
  if (preset !== 'production' || db.url === undefined || db.ssl.mode !== 'disable') return []
  const { hostname } = new URL(db.url.reveal())
  // Without a host name it is a socket in the file system.
  if (hostname === '' || isLoopback(hostname)) return []
  const message = 'DATABASE_SSL_MODE is disable: passwords and data cross the network unencrypted'
  return [{ kind: 'plain-text-database', variable: 'DATABASE_SSL_MODE', message }]
}

function findOpenHttp({ http }: Sections): ConfigWarning[] {
  if (isLoopback(http.host) || http.apiKey !== undefined) return []
  const message = 'CIDADAO_API_KEY is not set, and CIDADAO_HTTP_HOST can be reached from other machines'
  return [{ kind: 'open-http', variable: 'CIDADAO_API_KEY', message }]
}

function findSharedOrigin({ db, audit }: Sections): ConfigWarning[] {
  if (db.url === undefined || audit.origin !== DEFAULT_AUDIT_ORIGIN) return []
  const message = `CIDADAO_AUDIT_ORIGIN is the default ${DEFAULT_AUDIT_ORIGIN}: give this deployment's log a name of its own before the first entry`
  return [{ kind: 'shared-audit-origin', variable: 'CIDADAO_AUDIT_ORIGIN', message }]
}

function findNoCheckpoints({ db, audit }: Sections): ConfigWarning[] {
  if (db.url === undefined || audit.key !== undefined) return []
  const message =
    'CIDADAO_AUDIT_KEY is not set: no checkpoints of the audit log are signed, so whoever owns the database could rewrite it unseen'
  return [{ kind: 'no-checkpoints', variable: 'CIDADAO_AUDIT_KEY', message }]
}
