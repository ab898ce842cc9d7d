import { hasCode } from '@cidadao/contracts'
import type { SqlExecutor } from '../../sql-executor.ts'
import { verifyAuditLog } from '../audit-verifier.ts'
import type { AuditPosition } from '../chain-replay.ts'
import type { Hash } from '../hash-chain.ts'
import { MerkleFrontier } from '../transparency/merkle-tree.ts'
import type { TreeHead } from '../tree/audit-tree.ts'
import { AuditHistoryError } from './checkpoint-errors.ts'
import type { ConsistencySource } from './checkpointer-options.ts'
import type { TrustedKeys } from './trusted-checkpoint.ts'

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
 * whole log; later ones go on where the last ended. What was signed before is compared by RFC 6962 consistency proofs.
 */
export class SignedHistory {
  readonly #keys: TrustedKeys
  readonly #tree: ConsistencySource
  #position: AuditPosition | undefined

  constructor(keys: TrustedKeys, tree: ConsistencySource) {
    this.#keys = keys
    this.#tree = tree
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
    const root = await this.#advance(sql, to, signal)
    const proved = new Set<string>()
    for (const { source, size, root: claimed } of claims) {
      if (claimed === undefined) continue
      const key = `${size}:${Buffer.from(claimed).toString('hex')}`
      if (!proved.has(key)) await this.#requireBeginning(sql, source, { size, root: claimed }, { size: to, root })
      proved.add(key)
    }
    return root
  }

  async #advance(sql: SqlExecutor, to: number, signal: AbortSignal | undefined): Promise<Hash> {
    const from = this.#position
    const { origin, verifiers } = this.#keys
    const verdict = await verifyAuditLog(sql, origin, {
      to,
      vkey: verifiers.map(({ vkey }) => vkey),
      ...(from !== undefined && { from }),
      ...(signal !== undefined && { signal }),
    })
    if (!verdict.ok) throw new AuditHistoryError(verdict.kind, 'log', verdict.detail)
    this.#position = verdict.position
    const { seq, frontier } = verdict.position
    const subtrees = frontier.map((hash) => Buffer.from(hash, 'hex'))
    return MerkleFrontier.restore(seq, subtrees).root()
  }

  async #requireBeginning(sql: SqlExecutor, source: string, older: TreeHead, newer: TreeHead): Promise<void> {
    try {
      // Checked against both roots before it is given out, so that no stored hash is believed here either.
      await this.#tree.consistency(sql, older, newer)
    } catch (error) {
      if (!hasCode(error, 'DB_AUDIT_TREE_MISMATCH')) throw error
      throw new AuditHistoryError('root', source, `the first ${older.size} entries are not those of the checkpoint that ${source} holds`)
    }
  }
}
