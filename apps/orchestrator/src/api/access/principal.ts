import type { ApiRole, OwnerScope } from '@cidadao/db'

/** What routes ask for. `read` and `write`: investigations; `operate`: details of health, and metrics. */
export const PERMISSIONS = ['read', 'write', 'operate'] as const
export type Permission = (typeof PERMISSIONS)[number]

/** `local`: the key of the configuration, or the one that is made on loopback. */
export type PrincipalRole = ApiRole | 'local'

/** On whose behalf a request is. */
export interface Principal {
  /** Of the key, for limits and logs; not secret. */
  readonly keyId: string
  readonly role: PrincipalRole
  /** Owner of what it submits; null: of nobody, as on the command line. */
  readonly owner: string | null
}

const GRANTED: Readonly<Record<PrincipalRole, readonly Permission[]>> = {
  owner: ['read', 'write'],
  auditor: ['read'],
  operator: ['operate'],
  local: ['read', 'write', 'operate'],
}

export function may(principal: Principal, permission: Permission): boolean {
  return GRANTED[principal.role].includes(permission)
}

/** Whose investigations it sees: its own, and an auditor those of everybody. The local key sees those without owner. */
export function scopeOf({ role, owner }: Principal): OwnerScope {
  return role === 'auditor' ? {} : { owner }
}
