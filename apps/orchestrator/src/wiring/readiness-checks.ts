/** Checks without which no work is taken. Redis is not among them: the cache works without it. */
export const READINESS_CHECKS = ['postgresql', 'agent-pool'] as const
