import { access, constants, mkdir, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { connectRedis } from '@cidadao/cache/redis'
import { loadConfig, type Config } from '@cidadao/config'
import { toError } from '@cidadao/contracts'
import { auditAnchorsOf } from '../../audit/audit-anchors.ts'
import { loadAuditKeys } from '../../audit/audit-keys.ts'
import { askAnchors, newestOf } from '../../audit/newest-anchored.ts'
import { composeStore } from '../../compose-store.ts'
import { VERSION } from '../../version.ts'
import { toRedisOptions } from '../../wiring/config-to-options.ts'
import type { CommandContext, OutputOptions } from '../command-context.ts'
import { errorLines, EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import type { Style } from '../output/terminal.ts'
import { quietUnlessAsked } from '../with-store.ts'

export type Diagnosis =
  | { readonly status: 'good' | 'warning'; readonly detail: string }
  /** Without a `mend` where the detail says it. */
  | { readonly status: 'bad'; readonly detail: string; readonly mend?: string }

const MARKS: Readonly<Record<Diagnosis['status'], readonly [mark: string, style: Style]>> = {
  good: ['✓', 'green'],
  warning: ['!', 'yellow'],
  bad: ['✗', 'red'],
}
const LEAST_FREE_BYTES = 512 * 1024 * 1024

/** `cidadao doctor`: one line a check, with the mend where something is wrong. Exit code 1 when anything is. */
export async function doctor(options: OutputOptions, { terminal }: CommandContext): Promise<ExitCode> {
  const config = quietUnlessAsked(loadConfig())
  const checks: readonly (readonly [name: string, check: () => Promise<Diagnosis>])[] = [
    ['node', async () => ({ status: 'good', detail: process.version })],
    ['disk', () => checkDisk(config)],
    ['port', () => checkPort(config)],
    ['database', () => checkDatabase(config)],
    ['audit', () => checkAudit(config)],
    ['redis', () => checkRedis(config)],
  ]
  const results: (Diagnosis & { readonly check: string })[] = []
  for (const [name, check] of checks) {
    terminal.status(`${name} …`)
    const diagnosis = await check().catch((thrown: unknown): Diagnosis => {
      return { status: 'bad', detail: errorLines(thrown) }
    })
    results.push({ check: name, ...diagnosis })
  }
  terminal.status('')
  const lines = results.map((result) => {
    const [mark, style] = MARKS[result.status]
    const mend = result.status === 'bad' && result.mend !== undefined ? `  →  ${result.mend}` : ''
    return `${terminal.style(style, mark)} ${result.check.padEnd(10)}${result.detail}${mend}`
  })
  terminal.out(options.json === true ? JSON.stringify(results, null, 2) : lines.join('\n'))
  return results.some(({ status }) => status === 'bad') ? EXIT_CODES.failure : EXIT_CODES.success
}

async function checkDisk({ db }: Config): Promise<Diagnosis> {
  const folder = dirname(db.dataDir)
  await mkdir(folder, { recursive: true })
  await access(folder, constants.W_OK)
  const { bavail, bsize } = await statfs(folder)
  const free = `${Math.round((bavail * bsize) / 1024 / 1024)} MiB free in ${folder}`
  return bavail * bsize >= LEAST_FREE_BYTES
    ? { status: 'good', detail: free }
    : { status: 'bad', detail: free, mend: 'free some space, or set CIDADAO_DATA_DIR to another disk' }
}

function checkPort({ http }: Config): Promise<Diagnosis> {
  if (http.port === 0) return Promise.resolve({ status: 'good', detail: `${http.host}, any free port` })
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error) => {
      resolve({
        status: 'bad',
        detail: `${http.host}:${http.port} cannot be listened on: ${error.message}`,
        mend: 'set CIDADAO_HTTP_HOST and CIDADAO_HTTP_PORT to a free address; if it is "cidadao start" that runs there, all is well',
      })
    })
    probe.listen(http.port, http.host, () => probe.close(() => resolve({ status: 'good', detail: `${http.host}:${http.port} is free` })))
  })
}

async function checkDatabase(config: Config): Promise<Diagnosis> {
  const store = composeStore(config, VERSION)
  await store.start()
  try {
    const { latencyMs, role } = await store.db.ping()
    const verdict = await store.db.audit.verify(store.db.sql)
    const kind = config.db.url === undefined ? 'embedded' : 'configured'
    const detail = `${kind} PostgreSQL, ${role}, ${latencyMs.toFixed(1)} ms, migrations applied, ${verdict.checked} audit entries verified`
    return verdict.ok
      ? { status: 'good', detail }
      : { status: 'bad', detail: verdict.detail, mend: 'run "cidadao audit verify" and restore from a backup' }
  } finally {
    await store.stop()
  }
}

async function checkAudit(config: Config): Promise<Diagnosis> {
  const { signer, vkeys } = await loadAuditKeys(config)
  if (signer === undefined) {
    return { status: 'warning', detail: 'no checkpoints: CIDADAO_AUDIT_KEY is not set; "cidadao audit key --new" makes one' }
  }
  const answers = await askAnchors(auditAnchorsOf(config), vkeys, new AbortController().signal)
  const told = answers.map((answer) => `${answer.anchor} ${answer.outcome === 'holds' ? answer.size : answer.outcome}`).join(', ')
  const detail = `key ${signer.keyId}, entries anchored: ${told}`
  const failed = answers.flatMap((answer) => (answer.outcome === 'failed' ? [`${answer.anchor}: ${answer.reason}`] : []))
  if (failed.length > 0)
    return {
      status: 'bad',
      detail: `${detail} (${failed.join('; ')})`,
      mend: 'mend the anchor or the key, then run "cidadao audit checkpoint"',
    }
  if (newestOf(answers) !== undefined) return { status: 'good', detail }
  return { status: 'warning', detail: `${detail}; "cidadao audit checkpoint" makes the first checkpoint` }
}

async function checkRedis({ redis }: Config): Promise<Diagnosis> {
  if (redis.nodes.length === 0) return { status: 'good', detail: 'none configured: the cache works in memory and PostgreSQL' }
  const connection = connectRedis(toRedisOptions(redis))
  try {
    await connection.start()
    const status = connection.status()
    if (status.state === 'connected') return { status: 'good', detail: `${status.mode}, ${status.nodes.length} nodes` }
    const reason = 'cause' in status ? toError(status.cause).message : status.state
    return { status: 'bad', detail: reason, mend: 'start the nodes of REDIS_NODES, or correct it; the cache works without meanwhile' }
  } finally {
    await connection.stop()
  }
}
