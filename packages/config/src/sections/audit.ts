import { matching } from '../rules/text-rules.ts'
import { defineSection, type Section } from '../section.ts'
import { variable } from '../variable.ts'

export interface AuditConfig {
  /** Name of this deployment's log. It is part of every hash, so it must differ between deployments and never change. */
  readonly origin: string
}

export const DEFAULT_AUDIT_ORIGIN = 'audit.cidadao.local/embedded'

export const auditSection: Section<AuditConfig> = defineSection({
  name: 'audit',
  title: 'Audit log',
  variables: {
    // Signed notes end the name at a space and the key at a `+`.
    CIDADAO_AUDIT_ORIGIN: variable(matching('1 to 255 printable ASCII characters without spaces or +', /^[!-*,-~]{1,255}$/), {
      field: 'audit.origin',
      default: DEFAULT_AUDIT_ORIGIN,
      doc: 'Name of this deployment’s log, for instance `audit.example.org/prod`. Choose it before the first entry and keep it.',
    }),
  },
  build: (values) => ({ origin: values.CIDADAO_AUDIT_ORIGIN }),
})
