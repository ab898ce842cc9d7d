import type { AuditWatchStats, CheckpointerStats } from '@cidadao/db'
import type { HealthContributor, HealthObservation, HealthPart } from '@cidadao/monitoring'
import type { AuditTrust } from '../audit/audit-trust.ts'

/**
 * Whether the log is still believable. It never fails the whole: what has been altered is not mended by taking the
 * service away, and whoever investigates needs it.
 */
export function auditLog(audit: Pick<AuditTrust, 'stats'>, timeoutMs: number): HealthContributor {
  return {
    name: 'audit-log',
    critical: false,
    timeoutMs,
    check: () => {
      const { checkpoints, verifications } = audit.stats()
      return { ...ofCheckpoints(checkpoints), ...ofVerifications(verifications) }
    },
  }
}

function ofCheckpoints(stats: CheckpointerStats | null): HealthObservation {
  if (stats === null) return { status: 'warn', observedValue: 'unsigned', code: 'AUDIT_CHECKPOINTS_OFF' }
  const { condition, anchors, unanchoredEntries } = stats
  const observed = { observedValue: unanchoredEntries, observedUnit: 'unanchored entries', children: anchors.map(toPart) }
  if (condition.state === 'history-broken') return { status: 'fail', ...observed, code: condition.code, detail: condition.detail }
  if (condition.state === 'failing') return { status: 'warn', ...observed, code: condition.code }
  return { status: 'pass', ...observed }
}

function toPart({ name, size, code }: CheckpointerStats['anchors'][number], index: number): HealthPart {
  const state = code === null ? { status: 'pass' as const } : { status: 'warn' as const, code }
  // A witness is named as its owner likes, which is no name of a part.
  const part = /^[a-z][a-z0-9-]*$/.test(name) ? name : String(index + 1)
  return { name: `anchor-${part}`, critical: false, observedValue: size, observedUnit: 'entries', ...state }
}

/** What was found altered outweighs everything that the checkpoints say. */
function ofVerifications(stats: AuditWatchStats | null): Partial<HealthObservation> {
  const verdict = stats?.fault?.verdict
  if (verdict?.ok !== false) return {}
  return { status: 'fail', code: `AUDIT_${verdict.kind.toUpperCase()}`, detail: verdict.detail }
}
