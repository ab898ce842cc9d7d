import { AuditEntryError } from './audit-errors.ts'

export const ACTOR_KINDS = ['agent', 'human', 'system'] as const

/**
 * Who did it. The log keeps an actor in the payload's one member `agent`, so that the format stays version 1 and the
 * index on it serves all three kinds: an agent by its name, `human:<id>`, `system` or `system:<component>`.
 */
export type AuditActor =
  | { readonly kind: 'agent'; readonly name: string }
  /** `id` is a pseudonym, such as an account's key: the log never forgets, so neither a name nor a CPF belongs here. */
  | { readonly kind: 'human'; readonly id: string }
  | { readonly kind: 'system'; readonly component?: string }

const HUMAN_PREFIX = 'human:'
const SYSTEM = 'system'
const SYSTEM_PREFIX = 'system:'
const MAX_LENGTH = 100

/** The text of an actor as the log stores it. Throws `AuditEntryError` where it could not be read back. */
export function toAgentText(actor: AuditActor): string {
  switch (actor.kind) {
    case 'agent':
      return checked(actor.name !== SYSTEM && !actor.name.includes(':'), actor.name, 'an agent name has no colon and is not "system"')
    case 'human':
      return checked(actor.id !== '', `${HUMAN_PREFIX}${actor.id}`, 'a human has an id')
    case 'system':
      return actor.component === undefined
        ? SYSTEM
        : checked(actor.component !== '', `${SYSTEM_PREFIX}${actor.component}`, 'a component is not empty')
  }
}

/** Reads back what `toAgentText` wrote. */
export function toActor(agentText: string): AuditActor {
  if (agentText === SYSTEM) return { kind: 'system' }
  if (agentText.startsWith(SYSTEM_PREFIX)) return { kind: 'system', component: agentText.slice(SYSTEM_PREFIX.length) }
  if (agentText.startsWith(HUMAN_PREFIX)) return { kind: 'human', id: agentText.slice(HUMAN_PREFIX.length) }
  return { kind: 'agent', name: agentText }
}

function checked(valid: boolean, text: string, rule: string): string {
  if (!valid) throw refusal(rule, text)
  if (text === '' || Array.from(text).length > MAX_LENGTH || text.trim() !== text) {
    throw refusal(`1 to ${MAX_LENGTH} characters, no space at either end`, text)
  }
  return text
}

function refusal(rule: string, received: string): AuditEntryError {
  return new AuditEntryError(`audit entry: actor: ${rule}, got "${received}"`, { facts: { field: 'actor', rule } })
}
