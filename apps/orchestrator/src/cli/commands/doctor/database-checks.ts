import type { Config } from '@cidadao/config'
import { hasCode, systemClock } from '@cidadao/contracts'
import { migrationStatus } from '@cidadao/db'
import { composeStore, type Store } from '../../../compose-store.ts'
import type { Language } from '../../../plan/question.ts'
import { VERSION } from '../../../version.ts'
import { toDatabaseOptions } from '../../../wiring/config-to-options.ts'
import { errorLines } from '../../exit-codes.ts'
import { bad, good, warning, type Diagnosis } from './diagnosis.ts'

type Named = readonly [name: string, diagnosis: Diagnosis]

/** All that is asked of the database, over one start of it: what cannot be asked is said once and not once a check. */
export async function checkDatabase(config: Config, language: Language): Promise<readonly Named[]> {
  const migrations = await checkMigrations(config, language)
  if (migrations?.status === 'bad') return [['migrations', migrations]]
  const store = composeStore(config, VERSION)
  try {
    await store.start()
    const facts = await readFacts(store)
    return [
      ['database', await checkServer(store, facts, language)],
      ['settings', checkSettings(config, facts, language)],
      ['clock', checkClock(facts, language)],
      ['migrations', migrations ?? good(language === 'pt' ? 'aplicadas' : 'applied')],
      ['log', await checkLog(store, language)],
    ]
  } catch (error) {
    return [['database', bad(errorLines(error))]]
  } finally {
    await store.stop()
  }
}

/** Of a database of one's own; the embedded one is brought up to date by every start. */
async function checkMigrations(config: Config, language: Language): Promise<Diagnosis | undefined> {
  if (config.db.url === undefined) return undefined
  try {
    const { url, pool } = toDatabaseOptions(config, () => undefined)
    const { pending } = await migrationStatus({ url: typeof url === 'function' ? url() : url, ...(pool === undefined ? {} : { pool }) })
    if (pending.length === 0) return undefined
    return language === 'pt'
      ? bad(`faltam ${pending.length}: ${pending.join(', ')}`, 'execute "cidadao migrate"')
      : bad(`${pending.length} missing: ${pending.join(', ')}`, 'run "cidadao migrate"')
  } catch (error) {
    // What keeps everybody out of the database is told by the check of the database itself.
    return hasCode(error, 'DB_NEWER_THAN_CODE') || hasCode(error, 'DB_MIGRATION_EDITED') || hasCode(error, 'DB_MIGRATION_UNFINISHED')
      ? bad(errorLines(error))
      : undefined
  }
}

interface Facts {
  readonly version: string
  readonly encoding: string
  readonly fsync: string
  readonly synchronousCommit: string
  readonly fullPageWrites: string
  readonly maxConnections: number
  readonly reserved: number
  /** Of the server's clock against this machine's, in milliseconds; somewhere within `skewMs` ± `skewErrorMs`. */
  readonly skewMs: number
  readonly skewErrorMs: number
}

const FACTS = `
SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
  current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
  current_setting('full_page_writes') AS full_page_writes, current_setting('max_connections')::integer AS max_connections,
  current_setting('superuser_reserved_connections')::integer AS reserved,
  extract(epoch FROM clock_timestamp())::double precision * 1000 AS now_ms`

interface FactsRow {
  readonly version: string
  readonly encoding: string
  readonly fsync: string
  readonly synchronous_commit: string
  readonly full_page_writes: string
  readonly max_connections: number
  readonly reserved: number
  readonly now_ms: number
}

async function readFacts({ db }: Store): Promise<Facts> {
  const before = systemClock.now().getTime()
  const { rows } = await db.sql.query<FactsRow>({ name: 'doctor.facts', text: FACTS })
  const after = systemClock.now().getTime()
  const [row] = rows
  if (row === undefined) throw new Error('the server told nothing about itself')
  const { synchronous_commit, full_page_writes, max_connections, now_ms, ...rest } = row
  return {
    ...rest,
    synchronousCommit: synchronous_commit,
    fullPageWrites: full_page_writes,
    maxConnections: max_connections,
    skewMs: now_ms - (before + after) / 2,
    skewErrorMs: (after - before) / 2,
  }
}

