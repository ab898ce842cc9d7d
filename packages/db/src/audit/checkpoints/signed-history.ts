import type { SqlExecutor } from '../../sql-executor.ts'
import { verifyAuditLog } from '../audit-verifier.ts'
import type { AuditPosition } from '../chain-replay.ts'
import type { Hash } from '../hash-chain.ts'
import { MerkleFrontier } from '../transparency/merkle-tree.ts'
import { AuditHistoryError } from './checkpoint-errors.ts'

/** Somebody says that the log has, or had, this state. */
export interface HistoryClaim {
  /** Who says so: an anchor's name, or `database`. */
  readonly source: string
  readonly size: number
  /** Undefined where only the size is known. */
  readonly root: Hash | undefined
}

/**
 * The log as this process has recomputed it itself, payload by payload, from the first entry on: so what is signed is
 * never taken from hashes that the database stores, and a rewritten log is not signed over. The first look reads the
 * whole log; later ones go on where the last ended.
 */
export class SignedHistory {
  readonly #origin: string
  #position: AuditPosition | undefined
  /** Claims below the position that were compared when it passed them. */
  #confirmed = new Set<string>()

  constructor(origin: string) {
    this.#origin = origin
  }

  /** How far the log has been recomputed. */
  get position(): AuditPosition | undefined {
    return this.#position
  }

  /**
   * The root of the first `to` entries, once all claims are found to be states of this log. Throws `AuditHistoryError`;
   * then `to` is not to be signed.
   */
  async rootAt(sql: SqlExecutor, to: number, claims: readonly HistoryClaim[], signal?: AbortSignal): Promise<Hash> {
    const reached = this.#position?.seq ?? 0
    if (to < reached) throw new AuditHistoryError('short', 'log', `the log had ${reached} entries, and has only ${to} now`)
    for (const { source, size } of claims) {
      if (size > to) throw new AuditHistoryError('short', source, `${source} has a checkpoint of ${size} entries, the log only ${to}`)
    }
    const isOpen = (claim: HistoryClaim): boolean => claim.root !== undefined && !this.#confirmed.has(keyOf(claim))
    const open = claims.filter(isOpen)
    // A claim about what was passed before anybody made it: rare enough to read everything again.
    if (open.some(({ size }) => size < reached)) this.#position = undefined
    for (const stop of [...new Set(open.map(({ size }) => size))].sort((one, other) => one - other)) {
      const root = await this.#advance(sql, stop, signal)
      for (const claim of open.filter(({ size }) => size === stop)) requireSame(claim, root)
    }
    const root = await this.#advance(sql, to, signal)
    this.#confirmed = new Set(claims.map(keyOf))
    return root
  }

  async #advance(sql: SqlExecutor, to: number, signal: AbortSignal | undefined): Promise<Hash> {
    const from = this.#position
    const verdict = await verifyAuditLog(sql, this.#origin, {
      to,
      ...(from !== undefined && { from }),
      ...(signal !== undefined && { signal }),
    })
    if (!verdict.ok) throw new AuditHistoryError(verdict.kind, 'log', verdict.detail)
    this.#position = verdict.position
    const { seq, frontier } = verdict.position
    return MerkleFrontier.restore(
      seq,
      frontier.map((hash) => Buffer.from(hash, 'hex')),
    ).root()
  }
}

function requireSame({ source, size, root: claimed }: HistoryClaim, root: Hash): void {
  if (claimed === undefined || Buffer.compare(claimed, root) === 0) return
  throw new AuditHistoryError('root', source, `the first ${size} entries are not those of the checkpoint that ${source} holds`)
}

function keyOf({ size, root }: HistoryClaim): string {
  return `${size}:${root === undefined ? '' : Buffer.from(root).toString('hex')}`
}
