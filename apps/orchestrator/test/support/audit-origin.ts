export const AUDIT_ORIGIN = 'audit.cidadao.test/orchestrator'