async function checkServer({ db, config }: Store, { version }: Facts, language: Language): Promise<Diagnosis> {
  const { latencyMs, role } = await db.ping()
  const latency = `${latencyMs.toFixed(1)} ms`
  const own = config.db.url === undefined
  return good(
    language === 'pt'
      ? `PostgreSQL ${version} ${own ? 'embutido' : 'configurado'}, ${role === 'primary' ? 'primário' : 'réplica'}, ${latency}`
      : `${own ? 'embedded' : 'configured'} PostgreSQL ${version}, ${role}, ${latency}`,
  )
}

/** What acknowledged investigations and the audit log rely on. */
function checkSettings({ db }: Config, facts: Facts, language: Language): Diagnosis {
  const pt = language === 'pt'
  const off = [
    ...(facts.fsync === 'on' ? [] : ['fsync']),
    ...(facts.fullPageWrites === 'on' ? [] : ['full_page_writes']),
    ...(facts.synchronousCommit === 'off' ? ['synchronous_commit'] : []),
  ]
  if (facts.encoding !== 'UTF8')
    return pt
      ? bad(`codificação ${facts.encoding}`, 'crie o banco com UTF8')
      : bad(`encoding ${facts.encoding}`, 'create the database with UTF8')
  if (off.length > 0) {
    return pt
      ? warning(`${off.join(', ')} desligado: uma queda pode perder o que foi confirmado`, `ligue ${off.join(', ')} no postgresql.conf`)
      : warning(`${off.join(', ')} off: a crash may lose what was acknowledged`, `switch ${off.join(', ')} on in postgresql.conf`)
  }
  const planned = (db.poolSize + db.maxOverflow + 1) * db.processes
  const available = facts.maxConnections - facts.reserved
  const figures = `max_connections ${facts.maxConnections}, ${planned}`
  if (planned > available) {
    return pt
      ? warning(`${figures} planejadas`, 'reduza DATABASE_POOL_SIZE e DATABASE_MAX_OVERFLOW, ou aumente max_connections')
      : warning(`${figures} planned`, 'lower DATABASE_POOL_SIZE and DATABASE_MAX_OVERFLOW, or raise max_connections')
  }
  return good(pt ? `duráveis; UTF8; ${figures} planejadas` : `durable; UTF8; ${figures} planned`)
}

const MOST_SKEW_MS = 1_000

/** The audit log has times of this machine and of the server side by side; leases and expiry go by the server's. */
export function checkClock({ skewMs, skewErrorMs }: Pick<Facts, 'skewMs' | 'skewErrorMs'>, language: Language): Diagnosis {
  const pt = language === 'pt'
  const detail = pt
    ? `o servidor está ${Math.round(skewMs)} ms adiantado (± ${Math.ceil(skewErrorMs)} ms)`
    : `the server is ${Math.round(skewMs)} ms ahead (± ${Math.ceil(skewErrorMs)} ms)`
  if (Math.abs(skewMs) - skewErrorMs <= MOST_SKEW_MS) return good(detail)
  return warning(
    detail,
    pt ? 'sincronize os relógios das duas máquinas, por exemplo com NTP' : 'synchronise the clocks of both machines, by NTP for instance',
  )
}

async function checkLog({ db }: Store, language: Language): Promise<Diagnosis> {
  const pt = language === 'pt'
  const verdict = await db.audit.verify(db.sql)
  if (verdict.ok) return good(pt ? `${verdict.checked} entradas de auditoria verificadas` : `${verdict.checked} audit entries verified`)
  return bad(
    verdict.detail,
    pt ? 'execute "cidadao audit verify" e restaure de um backup' : 'run "cidadao audit verify" and restore from a backup',
  )
}
