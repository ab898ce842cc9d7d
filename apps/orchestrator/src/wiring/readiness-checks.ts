/** Checks that must have worked once, all at the same time: the configuration and the migrations hold where this process runs at all. */
export const STARTUP_CHECKS = ['postgresql'] as const
/** Checks without which no work is taken. Redis is not among them: the cache works without it. */
export const READINESS_CHECKS = ['postgresql', 'database-pool', 'agent-pool'] as const
