import type { SqlExecutor } from '../../sql-executor.ts'
import { AuditEntryMissingError, AuditTreeError } from '../audit-errors.ts'
import { isEntryId } from '../audit-payload.ts'
import { leafHash } from '../hash-chain.ts'
import { verifyInclusion } from '../transparency/merkle-proof.ts'
import { AuditTree } from '../tree/audit-tree.ts'
import { noCheckpoint, openCheckpoint, type CheckpointSource, type SignedCheckpoint } from './checkpoint-source.ts'
import { formatConsistencyProof } from './consistency-proof.ts'
import { formatEntryProof } from './entry-proof.ts'

export interface AuditProverOptions {
  readonly origin: string
  /** All public keys that the log has had, as C2SP verifier keys. */
  readonly vkeys: readonly string[]
  /** Where signed checkpoints come from: `storedCheckpoints(sql)`, or an anchor. */
  readonly checkpoints: CheckpointSource
  /** @default a tree of its own */
  readonly tree?: AuditTree
}

/** One file that proves one entry. */
export interface EntryProof {
  readonly seq: number
  /** The entry, as it is hashed. */
  readonly payload: string
  /** Entries that the checkpoint in the proof covers. */
  readonly size: number
  /** The proof, with entry and signed checkpoint in it: what a `.tlog-proof` file holds. */
  readonly text: string
}

export interface ConsistencyProof {
  readonly oldSize: number
  readonly newSize: number
  /** The proof, with the newer signed checkpoint in it. */
  readonly text: string
}

interface PayloadRow {
  readonly seq: string
  readonly payload: string
}

/** Makes proofs that others verify without the database: of one entry, and that the log only ever grew. */
export class AuditProver {
  readonly #options: AuditProverOptions
  readonly #tree: AuditTree

  constructor(options: AuditProverOptions) {
    this.#options = options
    this.#tree = options.tree ?? new AuditTree()
  }

  /**
   * Proves that the entry with that id is in the log, by the newest signed checkpoint. The proof is checked before it is
   * given out.
   *
   * @throws AuditEntryMissingError there is no such entry, or it was pruned
   * @throws AuditCheckpointMissingError no signed checkpoint covers it yet
   * @throws AuditTreeError the log is not the one that was signed
   */
  async prove(sql: SqlExecutor, id: string): Promise<EntryProof> {
    const row = isEntryId(id) ? await readEntry(sql, id) : undefined
    if (row === undefined) throw new AuditEntryMissingError('the log has no entry with that id, or it was pruned', { facts: { id } })
    const [seq, { payload }] = [Number(row.seq), row]
    const { size, root, note } = await this.#checkpoint(seq)
    const path = await this.#tree.inclusion(sql, seq, { size, root })
    if (!verifyInclusion({ leaf: leafHash(payload), index: seq - 1, size, proof: path, root })) {
      throw new AuditTreeError(`the payload of entry ${seq} is not the one that was signed for: verify the log`, {
        facts: { reason: 'root', size },
      })
    }
    return { seq, payload, size, text: formatEntryProof({ index: seq - 1, path, checkpointNote: note }, payload) }
  }

  /**
   * Proves that the newest signed checkpoint goes on from the first `oldSize` entries. Whoever kept a checkpoint of that
   * size learns that nothing in it was changed since.
   */
  async consistency(sql: SqlExecutor, oldSize: number): Promise<ConsistencyProof> {
    const { size, root, note } = await this.#checkpoint(oldSize)
    const proof = await this.#tree.consistency(sql, oldSize, { size, root })
    return { oldSize, newSize: size, text: formatConsistencyProof({ oldSize, proof, note }) }
  }

  async #checkpoint(atLeast: number): Promise<SignedCheckpoint> {
    const note = await this.#options.checkpoints(atLeast)
    const checkpoint = note === undefined ? undefined : openCheckpoint(note, this.#options.origin, this.#options.vkeys)
    if (checkpoint === undefined || checkpoint.size < atLeast) throw noCheckpoint(atLeast)
    return checkpoint
  }
}

async function readEntry(sql: SqlExecutor, id: string): Promise<PayloadRow | undefined> {
  const text = 'SELECT seq, payload FROM audit_logs WHERE id = $1'
  const { rows } = await sql.query<PayloadRow>({ name: 'audit_payload', text, values: [id] })
  return rows[0]
}
